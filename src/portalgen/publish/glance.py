"""What the system says of every file since the last build: asked first of all, so it imports little.

Where it proves that nothing changed there is nothing to build; else it is known which parts to look at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.lock import LOCK
from portalgen.content.problems import Problem
from portalgen.publish.beside import stand_beside
from portalgen.publish.crew import mapped, workers
from portalgen.publish.fingerprint import Fingerprint, fingerprint, stands
from portalgen.publish.key import KeyProblem, key_id_of
from portalgen.publish.memory import Last, Recalled, Unit, Units, program, stand

_MANY, _CHUNK = 500, 60
"""Clients from which on processes share the look, and how many one looks at in a row."""

Told = tuple[tuple[Problem, str], ...]
"""Problems with the lines that they are about."""


class Sum(msgspec.Struct, frozen=True):
    """What some parts come to: their pages, their files in the output, their problems."""

    pages: int = 0
    outputs: int = 0
    told: Told = ()

    def and_of(self, *units: Unit) -> Sum:
        """With more parts."""
        told = (one for unit in units for one in zip(unit.problems, unit.excerpts, strict=True))
        return Sum(
            self.pages + sum(unit.pages for unit in units),
            self.outputs + sum(len(unit.outputs) for unit in units),
            (*self.told, *told),
        )


class Glance(msgspec.Struct, frozen=True):
    """What stands as the last build left it, by the system's word alone.

    `ground`: the program, the key, the address, and the day is within that of the shared part. `moved` are the clients
    whose folder may hold something else now, `stale` the others whose files in the output do not stand or whose days
    are over. `sum` is of those that are neither.
    """

    ground: bool = False
    lock: bool = False
    shared: bool = False
    public: bool = False
    moved: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    sum: Sum = Sum()

    @property
    def untouched(self) -> bool:
        """Whether a build would change nothing."""
        return self.ground and self.lock and self.shared and self.public and not (self.moved or self.stale)


class _Looked(msgspec.Struct, frozen=True):
    """What `Glance` says, of some clients."""

    moved: list[str]
    stale: list[str]
    sum: Sum


def glance(
    root: Path,
    output: Path,
    known: Recalled,
    today: dt.date | None,
    base_url: str,
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> Glance:
    """What stands of the build that is `known`. `meanwhile` is called once a part does not stand: others still look."""
    last = known.last
    if last is None or not same_ground(root, last, base_url):
        return Glance()
    day = day_of(last, today)
    if not last.made <= day <= last.shared.until:
        return Glance()
    parts = _parts(root, output, known.clients, day, meanwhile)
    return Glance(
        ground=True,
        lock=bool(last.lock_seen.files) == (root / LOCK).exists() and stands(root, last.lock_seen),
        shared=stands(root, last.shared.sources),
        public=stand(output, (*last.shared.outputs, *last.gone)) and stand_beside(root, last.beside),
        moved=frozenset(name for part in parts for name in part.moved),
        stale=frozenset(name for part in parts for name in part.stale),
        sum=_total([part.sum for part in parts]),
    )


def _parts(root: Path, output: Path, clients: Units, day: dt.date, meanwhile: Callable[[], object]) -> list[_Looked]:
    names = list(clients)
    chunks = [names[at : at + _CHUNK] for at in range(0, len(names), _CHUNK)]

    def look(number: int) -> _Looked:
        return _look(root, output, clients, chunks[number], day)

    crew = workers(len(chunks)) if len(names) >= _MANY else 1
    if crew > 1:
        found: dict[int, _Looked] = {}
        called = False
        for number, part in mapped(look, len(chunks), crew, ahead=len(chunks)):
            found[number] = part
            if not called and (part.moved or part.stale):
                called = True
                meanwhile()
        return [found[number] for number in sorted(found)]
    return [look(number) for number in range(len(chunks))]


def _look(root: Path, output: Path, clients: Units, names: Sequence[str], day: dt.date) -> _Looked:
    moved, stale, standing = [], [], list[Unit]()
    for name in names:
        unit = clients.passing(name)
        if not stands(root, unit.sources):
            moved.append(name)
        elif day > unit.until or not stand(output, unit.outputs):
            stale.append(name)
        else:
            standing.append(unit)
    return _Looked(moved, stale, Sum().and_of(*standing))


def _total(sums: Sequence[Sum]) -> Sum:
    told = tuple(one for part in sums for one in part.told)
    return Sum(sum(part.pages for part in sums), sum(part.outputs for part in sums), told)


def same_ground(root: Path, last: Last, base_url: str) -> bool:
    """Whether the program, the key and the address of the site are those of the last build."""
    try:
        key_id = key_id_of(root)
    except KeyProblem:
        return False
    return (last.program, last.base_url, last.key_id) == (program(), base_url, key_id)


def day_of(last: Last, today: dt.date | None) -> dt.date:
    """The day that a build is for: `today`, or the day it is now where the practice is."""
    return today or dt.datetime.now(ZoneInfo(last.timezone)).date()


def lock_fingerprint(root: Path) -> Fingerprint:
    """The lock; without files where there is none."""
    try:
        return fingerprint(root, (), (LOCK,))
    except OSError:
        return Fingerprint(0, (), ())
