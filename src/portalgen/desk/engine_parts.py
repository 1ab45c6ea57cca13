"""The parts of a site as the preview holds them: the one that all share, and some of the clients' at a time."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from portalgen.content.loader import SharedPart, read_client
from portalgen.content.lock import LinkRow
from portalgen.content.places import Places
from portalgen.content.problems import Finding, Problem, render
from portalgen.content.references import Names
from portalgen.content.sources import Source
from portalgen.desk.engine_links import LiveAccess
from portalgen.desk.engine_memo import LiveWorkshop, Memory
from portalgen.publish.checks import LinkChecker
from portalgen.publish.copies import Copied, Copy, copier
from portalgen.publish.hosting import control_files
from portalgen.publish.parts import Workshop
from portalgen.publish.paths import folders_of
from portalgen.publish.printing import PrintShop
from portalgen.publish.vanished import gone_client, gone_documents
from portalgen.rules.account import account_of
from portalgen.rules.amounts import odd_amounts
from portalgen.site.links import file_of
from portalgen.site.pages import File
from portalgen.site.private import wanted_links
from portalgen.site.render import NOT_FOUND
from portalgen.site.theme import TemplateProblem
from portalgen.site.theme import load as load_theme

Errors = Mapping[Problem, str]
"""Problems that keep something from being published, each as it is told."""

Row = tuple[LinkRow | None, LinkRow]
Stamped = tuple[tuple[int, int], Copied]


class Copies:
    """Files that are handed on, each read again only when it changed."""

    def __init__(self, root: Path, *, public: bool = False) -> None:
        self._copy = copier(root, public=public)
        self._known: dict[str, Stamped] = {}

    def of(self, sources: Iterable[Source]) -> Copy:
        """Copies these, and forgets all others."""
        stamps = {source.path: (source.size, source.mtime_ns) for source in sources}
        known = {path: entry for path, entry in self._known.items() if stamps.get(path) == entry[0]}
        self._known = known

        def copy(file: File) -> Copied:
            if file.source not in stamps:
                return self._copy(file)
            if file.source not in known:
                known[file.source] = stamps[file.source], self._copy(file)
            return known[file.source][1]

        return copy


class Ground:
    """What all clients' parts share, and the public part: `files` and `folders`, and whether it is without an error."""

    def __init__(
        self, workshop: Workshop, links: LinkChecker | None, shop: PrintShop, names: Names, files: Mapping[str, bytes]
    ) -> None:
        self.workshop, self.links, self.shop, self.names = workshop, links, shop, names
        self.files = files
        self.folders = folders_of(files)
        self.not_found = files[NOT_FOUND]
        self.good = True


def ground_of(
    root: Path,
    read: SharedPart,
    problems: Iterable[Problem],
    access: LiveAccess | None,
    today: dt.date,
    copy: Copy,
    memory: Memory,
) -> tuple[Ground | None, Errors]:
    """The ground from what was read; None when not all of its pages can be made. Raises `OSError`."""
    found = [*read.findings]
    ground = None
    if read.shared is not None:
        site = read.shared.site
        if memory.theme is None or memory.theme[0] != site:
            memory.theme = site, *load_theme(root, site)
        _, theme, wrong = memory.theme
        found += [*wrong, *odd_amounts(read.shared)]
        if theme is not None and access is not None:
            base = site.base_url or ""
            workshop = LiveWorkshop(read.shared, theme, base, today, access, memory)
            part, links = workshop.public()
            found += part.findings
            files = {**control_files(site.hosting.host if site.hosting else None, base), **part.files}
            for file in part.copies:
                copied = copy(file)
                files[file.address] = copied.content
                found += copied.findings
            if links is not None:
                ground = Ground(workshop, links, PrintShop(root, theme.press, keeps=True), read.names, files)
    errors = errors_of(root, [*problems, *read.problems], found)
    if ground is not None:
        ground.good = not errors
    return ground, errors


class Made(msgspec.Struct, frozen=True):
    """A client's part: its files, why it may not be published, and what the lock has to learn of its links."""

    files: Mapping[str, bytes]
    errors: Errors
    rows: tuple[Row, ...] = ()


def client_of_ground(
    root: Path,
    ground: Ground,
    client: str,
    sources: tuple[Source, ...],
    problems: Iterable[Problem],
    copy: Copy,
    only: str = "",
) -> Made:
    """One client's part. Files that have problems are there as far as they can be made. Raises `OSError`.

    With `only`, of all that is open no more is finished than the page that is this file of the output.
    """
    access = _access(ground)
    rows = access.file.of(client)
    if rows is None:
        return Made({}, _torn(root, access))
    read = read_client(root, client, sources, ground.names)
    wrong, found = [*problems, *read.problems], [*read.findings]
    if read.folder is None:
        return Made({}, errors_of(root, wrong, found) or _elsewhere(client))
    wrong += gone_documents(access.file, rows, read.folder)
    draft = ground.workshop.client(read.folder, ground.links)
    if only:
        chosen = tuple(one for one in draft.openings if file_of(one.opening.sections[0].address) == only)
        draft = msgspec.structs.replace(draft, openings=chosen)
    prints = ground.shop.print(draft.pdfs)
    part = draft.part
    try:
        part = ground.workshop.finish(draft, prints.files, copy)
        found += part.findings
    except TemplateProblem as problem:
        found += [*draft.part.findings, problem.finding]
    errors = errors_of(root, wrong, [*found, *prints.findings])
    return Made(part.files, errors, part.rows)


def gone_of_ground(root: Path, ground: Ground, client: str) -> Made:
    """What stands at the links of a client whose folder is gone."""
    access = _access(ground)
    rows = access.file.of(client)
    if rows is None:
        return Made({}, _torn(root, access))
    promised = gone_client(access.file, client, rows) if rows.links or rows.documents else ()
    errors = errors_of(root, promised, ())
    try:
        return Made(ground.workshop.gone(access.rows(client)), errors)
    except TemplateProblem as problem:
        return Made({}, {**errors, **errors_of(root, (), [problem.finding])})


def new_rows(root: Path, ground: Ground, client: str, sources: tuple[Source, ...]) -> tuple[Row, ...]:
    """The links that a client gets and does not have yet, without making their pages."""
    access, workshop = _access(ground), ground.workshop
    folder = read_client(root, client, sources, ground.names).folder
    if folder is None or access.file.of(client) is None:
        return ()
    account, findings = account_of(workshop.shared, folder, workshop.today, access.issued(client))
    if any(finding.severity == "error" for finding in findings):
        return ()
    known = {row.salt for row in access.rows(client)}
    wanted = wanted_links(folder, account, workshop.today, workshop.shared)
    places = access.places(client, wanted, sealed=workshop.sealed(folder))
    return tuple((None, place.row) for place in places.values() if place.row.salt not in known)


def errors_of(root: Path, problems: Iterable[Problem], findings: Iterable[Finding]) -> Errors:
    """The errors among these, in order."""
    places = Places(root)
    kept = places.kept([*problems, *places.problems(findings)])
    return {
        problem: render(problem, places.excerpt(problem), colour=False)
        for problem in kept
        if problem.severity == "error"
    }


def _access(ground: Ground) -> LiveAccess:
    access = ground.workshop.access
    assert isinstance(access, LiveAccess)
    return access


def _torn(root: Path, access: LiveAccess) -> Errors:
    return errors_of(root, access.file.whole()[1], ())


def _elsewhere(client: str) -> Errors:
    """A client of whom everything is well but something that their files refer to is not."""
    problem = Problem(path=f"content/clients/{client}", message="this refers to a broken file")
    return {problem: ""}


class Entry:
    """A client's part on the shelf. `number` is that of the ground it was made on; `good`: nothing is wrong with it."""

    def __init__(self, files: Mapping[str, bytes], number: int, good: bool, copies: Copies) -> None:
        self.files, self.number, self.good, self.copies = files, number, good, copies
        self.held = False  # something newer cannot be shown yet, so this may not go
        self.folders = folders_of(files)
        self.size = sum(map(len, files.values())) + 200 * len(files)


class Shelf:
    """The clients' parts that were shown lately, within `room` bytes, and what each page that was shown was like."""

    def __init__(self, room: int, most: int = 5000) -> None:
        self._room, self._most = room, most
        self.size = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._seen: OrderedDict[str, dict[str, bytes]] = OrderedDict()

    def get(self, client: str) -> Entry | None:
        """The part of a client, if it is still here."""
        entry = self._entries.get(client)
        if entry is not None:
            self._entries.move_to_end(client)
        return entry

    def put(self, client: str, entry: Entry) -> None:
        """Keeps a client's part; of the others those go that were not wanted for the longest time."""
        self.drop(client)
        self._entries[client] = entry
        self.size += entry.size
        for name in [name for name, other in self._entries.items() if not other.held and name != client]:
            if self.size <= self._room:
                break
            self.drop(name)

    def drop(self, client: str) -> None:
        """Lets a client's part go. What was seen of it is still known."""
        entry = self._entries.pop(client, None)
        self.size -= entry.size if entry else 0

    def outdate(self, client: str) -> None:
        """Has a client's part made again when it is wanted next."""
        if client in self._entries:
            self._entries[client].number = -1

    def see(self, client: str, address: str, content: bytes | None) -> None:
        """Somebody was shown this at an address of a client."""
        self._seen.setdefault(client, {})[address] = mark(content)
        self._seen.move_to_end(client)
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def unlike(self, client: str, files: Mapping[str, bytes]) -> Iterator[str]:
        """Addresses at which somebody was shown something else than what is there now; told once."""
        seen = self._seen.get(client, {})
        for address, known in seen.items():
            now = mark(files.get(address))
            if now != known:
                seen[address] = now
                yield address


def mark(content: bytes | None) -> bytes:
    """What tells a content from another; empty for none."""
    return b"" if content is None else hashlib.blake2b(content, digest_size=16).digest()


class Files(Mapping[str, bytes]):
    """All that is shown, by address: made when it is asked for."""

    def __init__(self, get: Callable[[str], bytes | None], addresses: Callable[[], Iterator[str]]) -> None:
        self._get, self._addresses = get, addresses

    def __getitem__(self, address: str) -> bytes:
        content = self._get(address)
        if content is None:
            raise KeyError(address)
        return content

    def __iter__(self) -> Iterator[str]:
        return self._addresses()

    def __len__(self) -> int:
        return sum(1 for _ in self)
