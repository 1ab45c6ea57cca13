"""Electronic invoices before the rules of those who wrote the standard (CEN, FeRD, KoSIT) and the schemas of CII and UBL."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
from functools import cache
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pikepdf
import pytest
from facturx import get_facturx_xml_from_pdf

from portalgen.content.loader import load
from portalgen.content.records.offer import Category
from portalgen.rules.account import account_of
from portalgen.rules.document import Document
from portalgen.rules.totals import compute
from portalgen.site.einvoice.hybrid import attach
from portalgen.site.einvoice.make import make
from portalgen.site.einvoice.model import EInvoiceKind
from portalgen.site.einvoice.problems import Origin
from portalgen.site.einvoice.semantic import einvoice_of, leitweg_id

from .documents import DAY, LEITWEG, document, line, random_documents
from .schematron import CII, FACTURX, UBL, XRECHNUNG, broken_rules, schema_errors
from .support import DEMO_DAY, ROOT

ORIGIN = Origin(
    site="content/site.yaml", client="content/clients/a/client.yaml", document="content/clients/a/invoices/i.yaml"
)
FACTURX_XMP = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
BATCHES, BATCH = 10, 50

TOLERATED = (
    # The schema wants this element, and without a day of service nothing stands in it.
    ("PEPPOL-EN16931-R008 warning", "ApplicableHeaderTradeDelivery"),
    # An invoice may leave out when the service was given; German law may not, but that is the practice's business.
    ("BR-DE-TMP-32 information", ""),
)


def verdicts(document: Document, *, quick: bool = False) -> list[str]:
    """Everything that any judge says against a document's CII, taken out of a PDF again, and against its UBL.

    Quick, without FeRD's rules: they are CEN's once more and what the profile adds, and take as long as all others.
    """
    in_pdf = get_facturx_xml_from_pdf(attach(blank_pdf(), xml_of(document, "facturx"), DAY), check_xsd=False)[1]
    ubl = xml_of(document, "xrechnung")
    rules = (UBL, XRECHNUNG) if leitweg_id(document) else (UBL,)
    said = (
        schema_errors(in_pdf)
        + schema_errors(ubl)
        + broken_rules(in_pdf, CII, *([] if quick else [FACTURX]))
        + broken_rules(ubl, *rules)
    )
    return [text for text in said if not any(text.startswith(rule) and part in text for rule, part in TOLERATED)]


def xml_of(document: Document, kind: EInvoiceKind) -> bytes:
    """The document as an electronic invoice, which it can be without a problem."""
    made = make(document, kind, ORIGIN)
    assert made.findings == (), document
    return made.xml


@cache
def blank_pdf() -> bytes:
    """A small PDF/A-3 as typst makes it."""
    import typst

    source = b'#set document(title: "Invoice", date: datetime(year: 2026, month: 11, day: 2))\n#set text(lang: "de")\n= Rechnung'
    made = typst.compile(source, format="pdf", pdf_standards=["a-3a", "ua-1"])
    assert isinstance(made, bytes)
    return made


@pytest.mark.parametrize("batch", range(BATCHES))
def test_official_rules_hold_on_generated_documents(batch: int) -> None:
    for n, made in enumerate(random_documents(batch, BATCH)):
        assert verdicts(made, quick=n % 3 != 0) == [], made


def test_generated_documents_are_of_every_sort() -> None:
    documents = [made for batch in range(BATCHES) for made in random_documents(batch, BATCH)]
    assert len(documents) >= 500
    assert {group.key.category for made in documents for group in made.totals.groups} == set(get_args(Category))
    assert {made.kind for made in documents} == {"invoice", "credit-note"}
    assert {made.purpose for made in documents} == {"standard", "deposit", "final", "cancellation_fee"}
    for sort in (
        lambda made: made.totals.includes_tax,
        lambda made: made.totals.allowance and len(made.totals.groups) > 2,
        lambda made: made.totals.charges,
        lambda made: made.deposits,
        lambda made: made.drawn and made.payable,
        lambda made: made.drawn and not made.payable,
        lambda made: made.planned,
        lambda made: leitweg_id(made),
        lambda made: einvoice_of(made, "facturx").rounding and not made.totals.rounding,
    ):
        assert sum(bool(sort(made)) for made in documents) >= 10


@cache
def demo() -> dict[str, Document]:
    """Every document of the demo practice that is issued on its day, by client and id."""
    site = load(ROOT).site
    assert site
    day = dt.date.fromisoformat(DEMO_DAY)
    return {
        f"{folder.id}/{made.id}": made
        for folder in site.clients.values()
        for made in account_of(site.shared, folder, day)[0].documents.values()
        if made.issued <= day
    }


def test_official_rules_hold_on_every_demo_document() -> None:
    assert len(demo()) > 25
    assert {made.kind for made in demo().values()} == {"invoice", "credit-note"}
    for name, made in demo().items():
        assert verdicts(made) == [], name


def plain(kind: EInvoiceKind) -> bytes:
    """An invoice over 119.00 that all judges take."""
    return xml_of(document(compute([line("100.00")], "EUR")), kind)


@pytest.mark.parametrize(
    ("kind", "rules", "was", "now", "rule"),
    [
        ("facturx", FACTURX, b"GrandTotalAmount>119.00", b"GrandTotalAmount>120.00", "BR-CO-15"),
        ("facturx", FACTURX, b">EUR</ram:InvoiceC", b">XXY</ram:InvoiceC", "FX-SCH"),
        ("facturx", CII, b"DuePayableAmount>119.00", b"DuePayableAmount>118.99", "BR-CO-16"),
        ("facturx", CII, b">EUR</ram:InvoiceC", b">XXY</ram:InvoiceC", "BR-CL-04"),
        ("xrechnung", UBL, b">119.00</cbc:PayableAmount", b">118.99</cbc:PayableAmount", "BR-CO-16"),
        ("xrechnung", UBL, b"<cbc:Percent>19<", b"<cbc:Percent>0<", "BR-S-05"),
    ],
)
def test_judges_refuse_a_broken_file(
    kind: EInvoiceKind, rules: tuple[str, str], was: bytes, now: bytes, rule: str
) -> None:
    good = plain(kind)
    assert was in good
    assert any(text.startswith(rule) for text in broken_rules(good.replace(was, now), rules))


def test_judge_of_xrechnung_refuses_an_invoice_without_reference() -> None:
    invoice = document(compute([line("100.00")], "EUR"), buyer_reference=LEITWEG)
    good = xml_of(invoice, "xrechnung")
    bad = good.replace(f"<cbc:BuyerReference>{LEITWEG}</cbc:BuyerReference>".encode(), b"")
    assert any(text.startswith("BR-DE-15") for text in broken_rules(bad, XRECHNUNG))


@pytest.mark.parametrize("kind", ["facturx", "xrechnung"])
def test_schema_refuses_elements_out_of_order(kind: EInvoiceKind) -> None:
    tree = ET.fromstring(plain(kind))
    tree[:] = reversed(tree)
    assert schema_errors(ET.tostring(tree))


def test_hybrid_pdf_is_sound(tmp_path: Path) -> None:
    xml = plain("facturx")
    hybrid = attach(blank_pdf(), xml, DAY)
    assert get_facturx_xml_from_pdf(hybrid, check_xsd=True) == ("factur-x.xml", xml)
    (tmp_path / "invoice.pdf").write_bytes(hybrid)
    check = subprocess.run(
        ["qpdf", "--check", "invoice.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_hybrid_pdf_stays_an_archivable_tagged_one() -> None:
    with pikepdf.open(io.BytesIO(attach(blank_pdf(), plain("facturx"), DAY))) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in pdf.Root
        (spec,) = list(pdf.Root.AF)
        assert spec.AFRelationship == "/Alternative"
        assert spec.EF.F.Subtype == "/text/xml"
        metadata = pdf.open_metadata()
        assert metadata.pdfa_status == "3A"
        named = {name: metadata["{" + FACTURX_XMP + "}" + name] for name in ("ConformanceLevel", "DocumentFileName")}
        assert named == {"ConformanceLevel": "EN 16931", "DocumentFileName": "factur-x.xml"}
