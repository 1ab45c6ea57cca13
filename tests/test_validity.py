"""The day that notes what it is asked: nothing made from it may be used a day too long."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.publish.validity import Span, Today

DAY = dt.date(2026, 11, 21)
Ask = Callable[[dt.date, dt.date], Any]
EXACT: dict[str, Ask] = {
    "earlier": lambda today, day: today < day,
    "not later": lambda today, day: today <= day,
    "later": lambda today, day: today > day,
    "not earlier": lambda today, day: today >= day,
    "the same": lambda today, day: today == day,
    "another": lambda today, day: today != day,
    "earlier, asked the other way": lambda today, day: day > today,
    "the same, asked the other way": lambda today, day: day == today,
    "soon": lambda today, day: today + dt.timedelta(3) < day,
    "long ago": lambda today, day: day <= today - dt.timedelta(4),
    "in between": lambda today, day: day - dt.timedelta(2) <= today <= day + dt.timedelta(2),
}
TELLING: dict[str, Ask] = {
    "days": lambda today, day: (today - day).days,
    "days, the other way": lambda today, day: (day - today).days,
    "year": lambda today, day: today.year,
    "text": lambda today, day: f"{today} {today:%d %b} {today.isoformat()}",
    "a table": lambda today, day: today in {day, DAY},
    "weekday": lambda today, day: today.weekday(),
    "another day of the month": lambda today, day: today.replace(day=1),
    "the later one": lambda today, day: max(today, day).isoformat(),
}


def asked(ask: Ask, day: dt.date) -> tuple[Any, dt.date]:
    """The answer, and until which day it holds."""
    span = Span(DAY)
    return ask(Today.on(DAY, span), day), span.until


@given(st.sampled_from(sorted(EXACT)), st.integers(-12, 12))
def test_a_comparison_holds_for_as_long_as_its_answer_does(name: str, days: int) -> None:
    other = DAY + dt.timedelta(days)
    answer, until = asked(EXACT[name], other)
    assert answer == EXACT[name](DAY, other)
    later = [DAY + dt.timedelta(n) for n in range(40)]
    same = [day for day in later if day <= until]
    assert all(EXACT[name](day, other) == answer for day in same)
    if until < later[-1] and name != "in between":
        assert EXACT[name](until + dt.timedelta(1), other) != answer, "and not shorter"


@given(st.sampled_from(sorted(TELLING)), st.integers(-12, 12))
def test_whatever_gives_the_day_away_holds_no_longer_than_its_answer(name: str, days: int) -> None:
    other = DAY + dt.timedelta(days)
    answer, until = asked(TELLING[name], other)
    assert answer == TELLING[name](DAY, other)
    for n in range((min(until, DAY + dt.timedelta(30)) - DAY).days + 1):
        assert TELLING[name](DAY + dt.timedelta(n), other) == answer


def test_several_questions_hold_as_long_as_the_first_that_changes() -> None:
    span = Span(DAY)
    today = Today.on(DAY, span)
    assert today < dt.date(2026, 12, 24)
    assert not today > dt.date(2026, 11, 30)
    assert span.until == dt.date(2026, 11, 30)
    assert today < dt.date(2027, 1, 1)
    assert span.until == dt.date(2026, 11, 30)


@pytest.mark.parametrize("pass_on", [copy.copy, copy.deepcopy, lambda today: pickle.loads(pickle.dumps(today))])
def test_it_can_be_handed_on(pass_on: Callable[[dt.date], dt.date]) -> None:
    assert pass_on(Today.on(DAY, Span(DAY))) == DAY


def test_what_was_never_asked_holds_for_ever() -> None:
    assert asked(lambda today, day: None, DAY)[1] == dt.date.max
