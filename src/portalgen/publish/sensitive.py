"""What may not be public: the values of private and client fields, as their records define them (domain §2, X9).

A value is a row of words to look for, with the file and field it comes from. What says nothing about one person is no
value: amounts, dates but birth dates, words that a field chooses from, towns, less than four letters.
"""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from portalgen.content.convert import fields_of
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.base import KeyPath, Record, Ref, Scalar
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
from portalgen.publish.disclosed import APART, PHONE, phone_end, words

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
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_ACCOUNT = 80
"""Letters of a text in which an account number is looked for; a longer one is known by its sentences."""
_SENTENCE = re.compile(r"(?<=[.!?:;…。])\s+")
_MARKS = re.compile(r"[*_`#>\[\]|]+|\]\([^)]*\)|^\s*(?:[-+*]|\d+\.)\s+", re.MULTILINE)
_NAME = re.compile(r"\w+")
_HAS_DIGIT = re.compile(r"\d")

Weight = Literal["firm", "said", "loose", "own"]
Form = Literal["words", "name", "phone", "birth"]


class Value(NamedTuple):
    """What to look for: `lead` are its first words, `words` all, of a name as it is written.

    `at` or `text` is its place in the file `path`.

    How sure it is that where its words stand the value stands: *firm*, whatever else says them; *said*, unless the
    site itself says the same in public (in a text of its own that is worth a warning, in a rule, guide or service
    nothing, for clients are told those words); *loose*, a warning at most; *own* is not about a
    client, and may be public if the practitioner wrote it there.
    """

    lead: tuple[bytes, ...]
    words: bytes
    form: Form
    weight: Weight
    private: bool
    path: str
    at: KeyPath = ()
    text: str = ""


_Raw = tuple[str, Form, Weight, bool, str, KeyPath, str]
"""A value before its text is brought into the form that is compared."""


class _Where(NamedTuple):
    path: str
    at: KeyPath = ()
    own: bool = False
    """Whether the file is about the practice and not about a client."""


Take = Callable[[Any, _Where, list[_Raw]], None]


def values_of(folder: ClientFolder) -> tuple[Value, ...]:
    """Every value of one client's folder that may stand on no public page."""
    found: list[_Raw] = []
    own = folder.source
    _record(Client)(folder.client, _Where(folder.client.path), found)
    if folder.plan:
        _body(folder.plan, _Where(folder.plan.path), False, found)
        _record(Plan)(folder.plan, _Where(folder.plan.path), found)
    lists: tuple[tuple[type[Record], str, Iterable[Record]], ...] = (
        (Session, "sessions.yaml", folder.sessions),
        (Payment, "payments.yaml", folder.payments),
        (LogEntry, "log.yaml", folder.log),
    )
    for kind, name, records in lists:
        take = _record(kind)
        for n, record in enumerate(records):
            take(record, _Where(own(name), (n,)), found)
    for invoice in folder.invoices.values():
        _record(Invoice)(invoice, _Where(invoice.path), found)
    for note in folder.credit_notes.values():
        _record(CreditNote)(note, _Where(note.path), found)
    for estimate in folder.estimates.values():
        _record(Estimate)(estimate, _Where(estimate.path), found)
    return _finished(found)


def shared_values(shared: Shared) -> tuple[Value, ...]:
    """The values of all other files that are not public: `private/`, letters, agreements, codes, numbers."""
    found: list[_Raw] = []
    _record(SiteFile)(shared.site, _Where(shared.site.path, own=True), found)
    for service in shared.services.values():
        _record(Service)(service, _Where(service.path, own=True), found)
    for text in (*shared.letters.values(), *shared.agreements.values()):
        _body(text, _Where(text.path, own=True), text.audience == "private", found)
    for n, entry in enumerate(shared.supervision):
        _record(Supervision)(entry, _Where("content/private/supervision.yaml", (n,)), found)
    for n, review in enumerate(shared.reviews):
        _record(Review)(review, _Where("content/private/reviews.yaml", (n,)), found)
    if shared.lessons:
        _body(shared.lessons, _Where(shared.lessons.path), True, found)
    for n, referral in enumerate(shared.referrals.values()):
        if not referral.consent_to_list:
            where = _Where("content/referrals.yaml", (n,), own=True)
            _named(False)(referral.name, where._replace(at=(n, "name")), found)
    return _finished(found)


@cache
def _record(record: type[Record], least: int = 0) -> Take:
    """What takes the values of one record; fields that can have none are not looked at."""
    steps: list[tuple[str, str, Take]] = []
    for key, (field, hint) in fields_of(record).items():
        strict = max(least, strictness(record, hint))
        take = _field(record, key, hint, strict)
        if take:
            steps.append((field.name, key, take))

    def take_all(value: Any, where: _Where, found: list[_Raw]) -> None:
        path, at, own = where
        for name, key, take in steps:
            inner = getattr(value, name)
            if inner:
                take(inner, _Where(path, (*at, key), own), found)

    return take_all


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
        return _either(takes) if takes else None
    if origin is tuple:
        each = _field(record, key, args[0], strict)
        return _each(each) if each else None
    if origin is dict:
        each = _field(record, key, args[1], strict)
        return _each_value(each) if each else None
    if isinstance(hint, type) and issubclass(hint, Record):
        return _record(hint, strict)
    return None


def _either(takes: list[Take]) -> Take:
    """A text or a record, whichever the value is."""
    if len(takes) == 1:
        return takes[0]

    def take(value: Any, where: _Where, found: list[_Raw]) -> None:
        takes[-1 if isinstance(value, Record) else 0](value, where, found)

    return take


def _each(step: Take) -> Take:
    def take(value: Any, where: _Where, found: list[_Raw]) -> None:
        if isinstance(value, tuple):
            for n, entry in enumerate(value):
                step(entry, where._replace(at=(*where.at, n)), found)

    return take


def _each_value(step: Take) -> Take:
    def take(value: Any, where: _Where, found: list[_Raw]) -> None:
        for key, entry in value.items():
            step(entry, where._replace(at=(*where.at, key)), found)

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


def _add(
    text: str, where: _Where, form: Form, weight: Weight, private: bool, found: list[_Raw], line: str = ""
) -> None:
    if where.own and form != "phone":
        weight = "own"
    found.append((text, form, weight, private, where.path, () if line else where.at, line))


def _finished(found: list[_Raw]) -> tuple[Value, ...]:
    """Values from texts, each once. All are brought into one form together, which is quicker than one by one."""
    if not found:
        return ()
    found = list({raw[:4]: raw for raw in reversed(found)}.values())
    cased = words(APART.decode().join(raw[0] for raw in found).encode("utf-8", "replace"), cased=True).split(b"\x01")
    low = b"\x01".join(cased).lower().split(b"\x01")
    values = []
    for (_, form, weight, private, path, at, line), row, plain in zip(found, cased, low, strict=True):
        lead = tuple(plain.split(None, 2)[:2])
        if form == "phone":
            lead = (PHONE, plain.strip())
        elif form == "birth":
            lead = lead[:1]
        if lead:
            kept = (row if form == "name" else plain).strip()
            values.append(Value(lead, kept, form, weight, private, path, at, line))
    return tuple(values)


def _whole(private: bool, weight: Weight) -> Take:
    def take(text: Any, where: _Where, found: list[_Raw]) -> None:
        if len(text) >= SHORTEST:
            _add(text, where, "words", weight, private, found)

    return take


def _phone(private: bool) -> Take:
    def take(text: Any, where: _Where, found: list[_Raw]) -> None:
        if end := phone_end(text.encode("utf-8", "replace")):
            _add(end.decode(), where, "phone", "own" if where.own else "firm", private, found)

    return take


def _birth(day: Any, where: _Where, found: list[_Raw]) -> None:
    if isinstance(day, dt.date):
        _add(day.isoformat(), where, "birth", "said", True, found)


def _moment(moment: Any, where: _Where, found: list[_Raw]) -> None:
    """The time of an appointment as programs write it."""
    _add(moment.isoformat()[:16], where, "words", "firm", False, found)


def _id(record: type[Record], key: str) -> Take | None:
    """An id that is made from a name is as good as the name; others are worth a warning when they have digits."""
    person = key == "id" and record in (Client, Contact)

    def take(text: Any, where: _Where, found: list[_Raw]) -> None:
        if person and "-" in text:
            _add(text, where, "name", "loose", False, found)
        elif len(text) >= 6 and _HAS_DIGIT.search(text):
            _add(text, where, "words", "loose", False, found)

    return take


def _named(private: bool) -> Take:
    """A name of two words or more, in both orders when there are two; a single one is worth a warning."""

    def take(text: Any, where: _Where, found: list[_Raw]) -> None:
        parts = _NAME.findall(text) if text.isascii() else words(text.encode("utf-8", "replace")).split()
        letters = sum(map(len, parts)) if text.isascii() else len(text)  # initials stand anywhere
        if letters < SHORTEST and (text.isascii() or len(parts) < 2):
            return
        _add(text, where, "name", "firm" if len(parts) > 1 else "loose", private, found)
        if len(parts) == 2 and " " in text:
            first, _, last = text.partition(" ")
            _add(f"{last} {first}", where, "name", "firm", private, found)
        _addresses(text, where, private, found)

    return take


def _text(private: bool, long: Weight) -> Take:
    """Any other text: its sentences, or when it is short, what in it looks like a number or an address."""

    def take(text: Any, where: _Where, found: list[_Raw]) -> None:
        if not isinstance(text, str) or len(text) < SHORTEST:
            return
        if len(text) >= LONGEST:
            _sentences(text, where, long, private, found)
        elif _HAS_DIGIT.search(text):
            digits = sum(sign.isdigit() for sign in text)
            if " " in text and digits < len(text) // 2:
                street = where.at[-1] == "line1" and len(text) >= 6
                if street:
                    _add(text, where, "words", "firm", private, found)
            elif len(text) >= 6 or not text.isdigit():
                _add(text, where, "words", "firm" if private and digits >= 6 else "loose", private, found)
        _addresses(text, where, private, found)

    return take


def _addresses(text: str, where: _Where, private: bool, found: list[_Raw]) -> None:
    """E-mail addresses and account numbers in a text."""
    if "@" in text:
        for address in _EMAIL.findall(text):
            _add(address, where, "words", "firm", private, found)
    for account in _IBAN.findall(text) if len(text) <= _ACCOUNT else ():
        plain = account.replace(" ", "")
        if sum(sign.isdigit() for sign in plain) >= 10:
            _add(plain, where, "words", "firm", private, found)
            _add(" ".join(re.findall(".{1,4}", plain)), where, "words", "firm", private, found)


def _sentences(
    text: str, where: _Where, weight: Weight, private: bool, found: list[_Raw], *, marked: bool = False
) -> None:
    """The sentences of a text that are long enough to be recognised; of a short line with none, all of it."""
    for line in text.split("\n"):
        if len(line) < LONGEST or "{{" in line or "{%" in line:
            continue
        plain = _MARKS.sub(" ", line) if marked else line
        parts = [part for part in _SENTENCE.split(plain) if len(part) >= LONGEST]
        for part in parts or [plain]:
            _add(part, where, "words", weight, private, found, line.strip() if marked else "")


def _body(record: Document, where: _Where, private: bool, found: list[_Raw]) -> None:
    """The text of a Markdown file."""
    weight: Weight = "firm" if private and not where.own else "said"
    _sentences(record.body, where, weight, private, found, marked=True)
    if not where.own:
        _addresses(record.body, where, private, found)
