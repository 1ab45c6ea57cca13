"""What was paid in a year, by service and tax, and what the practice took in (domain M13)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.model import Shared, Site
from portalgen.rules.account import account_of
from portalgen.rules.money import ZERO, fits, total
from portalgen.rules.shares import gross, invoice_slices, paid_parts, slices_of
from portalgen.rules.totals import Totals
from portalgen.rules.year import YearSummary, income, years_of
from tests.accounts import LAST, clients, including_tax, ledgers_of, practice
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site
from tests.test_totals import documents

TAXED = {
    **MINIMAL_CLIENT,
    "content/site.yaml": MINIMAL["content/site.yaml"].replace(
        "  methods:", "  tax: {status: registered, vat_id: IE1234567FA}\n  methods:"
    ),
    "content/services/talk.md": "---\nname: Talking\nprice: 60.00\ntax: {category: E, reason: Care}\n---\n",
    "content/services/report.md": "---\nname: Report\nprice: 40.00\ntax: {category: S, rate: 23}\n---\n",
    "content/clients/ana/sessions.yaml": "- {id: one, start: 2026-11-01T10:00+00:00, service: talk, status: held}\n",
}
INVOICE = "content/clients/ana/invoices/2026-0001.yaml"
HEAD = "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\n"
MIXED = HEAD + "lines:\n  - {session: one}\n  - {service: report}\n"  # 60.00 + 40.00 + 9.20 tax


def payment(key: str, date: str, amount: str, *invoices: str, extra: str = "") -> str:
    """A payment whose amount goes in equal parts to the invoices."""
    each = Decimal(amount) / max(len(invoices), 1)
    parts = ", ".join(f"{{invoice: {name}, amount: {each}}}" for name in invoices)
    allocations = f", allocations: [{parts}]" if invoices else ""
    return f"- {{id: {key}, date: {date}, amount: {amount}, currency: EUR, method: cash{extra}{allocations}}}\n"


def years(tmp_path: Path, payments: str, today: str = "2027-06-01", **files: str) -> dict[int, YearSummary]:
    texts: dict[str, str | bytes | None] = {**TAXED, INVOICE: MIXED, "content/clients/ana/payments.yaml": payments}
    texts |= {"content/clients/ana/" + name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    day, folder = dt.date.fromisoformat(today), loaded.site.clients["ana"]
    account, findings = account_of(loaded.site.shared, folder, day)
    assert not [finding for finding in findings if finding.severity == "error"], findings
    found = years_of(loaded.site.shared, folder, account, day)
    assert [one.year for one in found] == sorted((one.year for one in found), reverse=True)
    return {one.year: one for one in found}


@given(documents(), st.booleans())
def test_one_service_has_what_several_have_together(totals: Totals, deposit: bool) -> None:
    several = slices_of(totals, [f"s{n}" for n in range(len(totals.lines))], deposit=deposit)
    one = slices_of(totals, ["only"] * len(totals.lines), deposit=deposit)
    assert {(part.key, part.deposit) for part in one} == {(part.key, part.deposit) for part in several}
    for part in one:
        same = [other for other in several if other.key == part.key]
        own = [other for other in one if other.key == part.key]
        assert str(total(other.net for other in own)) == str(total(other.net for other in same))
        assert str(total(other.tax for other in own)) == str(total(other.tax for other in same))
        assert totals.charges or (len(own) == 1 and part.service == ("only" if part.key else ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return practice(tmp_path_factory.mktemp("practice"))


def test_a_payment_with_what_it_was_for(tmp_path: Path) -> None:
    extra = ", payer: Her mother, reference: 2026-0001, receipt_number: R-1"
    summary = years(tmp_path, payment("p1", "2026-11-10", "109.20", "2026-0001", extra=extra))[2026]
    (row,) = summary.rows
    assert (row.date, row.label, row.payer) == (dt.date(2026, 11, 10), "Cash", "Her mother")
    assert (row.reference, row.receipt_number, row.amount, row.tax) == (
        "2026-0001",
        "R-1",
        Decimal("109.20"),
        Decimal("9.20"),
    )
    (invoice,) = row.invoices
    assert (invoice.number, invoice.amount, invoice.tax) == ("2026-0001", Decimal("109.20"), Decimal("9.20"))
    assert [(item.description, item.service, str(item.date)) for item in invoice.items] == [
        ("Talking", "talk", "2026-11-01"),
        ("Report", "report", "None"),
    ]
    assert [(one.name, str(one.amount)) for one in summary.services] == [("Report", "49.20"), ("Talking", "60.00")]
    assert [(one.key.category, str(one.net), str(one.tax)) for one in summary.taxes] == [
        ("S", "40.00", "9.20"),
        ("E", "60.00", "0.00"),
    ]
    assert (summary.total, summary.tax, summary.unapplied) == (Decimal("109.20"), Decimal("9.20"), ZERO)


def test_the_tax_in_part_payments_comes_to_the_tax_of_the_invoice(tmp_path: Path) -> None:
    thirds = "".join(payment(f"p{n}", f"202{6 + n // 2}-11-1{n}", "36.40", "2026-0001") for n in range(3))
    found = years(tmp_path, thirds, "2027-12-31")
    taxes = [row.tax for year in (2026, 2027) for row in found[year].rows]
    assert total(taxes) == Decimal("9.20")
    assert all(abs(tax - Decimal("9.20") / 3) < Decimal("0.02") for tax in taxes)
    assert found[2026].tax + found[2027].tax == Decimal("9.20")


def test_a_refund_is_negative_with_the_tax_that_goes_back(tmp_path: Path) -> None:
    note = HEAD.replace("2026-0001", "cn-1") + "invoice: 2026-0001\nreason: x\nlines: [{service: report}]\n"
    note = note.replace("2026-11-02", "2026-11-12")
    paid = payment("p1", "2026-11-10", "109.20", "2026-0001") + payment("p2", "2027-01-13", "-49.20", "2026-0001")
    found = years(tmp_path, paid, **{"credit-notes__cn-1": note})
    assert (found[2026].total, found[2026].tax) == (Decimal("109.20"), Decimal("9.20"))
    assert (found[2027].total, found[2027].tax) == (Decimal("-49.20"), Decimal("-9.20"))
    assert [(one.service, str(one.amount)) for one in found[2027].services] == [("report", "-49.20")]


def test_what_comes_later_changes_no_year_that_is_over(tmp_path: Path) -> None:
    paid = payment("p1", "2026-11-10", "109.20", "2026-0001")
    later = payment("p2", "2027-01-13", "-49.20", "2026-0001")
    note = "id: cn-1\nnumber: CN-1\nissued: 2027-01-12\ninvoice: 2026-0001\nreason: x\nlines: [{service: report}]\n"
    before = years(tmp_path / "before", paid, "2026-12-31")
    after = years(tmp_path / "after", paid + later, **{"credit-notes__cn-1": note})
    assert before[2026] == after[2026]


def test_money_for_nothing_yet_is_told_apart(tmp_path: Path) -> None:
    summary = years(tmp_path, payment("p1", "2026-10-01", "50.00") + payment("p2", "2026-11-10", "9.20", "2026-0001"))[
        2026
    ]
    assert (summary.total, summary.unapplied) == (Decimal("59.20"), Decimal("50.00"))
    assert total(one.amount for one in summary.services) == Decimal("9.20")
    assert [row.invoices == () for row in summary.rows] == [True, False]


def test_pending_and_future_money_is_in_no_year(tmp_path: Path) -> None:
    pending = payment("p1", "2026-11-10", "9.20", "2026-0001", extra=", status: pending")
    assert years(tmp_path, pending + payment("p2", "2027-11-10", "9.20", "2026-0001")) == {}


def test_a_deposit_and_the_final_invoice_come_to_the_tax_of_the_whole(tmp_path: Path) -> None:
    deposit = "id: d\nnumber: D\nissued: 2026-10-01\nkind: deposit\nlines: [{service: report, unit_price: 10.00}]\n"
    final = MIXED + "kind: final\ndeposits_deducted: [d]\n"
    paid = payment("p1", "2026-10-05", "12.30", "d") + payment("p2", "2026-11-10", "96.90", "2026-0001")
    summary = years(tmp_path, paid, invoices__d=deposit, **{"invoices__2026-0001": final})[2026]
    assert [str(row.tax) for row in summary.rows] == ["2.30", "6.90"]
    assert [(one.service, str(one.amount)) for one in summary.services] == [("report", "49.20"), ("talk", "60.00")]


def test_a_final_invoice_deducts_what_was_left_of_its_deposit(tmp_path: Path) -> None:
    deposit = (
        "id: d\nnumber: D\nissued: 2026-10-01\nkind: deposit\n"
        "lines: [{service: report, unit_price: 10.00}, {service: talk, unit_price: 12.30}]\n"
    )
    note = "id: cn-1\nnumber: CN-1\nissued: 2026-10-02\ninvoice: d\nreason: x\nlines: [{service: talk, unit_price: 12.30}]\n"
    final = MIXED + "kind: final\ndeposits_deducted: [d]\n"
    paid = payment("p1", "2026-10-05", "12.30", "d") + payment("p2", "2026-11-10", "96.90", "2026-0001")
    files = {"invoices__d": deposit, "credit-notes__cn-1": note, "invoices__2026-0001": final}
    summary = years(tmp_path, paid, **files)[2026]
    assert [str(row.tax) for row in summary.rows] == ["2.30", "6.90"]
    assert [(one.service, str(one.amount)) for one in summary.services] == [("report", "49.20"), ("talk", "60.00")]


@pytest.mark.parametrize("mode", [lambda shared: shared, including_tax])
@pytest.mark.parametrize("seed", range(8))
def test_years_agree_with_payments_and_invoices(site: Site, mode: Callable[[Shared], Shared], seed: int) -> None:
    shared = mode(site.shared)
    for ledger in ledgers_of(shared, clients(site, shared, 300 + seed)).clients:
        folder, account = ledger.folder, ledger.account
        found = years_of(shared, folder, account, LAST)
        for summary in found:
            paid = [
                payment.amount
                for payment in folder.payments
                if (payment.status, payment.currency) == ("cleared", summary.currency)
                and payment.date.year == summary.year
            ]
            assert summary.total == total(paid) == total(row.amount for row in summary.rows)
            assert total(one.amount for one in summary.services) + summary.unapplied == summary.total
            assert total(one.tax for one in summary.taxes) == summary.tax
            assert all(fits(value, summary.currency) for row in summary.rows for value in (row.tax, row.unapplied))
        parts = [part for several in paid_parts(folder, account).values() for part in several]
        for facts in account.invoices.values():
            own = [part for part in parts if part.facts.invoice.id == facts.invoice.id]
            if not facts.credits:
                assert all(gross(part.slices) == part.amount for part in own)
            if facts.status.money == "paid" and not facts.credits:
                slices = invoice_slices(folder, account, facts)
                assert gross(slices) == facts.amount == total(part.amount for part in own)
                assert total(one.tax for part in own for one in part.slices) == total(one.tax for one in slices)
                if not facts.deposits:
                    assert total(one.tax for one in slices) == facts.totals.total_tax


@pytest.mark.parametrize("seed", range(4))
def test_income_on_both_bases_agrees_with_the_accounts(site: Site, seed: int) -> None:
    ledgers = ledgers_of(site.shared, clients(site, site.shared, 400 + seed, count=10))
    accounts = [(ledger.folder, ledger.account) for ledger in ledgers.clients]
    cash, invoiced = income(accounts, LAST, "cash"), income(accounts, LAST, "invoiced")
    entries = [entry for ledger in ledgers.clients for entry in ledger.entries]
    for currency in ("EUR", "JPY", "KWD"):
        received = -total(e.amount for e in entries if e.currency == currency and e.kind in ("payment", "refund"))
        asked = total(e.amount for e in entries if e.currency == currency and e.kind in ("invoice", "credit-note"))
        assert total(row.net + row.tax for row in cash if row.currency == currency) == received
        assert total(row.net + row.tax for row in invoiced if row.currency == currency) == asked
    for basis, whole in (("cash", cash), ("invoiced", invoiced)):
        by_year = [
            row
            for year in (2024, 2025, 2026, 2027)
            for row in income(accounts, LAST, basis, year)  # type: ignore[arg-type]
        ]
        assert by_year == list(whole)
    assert {row.method for row in cash} == {"cash", "bank", "receivable"}
    assert {row.method for row in invoiced} == {""}
    assert all(row.tax == ZERO for row in (*cash, *invoiced) if row.key is None)


def test_income_by_month_method_service_and_tax(tmp_path: Path) -> None:
    texts = {**TAXED, INVOICE: MIXED}
    paid = payment("p1", "2026-12-10", "54.60", "2026-0001") + payment("p2", "2026-12-11", "5.40")
    texts["content/clients/ana/payments.yaml"] = paid
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    folder, day = loaded.site.clients["ana"], dt.date(2026, 12, 31)
    account, _ = account_of(loaded.site.shared, folder, day)

    def rows(basis: str) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                f"{row.month:%Y-%m}",
                row.method,
                row.service or ("on account" if row.on_account else ""),
                str(row.net),
                str(row.tax),
            )
            for row in income([(folder, account)], day, basis)  # type: ignore[arg-type]
        ]

    assert rows("invoiced") == [("2026-11", "", "report", "40.00", "9.20"), ("2026-11", "", "talk", "60.00", "0.00")]
    assert rows("cash") == [
        ("2026-12", "cash", "report", "20.00", "4.60"),
        ("2026-12", "cash", "talk", "30.00", "0.00"),
        ("2026-12", "cash", "on account", "5.40", "0"),
    ]
