"""An invoice that is paid in parts: what its client reads of each part, on every page and on paper (domain M4, §6)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.rules.due import Part, settle
from portalgen.rules.money import ZERO, total
from portalgen.rules.statement import asked_of
from portalgen.rules.status import Label
from tests.papers import said
from tests.support import minimal_site
from tests.test_account import DAY, ISSUED, LINES, NOTE, PAID, account, site_of
from tests.test_papers import CLIENT, FILES, addresses, build, page, words
from tests.test_statement import only

PLAN = "schedule: [{due: 2026-12-10, amount: 40.00}, {due: 2027-01-10, amount: 40.00}, {due: 2027-02-10, rest: true}]\n"
OFF = "lines: [{description: Less, unit_price: 50.00}]\n"
HELD = "- {id: h1, date: 2026-11-11, amount: %s, currency: EUR, method: cash}\n"
CENTS = st.decimals(min_value=0, max_value=500, places=2, allow_nan=False, allow_infinity=False)


def label(tmp_path: Path, today: str = "2026-11-21", payments: str = "") -> Label:
    return account(site_of(tmp_path, LINES + PLAN, payments=payments), today).invoices["2026-0001"].status.label


def planned(tmp_path: Path, today: str = "2026-11-21", language: str = "en", plan: str = PLAN, **own: str) -> Path:
    """A built site of which Ana's only invoice, over 120.00, is paid in parts."""
    texts: dict[str, str | bytes | None] = {
        name: text for name, text in FILES.items() if "/invoices/" not in name and "/credit-notes/" not in name
    }
    texts["content/clients/ana/payments.yaml"] = None
    texts["content/site.yaml"] = str(FILES["content/site.yaml"]).replace("{pdf: false", "{pdf: true")
    texts["content/clients/ana/client.yaml"] = f"{CLIENT}language: {language}\n"
    texts["content/clients/ana/invoices/2026-0001.yaml"] = (
        "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\n" + LINES + plan
    )
    texts |= {f"content/clients/ana/{name.replace('__', '/')}.yaml": text for name, text in own.items()}
    site = minimal_site(tmp_path, texts)
    build(site, today)
    return site


def paper(site: Path, address: str) -> str:
    """The text of the PDF beside a page, on one line."""
    (file,) = (site / "output" / address).glob("*.pdf")
    return " ".join(said(file.read_bytes()).split())


# --- credits and payments --------------------------------------------------------------------------------------------


@given(amounts=st.lists(CENTS, min_size=1, max_size=5), paid=CENTS, lowered=CENTS)
def test_what_was_paid_and_what_was_credited_are_kept_apart(
    amounts: list[Decimal], paid: Decimal, lowered: Decimal
) -> None:
    whole = sum(amounts, ZERO)
    parts = settle(tuple(Part(due=ISSUED + n * DAY, amount=a) for n, a in enumerate(amounts)), paid, lowered)
    assert sum((part.lowered for part in parts), ZERO) == min(lowered, whole)
    assert total(part.paid for part in parts) == min(paid, whole - min(lowered, whole))
    assert all(part.open >= 0 and part.paid >= 0 and part.lowered >= 0 for part in parts)
    untouched = [part.lowered == 0 for part in parts if part.amount]
    assert untouched == sorted(untouched, reverse=True), "credits come off the last part first"
    waiting = [part.open > 0 for part in parts if part.amount > part.lowered]
    assert waiting == sorted(waiting), "payments pay the first part first"


SIGNED = st.decimals(min_value=-500, max_value=500, places=2, allow_nan=False, allow_infinity=False)


@given(amount=SIGNED, paid=SIGNED, lowered=SIGNED)
def test_one_part_is_settled_like_the_only_one_of_a_plan_that_asks_for_something(
    amount: Decimal, paid: Decimal, lowered: Decimal
) -> None:
    part = Part(due=ISSUED, amount=amount)
    several = settle((part, Part(due=ISSUED + DAY, amount=ZERO)), paid, lowered)
    assert settle((part,), paid, lowered) == several[:1]


def test_a_credit_note_lowers_the_last_parts_and_pays_none(tmp_path: Path) -> None:
    site = planned(tmp_path, **{"credit-notes__cn-1": NOTE + OFF})
    text = words(page(site, addresses(site)["invoice", "2026-0001"]))
    assert "Thursday 10 December 2026 to come €40.00" in text
    assert "Sunday 10 January 2027 to come lowered by €10.00 €30.00" in text
    assert "Wednesday 10 February 2027 no longer asked for lowered by €40.00 €0.00" in text
    assert "received" not in text


def test_a_write_off_lowers_the_last_part_and_what_was_paid_stays_paid(tmp_path: Path) -> None:
    off = "write_off: {date: 2026-11-12, amount: 40.00, reason: Agreed}\n"
    site = planned(tmp_path, plan=PLAN + off, payments=PAID % ("55.00", "55.00"))
    text = words(page(site, addresses(site)["invoice", "2026-0001"]))
    assert "Thursday 10 December 2026 paid €40.00" in text
    assert "Sunday 10 January 2027 partly paid €15.00 received €40.00" in text
    assert "Wednesday 10 February 2027 no longer asked for lowered by €40.00 €0.00" in text


# --- the label -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "paid", "code", "due", "following"),
    [
        ("2026-11-21", "", "due", "2026-12-10", "40.00"),
        ("2026-12-10", "", "due_today", "2026-12-10", "40.00"),
        ("2026-12-11", "", "past_due", "2026-12-10", "40.00"),
        ("2027-01-11", "", "past_due", "2026-12-10", "80.00"),
        ("2026-11-21", "10.00", "partly_paid", "2026-12-10", "30.00"),
        ("2026-11-21", "40.00", "partly_paid", "2027-01-10", "40.00"),
        ("2026-11-21", "90.00", "partly_paid", "2027-02-10", ""),
    ],
)
def test_with_several_parts_open_the_label_says_which_is_next(
    tmp_path: Path, today: str, paid: str, code: str, due: str, following: str
) -> None:
    found = label(tmp_path, today, PAID % (paid, paid) if paid else "")
    assert (found.code, str(found.due)) == (code, due)
    assert (str(found.next.amount) if found.next else "") == following


@pytest.mark.parametrize(
    ("today", "paid", "says"),
    [
        ("2026-11-21", "", "€40.00 due by Thursday 10 December 2026, €120.00 in all still open"),
        ("2026-11-21", "40.00", "Partly paid, €40.00 due by Sunday 10 January 2027, €80.00 in all still open"),
        ("2026-11-21", "80.00", "Partly paid, €40.00 still due by Wednesday 10 February 2027"),
        ("2026-12-10", "", "€40.00 due today, Thursday 10 December 2026, €120.00 in all still open"),
        (
            "2027-01-11",
            "",
            "Past due: €80.00 to pay now, due from Thursday 10 December 2026 on, €120.00 in all still open",
        ),
    ],
)
def test_portal_and_statement_give_no_part_the_day_of_another(tmp_path: Path, today: str, paid: str, says: str) -> None:
    site = planned(tmp_path, today, **({"payments": PAID % (paid, paid)} if paid else {}))
    portal = addresses(site, today)["portal", "ana"]
    statement = portal + "statements/eur"
    assert says in words(page(site, portal))
    assert says in words(page(site, statement))
    assert says in paper(site, statement)


# --- one due date or several -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "head", "fact", "last"),
    [
        ("en", "€40.00 due on Thursday 10 December 2026", "Due date in 3 parts", "Due date 10 February 2027"),
        (
            "de",
            "40,00 € fällig am Donnerstag, 10. Dezember 2026",
            "Fälligkeitsdatum in 3 Raten",
            "Fälligkeitsdatum 10. Februar 2027",
        ),
    ],
)
def test_an_invoice_in_parts_names_no_single_due_date(
    tmp_path: Path, language: str, head: str, fact: str, last: str
) -> None:
    site = planned(tmp_path, language=language)
    address = addresses(site)["invoice", "2026-0001"]
    for text in (words(page(site, address)), paper(site, address)):
        text = text.replace("\N{NO-BREAK SPACE}", " ")
        assert head in text, text
        assert fact in text, text
        assert last not in text


def test_the_statement_has_the_day_of_the_next_part(tmp_path: Path) -> None:
    site = planned(tmp_path, payments=PAID % ("40.00", "40.00"))
    statement = addresses(site)["portal", "ana"] + "statements/eur"
    assert "10 January 2027 €120.00 €80.00" in words(page(site, statement))
    assert "10 January 2027 €120.00 €80.00" in paper(site, statement)


# --- what the statement asks for -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "held", "asks"),
    [
        ("2026-11-21", "", "40.00"),
        ("2027-01-10", "", "80.00"),
        ("2027-02-10", "", "120.00"),
        ("2026-11-21", "15.00", "25.00"),
        ("2026-11-21", "45.00", ""),
    ],
)
def test_a_statement_asks_for_the_parts_due_now_less_what_is_held(
    tmp_path: Path, today: str, held: str, asks: str
) -> None:
    site = planned(tmp_path, today, **({"payments": HELD % held} if held else {}))
    statement = addresses(site, today)["portal", "ana"] + "statements/eur"
    for text in (words(page(site, statement)), paper(site, statement)):
        assert ("How to pay" in text) is bool(asks)
        if asks:
            assert f"Amount €{asks}" in text
            assert (f"To be paid next, by the dates below: €{asks}." in text) is (asks != "120.00")
        else:
            assert "At the moment there is nothing to pay." in text
        assert ("What I hold for you is already taken off." in text) is bool(held)


def test_money_held_for_work_to_come_is_taken_off_nothing(tmp_path: Path) -> None:
    statement = only(site_of(tmp_path, LINES + PLAN, payments=HELD % "45.00"))
    assert [asked_of(statement, Decimal(bound))[1] for bound in ("45.00", "20.00", "0")] == [
        Decimal("40.00"),
        Decimal("15.00"),
        ZERO,
    ]
