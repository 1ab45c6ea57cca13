"""The reader's language: its words, how it counts, and how it writes amounts and days."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from babel.core import Locale
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol
from hypothesis import given
from hypothesis import strategies as st

from portalgen.rules.money import Money, minor_digits
from portalgen.site.catalogue import FOLDER, TEMPLATE, Catalogue, languages
from portalgen.site.formats import formats
from portalgen.site.po import NotPo, Po, key, parse
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, ROOT, html_pages, invoke, minimal_site

PROMISED = {"ar", "de", "es", "fr", "it", "nl", "pt"}
WHOLE = [name for name in languages() if "_" not in name]
REGIONAL = [name for name in languages() if "_" in name]
NAMES = re.compile(r"%\((\w+)\)s")
TAGS = re.compile(r"</?[a-z][^>]*>")


def catalogue(name: str) -> Po:
    return parse((FOLDER / name / "LC_MESSAGES" / "portalgen.po").read_text(encoding="utf-8"))


TEMPLATE_ENTRIES = {entry.key: entry for entry in parse(TEMPLATE.read_text(encoding="utf-8")).entries}


# --- catalogues ----------------------------------------------------------------------------------------------------


def test_the_promised_languages_are_there() -> None:
    assert set(WHOLE) >= PROMISED


def test_the_catalogues_are_what_the_sources_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "words.py"), "--check"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"run scripts/words.py and translate what is new:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", WHOLE)
def test_every_message_is_translated(name: str) -> None:
    po = catalogue(name)
    ready = {
        e.key for e in po.entries if all(e.forms) and not e.fuzzy and len(e.forms) == (po.nplurals if e.plural else 1)
    }
    assert set(TEMPLATE_ENTRIES) == ready


@pytest.mark.parametrize("name", languages())
def test_a_translation_keeps_what_its_message_holds(name: str) -> None:
    """The same variables and the same markup. A form for one number (or none) may say it in a word: `two days`."""
    po = catalogue(name)
    numbers = [sum(po.plural(n) == form for n in range(200)) for form in range(po.nplurals)]
    for entry in po.entries:
        wanted = set(NAMES.findall(entry.plural or entry.message))
        for form, text in enumerate(entry.forms):
            said = set(NAMES.findall(text))
            spare = {"n"} if entry.plural and numbers[form] <= 2 else set()
            assert wanted - spare <= said <= wanted, (entry.message, text)
            assert sorted(TAGS.findall(text)) == sorted(TAGS.findall(entry.message)), (entry.message, text)
            assert "%" not in NAMES.sub("", text).replace("%%", ""), text
            assert (text[:1].isspace(), text[-1:].isspace()) == (
                entry.message[:1].isspace(),
                entry.message[-1:].isspace(),
            )
            assert entry.message[-1] not in ".:?" or text[-1] in (entry.message[-1], "؟"), (entry.message, text)


@pytest.mark.parametrize("name", languages())
def test_a_catalogue_counts_as_its_language_does(name: str) -> None:
    """Two numbers share a form exactly when CLDR puts them into one category."""
    po = catalogue(name)
    category = Locale.parse("pt_PT" if name == "pt" else name).plural_form
    pairs = {(po.plural(n), category(n)) for n in range(1000)}
    assert len(pairs) == po.nplurals == len({form for form, _ in pairs}) == len({name for _, name in pairs})


@pytest.mark.parametrize("name", REGIONAL)
def test_a_region_says_only_what_differs(name: str) -> None:
    language = {entry.key: entry.forms for entry in catalogue(name.partition("_")[0]).entries}
    for entry in catalogue(name).entries:
        assert entry.key in TEMPLATE_ENTRIES
        assert entry.forms != language[entry.key], entry.message


@pytest.mark.parametrize("name", languages())
def test_a_catalogue_reads_as_babel_reads_it(name: str) -> None:
    path = FOLDER / name / "LC_MESSAGES" / "portalgen.po"
    with path.open("rb") as file:
        theirs = {
            key(m.context or "", m.id if isinstance(m.id, str) else m.id[0]): m.string
            for m in read_po(file, locale=name)
            if m.id
        }
    assert {e.key: e.forms if e.plural else e.forms[0] for e in catalogue(name).entries} == theirs


def test_a_catalogue_names_nobody_and_no_day() -> None:
    for path in (TEMPLATE, *FOLDER.glob("*/LC_MESSAGES/*.po")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"POT-Creation-Date|Revision-Date|Translator:|#:|fuzzy", text), path


PO = """\
# A comment.
msgid ""
msgstr ""
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);\\n"

#, python-format
msgid "a \\"b\\"\\n"
"c"
msgstr "A"
msgctxt "place"
msgid "a"
msgstr "B"

#, fuzzy
msgid "d"
msgid_plural "ds"
msgstr[0] "1"
msgstr[1] "2"
msgstr[2] "5"
#~ msgid "gone"
"""


def test_a_catalogue_is_read() -> None:
    po = parse(PO)
    assert [(e.context, e.message, e.forms, e.fuzzy) for e in po.entries] == [
        ("", 'a "b"\nc', ("A",), False),
        ("place", "a", ("B",), False),
        ("", "d", ("1", "2", "5"), True),
    ]
    assert [po.plural(n) for n in (1, 2, 5)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('msgid "a"\nmsgstr "b\n', 2),
        ('msgid "a"\n', 1),
        ('\n"a"\n', 2),
        ('msgstr "a"\n', 1),
        ('msgid "a"\nmsgid "b"\n', 2),
        ('msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=__import__(1);\\n"\n', 1),
    ],
)
def test_a_broken_catalogue_says_where(text: str, line: int) -> None:
    with pytest.raises(NotPo) as caught:
        parse(text)
    assert caught.value.line == line


@given(st.text(alphabet='msgidtrcx[0]_plural "\\n#~,%()\n\x00é', max_size=200))
def test_any_text_is_a_catalogue_or_says_that_it_is_none(text: str) -> None:
    line = 1
    try:
        parse(text)
    except NotPo as error:
        line = error.line
    assert 1 <= line <= len(text.splitlines()) + 1


# --- which words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "country", "message", "text"),
    [
        ("de", "IE", "VAT", "MwSt."),
        ("de-CH", "IE", "VAT", "MWST"),
        ("de", "CH", "VAT", "MWST"),
        ("de-CH", "CH", "Invoices", "Rechnungen"),
        ("pt-BR", "IE", "Contact", "Contato"),
        ("pt", "BR", "Contact", "Contato"),
        ("pt", "PT", "Contact", "Contacto"),
        ("ar-EG", "", "Invoices", "الفواتير"),
        ("fr-CA", "", "Credit note %(number)s", "Avoir %(number)s"),
        ("pl", "IE", "Invoices", "Invoices"),
        ("en", "CH", "Invoices", "Invoices"),
    ],
)
def test_the_nearest_catalogue_is_taken(language: str, country: str, message: str, text: str) -> None:
    assert Catalogue.of(language, {}, country).gettext(message) == text


def test_a_message_is_read_in_its_context() -> None:
    german = Catalogue.of("de", {})
    assert (german.pgettext("state", "Due"), german.gettext("Due")) == ("Offen", "Fällig")


@pytest.mark.parametrize(
    ("language", "number", "text"),
    [
        ("en", Decimal("1"), "%(n)s session"),
        ("en", Decimal("1.5"), "%(n)s sessions"),
        ("de", Decimal("1.00"), "%(n)s Sitzung"),
        ("de", Decimal("0.5"), "%(n)s Sitzungen"),
        ("fr", 0, "%(n)s séance"),
        ("fr", Decimal("1.5"), "%(n)s séance"),
        ("fr", Decimal("2.5"), "%(n)s séances"),
        ("ar", 2, "جلستان"),
        ("ar", 3, "%(n)s جلسات"),
        ("ar", 11, "%(n)s جلسة"),
        ("ar", Decimal("-1.5"), "%(n)s جلسة"),
    ],
)
def test_a_number_takes_its_form(language: str, number: int | Decimal, text: str) -> None:
    assert Catalogue.of(language, {}).ngettext("%(n)s session", "%(n)s sessions", number) == text


# --- amounts and days ----------------------------------------------------------------------------------------------

WRITTEN = ("en-IE", "en-US", "en-IN", "de", "de-AT", "de-CH", "fr", "fr-CH", "es", "it", "it-CH", "nl", "pt", "pt-BR", "pt-PT", "ar", "ar-EG", "ar-AE", "ja", "sv", "fa")  # fmt: skip


def read_back(text: str, language: str) -> Decimal:
    """The amount that a reader of this language finds in a text."""
    locale = Locale.parse(language, sep="-")
    figure = re.search(r"\d(?:.*\d)?", text)
    assert figure
    point = get_decimal_symbol(locale, numbering_system="default")
    digits = "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else "." if sign == point else "" for sign in figure[0]
    )
    return -Decimal(digits) if re.search("[-−]", text) else Decimal(digits)


@given(
    st.sampled_from(WRITTEN),
    st.sampled_from(("JPY", "EUR", "CHF", "KWD")),
    st.integers(-(10**12), 10**12),
)
def test_an_amount_reads_back(language: str, currency: str, minor: int) -> None:
    amount = Decimal(minor).scaleb(-minor_digits(currency))
    text = formats(language).money(Money(amount, currency))
    assert read_back(text, language) == amount, text


@pytest.mark.parametrize(
    ("language", "euros", "yen", "dinars"),
    [
        ("en-IE", "€1,234.50", "JP¥1,235", "KWD1,234.500"),
        ("de", "1.234,50\xa0€", "1.235\xa0¥", "1.234,500\xa0KWD"),
        ("de-CH", "EUR\xa01’234.50", "¥\xa01’235", "KWD\xa01’234.500"),
        ("fr", "1\u202f234,50\xa0€", "1\u202f235\xa0JPY", "1\u202f234,500\xa0KWD"),
        ("nl", "€\xa01.234,50", "JP¥\xa01.235", "KWD\xa01.234,500"),
        ("ar", "\u200f1,234.50\xa0€", "\u200f1,235\xa0JP¥", "\u200f1,234.500\xa0د.ك.\u200f"),
        ("ar-EG", "\u200f١٬٢٣٤٫٥٠\xa0€", "\u200f١٬٢٣٥\xa0JP¥", "\u200f١٬٢٣٤٬٥٠٠\xa0د.ك.\u200f".replace("٬٥٠٠", "٫٥٠٠")),
    ],
)
def test_amounts_with_two_no_and_three_decimals(language: str, euros: str, yen: str, dinars: str) -> None:
    write = formats(language).money
    said = [write(Money(Decimal(text), code)) for text, code in (("1234.5", "EUR"), ("1235", "JPY"), ("1234.5", "KWD"))]
    assert said == [euros, yen, dinars]


def test_a_minus_stays_before_the_digits_from_right_to_left() -> None:
    assert formats("ar").minus(Money(Decimal(5), "EUR")) == "\u200f\u200e-5.00\xa0€"
    assert formats("sv").minus(Money(Decimal(5), "EUR")) == "−5,00\xa0€"


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en-IE", "Saturday 12 December 2026"),
        ("de", "Samstag, 12. Dezember 2026"),
        ("fr", "samedi 12 décembre 2026"),
        ("es", "sábado, 12 de diciembre de 2026"),
        ("it", "sabato 12 dicembre 2026"),
        ("nl", "zaterdag 12 december 2026"),
        ("pt", "sábado, 12 de dezembro de 2026"),
        ("ar", "السبت، 12 ديسمبر 2026"),
        ("ar-EG", "السبت، ١٢ ديسمبر ٢٠٢٦"),
    ],
)
def test_a_day_is_written_with_its_weekday(language: str, day: str) -> None:
    assert formats(language).day(dt.date(2026, 12, 12)) == day


# --- pages ---------------------------------------------------------------------------------------------------------

INVOICE = MINIMAL_CLIENT["content/clients/ana/invoices/2026-0001.yaml"]
CLIENT = MINIMAL_CLIENT["content/clients/ana/client.yaml"]


def built(root: Path, files: Mapping[str, str]) -> list[str]:
    """The private pages of a small site with one client."""
    minimal_site(root, {**MINIMAL_CLIENT, **files})
    result = invoke("build", "--site", root, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    output = root / "output"
    return [path.read_text(encoding="utf-8") for path in sorted(html_pages(output)) if "/p/" in path.as_posix()]


def said_on(page: str) -> list[str]:
    """What stands between the tags of a page."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", "", page[page.index("<body") :], flags=re.DOTALL)
    return [" ".join(text.split()) for text in re.findall(r">([^<>]+)<", body) if text.strip()]


@pytest.mark.parametrize("language", sorted(PROMISED))
def test_no_english_word_is_left(language: str, tmp_path: Path) -> None:
    pages = built(tmp_path, {"content/clients/ana/client.yaml": f"{CLIENT}language: {language}\n"})
    words = Catalogue.of(language, {})
    english = {
        e.message for e in TEMPLATE_ENTRIES.values() if "%" not in e.message and words.gettext(e.message) != e.message
    }
    mine = [page for page in pages if f'<html lang="{language}"' in page]
    assert len(mine) >= 2
    for page in mine:
        assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in page
        assert not english & set(said_on(page))


def test_an_invoice_has_its_own_language(tmp_path: Path) -> None:
    pages = built(tmp_path, {"content/clients/ana/invoices/2026-0001.yaml": f"{INVOICE}language: fr\n"})
    titles = {re.findall(r'<html lang="(\w+)".*?<title>(.*?) ·', page, re.DOTALL)[0] for page in pages}
    assert {("fr", "Facture 2026-0001"), ("en", "Your page")} <= titles


def test_public_pages_are_in_the_language_of_the_practice(tmp_path: Path) -> None:
    site = (
        MINIMAL["content/site.yaml"]
        .replace("language: en", "language: de-CH")
        .replace("country: IE\n", "country: CH\n")
    )
    minimal_site(tmp_path, {"content/site.yaml": site})
    assert invoke("build", "--site", tmp_path, "--today", DEMO_DAY).code == 0
    page = (tmp_path / "output" / "contact" / "index.html").read_text(encoding="utf-8")
    assert '<html lang="de-CH" dir="ltr">' in page
    assert "Kontakt aufnehmen" in page


def test_what_is_filled_in_keeps_its_direction(tmp_path: Path) -> None:
    """Without marks 2026-0001 after an Arabic word is shown as 0001-2026 (UAX #9, rules W2 and N1)."""
    pages = built(tmp_path, {"content/clients/ana/client.yaml": f"{CLIENT}language: ar\n"})
    assert any("<title>فاتورة \u20682026-0001\u2069 ·" in page for page in pages)
    assert "\u2068" not in "".join(built(tmp_path / "english", {}))


# --- a site's own words --------------------------------------------------------------------------------------------

POLISH = """\
msgid ""
msgstr "Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"

msgid "Invoices"
msgstr "Faktury & <b>rachunki</b>"

msgid "%(n)s session"
msgid_plural "%(n)s sessions"
msgstr[0] "%(n)s sesja"
msgstr[1] "%(n)s sesje"
msgstr[2] "%(n)s sesji"
"""


def test_a_site_brings_a_language(tmp_path: Path) -> None:
    pages = built(
        tmp_path,
        {
            "templates/locale/pl.po": POLISH,
            "content/clients/ana/client.yaml": f"{CLIENT}language: pl\n",
            "content/clients/ana/invoices/2026-0001.yaml": INVOICE.replace("quantity: 2", "quantity: 2, unit: session"),
        },
    )
    said = [text for page in pages for text in said_on(page)]
    assert "Faktury &amp; &lt;b&gt;rachunki&lt;/b&gt;" in said
    assert "2 sesje" in said
    assert "Your page" not in said
    assert "How to pay" in said, "what is not translated stays English"


def test_a_site_changes_words_of_one_language(tmp_path: Path) -> None:
    files = {
        "content/site.yaml": MINIMAL["content/site.yaml"] + "locale_overrides: {Invoices: Bills}\n",
        "templates/locale/de.po": 'msgid "Invoices"\nmsgstr "Honorarnoten"\n',
    }
    assert "Bills" in said_on("".join(built(tmp_path / "en", files)))
    german = said_on(
        "".join(built(tmp_path / "de", {**files, "content/clients/ana/client.yaml": f"{CLIENT}language: de\n"}))
    )
    assert "Honorarnoten" in german
    assert not {"Bills", "Rechnungen", "Invoices"} & set(german)


@pytest.mark.parametrize(
    ("name", "text", "code", "line", "says"),
    [
        ("de.po", 'msgid "Invoicse"\nmsgstr "R"\n', "unknown-message", 1, "did you mean 'Invoices'?"),
        ("de.po", '\nmsgid "due on %(day)s"\nmsgstr "am %(date)s"\n', "words", 2, "it may use %(day)s"),
        ("de.po", 'msgid "%(n)s day"\nmsgstr "%(n)s Tage"\n', "words", 1, 'msgid_plural "%(n)s days"'),
        ("de.po", 'msgid "Invoices"\nmsgid_plural "x"\nmsgstr[0] "R"\n', "words", 1, "take msgid_plural away"),
        ("de.po", 'msgid "%(n)s day"\nmsgid_plural "%(n)s days"\nmsgstr[0] "%(n)s Tag"\n', "words", 1, "2 forms"),
        ("de.po", "Rechnungen\n", "words", 1, "GNU gettext"),
        ("german.po", 'msgid "Invoices"\nmsgstr "R"\n', "words", 1, "de.po"),
    ],
)
def test_own_words_that_do_not_fit_are_said(
    name: str, text: str, code: str, line: int, says: str, tmp_path: Path
) -> None:
    minimal_site(tmp_path, {f"templates/locale/{name}": text})
    result = invoke("build", "--site", tmp_path, "--today", DEMO_DAY, "--json")
    problems = result.json["problems"]
    assert [(p["path"], p["code"], p["line"]) for p in problems] == [(f"templates/locale/{name}", code, line)]
    assert says in problems[0]["hint"]


def test_what_an_own_template_says_is_translated_too(tmp_path: Path) -> None:
    minimal_site(
        tmp_path,
        {
            "templates/contact.html": "{% trans %}Ring the bell.{% endtrans %}{{ ngettext('a day', 'days', 2) }}",
            "templates/locale/en.po": 'msgid "Ring the bell."\nmsgstr "Ring twice."\n\nmsgid "a day"\nmsgid_plural "days"\n'
            'msgstr[0] "one"\nmsgstr[1] "more"\n',
        },
    )
    result = invoke("build", "--site", tmp_path, "--today", DEMO_DAY, "--json")
    assert (result.code, result.json["problems"]) == (0, []), result
    page = (tmp_path / "output" / "contact" / "index.html").read_text(encoding="utf-8")
    assert page == "Ring twice.more"
