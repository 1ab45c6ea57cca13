"""A client's money beside documents: what was paid ahead, and what is not invoiced yet (domain §3 client, charge)."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec

from portalgen.content.records.base import PRIVATE, Audience, Flaw, Record, Ref
from portalgen.content.records.documents import reversed_dates
from portalgen.content.records.offer import Tax
from portalgen.content.scalars import Date, Flag, Id, PositiveAmount, Text, Whole


class Retainer(Record, frozen=True, kw_only=True):
    """Money paid before the work: what is held, or what the client is guaranteed for it (domain A3)."""

    audience: ClassVar[Audience] = "client"
    kind: Literal["engagement", "availability", "security", "advance"]
    amount: PositiveAmount
    floor: PositiveAmount | None = None
    refundable: Flag | None = None
    due: Date | None = None
    terms: Annotated[Id, Ref("terms")] | None = None
    covers: tuple[Annotated[Id, Ref("service")], ...] = ()
    from_: Date | None = msgspec.field(name="from", default=None)
    until: Date | None = None

    @property
    def held(self) -> bool:
        """Whether the money stays the client's until it is drawn; else it is earned when it is paid."""
        return self.kind in ("security", "advance")

    def flaws(self) -> Iterator[Flaw]:
        if self.floor is not None and self.kind != "advance":
            message = f"the kind {self.kind} is not drawn down, so it has no floor"
            yield Flaw(("floor",), "one-of", message, "take 'floor' away, or write kind: advance")
        elif self.floor is not None and self.floor > self.amount:
            message = "the floor is higher than what it is filled up to"
            yield Flaw(("floor",), "bad-order", message, f"write at most {self.amount}")
        if self.covers and self.held:
            message = f"the kind {self.kind} covers no sessions: they are invoiced"
            yield Flaw(("covers",), "one-of", message, "take 'covers' away, or write kind: availability")
        if not self.held and self.refundable:
            message = f"the kind {self.kind} is earned when it is paid, so nothing comes back"
            yield Flaw(("refundable",), "one-of", message, "take 'refundable' away, or write kind: advance")
        if self.from_ and self.until:
            yield from reversed_dates(self.from_, self.until, "until")


class PackagePurchase(Record, frozen=True, kw_only=True):
    """Sessions bought at once."""

    audience: ClassVar[Audience] = "client"
    id: Id | None = None
    service: Annotated[Id, Ref("service")]
    sessions: Annotated[int, Whole(1, 999)]
    bought: Date
    invoice: Annotated[Id, Ref("invoice")] | None = None
    expires: Date | None = None
    price: PositiveAmount | None = None

    def flaws(self) -> Iterator[Flaw]:
        return reversed_dates(self.bought, self.expires, "expires") if self.expires else iter(())


class Charge(Record, frozen=True, kw_only=True):
    """A fee or an expense to put on an invoice. `source` is what it comes from: a session's or an invoice's id."""

    audience: ClassVar[Audience] = "client"
    id: Id | None = None
    date: Date
    description: Text
    amount: PositiveAmount
    tax: Tax | None = None
    kind: Literal["fee", "expense", "late_fee", "no_show"] = "fee"
    source: Annotated[Text, PRIVATE] | None = None
    waived: Annotated[Flag | Text, PRIVATE] = False

    def flaws(self) -> Iterator[Flaw]:
        if self.id is None and not self.waived:
            message = "no invoice can name this charge, so it waits for ever"
            yield Flaw((), "unnamed-charge", message, "add id:", "warning")
