"""What moved on one client's account: the one list that statements, year summaries and exports are made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.documents import Payment
from portalgen.rules.facts import Account
from portalgen.rules.money import ZERO, rounded, total
from portalgen.rules.receipts import receipt_number
from portalgen.rules.retainer import retainer_findings

EntryKind = Literal["invoice", "credit-note", "payment", "refund", "write-off", "security", "drawn"]
_ORDER: tuple[EntryKind, ...] = ("invoice", "credit-note", "write-off", "payment", "security", "drawn", "refund")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One movement. `amount` is what it adds to what the client owes: an invoice adds, a payment takes away.

    `ref` is the id of the document or payment, `number` the one printed on it or on its receipt. `invoice` is the id of
    the one invoice it is about, empty on money that pays several or none. `held` is what it adds to the security: money
    that stays the client's, so that it pays nothing before an invoice draws on it (`drawn`).
    """

    date: dt.date
    kind: EntryKind
    ref: str
    number: str = ""
    amount: Decimal
    currency: str
    invoice: str = ""
    held: Decimal = ZERO


def entries_of(folder: ClientFolder, account: Account, today: dt.date) -> tuple[Entry, ...]:
    """Every movement by `today`, the oldest first: issued documents and cleared money, also what is not allocated.

    A final invoice books its total less its deposits, which were booked before. A void invoice books nothing.
    """
    entries = [*_documents(account), *_money(folder, account, today)]
    return tuple(sorted(entries, key=lambda entry: (entry.date, _ORDER.index(entry.kind))))


def closing(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """What the client owes per currency, below zero what is owed to the client. Currencies in order."""
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, ZERO) + entry.amount
    return dict(sorted(sums.items()))


def security(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """What is held as the client's security per currency, which is no part of what is owed. Currencies in order."""
    sums: dict[str, Decimal] = {}
    for entry in entries:
        if entry.held:
            sums[entry.currency] = sums.get(entry.currency, ZERO) + entry.held
    return dict(sorted(sums.items()))


def held_findings(shared: Shared, folder: ClientFolder, account: Account, today: dt.date) -> tuple[Finding, ...]:
    """What is wrong with money paid ahead and, where nothing is, with the balance that comes of it."""
    found = tuple(retainer_findings(shared, folder, account, today))
    if any(finding.severity == "error" for finding in found):
        return found
    return (*found, *reconcile(folder, account, today))


def reconcile(folder: ClientFolder, account: Account, today: dt.date) -> tuple[Finding, ...]:
    """The movements must come to the balances less the client's free credit, per currency (domain §4.11).

    More money paid back than was held is the practitioner's mistake; any other difference is one of ours.
    """
    findings = []
    entries = entries_of(folder, account, today)
    apart = security(entries)
    for currency, owed in closing(entries).items():
        balances = _balances(account, currency)
        free = account.credit.get(currency, ZERO) - apart.get(currency, ZERO)
        over = owed - balances + free or max(-free, ZERO)
        if over == 0:
            continue
        path, refund = folder.source("payments.yaml"), _loose_refund(folder, account, currency, today)
        if over > 0 and refund is not None:
            message = f"this pays back {rounded(over, currency)} {currency} more than you hold for '{folder.id}'"
            hint = "refund at most the client's credit; write a credit note first for what you take back"
            findings.append(Finding(path=path, at=(refund, "amount"), code="over-refunded", message=message, hint=hint))
        else:
            message = (
                f"the account of '{folder.id}' in {currency} does not add up: its movements come to"
                f" {rounded(owed, currency)}, its balances to {rounded(owed - over, currency)}"
            )
            hint = "this is a mistake in portalgen: please report it with this client's invoices and payments"
            findings.append(Finding(path=folder.client.path, code="unbalanced", message=message, hint=hint))
    return tuple(findings)


def _documents(account: Account) -> list[Entry]:
    entries = []
    for facts in sorted(account.invoices.values(), key=lambda facts: (facts.invoice.number or "", facts.invoice.id)):
        invoice = facts.invoice
        if facts.status.document != "issued" or invoice.issued is None:
            continue
        rows: list[tuple[dt.date, EntryKind, str, str, Decimal]] = [
            (invoice.issued, "invoice", invoice.id, invoice.number or "", facts.amount)
        ]
        for credit in sorted(facts.credits, key=lambda credit: (credit.note.number, credit.note.id)):
            note = credit.note
            rows.append((note.issued, "credit-note", note.id, note.number, -credit.totals.total))
        if facts.entries.written_off and invoice.write_off:
            written = invoice.write_off
            rows.append((written.date, "write-off", invoice.id, invoice.number or "", -written.amount))
        entries += [
            Entry(
                date=day, kind=kind, ref=ref, number=number, amount=amount, currency=facts.currency, invoice=invoice.id
            )
            for day, kind, ref, number, amount in rows
        ]
    return entries


def _money(folder: ClientFolder, account: Account, today: dt.date) -> list[Entry]:
    paid: dict[str, set[str]] = {}
    for facts in account.invoices.values():
        for part in facts.allocations:
            paid.setdefault(part.payment.id, set()).add(facts.invoice.id)
    entries = []
    for payment in folder.payments:
        if not _counts(payment, today):
            continue
        secures = is_security(folder, payment)
        kind: EntryKind = "refund" if payment.amount < 0 else "payment"
        of = paid.get(payment.id, ())
        entries.append(
            Entry(
                date=payment.date,
                kind="security" if secures else kind,
                ref=payment.id,
                number=receipt_number(payment),
                amount=ZERO if secures else -payment.amount,
                currency=payment.currency,
                invoice=next(iter(of)) if not secures and len(of) == 1 else "",
                held=payment.amount if secures else ZERO,
            )
        )
    return [*entries, *_drawn(folder, account)]


def _drawn(folder: ClientFolder, account: Account) -> Iterator[Entry]:
    """What invoices took of the security, each on its day of issue or that of the payment, whichever is later."""
    retainer = folder.client.retainer
    if retainer is None or retainer.kind != "security":
        return
    for facts in account.invoices.values():
        for part in facts.allocations if facts.status.document == "issued" else ():
            payment, invoice = part.payment, facts.invoice
            if payment.status == "cleared" and is_security(folder, payment):
                yield Entry(
                    date=max(payment.date, invoice.issued or payment.date),
                    kind="drawn",
                    ref=payment.id,
                    number=receipt_number(payment),
                    amount=-part.amount,
                    currency=payment.currency,
                    invoice=invoice.id,
                    held=-part.amount,
                )


def is_security(folder: ClientFolder, payment: Payment) -> bool:
    """Whether money came, or went back, as the client's security."""
    retainer = folder.client.retainer
    return retainer is not None and retainer.kind == "security" and payment.for_ == "retainer"


def _counts(payment: Payment, today: dt.date) -> bool:
    return payment.status == "cleared" and payment.date <= today


def _balances(account: Account, currency: str) -> Decimal:
    return total(
        facts.status.balance
        for facts in account.invoices.values()
        if facts.status.document == "issued" and facts.currency == currency
    )


def _loose_refund(folder: ClientFolder, account: Account, currency: str, today: dt.date) -> int | None:
    """The last refund in a currency of which a part is allocated to nothing: its place in payments.yaml.

    One of the security only where there is no other.
    """
    allocated: dict[str, Decimal] = {}
    for facts in account.invoices.values():
        for part in facts.allocations:
            allocated[part.payment.id] = allocated.get(part.payment.id, ZERO) + part.amount
    loose = [
        (not is_security(folder, payment), payment.date, n)
        for n, payment in enumerate(folder.payments)
        if payment.currency == currency
        and _counts(payment, today)
        and payment.amount < allocated.get(payment.id, ZERO) <= 0
    ]
    return max(loose)[2] if loose else None
