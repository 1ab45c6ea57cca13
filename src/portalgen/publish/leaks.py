"""The last look at a finished site: does a public file say what only a client, or nobody, may know (domain X9)?

Searched are all files that anybody can get: public pages, lists, styles, copies of `static/`, and the page around
what is sealed. A search costs some tens of milliseconds for a thousand clients: files are read once, and a value is
looked for only when its first two words stand somewhere. No message repeats what it found.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise

import msgspec

from portalgen.content.model import Shared
from portalgen.content.problems import Finding
from portalgen.publish.audience import public_texts
from portalgen.publish.codes import Codes
from portalgen.publish.disclosed import APART, Disclosed, fours, words
from portalgen.publish.value import Value
from portalgen.site.sealing import encodings

_ADDRESS = re.compile(rb"p/[a-z2-7]{32}(?![a-z2-7])")
_LISTS = ("robots.txt", "sitemap.xml")
_WINDOW = 8
_FEW = 100
"""Needles that are looked for one by one."""
_SITE = "content/site.yaml"
_MONTHS = ("wide", "abbreviated")


class Search:
    """Looks for what is private in the `public` files (by their path in the output), which are read once.

    `shared` tells what the practitioner says in public. `sources` has the source of a page by its path. It may be asked
    for one client after the other.
    """

    def __init__(self, public: Mapping[str, bytes], shared: Shared, sources: Mapping[str, str] = {}) -> None:
        self._public, self._sources = public, sources
        self._said = Disclosed(public)
        self._own = _Own(shared)
        self._confirm = _Confirm(self._own)
        self._pages: dict[str, Disclosed] = {}
        self._asked = 0

    @cached_property
    def _everything(self) -> bytes:
        return APART.join(self._public.values())

    @cached_property
    def _windows(self) -> frozenset[int]:
        """Every eight bytes that begin at a multiple of eight."""
        there: set[int] = set()
        for text in (self._everything, self._said.unpacked):
            there.update(memoryview(text)[: len(text) // _WINDOW * _WINDOW].cast("Q"))
        return frozenset(there)

    @cached_property
    def _codes(self) -> Codes:
        return Codes((self._everything, self._said.unpacked))

    def listings(self) -> Iterator[Finding]:
        """Lists that name private pages, whosever they are."""
        listed = {name for name in _LISTS if b"/p/" in self._public.get(name, b"")}
        if _ADDRESS.search(self._everything):
            listed |= {name for name, data in self._public.items() if _ADDRESS.search(data)}
        yield from self._told_addresses(listed)

    def keys(self, secrets: Collection[bytes], addresses: Iterable[str]) -> Iterator[Finding]:
        """The same as `secrets` for keys of 32 bytes each in every encoding, written only when some may stand."""
        written = [one for secret in secrets if self._codes.may_have_key(secret) for one in encodings(secret)]
        told = [address for address in addresses if self._codes.may_have_address(address)]
        return self.secrets([*secrets, *written], told)

    def secrets(self, secrets: Iterable[bytes], addresses: Iterable[str]) -> Iterator[Finding]:
        """Where M or an R stands, in any encoding, or the token or locator of a link, a retired one too."""
        links = [address.encode() for address in addresses]
        shut = frozenset((*links, *(link.upper() for link in links)))
        keys: set[str] = set()
        listed: set[str] = set()
        if found := self._standing((*secrets, *shut)):
            for name, data in self._public.items():
                inside = Disclosed({name: data}).unpacked
                for needle in found:
                    if needle in data or needle in inside:
                        (listed if needle in shut else keys).add(name)
        for name in sorted(keys):
            yield Finding(
                path=self._sources.get(name, _SITE),
                code="leaked-secret",
                message=f"/{name} would publish a key that opens private pages",
                hint="take it out of what this page is made from, then give out new links: portalgen link rotate",
            )
        yield from self._told_addresses(listed)

    def _told_addresses(self, listed: Iterable[str]) -> Iterator[Finding]:
        for name in sorted(listed):
            yield Finding(
                path=self._sources.get(name, _SITE),
                code="leaked-address",
                message=f"/{name} would tell everybody where a private page lies",
                hint="take the link out of what this page is made from; only the client gets it",
            )

    def _standing(self, needles: Collection[bytes]) -> list[bytes]:
        """The needles (16 bytes or more each) that stand in a text.

        Wherever one stands, one of its first eight windows of eight bytes begins at a multiple of eight. To learn all
        windows pays when there are many needles.
        """
        self._asked += len(needles)
        if self._asked <= _FEW:
            return [needle for needle in needles if self._is_there(needle)]
        heads = memoryview(b"".join([needle[: 2 * _WINDOW] for needle in needles]) + bytes(_WINDOW))
        common: set[int] = set()
        for start in range(_WINDOW):
            common |= self._windows.intersection(heads[start : len(heads) - _WINDOW + start].cast("Q")[::2])
        if not common:
            return []
        windows = {number.to_bytes(_WINDOW, sys.byteorder) for number in common}
        return [
            needle
            for needle in needles
            if any(needle[start : start + _WINDOW] in windows for start in range(_WINDOW)) and self._is_there(needle)
        ]

    def _is_there(self, needle: bytes) -> bool:
        return needle in self._everything or needle in self._said.unpacked

    def values(self, values: Iterable[Value]) -> Iterator[Finding]:
        """Which of the values stand somewhere and may not. All values of one file have to come together."""
        follow = self._said.follow
        hits = [value for value in values if follow(value.lead) and _may_stand(value, follow)]
        asked = {(value.form, value.words): value for value in hits}  # many clients have a word in common
        known = {key: self._confirm(value, self._said) for key, value in asked.items()}
        hits = [value for value in hits if known[value.form, value.words]]
        sure = {(value.path, value.words.lower()) for value in hits if value.weight != "loose"}
        open_ones = {(_home(value), value.words.lower()) for value in hits if not value.private}
        told: set[tuple[str, object, str]] = set()
        for value in hits:
            place = (value.path, value.at, value.text)
            if place in told or (value.weight == "loose" and (value.path, value.words.lower()) in sure):
                continue
            if value.private and (_home(value), value.words.lower()) in open_ones:
                continue  # a name in a note: it is told, and may be agreed to, where it is the client's own
            code = self._own.judged(value, self._confirm)
            if code is None:
                continue
            told.add(place)
            names = []
            for name, data in self._public.items():
                if name not in self._pages:
                    self._pages[name] = Disclosed({name: data})
                if self._confirm(value, self._pages[name]):
                    names.append(name)
            yield _finding(value, code, names)


def _home(value: Value) -> str:
    """The folder of the client that a value belongs to."""
    return "/".join(value.path.split("/")[:3])


def _may_stand(value: Value, follow: Callable[[tuple[bytes, ...]], bool]) -> bool:
    """Whether every two or four words of it stand somewhere; dates and telephone numbers are written in many ways."""
    if value.form in ("birth", "phone"):
        return True
    tokens = value.words.lower().split()
    return all(map(follow, fours(tokens) if len(tokens) > 3 else pairwise(tokens)))


class _Confirm:
    """Whether a value stands in a text, once its beginning does."""

    def __init__(self, own: _Own) -> None:
        self._own = own
        self._dates: dict[bytes, tuple[bytes, ...]] = {}

    def __call__(self, value: Value, said: Disclosed) -> bool:
        match value.form:
            case "phone":
                return value.words in said.phones
            case "birth":
                near = b" %b " % said.around(value.lead[0])
                return any(b" %b " % form in near for form in self._written(value.words))
            case "name":
                return said.says(value.words, called=True)
        return said.says(value.words)

    def _written(self, iso: bytes) -> tuple[bytes, ...]:
        if iso not in self._dates:
            day = dt.date(*map(int, iso.split()))
            self._dates[iso] = tuple(words(form.encode()) for form in _dates(day, self._own.languages))
        return self._dates[iso]


def _dates(day: dt.date, languages: Iterable[str]) -> Iterator[str]:
    """A day as pages write it: in figures in any order, and with the month's name."""
    from babel.core import Locale

    for d, m in {(f"{day.day}", f"{day.month}"), (f"{day:%d}", f"{day:%m}")}:
        yield from (f"{day.year} {m} {d}", f"{d} {m} {day.year}", f"{m} {d} {day.year}")
        yield from (f"{day.year}年{m}月{d}日",)
    for language in languages:
        months = Locale.parse(language, sep="-").months
        for name in {months[use][width][day.month] for use in ("format", "stand-alone") for width in _MONTHS}:
            for number in (f"{day.day}", f"{day:%d}", f"{day.day}th", f"{day.day}st", f"{day.day}nd", f"{day.day}rd"):
                yield from (f"{number} {name} {day.year}", f"{name} {number} {day.year}")
            yield f"{day.day} de {name} de {day.year}"


class _Own:
    """What the practice says of itself in public, read only when there is something to judge."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    @cached_property
    def languages(self) -> tuple[str, ...]:
        from babel.core import Locale, UnknownLocaleError

        found = []
        for language in dict.fromkeys((self._shared.site.practice.language, "en")):
            try:
                Locale.parse(language, sep="-")
            except (UnknownLocaleError, ValueError):
                continue
            found.append(language)
        return tuple(found)

    @cached_property
    def fields(self) -> Disclosed:
        """Who and where the practice is, what its services are called: no client can own these words."""
        shared = self._shared
        listed = [msgspec.to_builtins(referral) for referral in shared.referrals.values() if referral.consent_to_list]
        found: list[object] = [shared.site.practice, shared.site.base_url]
        found += [text for referral in listed for text in _leaves(referral)]
        found += [(service.name, service.public_description, service.prices) for service in shared.services.values()]
        found += [(policy.title, policy.effective) for policy in shared.policies.values()]
        found += [guide.title for guide in shared.guides.values()]
        found += [agreement.title for agreement in shared.agreements.values()]
        found += [terms.title for terms in shared.terms.values()]
        ids = (shared.services, shared.policies, shared.guides, shared.terms, shared.agreements, shared.pages)
        found += [tuple(kind) for kind in ids]
        return _as_text((*found, shared.static))

    @cached_property
    def texts(self) -> Disclosed:
        """All that the practitioner wrote for everybody."""
        return _as_text((self._quotable, tuple(self._shared.pages.values())))

    @cached_property
    def rules(self) -> Disclosed:
        """Of it, what clients are told as well: how the practice works, and what it offers."""
        return _as_text(self._quotable)

    @property
    def _quotable(self) -> tuple[object, ...]:
        shared = self._shared
        kinds = (shared.services, shared.policies, shared.guides, shared.terms)
        return (shared.site, *(tuple(kind.values()) for kind in kinds))

    def judged(self, value: Value, stands: Callable[[Value, Disclosed], bool]) -> str | None:
        """The code of the problem that a value is which was found, or None when it is none."""
        if value.weight != "own" and stands(value, self.fields):
            return None
        sure = "leaked-private" if value.private else "leaked-client"
        match value.weight:
            case "firm":
                return sure
            case "said" if stands(value, self.rules):
                return None
            case "said":
                return "possible-leak" if stands(value, self.texts) else sure
            case "own":
                return None if stands(value, self.texts) else sure
        return None if stands(value, self.texts) else "possible-leak"


def _as_text(records: object) -> Disclosed:
    """Every text that some records have for everybody."""
    return Disclosed({"": APART.decode().join(public_texts(records)).replace("<", " ").encode("utf-8", "replace")})


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for entry in value.values() for text in _leaves(entry))
    elif isinstance(value, (tuple, list)):
        yield from (text for entry in value for text in _leaves(entry))


def _finding(value: Value, code: str, names: list[str]) -> Finding:
    """The problem at the place where the value is written; it names the public file, and never the value."""
    where = f"/{names[0]}" if names else "a public file"
    if len(names) > 1:
        where += f" and {len(names) - 1} more"
    hint = "take it out of that page"
    if code == "possible-leak":
        return Finding(
            path=value.path,
            at=value.at,
            text=value.text,
            code="possible-leak",
            severity="warning",
            message=f"these words stand in {where} too, for everybody to read",
            hint="if they are this client's, take them out of that page; else silence this with the reason",
        )
    if code == "leaked-private":
        message = f"this is private, and it would stand in {where} for everybody to read"
        return Finding(path=value.path, at=value.at, text=value.text, code="leaked-private", message=message, hint=hint)
    hint += "; if the client agreed, add to this line # portalgen: allow leaked-client because and the reason"
    message = f"this is for the client alone, and it would stand in {where} for everybody to read"
    return Finding(path=value.path, at=value.at, text=value.text, code="leaked-client", message=message, hint=hint)
