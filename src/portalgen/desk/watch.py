"""Noticing edits of what a site is made from, and working them off: never two at once, never one too few."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_OPENED,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.utils import BaseThread

from portalgen.content.layout import ignored
from portalgen.content.lock import LOCK

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

Edits = frozenset[str] | None
"""The paths of what was edited, relative to the site, with `/`; None when that may be anything."""

FOLDERS = ("content", "templates")
_FREE = ("content/static/", "content/clients/")
"""Below these a file may have any name."""

_GATHERED = 0.004
"""Seconds after the first edit in which the rest of a saved file is written; what comes later is another edit."""

_POLL = 0.5
"""Seconds between two looks, where the system does not tell of edits."""

_CHECKED = 1.0
"""Seconds between two looks whether all that watches is alive, and at least between two beginnings."""

_ENOUGH = 2.0
"""Seconds to wait for what is on its way out."""

_ANEW = ""
"""Asks for a new beginning."""

_REFUSALS = (OSError, KeyError, RuntimeError, AssertionError)
"""What the library raises: the system has no watch left, its books are in disorder, a thread is not what it thought."""

_TOLD = [
    *(FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileDeletedEvent, FileClosedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]
"""What the system is asked to tell of. Reading is not among it: we read much, and it would tell of nothing else."""


class Worker:
    """Runs `job` in a thread of its own: once at the start, about anything, and again after every `ask`.

    While nothing is asked for it runs `idle`, which returns after how many seconds it wants to be called again.
    """

    def __init__(self, job: Callable[[Edits], None], idle: Callable[[], float] = lambda: 60.0) -> None:
        self._job, self._idle = job, idle
        self._changed = threading.Condition()
        self._asked = True
        self._edits: Edits = None
        self._awake = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="portalgen build", daemon=True)

    def start(self) -> None:
        """Begin with the first job."""
        self._thread.start()

    def ask(self, edits: Edits = None) -> None:
        """Something was edited. While a job runs, this makes another one follow it."""
        with self._changed:
            if not self._asked:
                self._edits = edits
            elif self._edits is not None:
                self._edits = None if edits is None else self._edits | edits
            self._asked = True
            self._changed.notify_all()

    def wake(self) -> None:
        """Has `idle` called soon."""
        with self._changed:
            self._awake = True
            self._changed.notify_all()

    def stop(self, wait: float = 2.0) -> None:
        """No further job. One that takes longer than `wait` seconds is left to die with the process."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(wait)

    def _run(self) -> None:
        first = True
        while not self._stopped:
            if not first:
                time.sleep(_GATHERED)
            first = False
            with self._changed:
                edits, self._edits, self._asked = self._edits, None, False
            self._job(edits)
            self._rest()

    def _rest(self) -> None:
        """Until something is asked for, or all is over."""
        while not (self._asked or self._stopped):
            wait = self._idle()
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._asked or self._awake, wait)
                self._awake = False


class Watcher:
    """Tells `edited` what was changed of all that a site is made from: in two folders, and the lock.

    It does not cease to: when the library breaks off, or the site's own folder is replaced, it begins anew, and tells
    that anything may be changed.
    """

    def __init__(self, root: Path, edited: Callable[[Edits], None], *, poll: bool, say: Callable[[str], None]) -> None:
        self._root = Path(os.path.realpath(root))
        self._edited = edited
        self._poll = poll
        self._say = say
        self._observer: BaseObserver | None = None
        self._begun = 0.0
        self._watches: dict[str, ObservedWatch] = {}
        self._lost = _Lost(lambda: edited(None), lambda: self._wanted.put(_ANEW))
        self._former = threading.excepthook
        self._wanted = SimpleQueue[str | threading.Thread]()
        """A folder that was replaced, a thread that broke off, or `_ANEW`."""
        self._stopped = False
        self._keeper = threading.Thread(target=self._keep, name="portalgen watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; where the system has no more watches to give, look at the files from time to time.

        Raises OSError when the site's folder cannot be read.
        """
        # a folder that is made while its parent is begun to be watched is met twice, and the library doubts that
        warnings.filterwarnings("ignore", "Callback with id ", RuntimeWarning, r"watchdog\.")
        logging.getLogger("watchdog").addHandler(self._lost)
        self._former, threading.excepthook = threading.excepthook, self._broke_off
        self._begin()
        self._keeper.start()
        if self._stopped:
            self._end()

    def stop(self) -> None:
        """End it. Safe to call twice."""
        self._stopped = True
        self._wanted.put(_ANEW)
        if self._keeper.is_alive():
            self._keeper.join(_ENOUGH)
        if threading.excepthook == self._broke_off:
            threading.excepthook = self._former
        logging.getLogger("watchdog").removeHandler(self._lost)
        self._end()

    def _broke_off(self, failed: threading.ExceptHookArgs) -> None:
        """Called when a thread ends by an error. One of the library is replaced, so nobody need read of it."""
        if isinstance(failed.thread, BaseThread) and not self._stopped:
            self._wanted.put(failed.thread)
        else:
            self._former(failed)

    def _keep(self) -> None:
        """Follows folders that are replaced, and begins anew when that has to be. It alone touches the observer."""
        while True:
            wanted: set[str | threading.Thread] = set()
            with suppress(Empty):
                wanted.add(self._wanted.get(timeout=_CHECKED))
                while True:
                    wanted.add(self._wanted.get_nowait())
            for ending in wanted:
                if isinstance(ending, threading.Thread):
                    ending.join(_CHECKED)  # until then it would count as alive
            if self._stopped:
                return
            if _ANEW in wanted or not self._is_well():
                self._renew()
            elif replaced := wanted.intersection(FOLDERS):
                try:
                    for name in replaced:
                        self._follow(str(name))
                except _REFUSALS:
                    self._renew()
                else:
                    self._edited(None)

    def _is_well(self) -> bool:
        observer = self._observer
        return observer is not None and all(thread.is_alive() for thread in _threads(observer)) and self._root.is_dir()

    def _renew(self) -> None:
        watched = self._observer is not None
        self._end()
        time.sleep(max(0.0, self._begun + _CHECKED - time.monotonic()))  # what fails at once would fail without end
        while not self._wanted.empty():
            self._wanted.get()  # all of it is about what is over
        try:
            if not self._stopped:
                self._begin()
        except _REFUSALS:  # mostly the site's folder is away; it is looked for again
            self._end()
        if watched or self._observer is not None:
            self._edited(None)

    def _begin(self) -> None:
        self._begun = time.monotonic()
        if not self._poll:
            try:
                self._observe()
                return
            except OSError as error:
                self._end()
                if not self._root.is_dir():
                    raise
                self._poll = True
                self._say(
                    f"The system cannot tell of edits ({error.strerror or error}); looking twice a second instead."
                )
        self._observe()

    def _end(self) -> None:
        observer, self._observer = self._observer, None
        self._watches.clear()
        if observer is None:
            return
        threads = [*_threads(observer)]
        try:
            observer.stop()
        except _REFUSALS:  # then each thread for itself
            for thread in threads:
                with suppress(*_REFUSALS):
                    thread.stop()
        latest = time.monotonic() + _ENOUGH
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, latest - time.monotonic()))

    def _observe(self) -> None:
        observer = self._observer = _observer(self._poll)
        # the folder itself too, not what is in it: content/ may be moved away and come back, templates/ may be added
        observer.schedule(_Handler(self._in_site), str(self._root), recursive=False, event_filter=_TOLD)
        observer.start()
        for name in FOLDERS:
            self._follow(name)

    def _follow(self, name: str) -> None:
        """Watch one of the folders, or watch it anew after it was replaced."""
        if self._observer is None:
            return
        if (watch := self._watches.pop(name, None)) is not None:
            self._observer.unschedule(watch)
        place = os.path.realpath(self._root / name)
        handler = _Handler(lambda event: self._in_folder(name, place, event))
        if os.path.isdir(place):
            with suppress(FileNotFoundError, NotADirectoryError):  # away again: its coming back will be told
                self._watches[name] = self._observer.schedule(handler, place, recursive=True, event_filter=_TOLD)

    def _in_site(self, event: FileSystemEvent) -> None:
        touched = {os.path.basename(path) for path in _paths(event)}
        if LOCK in touched:
            self._edited(frozenset((LOCK,)))
        for name in touched.intersection(FOLDERS):
            if event.event_type != EVENT_TYPE_MODIFIED:
                self._wanted.put(name)

    def _in_folder(self, name: str, place: str, event: FileSystemEvent) -> None:
        found = set()
        for path in _paths(event):
            below = os.path.relpath(path, place).replace(os.sep, "/")
            inside = name if below == "." else f"{name}/{below}"
            if not ignored(os.path.basename(inside), inside.startswith(_FREE)):
                found.add(inside)
        if found:
            self._edited(frozenset(found))


class _Handler(FileSystemEventHandler):
    """Passes on what changes something: some systems report that a file was read as well."""

    def __init__(self, tell: Callable[[FileSystemEvent], None]) -> None:
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called for every event."""
        listed = event.is_directory and event.event_type == EVENT_TYPE_MODIFIED  # each entry has an event of its own
        if event.event_type not in (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE) and not listed:
            self._tell(event)


class _Lost(logging.Handler):
    """Hears, by what the library warns of, that it missed something, or that the system had more to tell than room."""

    def __init__(self, missed: Callable[[], None], overflowed: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._missed, self._overflowed = missed, overflowed

    def emit(self, record: logging.LogRecord) -> None:
        """Called for every warning."""
        if "overflow" in record.getMessage():
            self._overflowed()  # a folder may have been replaced, too
        else:
            self._missed()


def _paths(event: FileSystemEvent) -> Iterable[str]:
    return [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]


def _threads(observer: BaseObserver) -> Iterator[BaseThread]:
    """All threads that have to live for an observer to tell of edits."""
    for owner in (observer, *observer.emitters):
        yield owner
        yield from (value for value in vars(owner).values() if isinstance(value, BaseThread))


def _observer(poll: bool) -> BaseObserver:
    if poll:
        from watchdog.observers.polling import PollingObserver

        return PollingObserver(timeout=_POLL)
    from watchdog.observers import Observer

    return Observer()
