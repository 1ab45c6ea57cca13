"""One value that may not be public, and how all of a client come into the form in which they are looked for."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from portalgen.content.records.base import KeyPath
from portalgen.publish.disclosed import APART, PHONE, spaced

Weight = Literal["firm", "said", "loose", "own"]
Form = Literal["words", "name", "phone", "birth"]


Trail = tuple[Any, ...]
"""The way to a value: empty, or the way to what holds it and the key there. Hardly any is asked for in one piece."""


class Value(msgspec.Struct, frozen=True):
    """What to look for: `lead` are its first words, `row` all, of a name as it is written, with spaces between them.

    `at` or `text` is its place in the file `path`.

    How sure it is that where its words stand the value stands: *firm*, whatever else says them; *said*, unless the
    site itself says the same in public (in a text of its own that is worth a warning, in a rule, guide or service
    nothing, for clients are told those words); *loose*, a warning at most; *own* is not about a
    client, and may be public if the practitioner wrote it there.
    """

    lead: tuple[bytes, ...]
    row: bytes
    form: Form
    weight: Weight
    private: bool
    path: str
    trail: Trail = ()
    text: str = ""

    @property
    def words(self) -> bytes:
        """All words of it, one space between them. What is only asked of few values is not worked out before."""
        return b" ".join(self.row.split())

    @property
    def at(self) -> KeyPath:
        """Its place in the records of its file; empty where `text` tells it."""
        trail, keys = self.trail, list[str | int]()
        while trail:
            trail, key = trail
            keys.append(key)
        return tuple(reversed(keys))


class File(msgspec.Struct, frozen=True):
    """A source. It is its client's, or the practice's own."""

    path: str
    own: bool = False


Raw = tuple[str, Form, Weight, bool, str, Trail, str]
"""A value before its text is brought into the form that is compared."""


def add(
    text: str, file: File, trail: Trail, form: Form, weight: Weight, private: bool, found: list[Raw], line: str = ""
) -> None:
    """Takes a text; `line` is its place where it is none of a record."""
    if file.own and form != "phone":
        weight = "own"
    found.append((text, form, weight, private, file.path, () if line else trail, line))


def finished(found: list[Raw]) -> tuple[Value, ...]:
    """Values from texts, each once. All are brought into one form together, which is quicker than one by one."""
    if not found:
        return ()
    found = list({raw[:4]: raw for raw in reversed(found)}.values())
    text = spaced(APART.decode().join([raw[0] for raw in found]).encode("utf-8", "replace"), cased=True)
    values = []
    for (_, form, weight, private, path, trail, line), cased, low in zip(
        found, text.split(b"\x01"), text.lower().split(b"\x01"), strict=True
    ):
        lead = tuple(low.split(None, 2)[:2])
        if form == "phone":
            lead = (PHONE, low.strip())
        elif form == "birth":
            lead = lead[:1]
        if lead:
            values.append(Value(lead, cased if form == "name" else low, form, weight, private, path, trail, line))
    return tuple(values)
