"""The weekly review as text, as data and as a page of its own (domain M15). It names clients: never published."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from portalgen.content.loader import Loaded
from portalgen.content.lock import DocumentKey, LinkRow, Lock
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Problem
from portalgen.desk.exports.ledgers import read_ledgers
from portalgen.desk.review_words import TITLES, said
from portalgen.desk.wording import amount_of, day_words, many
from portalgen.rules.facts import Account
from portalgen.rules.money import Money
from portalgen.rules.review import Item, LinkEnd, Review, Section, Subject, review_of
from portalgen.site.private import link_expires
from portalgen.site.theme import load as load_theme

WIDTH = 100
NOTHING = "Nothing to do."
_PAGE = Path(__file__).with_name("review.html")


class Reviewed(msgspec.Struct, frozen=True):
    """What reading gave. `review` is None when there is an error among the problems."""

    review: Review | None
    shared: Shared | None
    problems: tuple[Problem, ...]
    loaded: Loaded


def read_review(root: Path, today: dt.date | None) -> Reviewed:
    """The review of the site in `root` for the week that begins on a day, or what is wrong with its files."""
    read = read_ledgers(root, today)
    ledgers = read.ledgers
    if ledgers is None:
        return Reviewed(None, None, read.problems, read.loaded)
    shared, day = ledgers.shared, ledgers.today
    links = links_by_client(ledgers.lock)
    documents = ledgers.lock.by_client()
    subjects = [
        subject_of(
            shared,
            ledger.folder,
            ledger.account,
            day,
            documents.get(ledger.folder.id, ()),
            links.get(ledger.folder.id, ()),
        )
        for ledger in ledgers.clients
    ]
    return Reviewed(review_of(shared, subjects, day), shared, read.problems, read.loaded)


def links_by_client(lock: Lock) -> dict[str, tuple[LinkRow, ...]]:
    """What the lock keeps of links, for each client that has any."""
    found: dict[str, list[LinkRow]] = {}
    for row in lock.links:
        found.setdefault(row.client, []).append(row)
    return {client: tuple(rows) for client, rows in found.items()}


def subject_of(
    shared: Shared,
    folder: ClientFolder,
    account: Account,
    day: dt.date,
    documents: Iterable[DocumentKey],
    links: Iterable[LinkRow],
) -> Subject:
    """What the review has to know of a client: `documents` and `links` are what the lock has of them."""
    known = frozenset(id_ for _, id_ in documents)
    return Subject(folder=folder, account=account, known=known, links=_ends(shared, folder, account, links, day))


def _ends(
    shared: Shared, folder: ClientFolder, account: Account, rows: Iterable[LinkRow], day: dt.date
) -> tuple[LinkEnd, ...]:
    """The last days of a client's links that were not replaced or taken back."""
    if not folder.client.publish:
        return ()
    found = []
    for row in rows:
        last = link_expires(folder, account, row, shared)
        if last is not None and row.state in ("live", "expired"):
            published = row.state == "live" and last < day
            found.append(LinkEnd(of=row.of, ref=row.ref, last=last, published=published))
    return tuple(found)


def review_text(review: Review) -> str:
    """The review for a terminal: a line for each item, below it what to do and the command for it."""
    if not review.sections:
        return NOTHING
    head = f"{_week(review)}: {_things(review.count)}."
    return "\n\n".join([head, *(_section_text(review, section) for section in review.sections)])


def _section_text(review: Review, section: Section) -> str:
    lines = [f"{TITLES[section.name]}{_summed(section)}"]
    for item in section.items:
        words = said(item, review.day)
        named = f"{item.name}: {words.text}" if item.name else words.text
        lines += _wrapped(named, "  ", "    ")
        lines += _wrapped(words.todo, "    ", "    ") if words.todo else []
        lines += [f"      {words.command}"] if words.command else []
    return "\n".join(lines)


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _summed(section: Section) -> str:
    sums = ", ".join(amount_of(money) for money in section.sums)
    return f" ({sums})" if sums else ""


def _week(review: Review) -> str:
    return f"{day_words(review.day, review.last)} to {day_words(review.last, review.last)} {review.last.year}"


def _things(count: int) -> str:
    return f"{many(count, 'thing')} to look at"


def review_data(review: Review) -> dict[str, Any]:
    """The review as one JSON document. Every item has every key; amounts are texts, days ISO 8601."""
    return {
        "day": review.day.isoformat(),
        "last": review.last.isoformat(),
        "count": review.count,
        "sections": [
            {
                "name": section.name,
                "title": TITLES[section.name],
                "sums": [_money(money) for money in section.sums],
                "items": [_item(item, review.day) for item in section.items],
            }
            for section in review.sections
        ],
    }


def _item(item: Item, today: dt.date) -> dict[str, Any]:
    words, ladder = said(item, today), item.ladder
    return {
        "code": item.code,
        "client": item.client or None,
        "name": item.name or None,
        "refs": list(item.refs),
        "label": item.label or None,
        "amount": f"{item.amount.amount:f}" if item.amount else None,
        "currency": item.amount.currency if item.amount else None,
        "day": _day(item.day),
        "other_day": _day(item.other_day),
        "days": item.days,
        "count": item.count,
        "detail": item.detail or None,
        "words": item.words or None,
        "held": _money(item.held),
        "pending": _money(item.pending),
        "discussed": _money(item.discussed),
        "escalation": {
            "due": ladder.due,
            "done": ladder.done,
            "done_on": _day(ladder.done_on),
            "next": ladder.next.stage if ladder.next else None,
            "next_on": _day(ladder.next_on),
            "now": ladder.sends(today),
            "paused": list(ladder.paused),
            "promised": _day(ladder.promised),
            "broken": _day(ladder.broken),
        }
        if ladder
        else None,
        "text": words.text,
        "do": words.todo,
        "command": words.command or None,
    }


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _money(money: Money | None) -> dict[str, str] | None:
    return {"amount": f"{money.amount:f}", "currency": money.currency} if money else None


def review_page(root: Path, reviewed: Reviewed) -> bytes:
    """The review as a page that asks nobody for anything. Raises `BadTheme` when a template of the site is broken."""
    review, shared = reviewed.review, reviewed.shared
    assert review is not None
    assert shared is not None
    theme, findings = load_theme(root, shared.site)
    if theme is None:
        raise BadTheme(reviewed.loaded.report(findings))
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    page = environment.from_string(_PAGE.read_text(encoding="utf-8"))
    sections = [
        {
            "name": section.name,
            "title": TITLES[section.name],
            "sums": [amount_of(money) for money in section.sums],
            "items": [(item, said(item, review.day), amount_of(item.amount)) for item in section.items],
        }
        for section in review.sections
    ]
    text = page.render(
        style=Markup(theme.plain_style),
        practice=shared.site.practice.name,
        week=_week(review),
        things=_things(review.count) if review.count else NOTHING,
        sections=sections,
    )
    return f"{text.rstrip()}\n".encode()


class BadTheme(Exception):
    """A template or style of the site has an error."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
