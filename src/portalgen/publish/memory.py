"""What the last build into an output came from and what it gave, part by part (design §6).

A part is taken from here when its files, its rows of the lock and all that is shared are the same, the day is within
the part's days, and its files stand in the output as they were left. Everything is compared by content; what the
system says of a file counts where that is proof. A memory that is damaged or of another version is no memory.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from portalgen.content.problems import Problem
from portalgen.publish.fingerprint import Fingerprint
from portalgen.publish.state import STATE_FOLDER, output_key, read_manifest, state_folder, write_whole

if TYPE_CHECKING:
    from portalgen.publish.clients import Facts

FOLDER = "cache"
VERSION = 1
Output = tuple[str, int, int, str]
"""A file in the output: its path, size, time (ns) and SHA-256."""


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """A part as it was made. `locked`: the hash of the client's lines of the lock. `until` is its last day.

    `excerpts` are the lines that its problems are about; `facts` are packed, since most builds need none of them.
    """

    sources: Fingerprint
    locked: bytes
    outputs: tuple[Output, ...]
    until: dt.date
    pages: int
    problems: tuple[Problem, ...]
    excerpts: tuple[str, ...]
    facts: bytes = b""

    @property
    def known(self) -> Facts:
        """What is to be known of a client's part."""
        from portalgen.publish.clients import Facts

        return msgspec.msgpack.decode(self.facts, type=Facts)


class Last(msgspec.Struct, frozen=True, array_like=True):
    """One build into one output, on the day `made`.

    `anchors` are the ids of every public page by its file, `names` what pages may link to, `origins` the sources of
    public pages by their files. `problems` are those of no client, `beside` is in `hosting/`, `gone` are the outputs
    that belong to clients without a folder. `lock` is the lock's hash.
    """

    program: str
    base_url: str
    key_id: str
    timezone: str
    made: dt.date
    lock: str
    lock_seen: Fingerprint
    shared: Unit
    anchors: dict[str, tuple[str, ...]]
    names: tuple[str, ...]
    origins: dict[str, str]
    clients: dict[str, Unit]
    problems: tuple[Problem, ...]
    excerpts: tuple[str, ...]
    beside: tuple[str, ...]
    gone: tuple[Output, ...]
    shut: tuple[str, ...]

    @property
    def units(self) -> Iterator[Unit]:
        """Every part."""
        yield self.shared
        yield from self.clients.values()

    @property
    def pages(self) -> int:
        """How many pages there are in all."""
        return sum(unit.pages for unit in self.units)

    def told(self) -> Iterator[tuple[Problem, str]]:
        """Every warning with the line that it is about."""
        yield from zip(self.problems, self.excerpts, strict=True)
        for unit in self.units:
            yield from zip(unit.problems, unit.excerpts, strict=True)


class Recalled(msgspec.Struct, frozen=True):
    """The memory of an output, or None; `ignored` says why one that is there is not used."""

    last: Last | None
    ignored: str = ""


def recall(root: Path, output: Path) -> Recalled:
    """What is known of the last build into this output."""
    key = output_key(_real(root), _real(output))
    try:
        data = _place(root, key).read_bytes()
    except OSError:
        return Recalled(None)
    head = _head()
    if not data.startswith(head[:4]):
        return Recalled(None, "the memory of the last build is damaged")
    if not data.startswith(head):
        return Recalled(None, "the memory of the last build is another version's")
    body = data[len(head) + 32 :]
    if hashlib.sha256(body).digest() != data[len(head) : len(head) + 32]:
        return Recalled(None, "the memory of the last build is damaged")
    try:
        last = msgspec.msgpack.decode(body, type=Last)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Recalled(None, "the memory of the last build is damaged")
    owned = read_manifest(_real(root)).outputs.get(key)
    if owned is None or not owned.complete:  # what a killed build left has to go
        return Recalled(None)
    return Recalled(last)


def remember(root: Path, output: Path, last: Last) -> None:
    """Keeps what was built just now. A memory that cannot be kept only costs time."""
    with suppress(OSError):
        (state_folder(root) / FOLDER).mkdir(exist_ok=True)
        body = msgspec.msgpack.encode(last)
        place = _place(root, output_key(_real(root), _real(output)))
        write_whole(str(place), _head() + hashlib.sha256(body).digest() + body, 0o600)


def forget(root: Path, output: Path) -> None:
    """What is in the memory is true no longer."""
    with suppress(OSError):
        _place(root, output_key(_real(root), _real(output))).unlink()


def shut(root: Path) -> Mapping[str, frozenset[str]]:
    """The salts of the links that had ended when an output was built last, by the output's name in the manifest."""
    site, found = _real(root), {}
    for name in read_manifest(site).outputs:
        if last := recall(root, site / name).last:
            salts = {salt for unit in last.clients.values() for salt in unit.known.shut}
            found[name] = frozenset(salts.union(last.shut))
    return found


def program() -> str:
    """Which portalgen this is, and what it runs on: the files of the package and its theme, by size and time."""
    package = Path(__file__).resolve().parents[1]
    parts = [sys.version, repr(os.stat(Path(msgspec.__file__).parents[1]).st_mtime_ns)]
    for folder in (package, package / "_theme", package.parents[1] / "templates"):
        parts += _files(str(folder))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _files(folder: str) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry.path)
        else:
            with suppress(FileNotFoundError):  # what an editor or a compiler had there for a moment
                info = entry.stat()
                yield f"{entry.path} {info.st_size} {info.st_mtime_ns}"


def outputs(
    files: Iterable[str], hashes: Mapping[str, str], stamps: Mapping[str, tuple[int, int]]
) -> tuple[Output, ...]:
    """How these files stand in the output."""
    return tuple((path, *stamps[path], hashes[path]) for path in files)


def stand(output: Path, wanted: Iterable[Output]) -> bool:
    """Whether these files stand in the output as they were left: by size and time."""
    base, lstat = f"{output}{os.sep}", os.lstat
    try:
        for path, size, mtime, _ in wanted:
            info = lstat(base + path)
            if info.st_size != size or info.st_mtime_ns != mtime:
                return False
    except OSError:
        return False
    return True


def _head() -> bytes:
    return b"pgm\n" + VERSION.to_bytes(4, "big")


def _place(root: Path, key: str) -> Path:
    return root / STATE_FOLDER / FOLDER / f"last-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
