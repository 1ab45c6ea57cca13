"""Money documents out of the air: one to change field by field, and any number of random ones from a seed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from portalgen.content.records.offer import EarlyDiscount, Terms
from portalgen.content.scalars import parse_due_rule
from portalgen.rules.document import Deducted, Document, Drawn, PlannedPart, Preceding
from portalgen.rules.money import Money, minor_digits, rounded, split
from portalgen.rules.parties import Party, PostalAddress
from portalgen.rules.totals import PricedCharge, PricedLine, TaxKey, Totals, compute
from portalgen.rules.ways import Way

LEITWEG = "991-03730-19"
DAY = dt.date(2026, 11, 2)
IBAN = "DE89 3704 0044 0532 0130 00"

SELLER = Party(
    name="Mira Lind",
    also="Stiller Raum",
    contact="Mira Lind",
    address=PostalAddress(line1="Am Kanal 4", postcode="10115", city="Berlin", country="DE"),
    email="mira@practice.example",
    phone="+49 30 1234567",
    vat_id="DE136695976",
    numbers=(("Steuernummer", "12/345/67890"), ("Handelsregister", "HRA 4711")),
)
BUYER = Party(
    name="Bezirksamt Mitte",
    address=PostalAddress(line1="Rathausplatz 1", postcode="10117", city="Berlin", country="DE"),
    email="rechnung@amt.example",
)
TRANSFER = Way(
    method="bank",
    kind="bank_sepa",
    label="Überweisung",
    amount=Money(Decimal("1.00"), "EUR"),
    rows=(("payee", "Mira Lind"), ("iban", IBAN), ("bic", "COBADEFFXXX"), ("reference", "2026-0001")),
)


SMALL_SELLER = Party(
    name="Ana Lind",
    address=SELLER.address,
    email=SELLER.email,
    phone=SELLER.phone,
    numbers=(("Steuernummer", "12/345/67890"),),
)
"""A seller without a VAT number."""


def key(category: str = "S", rate: str = "19") -> TaxKey:
    """A tax group; categories without a rate have the rate 0."""
    return TaxKey(category, Decimal(rate if category in "SLM" else "0"))


def line(price: str, tax: TaxKey | None = None, quantity: str = "1", **fields: Any) -> PricedLine:
    """A line of a document."""
    tax = tax or key()
    reason = {"E": "§ 4 Nr. 14 UStG", "AE": "Steuerschuldnerschaft des Leistungsempfängers"}.get(tax.category, "")
    defaults = {"description": "Beratung", "unit": "session", "tax_reason": reason}
    return PricedLine(quantity=Decimal(quantity), unit_price=Decimal(price), tax=tax, **{**defaults, **fields})


def document(totals: Totals, **fields: Any) -> Document:
    """An invoice of `SELLER` to `BUYER` over these totals, payable by bank transfer in two weeks."""
    due = DAY + dt.timedelta(days=14)
    defaults: dict[str, Any] = {
        "kind": "invoice",
        "id": "2026-0001",
        "number": "2026-0001",
        "issued": DAY,
        "language": "de",
        "seller": SELLER,
        "buyer": BUYER,
        "service_date": DAY,
        "due": due,
        "parts": (PlannedPart(due=due, amount=totals.total),),
        "ways": (TRANSFER,),
    }
    return Document(totals=totals, **{**defaults, **fields})


def random_documents(seed: int, count: int) -> list[Document]:
    """Invoices and credit notes of every sort that is possible; the same for the same seed."""
    random = Random(seed)
    return [_random(random, f"{seed}-{n:04d}") for n in range(count)]


def _amount(random: Random, currency: str, most: int = 90000) -> Decimal:
    return rounded(Decimal(random.randint(1, most)).scaleb(-minor_digits(currency)), currency)


def _keys(random: Random) -> Sequence[TaxKey]:
    mixed = [key("S", "19"), key("S", "7"), key("S", "5.5"), key("S", "9.975"), key("Z"), key("E"), key("G")]
    sort = random.random()
    if sort < 0.15:
        return [key("O")]
    if sort < 0.25:
        return [key("AE")]
    if sort < 0.3:
        return [key(random.choice("KLM"), "7")]
    return random.sample(mixed, random.randint(1, 4))


def _random(random: Random, number: str) -> Document:
    currency = random.choice(["EUR", "EUR", "EUR", "CHF", "GBP", "JPY", "BRL"])
    keys = _keys(random)
    lines = [_random_line(random, random.choice(keys), currency) for _ in range(random.randint(1, 8))]
    charges = [
        PricedCharge(amount=_amount(random, currency, 5000), reason="Anfahrt", tax=random.choice(keys), tax_reason="x")
        for _ in range(random.choice([0, 0, 0, 1, 2]))
    ]
    percent = Decimal(random.choice(["3", "10", "12.5", "33.3333"])) if random.random() < 0.3 else None
    includes = random.random() < 0.5
    totals = compute(lines, currency, includes_tax=includes, discount_percent=percent, charges=charges)
    if random.random() < 0.15:
        taken = rounded(totals.line_total * random.randint(1, 60) / 100, currency)
        totals = compute(lines, currency, includes_tax=includes, discount_amount=taken, charges=charges)
        percent = None
    if random.random() < 0.1:
        nickel = rounded(totals.total * 20, "JPY") / 20 if currency == "CHF" else rounded(totals.total, "JPY")
        totals = compute(
            lines,
            currency,
            includes_tax=includes,
            discount_percent=percent,
            discount_amount=totals.discount if percent is None else Decimal(0),
            charges=charges,
            rounding=nickel - totals.total,
        )
    return document(totals, number=number, discount_percent=percent, **_random_rest(random, totals))


def _random_line(random: Random, tax: TaxKey, currency: str) -> PricedLine:
    quantity = Decimal(random.choice(["1", "1", "2", "3", "0.25", "1.5", "7", "120", "0.333333"]))
    price = _amount(random, currency)
    if random.random() < 0.1:
        price += Decimal(random.randint(1, 9999)).scaleb(-6)
    fields: dict[str, Any] = {}
    if random.random() < 0.2:
        percent = Decimal(random.choice(["5", "15", "50", "100"]))
        fields = {"discount_percent": percent, "discount": quantity * price * percent / 100}
    elif random.random() < 0.1:
        fields = {"discount": rounded(quantity * price / 3, currency), "discount_reason": "Sozialtarif"}
    if random.random() < 0.3:
        fields["date"] = DAY - dt.timedelta(days=random.randint(0, 30))
    elif random.random() < 0.1:
        fields["period"] = (DAY - dt.timedelta(days=30), DAY)
    words = random.choice(["Sitzung", "Beratung <b>& mehr</b>\n„zweite“ Zeile", "جلسة استشارية", "Fahrt\x07", "会議"])
    unit = random.choice(["session", "hour", "day", "item", "month", "km"])
    return line(str(price), tax, str(quantity), description=words, unit=unit, **fields)


def _random_rest(random: Random, totals: Totals) -> dict[str, Any]:
    categories = {group.key.category for group in totals.groups}
    outside, foreign = categories == {"O"}, bool(categories & {"AE", "K"})
    seller = SELLER
    if outside or (not categories & {"AE", "G", "K"} and random.random() < 0.2):
        numbers = random.choice([(), (("SIREN", "732 829 320"),), (("ABN", "51824753556"), ("Licence", "7"))])
        seller = msgspec.structs.replace(SMALL_SELLER, numbers=(*SMALL_SELLER.numbers, *numbers))
    buyer = Party(name="Ida Berg", address=PostalAddress(country=random.choice(["DE", "FR", "JP"])))
    if foreign or random.random() < 0.4:
        buyer = Party(
            name=BUYER.name, address=BUYER.address, email=BUYER.email, vat_id="" if outside else "FR40303265045"
        )
    fields: dict[str, Any] = {"seller": seller, "buyer": buyer}
    # Readers of XRechnung recompute each line to two hundredths, which no document in whole yen can meet.
    if buyer.email and totals.currency != "JPY" and random.random() < 0.7:
        fields["buyer_reference"] = LEITWEG
    elif random.random() < 0.2:
        fields["buyer_reference"] = "Abteilung 7"
    if random.random() < 0.2:
        fields |= {"service_date": None, "service_period": (DAY - dt.timedelta(days=40), DAY)}
    if random.random() < 0.2:
        fields |= {"notes": "Vielen *Dank* für Ihr Vertrauen.", "mentions": ("Kein Skonto.",), "po_reference": "PO/7"}
    if random.random() < 0.15:
        preceding = Preceding(id="a", number="2026-0000", issued=DAY - dt.timedelta(days=9))
        return fields | {
            "kind": "credit-note", "preceding": preceding, "reason": "Storno", "ways": (), "parts": (), "due": None,
        }  # fmt: skip
    if random.random() < 0.15:
        fields["terms"] = Terms(
            path="", id="t", due=parse_due_rule("net 14"), title="# Zwei Wochen",
            early_discount=EarlyDiscount(percent=Decimal("2.5"), days=7),
        )  # fmt: skip
    if random.random() < 0.2:
        parts = split(totals.total, [Decimal(1)] * 3, totals.currency)
        days = [DAY + dt.timedelta(days=30 * n) for n in range(3)]
        planned = tuple(PlannedPart(due=day, amount=part) for day, part in zip(days, parts, strict=True))
        fields |= {"parts": planned, "planned": True}
    if random.random() < 0.15:
        fields["purpose"] = random.choice(["deposit", "cancellation_fee"])
    elif random.random() < 0.2:
        taken = split(rounded(totals.total / 2, totals.currency), [Decimal(2), Decimal(1)], totals.currency)
        fields |= {"purpose": "final", "deposits": tuple(_deposit(n, amount) for n, amount in enumerate(taken))}
    kind = random.choice(["cash", "paypal_me", "card_in_person", "upi", ""])
    if random.random() < 0.3:
        way = Way(method="m", kind=kind, label="Bar", amount=Money(totals.total, totals.currency))
        fields["ways"] = (way,) if kind else ()
    if random.random() < 0.2:
        left = totals.total - sum((deposit.amount for deposit in fields.get("deposits", ())), Decimal(0))
        amount = left if random.random() < 0.3 else rounded(left / 3, totals.currency)
        drawn = Drawn(payment="r", number="R-1", paid=DAY - dt.timedelta(days=50), amount=amount, advance=True)
        fields |= {"drawn": (drawn,)} if amount > 0 else {}
    return fields


def _deposit(n: int, amount: Decimal) -> Deducted:
    return Deducted(id=f"d{n}", number=f"2026-D{n}", issued=DAY - dt.timedelta(days=20 + n), amount=amount)
