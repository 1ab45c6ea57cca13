"""How days, amounts and numbers of things read in what the practitioner is told. English only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from portalgen.rules.money import Money


def day_words(day: dt.date | None, today: dt.date) -> str:
    """A day with its weekday, and its year where that is another one; empty for none."""
    from babel.dates import format_date

    if day is None:
        return ""
    return format_date(day, "EEEE d MMMM" if day.year == today.year else "EEEE d MMMM y", locale="en")


def amount_of(money: Money | None) -> str:
    """An amount with its currency, as it stands in the files; empty for none."""
    return f"{money.amount:f} {money.currency}" if money else ""


def many(count: int | None, one: str, more: str = "") -> str:
    """So many of something: `1 session`, `2 sessions`. `more`: the plural where it is not made by an s."""
    return f"{count} {one if count == 1 else more or one + 's'}"
