"""The practice as every page may show it: contact, hours, channels, crisis lines."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from urllib.parse import quote

from portalgen.content.records.client import ClientAddress
from portalgen.content.records.practice import Address, Channel, Practice, SiteFile
from portalgen.content.records.referral import ReferralAddress
from portalgen.content.scalars import WEEKDAYS
from portalgen.rules.parties import PostalAddress
from portalgen.site.views import ChannelView, CrisisView, LeaveView, Picture, PracticeView, Span


def tel(phone: str | None) -> str:
    """A `tel:` address (RFC 3966), or empty."""
    digits = re.sub(r"[^0-9+]", "", re.sub(r"\(0\)", "", phone or ""))
    return f"tel:{digits}" if len(digits) > 2 else ""


def address_lines(
    address: Address | ClientAddress | ReferralAddress | PostalAddress | None, home: str, countries: Mapping[str, str]
) -> tuple[str, ...]:
    """A postal address as lines, in the order of its country (UPU S42); the country only when it is not `home`."""
    if address is None:
        return ()
    where = address.country or ""
    country = countries.get(where, where) if where != home else ""
    street, code, city, region = (address.line1, address.line2), address.postcode, address.city, address.region
    lines: tuple[str | None, ...]
    if where == "JP" and not (city or "").isascii():
        lines = (f"〒{code}" if code else "", _line(region, city, by=""), *street)
    elif where == "BR":
        lines = (*street, _line(city, region, by=" - "), code)
    elif where in ("US", "CA", "AU", "IE"):
        lines = (*street, _line(_line(city, region, by=", "), code))
    elif where in ("GB", "IN", "NZ", "SG"):
        lines = (*street, _line(city, code), region)
    else:
        lines = (*street, _line(code, city), region)
    return tuple(part for part in (*lines, country) if part)


def _line(*parts: str | None, by: str = " ") -> str:
    return by.join(part for part in parts if part)


def practice_view(site: SiteFile, today: dt.date, countries: Mapping[str, str]) -> PracticeView:
    """The view. Leave that is over by `today` is left out."""
    practice = site.practice
    return PracticeView(
        name=practice.name,
        legal_name=practice.legal_name,
        owner=practice.owner,
        profession=practice.profession or "",
        email=practice.email,
        mailto=mailto(practice.email),
        phone=practice.phone or "",
        tel=tel(practice.phone),
        address=address_lines(practice.address, practice.country, countries),
        hours=_hours(practice),
        timezone=practice.timezone,
        response_time=practice.response_time
        or next((c.response_time for c in practice.channels if c.response_time), ""),
        channels=tuple(_channel(channel) for channel in practice.channels),
        leave=tuple(
            LeaveView(start=leave.from_, end=leave.to, cover=leave.cover or "")
            for leave in sorted(practice.leave, key=lambda leave: leave.from_)
            if leave.to >= today
        ),
        crisis=tuple(
            CrisisView(
                name=c.name,
                phone=c.phone or "",
                tel=tel(c.phone),
                url=c.url or "",
                hours=c.hours or "",
                country=c.country or "",
            )
            for c in practice.crisis
        ),
        languages=practice.languages,
        accessibility=practice.accessibility or "",
        credentials=practice.credentials,
        licences=tuple(
            " ".join(part for part in (licence.number, licence.state) if part) for licence in practice.licences
        ),
        company_ids=tuple((number.kind, number.value) for number in practice.company_ids),
        booking=booking_address(practice),
        logo=Picture(file=site.theme.logo, alt=site.theme.logo_alt or "") if site.theme.logo else None,
    )


def booking_address(practice: Practice) -> str:
    """Where to book: the booking page, or an e-mail."""
    booking = practice.booking
    if booking and booking.url and booking.provider != "email":
        return booking.url
    return mailto(practice.email) if booking else ""


def mailto(email: str, subject: str = "", body: str = "") -> str:
    """A `mailto:` address (RFC 6068)."""
    fields = "&".join(
        f"{key}={quote(value, safe='')}" for key, value in (("subject", subject), ("body", body)) if value
    )
    return f"mailto:{quote(email, safe='@.+-_')}" + (f"?{fields}" if fields else "")


def _channel(channel: Channel) -> ChannelView:
    href = ""
    if channel.kind == "email" and "@" in channel.value:
        href = mailto(channel.value)
    elif channel.kind in ("phone", "sms"):
        href = tel(channel.value)
        href = href.replace("tel:", "sms:") if channel.kind == "sms" else href
    elif channel.value.startswith("https://"):
        href = channel.value
    return ChannelView(
        kind=channel.kind,
        value=channel.value,
        href=href,
        use=channel.for_ or "",
        response_time=channel.response_time or "",
    )


def _hours(practice: Practice) -> tuple[Span, ...]:
    days: dict[int, list[tuple[dt.time, dt.time]]] = {}
    for hours in practice.hours:
        days.setdefault(WEEKDAYS.index(hours.day), []).append((hours.from_, hours.to))
    return tuple(Span(weekday=day, hours=tuple(sorted(spans))) for day, spans in sorted(days.items()))
