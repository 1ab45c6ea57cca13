"""The links of a site while it is shown: new ones are known at once, and kept in the lock when there is time for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from portalgen.content.lock import LOCK, LinkRow, Lock
from portalgen.content.lockfile import LockFile
from portalgen.content.problems import Problem
from portalgen.publish.access import PartialAccess, keep_lock, open_access, partial_access
from portalgen.publish.state import build_lock

Stamp = tuple[int, int, int]


class LiveAccess(PartialAccess):
    """Links of which those that were made since are known as if they were in the lock. What is sealed stands open."""

    def __init__(self, root: Path, file: LockFile, secret: bytes, fresh: bool) -> None:
        super().__init__(root, file, secret, fresh)
        self.seals = False
        self._learned: dict[str, tuple[LinkRow, ...]] = {}

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """While this lasts, what is sealed is sealed as in a build."""
        self.seals = True
        try:
            yield
        finally:
            self.seals = False

    @property
    def learned(self) -> Mapping[str, tuple[LinkRow, ...]]:
        """The rows of every client of whom not all are in the lock."""
        return self._learned

    @property
    def clients(self) -> Iterable[str]:
        """The clients that have links."""
        return {*self.file.clients, *self._learned}

    def rows(self, client: str) -> Sequence[LinkRow]:
        """The links of a client."""
        return self._learned[client] if client in self._learned else super().rows(client)

    def learn(self, client: str, pairs: Iterable[tuple[LinkRow | None, LinkRow]]) -> bool:
        """Takes new rows (`None` and the row) and rows in place of others. False when there are none."""
        changed: dict[LinkRow, LinkRow] = {}
        added: list[LinkRow] = []
        for old, new in pairs:
            if old is None:
                added.append(new)
            else:
                changed[old] = new
        if not changed and not added:
            return False
        self._learned[client] = (*(changed.get(row, row) for row in self.rows(client)), *added)
        return True

    def forget(self, client: str) -> None:
        """A client that was never kept in the lock is gone."""
        if not self.file.lines_of(client):
            self._learned.pop(client, None)

    def inherit(self, other: LiveAccess) -> None:
        """Takes what another learned about clients whose lines are still the same."""
        for client, rows in other.learned.items():
            if self.file.lines_of(client) == other.file.lines_of(client):
                self._learned[client] = rows

    def saved(self) -> bytes:
        """The lock's bytes with all that was learned."""
        gone: list[bytes] = []
        new: list[bytes] = []
        for client, rows in self._learned.items():
            known = super().rows(client)
            gone += [row.text().strip().encode() for row in known if row not in rows]
            new += [row.text().strip().encode() for row in rows if row not in known]
        if not self.file.rest.key_id:
            new.append(Lock(key_id=self.keyring.key_id).text().strip().encode())
        return self.file.with_lines(gone, new)

    def turn_to(self, file: LockFile) -> None:
        """All that was learned stands in this file now."""
        self.file, self.lock, self._learned = file, file.rest, {}
        self._last = ("", Lock())


class Links:
    """The lock of one site on disk, what was learned beyond it, and which client an address belongs to."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp: Stamp | None = None
        self._data = b""
        self._owners: dict[str, str] = {}
        self._unread: list[str] = []
        self._passed: list[Mapping[str, set[tuple[str, str]]]] = []
        self.access: LiveAccess | None = None

    def open(self) -> tuple[frozenset[str], bool, tuple[Problem, ...]]:
        """Reads the lock if it is another one than before.

        Gives the clients whose links changed, whether the key did, and what is wrong with the lock: then nothing is
        taken from it. Raises `KeyProblem`.
        """
        stamp = _stamp(self._root)
        if self.access is not None and stamp == self._stamp:
            return frozenset(), False, ()
        disk = LockFile.at(self._root)
        if self.access is not None and disk.content == self._data:
            self._stamp = stamp
            return frozenset(), False, ()
        partial = partial_access(self._root)
        if partial is not None:
            fresh = LiveAccess(self._root, partial.file, partial.secret, partial.fresh)
            disk = partial.file
        else:
            access, problems = open_access(self._root)
            if access is None:
                return frozenset(), False, problems
            fresh = LiveAccess(self._root, LockFile(access.lock.text().encode()), access.secret, access.fresh)
        before, self.access = self.access, fresh
        self._stamp, self._data = stamp, disk.content
        if before is None or before.keyring.key_id != fresh.keyring.key_id:
            self._owners, self._unread = {}, list(fresh.clients)
            return frozenset(fresh.clients), True, ()
        fresh.inherit(before)
        names = {*before.file.clients, *fresh.file.clients}
        changed = frozenset(name for name in names if before.file.lines_of(name) != fresh.file.lines_of(name))
        self._unread += changed
        return changed, False, ()

    def owner(self, address: str) -> str | None:
        """The client at whose link a private address lies."""
        token = _token(address)
        while token not in self._owners and self._unread:
            self._passed.append(self.index())
        return self._owners.get(token)

    def passed(self) -> Iterator[tuple[str, set[tuple[str, str]]]]:
        """What `index` told when it was called for `owner`."""
        for found in self._passed:
            yield from found.items()
        self._passed.clear()

    def own(self, client: str, addresses: Iterable[str]) -> None:
        """These private addresses are a client's."""
        for address in addresses:
            self._owners[_token(address)] = client

    @property
    def indexed(self) -> bool:
        """Whether the addresses of all links are known."""
        return not self._unread

    def index(self, count: int = 100) -> Mapping[str, set[tuple[str, str]]]:
        """Learns the addresses of the links of some more clients; gives what each of these has links to."""
        access, names = self.access, self._unread[-count:]
        found: dict[str, set[tuple[str, str]]] = {}
        if access is None:
            return found
        del self._unread[-count:]
        for client in names:
            found[client] = set()
            for row in _heads(access.file.lines_of(client), client):
                self._owners[access.keyring.token(row.salt, row.generation)] = client
                self._owners[access.keyring.locator(row.salt, row.generation)] = client
                found[client].add((row.of, row.ref))
        return found

    @property
    def stale(self) -> bool:
        """Whether somebody else wrote the lock."""
        return self.access is None or _stamp(self._root) != self._stamp

    @property
    def unsaved(self) -> bool:
        """Whether there are links that the lock on disk does not have."""
        return bool(self.access and self.access.learned)

    def save(self, wait: float) -> bool:
        """Keeps all links in the lock; False when that has to be tried again. Raises `LockBusy`, `OutputError`."""
        access = self.access
        if access is None or not access.learned:
            return True
        with build_lock(self._root, wait):
            if _stamp(self._root) != self._stamp and LockFile.at(self._root).content != self._data:
                return False  # somebody else wrote it: what they say comes first
            access.keep_key()
            file = LockFile(access.saved())
            if file.content != self._data:
                keep_lock(self._root, file.content)
            access.turn_to(file)
            self._stamp, self._data = _stamp(self._root), file.content
        return True


def _stamp(root: Path) -> Stamp | None:
    try:
        state = os.stat(root / LOCK)
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino


class _Head(msgspec.Struct):
    """As much of a link's line as its addresses follow from, and what it leads to."""

    of: str
    ref: str
    salt: str
    generation: int = 1


_read_head: Callable[[bytes], _Head] = msgspec.json.Decoder(_Head).decode


def _heads(lines: bytes, client: str) -> Iterator[_Head]:
    """Every link in a client's lines; those of documents are many times as long, and passed by."""
    document = f'{{"client": "{client}", "document"'.encode()
    for line in lines.split(b"\n"):
        if line and not line.startswith(document):
            try:
                row = _read_head(line)
                bytes.fromhex(row.salt)
            except (msgspec.MsgspecError, ValueError):
                continue  # whoever asks for this client's part is told
            yield row


def _token(address: str) -> str:
    """What tells the links of a site apart in their addresses."""
    return address.split("/", 2)[1][:32]
