"""A finished file on its way into the output: what it is known by, and where its bytes are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from portalgen.publish.paths import Folders, folders_of
from portalgen.publish.state import STATE_FOLDER, are_plain, is_plain, is_unfinished, state_folder

PRIVATE = "p/"
"""The folder of an output in which all that is private stands."""
STAGING = "staging"
"""The folder in `.portalgen/` where files wait until it is sure that nothing is wrong with any of them."""


class Finished(msgspec.Struct, frozen=True):
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
        self._folder = str(state_folder(root) / STAGING)
        self._count = 0
        self._links = {link_of(path) for path in known}
        self._made, self._folders = dict[str, str](), Folders()

    def put(self, path: str, data: bytes) -> Finished:
        """Stages a file, unless the output holds the same one already. Raises `OSError`."""
        name, size = hashlib.sha256(data).hexdigest(), len(data)
        if self._known.get(path) == name and (mtime := self._standing(path, data)):
            return Finished(name, size, mtime_ns=mtime)
        link = link_of(path)
        if link and link not in self._links:  # all of it may come into the output at once
            folder, _, last = path.rpartition("/")
            place = f"{self._room(folder)}/{last}"
        else:
            self._count += 1
            place = f"{self._room('')}/{os.getpid()}-{self._count}"
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

    def _room(self, folder: str) -> str:
        """The place of a folder below the one for staging, made when it is not there; of that one for no name."""
        place = self._made.get(folder)
        if place is None:
            parent, _, name = folder.rpartition("/")
            place = f"{self._room(parent)}/{name}" if folder else self._folder
            with suppress(FileExistsError):
                if folder:
                    self._folders.make(place)
                else:
                    os.mkdir(place, 0o700)
            self._made[folder] = place
        return place

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


def check_names(files: Mapping[str, Finished]) -> None:
    """Paths are made by us, so a bad one is a bug and no problem of the practitioner's."""
    names = [name for name, file in files.items() if not file.stands]  # the others were looked at when they came
    if "" in files or not are_plain(names) or any(map(is_unfinished, {name.rpartition("/")[2] for name in names})):
        raise ValueError(f"not paths to publish at: {[name for name in names if not is_plain(name)] or names!r}")
    if both := [folder for folder in folders_of(names) if folder in files]:
        raise ValueError(f"files and folders at once: {both!r}")


def link_of(path: str) -> str:
    """The folder of the unlisted link that a file belongs to: `p/TOKEN`; empty where there is none."""
    end = path.find("/", len(PRIVATE)) if path.startswith(PRIVATE) else -1
    return path[:end] if end > 0 else ""


def clear_staging(root: Path) -> None:
    """Takes away what a run that was ended left there."""
    import shutil

    place = root / STATE_FOLDER / STAGING
    with suppress(OSError):  # what is no folder
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
