"""What the last build into an output came from and what it gave, part by part (design §6).

A part is taken from here when its files, its rows of the lock and all that is shared are the same, the day is within
the part's days, and its files stand in the output as they were left. Everything is compared by content; what the
system says of a file counts where that is proof. A memory that is damaged or of another version is no memory.

The file is a row of frames with a checksum each: one for what all parts share, one for each client. A frame takes the
place of an earlier one of the same client, so a small change is written at the end.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from portalgen.content.problems import Problem
from portalgen.publish.fingerprint import Fingerprint
from portalgen.publish.manifest import Stamp, output_key, read_manifest, stamp_of
from portalgen.publish.state import STATE_FOLDER, state_folder, write_whole

if TYPE_CHECKING:
    from portalgen.publish.clients import Facts

FOLDER = "cache"
VERSION = 2
_FRAME = struct.Struct(">II")  # how many bytes follow, their CRC-32
_NAME = struct.Struct(">H")  # how many of them are the client's id
_SLACK, _LEAST = 4, 1 << 14
"""The share of the file, one in so many, and the bytes at least, that may be overtaken before all is written anew."""
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


class Units(Mapping[str, Unit]):
    """Parts by their client, each decoded when it is asked for."""

    def __init__(self, parts: Mapping[str, memoryview | Unit]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, client: str) -> Unit:
        unit = self._parts[client]
        if not isinstance(unit, Unit):
            unit = self._parts[client] = msgspec.msgpack.decode(unit, type=Unit)
        return unit

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, client: object) -> bool:
        return client in self._parts

    def of(self, clients: Iterable[str], fresh: Mapping[str, Unit]) -> Units:
        """The parts of these clients; those that are `fresh` in place of the ones here."""
        return Units({name: fresh.get(name) or self._parts[name] for name in clients})

    def passing(self, client: str) -> Unit:
        """One part that is needed once, and not kept decoded."""
        unit = self._parts[client]
        return unit if isinstance(unit, Unit) else msgspec.msgpack.decode(unit, type=Unit)

    def beside(self, others: Units) -> Units | None:
        """Those that are not the very same there; None where other clients have parts."""
        if self.keys() != others.keys():
            return None
        return self.of((name for name, unit in self._parts.items() if unit is not others._parts[name]), {})

    def frames(self) -> Iterator[bytes]:
        """What is kept of each."""
        for name, unit in self._parts.items():
            yield _frame(name, msgspec.msgpack.encode(unit) if isinstance(unit, Unit) else unit)


class Last(msgspec.Struct, frozen=True, array_like=True):
    """One build into one output, on the day `made`.

    `anchors` are the ids of every public page by its file, `names` what pages may link to, `origins` the sources of
    public pages by their files. `problems` are those of no client, `beside` is in `hosting/`, `gone` are the outputs
    that belong to clients without a folder. `manifest` is what the system says of the list of what is ours, and
    `listed` its id, or None when a change needs the whole list. `ordered`: the lines of the lock are. `orphans` are the
    clients without a folder that it has.
    """

    program: str
    base_url: str
    key_id: str
    timezone: str
    made: dt.date
    lock_seen: Fingerprint
    shared: Unit
    anchors: dict[str, tuple[str, ...]]
    names: tuple[str, ...]
    origins: dict[str, str]
    problems: tuple[Problem, ...]
    excerpts: tuple[str, ...]
    beside: tuple[str, ...]
    gone: tuple[Output, ...]
    shut: tuple[str, ...]
    orphans: tuple[str, ...]
    ordered: bool
    manifest: Stamp
    listed: str | None

    def told(self) -> Iterator[tuple[Problem, str]]:
        """Every warning of no client, with the line that it is about."""
        yield from zip(self.problems, self.excerpts, strict=True)
        yield from zip(self.shared.problems, self.shared.excerpts, strict=True)


class Recalled(msgspec.Struct, frozen=True):
    """The memory of an output: what all parts share, or None, and the clients' parts.

    `ignored` says why a memory that is there is not used. `stamp` tells one state of the file from another, `slack` is
    how many bytes may be put at its end. `listed`: the list of what is ours is the one that this build left.
    """

    last: Last | None = None
    clients: Units = Units({})
    ignored: str = ""
    stamp: Stamp = ()
    slack: int = 0
    listed: bool = False


def recall(root: Path, output: Path) -> Recalled:
    """What is known of the last build into this output."""
    site = _real(root)
    key = output_key(site, _real(output))
    place = _place(root, key)
    try:
        with open(place, "rb") as file:
            info = os.fstat(file.fileno())
            data = memoryview(file.read())
    except OSError:
        return Recalled()
    if data[:4] != _head()[:4]:
        return Recalled(ignored="the memory of the last build is damaged")
    if data[:8] != _head():
        return Recalled(ignored="the memory of the last build is another version's")
    try:
        frames, wasted = _frames(data[8:])
        last = msgspec.msgpack.decode(frames.pop(""), type=Last)
    except (msgspec.MsgspecError, ValueError, KeyError):
        return Recalled(ignored="the memory of the last build is damaged")
    clients = Units(frames)
    listed = stamp_of(site) == last.manifest
    if not listed:
        owned = read_manifest(site).outputs.get(key)
        # what a killed build left, or one whose memory could not be kept, has to go
        if owned is None or not owned.complete or owned.files != _files_of(last, clients):
            return Recalled()
    stamp = (info.st_size, info.st_mtime_ns, info.st_ino)
    return Recalled(last, clients, stamp=stamp, slack=max(len(data) // _SLACK, _LEAST) - wasted, listed=listed)


def _files_of(last: Last, clients: Units) -> dict[str, str]:
    """Every file of a build, with its SHA-256."""
    outputs = chain(last.shared.outputs, last.gone, *(clients.passing(name).outputs for name in clients))
    return {path: sha for path, _, _, sha in outputs}


def is_there(root: Path, output: Path, known: Recalled) -> bool:
    """Whether the memory is still the one that was recalled."""
    try:
        info = os.stat(_place(root, output_key(_real(root), _real(output))))
    except OSError:
        return False
    return (info.st_size, info.st_mtime_ns, info.st_ino) == known.stamp


def remember(root: Path, output: Path, last: Last, clients: Units, *, after: Recalled) -> None:
    """Keeps what was built just now, `after` the build that was known. What cannot be kept only costs time."""
    with suppress(OSError):
        (state_folder(root) / FOLDER).mkdir(exist_ok=True)
        place = _place(root, output_key(_real(root), _real(output)))
        top = _frame("", msgspec.msgpack.encode(last))
        changed = clients.beside(after.clients)
        more = b"".join((top, *changed.frames())) if changed is not None else b""
        if 0 < len(more) <= after.slack and is_there(root, output, after):
            _append(place, more)
        else:
            write_whole(str(place), chain((_head(), top), clients.frames()), 0o600)


def _append(place: Path, frames: bytes) -> None:
    with open(place, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        try:
            file.write(frames)
            file.flush()
        except OSError:
            os.truncate(place, size)


def _frame(client: str, body: bytes | memoryview) -> bytes:
    name = client.encode()
    rest = b"".join((_NAME.pack(len(name)), name, body))
    return _FRAME.pack(len(rest), zlib.crc32(rest)) + rest


def _frames(data: memoryview) -> tuple[dict[str, memoryview], int]:
    """The last frame of every name, and how many bytes the others take. Raises `ValueError`."""
    found, at, wasted = dict[str, memoryview](), 0, 0
    while at < len(data):
        if len(data) - at < _FRAME.size + _NAME.size:
            raise ValueError("a frame ends too early")
        size, checksum = _FRAME.unpack_from(data, at)
        rest = data[at + _FRAME.size : at + _FRAME.size + size]
        if size < _NAME.size or len(rest) != size or zlib.crc32(rest) != checksum:
            raise ValueError("a frame is damaged")
        width = _NAME.size + _NAME.unpack_from(rest)[0]
        name = str(rest[_NAME.size : width], "utf-8")
        wasted += len(found.get(name, b""))
        found[name] = rest[width:]
        at += _FRAME.size + size
    return found, wasted


def forget(root: Path, output: Path) -> None:
    """What is in the memory is true no longer."""
    with suppress(OSError):
        _place(root, output_key(_real(root), _real(output))).unlink()


def shut(root: Path) -> Mapping[str, frozenset[str]]:
    """The salts of the links that had ended when an output was built last, by the output's name in the manifest."""
    site, found = _real(root), {}
    for name in read_manifest(site).outputs:
        known = recall(root, site / name)
        if last := known.last:
            salts = {salt for client in known.clients for salt in known.clients.passing(client).known.shut}
            found[name] = frozenset(salts.union(last.shut))
    return found


@cache
def program() -> str:
    """Which portalgen this is, and what it runs on: the files of the package and its theme, by size and time.

    Looked at once: what changes there later is not what runs here.
    """
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
