"""A document as it is set on paper: every text in the reader's words, nothing left to compute.

`templates/document.typ` lays out any sheet; the PDF is a function of the sheet's bytes, the template and the fonts.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Literal

import msgspec

Paper = Literal["a4", "us-letter"]
Direction = Literal["ltr", "rtl"]
Weight = Literal["plain", "strong", "total"]

LETTER = frozenset(("US", "CA", "MX", "PR", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "SV", "VE"))
"""Countries whose office paper is 8.5 × 11 inches; all others use A4 (ISO 216)."""
_LATIN = re.compile("[\n -~\xa0-\u024f\u2010-\u2027\u20a0-\u20bf]*")  # nothing to leave out or to set apart in it
_LONG_WORD = re.compile(r"(?<!\S)(?!https?://)\S{32,}")
_BREAKS = re.compile(r"([/?&=.,:;_#+-]|\S{16}(?=\S))")
_FSI, _PDI, _ZERO_WIDTH_SPACE = "\u2068", "\u2069", "\u200b"


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A fact and what it is called."""

    label: str
    value: str


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen at a glance: an amount, or what stands in its place, and a few words on it."""

    amount: str
    lines: tuple[str, ...] = ()


class PartyBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends or gets the document: name and address, and smaller below them numbers and contact."""

    heading: str
    lines: tuple[str, ...]
    small: tuple[str, ...] = ()


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column. Figures stand at the line's end; one wide column takes the room that is left."""

    title: str
    figure: bool = False
    wide: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row; `note` stands small below the text of the wide column, `running` is the sum up to and with this row."""

    cells: tuple[str, ...]
    note: str = ""
    running: str = ""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What the sum so far is called at the foot of a page and at the head of the next."""

    carried: str
    brought: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table that may run over several pages."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    foot: tuple[str, ...] = ()
    carried: Carried | None = None


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the totals."""

    label: str
    value: str
    weight: Weight = "plain"


class Paragraph(msgspec.Struct, frozen=True, kw_only=True):
    """A paragraph, a heading among them, or an item of a list after its `bullet`."""

    text: str
    small: bool = False
    heading: bool = False
    bullet: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table, facts, totals and what is said below them; each may be missing."""

    heading: str = ""
    table: Table | None = None
    facts: tuple[Pair, ...] = ()
    sums: tuple[Sum, ...] = ()
    paragraphs: tuple[Paragraph, ...] = ()


class WayBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay. `code` is an SVG, `alt` what it is, `caption` what to do with it; `shown` is how `href` reads."""

    label: str
    rows: tuple[Pair, ...] = ()
    instructions: str = ""
    href: str = ""
    shown: str = ""
    small: tuple[str, ...] = ()
    code: str = ""
    caption: str = ""
    alt: str = ""


class SlipRow(msgspec.Struct, frozen=True, kw_only=True):
    """A heading of a payment slip and what stands below it."""

    label: str
    lines: tuple[str, ...] = ()


class SlipWords(msgspec.Struct, frozen=True, kw_only=True):
    """The prescribed words of a Swiss payment slip."""

    separate: str
    receipt: str
    payment: str
    currency: str
    amount: str
    acceptance: str


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """The payment part of a Swiss QR-bill and its receipt. `side` is that of `code` with the white around it, in mm."""

    language: str
    words: SlipWords
    receipt: tuple[SlipRow, ...]
    payment: tuple[SlipRow, ...]
    currency: str
    amount: str
    code: str
    side: float
    alt: str
    blank_debtor: bool


class Shades(msgspec.Struct, frozen=True, kw_only=True):
    """The colours of a sheet, as `#rrggbb`."""

    ink: str
    quiet: str
    accent: str
    tint: str
    line: str


class Logo(msgspec.Struct, frozen=True, kw_only=True):
    """The practice's mark. `name` ends in the file's type; `source` is the file of the site that asks for it."""

    name: str
    source: str
    content: bytes
    alt: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One document. `title` and `practice` are all that the PDF's metadata say, next to `date` and `language`."""

    kind: Literal["invoice", "credit-note", "receipt", "refund", "statement", "year", "request"]
    title: str
    subtitle: str = ""
    issued: str = ""
    date: dt.date
    practice: str
    language: str  # BCP 47, without its region
    region: str = ""
    direction: Direction = "ltr"
    paper: Paper = "a4"
    colours: Shades
    logo: Logo | None = None
    headline: Headline | None = None
    parties: tuple[PartyBlock, ...] = ()
    facts: tuple[Pair, ...] = ()
    sections: tuple[Section, ...] = ()
    ways_heading: str = ""
    ways: tuple[WayBlock, ...] = ()
    closing: tuple[Paragraph, ...] = ()
    slip: Slip | None = None
    footer: str = ""


def canonical(sheet: Sheet) -> bytes:
    """The sheet as JSON: the same sheet gives the same bytes."""
    return msgspec.json.encode(sheet)


def digest(*parts: bytes) -> str:
    """SHA-256 over parts whose borders count, as hexadecimal digits."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def fitted(text: str, direction: Direction) -> str:
    """A text from a file, ready to be set: its direction apart from the line's (UAX #9), its long words divisible.

    Control characters that no font has are left out.
    """
    foreign = False
    if not _LATIN.fullmatch(text):
        text = "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs", "Co"))
        foreign = any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)
    text = _LONG_WORD.sub(lambda word: _BREAKS.sub(rf"\1{_ZERO_WIDTH_SPACE}", word[0]), text.replace("\t", " "))
    if text and (direction == "rtl" or foreign):
        return "\n".join(f"{_FSI}{line}{_PDI}" if line else "" for line in text.split("\n"))
    return text


class _Blocks(HTMLParser):
    """Paragraphs, headings, items and table rows of clean HTML."""

    _TEXT = frozenset(("p", "li", "h2", "h3", "h4", "h5", "h6", "tr", "dt", "dd", "pre", "figcaption"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Paragraph] = []
        self._parts: list[str] = []
        self._lists: list[int] = []  # the next number of each open list; 0 where it counts nothing
        self._bullet, self._heading, self._href = "", False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("ul", "ol"):
            self.flush()
            self._lists.append(int(dict(attrs).get("start") or 1) if tag == "ol" else 0)
        elif tag == "br":
            self._parts.append("\n")
        elif tag in ("td", "th"):
            self._parts.append(" · " if "".join(self._parts).strip() else "")
        elif tag == "a":
            self._href = dict(attrs).get("href") or ""
        elif tag in self._TEXT:
            self.flush()
            self._heading = tag[0] == "h" or tag == "dt"
            if tag == "li":
                number = self._lists[-1] if self._lists else 0
                self._bullet = f"{number}." if number else "•"
                if number:
                    self._lists[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self.flush()
            self._lists = self._lists[:-1]
        elif tag == "a":
            if self._href.startswith("https:") and self._href not in "".join(self._parts):
                self._parts.append(f" ({self._href})")
            self._href = ""
        elif tag in self._TEXT:
            self.flush()

    def handle_data(self, data: str) -> None:
        self._parts.append(re.sub(r"\s+", " ", data))

    def flush(self) -> None:
        """End the paragraph."""
        text = re.sub(r" *\n *", "\n", "".join(self._parts)).strip()
        if text:
            self.found.append(Paragraph(text=text, heading=self._heading, bullet=self._bullet))
            self._bullet = ""
        self._parts, self._heading = [], False


def paragraphs(html: str, direction: Direction) -> Iterable[Paragraph]:
    """Clean HTML as paragraphs. A link to another site is followed by its address, since paper has no links."""
    reader = _Blocks()
    reader.feed(html)
    reader.close()
    reader.flush()
    return tuple(msgspec.structs.replace(part, text=fitted(part.text, direction)) for part in reader.found)
