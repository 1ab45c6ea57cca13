"""The list of movements: what counts on which day, and that it comes to the balances (domain §4.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from portalgen.content.model import Shared, Site
from portalgen.desk.exports.journal import journal_of
from portalgen.desk.exports.tables import table_rows
from portalgen.rules.account import account_of
from portalgen.rules.facts import Account
from portalgen.rules.ledger import Entry, closing, entries_of, reconcile, security
from portalgen.rules.money import ZERO, total
from tests.accounts import FIRST, LAST, clients, including_tax, ledgers_of, practice
from tests.support import MINIMAL_CLIENT
from tests.test_account import LINES, NOTE, PAID, site_of

Moved = tuple[str, str, str, str]


def entries(site: Site, today: str = "2026-11-21") -> tuple[Entry, ...]:
    day = dt.date.fromisoformat(today)
    folder = site.clients["ana"]
    account, findings = account_of(site.shared, folder, day)
    assert not [finding for finding in findings if finding.severity == "error"], findings
    assert reconcile(folder, account, day) == ()
    return entries_of(folder, account, day)


def rows(found: tuple[Entry, ...]) -> list[Moved]:
    return [(str(entry.date)[5:], entry.kind, entry.number, str(entry.amount)) for entry in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return practice(tmp_path_factory.mktemp("practice"))


def test_every_kind_of_movement_in_the_order_of_its_day(tmp_path: Path) -> None:
    payments = PAID % ("100.00", "70.00") + (
        "- {id: p2, date: 2026-11-14, amount: -10.00, currency: EUR, method: cash, receipt_number: R-2,"
        " allocations: [{invoice: 2026-0001, amount: -10.00}]}\n"
    )
    note = NOTE + "lines: [{description: Half, unit_price: 30.00}]\n"
    site = site_of(
        tmp_path,
        LINES + "write_off: {date: 2026-11-12, amount: 5.00, reason: Kindness}\n",
        payments=payments,
        **{"credit-notes__cn-1": note},
    )
    found = entries(site)
    assert rows(found) == [
        ("11-02", "invoice", "2026-0001", "120.00"),
        ("11-10", "payment", "p1", "-100.00"),
        ("11-12", "credit-note", "CN-1", "-30.00"),
        ("11-12", "write-off", "2026-0001", "-5.00"),
        ("11-14", "refund", "R-2", "10.00"),
    ]
    assert {entry.invoice for entry in found} == {"2026-0001"}
    assert closing(found) == {"EUR": Decimal("-5.00")}
    assert [entry.kind for entry in entries(site, "2026-11-12")] == ["invoice", "payment", "credit-note", "write-off"]


def test_money_for_several_invoices_names_none_of_them(tmp_path: Path) -> None:
    pay = (
        "- {id: p1, date: 2026-11-20, amount: 150.00, currency: EUR, method: cash, auto: true}\n"
        "- {id: p2, date: 2026-11-20, amount: 10.00, currency: EUR, method: cash}\n"
    )
    other = "id: two\nnumber: '2'\nissued: 2026-11-03\n" + LINES
    found = entries(site_of(tmp_path, payments=pay, invoices__two=other))
    assert [entry.invoice for entry in found] == ["2026-0001", "two", "", ""]


def test_void_draft_scheduled_and_uncleared_book_nothing(tmp_path: Path) -> None:
    void = LINES + "void: {date: 2026-11-05, reason: Twice}\n"
    drafts = {
        "invoices__draft": "id: draft\n" + LINES,
        "invoices__later": "id: later\nnumber: L-1\nissued: 2026-12-01\n" + LINES,
    }
    pay = "".join(
        f"- {{id: {status}, date: 2026-11-10, amount: 9.00, currency: EUR, method: cash, status: {status}}}\n"
        for status in ("pending", "failed", "bounced")
    )
    site = site_of(tmp_path, void, payments=pay, **drafts)
    assert entries(site) == ()
    assert rows(entries(site, "2026-11-04")) == [("11-02", "invoice", "2026-0001", "120.00")]


def test_a_final_invoice_books_its_total_less_the_deposit_that_was_booked_before(tmp_path: Path) -> None:
    deposit = "id: d\nnumber: D-1\nissued: 2026-10-01\nkind: deposit\nlines: [{description: Deposit, unit_price: 40}]\n"
    final = "kind: final\ndeposits_deducted: [d]\n" + LINES
    found = entries(site_of(tmp_path, final, invoices__d=deposit))
    assert [entry.amount for entry in found] == [Decimal(40), Decimal(80)]


@pytest.mark.parametrize("mode", [lambda shared: shared, including_tax])
@pytest.mark.parametrize("seed", range(8))
def test_movements_come_to_the_balances_on_any_day(site: Site, mode: Callable[[Shared], Shared], seed: int) -> None:
    shared = mode(site.shared)
    folders = clients(site, shared, seed)
    for day in (FIRST, *(FIRST + dt.timedelta(days=n) for n in range(37, 900, 213)), LAST):
        for folder in folders:
            account, findings = account_of(shared, folder, day)
            assert not [finding for finding in findings if finding.severity == "error"], findings
            assert reconcile(folder, account, day) == ()
            assert balanced(account) == {
                currency: amount for currency, amount in closing(entries_of(folder, account, day)).items() if amount
            }


def balanced(account: Account) -> dict[str, Decimal]:
    """What each currency comes to by the invoices' balances and the client's credit; zeros are left out."""
    found = {currency: -amount for currency, amount in account.credit.items()}
    for facts in account.invoices.values():
        if facts.status.document == "issued":
            found[facts.currency] = found.get(facts.currency, ZERO) + facts.status.balance
    return {currency: amount for currency, amount in found.items() if amount}


def test_the_sums_of_domain_4_11_hold_for_every_client_and_currency(site: Site) -> None:
    """Σ invoices − Σ credits − Σ allocated payments − Σ write-offs = Σ balances − what was paid too much."""
    ledgers = ledgers_of(site.shared, clients(site, site.shared, 77, count=60))
    seen = set()
    for ledger in ledgers.clients:
        for currency in {facts.currency for facts in ledger.account.invoices.values()}:
            own = [
                facts
                for facts in ledger.account.invoices.values()
                if facts.currency == currency and facts.status.document == "issued"
            ]
            left = total(
                facts.totals.total
                - total(deposit.amount for deposit in facts.deposits)
                - total(credit.totals.total for credit in facts.credits)
                - total(part.amount for part in facts.allocations if part.payment.status == "cleared")
                - (facts.invoice.write_off.amount if facts.invoice.write_off else ZERO)
                for facts in own
            )
            assert left == total(facts.status.balance - facts.status.surplus for facts in own)
            seen |= {facts.status.money for facts in own}
    assert seen >= {"unpaid", "partially_paid", "paid", "credited", "written_off", "overpaid"}


def test_paying_back_more_than_is_held_is_told_with_its_place(tmp_path: Path) -> None:
    pay = (
        "- {id: p1, date: 2026-11-10, amount: 130.00, currency: EUR, method: cash,"
        " allocations: [{invoice: 2026-0001, amount: 120.00}]}\n"
        "- {id: p2, date: 2026-11-12, amount: -10.01, currency: EUR, method: cash}\n"
    )
    site = site_of(tmp_path, payments=pay)
    folder, day = site.clients["ana"], dt.date(2026, 11, 21)
    account, _ = account_of(site.shared, folder, day)
    (finding,) = reconcile(folder, account, day)
    assert (finding.code, finding.path, finding.at) == ("over-refunded", folder.source("payments.yaml"), (1, "amount"))
    assert "0.01 EUR" in finding.message
    assert reconcile(folder, *at(site, "2026-11-11")) == ()


def at(site: Site, today: str) -> tuple[Account, dt.date]:
    day = dt.date.fromisoformat(today)
    return account_of(site.shared, site.clients["ana"], day)[0], day


def test_an_account_that_does_not_add_up_names_client_and_currency(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    account, day = at(site, "2026-11-21")
    (finding,) = reconcile(site.clients["ana"], msgspec.structs.replace(account, credit={"EUR": Decimal(1)}), day)
    assert finding.code == "unbalanced"
    assert "'ana' in EUR" in finding.message


def test_a_security_is_booked_apart_and_more_than_the_rest_cannot_be_paid_back(tmp_path: Path) -> None:
    client = MINIMAL_CLIENT["content/clients/ana/client.yaml"] + "retainer: {kind: security, amount: 170.00}\n"
    held = "- {id: s1, date: 2026-11-03, amount: 170.00, currency: EUR, method: cash, for: retainer}\n"
    site = site_of(tmp_path / "a", client=client, payments=held)
    found = entries(site)
    assert rows(found)[1] == ("11-03", "security", "s1", "0")
    assert (closing(found), security(found)) == ({"EUR": Decimal("120.00")}, {"EUR": Decimal("170.00")})
    loose = "- {id: p9, date: 2026-11-05, amount: -20.00, currency: EUR, method: cash}\n"
    site = site_of(tmp_path / "b", client=client, payments=held + loose)
    account, _ = account_of(site.shared, site.clients["ana"], dt.date(2026, 11, 21))
    (finding,) = reconcile(site.clients["ana"], account, dt.date(2026, 11, 21))
    assert (finding.code, finding.at) == ("over-refunded", (1, "amount"))
    assert "20.00 EUR more than you hold" in finding.message


def test_the_journal_owes_a_security_to_the_client_until_an_invoice_takes_it(tmp_path: Path) -> None:
    client = MINIMAL_CLIENT["content/clients/ana/client.yaml"] + "retainer: {kind: security, amount: 170.00}\n"
    held = (
        "- {id: s1, date: 2026-11-03, amount: 170.00, currency: EUR, method: cash, for: retainer,"
        " allocations: [{invoice: 2026-0001, amount: 120.00}]}\n"
    )
    site = site_of(tmp_path, "kind: final\n" + LINES, client=client, payments=held)
    ledgers = ledgers_of(site.shared, [site.clients["ana"]], dt.date(2026, 11, 21))
    journal = journal_of(ledgers)
    assert {one.account: one.amount for one in journal.closing} == {
        "Assets:Cash": Decimal("170.00"),
        "Assets:Receivable:Ana": ZERO,
        "Liabilities:Security:Ana": Decimal("-50.00"),
    }
    assert all(total(one.amount for one in each.postings) == 0 for each in journal.transactions)
    moved = table_rows(ledgers, "movements")
    assert [(row["kind"], row["gross"], row["held"], row["balance"]) for row in moved] == [
        ("invoice", Decimal("120.00"), None, Decimal("120.00")),
        ("security", ZERO, Decimal("170.00"), Decimal("120.00")),
        ("drawn", Decimal("-120.00"), Decimal("-120.00"), ZERO),
    ]
    income = table_rows(ledgers, "income-cash")
    assert [row["gross"] for row in income] == [Decimal("120.00")]
