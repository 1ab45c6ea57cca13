"""What credit notes take back of an invoice: at most its total in every tax group, and in the end exactly that.

Tax is rounded on each document, so the taxes of several credit notes may miss the invoice's by a cent. A credit note
never takes more tax than is left, and the one that takes the last of a group takes its tax as it is left (domain §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from portalgen.rules.money import CONTEXT, ZERO, rounded, total
from portalgen.rules.totals import (
    HUNDRED,
    PricedLine,
    TaxGroup,
    TaxKey,
    Totals,
    after_discount,
    compute,
    line_amount,
    net_parts,
)


class Left(msgspec.Struct, frozen=True):
    """What credit notes have left of a tax group."""

    base: Decimal
    tax: Decimal

    def __bool__(self) -> bool:
        return self.base + self.tax != 0

    def priced(self, includes_tax: bool) -> Decimal:
        """The amount as prices are: with tax where they include it."""
        return self.base + self.tax if includes_tax else self.base


class Excess(msgspec.Struct, frozen=True):
    """A tax group of a credit note above what is left of it, `limit`, which is as the credit note's prices are."""

    key: TaxKey
    limit: Decimal


NOTHING = Left(ZERO, ZERO)


def left_of(of: Totals, earlier: Iterable[Totals]) -> dict[TaxKey, Left]:
    """What earlier credit notes left of each of the invoice's tax groups, in its order."""
    bases = {group.key: group.base for group in of.groups}
    taxes = {group.key: group.tax for group in of.groups}
    for totals in earlier:
        for group in totals.groups:
            if group.key in bases:
                bases[group.key] -= group.base
                taxes[group.key] -= group.tax
    return {key: _left(bases[key], taxes[key]) for key in bases}


def _left(base: Decimal, tax: Decimal) -> Left:
    """Where an older credit note took more of the one than there was, only the sum of both counts."""
    return Left(base + tax, ZERO) if base <= 0 or tax < 0 else Left(base, tax)


def the_rest(of: Totals, earlier: Sequence[Totals]) -> Totals:
    """All that earlier credit notes left of an invoice; all of it if nothing is left, which is too much."""
    left = left_of(of, earlier)
    lines = [line for key in left for line in _rest_lines(of, key, left[key].priced(of.includes_tax), earlier)]
    if not earlier or not lines:
        return of
    return settled(compute(lines, of.currency, includes_tax=of.includes_tax), of, earlier)


def settled(totals: Totals, of: Totals, earlier: Sequence[Totals]) -> Totals:
    """A credit note's totals with the tax that the invoice still has, and its rounding if nothing is left then."""
    left = left_of(of, earlier)
    groups = tuple(_settled(group, left.get(group.key), totals.includes_tax) for group in totals.groups)
    nets = list(totals.nets)
    for group in groups if totals.includes_tax else ():
        own = [n for n, line in enumerate(totals.lines) if line.tax == group.key]
        parts = net_parts([totals.amounts[n] for n in own], group.key.rate, group.base, totals.currency)
        for n, net in zip(own, parts, strict=True):
            nets[n] = net
    result = msgspec.structs.replace(
        totals,
        nets=tuple(nets),
        net_total=total(nets),
        groups=groups,
        total_without_tax=total(group.base for group in groups),
        total_tax=total(group.tax for group in groups),
        total_with_tax=total(group.base + group.tax for group in groups),
    )
    if any(left_of(of, [*earlier, result]).values()):
        return result
    return msgspec.structs.replace(result, rounding=of.rounding - total(one.rounding for one in earlier))


def _settled(group: TaxGroup, left: Left | None, includes_tax: bool) -> TaxGroup:
    if left is None:
        return group
    asked, limit = Left(group.base, group.tax).priced(includes_tax), left.priced(includes_tax)
    if asked == limit:
        return msgspec.structs.replace(group, base=left.base, tax=left.tax)
    if asked > limit:
        return group
    tax = min(group.tax, left.tax)
    if includes_tax:
        tax = max(tax, asked - left.base)
        return msgspec.structs.replace(group, base=asked - tax, tax=tax)
    return msgspec.structs.replace(group, tax=tax)


def excesses(totals: Totals, left: Mapping[TaxKey, Left]) -> Iterator[Excess]:
    """The tax groups of a credit note that come to more than is left."""
    for group in totals.groups:
        limit = left.get(group.key, NOTHING)
        asked = Left(group.base, group.tax)
        if asked.base + asked.tax > limit.base + limit.tax or group.key not in left:
            yield Excess(group.key, max(limit.priced(totals.includes_tax), ZERO))


def taken_line(line: PricedLine, amount: Decimal, currency: str, percent: Decimal | None, reason: str) -> PricedLine:
    """The line as it was invoiced, at `amount` after the discount on the whole invoice too.

    Where one percentage gives that amount it is told, else what was taken off.
    """
    before = line.before_discount
    told = "; ".join(dict.fromkeys(text for text in (line.discount_reason, reason) if text))
    choices = [line]
    if percent and not line.discount:
        share = CONTEXT.divide(CONTEXT.multiply(before, percent), HUNDRED)
        choices.append(msgspec.structs.replace(line, discount=share, discount_percent=percent, discount_reason=reason))
    found = next((one for one in choices if line_amount(one, currency) == amount), None)
    off = rounded(before, currency) - amount
    return found or msgspec.structs.replace(line, discount=off, discount_percent=None, discount_reason=told)


def _rest_lines(of: Totals, key: TaxKey, left: Decimal, earlier: Iterable[Totals]) -> Iterator[PricedLine]:
    """The lines that nobody took back; where parts of lines were taken, one line with the words of all."""
    if left <= 0:
        return
    amounts = after_discount(of)
    lines = [(line, amount) for line, amount in zip(of.lines, amounts, strict=True) if line.tax == key and amount]
    for charge in of.charges:
        if charge.tax == key:
            line = _plain(charge.reason, charge.amount, key, charge.tax_reason)
            lines.append((line, charge.amount))
    gone = [
        (line.description, line.date, amount)
        for totals in earlier
        for line, amount in zip(totals.lines, totals.amounts, strict=True)
        if line.tax == key
    ]
    kept = []
    for line, amount in lines:
        if (one := (line.description, line.date, amount)) in gone:
            gone.remove(one)
        else:
            kept.append((line, amount))
    if total(amount for _, amount in kept) == left:
        yield from (taken_line(line, amount, of.currency, None, "") for line, amount in kept)
        return
    words = "; ".join(dict.fromkeys(line.description for line, _ in kept or lines))
    reasons = "; ".join(dict.fromkeys(line.tax_reason for line, _ in lines if line.tax_reason))
    yield _plain(words, left, key, reasons)


def _plain(words: str, amount: Decimal, key: TaxKey, why: str) -> PricedLine:
    return PricedLine(description=words, quantity=Decimal(1), unit_price=amount, unit="item", tax=key, tax_reason=why)
