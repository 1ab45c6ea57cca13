"""The build behind the preview: the same one, kept in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from portalgen.content.problems import render
from portalgen.desk.command import in_words
from portalgen.desk.preview import PreviewBuild
from portalgen.publish.access import KeyProblem
from portalgen.publish.build import assemble
from portalgen.publish.output import build_lock
from portalgen.publish.state import OutputError


def build_for_preview(root: Path, today: dt.date | None) -> Callable[[], PreviewBuild]:
    """A function that builds the site once. New links are kept in the lock, so that a page keeps
    its address; an issued document is not, since it may still be under the practitioner's hands."""

    def build() -> PreviewBuild:
        try:
            with build_lock(root):
                result = assemble(root, today=today, keeps=True, seals=False)
                if result.files is not None and result.access is not None:
                    result.access.save(documents=False)
        except (KeyProblem, OutputError) as refused:
            return PreviewBuild(files=None, problems=(f"{refused.message}\n{refused.hint}",))
        except OSError as error:
            return PreviewBuild(files=None, problems=("\n".join(in_words(error)),))
        errors = [problem for problem in result.problems if problem.severity == "error"]
        return PreviewBuild(
            files=result.files,
            problems=tuple(render(problem, result.loaded.excerpt(problem), colour=False) for problem in errors),
        )

    return build
