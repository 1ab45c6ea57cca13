"""Drafts of invoices: of services, of what waits to be invoiced, and of what returns (domain §3 charge, recurring)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from portalgen.content.convert import suggest
from portalgen.content.model import ClientFolder
from portalgen.content.records.client import Session
from portalgen.content.records.documents import Invoice, Line, Period
from portalgen.content.scalars import Fee
from portalgen.desk.books import Books, Unclear
from portalgen.desk.latefees import fee_invoice
from portalgen.desk.paying import free_id
from portalgen.desk.scaffold import DRAFT
from portalgen.desk.writing import Edit, Original
from portalgen.desk.yamlvalues import fields_text, item_lines, record_fields
from portalgen.rules.chargeable import billed_sessions, line_for, outcome_of, price_of, session_day
from portalgen.rules.document import Document
from portalgen.rules.issued import row_of
from portalgen.rules.lines import service_words
from portalgen.rules.money import Money, rounded
from portalgen.rules.recurring import due_runs, invoice_of
from portalgen.rules.totals import HUNDRED
from portalgen.rules.waiting import unbilled_sessions, waiting_charges


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to put on invoices. `sessions` and `charges` are ids, or `unbilled` and `waiting` for all that wait.

    `deposit` is an amount, or a share of what the services and sessions come to. `late_fee` is the invoice that was
    paid late; its fee stands alone.
    """

    services: Sequence[str] = ()
    sessions: str = ""
    charges: str = ""
    recurring: bool = False
    deposit: Fee | None = None
    late_fee: str = ""
    terms: str | None = None


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that was just written; `document` is None unless it was issued at once."""

    client: str
    path: str
    id: str
    lines: int
    amount: Money
    document: Document | None = None


class _Entry(msgspec.Struct, frozen=True):
    line: Line
    amount: Money | None
    remark: str


def draft(books: Books, clients: Sequence[ClientFolder], wanted: Wanted) -> list[Drafted]:
    """Writes an invoice for each client of whom something is wanted, and one for each run that returns.

    A run with `approve: auto` is issued at once. Nothing to invoice gives nothing. Raises `NotDone` or `Unclear`, and
    then writes nothing.
    """
    ids = {path.stem for path in books.root.glob("content/clients/*/invoices/*.yaml")}
    ids |= {row.id for row in books.lock.documents if row.of == "invoice"}
    edits: list[Edit] = []
    rows, done = [], []
    for folder in clients:
        made = [*_runs(books, folder, ids)] if wanted.recurring else []
        if wanted.late_fee:
            made.append((_late_fee(books, folder, wanted, ids), ()))
        if entries := _entries(books, folder, wanted):
            made.append((_invoice(books, folder, wanted, entries, ids), [entry.remark for entry in entries]))
        records = []
        for invoice, remarks in made:
            text = draft_text(invoice, remarks)
            records.append(books.record(Invoice, invoice.path, text, folder.id))
            edits.append(Original(books.root / invoice.path, None).becomes(text))
        if not records:
            continue
        after = {record.id: record for record in records}
        account = books.account(msgspec.structs.replace(folder, invoices={**folder.invoices, **after}))
        for record in records:
            facts, document = account.invoices[record.id], account.documents.get(record.id)
            if document:
                rows.append(row_of(document, record))
            done.append(
                Drafted(
                    client=folder.id,
                    path=record.path,
                    id=record.id,
                    lines=len(record.lines),
                    amount=facts.money(facts.amount),
                    document=document,
                )
            )
    books.write(edits, rows)
    return done


def draft_text(invoice: Invoice, remarks: Sequence[str] = ()) -> str:
    """The text of a new invoice's file, with a remark behind each of its first lines."""
    fields = record_fields(invoice)
    fields.pop("lines")
    head = fields_text({"id": fields.pop("id")})
    text = [head, "" if invoice.issued else DRAFT, fields_text(fields), "lines:\n"]
    for n, line in enumerate(invoice.lines):
        first, *rest = item_lines(record_fields(line))
        remark = f"   # {remarks[n]}" if n < len(remarks) and remarks[n] else ""
        text += [f"{first}{remark}\n", *(f"{one}\n" for one in rest)]
    return "".join(text)


def _runs(books: Books, folder: ClientFolder, ids: set[str]) -> Iterator[tuple[Invoice, Sequence[str]]]:
    known = {row.id for row in books.lock.documents if row.of == "invoice"}
    for run in due_runs(folder, books.day, known):
        if run.id in ids:
            raise Unclear(f"there is an invoice '{run.id}' of another client", "give the recurring invoice another id")
        ids.add(run.id)
        invoice = invoice_of(books.shared, folder, run)
        if run.recurring.approve == "auto":
            number = books.number("invoice", books.day, folder, run.id)
            invoice = msgspec.structs.replace(invoice, number=number, issued=books.day)
        yield invoice, ()


def _invoice(books: Books, folder: ClientFolder, wanted: Wanted, entries: list[_Entry], ids: set[str]) -> Invoice:
    name = free_id(f"{folder.id[:40]}-{books.day}", ids)
    ids.add(name)
    lines = tuple(entry.line for entry in entries)
    sessions = {session.id: session for session in folder.sessions}
    days = sorted({session_day(books.shared, sessions[line.session]) for line in lines if line.session})
    own = folder.client.currency or books.shared.site.practice.currency
    currencies = sorted({entry.amount.currency for entry in entries if entry.amount})
    if len(currencies) > 1:
        raise Unclear(f"these are in {' and '.join(currencies)}", "an invoice has one currency; make one for each")
    return Invoice(
        path=folder.source(f"invoices/{name}.yaml"),
        client=folder.id,
        id=name,
        kind="deposit" if wanted.deposit else "standard",
        currency=currencies[0] if currencies and currencies != [own] else None,
        service_period=Period(from_=days[0], to=days[-1]) if len(days) > 1 and not wanted.deposit else None,
        terms=_terms(books, folder, wanted.terms),
        lines=lines,
    )


def _late_fee(books: Books, folder: ClientFolder, wanted: Wanted, ids: set[str]) -> Invoice:
    if wanted != Wanted(late_fee=wanted.late_fee, terms=wanted.terms):
        raise Unclear("a late fee stands on an invoice of its own", "leave the other options out")
    found = books.invoice(wanted.late_fee)
    if found.folder is not folder:
        raise Unclear(f"'{wanted.late_fee}' is an invoice of '{found.folder.id}'", "name that client")
    id_ = free_id(f"late-{found.invoice.id[:47].rstrip('-')}-{books.day}", ids)
    ids.add(id_)
    invoice = fee_invoice(books, found, id_)
    return msgspec.structs.replace(invoice, terms=_terms(books, folder, wanted.terms or invoice.terms))


def _terms(books: Books, folder: ClientFolder, wanted: str | None) -> str | None:
    """The payment terms to write down; None where the client's hold anyway."""
    if wanted is not None and wanted not in books.shared.terms:
        guess = suggest(wanted, books.shared.terms)
        hint = f"did you mean {guess}?" if guess else "see content/terms"
        raise Unclear(f"there are no payment terms '{wanted}'", hint)
    return wanted or (None if folder.client.terms else next(iter(books.shared.terms), None))


def _entries(books: Books, folder: ClientFolder, wanted: Wanted) -> list[_Entry]:
    entries = [
        *(_service(books, folder, service) for service in wanted.services),
        *_sessions(books, folder, wanted.sessions),
        *_charges(books, folder, wanted.charges),
    ]
    return _deposit(books, folder, wanted.deposit, entries) if wanted.deposit else entries


def _entry(books: Books, folder: ClientFolder, line: Line, remark: str = "") -> _Entry:
    """A line with what it comes to; one without a fixed price waits for the practitioner's."""
    amount = price_of(books.shared, folder, line)
    if amount is None:
        return _Entry(msgspec.structs.replace(line, unit_price=Decimal("0.00")), None, "no fixed price: write yours")
    comes_to = f"{rounded(amount.amount, amount.currency)} {amount.currency}"
    return _Entry(line, amount, f"{remark}, {comes_to}" if remark else comes_to)


def _service(books: Books, folder: ClientFolder, name: str) -> _Entry:
    if name not in books.shared.services:
        guess = suggest(name, books.shared.services)
        hint = f"did you mean {guess}?" if guess else f"there are {', '.join(books.shared.services) or 'none yet'}"
        raise Unclear(f"there is no service '{name}'", hint)
    return _entry(books, folder, Line(service=name))


def _sessions(books: Books, folder: ClientFolder, which: str) -> Iterator[_Entry]:
    if which == "unbilled":
        for proposal in unbilled_sessions(books.shared, folder, books.day):
            yield _entry(books, folder, proposal.line, str(proposal.date))
        return
    known = {session.id: session for session in folder.sessions}
    billed = billed_sessions(books.shared, folder)
    for name in _names(which):
        if name not in known:
            guess = suggest(name, known)
            hint = f"did you mean {guess}?" if guess else "write ids from sessions.yaml with commas, or unbilled"
            raise Unclear(f"'{folder.id}' has no session '{name}'", hint)
        if name in billed:
            raise Unclear(f"the session '{name}' is already on an invoice", "leave it out")
        yield _session(books, folder, known[name])


def _session(books: Books, folder: ClientFolder, session: Session) -> _Entry:
    line = line_for(books.shared, session, outcome_of(books.shared, session, books.day) or "held")
    return _entry(books, folder, line, str(session_day(books.shared, session)))


def _charges(books: Books, folder: ClientFolder, which: str) -> Iterator[_Entry]:
    proposals = waiting_charges(books.shared, folder, books.day)
    names = _names(which)
    for name in names if which != "waiting" else ():
        if name not in {proposal.id for proposal in proposals}:
            hint = "write ids of charges: in client.yaml with commas, or waiting"
            raise Unclear(f"no charge '{name}' of '{folder.id}' waits to be invoiced", hint)
    for proposal in proposals:
        if which == "waiting" and not proposal.id:
            hint = "add id: to it in client.yaml, so that it is invoiced once only"
            raise Unclear(f"the charge of {proposal.date} of '{folder.id}' has no id", hint)
        if which == "waiting" or proposal.id in names:
            yield _entry(books, folder, proposal.line, str(proposal.date))


def _names(which: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in which.split(",") if name.strip()))


def _deposit(books: Books, folder: ClientFolder, deposit: Fee, entries: list[_Entry]) -> list[_Entry]:
    """Asked for in advance: a share of every line, or one amount under the tax of the one line there is."""
    own = folder.client.currency or books.shared.site.practice.currency
    if deposit.kind != "full" and deposit.value <= 0:
        raise Unclear("a deposit of nothing asks for nothing", "write an amount above zero, or a share such as 30%")
    if deposit.kind == "amount" and len(entries) > 1:
        raise Unclear("a deposit in one amount is for one service", "write a share such as --deposit 30%")
    if deposit.kind != "amount" and (not entries or any(entry.amount is None for entry in entries)):
        raise Unclear("there is nothing to take a share of", "name --service with a price, or write an amount")
    if not entries:
        return [_Entry(Line(description="Deposit", unit_price=deposit.value), Money(deposit.value, own), "")]
    share = Decimal(100) if deposit.kind == "full" else deposit.value
    found = []
    for entry in entries:
        whole = entry.amount or Money(deposit.value, own)
        part = deposit.value if deposit.kind == "amount" else rounded(whole.amount * share / HUNDRED, whole.currency)
        session = next((one for one in folder.sessions if one.id == entry.line.session), None)
        service = entry.line.service or (session.service if session else None)
        words = entry.line.description or service_words(books.shared.services.get(service or ""))
        line = Line(service=service, description=f"Deposit: {words}", unit_price=part, tax=entry.line.tax)
        found.append(_Entry(line, Money(part, whole.currency), ""))
    return found
