"""The numbers of documents: the next one, and what is odd about those given out (domain §4.1).

A series counts within a scope: its year, its month or its client, as its pattern says. What a number belongs to is read
from the number itself, never from the date of its document.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import Literal

import msgspec

from portalgen.content.lock import DocumentRow, NumberRow
from portalgen.content.model import ClientFolder
from portalgen.content.problems import Finding
from portalgen.content.records.base import KeyPath
from portalgen.content.records.documents import CreditNote, Invoice
from portalgen.content.records.estimate import Estimate
from portalgen.content.records.numbering import TOKEN, Numbering, Series, counter_width, is_counter
from portalgen.content.records.practice import SiteFile
from portalgen.rules.references import number_reference

SeriesKind = Literal["invoice", "credit_note", "receipt", "estimate", "letter"]
KINDS: Mapping[SeriesKind, str] = {
    "invoice": "INV",
    "credit_note": "CN",
    "receipt": "R",
    "estimate": "E",
    "letter": "L",
}
"""Every kind with a series of its own, and what `{series}` stands for in it."""

_WORDS: Mapping[SeriesKind, str] = {
    "invoice": "invoice",
    "credit_note": "credit note",
    "receipt": "receipt",
    "estimate": "estimate",
    "letter": "letter",
}
_SHOWN = 6  # runs of missing numbers that a finding lists


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A number that was given out. `issued` is None on a draft; `path` is empty when its file is gone.

    `id` is that of the document (of the payment, for a receipt). `implied`: a receipt without a number has its id.
    """

    kind: SeriesKind
    number: str
    issued: dt.date | None
    client: str
    id: str
    path: str = ""
    at: KeyPath = ("number",)
    implied: bool = False


class Place(msgspec.Struct, frozen=True):
    """Where a number stands in its series. Numbers of one scope are counted together."""

    scope: tuple[str, ...]
    sequence: int


def series_of(site: SiteFile, kind: SeriesKind) -> Series:
    """The series of a kind, as site.yaml says or by default."""
    series: Series = getattr(site.numbering or Numbering(), kind)
    return series


def numbers_of(folder: ClientFolder) -> Iterator[Taken]:
    """Every number in one client's files, of receipts too."""
    documents: tuple[tuple[SeriesKind, Iterable[Invoice | CreditNote | Estimate]], ...] = (
        ("invoice", folder.invoices.values()),
        ("credit_note", folder.credit_notes.values()),
        ("estimate", folder.estimates.values()),
    )
    for kind, records in documents:
        for record in records:
            if record.number:
                yield Taken(
                    kind=kind,
                    number=record.number,
                    issued=getattr(record, "issued", None),
                    client=folder.id,
                    id=record.id,
                    path=record.path,
                )
    for n, payment in enumerate(folder.payments):
        if payment.receipt_number or payment.status == "cleared":
            yield Taken(
                kind="receipt",
                number=payment.receipt_number or payment.id,
                issued=payment.date,
                client=folder.id,
                id=payment.id,
                path=folder.source("payments.yaml"),
                at=(n, "receipt_number" if payment.receipt_number else "id"),
                implied=not payment.receipt_number,
            )


def numbers_in(rows: Iterable[DocumentRow], forgotten: Iterable[NumberRow] = ()) -> Iterator[Taken]:
    """The numbers that the lock keeps; their files may be gone. Those of forgotten clients belong to nobody."""
    for row in rows:
        kind: SeriesKind = "credit_note" if row.of == "credit-note" else "invoice"
        yield Taken(kind=kind, number=row.number, issued=row.issued, client=row.client, id=row.id)
    for given in forgotten:
        kind = "credit_note" if given.of == "credit-note" else given.of
        yield Taken(kind=kind, number=given.number, issued=given.issued, client="", id=given.number)


def place_of(series: Series, kind: SeriesKind, number: str, client: str) -> Place | None:
    """The scope and sequence that a number says by the pattern; None when it misses the pattern."""
    return _form(series, kind).place(number, client)


def next_number(series: Series, taken: Iterable[Taken], day: dt.date, client: str, *, kind: SeriesKind) -> str:
    """The number after the highest one of the day's scope, at least `start`, and free in the whole kind.

    `taken` may hold every kind. Numbers that miss the pattern count for nothing but being taken.
    """
    own = [one for one in taken if one.kind == kind]
    scope = (
        client if series.per_client else "",
        *(_value(token, kind, day, client) for token in _scope_tokens(series)),
    )
    numbered = [one for one in own if not one.implied]
    places = [place for one in numbered if (place := place_of(series, kind, one.number, one.client))]
    sequence = max((place.sequence + 1 for place in places if place.scope == scope), default=series.start)
    sequence = max(sequence, series.start)
    used = {reference_form(one.number) for one in own}
    while reference_form(number := written(series, kind, sequence, day, client)) in used:
        sequence += 1
    return number


def written(series: Series, kind: SeriesKind, sequence: int, day: dt.date, client: str) -> str:
    """The number that the pattern makes."""

    def value(found: re.Match[str]) -> str:
        if is_counter(found[1]):
            return str(sequence).zfill(counter_width(found[1]))
        return _value(found[1], kind, day, client)

    return TOKEN.sub(value, series.pattern)


def reference_form(number: str) -> str:
    """What is left of a number as a payment reference, where capital and small letters are the same."""
    return (number_reference(number, "") or number).casefold()


def number_findings(site: SiteFile, taken: Iterable[Taken], *, whole: bool = True) -> tuple[Finding, ...]:
    """What is odd about the numbers of all clients. A row with the id of a file's document is that document.

    Gaps and order are told only when all files could be read (`whole`), and the pattern only of a series that
    site.yaml writes.
    """
    own: dict[tuple[str, str, str], Taken] = {}
    for one in taken:
        if one.path or (one.kind, one.client, one.id) not in own:
            own[one.kind, one.client, one.id] = one
    findings: list[Finding] = []
    kinds: dict[str, list[Taken]] = defaultdict(list)
    implied: list[Taken] = []
    for one in own.values():
        (implied if one.implied else kinds[one.kind]).append(one)
    for kind in KINDS:
        numbers = sorted(kinds[kind], key=_by_number)
        findings += _also_ids(kind, numbers, implied)
        findings += _alike(kind, numbers)
        if site.numbering:
            findings += _off_pattern(series_of(site, kind), kind, numbers)
        if whole:
            findings += _in_scopes(series_of(site, kind), kind, numbers)
    return tuple(findings)


def gaps(series: Series, kind: SeriesKind, taken: Iterable[Taken]) -> tuple[str, ...]:
    """The missing numbers between the lowest and the highest of each scope, as `2026-0007` or `2026-0009 to …`."""
    return tuple(text for held in _scopes(series, kind, taken).values() for text, _ in _missing(series, held))


def _by_number(one: Taken) -> tuple[str, str]:
    return one.number, one.path


def _scope_tokens(series: Series) -> tuple[str, ...]:
    wanted = {"year": ("yyyy", "yy"), "month": ("yyyy", "yy", "mm")}.get(series.reset, ())
    return tuple(token for token in wanted if token in series.tokens)


def _value(token: str, kind: SeriesKind, day: dt.date, client: str) -> str:
    values = {
        "yyyy": f"{day.year:04}",
        "yy": f"{day.year % 100:02}",
        "mm": f"{day.month:02}",
        "dd": f"{day.day:02}",
        "client": client,
        "series": KINDS[kind],
    }
    return values[token]


class _Form:
    """What the numbers of a series look like, read from its pattern once."""

    def __init__(self, series: Series, kind: SeriesKind) -> None:
        self._series, self._kind = series, kind
        self._per_client, self._tokens = series.per_client, _scope_tokens(series)
        self._named = "client" in series.tokens
        self._matcher = _matcher(series, kind, None)

    def match(self, number: str, client: str) -> re.Match[str] | None:
        """The parts of a client's number by their tokens; None when it misses the pattern."""
        found = self._matcher.fullmatch(number)
        if found and self._named and found["client"] != client:
            return _matcher(self._series, self._kind, client).fullmatch(number)
        return found

    def place(self, number: str, client: str) -> Place | None:
        """The scope and sequence that a client's number says."""
        found = self.match(number, client)
        if not found:
            return None
        scope = (client if self._per_client else "", *(found[token] or "" for token in self._tokens))
        return Place(scope, int(found["seq"]))


_form = cache(_Form)


@lru_cache(maxsize=256)
def _matcher(series: Series, kind: SeriesKind, client: str | None) -> re.Pattern[str]:
    """What a client's numbers match; without a client, those of any."""
    shapes = {"yyyy": r"\d{4}", "yy": r"\d\d", "mm": r"0[1-9]|1[0-2]", "dd": r"0[1-9]|[12]\d|3[01]"}
    shapes |= {"client": "(?s:.*)" if client is None else re.escape(client), "series": re.escape(KINDS[kind])}
    parts: list[str] = []
    seen: set[str] = set()
    end = 0
    for found in TOKEN.finditer(series.pattern):
        parts.append(re.escape(series.pattern[end : found.start()]))
        token, end = found[1], found.end()
        if is_counter(token):
            width = counter_width(token)
            parts.append(rf"(?P<seq>\d{{{width}}}|[1-9]\d{{{width},}})")
        elif token in seen:
            parts.append(f"(?P={token})")
        else:
            parts.append(f"(?P<{token}>{shapes[token]})")
            seen.add(token)
    parts.append(re.escape(series.pattern[end:]))
    return re.compile("".join(parts), re.ASCII)


def _scopes(series: Series, kind: SeriesKind, taken: Iterable[Taken]) -> dict[tuple[str, ...], list[tuple[int, Taken]]]:
    """The numbers that fit the pattern, by scope and in the order of their sequence."""
    found: dict[tuple[str, ...], list[tuple[int, Taken]]] = defaultdict(list)
    for one in taken:
        place = place_of(series, kind, one.number, one.client) if one.kind == kind else None
        if place:
            found[place.scope].append((place.sequence, one))
    return {scope: sorted(held, key=lambda item: (item[0], item[1].number)) for scope, held in sorted(found.items())}


def _missing(series: Series, held: list[tuple[int, Taken]]) -> Iterator[tuple[str, Taken]]:
    """Each run of missing numbers, and the number after it."""
    for (before, last), (after, one) in pairwise(held):
        if after - before > 1:
            first = _again(series, before + 1, last)
            final = _again(series, after - 1, one)
            yield (first if after - before == 2 else f"{first} to {final}"), one


def _again(series: Series, sequence: int, like: Taken) -> str:
    """The number with another sequence and all else as in `like`."""
    found = _form(series, like.kind).match(like.number, like.client)
    counter = next(token for token in series.tokens if is_counter(token))
    start, end = found.span("seq") if found else (0, 0)
    return like.number[:start] + str(sequence).zfill(counter_width(counter)) + like.number[end:]


def _alike(kind: SeriesKind, numbers: list[Taken]) -> Iterator[Finding]:
    """Numbers that are the same, or the same to a person or a bank."""
    seen: dict[str, Taken] = {}
    forms: dict[str, Taken] = {}
    word = _WORDS[kind]
    for one in sorted(numbers, key=lambda one: (bool(one.path), one.path, one.number)):
        other = seen.setdefault(one.number.casefold(), one)
        like = forms.setdefault(reference_form(one.number), one) if kind == "invoice" else one
        if other is not one and one.path:
            before = f"was given to '{other.id}' before" if other.client else "was given out before"
            where = f"is also in {other.path}" if other.path else before
            message = f"the {word} number '{one.number}' {where}"
            yield _finding(one, "duplicate-number", message, "give the later one the next free number")
        elif like is not one and one.path and other is one:
            message = (
                f"payments cannot tell '{one.number}' from '{like.number}': both become '{reference_form(one.number)}'"
            )
            hint = "let numbers differ in their letters, digits and hyphens, within 35 signs"
            yield _finding(one, "same-reference", message, hint, warning=True)


def _also_ids(kind: SeriesKind, numbers: list[Taken], implied: Iterable[Taken]) -> Iterator[Finding]:
    """Numbers that stand on another document already, which has none of its own."""
    if not numbers:
        return
    same = sorted((one for one in implied if one.kind == kind), key=_by_number)
    ids = {one.number.casefold(): one for one in same}
    for one in numbers:
        if other := ids.get(one.number.casefold()):
            message = f"the {_WORDS[kind]} number '{one.number}' is also on the {_WORDS[kind]} of '{other.id}'"
            message += f" of '{other.client}', which has no number of its own"
            yield _finding(one, "duplicate-number", message, "give this one the next free number")


def _off_pattern(series: Series, kind: SeriesKind, numbers: list[Taken]) -> Iterator[Finding]:
    for one in numbers:
        if not one.path:
            continue
        place = place_of(series, kind, one.number, one.client)
        day = one.issued
        if place is None:
            like = written(series, kind, series.start, day or dt.date(2026, 1, 1), one.client)
            message = f"the {_WORDS[kind]} number '{one.number}' does not fit the pattern {series.pattern}"
            yield _finding(one, "number-pattern", message, f"a number that fits is like '{like}'", warning=True)
        elif day and written(series, kind, place.sequence, day, one.client) != one.number:
            message = f"the {_WORDS[kind]} number '{one.number}' says another day than {day}, when it was issued"
            yield _finding(
                one,
                "number-pattern",
                message,
                f"check the number and the date; the pattern is {series.pattern}",
                warning=True,
            )


def _in_scopes(series: Series, kind: SeriesKind, numbers: list[Taken]) -> Iterator[Finding]:
    for held in _scopes(series, kind, numbers).values():
        runs = list(_missing(series, held))
        place = next((one for _, one in runs if one.path), None)
        if runs and place:
            texts = [text for text, _ in runs]
            rest = f" and {len(texts) - _SHOWN} more gaps" if len(texts) > _SHOWN else ""
            named = ", ".join(texts[:_SHOWN]) if rest or len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
            verb = "is" if len(texts) == 1 and " to " not in texts[0] else "are"
            message = f"{_WORDS[kind]} numbers have a gap: {named}{rest} {verb} missing"
            hint = "take the missing files back, or silence this with the reason"
            yield _finding(place, "number-gap", message, hint, warning=True)
        # Money is booked when it is seen: a receipt's day is that of the payment, not of the booking.
        dated = [one for _, one in held if one.issued] if kind != "receipt" else []
        for before, one in pairwise(dated):
            if before.issued and one.issued and one.issued < before.issued and one.path:
                message = f"'{one.number}' was issued on {one.issued}, before '{before.number}' of {before.issued}"
                hint = "numbers follow the dates of issue; check both dates"
                yield _finding(one, "number-order", message, hint, warning=True)


def _finding(one: Taken, code: str, message: str, hint: str, warning: bool = False) -> Finding:
    severity: Literal["error", "warning"] = "warning" if warning else "error"
    return Finding(path=one.path, at=one.at, code=code, message=message, hint=hint, severity=severity)
