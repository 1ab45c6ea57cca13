"""Noticing edits in `content/` and `templates/` and working them off: never two builds at once, never one too few."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_OPENED,
    FileSystemEvent,
    FileSystemEventHandler,
)

from portalgen.content.layout import ignored

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

WATCHED = ("content", "templates")

_QUIET = 0.05
"""Seconds without a further edit before a build begins: an editor saves in several steps."""

_PATIENCE = 0.5
"""Seconds after which a build begins although edits go on."""

_POLL = 0.5
"""Seconds between two looks, where the system does not tell of edits."""


class Worker:
    """Runs `job` in a thread of its own: once at the start, and again after every `ask`."""

    def __init__(self, job: Callable[[], None]) -> None:
        self._job = job
        self._changed = threading.Condition()
        self._asked: float | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="portalgen build", daemon=True)

    def start(self) -> None:
        """Begin with the first job."""
        self._thread.start()

    def ask(self) -> None:
        """Something changed. While a job runs, this makes another one follow it."""
        with self._changed:
            self._asked = time.monotonic()
            self._changed.notify_all()

    def stop(self, wait: float = 2.0) -> None:
        """No further job. One that takes longer than `wait` seconds is left to die with the process."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(wait)

    def _run(self) -> None:
        while not self._stopped:
            self._job()
            self._wait()

    def _wait(self) -> None:
        """Until something was asked for and it is quiet, or all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._asked is not None)
            latest = time.monotonic() + _PATIENCE
            while not self._stopped and self._asked is not None:
                rest = min(self._asked + _QUIET, latest) - time.monotonic()
                if rest <= 0:
                    break
                self._changed.wait(rest)
            self._asked = None


class Watcher:
    """Calls `edited` whenever something that a build reads was changed, below a site's folder."""

    def __init__(self, root: Path, edited: Callable[[], None], *, poll: bool, say: Callable[[str], None]) -> None:
        self._root = Path(os.path.realpath(root))
        self._edited = edited
        self._poll = poll
        self._say = say
        self._observer: BaseObserver | None = None
        self._watches: dict[str, ObservedWatch] = {}

    def start(self) -> None:
        """Begin to watch; where the system has no more watches to give, look at the files from time to time."""
        if not self._poll:
            try:
                self._begin(poll=False)
                return
            except OSError as error:
                self.stop()
                self._say(
                    f"The system cannot tell of edits ({error.strerror or error}); looking twice a second instead."
                )
        self._begin(poll=True)

    def stop(self) -> None:
        """End it. Safe to call twice."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            if observer.is_alive():
                observer.join(2.0)

    def _begin(self, *, poll: bool) -> None:
        observer = self._observer = _observer(poll)
        self._watches.clear()
        # the folder itself too, not what is in it: content/ may be moved away and come back, templates/ may be added
        observer.schedule(_Handler(self._in_site), str(self._root), recursive=False)
        for name in WATCHED:
            self._follow(name)
        observer.start()

    def _follow(self, name: str) -> None:
        """Watch one of the folders, or watch it anew after it was replaced."""
        if self._observer is None:
            return
        if (watch := self._watches.pop(name, None)) is not None:
            self._observer.unschedule(watch)
        if (self._root / name).is_dir():
            self._watches[name] = self._observer.schedule(
                _Handler(self._in_folder), str(self._root / name), recursive=True
            )

    def _in_site(self, event: FileSystemEvent) -> None:
        touched = {Path(os.fsdecode(path)).name for path in (event.src_path, event.dest_path) if path}
        for name in touched.intersection(WATCHED):
            if event.event_type != EVENT_TYPE_MODIFIED:
                self._follow(name)
                self._edited()

    def _in_folder(self, event: FileSystemEvent) -> None:
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if not all(ignored(os.path.basename(path)) for path in paths):
            self._edited()


class _Handler(FileSystemEventHandler):
    """Passes on what changes something: reading a file is reported as well, by ourselves too."""

    def __init__(self, tell: Callable[[FileSystemEvent], None]) -> None:
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called for every event."""
        listed = event.is_directory and event.event_type == EVENT_TYPE_MODIFIED  # each entry has an event of its own
        if event.event_type not in (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE) and not listed:
            self._tell(event)


def _observer(poll: bool) -> BaseObserver:
    if poll:
        from watchdog.observers.polling import PollingObserver

        return PollingObserver(timeout=_POLL)
    from watchdog.observers import Observer

    return Observer()
