"""What finished files say to somebody who looks closely: their text in one form, however it was encoded.

Two texts are compared as rows of words: ASCII in lower case, everything between words left out. HTML escapes,
percent signs, JSON escapes, UTF-16, base64 in any alignment, zlib, gzip and ZIP are undone first.
"""

from __future__ import annotations

import html
import io
import re
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from urllib.parse import unquote_to_bytes

MEDIA = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".ico", ".mp3", ".m4a", ".mp4", ".webm")
"""What is read at both ends only, where such files say who made them."""
FONTS = (".woff", ".woff2")
"""What holds no words of anybody."""
_END = 1 << 16
_LONG = 1 << 21
_MOST = 1 << 20
"""Bytes of one packed stream that are unpacked at most."""
_STREAMS = 64

_BETWEEN = re.compile(rb"\xe2\x80[\x80-\xbf]|\xc2[\xa0-\xbf]|\xe3\x80[\x80-\x91]|\xef\xbc[\x80-\x8f]")
_LETTERS = re.compile(rb"\xe0[\xb8-\xbb][\x80-\xbf]|[\xe3-\xed][\x80-\xbf]{2}")
_SCRIPTS = tuple(bytes((sign,)) for sign in (0xE0, *range(0xE3, 0xEE)))
"""Writing that puts no space between words: each of its signs counts as one."""
APART = b" \x01 "
"""Stands between texts that do not belong together: no value goes over it."""
_KEPT = bytes(sign if sign >= 128 or sign == 1 or chr(sign).isalnum() else 32 for sign in range(256))
_LOWER = _KEPT.lower()
_TAG = re.compile(rb"<[^<>]*>")
_INLINE = re.compile(rb"</?(?:[abiuqs]|abbr|bdi|bdo|br|em|mark|small|span|strong|sub|sup|time|wbr)\b[^<>]*>")
_DRAWING = re.compile(rb'\s(?:d|points|transform|viewBox)="[^"]*"')
_HEXED = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNICODE = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_BLANK = re.compile(rb"\\[nrtbf]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_WIDE = re.compile(rb"(?:[\x20-\xff][\x00-\x05]){4,}|(?:[\x00-\x05][\x20-\xff]){4,}")
_MARK = re.compile(rb"\xfe\xff|\xff\xfe")
_MARKED = 512
"""Bytes that are read as UTF-16 after a mark that says so."""
_PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_HEX = re.compile(rb"<(FEFF(?:[0-9A-Fa-f]{4})+)>", re.IGNORECASE)
_NUMBER = re.compile(rb"\d{7,30}")
_DIGITS = bytes(sign if chr(sign).isdigit() and sign < 128 else 120 for sign in range(256))
_IN_NUMBERS = b" ()./-\xc2\xa0"
_NOT_DIGIT = bytes(set(range(256)) - set(b"0123456789"))
_FEW = 200
"""Four words that are sought in the texts; for more of them it pays to learn all that follow each other."""
PHONE = b"tel"
SHORTEST_PHONE, LONGEST_PHONE = 7, 9
"""Digits by which a number is known."""


def words(text: bytes, cased: bool = False) -> bytes:
    """The words of a text (UTF-8) with one space between them; in lower case unless `cased`."""
    return b" ".join(spaced(text, cased).split())


def spaced(text: bytes, cased: bool = False) -> bytes:
    """The same with any number of spaces between them."""
    if not text.isascii():
        text = _BETWEEN.sub(b" ", text)
        if any(sign in text for sign in _SCRIPTS):
            text = _LETTERS.sub(rb" \g<0> ", text)
    return text.translate(_KEPT if cased else _LOWER)


def fours(tokens: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Every four words that follow each other."""
    return zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)


def phone_end(text: bytes) -> bytes:
    """The digits by which a telephone number is known with and without its country; empty for fewer than seven."""
    digits = text.translate(None, _NOT_DIGIT).lstrip(b"0")
    return digits[-LONGEST_PHONE:] if len(digits) >= SHORTEST_PHONE else b""


class Disclosed:
    """Files as one text. Pages are `shown` (what stands between tags) and `hidden` (tags, and what was unpacked)."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        read = [_ends(name, data) for name, data in files.items() if _worded(name)]
        texts, others = [], set()
        for data in read:
            texts.append(data) if _is_text(data) else others.add(data)
        lines = _lines(texts)
        self.unpacked = APART.join(piece for data in (lines, *sorted(others)) for piece in _unpacked(data, 2))
        self._raw = APART.join((lines, *sorted(others)))
        plain = _TAG.sub(APART, _INLINE.sub(b" ", self._raw))
        tags = _DRAWING.sub(b"", APART.join(sorted(set(_TAG.findall(self._raw)))))
        self._shown = _unescaped(plain)
        self._hidden = _unescaped(tags) + APART + _unescaped(_TAG.sub(b" ", self.unpacked))
        self._hidden += APART + APART.join(_percent(self._raw))
        self._sought = 0

    @cached_property
    def shown(self) -> bytes:
        """The words that a reader sees."""
        return b" %b " % words(self._shown)

    @cached_property
    def cased(self) -> bytes:
        """The words that a reader sees, as they are written."""
        return b" %b " % words(self._shown, cased=True)

    @cached_property
    def hidden(self) -> bytes:
        """The words that only a program sees."""
        return b" %b " % words(self._hidden)

    @cached_property
    def phones(self) -> frozenset[bytes]:
        """All rows of digits by which a telephone number might be known."""
        runs = {
            run for text in (self._shown, self._hidden) for run in _NUMBER.findall(text.translate(_DIGITS, _IN_NUMBERS))
        }
        lengths = range(SHORTEST_PHONE, LONGEST_PHONE + 1)
        return frozenset(run[at : at + n] for run in runs for n in lengths for at in range(len(run) - n + 1))

    def says(self, row: bytes, *, called: bool = False) -> bool:
        """Whether these words stand somewhere. A name is `called` as it is written, or in capitals: "will may" is none.

        Where only programs read, capitals do not matter.
        """
        low = b" %b " % (row.lower() if called else row)
        if low in self.hidden:
            return True
        if low not in self.shown:
            return False
        return not called or b" %b " % row in self.cased or b" %b " % row.upper() in self.cased

    def around(self, word: bytes) -> bytes:
        """What stands within 48 bytes of each place of a word."""
        found, sign = [], b" %b " % word
        for text in (self.shown, self.hidden):
            at = text.find(sign)
            while at >= 0:
                found.append(text[max(0, at - 48) : at + len(sign) + 48])
                at = text.find(sign, at + 1)
        return APART.join(found)

    def follow(self, row: tuple[bytes, ...]) -> bool:
        """Whether one, two or four words follow each other somewhere; or, after `PHONE`, digits stand."""
        if row[0] == PHONE and row[-1] in self.phones:
            return True
        if len(row) == 1:
            return row[0] in self._tokens
        if not self._pairs.issuperset(pairwise(row)):
            return False
        if len(row) == 2:
            return True
        self._sought += 1
        if self._sought > _FEW:
            return row in self._fours
        low = b" %b " % b" ".join(row)
        return low in self.shown or low in self.hidden

    @cached_property
    def _tokens(self) -> frozenset[bytes]:
        return frozenset(self.shown.split()).union(self.hidden.split())

    @cached_property
    def _pairs(self) -> frozenset[tuple[bytes, bytes]]:
        return frozenset(pairwise(self.shown.split())).union(pairwise(self.hidden.split()))

    @cached_property
    def _fours(self) -> frozenset[tuple[bytes, ...]]:
        return frozenset(fours(self.shown.split())).union(fours(self.hidden.split()))


def _worded(name: str) -> bool:
    return not name.lower().endswith(FONTS)


def _lines(texts: Iterable[bytes]) -> bytes:
    """Every line of some texts once: pages share most of theirs."""
    return b"\n".join(dict.fromkeys(line for text in texts for line in text.split(b"\n")))


def _ends(name: str, data: bytes) -> bytes:
    """A file, or the ends of one that is long or holds sound and pictures."""
    end = _END if name.lower().endswith(MEDIA) else _LONG
    return data if len(data) <= 2 * end else data[:end] + APART + data[-end:]


def _unescaped(text: bytes) -> bytes:
    """The text with HTML's and JSON's escapes undone."""
    if b"&" in text:
        text = html.unescape(text.decode("utf-8", "surrogateescape")).encode("utf-8", "replace")
    if b"\\" in text:
        text = _UNICODE.sub(lambda found: chr(int(found[1], 16)).encode("utf-8", "replace"), text)
        text = _BLANK.sub(b" ", text)
    return text


def _percent(text: bytes) -> Iterator[bytes]:
    """What is written with percent signs. To look for lines first is far quicker than one expression for all."""
    lines = (line for line in text.split(b"\n") if b"%" in line and _HEXED.search(line)) if b"%" in text else ()
    yield from map(unquote_to_bytes, sorted({part for line in lines for part in line.split() if b"%" in part}))


def _unpacked(data: bytes, depth: int) -> Iterator[bytes]:
    """Texts inside a file that are encoded: each once more as it is, and what is encoded in them."""
    for piece in _pieces(data):
        yield piece
        if depth > 1:
            yield from _unpacked(piece, depth - 1)


def _pieces(data: bytes) -> Iterator[bytes]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield data.decode("utf-16", "replace").encode()
    if decoded := APART.join(part for run in sorted(set(_BASE64.findall(data))) for part in _base64(run)):
        yield decoded
    if data.startswith(b"%PDF"):
        yield from (
            bytes.fromhex(found.decode()[4:]).decode("utf-16-be", "replace").encode() for found in _HEX.findall(data)
        )
        data = _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), data)
    if _is_text(data):
        return
    for mark in _MARK.finditer(data):
        part = data[mark.end() : mark.end() + _MARKED]
        yield part.decode("utf-16-be" if mark[0] == b"\xfe\xff" else "utf-16-le", "replace").encode()
    for wide in _WIDE.findall(data.replace(b"\xfe\xff", b"\n").replace(b"\xff\xfe", b"\n")):
        # which half is the high byte shows at the first sign; that sign may be one of what stands before the text
        text = wide.decode("utf-16-le" if wide[1] <= 5 else "utf-16-be", "replace")
        yield f"{text} {text[1:]}".encode()
    if data.startswith(b"PK\x03\x04"):
        yield from _zipped(data)
    else:
        yield from _deflated(data)


def _is_text(data: bytes) -> bool:
    if b"\0" in data or data.startswith(b"%PDF"):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _base64(run: bytes) -> Iterator[bytes]:
    """What a run may mean, wherever in it the first whole group of four signs begins. A plain word means nothing."""
    if run.lower() == run or (run[1:].islower() and run.isalpha()):
        return
    plain = run.translate(_URLSAFE)
    for start in range(4):
        part = plain[start:]
        part = part[: len(part) - 1] if len(part) % 4 == 1 else part
        if len(part) >= 6:
            yield b64decode(part + b"=" * (-len(part) % 4))


def _deflated(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    count = 0
    for found in _PACKED.finditer(data):
        try:
            text = zlib.decompressobj(47).decompress(view[found.start() :], _MOST)
        except zlib.error:
            continue
        if text:
            yield text
            count += 1
            if count == _STREAMS:
                return


def _zipped(data: bytes) -> Iterator[bytes]:
    """The files of a ZIP, which office documents are too."""
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist()[:_STREAMS]:
                with archive.open(entry) as file:
                    yield file.read(_MOST)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, ValueError):
        return
