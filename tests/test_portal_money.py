"""What a client's own page says of money beside the invoices: papers, retainer, packages, what comes next."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import minimal_site
from tests.test_papers import CLIENT, FILES, PAYMENTS, addresses, build, page, site_with, words

INVOICE_LINK = r"Invoice <span[^>]*>([\w-]+)</span></a>"
SERVICE = "---\nname: Counselling\nprice: 60.00\nduration_minutes: 50\n---\n"
POLICY = """\
---
title: Cancelling
kind: cancellation
effective: 2026-01-01
notice_hours: 24
fee: 50%
---
Until a day before.
"""
RECURRING = """\
recurring:
  - {id: ana-room, every: 1m, from: 2026-01-31, lines: [{description: Standing hour, unit_price: 55.00}]}
  - {id: ana-year, every: 1y, from: 2026-02-01, lines: [{description: Report, unit_price: 90.00}]}
"""


def portal(site: Path, today: str = "2026-11-21") -> str:
    """What Ana reads on her page."""
    return words(page(site, addresses(site, today)["portal", "ana"]))


def served_site(tmp_path: Path, client: str = "", **more: str | None) -> Path:
    """The practice with a service and a rule for missed sessions, and Ana with these lines more in her file."""
    own = {f"content/clients/ana/{name}.yaml": text for name, text in more.items()}
    files = {
        **FILES,
        "content/services/talk.md": SERVICE,
        "content/policies/cancellation.md": POLICY,
        "content/clients/ana/client.yaml": CLIENT + client,
        **own,
    }
    return minimal_site(tmp_path / "site", files)


def test_the_page_lists_credit_notes_with_their_invoices_and_the_papers(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    build(site)
    text = portal(site)
    assert "Credit note CN-2026-001 of 12 November 2026 -€30.00 Invoice 2026-0001" in text
    assert "For your records Statement of account as of 18 November 2026 Paid in 2026 €130.00" in text
    assert "Refund receipt pay-3 -€20.00 9 November 2026 · Bank transfer" in text
    assert "Receipt R-2026-0001 €100.00 6 November 2026 · Cash" in text


def test_paid_invoices_of_long_ago_are_folded_away_and_open_ones_are_not(tmp_path: Path) -> None:
    invoices = {
        f"content/clients/ana/invoices/2026-010{n}.yaml": (
            f"id: 2026-010{n}\nnumber: 2026-010{n}\nissued: 2026-10-0{n}\nlines: [{{description: Walk, unit_price: 10.00}}]\n"
        )
        for n in range(1, 9)
    }
    paid = "- {id: pay-1, date: 2026-10-20, amount: 10.00, currency: EUR, method: cash, allocations: [{invoice: 2026-0101, amount: 10.00}]}\n"
    site = minimal_site(tmp_path / "site", {**FILES, **invoices, "content/clients/ana/payments.yaml": paid})
    build(site)
    source = page(site, addresses(site)["portal", "ana"])
    folded = source[source.index("<details>") : source.index("</details>")]
    assert "Earlier invoices" in folded
    assert re.findall(INVOICE_LINK, folded) == ["2026-0101"]
    assert len(re.findall(INVOICE_LINK, source)) == 10


def test_an_advance_shows_its_balance_what_drew_on_it_and_what_to_add(tmp_path: Path) -> None:
    paid = "- {id: pay-1, date: 2026-11-01, amount: 150.00, currency: EUR, method: cash, for: retainer}\n"
    retainer = "retainer: {kind: advance, amount: 300.00, floor: 100.00}\n"
    note = {"content/clients/ana/credit-notes/cn-1.yaml": None, "content/clients/ana/invoices/2026-0002.yaml": None}
    site = minimal_site(
        tmp_path / "site",
        {
            **FILES,
            **note,
            "content/clients/ana/client.yaml": CLIENT + retainer,
            "content/clients/ana/payments.yaml": paid,
        },
    )
    build(site)
    text = portal(site)
    assert "Paid in advance €30.00 of €300.00 as agreed Your invoices are paid from it." in text
    assert "When it falls below €100.00 I ask you to fill it up." in text
    assert "Please fill it up with €270.00." in text
    assert "Invoice 2026-0001 -€120.00 2 November 2026 · balance €30.00" in text
    now = text[: text.index("Invoices")]
    assert "There is nothing to pay." in now
    assert "€270.00 is to pay in advance: see what it is for" in now
    assert "I hold" not in now, "money bound to the retainer is no free credit"


@pytest.mark.parametrize(
    ("retainer", "said"),
    [
        ("{kind: security, amount: 200.00, due: 2026-12-01}", "Please pay €200.00 by Tuesday 1 December 2026."),
        ("{kind: security, amount: 200.00}", "It stays yours. When we finish I send it back"),
        ("{kind: security, amount: 200.00, refundable: false}", "I keep it safe until we finish"),
        (
            "{kind: availability, amount: 90.00, from: 2026-01-01}",
            "For €90.00 I keep time for you since 1 January 2026.",
        ),
        (
            "{kind: engagement, amount: 90.00, covers: [talk]}",
            "For €90.00 I keep time for you. It covers: Counselling.",
        ),
    ],
)
def test_each_kind_of_retainer_says_what_it_is(tmp_path: Path, retainer: str, said: str) -> None:
    site = served_site(tmp_path, f"retainer: {retainer}\n")
    build(site)
    assert said in portal(site)


def test_a_fee_that_returns_every_month_says_so(tmp_path: Path) -> None:
    series = "{id: ana-here, every: 1m, from: 2026-01-01, lines: [{description: Being there, unit_price: 90.00}]}"
    retainer = "retainer: {kind: availability, amount: 90.00, from: 2026-01-01}\n"
    site = served_site(tmp_path, f"{retainer}recurring: [{series}]\n")
    build(site)
    assert "For €90.00 per month I keep time for you since 1 January 2026." in portal(site)


def test_a_retainer_that_is_over_and_empty_is_no_longer_shown(tmp_path: Path) -> None:
    site = served_site(tmp_path, "retainer: {kind: availability, amount: 90.00, from: 2026-01-01, until: 2026-11-20}\n")
    build(site, "2026-11-20")
    assert "Your retainer" in portal(site, "2026-11-20")
    build(site)
    assert "Your retainer" not in portal(site)


def test_packages_say_what_is_left_and_until_when(tmp_path: Path) -> None:
    packages = """\
packages:
  - {id: now, service: talk, sessions: 5, bought: 2026-10-01, expires: 2027-03-31, price: 250.00}
  - {id: old, service: talk, sessions: 3, bought: 2026-01-01, expires: 2026-06-30, price: 150.00}
  - {id: done, service: talk, sessions: 1, bought: 2025-01-01, expires: 2025-12-31, price: 50.00}
"""
    held = "\n".join(
        f"- {{id: s{n}, start: {day}T10:00:00+00:00, service: talk, status: held}}"
        for n, day in enumerate(("2025-03-01", "2026-02-01", "2026-11-12", "2026-11-19"))
    )
    site = served_site(tmp_path, packages, sessions=held + "\n")
    build(site)
    text = portal(site)
    assert "Counselling 3 of 5 left, to use until 31 March 2027" in text
    assert "2 sessions were left on 30 June 2026, the last day to use them." in text
    assert "are used" not in text, "an old package that was used up"
    assert "Not yet invoiced" not in text


def test_what_waits_is_listed_but_no_fee_that_may_still_be_let_go(tmp_path: Path) -> None:
    sessions = """\
- {id: s1, start: 2026-11-12T10:00:00+00:00, service: talk, status: held}
- {id: s2, start: 2026-11-19T10:00:00+00:00, service: talk, status: no_show}
- {id: s3, start: 2026-11-26T10:00:00+00:00, service: talk}
"""
    charges = "charges: [{id: book, date: 2026-11-10, description: Workbook, amount: 24.00}]\n"
    site = served_site(tmp_path, charges, sessions=sessions)
    build(site)
    text = portal(site)
    waits = text[text.index("Not yet invoiced") : text.index("For your records")]
    assert waits.strip() == "Not yet invoiced Workbook €24.00 10 November 2026 Counselling €60.00 12 November 2026"


def test_the_next_invoice_of_each_series_is_announced(tmp_path: Path) -> None:
    site = served_site(tmp_path, RECURRING)
    build(site)
    text = portal(site)
    coming = text[text.index("Next invoices") : text.index("For your records")]
    assert coming.strip() == (
        "Next invoices Standing hour €55.00 on Monday 30 November 2026 Report €90.00 on Monday 1 February 2027"
    )
    build(site, "2026-11-29")
    later = portal(site, "2026-11-29")
    assert later[later.index("Next invoices") : later.index("For your records")] == coming


def test_a_client_whose_bills_another_person_gets_is_asked_for_nothing(tmp_path: Path) -> None:
    payer = """\
contacts: [{id: jh, name: Jelena Horvat, role: parent, scope: billing}]
payer: jh
retainer: {kind: security, amount: 200.00}
charges: [{id: book, date: 2026-11-10, description: Workbook, amount: 24.00}]
"""
    site = served_site(tmp_path, payer + RECURRING)
    build(site)
    text = portal(site)
    assert "€" not in text.partition("Invoices go to Jelena Horvat.")[0]
    assert "to pay in advance:" not in text
    assert "Workbook" not in text
    assert "Standing hour" not in text
    assert "Past due" not in text
    assert 'class="state past_due"' not in page(site, addresses(site)["portal", "ana"])
    assert "Not yet paid" in text


def test_money_on_the_page_changes_nothing_on_a_quiet_day(tmp_path: Path) -> None:
    site = served_site(tmp_path, RECURRING, payments=PAYMENTS)
    build(site, "2026-11-24")
    assert build(site, "2026-11-28").json["written"] == 0
