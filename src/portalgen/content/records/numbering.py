"""How documents are numbered (domain §4.1)."""

from __future__ import annotations

from typing import Annotated, Literal

from portalgen.content.records.base import Record
from portalgen.content.scalars import Text, Whole


class Series(Record, frozen=True, kw_only=True):
    """How one kind of document is numbered (domain §4.1)."""

    pattern: Text = "{yyyy}-{seq:4}"
    reset: Literal["never", "year", "month", "client"] = "year"
    start: Annotated[int, Whole(0, 99999999)] = 1


class Numbering(Record, frozen=True, kw_only=True):
    """One series for each kind of document."""

    invoice: Series = Series()
    credit_note: Series = Series(pattern="CN-{yyyy}-{seq:4}")
    receipt: Series = Series(pattern="R-{yyyy}-{seq:4}")
    estimate: Series = Series(pattern="E-{yyyy}-{seq:4}")
    letter: Series = Series(pattern="L-{yyyy}-{seq:4}")
