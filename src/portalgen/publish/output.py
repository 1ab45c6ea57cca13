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
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import msgspec

from portalgen.publish.finished import PRIVATE, Finished, check_names, finished, link_of
from portalgen.publish.manifest import Owned, PartList, WholeList, history, output_key
from portalgen.publish.paths import Folders, fold, folders_of, mode_of, parents, read_file, same_file
from portalgen.publish.place import checked_output
from portalgen.publish.state import (
    OutputRefused,
    Written,
    bring,
    failure,
    is_unfinished,
    write_whole,
)


class Publication(msgspec.Struct, frozen=True):
    """What a publication did; `stamps` are size and time (ns) of every file that it left standing as it should be.

    `manifest` is the id of the list of what is ours; None where a file of ours is somebody else's, the same by chance.
    """

    written: Written
    stamps: Mapping[str, tuple[int, int]]
    manifest: str | None


class Within(msgspec.Struct, frozen=True):
    """A part of an output that is looked at on its own: what was ours in it, and the `id` of the list of all."""

    owned: Owned
    manifest: str


def publish(
    files: Mapping[str, bytes | Finished],
    *,
    root: Path,
    output: Path,
) -> Written:
    """Make the output hold exactly `files` (by their path below it, with `/`), and whatever in it is not ours.

    Files of private links come first, removals last.
    Raises `OutputRefused` before anything is written, `OutputFailed` when the disk or a permission stops us.
    """
    return publication(files, root=root, output=output).written


def publication(
    files: Mapping[str, bytes | Finished],
    *,
    root: Path,
    output: Path,
    within: Within | None = None,
) -> Publication:
    """`publish`, for who wants to know what stands there now.

    With `within`, `files` are those of that part only, and the rest of the output is left as it is.
    """
    coming = {path: one if isinstance(one, Finished) else finished(one) for path, one in files.items()}
    check_names(coming)
    place = checked_output(root, output, known=within is not None)
    site = Path(os.path.realpath(root))
    try:
        key = output_key(site, place)
        mine = PartList(site, key, within.owned, within.manifest) if within else WholeList(site, key)
        work = _Publication(place, coming, mine.owned)
        written = work.run(mine.keep)
        return Publication(written, work.stamps, None if work.foreign else mine.id)
    except OSError as error:
        raise failure(error, place) from error


class _Publication:
    """One run over one output: look at everything, then write, then remove."""

    def __init__(self, place: Path, files: Mapping[str, Finished], old: Owned) -> None:
        self._base = f"{place}{os.sep}"
        self._place = place
        self._files = files
        self._old = old
        self._ours = frozenset(old.folders)
        self._folders: dict[str, bool] = {}  # whether the folder is there, by its path
        self._maker = Folders()
        self._gone: set[str] = set()
        self.foreign: set[str] = set()
        self._replaced: set[str] = set()  # what stands there and is another file
        self.stamps: dict[str, tuple[int, int]] = {}

    @cached_property
    def _former(self) -> Mapping[str, str]:
        """What is ours, by its path without regard to case."""
        return {fold(path): path for path in self._old.files}

    @cached_property
    def _coming(self) -> Mapping[str, str]:
        """What is to be published, by its path without regard to case."""
        return {fold(path): path for path in self._files}

    def run(self, remember: Callable[[Owned], None]) -> Written:
        if not self._old.complete:
            self._sweep()
        waiting = self._compare()
        stale = sorted(self._old.files.keys() - self._files.keys())
        ours = sorted(self._files.keys() - self.foreign)
        hashes = {path: self._files[path].sha256 for path in ours}
        former = self._history(hashes)
        folders = {*self._old.folders, *(folder for folder, there in self._folders.items() if not there)}
        unfinished = bool(waiting or stale or not self._old.complete)
        if unfinished:
            union = dict(sorted({**self._old.files, **hashes}.items())) if stale else hashes
            remember(Owned(complete=False, files=union, folders=sorted(folders), former=former))
        if not self._place.is_dir():
            self._place.mkdir(parents=True)
            self._place.chmod(0o755)
        self._bring(sorted(waiting, key=_order))
        for path in stale:
            self._remove(path)
        kept = self._prune(folders)
        now = Owned(files=hashes, folders=sorted(kept), former=former)
        if unfinished or now != self._old:
            remember(now)
        return Written(len(waiting), len(self._files) - len(waiting), len(self._gone))

    def _bring(self, waiting: list[str]) -> None:
        """Puts files into place: those of links, then all others."""
        links: dict[str, list[str]] = {}
        for path in waiting:
            if self._files[path].staged and (link := link_of(path)):
                links.setdefault(link, []).append(path)
        together = [path for paths in links.values() for path in paths]
        if links and not self._bring_folder(PRIVATE.rstrip("/"), together):
            self._make_room(f"{PRIVATE}index.html")
            for link, paths in links.items():
                self._bring_folder(link, paths)
        for path in waiting:
            if path not in self.stamps:
                self._make_room(path)
                self._write(path, self._files[path])

    def _bring_folder(self, folder: str, paths: list[str]) -> bool:
        """Puts a folder into place at once, where there is none yet and nothing else is staged directly in it."""
        top = self._files[paths[0]].staged.removesuffix(paths[0])
        if self._folders.get(folder, True) or any(self._files[path].staged != top + path for path in paths):
            return False
        inside = {path[len(folder) + 1 :].partition("/")[0] for path in paths}
        try:
            if inside.symmetric_difference(os.listdir(top + folder)):
                return False
            os.rename(top + folder, self._base + folder)
        except OSError:
            return False
        self._folders |= dict.fromkeys(folders_of(paths), True)
        self.stamps |= {path: (self._files[path].size, self._files[path].mtime_ns) for path in paths}
        return True

    def _write(self, path: str, file: Finished) -> None:
        place = self._base + path
        new = path not in self._replaced
        if new and file.staged and bring(file.staged, place, newer=False):
            self.stamps[path] = file.size, file.mtime_ns
            return
        if new or not file.staged or not bring(file.staged, place, newer=True):
            write_whole(place, file.data if file.data is not None else read_file(file.staged), 0o644, newer=True)
        info = os.lstat(place)
        self.stamps[path] = info.st_size, info.st_mtime_ns

    def _history(self, hashes: Mapping[str, str]) -> dict[str, list[str]]:
        """What the files to come were before."""
        former = {}
        for path, now in hashes.items():
            if earlier := history(self._old.files.get(path, now), self._old.former.get(path, []), now):
                former[path] = earlier
        return former

    def _sweep(self) -> None:
        """Remove the unfinished files of a run that was killed."""
        for folder in {"", *(parent for path in self._old.files for parent in parents(path))}:
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
        for path, file in self._files.items():
            if file.stands:
                if path not in self._old.files:
                    self.foreign.add(path)
                self.stamps[path] = file.size, file.mtime_ns
                continue
            parent = path.rpartition("/")[0]
            try:
                there = self._folder_is_there(parent) if parent else True
                if not there or not self._is_current(path, file):
                    waiting.append(path)
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
            mode = mode_of(self._base + folder)
            if mode is not None and stat.S_ISDIR(mode):
                there = True
            elif mode is not None and not (stat.S_ISREG(mode) and self._owns(folder)):
                raise _InTheWay(folder)
        self._folders[folder] = there
        return there

    def _is_current(self, path: str, file: Finished) -> bool:
        place = self._base + path
        try:
            info = os.lstat(place)
        except FileNotFoundError:
            return False
        self._replaced.add(path)
        if stat.S_ISREG(info.st_mode):
            with suppress(PermissionError):
                if info.st_size == file.size and hashlib.sha256(read_file(place)).hexdigest() == file.sha256:
                    if not self._owns(path):
                        self.foreign.add(path)  # the same by chance: it stays when we no longer publish it
                    self.stamps[path] = info.st_size, info.st_mtime_ns
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
        twin = self._former.get(fold(path))
        return twin is not None and same_file(self._base + twin, self._base + path)

    def _is_ours_below(self, folder: str) -> Iterator[bool]:
        """For each thing in a folder that has to make room for a file, whether it is ours."""
        yield folder in self._ours
        for top, folders, names in os.walk(self._base + folder):
            here = Path(top).relative_to(self._place).as_posix()
            yield from (f"{here}/{name}" in self._ours and not os.path.islink(f"{top}/{name}") for name in folders)
            yield from (f"{here}/{name}" in self._old.files and not os.path.islink(f"{top}/{name}") for name in names)

    def _make_room(self, path: str) -> None:
        """Make the folders above a file; take away what we once wrote where a folder or this file has to stand."""
        parent = path.rpartition("/")[0]
        if parent and not self._folders[parent]:
            self._make_folder(parent)
        if path in self._ours and self._is_real_folder(path):
            for name in [name for name in self._old.files if name.startswith(f"{path}/")]:
                self._remove(name)
            self._prune({folder for folder in self._old.folders if f"{folder}/".startswith(f"{path}/")}, needed=False)

    def _make_folder(self, folder: str) -> None:
        parent = folder.rpartition("/")[0]
        if parent and not self._folders[parent]:
            self._make_folder(parent)
        place = self._base + folder
        try:
            self._maker.make(place)
        except FileExistsError:
            if not self._is_real_folder(folder):
                self._unlink(folder)  # a file of ours: we looked
                self._maker.make(place)
        self._folders[folder] = True

    def _remove(self, path: str) -> None:
        """Remove a file of ours; leave alone what is no file any more."""
        if not all(self._is_real_folder(folder) for folder in parents(path)):
            return
        mode = mode_of(self._base + path)
        if mode is None or not stat.S_ISREG(mode):
            return
        twin = self._coming.get(fold(path))
        if twin is not None and same_file(self._base + path, self._base + twin):
            os.rename(self._base + path, self._base + twin)  # one file on this disk: only its spelling changes
        else:
            self._unlink(path)

    def _unlink(self, path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._base + path)
            self._gone.add(path)

    def _prune(self, folders: set[str], needed: bool = True) -> set[str]:
        """Remove those folders of ours that are empty and not in use; gives the ones that stay."""
        lowest = {path.rpartition("/")[0] for path in self._files} - {""} if needed else set()
        used = lowest.union(parent for folder in lowest for parent in parents(folder))
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
            (mode := mode_of(self._base + part)) is not None and stat.S_ISDIR(mode)
            for part in (*parents(folder), folder)
        )


def _order(path: str) -> tuple[bool, bool, str]:
    """Private files come first, and what pages lead to before pages."""
    return not path.startswith(PRIVATE), path.endswith(".html"), path


class _InTheWay(Exception):
    """Something that is not ours stands where a file or folder has to go."""
