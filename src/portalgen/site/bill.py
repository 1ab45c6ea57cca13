"""What the pages of invoices and credit notes have alike, read from the settled document, and where they stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

import msgspec
from markupsafe import Markup

from portalgen.content.lock import LinkKind
from portalgen.rules.document import Document
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.money import ZERO, Money
from portalgen.rules.parties import Party
from portalgen.site.formats import country_names
from portalgen.site.offer import money
from portalgen.site.practice import address_lines
from portalgen.site.views import BillView, CreditView, InvoiceRow, LineView, PartyView, ReductionView, TaxView


class Addresses(msgspec.Struct, frozen=True):
    """Where the papers of one client stand; what is behind another link has its own address, or none."""

    portal: str
    document: Callable[[LinkKind, str], str]  # the address of an ("invoice", id) or ("credit-note", id), or empty
    withheld: Collection[str] = ()  # payments whose receipts are not the reader's

    def invoice(self, key: str) -> str:
        """The page of an invoice."""
        return self.document("invoice", key)

    def credit_note(self, key: str) -> str:
        """The page of a credit note."""
        return self.document("credit-note", key)

    def receipt(self, payment: str) -> str:
        """The page of a payment's receipt, or empty."""
        return "" if payment in self.withheld else f"{self.portal}receipts/{payment}/"

    def statement(self, currency: str) -> str:
        """The page of the statement in a currency."""
        return f"{self.portal}statements/{currency.lower()}/"

    def year(self, year: int, currency: str) -> str:
        """The page of a year's summary; `currency` is empty where the year has only one."""
        return f"{self.portal}years/{year}-{currency.lower()}/" if currency else f"{self.portal}years/{year}/"


def invoice_row(facts: InvoiceFacts, addresses: Addresses) -> InvoiceRow:
    """An invoice in a list, with its credit notes."""
    return InvoiceRow(
        number=facts.invoice.number or "",
        address=addresses.invoice(facts.invoice.id),
        issued=facts.invoice.issued or dt.date.min,
        due=facts.status.due,
        total=facts.money(facts.totals.total),
        balance=facts.money(facts.status.balance),
        pending=facts.money(facts.entries.pending if facts.status.balance else ZERO),
        label=facts.status.label,
        credits=credit_views(facts, addresses),
    )


def credit_views(facts: InvoiceFacts, addresses: Addresses) -> tuple[CreditView, ...]:
    """The credit notes of an invoice, the oldest first."""
    if not facts.credits:
        return ()
    return tuple(
        CreditView(
            number=credit.note.number,
            date=credit.note.issued,
            amount=facts.money(credit.totals.total),
            reason=credit.note.reason,
            address=addresses.credit_note(credit.note.id),
        )
        for credit in sorted(facts.credits, key=lambda credit: (credit.note.issued, credit.note.number))
    )


def bill_of(document: Document, notes: Markup, home: str) -> BillView:
    """Parties, lines and totals of a document. A buyer's country is left out when it is `home`, the practice's."""
    return BillView(**bill_fields(document, notes, home))


def bill_fields(document: Document, notes: Markup, home: str) -> dict[str, Any]:
    """The fields of `bill_of`, for a view that has more."""
    totals, money = document.totals, document.money
    return {
        "number": document.number,
        "issued": document.issued,
        "seller": party_view(document.seller, "", document.language),
        "buyer": party_view(document.buyer, home, document.language, own_reference=not document.buyer_reference),
        "includes_tax": totals.includes_tax,
        "shows_tax": document.taxed,
        "lines": _lines(document),
        "line_total": money(totals.line_total),
        "discount": ReductionView(
            amount=money(totals.discount), percent=document.discount_percent, reason=document.discount_reason
        )
        if totals.discount
        else None,
        "charges": tuple(
            [
                ReductionView(amount=money(charge.amount), percent=None, reason=charge.reason)
                for charge in totals.charges
            ]
        ),
        "total_without_tax": money(totals.total_without_tax),
        "taxes": tuple(
            [
                TaxView(
                    category=group.key.category,
                    rate=group.key.rate,
                    base=money(group.base),
                    tax=money(group.tax),
                    reason=group.reason,
                )
                for group in totals.groups
            ]
        ),
        "total_tax": money(totals.total_tax),
        "rounding": money(totals.rounding),
        "total": money(totals.total),
        "notes": notes,
        "mentions": document.mentions,
    }


@lru_cache(maxsize=1000)
def party_view(party: Party, home: str, language: str, *, own_reference: bool = False) -> PartyView:
    """Seller or buyer. The country stands in the address, in that language, only when it is not `home`.

    `home` is empty for the seller, whose trading name stands below the legal one. `own_reference`: with the one that
    the buyer has for all its bills.
    """
    details = (("vat_id", party.vat_id), *party.numbers, ("reference", party.reference if own_reference else ""))
    trading = (party.also,) if party.also and not home else ()
    return PartyView(
        name=party.name,
        care_of=party.also if home else "",
        address=(*trading, *address_lines(party.address, home, country_names(language))),
        email=party.email,
        phone=party.phone,
        details=tuple((code, text) for code, text in details if text),
    )


def references(document: Document) -> tuple[tuple[str, str], ...]:
    """What the buyer files the document under."""
    rows = (("po", document.po_reference), ("buyer", document.buyer_reference))
    return tuple((code, text) for code, text in rows if text)


def _lines(document: Document) -> tuple[LineView, ...]:
    currency = document.currency
    return tuple(
        [
            LineView(
                description=line.description,
                date=line.date,
                period=line.period,
                quantity=line.quantity,
                unit=line.unit,
                unit_price=money(line.unit_price, currency),
                discount=ReductionView(
                    amount=document.money(line.discount), percent=line.discount_percent, reason=line.discount_reason
                )
                if line.discount
                else None,
                net=Money(amount, currency),
                tax_category=line.tax.category,
                tax_rate=line.tax.rate,
            )
            for line, amount in zip(document.totals.lines, document.totals.amounts, strict=True)
        ]
    )
