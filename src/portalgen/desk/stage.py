"""What the preview shows at the moment, what changed lately, and the events that tell open pages of it."""

from __future__ import annotations

import html
import json
import re
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import msgspec

_REMEMBERED = 200
"""Steps that a page may have slept through and still learn what changed in between."""

_HEARTBEAT = 15.0
"""Seconds after which a silent connection is tried."""

_LINK = re.compile(rb"<link\b[^>]*>", re.IGNORECASE)
_HREF = re.compile(rb"""(?<=\s)href\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)


class Update(msgspec.Struct, frozen=True):
    """What is shown from now on.

    `files` is the whole site by address, or None while it could never be made. `problems` are texts to be shown as they
    are; mere warnings are not among them. `changed` are the addresses whose bytes differ from what was there before,
    `restyled` those of pages that differ in nothing but the address of their style sheets.
    """

    files: Mapping[str, bytes] | None
    problems: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    restyled: tuple[str, ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """What is shown: the last good files (None before there are any) and today's problems. `build` names this state."""

    build: str
    files: Mapping[str, bytes] | None
    problems: tuple[str, ...]


class Sealed(msgspec.Struct, frozen=True):
    """What stands at a sealed link as its reader gets it. Without a `page`, `problems` say why; there may be none."""

    page: bytes | None
    problems: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """What one build changed. `restyled` are pages that differ in nothing but the address of their style sheets."""

    number: int
    changed: tuple[str, ...]
    restyled: tuple[str, ...]
    problems: tuple[str, ...] | None
    """The problems when they are others than before; an empty tuple when all are solved."""


class Stage:
    """The state that requests read and builds replace. A request always sees the files of one build."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(6)
        self._news = threading.Condition()
        self._number = 0
        self._shown = Shown(f"{self._run}-0", None, ())
        self._steps: deque[Step] = deque(maxlen=_REMEMBERED)
        self._edits = 0
        self._closed = False
        self._tabs: Counter[str] = Counter()
        self.look: Callable[[str], None] = lambda page: None
        """Called with the address of a page that begins to listen, so that what changed of it unnoticed is told."""
        self.seal: Callable[[str], Sealed] = lambda file: Sealed(None)
        """Makes the sealed page that a build would write as this file of the output."""

    def take(self, update: Update) -> Step | None:
        """Show what an update gave. Returns what that changed, None when nothing."""
        with self._news:
            before = self._shown
            files = before.files if update.files is None else update.files
            problems = update.problems
            if files is None and not problems:
                problems = ("The site could not be built, and the build did not say why.",)
            news = problems if problems != before.problems else None
            if not (update.changed or update.restyled or news is not None or self._number == 0):
                self._shown = msgspec.structs.replace(before, files=files)
                return None
            self._number += 1
            step = Step(self._number, update.changed, update.restyled, news)
            self._steps.append(step)
            self._shown = Shown(f"{self._run}-{self._number}", files, problems)
            self.edited()
        return step

    def edited(self) -> None:
        """Something was edited, whether or not a page shows it."""
        with self._news:
            self._edits += 1
            self._news.notify_all()

    @property
    def tabs(self) -> tuple[str, ...]:
        """The addresses of the pages that listen now."""
        with self._news:
            return tuple(self._tabs)

    def current(self) -> Shown:
        """What is shown now; waits for the first build."""
        with self._news:
            self._news.wait_for(lambda: self._number > 0 or self._closed)
            return self._shown

    def sealed(self, file: str) -> Sealed:
        """A sealed page, made now; waits for the first build."""
        self.current()
        return self.seal(file)

    def close(self) -> None:
        """End every stream of events."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def events(self, since: str = "", page: str = "") -> Generator[str]:
        """Server-sent events for a page that was served in the state `since`, until `close`; now and then a heartbeat.

        `page` is its address. A plain event lists addresses that changed, `style` pages that need other style sheets
        and nothing else, `problems` the texts to be shown. `reload` goes to a page from another run or too long ago.
        """
        with self._news:
            self._tabs[page] += 1
            since = since or self._shown.build
        try:
            self.look(page)
            yield from self._events(since)
        finally:
            with self._news:
                self._tabs -= Counter((page,))

    def edits(self) -> Generator[str]:
        """Server-sent events for who shows the files themselves: one after an edit, until `close`; heartbeats."""
        known = self._edits
        while (now := self._edited_after(known)) is not None:
            yield "data: []\n\n" if now != known else ": still here\n\n"
            known = now

    def _edited_after(self, count: int) -> int | None:
        """Waits until there were other than so many edits; how many there were after a while, None when all is over."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._edits != count, timeout=_HEARTBEAT)
            return None if self._closed else self._edits

    def _events(self, since: str) -> Iterator[str]:
        with self._news:
            known = self._known(since)
            sent = self._number if known is None else known
            shown, missed = self._shown, list(self._steps)
        if known is None:
            yield _event("reload", (), shown.build)
        for step in missed:
            if step.number > sent:
                yield from self._told(msgspec.structs.replace(step, problems=None))
                sent = step.number
        if shown.problems:
            yield _event("problems", shown.problems, shown.build)
        while (fresh := self._after(sent)) is not None:
            for step in fresh:
                yield from self._told(step)
                sent = step.number
            if not fresh:
                yield ": still here\n\n"

    def _after(self, number: int) -> list[Step] | None:
        """Waits for steps after the one with this number; an empty list after a while, None when all is over."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._number > number, timeout=_HEARTBEAT)
            return None if self._closed else [step for step in self._steps if step.number > number]

    def _known(self, build: str) -> int | None:
        """The number of a state of this run that is not too old to be caught up with."""
        run, _, number = build.rpartition("-")
        if run != self._run or not number.isascii() or not number.isdigit() or int(number) > self._number:
            return None
        oldest = self._steps[0].number if self._steps else 1
        return int(number) if int(number) >= oldest - 1 else None

    def _told(self, step: Step) -> Iterator[str]:
        build = f"{self._run}-{step.number}"
        if step.problems is not None:
            yield _event("problems", step.problems, build)
        if step.restyled:
            yield _event("style", step.restyled, build)
        if step.changed:
            yield _event("", step.changed, build)


def _event(kind: str, data: Sequence[str], build: str) -> str:
    head = f"event: {kind}\n" if kind else ""
    return f"{head}id: {build}\ndata: {json.dumps(list(data))}\n\n"  # JSON written so has no line break


def compared(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses whose bytes changed, and apart from them those of pages that were only restyled."""
    changed, restyled = [], []
    for address in sorted({*old, *new}):
        before, after = old.get(address), new.get(address)
        if before is after or before == after:
            continue
        if before is not None and after is not None and address.endswith(".html") and _bare(before) == _bare(after):
            restyled.append(address)
        else:
            changed.append(address)
    return tuple(changed), tuple(restyled)


def _bare(page: bytes) -> bytes:
    """A page without the addresses of its style sheets."""
    return _LINK.sub(lambda link: _HREF.sub(b"", link[0]) if _is_style(link[0]) else link[0], page)


def style_sheets(page: bytes) -> list[str]:
    """The addresses of a page's style sheets, in their order."""
    links = (link for link in _LINK.findall(page) if _is_style(link))
    found = (match[1].strip(b"\"'") for link in links if (match := _HREF.search(link)))
    return [html.unescape(address.decode("utf-8", "replace")) for address in found]


def _is_style(link: bytes) -> bool:
    return b"stylesheet" in link.lower()
