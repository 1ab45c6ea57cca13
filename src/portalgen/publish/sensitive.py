"""What may not be public: the values of private and client fields, as their records define them (domain §2, X9).

A value is a row of words to look for, with the file and field it comes from. What says nothing about one person is no
value: amounts, dates but birth dates, words that a field chooses from, towns, less than four letters.
"""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Union, get_args, get_origin

from portalgen.content.convert import fields_of
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.base import Record, Ref, Scalar
from portalgen.content.records.client import Client, Contact, Plan, Session
from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.estimate import Estimate
from portalgen.content.records.log import LogEntry
from portalgen.content.records.offer import Document, Service
from portalgen.content.records.practice import SiteFile
from portalgen.content.records.private import Review, Supervision
from portalgen.content.scalars import (
    parse_date,
    parse_date_time,
    parse_email,
    parse_file_name,
    parse_id,
    parse_phone,
    parse_text,
    parse_url,
)
from portalgen.publish.audience import STRICT, strictness
from portalgen.publish.disclosed import phone_end, words
from portalgen.publish.value import File, Raw, Trail, Value, Weight, add, finished

SHORTEST = 4
LONGEST = 24
"""Letters from which on a text is no longer taken for words that might stand anywhere."""
_SKIPPED = frozenset(
    {"pronouns", "city", "region", "postcode", "tags", "status", "hash", "version", "kind", "modifiers"}
)
"""Texts that many people share, or that say nothing about any."""
_SAID = frozenset({"body", "summary", "description", "text", "note", "why", "records", "reason_public", "questions"})
"""Texts in which public words may be quoted: letters, appointments, what a client was told."""
_ROOMS = frozenset({"place", "video_url", "label"})
"""What clients share with each other and the practice may name in public."""
_PEOPLE = frozenset({"display", "legal", "payer", "by", "with", "referred_by"})
"""Fields that hold a name; so does `name` of a client's contact, company or insurance."""
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"[A-Z][A-Z]\d{2}(?: ?[A-Z0-9]){11,30}")
_ACCOUNT = 80
"""Letters of a text in which an account number is looked for; a longer one is known by its sentences."""
_END = re.compile(r"[.!?:;…。]\s+")
_MORE = re.compile(r"[.!?:;…。\n{@\d](?:[\s\d]|(?<=[\n{@]))")
"""What a text has that is more than one sentence, or has an address or an account number in it."""
MARKS = re.compile(r"[*_`#>\[\]|]+|\]\([^)]*\)|^\s*(?:[-+*]|\d+\.)\s+", re.MULTILINE)
"""What Markdown has around words."""
_NAME = re.compile(r"\w+")
_SPECIAL = re.compile(r"[@\d]")
"""What every e-mail address or account number has."""
_HAS_DIGIT = re.compile(r"\d")

Take = Callable[[Any, File, Trail, list[Raw]], None]


def values_of(folder: ClientFolder) -> tuple[Value, ...]:
    """Every value of one client's folder that may stand on no public page."""
    found: list[Raw] = []
    own = folder.source
    _record(Client)(folder.client, File(folder.client.path), (), found)
    if folder.plan:
        _body(folder.plan, File(folder.plan.path), False, found)
        _record(Plan)(folder.plan, File(folder.plan.path), (), found)
    lists: tuple[tuple[type[Record], str, Sequence[Record]], ...] = (
        (Session, "sessions.yaml", folder.sessions),
        (Payment, "payments.yaml", folder.payments),
        (LogEntry, "log.yaml", folder.log),
    )
    for kind, name, records in lists:
        if records:
            _each(_record(kind))(records, File(own(name)), (), found)
    kinds: tuple[tuple[type[Record], Mapping[str, Invoice | CreditNote | Estimate]], ...] = (
        (Invoice, folder.invoices),
        (CreditNote, folder.credit_notes),
        (Estimate, folder.estimates),
    )
    for kind, papers in kinds:
        take = _record(kind)
        for record in papers.values():
            take(record, File(record.path), (), found)
    return finished(found)


def shared_values(shared: Shared) -> tuple[Value, ...]:
    """The values of all other files that are not public: `private/`, letters, agreements, codes, numbers."""
    found: list[Raw] = []
    _record(SiteFile)(shared.site, File(shared.site.path, own=True), (), found)
    for service in shared.services.values():
        _record(Service)(service, File(service.path, own=True), (), found)
    for text in (*shared.letters.values(), *shared.agreements.values()):
        _body(text, File(text.path, own=True), text.audience == "private", found)
    _each(_record(Supervision))(shared.supervision, File("content/private/supervision.yaml"), (), found)
    _each(_record(Review))(shared.reviews, File("content/private/reviews.yaml"), (), found)
    if shared.lessons:
        _body(shared.lessons, File(shared.lessons.path), True, found)
    for n, referral in enumerate(shared.referrals.values()):
        if not referral.consent_to_list:
            file = File("content/referrals.yaml", own=True)
            _named(False)(referral.name, file, (((), n), "name"), found)
    return finished(found)


def _nothing(value: Any, file: File, trail: Trail, found: list[Raw]) -> None:
    """What takes the values of a record that can have none."""


@cache
def _record(record: type[Record], least: int = 0) -> Take:
    """What takes the values of one record; fields that can have none are not looked at."""
    steps: list[tuple[str, str, Take]] = []
    for key, (field, hint) in fields_of(record).items():
        strict = max(least, strictness(record, hint))
        take = _field(record, key, hint, strict)
        if take and take is not _nothing:
            steps.append((field.name, key, take))

    fields = attrgetter(*(name for name, _, _ in steps), "__class__")  # of two names or more it gives a tuple
    takes = [(key, take) for _, key, take in steps]

    def take_all(value: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        for inner, (key, take) in zip(fields(value), takes, strict=False):
            if inner:
                take(inner, file, (trail, key), found)

    return take_all if steps else _nothing


def _field(record: type[Record], key: str, hint: Any, strict: int) -> Take | None:
    """What takes the values of one field, or None when it holds none."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        scalar = next((mark for mark in args[1:] if isinstance(mark, Scalar)), None)
        if scalar is None:
            return _field(record, key, args[0], strict)
        if any(isinstance(mark, Ref) for mark in args[1:]):
            return None
        return _scalar(record, key, scalar.parse, strict) if strict else None
    if origin is Union or origin is types.UnionType:
        takes = [take for arg in args if (take := _field(record, key, arg, strict))]
        return _either(takes) if any(take is not _nothing for take in takes) else None
    if origin is tuple:
        each = _field(record, key, args[0], strict)
        return _each(each) if each and each is not _nothing else None
    if origin is dict:
        each = _field(record, key, args[1], strict)
        return _each_value(each) if each and each is not _nothing else None
    if isinstance(hint, type) and issubclass(hint, Record):
        return _record(hint, strict)
    return None


def _either(takes: list[Take]) -> Take:
    """A text or a record, whichever the value is."""
    if len(takes) == 1:
        return takes[0]

    def take(value: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        takes[-1 if isinstance(value, Record) else 0](value, file, trail, found)

    return take


@cache
def _each(step: Take) -> Take:
    def take(value: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        if isinstance(value, tuple):
            for n, entry in enumerate(value):
                step(entry, file, (trail, n), found)

    return take


def _each_value(step: Take) -> Take:
    def take(value: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        for key, entry in value.items():
            step(entry, file, (trail, key), found)

    return take


def _scalar(record: type[Record], key: str, parse: Callable[[str], Any], strict: int) -> Take | None:
    private = strict == STRICT["private"]
    if parse is parse_date:
        return _birth if key == "birth_date" else None
    if parse is parse_date_time:
        return _moment if record is Session and key == "start" else None
    if key in _SKIPPED:
        return None
    if parse is parse_email:
        return _whole(private, "firm")
    if parse is parse_phone:
        return _phone(private)
    if parse is parse_url:
        return _whole(private, "own" if key in _ROOMS else "said")
    if parse is parse_file_name:
        return _whole(private, "loose")
    if parse is parse_id:
        return _id(record, key)
    if parse is parse_text:
        name = key in _PEOPLE or (key == "name" and record.audience != "public")
        weight: Weight = "own" if key in _ROOMS else "firm" if private and key not in _SAID else "said"
        return _named(private) if name else _text(private, weight)
    return None


def _whole(private: bool, weight: Weight) -> Take:
    def take(text: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        if len(text) >= SHORTEST:
            add(text, file, trail, "words", weight, private, found)

    return take


def _phone(private: bool) -> Take:
    def take(text: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        if end := phone_end(text.encode("utf-8", "replace")):
            add(end.decode(), file, trail, "phone", "own" if file.own else "firm", private, found)

    return take


def _birth(day: Any, file: File, trail: Trail, found: list[Raw]) -> None:
    if isinstance(day, dt.date):
        add(day.isoformat(), file, trail, "birth", "said", True, found)


def _moment(moment: Any, file: File, trail: Trail, found: list[Raw]) -> None:
    """The time of an appointment as programs write it."""
    add(moment.isoformat()[:16], file, trail, "words", "firm", False, found)


def _id(record: type[Record], key: str) -> Take | None:
    """An id that is made from a name is as good as the name; others are worth a warning when they have digits."""
    person = key == "id" and record in (Client, Contact)

    def take(text: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        if person and "-" in text:
            add(text, file, trail, "name", "loose", False, found)
        elif len(text) >= 6 and _HAS_DIGIT.search(text):
            add(text, file, trail, "words", "loose", False, found)

    return take


def _named(private: bool) -> Take:
    """A name of two words or more, in both orders when there are two; a single one is worth a warning."""

    def take(text: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        parts = _NAME.findall(text) if text.isascii() else words(text.encode("utf-8", "replace")).split()
        letters = sum(map(len, parts)) if text.isascii() else len(text)  # initials stand anywhere
        if letters < SHORTEST and (text.isascii() or len(parts) < 2):
            return
        add(text, file, trail, "name", "firm" if len(parts) > 1 else "loose", private, found)
        if len(parts) == 2 and " " in text:
            first, _, last = text.partition(" ")
            add(f"{last} {first}", file, trail, "name", "firm", private, found)
        if _SPECIAL.search(text):
            _addresses(text, file, trail, private, found)

    return take


def _text(private: bool, long: Weight) -> Take:
    """Any other text: its sentences, or when it is short, what in it looks like a number or an address."""

    def take(text: Any, file: File, trail: Trail, found: list[Raw]) -> None:
        if not isinstance(text, str) or len(text) < SHORTEST:
            return
        if len(text) >= LONGEST:
            if not _MORE.search(text):
                add(text, file, trail, "words", long, private, found)
                return
            _sentences(text, file, trail, long, private, found)
        elif _HAS_DIGIT.search(text):
            digits = sum(map(str.isdigit, text))
            if " " in text and digits < len(text) // 2:
                street = trail[-1] == "line1" and len(text) >= 6
                if street:
                    add(text, file, trail, "words", "firm", private, found)
            elif len(text) >= 6 or not text.isdigit():
                add(text, file, trail, "words", "firm" if private and digits >= 6 else "loose", private, found)
        if _SPECIAL.search(text):
            _addresses(text, file, trail, private, found)

    return take


def _addresses(text: str, file: File, trail: Trail, private: bool, found: list[Raw]) -> None:
    """E-mail addresses and account numbers in a text."""
    if "@" in text:
        for address in _EMAIL.findall(text):
            add(address, file, trail, "words", "firm", private, found)
    for account in _IBAN.findall(text) if len(text) <= _ACCOUNT else ():
        plain = account.replace(" ", "")
        if sum(map(str.isdigit, plain)) >= 10:
            add(plain, file, trail, "words", "firm", private, found)
            add(" ".join(re.findall(".{1,4}", plain)), file, trail, "words", "firm", private, found)


def _sentences(
    text: str,
    file: File,
    trail: Trail,
    weight: Weight,
    private: bool,
    found: list[Raw],
    *,
    marked: bool = False,
) -> None:
    """The sentences of a text that are long enough to be recognised; of a short line with none, all of it."""
    for line in text.split("\n"):
        if len(line) < LONGEST or "{{" in line or "{%" in line:
            continue
        plain = MARKS.sub(" ", line) if marked else line
        at, parts = 0, list[str]()
        for end in _END.finditer(plain):
            parts.append(plain[at : end.start() + 1])
            at = end.end()
        parts.append(plain[at:])
        for part in [part for part in parts if len(part) >= LONGEST] or [plain]:
            add(part, file, trail, "words", weight, private, found, line.strip() if marked else "")


def _body(record: Document, file: File, private: bool, found: list[Raw]) -> None:
    """The text of a Markdown file."""
    weight: Weight = "firm" if private and not file.own else "said"
    _sentences(record.body, file, (), weight, private, found, marked=True)
    if not file.own:
        _addresses(record.body, file, (), private, found)
