"""Late fees and interest: a proposal under accepted terms, never more (domain §4.10, M11)."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.model import Site
from portalgen.content.records.documents import Allocation, Payment
from portalgen.content.records.prepaid import Charge
from portalgen.rules.account import account_of
from portalgen.rules.late import LateFee, late_fee, obstacle
from tests.support import MINIMAL_CLIENT, minimal_site

ANA = "content/clients/ana/"
DAY = dt.timedelta(days=1)
DUE = dt.date(2026, 11, 16)
ACCEPTED = "accepted: [{agreement: work, version: 1, date: 2026-10-01, method: paper}]\n"
AGREEMENT = "---\ntitle: Work\nversion: %s\neffective: 2026-01-01\nterms: net14\n%s---\nWe agree.\n"
INTEREST = "{kind: annual_interest, value: 8, grace_days: 5%s}"


def site_of(
    tmp_path: Path,
    late: str,
    client: str = ACCEPTED,
    invoice: str = "",
    agreement: str = AGREEMENT % (1, ""),
    **files: str,
) -> Site:
    """Ana owes 1000.00, due on 16 November 2026."""
    texts: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        "content/terms/net14.yaml": f"id: net14\ndue: net 14\nlate: {late}\n",
        "content/agreements/work.md": agreement,
        ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"] + client,
        ANA + "invoices/2026-0001.yaml": (
            "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\n"
            "lines: [{description: Work, unit_price: 1000.00}]\n" + invoice
        ),
    }
    texts |= {ANA + name + ".yaml": text for name, text in files.items()}
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    return loaded.site


def fee(site: Site, today: str | dt.date) -> LateFee | None:
    day = dt.date.fromisoformat(today) if isinstance(today, str) else today
    folder = site.clients["ana"]
    account, _ = account_of(site.shared, folder, day)
    return late_fee(site.shared, folder, account.invoices["2026-0001"], day)


def amount(site: Site, today: str | dt.date) -> str:
    found = fee(site, today)
    return str(found.amount.amount) if found else ""


def why(site: Site, today: str = "2027-01-01") -> str | None:
    folder, day = site.clients["ana"], dt.date.fromisoformat(today)
    account, _ = account_of(site.shared, folder, day)
    return obstacle(site.shared, folder, account.invoices["2026-0001"], day)


# --- interest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-11-16", ""),
        ("2026-11-21", ""),  # the last day of grace
        ("2026-11-22", "0.22"),  # 1000 × 8 % × 1 / 365
        ("2026-12-21", "6.58"),  # 30 days
        ("2027-11-21", "80.00"),  # 365 days
        ("2028-11-21", "160.22"),  # 731 days, one of them 29 February
    ],
)
def test_simple_interest_by_the_day(tmp_path: Path, today: str, expected: str) -> None:
    assert amount(site_of(tmp_path, INTEREST % ""), today) == expected


PAYMENT = (
    "- {id: p1, date: 2026-12-01, amount: 400.00, currency: EUR, method: cash,"
    " allocations: [{invoice: 2026-0001, amount: 400.00}]%s}\n"
)


def test_a_part_payment_lowers_the_principal_from_its_day_on(tmp_path: Path) -> None:
    found = fee(site_of(tmp_path, INTEREST % "", payments=PAYMENT % ""), "2026-12-10")
    assert found
    steps = [
        (str(s.start), str(s.end), s.days, str(s.principal.amount), s.rate, str(s.amount.amount)) for s in found.steps
    ]
    assert steps == [
        ("2026-11-22", "2026-11-30", 9, "1000.00", Decimal(8), "1.97"),
        ("2026-12-01", "2026-12-10", 10, "600.00", Decimal(8), "1.32"),
    ]
    assert str(found.amount.amount) == "3.29"  # 1.9726 + 1.3151, rounded once


def test_money_on_its_way_lowers_nothing(tmp_path: Path) -> None:
    found = fee(site_of(tmp_path, INTEREST % "", payments=PAYMENT % ", status: pending"), "2026-12-10")
    assert found
    assert [step.days for step in found.steps] == [19]


def test_a_credit_note_and_a_write_off_lower_it_too(tmp_path: Path) -> None:
    note = "id: cn\nnumber: CN-1\ninvoice: 2026-0001\nissued: 2026-12-01\nreason: A\nlines: [{description: A, unit_price: 300.00}]\n"
    off = "write_off: {date: 2026-12-06, amount: 200.00, reason: B}\n"
    site = site_of(tmp_path, INTEREST % "", invoice=off, **{"credit-notes/cn": note})
    found = fee(site, "2026-12-10")
    assert found
    assert [(step.days, int(step.principal.amount)) for step in found.steps] == [(9, 1000), (5, 700), (5, 500)]


def test_each_part_of_a_plan_counts_from_its_own_due_date(tmp_path: Path) -> None:
    plan = "schedule: [{due: 2026-11-16, amount: 400.00}, {due: 2026-12-16, rest: true}]\n"
    found = fee(site_of(tmp_path, INTEREST % "", invoice=plan), "2026-12-31")
    assert found
    assert [(str(s.start), int(s.principal.amount)) for s in found.steps] == [("2026-11-22", 400), ("2026-12-22", 1000)]


def test_a_part_that_was_paid_in_time_is_not_late(tmp_path: Path) -> None:
    plan = "schedule: [{due: 2026-11-16, amount: 400.00}, {due: 2026-12-16, rest: true}]\n"
    paid = (PAYMENT % "").replace("2026-12-01", "2026-11-10")
    found = fee(site_of(tmp_path, INTEREST % "", invoice=plan, payments=paid), "2026-12-31")
    assert found
    assert [(str(s.start), int(s.principal.amount)) for s in found.steps] == [("2026-12-22", 600)]


def test_interest_on_interest_only_where_it_is_agreed(tmp_path: Path) -> None:
    assert amount(site_of(tmp_path / "a", INTEREST % ", compound: true"), "2027-11-21") == "80.00"
    assert amount(site_of(tmp_path / "b", INTEREST % ", compound: true"), "2028-11-20") == "166.40"  # 80 + 1080 × 8 %
    assert amount(site_of(tmp_path / "c", INTEREST % ", compound: true, repeat: 1m"), "2027-11-21") == "83.00"


# --- fees ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "today", "expected"),
    [
        ("{kind: flat, value: 15.00, grace_days: 5}", "2026-11-21", ""),
        ("{kind: flat, value: 15.00, grace_days: 5}", "2026-11-22", "15.00"),
        ("{kind: flat, value: 15.00, after_days: 10}", "2026-11-25", ""),
        ("{kind: flat, value: 15.00, after_days: 10}", "2026-11-26", "15.00"),
        ("{kind: flat, value: 15.00, repeat: once}", "2028-01-01", "15.00"),
        ("{kind: flat, value: 15.00, repeat: 1m}", "2027-01-16", "30.00"),
        ("{kind: flat, value: 15.00, repeat: 1m}", "2027-01-17", "45.00"),
        ("{kind: flat, value: 15.00, repeat: 1m, max: 40.00}", "2027-06-01", "40.00"),
        ("{kind: percent, value: 1.5}", "2026-11-17", "15.00"),
        ("{kind: percent, value: 1.5, repeat: 1m}", "2026-12-17", "24.00"),  # 15.00, then 9.00 of the 600.00 left
        ("{kind: annual_interest, value: 8, min: 5.00}", "2026-11-17", "5.00"),
        ("{kind: annual_interest, value: 8, recovery_fee: 40.00}", "2026-11-17", "40.22"),
        ("{kind: annual_interest, value: 8, max: 3.00, recovery_fee: 40.00}", "2027-11-17", "43.00"),
        ("{kind: none, recovery_fee: 40.00}", "2027-11-17", ""),
    ],
)
def test_flat_fees_percentages_and_limits(tmp_path: Path, late: str, today: str, expected: str) -> None:
    payments = {"payments": PAYMENT % ""} if "1.5, repeat" in late else {}
    assert amount(site_of(tmp_path, late, **payments), today) == expected


CHARGED = (
    "charges: [{id: late-1, date: 2026-12-21, description: Late, amount: 5.00, kind: late_fee, source: 2026-0001%s}]\n"
)


@pytest.mark.parametrize("waived", ["", ", waived: First time"])
def test_what_was_charged_or_waived_is_not_asked_for_again(tmp_path: Path, waived: str) -> None:
    site = site_of(tmp_path, INTEREST % "", ACCEPTED + CHARGED % waived)
    found = fee(site, "2026-12-21")
    assert found
    assert (str(found.amount.amount), str(found.charged.amount)) == ("1.58", "5.00")
    assert amount(site, "2026-12-01") == ""


def test_the_charge_can_be_pasted_and_settles_the_matter(tmp_path: Path) -> None:
    site = site_of(tmp_path, INTEREST % "")
    found = fee(site, "2026-12-21")
    assert found
    assert found.charge
    charge = found.charge
    assert (charge.id, charge.kind, charge.source, charge.tax) == (
        "late-2026-0001-2026-12-21",
        "late_fee",
        "2026-0001",
        None,
    )
    assert charge.description == "Late payment of 2026-0001, to 2026-12-21"
    folder = site.clients["ana"]
    client = msgspec.structs.replace(folder.client, charges=(charge,))
    again = msgspec.structs.replace(site, clients={"ana": msgspec.structs.replace(folder, client=client)})
    assert amount(again, "2026-12-21") == ""
    assert amount(again, "2026-12-22") == "0.21"  # 6.79 less 6.58


def test_a_fee_is_outside_the_scope_of_tax(tmp_path: Path) -> None:
    site = site_of(tmp_path, INTEREST % "")
    practice = site.shared.site.practice
    registered = msgspec.structs.replace(practice, tax=msgspec.structs.replace(practice.tax, status="registered"))
    shared = msgspec.structs.replace(site.shared, site=msgspec.structs.replace(site.shared.site, practice=registered))
    day, folder = dt.date(2026, 12, 21), site.clients["ana"]
    account, _ = account_of(site.shared, folder, day)
    found = late_fee(shared, folder, account.invoices["2026-0001"], day)
    assert found
    assert found.charge
    assert found.charge.tax
    assert found.charge.tax.category == "O"


# --- what stands in the way ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "agreement", "expected"),
    [
        (ACCEPTED, AGREEMENT % (1, ""), None),
        ("", AGREEMENT % (1, ""), "not_accepted"),
        (ACCEPTED.replace("2026-10-01", "2026-11-03"), AGREEMENT % (1, ""), "not_accepted"),  # after the invoice
        (ACCEPTED.replace("paper", "paper, revoked: 2026-10-05"), AGREEMENT % (1, ""), "not_accepted"),
        (ACCEPTED, AGREEMENT % (2, ""), "not_accepted"),
        (ACCEPTED, AGREEMENT % (2, "material: false\n"), None),
        (ACCEPTED, AGREEMENT % (1, "expires_after: 2w\n"), "not_accepted"),
        (ACCEPTED, AGREEMENT % (1, "expires_after: 2m\n"), None),
        (ACCEPTED, AGREEMENT % (1, "draft: true\n"), "not_accepted"),
        (ACCEPTED, (AGREEMENT % (1, "")).replace("terms: net14\n", ""), "not_accepted"),
    ],
)
def test_no_fee_without_an_accepted_agreement(
    tmp_path: Path, client: str, agreement: str, expected: str | None
) -> None:
    site = site_of(tmp_path, INTEREST % "", client, agreement=agreement)
    assert why(site) == expected
    assert bool(fee(site, "2027-01-01")) is (expected is None)


PROMISE = "- {at: 2026-12-01T10:00+00:00, channel: phone, direction: in, summary: Soon, invoice: [2026-0001], promise: {by: %s, amount: 1000.00}}\n"


def test_a_dispute_and_a_promise_hold_a_fee_back(tmp_path: Path) -> None:
    disputed = "disputed: {from: 2026-12-01, until: 2026-12-31}\n"
    site = site_of(tmp_path / "a", INTEREST % "", invoice=disputed)
    assert (why(site, "2026-12-31"), why(site)) == ("disputed", None)
    site = site_of(tmp_path / "b", INTEREST % "", log=PROMISE % "2026-12-31")
    assert (why(site, "2026-12-31"), why(site)) == ("promised", None)


def test_nothing_is_charged_on_what_is_not_late(tmp_path: Path) -> None:
    site = site_of(tmp_path / "a", INTEREST % "", payments=(PAYMENT % "").replace("400.00", "1000.00"))
    assert (why(site, "2026-11-20"), why(site, "2026-12-10")) == ("not_late", "not_late")
    assert why(site_of(tmp_path / "b", "{kind: none}")) == "no_rule"
    assert why(site_of(tmp_path / "c", "{kind: flat, value: 15.00, after_days: 90}")) == "too_early"


def test_amounts_of_the_terms_are_in_the_practices_currency(tmp_path: Path) -> None:
    foreign = "currency: USD\n"
    assert why(site_of(tmp_path / "a", "{kind: flat, value: 15.00}", invoice=foreign)) == "other_currency"
    site = site_of(tmp_path / "b", INTEREST % "", invoice=foreign)
    found = fee(site, "2026-12-21")
    assert found
    assert (str(found.amount.amount), found.amount.currency, found.charge) == ("6.58", "USD", None)


# --- properties ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Ana owes 1000.00 at 8 % a year without days of grace."""
    return site_of(tmp_path_factory.mktemp("plain"), "{kind: annual_interest, value: 8}")


def paid_by(site: Site, payments: list[tuple[int, int]]) -> Site:
    """The site with part payments so many days after the due date, together less than is owed."""
    rows = tuple(
        Payment(
            id=f"p{n}",
            date=DUE + days * DAY,
            amount=Decimal(euros),
            currency="EUR",
            method="cash",
            allocations=(Allocation(invoice="2026-0001", amount=Decimal(euros)),),
        )
        for n, (days, euros) in enumerate(payments)
    )
    return msgspec.structs.replace(site, clients={"ana": msgspec.structs.replace(site.clients["ana"], payments=rows)})


PARTS = st.lists(st.tuples(st.integers(-10, 400), st.integers(1, 190)), max_size=5)


@settings(max_examples=100, deadline=None)
@given(PARTS, st.integers(1, 500))
def test_interest_is_the_sum_over_every_day_of_what_was_open(
    plain: Site, payments: list[tuple[int, int]], days: int
) -> None:
    site = paid_by(plain, payments)
    exact = Decimal(0)
    for day in range(1, days + 1):
        open_ = 1000 - sum(euros for after, euros in payments if after <= day)
        exact += Decimal(open_) * 8 / 36500
    expected = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    found = fee(site, DUE + days * DAY)
    assert (found.amount.amount if found else Decimal(0)) == expected
    if found:
        assert sum(step.amount.amount for step in found.steps) == expected
        assert sum(step.days for step in found.steps) == days


@settings(max_examples=60, deadline=None)
@given(PARTS, st.lists(st.integers(1, 500), min_size=1, max_size=4, unique=True))
def test_charged_in_steps_it_comes_to_the_same(plain: Site, payments: list[tuple[int, int]], visits: list[int]) -> None:
    site = paid_by(plain, payments)
    charges: list[Charge] = []
    for days in sorted(visits):
        folder = site.clients["ana"]
        client = msgspec.structs.replace(folder.client, charges=tuple(charges))
        now = msgspec.structs.replace(site, clients={"ana": msgspec.structs.replace(folder, client=client)})
        if found := fee(now, DUE + days * DAY):
            assert found.charge
            charges.append(found.charge)
    whole = fee(site, DUE + max(visits) * DAY)
    assert sum((charge.amount for charge in charges), Decimal(0)) == (whole.amount.amount if whole else 0)
