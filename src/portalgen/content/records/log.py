"""log.yaml: every contact with a client, the evidence of what was said and sent (domain R1). Private."""

from typing import Annotated, ClassVar, Literal

import msgspec

from portalgen.content.records.base import Audience, Record, Ref
from portalgen.content.scalars import Date, DateTime, FileName, Flag, Id, PositiveAmount, Text


class Promise(Record, frozen=True, kw_only=True):
    """The client promised to pay."""

    audience: ClassVar[Audience] = "client"
    amount: PositiveAmount
    by: Date


class Delivery(Record, frozen=True, kw_only=True):
    """How a letter was sent and that it arrived."""

    method: Text
    tracking: Text | None = None
    proof: Text | None = None


class LogFollowUp(Record, frozen=True, kw_only=True):
    """What to do next about this contact."""

    on: Date
    what: Text


Channel = Literal["email", "phone", "sms", "video", "in_person", "letter", "portal", "other"]
Direction = Literal["in", "out"]
LogKind = Literal[
    "general", "booking", "follow_up", "check_in", "reminder", "request", "final", "demand", "legal", "promise",
    "dispute", "concern", "boundary", "ending", "review",
]  # fmt: skip


class LogEntry(Record, frozen=True, kw_only=True):
    """An entry of log.yaml: one contact with the client. Private but for a shared promise."""

    at: DateTime
    channel: Channel
    direction: Direction
    summary: Text
    id: Id | None = None
    by: Text | None = None
    with_: Text | None = msgspec.field(name="with", default=None)
    kind: LogKind = "general"
    body: Text | None = None
    invoice: tuple[Annotated[Id, Ref("invoice")], ...] = ()
    session: Annotated[Id, Ref("session")] | None = None
    promise: Promise | None = None
    delivery: Delivery | None = None
    attachments: tuple[FileName, ...] = ()
    follow_up: LogFollowUp | None = None
    share: Flag = False
    amends: Annotated[Id, Ref("log")] | None = None
    status: Text | None = None
    tags: tuple[Text, ...] = ()
