"""The site's `.portalgen/`: the build lock, and how a file is written whole."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

STATE_FOLDER = ".portalgen"
"""The folder below the site's that holds the key and the list of what we wrote."""
TOMBSTONES = f"{STATE_FOLDER}/tombstones"
"""Where pages of links are kept that ended with their key."""

_SECOND = 1_000_000_000  # nanoseconds
_SUFFIX = ".portalgen-tmp"
_ASTRAY = ("//", "/./", "/../", "\\", "\0")
"""What stands in no path between two slashes that leads to where it says, on every system."""
_UNFINISHED = re.compile(rf"\.[0-9a-f]{{16}}{re.escape(_SUFFIX)}")


class OutputError(Exception):
    """What keeps us from publishing: a sentence, and in `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class OutputRefused(OutputError):
    """The output is no place to write to, or holds something that is not ours. Nothing was written."""


class OutputFailed(OutputError):
    """The disk or a permission stopped us. Every file is whole, old or new, and the next run completes."""


class LockBusy(OutputError):
    """Another run is at work in the same site; `pid` is its process where that could be read."""

    def __init__(self, pid: int | None) -> None:
        who = f"the process {pid}" if pid is not None else "another process"
        super().__init__(
            f"this site is being worked on by {who}",
            "wait until it is done" + (f"; should it hang, end it with: kill {pid}" if pid is not None else ""),
        )
        self.pid = pid


class Unsettled(Exception):
    """Sources changed while they were read; nothing was written."""

    def __init__(self, paths: Sequence[str]) -> None:
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        super().__init__(f"{', '.join(paths[:3])}{more} changed while the site was read")


class Written(msgspec.Struct, frozen=True):
    """How many files a publication wrote, found as they should be, and removed."""

    written: int
    unchanged: int
    removed: int


def state_folder(root: Path) -> Path:
    """The site's `.portalgen/`, made when it is missing: for this user only, and never committed."""
    folder = root / STATE_FOLDER
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_whole(str(ignore), b"*\n", 0o600)
    return folder


@contextmanager
def build_lock(root: Path, wait: float = 30.0) -> Iterator[None]:
    """Be the only one who writes in this site. Waits up to `wait` seconds, then raises `LockBusy`."""
    from filelock import FileLock, Timeout

    # beside the lock and not in it: some versions of the lock empty its file while they wait for it
    holder = root / STATE_FOLDER / "build.pid"
    try:
        lock = FileLock(state_folder(root) / "build.lock")
        lock.acquire(timeout=wait)
    except Timeout:
        raise LockBusy(_pid(holder)) from None
    except OSError as error:
        raise failure(error, holder.parent) from error
    try:
        with suppress(OSError):
            holder.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def at_work(root: Path) -> bool:
    """Whether another process seems to work in this site."""
    return (root / STATE_FOLDER / "build.pid").exists()


def _pid(holder: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(holder.read_text(encoding="ascii"))
    return None


def is_plain(path: str) -> bool:
    """Whether a path with `/` leads to a place below the folder it starts in, on every system."""
    return are_plain((path,))


def are_plain(paths: Iterable[str]) -> bool:
    """The same of many, at once."""
    names = list(paths)
    row = f"/{'/'.join(names)}/"
    return not names or not any(sign in row for sign in _ASTRAY)


def is_unfinished(name: str) -> bool:
    """Whether a file bears the name `write_whole` gives to one it has not finished."""
    return _UNFINISHED.fullmatch(name) is not None


def write_whole(
    place: str, data: bytes | Iterable[bytes], mode: int, *, durable: bool = False, newer: bool = False
) -> None:
    """Put a whole file in place: under a name of its own first, so that nobody ever sees half of it.

    `durable`: all of it is on the disk before the old one goes. `newer`: its time differs from that of the file that it
    replaces by two seconds at least, whatever the clock says: servers compare whole seconds, some disks keep even ones.
    """
    temporary = stage(place, data, mode, durable=durable)
    try:
        if newer:
            _make_newer(temporary, place)
        os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        remember_folder(os.path.dirname(place))


def bring(staged: str, place: str, *, newer: bool) -> bool:
    """Moves a finished file into place, `newer` as in `write_whole`. False when it lies on another disk."""
    if newer:
        _make_newer(staged, place)
    try:
        os.replace(staged, place)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return False
        raise OSError(error.errno, error.strerror, place) from error
    return True


def _make_newer(fresh: str, old: str) -> None:
    with suppress(FileNotFoundError, OverflowError):
        least = (os.lstat(old).st_mtime_ns // _SECOND + 2) * _SECOND
        if os.stat(fresh).st_mtime_ns < least:
            os.utime(fresh, ns=(least, least))


def stage(place: str, data: bytes | Iterable[bytes], mode: int | None, *, durable: bool = False) -> str:
    """The name, beside `place`, of a finished file for `os.replace`. Without a mode it has the usual one."""
    temporary = os.path.join(os.path.dirname(place), f".{os.urandom(8).hex()}{_SUFFIX}")
    try:
        with open(temporary, "xb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    return temporary


def remember_folder(folder: str) -> None:
    """Has the disk remember the names in a folder, where the system can do that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder or os.curdir, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def failure(error: OSError, place: Path) -> OutputFailed:
    """An error of the system, in words; about `place` when it names no file that the reader would know."""
    where = error.filename
    if not isinstance(where, str):
        where = str(place)
    elif is_unfinished(os.path.basename(where)):
        beside = os.path.dirname(where)
        where = error.filename2 if isinstance(error.filename2, str) else beside
        where = str(place) if beside == os.path.dirname(place) else where
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputFailed(f"the disk is full: {where}", "make room, then run this again; every file there is whole")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return OutputFailed(f"no permission to write: {where}", "make it writable for yourself, then run this again")
    return OutputFailed(f"could not write {where}: {error.strerror or error}", "mend that, then run this again")
