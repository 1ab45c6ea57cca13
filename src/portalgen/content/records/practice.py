"""site.yaml: the practice and how its site is built (domain §3)."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from portalgen.content.records.base import DERIVED, PRIVATE, PUBLIC, Audience, Flaw, Record
from portalgen.content.records.method import Method
from portalgen.content.records.numbering import Numbering
from portalgen.content.scalars import (
    Asset,
    BaseUrl,
    Colour,
    Country,
    Currency,
    Date,
    Email,
    Flag,
    Language,
    Phone,
    Text,
    Time,
    Timezone,
    Url,
    Weekday,
    Whole,
)

ACKNOWLEDGE = "I accept that my host and anyone who gets the link can read this"


class Address(Record, frozen=True, kw_only=True):
    """A postal address in parts, as e-invoices and the Swiss QR-bill need it."""

    audience: ClassVar[Audience] = "public"
    line1: Text
    line2: Text | None = None
    postcode: Text
    city: Text
    region: Text | None = None
    country: Country


class Licence(Record, frozen=True, kw_only=True):
    """A licence to practise."""

    audience: ClassVar[Audience] = "public"
    number: Text
    state: Text | None = None
    expires: Annotated[Date, PRIVATE] | None = None


class TaxNumber(Record, frozen=True, kw_only=True):
    """The practice's tax number; a social security number is never published."""

    kind: Text
    value: Text


class PracticeTax(Record, frozen=True, kw_only=True):
    """Whether the practice charges tax, and what its invoices must say about it."""

    audience: ClassVar[Audience] = "client"
    status: Literal["none", "registered", "exempt"] = "none"
    vat_id: Text | None = None
    exempt_reason: Annotated[Text, PUBLIC] | None = None
    legal_mention: Annotated[Text, PUBLIC] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.status == "exempt" and not self.exempt_reason:
            yield Flaw(
                (),
                "missing-key",
                "an exempt practice needs 'exempt_reason'",
                "add exempt_reason: with the rule that exempts you",
            )


class CompanyId(Record, frozen=True, kw_only=True):
    """A number that the law wants on invoices, e.g. SIREN or ABN."""

    audience: ClassVar[Audience] = "public"
    kind: Text
    value: Text


class Hours(Record, frozen=True, kw_only=True):
    """One opening span of one weekday."""

    audience: ClassVar[Audience] = "public"
    day: Weekday
    from_: Time = msgspec.field(name="from")
    to: Time

    def flaws(self) -> Iterator[Flaw]:
        if self.to <= self.from_:
            yield Flaw(("to",), "bad-order", "these hours end before they begin", "write a later time in 'to'")


class Leave(Record, frozen=True, kw_only=True):
    """Days away, both included, and who covers."""

    audience: ClassVar[Audience] = "public"
    from_: Date = msgspec.field(name="from")
    to: Date
    cover: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.to < self.from_:
            yield Flaw(("to",), "bad-order", "this leave ends before it begins", "write a later day in 'to'")


class Channel(Record, frozen=True, kw_only=True):
    """A way to reach the practitioner and what it is for."""

    audience: ClassVar[Audience] = "public"
    kind: Literal["email", "phone", "sms", "whatsapp", "signal", "video", "letter", "in_person", "other"]
    value: Text
    for_: Text | None = msgspec.field(name="for", default=None)
    response_time: Text | None = None


class CrisisLine(Record, frozen=True, kw_only=True):
    """Where to turn at once."""

    audience: ClassVar[Audience] = "public"
    name: Text
    phone: Phone | None = None
    url: Url | None = None
    country: Country | None = None
    hours: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if not self.phone and not self.url:
            yield Flaw((), "missing-key", "a crisis line needs 'phone' or 'url'", "add phone: or url:")


class Booking(Record, frozen=True, kw_only=True):
    """Where clients book."""

    audience: ClassVar[Audience] = "public"
    provider: Literal["cal.com", "calendly", "url", "email"]
    url: Url | None = None
    prefill: Flag = True

    def flaws(self) -> Iterator[Flaw]:
        if self.provider != "email" and not self.url:
            yield Flaw(
                (),
                "missing-key",
                f"booking by {self.provider} needs 'url'",
                "add url: with the address of your booking page",
            )


class Practice(Record, frozen=True, kw_only=True):
    """Who works here."""

    audience: ClassVar[Audience] = "public"
    name: Text
    legal_name: Text
    owner: Text
    country: Country
    currency: Currency
    language: Language
    timezone: Timezone
    address: Address
    email: Email
    phone: Phone | None = None
    regulated: Flag = False
    profession: Text | None = None
    credentials: tuple[Text, ...] = ()
    licences: tuple[Licence, ...] = ()
    npi: Annotated[Text, PRIVATE] | None = None
    tin: Annotated[TaxNumber, PRIVATE] | None = None
    tax: PracticeTax = PracticeTax()
    company_ids: tuple[CompanyId, ...] = ()
    hours: tuple[Hours, ...] = ()
    response_time: Text | None = None
    leave: tuple[Leave, ...] = ()
    channels: tuple[Channel, ...] = ()
    crisis: tuple[CrisisLine, ...] = ()
    methods: tuple[Method, ...] = ()
    languages: tuple[Text, ...] = ()
    accessibility: Text | None = None
    booking: Booking | None = None
    price_includes_tax: Flag = False

    def flaws(self) -> Iterator[Flaw]:
        if self.regulated and not self.crisis:
            yield Flaw(
                (),
                "no-crisis-line",
                "a regulated practice needs a crisis line",
                "add crisis: with at least one name and phone number",
            )
        if self.regulated and self.credentials and not self.licences:
            yield Flaw(
                ("credentials",),
                "no-licence",
                "credentials are named without a licence number",
                "add licences: [{number: …}]",
                "warning",
            )
        if self.npi and not _valid_npi(self.npi):
            yield Flaw(
                ("npi",), "bad-value", f"'{self.npi}' is not an NPI", "write its ten digits; the last is a check digit"
            )
        for n, method in enumerate(self.methods):
            if any(other.id == method.id for other in self.methods[:n]):
                yield Flaw(
                    ("methods", n, "id"),
                    "duplicate-id",
                    f"two methods have the id '{method.id}'",
                    "give one of them another id",
                )


def _valid_npi(text: str) -> bool:
    from stdnum import luhn

    return len(text) == 10 and text.isascii() and text.isdigit() and bool(luhn.is_valid("80840" + text))


class Privacy(Record, frozen=True, kw_only=True):
    """How private pages are kept private (sealing §1)."""

    mode: Literal["sealed", "unlisted"] = "sealed"
    acknowledge: Text | None = None
    gate: Flag = True
    discreet: Flag = True
    expires_after_days: Annotated[int, Whole(1, 3660)] | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.mode == "unlisted" and self.acknowledge != ACKNOWLEDGE:
            at = ("acknowledge",) if self.acknowledge else ()
            yield Flaw(
                at,
                "not-acknowledged",
                "unlisted pages can be read by your host and by anyone who gets the link",
                f"if you accept that, write acknowledge: {ACKNOWLEDGE}",
            )


class Documents(Record, frozen=True, kw_only=True):
    """Which documents are made beside the pages."""

    pdf: Flag = True
    einvoice: Literal["false", "facturx", "xrechnung"] = "false"

    def flaws(self) -> Iterator[Flaw]:
        if self.einvoice == "facturx" and not self.pdf:
            message = "a Factur-X invoice lies inside its PDF, and there are to be no PDFs"
            yield Flaw(("einvoice",), "one-of", message, "write pdf: true, or einvoice: xrechnung")


class Hosting(Record, frozen=True, kw_only=True):
    """Which host serves the site (sealing §6)."""

    host: Literal["netlify", "cloudflare-pages", "github-pages", "apache", "nginx", "caddy", "lighttpd", "s3", "ftp"]


class Colours(Record, frozen=True, kw_only=True):
    """The colours a site can set; each is corrected where its contrast is too low."""

    audience: ClassVar[Audience] = "public"
    accent: Colour | None = None
    notice: Colour | None = None
    past_due: Colour | None = None


class Theme(Record, frozen=True, kw_only=True):
    """What a site changes about the look without touching a template."""

    audience: ClassVar[Audience] = "public"
    colours: Colours = Colours()
    logo: Asset | None = None
    logo_alt: Text | None = None

    def flaws(self) -> Iterator[Flaw]:
        if self.logo and not self.logo_alt:
            yield Flaw(("logo",), "missing-alt", "the logo has no text for those who cannot see it", "add logo_alt:")


class SiteFile(Record, frozen=True, kw_only=True):
    """The whole of site.yaml."""

    path: Annotated[str, DERIVED]
    practice: Practice
    base_url: Annotated[BaseUrl, PUBLIC] | None = None
    private_base_url: BaseUrl | None = None
    privacy: Privacy = Privacy()
    documents: Documents = Documents()
    numbering: Numbering | None = None
    hosting: Hosting | None = None
    theme: Theme = Theme()
    locale_overrides: dict[str, Text] = msgspec.field(default_factory=dict)
    retention_years: Annotated[int, Whole(0, 100)] | None = None

    @property
    def listed(self) -> bool:
        """Whether the host publishes the list of its files, as GitHub does of a repository with pages (sealing §1)."""
        named = self.hosting is not None and self.hosting.host == "github-pages"
        host = urlsplit(self.private_base_url or self.base_url or "").hostname or ""
        return named or host.endswith(".github.io")

    def flaws(self) -> Iterator[Flaw]:
        if self.privacy.mode == "unlisted" and self.listed:
            yield Flaw(
                ("hosting", "host") if self.hosting else ("base_url",),
                "listed-host",
                "this host publishes the list of its files, so unlisted pages would be found",
                "choose another host, or write privacy: {mode: sealed}",
            )
