"""The desk's first page: what there is to do this week, each thing with the form that does it (domain M15)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec

from portalgen.desk.board_forms import form_of
from portalgen.desk.board_records import Seen
from portalgen.desk.review_words import TITLES, all_coming, said
from portalgen.desk.wording import day_words
from portalgen.rules.escalation import STAGES, Stage
from portalgen.rules.money import Money
from portalgen.rules.review import Item, Name, Section, review_of

SHOWN = 12
"""So many lines of a part are shown; the others when they are asked for."""

STAGE_TITLES: Mapping[Stage, str] = {
    "reminder": "A friendly reminder is due",
    "request": "A formal request is due",
    "final": "The last request is due",
    "demand": "The demand letter is due",
    "legal": "Decide about legal steps",
}
NOTES: Mapping[Stage, str] = {
    "reminder": "Sent a friendly reminder.",
    "request": "Sent a formal request to pay.",
    "final": "Sent the last request to pay.",
    "demand": "Sent the demand letter.",
}
"""What the log says of a step that was taken, until somebody writes it better."""

_TILES: tuple[Name, ...] = ("overdue", "due", "to_bill", "drafts")
_TYPED = ("portalgen letter", "portalgen build", "portalgen new")
"""Commands that are shown to be typed, unless a form here makes the invoice."""

_FORMED = {"sessions": "sessions", "charges": "charges", "run_missed": "recurring", "run_due": "recurring"}
"""What the form for a new invoice has to be asked for, by the code of an item."""


class Act(msgspec.Struct, frozen=True):
    """A link to a form, filled in."""

    label: str
    href: str


class Line(msgspec.Struct, frozen=True):
    """One thing to do. `command` is what has to be typed, where no form does it."""

    client: str
    name: str
    amount: Money | None
    text: str
    todo: str
    command: str
    acts: tuple[Act, ...]


class Group(msgspec.Struct, frozen=True):
    """Lines of a part that belong together; `title` may be empty."""

    title: str
    lines: tuple[Line, ...]


class Part(msgspec.Struct, frozen=True):
    """One part of the week. `waiting` are lines of which nothing is to be done yet, `more` are not shown."""

    name: str
    title: str
    sums: tuple[Money, ...]
    groups: tuple[Group, ...]
    waiting: tuple[Line, ...]
    more: int


class Tile(msgspec.Struct, frozen=True):
    """A figure at the top. `things`: how many there are."""

    name: str
    title: str
    things: int
    sums: tuple[Money, ...]


class Week(msgspec.Struct, frozen=True):
    """The page."""

    first: str
    last: str
    things: int
    waiting: int
    tiles: tuple[Tile, ...]
    parts: tuple[Part, ...]


def week_of(seen: Seen, whole: str = "") -> Week:
    """The week that begins on the day. `whole`: the name of the part that is shown with all its lines."""
    assert seen.shared is not None
    review = review_of(seen.shared, seen.subjects.values(), seen.day)
    by_name = {section.name: section for section in review.sections}
    tiles = [_tile(name, by_name.get(name)) for name in _TILES]
    pressing = sorted(review.sections, key=lambda section: section.name != "overdue")
    parts = [_part(section, seen.day, section.name == whole) for section in pressing]
    waiting = sum(_waits(item, seen.day) for section in review.sections for item in section.items)
    last = f"{day_words(review.last, review.last)} {review.last.year}"
    return Week(day_words(review.day, review.last), last, review.count - waiting, waiting, tuple(tiles), tuple(parts))


def _tile(name: Name, section: Section | None) -> Tile:
    return Tile(name, TITLES[name], len(section.items) if section else 0, section.sums if section else ())


def _part(section: Section, day: dt.date, whole: bool) -> Part:
    pressing = [item for item in section.items if not _waits(item, day)]
    waiting = [item for item in section.items if _waits(item, day)]
    shown = pressing if whole else pressing[:SHOWN]
    groups = _stages(shown, day) if section.name == "overdue" else [Group("", _lines(shown, day))]
    kept = waiting if whole else waiting[:SHOWN]
    more = len(section.items) - len(shown) - len(kept)
    return Part(
        section.name,
        TITLES[section.name],
        section.sums,
        tuple(group for group in groups if group.lines),
        _lines(kept, day),
        more,
    )


def _lines(items: Iterable[Item], day: dt.date) -> tuple[Line, ...]:
    return tuple(_line(item, day) for item in items)


def _stages(items: Iterable[Item], day: dt.date) -> list[Group]:
    """What is overdue by the step that is to be taken, the gravest first."""
    by_stage: dict[Stage | None, list[Item]] = {}
    for item in items:
        step = item.ladder.next if item.ladder else None
        by_stage.setdefault(step.stage if step else None, []).append(item)
    groups = [Group(STAGE_TITLES[stage], _lines(by_stage.get(stage, ()), day)) for stage in reversed(STAGES)]
    return [*groups, Group("No further step in your terms", _lines(by_stage.get(None, ()), day))]


def _waits(item: Item, day: dt.date) -> bool:
    """Whether nothing is to be done about it now."""
    if item.code == "overdue" and item.ladder:
        return bool(item.ladder.paused) or (item.ladder.next is not None and not item.ladder.sends(day))
    return item.code == "grace"


def _line(item: Item, day: dt.date) -> Line:
    words = said(item, day)
    todo = words.todo if words.beside is None else words.beside
    typed = words.command if words.command.startswith(_TYPED) and item.code not in _FORMED else ""
    return Line(item.client, item.name, item.amount, words.text, todo, typed, _acts(item, day))


def _acts(item: Item, day: dt.date) -> tuple[Act, ...]:
    """The forms for it, the one that is most wanted first."""
    ref = item.refs[0] if item.refs else ""
    match item.code:
        case "due" | "grace":
            return _payable(item, ref)
        case "overdue":
            step = item.ladder.next if item.ladder and item.ladder.sends(day) else None
            if step is None:
                return _payable(item, ref)
            about = {"kind": step.stage, "invoices": item.label, "text": NOTES.get(step.stage, "")}
            note = Act("Note it as sent", form_of("log", client=item.client, **about))
            return (_link(item, ref), note, _pay(item)) if step.stage == "reminder" else (note, _pay(item))
        case "sessions" | "charges" | "run_missed" | "run_due":
            return (Act("Make the invoice", form_of("invoice", client=item.client, what=_FORMED[item.code])),)
        case "draft":
            return (Act("Issue it", form_of("issue", invoice=ref)),)
        case "follow_up":
            return (Act("Note that it is done", form_of("log", client=item.client, kind="follow_up")),)
        case "check_in":
            return (Act("Note the answers", form_of("log", client=item.client, kind="check_in")),)
        case "not_rebooked" | "beyond_rhythm":
            return (_link(item), Act("Note a contact", form_of("log", client=item.client, kind="booking")))
        case "retainer_low" | "retainer_first" | "link_ends" | "link_ended":
            return (_link(item),)
        case code if code.startswith("agreement_"):
            return (_link(item),)
        case _:
            return ()


def _payable(item: Item, ref: str) -> tuple[Act, ...]:
    return (_link(item, ref),) if all_coming(item) else (_pay(item), _link(item, ref))


def _pay(item: Item) -> Act:
    amount = {"amount": f"{item.amount.amount:f}"} if item.amount else {}
    return Act("Record the payment", form_of("pay", invoice=item.label, **amount))


def _link(item: Item, ref: str = "") -> Act:
    place = f"#invoice-{quote(ref)}" if ref else ""
    return Act("Show the link", f"/desk/links/{quote(item.client)}{place}")
