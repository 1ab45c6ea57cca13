"""Retainers of the three kinds: what is held, drawn, asked for and given back (domain A3)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.model import ClientFolder, Site
from portalgen.content.records.documents import Allocation, Invoice, Line, Payment
from portalgen.content.records.prepaid import Retainer
from portalgen.rules.account import account_of
from portalgen.rules.document import Document
from portalgen.rules.issued import restored, row_of
from portalgen.rules.money import total
from portalgen.rules.retainer import RetainerState, retained, retainer_findings, retainer_of
from tests.support import MINIMAL_CLIENT, minimal_site

ANA = "content/clients/ana/"
TODAY = dt.date(2026, 11, 21)
PAID = "- {id: %s, date: %s, amount: %s, currency: EUR, method: cash, for: retainer}\n"
BILL = "id: %s\nnumber: %s\nissued: %s\nlines: [{description: Work, unit_price: %s}]\n"


def site_of(
    tmp_path: Path, retainer: str, payments: str = "", bills: str = "", client: str = "", more: str = ""
) -> Site:
    """`bills`: day and price of each invoice, like `2026-10-01 60.00; 2026-11-01 80.00`. `more` ends each invoice."""
    texts: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        ANA + "invoices/2026-0001.yaml": None,
        ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"] + retainer + client,
        ANA + "payments.yaml": payments or None,
    }
    for n, bill in enumerate(filter(None, bills.split("; ")), 1):
        texts[ANA + f"invoices/b{n}.yaml"] = BILL % (f"b{n}", f"2026-{n:04}", *bill.split()) + more
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    return loaded.site


def state(site: Site, today: str = "2026-11-21") -> RetainerState:
    folder, day = site.clients["ana"], dt.date.fromisoformat(today)
    account, findings = account_of(site.shared, folder, day)
    assert not findings, findings
    assert not [*retainer_findings(site.shared, folder, account, day)]
    found = retainer_of(site.shared, folder, account, day)
    assert found
    return found


def balance(site: Site, today: str = "2026-11-21") -> str:
    found = state(site, today)
    assert found.balance
    return str(found.balance.amount)


def moves(site: Site, today: str = "2026-11-21") -> list[tuple[str, str, str, str, str]]:
    return [
        (str(m.date), m.kind, str(m.amount.amount), str(m.balance.amount), m.number)
        for m in state(site, today).movements
    ]


def codes(site: Site, today: dt.date = TODAY) -> list[str]:
    folder = site.clients["ana"]
    account, findings = account_of(site.shared, folder, today)
    return [finding.code for finding in (*findings, *retainer_findings(site.shared, folder, account, today))]


ADVANCE = "retainer: {kind: advance, amount: 500.00, floor: 100.00}\n"


def test_invoices_draw_an_advance_as_they_are_issued(tmp_path: Path) -> None:
    site = site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "500.00"), "2026-10-01 180.00; 2026-11-01 250.00")
    assert moves(site) == [
        ("2026-09-01", "received", "500.00", "500.00", ""),
        ("2026-10-01", "drawn", "-180.00", "320.00", "2026-0001"),
        ("2026-11-01", "drawn", "-250.00", "70.00", "2026-0002"),
    ]
    assert [balance(site, day) for day in ("2026-09-30", "2026-10-01", "2026-11-01")] == ["500.00", "320.00", "70.00"]
    account, _ = account_of(site.shared, site.clients["ana"], TODAY)
    assert {facts.status.label.code for facts in account.invoices.values()} == {"paid"}
    assert account.credit == {"EUR": Decimal("70.00")} == retained(site.clients["ana"], account, TODAY)


def test_below_its_floor_it_asks_to_be_filled_up_again(tmp_path: Path) -> None:
    site = site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "500.00"), "2026-10-01 400.00; 2026-11-01 0.01")
    before, after = state(site, "2026-10-31"), state(site)
    assert (before.below_floor, before.ask) == (False, None)
    assert after.below_floor
    assert after.ask
    assert str(after.ask.amount) == "400.01"


def test_what_the_advance_does_not_cover_stays_due_until_it_is_filled_up(tmp_path: Path) -> None:
    payments = PAID % ("r1", "2026-09-01", "100.00")
    site = site_of(tmp_path / "a", ADVANCE, payments, "2026-10-01 180.00")
    account, _ = account_of(site.shared, site.clients["ana"], TODAY)
    assert account.invoices["b1"].status.balance == Decimal("80.00")
    site = site_of(tmp_path / "b", ADVANCE, payments + PAID % ("r2", "2026-10-05", "500.00"), "2026-10-01 180.00")
    assert moves(site)[-2:] == [
        ("2026-10-05", "received", "500.00", "500.00", ""),
        ("2026-10-05", "drawn", "-80.00", "420.00", "2026-0001"),
    ]


def test_what_is_allocated_by_hand_comes_first(tmp_path: Path) -> None:
    by_hand = (PAID % ("r1", "2026-09-01", "100.00")).replace(
        "for:", "allocations: [{invoice: b2, amount: 90.00}], for:"
    )
    site = site_of(tmp_path, ADVANCE, by_hand, "2026-10-01 50.00; 2026-11-01 90.00")
    assert moves(site) == [
        ("2026-09-01", "received", "100.00", "100.00", ""),
        ("2026-10-01", "drawn", "-10.00", "90.00", "2026-0001"),
        ("2026-11-01", "drawn", "-90.00", "0.00", "2026-0002"),
    ]


def test_what_is_paid_in_another_way_draws_nothing(tmp_path: Path) -> None:
    cash = "- {id: p, date: 2026-10-02, amount: 50.00, currency: EUR, method: cash, allocations: [{invoice: b1, amount: 50.00}]}\n"
    site = site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "100.00") + cash, "2026-10-01 50.00")
    assert balance(site) == "100.00"


@pytest.mark.parametrize("status", ["pending", "failed", "bounced"])
def test_only_money_that_arrived_is_held(tmp_path: Path, status: str) -> None:
    payment = (PAID % ("r1", "2026-09-01", "100.00")).replace("for:", f"status: {status}, for:")
    assert balance(site_of(tmp_path, ADVANCE, payment, "2026-10-01 50.00")) == "0.00"


def test_an_invoice_that_is_void_draws_nothing(tmp_path: Path) -> None:
    void = "void: {date: 2026-10-20, reason: Wrong}\n"
    site = site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "100.00"), "2026-10-01 50.00", more=void)
    assert [balance(site, day) for day in ("2026-10-19", "2026-10-20")] == ["100.00", "100.00"]


def test_a_refund_changes_no_earlier_draw_and_leaves_less_for_later_ones(tmp_path: Path) -> None:
    payments = PAID % ("r1", "2026-09-01", "100.00") + PAID % ("back", "2026-10-15", "-30.00")
    site = site_of(tmp_path, ADVANCE, payments, "2026-10-01 60.00; 2026-11-01 60.00")
    assert moves(site) == [
        ("2026-09-01", "received", "100.00", "100.00", ""),
        ("2026-10-01", "drawn", "-60.00", "40.00", "2026-0001"),
        ("2026-10-15", "refunded", "-30.00", "10.00", ""),
        ("2026-11-01", "drawn", "-10.00", "0.00", "2026-0002"),
    ]


def test_more_than_is_held_cannot_go_back(tmp_path: Path) -> None:
    payments = PAID % ("r1", "2026-09-01", "100.00") + PAID % ("back", "2026-10-15", "-50.00")
    assert codes(site_of(tmp_path, ADVANCE, payments, "2026-10-01 60.00")) == ["over-refunded"]


ENDED = "status: ended\nended: {date: 2026-11-15, referrals: none, reason_private: Done}\n"


@pytest.mark.parametrize(
    ("refundable", "rest"), [("", "40.00"), (", refundable: true", "40.00"), (", refundable: false", "")]
)
def test_the_rest_goes_back_at_the_end(tmp_path: Path, refundable: str, rest: str) -> None:
    retainer = ADVANCE.replace("}", refundable + "}")
    site = site_of(tmp_path, retainer, PAID % ("r1", "2026-09-01", "100.00"), "2026-10-01 60.00", ENDED)
    assert state(site, "2026-11-14").refund is None
    found = state(site)
    assert (str(found.refund.amount) if found.refund else "") == rest
    assert (found.ask, found.below_floor, found.active) == (None, False, False)


def test_the_first_payment_is_asked_for_until_it_came(tmp_path: Path) -> None:
    retainer = "retainer: {kind: advance, amount: 500.00, due: 2026-10-01}\n"
    found = state(site_of(tmp_path / "a", retainer))
    assert found.ask
    assert str(found.ask.amount) == "500.00"
    assert (
        state(site_of(tmp_path / "b", retainer, PAID % ("r1", "2026-09-01", "500.00"), "2026-10-01 480.00")).ask is None
    )


def test_a_first_payment_that_is_too_small_leaves_the_rest_to_ask_for(tmp_path: Path) -> None:
    found = state(site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "300.00"), "2026-10-01 150.00"))
    assert found.ask
    assert (str(found.ask.amount), found.below_floor) == ("200.00", False)


AUTO = "- {id: p%s, date: %s, amount: 50.00, currency: %s, method: cash, auto: true}\n"


def test_other_money_that_pays_by_itself_comes_before_the_advance(tmp_path: Path) -> None:
    payments = PAID % ("r1", "2026-09-01", "100.00") + AUTO % (1, "2026-11-21", "EUR") + AUTO % (2, "2026-11-20", "USD")
    site = site_of(tmp_path, ADVANCE, payments + AUTO % (3, "2026-11-21", "EUR"), "2026-10-01 80.00; 2026-11-01 10.00")
    account, _ = account_of(site.shared, site.clients["ana"], TODAY)
    shares = {
        key: [(part.payment.id, str(part.amount)) for part in facts.allocations]
        for key, facts in account.invoices.items()
    }
    assert shares == {"b1": [("p1", "50.00"), ("p3", "30.00")], "b2": [("p3", "10.00")]}
    assert balance(site) == "100.00"
    assert balance(site, "2026-11-20") == "10.00"


# --- security, engagement, availability ---------------------------------------------------------------

SECURITY = "retainer: {kind: security, amount: 500.00}\n"


def test_a_security_is_held_and_no_invoice_draws_on_it_by_itself(tmp_path: Path) -> None:
    site = site_of(tmp_path, SECURITY, PAID % ("r1", "2026-09-01", "300.00"), "2026-10-01 60.00")
    found = state(site)
    assert found.balance
    assert found.ask
    assert (str(found.balance.amount), str(found.ask.amount)) == ("300.00", "200.00")
    account, _ = account_of(site.shared, site.clients["ana"], TODAY)
    assert account.invoices["b1"].status.balance == Decimal("60.00")


def test_a_security_pays_the_final_invoice_or_what_is_open_at_the_end(tmp_path: Path) -> None:
    drawn = (PAID % ("r1", "2026-09-01", "300.00")).replace("for:", "allocations: [{invoice: b1, amount: 60.00}], for:")
    assert codes(site_of(tmp_path / "a", SECURITY, drawn, "2026-10-01 60.00")) == ["security-drawn"]
    assert codes(site_of(tmp_path / "b", SECURITY, drawn, "2026-10-01 60.00", more="kind: final\n")) == []
    site = site_of(tmp_path / "c", SECURITY, drawn, "2026-11-15 60.00", ENDED)
    found = state(site)
    assert found.refund
    assert str(found.refund.amount) == "240.00"


@pytest.mark.parametrize("kind", ["engagement", "availability"])
def test_what_is_earned_when_it_is_paid_holds_nothing(tmp_path: Path, kind: str) -> None:
    retainer = f"retainer: {{kind: {kind}, amount: 500.00, from: 2026-10-01, until: 2026-12-31}}\n"
    found = state(site_of(tmp_path / "a", retainer, bills="2026-10-01 500.00"))
    assert (found.balance, found.movements, found.ask, found.refund, found.active) == (None, (), None, None, True)
    assert not state(site_of(tmp_path / "b", retainer), "2027-01-01").active
    paid = site_of(tmp_path / "c", retainer, PAID % ("r1", "2026-10-02", "500.00"))
    assert codes(paid) == ["no-retainer"]


def test_a_payment_for_a_retainer_needs_one_in_its_currency(tmp_path: Path) -> None:
    payment = PAID % ("r1", "2026-10-02", "500.00")
    assert codes(site_of(tmp_path / "a", "", payment)) == ["no-retainer"]
    assert codes(site_of(tmp_path / "b", ADVANCE, payment.replace("EUR", "CHF"))) == ["other-currency"]


@pytest.mark.parametrize(
    ("retainer", "code"),
    [
        ("{kind: security, amount: 5.00, floor: 1.00}", "one-of"),
        ("{kind: advance, amount: 5.00, floor: 6.00}", "bad-order"),
        ("{kind: availability, amount: 5.00, refundable: true}", "one-of"),
        ("{kind: advance, amount: 5.00, from: 2026-11-02, until: 2026-11-01}", "bad-order"),
    ],
)
def test_a_retainer_that_contradicts_itself_is_an_error(tmp_path: Path, retainer: str, code: str) -> None:
    text = MINIMAL_CLIENT[ANA + "client.yaml"] + f"retainer: {retainer}\n"
    loaded = load(minimal_site(tmp_path, {**MINIMAL_CLIENT, ANA + "client.yaml": text}))
    assert [problem.code for problem in loaded.problems] == [code]


# --- properties ---------------------------------------------------------------------------------------

START = dt.date(2026, 1, 1)
DAY = st.integers(0, 60).map(lambda days: START + dt.timedelta(days=days))
CENTS = st.integers(1, 50000).map(lambda cents: Decimal(cents).scaleb(-2))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose client is given a retainer, payments and invoices by the property tests."""
    return site_of(tmp_path_factory.mktemp("plain"), ADVANCE)


def folder_with(
    site: Site, received: list[tuple[dt.date, Decimal, int]], billed: list[tuple[dt.date, Decimal]]
) -> ClientFolder:
    """Payments for the retainer, `int` percent of each allocated by hand to an invoice that can take it."""
    client = msgspec.structs.replace(
        site.clients["ana"].client, retainer=Retainer(kind="advance", amount=Decimal(500), floor=Decimal(100))
    )
    invoices = {
        f"b{n}": Invoice(
            path=f"b{n}",
            client="ana",
            id=f"b{n}",
            number=f"{n}",
            issued=day,
            lines=(Line(description="Work", unit_price=price),),
        )
        for n, (day, price) in enumerate(billed)
    }
    room = {key: invoice.lines[0].unit_price for key, invoice in invoices.items()}
    payments = []
    for n, (day, amount, share) in enumerate(received):
        part = min((amount * share / 100).quantize(Decimal("0.01")), amount)
        key = next((key for key, left in room.items() if left is not None and left >= part > 0), None)
        allocations: tuple[Allocation, ...] = ()
        if key:
            room[key] -= part  # type: ignore[operator]
            allocations = (Allocation(invoice=key, amount=part),)
        payments.append(
            Payment(
                id=f"r{n}",
                date=day,
                amount=amount,
                currency="EUR",
                method="cash",
                for_="retainer",
                allocations=allocations,
            )
        )
    return msgspec.structs.replace(site.clients["ana"], client=client, invoices=invoices, payments=tuple(payments))


def movements_add_up(site: Site, folder: ClientFolder, today: dt.date) -> Any:
    account, _ = account_of(site.shared, folder, today)
    found = retainer_of(site.shared, folder, account, today)
    assert found
    assert found.balance
    running = Decimal(0)
    for movement in found.movements:
        running += movement.amount.amount
        assert movement.balance.amount == running >= 0
        assert movement.date <= today
    assert found.balance.amount == running == retained(folder, account, today).get("EUR", 0)
    received = total(payment.amount for payment in folder.payments if payment.date <= today)
    paid = total(facts.entries.paid for facts in account.invoices.values() if facts.status.document == "issued")
    assert running == received - paid
    if running:  # while something is held no issued invoice is open
        assert all(
            facts.status.balance == 0 for facts in account.invoices.values() if facts.status.document == "issued"
        )
    return found.movements


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(DAY, CENTS), max_size=5), st.lists(st.tuples(DAY, CENTS), max_size=6), DAY, DAY)
def test_movements_sum_to_the_balance_and_the_past_does_not_change(
    plain: Site,
    received: list[tuple[dt.date, Decimal]],
    billed: list[tuple[dt.date, Decimal]],
    one: dt.date,
    two: dt.date,
) -> None:
    folder = folder_with(plain, [(day, amount, 0) for day, amount in received], billed)
    early, late = sorted((one, two))
    before = movements_add_up(plain, folder, early)
    after = movements_add_up(plain, folder, late)
    assert after[: len(before)] == before


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(DAY, CENTS, st.integers(0, 100)), max_size=5), st.lists(st.tuples(DAY, CENTS), max_size=6))
def test_what_is_allocated_by_hand_is_drawn_once(
    plain: Site, received: list[tuple[dt.date, Decimal, int]], billed: list[tuple[dt.date, Decimal]]
) -> None:
    movements_add_up(plain, folder_with(plain, received, billed), START + dt.timedelta(days=61))


def issued_document(site: Site, key: str = "b1", today: dt.date = TODAY) -> Document:
    account, findings = account_of(site.shared, site.clients["ana"], today)
    assert not findings, findings
    return account.documents[key]


def test_a_document_says_what_it_drew_on_its_day_of_issue_and_never_what_came_later(tmp_path: Path) -> None:
    first, later = PAID % ("r1", "2026-09-01", "145.00"), PAID % ("r2", "2026-10-02", "500.00")
    for n, payments in enumerate((first, first + later)):
        document = issued_document(site_of(tmp_path / str(n), ADVANCE, payments, "2026-10-01 285.00"))
        assert [(one.payment, str(one.paid), str(one.amount), one.advance) for one in document.drawn] == [
            ("r1", "2026-09-01", "145.00", True)
        ]
        assert (document.amount, document.payable) == (Decimal("285.00"), Decimal("140.00"))
        assert [part.amount for part in document.open_parts] == [Decimal("140.00")]
        assert {way.amount.amount for way in document.ways} == {Decimal("140.00")}


def test_what_was_drawn_is_in_the_account_once(tmp_path: Path) -> None:
    site = site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "145.00"), "2026-10-01 285.00")
    folder = site.clients["ana"]
    account, _ = account_of(site.shared, folder, TODAY)
    row = row_of(account.documents["b1"], folder.invoices["b1"])
    locked, findings = account_of(site.shared, folder, TODAY, {row.key: row})
    assert not findings
    assert locked == account
    assert locked.invoices["b1"].status.balance == Decimal("140.00")
    assert restored(row).drawn == account.documents["b1"].drawn


def test_a_row_of_the_lock_from_before_stays_as_it_was_issued(tmp_path: Path) -> None:
    site = site_of(tmp_path, ADVANCE, PAID % ("r1", "2026-09-01", "145.00"), "2026-10-01 285.00")
    folder = site.clients["ana"]
    document = msgspec.structs.replace(issued_document(site), drawn=())
    row = row_of(document, folder.invoices["b1"])
    assert "drawn" not in row.document
    account, findings = account_of(site.shared, folder, TODAY, {row.key: row})
    assert not findings
    assert account.documents["b1"].payable == Decimal("285.00")
    assert account.invoices["b1"].status.balance == Decimal("140.00")


def test_two_invoices_of_one_day_share_what_there_is_and_a_plan_asks_for_its_next_part(tmp_path: Path) -> None:
    site = site_of(tmp_path / "a", ADVANCE, PAID % ("r1", "2026-09-01", "100.00"), "2026-10-01 80.00; 2026-10-01 80.00")
    documents = [issued_document(site, key) for key in ("b1", "b2")]
    assert [document.payable for document in documents] == [Decimal(0), Decimal("60.00")]
    assert [bool(document.ways) for document in documents] == [False, True]
    plan = "schedule: [{due: 2026-10-31, amount: 60.00}, {due: 2026-12-01, rest: true}]\n"
    site = site_of(tmp_path / "b", ADVANCE, PAID % ("r1", "2026-09-01", "100.00"), "2026-10-01 180.00", more=plan)
    document = issued_document(site)
    assert [(str(part.due), str(part.amount)) for part in document.open_parts] == [("2026-12-01", "80.00")]
    assert {way.amount.amount for way in document.ways} == {Decimal("80.00")}


def test_a_payment_that_is_auto_counts_as_paid_ahead_and_money_of_a_later_day_does_not(tmp_path: Path) -> None:
    auto = "- {id: a, date: %s, amount: 50.00, currency: EUR, method: cash, auto: true}\n"
    before = issued_document(site_of(tmp_path / "a", "", auto % "2026-09-20", "2026-10-01 80.00"))
    assert [(one.payment, one.advance, one.amount) for one in before.drawn] == [("a", False, Decimal("50.00"))]
    after = issued_document(site_of(tmp_path / "b", "", auto % "2026-10-02", "2026-10-01 80.00"))
    assert (after.drawn, after.payable) == ((), Decimal("80.00"))
