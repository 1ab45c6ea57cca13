"""Problems: what is wrong, where, and what to write instead."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

from portalgen.content.records.base import KeyPath


class Problem(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One problem with its place; lines and columns count from 1. Sorts by place."""

    path: str  # relative to the site, with /
    line: int = 1
    column: int = 1
    code: str = ""
    severity: Literal["error", "warning"] = "error"
    message: str = ""
    hint: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A problem whose place is still a field (`at`) or a text of the file; the reader turns it into a `Problem`.

    `on_key` points at the key rather than at its value. `text` is searched from `line` on when `at` is empty.
    """

    path: str
    code: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    at: KeyPath = ()
    on_key: bool = False
    text: str = ""
    line: int = 1


_RED, _YELLOW, _BOLD, _PLAIN = "\033[31;1m", "\033[33;1m", "\033[1m", "\033[0m"
_WIDEST = 160


def render(problem: Problem, line_text: str, colour: bool) -> str:
    """A problem as a person reads it: its place and message, the line with a caret below, the hint."""
    paint = {"error": _RED, "warning": _YELLOW}[problem.severity] if colour else ""
    bold, plain = (_BOLD, _PLAIN) if colour else ("", "")
    place = f"{bold}{_visible(problem.path)}:{problem.line}:{problem.column}:{plain}"
    parts = [f"{place} {paint}{problem.severity}[{problem.code}]:{plain} {_visible(problem.message)}"]
    if line_text.strip():
        shown, column = _window(line_text, problem.column)
        shown = _visible(shown)
        parts.append(f"    {shown}")
        pad = "".join("\t" if sign == "\t" else " " * _width(sign) for sign in shown[: column - 1])
        parts.append(f"    {pad}{paint}^{plain}")
    if problem.hint:
        parts.append(f"    {bold}hint:{plain} {_visible(problem.hint)}")
    return "\n".join(parts)


def _visible(text: str) -> str:
    """The text with what could act on a terminal, or turn its direction, replaced one for one."""
    return "".join(
        sign if sign == "\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs") else "�" for sign in text
    )


def _window(text: str, column: int) -> tuple[str, int]:
    """A long line cut to the part around the column."""
    if len(text) <= _WIDEST:
        return text, column
    start = max(0, column - _WIDEST // 2)
    cut = text[start : start + _WIDEST]
    lead = "…" if start else ""
    return f"{lead}{cut}{'…' if start + _WIDEST < len(text) else ''}", column - start + len(lead)


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def as_data(problem: Problem) -> dict[str, str | int]:
    """A problem as the commands' `--json` gives it."""
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
    }
