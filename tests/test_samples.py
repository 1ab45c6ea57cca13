"""Eight practices in eight countries, in `tests/samples/`: they build, and their papers say what they must there.

The files double as examples (docs/examples.md). Each is built once, from a copy, on one fixed day.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from bs4 import BeautifulSoup

from tests.papers import said
from tests.support import DEMO_DAY, ROOT, Built, invoke, private_address

SAMPLES = ROOT / "tests" / "samples"
_SPACES = re.compile(r"\s+")  # also those that do not break, which stand in amounts


class Says(NamedTuple):
    """What an invoice says: `always` on page and PDF, `now` on the page, where payments are counted in.

    `codes` are the QR codes on the page: the way's label, and how the text of the code begins.
    """

    always: tuple[str, ...]
    now: tuple[str, ...] = ()
    codes: Mapping[str, str] = {}


INVOICES: Mapping[str, Mapping[str, Says]] = {
    "swiss": {
        "2026-0012": Says(
            always=(
                "14. September 2026 bis 18. September 2026",
                "CHF 1’368.00",
                "Zahlung in Raten",
                "Nicht mehrwertsteuerpflichtig (Art. 10 Abs. 2 Bst. a MWSTG).",
                "CH44 3199 9123 0008 8901 2",
                "Beim Termin. Ich runde auf 5 Rappen.",
            ),
            now=("Referenz 00 00000 00000 00000 02026 00126", "Noch zu zahlen CHF 912.05"),
            codes={"QR-Rechnung": "SPC 0200 1 CH4431999123000889012 S Reto Furrer"},
        ),
        "2026-0011": Says(always=("Rundung CHF 0.01", "Gesamtbetrag CHF 202.25"), now=("Noch zu zahlen CHF 0.00",)),
    },
    "german": {
        "r-2026-022": Says(
            always=(
                "Steuernummer: 231/123/45678",
                "Ihr Zeichen: 04011000-12345-03",
                "6,5 Stunden",
                "617,50 €",
                "Gemäß § 19 UStG wird keine Umsatzsteuer berechnet (Kleinunternehmerin).",
                "DE89 3704 0044 0532 0130 00",
            ),
            now=("Verwendungszweck R-2026-022", "Gutschrift K-2026-001 vom 26. Oktober 2026 -47,50 €", "570,00 €"),
            codes={"Überweisung": "BCD 002 1 SCT COBADEFFXXX Hanna Brandt DE89370400440532013000 EUR570.00"},
        ),
        "r-2026-024": Says(
            always=("Leistungsdatum", "13. November 2026", "70,25 €"), now=("Bei Abholung der Urkunde",)
        ),
    },
    "french": {
        "f2026-009": Says(
            always=(
                "Camille Roux EI",
                "SIREN: 123 456 782",
                "Date de la prestation",
                "30 septembre 2026",
                "TVA non applicable, art. 293 B du CGI",
                "pénalités au taux annuel de 12,15 %",
                "indemnité forfaitaire pour frais de recouvrement de 40 €",
            ),
            now=("FR14 2004 1010 0505 0001 3M02 606", "Nom du compte atelierrouxdemo", "Payer 560,00 € : PayPal"),
            codes={"Virement": "BCD 002 1 SCT Camille Roux EI FR1420041010050500013M02606 EUR560.00"},
        ),
        "f2026-010": Says(
            always=("Facture de solde", "1 830,00 €", "Acompte, facture F2026-007 du 2 juin 2026 -450,00 €"),
            now=("Reste à payer 480,00 €",),
        ),
    },
    "british": {
        "inv-2026-005": Says(
            always=(
                "VAT number: GB123456782",
                "Included: VAT 20% on £1,491.67 £298.33",
                "Total £1,790.00",
                "Monday, 30 November 2026",
                "Sort code 60-16-13",
                "Account 31926819",
                "I bring a reader to each visit",
            ),
            now=("Reference INV-2026-005", "Still to pay £1,074.00", "Bath BA2 4ZZ"),
        ),
    },
    "us": {
        "202611-015": Says(
            always=(
                "Fee for a missed session",
                "Issued on Wednesday, November 4, 2026",
                "Portland, OR 97299",
                "EIN: 00-1234567",
                "rosewood-demo",
                "$rosewooddemo",
                "billing@rosewood-therapy.example",
                "Mail it to the address above, or bring it to a session.",
            ),
            now=("Pay $80.00 by Venmo", "Pay $80.00 by Cash App", "911", "988"),
        ),
        "202611-016": Says(always=("Karl Novak", "June Novak", "$640.00"), now=("Still to pay $440.00",)),
    },
    "indian": {
        "kd-26-032": Says(
            always=(
                "GSTIN: 29ABCPK1234F1Z1",
                "GST 18% on ₹1,80,000.00 ₹32,400.00",
                "Total ₹2,12,400.00",
                "Place of supply: Tamil Nadu (33).",
                "SAC 998391.",
                "Chennai 600020",
            ),
            now=("IFSC BANK0001234", "Reference KD-26-032"),
        ),
        "kd-26-033": Says(
            always=("27AABCM1234F1ZX", "₹1,27,440.00"),
            now=("Paid -₹69,460.00", "UPI address kaveridesign@okbank", "Pay ₹57,980.00 by UPI"),
            codes={"UPI": "upi://pay?pa=kaveridesign@okbank&pn=Ananya%20Krishnan"},
        ),
    },
    "brazilian": {
        "2026-0023": Says(
            always=(
                "CPF: 123.456.789-09",
                "R$ 617,50",
                "Este documento não substitui a nota fiscal de serviços (NFS-e).",
                "Belo Horizonte - MG",
                "Chave PIX 123.456.789-09",
            ),
            now=("Referência 20260023", "Falta pagar R$ 317,50", "vence em domingo, 22 de novembro de 2026"),
            codes={"PIX": "00020126330014BR.GOV.BCB.PIX011112345678909"},
        ),
        "2026-0021": Says(always=("Pacote de dez aulas", "R$ 1.150,00")),
    },
    "japanese": {
        "2026-0022": Says(
            always=(
                "登録番号: T7123456789012",
                "￥73,425",
                "うち消費税（10%対象 税抜￥66,750） ￥6,675",
                "〒604-0000",
                "2026年12月30日",
                "銀行・支店番号 9999012",
                "口座名義 ナガオ ユキ",
                "振込手数料はご負担ください",
            ),
            now=("未払い ￥71,940", "振込時の番号 2026-0022"),
        ),
    },
}
PORTALS: Mapping[str, tuple[str, str]] = {
    "swiss": ("musikschule", "Gutschrift CN-2026-0001 vom 9. Oktober 2026"),
    "german": ("standesamt", "Gutschrift K-2026-001 vom 26. Oktober 2026"),
    "french": ("voiles", "A2026-001"),
    "british": ("pryce", "1 of 4 left, to use until 2 March 2027"),
    "us": ("alvarez", "988 Suicide & Crisis Lifeline"),
    "indian": ("marigold", "₹2,50,000.00 is to pay in advance"),
    "brazilian": ("beatriz", "restam 7 de 10, a usar até 5 de fevereiro de 2027"),
    "japanese": ("kimura", "今後の請求 月謝, 2026年12月分"),
}
"""What one client of each finds on their own page."""

EVERY_INVOICE = [(name, invoice) for name, invoices in INVOICES.items() for invoice in invoices]


class Sample:
    """A sample that was built once."""

    def __init__(self, site: Path) -> None:
        result = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
        assert result.code == 0, result
        links = invoke("links", "--site", site, "--json", "--yes")
        self.built = Built(site=site, output=site / "output", report=result.json)
        self.addresses = {(link["kind"], link["ref"]): private_address(link["url"]) for link in links.json}

    def page(self, kind: str, ref: str) -> Path:
        """The page that a link opens."""
        return self.built.output / self.addresses[kind, ref]

    @functools.cached_property
    def private_pages(self) -> list[Path]:
        """All pages behind links."""
        return sorted((self.built.output / "p").rglob("index.html"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sample]:
    """Every sample, built from a copy."""
    root = tmp_path_factory.mktemp("samples")
    return {name: Sample(Path(shutil.copytree(SAMPLES / name, root / name))) for name in INVOICES}


def spaced(text: str) -> str:
    """A text with single plain spaces."""
    return _SPACES.sub(" ", text)


def soup(page: Path) -> BeautifulSoup:
    """A page, parsed."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def words(page: Path) -> str:
    """What stands on a page."""
    return spaced(soup(page).get_text(" "))


def test_every_folder_is_a_sample_that_is_tested() -> None:
    assert {folder.name for folder in SAMPLES.iterdir()} == set(INVOICES) == set(PORTALS)


@pytest.mark.parametrize("name", INVOICES)
def test_it_builds_without_a_problem_or_a_warning(name: str, samples: Mapping[str, Sample]) -> None:
    assert samples[name].built.report["problems"] == []


@pytest.mark.parametrize("name", INVOICES)
def test_a_second_build_writes_nothing(name: str, samples: Mapping[str, Sample]) -> None:
    again = invoke("build", "--site", samples[name].built.site, "--today", DEMO_DAY, "--json")
    assert (again.code, again.json["written"], again.json["removed"]) == (0, 0, 0), again


@pytest.mark.parametrize(("name", "invoice"), EVERY_INVOICE)
def test_an_invoice_says_what_it_must(name: str, invoice: str, samples: Mapping[str, Sample]) -> None:
    said_there, says = words(samples[name].page("invoice", invoice)), INVOICES[name][invoice]
    assert [text for text in (*says.always, *says.now) if text not in said_there] == [], said_there


@pytest.mark.parametrize(("name", "invoice"), EVERY_INVOICE)
def test_an_invoice_has_the_codes_of_its_ways_to_pay(name: str, invoice: str, samples: Mapping[str, Sample]) -> None:
    page, codes = soup(samples[name].page("invoice", invoice)), INVOICES[name][invoice].codes
    texts = [spaced(found.get_text()) for found in page.select("details.code p")]
    if codes:
        drawn = [str(found["aria-label"]) for found in page.select("figure.qr [role=img]:has(svg)")]
        assert len(drawn) == len(texts) == len(codes)
        for label, begins in codes.items():
            assert any(label in name for name in drawn), drawn
            assert any(text.strip().startswith(begins) for text in texts), texts


@pytest.mark.parametrize(("name", "invoice"), EVERY_INVOICE)
def test_its_pdf_says_the_same(name: str, invoice: str, samples: Mapping[str, Sample]) -> None:
    [pdf] = samples[name].page("invoice", invoice).parent.glob("*.pdf")
    printed = spaced(said(pdf.read_bytes()))
    assert [text for text in INVOICES[name][invoice].always if text not in printed] == [], printed


@pytest.mark.parametrize("name", INVOICES)
def test_every_invoice_and_receipt_and_credit_note_has_a_pdf(name: str, samples: Mapping[str, Sample]) -> None:
    sample = samples[name]
    papers = [sample.page(*key).parent for key in sample.addresses if key[0] in ("invoice", "credit-note")]
    papers += [page.parent for page in (sample.built.output / "p").glob("*/receipts/*/index.html")]
    kinds = {kind for kind, _ in sample.addresses}
    assert kinds - {"person"} == {"portal", "invoice", "credit-note"}
    assert len(papers) >= 6
    assert [paper for paper in papers if len(list(paper.glob("*.pdf"))) != 1] == []


@pytest.mark.parametrize("name", PORTALS)
def test_a_client_finds_it_on_their_page(name: str, samples: Mapping[str, Sample]) -> None:
    client, text = PORTALS[name]
    found = words(samples[name].page("portal", client))
    assert text in found, found


@pytest.mark.parametrize(
    ("name", "client", "reference"),
    [
        ("indian", "marigold", "Reference KD-26-033"),
        ("british", "hale", "Reference INV-2026-006, INV-2026-005, INV-2026-007"),
        ("swiss", "musikschule", None),  # a QR-IBAN takes one QR-bill at a time
    ],
)
def test_a_statement_names_an_account_that_takes_its_reference(
    name: str, client: str, reference: str | None, samples: Mapping[str, Sample]
) -> None:
    [page] = samples[name].page("portal", client).parent.glob("statements/*/index.html")
    found = words(page)
    assert reference in found if reference else "CH44 3199" not in found


def test_an_american_invoice_is_on_letter_paper_and_shows_no_tax(samples: Mapping[str, Sample]) -> None:
    import pikepdf

    page = samples["us"].page("invoice", "202611-016")
    [pdf] = page.parent.glob("*.pdf")
    with pikepdf.open(pdf) as read:
        assert [float(value) for value in read.pages[0].mediabox] == [0, 0, 612, 792]
    assert not re.search(r"\btax\b", words(page), re.IGNORECASE)


def test_the_german_authority_gets_an_xrechnung_and_the_french_firm_a_factur_x(samples: Mapping[str, Sample]) -> None:
    import pikepdf

    folder = samples["german"].page("invoice", "r-2026-022").parent
    [xml] = folder.glob("*.xml")
    text = xml.read_text(encoding="utf-8")
    assert "xrechnung" in text
    assert ">04011000-12345-03<" in text
    [pdf] = samples["french"].page("invoice", "f2026-009").parent.glob("*.pdf")
    with pikepdf.open(pdf) as read:
        assert list(read.attachments) == ["factur-x.xml"]


def test_no_english_word_is_left_behind_a_japanese_link(samples: Mapping[str, Sample]) -> None:
    sample = samples["japanese"]
    assert len(sample.private_pages) > 10
    for page in sample.private_pages:
        body = soup(page).body
        assert body
        text = re.sub(r"\S+@\S+|\b(?:PDF|SMS|CN|R|T)\b", "", body.get_text(" "))
        assert re.findall(r"[A-Za-z]{2,}", text) == [], page
