"""PDFs before judges that others wrote: qpdf, poppler, pikepdf, and a decoder for what is drawn on them."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
import pikepdf
import pytest
import zxingcpp
from bs4 import BeautifulSoup
from PIL import Image, ImageChops

from portalgen.rules.document import Preceding
from portalgen.rules.money import Money
from portalgen.rules.parties import Party, PostalAddress
from portalgen.rules.totals import compute
from portalgen.rules.ways import Demand, fitting_ways
from portalgen.site.einvoice.hybrid import attach
from portalgen.site.sheet import Sheet
from portalgen.site.sheets_account import sheet_of_receipt, sheet_of_statement, sheet_of_year
from portalgen.site.views import (
    AgeingView,
    PartyView,
    ReceiptView,
    SettledView,
    StatementRowView,
    StatementView,
    TaxView,
    YearRowView,
    YearServiceView,
    YearSumView,
    YearView,
)
from tests.documents import DAY, TRANSFER, document, key, line, random_documents
from tests.papers import Paper, paper, plain, said
from tests.paycodes import read_code, read_swiss
from tests.support import MINIMAL, MINIMAL_CLIENT, Built

METHODS = {
    "EUR": "{id: sepa, kind: bank_sepa, label: Transfer, iban: IE29AIBK93115212345678, account_name: Séamus Ó Floinn}",
    "CHF": "{id: qr, kind: swiss_qr, currencies: [CHF], label: QR, iban: CH4431999123000889012, account_name: Zürcher Praxis}",
    "INR": "{id: upi, kind: upi, label: UPI, vpa: mira.lind@okbank, account_name: Mira}",
    "BRL": "{id: pix, kind: pix, label: PIX, key: '+5511912345678', city: São Paulo, account_name: Mira Conceição}",
    "CZK": "{id: spayd, kind: spayd, currencies: [CZK], label: Převod, iban: CZ5855000000001265098001}",
}
AMOUNT = Decimal("1949.75")
ANA = Party(
    name="Ana Horvat", address=PostalAddress(line1="Rue de l’Église 2", postcode="2501", city="Biel", country="CH")
)
DOTS = 200
MM = DOTS / 25.4


def euros(amount: str) -> Money:
    """An amount in euros."""
    return Money(Decimal(amount), "EUR")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """A practice that takes money in many ways."""
    site = MINIMAL["content/site.yaml"]
    rows = "".join(f"    - {row}\n" for row in METHODS.values())
    site = site[: site.index("    - {id: cash")] + rows + site[site.index("base_url") :]
    client = {name: text for name, text in MINIMAL_CLIENT.items() if "invoices" not in name}
    terms = {"content/terms/net14.yaml": "id: net14\ndue: net 14\n"}
    return paper(tmp_path_factory.mktemp("desk"), {**client, **terms, "content/site.yaml": site})


def bill(desk: Paper, currency: str, language: str = "en", lines: int = 1) -> Sheet:
    """An invoice in a currency with the ways to pay it that the practice has."""
    totals = compute([line(str(AMOUNT), key("O"))] + [line("0.00", key("O"))] * (lines - 1), currency)
    demand = Demand(
        amount=Money(AMOUNT, currency), number="2026-0001", id="2026-0001", language=language, debtor=ANA,
        terms_methods=tuple(row[5 : row.index(",")] for row in METHODS.values()),
    )  # fmt: skip
    ways = fitting_ways(desk.shared, desk.site.clients["ana"].client, demand)
    assert ways, currency
    return desk.sheet(document(totals, language=language, ways=ways, buyer=ANA))


def account_sheets(desk: Paper, language: str = "en") -> Iterator[Sheet]:
    """A receipt, a refund, a statement of account and the summary of a year."""
    words, stationery = desk.words(language), desk.stationery
    who = PartyView(name="Ana Horvat", care_of="", address=("Biel",), email="a@b.example", phone="", details=())
    day = dt.date(2026, 11, 2)
    settled = SettledView(number="2026-0001", address="", issued=day, part=euros("60.00"), left=euros("40.00"))
    receipt = ReceiptView(
        number="R-1", kind="payment", date=day, amount=euros("70.00"), payer="Ana Horvat", client="", method="Cash",
        reference="abc", invoices=(settled,), held=euros("10.00"), retainer=False, seller=who, portal="",
    )  # fmt: skip
    yield sheet_of_receipt(receipt, words, stationery)
    yield sheet_of_receipt(msgspec.structs.replace(receipt, kind="refund", number="R-2"), words, stationery)
    rows = [
        StatementRowView(
            date=day, kind="invoice", number=f"2026-{n:04}", address="", invoice="", charge=euros("1.00"), credit=None,
            balance=euros(f"{n}.00"),
        )
        for n in range(1, 61)
    ]  # fmt: skip
    ageing = AgeingView(
        not_due=euros("10.00"), days_1_30=euros("20.00"), days_31_60=euros("30.00"), days_61_90=euros("0.00"),
        over_90=euros("0.00"),
    )  # fmt: skip
    yield sheet_of_statement(
        StatementView(
            currency="EUR", start=day, end=day, opening=euros("0.00"), rows=tuple(rows), charges=euros("60.00"),
            credits=euros("0.00"), closing=euros("60.00"), ageing=ageing, open=euros("60.00"), overdue=euros("50.00"),
            discussed=euros("0.00"), asked=euros("60.00"), pending=euros("0.00"), security=euros("0.00"),
            unapplied=euros("0.00"), retained=euros("0.00"), outstanding=(), ways=(),
            seller=who, buyer=who, others=(), portal="",
        ),
        words, stationery,
    )  # fmt: skip
    paid = YearRowView(
        date=day, amount=euros("119.00"), tax=euros("19.00"), method="Cash", payer="", receipt="R-1", address="",
        invoices=("2026-0001",), services=(YearServiceView(description="Session", days=(day,), spans=()),),
    )  # fmt: skip
    tax = TaxView(category="S", rate=Decimal(19), base=euros("100.00"), tax=euros("19.00"), reason="")
    sums = (YearSumView(name="Session", amount=euros("100.00")), YearSumView(name="", amount=euros("19.00")))
    yield sheet_of_year(
        YearView(
            year=2026, currency="EUR", end=day, rows=(paid,), services=sums, taxes=(tax,), unapplied=euros("0.00"),
            total=euros("119.00"), tax=euros("19.00"), seller=who, buyer=who, others=(), portal="",
        ),
        words, stationery,
    )  # fmt: skip


@pytest.fixture(scope="module")
def printed(desk: Paper) -> Mapping[str, tuple[Sheet, bytes]]:
    """PDFs of every sort by what they are."""
    sheets = {f"bill {currency}": bill(desk, currency) for currency in METHODS}
    sheets |= {f"bill {language}": bill(desk, "EUR", language) for language in ("ar", "he", "de", "ja")}
    sheets["long"] = desk.sheet(document(compute([line("1.00", description=f"Item {n}") for n in range(200)], "EUR")))
    before = Preceding(id="x", number="2026-0001", issued=DAY)
    fields = {"kind": "credit-note", "preceding": before, "due": None, "parts": (), "ways": ()}
    sheets["credit note"] = desk.sheet(document(compute([line("9.00")], "EUR"), **fields))
    sheets |= {sheet.kind: sheet for sheet in account_sheets(desk)}
    sheets |= {f"arabic {sheet.kind}": sheet for sheet in account_sheets(desk, "ar")}
    sheets |= {f"random {n}": desk.sheet(made) for n, made in enumerate(random_documents(7, 8))}
    return {name: (sheet, desk.theme.press.pdf(sheet).pdf) for name, sheet in sheets.items()}


def rendered(pdf: bytes, page: int) -> Image.Image:
    """A page as grey pixels, 200 to an inch."""
    command = ["pdftoppm", "-r", str(DOTS), "-gray", "-f", str(page), "-l", str(page), "-"]
    return Image.open(io.BytesIO(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout)).convert(
        "L"
    )


def scanned(pdf: bytes) -> list[zxingcpp.Barcode]:
    """Every code that a decoder finds on a document."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        count = len(opened.pages)
    return [code for page in range(1, count + 1) for code in zxingcpp.read_barcodes(rendered(pdf, page))]


def test_qpdf_finds_nothing_wrong(printed: Mapping[str, tuple[Sheet, bytes]], tmp_path: Path) -> None:
    for name, (_, pdf) in printed.items():
        for made in (pdf, attach(pdf, b"<x/>", DAY)):
            (tmp_path / "a.pdf").write_bytes(made)
            done = subprocess.run(
                ["qpdf", "--check", str(tmp_path / "a.pdf")], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (name, done.stdout, done.stderr)


def test_every_font_is_embedded_in_part_and_its_text_can_be_read(
    printed: Mapping[str, tuple[Sheet, bytes]], tmp_path: Path
) -> None:
    for name, (_, pdf) in printed.items():
        (tmp_path / "a.pdf").write_bytes(pdf)
        done = subprocess.run(["pdffonts", str(tmp_path / "a.pdf")], capture_output=True, text=True, check=True)
        rows = done.stdout.splitlines()[2:]
        assert rows, name
        for row in rows:
            assert row.split()[-5:-2] == ["yes", "yes", "yes"], (name, row)


def test_each_says_that_it_is_pdf_a_3_and_accessible_and_no_more_than_its_title(
    printed: Mapping[str, tuple[Sheet, bytes]],
) -> None:
    for name, (sheet, pdf) in printed.items():
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            metadata = opened.open_metadata()
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A"), name
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == sheet.title
            assert metadata["dc:creator"] == ["Quiet Room"]
            assert opened.Root.MarkInfo.Marked
            assert opened.Root.StructTreeRoot
            assert str(opened.Root.Lang).partition("-")[0] == sheet.language
            assert opened.Root.ViewerPreferences.DisplayDocTitle
            told = opened.Root.Metadata.read_bytes().decode() + str(dict(opened.docinfo))
            assert all(buyer not in told for buyer in ("Ana", "Horvat", "Bezirksamt")), name
            assert str(opened.docinfo["/CreationDate"]).startswith(f"D:{sheet.date:%Y%m%d}")


def tags(element: pikepdf.Object) -> Iterator[str]:
    """The kinds of an element of a document's structure and of all that it holds."""
    if isinstance(element, pikepdf.Dictionary) and "/S" in element:
        yield str(element.S)
    children = element.get("/K") if isinstance(element, pikepdf.Dictionary) else None
    for child in children if isinstance(children, pikepdf.Array) else [children]:
        if isinstance(child, pikepdf.Dictionary):
            yield from tags(child)


def test_its_structure_has_headings_tables_and_pictures(printed: Mapping[str, tuple[Sheet, bytes]]) -> None:
    for name in ("bill EUR", "statement", "arabic year"):
        with pikepdf.open(io.BytesIO(printed[name][1])) as opened:
            found = set(tags(opened.Root.StructTreeRoot))
        assert {"/H1", "/H2", "/Table", "/TH", "/TD"} <= found, (name, found)
        assert ("/Figure" in found) == (name == "bill EUR")


@pytest.mark.parametrize("currency", METHODS)
def test_its_code_reads_as_what_stands_beside_it(printed: Mapping[str, tuple[Sheet, bytes]], currency: str) -> None:
    sheet, pdf = printed[f"bill {currency}"]
    (code,) = scanned(pdf)
    asked = read_code(code.bytes.decode("utf-8"))
    assert (asked.amount, asked.currency) == (AMOUNT, currency)
    text = "".join(said(pdf).split())
    for words in (asked.account, asked.reference):
        assert "".join(words.split()) in text, words
    assert sheet.ways or sheet.slip


@pytest.mark.parametrize("name", ["bill ar", "bill de", "bill ja"])
def test_its_code_is_read_in_every_language(printed: Mapping[str, tuple[Sheet, bytes]], name: str) -> None:
    (code,) = scanned(printed[name][1])
    assert read_code(code.bytes.decode("utf-8")).amount == AMOUNT


def test_the_swiss_slip_lies_where_the_banks_look_for_it(desk: Paper) -> None:
    for lines, count in ((1, 1), (12, 2)):
        pdf = desk.theme.press.pdf(bill(desk, "CHF", "de", lines)).pdf
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert len(opened.pages) == count
        page = rendered(pdf, count)
        (code,) = zxingcpp.read_barcodes(page)
        corners = code.position
        top = page.height / MM - 105
        assert abs(corners.top_left.x / MM - 67) < 0.3
        assert abs(corners.top_left.y / MM - top - 17) < 0.3
        assert abs(corners.bottom_right.x / MM - 113) < 0.3
        assert abs(corners.bottom_right.y / MM - top - 63) < 0.3
        text = " ".join(said(pdf).split())
        for words in (
            "Empfangsschein", "Zahlteil", "Konto / Zahlbar an", "CH44 3199 9123 0008 8901 2", "Zürcher Praxis",
            "Währung Betrag", "1 949.75", "Referenz", "Zahlbar durch", "Ana Horvat", "2501 Biel", "Annahmestelle",
            "Vor der Einzahlung abzutrennen",
        ):  # fmt: skip
            assert words in text, words
        slip = read_swiss(code.bytes.decode("utf-8"))
        assert "".join(slip.asked.reference.split()) in "".join(text.split())


def test_nothing_of_the_text_reaches_the_slip(desk: Paper) -> None:
    """The longer the text, the nearer it comes, until the slip goes to a page of its own."""
    for lines in range(2, 7):
        pdf = desk.theme.press.pdf(bill(desk, "CHF", "de", lines)).pdf
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            count = len(opened.pages)
        page = rendered(pdf, count)
        gap = page.crop((int(20 * MM), int(page.height - 104 * MM), int(60 * MM), int(page.height - 101 * MM)))
        assert not gap.point(lambda level: 255 if level < 200 else 0).getbbox(), lines


def test_nothing_runs_off_the_page(desk: Paper, printed: Mapping[str, tuple[Sheet, bytes]]) -> None:
    wide = line("123456789.25", quantity="1234567", description="An undividablewordthatgoesonandon" * 9)
    long = Party(name="Wolfeschlegelsteinhausenbergerdorff " * 4, address=PostalAddress(line1="x" * 90))
    way = msgspec.structs.replace(TRANSFER, href="https://pay.example/" + "a1b2c3/" * 20, label="Very " * 20)
    made = document(compute([wide], "EUR"), buyer=long, ways=(way, way), number="N" * 40, po_reference="P" * 60)
    pdfs = [desk.pdf(made), *(printed[name][1] for name in ("bill EUR", "bill ar", "statement", "year", "long"))]
    for pdf in pdfs:
        page = rendered(pdf, 1)
        ink = ImageChops.invert(page).point(lambda level: 255 if level > 60 else 0).getbbox()
        assert ink
        assert ink[0] > 15 * MM
        assert page.width - ink[2] > 15 * MM
        assert ink[1] > 10 * MM
        assert page.height - ink[3] > 7 * MM


# --- the demo -----------------------------------------------------------------------------------------


def test_the_fonts_have_every_letter_of_the_demo(demo: Built) -> None:
    assert [problem for problem in demo.report["problems"] if problem["code"] == "missing-letters"] == []


OFF_PAPER = ".screen, .phone, .hidden, .actions, .state, .ways, nav, header, footer, script, style"
"""What a page says on a screen only, or says of the day; and ways to pay, which paper has for the day of issue."""


def letters(word: str) -> str:
    """The letters of a word, in no order: what reads a PDF gives those of Arabic ligatures in another.

    It also leaves out blanks where the direction turns.
    """
    return "".join(sorted(word.strip("·,.:()،")))


def test_what_a_page_says_its_pdf_says(demo_output: Path) -> None:
    kinds = set()
    for file in sorted(demo_output.rglob("*.pdf")):
        page = BeautifulSoup((file.parent / "index.html").read_bytes(), "html.parser")
        for part in page.select(OFF_PAPER):
            part.decompose()
        main = page.select_one("main")
        assert main
        bill = main.select_one(".invoice-lines")
        kinds.add(("bill" if bill else "account", bool(main.select_one(".ageing"))))
        parts = main.select(".parties:not(:has(table)), .invoice-lines, .plain-facts") if bill else [main]
        words = plain(" ".join(part.get_text(" ") for part in parts)).split()
        text = said(file.read_bytes())
        told = {letters(word) for word in text.split()}
        assert len(words) > 20
        arabic = 'dir="rtl"' in (file.parent / "index.html").read_text("utf-8")
        missing = [w for w in words if letters(w) not in told and not (arabic and (w in text or set(w) <= set(text)))]
        assert missing == [], (file, missing, text)
    assert kinds == {("bill", False), ("account", False), ("account", True)}


def test_every_pdf_of_the_demo_is_sound(demo_output: Path) -> None:
    files = [str(file) for file in sorted(demo_output.rglob("*.pdf"))]
    assert len(files) > 50
    for file in files:
        done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (file, done.stdout, done.stderr)
