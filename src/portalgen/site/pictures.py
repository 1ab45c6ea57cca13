"""Pictures without what cameras and programs write beside them: place, time, owner, comments, previews (sealing §8).

The picture's own bytes are copied as they are, so nothing is decoded and nothing gets worse. What stays beside them is
what is needed to show it: colours, animation, and how it has to be turned.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

PictureKind = Literal["JPEG", "PNG", "GIF", "WebP"]

_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_SHOWN = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs acTL fcTL fdAT".split())
"""Chunks of a PNG that say how it looks."""
_FRAMES = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ICCP"))
_HAS_EXIF, _HAS_XMP = 0x08, 0x04
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")


class Damaged(ValueError):
    """The picture is cut, or is built in a way that we cannot follow."""


def kind_of(data: bytes) -> PictureKind | None:
    """What kind of picture these bytes begin like, of those that can be cleaned."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(_PNG):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return None


def cleaned(data: bytes) -> bytes:
    """The same picture alone. Only what `kind_of` knows is changed; raises `Damaged` where that cannot be read."""
    kind = kind_of(data)
    if kind is None:
        return data
    try:
        return b"".join(_CLEANERS[kind](data))
    except (IndexError, struct.error) as error:
        raise Damaged(f"this {kind} is cut") from error


def orientation(exif: bytes) -> int:
    """How a picture has to be turned, 1 (not at all) to 8, by its Exif data (a TIFF header and what follows)."""
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[exif[:4]]
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, form, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
            if (tag, form) == (_ORIENTATION, 3) and 1 <= value <= 8:
                return int(value)
    except (KeyError, struct.error):
        pass
    return 1


def _turning(exif: bytes) -> bytes:
    """Exif data that says nothing but how to turn the picture; empty where it stands upright."""
    turn = orientation(exif)
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, turn, 0, 0) if turn > 1 else b""


def _jpeg(data: bytes) -> Iterator[bytes]:
    """ITU T.81, annex B. Ends with the first picture: phones append films and second pictures."""
    yield data[:2]
    at, turned, shown = 2, False, False
    while True:
        if data[at] != 0xFF:
            raise Damaged("a marker of this JPEG is missing")
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            if not shown:
                raise Damaged("this JPEG has no picture")
            yield b"\xff\xd9"
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        body = data[at + 4 : end]
        if length < 2 or end > len(data):
            raise Damaged("this JPEG is cut")
        if marker == 0xDA:
            following = _NEXT_MARKER.search(data, end)
            if following is None:
                raise Damaged("this JPEG is cut")
            yield data[at : following.start()]
            at, shown = following.start(), True
            continue
        if marker == 0xE1 and body.startswith(_EXIF) and not turned:
            if turning := _turning(body[len(_EXIF) :]):
                yield _segment(0xE1, _EXIF + turning)
            turned = True
        elif marker == 0xE0 and body.startswith(b"JFIF\0"):
            yield _segment(0xE0, body[:12] + b"\0\0")  # without its preview
        elif marker == 0xEE and body.startswith(b"Adobe"):
            yield _segment(0xEE, body[:12])
        elif (
            0xC0 <= marker <= 0xCF
            or marker in (0xDB, 0xDC, 0xDD)
            or (marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"))
        ):
            yield data[at:end]
        at = end


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _png(data: bytes) -> Iterator[bytes]:
    """W3C PNG, third edition. Ends with IEND: what an editor left of a larger picture behind it goes."""
    yield _PNG
    at, first = len(_PNG), True
    while True:
        (length,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data) or (name == b"IHDR") is not first:
            raise Damaged("this PNG is cut")
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise Damaged("a part of this PNG was changed on the way")
        if name in _SHOWN:
            yield data[at:end]
        elif name == b"eXIf":
            if turning := _turning(data[at + 8 : end - 4]):
                yield struct.pack(">I", len(turning)) + name + turning
                yield struct.pack(">I", zlib.crc32(name + turning))
        elif name[:1].isupper():
            raise Damaged("this PNG has a part that no browser knows")
        if name == b"IEND":
            return
        at, first = end, False


def _gif(data: bytes) -> Iterator[bytes]:
    """GIF89a, CompuServe 1990."""
    at = 13 + _table(data[10])
    yield data[:at]
    while True:
        sign = data[at]
        if sign == 0x3B:
            yield b";"
            return
        if sign == 0x2C:
            end = _blocks_end(data, at + 11 + _table(data[at + 9]))
            yield data[at:end]
        elif sign == 0x21:
            label, end = data[at + 1], _blocks_end(data, at + 2)
            if label == 0xF9:
                yield data[at:end]
            elif label == 0xFF and data[at + 3 : at + 14] in _LOOPS:
                yield data[at : at + 14]
                for start, size in _blocks(data, at + 14):
                    if size == 3 and data[start] == 1:
                        yield data[start - 1 : start + size]
                yield b"\0"
        else:
            raise Damaged("a part of this GIF has no known sign")
        at = end


def _table(flags: int) -> int:
    """The size of a colour table in bytes, by the flags before it."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where each of the blocks from here on begins, and its size; the last has none."""
    while True:
        size = data[at]
        yield at + 1, size
        if not size:
            return
        at += 1 + size


def _blocks_end(data: bytes, at: int) -> int:
    return max(start for start, _ in _blocks(data, at))


def _webp(data: bytes) -> Iterator[bytes]:
    """RFC 9649."""
    (size,) = struct.unpack_from("<I", data, 4)
    if 8 + size > len(data):
        raise Damaged("this WebP is cut")
    chunks = list(_chunks(data[12 : 8 + size]))
    turning = next((_turning(body.removeprefix(_EXIF)) for name, body in chunks if name == b"EXIF"), b"")
    parts = []
    for name, body in chunks:
        if name == b"VP8X":
            flags = (body[0] & ~(_HAS_EXIF | _HAS_XMP)) | (_HAS_EXIF if turning else 0)
            parts.append(_chunk(name, bytes([flags]) + body[1:]))
        elif name == b"ANMF":
            frames = (_chunk(inner, part) for inner, part in _chunks(body[16:]) if inner in _FRAMES)
            parts.append(_chunk(name, body[:16] + b"".join(frames)))
        elif name in _FRAMES:
            parts.append(_chunk(name, body))
    if turning:
        parts.append(_chunk(b"EXIF", turning))
    if not any(part[:4] in (b"VP8 ", b"VP8L", b"ANMF") for part in parts):
        raise Damaged("this WebP has no picture")
    whole = b"WEBP" + b"".join(parts)
    yield b"RIFF" + struct.pack("<I", len(whole)) + whole


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            raise Damaged("this WebP is cut")
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


_CLEANERS: Mapping[PictureKind, Callable[[bytes], Iterator[bytes]]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "WebP": _webp,
}
