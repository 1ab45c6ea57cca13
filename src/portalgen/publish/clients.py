"""One client's part from its folder to finished files: read, checked, made and looked at on its own (design §2, §6).

Nothing here depends on another client, so clients may be made in any order and in any process, and what was made stays
true while the client's folder, its rows of the lock and what all share are the same, until the day `until`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from portalgen.content.loader import DOCUMENTS, SharedPart, read_client
from portalgen.content.lock import DocumentKey
from portalgen.content.model import ClientFolder
from portalgen.content.places import ALLOW, Places
from portalgen.content.problems import Finding, Problem
from portalgen.content.sources import Source
from portalgen.publish.access import PartialAccess
from portalgen.publish.checks import LinkChecker
from portalgen.publish.copies import copier
from portalgen.publish.finished import Finished
from portalgen.publish.inspection import keys_of
from portalgen.publish.leaks import Search
from portalgen.publish.parts import Part, Workshop
from portalgen.publish.paths import folders_of
from portalgen.publish.printing import PrintShop
from portalgen.publish.validity import Span, Today
from portalgen.publish.vanished import gone_documents
from portalgen.rules.numbering import Taken, numbers_in, numbers_of
from portalgen.rules.recurring import Series, series_of_client
from portalgen.site.theme import TemplateProblem

Line = tuple[bytes, bytes]
"""A line of the lock that goes (empty when none does), and the one that comes."""


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What is to be known of a client's part when it is not made again.

    `ids` are the kinds and ids of the documents in its folder, `documents` are those that the lock has of it,
    `mentions` the other clients that its files name, `prints` the names of its PDFs in the memory, `shut` the salts of
    ended links; `silences` is whether a comment in them silences some problem.
    """

    numbers: tuple[Taken, ...] = ()
    series: Series | None = None
    documents: tuple[DocumentKey, ...] = ()
    ids: tuple[tuple[str, str], ...] = ()
    mentions: tuple[str, ...] = ()
    prints: tuple[str, ...] = ()
    shut: tuple[str, ...] = ()
    silences: bool = False

    def alike(self, other: Facts) -> bool:
        """Whether all clients together have the same problems with the one as with the other."""
        mine, others = ((one.numbers, one.series, one.documents, one.ids) for one in (self, other))
        return mine == others and not (self.silences or other.silences)


class Made(msgspec.Struct, frozen=True):
    """A client's part, made: its finished files by their path, what it is known by, what the lock has to learn.

    It stays true until the day `until`. `excerpts` are the lines that its problems are about. `torn`: its files or its
    rows of the lock cannot be read.
    """

    client: str
    files: Mapping[str, Finished] = {}
    facts: Facts = Facts()
    problems: tuple[Problem, ...] = ()
    excerpts: tuple[str, ...] = ()
    lines: list[Line] = []
    pages: int = 0
    until: dt.date = dt.date.max
    torn: bool = False


Put = Callable[[str, bytes], Finished]


class Maker:
    """Makes clients' parts: what all of them share, once for a process."""

    def __init__(
        self,
        root: Path,
        part: SharedPart,
        workshop: Workshop,
        access: PartialAccess,
        *,
        shop: PrintShop,
        links: LinkChecker | None,
        search: Callable[[bool], Search],
        not_found: bytes,
        day: dt.date,
        span: Span,
    ) -> None:
        self._root, self._part, self._workshop, self._access = root, part, workshop, access
        self._shop, self._links, self._search, self._not_found = shop, links, search, not_found
        self._day, self._common = day, span
        self._copy = copier(root)

    def make(self, name: str, sources: Iterable[Source], contents: Mapping[str, bytes], put: Put) -> Made:
        """One client's part; `put` takes each finished file. Nothing is kept of what has an error.

        `contents` is what the files of its folder hold, by path.
        """
        sources = tuple(sources)
        rows = self._access.of(name)
        if rows is None:
            return Made(name, torn=True)
        places = Places(self._root)
        read = read_client(self._root, name, sources, self._part.names, contents)
        problems = [*read.problems]
        findings = [*read.findings]
        span = Span(self._day)
        made, prints, numbers, shut = Part(), frozenset[str](), list[Taken](), list[str]()
        if read.folder is not None:
            made, prints = self._made(read.folder, span)
            findings += made.findings
            problems += gone_documents(self._access.file, rows, read.folder)
            numbers += numbers_of(read.folder)
            files = {record.id for record in read.folder.billing}
            numbers += numbers_in(row for row in rows.documents if row.id not in files)
        kept = places.kept([*problems, *places.problems(findings)])
        changed = {old: new for old, new in made.rows if old}
        shut += [row.salt for row in (changed.get(row, row) for row in rows.links) if row.state != "live"]
        facts = Facts(
            numbers=tuple(numbers),
            series=series_of_client(read.folder) if read.folder else None,
            ids=tuple((source.kind, source.id) for source in sources if source.kind in DOCUMENTS),
            documents=tuple(row.key for row in (*rows.documents, *made.documents)),
            mentions=read.mentions,
            prints=tuple(sorted(prints)),
            shut=tuple(shut),
            silences=any(ALLOW.encode() in content for content in contents.values()),
        )
        excerpts = tuple(map(places.excerpt, kept))
        if read.folder is None or any(problem.severity == "error" for problem in kept):
            return Made(name, facts=facts, problems=kept, excerpts=excerpts, torn=read.folder is None)
        content = {**made.files, **_listless(made.files, self._not_found)}
        lines = [((old.text() if old else "").encode(), new.text().encode()) for old, new in made.rows]
        lines += [(b"", row.text().encode()) for row in made.documents]
        return Made(
            name,
            files={path: put(path, data) for path, data in content.items()},
            facts=facts,
            problems=kept,
            excerpts=excerpts,
            lines=lines,
            pages=made.pages,
            until=min(span.until, self._common.until),
        )

    def _made(self, folder: ClientFolder, span: Span) -> tuple[Part, frozenset[str]]:
        self._workshop.turn_to(Today.on(self._day, span))
        draft = self._workshop.client(folder, self._links)
        prints = self._shop.print(draft.pdfs)
        try:
            part = self._workshop.finish(draft, prints.files, self._copy)
        except TemplateProblem as problem:
            part = msgspec.structs.replace(draft.part, findings=(*draft.part.findings, problem.finding))
        findings = [*part.findings, *prints.findings]
        if not any(finding.severity == "error" for finding in findings):
            findings += self._looked_at(folder, part)
        return msgspec.structs.replace(part, findings=tuple(findings)), prints.used

    def _looked_at(self, folder: ClientFolder, part: Part) -> Iterator[Finding]:
        search = self._search(self._workshop.sealed(folder))
        yield from search.keys(*keys_of(self._access, part.links, self._access.rows(folder.id)))
        yield from search.values(part.values)


def _listless(files: Iterable[str], page: bytes) -> dict[str, bytes]:
    """A page for every folder of a client's that has none, so that no server lists it."""
    folders = folders_of(files) - {"p"}
    wanted = (f"{folder}/index.html" for folder in folders)
    known = set(files)
    return {path: page for path in wanted if path not in known}
