"""The arithmetic of an invoice: the vectors of domain §4, and laws that hold for any lines."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.rules.money import fits, minor_digits, rounded, split, total
from portalgen.rules.totals import PricedCharge, PricedLine, TaxKey, Totals, compute


def line(price: str, rate: str = "0", quantity: str = "1", category: str = "S") -> PricedLine:
    return PricedLine(
        description="x",
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        unit="item",
        tax=TaxKey(category, Decimal(rate)),
    )


def sums(totals: Totals) -> tuple[str, str, str]:
    return str(totals.total_without_tax), str(totals.total_tax), str(totals.total_with_tax)


def test_tax_with_three_decimals_in_the_rate() -> None:
    assert compute([line("8180", "9.975")], "CAD").total_tax == Decimal("815.96")


def test_discount_then_tax() -> None:
    totals = compute([line("57.48", "21")], "EUR", discount_percent=Decimal(10))
    assert str(totals.discount) == "5.75"
    assert sums(totals) == ("51.73", "10.86", "62.59")


def test_tax_is_computed_on_the_group_not_on_the_line() -> None:
    assert compute([line("55.55", "23"), line("11.11", "23")], "EUR").total_tax == Decimal("15.33")


def test_ten_equal_lines() -> None:
    assert compute([line("348.11", "25", "2")] * 10, "EUR").total_tax == Decimal("1740.55")


def test_a_quarter_of_a_large_price() -> None:
    assert sums(compute([line("26935.78", "19", "0.25")], "EUR")) == ("6733.95", "1279.45", "8013.40")


def test_inclusive_prices_keep_the_gross_and_settle_the_lines() -> None:
    totals = compute([line(p, "7") for p in ("3.40", "4.48", "7.41", "4.70")], "EUR", includes_tax=True)
    assert sums(totals) == ("18.68", "1.31", "19.99")
    assert [str(net) for net in totals.nets] == ["3.18", "4.19", "6.92", "4.39"]


def test_inclusive_prices_are_sacred() -> None:
    totals = compute([line("340.00", "19"), line("13.90", "19")], "EUR", includes_tax=True)
    assert sums(totals) == ("297.39", "56.51", "353.90")


def test_a_third_each_the_last_part_takes_the_rest() -> None:
    assert [str(part) for part in split(Decimal("100.00"), [Decimal(1)] * 3, "EUR")] == ["33.34", "33.33", "33.33"]


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("RSD", 2), ("IQD", 3)])
def test_minor_units(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
    assert fits(Decimal("1"), currency)
    assert not fits(Decimal(1).scaleb(-digits - 1), currency)


def test_half_goes_up_and_away_from_zero_below() -> None:
    assert rounded(Decimal("2.345"), "EUR") == Decimal("2.35")
    assert rounded(Decimal("-2.345"), "EUR") == Decimal("-2.35")
    assert rounded(Decimal("0.5"), "JPY") == Decimal(1)


CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
AMOUNTS = st.decimals("-1e9", "1e9", places=4) | st.integers(-(10**9), 10**9).map(Decimal)


@given(AMOUNTS, st.integers(0, 4), CURRENCIES)
def test_an_amount_fits_where_rounding_leaves_it_as_it_is(amount: Decimal, digits: int, currency: str) -> None:
    shortened = amount.quantize(Decimal(1).scaleb(-digits))
    assert fits(shortened, currency) == (shortened == rounded(shortened, currency))
    assert fits(shortened.normalize(), currency) == fits(shortened, currency)


RATES = st.sampled_from(["0", "5.5", "7", "9.975", "19", "20", "23"])


@st.composite
def documents(draw: st.DrawFn) -> Totals:
    """A document of one to eight lines with discounts, charges and either kind of price."""
    currency = draw(CURRENCIES)
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        price = draw(st.decimals("0", "5000", places=4))
        quantity = draw(st.decimals("0", "40", places=3))
        rate = draw(RATES)
        percent = draw(st.none() | st.decimals("0", "100", places=2))
        discount = quantity * price * percent / 100 if percent is not None else Decimal(0)
        lines.append(
            PricedLine(
                description="x",
                quantity=quantity,
                unit_price=price,
                unit="item",
                tax=TaxKey("S" if Decimal(rate) else "Z", Decimal(rate)),
                discount=discount,
                discount_percent=percent,
            )
        )
    charges = [
        PricedCharge(amount=rounded(draw(st.decimals("0", "90", places=2)), currency), reason="post", tax=lines[0].tax)
        for _ in range(draw(st.integers(0, 2)))
    ]
    return compute(
        lines,
        currency,
        includes_tax=draw(st.booleans()),
        discount_percent=draw(st.none() | st.decimals("0", "100", places=2)),
        charges=charges,
        rounding=rounded(draw(st.decimals("-0.99", "0.99", places=2)), currency),
    )


@given(documents())
def test_parts_sum_to_totals(totals: Totals) -> None:
    assert totals.net_total == total(totals.nets)
    assert totals.total_without_tax == totals.net_total - totals.allowance + totals.charge_total  # BR-CO-13
    assert totals.total_without_tax == total(group.base for group in totals.groups)
    assert totals.total_tax == total(group.tax for group in totals.groups)  # BR-CO-14
    assert totals.total_with_tax == totals.total_without_tax + totals.total_tax  # BR-CO-15
    assert totals.total == totals.total_with_tax + totals.rounding  # BR-CO-16
    everything = (
        *totals.nets,
        totals.allowance,
        totals.charge_total,
        totals.total,
        *(g.base for g in totals.groups),
        *(g.tax for g in totals.groups),
    )
    assert all(fits(amount, totals.currency) for amount in everything)


@given(documents())
def test_nothing_is_negative_that_may_not_be(totals: Totals) -> None:
    assert all(amount >= 0 for amount in (*totals.amounts, totals.discount, totals.total_tax, totals.total_with_tax))
    assert all(group.base >= 0 and group.tax >= 0 for group in totals.groups)


@given(documents())
def test_tax_is_right_to_the_smallest_unit_in_every_group(totals: Totals) -> None:
    """Half a unit with prices before tax; with inclusive prices the net is rounded too, so a little more."""
    unit = Decimal(1).scaleb(-minor_digits(totals.currency))
    for group in totals.groups:
        limit = unit / 2 if not totals.includes_tax else unit
        assert abs(group.base * group.key.rate / 100 - group.tax) <= limit


@given(documents())
def test_inclusive_documents_ask_for_exactly_the_quoted_prices(totals: Totals) -> None:
    if totals.includes_tax:
        assert totals.total_with_tax == totals.line_total - totals.discount + total(
            charge.amount for charge in totals.charges
        )


@given(st.decimals("-1000", "1000", places=2), st.lists(st.decimals("0", "99", places=2), min_size=1, max_size=9))
def test_a_split_sums_to_the_whole(amount: Decimal, shares: list[Decimal]) -> None:
    parts = split(amount, shares, "EUR")
    assert total(parts) == amount
    assert all(fits(part, "EUR") for part in parts)
    assert all(part * amount >= 0 for part in parts)
