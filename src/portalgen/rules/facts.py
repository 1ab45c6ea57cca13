"""What follows from one client's documents on a day: each invoice with its money and status, and the whole account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.offer import Terms
from portalgen.rules.due import Part
from portalgen.rules.money import Money, rounded
from portalgen.rules.status import Entries, Status
from portalgen.rules.totals import Totals


class Allocated(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a payment that goes to one invoice; negative on a refund."""

    payment: Payment
    amount: Decimal


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note with its totals."""

    note: CreditNote
    totals: Totals


class InvoiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that follows from one invoice on a day. Allocations and credits are those dated by then."""

    invoice: Invoice
    terms: Terms | None
    totals: Totals
    deposits: tuple[tuple[Invoice, Decimal], ...]
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
        return Money(rounded(amount, self.currency), self.currency)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A client's account on a day. `credit` is money the practice holds for the client, per currency, above zero."""

    invoices: Mapping[str, InvoiceFacts]
    credit: Mapping[str, Decimal]

    @property
    def published(self) -> tuple[InvoiceFacts, ...]:
        """Issued and void invoices, the newest first; drafts and scheduled ones are nobody's business yet."""
        shown = [facts for facts in self.invoices.values() if facts.status.document in ("issued", "void")]
        return tuple(
            sorted(
                shown, key=lambda facts: (facts.invoice.issued or dt.date.min, facts.invoice.number or ""), reverse=True
            )
        )
