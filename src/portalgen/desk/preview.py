"""The live preview: the site as it would be built now, in pages that keep themselves up to date."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from portalgen.desk.command import broken_off
from portalgen.desk.stage import Sealed, Stage, Step, Update
from portalgen.desk.watch import Edits, Watcher, Worker
from portalgen.desk.web import Server
from portalgen.site.links import shown

if TYPE_CHECKING:
    from portalgen.desk.board import Board

HOST = "127.0.0.1"
PORT = 8000
_MORE_PORTS = 20
_WATCHED_FIRST = 0.5
"""Seconds after which pages are made although not every folder is watched yet; then all is looked through once more."""
_ENOUGH = 5.0
"""Seconds to wait for something that is on its way out."""


class Maker(Protocol):
    """What makes the pages that are shown (`engine.Engine`)."""

    def begin(
        self, tell: Callable[[Update], None], tabs: Callable[[], Collection[str]], wake: Callable[[], None]
    ) -> None:
        """Who hears of updates, which pages are being looked at, and how to have `idle` called soon."""

    def update(self, edits: Edits) -> None:
        """Something was edited: makes again what that concerns, and tells."""

    def idle(self) -> float:
        """Nothing is edited. Returns after how many seconds to ask again."""

    def look(self, page: str) -> None:
        """Somebody has this page before them: tells if it is another by now."""

    def sealed(self, file: str) -> Sealed:
        """The sealed page that a build would write as this file of the output."""

    def close(self) -> None:
        """All is over."""


class PreviewFailed(Exception):
    """The preview cannot start: a sentence, and in `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def serve(
    root: Path,
    maker: Maker,
    *,
    host: str = HOST,
    port: int | None = None,
    open_browser: bool = False,
    poll: bool = False,
    board: Board | None = None,
    announce: Callable[[str], None],
    report: Callable[[str], None] = lambda text: None,
) -> None:
    """Show the site until SIGTERM (then returns) or Ctrl-C (then raises KeyboardInterrupt); both end it cleanly.

    Without a `port` the first free one from 8000 on is taken, with 0 any free one. `announce` hears the address,
    once; `report` hears of updated pages and of problems, from another thread. Raises `PreviewFailed` when it cannot
    start.
    """
    over = SimpleQueue[None]()  # and not an event: this one may be used from a signal handler

    def end(number: int, frame: FrameType | None) -> None:
        over.put(None)

    in_main = threading.current_thread() is threading.main_thread()
    former = signal.signal(signal.SIGTERM, end) if in_main else None
    try:
        with Preview(root, maker, host=host, port=port, poll=poll, board=board, report=report) as preview:
            announce(preview.url)
            if open_browser:
                threading.Thread(target=webbrowser.open, args=(preview.url,), daemon=True).start()
            while True:
                with suppress(Empty):
                    over.get(timeout=1.0)  # in turns, because on Windows a longer wait would not hear Ctrl-C
                    return
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, former)


class Preview:
    """A running preview, as a context: it stands while the block runs. Its address is `url`."""

    def __init__(
        self,
        root: Path,
        maker: Maker,
        *,
        host: str = HOST,
        port: int | None = None,
        poll: bool = False,
        board: Board | None = None,
        report: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._root = root
        self._maker = maker
        self._say = report
        self._stage = Stage()
        self._stage.look, self._stage.seal = maker.look, maker.sealed
        self._server = _listen(host, port, self._stage, board)
        self._worker = Worker(self._update, self._idle)
        maker.begin(self._tell, lambda: self._stage.tabs, self._worker.wake)
        self._watcher = Watcher(root, self._worker.ask, poll=poll, say=report)
        self._answering = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="portalgen preview", daemon=True
        )
        self._watching = threading.Thread(target=self._watch, name="portalgen watch", daemon=True)
        self._first = True
        written = f"[{host}]" if ":" in host else host
        self.url = f"http://{written}:{self._server.server_port}/"

    def __enter__(self) -> Self:
        if not self._root.is_dir():
            self._server.server_close()
            raise PreviewFailed(
                f"edits in {self._root} cannot be watched: there is no such folder",
                "check that the folder is there and can be read",
            )
        self._answering.start()
        self._watching.start()
        self._watching.join(_WATCHED_FIRST)  # before the first build, if that can be
        self._worker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watching.join(_ENOUGH)
        self._watcher.stop()
        self._stage.close()
        self._server.shutdown()
        self._answering.join()
        self._server.server_close()
        self._worker.stop()
        self._maker.close()

    def _watch(self) -> None:
        begun = time.monotonic()
        try:
            self._watcher.start()
        except OSError as error:
            self._say(f"Edits in {self._root} cannot be watched: {error.strerror or error}. Start the preview anew.")
        if time.monotonic() - begun > _WATCHED_FIRST / 2:
            self._worker.ask()  # an edit may have fallen between

    def _update(self, edits: Edits) -> None:
        with self._going_on():
            self._maker.update(edits)
        self._stage.edited()

    def _idle(self) -> float:
        wait = 60.0
        with self._going_on():
            wait = self._maker.idle()
        return wait

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Whatever is raised here is a bug: pages and terminal show its traceback, and the next edit is worked off."""
        try:
            yield
        except Exception:
            self._tell(Update(None, (broken_off("The build"),)))

    def _tell(self, update: Update) -> None:
        step = self._stage.take(update)
        if step is not None:
            with suppress(OSError):  # nobody may be listening any more; the preview goes on
                self._report(step)
        self._first = self._first and update.files is None

    def _report(self, step: Step) -> None:
        if step.problems:
            self._say("\n\n".join(step.problems))
        elif step.problems is not None and step.number > 1:
            self._say("All problems are solved.")
        pages = [address for address in (*step.changed, *step.restyled) if address.endswith(".html")]
        if pages and not self._first:
            self._say(f"Updated {shown(pages[0])}" + (f" and {len(pages) - 1} more" if len(pages) > 1 else ""))


def _listen(host: str, port: int | None, stage: Stage, board: Board | None) -> Server:
    ports: Sequence[int] = range(PORT, PORT + _MORE_PORTS + 1) if port is None else [port]
    for candidate in ports:
        try:
            return Server(host, candidate, stage, board)
        except socket.gaierror as error:
            raise PreviewFailed(f"this machine has no address {host}", "leave --host away, or use 127.0.0.1") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise PreviewFailed(
                    f"this machine has no address {host}", "leave --host away, or use 127.0.0.1"
                ) from error
            if error.errno not in (errno.EADDRINUSE, errno.EACCES) or candidate == ports[-1]:
                raise PreviewFailed(
                    f"port {candidate} cannot be used: {error.strerror or error}",
                    "name another one with --port, or --port 0 for any that is free",
                ) from error
    raise AssertionError("no port was tried")
