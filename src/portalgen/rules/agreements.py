"""Agreements: the text for one client, and whether it was accepted (domain A1, A2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Acceptance
from portalgen.content.records.offer import Agreement

VARIABLE = re.compile(r"\{\{\s*([a-z_.]+)\s*\}\}")
State = Literal["open", "accepted", "outdated", "revoked"]


def variables(shared: Shared, folder: ClientFolder) -> Mapping[str, str]:
    """What an agreement's `{{ … }}` may name. Empty values count as missing."""
    practice, client = shared.site.practice, folder.client
    address = client.address
    place = (
        ", ".join(part for part in (address.line1, address.line2, address.postcode, address.city) if part)
        if address
        else ""
    )
    own = practice.address
    return {
        "client.name": client.name.display,
        "client.legal_name": client.name.legal or client.name.display,
        "client.address": place,
        "client.email": client.email or "",
        "practice.name": practice.name,
        "practice.legal_name": practice.legal_name,
        "practice.owner": practice.owner,
        "practice.email": practice.email,
        "practice.phone": practice.phone or "",
        "practice.address": ", ".join(part for part in (own.line1, own.line2, own.postcode, own.city) if part),
    }


def fill(text: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with its variables replaced, and the names that have no value. Values are text, never Markdown."""
    missing = tuple(dict.fromkeys(name for name in VARIABLE.findall(text) if not values.get(name)))
    return VARIABLE.sub(lambda found: _plain(values.get(found[1], "")), text), missing


def _plain(value: str) -> str:
    safe = value.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
    return re.sub(r"([\\`*_{}\[\]()>#+.!-])", r"\\\1", safe)


def accepted(agreement: Agreement, folder: ClientFolder) -> tuple[State, Acceptance | None]:
    """The latest acceptance of the agreement, and what it is worth for the version that holds now."""
    own = [entry for entry in folder.client.accepted if entry.agreement == agreement.id]
    last = max(own, key=lambda entry: (entry.version, entry.date), default=None)
    if last is None:
        return "open", None
    if last.revoked:
        return "revoked", last
    return ("accepted" if last.version >= agreement.version or not agreement.material else "outdated"), last
