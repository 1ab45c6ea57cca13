"""The list of what we wrote into each output: what the next run may replace or remove, and nothing else.

`.portalgen/manifest.json` is the list as it was written last in whole; `manifest.log` beside it has, a line each, what
changed since, so that a small change costs little on a large site. A line belongs to the list whose `id` it names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from portalgen.publish.state import STATE_FOLDER, OutputRefused, are_plain, state_folder, write_whole

_VERSION = 1
_LIST, _LOG = "manifest.json", "manifest.log"
_LARGEST_LOG = 1 << 20  # bytes
_REMEMBERED = 5
"""How many former contents of a file are known by their hash."""

Stamp = tuple[int, ...]
"""What the system says of the list and its log: by this it is known that nobody else wrote them."""


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """What is ours in one output: files with their SHA-256, folders we made. `complete` is false while we write.

    `former` has the SHA-256 of what files were before, the newest first: `verify` knows an old copy by it.
    """

    complete: bool = True
    files: dict[str, str] = {}
    folders: list[str] = []
    former: dict[str, list[str]] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is ours in each output this site was ever published to, by `output_key`."""

    version: int = _VERSION
    id: str = ""
    outputs: dict[str, Owned] = {}


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one output: files that came or changed, what is not ours any more."""

    id: str
    output: str
    complete: bool
    files: dict[str, str] = {}
    folders: list[str] = []
    gone_files: list[str] = []
    gone_folders: list[str] = []


def output_key(site: Path, place: Path) -> str:
    """The name of an output in the manifest: relative to the site when inside it, so that a site can be moved."""
    return place.relative_to(site).as_posix() if site in place.parents else place.as_posix()


def read_manifest(site: Path) -> Manifest:
    """The list of what we wrote; `OutputRefused` when it cannot be trusted with a removal."""
    stamp = stamp_of(site)
    return _manifest(site / STATE_FOLDER, stamp) if stamp else Manifest()


def stamp_of(site: Path) -> Stamp:
    """What the system says of the list now; empty where there is none. Raises `OSError`."""
    folder, found = site / STATE_FOLDER, list[int]()
    for name in (_LIST, _LOG):
        with suppress(FileNotFoundError):
            info = os.stat(folder / name)
            found += [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]
    return tuple(found)


@lru_cache(maxsize=1)
def _manifest(folder: Path, _: Stamp) -> Manifest:
    """The list with its log, read once for each state of the two."""
    place, manifest, changes, broken = folder / _LIST, None, list[Change](), False
    try:
        manifest = msgspec.json.decode(place.read_bytes(), type=Manifest)
        changes = [change for change in _changes(folder / _LOG) if change.id == manifest.id]
    except FileNotFoundError:
        return Manifest()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        broken = True
    if manifest is not None and manifest.version > _VERSION:
        raise OutputRefused(
            f"{place} was written by a newer portalgen",
            "use that version, or delete this file and empty the output; the next build writes everything anew",
        )
    rows: list[Owned | Change] = [*(manifest.outputs.values() if manifest else ()), *changes]
    if manifest is None or broken or not all(are_plain(row.files) and are_plain(row.folders) for row in rows):
        raise OutputRefused(
            f"{place}, the list of what we wrote, is damaged",
            "delete it and empty the output; the next build writes everything anew",
        )
    outputs = dict(manifest.outputs)
    for change in changes:
        outputs[change.output] = _changed(outputs.get(change.output, Owned()), change)
    return msgspec.structs.replace(manifest, outputs=outputs)


def _changes(log: Path) -> list[Change]:
    """The lines of the log. What follows the last line's end was never written to its end, and nothing came of it."""
    try:
        lines = log.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line, type=Change) for line in lines]


def _changed(owned: Owned, change: Change) -> Owned:
    """What is ours after a change."""
    former = {**owned.former}
    for path, now in change.files.items():
        if earlier := history(owned.files.get(path, now), former.pop(path, []), now):
            former[path] = earlier
    for path in change.gone_files:
        former.pop(path, None)
    files = {**owned.files, **change.files}
    return Owned(
        complete=change.complete,
        files={path: files[path] for path in sorted(files.keys() - {*change.gone_files})},
        folders=sorted(({*owned.folders} | {*change.folders}) - {*change.gone_folders}),
        former=former,
    )


def history(then: str, earlier: list[str], now: str) -> list[str]:
    """The former contents of a file that was `then`, with these before, and is `now`."""
    if then != now and then not in earlier:
        earlier = [then, *earlier]
    return [one for one in earlier if one != now][:_REMEMBERED]


class WholeList:
    """The list of what is ours in an output, kept by writing all of it anew."""

    def __init__(self, site: Path, output: str) -> None:
        self._site, self._output, self._known = site, output, read_manifest(site)
        self.id = self._known.id
        self.owned = self._known.outputs.get(output, Owned())

    def keep(self, owned: Owned) -> None:
        """Writes it to the disk."""
        manifest = Manifest(id=os.urandom(8).hex(), outputs={**self._known.outputs, self._output: owned})
        folder = state_folder(self._site)
        write_whole(str(folder / _LIST), msgspec.json.format(msgspec.json.encode(manifest), indent=1), 0o600)
        with suppress(FileNotFoundError):
            os.unlink(folder / _LOG)
        self.id = manifest.id


class PartList:
    """What is ours in a part of an output, kept by noting the change for the list with this id, which is not read."""

    def __init__(self, site: Path, output: str, owned: Owned, list_id: str) -> None:
        self._site, self._output, self.owned, self.id = site, output, owned, list_id

    def keep(self, owned: Owned) -> None:
        """Writes it to the disk."""
        change = Change(
            id=self.id,
            output=self._output,
            complete=owned.complete,
            files={path: sha for path, sha in owned.files.items() if self.owned.files.get(path) != sha},
            folders=_only(owned.folders, self.owned.folders),
            gone_files=_only(self.owned.files, owned.files),
            gone_folders=_only(self.owned.folders, owned.folders),
        )
        descriptor = os.open(self._site / STATE_FOLDER / _LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "ab") as file:
            file.write(msgspec.json.encode(change) + b"\n")
        self.owned = owned


def has_room(site: Path) -> bool:
    """Whether the log is short enough to grow."""
    try:
        return os.stat(site / STATE_FOLDER / _LOG).st_size < _LARGEST_LOG
    except FileNotFoundError:
        return True


def _only(some: Iterable[str], others: Iterable[str]) -> list[str]:
    return sorted({*some} - {*others})
