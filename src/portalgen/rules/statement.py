"""A client's statement of account: what moved, what is open and how old it is (domain M9, §5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.documents import Payment
from portalgen.rules.due import DAY
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.ledger import Entry, entries_of, security
from portalgen.rules.money import ZERO, total

_LATE = tuple(dt.timedelta(days=days) for days in (1, 31, 61, 91))
"""The first day past due of each bucket but the first."""


class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """What is open by how long it has been due, disputed amounts included. Grace does not count: due is due."""

    not_due: Decimal = ZERO
    days_1_30: Decimal = ZERO
    days_31_60: Decimal = ZERO
    days_61_90: Decimal = ZERO
    over_90: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """All that is open."""
        return total((self.not_due, self.days_1_30, self.days_31_60, self.days_61_90, self.over_90))


class StatementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A movement and what the client owed after it."""

    entry: Entry
    balance: Decimal


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The account in one currency from one day to another, both included.

    `opening` is what was owed before `from_`, `closing` what is owed now: `ageing.total` less `unapplied`, the money
    held for the client. `security` is held apart and stands in no balance; `pending` is on its way and pays nothing
    yet. `to` is the latest day on which anything here changed, never just the day of the build.
    """

    currency: str
    from_: dt.date
    to: dt.date
    opening: Decimal
    rows: tuple[StatementRow, ...]
    closing: Decimal
    ageing: Ageing
    unapplied: Decimal
    security: Decimal = ZERO
    pending: Decimal = ZERO
    outstanding: tuple[InvoiceFacts, ...]  # with a balance, the oldest due first


def statements_of(
    folder: ClientFolder, account: Account, today: dt.date, from_: dt.date | None = None
) -> tuple[Statement, ...]:
    """One statement per currency that anything moved in; without `from_` over the last twelve months.

    A younger account begins with its first movement.
    """
    entries = entries_of(folder, account, today)
    currencies = sorted({entry.currency for entry in entries})
    pending = [
        payment
        for payment in folder.payments
        if payment.status == "pending" and payment.date <= today and payment.amount > 0
    ]
    return tuple(_statement(currency, entries, pending, account, today, from_) for currency in currencies)


def ageing_of(outstanding: Iterable[InvoiceFacts], today: dt.date, *, asked: bool = False) -> Ageing:
    """The open balances of invoices in one currency by the days they are past due, each part of a plan by its own.

    `asked`: without what is disputed, which is taken from the last part first.
    """
    return _ageing(_aged(outstanding, today, asked=asked))


def year_before(day: dt.date) -> dt.date:
    """The first of the twelve months that end with a day."""
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap else day.day) + DAY


def asked_of(statement: Statement, bound: Decimal) -> tuple[tuple[InvoiceFacts, ...], Decimal]:
    """The invoices that ask for something, and what to pay for them: of a plan the parts due by now, or the next.

    What is disputed or on its way is not asked for, and what is held for the client is taken off but for `bound`, which
    waits for work to come (domain §6).
    """
    rests = [(facts, facts.status.due_now - max(facts.entries.pending, ZERO)) for facts in statement.outstanding]
    asking = tuple(facts for facts, rest in rests if rest > 0)
    free = max(statement.unapplied - bound, ZERO)
    return asking, max(total(rest for _, rest in rests if rest > 0) - free, ZERO)


def _statement(
    currency: str,
    entries: tuple[Entry, ...],
    pending: Iterable[Payment],
    account: Account,
    today: dt.date,
    from_: dt.date | None,
) -> Statement:
    own = [entry for entry in entries if entry.currency == currency]
    coming = [payment for payment in pending if payment.currency == currency]
    apart = security(own).get(currency, ZERO)
    outstanding = sorted(
        (
            facts
            for facts in account.invoices.values()
            if facts.status.document == "issued" and facts.status.balance > 0 and facts.currency == currency
        ),
        key=lambda facts: (facts.status.due or dt.date.max, facts.invoice.issued or dt.date.max, facts.invoice.id),
    )
    aged = _aged(outstanding, today)
    came = [payment.date for payment in coming]
    steps = [passed[-1] for passed, _ in aged if passed]
    to = max([own[-1].date, *came, *steps, *_voided(account, currency)])
    start = from_ or max(own[0].date, year_before(to))
    balance = opening = total([entry.amount for entry in own if entry.date < start])
    rows = []
    for entry in own:
        if entry.date >= start and entry.kind != "security":
            balance += entry.amount
            rows.append(StatementRow(entry=entry, balance=balance))
    return Statement(
        currency=currency,
        from_=start,
        to=max(to, start),
        opening=opening,
        rows=tuple(rows),
        closing=balance,
        ageing=_ageing(aged),
        unapplied=account.credit.get(currency, ZERO) - apart,
        security=apart,
        pending=total(payment.amount for payment in coming),
        outstanding=tuple(outstanding),
    )


def _open_parts(
    outstanding: Iterable[InvoiceFacts], *, asked: bool = False
) -> Iterator[tuple[dt.date | None, Decimal]]:
    """What is open of each part; what stands in no part has no date."""
    for facts in outstanding:
        left = facts.status.balance - (facts.status.discussed if asked else ZERO)
        for part in facts.parts:
            step = min(part.open, left)
            if step > 0:
                yield part.due, step
                left -= step
        if left:
            yield None, left


def _voided(account: Account, currency: str) -> Iterator[dt.date]:
    """The days on which an invoice went from the movements."""
    for facts in account.invoices.values():
        if facts.status.document == "void" and facts.currency == currency and facts.invoice.void:
            yield facts.invoice.void.date


def _aged(
    outstanding: Iterable[InvoiceFacts], today: dt.date, *, asked: bool = False
) -> list[tuple[list[dt.date], Decimal]]:
    """What is open of each part, with the days by now on which it passed into the next bucket."""
    return [(_passed(due, today) if due else [], amount) for due, amount in _open_parts(outstanding, asked=asked)]


def _passed(due: dt.date, today: dt.date) -> list[dt.date]:
    passed: list[dt.date] = []
    for late in _LATE:
        if today < (day := due + late):
            break
        passed.append(day)
    return passed


def _ageing(aged: Iterable[tuple[list[dt.date], Decimal]]) -> Ageing:
    sums = [ZERO] * (len(_LATE) + 1)
    for passed, amount in aged:
        sums[len(passed)] += amount
    return Ageing(not_due=sums[0], days_1_30=sums[1], days_31_60=sums[2], days_61_90=sums[3], over_90=sums[4])
