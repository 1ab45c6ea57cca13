"""`portalgen import payments`: what is certain is booked once, the rest is proposed, and nothing else is touched."""

from __future__ import annotations

import datetime as dt
import random
import shlex
import shutil
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.records.documents import Invoice, Line
from portalgen.content.records.method import Method
from portalgen.desk.imports.reading import read
from portalgen.desk.imports.references import References
from portalgen.desk.imports.rows import Options, Row, Unreadable, with_ids
from portalgen.desk.imports.texts import date_format, decimal_of, decimal_sign
from portalgen.rules import references
from portalgen.rules.account import account_of
from portalgen.rules.facts import InvoiceFacts
from tests.killer import killer
from tests.support import DEMO_DAY, MINIMAL, ROOT, Result, invoke, minimal_site
from tests.test_docs import code_words, section, text_of
from tests.test_issue import snapshot

FIXTURES = ROOT / "tests" / "imports"
METHODS = MINIMAL["content/site.yaml"].replace(
    "  methods:\n",
    "  methods:\n"
    "    - {id: transfer, kind: bank_sepa, label: Transfer, iban: IE29 AIBK 9311 5212 3456 78}\n"
    "    - {id: card, kind: stripe_link, label: Card, url: 'https://buy.stripe.com/test'}\n"
    "    - {id: paypal, kind: paypal_me, label: PayPal, handle: quietroom}\n",
)
CLIENTS = {
    "ana": ("Ana Horvat", {"2026-0001": ("EUR", "120.00"), "2026-0005": ("EUR", "1250.00")}),
    "bert": ("Bert Marsh", {"2026-0002": ("EUR", "80.00"), "2026-0003": ("EUR", "60.00")}),
    "juergen": ("Jürgen Größe", {"2026-0006": ("EUR", "100.00"), "2026-0007": ("EUR", "80.00")}),
    "li": ("Li Wei", {"2026-0004": ("USD", "100.00")}),
}
OLD = "# by hand\r\n- {id: old, date: 2026-10-01, amount: 5.00, currency: EUR, method: cash} # a gift\r\n"


def files_of(clients: dict[str, tuple[str, dict[str, tuple[str, str]]]]) -> dict[str, str]:
    """Client folders with one invoice of one line each."""
    files = {"content/site.yaml": METHODS}
    for id_, (name, invoices) in clients.items():
        folder = f"content/clients/{id_}/"
        files[folder + "client.yaml"] = f"id: {id_}\nname: {{display: {name}}}\nemail: {id_}@client.example\n"
        for number, (currency, amount) in invoices.items():
            files[folder + f"invoices/{number}.yaml"] = (
                f"id: {number}\nnumber: {number}\nissued: 2026-11-02\ndue: 2026-11-30\ncurrency: {currency}\n"
                f"lines: [{{description: Session, unit_price: {amount}}}]\n"
            )
    return files


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Four clients with seven open invoices, and a payment of Ana's from before."""
    files = {**files_of(CLIENTS), "content/clients/ana/payments.yaml": OLD}
    return minimal_site(tmp_path / "site", files)


def load_file(site: Path, file: Path | str, *args: str) -> Result:
    """`portalgen import payments` on the demo's day."""
    path = FIXTURES / file if isinstance(file, str) else file
    return invoke("import", "payments", path, *args, "--site", site, "--today", DEMO_DAY)


def outcome(site: Path, file: Path | str, *args: str) -> Any:
    """What an import says as data."""
    result = load_file(site, file, *args, "--json")
    assert result.code == 0, result
    return result.json


def booked(data: Any) -> set[tuple[str, str, str, str]]:
    """Client, invoices, amount and fee of each payment."""
    return {
        (one["client"], " ".join(part["invoice"] for part in one["invoices"]), one["amount"], one["fee"] or "")
        for one in data["booked"]
    }


def payments(site: Path, client: str) -> list[dict[str, Any]]:
    """What a payments.yaml holds, every scalar a text."""
    path = site / f"content/clients/{client}/payments.yaml"
    if not path.exists():
        return []
    found: list[dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return found


def imported(site: Path) -> list[dict[str, Any]]:
    """Every payment that came from a file."""
    return [entry for client in CLIENTS for entry in payments(site, client) if "source" in entry]


def account_facts(site: Path) -> list[tuple[str, InvoiceFacts]]:
    """Every invoice by its id, with what follows from it on the demo's day."""
    loaded = load(site).sound
    assert loaded
    day = dt.date.fromisoformat(DEMO_DAY)
    accounts = [account_of(loaded.shared, folder, day)[0] for folder in loaded.clients.values()]
    return sorted((id_, facts) for account in accounts for id_, facts in account.invoices.items())


def builds(site: Path) -> bool:
    """Whether every account adds up and every page can be made."""
    return invoke("check", "--site", site, "--today", DEMO_DAY).code == 0


def csv_file(folder: Path, *lines: str, head: str = "Date,Amount,Currency,Payer,Text,Id") -> Path:
    """A bank's file in English."""
    path = folder / "bank.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


# --- formats ------------------------------------------------------------------------------------------

EXPECTED = {
    "stripe-balance.csv": {
        ("ana", "2026-0001", "120.00", "2.05"),
        ("ana", "2026-0001", "-20.00", ""),
        ("bert", "2026-0002", "80.00", "1.45"),
    },
    "stripe-transactions.csv": {("ana", "2026-0001", "120.00", "2.05"), ("bert", "2026-0003", "60.00", "1.15")},
    "paypal-en.csv": {
        ("ana", "2026-0005", "1250.00", "31.60"),
        ("ana", "2026-0005", "-50.00", ""),
        ("bert", "2026-0002", "80.00", "2.34"),
    },
    "paypal-de.csv": {
        ("ana", "2026-0005", "1250.00", "31.60"),
        ("ana", "2026-0005", "-50.00", ""),
        ("bert", "2026-0002", "80.00", "2.34"),
    },
    "bank-de.csv": {("ana", "2026-0001", "120.00", ""), ("juergen", "2026-0006 2026-0007", "180.00", "")},
    "bank-fr.csv": {("ana", "2026-0001", "120.00", ""), ("bert", "2026-0003", "60.00", "")},
    "bank-gb.csv": {("ana", "2026-0001", "120.00", "")},
    "camt053-v02.xml": {
        ("ana", "2026-0001", "120.00", ""),
        ("bert", "2026-0002", "80.00", ""),
        ("bert", "2026-0003", "60.00", ""),
    },
    "camt053-v08.xml": {
        ("ana", "2026-0001", "120.00", ""),
        ("ana", "2026-0001", "-120.00", ""),
        ("ana", "2026-0005", "1250.00", "12.00"),
    },
}
METHOD_OF = {"stripe": "card", "paypal": "paypal", "bank": "transfer", "camt053": "transfer"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_certain_is_booked_with_its_fee_and_method(site: Path, name: str) -> None:
    data = outcome(site, name)
    assert booked(data) == EXPECTED[name]
    assert {one["method"] for one in data["booked"]} == {METHOD_OF[data["format"]]}
    assert len(imported(site)) == len(EXPECTED[name])
    assert all(entry["source"]["file"] == name for entry in imported(site))
    assert builds(site)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_second_time_nothing_is_booked(site: Path, name: str) -> None:
    first = outcome(site, name)
    before = snapshot(site)
    again = outcome(site, name)
    assert again["booked"] == []
    assert {one["row"] for one in again["already"]} == {one["row"] for one in first["booked"]}
    assert [one["row"] for one in again["proposed"]] == [one["row"] for one in first["proposed"]]
    assert snapshot(site) == before


def test_statements_that_overlap_book_each_row_once(site: Path) -> None:
    assert booked(outcome(site, "stripe-balance.csv"))
    assert booked(outcome(site, "stripe-transactions.csv")) == {("bert", "2026-0003", "60.00", "1.15")}
    assert booked(outcome(site, "paypal-en.csv"))
    assert booked(outcome(site, "paypal-de.csv")) == set()


def test_a_dry_run_says_the_same_and_writes_nothing(site: Path) -> None:
    before = snapshot(site)
    shown = outcome(site, "bank-de.csv", "--dry-run")
    assert snapshot(site) == before
    assert {**shown, "dry_run": False} == outcome(site, "bank-de.csv")


def test_what_stood_in_a_file_stays_byte_for_byte(site: Path) -> None:
    assert load_file(site, "bank-de.csv").code == 0
    data = (site / "content/clients/ana/payments.yaml").read_bytes()
    assert data.startswith(OLD.encode())
    assert data.count(b"\n") == data.count(b"\r\n")


def test_an_entry_says_what_the_row_said(site: Path) -> None:
    assert load_file(site, "paypal-en.csv").code == 0
    assert payments(site, "bert") == [
        {
            "id": "pay-2026-11-15",
            "date": "2026-11-15",
            "amount": "80.00",
            "currency": "EUR",
            "method": "paypal",
            "reference": "thanks, invoice 2026 0002",
            "fee": "2.34",
            "receipt_number": "R-2026-0002",
            "allocations": [{"invoice": "2026-0002", "amount": "80.00"}],
            "source": {"file": "paypal-en.csv", "row": "2AB12345CD678901E"},
        }
    ]


def test_what_is_no_payment_is_left_aside_and_says_why(site: Path) -> None:
    reasons = {one["row"]: one["reason"] for one in outcome(site, "paypal-en.csv")["ignored"]}
    assert "import it again when it is completed" in reasons["0AB12345CD678901E"]
    assert "Denied" in reasons["1AB12345CD678901E"]
    assert "Currency Conversion" in reasons["4AB12345CD678901E"]
    assert "your bank" in reasons["5AB12345CD678901E"]
    assert "you paid" in reasons["7AB12345CD678901E"]
    stripe = {one["row"]: one["reason"] for one in outcome(site, "stripe-balance.csv")["ignored"]}
    assert stripe == {"txn_1QD": "a payout to your bank", "txn_1QE": "a fee of Stripe's own"}


def test_days_are_those_of_the_practice(site: Path) -> None:
    path = site / "content/site.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Europe/Dublin", "Asia/Tokyo"), encoding="utf-8")
    dates = {one["row"]: one["date"] for one in outcome(site, "stripe-balance.csv")["booked"]}
    assert (dates["txn_1QA"], dates["txn_1QB"]) == ("2026-11-10", "2026-11-12")


def test_columns_can_be_named(site: Path, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "10|11|26;1.200,50-;x", "11|11|26;120,00;2026-0001", head="Wann;Wieviel;Wof\u00fcr")
    result = load_file(site, path)
    assert result.code == 2
    assert "'Wann', 'Wieviel', 'Wofür'" in result.stderr
    assert "--columns date=…" in result.stderr
    args = ("--columns", "date=Wann,amount=Wieviel", "--columns", "text=Wofür", "--date-format", "%d|%m|%y")
    assert booked(outcome(site, path, *args, "--decimal", ",")) == {("ana", "2026-0001", "120.00", "")}


HEADERS = {
    "en": "Date,Description,Amount,Currency", "de": "Buchungstag;Verwendungszweck;Betrag;W\u00e4hrung",
    "fr": "Date op\u00e9ration;Libell\u00e9;Montant;Devise", "es": "Fecha operaci\u00f3n;Concepto;Importe;Divisa",
    "it": "Data contabile;Descrizione;Importo;Valuta", "nl": "Datum;Mededelingen;Bedrag (EUR);Munt",
    "pt": "Data do movimento;Descri\u00e7\u00e3o;Montante;Moeda", "ar": "التاريخ;البيان;المبلغ;العملة",
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(HEADERS))
def test_columns_are_known_by_their_names_in_every_language(site: Path, tmp_path: Path, language: str) -> None:
    sign = "," if language == "en" else ";"
    rows = ["20/11/2026", "2026-0001", "120.00", "EUR"], ["14/11/2026", "x", "-1234.50", "EUR"]
    data = outcome(site, csv_file(tmp_path, *map(sign.join, rows), head=HEADERS[language]))
    assert booked(data) == {("ana", "2026-0001", "120.00", "")}
    assert [one["amount"] for one in data["ignored"]] == ["-1234.50"]


def test_credit_debit_and_sign_columns_say_which_way_money_went(site: Path, tmp_path: Path) -> None:
    dutch = "Datum;Naam / Omschrijving;Af Bij;Bedrag (EUR);Mededelingen"
    rows = ("20261110;Ana;Bij;120,00;2026-0001", "20261111;Ana Horvat;Af;20,00;2026-0001 terug")
    data = outcome(site, csv_file(tmp_path, *rows, head=dutch))
    assert booked(data) == {("ana", "2026-0001", "120.00", ""), ("ana", "2026-0001", "-20.00", "")}
    german = "Buchungstag;Verwendungszweck;Soll;Haben"
    lines = ("10.11.2026;2026-0002;;80,00", "11.11.2026;Miete;640,00;", "12.11.2026;Strom;-64,00;")
    data = outcome(site, csv_file(tmp_path, *lines, head=german))
    assert booked(data) == {("bert", "2026-0002", "80.00", "")}
    assert sorted(one["amount"] for one in data["ignored"]) == ["-64.00", "-640.00"]


@pytest.mark.parametrize(
    ("lines", "args", "said"),
    [
        (("03/04/2026,1.00,EUR,a,b,1",), (), "--date-format"),
        (('2026-11-03,"1,234",EUR,a,b,1',), (), "--decimal"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--encoding", "klingon"), "no encoding 'klingon'"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--encoding", "utf-16"), "is not in the encoding"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--columns", "day=Date"), "the fields are date, amount"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--columns", "date=Day"), "begins: Date,Amount"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--format", "paypal"), "PayPal"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--method", "gold"), "there is no method 'gold'"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--format", "camt053"), "XML is broken"),
        (("2026-11-03,1.00,EUR,a,b,1",), ("--delimiter", "::"), "cannot stand between columns"),
    ],
)
def test_what_cannot_be_guessed_is_asked(
    site: Path, tmp_path: Path, lines: tuple[str, ...], args: tuple[str, ...], said: str
) -> None:
    before = snapshot(site)
    result = load_file(site, csv_file(tmp_path, *lines), *args)
    assert result.code == 2, result
    assert said.casefold() in result.stderr.casefold()
    assert snapshot(site) == before


def test_every_bad_row_is_told_with_its_line_and_nothing_is_booked(site: Path, tmp_path: Path) -> None:
    path = csv_file(
        tmp_path, "2026-11-03,120.00,EUR,Ana,2026-0001,1", "2026-11-31,1.00,EUR,a,b,2", '2026-11-04,1.00,EUR,"a\nb",c,3',
        "2026-11-05,lots,EUR,a,b,4", "2026-11-05,1.00,EUR,a, b,c,d", "2026-11-06,1.00,Thaler,a,b,5",
    )  # fmt: skip
    before = snapshot(site)
    result = load_file(site, path, "--json")
    assert result.code == 2, result
    assert sorted((one["path"], one["line"], one["code"]) for one in result.json["problems"]) == [
        ("bank.csv", 3, "bad-row"),
        ("bank.csv", 6, "bad-row"),
        ("bank.csv", 7, "bad-row"),
        ("bank.csv", 8, "bad-row"),
    ]
    assert snapshot(site) == before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 \xff\xfe", "spreadsheet, an archive or a PDF"),
        (b"PK\x03\x04....", "spreadsheet, an archive or a PDF"),
        (b"one line of text\n", "nothing that we can read"),
        (b"a,b,c\n1,2,3\n", "where date and amount stand"),
        (b"<html><body>", "XML is broken"),
        (b"<Document><BkToCstmrAcctRpt/></Document>", "camt.052"),
        (b"<x>" * 5000, "nested too deeply"),
        (b"\x00\x01\x02" * 50, "encoding"),
    ],
)
def test_other_files_are_refused_in_words(site: Path, tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    result = load_file(site, path)
    assert result.code == 2, result
    assert said in result.stderr


BOMBS = {
    "laughs": '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 if n else chr(0)};".replace(chr(0), "") * 10}">' for n in range(12))
    + "]><Document>&a11;</Document>",
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"A" * 100_000}">]><Document>{"&a;" * 100_000}</Document>',
    "external": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><Document>&a;</Document>',
    "dtd": '<!DOCTYPE Document SYSTEM "http://192.0.2.1/x.dtd"><Document/>',
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_xml_bombs_are_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text(f'<?xml version="1.0"?>{BOMBS[name]}', encoding="utf-8")
    begun = time.perf_counter()
    with pytest.raises(Unreadable, match="document type"):
        read(path, Options())
    assert time.perf_counter() - begun < 1


# --- matching -----------------------------------------------------------------------------------------


def test_a_proposal_says_why_and_its_command_books_it(site: Path) -> None:
    data = outcome(site, "bank-de.csv")
    by_line = {one["line"]: one for one in data["proposed"]}
    november, typo = by_line[8], by_line[11]
    assert november["reasons"] == ["it names no invoice"]
    assert november["candidates"][0]["invoices"] == ["2026-0003"]
    assert set(november["candidates"][0]["reasons"]) == {"it is what is open", "the payer is Bert Marsh"}
    assert "it says '2026-OO05', nearly 2026-0005" in typo["candidates"][0]["reasons"]
    (command,) = november["candidates"][0]["commands"]
    words = shlex.split(command)
    assert words[:4] == ["portalgen", "pay", "bert/2026-0003", "60.00"]
    assert invoke(*words[1:], "--today", DEMO_DAY).code == 0
    again = outcome(site, "bank-de.csv")
    assert november["row"] in {one["row"] for one in again["already"]}
    twice = invoke(*words[1:], "--today", DEMO_DAY)
    assert twice.code == 2
    assert "is booked as pay-2026-11-12 of bert" in twice.stderr
    assert builds(site)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-11-03,120.00,USD,Ana,2026-0001,1", "2026-0001 is in EUR, and USD came"),
        ("2026-11-01,120.00,EUR,Ana,2026-0001,1", "it is older than 2026-0001"),
        ("2026-11-03,200.00,EUR,Ana,2026-0001 2026-0002,1", "it names invoices of ana and bert"),
        ("2026-11-03,139.00,EUR,Bert,2026-0002 and 2026-0003,1", "it names 2 invoices, and 140.00 is open for them"),
        ("2026-11-03,120.00,EUR,Ana,R-2026-0001,1", "it names no invoice"),
        ("2026-11-03,120.00,EUR,Ana,2026-00011,1", "it names no invoice"),
        ("2026-11-03,120.00,EUR,Ana,Rechnung2026-0001,1", "it names no invoice"),
        ("2026-11-03,120.00,EUR,Ana Horvat,,1", "it names no invoice"),
        ("2026-11-03,120.0055,EUR,Ana,2026-0001,1", "120.0055 has more decimals than EUR knows"),
    ],
)
def test_what_is_not_certain_is_not_booked(site: Path, tmp_path: Path, row: str, reason: str) -> None:
    before = snapshot(site)
    data = outcome(site, csv_file(tmp_path, row))
    assert [one["reasons"] for one in data["proposed"]] == [[reason]]
    assert snapshot(site) == before


def test_money_beyond_the_balance_is_the_clients_credit(site: Path, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "2026-11-03,150.00,EUR,Ana Horvat,2026-0001,1")
    result = load_file(site, path)
    assert "2026-0001 of Ana Horvat, receipt R-2026-0001; 30.00 EUR of it for no invoice" in result.stdout
    assert payments(site, "ana")[1]["allocations"] == [{"invoice": "2026-0001", "amount": "120.00"}]
    more = outcome(site, csv_file(tmp_path, "2026-11-04,10.00,EUR,Ana Horvat,2026-0001,2"))
    assert more["proposed"][0]["reasons"] == ["2026-0001 is paid already"]
    assert builds(site)


def test_a_payment_entered_by_hand_is_not_booked_again(site: Path, tmp_path: Path) -> None:
    pay = ("pay", "2026-0001", "50", "--method", "transfer", "--date", "2026-11-09", "--site", site)
    assert invoke(*pay, "--today", DEMO_DAY).code == 0
    path = csv_file(
        tmp_path, "2026-11-10,50.00,EUR,Ana Horvat,2026-0001,BANK-1", "2026-11-13,50.00,EUR,Ana,2026-0001,BANK-2"
    )
    data = outcome(site, path)
    assert [one["row"] for one in data["booked"]] == ["BANK-2"]
    (reason,) = data["proposed"][0]["reasons"]
    assert "perhaps booked by hand as pay-2026-11-09" in reason
    assert "source: {file: bank.csv, row: BANK-1}" in reason
    book = site / "content/clients/ana/payments.yaml"
    text = book.read_bytes().decode()
    hand = text.index("receipt_number: R-2026-0001\r\n")
    book.write_bytes(f"{text[:hand]}source: {{file: bank.csv, row: BANK-1}}\r\n  {text[hand:]}".encode())
    assert {one["row"] for one in outcome(site, path)["already"]} == {"BANK-1", "BANK-2"}


def test_money_on_its_way_that_was_entered_by_hand_is_told(site: Path) -> None:
    pay = ("pay", "2026-0001", "120", "--method", "transfer", "--date", "2026-11-09", "--status", "pending")
    assert invoke(*pay, "--site", site, "--today", DEMO_DAY).code == 0
    (proposed,) = outcome(site, "bank-fr.csv")["proposed"]
    assert "if so, change its status to cleared and add to it source:" in proposed["reasons"][0]


def test_the_payer_is_written_where_it_is_not_the_client(site: Path, tmp_path: Path) -> None:
    path = site / "content/clients/ana/client.yaml"
    contact = "contacts: [{id: ben, name: Ben Horvat, role: parent, scope: billing, email: ben@home.example}]\n"
    path.write_text(path.read_text(encoding="utf-8") + contact, encoding="utf-8")
    rows = [f"2026-11-{3 + n:02},10.00,EUR,{name},2026-0001,{n}" for n, name in enumerate(
        ("HORVAT Ana", "Dr. Ana Maria Horvát", "ben horvat", "Uncle Bob")
    )]  # fmt: skip
    assert len(outcome(site, csv_file(tmp_path, *rows))["booked"]) == 4
    assert [entry.get("payer") for entry in payments(site, "ana")[1:]] == [None, None, "ben", "Uncle Bob"]
    assert builds(site)


def test_rows_of_a_batch_are_told_apart_in_any_order(tmp_path: Path) -> None:
    text = (FIXTURES / "camt053-v02.xml").read_text(encoding="utf-8")
    first = text.index("<TxDtls>", text.index("</Btch>"))
    second = text.index("<TxDtls>", first + 1)
    end = text.index("</NtryDtls>", second)
    swapped = tmp_path / "swapped.xml"
    swapped.write_text(text[:first] + text[second:end] + text[first:second] + text[end:], encoding="utf-8")

    def ids(path: Path) -> set[tuple[str, Decimal]]:
        return {(row.id, row.amount) for row in read(path, Options()).rows}

    assert ids(swapped) == ids(FIXTURES / "camt053-v02.xml")
    assert len(ids(swapped)) == 5


def test_a_batch_that_does_not_add_up_is_not_booked(site: Path, tmp_path: Path) -> None:
    text = (FIXTURES / "camt053-v02.xml").read_text(encoding="utf-8")
    for wrong in ('<TxAmt><Amt Ccy="EUR">70.00</Amt></TxAmt>', ""):
        path = tmp_path / "batch.xml"
        path.write_text(text.replace('<TxAmt><Amt Ccy="EUR">80.00</Amt></TxAmt>', wrong), encoding="utf-8")
        assert {one[0] for one in booked(outcome(site, path, "--dry-run"))} == {"ana"}


def test_a_refund_without_a_reference_is_proposed(site: Path, tmp_path: Path) -> None:
    assert load_file(site, "stripe-transactions.csv").code == 0
    head = "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Description,Customer Email"
    path = csv_file(
        tmp_path, "txn_9,refund,re_9,-60.00,0.00,-60.00,eur,2026-11-19 10:00,Refund,bert@client.example", head=head
    )
    (proposed,) = outcome(site, path)["proposed"]
    assert proposed["candidates"][0]["commands"][0].startswith("portalgen pay bert/2026-0003 -60.00")


def test_money_that_goes_out_refunds_nobody_who_is_not_known(site: Path) -> None:
    data = outcome(site, "camt053-v02.xml")
    (rent,) = [one for one in data["proposed"] if one["amount"] == "-640.00"]
    assert rent["reasons"] == ["it went out to somebody who is not known as ana"]
    assert rent["candidates"][0]["reasons"] == ["it names 2026-0001"]
    assert {one["amount"] for one in outcome(site, "bank-de.csv")["ignored"]} == {"-640.00", "1250.00"}


def test_money_that_was_changed_is_proposed_with_its_rate(site: Path) -> None:
    (changed,) = [one for one in outcome(site, "stripe-balance.csv")["proposed"] if one["row"] == "txn_1QF"]
    (command,) = changed["candidates"][0]["commands"]
    words = shlex.split(command)
    assert words[2:4] == ["li/2026-0004", "100.00"]
    assert {"--currency=USD", "--rate=0.900000", "--payer=Li Wei"} & {*words} == {"--currency=USD", "--rate=0.900000"}
    assert invoke(*words[1:], "--today", DEMO_DAY).code == 0
    assert "txn_1QF" in {one["row"] for one in outcome(site, "stripe-balance.csv")["already"]}


def test_several_ways_to_pay_are_asked_about(site: Path) -> None:
    path = site / "content/site.yaml"
    second = "    - {id: savings, kind: bank_sepa, label: B, iban: DE89 3704 0044 0532 0130 00}\n    - {id: card,"
    path.write_text(path.read_text(encoding="utf-8").replace("    - {id: card,", second), encoding="utf-8")
    asked = load_file(site, "bank-de.csv")
    assert asked.code == 2
    assert "transfer or savings" in asked.stderr
    assert {one["method"] for one in outcome(site, "camt053-v02.xml")["booked"]} == {"transfer"}
    assert {one["method"] for one in outcome(site, "bank-gb.csv", "--method", "savings")["booked"]} <= {"savings"}


def test_clients_with_errors_are_left_out_and_named(site: Path) -> None:
    (site / "content/clients/bert/client.yaml").write_text("id: bert\nnam: Bert\n", encoding="utf-8")
    data = outcome(site, "camt053-v02.xml")
    assert data["left_out"] == ["bert"]
    assert booked(data) == {("ana", "2026-0001", "120.00", "")}


def test_an_id_that_comes_again_with_other_money_is_not_booked(site: Path, tmp_path: Path) -> None:
    assert booked(outcome(site, csv_file(tmp_path, "2026-11-03,100.00,EUR,Ana,2026-0001,TX0007")))
    data = outcome(site, csv_file(tmp_path, "2026-11-20,20.00,EUR,Ana,2026-0001,TX0007"))
    assert data["proposed"][0]["reasons"] == [
        "a row with this id is booked as pay-2026-11-03, with another amount or date"
    ]


def test_an_id_that_only_counts_tells_no_row_from_another(site: Path, tmp_path: Path) -> None:
    head = "Date,Amount,Currency,Payer,Text,Id"
    for day in ("09", "10"):
        path = csv_file(tmp_path, f"2026-11-{day},60.00,EUR,Ana,2026-0001,1", head=head)
        assert len(outcome(site, path)["booked"]) == 1
        assert outcome(site, path)["booked"] == []


def test_a_refund_is_known_by_the_payment_that_it_pays_back(site: Path, tmp_path: Path) -> None:
    text = (FIXTURES / "paypal-en.csv").read_text(encoding="utf-8")
    path = tmp_path / "paypal.csv"
    path.write_text(text.replace('CD678901E","","2026-0005"', 'CD678901E","",""'), encoding="utf-8")
    assert booked(outcome(site, path)) == EXPECTED["paypal-en.csv"]


def test_two_rows_that_say_the_same_are_two_payments(site: Path, tmp_path: Path) -> None:
    head = "Date,Amount,Currency,Payer,Text"
    rows = ["2026-11-03,60.00,EUR,Ana,2026-0001"] * 2
    assert len(outcome(site, csv_file(tmp_path, *rows, head=head))["booked"]) == 2
    assert outcome(site, csv_file(tmp_path, *rows, "2026-11-05,1.00,EUR,x,y", head=head))["booked"] == []


def test_the_fields_of_its_json_are_documented(site: Path) -> None:
    said = section(text_of("commands.md"), "portalgen import").partition("\nJSON: ")[2]
    first, rows = said.split("\n\n")[:2]
    data = outcome(site, "bank-de.csv")
    assert outcome(site, "bank-de.csv")["already"]
    lists = ("booked", "proposed", "ignored")
    keys = {key for name in lists for key in data[name][0]} | set(data["proposed"][0]["candidates"][0])
    assert set(code_words(first)) == set(data)
    assert set(code_words(rows)) == keys | set(data["booked"][0]["invoices"][0])


# --- references ---------------------------------------------------------------------------------------


def invoice_of(number: str) -> Invoice:
    """An invoice with this number."""
    line = Line(description="x", unit_price=Decimal(1))
    return Invoice(path="", client="ana", id=f"i-{number.lower()}", number=number, lines=(line,))


SWISS = Method(id="qr", kind="swiss_qr", label="QR", iban="CH44 3199 9123 0008 8901 2")
BELGIAN = Method(id="ogm", kind="bank_sepa", label="OGM", iban="BE68 5390 0754 7034", reference="ogm")
OTHERS = (Method(id="pix", kind="pix", label="PIX"), Method(id="vs", kind="spayd", label="SPAYD"))
MANY = [invoice_of(f"INV-2026-{n:04}") for n in range(1, 60)]
INDEX = References(MANY, (SWISS, BELGIAN, *OTHERS))


@given(st.integers(0, 58), st.sampled_from(range(8)), st.booleans(), st.data())
@settings(max_examples=300, deadline=None)
def test_every_form_of_a_reference_is_read(n: int, form: int, lower: bool, data: st.DataObject) -> None:
    number, id_ = MANY[n].number or "", MANY[n].id
    text = [
        number,
        references.number_reference(number, id_),
        references.rf_reference(number, id_),
        references.grouped(references.rf_reference(number, id_)),
        references.grouped(references.qr_reference(number, id_)),
        references.ogm_reference(number, id_),
        references.bare_reference(number, id_, 25),
        references.variable_symbol(number, id_),
    ][form]
    text = text.lower() if lower else text
    cut = data.draw(st.integers(1, len(text) - 1))
    wrapped = f"{text[:cut]} {text[cut:]}" if data.draw(st.booleans()) else text
    before, after = data.draw(st.sampled_from([("", ""), ("Thanks for", "!"), ("Rechnung:", ", Nov"), ("(", ")")]))
    assert INDEX.named("", f"{before} {wrapped} {after}").exact == (id_,)
    assert INDEX.named(text, "").exact == (id_,)


@given(st.text(alphabet="ABCI NV-2026.0/19", max_size=40))
@settings(max_examples=300, deadline=None)
def test_what_is_named_exactly_stands_in_the_text(text: str) -> None:
    bare = "".join(sign for sign in text.upper() if sign.isalnum())
    for id_ in INDEX.named("", text).exact:
        digits = id_.removeprefix("i-inv-").replace("-", "")
        assert digits in bare or digits.lstrip("0") in bare


def test_an_account_number_names_nothing() -> None:
    index = References([invoice_of("37040044")], ())
    assert index.named("", "DE89 3704 0044 0532 0130 00").exact == ()
    assert index.named("", "for 3704 0044").exact == ("i-37040044",)


def test_a_reference_of_several_invoices_is_unclear() -> None:
    index = References([invoice_of("A-2026-0001"), invoice_of("B-2026-0001")], OTHERS)
    named = index.named("20260001", "")
    assert (named.exact, set(named.unclear)) == ((), {"i-a-2026-0001", "i-b-2026-0001"})


# --- texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1 234,56 €", "1234.56"), ("1\u202f234,56", "1234.56"),
        ("-1'234.50", "-1234.50"), ("12,00-", "-12.00"), ("(12.00)", "-12.00"), ("€ 12,00", "12.00"),
        ("R$ 1.234,00", "1234.00"), ("12,34,567.00", "1234567.00"), ("−3,50", "-3.50"), ("+7,00", "7.00"),
        ("١٢٫٥٠", "12.50"), ("0,5", "0.5"), (",50", "0.50"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_they_are_written(text: str, amount: str) -> None:
    assert decimal_of(text, decimal_sign([text])) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "x", "1.2.3,4,5", "1,23,4.00", "12..0", "1e5", "NaN", "0x10", "--1", "1 2 3"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert decimal_of(text, ".") is None


@given(st.integers(-(10**9), 10**9), st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")]))
def test_amounts_with_separators_come_back(cents: int, signs: tuple[str, str]) -> None:
    point, group = signs
    amount = Decimal(cents).scaleb(-2)
    text = f"{amount:,.2f}".replace(",", "\0").replace(".", point).replace("\0", group)
    assert decimal_sign([text]) == point
    assert decimal_of(text, point) == amount


def test_one_date_tells_how_all_are_written() -> None:
    assert date_format(["03/04/2026", "21/04/2026"]) == "%d/%m/%Y"
    assert date_format(["03/04/2026", "04/21/2026"]) == "%m/%d/%Y"
    assert date_format(["03.04.2026"]) == "%d.%m.%Y"
    assert date_format(["04/04/2026"]) in ("%d/%m/%Y", "%m/%d/%Y")
    with pytest.raises(Unreadable, match="two days"):
        date_format(["03/04/2026", "05/06/2026"])


# --- whole files --------------------------------------------------------------------------------------


def bank_rows(seed: int) -> list[str]:
    """Rows that name invoices, some twice, some wrongly, in an order that is nobody's."""
    chance = random.Random(seed)
    numbers = [(number, money) for _, invoices in CLIENTS.values() for number, money in invoices.items()]
    rows = []
    for n in range(20):
        number, (currency, amount) = chance.choice(numbers)
        part = chance.choice((amount, amount, "10.00", "-10.00"))
        more = chance.choice(("", "", chance.choice(numbers)[0], "nobody knows"))
        rows.append(f"2026-11-{chance.randint(3, 20):02},{part},{currency},Ana Horvat,{number} {more},B{n}")
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter_and_sums_agree(site: Path, tmp_path: Path, seed: int) -> None:
    rows = bank_rows(seed)
    results = []
    for turn in range(2):
        copy = tmp_path / f"copy{turn}"
        shutil.copytree(site, copy)
        random.Random(turn).shuffle(rows)
        path = csv_file(tmp_path, *rows)
        data = outcome(copy, path)
        assert len(data["booked"]) + len(data["proposed"]) + len(data["ignored"]) == len(rows)
        assert sum(Decimal(one["amount"]) for one in data["booked"]) == sum(
            Decimal(entry["amount"]) for entry in imported(copy)
        )
        again = outcome(copy, path)
        assert again["booked"] == []
        assert len(again["already"]) == len(data["booked"])
        assert builds(copy)
        results.append({name: text for name, text in snapshot(copy).items() if name.startswith("content/")})
    assert results[0] == results[1]


def test_balances_are_those_of_payments_booked_by_hand(site: Path, tmp_path: Path) -> None:
    hand = tmp_path / "hand"
    shutil.copytree(site, hand)
    for number, amount, fee in (
        ("2026-0001", "120.00", "2.05"),
        ("2026-0002", "80.00", "1.45"),
        ("2026-0001", "-20", ""),
    ):
        extra = ("--fee", fee) if fee else ()
        done = invoke(
            "pay",
            number,
            amount,
            "--method",
            "card",
            "--date",
            "2026-11-11",
            *extra,
            "--site",
            hand,
            "--today",
            DEMO_DAY,
        )
        assert done.code == 0, done
    assert load_file(site, "stripe-balance.csv").code == 0

    def books(where: Path) -> list[tuple[str, str, str, str]]:
        facts = account_facts(where)
        return [(id_, f"{one.status.balance:f}", f"{one.entries.paid:f}", one.status.money) for id_, one in facts]

    assert books(site) == books(hand)


def test_killed_anywhere_the_next_run_completes_and_books_nothing_twice(site: Path, tmp_path: Path) -> None:
    command = ("import", "payments", FIXTURES / "camt053-v02.xml", "--today", DEMO_DAY, "--site")

    def said(where: Path) -> list[tuple[str, str]]:
        return sorted((entry["source"]["row"], entry["amount"]) for entry in imported(where))

    with killer() as kills:
        whole = tmp_path / "whole"
        shutil.copytree(site, whole)
        assert kills.run(*command, whole) == 0
        assert len(said(whole)) == 3
        moments = 0
        for write in range(1, 40):
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(site, copy)
            if kills.run(*command, copy, write=write) == 0:
                break
            moments += 1
            for client in ("ana", "bert"):
                sources = [entry for entry in payments(copy, client) if "source" in entry]
                assert len(sources) in (0, 1 if client == "ana" else 2)
            assert kills.run(*command, copy) == 0
            assert said(copy) == said(whole)
            receipts = [entry["receipt_number"] for entry in imported(copy)]
            assert len(set(receipts)) == 3
        assert moments > 5


@given(st.permutations(range(5)))
@settings(max_examples=40, deadline=None)
def test_ids_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    day = with_day()
    rows = [
        day("1.00", "a", ""),
        day("1.00", "a", ""),
        day("2.00", "b", "X"),
        day("3.00", "c", "X"),
        day("4.00", "d", "Y"),
    ]
    ids = sorted((row.id, row.amount) for row in with_ids(rows))
    assert sorted((row.id, row.amount) for row in with_ids([rows[n] for n in order])) == ids
    assert len({id_ for id_, _ in ids}) == 5


def with_day() -> Any:
    """Makes rows of one day."""
    return lambda amount, text, id_: Row(
        line=1, date=dt.date(2026, 11, 3), amount=Decimal(amount), currency="EUR", text=text, id=id_
    )
