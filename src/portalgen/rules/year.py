"""What a client paid in a year, and what the practice took in: cash basis and invoice basis (domain M13)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.documents import Payment
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.ledger import is_security
from portalgen.rules.money import ZERO, total
from portalgen.rules.shares import (
    PaidPart,
    Slice,
    Slices,
    combined,
    credit_slices,
    gross,
    invoice_slices,
    line_services,
    negated,
    paid_parts,
)
from portalgen.rules.totals import TaxKey

Basis = Literal["cash", "invoiced"]


class PaidItem(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an invoice as it was charged. `service` is an id, empty where the line names none."""

    description: str
    service: str = ""
    date: dt.date | None = None
    period: tuple[dt.date, dt.date] | None = None


class PaidInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment did for one invoice; `tax` is the part of `amount` that is tax."""

    id: str
    number: str
    issued: dt.date
    amount: Decimal
    tax: Decimal
    items: tuple[PaidItem, ...]


class PaidRow(msgspec.Struct, frozen=True, kw_only=True):
    """A cleared payment; a refund is negative. `unapplied` is the part that paid for nothing yet."""

    date: dt.date
    payment: str
    method: str
    label: str  # of the method
    payer: str = ""
    reference: str = ""
    receipt_number: str = ""
    invoices: tuple[PaidInvoice, ...]
    amount: Decimal
    tax: Decimal
    unapplied: Decimal


class ServiceSum(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid for one service, with tax. Both are empty for what names no service."""

    service: str
    name: str
    amount: Decimal


class TaxSum(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid under one tax."""

    key: TaxKey
    net: Decimal
    tax: Decimal


class YearSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a client paid in a calendar year in one currency. `total` is Σ services + `unapplied`."""

    year: int
    currency: str
    rows: tuple[PaidRow, ...]
    services: tuple[ServiceSum, ...]
    taxes: tuple[TaxSum, ...]
    tax: Decimal
    unapplied: Decimal
    total: Decimal


class IncomeRow(msgspec.Struct, frozen=True, kw_only=True):
    """What came in within a month, over all clients. `month` is its first day.

    On the cash basis `method` says how. `on_account`: received, but for nothing yet. `key` is None there and for cash
    rounding.
    """

    month: dt.date
    currency: str
    method: str = ""
    service: str = ""
    key: TaxKey | None = None
    on_account: bool = False
    net: Decimal
    tax: Decimal


def years_of(shared: Shared, folder: ClientFolder, account: Account, today: dt.date) -> tuple[YearSummary, ...]:
    """One summary for each year and currency in which money moved by `today`, the latest year first."""
    parts = paid_parts(folder, account)
    labels = {method.id: method.label for method in shared.site.practice.methods}
    payments: dict[tuple[int, str], list[Payment]] = {}
    for payment in _cleared(folder, today):
        payments.setdefault((-payment.date.year, payment.currency), []).append(payment)
    return tuple(
        _summary(shared, folder, -year, currency, [(payment, parts.get(payment.id, ())) for payment in rows], labels)
        for (year, currency), rows in sorted(payments.items(), key=lambda item: item[0])
    )


def income(
    ledgers: Iterable[tuple[ClientFolder, Account]], today: dt.date, basis: Basis, year: int | None = None
) -> tuple[IncomeRow, ...]:
    """What came in by month, method, service and tax over all clients, in that order; of one year or of all.

    `cash` counts what was paid on its day, `invoiced` what was asked for on the day of issue, less credit notes.
    """
    sums: dict[tuple[dt.date, str, str, str, TaxKey | None, bool], tuple[Decimal, Decimal]] = {}
    for folder, account in ledgers:
        moved = _received(folder, account, today) if basis == "cash" else _invoiced(folder, account)
        for day, currency, method, part, on_account in moved:
            if year in (None, day.year):
                at = (day.replace(day=1), currency, method, part.service, part.key, on_account)
                net, tax = sums.get(at, (ZERO, ZERO))
                sums[at] = (net + part.net, tax + part.tax)
    rows = [
        IncomeRow(
            month=month, currency=currency, method=method, service=service, key=key, on_account=loose, net=net, tax=tax
        )
        for (month, currency, method, service, key, loose), (net, tax) in sums.items()
        if net or tax
    ]
    return tuple(sorted(rows, key=_place))


def _place(row: IncomeRow) -> tuple[object, ...]:
    key = (row.key.category, row.key.rate) if row.key else ("", ZERO)
    return (row.month, row.currency, row.method, row.on_account, row.service, *key)


def _cleared(folder: ClientFolder, today: dt.date) -> list[Payment]:
    cleared = [payment for payment in folder.payments if payment.status == "cleared" and payment.date <= today]
    return sorted(cleared, key=lambda payment: payment.date)


def _summary(
    shared: Shared,
    folder: ClientFolder,
    year: int,
    currency: str,
    payments: Sequence[tuple[Payment, Sequence[PaidPart]]],
    labels: Mapping[str, str],
) -> YearSummary:
    rows = tuple(_row(folder, payment, labels, parts) for payment, parts in payments)
    slices = combined(*(part.slices for _, parts in payments for part in parts))
    services: dict[str, Decimal] = {}
    for part in slices:
        services[part.service] = services.get(part.service, ZERO) + part.gross
    return YearSummary(
        year=year,
        currency=currency,
        rows=rows,
        services=tuple(
            ServiceSum(service=key, name=shared.services[key].name if key in shared.services else "", amount=amount)
            for key, amount in sorted(services.items(), key=lambda item: (not item[0], item[0]))
            if amount
        ),
        taxes=_taxes(slices),
        tax=total(row.tax for row in rows),
        unapplied=total(row.unapplied for row in rows),
        total=total(row.amount for row in rows),
    )


def _taxes(slices: Slices) -> tuple[TaxSum, ...]:
    sums: dict[TaxKey, tuple[Decimal, Decimal]] = {}
    for part in slices:
        if part.key is not None:
            net, tax = sums.get(part.key, (ZERO, ZERO))
            sums[part.key] = (net + part.net, tax + part.tax)
    return tuple(
        TaxSum(key=key, net=net, tax=tax)
        for key, (net, tax) in sorted(sums.items(), key=lambda item: (-item[0].rate, item[0]))
        if net or tax
    )


def _row(folder: ClientFolder, payment: Payment, labels: Mapping[str, str], parts: Sequence[PaidPart]) -> PaidRow:
    invoices = tuple(_invoice(folder, part) for part in parts)
    return PaidRow(
        date=payment.date,
        payment=payment.id,
        method=payment.method,
        label=labels.get(payment.method, ""),
        payer=payment.payer or "",
        reference=payment.reference or "",
        receipt_number=payment.receipt_number or "",
        invoices=invoices,
        amount=payment.amount,
        tax=total(paid.tax for paid in invoices),
        unapplied=payment.amount - total(gross(part.slices) for part in parts),
    )


def _invoice(folder: ClientFolder, part: PaidPart) -> PaidInvoice:
    facts = part.facts
    return PaidInvoice(
        id=facts.invoice.id,
        number=facts.invoice.number or "",
        issued=facts.invoice.issued or dt.date.min,
        amount=part.amount,
        tax=total(one.tax for one in part.slices),
        items=_items(folder, facts),
    )


def _items(folder: ClientFolder, facts: InvoiceFacts) -> tuple[PaidItem, ...]:
    services = line_services(folder, facts.invoice)
    return tuple(
        [
            PaidItem(description=line.description, service=service, date=line.date, period=line.period)
            for line, service in zip(facts.totals.lines, services, strict=True)
        ]
    )


_Moved = tuple[dt.date, str, str, Slice, bool]


def _received(folder: ClientFolder, account: Account, today: dt.date) -> Iterator[_Moved]:
    parts = paid_parts(folder, account)
    for payment in _cleared(folder, today):
        found, secures = parts.get(payment.id, []), is_security(folder, payment)
        for paid in found:
            # A security becomes income on the day an invoice takes of it; until then it is the client's.
            day = max(payment.date, paid.facts.invoice.issued or payment.date) if secures else payment.date
            for part in paid.slices:
                yield day, payment.currency, payment.method, part, False
        if secures:
            continue
        loose = payment.amount - total(gross(paid.slices) for paid in found)
        yield payment.date, payment.currency, payment.method, Slice(key=None, net=loose), True


def _invoiced(folder: ClientFolder, account: Account) -> Iterator[_Moved]:
    for facts in account.invoices.values():
        if facts.status.document != "issued" or facts.invoice.issued is None:
            continue
        for part in invoice_slices(folder, account, facts):
            yield facts.invoice.issued, facts.currency, "", part, False
        for credit in facts.credits:
            for part in negated(credit_slices(folder, facts, credit)):
                yield credit.note.issued, facts.currency, "", part, False
