"""referrals.yaml: colleagues to refer to (domain §3)."""

from typing import Annotated, ClassVar

from portalgen.content.records.base import PRIVATE, Audience, Record
from portalgen.content.scalars import Country, Date, Email, Flag, Id, Phone, Text, Url


class ReferralAddress(Record, frozen=True, kw_only=True):
    """A colleague's address, as much of it as is known."""

    audience: ClassVar[Audience] = "public"
    line1: Text | None = None
    line2: Text | None = None
    postcode: Text | None = None
    city: Text | None = None
    region: Text | None = None
    country: Country | None = None


class Referral(Record, frozen=True, kw_only=True):
    """An entry of referrals.yaml. Listed publicly only with `consent_to_list: true`."""

    audience: ClassVar[Audience] = "client"
    id: Id
    name: Text
    profession: Text | None = None
    topics: tuple[Text, ...] = ()
    phone: Phone | None = None
    email: Email | None = None
    address: Text | ReferralAddress | None = None
    url: Url | None = None
    languages: tuple[Text, ...] = ()
    checked: Annotated[Date, PRIVATE] | None = None
    consent_to_list: Flag = False
