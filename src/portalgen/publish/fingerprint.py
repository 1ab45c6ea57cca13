"""Files as they were seen: by content, and by what the system says of them where that is proof enough (design §6).

Size, times and inode prove that a file is the same only when it was last touched well before it was looked at: clocks
of disks are coarse, and a second edit may fall into the same tick.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

SETTLED = 2_000_000_000
"""Nanoseconds after which a further edit is sure to show in a file's times, on every disk."""
_LARGE = 1 << 20
"""Bytes from which on a file is not held whole only to be hashed."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A file: its path below the site, what the system said of it (times in ns), the SHA-256 of its content."""

    path: str
    size: int
    mtime: int
    ctime: int
    inode: int
    sha256: bytes


class Folder(msgspec.Struct, frozen=True, array_like=True):
    """A folder: its path below the site, and when something in it came or went (ns)."""

    path: str
    mtime: int
    ctime: int


class Fingerprint(msgspec.Struct, frozen=True, array_like=True):
    """Files and the folders they lie in, as they were `at` a time (ns). `absent` are folders that were not there."""

    at: int
    folders: tuple[Folder, ...]
    files: tuple[Seen, ...]
    absent: tuple[str, ...] = ()

    @property
    def content(self) -> tuple[tuple[str, bytes], ...]:
        """What counts: the paths and what they hold."""
        return tuple((file.path, file.sha256) for file in self.files)


def fingerprint(
    root: Path,
    folders: Iterable[Folder],
    files: Iterable[str],
    absent: Iterable[str] = (),
    contents: dict[str, bytes] | None = None,
    at: int | None = None,
) -> Fingerprint:
    """These files as they are now, and folders as they were `at` a time before: now where nothing is said.

    `contents` takes what the files hold. Raises `OSError`.
    """
    at = time.time_ns() if at is None else at
    return Fingerprint(at, tuple(folders), tuple(_seen(root, path, contents) for path in files), tuple(absent))


def folder_of(root: Path, path: str) -> Folder:
    """A folder as it is now. Raises `OSError`."""
    info = os.stat(f"{root}/{path}")
    return Folder(path, info.st_mtime_ns, info.st_ctime_ns)


def below(root: Path, *tops: str) -> tuple[list[str], list[str]]:
    """The folders and files at and below some places of the site, sorted; nothing where a place is not there."""
    folders, files = [], []
    for top in tops:
        for place, _, names in os.walk(root / top, followlinks=True):
            here = os.path.relpath(place, root).replace(os.sep, "/")
            folders.append(here)
            files += [f"{here}/{name}" for name in names]
    return sorted(folders), sorted(files)


def stands(root: Path, then: Fingerprint) -> bool:
    """Whether the system's word alone proves that nothing came, went or changed since."""
    return is_as_seen(root, then, then.at - SETTLED)


def is_as_seen(root: Path, then: Fingerprint, settled: int = sys.maxsize) -> bool:
    """Whether the system says the same as then, of what was last touched before the time `settled` (ns)."""
    base = f"{root}/"
    stat = os.stat
    try:
        for folder in then.folders:
            info = stat(base + folder.path)
            if info.st_mtime_ns != folder.mtime or info.st_ctime_ns != folder.ctime or folder.ctime > settled:
                return False
        for file in then.files:
            info = stat(base + file.path)
            if (
                info.st_mtime_ns != file.mtime
                or info.st_size != file.size
                or info.st_ctime_ns != file.ctime
                or info.st_ino != file.inode
                or file.ctime > settled
                or file.mtime > settled
            ):
                return False
    except OSError:
        return False
    return not any(map(os.path.lexists, map(base.__add__, then.absent)))


def _seen(root: Path, path: str, contents: dict[str, bytes] | None) -> Seen:
    descriptor = os.open(f"{root}/{path}", os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        info = os.fstat(descriptor)
        if contents is None and info.st_size > _LARGE:
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                sha256 = hashlib.file_digest(file, "sha256").digest()
            return Seen(path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, sha256)
        content = os.read(descriptor, info.st_size + 1)
        while len(content) != info.st_size and (more := os.read(descriptor, 1 << 20)):
            content += more
    finally:
        os.close(descriptor)
    if contents is not None:
        contents[path] = content
    return Seen(path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, hashlib.sha256(content).digest())
