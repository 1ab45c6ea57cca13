"""The desk's charts: money that came in by month, and what is open by its age. Each is a table with bars in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

import msgspec
from babel.dates import format_date

from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.money import ZERO, Money, rounded
from portalgen.rules.review_item import Subject
from portalgen.rules.statement import Ageing, ageing_of

MONTHS = 12
"""How many months of money in are shown, this one included."""


class Bar(msgspec.Struct, frozen=True):
    """A row: what it is, how much, and its length as a share of the longest, 0 to 100. `fill`: the pattern's name."""

    label: str
    amount: Money
    share: str
    fill: str = "bar"


class Chart(msgspec.Struct, frozen=True):
    """One chart in one currency."""

    currency: str
    bars: tuple[Bar, ...]
    total: Money


def money_in(subjects: Iterable[Subject], day: dt.date, first: str) -> tuple[Chart, ...]:
    """What was received by month, less what went back; a chart for each currency, `first` before the others."""
    months = [_months_before(day, n) for n in reversed(range(MONTHS))]
    sums: dict[str, dict[tuple[int, int], Decimal]] = {}
    for subject in subjects:
        for payment in subject.folder.payments:
            month = payment.date.year, payment.date.month
            if payment.status == "cleared" and payment.date <= day and month >= months[0]:
                own = sums.setdefault(payment.currency, {})
                own[month] = own.get(month, ZERO) + payment.amount
    charts = []
    for currency in _ordered(sums, first):
        values = [(_month_words(month), sums[currency].get(month, ZERO), "bar") for month in months]
        charts.append(_chart(currency, values))
    return tuple(charts)


def ageing(subjects: Iterable[Subject], day: dt.date, first: str) -> tuple[Chart, ...]:
    """What is open on invoices by the days it is past due; a chart for each currency, `first` before the others."""
    outstanding: dict[str, list[InvoiceFacts]] = {}
    for subject in subjects:
        for facts in subject.account.invoices.values():
            if facts.status.document == "issued" and facts.status.balance > 0:
                outstanding.setdefault(facts.currency, []).append(facts)
    return tuple(
        _chart(currency, _buckets(ageing_of(outstanding[currency], day))) for currency in _ordered(outstanding, first)
    )


def _buckets(ages: Ageing) -> list[tuple[str, Decimal, str]]:
    return [
        ("Not due yet", ages.not_due, "age-0"),
        ("1 to 30 days late", ages.days_1_30, "age-1"),
        ("31 to 60 days", ages.days_31_60, "age-2"),
        ("61 to 90 days", ages.days_61_90, "age-3"),
        ("More than 90 days", ages.over_90, "age-4"),
    ]


def _chart(currency: str, values: Iterable[tuple[str, Decimal, str]]) -> Chart:
    rows = list(values)
    longest = max((amount for _, amount, _ in rows), default=ZERO)
    bars = [
        Bar(label, Money(rounded(amount, currency), currency), _share(amount, longest), fill)
        for label, amount, fill in rows
    ]
    whole = sum((amount for _, amount, _ in rows), ZERO)
    return Chart(currency, tuple(bars), Money(rounded(whole, currency), currency))


def _share(amount: Decimal, longest: Decimal) -> str:
    return f"{max(amount, ZERO) * 100 / longest:.1f}" if longest > 0 else "0"


def _ordered(currencies: Iterable[str], first: str) -> list[str]:
    return sorted(currencies, key=lambda currency: (currency != first, currency))


def _months_before(day: dt.date, count: int) -> tuple[int, int]:
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return year, month + 1


def _month_words(month: tuple[int, int]) -> str:
    return format_date(dt.date(*month, 1), "MMM y", locale="en")
