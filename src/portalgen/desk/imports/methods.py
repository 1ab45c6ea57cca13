"""Which of the practice's ways to pay a row's money came by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from portalgen.content.records.method import Method
from portalgen.content.records.payees import plain
from portalgen.desk.books import Unclear
from portalgen.desk.imports import FormatName
from portalgen.desk.imports.rows import Row, Statement

_TRANSFERS = ("bank_sepa", "bank_us", "bank_uk", "bank_generic", "swiss_qr", "spayd")
_BANK = (*_TRANSFERS, "pix", "upi", "zelle", "interac")
KINDS: Mapping[FormatName, Sequence[str]] = {
    "stripe": ("stripe_link",),
    "paypal": ("paypal_me",),
    "bank": _BANK,
    "camt053": _BANK,
}
"""The kinds of ways to pay whose money is in a file of each format."""


class Methods:
    """The way to pay of each row of a statement: the one that was named, or the only one that can be."""

    def __init__(self, methods: Sequence[Method], statement: Statement, wanted: str) -> None:
        if wanted and wanted not in {method.id for method in methods}:
            known = ", ".join(method.id for method in methods)
            raise Unclear(f"there is no method '{wanted}'", f"site.yaml has {known or 'none'}")
        self._wanted, self._statement = wanted, statement
        self._methods = [method for method in methods if method.kind in KINDS[statement.format]]
        if not wanted and not self._methods:
            hint = "add it to practice: methods:, or say how the money came with --method ID"
            raise Unclear(f"site.yaml has no way to pay {self._kind}", hint)

    @property
    def _kind(self) -> str:
        return {"stripe": "by Stripe", "paypal": "by PayPal"}.get(self._statement.format, "into a bank account")

    def of(self, row: Row, client: str) -> str:
        """The id of the way to pay; empty when none takes the currency. Raises `Unclear` when it may be several."""
        if self._wanted:
            return self._wanted
        fitting = [
            method
            for method in self._methods
            if (not method.takes or row.currency in method.takes or (row.sent and row.sent.currency in method.takes))
            and (not method.for_clients or client in method.for_clients)
        ]
        for likelier in self._narrower(row):
            fitting = [method for method in fitting if likelier(method)] or fitting
        if len(fitting) < 2:
            return fitting[0].id if fitting else ""
        names = " or ".join(method.id for method in fitting)
        raise Unclear(f"the money in {self._statement.file} may have come by {names}", "say which with --method ID")

    def _narrower(self, row: Row) -> Sequence[Callable[[Method], bool]]:
        """What makes one way likelier than another, the best first."""
        swiss = re.fullmatch(r"\d{27}", re.sub(r"\s", "", row.reference)) is not None
        return (
            lambda method: swiss and method.kind == "swiss_qr",
            lambda method: bool(method.iban) and plain(method.iban or "") in self._statement.accounts,
            lambda method: method.kind in _TRANSFERS,
        )
