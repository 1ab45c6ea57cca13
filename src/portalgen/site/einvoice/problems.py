"""What EN 16931 and XRechnung need and the files lack: one finding for each field to write."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.base import KeyPath
from portalgen.content.records.documents import CreditNote, Invoice
from portalgen.rules.document import Document
from portalgen.rules.money import minor_digits
from portalgen.site.einvoice.model import EInvoiceKind
from portalgen.site.einvoice.semantic import buyer_reference, leitweg_id, seller_of

MOST_DECIMALS = 2  # BR-DEC-01 and the rest
_LEITWEG = re.compile(r"\d{2,12}-([A-Z0-9]{1,30}-)?\d{2}\Z")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The files in which a document's fields are written; `payer` is the place among the client's contacts, if any.

    `locked` is whether the document was issued with what the files said then.
    """

    site: str
    client: str
    document: str
    payer: int | None = None
    locked: bool = False


def origin_of(shared: Shared, folder: ClientFolder, record: Invoice | CreditNote, *, locked: bool = False) -> Origin:
    """Where the fields of this document are written. A credit note goes to whom its invoice went."""
    invoice = record if isinstance(record, Invoice) else folder.invoices.get(record.invoice)
    payer = (invoice.bill_to if invoice else None) or folder.client.payer
    return Origin(
        site=shared.site.path,
        client=folder.client.path,
        document=record.path,
        payer=next((n for n, contact in enumerate(folder.client.contacts) if contact.id == payer), None),
        locked=locked,
    )


def einvoice_problems(document: Document, kind: EInvoiceKind, origin: Origin) -> tuple[Finding, ...]:
    """What to write before this document, whose own file is without errors, can be an electronic invoice.

    Nothing when it can be one. What a document was issued without comes into it by `portalgen relock` only.
    """
    if minor_digits(document.currency) > MOST_DECIMALS:
        message = f"an electronic invoice knows two decimals at most, and {document.currency} has more"
        hint = "send it without: the PDF says everything"
        return (
            Finding(path=origin.document, code="einvoice-currency", message=message, hint=hint, severity="warning"),
        )
    found = tuple(_Check(document, origin).all(kind))
    if not origin.locked:
        return found
    return tuple(_later(finding) for finding in found)


def _later(finding: Finding) -> Finding:
    """What an issued document lacks keeps nothing from being built: it was sent without an electronic invoice."""
    hint = f"{finding.hint}; then portalgen relock, if it shall have one"
    return msgspec.structs.replace(finding, severity="warning", hint=hint)


class _Check:
    def __init__(self, document: Document, origin: Origin) -> None:
        self.document, self.origin = document, origin
        self.categories = {group.key.category for group in document.totals.groups}

    def all(self, kind: EInvoiceKind) -> Iterator[Finding]:
        yield from self._seller()
        yield from self._buyer()
        yield from self._delivery()
        if kind == "xrechnung":
            yield from self._leitweg()

    def _lacks(self, path: str, at: KeyPath, what: str, hint: str) -> Finding:
        return Finding(
            path=path, at=at, code="einvoice-missing", message=f"an electronic invoice needs {what}", hint=hint
        )

    def _of_buyer(self, at: KeyPath) -> KeyPath:
        payer = self.origin.payer
        return at if payer is None else ("contacts", payer, *at)

    def _seller(self) -> Iterator[Finding]:
        site, seller = self.origin.site, seller_of(self.document)
        foreign = bool({"G", "K"} & self.categories)
        if self.categories - {"O"} and not (seller.vat_id or (seller.tax_number and not foreign)):
            yield self._lacks(
                site,
                ("practice", "tax"),
                "your VAT number (BT-31)" + ("" if foreign else " or tax number (BT-32)"),
                "add vat_id: to practice.tax"
                + ("" if foreign else ", or {kind: Steuernummer, value: …} to practice.company_ids"),
            )
        elif not (seller.vat_id or seller.registration or seller.identifier):
            yield self._lacks(
                site,
                ("practice",),
                "a number that tells who you are (BT-30)",
                "add company_ids: [{kind: …, value: …}] with the number of your business",
            )
        yield from self._prefix(seller.vat_id, site, ("practice", "tax", "vat_id"))

    def _buyer(self) -> Iterator[Finding]:
        buyer, client = self.document.buyer, self.origin.client
        if not buyer.address.country:
            yield self._lacks(client, self._of_buyer(("address",)), "the client's country (BT-55)", "add country:")
        if {"AE", "K"} & self.categories and not buyer.vat_id:
            what = "the VAT number of the company that owes the tax (BT-48)"
            if self.origin.payer is None:
                yield self._lacks(client, ("company",), what, "add vat_id: to company")
            else:
                at = ("contacts", self.origin.payer)
                yield self._lacks(client, at, what, "let the bill go to the company: take payer and bill_to away")
        yield from self._prefix(buyer.vat_id, client, ("company", "vat_id"))

    def _prefix(self, vat_id: str, path: str, at: KeyPath) -> Iterator[Finding]:
        if vat_id and not re.match("[A-Z]{2}", vat_id):
            yield Finding(
                path=path,
                at=at,
                code="einvoice-vat-id",
                message=f"'{vat_id}' does not begin with a country, as electronic invoices need it",
                hint="write the two letters of the country before the number, for example IE1234567T",
            )

    def _delivery(self) -> Iterator[Finding]:
        document = self.document
        if "K" in self.categories and not (document.service_date or document.service_period):
            what = "the day of a delivery to another country (BT-72)"
            yield self._lacks(self.origin.document, (), what, "add service_date:")

    def _leitweg(self) -> Iterator[Finding]:
        document, origin = self.document, self.origin
        reference = buyer_reference(document)
        if not leitweg_id(document):
            if _LEITWEG.match(reference):
                own = bool(document.buyer_reference)
                yield Finding(
                    path=origin.document if own else origin.client,
                    at=("buyer_reference",) if own else ("company", "reference"),
                    code="einvoice-leitweg",
                    severity="warning",
                    message=f"'{reference}' looks like a Leitweg-ID, but its check digits do not fit; "
                    "the electronic invoice is none of XRechnung",
                    hint="copy it again from the order",
                )
            return
        if not document.seller.phone:
            yield self._lacks(origin.site, ("practice",), "your phone number (BT-42)", "add phone:")
        buyer = document.buyer
        for key, value, term in (("postcode", buyer.address.postcode, "BT-53"), ("city", buyer.address.city, "BT-52")):
            if not value:
                what = f"the {key} in the client's address ({term})"
                yield self._lacks(origin.client, self._of_buyer(("address",)), what, f"add {key}: to address")
        if not buyer.email:
            what = "the client's electronic address (BT-49)"
            yield self._lacks(origin.client, self._of_buyer(()), what, "add email:")
        if document.service_period:
            start, end = document.service_period
            for n, line in enumerate(document.totals.lines):
                days = line.period or ((line.date, line.date) if line.date else document.service_period)
                if days[0] < start or days[1] > end:
                    yield Finding(
                        path=origin.document,
                        at=("lines", n),
                        code="einvoice-period",
                        message="this line lies outside the invoice's service period, which XRechnung does not take",
                        hint="widen service_period, or take it away",
                    )
