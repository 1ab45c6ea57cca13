"""What the compiled theme needs while it runs: text to put out, and macros."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from jinja2.utils import missing
from markupsafe import Markup, escape

from portalgen.rules.money import Money

try:
    from markupsafe._speedups import _escape_inner as escaped
except ImportError:  # a name without promise

    def escaped(text: str, /) -> str:
        """The text with its special characters replaced."""
        return str.__str__(escape(text))


marked = partial(str.__new__, Markup)
"""Markup of a plain string that is escaped already."""


def shown(value: object) -> str:
    """The value as it is put on a page."""
    if type(value) is Markup:
        return value
    return escaped(value) if type(value) is str else str.__str__(escape(value))


class LoopContext:
    """A loop's values, each with what a template may ask about the loop: less than Jinja's, and less work."""

    __slots__ = ("_values", "first", "index", "last")

    def __init__(self, values: Iterable[Any], undefined: object) -> None:
        self._values = values if isinstance(values, (tuple, list)) else [*values]

    def __iter__(self) -> Iterator[tuple[Any, LoopContext]]:
        count = len(self._values)
        for index, value in enumerate(self._values, 1):
            self.index, self.first, self.last = index, index == 1, index == count
            yield value, self


_MANY = 256
"""Texts of one macro that are remembered: a preview that runs for days makes new values with every build."""


class Said:
    """A macro. `raw` takes every argument, `missing` where none is given, and returns escaped text."""

    __slots__ = ("_count", "raw")

    def __init__(self, raw: Any, count: int) -> None:
        self.raw, self._count = raw, count

    def __call__(self, *args: object) -> Markup:
        return Markup(self.raw(*args, *(missing,) * (self._count - len(args))))


class Once:
    """Remembers what a macro said of these very values, which are those of many pages and never change."""

    __slots__ = ("_said", "macro")

    def __init__(self, macro: str) -> None:
        self.macro = macro
        self._said: dict[tuple[int, ...], tuple[tuple[object, ...], str]] = {}

    def __call__(self, raw: Callable[..., str], *args: object) -> str:
        key = tuple(map(id, args))
        said = self._said.get(key)
        if said is None:
            if len(self._said) >= _MANY:
                self._said.clear()
            said = self._said[key] = (args, raw(*args))  # while the values are kept, no other has their id
        return said[1]


_RECENT = 8192
"""Texts of one filter that are remembered."""


def remembered(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """The escaped text of what a filter writes. Equal values must read the same."""
    return lru_cache(maxsize=_RECENT)(lambda value: escaped(write(value)))


class _Texts:
    """What was written of numbers, by their digits: Decimals are found by these sooner than by their hashes."""

    __slots__ = ("_said", "_write")

    def __init__(self, write: Callable[[Any], str]) -> None:
        self._write = write
        self._said: dict[str, str] = {}

    def __call__(self, number: Decimal, value: object) -> str:
        """The escaped text of the value, which is this number or is told apart by it."""
        digits = str(number)
        text = self._said.get(digits)
        if text is None:
            if len(self._said) >= _RECENT:
                self._said.clear()
            text = self._said[digits] = escaped(self._write(value))
        return text


def numbers(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """As `remembered`, of numbers."""
    texts, others = _Texts(write), remembered(write)
    return lambda number: texts(number, number) if type(number) is Decimal else others(number)


def amounts(write: Callable[[Money], str]) -> Callable[[Money], str]:
    """As `remembered`, of amounts of money."""
    texts: dict[str, _Texts] = {}

    def written(money: Money) -> str:
        if (known := texts.get(money.currency)) is None:
            known = texts[money.currency] = _Texts(write)
        return known(money.amount, money)

    return written
