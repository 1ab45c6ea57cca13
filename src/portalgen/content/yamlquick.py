"""The YAML that most files are written in, read by lines, in less than half of the time of the parser's events.

Known are lists and mappings by indentation, plain and quoted texts on one line, texts of several lines (`|`), short
lists and mappings in brackets, comments. Of a text with anything else, or anything doubtful, nothing is read:
`yamltext` does it.
"""

from __future__ import annotations

import re
from typing import Any

LARGEST = 100_000
DEEPEST = 50

_SIGNS = r"[^:#\n]*"
_PLAIN = rf"-?[\w(/+.]{_SIGNS}(?::[\w/]{_SIGNS})*(?<! )"
_KEY = r"[A-Za-z_][A-Za-z0-9_-]{0,60}"
_QUOTED = r"\"[^\"\\\n]*\"|'[^'\n]*'"
_LINE = re.compile(
    rf"^(?:( *)(- )?(?:({_KEY}):(?: |$))?"
    rf"(?:({_PLAIN})|({_QUOTED})|([\[{{].*[\]}}])|(\|-?(?:\n(?:\1(?(2)  ) +(?! )[^\n]+| *)$)+))?"
    rf"(?: +\#[^\n]*)?$"
    rf"| *\#[^\n]*$"
    rf"|(.))",
    re.MULTILINE,
)
_VALUE = rf"-?\w(?:[^,?:#\[\]{{}}\n]*[^ ,?:#\[\]{{}}\n])?|{_QUOTED}"


def _list(item: str) -> str:
    return rf"\[ ?(?:{item})(?:, (?:{item}))* ?\]"


def _pairs(value: str) -> str:
    return rf"\{{ ?{_KEY}: (?:{value})(?:, {_KEY}: (?:{value}))* ?\}}"


_INNER = f"{_VALUE}|{_list(_VALUE)}|{_pairs(_VALUE)}"
_ITEM = f"{_VALUE}|{_pairs(_INNER)}"
_LIST, _ITEMS = re.compile(_list(_ITEM)), re.compile(_ITEM)
_MAPPING, _PAIRS = re.compile(_pairs(_INNER)), re.compile(f"({_KEY}): ({_INNER})")
UNREAD: Any = object()
"""What is not in that form."""


def quick(text: str) -> Any:
    """The data that `yamltext.parse` finds in a text, if it finds nothing wrong with it; or `UNREAD`."""
    # which signs YAML forbids or reads in its own way would take long to say; none of them is printable
    if len(text) > LARGEST or not text.replace("\n", "").isprintable():
        return UNREAD
    root: Any = None
    here: Any = None  # the innermost list or mapping, and the column of its entries
    column = 0
    above: list[tuple[Any, int]] = []
    waiting = ""  # the last key of `here`, if its value may follow on further lines
    for indent, dash, key, plain, quoted, brackets, block, other in _LINE.findall(text):
        if not (key or dash):
            if plain or quoted or brackets or block or other:
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
        elif block:
            value = _lines(block, at + len(dash)) if key and text.endswith("\n") else UNREAD
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


def _lines(block: str, column: int) -> Any:
    """A text of several lines below a key in this column, with one line end at its end, or none after `|-`."""
    sign, *lines = block.split("\n")
    first = next((line for line in lines if line), "")
    indent = len(first) - len(first.lstrip(" "))
    margin = " " * indent
    if indent <= column or any(line and (line.isspace() or not line.startswith(margin)) for line in lines):
        return UNREAD
    value = "\n".join(line[indent:] for line in lines).rstrip("\n")
    return value if sign == "|-" else value + "\n"


def _bracketed(text: str) -> Any:
    """A list or a mapping of values, lists and mappings, at most three deep."""
    if text == "[]":
        return []
    if _LIST.fullmatch(text):
        entries = [_bare(item) for item in _ITEMS.findall(text)]
        return UNREAD if UNREAD in entries else entries
    if not _MAPPING.fullmatch(text):
        return UNREAD
    pairs = _PAIRS.findall(text)
    found = {key: _bare(value) for key, value in pairs}
    return found if len(found) == len(pairs) and UNREAD not in found.values() else UNREAD


def _bare(text: str) -> Any:
    if text[0] in "[{":
        return _bracketed(text)
    return text[1:-1] if text[0] in "\"'" else text
