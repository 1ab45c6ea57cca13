"""What must hold of one invoice: before it is issued, and of what becomes of it afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

from portalgen.content.problems import Finding
from portalgen.content.records.documents import Invoice
from portalgen.rules.due import parts_of
from portalgen.rules.facts import Allocated, Credit
from portalgen.rules.money import ZERO, total
from portalgen.rules.totals import Totals


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
        if whole != amount or any(part.amount < 0 for part in parts):
            yield Finding(
                path=path,
                at=("schedule",),
                code="bad-schedule",
                message=f"the parts come to {whole}, the invoice to {amount}",
                hint="write rest: true in the last part",
            )


def after_issue(
    invoice: Invoice, amount: Decimal, cleared: Sequence[Allocated], credits: Sequence[Credit]
) -> Iterator[Finding]:
    """What is wrong with writing off or cancelling an invoice over `amount`, given its cleared payments and credits."""
    if invoice.write_off:
        day = invoice.write_off.date
        paid = total(a.amount for a in cleared if a.payment.date <= day)
        credited = total(c.totals.total for c in credits if c.note.issued <= day)
        if invoice.write_off.amount > amount - paid - credited:
            yield Finding(
                path=invoice.path,
                at=("write_off", "amount"),
                code="too-much",
                message=f"this writes off more than the {max(amount - paid - credited, ZERO)} that were open",
                hint="write at most the balance",
            )
    if invoice.void and total(a.amount for a in cleared):
        yield Finding(
            path=invoice.path,
            at=("void",),
            code="void-paid",
            message="this invoice was paid, so it cannot be void",
            hint="write a credit note, or book the refund first",
        )
