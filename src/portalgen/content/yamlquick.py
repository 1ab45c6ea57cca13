"""The YAML that most files are written in, read by lines, in less than half of the time of the parser's events.

Known are lists and mappings by indentation, plain and quoted texts on one line, short lists and mappings in brackets,
comments on lines of their own. Of a text with anything else, or anything doubtful, nothing is read: `yamltext` does it.
"""

from __future__ import annotations

import re
from typing import Any

LARGEST = 100_000
DEEPEST = 50

_UNPRINTED = r"\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufff0-\uffff\ud800-\udfff"
_SIGNS = rf"[^:#{_UNPRINTED}]*"
_PLAIN = rf"-?[\w(/+.]{_SIGNS}(?::[\w/]{_SIGNS})*(?<! )"
_KEY = r"[A-Za-z_][A-Za-z0-9_-]{0,60}"
_LINE = re.compile(
    rf"^(?:( *)(- )?(?:({_KEY}):(?: |$))?"
    rf"(?:({_PLAIN})|(\"[^\"\\{_UNPRINTED}]*\"|'[^'{_UNPRINTED}]*')|([\[{{].*[\]}}]))?$"
    rf"| *\#[^{_UNPRINTED}]*$"
    rf"|(.))",
    re.MULTILINE,
)
_WORD = r"-?\w(?:[\w ./+()-]*[\w./+()])?"
_PAIR = re.compile(rf"({_KEY}): ({_WORD})")
_PAIRS = rf"\{{ ?{_KEY}: {_WORD}(?:, {_KEY}: {_WORD})* ?\}}"
_MAPPING = re.compile(_PAIRS)
_WORDS = re.compile(rf"\[ ?{_WORD}(?:, {_WORD})* ?\]")
_MAPPINGS = re.compile(rf"\[ ?{_PAIRS}(?:, {_PAIRS})* ?\]")
UNREAD: Any = object()
"""What is not in that form."""


def quick(text: str) -> Any:
    """The data that `yamltext.parse` finds in a text, if it finds nothing wrong with it; or `UNREAD`."""
    if len(text) > LARGEST:
        return UNREAD
    root: Any = None
    here: Any = None  # the innermost list or mapping, and the column of its entries
    column = 0
    above: list[tuple[Any, int]] = []
    waiting = ""  # the last key of `here`, if its value may follow on further lines
    for indent, dash, key, plain, quoted, brackets, other in _LINE.findall(text):
        if not (key or dash):
            if plain or quoted or brackets or other:
                return UNREAD
            continue
        at = len(indent)
        if here is None or (waiting and (at > column or (dash and at == column))):
            new: Any = [] if dash else {}
            if here is None:
                root = new
            else:
                here[waiting] = new
                above.append((here, column))
            here, column = new, at
            if len(above) > DEEPEST:
                return UNREAD
        else:
            while at < column and above:
                here, column = above.pop()
            if not dash and type(here) is list and above:
                here, column = above.pop()  # a list may stand below its key without being indented
            if at != column or (type(here) is list) != bool(dash):
                return UNREAD
        waiting = ""
        value: Any = plain or None
        if quoted:
            value = quoted[1:-1]
        elif brackets:
            value = _bracketed(brackets)
            if value is UNREAD:
                return UNREAD
        if not key:
            if value is None:
                return UNREAD
            here.append(value)
            continue
        if dash:
            entry: dict[str, Any] = {}
            here.append(entry)
            above.append((here, column))
            here, column = entry, at + 2
        elif key in here:
            return UNREAD
        here[key] = value
        if value is None:
            waiting = key
    return root


def _bracketed(text: str) -> Any:
    """A list of words, a mapping to words, or a list of such mappings."""
    if text[0] == "{":
        return _mapping(text) if _MAPPING.fullmatch(text) else UNREAD
    if text == "[]":
        return []
    if _WORDS.fullmatch(text):
        return [word.strip(" ") for word in text[1:-1].split(",")]
    if not _MAPPINGS.fullmatch(text):
        return UNREAD
    entries = [_mapping(part) for part in text.split("{")[1:]]
    return UNREAD if UNREAD in entries else entries


def _mapping(text: str) -> Any:
    pairs = _PAIR.findall(text)
    found = dict(pairs)
    return found if len(found) == len(pairs) else UNREAD
