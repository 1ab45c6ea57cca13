"""Which services and taxes an amount is made of: of a document, and of a payment for a part of it.

Everything here sums exactly to the amount it was cut from, so that books, year summaries and invoices agree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.documents import Invoice, Line
from portalgen.rules.facts import Account, Allocated, Credit, InvoiceFacts
from portalgen.rules.money import CONTEXT, ZERO, rounded, split, total
from portalgen.rules.totals import TaxKey, Totals


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What one service has under one tax. `key` is None for cash rounding, `service` empty where none is named.

    `deposit`: asked for by a deposit invoice, so owed to the client until a final invoice deducts it.
    """

    key: TaxKey | None
    service: str = ""
    deposit: bool = False
    net: Decimal
    tax: Decimal = ZERO

    @property
    def gross(self) -> Decimal:
        """With tax."""
        return self.net + self.tax


Slices = tuple[Slice, ...]


class PaidPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment did for one invoice. What `slices` leave of `amount` was more than the invoice asked for."""

    facts: InvoiceFacts
    amount: Decimal
    slices: Slices


def gross(slices: Iterable[Slice]) -> Decimal:
    """The sum of slices, with tax."""
    return total([part.net + part.tax for part in slices])


def combined(*several: Slices) -> Slices:
    """Slices added up; what comes to nothing is left out."""
    sums: dict[tuple[TaxKey | None, str, bool], tuple[Decimal, Decimal]] = {}
    for slices in several:
        for part in slices:
            at = (part.key, part.service, part.deposit)
            net, tax = sums.get(at, (ZERO, ZERO))
            sums[at] = (net + part.net, tax + part.tax)
    return tuple(
        Slice(key=key, service=service, deposit=deposit, net=net, tax=tax)
        for (key, service, deposit), (net, tax) in sums.items()
        if net or tax
    )


def negated(slices: Slices) -> Slices:
    """The same taken away."""
    return tuple(msgspec.structs.replace(part, net=-part.net, tax=-part.tax) for part in slices)


def portion(slices: Slices, amount: Decimal, currency: str) -> Slices:
    """The slices of a part of what they come to. Taxes are shared first, then within each its services."""
    whole = gross(slices)
    if amount == whole:
        return slices
    groups: dict[tuple[TaxKey | None, bool], list[Slice]] = {}
    for part in slices:
        groups.setdefault((part.key, part.deposit), []).append(part)
    sums = [total(values) for parts in groups.values() for values in ((p.net for p in parts), (p.tax for p in parts))]
    shared = iter(_spread(amount, sums, currency))
    found = []
    for parts in groups.values():
        nets = _spread(next(shared), [part.net for part in parts], currency)
        taxes = _spread(next(shared), [part.tax for part in parts], currency)
        found += [
            msgspec.structs.replace(part, net=net, tax=tax) for part, net, tax in zip(parts, nets, taxes, strict=True)
        ]
    return combined(tuple(found))


def invoice_slices(folder: ClientFolder, account: Account, facts: InvoiceFacts) -> Slices:
    """What the invoice asks for; the deposits that it deducts are taken away as they were asked for."""
    slices = _own(folder, facts)
    for deducted in facts.deposits:
        deposit = account.invoices[deducted.id]
        left = _less_credits(folder, deposit, _own(folder, deposit), facts.invoice.issued)
        slices = combined(slices, negated(portion(left, deducted.amount, facts.currency)))
    return slices


def credit_slices(folder: ClientFolder, facts: InvoiceFacts, credit: Credit) -> Slices:
    """What a credit note takes back, positive. A line without a service takes from those of its invoice."""
    if credit.note.full and credit.totals.lines == facts.totals.lines:
        return _own(folder, facts)
    services = _services(folder, credit.note.lines) or ("",) * len(credit.totals.lines)
    return slices_of(credit.totals, services, deposit=_deposit(facts.invoice), of=_own(folder, facts))


def paid_parts(folder: ClientFolder, account: Account) -> dict[str, list[PaidPart]]:
    """What every cleared payment did, by its id. What is paid for no issued invoice yet is missing here.

    A payment gets what is paid of each slice after it less what was paid before, so that the payments of a paid invoice
    come to its own slices exactly. Credits count from their day on.
    """
    found: dict[str, list[PaidPart]] = {}
    for facts in account.invoices.values():
        if facts.status.document != "issued":
            continue
        cleared = [part for part in facts.allocations if part.payment.status == "cleared"]
        if not cleared:
            continue
        asked = invoice_slices(folder, account, facts)
        paid = ZERO
        before: Slices = ()
        for part in sorted(cleared, key=_date):
            paid += part.amount
            left = _less_credits(folder, facts, asked, part.payment.date)
            whole = gross(left)
            after = left if paid >= whole >= 0 else portion(left, max(min(paid, whole), ZERO), facts.currency)
            slices = combined(after, negated(before)) if before else after
            found.setdefault(part.payment.id, []).append(PaidPart(facts=facts, amount=part.amount, slices=slices))
            before = after
    return found


def line_services(folder: ClientFolder, invoice: Invoice) -> tuple[str, ...]:
    """The service of each line, named or that of its session; empty where there is none."""
    return _services(folder, invoice.lines)


def slices_of(totals: Totals, services: Sequence[str], *, deposit: bool = False, of: Slices = ()) -> Slices:
    """The document's tax groups shared among their services by the lines' nets; a charge has no service.

    `of` are the slices of the invoice that a credit note is for.
    """
    if not of and not totals.charges and len({*services}) == 1:
        return _whole(totals, services[0], deposit)
    slices: list[Slice] = []
    for group in totals.groups:
        weights: dict[str, Decimal] = {}
        known = {part.service: part.net for part in of if part.key == group.key}
        whole = total(known.values())
        for line, net, service in zip(totals.lines, totals.nets, services, strict=True):
            if line.tax != group.key:
                continue
            if service in known or not whole:
                weights[service] = weights.get(service, ZERO) + net
            else:
                for name, part in known.items():
                    share = CONTEXT.divide(CONTEXT.multiply(net, part), whole)
                    weights[name] = weights.get(name, ZERO) + share
        nets = _spread(group.base - group.charge, list(weights.values()), totals.currency)
        shared = dict(zip(weights, nets, strict=True))
        if group.charge:
            shared[""] = shared.get("", ZERO) + group.charge
        taxes = _spread(group.tax, list(shared.values()), totals.currency)
        slices += [
            Slice(key=group.key, service=service, deposit=deposit, net=net, tax=tax)
            for (service, net), tax in zip(shared.items(), taxes, strict=True)
        ]
    if totals.rounding:
        slices.append(Slice(key=None, net=totals.rounding, deposit=deposit))
    return combined(tuple(slices))


def _date(part: Allocated) -> dt.date:
    return part.payment.date


def _services(folder: ClientFolder, lines: Sequence[Line]) -> tuple[str, ...]:
    named = {line.session for line in lines if line.session} if folder.sessions else ()
    sessions = {session.id: session.service for session in folder.sessions if session.id in named} if named else {}
    return tuple([line.service or sessions.get(line.session or "", "") for line in lines])


def _deposit(invoice: Invoice) -> bool:
    return invoice.kind == "deposit"


def _own(folder: ClientFolder, facts: InvoiceFacts) -> Slices:
    return slices_of(facts.totals, _services(folder, facts.invoice.lines), deposit=_deposit(facts.invoice))


def _less_credits(folder: ClientFolder, facts: InvoiceFacts, slices: Slices, day: dt.date | None) -> Slices:
    """The slices less what was credited by a day."""
    credits = [credit for credit in facts.credits if day is None or credit.note.issued <= day]
    if not credits:
        return slices
    return combined(slices, *(negated(credit_slices(folder, facts, credit)) for credit in credits))


def _whole(totals: Totals, service: str, deposit: bool) -> Slices:
    """The same of a document whose lines are all of one service, so that nothing has to be shared."""
    slices = [
        Slice(key=group.key, service=service, deposit=deposit, net=group.base, tax=group.tax)
        for group in totals.groups
        if group.base or group.tax
    ]
    if totals.rounding:
        slices.append(Slice(key=None, net=totals.rounding, deposit=deposit))
    return tuple(slices)


def _spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """Parts of `amount` in proportion to weights that may also be negative; a cent left over goes to the largest."""
    if len(weights) == 1 and weights[0] >= 0:
        return split(amount, weights, currency)
    whole = total(weights)
    if all(weight >= 0 for weight in weights) or not whole:
        return split(amount, [abs(weight) for weight in weights], currency)
    parts = [rounded(CONTEXT.divide(CONTEXT.multiply(amount, weight), whole), currency) for weight in weights]
    largest = max(range(len(weights)), key=lambda n: abs(weights[n]))
    parts[largest] += amount - total(parts)
    return tuple(parts)
