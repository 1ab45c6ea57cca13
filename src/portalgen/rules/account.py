"""One client's account: each invoice with its totals, what was paid and credited, and its status (domain §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.lock import DocumentKey, DocumentRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.offer import Terms
from portalgen.rules.automatic import Claim, automatic, drawn_at_issue
from portalgen.rules.credits import left_of, settled, the_rest
from portalgen.rules.document import Deducted, Drawn, PlannedPart
from portalgen.rules.due import DAY, Part, due_date, parts_of, settle
from portalgen.rules.facts import Account, Allocated, Credit, InvoiceFacts, happened, held_for, written_off
from portalgen.rules.invoices import above_invoice, after_issue, before_credit, before_issue
from portalgen.rules.issued import change_finding, credit_document, invoice_document, restored
from portalgen.rules.lines import LineReader, Source, billed_twice
from portalgen.rules.money import ZERO, total
from portalgen.rules.status import status_of
from portalgen.rules.totals import Totals, compute

Issued = Mapping[DocumentKey, DocumentRow]


def account_of(
    shared: Shared, folder: ClientFolder, today: dt.date, issued: Issued | None = None
) -> tuple[Account, tuple[Finding, ...]]:
    """The account and what is wrong with the money in this client's files. `issued`: the lock's rows of this client."""
    return _Bookkeeper(shared, folder, today, issued or {}).close()


class _Bookkeeper:
    def __init__(self, shared: Shared, folder: ClientFolder, today: dt.date, issued: Issued) -> None:
        self.shared, self.folder, self.today, self.issued = shared, folder, today, issued
        self.reader = LineReader(shared, folder)
        self.findings = self.reader.findings
        self.records = folder.billing
        self.documents = {
            record.id: restored(row) for record in self.records if (row := issued.get(document_key(record)))
        }
        self.totals: dict[str, Totals] = {}
        self.credits: dict[str, list[Credit]] = {}
        self.amounts: dict[str, tuple[Decimal, tuple[Deducted, ...]]] = {}
        self.dues: dict[str, dt.date | None] = {}
        self.allocated: dict[str, list[Allocated]] = {}
        self.cleared: dict[str, Decimal] = {}  # of each invoice, by the payments booked so far
        self.drawn: dict[str, tuple[Drawn, ...]] = {}

    def close(self) -> tuple[Account, tuple[Finding, ...]]:
        folder = self.folder
        for record in self.records:
            row = self.issued.get(document_key(record))
            if row and (finding := change_finding(record, row)):
                self.findings.append(finding)
        for invoice in folder.invoices.values():
            self.totals[invoice.id] = self._invoice_totals(invoice)
        for note in sorted(folder.credit_notes.values(), key=self._in_turn):
            self._credit(note)
        deducted: dict[str, str] = {}
        for invoice in folder.invoices.values():
            self.amounts[invoice.id] = self._amount(invoice, deducted)
            self.dues[invoice.id] = self._due(invoice)
        for at, payment in sorted(enumerate(folder.payments), key=lambda item: (item[1].date, item[0])):
            self._payment(at, payment)
        self._auto()
        self.findings += billed_twice(folder)
        self._settle_documents()
        facts = {key: self._facts(invoice) for key, invoice in folder.invoices.items()}
        account = Account(invoices=facts, credit=held_for(folder, facts.values(), self.today), documents=self.documents)
        return account, tuple(self.findings)

    def _find(
        self, path: str, at: tuple[str | int, ...], code: str, message: str, hint: str, warning: bool = False
    ) -> None:
        self.findings.append(
            Finding(path=path, at=at, code=code, message=message, hint=hint, severity="warning" if warning else "error")
        )

    def _source(self, invoice: Invoice) -> Source:
        currency = invoice.currency or self.folder.client.currency or self.shared.site.practice.currency
        period = invoice.service_period
        return Source(
            invoice.path,
            currency,
            invoice.service_date or (period.from_ if period else None) or invoice.issued or self.today,
        )

    def _invoice_totals(self, invoice: Invoice) -> Totals:
        if document := self.documents.get(invoice.id):
            return document.totals
        source = self._source(invoice)
        priced = self.reader.read(invoice.lines, source)
        charges = self.reader.charges(invoice.charges, priced.lines, source)
        percent, amount = None, ZERO
        if invoice.discount:
            percent, amount = invoice.discount.percent, invoice.discount.amount or ZERO
            self.reader.check_amount(amount, source, ("discount", "amount"))
        self.reader.check_amount(invoice.rounding, source, ("rounding",))
        totals = compute(
            priced.lines,
            source.currency,
            includes_tax=priced.includes_tax,
            discount_percent=percent,
            discount_amount=amount,
            charges=charges,
            rounding=invoice.rounding,
        )
        if totals.discount > totals.line_total:
            self._find(
                invoice.path,
                ("discount",),
                "too-much",
                f"this discount of {totals.discount} is more than the lines' {totals.line_total}",
                "write at most the sum of the lines",
            )
        return totals

    def _credit(self, note: CreditNote) -> None:
        invoice, of = self.folder.invoices[note.invoice], self.totals[note.invoice]
        credits = self.credits.setdefault(note.invoice, [])
        earlier = [credit.totals for credit in credits]
        if document := self.documents.get(note.id):
            totals = document.totals
        elif note.full:
            totals = the_rest(of, earlier)
        else:
            priced = self.reader.read(note.lines, Source(note.path, of.currency, note.issued))
            totals = settled(compute(priced.lines, of.currency, includes_tax=priced.includes_tax), of, earlier)
        self.findings += before_credit(note, invoice)
        self.findings += above_invoice(note, totals, left_of(of, earlier))
        credits.append(Credit(note=note, totals=totals))

    def _in_turn(self, note: CreditNote) -> tuple[bool, dt.date, str]:
        """What the lock keeps comes first: a later credit note takes what those left."""
        return note.id not in self.documents, note.issued, note.number

    def _payment(self, index: int, payment: Payment) -> None:
        path = self.folder.source("payments.yaml")
        source = Source(path, payment.currency, None)
        self.reader.check_amount(payment.amount, source, (index, "amount"))
        for n, part in enumerate(payment.allocations):
            at = (index, "allocations", n)
            invoice, of = self.folder.invoices[part.invoice], self.totals[part.invoice]
            self.reader.check_amount(part.amount, source, (*at, "amount"))
            if of.currency != payment.currency:
                self._find(
                    path,
                    (*at, "invoice"),
                    "other-currency",
                    f"'{part.invoice}' is in {of.currency}, this payment is in {payment.currency}",
                    "book the payment in the invoice's currency, with its rate",
                )
            if invoice.issued is None:
                self._find(
                    path,
                    (*at, "invoice"),
                    "paid-draft",
                    f"'{part.invoice}' is a draft and cannot be paid",
                    "issue the invoice first: give it number: and issued:",
                )
            elif payment.date < invoice.issued and not payment.for_:
                self._find(
                    path,
                    (*at, "invoice"),
                    "paid-early",
                    f"this payment is older than '{part.invoice}'",
                    "check the dates",
                    warning=True,
                )
            self.allocated.setdefault(part.invoice, []).append(Allocated(payment=payment, amount=part.amount))
            if payment.status == "cleared":
                paid = self.cleared[part.invoice] = self.cleared.get(part.invoice, ZERO) + part.amount
                self._check_balance(part.invoice, payment, paid, path, (*at, "amount"))

    def _check_balance(self, key: str, payment: Payment, paid: Decimal, path: str, at: tuple[str | int, ...]) -> None:
        """Allocations, `paid` with this one, may not exceed what the invoice asked for on the day of the payment."""
        amount, _ = self.amounts[key]
        credited = self._credited(key, payment.date - DAY)  # of one day, the money may have come first
        asked = max(amount - credited - written_off(self.folder.invoices[key], payment.date), ZERO)
        if paid > asked and payment.amount > 0:
            over = paid - asked
            self._find(
                path,
                at,
                "over-allocated",
                f"this is {over} more than '{key}' still asks for",
                "allocate the balance only; what is left stays as the client's credit",
            )
        elif paid < 0:
            self._find(
                path,
                at,
                "over-refunded",
                f"this pays back more than was paid for '{key}'",
                "refund at most what was paid",
            )

    def _amount(self, invoice: Invoice, deducted: dict[str, str]) -> tuple[Decimal, tuple[Deducted, ...]]:
        """What the invoice asks for: its total less the deposits it deducts, each once and less its credits by then."""
        totals = self.totals[invoice.id]
        if document := self.documents.get(invoice.id):
            for taken in document.deposits:
                deducted[taken.id] = invoice.id
            return document.amount, document.deposits
        deposits = []
        for n, key in enumerate(invoice.deposits_deducted):
            deposit = self.folder.invoices[key]
            late = bool(deposit.issued and invoice.issued and deposit.issued > invoice.issued)
            message = ""
            issued = deposit.issued
            if key in deducted:
                message = f"'{key}' is already deducted by '{deducted[key]}'"
            elif deposit.id == invoice.id or issued is None or deposit.void or late:
                message = (
                    f"'{key}' cannot be deducted: it is a draft, void, younger than this invoice, or the invoice itself"
                )
            elif self.totals[key].currency != totals.currency:
                message = f"'{key}' is in {self.totals[key].currency}, this invoice is in {totals.currency}"
            if message or issued is None:
                hint = "name an issued deposit invoice of this client, once"
                self._find(invoice.path, ("deposits_deducted", n), "bad-deposit", message, hint)
                continue
            deducted[key] = invoice.id
            rest = self.totals[key].total - self._credited(key, invoice.issued or self.today)
            deposits.append(Deducted(id=key, number=deposit.number or "", issued=issued, amount=rest))
        return totals.total - total(deposit.amount for deposit in deposits), tuple(deposits)

    def _credited(self, key: str, day: dt.date) -> Decimal:
        credits = self.credits.get(key)
        return total(c.totals.total for c in credits if c.note.issued <= day) if credits else ZERO

    def _auto(self) -> None:
        """What nobody allocated by hand: payments with `auto: true`, and the advance on the client's retainer."""
        if not any(payment.auto or payment.for_ == "retainer" for payment in self.folder.payments):
            return
        for invoice in self.folder.invoices.values():
            if invoice.issued and invoice.id not in self.documents:
                by_hand = [(part.payment, part.amount) for part in self.allocated.get(invoice.id, ())]
                claims = self._claims(invoice.issued)
                self.drawn[invoice.id] = drawn_at_issue(self.folder, invoice.id, by_hand, claims, invoice.issued)
        for draw in automatic(self.folder, self._claims(self.today), self.today):
            self.allocated.setdefault(draw.invoice, []).append(Allocated(payment=draw.payment, amount=draw.amount))

    def _claims(self, day: dt.date) -> list[Claim]:
        """What each invoice issued by the day still asked for at its end, but for what pays it by itself."""
        claims = []
        for invoice in self.folder.invoices.values():
            if invoice.issued and invoice.issued <= day and not invoice.void:
                paid = total(
                    a.amount
                    for a in self.allocated.get(invoice.id, ())
                    if a.payment.status == "cleared" and a.payment.date <= day
                )
                settled = paid + self._credited(invoice.id, day) + written_off(invoice, day)
                claims.append(
                    Claim(
                        invoice=invoice.id,
                        issued=invoice.issued,
                        due=self.dues[invoice.id],
                        number=invoice.number or "",
                        currency=self.totals[invoice.id].currency,
                        open=self.amounts[invoice.id][0] - settled,
                    )
                )
        return claims

    def _terms(self, invoice: Invoice) -> Terms | None:
        if document := self.documents.get(invoice.id):
            return document.terms
        return self.shared.terms.get(invoice.terms or self.folder.client.terms or "")

    def _due(self, invoice: Invoice) -> dt.date | None:
        if document := self.documents.get(invoice.id):
            return document.due
        if invoice.due or invoice.schedule:
            return invoice.due or invoice.schedule[-1].due
        terms = self._terms(invoice)
        if terms is None or invoice.issued is None:
            return None
        zone = ZoneInfo(self.shared.site.practice.timezone)
        starts = self.reader.starts(invoice.lines)
        return due_date(terms, invoice.issued, min(starts).astimezone(zone) if starts else None)

    def _facts(self, invoice: Invoice) -> InvoiceFacts:
        amount, deposits = self.amounts[invoice.id]
        totals, terms, due = self.totals[invoice.id], self._terms(invoice), self.dues[invoice.id]
        self._check(invoice, amount, due, totals)
        allocations = tuple(a for a in self.allocated.get(invoice.id, ()) if a.payment.date <= self.today)
        credits = tuple(
            msgspec.structs.replace(credit, document=self.documents.get(credit.note.id))
            for credit in self.credits.get(invoice.id, ())
            if credit.note.issued <= self.today
        )
        entries = happened(invoice, amount, allocations, credits, self.today)
        parts = settle(self._parts(invoice), entries.paid, entries.credited + entries.written_off)
        status = status_of(
            invoice,
            amount,
            totals.currency,
            entries,
            parts,
            grace=terms.late.grace_days if terms else 0,
            soon=terms.due_soon_days if terms else 7,
            today=self.today,
        )
        return InvoiceFacts(
            invoice=invoice,
            document=self.documents.get(invoice.id),
            terms=terms,
            totals=totals,
            deposits=deposits,
            amount=amount,
            due=due,
            parts=parts,
            allocations=allocations,
            credits=credits,
            entries=entries,
            status=status,
        )

    def _parts(self, invoice: Invoice) -> tuple[Part, ...]:
        if document := self.documents.get(invoice.id):
            return tuple(Part(due=part.due, amount=part.amount) for part in document.parts)
        amount, _ = self.amounts[invoice.id]
        due = self.dues[invoice.id]
        parts = parts_of(invoice.schedule, amount, self.totals[invoice.id].currency)
        return parts or ((Part(due=due, amount=amount),) if due else ())

    def _settle_documents(self) -> None:
        """What the issued documents say: as the lock keeps it, or by today's files where it does not know them yet."""
        for invoice in self.folder.invoices.values():
            _, deposits = self.amounts[invoice.id]
            document = self.documents.get(invoice.id) or invoice_document(
                self.shared,
                self.folder,
                invoice,
                self.totals[invoice.id],
                deposits=deposits,
                drawn=self.drawn.get(invoice.id, ()),
                due=self.dues[invoice.id],
                parts=tuple(PlannedPart(due=part.due, amount=part.amount) for part in self._parts(invoice)),
                terms=self._terms(invoice),
            )
            if document:
                self.documents[invoice.id] = document
            for credit in self.credits.get(invoice.id, ()):
                note = credit.note
                taken_back = self.documents.get(note.id) or credit_document(
                    self.shared, note, invoice, document, credit.totals
                )
                if taken_back:
                    self.documents[note.id] = taken_back

    def _check(self, invoice: Invoice, amount: Decimal, due: dt.date | None, totals: Totals) -> None:
        if document_key(invoice) not in self.issued:
            for n, part in enumerate(invoice.schedule):
                self.reader.check_amount(part.amount, self._source(invoice), ("schedule", n, "amount"))
            self.findings += before_issue(invoice, amount, due, totals)
        if invoice.write_off:
            self.reader.check_amount(invoice.write_off.amount, self._source(invoice), ("write_off", "amount"))
        if invoice.write_off or invoice.disputed or invoice.void:
            cleared = [a for a in self.allocated.get(invoice.id, ()) if a.payment.status == "cleared"]
            self.findings += after_issue(invoice, amount, totals.total, cleared, self.credits.get(invoice.id, ()))


def document_key(record: Invoice | CreditNote) -> DocumentKey:
    """What tells a document from others in the lock."""
    return ("invoice" if isinstance(record, Invoice) else "credit-note"), record.id
