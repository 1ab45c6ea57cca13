"""Edits are noticed whatever happens to those who watch for them."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventDispatcher, EventEmitter
from watchdog.utils import BaseThread

from portalgen.content.lock import LOCK
from portalgen.desk import watch
from portalgen.desk.watch import Edits, Watcher
from tests.test_preview import wait_until


@pytest.fixture(autouse=True)
def brisk() -> Iterator[None]:
    """What is to happen within a second happens within a twentieth, and takes the same way there."""
    with pytest.MonkeyPatch.context() as settings:  # one of its own: tests undo theirs
        settings.setattr(watch, "_POLL", watch._POLL / 10)
        settings.setattr(watch, "_CHECKED", watch._CHECKED / 20)
        yield


class Watched:
    """A site with one guide, and what was told of its edits."""

    def __init__(self, root: Path, *, poll: bool = False) -> None:
        self.root = root
        self.content = root / "content"
        self.told: list[Edits] = []
        self.said: list[str] = []
        self.locks: list[str] = []
        self.anew = 0
        (self.content / "guides").mkdir(parents=True)
        (root / "aside").mkdir()
        self.watcher = Watcher(root, self._edited, poll=poll, say=self.said.append)
        self.watcher.start()

    def _edited(self, edits: Edits) -> None:
        self.told.append(edits)
        self.anew += edits is None
        if edits is not None and LOCK in edits:
            with suppress(FileNotFoundError):  # it will be told of once more when it is back
                self.locks.append((self.root / LOCK).read_text(encoding="utf-8"))

    def was_told(self, path: str) -> bool:
        """By its path, or that anything may be changed."""
        return any(edits is None or path in edits for edits in [*self.told])

    def sees(self, path: str, text: str = "x") -> None:
        """An edit is noticed, in a folder or beside it."""
        place = self.root / path
        self.told.clear()
        place.write_text(text, encoding="utf-8")
        wait_until(lambda: self.was_told(path))

    def sees_all(self) -> None:
        """Every edit is noticed, and by its path as soon as nothing begins anew any more."""
        for path in ("content/index.md", "content/guides/rest.md", LOCK):
            self.sees(path)
            wait_until(lambda path=path: self._tells(path))  # type: ignore[misc]

    def _tells(self, path: str) -> bool:
        (self.root / path).write_text("y", encoding="utf-8")
        return any(edits is not None and path in edits for edits in [*self.told])


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Makes and watches a site."""
    made: list[Watched] = []

    def watched(*, poll: bool = False) -> Watched:
        made.append(Watched(tmp_path / "site", poll=poll))
        return made[-1]

    yield watched
    for one in made:
        one.watcher.stop()


def library_threads() -> set[threading.Thread]:
    """Those of the library that live."""
    return {thread for thread in threading.enumerate() if isinstance(thread, BaseThread)}


linux = pytest.mark.skipif(sys.platform != "linux", reason="this is how Linux tells of edits")


def breaking(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[str]:
    """Has the next call of a method break off. Names the threads where that happened."""
    happened: list[str] = []
    plain = getattr(owner, name)

    def broken(self: object, *given: Any, **more: Any) -> Any:
        if not happened:
            happened.append(threading.current_thread().name)
            raise KeyError(name)
        return plain(self, *given, **more)

    monkeypatch.setattr(owner, name, broken)
    return happened


@pytest.mark.parametrize(
    ("owner", "name"),
    [(EventEmitter, "queue_event"), (EventDispatcher, "run"), (BaseObserver, "dispatch_events")],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.parametrize("poll", [False, True], ids=["told", "polling"])
def test_a_thread_of_the_library_that_ends_is_replaced(
    make: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch, owner: type, name: str, poll: bool
) -> None:
    happened = breaking(monkeypatch, owner, name)  # at the start, or with the first event
    site = make(poll=poll)
    site.sees("content/index.md")
    assert len(happened) == 1
    monkeypatch.undo()
    site.sees_all()
    assert site.said == []


@linux
def test_the_thread_that_reads_what_the_system_tells_is_replaced(
    make: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = library_threads()
    site = make()
    happened = breaking(monkeypatch, _reader(), "handle_event")
    former = library_threads() - before
    site.sees(LOCK)
    assert happened
    wait_until(lambda: not library_threads() & former)
    site.sees_all()
    site.watcher.stop()
    assert library_threads() <= before


def _reader() -> type:
    from watchdog.observers.inotify_c import InotifyFD

    return InotifyFD


def test_a_thread_that_ends_without_a_word_is_replaced(make: Callable[..., Watched]) -> None:
    before = library_threads()
    site = make()
    for thread in library_threads() - before:
        if isinstance(thread, EventEmitter):
            thread.stop()
    wait_until(lambda: None in site.told)
    site.sees_all()


def test_errors_of_other_threads_are_told_as_ever(
    make: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda failed: heard.append(failed.exc_type))
    former = threading.excepthook
    site = make()
    thread = threading.Thread(target=[].pop)
    thread.start()
    thread.join()
    assert heard == [IndexError]
    site.watcher.stop()
    assert threading.excepthook is former


@linux
def test_a_folder_that_left_and_is_deleted_after_its_successor(make: Callable[..., Watched]) -> None:
    """The library keeps one path for two folders then, and ends by a KeyError."""
    site = make()
    guides, aside = site.content / "guides", site.root / "aside" / "guides"
    guides.rename(aside)
    wait_until(lambda: site.was_told("content/guides"))
    site.told.clear()
    guides.mkdir()
    wait_until(lambda: site.was_told("content/guides"))
    site.told.clear()
    guides.rmdir()
    wait_until(lambda: site.was_told("content/guides"))
    aside.rmdir()
    site.sees("content/index.md")
    guides.mkdir()
    site.sees_all()


@linux
def test_a_folder_that_is_met_twice_is_no_reason_to_begin_anew(make: Callable[..., Watched]) -> None:
    """The library warns then, and here warnings are errors."""
    site = make()
    guides, aside = site.content / "guides", site.root / "aside" / "guides"
    for _ in range(2):
        guides.rename(aside)
        wait_until(lambda: site.was_told("content/guides"))
        site.told.clear()
        aside.rename(guides)
        wait_until(lambda: site.was_told("content/guides"))
        site.told.clear()
        site.sees_all()
    assert site.anew == 0


def git(root: Path, *args: str) -> None:
    subprocess.run(
        ["git", "-C", root, "-c", "user.name=x", "-c", "user.email=x@example.org", *args],
        check=True,
        capture_output=True,
    )


def _atomically(root: Path, number: int) -> None:
    (root / ".lock.tmp").write_text(str(number), encoding="utf-8")
    (root / ".lock.tmp").replace(root / LOCK)


def _in_place(root: Path, number: int) -> None:
    (root / LOCK).write_text(str(number), encoding="utf-8")


def _by_git(root: Path, number: int) -> None:
    git(root, "checkout", "-q", f"b{number % 2}")


@pytest.mark.parametrize("replace", [_atomically, _in_place, _by_git])
def test_a_lock_is_noticed_however_it_is_replaced(
    make: Callable[..., Watched], replace: Callable[[Path, int], None]
) -> None:
    site = make()
    git(site.root, "init", "-q")
    for branch in range(2):
        git(site.root, "checkout", "-q", "-b", f"b{branch}")
        (site.root / LOCK).write_text(f"{branch}\n", encoding="utf-8")
        git(site.root, "add", LOCK)
        git(site.root, "commit", "-q", "-m", "x")
    for round_ in range(3):
        if round_:
            os.rename(site.content, site.root / "elsewhere")
            os.rename(site.root / "elsewhere", site.content)
            site.sees("content/index.md")
        for number in range(4):
            replace(site.root, number)
            now = (site.root / LOCK).read_text(encoding="utf-8")
            wait_until(lambda now=now: site.locks[-1:] == [now])  # type: ignore[misc]


def test_content_that_is_replaced_again_and_again(make: Callable[..., Watched]) -> None:
    site = make()
    for _ in range(25):
        shutil.copytree(site.content, site.root / "new")
        shutil.rmtree(site.content)
        os.rename(site.root / "new", site.content)
    site.sees("content/guides/rest.md")
    site.sees_all()
    assert site.said == []


@pytest.mark.parametrize("poll", [False, True], ids=["told", "polling"])
def test_a_site_that_is_deleted_and_comes_back(make: Callable[..., Watched], poll: bool) -> None:
    site = make(poll=poll)
    shutil.copytree(site.root, site.root.with_name("copy"))
    shutil.rmtree(site.root)
    wait_until(lambda: None in site.told)
    site.told.clear()
    os.rename(site.root.with_name("copy"), site.root)
    wait_until(lambda: None in site.told)
    site.sees_all()
    assert site.said == []


def test_more_than_the_system_can_tell_makes_it_begin_anew(make: Callable[..., Watched]) -> None:
    before = library_threads()
    site = make()
    former = library_threads() - before
    logging.getLogger("watchdog.observers").warning("Inotify queue overflowed; filesystem events were lost")
    wait_until(lambda: None in site.told)
    assert not library_threads() & former
    site.sees_all()


def test_where_the_system_has_no_more_watches_it_looks_itself(
    make: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "start", refuse)
    site = make()
    assert site.said == [
        "The system cannot tell of edits (inotify watch limit reached); looking twice a second instead."
    ]
    site.sees_all()
