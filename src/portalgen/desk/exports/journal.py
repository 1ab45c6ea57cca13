"""Double-entry transactions from the books, whatever program they are for (design §5).

Receivables stand under `Assets:Receivable:<Client>`, what a client has paid ahead stays there; a security is owed to
the client under `Liabilities:Security:<Client>` until an invoice draws on it. A void invoice ledgers nothing. Names are
made from ids: the first letter large, so that two ids never give one name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from portalgen.content.records.documents import Payment
from portalgen.desk.exports.ledgers import Ledger, Ledgers
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.ledger import Entry, closing
from portalgen.rules.money import ZERO, total
from portalgen.rules.shares import Slices, credit_slices, invoice_slices, negated

OPENING = "Equity:Opening-Balances"
_RECEIVABLE = "Assets:Receivable"
_SECURITY = "Liabilities:Security"
_TAKEN: Mapping[str, frozenset[str]] = {
    "Assets": frozenset(("receivable",)),
    "Income": frozenset(("other", "rounding")),
}
"""Ids whose account would be one of ours; they get a large letter more, which no id has."""


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """An amount on an account; the postings of a transaction come to zero in every currency."""

    account: str
    amount: Decimal
    currency: str


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One movement. `notes` are names and texts; names are small letters and hyphens."""

    date: dt.date
    code: str
    payee: str
    text: str
    kind: str
    invoices: tuple[str, ...] = ()  # ids
    notes: tuple[tuple[str, str], ...] = ()
    postings: tuple[Posting, ...]


class Price(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What one of a currency was worth on a day, by the practice's own records."""

    date: dt.date
    currency: str
    to: str
    rate: Decimal


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """A journal. `accounts`: each with the day of its first use; `closing`: what the lasting ones come to last."""

    title: str
    home: str
    currencies: tuple[str, ...]
    accounts: Mapping[str, dt.date]
    prices: tuple[Price, ...]
    transactions: tuple[Transaction, ...]
    closing: tuple[Posting, ...]

    @property
    def last(self) -> dt.date | None:
        """The day of the last transaction."""
        return self.transactions[-1].date if self.transactions else None


def journal_of(ledgers: Ledgers) -> Journal:
    """The journal of the books, or of their year with the balances it opens with."""
    practice = ledgers.shared.site.practice
    moved = [(transaction, ledgers.before(entry.date)) for entry, transaction in _transactions(ledgers)]
    before = [transaction for transaction, early in moved if early]
    shown = [transaction for transaction, early in moved if not early]
    if opening := _opening(before, ledgers.year):
        shown.insert(0, opening)
    accounts: dict[str, dt.date] = {}
    for transaction in shown:
        for posting in transaction.postings:
            accounts.setdefault(posting.account, transaction.date)
    prices = tuple(price for price in _prices(ledgers) if ledgers.shows(price.date))
    return Journal(
        title=practice.name,
        home=practice.currency,
        currencies=tuple(sorted({posting.currency for one in shown for posting in one.postings})),
        accounts=dict(sorted(accounts.items())),
        prices=prices,
        transactions=tuple(shown),
        closing=_closing(ledgers, shown),
    )


def receivable(client: str) -> str:
    """The account of what a client owes."""
    return f"{_RECEIVABLE}:{_name(client)}"


def _name(key: str, root: str = "") -> str:
    return key[0].upper() + key[1:] + ("-Own" if key in _TAKEN.get(root, ()) else "")


def _transactions(ledgers: Ledgers) -> Iterator[tuple[Entry, Transaction]]:
    payments = {
        (ledger.folder.id, payment.id): payment for ledger in ledgers.clients for payment in ledger.folder.payments
    }
    for ledger, entry in ledgers.movements():
        if entry.kind in ("payment", "refund", "security"):
            yield entry, _paid(ledger, entry, payments[ledger.folder.id, entry.ref])
        elif entry.kind == "drawn":
            text = f"Taken from the security for {ledger.account.invoices[entry.invoice].invoice.number}"
            yield entry, _transaction(ledger, entry, text, [("payment", entry.ref)], (), (entry.invoice,))
        else:
            yield entry, _document(ledger, entry, ledger.account.invoices[entry.invoice])


def _document(ledger: Ledger, entry: Entry, facts: InvoiceFacts) -> Transaction:
    notes: list[tuple[str, str]] = [("number", entry.number)]
    what = {"invoice": "Invoice", "credit-note": "Credit note", "write-off": "Written off: invoice"}[entry.kind]
    if entry.kind == "write-off":
        counter = [Posting(account="Expenses:WriteOffs", amount=-entry.amount, currency=entry.currency)]
    elif entry.kind == "credit-note":
        credit = next(credit for credit in facts.credits if credit.note.id == entry.ref)
        counter = _postings(ledger, credit_slices(ledger.folder, facts, credit), entry.currency)
        notes.append(("credits", facts.invoice.number or ""))
    else:
        slices = invoice_slices(ledger.folder, ledger.account, facts)
        counter = _postings(ledger, negated(slices), entry.currency)
        notes += [("due", facts.due.isoformat())] if facts.due else []
        notes += [("deducts", deposit.number) for deposit in facts.deposits]
    return _transaction(ledger, entry, f"{what} {entry.number}", notes, counter, (entry.invoice,))


def _paid(ledger: Ledger, entry: Entry, payment: Payment) -> Transaction:
    numbers = sorted(
        (facts.invoice.number or "", facts.invoice.id)
        for facts in ledger.account.invoices.values()
        if any(part.payment.id == payment.id for part in facts.allocations)
    )
    of = f" for {', '.join(number for number, _ in numbers)}" if numbers else ", on account"
    of = ", as security" if entry.kind == "security" else of
    numbers = [] if entry.kind == "security" else numbers
    what = "Refund" if payment.amount < 0 else "Payment"
    money = f"Assets:{_name(payment.method, 'Assets')}"
    counter = [Posting(account=money, amount=payment.amount - (payment.fee or ZERO), currency=entry.currency)]
    if payment.fee:
        counter.append(Posting(account="Expenses:Fees", amount=payment.fee, currency=entry.currency))
    notes = [
        ("payment", payment.id),
        ("receipt", payment.receipt_number or ""),
        ("reference", payment.reference or ""),
        ("payer", payment.payer or ""),
    ]
    return _transaction(ledger, entry, what + of, notes, counter, tuple(key for _, key in numbers))


def _transaction(
    ledger: Ledger,
    entry: Entry,
    text: str,
    notes: Iterable[tuple[str, str]],
    counter: Iterable[Posting],
    invoices: tuple[str, ...],
) -> Transaction:
    own = [Posting(account=receivable(ledger.folder.id), amount=entry.amount, currency=entry.currency)]
    if entry.held:
        apart = Posting(account=f"{_SECURITY}:{_name(ledger.folder.id)}", amount=-entry.held, currency=entry.currency)
        own = [apart] if entry.kind == "security" else [*own, apart]
    return Transaction(
        date=entry.date,
        code=entry.number,
        payee=ledger.name,
        text=text,
        kind=entry.kind,
        invoices=invoices,
        notes=tuple((name, value) for name, value in notes if value),
        postings=(*own, *(posting for posting in counter if posting.amount)),
    )


def _postings(ledger: Ledger, slices: Slices, currency: str) -> list[Posting]:
    """Slices on their accounts: nets on those of their services, taxes on those of their rates."""
    sums: dict[str, Decimal] = {}
    for part in slices:
        if part.key is None:
            account = "Income:Rounding"
        elif part.deposit:
            account = f"Liabilities:Deposits:{_name(ledger.folder.id)}"
        else:
            account = f"Income:{_name(part.service, 'Income')}" if part.service else "Income:Other"
        sums[account] = sums.get(account, ZERO) + part.net
        if part.key:
            rate = f"{part.key.rate.normalize():f}".replace(".", "-")
            account = f"Liabilities:Tax:{part.key.category}-{rate}"
            sums[account] = sums.get(account, ZERO) + part.tax
    return [Posting(account=account, amount=amount, currency=currency) for account, amount in sums.items()]


def _lasting(postings: Iterable[Posting]) -> list[Posting]:
    """What accounts that are carried from year to year come to, by account and currency."""
    sums: dict[tuple[str, str], Decimal] = {}
    for posting in postings:
        if posting.account.startswith(("Assets:", "Liabilities:")):
            at = (posting.account, posting.currency)
            sums[at] = sums.get(at, ZERO) + posting.amount
    return [
        Posting(account=account, amount=amount, currency=currency)
        for (account, currency), amount in sorted(sums.items())
    ]


def _opening(before: Iterable[Transaction], year: int | None) -> Transaction | None:
    """What the accounts held when the year began, against equity."""
    held = [posting for posting in _lasting(p for one in before for p in one.postings) if posting.amount]
    if not held or year is None:
        return None
    equity = [
        Posting(
            account=OPENING, amount=-total(one.amount for one in held if one.currency == currency), currency=currency
        )
        for currency in sorted({posting.currency for posting in held})
    ]
    return Transaction(
        date=dt.date(year, 1, 1),
        code="opening",
        payee="",
        text=f"Balances at the beginning of {year}",
        kind="opening",
        postings=(*held, *(posting for posting in equity if posting.amount)),
    )


def _closing(ledgers: Ledgers, shown: Iterable[Transaction]) -> tuple[Posting, ...]:
    """What every lasting account comes to: the clients' as their balances have it, the others as they were booked."""
    booked = {(one.account, one.currency): one for one in _lasting(p for one in shown for p in one.postings)}
    for ledger in ledgers.clients:
        for currency, amount in closing(entry for entry in ledger.entries if entry.date <= ledgers.last).items():
            at = (receivable(ledger.folder.id), currency)
            if at in booked:
                booked[at] = Posting(account=at[0], amount=amount, currency=currency)
    return tuple(booked[at] for at in sorted(booked))


def _prices(ledgers: Ledgers) -> list[Price]:
    """The rates written on invoices and payments; of several for a day the last one counts."""
    home = ledgers.shared.site.practice.currency
    found: dict[tuple[dt.date, str, str], Price] = {}
    for ledger in ledgers.clients:
        for entry in ledger.entries:
            if entry.kind != "invoice":
                continue
            exchange = ledger.account.invoices[entry.ref].invoice.exchange
            if exchange and exchange.to != entry.currency:
                price = Price(date=exchange.date, currency=entry.currency, to=exchange.to, rate=exchange.rate)
                found[price.date, price.currency, price.to] = price
        for payment in ledger.folder.payments:
            if payment.rate and payment.currency != home and payment.status == "cleared":
                price = Price(date=payment.date, currency=payment.currency, to=home, rate=payment.rate)
                found[price.date, price.currency, price.to] = price
    return sorted(found.values())
