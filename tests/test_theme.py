"""The theme: its words, amounts, colours and templates, and what happens when a site brings its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import pytest
from babel.core import Locale
from babel.dates import format_date
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from hypothesis import given
from hypothesis import strategies as st
from jinja2.ext import InternationalizationExtension
from markupsafe import Markup

from portalgen.content.records.practice import Address, Colours, Practice, SiteFile
from portalgen.content.records.practice import Theme as ThemeSettings
from portalgen.rules.money import Money
from portalgen.rules.status import Label
from portalgen.site.colours import ENOUGH, as_css, chosen_colours, contrast, pairs, palette, to_hex, to_lch
from portalgen.site.formats import PlainMoney, by_babel, digits_of, formats, locale_of
from portalgen.site.ownwords import known_messages
from portalgen.site.theme import Frame, NavItem, TemplateProblem, Theme, builtin_folder, load
from portalgen.site.views import (
    CrisisView,
    DueView,
    InvoiceRow,
    InvoiceView,
    LineView,
    NotFoundView,
    PartyView,
    PortalView,
    PracticeView,
    TextView,
    View,
    WayToPay,
)
from tests.support import ROOT

LOCALES = ("en_IE", "en_US", "de", "de_CH", "fr", "pt_BR", "pt_PT", "pl", "es", "sv", "ar", "he", "ja", "en_IN", "bn")
CURRENCIES = ("EUR", "GBP", "CHF", "JPY", "KWD", "INR")
COLOUR = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
DUE = dt.date(2026, 12, 12)


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def site(**changes: Any) -> SiteFile:
    """A site that sets nothing about its look."""
    practice = Practice(
        name="Quiet Room",
        legal_name="Mary Quiet",
        owner="Mary Quiet",
        country="IE",
        currency="EUR",
        language="en",
        timezone="Europe/Dublin",
        address=Address(line1="1 Quay", postcode="H91", city="Galway", country="IE"),
        email="mary@quiet.example",
    )
    return SiteFile(path="content/site.yaml", practice=practice, **changes)


PRACTICE = PracticeView(
    name="Quiet Room",
    legal_name="Mary Quiet",
    owner="Mary Quiet",
    profession="",
    email="mary@quiet.example",
    mailto="mailto:mary@quiet.example",
    phone="+353 91 555 010",
    tel="tel:+35391555010",
    address=("1 Quay", "Galway"),
    hours=(),
    timezone="Europe/Dublin",
    response_time="",
    channels=(),
    leave=(),
    crisis=(CrisisView(name="Emergency services", phone="112", tel="tel:112", url="", hours="", country="IE"),),
    languages=("en",),
    accessibility="",
    credentials=(),
    licences=(),
    company_ids=(),
    booking="",
    logo=None,
)
TEXT = TextView(title="A page", summary="", body=Markup("<p>Words.</p>"))
PARTY = PartyView(name="Ana & Co", care_of="", address=("2 Quay",), email="", phone="", details=())
LINE = LineView(
    description="Session",
    date=None,
    period=None,
    quantity=Decimal(2),
    unit="session",
    unit_price=euros("60.00"),
    discount=None,
    net=euros("120.00"),
    tax_category="O",
    tax_rate=Decimal(0),
)
PAYPAL = WayToPay(
    kind="paypal_me",
    label="PayPal",
    href="https://paypal.me/quiet/120.00EUR",
    amount=euros("120.00"),
    rows=(("reference", "2026-0042"),),
    instructions="",
    fee_note="",
    settles_in="",
)


def invoice(code: str = "due", **changes: Any) -> InvoiceView:
    """An invoice over 120.00 in one state."""
    asked = code in ("due", "due_today", "past_due", "partly_paid")
    due = euros("120.00" if asked else "0.00")
    values: dict[str, Any] = {
        "number": "2026-0042",
        "kind": "standard",
        "issued": dt.date(2026, 11, 28),
        "due": DUE,
        "label": Label(code=code, as_of=dt.date(2026, 12, 3), open=due, due=DUE),  # type: ignore[arg-type]
        "due_now": due,
        "due_now_by": DUE,
        "balance": due,
        "total": euros("120.00"),
        "seller": PARTY,
        "buyer": PARTY,
        "service_period": None,
        "service_date": None,
        "references": (),
        "includes_tax": False,
        "shows_tax": False,
        "lines": (LINE,),
        "line_total": euros("120.00"),
        "discount": None,
        "total_without_tax": euros("120.00"),
        "notes": Markup(),
        "terms": None,
        "promised_by": None,
        "ways": (PAYPAL,) if asked else (),
    }
    values |= dict.fromkeys(("paid", "pending", "total_tax", "rounding", "written_off", "credit_left"), euros("0.00"))
    values |= dict.fromkeys(
        ("charges", "taxes", "deposits", "payments", "credits", "schedule", "mentions", "attachments"), ()
    )
    return InvoiceView(**{**values, **changes})


def rendered(theme: Theme | None, template: str, view: View, address: str = "x/y/", **frame: Any) -> str:
    assert theme is not None
    nav = (NavItem(key="services", title="", address="services/"), NavItem(key="page", title="Mine", address="x/y/"))
    return theme.render(
        template,
        frame=Frame(address=address, title="", **frame),
        practice=PRACTICE,
        nav=nav,
        footer=(),
        view=view,
    )


@pytest.fixture(scope="module")
def theme() -> Theme:
    """The built-in theme of a site that changes nothing."""
    loaded, findings = load(ROOT / "nowhere", site())
    assert loaded is not None
    assert findings == ()
    return loaded


def words(html: str) -> str:
    """What a reader reads in the main part of a page."""
    main = html[html.index("<main") : html.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


# --- amounts, numbers, dates ---------------------------------------------------------------------------------------


@given(
    st.sampled_from(LOCALES),
    st.sampled_from(CURRENCIES),
    st.decimals(Decimal(-(10**13)), Decimal(10**13), allow_nan=False, places=None).map(lambda d: round(d, 6)),
    st.integers(0, 6),
)
def test_an_amount_reads_as_babel_writes_it(name: str, currency: str, amount: Decimal, places: int) -> None:
    amount = round(amount, places)
    locale = Locale.parse(name)
    assert formats(name.replace("_", "-")).money(Money(amount, currency)) == by_babel(amount, currency, locale)


@pytest.mark.parametrize("name", ["en_IE", "en_US", "de", "de_CH", "fr", "pt_BR", "pl", "es", "sv", "ar", "he", "ja"])
def test_most_languages_need_no_babel_for_an_amount(name: str) -> None:
    assert PlainMoney("EUR", Locale.parse(name))(Decimal("1.50"))


@pytest.mark.parametrize("name", [*LOCALES, "fa", "fi", "la", "th"])
def test_dates_are_written_as_babel_writes_them(name: str) -> None:
    locale = Locale.parse(name)
    writes = formats(name.replace("_", "-"))
    days = [dt.date(2026, 1, 1) + dt.timedelta(37 * n) for n in range(20)]
    for write, length in ((writes.day, "full"), (writes.date, "long"), (writes.shortdate, "medium")):
        for day in (*days, dt.date(1, 2, 3), dt.date(9999, 12, 31), dt.date(800, 5, 30)):
            assert write(day) == format_date(day, length, locale).translate(digits_of(locale))


@pytest.mark.parametrize(
    ("language", "amount", "text"),
    [
        ("en-IE", "1234.5", "€1,234.50"),
        ("en-IE", "-0.00", "€0.00"),
        ("en-IE", "0.4415", "€0.4415"),
        ("de", "-1234.50", "-1.234,50\xa0€"),
        ("pl", "1234.50", "1\xa0234,50\xa0€"),
        ("hi-IN", "1234567.89", "€12,34,567.89"),
    ],
)
def test_amounts(language: str, amount: str, text: str) -> None:
    assert formats(language).money(euros(amount)) == text


@given(st.sampled_from(LOCALES), st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)))
def test_a_day_reads_as_babel_writes_it(name: str, day: dt.date) -> None:
    writes, locale = formats(name.replace("_", "-")), Locale.parse(name)
    digits = digits_of(locale)
    assert writes.day(day) == format_date(day, "full", locale).translate(digits)
    assert writes.date(day) == format_date(day, "long", locale).translate(digits)
    assert writes.shortdate(day) == format_date(day, "medium", locale).translate(digits)


def test_numbers_and_names() -> None:
    english, german = formats("en", "IE"), formats("de", "IE")
    assert english.day(DUE) == "Saturday 12 December 2026"
    assert [english.number(Decimal(n)) for n in ("2.00", "1.50", "1000")] == ["2", "1.5", "1,000"]
    assert [english.percent(Decimal(n)) for n in ("23", "9.975", "100.0")] == ["23%", "9.975%", "100%"]
    assert german.percent(23) == "23\xa0%"
    assert english.clock(dt.time(18, 30)) == "18:30"
    assert english.moment(dt.datetime(2026, 12, 3, 18, 30, tzinfo=dt.UTC)) == "Thursday 3 December 2026, 18:30"
    assert (english.weekday(0), german.weekday(6)) == ("Monday", "Sonntag")
    assert (english.language("ga"), english.language("Sign language")) == ("Irish", "Sign language")
    assert english.minus(euros("5.00")) == "-€5.00"
    assert english.listed(["a<b", Markup("<i>c</i>"), "d"]) == "a&lt;b, <i>c</i> and d"
    assert english.listed(["a", "b"], "or") == "a or b"


def test_the_country_decides_where_the_language_names_none() -> None:
    assert str(locale_of("en", "IE")) == "en_IE"
    assert str(locale_of("en-US", "IE")) == "en_US"
    assert str(locale_of("de", "IE")) == "de"


# --- colours -------------------------------------------------------------------------------------------------------


@given(COLOUR, COLOUR, COLOUR)
def test_any_choice_of_colours_can_be_read(accent: str, notice: str, past_due: str) -> None:
    for scheme in palette(accent, notice, past_due).values():
        for text, paper in pairs(scheme):
            assert contrast(scheme[text], scheme[paper]) >= ENOUGH, (text, paper)


@given(COLOUR)
def test_a_colour_survives_the_way_there_and_back(colour: str) -> None:
    assert contrast(to_hex(to_lch(colour)), colour) < 1.05


def test_a_pale_accent_is_corrected_and_said() -> None:
    css, findings = chosen_colours(Colours(accent="#ffe600", past_due="#7a1f0d"), "content/site.yaml")
    assert [(f.at, f.severity) for f in findings] == [(("theme", "colours", "accent"), "warning")]
    assert "--past-due: #7a1f0d" in css
    assert chosen_colours(Colours(), "content/site.yaml") == ("", ())


def test_the_styles_begin_with_the_palette() -> None:
    for name in ("theme.css", "plain.css"):
        assert as_css(palette()) in (builtin_folder() / name).read_text(encoding="utf-8"), "run as_css(palette())"


def test_a_site_sets_its_accent() -> None:
    loaded, findings = load(ROOT / "nowhere", site(theme=ThemeSettings(colours=Colours(accent="#5b3a7a"))))
    assert loaded is not None
    assert not findings
    assert "--accent: #5b3a7a" in _style(loaded)
    assert "--accent: #5b3a7a" in loaded.plain_style


def _style(theme: Theme) -> str:
    return next(content for name, content in theme.assets.items() if name.endswith(".css")).decode()


# --- the style -----------------------------------------------------------------------------------------------------


def test_the_style_keeps_its_promises(theme: Theme) -> None:
    css = _style(theme)
    assert len(css.encode()) < 30_000
    sizes = set(re.findall(r"\bfont-size:\s*([^;}]+)", css))
    assert sizes <= {
        "var(--small)",
        "var(--text)",
        "var(--heading)",
        "var(--title)",
        "inherit",
        "106.25%",
        "112.5%",
        "10pt",
    }
    assert 0.889 * 0.1 * 16 * 106.25 / 10 >= 15, "the smallest size"
    sides = r"(?<![-\w])(margin|padding|border|inset)?-?(left|right|top|bottom)\s*:|(?<![-\w])(width|height|(min|max)-(width|height))\s*:"
    outside_queries = re.sub(r"@media[^{]*\{|@(top|bottom)-\w+", "", css)
    assert not re.search(sides, outside_queries), re.search(sides, outside_queries)
    assert not re.search(r"https?:|//|@import|text-align:\s*(left|right)|float:", css)


def test_every_font_is_ours_and_named_by_its_content(theme: Theme) -> None:
    fonts = {name: content for name, content in theme.assets.items() if name.endswith(".woff2")}
    assert len(fonts) == 2
    for name, content in fonts.items():
        assert hashlib.sha256(content).hexdigest()[:10] in name
        assert content.startswith(b"wOF2")
        assert f"url({Path(name).name})" in _style(theme)
    assert "SIL OPEN FONT LICENSE" in (builtin_folder() / "fonts" / "OFL.txt").read_text(encoding="utf-8")


# --- words ---------------------------------------------------------------------------------------------------------


def _template_files() -> dict[str, str]:
    folder = builtin_folder()
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.html"))}


def test_the_catalogue_holds_every_message() -> None:
    config = io.StringIO((ROOT / "babel.cfg").read_text(encoding="utf-8"))
    methods, options = parse_mapping_cfg(config)  # type: ignore[no-untyped-call]
    found: set[str] = set()
    for folder in (builtin_folder(), ROOT / "src" / "portalgen"):
        for _, _, message, _, _ in extract_from_dir(str(folder), methods, options):
            found.update([message] if isinstance(message, str) else message)
    assert found == known_messages(), "run scripts/words.py"


def test_every_word_can_be_translated() -> None:
    """What stands outside tags and messages has no letters; attributes that are read aloud are messages too."""
    environment = jinja2.Environment(extensions=[InternationalizationExtension])
    for name, source in _template_files().items():
        inside = text = ""
        for _, kind, value in environment.lex(source):
            if kind == "name" and value in ("trans", "endtrans"):
                inside = "" if value == "endtrans" else "message"
            if kind == "data" and not inside:
                text += value
            elif kind == "variable_begin" and not inside:
                text += "\x00"
        assert not re.search(r'\b(alt|aria-label|title|placeholder)="[^"\x00]*[^\W\d_]', text), name
        bare = re.sub(r"<!doctype html>|<[^<>]*>", "", re.sub(r'"[^"]*"', '""', text))
        assert not re.search(r"[^\W\d_]", bare), f"{name}: {bare.split()}"


def test_a_site_says_it_in_its_own_words(theme: Theme) -> None:
    loaded, findings = load(ROOT / "nowhere", site(locale_overrides={"Invoices": "Bills & notes"}))
    assert not findings
    html = rendered(loaded, "portal.html", _portal(), "p/t/", private=True)
    assert "Bills &amp; notes" in html
    assert "Bills" not in rendered(theme, "portal.html", _portal(), "p/t/", private=True)


def test_own_words_are_text_and_no_markup() -> None:
    words = {"Invoices": "<img src=x>", "due on %(day)s": "<b>by</b> %(day)s", "Your page": "</title><script>"}
    loaded, findings = load(ROOT / "nowhere", site(locale_overrides=words))
    assert not findings
    html = rendered(loaded, "portal.html", _portal(invoices=(_row(invoice()),)), "p/t/", private=True)
    html += rendered(loaded, "invoice.html", invoice(), "p/t/", private=True)
    assert "&lt;img src=x&gt;" in html
    assert "&lt;b&gt;by&lt;/b&gt; Saturday 12 December 2026" in html
    assert "<title>&lt;/title&gt;&lt;script&gt;" in html
    assert not re.search("<img src=x|<b>by|<script", html)
    mine = loaded and loaded.environment("en").from_string("{{ _('Invoices') }}{{ _('due on %(day)s', day='<i>') }}")
    assert mine
    assert mine.render() == "&lt;img src=x&gt;&lt;b&gt;by&lt;/b&gt; &lt;i&gt;"


@pytest.mark.parametrize(
    ("message", "text", "code", "severity"),
    [
        ("Invoicse", "Bills", "unknown-message", "warning"),
        ("due on %(day)s", "due by %(date)s", "bad-value", "error"),
        ("due on %(day)s", "100% sure", "bad-value", "error"),
    ],
)
def test_own_words_that_do_not_fit_are_said(message: str, text: str, code: str, severity: str) -> None:
    _, findings = load(ROOT / "nowhere", site(locale_overrides={message: text}))
    assert [(f.code, f.severity, f.at) for f in findings] == [(code, severity, ("locale_overrides", message))]


# --- pages ---------------------------------------------------------------------------------------------------------


def _portal(**changes: Any) -> PortalView:
    values: dict[str, Any] = dict.fromkeys(
        ("due", "goals", "invoices", "credit", "guides", "preferences", "agreements", "policies"), ()
    )
    values |= dict.fromkeys(("appointment", "rebook", "rhythm", "ended"))
    return PortalView(
        **{
            **values,
            "greeting": "Ana",
            "name": "Ana Horvat",
            "plan": Markup(),
            "plan_title": "",
            "paused": False,
            **changes,
        }
    )


def _row(view: InvoiceView) -> InvoiceRow:
    return InvoiceRow(
        number=view.number,
        address="p/other/",
        issued=view.issued,
        due=view.due,
        total=view.total,
        balance=view.balance,
        pending=view.pending,
        label=view.label,
    )


def test_links_are_relative_and_end_in_a_file(theme: Theme) -> None:
    links = re.findall(r'(?:href|src)="([^"#:]+)"', rendered(theme, "page.html", TEXT))
    assert "../../services/index.html" in links
    assert "../../index.html" in links
    assert "index.html" in links, "the page itself"
    assert all(re.search(r"\.\w+$", link) for link in links), links
    flat = rendered(theme, "portal.html", _portal(invoices=(_row(invoice()),)), "p/sealed.html", private=True)
    assert 'href="other/index.html"' in flat


def test_a_private_page_tells_nobody(theme: Theme) -> None:
    for template, view in (("portal.html", _portal()), ("invoice.html", invoice())):
        html = rendered(theme, template, view, "p/t/", private=True)
        assert '<meta name="robots" content="noindex,nofollow,noarchive,nosnippet">' in html
        assert '<meta name="referrer" content="no-referrer">' in html
        title = re.search("<title>(.*)</title>", html)
        assert title
        assert title[1] in ("Your page · Quiet Room", "Invoice 2026-0042 · Quiet Room")
        assert 'rel="canonical"' not in html
        assert "<nav" not in html
        for link in re.findall(r'<a [^>]*href="https:[^>]*>', html):
            assert 'rel="noopener noreferrer"' in link
        assert not re.search(r"<script|<iframe|<form|\son\w+=|<(?:link|img)[^>]+https?:", html)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("due", "€120.00 due on Saturday 12 December 2026"),
        ("due_today", "€120.00 due today, Saturday 12 December 2026"),
        ("past_due", "€120.00 Past due: it was due on Saturday 12 December 2026."),
        ("partly_paid", "€120.00 due on Saturday 12 December 2026"),
        ("paid", "Paid in full on Thursday 3 December 2026, thank you"),
        ("void", "This invoice was cancelled. There is nothing to pay."),
        ("discussed", "This invoice is being discussed"),
        ("nothing_due", "Nothing to pay"),
        ("written_off", "Nothing more to pay"),
        ("credited", "Nothing to pay"),
    ],
)
def test_an_invoice_says_first_what_is_asked(theme: Theme, code: str, said: str) -> None:
    html = rendered(theme, "invoice.html", invoice(code), "p/t/", private=True)
    text = words(html)
    assert said in text
    assert "as of 3 December 2026" in text
    assert text.index(said) < text.index("Session"), "before the lines"
    assert text.count("Past due") == (code == "past_due"), "once"
    assert ("Pay €120.00 by PayPal" in text) == (code in ("due", "due_today", "past_due", "partly_paid"))
    assert "Ana &amp; Co" in html


def test_a_portal_says_what_is_due_and_what_will_be_here(theme: Theme) -> None:
    row = _row(invoice("past_due"))
    busy = _portal(invoices=(row,), due=(DueView(amount=euros("120.00"), by=DUE, past_due=True, invoices=(row,)),))
    text = words(rendered(theme, "portal.html", busy, "p/t/", private=True))
    assert "Hello Ana" in text
    assert "Past due: it was due on Saturday 12 December 2026" in text
    empty = words(rendered(theme, "portal.html", _portal(), "p/t/", private=True))
    assert "There is nothing to pay." in empty
    assert empty.count("will be here") == 4


def test_404_stands_alone(theme: Theme) -> None:
    html = rendered(theme, "404.html", NotFoundView(base="https://quiet.example/", style=Markup()), "404.html")
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style
    assert b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in html
    assert set(re.findall(r'(?:href|src)="([^"]+)"', html)) == {
        "data:,",
        "https://quiet.example/",
        "mailto:mary@quiet.example",
    }


def test_a_page_runs_in_its_reader_s_direction(theme: Theme) -> None:
    assert '<html lang="ar" dir="rtl">' in rendered(theme, "page.html", TEXT, language="ar")
    assert '<html lang="en" dir="ltr">' in rendered(theme, "page.html", TEXT)


def test_every_language_writes_its_own_dates_on_one_compiled_template(theme: Theme) -> None:
    pages = {
        name: rendered(theme, "invoice.html", invoice(), "p/t/", language=name) for name in ("en", "de", "fr", "en")
    }
    assert "Samstag, 12. Dezember 2026" in pages["de"]
    assert "samedi 12 décembre 2026" in pages["fr"]
    assert "Saturday 12 December 2026" in pages["en"]


# --- a site's own templates ----------------------------------------------------------------------------------------


def own(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_an_override_replaces_and_extends(tmp_path: Path) -> None:
    page = '{% extends "theme/page.html" %}\n{% block content %}<p>Before</p>{{ super() }}{% endblock %}\n'
    loaded, findings = load(
        own(tmp_path, {"page.html": page, "parts/price.html": '{% include "theme/parts/price.html" %}'}), site()
    )
    assert not findings
    html = rendered(loaded, "page.html", TEXT)
    assert html.index("Before") < html.index("A page</h1>")


def test_the_repository_s_own_templates_are_no_overrides() -> None:
    first, _ = load(ROOT, site())
    second, _ = load(ROOT / "nowhere", site())
    assert first is not None
    assert second is not None
    assert first.own == second.own == {}
    assert first.assets == second.assets


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("{% extends 'base.html' %}\n{% block content %}\n{% if %}", 3, "Expected an expression"),
        ("<p>\n{{ view.title|shout }}", 2, "shout"),
        ("\n\n{% include 'parts/prise.html' %}", 3, "parts/prise.html"),
        ("{{ asset('leaf.svg') }}", 1, "leaf.svg"),
    ],
)
def test_a_template_that_cannot_work_is_found_before_any_page(
    tmp_path: Path, source: str, line: int, said: str
) -> None:
    loaded, findings = load(own(tmp_path, {"page.html": source}), site())
    assert loaded is None
    assert [(f.path, f.line, f.code) for f in findings] == [("templates/page.html", line, "template")]
    assert said in findings[0].message


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("<h1>\n{{ view.titel }}", 2, "did you mean 'title'"),
        ("\n{{ nobody }}", 2, "'nobody' is not defined"),
        ("{{ view.title + 1 }}", 1, ""),
        ("\n{{ ''.__class__.__mro__ }}", 2, "unsafe"),
        ("{% extends 'page.html' %}", 1, "includes itself"),
        ("\n{% include name_of_nothing %}", 2, "not defined"),
        ("{% for n in range(99999999) %}{{ n }}{% endfor %}", 1, "Range too big"),
    ],
)
def test_a_template_that_fails_says_where(tmp_path: Path, source: str, line: int, said: str) -> None:
    loaded, findings = load(own(tmp_path, {"page.html": source}), site())
    assert not findings
    with pytest.raises(TemplateProblem) as caught:
        rendered(loaded, "page.html", TEXT)
    finding = caught.value.finding
    assert (finding.path, finding.line, finding.code) == ("templates/page.html", line, "template")
    assert said in finding.message


@pytest.mark.parametrize("name", ["k.png", "page.html", "theme.css", "parts"])
@pytest.mark.parametrize("target", [".portalgen/key", ".portalgen", "gone"])
def test_a_link_out_of_the_templates_is_not_followed(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / ".portalgen").mkdir()
    (tmp_path / ".portalgen/key").write_text("secret")
    own(tmp_path, {"404.html": "{{ asset('k.png') }}"} if name == "k.png" else {"404.html": ""})
    (tmp_path / "templates" / name).symlink_to(Path("..") / target)
    loaded, findings = load(tmp_path, site())
    assert loaded is None
    found = [f for f in findings if f.code == "symlink"]
    assert [(f.path, f.severity) for f in found] == [(f"templates/{name}", "error")]
    assert found[0].hint == "put the file itself here instead of a link"


def test_a_link_inside_the_templates_is_followed_to_files(tmp_path: Path) -> None:
    own(tmp_path, {"page.html": "mine {{ asset('b.png') }}", "a.png": b"png"})
    (tmp_path / "templates/b.png").symlink_to("a.png")
    loaded, findings = load(tmp_path, site())
    assert loaded is not None
    assert [(f.path, f.code) for f in findings] == [("templates/a.png", "unused-template")]
    assert loaded.own == {"templates/page.html": "mine {{ asset('b.png') }}"}
    (tmp_path / "templates/parts").symlink_to(".")
    assert next((f.path, f.code) for f in load(tmp_path, site())[1]) == ("templates/parts", "symlink")


def test_what_nothing_uses_is_said(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "pge.html": "x",
        "parts/mine.html": "mine",
        "page.html": '{% include "parts/mine.html" %}',
        "leaf.png": b"png",
        "notes.doc": b"?",
        ".hidden": b"",
        "page.html~": b"",
    }
    loaded, findings = load(own(tmp_path, files), site())
    assert loaded is not None
    assert sorted((f.path, f.code, f.severity) for f in findings) == [
        ("templates/leaf.png", "unused-template", "warning"),
        ("templates/notes.doc", "unused-template", "warning"),
        ("templates/pge.html", "unused-template", "warning"),
    ]
    assert "page.html" in next(f.hint for f in findings if f.path == "templates/pge.html")


def test_an_own_style_brings_its_files(tmp_path: Path) -> None:
    css = "body { background: url('img/leaf.svg') }\n/* url(gone.png) */\n"
    page = "{{ asset('img/mark.png') }}"
    files: dict[str, str | bytes] = {
        "theme.css": css,
        "img/leaf.svg": b"<svg/>",
        "img/mark.png": b"png",
        "page.html": page,
    }
    loaded, findings = load(own(tmp_path, files), site())
    assert not findings
    assert loaded is not None
    assert sorted(re.sub(r"[0-9a-f]{10}", "#", name) for name in loaded.assets) == [
        "assets/leaf.#.svg",
        "assets/mark.#.png",
        "assets/theme.#.css",
    ]
    assert re.search(r"url\(leaf\.[0-9a-f]{10}\.svg\)", _style(loaded))
    assert re.fullmatch(r"\.\./\.\./assets/mark\.[0-9a-f]{10}\.png", rendered(loaded, "page.html", TEXT))


@pytest.mark.parametrize("target", ["gone.png", "https://elsewhere.example/x.woff2", "//elsewhere.example/x.png"])
def test_an_own_style_asks_nobody_else(tmp_path: Path, target: str) -> None:
    loaded, findings = load(own(tmp_path, {"theme.css": f"p {{}}\nbody {{ background: url({target}) }}"}), site())
    assert loaded is None
    assert [(f.path, f.line, f.code) for f in findings] == [("templates/theme.css", 2, "template")]


@pytest.mark.parametrize(
    "rule",
    [
        '@import "https://elsewhere.example/x.css";',
        "@import url(//elsewhere.example/x.css);",
        "p { background: URL('https://elsewhere.example/a(1).png') }",
        'p { background: image-set("https://elsewhere.example/x.png" 1x) }',
        r"p { background: \75rl(https://elsewhere.example/x.png) }",
    ],
)
@pytest.mark.parametrize("name", ["theme.css", "plain.css"])
def test_no_way_of_writing_it_asks_somebody_else(tmp_path: Path, name: str, rule: str) -> None:
    loaded, findings = load(own(tmp_path, {name: rule}), site())
    assert loaded is None
    assert {(f.path, f.line, f.code) for f in findings} == {(f"templates/{name}", 1, "template")}


def test_a_template_in_another_encoding_is_named(tmp_path: Path) -> None:
    _, findings = load(own(tmp_path, {"page.html": "é".encode("latin-1")}), site())
    assert [(f.path, f.code) for f in findings] == [("templates/page.html", "template")]
    assert "UTF-8" in findings[0].message
