"""Catalogues of words in the format of GNU gettext (`.po`), as translators and their programs write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from gettext import c2py

import msgspec

Plural = Callable[[int], int]
"""Which form a whole number takes, counted from 0."""

_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[(\d)\])?)\s+)?"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_PLURAL = re.compile(r"^Plural-Forms:\s*nplurals\s*=\s*(\d+)\s*;\s*plural\s*=([^;\n]+)", re.MULTILINE)


class Entry(msgspec.Struct, frozen=True):
    """One message. `forms` are the translations, one or as many as the language has forms; empty ones are missing."""

    context: str
    message: str
    plural: str
    forms: tuple[str, ...]
    fuzzy: bool
    line: int

    @property
    def key(self) -> str:
        """What the message is looked up by."""
        return key(self.context, self.message)


class Po(msgspec.Struct, frozen=True):
    """A catalogue: its messages and how it counts."""

    entries: tuple[Entry, ...]
    nplurals: int
    plural: Plural


class Messages(msgspec.Struct, frozen=True):
    """What a catalogue translates, by `key`: single messages, those with forms, and which form a number takes."""

    texts: Mapping[str, str]
    forms: Mapping[str, tuple[str, ...]]
    plural: Plural


class NotPo(ValueError):
    """A text is no catalogue. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def key(context: str, message: str) -> str:
    """A message in a context, as gettext writes the two as one."""
    return f"{context}\x04{message}" if context else message


def parse(text: str) -> Po:
    """The catalogue in a text. Without a header that says otherwise, one is singular and all else plural.

    Raises `NotPo`.
    """
    nplurals = 2
    plural: Plural = _germanic
    entries: list[Entry] = []
    for entry in _entries(text):
        if entry.message or entry.context:
            entries.append(entry)
        elif found := _PLURAL.search(entry.forms[0]):
            nplurals = int(found[1])
            try:
                plural = c2py(found[2].strip())
            except ValueError:
                raise NotPo(entry.line, f"this is no rule for plural forms: {found[2].strip()}") from None
    return Po(tuple(entries), nplurals, plural)


def messages(po: Po) -> Messages:
    """What is translated, and surely: a form left empty or marked fuzzy is none."""
    ready = [entry for entry in po.entries if not entry.fuzzy and all(entry.forms)]
    return Messages(
        {entry.key: entry.forms[0] for entry in ready if not entry.plural},
        {entry.key: entry.forms for entry in ready if entry.plural and len(entry.forms) == po.nplurals},
        po.plural,
    )


def _germanic(number: int) -> int:
    return int(number != 1)


def _entries(text: str) -> Iterator[Entry]:
    parts: dict[str, str] = {}
    fuzzy, start, field = False, 1, ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            if "msgstr" in parts or "msgstr[0]" in parts:
                yield _entry(parts, fuzzy, start)
                parts, fuzzy, field = {}, False, ""
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise NotPo(number, f"this line is neither a comment nor a text in quotes: {line[:60]}")
        if found[1]:
            if found[1] in ("msgctxt", "msgid") and ("msgstr" in parts or "msgstr[0]" in parts):
                yield _entry(parts, fuzzy, start)
                parts, fuzzy = {}, False
            field = found[1]
            if field in parts:
                raise NotPo(number, f"'{field}' stands here twice")
            if not parts:
                start = number
            parts[field] = ""
        elif not field:
            raise NotPo(number, "this text belongs to nothing; write msgid or msgstr before it")
        parts[field] += _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), found[3])
    if parts:
        yield _entry(parts, fuzzy, start)


def _entry(parts: Mapping[str, str], fuzzy: bool, line: int) -> Entry:
    if "msgid" not in parts:
        raise NotPo(line, "a translation needs the message it translates: msgid")
    forms = tuple(text for name, text in sorted(parts.items()) if name.startswith("msgstr"))
    if not forms:
        raise NotPo(line, "this message has no translation: write msgstr below it")
    return Entry(parts.get("msgctxt", ""), parts["msgid"], parts.get("msgid_plural", ""), forms, fuzzy, line)
