"""Tables for spreadsheets and tax offices: comma-separated values, one header line (RFC 4180).

Amounts are plain numbers with a point. A text that a spreadsheet would take for a formula gets an apostrophe before it
(OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from portalgen.content.records.documents import Line, Payment
from portalgen.desk.exports import TableName
from portalgen.desk.exports.ledgers import Ledger, Ledgers
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.ledger import Entry
from portalgen.rules.money import ZERO, rounded, total
from portalgen.rules.numbering import KINDS, SeriesKind, gaps, numbers_of, series_of
from portalgen.rules.shares import Slices, credit_slices, invoice_slices, negated
from portalgen.rules.status import document_state
from portalgen.rules.totals import Totals
from portalgen.rules.year import Basis, income

Cell = str | Decimal | dt.date | int | None
Row = Mapping[str, Cell]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def table_text(ledgers: Ledgers, name: TableName) -> str:
    """A table as text, its header first."""
    columns, rows = TABLES[name]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows(ledgers):
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def table_rows(ledgers: Ledgers, name: TableName) -> list[dict[str, Cell]]:
    """The same as data, every column in every row."""
    columns, rows = TABLES[name]
    return [{column: row.get(column) for column in columns} for row in rows(ledgers)]


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text


def _movements(ledgers: Ledgers) -> Iterator[Row]:
    """A row for each movement and tax of it. The column gross sums to what each client owes, held to their security."""
    owed: dict[tuple[str, str], Decimal] = {}
    apart: dict[tuple[str, str], Decimal] = {}
    opened = ledgers.year is None
    for ledger, entry in ledgers.movements():
        if not opened and not ledgers.before(entry.date):
            opened = True
            yield from _opening(ledgers, owed, apart)
        at = (ledger.folder.id, entry.currency)
        apart[at] = apart.get(at, ZERO) + entry.held
        for row in _parts(ledger, entry):
            gross = row["gross"]
            assert isinstance(gross, Decimal)
            owed[at] = owed.get(at, ZERO) + gross
            if ledgers.shows(entry.date):
                yield {**_movement(ledger, entry), **row, "balance": rounded(owed[at], entry.currency)}
    if not opened:
        yield from _opening(ledgers, owed, apart)


def _opening(
    ledgers: Ledgers, owed: Mapping[tuple[str, str], Decimal], apart: Mapping[tuple[str, str], Decimal]
) -> Iterator[Row]:
    names = {ledger.folder.id: ledger.name for ledger in ledgers.clients}
    for (client, currency), amount in sorted(owed.items()):
        held = apart.get((client, currency), ZERO)
        if (amount or held) and ledgers.year:
            yield {
                "date": dt.date(ledgers.year, 1, 1),
                "client": client,
                "name": names[client],
                "kind": "opening",
                "gross": rounded(amount, currency),
                "currency": currency,
                "balance": rounded(amount, currency),
                "held": rounded(held, currency) if held else None,
            }


def _movement(ledger: Ledger, entry: Entry) -> Row:
    return {
        "date": entry.date,
        "client": ledger.folder.id,
        "name": ledger.name,
        "kind": entry.kind,
        "number": entry.number,
        "id": entry.ref,
        "invoice": entry.invoice,
        "currency": entry.currency,
        "held": rounded(entry.held, entry.currency) if entry.held else None,
    }


def _parts(ledger: Ledger, entry: Entry) -> Iterator[Row]:
    facts = ledger.account.invoices.get(entry.invoice)
    if entry.kind == "invoice" and facts:
        text = "; ".join(line.description for line in facts.totals.lines)
        yield from _taxed(invoice_slices(ledger.folder, ledger.account, facts), text, entry)
    elif entry.kind == "credit-note" and facts:
        credit = next(credit for credit in facts.credits if credit.note.id == entry.ref)
        text = "; ".join(line.description for line in credit.totals.lines)
        yield from _taxed(negated(credit_slices(ledger.folder, facts, credit)), text, entry)
    elif entry.kind == "write-off":
        yield {"gross": rounded(entry.amount, entry.currency)}
    else:
        payment = _payment(ledger, entry.ref)
        yield {
            "gross": rounded(entry.amount, entry.currency),
            "method": payment.method,
            "reference": payment.reference,
        }


def _taxed(slices: Slices, text: str, entry: Entry) -> Iterator[Row]:
    """A row per tax, of deposits that are deducted one of their own."""
    keys = dict.fromkeys((part.key, part.deposit) for part in slices)
    for key, deposit in keys:
        own = [part for part in slices if (part.key, part.deposit) == (key, deposit)]
        net, tax = total(part.net for part in own), total(part.tax for part in own)
        yield {
            "description": text,
            "net": rounded(net, entry.currency),
            "tax_category": key.category if key else "",
            "tax_rate": key.rate if key and key.category != "O" else None,
            "tax": rounded(tax, entry.currency),
            "gross": rounded(net + tax, entry.currency),
        }
    if not keys:
        yield {"description": text, "gross": rounded(ZERO, entry.currency)}


def _payment(ledger: Ledger, key: str) -> Payment:
    return next(payment for payment in ledger.folder.payments if payment.id == key)


def _issued(ledgers: Ledgers) -> Iterator[tuple[Ledger, InvoiceFacts]]:
    """Invoices of the books, void ones too, in the order of their days and numbers."""
    found = [
        (facts.invoice.issued, facts.invoice.number or "", facts.invoice.id, ledger, facts)
        for ledger in ledgers.clients
        for facts in ledger.account.published
        if ledgers.shows(facts.invoice.issued)
    ]
    for *_, ledger, facts in sorted(found, key=lambda item: item[:3]):
        yield ledger, facts


def _credited(ledgers: Ledgers) -> Iterator[tuple[Ledger, InvoiceFacts, int]]:
    found = [
        (credit.note.issued, credit.note.number, credit.note.id, ledger, facts, n)
        for ledger in ledgers.clients
        for facts in ledger.account.invoices.values()
        for n, credit in enumerate(facts.credits)
        if ledgers.shows(credit.note.issued)
    ]
    for *_, ledger, facts, n in sorted(found, key=lambda item: item[:3]):
        yield ledger, facts, n


def _invoices(ledgers: Ledgers) -> Iterator[Row]:
    for ledger, facts in _issued(ledgers):
        invoice, totals, entries, of = facts.invoice, facts.totals, facts.entries, facts.currency
        yield {
            "number": invoice.number,
            "id": invoice.id,
            "client": ledger.folder.id,
            "name": ledger.name,
            "kind": invoice.kind,
            "issued": invoice.issued,
            "due": facts.due,
            "state": facts.status.document,
            "money": facts.status.money,
            "net": rounded(totals.total_without_tax, of),
            "tax": rounded(totals.total_tax, of),
            "total": rounded(totals.total, of),
            "deposits": rounded(total(deposit.amount for deposit in facts.deposits), of),
            "amount": rounded(facts.amount, of),
            "paid": rounded(entries.paid, of),
            "credited": rounded(entries.credited, of),
            "written_off": rounded(entries.written_off, of),
            "balance": rounded(facts.status.balance, of),
            "surplus": rounded(facts.status.surplus, of),
            "currency": of,
        }


def _credit_notes(ledgers: Ledgers) -> Iterator[Row]:
    for ledger, facts, n in _credited(ledgers):
        note, totals = facts.credits[n].note, facts.credits[n].totals
        yield {
            "number": note.number,
            "id": note.id,
            "client": ledger.folder.id,
            "name": ledger.name,
            "invoice": facts.invoice.number,
            "issued": note.issued,
            "reason": note.reason,
            "net": rounded(totals.total_without_tax, totals.currency),
            "tax": rounded(totals.total_tax, totals.currency),
            "total": rounded(totals.total, totals.currency),
            "currency": totals.currency,
        }


def _lines(ledgers: Ledgers) -> Iterator[Row]:
    for ledger, facts in _issued(ledgers):
        invoice = facts.invoice
        head = {"document": "invoice", "number": invoice.number, "id": invoice.id, "issued": invoice.issued}
        yield from _document_lines(ledger, {**head, "state": facts.status.document}, facts.totals, invoice.lines)
    for ledger, facts, n in _credited(ledgers):
        note, totals = facts.credits[n].note, facts.credits[n].totals
        head = {"document": "credit-note", "number": note.number, "id": note.id, "issued": note.issued}
        yield from _document_lines(ledger, {**head, "state": "issued"}, totals, note.lines or facts.invoice.lines)


def _document_lines(ledger: Ledger, head: Row, totals: Totals, written: tuple[Line, ...]) -> Iterator[Row]:
    sessions = {session.id: session.service for session in ledger.folder.sessions}
    for n, (line, net, source) in enumerate(zip(totals.lines, totals.nets, written, strict=True), 1):
        yield {
            **head,
            "client": ledger.folder.id,
            "line": n,
            "date": line.date,
            "service": source.service or sessions.get(source.session or ""),
            "description": line.description,
            "quantity": line.quantity,
            "unit": line.unit,
            "unit_price": line.unit_price,
            "net": rounded(net, totals.currency),
            "tax_category": line.tax.category,
            "tax_rate": None if line.tax.category == "O" else line.tax.rate,
            "currency": totals.currency,
        }


def _payments(ledgers: Ledgers) -> Iterator[Row]:
    found = [
        (payment.date, ledger.folder.id, n, ledger, payment)
        for ledger in ledgers.clients
        for n, payment in enumerate(ledger.folder.payments)
        if ledgers.shows(payment.date)
    ]
    for *_, ledger, payment in sorted(found, key=lambda item: item[:3]):
        parts = [
            (facts.invoice.number or "", part.amount)
            for facts in ledger.account.invoices.values()
            for part in facts.allocations
            if part.payment.id == payment.id
        ]
        left = payment.amount - total(amount for _, amount in parts)
        yield {
            "date": payment.date,
            "id": payment.id,
            "client": ledger.folder.id,
            "name": ledger.name,
            "status": payment.status,
            "method": payment.method,
            "payer": payment.payer,
            "reference": payment.reference,
            "receipt_number": payment.receipt_number,
            "amount": rounded(payment.amount, payment.currency),
            "fee": rounded(payment.fee, payment.currency) if payment.fee else None,
            "unallocated": rounded(left, payment.currency),
            "currency": payment.currency,
            "rate": payment.rate,
            "invoices": "; ".join(f"{number}: {rounded(amount, payment.currency)}" for number, amount in parts),
        }


def _income(ledgers: Ledgers, basis: Basis) -> Iterator[Row]:
    services = ledgers.shared.services
    for row in income(
        [(ledger.folder, ledger.account) for ledger in ledgers.clients], ledgers.today, basis, ledgers.year
    ):
        yield {
            "month": f"{row.month:%Y-%m}",
            "method": row.method,
            "service": "on account" if row.on_account else row.service,
            "name": services[row.service].name if row.service in services else "",
            "tax_category": row.key.category if row.key else "",
            "tax_rate": row.key.rate if row.key and row.key.category != "O" else None,
            "net": rounded(row.net, row.currency),
            "tax": rounded(row.tax, row.currency),
            "gross": rounded(row.net + row.tax, row.currency),
            "currency": row.currency,
        }


def _numbers(ledgers: Ledgers) -> Iterator[Row]:
    """Every number that was given out by the day of the books, and those that are missing between them."""
    taken = [one for ledger in ledgers.clients for one in numbers_of(ledger.folder) if not one.implied]
    states = {
        invoice.id: document_state(invoice, ledgers.today)
        for ledger in ledgers.clients
        for invoice in ledger.folder.invoices.values()
    }
    for kind in KINDS:
        series: SeriesKind = kind
        own = [one for one in taken if one.kind == series and one.issued and one.issued <= ledgers.today]
        for one in sorted(own, key=lambda one: (one.number, one.id)):
            if ledgers.shows(one.issued):
                state = states.get(one.id, "issued") if kind == "invoice" else "issued"
                yield {
                    "series": kind,
                    "number": one.number,
                    "state": state,
                    "date": one.issued,
                    "client": one.client,
                    "id": one.id,
                }
        for missing in gaps(series_of(ledgers.shared.site, series), series, own):
            yield {"series": kind, "number": missing, "state": "missing"}


TABLES: Mapping[TableName, tuple[tuple[str, ...], Callable[[Ledgers], Iterator[Row]]]] = {
    "movements": (
        ("date", "client", "name", "kind", "number", "id", "invoice", "description", "net", "tax_category", "tax_rate",
         "tax", "gross", "currency", "method", "reference", "balance", "held"),
        _movements,
    ),
    "invoices": (
        ("number", "id", "client", "name", "kind", "issued", "due", "state", "money", "net", "tax", "total", "deposits",
         "amount", "paid", "credited", "written_off", "balance", "surplus", "currency"),
        _invoices,
    ),
    "credit-notes": (
        ("number", "id", "client", "name", "invoice", "issued", "reason", "net", "tax", "total", "currency"),
        _credit_notes,
    ),
    "lines": (
        ("document", "number", "id", "issued", "state", "client", "line", "date", "service", "description", "quantity",
         "unit", "unit_price", "net", "tax_category", "tax_rate", "currency"),
        _lines,
    ),
    "payments": (
        ("date", "id", "client", "name", "status", "method", "payer", "reference", "receipt_number", "amount", "fee",
         "unallocated", "currency", "rate", "invoices"),
        _payments,
    ),
    "income-cash": (
        ("month", "method", "service", "name", "tax_category", "tax_rate", "net", "tax", "gross", "currency"),
        lambda ledgers: _income(ledgers, "cash"),
    ),
    "income-invoiced": (
        ("month", "service", "name", "tax_category", "tax_rate", "net", "tax", "gross", "currency"),
        lambda ledgers: _income(ledgers, "invoiced"),
    ),
    "numbers": (("series", "number", "state", "date", "client", "id"), _numbers),
}  # fmt: skip
"""Every table: its columns and what makes its rows."""
