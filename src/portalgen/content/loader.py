"""The whole folder: every file read, every problem reported at once, every reference checked (domain §2).

`read_shared` and `read_client` are functions of the files alone, so that clients can be read in any order and in
several processes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from portalgen.content.layout import FILE, STATIC
from portalgen.content.model import ClientFolder, Shared, Site
from portalgen.content.places import Places
from portalgen.content.problems import Finding, Problem
from portalgen.content.reading import Reader
from portalgen.content.records.client import Client
from portalgen.content.records.documents import Invoice
from portalgen.content.references import Ids, Names, alive, dead
from portalgen.content.sources import Snapshot, Source, Tree, scan, snapshot

DOCUMENTS = {"invoice": "invoice", "credit-note": "credit note", "estimate": "estimate"}


class SharedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What reading all but the client folders gave. `shared` is None when there is an error in it."""

    shared: Shared | None
    names: Names
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()


class ClientPart(msgspec.Struct, frozen=True, kw_only=True):
    """What reading one client's folder gave. `folder` is None when there is an error in it.

    `mentions` are the ids of other clients that its files name.
    """

    folder: ClientFolder | None
    mentions: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """What reading the folder gave: the site, or None when there is an error; and every problem, sorted by place.

    `sound` is what later rooms may check all the same, so that their problems are told in the same run: the site
    without the files and clients that have errors or refer to such. It is None when the error is in site.yaml.
    """

    site: Site | None
    sound: Site | None
    problems: tuple[Problem, ...]
    sources: Snapshot
    places: Places

    def place(self, finding: Finding) -> Problem:
        """A later room's finding with its line and column."""
        return self.places.problems([finding])[0]

    def report(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """Later rooms' findings as problems, sorted, without the warnings that their files silence."""
        return self.places.kept(self.places.problems(findings))

    def excerpt(self, problem: Problem) -> str:
        """The line of the file that a problem is about."""
        return self.places.excerpt(problem)


def load(root: Path, tree: Tree | None = None) -> Loaded:
    """Read and check the site in `root`, as it was seen in `tree` or is now.

    Nothing is raised for what is wrong in it: see `Loaded.problems`.
    """
    with without_collector():
        tree = tree or scan(root)
        part = read_shared(tree)
        clients = {name: read_client(root, name, files, part.names) for name, files in tree.clients.items()}
    return join(tree, part, clients)


def join(tree: Tree, part: SharedPart, clients: Mapping[str, ClientPart]) -> Loaded:
    """Put the parts together: what must be unique across clients, places, silenced warnings. Parts may be old ones."""
    places = Places(tree.root)
    findings = [*part.findings, *twin_documents(tree)]
    problems = [*tree.problems, *part.problems]
    for client in clients.values():
        findings += client.findings
        problems += client.problems
    kept = places.kept([*problems, *places.problems(findings)])
    sound = None
    if part.shared is not None:
        folders = {name: client.folder for name, client in clients.items() if client.folder is not None}
        sound = Site(shared=part.shared, clients=folders)
    broken = any(problem.severity == "error" for problem in kept)
    return Loaded(None if broken else sound, sound, kept, snapshot(tree), places)


@contextmanager
def without_collector() -> Iterator[None]:
    """Records and pages hold no cycles, and looking for some takes long."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def read_shared(tree: Tree) -> SharedPart:
    """Read all but the client folders, and gather the names that clients refer to."""
    reader = Reader(tree.root)
    found = reader.records(tree.shared)
    if not any(source.kind == "site" for source in tree.shared) and not any(
        problem.path in ("content", "content/site.yaml") for problem in tree.problems
    ):
        hint = "create it with 'portalgen init', or say with --site where the site lies"
        message = "there is no site.yaml; it says who the practice is"
        reader.problems.append(Problem(path="content/site.yaml", code="missing-file", message=message, hint=hint))
    static = tuple(source.path.removeprefix("content/") for source in tree.shared if source.kind == STATIC)
    ids: dict[str, Ids] = {kind: _ids(tree.shared, kind) for kind in found}
    ids |= {
        "method": reader.ids("site", "practice", "methods") if "site" in reader.raw else None,
        "referral": reader.ids("referral"),
        "client": list(tree.clients),
        "asset": frozenset(static),
    }
    owners = {
        (source.kind, source.id): client
        for client, files in tree.clients.items()
        for source in files
        if source.kind in DOCUMENTS
    }
    findings = [*reader.findings, *_dead(reader, Names(ids=ids, owners=owners), {})]
    everything: list[Problem | Finding] = [*reader.problems, *findings]
    errors = {one.path for one in everything if one.severity == "error"}
    broken, unsound = _unsound(reader, tree.shared, found, errors)
    names = Names(ids=ids, owners=owners, unsound=unsound)
    shared = None
    site = found["site"].get("")
    if site is not None and site.path not in broken:
        shared = Shared(
            broken=tuple(sorted(broken)),
            site=site,
            pages=found["page"],
            services=found["service"],
            policies=found["policy"],
            guides=found["guide"],
            agreements=found["agreement"],
            letters=found["letter"],
            terms=found["terms"],
            referrals={referral.id: referral for referral in found["referral"].get("", ())},
            static=static,
            supervision=found["supervision"].get("", ()),
            reviews=found["review"].get("", ()),
            lessons=found["lessons"].get(""),
        )
    return SharedPart(shared=shared, names=names, problems=tuple(reader.problems), findings=tuple(findings))


def read_client(
    root: Path, name: str, files: Sequence[Source], names: Names, contents: Mapping[str, bytes] | None = None
) -> ClientPart:
    """Read one client's folder. Depends on its files and on the names that it may refer to, on nothing else.

    `contents` is what its files hold, by path, where they were read already.
    """
    reader = Reader(root, name, contents or {}, quick=True)
    found = _client_records(reader, files)
    prefix = f"content/clients/{name}/files/"
    attached = tuple(source.path.removeprefix(prefix) for source in files if source.kind == FILE)
    own: dict[str, Ids] = {kind: _ids(files, kind) for kind in DOCUMENTS}
    own |= {kind: reader.ids(kind) for kind in ("session", "payment", "log")}
    own |= {"contact": reader.ids("client", "contacts"), "charge": reader.ids("client", "charges")}
    own["file"] = frozenset(attached)
    if not all(alive(kind, ids, names, own) for kind, ids in reader.named.items()):
        reader = Reader(root, name, contents or {})  # for the places of what is named
        found = _client_records(reader, files)
    findings = [*reader.findings, *_dead(reader, names, own, name)]
    client = found["client"].get("")
    if client is not None:
        findings += _billed(client, found["invoice"].values())
    folder = None
    if client is not None and not _errors(reader, findings) and all(names.sound(use) for _, use in reader.uses):
        folder = ClientFolder(
            id=name,
            client=client,
            plan=found["plan"].get(""),
            sessions=found["session"].get("", ()),
            payments=found["payment"].get("", ()),
            log=found["log"].get("", ()),
            invoices=found["invoice"],
            credit_notes=found["credit-note"],
            estimates=found["estimate"],
            files=attached,
        )
    mentions = tuple(sorted({use.id for _, use in reader.uses if use.kind == "client"} | reader.named["client"]))
    return ClientPart(folder=folder, mentions=mentions, problems=tuple(reader.problems), findings=tuple(findings))


def _client_records(reader: Reader, files: Sequence[Source]) -> dict[str, dict[str, Any]]:
    found = reader.records(files)
    if not any(source.kind == "client" for source in files):
        path = f"content/clients/{reader.client}/client.yaml"
        message = f"the client '{reader.client}' has no client.yaml"
        hint = f"create it with 'portalgen new client {reader.client}', or delete the folder"
        reader.problems.append(Problem(path=path, code="missing-file", message=message, hint=hint))
    return found


def _unsound(
    reader: Reader, files: Sequence[Source], found: dict[str, dict[str, Any]], errors: set[str]
) -> tuple[set[str], frozenset[tuple[str, str]]]:
    """Takes out of `found` what has an error or refers to such: the paths of those files, and their kinds and ids."""
    names = {source.path: (source.kind, source.id or "*") for source in files}
    broken = {path for path in errors if path in names}
    while True:
        unsound = frozenset(names[path] for path in broken)
        seen = Names(ids={}, unsound=unsound)
        more = {path for path, use in reader.uses if path not in broken and not seen.sound(use)}
        if not more:
            break
        broken |= more
    for kind, key in unsound:
        found.get(kind, {}).pop("" if key == "*" else key, None)
    return broken, unsound


def _ids(files: Iterable[Source], kind: str) -> frozenset[str]:
    return frozenset(source.id for source in files if source.kind == kind)


def _errors(reader: Reader, findings: Iterable[Finding]) -> bool:
    everything: list[Problem | Finding] = [*reader.problems, *findings]
    return any(one.severity == "error" for one in everything)


def _dead(reader: Reader, names: Names, own: Mapping[str, Ids], client: str = "") -> Iterator[Finding]:
    for path, use in reader.uses:
        if finding := dead(path, use, names, own, client):
            yield finding


def _billed(client: Client, invoices: Iterable[Invoice]) -> Iterator[Finding]:
    """Who gets an invoice must be allowed to see it."""
    shut = {contact.id for contact in client.contacts if contact.scope == "appointments"}
    for invoice in invoices:
        if invoice.bill_to in shut:
            message = f"'{invoice.bill_to}' gets this invoice but may only see appointments"
            hint = "give that contact scope: billing or scope: all"
            yield _finding(invoice.path, "payer-scope", message, hint, "bill_to")


def twin_documents(tree: Tree) -> Iterator[Finding]:
    """What must be unique in the whole site: the ids of documents."""
    ids: dict[tuple[str, str], str] = {}
    for source in tree.sources:
        if source.kind in DOCUMENTS:
            other = ids.setdefault((source.kind, source.id), source.path)
            if other != source.path:
                what = DOCUMENTS[source.kind]
                message = f"the {what} '{source.id}' is also in {other}"
                hint = "give one of them another id and file name; ids of documents are unique in the whole site"
                yield _finding(source.path, "duplicate-id", message, hint, "id")


def _finding(path: str, code: str, message: str, hint: str, *at: Any) -> Finding:
    return Finding(path=path, code=code, message=message, hint=hint, at=at)
