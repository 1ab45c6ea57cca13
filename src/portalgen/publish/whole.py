"""One whole build: under the lock, from the sources into the output, or nothing at all.

Parts that nothing changed for are taken as they stand in the output; a build that would change nothing is recognised.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from portalgen.content.problems import Problem
from portalgen.publish.beside import write_beside
from portalgen.publish.glance import Sum, glance
from portalgen.publish.key import key_path, refuse_within, settle_key
from portalgen.publish.memory import Last, Recalled, forget, is_there, recall
from portalgen.publish.place import checked_output
from portalgen.publish.state import Unsettled, Written, at_work, build_lock

if TYPE_CHECKING:
    from portalgen.content.sources import Tree

Progress = Callable[[int, int], None]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a build did. `excerpts` are the lines that the problems are about; `written` is None when nothing was.

    `ignored` says why what was known of the last build was not used, where something was.
    """

    pages: int = 0
    problems: tuple[Problem, ...] = ()
    excerpts: tuple[str, ...] = ()
    written: Written | None = None
    ignored: str = ""

    def excerpt(self, problem: Problem) -> str:
        """The line that a problem of this build is about."""
        return self.excerpts[self.problems.index(problem)]


def build_into(
    root: Path,
    output: Path,
    *,
    today: dt.date | None,
    base_url: str,
    remembers: bool = True,
    jobs: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """Builds the site in `root` into `output`.

    `jobs`: how many processes to use at most, 0 for as many as pay. Raises `KeyProblem`, `OutputError`, and
    `Unsettled` when a source changed meanwhile.
    """
    known = recall(root, output) if remembers else Recalled()
    checked_output(root, output, known=known.listed)
    seen = glance(root, output, known, today, base_url, meanwhile=_prepare) if not at_work(root) else None
    if known.last and seen and seen.untouched:
        return _unchanged(known.last, seen.sum)
    from portalgen.publish.look import look

    lock = build_lock(root) if (root / "content").is_dir() else contextlib.nullcontext()
    with lock:
        refuse_within(key_path(root), [output])
        settle_key(root)
        if remembers and not is_there(root, output, known):
            known, seen = recall(root, output), None
        sight = look(root, output, known, seen, today, base_url)
        if sight.settled and known.last:
            return _unchanged(known.last, sight.sum)
        from portalgen.content.sources import scan
        from portalgen.publish.partial import build_parts

        built = build_parts(root, output, sight, today, base_url, jobs=jobs, progress=progress)
        if built and not built.written and not sight.whole:
            sight = msgspec.structs.replace(sight, tree=scan(root), whole=True)
            built = build_parts(root, output, sight, today, base_url, jobs=jobs, progress=progress)
        if built:
            return _outcome(built.told, built.pages if built.written else 0, built.written, known.ignored)
        tree = sight.tree if sight.whole else None
        return _together(root, output, tree, today, base_url, jobs, progress, known.ignored)


def _prepare() -> None:
    """Imports what a build needs."""
    for name in ("filelock", "portalgen.publish.look", "portalgen.publish.partial"):
        import_module(name)


def _unchanged(last: Last, clients: Sum) -> Outcome:
    count = clients.outputs + len(last.shared.outputs) + len(last.gone)
    told = {**dict(last.told()), **dict(clients.told)}
    return _outcome(told, clients.pages + last.shared.pages, Written(0, count, 0), "")


def _together(
    root: Path,
    output: Path,
    tree: Tree | None,
    today: dt.date | None,
    base_url: str,
    jobs: int,
    progress: Progress | None,
    ignored: str,
) -> Outcome:
    """The build that tells what parts on their own cannot: all of the site in memory at once."""
    from portalgen.content.lock import LOCK
    from portalgen.content.lockfile import lock_stamp
    from portalgen.content.sources import changed_since
    from portalgen.publish.build import assemble
    from portalgen.publish.output import publish

    locked = lock_stamp(root)
    result = assemble(root, tree=tree, today=today, base_url=base_url, keeps=True, jobs=jobs, progress=progress)
    told = {problem: result.loaded.excerpt(problem) for problem in result.problems}
    if result.files is None or result.access is None:
        return _outcome(told, 0, None, ignored)
    if changed := [*changed_since(result.loaded.sources), *([LOCK] if lock_stamp(root) != locked else [])]:
        raise Unsettled(changed)
    result.access.save()
    written = publish(result.files, root=root, output=output)
    write_beside(root, result.beside)
    forget(root, output)
    return _outcome(told, result.pages, written, ignored)


def _outcome(told: Mapping[Problem, str], pages: int, written: Written | None, ignored: str) -> Outcome:
    problems = tuple(sorted(told))
    excerpts = tuple(told[problem] for problem in problems)
    return Outcome(pages=pages, problems=problems, excerpts=excerpts, written=written, ignored=ignored)
