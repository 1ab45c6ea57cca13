"""Credit notes: all or part of an issued invoice taken back, in a series of its own (domain §3 credit_note, §4.8)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from portalgen.content.problems import Finding
from portalgen.content.records.base import Misfit
from portalgen.content.records.documents import CreditNote
from portalgen.desk.books import Books, NotDone, Unclear
from portalgen.desk.paying import free_id
from portalgen.desk.writing import Original
from portalgen.desk.yamlvalues import Value, fields_text
from portalgen.rules.credits import left_of, taken_line
from portalgen.rules.document import Document
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.issued import row_of
from portalgen.rules.money import fits, rounded
from portalgen.rules.totals import PricedLine, TaxKey, after_discount


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken back: the whole, lines by their place from 1 (with an amount, or None for all), or an amount.

    Amounts are as the invoice's prices are: before tax, or with it where its prices include it.
    """

    full: bool = False
    lines: Sequence[tuple[int, Decimal | None]] = ()
    amount: Decimal | None = None
    description: str = ""


class Credited(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note that was just issued, and its invoice after it."""

    client: str
    path: str
    document: Document
    facts: InvoiceFacts


def credit(books: Books, ref: str, back: Back, reason: str, date: dt.date | None = None) -> Credited:
    """Writes and issues a credit note for an issued invoice. Raises `NotDone` or `Unclear`, and then writes nothing."""
    found = books.invoice(ref)
    facts = books.facts(found)
    folder, invoice = found.folder, found.invoice
    if facts.document is None or facts.status.document == "void":
        what = "void: nothing is left to take back" if invoice.void else "a draft and cannot be credited"
        hint = "name an issued invoice" if invoice.void else "change the draft as you like"
        finding = Finding(path=invoice.path, code="credited-draft", message=f"'{invoice.id}' is {what}", hint=hint)
        books.refuse([finding])
        raise AssertionError
    if facts.credits and not any(left_of(facts.totals, [one.totals for one in facts.credits]).values()):
        raise Unclear(f"nothing is left of '{invoice.id}' to take back", "its credit notes take back all of it")
    day = date or books.day
    includes_tax = books.shared.site.practice.price_includes_tax
    lines = None if back.full else credited_lines(facts.document, back, includes_tax)
    taken = [note for client in books.clients.values() for note in client.credit_notes]
    taken += [row.id for row in books.lock.documents if row.of == "credit-note"]
    taken += [path.stem for path in books.root.glob("content/clients/*/credit-notes/*.yaml")]
    number = books.number("credit_note", day, folder, "")
    plain = re.sub(r"[^a-z0-9]+", "-", number.lower()).strip("-")[:58]
    id_ = free_id(plain or f"cn-{day}", taken)
    path = folder.source(f"credit-notes/{id_}.yaml")
    fields: dict[str, Value | None] = {
        "id": id_,
        "number": number,
        "invoice": invoice.id,
        "issued": day,
        "reason": reason,
        "full": True if back.full else None,
        "lines": lines,
    }
    try:
        text = fields_text(fields)
    except Misfit as misfit:
        raise Unclear(misfit.message, misfit.hint) from None
    try:
        note = books.record(CreditNote, path, text, folder.id)
        after = msgspec.structs.replace(folder, credit_notes={**folder.credit_notes, id_: note})
        account = books.account(after)
        books.check_pages(after, account)
    except NotDone as refused:
        raise _without_file(refused, path) from None
    document = account.documents[id_]
    books.write([Original(books.root / path, None).becomes(text)], [row_of(document, note)])
    books.taken[-1] = msgspec.structs.replace(books.taken[-1], id=id_, path=path)
    books.note_numbers({path})
    return Credited(client=folder.id, path=path, document=document, facts=account.invoices[invoice.id])


def _without_file(refused: NotDone, path: str) -> Exception:
    """What would be wrong in a file that was never written is wrong with the command."""
    first = refused.problems[0]
    return Unclear(first.message, first.hint) if {one.path for one in refused.problems} == {path} else refused


def credited_lines(document: Document, back: Back, includes_tax: bool) -> list[Value]:
    """The lines of a credit note's file; `includes_tax` says how its prices are read. Raises `Unclear`."""
    totals = document.totals
    if totals.includes_tax != includes_tax:
        how = "include" if totals.includes_tax else "leave out"
        hint = "credit all of it with --full, or write the credit note's file yourself"
        raise Unclear(f"the prices of this invoice {how} tax, and those of your practice do not", hint)
    if back.amount is not None:
        groups = {(line.tax, line.tax_reason) for line in totals.lines}
        if len(groups) > 1:
            hint = f"name the line it is for, such as --line 1={rounded(back.amount, document.currency)}"
            raise Unclear("this invoice has several tax rates", hint)
        tax, why = next(iter(groups))
        return [_amount_line(document, back.description, back.amount, tax, why)]
    amounts = after_discount(totals)
    lines: list[Value] = []
    for place, amount in back.lines:
        if not 1 <= place <= len(totals.lines):
            count = len(totals.lines)
            raise Unclear(f"there is no line {place}", f"the invoice has {count} line{'s' if count > 1 else ''}")
        line = totals.lines[place - 1]
        if amount is not None:
            lines.append(_amount_line(document, line.description, amount, line.tax, line.tax_reason, line.date))
        else:
            whole = amounts[place - 1]
            if not whole:
                raise Unclear(f"line {place} came to nothing, so nothing of it can be taken back", "name another line")
            percent, why = document.discount_percent, document.discount_reason
            lines.append(_whole_line(taken_line(line, whole, document.currency, percent, why)))
    return lines


def _amount_line(
    document: Document, words: str, amount: Decimal, tax: TaxKey, why: str, day: dt.date | None = None
) -> Value:
    if amount <= 0:
        raise Unclear(f"{amount} takes nothing back", "write an amount above zero")
    if not fits(amount, document.currency):
        hint = f"write {rounded(amount, document.currency)}"
        raise Unclear(f"{amount} has more decimals than {document.currency} knows", hint)
    return {
        "description": words,
        "date": day,
        "unit_price": rounded(amount, document.currency),
        "tax": _tax(tax, why),
    }


def _whole_line(line: PricedLine) -> Value:
    discount: dict[str, Value | None] | None = None
    if line.discount_percent:
        discount = {"percent": line.discount_percent, "reason": line.discount_reason or None}
    elif line.discount:
        discount = {"amount": line.discount, "reason": line.discount_reason or None}
    return {
        "description": line.description,
        "date": line.date,
        "period": {"from": line.period[0], "to": line.period[1]} if line.period else None,
        "quantity": line.quantity if line.quantity != 1 else None,
        "unit": line.unit,
        "unit_price": line.unit_price,
        "discount": discount,
        "tax": _tax(line.tax, line.tax_reason),
    }


def _tax(key: TaxKey, why: str) -> Value:
    rate = None if key.category == "O" else key.rate
    return {"category": key.category, "rate": rate, "reason": why or None}
