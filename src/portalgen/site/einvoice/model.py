"""The semantic model of EN 16931-1: what an electronic invoice says, whatever its syntax.

Every field names its business term (BT) or group (BG). Empty texts and None are left out of the XML. Amounts have at
most two decimals (BR-DEC), rates are in percent.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.rules.parties import PostalAddress

EN16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{EN16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"  # the business process that XRechnung asks for

INVOICE, CREDIT_NOTE, PREPAYMENT = "380", "381", "386"  # UNTDID 1001
CREDIT_TRANSFER, SEPA_TRANSFER = "30", "58"  # UNTDID 4461

EInvoiceKind = Literal["facturx", "xrechnung"]
Span = tuple[dt.date, dt.date]


class Identifier(msgspec.Struct, frozen=True):
    """An identifier; `scheme` is of ISO 6523 (ICD), empty where the number has none there."""

    value: str
    scheme: str = ""


class Trader(msgspec.Struct, frozen=True, kw_only=True):
    """The seller (BG-4) or the buyer (BG-7)."""

    name: str  # BT-27, BT-44
    trading_name: str = ""  # BT-28
    identifier: str = ""  # BT-29
    registration: Identifier | None = None  # BT-30
    vat_id: str = ""  # BT-31, BT-48
    tax_number: str = ""  # BT-32
    legal_information: str = ""  # BT-33
    email: str = ""  # BT-34, BT-49, BT-43
    address: PostalAddress  # BG-5, BG-8
    contact: str = ""  # BT-41
    phone: str = ""  # BT-42


class Vat(msgspec.Struct, frozen=True):
    """A VAT category (UNCL 5305) with its rate in percent; the category O has none."""

    category: str
    rate: Decimal | None


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """An allowance (BG-20, BG-27) or a charge (BG-21). `base` and `percent` stand together or not at all."""

    charge: bool
    amount: Decimal
    base: Decimal | None = None
    percent: Decimal | None = None
    reason: str = ""
    reason_code: str = ""
    vat: Vat | None = None  # None on a line: it has the line's


class ItemLine(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice line (BG-25)."""

    id: str  # BT-126
    name: str  # BT-153
    description: str = ""  # BT-154
    quantity: Decimal  # BT-129
    unit: str  # BT-130, UN/ECE Recommendation 20
    price: Decimal  # BT-146
    amount: Decimal  # BT-131
    allowance: Adjustment | None = None  # BG-27
    vat: Vat  # BG-30
    period: Span | None = None  # BG-26


class VatBreakdown(msgspec.Struct, frozen=True, kw_only=True):
    """The VAT of one category and rate (BG-23)."""

    vat: Vat
    base: Decimal  # BT-116
    tax: Decimal  # BT-117
    reason: str = ""  # BT-120
    reason_code: str = ""  # BT-121


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """How to pay (BG-16)."""

    means: str  # BT-81, UNTDID 4461
    label: str = ""  # BT-82
    reference: str = ""  # BT-83
    account: str = ""  # BT-84
    iban: bool = False  # whether the account is an IBAN
    account_name: str = ""  # BT-85
    bic: str = ""  # BT-86


class Preceded(msgspec.Struct, frozen=True):
    """A preceding invoice (BG-3)."""

    number: str
    issued: dt.date


class EInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An electronic invoice or credit note."""

    specification: str = EN16931  # BT-24
    process: str = ""  # BT-23
    number: str  # BT-1
    issued: dt.date  # BT-2
    type_code: str  # BT-3
    currency: str  # BT-5
    due: dt.date | None = None  # BT-9
    buyer_reference: str = ""  # BT-10
    order_reference: str = ""  # BT-13
    payment_terms: str = ""  # BT-20
    notes: tuple[str, ...] = ()  # BT-22
    preceding: tuple[Preceded, ...] = ()  # BG-3
    seller: Trader
    buyer: Trader
    delivered: dt.date | None = None  # BT-72
    period: Span | None = None  # BG-14
    deliver_to: PostalAddress | None = None  # BG-15
    payment: Payment | None = None  # BG-16
    adjustments: tuple[Adjustment, ...] = ()  # BG-20, BG-21
    line_total: Decimal  # BT-106
    allowance_total: Decimal  # BT-107
    charge_total: Decimal  # BT-108
    total_without_vat: Decimal  # BT-109
    total_vat: Decimal  # BT-110
    total_with_vat: Decimal  # BT-112
    prepaid: Decimal  # BT-113
    rounding: Decimal  # BT-114
    payable: Decimal  # BT-115
    breakdown: tuple[VatBreakdown, ...]  # BG-23
    lines: tuple[ItemLine, ...]  # BG-25
