"""Invoices that return, written in client.yaml (their rules come later)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from portalgen.content.records.base import Record, Ref
from portalgen.content.records.documents import Line
from portalgen.content.scalars import Date, Flag, Id, Text, UnitPrice, Whole


class PriceChange(Record, frozen=True, kw_only=True):
    """From this day a recurring invoice has this unit price."""

    from_: Date = msgspec.field(name="from")
    unit_price: UnitPrice


class Recurring(Record, frozen=True, kw_only=True):
    """An invoice that returns (its rules come later)."""

    id: Id
    lines: tuple[Line, ...]
    every: Literal["1w", "2w", "4w", "1m", "2m", "3m", "6m", "1y"]
    from_: Date = msgspec.field(name="from")
    day: Literal["last"] | Annotated[int, Whole(1, 31)] | None = None
    until: Date | None = None
    count: Annotated[int, Whole(1, 9999)] | None = None
    terms: Annotated[Id, Ref("terms")] | None = None
    approve: Literal["auto", "draft"] = "draft"
    skip: tuple[Date, ...] = ()
    paused: Flag | Date = False
    price_changes: tuple[PriceChange, ...] = ()
    period_text: Text | None = None
