"""PDFs of a build: printed by threads beside the other work, and never twice for the same content (design §6).

What was printed is remembered under `.portalgen/cache/pdf/` by the content it was made from. Deleting it costs time and
nothing else; an entry that is damaged is printed again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from portalgen.content.problems import Finding
from portalgen.publish.state import STATE_FOLDER, state_folder, write_whole
from portalgen.site.pages import Pdf
from portalgen.site.pdf import DocumentProblem, Press, Printed, missing_letters

CACHE = "cache/pdf"


class PrintShop:
    """Prints the PDFs of one site, as a context. `keeps` is whether new PDFs are remembered on disk."""

    def __init__(self, root: Path, press: Press, *, keeps: bool, jobs: int = 0) -> None:
        self._press = press
        self._folder = root / STATE_FOLDER / CACHE
        self._root = root if keeps else None
        self._jobs = jobs or min(os.cpu_count() or 1, 8)
        self._used: set[str] = set()
        self._ordered: list[tuple[Pdf, Future[Printed | Finding]]] = []

    def __enter__(self) -> PrintShop:
        self._pool = ThreadPoolExecutor(self._jobs)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def order(self, pdfs: Iterable[Pdf]) -> None:
        """Has PDFs printed while other work goes on."""
        self._ordered += [(pdf, self._pool.submit(self._one, pdf)) for pdf in pdfs]

    def collect(self) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
        """All that was ordered, by the addresses, and what is wrong with it."""
        files: dict[str, bytes] = {}
        findings: dict[Finding, None] = {}
        for wanted, future in self._ordered:
            done = future.result()
            if isinstance(done, Finding):
                findings[done] = None
                continue
            files[wanted.address] = done.pdf
            if done.missing:
                findings[missing_letters(wanted.source, wanted.sheet.title, done.missing)] = None
        self._ordered.clear()
        return files, tuple(findings)

    def tidy(self) -> None:
        """Forgets what this build did not need."""
        if self._root:
            with suppress(OSError):
                for path in self._folder.iterdir():
                    if path.name not in self._used:
                        path.unlink()

    def _one(self, wanted: Pdf) -> Printed | Finding:
        name = hashlib.sha256(self._press.key(wanted.sheet).encode() + b"\0" + wanted.einvoice).hexdigest()
        self._used.add(name)
        if (known := self._recall(name)) is not None:
            return known
        try:
            printed = self._press.pdf(wanted.sheet)
        except DocumentProblem as problem:
            return problem.finding
        if wanted.einvoice:
            from portalgen.site.einvoice.hybrid import attach

            printed = Printed(attach(printed.pdf, wanted.einvoice, wanted.sheet.date), printed.missing)
        self._remember(name, printed)
        return printed

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
