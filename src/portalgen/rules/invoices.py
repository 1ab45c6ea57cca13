"""What must hold of one invoice: before it is issued, and of what becomes of it afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from portalgen.content.problems import Finding
from portalgen.content.records.documents import CreditNote, Invoice
from portalgen.rules.credits import Left, excesses
from portalgen.rules.due import parts_of
from portalgen.rules.facts import Allocated, Credit
from portalgen.rules.money import ZERO, total
from portalgen.rules.totals import TaxKey, Totals


def before_issue(invoice: Invoice, amount: Decimal, due: dt.date | None, totals: Totals) -> Iterator[Finding]:
    """What keeps an invoice over `amount` from being issued; later the lock keeps it as it was."""
    path = invoice.path
    if invoice.issued and due is None:
        yield Finding(
            path=path,
            code="no-due-date",
            message="this invoice does not say when it is due",
            hint="add due:, or terms: here or in client.yaml",
        )
    if amount < 0 and totals.discount <= totals.line_total:
        yield Finding(
            path=path,
            at=("deposits_deducted",) if invoice.deposits_deducted else ("rounding",),
            code="negative",
            message=f"this invoice comes to {amount}",
            hint="deduct at most its total; give the rest back with a credit note",
        )
    if invoice.schedule:
        parts = parts_of(invoice.schedule, amount, totals.currency)
        whole = total(part.amount for part in parts)
        fixed = total(part.amount for part in parts if part.amount > 0)
        if whole == amount and fixed > amount:
            yield Finding(
                path=path,
                at=("schedule",),
                code="bad-schedule",
                message=f"the parts before the rest come to {fixed}, the invoice to {amount}",
                hint="lower them, so that something is left for the last part",
            )
        elif whole != amount or any(part.amount < 0 for part in parts):
            yield Finding(
                path=path,
                at=("schedule",),
                code="bad-schedule",
                message=f"the parts come to {whole}, the invoice to {amount}",
                hint="write rest: true in the last part",
            )


def before_credit(note: CreditNote, invoice: Invoice) -> Iterator[Finding]:
    """What keeps an invoice from being credited by a note."""
    if invoice.issued is None or invoice.void:
        yield Finding(
            path=note.path,
            at=("invoice",),
            code="credited-draft",
            message=f"'{note.invoice}' is a draft or void and cannot be credited",
            hint="name an issued invoice",
        )
    elif note.issued < invoice.issued:
        yield Finding(
            path=note.path,
            at=("issued",),
            code="bad-order",
            message="this credit note is older than its invoice",
            hint=f"write {invoice.issued} or a later day",
        )


def above_invoice(note: CreditNote, totals: Totals, left: Mapping[TaxKey, Left]) -> Iterator[Finding]:
    """That a credit note comes to more than its invoice has left under a tax."""
    how = "with tax" if totals.includes_tax else "before tax"
    for excess in excesses(totals, left):
        key, limit = excess.key, excess.limit
        rate = f"{key.category} {key.rate.normalize():f} %"
        if key not in left:
            message = f"the invoice has nothing under the tax {rate}"
            taxes = " or ".join(f"{one.category} {one.rate.normalize():f} %" for one in left)
            hint = f"write the tax of what you take back: {taxes}"
        elif limit:
            message = f"this credits more than the invoice has left under the tax {rate}"
            hint = f"credit at most {limit} {how}"
        else:
            message = f"the invoice has nothing left under the tax {rate}"
            hint = "take this credit note away" if note.full else "take this line out"
        yield Finding(
            path=note.path, at=("lines",) if note.lines else ("full",), code="too-much", message=message, hint=hint
        )


def after_issue(
    invoice: Invoice, amount: Decimal, whole: Decimal, cleared: Sequence[Allocated], credits: Sequence[Credit]
) -> Iterator[Finding]:
    """What is wrong with writing off, crediting, disputing or cancelling an invoice.

    It asks for `amount`, which is `whole` less its deposits; `cleared` and `credits` are its payments and credits.
    """
    if invoice.write_off:
        day = invoice.write_off.date
        paid = total(a.amount for a in cleared if a.payment.date <= day)
        credited = total(c.totals.total for c in credits if c.note.issued <= day)
        later = [credit for credit in credits if credit.note.issued > day]
        rest = whole - total(credit.totals.total for credit in credits)
        if invoice.write_off.amount > amount - paid - credited:
            yield Finding(
                path=invoice.path,
                at=("write_off", "amount"),
                code="too-much",
                message=f"this writes off more than the {max(amount - paid - credited, ZERO)} that were open",
                hint="write at most the balance",
            )
        elif later and invoice.write_off.amount > rest:
            # What is no longer asked for cannot be given back as well: it would be money that nobody paid.
            back = f"lower its amount to {rest}" if rest > 0 else "take write_off away"
            yield Finding(
                path=later[-1].note.path,
                at=("invoice",),
                code="credited-written-off",
                message=f"with this credit note more is taken back of '{invoice.id}' than it asked for: "
                f"{invoice.write_off.amount} of it was written off on {day}",
                hint=f"take the write-off back first: in {invoice.path}, {back}",
            )
    if invoice.disputed and (invoice.disputed.amount or ZERO) > whole:
        yield Finding(
            path=invoice.path,
            at=("disputed", "amount"),
            code="too-much",
            message=f"more is disputed than the {whole} that the invoice comes to",
            hint="write the part that the client questions, or leave amount: out for all of it",
        )
    if invoice.void and total(a.amount for a in cleared):
        yield Finding(
            path=invoice.path,
            at=("void",),
            code="void-paid",
            message="this invoice was paid, so it cannot be void",
            hint="write a credit note, or book the refund first",
        )
