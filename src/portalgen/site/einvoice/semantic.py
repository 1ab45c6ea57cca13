"""From a money document to what EN 16931 says of it. Every number comes from the document's totals, or is a difference.

One figure is computed anew: the tax of each group as base × rate (BR-CO-17). Where prices include tax it may miss the
tax that the document shows by a cent; that cent stands in the rounding amount (BT-114), so that what is asked for is
the document's (domain §4.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from portalgen.rules.document import Document
from portalgen.rules.money import CONTEXT, ZERO, rounded, split, total
from portalgen.rules.parties import Party
from portalgen.rules.totals import HUNDRED, PricedLine, TaxGroup, TaxKey
from portalgen.site.einvoice.model import (
    BILLING,
    CREDIT_NOTE,
    CREDIT_TRANSFER,
    EN16931,
    INVOICE,
    PREPAYMENT,
    SEPA_TRANSFER,
    XRECHNUNG,
    Adjustment,
    EInvoice,
    EInvoiceKind,
    Identifier,
    ItemLine,
    Payment,
    Preceded,
    Trader,
    Vat,
    VatBreakdown,
)

UNITS = {"session": "C62", "hour": "HUR", "day": "DAY", "item": "C62", "month": "MON", "km": "KMT"}
REASON_CODES = {"AE": "VATEX-EU-AE", "O": "VATEX-EU-O", "G": "VATEX-EU-G", "K": "VATEX-EU-IC"}
"""The VATEX code of the categories that have exactly one (BT-121); E is told by its text."""
UNEXPLAINED = frozenset(("S", "Z", "L", "M"))  # may not carry a reason (BR-S-10, BR-Z-10, BR-AF-10, BR-AG-10)
DISCOUNT = "95"  # UNTDID 5189
MEANS = {"cash": "10", "cheque": "20"} | dict.fromkeys(
    ("paypal_me", "venmo", "cash_app", "stripe_link", "wise", "url"), "68"
)
"""UNTDID 4461 by the kind of a method: in cash, by cheque, by an online payment service."""
UNDEFINED_MEANS = "1"
OTHER_MEANS = "ZZZ"
PRICE_STEP = Decimal("1e-10")
CENT = Decimal("0.01")
PERCENT_SLACK = Decimal("0.02")  # PEPPOL-EN16931-R040

ICD = {
    "siren": "0002",
    "siret": "0009",
    "gln": "0088",
    "kvk": "0106",
    "abn": "0151",
    "uid": "0183",
    "cvr": "0184",
    "orgnr": "0192",
    "kbo": "0208",
    "bce": "0208",
    "y-tunnus": "0212",
}
"""Kinds of `company_ids` that have a scheme in ISO 6523."""
TAX_NUMBERS = frozenset(("steuernummer", "st.-nr.", "stnr", "tax number", "codice fiscale", "nif", "utr"))
"""Kinds of `company_ids` that are the seller's tax number (BT-32)."""


def einvoice_of(document: Document, kind: EInvoiceKind) -> EInvoice:
    """What the document says in the terms of EN 16931; `xrechnung` adds its fields where the client has a Leitweg-ID.

    The caller has seen that `einvoice_problems` finds nothing to write.
    """
    totals = document.totals
    leitweg = kind == "xrechnung" and bool(leitweg_id(document))
    breakdown = tuple(_breakdown(group, totals.currency) for group in totals.groups)
    vat = total(group.tax for group in breakdown)
    with_vat = totals.total_without_tax + vat
    prepaid = total(one.amount for one in document.deposits) + total(one.amount for one in document.drawn)
    first = next(iter(document.open_parts), None)
    credit = document.kind == "credit-note"
    type_code = CREDIT_NOTE if credit else INVOICE
    if document.purpose == "deposit" and not leitweg:
        type_code = PREPAYMENT  # not among the codes of XRechnung (BR-DE-17)
    categories = {group.key.category for group in totals.groups}
    return EInvoice(
        specification=XRECHNUNG if leitweg else EN16931,
        process=BILLING if leitweg else "",
        number=document.number,
        issued=document.issued,
        type_code=type_code,
        currency=document.currency,
        due=document.issued if credit else first.due if first else document.due,
        buyer_reference=buyer_reference(document),
        order_reference=document.po_reference,
        payment_terms="\n".join(_payment_terms(document, leitweg)),
        notes=tuple(_notes(document)),
        preceding=tuple(_preceding(document)),
        seller=seller_of(document),
        buyer=_buyer(document.buyer),
        delivered=document.service_date,
        period=document.service_period,
        deliver_to=document.buyer.address if "K" in categories else None,
        payment=_payment(document),
        adjustments=tuple(_adjustments(document)),
        line_total=totals.net_total,
        allowance_total=totals.allowance,
        charge_total=totals.charge_total,
        total_without_vat=totals.total_without_tax,
        total_vat=vat,
        total_with_vat=with_vat,
        prepaid=prepaid,
        rounding=totals.total - with_vat,
        payable=document.payable,
        breakdown=breakdown,
        lines=tuple(_lines(document)),
    )


def buyer_reference(document: Document) -> str:
    """The reference that the buyer wants on this invoice, else on all of them (BT-10)."""
    return document.buyer_reference or document.buyer.reference


def leitweg_id(document: Document) -> str:
    """The buyer's Leitweg-ID, where its reference is one, else empty."""
    from stdnum.de import leitweg

    reference = buyer_reference(document)
    return reference if leitweg.is_valid(reference) else ""


def seller_of(document: Document) -> Trader:
    """The seller: its numbers sorted by what EN 16931 calls them."""
    party = document.seller
    taxes = [value for kind, value in party.numbers if kind.casefold() in TAX_NUMBERS]
    others = [(kind, value) for kind, value in party.numbers if kind.casefold() not in TAX_NUMBERS]
    chosen = next((pair for pair in others if pair[0].casefold() in ICD), others[0] if others else None)
    return Trader(
        name=party.name,
        trading_name=party.also,
        # Without any other number the tax number is what a buyer can tell the seller by (BR-CO-26).
        identifier=taxes[0] if taxes and not (chosen or party.vat_id) else "",
        registration=_registration(*chosen) if chosen else None,
        vat_id=party.vat_id.replace(" ", ""),
        tax_number=taxes[0] if taxes else "",
        legal_information="; ".join(f"{kind} {value}" for kind, value in others if (kind, value) != chosen),
        email=party.email,
        address=party.address,
        contact=party.contact or party.name,
        phone=party.phone,
    )


def _registration(kind: str, value: str) -> Identifier:
    scheme = ICD.get(kind.casefold(), "")
    return Identifier(value.replace(" ", ""), scheme) if scheme else Identifier(f"{kind} {value}")


def _buyer(party: Party) -> Trader:
    return Trader(
        name=party.name,
        vat_id=party.vat_id.replace(" ", ""),
        email=party.email,
        address=party.address,
        contact=party.contact,
        phone=party.phone,
    )


def _vat(key: TaxKey) -> Vat:
    return Vat(key.category, None if key.category == "O" else key.rate)


def _breakdown(group: TaxGroup, currency: str) -> VatBreakdown:
    category = group.key.category
    return VatBreakdown(
        vat=_vat(group.key),
        base=group.base,
        tax=rounded(CONTEXT.divide(CONTEXT.multiply(group.base, group.key.rate), HUNDRED), currency),
        reason="" if category in UNEXPLAINED else group.reason,
        reason_code=REASON_CODES.get(category, ""),
    )


def _adjustments(document: Document) -> Iterator[Adjustment]:
    """The discount as one allowance per tax group, and every charge, all without tax."""
    totals = document.totals
    for group in totals.groups:
        if not group.allowance:
            continue
        before = group.base + group.allowance - group.charge
        discount = _discount(group.allowance, before, document.discount_percent, document.discount_reason)
        yield msgspec.structs.replace(discount, vat=_vat(group.key))
    for group in totals.groups:
        charges = [charge for charge in totals.charges if charge.tax == group.key]
        parts = split(group.charge, [charge.amount for charge in charges], totals.currency)
        for charge, part in zip(charges, parts, strict=True):
            yield Adjustment(charge=True, amount=part, reason=charge.reason, vat=_vat(group.key))


def _discount(amount: Decimal, before: Decimal, percent: Decimal | None, reason: str) -> Adjustment:
    """An allowance; with its percentage where that gives the amount as exactly as readers check it."""
    exact = CONTEXT.divide(CONTEXT.multiply(before, percent or ZERO), HUNDRED)
    told = percent is not None and abs(exact - amount) <= PERCENT_SLACK
    return Adjustment(
        charge=False,
        amount=amount,
        base=before if told else None,
        percent=percent if told else None,
        reason=reason,
        reason_code=DISCOUNT,
    )


def _lines(document: Document) -> Iterator[ItemLine]:
    totals = document.totals
    for n, (line, net) in enumerate(zip(totals.lines, totals.nets, strict=True), 1):
        name, _, rest = line.description.strip().partition("\n")
        price, allowance = _price(line, net, document)
        yield ItemLine(
            id=str(n),
            name=name.strip(),
            description=rest.strip(),
            quantity=line.quantity,
            unit=UNITS.get(line.unit, "C62"),
            price=price,
            amount=net,
            allowance=allowance,
            vat=_vat(line.tax),
            period=line.period or ((line.date, line.date) if line.date else None),
        )


def _price(line: PricedLine, net: Decimal, document: Document) -> tuple[Decimal, Adjustment | None]:
    """The item's net price (BT-146) and the line's allowance (BG-27): quantity × price − allowance = net, to the cent.

    Where prices include tax and nothing is taken off, the price follows from the line's net amount.
    """
    totals, currency = document.totals, document.currency
    price = line.unit_price
    if totals.includes_tax:
        price = _price_step(CONTEXT.divide(CONTEXT.multiply(price, HUNDRED), HUNDRED + line.tax.rate))
    before = rounded(CONTEXT.multiply(line.quantity, price), currency)
    if line.discount and before > net:
        return price, _discount(before - net, before, line.discount_percent, line.discount_reason)
    if totals.includes_tax and line.quantity:
        price = _price_step(CONTEXT.divide(net, line.quantity))
    return price, None


def _price_step(price: Decimal) -> Decimal:
    return price.quantize(PRICE_STEP, context=CONTEXT)


def _preceding(document: Document) -> Iterator[Preceded]:
    if document.preceding:
        yield Preceded(document.preceding.number, document.preceding.issued)
    for deposit in document.deposits:
        yield Preceded(deposit.number, deposit.issued)


def _notes(document: Document) -> Iterator[str]:
    """What the document says in words. What a deposit or a payment came to has no field of its own: it is told here."""
    currency = document.currency
    yield from (text for text in (document.reason, document.notes) if text.strip())
    yield from document.mentions
    for deposit in document.deposits:
        yield f"{deposit.number}, {deposit.issued.isoformat()}: −{rounded(deposit.amount, currency)} {currency}"
    for drawn in document.drawn:
        yield f"{drawn.number}, {drawn.paid.isoformat()}: −{rounded(drawn.amount, currency)} {currency}"


def _payment_terms(document: Document, leitweg: bool) -> Iterator[str]:
    """The terms' title and each part of a plan with its day. XRechnung has a notation for an early discount (BR-DE-18):
    lines of their own, never the last."""
    terms = document.terms if document.kind == "invoice" else None
    early = terms.early_discount if terms and leitweg and document.open_parts else None
    if early:
        yield f"#SKONTO#TAGE={early.days}#PROZENT={early.percent.quantize(CENT, context=CONTEXT)}#"
    if terms and terms.title:
        yield terms.title.lstrip("# ")
    if document.planned or early:
        for part in document.open_parts:
            yield f"{part.due.isoformat()}: {rounded(part.amount, document.currency)} {document.currency}"


def _payment(document: Document) -> Payment:
    """The first way to an account, else the first way: all means of one invoice have the same code (CII-SR-467)."""
    ways = [(way, dict(way.rows)) for way in document.ways]
    chosen = next((pair for pair in ways if "iban" in pair[1] or "account" in pair[1]), ways[0] if ways else None)
    if chosen is None:
        return Payment(means=UNDEFINED_MEANS)
    way, rows = chosen
    reference = rows.get("reference", "").replace(" ", "")
    iban = rows.get("iban", "").replace(" ", "")
    account = iban or " ".join(rows[code] for code in ("sort_code", "routing", "account") if code in rows)
    if not account:
        return Payment(means=MEANS.get(way.kind, OTHER_MEANS), label=way.label, reference=reference)
    return Payment(
        means=SEPA_TRANSFER if iban and document.currency == "EUR" else CREDIT_TRANSFER,
        label=way.label,
        reference=reference,
        account=account,
        iban=bool(iban),
        account_name=rows.get("payee", ""),
        bic=rows.get("bic", "") if iban else "",
    )
