"""Runs commands in forked children and does to them what machines do: kills, signals, files that go, no permission.

`python -m tests.killer` reads JSON lines (`Killer.ask` says what is in them) and answers each with what became of the
child. The modules are imported once, so a run takes a tenth of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from tests.support import MINIMAL, MINIMAL_CLIENT, ROOT, Result, invoke, minimal_site

SITE = "content/site.yaml"
DEFAULT = {SITE: MINIMAL[SITE].partition("privacy:")[0] + "documents: {pdf: false, einvoice: false}\n"}
"""Private pages as they are when nothing is said about them."""
WRITES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime", "os.truncate")
LOOKS = ("open", "os.scandir", "os.listdir")
_LIBC = ctypes.CDLL(None, use_errno=True)
_SUBREAPER = 36  # prctl(2)


class Meanwhile:
    """Does something to a file when another one is opened, or its folder listed, for the n-th time.

    The first time a build only looks whether anything changed.
    """

    def __init__(self, seen: str, times: int, action: str, path: str, text: str) -> None:
        self.seen, self.times, self.action, self.path, self.text = seen, times, action, path, text

    def hear(self, event: str, values: tuple[Any, ...]) -> None:
        """Acts before the system does what the event announces."""
        if event not in LOOKS or not str(values[0]).endswith(self.seen):
            return
        self.times -= 1
        if self.times:
            return
        if self.action == "remove":
            shutil.rmtree(self.path) if os.path.isdir(self.path) else os.unlink(self.path)
        else:
            Path(self.path).write_text(self.text, encoding="utf-8")


def _child(asked: dict[str, Any]) -> None:
    from portalgen.cli import main

    count = placed = 0
    me = os.getpid()  # a worker of the command dies with it
    watch = None
    if asked["meanwhile"]:
        seen, times, action, path, text = asked["meanwhile"]
        watch = Meanwhile(seen, int(times), action, path, text)

    def hook(event: str, values: tuple[Any, ...]) -> None:
        nonlocal count, placed
        flags = values[2] if event == "open" and isinstance(values[2], int) else 0
        if event in WRITES or flags & (os.O_WRONLY | os.O_RDWR):
            count += 1
            placed += event == "os.rename" and "/output/" in str(values[1])
            if count == asked["write"] or placed == asked["placed"]:
                os.kill(me, asked["signal"])
        if watch:
            watch.hear(event, values)

    gc.disable()  # it does not live long enough to need it
    os.fsync = lambda _: None  # type: ignore[assignment]  # a kill loses nothing that was written, and disks are slow
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked["write"] is not None or asked["placed"] is not None or watch:
        sys.addaudithook(hook)
    if asked["weak"]:
        give_up_powers()
    if asked["largest"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest"], asked["largest"]))
    main(asked["args"])


def give_up_powers() -> None:
    """From here on the permissions of files bind this process, also when it is root's."""
    if os.geteuid() == 0 and sys.platform == "linux":
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of capset(2), this process
        if _LIBC.capset(header, (ctypes.c_uint32 * 6)()):
            raise OSError(ctypes.get_errno(), "capset")


def _run(asked: dict[str, Any]) -> tuple[int, str, str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            for descriptor, file in ((0, open(os.devnull, "rb")), (1, out), (2, err)):  # noqa: SIM115
                os.dup2(file.fileno(), descriptor)
            code = 1
            try:
                _child(asked)
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        if asked["after"] is not None:
            time.sleep(asked["after"])
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, asked["signal"])
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _end_orphans()
        out.seek(0)
        err.seek(0)
        return code, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace")


def _end_orphans() -> None:
    """Waits for what a killed child had started: it must end by itself."""
    last = time.monotonic() + 20
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < last:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.001)
        raise RuntimeError("a process goes on although the command that started it was killed")


class Killer:
    """The other end: asks for runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, *args: str | Path, write: int | None = None, placed: int | None = None, after: float | None = None
    ) -> int:
        """Runs a command; kills it before its write number `write` (from 1), or before it puts file number `placed`
        into the output, or `after` so many seconds."""
        return self.ask(*args, write=write, placed=placed, after=after).code

    def ask(
        self,
        *args: str | Path,
        write: int | None = None,
        placed: int | None = None,
        after: float | None = None,
        sent: int = signal.SIGKILL,
        meanwhile: tuple[str, int, Literal["remove", "write"], Path, str] | None = None,
        weak: bool = False,
        largest: int | None = None,
    ) -> Result:
        """Runs a command. `sent` is the signal that it gets then; the code of a killed one is -9.

        `meanwhile`: when a path that ends so is looked at for the n-th time, another is removed or written with a text. `weak`:
        without root's power to open everything. `largest`: no file may get more bytes, as on a disk that is full.
        """
        assert self._process.stdin
        assert self._process.stdout
        request = {
            "args": [str(arg) for arg in args],
            "write": write,
            "placed": placed,
            "after": after,
            "signal": int(sent),
            "meanwhile": [str(each) for each in meanwhile or ()],
            "weak": weak,
            "largest": largest,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Result(*json.loads(self._process.stdout.readline()))


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
        invoke("build", "--site", site)
        minimal_site(site, DEFAULT)
        invoke("build", "--site", site)


if __name__ == "__main__":
    if sys.platform == "linux":
        _LIBC.prctl(_SUBREAPER, 1, 0, 0, 0)
    _warm_up()
    gc.freeze()  # a child that collects garbage need not look at all of this
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)
