"""Files that are handed on as they were given: they are what their names say, and tell no more (sealing §8).

A client's attachment opens on the client's own machine, under the practice's name. So it is looked at twice: by its
name, because the system opens it by that, and by how it begins, because a browser or a careless reader may go by that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from portalgen.content.records.base import Flaw
from portalgen.site.pictures import Damaged, PictureKind, cleaned, kind_of

_WEB = re.compile(
    rb"\s*<(!doctype|html|head|body|script|iframe|svg|style|title|meta|link|base|form|object|embed|frameset|h1|div|font|"
    rb"table|a|br|p|b|img|video|\?xml|!--)[\s/>:-]",
    re.IGNORECASE,
)
_PROGRAMS = (
    *(b"\x7fELF", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
    *(b"\xca\xfe\xba\xbe", b"\0asm", b"L\0\0\0\x01\x14\x02\0", b"dex\n", b"!<arch>\n", b"#!"),
)
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_TEXTS = ("txt", "text", "md", "csv", "tsv", "json", "yaml", "yml", "log")


class _Kind(msgspec.Struct, frozen=True):
    name: str
    endings: tuple[str, ...]
    fits: Callable[[bytes], bool]
    tells: Callable[[bytes], bool] = lambda _: False  # whether it may hold a place or a time that we cannot take out


def _begins(*signs: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(signs)


def _is_film(data: bytes) -> bool:
    return data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda data: data[4:8] == b"ftyp" and data[8:12] in brands


def _picture(kind: PictureKind) -> Callable[[bytes], bool]:
    return lambda data: kind_of(data) == kind


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda data: data[:4] == b"RIFF" and data[8:12] == form


_PDF = _begins(b"%PDF-")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JXL_BOXES = b"\0\0\0\x0cJXL \r\n\x87\n"
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = (
    _Kind("a PDF", ("pdf",), lambda data: _PDF(data[:1024].lstrip(b"\xef\xbb\xbf\r\n\t "))),
    _Kind("a JPEG", ("jpg", "jpeg", "jpe", "jfif"), _picture("JPEG")),
    _Kind("a PNG", ("png", "apng"), _picture("PNG")),
    _Kind("a GIF", ("gif",), _picture("GIF")),
    _Kind("a WebP", ("webp",), _picture("WebP")),
    _Kind("an AVIF", ("avif",), _brand(b"avif", b"avis"), lambda data: _tells_more(data)),
    _Kind("a HEIC", ("heic", "heif", "hif"), _brand(*_HEIC), lambda data: _tells_more(data)),
    _Kind("a TIFF", ("tif", "tiff"), _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), lambda _: True),
    _Kind("a JPEG XL", ("jxl",), _begins(b"\xff\x0a", _JXL_BOXES), lambda data: _tells_more(data)),
    _Kind("a film or recording", ("mp4", "m4v", "mov", "m4a", "3gp"), _is_film),
    _Kind("an MP3", ("mp3",), _begins(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa")),
    _Kind("a WAV", ("wav",), _riff(b"WAVE")),
    _Kind("an Ogg", ("ogg", "oga", "ogv", "opus"), _begins(b"OggS")),
    _Kind("a WebM", ("webm", "mkv"), _begins(b"\x1aE\xdf\xa3")),
    _Kind("an old Office document", ("doc", "xls", "ppt"), _begins(_OFFICE)),
    _Kind("an RTF", ("rtf",), _begins(b"{\\rtf")),
    _Kind("a calendar file", ("ics",), _begins(b"BEGIN:VCALENDAR", b"\xef\xbb\xbfBEGIN:VCALENDAR")),
    _Kind("a contact card", ("vcf",), _begins(b"BEGIN:VCARD", b"\xef\xbb\xbfBEGIN:VCARD")),
    _Kind("a ZIP archive", ("zip",), _begins(b"PK\3\4", b"PK\5\6")),
    _Kind(
        "a document of its kind",
        ("docx", "xlsx", "pptx", "dotx", "odt", "ods", "odp", "odg", "epub"),
        _begins(b"PK\3\4"),
    ),
)
_BY_ENDING = {ending: kind for kind in _KINDS for ending in kind.endings}


def flaw(name: str, data: bytes, *, public: bool = False) -> Flaw | None:
    """Why a file may not be handed on, or None. `name` is its name, perhaps with a path before it.

    `public`: a file of the practice's own pages, where web pages and scripts are meant and no name was refused before.
    There only what pictures tell counts.
    """
    name = name.rpartition("/")[2]
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    found = next((kind for kind in _KINDS if kind.fits(data)), None)
    return (None if public else _mistaken(name, ending, data, found)) or _telling(name, data, found)


def _mistaken(name: str, ending: str, data: bytes, found: _Kind | None) -> Flaw | None:
    """Why a file is not what its name says, or would run."""
    again = "copy it here again from where it was made"
    wanted = _BY_ENDING.get(ending)
    if not data:
        return _other(f"'{name}' is empty", again)
    wide = next((coding for mark, coding in _WIDE.items() if data.startswith(mark)), None)
    start = data[:1024].decode(wide, "replace").encode() if wide else data[:1024]
    if runs := _running(start):
        said = f", not {wanted.name}" if wanted else ""
        return Flaw((), "unsafe-file", f"'{name}' is {runs}{said}", "attach it as PDF, picture or plain text")
    really = f"it is {found.name}" if found else "it begins like something else"
    if wanted and not wanted.fits(data):
        plain = found and found.endings != ("zip",)
        return _other(
            f"'{name}' is not {wanted.name}: {really}",
            f"rename it to end in .{found.endings[0]}" if found and plain else again,
        )
    if ending in _TEXTS and not wide and b"\0" in data:
        return _other(f"'{name}' is not a text: {really}", again)
    return None


def _telling(name: str, data: bytes, found: _Kind | None) -> Flaw | None:
    """Why what a picture tells of the one who took it cannot be taken out."""
    if found and found.tells(data):
        message = f"'{name}' may say where and when it was taken, and nothing here can take that out of {found.name}"
        return _other(message, "save it as JPEG or PNG: there it is taken out")
    try:
        cleaned(data)
    except Damaged as damaged:
        return _other(f"'{name}' cannot be read: {damaged}", "open it and save it again, or copy it here again")
    return None


def _other(message: str, hint: str) -> Flaw:
    return Flaw((), "file-content", message, hint)


def _running(start: bytes) -> str:
    """What begins so and would run, in words; empty for anything else."""
    start = start.removeprefix(b"\xef\xbb\xbf")
    if _WEB.match(start):
        return "a web page or an SVG"
    if start.startswith(_PROGRAMS) or (start[:2] == b"MZ" and b"\0" in start):
        return "a program"
    return ""


def _tells_more(data: bytes) -> bool:
    """Whether a file of boxes holds more than a picture: Exif, XMP, or something packed that may be that."""
    boxes = dict(_boxes(data))
    inside = boxes.get(b"meta", b"")
    return bool(boxes.keys() & {b"Exif", b"xml ", b"jumb", b"brob"}) or b"Exif" in inside or b"rdf+xml" in inside


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of an ISO base media file (ISO/IEC 14496-12): type and content."""
    at = 0
    while at + 8 <= len(data):
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        size = len(data) - at if size == 0 else size
        if size < head:
            return
        yield data[at + 4 : at + 8], data[at + head : at + size]
        at += size


def published(name: str, data: bytes) -> bytes:
    """What of a file is handed on: a picture without place, time, owner and previews; anything else as it is.

    Raises `ValueError` for a picture that `flaw` finds damaged.
    """
    try:
        return cleaned(data)
    except Damaged as damaged:
        raise ValueError(f"{name}: {damaged}") from damaged
