"""The ladder of an overdue invoice: which step comes next, and what it waits for (domain R2, R3, §4.3). Private."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.log import LogEntry
from portalgen.content.records.offer import Escalation, Terms
from portalgen.rules.due import DAY
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.followup import promised_by
from portalgen.rules.lines import local_date

Stage = Literal["reminder", "request", "final", "demand", "legal"]
Pause = Literal["promise", "dispute", "plan", "do_not_contact", "legal_hold", "minimum_amount"]

STAGES: tuple[Stage, ...] = ("reminder", "request", "final", "demand", "legal")
"""From the mildest on: tells how far a step went that the ladder does not have."""


class Escalated(msgspec.Struct, frozen=True, kw_only=True):
    """Where an overdue invoice stands on the ladder of its terms.

    `due` is the highest stage whose days have passed, `done` the highest one in the log and `done_on` its latest day.
    `next` is the first step after `done`, whatever is due: no step is left out. It may be taken from `next_on`, when
    its days have passed and the time that the last letter gave is over. `paused` says why nothing is to be sent.
    """

    due: Stage | None
    done: Stage | None
    done_on: dt.date | None
    next: Escalation | None
    next_on: dt.date | None
    paused: tuple[Pause, ...]
    promised: dt.date | None = None  # the day of a promise that is not past
    broken: dt.date | None = None  # the day of the newest promise, if it has passed

    def sends(self, today: dt.date) -> bool:
        """Whether the next step is to be taken on a day."""
        return not self.paused and self.next_on is not None and self.next_on <= today


def escalation_of(shared: Shared, folder: ClientFolder, facts: InvoiceFacts, today: dt.date) -> Escalated | None:
    """The ladder of an invoice on the day of its facts; None when it is not overdue.

    The terms are those of the invoice as they are now: the ladder is the practice's own rule. Days count as
    `days_overdue` does, from the day after the due date and the days of grace. A step counts as taken when the log has
    an outgoing entry of its kind that names the invoice, later than the due date of the earliest part that is open.
    """
    status = facts.status
    if status.timing != "overdue" or status.due is None:
        return None
    terms = shared.terms.get(facts.terms.id, facts.terms) if facts.terms else None
    ladder = terms.escalation if terms else ()
    entries = standing_entries(shared, folder, today)
    last: dict[Stage, dt.date] = {}
    for entry in entries:
        day = _day(shared, entry)
        if entry.kind in STAGES and entry.direction == "out" and facts.invoice.id in entry.invoice and day > status.due:
            last[entry.kind] = max(day, last.get(entry.kind, day))
    done = max(last, key=lambda stage: _place(ladder, stage), default=None)
    index = _place(ladder, done)[0] + 1 if done else 0
    following = ladder[index] if index < len(ladder) else None
    promised = promised_by(shared, folder, facts.invoice.id, today, shown=False)
    late = status.days_overdue(today)
    return Escalated(
        due=next((step.stage for step in reversed(ladder) if step.after_days <= late), None),
        done=done,
        done_on=last[done] if done else None,
        next=following,
        next_on=_from(ladder, following, facts, done, last, today) if following else None,
        paused=tuple(_pauses(folder, facts, terms, entries, promised)),
        promised=promised,
        broken=None if promised else _broken(entries, facts, today),
    )


def standing_entries(shared: Shared, folder: ClientFolder, today: dt.date) -> tuple[LogEntry, ...]:
    """The entries of the log by a day, the oldest first, without those that another one puts right (`amends`)."""
    known = [entry for entry in folder.log if _day(shared, entry) <= today]
    amended = {entry.amends for entry in known if entry.amends}
    return tuple(sorted((e for e in known if not (e.id and e.id in amended)), key=lambda entry: entry.at))


def _day(shared: Shared, entry: LogEntry) -> dt.date:
    return local_date(entry.at, shared.site.practice.timezone)


def _place(ladder: Sequence[Escalation], stage: Stage) -> tuple[int, int]:
    """How far a stage is: its step, or, if the ladder lacks it, the last step that is milder."""
    rank = STAGES.index(stage)
    own = [n for n, step in enumerate(ladder) if step.stage == stage]
    milder = [n for n, step in enumerate(ladder) if STAGES.index(step.stage) < rank]
    return (own or [max(milder, default=-1)])[0], rank


def _from(
    ladder: Sequence[Escalation],
    step: Escalation,
    facts: InvoiceFacts,
    done: Stage | None,
    last: dict[Stage, dt.date],
    today: dt.date,
) -> dt.date:
    """The first day for a step: when its days have passed, and the day after the time that the last letter gave."""
    by_days = today + (step.after_days - facts.status.days_overdue(today)) * DAY
    given = next((one.deadline_days for one in ladder if one.stage == done), None)
    return max(by_days, last[done] + (given + 1) * DAY) if done and given is not None else by_days


def _pauses(
    folder: ClientFolder,
    facts: InvoiceFacts,
    terms: Terms | None,
    entries: Iterable[LogEntry],
    promised: dt.date | None,
) -> Iterable[Pause]:
    status, client = facts.status, folder.client
    if promised:
        yield "promise"
    if (status.disputed and status.due_now <= 0) or _questioned(entries, facts):
        yield "dispute"
    if facts.invoice.schedule:
        yield "plan"
    if client.do_not_contact:
        yield "do_not_contact"
    if client.legal_hold:
        yield "legal_hold"
    least = terms.min_amount_to_escalate if terms else None
    if least is not None and status.due_now < least:
        yield "minimum_amount"


def _questioned(entries: Iterable[LogEntry], facts: InvoiceFacts) -> bool:
    """Whether the latest dispute or concern in the log about this invoice is open (domain A10, R6).

    One that the invoice's own `disputed` speaks of is judged there: that says since when, until when and how much.
    """
    if facts.invoice.disputed:
        return False
    found = [e for e in entries if e.kind in ("dispute", "concern") and facts.invoice.id in e.invoice]
    return bool(found) and found[-1].status in (None, "open")


def _broken(entries: Iterable[LogEntry], facts: InvoiceFacts, today: dt.date) -> dt.date | None:
    promises = [entry.promise.by for entry in entries if entry.promise and facts.invoice.id in entry.invoice]
    return promises[-1] if promises and promises[-1] < today else None
