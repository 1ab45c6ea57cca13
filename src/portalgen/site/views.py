"""What each template may see. A view is frozen and holds everything its page shows, and nothing of anybody else.

Amounts are `Money`, days are dates, words are codes: templates put them into the reader's language.
An `address` is a page's place below the root, written as a folder (`services/trauma/`, `""` is the home page).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

import msgspec
from markupsafe import Markup

from portalgen.rules.money import Money
from portalgen.rules.status import Label


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all views."""


class PageLink(View, frozen=True, kw_only=True):
    """A link to a page of this site."""

    title: str
    address: str
    summary: str = ""


class Picture(View, frozen=True, kw_only=True):
    """`file` is a path below the root, e.g. `static/room.svg`."""

    file: str
    alt: str


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
    """The 404 page is self-contained: its links start with `base` (absolute) and its style is inline."""

    base: str
    style: Markup


# --- private pages -----------------------------------------------------------------------------------


class PartyView(View, frozen=True, kw_only=True):
    """A seller or buyer. `name` is the legal one; `details` are labelled numbers, e.g. ("vat_id", "IE…")."""

    name: str
    care_of: str
    address: tuple[str, ...]
    email: str
    phone: str
    details: tuple[tuple[str, str], ...]


class WayToPay(View, frozen=True, kw_only=True):
    """A way to pay this amount. `rows` are (code, value) pairs to copy: payee, iban, bic, reference …"""

    kind: str
    label: str
    href: str  # empty when there is no link
    amount: Money
    rows: tuple[tuple[str, str], ...]
    instructions: str
    fee_note: str
    settles_in: str
    qr: Markup = Markup("")  # an inline drawing of what the rows say, or empty


class ReductionView(View, frozen=True, kw_only=True):
    """A discount or charge: `amount` is positive, `percent` is set when it was given as one."""

    amount: Money
    percent: Decimal | None
    reason: str


class LineView(View, frozen=True, kw_only=True):
    """An invoice line. `net` is what stands in the amount column (gross where prices include tax)."""

    description: str
    date: dt.date | None
    period: tuple[dt.date, dt.date] | None
    quantity: Decimal
    unit: str
    unit_price: Money
    discount: ReductionView | None
    net: Money
    tax_category: str
    tax_rate: Decimal


class TaxView(View, frozen=True, kw_only=True):
    """One row of the tax table."""

    category: str
    rate: Decimal
    base: Money
    tax: Money
    reason: str


class PaymentView(View, frozen=True, kw_only=True):
    """A payment that concerns this invoice; `amount` is the part for it, negative for a refund."""

    date: dt.date
    amount: Money
    method: str
    reference: str
    status: Literal["cleared", "pending", "failed", "bounced"]


class CreditView(View, frozen=True, kw_only=True):
    """A credit note for this invoice."""

    number: str
    date: dt.date
    amount: Money
    reason: str


class DepositView(View, frozen=True, kw_only=True):
    """A deposit invoice that this one deducts."""

    number: str
    date: dt.date
    amount: Money


class InstalmentView(View, frozen=True, kw_only=True):
    """One part of a payment plan."""

    due: dt.date
    amount: Money
    paid: Money
    state: Literal["paid", "part", "open", "due_today", "past_due"]


class InvoiceView(View, frozen=True, kw_only=True):
    """One invoice, for its client."""

    number: str
    kind: Literal["standard", "deposit", "final", "cancellation_fee"]
    issued: dt.date
    due: dt.date | None
    label: Label
    due_now: Money  # what to pay next; zero when nothing is asked
    due_now_by: dt.date | None
    balance: Money
    total: Money
    paid: Money
    pending: Money  # on its way
    seller: PartyView
    buyer: PartyView
    service_period: tuple[dt.date, dt.date] | None
    service_date: dt.date | None
    references: tuple[tuple[str, str], ...]  # ("po", …), ("buyer", …)
    includes_tax: bool
    shows_tax: bool  # whether there is a tax table at all
    lines: tuple[LineView, ...]
    line_total: Money
    discount: ReductionView | None
    charges: tuple[ReductionView, ...]
    total_without_tax: Money
    taxes: tuple[TaxView, ...]
    total_tax: Money
    rounding: Money
    deposits: tuple[DepositView, ...]
    payments: tuple[PaymentView, ...]
    credits: tuple[CreditView, ...]
    written_off: Money
    schedule: tuple[InstalmentView, ...]
    credit_left: Money  # surplus that became the client's credit
    ways: tuple[WayToPay, ...]  # empty when nothing is due, void or disputed; the first is offered first
    notes: Markup
    mentions: tuple[str, ...]  # what the law wants printed
    terms: TermsView | None
    attachments: tuple[PageLink, ...]  # address is the file, relative to this page
    promised_by: dt.date | None


class InvoiceRow(View, frozen=True, kw_only=True):
    """An invoice in the portal's list."""

    number: str
    address: str
    issued: dt.date
    due: dt.date | None
    total: Money
    balance: Money
    label: Label


class DueView(View, frozen=True, kw_only=True):
    """What is due now in one currency: the sum, the earliest day, and the invoices it is for."""

    amount: Money
    by: dt.date
    past_due: bool  # and not promised
    invoices: tuple[InvoiceRow, ...]
    promised_by: dt.date | None = None  # when all of it is


class AppointmentView(View, frozen=True, kw_only=True):
    """The next appointment. `start` is in the client's zone; `zone` is named when it differs from the practice's."""

    start: dt.datetime
    minutes: int | None
    service: str
    format: str
    place: str
    video_url: str
    zone: str
    cancel_until: dt.datetime | None
    calendar: str = ""  # the calendar file beside the portal, or empty


class RebookView(View, frozen=True, kw_only=True):
    """Nothing is planned: about when to meet, and how to book."""

    around: dt.date | None
    why: str
    href: str


class AssignedGuide(View, frozen=True, kw_only=True):
    """A guide given to this client."""

    title: str
    address: str
    summary: str
    since: dt.date
    note: str


class AgreementRow(View, frozen=True, kw_only=True):
    """An agreement and whether it was accepted. `address` is its page behind the same link, relative to the portal."""

    title: str
    address: str
    version: int
    accepted: dt.date | None
    by: str
    method: str
    state: Literal["open", "accepted", "outdated", "revoked"]


class RhythmView(View, frozen=True, kw_only=True):
    """How often we meet: a count and d, w, m or y."""

    count: int
    unit: Literal["d", "w", "m", "y"]
    reason: str


class EndedView(View, frozen=True, kw_only=True):
    """The work has ended."""

    date: dt.date
    reason: str
    records: str
    referrals: tuple[ReferralView, ...]


class PortalView(View, frozen=True, kw_only=True):
    """A client's page."""

    greeting: str  # first name
    name: str
    due: tuple[DueView, ...]
    appointment: AppointmentView | None
    rebook: RebookView | None
    plan: Markup
    plan_title: str
    goals: tuple[tuple[str, bool], ...]  # text, reached
    rhythm: RhythmView | None
    invoices: tuple[InvoiceRow, ...]
    credit: tuple[Money, ...]  # money the practice holds for the client, one per currency
    pending: tuple[Money, ...] = ()  # money on its way, one per currency
    payer: str = ""  # who gets the bills, when that is another person; then nothing is due here
    guides: tuple[AssignedGuide, ...]
    preferences: tuple[str, ...]
    agreements: tuple[AgreementRow, ...]
    policies: tuple[PageLink, ...]
    ended: EndedView | None
    paused: bool


class AgreementView(View, frozen=True, kw_only=True):
    """The text of one agreement for one client."""

    title: str
    body: Markup
    version: int
    effective: dt.date
    row: AgreementRow
    portal: str
    accept_href: str  # a prefilled e-mail, or empty
    signers: int
