"""A progress bar, on a terminal only, and only when the work takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0


@contextmanager
def progress_bar(what: str = "Building") -> Iterator[Callable[[int, int], None] | None]:
    """Gives a function of (done, whole), or None where nobody looks. `what` is being done."""
    if not sys.stderr.isatty():
        yield None
        return
    begun = time.monotonic()
    shown: list[tuple[Progress, TaskID]] = []

    def advance(done: int, whole: int) -> None:
        if not shown and time.monotonic() - begun < PATIENCE:
            return
        if not shown:
            from rich.console import Console
            from rich.progress import Progress

            bar = Progress(console=Console(stderr=True), transient=True)
            bar.start()
            shown.append((bar, bar.add_task(what, total=whole)))
        progress, task = shown[0]
        progress.update(task, completed=done)

    try:
        yield advance
    finally:
        for progress, _ in shown:
            progress.stop()
