"""Which invoices money pays by itself: payments with `auto: true`, and the advance a client paid (domain §3, A3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.documents import Payment
from portalgen.rules.document import Drawn
from portalgen.rules.money import ZERO, total
from portalgen.rules.receipts import receipt_number

Lots = list[tuple[Payment, Decimal]]
"""What is left of payments, the oldest first."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An issued invoice that may be open: `open` is what its own payments, credits and write-offs leave."""

    invoice: str
    issued: dt.date
    due: dt.date | None
    number: str
    currency: str
    open: Decimal


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice gets of a payment by itself."""

    payment: Payment
    invoice: str
    amount: Decimal


def automatic(folder: ClientFolder, claims: Iterable[Claim], today: dt.date) -> tuple[Draw, ...]:
    """What the claims get: of payments with `auto: true`, then of the advance. By due date, issue date, number."""
    order = sorted(claims, key=lambda claim: (claim.due or dt.date.max, claim.issued, claim.number, claim.invoice))
    open_ = {claim.invoice: claim.open for claim in order}
    return (*_auto(folder, order, open_, today), *_advance(folder, order, open_, today))


def drawn_at_issue(
    folder: ClientFolder,
    invoice: str,
    by_hand: Iterable[tuple[Payment, Decimal]],
    claims: Iterable[Claim],
    day: dt.date,
) -> tuple[Drawn, ...]:
    """What an invoice took of money paid ahead when it was issued, by what had happened at the end of that day.

    `by_hand` are its allocations; those of the retainer count. `claims` are of all invoices issued by the day.
    """
    taken = [
        (payment, amount)
        for payment, amount in by_hand
        if payment.for_ == "retainer" and payment.status == "cleared" and payment.date <= day
    ]
    taken += [(draw.payment, draw.amount) for draw in automatic(folder, claims, day) if draw.invoice == invoice]
    sums: dict[str, Decimal] = {}
    for payment, amount in taken:
        sums[payment.id] = sums.get(payment.id, ZERO) + amount
    advance = folder.client.retainer is not None and folder.client.retainer.kind == "advance"
    return tuple(
        Drawn(
            payment=payment.id,
            number=receipt_number(payment),
            paid=payment.date,
            amount=sums[payment.id],
            advance=advance and payment.for_ == "retainer",
        )
        for payment in folder.payments
        if sums.get(payment.id, ZERO) > 0
    )


def retainer_payments(folder: ClientFolder, today: dt.date) -> list[Payment]:
    """The client's money for the retainer that came or went by the day, the oldest first."""
    own = [p for p in folder.payments if p.for_ == "retainer" and p.status == "cleared" and p.date <= today]
    return sorted(own, key=lambda payment: payment.date)


def not_allocated(payment: Payment) -> Decimal:
    """What a payment's `allocations` leave of it; below zero of a refund."""
    return payment.amount - total(part.amount for part in payment.allocations)


def _auto(folder: ClientFolder, order: Sequence[Claim], open_: dict[str, Decimal], today: dt.date) -> list[Draw]:
    found = []
    for payment in folder.payments:
        if not payment.auto or payment.status != "cleared" or payment.date > today:
            continue
        left = payment.amount
        for claim in order:
            part = min(left, open_[claim.invoice])
            if part > 0 and claim.currency == payment.currency:
                found.append(Draw(payment=payment, invoice=claim.invoice, amount=part))
                open_[claim.invoice] -= part
                left -= part
    return found


def _advance(folder: ClientFolder, order: Sequence[Claim], open_: dict[str, Decimal], today: dt.date) -> list[Draw]:
    """Day by day, so that what comes later changes no earlier draw. A refund takes what came last."""
    retainer = folder.client.retainer
    if retainer is None or retainer.kind != "advance":
        return []
    payments = retainer_payments(folder, today)
    lots: dict[str, Lots] = {payment.currency: [] for payment in payments}
    found: list[Draw] = []
    for day in sorted({payment.date for payment in payments} | {claim.issued for claim in order}):
        of_day = [(payment, not_allocated(payment)) for payment in payments if payment.date == day]
        for payment, rest in of_day:
            lots[payment.currency] += [(payment, rest)] if rest > 0 else []
        for claim in order:
            if claim.issued <= day and lots.get(claim.currency):
                lots[claim.currency], taken = _take(lots[claim.currency], open_[claim.invoice])
                open_[claim.invoice] -= total(amount for _, amount in taken)
                found += [Draw(payment=payment, invoice=claim.invoice, amount=amount) for payment, amount in taken]
        for payment, rest in of_day:
            if rest < 0:
                lots[payment.currency] = _take(lots[payment.currency][::-1], -rest)[0][::-1]
    return found


def _take(lots: Lots, wanted: Decimal) -> tuple[Lots, Lots]:
    """The lots after taking an amount from the first ones on, and what was taken of each."""
    rest: Lots = []
    taken: Lots = []
    for payment, amount in lots:
        part = min(amount, max(wanted, ZERO))
        wanted -= part
        if part:
            taken.append((payment, part))
        if amount > part:
            rest.append((payment, amount - part))
    return rest, taken
