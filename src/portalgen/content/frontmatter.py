"""Markdown with front matter: YAML between two lines `---` at the very top, then the text."""

from __future__ import annotations

import re

import msgspec

from portalgen.content.slips import Slip

_OPEN = re.compile(r"---[ \t]*(?:\n|\Z)")
_CLOSE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)


class Split(msgspec.Struct, frozen=True):
    """A file taken apart. `front` is None without front matter; `front_index` is where it begins in the file.

    `body_line` is the line of the file, counting from 1, on which the body begins.
    """

    front: str | None
    front_index: int
    body: str
    body_line: int
    slip: Slip | None = None


def split(text: str) -> Split:
    """Take front matter and text apart. Front matter that is not closed is a slip, never page text."""
    opening = _OPEN.match(text)
    if opening is None:
        stripped = text.lstrip()
        if _OPEN.match(stripped):
            index = len(text) - len(stripped)
            message = "the front matter does not begin on the first line"
            slip = Slip(index, "front-matter", message, "take away what stands before the first ---")
            return Split(None, 0, "", 1, slip)
        return Split(None, 0, text, 1)
    closing = _CLOSE.search(text, opening.end())
    if closing is None:
        message = "the front matter that begins here is never closed"
        slip = Slip(0, "front-matter", message, "write --- on a line of its own after the last key")
        return Split(None, 0, "", 1, slip)
    front = text[opening.end() : closing.start()]
    body = text[closing.end() :]
    return Split(front, opening.end(), body, text.count("\n", 0, closing.end()) + 1)
