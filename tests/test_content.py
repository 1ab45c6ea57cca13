"""What reading the practitioner's files gives: text kept exactly, types, positions, ids, silenced warnings, schemas."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content import convert, frontmatter, scalars, sources, yamlstrict, yamltext
from portalgen.content.kinds import KINDS
from portalgen.content.loader import Loaded, load
from portalgen.content.problems import Finding, Problem, as_data, render
from portalgen.content.records.base import Misfit, Record
from portalgen.content.records.client import Client
from portalgen.content.records.documents import Invoice
from portalgen.content.schema import schema, schemas
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site

SITE, HOME = "content/site.yaml", "content/pages/home.md"
CLIENT, INVOICE = "content/clients/ana/client.yaml", "content/clients/ana/invoices/2026-0001.yaml"
GOOD = {**MINIMAL, **MINIMAL_CLIENT}


def loaded(root: Path, **files: str) -> Loaded:
    """The good site with some files of its own: a name stands for its path."""
    paths = {"site": SITE, "home": HOME, "client": CLIENT, "invoice": INVOICE, "plan": "content/clients/ana/plan.md"}
    return load(minimal_site(root, {**GOOD, **{paths[name]: text for name, text in files.items()}}))


def ana(root: Path, more: str) -> Client:
    """The client with more written in client.yaml."""
    result = loaded(root, client=GOOD[CLIENT] + more)
    assert result.site is not None, result.problems
    return result.site.clients["ana"].client


# --- scalars


@pytest.mark.parametrize(
    ("written", "yaml_makes"),
    [("12.10", 12.1), ("01234", 668), ("NO", False), ("10:30", 630), ("+353915550123", 353915550123), ("1_000", 1000)],
)
def test_text_that_yaml_would_change_is_kept(written: str, yaml_makes: Any) -> None:
    assert yaml.safe_load(f"key: {written}") == {"key": yaml_makes}
    assert yamltext.parse(f"key: {written}").data == {"key": written}


@pytest.mark.parametrize("written", ["yes", "on", "null", "~", "1e3", "0x1F", "2026-11-02", ".inf", "2026", "true"])
def test_every_scalar_is_text(written: str) -> None:
    assert yamltext.parse(f"[{written}]").data == [written]


def test_values_are_what_is_written(tmp_path: Path) -> None:
    more = "phone: +353 91 555 0123\ncountry: NO\nbirth_date: 1990-02-28\ncompany: {name: 01234}\npublish: false\n"
    client = ana(tmp_path, more)
    assert (client.phone, client.country, client.birth_date) == ("+353 91 555 0123", "NO", dt.date(1990, 2, 28))
    assert client.company is not None
    assert client.company.name == "01234"
    assert client.publish is False


def test_amounts_keep_their_cents(tmp_path: Path) -> None:
    result = loaded(tmp_path, invoice=GOOD[INVOICE].replace("60.00", "12.10"))
    assert result.site is not None
    price = result.site.clients["ana"].invoices["2026-0001"].lines[0].unit_price
    assert isinstance(price, Decimal)
    assert str(price) == "12.10"


def test_an_empty_value_is_an_absent_one_and_empty_quotes_are_not(tmp_path: Path) -> None:
    assert ana(tmp_path, "notes:\nphone:\n").notes is None
    result = loaded(tmp_path, client=GOOD[CLIENT] + "notes: ''\n")
    assert [problem.code for problem in result.problems] == ["bad-value"]


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("rates: {talk: free}", "rates", scalars.Price(kind="free")),
        ("rates: {talk: 45.50}", "rates", scalars.Price(kind="amount", amount=Decimal("45.50"))),
    ],
)
def test_rates_are_prices_by_service(tmp_path: Path, written: str, field: str, value: object) -> None:
    minimal_site(tmp_path, {"content/services/talk.md": "---\nname: Talk\nprice: {from: 50, to: 90}\n---\n"})
    assert getattr(ana(tmp_path, written + "\n"), field) == {"talk": value}


def test_a_union_takes_what_fits(tmp_path: Path) -> None:
    client = ana(tmp_path, "goals:\n  - {text: Sleep, done: 2026-03-01}\n  - {text: Walk, done: true}\n")
    assert [goal.done for goal in client.goals] == [dt.date(2026, 3, 1), True]
    result = loaded(tmp_path, client=GOOD[CLIENT] + "goals:\n  - {text: Sleep, done: maybe}\n")
    assert "write year-month-day" in result.problems[0].hint
    assert "write true" in result.problems[0].hint


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_quoted_text_comes_back_as_it_was(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    if "\u2028" not in text and "\u2029" not in text:  # YAML folds these like line ends
        parsed = yamltext.parse(f"key: {quoted}")
        if not parsed.slips:
            assert parsed.data == {"key": text}


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(list("&*!|>%@`{}[],:?-#'\"\t\n <"))))
def test_no_text_is_too_strange_to_be_reported(text: str) -> None:
    parsed = yamltext.parse(text)
    assert all(0 <= slip.start <= len(text) and slip.message and slip.hint for slip in parsed.slips)
    assert isinstance(yamlstrict.marks(text, [("a", 0)]), dict)


def _keys(record: type[Record]) -> Iterator[str]:
    yield from convert.fields_of(record)
    for field, _ in convert.fields_of(record).values():
        if isinstance(field.default, Record):
            yield from _keys(type(field.default))


WORDS = st.sampled_from(["2026-11-02", "true", "12.50", "talk", "S", "10:00", "2w", "50%"]) | st.text()
KEYS = st.sampled_from(sorted({key for kind in KINDS for key in _keys(kind.record)})) | st.text()
DATA = st.recursive(st.none() | WORDS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@given(kind=st.sampled_from(KINDS), data=st.dictionaries(KEYS, DATA) | DATA)
def test_no_data_is_too_strange_to_be_reported(kind: Any, data: Any) -> None:
    run = convert.Run("x")
    given = {name: "x" for name in ("id", "path", "client") if name in kind.record.__struct_fields__}
    for name in convert.fields_of(kind.record):
        given.pop(name, None)
    record = convert.to_record(kind.record, data, run, given)
    assert (record is None) == any(finding.severity == "error" for finding in run.findings)


@given(
    name=st.sampled_from([name for name in dir(scalars) if name.startswith("parse_")]),
    text=st.text() | st.from_regex(r"[-+]?[0-9./:,TZ %mwdy_]*"),
)
def test_a_scalar_fits_or_is_a_misfit(name: str, text: str) -> None:
    with contextlib.suppress(Misfit):
        getattr(scalars, name)(text)


# --- bytes


@given(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.lists(st.sampled_from("a\n\r\té\x85\xa0£\ufeff—\ufffd")).map("".join)
)
def test_text_without_control_characters_is_read_as_it_is(text: str) -> None:
    read = sources.decode("x", text.encode())
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert isinstance(read, Problem) if sources._CONTROL.search(plain) else read == plain


@pytest.mark.parametrize("sign", [chr(code) for code in (*range(0x20), *range(0x7F, 0xA1), 0xFFFD, 0xFFFE, 0xFFFF)])
def test_every_control_character_is_found(sign: str) -> None:
    read = sources.decode("x", f"a: é\nb: {sign}".encode())
    assert isinstance(read, Problem) == (sources._CONTROL.match(sign) is not None)
    if isinstance(read, Problem):
        assert (read.line, read.column, read.code) == (2, 4, "control-character")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_no_text_have_a_place(mark: bytes) -> None:
    read = sources.decode("x", mark + b"a\nb\xe9")
    assert isinstance(read, Problem)
    assert (read.line, read.column, read.code) == (2, 2, "bad-encoding")
    assert f"(byte {len(mark) + 3})" in read.message


# --- YAML and front matter


def test_the_pure_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        GOOD[SITE],
        GOOD[INVOICE],
        "a: &x 1\nb: *x\n",
        "a: 1\na: 2\n",
        "a: [1\n",
        "? [x]\n: y\nz: 1\n",
        "- - a\n  -\n",
    ]
    fast = [(yamltext.parse(text), yamlstrict.marks(text, [("lines", 0, "quantity")])) for text in texts]
    monkeypatch.setattr(yamlstrict, "_Parser", yaml.BaseLoader)
    for text, (parsed, marks) in zip(texts, fast, strict=True):
        slow = yamltext.parse(text)
        assert (slow.data, [slip.code for slip in slow.slips]) == (parsed.data, [slip.code for slip in parsed.slips])
        assert yamlstrict.marks(text, [("lines", 0, "quantity")]) == marks


def test_front_matter_and_text_are_taken_apart() -> None:
    parts = frontmatter.split("---\ntitle: A\n---  \n\nText\n---\nmore\n")
    assert (parts.front, parts.body, parts.body_line) == ("title: A\n", "\nText\n---\nmore\n", 4)


def test_a_document_without_front_matter_is_all_text(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan="Next: a walk.\n")
    assert result.site is not None
    plan = result.site.clients["ana"].plan
    assert plan is not None
    assert (plan.body, plan.body_line, plan.title, plan.path) == (
        "Next: a walk.\n", 1, None, "content/clients/ana/plan.md",
    )  # fmt: skip


def test_line_ends_and_byte_order_marks_make_no_difference(tmp_path: Path) -> None:
    windows = ("\ufeff" + GOOD[HOME].replace("\n", "\r\n")).encode()
    one, two = tmp_path / "one", tmp_path / "two"
    site = minimal_site(one, {HOME: windows})
    assert load(site).site == load(minimal_site(two)).site is not None


def test_positions_after_umlauts_and_tabs_count_characters(tmp_path: Path) -> None:
    result = loaded(tmp_path, client="id: ana\nname: {display: Ünïcødé 😀, legl: x}\n")
    assert [(problem.line, problem.column) for problem in result.problems] == [(2, 28)]


# --- names, ids and the folder


@pytest.mark.parametrize(
    "name", [".DS_Store", "._home.md", "~$home.md", "home.md~", "#home.md#", ".home.md.swp", "home.swo", "a.tmp",
             "Thumbs.db", "desktop.ini", ".git/config"],
)  # fmt: skip
def test_what_editors_and_systems_leave_is_ignored(tmp_path: Path, name: str) -> None:
    assert load(minimal_site(tmp_path, {**GOOD, f"content/pages/{name}": b"\0\xff"})).problems == ()


def test_letters_of_repair_are_letters(tmp_path: Path) -> None:
    result = load(minimal_site(tmp_path, {"content/letters/repair/sorry.md": "Sorry.\n"}))
    assert result.site is not None
    assert result.site.shared.letters["sorry"].path == "content/letters/repair/sorry.md"


def test_a_folder_that_cannot_be_read_is_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = minimal_site(tmp_path, GOOD)
    scandir = os.scandir

    def refuse(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("clients"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = load(site)
    assert result.site is None
    assert [(problem.path, problem.code) for problem in result.problems] == [("content/clients", "unreadable")]


def test_no_content_at_all_is_one_problem(tmp_path: Path) -> None:
    result = load(tmp_path)
    assert [(problem.path, problem.code) for problem in result.problems] == [("content", "missing-file")]
    assert "portalgen init" in result.problems[0].hint


def test_sources_that_change_while_they_are_read_are_seen(tmp_path: Path) -> None:
    result = loaded(tmp_path)
    assert sources.changed_since(result.sources) == ()
    (tmp_path / HOME).write_text("---\ntitle: Other\n---\n")
    (tmp_path / INVOICE).unlink()
    (tmp_path / "content/static").mkdir()
    (tmp_path / "content/static/a.txt").write_text("a")
    assert sources.changed_since(result.sources) == (INVOICE, HOME, "content/static/a.txt")


def test_a_broken_service_is_still_there_to_refer_to(tmp_path: Path) -> None:
    files = {
        **GOOD,
        "content/services/talk.md": "---\nname: Talk\nprice: sixty\n---\n",
        CLIENT: GOOD[CLIENT] + "services: [talk]\n",
    }
    assert [problem.code for problem in load(minimal_site(tmp_path, files)).problems] == ["bad-value"]


def test_methods_are_not_missed_when_site_yaml_cannot_be_read(tmp_path: Path) -> None:
    result = loaded(tmp_path, site="practice: [\n")
    assert [(problem.path, problem.code) for problem in result.problems] == [(SITE, "yaml")]


def test_the_order_of_ids_and_of_list_entries(tmp_path: Path) -> None:
    pages = {f"content/pages/{name}.md": f"---\ntitle: {name}\n---\n" for name in ("zoo", "a", "m")}
    log = "".join(
        f"- {{at: 2026-11-{day}T10:00Z, channel: email, direction: in, summary: Hi}}\n" for day in ("12", "10", "11")
    )
    result = load(minimal_site(tmp_path, {**GOOD, **pages, "content/clients/ana/log.yaml": log}))
    assert result.site is not None
    assert list(result.site.shared.pages) == ["a", "home", "m", "zoo"]
    assert [entry.at.day for entry in result.site.clients["ana"].log] == [12, 10, 11]


def test_empty_lists_are_empty(tmp_path: Path) -> None:
    result = load(minimal_site(tmp_path, {**GOOD, "content/clients/ana/payments.yaml": "# none yet\n"}))
    assert result.site is not None
    assert result.site.clients["ana"].payments == ()


# --- telling and silencing

WARNING = Finding(path=CLIENT, code="old-name", message="m", hint="h", severity="warning", at=("name", "display"))


def test_a_finding_of_a_later_room_gets_its_place(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan="---\ntitle: T\n---\nOne\nTwo [link](x.md)\n")
    place = result.place
    assert (place(WARNING).line, place(WARNING).column) == (2, 17)
    on_key = Finding(path=CLIENT, code="c", message="m", at=("name", "display"), on_key=True)
    assert (place(on_key).line, place(on_key).column) == (2, 8)
    nearest = Finding(path=INVOICE, code="c", message="m", at=("lines", 0, "period", "to"))
    assert (place(nearest).line, place(nearest).column) == (5, 5)
    text = Finding(path="content/clients/ana/plan.md", code="c", message="m", text="x.md", line=4)
    assert (place(text).line, place(text).column) == (5, 12)
    assert result.excerpt(place(text)) == "Two [link](x.md)"
    gone = Finding(path="content/clients/ana/gone.md", code="c", message="m", at=("title",))
    assert (place(gone).line, place(gone).column, result.excerpt(place(gone))) == (1, 1, "")


def test_a_warning_is_silenced_with_a_reason_and_an_error_never(tmp_path: Path) -> None:
    result = loaded(tmp_path, client=GOOD[CLIENT] + "# portalgen: allow old-name because she likes it\n")
    assert result.problems == ()
    error = Finding(path=CLIENT, code="old-name", message="m", hint="h")
    assert [problem.severity for problem in result.report([WARNING, error])] == ["error"]


def test_silence_without_a_reason_is_a_warning_and_silences_nothing(tmp_path: Path) -> None:
    result = loaded(tmp_path, client=GOOD[CLIENT] + "notes: x  # portalgen: allow old-name\n")
    assert result.site is not None
    assert [(one.line, one.column, one.code, one.severity) for one in result.problems] == [
        (5, 13, "allow-without-reason", "warning")
    ]
    assert len(result.report([WARNING])) == 1


def test_a_warning_of_a_page_is_silenced_in_its_front_matter_only(tmp_path: Path) -> None:
    warning = Finding(path=HOME, code="old-name", message="m", severity="warning", line=4, text="A room")
    allow = "# portalgen: allow old-name because of the poem\n"
    result = loaded(tmp_path, home=f"---\n{allow}title: T\n---\nA room\n")
    assert result.report([warning]) == ()
    result = loaded(tmp_path, home=f"---\ntitle: T\n---\nA room\n\n{allow}")
    assert len(result.report([warning])) == 1


def test_a_problem_reads_as_the_contract_says() -> None:
    problem = Problem(
        path=INVOICE,
        line=12,
        column=9,
        code="unknown-key",
        message="'quantitiy' is no key here",
        hint="write quantity:",
    )
    assert render(problem, "      - quantitiy: 2", colour=False).splitlines() == [
        f"{INVOICE}:12:9: error[unknown-key]: 'quantitiy' is no key here",
        "          - quantitiy: 2",
        "            ^",
        "    hint: write quantity:",
    ]
    assert "\033[31;1merror[unknown-key]:\033[0m" in render(problem, "", colour=True)
    assert list(as_data(problem)) == ["path", "line", "column", "code", "severity", "message", "hint"]


def test_an_excerpt_acts_on_no_terminal_and_keeps_its_caret() -> None:
    problem = Problem(path="p", column=3, code="c", message="m")
    shown = render(problem, "\t漢x\033[2J\u202e", colour=False).splitlines()
    assert shown[1:] == ["    \t漢x�[2J�", "    \t  ^"]
    wide = render(Problem(path="p", column=5000, code="c", message="m"), "a" * 4999 + "b" * 5000, colour=False)
    line, caret = wide.splitlines()[1:3]
    assert len(line) < 200
    assert line[caret.index("^")] == "b"
    assert line[caret.index("^") - 1] == "a"


def test_no_line_of_a_file_outside_is_shown(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, {**GOOD, ".portalgen/key": "secret"})
    os.symlink("../../.portalgen/key", site / "content/pages/key.md")
    result = load(site)
    assert [problem.code for problem in result.problems] == ["symlink"]
    found = Problem(path="content/pages/key.md", code="yaml")
    assert result.excerpt(result.problems[0]) == result.excerpt(found) == ""


@pytest.mark.parametrize("sign", "?&%#/,; \t\n\xa0")
def test_an_e_mail_address_stays_one_in_a_link(sign: str) -> None:
    for text in (f"ana{sign}b@client.example", f"ana@cli{sign}ent.example", f"ana@client.exa{sign}mple"):
        with pytest.raises(Misfit):
            scalars.parse_email(text)
    assert scalars.parse_email("ana.o'neil+x_1@mail.client.example")


def test_days_and_spans_leave_room_to_count() -> None:
    assert [scalars.parse_date(f"{year}-06-01").year for year in (1900, 2199)] == [1900, 2199]
    assert scalars.parse_date_time("2199-12-31T23:59-12:00").year == 2199
    for text in ("1899-12-31", "2200-01-01", "0001-01-01", "9999-12-31"):
        with pytest.raises(Misfit):
            scalars.parse_date(text)
        with pytest.raises(Misfit):
            scalars.parse_date_time(f"{text}T00:00Z")
    for text in ("20y", "240m", "1040w", "7300d"):
        count, unit = int(text[:-1]), text[-1]
        assert scalars.parse_period(text) == scalars.Period(count, unit)  # type: ignore[arg-type]
        with pytest.raises(Misfit):
            scalars.parse_period(f"{count + 1}{unit}")


def test_an_address_to_pay_at_has_what_is_filled_in() -> None:
    address = "https://pay.example/{currency}/{amount}?for={reference}"
    assert scalars.parse_url_pattern(address) == address
    for text in (
        "http://localhost/{amount}",
        "https://pay.example/{}",
        "https://pay.example/'\"",
        "{amount}",
        "https://",
    ):
        with pytest.raises(Misfit):
            scalars.parse_url_pattern(text)
    with pytest.raises(Misfit):
        scalars.parse_url(address)


# --- schemas


def test_every_kind_has_a_schema_that_names_its_keys() -> None:
    assert set(schemas()) == {kind.name for kind in KINDS}
    for kind in KINDS:
        text = json.dumps(schema(kind.name))
        assert all(f'"#/definitions/{name}"' not in text or name in schema(kind.name)["definitions"]
                   for name in ("Line", "Tax", "Address"))  # fmt: skip


def test_a_schema_is_as_strict_as_the_reader() -> None:
    invoice = schema("invoice")
    assert invoice["required"] == ["id", "lines"]
    assert invoice["additionalProperties"] is False
    assert "path" not in invoice["properties"]
    assert invoice["properties"]["kind"] == {
        "enum": ["standard", "deposit", "final", "cancellation_fee"], "default": "standard",
    }  # fmt: skip
    period = invoice["definitions"]["Period"]
    assert period["required"] == ["from", "to"]
    assert period["description"] == "Days from and to, both included."
    assert schema("payment")["type"] == "array"


def test_a_schema_knows_the_keys_that_the_reader_knows() -> None:
    for kind in KINDS:
        found = schema(kind.name)
        keys = (found["items"] if kind.form == "list" else found)["properties"]
        assert set(keys) == set(convert.fields_of(kind.record))


def test_records_are_frozen_and_have_an_audience() -> None:
    def below(record: type[Record]) -> Iterator[type[Record]]:
        for inner in record.__subclasses__():
            yield inner
            yield from below(inner)

    assert Invoice in set(below(Record))
    for record in below(Record):
        assert record.__struct_config__.frozen, record
        assert record.audience in ("public", "client", "private"), record
