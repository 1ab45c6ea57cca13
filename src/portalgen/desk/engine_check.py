"""The whole site looked at in the background, by a process of its own: what is wrong beyond the file just edited."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from portalgen.content.problems import Problem
from portalgen.desk.engine_parts import Errors, errors_of

_CLEAR = (0, 2, 3)
"""Exit codes of `check` with which it told all that it has to tell."""
_BUG = 1
"""Exit code of `check` with which it leaves a traceback."""
_NOT_OURS = ("still-published", "usage", "environment")
"""What the next build puts right, or keeps the command itself from working, is no problem of the pages shown here."""


class Check:
    """Runs `portalgen check` now and then: one at a time, and none that an edit has made pointless."""

    def __init__(self, root: Path, today: dt.date | None) -> None:
        self._root = root
        self._command = [sys.executable, "-P", "-m", "portalgen", "check", "--json", "--site", os.path.abspath(root)]
        self._command += ["--today", today.isoformat()] if today else []
        self._lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, done: Callable[[Errors], None]) -> None:
        """Begins a look; `done` hears, in a thread of its own, every error there is, unless it is stopped before."""
        self.stop()
        low = 0x00004000 if sys.platform == "win32" else 0  # BELOW_NORMAL_PRIORITY_CLASS
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                creationflags=low,
            )
        except OSError:
            return
        if sys.platform != "win32":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, 19)
        with self._lock:
            self.process = process
        threading.Thread(target=self._wait, args=(process, done), name="portalgen check", daemon=True).start()

    def stop(self) -> None:
        """Ends the look that is under way, if there is one."""
        with self._lock:
            process, self.process = self.process, None
        if process is not None:
            with suppress(OSError):
                process.kill()

    def _wait(self, process: subprocess.Popen[bytes], done: Callable[[Errors], None]) -> None:
        told, said = process.communicate()
        with self._lock:
            mine = self.process is process
            self.process = None if mine else self.process
        if not mine:
            return
        if process.returncode == _BUG:
            sys.stderr.write(said.decode(errors="replace"))
        if process.returncode not in _CLEAR:
            return
        problems = [Problem(**problem) for problem in json.loads(told)["problems"]]
        done(errors_of(self._root, [problem for problem in problems if problem.code not in _NOT_OURS], ()))
