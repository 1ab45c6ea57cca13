"""What several forms of the desk ask alike."""

from __future__ import annotations

from portalgen.desk.board_forms import Field, Form, Given, Option
from portalgen.desk.board_records import Seen


def first(given: Given, name: str) -> str:
    """The first value of a field, empty when there is none."""
    return next(iter(given.get(name, ())), "")


def clients_of(seen: Seen) -> tuple[Option, ...]:
    """All clients, by their names."""
    return tuple(Option(folder.id, folder.client.name.display) for folder in seen.folders())


def choose_client(seen: Seen, name: str, title: str, given: Given) -> Form:
    """The form that asks for whom, where a link did not say."""
    field = Field(
        "client", "Client", "select", options=clients_of(seen), required=True, values=(first(given, "client"),)
    )
    return Form(name, title, (), (field,), "Go on", choosing=True)
