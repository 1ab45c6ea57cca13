"""`portalgen export`: tables, the JSON document, journals; what is in them, what is not, and where they may go."""

from __future__ import annotations

import csv
import io
import re
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portalgen.content.model import Site
from portalgen.desk.exports import TABLE_NAMES
from portalgen.desk.exports.document import document_of
from portalgen.desk.exports.journal import Journal, journal_of
from portalgen.desk.exports.plaintext import beancount, hledger
from portalgen.desk.exports.tables import TABLES, table_rows, table_text
from portalgen.rules.ledger import closing
from portalgen.rules.money import ZERO, total
from portalgen.rules.statement import statements_of
from tests.accounts import FIRST, LAST, clients, including_tax, ledgers_of, practice
from tests.support import DEMO_DAY, MINIMAL_CLIENT, Built, Result, invoke, minimal_site

CLIENT = "content/clients/ana/"
FILES: dict[str, str | bytes | None] = {
    **MINIMAL_CLIENT,
    CLIENT + "client.yaml": MINIMAL_CLIENT[CLIENT + "client.yaml"] + "notes: Never to be seen\n",
    CLIENT + "invoices/2026-0001.yaml": (
        MINIMAL_CLIENT[CLIENT + "invoices/2026-0001.yaml"].replace("Session", '"=SUM(A1)"')
        + "private_notes: Never to be seen\n"
    ),
    CLIENT + "invoices/draft.yaml": "id: draft\nlines: [{description: A draft, unit_price: 1.00}]\n",
    CLIENT + "invoices/later.yaml": "id: later\nnumber: '2026-0009'\nissued: 2026-12-24\nlines: [{description: Later, unit_price: 1.00}]\n",
    CLIENT + "invoices/void.yaml": (
        "id: void\nnumber: '2026-0004'\nissued: 2026-11-03\nlines: [{description: Void, unit_price: 7.00}]\n"
        "void: {date: 2026-11-04, reason: Twice}\n"
    ),
    CLIENT + "credit-notes/cn-1.yaml": (
        "id: cn-1\nnumber: CN-2026-001\ninvoice: 2026-0001\nissued: 2026-11-20\nreason: Sorry\n"
        "lines: [{description: Too much, unit_price: 5.00}]\n"
    ),
    CLIENT + "payments.yaml": (
        "- {id: p1, date: 2025-12-30, amount: 30.00, currency: EUR, method: cash, reference: '@cmd',"
        " note: Never to be seen}\n"
        "- {id: p2, date: 2026-11-12, amount: 100.00, currency: EUR, method: cash, fee: 1.50,"
        " allocations: [{invoice: 2026-0001, amount: 100.00}]}\n"
    ),
}  # fmt: skip


def export(site: Path, *args: str | Path, code: int = 0) -> Result:
    result = invoke("export", *args, "--site", site, "--today", DEMO_DAY)
    assert result.code == code, result
    return result


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return minimal_site(tmp_path / "site", FILES)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return practice(tmp_path_factory.mktemp("practice"))


# --- tables -------------------------------------------------------------------------------------------


def test_movements_lead_to_what_the_client_owes(books: Path) -> None:
    rows = table(export(books, "csv").stdout)
    assert [(row["date"], row["kind"], row["id"], row["gross"], row["balance"]) for row in rows] == [
        ("2025-12-30", "payment", "p1", "-30.00", "-30.00"),
        ("2026-11-02", "invoice", "2026-0001", "120.00", "90.00"),
        ("2026-11-12", "payment", "p2", "-100.00", "-10.00"),
        ("2026-11-20", "credit-note", "cn-1", "-5.00", "-15.00"),
    ]
    assert [(row["net"], row["tax_category"], row["tax_rate"], row["tax"]) for row in rows[1:2]] == [
        ("120.00", "O", "", "0.00")
    ]


def test_a_year_opens_with_what_was_there_before(books: Path) -> None:
    rows = table(export(books, "csv", "--year", "2026").stdout)
    assert [(row["date"], row["kind"], row["gross"], row["balance"]) for row in rows][:2] == [
        ("2026-01-01", "opening", "-30.00", "-30.00"),
        ("2026-11-02", "invoice", "120.00", "90.00"),
    ]
    assert [row["id"] for row in table(export(books, "csv", "--year", "2025").stdout)] == ["p1"]
    assert [row["kind"] for row in table(export(books, "csv", "--year", "2028").stdout)] == ["opening"]
    assert table(export(books, "csv", "--year", "2024").stdout) == []


def test_texts_that_a_spreadsheet_would_run_are_texts(books: Path) -> None:
    rows = table(export(books, "csv").stdout)
    assert [row["reference"] for row in rows] == ["'@cmd", "", "", ""]
    assert rows[1]["description"] == "'=SUM(A1)"
    assert rows[0]["gross"] == "-30.00"
    assert table(export(books, "csv", "--table", "lines").stdout)[0]["description"] == "'=SUM(A1)"


def test_the_audit_of_numbers_has_the_void_one_and_the_missing(books: Path) -> None:
    rows = table(export(books, "csv", "--table", "numbers").stdout)
    assert [(row["number"], row["state"]) for row in rows] == [
        ("2026-0001", "issued"),
        ("2026-0004", "void"),
        ("2026-0002 to 2026-0003", "missing"),
        ("CN-2026-001", "issued"),
    ]


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_every_table_has_its_header_and_only_what_was_issued(books: Path, name: str) -> None:
    text = export(books, "csv", "--table", name).stdout
    columns = next(csv.reader(io.StringIO(text)))
    assert columns == list(dict(TABLES)[name][0])  # type: ignore[index]
    rows = table(text)
    assert rows
    assert not {row.get("id") for row in rows} & {"draft", "later"}
    assert "Never to be seen" not in text


def test_tables_agree_with_each_other_and_with_the_accounts(site: Site) -> None:
    for shared in (site.shared, including_tax(site.shared)):
        ledgers = ledgers_of(shared, clients(site, shared, 700, count=150))
        owed = {
            (ledger.folder.id, currency): amount
            for ledger in ledgers.clients
            for currency, amount in closing(ledger.entries).items()
        }
        assert owed == {
            (ledger.folder.id, statement.currency): statement.closing
            for ledger in ledgers.clients
            for statement in statements_of(ledger.folder, ledger.account, LAST)
        }
        movements = table_rows(ledgers, "movements")
        last = {(row["client"], row["currency"]): row["balance"] for row in movements}
        assert last == owed
        assert sums(movements, "gross", "client", "currency") == owed
        for row in movements:
            if row["net"] is not None:
                assert row["gross"] == number(row["net"]) + number(row["tax"])
        invoices = [row for row in table_rows(ledgers, "invoices") if row["state"] == "issued"]
        booked = [row for row in movements if row["kind"] == "invoice"]
        assert sums(booked, "gross", "id") == {(row["id"],): row["amount"] for row in invoices}
        credits = [row for row in movements if row["kind"] == "credit-note"]
        notes = table_rows(ledgers, "credit-notes")
        assert sums(credits, "tax", "id") == {(row["id"],): -number(row["tax"]) for row in notes}
        assert sums(credits, "gross", "id") == {(row["id"],): -number(row["total"]) for row in notes}
        lines = [row for row in table_rows(ledgers, "lines") if row["document"] == "invoice"]
        nets = {
            (facts.invoice.id,): facts.totals.net_total
            for ledger in ledgers.clients
            for facts in ledger.account.published
        }
        assert sums(lines, "net", "id") == nets
        paid = [row for row in table_rows(ledgers, "payments") if row["status"] == "cleared"]
        moved = [row for row in movements if row["kind"] in ("payment", "refund")]
        assert sums(paid, "amount", "id") == {key: -amount for key, amount in sums(moved, "gross", "id").items()}


def number(value: Any) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def sums(rows: list[dict[str, Any]], column: str, *keys: str) -> dict[Any, Decimal]:
    found: dict[Any, Decimal] = {}
    for row in rows:
        at = tuple(row[key] for key in keys)
        found[at] = found.get(at, ZERO) + (row[column] or ZERO)
    return found


def test_the_years_tables_together_are_the_whole_table(site: Site) -> None:
    folders = clients(site, site.shared, 800)
    for name in TABLE_NAMES:
        rows = [
            row
            for year in range(FIRST.year, LAST.year + 1)
            for row in table_rows(ledgers_of(site.shared, folders, year=year), name)  # type: ignore[arg-type]
            if row.get("kind") != "opening" and row.get("state") != "missing"
        ]
        whole = [row for row in table_rows(ledgers_of(site.shared, folders), name) if row.get("state") != "missing"]  # type: ignore[arg-type]
        assert sorted(map(str, rows)) == sorted(map(str, whole))


# --- the JSON document --------------------------------------------------------------------------------


def test_the_document_holds_every_table_with_amounts_as_texts(books: Path) -> None:
    data = export(books, "json").json
    assert set(data) == {
        "practice", "currency", "year", "clients", "documents", *(name.replace("-", "_") for name in TABLE_NAMES),
    }  # fmt: skip
    assert data["clients"] == [{"client": "ana", "name": "Ana Horvat", "balances": {"EUR": "-15.00"}}]
    assert [row["amount"] for row in data["payments"]] == ["30.00", "100.00"]
    assert [document["id"] for document in data["documents"]] == ["cn-1", "2026-0001", "void"]
    assert not [value for value in values(data) if isinstance(value, float)]
    assert "Never to be seen" not in str(data)
    assert export(books, "csv", "--json").json == data


def values(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [one for value in data.values() for one in values(value)]
    return [one for value in data for one in values(value)] if isinstance(data, list) else [data]


# --- journals -----------------------------------------------------------------------------------------


def balances(journal: Journal) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for transaction in journal.transactions:
        for posting in transaction.postings:
            at = (posting.account, posting.currency)
            found[at] = found.get(at, ZERO) + posting.amount
    return found


def test_a_transaction_of_each_kind(books: Path) -> None:
    text = export(books, "hledger").stdout
    assert (
        "2026-11-12 * (p2) Ana Horvat | Payment for 2026-0001\n    ; kind:payment\n    ; invoice:2026-0001\n"
        "    ; payment:p2\n"
        "    Assets:Receivable:Ana  -100.00 EUR\n"
        "    Assets:Cash              98.50 EUR\n"
        "    Expenses:Fees             1.50 EUR\n"
    ) in text
    assert "(p1) Ana Horvat | Payment, on account" in text
    beans = export(books, "beancount").stdout
    assert (
        '2026-11-02 * "Ana Horvat" "Invoice 2026-0001" #invoice ^2026-0001\n  number: "2026-0001"\n'
        "  due: 2026-11-16\n"
        "  Assets:Receivable:Ana   120.00 EUR\n"
        "  Income:Other           -120.00 EUR\n"
    ) in beans
    for hidden in ("2026-0004", "2026-0009", "Never to be seen"):
        assert hidden not in text + beans


def test_every_transaction_comes_to_zero_in_each_currency(site: Site) -> None:
    journal = journal_of(ledgers_of(site.shared, clients(site, site.shared, 710, count=30)))
    for transaction in journal.transactions:
        for currency in {posting.currency for posting in transaction.postings}:
            assert total(one.amount for one in transaction.postings if one.currency == currency) == 0


def test_accounts_of_ours_are_not_mixed_with_those_of_ids_that_sound_like_them(site: Site) -> None:
    journal = journal_of(ledgers_of(site.shared, clients(site, site.shared, 720, count=30)))
    accounts = set(journal.accounts)
    assert {"Assets:Receivable-Own", "Income:Other-Own", "Income:Other", "Income:Therapy"} <= accounts
    assert "Assets:Receivable" not in accounts
    assert all(re.fullmatch(r"[A-Z][a-z]+(:[A-Z0-9][A-Za-z0-9-]*)+", account) for account in accounts)


def test_deposits_are_owed_to_the_client_until_the_final_invoice(tmp_path: Path) -> None:
    deposit = (
        "id: d\nnumber: D-1\nissued: 2026-11-01\nkind: deposit\nlines: [{description: Deposit, unit_price: 40.00}]\n"
    )
    final = "kind: final\ndeposits_deducted: [d]\n"
    name = CLIENT + "invoices/2026-0001.yaml"
    first = minimal_site(tmp_path / "first", {**MINIMAL_CLIENT, name: None, CLIENT + "invoices/d.yaml": deposit})
    assert "Liabilities:Deposits:Ana  -40.00 EUR" in export(first, "hledger").stdout
    whole = {**MINIMAL_CLIENT, name: MINIMAL_CLIENT[name] + final, CLIENT + "invoices/d.yaml": deposit}
    text = export(minimal_site(tmp_path / "whole", whole), "beancount").stdout
    assert "Liabilities:Deposits:Ana 0.00 ~ 0 EUR" in text
    assert "Assets:Receivable:Ana 120.00 ~ 0 EUR" in text


def test_rates_become_prices(tmp_path: Path) -> None:
    pay = "- {id: p1, date: 2026-11-12, amount: 50.00, currency: GBP, method: cash, rate: 1.15}\n"
    text = export(minimal_site(tmp_path, {**MINIMAL_CLIENT, CLIENT + "payments.yaml": pay}), "beancount").stdout
    assert "2026-11-12 price GBP 1.15 EUR\n" in text
    assert "2026-11-12 commodity GBP" not in text  # every currency is declared on the first day
    assert "2026-11-02 commodity GBP\n" in text


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "json", "beancount", "hledger"])
def test_exports_are_the_same_every_time_and_change_on_no_quiet_day(form: str, demo: Built) -> None:
    texts = {
        invoke("export", form, "--site", demo.site, "--today", day).stdout for day in (DEMO_DAY, DEMO_DAY, "2026-11-22")
    }
    assert len(texts) == 1


def test_a_file_is_written_whole_and_for_the_owner_alone(books: Path, tmp_path: Path) -> None:
    file = tmp_path / "books.csv"
    result = export(books, "csv", "--output", file, "--json")
    assert result.json == {"path": str(file), "format": "csv"}
    assert table(file.read_text(encoding="utf-8")) == table(export(books, "csv").stdout)
    assert file.read_bytes().count(b"\r\n") == 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "keep it to yourself" in export(books, "beancount", "--output", file).stdout
    assert file.read_text(encoding="utf-8").startswith("option ")


def test_a_folder_that_is_not_there_is_told_with_the_file_that_was_asked_for(books: Path, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "books.csv"
    result = export(books, "csv", "--output", file, code=4)
    assert str(file) in result.stderr


def test_no_file_goes_where_it_would_be_published(books: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "public"
    assert invoke("build", "--site", books, "--today", DEMO_DAY, "--output", elsewhere).code == 0
    for place in (elsewhere / "books.csv", books / "output" / "books.csv", books / "content" / "static" / "books.csv"):
        result = export(books, "csv", "--output", place, code=4)
        assert "name a file" in result.stderr
        assert not place.exists()


def test_nothing_is_exported_from_files_with_errors(books: Path, tmp_path: Path) -> None:
    broken = books / CLIENT / "payments.yaml"
    broken.write_text(
        str(FILES[CLIENT + "payments.yaml"]).replace(
            "invoice: 2026-0001, amount: 100.00", "invoice: 2026-0001, amount: 99.001"
        )
    )
    file = tmp_path / "books.csv"
    result = export(books, "csv", "--output", file, code=2)
    assert "bad-amount" in result.stderr
    assert not file.exists()
    assert [
        one["code"] for one in export(books, "json", "--json", code=2).json["problems"] if one["severity"] == "error"
    ] == ["bad-amount"]


def test_more_money_back_than_was_held_is_an_error_of_the_build_too(books: Path) -> None:
    with (books / CLIENT / "payments.yaml").open("a") as file:
        file.write("- {id: p3, date: 2026-11-13, amount: -45.01, currency: EUR, method: cash}\n")
    for command in (("export", "csv"), ("build",)):
        result = invoke(*command, "--site", books, "--today", DEMO_DAY, "--json")
        assert result.code == 2, result
        (problem,) = [one for one in result.json["problems"] if one["severity"] == "error"]
        assert (problem["code"], problem["path"], problem["line"]) == ("over-refunded", CLIENT + "payments.yaml", 3)


def test_a_document_that_was_issued_and_is_gone_stops_the_export(books: Path) -> None:
    assert invoke("build", "--site", books, "--today", DEMO_DAY).code == 0
    (books / CLIENT / "invoices" / "void.yaml").unlink()
    result = export(books, "json", code=2)
    assert "vanished" in result.stdout + result.stderr


def test_a_table_is_for_csv_alone(books: Path) -> None:
    assert "--table is for csv" in export(books, "json", "--table", "lines", code=2).stderr


def test_texts_cannot_break_out_of_a_journal(site: Site) -> None:
    ledgers = ledgers_of(site.shared, clients(site, site.shared, 730))
    assert 'A \\"quoted\\"' not in beancount(journal_of(ledgers))  # descriptions of lines are not in journals
    assert '"\\"=cmd, date:2020-01-01; [2020-01-01]"' in beancount(journal_of(ledgers))
    assert 'reference:"=cmd  date:2020-01-01  [2020-01-01]' in hledger(journal_of(ledgers))


def test_an_empty_practice_exports_headers_alone(site: Site) -> None:
    ledgers = ledgers_of(site.shared, [])
    for name in TABLE_NAMES:
        assert table_text(ledgers, name).count("\r\n") == 1  # type: ignore[arg-type]
    assert document_of(ledgers)["clients"] == []
