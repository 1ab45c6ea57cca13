"""Money paid before the work (domain A3): what is held, what was drawn from it, and what to ask for.

A payment says `for: retainer`. Of an advance, invoices draw by themselves as they are issued, what is due first first;
a security is drawn by the payment's `allocations` alone. An engagement or availability fee is earned when it is paid:
it is invoiced like any other and nothing of it is held.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.documents import Payment
from portalgen.content.records.prepaid import Retainer
from portalgen.rules.automatic import not_allocated, retainer_payments
from portalgen.rules.facts import Account, Allocated, InvoiceFacts
from portalgen.rules.money import ZERO, Money, rounded, total

MovementKind = Literal["received", "drawn", "refunded"]


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One change of what is held: above zero what came, below zero what was drawn or given back.

    `invoice` and `number` are those of the invoice that drew.
    """

    date: dt.date
    kind: MovementKind
    amount: Money
    balance: Money  # after it
    payment: str
    invoice: str = ""
    number: str = ""


class RetainerState(msgspec.Struct, frozen=True, kw_only=True):
    """A client's retainer on a day. `balance` is None for the kinds that hold nothing.

    `ask` is what to pay now: at the beginning what is missing of the amount (by `retainer.due`), later what fills it
    up again when it fell below its floor. `refund` is the rest that goes back, once the work has ended.
    """

    retainer: Retainer
    balance: Money | None
    movements: tuple[Movement, ...]
    below_floor: bool
    ask: Money | None
    refund: Money | None
    active: bool  # whether the day lies within `from` and `until`, and the work has not ended


def retainer_of(shared: Shared, folder: ClientFolder, account: Account, today: dt.date) -> RetainerState | None:
    """The client's retainer on a day, from the account of that day; None without one."""
    retainer = folder.client.retainer
    if retainer is None:
        return None
    currency = folder.client.currency or shared.site.practice.currency

    def money(amount: Decimal) -> Money:
        return Money(rounded(amount, currency), currency)

    ended = folder.client.ended is not None and folder.client.ended.date <= today
    begun = retainer.from_ is None or retainer.from_ <= today
    active = not ended and begun and (retainer.until is None or today <= retainer.until)
    if not retainer.held:
        return RetainerState(
            retainer=retainer, balance=None, movements=(), below_floor=False, ask=None, refund=None, active=active
        )
    movements = _movements(folder, account, currency, today)
    balance = total(movement.amount.amount for movement in movements)
    over = ended or (retainer.until is not None and retainer.until < today)
    received = total(movement.amount.amount for movement in movements if movement.kind == "received")
    below = retainer.floor is not None and balance < retainer.floor
    ask = ZERO if over else retainer.amount - (balance if below else received)
    back = balance if over and retainer.refundable is not False else ZERO
    return RetainerState(
        retainer=retainer,
        balance=money(balance),
        movements=movements,
        below_floor=below and not over,
        ask=money(ask) if ask > 0 else None,
        refund=money(back) if back > 0 else None,
        active=active,
    )


def retainer_findings(shared: Shared, folder: ClientFolder, account: Account, today: dt.date) -> Iterator[Finding]:
    """Payments that say `for: retainer` and do not fit: none agreed, another kind or currency, more than was held."""
    path = folder.source("payments.yaml")
    retainer = folder.client.retainer
    currency = folder.client.currency or shared.site.practice.currency
    for n, payment in enumerate(folder.payments):
        if payment.for_ != "retainer":
            continue
        if retainer is None or not retainer.held:
            kind = f"the kind {retainer.kind} is earned when it is paid" if retainer else "client.yaml has no retainer"
            yield Finding(
                path=path,
                at=(n, "for"),
                code="no-retainer",
                message=f"nothing is held for this client: {kind}",
                hint="take 'for' away and name the invoice it pays in allocations:"
                if retainer
                else "add retainer: to client.yaml, or take 'for' away",
            )
        elif payment.currency != currency:
            yield Finding(
                path=path,
                at=(n, "currency"),
                code="other-currency",
                message=f"the retainer is in {currency}, this payment is in {payment.currency}",
                hint=f"book it in {currency}, with its rate",
            )
        elif retainer.kind == "security":
            yield from _early(folder, path, n, payment)
    if retainer and retainer.held:
        short = next((m for m in _movements(folder, account, currency, today) if m.balance.amount < 0), None)
        at = next((n for n, payment in enumerate(folder.payments) if short and payment.id == short.payment), 0)
        if short:
            yield Finding(
                path=path,
                at=(at, "amount"),
                code="over-refunded",
                message=f"the retainer held {short.balance.amount - short.amount.amount} on {short.date}",
                hint="give back, or draw, at most what is held",
            )


def retained(folder: ClientFolder, account: Account, today: dt.date) -> Mapping[str, Decimal]:
    """What is held for the retainer, by currency: the part of the client's credit that is no free money."""
    if not any(payment.for_ == "retainer" for payment in folder.payments):
        return {}
    held: dict[str, Decimal] = {}
    for payment in retainer_payments(folder, today):
        held[payment.currency] = held.get(payment.currency, ZERO) + payment.amount
    for facts in account.invoices.values():
        for part in facts.allocations:
            if _counts(facts, part):
                held[facts.currency] = held.get(facts.currency, ZERO) - part.amount
    return held


def _movements(folder: ClientFolder, account: Account, currency: str, today: dt.date) -> tuple[Movement, ...]:
    """What came, was drawn and went back by the day, each with the balance after it."""
    rows: list[tuple[dt.date, int, MovementKind, Decimal, str, str, str]] = []
    for payment in retainer_payments(folder, today):
        if payment.currency == currency and payment.amount > 0:
            rows.append((payment.date, 0, "received", payment.amount, payment.id, "", ""))
        elif payment.currency == currency and (rest := not_allocated(payment)) < 0:
            rows.append((payment.date, 2, "refunded", rest, payment.id, "", ""))
    for facts in account.invoices.values():
        for part in facts.allocations:
            if facts.currency != currency or not _counts(facts, part):
                continue
            invoice = facts.invoice
            day = max(part.payment.date, invoice.issued or part.payment.date)
            number = invoice.number or ""
            if part.amount > 0:
                rows.append((day, 1, "drawn", -part.amount, part.payment.id, invoice.id, number))
    movements: list[Movement] = []
    balance = ZERO
    for day, _, kind, amount, payment_id, invoice_id, number in sorted(rows, key=lambda row: (row[0], row[1], row[6])):
        balance += amount
        movements.append(
            Movement(
                date=day,
                kind=kind,
                amount=Money(rounded(amount, currency), currency),
                balance=Money(rounded(balance, currency), currency),
                payment=payment_id,
                invoice=invoice_id,
                number=number,
            )
        )
    return tuple(movements)


def _early(folder: ClientFolder, path: str, n: int, payment: Payment) -> Iterator[Finding]:
    """A security is the client's until the end: only a final invoice, or one after the end, may draw on it."""
    ended = folder.client.ended
    for m, part in enumerate(payment.allocations):
        invoice = folder.invoices[part.invoice]
        late = ended and invoice.issued and invoice.issued >= ended.date
        if invoice.kind != "final" and not late:
            yield Finding(
                path=path,
                at=(n, "allocations", m, "invoice"),
                code="security-drawn",
                severity="warning",
                message=f"a security is the client's money until the end, and '{part.invoice}' is not a final invoice",
                hint="write kind: final in that invoice, or take the allocation away",
            )


def _counts(facts: InvoiceFacts, part: Allocated) -> bool:
    """Whether a part of a payment was drawn of the retainer."""
    payment = part.payment
    return payment.for_ == "retainer" and payment.status == "cleared" and facts.status.document == "issued"
