"""One client: the person, the agreements, the appointments, the contact log (domain §3)."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec

from portalgen.content.records.base import CLIENT, DERIVED, PRIVATE, Audience, Flaw, Record, Ref
from portalgen.content.records.documents import LinkSettings, reversed_dates
from portalgen.content.records.offer import Document, Format, SessionCodes
from portalgen.content.records.prepaid import Charge, PackagePurchase, Retainer
from portalgen.content.records.recurring import Recurring
from portalgen.content.scalars import (
    Country,
    Currency,
    Date,
    DateTime,
    Email,
    Flag,
    Id,
    Language,
    Phone,
    PositiveAmount,
    PriceText,
    Span,
    Text,
    Timezone,
    Url,
    Whole,
)


class Name(Record, frozen=True, kw_only=True):
    """How the client is called, and the legal name where it differs."""

    audience: ClassVar[Audience] = "client"
    display: Text
    legal: Text | None = None


class ClientAddress(Record, frozen=True, kw_only=True):
    """A client's postal address, as much of it as is known."""

    audience: ClassVar[Audience] = "client"
    line1: Text | None = None
    line2: Text | None = None
    postcode: Text | None = None
    city: Text | None = None
    region: Text | None = None
    country: Country | None = None


class Company(Record, frozen=True, kw_only=True):
    """The company that the client is, or works for."""

    audience: ClassVar[Audience] = "client"
    name: Text
    vat_id: Text | None = None
    reference: Text | None = None


class Contact(Record, frozen=True, kw_only=True):
    """A further person with a link of their own, limited to a scope; with the role `self` the client."""

    audience: ClassVar[Audience] = "client"
    id: Id
    name: Text
    email: Email | None = None
    phone: Phone | None = None
    address: ClientAddress | None = None
    role: Literal["self", "parent", "partner", "guardian", "payer", "assistant"]
    scope: Literal["all", "billing", "appointments"]
    until: Annotated[Date, PRIVATE] | None = None


class Rhythm(Record, frozen=True, kw_only=True):
    """How often client and practitioner mean to meet."""

    audience: ClassVar[Audience] = "client"
    every: Span
    from_: Date | None = msgspec.field(name="from", default=None)
    until: Date | None = None
    reason: Text | None = None


class Acceptance(Record, frozen=True, kw_only=True):
    """The client accepted one version of an agreement."""

    audience: ClassVar[Audience] = "client"
    agreement: Annotated[Id, Ref("agreement")]
    version: Annotated[int, Whole(1, 9999)]
    hash: Text | None = None
    date: Date
    by: Text | None = None
    method: Literal["paper", "email", "esign", "in_person"]
    evidence: Annotated[Text, PRIVATE] | None = None
    revoked: Date | None = None


class GuideAssignment(Record, frozen=True, kw_only=True):
    """A guide given to this client."""

    audience: ClassVar[Audience] = "client"
    guide: Annotated[Id, Ref("guide")]
    since: Date
    until: Date | None = None
    note: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        return reversed_dates(self.since, self.until, "until") if self.until else iter(())


class Preference(Record, frozen=True, kw_only=True):
    """What makes the work safe for this client; shown only when shared."""

    audience: ClassVar[Audience] = "client"
    text: Text
    share: Annotated[Flag, PRIVATE] = False


class Goal(Record, frozen=True, kw_only=True):
    """What the client works towards, or has reached; shown only when shared."""

    audience: ClassVar[Audience] = "client"
    text: Text
    share: Annotated[Flag, PRIVATE] = False
    done: Date | Flag | None = None
    date: Date | None = None


class CheckIns(Record, frozen=True, kw_only=True):
    """Routine questions, asked again and again."""

    audience: ClassVar[Audience] = "client"
    every: Span
    questions: tuple[Text, ...]


class Diagnosis(Record, frozen=True, kw_only=True):
    """Never published."""

    code: Text
    from_: Date | None = msgspec.field(name="from", default=None)


class Insurance(Record, frozen=True, kw_only=True):
    """Never published."""

    name: Text | None = None
    member_id: Text | None = None
    group: Text | None = None
    phone: Phone | None = None
    notes: Text | None = None


class Risk(Record, frozen=True, kw_only=True):
    """What was checked about a new client. Never published."""

    referred_by: Text | None = None
    reference_checked: Date | Flag | None = None
    deposit_required: Flag | None = None
    note: Text | None = None


class Ended(Record, frozen=True, kw_only=True):
    """How and when the work ended."""

    audience: ClassVar[Audience] = "client"
    date: Date
    by: Text | None = None
    reason_private: Annotated[Text, PRIVATE] | None = None
    reason_public: Text | None = None
    referrals: tuple[Annotated[Id, Ref("referral")], ...] | Literal["none"] = ()
    records: Text | None = None
    letter: Annotated[Date | Text, PRIVATE] | None = None
    link_days: Annotated[int, Whole(0, 3660), PRIVATE] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.referrals == "none" and not (self.reason_public or self.reason_private):
            yield Flaw(
                ("referrals",),
                "missing-key",
                "ending without referrals needs a reason",
                "add reason_public: or reason_private:",
            )
        if self.referrals == ():
            yield Flaw(
                (),
                "missing-key",
                "the end of the work needs at least one referral",
                "add referrals: [id], or referrals: none with a reason",
            )


class Transfer(Record, frozen=True, kw_only=True):
    """What is handed to a colleague, with recorded consent."""

    to: Text
    what: Text
    consent_date: Date
    expires: Date | None = None
    purpose: Text | None = None


class Client(Record, frozen=True, kw_only=True):
    """clients/<id>/client.yaml."""

    audience: ClassVar[Audience] = "private"
    path: Annotated[str, DERIVED]
    id: Id
    name: Annotated[Name, CLIENT]
    status: Literal["lead", "active", "paused", "ended", "archived"] = "active"
    pronouns: Text | None = None
    birth_date: Date | None = None
    email: Annotated[Email, CLIENT] | None = None
    phone: Annotated[Phone, CLIENT] | None = None
    address: Annotated[ClientAddress, CLIENT] | None = None
    language: Annotated[Language, CLIENT] | None = None
    currency: Annotated[Currency, CLIENT] | None = None
    country: Annotated[Country, CLIENT] | None = None
    timezone: Annotated[Timezone, CLIENT] | None = None
    company: Annotated[Company, CLIENT] | None = None
    contacts: Annotated[tuple[Contact, ...], CLIENT] = ()
    payer: Annotated[Id, Ref("contact")] | None = None
    since: Annotated[Date, CLIENT] | None = None
    terms: Annotated[Id, Ref("terms"), CLIENT] | None = None
    methods: tuple[Annotated[Id, Ref("method")], ...] = ()
    services: Annotated[tuple[Annotated[Id, Ref("service")], ...], CLIENT] = ()
    rates: Annotated[dict[Annotated[Id, Ref("service")], PriceText], CLIENT] = msgspec.field(default_factory=dict)
    rhythm: Annotated[Rhythm, CLIENT] | None = None
    agreements: Annotated[tuple[Annotated[Id, Ref("agreement")], ...], CLIENT] = ()
    accepted: Annotated[tuple[Acceptance, ...], CLIENT] = ()
    retainer: Annotated[Retainer, CLIENT] | None = None
    packages: Annotated[tuple[PackagePurchase, ...], CLIENT] = ()
    guides: Annotated[tuple[GuideAssignment, ...], CLIENT] = ()
    preferences: Annotated[tuple[Preference, ...], CLIENT] = ()
    goals: Annotated[tuple[Goal, ...], CLIENT] = ()
    milestones: Annotated[tuple[Goal, ...], CLIENT] = ()
    check_ins: Annotated[CheckIns, CLIENT] | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    insurance: Insurance | None = None
    risk: Risk | None = None
    notes: Text | None = None
    do_not_contact: Flag = False
    link: LinkSettings | None = None
    privacy: Literal["sealed", "unlisted"] | None = None
    publish: Flag = True
    ended: Annotated[Ended, CLIENT] | None = None
    transfer: Transfer | None = None
    legal_hold: Flag = False
    recurring: tuple[Recurring, ...] = ()
    charges: Annotated[tuple[Charge, ...], CLIENT] = ()

    def flaws(self) -> Iterator[Flaw]:
        for n, contact in enumerate(self.contacts):
            if any(other.id == contact.id for other in self.contacts[:n]):
                yield Flaw(
                    ("contacts", n, "id"),
                    "duplicate-id",
                    f"two contacts have the id '{contact.id}'",
                    "give one of them another id",
                )
            if contact.role == "self" and contact.scope != "all":
                yield Flaw(
                    ("contacts", n, "scope"),
                    "self-scope",
                    f"'{contact.id}' is the client, whose page always shows everything",
                    "write scope: all, or another role",
                    "warning",
                )
            if contact.id == self.payer and contact.scope == "appointments":
                yield Flaw(
                    ("payer",),
                    "payer-scope",
                    f"'{contact.id}' pays but may only see appointments",
                    "give that contact scope: billing or scope: all",
                )
        for key, entries in (("charges", self.charges), ("packages", self.packages), ("recurring", self.recurring)):
            ids = [entry.id for entry in entries]
            for n, entry_id in enumerate(ids):
                if entry_id and entry_id in ids[:n]:
                    message = f"two {key} have the id '{entry_id}'"
                    yield Flaw((key, n, "id"), "duplicate-id", message, "give one of them another id")
        if self.status == "ended" and not self.ended:
            yield Flaw(
                ("status",), "missing-key", "an ended client needs 'ended'", "add ended: with its date and referrals"
            )
        if self.status == "active" and self.ended:
            yield Flaw(
                ("ended",),
                "status-differs",
                "this says how the work ended, and the status is active",
                "write status: ended, or take 'ended' away",
                "warning",
            )


class Plan(Document, frozen=True, kw_only=True):
    """clients/<id>/plan.md: what this client does next."""

    audience: ClassVar[Audience] = "client"
    title: Text | None = None
    updated: Date | None = None


class FollowUp(Record, frozen=True, kw_only=True):
    """When to meet again: after a span, or on a day."""

    audience: ClassVar[Audience] = "client"
    in_: Span | None = msgspec.field(name="in", default=None)
    on: Date | None = None
    why: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if (self.in_ is None) == (self.on is None):
            yield Flaw(
                (), "one-of", "a follow-up is either in a while or on a day", "write one of in: 2w and on: 2026-12-31"
            )


class Waive(Record, frozen=True, kw_only=True):
    """Why no fee is asked for a missed session."""

    reason: Text


SessionStatus = Literal[
    "planned", "confirmed", "held", "cancelled_by_client", "cancelled_by_me", "late_cancelled", "no_show", "rescheduled"
]


class Session(Record, frozen=True, kw_only=True):
    """An entry of sessions.yaml: an appointment, to come or past."""

    audience: ClassVar[Audience] = "client"
    id: Id
    start: DateTime
    service: Annotated[Id, Ref("service")]
    end: DateTime | None = None
    minutes: Annotated[int, Whole(1, 10080)] | None = None
    status: SessionStatus = "planned"
    cancelled_at: Annotated[DateTime, PRIVATE] | None = None
    format: Format | None = None
    place: Text | None = None
    video_url: Url | None = None
    fee: PositiveAmount | None = None
    waive: Annotated[Waive, PRIVATE] | None = None
    codes: Annotated[SessionCodes, PRIVATE] | None = None
    guide: Annotated[Id, Ref("guide")] | None = None
    follow_up: FollowUp | None = None
    next: Annotated[Id, Ref("session")] | None = None
    notes: Annotated[Text, PRIVATE] | None = None
    sequence: Annotated[int, Whole(0, 9999)] = 0
    updated: Annotated[DateTime | Date, PRIVATE] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.end and self.end <= self.start:
            yield Flaw(("end",), "bad-order", "this session ends before it begins", "write a later time in 'end'")
        if self.end and self.minutes:
            yield Flaw(("minutes",), "one-of", "this session has both an end and a length", "keep one of them")
