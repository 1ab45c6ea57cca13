"""Booking money that came, or went back, for one invoice: an entry at the end of payments.yaml (domain §3 payment)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.problems import Finding
from portalgen.content.records.base import Misfit
from portalgen.content.records.documents import Payment, PaymentSource
from portalgen.content.scalars import is_id
from portalgen.desk.books import Books, Found, Unclear
from portalgen.desk.writing import append_entry
from portalgen.desk.yamlvalues import Value
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.money import ZERO, Money, fits, rounded, total
from portalgen.rules.ways import sorted_methods


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command says about the money; the amount is below zero for a refund."""

    amount: Decimal
    date: dt.date | None = None
    method: str = ""
    reference: str | None = None
    payer: str | None = None
    currency: str = ""
    fee: Decimal | None = None
    rate: Decimal | None = None
    status: str = "cleared"
    note: str | None = None
    source: PaymentSource | None = None


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that was just written. `allocated` went to the invoice, `held` is for no invoice; both signed.

    `facts` is the invoice after it.
    """

    client: str
    path: str
    payment: Payment
    allocated: Money
    held: Money
    facts: InvoiceFacts


def pay(books: Books, ref: str, asked: Asked) -> Booked:
    """Books money for an invoice, up to its balance; the rest stays as the client's credit.

    A refund comes off what was paid too much, then off the client's credit, and only then opens the invoice again.
    Raises `NotDone` or `Unclear`, and then writes nothing.
    """
    found = books.invoice(ref)
    folder, path = found.folder, found.folder.source("payments.yaml")
    account = books.account(folder)
    facts = account.invoices[found.invoice.id]
    _check(books, facts, asked)
    _check_source(books, found, asked)
    share = allocation(account, facts, asked.amount)
    method = asked.method or _usual_method(books, found, facts.currency)
    entry = payment_entry(
        books,
        folder,
        msgspec.structs.replace(asked, method=method, currency=facts.currency),
        {found.invoice.id: share} if share else {},
    )
    original = books.original(path)
    try:
        text = append_entry(original.text, entry)
    except Misfit as misfit:
        raise books.misfit(path, misfit) from None
    after = msgspec.structs.replace(folder, payments=books.entries(Payment, path, text))
    facts = books.account(after).invoices[found.invoice.id]
    books.write([original.becomes(text)])
    return Booked(
        client=folder.id,
        path=path,
        payment=after.payments[-1],
        allocated=facts.money(share),
        held=facts.money(asked.amount - share),
        facts=facts,
    )


def payment_entry(
    books: Books, folder: ClientFolder, asked: Asked, shares: Mapping[str, Decimal]
) -> dict[str, Value | None]:
    """The entry of a payment in `asked.currency`, with its shares by invoice; its receipt number is now taken."""
    day, currency, source = asked.date or books.day, asked.currency, asked.source
    id_ = free_id(f"pay-{day}", (payment.id for payment in folder.payments))
    parts: list[Value] = [{"invoice": invoice, "amount": rounded(share, currency)} for invoice, share in shares.items()]
    return {
        "id": id_,
        "date": day,
        "amount": rounded(asked.amount, currency),
        "currency": currency,
        "method": asked.method,
        "payer": asked.payer,
        "reference": asked.reference,
        "fee": asked.fee,
        "status": asked.status if asked.status != "cleared" else None,
        "rate": asked.rate,
        "receipt_number": books.number("receipt", day, folder, id_) if asked.status == "cleared" else None,
        "note": asked.note,
        "allocations": parts or None,
        "source": {"file": source.file, "row": source.row} if source else None,
    }


def free_id(wanted: str, taken: Iterable[str]) -> str:
    """That id, or with -2, -3 … behind it while it is taken."""
    known = set(taken)
    name, count = wanted, 1
    while name in known:
        count += 1
        name = f"{wanted[:58]}-{count}"
    return name


def _check(books: Books, facts: InvoiceFacts, asked: Asked) -> None:
    invoice = facts.invoice
    if facts.status.document == "draft":
        message, hint = f"'{invoice.id}' is a draft and cannot be paid", f"first: portalgen issue {invoice.id}"
        books.refuse([Finding(path=invoice.path, code="paid-draft", message=message, hint=hint)])
    if facts.status.document == "void" and asked.amount > 0:
        message, hint = f"'{invoice.id}' is void, so nothing is due", "name the invoice that the money is for"
        books.refuse([Finding(path=invoice.path, at=("void",), code="void-paid", message=message, hint=hint)])
    currency = facts.currency
    if asked.currency not in ("", currency):
        hint = f"book what arrived in {currency}, and with --rate the rate it was changed at"
        raise Unclear(f"the invoice '{invoice.id}' is in {currency}, this payment is in {asked.currency}", hint)
    for what, amount in (("the amount", asked.amount), ("the fee", asked.fee or ZERO)):
        if not fits(amount, currency):
            hint = f"write {rounded(amount, currency)}"
            field = "amount" if amount is asked.amount else "fee"
            raise Unclear(f"{what} {amount} has more decimals than {currency} knows", hint, field)
    if asked.amount == 0:
        hint = "write what you received, or below zero what you paid back"
        raise Unclear("a payment of zero is none", hint, "amount")
    known = [method.id for method in books.shared.site.practice.methods]
    if asked.method and asked.method not in known:
        hint = f"site.yaml has {', '.join(known) or 'none'}"
        raise Unclear(f"there is no method '{asked.method}'", hint, "method")
    if asked.payer and not is_id(asked.payer) and not asked.payer.strip():
        raise Unclear("the payer is empty", "write who paid, or leave --payer out", "payer")


def _check_source(books: Books, found: Found, asked: Asked) -> None:
    """A row of an imported file is booked once: for an invoice, and for none."""
    row = asked.source.row if asked.source else ""
    for folder in books.clients.values() if row else ():
        for payment in folder.payments:
            invoices = [part.invoice for part in payment.allocations]
            if payment.source and payment.source.row == row and (not invoices or found.invoice.id in invoices):
                raise Unclear(f"the row {row} is booked as {payment.id} of {folder.id}", "there is nothing left to do")


def allocation(account: Account, facts: InvoiceFacts, amount: Decimal) -> Decimal:
    """The part of the money that is this invoice's."""
    if amount > 0:
        return min(amount, max(facts.status.balance, ZERO))
    back, currency = -amount, facts.currency
    bound = total(_overpaid(one) for one in account.invoices.values() if one.currency == currency)
    loose = max(account.credit.get(currency, ZERO) - bound, ZERO)
    if back > loose + facts.entries.paid:
        held = f" and {rounded(loose, currency)} is held as credit" if loose else ""
        message = f"{rounded(facts.entries.paid, currency)} {currency} was paid for '{facts.invoice.id}'{held}"
        raise Unclear(f"{message}, so {rounded(back, currency)} cannot go back", "refund at most that", "amount")
    drawn = _drawn(facts)
    if back > loose + facts.entries.paid - drawn:
        what = f"{rounded(drawn, currency)} {currency} of what was paid for '{facts.invoice.id}' was drawn"
        message = f"{what} from money paid ahead, so {rounded(back, currency)} cannot go back"
        hint = f"first: portalgen credit {facts.invoice.id} …; what it takes back can then go back"
        raise Unclear(message, hint, "amount")
    too_much = min(back, _overpaid(facts))
    return -(too_much + max(back - too_much - loose, ZERO))


def _drawn(facts: InvoiceFacts) -> Decimal:
    """What the invoice got of money that nobody allocated to it by hand."""
    return total(
        part.amount
        for part in facts.allocations
        if part.payment.status == "cleared" and all(own.invoice != facts.invoice.id for own in part.payment.allocations)
    )


def _overpaid(facts: InvoiceFacts) -> Decimal:
    """The part of an invoice's surplus that was paid; the rest is a credit note on what was written off."""
    return min(facts.status.surplus, max(facts.entries.paid, ZERO))


def _usual_method(books: Books, found: Found, currency: str) -> str:
    """The method this client paid with last; else the first one that is offered for the currency."""
    methods = [
        method
        for method in sorted_methods(books.shared.site.practice)
        if (not method.takes or currency in method.takes)
        and (not method.for_clients or found.folder.id in method.for_clients)
    ]
    known = {method.id for method in methods}
    last = _last_method(found.folder, currency)
    if last in known:
        return last
    terms = books.shared.terms.get(found.invoice.terms or found.folder.client.terms or "")
    allowed = found.folder.client.methods or (terms.methods if terms else ())
    first = next((method.id for method in methods if not allowed or method.id in allowed), "")
    if first or methods:
        return first or methods[0].id
    raise Unclear(
        f"site.yaml has no way to pay in {currency}", "add one below practice: methods:, or write --method ID"
    )


def _last_method(folder: ClientFolder, currency: str) -> str:
    own = [payment for payment in folder.payments if payment.currency == currency and payment.amount > 0]
    return max(own, key=lambda payment: payment.date).method if own else ""
