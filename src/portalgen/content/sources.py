"""Which files `content/` holds, and their text (domain §2, sealing §7, §8)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from portalgen.content.layout import (
    CONTENT,
    Folder,
    Misplaced,
    bad_name,
    conflict_copy,
    ignored,
    twins,
    unknown_file,
    unknown_folder,
)
from portalgen.content.problems import Problem

LARGEST = 2_000_000  # bytes
CLIENTS = "clients"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_USUAL = bytes({*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0x100)} - {0xC2, 0xEF})  # in UTF-8 of no such character
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_MARKS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


class Source(msgspec.Struct, frozen=True, order=True):
    """One file of `content/`: its path relative to the site, what it is, and how to see that it changed.

    `kind` is a name of `KINDS`, or `static` or `file` for files that are taken as they are. `id` is the file's name
    without its ending where there is a file for each id.
    """

    path: str
    kind: str
    id: str
    size: int
    mtime_ns: int
    inode: int


FolderStamp = tuple[str, int, int]
"""A folder's path below the site, and its times (ns) before it was looked into."""


class Tree(msgspec.Struct, frozen=True):
    """Everything that `content/` holds; sources are sorted by path.

    `folders` are those of each client, and under no name those that all share, as they were after the time `at` (ns).
    """

    root: Path
    shared: tuple[Source, ...]
    clients: Mapping[str, tuple[Source, ...]]
    problems: tuple[Problem, ...]
    folders: Mapping[str, Sequence[FolderStamp]] = {}
    at: int = 0

    def is_like(self, other: Tree | None) -> bool:
        """Whether both hold the same, whenever that was seen."""
        return other is not None and self._found == other._found

    @property
    def _found(self) -> tuple[object, ...]:
        return self.root, self.shared, self.clients, self.problems

    @property
    def sources(self) -> tuple[Source, ...]:
        """All files, the shared ones first."""
        return (*self.shared, *(source for files in self.clients.values() for source in files))


Stamp = tuple[str, int, int]


class Snapshot(msgspec.Struct, frozen=True):
    """What the files were when they were read: (path, size, mtime_ns) of each."""

    root: Path
    stamps: tuple[Stamp, ...]


def snapshot(tree: Tree) -> Snapshot:
    """What to compare with later, to see that a file changed while it was read."""
    return Snapshot(tree.root, tuple((file.path, file.size, file.mtime_ns) for file in tree.sources))


def changed_since(before: Snapshot) -> tuple[str, ...]:
    """The paths of files that came, went or changed since; sorted."""
    now = snapshot(scan(before.root))
    return tuple(sorted({stamp[0] for stamp in set(before.stamps) ^ set(now.stamps)}))


def scan(root: Path) -> Tree:
    """Every file of `content/` by name, without reading one."""
    at, walk = time.time_ns(), _Walk(root)
    walk.folder("content", CONTENT)
    shared = sorted(walk.shared)
    found = {name: tuple(sorted(walk.clients[name])) for name in sorted(walk.clients)}
    return Tree(root, tuple(shared), found, tuple(sorted(walk.problems)), walk.folders, at)


def scan_named(root: Path, names: Iterable[str], among: Iterable[str]) -> Tree:
    """The same with the files of these clients only, `among` all that there are. One that is gone is left out."""
    at, walk = time.time_ns(), _SharedWalk(root)
    walk.folder("content", CONTENT)
    found: dict[str, tuple[Source, ...]] = dict.fromkeys(sorted(among), ())
    for name in names:
        if _walk_client(walk, root, name):
            found[name] = tuple(sorted(walk.clients.get(name, ())))
        else:
            found.pop(name, None)
    return Tree(root, tuple(sorted(walk.shared)), found, tuple(sorted(walk.problems)), walk.folders, at)


def scan_client(root: Path, name: str) -> tuple[tuple[Source, ...], tuple[Problem, ...]] | None:
    """The files of one client and what is wrong with them; None where there is no such folder, or a link leads to it.

    What only shows beside other clients, two names that are one to some systems, is told by `scan`.
    """
    walk = _Walk(root)
    if not _walk_client(walk, root, name):
        return None
    return tuple(sorted(walk.clients.get(name, ()))), tuple(sorted(walk.problems))


def _walk_client(walk: _Walk, root: Path, name: str) -> bool:
    """Walks through the folder of one client; false where there is none."""
    path = f"content/{CLIENTS}/{name}"
    if bad_name(name) or os.path.islink(root / path) or not os.path.isdir(root / path):
        return False
    walk.enter(path, name, CONTENT.folders[CLIENTS], "", False)
    return True


def scan_shared(root: Path) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """The files outside of the clients' folders, and what is wrong with them."""
    walk = _SharedWalk(root)
    walk.folder("content", CONTENT)
    return tuple(sorted(walk.shared)), tuple(sorted(walk.problems))


class _Walk:
    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.real = os.path.realpath(root / "content")
        self.problems: list[Problem] = []
        self.shared: list[Source] = []
        self.clients: dict[str, list[Source]] = {}
        self.folders: dict[str, list[FolderStamp]] = {}

    def problem(self, path: str, misplaced: Misplaced) -> None:
        readable = path.encode("utf-8", "backslashreplace").decode()
        self.problems.append(
            Problem(path=readable, code=misplaced.code, message=misplaced.message, hint=misplaced.hint)
        )

    def folder(self, path: str, layout: Folder, client: str = "", linked: bool = False) -> None:
        """Look at each entry of one folder. `linked`: a symbolic link led here."""
        try:
            self.stamp(path, client)  # before its entries: what comes while they are listed shows in its times
            with os.scandir(f"{self.root}/{path}") as found:
                kept = (entry for entry in found if not ignored(entry.name, bool(layout.free)))
                entries = sorted(kept, key=lambda entry: entry.name)
        except OSError as error:
            self.problem(path, unreadable(error))
            return
        doubled = dict(twins([entry.name for entry in entries]))
        for entry in entries:
            name = entry.name
            here = f"{path}/{name}"
            if wrong := bad_name(name):
                self.problem(here, wrong)
                continue
            if name in doubled:
                message = f"'{name}' and '{doubled[name]}' are one name to systems that ignore case or accents' form"
                self.problem(here, Misplaced("bad-name", message, "give one of them another name"))
                continue
            try:
                link = entry.is_symlink()
                if link and (wrong := self.bad_link(here, linked)):
                    self.problem(here, wrong)
                elif entry.is_dir():
                    self.enter(here, name, layout, client, linked or link)
                elif entry.is_file():
                    self.file(entry, here, layout, client)
                else:
                    hint = "take it away; only files and folders are read"
                    self.problem(here, Misplaced("unknown-file", f"'{name}' is neither a file nor a folder", hint))
            except OSError as error:
                self.problem(here, unreadable(error))

    def stamp(self, path: str, client: str) -> None:
        """Notes the times of a folder as they are. Raises `OSError`."""
        info = os.stat(f"{self.root}/{path}")
        self.folders.setdefault(client, []).append((path, info.st_mtime_ns, info.st_ctime_ns))

    def bad_link(self, path: str, linked: bool) -> Misplaced | None:
        """Why a symbolic link is not followed: it may lead to a place in its own part of `content/` and nowhere else.

        Otherwise `static/all -> ../clients` would publish what is private.
        """
        target = os.path.realpath(f"{self.root}/{path}")
        hint = "put the file itself here instead of a link"
        if os.path.commonpath([self.real, target]) != self.real:
            return Misplaced("symlink", "this symbolic link leads out of content/", hint)
        if not os.path.exists(target):
            return Misplaced("symlink", "this symbolic link leads to nothing, or in a circle", hint)
        if os.path.isdir(target):
            parent = os.path.realpath(f"{self.root}/{os.path.dirname(path)}")
            if linked or os.path.commonpath([target, parent]) == target:
                return Misplaced("symlink", "this symbolic link leads in a circle", hint)
        part = os.path.join(self.real, *_part(path))
        if os.path.commonpath([part, target]) != part:
            message = "this symbolic link leads to another part of content/, which other people may see"
            return Misplaced("symlink", message, hint)
        return None

    def enter(self, path: str, name: str, layout: Folder, client: str, linked: bool) -> None:
        if layout.free:
            self.folder(path, layout, client, linked)
        elif layout.each is not None:
            if wrong := conflict_copy(name, True):
                self.problem(path, wrong)
                return
            self.clients[name] = []
            self.folder(path, layout.each, name, linked)
        elif name in layout.folders:
            self.folder(path, layout.folders[name], client, linked)
        else:
            self.problem(path, conflict_copy(name, bool(client)) or unknown_folder(name, layout))

    def file(self, entry: os.DirEntry[str], path: str, layout: Folder, client: str) -> None:
        name = entry.name
        kind, file_id = layout.free or layout.files.get(name, ""), ""
        if not kind:
            if wrong := conflict_copy(name, bool(client)):
                self.problem(path, wrong)
                return
            if layout.pattern is None or not name.endswith(layout.pattern[0]):
                self.problem(path, unknown_file(name, layout, os.path.dirname(path) + "/"))
                return
            suffix, kind = layout.pattern
            file_id = name.removesuffix(suffix)
        state = entry.stat()
        source = Source(path, kind, file_id, state.st_size, state.st_mtime_ns, state.st_ino)
        (self.clients[client] if client else self.shared).append(source)


class _SharedWalk(_Walk):
    """Passes by the folder in which the clients' folders are."""

    def enter(self, path: str, name: str, layout: Folder, client: str, linked: bool) -> None:
        if layout is not CONTENT or name != CLIENTS:
            super().enter(path, name, layout, client, linked)
        else:
            self.stamp(path, client)


def _part(path: str) -> list[str]:
    """The folder below `content/` whose files belong together: the one at the top, or that of one client."""
    names = path.split("/")[1:]
    return names[: 2 if names[0] == "clients" else 1]


def unreadable(error: OSError) -> Misplaced:
    """The message for what the system does not let us read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Misplaced("missing-file", "this is not there", "create it, or run 'portalgen init' in an empty folder")
    reason = (error.strerror or "it cannot be read").lower()
    hint = "check that you may read it, and that no other program holds it"
    return Misplaced("unreadable", f"this cannot be read: {reason}", hint)


def read_text(root: Path, path: str, data: bytes | None = None) -> str | Problem:
    """The text of one file, its line ends made `\\n`; or why it cannot be read. Strictly UTF-8, at most 2 MB.

    `data` is what it holds, if that is known.
    """
    try:
        if data is None:
            with open(f"{root}/{path}", "rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as error:
        why = unreadable(error)
        return Problem(path=path, code=why.code, message=why.message, hint=why.hint)
    if len(data) > LARGEST:
        hint = "split it; pictures and documents belong into static/ or the client's files/"
        return Problem(path=path, code="too-large", message="this file is larger than 2 MB", hint=hint)
    return decode(path, data)


def decode(path: str, data: bytes) -> str | Problem:
    """The text of these bytes, or the problem with them."""
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return _bad_bytes(path, data, error.start)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if data.translate(None, _USUAL) and (wrong := _CONTROL.search(text)):
        line, column = line_and_column(text, wrong.start())
        sign = ord(wrong[0])
        message = (
            "this file holds a NUL character" if sign == 0 else f"this file holds the control character U+{sign:04X}"
        )
        if sign == 0 and data.count(b"\0") > len(data) // 4:
            message = "this file looks like UTF-16, not UTF-8 (byte " + str(data.index(b"\0")) + ")"
        hint = "take the invisible character away, or save the file again as UTF-8"
        return Problem(path=path, line=line, column=column, code="control-character", message=message, hint=hint)
    if ("<<<<<<< " in text or ">>>>>>> " in text) and (found := _CONFLICT.search(text)):
        line, column = line_and_column(text, found.start())
        message = "git left a conflict here"
        hint = "keep what is right of the two versions and delete the lines <<<<<<<, ======= and >>>>>>>"
        return Problem(path=path, line=line, column=column, code="conflict-marker", message=message, hint=hint)
    return text


def _bad_bytes(path: str, data: bytes, start: int) -> Problem:
    for mark, name in _MARKS:
        if data.startswith(mark):
            message = f"this file is written in {name}, not in UTF-8 (byte 0)"
            return Problem(path=path, code="bad-encoding", message=message, hint="save it again as UTF-8")
    before = data[:start].decode("utf-8-sig", "replace")
    line, column = line_and_column(before, len(before))
    if data[start] == 0xED and data[start + 1 : start + 2] >= b"\xa0":
        guess = "half of a character (a lone surrogate) stands here"
    elif data[start] >= 0xA0 or data[start] in (0x80, 0x82, 0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97):
        guess = "it looks like Windows-1252 or Latin-1"
    else:
        guess = "it is no text in UTF-8"
    message = f"this file is not UTF-8: {guess} (byte {start})"
    return Problem(
        path=path, line=line, column=column, code="bad-encoding", message=message, hint="save it again as UTF-8"
    )


def line_and_column(text: str, index: int) -> tuple[int, int]:
    """Line and column, counting from 1, of the character at `index`."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
