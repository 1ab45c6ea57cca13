"""What the last build came from and what it gave: when nothing of it changed, there is nothing to build (design §6).

Inputs are compared by content: every source, template, the lock, the key, the day and the program itself. What stands
in the output is compared by size and time. A memory that is damaged or of another version is no memory.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.lock import LOCK
from portalgen.content.problems import Problem
from portalgen.content.sources import scan, snapshot
from portalgen.publish.beside import stand_beside
from portalgen.publish.state import output_key, read_manifest, state_folder, write_whole

PLACE = "cache/last.json"
Stamp = tuple[str, int, int]


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """One build into one output. `excerpts` are the lines that its warnings are about, `beside` is in `hosting/`.

    `shut` are the salts of the links that had ended.
    """

    inputs: str = ""
    lock: str = ""
    timezone: str
    pages: int
    problems: tuple[Problem, ...] = ()
    excerpts: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    shut: tuple[str, ...] = ()
    outputs: tuple[Stamp, ...] = ()


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a build depends on but for the day and the lock, as one hash; `stamps` are those of the sources then."""

    sources: str
    base_url: str
    key_id: str
    stamps: tuple[Stamp, ...] = ()

    def on(self, day: dt.date) -> str:
        """The hash for a day."""
        return _hash((self.sources, self.base_url, self.key_id, day.isoformat()))


def inputs_of(root: Path, base_url: str, key_id: str) -> Inputs | None:
    """The inputs as they are now; None when the folder has problems of its own or something cannot be read."""
    tree = scan(root)
    if tree.problems:
        return None
    digest = hashlib.sha256(_program())
    try:
        for path in (*(source.path for source in tree.sources), *_below(root, "templates")):
            digest.update(f"{path}\0".encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256((root / path).read_bytes()).digest())
    except OSError:
        return None
    stamps = snapshot(tree).stamps
    return Inputs(sources=digest.hexdigest(), base_url=base_url, key_id=key_id, stamps=stamps)


def recall(root: Path, output: Path, inputs: Inputs, today: dt.date | None) -> Last | None:
    """The last build into this output, if one now would give the same."""
    key = output_key(_real(root), _real(output))
    last = _read(root).get(key)
    owned = read_manifest(_real(root)).outputs.get(key)
    if last is None or owned is None or not owned.complete:  # what a killed build left has to go
        return None
    day = today or dt.datetime.now(ZoneInfo(last.timezone)).date()
    if last.inputs != inputs.on(day) or last.lock != _lock(root) or not stand_beside(root, last.beside):
        return None
    try:
        same = all(_stamp(output, path) == (path, size, mtime) for path, size, mtime in last.outputs)
    except OSError:
        return None
    return last if same else None


def shut(root: Path) -> Mapping[str, frozenset[str]]:
    """The salts of the links that had ended when an output was built last, by the output's name in the manifest."""
    return {name: frozenset(last.shut) for name, last in _read(root).items()}


def remember(root: Path, output: Path, inputs: Inputs, day: dt.date, last: Last, files: Iterable[str]) -> None:
    """Keeps what was built just now. A memory that cannot be kept only costs time."""
    with suppress(OSError):
        stamps = tuple(_stamp(output, path) for path in sorted(files))
        kept = msgspec.structs.replace(last, inputs=inputs.on(day), lock=_lock(root), outputs=stamps)
        folder = state_folder(root) / "cache"
        folder.mkdir(exist_ok=True)
        every = {**_read(root), output_key(_real(root), _real(output)): kept}
        write_whole(str(folder / "last.json"), msgspec.json.encode(every), 0o600)


def _read(root: Path) -> Mapping[str, Last]:
    try:
        return msgspec.json.decode((root / ".portalgen" / PLACE).read_bytes(), type=dict[str, Last])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _stamp(output: Path, path: str) -> Stamp:
    state = os.lstat(f"{output}/{path}")
    return path, state.st_size, state.st_mtime_ns


def _lock(root: Path) -> str:
    try:
        return hashlib.sha256((root / LOCK).read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _program() -> bytes:
    """Which portalgen this is: the files of the package and of its theme, by size and time."""
    package = Path(__file__).resolve().parents[1]
    parts = []
    for folder in (package, package / "_theme", package.parents[1] / "templates"):
        if folder.is_dir():
            parts += [repr(_stamp(folder, path)) for path in _below(folder, "") if not path.endswith(".pyc")]
    return _hash(parts).encode()


def _below(root: Path, folder: str) -> Iterator[str]:
    """The files below a folder of `root`, sorted, by their path below `root`."""
    for place, folders, files in os.walk(root / folder):
        folders.sort()
        for name in sorted(files):
            yield os.path.relpath(os.path.join(place, name), root).replace(os.sep, "/")


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
