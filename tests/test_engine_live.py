"""The preview of a real site: what an edit costs, what stays while something is wrong, links, and the look at it all."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from portalgen.content.loader import ClientPart, read_client
from portalgen.content.lock import LOCK
from portalgen.content.lockfile import LockFile
from portalgen.content.references import Names
from portalgen.content.sources import Source
from portalgen.desk.engine import Engine
from portalgen.desk.engine_check import Check
from portalgen.desk.engine_parts import Errors, Ground, Made, client_of_ground
from portalgen.desk.preview import Preview
from portalgen.desk.stage import Update
from portalgen.publish.access import open_access
from portalgen.publish.state import build_lock
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site, run
from tests.test_preview import PATIENCE, Ear, ask, listening, wait_until

DAY = dt.date(2026, 11, 21)
SITE = "content/site.yaml"
GUIDE = "---\ntitle: Rest\nsummary: Lie down.\n---\nThe first words.\n"
CLIENT = MINIMAL_CLIENT["content/clients/ana/client.yaml"]
BILL = MINIMAL_CLIENT["content/clients/ana/invoices/2026-0001.yaml"]


def other(name: str) -> str:
    """A client's file."""
    return CLIENT.replace("ana", name).replace("Ana", name)


class Desk:
    """An engine, and what it told since the last edit."""

    def __init__(self, root: Path, **more: int) -> None:
        self.root = root
        self.told: list[Update] = []
        self.tabs: tuple[str, ...] = ()
        self.woken = 0
        self.engine = Engine(root, DAY, looks=False, **more)
        self.engine.begin(self.told.append, lambda: self.tabs, self.wake)
        self.engine.update(None)

    def wake(self) -> None:
        self.woken += 1

    def write(self, name: str, text: str) -> set[str]:
        """Saves a file and gives the addresses that are told of."""
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return self.edited(name)

    def edited(self, *names: str) -> set[str]:
        del self.told[:]
        self.engine.update(frozenset(names))
        return {address for update in self.told for address in (*update.changed, *update.restyled)}

    def is_there(self) -> bool:
        return self.told[-1].files is not None

    @property
    def problems(self) -> Sequence[str]:
        return self.told[-1].problems

    def portal(self, client: str, of: str = "portal") -> str:
        access = self.engine.links.access
        assert access is not None
        row = next(row for row in reversed(access.rows(client)) if row.of == of)
        return access.address(row, sealed=False) + "index.html"

    def text(self, address: str) -> str:
        return (self.engine.get(address) or b"").decode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    more = {
        "content/guides/rest.md": GUIDE,
        "content/guides/walk.md": GUIDE.replace("Rest", "Walk"),
        "content/clients/ana/plan.md": "Our plan.\n",
        "content/clients/bo/client.yaml": other("bo"),
        "content/clients/bo/plan.md": "Their plan.\n",
    }
    return minimal_site(tmp_path / "site", {**MINIMAL_CLIENT, **more})


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clients whose files are read, one after the other."""
    seen: list[str] = []

    def counted(root: Path, name: str, files: Collection[Source], names: Names) -> ClientPart:
        seen.append(name)
        return read_client(root, name, tuple(files), names)

    monkeypatch.setattr("portalgen.desk.engine_parts.read_client", counted)
    return seen


# --- what an edit costs


def test_an_edit_of_a_client_reads_that_client_alone_and_one_of_a_guide_none(root: Path, reads: list[str]) -> None:
    desk = Desk(root)
    ana, bo = desk.portal("ana"), desk.portal("bo")
    assert "Our plan." in desk.text(ana)
    assert "Their plan." in desk.text(bo)
    del reads[:]
    assert desk.write("content/clients/ana/plan.md", "Another plan.\n") == {ana}
    assert "Another plan." in desk.text(ana)
    assert reads == ["ana"]
    assert desk.write("content/guides/rest.md", GUIDE.replace("first", "other")) == {"guides/rest/index.html"}
    assert reads == ["ana"]
    desk.tabs = ("index.html", bo)
    desk.write("content/guides/rest.md", GUIDE.replace("first", "more"))
    assert reads == ["ana", "bo"], "what somebody has before them is made again at once"
    desk.text(ana)
    assert reads == ["ana", "bo", "ana"], "and all else when it is asked for"


def test_an_edit_of_one_guide_renders_that_page_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(root)
    rendered: list[str] = []
    from portalgen.site.theme import Frame, Theme

    plain = Theme.render

    def counted(self: Theme, template: str, *, frame: Frame, **rest: object) -> str:
        rendered.append(frame.address)
        return plain(self, template, frame=frame, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Theme, "render", counted)
    desk.write("content/guides/rest.md", GUIDE.replace("first", "other"))
    assert rendered == ["guides/rest/"]
    del rendered[:]
    desk.write("templates/guide.html", '{% extends "theme/guide.html" %}{% block title %}New{% endblock %}')
    assert {"guides/rest/", "guides/walk/", ""} <= {*rendered}
    assert "<title>New" in desk.text("guides/walk/index.html")


def test_what_was_shown_stays_within_its_room_and_is_still_told_of(root: Path) -> None:
    for number in range(12):
        minimal_site(root, {f"content/clients/c{number}/client.yaml": other(f"c{number}")})
    desk = Desk(root, room=60_000)
    pages = [desk.portal(f"c{number}") for number in range(12)]
    assert all(f"c{number} Horvat" in desk.text(page) for number, page in enumerate(pages))
    assert desk.engine.held <= 60_000
    told = desk.write(SITE, MINIMAL[SITE].replace("Quiet Room", "Loud Room"))
    assert not told & {*pages}
    del desk.told[:]
    desk.engine.look(pages[0])
    assert [update.changed for update in desk.told] == [(pages[0],)], "its part is not here any more, but it was seen"
    desk.engine.look(pages[0])
    assert len(desk.told) == 1
    assert "Loud Room" in desk.text(pages[0])


# --- what is wrong


def test_a_first_build_that_fails_shows_why_and_heals(root: Path) -> None:
    (root / SITE).write_text("practice: [\n", encoding="utf-8")
    desk = Desk(root)
    assert not desk.is_there()
    assert "content/site.yaml" in desk.problems[0]
    desk.write(SITE, MINIMAL[SITE])
    assert not desk.problems
    assert desk.is_there()
    assert "Our plan." in desk.text(desk.portal("ana"))


def test_the_last_good_page_of_a_client_stays_and_all_others_go_on(root: Path) -> None:
    desk = Desk(root)
    ana, bo = desk.portal("ana"), desk.portal("bo")
    desk.text(ana), desk.text(bo)
    assert desk.write("content/clients/ana/client.yaml", CLIENT.replace("terms: net14", "terms: none")) == set()
    assert len(desk.problems) == 1
    assert "content/clients/ana/client.yaml:4:8: error[dead-reference]" in desk.problems[0]
    assert "Our plan." in desk.text(ana)
    assert desk.write("content/clients/bo/plan.md", "New plan of bo.\n") == {bo}
    assert len(desk.problems) == 1
    assert desk.write("content/terms/none.yaml", "id: none\ntitle: None\ndue: net 3\nmethods: [cash]\n")
    assert not desk.problems, "what mends it may stand in another file"


def test_the_last_good_public_pages_stay_and_clients_go_on(root: Path) -> None:
    desk = Desk(root)
    bo = desk.portal("bo")
    assert desk.write("content/guides/rest.md", GUIDE.replace("summary", "sumary")) == set()
    assert "did you mean 'summary'?" in desk.problems[0]
    assert "The first words." in desk.text("guides/rest/index.html")
    desk.write("content/services/talk.md", "---\nname: Talk\nprice: 80\n---\nWe talk.\n")
    assert "services/talk/index.html" not in desk.engine.files
    desk.write("content/clients/bo/plan.md", "Go on.\n")
    assert "Go on." in desk.text(bo)
    told = desk.write("content/guides/rest.md", GUIDE.replace("first", "mended"))
    assert {"guides/rest/index.html", "services/talk/index.html"} <= told
    assert not desk.problems


def test_a_client_that_is_broken_from_the_start_hides_no_other(root: Path) -> None:
    (root / "content/clients/ana/client.yaml").write_text("id: [\n", encoding="utf-8")
    desk = Desk(root)
    assert "Their plan." in desk.text(desk.portal("bo"))
    told = desk.write("content/clients/ana/client.yaml", CLIENT)
    assert told == set(), "nobody was shown it"
    assert "Our plan." in desk.text(desk.portal("ana"))


def test_content_that_is_away_for_a_while(root: Path) -> None:
    desk = Desk(root)
    ana = desk.portal("ana")
    desk.text(ana)
    (root / "content").rename(root / "away")
    assert desk.edited("content") == set()
    assert "content" in desk.problems[0]
    assert "Our plan." in desk.text(ana), "the last good pages stay"
    (root / "away").rename(root / "content")
    desk.edited("content")
    assert not desk.problems
    assert "Our plan." in desk.text(ana)


def test_what_was_not_worked_off_is_worked_off_by_the_next_edit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(root)
    ana = desk.portal("ana")
    desk.text(ana)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "it")

    with monkeypatch.context() as patch:
        patch.setattr("portalgen.desk.engine.theme_stamps", refuse)
        desk.write("content/clients/ana/plan.md", "Written meanwhile.\n")
    assert desk.problems[0].startswith("Permission denied: it\n")
    desk.edited("content/clients/bo/plan.md")
    assert not desk.problems
    assert "Written meanwhile." in desk.text(ana)


# --- links


def test_new_links_are_kept_and_nothing_else_is_written(root: Path) -> None:
    desk = Desk(root)
    ana = desk.portal("ana")
    kept = (root / LOCK).read_bytes()
    assert b'"client": "ana"' in kept, "a small site has its links before anything is shown"
    assert not [line for line in kept.splitlines() if b'"document"' in line]
    desk.write("content/clients/ana/invoices/2026-0002.yaml", BILL.replace("0001", "0002"))
    assert desk.woken
    desk.engine.close()
    rows = LockFile((root / LOCK).read_bytes()).of("ana")
    assert rows is not None
    assert sorted(row.ref for row in rows.links if row.of == "invoice") == ["2026-0001", "2026-0002"]
    assert Desk(root).portal("ana") == ana
    assert not (root / "output").exists()


def test_what_others_write_into_the_lock_is_not_lost(root: Path) -> None:
    desk = Desk(root)
    old = desk.portal("ana")
    desk.text(old)
    desk.write("content/clients/bo/invoices/b-1.yaml", BILL.replace("2026-0001", "b-1"))
    bill = desk.portal("bo", "invoice")
    with build_lock(root):
        access = open_access(root)[0]
        assert access is not None
        assert access.rotate("ana") == 1
    assert not desk.engine.links.save(1.0), "theirs comes first"
    told = desk.edited(LOCK)
    fresh = desk.portal("ana")
    assert fresh != old
    assert old in told
    assert "Our plan." not in desk.text(old)
    assert "Our plan." in desk.text(fresh)
    assert desk.portal("bo", "invoice") == bill
    desk.engine.close()
    after = Desk(root)
    assert (after.portal("ana"), after.portal("bo", "invoice")) == (fresh, bill)
    del desk.told[:]
    desk.engine.update(frozenset((LOCK,)))
    assert desk.told == [], "what we wrote ourselves is no edit"


def test_a_lock_that_cannot_be_trusted_is_told_and_the_pages_stay(root: Path) -> None:
    desk = Desk(root)
    ana = desk.portal("ana")
    good = (root / LOCK).read_text(encoding="utf-8")
    desk.text(ana)
    desk.write(LOCK, good + "<<<<<<< mine\n")
    assert "portalgen.lock" in desk.problems[0]
    assert "Our plan." in desk.text(ana)
    desk.write(LOCK, good.replace('"client": "ana", "generation": 1', '"client": "ana", "generation": "x"'))
    assert "changed by hand" in desk.problems[0]
    desk.write(LOCK, good)
    assert not desk.problems
    key = (root / ".portalgen/key").read_bytes()
    (root / ".portalgen/key").unlink()
    desk.write(LOCK, f"{good}\n")
    assert "key" in desk.problems[0]
    (root / ".portalgen/key").write_bytes(key)
    desk.write(LOCK, good)
    assert not desk.problems
    assert "Our plan." in desk.text(ana)


def test_a_lock_in_another_order_is_read_and_put_in_order_when_it_is_kept(root: Path) -> None:
    ana = Desk(root).portal("ana")
    lines = (root / LOCK).read_text(encoding="utf-8").splitlines()
    (root / LOCK).write_text("\n".join([*lines[::-2], "", *lines[-2::-2]]), encoding="utf-8")
    desk = Desk(root)
    assert desk.portal("ana") == ana
    desk.write("content/clients/bo/invoices/b-1.yaml", BILL.replace("2026-0001", "b-1"))
    desk.engine.close()
    kept = (root / LOCK).read_text(encoding="utf-8").splitlines()
    assert {*lines} < {*kept}
    assert kept == sorted(kept)


def test_a_client_that_came_and_went_leaves_no_link(root: Path) -> None:
    desk = Desk(root)
    desk.write("content/clients/cy/client.yaml", other("cy"))
    assert "cy Horvat" in desk.text(desk.portal("cy"))
    shutil.rmtree(root / "content/clients/cy")
    desk.edited("content/clients/cy/client.yaml", "content/clients/cy")
    assert not desk.problems
    desk.engine.close()
    assert b'"cy"' not in (root / LOCK).read_bytes()
    shutil.rmtree(root / "content/clients/bo")
    desk.edited("content/clients/bo")
    desk.engine.close()
    assert "its link was handed out" in desk.problems[0]


def test_many_clients_without_links_get_them_when_there_is_time(root: Path) -> None:
    for number in range(60):
        minimal_site(root, {f"content/clients/c{number}/client.yaml": other(f"c{number}")})
    desk = Desk(root)
    assert not (root / LOCK).exists()
    latest = time.monotonic() + PATIENCE
    while (wait := desk.engine.idle()) < 5:
        assert time.monotonic() < latest
        time.sleep(wait)
    assert len([*LockFile((root / LOCK).read_bytes()).clients]) == 62


def test_a_bug_with_one_client_is_told_and_hides_no_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(root)
    ana, bo = desk.portal("ana"), desk.portal("bo")

    def broken(root: Path, ground: Ground, client: str, *more: Any) -> Made:
        if client == "bo":
            raise ZeroDivisionError("of bo")
        return client_of_ground(root, ground, client, *more)

    monkeypatch.setattr("portalgen.desk.engine.client_of_ground", broken)
    desk.edited("content/clients/bo")
    assert "That is a bug in portalgen" in desk.problems[0]
    assert "ZeroDivisionError: of bo" in desk.problems[0]
    assert "Ana" in desk.text(ana)
    monkeypatch.undo()
    desk.edited("content/clients/bo")
    assert not desk.problems
    assert "bo Horvat" in desk.text(bo)


def test_a_bug_with_links_that_nobody_asked_for_is_not_kept_to_itself(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("portalgen.desk.engine.new_rows", broken)
    with pytest.raises(ZeroDivisionError):
        Desk(root)


def test_another_day_shows_without_an_edit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(root)
    ana = desk.portal("ana")
    before = desk.text(ana)
    monkeypatch.setattr(desk.engine, "_today", DAY + dt.timedelta(days=60))
    monkeypatch.setattr(desk.engine, "_edited", -60.0)
    desk.tabs = (ana,)
    del desk.told[:]
    desk.engine.idle()
    assert ana in {address for update in desk.told for address in update.changed}
    assert desk.text(ana) != before


# --- all of it together


@pytest.fixture
def shown(root: Path) -> Iterator[Preview]:
    with Preview(root, Engine(root, DAY), port=0) as preview:
        yield preview


def until(ear: Ear, kind: str, part: str) -> list[str]:
    """The first event of a kind in which a text stands; empty data for an empty text."""
    while True:
        found, data = ear.next()
        if found == kind and (any(part in text for text in data) if part else not data):
            return data


def test_an_edit_is_told_with_exactly_what_it_changed(root: Path, shown: Preview) -> None:
    ask(shown, "/")
    desk = Desk(root)  # for the addresses
    ana, bo = desk.portal("ana"), desk.portal("bo")
    assert b"Their plan." in ask(shown, f"/{bo}")[2]
    with listening(shown, f"?page={ana}") as ear:
        fresh = root / "content/clients/ana/.plan.md.tmp"
        fresh.write_text("Changed.\n", encoding="utf-8")
        fresh.replace(root / "content/clients/ana/plan.md")  # in one step, for one event
        assert ear.next() == ("message", [ana])
        assert b"Changed." in ask(shown, f"/{ana}")[2]
        (root / "templates").mkdir()
        (root / "templates/theme.css").write_text("h1 { color: red }\n", encoding="utf-8")
        assert ana in until(ear, "style", ana)
    with listening(shown, f"?page={bo}") as ear:
        assert bo in until(ear, "style", bo), "what nobody looked at is found out when somebody does"


def test_the_look_at_all_finds_what_stands_between_two_clients(root: Path) -> None:
    heard: list[str] = []

    def hears(part: str) -> None:
        latest = time.monotonic() + 6 * PATIENCE  # a process of its own, which gives way to all others
        while not any(part in text for text in heard):
            assert time.monotonic() < latest, heard
            time.sleep(0.05)

    with Preview(root, Engine(root, DAY), port=0, report=heard.append) as shown:
        ask(shown, "/")
        twin = root / "content/clients/bo/invoices/2026-0009.yaml"
        twin.parent.mkdir()
        twin.write_text(BILL.replace("id: 2026-0001", "id: 2026-0009"), encoding="utf-8")
        hears("error[duplicate-number]")
        del heard[:]
        twin.write_text(BILL.replace("2026-0001", "2026-0009"), encoding="utf-8")
        hears("All problems are solved.")


def test_a_look_that_an_edit_made_pointless_is_ended(root: Path) -> None:
    done: list[Errors] = []
    look = Check(root, DAY)
    look.start(done.append)
    process = look.process
    assert process is not None
    look.stop()
    assert process.wait(PATIENCE) != 0
    look.start(done.append)
    again = look.process
    assert again is not None
    assert again.wait(6 * PATIENCE) == 0
    wait_until(lambda: done == [{}])


def test_a_bug_in_the_look_reaches_the_terminal(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[Errors] = []
    look = Check(root, DAY)
    monkeypatch.setattr(look, "_command", [sys.executable, "-c", "1 / 0"])
    told = ""

    def heard() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return "ZeroDivisionError" in told

    look.start(found.append)
    wait_until(heard)
    assert found == []


def test_a_link_that_is_rotated_elsewhere_is_shut_at_once(root: Path, shown: Preview) -> None:
    ask(shown, "/")
    old = Desk(root).portal("ana")
    assert b"Our plan." in ask(shown, f"/{old}")[2]
    with listening(shown, f"?page={old}") as ear:
        result = run("link", "rotate", "ana", "--site", root, "--json")
        assert result.code in (0, 3), result
        assert old in until(ear, "message", old)
    assert b"Our plan." not in ask(shown, f"/{old}")[2]
    assert b"Our plan." in ask(shown, f"/{Desk(root).portal('ana')}")[2]


def test_whole_folders_come_and_go(root: Path, shown: Preview) -> None:
    ask(shown, "/")
    folder = root / "content/guides"
    shutil.copytree(folder, root / "aside")
    for path in (root / "aside").iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace("first", "copied"), encoding="utf-8")
    shutil.rmtree(folder)
    wait_until(lambda: ask(shown, "/guides/rest/")[0] == 404)
    (root / "aside").rename(folder)
    wait_until(lambda: b"The copied words." in ask(shown, "/guides/walk/")[2])
    for number in range(700):
        (folder / f"g{number}.md").write_text(GUIDE.replace("Rest", f"Guide {number}"), encoding="utf-8")
    wait_until(lambda: b"Guide 699" in ask(shown, "/guides/g699/")[2])
    wait_until(lambda: b"Guide 350" in ask(shown, "/guides/")[2])
