"""Documents on paper: what they say, that data stays data, and what a site may change about them."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portalgen.rules.document import Deducted, Drawn, PlannedPart, Preceding
from portalgen.rules.parties import Party, PostalAddress
from portalgen.rules.totals import compute
from portalgen.site import sheet
from portalgen.site.pdf import DocumentProblem, Press, missing_letters
from portalgen.site.sheet import Logo, Paragraph, Sheet, canonical, fitted, paragraphs
from tests.documents import DAY, TRANSFER, document, key, line
from tests.papers import Paper, pages, paper, said
from tests.support import MINIMAL, ROOT

OUTSIDE = key("O")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """A site with nothing of its own."""
    return paper(tmp_path_factory.mktemp("desk"))


def flat(pdf: bytes) -> str:
    """The text of a PDF on one line."""
    return " ".join(said(pdf).split())


# --- what documents say -------------------------------------------------------------------------------


def test_an_invoice_says_what_its_page_says(desk: Paper) -> None:
    lines = [line("60.00", quantity="2", description="First session", date=DAY), line("40.00", description="Letter")]
    totals = compute(lines, "EUR", discount_percent=Decimal(10))
    bill = document(
        totals, language="en", discount_percent=Decimal(10), discount_reason="a friend", po_reference="PO-7",
        service_date=None, service_period=(DAY, DAY + dt.timedelta(days=9)), mentions=("Read the law.",),
    )  # fmt: skip
    text = flat(desk.pdf(bill, notes="<p>Thank <b>you</b>.</p>"))
    for words in (
        "Invoice 2026-0001", "Issued on Monday 2 November 2026", "€171.36 due on Monday 16 November 2026",
        "Bezirksamt Mitte", "Rathausplatz 1", "10117 Berlin", "Germany", "Mira Lind", "Stiller Raum",
        "VAT number: DE136695976", "Steuernummer: 12/345/67890", "+49 30 1234567",
        "2 November 2026 to 11 November 2026", "Your purchase order", "PO-7",
        "First session 2 sessions €60.00 €120.00", "Letter 1 session €40.00 €40.00",
        "Sum of the lines €160.00", "10% off: a friend -€16.00", "Total before tax €144.00",
        "VAT 19% on €144.00 €27.36", "Total €171.36", "Überweisung", "DE89 3704 0044 0532 0130 00", "2026-0001",
        "Thank you.", "Read the law.", "Questions about this invoice? Write to mira@practice.example.",
    ):  # fmt: skip
        assert words in text, (words, text)


def test_a_final_invoice_deducts_each_deposit_and_asks_for_the_rest(desk: Paper) -> None:
    deposit = Deducted(id="d", number="2026-0007", issued=dt.date(2026, 10, 1), amount=Decimal("30.00"))
    bill = document(
        compute([line("100.00", OUTSIDE)], "EUR"), language="en", purpose="final", deposits=(deposit,), parts=()
    )
    text = flat(desk.pdf(bill))
    assert "Invoice 2026-0001 · Final invoice" in text
    assert "€70.00 due on Monday 16 November 2026" in text
    assert "Deposit, invoice 2026-0007 of 1 October 2026 -€30.00 Still to pay €70.00" in text


def test_what_was_drawn_at_issue_is_taken_off_what_is_asked_for(desk: Paper) -> None:
    day = dt.date(2026, 9, 3)
    drawn = Drawn(payment="r", number="R-1", paid=day, amount=Decimal("30.00"), advance=True)
    ahead = Drawn(payment="a", number="R-2", paid=day, amount=Decimal("70.00"))
    totals = compute([line("100.00", OUTSIDE)], "EUR")
    text = flat(desk.pdf(document(totals, language="en", drawn=(drawn,))))
    assert "€70.00 due on Monday 16 November 2026" in text
    assert "From your advance of 3 September 2026 -€30.00 Still to pay €70.00" in text
    text = flat(desk.pdf(document(totals, language="en", drawn=(drawn, ahead), ways=())))
    assert "Nothing to pay" in text
    assert "Paid ahead on 3 September 2026 -€70.00 Still to pay €0.00" in text


def test_a_payment_plan_lists_its_parts_and_asks_for_the_first(desk: Paper) -> None:
    days = (dt.date(2026, 12, 1), dt.date(2027, 1, 1))
    parts = tuple(PlannedPart(due=day, amount=Decimal("50.00")) for day in days)
    bill = document(compute([line("100.00", OUTSIDE)], "EUR"), language="en", planned=True, parts=parts)
    text = flat(desk.pdf(bill))
    assert "€50.00 due on Tuesday 1 December 2026 In all €100.00 is still open." in text
    assert "Tuesday 1 December 2026 €50.00 Friday 1 January 2027 €50.00" in text


def test_a_credit_note_names_its_invoice_and_asks_for_nothing(desk: Paper) -> None:
    before = Preceding(id="x", number="2026-0001", issued=DAY)
    note = document(
        compute([line("40.00", OUTSIDE)], "EUR"), language="en", kind="credit-note", number="CN-1", preceding=before,
        reason="Agreed", due=None, parts=(), ways=(),
    )  # fmt: skip
    text = flat(desk.pdf(note))
    assert "Credit note CN-1" in text
    assert "€40.00 taken off invoice 2026-0001 of 2 November 2026 Agreed" in text
    assert "Questions about this credit note?" in text
    assert "How to pay" not in text
    assert "due on" not in text


@pytest.mark.parametrize(("country", "size"), [("IE", (595, 842)), ("US", (612, 792))])
def test_the_paper_is_that_of_the_practices_country(tmp_path: Path, country: str, size: tuple[int, int]) -> None:
    import pikepdf

    site = MINIMAL["content/site.yaml"].replace("  country: IE", f"  country: {country}")
    pdf = paper(tmp_path, {"content/site.yaml": site}).pdf(document(compute([line("9.00", OUTSIDE)], "EUR")))
    (tmp_path / "a.pdf").write_bytes(pdf)
    with pikepdf.open(tmp_path / "a.pdf") as opened:
        box = opened.pages[0].mediabox
        assert tuple(round(float(box[n])) for n in (2, 3)) == size


def messages(template: Path) -> set[str]:
    """What a template says."""
    text = template.read_text(encoding="utf-8")
    return set(re.findall(r"{% trans[^%]*%}(.*?){% endtrans %}", text)) | set(re.findall(r'_\("(.*?)"\)', text))


def test_paper_says_nothing_in_other_words_than_pages() -> None:
    """A word that a page no longer says would stay on paper, and be translated for nothing else.

    What was drawn at issue is paper's own: a page lists it among the payments.
    """
    own = ROOT / "templates" / "parts" / "sheet.html"
    pages = set().union(*(messages(path) for path in (ROOT / "templates").rglob("*.html") if path != own))
    drawn = {"From your advance of {{ day }}", "Paid ahead on {{ day }}"}
    assert messages(own) - pages == {"Carried over", "Brought forward"} | drawn


# --- long tables --------------------------------------------------------------------------------------


def test_the_sum_so_far_is_carried_from_page_to_page(desk: Paper) -> None:
    lines = [line(f"{n}.25", OUTSIDE, description=f"Item no {n}", date=DAY) for n in range(1, 201)]
    found = pages(desk.pdf(document(compute(lines, "EUR"), language="en")))
    assert len(found) >= 5
    total, brought = Decimal(0), []
    for number, page in enumerate(found):
        rows = [row.split() for row in page.splitlines() if row.strip()]
        forward = [row[-1] for row in rows if row[:2] == ["Brought", "forward"]]
        assert forward == (
            [f"€{total:,.2f}"] if number and total < sum(n + Decimal("0.25") for n in range(1, 201)) else []
        )
        brought += forward
        total += sum((Decimal(row[-1][1:].replace(",", "")) for row in rows if row[:2] == ["Item", "no"]), Decimal(0))
        over = [row[-1] for row in rows if row[:2] == ["Carried", "over"]]
        last = "Item no 200" in page or not any(row[:2] == ["Item", "no"] for row in rows)
        assert over == ([] if last else [f"€{total:,.2f}"])
        assert f"{number + 1}/{len(found)}" in page.replace(" ", "")
    assert total == sum(n + Decimal("0.25") for n in range(1, 201))
    assert len(brought) >= 4


def test_a_short_table_carries_nothing(desk: Paper) -> None:
    text = said(desk.pdf(document(compute([line("9.00", OUTSIDE)] * 3, "EUR"), language="en")))
    assert "Carried" not in text
    assert "Brought" not in text


def test_what_just_runs_over_a_page_is_set_closer(desk: Paper) -> None:
    """No second page has a line or two only: the totals with the notes below them, or nothing."""
    left = []
    for count in range(12, 17):
        lines = [line("9.00", OUTSIDE, description=f"Item no {n}", date=DAY) for n in range(count)]
        found = pages(desk.pdf(document(compute(lines, "EUR"), language="en", ways=())))
        left.append(0 if len(found) == 1 else len([row for row in found[1].splitlines() if row.strip()]))
    assert left[0] == 0
    assert left[-1] > 0
    assert all(rows == 0 or rows > 5 for rows in left), left


def test_ways_without_a_code_fill_the_room_below_one_with_a_code(desk: Paper) -> None:
    code = {"code": "BCD\n002\n1\nSCT\n\nMira Lind\nDE89370400440532013000\nEUR9.00", "code_kind": "epc"}
    coded = msgspec.structs.replace(TRANSFER, **code)
    others = [
        msgspec.structs.replace(TRANSFER, label=f"Way {n}", rows=(), instructions="Please. " * 40) for n in range(1, 4)
    ]
    bill = document(compute([line("9.00", OUTSIDE)], "EUR"), language="en", ways=(coded, *others))
    rows = [row for row in said(desk.pdf(bill)).splitlines() if "Way " in row]
    assert any(row.startswith("Way ") for row in rows), rows
    assert any(row.rstrip().endswith("Way 1") for row in rows), rows


def test_a_description_may_be_longer_than_a_page(desk: Paper) -> None:
    words = [f"word{n}" for n in range(1500)]
    pdf = desk.pdf(document(compute([line("9.00", OUTSIDE, description=" ".join(words))], "EUR")))
    text = flat(pdf)
    assert [word for word in words if word not in text] == []
    assert len(pages(pdf)) > 1


def test_a_word_longer_than_a_line_is_divided_and_stays_on_the_page(desk: Paper) -> None:
    pdf = desk.pdf(document(compute([line("9.00", OUTSIDE, description="x" * 400)], "EUR"), ways=()))
    columns = [row.rstrip() for row in said(pdf).splitlines() if "xxx" in row]
    assert sum(row.count("x") for row in columns) == 400
    assert max(row.count("x") for row in columns) < 120


# --- data stays data ----------------------------------------------------------------------------------

TRAPS = '#eval("1+1") $x^2$ *bold* _it_ @ref <label> `raw` = Title // no \\ [c] {c} ~ -- ... "q" \'s \\u{41} #panic()'


def test_what_files_say_is_never_code(desk: Paper) -> None:
    buyer = Party(name=TRAPS, address=PostalAddress(line1="= Heading", line2="#sheet", postcode="<b>", city="&amp;"))
    bill = document(compute([line("9.00", OUTSIDE, description=TRAPS)], "EUR"), buyer=buyer, number="2026-#1")
    text = flat(desk.pdf(bill, notes="<p>#eval(1) &lt;b&gt; $x$</p>"))
    assert [word for word in TRAPS.split() if text.split().count(word) < 2] == []
    for words in ("= Heading", "#sheet", "<b> &amp;", "2026-#1", "#eval(1) <b> $x$"):
        assert words in text


@settings(max_examples=40)
@given(text=st.text(st.characters(max_codepoint=0x24F, exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=60))
def test_any_latin_text_comes_out_as_it_went_in(desk: Paper, text: str) -> None:
    printed = desk.theme.press.pdf(
        desk.sheet(document(compute([line("9.00", OUTSIDE, description=f"A{text}Z")], "EUR")))
    )
    gone = {*printed.missing, "\xad", " ", "\xa0", "\u200b"}
    shown = "".join(said(printed.pdf).split()).replace("\ufffd", "").replace("\xad", "")
    wanted = "".join(sign for sign in f"A{text}Z" if sign not in gone)
    assert wanted in shown


def test_names_in_other_scripts_are_shown_and_can_be_read_out(desk: Paper) -> None:
    names = ("ליאת כהן", "رنا الخطيب", "Ελένη Παππά", "Анна Иванова", "Đặng Ngọc Ánh", "髙橋 莉子", "प्रिया शर्मा")
    for name in names:
        text = said(desk.pdf(document(compute([line("9.00", OUTSIDE)], "EUR"), buyer=Party(name=name))))
        bare = {"".join(sorted(part)) for part in text.split()}
        assert all("".join(sorted(part)) in bare for part in name.split()) or name == names[-1], (name, text[:400])


def test_a_letter_that_no_font_has_is_replaced_and_named(desk: Paper) -> None:
    buyer = Party(name="Kim 지수 \U0001f600 \u0e48")
    printed = desk.theme.press.pdf(desk.sheet(document(compute([line("9.00", OUTSIDE)], "EUR"), buyer=buyer)))
    assert sorted(printed.missing) == sorted("지수\U0001f600\u0e48")
    assert "Kim \ufffd\ufffd \ufffd \ufffd" in said(printed.pdf)
    finding = missing_letters("content/clients/kim/client.yaml", "Invoice 2026-0001", printed.missing)
    assert finding.severity == "warning"
    assert "지" in finding.message


@pytest.mark.parametrize(
    ("text", "direction", "wanted"),
    [
        ("Ana Horvat", "ltr", "Ana Horvat"),
        ("ליאת", "ltr", "\u2068ליאת\u2069"),
        ("+353 20", "rtl", "\u2068+353 20\u2069"),
        ("a\x00b\x07c", "ltr", "abc"),
        ("", "rtl", ""),
        ("https://paypal.me/a-name-that-is-rather-long/120.00EUR", "ltr",
         "https://paypal.me/a-name-that-is-rather-long/120.00EUR"),
    ],
)  # fmt: skip
def test_a_text_is_fitted_to_its_line(text: str, direction: str, wanted: str) -> None:
    assert fitted(text, "rtl" if direction == "rtl" else "ltr") == wanted


def test_in_arabic_what_is_not_arabic_keeps_its_own_direction(desk: Paper) -> None:
    buyer = Party(name="Ana (Ltd.)", phone="+353 20 915 0142")
    sheet = desk.sheet(document(compute([line("9.00", OUTSIDE)], "EUR"), language="ar", buyer=buyer))
    assert sheet.direction == "rtl"
    assert sheet.parties[0].lines == ("\u2068Ana (Ltd.)\u2069",)
    assert sheet.parties[0].small == ("\u2068+353 20 915 0142\u2069",)
    assert "\u2066mira@practice.example\u2069" in sheet.closing[-1].text


def test_notes_become_paragraphs_and_items() -> None:
    html = (
        '<h2>Next</h2><p>One &amp; <em>two</em>,<br>see <a href="https://a.example/x">here</a>.</p>'
        "<ul><li>a</li></ul><ol start='3'><li>b</li><li>c</li></ol><table><tr><th>x</th><td>y</td></tr></table>"
    )
    assert tuple(paragraphs(html, "ltr")) == (
        Paragraph(text="Next", heading=True),
        Paragraph(text="One & two,\nsee here (https://a.example/x)."),
        Paragraph(text="a", bullet="•"),
        Paragraph(text="b", bullet="3."),
        Paragraph(text="c", bullet="4."),
        Paragraph(text="x · y"),
    )


# --- the same bytes -----------------------------------------------------------------------------------


def test_the_same_sheet_gives_the_same_bytes_in_every_thread_and_another_sheet_others(desk: Paper) -> None:
    from concurrent.futures import ThreadPoolExecutor

    sheet = desk.sheet(document(compute([line("9.00")], "EUR")))
    other = msgspec.structs.replace(sheet, footer="x")
    press = desk.theme.press
    with ThreadPoolExecutor(2) as pool:
        made = set(pool.map(lambda _: press.pdf(sheet).pdf, range(6)))
    assert len(made) == 1
    assert press.pdf(other).pdf not in made
    assert press.key(sheet) == press.key(sheet) != press.key(other)


def test_another_process_and_place_gives_the_same_bytes(desk: Paper, tmp_path: Path) -> None:
    sheet = desk.sheet(document(compute([line("9.00")], "EUR")))
    (tmp_path / "sheet.json").write_bytes(canonical(sheet))
    code = (
        "import sys, msgspec; from pathlib import Path; from tests.papers import paper;"
        "from portalgen.site.sheet import Sheet; here = Path(sys.argv[1]);"
        "sheet = msgspec.json.decode((here / 'sheet.json').read_bytes(), type=Sheet);"
        "sys.stdout.buffer.write(paper(here / 'site').theme.press.pdf(sheet).pdf)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == desk.theme.press.pdf(sheet).pdf


# --- a site's own look --------------------------------------------------------------------------------

OWN = """\
#import "theme/document.typ": *
#import "letterhead.typ": greeting
#show: frame
#letterhead()
#greeting(sheet.parties.first().lines.first())
#image("mark.svg", alt: "A mark")
#sections()
"""
MARK = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
OVERRIDE = {
    "templates/document.typ": OWN,
    "templates/letterhead.typ": "#let greeting(name) = [Dear #name]\n",
    "templates/mark.svg": MARK,
}


def test_a_site_may_put_its_own_template_in_place(tmp_path: Path, desk: Paper) -> None:
    own = paper(tmp_path, OVERRIDE)
    assert own.loaded[1] == ()
    bill = document(compute([line("9.00", OUTSIDE)], "EUR"), language="en")
    text = said(own.pdf(bill))
    assert "Dear Bezirksamt Mitte" in text
    assert "Total" in text
    assert "How to pay" not in text
    sheet = own.sheet(bill)
    assert own.theme.press.key(sheet) != desk.theme.press.key(sheet)


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        ("#let x =\n", 1, "expected expression"),
        ('#import "theme/document.typ": *\n#show: frame\n\n#letterheat()\n', 4, "unknown variable: letterheat"),
        ('#set document(title: "a", date: auto)\n#panic("no")\n', 2, "panicked"),
        ('#image("/etc/passwd")\n', 1, "file not found"),
        ('#read("../content/site.yaml")\n', 1, "would escape"),
        ('#import "theme/document.typ": *\n#show: frame\n#pairs(1)\n', 3, ""),
        ('Hello\n', 1, "document title"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_template_is_a_problem_with_its_line(
    tmp_path: Path, source: str, place: int, message: str
) -> None:
    own = paper(tmp_path, {"templates/document.typ": source})
    with pytest.raises(DocumentProblem) as caught:
        own.pdf(document(compute([line("9.00", OUTSIDE)], "EUR")))
    finding = caught.value.finding
    assert (finding.path, finding.line, finding.code) == ("templates/document.typ", place, "template")
    assert message in finding.message
    assert finding.hint
    assert str(tmp_path) not in finding.message


def test_a_mistake_in_a_file_that_the_template_imports_is_found_there(tmp_path: Path) -> None:
    own = paper(tmp_path, {**OVERRIDE, "templates/letterhead.typ": "\n#let greeting(name) = nobody\n"})
    with pytest.raises(DocumentProblem) as caught:
        own.pdf(document(compute([line("9.00", OUTSIDE)], "EUR")))
    assert (caught.value.finding.path, caught.value.finding.line) == ("templates/letterhead.typ", 2)


def test_a_template_that_would_load_a_package_stops_the_build(tmp_path: Path) -> None:
    own = paper(tmp_path, {"templates/document.typ": '\n#import "@preview/cetz:0.3.0": *\n'})
    theme, (finding,) = own.loaded
    assert theme is None
    assert (finding.path, finding.line, finding.severity) == ("templates/document.typ", 2, "error")


def test_a_document_template_that_nothing_imports_is_a_warning(tmp_path: Path) -> None:
    _, (finding,) = paper(tmp_path, {"templates/invioce.typ": "x\n"}).loaded
    assert (finding.code, finding.severity, finding.path) == ("unused-template", "warning", "templates/invioce.typ")


def test_a_sites_font_gives_the_letters_that_the_theme_lacks(desk: Paper, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for font in (ROOT / "templates" / "fonts").iterdir():
        folder = theirs if "JP" in font.name else ours
        (folder / "fonts").mkdir(parents=True, exist_ok=True)
        shutil.copy(font, folder / "fonts")
    template = {"document.typ": (ROOT / "templates" / "document.typ").read_bytes()}
    fonts = {f"fonts/{path.name}": path.read_bytes() for path in (theirs / "fonts").iterdir()}
    sheet = desk.sheet(document(compute([line("9.00", OUTSIDE)], "EUR"), buyer=Party(name="Aoi 髙橋")))
    without, given = Press(template, {}, ours), Press(template, fonts, ours, theirs)
    assert sorted(without.pdf(sheet).missing) == sorted("髙橋")
    assert given.pdf(sheet).missing == ""
    assert all(given.uses(name) for name in fonts)
    assert without.key(sheet) != given.key(sheet)


def test_the_logo_stands_at_the_top_and_one_that_cannot_be_shown_is_a_problem(desk: Paper) -> None:
    plain = desk.sheet(document(compute([line("9.00", OUTSIDE)], "EUR")))

    def with_logo(content: str) -> Sheet:
        logo = Logo(name="logo.svg", source="content/site.yaml", content=content.encode(), alt="A mark")
        return msgspec.structs.replace(plain, logo=logo)

    press = desk.theme.press
    assert press.pdf(with_logo(MARK)).pdf != press.pdf(plain).pdf
    assert press.key(with_logo(MARK)) != press.key(with_logo(MARK + " "))
    with pytest.raises(DocumentProblem) as caught:
        press.pdf(with_logo("<svg"))
    assert (caught.value.finding.path, caught.value.finding.at) == ("content/site.yaml", ("theme", "logo"))


def test_words_of_a_site_are_words_of_its_documents(tmp_path: Path) -> None:
    site = MINIMAL["content/site.yaml"] + "locale_overrides:\n  How to pay: Ways <to> pay & more\n"
    bill = document(compute([line("9.00", OUTSIDE)], "EUR"), language="en")
    assert "Ways <to> pay & more" in said(paper(tmp_path, {"content/site.yaml": site}).pdf(bill))


def test_colours_of_a_site_are_colours_of_its_documents(tmp_path: Path) -> None:
    site = MINIMAL["content/site.yaml"] + 'theme: {colours: {accent: "#802020"}}\n'
    assert paper(tmp_path, {"content/site.yaml": site}).stationery.shades.accent == "#802020"


# --- the docs -----------------------------------------------------------------------------------------


def test_every_value_of_a_sheet_is_documented_with_its_fields() -> None:
    section = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8").partition("## Documents on paper")[2]
    documented = {
        name: tuple(re.findall(r"`(\w+)`", fields))
        for name, fields in re.findall(r"^\| `([A-Z]\w+)` \| (.*?) \|", section.partition("\n## ")[0], re.MULTILINE)
    }
    kinds = (kind for kind in vars(sheet).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct))
    assert documented == {kind.__name__: kind.__struct_fields__ for kind in kinds if kind is not msgspec.Struct}


def test_every_piece_of_the_template_is_documented_and_works_alone(tmp_path: Path) -> None:
    section = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8").partition("## Documents on paper")[2]
    example = re.search(r"```typst path=templates/document.typ\n(.*?)```", section, re.DOTALL)
    assert example
    pieces = re.findall(r"^\| `([a-z]+)[`(]", section.partition("\n## ")[0], re.MULTILINE)
    assert sorted(pieces) == sorted(re.findall(r"^#(?:show: )?(\w+)", example[1], re.MULTILINE)[1:])
    own = paper(tmp_path, {"templates/document.typ": example[1]})
    assert "Invoice 2026-0001" in said(own.pdf(document(compute([line("9.00", OUTSIDE)], "EUR"), language="en")))
