"""The people in the weekly review: agreements, follow-ups, who is to be seen again, links (M14, F1, F2, F9, A2, A8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial

from portalgen.content.records.client import Session
from portalgen.content.records.offer import Agreement
from portalgen.content.scalars import Period
from portalgen.rules.agreements import accepted
from portalgen.rules.chargeable import session_day
from portalgen.rules.due import DAY
from portalgen.rules.escalation import standing_entries
from portalgen.rules.followup import add_period, next_session, rebooking
from portalgen.rules.lines import local_date
from portalgen.rules.review_item import (
    AHEAD,
    WEEK,
    Asked,
    Code,
    Item,
    LinkEnd,
    Subject,
    at_work,
    by_day,
    item,
    label_of,
)

NEW = 60 * DAY
"""For so long after the beginning a client counts as new."""

SOON = 14 * DAY
"""So long before its last day a link ends soon."""


def agreements(asked: Asked) -> tuple[Item, ...]:
    """Agreements that hold and that a client has not accepted as they are now. `count`: sessions held without one."""
    found: list[Item] = []
    for subject in asked.subjects:
        client = subject.folder.client
        for key in client.agreements if at_work(subject) else ():
            agreement = asked.shared.agreements[key]
            if not agreement.draft and agreement.effective <= asked.today:
                found += _agreement(asked, subject, agreement)
    return tuple(sorted(found, key=lambda one: (-(one.count or 0), one.day or dt.date.min, one.place)))


def _agreement(asked: Asked, subject: Subject, agreement: Agreement) -> Iterator[Item]:
    state, entry = accepted(agreement, subject.folder)
    lasts = entry and agreement.expires_after and add_period(entry.date, agreement.expires_after)
    same_version = {
        (one.by or "").casefold()
        for one in subject.folder.client.accepted
        if entry and one.agreement == agreement.id and one.version == entry.version and not one.revoked
    }
    code: Code
    since: dt.date | None
    if state == "accepted" and lasts and lasts < asked.today:
        code, since = "agreement_expired", lasts + DAY
    elif state == "accepted" and len(same_version) < agreement.signers:
        code, since = "agreement_signers", entry.date if entry else None
    elif state == "accepted":
        return
    elif state == "revoked":
        code, since = "agreement_revoked", entry.revoked if entry else None
    else:
        code, since = ("agreement_outdated" if state == "outdated" else "agreement_open"), agreement.effective
    held = [session_day(asked.shared, one) for one in subject.folder.sessions if one.status == "held"]
    yield item(
        subject,
        code,
        refs=(agreement.id,),
        label=agreement.title,
        day=since,
        other_day=entry.date if entry else None,
        count=sum(since is None or since <= day <= asked.today for day in held),
        detail=str(agreement.version),
    )


def follow_ups(asked: Asked) -> tuple[Item, ...]:
    """What a log entry said to do by the end of the week.

    It is done when the entry has a `status` other than `open`, when another entry amends it, or when a later entry of
    the kind follow_up was made on its day or after.
    """
    found = []
    for subject in asked.subjects:
        entries = standing_entries(asked.shared, subject.folder, asked.today)
        zone = asked.shared.site.practice.timezone
        for n, entry in enumerate(entries):
            then = entry.follow_up
            if then is None or then.on > asked.last or entry.status not in (None, "open"):
                continue
            if any(e.kind == "follow_up" and local_date(e.at, zone) >= then.on for e in entries[n + 1 :]):
                continue
            late = max((asked.today - then.on).days, 0)
            found.append(item(subject, "follow_up", day=then.on, days=late, words=then.what))
    return by_day(found)


def rebookings(asked: Asked) -> tuple[Item, ...]:
    """Who was here and has nothing planned, or is beyond one and a half times their rhythm. The longest ago first.

    Clients who pause, whose work has ended or who are not to be contacted are never named. `day` is the last session,
    `other_day` about when to meet, or the next session; `detail` is the day of the last contact.
    """
    found = []
    for subject in asked.subjects:
        last = _last_held(asked, subject)
        client = subject.folder.client
        if last is None or client.status != "active" or client.do_not_contact:
            continue
        prompt = rebooking(asked.shared, subject.folder, asked.today)
        beyond = _beyond(asked, subject, last)
        coming = next_session(asked.shared, subject.folder, asked.today)
        if prompt is None and not beyond:
            continue
        code: Code = "beyond_rhythm" if beyond else "not_rebooked"
        contacts = standing_entries(asked.shared, subject.folder, asked.today)
        found.append(
            item(
                subject,
                code,
                refs=(coming.id,) if coming else (),
                day=last,
                other_day=session_day(asked.shared, coming) if coming else (prompt.around if prompt else None),
                days=(asked.today - last).days,
                words=prompt.why if prompt else "",
                detail=local_date(contacts[-1].at, asked.shared.site.practice.timezone).isoformat() if contacts else "",
            )
        )
    return tuple(sorted(found, key=lambda one: (-(one.days or 0), one.place)))


def _held(asked: Asked, subject: Subject) -> list[Session]:
    sessions = [one for one in subject.folder.sessions if one.status == "held"]
    return [one for one in sessions if session_day(asked.shared, one) <= asked.today]


def _last_held(asked: Asked, subject: Subject) -> dt.date | None:
    return max((session_day(asked.shared, one) for one in _held(asked, subject)), default=None)


def _beyond(asked: Asked, subject: Subject, last: dt.date) -> bool:
    """Whether more than 1.5 times the rhythm has passed, without the days of leave in between."""
    rhythm = subject.folder.client.rhythm
    if rhythm is None or (rhythm.until and rhythm.until < asked.today):
        return False
    start = max(last, rhythm.from_ or last)
    away = {
        leave.from_ + n * DAY
        for leave in asked.shared.site.practice.leave
        for n in range((leave.to - leave.from_).days + 1)
        if start < leave.from_ + n * DAY <= asked.today
    }
    span = (add_period(start, rhythm.every) - start).days
    return 2 * ((asked.today - start).days - len(away)) > 3 * span


def check_ins(asked: Asked) -> tuple[Item, ...]:
    """Check-ins that are due by the end of the week, from the last one in the log, or from the beginning."""
    found = []
    for subject in asked.subjects:
        client = subject.folder.client
        if client.check_ins is None or client.status != "active" or client.do_not_contact:
            continue
        zone = asked.shared.site.practice.timezone
        entries = standing_entries(asked.shared, subject.folder, asked.today)
        done = [local_date(entry.at, zone) for entry in entries if entry.kind == "check_in"]
        base = done[-1] if done else _begun(asked, subject)
        day = add_period(base, client.check_ins.every) if base else asked.today
        if day <= asked.last:
            late = max((asked.today - day).days, 0)
            count, by = len(client.check_ins.questions), "" if client.email else "no_email"
            last = done[-1] if done else None
            found.append(item(subject, "check_in", day=day, other_day=last, days=late, count=count, detail=by))
    return by_day(found)


def _begun(asked: Asked, subject: Subject) -> dt.date | None:
    """When the work began: as written, else the first session that was held."""
    first = min((session_day(asked.shared, one) for one in _held(asked, subject)), default=None)
    return subject.folder.client.since or first


def new_clients(asked: Asked) -> tuple[Item, ...]:
    """New clients of whom nobody was asked and who have paid nothing ahead (M14), and any who still owe a deposit.

    With `deposit_required: false` the practitioner has decided, and the client is not named.
    """
    found = []
    for subject in asked.subjects:
        client, risk = subject.folder.client, subject.folder.client.risk
        begun = _begun(asked, subject)
        if client.status not in ("lead", "active") or (begun and begun + NEW < asked.today) or _paid_ahead(subject):
            continue
        if risk and risk.deposit_required:
            code: Code = "no_deposit"
        elif risk and (risk.reference_checked or risk.deposit_required is False):
            continue
        else:
            code = "no_reference"
        words = (risk.referred_by or "") if risk else ""
        found.append(item(subject, code, day=begun, words=words))
    return tuple(sorted(found, key=lambda one: (one.code, one.day or dt.date.max, one.place)))


def _paid_ahead(subject: Subject) -> bool:
    """Whether the client has paid something before the work: a retainer, a deposit invoice, money on account."""
    paid = any(payment.for_ == "retainer" and payment.status == "cleared" for payment in subject.folder.payments)
    deposits = [facts for facts in subject.account.published if facts.invoice.kind == "deposit"]
    return paid or bool(subject.account.credit) or any(facts.entries.paid > 0 for facts in deposits)


def links(asked: Asked) -> tuple[Item, ...]:
    """Links whose last day is near, that ended this week, that ended with money open, and that are still published."""
    found: list[Item] = []
    for subject in asked.subjects:
        for end in subject.links:
            found += _link(asked, subject, end)
    return by_day(found)


def _link(asked: Asked, subject: Subject, end: LinkEnd) -> Iterator[Item]:
    facts = subject.account.invoices.get(end.ref) if end.of == "invoice" else None
    open_ = facts.money(facts.status.balance) if facts and facts.status.balance > 0 else None
    label = label_of(facts) if facts else end.ref
    about = partial(item, subject, refs=(end.ref,), label=label, detail=end.of, day=end.last, amount=open_)
    days = abs((end.last - asked.today).days)
    if end.last >= asked.today:
        if end.last <= asked.today + SOON:
            yield about("link_ends", days=days)
    elif end.published:
        yield about("link_still_open", days=days)
    elif open_ or end.last > asked.today - WEEK:
        yield about("link_ended", days=days)


def estimates(asked: Asked) -> tuple[Item, ...]:
    """Estimates whose last day is near. One that another takes the place of is left out."""
    found = []
    for subject in asked.subjects:
        gone = {one.supersedes for one in subject.folder.estimates.values()}
        for one in subject.folder.estimates.values() if at_work(subject) else ():
            given = one.given.date if one.given else (one.requested or one.scheduled)
            if given is None or one.id in gone:
                continue
            last = add_period(given, Period(one.valid_months, "m")) - DAY
            if asked.today <= last <= asked.today + AHEAD:
                days = (last - asked.today).days
                label = one.number or one.id
                found.append(item(subject, "estimate_ends", refs=(one.id,), label=label, day=last, days=days))
    return by_day(found)
