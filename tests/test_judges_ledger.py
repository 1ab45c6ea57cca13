"""Beancount and hledger accept our journals, and find in them the balances that we have.

`bean-check` is Beancount's own loader with its checks; hledger checks strictly: accounts and currencies declared, days in
order, every balance assertion.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from portalgen.content.model import Site
from portalgen.desk.exports.journal import journal_of, receivable
from portalgen.desk.exports.ledgers import Ledgers
from portalgen.desk.exports.plaintext import beancount, hledger
from portalgen.rules.ledger import closing
from portalgen.rules.money import ZERO
from portalgen.rules.retainer import retained
from tests.accounts import FIRST, LAST, clients, including_tax, ledgers_of, practice
from tests.support import DEMO_DAY, Built, invoke, program

Balances = dict[tuple[str, str], Decimal]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return practice(tmp_path_factory.mktemp("practice"))


def by_beancount(text: str) -> Balances:
    """What Beancount has on every account; every error it finds fails the test."""
    from beancount.core import realization
    from beancount.loader import load_string

    entries, errors, _ = load_string(text)
    assert not errors, [error.message for error in errors[:5]]
    found = {}
    tree = realization.realize(entries)  # type: ignore[no-untyped-call]
    for account in realization.iter_children(tree):  # type: ignore[no-untyped-call]
        for position in account.balance:
            found[account.account, position.units.currency] = position.units.number
    return {at: amount for at, amount in found.items() if amount}


def by_hledger(text: str) -> Balances:
    """The same from hledger."""
    tool = program("hledger")
    assert tool
    checked = _run(tool, text, "check", "--strict", "ordereddates")
    assert checked.returncode == 0, checked.stderr[:2000]
    shown = _run(tool, text, "balance", "--flat", "--no-total", "--output-format=csv", "--layout=bare")
    assert shown.returncode == 0, shown.stderr[:2000]
    rows = [
        (row["account"], row["commodity"], Decimal(row["balance"])) for row in csv.DictReader(io.StringIO(shown.stdout))
    ]
    return {(account, currency): amount for account, currency, amount in rows if amount}


def _run(tool: str, text: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [tool, "--file=-", *args]
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", timeout=60, check=False)


def ours(ledgers: Ledgers) -> Balances:
    """What each client owes by the balances of their invoices and the money held for them."""
    found: Balances = {}
    for ledger in ledgers.clients:
        account = receivable(ledger.folder.id)
        for currency, amount in ledger.account.credit.items():
            found[account, currency] = found.get((account, currency), ZERO) - amount
        retainer = ledger.folder.client.retainer
        if retainer and retainer.kind == "security":
            for currency, amount in retained(ledger.folder, ledger.account, ledgers.today).items():
                found[account, currency] = found.get((account, currency), ZERO) + amount
        for facts in ledger.account.invoices.values():
            if facts.status.document == "issued":
                at = (account, facts.currency)
                found[at] = found.get(at, ZERO) + facts.status.balance
    return {at: amount for at, amount in found.items() if amount}


def receivables(balances: Mapping[tuple[str, str], Decimal]) -> Balances:
    return {at: amount for at, amount in balances.items() if at[0].startswith("Assets:Receivable:")}


@pytest.mark.parametrize("inclusive", [False, True])
def test_both_programs_have_our_balances_of_hundreds_of_invoices_in_three_currencies(
    site: Site, inclusive: bool
) -> None:
    shared = including_tax(site.shared) if inclusive else site.shared
    folders = [folder for seed in range(12) for folder in clients(site, shared, 500 + seed, count=8, most=12)]
    ledgers = ledgers_of(shared, folders)
    assert sum(len(ledger.account.published) for ledger in ledgers.clients) > 500
    journal = journal_of(ledgers)
    kinds = {transaction.kind for transaction in journal.transactions}
    assert kinds == {"invoice", "credit-note", "payment", "refund", "write-off"}
    wanted = ours(ledgers)
    assert {currency for _, currency in wanted} == {"EUR", "JPY", "KWD"}
    beans, ledger = by_beancount(beancount(journal)), by_hledger(hledger(journal))
    assert beans == ledger
    assert receivables(beans) == wanted
    assert {(one.account, one.currency): one.amount for one in journal.closing if one.amount} == {
        at: amount for at, amount in beans.items() if at[0].startswith(("Assets:", "Liabilities:"))
    }


def test_a_year_opens_with_what_was_there_and_closes_with_what_the_next_one_opens_with(site: Site) -> None:
    folders = [folder for seed in range(3) for folder in clients(site, site.shared, 900 + seed)]
    before: Balances = {}
    for year in range(FIRST.year, LAST.year + 1):
        ledgers = ledgers_of(site.shared, folders, year=year)
        journal = journal_of(ledgers)
        beans, ledger = by_beancount(beancount(journal)), by_hledger(hledger(journal))
        assert beans == ledger
        wanted = {
            (receivable(one.folder.id), currency): amount
            for one in ledgers.clients
            for currency, amount in closing(e for e in one.entries if e.date.year <= year).items()
            if amount
        }
        assert receivables(beans) == wanted
        opening = [transaction for transaction in journal.transactions if transaction.kind == "opening"]
        opened = {(one.account, one.currency): one.amount for one in opening[0].postings} if opening else {}
        assert {at: amount for at, amount in opened.items() if not at[0].startswith("Equity:")} == before
        before = {at: amount for at, amount in beans.items() if at[0].startswith(("Assets:", "Liabilities:"))}
        assert all(one.date.year == year for one in journal.transactions)
    assert receivables(before) == ours(ledgers_of(site.shared, folders))


@pytest.mark.parametrize("year", [(), ("--year", "2026")])
def test_both_programs_accept_the_demo(year: tuple[str, ...], demo: Built) -> None:
    texts = {}
    for form in ("beancount", "hledger"):
        result = invoke("export", form, *year, "--site", demo.site, "--today", DEMO_DAY)
        assert result.code == 0, result
        texts[form] = result.stdout
    beans, ledger = by_beancount(texts["beancount"]), by_hledger(texts["hledger"])
    assert beans == ledger
    data = invoke("export", "json", *year, "--site", demo.site, "--today", DEMO_DAY).json
    assert receivables(beans) == {
        (receivable(client["client"]), currency): Decimal(amount)
        for client in data["clients"]
        for currency, amount in client["balances"].items()
        if Decimal(amount)
    }


def test_an_empty_practice_has_an_empty_journal(site: Site) -> None:
    journal = journal_of(ledgers_of(site.shared, []))
    assert by_beancount(beancount(journal)) == by_hledger(hledger(journal)) == {}


def test_bean_check_itself_finds_nothing_and_would_find_a_changed_cent(site: Site, tmp_path: Path) -> None:
    journal = journal_of(ledgers_of(site.shared, clients(site, site.shared, 42), dt.date(2026, 1, 1)))
    tool = Path(sys.executable).with_name("bean-check")
    for name, text, wanted in (("right", beancount(journal), 0), ("wrong", _one_more(beancount(journal)), 1)):
        path = tmp_path / f"{name}.beancount"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([tool, path], capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode == wanted, done.stderr[:2000]


def _one_more(text: str) -> str:
    """The journal with the smallest possible change in its last balance."""
    head, _, last = text.rstrip("\n").rpartition(" balance ")
    account, number, *rest = last.split()
    exact = Decimal(number)
    changed = exact + Decimal(1).scaleb(int(exact.as_tuple().exponent))
    return f"{head} balance {account} {changed:f} {' '.join(rest)}\n"
