"""The last look at a finished site before it is written: keys, addresses and private words in public files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from portalgen.content.lock import LinkRow
from portalgen.content.model import Site
from portalgen.content.problems import Finding
from portalgen.publish.access import Access
from portalgen.publish.finished import PRIVATE
from portalgen.publish.leaks import Search
from portalgen.publish.parts import LinkFact, Part, Workshop
from portalgen.publish.scripts import script_findings, shares_origin
from portalgen.publish.sensitive import shared_values
from portalgen.site.sealing import checked, encodings

SHELL = "templates/sealed.html"
_SEALED = re.compile(r"p/[a-z2-7]{32}\.html")


def inspected(
    files: Mapping[str, bytes], parts: Iterable[Part], workshop: Workshop, site: Site, base_url: str
) -> Iterator[Finding]:
    """What stands in the public ones of all finished files that may not stand there.

    Sealed pages differ in their sealed bytes alone, so what is around those is looked at once.
    """
    access = workshop.access
    if not site.clients and not access.lock.links:
        return
    public = {path: content for path, content in files.items() if not path.startswith(PRIVATE)}
    if any(_SEALED.fullmatch(path) for path in files):
        public[SHELL] = workshop.shell.head + workshop.shell.tail
    parts = list(parts)
    sources = {path: source for part in parts for path, source in part.sources.items()}
    search = Search(public, site.shared, sources)
    yield from search.listings()
    yield from search.keys(*keys_of(access, [link for part in parts for link in part.links], access.lock.links))
    yield from search.secrets(main_secret(access), ())
    yield from search.values([*(value for part in parts for value in part.values), *shared_values(site.shared)])
    if shares_origin(site.shared.site, base_url):
        yield from script_findings(public, workshop.theme.scripts.values(), workshop.theme.own, sources)


def keys_of(access: Access, links: Iterable[LinkFact], rows: Iterable[LinkRow]) -> tuple[list[bytes], list[str]]:
    """The secret of each link, and the name of each address: of those that open nothing now too."""
    secrets: list[bytes] = []
    addresses = []
    opening = set()
    for link in links:
        addresses.append(link.address.removeprefix(PRIVATE)[:32])
        opening.add(link.row.salt)
        secrets.append(access.keyring.secret(link.row.salt, link.row.generation))
    for row in rows:
        if row.salt not in opening and not row.key_id:
            secrets.append(access.keyring.secret(row.salt, row.generation))
            addresses.append(access.keyring.token(row.salt, row.generation))
            addresses.append(access.keyring.locator(row.salt, row.generation))
    return secrets, addresses


def main_secret(access: Access) -> list[bytes]:
    """The secret of the site in every encoding, and as it is written on paper."""
    return [*encodings(access.secret), *_on_paper(access.secret)]


def _on_paper(secret: bytes) -> Iterator[bytes]:
    """The first line of the key's paper copy: seven groups of four."""
    text = checked(secret)
    groups = [text[at : at + 4] for at in range(0, 28, 4)]
    for line in (" ".join(groups), "-".join(groups)):
        yield from (line.encode(), line.upper().encode())
