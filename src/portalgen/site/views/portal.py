"""Views of a client's page and what opens from it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from markupsafe import Markup

from portalgen.rules.money import Money
from portalgen.site.views.base import PageLink, View
from portalgen.site.views.money import InvoiceRow, StatementLink, YearLink
from portalgen.site.views.public import ReferralView


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
    language: str  # of title and summary
    address: str
    summary: str
    since: dt.date
    note: str


class AgreementRow(View, frozen=True, kw_only=True):
    """An agreement and whether it was accepted. `address` is its page behind the same link, relative to the portal."""

    title: str
    language: str  # of the title
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


class PaymentRow(View, frozen=True, kw_only=True):
    """A payment in the list, with its receipt; `address` is empty when there is none, as for money on its way."""

    date: dt.date
    amount: Money  # negative for a refund
    method: str
    status: Literal["cleared", "pending", "bounced"]
    number: str
    address: str


class HeldRow(View, frozen=True, kw_only=True):
    """A change of what is held: what came is above zero; what an invoice drew, or what went back, is below."""

    date: dt.date
    kind: Literal["received", "drawn", "refunded"]
    amount: Money
    balance: Money
    number: str  # of the invoice that drew, or the receipt
    address: str  # its page, or empty


class RetainerView(View, frozen=True, kw_only=True):
    """Money paid before the work. `balance` is none for the kinds of which nothing is held."""

    kind: Literal["engagement", "availability", "security", "advance"]
    amount: Money  # as agreed
    unit: Literal["", "month"]  # of what the amount is for each
    balance: Money | None
    floor: Money | None
    ask: Money | None  # what to pay now: the whole at the beginning, then what fills it up again
    ask_by: dt.date | None
    refund: Money | None  # what goes back now that the work has ended
    refundable: bool
    covers: tuple[str, ...]  # names of services
    start: dt.date | None
    end: dt.date | None
    rows: tuple[HeldRow, ...]  # the oldest first


class BoughtView(View, frozen=True, kw_only=True):
    """A package of sessions the client bought. `expires` is the last day to use it."""

    service: str
    bought: dt.date
    sessions: int
    used: int
    left: int
    expires: dt.date | None
    state: Literal["coming", "active", "used_up", "expired"]


class UpcomingView(View, frozen=True, kw_only=True):
    """An invoice that will come by agreement."""

    date: dt.date
    descriptions: tuple[str, ...]
    amount: Money | None  # with tax


class WaitingView(View, frozen=True, kw_only=True):
    """A session or cost that is on no invoice yet."""

    date: dt.date
    description: str
    amount: Money | None  # with tax; none where the price is not fixed


class MoneyView(View, frozen=True, kw_only=True):
    """What a client's page says of money beside the invoices."""

    payments: tuple[PaymentRow, ...] = ()
    statements: tuple[StatementLink, ...] = ()
    years: tuple[YearLink, ...] = ()
    retainer: RetainerView | None = None
    packages: tuple[BoughtView, ...] = ()
    upcoming: tuple[UpcomingView, ...] = ()
    waiting: tuple[WaitingView, ...] = ()


class PortalView(View, frozen=True, kw_only=True):
    """A client's page, also as another person sees it who sees all of it."""

    greeting: str  # first name, or the whole where it names more than one, or no person
    name: str
    about: str = ""  # the client, where another person is greeted
    called: str = ""  # what the title calls the reader; empty where the practice is discreet
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
    money: MoneyView = MoneyView()


class PersonView(View, frozen=True, kw_only=True):
    """The page of a further person who sees a part of a client's. `name` is the client's."""

    greeting: str
    name: str
    called: str = ""  # what the title calls the reader; empty where the practice is discreet
    ended: dt.date | None


class BillingView(PersonView, frozen=True, kw_only=True):
    """What a person with the scope `billing` sees: the bills that go to them."""

    due: tuple[DueView, ...]
    pending: tuple[Money, ...]
    invoices: tuple[InvoiceRow, ...]
    credit: tuple[Money, ...]
    money: MoneyView
    terms: PageLink | None


class AppointmentsView(PersonView, frozen=True, kw_only=True):
    """What a person with the scope `appointments` sees. `rule` is the one for cancelling."""

    paused: bool
    appointment: AppointmentView | None
    rebook: RebookView | None
    rhythm: RhythmView | None
    rule: PageLink | None


class AgreementView(View, frozen=True, kw_only=True):
    """The text of one agreement for one client."""

    title: str
    language: str  # of title and body
    body: Markup
    version: int
    effective: dt.date
    row: AgreementRow
    portal: str
    accept_href: str  # a prefilled e-mail, or empty
    signers: int


class TombstoneView(View, frozen=True, kw_only=True):
    """What a link that no longer opens anything says of itself."""

    reason: Literal["replaced", "revoked", "expired"]
