"""What the accepted terms allow to charge for a late payment today (domain §4.10, M11). Always a proposal.

Simple interest is principal × annual % × days / 365, from the day after due and grace to today, on what was open on
each day. A part of a plan counts from its own due date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Acceptance
from portalgen.content.records.offer import Agreement, LateRule, Tax, Terms
from portalgen.content.records.prepaid import Charge
from portalgen.content.scalars import Period
from portalgen.rules.agreements import accepted
from portalgen.rules.due import DAY, Part, settle
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.followup import add_period, promised_by
from portalgen.rules.money import CONTEXT, ZERO, Money, rounded, split, total
from portalgen.rules.totals import HUNDRED

YEAR = Decimal(365)
Obstacle = Literal[
    "no_rule", "other_currency", "not_late", "a_fee", "not_accepted", "disputed", "promised", "too_early"
]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the computation. Interest: `days` from `start` to `end`, both included, on one principal.

    A fee is of one day, `rate` is its percentage or None where it is flat. The amounts are rounded so that they sum.
    """

    start: dt.date
    end: dt.date
    principal: Money
    rate: Decimal | None
    amount: Money

    @property
    def days(self) -> int:
        """How many days it counts."""
        return (self.end - self.start).days + 1


class LateFee(msgspec.Struct, frozen=True, kw_only=True):
    """What may be charged today. `amount` = steps, within `min` and `max`, plus recovery, less what was charged."""

    amount: Money
    steps: tuple[Step, ...]
    bounded: Money  # the sum of the steps within the rule's `min` and `max`
    recovery: Money
    charged: Money  # earlier for this invoice: charges, waived ones too, and lines of invoices that are not void
    charge: (
        Charge | None
    )  # ready to be written into client.yaml; None when the client's charges are in another currency
    terms: Terms


def late_fee(shared: Shared, folder: ClientFolder, facts: InvoiceFacts, today: dt.date) -> LateFee | None:
    """The fee that the invoice's terms allow on a day; None when there is an obstacle or nothing is left to charge."""
    terms = facts.terms
    if terms is None or obstacle(shared, folder, facts, today):
        return None
    rule, currency = terms.late, facts.currency
    exact = tuple(_interest(facts, rule, today) if rule.kind == "annual_interest" else _fees(facts, rule, today))
    summed = rounded(total(amount for *_, amount in exact), currency)
    bounded = max(summed, rule.min or ZERO)
    bounded = min(bounded, rule.max) if rule.max is not None else bounded
    recovery = rule.recovery_fee or ZERO
    own = folder.client.currency or shared.site.practice.currency
    same = currency == own
    charged = total(_charged(folder, facts, own))
    amount = bounded + recovery - charged
    if amount <= 0:
        return None
    shares = split(summed, [share for *_, share in exact], currency)
    steps = tuple(
        Step(start=start, end=end, principal=facts.money(principal), rate=rate, amount=facts.money(share))
        for (start, end, principal, rate, _), share in zip(exact, shares, strict=True)
    )
    return LateFee(
        amount=facts.money(amount),
        steps=steps,
        bounded=facts.money(bounded),
        recovery=facts.money(recovery),
        charged=facts.money(charged),
        charge=_charge(shared, facts, facts.money(amount), today) if same else None,
        terms=terms,
    )


def obstacle(shared: Shared, folder: ClientFolder, facts: InvoiceFacts, today: dt.date) -> Obstacle | None:
    """The first reason why nothing may be charged today; None when nothing stands in the way."""
    terms, status = facts.terms, facts.status
    if terms is None or terms.late.kind == "none":
        return "no_rule"
    rule = terms.late
    fixed = rule.kind == "flat" or any(amount is not None for amount in (rule.min, rule.max, rule.recovery_fee))
    if fixed and facts.currency != shared.site.practice.currency:
        return "other_currency"
    if status.timing != "overdue":
        return "not_late"
    if _is_fee(folder, facts):
        return "a_fee"
    if not terms_accepted(shared, folder, terms, facts.invoice.issued):
        return "not_accepted"
    if status.disputed:
        return "disputed"
    if promised_by(shared, folder, facts.invoice.id, today, shown=False):
        return "promised"
    first = _first_late(facts, rule)
    return "too_early" if today < first + ((rule.after_days or 1) - 1) * DAY else None


def terms_accepted(
    shared: Shared, folder: ClientFolder, terms: Terms, issued: dt.date | None
) -> tuple[Agreement, Acceptance] | None:
    """How the client accepted these terms: an agreement with them that held on the invoice's date of issue."""
    for agreement in shared.agreements.values():
        state, acceptance = accepted(agreement, folder)
        if agreement.terms != terms.id or agreement.draft or state != "accepted" or acceptance is None:
            continue
        day = issued or acceptance.date
        lasts = agreement.expires_after is None or day <= add_period(acceptance.date, agreement.expires_after)
        if acceptance.date <= day and lasts:
            return agreement, acceptance
    return None


def _charged(folder: ClientFolder, facts: InvoiceFacts, own: str) -> Iterator[Decimal]:
    """What was charged for this invoice's delay: charges in `own`, the client's currency, and lines of invoices.

    A line counts before its discount: what was let go is not asked for again.
    """
    for charge in folder.client.charges if facts.currency == own else ():
        if charge.kind == "late_fee" and charge.source == facts.invoice.id:
            yield charge.amount
    for invoice in folder.invoices.values():
        for line in invoice.lines if not invoice.void and (invoice.currency or own) == facts.currency else ():
            if line.late_fee == facts.invoice.id and not line.charge:
                yield rounded(CONTEXT.multiply(line.quantity, line.unit_price or ZERO), facts.currency)


def _is_fee(folder: ClientFolder, facts: InvoiceFacts) -> bool:
    """Whether the invoice asks for late fees alone: on these there is no further fee."""
    fees = {charge.id for charge in folder.client.charges if charge.kind == "late_fee"}
    return all(line.late_fee or (line.charge and line.charge in fees) for line in facts.invoice.lines)


_Exact = tuple[dt.date, dt.date, Decimal, Decimal | None, Decimal]
"""A step before rounding: start, end, principal, rate, amount."""


def _interest(facts: InvoiceFacts, rule: LateRule, today: dt.date) -> Iterator[_Exact]:
    """One step for each span of days with the same principal. Compound interest is added at the end of each period."""
    rate = rule.value or ZERO
    first = _first_late(facts, rule)
    turns = set(_repeats(first, rule.repeat if isinstance(rule.repeat, Period) else Period(1, "y"), today))
    starts = {first, *(part.due + (rule.grace_days + 1) * DAY for part in facts.parts), *_changes(facts)}
    if rule.compound:
        starts |= turns
    days: list[dt.date] = []
    for day in sorted(day for day in starts if first <= day <= today):
        same = days and _overdue(facts, rule, day) == _overdue(facts, rule, days[-1])
        if not same or (rule.compound and day in turns):
            days.append(day)
    added = earned = ZERO
    for start, after in zip(days, [*days[1:], today + DAY], strict=True):
        if rule.compound and start in turns:
            added, earned = added + earned, ZERO
        owed = _overdue(facts, rule, start)
        principal = owed + (added if owed > 0 else ZERO)
        yearly = CONTEXT.multiply(principal, CONTEXT.divide(rate, HUNDRED))
        interest = CONTEXT.divide(CONTEXT.multiply(yearly, Decimal((after - start).days)), YEAR)
        earned += interest
        if interest:
            yield start, after - DAY, principal, rate, interest


def _fees(facts: InvoiceFacts, rule: LateRule, today: dt.date) -> Iterator[_Exact]:
    """A flat fee or a percentage of what was overdue, on the first day of the fee and, if it repeats, on later ones."""
    first = _first_late(facts, rule) + ((rule.after_days or 1) - 1) * DAY
    days = [first, *_repeats(first, rule.repeat, today)] if isinstance(rule.repeat, Period) else [first]
    for day in days:
        principal = _overdue(facts, rule, day)
        if principal <= 0:
            continue
        value = rule.value or ZERO
        if rule.kind == "flat":
            yield day, day, principal, None, value
        else:
            yield day, day, principal, value, CONTEXT.divide(CONTEXT.multiply(principal, value), HUNDRED)


def _first_late(facts: InvoiceFacts, rule: LateRule) -> dt.date:
    """The first day after due and grace of the first part that was late."""
    dues = [part.due for part in facts.parts if _overdue(facts, rule, part.due + (rule.grace_days + 1) * DAY) > 0]
    due = min(dues, default=facts.status.due or facts.due or dt.date.max - 3660 * DAY)
    return due + (rule.grace_days + 1) * DAY


def _repeats(first: dt.date, every: Period, today: dt.date) -> Iterator[dt.date]:
    """The days after the first one, each counted from it."""
    k = 1
    while (day := add_period(first, Period(k * every.count, every.unit))) <= today:
        yield day
        k += 1


def _changes(facts: InvoiceFacts) -> Iterator[dt.date]:
    for part in facts.allocations:
        yield part.payment.date
    for credit in facts.credits:
        yield credit.note.issued
    if facts.invoice.write_off:
        yield facts.invoice.write_off.date


def _overdue(facts: InvoiceFacts, rule: LateRule, day: dt.date) -> Decimal:
    """What was overdue at the end of a day: of the parts past due and grace, what was not paid or taken back."""
    paid = total(a.amount for a in facts.allocations if a.payment.status == "cleared" and a.payment.date <= day)
    lowered = total(credit.totals.total for credit in facts.credits if credit.note.issued <= day)
    writing = facts.invoice.write_off
    if writing and writing.date <= day:
        lowered += writing.amount
    parts = settle(tuple(Part(due=part.due, amount=part.amount) for part in facts.parts), paid, lowered)
    return total(part.open for part in parts if day > part.due + rule.grace_days * DAY)


def fee_tax(shared: Shared) -> Tax | None:
    """Compensation is outside the scope of tax; where tax is charged it stands on an invoice of its own."""
    return Tax(category="O") if shared.site.practice.tax.status == "registered" else None


def _charge(shared: Shared, facts: InvoiceFacts, amount: Money, today: dt.date) -> Charge:
    invoice = facts.invoice
    return Charge(
        id=f"late-{invoice.id[:47].rstrip('-')}-{today}",
        date=today,
        description=f"Late payment of {invoice.number or invoice.id}, to {today}",
        amount=amount.amount,
        tax=fee_tax(shared),
        kind="late_fee",
        source=invoice.id,
    )
