"""A finished file on its way into the output: what it is known by, and where its bytes are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from portalgen.publish.state import STATE_FOLDER, state_folder

STAGING = "staging"
"""The folder in `.portalgen/` where files wait until it is sure that nothing is wrong with any of them."""


class Finished(NamedTuple):
    """One file: its SHA-256 and size, and its bytes: in memory, or in the file `staged`.

    It has neither when it `stands` in the output already. `mtime_ns` is the time of the file that stands there or is
    staged.
    """

    sha256: str
    size: int
    data: bytes | None = None
    staged: str = ""
    mtime_ns: int = 0

    @property
    def stands(self) -> bool:
        """Whether the output was seen to hold just this."""
        return self.data is None and not self.staged


def finished(data: bytes) -> Finished:
    """A file in memory."""
    return Finished(hashlib.sha256(data).hexdigest(), len(data), data)


class Staging:
    """Where one process puts its finished files. `output` is where they go, `known` what was written there before."""

    def __init__(self, root: Path, output: Path, known: dict[str, str], stamps: dict[str, tuple[int, int]]) -> None:
        self._output, self._known, self._stamps = f"{output}{os.sep}", known, stamps
        self._folder = state_folder(root) / STAGING
        self._count = 0

    def put(self, path: str, data: bytes) -> Finished:
        """Stages a file, unless the output holds the same one already. Raises `OSError`."""
        name, size = hashlib.sha256(data).hexdigest(), len(data)
        if self._known.get(path) == name and (mtime := self._standing(path, data)):
            return Finished(name, size, mtime_ns=mtime)
        if not self._count:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        self._count += 1
        place = f"{self._folder}{os.sep}{os.getpid()}-{self._count}"
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            info = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if info.st_mode & 0o777 != 0o644:  # the umask here
            os.chmod(place, 0o644)
        return Finished(name, size, staged=place, mtime_ns=info.st_mtime_ns)

    def _standing(self, path: str, data: bytes) -> int:
        """The time of the file in the output if that holds the same bytes; else 0."""
        place = self._output + path
        try:
            info = os.lstat(place)
            if info.st_size != len(data) or not os.path.isfile(place) or os.path.islink(place):
                return 0
            if self._stamps.get(path) == (info.st_size, info.st_mtime_ns):
                return info.st_mtime_ns
            with open(place, "rb", buffering=0) as file:
                return info.st_mtime_ns if file.read() == data else 0
        except OSError:
            return 0


def clear_staging(root: Path) -> None:
    """Takes away what a run that was ended left there."""
    import shutil

    shutil.rmtree(root / STATE_FOLDER / STAGING, ignore_errors=True)
