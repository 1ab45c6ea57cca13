"""Which open invoice a row pays: certain by its reference, else a proposal with its reasons, the likeliest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.documents import Payment
from portalgen.desk.imports.payers import Known, Payers
from portalgen.desk.imports.references import Named
from portalgen.desk.imports.rows import Row, base
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.money import CONTEXT, ZERO, Money, rounded, total

NEAR = dt.timedelta(days=3)
SAME_ID = dt.timedelta(days=7)
LIKELY = 30  # the score that a proposal needs
REFUND = 55  # that of money which went out and names no invoice
MOST = 3  # proposals for a row


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a row for one invoice, in the invoice's currency, signed. `rate` where it was paid in another one."""

    invoice: str
    money: Money
    rate: Decimal | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What a row may be: money for these invoices of a client, and what speaks for it."""

    client: str
    shares: tuple[Share, ...]
    payer: str | None
    score: int
    reasons: tuple[str, ...]


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """A client as the books are now, with who may pay."""

    folder: ClientFolder
    account: Account
    payers: Payers


def open_amount(files: Files, facts: InvoiceFacts, today: dt.date) -> Decimal:
    """What an invoice still asks for, less what is booked for days to come."""
    later = (
        part.amount
        for payment in files.folder.payments
        if payment.date > today and payment.status == "cleared"
        for part in payment.allocations
        if part.invoice == facts.invoice.id
    )
    return max(facts.status.balance - total(later), ZERO)


def candidates(row: Row, named: Named, clients: Mapping[str, Files], today: dt.date) -> tuple[Candidate, ...]:
    """What the row may be, the likeliest first."""
    found = [one for client, files in clients.items() for one in _of_client(row, named, client, files, today)]
    least = LIKELY if row.amount > 0 or row.kind == "refund" else REFUND
    fitting = [one for one in found if one.score >= least]
    best = max((one.score for one in fitting), default=0)
    order = sorted(fitting, key=lambda one: (-one.score, one.client, one.shares[0].invoice))
    return tuple(one for one in order if one.score * 2 >= best)[:MOST]


def booked_before(row: Row, payments: Iterable[Payment]) -> tuple[bool, str]:
    """Whether the row is in the books, and else what is odd: its id is there, with other money."""
    same = [payment for payment in payments if payment.source and _same(row, payment, payment.source.row)]
    if not same:
        return False, ""
    ids = ", ".join(payment.id for payment in same)
    for money in (Money(row.amount, row.currency), row.sent):
        booked = total(payment.amount for payment in same if money and payment.currency == money.currency)
        if money and booked == money.amount and all(abs(payment.date - row.date) <= SAME_ID for payment in same):
            return True, ids
    return False, f"a row with this id is booked as {ids}, with another amount or date"


def by_hand(row: Row, files: Files, invoice: str, method: str) -> Payment | None:
    """A payment that somebody entered, which is perhaps this row."""
    for payment in files.folder.payments:
        touches = not payment.allocations or any(part.invoice == invoice for part in payment.allocations)
        money = (payment.amount, payment.currency)
        if (
            payment.source is None
            and payment.status not in ("failed", "bounced")
            and abs(payment.date - row.date) <= NEAR
            and money in ((row.amount, row.currency), (row.sent.amount, row.sent.currency) if row.sent else None)
            and payment.method == method
            and touches
        ):
            return payment
    return None


def _same(row: Row, payment: Payment, id_: str) -> bool:
    """Whether a booked id is this row's; one of them may be lengthened, as its file had the id on several rows."""
    if id_ == row.id:
        return True
    lengthened = base(id_) == base(row.id) != "" and (id_ == base(id_)) != (row.id == base(row.id))
    return lengthened and (payment.amount, payment.currency) == (row.amount, row.currency)


def _of_client(row: Row, named: Named, client: str, files: Files, today: dt.date) -> Iterator[Candidate]:
    known = files.payers.known(row.payer, row.email, row.text)
    owed: list[Share] = []
    for facts in files.account.invoices.values():
        id_ = facts.invoice.id
        if facts.status.document != "issued":
            continue
        money, rate = _in_currency(row, facts.currency)
        points = [*_by_reference(named, facts), *_by_amount(money, files, facts, today)]
        meant = id_ in named.exact or id_ in named.unclear or id_ in named.nearly
        there = open_amount(files, facts, today) if row.amount > 0 else facts.entries.paid
        if money is None or (there <= 0 and not meant):
            continue
        if known.score:
            points.append((known.score, known.reason))
        if rate is not None:
            points.append((0, f"{money.amount:f} {money.currency} was changed to {row.amount:f} {row.currency}"))
        if there <= 0:
            points.append((-20, "it is paid already" if row.amount > 0 else "nothing was paid for it"))
        share = Share(invoice=id_, money=money, rate=rate)
        yield _candidate(client, (share,), known, row, points)
        if row.amount > 0 and rate is None and there > 0:
            owed.append(Share(invoice=id_, money=facts.money(there)))
    if len(owed) > 1 and known.score >= 15 and total(share.money.amount for share in owed) == row.amount:
        points = [(known.score, known.reason), (40, f"it is all that is open, for {len(owed)} invoices")]
        yield _candidate(client, tuple(owed), known, row, points)


def _candidate(
    client: str, shares: tuple[Share, ...], known: Known, row: Row, points: Iterable[tuple[int, str]]
) -> Candidate:
    told = list(points)
    return Candidate(
        client=client,
        shares=shares,
        payer=known.payer if known.score else row.payer or None,
        score=sum(score for score, _ in told),
        reasons=tuple(reason for _, reason in sorted(told, key=lambda point: -point[0])),
    )


def _in_currency(row: Row, currency: str) -> tuple[Money | None, Decimal | None]:
    """The row's money in an invoice's currency, with the rate where the payer gave another than arrived."""
    if row.currency == currency:
        return Money(rounded(row.amount, currency), currency), None
    if row.sent and row.sent.currency == currency:
        rate = CONTEXT.divide(row.amount, row.sent.amount).quantize(Decimal("0.000001"))
        return Money(rounded(row.sent.amount, currency), currency), rate
    return None, None


def _by_reference(named: Named, facts: InvoiceFacts) -> Iterator[tuple[int, str]]:
    id_, number = facts.invoice.id, facts.invoice.number or facts.invoice.id
    if id_ in named.exact:
        yield 100, f"it names {number}"
    elif id_ in named.unclear:
        yield 60, f"what it names may be {number}"
    elif id_ in named.nearly:
        yield 40, f"it says '{named.nearly[id_]}', nearly {number}"


def _by_amount(money: Money | None, files: Files, facts: InvoiceFacts, today: dt.date) -> Iterator[tuple[int, str]]:
    if money is None:
        return
    amount = money.amount
    if amount < 0:
        if -amount == facts.status.surplus:
            yield 30, "it is what was paid too much"
        elif -amount == facts.entries.paid:
            yield 25, "it is what was paid"
        elif any(part.amount == -amount for part in facts.allocations):
            yield 20, "it is as much as a payment"
    elif amount == open_amount(files, facts, today):
        yield 30, "it is what is open"
    elif amount == facts.status.due_now:
        yield 27, "it is what is due now"
    elif any(amount == part.amount for part in facts.parts):
        yield 25, "it is one part of the plan"
    elif amount == facts.amount:
        yield 20, "it is the whole amount"
