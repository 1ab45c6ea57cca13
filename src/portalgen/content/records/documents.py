"""Money documents of one client: invoices, credit notes, estimates, payments (domain §3)."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec

from portalgen.content.records.base import DERIVED, PRIVATE, Audience, Flaw, Record, Ref
from portalgen.content.records.offer import SessionCodes, Tax
from portalgen.content.scalars import (
    Amount,
    Currency,
    Date,
    FileName,
    Flag,
    Id,
    Language,
    Percent,
    PositiveAmount,
    Quantity,
    Text,
    UnitPrice,
    Url,
)

Unit = Literal["session", "hour", "day", "item", "month", "km"]


def reversed_dates(start: dt.date, end: dt.date, key: str = "to") -> Iterator[Flaw]:
    """The flaw of a span that ends before it begins."""
    if end < start:
        yield Flaw((key,), "bad-order", "this span ends before it begins", f"write a later day in '{key}'")


class Period(Record, frozen=True, kw_only=True):
    """Days from and to, both included."""

    audience: ClassVar[Audience] = "client"
    from_: Date = msgspec.field(name="from")
    to: Date

    def flaws(self) -> Iterator[Flaw]:
        return reversed_dates(self.from_, self.to)


class Reduction(Record, frozen=True, kw_only=True):
    """A discount: a percentage or an amount, never both."""

    audience: ClassVar[Audience] = "client"
    percent: Percent | None = None
    amount: PositiveAmount | None = None
    reason: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if (self.amount is None) == (self.percent is None):
            yield Flaw(
                (), "one-of", "a discount is either an amount or a percentage", "write one of amount: and percent:"
            )


class Surcharge(Record, frozen=True, kw_only=True):
    """A charge on the whole invoice (EN 16931 BG-21)."""

    audience: ClassVar[Audience] = "client"
    amount: PositiveAmount
    reason: Text
    tax: Tax | None = None


class Line(Record, frozen=True, kw_only=True):
    """An invoice line (EN 16931 BG-25). What it leaves out comes from its service, session or charge."""

    audience: ClassVar[Audience] = "client"
    description: Text | None = None
    service: Annotated[Id, Ref("service")] | None = None
    session: Annotated[Id, Ref("session")] | None = None
    charge: Annotated[Id, Ref("charge")] | None = None
    late_fee: Annotated[Id, Ref("invoice")] | None = None
    quantity: Quantity = Decimal(1)
    unit_price: UnitPrice | None = None
    unit: Unit | None = None
    date: Date | None = None
    period: Period | None = None
    discount: Reduction | None = None
    tax: Tax | None = None
    codes: Annotated[SessionCodes, PRIVATE] | None = None

    def flaws(self) -> Iterator[Flaw]:
        source = self.service or self.session or self.charge
        if not source and not self.description:
            yield Flaw(
                (),
                "missing-key",
                "this line says neither what it is for nor which service",
                "add description: or service:",
            )
        if not source and self.unit_price is None:
            yield Flaw(
                (), "missing-key", "this line needs 'unit_price'", "add unit_price:, or name a service with a price"
            )
        if self.quantity < 0:
            yield Flaw(
                ("quantity",),
                "negative",
                "a quantity below zero belongs on a credit note",
                "write a credit note for what you take back",
            )
        if self.date and self.period:
            yield Flaw(("date",), "one-of", "this line has both a date and a period", "keep one of them")


class Instalment(Record, frozen=True, kw_only=True):
    """One part of a payment plan."""

    audience: ClassVar[Audience] = "client"
    due: Date
    amount: PositiveAmount | None = None
    percent: Percent | None = None
    rest: Flag = False

    def flaws(self) -> Iterator[Flaw]:
        if (self.amount is not None) + (self.percent is not None) + self.rest != 1:
            yield Flaw(
                (),
                "one-of",
                "a part is an amount, a percentage, or the rest",
                "write one of amount:, percent: and rest: true",
            )


class Exchange(Record, frozen=True, kw_only=True):
    """The rate by which the practice counts a foreign currency in its own."""

    to: Currency
    rate: Quantity
    date: Date
    source: Text | None = None


class Void(Record, frozen=True, kw_only=True):
    """The invoice was cancelled; its number and page stay."""

    audience: ClassVar[Audience] = "client"
    date: Date
    reason: Annotated[Text, PRIVATE]


class Disputed(Record, frozen=True, kw_only=True):
    """The client questions the invoice."""

    audience: ClassVar[Audience] = "client"
    from_: Date = msgspec.field(name="from")
    amount: PositiveAmount | None = None
    note: Annotated[Text, PRIVATE] | None = None
    until: Date | None = None

    def flaws(self) -> Iterator[Flaw]:
        return reversed_dates(self.from_, self.until, "until") if self.until else iter(())


class WriteOff(Record, frozen=True, kw_only=True):
    """What the practice no longer asks for."""

    audience: ClassVar[Audience] = "client"
    date: Date
    amount: PositiveAmount
    reason: Annotated[Text, PRIVATE]


class LinkSettings(Record, frozen=True, kw_only=True):
    """When a link ends: at the end of this day in the practice's zone."""

    expires: Date | None = None


_RUNNING = re.compile(
    r"\.(x?html?|xht|shtml|mht|mhtml|svgz?|xml|xslt?|m?js|jse|wasm|hta|swf|exe|com|scr|pif|bat|cmd|psm?1|vb[se]|ws[fh]|"
    r"ms[ip]|msix|appx|dll|cpl|lnk|url|reg|inf|jar|jnlp|chm|app|dmg|pkg|command|deb|rpm|apk|[bz]?a?sh|run|desktop|"
    r"appimage|py|pl|php|do[ct]m|xl[st]m|xlsb|pp[st]m)\Z",
    re.IGNORECASE,
)
"""What the names of files end in that a browser or a system runs when they are opened."""


class Attachment(Record, frozen=True, kw_only=True):
    """A file from the client's folder that opens with the document; never one that a browser or a system would run."""

    audience: ClassVar[Audience] = "client"
    file: FileName
    label: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if _RUNNING.search(self.file):
            hint = "attach it as PDF, picture or plain text"
            yield Flaw(("file",), "unsafe-file", f"'{self.file}' could run on the reader's machine", hint)


InvoiceKind = Literal["standard", "deposit", "final", "cancellation_fee"]


class Invoice(Record, frozen=True, kw_only=True):
    """clients/<id>/invoices/*.yaml. A draft has no `issued`."""

    audience: ClassVar[Audience] = "client"
    path: Annotated[str, DERIVED]
    client: Annotated[str, DERIVED]
    id: Id
    number: Text | None = None
    issued: Date | None = None
    due: Date | None = None
    kind: InvoiceKind = "standard"
    currency: Currency | None = None
    service_period: Period | None = None
    service_date: Date | None = None
    terms: Annotated[Id, Ref("terms")] | None = None
    po_reference: Text | None = None
    buyer_reference: Text | None = None
    bill_to: Annotated[Id, Ref("contact")] | None = None
    lines: tuple[Line, ...]
    discount: Reduction | None = None
    charges: tuple[Surcharge, ...] = ()
    rounding: Amount = Decimal(0)
    deposits_deducted: tuple[Annotated[Id, Ref("invoice")], ...] = ()
    schedule: tuple[Instalment, ...] = ()
    notes: Text | None = None
    private_notes: Annotated[Text, PRIVATE] | None = None
    pay_links: dict[Annotated[Id, Ref("method")], Url] = msgspec.field(default_factory=dict)
    exchange: Annotated[Exchange, PRIVATE] | None = None
    void: Void | None = None
    disputed: Disputed | None = None
    write_off: WriteOff | None = None
    link: Annotated[LinkSettings, PRIVATE] | None = None
    attachments: tuple[Attachment, ...] = ()
    language: Language | None = None

    def flaws(self) -> Iterator[Flaw]:
        if not self.lines:
            yield Flaw(
                ("lines",),
                "too-few",
                "an invoice has at least one line",
                "add a line with description: and unit_price:",
            )
        if self.issued and not self.number:
            yield Flaw(
                ("issued",),
                "missing-key",
                "an issued invoice needs 'number'",
                "add number:, or take 'issued' away while it is a draft",
            )
        if self.issued and self.due and self.due < self.issued:
            yield Flaw(("due",), "bad-order", "this invoice is due before it is issued", "write a later day in 'due'")
        if self.due and self.schedule:
            message = "this invoice has both a due date and parts with dates of their own"
            yield Flaw(("due",), "one-of", message, "take 'due' away: the parts say when to pay")
        if self.service_period and self.service_date:
            yield Flaw(
                ("service_date",),
                "one-of",
                "this invoice has both a service date and a service period",
                "keep one of them",
            )
        if self.void and not self.issued:
            yield Flaw(("void",), "void-draft", "a draft cannot be void", "delete the draft instead")
        for key, entry in (("void", self.void), ("write_off", self.write_off)):
            if entry and self.issued and entry.date < self.issued:
                yield Flaw(
                    (key, "date"), "bad-order", f"this is older than the invoice of {self.issued}", "check the date"
                )
        if self.write_off and not self.issued:
            yield Flaw(("write_off",), "void-draft", "a draft has nothing to write off", "take write_off away")
        rest = [n for n, part in enumerate(self.schedule) if part.rest]
        if rest and rest != [len(self.schedule) - 1]:
            yield Flaw(
                ("schedule", rest[0], "rest"),
                "bad-order",
                "only the last part takes the rest",
                "write rest: true in the last part alone",
            )
        for n in range(1, len(self.schedule)):
            if self.schedule[n].due <= self.schedule[n - 1].due:
                yield Flaw(
                    ("schedule", n, "due"),
                    "bad-order",
                    "the due dates of the parts do not increase",
                    "put the parts in the order of their dates",
                )


class CreditNote(Record, frozen=True, kw_only=True):
    """clients/<id>/credit-notes/*.yaml: takes back all or part of one invoice; its lines are positive."""

    audience: ClassVar[Audience] = "client"
    path: Annotated[str, DERIVED]
    client: Annotated[str, DERIVED]
    id: Id
    number: Text
    invoice: Annotated[Id, Ref("invoice")]
    issued: Date
    lines: tuple[Line, ...] = ()
    full: Flag = False
    reason: Text
    refund: Annotated[Id, Ref("payment")] | None = None
    notes: Text | None = None
    private_notes: Annotated[Text, PRIVATE] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.full == bool(self.lines):
            yield Flaw((), "one-of", "a credit note has either lines or 'full: true'", "write one of them")


class Allocation(Record, frozen=True, kw_only=True):
    """How much of a payment goes to which invoice; negative on a refund."""

    audience: ClassVar[Audience] = "client"
    invoice: Annotated[Id, Ref("invoice")]
    amount: Amount


class PaymentSource(Record, frozen=True, kw_only=True):
    """The row of an imported file."""

    file: Text
    row: Text


class Payment(Record, frozen=True, kw_only=True):
    """An entry of payments.yaml. A negative amount is a refund."""

    audience: ClassVar[Audience] = "client"
    id: Id
    date: Date
    amount: Amount
    currency: Currency
    method: Annotated[Id, Ref("method")]
    payer: Text | None = None
    reference: Text | None = None
    fee: Annotated[PositiveAmount, PRIVATE] | None = None
    allocations: tuple[Allocation, ...] = ()
    auto: Annotated[Flag, PRIVATE] = False
    for_: Literal["retainer"] | None = msgspec.field(name="for", default=None)
    status: Literal["pending", "cleared", "failed", "bounced"] = "cleared"
    rate: Annotated[Quantity, PRIVATE] | None = None
    receipt_number: Text | None = None
    note: Annotated[Text, PRIVATE] | None = None
    source: Annotated[PaymentSource, PRIVATE] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.amount == 0:
            yield Flaw(
                ("amount",),
                "zero-amount",
                "this payment is zero",
                "write what was received, or below zero what was paid back",
            )
        total = sum((part.amount for part in self.allocations), Decimal(0))
        if any(part.amount * self.amount < 0 for part in self.allocations):
            yield Flaw(
                ("allocations",),
                "bad-sign",
                "an allocation has the other sign than its payment",
                "allocate a refund with amounts below zero, a payment with amounts above",
            )
        elif abs(total) > abs(self.amount):
            yield Flaw(
                ("allocations",),
                "over-allocated",
                f"the allocations come to {total}, the payment is {self.amount}",
                "allocate at most what was paid",
            )
        if self.auto and self.allocations:
            yield Flaw(("auto",), "one-of", "this payment has allocations and auto: true", "keep one of them")
        if self.auto and self.for_:
            message = "what is paid for a retainer is drawn by its kind"
            yield Flaw(("auto",), "one-of", message, "take 'auto' away")
