"""Money: an amount with its currency, the minor unit, and rounding (domain §4.1).

`Decimal` only. Rounding is half up, away from zero for negatives, to the currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

import msgspec

CONTEXT = Context(prec=40, rounding=ROUND_HALF_UP)
ZERO = Decimal(0)


class Money(msgspec.Struct, frozen=True):
    """An amount in a currency (ISO 4217)."""

    amount: Decimal
    currency: str


WHOLE = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
     "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF")
)  # fmt: skip
THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def minor_digits(currency: str) -> int:
    """How many decimals the currency has by ISO 4217 (not by habit, as CLDR has it): JPY 0, EUR 2, KWD 3."""
    return 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 4 if currency in ("CLF", "UYW") else 2


@cache
def quantum(currency: str) -> Decimal:
    """The smallest amount of the currency, e.g. 0.01."""
    return Decimal(1).scaleb(-minor_digits(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Half up to the currency's minor unit; the result always has all its decimals."""
    smallest = quantum(currency)
    return amount if amount.same_quantum(smallest) else amount.quantize(smallest, ROUND_HALF_UP, CONTEXT)


def fits(amount: Decimal, currency: str) -> bool:
    """Whether the amount has no more decimals than the currency."""
    if amount.same_quantum(quantum(currency)):
        return True
    return -int(amount.as_tuple().exponent) <= minor_digits(currency) or amount == rounded(amount, currency)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum; zero of nothing."""
    return sum(amounts, ZERO)


def split(amount: Decimal, shares: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """Parts of `amount` in proportion to `shares` that sum to it exactly (largest remainder, ties to the first).

    Shares may not be negative. If all are zero the first part takes everything.
    """
    if not shares:
        return ()
    whole = total(shares) if len(shares) > 1 else shares[0]
    if whole == 0:
        return (amount, *(ZERO for _ in shares[1:]))
    smallest = quantum(currency)
    if not amount or len(shares) == 1:
        return (amount.quantize(smallest, "ROUND_DOWN", CONTEXT),) * len(shares)
    exact = [CONTEXT.divide(CONTEXT.multiply(amount, share), whole) for share in shares]
    parts = [part.quantize(smallest, "ROUND_DOWN", CONTEXT) for part in exact]
    step = smallest if amount >= 0 else -smallest
    left = int((amount - total(parts)) / step)
    order = sorted(range(len(parts)), key=lambda n: (-abs(exact[n] - parts[n]), n))
    for n in order[:left]:
        parts[n] += step
    return tuple(parts)
