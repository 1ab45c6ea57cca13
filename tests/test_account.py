"""One client's account: due dates, allocations, the three axes of status, the label (domain §4.3)."""

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
from portalgen.content.model import Site
from portalgen.content.records.documents import Allocation, CreditNote, Instalment, Invoice, Line, Payment, WriteOff
from portalgen.rules.account import account_of
from portalgen.rules.due import due_date, parts_of
from portalgen.rules.facts import Account
from portalgen.rules.money import total
from tests.support import MINIMAL_CLIENT, ROOT, minimal_site

DAY = dt.timedelta(days=1)
ISSUED = dt.date(2026, 11, 2)
LABELS = {
    "void",
    "discussed",
    "nothing_due",
    "written_off",
    "credited",
    "paid",
    "due_today",
    "past_due",
    "partly_paid",
    "due",
}


def site_of(tmp_path: Path, invoice: str = "", **files: str) -> Site:
    """A site with the client ana and her invoice 2026-0001 over 120.00, due 2026-11-16."""
    client = "content/clients/ana/"
    texts: dict[str, str | bytes | None] = dict(MINIMAL_CLIENT)
    if invoice:
        texts[client + "invoices/2026-0001.yaml"] = "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\n" + invoice
    texts |= {client + name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    return loaded.site


def account(site: Site, today: str = "2026-11-21", client: str = "ana") -> Account:
    found, findings = account_of(site.shared, site.clients[client], dt.date.fromisoformat(today))
    assert not [finding for finding in findings if finding.severity == "error"], findings
    return found


def codes(site: Site, today: str = "2026-11-21") -> set[str]:
    return {finding.code for finding in account_of(site.shared, site.clients["ana"], dt.date.fromisoformat(today))[1]}


LINES = "lines:\n  - {description: Session, quantity: 2, unit_price: 60.00}\n"
PAID = (
    "- {id: p1, date: 2026-11-10, amount: %s, currency: EUR, method: cash,"
    " allocations: [{invoice: 2026-0001, amount: %s}]}\n"
)
NOTE = "id: cn-1\nnumber: CN-1\ninvoice: 2026-0001\nissued: 2026-11-12\nreason: Ill\n"


@pytest.mark.parametrize(
    ("today", "code", "as_of"),
    [
        ("2026-11-02", "due", "2026-11-02"),
        ("2026-11-15", "due", "2026-11-02"),
        ("2026-11-16", "due_today", "2026-11-16"),
        ("2026-11-17", "past_due", "2026-11-17"),
        ("2027-11-17", "past_due", "2026-11-17"),
    ],
)
def test_an_unpaid_invoice_as_time_passes(tmp_path: Path, today: str, code: str, as_of: str) -> None:
    label = account(site_of(tmp_path), today).invoices["2026-0001"].status.label
    assert (label.code, str(label.as_of), str(label.due)) == (code, as_of, "2026-11-16")


def test_grace_days_hold_back_past_due(tmp_path: Path) -> None:
    texts = {
        **MINIMAL_CLIENT,
        "content/terms/net14.yaml": "id: net14\ndue: net 14\nlate: {kind: flat, value: 5.00, grace_days: 3}\n",
    }
    site = load(minimal_site(tmp_path, texts)).site
    assert site
    states = {day: account(site, day).invoices["2026-0001"].status for day in ("2026-11-19", "2026-11-20")}
    assert [state.timing for state in states.values()] == ["grace", "overdue"]
    assert states["2026-11-20"].days_overdue(dt.date(2026, 11, 20)) == 1
    assert str(states["2026-11-20"].label.since) == "2026-11-20"


def test_before_its_day_an_invoice_is_scheduled_and_not_shown(tmp_path: Path) -> None:
    found = account(site_of(tmp_path), "2026-11-01")
    assert found.invoices["2026-0001"].status.document == "scheduled"
    assert found.published == ()


def test_part_payment_then_the_rest(tmp_path: Path) -> None:
    site = site_of(tmp_path, payments=PAID % ("50.00", "50.00"))
    status = account(site, "2026-11-12").invoices["2026-0001"].status
    assert (status.money, status.label.code, str(status.label.as_of)) == ("partially_paid", "partly_paid", "2026-11-10")
    assert status.balance == Decimal("70.00")
    assert status.due_now == Decimal("70.00")


def test_money_beyond_the_allocation_is_the_clients_credit(tmp_path: Path) -> None:
    found = account(site_of(tmp_path, payments=PAID % ("150.00", "120.00")))
    assert found.invoices["2026-0001"].status.label.code == "paid"
    assert found.credit == {"EUR": Decimal("30.00")}


def test_a_payment_dated_later_does_not_count_yet(tmp_path: Path) -> None:
    found = account(site_of(tmp_path, payments=PAID % ("120.00", "120.00")), "2026-11-09")
    assert found.invoices["2026-0001"].status.money == "unpaid"
    assert found.credit == {}


@pytest.mark.parametrize("status", ["pending", "failed", "bounced"])
def test_money_that_has_not_arrived_leaves_the_balance(tmp_path: Path, status: str) -> None:
    text = (PAID % ("120.00", "120.00")).replace("method: cash", f"method: cash, status: {status}")
    facts = account(site_of(tmp_path, payments=text)).invoices["2026-0001"]
    assert facts.status.balance == Decimal("120.00")
    assert facts.entries.pending == (Decimal("120.00") if status == "pending" else 0)


def test_more_than_the_balance_is_an_error(tmp_path: Path) -> None:
    assert "over-allocated" in codes(site_of(tmp_path, payments=PAID % ("150.00", "150.00")))


def test_one_payment_without_allocations_stays_credit_unless_auto(tmp_path: Path) -> None:
    plain = "- {id: p1, date: 2026-11-10, amount: 100.00, currency: EUR, method: cash%s}\n"
    held = account(site_of(tmp_path / "a", payments=plain % ""))
    assert held.credit == {"EUR": Decimal("100.00")}
    auto = account(site_of(tmp_path / "b", payments=plain % ", auto: true"))
    assert auto.credit == {}
    assert auto.invoices["2026-0001"].status.balance == Decimal("20.00")


def test_credited_in_full_and_refunded(tmp_path: Path) -> None:
    note = (
        "id: cn-1\nnumber: CN-1\ninvoice: 2026-0001\nissued: 2026-11-12\nfull: true\nreason: Session did not happen\n"
    )
    credited = account(site_of(tmp_path / "a", **{"credit-notes__cn-1": note}))
    assert credited.invoices["2026-0001"].status.label.code == "credited"
    refund = PAID % ("120.00", "120.00") + (
        "- {id: p2, date: 2026-11-13, amount: -120.00, currency: EUR, method: cash,"
        " allocations: [{invoice: 2026-0001, amount: -120.00}]}\n"
    )
    status = (
        account(site_of(tmp_path / "b", payments=refund, **{"credit-notes__cn-1": note})).invoices["2026-0001"].status
    )
    assert (status.money, status.label.code, str(status.label.as_of)) == ("refunded", "credited", "2026-11-13")


def test_credit_after_payment_becomes_the_clients_money(tmp_path: Path) -> None:
    note = NOTE + "lines: [{description: One session, unit_price: 60.00}]\n"
    found = account(site_of(tmp_path, payments=PAID % ("120.00", "120.00"), **{"credit-notes__cn-1": note}))
    status = found.invoices["2026-0001"].status
    assert (status.money, status.label.code, status.surplus) == ("overpaid", "paid", Decimal("60.00"))
    assert found.credit == {"EUR": Decimal("60.00")}


def test_a_credit_above_its_tax_group_is_an_error(tmp_path: Path) -> None:
    note = NOTE + "lines: [{description: All, unit_price: 120.01}]\n"
    assert "too-much" in codes(site_of(tmp_path, **{"credit-notes__cn-1": note}))


def test_void_disputed_written_off_and_nothing_due(tmp_path: Path) -> None:
    def label(name: str, extra: str) -> str:
        return account(site_of(tmp_path / name, LINES + extra)).invoices["2026-0001"].status.label.code

    assert label("void", "void: {date: 2026-11-05, reason: Twice}\n") == "void"
    assert label("disputed", "disputed: {from: 2026-11-05}\n") == "discussed"
    part = account(site_of(tmp_path / "part", LINES + "disputed: {from: 2026-11-05, amount: 50.00}\n"))
    assert part.invoices["2026-0001"].status.due_now == Decimal("70.00")
    assert "too-much" in codes(site_of(tmp_path / "more", LINES + "disputed: {from: 2026-11-05, amount: 120.01}\n"))
    whole = account(site_of(tmp_path / "whole", LINES + "disputed: {from: 2026-11-05}\n"))
    assert whole.invoices["2026-0001"].status.due_now == 0
    assert label("settled", "disputed: {from: 2026-11-05, until: 2026-11-10}\n") == "past_due"
    assert label("written", "write_off: {date: 2026-11-19, amount: 120.00, reason: Kindness}\n") == "written_off"
    assert label("free", "discount: {percent: 100, reason: Gift}\n") == "nothing_due"


def test_a_plan_asks_for_the_parts_that_are_due_then_for_the_next(tmp_path: Path) -> None:
    plan = LINES.replace("60.00", "50.00") + (
        "schedule:\n  - {due: 2026-11-10, percent: 33.3333}\n"
        "  - {due: 2026-12-10, percent: 33.3333}\n  - {due: 2027-01-10, rest: true}\n"
    )
    site = site_of(tmp_path, plan, payments=PAID % ("33.33", "33.33"))
    facts = account(site, "2026-11-21").invoices["2026-0001"]
    assert [str(part.amount) for part in facts.parts] == ["33.33", "33.33", "33.34"]
    assert (facts.status.due_now, str(facts.status.due_now_by)) == (Decimal("33.33"), "2026-12-10")
    late = account(site, "2027-02-01").invoices["2026-0001"].status
    assert (late.due_now, late.timing) == (Decimal("66.67"), "overdue")


def test_parts_that_do_not_come_to_the_total_are_an_error(tmp_path: Path) -> None:
    plan = LINES + "schedule: [{due: 2026-11-10, amount: 60.00}, {due: 2026-12-10, amount: 59.99}]\n"
    assert "bad-schedule" in codes(site_of(tmp_path, plan))


def test_parts_that_leave_nothing_for_the_rest_are_named(tmp_path: Path) -> None:
    plan = LINES + "schedule: [{due: 2026-11-10, amount: 600.00}, {due: 2026-12-10, rest: true}]\n"
    site = site_of(tmp_path, plan)
    _, findings = account_of(site.shared, site.clients["ana"], dt.date(2026, 11, 21))
    assert [(finding.code, finding.message) for finding in findings] == [
        ("bad-schedule", "the parts before the rest come to 600.00, the invoice to 120.00")
    ]


def test_a_final_invoice_deducts_its_deposit(tmp_path: Path) -> None:
    deposit = "id: 2026-0000\nnumber: 2026-0000\nissued: 2026-10-01\nkind: deposit\nlines: [{description: Deposit, unit_price: 40.00}]\n"
    site = site_of(
        tmp_path, "kind: final\ndeposits_deducted: [2026-0000]\n" + LINES, **{"invoices__2026-0000": deposit}
    )
    facts = account(site).invoices["2026-0001"]
    assert (facts.totals.total, facts.amount) == (Decimal("120.00"), Decimal("80.00"))


@pytest.mark.parametrize(
    ("rule", "issued", "due"),
    [
        ("on_receipt", "2026-11-02", "2026-11-02"),
        ("net 30", "2026-01-31", "2026-03-02"),
        ("end_of_month+10", "2026-02-03", "2026-03-10"),
        ("end_of_month", "2028-02-03", "2028-02-29"),
        ("next fri", "2026-11-06", "2026-11-13"),
        ("next mon", "2026-11-06", "2026-11-09"),
    ],
)
def test_due_dates(tmp_path: Path, rule: str, issued: str, due: str) -> None:
    texts = {**MINIMAL_CLIENT, "content/terms/net14.yaml": f"id: net14\ndue: {rule}\n"}
    site = load(minimal_site(tmp_path, texts)).site
    assert site
    assert str(due_date(site.shared.terms["net14"], dt.date.fromisoformat(issued))) == due


def test_the_status_of_every_demo_invoice_is_settled_on_every_day() -> None:
    site = load(ROOT).site
    assert site
    day = dt.date(2025, 9, 1)
    while day < dt.date(2027, 6, 1):
        for folder in site.clients.values():
            found, findings = account_of(site.shared, folder, day)
            assert not [finding for finding in findings if finding.severity == "error"]
            agree(found, folder.payments, day)
        day += 9 * DAY


def agree(found: Account, payments: tuple[Payment, ...], today: dt.date) -> None:
    """Laws of §4.3 and §4.11 that hold for any account on any day."""
    held: dict[str, Decimal] = {}
    for facts in found.invoices.values():
        status = facts.status
        assert status.label.code in LABELS
        assert status.balance >= 0
        assert status.surplus >= 0
        assert 0 <= status.due_now <= status.balance
        assert status.label.as_of <= max(today, facts.invoice.issued or today)
        assert (status.days_overdue(today) > 0) == (status.timing == "overdue")
        if status.document == "issued":
            entries = facts.entries
            assert (
                facts.amount - entries.paid - entries.credited - entries.written_off == status.balance - status.surplus
            )
            assert total(part.amount for part in facts.parts) == facts.amount
    for payment in payments:
        if payment.status == "cleared" and payment.date <= today:
            held[payment.currency] = held.get(payment.currency, Decimal(0)) + payment.amount
    for currency, amount in found.credit.items():
        taken = total(f.entries.paid for f in found.invoices.values() if f.currency == currency)
        surplus = total(f.status.surplus for f in found.invoices.values() if f.currency == currency)
        assert amount == held.get(currency, Decimal(0)) - taken + surplus > 0


AMOUNTS = st.decimals("0", "500", places=2)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Invoice], list[Payment], list[CreditNote]]:
    """Invoices, payments that never allocate more than is open, credit notes within them."""
    invoices, payments, notes = [], [], []
    for n in range(draw(st.integers(1, 4))):
        issued = ISSUED + draw(st.integers(0, 60)) * DAY
        price = draw(AMOUNTS)
        plan: tuple[Instalment, ...] = ()
        if draw(st.booleans()) and price > 1:
            plan = (Instalment(due=issued + 5 * DAY, percent=Decimal(40)), Instalment(due=issued + 40 * DAY, rest=True))
        invoice = Invoice(
            path="x",
            client="ana",
            id=f"i{n}",
            number=f"i{n}",
            issued=issued,
            lines=(Line(description="x", unit_price=price),),
            schedule=plan,
        )
        left = price
        for k in range(draw(st.integers(0, 3))):
            part = draw(st.decimals("0", str(left), places=2))
            if part == 0:
                continue
            extra = draw(st.sampled_from([Decimal(0), Decimal("7.50")]))
            status: Any = draw(st.sampled_from(["cleared", "cleared", "pending", "bounced"]))
            day = issued + draw(st.integers(0, 90)) * DAY
            allocation = Allocation(invoice=invoice.id, amount=part)
            payments.append(
                Payment(
                    id=f"p{n}{k}",
                    date=day,
                    amount=part + extra,
                    currency="EUR",
                    method="cash",
                    allocations=(allocation,),
                    status=status,
                )
            )
            left -= part
        if draw(st.booleans()) and price > 0:
            day = issued + draw(st.integers(91, 120)) * DAY
            notes.append(
                CreditNote(
                    path="x",
                    client="ana",
                    id=f"c{n}",
                    number=f"c{n}",
                    invoice=invoice.id,
                    issued=day,
                    full=True,
                    reason="x",
                )
            )
        elif left > 0 and draw(st.booleans()):
            invoice = msgspec.structs.replace(
                invoice, write_off=WriteOff(date=issued + 95 * DAY, amount=left, reason="x")
            )
        invoices.append(invoice)
    return invoices, payments, notes


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site_of(tmp_path_factory.mktemp("base"))


@settings(max_examples=200)
@given(histories(), st.integers(-10, 200))
def test_an_account_agrees_to_the_cent_on_any_day(
    base: Site, history: tuple[list[Invoice], list[Payment], list[CreditNote]], days: int
) -> None:
    invoices, payments, notes = history
    folder = msgspec.structs.replace(
        base.clients["ana"],
        invoices={invoice.id: invoice for invoice in invoices},
        payments=tuple(payments),
        credit_notes={note.id: note for note in notes},
    )
    today = ISSUED + days * DAY
    found, findings = account_of(base.shared, folder, today)
    assert not [finding for finding in findings if finding.severity == "error"], findings
    agree(found, folder.payments, today)


def test_parts_of_a_plan_take_the_rest() -> None:
    plan = (
        *(Instalment(due=ISSUED + n * DAY, percent=Decimal("33.3333")) for n in range(2)),
        Instalment(due=ISSUED + 9 * DAY, rest=True),
    )
    assert [str(part.amount) for part in parts_of(plan, Decimal("100.00"), "EUR")] == ["33.33", "33.33", "33.34"]


INVOICE_2 = "id: 2026-0002\nnumber: 2026-0002\nissued: 2026-11-03\n"


def test_auto_payments_pass_by_what_was_written_off(tmp_path: Path) -> None:
    other = INVOICE_2 + LINES
    pay = "- {id: p1, date: 2026-11-20, amount: 120.00, currency: EUR, method: cash, auto: true}\n"
    written = LINES + "write_off: {date: 2026-11-19, amount: 120.00, reason: Kindness}\n"
    found = account(site_of(tmp_path, written, payments=pay, **{"invoices__2026-0002": other}))
    assert found.invoices["2026-0001"].status.label.code == "written_off"
    assert found.invoices["2026-0002"].status.label.code == "paid"


def test_auto_payments_take_the_oldest_first(tmp_path: Path) -> None:
    older = "id: 2026-0000\nnumber: 2026-0000\nissued: 2026-10-01\n" + LINES
    pay = "- {id: p1, date: 2026-11-20, amount: 150.00, currency: EUR, method: cash, auto: true}\n"
    found = account(site_of(tmp_path, payments=pay, **{"invoices__2026-0000": older}))
    assert [found.invoices[key].status.balance for key in ("2026-0000", "2026-0001")] == [Decimal(0), Decimal("90.00")]


def test_a_deposit_is_deducted_once_and_only_when_it_is_one(tmp_path: Path) -> None:
    deposit = (
        "id: d\nnumber: D-1\nissued: 2026-10-01\nkind: deposit\nlines: [{description: Deposit, unit_price: 40.00}]\n"
    )
    final = INVOICE_2 + "deposits_deducted: [d]\n" + LINES
    first = "deposits_deducted: [d%s]\n" + LINES
    assert "bad-deposit" in codes(site_of(tmp_path / "a", first % ", d", invoices__d=deposit))
    assert "bad-deposit" in codes(
        site_of(tmp_path / "b", first % "", invoices__d=deposit, **{"invoices__2026-0002": final})
    )
    assert "bad-deposit" in codes(site_of(tmp_path / "c", first % "", invoices__d=deposit.replace("10-01", "11-30")))
    assert codes(site_of(tmp_path / "d", first % "", invoices__d=deposit)) == set()


def test_money_paid_ahead_is_credit_until_its_invoice_is_shown(tmp_path: Path) -> None:
    site = site_of(tmp_path, payments=(PAID % ("120.00", "120.00")).replace("2026-11-10", "2026-11-01"))
    assert account(site, "2026-11-01").credit == {"EUR": Decimal("120.00")}
    assert account(site, "2026-11-02").credit == {}


def test_a_session_on_two_invoices_is_a_warning_and_a_waived_charge_an_error(tmp_path: Path) -> None:
    def check(name: str, client: str, *invoices: str) -> set[str]:
        texts: dict[str, str | bytes | None] = {
            **MINIMAL_CLIENT,
            "content/services/s.md": "---\nname: S\nprice: 60.00\n---\n",
        }
        texts["content/clients/ana/sessions.yaml"] = (
            "- {id: one, start: 2026-11-01T10:00+00:00, service: s, status: held}\n"
        )
        texts["content/clients/ana/client.yaml"] = MINIMAL_CLIENT["content/clients/ana/client.yaml"] + client
        for n, line in enumerate(invoices):
            texts[f"content/clients/ana/invoices/i{n}.yaml"] = (
                f"id: i{n}\nnumber: i{n}\nissued: 2026-11-02\nlines: [{line}]\n"
            )
        loaded = load(minimal_site(tmp_path / name, texts))
        assert loaded.site, loaded.problems
        return codes(loaded.site)

    charge = "charges: [{id: book, date: 2026-11-01, description: Book, amount: 12.00%s}]\n"
    assert check("a", "", "{session: one}") == set()
    assert check("b", "", "{session: one}", "{session: one}") == {"billed-twice"}
    assert check("c", charge % "", "{charge: book}, {charge: book}") == {"billed-twice"}
    assert check("d", charge % ", waived: true", "{charge: book}") == {"waived"}


def test_percentages_that_make_a_hundred_leave_nothing_over(tmp_path: Path) -> None:
    plan = "schedule: [{due: 2026-11-15, percent: 50}, {due: 2026-12-15, percent: 50}]\n"
    facts = account(site_of(tmp_path, "lines: [{description: A, unit_price: 33.33}]\n" + plan)).invoices["2026-0001"]
    assert [str(part.amount) for part in facts.parts] == ["16.67", "16.66"]


def test_as_of_moves_when_a_part_falls_due_and_when_grace_begins(tmp_path: Path) -> None:
    plan = "schedule: [{due: 2026-11-05, amount: 50}, {due: 2026-11-15, amount: 50}, {due: 2026-12-15, rest: true}]\n"
    site = site_of(tmp_path / "a", "lines: [{description: A, unit_price: 150}]\n" + plan)
    days = {day: account(site, day).invoices["2026-0001"].status for day in ("2026-11-14", "2026-11-15", "2026-11-20")}
    assert [(str(s.label.as_of), s.due_now) for s in days.values()] == [
        ("2026-11-06", Decimal(50)),
        ("2026-11-15", Decimal(100)),
        ("2026-11-15", Decimal(100)),
    ]
    texts = {
        **MINIMAL_CLIENT,
        "content/terms/net14.yaml": "id: net14\ndue: net 14\nlate: {kind: flat, value: 5.00, grace_days: 3}\n",
    }
    graced = load(minimal_site(tmp_path / "b", texts)).site
    assert graced
    labels = [
        account(graced, day).invoices["2026-0001"].status.label for day in ("2026-11-16", "2026-11-17", "2026-11-19")
    ]
    assert [(label.code, str(label.as_of)) for label in labels] == [
        ("due_today", "2026-11-16"),
        ("due", "2026-11-17"),
        ("due", "2026-11-17"),
    ]


def test_what_was_written_off_is_not_paid_as_well(tmp_path: Path) -> None:
    written = LINES + "write_off: {date: 2026-11-09, amount: 120.00, reason: Kindness}\n"
    assert "over-allocated" in codes(site_of(tmp_path, written, payments=PAID % ("120.00", "120.00")))


@pytest.mark.parametrize(
    ("written", "credited", "refused"),
    [("120.00", "full: true", True), ("70.00", "lines: [{description: x, unit_price: 50.01}]", True),
     ("70.00", "lines: [{description: x, unit_price: 50.00}]", False)],
)  # fmt: skip
def test_what_was_written_off_is_not_credited_as_well(
    tmp_path: Path, written: str, credited: str, refused: bool
) -> None:
    invoice = LINES + f"write_off: {{date: 2026-11-09, amount: {written}, reason: Kindness}}\n"
    site = site_of(tmp_path, invoice, **{"credit-notes__cn-1": NOTE + credited + "\n"})
    assert codes(site) == ({"credited-written-off"} if refused else set())


def test_what_was_paid_before_the_rest_was_written_off_can_be_credited(tmp_path: Path) -> None:
    invoice = LINES + "write_off: {date: 2026-11-11, amount: 80.00, reason: Kindness}\n"
    note = NOTE + "lines: [{description: x, unit_price: 40.00}]\n"
    site = site_of(tmp_path, invoice, payments=PAID % ("40.00", "40.00"), **{"credit-notes__cn-1": note})
    assert account(site).credit == {"EUR": Decimal("40.00")}


def test_refunds_may_stand_above_their_payment(tmp_path: Path) -> None:
    pay = PAID % ("120.00", "120.00")
    back = pay.replace("p1", "p2").replace("2026-11-10", "2026-11-12").replace("120.00", "-120.00")
    assert codes(site_of(tmp_path, payments=back + pay)) == set()


def test_an_amount_is_never_taken_for_another_currency(tmp_path: Path) -> None:
    texts: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        "content/services/s.md": "---\nname: S\nprice: 60.00\n---\n",
        "content/clients/ana/sessions.yaml": "- {id: one, start: 2026-11-01T10:00+00:00, service: s, status: held, fee: 50}\n",
        "content/clients/ana/invoices/2026-0001.yaml": (
            "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\ncurrency: GBP\nlines: [{session: one}]\n"
        ),
    }
    site = load(minimal_site(tmp_path, texts)).site
    assert site
    assert codes(site) == {"other-currency"}


def test_one_group_for_one_rate_and_no_category_beside_o(tmp_path: Path) -> None:
    two = "lines:\n  - {description: A, unit_price: 10, tax: {category: E, rate: 0, reason: One}}\n"
    two += "  - {description: B, unit_price: 20, tax: {category: E, rate: 0, reason: Two}}\n"
    groups = account(site_of(tmp_path / "a", two)).invoices["2026-0001"].totals.groups
    assert [(group.base, group.reason) for group in groups] == [(Decimal("30.00"), "One; Two")]
    charge = LINES + "charges: [{amount: 10, reason: Post, tax: {category: S, rate: 23}}]\n"
    assert codes(site_of(tmp_path / "b", charge)) == {"mixed-tax"}
