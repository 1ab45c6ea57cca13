"""What confirms each payment: who paid, what it was for, and what was left of each invoice after it (domain §5)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.documents import Payment
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.money import ZERO, total


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a payment that went to one invoice, and what the invoice still asked for after it. Both positive."""

    facts: InvoiceFacts
    amount: Decimal
    left: Decimal


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The confirmation of one cleared payment or refund.

    `number` is the one written, else the payment's id. `payer` is who paid, or got the money back; `held` is the part
    for no invoice that day, positive also on a refund. What later invoices draw of it is on their pages.
    """

    payment: Payment
    number: str
    payer: str
    parts: tuple[Settled, ...]
    held: Decimal


def receipts_of(folder: ClientFolder, account: Account, today: dt.date) -> tuple[Receipt, ...]:
    """A receipt per payment that has arrived by `today`, and per refund that was sent; the oldest first."""
    order = {payment.id: (payment.date, n) for n, payment in enumerate(folder.payments)}
    parts: dict[str, dict[str, Decimal]] = {}
    for facts in account.invoices.values():
        for part in facts.allocations:
            if not _later(facts, part.payment):
                amounts = parts.setdefault(part.payment.id, {})
                amounts[facts.invoice.id] = amounts.get(facts.invoice.id, ZERO) + part.amount
    arrived = [payment for payment in folder.payments if payment.status == "cleared" and payment.date <= today]
    receipts = []
    for payment in sorted(arrived, key=lambda payment: order[payment.id]):
        settled = [
            Settled(
                facts=account.invoices[key],
                amount=abs(amount),
                left=_left(account.invoices[key], payment, order),
            )
            for key, amount in parts.get(payment.id, {}).items()
        ]
        settled.sort(key=lambda part: (part.facts.invoice.issued or dt.date.max, part.facts.invoice.number or ""))
        receipts.append(
            Receipt(
                payment=payment,
                number=receipt_number(payment),
                payer=_payer(folder, payment, settled),
                parts=tuple(settled),
                held=abs(payment.amount) - total([part.amount for part in settled]),
            )
        )
    return tuple(receipts)


def receipt_number(payment: Payment) -> str:
    """The number of a payment's receipt."""
    return payment.receipt_number or payment.id


def contact_name(folder: ClientFolder, payer: str) -> str:
    """The name of a payer, who is written as a contact's id or by name."""
    return next((contact.name for contact in folder.client.contacts if contact.id == payer), payer)


def own_name(folder: ClientFolder) -> str:
    """The client as papers name them."""
    return folder.client.name.legal or folder.client.name.display


def _later(facts: InvoiceFacts, payment: Payment) -> bool:
    """Whether the payment was not yet for this invoice when it was made."""
    issued = facts.invoice.issued
    return payment.for_ == "retainer" or (payment.auto and issued is not None and issued > payment.date)


def _left(facts: InvoiceFacts, payment: Payment, order: dict[str, tuple[dt.date, int]]) -> Decimal:
    invoice, day = facts.invoice, payment.date
    if invoice.void and invoice.void.date <= day:
        return ZERO
    at = order[payment.id]
    paid = total(
        [part.amount for part in facts.allocations if part.payment.status == "cleared" and order[part.payment.id] <= at]
    )
    credited = total([credit.totals.total for credit in facts.credits if credit.note.issued <= day])
    written = invoice.write_off.amount if invoice.write_off and invoice.write_off.date <= day else ZERO
    return max(facts.amount - paid - credited - written, ZERO)


def _payer(folder: ClientFolder, payment: Payment, parts: list[Settled]) -> str:
    """Who paid: the contact or name that the payment gives, else who got the invoice, else the client."""
    if payment.payer:
        return contact_name(folder, payment.payer)
    buyer = next((part.facts.document.buyer for part in parts if part.facts.document), None)
    return buyer.name if buyer else own_name(folder)
