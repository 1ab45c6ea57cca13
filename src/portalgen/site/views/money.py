"""Views of money documents."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from portalgen.rules.ledger import EntryKind
from portalgen.rules.money import Money
from portalgen.rules.status import Label
from portalgen.site.views.base import PageLink, View
from portalgen.site.views.public import TermsView


class PartyView(View, frozen=True, kw_only=True):
    """A seller or buyer. `name` is the legal one; `details` are labelled numbers, e.g. ("vat_id", "IE…")."""

    name: str
    care_of: str
    address: tuple[str, ...]
    email: str
    phone: str
    details: tuple[tuple[str, str], ...]


class WayToPay(View, frozen=True, kw_only=True):
    """A way to pay this amount. `rows` are (code, value) pairs to copy: payee, iban, bic, reference …"""

    kind: str
    label: str
    href: str  # empty when there is no link
    amount: Money
    rows: tuple[tuple[str, str], ...]
    instructions: str
    fee_note: str
    settles_in: str
    qr: Markup = Markup("")  # an inline drawing of `code`, or empty
    code: str = ""  # the text of the QR code, to copy; empty where there is none


class ReductionView(View, frozen=True, kw_only=True):
    """A discount or charge: `amount` is positive, `percent` is set when it was given as one."""

    amount: Money
    percent: Decimal | None
    reason: str


class LineView(View, frozen=True, kw_only=True):
    """An invoice line. `net` is what stands in the amount column (gross where prices include tax)."""

    description: str
    date: dt.date | None
    period: tuple[dt.date, dt.date] | None
    quantity: Decimal
    unit: str
    unit_price: Money
    discount: ReductionView | None
    net: Money
    tax_category: str
    tax_rate: Decimal


class TaxView(View, frozen=True, kw_only=True):
    """One row of the tax table."""

    category: str
    rate: Decimal
    base: Money
    tax: Money
    reason: str


class PaymentView(View, frozen=True, kw_only=True):
    """A payment that concerns this invoice; `amount` is the part for it, negative for a refund."""

    date: dt.date
    amount: Money
    method: str
    reference: str
    status: Literal["cleared", "pending", "failed", "bounced"]


class CreditView(View, frozen=True, kw_only=True):
    """A credit note for this invoice."""

    number: str
    date: dt.date
    amount: Money
    reason: str
    address: str = ""  # its page


class DepositView(View, frozen=True, kw_only=True):
    """A deposit invoice that this one deducts."""

    number: str
    date: dt.date
    amount: Money


class InstalmentView(View, frozen=True, kw_only=True):
    """One part of a payment plan. `amount` is what is asked for, without what credits or a write-off lowered it by."""

    due: dt.date
    amount: Money
    lowered: Money
    paid: Money
    state: Literal["lowered", "paid", "part", "open", "due_today", "past_due"]


class BillView(View, frozen=True, kw_only=True):
    """What invoices and credit notes have alike: parties, lines and totals. All amounts are positive."""

    number: str
    issued: dt.date
    seller: PartyView
    buyer: PartyView
    includes_tax: bool
    shows_tax: bool  # whether there is a tax table at all
    lines: tuple[LineView, ...]
    line_total: Money
    discount: ReductionView | None
    charges: tuple[ReductionView, ...]
    total_without_tax: Money
    taxes: tuple[TaxView, ...]
    total_tax: Money
    rounding: Money
    total: Money
    notes: Markup
    mentions: tuple[str, ...]  # what the law wants printed
    pdf: str = ""  # the file beside this page, or empty
    xml: str = ""  # the electronic invoice beside this page, or empty


class InvoiceView(BillView, frozen=True, kw_only=True):
    """One invoice, for its client."""

    kind: Literal["standard", "deposit", "final", "cancellation_fee"]
    due: dt.date | None  # none where several parts have their own
    label: Label
    due_now: Money  # what to pay next; zero when nothing is asked
    due_now_by: dt.date | None
    balance: Money
    paid: Money
    pending: Money  # on its way
    service_period: tuple[dt.date, dt.date] | None
    service_date: dt.date | None
    references: tuple[tuple[str, str], ...]  # ("po", …), ("buyer", …)
    deposits: tuple[DepositView, ...]
    payments: tuple[PaymentView, ...]
    credits: tuple[CreditView, ...]
    written_off: Money
    schedule: tuple[InstalmentView, ...]
    credit_left: Money  # surplus that became the client's credit
    ways: tuple[WayToPay, ...]  # empty when nothing is due, void or disputed; the first is offered first
    terms: TermsView | None
    attachments: tuple[PageLink, ...]  # address is the file, relative to this page
    promised_by: dt.date | None


class InvoiceRow(View, frozen=True, kw_only=True):
    """An invoice in a list. `address` is its page, or empty."""

    number: str
    address: str
    issued: dt.date
    due: dt.date | None  # of the next part where there are several
    total: Money
    balance: Money
    pending: Money  # on its way
    label: Label
    credits: tuple[CreditView, ...] = ()


class CreditNoteView(BillView, frozen=True, kw_only=True):
    """One credit note: what it takes back, and of which invoice."""

    invoice: InvoiceRow
    reason: str
    refund: PaymentView | None  # the money that went back for it; its amount is negative
    credit_left: Money  # what the invoice no longer asks for and nobody sent back


class SettledView(View, frozen=True, kw_only=True):
    """The part of a payment or refund for one invoice, and what was open of that invoice after it."""

    number: str
    address: str
    issued: dt.date
    part: Money
    left: Money


class ReceiptView(View, frozen=True, kw_only=True):
    """What confirms one payment or refund. `amount` is positive on both."""

    number: str
    kind: Literal["payment", "refund"]
    date: dt.date
    amount: Money
    payer: str  # who paid, or to whom the money went back
    client: str  # for whom, when another person paid
    method: str
    reference: str
    invoices: tuple[SettledView, ...]
    held: Money  # what was for no invoice that day
    retainer: bool  # whether it is held for the retainer
    seller: PartyView
    portal: str
    pdf: str = ""  # the file beside this page, or empty


class StatementRowView(View, frozen=True, kw_only=True):
    """A movement. `charge` adds to what the client owes, `credit` lowers it: one is set, and both are positive."""

    date: dt.date
    kind: EntryKind  # but for security, which is no movement of this account
    number: str
    address: str  # its page, or empty
    invoice: str  # the number of the invoice it belongs to, when it is not that invoice
    charge: Money | None
    credit: Money | None
    balance: Money  # after it; below zero the practice owes the client


class AgeingView(View, frozen=True, kw_only=True):
    """What is open by the days since it was due."""

    not_due: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    over_90: Money


class StatementLink(View, frozen=True, kw_only=True):
    """A statement in a list. `end` is the day from which it holds."""

    currency: str
    address: str
    end: dt.date
    closing: Money


class StatementView(View, frozen=True, kw_only=True):
    """A statement of account in one currency: what is open, and what moved from `start` to `end`, both included."""

    currency: str
    start: dt.date
    end: dt.date
    opening: Money
    rows: tuple[StatementRowView, ...]
    charges: Money  # the sum of the column
    credits: Money
    closing: Money  # below zero the practice owes the client
    ageing: AgeingView
    open: Money  # the sum of what the invoices still ask for
    discussed: Money  # what of it is being discussed
    overdue: Money  # what of it is past its due date
    asked: Money  # what of it to pay now or next, less what is on its way or held for no retainer
    pending: Money  # money on its way, which pays nothing yet
    unapplied: Money  # money for no invoice yet
    retained: Money  # what of it was paid in advance
    security: Money  # what is held as security, apart from all of this
    outstanding: tuple[InvoiceRow, ...]
    ways: tuple[WayToPay, ...]  # without an amount to pay: each invoice has its own
    seller: PartyView
    buyer: PartyView
    others: tuple[StatementLink, ...]  # the statements in other currencies
    portal: str
    pdf: str = ""  # the file beside this page, or empty


class YearServiceView(View, frozen=True, kw_only=True):
    """What a payment was for, and when it was given: single days, or spans from and to."""

    description: str
    days: tuple[dt.date, ...]
    spans: tuple[tuple[dt.date, dt.date], ...]


class YearRowView(View, frozen=True, kw_only=True):
    """A payment of the year, or a refund with an amount below zero. `tax` is the part of it that is tax."""

    date: dt.date
    amount: Money
    tax: Money
    method: str
    payer: str  # when another person paid
    receipt: str  # its number
    address: str  # the receipt's page
    invoices: tuple[str, ...]  # numbers
    services: tuple[YearServiceView, ...]


class YearSumView(View, frozen=True, kw_only=True):
    """What was paid for one service, with tax; without a name for what names no service."""

    name: str
    amount: Money


class YearLink(View, frozen=True, kw_only=True):
    """The summary of a year in a list."""

    year: int
    currency: str
    address: str
    total: Money


class YearView(View, frozen=True, kw_only=True):
    """What was paid in one year in one currency, less what was paid back."""

    year: int
    currency: str
    end: dt.date  # the day of the last payment in it
    rows: tuple[YearRowView, ...]
    services: tuple[YearSumView, ...]
    taxes: tuple[TaxView, ...]  # what was paid under each tax; `base` is without it
    unapplied: Money  # paid for nothing yet
    total: Money
    tax: Money
    seller: PartyView
    buyer: PartyView
    others: tuple[YearLink, ...]  # the same year in other currencies
    portal: str
    pdf: str = ""  # the file beside this page, or empty
