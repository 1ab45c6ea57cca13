"""What several forms of the desk ask alike."""

from __future__ import annotations

from portalgen.desk.board_forms import Field, Form, Given, Option
from portalgen.desk.board_records import Seen


def clients_of(seen: Seen) -> tuple[Option, ...]:
    """All clients, by their names."""
    return tuple(Option(folder.id, folder.client.name.display) for folder in seen.folders())


def choose_client(seen: Seen, name: str, title: str, given: Given) -> Form:
    """The form that asks for whom, where a link did not say."""
    options = clients_of(seen)
    if not options:
        return nobody(name, title)
    field = Field("client", "Client", "select", options=options, required=True).filled(given)
    return Form(name, title, (), (field,), "Go on", choosing="Choose a client.")


def nobody(name: str, title: str) -> Form:
    """What stands in for a form about a client while there is none."""
    return Form(name, title, ("There are no clients yet.", "Make one: portalgen new client NAME"), (), "")
