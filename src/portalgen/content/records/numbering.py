"""How documents are numbered (domain §4.1)."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from portalgen.content.records.base import Flaw, Record
from portalgen.content.scalars import Text, Whole

TOKEN = re.compile(r"\{([^{}]*)\}")
_COUNTER = re.compile(r"(?:client_)?seq(?::([1-9]))?\Z", re.ASCII)
_OTHERS = ("yyyy", "yy", "mm", "dd", "client", "series")
_ALL = "{yyyy} {yy} {mm} {dd} {seq} {seq:4} {client} {client_seq:3} {series}"


def is_counter(token: str) -> bool:
    """Whether a token (without its braces) is the part of a number that counts, e.g. seq, seq:4, client_seq:3."""
    return bool(_COUNTER.match(token))


def counter_width(token: str) -> int:
    """How many digits a counter has at least."""
    found = _COUNTER.match(token)
    return int(found[1] or 1) if found else 0


class Series(Record, frozen=True, kw_only=True):
    """How one kind of document is numbered (domain §4.1)."""

    pattern: Text = "{yyyy}-{seq:4}"
    reset: Literal["never", "year", "month", "client"] = "year"
    start: Annotated[int, Whole(0, 99999999)] = 1

    @property
    def tokens(self) -> tuple[str, ...]:
        """What stands in braces in the pattern, in order."""
        return tuple(TOKEN.findall(self.pattern))

    @property
    def per_client(self) -> bool:
        """Whether every client's numbers are counted by themselves."""
        return self.reset == "client" or any(token.startswith("client_seq") for token in self.tokens)

    def flaws(self) -> Iterator[Flaw]:
        tokens, at = self.tokens, ("pattern",)
        unknown = [token for token in tokens if not is_counter(token) and token not in _OTHERS]
        if unknown or set("{}") & set(TOKEN.sub("", self.pattern)):
            what = f"'{{{unknown[0]}}}' is not a part of a number" if unknown else "a brace is open, or closes nothing"
            yield Flaw(at, "bad-pattern", what, f"use {_ALL}")
            return
        if sum(map(is_counter, tokens)) != 1:
            message = "a number counts with exactly one of {seq} and {client_seq}"
            yield Flaw(at, "bad-pattern", message, "write it like '{yyyy}-{seq:4}'")
            return
        if needed := self._needed(tokens):
            message = f"this series begins again by {self.reset}, and its numbers do not say which {self.reset}"
            yield Flaw(("reset",), "bad-pattern", message, f"put {needed} into the pattern, or write reset: never")
        elif self.per_client and "client" not in tokens:
            message = "two clients would get the same number: {client_seq} counts for each client"
            yield Flaw(at, "bad-pattern", message, "put {client} into the pattern, or count with {seq}")

    def _needed(self, tokens: tuple[str, ...]) -> str:
        """What the pattern lacks for its reset."""
        if self.reset == "client":
            return "" if "client" in tokens else "{client}"
        year = "" if {"yyyy", "yy"} & {*tokens} else "{yyyy}"
        month = "" if "mm" in tokens else "{mm}"
        wanted = {"year": (year,), "month": (year, month)}.get(self.reset, ())
        return " and ".join(filter(None, wanted))


class Numbering(Record, frozen=True, kw_only=True):
    """One series for each kind of document."""

    invoice: Series = Series()
    credit_note: Series = Series(pattern="CN-{yyyy}-{seq:4}")
    receipt: Series = Series(pattern="R-{yyyy}-{seq:4}")
    estimate: Series = Series(pattern="E-{yyyy}-{seq:4}")
    letter: Series = Series(pattern="L-{yyyy}-{seq:4}")
