"""What the compiled theme needs while it runs: text to put out, and macros."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from jinja2 import Environment, Undefined
from jinja2.utils import missing
from markupsafe import Markup, escape
from msgspec import Struct

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
    """The value as it is put on a page. Raises `NameError` for `missing`."""
    if type(value) is Markup:
        return value
    if type(value) is str:
        return escaped(value)
    if type(value) is int:
        return str(value)
    if value is missing:
        raise NameError("this page was not given what its template shows")
    return str.__str__(escape(value))


def defined(owner: object, name: str, environment: Environment) -> bool:
    """Whether a value has what a template asks it for."""
    if getattr(owner, name, missing) is not missing:
        return True
    return not isinstance(owner, Struct) and not isinstance(environment.getattr(owner, name), Undefined)


def listed(values: Iterable[Any]) -> Sequence[Any]:
    """A loop's values where it has to know how many there are."""
    return values if isinstance(values, (tuple, list)) else [*values]


class LoopContext:
    """A loop's values, each with what a template may ask about the loop: less than Jinja's, and less work."""

    __slots__ = ("_values", "first", "index", "last")

    def __init__(self, values: Iterable[Any], undefined: object) -> None:
        self._values = listed(values)

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
        self._said: dict[int | tuple[int, ...], tuple[tuple[object, ...], str]] = {}

    def __call__(self, raw: Callable[..., str], *args: object) -> str:
        key = id(args[0]) if len(args) == 1 else tuple(map(id, args))
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


def numbers(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """As `remembered`, of numbers: Decimals are found by their digits, sooner than by their hashes."""
    said: dict[str, str] = {}
    others = remembered(write)

    def written(number: object) -> str:
        if type(number) is not Decimal:
            return others(number)
        digits = str(number)
        text = said.get(digits)
        if text is None:
            if len(said) >= _RECENT:
                said.clear()
            text = said[digits] = escaped(write(number))
        return text

    return written


class Amounts:
    """As `remembered`, of amounts of money. `texts` has what is known, by currency and digits."""

    __slots__ = ("_write", "texts")

    def __init__(self, write: Callable[[Money], str]) -> None:
        self._write = write
        self.texts: dict[str, dict[str, str]] = defaultdict(dict)

    def __call__(self, money: Money) -> str:
        known = self.texts[money.currency]
        if len(known) >= _RECENT:
            known.clear()
        text = known[str(money.amount)] = escaped(self._write(money))
        return text
