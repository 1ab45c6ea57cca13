"""What every record is made of: the base class, the audience of a field, references and short forms.

A field is public (the site shows it), client (that client's pages show it) or private (never published).
A class names its audience once; a field that differs says so with `Annotated[..., PRIVATE]`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec

Audience = Literal["public", "client", "private", "derived"]
KeyPath = tuple[str | int, ...]


class For(msgspec.Struct, frozen=True):
    """Marks who may see a field; `derived` fields are set by the loader and may not be written."""

    audience: Audience


PUBLIC, CLIENT, PRIVATE, DERIVED = For("public"), For("client"), For("private"), For("derived")


class Scalar(msgspec.Struct, frozen=True):
    """How one text becomes a value. `parse` raises `Misfit`; `schema` is the JSON Schema of what may be written."""

    parse: Callable[[str], Any]
    schema: Mapping[str, Any]

    def __hash__(self) -> int:
        """By the parser: a union of annotated types must be hashable, and the schema is a dict."""
        return hash(self.parse)


class Ref(msgspec.Struct, frozen=True):
    """The text is the id of something of that kind; the loader checks that it exists."""

    kind: str


class Misfit(ValueError):
    """A text that does not fit its field: what is wrong, and what to write instead."""

    def __init__(self, message: str, hint: str = "", code: str = "bad-value") -> None:
        super().__init__(message)
        self.message, self.hint, self.code = message, hint, code


class Flaw(msgspec.Struct, frozen=True):
    """A problem inside one record, found when its fields are all well formed. `at` leads to the field."""

    at: KeyPath
    code: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One mapping of a source file, typed. Unknown keys are errors, absent optional keys have their default."""

    audience: ClassVar[Audience] = "private"

    def flaws(self) -> Iterator[Flaw]:
        """Problems between the fields of this record; each record with such a rule overrides it."""
        return iter(())
