"""Good faith estimates of one client (domain §3; their rules come later)."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from portalgen.content.records.base import DERIVED, Audience, Flaw, Record, Ref
from portalgen.content.scalars import Currency, Date, Id, Text, UnitPrice, Whole


class EstimateItem(Record, frozen=True, kw_only=True):
    """One expected service of an estimate."""

    service: Annotated[Id, Ref("service")]
    code: Text | None = None
    count: Annotated[int, Whole(1, 999)]
    unit_price: UnitPrice
    dx: Text | None = None


class EstimateGiven(Record, frozen=True, kw_only=True):
    """When and how the estimate was handed over."""

    date: Date
    method: Text


class Estimate(Record, frozen=True, kw_only=True):
    """clients/<id>/estimates/*.yaml: a good faith estimate (its rules come later)."""

    audience: ClassVar[Audience] = "private"
    path: Annotated[str, DERIVED]
    client: Annotated[str, DERIVED]
    id: Id
    requested: Date | None = None
    scheduled: Date | None = None
    first_service: Date
    items: tuple[EstimateItem, ...]
    valid_months: Annotated[int, Whole(1, 12)] = 12
    given: EstimateGiven | None = None
    separate: tuple[Text, ...] = ()
    supersedes: Annotated[Id, Ref("estimate")] | None = None
    number: Text | None = None
    currency: Currency | None = None
    notes: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if (self.requested is None) == (self.scheduled is None):
            yield Flaw(
                (),
                "one-of",
                "an estimate was either requested or scheduled",
                "write one of requested: and scheduled: with its date",
            )
