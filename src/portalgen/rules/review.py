"""What the practitioner has to do this week, derived from everything on one day (domain M15). Never published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.model import Shared
from portalgen.content.scalars import Period
from portalgen.rules import review_clients as clients
from portalgen.rules import review_money as money
from portalgen.rules.chargeable import session_day
from portalgen.rules.due import DAY
from portalgen.rules.followup import COMING, add_period
from portalgen.rules.money import ZERO, Money, rounded
from portalgen.rules.review_item import AHEAD, WEEK, Asked, Item, LinkEnd, Subject, by_day

__all__ = ["SECTIONS", "Item", "LinkEnd", "Review", "Section", "Subject", "review_of"]

REFERRAL = Period(12, "m")
"""How long what is known of a colleague is taken to hold."""

Name = Literal[
    "due", "overdue", "to_bill", "recurring", "drafts", "unallocated", "ahead", "agreements", "follow_ups", "rebooking",
    "check_ins", "estimates", "new_clients", "links", "practice",
]  # fmt: skip


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the review, its most urgent item first; never without an item."""

    name: Name
    items: tuple[Item, ...]

    @property
    def sums(self) -> tuple[Money, ...]:
        """The amounts of its items, by currency."""
        found: dict[str, Decimal] = {}
        for one in self.items:
            if one.amount:
                found[one.amount.currency] = found.get(one.amount.currency, ZERO) + one.amount.amount
        return tuple(Money(rounded(amount, currency), currency) for currency, amount in sorted(found.items()))


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The week that begins on `day` and ends on `last`: the sections that have something in them, in a fixed order."""

    day: dt.date
    last: dt.date
    sections: tuple[Section, ...]

    @property
    def count(self) -> int:
        """How many items there are."""
        return sum(len(section.items) for section in self.sections)


def practice(asked: Asked) -> tuple[Item, ...]:
    """What is due for the practice itself: texts to look at again, colleagues to ask, licences, leave ahead."""
    return by_day([*_texts(asked), *_referrals(asked), *_licences(asked), *_leave(asked)])


def _texts(asked: Asked) -> Iterator[Item]:
    for policy in asked.shared.policies.values():
        day = add_period(policy.effective, policy.review_every)
        if day <= asked.last:
            yield Item(code="policy", refs=(policy.id,), label=policy.title, day=day, other_day=policy.effective)


def _referrals(asked: Asked) -> Iterator[Item]:
    for colleague in asked.shared.referrals.values():
        day = add_period(colleague.checked, REFERRAL) if colleague.checked else None
        if day is None or day <= asked.last:
            yield Item(
                code="referral", refs=(colleague.id,), label=colleague.name, day=day, other_day=colleague.checked
            )


def _licences(asked: Asked) -> Iterator[Item]:
    for licence in asked.shared.site.practice.licences:
        if licence.expires and licence.expires <= asked.today + AHEAD:
            days = abs((licence.expires - asked.today).days)
            yield Item(code="licence", refs=(licence.number,), label=licence.number, day=licence.expires, days=days)


def _leave(asked: Asked) -> Iterator[Item]:
    """Leave that has not ended and begins soon. `count`: sessions that are planned in it."""
    for leave in asked.shared.site.practice.leave:
        if leave.to < asked.today or leave.from_ > asked.today + AHEAD:
            continue
        first = max(leave.from_, asked.today)
        planned = [
            session
            for subject in asked.subjects
            for session in subject.folder.sessions
            if session.status in COMING and first <= session_day(asked.shared, session) <= leave.to
        ]
        count, words = len(planned), leave.cover or ""
        yield Item(code="leave", day=leave.from_, other_day=leave.to, count=count, words=words)


SECTIONS: dict[Name, Callable[[Asked], tuple[Item, ...]]] = {
    "due": money.due_this_week,
    "overdue": money.overdue,
    "to_bill": money.to_bill,
    "recurring": money.runs,
    "drafts": money.drafts,
    "unallocated": money.unallocated,
    "ahead": money.ahead,
    "agreements": clients.agreements,
    "follow_ups": clients.follow_ups,
    "rebooking": clients.rebookings,
    "check_ins": clients.check_ins,
    "estimates": clients.estimates,
    "new_clients": clients.new_clients,
    "links": clients.links,
    "practice": practice,
}
"""In the order of the review: money first, then people, then the practice (domain M15)."""


def review_of(shared: Shared, subjects: Iterable[Subject], today: dt.date) -> Review:
    """The review of a day, from all clients. The same values give the same review."""
    known = tuple(sorted(subjects, key=lambda subject: subject.folder.id))
    asked = Asked(shared=shared, subjects=known, today=today)
    made = ((name, find(asked)) for name, find in SECTIONS.items())
    sections = tuple(Section(name=name, items=items) for name, items in made if items)
    return Review(day=today, last=today + WEEK - DAY, sections=sections)
