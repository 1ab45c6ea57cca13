"""From what is wrong to where it stands: findings become problems, and warnings may be silenced with a reason."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from portalgen.content.frontmatter import split
from portalgen.content.problems import Finding, Problem
from portalgen.content.records.base import KeyPath
from portalgen.content.slips import Mark
from portalgen.content.sources import line_and_column, read_text

ALLOW = "portalgen: allow"
_ALLOW = re.compile(r"(?:^|\s)#\s*portalgen: allow\b[ \t]*(?P<code>[a-z0-9-]*)(?P<rest>[^\n]*)", re.MULTILINE)
_WHOLE_FILE = frozenset({"bad-name", "conflict-copy", "missing-file", "symlink", "too-large", "unknown-file"})
"""What is wrong with a file as such: no line of it would explain anything."""
_UNSEEN = frozenset({"leaked-address", "leaked-client", "leaked-private", "leaked-secret", "possible-leak"})
"""A private line is not repeated in a message: a host may show the log of its builds to everybody."""
_AGREED = "leaked-client"
"""The error that a comment on its own line may silence: a client agreed that this is public."""
_REASON = re.compile(r"\s+because\s+\S")


class _Text(msgspec.Struct, frozen=True):
    whole: str
    yaml: str
    offset: int  # where the YAML begins in the whole text


class Allowance(msgspec.Struct, frozen=True):
    """One comment `# portalgen: allow CODE because REASON`."""

    code: str
    reason: bool
    start: int


class Places:
    """Looks positions up in the files of one site. Reads a file again only when there is something to say about it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, _Text | None] = {}

    def _text(self, path: str) -> _Text | None:
        if path not in self._texts:
            whole = read_text(self._root, path) if self._ours(path) else None
            if whole is None or isinstance(whole, Problem):
                self._texts[path] = None
            elif path.endswith(".md"):
                parts = split(whole)
                self._texts[path] = _Text(whole, parts.front or "", parts.front_index)
            elif path.endswith(".yaml"):
                self._texts[path] = _Text(whole, whole, 0)
            else:
                self._texts[path] = _Text(whole, "", 0)
        return self._texts[path]

    def _ours(self, path: str) -> bool:
        """Whether a path leads to what is written for the site: no symbolic link shows a line of another file."""
        real = os.path.realpath(self._root / path)
        homes = (os.path.realpath(self._root / home) for home in ("content", "templates"))
        return any(real.startswith(home + os.sep) for home in homes)

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """The findings with their lines and columns; the beginning of the file where a place is not to be found."""
        by_path: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_path[finding.path].append(finding)
        found = []
        for path, group in by_path.items():
            text = self._text(path)
            known = _marks(text.yaml, [finding.at for finding in group]) if text else {}
            found += [self._problem(finding, text, known) for finding in group]
        return found

    @classmethod
    def _problem(cls, finding: Finding, text: _Text | None, known: Mapping[KeyPath, Mark]) -> Problem:
        line, column = finding.line, 1
        if text is not None:
            if finding.text and not finding.at:
                line, column = cls._search(text.whole, finding.text, finding.line)
            elif finding.at or finding.line == 1:
                index = cls._index(text, known, finding.at, finding.on_key)
                if index is not None:
                    line, column = line_and_column(text.whole, index)
        return Problem(
            path=finding.path,
            line=line,
            column=column,
            code=finding.code,
            severity=finding.severity,
            message=finding.message,
            hint=finding.hint,
        )

    @staticmethod
    def _search(text: str, wanted: str, line: int) -> tuple[int, int]:
        start = _line_start(text, line)
        found = -1 if start is None else text.find(wanted, start)
        return line_and_column(text, found) if found >= 0 else (line, 1)

    @staticmethod
    def _index(text: _Text, known: Mapping[KeyPath, Mark], at: KeyPath, on_key: bool) -> int | None:
        """The place of a field, or of the nearest thing around it that is written."""
        for length in range(len(at), -1, -1):
            if mark := known.get(at[:length]):
                exact = length == len(at)
                return text.offset + (mark.key if on_key and exact else mark.value)
        return None

    def excerpt(self, problem: Problem) -> str:
        """The line of the file that the problem is about; empty when it cannot be read, or is nobody's business."""
        text = None if problem.code in _WHOLE_FILE | _UNSEEN else self._text(problem.path)
        if text is None:
            return ""
        start = _line_start(text.whole, problem.line)
        return "" if start is None else text.whole[start:].partition("\n")[0]

    def kept(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """The problems without the warnings that their file silences; sorted, each once."""
        return tuple(sorted({problem for problem in problems if not self._silenced(problem)}))

    def _silenced(self, problem: Problem) -> bool:
        agreed = problem.code == _AGREED
        if (problem.severity == "error" and not agreed) or not problem.path.endswith((".md", ".yaml")):
            return False
        text = self._text(problem.path)
        return text is not None and any(
            allowance.code == problem.code
            and allowance.reason
            and (not agreed or line_and_column(text.whole, text.offset + allowance.start)[0] == problem.line)
            for allowance in allowances(text.yaml)
        )


def _line_start(text: str, line: int) -> int | None:
    """Where that line begins; None when there are not so many."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not start:
            return None
    return start


def allowances(yaml: str) -> list[Allowance]:
    """The comments of this YAML that silence a warning."""
    if ALLOW not in yaml:
        return []
    return [
        Allowance(found["code"], bool(_REASON.match(found["rest"])), yaml.index("portalgen", found.start()))
        for found in _ALLOW.finditer(yaml)
    ]


def unreasoned(path: str, yaml: str, whole: str, offset: int = 0) -> list[Problem]:
    """A warning for each comment that silences something and does not say why; it silences nothing."""
    found = []
    for allowance in allowances(yaml):
        if not allowance.reason:
            line, column = line_and_column(whole, offset + allowance.start)
            code = allowance.code or "CODE"
            found.append(
                Problem(
                    path=path,
                    line=line,
                    column=column,
                    code="allow-without-reason",
                    severity="warning",
                    message="this comment silences a warning and does not say why",
                    hint=f"write # {ALLOW} {code} because and your reason",
                )
            )
    return found


def _marks(text: str, wanted: list[KeyPath]) -> Mapping[KeyPath, Mark]:
    from portalgen.content.yamlstrict import marks

    return marks(text, wanted)
