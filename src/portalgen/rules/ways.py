"""Ways to pay an amount: which methods fit it, and the exact link, code and texts of each (domain §6)."""

from __future__ import annotations

from typing import Literal

import msgspec

from portalgen.rules.money import Money

CodeKind = Literal["", "epc", "swiss", "upi", "pix", "spayd", "link"]


class Way(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way to pay one amount. `rows` are (code, value) pairs to copy: payee, iban, bic, reference …

    `code` is the exact text of the QR code, `code_kind` says by which standard; both are empty where there is none.
    """

    method: str  # the method's id
    kind: str  # the method's kind
    label: str
    amount: Money
    href: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    instructions: str = ""
    fee_note: str = ""
    settles_in: str = ""
    code: str = ""
    code_kind: CodeKind = ""
