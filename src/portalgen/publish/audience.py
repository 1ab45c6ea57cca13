"""Who may read a field, as the records define it (domain §2)."""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from portalgen.content.convert import fields_of
from portalgen.content.records.base import For, Record
from portalgen.content.records.offer import Document

STRICT = {"public": 0, "derived": 0, "client": 1, "private": 2}


def strictness(record: type[Record], hint: Any) -> int:
    """How private a field is: as it says itself, as the record in it says, or as its own record says."""
    for mark in _marks(hint):
        if isinstance(mark, For):
            return STRICT[mark.audience]
    return 0 if _nested(hint) else STRICT[record.audience]


def _marks(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is Annotated:
        yield from hint.__metadata__
        yield from _marks(get_args(hint)[0])
    elif get_origin(hint) in (Union, types.UnionType):
        for inner in get_args(hint):
            yield from _marks(inner)


def _nested(hint: Any) -> bool:
    return (isinstance(hint, type) and issubclass(hint, Record)) or any(map(_nested, get_args(hint)))


def public_texts(value: object) -> Iterator[str]:
    """Every text in records that anybody may read: their public fields, dates as in ISO 8601, and Markdown."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dt.date):
        yield value.isoformat()
    elif isinstance(value, Record):
        for field in _public_fields(type(value)):
            yield from public_texts(getattr(value, field))
    elif isinstance(value, Mapping):
        yield from (text for entry in value.values() for text in public_texts(entry))
    elif isinstance(value, tuple):
        yield from (text for entry in value for text in public_texts(entry))


@cache
def _public_fields(record: type[Record]) -> tuple[str, ...]:
    fields = fields_of(record).values()
    body = ("body",) if issubclass(record, Document) and record.audience == "public" else ()
    return (*(field.name for field, hint in fields if not strictness(record, hint)), *body)
