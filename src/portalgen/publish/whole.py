"""One whole build: under the lock, from the sources into the output, or nothing at all."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec

from portalgen.content.problems import Problem
from portalgen.content.sources import changed_since
from portalgen.publish.beside import write_beside
from portalgen.publish.key import KeyProblem, key_id_of, key_path, refuse_within, settle_key
from portalgen.publish.memory import Inputs, Last, inputs_of, recall, remember
from portalgen.publish.output import Written, build_lock, checked_output, publish

Progress = Callable[[int, int], None]


class Unsettled(Exception):
    """Sources changed while they were read; nothing was written."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(f"{', '.join(paths[:3])} changed while it was read")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a build did. `excerpts` are the lines that the problems are about; `written` is None when nothing was."""

    pages: int = 0
    problems: tuple[Problem, ...] = ()
    excerpts: tuple[str, ...] = ()
    written: Written | None = None

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
    """Builds the site in `root` into `output`; a build that would change nothing is recognised and left out.

    `jobs`: how many processes to use at most, 0 for as many as pay. Raises `KeyProblem`, `OutputError`, and
    `Unsettled` when a source changed meanwhile.
    """
    checked_output(root, output)
    lock = build_lock(root) if (root / "content").is_dir() else contextlib.nullcontext()
    with lock:
        refuse_within(key_path(root), [output])
        settle_key(root)
        inputs = _inputs(root, base_url)
        if remembers and inputs and (last := recall(root, output, inputs, today)):
            return Outcome(
                pages=last.pages,
                problems=last.problems,
                excerpts=last.excerpts,
                written=Written(0, len(last.outputs), 0),
            )
        from portalgen.publish.build import assemble

        result = assemble(root, today=today, base_url=base_url, keeps=True, jobs=jobs, progress=progress)
        told = tuple(result.loaded.excerpt(problem) for problem in result.problems)
        if result.files is None or result.access is None:
            return Outcome(problems=result.problems, excerpts=told)
        if changed := changed_since(result.loaded.sources):
            raise Unsettled(changed)
        result.access.save()
        written = publish(result.files, root=root, output=output)
        write_beside(root, result.beside)
        # what was built must be what was looked at: else an edit in between, taken back later, would be remembered
        same = inputs is not None and inputs.stamps == result.loaded.sources.stamps
        if inputs and same and result.day and result.loaded.site:
            zone = result.loaded.site.shared.site.practice.timezone
            settled = Inputs(sources=inputs.sources, base_url=base_url, key_id=key_id_of(root))
            last = Last(
                timezone=zone,
                pages=result.pages,
                problems=result.problems,
                excerpts=told,
                beside=tuple(result.beside),
                shut=tuple(row.salt for row in result.access.lock.links if row.state != "live"),
            )
            remember(root, output, settled, result.day, last, result.files)
        return Outcome(pages=result.pages, problems=result.problems, excerpts=told, written=written)


def _inputs(root: Path, base_url: str) -> Inputs | None:
    """What the build depends on; None when there is a problem with it that the build itself will tell."""
    try:
        return inputs_of(root, base_url, key_id_of(root))
    except KeyProblem:
        return None
