"""A money document with every value settled, as it is the day it is issued (domain §4.2, EN 16931 for the terms).

This is what the lock keeps, and what pages, PDF and e-invoice are made from: later changes to a client's address, a
service's price or the payment terms change no issued document.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.records.documents import InvoiceKind
from portalgen.content.records.offer import Terms
from portalgen.rules.due import Part, settle
from portalgen.rules.money import ZERO, Money, rounded, total
from portalgen.rules.parties import Party
from portalgen.rules.totals import Totals
from portalgen.rules.ways import Way

LAYOUT = 1  # the version of what the templates say about a document


class Deducted(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit invoice that this invoice deducts from what is due (BT-113), by number, date and amount."""

    id: str
    number: str
    issued: dt.date
    amount: Decimal


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """Money paid ahead that the invoice took when it was issued (BT-113): a payment, its day and its receipt's number.

    `advance`: it was paid for the client's retainer of that kind.
    """

    payment: str
    number: str
    paid: dt.date
    amount: Decimal
    advance: bool = False


class PlannedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the amount and the day it is due. A document without a plan has one."""

    due: dt.date
    amount: Decimal


class Preceding(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice that a credit note corrects (BG-3)."""

    id: str
    number: str
    issued: dt.date


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An issued invoice (BT-3: 380) or credit note (381). Amounts are positive on both; currency is `totals.currency`.

    `notes` is the Markdown the client reads; `mentions` are texts that the law wants printed. `ways` are the ways to
    pay what is due first, as offered at issue. `drawn` had been taken by then; in the account it is a payment, and
    `parts` come to `amount`.
    """

    kind: Literal["invoice", "credit-note"]
    purpose: InvoiceKind = "standard"
    id: str
    number: str
    issued: dt.date
    language: str  # BCP 47
    seller: Party
    buyer: Party
    service_date: dt.date | None = None
    service_period: tuple[dt.date, dt.date] | None = None
    po_reference: str = ""  # BT-13
    buyer_reference: str = ""  # BT-10
    totals: Totals
    discount_percent: Decimal | None = None
    discount_reason: str = ""
    deposits: tuple[Deducted, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    due: dt.date | None = None  # BT-9
    parts: tuple[PlannedPart, ...] = ()
    planned: bool = False  # whether `parts` are a payment plan
    terms: Terms | None = None
    mentions: tuple[str, ...] = ()
    notes: str = ""
    ways: tuple[Way, ...] = ()
    preceding: Preceding | None = None
    reason: str = ""  # why a credit note was given
    layout: int = 0  # the version of the templates it was issued under

    @property
    def currency(self) -> str:
        """The one currency of the document (BT-5)."""
        return self.totals.currency

    @property
    def amount(self) -> Decimal:
        """What the document asks for or takes back: its total less the deposits."""
        return self.totals.total - total(deposit.amount for deposit in self.deposits)

    @property
    def payable(self) -> Decimal:
        """What was left to pay when it was issued (BT-115)."""
        return self.amount - total(one.amount for one in self.drawn)

    @property
    def open_parts(self) -> tuple[PlannedPart, ...]:
        """The parts as what was drawn left them, without those that it paid."""
        return open_parts(self.parts, self.drawn)

    @property
    def taxed(self) -> bool:
        """Whether the document is inside the scope of tax at all; then it has a tax table."""
        return any(group.key.category != "O" for group in self.totals.groups)

    def money(self, amount: Decimal) -> Money:
        """An amount in the document's currency, with all its decimals."""
        currency = self.totals.currency
        return Money(rounded(amount, currency), currency)


def open_parts(parts: tuple[PlannedPart, ...], drawn: Iterable[Drawn]) -> tuple[PlannedPart, ...]:
    """What drawn money leaves of the parts of a plan: it pays the first part first."""
    paid = total(one.amount for one in drawn)
    if not paid:
        return parts
    settled = settle(tuple(Part(due=part.due, amount=part.amount) for part in parts), paid, ZERO)
    return tuple(PlannedPart(due=part.due, amount=part.open) for part in settled if part.open > 0)
