"""`portalgen pay`: an entry at the end of payments.yaml, allocated so that invoice, credit and receipt agree."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Result, invoke, minimal_site
from tests.test_issue import ANA, codes, snapshot

METHODS = MINIMAL["content/site.yaml"].replace(
    "  methods:\n",
    "  methods:\n"
    "    - {id: dollars, kind: zelle, label: Zelle, account_name: Mira Lind, handle: mira@practice.example,"
    " currencies: [USD], order: 1}\n"
    "    - {id: card, kind: card_in_person, label: Card}\n",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Ana's invoice 2026-0001 over 120.00 and her draft."""
    draft = {ANA + "invoices/draft.yaml": "id: draft\nlines: [{description: A, unit_price: 1}]\n"}
    return minimal_site(tmp_path, {**MINIMAL_CLIENT, **draft, "content/site.yaml": METHODS})


def pay(site: Path, *args: str) -> Result:
    """`portalgen pay` on the demo's day."""
    return invoke("pay", *args, "--site", site, "--today", DEMO_DAY)


def entries(site: Path) -> list[dict[str, Any]]:
    """What payments.yaml holds, every scalar a text."""
    found: list[dict[str, Any]] = yaml.load(
        (site / ANA / "payments.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader
    )
    return found


def builds(site: Path) -> bool:
    """Whether the site builds with every account adding up."""
    return invoke("check", "--site", site, "--today", DEMO_DAY).code == 0


def test_a_payment_names_its_invoice_and_its_client(site: Path) -> None:
    assert pay(site, "2026-0001", "50.00").stdout.startswith(
        f"Booked 50.00 EUR by cash on {DEMO_DAY} for 2026-0001, Ana"
    )


def test_a_payment_is_an_entry_at_the_end_with_a_receipt(site: Path) -> None:
    result = pay(site, "2026-0001", "50.00", "--reference", "Session: March", "--json")
    assert result.code == 0, result
    assert (site / ANA / "payments.yaml").read_text(encoding="utf-8") == (
        "- id: pay-2026-11-21\n"
        "  date: 2026-11-21\n"
        "  amount: 50.00\n"
        "  currency: EUR\n"
        "  method: cash\n"
        "  reference: 'Session: March'\n"
        "  receipt_number: R-2026-0001\n"
        "  allocations:\n"
        "    - {invoice: 2026-0001, amount: 50.00}\n"
    )
    assert result.json == {
        "id": "pay-2026-11-21",
        "client": "ana",
        "invoice": "2026-0001",
        "date": DEMO_DAY,
        "amount": "50.00",
        "currency": "EUR",
        "method": "cash",
        "receipt_number": "R-2026-0001",
        "allocated": "50.00",
        "unallocated": "0.00",
        "open": "70.00",
        "path": ANA + "payments.yaml",
    }
    assert builds(site)


def test_every_option_stands_in_the_entry(site: Path) -> None:
    said = {"date": "2026-11-19", "method": "card", "reference": "R7", "payer": "Ben", "currency": "EUR"}
    said |= {"rate": "1.1", "fee": "1.5", "status": "pending", "note": "two\nlines"}
    options = [word for key, value in said.items() for word in (f"--{key}", value)]
    assert pay(site, "ana/2026-0001", "120", *options).code == 0
    assert entries(site) == [
        {
            "id": "pay-2026-11-19",
            "date": "2026-11-19",
            "amount": "120.00",
            "currency": "EUR",
            "method": "card",
            "payer": "Ben",
            "reference": "R7",
            "fee": "1.5",
            "status": "pending",
            "rate": "1.1",
            "note": "two\nlines",
            "allocations": [{"invoice": "2026-0001", "amount": "120.00"}],
        }
    ]
    assert builds(site)


def test_what_is_more_than_was_open_stays_as_credit(site: Path) -> None:
    result = pay(site, "2026-0001", "130")
    assert "10.00 EUR more than was open: it stays as the credit of Ana Horvat." in result.stdout
    assert "2026-0001 is paid." in result.stdout
    assert entries(site)[0]["allocations"] == [{"invoice": "2026-0001", "amount": "120.00"}]
    again = pay(site, "2026-0001", "5", "--json").json
    assert (again["allocated"], again["unallocated"], again["id"]) == ("0.00", "5.00", "pay-2026-11-21-2")
    assert "allocations" not in entries(site)[1]
    assert builds(site)


def test_the_method_is_the_one_the_client_used_last(site: Path) -> None:
    assert pay(site, "2026-0001", "10", "--date", "2026-11-10", "--json").json["method"] == "cash"
    assert pay(site, "2026-0001", "10", "--date", "2026-11-12", "--method", "card").code == 0
    assert pay(site, "2026-0001", "10", "--json").json["method"] == "card"


def test_a_refund_takes_credit_first_and_then_opens_the_invoice(site: Path) -> None:
    assert pay(site, "2026-0001", "130").code == 0
    first = pay(site, "2026-0001", "-10", "--json").json
    assert (first["allocated"], first["unallocated"], first["open"]) == ("0.00", "-10.00", "0.00")
    second = pay(site, "2026-0001", "-20", "--json").json
    assert (second["allocated"], second["open"]) == ("-20.00", "20.00")
    assert builds(site)
    too_much = pay(site, "2026-0001", "-101")
    assert too_much.code == 2
    assert "100.00 EUR was paid for '2026-0001', so 101.00 cannot go back" in too_much.stderr


def test_a_refund_after_a_credit_note_pays_back_what_was_too_much(site: Path) -> None:
    assert pay(site, "2026-0001", "120").code == 0
    assert invoke("credit", "2026-0001", "--full", "--reason", "Ill", "--site", site, "--today", DEMO_DAY).code == 0
    back = pay(site, "2026-0001", "-120", "--json").json
    assert (back["allocated"], back["open"]) == ("-120.00", "0.00")
    assert builds(site)


def test_what_was_written_off_cannot_be_credited_too(site: Path) -> None:
    path = site / ANA / "invoices/2026-0001.yaml"
    text = path.read_text(encoding="utf-8") + "write_off: {date: 2026-11-03, amount: 120.00, reason: x}\n"
    path.write_text(text, encoding="utf-8")
    refused = invoke("credit", "2026-0001", "--line", "1=20", "--reason", "x", "--site", site, "--today", DEMO_DAY)
    assert refused.code == 2
    assert "take the write-off back first" in refused.stderr
    assert not (site / ANA / "credit-notes").exists()


def test_what_was_drawn_from_money_paid_ahead_goes_back_after_a_credit_note(site: Path) -> None:
    money = "- {id: p1, date: 2026-11-01, amount: 120.00, currency: EUR, method: cash, auto: true}\n"
    (site / ANA / "payments.yaml").write_text(money, encoding="utf-8")
    refused = pay(site, "2026-0001", "-20")
    assert refused.code == 2
    assert "120.00 EUR of what was paid for '2026-0001' was drawn from money paid ahead" in refused.stderr
    assert "payments.yaml" not in refused.stderr
    note = ("credit", "2026-0001", "--line", "1=20", "--reason", "x")
    assert invoke(*note, "--site", site, "--today", DEMO_DAY).code == 0
    assert pay(site, "2026-0001", "-20", "--json").json["unallocated"] == "-20.00"
    assert builds(site)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("2026-0001", "12,50"), "write 12.50"),
        (("2026-0001", "1,250.00"), "write 1250.00"),
        (("2026-0001", "12.505"), "write 12.51"),
        (("2026-0001", "0"), "zero"),
        (("2026-0001", "ten"), "not an amount"),
        (("2026-0001", "10", "--currency", "USD"), "in EUR"),
        (("2026-0001", "10", "--method", "gold"), "site.yaml has"),
        (("2026-0001", "10", "--fee", "0.001"), "decimals"),
        (("2026-0001", "10", "--date", "21.11.2026"), "write 2026-11-21"),
        (("2026-0001", "10", "--note", "\x07"), "control character"),
        (("2026-0002", "10"), "did you mean 2026-0001"),
        (("draft", "10"), "portalgen issue draft"),
        (("2026-0001", "-1"), "cannot go back"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_written(site: Path, args: tuple[str, ...], said: str) -> None:
    before = snapshot(site)
    result = pay(site, *args)
    assert result.code == 2, result
    assert said in result.stderr
    assert snapshot(site) == before


def test_odd_dates_are_told(site: Path) -> None:
    early = pay(site, "2026-0001", "5", "--date", "2026-11-01").stdout
    assert "That is before the invoice of 2026-11-02" in early
    later = pay(site, "2026-0001", "5", "--date", "2026-11-30").stdout
    assert "It counts from 2026-11-30 on: 115.00 EUR open until then." in later


def test_a_void_invoice_takes_no_money(site: Path) -> None:
    path = site / ANA / "invoices/2026-0001.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "void: {date: 2026-11-03, reason: x}\n", encoding="utf-8")
    assert codes(pay(site, "2026-0001", "5", "--json")) == ["void-paid"]


def test_a_list_in_brackets_is_refused_with_its_place(site: Path) -> None:
    path = site / ANA / "payments.yaml"
    path.write_text("[{id: a, date: 2026-11-03, amount: 1, currency: EUR, method: cash}]\n", encoding="utf-8")
    result = pay(site, "2026-0001", "5", "--json")
    assert (result.code, codes(result)) == (2, ["not-a-block"])
    assert result.json["problems"][0]["path"] == ANA + "payments.yaml"


def test_without_a_method_for_the_currency_one_has_to_be_named(site: Path) -> None:
    only = "  methods:\n    - {id: dollars, kind: zelle, label: Z, instructions: x, currencies: [USD]}\nbase_url:"
    text = METHODS[: METHODS.index("  methods:")] + only + METHODS.partition("base_url:")[2]
    (site / "content/site.yaml").write_text(text, encoding="utf-8")
    (site / "content/terms/net14.yaml").write_text("id: net14\ndue: net 14\n", encoding="utf-8")
    result = pay(site, "2026-0001", "5")
    assert result.code == 2
    assert "no way to pay in EUR" in result.stderr


@settings(max_examples=15)
@given(st.lists(st.integers(-9000, 20000).filter(bool), min_size=1, max_size=5))
def test_whatever_is_booked_the_account_adds_up(tmp_path_factory: pytest.TempPathFactory, cents: list[int]) -> None:
    site = minimal_site(tmp_path_factory.mktemp("pay"), MINIMAL_CLIENT)
    booked = Decimal(0)
    for amount in (Decimal(one) / 100 for one in cents):
        result = pay(site, "2026-0001", f"{amount:.2f}", "--json")
        assert result.code == (0 if booked + amount >= 0 else 2), result
        if result.code == 0:
            booked += amount
            data = result.json
            assert Decimal(data["allocated"]) + Decimal(data["unallocated"]) == amount
    assert builds(site)
    if booked > 120 and len(cents) == 1:
        assert Decimal(pay(site, "2026-0001", "1", "--json").json["open"]) == 0


def test_money_held_as_a_security_is_not_paid_back_for_an_unpaid_invoice(tmp_path: Path) -> None:
    site = tmp_path / "demo"
    for name in ("content", "templates"):
        shutil.copytree(Path(__file__).parents[1] / name, site / name)
    before = snapshot(site)
    result = invoke("pay", "2026-0033", "--site", site, "--today", DEMO_DAY, "--", "-5.00")
    assert (result.code, "error[over-refunded]" in result.stderr) == (2, True), result
    assert snapshot(site) == before
