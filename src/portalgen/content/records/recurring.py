"""Invoices that return, written in client.yaml (domain §3)."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from portalgen.content.records.base import CLIENT, Flaw, Record, Ref
from portalgen.content.records.documents import Line, reversed_dates
from portalgen.content.scalars import Date, Flag, Id, Text, UnitPrice, Whole

Every = Literal["1w", "2w", "4w", "1m", "2m", "3m", "6m", "1y"]
_LONGEST_ID = 52  # with a hyphen and a date it is an id of 63 signs


class PriceChange(Record, frozen=True, kw_only=True):
    """From this day a line has this unit price. `line` counts from 1."""

    from_: Date = msgspec.field(name="from")
    unit_price: Annotated[UnitPrice, CLIENT]
    line: Annotated[int, Whole(1, 999)] | None = None


class Pause(Record, frozen=True, kw_only=True):
    """Days on which nothing is invoiced, both included."""

    from_: Date = msgspec.field(name="from")
    to: Date

    def flaws(self) -> Iterator[Flaw]:
        return reversed_dates(self.from_, self.to)


class Recurring(Record, frozen=True, kw_only=True):
    """An invoice that returns. Its runs are on the days that `rules/recurring.py` counts from `from`."""

    id: Id
    lines: tuple[Line, ...]
    every: Every
    from_: Date = msgspec.field(name="from")
    day: Literal["last"] | Annotated[int, Whole(1, 31)] | None = None
    until: Date | None = None
    count: Annotated[int, Whole(1, 9999)] | None = None
    terms: Annotated[Id, Ref("terms")] | None = None
    approve: Literal["auto", "draft"] = "draft"
    skip: tuple[Date, ...] = ()
    paused: Flag | Date | Pause = False
    price_changes: tuple[PriceChange, ...] = ()
    period_text: Annotated[Text, CLIENT] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if len(self.id) > _LONGEST_ID:
            message = "this id is too long: each invoice is named after it and its day"
            yield Flaw(("id",), "bad-id", message, f"write at most {_LONGEST_ID} signs")
        if not self.lines:
            hint = "add a line with service:, or with description: and unit_price:"
            yield Flaw(("lines",), "too-few", "an invoice has at least one line", hint)
        for n, line in enumerate(self.lines):
            once = next((key for key in ("session", "charge", "late_fee") if getattr(line, key)), "")
            if once:
                message = f"a {once.replace('_', ' ')} is invoiced once, and these lines return"
                hint = "name a service, or write description: and unit_price:"
                yield Flaw(("lines", n, once), "billed-again", message, hint)
            if line.date or line.period:
                message = "these lines return, so they have no day of their own"
                hint = "take it away: each invoice says the period it is for"
                yield Flaw(("lines", n, "date" if line.date else "period"), "billed-again", message, hint)
        if self.day and self.every.endswith("w"):
            hint = "take 'day' away: weeks are counted from the day in 'from'"
            yield Flaw(("day",), "one-of", "what returns by weeks has no day of the month", hint)
        if self.until:
            yield from reversed_dates(self.from_, self.until, "until")
        yield from self._changes()

    def _changes(self) -> Iterator[Flaw]:
        seen: set[tuple[int, object]] = set()
        for n, change in enumerate(self.price_changes):
            line = change.line or 1
            if change.line is None and len(self.lines) > 1:
                message = "there are several lines, and this does not say which gets the new price"
                yield Flaw(("price_changes", n), "missing-key", message, "add line: 1 for the first one")
            elif line > len(self.lines):
                message = f"there is no line {line}"
                yield Flaw(("price_changes", n, "line"), "bad-value", message, f"write 1 to {len(self.lines)}")
            elif (line, change.from_) in seen:
                message = "this line has two new prices from the same day"
                yield Flaw(("price_changes", n, "from"), "one-of", message, "keep one of them")
            seen.add((line, change.from_))
