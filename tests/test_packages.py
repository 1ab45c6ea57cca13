"""Sessions bought at once: use, expiry, and what unused ones are worth (domain M8)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.model import Site
from portalgen.content.records.prepaid import PackagePurchase
from portalgen.rules.money import Money
from portalgen.rules.packages import PackageUse, covered_by_packages, packages_of
from tests.support import MINIMAL_CLIENT, minimal_site

ANA = "content/clients/ana/"
TODAY = dt.date(2026, 11, 21)
SERVICE = (
    "---\nname: Session\nprice: 60.00\npackages:\n  - {sessions: 3, price: 150.00, valid_months: 6}\n"
    "  - {sessions: 5, price: 250.00}\n---\n"
)
POLICY = "---\ntitle: Cancelling\nkind: cancellation\neffective: 2026-01-01\nnotice_hours: 24\nfee: %s\n---\nText.\n"


def held(*days: str, status: str = "held", more: str = "") -> str:
    row = "- {{id: s-{0}, start: {0}T10:00+00:00, service: session, status: {1}{2}}}\n"
    return "".join(row.format(day, status, more) for day in days)


def site_of(tmp_path: Path, packages: str, sessions: str, files: dict[str, str] | None = None) -> Site:
    texts = {
        **MINIMAL_CLIENT,
        "content/services/session.md": SERVICE,
        "content/services/other.md": "---\nname: Other\nprice: 60.00\n---\n",
        "content/policies/cancelling.md": POLICY % "full",
        ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"] + f"packages:\n{packages}",
        ANA + "sessions.yaml": sessions,
        **(files or {}),
    }
    loaded = load(minimal_site(tmp_path, texts))
    assert loaded.site, loaded.problems
    return loaded.site


def uses(site: Site, today: dt.date = TODAY) -> tuple[PackageUse, ...]:
    return packages_of(site.shared, site.clients["ana"], today)


BOUGHT = "  - {service: session, sessions: 3, bought: 2026-03-31%s}\n"


def test_sessions_use_up_a_package_from_the_day_it_was_bought(tmp_path: Path) -> None:
    site = site_of(tmp_path, BOUGHT % "", held("2026-03-30", "2026-03-31", "2026-04-07", "2026-11-28"))
    [use] = uses(site)
    assert (use.used, use.left, use.expires) == (("s-2026-03-31", "s-2026-04-07"), 1, dt.date(2026, 9, 30))
    assert [uses(site, dt.date.fromisoformat(day))[0].state for day in ("2026-03-30", "2026-09-30", "2026-10-01")] == [
        "coming",
        "active",
        "expired",
    ]
    assert [use.days_left(dt.date(2026, 9, day)) for day in (29, 30)] == [2, 1]


def test_an_extended_package_runs_on(tmp_path: Path) -> None:
    days = held("2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01")
    assert len(uses(site_of(tmp_path / "a", BOUGHT % "", days))[0].used) == 1
    assert len(uses(site_of(tmp_path / "b", BOUGHT % ", expires: 2026-10-31", days))[0].used) == 3
    longer = site_of(tmp_path / "c", BOUGHT.replace("3,", "5,") % "", days)
    assert (uses(longer)[0].expires, len(uses(longer)[0].used)) == (None, 4)


@pytest.mark.parametrize(
    ("sessions", "count"),
    [
        (held("2026-04-07", status="no_show"), 1),
        (held("2026-04-07", status="late_cancelled"), 1),
        (held("2026-04-07", status="cancelled_by_client", more=", cancelled_at: 2026-04-06T10:01+00:00"), 1),
        (held("2026-04-07", status="cancelled_by_client", more=", cancelled_at: 2026-04-06T10:00+00:00"), 0),
        (held("2026-04-07", status="no_show", more=", waive: {reason: Ill}"), 0),
        (held("2026-04-07", status="cancelled_by_me"), 0),
        (held("2026-04-07", status="planned"), 0),
        (held("2026-04-07").replace("service: session", "service: other"), 0),
        (held("2026-04-07", more=", fee: 0.00"), 1),
    ],
)
def test_what_uses_a_session_of_a_package(tmp_path: Path, sessions: str, count: int) -> None:
    assert len(uses(site_of(tmp_path, BOUGHT % "", sessions))[0].used) == count


def test_a_missed_session_uses_nothing_where_no_fee_is_asked(tmp_path: Path) -> None:
    files = {"content/policies/cancelling.md": POLICY % "0%"}
    site = site_of(tmp_path, BOUGHT % "", held("2026-04-07", status="no_show"), files)
    assert uses(site)[0].used == ()


def test_a_session_with_an_invoice_of_its_own_uses_nothing(tmp_path: Path) -> None:
    invoice = "id: own\nnumber: 2026-0002\nissued: 2026-04-08\nlines: [{session: s-2026-04-07}]\n"
    days = held("2026-04-07", "2026-04-14")
    site = site_of(tmp_path / "a", BOUGHT % "", days, {ANA + "invoices/own.yaml": invoice})
    assert uses(site)[0].used == ("s-2026-04-14",)
    void = invoice + "void: {date: 2026-04-09, reason: Wrong}\n"
    site = site_of(tmp_path / "b", BOUGHT % "", days, {ANA + "invoices/own.yaml": void})
    assert uses(site)[0].left == 1


def test_the_oldest_purchase_is_used_first_and_then_the_next(tmp_path: Path) -> None:
    packages = BOUGHT.replace("03-31", "05-01") % "" + BOUGHT % ""
    days = ("2026-04-01", "2026-05-02", "2026-05-09", "2026-05-16", "2026-05-23", "2026-05-30", "2026-06-06")
    younger, older = uses(site_of(tmp_path, packages, held(*days)))
    assert (younger.index, older.index) == (0, 1)
    assert older.used == ("s-2026-04-01", "s-2026-05-02", "s-2026-05-09")
    assert younger.used == ("s-2026-05-16", "s-2026-05-23", "s-2026-05-30")
    assert (younger.state, older.state) == ("used_up", "used_up")


def test_a_package_on_a_void_invoice_pays_for_nothing(tmp_path: Path) -> None:
    invoice = MINIMAL_CLIENT[ANA + "invoices/2026-0001.yaml"] + "void: {date: 2026-11-03, reason: Wrong}\n"
    files = {ANA + "invoices/2026-0001.yaml": invoice}
    site = site_of(tmp_path, BOUGHT % ", invoice: 2026-0001", held("2026-04-07"), files)
    assert uses(site) == ()
    assert covered_by_packages(site.shared, site.clients["ana"], TODAY) == frozenset()


def test_a_package_costs_what_was_agreed_or_what_the_service_says(tmp_path: Path) -> None:
    service = SERVICE.replace(
        "  - {sessions: 5,", "  - {sessions: 3, price: 120.00, valid_months: 1}\n  - {sessions: 5,"
    )
    packages = BOUGHT % "" + BOUGHT % ", price: 120.00" + BOUGHT % ", price: 99.00" + BOUGHT.replace("3,", "4,") % ""
    site = site_of(tmp_path, packages, held("2026-03-01"), {"content/services/session.md": service})
    found = [(str(use.expires), use.price and str(use.price.amount)) for use in uses(site)]
    assert found == [("2026-09-30", "150.00"), ("2026-04-30", "120.00"), ("2026-09-30", "99.00"), ("None", None)]
    assert {use.price.currency for use in uses(site) if use.price} == {"EUR"}
    client = msgspec.structs.replace(site.clients["ana"].client, currency="USD")
    folder = msgspec.structs.replace(site.clients["ana"], client=client)
    assert [use.price.currency for use in packages_of(site.shared, folder, TODAY) if use.price] == ["EUR", "USD", "USD"]


def test_a_package_cannot_end_before_it_was_bought(tmp_path: Path) -> None:
    text = MINIMAL_CLIENT[ANA + "client.yaml"] + "packages:\n" + BOUGHT % ", expires: 2026-03-30"
    files = {**MINIMAL_CLIENT, "content/services/session.md": SERVICE, ANA + "client.yaml": text}
    loaded = load(minimal_site(tmp_path, files))
    assert [problem.code for problem in loaded.problems] == ["bad-order"]


# --- properties ---------------------------------------------------------------------------------------

SPRING = st.dates(dt.date(2026, 1, 1), dt.date(2026, 6, 30))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose client is given packages and sessions by the property tests."""
    return site_of(tmp_path_factory.mktemp("plain"), BOUGHT % "", held("2026-04-07"))


@given(st.lists(st.tuples(SPRING, st.integers(1, 4), st.booleans()), max_size=4), st.lists(SPRING, max_size=12))
def test_no_session_is_used_twice_or_forgotten(
    plain: Site, bought: list[tuple[dt.date, int, bool]], days: list[dt.date]
) -> None:
    folder = plain.clients["ana"]
    packages = tuple(
        PackagePurchase(
            service="session", sessions=n, bought=day, expires=day + dt.timedelta(days=30) if ends else None
        )
        for day, n, ends in bought
    )
    sessions = tuple(
        msgspec.structs.replace(folder.sessions[0], id=f"s{n}", start=dt.datetime.combine(day, dt.time(10), dt.UTC))
        for n, day in enumerate(days)
    )
    folder = msgspec.structs.replace(
        folder, sessions=sessions, client=msgspec.structs.replace(folder.client, packages=packages)
    )
    found = packages_of(plain.shared, folder, TODAY)
    used = [session for use in found for session in use.used]
    assert len(used) == len(set(used))
    assert all(use.left >= 0 for use in found)
    starts = {session.id: session.start.date() for session in sessions}
    for session in starts.keys() - set(used):  # whatever no package pays for found every valid package used up
        valid = [u for u in found if u.purchase.bought <= starts[session] <= (u.expires or dt.date.max)]
        assert all(use.left == 0 for use in valid)


@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3)]))
def test_used_and_unused_sessions_are_worth_the_price(minor: int, sessions: int, currency: tuple[str, int]) -> None:
    price = Decimal(minor).scaleb(-currency[1])
    purchase = PackagePurchase(service="s", sessions=sessions, bought=TODAY)
    worth = []
    for count in range(sessions + 1):
        use = PackageUse(
            index=0,
            purchase=purchase,
            expires=None,
            used=("s",) * count,
            state="active",
            price=Money(price, currency[0]),
        )
        assert use.unused
        worth.append(use.unused.amount)
    assert worth[0] == price
    assert worth[-1] == 0
    steps = [before - after for before, after in pairwise(worth)]
    assert sum(steps) == price
    assert all(step >= 0 for step in steps)


def test_the_last_session_takes_the_rest() -> None:
    purchase = PackagePurchase(service="s", sessions=3, bought=TODAY)
    price = Money(Decimal("100.00"), "EUR")
    left = []
    for count in range(3):
        use = PackageUse(index=0, purchase=purchase, expires=None, used=("s",) * count, state="active", price=price)
        assert use.unused
        left.append(str(use.unused.amount))
    assert left == ["100.00", "66.67", "33.34"]
