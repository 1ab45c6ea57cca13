"""One row of an imported file, whatever its format, and what is wrong with a file."""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.problems import Problem
from portalgen.desk.imports import FormatName
from portalgen.rules.money import ZERO, Money

Kind = Literal["payment", "refund", "fee", "payout", "other"]
SHORT = 6  # signs; what is shorter is a count within its file and tells no row from another
MOST_BYTES = 32 * 1024 * 1024
MOST_ROWS = 50_000
NO_TEXT = frozenset(("NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOTAVAILABLE", "UNKNOWN"))
"""What banks write where a payer wrote nothing."""
_UNSEEN = ("Cc", "Cf", "Cs")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Money that moved. `amount` is gross, below zero where it went out; `fee` is what it cost, above zero.

    `id` is the same in every file that has this row, `origin` the id of the row that this one pays back. `sent` is what
    the payer gave in another currency. `doubt` says why the row can never be certain, `ignored` why it is none of the
    books' business.
    """

    line: int
    id: str = ""
    date: dt.date
    amount: Decimal
    currency: str
    payer: str = ""
    email: str = ""
    text: str = ""
    reference: str = ""
    origin: str = ""
    fee: Decimal = ZERO
    kind: Kind = "payment"
    sent: Money | None = None
    doubt: str = ""
    ignored: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was read. `accounts` are the IBANs it is of, where it says so; `notes` what was guessed."""

    file: str
    format: FormatName
    rows: tuple[Row, ...]
    accounts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command says about the file; empty where it is to be guessed. `timezone` is the practice's."""

    format: FormatName | None = None
    columns: Mapping[str, tuple[str, ...]] = {}
    date_format: str = ""
    decimal: str = ""
    delimiter: str = ""
    encoding: str = ""
    timezone: str = "UTC"
    currency: str = ""  # the practice's, of rows that name none


class Unreadable(Exception):
    """A file that cannot be read as what it is taken for. Nothing was written."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class BadRows(Exception):
    """Rows that cannot be understood, all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("bad rows")
        self.problems = tuple(problems)


def bad_row(file: str, line: int, message: str, hint: str = "") -> Problem:
    """A row that cannot be understood, with its line in the file."""
    return Problem(path=file, line=line, code="bad-row", message=message, hint=hint)


def clean(text: str) -> str:
    """The text on one line, without control characters and what turns the direction of text."""
    kept = "".join(" " if sign in "\ufffe\uffff" or unicodedata.category(sign) in _UNSEEN else sign for sign in text)
    return " ".join(kept.split())


def base(id_: str) -> str:
    """The part of an id that its bank or service gave."""
    return id_.partition("~")[0]


def with_ids(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with ids that no other row of the file has, each row once.

    A row without an id gets one made from what it says, and rows that say the same are counted. An id that is short, or
    on rows that say different things, is lengthened by that. So ids do not depend on the order of the rows.
    """
    marks = [_mark(row) for row in rows]
    said: dict[str, set[str]] = defaultdict(set)
    for row, mark in zip(rows, marks, strict=True):
        said[row.id].add(mark)
    counts: Counter[str] = Counter()
    found: dict[str, Row] = {}
    for row, mark in zip(rows, marks, strict=True):
        id_ = row.id
        if not id_ or id_.endswith("~"):
            counts[id_ + mark] += 1
            count = counts[id_ + mark]
            id_ += mark if count == 1 else f"{mark}-{count}"
        elif len(said[id_]) > 1 or len(id_) < SHORT:
            id_ = f"{id_}~{mark}"
        found.setdefault(id_, msgspec.structs.replace(row, id=id_))
    return tuple(found.values())


def _mark(row: Row) -> str:
    said = (row.date, f"{row.amount:f}", row.currency, row.payer, row.email, row.text, row.reference)
    return hashlib.sha256("\x1f".join(map(str, said)).encode()).hexdigest()[:16]
