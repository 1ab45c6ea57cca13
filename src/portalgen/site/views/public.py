"""Views of the public pages."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from portalgen.rules.money import Money
from portalgen.site.views.base import PageLink, Picture, View


class Span(View, frozen=True, kw_only=True):
    """Opening hours of one weekday (0 is Monday): pairs of times."""

    weekday: int
    hours: tuple[tuple[dt.time, dt.time], ...]


class ChannelView(View, frozen=True, kw_only=True):
    """A way to reach the practitioner; `href` is empty when it is no link."""

    kind: str
    value: str
    href: str
    use: str
    response_time: str


class CrisisView(View, frozen=True, kw_only=True):
    """Where to turn at once. `tel` is a `tel:` address or empty."""

    name: str
    phone: str
    tel: str
    url: str
    hours: str
    country: str


class LeaveView(View, frozen=True, kw_only=True):
    """Days away, both included."""

    start: dt.date
    end: dt.date
    cover: str


class PracticeView(View, frozen=True, kw_only=True):
    """What every page may say about the practice."""

    name: str
    legal_name: str
    owner: str
    profession: str
    email: str
    mailto: str  # the address as a link
    phone: str
    tel: str
    address: tuple[str, ...]
    hours: tuple[Span, ...]
    timezone: str
    response_time: str
    channels: tuple[ChannelView, ...]
    leave: tuple[LeaveView, ...]
    crisis: tuple[CrisisView, ...]
    languages: tuple[str, ...]
    accessibility: str
    credentials: tuple[str, ...]
    licences: tuple[str, ...]
    company_ids: tuple[tuple[str, str], ...]
    booking: str  # an https or mailto address, or empty
    logo: Picture | None


class PriceView(View, frozen=True, kw_only=True):
    """A price. `low` is the amount, or the lower end of a range."""

    kind: Literal["amount", "range", "free", "on_request"]
    unit: str
    low: Money | None = None
    high: Money | None = None
    tax_rate: Decimal | None = None  # percent, when tax is charged
    includes_tax: bool = False


class ServiceCard(View, frozen=True, kw_only=True):
    """A service in a list."""

    name: str
    address: str
    summary: str
    price: PriceView
    minutes: int | None
    formats: tuple[str, ...]
    closed_to_new: bool


class HomeView(View, frozen=True, kw_only=True):
    """The first page."""

    title: str
    summary: str
    body: Markup
    photo: Picture | None
    services: tuple[ServiceCard, ...]
    first_session: PageLink | None
    story: PageLink | None
    fees_from: Money | None
    closed_to_new: bool


class TextView(View, frozen=True, kw_only=True):
    """A page that is mostly its text."""

    title: str
    summary: str
    body: Markup


class StoryView(View, frozen=True, kw_only=True):
    """The practitioner's own story."""

    title: str
    summary: str
    body: Markup
    believes: tuple[str, ...]
    own_experience: str
    training: tuple[str, ...]
    photo: Picture | None
    services: tuple[ServiceCard, ...]


class ServicesView(View, frozen=True, kw_only=True):
    """All services that are not hidden."""

    services: tuple[ServiceCard, ...]


class PackageView(View, frozen=True, kw_only=True):
    """Several sessions bought at once."""

    sessions: int
    price: Money
    valid_months: int | None


class DatedPriceView(View, frozen=True, kw_only=True):
    """A price that will hold from a day on."""

    start: dt.date
    price: PriceView


class FeeView(View, frozen=True, kw_only=True):
    """A fee: the full price, a percentage, or an amount."""

    kind: Literal["full", "percent", "amount"]
    percent: Decimal | None = None
    amount: Money | None = None


class CancellationView(View, frozen=True, kw_only=True):
    """The rule for cancelling, as numbers; `policy` is its page when that is public."""

    policy: PageLink | None
    notice_hours: int
    business_days: bool
    fee: FeeView
    no_show_fee: FeeView
    late_minutes: int
    waivers_per_year: int
    exceptions: tuple[str, ...]


class ServiceView(View, frozen=True, kw_only=True):
    """One service."""

    card: ServiceCard
    body: Markup
    for_: tuple[str, ...]
    not_for: tuple[str, ...]
    packages: tuple[PackageView, ...]
    deposit: Money | None
    coming_prices: tuple[DatedPriceView, ...]
    cancellation: CancellationView | None
    guides: tuple[PageLink, ...]
    referrals: bool  # whether there is a referrals page
    story: PageLink | None
    first_session: PageLink | None
    booking: str


class TermsView(View, frozen=True, kw_only=True):
    """Payment terms."""

    title: str
    address: str
    due_kind: str  # as DueRule.kind
    due_count: int
    due_weekday: int
    methods: tuple[str, ...]
    deposit: FeeView | None
    early_percent: Decimal | None
    early_days: int
    late_kind: Literal["none", "flat", "percent", "annual_interest"]
    late_percent: Decimal | None
    late_amount: Money | None
    grace_days: int
    recovery_fee: Money | None
    legal_mention: str
    dispute_days: int | None
    dispute_contact: str
    text: Markup


class FeesView(View, frozen=True, kw_only=True):
    """The fees page, derived from services and terms."""

    services: tuple[ServiceView, ...]
    terms: tuple[TermsView, ...]
    methods: tuple[MethodView, ...]
    tax_status: Literal["none", "registered", "exempt"]
    tax_mention: str
    currencies: tuple[str, ...]


class MethodView(View, frozen=True, kw_only=True):
    """A way to pay, without an amount."""

    kind: str
    label: str
    fee_note: str
    settles_in: str
    currencies: tuple[str, ...]


class PoliciesView(View, frozen=True, kw_only=True):
    """All public policies."""

    policies: tuple[PageLink, ...]


class PolicyView(View, frozen=True, kw_only=True):
    """One policy."""

    title: str
    language: str  # of title, summary and body
    summary: str
    kind: str
    effective: dt.date
    version: str
    body: Markup
    cancellation: CancellationView | None
    others: tuple[PageLink, ...]


class TermsListView(View, frozen=True, kw_only=True):
    """All payment terms."""

    terms: tuple[TermsView, ...]


class GuidesView(View, frozen=True, kw_only=True):
    """All guides that are not retired."""

    guides: tuple[PageLink, ...]


class MediaView(View, frozen=True, kw_only=True):
    """A picture, recording or other file of a guide; `kind` is image, audio, video or file."""

    kind: str
    file: str
    alt: str
    transcript: str


class GuideView(View, frozen=True, kw_only=True):
    """One guide."""

    title: str
    summary: str
    body: Markup
    steps: tuple[str, ...]
    when_to_contact: str
    media: tuple[MediaView, ...]
    services: tuple[PageLink, ...]
    retired: bool
    language: str


class ContactView(View, frozen=True, kw_only=True):
    """How to reach the practice; the rest is in `practice`."""

    concerns: PageLink | None


class ReferralView(View, frozen=True, kw_only=True):
    """A colleague."""

    name: str
    profession: str
    topics: tuple[str, ...]
    phone: str
    tel: str
    email: str
    address: tuple[str, ...]
    url: str
    languages: tuple[str, ...]


class ReferralsView(View, frozen=True, kw_only=True):
    """Colleagues who consented to be listed."""

    referrals: tuple[ReferralView, ...]


class NotFoundView(View, frozen=True, kw_only=True):
    """The 404 page is self-contained: its links start with `base` (absolute), its style and script are inline."""

    base: str
    style: Markup
    script: Markup = Markup("")


class SealedView(View, frozen=True, kw_only=True):
    """The page around what is sealed: its look and script, what the script needs (JSON), and where the bytes stand."""

    look: Markup
    script: Markup
    setup: Markup
    sealed: str
