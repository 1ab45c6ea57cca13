"""What the world can reach about one client: addresses, files, values; read off the finished site (sealing §4).

Sealed pages are opened with the site's key, so what is told is what they really hold.
"""

from __future__ import annotations

import datetime as dt
import mimetypes
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from portalgen.content.convert import fields_of
from portalgen.content.lock import LinkRow
from portalgen.content.model import ClientFolder, Site
from portalgen.content.records.base import Audience, For, Record
from portalgen.content.records.offer import Document
from portalgen.content.scalars import Period
from portalgen.publish.access import Access
from portalgen.publish.disclosed import Disclosed, words
from portalgen.publish.parts import LinkFact
from portalgen.publish.sensitive import MARKS
from portalgen.rules.money import Money
from portalgen.site.formats import formats
from portalgen.site.links import file_of, inside
from portalgen.site.sealing import Enclosed, unseal

_SEALED = re.compile(rb'<script type="application/octet-stream" id="sealed">\s*([A-Za-z0-9+/=\s]+?)\s*</script>')
_SHORTEST = 4
"""Letters from which on a text can be looked for; shorter ones stand anywhere."""

Standing = Literal["shown", "absent", "reworded"]


class PublishedFile(msgspec.Struct, frozen=True):
    """A file that a link opens; `size` in bytes."""

    name: str
    type: str
    size: int


class PublishedLink(msgspec.Struct, frozen=True):
    """One address. `address` has the key behind `#` where there is one; `path` never has.

    `size` is that of everything there, in bytes as the host has them. A link that has ended has one file.
    """

    row: LinkRow
    path: str
    address: str
    expires: dt.date | None
    size: int
    files: tuple[PublishedFile, ...]


class PublishedField(msgspec.Struct, frozen=True):
    """A value that was written about a client. `field` is its place in the file, such as `contacts.0.email`.

    It is `shown` when it stands in a page as it was written, `absent` when it does not, and `reworded` when it is a
    choice, a flag or a number, which pages tell in words of their own.
    """

    path: str
    field: str
    value: str
    audience: Audience
    standing: Standing


class Published(msgspec.Struct, frozen=True):
    """Everything about one client. `kept` are pages of links that an earlier key made: their path and size."""

    links: tuple[PublishedLink, ...]
    kept: tuple[tuple[str, int], ...]
    fields: tuple[PublishedField, ...]


def published(
    client: str,
    site: Site,
    access: Access,
    facts: Iterable[LinkFact],
    files: Mapping[str, bytes],
    kept: Iterable[str] = (),
) -> Published:
    """What `files`, the finished output by path, tell about a client.

    `facts` are the links that open something, `kept` the paths of pages that an earlier key made for this client.
    """
    found: list[PublishedLink] = []
    contents: dict[str, bytes] = {}
    live = {fact.row.salt: fact for fact in facts if fact.row.client == client}
    for fact in live.values():
        held, size = _held(fact.address, fact.row, access, files)
        found.append(_link(fact.row, fact.address, fact.expires, size, held))
        contents |= {f"{fact.row.salt}/{file.name}": file.content for file in held}
    for row in access.rows(client):
        if row.salt not in live and not row.key_id:
            over = msgspec.structs.replace(row, state="expired") if row.state == "live" else row
            for sealed in (True, False):
                address = access.address(row, sealed=sealed)
                held, size = _held(address, row, access, files)
                if held:
                    found.append(_link(over, address, None, size, held))
    folder = site.clients.get(client)
    replaced = tuple((path, len(files[path])) for path in kept if path in files)
    return Published(tuple(found), replaced, tuple(_fields(folder, site, contents)) if folder else ())


def _link(row: LinkRow, address: str, expires: dt.date | None, size: int, held: Iterable[Enclosed]) -> PublishedLink:
    place = inside(address)
    return PublishedLink(
        row=row,
        path=place.file if place else address,
        address=address.removesuffix("/") if place else address,
        expires=expires,
        size=size,
        files=tuple(PublishedFile(file.name, file.type, len(file.content)) for file in held),
    )


def _held(address: str, row: LinkRow, access: Access, files: Mapping[str, bytes]) -> tuple[tuple[Enclosed, ...], int]:
    """What a link opens, and the bytes it takes on the host."""
    place = inside(address)
    if place:
        page = files.get(place.file, b"")
        found = _SEALED.search(page)
        if not found:
            return (), 0
        return unseal(access.keyring.secret(row.salt, row.generation), b64decode(found[1])).files, len(page)
    below = sorted(path for path in files if path.startswith(address))
    below.sort(key=lambda path: path != file_of(address))
    held = tuple(
        Enclosed(path.removeprefix(address), mimetypes.guess_type(path)[0] or "application/octet-stream", files[path])
        for path in below
    )
    return held, sum(len(file.content) for file in held)


def _fields(folder: ClientFolder, site: Site, contents: Mapping[str, bytes]) -> Iterator[PublishedField]:
    """Every value of a client's files, in their order."""
    said = Disclosed({name: data for name, data in contents.items() if not name.lower().endswith(".pdf")})
    language = folder.client.language or site.shared.site.practice.language
    country = folder.client.country or site.shared.site.practice.country
    currencies = {site.shared.site.practice.currency, *(bill.currency or "" for bill in folder.invoices.values())} - {
        ""
    }
    seen = _Seen(said, language, country, currencies)
    for path, record, at in _records(folder):
        body = [("body", record.body, record.audience, False)] if isinstance(record, Document) and record.body else []
        for field, value, audience, chosen in (*_values(record, at), *body):
            standing: Standing = "shown" if not chosen and seen(value) else "absent"
            if audience != "private" and standing == "absent" and (chosen or not _searchable(value)):
                standing = "reworded"
            yield PublishedField(path, field, _plain(value), audience, standing)


def _records(folder: ClientFolder) -> Iterator[tuple[str, Record, str]]:
    yield folder.client.path, folder.client, ""
    if folder.plan:
        yield folder.plan.path, folder.plan, ""
    lists: tuple[tuple[str, tuple[Record, ...]], ...] = (
        ("sessions.yaml", folder.sessions),
        ("payments.yaml", folder.payments),
        ("log.yaml", folder.log),
    )
    for name, records in lists:
        for n, record in enumerate(records):
            yield folder.source(name), record, f"{n}."
    for bill in (*folder.billing, *folder.estimates.values()):
        yield bill.path, bill, ""


def _values(value: Record, at: str, above: Audience | None = None) -> Iterator[tuple[str, Any, Audience, bool]]:
    """Each value in a record: its field, itself, who may see it, and whether it is one word out of a choice.

    `above` is "private" inside a field that says so; else every record in it says who may see it.
    """
    for key, (field, hint) in fields_of(type(value)).items():
        inner = getattr(value, field.name)
        if inner is None or inner in (field.default, (), {}):
            continue
        marks = [mark for mark in _metadata(hint) if isinstance(mark, For)]
        audience = above or (marks[0].audience if marks else None)
        yield from _inside(inner, f"{at}{key}", audience, type(value).audience, "Literal[" in str(hint))


def _inside(
    value: Any, at: str, audience: Audience | None, usual: Audience, chosen: bool
) -> Iterator[tuple[str, Any, Audience, bool]]:
    if isinstance(value, Record):
        yield from _values(value, f"{at}.", "private" if audience == "private" else None)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _inside(inner, f"{at}.{key}", audience, usual, chosen)
    elif isinstance(value, (tuple, list)):
        for n, inner in enumerate(value):
            yield from _inside(inner, f"{at}.{n}", audience, usual, chosen)
    else:
        yield at, value, audience or usual, chosen


def _metadata(hint: Any) -> Iterator[Any]:
    yield from getattr(hint, "__metadata__", ())
    for inner in getattr(hint, "__args__", ()):
        yield from _metadata(inner)


class _Seen:
    """Whether a value stands in the pages as somebody wrote it, or as this language writes such a day or amount."""

    def __init__(self, said: Disclosed, language: str, country: str, currencies: Iterable[str]) -> None:
        self._said, self._currencies = said, tuple(currencies)
        self._filters = formats(language, country).filters()

    def __call__(self, value: Any) -> bool:
        if not _searchable(value):
            return False
        if isinstance(value, str):
            lines = [line for line in MARKS.sub(" ", value).splitlines() if words(line.encode())]
            return bool(lines) and all(self._stands(line) for line in lines)
        return any(map(self._stands, self._forms(value)))

    def _forms(self, value: dt.date | Decimal) -> Iterator[str]:
        if isinstance(value, Decimal):
            yield from (f"{value:f}", f"{value:.2f}", str(self._filters["number"](value)))
            yield from (str(self._filters["money"](Money(value, currency))) for currency in self._currencies)
            return
        day = value.date() if isinstance(value, dt.datetime) else value
        yield day.isoformat()
        for name in ("date", "day", "shortdate"):
            yield str(self._filters[name](day))

    def _stands(self, text: str) -> bool:
        row = b" %b " % words(text.encode())
        return row in self._said.shown or row in self._said.hidden


def _searchable(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) >= _SHORTEST
    return isinstance(value, dt.date) or (isinstance(value, Decimal) and abs(value) >= 10)


def _plain(value: Any) -> str:
    """A value as one line of text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Period):
        return f"{value.count}{value.unit}"
    if isinstance(value, msgspec.Struct):
        return str(msgspec.to_builtins(value))
    return " ".join(str(value).split())
