"""Until which day what was made today stays the same: `today` notes itself what it is compared with (design §6).

Nothing has to be listed, so nothing can be forgotten. A comparison with a date bounds the answer exactly; whatever else
is done with the day (a difference in days, its text, a look into a table) means that the answer is today's alone.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

_FARTHEST = dt.date.max.toordinal()


class Span:
    """The days from which on, and until which, every answer so far is the same; ordinals as of `date.toordinal`."""

    def __init__(self, day: dt.date) -> None:
        self._day = dt.date.toordinal(day)
        self._last = _FARTHEST

    @property
    def until(self) -> dt.date:
        """The last day on which all the same would be made."""
        return dt.date.fromordinal(self._last)

    def note(self, last: int) -> None:
        """An answer that stays the same until this day at the latest."""
        self._last = min(self._last, max(last, self._day))

    def today_only(self) -> None:
        """An answer that is another one tomorrow."""
        self._last = self._day


class Today(dt.date):
    """A day that tells a `Span` what it is asked. It is equal to the plain date, and so is its hash."""

    __slots__ = ("_shift", "_span")
    _span: Span
    _shift: int

    @classmethod
    def on(cls, day: dt.date, span: Span, shift: int = 0) -> Today:
        """The day `shift` days after the one of the span."""
        made = cls.fromordinal(dt.date.toordinal(day))
        made._span, made._shift = span, shift
        return made

    def _plain(self) -> dt.date:
        """The date itself, for who needs more of it than a comparison."""
        self._span.today_only()
        return dt.date.fromordinal(dt.date.toordinal(self))

    def _until(self, other: Any, last: int) -> None:
        """The answer about `other` holds while the day is at most `last` days after it."""
        if type(other) is Today:
            if other._span is self._span:
                return  # both move together
            other._span.today_only()
        self._span.note(dt.date.toordinal(other) + last - self._shift)

    def __lt__(self, other: dt.date) -> bool:
        answer = dt.date.__lt__(self, other)
        if answer is True:
            self._until(other, -1)
        return answer

    def __le__(self, other: dt.date) -> bool:
        answer = dt.date.__le__(self, other)
        if answer is True:
            self._until(other, 0)
        return answer

    def __gt__(self, other: dt.date) -> bool:
        answer = dt.date.__gt__(self, other)
        if answer is False:
            self._until(other, 0)
        return answer

    def __ge__(self, other: dt.date) -> bool:
        answer = dt.date.__ge__(self, other)
        if answer is False:
            self._until(other, -1)
        return answer

    def __eq__(self, other: object) -> bool:
        answer = dt.date.__eq__(self, other)
        if isinstance(other, dt.date):
            if answer is True:
                self._until(other, 0)
            elif dt.date.__lt__(self, other) is True:
                self._until(other, -1)
        return answer

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._plain())

    def __add__(self, other: Any) -> Any:
        return self._moved(dt.date.__add__(self, other)) if isinstance(other, dt.timedelta) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, dt.timedelta):
            return self._moved(dt.date.__sub__(self, other))
        return dt.date.__sub__(self._plain(), other)

    def __rsub__(self, other: Any) -> Any:
        return other - self._plain()

    def _moved(self, to: dt.date) -> Today:
        shift = dt.date.toordinal(to) - dt.date.toordinal(self)
        return Today.on(to, self._span, self._shift + shift)

    def __reduce__(self) -> Any:
        return dt.date, (self.year, self.month, self.day)

    def __copy__(self) -> Today:
        return self

    def __deepcopy__(self, memo: Any) -> Today:
        return self


def _telling(name: str) -> Any:
    """A property or method of dates that gives away which day it is."""
    if isinstance(getattr(dt.date, name), type(dt.date.year)):
        return property(lambda self: getattr(self._plain(), name))

    def method(self: Today, *given: Any, **named: Any) -> Any:
        return getattr(self._plain(), name)(*given, **named)

    return method


for _name in (
    *("year", "month", "day", "__str__", "__repr__", "__format__", "isoformat", "ctime", "strftime", "isocalendar"),
    *("isoweekday", "weekday", "replace", "timetuple", "toordinal"),
):
    setattr(Today, _name, _telling(_name))
