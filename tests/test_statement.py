"""The statement of account: opening, movements, running balance, ageing, closing (domain M9, §5)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.content.model import Site
from portalgen.rules.account import account_of
from portalgen.rules.money import ZERO, total
from portalgen.rules.statement import Statement, ageing_of, statements_of, year_before
from tests.accounts import FIRST, LAST, clients, practice
from tests.support import MINIMAL_CLIENT
from tests.test_account import LINES, NOTE, PAID, site_of


def statements(site: Site, today: str = "2026-11-21", from_: str = "") -> tuple[Statement, ...]:
    day = dt.date.fromisoformat(today)
    folder = site.clients["ana"]
    account, findings = account_of(site.shared, folder, day)
    assert not [finding for finding in findings if finding.severity == "error"], findings
    return statements_of(folder, account, day, dt.date.fromisoformat(from_) if from_ else None)


def only(site: Site, today: str = "2026-11-21", from_: str = "") -> Statement:
    (statement,) = statements(site, today, from_)
    return statement


def ages(statement: Statement) -> list[str]:
    return [str(amount) for amount in msgspec.structs.astuple(statement.ageing)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return practice(tmp_path_factory.mktemp("practice"))


@given(st.dates(min_value=dt.date(2, 1, 1)))
@example(dt.date(2028, 2, 29))
@example(dt.date(2027, 2, 28))
def test_twelve_months_are_those_of_dateutil(day: dt.date) -> None:
    assert year_before(day) == day + relativedelta(years=-1, days=1)


def test_every_movement_with_the_balance_after_it(tmp_path: Path) -> None:
    note = NOTE + "lines: [{description: Half, unit_price: 30.00}]\n"
    statement = only(site_of(tmp_path, payments=PAID % ("100.00", "70.00"), **{"credit-notes__cn-1": note}))
    assert (str(statement.from_), str(statement.to), statement.opening) == ("2026-11-02", "2026-11-17", ZERO)
    assert [(row.entry.kind, str(row.balance)) for row in statement.rows] == [
        ("invoice", "120.00"),
        ("payment", "20.00"),
        ("credit-note", "-10.00"),
    ]
    assert statement.closing == Decimal("-10.00") == statement.ageing.total - statement.unapplied
    assert [facts.invoice.id for facts in statement.outstanding] == ["2026-0001"]


@pytest.mark.parametrize(
    ("today", "bucket", "to"),
    [
        ("2026-11-16", 0, "2026-11-02"),
        ("2026-11-17", 1, "2026-11-17"),
        ("2026-12-16", 1, "2026-11-17"),
        ("2026-12-17", 2, "2026-12-17"),
        ("2027-01-15", 2, "2026-12-17"),
        ("2027-01-16", 3, "2027-01-16"),
        ("2027-02-14", 3, "2027-01-16"),
        ("2027-02-15", 4, "2027-02-15"),
        ("2028-02-15", 4, "2027-02-15"),
    ],
)
def test_an_open_invoice_grows_older_and_the_statement_says_since_when(
    tmp_path: Path, today: str, bucket: int, to: str
) -> None:
    statement = only(site_of(tmp_path), today)  # due 2026-11-16
    assert ages(statement) == ["120.00" if n == bucket else "0" for n in range(5)]
    assert str(statement.to) == to


def test_each_part_of_a_plan_has_its_own_age_and_disputed_money_is_open(tmp_path: Path) -> None:
    plan = LINES + (
        "disputed: {from: 2026-11-05}\n"
        "schedule:\n  - {due: 2026-11-10, amount: 50.00}\n  - {due: 2026-12-10, amount: 40.00}\n"
        "  - {due: 2027-01-10, rest: true}\n"
    )
    site = site_of(tmp_path, plan, payments=PAID % ("20.00", "20.00"))
    statement = only(site, "2026-12-12")
    assert ages(statement) == ["30.00", "40.00", "30.00", "0", "0"]
    assert str(statement.to) == "2026-12-11"


def test_a_longer_account_opens_with_what_was_owed_before_the_last_twelve_months(tmp_path: Path) -> None:
    old = "id: old\nnumber: O-1\nissued: 2025-01-10\n" + LINES.replace("60.00", "10.00")
    site = site_of(tmp_path, invoices__old=old)
    statement = only(site, "2026-11-10")
    assert (str(statement.from_), str(statement.to)) == ("2025-11-03", "2026-11-02")
    assert (statement.opening, [row.entry.ref for row in statement.rows]) == (Decimal("20.00"), ["2026-0001"])
    assert statement.closing == Decimal("140.00")
    asked = only(site, "2026-11-10", "2025-01-01")
    assert (str(asked.from_), asked.opening, len(asked.rows), asked.closing) == (
        "2025-01-01", ZERO, 2, Decimal("140.00"),
    )  # fmt: skip
    later = only(site, "2026-11-10", "2026-11-05")
    assert (later.opening, later.rows, later.closing) == (Decimal("140.00"), (), Decimal("140.00"))
    assert later.from_ <= later.to


def test_a_leap_day_has_a_year_before_it(tmp_path: Path) -> None:
    old = "id: old\nnumber: O-1\nissued: 2020-01-10\ndue: 2020-01-10\n" + LINES
    leap = "id: leap\nnumber: L-1\nissued: 2028-02-29\ndue: 2028-12-24\n" + LINES
    site = site_of(tmp_path, LINES + "void: {date: 2026-11-03, reason: x}\n", invoices__old=old, invoices__leap=leap)
    statement = only(site, "2028-03-01")
    assert (str(statement.from_), str(statement.to)) == ("2027-03-01", "2028-02-29")


def test_currencies_have_statements_of_their_own_and_an_empty_account_has_none(tmp_path: Path) -> None:
    yen = "id: yen\nnumber: Y-1\nissued: 2026-11-03\ncurrency: JPY\nlines: [{description: x, unit_price: 500}]\n"
    found = statements(site_of(tmp_path, invoices__yen=yen))
    assert [(one.currency, one.closing) for one in found] == [("EUR", Decimal(120)), ("JPY", Decimal(500))]
    assert statements(site_of(tmp_path / "early"), "2026-11-01") == ()


@pytest.mark.parametrize("seed", range(6))
def test_statements_agree_with_balances_and_stay_the_same_on_quiet_days(site: Site, seed: int) -> None:
    """On any day: the rows lead from opening to closing, and only what happened since makes a statement differ."""
    for folder in clients(site, site.shared, 100 + seed, count=1, most=10):
        last: dict[str, Statement] = {}
        before = FIRST
        for n in range(0, (LAST - FIRST).days + 1, 6):
            today = FIRST + dt.timedelta(days=n)
            account, _ = account_of(site.shared, folder, today)
            found = {statement.currency: statement for statement in statements_of(folder, account, today)}
            for currency, statement in found.items():
                balances = total(
                    facts.status.balance
                    for facts in account.invoices.values()
                    if facts.status.document == "issued" and facts.currency == currency
                )
                assert statement.closing == balances - statement.unapplied
                assert statement.ageing.total == balances
                assert statement.closing == statement.opening + total(row.entry.amount for row in statement.rows)
                assert statement.from_ <= statement.to <= today
                if statement.to <= before and currency in last:
                    assert said(statement) == said(last[currency])
            last, before = found, today


def said(statement: Statement) -> tuple[object, ...]:
    """What a page shows of a statement."""
    open_ = [(facts.invoice.id, facts.status.balance) for facts in statement.outstanding]
    return (*msgspec.structs.astuple(msgspec.structs.replace(statement, outstanding=())), open_)


def test_an_invoice_that_becomes_void_leaves_the_statement_on_its_day(tmp_path: Path) -> None:
    other = "id: two\nnumber: '2'\nissued: 2026-11-10\ndue: 2026-12-24\n" + LINES
    void = other + "void: {date: 2026-11-15, reason: Twice}\n"
    site = site_of(tmp_path, payments=PAID % ("120.00", "120.00"), invoices__two=void)
    before, after = only(site, "2026-11-14"), only(site, "2026-11-20")
    assert (before.closing, str(before.to)) == (Decimal("120.00"), "2026-11-10")
    assert (after.closing, str(after.to), len(after.rows)) == (ZERO, "2026-11-15", 2)


def test_a_whole_account_sums_its_rows_to_zero_when_all_is_settled(tmp_path: Path) -> None:
    statement = only(site_of(tmp_path, payments=PAID % ("120.00", "120.00")), "2027-11-21")
    assert (statement.closing, statement.ageing.total, statement.outstanding) == (ZERO, ZERO, ())
    assert str(statement.to) == "2026-11-10"


def test_what_is_disputed_in_part_leaves_the_rest_asked_for(tmp_path: Path) -> None:
    statement = only(site_of(tmp_path, LINES + "disputed: {from: 2026-11-05, amount: 30.00}\n"), "2026-11-20")
    (facts,) = statement.outstanding
    assert (facts.status.discussed, facts.status.due_now) == (Decimal("30.00"), Decimal("90.00"))
    assert facts.status.label.asked == facts.money(Decimal("90.00"))
    assert ageing_of(statement.outstanding, dt.date(2026, 11, 20), asked=True).total == Decimal("90.00")
    assert statement.ageing.total == Decimal("120.00")


def test_a_dispute_takes_from_the_last_part_of_a_plan_first(tmp_path: Path) -> None:
    plan = "schedule: [{due: 2026-11-10, amount: 50.00}, {due: 2026-12-10, rest: true}]\n"
    site = site_of(tmp_path, LINES + plan + "disputed: {from: 2026-11-05, amount: 90.00}\n")
    asked = ageing_of(only(site).outstanding, dt.date(2026, 11, 21), asked=True)
    assert (asked.days_1_30, asked.not_due) == (Decimal("30.00"), ZERO)


SECURITY = "retainer: {kind: security, amount: 170.00}\n"
SECURED = "- {id: s1, date: 2026-11-03, amount: %s, currency: EUR, method: cash, for: retainer%s}\n"


def secured(tmp_path: Path, payments: str, invoice: str = LINES) -> Site:
    client = MINIMAL_CLIENT["content/clients/ana/client.yaml"] + SECURITY
    return site_of(tmp_path, invoice, client=client, payments=payments)


def test_a_security_is_held_apart_and_pays_nothing(tmp_path: Path) -> None:
    statement = only(secured(tmp_path, SECURED % ("170.00", "")))
    assert [(row.entry.kind, row.balance) for row in statement.rows] == [("invoice", Decimal("120.00"))]
    assert (statement.closing, statement.unapplied, statement.security) == (Decimal("120.00"), ZERO, Decimal("170.00"))


def test_what_a_final_invoice_takes_of_a_security_stands_in_the_statement_on_its_day(tmp_path: Path) -> None:
    take = ", allocations: [{invoice: 2026-0001, amount: 120.00}]"
    back = (SECURED % ("-50.00", "")).replace("s1", "s2").replace("11-03", "11-20")
    site = secured(tmp_path, (SECURED % ("170.00", take)).replace("11-03", "10-03") + back, "kind: final\n" + LINES)
    before, after = only(site, "2026-11-19"), only(site, "2026-11-20")
    assert [(str(row.entry.date), row.entry.kind, row.balance) for row in after.rows] == [
        ("2026-11-02", "invoice", Decimal("120.00")),
        ("2026-11-02", "drawn", ZERO),
    ]
    assert (before.security, after.security) == (Decimal("50.00"), ZERO)
    assert (before.closing, before.unapplied, str(before.to)) == (ZERO, ZERO, "2026-11-02")
    assert str(after.to) == "2026-11-20"


def test_money_on_its_way_is_named_and_lowers_no_balance(tmp_path: Path) -> None:
    coming = (PAID % ("50.00", "50.00")).replace("method: cash", "method: cash, status: pending")
    gone = coming.replace("p1", "p2").replace("50.00", "-5.00")
    statement = only(site_of(tmp_path, payments=coming + gone), "2026-11-12")
    assert (statement.pending, statement.closing) == (Decimal("50.00"), Decimal("120.00"))
    assert str(statement.to) == "2026-11-10"
    assert only(site_of(tmp_path / "early", payments=coming), "2026-11-09").pending == ZERO
