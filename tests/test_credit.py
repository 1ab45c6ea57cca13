"""`portalgen credit`: all or part of an issued invoice, never more than it has under a tax."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Result, invoke, minimal_site
from tests.test_issue import ANA, codes, rows, snapshot

REGISTERED = MINIMAL["content/site.yaml"].replace(
    "  methods:\n", "  tax: {status: registered, vat_id: IE1234567WA}\n  methods:\n"
)
MIXED = """\
id: 2026-0002
number: 2026-0002
issued: 2026-11-03
lines:
  - {description: Report, date: 2026-11-01, quantity: 2, unit: hour, unit_price: 50.00, tax: {category: S, rate: 23}}
  - {description: Care, unit_price: 80.00, tax: {category: E, rate: 0, reason: Medical care}}
  - {description: Travel, unit_price: 10.00, discount: {percent: 50, reason: Shared}, tax: {category: S, rate: 23}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Ana's invoice over 120.00 and one with two taxes, and a draft."""
    files = {
        **MINIMAL_CLIENT,
        "content/site.yaml": REGISTERED,
        ANA + "invoices/2026-0001.yaml": MINIMAL_CLIENT[ANA + "invoices/2026-0001.yaml"].replace(
            "60.00}", "60.00, tax: {category: Z, rate: 0}}"
        ),
        ANA + "invoices/2026-0002.yaml": MIXED,
        ANA
        + "invoices/draft.yaml": "id: draft\nlines: [{description: A, unit_price: 1, tax: {category: Z, rate: 0}}]\n",
    }
    return minimal_site(tmp_path, files)


def credit(site: Path, *args: str) -> Result:
    """`portalgen credit` on the demo's day, with a reason."""
    return invoke("credit", *args, "--reason", "It was shorter", "--site", site, "--today", DEMO_DAY)


def test_all_of_an_invoice_is_taken_back(site: Path) -> None:
    result = credit(site, "2026-0001", "--full", "--json")
    assert result.code == 0, result
    assert result.json == {
        "id": "cn-2026-0001",
        "client": "ana",
        "invoice": "2026-0001",
        "number": "CN-2026-0001",
        "issued": DEMO_DAY,
        "amount": "120.00",
        "currency": "EUR",
        "open": "0.00",
        "path": ANA + "credit-notes/cn-2026-0001.yaml",
        "problems": [],
    }
    assert (site / ANA / "credit-notes/cn-2026-0001.yaml").read_text(encoding="utf-8") == (
        "id: cn-2026-0001\n"
        "number: CN-2026-0001\n"
        "invoice: 2026-0001\n"
        "issued: 2026-11-21\n"
        "reason: It was shorter\n"
        "full: true\n"
    )
    assert rows(site)["CN-2026-0001"]["id"] == "cn-2026-0001"
    built = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert (built.code, built.json["problems"]) == (0, [])


def test_lines_are_taken_back_as_they_were_invoiced(site: Path) -> None:
    result = credit(site, "2026-0002", "--line", "3", "--line", "1", "--line", "2=20.00", "--json")
    assert result.json["amount"] == "149.15"  # 5.00 and 100.00 with 23 %, and 20.00
    text = (site / result.json["path"]).read_text(encoding="utf-8")
    assert text.partition("lines:\n")[2] == (
        "  - description: Travel\n"
        "    unit: item\n"
        "    unit_price: 10.00\n"
        "    discount: {percent: 50, reason: Shared}\n"
        "    tax: {category: S, rate: 23}\n"
        "  - description: Report\n"
        "    date: 2026-11-01\n"
        "    quantity: 2\n"
        "    unit: hour\n"
        "    unit_price: 50.00\n"
        "    tax: {category: S, rate: 23}\n"
        "  - description: Care\n"
        "    unit_price: 20.00\n"
        "    tax: {category: E, rate: 0, reason: Medical care}\n"
    )


def test_an_amount_is_taken_back_under_the_invoices_tax(site: Path) -> None:
    result = credit(site, "2026-0001", "--amount", "30", "--description", "Half an hour less")
    assert result.code == 0, result
    assert "Credit note CN-2026-0001 for Ana Horvat: 30.00 EUR of 2026-0001, 90.00 EUR still open." in result.stdout


def test_what_was_paid_already_is_the_clients_credit(site: Path) -> None:
    assert invoke("pay", "2026-0001", "120", "--site", site, "--today", DEMO_DAY).code == 0
    result = credit(site, "2026-0001", "--line", "1=20")
    assert "20.00 EUR was paid already" in result.stdout
    assert "portalgen pay 2026-0001 -20.00" in result.stdout


def test_never_more_than_the_invoice_has_under_a_tax(site: Path) -> None:
    assert credit(site, "2026-0002", "--line", "2=50").code == 0
    before = snapshot(site)
    result = credit(site, "2026-0002", "--line", "2=30.01")
    assert result.code == 2
    assert "more than the invoice has left under the tax E 0 %; credit at most 30.00 before tax" in result.stderr
    assert ".yaml" not in result.stderr
    assert snapshot(site) == before
    assert credit(site, "2026-0002", "--line", "2=30").code == 0
    assert "nothing left under the tax E 0 %" in credit(site, "2026-0002", "--line", "2=0.01").stderr


def test_full_after_others_is_the_rest(site: Path) -> None:
    assert credit(site, "2026-0002", "--line", "2=50", "--line", "3").code == 0
    rest = credit(site, "2026-0002", "--full", "--json").json
    assert (rest["amount"], rest["open"]) == ("153.00", "0.00")  # 100.00 with 23 %, and 30.00 of the care
    issued = rows(site)["CN-2026-0002"]["document"]["totals"]
    assert [(line["description"], line["unit_price"]) for line in issued["lines"]] == [
        ("Report", "50.00"),
        ("Care", "30.00"),
    ]
    built = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert (built.code, built.json["problems"]) == (0, [])
    assert "nothing is left of '2026-0002'" in credit(site, "2026-0002", "--full").stderr


def test_a_percentage_off_the_whole_invoice_is_one_off_the_line(site: Path) -> None:
    path = site / ANA / "invoices/2026-0001.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "discount: {percent: 10, reason: Friends}\n", encoding="utf-8")
    assert credit(site, "2026-0001", "--line", "1", "--json").json["amount"] == "108.00"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("2026-0001",), "say what to take back"),
        (("2026-0001", "--full", "--line", "1"), "say what to take back"),
        (("2026-0001", "--amount", "5"), "belong together"),
        (("2026-0001", "--line", "2"), "the invoice has 1 line"),
        (("2026-0001", "--line", "one"), "names no line"),
        (("2026-0001", "--line", "1=1,50"), "write 1.50"),
        (("2026-0001", "--line", "1=0"), "takes nothing back"),
        (("2026-0001", "--line", "1=0.001"), "more decimals"),
        (("2026-0002", "--amount", "5", "--description", "x"), "several tax rates"),
        (("draft", "--full"), "is a draft and cannot be credited"),
        (("2026-0001", "--full", "--date", "2026-11-01"), "older than its invoice"),
        (("nothing", "--full"), "there is no invoice"),
    ],
)
def test_what_cannot_be_credited_is_said_and_nothing_is_written(site: Path, args: tuple[str, ...], said: str) -> None:
    before = snapshot(site)
    result = credit(site, *args)
    assert result.code == 2, result
    assert said in result.stderr
    assert snapshot(site) == before


def test_a_number_that_is_younger_than_the_one_before_is_told(site: Path) -> None:
    assert credit(site, "2026-0002", "--line", "3").code == 0
    args = ("2026-0002", "--line", "1", "--date", "2026-11-10")
    assert codes(credit(site, *args, "--json")) == ["number-order"]
    built = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert codes(built) == ["number-order"]


def test_a_reason_that_is_empty_is_none(site: Path) -> None:
    result = invoke("credit", "2026-0001", "--full", "--reason", " ", "--site", site, "--today", DEMO_DAY)
    assert (result.code, "--reason is empty" in result.stderr) == (2, True)


def test_a_line_bears_its_part_of_what_was_taken_off_the_whole_invoice(site: Path) -> None:
    path = site / ANA / "invoices/2026-0002.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "discount: {amount: 18.50, reason: Old}\n", encoding="utf-8")
    done = credit(site, "2026-0002", "--line", "2", "--json").json  # 8.00 of the 18.50 are off the care
    assert done["amount"] == "72.00"
    assert "discount: {amount: 8.00, reason: Old}" in (site / done["path"]).read_text(encoding="utf-8")
    assert credit(site, "2026-0002", "--line", "3", "--line", "1", "--json").json["open"] == "0.00"


def test_a_void_invoice_is_not_credited(site: Path) -> None:
    path = site / ANA / "invoices/2026-0001.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "void: {date: 2026-11-03, reason: x}\n", encoding="utf-8")
    assert codes(credit(site, "2026-0001", "--full", "--json")) == ["credited-draft"]


def test_an_id_that_is_taken_is_not_taken_again(site: Path) -> None:
    other = "id: cn-2026-0001\nnumber: OLD-7\ninvoice: 2026-0002\nissued: 2026-11-10\nreason: x\n"
    path = site / ANA / "credit-notes/cn-2026-0001.yaml"
    path.parent.mkdir()
    path.write_text(
        other + "lines: [{description: A, unit_price: 1, tax: {category: S, rate: 23}}]\n", encoding="utf-8"
    )
    assert credit(site, "2026-0001", "--full", "--json").json["id"] == "cn-2026-0001-2"
