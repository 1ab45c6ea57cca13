"""What waits to be invoiced: sessions and charges that stand on no invoice (domain §3 charge, A4)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Session
from portalgen.content.records.documents import Line
from portalgen.content.records.prepaid import Charge
from portalgen.rules.chargeable import (
    Outcome,
    billed_sessions,
    covered_by_retainer,
    line_for,
    outcome_of,
    price_of,
    session_day,
)
from portalgen.rules.followup import cancellation_policy
from portalgen.rules.money import Money
from portalgen.rules.packages import covered_by_packages


class LineProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A line to put on an invoice, and what it comes to. `amount` is None where the service has no fixed price.

    `waivers_left`: how many fees the policy still lets go this year; the practitioner decides (`waive` of the session).
    """

    kind: Literal["session", "charge"]
    id: str  # of the session or charge; empty for a charge without one, which no line can name
    date: dt.date
    line: Line
    amount: Money | None
    outcome: Outcome | None = None  # of a session
    charge: Charge | None = None
    waivers_left: int = 0


class Waivers(msgspec.Struct, frozen=True):
    """How many fees were waived in a calendar year, and how many the policy allows."""

    used: int
    allowed: int

    @property
    def left(self) -> int:
        """How many are left."""
        return max(self.allowed - self.used, 0)


def waiting(shared: Shared, folder: ClientFolder, today: dt.date) -> tuple[LineProposal, ...]:
    """Everything that waits, the oldest first."""
    found = [*unbilled_sessions(shared, folder, today), *waiting_charges(shared, folder, today)]
    return tuple(sorted(found, key=lambda proposal: proposal.date))


def unbilled_sessions(shared: Shared, folder: ClientFolder, today: dt.date) -> tuple[LineProposal, ...]:
    """Sessions by `today` that were held, or missed with a fee, and that no invoice, package or retainer pays for.

    A free session waits for nothing. Void invoices do not count, drafts do.
    """
    if not folder.sessions:
        return ()
    done = billed_sessions(shared, folder) | covered_by_packages(shared, folder, today)
    found = []
    for session in sorted(folder.sessions, key=lambda session: (session.start, session.id)):
        outcome = outcome_of(shared, session, today)
        if outcome is None or session.id in done or covered_by_retainer(shared, folder, session):
            continue
        line = line_for(shared, session, outcome)
        amount = price_of(shared, folder, line)
        if amount and not amount.amount:
            continue
        left = 0 if outcome == "held" else waivers(shared, folder, session).left
        found.append(
            LineProposal(
                kind="session",
                id=session.id,
                date=session_day(shared, session),
                line=line,
                amount=amount,
                outcome=outcome,
                waivers_left=left,
            )
        )
    return tuple(found)


def waiting_charges(shared: Shared, folder: ClientFolder, today: dt.date) -> tuple[LineProposal, ...]:
    """Charges dated by `today` that were not waived and stand on no invoice that holds."""
    if not folder.client.charges:
        return ()
    billed = {
        line.charge for invoice in folder.invoices.values() if not invoice.void for line in invoice.lines if line.charge
    }
    found = []
    for charge in sorted(folder.client.charges, key=lambda charge: charge.date):
        if charge.waived or charge.date > today or charge.id in billed:
            continue
        currency = folder.client.currency or shared.site.practice.currency
        line = Line(charge=charge.id)
        if charge.id is None:
            line = Line(description=charge.description, unit_price=charge.amount, date=charge.date, tax=charge.tax)
        found.append(
            LineProposal(
                kind="charge",
                id=charge.id or "",
                date=charge.date,
                line=line,
                amount=Money(charge.amount, currency),
                charge=charge,
            )
        )
    return tuple(found)


def waivers(shared: Shared, folder: ClientFolder, session: Session) -> Waivers:
    """How many fees were waived in the session's calendar year under the policy that holds for it."""
    policy = cancellation_policy(shared, session)
    year = session_day(shared, session).year
    used = [
        other
        for other in folder.sessions
        if other.waive and session_day(shared, other).year == year and cancellation_policy(shared, other) == policy
    ]
    return Waivers(len(used), policy.waivers_per_year if policy else 0)
