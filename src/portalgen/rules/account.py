"""One client's account: each invoice with its totals, what was paid and credited, and its status (domain §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.offer import Terms
from portalgen.rules.due import Part, due_date, parts_of, settle
from portalgen.rules.facts import Account, Allocated, Credit, InvoiceFacts
from portalgen.rules.lines import LineReader, Source, billed_twice
from portalgen.rules.money import ZERO, total
from portalgen.rules.status import Entries, status_of
from portalgen.rules.totals import Totals, compute, group_totals


def account_of(shared: Shared, folder: ClientFolder, today: dt.date) -> tuple[Account, tuple[Finding, ...]]:
    """The account and what is wrong with the money in this client's files."""
    return _Bookkeeper(shared, folder, today).close()


class _Bookkeeper:
    def __init__(self, shared: Shared, folder: ClientFolder, today: dt.date) -> None:
        self.shared, self.folder, self.today = shared, folder, today
        self.reader = LineReader(shared, folder)
        self.findings = self.reader.findings
        self.totals: dict[str, Totals] = {}
        self.credits: dict[str, list[Credit]] = {}
        self.amounts: dict[str, tuple[Decimal, tuple[tuple[Invoice, Decimal], ...]]] = {}
        self.dues: dict[str, dt.date | None] = {}
        self.allocated: dict[str, list[Allocated]] = {}

    def close(self) -> tuple[Account, tuple[Finding, ...]]:
        folder = self.folder
        for invoice in folder.invoices.values():
            self.totals[invoice.id] = self._invoice_totals(invoice)
        for note in folder.credit_notes.values():
            self._credit(note)
        deducted: dict[str, str] = {}
        for invoice in folder.invoices.values():
            self.amounts[invoice.id] = self._amount(invoice, deducted)
            self.dues[invoice.id] = self._due(invoice)
        for at, payment in sorted(enumerate(folder.payments), key=lambda item: (item[1].date, item[0])):
            self._payment(at, payment)
        self._auto()
        self.findings += billed_twice(folder)
        facts = {key: self._facts(invoice) for key, invoice in folder.invoices.items()}
        return Account(invoices=facts, credit=self._held(facts)), tuple(self.findings)

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
        if note.full:
            totals = of
        else:
            priced = self.reader.read(note.lines, Source(note.path, of.currency, note.issued))
            totals = compute(priced.lines, of.currency, includes_tax=priced.includes_tax)
        if invoice.issued is None or invoice.void:
            self._find(
                note.path,
                ("invoice",),
                "credited-draft",
                f"'{note.invoice}' is a draft or void and cannot be credited",
                "name an issued invoice",
            )
        elif note.issued < invoice.issued:
            self._find(
                note.path,
                ("issued",),
                "bad-order",
                "this credit note is older than its invoice",
                f"write {invoice.issued} or a later day",
            )
        earlier = self.credits.setdefault(note.invoice, [])
        limit = group_totals(of.groups)
        for credit in earlier:
            for group in credit.totals.groups:
                limit[group.key] = limit.get(group.key, ZERO) - group.base - group.tax
        for group in totals.groups:
            if group.base + group.tax > limit.get(group.key, ZERO):
                rate = f"{group.key.category} {group.key.rate.normalize():f} %"
                self._find(
                    note.path,
                    ("lines",) if note.lines else ("full",),
                    "too-much",
                    f"this credits more than the invoice has under the tax {rate}",
                    f"credit at most {max(limit.get(group.key, ZERO), ZERO)}",
                )
        earlier.append(Credit(note=note, totals=totals))

    def _payment(self, index: int, payment: Payment) -> None:
        path = self.folder.source("payments.yaml")
        self.reader.check_amount(payment.amount, Source(path, payment.currency, None), (index, "amount"))
        for n, part in enumerate(payment.allocations):
            at = (index, "allocations", n)
            invoice, of = self.folder.invoices[part.invoice], self.totals[part.invoice]
            self.reader.check_amount(part.amount, Source(path, payment.currency, None), (*at, "amount"))
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
            elif payment.date < invoice.issued:
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
                self._check_balance(part.invoice, payment, path, (*at, "amount"))

    def _check_balance(self, key: str, payment: Payment, path: str, at: tuple[str | int, ...]) -> None:
        """Allocations may not exceed what the invoice asked for on the day of the payment."""
        amount, _ = self.amounts[key]
        credited = total(c.totals.total for c in self.credits.get(key, ()) if c.note.issued <= payment.date)
        paid = total(a.amount for a in self.allocated[key] if a.payment.status == "cleared")
        writing = self.folder.invoices[key].write_off
        written = writing.amount if writing and writing.date <= payment.date else ZERO
        asked = max(amount - credited - written, ZERO)
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

    def _amount(
        self, invoice: Invoice, deducted: dict[str, str]
    ) -> tuple[Decimal, tuple[tuple[Invoice, Decimal], ...]]:
        """What the invoice asks for: its total less the deposits it deducts, each once and less its credits so far."""
        totals = self.totals[invoice.id]
        deposits = []
        for n, key in enumerate(invoice.deposits_deducted):
            deposit = self.folder.invoices[key]
            late = bool(deposit.issued and invoice.issued and deposit.issued > invoice.issued)
            message = ""
            if key in deducted:
                message = f"'{key}' is already deducted by '{deducted[key]}'"
            elif deposit.id == invoice.id or deposit.issued is None or deposit.void or late:
                message = (
                    f"'{key}' cannot be deducted: it is a draft, void, younger than this invoice, or the invoice itself"
                )
            elif self.totals[key].currency != totals.currency:
                message = f"'{key}' is in {self.totals[key].currency}, this invoice is in {totals.currency}"
            if message:
                hint = "name an issued deposit invoice of this client, once"
                self._find(invoice.path, ("deposits_deducted", n), "bad-deposit", message, hint)
                continue
            deducted[key] = invoice.id
            deposits.append((deposit, self.totals[key].total - self._credited(key)))
        return totals.total - total(amount for _, amount in deposits), tuple(deposits)

    def _credited(self, key: str) -> Decimal:
        return total(c.totals.total for c in self.credits.get(key, ()) if c.note.issued <= self.today)

    def _auto(self) -> None:
        """Payments with `auto: true` go to the oldest open invoices: by due date, issue date, number."""
        open_: dict[str, Decimal] = {}
        candidates = []
        for invoice in self.folder.invoices.values():
            void = invoice.void and invoice.void.date <= self.today
            if invoice.issued and invoice.issued <= self.today and not void:
                written = (
                    invoice.write_off.amount if invoice.write_off and invoice.write_off.date <= self.today else ZERO
                )
                paid = total(
                    a.amount
                    for a in self.allocated.get(invoice.id, ())
                    if a.payment.status == "cleared" and a.payment.date <= self.today
                )
                open_[invoice.id] = self.amounts[invoice.id][0] - self._credited(invoice.id) - written - paid
                candidates.append(
                    (self.dues[invoice.id] or dt.date.max, invoice.issued, invoice.number or "", invoice.id)
                )
        order = [key for *_, key in sorted(candidates)]
        for payment in self.folder.payments:
            if not payment.auto or payment.status != "cleared" or payment.date > self.today:
                continue
            left = payment.amount
            for key in order:
                part = min(left, open_[key])
                if part > 0 and self.totals[key].currency == payment.currency:
                    self.allocated.setdefault(key, []).append(Allocated(payment=payment, amount=part))
                    open_[key] -= part
                    left -= part

    def _terms(self, invoice: Invoice) -> Terms | None:
        return self.shared.terms.get(invoice.terms or self.folder.client.terms or "")

    def _due(self, invoice: Invoice) -> dt.date | None:
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
        credits = tuple(c for c in self.credits.get(invoice.id, ()) if c.note.issued <= self.today)
        entries = self._entries(invoice, allocations, credits)
        parts = parts_of(invoice.schedule, amount, totals.currency)
        if not parts and due:
            parts = (Part(due=due, amount=amount),)
        parts = settle(parts, entries.paid, entries.credited + entries.written_off)
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

    def _entries(self, invoice: Invoice, allocations: tuple[Allocated, ...], credits: tuple[Credit, ...]) -> Entries:
        cleared = [a for a in allocations if a.payment.status == "cleared"]
        pending = [a for a in allocations if a.payment.status == "pending"]
        written = invoice.write_off if invoice.write_off and invoice.write_off.date <= self.today else None
        dates = [a.payment.date for a in cleared] + [c.note.issued for c in credits]
        dates += [a.payment.date for a in pending if self.amounts[invoice.id][0] > total(b.amount for b in cleared)]
        if written:
            dates.append(written.date)
        return Entries(
            received=total(a.amount for a in cleared if a.amount > 0),
            refunded=-total(a.amount for a in cleared if a.amount < 0),
            pending=total(a.amount for a in pending),
            credited=total(c.totals.total for c in credits),
            written_off=written.amount if written else ZERO,
            changed=max(dates, default=None),
        )

    def _check(self, invoice: Invoice, amount: Decimal, due: dt.date | None, totals: Totals) -> None:
        path, source = invoice.path, self._source(invoice)
        if invoice.issued and due is None:
            self._find(
                path,
                (),
                "no-due-date",
                "this invoice does not say when it is due",
                "add due:, or terms: here or in client.yaml",
            )
        if amount < 0 and totals.discount <= totals.line_total:
            self._find(
                path,
                ("deposits_deducted",) if invoice.deposits_deducted else ("rounding",),
                "negative",
                f"this invoice comes to {amount}",
                "deduct at most its total; give the rest back with a credit note",
            )
        for n, part in enumerate(invoice.schedule):
            self.reader.check_amount(part.amount, source, ("schedule", n, "amount"))
        if invoice.schedule:
            parts = parts_of(invoice.schedule, amount, totals.currency)
            whole = total(part.amount for part in parts)
            if whole != amount or any(part.amount < 0 for part in parts):
                self._find(
                    path,
                    ("schedule",),
                    "bad-schedule",
                    f"the parts come to {whole}, the invoice to {amount}",
                    "write rest: true in the last part",
                )
        if invoice.write_off:
            self.reader.check_amount(invoice.write_off.amount, source, ("write_off", "amount"))
            paid = total(
                a.amount
                for a in self.allocated.get(invoice.id, ())
                if a.payment.status == "cleared" and a.payment.date <= invoice.write_off.date
            )
            credited = total(
                c.totals.total for c in self.credits.get(invoice.id, ()) if c.note.issued <= invoice.write_off.date
            )
            if invoice.write_off.amount > amount - paid - credited:
                self._find(
                    path,
                    ("write_off", "amount"),
                    "too-much",
                    f"this writes off more than the {max(amount - paid - credited, ZERO)} that were open",
                    "write at most the balance",
                )
        if invoice.void and total(
            a.amount for a in self.allocated.get(invoice.id, ()) if a.payment.status == "cleared"
        ):
            self._find(
                path,
                ("void",),
                "void-paid",
                "this invoice was paid, so it cannot be void",
                "write a credit note, or book the refund first",
            )

    def _held(self, facts: Mapping[str, InvoiceFacts]) -> dict[str, Decimal]:
        held: dict[str, Decimal] = {}
        for payment in self.folder.payments:
            if payment.status == "cleared" and payment.date <= self.today:
                held[payment.currency] = held.get(payment.currency, ZERO) + payment.amount
        for item in facts.values():
            if item.status.document == "issued":
                paid = total(a.amount for a in item.allocations if a.payment.status == "cleared")
                held[item.currency] = held.get(item.currency, ZERO) - paid + item.status.surplus
        return {currency: amount for currency, amount in sorted(held.items()) if amount > 0}
