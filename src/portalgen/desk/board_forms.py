"""What the desk's forms are made of, how what was typed becomes values, and what an action answers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from portalgen.content.lock import LOCK
from portalgen.content.records.base import Misfit
from portalgen.desk.books import Unclear
from portalgen.desk.writing import Edit

T = TypeVar("T")
Given = Mapping[str, Sequence[str]]
"""What a form sent, or what a link fills in: every value of each field."""

Kind = Literal["text", "amount", "date", "moment", "area", "select", "list", "checks", "radios", "hidden"]


class Option(msgspec.Struct, frozen=True):
    """One of the values to choose from."""

    value: str
    label: str


class Field(msgspec.Struct, frozen=True):
    """One field. A `list` takes other values than its options too; `aside` fields stand folded away."""

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    options: tuple[Option, ...] = ()
    required: bool = False
    values: tuple[str, ...] = ()
    aside: bool = False

    @property
    def value(self) -> str:
        """The one value of a field that has one."""
        return self.values[0] if self.values else ""

    def filled(self, given: Given, default: str = "") -> Field:
        """The field with what was typed or filled in, else with `default`."""
        return msgspec.structs.replace(self, values=tuple(given.get(self.name, ())) or ((default,) if default else ()))


class Form(msgspec.Struct, frozen=True):
    """A form with what it says before it is filled in. Without a `submit` there is nothing to send.

    `choosing`: it only leads on to the form itself; what to say when nothing that fits was chosen in its one field.
    `shown` is a file as it is.
    """

    name: str
    title: str
    intro: tuple[str, ...]
    fields: tuple[Field, ...]
    submit: str
    shown: tuple[str, str] | None = None
    choosing: str = ""


class Wrong(Exception):
    """What was typed cannot be: a sentence for each field, and what is wrong with no field in particular."""

    def __init__(self, fields: Mapping[str, str], general: Sequence[str] = ()) -> None:
        super().__init__("; ".join([*fields.values(), *general]))
        self.fields, self.general = dict(fields), tuple(general)


class Change(msgspec.Struct, frozen=True):
    """A file that was changed: the lines of its unified diff, or, where nobody reads those, a sentence."""

    path: str
    new: bool
    lines: tuple[str, ...] = ()
    sentence: str = ""


def form_of(name: str, **given: str) -> str:
    """The address of a form, filled in."""
    return f"/desk/{name}?{urlencode(given)}"


class Next(msgspec.Struct, frozen=True):
    """Where to go from here."""

    label: str
    href: str


class Done(msgspec.Struct, frozen=True):
    """What an action did: in sentences, in files, and where to go on."""

    title: str
    lines: tuple[str, ...]
    changes: tuple[Change, ...]
    after: tuple[Next, ...]


def first(given: Given, name: str) -> str:
    """The first value of a field, empty when there is none."""
    return next(iter(given.get(name, ())), "")


class Typed:
    """What was typed. Problems are gathered, so that all of them are told at once; `settle` raises them."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self.problems: dict[str, str] = {}

    def text(self, name: str, needed: str = "") -> str:
        """A text without white around it. `needed`: what to say when there is none."""
        text = first(self._given, name).strip()
        if needed and not text:
            self.problems.setdefault(name, needed)
        return text

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return tuple(value for value in self._given.get(name, ()) if value)

    def parsed(self, name: str, parse: Callable[[str], T], needed: str = "") -> T | None:
        """A text as a value; None when there is none or it does not fit."""
        text = self.text(name, needed)
        try:
            return parse(text) if text else None
        except Misfit as misfit:
            self.problems.setdefault(name, sentence(misfit.message, misfit.hint))
            return None

    def settle(self) -> None:
        """Raises `Wrong` with what was gathered."""
        if self.problems:
            raise Wrong(self.problems)


def sentence(message: str, hint: str) -> str:
    """A problem and what to do, as sentences."""
    said = " ".join(f"{part[:1].upper()}{part[1:]}." for part in (message.rstrip("."), hint.rstrip(".")) if part)
    return said.replace("?.", "?")


def wrong(unclear: Unclear, fields: Iterable[str], otherwise: str) -> Wrong:
    """What an action could not do, at the field it is about; `otherwise` is that field when it names none of these."""
    field = unclear.field if unclear.field in set(fields) else otherwise
    return Wrong({field: sentence(unclear.message, unclear.hint)})


def changes_of(root: Path, edits: Iterable[Edit], locked: str = "") -> Iterator[Change]:
    """What was written. `locked`: what the lock remembers now."""
    for edit in edits:
        path = edit.path.relative_to(root).as_posix()
        if path == LOCK:
            yield Change(path, edit.before is None, sentence=locked)
        else:
            yield Change(path, edit.before is None, tuple(_diff(path, edit)))


def _diff(path: str, edit: Edit) -> Iterator[str]:
    before, after = _lines(edit.before), _lines(edit.after)
    old = "/dev/null" if edit.before is None else path
    return (line.rstrip("\r\n") for line in difflib.unified_diff(before, after, old, path))


def _lines(data: bytes | None) -> list[str]:
    return (data or b"").decode("utf-8", "replace").splitlines(keepends=True)
