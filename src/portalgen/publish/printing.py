"""PDFs of a build: printed beside the other work, and never twice for the same content (design §6).

What was printed is remembered under `.portalgen/cache/pdf/` by the content it was made from. Deleting it costs time and
nothing else; an entry that is damaged is printed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from portalgen.content.problems import Finding
from portalgen.publish.state import STATE_FOLDER, state_folder, write_whole
from portalgen.site.pages import Pdf
from portalgen.site.pdf import DocumentProblem, Press, Printed, missing_letters

if TYPE_CHECKING:
    from concurrent.futures import Future

CACHE = "cache/pdf"


class Prints(msgspec.Struct, frozen=True):
    """PDFs by their addresses, what is wrong with them, and the names under which they are remembered."""

    files: Mapping[str, bytes]
    findings: tuple[Finding, ...]
    used: frozenset[str]


class PrintShop:
    """Prints the PDFs of one site. `keeps` is whether new PDFs are remembered on disk."""

    def __init__(self, root: Path, press: Press, *, keeps: bool) -> None:
        self._press = press
        self._folder = root / STATE_FOLDER / CACHE
        self._root = root if keeps else None

    def print(self, pdfs: Iterable[Pdf]) -> Prints:
        """Prints these now, one after the other."""
        return _collected((pdf, self.printed(pdf)) for pdf in pdfs)

    def tidy(self, used: frozenset[str]) -> None:
        """Forgets all but what was used."""
        if self._root:
            with suppress(OSError):
                for path in self._folder.iterdir():
                    if path.name not in used:
                        path.unlink()

    def printed(self, wanted: Pdf) -> tuple[str, Printed | Finding]:
        """One PDF and the name under which it is remembered, or what is wrong with it."""
        name = hashlib.sha256(self._press.key(wanted.sheet).encode() + b"\0" + wanted.einvoice).hexdigest()
        if (known := self._recall(name)) is not None:
            return name, known
        try:
            printed = self._press.pdf(wanted.sheet)
        except DocumentProblem as problem:
            return name, problem.finding
        if wanted.einvoice:
            from portalgen.site.einvoice.hybrid import attach

            printed = Printed(attach(printed.pdf, wanted.einvoice, wanted.sheet.date), printed.missing)
        self._remember(name, printed)
        return name, printed

    def _recall(self, name: str) -> Printed | None:
        try:
            checksum, missing, pdf = (self._folder / name).read_bytes().split(b"\n", 2)
        except (OSError, ValueError):
            return None
        if hashlib.sha256(missing + b"\n" + pdf).hexdigest().encode() != checksum:
            return None
        return Printed(pdf, missing.decode())

    def _remember(self, name: str, printed: Printed) -> None:
        if self._root is None:
            return
        with suppress(OSError):
            state_folder(self._root)
            self._folder.mkdir(parents=True, exist_ok=True)
            rest = printed.missing.encode() + b"\n" + printed.pdf
            write_whole(str(self._folder / name), hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest, 0o600)


class Presses:
    """Threads that print for a shop while other work goes on, as a context."""

    def __init__(self, shop: PrintShop, count: int) -> None:
        self._shop, self._count = shop, count
        self._ordered: list[tuple[Pdf, Future[tuple[str, Printed | Finding]]]] = []

    def __enter__(self) -> Presses:
        from concurrent.futures import ThreadPoolExecutor

        self._pool = ThreadPoolExecutor(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def order(self, pdfs: Iterable[Pdf]) -> None:
        """Has these printed while other work goes on."""
        self._ordered += [(pdf, self._pool.submit(self._shop.printed, pdf)) for pdf in pdfs]

    def collect(self) -> Prints:
        """All that was ordered."""
        return _collected((pdf, future.result()) for pdf, future in self._ordered)


def _collected(done: Iterable[tuple[Pdf, tuple[str, Printed | Finding]]]) -> Prints:
    files: dict[str, bytes] = {}
    findings: dict[Finding, None] = {}
    used = set()
    for wanted, (name, printed) in done:
        used.add(name)
        if isinstance(printed, Finding):
            findings[printed] = None
            continue
        files[wanted.address] = printed.pdf
        if printed.missing:
            findings[missing_letters(wanted.source, wanted.sheet.title, printed.missing)] = None
    return Prints(files, tuple(findings), frozenset(used))
