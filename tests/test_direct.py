"""The theme compiled to plain Python makes the pages that Jinja makes, sign by sign, or leaves them to Jinja."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateAssertionError, UndefinedError
from markupsafe import Markup

from portalgen.publish.build import assemble
from portalgen.rules.money import Money
from portalgen.site import theme as theme_module
from portalgen.site.catalogue import Catalogue
from portalgen.site.direct import DirectEnvironment
from portalgen.site.putout import Amounts, Once
from portalgen.site.templating import Sources
from portalgen.site.theme import Theme, builtin_folder, load
from portalgen.site.views import LineView, TermsView, View
from tests.support import DEMO_DAY, ROOT, opened_demo
from tests.test_theme import LINE, PRACTICE, TEXT, invoice, rendered, site

TEMPLATES = sorted(path.relative_to(builtin_folder()).as_posix() for path in builtin_folder().rglob("*.html"))
HOSTILE = """<script>alert('&"')</script>\u202e%s%(x)s{{ x }}"""
LANGUAGES = ("en", "de", "ar", "ja")
KEPT = ("ana-horvat", "cuan-family-support", "ruadhan-walsh")
"""Clients of the demo who have a page of every kind between them."""


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test compiles stays in its process."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def built_in() -> Theme:
    loaded, findings = load(ROOT / "nowhere", site())
    assert loaded is not None
    assert findings == ()
    return loaded


THEME = built_in()


def both(source: str, language: str = "en", **values: object) -> tuple[str, str]:
    """What the direct code of a template gives, and what Jinja's gives."""
    direct, plain = THEME.environment(language), THEME.environment(language, direct=False)
    assert isinstance(direct, DirectEnvironment)
    assert type(plain) is Environment
    return direct.from_string(source).render(**values), plain.from_string(source).render(**values)


class Row(View, frozen=True, kw_only=True):
    """A view for templates of these tests."""

    name: Any
    amount: Money = Money(Decimal("1234.50"), "EUR")
    day: dt.date = dt.date(2026, 11, 21)
    count: Any = 2
    kind: str = "a"
    rows: tuple[Any, ...] = ()
    table: Any = ()


ROWS = (Row(name="a", count=0), Row(name="<b>", count=1, kind="b"), Row(name=Markup("<i>c</i>"), kind="b"))

CONSTRUCTS = {
    "text": "a < b &amp; 'c' \"d\"",
    "a value": "{{ x }}",
    "an attribute's value": '<a href="{{ x }}" title="{{ view.name }}">',
    "a choice": "{{ x if view.count > 1 else 'less' }}{{ view.name if view.count > 9 else x }}",
    "a choice without another": "{{ '<' if view.count == 2 }}",
    "numbers": "{{ view.count }} {{ 1.5 }} {{ view.count * 3 - 1 }} {{ -view.count }} {{ view.count ~ x }}",
    "formats": "{{ view.amount|money }} {{ view.amount|minus }} {{ view.day|date }} {{ view.day|day }} {{ 0.5|percent }}",
    "a format as a value": "{% set m = view.amount|money %}{{ m }}{{ m|length }}{{ [m, x]|join(' <> ') }}",
    "joined": "{{ [x, view.name]|join('<') }}{{ [x]|join(m) }}{% set y = [x, m]|join(', ') %}{{ y }}{{ []|join }}",
    "trimmed": "[{{ x|trim }}][{{ '  a '|trim }}][{{ x|trim('<') }}]",
    "safe": "{{ m }}{{ m|trim }}{{ x|safe }}{{ x|e }}{{ m|replace('<', '[') }}",
    "a message": "{% trans %}Total{% endtrans %} {{ _('Total') }} {% trans %}100 %{% endtrans %}",
    "a message with context": '{% trans "state" %}Due{% endtrans %}',
    "a message with variables": "{% trans number=x, day=view.day|date %}Invoice {{ number }} of {{ day }}{% endtrans %}",
    "a known message with variables": "{% trans day=x %}Issued on {{ day }}{% endtrans %}",
    "a message with markup": "{% trans day=m %}<b>Issued</b> on {{ day }} & 5 %{% endtrans %}",
    "a message about a name": "{% set name = x %}{% trans %}Hello {{ name }}{% endtrans %}",
    "a message about what a macro says": (
        "{% macro say(a) %}<i>{{ a }}</i>{% endmacro %}{% trans number=say(x) %}Invoice {{ number }}{% endtrans %}"
        "{% trans number=x.upper(), day=x.lower() %}Invoice {{ number }} of {{ day }}{% endtrans %}"
        "{% trans count=x.split()|length, n=say(x) %}in {{ n }} part{% pluralize %}in {{ n }} parts{% endtrans %}"
        "{% trans num=rows.__len__() %}{{ num }} day{% pluralize %}{{ num }} days{% endtrans %}"
    ),
    "a count": (
        "{% for n in [0, 1, 2, 5, 11, view.count] %}"
        "{% trans count=n, n=n|number %}in {{ n }} part{% pluralize %}in {{ n }} parts{% endtrans %}, "
        "{% trans num=n %}{{ num }} day{% pluralize %}{{ num }} days{% endtrans %};{% endfor %}"
    ),
    "a message as a value": "{% set said %}{% trans day=x %}Issued on {{ day }}{% endtrans %}{% endset %}{{ said }}{{ said|length }}",
    "language": "<p{{ x|tongue }}>{{ x }}</p><p{{ 'שלום'|tongue('he') }}>{{ direction }} {{ home_country }}</p>",
    "a global under another meaning": "{% set direction = x %}{{ direction }}{% for home_country in [x] %}{{ home_country }}{% endfor %}",
    "a loop": "{% for row in rows %}{{ loop.index }}{{ row.name }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}",
    "what a loop tells": (
        "{% for row in rows %}{% for a in [x, m, row.name] %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ a }}{% endfor %}"
        "{{ loop.index }}{% if loop.first %}<{% elif loop.last %}>{% endif %}{% endfor %}"
        "{% for row in rows if row.count %}{{ loop.last }}{% else %}none{% endfor %}{% for c in x %}{{ loop.last }}{{ c }}{% endfor %}"
    ),
    "choices among texts": (
        "{% if x %}{{ x }}{% elif view.count > 1 %}more{% if m %}{{ m }}{% endif %}{% endif %}"
        "{% if view.count < 1 %}{% elif x == m %}{{ m }}{% else %}<{% if x %}{{ x ~ m }}{% else %}>{% endif %}{% endif %}"
        "{% for row in rows %}{% if row.count %}{{ row.name }}{% else %}{% set a = x %}{{ a }}{% endif %}{% endfor %}"
    ),
    "a row of texts": "{{ x ~ m ~ 1 }}{{ (x ~ view.name)|upper }}{% set y = m ~ x %}{{ y }}{{ y|length }}",
    "an empty loop": "{% for row in view.rows %}{{ row }}{% else %}none {{ x }}{% endfor %}",
    "a loop with a condition": "{% for row in rows if row.kind == 'b' and x %}{{ row.name }}{% endfor %}",
    "pairs": "{% for a, b in [(x, m), (1, 2)] %}{{ a }}{{ b }}{% endfor %}",
    "a name set in a loop": "{% set a = 1 %}{% for row in rows %}{% set a = row.name %}{{ a }}{% endfor %}{{ a }}",
    "a name set in a branch": "{% if x %}{% set a = x %}{% else %}{% set b = m %}{% endif %}{{ a|d }}{{ b is defined }}",
    "a namespace": "{% set ns = namespace(all=[]) %}{% for row in rows %}{% set ns.all = ns.all + [row.name] %}{% endfor %}{{ ns.all|join }}",
    "chosen": (
        "{{ rows|selectattr('count')|list|length }}{{ rows|rejectattr('count')|list|length }}"
        "{{ rows|selectattr('kind', 'eq', 'b')|list|length }}{{ rows|selectattr('amount.amount', 'lt', 0)|list }}"
        "{{ rows|selectattr('kind', 'in', ['a', x])|map(attribute='name')|list|length }}"
    ),
    "tests": "{{ view.nothing is defined }}{{ view.count is defined }}{{ x is string }}{{ nothing is undefined }}{{ rows is iterable }}",
    "defaults": "{{ view.nothing|default(x) }}{{ nothing|default('<') }}{{ x|d('no') }}",
    "items": "{{ {'a': x}['a'] }}{{ {'a': x}.get('b', m) }}{{ [x, m][1] }}{{ rows[0].name }}{{ (rows|list)[-1].name }}{{ x[1:3] }}",
    "methods": "{{ x.upper() }}{{ view.day.isoformat() }}{{ 'a/b'.split('/')[-1] }}",
    "a macro": (
        "{% macro say(a, b='<', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}"
        "{{ say(x) }}{{ say(x, m) }}{{ say(say(x), 1, 2) }}{% set y = say(m)|trim %}{{ y }}{{ y|length }}{{ say(x)|upper }}"
    ),
    "a macro and its later neighbour": (
        "{% macro one(a) %}<{{ two(a) }}>{% endmacro %}{% macro two(one) -%} ({{ one }}) {%- endmacro %}{{ one(x)|trim }}"
    ),
    "macros in place": (
        "{% macro one(a, b='-', c=true) %}{{ a }}{{ b if c else a }}{% endmacro %}"
        "{% macro two(a, c=false) %}<i>{{ one(a, x, c) if false else one(a, '<', c) }}</i>{% endmacro %}"
        "{{ one(x) }}{{ one(x, m, false) }}{{ one(x.upper(), x.lower(), true) }}{{ one(x.upper(), x, false) }}"
        "{{ one(one(x)|trim, one(m)) }}{{ two(view.name) }}{{ one(view.rows|length, view.amount|money) }}"
        "{% for a in [x, m] %}{% set c = a %}{{ one(c, a) }}{{ one(loop.index, loop.last) }}{% endfor %}"
        "{% set y = one(m, x) %}{{ y }}{{ y|length }}{{ 'yes' if one('', '') else 'no' }}{{ one(x)|upper }}"
    ),
    "macros in place, trimmed": (
        "{% macro blank(a) %}  {{ a }}  {% endmacro %}{% macro text(a) %} <b>{{ a }}</b>\n{% endmacro %}"
        "{% macro void(a) %}{% endmacro %}{% macro gap() %}  {% endmacro %}{% macro word() %} a  {% endmacro %}"
        "{% macro choice(a) %} {% if a %} {{ a }} {% elif a == m %} less {% else %}\n{% endif %} {% endmacro %}"
        "{% macro most(a) %}{% if a %} {{ a }} {% elif view.count %} less {% else %}\n{% endif %}{% endmacro %}"
        "{% macro said(a) %} {% trans %}Total{% endtrans %} {% endmacro %}"
        "{% macro filled(a) %} {% trans day=a %}Issued on {{ day }}{% endtrans %}\n{% endmacro %}"
        "{% for a in [x, m, ' ', '', '  b '] %}[{{ blank(a)|trim }}][{{ text(a)|trim }}][{{ void(a)|trim }}]"
        "[{{ choice(a)|trim }}][{{ said(a)|trim }}][{{ filled(a)|trim }}][{{ blank(text(a)|trim)|trim|trim }}]{% endfor %}"
        "[{{ gap()|trim }}][{{ word()|trim }}][{{ blank(word()|trim) }}]"
    ),
    "macros in place, of other templates": (
        '{% import "parts/money.html" as money %}{% import "parts/words.html" as words %}'
        "{% macro put(words) %}{{ money.row(words, view.amount) }}{{ money.ltr(words) }}{% endmacro %}{{ put(x) }}"
        "{{ money.row(x, view.amount, view.count > 1) }}{{ money.span((view.day, view.day))|trim }}"
        "{{ money.tax_rate('E', view.count)|trim }}{{ money.tax_rate('E', 0)|trim }}{{ money.tax_rate(x, 0)|trim }}"
        "{{ money.in_parts(view.count) }}{{ words.quantity('hour', 1.5)|trim }}{{ words.quantity(x, view.count)|trim }}"
        "{% for money in [x] %}{{ words.whole(money) }}{% endfor %}"
    ),
    "numbers of equal worth": (
        '{% import "parts/words.html" as words %}'
        "{% for n in numbers %}{{ n|number }} {{ n|percent }} {{ words.quantity('session', n) }};{% endfor %}"
        "{% for n in numbers %}{% trans count=n, n=n|number %}in {{ n }} part{% pluralize %}in {{ n }} parts{% endtrans %}{% endfor %}"
        "{% for a in amounts %}{{ a|money }} {{ a|minus }};{% endfor %}{{ true|number }}"
    ),
    "what may be there": (
        "{{ view.name is defined }}{{ view.nothing is undefined }}{{ {'a': 1}.a is defined }}{{ {'a': 1}.b is defined }}"
        "{{ rows[0].nothing is defined and rows[0].nothing }}{{ x.upper is defined }}"
    ),
    "a loop that skips": (
        "{% for row in rows if row.count and x != row.name %}{{ row.name }}{% else %}none{% endfor %}"
        "{% for row in rows if not rows %}{{ row.name }}{% else %}none {{ x }}{% endfor %}"
        "{% for a in rows|map(attribute='name') %}{{ loop.index }}{{ a }}{{ loop.last }}{% else %}none{% endfor %}"
        "{% for a in [] %}{{ loop.last }}{% else %}none{% endfor %}{% for a, b in {'k': x}.items() %}{{ loop.first }}{{ a }}{{ b }}{% endfor %}"
    ),
    "a macro in a choice": "{% macro one(a) %}{{ a }}{% endmacro %}{{ one(x) if view.count else x }}{{ one(m) or x }}",
    "an imported macro": (
        '{% import "parts/words.html" as words %}{{ words.whole(x) }}{{ words.apart(x, "de")|trim }}'
        "{{ words.comma }}{{ words.nav.get('fees', x) }}{{ words.nav.get(x, x) }}"
        "{{ words.totals.paid }}{{ words.quantity('hour', view.count) }}{{ words.part_states['paid'] }}"
    ),
    "an imported name under another meaning": (
        '{% import "parts/words.html" as words %}{{ words.whole(x) }}{% for words in [x] %}{{ words }}{% endfor %}'
        "{% macro put(words) %}{{ words }}{{ one(words) }}{% endmacro %}{% macro one(a) %}{{ words.comma }}{{ a }}{% endmacro %}{{ put(x) }}"
    ),
    "an imported name": '{% from "parts/words.html" import nav, whole as one %}{{ nav.get("fees") }}{{ one(x) }}',
    "a page": (
        '{% extends "private.html" %}{% import "parts/money.html" as money %}'
        "{% block name %}{{ x }}{% endblock %}{% block back %}{% set words = x %}{{ words }}{% endblock %}"
        "{% block content %}{% block inner %}<h1>{{ self.name() }}</h1>{% endblock %}{{ words.comma }}{{ view.day|day }}{% endblock %}"
        "{% block footer %}{{ money.ltr(x) }}{% endblock %}"
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_what_a_template_may_hold_reads_as_with_jinja(construct: str, language: str) -> None:
    for text in (HOSTILE, Markup("<b>safe</b>"), "", "plain", 7):
        values: dict[str, Any] = {"x": text, "m": Markup("<u>&amp;</u>"), "view": Row(name=text), "rows": ROWS}
        values["numbers"] = [Decimal(n) for n in ("1", "1.0", "2", "1.5", "1.50", "-3", "1E+3", "0.00")]
        values["amounts"] = [Money(Decimal(n), c) for c in ("EUR", "JPY") for n in ("1", "1.00", "-0.5", "0", "1234.5")]
        values["x"] = text if isinstance(text, str) else str(text)
        if "extends" in CONSTRUCTS[construct]:
            values |= {"page": _frame(language), "practice": PRACTICE, "nav": (), "footer": ()}
            values |= dict.fromkeys(("url", "beside", "static", "asset"), lambda *_: "<link>")
        direct, plain = both(CONSTRUCTS[construct], language, **values)
        assert direct == plain


def _frame(language: str) -> object:
    return theme_module.Frame(address="x/", title="<title>", private=True, language=language)


@given(st.one_of(st.text(), st.text().map(Markup), st.integers(), st.decimals(allow_nan=False), st.none()))
def test_no_value_gets_out_of_its_place(value: object) -> None:
    source = (
        "{% macro put(v) %}<i>{{ v }}</i>{% endmacro %}"
        '<a title="{{ v }}">{{ v }}</a>{{ put(v) }}{{ put(put(v))|trim }}{{ [v, v]|join("<") }}{{ v if v else "-" }}'
        "{% trans day=v %}Issued on {{ day }}{% endtrans %}{% set w = put(v) %}{{ w }}{{ {'k': v}['k'] }}{{ rows[0] }}"
    )
    for language in ("en", "ar"):
        direct, plain = both(source, language, v=value, rows=[value])
        assert direct == plain


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_of_the_theme_is_compiled(template: str) -> None:
    for language in LANGUAGES:
        environment = THEME.environment(language)
        assert isinstance(environment, DirectEnvironment)
        assert environment.get_template(template).name == template


@pytest.fixture(scope="module")
def practices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The demo practice, and the same with few clients that writes from right to left."""
    demo = tmp_path_factory.mktemp("demo")
    opened_demo(demo)
    arabic = tmp_path_factory.mktemp("arabic")
    opened_demo(arabic)
    file = arabic / "content" / "site.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("\n  language: en\n") == 1
    file.write_text(text.replace("\n  language: en\n", "\n  language: ar\n"), encoding="utf-8")
    clients = arabic / "content" / "clients"
    for client in clients.iterdir():
        if client.name not in KEPT:
            shutil.rmtree(client)
    return [demo, arabic]


def test_whole_sites_are_the_same_and_need_no_help(practices: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    make = theme_module._rendered
    seen: dict[Path, set[str]] = {root: set() for root in practices}

    def rendered_twice(environment: Environment, template: str, values: dict[str, object]) -> str:
        assert isinstance(environment, DirectEnvironment)
        text = make(environment, template, values)
        language = str(getattr(values["page"], "language", ""))
        theme = current[-1]
        assert text == make(theme.environment(language, direct=False), template, values)
        seen[root].add(template)
        return text

    current: list[Theme] = []
    render = Theme.render

    def noted(self: Theme, *args: Any, **options: Any) -> str:
        current.append(self)
        return render(self, *args, **options)

    monkeypatch.setattr(theme_module, "_rendered", rendered_twice)
    monkeypatch.setattr(Theme, "render", noted)
    for root in practices:
        made = assemble(root, today=dt.date.fromisoformat(DEMO_DAY), jobs=1)
        assert made.files is not None, made.problems
    assert {"home.html", "portal.html", "invoice.html", "receipt.html", "statement.html", "year.html"} <= seen[root]
    assert len(seen[root]) >= 20
    assert not set.symmetric_difference(*seen.values()), "the few clients need every template as well"


def test_what_is_missing_is_told_as_ever() -> None:
    with pytest.raises(UndefinedError, match=r"^TextView has no 'number'$"):
        rendered(THEME, "invoice.html", TEXT)


@pytest.mark.parametrize(
    "source",
    [
        '{% include "parts/words.html" %}',
        "{% macro a() %}{{ caller() }}{% endmacro %}{% call a() %}x{% endcall %}",
        '{% extends "base.html" %}{% block head %}{{ super() }}{% endblock %}',
        "{% extends name %}",
        '{% extends "base.html" %}{% if x %}{% set y = 1 %}{% endif %}',
        "{% autoescape false %}{{ x }}{% endautoescape %}",
        "{% macro a() %}{{ varargs }}{% endmacro %}{{ a(1) }}",
        '{% import "parts/words.html" as words with context %}',
        "{% if x %}{% macro a() %}{% endmacro %}{% endif %}",
        "{% macro a(b) %}{{ b }}{% endmacro %}{{ a(b=1) }}",
        "{% macro a(b) %}{{ b }}{% endmacro %}{{ a(1, 2) }}",
        "{% for a in b %}{{ loop }}{% endfor %}",
        "{% for a in b %}{{ loop.length }}{% endfor %}",
        "{% for a in b %}{{ loop['index'] }}{% endfor %}",
    ],
)
def test_what_the_theme_does_not_do_is_left_to_jinja(source: str) -> None:
    with pytest.raises(TemplateAssertionError):
        THEME.environment("en").from_string(source)


def test_jinja_makes_the_page_where_the_direct_code_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = rendered(THEME, "invoice.html", invoice())
    make = theme_module._rendered

    def failing(environment: Environment, template: str, values: dict[str, object]) -> str:
        if isinstance(environment, DirectEnvironment):
            raise AttributeError(template)
        return make(environment, template, values)

    monkeypatch.setattr(theme_module, "_rendered", failing)
    assert rendered(THEME, "invoice.html", invoice()) == wanted


def test_a_change_in_a_template_counts_in_those_that_rest_on_it() -> None:
    theme, other = built_in(), built_in()
    before = rendered(theme, "page.html", TEXT)
    sources = theme._sources
    builtin = {**sources.builtin, "base.html": sources.builtin["base.html"].replace('id="main"', 'id="other"')}
    other._sources = Sources(builtin, {}, "templates")
    assert rendered(other, "page.html", TEXT) == before.replace('id="main"', 'id="other"')


def test_what_is_said_of_the_same_values_is_said_once() -> None:
    said: list[object] = []

    def raw(value: object, word: str) -> str:
        said.append(value)
        return f"{value}{word}"

    once, first = Once("raw"), Row(name="a")
    assert [once(raw, first, "b"), once(raw, first, "b")] == [f"{first}b"] * 2
    assert said == [first]
    for number in range(1000):
        value = [number]  # gone after its turn: another list may come to lie where it lay
        assert once(raw, value, "b") == f"[{number}]b"
    assert once(raw, first, "b") == f"{first}b"


def test_no_page_is_made_of_what_is_missing() -> None:
    for source in ("{{ nothing }}", "{{ nothing.more }}", "{% macro a(b) %}{{ b }}{% endmacro %}{{ a() }}"):
        with pytest.raises((NameError, AttributeError, UndefinedError)):
            THEME.environment("en").from_string(source).render()


def test_amounts_are_remembered_up_to_a_number() -> None:
    written: list[Money] = []

    def write(money: Money) -> str:
        written.append(money)
        return f"<{money.amount} {money.currency}>"

    amounts = Amounts(write)
    for number in range(20_000):
        money = Money(Decimal(number), "EUR")
        assert amounts(money) == amounts.texts["EUR"][str(number)] == f"&lt;{number} EUR&gt;"
    assert len(written) == 20_000
    assert sum(map(len, amounts.texts.values())) < 10_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_are_filled_whatever_a_translation_makes_of_their_variables(language: str) -> None:
    said = "Invoice %(number)s of %(day)s"
    for own in (
        "%(number)s", "%(day)s: %(number)s", "%(day)s %(number)s %(day)s", "none", "100 %% %(number)s", "100 %%", said,
        "<%(number)s> & %(day)s",
    ):  # fmt: skip
        catalogue = Catalogue.of(
            language, {said: own, "%(n)s day": own, "Hello %(name)s": own.replace("number", "name")}
        )
        for value in ("a", "%s", "%(day)s", "%%"):
            filled = catalogue.trans_filling(said, "", ("number", "day"))(value, "b")
            assert filled == catalogue.trans_filled(None, said, number=value, day="b")  # type: ignore[arg-type]
        one = catalogue.trans_filling("Hello %(name)s", "", ("name", "day"))("%", "b")
        assert one == catalogue.trans_filled(None, "Hello %(name)s", name="%", day="b")  # type: ignore[arg-type]


def test_the_practice_of_each_page_is_its_own() -> None:
    for country in ("IE", "DE", "FR") * 2:
        line = msgspec.structs.replace(PRACTICE.crisis[0], name=f"Help in {country}")
        practice = msgspec.structs.replace(PRACTICE, crisis=(line,), name=f"Room {country}")
        page = THEME.render(
            "invoice.html",
            frame=theme_module.Frame(address="p/t/", title="", private=True),
            practice=practice,
            nav=(),
            footer=(),
            view=invoice(),
        )
        assert f"Help in {country}" in page
        assert f"Room {country}" in page


def test_the_buyer_and_the_terms_of_each_page_are_its_own() -> None:
    terms = TermsView(
        title="",
        address="terms/net/",
        due_kind="net",
        due_count=0,
        due_weekday=0,
        methods=(),
        deposit=None,
        early_percent=None,
        early_days=0,
        late_kind="none",
        late_percent=None,
        late_amount=None,
        grace_days=0,
        recovery_fee=None,
        legal_mention="",
        dispute_days=None,
        dispute_contact="",
        text=Markup(""),
    )
    bill = invoice()
    views = [
        msgspec.structs.replace(
            bill,
            buyer=msgspec.structs.replace(bill.buyer, name=f"Buyer {days}"),
            terms=msgspec.structs.replace(terms, due_count=days),
        )
        for days in (7, 14, 30)
    ]
    for view in views * 2:
        assert view.terms is not None
        page = rendered(THEME, "invoice.html", view)
        assert page == rendered(built_in(), "invoice.html", view)
        assert f"<bdi>{view.buyer.name}</bdi>" in page
        assert f"within {view.terms.due_count} days of the invoice date" in page


def test_a_macro_is_called_from_python_as_well() -> None:
    money = THEME.environment("en").get_template("parts/money.html").module
    plain = THEME.environment("en", direct=False).get_template("parts/money.html").module
    line: LineView = LINE
    for values in (("<a>", line.net), ("<a>", line.net, True)):
        said = money.row(*values)  # type: ignore[attr-defined]
        assert said == plain.row(*values)  # type: ignore[attr-defined]
        assert type(said) is Markup
    with pytest.raises(TypeError):
        money.row("a", line.net, True, "more")  # type: ignore[attr-defined]
