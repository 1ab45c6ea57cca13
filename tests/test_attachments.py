"""Files that are handed on are what their names say, and pictures tell nothing of who took them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageOps, ImageSequence, PngImagePlugin

from portalgen.content.records.documents import Attachment
from portalgen.site.attachments import flaw, published
from portalgen.site.pictures import Damaged, cleaned, kind_of, orientation

SECRETS = (b"Mira Lind", b"4 Canal Lane", b"Pentax", b"2026:11:02", b"preview of more", b"paint 7")
"""What the pictures below hold beside the picture."""


def picture(mode: str = "RGB") -> Image.Image:
    """A small picture that looks different in every turn."""
    image = Image.new("RGB", (24, 16), (210, 180, 40))
    for x in range(24):
        for y in range(16):
            image.putpixel((x, y), (x * 10, y * 15, (x * y) % 256))
    return image.convert(mode)


def exif(turn: int = 6) -> bytes:
    """Exif as a telephone writes it: who, with what, where, when, and how to turn it."""
    data = Image.Exif()
    data[ExifTags.Base.Artist] = "Mira Lind"
    data[ExifTags.Base.Make] = "Pentax"
    data[ExifTags.Base.DateTime] = "2026:11:02 10:00:00"
    data[ExifTags.Base.Orientation] = turn
    data.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (53.0, 20.0, 4.0), 29: "4 Canal Lane"})
    return data.tobytes()


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>Mira Lind</dc:creator></x:xmpmeta>'


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, form, **options)
    return made.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(**options: Any) -> bytes:
    """A JPEG with all that may stand beside it, and a film behind it."""
    mode = options.pop("mode", "RGB")
    data = saved(picture(mode), "JPEG", exif=exif(), comment=b"Mira Lind", xmp=XMP, **options)
    preview = b"JFIF\0\1\2\0\0\1\0\1\2\2" + b"preview of more"[:12]
    more = segment(0xED, b"Photoshop 3.0\x008BIMMira Lind") + segment(0xE2, b"PAINT\0paint 7") + segment(0xE0, preview)
    return data[:2] + more + data[2:] + b"\0\0\0\x18ftypmp42 4 Canal Lane"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(mode: str = "RGB", **options: Any) -> bytes:
    """A PNG with all that may stand beside it, and the rest of a larger picture behind it."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Mira Lind")
    texts.add_text("Comment", "4 Canal Lane", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = saved(picture(mode), "PNG", pnginfo=texts, exif=exif(), **options)
    more = chunk(b"tIME", b"\x07\xea\x0b\x02\x0a\0\0") + chunk(b"prVW", b"preview of more") + chunk(b"mkBF", b"paint 7")
    return data[:33] + more + data[33:] + b"preview of more"


def frames(count: int = 3) -> list[Image.Image]:
    return [picture().rotate(90 * n).convert("RGB") for n in range(count)]


def gif() -> bytes:
    first, *rest = frames()
    options = {"save_all": True, "append_images": rest, "duration": [40, 80, 120], "loop": 2}
    data = saved(first, "GIF", comment=b"Mira Lind", **options)
    xmp = b"!\xff\x0bXMP DataXMP" + XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    text = b"!\x01\x0c" + bytes(12) + b"\x0c4 Canal Lane\0"
    start = data.index(b"!\xff\x0bNETSCAPE2.0")
    return data[:start] + xmp + text + data[start:] + b"<script>alert(1)</script>"


def webp(**options: Any) -> bytes:
    data = saved(picture(), "WEBP", exif=exif(), xmp=XMP, **options)
    body = data[12:] + b"junk" + struct.pack("<I", 7) + b"paint 7\0"
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body + b"preview of more"


def moving_webp() -> bytes:
    first, *rest = frames()
    return saved(first, "WEBP", save_all=True, append_images=rest, duration=[40, 80, 120], loop=2, exif=exif(), xmp=XMP)


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PICTURES: Mapping[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "progressive jpeg": lambda: jpeg(progressive=True),
    "jpeg with restarts": lambda: jpeg(restart_marker_blocks=1, quality=95, subsampling=0),
    "jpeg with a profile": lambda: jpeg(icc_profile=PROFILE),
    "cmyk jpeg": lambda: jpeg(mode="CMYK"),
    "grey jpeg": lambda: jpeg(mode="L"),
    "png": png,
    "png with a profile": lambda: png(icc_profile=PROFILE),
    "png of a palette": lambda: png("P", transparency=3),
    "png that can be seen through": lambda: png("RGBA"),
    "moving png": lambda: png(save_all=True, append_images=frames()[1:], duration=50, loop=2),
    "gif": gif,
    "webp": webp,
    "webp without loss": lambda: webp(lossless=True),
    "webp with a profile": lambda: webp(icc_profile=PROFILE),
    "moving webp": moving_webp,
}
ENDINGS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WebP": "webp"}


@pytest.fixture(params=PICTURES, ids=lambda name: name.replace(" ", "-"))
def told(request: pytest.FixtureRequest) -> bytes:
    """A picture with more than a picture in it."""
    return PICTURES[request.param]()


def looks(data: bytes) -> list[tuple[str, bytes, Any]]:
    """Each frame as a reader sees it: its mode, its pixels, turned as it says, and how long it stays."""
    with Image.open(io.BytesIO(data)) as image:
        return [
            (frame.mode, ImageOps.exif_transpose(frame).tobytes(), frame.info.get("duration"))
            for frame in ImageSequence.Iterator(image)
        ]


def test_a_picture_tells_nothing_and_looks_the_same(told: bytes) -> None:
    assert any(secret in told for secret in SECRETS), "there is something to take out"
    made = published("room", told)
    assert looks(made) == looks(told)
    with Image.open(io.BytesIO(made)) as image, Image.open(io.BytesIO(told)) as before:
        assert image.info.get("icc_profile") == before.info.get("icc_profile")
        assert image.info.get("transparency") == before.info.get("transparency")
        assert image.info.get("loop") == before.info.get("loop")
        assert set(image.getexif()) <= {ExifTags.Base.Orientation}
        assert not {"comment", "xmp", "photoshop", "Author", "Comment", "XML:com.adobe.xmp"} & image.info.keys()
    assert not [secret for secret in (*SECRETS, b"xmpmeta", b"script", b"GPS", b"ftyp") if secret in made]
    assert b"4 Canal Lane" not in b"".join(_inflated(made)), "nor packed"
    assert published("room", made) == made


def _inflated(data: bytes) -> list[bytes]:
    """What every zlib stream in there holds."""
    found = []
    for at in range(len(data)):
        if data[at] == 0x78:
            try:
                found.append(zlib.decompressobj().decompress(data[at:]))
            except zlib.error:
                continue
    return found


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_stays_turned_as_it_was(turn: int) -> None:
    for form in ("JPEG", "PNG", "WEBP"):
        data = saved(picture(), form, exif=exif(turn))
        made = published("room", data)
        assert looks(made) == looks(data)
        with Image.open(io.BytesIO(made)) as image:
            assert dict(image.getexif()) == ({ExifTags.Base.Orientation: turn} if turn > 1 else {})


@pytest.mark.parametrize("data", [b"", b"II", b"MM\0*", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x09\x01"])
def test_exif_that_cannot_be_read_turns_nothing(data: bytes) -> None:
    assert orientation(data) == 1


def test_a_cut_picture_is_told_and_never_published(told: bytes) -> None:
    kind = kind_of(told)
    assert kind
    whole = published("room", told)
    name = f"room.{ENDINGS[kind]}"
    assert flaw(name, whole) is None
    for end in (len(whole) - 1, len(whole) - 9, len(whole) // 2, 30):
        wrong = flaw(name, whole[:end])
        assert wrong, end
        assert wrong.code == "file-content"
        assert wrong.hint
        with pytest.raises(ValueError, match=name):
            published(name, whole[:end])


@given(
    start=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\0\0\0WEBP"]), rest=st.binary()
)
def test_no_bytes_are_too_strange_to_be_refused(start: bytes, rest: bytes) -> None:
    try:
        assert kind_of(cleaned(start + rest))
    except Damaged:
        assert flaw("a.bin", start + rest)


@given(
    st.integers(0, 10**6), st.integers(0, 255), st.sampled_from(["jpeg", "moving png", "gif", "webp", "moving webp"])
)
def test_one_changed_byte_brings_nothing_back(at: int, value: int, name: str) -> None:
    data = bytearray(PICTURES[name]())
    data[at % len(data)] = value
    try:
        made = cleaned(bytes(data))
    except Damaged:
        return
    if kind_of(bytes(data)):
        assert sum(secret in made for secret in SECRETS) <= 1, "what a broken length covers belongs to the picture now"


# --- what a file is

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><title>x</title><script>alert(1)</script>"
ZIP = b"PK\3\4\x14\0\0\0\0\0"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
BOX = b"\0\0\0\x10metaiinfExif"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plan.pdf", PDF),
        ("plan.PDF", b"\xef\xbb\xbf\n" + PDF),
        ("letter.docx", ZIP),
        ("all.zip", ZIP),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"),
        ("notes.txt", "Drei Übungen: a < b.\n".encode()),
        ("notes.txt", "Übungen".encode("utf-16")),
        ("table.csv", b"day,what\n2026-11-02,rest\n"),
        ("when.ics", b"BEGIN:VCALENDAR\r\n"),
        ("rest.mp3", b"ID3\4\0"),
        ("rest.m4a", b"\0\0\0\x18ftypM4A "),
        ("notes", b"no ending at all"),
        ("drawing.xyz", b"\1\2\3\4 something nobody knows"),
        ("a.txt", b"MZ are the initials of a colleague"),
        ("room.heic", HEIC),
        ("room.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif"),
    ],
)
def test_what_a_name_promises_is_handed_on_as_it_is(name: str, data: bytes) -> None:
    assert flaw(name, data) is None
    assert published(name, data) == data
    assert not list(Attachment(file=name).flaws())


@pytest.mark.parametrize(
    ("name", "data", "code", "says"),
    [
        ("plan.pdf", HTML, "unsafe-file", "is a web page or an SVG, not a PDF"),
        ("plan.pdf", b"\xef\xbb\xbf \r\n<HTML>" + PDF, "unsafe-file", "web page"),
        ("plan.pdf", b"<!-- x -->" + PDF, "unsafe-file", "web page"),
        ("plan.pdf", HTML.decode().encode("utf-16"), "unsafe-file", "web page"),
        ("room.png", SVG, "unsafe-file", "SVG, not a PNG"),
        ("room.jpg", b'<svg onload="alert(1)">', "unsafe-file", "SVG"),
        ("notes.txt", b"<script>alert(1)</script>", "unsafe-file", "web page"),
        ("notes", HTML, "unsafe-file", "web page"),
        ("drawing.xyz", SVG, "unsafe-file", "SVG"),
        ("plan.pdf", b"MZ\x90\0\3\0\0\0", "unsafe-file", "a program, not a PDF"),
        ("plan.pdf", b"\x7fELF\2\1\1\0", "unsafe-file", "a program"),
        ("notes.txt", b"#!/bin/sh\nrm -rf ~\n", "unsafe-file", "a program"),
        ("plan.pdf", b"L\0\0\0\x01\x14\x02\0\0", "unsafe-file", "a program"),
        ("plan.pdf", ZIP, "file-content", "not a PDF: it is a ZIP archive"),
        ("plan.pdf", b"", "file-content", "is empty"),
        ("notes.txt", b"", "file-content", "is empty"),
        ("plan.pdf", b"x" * 2000 + PDF, "file-content", "begins like something else"),
        ("letter.docx", PDF, "file-content", "rename it to end in .pdf"),
        ("room.png", saved(picture(), "JPEG"), "file-content", "rename it to end in .jpg"),
        ("room.jpg", saved(picture(), "WEBP"), "file-content", "rename it to end in .webp"),
        ("notes.txt", b"\0\1\2", "file-content", "not a text"),
        ("when.ics", b"something", "file-content", "not a calendar file"),
        ("scan.tif", b"II*\0\x08\0\0\0", "file-content", "save it as JPEG or PNG"),
        ("room.heic", HEIC + BOX, "file-content", "save it as JPEG or PNG"),
        ("room.jpg", HEIC, "file-content", "it is a HEIC"),
        ("room.jxl", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x0aExif\0\0", "file-content", "save it as JPEG or PNG"),
    ],
)
def test_what_a_name_does_not_promise_is_refused(name: str, data: bytes, code: str, says: str) -> None:
    wrong = flaw(f"content/clients/ana/files/{name}", data)
    assert wrong
    assert wrong.code == code
    assert says in f"{wrong.message}; {wrong.hint}"
    assert wrong.hint
    assert "content/" not in wrong.message


@pytest.mark.parametrize(
    "name",
    ["a.html", "a.HTM", "a.xhtml", "a.svg", "a.xml", "a.mjs", "b.exe", "b.pdf.exe", "b.bat", "b.lnk", "b.sh", "b.docm"],
)
def test_what_runs_by_its_name_is_no_attachment(name: str) -> None:
    (wrong,) = Attachment(file=name).flaws()
    assert wrong.code == "unsafe-file"
    assert "PDF" in wrong.hint


def test_pages_and_scripts_of_the_practice_are_meant_and_its_pictures_are_not_spared() -> None:
    for name, data in (("a.html", HTML), ("logo.svg", SVG), ("a.js", b"1"), ("empty.txt", b""), ("a.pdf", HTML)):
        assert flaw(f"content/static/{name}", data, public=True) is None
        assert published(name, data) == data
    assert flaw("content/static/room.heic", HEIC + BOX, public=True)
    assert flaw("content/static/room.jpg", jpeg()[:200], public=True)
