"""The YAML that most files are written in, read by lines, in less than half of the time of the parser's events.

Known are lists and mappings by indentation, plain and quoted texts on one line, texts of several lines (`|`), short
lists and mappings in brackets, comments. Of a text with anything else, or anything doubtful, nothing is read:
`yamltext` does it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

LARGEST = 100_000
DEEPEST = 50
SHORT = 60

_SIGN = r"[^\x00-\x1f\x7f]"
_WORDS = r"[^:#\x00-\x1f\x7f]*"
_PLAIN = rf"-?[\w(/+.]{_WORDS}(?::[\w/]{_WORDS})*(?<! )"
_KEY = r"[A-Za-z_][A-Za-z0-9_-]{0,60}"
_QUOTED = r"\"[^\"\\\x00-\x1f\x7f]*\"|'[^'\x00-\x1f\x7f]*'"
_LINE = re.compile(
    rf"^(?:( *)(- )?(?:({_KEY}):(?: |$))?"
    rf"(?:({_PLAIN})|({_QUOTED}|[\[{{]{_SIGN}*[\]}}]|\|-?(?:\n(?:\1(?(2)  ) +(?! ){_SIGN}+| *)$)+))?"
    rf"(?: +\#{_SIGN}*)?$"
    rf"| *\#{_SIGN}*$"
    rf"|(.))\n?",
    re.MULTILINE,
)
_VALUE = rf"-?\w(?:[^,?:#\[\]{{}}\n]*[^ ,?:#\[\]{{}}\n])?|{_QUOTED}"


def _list(item: str) -> str:
    return rf"\[ ?(?:(?:{item})(?:, |(?= ?\])))+ ?\]"


def _pairs(value: str) -> str:
    return rf"\{{ ?(?:{_KEY}: (?:{value})(?:, |(?= ?\}})))+ ?\}}"


_INNER = f"{_VALUE}|{_list(_VALUE)}|{_pairs(_VALUE)}"
_ITEM = f"{_VALUE}|{_pairs(_INNER)}"
_LIST, _ITEMS = re.compile(_list(_ITEM)), re.compile(_ITEM)
_MAPPING, _PAIRS = re.compile(_pairs(_INNER)), re.compile(f"({_KEY}): ({_INNER})")
UNREAD: Any = object()
"""What is not in that form."""


def quick(text: str) -> Any:
    """The data that `yamltext.parse` finds in a text, if it finds nothing wrong with it; or `UNREAD`.

    What is alike in brackets is one value, so nobody may change the data.
    """
    # which signs YAML forbids or reads in its own way would take long to say; none of them is printable
    if len(text) > LARGEST or not (text.isascii() or text.replace("\n", "").isprintable()):
        return UNREAD
    root: Any = None
    here: Any = None  # the innermost list or mapping, and the column of its entries
    column = 0
    margin: str | None = None  # what stands before the keys of `here`, if it is a mapping
    above: list[tuple[Any, int]] = []
    waiting = ""  # the last key of `here`, if its value may follow on further lines
    for indent, dash, key, plain, opened, other in _LINE.findall(text):
        if indent != margin or dash or not key:
            if not (key or dash):
                if plain or opened or other:
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
            if dash and key:
                entry: dict[str, Any] = {}
                here.append(entry)
                above.append((here, column))
                here, column = entry, at + 2
            margin = " " * column if key else None
        waiting = ""
        value = plain or None
        if opened:
            value = _opened(opened, column if key and text.endswith("\n") else -1)
            if value is UNREAD:
                return UNREAD
        if not key:
            if value is None:
                return UNREAD
            here.append(value)
        elif key in here:
            return UNREAD
        else:
            here[key] = value
            if value is None:
                waiting = key
    return root


def _opened(text: str, column: int) -> Any:
    """A value that does not begin as it reads. `column` is that of its key, -1 where it may not have several lines."""
    if text[0] in "\"'":
        return text[1:-1]
    if text[0] == "|":
        return UNREAD if column < 0 else _lines(text, column)
    return _recurring(text) if len(text) <= SHORT else _bracketed(text)


def _lines(block: str, column: int) -> Any:
    """A text of several lines below a key in this column, with one line end at its end, or none after `|-`."""
    sign, *lines = block.split("\n")
    first = next((line for line in lines if line), "")
    indent = len(first) - len(first.lstrip(" "))
    if indent <= column:
        return UNREAD
    margin, words = " " * indent, []
    for line in lines:
        if line and (line.isspace() or not line.startswith(margin)):
            return UNREAD
        words.append(line[indent:])
    value = "\n".join(words).rstrip("\n")
    return value if sign == "|-" else value + "\n"


def _bracketed(text: str) -> Any:
    """A list or a mapping of values, lists and mappings, at most three deep."""
    if text == "[]":
        return []
    return _inside(text) if (_LIST if text[0] == "[" else _MAPPING).fullmatch(text) else UNREAD


_recurring = lru_cache(maxsize=512)(_bracketed)


def _inside(text: str) -> Any:
    """What is known to be a value in brackets: only a key that comes twice is wrong with it."""
    if text[0] == "[":
        entries = [_inside(item) for item in _ITEMS.findall(text)]
        return UNREAD if UNREAD in entries else entries
    if text[0] == "{":
        pairs = _PAIRS.findall(text)
        found = {key: _inside(value) for key, value in pairs}
        return found if len(found) == len(pairs) and UNREAD not in found.values() else UNREAD
    return text[1:-1] if text[0] in "\"'" else text
