"""When an invoice falls due, and the parts of a payment plan (domain §3 terms, §4.7)."""

from __future__ import annotations

import calendar
import datetime as dt
from decimal import Decimal

import msgspec

from portalgen.content.records.documents import Instalment
from portalgen.content.records.offer import Terms
from portalgen.rules.money import CONTEXT, ZERO, rounded, total
from portalgen.rules.totals import HUNDRED

DAY = dt.timedelta(days=1)


def due_date(terms: Terms, issued: dt.date, session: dt.datetime | None = None) -> dt.date:
    """The due date by the terms. `session` is the first session on the invoice, in the practice's zone."""
    rule = terms.due
    if rule.kind == "net":
        day = issued + rule.count * DAY
    elif rule.kind == "end_of_month":
        day = issued.replace(day=calendar.monthrange(issued.year, issued.month)[1]) + rule.count * DAY
    elif rule.kind == "before_session":
        day = (session - dt.timedelta(hours=rule.count)).date() if session else issued
        day = max(day, issued)
    elif rule.kind == "next":
        day = issued + ((rule.weekday - issued.weekday() - 1) % 7 + 1) * DAY
    else:
        day = issued
    if terms.business_days and day.weekday() > 4:
        day += (7 - day.weekday()) * DAY
    return day


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a plan, what was paid of it, and by what credits and write-offs lowered it."""

    due: dt.date
    amount: Decimal
    paid: Decimal = ZERO
    lowered: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """What is still to pay of this part."""
        return self.amount - self.lowered - self.paid


def parts_of(schedule: tuple[Instalment, ...], amount: Decimal, currency: str) -> tuple[Part, ...]:
    """The plan's parts: amounts as given, percentages of `amount` rounded, `rest` what is left.

    Percentages that make a hundred leave nothing over: the last of them takes the rest (domain §4.7).
    """
    parts: list[Part] = []
    whole = all(item.percent is not None for item in schedule) and total(i.percent or ZERO for i in schedule) == HUNDRED
    for n, item in enumerate(schedule, 1):
        if whole and n == len(schedule):
            value = amount - total(part.amount for part in parts)
        elif item.amount is not None:
            value = item.amount
        elif item.percent is not None:
            value = rounded(CONTEXT.divide(CONTEXT.multiply(amount, item.percent), HUNDRED), currency)
        else:
            value = amount - total(part.amount for part in parts)
        parts.append(Part(due=item.due, amount=value))
    return tuple(parts)


def settle(parts: tuple[Part, ...], paid: Decimal, lowered: Decimal) -> tuple[Part, ...]:
    """Parts with payments laid on from the first one and credits or write-offs taken from the last one."""
    if len(parts) == 1:
        return (_settled(parts[0], paid, lowered),)
    taken = reversed(_laid(lowered, [part.amount for part in reversed(parts)]))
    asked = [Part(due=part.due, amount=part.amount, lowered=less) for part, less in zip(parts, taken, strict=True)]
    received = _laid(paid, [part.open for part in asked])
    return tuple(msgspec.structs.replace(part, paid=much) for part, much in zip(asked, received, strict=True))


def _settled(part: Part, paid: Decimal, lowered: Decimal) -> Part:
    """The same of one part alone."""
    less = min(max(lowered, ZERO), part.amount)
    return Part(due=part.due, amount=part.amount, paid=min(max(paid, ZERO), part.amount - less), lowered=less)


def _laid(amount: Decimal, rooms: list[Decimal]) -> list[Decimal]:
    """How much of an amount goes into each room, the first one filled first."""
    laid = []
    for room in rooms:
        laid.append(min(max(amount, ZERO), room))
        amount -= laid[-1]
    return laid
