"""What the desk knows of a site: read once, and after that only what changed since the last look."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.loader import ClientPart, Loaded, SharedPart, join, load, read_client, read_shared
from portalgen.content.lock import LOCK, DocumentKey, DocumentRow, LinkRow, LinkState, Lock, Mode, read_lock
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding, Problem, render
from portalgen.content.sources import Source, Tree, scan
from portalgen.desk.books import NotDone
from portalgen.desk.command import link_data, private_base
from portalgen.desk.review import links_by_client, subject_of
from portalgen.publish.access import Access, open_access, partial_access
from portalgen.publish.parts import LinkFact
from portalgen.rules.account import account_of
from portalgen.rules.amounts import odd_client_amounts
from portalgen.rules.facts import Account
from portalgen.rules.review_item import Subject
from portalgen.site.private import link_expires, wanted_links

SEALED = "/desk/sealed/"
"""Below this address of the desk, sealed pages stand where they stand in the output."""


class Seen(msgspec.Struct, frozen=True):
    """The site as it is: everything that has no error, on a day.

    `shared` is None when site.yaml has an error, and then there is nothing but problems. `left_out`: the ids of clients
    whose files have errors. `gone`: those of clients that have no folder any more, but had links.
    """

    day: dt.date
    shared: Shared | None
    subjects: Mapping[str, Subject]
    left_out: tuple[str, ...]
    gone: tuple[str, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    def folders(self) -> Iterator[ClientFolder]:
        """The folders of all clients, by their names."""
        found = (subject.folder for subject in self.subjects.values())
        return iter(sorted(found, key=lambda folder: (folder.client.name.display.casefold(), folder.id)))


class OpenLink(msgspec.Struct, frozen=True):
    """A link to send, or one that has ended. `url` is whole only when the site says where it stands.

    `path` is the page in the preview, `sealed` the sealed page on the desk; empty when it is not sealed.
    """

    of: str
    ref: str
    label: str
    url: str
    path: str
    expires: dt.date | None
    sealed: str
    state: LinkState = "live"


class _Known(msgspec.Struct, frozen=True):
    """A client as it was last read, and what that was made from."""

    sources: tuple[Source, ...]
    part: ClientPart


class _Settled(msgspec.Struct, frozen=True):
    """What follows from a client's folder, and what that was made from."""

    folder: ClientFolder
    rows: Mapping[DocumentKey, DocumentRow]
    links: tuple[LinkRow, ...]
    subject: Subject | None
    findings: tuple[Finding, ...]


class Records:
    """Reads the site in `root` as far as it changed since it was last asked. For several threads at once."""

    def __init__(self, root: Path, today: dt.date | None) -> None:
        self.root, self.today = root, today
        self._one = threading.Lock()
        self._tree: Tree | None = None
        self._part: SharedPart | None = None
        self._shared: Shared | None = None
        self._clients: dict[str, _Known] = {}
        self._settled: dict[str, _Settled] = {}
        self._day: dt.date | None = None
        self._lock_text: str | None = None
        self._lock: tuple[Lock, tuple[Problem, ...]] = Lock(), ()
        self._seen: Seen | None = None

    def look(self) -> Seen:
        """The site as it is now."""
        with self._one:
            tree = scan(self.root)
            text = self._read_lock()
            day = self._day_of(self._shared) if self._shared else None
            if self._seen and tree.is_like(self._tree) and (text, day) == (self._lock_text, self._day):
                return self._seen
            self._read(tree)
            if text != self._lock_text:
                self._lock = read_lock(text)
            self._lock_text, self._tree = text, tree
            self._seen = self._settle(tree)
            return self._seen

    def _read_lock(self) -> str:
        path = self.root / LOCK
        return path.read_text(encoding="utf-8-sig", errors="replace") if path.exists() else ""

    def _day_of(self, shared: Shared) -> dt.date:
        return self.today or dt.datetime.now(ZoneInfo(shared.site.practice.timezone)).date()

    def _read(self, tree: Tree) -> None:
        """Reads what all clients share where it, or the list of documents, changed; then the clients that changed."""
        before = self._tree
        same = before is not None and (before.shared, [*before.clients]) == (tree.shared, [*tree.clients])
        if not (same and tree.is_like(before) and self._part):
            part = read_shared(tree)
            if part.shared != self._shared:
                self._shared = part.shared
                self._settled.clear()
            self._part = part
        if not same:
            self._clients.clear()  # they may refer to something that came or went
        assert self._part is not None
        for name in [name for name in self._clients if name not in tree.clients]:
            del self._clients[name]
            self._settled.pop(name, None)
        for name, files in tree.clients.items():
            known = self._clients.get(name)
            if known is None or known.sources != files:
                self._clients[name] = _Known(files, read_client(self.root, name, files, self._part.names))

    def _settle(self, tree: Tree) -> Seen:
        assert self._part is not None
        loaded = join(tree, self._part, {name: self._clients[name].part for name in tree.clients})
        lock, damaged = self._lock
        shared = self._shared
        if shared is None:
            errors, warnings = _texts(loaded, [*loaded.problems, *damaged])
            return Seen(self.today or dt.date.min, None, {}, (), (), errors, warnings)
        day = self._day_of(shared)
        if day != self._day:
            self._settled.clear()
            self._day = day
        documents, links = lock.by_client(), links_by_client(lock)
        findings: list[Finding] = []
        subjects: dict[str, Subject] = {}
        for name in tree.clients:
            folder = self._clients[name].part.folder
            if folder is None:
                continue
            settled = self._settled.get(name)
            rows, own = documents.get(name, {}), links.get(name, ())
            if settled is None or settled.folder is not folder or (settled.rows, settled.links) != (rows, own):
                settled = self._settled[name] = _settled(shared, folder, day, rows, own)
            findings += settled.findings
            if settled.subject:
                subjects[name] = settled.subject
        problems = sorted({*loaded.problems, *damaged, *loaded.report(findings)}, key=_first_the_site)
        errors, warnings = _texts(loaded, problems)
        left_out = tuple(name for name in tree.clients if name not in subjects)
        gone = tuple(sorted(links.keys() - tree.clients.keys()))
        return Seen(day, shared, subjects, left_out, gone, errors, warnings)

    # --- links ----------------------------------------------------------------------------------------

    def links(self, seen: Seen, clients: Iterable[str], *, portals: bool = False) -> dict[str, list[OpenLink]]:
        """The links to send to these clients, the portal's first. One that no build has made yet is not among them.

        `portals`: those of the portals alone. Raises `KeyProblem`, or `NotDone` when the lock is damaged.
        """
        access, shared = self._access(), seen.shared
        assert shared is not None
        base = private_base(shared.site)
        found: dict[str, list[OpenLink]] = {}
        for client in clients:
            folder, account = seen.subjects[client].folder, seen.subjects[client].account
            sealed = _mode(folder, shared) == "sealed"
            wanted = [
                link for link in wanted_links(folder, account, seen.day, shared) if not portals or link[0] == "portal"
            ]
            live = {row.salt for row in access.rows(client)}
            found[client] = []
            for place in access.places(client, wanted, sealed=sealed).values():
                row = place.row
                if row.salt in live:
                    last = link_expires(folder, account, row, shared)
                    data = link_data(LinkFact(row=row, address=place.address, expires=last), base)
                    label = _label(folder, account, row)
                    path, page = _where(place.address)
                    found[client].append(OpenLink(row.of, row.ref, label, data["url"], path, last, page))
        return found

    def coming(self, seen: Seen, client: str) -> bool:
        """Whether a client shall have a link that is not made yet. Raises as `links` does."""
        assert seen.shared is not None
        subject = seen.subjects[client]
        known = {(row.of, row.ref) for row in self._access().rows(client)}
        return not known.issuperset(wanted_links(subject.folder, subject.account, seen.day, seen.shared))

    def ended(self, seen: Seen, client: str) -> list[OpenLink]:
        """The links of a client that opened something once. At each the next build puts a page that says so.

        Those of a client whose folder is gone come too when nobody ended them, which no build accepts: they are "live".
        Raises as `links` does.
        """
        access, shared = self._access(), seen.shared
        assert shared is not None
        subject = seen.subjects.get(client)
        mode = _mode(subject.folder if subject else None, shared)
        live: set[str] = set()
        if subject:
            wanted = wanted_links(subject.folder, subject.account, seen.day, shared)
            live = {place.row.salt for place in access.places(client, wanted, sealed=mode == "sealed").values()}
        found: list[OpenLink] = []
        for row in access.rows(client):
            if row.key_id not in ("", access.keyring.key_id):
                continue  # its key is gone, and with it the way in
            last = link_expires(subject.folder, subject.account, row, shared) if subject else None
            state = row.state
            if row.salt in live:
                state = "replaced"
            elif state == "live" and subject:
                state = "expired" if last and last < seen.day else "revoked"
            label = _label(subject.folder, subject.account, row) if subject else row.ref
            for other in sorted({*row.modes} - ({mode} if row.salt in live else set())):
                path, page = _where(access.address(row, sealed=other == "sealed"))
                found.append(OpenLink(row.of, row.ref, label, "", path, last, page, state))
        return found

    def _access(self) -> Access:
        """The key, and the links as they were last read."""
        with self._one:
            lock, problems = self._lock
            found = partial_access(self.root) if not problems else None
            if found is not None:
                return Access(self.root, msgspec.structs.replace(lock, documents=()), found.secret, found.fresh)
        access, problems = open_access(self.root)
        if access is None:
            raise NotDone(problems, load(self.root))
        return access


def _settled(
    shared: Shared,
    folder: ClientFolder,
    day: dt.date,
    rows: Mapping[DocumentKey, DocumentRow],
    links: tuple[LinkRow, ...],
) -> _Settled:
    account, found = account_of(shared, folder, day, rows)
    findings = (*found, *odd_client_amounts(shared, folder))
    sound = not any(finding.severity == "error" for finding in findings)
    subject = subject_of(shared, folder, account, day, rows, links) if sound else None
    return _Settled(folder, rows, links, subject, findings)


def _texts(loaded: Loaded, problems: Iterable[Problem]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The errors and the warnings, each as a person reads it."""
    errors: list[str] = []
    warnings: list[str] = []
    for problem in problems:
        text = render(problem, loaded.excerpt(problem), colour=False)
        (errors if problem.severity == "error" else warnings).append(text)
    return tuple(errors), tuple(warnings)


def _mode(folder: ClientFolder | None, shared: Shared) -> Mode:
    return (folder.client.privacy if folder else None) or shared.site.privacy.mode


def _where(address: str) -> tuple[str, str]:
    """The page at a link's address: open in the preview, and sealed on the desk, if it is."""
    file, key, _ = address.partition("#")
    path = f"/{file.removesuffix('.html').rstrip('/')}/index.html"
    return path, f"{SEALED}{address.removesuffix('/')}" if key else ""


def _label(folder: ClientFolder, account: Account, row: LinkRow) -> str:
    """What a person calls what a link opens: the number of a document, the name of a person."""
    if row.of == "person":
        contact = next((one for one in folder.client.contacts if one.id == row.ref), None)
        return contact.name if contact else row.ref
    if row.of == "credit-note":
        note = folder.credit_notes.get(row.ref)
        return note.number if note else row.ref
    facts = account.invoices.get(row.ref)
    return (facts.invoice.number or row.ref) if facts else row.ref


def _first_the_site(problem: Problem) -> tuple[bool, Problem]:
    """What is wrong in site.yaml comes first: much of the rest may follow from it."""
    return problem.path != "content/site.yaml", problem
