"""YAML by a parser's events: mappings, lists and strings; no types, aliases, tags or duplicate keys (domain §2).

One pass over the events builds the data. Positions cost time, so they are gathered by a second pass, and only for a
file about which there is something to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from portalgen.content.records.base import KeyPath
from portalgen.content.slips import Mark, Parsed, Slip

DEEPEST = 100
MOST_SLIPS = 50
MOST_VALUES = 200_000
_Parser: Callable[[str], Any] = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_DROPPED = "\0"  # stands for a key that was refused; no key of a file can be it
_ODD = re.compile(r"[&!\\]")  # without one of these there is no anchor, no tag and no escape
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _StopError(Exception):
    """Nothing after this can be read."""


class _Slips(list[Slip]):
    """Problems found so far; a file with very many is not read to its end."""

    def append(self, slip: Slip) -> None:
        super().append(slip)
        if len(self) >= MOST_SLIPS:
            raise _StopError


def parse_strictly(text: str) -> Parsed:
    """Read one document. Every scalar is a string; an empty plain one (`key:`) is None."""
    slips = _Slips()
    try:
        get = _Parser(text).get_event
        data = _build(get if len(text) < MOST_VALUES else _counted(get, slips), slips, _ODD.search(text) is not None)
    except _StopError:
        return Parsed(None, tuple(slips), True)
    except yaml.YAMLError as error:
        return Parsed(None, (*slips, _syntax(error, text)), True)
    return Parsed(data, tuple(slips))


def _counted(get: Callable[[], Any], slips: _Slips) -> Callable[[], Any]:
    """The same events, but not more than a person can have written."""
    count = 0

    def counted() -> Any:
        nonlocal count
        count += 1
        event = get()
        if count > MOST_VALUES:
            slips.append(Slip(event.start_mark.index, "too-large", "this file holds very many values", "split it"))
            raise _StopError
        return event

    return counted


def _build(get: Callable[[], Any], slips: _Slips, odd: bool) -> Any:
    """The data of these events. `odd`: the text may hold a tag, an anchor or an escape."""
    root: list[Any] = []
    here: Any = root
    mapping = False
    key: str | None = None
    stack: list[tuple[Any, bool]] = []
    documents = 0
    while True:
        event = get()
        kind = type(event)
        if kind is ScalarEvent:
            value = event.value
            if odd and (event.tag is not None or event.anchor is not None or _CONTROL.search(value)):
                _refuse_scalar(event, slips)
            if not mapping:
                here.append(value if value or event.style else None)
            elif key is not None:
                here[key] = value if value or event.style else None
                key = None
            elif value in here or value == "<<" or not value:
                key = _DROPPED
                slips.append(_bad_key(event, value))
            else:
                key = value
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if odd and (event.anchor is not None or event.tag is not None):
                _refuse_scalar(event, slips)
            if mapping and key is None:
                slips.append(_bad_key(event, None))
                _skip(get, len(stack))
                key = _DROPPED
                continue
            new: Any = {} if kind is MappingStartEvent else []
            if mapping:
                here[key] = new
            else:
                here.append(new)
            stack.append((here, mapping))
            if len(stack) > DEEPEST:
                message = f"this is nested more than {DEEPEST} levels deep"
                slips.append(Slip(event.start_mark.index, "too-deep", message, "write it with fewer levels"))
                raise _StopError
            here, mapping, key = new, kind is MappingStartEvent, None
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            if slips and mapping:
                here.pop(_DROPPED, None)
            here, mapping = stack.pop()
            key = None
        elif kind is AliasEvent:
            slips.append(_no_anchors(event))
            if not mapping:
                here.append(None)
            elif key is None:
                key = _DROPPED
            else:
                here[key] = None
                key = None
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                message = "a second document begins here; a file holds one"
                slips.append(Slip(event.start_mark.index, "several-documents", message, "take the line --- away"))
                raise _StopError
        elif kind is StreamEndEvent:
            return root[0] if root else None


def _skip(get: Callable[[], Any], above: int) -> None:
    """Pass over what began with the last event."""
    depth = 1
    while depth:
        if above + depth > DEEPEST:
            raise _StopError
        kind = type(get())
        if kind is MappingStartEvent or kind is SequenceStartEvent:
            depth += 1
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            depth -= 1


def _no_anchors(event: Any) -> Slip:
    message = "anchors and aliases (& and *) are not read"
    return Slip(event.start_mark.index, "alias", message, "write the value out, or put text that begins so in quotes")


def _refuse_scalar(event: Any, slips: _Slips) -> None:
    start: int = event.start_mark.index
    if event.anchor is not None:
        slips.append(_no_anchors(event))
    if event.tag is not None:
        hint = "take the word with ! away, or put text that begins with ! in quotes"
        slips.append(Slip(start, "tag", "tags (!) are not read", hint))
    if isinstance(event, ScalarEvent) and _CONTROL.search(event.value):
        message = "this text holds a control character"
        slips.append(Slip(start, "control-character", message, "write the text without it"))


def _bad_key(event: Any, key: str | None) -> Slip:
    index = event.start_mark.index
    if key is None:
        return Slip(index, "bad-key", "a key is one word, not a list or a mapping", "write the key as text")
    if key == "<<":
        return Slip(index, "merge-key", "merge keys (<<) are not read", "write the keys out")
    if not key:
        return Slip(index, "bad-key", "there is no key before this colon", "write the key, or take the line away")
    return Slip(index, "duplicate-key", f"the key '{key}' comes twice", "keep one of them")


_MESSAGES = (
    (
        "mapping values are not allowed",
        "there is a colon where none may be",
        "put text that holds ': ' in quotes, or check that this line is indented like its neighbours",
    ),
    ("quoted scalar", "this quotation mark is never closed", "close it with the same mark"),
    (
        "cannot start any token",
        "nothing can begin with this character",
        "put the text in quotes; indent with spaces, not with tabs",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "write the entries on lines of their own, each with '- ' before it",
    ),
    ("expected '-' indicator", "this line does not belong to the list above", "begin it with '- ' or indent it alike"),
    ("expected ',' or ']'", "this list in brackets goes wrong here", "put a comma between entries and ] at the end"),
    ("expected ',' or '}'", "these braces go wrong here", "put a comma between the parts and } at the end"),
    (
        "expected ':'",
        "there is no colon after this key",
        "write 'key: value' with a space after the colon; indent a text of several lines",
    ),
    ("expected key", "this line is not indented like its neighbours", "begin it where the line before it begins"),
    ("unknown escape", "this escape with a backslash is not known", "use single quotes, or write the backslash twice"),
    ("escape", "this escape with a backslash is not a character", "write the character itself"),
    ("undefined tag handle", "tags (!) are not read", "put text that begins with ! in quotes"),
    ("alias", "anchors and aliases (& and *) are not read", "put text that begins with & or * in quotes"),
    ("anchor", "anchors and aliases (& and *) are not read", "put text that begins with & or * in quotes"),
)


def _syntax(error: yaml.YAMLError, text: str) -> Slip:
    """One friendly problem for what the parser stopped at."""
    if not isinstance(error, yaml.MarkedYAMLError):
        position = getattr(error, "position", 0) or 0
        index = len(text.encode()[:position].decode("utf-8", "ignore"))
        return Slip(index, "control-character", "this character may not stand in YAML", "take it away")
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    if "quoted scalar" in said and "end of stream" in said:
        mark = error.context_mark or mark
    index = min(mark.index, len(text)) if mark else 0
    line_start = text.rfind("\n", 0, index) + 1
    if "\t" in text[line_start:index] + text[index : index + 1] and not text[line_start:index].strip():
        return Slip(index, "yaml", "a tab cannot indent a line", "use spaces")
    if "quoted scalar" in said and "end of stream" not in said:
        said = error.problem or ""
    for part, message, hint in _MESSAGES:
        if part in said:
            return Slip(index, "yaml", message, hint)
    hint = "check the indentation, the colons and the quotation marks here"
    return Slip(index, "yaml", f"this is not YAML ({(error.problem or 'it cannot be read').strip()})", hint)


def marks(text: str, wanted: Iterable[KeyPath]) -> dict[KeyPath, Mark]:
    """Where these keys, and all that lies around them, stand, as far as the text can be read.

    Of a duplicate key the first is meant. Reading stops when everything wanted is found.
    """
    missing = set(wanted)
    around = {path[:length] for path in missing for length in range(len(path) + 1)}
    found: dict[KeyPath, Mark] = {}
    parser: Any = None

    def walk(event: Any, path: KeyPath, key: int | None) -> None:
        start = event.start_mark.index
        kind = type(event)
        if path in around and path not in found:
            found[path] = Mark(start if key is None else key, start)
            missing.discard(path)
            if not missing:
                raise _StopError
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            _skip(parser.get_event, len(path))
            return
        if kind is SequenceStartEvent:
            n = 0
            while type(inner := parser.get_event()) is not SequenceEndEvent:
                walk(inner, (*path, n), None)
                n += 1
        elif kind is MappingStartEvent:
            while type(name := parser.get_event()) is not MappingEndEvent:
                begin = name.start_mark.index
                word = name.value if type(name) is ScalarEvent else _DROPPED
                if type(name) is MappingStartEvent or type(name) is SequenceStartEvent:
                    _skip(parser.get_event, len(path))
                walk(parser.get_event(), (*path, word), begin)

    try:
        parser = _Parser(text)
        while type(event := parser.get_event()) is not StreamEndEvent:
            if type(event) in (ScalarEvent, MappingStartEvent, SequenceStartEvent):
                walk(event, (), None)
                break
    except (yaml.YAMLError, _StopError):
        pass
    return found
