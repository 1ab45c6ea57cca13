"""When client and practitioner meet next (domain F1, F2, A4)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
from dateutil.relativedelta import relativedelta

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Session
from portalgen.content.records.offer import Policy
from portalgen.content.scalars import Period
from portalgen.rules.due import DAY
from portalgen.rules.lines import local_date

COMING = ("planned", "confirmed")


class Rebooking(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is planned: about which day to meet, and why. `around` is None when no rhythm says so."""

    around: dt.date | None
    why: str


def add_period(day: dt.date, period: Period) -> dt.date:
    """Calendar arithmetic: a month after 31 January is the last day of February."""
    match period.unit:
        case "d":
            return day + period.count * DAY
        case "w":
            return day + 7 * period.count * DAY
        case "m":
            return day + relativedelta(months=period.count)
        case "y":
            return day + relativedelta(years=period.count)


def next_session(shared: Shared, folder: ClientFolder, today: dt.date) -> Session | None:
    """The earliest planned session that is not over by the end of yesterday, in the practice's zone."""
    zone = shared.site.practice.timezone
    coming = [s for s in folder.sessions if s.status in COMING and local_date(s.start, zone) >= today]
    return min(coming, key=lambda session: (session.start, session.id), default=None)


def session_minutes(shared: Shared, session: Session) -> int | None:
    """How long a session is: as written, else until its end, else as its service; None where nothing says it."""
    if session.end:
        return int((session.end - session.start).total_seconds() // 60)
    return session.minutes or shared.services[session.service].duration_minutes


def rebooking(shared: Shared, folder: ClientFolder, today: dt.date) -> Rebooking | None:
    """A prompt to book, for a client who has been here and has nothing planned."""
    client = folder.client
    if (
        client.status in ("paused", "ended", "archived", "lead")
        or client.do_not_contact
        or next_session(shared, folder, today)
    ):
        return None
    held = [session for session in folder.sessions if session.status == "held"]
    last = max(held, key=lambda session: (session.start, session.id), default=None)
    if last is None:
        return None
    day = local_date(last.start, shared.site.practice.timezone)
    around, why = None, ""
    service = shared.services[last.service]
    if last.follow_up:
        around = last.follow_up.on or (add_period(day, last.follow_up.in_) if last.follow_up.in_ else None)
        why = last.follow_up.why or ""
    elif client.rhythm and (client.rhythm.until is None or client.rhythm.until >= today):
        around, why = add_period(day, client.rhythm.every), client.rhythm.reason or ""
    elif service.follow_up:
        around = add_period(day, service.follow_up)
    if around:
        around = after_leave(shared, around)
    return Rebooking(around=around, why=why)


def promised_by(
    shared: Shared, folder: ClientFolder, invoice: str, today: dt.date, *, shown: bool = True
) -> dt.date | None:
    """The day by which the client promised to pay: of the newest entry of the log, while it is not past.

    `shown`: only of entries that are shared with the client.
    """
    if not folder.log:
        return None
    zone = shared.site.practice.timezone
    promises = [
        (entry.at, entry.promise.by)
        for entry in folder.log
        if entry.promise
        and (entry.share or not shown)
        and invoice in entry.invoice
        and local_date(entry.at, zone) <= today
    ]
    day = max(promises)[1] if promises else None
    return day if day and day >= today else None


def after_leave(shared: Shared, day: dt.date) -> dt.date:
    """The day itself, or the first one after the leave it falls into."""
    for leave in sorted(shared.site.practice.leave, key=lambda leave: leave.from_):
        if leave.from_ <= day <= leave.to:
            day = leave.to + DAY
    return day


def cancellation_policy(shared: Shared, session: Session) -> Policy | None:
    """The policy whose rule holds for a session: its service's own, else the practice's."""
    own = shared.services[session.service].cancellation
    return shared.policies.get(own or "") or next(
        (policy for policy in shared.policies.values() if policy.kind == "cancellation"), None
    )


def cancel_until(shared: Shared, session: Session) -> dt.datetime | None:
    """The latest moment to cancel without a fee. Hours are real time, also across a clock change."""
    policy = cancellation_policy(shared, session)
    if policy is None or policy.notice_hours is None:
        return None
    zone = ZoneInfo(shared.site.practice.timezone)
    notice = dt.timedelta(hours=policy.notice_hours)
    if policy.count_business_days_only:
        return _working_time_before(session.start.astimezone(zone), notice)
    return (session.start.astimezone(dt.UTC) - notice).astimezone(zone)


def _working_time_before(start: dt.datetime, notice: dt.timedelta) -> dt.datetime:
    """The moment so long before `start` that `notice` has passed on weekdays alone, by the clock on the wall."""
    moment = start
    while notice > dt.timedelta(0):
        day = (moment - dt.timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        if day.weekday() > 4:
            moment = day
            continue
        step = min(notice, moment - day)
        moment -= step
        notice -= step
    return moment
