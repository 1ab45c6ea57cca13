"""Runs commands in forked children and kills them: at a write that is counted, or after a while.

`python -m tests.killer` reads JSON lines `{"args": [...], "write": N or null, "after": seconds or null}` and answers each
with the child's exit code; a killed one has -9. The modules are imported once, so a run takes a tenth of a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support import MINIMAL_CLIENT, ROOT, invoke, minimal_site

WRITES = ("os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate")


def _child(args: list[str], write: int | None) -> None:
    from portalgen.cli import main

    count = 0

    def hook(event: str, values: tuple[Any, ...]) -> None:
        nonlocal count
        flags = values[2] if event == "open" and isinstance(values[2], int) else 0
        if event in WRITES or flags & (os.O_WRONLY | os.O_RDWR):
            count += 1
            if count == write:
                os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = lambda _: None  # type: ignore[assignment]  # a kill loses nothing that was written, and disks are slow
    if write is not None:
        sys.addaudithook(hook)
    main(args)


def _run(args: list[str], write: int | None, after: float | None) -> int:
    pid = os.fork()
    if pid == 0:
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silent, descriptor)
        code = 1
        try:
            _child(args, write)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        finally:
            os._exit(code)
    if after is not None:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Killer:
    """The other end: asks for runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *args: str | Path, write: int | None = None, after: float | None = None) -> int:
        """Runs a command; kills it before its write number `write` (from 1), or `after` so many seconds."""
        assert self._process.stdin
        assert self._process.stdout
        request = {"args": [str(arg) for arg in args], "write": write, "after": after}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextlib.contextmanager
def killer() -> Iterator[Killer]:
    """A process that runs and kills commands for us."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTALGEN_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.killer"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        yield Killer(process)
        assert process.stdin
        process.stdin.close()


def _warm_up() -> None:
    """Imports everything once, as the children would each."""
    with tempfile.TemporaryDirectory() as folder:
        site = minimal_site(Path(folder), MINIMAL_CLIENT)
        invoke("issue", "2026-0001", "--site", site)
        invoke("credit", "2026-0001", "--full", "--reason", "x", "--site", site)
        invoke("pay", "2026-0001", "1", "--site", site)


if __name__ == "__main__":
    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        print(_run(asked["args"], asked["write"], asked["after"]), flush=True)
