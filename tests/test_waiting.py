"""What waits to be invoiced: sessions, fees for missed ones, charges (domain §3 charge, A4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from portalgen.content.loader import load
from portalgen.content.model import Site
from portalgen.content.records.documents import Invoice
from portalgen.content.scalars import Price
from portalgen.rules.account import account_of
from portalgen.rules.money import Money
from portalgen.rules.waiting import LineProposal, Waivers, unbilled_sessions, waiting, waiting_charges, waivers
from tests.support import MINIMAL_CLIENT, minimal_site

ANA = "content/clients/ana/"
TODAY = dt.date(2026, 11, 21)
SERVICE = "---\nname: Session\nprice: 85.00\n---\n"
POLICY = (
    "---\ntitle: Cancelling\nkind: cancellation\neffective: 2026-01-01\nnotice_hours: 24\nfee: 50%%\n%s---\nText.\n"
)
ROW = "- {id: s1, start: 2026-11-09T10:00+00:00, service: session, status: %s}\n"  # a Monday


def site_of(tmp_path: Path, sessions: str = "", client: str = "", policy: str = "", **files: str) -> Site:
    texts: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        "content/services/session.md": SERVICE,
        "content/policies/cancelling.md": POLICY % policy,
        ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"] + client,
        ANA + "sessions.yaml": sessions or None,
    }
    texts |= {ANA + name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    return loaded.site


def unbilled(site: Site, today: dt.date = TODAY) -> tuple[LineProposal, ...]:
    return unbilled_sessions(site.shared, site.clients["ana"], today)


def amounts(site: Site, today: dt.date = TODAY) -> list[str]:
    return [str(proposal.amount.amount) if proposal.amount else "?" for proposal in unbilled(site, today)]


@pytest.mark.parametrize(
    ("status", "policy", "amount"),
    [
        ("held", "", ["85.00"]),
        ("held, fee: 70.00", "", ["70.00"]),
        ("held, fee: 0.00", "", []),
        ("planned", "", []),
        ("cancelled_by_me", "", []),
        ("rescheduled", "", []),
        ("late_cancelled", "", ["42.50"]),
        ("late_cancelled, fee: 70.55", "", ["35.28"]),
        ("no_show", "", ["42.50"]),
        ("no_show", "no_show_fee: full\n", ["85.00"]),
        ("no_show", "no_show_fee: 33.3333%\n", ["28.33"]),
        ("no_show", "no_show_fee: 25.00\n", ["25.00"]),
        ("no_show", "no_show_fee: 0.00\n", []),
        ("no_show, waive: {reason: First time}", "", []),
        ("held, waive: {reason: A gift}", "", []),
        ("cancelled_by_client", "", []),
        ("cancelled_by_client, cancelled_at: 2026-11-08T10:00+00:00", "", []),
        ("cancelled_by_client, cancelled_at: 2026-11-08T10:00:01+00:00", "", ["42.50"]),
        ("cancelled_by_client, cancelled_at: 2026-11-06T10:01+00:00", "count_business_days_only: true\n", ["42.50"]),
        ("cancelled_by_client, cancelled_at: 2026-11-06T10:00+00:00", "count_business_days_only: true\n", []),
    ],
)
def test_what_a_session_costs_by_what_became_of_it(tmp_path: Path, status: str, policy: str, amount: list[str]) -> None:
    assert amounts(site_of(tmp_path, ROW % status, policy=policy)) == amount


@pytest.mark.parametrize(
    ("status", "more", "quantity", "unit", "amount"),
    [
        ("held", ", minutes: 90", "1.5", "hour", "142.50"),
        ("held", ", end: 2026-11-09T11:35+01:00", "0.583333", "hour", "55.42"),
        ("held", "", "0.833333", "hour", "79.17"),
        ("held", ", minutes: 60", "1", "hour", "95.00"),
        ("held", ", minutes: 90, fee: 100.00", "1", "session", "100.00"),
        ("no_show", ", minutes: 90", "0.75", "hour", "71.25"),
        ("no_show", ", minutes: 90, fee: 100.00", "0.5", "session", "50.00"),
    ],
)
def test_a_session_of_an_hourly_service_is_as_many_hours_as_it_is_long(
    tmp_path: Path, status: str, more: str, quantity: str, unit: str, amount: str
) -> None:
    site = site_of(tmp_path, ROW % (status + more))
    hourly = msgspec.structs.replace(
        site.shared.services["session"],
        unit="hour",
        price=Price(kind="amount", amount=Decimal("95.00")),
        duration_minutes=50,
    )
    site = msgspec.structs.replace(site, shared=msgspec.structs.replace(site.shared, services={"session": hourly}))
    (found,) = unbilled(site)
    assert str(found.line.quantity) == quantity
    assert found.line.unit == (None if unit == "hour" else unit)
    assert found.amount == Money(Decimal(amount), "EUR")


@pytest.mark.parametrize("unit", ["session", "day", "item"])
def test_a_long_session_of_any_other_unit_is_one(tmp_path: Path, unit: str) -> None:
    site = site_of(tmp_path, ROW % "held, minutes: 90")
    other = msgspec.structs.replace(site.shared.services["session"], unit=unit)
    site = msgspec.structs.replace(site, shared=msgspec.structs.replace(site.shared, services={"session": other}))
    assert amounts(site) == ["85.00"]


@pytest.mark.parametrize(("cancelled", "late"), [("2026-10-24T13:00+01:00", False), ("2026-10-24T13:01+01:00", True)])
def test_the_notice_is_real_hours_across_a_change_of_the_clocks(tmp_path: Path, cancelled: str, late: bool) -> None:
    row = "- {id: a, start: 2026-10-25T12:00+00:00, service: session, status: cancelled_by_client, cancelled_at: %s}\n"
    assert bool(unbilled(site_of(tmp_path, row % cancelled))) is late


def test_a_session_waits_from_its_day_in_the_practices_zone(tmp_path: Path) -> None:
    row = "- {id: late, start: 2026-07-01T23:30+00:00, service: session, status: held}\n"  # 2 July in Dublin
    site = site_of(tmp_path, row)
    assert [unbilled(site, dt.date(2026, 7, day)) != () for day in (1, 2)] == [False, True]
    assert unbilled(site)[0].date == dt.date(2026, 7, 2)


def test_without_a_policy_nothing_is_asked_for_a_missed_session(tmp_path: Path) -> None:
    site = site_of(tmp_path, ROW % "no_show")
    shared = msgspec.structs.replace(site.shared, policies={})
    assert unbilled_sessions(shared, site.clients["ana"], TODAY) == ()


INVOICE = "id: b\nnumber: 2026-0002\nissued: 2026-11-10\nlines: [%s]\n"


@pytest.mark.parametrize(
    ("invoice", "waits"),
    [
        (INVOICE % "{session: s1}", False),
        ("id: b\nlines: [{session: s1}]\n", False),
        (INVOICE % "{session: s1}" + "void: {date: 2026-11-11, reason: Wrong}\n", True),
        (INVOICE % "{service: session, date: 2026-11-09}", False),
        (INVOICE % "{service: session}" + "service_date: 2026-11-09\n", False),
        (INVOICE % "{service: session, date: 2026-11-08}", True),
        (INVOICE % "{service: session, date: 2026-11-09}" + "kind: deposit\n", True),
    ],
)
def test_a_session_waits_until_an_invoice_has_it(tmp_path: Path, invoice: str, waits: bool) -> None:
    assert bool(unbilled(site_of(tmp_path, ROW % "held", invoices__b=invoice))) is waits


def test_packages_and_retainers_pay_for_sessions(tmp_path: Path) -> None:
    rows = "".join((ROW % "held").replace("s1", f"s{n}").replace("-09T", f"-{n:02}T") for n in (3, 10, 17))
    package = "packages: [{service: session, sessions: 1, bought: 2026-11-01}]\n"
    assert [p.id for p in unbilled(site_of(tmp_path / "a", rows, package))] == ["s10", "s17"]
    retainer = (
        "retainer: {kind: availability, amount: 200.00, covers: [session], from: 2026-11-10, until: 2026-11-16}\n"
    )
    assert [p.id for p in unbilled(site_of(tmp_path / "b", rows, retainer))] == ["s3", "s17"]
    advance = "retainer: {kind: advance, amount: 200.00}\n"
    assert len(unbilled(site_of(tmp_path / "c", rows, advance))) == 3


def test_the_invoice_of_a_package_is_not_that_of_a_session_on_its_day(tmp_path: Path) -> None:
    package = "packages: [{service: session, sessions: 1, bought: 2026-11-09, invoice: b}]\n"
    rows = ROW % "held" + (ROW % "held").replace("s1", "s2").replace("-09T", "-10T")
    site = site_of(tmp_path, rows, package, invoices__b=INVOICE % "{service: session, date: 2026-11-09}")
    assert [proposal.id for proposal in unbilled(site)] == ["s2"]


def test_a_proposal_becomes_a_line_that_comes_to_its_amount(tmp_path: Path) -> None:
    rows = ROW % "held" + (ROW % "late_cancelled").replace("s1", "s2") + (ROW % "no_show").replace("s1", "s3")
    client = "rates: {session: 75.35}\ncharges: [{id: book, date: 2026-11-01, description: Book, amount: 12.00}]\n"
    site = site_of(tmp_path, rows, client, "no_show_fee: 20.00\n")
    folder = site.clients["ana"]
    proposals = waiting(site.shared, folder, TODAY)
    assert [proposal.id for proposal in proposals] == ["book", "s1", "s2", "s3"]
    draft = Invoice(path="", client="ana", id="draft", lines=tuple(proposal.line for proposal in proposals))
    account, findings = account_of(site.shared, msgspec.structs.replace(folder, invoices={"draft": draft}), TODAY)
    totals = account.invoices["draft"].totals
    assert not findings
    assert [Money(amount, "EUR") for amount in totals.amounts] == [proposal.amount for proposal in proposals]
    assert [str(amount) for amount in totals.amounts] == ["12.00", "75.35", "37.68", "20.00"]
    words = [line.description for line in totals.lines]
    assert words == ["Book", "Session", "Cancelled late: Session", "Missed: Session"]


def test_a_session_without_a_fixed_price_waits_all_the_same(tmp_path: Path) -> None:
    site = site_of(tmp_path, ROW % "held")
    service = msgspec.structs.replace(site.shared.services["session"], price=Price(kind="on_request"))
    shared = msgspec.structs.replace(site.shared, services={"session": service})
    [proposal] = unbilled_sessions(shared, site.clients["ana"], TODAY)
    assert proposal.amount is None


def test_a_session_in_the_services_own_currency(tmp_path: Path) -> None:
    site = site_of(tmp_path, ROW % "held")
    service = msgspec.structs.replace(site.shared.services["session"], currency="CHF")
    shared = msgspec.structs.replace(site.shared, services={"session": service})
    [proposal] = unbilled_sessions(shared, site.clients["ana"], TODAY)
    assert proposal.amount == Money(Decimal("85.00"), "CHF")


@pytest.mark.parametrize(
    ("charge", "waits"),
    [
        ("{id: book, date: 2026-11-21, description: Book, amount: 12.00}", True),
        ("{id: book, date: 2026-11-22, description: Book, amount: 12.00}", False),
        ("{id: book, date: 2026-11-21, description: Book, amount: 12.00, waived: true}", False),
        ("{id: book, date: 2026-11-21, description: Book, amount: 12.00, waived: A gift}", False),
    ],
)
def test_a_charge_waits_from_its_day_unless_it_was_waived(tmp_path: Path, charge: str, waits: bool) -> None:
    site = site_of(tmp_path, client=f"charges: [{charge}]\n")
    assert bool(waiting_charges(site.shared, site.clients["ana"], TODAY)) is waits


def test_a_charge_waits_until_an_invoice_names_it(tmp_path: Path) -> None:
    charges = "charges: [{id: book, date: 2026-11-01, description: Book, amount: 12.00}]\n"
    site = site_of(tmp_path / "a", client=charges, invoices__b=INVOICE % "{charge: book}")
    assert waiting_charges(site.shared, site.clients["ana"], TODAY) == ()
    void = INVOICE % "{charge: book}" + "void: {date: 2026-11-11, reason: Wrong}\n"
    site = site_of(tmp_path / "b", client=charges, invoices__b=void)
    [proposal] = waiting_charges(site.shared, site.clients["ana"], TODAY)
    assert (proposal.line.charge, proposal.amount) == ("book", Money(Decimal("12.00"), "EUR"))


def test_a_charge_without_an_id_is_told_and_two_ids_may_not_be_the_same(tmp_path: Path) -> None:
    one = "{date: 2026-11-01, description: Book, amount: 12.00%s}"
    text = MINIMAL_CLIENT[ANA + "client.yaml"]
    for n, (charges, codes) in enumerate(
        (
            (one % "", ["unnamed-charge"]),
            (one % ", waived: true", []),
            (one % ", id: book", []),
            (one % ", id: book" + ", " + one % ", id: book", ["duplicate-id"]),
        )
    ):
        files = {**MINIMAL_CLIENT, ANA + "client.yaml": f"{text}charges: [{charges}]\n"}
        assert [problem.code for problem in load(minimal_site(tmp_path / str(n), files)).problems] == codes


def test_waivers_are_counted_by_year_and_reported(tmp_path: Path) -> None:
    rows = "".join(
        f"- {{id: s{n}, start: {day}T10:00+00:00, service: session, status: no_show{more}}}\n"
        for n, (day, more) in enumerate(
            (
                ("2025-12-31", ", waive: {reason: A}"),
                ("2025-12-30", ", waive: {reason: A}"),
                ("2026-01-02", ", waive: {reason: B}"),
                ("2026-11-09", ""),
                ("2026-11-16", ""),
            )
        )
    )
    site = site_of(tmp_path, rows, policy="waivers_per_year: 2\n")
    folder = site.clients["ana"]
    assert waivers(site.shared, folder, folder.sessions[3]) == Waivers(1, 2)
    assert [proposal.waivers_left for proposal in unbilled(site)] == [1, 1]
