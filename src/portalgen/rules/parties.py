"""Who stands on a money document: seller and buyer with their addresses in parts (EN 16931 BG-4, BG-7)."""

from __future__ import annotations

import msgspec


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A postal address in parts (BG-5, BG-8); what is not known is empty. `country` is ISO 3166-1 alpha-2."""

    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


class Party(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The seller (BG-4) or buyer (BG-7). `name` is the legal one (BT-27, BT-44).

    `also` is the trading name of the seller, or the client for whom another person gets the bill. `vat_id` is empty on
    a document outside the scope of tax (BR-O-02). `numbers` are (kind, value), e.g. ("SIREN", "732829320").
    """

    name: str
    also: str = ""
    contact: str = ""  # the person to ask
    address: PostalAddress = PostalAddress()
    email: str = ""
    phone: str = ""
    vat_id: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    reference: str = ""  # the buyer's own reference for all its bills, e.g. a Leitweg-ID
