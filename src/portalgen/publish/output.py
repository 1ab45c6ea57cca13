"""The output folder: written file by file, each whole, and only ever what is ours in it.

What we wrote is remembered in `.portalgen/manifest.json`, outside the output. Before the first write that list holds
what was there and what is to come, so whenever a run dies the next one knows every file it may replace or remove.
Callers hold `build_lock` while they publish.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from portalgen.publish.state import (
    STATE_FOLDER,
    LockBusy,
    Manifest,
    OutputError,
    OutputFailed,
    OutputRefused,
    Owned,
    build_lock,
    failure,
    is_plain,
    is_unfinished,
    output_key,
    read_manifest,
    write_manifest,
    write_whole,
)

__all__ = [
    "LockBusy",
    "OutputError",
    "OutputFailed",
    "OutputRefused",
    "Written",
    "build_lock",
    "checked_output",
    "publish",
]

_SOURCES = ("content", "templates", STATE_FOLDER, "reports", "hosting")
_REMEMBERED = 5
"""How many former contents of a file are known by their hash."""
_HINT_PLACE = "name a folder that holds nothing else, such as output/ in the site's folder"
_HINT_FULL = "name an empty folder, or empty this one if nothing in it is needed"
_HINT_LOST = (
    f"if a build made them, bring .portalgen/ and portalgen.lock back first, or all links change; else {_HINT_FULL}"
)


class Written(NamedTuple):
    """How many files a publication wrote, found as they should be, and removed."""

    written: int
    unchanged: int
    removed: int


def checked_output(root: Path, output: Path) -> Path:
    """Where `output` really lies, or `OutputRefused` when nothing may be written there. A relative one starts here."""
    site, place = Path(os.path.realpath(root)), Path(os.path.realpath(output))
    for what, folder in _not_around(site):
        if place == folder or place in folder.parents:
            raise OutputRefused(f"the output cannot be {output}: it is, or contains, {what}", _HINT_PLACE)
    for name in _SOURCES:
        folder = Path(os.path.realpath(site / name))
        if folder == place or folder in place.parents:
            raise OutputRefused(f"the output cannot be {output}: it lies in {name}/ of the site", _HINT_PLACE)
    if ".git" in place.parts or os.path.lexists(place / ".git"):
        raise OutputRefused(
            f"the output cannot be {output}: it belongs to a Git repository of its own",
            "publish into an empty folder and copy from there",
        )
    try:
        if os.path.lexists(place) and not place.is_dir():
            raise OutputRefused(f"the output cannot be {output}: that is not a folder", _HINT_PLACE)
        if output_key(site, place) not in read_manifest(site).outputs and (stranger := _stranger(place)) is not None:
            raise OutputRefused(
                f"the output {output} holds files that are not ours, {stranger} for one",
                _HINT_LOST if (place / "p").is_dir() else _HINT_FULL,
            )
    except OSError as error:
        raise failure(error, place) from error
    return place


def _not_around(site: Path) -> Iterator[tuple[str, Path]]:
    """What the output must neither be nor contain."""
    with suppress(RuntimeError):
        yield "your home", Path(os.path.realpath(Path.home()))
    yield "the site's own folder", site
    for name in _SOURCES:
        yield f"{name}/ of the site", Path(os.path.realpath(site / name))


def _stranger(place: Path) -> str | None:
    """The first thing in a folder that no host puts there for its own control."""
    with suppress(FileNotFoundError), os.scandir(place) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            controls = entry.name == "CNAME" or entry.name.startswith(".")
            if not (controls and entry.is_file(follow_symlinks=False)) and entry.name != ".well-known":
                return entry.name
    return None


def publish(
    files: Mapping[str, bytes],
    *,
    root: Path,
    output: Path,
    private_prefix: str = "p/",
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Make the output hold exactly `files` (by their path below it, with `/`), and whatever in it is not ours.

    Files below `private_prefix` come first, removals last. `progress` hears how many files are in place so far.
    Raises `OutputRefused` before anything is written, `OutputFailed` when the disk or a permission stops us.
    """
    _check_names(files)
    place = checked_output(root, output)
    site = Path(os.path.realpath(root))
    try:
        manifest = read_manifest(site)
        key = output_key(site, place)
        work = _Publication(place, files, manifest.outputs.get(key, Owned()), progress or (lambda done: None))

        def remember(owned: Owned) -> None:
            write_manifest(site, Manifest(outputs={**manifest.outputs, key: owned}))

        return work.run(remember, lambda path: (not path.startswith(private_prefix), path.endswith(".html"), path))
    except OSError as error:
        raise failure(error, place) from error


def _check_names(files: Iterable[str]) -> None:
    """Paths are made by us, so a bad one is a bug and no problem of the practitioner's."""
    names = set(files)
    for name in names:
        if not is_plain(name) or is_unfinished(name.rpartition("/")[2]):
            raise ValueError(f"not a path to publish at: {name!r}")
        if any(parent in names for parent in _parents(name)):
            raise ValueError(f"a file and a folder at once: a parent of {name!r}")


class _Publication:
    """One run over one output: look at everything, then write, then remove."""

    def __init__(self, place: Path, files: Mapping[str, bytes], old: Owned, progress: Callable[[int], None]) -> None:
        self._base = f"{place}{os.sep}"
        self._place = place
        self._files = files
        self._old = old
        self._progress = progress
        self._folders: dict[str, bool] = {}  # whether the folder is there, by its path
        self._gone: set[str] = set()
        self._foreign: set[str] = set()
        self._done = 0

    @cached_property
    def _former(self) -> Mapping[str, str]:
        """What is ours, by its path without regard to case."""
        return {_fold(path): path for path in self._old.files}

    @cached_property
    def _coming(self) -> Mapping[str, str]:
        """What is to be published, by its path without regard to case."""
        return {_fold(path): path for path in self._files}

    def run(self, remember: Callable[[Owned], None], order: Callable[[str], tuple[bool, bool, str]]) -> Written:
        if not self._old.complete:
            self._sweep()
        waiting = self._compare()
        stale = sorted(self._old.files.keys() - self._files.keys())
        ours = sorted(self._files.keys() - self._foreign)
        hashes = {path: hashlib.sha256(self._files[path]).hexdigest() for path in ours}
        former = self._history(hashes)
        folders = {*self._old.folders, *(folder for folder, there in self._folders.items() if not there)}
        unfinished = bool(waiting or stale or not self._old.complete)
        if unfinished:
            union = dict(sorted({**self._old.files, **hashes}.items()))
            remember(Owned(complete=False, files=union, folders=sorted(folders), former=former))
        if not self._place.is_dir():
            self._place.mkdir(parents=True)
            self._place.chmod(0o755)
        for path in sorted(waiting, key=order):
            self._make_room(path)
            write_whole(self._base + path, self._files[path], 0o644, newer=True)
            self._count()
        for path in stale:
            self._remove(path)
        kept = self._prune(folders)
        now = Owned(files=hashes, folders=sorted(kept), former=former)
        if unfinished or now != self._old:
            remember(now)
        return Written(len(waiting), len(self._files) - len(waiting), len(self._gone))

    def _history(self, hashes: Mapping[str, str]) -> dict[str, list[str]]:
        """What the files to come were before."""
        former = {}
        for path, now in hashes.items():
            then, earlier = self._old.files.get(path, now), self._old.former.get(path, [])
            if then != now and then not in earlier:
                earlier = [then, *earlier]
            if earlier := [one for one in earlier if one != now][:_REMEMBERED]:
                former[path] = earlier
        return former

    def _count(self) -> None:
        self._done += 1
        self._progress(self._done)

    def _sweep(self) -> None:
        """Remove the unfinished files of a run that was killed."""
        for folder in {"", *(parent for path in self._old.files for parent in _parents(path))}:
            if folder and not self._is_real_folder(folder):
                continue
            with suppress(FileNotFoundError), os.scandir(self._base + folder) as entries:
                for entry in entries:
                    if is_unfinished(entry.name) and entry.is_file(follow_symlinks=False):
                        os.unlink(entry.path)

    def _compare(self) -> list[str]:
        """The files that are missing or differ; refuses when one of them would replace what is not ours."""
        waiting: list[str] = []
        blocked: list[str] = []
        for path, data in self._files.items():
            parent = path.rpartition("/")[0]
            try:
                there = self._folder_is_there(parent) if parent else True
                if not there or not self._is_current(path, data):
                    waiting.append(path)
                else:
                    self._count()
            except _InTheWay as obstacle:
                blocked.append(str(obstacle))
        if blocked:
            names = sorted(set(blocked))
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise OutputRefused(
                f"where pages have to go in {self._place} stands what we did not write: {', '.join(names[:3])}{more}",
                "move it elsewhere; a file that should be published belongs in content/static",
            )
        return waiting

    def _folder_is_there(self, folder: str) -> bool:
        """Whether a folder stands; false when it still has to be made."""
        if (known := self._folders.get(folder)) is not None:
            return known
        parent = folder.rpartition("/")[0]
        there = False
        if not parent or self._folder_is_there(parent):
            mode = _mode(self._base + folder)
            if mode is not None and stat.S_ISDIR(mode):
                there = True
            elif mode is not None and not (stat.S_ISREG(mode) and self._owns(folder)):
                raise _InTheWay(folder)
        self._folders[folder] = there
        return there

    def _is_current(self, path: str, data: bytes) -> bool:
        place = self._base + path
        try:
            info = os.lstat(place)
        except FileNotFoundError:
            return False
        if stat.S_ISREG(info.st_mode):
            with suppress(PermissionError):
                if info.st_size == len(data) and _read(place) == data:
                    if not self._owns(path):
                        self._foreign.add(path)  # the same by chance: it stays when we no longer publish it
                    return True
            if self._owns(path):
                return False
        elif stat.S_ISDIR(info.st_mode) and all(self._is_ours_below(path)):
            return False
        raise _InTheWay(path)

    def _owns(self, path: str) -> bool:
        """Whether we wrote the file at `path`; where upper and lower case are one, also under its former spelling."""
        if path in self._old.files:
            return True
        twin = self._former.get(_fold(path))
        return twin is not None and _same_file(self._base + twin, self._base + path)

    def _is_ours_below(self, folder: str) -> Iterator[bool]:
        """For each thing in a folder that has to make room for a file, whether it is ours."""
        yield folder in self._old.folders
        for top, folders, names in os.walk(self._base + folder):
            here = Path(top).relative_to(self._place).as_posix()
            yield from (
                f"{here}/{name}" in self._old.folders and not os.path.islink(f"{top}/{name}") for name in folders
            )
            yield from (f"{here}/{name}" in self._old.files and not os.path.islink(f"{top}/{name}") for name in names)

    def _make_room(self, path: str) -> None:
        """Make the folders above a file; take away what we once wrote where a folder or this file has to stand."""
        for folder in _parents(path):
            if not self._folders[folder]:
                if _mode(self._base + folder) is not None:
                    self._unlink(folder)
                _make_folder(self._base + folder)
                self._folders[folder] = True
        if path in self._old.folders and self._is_real_folder(path):
            for name in [name for name in self._old.files if name.startswith(f"{path}/")]:
                self._remove(name)
            self._prune({folder for folder in self._old.folders if f"{folder}/".startswith(f"{path}/")}, needed=False)

    def _remove(self, path: str) -> None:
        """Remove a file of ours; leave alone what is no file any more."""
        if not all(self._is_real_folder(folder) for folder in _parents(path)):
            return
        mode = _mode(self._base + path)
        if mode is None or not stat.S_ISREG(mode):
            return
        twin = self._coming.get(_fold(path))
        if twin is not None and _same_file(self._base + path, self._base + twin):
            os.rename(self._base + path, self._base + twin)  # one file on this disk: only its spelling changes
        else:
            self._unlink(path)

    def _unlink(self, path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._base + path)
            self._gone.add(path)

    def _prune(self, folders: set[str], needed: bool = True) -> set[str]:
        """Remove those folders of ours that are empty and not in use; gives the ones that stay."""
        used = {parent for path in self._files for parent in _parents(path)} if needed else set()
        kept = folders & used
        for folder in sorted(folders - used, reverse=True):
            if not self._is_real_folder(folder):
                continue
            try:
                os.rmdir(self._base + folder)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                kept.add(folder)
        return kept

    def _is_real_folder(self, folder: str) -> bool:
        """Whether this is a folder that no symbolic link on the way leads out of the output."""
        return all(
            (mode := _mode(self._base + part)) is not None and stat.S_ISDIR(mode)
            for part in (*_parents(folder), folder)
        )


class _InTheWay(Exception):
    """Something that is not ours stands where a file or folder has to go."""


def _parents(path: str) -> Iterator[str]:
    """The folders above a path, from the top down."""
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _mode(place: str) -> int | None:
    """The type bits of what stands there; None when nothing does."""
    try:
        return os.lstat(place).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read(place: str) -> bytes:
    with open(place, "rb", buffering=0) as file:
        return file.read()


def _same_file(one: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False


def _make_folder(place: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(place)
        os.chmod(place, 0o755)  # the host has to read it, whatever the umask is here
