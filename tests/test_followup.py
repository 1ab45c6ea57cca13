"""When client and practitioner meet again, and until when a session can be cancelled (domain A4, F1, F2)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from portalgen.content.loader import load
from portalgen.content.model import Site
from portalgen.rules.agreements import fill
from portalgen.rules.followup import cancel_until, next_session, rebooking
from tests.support import MINIMAL_CLIENT, minimal_site

SERVICE = "---\nname: Session\nprice: 60.00\n---\n"
POLICY = (
    "---\ntitle: Cancelling\nkind: cancellation\neffective: 2026-01-01\nnotice_hours: %d\nfee: full\n%s---\nText.\n"
)
HELD = "- {id: a, start: 2026-11-02T10:00+00:00, service: session, status: held%s}\n"
TODAY = dt.date(2026, 11, 21)


def site_of(tmp_path: Path, sessions: str, client: str = "", policy: str = "", site: str = "") -> Site:
    texts: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        "content/services/session.md": SERVICE,
        "content/clients/ana/sessions.yaml": sessions,
        "content/clients/ana/client.yaml": MINIMAL_CLIENT["content/clients/ana/client.yaml"] + client,
    }
    if policy:
        texts["content/policies/cancelling.md"] = policy
    root = minimal_site(tmp_path, texts)
    if site:
        file = root / "content/site.yaml"
        file.write_text(file.read_text().replace("  methods:", site + "  methods:"))
    loaded = load(root)
    assert loaded.site, loaded.problems
    return loaded.site


@pytest.mark.parametrize(
    ("start", "policy", "until"),
    [
        ("2026-11-26T10:00+00:00", POLICY % (24, ""), "2026-11-25T10:00:00+00:00"),
        ("2026-10-25T12:00+00:00", POLICY % (24, ""), "2026-10-24T13:00:00+01:00"),  # the clock goes back that night
        ("2026-11-30T10:00+00:00", POLICY % (24, "count_business_days_only: true\n"), "2026-11-27T10:00:00+00:00"),
        ("2026-11-30T10:00+00:00", POLICY % (48, "count_business_days_only: true\n"), "2026-11-26T10:00:00+00:00"),
        ("2026-11-25T10:00+00:00", POLICY % (24, "count_business_days_only: true\n"), "2026-11-24T10:00:00+00:00"),
    ],
)
def test_until_when_a_session_can_be_cancelled(tmp_path: Path, start: str, policy: str, until: str) -> None:
    site = site_of(tmp_path, f"- {{id: a, start: {start}, service: session}}\n", policy=policy)
    found = cancel_until(site.shared, site.clients["ana"].sessions[0])
    assert found
    assert found.isoformat() == until


def test_the_next_session_is_the_earliest_one_that_is_planned(tmp_path: Path) -> None:
    rows = [
        ("a", "2026-11-28", "planned"),
        ("b", "2026-11-24", "confirmed"),
        ("c", "2026-11-22", "cancelled_by_client"),
    ]
    text = "".join(
        f"- {{id: {i}, start: {day}T10:00+00:00, service: session, status: {state}}}\n" for i, day, state in rows
    )
    site = site_of(tmp_path, text + (HELD % "").replace("id: a", "id: held"))
    session = next_session(site.shared, site.clients["ana"], TODAY)
    assert session
    assert session.id == "b"
    assert rebooking(site.shared, site.clients["ana"], TODAY) is None


@pytest.mark.parametrize(
    ("follow_up", "client", "site", "around"),
    [
        (", follow_up: {in: 2w, why: Sleep}", "", "", "2026-11-16"),
        (", follow_up: {on: 2026-12-04}", "", "", "2026-12-04"),
        ("", "rhythm: {every: 4w}\n", "", "2026-11-30"),
        ("", "rhythm: {every: 4w, until: 2026-11-01}\n", "", "None"),
        ("", "rhythm: {every: 4w}\n", "  leave: [{from: 2026-11-28, to: 2026-12-06}]\n", "2026-12-07"),
        ("", "", "", "None"),
    ],
)
def test_about_when_to_meet(tmp_path: Path, follow_up: str, client: str, site: str, around: str) -> None:
    found = site_of(tmp_path, HELD % follow_up, client, site=site)
    prompt = rebooking(found.shared, found.clients["ana"], TODAY)
    assert prompt
    assert str(prompt.around) == around


@pytest.mark.parametrize("state", ["status: paused\n", "status: lead\n", "do_not_contact: true\n"])
def test_nobody_is_asked_to_book_who_should_not_be(tmp_path: Path, state: str) -> None:
    site = site_of(tmp_path, HELD % "", "rhythm: {every: 2w}\n" + state)
    assert rebooking(site.shared, site.clients["ana"], TODAY) is None


def test_values_in_an_agreement_are_text() -> None:
    text, missing = fill("For {{ client.name }} by {{ practice.phone }}", {"client.name": "A *B* | <C> & [D](x)"})
    assert missing == ("practice.phone",)
    import markdown

    assert markdown.markdown(text) == "<p>For A *B* &#124; &lt;C&gt; &amp; [D](x) by </p>"
