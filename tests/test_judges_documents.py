"""What a build really publishes, before judges: the electronic invoice inside every PDF of the demo."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pikepdf
from facturx import get_facturx_xml_from_pdf

from .schematron import CII, FACTURX, broken_rules, schema_errors
from .support import Built, invoke, minimal_site
from .test_judges_einvoice import FACTURX_XMP, TOLERATED

RULES = (FACTURX, CII)


def bills(output: Path) -> dict[str, Path]:
    """The PDFs of invoices and credit notes: those that lie at the foot of a link of their own."""
    return {path.stem: path for path in output.glob("p/*/*.pdf")}


def complaints(xml: bytes) -> list[str]:
    said = schema_errors(xml) + broken_rules(xml, *RULES)
    return [text for text in said if not any(text.startswith(rule) and part in text for rule, part in TOLERATED)]


def test_every_bill_of_the_demo_holds_an_invoice_by_the_official_rules(demo: Built) -> None:
    rows = [json.loads(line) for line in (demo.site / "portalgen.lock").read_text().splitlines()]
    issued = {row["number"] for row in rows if row["kind"] in ("invoice", "credit-note")}
    void = {row["number"] for row in rows if row["kind"] == "invoice" and is_void(demo.site, row["client"], row["id"])}
    found = bills(demo.output)
    assert found.keys() == issued - void
    assert len(found) > 30
    for number, path in found.items():
        name, xml = get_facturx_xml_from_pdf(path.read_bytes(), check_xsd=False)
        assert name == "factur-x.xml", number
        assert complaints(xml) == [], number
        assert f">{number}<".encode() in xml
        with pikepdf.open(path) as pdf:
            metadata = pdf.open_metadata()
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A"), number
            assert metadata[f"{{{FACTURX_XMP}}}ConformanceLevel"] == "EN 16931"
            assert pdf.Root.MarkInfo.Marked
            assert str(pdf.Root.AF[0].AFRelationship) == "/Alternative"


def is_void(site: Path, client: str, name: str) -> bool:
    return "\nvoid:" in (site / f"content/clients/{client}/invoices/{name}.yaml").read_text()


def test_an_invoice_that_lacks_what_the_standard_needs_is_told_and_not_sent(tmp_path: Path) -> None:
    site = minimal_site(tmp_path)
    text = (site / "content/site.yaml").read_text().replace("{pdf: false, einvoice: false}", "{einvoice: facturx}")
    (site / "content/site.yaml").write_text(text)
    folder = site / "content/clients/ana"
    (folder / "invoices").mkdir(parents=True)
    (folder / "client.yaml").write_text("id: ana\nname: {display: Ana}\ncompany: {name: Ana Ltd}\n")
    (folder / "invoices/i.yaml").write_text(
        f"id: i\nnumber: 2026-0001\nissued: {dt.date(2026, 11, 2)}\ndue: 2026-11-16\nlines:\n"
        "  - {description: Session, unit_price: 60.00, tax: {category: AE, reason: Reverse charge}}\n"
    )
    result = invoke("build", "--site", site, "--today", "2026-11-21", "--json")
    assert result.code == 2
    told = [(one["path"], one["code"]) for one in result.json["problems"] if one["severity"] == "error"]
    assert ("content/clients/ana/invoices/i.yaml", "missing-vat-id") in told
    assert not (site / "output").exists()
