"""Invoices that return: their days, periods and prices, and that no run is made twice (domain §3 recurring, M7)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dateutil.rrule import MONTHLY, WEEKLY, rrule
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.model import Site
from portalgen.content.records.documents import Line
from portalgen.content.records.recurring import Pause, Recurring
from portalgen.content.scalars import Period
from portalgen.rules.account import account_of
from portalgen.rules.followup import add_period
from portalgen.rules.recurring import (
    _first_within,
    due_runs,
    invoice_of,
    runs,
    same_series,
    series_of_client,
    skip_findings,
    upcoming,
)
from tests.support import MINIMAL_CLIENT, minimal_site

ANA = "content/clients/ana/"
TODAY = dt.date(2026, 11, 21)
MONTHS = {"1m": 1, "2m": 2, "3m": 3, "6m": 6, "1y": 12}
WEEKS = {"1w": 1, "2w": 2, "4w": 4}
DAYS = st.dates(dt.date(2019, 1, 1), dt.date(2032, 12, 31))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def series(start: str | dt.date = "2026-01-31", every: Any = "1m", **more: Any) -> Recurring:
    line = Line(description="Support", unit_price=Decimal("40.00"))
    first = day(start) if isinstance(start, str) else start
    return Recurring(id="support", lines=(line,), every=every, from_=first, **more)


def dates(recurring: Recurring, until: str = "2026-12-31") -> list[str]:
    return [str(run.date) for run in runs(recurring, day(until))]


def site_of(tmp_path: Path, recurring: str, files: dict[str, str] | None = None, client: str = "") -> Site:
    text = MINIMAL_CLIENT[ANA + "client.yaml"] + f"recurring:\n{recurring}" + client
    loaded = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, ANA + "client.yaml": text, **(files or {})}))
    assert loaded.site, loaded.problems
    return loaded.site


SUPPORT = "  - {id: support, every: 1m, from: 2026-08-31, lines: [{description: Support, unit_price: 40.00}]%s}\n"


# --- days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recurring", "expected"),
    [
        (series("2026-01-31"), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        (series("2028-01-30"), ["2028-01-30", "2028-02-29", "2028-03-30", "2028-04-30", "2028-05-30"]),
        (series("2024-02-29", "1y"), ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        (series("2026-02-28", day="last"), ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]),
        (series("2026-01-20", day=5), ["2026-02-05", "2026-03-05", "2026-04-05", "2026-05-05", "2026-06-05"]),
        (series("2026-01-20", "3m", day=31), ["2026-01-31", "2026-04-30", "2026-07-31", "2026-10-31", "2027-01-31"]),
        (series("2026-12-28", "2w"), ["2026-12-28", "2027-01-11", "2027-01-25", "2027-02-08", "2027-02-22"]),
    ],
)
def test_runs_are_counted_from_the_first_day_and_never_drift(recurring: Recurring, expected: list[str]) -> None:
    assert dates(recurring, "2030-01-01")[:5] == expected


@given(DAYS, st.sampled_from([*MONTHS]), st.one_of(st.none(), st.integers(1, 31), st.just("last")))
def test_months_are_those_of_dateutil(start: dt.date, every: str, on: Any) -> None:
    until = start + dt.timedelta(days=2000)
    wanted = {None: start.day, "last": 31}.get(on, on)
    rule = rrule(
        MONTHLY,
        interval=MONTHS[every],
        dtstart=dt.datetime.combine(start.replace(day=1), dt.time()),
        until=dt.datetime.combine(until, dt.time()),
        bymonthday=range(1, wanted + 1),
        bysetpos=-1,  # of the days up to the wanted one, the last that the month has
    )
    expected = [found.date() for found in rule if found.date() >= start]
    assert [run.date for run in runs(series(start, every, day=on), until)] == expected


@given(DAYS, st.sampled_from([*WEEKS]))
def test_weeks_are_those_of_dateutil(start: dt.date, every: str) -> None:
    first = dt.datetime.combine(start, dt.time())
    rule = rrule(WEEKLY, interval=WEEKS[every], dtstart=first, until=first + dt.timedelta(days=700))
    found = runs(series(start, every), start + dt.timedelta(days=700))
    assert [run.date for run in found] == [found.date() for found in rule]


@given(DAYS, st.sampled_from([*MONTHS, *WEEKS]), st.one_of(st.none(), st.integers(1, 31), st.just("last")))
def test_periods_follow_each_other_without_a_gap(start: dt.date, every: str, on: Any) -> None:
    found = runs(series(start, every, day=on if every in MONTHS else None), start + dt.timedelta(days=1500))
    for run, after in pairwise(found):
        assert run.period == (run.date, after.date - dt.timedelta(days=1))
    assert len({run.id for run in found}) == len(found)


@given(DAYS, st.sampled_from([*MONTHS, *WEEKS]), st.integers(0, 900), st.integers(0, 900))
def test_looking_further_changes_no_earlier_run(start: dt.date, every: str, near: int, more: int) -> None:
    early = runs(series(start, every), start + dt.timedelta(days=near))
    late = runs(series(start, every), start + dt.timedelta(days=near + more))
    assert late[: len(early)] == early


def test_the_series_ends_on_its_last_day_or_after_so_many_invoices() -> None:
    assert dates(series(until=day("2026-03-31"))) == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert dates(series(count=2)) == ["2026-01-31", "2026-02-28"]
    assert dates(series(count=2, skip=(day("2026-02-28"),))) == ["2026-01-31", "2026-03-31"]


def test_skipped_and_paused_days_are_left_out_and_their_period_is_nobodys() -> None:
    assert dates(series(skip=(day("2026-02-28"),)), "2026-04-01") == ["2026-01-31", "2026-03-31"]
    assert dates(series(paused=True)) == []
    assert dates(series(paused=day("2026-03-31"))) == ["2026-01-31", "2026-02-28"]
    pause = Pause(from_=day("2026-02-01"), to=day("2026-10-31"))
    assert dates(series(paused=pause)) == ["2026-01-31", "2026-11-30", "2026-12-31"]
    january, _ = runs(series(skip=(day("2026-02-28"),)), day("2026-04-01"))
    assert january.period == (day("2026-01-31"), day("2026-02-27"))


# --- what is due --------------------------------------------------------------------------------------


def test_a_run_is_due_until_an_invoice_has_its_id(tmp_path: Path) -> None:
    made = {
        ANA + "invoices/support-2026-09-30.yaml": (
            "id: support-2026-09-30\nnumber: 2026-0002\nissued: 2026-09-30\nvoid: {date: 2026-10-01, reason: Wrong}\n"
            "lines: [{description: Support, unit_price: 40.00}]\n"
        )
    }
    folder = site_of(tmp_path, SUPPORT % "", made).clients["ana"]
    assert [run.id for run in due_runs(folder, TODAY)] == ["support-2026-08-31", "support-2026-10-31"]
    assert [run.id for run in due_runs(folder, TODAY, {"support-2026-08-31"})] == ["support-2026-10-31"]
    assert [run.id for run in due_runs(folder, day("2026-10-31"))] == ["support-2026-08-31", "support-2026-10-31"]
    assert [run.id for run in upcoming(folder, TODAY)] == ["support-2026-11-30"]
    assert [run.id for run in upcoming(folder, day("2026-12-31"), 1)] == ["support-2027-01-31"]
    assert not upcoming(folder, day("2026-11-30"), 0)


@given(st.dates(day("1950-01-01"), day("2150-01-01")), st.integers(0, 40))
def test_a_day_is_within_some_months_from_one_day_on(then: dt.date, months: int) -> None:
    first = _first_within(then, months)
    for today in (first - dt.timedelta(days=n) for n in range(-3, 40)):
        assert (today >= first) == (add_period(today, Period(months, "m")) >= then)


@given(st.lists(st.integers(0, 800), min_size=1, max_size=12))
def test_made_whenever_it_runs_each_run_is_made_once(visits: list[int]) -> None:
    recurring = series("2026-01-31", "1m", skip=(day("2026-05-31"),))
    made: list[str] = []
    for days in sorted(visits):
        today = day("2026-01-01") + dt.timedelta(days=days)
        made += [run.id for run in runs(recurring, today) if run.id not in made]
    assert made == [run.id for run in runs(recurring, day("2026-01-01") + dt.timedelta(days=max(visits)))]


@pytest.mark.parametrize(
    ("client", "count"),
    [
        ("status: ended\nended: {date: 2026-09-30, referrals: none, reason_private: Moved}\n", 2),
        ("status: archived\n", 0),
        ("status: paused\n", 3),
    ],
)
def test_nothing_runs_after_the_end_of_the_work(tmp_path: Path, client: str, count: int) -> None:
    assert len(due_runs(site_of(tmp_path, SUPPORT % "", client=client).clients["ana"], TODAY)) == count


# --- the invoice --------------------------------------------------------------------------------------


def test_the_invoice_of_a_run_is_a_draft_for_its_period_at_its_price(tmp_path: Path) -> None:
    more = (
        ", terms: net14, price_changes: [{from: 2026-10-01, unit_price: 45.00}, {from: 2027-01-01, unit_price: 50.00}],"
        ' period_text: "{from} to {to} ({n})"'
    )
    site = site_of(tmp_path, SUPPORT % more)
    folder = site.clients["ana"]
    august, september, october = (invoice_of(site.shared, folder, run) for run in due_runs(folder, TODAY))
    assert (august.id, august.path) == ("support-2026-08-31", ANA + "invoices/support-2026-08-31.yaml")
    assert (august.number, august.issued, august.terms) == (None, None, "net14")
    assert august.service_period
    assert (august.service_period.from_, august.service_period.to) == (day("2026-08-31"), day("2026-09-29"))
    assert august.lines[0].description == "Support, 2026-08-31 to 2026-09-29 (1)"
    prices = [invoice.lines[0].unit_price for invoice in (august, september, october)]
    assert prices == [Decimal("40.00"), Decimal("40.00"), Decimal("45.00")]


def test_one_of_several_lines_changes_its_price(tmp_path: Path) -> None:
    recurring = (
        "  - id: support\n    every: 1m\n    from: 2026-10-31\n    lines:\n"
        "      - {description: Support, unit_price: 40.00}\n      - {service: walk}\n"
        "    price_changes: [{line: 2, from: 2026-10-31, unit_price: 9.99}]\n    period_text: October\n"
    )
    service = {"content/services/walk.md": "---\nname: Walking\nprice: 10.00\npublic_description: Outside\n---\n"}
    site = site_of(tmp_path, recurring, service)
    [run] = due_runs(site.clients["ana"], TODAY)
    lines = invoice_of(site.shared, site.clients["ana"], run).lines
    assert [line.unit_price for line in lines] == [Decimal("40.00"), Decimal("9.99")]
    assert [line.description for line in lines] == ["Support, October", "Outside, October"]


def test_a_service_costs_what_it_costs_on_the_day_of_the_run(tmp_path: Path) -> None:
    service = "---\nname: Walking\nprice: 10.00\nprices: [{from: 2026-10-01, price: 12.00}]\n---\n"
    made = "id: walks-2026-09-30\nlines: [{service: walk}]\nservice_period: {from: 2026-09-30, to: 2026-10-29}\n"
    files = {"content/services/walk.md": service, ANA + "invoices/walks-2026-09-30.yaml": made}
    site = site_of(tmp_path, "  - {id: walks, every: 1m, from: 2026-09-30, lines: [{service: walk}]}\n", files)
    account, _ = account_of(site.shared, site.clients["ana"], TODAY)
    assert account.invoices["walks-2026-09-30"].totals.total == Decimal("10.00")
    [october] = due_runs(site.clients["ana"], TODAY)
    draft = invoice_of(site.shared, site.clients["ana"], october)
    folder = msgspec.structs.replace(site.clients["ana"], invoices={draft.id: draft})
    account, _ = account_of(site.shared, folder, TODAY)
    assert account.invoices[draft.id].totals.total == Decimal("12.00")


# --- mistakes -----------------------------------------------------------------------------------------

LINE = "lines: [{description: Support, unit_price: 40.00}]"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("every: 1m, lines: []", "too-few"),
        ("every: 2w, day: 5, " + LINE, "one-of"),
        ("every: 1m, until: 2026-08-01, " + LINE, "bad-order"),
        ("every: 1m, paused: {from: 2026-09-01, to: 2026-08-01}, " + LINE, "bad-order"),
        ("every: 1m, lines: [{charge: book}]", "billed-again"),
        ("every: 1m, lines: [{description: A, unit_price: 1, date: 2026-09-01}]", "billed-again"),
        ("every: 1m, price_changes: [{from: 2026-09-01, unit_price: 1, line: 2}], " + LINE, "bad-value"),
        ("every: 1m, price_changes: [{from: 2026-09-01, unit_price: 1}], lines: [{description: A, unit_price: 1}, {description: B, unit_price: 1}]", "missing-key"),
        ("every: 1m, price_changes: [{from: 2026-09-01, unit_price: 1}, {from: 2026-09-01, unit_price: 2}], " + LINE, "one-of"),
    ],
)  # fmt: skip
def test_what_cannot_return_is_an_error(tmp_path: Path, fields: str, code: str) -> None:
    text = MINIMAL_CLIENT[ANA + "client.yaml"] + (
        "charges: [{id: book, date: 2026-09-01, description: Book, amount: 5.00}]\n"
        f"recurring: [{{id: support, from: 2026-08-31, {fields}}}]\n"
    )
    loaded = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, ANA + "client.yaml": text}))
    assert [problem.code for problem in loaded.problems] == [code]


def test_an_id_that_is_too_long_for_its_invoices_is_an_error(tmp_path: Path) -> None:
    text = MINIMAL_CLIENT[ANA + "client.yaml"] + f"recurring:\n{SUPPORT % ''}".replace("support", "s" * 53)
    loaded = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, ANA + "client.yaml": text}))
    assert [problem.code for problem in loaded.problems] == ["bad-id"]


def test_two_series_of_one_client_need_two_ids(tmp_path: Path) -> None:
    text = MINIMAL_CLIENT[ANA + "client.yaml"] + f"recurring:\n{SUPPORT % ''}{SUPPORT % ''}"
    loaded = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, ANA + "client.yaml": text}))
    assert [problem.code for problem in loaded.problems] == ["duplicate-id"]


def test_two_series_of_two_clients_need_two_ids(tmp_path: Path) -> None:
    ben = f"id: ben\nname: {{display: Ben}}\nterms: net14\nrecurring:\n{SUPPORT % ''}"
    site = site_of(tmp_path, SUPPORT % "", {"content/clients/ben/client.yaml": ben})
    [finding] = same_series(series_of_client(folder) for folder in site.clients.values())
    assert (finding.code, finding.path, finding.at) == (
        "duplicate-id",
        "content/clients/ben/client.yaml",
        ("recurring", 0, "id"),
    )
    assert "support-ben" in finding.hint


@pytest.mark.parametrize(
    ("skip", "nearest"), [("2026-09-29", "2026-09-30"), ("2026-08-01", "2026-08-31"), ("2026-11-30", "2026-10-31")]
)
def test_a_day_to_skip_must_be_one_of_its_days(tmp_path: Path, skip: str, nearest: str) -> None:
    site = site_of(tmp_path, SUPPORT % f", until: 2026-10-31, skip: [2026-10-31, {skip}]")
    [finding] = [one for folder in site.clients.values() for one in skip_findings(folder)]
    assert (finding.code, finding.at) == ("skips-nothing", ("recurring", 0, "skip", 1))
    assert nearest in finding.hint
