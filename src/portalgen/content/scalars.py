"""How each kind of text in a source file becomes a value (domain §2). Every parser raises `Misfit` and nothing else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from portalgen.content.bidi import isolated
from portalgen.content.codes import parse_country, parse_currency, parse_language, parse_timezone
from portalgen.content.records.base import Misfit, Scalar

Unit = Literal["d", "w", "m", "y"]

_AMOUNT = re.compile(r"-?\d{1,12}(\.\d+)?\Z", re.ASCII)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})\Z", re.ASCII)
_SIGN = r"[^@\s<>\"?&%#/,;"  # what would end an address in a mailto: link, or begin another
_EMAIL = re.compile(rf"{_SIGN}]+@{_SIGN}.]+(\.{_SIGN}.]+)+\Z")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{1,24}\Z", re.ASCII)
_PERIOD = re.compile(r"([1-9]\d{0,3})([dwmy])\Z", re.ASCII)
_UNITS: Mapping[str, tuple[Unit, int]] = {"d": ("d", 7300), "w": ("w", 1040), "m": ("m", 240), "y": ("y", 20)}
"""Units of time, and how many of each make twenty years."""
_YEARS = (1900, 2199)
_PLACEHOLDER = re.compile(r"\{(amount|currency|reference)\}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def parse_text(text: str) -> str:
    """Any text that is not empty. What turns the direction of reading in it ends with it (sealing §8)."""
    if not text.strip():
        raise Misfit("this text is empty", "write the text, or leave the key out")
    return text if text.isascii() else isolated(text)


def parse_id(text: str) -> str:
    """Small letters, digits and hyphens: `^[a-z0-9][a-z0-9-]{0,62}$`."""
    if not _ID.match(text):
        plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63]
        raise Misfit(
            f"'{text}' is not an id: use small letters, digits and hyphens",
            f"write '{plain}'" if plain else "write a short word, for example walk-1",
            "bad-id",
        )
    return text


def is_id(text: str) -> bool:
    """Whether a text is an id."""
    return _ID.match(text) is not None


def parse_boolean(text: str) -> bool:
    """`true` or `false`, nothing else."""
    if text not in ("true", "false"):
        hints = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        guess = hints.get(text.lower(), text.lower())
        raise Misfit(f"'{text}' is neither true nor false", f"write {guess if guess == 'false' else 'true'}")
    return text == "true"


def whole(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers from `low` to `high`."""

    shape = re.compile(r"[-+]?\d{1,9}" if low < 0 else r"\d{1,9}", re.ASCII)
    hint = f"write digits only, for example {max(low, min(high, 14))}"

    def parse(text: str) -> int:
        if not shape.fullmatch(text) or not low <= int(text) <= high:
            raise Misfit(f"'{text}' is not a whole number from {low} to {high}", hint)
        return int(text)

    return parse


def _decimal(text: str, what: str, places: int | None) -> Decimal:
    if not _AMOUNT.match(text):
        hint = "write digits and a point, for example 120.00"
        candidate = text.replace("\u00a0", "").replace(" ", "").replace("'", "")
        if re.fullmatch(r"-?\d{1,3}(\.\d{3})*,\d{1,2}", candidate):
            hint = f"write {candidate.replace('.', '').replace(',', '.')}"
        elif re.fullmatch(r"-?\d+,\d{1,2}", candidate):
            hint = f"write {candidate.replace(',', '.')}"
        elif re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", candidate):
            hint = f"write {candidate.replace(',', '')}"
        raise Misfit(f"'{text}' is not {what}", hint)
    value = Decimal(text)
    if places is not None and len(text) > places and len(text.partition(".")[2]) > places:
        raise Misfit(f"'{text}' has more than {places} decimals", f"write at most {places} decimals")
    return value


def parse_amount(text: str) -> Decimal:
    """Money; that its decimals fit the currency is checked where the currency is known."""
    return _decimal(text, "an amount", None)


def parse_positive_amount(text: str) -> Decimal:
    """Money that may not be negative."""
    value = _decimal(text, "an amount", None)
    if value < 0:
        raise Misfit(f"'{text}' is below zero", "write an amount of zero or more")
    return value


def parse_unit_price(text: str) -> Decimal:
    """A price per unit: at most 6 decimals, not negative (EN 16931 BR-27)."""
    value = _decimal(text, "a price", 6)
    if value < 0:
        raise Misfit(
            f"'{text}' is below zero; a price may not be", "write the price, and give a discount or a credit note"
        )
    return value


def parse_quantity(text: str) -> Decimal:
    """A number of units: at most 6 decimals."""
    return _decimal(text, "a quantity", 6)


def parse_percent(text: str) -> Decimal:
    """0 to 100, at most 4 decimals; a `%` sign is not part of it."""
    if text.endswith("%"):
        raise Misfit(f"'{text}' has a percent sign", f"write {text.rstrip('% ')}")
    value = _decimal(text, "a percentage", 4)
    if not 0 <= value <= 100:
        raise Misfit(f"'{text}' is not between 0 and 100", "write a number from 0 to 100")
    return value


def parse_date(text: str) -> dt.date:
    """`YYYY-MM-DD`."""
    if _DATE.match(text):
        try:
            date = dt.date.fromisoformat(text)
        except ValueError:
            raise Misfit(f"there is no day '{text}'", "check the day and the month") from None
        return _near(date, text)
    hint = "write year-month-day, for example 2026-12-31"
    if found := re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", text):
        day, month, year = (int(part) for part in found.groups())
        try:
            hint = f"write {dt.date(year, month, day).isoformat()}"
        except ValueError:
            hint = "write year-month-day; this day is not in the calendar"
    raise Misfit(f"'{text}' is not a date", hint)


D = TypeVar("D", bound=dt.date)


def _near(day: D, text: str) -> D:
    """A day that one can count from in both directions."""
    first, last = _YEARS
    if not first <= day.year <= last:
        raise Misfit(f"'{text}' lies too far away", f"write a year from {first} to {last}")
    return day


def parse_time(text: str) -> dt.time:
    """`HH:MM`, in the practice's zone."""
    if not _TIME.match(text):
        raise Misfit(f"'{text}' is not a time of day", "write hours and minutes, for example 09:30")
    return dt.time.fromisoformat(text)


def parse_date_time(text: str) -> dt.datetime:
    """A date and time with its offset from UTC, e.g. `2026-12-01T10:00+00:00` (RFC 3339)."""
    if _DATE_TIME.match(text):
        try:
            moment = dt.datetime.fromisoformat(text.replace(" ", "T"))
        except ValueError:
            raise Misfit(f"there is no moment '{text}'", "check the day, the time and the offset") from None
        return _near(moment, text)
    raise Misfit(f"'{text}' is not a date with time and offset", "write it like 2026-12-01T10:00+01:00")


def parse_email(text: str) -> str:
    """An address with one `@` and a domain."""
    if not _EMAIL.match(text) or len(text) > 254:
        raise Misfit(f"'{text}' is not an e-mail address", "write it like ana@example.org")
    return text


def parse_phone(text: str) -> str:
    """A phone number as people write it."""
    if not _PHONE.match(text):
        raise Misfit(f"'{text}' is not a phone number", "write it like +353 91 555 0123")
    return text


def _address(text: str, schemes: tuple[str, ...]) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        fits = bool(parts.hostname) and (parts.scheme in schemes or (parts.scheme == "http" and local))
        _ = parts.port
    except ValueError:
        fits = False
    if not fits or re.search(r"[\s<>\"\\^`{|}\x00-\x1f]", text):
        raise Misfit(f"'{text}' is not a web address", "write it in full, starting with https://")
    return text


def parse_url(text: str) -> str:
    """A full https address (http only for this machine)."""
    return _address(text, ("https",))


def parse_url_pattern(text: str) -> str:
    """A full https address, with `{amount}`, `{currency}` and `{reference}` where they are to be filled in."""
    filled = _PLACEHOLDER.sub("1", text)
    if found := re.search(r"\{[^{}]*\}", filled):
        raise Misfit(f"nothing fills in '{found[0]}'", "write {amount}, {currency} or {reference}")
    if not filled.startswith("https://"):
        raise Misfit(f"'{text}' is not a secure web address", "write it in full, starting with https://")
    try:
        _address(filled, ("https",))
    except Misfit as misfit:
        raise Misfit(f"'{text}' is not a web address", misfit.hint) from None
    return text


def parse_base_url(text: str) -> str:
    """The address of the site's root; always ends in `/`, has no query and no fragment."""
    if "?" in text or "#" in text:
        raise Misfit(
            f"'{text}' has a query or a fragment",
            "write the address of the site's root, for example https://example.org/",
        )
    return _address(text, ("https",)).rstrip("/") + "/"


def parse_asset(text: str) -> str:
    """A file below `content/static/`, written `static/name.png` (a leading `/` is allowed)."""
    path = text.lstrip("/") if text.startswith("/static/") else text
    parts = path.split("/")
    if parts[0] != "static" or len(parts) < 2 or any(part in ("", ".", "..") for part in parts) or "\\" in path:
        raise Misfit(
            f"'{text}' does not lie in the folder static",
            "put the file into content/static and write static/NAME",
            "bad-path",
        )
    return path


def parse_file_name(text: str) -> str:
    """A file below the client's `files/`, written without that folder."""
    parts = text.removeprefix("files/").split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in text or "\0" in text:
        raise Misfit(f"'{text}' does not lie in the client's folder files", "write the file's name only", "bad-path")
    return "/".join(parts)


def parse_colour(text: str) -> str:
    """`#rrggbb`."""
    if not _COLOUR.match(text):
        raise Misfit(f"'{text}' is not a colour", "write it like '#2f5d50', in quotes because of the #")
    return text.lower()


class Period(msgspec.Struct, frozen=True):
    """A length of calendar time: `3d`, `2w`, `6m`, `1y`."""

    count: int
    unit: Unit


def parse_period(text: str) -> Period:
    """A number and `d`, `w`, `m` or `y`; at most 20 years."""
    if not (found := _PERIOD.match(text)):
        raise Misfit(f"'{text}' is not a length of time", "write it like 10d, 2w, 6m or 1y")
    unit, most = _UNITS[found[2]]
    if int(found[1]) > most:
        raise Misfit(f"'{text}' is longer than 20 years", f"write at most {most}{unit}")
    return Period(int(found[1]), unit)


class DueRule(msgspec.Struct, frozen=True):
    """When an invoice falls due. `count` is days (or hours for before_session), `weekday` 0 is Monday."""

    kind: Literal["on_receipt", "net", "end_of_month", "before_session", "next"]
    count: int = 0
    weekday: int = 0


def parse_due_rule(text: str) -> DueRule:
    """`on_receipt`, `net N`, `end_of_month+N`, `before_session N h` or `next mon…sun`."""
    if text == "on_receipt":
        return DueRule("on_receipt")
    if found := re.fullmatch(r"net (\d{1,3})", text, re.ASCII):
        return DueRule("net", int(found[1]))
    if found := re.fullmatch(r"end_of_month(?:\+(\d{1,3}))?", text, re.ASCII):
        return DueRule("end_of_month", int(found[1] or 0))
    if found := re.fullmatch(r"before_session (\d{1,3}) ?h", text, re.ASCII):
        return DueRule("before_session", int(found[1]))
    if (found := re.fullmatch(r"next (\w{3})", text)) and found[1] in WEEKDAYS:
        return DueRule("next", 0, WEEKDAYS.index(found[1]))
    raise Misfit(
        f"'{text}' does not say when to pay",
        "write on_receipt, net 14, end_of_month+10, before_session 24 h or next fri",
    )


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A price: an amount, free, or told on request."""

    kind: Literal["amount", "free", "on_request"]
    amount: Decimal = Decimal(0)


def parse_price(text: str) -> Price:
    """An amount, `free` or `on_request`."""
    if text == "free":
        return Price(kind="free")
    if text == "on_request":
        return Price(kind="on_request")
    try:
        return Price(kind="amount", amount=parse_unit_price(text))
    except Misfit as misfit:
        hint = (
            misfit.hint
            if misfit.hint.startswith("write ") and "digits" not in misfit.hint
            else "write an amount, free, on_request, or {from: 50, to: 90}"
        )
        raise Misfit(misfit.message, hint) from None


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """A fee: the full price, a percentage of it, or an amount."""

    kind: Literal["full", "percent", "amount"]
    value: Decimal = Decimal(100)


def parse_fee(text: str) -> Fee:
    """`full`, `50%` or an amount."""
    if text == "full":
        return Fee(kind="full")
    if text.endswith("%"):
        return Fee(kind="percent", value=parse_percent(text.removesuffix("%").rstrip()))
    try:
        return Fee(kind="amount", value=parse_positive_amount(text))
    except Misfit as misfit:
        raise Misfit(
            misfit.message.replace("an amount", "a fee"), misfit.hint or "write full, 50% or an amount"
        ) from None


_NUMBER: dict[str, Any] = {"type": ["number", "string"]}
Text = Annotated[str, Scalar(parse_text, {"type": ["string", "number", "boolean"]})]
Id = Annotated[str, Scalar(parse_id, {"type": ["string", "number"]})]
Flag = Annotated[bool, Scalar(parse_boolean, {"type": "boolean"})]
Amount = Annotated[Decimal, Scalar(parse_amount, _NUMBER)]
PositiveAmount = Annotated[Decimal, Scalar(parse_positive_amount, _NUMBER)]
UnitPrice = Annotated[Decimal, Scalar(parse_unit_price, _NUMBER)]
Quantity = Annotated[Decimal, Scalar(parse_quantity, _NUMBER)]
Percent = Annotated[Decimal, Scalar(parse_percent, {"type": ["number", "string"], "description": "0 to 100"})]
Date = Annotated[dt.date, Scalar(parse_date, {"type": "string", "format": "date"})]
Time = Annotated[dt.time, Scalar(parse_time, {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"})]
DateTime = Annotated[dt.datetime, Scalar(parse_date_time, {"type": "string", "format": "date-time"})]
Email = Annotated[str, Scalar(parse_email, {"type": "string", "format": "email"})]
Phone = Annotated[str, Scalar(parse_phone, {"type": ["string", "number"]})]
Url = Annotated[str, Scalar(parse_url, {"type": "string", "format": "uri"})]
UrlPattern = Annotated[str, Scalar(parse_url_pattern, {"type": "string", "pattern": "^https://"})]
BaseUrl = Annotated[str, Scalar(parse_base_url, {"type": "string", "format": "uri"})]
Asset = Annotated[str, Scalar(parse_asset, {"type": "string", "pattern": "^/?static/"})]
FileName = Annotated[str, Scalar(parse_file_name, {"type": "string"})]
Currency = Annotated[str, Scalar(parse_currency, {"type": "string", "pattern": "^[A-Z]{3}$"})]
Country = Annotated[str, Scalar(parse_country, {"type": "string", "pattern": "^[A-Z]{2}$"})]
Language = Annotated[str, Scalar(parse_language, {"type": "string"})]
Timezone = Annotated[str, Scalar(parse_timezone, {"type": "string"})]
Colour = Annotated[str, Scalar(parse_colour, {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"})]
Span = Annotated[Period, Scalar(parse_period, {"type": "string", "pattern": "^[1-9][0-9]{0,3}[dwmy]$"})]
Due = Annotated[DueRule, Scalar(parse_due_rule, {"type": "string"})]
PriceText = Annotated[Price, Scalar(parse_price, _NUMBER)]
FeeText = Annotated[Fee, Scalar(parse_fee, _NUMBER)]


def Whole(low: int, high: int) -> Any:  # noqa: N802  it stands where a type stands
    """The scalar for whole numbers from `low` to `high`."""
    return Scalar(whole(low, high), {"type": ["integer", "string"], "minimum": low, "maximum": high})
