"""Practices made by chance, as records and not as files: thousands of invoices with all that may become of them.

The same seed gives the same practice. What is made is free of errors; a test that uses it checks that first.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from portalgen.content.loader import load
from portalgen.content.model import ClientFolder, Shared, Site
from portalgen.content.records.documents import (
    Allocation,
    CreditNote,
    Exchange,
    Instalment,
    Invoice,
    Line,
    Payment,
    Reduction,
    Surcharge,
    Void,
    WriteOff,
)
from portalgen.content.records.offer import Tax
from portalgen.desk.exports.ledgers import Ledgers, ledger_of
from portalgen.rules.account import account_of
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.money import ZERO, minor_digits, quantum, rounded
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site

FIRST = dt.date(2024, 11, 4)
LAST = FIRST + dt.timedelta(days=900)
CURRENCIES = ("EUR", "JPY", "KWD")
TAXES = (
    Tax(category="S", rate=Decimal(19)),
    Tax(category="S", rate=Decimal(7)),
    Tax(category="S", rate=Decimal("9.975")),
    Tax(category="Z", rate=Decimal(0)),
    Tax(category="E", reason="Medical care"),
)
METHODS = ("cash", "bank", "receivable")  # one bears the name of an account of ours
SERVICES = ("therapy", "other", None)


def practice(tmp_path: Path) -> Site:
    """A practice that charges tax, with the client ana and nothing billed."""
    methods = "\n".join(f"    - {{id: {key}, kind: cash, label: {key.title()}, instructions: Pay}}" for key in METHODS)
    site = MINIMAL["content/site.yaml"]
    at = site.index("  methods:")
    end = site.index("base_url:")
    tax = "  tax: {status: registered, vat_id: IE1234567FA}\n"
    files: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        "content/site.yaml": f"{site[:at]}{tax}  methods:\n{methods}\n{site[end:]}",
        "content/services/therapy.md": "---\nname: Therapy\nprice: 60.00\n---\n",
        "content/services/other.md": "---\nname: Another thing\nprice: 60.00\n---\n",
        "content/clients/ana/invoices/2026-0001.yaml": None,
    }
    loaded = load(minimal_site(tmp_path, files))
    assert loaded.site, loaded.problems
    return loaded.site


def including_tax(shared: Shared) -> Shared:
    """The same practice with prices that include tax."""
    own = msgspec.structs.replace(shared.site.practice, price_includes_tax=True)
    return msgspec.structs.replace(shared, site=msgspec.structs.replace(shared.site, practice=own))


def ledgers_of(shared: Shared, folders: list[ClientFolder], today: dt.date = LAST, year: int | None = None) -> Ledgers:
    """The ledgers of these clients, which have no errors."""
    found = []
    for folder in folders:
        ledger, findings = ledger_of(shared, folder, today, {})
        assert not [finding for finding in findings if finding.severity == "error"], findings
        found.append(ledger)
    return Ledgers(shared=shared, today=today, clients=tuple(found), year=year)


def folder_with(
    site: Site, invoices: list[Invoice], payments: list[Payment], notes: list[CreditNote], client: str = "ana"
) -> ClientFolder:
    """A client's folder with these documents."""
    record = site.clients["ana"].client
    return msgspec.structs.replace(
        site.clients["ana"],
        id=client,
        client=msgspec.structs.replace(record, id=client, path=f"content/clients/{client}/client.yaml"),
        invoices={invoice.id: invoice for invoice in invoices},
        payments=tuple(sorted(payments, key=lambda payment: payment.date)),
        credit_notes={note.id: note for note in notes},
    )


def clients(site: Site, shared: Shared, seed: int, count: int = 6, most: int = 8) -> list[ClientFolder]:
    """`count` clients with up to `most` invoices each, and their payments, credits, refunds and losses."""
    chance = random.Random(seed)
    return [_Client(site, shared, chance, f"c{seed}-{n}").folder(chance.randint(1, most)) for n in range(count)]


class _Client:
    def __init__(self, site: Site, shared: Shared, chance: random.Random, name: str) -> None:
        self.site, self.shared, self.chance, self.name = site, shared, chance, name
        self.invoices: dict[str, Invoice] = {}
        self.paid: list[tuple[dt.date, str, str, Decimal]] = []  # day, currency, invoice, amount
        self.notes: list[CreditNote] = []

    def folder(self, count: int) -> ClientFolder:
        for n in range(count):
            self._invoice(n)
        bare = folder_with(self.site, list(self.invoices.values()), [], [], self.name)
        account, _ = account_of(self.shared, bare, LAST)
        deducted = {key for invoice in self.invoices.values() for key in invoice.deposits_deducted}
        for facts in account.invoices.values():
            if facts.amount < 0:  # a deposit or a rounding above what it is taken from
                self.invoices[facts.invoice.id] = msgspec.structs.replace(
                    facts.invoice, deposits_deducted=(), schedule=(), rounding=ZERO, due=facts.due
                )
            elif facts.status.document == "issued":
                self._life(facts, facts.invoice.id in deducted)
        payments = self._payments()
        whole = folder_with(self.site, list(self.invoices.values()), payments, self.notes, self.name)
        held = account_of(self.shared, whole, LAST)[0].credit
        for currency, amount in held.items():
            if self.chance.random() < 0.3:
                payments.append(self._payment(LAST, currency, -amount, ()))
        return folder_with(self.site, list(self.invoices.values()), payments, self.notes, self.name)

    def _day(self, after: dt.date, most: int = 24) -> dt.date:
        """One of few days, so that some things happen on the same."""
        return after + dt.timedelta(days=10 * self.chance.randint(0, most))

    def _amount(self, most: int, currency: str) -> Decimal:
        digits = minor_digits(currency)
        return Decimal(self.chance.randint(1, most * 10**digits)).scaleb(-digits)

    def _invoice(self, n: int) -> None:
        chance = self.chance
        currency = chance.choice(CURRENCIES)
        key = f"{self.name}-{n:02}"
        issued = self._day(FIRST, 30)
        lines = tuple(self._line(currency) for _ in range(chance.randint(1, 4)))
        extra: dict[str, Any] = {"due": issued + dt.timedelta(days=14)}
        if chance.random() < 0.3:
            extra["discount"] = Reduction(percent=Decimal(chance.choice(("10", "33.3333"))), reason="Kindness")
        if chance.random() < 0.3:
            extra["charges"] = (
                Surcharge(amount=self._amount(20, currency), reason="Travel", tax=chance.choice(TAXES)),
            )
        if chance.random() < 0.15:
            extra["rounding"] = quantum(currency) * chance.choice((-2, 1, 2))
        if chance.random() < 0.2:
            extra["exchange"] = Exchange(to="EUR", rate=Decimal("0.0061"), date=issued)
        if chance.random() < 0.3:
            del extra["due"]
            parts = [issued + dt.timedelta(days=30 * k) for k in range(1, 4)]
            extra["schedule"] = (
                *(Instalment(due=day, percent=Decimal("33.3333")) for day in parts[:2]),
                Instalment(due=parts[2], rest=True),
            )
        deposits = [
            other
            for other in self.invoices.values()
            if other.kind == "deposit"
            and other.currency == currency
            and other.issued
            and other.issued <= issued
            and not any(other.id in final.deposits_deducted for final in self.invoices.values())
        ]
        if deposits:
            extra |= {"kind": "final", "deposits_deducted": (deposits[0].id,)}
            extra.pop("discount", None)
        elif chance.random() < 0.3:
            lines = (Line(description="Deposit", unit_price=self._amount(9, currency), tax=chance.choice(TAXES)),)
            extra |= {"kind": "deposit"}
            extra.pop("discount", None)
        state = chance.random()
        if state < 0.05:
            issued = LAST + dt.timedelta(days=5)
            extra = {"due": issued}
        elif state < 0.1 and not deposits and extra.get("kind") != "deposit":
            extra["void"] = Void(date=issued + dt.timedelta(days=3), reason="Twice")
        self.invoices[key] = Invoice(
            path=f"content/clients/{self.name}/invoices/{key}.yaml",
            client=self.name,
            id=key,
            number=key.upper(),
            issued=None if state > 0.97 and not deposits and extra.get("kind") != "deposit" else issued,
            currency=currency,
            lines=lines,
            **extra,
        )

    def _line(self, currency: str) -> Line:
        chance = self.chance
        return Line(
            description=chance.choice(("Session", 'A "quoted"; thing | (so)', "=1+1", "جلسة")),
            service=chance.choice(SERVICES),
            quantity=Decimal(chance.choice(("1", "2", "0.25", "3.333333"))),
            unit_price=self._amount(300, currency),
            tax=chance.choice(TAXES),
            discount=Reduction(percent=Decimal(15)) if chance.random() < 0.2 else None,
        )

    def _life(self, facts: InvoiceFacts, deducted: bool) -> None:
        """What becomes of an invoice, day by day; nothing is paid beyond what it asks for."""
        chance, invoice = self.chance, facts.invoice
        currency, open_, paid, credited = facts.currency, facts.amount, ZERO, False
        assert invoice.issued is not None
        day = invoice.issued
        for _ in range(chance.randint(0, 4)):
            day = min(self._day(day, 6) + dt.timedelta(days=1), LAST)
            step = chance.random()
            if step < 0.6 and open_ > 0:
                part = open_ if chance.random() < 0.5 else rounded(open_ * Decimal("0.37"), currency)
                self._pay(day, currency, invoice.id, part)
                open_, paid = open_ - part, paid + part
            elif step < 0.7 and paid > 0:
                part = paid if chance.random() < 0.5 else rounded(paid / 3, currency)
                self._pay(day, currency, invoice.id, -part)
                open_, paid = open_ + part, paid - part
            elif step < 0.85 and not credited and not deducted and invoice.write_off is None:
                credited = True
                open_ -= self._credit(facts, day)
            elif open_ > 0 and invoice.write_off is None:
                part = open_ if chance.random() < 0.6 else rounded(open_ / 2, currency)
                if part > 0:
                    invoice = msgspec.structs.replace(
                        invoice, write_off=WriteOff(date=day, amount=part, reason="Moved away")
                    )
                    self.invoices[invoice.id] = invoice
                    open_ -= part
            day += dt.timedelta(days=1)

    def _pay(self, day: dt.date, currency: str, invoice: str, amount: Decimal) -> None:
        if amount:
            self.paid.append((day, currency, invoice, amount))

    def _credit(self, facts: InvoiceFacts, day: dt.date) -> Decimal:
        """All of the invoice, or half of one tax group; what is taken back, with tax."""
        group = self.chance.choice(facts.totals.groups)
        note: dict[str, Any] = {"full": True}
        amount = facts.totals.total
        if self.chance.random() < 0.6 and group.base > quantum(facts.currency) * 4:
            price = rounded(group.base / 2, facts.currency)
            tax = next(tax for tax in TAXES if (tax.category, tax.rate or ZERO) == (group.key.category, group.key.rate))
            note = {"lines": (Line(description="Half of it", unit_price=price, tax=tax),)}
            amount = price
            if not self.shared.site.practice.price_includes_tax:
                amount += rounded(price * group.key.rate / 100, facts.currency)
        key = f"cn-{facts.invoice.id}"
        self.notes.append(
            CreditNote(
                path=f"content/clients/{self.name}/credit-notes/{key}.yaml",
                client=self.name,
                id=key,
                number=key.upper(),
                invoice=facts.invoice.id,
                issued=day,
                reason="Cancelled",
                **note,
            )
        )
        return amount

    def _payments(self) -> list[Payment]:
        """What came in on one day in one currency is often one payment."""
        payments: list[Payment] = []
        groups: dict[tuple[dt.date, str, bool, int], list[Allocation]] = {}
        for n, (day, currency, invoice, amount) in enumerate(self.paid):
            at = (day, currency, amount > 0, 0 if self.chance.random() < 0.7 else n + 1)
            groups.setdefault(at, []).append(Allocation(invoice=invoice, amount=amount))
        for (day, currency, positive, _), allocations in groups.items():
            amount = sum((part.amount for part in allocations), ZERO)
            if positive and self.chance.random() < 0.1:
                amount += self._amount(30, currency)
            payments.append(self._payment(day, currency, amount, tuple(allocations), len(payments)))
        if self.chance.random() < 0.3:
            currency = self.chance.choice(CURRENCIES)
            payments.append(self._payment(self._day(FIRST, 80), currency, self._amount(50, currency), (), 900))
            late = self._payment(LAST, currency, self._amount(500, currency), (), 901)
            payments.append(msgspec.structs.replace(late, auto=True))
        for n, status in enumerate(("pending", "failed", "bounced")):
            currency = self.chance.choice(CURRENCIES)
            odd = self._payment(self._day(FIRST), currency, self._amount(50, currency), (), 910 + n)
            payments.append(msgspec.structs.replace(odd, status=status))
        return payments

    def _payment(
        self, day: dt.date, currency: str, amount: Decimal, allocations: tuple[Allocation, ...], n: int = 999
    ) -> Payment:
        chance = self.chance
        return Payment(
            id=f"{self.name}-p{n}-{currency.lower()}",
            date=day,
            amount=amount,
            currency=currency,
            method=chance.choice(METHODS),
            fee=quantum(currency) * 7 if chance.random() < 0.2 else None,
            rate=Decimal("0.0061") if currency == "JPY" and chance.random() < 0.3 else None,
            reference=chance.choice((None, "RF18 5390", '"=cmd, date:2020-01-01; [2020-01-01]')),
            allocations=allocations,
        )
