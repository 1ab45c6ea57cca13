"""Files of comma-separated values as the world writes them: encodings, delimiters, decimal signs and dates."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from portalgen.content.codes import parse_currency
from portalgen.content.problems import Problem
from portalgen.content.records.base import Misfit
from portalgen.content.records.payees import ascii_text
from portalgen.desk.imports.rows import MOST_ROWS, BadRows, Row, Unreadable, bad_row, clean

T = TypeVar("T")
DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%d.%m.%y", "%d/%m/%y",
          "%m/%d/%y", "%d-%m-%y", "%d %b %Y", "%d-%b-%Y")  # fmt: skip
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬−–", "01234567890123456789.,--")
_NUMBER = re.compile(r"[+-]?\d[\d.,' ]*[+-]?|[+-]?[.,]\d+")
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}.*", re.DOTALL)


class Line(msgspec.Struct, frozen=True):
    """A line of a table: where it stands in its file, and its cells."""

    number: int
    cells: list[str]


class Table(msgspec.Struct, frozen=True):
    """A header, each name as written, and the lines below it."""

    header: list[str]
    lines: list[Line]


def decoded(data: bytes, encoding: str = "") -> tuple[str, str]:
    """The text of a file and the encoding it was read in. Raises `Unreadable`."""
    guessed = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    for name in (encoding,) if encoding else (guessed,) if guessed else ("utf-8", "cp1252"):
        try:
            text = data.decode(name)
        except LookupError:
            raise Unreadable(
                f"there is no encoding '{name}'", "write --encoding utf-8, windows-1252 or iso-8859-15"
            ) from None
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, name
    tried = f"is not in the encoding {encoding}" if encoding else "is not text in an encoding that we know"
    raise Unreadable(f"the file {tried}", "write --encoding with the one it has, or export it again as CSV or camt.053")


def named(header: str) -> str:
    """The name of a column without case, accents and punctuation: `Created (UTC)` is `created utc`."""
    plain = ascii_text(header)
    if not re.search(r"[A-Za-z]", plain):
        plain = unicodedata.normalize("NFKC", header)
    return " ".join(re.findall(r"\w+", plain.casefold().replace("_", " ")))


def table(text: str, delimiter: str, is_header: Callable[[list[str]], bool]) -> Table | None:
    """The table in a text: some files have lines about the account above its header. None when there is no header."""
    for sign in (delimiter,) if delimiter else DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
        header: list[str] | None = None
        lines: list[Line] = []
        try:
            start = 1
            for cells in reader:
                at, start = start, reader.line_num + 1
                if header is None:
                    if is_header(cells):
                        header = [clean(cell) for cell in cells]
                    elif at > 40:
                        break
                elif any(cell.strip() for cell in cells):
                    lines.append(Line(at, [clean(cell) for cell in cells]))
                if len(lines) > MOST_ROWS:
                    raise Unreadable(f"the file has more than {MOST_ROWS} rows", "export a shorter time")
        except csv.Error:
            continue
        if header is not None:
            return Table(header, lines)
    return None


def decimal_sign(amounts: Iterable[str]) -> str:
    """The decimal sign that amounts are written with; empty when they do not tell."""
    signs = set()
    for text in map(_figures, amounts):
        marks = re.findall(r"[.,]", text)
        if not marks:
            continue
        last = marks[-1]
        after = len(re.split(r"[.,]", text.rstrip("+-"))[-1])
        if len(set(marks)) > 1 or (len(marks) == 1 and after != 3):
            signs.add(last)
        elif len(marks) > 1:
            signs.add("." if last == "," else ",")
    return signs.pop() if len(signs) == 1 else ""


def decimal_of(text: str, sign: str) -> Decimal | None:
    """An amount with that decimal sign and any thousands separators, currency beside it or not; None if it is none.

    In brackets, or with a minus behind it, it is below zero.
    """
    figures = _figures(text)
    if not figures or not _NUMBER.fullmatch(figures):
        return None
    negative = "-" in figures or (text.strip().startswith("(") and text.strip().endswith(")"))
    other = "," if sign == "." else "."
    whole, _, part = figures.strip("+-").partition(sign)
    groups = re.split(f"[{re.escape(other)}' ]", whole)
    if not (whole + part).strip(f"{other}' ") or not re.fullmatch(r"\d{0,8}", part):
        return None
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) not in (2, 3) for group in groups[1:])):
        return None
    digits = "".join(groups)
    if not (digits == "" or digits.isdecimal()) or len(digits) > 12:
        return None
    amount = Decimal(f"{digits or 0}.{part or 0}" if part else digits or "0")
    return -amount if negative else amount


def _figures(text: str) -> str:
    """The number in a cell without what stands for its currency."""
    plain = clean(unicodedata.normalize("NFKC", text).replace("’", "'")).translate(_DIGITS)
    plain = re.sub(r"^\(|\)$", "", plain)
    return re.sub(r"^([+-]?) ?[^\d+.,-]{1,4}(?=[\d+.,-])|(?<=[\d+-]) ?[^\d+-]{1,4}$", r"\1", plain).strip()


def date_format(dates: Sequence[str], wanted: str = "") -> str:
    """The one way in which all of these dates can be read. Raises `Unreadable` when there is none, or several."""
    if wanted:
        return wanted
    known = {text for text in dates if text}
    sample = next(iter(sorted(known)), "")
    fitting = {
        tuple(found): form
        for form in reversed(_DATES)
        if None not in (found := [date_of(text, form) for text in sorted(known)])
    }
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if not known:
        return _DATES[0]
    if fitting:
        forms = " or ".join(f'"{form}"' for form in sorted(fitting.values()))
        raise Unreadable(f"'{sample}' can be read as two days", f"say which is meant: --date-format {forms}")
    likely = [form for form in _DATES if date_of(sample, form)]
    if likely:  # most dates are fine, so the others are told with their lines
        return max(likely, key=lambda form: sum(date_of(text, form) is not None for text in known))
    raise Unreadable(
        f"'{sample}' is no date that we know", "say how dates are written, for example --date-format %d.%m.%Y"
    )


def date_of(text: str, form: str) -> dt.date | None:
    """A date written that way, with or without a time behind it."""
    plain = clean(text).translate(_DIGITS)
    for candidate in (plain, _TIME.sub("", plain)):
        try:
            day = dt.datetime.strptime(candidate, form).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
        return day if 1990 <= day.year <= 2199 else None
    return None


class Cells:
    """The cells of a table by the names that a format gives its columns."""

    def __init__(self, file: str, table: Table, columns: Mapping[str, Sequence[int]]) -> None:
        self.file, self.table, self.columns = file, table, columns
        self.problems: list[Problem] = []
        self.sign, self.form = ".", ""

    def has(self, name: str) -> bool:
        """Whether the file has such a column."""
        return bool(self.columns.get(name))

    def all(self, name: str) -> list[str]:
        """Everything in these columns, row by row."""
        return [self.text(line, name) for line in self.table.lines]

    def text(self, line: Line, name: str) -> str:
        """What a row says there; several columns one after the other, each text once."""
        cells = (line.cells[at] for at in self.columns.get(name, ()) if at < len(line.cells))
        return " ".join(dict.fromkeys(cell for cell in cells if cell))

    def settle(self, amounts: Sequence[str], dates: Sequence[str], decimal: str = "", form: str = "") -> None:
        """Finds how amounts and dates are written in this file. Raises `Unreadable` when it cannot tell."""
        figures = [figure for figure in map(_figures, amounts) if re.search("[.,]", figure)]
        self.sign = decimal or decimal_sign(figures) or ("" if figures else ".")
        if not self.sign:
            hint = "say which sign begins the cents: --decimal , or --decimal ."
            raise Unreadable(f"'{figures[0]}' can be read as two amounts", hint)
        self.form = date_format(dates, form)

    def amount(self, line: Line, name: str, needed: bool = True) -> Decimal | None:
        """An amount; None where the cell is empty, or wrong, which is then a problem."""
        text = self.text(line, name)
        amount = decimal_of(text, self.sign) if text else None
        if amount is None and (text or needed):
            what = f"'{text}' is not an amount" if text else f"this row has no {name}"
            self.wrong(line, what, f"the decimal sign is taken to be '{self.sign}'; else say --decimal")
        return amount

    def date(self, line: Line, name: str) -> dt.date | None:
        """A date; None where it is wrong, which is then a problem."""
        text = self.text(line, name)
        day = date_of(text, self.form)
        if day is None:
            what = f"'{text}' is not a date like the others" if text else "this row has no date"
            self.wrong(line, what, f"dates are taken to be written as {self.form}; else say --date-format")
        return day

    def wrong(self, line: Line, message: str, hint: str = "") -> None:
        """Notes what is wrong with a row."""
        self.problems.append(bad_row(self.file, line.number, message, hint))

    def rows(self, read: Callable[[Line], Row | None]) -> list[Row]:
        """Every row. Raises `BadRows` with all that are wrong."""
        width = len(self.table.header)
        for line in self.table.lines:
            if any(line.cells[width:]):
                hint = "a text with the delimiter in it stands in quotes; export the file again"
                self.wrong(line, f"this row has more cells than the header, which has {width}", hint)
        found = [row for line in self.table.lines if (row := read(line)) is not None]
        if self.problems:
            raise BadRows(sorted(self.problems))
        return found


def is_currency(code: str) -> bool:
    """Whether it is a currency of ISO 4217 that is in use."""
    try:
        return bool(parse_currency(code))
    except Misfit:
        return False


def columns_of(header: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Where a header has the columns of a format: for each field the places of its names, the best name first."""
    known: dict[str, int] = {}
    for at, cell in enumerate(header):
        known.setdefault(named(cell), at)
    return {field: [known[name] for name in wanted if name in known] for field, wanted in names.items()}
