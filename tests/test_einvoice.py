"""Electronic invoices: what stands in them, that it is the document's money, and what is asked for when it cannot be."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pikepdf
import pytest

from portalgen.content.loader import load
from portalgen.content.problems import Finding
from portalgen.content.records.offer import EarlyDiscount, Terms
from portalgen.content.scalars import parse_due_rule
from portalgen.rules.account import account_of
from portalgen.rules.document import Deducted, Document, Drawn, PlannedPart, Preceding
from portalgen.rules.money import Money, rounded, total
from portalgen.rules.parties import Party, PostalAddress
from portalgen.rules.totals import PricedCharge, compute
from portalgen.rules.ways import Way
from portalgen.site.einvoice.hybrid import attach
from portalgen.site.einvoice.make import einvoices_of, make
from portalgen.site.einvoice.model import EN16931, XRECHNUNG, EInvoice, EInvoiceKind
from portalgen.site.einvoice.problems import Origin, origin_of
from portalgen.site.einvoice.semantic import einvoice_of

from .documents import BUYER, DAY, LEITWEG, SELLER, SMALL_SELLER, document, key, line, random_documents
from .support import MINIMAL, MINIMAL_CLIENT, invoke, minimal_site

KINDS: tuple[EInvoiceKind, ...] = ("facturx", "xrechnung")
ORIGIN = Origin(site="site.yaml", client="client.yaml", document="invoice.yaml")


def priced(*prices: str, includes_tax: bool = False, **fields: Any) -> Document:
    """An invoice with a line of 19 % for each price."""
    return document(compute([line(price) for price in prices], "EUR", includes_tax=includes_tax), **fields)


def said(document: Document, kind: EInvoiceKind = "facturx") -> EInvoice:
    return einvoice_of(document, kind)


def texts(xml: bytes, name: str) -> list[str]:
    """The texts of all elements of this name, whatever their namespace."""
    return [found.text or "" for found in ET.fromstring(xml).iter() if found.tag.rpartition("}")[2] == name]


def xml(document: Document, kind: EInvoiceKind = "facturx") -> bytes:
    made = make(document, kind, ORIGIN)
    assert made.findings == ()
    return made.xml


def findings(document: Document, kind: EInvoiceKind = "facturx", **origin: Any) -> list[Finding]:
    changed = Origin(**{"site": "site.yaml", "client": "client.yaml", "document": "invoice.yaml", **origin})
    return list(make(document, kind, changed).findings)


# --- money --------------------------------------------------------------------------------------------


def test_cent_between_inclusive_prices_and_recomputed_tax_is_the_rounding_amount() -> None:
    invoice = said(priced("340.00", "13.90", includes_tax=True))
    assert (invoice.total_without_vat, invoice.total_vat) == (Decimal("297.39"), Decimal("56.50"))
    assert (invoice.total_with_vat, invoice.rounding, invoice.payable) == (
        Decimal("353.89"),
        Decimal("0.01"),
        Decimal("353.90"),
    )


def test_inclusive_prices_of_many_lines_keep_their_sum() -> None:
    lines = [line(price, key("S", "7")) for price in ("3.40", "4.48", "7.41", "4.70")]
    invoice = said(document(compute(lines, "EUR", includes_tax=True)))
    assert [item.amount for item in invoice.lines] == [Decimal(net) for net in ("3.18", "4.19", "6.92", "4.39")]
    assert (str(invoice.line_total), str(invoice.total_vat), str(invoice.rounding)) == ("18.68", "1.31", "0.00")
    assert invoice.payable == Decimal("19.99")


def test_rounding_of_the_document_joins_the_cent_of_inclusive_prices() -> None:
    totals = compute([line("340.00"), line("13.90")], "CHF", includes_tax=True, rounding=Decimal("-0.05"))
    invoice = said(document(totals))
    assert (invoice.rounding, invoice.payable) == (Decimal("-0.04"), Decimal("353.85"))


@pytest.mark.parametrize("made", random_documents(7, 200), ids=lambda made: str(made.number))
def test_both_syntaxes_say_the_documents_money(made: Document) -> None:
    invoice = said(made)
    assert invoice.payable == made.payable == made.amount - total(one.amount for one in made.drawn)
    assert invoice.line_total == total(item.amount for item in invoice.lines)
    assert invoice.allowance_total == total(a.amount for a in invoice.adjustments if not a.charge)
    assert invoice.charge_total == total(a.amount for a in invoice.adjustments if a.charge)
    assert invoice.total_without_vat == invoice.line_total - invoice.allowance_total + invoice.charge_total
    assert invoice.total_with_vat == invoice.total_without_vat + invoice.total_vat
    assert invoice.payable == invoice.total_with_vat - invoice.prepaid + invoice.rounding
    for group in invoice.breakdown:
        assert group.tax == rounded(group.base * (group.vat.rate or 0) / 100, made.currency)
        signed = [(-1 if not a.charge else 1) * a.amount for a in invoice.adjustments if a.vat == group.vat]
        assert group.base == total([*signed, *(item.amount for item in invoice.lines if item.vat == group.vat)])
    for item in invoice.lines:
        off = item.allowance.amount if item.allowance else Decimal(0)
        assert rounded(item.quantity * item.price, made.currency) - off == item.amount
    cii, ubl = xml(made), xml(made, "xrechnung")
    for in_cii, in_ubl in (
        ("DuePayableAmount", "PayableAmount"),
        ("LineTotalAmount", "LineExtensionAmount"),
        ("CalculatedAmount", "TaxAmount"),
        ("TaxBasisTotalAmount", "TaxExclusiveAmount"),
        ("GrandTotalAmount", "TaxInclusiveAmount"),
        ("TotalPrepaidAmount", "PrepaidAmount"),
        ("RoundingAmount", "PayableRoundingAmount"),
        ("ChargeAmount", "PriceAmount"),
    ):
        extra = [str(invoice.total_vat)] if in_ubl == "TaxAmount" else []
        assert sorted(texts(cii, in_cii) + extra) == sorted(texts(ubl, in_ubl))


def test_discount_is_an_allowance_per_rate_with_its_percentage() -> None:
    totals = compute([line("100.00"), line("50.00", key("S", "7"))], "EUR", discount_percent=Decimal(10))
    first, second = said(document(totals, discount_percent=Decimal(10), discount_reason="Treue")).adjustments
    assert (first.amount, first.base, first.percent) == (Decimal("10.00"), Decimal("100.00"), Decimal(10))
    assert (second.amount, second.vat and second.vat.rate, second.reason) == (Decimal("5.00"), Decimal(7), "Treue")
    assert {first.reason_code, second.reason_code} == {"95"}


def test_charges_of_one_rate_share_their_net_to_the_cent() -> None:
    charges = [PricedCharge(amount=Decimal(price), reason="Fahrt", tax=key()) for price in ("1.00", "1.00", "1.00")]
    invoice = said(document(compute([line("100.00")], "EUR", includes_tax=True, charges=charges)))
    assert [charge.amount for charge in invoice.adjustments] == [Decimal("0.84")] * 3
    assert invoice.charge_total == Decimal("2.52")


def test_line_discount_leaves_the_price_as_written() -> None:
    totals = compute([line("80.00", quantity="2", discount=Decimal("16.00"), discount_percent=Decimal(10))], "EUR")
    (item,) = said(document(totals)).lines
    assert item.allowance
    told = (item.price, item.allowance.amount, item.allowance.base, item.amount)
    assert told == tuple(Decimal(amount) for amount in ("80.00", "16.00", "160.00", "144.00"))


def test_percentage_that_does_not_give_the_amount_is_left_out() -> None:
    totals = compute([line("52141", quantity="0.25", discount=Decimal("651.76"), discount_percent=Decimal(5))], "JPY")
    (item,) = said(document(totals)).lines
    assert item.allowance
    assert (item.allowance.amount, item.allowance.base, item.allowance.percent) == (Decimal(652), None, None)


def test_discount_too_small_for_a_cent_is_none() -> None:
    lines = [line("0.10", discount=Decimal("0.001")), line("0.10"), line("0.10")]
    first = said(document(compute(lines, "EUR", includes_tax=True))).lines[0]
    assert (first.allowance, first.price) == (None, first.amount)


def test_price_of_an_inclusive_line_gives_its_net_amount() -> None:
    totals = compute([line("10.00", quantity="3")], "EUR", includes_tax=True)
    (item,) = said(document(totals)).lines
    assert (item.amount, item.price) == (Decimal("25.21"), Decimal("8.4033333333"))


# --- kinds of documents -------------------------------------------------------------------------------


def test_credit_note_names_the_invoice_it_corrects() -> None:
    preceding = Preceding(id="a", number="2026-0000", issued=dt.date(2026, 10, 1))
    fields: dict[str, Any] = {
        "kind": "credit-note",
        "preceding": preceding,
        "reason": "Termin entfiel",
        "ways": (),
        "due": None,
    }
    note = priced("60.00", parts=(), **fields)
    cii, ubl = xml(note), xml(note, "xrechnung")
    assert ET.fromstring(ubl).tag.endswith("}CreditNote")
    assert texts(cii, "TypeCode")[0] == texts(ubl, "CreditNoteTypeCode")[0] == "381"
    assert said(note).notes == ("Termin entfiel",)
    assert (said(note).preceding[0].number, said(note).due) == ("2026-0000", DAY)
    assert texts(ubl, "PaymentDueDate") == ["2026-11-02"]
    assert texts(cii, "DuePayableAmount") == ["71.40"]


def test_final_invoice_deducts_each_deposit_by_number_day_and_amount() -> None:
    deposits = tuple(
        Deducted(id=str(n), number=f"2026-000{n}", issued=dt.date(2026, 9, n), amount=Decimal(10 * n)) for n in (1, 2)
    )
    invoice = said(priced("100.00", purpose="final", deposits=deposits))
    assert (invoice.type_code, invoice.prepaid, invoice.payable) == ("380", Decimal(30), Decimal("89.00"))
    assert [(before.number, before.issued.day) for before in invoice.preceding] == [("2026-0001", 1), ("2026-0002", 2)]
    assert invoice.notes == ("2026-0001, 2026-09-01: −10.00 EUR", "2026-0002, 2026-09-02: −20.00 EUR")


@pytest.mark.parametrize(("amount", "due"), [("30.00", "2026-11-16"), ("60.00", "2026-12-16")])
def test_what_was_drawn_at_issue_is_prepaid_and_the_rest_is_due(amount: str, due: str) -> None:
    drawn = Drawn(payment="r", number="R-1", paid=dt.date(2026, 9, 3), amount=Decimal(amount), advance=True)
    parts = tuple(
        PlannedPart(due=day, amount=part)
        for day, part in ((dt.date(2026, 11, 16), Decimal("50.00")), (dt.date(2026, 12, 16), Decimal("69.00")))
    )
    made = priced("100.00", drawn=(drawn,), parts=parts, planned=True)
    invoice = said(made)
    assert (invoice.prepaid, invoice.payable) == (Decimal(amount), 119 - Decimal(amount))
    assert str(invoice.due) == due
    assert invoice.notes == (f"R-1, 2026-09-03: −{amount} EUR",)
    assert texts(xml(made), "TotalPrepaidAmount") == [amount]
    assert texts(xml(made), "DuePayableAmount") == [f"{119 - Decimal(amount)}"]


def test_deposit_is_a_prepayment_invoice_but_for_xrechnung() -> None:
    deposit = priced("100.00", purpose="deposit", buyer_reference=LEITWEG)
    assert (said(deposit).type_code, said(deposit, "xrechnung").type_code) == ("386", "380")


def test_plan_is_told_in_the_payment_terms() -> None:
    parts = tuple(PlannedPart(due=dt.date(2026, month, 15), amount=Decimal("59.50")) for month in (11, 12))
    invoice = said(priced("100.00", parts=parts, planned=True))
    assert invoice.due == dt.date(2026, 11, 15)
    assert invoice.payment_terms == "2026-11-15: 59.50 EUR\n2026-12-15: 59.50 EUR"


def test_early_discount_has_the_notation_of_xrechnung() -> None:
    early = EarlyDiscount(percent=Decimal(2), days=7)
    terms = Terms(path="", id="t", due=parse_due_rule("net 14"), title="Zwei Wochen", early_discount=early)
    invoice = priced("100.00", terms=terms, buyer_reference=LEITWEG)
    assert said(invoice).payment_terms == "Zwei Wochen"
    assert said(invoice, "xrechnung").payment_terms.startswith("#SKONTO#TAGE=7#PROZENT=2.00#\n")


def test_description_of_several_lines_is_a_name_and_a_description() -> None:
    totals = compute([line("60.00", description="Beratung\nmit Protokoll\n")], "EUR")
    (item,) = said(document(totals)).lines
    assert (item.name, item.description) == ("Beratung", "mit Protokoll")


def test_units_are_those_of_recommendation_20() -> None:
    units = ("session", "hour", "day", "item", "month", "km")
    made = document(compute([line("1.00", unit=unit) for unit in units], "EUR"))
    assert [item.unit for item in said(made).lines] == ["C62", "HUR", "DAY", "C62", "MON", "KMT"]


# --- taxes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "reason", "code"),
    [("S", "", ""), ("Z", "", ""), ("E", "§ 4 Nr. 14 UStG", ""), ("G", "", "VATEX-EU-G")],
)
def test_only_categories_without_tax_give_a_reason(category: str, reason: str, code: str) -> None:
    (group,) = said(document(compute([line("10.00", key(category))], "EUR"))).breakdown
    assert (group.vat.category, group.reason, group.reason_code) == (category, reason, code)


def test_reverse_charge_names_both_sides() -> None:
    buyer = Party(name="Acme SARL", address=PostalAddress(country="FR"), vat_id="FR 40 303265045")
    made = xml(document(compute([line("10.00", key("AE"))], "EUR"), buyer=buyer))
    assert "VATEX-EU-AE" in texts(made, "ExemptionReasonCode")
    assert {"DE136695976", "FR40303265045"} <= set(texts(made, "ID"))


def test_outside_the_scope_of_tax_there_is_no_rate() -> None:
    made = document(compute([line("10.00", key("O"))], "EUR"), seller=SMALL_SELLER)
    assert texts(xml(made), "RateApplicablePercent") == texts(xml(made, "xrechnung"), "Percent") == []
    assert texts(xml(made), "ExemptionReasonCode") == ["VATEX-EU-O"]


# --- parties and payment ------------------------------------------------------------------------------


def test_numbers_of_the_seller_stand_where_readers_look_for_them() -> None:
    seller = said(priced("1.00")).seller
    assert (seller.vat_id, seller.tax_number, seller.identifier) == ("DE136695976", "12/345/67890", "")
    assert seller.registration
    assert (seller.registration.value, seller.registration.scheme) == ("Handelsregister HRA 4711", "")
    french = Party(name="Luc Roy", address=SELLER.address, numbers=(("RCS", "Lyon A 1"), ("SIREN", "732 829 320")))
    seller = said(priced("1.00", seller=french)).seller
    assert seller.registration
    assert (seller.registration.value, seller.registration.scheme) == ("732829320", "0002")
    assert seller.legal_information == "RCS Lyon A 1"


def test_tax_number_alone_tells_the_seller() -> None:
    seller = said(priced("1.00", seller=SMALL_SELLER)).seller
    assert seller.identifier == seller.tax_number == "12/345/67890"


def way(kind: str, *rows: tuple[str, str]) -> Way:
    return Way(method=kind, kind=kind, label="Weg", amount=Money(Decimal(1), "EUR"), rows=rows)


@pytest.mark.parametrize(
    ("ways", "currency", "means", "account"),
    [
        (
            [way("cash"), way("bank_sepa", ("iban", "DE89 3704 0044 0532 0130 00"))],
            "EUR",
            "58",
            "DE89370400440532013000",
        ),
        ([way("swiss_qr", ("iban", "CH44 3199 9123 0008 8901 2"))], "CHF", "30", "CH4431999123000889012"),
        ([way("bank_uk", ("sort_code", "60-16-13"), ("account", "31926819"))], "GBP", "30", "60-16-13 31926819"),
        ([way("bank_sepa")], "EUR", "ZZZ", ""),
        ([way("cash"), way("paypal_me")], "EUR", "10", ""),
        ([way("paypal_me")], "EUR", "68", ""),
        ([way("card_in_person")], "EUR", "ZZZ", ""),
        ([], "EUR", "1", ""),
    ],
)
def test_payment_is_the_first_way_to_an_account_else_the_first_way(
    ways: list[Way], currency: str, means: str, account: str
) -> None:
    payment = said(document(compute([line("1.00")], currency), ways=tuple(ways))).payment
    assert payment
    assert (payment.means, payment.account) == (means, account)


def test_reference_to_give_with_the_payment_has_no_spaces() -> None:
    payment = said(
        priced("1.00", ways=(way("bank_sepa", ("iban", "X"), ("reference", "RF18 5390 0754 7034")),))
    ).payment
    assert payment
    assert payment.reference == "RF18539007547034"


@pytest.mark.parametrize(
    ("reference", "specification"),
    [(LEITWEG, XRECHNUNG), ("Abteilung 7", EN16931), ("", EN16931), ("991-03730-18", EN16931)],
)
def test_xrechnung_is_for_clients_with_a_leitweg_id(reference: str, specification: str) -> None:
    made = priced("1.00", buyer=Party(name="Amt", address=BUYER.address, email=BUYER.email, reference=reference))
    assert said(made, "xrechnung").specification == specification
    assert said(made).specification == EN16931
    assert said(made).buyer_reference == reference


# --- texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_any_text_is_told_and_none_breaks_the_file(kind: EInvoiceKind) -> None:
    words = '<b>&amp; ]]> "quoted" 会議 جلسة\x0b\ufffe'
    made = priced("1.00", notes=words, buyer=Party(name=words, address=BUYER.address))
    told = '<b>&amp; ]]> "quoted" 会議 جلسة'
    assert told in texts(xml(made, kind), "Content" if kind == "facturx" else "Note")
    assert xml(made, kind) == xml(made, kind)


# --- what is missing ----------------------------------------------------------------------------------


def lacking() -> Iterator[Any]:
    """A document that lacks something: what kind of file was asked for, and which field is named."""
    nobody = Party(name="Ana Lind", address=SELLER.address, email=SELLER.email)
    yield pytest.param(priced("1.00", seller=nobody), "facturx", "site.yaml", ("practice", "tax"), "BT-31", id="vat")
    outside = document(compute([line("1.00", key("O"))], "EUR"), seller=nobody)
    yield pytest.param(outside, "facturx", "site.yaml", ("practice",), "BT-30", id="company number")
    export = document(compute([line("1.00", key("G"))], "EUR"), seller=SMALL_SELLER)
    yield pytest.param(export, "facturx", "site.yaml", ("practice", "tax"), "BT-31", id="vat for exports")
    placeless = priced("1.00", buyer=Party(name="Ida"))
    yield pytest.param(placeless, "facturx", "client.yaml", ("address",), "BT-55", id="country")
    reverse = document(compute([line("1.00", key("AE"))], "EUR"))
    yield pytest.param(reverse, "facturx", "client.yaml", ("company",), "BT-48", id="vat of the buyer")
    goods = document(
        compute([line("1.00", key("K"))], "EUR"),
        buyer=Party(name="Acme", address=BUYER.address, vat_id="FR40303265045"),
        service_date=None,
    )
    yield pytest.param(goods, "facturx", "invoice.yaml", (), "BT-72", id="delivery")
    public: dict[str, Any] = {"buyer_reference": LEITWEG}
    silent = Party(name="Ana Lind", address=SELLER.address, email=SELLER.email, vat_id="DE136695976")
    yield pytest.param(
        priced("1.00", seller=silent, **public), "xrechnung", "site.yaml", ("practice",), "BT-42", id="phone"
    )
    for field, term in (("postcode", "BT-53"), ("city", "BT-52")):
        where = PostalAddress(**{"postcode": "1", "city": "B", "country": "DE", field: ""})
        made = priced("1.00", buyer=Party(name="Amt", address=where, email="a@b.example"), **public)
        yield pytest.param(made, "xrechnung", "client.yaml", ("address",), term, id=field)
    made = priced("1.00", buyer=Party(name="Amt", address=BUYER.address), **public)
    yield pytest.param(made, "xrechnung", "client.yaml", (), "BT-49", id="email")


@pytest.mark.parametrize(("made", "kind", "path", "at", "term"), [*lacking()])
def test_missing_field_is_named_and_no_file_is_made(
    made: Document, kind: EInvoiceKind, path: str, at: tuple[str, ...], term: str
) -> None:
    (finding,) = findings(made, kind)
    assert (finding.path, finding.at, finding.code, finding.severity) == (path, at, "einvoice-missing", "error")
    assert term in finding.message
    assert make(made, kind, ORIGIN).xml == b""


def test_vat_number_without_its_country_is_named() -> None:
    seller = Party(name="Ana", address=SELLER.address, vat_id="136695976")
    (finding,) = findings(priced("1.00", seller=seller))
    assert (finding.at, finding.code) == (("practice", "tax", "vat_id"), "einvoice-vat-id")


def test_fields_of_another_payer_are_looked_for_at_the_contact() -> None:
    made = priced("1.00", buyer=Party(name="Ida"))
    assert [finding.at for finding in findings(made, payer=1)] == [("contacts", 1, "address")]
    reverse = document(compute([line("1.00", key("AE"))], "EUR"))
    (finding,) = findings(reverse, payer=1)
    assert finding.at == ("contacts", 1)
    assert "payer" in finding.hint


def test_what_was_issued_already_needs_relock() -> None:
    made = priced("1.00", buyer=Party(name="Ida"))
    assert "relock" in findings(made, locked=True)[0].hint
    assert "relock" not in findings(made)[0].hint


def test_currency_with_three_decimals_has_no_electronic_invoice() -> None:
    made = make(document(compute([line("1.000")], "KWD")), "facturx", ORIGIN)
    assert made.xml == b""
    assert [(finding.code, finding.severity) for finding in made.findings] == [("einvoice-currency", "warning")]


def test_mistyped_leitweg_id_is_a_warning_and_a_plain_invoice() -> None:
    made = make(priced("1.00", buyer_reference="991-03730-18"), "xrechnung", ORIGIN)
    assert [(finding.code, finding.at) for finding in made.findings] == [("einvoice-leitweg", ("buyer_reference",))]
    assert texts(made.xml, "CustomizationID") == [EN16931]


def test_xrechnung_wants_lines_within_the_service_period() -> None:
    period = (dt.date(2026, 10, 1), dt.date(2026, 10, 31))
    totals = compute([line("1.00", date=period[1]), line("1.00", date=DAY)], "EUR")
    made = document(totals, service_date=None, service_period=period, buyer_reference=LEITWEG)
    assert [(finding.code, finding.at) for finding in findings(made, "xrechnung")] == [
        ("einvoice-period", ("lines", 1))
    ]
    assert findings(made) == []


CREDIT = "id: c1\nnumber: C-1\ninvoice: 2026-0001\nissued: 2026-11-03\nfull: true\nreason: Cancelled\n"


def test_origin_finds_who_pays(tmp_path: Any) -> None:
    contact = "{id: %s, name: Pat, role: parent, scope: billing}"
    files = {
        "content/clients/ana/client.yaml": "id: ana\nname: {display: Ana}\npayer: pat\n"
        f"contacts: [{contact % 'kim'}, {contact % 'pat'}]\n",
        "content/clients/ana/invoices/2026-0001.yaml": "id: 2026-0001\nnumber: '1'\nissued: 2026-11-02\ndue: 2026-11-09\n"
        "bill_to: kim\nlines: [{description: x, unit_price: 1.00}]\n",
        "content/clients/ana/invoices/2026-0002.yaml": "id: 2026-0002\nlines: [{description: x, unit_price: 1.00}]\n",
        "content/clients/ana/credit-notes/c1.yaml": CREDIT,
    }
    site = load(minimal_site(tmp_path, files)).site
    assert site
    folder = site.clients["ana"]
    origins = [origin_of(site.shared, folder, record) for record in folder.billing]
    assert [(origin.document.rpartition("/")[2], origin.payer) for origin in origins] == [
        ("2026-0001.yaml", 0),
        ("2026-0002.yaml", 1),
        ("c1.yaml", 0),
    ]
    assert {(origin.site, origin.client) for origin in origins} == {
        ("content/site.yaml", "content/clients/ana/client.yaml")
    }


@pytest.mark.parametrize(
    ("practice", "asked", "made", "problems"),
    [
        ("company_ids: [{kind: CRO, value: '1'}]", "facturx", b"CrossIndustryInvoice", []),
        ("company_ids: [{kind: CRO, value: '1'}]", "xrechnung", b"schema:xsd:Invoice-2", []),
        ("company_ids: [{kind: CRO, value: '1'}]", "false", b"", []),
        ("regulated: false", "facturx", b"", ["einvoice-missing"]),
    ],
)
def test_site_says_which_electronic_invoices_are_made(
    tmp_path: Any, practice: str, asked: str, made: bytes, problems: list[str]
) -> None:
    site = MINIMAL["content/site.yaml"].replace("practice:\n", f"practice:\n  {practice}\n")
    wanted = site.replace("{pdf: false, einvoice: false}", f"{{einvoice: {asked}}}")
    files = {**MINIMAL_CLIENT, "content/site.yaml": wanted}
    second = MINIMAL_CLIENT["content/clients/ana/invoices/2026-0001.yaml"].replace("2026-0001", "2026-0002")
    loaded = load(minimal_site(tmp_path, {**files, "content/clients/ana/invoices/2026-0002.yaml": second})).site
    assert loaded
    folder = loaded.clients["ana"]
    account, _ = account_of(loaded.shared, folder, DAY)
    xmls, found = einvoices_of(loaded.shared, folder, account.documents)
    assert [finding.code for finding in found] == problems
    assert sorted(xmls) == (["2026-0001", "2026-0002"] if made else [])
    assert all(made in text for text in xmls.values())


# --- inside the PDF -----------------------------------------------------------------------------------


def test_pdf_without_metadata_cannot_carry_an_invoice() -> None:
    empty = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(empty)
    with pytest.raises(ValueError, match="metadata"):
        attach(empty.getvalue(), b"<a/>", DAY)


def test_factur_x_without_a_pdf_to_lie_in_is_a_problem(tmp_path: Path) -> None:
    site = minimal_site(tmp_path)
    text = (site / "content/site.yaml").read_text()
    (site / "content/site.yaml").write_text(text.replace("einvoice: false", "einvoice: facturx"))
    result = invoke("check", "--site", site, "--today", "2026-11-21", "--json")
    assert result.code == 2
    assert [(one["code"], one["hint"]) for one in result.json["problems"]] == [
        ("one-of", "write pdf: true, or einvoice: xrechnung")
    ]
