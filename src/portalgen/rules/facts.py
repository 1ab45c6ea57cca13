"""What follows from one client's documents on a day: each invoice with its money and status, and the whole account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.offer import Terms
from portalgen.rules.document import Deducted, Document
from portalgen.rules.due import Part
from portalgen.rules.money import ZERO, Money, rounded, total
from portalgen.rules.status import NOTHING, Entries, Status
from portalgen.rules.totals import Totals


class Allocated(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a payment that goes to one invoice; negative on a refund."""

    payment: Payment
    amount: Decimal


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note with its totals. `document` is None where its invoice is a draft, which is an error."""

    note: CreditNote
    totals: Totals
    document: Document | None = None


class InvoiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that follows from one invoice on a day. Allocations and credits are those dated by then.

    `document` is what was issued, None while it is a draft. Terms, totals, deposits and parts are the document's.
    """

    invoice: Invoice
    document: Document | None = None
    terms: Terms | None
    totals: Totals
    deposits: tuple[Deducted, ...]
    amount: Decimal  # totals.total less deposits
    due: dt.date | None  # of the whole invoice
    parts: tuple[Part, ...]
    allocations: tuple[Allocated, ...]
    credits: tuple[Credit, ...]
    entries: Entries
    status: Status

    @property
    def currency(self) -> str:
        """The invoice's one currency."""
        return self.totals.currency

    def money(self, amount: Decimal) -> Money:
        """An amount in this invoice's currency, with all its decimals."""
        currency = self.totals.currency
        return Money(rounded(amount, currency), currency)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A client's account on a day. `credit` is money the practice holds for the client, per currency, above zero.

    `documents` are all that have a number and a date, also of days to come: invoices and credit notes by their ids.
    """

    invoices: Mapping[str, InvoiceFacts]
    credit: Mapping[str, Decimal]
    documents: Mapping[str, Document] = {}

    @property
    def published(self) -> tuple[InvoiceFacts, ...]:
        """Issued and void invoices, the newest first; drafts and scheduled ones are nobody's business yet."""
        shown = [facts for facts in self.invoices.values() if facts.status.document in ("issued", "void")]
        shown.sort(key=lambda facts: (facts.invoice.issued or dt.date.min, facts.invoice.number or ""), reverse=True)
        return tuple(shown)


def happened(
    invoice: Invoice, amount: Decimal, allocations: Sequence[Allocated], credits: Sequence[Credit], today: dt.date
) -> Entries:
    """What happened by a day to an invoice that asks for `amount`; allocations and credits are those dated by then."""
    written = written_off(invoice, today)
    if not (allocations or credits or written):
        return NOTHING
    received = refunded = pending = ZERO
    dates = [credit.note.issued for credit in credits]
    coming: list[dt.date] = []
    for part in allocations:
        if part.payment.status == "cleared":
            dates.append(part.payment.date)
            if part.amount > 0:
                received += part.amount
            else:
                refunded -= part.amount
        elif part.payment.status == "pending":
            coming.append(part.payment.date)
            pending += part.amount
    if amount > received - refunded:
        dates += coming
    if invoice.write_off and written:
        dates.append(invoice.write_off.date)
    return Entries(
        received=received,
        refunded=refunded,
        pending=pending,
        credited=total(credit.totals.total for credit in credits),
        written_off=written,
        changed=max(dates, default=None),
    )


def written_off(invoice: Invoice, day: dt.date) -> Decimal:
    """What was written off of an invoice by a day."""
    return invoice.write_off.amount if invoice.write_off and invoice.write_off.date <= day else ZERO


def held_for(folder: ClientFolder, invoices: Iterable[InvoiceFacts], today: dt.date) -> dict[str, Decimal]:
    """What the practice holds for the client: payments that pay for nothing yet, and what was paid too much."""
    held: dict[str, Decimal] = {}
    for payment in folder.payments:
        if payment.status == "cleared" and payment.date <= today:
            held[payment.currency] = held.get(payment.currency, ZERO) + payment.amount
    for facts in invoices:
        if facts.status.document == "issued" and (facts.allocations or facts.status.surplus):
            paid = total(a.amount for a in facts.allocations if a.payment.status == "cleared")
            held[facts.currency] = held.get(facts.currency, ZERO) - paid + facts.status.surplus
    return {currency: amount for currency, amount in sorted(held.items()) if amount > 0}
