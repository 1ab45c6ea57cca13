"""`portalgen log`: an entry at the end of log.yaml, and not a byte above it changed (domain R1)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from portalgen.cli import log as command
from portalgen.content.records.base import Misfit
from portalgen.content.records.log import Channel, LogKind
from portalgen.desk import board_contacts
from portalgen.desk.noting import moment_of
from tests.desks import ANA, small_site, written
from tests.support import DEMO_DAY, Result, invoke


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return small_site(tmp_path)


def log(site: Path, *args: str) -> Result:
    """`portalgen log` on the demo's day."""
    return invoke("log", *args, "--site", site, "--today", DEMO_DAY)


def entries(site: Path) -> list[dict[str, Any]]:
    """What log.yaml holds, every scalar a text."""
    found: list[dict[str, Any]] = yaml.load((site / ANA / "log.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    return found


def test_a_contact_is_an_entry_at_the_end_and_nothing_above_it_changes(site: Path) -> None:
    before = (site / ANA / "log.yaml").read_bytes()
    result = log(site, "ana", "Sent the November invoice: paid by card", "--channel", "email", "--kind", "reminder",
                 "--invoice", "2026-0001", "--at", "2026-11-21T10:30", "--json")  # fmt: skip
    assert result.code == 0, result
    after = (site / ANA / "log.yaml").read_bytes()
    assert after.startswith(before)
    assert after.removeprefix(before).decode() == (
        "- id: log-2026-11-21\n"
        "  at: 2026-11-21T10:30:00+00:00\n"
        "  channel: email\n"
        "  direction: out\n"
        "  kind: reminder\n"
        "  summary: 'Sent the November invoice: paid by card'\n"
        "  invoice: [2026-0001]\n"
    )
    assert result.json == {
        "id": "log-2026-11-21",
        "client": "ana",
        "at": "2026-11-21T10:30:00+00:00",
        "channel": "email",
        "direction": "out",
        "kind": "reminder",
        "invoices": ["2026-0001"],
        "path": ANA + "log.yaml",
    }
    assert invoke("check", "--site", site, "--today", DEMO_DAY).code == 0


def test_the_least_there_is_to_say(site: Path) -> None:
    result = log(site, "ana", "Met her in the street")
    assert result.stdout.startswith("Noted for Ana Horvat: other, to them, on 2026-11-21 at ")
    entry = entries(site)[-1]
    assert (entry["channel"], entry["direction"]) == ("other", "out")
    assert entry["at"].startswith(DEMO_DAY)
    assert "kind" not in entry


def test_a_client_without_a_log_gets_one_and_every_entry_an_id_of_its_own(site: Path) -> None:
    for _ in range(2):
        assert log(site, "ben", "Rang").code == 0
    text = (site / "content/clients/ben/log.yaml").read_text()
    assert [line for line in text.splitlines() if "id:" in line] == ["- id: log-2026-11-21", "- id: log-2026-11-21-2"]


def test_everything_that_an_entry_may_say(site: Path) -> None:
    log(site, "ana", "First")
    result = log(site, "ana", "Pays on Friday", "--direction", "in", "--channel", "phone", "--kind", "promise",
                 "--invoice", "2026-0001", "--session", "s-1", "--by", "Ana", "--with", "me", "--body", "All\nof it",
                 "--promise", "120.00", "--promise-by", "2026-11-27", "--share", "--follow-up", "Look whether it came",
                 "--follow-up-on", "2026-11-28", "--amends", "log-2026-11-21", "--status", "open", "--tag", "money",
                 "--tag", "phone")  # fmt: skip
    assert result.code == 0, result
    entry = entries(site)[-1]
    assert entry["promise"] == {"amount": "120.00", "by": "2026-11-27"}
    assert entry["follow_up"] == {"on": "2026-11-28", "what": "Look whether it came"}
    assert (entry["with"], entry["by"], entry["body"]) == ("me", "Ana", "All\nof it")
    assert (entry["amends"], entry["status"], entry["tags"], entry["share"]) == (
        "log-2026-11-21",
        "open",
        ["money", "phone"],
        "true",
    )
    review = invoke("review", "--site", site, "--today", "2026-11-28")
    assert "Look whether it came" in review.stdout
    assert invoke("check", "--site", site, "--today", DEMO_DAY).code == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nobody", "x"), "there is no client 'nobody'"),
        (("an", "x"), "did you mean ana?"),
        (("ana", "  "), "write in one sentence what it was"),
        (("ana", "x", "--invoice", "2026-0002"), "there is no invoice '2026-0002'"),
        (("ben", "x", "--invoice", "2026-0001"), "is an invoice of 'ana'"),
        (("ana", "x", "--session", "s-2"), "has no session 's-2'"),
        (("ana", "x", "--amends", "log-1"), "has no entry of the log 'log-1'"),
        (("ana", "x", "--promise", "5.00"), "a promise has an amount and a day"),
        (("ana", "x", "--promise-by", "2026-12-01"), "a promise has an amount and a day"),
        (("ana", "x", "--follow-up", "y"), "on no day"),
        (("ana", "x", "--follow-up-on", "2026-12-01"), "nothing to follow up"),
        (("ana", "x", "--at", "noon"), "--at: 'noon' is not a date with time"),
        (("ana", "x", "--at", "2026-11-31T10:00"), "--at: there is no moment"),
        (("ana", "x", "--kind", "gossip"), "gossip"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(site: Path, args: tuple[str, ...], says: str) -> None:
    before = written(site)
    result = log(site, *args)
    assert result.code == 2
    assert says in result.stderr
    assert written(site) == before


def test_a_log_with_errors_is_left_alone(site: Path) -> None:
    (site / ANA / "log.yaml").write_text("- {at: today}\n")
    before = written(site)
    result = log(site, "ana", "x")
    assert result.code == 2
    assert f"{ANA}log.yaml:1:" in result.stderr
    assert written(site) == before


def test_a_moment_is_as_the_clock_on_the_wall_shows_it() -> None:
    zone = ZoneInfo("Europe/Dublin")
    assert moment_of("2026-07-01T10:00", zone).isoformat() == "2026-07-01T10:00:00+01:00"
    assert moment_of("2026-12-01 10:00", zone).isoformat() == "2026-12-01T10:00:00+00:00"
    assert moment_of("2026-12-01T10:00+05:00", zone) == dt.datetime(2026, 12, 1, 5, tzinfo=dt.UTC)
    with pytest.raises(Misfit, match="there is no moment"):
        moment_of("2026-03-29T01:30", zone)
    with pytest.raises(Misfit):
        moment_of("2026-12-01T25:00", zone)


def test_the_options_and_the_form_offer_what_an_entry_may_say() -> None:
    assert get_args(Channel) == command.CHANNELS == (*board_contacts.CHANNELS,)
    assert get_args(LogKind) == command.KINDS == (*board_contacts.KINDS,)


@settings(max_examples=40)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: bool(text.strip())))
def test_any_words_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    from portalgen.content.loader import load

    site = small_site(tmp_path_factory.mktemp("words"))
    before = (site / ANA / "log.yaml").read_bytes()
    result = invoke("log", "--site", site, "--today", DEMO_DAY, "--", "ana", text)
    if result.code:  # what no file may hold
        assert result.code == 2, result
        assert (site / ANA / "log.yaml").read_bytes() == before
        return
    assert (site / ANA / "log.yaml").read_bytes().startswith(before)
    loaded = load(site).site
    assert loaded
    assert loaded.clients["ana"].log[-1].summary.strip("\u2068\u2069") == text.strip().strip("\u2068\u2069")
