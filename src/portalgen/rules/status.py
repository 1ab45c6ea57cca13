"""The life cycle of an invoice, derived from its data and the day (domain §4.3)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.records.documents import Invoice
from portalgen.rules.due import DAY, Part
from portalgen.rules.money import ZERO, Money, total

DocumentState = Literal["draft", "scheduled", "issued", "void"]
MoneyState = Literal[
    "nothing_due", "unpaid", "partially_paid", "paid", "credited", "written_off", "overpaid", "refunded"
]
TimingState = Literal["none", "not_due", "due_soon", "due_today", "grace", "overdue"]
LabelCode = Literal[
    "void", "discussed", "nothing_due", "written_off", "credited", "paid", "due_today", "past_due", "partly_paid", "due"
]


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing a client reads about an invoice's state.

    `as_of` is the day from which this state holds, never the day of the build. `since` is the first day past due;
    `open` is the balance; `credit` is what was paid too much. `asked` is what of an invoice that is being discussed is
    not in question, None where all of it is. `next` is set where several parts of a plan are open: what of them is due
    on `due`, or once past due, what is due by now, the first of it since `due`.
    """

    code: LabelCode
    as_of: dt.date
    open: Money
    due: dt.date | None = None
    since: dt.date | None = None
    credit: Money | None = None
    asked: Money | None = None
    next: Money | None = None


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one invoice up to a day, summed. `changed` is the latest date among them."""

    received: Decimal = ZERO  # cleared, before refunds
    refunded: Decimal = ZERO  # positive
    pending: Decimal = ZERO
    credited: Decimal = ZERO
    written_off: Decimal = ZERO
    changed: dt.date | None = None

    @property
    def paid(self) -> Decimal:
        """Cleared payments less refunds."""
        return self.received - self.refunded


NOTHING = Entries()
"""Of an invoice about which nothing happened."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The three axes and what follows for the client. `surplus` is what was paid or credited beyond the total.

    `discussed` is what of the balance is disputed. `due_now` leaves it out: the undisputed rest is still due.
    """

    document: DocumentState
    money: MoneyState
    timing: TimingState
    overdue_from: dt.date | None  # the first day after due and grace, once it is reached
    balance: Decimal
    surplus: Decimal
    disputed: bool
    discussed: Decimal
    due: dt.date | None  # of the earliest part that is open
    due_now: Decimal
    due_now_by: dt.date | None
    label: Label

    def days_overdue(self, today: dt.date) -> int:
        """The days from the first one overdue to the day of this status, both included. No page tells them."""
        return (today - self.overdue_from).days + 1 if self.overdue_from else 0


def document_state(invoice: Invoice, today: dt.date) -> DocumentState:
    """draft → scheduled → issued → void."""
    if invoice.issued is None:
        return "draft"
    if invoice.void and invoice.void.date <= today:
        return "void"
    return "scheduled" if invoice.issued > today else "issued"


def money_state(amount: Decimal, entries: Entries) -> MoneyState:
    """The money axis for a document of `amount`."""
    paid = entries.paid
    balance = amount - paid - entries.credited - entries.written_off
    if amount == 0 and not paid:
        return "nothing_due"
    if balance < 0:
        return "overpaid"
    if balance > 0:
        return "partially_paid" if paid > 0 else "unpaid"
    if paid > 0:
        return "written_off" if entries.written_off else "paid"
    if entries.refunded:
        return "refunded"
    return "written_off" if entries.written_off else "credited"


def timing_state(due: dt.date | None, grace: int, soon: int, today: dt.date) -> TimingState:
    """The timing axis of what is due on a day."""
    if due is None or today < due - soon * DAY:
        return "not_due"
    if today < due:
        return "due_soon"
    if today == due:
        return "due_today"
    return "grace" if today <= due + grace * DAY else "overdue"


def status_of(
    invoice: Invoice,
    amount: Decimal,
    currency: str,
    entries: Entries,
    parts: tuple[Part, ...],
    *,
    grace: int,
    soon: int,
    today: dt.date,
) -> Status:
    """The status of an invoice on a day. `parts` are settled; without a plan there is one."""
    document = document_state(invoice, today)
    money = money_state(amount, entries)
    rest = amount - entries.paid - entries.credited - entries.written_off
    balance = ZERO if document == "void" else max(rest, ZERO)
    surplus = max(-rest, ZERO) if document == "issued" else ZERO
    disputed = _disputed(invoice, today) and balance > 0
    open_parts = [part for part in parts if part.open > 0] if balance > 0 else []
    due = open_parts[0].due if open_parts else (parts[-1].due if parts else None)
    timing: TimingState = "none"
    if open_parts and document == "issued":
        timing = timing_state(due, grace, soon, today)
    late = [part for part in open_parts if part.due <= today]
    due_now, by = _due_now(open_parts, late)
    discussed = min((invoice.disputed.amount if invoice.disputed else None) or balance, balance) if disputed else ZERO
    if discussed:
        due_now = min(due_now, balance - discussed)
        by = by if due_now else None
    if document != "issued":
        due_now, by = ZERO, None
    return Status(
        document=document,
        money=money,
        timing=timing,
        overdue_from=due + (grace + 1) * DAY if timing == "overdue" and due else None,
        balance=balance,
        surplus=surplus,
        disputed=disputed,
        discussed=discussed,
        due=due,
        due_now=due_now,
        due_now_by=by,
        label=_label(
            invoice,
            document,
            money,
            timing,
            discussed,
            balance,
            surplus,
            currency,
            entries,
            due,
            open_parts,
            grace,
            today,
            late,
        ),
    )


def _disputed(invoice: Invoice, today: dt.date) -> bool:
    dispute = invoice.disputed
    return bool(dispute and dispute.from_ <= today and (dispute.until is None or today <= dispute.until))


def _due_now(open_parts: list[Part], late: list[Part]) -> tuple[Decimal, dt.date | None]:
    reached = late or open_parts[:1]
    return total([part.open for part in reached]), reached[0].due if reached else None


def _label(
    invoice: Invoice,
    document: DocumentState,
    money: MoneyState,
    timing: TimingState,
    discussed: Decimal,
    balance: Decimal,
    surplus: Decimal,
    currency: str,
    entries: Entries,
    due: dt.date | None,
    open_parts: list[Part],
    grace: int,
    today: dt.date,
    late: list[Part],
) -> Label:
    dates = [day for day in (invoice.issued, entries.changed) if day and day <= today]
    dates += [part.due for part in late]
    if timing == "grace" and due:
        dates.append(due + DAY)
    since = None
    code: LabelCode
    if document == "void":
        code = "void"
        dates += [invoice.void.date] if invoice.void else []
    elif discussed:
        code = "discussed"
        dates += [invoice.disputed.from_] if invoice.disputed else []
    elif money == "nothing_due":
        code = "nothing_due"
    elif money == "written_off":
        code = "written_off"
    elif money in ("credited", "refunded") or (money == "overpaid" and entries.paid <= 0):
        code = "credited"
    elif money in ("paid", "overpaid"):
        code = "paid"
    elif timing == "due_today":
        code = "due_today"
    elif timing == "overdue" and due:
        code = "past_due"
        since = due + (grace + 1) * DAY
        dates.append(since)
    else:
        code = "partly_paid" if money == "partially_paid" else "due"
    if not discussed and invoice.disputed and invoice.disputed.until and invoice.disputed.until < today and balance > 0:
        dates.append(invoice.disputed.until + DAY)
    following = None
    if len(open_parts) > 1 and code in ("due_today", "past_due", "partly_paid", "due"):
        following = _due_now(open_parts, late)[0] if code == "past_due" else open_parts[0].open
    return Label(
        code=code,
        as_of=max(dates, default=today),
        open=Money(balance, currency),
        due=due,
        since=since,
        credit=Money(surplus, currency) if surplus else None,
        asked=Money(balance - discussed, currency) if discussed and discussed < balance else None,
        next=Money(following, currency) if following else None,
    )
