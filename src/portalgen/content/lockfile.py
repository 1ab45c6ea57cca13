"""portalgen.lock read client by client: what one client's part needs of it, without reading the rest.

Its lines are sorted and those of links and documents begin with their client, so that a client's stand together. A file
of another form (changed by hand, merged) is read as a whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from portalgen.content.lock import LOCK, Lock, read_rows
from portalgen.content.problems import Problem

_HEAD = b'{"client": "'
_SALT = re.compile(rb'"salt": "([0-9a-f]{32})"')
_BOM = b"\xef\xbb\xbf"


Stamp = tuple[int, ...]
"""What the system says of a lock: nothing where there is none."""


def lock_stamp(root: Path) -> Stamp:
    """What the system says of the lock of the site in `root` now."""
    try:
        return _stamp(os.stat(root / LOCK))
    except FileNotFoundError:
        return ()


def _stamp(info: os.stat_result) -> Stamp:
    return info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino


class LockFile:
    """The bytes of a lock. Nothing of it is checked before it is asked for.

    `searched`: it is known to be `ordered`, so lines are found without a look at all the others.
    """

    def __init__(self, data: bytes, *, searched: bool = False, stamp: Stamp = ()) -> None:
        self._begin = len(_BOM) if data[: len(_BOM)] == _BOM else 0
        self.data = data[self._begin :] if self._begin else data
        self._searched = searched
        self._left: Path | None = None
        self._stamp = stamp

    @classmethod
    def at(cls, root: Path, *, searched: bool = False) -> LockFile:
        """The lock of the site in `root`; an empty one where there is none."""
        try:
            with open(root / LOCK, "rb") as file:
                stamp = _stamp(os.fstat(file.fileno()))
                data = file.read()
        except FileNotFoundError:
            return cls(b"")
        return cls(data, searched=searched and bool(data), stamp=stamp)

    @classmethod
    def left_at(cls, root: Path) -> LockFile:
        """The same as `at`, knowing where a client's lines are and not what they say: they are read when asked for.

        What is not where it was any more cannot be trusted.
        """
        lock = cls.at(root)
        if lock.regular and lock.clients:
            lock.data, lock._left = b"", root / LOCK
        return lock

    def is_as_read(self, root: Path) -> bool:
        """Whether the lock of the site in `root` is still the one that was read."""
        return lock_stamp(root) == self._stamp

    @cached_property
    def _index(self) -> tuple[Mapping[str, tuple[int, int]], tuple[tuple[int, int], ...]]:
        """Where each client's lines begin and end, and all other lines. A client in two places is in neither."""
        data, spans, others = self.data, dict[str, tuple[int, int]](), list[tuple[int, int]]()
        at, last, torn = 0, "", set[str]()
        while at < len(data):
            if data.startswith(_HEAD, at):
                end = data.find(b'"', at + len(_HEAD))
                if end > 0 and data.startswith(b'", "', end):
                    sign = b"\n" + data[at : end + 1]
                    name = data[at + len(_HEAD) : end].decode("ascii", "backslashreplace")
                    stop = _after_last(data, sign, at)
                    if name in spans and name != last:
                        torn.add(name)
                    spans[name] = (spans[name][0] if name == last else at, stop)
                    at, last = stop, name
                    continue
            stop = data.find(b"\n", at) + 1 or len(data)
            others.append((at, stop))
            at, last = stop, ""
        if torn:
            return {}, ((0, len(data)),)
        return spans, tuple(others)

    @property
    def content(self) -> bytes:
        """All of it."""
        return self._left.read_bytes()[self._begin :] if self._left else self.data

    @cached_property
    def ordered(self) -> bool:
        """Whether its lines are sorted, those of clients without another among them."""
        if self._searched:
            return True
        spans, others = self._index
        signs = [_sign(name) for name in spans]
        within = (
            (min(start for start, _ in spans.values()), max(stop for _, stop in spans.values())) if spans else (0, 0)
        )
        return signs == sorted(signs) and not any(within[0] <= start < within[1] for start, _ in others)

    def _first(self, sign: bytes) -> int:
        """Where the first line begins that is not before `sign`, in an ordered file."""
        data, low, high = self.data, 0, len(self.data)
        while low < high:
            start = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
            if data[start : start + len(sign)] < sign:
                low = data.find(b"\n", start) + 1 or len(data)
            else:
                high = start
        return low

    @property
    def clients(self) -> Iterable[str]:
        """The clients it has rows of."""
        return self._index[0]

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return not (self._left or self.data)

    def lines_of(self, client: str) -> bytes:
        """The lines of one client as they are written."""
        if self._searched:
            sign = _sign(client)
            return self.data[self._first(sign) : self._first(sign + b"\xff")]
        start, stop = self._index[0].get(client, (0, 0))
        if not self._left or start == stop:
            return self.data[start:stop]
        with open(self._left, "rb", buffering=0) as file:
            file.seek(self._begin + start)
            return file.read(stop - start)

    @cached_property
    def rest(self) -> Lock:
        """The rows that belong to no client: the key's, and numbers of the forgotten."""
        return self._rest[0]

    @cached_property
    def regular(self) -> bool:
        """Whether what is not read client by client is as portalgen writes it."""
        lock, problems = self._rest
        return not (problems or lock.links or lock.documents)

    @cached_property
    def _rest(self) -> tuple[Lock, tuple[Problem, ...]]:
        if self._searched:
            others = [(0, self._first(_HEAD)), (self._first(_HEAD + b"\xff"), len(self.data))]
        else:
            others = [*self._index[1]]
        return read_rows(b"".join(self.data[start:stop] for start, stop in others))

    def of(self, client: str) -> Lock | None:
        """The rows of one client, or None when one of them cannot be trusted: `whole` says which and why."""
        lines = self.lines_of(client)
        if self._left and client in self._index[0] and not (lines.startswith(_sign(client)) and lines.endswith(b"\n")):
            return None
        if not lines:
            return Lock(key_id=self.rest.key_id)
        lock, problems = read_rows(lines, self.rest.key_id)
        return None if problems else lock

    @property
    def salts(self) -> list[bytes]:
        """The salt of every link."""
        if not self._left:
            return _SALT.findall(self.data)
        return [salt for client in self.clients for salt in _SALT.findall(self.lines_of(client))]

    def whole(self) -> tuple[Lock, tuple[Problem, ...]]:
        """Every row, with a problem for every line that cannot be trusted."""
        return read_rows(self.content)

    def with_lines(self, gone: Iterable[bytes], new: Iterable[bytes]) -> bytes:
        """The file's bytes with other lines: sorted, so that two branches merge line by line."""
        lines = {*self.content.split(b"\n")} - {b"", *gone}
        return b"".join(line + b"\n" for line in sorted(lines | {*new}))


def _sign(client: str) -> bytes:
    """What the lines of a client begin with."""
    return _HEAD + client.encode("utf-8", "surrogateescape") + b'"'


def _after_last(data: bytes, sign: bytes, at: int) -> int:
    """The end of the run of lines that all begin like the one at `at` (`sign` with the line's end before it)."""
    while True:
        stop = data.find(b"\n", at)
        if stop < 0:
            return len(data)
        if not data.startswith(sign, stop):
            return stop + 1
        at = stop + 1
