"""A site opened for writing about money: what is asked for is found, checked as if it stood there, then written.

Hold the build lock around all of it. Nothing is written before everything was checked, and then all of it or nothing;
the lock comes last, so that a number stands in its file before it is remembered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.convert import Run, suggest, to_record, to_records
from portalgen.content.loader import Loaded, load
from portalgen.content.lock import LOCK, DocumentKey, DocumentRow, Lock, read_lock
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding, Problem, as_data
from portalgen.content.records.base import Misfit, Record
from portalgen.content.records.documents import Invoice
from portalgen.content.scalars import is_id
from portalgen.content.yamltext import parse
from portalgen.desk.writing import Edit, Original, read_original, write_files
from portalgen.publish.access import passing_access
from portalgen.publish.copies import copier
from portalgen.publish.parts import Workshop
from portalgen.rules.account import account_of
from portalgen.rules.amounts import odd_client_amounts
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.ledger import held_findings
from portalgen.rules.numbering import SeriesKind, Taken, next_number, number_findings, numbers_in, numbers_of, series_of
from portalgen.site.private import wanted_links
from portalgen.site.theme import Theme
from portalgen.site.theme import load as load_theme

R = TypeVar("R", bound=Record)

_SERIES: Mapping[str, SeriesKind] = {"invoices": "invoice", "credit-notes": "credit_note"}
"""The numbers of the files in a folder of a client's."""


class NotDone(Exception):
    """What keeps a command from writing is wrong in the files, or would be. Nothing was written."""

    def __init__(self, problems: Iterable[Problem], loaded: Loaded) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems, self.loaded = tuple(problems), loaded


class Unclear(Exception):
    """What was asked for cannot be meant. `field`: which of the things that were said it is about, where one is."""

    def __init__(self, message: str, hint: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.hint, self.field = message, hint, field


class Found(msgspec.Struct, frozen=True):
    """An invoice and the folder of its client."""

    folder: ClientFolder
    invoice: Invoice


class Books:
    """The site on a day, and what the lock remembers. Raises `NotDone` when site.yaml or the lock cannot be read."""

    def __init__(self, root: Path, today: dt.date | None) -> None:
        self.root = root
        self.loaded = load(root)
        self.lock_file = read_original(root / LOCK)
        text = (self.lock_file.data or b"").decode("utf-8-sig", "replace")
        self.lock, damaged = read_lock(text)
        if damaged:
            raise NotDone(damaged, self.loaded)
        if self.loaded.sound is None:
            raise NotDone(self._errors(), self.loaded)
        self.shared: Shared = self.loaded.sound.shared
        self.clients: Mapping[str, ClientFolder] = self.loaded.sound.clients
        self.day = today or dt.datetime.now(ZoneInfo(self.shared.site.practice.timezone)).date()
        self.rows = {row.key: row for row in self.lock.documents}
        self.taken = [*self._taken()]
        self.noted: list[Problem] = []
        self.written: list[Edit] = []
        self._put_off: set[Problem] = set()

    # --- finding --------------------------------------------------------------------------------------

    def invoice(self, ref: str) -> Found:
        """The invoice with this id or number, also as CLIENT/ID. Raises `Unclear`, or `NotDone` if it has errors."""
        client, _, name = ref.rpartition("/")
        if client:
            self.client(client)
        found = [
            Found(folder, invoice)
            for folder in self.clients.values()
            for invoice in folder.invoices.values()
            if client in ("", folder.id) and name in (invoice.id, invoice.number)
        ]
        if len(found) == 1:
            self.client(found[0].folder.id)
            return found[0]
        if found:
            choice = ", ".join(f"{one.folder.id}/{one.invoice.id}" for one in found)
            raise Unclear(f"'{ref}' may be one of several invoices", f"write one of {choice}")
        named = is_id(name) and is_id(client or name)
        broken = [*self.root.glob(f"content/clients/{client or '*'}/invoices/{name}.yaml")] if named else []
        if broken:
            raise NotDone(self._errors(broken[0].parent.parent.name), self.loaded)
        known = {key: folder.id for folder in self.clients.values() for key in folder.invoices}
        guess = suggest(name, known)
        raise Unclear(
            f"there is no invoice '{ref}'",
            f"did you mean {guess}?" if guess else "write its id (the name of its file) or its number",
        )

    def client(self, name: str) -> ClientFolder:
        """The client's folder. Raises `Unclear`, or `NotDone` when its files have errors."""
        own = f"content/clients/{name}/"
        if any(problem.severity == "error" and problem.path.startswith(own) for problem in self.loaded.problems):
            raise NotDone(self._errors(name), self.loaded)
        if name in self.clients:
            return self.clients[name]
        if is_id(name) and (self.root / "content" / "clients" / name).is_dir():
            raise NotDone(self._errors(name), self.loaded)
        guess = suggest(name, self.clients)
        hint = f"did you mean {guess}?" if guess else f"make one with: portalgen new client {name}"
        raise Unclear(f"there is no client '{name}'", hint)

    @property
    def broken(self) -> list[str]:
        """The clients whose files have errors, by their ids."""
        return sorted({path.name for path in self.root.glob("content/clients/*") if path.is_dir()} - {*self.clients})

    def issued(self, client: str) -> dict[DocumentKey, DocumentRow]:
        """What the lock keeps of a client's documents."""
        return {key: row for key, row in self.rows.items() if row.client == client}

    def owner(self, kind: SeriesKind, number: str, besides: str) -> str:
        """Which document has this number already, other than the one with the id `besides`; empty when none has."""
        same = (one for one in self.taken if one.kind == kind and one.number.casefold() == number.casefold())
        return next((one.id for one in same if one.id != besides), "")

    def number(self, kind: SeriesKind, day: dt.date, folder: ClientFolder, id_: str, path: str = "") -> str:
        """The next number of a series, now taken by the document `id_` in the file `path`."""
        number = next_number(series_of(self.shared.site, kind), self.taken, day, folder.id, kind=kind)
        self.taken.append(Taken(kind=kind, number=number, issued=day, client=folder.id, id=id_, path=path))
        return number

    def note_numbers(self, paths: Collection[str]) -> None:
        """Notes what is odd about the numbers in these files, such as one that is younger than the next."""
        found = number_findings(self.shared.site, self.taken, whole=not self.broken)
        self.noted += self.loaded.report(finding for finding in found if finding.path in paths)

    @property
    def noted_data(self) -> list[dict[str, str | int]]:
        """What was noted, as the commands' `--json` gives it."""
        return [as_data(problem) for problem in self.noted]

    def _taken(self) -> Iterator[Taken]:
        """Every number given out: in files, also in those that have errors, and in the lock."""
        for folder in self.clients.values():
            yield from numbers_of(folder)
        yield from numbers_in(self.lock.documents, self.lock.numbers)
        for path in sorted(self.root.glob("content/clients/*/*/*.yaml")):
            client = path.parent.parent.name
            of = _SERIES.get(path.parent.name)
            if client not in self.clients and of:
                yield from self._in_broken(path, of, client, "number")
        for path in sorted(self.root.glob("content/clients/*/payments.yaml")):
            if path.parent.name not in self.clients:
                yield from self._in_broken(path, "receipt", path.parent.name, "receipt_number")

    @staticmethod
    def _in_broken(path: Path, kind: SeriesKind, client: str, key: str) -> Iterator[Taken]:
        data = parse(path.read_bytes().decode("utf-8-sig", "replace")).data
        for entry in data if isinstance(data, list) else [data]:
            number = entry.get(key) if isinstance(entry, dict) else None
            if isinstance(number, str):
                yield Taken(kind=kind, number=number, issued=None, client=client, id=path.stem)

    # --- checking -------------------------------------------------------------------------------------

    def original(self, path: str) -> Original:
        """A file of the site as it is."""
        return read_original(self.root / path)

    def record(self, kind: type[R], path: str, text: str, client: str) -> R:
        """What a mapping file with this text holds. Raises `NotDone` with what would be wrong in it."""
        run = Run(path)
        given = {name: value for name, value in (("path", path), ("client", client)) if name in kind.__struct_fields__}
        record = to_record(kind, self._data(text), run, given)
        self.refuse(run.findings)
        assert record is not None
        return record

    def entries(self, kind: type[R], path: str, text: str) -> tuple[R, ...]:
        """What a list file with this text holds. Raises `NotDone` with what would be wrong in it."""
        run = Run(path)
        records = to_records(kind, self._data(text), run)
        self.refuse(run.findings)
        assert records is not None
        return records

    @staticmethod
    def _data(text: str) -> Any:
        return parse(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")).data

    def account(self, folder: ClientFolder, issued: Mapping[DocumentKey, DocumentRow] | None = None) -> Account:
        """The client's account. Raises `NotDone` when there is an error in it."""
        rows = self.issued(folder.id) if issued is None else issued
        account, findings = account_of(self.shared, folder, self.day, rows)
        self.refuse([*findings, *odd_client_amounts(self.shared, folder)])
        self.refuse(held_findings(self.shared, folder, account, self.day))
        return account

    def facts(self, found: Found) -> InvoiceFacts:
        """What follows from one invoice as it is now."""
        return self.account(found.folder).invoices[found.invoice.id]

    def theme(self) -> Theme:
        """What pages and papers are made with. Raises `NotDone` when a template of the site has an error."""
        theme, findings = load_theme(self.root, self.shared.site)
        self.refuse(findings)
        assert theme is not None
        return theme

    def check_pages(
        self, folder: ClientFolder, account: Account, issued: Mapping[DocumentKey, DocumentRow] | None = None
    ) -> None:
        """Makes the client's pages and throws them away. Raises `NotDone` when a build could not make them."""
        access = passing_access(self.root)
        workshop = Workshop(self.shared, self.theme(), self.shared.site.base_url or "", self.day, access)
        _, links = workshop.public()
        places = access.places(folder.id, wanted_links(folder, account, self.day, self.shared))
        rows = self.issued(folder.id) if issued is None else issued
        draft = workshop.pages(folder, account, places, links, rows)
        files = {file.source: file for drafted in draft.openings for file in drafted.opening.files}
        copy = copier(self.root)
        wrong = [finding for file in files.values() for finding in copy(file).findings]
        self.refuse([*draft.part.findings, *wrong])

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raises `NotDone` when one of these is an error."""
        errors = [finding for finding in findings if finding.severity == "error"]
        if errors:
            raise NotDone(self.loaded.report(errors), self.loaded)

    @contextmanager
    def putting_off(self) -> Iterator[None]:
        """What raises `NotDone` in here is told by `settle`, together with the rest."""
        try:
            yield
        except NotDone as refused:
            self._put_off |= set(refused.problems)

    def settle(self) -> None:
        """Raises `NotDone` with everything that was put off."""
        if self._put_off:
            raise NotDone(sorted(self._put_off), self.loaded)

    def misfit(self, path: str, misfit: Misfit, *at: str | int) -> NotDone:
        """A text that does not fit its file, as a problem of that file."""
        finding = Finding(path=path, at=at, code=misfit.code, message=misfit.message, hint=misfit.hint)
        return NotDone(self.loaded.report([finding]), self.loaded)

    def _errors(self, client: str = "") -> list[Problem]:
        """The errors that concern a client: in its files, and in those that it may depend on."""
        others, own = "content/clients/", f"content/clients/{client}/"
        return [
            problem
            for problem in self.loaded.problems
            if problem.severity == "error" and (problem.path.startswith(own) or not problem.path.startswith(others))
        ]

    # --- writing --------------------------------------------------------------------------------------

    def write(self, edits: Iterable[Edit], rows: Iterable[DocumentRow] = ()) -> None:
        """Writes the files and then the rows into the lock, all or nothing; they are in `written` then.

        Raises `OutputFailed`.
        """
        wanted = list(edits)
        kept = self.rows | {row.key: row for row in rows}
        lock: Lock = msgspec.structs.replace(self.lock, documents=tuple(kept.values()))
        if lock != self.lock:
            wanted.append(self.lock_file.becomes(lock.text()))
        write_files(wanted)
        self.written += wanted
