"""What a session costs the client by what became of it, and whether an invoice has it (domain A4, A3, §3 session)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Session
from portalgen.content.records.documents import Line, Unit
from portalgen.content.scalars import Fee
from portalgen.rules.followup import cancel_until, cancellation_policy, session_minutes
from portalgen.rules.lines import LineReader, Source, local_date, service_words
from portalgen.rules.money import CONTEXT, Money
from portalgen.rules.totals import HUNDRED, line_amount

Outcome = Literal["held", "late_cancelled", "no_show"]
MINUTES = Decimal(60)  # of an hour
STEP = Decimal("0.000001")  # of a quantity


def session_day(shared: Shared, session: Session) -> dt.date:
    """The day of a session in the practice's zone."""
    return local_date(session.start, shared.site.practice.timezone)


def outcome_of(shared: Shared, session: Session, today: dt.date) -> Outcome | None:
    """What became of a session that may be charged for; None while it is to come, and when nothing is asked for it.

    A session that the client cancelled after the latest moment for it counts as cancelled late, whatever was written.
    """
    if session_day(shared, session) > today or session.waive:
        return None
    if session.status == "held":
        return "held"
    outcome: Outcome | None = "no_show" if session.status == "no_show" else None
    if session.status == "late_cancelled" or _too_late(shared, session):
        outcome = "late_cancelled"
    fee = fee_for(shared, session, outcome) if outcome else None
    return outcome if fee and (fee.kind == "full" or fee.value > 0) else None


def fee_for(shared: Shared, session: Session, outcome: Outcome) -> Fee | None:
    """The fee by the cancellation policy; the whole price of what was held; None without a policy."""
    if outcome == "held":
        return Fee(kind="full")
    policy = cancellation_policy(shared, session)
    if policy is None:
        return None
    return (policy.no_show_fee or policy.fee) if outcome == "no_show" else policy.fee


def line_for(shared: Shared, session: Session, outcome: Outcome) -> Line:
    """The invoice line for a session. Half of the price is half a session, so that price and tax stay what they are.

    Where the service is priced by the hour, a session is as many hours as it is long, to six decimals. A fee of the
    session's own, or of the policy in one amount, is for all of it.
    The words for a fee are English and made to be edited; a held session takes its words from its service.
    """
    hourly = shared.services[session.service].unit == "hour"
    whole = Decimal(1)
    if hourly and session.fee is None and (minutes := session_minutes(shared, session)):
        whole = CONTEXT.divide(Decimal(minutes), MINUTES)
    one: Unit | None = "session" if hourly and session.fee is not None else None
    if outcome == "held":
        return Line(session=session.id, quantity=_quantity(whole), unit=one)
    what = "Missed" if outcome == "no_show" else "Cancelled late"
    words = f"{what}: {service_words(shared.services[session.service])}"
    fee = fee_for(shared, session, outcome) or Fee(kind="full")
    if fee.kind == "amount":
        return Line(session=session.id, description=words, unit_price=fee.value, unit="session" if hourly else None)
    share = fee.value / HUNDRED if fee.kind == "percent" else Decimal(1)
    return Line(session=session.id, description=words, quantity=_quantity(CONTEXT.multiply(whole, share)), unit=one)


def price_of(shared: Shared, folder: ClientFolder, line: Line) -> Money | None:
    """What a proposed line comes to, in the currency that its price is in; None when there is no fixed price."""
    home = shared.site.practice.currency
    own = folder.client.currency or home
    session = next((session for session in folder.sessions if session.id == line.session), None)
    service = shared.services.get(line.service or (session.service if session else ""))
    wanted = [home] if line.unit_price is not None else [own, (service.currency if service else None) or home]
    for currency in wanted:
        reader = LineReader(shared, folder)
        priced = reader.read((line,), Source("", currency, None))
        if not {"no-price", "other-currency", "waived"} & {finding.code for finding in reader.findings}:
            return Money(line_amount(priced.lines[0], currency), currency)
    return None


def billed_sessions(shared: Shared, folder: ClientFolder) -> frozenset[str]:
    """The sessions on an invoice that is not void, drafts too: those that a line names, or its service and day.

    A deposit, and what was invoiced for a package, names a day without being for its session.
    """
    ahead = {purchase.invoice for purchase in folder.client.packages}
    named: set[str] = set()
    days: set[tuple[str, dt.date]] = set()
    for invoice in folder.invoices.values():
        for line in invoice.lines if not invoice.void else ():
            day = line.date or invoice.service_date
            if line.session:
                named.add(line.session)
            elif line.service and day and invoice.kind != "deposit" and invoice.id not in ahead:
                days.add((line.service, day))
    return frozenset(
        session.id
        for session in folder.sessions
        if session.id in named or (session.service, session_day(shared, session)) in days
    )


def covered_by_retainer(shared: Shared, folder: ClientFolder, session: Session) -> bool:
    """Whether the client's engagement or availability retainer pays for a session."""
    retainer = folder.client.retainer
    if retainer is None or retainer.held or session.service not in retainer.covers:
        return False
    day = session_day(shared, session)
    return (retainer.from_ or day) <= day <= (retainer.until or day)


def _quantity(exact: Decimal) -> Decimal:
    """A quantity with no more decimals than a line may have."""
    cut = exact.quantize(STEP, context=CONTEXT)
    return exact if cut == exact else cut


def _too_late(shared: Shared, session: Session) -> bool:
    if session.status != "cancelled_by_client" or session.cancelled_at is None:
        return False
    until = cancel_until(shared, session)
    return until is not None and session.cancelled_at > until
