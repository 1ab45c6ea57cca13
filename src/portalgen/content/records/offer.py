"""What the practice offers and the rules it works by: pages, services, policies, terms, guides, agreements …"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec

from portalgen.content.records.base import DERIVED, PRIVATE, Audience, Flaw, Record, Ref
from portalgen.content.scalars import (
    Asset,
    Currency,
    Date,
    Due,
    FeeText,
    Flag,
    Id,
    Language,
    Percent,
    Period,
    PositiveAmount,
    PriceText,
    Span,
    Text,
    UnitPrice,
    Url,
    Whole,
)

Category = Literal["S", "Z", "E", "AE", "O", "K", "G", "L", "M"]


class Document(Record, frozen=True, kw_only=True):
    """A Markdown file: front matter, then text. `body_line` is the line of the file on which the text begins."""

    audience: ClassVar[Audience] = "public"
    id: Annotated[str, DERIVED]
    path: Annotated[str, DERIVED]
    body: Annotated[str, DERIVED] = ""
    body_line: Annotated[int, DERIVED] = 1

    def empty(self) -> Iterator[Flaw]:
        """The flaw of a page without a text."""
        if not self.body.strip():
            yield Flaw((), "no-text", "there is no text below the front matter", "write it below the second ---")


class Page(Document, frozen=True, kw_only=True):
    """pages/*.md."""

    title: Text
    summary: Text | None = None
    order: Annotated[int, Whole(0, 9999)] = 100
    nav: Flag = True
    believes: tuple[Text, ...] = ()
    own_experience: Text | None = None
    training: tuple[Text, ...] = ()
    photo: Asset | None = None
    photo_alt: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.photo and not self.photo_alt:
            yield Flaw(
                ("photo",),
                "missing-alt",
                "the photo has no text for those who cannot see it",
                "add photo_alt: and say what it shows",
            )


class Tax(Record, frozen=True, kw_only=True):
    """A tax category of EN 16931 (UNCL 5305) with its rate in percent."""

    audience: ClassVar[Audience] = "public"
    category: Category
    rate: Percent | None = None
    reason: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.category == "S" and not self.rate:
            yield Flaw(
                ("category",),
                "tax-rate",
                "the standard category S needs a rate above zero",
                "add rate: or choose Z, E or O",
            )
        if self.category == "O" and self.rate is not None:
            yield Flaw(("rate",), "tax-rate", "the category O (not subject to tax) has no rate", "leave the rate out")
        if self.category in ("Z", "E", "AE", "K", "G") and self.rate:
            yield Flaw(("rate",), "tax-rate", f"the category {self.category} has the rate 0", "write rate: 0")


class PriceRange(Record, frozen=True, kw_only=True):
    """A sliding scale."""

    audience: ClassVar[Audience] = "public"
    from_: UnitPrice = msgspec.field(name="from")
    to: UnitPrice

    def flaws(self) -> Iterator[Flaw]:
        if self.to < self.from_:
            yield Flaw(("to",), "bad-order", "this scale ends below its beginning", "write the lower price in 'from'")


class DatedPrice(Record, frozen=True, kw_only=True):
    """A price that holds from a day on."""

    audience: ClassVar[Audience] = "public"
    from_: Date = msgspec.field(name="from")
    price: PriceText | PriceRange


class Package(Record, frozen=True, kw_only=True):
    """Several sessions bought at once."""

    audience: ClassVar[Audience] = "public"
    sessions: Annotated[int, Whole(1, 999)]
    price: PositiveAmount
    valid_months: Annotated[int, Whole(1, 120)] | None = None


class SessionCodes(Record, frozen=True, kw_only=True):
    """Billing codes of health insurers; never on a page."""

    cpt: Text | None = None
    modifiers: tuple[Text, ...] = ()
    pos: Text | None = None
    dx: tuple[Text, ...] = ()


Format = Literal["in_person", "video", "phone", "home"]


class Service(Document, frozen=True, kw_only=True):
    """services/*.md."""

    name: Text
    price: PriceText | PriceRange
    currency: Currency | None = None
    unit: Literal["session", "hour", "day", "item", "month", "km"] = "session"
    duration_minutes: Annotated[int, Whole(1, 10080)] | None = None
    tax: Tax | None = None
    price_includes_tax: Flag | None = None
    public_description: Text | None = None
    codes: Annotated[SessionCodes, PRIVATE] | None = None
    format: Format | tuple[Format, ...] | None = None
    for_: tuple[Text, ...] = msgspec.field(name="for", default=())
    not_for: tuple[Text, ...] = ()
    deposit: PositiveAmount | None = None
    cancellation: Annotated[Id, Ref("policy")] | None = None
    summary: Text | None = None
    packages: tuple[Package, ...] = ()
    booking_url: Url | None = None
    follow_up: Span | None = None
    order: Annotated[int, Whole(0, 9999)] = 100
    hidden: Flag = False
    closed_to_new: Flag = False
    prices: tuple[DatedPrice, ...] = ()


class Policy(Document, frozen=True, kw_only=True):
    """policies/*.md."""

    title: Text
    kind: Literal[
        "session", "cancellation", "communication", "boundaries", "concerns", "ending", "privacy", "reviews", "other"
    ]
    effective: Date
    version: Text = "1"
    summary: Text | None = None
    review_every: Span = Period(12, "m")
    public: Flag = True
    show_in_portal: Flag = True
    audience_: Text | None = msgspec.field(name="audience", default=None)
    language: Language | None = None
    notice_hours: Annotated[int, Whole(0, 720)] | None = None
    fee: FeeText | None = None
    no_show_fee: FeeText | None = None
    late_minutes: Annotated[int, Whole(0, 240)] = 15
    waivers_per_year: Annotated[int, Whole(0, 99)] = 0
    exceptions: tuple[Text, ...] = ()
    count_business_days_only: Flag = False

    def flaws(self) -> Iterator[Flaw]:
        yield from self.empty()
        if self.kind == "cancellation":
            for key in ("notice_hours", "fee"):
                if getattr(self, key) is None:
                    yield Flaw(
                        (),
                        "missing-key",
                        f"a cancellation policy needs '{key}'",
                        f"add {key}: {'24' if key == 'notice_hours' else '50%'}",
                    )


class TermsDeposit(Record, frozen=True, kw_only=True):
    """What is asked before the work begins."""

    audience: ClassVar[Audience] = "public"
    amount: PositiveAmount | None = None
    percent: Percent | None = None
    due: Due | None = None

    def flaws(self) -> Iterator[Flaw]:
        if (self.amount is None) == (self.percent is None):
            yield Flaw(
                (), "one-of", "a deposit is either an amount or a percentage", "write one of amount: and percent:"
            )


class EarlyDiscount(Record, frozen=True, kw_only=True):
    """A discount for paying early."""

    audience: ClassVar[Audience] = "public"
    percent: Percent
    days: Annotated[int, Whole(0, 365)]


class LateRule(Record, frozen=True, kw_only=True):
    """What may be charged when a payment is late."""

    audience: ClassVar[Audience] = "public"
    kind: Literal["none", "flat", "percent", "annual_interest"]
    value: PositiveAmount | None = None
    grace_days: Annotated[int, Whole(0, 365)] = 0
    after_days: Annotated[int, Whole(0, 365)] | None = None
    repeat: Span | Literal["once"] | None = None
    min: PositiveAmount | None = None
    max: PositiveAmount | None = None
    compound: Flag = False
    legal_mention: Text | None = None
    recovery_fee: PositiveAmount | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.kind != "none" and self.value is None:
            yield Flaw((), "missing-key", f"a late rule of the kind {self.kind} needs 'value'", "add value:")


class Reminder(Record, frozen=True, kw_only=True):
    """A message so many days before (-3) or after (+7) the due date."""

    when: Annotated[int, Whole(-365, 365)]
    template: Annotated[Id, Ref("letter")] | None = None


class Escalation(Record, frozen=True, kw_only=True):
    """A step of the ladder for overdue invoices."""

    after_days: Annotated[int, Whole(0, 3650)]
    stage: Literal["reminder", "request", "final", "demand", "legal"]
    template: Annotated[Id, Ref("letter")] | None = None
    deadline_days: Annotated[int, Whole(0, 365)] | None = None


class Disputes(Record, frozen=True, kw_only=True):
    """How a bill is questioned."""

    audience: ClassVar[Audience] = "public"
    notify_within_days: Annotated[int, Whole(1, 365)]
    contact: Text | None = None


class Terms(Record, frozen=True, kw_only=True):
    """terms/*.yaml: payment terms."""

    audience: ClassVar[Audience] = "public"
    path: Annotated[str, DERIVED]
    id: Id
    due: Due
    title: Text | None = None
    methods: tuple[Annotated[Id, Ref("method")], ...] = ()
    due_soon_days: Annotated[int, Whole(0, 90)] = 7
    deposit: TermsDeposit | None = None
    early_discount: EarlyDiscount | None = None
    late: LateRule = LateRule(kind="none")
    reminders: Annotated[tuple[Reminder, ...], PRIVATE] = ()
    escalation: Annotated[tuple[Escalation, ...], PRIVATE] = ()
    disputes: Disputes | None = None
    min_amount_to_escalate: Annotated[PositiveAmount, PRIVATE] | None = None
    business_days: Flag = False
    version: Text = "1"
    text: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        for key, days in (
            ("reminders", [r.when for r in self.reminders]),
            ("escalation", [e.after_days for e in self.escalation]),
        ):
            for n in range(1, len(days)):
                if days[n] <= days[n - 1]:
                    yield Flaw(
                        (key, n),
                        "bad-order",
                        f"the days in '{key}' do not increase",
                        "put the steps in the order of their days",
                    )
        stages = [step.stage for step in self.escalation]
        for n, stage in enumerate(stages):
            if stage in stages[:n]:
                yield Flaw(
                    ("escalation", n, "stage"),
                    "duplicate-id",
                    f"the stage '{stage}' comes twice",
                    "give each step a stage of its own",
                )


class Media(Record, frozen=True, kw_only=True):
    """A recording or picture that belongs to a guide."""

    audience: ClassVar[Audience] = "public"
    file: Asset
    alt: Text | None = None
    transcript: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if not self.alt and not self.transcript:
            yield Flaw(
                ("file",),
                "missing-alt",
                "this file has neither a description nor a transcript",
                "add alt: or transcript:",
            )


class Guide(Document, frozen=True, kw_only=True):
    """guides/*.md: what to try after a session."""

    title: Text
    summary: Text
    services: tuple[Annotated[Id, Ref("service")], ...] = ()
    steps: tuple[Text, ...] = ()
    when_to_contact: Text | None = None
    media: tuple[Media, ...] = ()
    language: Language | None = None
    review_every: Span | None = None
    retired: Flag | Date = False

    def flaws(self) -> Iterator[Flaw]:
        return self.empty()


class Agreement(Document, frozen=True, kw_only=True):
    """agreements/*.md: a text with variables that client and practitioner agree on."""

    audience: ClassVar[Audience] = "client"
    title: Text
    version: Annotated[int, Whole(1, 9999)]
    effective: Date
    services: tuple[Annotated[Id, Ref("service")], ...] = ()
    requires: tuple[Text, ...] = ()
    material: Flag = True
    replaces: Annotated[Id, Ref("agreement")] | None = None
    supersedes: Annotated[int, Whole(1, 9999)] | None = None
    expires_after: Span | None = None
    signers: Annotated[int, Whole(1, 9)] = 1
    acceptance: tuple[Literal["email", "print", "esign_url"], ...] = ("email", "print")
    esign_url: Url | None = None
    terms: Annotated[Id, Ref("terms")] | None = None
    language: Language | None = None
    draft: Flag = False


class Letter(Document, frozen=True, kw_only=True):
    """letters/*.md: a letter to send."""

    audience: ClassVar[Audience] = "private"
    title: Text | None = None
    updated: Date | None = None
