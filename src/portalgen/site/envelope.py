"""A link's pages and files, put together and sealed into the one page that stands at its address (sealing §2, §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from portalgen.content.problems import Finding
from portalgen.site.links import inside
from portalgen.site.sealing import HTML, PAGE, Enclosed, seal
from portalgen.site.shell import Shell

LARGE = 4 * 1024 * 1024
LARGEST = 16 * 1024 * 1024
_TYPES = {
    "csv": "text/csv",
    "gif": "image/gif",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "webp": "image/webp",
    "xml": "application/xml",
}
"""Media types by ending. The system's own list would make other bytes on another machine."""


def sealed_page(
    shell: Shell, secret: bytes, files: Mapping[str, bytes], last: dt.date | None = None, zone: str = "UTC"
) -> bytes:
    """The finished page. `files`: by their addresses, the link's page first; `last`: its last day in `zone`."""
    enclosed = [_enclosed(address, content) for address, content in files.items()]
    return shell.around(seal(secret, enclosed, end_of(last, zone) if last else None))


def end_of(last: dt.date, zone: str) -> dt.datetime:
    """The first moment after a day."""
    return dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), ZoneInfo(zone))


def large(size: int, source: str) -> Iterator[Finding]:
    """What is wrong with a sealed page of `size` bytes."""
    if size <= LARGE:
        return
    message = f"what this link opens comes to {size / 1024 / 1024:.1f} MB"
    hint = f"take attachments away or make them smaller; one link holds {LARGEST // 1024 // 1024} MB at most"
    if size > LARGEST:
        yield Finding(path=source, code="link-too-large", message=message, hint=hint)
    else:
        slow = f"{message}, which takes long on a phone"
        yield Finding(path=source, code="large-link", severity="warning", message=slow, hint=hint)


def _enclosed(address: str, content: bytes) -> Enclosed:
    place = inside(address)
    name = place.path if place else address
    if not name or name.endswith("/"):
        return Enclosed(f"{name[:-1]}.html" if name else PAGE, HTML, content)
    return Enclosed(name, _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream"), content)
