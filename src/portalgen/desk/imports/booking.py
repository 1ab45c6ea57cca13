"""A statement gone through: what is certain is booked, what is not is proposed, and what is in the books stays out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from portalgen.content.records.base import Misfit
from portalgen.content.records.documents import Payment, PaymentSource
from portalgen.desk.books import Books, NotDone, Unclear
from portalgen.desk.imports.matching import Candidate, Files, booked_before, by_hand, candidates, open_amount
from portalgen.desk.imports.methods import Methods
from portalgen.desk.imports.payers import Known, Payers
from portalgen.desk.imports.references import Named, References
from portalgen.desk.imports.rows import Row, Statement, base
from portalgen.desk.paying import Asked, allocation, payment_entry
from portalgen.desk.writing import Original, append_entry
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.money import fits, total

SURE = 30  # how well the receiver of money that went out must be known
_LONGEST_REFERENCE = 140  # what a bank transfer holds


class BookedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row and the payment that it is now. `held` is the part for no invoice, the client's credit."""

    row: Row
    client: str
    path: str
    payment: Payment
    held: Decimal


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is not certain, with why, and what it may be. `methods` says how the money of each candidate came."""

    row: Row
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    methods: tuple[str, ...]


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A row with nothing to do, and why: the payment that it is already, or what it is instead."""

    row: Row
    reason: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every row, each in one list. `left_out` are clients whose files have errors."""

    booked: tuple[BookedRow, ...]
    proposed: tuple[Proposed, ...]
    already: tuple[Aside, ...]
    ignored: tuple[Aside, ...]
    left_out: tuple[str, ...]


def _score(known: Known) -> int:
    return known.score


class _NotCertain(Exception):
    """Why a row is not certain."""


def import_payments(books: Books, statement: Statement, method: str = "", *, dry_run: bool = False) -> Outcome:
    """Books the rows that are certain, unless it is only to be shown. Raises `NotDone`, `Unclear`, `OutputFailed`.

    Rows are taken by their dates and gone through until nothing more becomes certain, so that their order in the file
    does not matter and a second run finds nothing to book.
    """
    importing = _Importing(books, statement, method)
    outcome = importing.run()
    if not dry_run:
        importing.write()
    return outcome


class _Importing:
    def __init__(self, books: Books, statement: Statement, method: str) -> None:
        self.books, self.statement = books, statement
        self.methods = Methods(books.shared.site.practice.methods, statement, method)
        self.clients: dict[str, Files] = {}
        self.left_out = [*books.broken]
        for id_ in books.clients:
            try:
                folder = books.client(id_)
                self.clients[id_] = Files(folder=folder, account=books.account(folder), payers=Payers(folder))
            except NotDone:
                self.left_out.append(id_)
        self.owners = {key: id_ for id_, files in self.clients.items() for key in files.account.invoices}
        issued = [facts.invoice for files in self.clients.values() for facts in files.account.published]
        self.references = References(issued, books.shared.site.practice.methods)
        self.files: dict[str, tuple[Original, str]] = {}

    def run(self) -> Outcome:
        rows = sorted(self.statement.rows, key=lambda row: (row.date, row.id))
        before = [payment for folder in self.books.clients.values() for payment in folder.payments if payment.source]
        booked: list[BookedRow] = []
        already: list[Aside] = []
        ignored: list[Aside] = []
        waiting: dict[str, tuple[Row, Named, str]] = {}
        for row in rows:
            done, what = booked_before(row, before)
            if done:
                already.append(Aside(row=row, reason=f"booked as {what}"))
            elif row.ignored or row.date > self.books.day:
                later = f"its date is after {self.books.day}: import it again then"
                ignored.append(Aside(row=row, reason=row.ignored or later))
            else:
                waiting[row.id] = (row, self.references.named(row.reference, row.text), what)
        origins = {row.id: row.origin for row in rows if row.kind == "refund" and row.origin}
        reasons: dict[str, str] = {}
        progress = True
        while progress:
            progress = False
            for key, (row, named, odd) in [*waiting.items()]:
                if key in origins and not named.exact:
                    named = self._paid_back(origins[key], named)
                    waiting[key] = (row, named, odd)
                try:
                    booked.append(self._book(row, named, odd))
                except _NotCertain as why:
                    reasons[key] = str(why)
                else:
                    progress = True
                    del waiting[key]
        proposed: list[Proposed] = []
        for key, (row, named, _) in waiting.items():
            found = candidates(row, named, self.clients, self.books.day)
            if found or row.amount > 0 or row.kind == "refund":
                methods = tuple(self.methods.of(row, one.client) for one in found)
                told = (reasons[key], *(self._hands(row, found, methods) if found else self._payer(row)))
                proposed.append(
                    Proposed(row=row, reasons=tuple(dict.fromkeys(told)), candidates=found, methods=methods)
                )
            else:
                ignored.append(Aside(row=row, reason="money that went out and names no invoice"))
        return Outcome(
            booked=tuple(sorted(booked, key=lambda one: (one.row.date, one.row.id))),
            proposed=tuple(proposed),
            already=tuple(already),
            ignored=tuple(sorted(ignored, key=lambda one: (one.row.date, one.row.id))),
            left_out=tuple(sorted(self.left_out)),
        )

    def write(self) -> None:
        """Writes every client's file that has new entries."""
        self.books.write([original.becomes(text) for original, text in self.files.values()])

    def _book(self, row: Row, named: Named, odd: str) -> BookedRow:
        """Books a row that is certain. Raises `_NotCertain`."""
        client, invoices = self._certain(row, named, odd)
        files = self.clients[client]
        if row.amount < 0:
            try:
                part = allocation(files.account, invoices[0], row.amount)
            except Unclear as unclear:
                raise _NotCertain(unclear.message) from None
            shares = {invoices[0].invoice.id: part} if part else {}
        else:
            shares, left = {}, row.amount
            for facts in invoices:
                part = min(left, open_amount(files, facts, self.books.day))
                shares[facts.invoice.id], left = part, left - part
        method = self.methods.of(row, client)
        if not method:
            raise _NotCertain(f"no way to pay takes {row.currency}; say how it came with --method ID")
        for facts in invoices:
            self._refuse_by_hand(row, files, facts, method)
        known = files.payers.known(row.payer, row.email, "")
        asked = Asked(
            amount=row.amount,
            date=row.date,
            method=method,
            reference=self._words(row)[:_LONGEST_REFERENCE].strip() or None,
            payer=known.payer if known.score else row.payer or None,
            currency=row.currency,
            fee=row.fee or None,
            source=PaymentSource(file=self.statement.file, row=row.id),
        )
        return self._append(row, files, asked, shares)

    def _paid_back(self, origin: str, named: Named) -> Named:
        """What a refund names: the invoices of the payment that it pays back, when that is in the books."""
        paid = [
            part.invoice
            for files in self.clients.values()
            for payment in files.folder.payments
            if payment.source and base(payment.source.row) == origin
            for part in payment.allocations
        ]
        return Named(exact=tuple(dict.fromkeys(paid)), nearly=named.nearly) if paid else named

    def _words(self, row: Row) -> str:
        """What the payer wrote: the part that names the invoice."""
        structured = row.reference and self.references.named(row.reference, "").exact
        return row.reference if structured or not row.text else row.text

    def _append(self, row: Row, files: Files, asked: Asked, shares: Mapping[str, Decimal]) -> BookedRow:
        folder, path, taken = files.folder, files.folder.source("payments.yaml"), len(self.books.taken)
        original, text = self.files.get(folder.id) or (file := self.books.original(path), file.text)
        try:
            text = append_entry(text, payment_entry(self.books, folder, asked, shares))
            after = msgspec.structs.replace(folder, payments=self.books.entries(Payment, path, text))
            account = self.books.account(after)
        except Misfit as misfit:
            raise self.books.misfit(path, misfit) from None
        except NotDone as refused:
            del self.books.taken[taken:]
            raise _NotCertain(refused.problems[0].message) from None
        self.files[folder.id] = (original, text)
        self.clients[folder.id] = Files(folder=after, account=account, payers=Payers(after))
        held = row.amount - total(shares.values())
        return BookedRow(row=row, client=folder.id, path=path, payment=after.payments[-1], held=held)

    def _certain(self, row: Row, named: Named, odd: str) -> tuple[str, Sequence[InvoiceFacts]]:
        """The client and the invoices that the row is for beyond doubt. Raises `_NotCertain` with the first doubt."""
        if odd or row.doubt:
            raise _NotCertain(odd or row.doubt)
        if named.unclear:
            raise _NotCertain("it names what may be several invoices")
        if not named.exact:
            raise _NotCertain("it names no invoice")
        owners = sorted({self.owners[id_] for id_ in named.exact})
        if len(owners) > 1:
            raise _NotCertain(f"it names invoices of {' and '.join(owners)}")
        files = self.clients[owners[0]]
        invoices = [files.account.invoices[id_] for id_ in named.exact]
        for facts in invoices:
            self._refuse(row, files, facts)
        if row.kind == "other" and files.payers.known(row.payer, row.email, "").score < SURE:
            raise _NotCertain(f"it went out to somebody who is not known as {owners[0]}")
        if len(invoices) > 1:
            asked = total(open_amount(files, facts, self.books.day) for facts in invoices)
            if row.amount != asked:
                raise _NotCertain(f"it names {len(invoices)} invoices, and {asked:f} is open for them")
        return owners[0], invoices

    def _refuse(self, row: Row, files: Files, facts: InvoiceFacts) -> None:
        """Raises `_NotCertain` when the row can hardly be for this invoice, although it names it."""
        number = facts.invoice.number or facts.invoice.id
        if facts.status.document != "issued":
            raise _NotCertain(f"{number} is {facts.status.document}")
        if facts.currency != row.currency:
            raise _NotCertain(f"{number} is in {facts.currency}, and {row.currency} came")
        if not fits(row.amount, row.currency) or not fits(row.fee, row.currency):
            raise _NotCertain(f"{row.amount:f} has more decimals than {row.currency} knows")
        if facts.invoice.issued and row.date < facts.invoice.issued:
            raise _NotCertain(f"it is older than {number}")
        if row.amount > 0 and open_amount(files, facts, self.books.day) <= 0:
            raise _NotCertain(f"{number} is paid already")

    def _refuse_by_hand(self, row: Row, files: Files, facts: InvoiceFacts, method: str) -> None:
        if payment := by_hand(row, files, facts.invoice.id, method):
            raise _NotCertain(self._said_by_hand(row, payment))

    def _payer(self, row: Row) -> list[str]:
        """Who paid, of a row that fits no invoice."""
        known = max(
            (files.payers.known(row.payer, row.email, row.text) for files in self.clients.values()),
            default=Known(),
            key=_score,
        )
        return [known.reason] if known.score >= SURE else []

    def _hands(self, row: Row, found: Iterable[Candidate], methods: Iterable[str]) -> list[str]:
        """What was entered by hand and is perhaps this row, for each candidate."""
        return [
            self._said_by_hand(row, payment)
            for one, method in zip(found, methods, strict=True)
            for share in one.shares
            if (payment := by_hand(row, self.clients[one.client], share.invoice, method))
        ]

    def _said_by_hand(self, row: Row, payment: Payment) -> str:
        waits = ", change its status to cleared and" if payment.status == "pending" else ""
        line = f"source: {{file: {self.statement.file}, row: {row.id}}}"
        return f"perhaps booked by hand as {payment.id}; if so{waits} add to it {line}"
