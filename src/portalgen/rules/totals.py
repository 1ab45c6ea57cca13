"""From lines to totals (domain §4.2–4.5, EN 16931 BR-CO-10 … BR-CO-17). Pure arithmetic on `Decimal`.

Prices either leave tax out (the net is given, tax is added per group) or include it (the gross is sacred and tax is
taken out of it per group). Tax is computed once per (category, rate), never per line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from portalgen.rules.money import CONTEXT, ZERO, quantum, rounded, split, total

HUNDRED = Decimal(100)


class TaxKey(msgspec.Struct, frozen=True, order=True):
    """A tax group's identity: the category (UNCL 5305) and the rate in percent."""

    category: str
    rate: Decimal


class PricedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line whose price, tax and wording are settled. `discount` is unrounded, in the invoice's currency."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    unit: str
    tax: TaxKey
    tax_reason: str = ""
    discount: Decimal = ZERO
    discount_percent: Decimal | None = None
    discount_reason: str = ""
    date: dt.date | None = None
    period: tuple[dt.date, dt.date] | None = None

    @property
    def before_discount(self) -> Decimal:
        """quantity × price, unrounded."""
        return CONTEXT.multiply(self.quantity, self.unit_price)


class PricedCharge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A charge on the whole invoice, positive."""

    amount: Decimal
    reason: str
    tax: TaxKey
    tax_reason: str = ""


class TaxGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of the tax table (BG-23): `base` is BT-116, `tax` is BT-117, `reason` is BT-120.

    `allowance` and `charge` are this group's parts of the document's discount and charges, without tax (BT-92, BT-99):
    the nets of its lines − allowance + charge = base.
    """

    key: TaxKey
    base: Decimal
    tax: Decimal
    reason: str = ""
    allowance: Decimal = ZERO
    charge: Decimal = ZERO


class Totals(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums of one document. `amounts` are as priced (gross where prices include tax), `nets` are BT-131."""

    currency: str
    includes_tax: bool
    lines: tuple[PricedLine, ...]
    amounts: tuple[Decimal, ...]
    nets: tuple[Decimal, ...]
    line_total: Decimal  # Σ amounts
    net_total: Decimal  # BT-106 = Σ nets
    discount: Decimal  # as given: off the gross where prices include tax
    allowance: Decimal  # BT-107, without tax
    charges: tuple[PricedCharge, ...]
    charge_total: Decimal  # BT-108, without tax
    groups: tuple[TaxGroup, ...]
    total_without_tax: Decimal  # BT-109
    total_tax: Decimal  # BT-110
    total_with_tax: Decimal  # BT-112
    rounding: Decimal  # BT-114

    @property
    def total(self) -> Decimal:
        """What the document asks for: with tax and rounding, before any payment or deposit."""
        return self.total_with_tax + self.rounding


def line_amount(line: PricedLine, currency: str) -> Decimal:
    """The line's amount after its discount, rounded once (BT-131 where prices leave tax out)."""
    return rounded(line.before_discount - line.discount, currency)


def compute(
    lines: Sequence[PricedLine],
    currency: str,
    *,
    includes_tax: bool = False,
    discount_percent: Decimal | None = None,
    discount_amount: Decimal = ZERO,
    charges: Sequence[PricedCharge] = (),
    rounding: Decimal = ZERO,
) -> Totals:
    """The totals of a document. The caller has checked that discounts do not exceed what they are taken from."""
    amounts = tuple(line_amount(line, currency) for line in lines)
    line_total = total(amounts)
    discount = discount_amount
    if discount_percent is not None:
        discount = rounded(CONTEXT.divide(CONTEXT.multiply(line_total, discount_percent), HUNDRED), currency)
    by_key: dict[TaxKey, Decimal] = {}
    for amount, line in zip(amounts, lines, strict=True):
        by_key[line.tax] = by_key.get(line.tax, ZERO) + amount
    for charge in charges:
        by_key.setdefault(charge.tax, ZERO)
    keys = list(by_key)
    share = dict(zip(keys, split(discount, [by_key[key] for key in keys], currency), strict=True))
    extra = {key: total(charge.amount for charge in charges if charge.tax == key) for key in keys}
    taxed: list[PricedLine | PricedCharge] = [*lines, *charges]
    reasons = {
        key: "; ".join(dict.fromkeys(i.tax_reason for i in taxed if i.tax_reason and i.tax == key)) for key in keys
    }
    nets = amounts
    groups = []
    if includes_tax:
        settled = list(amounts)
        for key in keys:
            members = [n for n, line in enumerate(lines) if line.tax == key]
            net_lines = by_key[key] - contained_tax(by_key[key], key.rate, currency)
            for n, net in zip(
                members, net_parts([amounts[n] for n in members], key.rate, net_lines, currency), strict=True
            ):
                settled[n] = net
            after_discount = by_key[key] - share[key]
            net_discounted = after_discount - contained_tax(after_discount, key.rate, currency)
            gross = after_discount + extra[key]
            tax = contained_tax(gross, key.rate, currency)
            groups.append(
                TaxGroup(
                    key=key,
                    base=gross - tax,
                    tax=tax,
                    reason=reasons[key],
                    allowance=net_lines - net_discounted,
                    charge=gross - tax - net_discounted,
                )
            )
        nets = tuple(settled)
    else:
        for key in keys:
            base = by_key[key] - share[key] + extra[key]
            tax = rounded(CONTEXT.divide(CONTEXT.multiply(base, key.rate), HUNDRED), currency)
            groups.append(
                TaxGroup(key=key, base=base, tax=tax, reason=reasons[key], allowance=share[key], charge=extra[key])
            )
    without_tax = total(group.base for group in groups)
    total_tax = total(group.tax for group in groups)
    return Totals(
        currency=currency,
        includes_tax=includes_tax,
        lines=tuple(lines),
        amounts=amounts,
        nets=nets,
        line_total=line_total,
        net_total=total(nets),
        discount=discount,
        allowance=total(group.allowance for group in groups),
        charges=tuple(charges),
        charge_total=total(group.charge for group in groups),
        groups=tuple(sorted(groups, key=lambda group: (-group.key.rate, group.key))),
        total_without_tax=without_tax,
        total_tax=total_tax,
        total_with_tax=without_tax + total_tax,
        rounding=rounding,
    )


def after_discount(totals: Totals) -> tuple[Decimal, ...]:
    """What each line comes to less its part of the discount on the whole, as priced; per group exactly the group's."""
    keys = list(dict.fromkeys(line.tax for line in totals.lines))
    members = {key: [n for n, line in enumerate(totals.lines) if line.tax == key] for key in keys}
    whole = [total(totals.amounts[n] for n in members[key]) for key in keys]
    amounts = list(totals.amounts)
    for key, share in zip(keys, split(totals.discount, whole, totals.currency), strict=True):
        own = [totals.amounts[n] for n in members[key]]
        for n, part in zip(members[key], split(share, own, totals.currency), strict=True):
            amounts[n] -= part
    return tuple(amounts)


def contained_tax(gross: Decimal, rate: Decimal, currency: str) -> Decimal:
    """The tax inside a gross amount: gross × r / (100 + r), rounded once."""
    return rounded(CONTEXT.divide(CONTEXT.multiply(gross, rate), HUNDRED + rate), currency)


def net_parts(grosses: Sequence[Decimal], rate: Decimal, net: Decimal, currency: str) -> tuple[Decimal, ...]:
    """The lines' nets, rounded so that they sum to `net`: a cent goes to the line whose rounding moved it furthest."""
    exact = [CONTEXT.divide(CONTEXT.multiply(gross, HUNDRED), HUNDRED + rate) for gross in grosses]
    parts = [rounded(value, currency) for value in exact]
    if not parts:
        return ()
    gap = net - total(parts)
    step = quantum(currency) if gap > 0 else -quantum(currency)
    moved = sorted(range(len(parts)), key=lambda n: ((parts[n] - exact[n]) * (1 if step > 0 else -1), n))
    for count in range(int(gap / step)):
        parts[moved[count % len(parts)]] += step
    return tuple(parts)
