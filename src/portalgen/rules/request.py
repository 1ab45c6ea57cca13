"""A formal request to pay what is late of an invoice: what is asked for and on what ground (domain M10, §5)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Acceptance
from portalgen.content.records.offer import Agreement
from portalgen.rules.document import Document
from portalgen.rules.due import DAY
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.late import terms_accepted
from portalgen.rules.money import ZERO, Money, total

USUAL_DAYS = 14
"""How long the letter gives when the terms say nothing of it."""

NotAsked = Literal["draft", "scheduled", "void", "nothing_open", "disputed", "not_late"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the letter of a day asks for. `late` is open and past due = `asked` + `discussed`.

    `due` and `days_late` are of the earliest part that is open, without days of grace. `not_due` is open as well, and
    due later. `own_due`: the due date is the invoice's own, not its terms'. `agreed` is how the client accepted these.
    """

    document: Document
    day: dt.date
    deadline: dt.date
    due: dt.date
    own_due: bool
    days_late: int
    asked: Money
    late: Money
    discussed: Money
    not_due: Money
    paid: Money
    credited: Money
    written_off: Money
    agreed: tuple[Agreement, Acceptance] | None


def refusal(facts: InvoiceFacts) -> NotAsked | None:
    """Why there is nothing to ask for on the day of the facts; None when there is."""
    status = facts.status
    if status.document != "issued":
        return status.document
    if status.balance <= 0:
        return "nothing_open"
    if status.timing != "overdue":
        return "not_late"
    return None if status.due_now > 0 else "disputed"


def usual_deadline(shared: Shared, facts: InvoiceFacts, day: dt.date) -> dt.date:
    """The day by which to pay: by the step `request` of the terms as they are now, which is the practice's own rule."""
    terms = shared.terms.get(facts.terms.id, facts.terms) if facts.terms else None
    steps = terms.escalation if terms else ()
    days = next((step.deadline_days for step in steps if step.stage == "request"), None)
    return day + (days or USUAL_DAYS) * DAY


def request_of(shared: Shared, folder: ClientFolder, facts: InvoiceFacts, day: dt.date, deadline: dt.date) -> Request:
    """The request of a day; `facts` are of that day. Raises `ValueError` when there is nothing to ask for."""
    status, document = facts.status, facts.document
    if document is None or status.due is None or (why := refusal(facts)):
        raise ValueError(f"{facts.invoice.id}: {why if document else 'draft'}")
    late = total(part.open for part in facts.parts if part.due <= day)
    entries = facts.entries
    return Request(
        document=document,
        day=day,
        deadline=deadline,
        due=status.due,
        own_due=facts.invoice.due is not None,
        days_late=(day - status.due).days,
        asked=facts.money(status.due_now),
        late=facts.money(late),
        discussed=facts.money(late - status.due_now),
        not_due=facts.money(max(status.balance - late, ZERO)),
        paid=facts.money(entries.paid),
        credited=facts.money(entries.credited),
        written_off=facts.money(entries.written_off),
        agreed=terms_accepted(shared, folder, facts.terms, document.issued) if facts.terms else None,
    )
