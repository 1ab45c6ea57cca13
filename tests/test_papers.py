"""Credit notes, receipts, statements and year summaries as their client reads them."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path

import msgspec
import pytest

from portalgen.rules.account import account_of
from portalgen.rules.receipts import receipts_of
from portalgen.site.bill import Addresses
from portalgen.site.offer import Offer
from portalgen.site.statements import StatementWriter
from portalgen.site.theme import load
from portalgen.site.views import StatementView
from tests.accounts import LAST, clients, practice
from tests.support import MINIMAL, MINIMAL_CLIENT, ROOT, Result, invoke, minimal_site
from tests.test_theme import invoice, rendered, site

DAY = "2026-11-21"
TODAY = dt.date(2026, 11, 21)
BANK = '{id: bank, kind: bank_sepa, label: Bank transfer, iban: "IE29 AIBK 9311 5212 3456 78"}'
METHODS = '    - {id: cash, kind: cash, label: Cash, instructions: "In the session, please."}\n'
SECOND = """\
id: 2026-0002
number: 2026-0002
issued: 2026-11-05
due: 2026-11-10
lines:
  - {description: Walk, date: 2026-11-04, unit_price: 80.00}
"""
PAYMENTS = """\
- {id: pay-1, date: 2026-11-06, amount: 100.00, currency: EUR, method: cash, reference: Thanks, receipt_number: R-2026-0001,
   allocations: [{invoice: 2026-0001, amount: 70.00}]}
- {id: pay-2, date: 2026-11-07, amount: 50.00, currency: EUR, method: bank, payer: Jelena Horvat,
   allocations: [{invoice: 2026-0001, amount: 50.00}]}
- {id: pay-3, date: 2026-11-09, amount: -20.00, currency: EUR, method: bank, allocations: [{invoice: 2026-0001, amount: -20.00}]}
- {id: pay-4, date: 2026-11-18, amount: 11.00, currency: EUR, method: bank, status: pending}
- {id: pay-5, date: 2026-11-18, amount: 12.00, currency: EUR, method: bank, status: bounced}
- {id: pay-6, date: 2026-11-18, amount: 13.00, currency: EUR, method: bank, status: failed}
- {id: pay-7, date: 2026-11-22, amount: 14.00, currency: EUR, method: bank}
"""
NOTE = """\
id: cn-1
number: CN-2026-001
invoice: 2026-0002
issued: 2026-11-12
reason: The rain was too strong.
lines:
  - {description: Half of the walk, unit_price: 30.00}
"""
FILES: dict[str, str | bytes | None] = {
    **MINIMAL_CLIENT,
    "content/site.yaml": MINIMAL["content/site.yaml"].replace(METHODS, f"{METHODS}    - {BANK}\n"),
    "content/terms/net14.yaml": "id: net14\ntitle: Two weeks\ndue: net 14\n",
    "content/clients/ana/invoices/2026-0002.yaml": SECOND,
    "content/clients/ana/payments.yaml": PAYMENTS,
    "content/clients/ana/credit-notes/cn-1.yaml": NOTE,
}
CLIENT = str(FILES["content/clients/ana/client.yaml"])


def site_with(tmp_path: Path, **more: str | None) -> Path:
    """The client Ana with these files of her folder changed; `__` in a name stands for a slash."""
    own = {f"content/clients/ana/{name.replace('__', '/')}.yaml": text for name, text in more.items()}
    return minimal_site(tmp_path / "site", {**FILES, **own})


def build(site: Path, today: str = DAY) -> Result:
    result = invoke("build", "--site", site, "--today", today, "--json")
    assert result.code == 0, result
    return result


def addresses(site: Path, today: str = DAY) -> dict[tuple[str, str], str]:
    """(kind, reference) → the folder of the link's page, below the output."""
    rows = invoke("links", "--site", site, "--today", today, "--json").json
    return {
        (row["kind"], row["ref"]): re.sub(r"^https://[^/]+/", "", row["url"]) for row in rows if row["state"] == "live"
    }


def page(site: Path, address: str) -> str:
    """The source of a page."""
    return (site / "output" / address / "index.html").read_text(encoding="utf-8")


def words(source: str) -> str:
    """What a reader reads in the main part of a page, in one line."""
    main = source[source.index("<main") : source.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def links_of(source: str) -> list[str]:
    """Where the links of a page lead, as they are written."""
    return re.findall(r'<a [^>]*href="([^"]*)"', source)


# --- receipts ------------------------------------------------------------------------------------------------------


def test_a_receipt_says_when_how_much_how_for_what_and_what_is_left(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "receipts/pay-1"))
    assert "Receipt R-2026-0001" in text
    assert "€100.00 Received on Friday 6 November 2026, thank you" in text
    assert "Received from Ana Horvat Received by Mira Lind" in text
    assert "How Cash Reference Thanks" in text
    assert "Invoice 2026-0001 2 November 2026 €50.00 left to pay €70.00 €50.00" in text
    assert "On account: I hold it for you €30.00 Total €100.00" in text


def test_a_receipt_names_a_payer_who_is_not_the_client(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "receipts/pay-2"))
    assert "Received from Jelena Horvat for Ana Horvat" in text
    assert "Receipt pay-2" in text, "without a number of its own a receipt has the payment's id"


def test_a_contact_who_pays_is_named_and_not_identified(tmp_path: Path) -> None:
    client = CLIENT + "contacts: [{id: jh, name: Jelena Horvat, role: payer, scope: billing}]\n"
    site = site_with(tmp_path, client=client, payments=PAYMENTS.replace("payer: Jelena Horvat", "payer: jh"))
    build(site)
    portal = addresses(site)["portal", "ana"]
    assert "Received from Jelena Horvat for Ana Horvat" in words(page(site, portal + "receipts/pay-2"))
    assert "paid by Jelena Horvat" in words(page(site, portal + "years/2026"))


def test_a_receipt_stays_as_it_was_when_more_is_paid(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site, "2026-11-06")
    first = page(site, addresses(site, "2026-11-06")["portal", "ana"] + "receipts/pay-1")
    build(site)
    assert page(site, addresses(site)["portal", "ana"] + "receipts/pay-1") == first


def test_money_sent_back_gets_a_receipt_of_its_own(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "receipts/pay-3"))
    assert "Refund receipt pay-3" in text
    assert "€20.00 Sent back on Monday 9 November 2026" in text
    assert "Paid back to Ana Horvat" in text
    assert "€20.00 left to pay" in text


def test_only_money_that_arrived_has_a_receipt(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    portal = addresses(site)["portal", "ana"]
    receipts = {path.parent.name for path in (site / "output" / portal / "receipts").glob("*/index.html")}
    assert receipts == {"pay-1", "pay-2", "pay-3"}
    text = words(page(site, portal))
    assert "Bank transfer €11.00 18 November 2026 · on its way" in text
    assert "Bank transfer €12.00 18 November 2026 · was returned" in text
    assert not re.search(r"€13\.00|€14\.00", text), "a payment that failed, and one of tomorrow"


def test_what_a_retainer_pays_later_does_not_change_its_receipt(tmp_path: Path) -> None:
    payments = "- {id: pay-1, date: 2026-11-01, amount: 500.00, currency: EUR, method: cash, for: retainer}\n"
    client = CLIENT + "retainer: {kind: advance, amount: 500.00, floor: 400.00}\n"
    site = site_with(tmp_path, client=client, payments=payments)
    build(site, "2026-11-01")
    first = page(site, addresses(site, "2026-11-01")["portal", "ana"] + "receipts/pay-1")
    build(site)
    assert page(site, addresses(site)["portal", "ana"] + "receipts/pay-1") == first
    assert "Paid before the work: I hold it for you €500.00" in words(first)


@pytest.mark.parametrize("seed", range(4))
def test_receipts_settle_what_the_accounts_say_is_paid(tmp_path: Path, seed: int) -> None:
    """Over accounts made by chance: no money gets lost, and where a payment came last it left the balance of today."""
    site = practice(tmp_path)
    compared = 0
    for folder in clients(site, site.shared, seed):
        account, _ = account_of(site.shared, folder, LAST)
        receipts = receipts_of(folder, account, LAST)
        for receipt in receipts:
            assert receipt.held >= 0
            assert receipt.held + sum(part.amount for part in receipt.parts) == abs(receipt.payment.amount)
        for key, facts in account.invoices.items():
            parts = [(r.payment, part) for r in receipts for part in r.parts if part.facts.invoice.id == key]
            assert facts.entries.paid == sum(p.amount if of.amount > 0 else -p.amount for of, p in parts)
            if parts and facts.entries.changed == parts[-1][0].date:
                assert parts[-1][1].left == facts.status.balance
                compared += 1
    assert compared > 3


# --- credit notes --------------------------------------------------------------------------------------------------


def test_a_credit_note_has_its_own_link_and_says_what_it_takes_back(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    text = words(page(site, addresses(site)["credit-note", "cn-1"]))
    assert "Credit note CN-2026-001 Issued on Thursday 12 November 2026" in text
    assert "€30.00 taken off invoice 2026-0002 of 5 November 2026 The rain was too strong." in text
    assert "Of this invoice €50.00 is still to pay." in text
    assert "Half of the walk" in text
    assert "Total €30.00" in text


def test_invoice_and_credit_note_link_to_each_other_and_to_nothing_else(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    found = addresses(site)
    invoice, note = found["invoice", "2026-0002"], found["credit-note", "cn-1"]
    tokens = {key: address.split("/")[1] for key, address in found.items()}
    for here, there in ((invoice, "credit-note"), (note, "invoice")):
        own = {tokens["invoice", "2026-0002"], tokens["credit-note", "cn-1"]}
        source = page(site, here)
        led = {token for token in tokens.values() if token in source} - {here.split("/")[1]}
        assert led == own - {here.split("/")[1]}, there
    assert tokens["credit-note", "cn-1"] not in page(site, found["invoice", "2026-0001"])
    portal = page(site, found["portal", "ana"])
    assert all(token in portal for key, token in tokens.items() if key != ("portal", "ana"))


def test_a_credit_note_of_tomorrow_is_not_there_yet(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site, "2026-11-11")
    assert ("credit-note", "cn-1") not in addresses(site, "2026-11-11")
    assert not any("CN-2026-001" in path.read_text() for path in (site / "output").rglob("*.html"))


def test_a_credit_note_ends_with_its_invoices_link(tmp_path: Path) -> None:
    site = site_with(
        tmp_path, invoices__2026_0002=None, **{"invoices__2026-0002": SECOND + "link: {expires: 2026-11-20}\n"}
    )
    build(site, "2026-11-20")
    rows = invoke("links", "--site", site, "--today", "2026-11-20", "--json").json
    assert {row["ref"]: row["expires"] for row in rows if row["kind"] != "portal"} == {
        "2026-0001": None,
        "2026-0002": "2026-11-20",
        "cn-1": "2026-11-20",
    }
    build(site)
    assert not any("The rain was too strong" in path.read_text() for path in (site / "output").rglob("*.html"))


def test_a_credit_note_tells_of_the_money_that_went_back(tmp_path: Path) -> None:
    payments = """\
- {id: pay-1, date: 2026-11-06, amount: 80.00, currency: EUR, method: bank, allocations: [{invoice: 2026-0002, amount: 80.00}]}
- {id: back, date: 2026-11-16, amount: -30.00, currency: EUR, method: bank, allocations: [{invoice: 2026-0002, amount: -30.00}]}
"""
    note = {"credit-notes__cn-1": NOTE + "refund: back\n"}
    site = site_with(tmp_path, payments=payments, **note)
    build(site, "2026-11-15")
    before = words(page(site, addresses(site, "2026-11-15")["credit-note", "cn-1"]))
    build(site)
    after = words(page(site, addresses(site)["credit-note", "cn-1"]))
    assert "I hold €30.00 for you." in before
    assert "back to you" not in before
    assert "I sent €30.00 back to you on Monday 16 November 2026: Bank transfer." in after
    assert "I hold" not in after


# --- statements ----------------------------------------------------------------------------------------------------


def test_a_statement_runs_from_opening_to_closing_balance(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    source = page(site, addresses(site)["portal", "ana"] + "statements/eur")
    rows = re.findall(r"<tr.*?</tr>", source[source.index('id="p-moves"') :], re.DOTALL)
    figures = [re.findall(r'<td class="figure desk">(.*?)</td>', row) for row in rows[1:]]
    assert figures == [
        ["€0.00"],
        ["€120.00", "", "€120.00"],
        ["€80.00", "", "€200.00"],
        ["", "€100.00", "€100.00"],
        ["", "€50.00", "€50.00"],
        ["€20.00", "", "€70.00"],
        ["", "€30.00", "€40.00"],
        ["€220.00", "€180.00", "€40.00"],
    ]
    text = words(source)
    assert "What happened from 2 November 2026 to" in text
    assert "Payment, receipt R-2026-0001" in text
    assert "Credit note CN-2026-001 for invoice 2026-0002" in text


def test_a_statement_says_what_is_open_how_old_it_is_and_how_to_pay_it(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "statements/eur"))
    assert "€70.00 still to pay, past its due date" in text
    assert "I hold €30.00 for you that is for no invoice yet." in text
    assert "not yet due €0.00 1 to 30 days late €70.00 31 to 60 days late €0.00" in text
    assert "IBAN IE29 AIBK 9311 5212 3456 78" in text
    assert "To be paid next, by the dates below: €40.00. What I hold for you is already taken off." in text
    assert "Amount €40.00" in text
    assert "Reference 2026-0002, 2026-0001" in text, "the oldest due first"


SPENT = PAYMENTS.replace("amount: 100.00", "amount: 70.00")
"""The same with nothing left over as credit."""


def test_a_statement_asks_for_nothing_that_is_being_discussed(tmp_path: Path) -> None:
    invoice = {"invoices__2026-0002": SECOND + "disputed: {from: 2026-11-15}\n"}
    site = site_with(tmp_path, payments=SPENT, **invoice)
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "statements/eur"))
    assert "€50.00 of it is being discussed. You need not pay that until we have agreed." in text
    assert "Reference 2026-0001" in text
    assert "Amount €20.00" in text


def test_a_statement_and_the_list_ask_for_what_is_not_in_question(tmp_path: Path) -> None:
    invoice = {"invoices__2026-0002": SECOND + "disputed: {from: 2026-11-15, amount: 20.00}\n"}
    site = site_with(tmp_path, payments=SPENT, **invoice)
    build(site)
    portal = addresses(site)["portal", "ana"]
    text = words(page(site, portal + "statements/eur"))
    assert "€20.00 of it is being discussed." in text
    assert "Amount €50.00" in text
    assert "Being discussed in part, €30.00 still to pay" in text
    assert "Being discussed in part, €30.00 still to pay" in words(page(site, portal))


def test_money_on_its_way_stands_on_the_statement_and_in_the_list_and_is_not_asked_for_again(tmp_path: Path) -> None:
    coming = SPENT.replace("status: pending", "status: pending, allocations: [{invoice: 2026-0002, amount: 11.00}]")
    site = site_with(tmp_path, payments=coming)
    build(site)
    portal = addresses(site)["portal", "ana"]
    text = words(page(site, portal + "statements/eur"))
    assert "€11.00 is on its way to me." in text
    assert "€11.00 on its way" in text
    assert "Amount €59.00" in text
    assert "€11.00 on its way" in words(page(site, portal))


def test_a_security_is_named_once_and_stands_in_no_balance(tmp_path: Path) -> None:
    held = "- {id: s, date: 2026-11-03, amount: 55.00, currency: EUR, method: cash, for: retainer}\n"
    client = CLIENT + "retainer: {kind: security, amount: 55.00}\n"
    site = site_with(tmp_path, payments=held, client=client)
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "statements/eur"))
    assert text.count("€55.00") == text.count("I hold €55.00 as your security deposit, apart from this account.") == 1
    assert "Closing balance €200.00 €30.00 €170.00" in text


QR_BANK = '{id: slip, kind: swiss_qr, label: QR-bill, iban: "CH44 3199 9123 0008 8901 2", qr: false}'


def test_a_statement_over_several_invoices_leaves_out_an_account_that_takes_one_reference_only(tmp_path: Path) -> None:
    own = {"content/site.yaml": str(FILES["content/site.yaml"]).replace(BANK, QR_BANK)}
    ways = []
    for n, note in enumerate((NOTE, NOTE.replace("30.00", "80.00"))):
        files = {**FILES, **own, "content/clients/ana/credit-notes/cn-1.yaml": note}
        payments = SPENT.replace("method: bank", "method: slip")
        site = minimal_site(tmp_path / str(n), {**files, "content/clients/ana/payments.yaml": payments})
        build(site)
        ways.append(words(page(site, addresses(site)["portal", "ana"] + "statements/eur")))
    assert "CH44 3199 9123 0008 8901 2" not in ways[0]
    assert "CH44 3199 9123 0008 8901 2" in ways[1]
    assert re.search(r"Reference (\d\d )?(\d{5} ){4,5}", ways[1])


def test_each_currency_has_its_statement_and_its_year(tmp_path: Path) -> None:
    payments = PAYMENTS + "- {id: pay-9, date: 2026-11-19, amount: 15.00, currency: USD, method: cash}\n"
    payments += "- {id: pay-0, date: 2025-12-30, amount: 1.00, currency: EUR, method: cash}\n"
    site = site_with(tmp_path, payments=payments)
    build(site)
    portal = addresses(site)["portal", "ana"]
    folders = {
        name: {path.parent.name for path in (site / "output" / portal / name).glob("*/index.html")}
        for name in ("statements", "years")
    }
    assert folders == {"statements": {"eur", "usd"}, "years": {"2025", "2026-eur", "2026-usd"}}
    text = words(page(site, portal + "statements/usd"))
    assert "Statement of account in USD" in text
    assert "€" not in text
    assert "../eur/index.html" in links_of(page(site, portal + "statements/usd"))
    assert "A balance below zero is yours: I hold US$15.00 for you." in text


def test_a_void_invoice_counts_in_no_statement_and_keeps_its_page(tmp_path: Path) -> None:
    invoice = {
        "invoices__2026-0002": SECOND + "void: {date: 2026-11-06, reason: Private}\n",
        "credit-notes__cn-1": None,
    }
    site = site_with(tmp_path, **invoice)
    own = site / "content/site.yaml"
    own.write_text(own.read_text(encoding="utf-8").replace("pdf: false", "pdf: true"), encoding="utf-8")
    build(site)
    found = addresses(site)
    assert "Void This invoice was cancelled." in words(page(site, found["invoice", "2026-0002"]))
    files = {key: sorted((site / "output" / found["invoice", key]).glob("*.pdf")) for key in ("2026-0001", "2026-0002")}
    assert [len(one) for one in files.values()] == [1, 0], "paper that asks for money outlives the mark on the page"
    assert ".pdf" not in page(site, found["invoice", "2026-0002"])
    assert "2026-0002" not in words(page(site, found["portal", "ana"] + "statements/eur"))


def test_a_quiet_day_changes_no_paper_and_a_statement_names_the_day_it_changed(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site, "2026-11-24")
    assert build(site, "2026-11-28").json["written"] == 0
    build(site, "2026-12-16")
    text = words(page(site, addresses(site)["portal", "ana"] + "statements/eur"))
    assert "as of Friday 11 December 2026" in text
    assert "1 to 30 days late €20.00 31 to 60 days late €50.00" in text


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_of_a_statement_agree_and_it_names_the_day_it_changed(tmp_path: Path, seed: int) -> None:
    """Over accounts made by chance, day after day."""
    site = practice(tmp_path)
    changes = 0
    for folder in clients(site, site.shared, seed, count=2):
        before: dict[str, StatementView] = {}
        for n in range(160):
            day = dt.date(2025, 3, 1) + dt.timedelta(days=n)
            account, _ = account_of(site.shared, folder, day)
            writer = StatementWriter(site.shared, Offer(site.shared, day, {}), day)
            found = writer.statements(folder, account, Addresses("p/x/", lambda of, ref: f"p/{of}-{ref}/"))
            now = {view.currency: msgspec.structs.replace(view, others=()) for _, view in found}
            for currency, view in now.items():
                balances = [view.opening.amount, *(row.balance.amount for row in view.rows)]
                assert balances[-1] == view.closing.amount
                assert view.opening.amount + view.charges.amount - view.credits.amount == view.closing.amount
                assert view.open.amount - view.unapplied.amount == view.closing.amount
                assert sum(age.amount for age in msgspec.structs.astuple(view.ageing)) == view.open.amount
                assert sum(row.balance.amount for row in view.outstanding) == view.open.amount
                if currency in before and before[currency] != view:
                    changes += 1
                    assert view.end == day
            before = now
    assert changes > 10


# --- years ---------------------------------------------------------------------------------------------------------


def test_a_year_says_what_was_paid_when_for_what_and_to_whom(tmp_path: Path) -> None:
    tax = "  tax: {status: registered, vat_id: IE1234567FA}\n"
    line = "{description: Walk, date: 2026-11-04, unit_price: 100.00, tax: {category: S, rate: 23}}"
    site = minimal_site(
        tmp_path / "site",
        {
            **FILES,
            "content/site.yaml": str(FILES["content/site.yaml"]).replace("  methods:\n", f"{tax}  methods:\n"),
            "content/clients/ana/invoices/2026-0001.yaml": None,
            "content/clients/ana/credit-notes/cn-1.yaml": None,
            "content/clients/ana/invoices/2026-0002.yaml": SECOND.replace(SECOND.splitlines()[-1].strip(" -"), line),
            "content/clients/ana/payments.yaml": (
                "- {id: pay-1, date: 2026-11-06, amount: 61.50, currency: EUR, method: cash, allocations: [{invoice: 2026-0002, amount: 61.50}]}\n"
                "- {id: pay-2, date: 2026-11-07, amount: 10.00, currency: EUR, method: cash}\n"
            ),
        },
    )
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"] + "years/2026"))
    assert "Paid in 2026 as of Saturday 7 November 2026 €71.50 paid in 2026 €11.50 of it is VAT." in text
    assert "For Ana Horvat" in text
    assert "VAT number: IE1234567FA" in text
    assert "6 November 2026, Cash Walk 4 November 2026 Invoice 2026-0002 Cash Receipt pay-1 €11.50 €61.50" in text
    assert "On account" in text
    assert "VAT 23% on €50.00 €11.50" in text
    assert "Total €11.50 €71.50" in text


def test_who_paid_nothing_has_no_year_and_no_receipt(tmp_path: Path) -> None:
    site = site_with(tmp_path, payments=None)
    build(site)
    portal = addresses(site)["portal", "ana"]
    assert not (site / "output" / portal / "years").exists()
    assert not (site / "output" / portal / "receipts").exists()
    assert "Payments and receipts" not in words(page(site, portal))


def test_a_new_client_has_no_papers_at_all(tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", {**MINIMAL_CLIENT, "content/clients/ana/invoices/2026-0001.yaml": None})
    build(site)
    text = words(page(site, addresses(site)["portal", "ana"]))
    assert "Your invoices will be here" in text
    assert "For your records" not in text


def test_a_paper_with_a_file_to_keep_offers_it() -> None:
    theme, findings = load(ROOT / "nowhere", site())
    assert not findings
    without = rendered(theme, "invoice.html", invoice(), private=True)
    with_file = rendered(theme, "invoice.html", invoice(pdf="invoice-2026-0042.pdf"), private=True)
    assert '<a href="invoice-2026-0042.pdf" download>PDF</a>' in with_file
    assert "PDF" not in without
