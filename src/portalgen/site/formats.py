"""Amounts, numbers, dates and times as each language writes them.

A site of thousands of invoices writes hundreds of thousands of amounts. Babel knows how, at some 25 µs each; so one
sample of Babel's teaches a plain formatter, which is used only if it agrees with Babel on many more.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter
from typing import Literal

from babel.core import Locale, UnknownLocaleError
from babel.dates import DateTimeFormat, format_date, format_time, get_date_format
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_name
from markupsafe import Markup, escape

from portalgen.rules.money import Money, minor_digits

_SAMPLES = tuple(
    Decimal(text)
    for text in (
        "0", "0.01", "0.1", "1", "9.99", "10", "12.34", "99.5", "100", "123.45", "999.99", "1000", "1234", "1234.5",
        "1234.56", "9999.99", "10000", "12345.67", "99999.5", "100000", "123456.78", "1000000", "1234567.89",
        "12345678.9", "123456789012.34",
    )
)  # fmt: skip
_ZEROS = {"arab": 0x660, "arabext": 0x6F0, "beng": 0x9E6, "deva": 0x966, "mymr": 0x1040, "tibt": 0xF20, "cakm": 0x11136}
"""The digit zero of the ways to write digits that a locale prefers to 0 to 9 (CLDR); the other nine follow it."""
_FIELD = re.compile(r"%\((\w+)\)s")
_PARTS = re.compile(r"(\D*)12(\D+)345(\D+)678(\D*)(\d*)(\D*)", re.ASCII)


@cache
def digits_of(locale: Locale) -> Mapping[int, int]:
    """From the digits 0 to 9, which Babel writes, to those that the locale prefers."""
    zero = _ZEROS.get(locale.default_numbering_system)
    return {} if zero is None else {ord("0") + digit: zero + digit for digit in range(10)}


def by_babel(amount: Decimal, currency: str, locale: Locale) -> str:
    """The amount as Babel writes it: never rounded, at least the currency's decimals, in the locale's digits."""
    # Babel keeps the decimals that were written, also the zeros after the last one that says something.
    digits, exponent = minor_digits(currency), -int(amount.as_tuple().exponent)
    if exponent > digits:
        amount = amount.normalize()
    text = format_currency(
        amount or abs(amount), currency, locale=locale, decimal_quantization=False, numbering_system="default"
    )
    if (
        amount < 0
    ):  # Babel writes the minus of the pattern; the locale's own may carry marks that keep it before the digits
        symbols = locale.number_symbols.get(locale.default_numbering_system) or locale.number_symbols["latn"]
        text = text.replace("-", symbols.get("minusSign", "-"), 1)
    return text.translate(digits_of(locale))


class PlainMoney:
    """How one locale writes one currency where it groups by three and uses the digits 0 to 9."""

    __slots__ = ("after", "before", "decimal", "digits", "group", "minus_after", "minus_before")

    def __init__(self, currency: str, locale: Locale) -> None:
        self.digits = minor_digits(currency)
        big = Decimal("12345678").scaleb(-self.digits).scaleb(self.digits)
        sample = _PARTS.fullmatch(by_babel(big, currency, locale))
        minus = _PARTS.fullmatch(by_babel(-big, currency, locale))
        if not sample or not minus or sample[2] != sample[3] or len(sample[5]) != self.digits:
            raise ValueError(f"{locale} groups its digits in a way of its own")
        self.before, self.group, self.decimal, self.after = sample[1], sample[2], sample[4], sample[6]
        if not self.digits:  # the sample's affix stands where the decimal point would
            self.after, self.decimal = sample[4] + sample[6], "."
            more = by_babel(Decimal("0.5"), currency, locale)
            if found := re.search(r"0(\D)5", more):
                self.decimal = found[1]
        self.minus_before, self.minus_after = minus[1], (minus[6] if self.digits else minus[4] + minus[6])
        for amount in _SAMPLES:
            for signed in (amount, -amount):
                if self(signed) != by_babel(signed, currency, locale):
                    raise ValueError(f"{locale} writes {currency} in a way of its own")

    def __call__(self, amount: Decimal) -> str:
        """The amount in words of this locale."""
        text = str(amount)
        if self.digits == 2 and len(text) < 10 and text[-3:-2] == "." and text[0] != "-":  # most: 45.00, 1234.50
            if len(text) < 7:
                return f"{self.before}{text[:-3]}{self.decimal}{text[-2:]}{self.after}"
            return f"{self.before}{text[:-6]}{self.group}{text[-6:-3]}{self.decimal}{text[-2:]}{self.after}"
        text = format(amount if amount else abs(amount), ",f")
        minus = text[0] == "-"
        whole, _, cents = (text[1:] if minus else text).partition(".")
        if len(cents) > self.digits:
            cents = cents.rstrip("0")
        if len(cents) < self.digits:
            cents = cents.ljust(self.digits, "0")
        if self.group != ",":
            whole = whole.replace(",", self.group)
        if cents:
            whole = f"{whole}{self.decimal}{cents}"
        return f"{self.minus_before}{whole}{self.minus_after}" if minus else f"{self.before}{whole}{self.after}"


_VARIES: Mapping[str, Callable[[dt.date], int]] = {
    "G": attrgetter("year"), "y": attrgetter("year"), "M": attrgetter("month"), "L": attrgetter("month"),
    "d": attrgetter("day"), "E": dt.date.weekday, "c": dt.date.weekday,
}  # fmt: skip
"""What the fields of a date's pattern vary with, by their first letter (CLDR)."""


class PlainDate:
    """How one locale writes dates: a pattern of fields, of which each has one text for a year, month or day."""

    __slots__ = ("_fields", "_known", "_locale", "_pattern")

    def __init__(self, length: Literal["full", "long", "medium"], locale: Locale) -> None:
        self._locale = locale
        self._pattern = str(get_date_format(length, locale).format)
        self._known: dict[tuple[str, int], str] = {}
        names = _FIELD.findall(self._pattern)
        if any(name[0] not in _VARIES for name in names):
            raise ValueError(f"{locale} writes dates in a way of its own")
        self._fields = [(name, _VARIES[name[0]]) for name in names]

    def __call__(self, day: dt.date) -> str:
        """The date in words of this locale."""
        known, texts = self._known, {}
        for name, varies in self._fields:
            key = name, varies(day)
            if key not in known:
                known[key] = DateTimeFormat(day, self._locale)[name]
            texts[name] = known[key]
        return self._pattern % texts


class Formats:
    """The formats of one locale; its public methods are the filters of the templates."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        self._writers: dict[str, Callable[[Decimal], str]] = {}
        self._digits = digits_of(locale)
        self.day, self.date, self.shortdate = self._dated("full"), self._dated("long"), self._dated("medium")
        self.number: Callable[[Decimal | int], str] = lru_cache(maxsize=4096)(self._number)
        self.percent: Callable[[Decimal | int], str] = lru_cache(maxsize=1024)(self._percent)
        self._clock: Callable[[int, int], str] = lru_cache(maxsize=1440)(
            lambda hour, minute: format_time(dt.time(hour, minute), "short", locale=locale).translate(self._digits)
        )

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return "rtl" if self.locale.character_order == "right-to-left" else "ltr"

    def writer(self, currency: str) -> Callable[[Decimal], str]:
        """What writes amounts of this currency."""
        writer = self._writers.get(currency)
        if writer is None:
            try:
                writer = PlainMoney(currency, self.locale)
            except ValueError:
                writer = lru_cache(maxsize=8192)(lambda amount: by_babel(amount, currency, self.locale))
            self._writers[currency] = writer
        return writer

    def money(self, money: Money) -> str:
        """`€1,234.50`. Equal amounts read the same."""
        writer = self._writers.get(money.currency) or self.writer(money.currency)
        return writer(money.amount)

    def minus(self, money: Money) -> str:
        """The amount taken away: `-€1,234.50`."""
        return self.writer(money.currency)(-money.amount)

    def _dated(self, length: Literal["full", "long", "medium"]) -> Callable[[dt.date], str]:
        """What writes dates in this length."""
        write: Callable[[dt.date], str]
        try:
            write = PlainDate(length, self.locale)
        except ValueError:

            def write(day: dt.date) -> str:
                return format_date(day, length, self.locale)

        if self._digits:
            return lru_cache(maxsize=4096)(lambda day: write(day).translate(self._digits))
        return lru_cache(maxsize=4096)(write)

    def _number(self, number: Decimal | int) -> str:
        plain = Decimal(number).normalize() + 0
        text = format_decimal(plain, locale=self.locale, decimal_quantization=False, numbering_system="default")
        return text.translate(self._digits)

    def _percent(self, number: Decimal | int) -> str:
        plain = Decimal(number).scaleb(-2).normalize() + 0
        text = format_percent(plain, locale=self.locale, decimal_quantization=False, numbering_system="default")
        return text.translate(self._digits)

    def clock(self, time: dt.time | dt.datetime) -> str:
        """A time of day: `18:30`."""
        return self._clock(time.hour, time.minute)

    def moment(self, moment: dt.datetime) -> str:
        """Day and time of day in words, without the zone."""
        pattern = str(self.locale.datetime_formats["full"]).replace("'", "")
        return pattern.replace("{1}", self.day(moment.date())).replace("{0}", self.clock(moment))

    def weekday(self, number: int) -> str:
        """The name of a weekday; 0 is Monday."""
        return str(self.locale.days["stand-alone"]["wide"][number])

    def language(self, code: str) -> str:
        """The name of a language in this one; what is no language code stays as it is."""
        try:
            return Locale.parse(code, sep="-").get_display_name(self.locale) or code
        except (ValueError, UnknownLocaleError):
            return code

    def country(self, code: str) -> str:
        """The name of a country in this language."""
        return str(self.locale.territories.get(code, code))

    def currency(self, code: str) -> str:
        """The name of a currency in this language."""
        return get_currency_name(code, locale=self.locale)

    def listed(self, items: Sequence[str], style: str = "standard") -> str:
        """`a, b and c`, each item escaped unless it is markup; `or` is another style."""
        if len(items) == 1:
            return escape(items[0])
        joined = format_list([str(escape(item)) for item in items], style=style, locale=self.locale)  # type: ignore[arg-type]
        return Markup(joined)

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filters by name."""
        names = (
            "money", "minus", "number", "percent", "day", "date", "shortdate", "clock", "moment", "weekday", "language",
            "country", "currency", "listed",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def locale_of(language: str, country: str = "") -> Locale:
    """The locale of a BCP 47 language; the practice's country decides where the language names none."""
    plain = Locale.parse(language, sep="-")
    if country and not plain.territory:
        try:
            parts = [part for part in (plain.language, plain.script, country) if part]
            return Locale.parse("_".join(parts))
        except (ValueError, UnknownLocaleError):
            pass
    return plain


@cache
def country_names(language: str) -> Mapping[str, str]:
    """Country names in a language, by ISO 3166-1 code."""
    return dict(Locale.parse(language, sep="-").territories)


@cache
def formats(language: str, country: str = "") -> Formats:
    """The formats of a language as that country writes them, built once."""
    return Formats(locale_of(language, country))
