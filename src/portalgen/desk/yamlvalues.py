"""Values as YAML that our strict reader gives back exactly: plain where that is safe, in quotes where it is not."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from portalgen.content.records.base import Misfit
from portalgen.content.yamltext import parse

Value = str | int | bool | Decimal | dt.date | dt.datetime | Mapping[str, "Value | None"] | Sequence["Value"]
"""What can be written: amounts as `Decimal`, dates as dates; a mapping leaves out keys whose value is None."""

WIDEST = 100  # columns of what is written on one line in braces or brackets
_PLAIN = re.compile(r"(?:[^\W_]|[_./+]|-(?=\d)).*", re.DOTALL)
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off"))  # which other readers take for something else
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def entry_text(entry: Mapping[str, Value | None], indent: str = "") -> str:
    """One entry of a list as YAML, from its dash to its last line end. Raises `Misfit` for what no file may hold."""
    lines = _fields(entry, "  ")
    return "".join(f"{indent}{line}\n" if line else "\n" for line in [f"- {lines[0][2:]}", *lines[1:]])


def fields_text(fields: Mapping[str, Value | None]) -> str:
    """The fields of a mapping as YAML, one below the other."""
    return "".join(f"{line}\n" for line in _fields(fields, ""))


def record_fields(record: msgspec.Struct) -> dict[str, Value | None]:
    """What a file would say to hold this record: its fields without those that it has by default."""
    found: dict[str, Value | None] = {}
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if value != default and field.encode_name not in ("path", "client"):
            found[field.encode_name] = _field(value)
    return found


def _field(value: Any) -> Value:
    if isinstance(value, msgspec.Struct):
        return record_fields(value)
    return [_field(item) for item in value] if isinstance(value, tuple) else value


def _fields(fields: Mapping[str, Value | None], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in fields.items():
        if value is None:
            continue
        short = _short(value, len(indent) + len(key) + 2)
        if short is not None:
            lines.append(f"{indent}{key}: {short}")
        elif isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_fields(value, f"{indent}  ")]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            lines.append(f"{indent}{key}:")
            for item in value:
                lines += item_lines(item, f"{indent}  ")
        else:
            first, *rest = scalar(text_of(value)).split("\n")
            lines += [f"{indent}{key}: {first}", *(f"{indent}  {line}" if line else "" for line in rest)]
    return lines


def item_lines(item: Value, indent: str = "  ") -> list[str]:
    """The lines of one item of a list, without line ends."""
    if isinstance(item, Mapping) and (len(_present(item)) != 2 or _short(item, len(indent) + 2) is None):
        lines = _fields(item, f"{indent}  ")
        return [f"{indent}- {lines[0].lstrip()}", *lines[1:]]
    return [f"{indent}- {_short(item, 0) or _flow(item)}"]


def _present(fields: Mapping[str, Value | None]) -> dict[str, Value]:
    return {key: value for key, value in fields.items() if value is not None}


def _short(value: Value, column: int) -> str | None:
    """A value on the line of its key, or None when it reads better below."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(not isinstance(item, str) for item in value):
            return None if value else "[]"
    elif not isinstance(value, Mapping):
        text = scalar(text_of(value)) if isinstance(value, str) else text_of(value)
        return None if "\n" in text else text
    text = _flow(value)
    return text if column + len(text) <= WIDEST else None


def _flow(value: Value) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in _present(value).items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar(text_of(value), flow=True) if isinstance(value, str) else text_of(value)


def text_of(value: Value) -> str:
    """A scalar's text, as our reader gives it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value).replace("\r\n", "\n").replace("\r", "\n")


def scalar(text: str, flow: bool = False) -> str:
    """A text as YAML: plain where that is read back the same, else in quotes; several lines as a block."""
    if _CONTROL.search(text):
        raise Misfit("this text holds a control character", "write the text without it", "control-character")
    for candidate in _spellings(text, flow):
        shown = candidate.replace("\n", "\n  ")
        read = parse(f"{{k: {shown}}}\n" if flow else f"k: {shown}\n")
        if not read.slips and read.data == {"k": text}:
            return candidate
    raise Misfit("this text cannot be written into a file", "write it in plain letters")


def _spellings(text: str, flow: bool) -> Iterator[str]:
    several = "\n" in text
    if not several and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        yield text
    if not several and text.isprintable():
        yield f'"{text}"' if "'" in text and not re.search(r'["\\]', text) else "'" + text.replace("'", "''") + "'"
    if several and not flow:
        yield f"|-\n{text}" if not text.endswith("\n") else f"|\n{text.removesuffix(chr(10))}"
    yield '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return {"\n": "\\n", "\t": "\\t"}.get(sign) or f"\\U{ord(sign):08X}"


def as_read(value: Value) -> Any:
    """A value as the reader gives it: texts, lists and mappings."""
    if isinstance(value, Mapping):
        return {key: as_read(inner) for key, inner in _present(value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [as_read(item) for item in value]
    return text_of(value)
