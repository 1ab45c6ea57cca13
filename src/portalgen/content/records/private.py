"""private/: what is never published (domain A11, A12, R10)."""

from typing import ClassVar, Literal

import msgspec

from portalgen.content.records.base import Audience, Record
from portalgen.content.records.offer import Document
from portalgen.content.scalars import Date, Flag, Id, Quantity, Text


class Supervision(Record, frozen=True, kw_only=True):
    """An entry of supervision.yaml."""

    date: Date
    hours: Quantity
    with_: Text | None = msgspec.field(name="with", default=None)
    kind: Literal["supervision", "peer"] = "supervision"
    questions: tuple[Text, ...] = ()
    notes: Text | None = None


class Review(Record, frozen=True, kw_only=True):
    """An entry of reviews.yaml: a public review and how it was met."""

    id: Id | None = None
    where: Text
    date: Date
    text: Text
    wrong_done: Text | None = None
    plan: Text | None = None
    replied: Date | Flag | None = None


class Lessons(Document, frozen=True, kw_only=True):
    """lessons.md."""

    audience: ClassVar[Audience] = "private"
    title: Text | None = None
    updated: Date | None = None
