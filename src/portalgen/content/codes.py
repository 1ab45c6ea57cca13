"""Codes that others keep the lists of: currencies, countries, languages, time zones."""

from __future__ import annotations

import re
from functools import cache

from portalgen.content.records.base import Misfit

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?\Z")


@cache
def _currencies() -> frozenset[str]:
    from babel.core import get_global

    tenders = get_global("territory_currencies").values()
    return frozenset(str(code) for rows in tenders for code, _, end, tender in rows if end is None and tender)


def parse_currency(text: str) -> str:
    """ISO 4217, one that is in use today."""
    if text not in _currencies():
        guess = text.upper()
        raise Misfit(
            f"'{text}' is not a currency code",
            f"write {guess}" if guess in _currencies() else "write three letters, for example EUR",
        )
    return text


@cache
def _countries() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(map(str, get_global("territory_languages"))) - {"ZZ"}  # which stands for what is unknown


def parse_country(text: str) -> str:
    """ISO 3166-1 alpha-2."""
    if text not in _countries():
        guess = {"UK": "GB"}.get(text.upper(), text.upper())
        raise Misfit(
            f"'{text}' is not a country code",
            f"write {guess}" if guess in _countries() else "write two letters, for example IE",
        )
    return text


def parse_language(text: str) -> str:
    """BCP 47: a language, perhaps a script and a region."""
    from babel.core import Locale, UnknownLocaleError

    try:
        if not _LANGUAGE.match(text):
            raise ValueError
        Locale.parse(text, sep="-")
    except (ValueError, UnknownLocaleError):
        raise Misfit(f"'{text}' is not a language", "write it like en, de or pt-BR") from None
    return text


@cache
def parse_timezone(text: str) -> str:
    """A name of the IANA time zone database."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # not there; no relative path; a folder of the database
        raise Misfit(f"'{text}' is not a time zone", "write it like Europe/Dublin") from None
    return text
