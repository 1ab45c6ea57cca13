"""The journal as Beancount and hledger read it. Both files are complete: currencies, accounts, balances to check."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from portalgen.desk.exports.journal import Journal, Posting, Transaction
from portalgen.rules.money import ZERO, minor_digits, rounded

_DAY = dt.timedelta(days=1)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+|\s+")


def beancount(journal: Journal) -> str:
    """The journal for Beancount 2 and 3."""
    lines = [
        f"option {_quoted('title')} {_quoted(journal.title)}",
        f"option {_quoted('operating_currency')} {_quoted(journal.home)}",
        "",
    ]
    first = min(journal.accounts.values(), default=None)
    lines += [f"{first} commodity {currency}" for currency in journal.currencies]
    lines += [f"{day} open {account}" for account, day in journal.accounts.items()]
    lines += [f"{price.date} price {price.currency} {price.rate.normalize():f} {price.to}" for price in journal.prices]
    for transaction in journal.transactions:
        lines += ["", *_beancount(transaction)]
    if journal.last:
        lines.append("")
        after = journal.last + _DAY
        lines += [f"{after} balance {one.account} {_exactly(one)}" for one in journal.closing]
    return "\n".join(lines) + "\n"


def hledger(journal: Journal) -> str:
    """The journal for hledger 1.20 or later, such that `hledger check --strict` accepts it."""
    lines = [f"; {_plain(journal.title)}", "decimal-mark ."]
    for currency in journal.currencies:
        digits = minor_digits(currency)
        lines.append(f"commodity 1000.{'0' * digits} {currency}")
    lines += [f"account {account}" for account in journal.accounts]
    lines += [f"P {price.date} {price.currency} {price.rate.normalize():f} {price.to}" for price in journal.prices]
    for transaction in journal.transactions:
        lines += ["", *_hledger(transaction)]
    if journal.last and journal.closing:
        lines += ["", f"{journal.last} * (closing) What the accounts come to"]
        width = max(len(posting.account) for posting in journal.closing)
        for posting in journal.closing:
            nothing = f"{rounded(ZERO, posting.currency):f} {posting.currency}"
            lines.append(f"    {posting.account:{width}}  {nothing} = {_amount(posting)}")
    return "\n".join(lines) + "\n"


def _beancount(transaction: Transaction) -> Iterator[str]:
    marks = [f"#{transaction.kind}", *(f"^{invoice}" for invoice in transaction.invoices)]
    payee = f"{_quoted(transaction.payee)} " if transaction.payee else ""
    yield f"{transaction.date} * {payee}{_quoted(transaction.text)} {' '.join(marks)}"
    seen: dict[str, str] = {}
    for name, value in transaction.notes:
        seen[name] = f"{seen[name]}, {value}" if name in seen else value
    for name, value in seen.items():
        yield f"  {name}: {value if name == 'due' else _quoted(value)}"
    yield from _lines(transaction.postings, "  ")


def _hledger(transaction: Transaction) -> Iterator[str]:
    code = _plain(transaction.code).replace(")", "]").replace("(", "[")
    payee = f"{_plain(transaction.payee)} | " if transaction.payee else ""
    yield f"{transaction.date} * ({code}) {payee}{_plain(transaction.text)}"
    for name, value in [("kind", transaction.kind), *(("invoice", key) for key in transaction.invoices)]:
        yield f"    ; {name}:{value}"
    for name, value in transaction.notes:
        yield f"    ; {name}:{_plain(value).replace(',', ' ')}"
    yield from _lines(transaction.postings, "    ")


def _lines(postings: Iterable[Posting], indent: str) -> Iterator[str]:
    rows = [(posting.account, _amount(posting)) for posting in postings]
    width = max(len(account) for account, _ in rows)
    figures = max(len(amount) for _, amount in rows)
    for account, amount in rows:
        yield f"{indent}{account:{width}}  {amount:>{figures}}"


def _amount(posting: Posting) -> str:
    return f"{rounded(posting.amount, posting.currency):f} {posting.currency}"


def _exactly(posting: Posting) -> str:
    """An amount to check; Beancount would let it differ by the smallest unit."""
    return f"{rounded(posting.amount, posting.currency):f} ~ 0 {posting.currency}"


def _quoted(text: str) -> str:
    escaped = _UNSEEN.sub(" ", text).strip().replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """A text on one line in which hledger finds neither comment nor payee."""
    return _UNSEEN.sub(" ", text).strip().replace(";", ",").replace("|", "/")
