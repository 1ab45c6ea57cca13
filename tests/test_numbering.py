"""The numbers of documents: the next one, gaps, order, and patterns (domain §4.1)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.records.numbering import Numbering, Series
from portalgen.content.records.practice import SiteFile
from portalgen.rules.numbering import (
    KINDS,
    SeriesKind,
    Taken,
    gaps,
    next_number,
    number_findings,
    numbers_of,
    place_of,
    reference_form,
    series_of,
    written,
)
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site

DAY = dt.date(2026, 11, 21)


def taken(number: str, issued: str = "", client: str = "ana", kind: SeriesKind = "invoice", path: str = "-") -> Taken:
    day = dt.date.fromisoformat(issued) if issued else None
    return Taken(kind=kind, number=number, issued=day, client=client, id=f"{client}-{number}-{path}", path=path)


def with_numbering(tmp_path: Path, numbering: str = "") -> SiteFile:
    text = MINIMAL["content/site.yaml"] + (f"numbering: {numbering}\n" if numbering else "")
    loaded = load(minimal_site(tmp_path, {"content/site.yaml": text}))
    assert loaded.site, loaded.problems
    return loaded.site.shared.site


def found(tmp_path: Path, *numbers: Taken, numbering: str = "{invoice: {start: 1}}") -> list[tuple[str, str]]:
    return [(f.code, f.message) for f in number_findings(with_numbering(tmp_path, numbering), numbers)]


@pytest.mark.parametrize(
    ("series", "number"),
    [
        (Series(), "2026-0008"),
        (Series(start=100), "2026-0100"),
        (Series(reset="never"), "2026-0035"),
        (Series(pattern="{yy}{mm}-{seq}", reset="month"), "2611-1"),
        (Series(pattern="{series}/{yyyy}/{mm}/{dd}/{seq:2}"), "INV/2026/11/21/01"),
        (Series(pattern="{client}-{client_seq:3}", reset="client"), "ana-001"),
        (Series(pattern="{client}-{yyyy}-{client_seq:3}"), "ana-2026-001"),
        (Series(pattern="RE {seq:5}", reset="never"), "RE 00001"),
    ],
)
def test_the_next_number_follows_the_highest_of_its_scope(series: Series, number: str) -> None:
    known = [taken(text) for text in ("2026-0003", "2026-0007", "2025-0034", "old 12", "2026-9", "2026-00012")]
    assert next_number(series, known, DAY, "ana", kind="invoice") == number


def test_each_client_and_each_kind_counts_alone() -> None:
    series = Series(pattern="{client}-{client_seq:3}", reset="client")
    known = [taken("ben-001", client="ben"), taken("ben-002", client="ben"), taken("ana-001", kind="credit_note")]
    assert next_number(series, known, DAY, "ana", kind="invoice") == "ana-001"
    assert next_number(series, known, DAY, "ben", kind="invoice") == "ben-003"
    assert next_number(series, known, DAY, "ana", kind="credit_note") == "ana-002"


def test_a_number_that_a_bank_could_not_tell_from_another_is_not_given_out() -> None:
    known = [taken("re/2026/1"), taken("ana1", client="ana1")]
    assert next_number(Series(pattern="RE-{yyyy}-{seq}"), known, DAY, "ana", kind="invoice") == "RE-2026-2"


def test_numbers_outgrow_their_width() -> None:
    series = Series(pattern="{seq:2}", reset="never")
    assert next_number(series, [taken("99")], DAY, "ana", kind="invoice") == "100"
    assert next_number(series, [taken("100")], DAY, "ana", kind="invoice") == "101"


PATTERNS = [
    Series(),
    Series(pattern="{seq}", reset="never"),
    Series(pattern="{yy}/{mm}/{seq:2}", reset="month"),
    Series(pattern="{client}.{client_seq:3}", reset="client"),
    Series(pattern="{series}{yyyy}{seq}", reset="year", start=7),
]


@given(
    st.sampled_from(PATTERNS),
    st.lists(st.tuples(st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31)), st.sampled_from(["ana", "ben"]))),
    st.randoms(use_true_random=False),
)
def test_numbers_are_unique_and_dense_however_they_are_given_out(
    series: Series, orders: list[tuple[dt.date, str]], random: object
) -> None:
    known: list[Taken] = []
    for day, client in orders:
        random.shuffle(known)  # type: ignore[attr-defined]
        number = next_number(series, known, day, client, kind="invoice")
        known.append(taken(number, str(day), client))
    assert len({reference_form(one.number) for one in known}) == len(orders)
    scopes: dict[tuple[str, ...], list[int]] = {}
    for one in known:
        place = place_of(series, "invoice", one.number, one.client)
        assert place
        scopes.setdefault(place.scope, []).append(place.sequence)
    for sequences in scopes.values():
        assert sorted(sequences) == list(range(series.start, series.start + len(sequences)))
    assert gaps(series, "invoice", known) == ()


@given(
    st.sampled_from(
        [
            "{client}{seq}",
            "{client}{yyyy}{seq:4}",
            "{seq}{client}",
            "{client}-{client}-{seq:2}",
            "{yy}{client}{mm}{seq}",
        ]
    ),
    st.sampled_from(["", "a", "1", "20", "a-1", "2026", "a-a"]),
    st.text("a012-6", max_size=14),
)
def test_a_client_in_a_number_is_read_as_if_it_were_written_in_the_pattern(
    pattern: str, client: str, number: str
) -> None:
    series = Series(pattern=pattern, reset="never")
    own = Series(pattern=pattern.replace("{client}", client), reset="never")
    given_out = written(series, "invoice", 7, DAY, client)
    assert place_of(own, "invoice", given_out, client)
    for text in (number, given_out):
        assert place_of(series, "invoice", text, client) == place_of(own, "invoice", text, client)


@given(st.sets(st.integers(1, 60), min_size=2), st.integers(1, 4))
def test_gaps_are_exactly_what_is_missing_between_the_lowest_and_the_highest(held: set[int], width: int) -> None:
    series = Series(pattern=f"A{{seq:{width}}}", reset="never")
    known = [taken(f"A{n:0{width}}") for n in held]
    missing: set[int] = set()
    for text in gaps(series, "invoice", known):
        first, _, last = text.replace("A", "").partition(" to ")
        missing |= set(range(int(first), int(last or first) + 1))
    assert missing == set(range(min(held), max(held) + 1)) - held


def test_a_gap_is_named_once_for_a_year(tmp_path: Path) -> None:
    numbers = [taken(f"2026-{n:04}", "2026-03-01") for n in (6, 8, 12)] + [taken("2025-0001", "2025-05-05")]
    message = "invoice numbers have a gap: 2026-0007 and 2026-0009 to 2026-0011 are missing"
    assert found(tmp_path, *numbers) == [("number-gap", message)]


def test_what_the_lock_remembers_and_what_is_void_is_no_gap(tmp_path: Path) -> None:
    assert found(tmp_path, taken("2026-0001"), taken("2026-0002", path=""), taken("2026-0003")) == []


def test_many_gaps_are_cut_short(tmp_path: Path) -> None:
    numbers = [taken(f"2026-{n:04}") for n in range(1, 40, 2)]
    [(code, message)] = found(tmp_path, *numbers)
    assert code == "number-gap"
    assert message.endswith("2026-0012 and 13 more gaps are missing")


def test_numbers_follow_the_dates_of_issue(tmp_path: Path) -> None:
    late = [taken("2026-0001", "2026-03-05"), taken("2026-0002", "2026-03-01"), taken("2026-0003", "2026-03-09")]
    message = "'2026-0002' was issued on 2026-03-01, before '2026-0001' of 2026-03-05"
    assert found(tmp_path, *late) == [("number-order", message)]
    assert found(tmp_path, taken("2026-0001", "2026-03-05"), taken("2026-0002", "2026-03-05")) == []


def test_a_number_off_the_pattern_is_told_only_when_a_pattern_is_written(tmp_path: Path) -> None:
    odd, wrong_year = taken("INV 7", "2026-03-05"), taken("2025-0001", "2026-01-02")
    assert [code for code, _ in found(tmp_path / "a", odd, wrong_year)] == ["number-pattern", "number-pattern"]
    assert found(tmp_path / "b", odd, wrong_year, numbering="") == []
    [finding] = number_findings(with_numbering(tmp_path / "c", "{invoice: {start: 7}}"), [taken("INV 7", "2025-03-05")])
    assert finding.hint == "a number that fits is like '2025-0007'"


def test_the_same_number_twice_names_both(tmp_path: Path) -> None:
    numbers = (taken("RE-1", path="a.yaml"), taken("re-1", client="ben", path="b.yaml"))
    [finding] = number_findings(with_numbering(tmp_path), numbers)
    assert (finding.code, finding.path, finding.severity) == ("duplicate-number", "b.yaml", "error")
    assert "a.yaml" in finding.message


def test_a_number_of_a_file_that_is_gone_stays_taken(tmp_path: Path) -> None:
    [finding] = number_findings(
        with_numbering(tmp_path), (taken("2026-0001", path=""), taken("2026-0001", path="b.yaml"))
    )
    assert (finding.code, finding.path) == ("duplicate-number", "b.yaml")
    assert "was given to" in finding.message


def test_a_row_of_the_lock_and_its_file_are_one_document(tmp_path: Path) -> None:
    row = Taken(kind="invoice", number="2026-0001", issued=DAY, client="ana", id="x")
    file = Taken(kind="invoice", number="2026-0001", issued=DAY, client="ana", id="x", path="x.yaml")
    assert number_findings(with_numbering(tmp_path), (row, file, row)) == ()


def test_two_invoices_with_one_payment_reference_are_told(tmp_path: Path) -> None:
    codes = [code for code, _ in found(tmp_path, taken("2026/1", path="a"), taken("2026-1", path="b"), numbering="")]
    assert codes == ["same-reference"]
    notes = (taken("2026/1", path="a", kind="credit_note"), taken("2026-1", path="b", kind="credit_note"))
    assert found(tmp_path / "c", *notes, numbering="") == []


@pytest.mark.parametrize(
    ("series", "field"),
    [
        ("{pattern: '{seq:4}'}", "reset"),
        ("{pattern: '{yyyy}-{seq:4}', reset: month}", "reset"),
        ("{pattern: '{mm}-{seq:4}', reset: month}", "reset"),
        ("{pattern: '{yyyy}-{seq:4}', reset: client}", "reset"),
        ("{pattern: '{client_seq:3}', reset: never}", "pattern"),
        ("{pattern: '{yyyy}', reset: year}", "pattern"),
        ("{pattern: '{yyyy}-{seq}-{client_seq}-{client}'}", "pattern"),
        ("{pattern: '{yyyy}-{number}'}", "pattern"),
        ("{pattern: '{yyyy}-{seq:0}'}", "pattern"),
        ("{pattern: '{yyyy}-{seq}}'}", "pattern"),
    ],
)
def test_a_pattern_that_cannot_work_is_an_error_at_its_field(tmp_path: Path, series: str, field: str) -> None:
    text = MINIMAL["content/site.yaml"] + f"numbering:\n  invoice: {series}\n"
    loaded = load(minimal_site(tmp_path, {"content/site.yaml": text}))
    assert [problem.code for problem in loaded.problems] == ["bad-pattern"]
    line = loaded.excerpt(loaded.problems[0])[loaded.problems[0].column - 1 :]
    value = series.partition(f"{field}: ")[2]
    assert line.startswith(value or series)


def test_the_default_series_are_sound() -> None:
    numbering = Numbering()
    assert not [flaw for kind in KINDS for flaw in getattr(numbering, kind).flaws()]


def test_the_numbers_of_a_client_are_those_of_all_documents(tmp_path: Path) -> None:
    files = {
        **MINIMAL_CLIENT,
        "content/clients/ana/payments.yaml": (
            "- {id: p1, date: 2026-11-10, amount: 120.00, currency: EUR, method: cash, receipt_number: R-2026-0001,"
            " allocations: [{invoice: 2026-0001, amount: 120.00}]}\n"
        ),
        "content/clients/ana/credit-notes/cn.yaml": (
            "id: cn\nnumber: CN-2026-0001\ninvoice: 2026-0001\nissued: 2026-11-12\nreason: Ill\nfull: true\n"
        ),
    }
    site = load(minimal_site(tmp_path, files)).site
    assert site
    known = [*numbers_of(site.clients["ana"])]
    assert {(one.kind, one.number, str(one.issued)) for one in known} == {
        ("invoice", "2026-0001", "2026-11-02"),
        ("credit_note", "CN-2026-0001", "2026-11-12"),
        ("receipt", "R-2026-0001", "2026-11-10"),
    }
    for kind, number in (("invoice", "2026-0002"), ("credit_note", "CN-2026-0002"), ("receipt", "R-2026-0002")):
        series = series_of(site.shared.site, kind)  # type: ignore[arg-type]
        assert next_number(series, known, DAY, "ana", kind=kind) == number  # type: ignore[arg-type]
    assert number_findings(site.shared.site, known) == ()


def receipts(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    """What is said of the numbers in a client's payments."""
    site = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, "content/clients/ana/payments.yaml": text})).site
    assert site
    findings = number_findings(site.shared.site, numbers_of(site.clients["ana"]))
    return [(finding.code, finding.message) for finding in findings]


MONEY = "- {{id: {id}, date: {day}, amount: 5.00, currency: EUR, method: cash{more}}}\n"


def test_receipts_are_numbered_as_money_is_booked_and_not_by_its_days(tmp_path: Path) -> None:
    first = MONEY.format(id="p1", day="2026-11-10", more=", receipt_number: R-2026-0001")
    assert (
        receipts(tmp_path, first + MONEY.format(id="p2", day="2026-11-03", more=", receipt_number: R-2026-0002")) == []
    )


def test_a_receipt_without_a_number_has_its_payments_id_and_that_is_no_others_number(tmp_path: Path) -> None:
    other = MONEY.format(id="p1", day="2026-11-10", more=", receipt_number: P2")
    message = "the receipt number 'P2' is also on the receipt of 'p2' of 'ana', which has no number of its own"
    without = MONEY.format(id="p2", day="2026-11-10", more="")
    assert receipts(tmp_path / "a", other + without) == [("duplicate-number", message)]
    pending = MONEY.format(id="p2", day="2026-11-10", more=", status: pending")
    assert receipts(tmp_path / "b", other + pending) == []


def test_the_next_receipt_is_none_that_a_payments_id_is(tmp_path: Path) -> None:
    text = MONEY.format(id="2026-1", day="2026-11-10", more="")
    site = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, "content/clients/ana/payments.yaml": text})).site
    assert site
    series = Series(pattern="{yyyy}-{seq}", reset="year")
    assert next_number(series, numbers_of(site.clients["ana"]), DAY, "ana", kind="receipt") == "2026-2"
