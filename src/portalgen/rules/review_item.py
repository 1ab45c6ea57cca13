"""What the weekly review is made of: an item is one thing to do, and what it is made from (domain M15)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal, TypedDict, Unpack

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.rules.due import DAY
from portalgen.rules.escalation import Escalated
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.money import Money

WEEK = 7 * DAY
AHEAD = 30 * DAY
"""How far ahead it looks for what ends: packages, licences, estimates, leave."""

Code = Literal[
    "due", "grace",
    "overdue",
    "unmarked", "sessions", "charges",
    "run_missed", "run_due",
    "draft", "scheduled",
    "unallocated",
    "retainer_low", "retainer_first", "retainer_refund", "package_ends", "package_expired",
    "agreement_open", "agreement_outdated", "agreement_revoked", "agreement_expired", "agreement_signers",
    "follow_up",
    "not_rebooked", "beyond_rhythm",
    "check_in",
    "link_ends", "link_ended", "link_still_open",
    "no_reference", "no_deposit",
    "estimate_ends",
    "policy", "referral", "licence", "leave",
]  # fmt: skip


class LinkEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was handed out and its last day. `published`: the last build still let it open what it opens."""

    of: Literal["portal", "invoice", "credit-note", "person"]
    ref: str
    last: dt.date
    published: bool


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """All the review has to know of a client: account and links are of the day. `known`: ids of issued documents."""

    folder: ClientFolder
    account: Account
    known: frozenset[str] = frozenset()
    links: tuple[LinkEnd, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. Its code says which fields it has; `days` is never below zero.

    `refs` are ids of what it is about, the first one what its command names; `label` is what a person calls that.
    `day` is the day it is about, `other_day` a second one. `words` are the practitioner's own. `held` is what a
    retainer holds, `pending` money on its way, `discussed` what of it is in dispute. `silent`: the client is not to be
    contacted. `detail` is one more fact, as text.
    """

    code: Code
    client: str = ""
    name: str = ""
    refs: tuple[str, ...] = ()
    label: str = ""
    amount: Money | None = None
    day: dt.date | None = None
    other_day: dt.date | None = None
    days: int | None = None
    count: int | None = None
    words: str = ""
    detail: str = ""
    ladder: Escalated | None = None
    held: Money | None = None
    pending: Money | None = None
    discussed: Money | None = None
    silent: bool = False

    @property
    def place(self) -> tuple[str, tuple[str, ...], str]:
        """What orders items that are equally urgent."""
        return self.client, self.refs, self.code


class Details(TypedDict, total=False):
    """What an item about a client says beside its code and whom it is about."""

    refs: tuple[str, ...]
    label: str
    amount: Money | None
    day: dt.date | None
    other_day: dt.date | None
    days: int | None
    count: int | None
    words: str
    detail: str
    ladder: Escalated | None
    held: Money | None
    pending: Money | None
    discussed: Money | None


def item(subject: Subject, code: Code, **details: Unpack[Details]) -> Item:
    """An item about a client."""
    client = subject.folder.client
    return Item(code=code, client=client.id, name=client.name.display, silent=client.do_not_contact, **details)


def by_day(items: Iterable[Item]) -> tuple[Item, ...]:
    """The earliest first; what has no day stands first."""
    return tuple(sorted(items, key=lambda one: (one.day or dt.date.min, one.place)))


def label_of(facts: InvoiceFacts) -> str:
    """What a person calls an invoice."""
    return facts.invoice.number or facts.invoice.id


def at_work(subject: Subject) -> bool:
    """Whether the practice works with the client, or is about to."""
    return subject.folder.client.status in ("lead", "active", "paused")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What all parts of the review are made from."""

    shared: Shared
    subjects: tuple[Subject, ...]
    today: dt.date

    @property
    def last(self) -> dt.date:
        """The last day of the week, which begins today."""
        return self.today + WEEK - DAY
