"""Issuing: an invoice gets its number and its date, and the lock remembers it (domain §4.1, §4.2)."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from portalgen.content.lock import DocumentRow
from portalgen.content.model import ClientFolder
from portalgen.content.problems import Finding
from portalgen.content.records.base import KeyPath, Misfit
from portalgen.content.records.documents import CreditNote, Invoice
from portalgen.desk.books import Books, Found, Unclear
from portalgen.desk.scaffold import DRAFT_WORDS
from portalgen.desk.writing import Edit, set_fields
from portalgen.rules.account import document_key
from portalgen.rules.document import Document
from portalgen.rules.facts import Account
from portalgen.rules.issued import changed, relocked, row_of

_DRAFT_LINE = re.compile(rf"^{re.escape(DRAFT_WORDS)}[ \t]*(\r\n|\r|\n)", re.MULTILINE)


class IssuedInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that was just issued; what is due first, and when."""

    client: str
    path: str
    document: Document


class Relocking(msgspec.Struct, frozen=True, kw_only=True):
    """A document that the lock now keeps as it is written: each field with what it said and says."""

    client: str
    number: str
    id: str
    changes: tuple[tuple[KeyPath, object, object], ...]


def issue(books: Books, refs: Sequence[str], date: dt.date | None = None) -> list[IssuedInvoice]:
    """Issues these drafts, in this order, on `date` (else the day). A number that a draft has already is kept.

    What has a number and a date that the lock does not know yet is entered as it is: so a run that was killed is
    completed by the next. Raises `NotDone` when one of them is issued already or could not be built, and issues none.
    """
    targets = _drafts(books, refs)
    day = date or books.day
    edits: list[Edit] = []
    folders: dict[str, ClientFolder] = {}
    for found in targets:
        folder = folders.setdefault(found.folder.id, found.folder)
        if found.invoice.issued:
            continue
        number = found.invoice.number or books.number("invoice", day, folder, found.invoice.id, found.invoice.path)
        with books.putting_off():
            edit, invoice = _numbered(books, found, number, day)
            edits.append(edit)
            folders[folder.id] = msgspec.structs.replace(folder, invoices={**folder.invoices, invoice.id: invoice})
    books.settle()
    accounts: dict[str, Account] = {}
    for name, folder in folders.items():
        with books.putting_off():
            accounts[name] = books.account(folder)
            books.check_pages(folder, accounts[name])
    books.settle()
    done, rows = [], []
    for found in targets:
        folder = folders[found.folder.id]
        document = accounts[folder.id].documents[found.invoice.id]
        rows.append(row_of(document, folder.invoices[found.invoice.id]))
        done.append(IssuedInvoice(client=folder.id, path=found.invoice.path, document=document))
    books.write(edits, rows)
    books.note_numbers({found.invoice.path for found in targets})
    return done


def _drafts(books: Books, refs: Iterable[str]) -> list[Found]:
    """What is to be issued, each once."""
    targets: dict[str, Found] = {}
    for ref in refs:
        with books.putting_off():
            found = books.invoice(ref)
            targets[found.invoice.id] = found
    for found in targets.values():
        with books.putting_off():
            if row := books.rows.get(document_key(found.invoice)):
                books.refuse([_issued_already(found.invoice, row)])
            elif found.invoice.number and (other := books.owner("invoice", found.invoice.number, found.invoice.id)):
                books.refuse([_number_taken(found.invoice, other)])
    books.settle()
    return [*targets.values()]


def _issued_already(invoice: Invoice, row: DocumentRow) -> Finding:
    if invoice.issued is None:
        hint = f"write number: {row.number} and issued: {row.issued} back; for another invoice choose another id"
    elif invoice.void:
        hint = "it is void and keeps its number; write a new invoice"
    else:
        hint = "nothing is left to do; to change it, see portalgen credit and portalgen relock"
    message = f"the invoice '{row.id}' was issued on {row.issued} as {row.number}"
    return Finding(path=invoice.path, at=("issued",), code="already-issued", message=message, hint=hint)


def _number_taken(invoice: Invoice, other: str) -> Finding:
    message = f"the invoice number '{invoice.number}' is that of '{other}'"
    hint = "take number: away, and the draft gets the next one"
    return Finding(path=invoice.path, at=("number",), code="duplicate-number", message=message, hint=hint)


def _numbered(books: Books, found: Found, number: str, day: dt.date) -> tuple[Edit, Invoice]:
    path = found.invoice.path
    original = books.original(path)
    try:
        text = set_fields(_DRAFT_LINE.sub("", original.text, count=1), {"number": number, "issued": day})
    except Misfit as misfit:
        raise books.misfit(path, misfit) from None
    return original.becomes(text), books.record(Invoice, path, text, found.folder.id)


def relock(books: Books, refs: Sequence[str], reason: str) -> list[Relocking]:
    """Has the lock keep issued documents as their files say now; what they said is remembered by its hash.

    Raises `Unclear` for what was never issued, `NotDone` when a file as it is now could not be issued.
    """
    targets = list({document_key(record): (client, record) for client, record in _documents(books, refs)}.values())
    done, rows = [], []
    for client in dict.fromkeys(client for client, _ in targets):
        folder, known = books.client(client), books.issued(client)
        records = [record for owner, record in targets if owner == client]
        free = {key: row for key, row in known.items() if key not in {document_key(record) for record in records}}
        account = books.account(folder, free)
        books.check_pages(folder, account, free)
        for record in records:
            document, old = account.documents.get(record.id), known[document_key(record)]
            if document is None:
                raise Unclear(f"'{record.id}' has no number or date any more", "put both back: it was issued")
            new = row_of(document, record)
            if (new.sha256, new.written) != (old.sha256, old.written):
                rows.append(relocked(old, new, books.day, reason))
            done.append(Relocking(client=client, number=new.number, id=record.id, changes=_changes(old, new)))
    books.write((), rows)
    return done


def _documents(books: Books, refs: Iterable[str]) -> Iterator[tuple[str, Invoice | CreditNote]]:
    """Invoices and credit notes that the lock keeps, by id or number."""
    for ref in refs:
        client, _, name = ref.rpartition("/")
        found = [
            (folder.id, record)
            for folder in books.clients.values()
            for record in folder.billing
            if (row := books.issued(folder.id).get(document_key(record)))
            and client in ("", folder.id)
            and name in (record.id, record.number, row.number)
        ]
        if len(found) > 1:
            named = " or ".join(record.id for _, record in found)
            raise Unclear(f"'{ref}' may be one of several documents", f"write {named}")
        if not found:
            draft = books.invoice(ref).invoice
            raise Unclear(
                f"the lock does not know '{draft.id}'", "change its file as you like; nothing is to be accepted"
            )
        yield found[0]


def _changes(old: DocumentRow, new: DocumentRow) -> tuple[tuple[KeyPath, object, object], ...]:
    """What differs in the file; if nothing does, what differs in what it refers to."""
    in_file = tuple(changed(old.written, new.written))
    if in_file or new.sha256 == old.sha256:
        return in_file
    return tuple(changed(old.document, json.loads(msgspec.json.encode(new.document))))
