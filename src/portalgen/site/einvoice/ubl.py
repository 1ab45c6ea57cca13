"""EN 16931 as OASIS UBL 2.1 Invoice and CreditNote: the syntax of XRechnung and Peppol, in the order of its schema."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from xml.etree import ElementTree as ET

from portalgen.rules.parties import PostalAddress
from portalgen.site.einvoice import xmltext
from portalgen.site.einvoice.model import (
    CREDIT_NOTE,
    XRECHNUNG,
    Adjustment,
    EInvoice,
    ItemLine,
    Payment,
    Span,
    Trader,
    Vat,
    VatBreakdown,
)
from portalgen.site.einvoice.xmltext import document, kept, node, number

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMESPACES = {
    "xmlns__cac": _SCHEMA + "CommonAggregateComponents-2",
    "xmlns__cbc": _SCHEMA + "CommonBasicComponents-2",
}


def write_ubl(invoice: EInvoice) -> bytes:
    """The invoice as a UBL file; a credit note has a root element of its own."""
    return _Writer(invoice).write()


class _Writer:
    """The currency stands on every amount, and a credit note has other names for a few elements."""

    def __init__(self, invoice: EInvoice) -> None:
        self.invoice = invoice
        self.credit = invoice.type_code == CREDIT_NOTE
        self.kind = "CreditNote" if self.credit else "Invoice"

    def write(self) -> bytes:
        invoice = self.invoice
        return document(
            kept(
                self.kind,
                node("cbc:CustomizationID", invoice.specification),
                node("cbc:ProfileID", invoice.process),
                node("cbc:ID", invoice.number),
                _day("cbc:IssueDate", invoice.issued),
                None if self.credit else _day("cbc:DueDate", invoice.due),
                node(f"cbc:{self.kind}TypeCode", invoice.type_code),
                *(node("cbc:Note", note) for note in invoice.notes),
                node("cbc:DocumentCurrencyCode", invoice.currency),
                node("cbc:BuyerReference", invoice.buyer_reference),
                _period(invoice.period),
                node("cac:OrderReference", node("cbc:ID", invoice.order_reference)),
                *(
                    node(
                        "cac:BillingReference",
                        node(
                            "cac:InvoiceDocumentReference",
                            node("cbc:ID", preceded.number),
                            _day("cbc:IssueDate", preceded.issued),
                        ),
                    )
                    for preceded in invoice.preceding
                ),
                node("cac:AccountingSupplierParty", _party(invoice.seller)),
                node("cac:AccountingCustomerParty", _party(invoice.buyer)),
                node(
                    "cac:Delivery",
                    _day("cbc:ActualDeliveryDate", invoice.delivered),
                    node("cac:DeliveryLocation", _address("cac:Address", invoice.deliver_to))
                    if invoice.deliver_to
                    else None,
                ),
                self._means(invoice.payment) if invoice.payment else None,
                node("cac:PaymentTerms", node("cbc:Note", invoice.payment_terms)),
                *(self._adjustment(adjustment) for adjustment in invoice.adjustments),
                node(
                    "cac:TaxTotal",
                    self._amount("cbc:TaxAmount", invoice.total_vat),
                    *(self._breakdown(group) for group in invoice.breakdown),
                ),
                node("cac:LegalMonetaryTotal", *self._totals()),
                *(self._line(line) for line in invoice.lines),
                xmlns=f"{_SCHEMA}{self.kind}-2",
                **NAMESPACES,
            )
        )

    def _amount(self, tag: str, value: Decimal | None) -> ET.Element | None:
        currency = self.invoice.currency
        return node(tag, "" if value is None else xmltext.amount(value, currency), currencyID=currency)

    def _means(self, payment: Payment) -> ET.Element | None:
        return node(
            "cac:PaymentMeans",
            node("cbc:PaymentMeansCode", payment.means, name=payment.label),
            _day("cbc:PaymentDueDate", self.invoice.due) if self.credit else None,
            node("cbc:PaymentID", payment.reference),
            node(
                "cac:PayeeFinancialAccount",
                node("cbc:ID", payment.account),
                node("cbc:Name", payment.account_name),
                node("cac:FinancialInstitutionBranch", node("cbc:ID", payment.bic)),
            )
            if payment.account
            else None,
        )

    def _adjustment(self, adjustment: Adjustment) -> ET.Element | None:
        return node(
            "cac:AllowanceCharge",
            node("cbc:ChargeIndicator", "true" if adjustment.charge else "false"),
            node("cbc:AllowanceChargeReasonCode", adjustment.reason_code),
            node("cbc:AllowanceChargeReason", adjustment.reason),
            node("cbc:MultiplierFactorNumeric", number(adjustment.percent)),
            self._amount("cbc:Amount", adjustment.amount),
            self._amount("cbc:BaseAmount", adjustment.base),
            _vat("cac:TaxCategory", adjustment.vat) if adjustment.vat else None,
        )

    def _breakdown(self, group: VatBreakdown) -> ET.Element | None:
        # XRechnung asks for a rate in every breakdown (BR-DE-14), even outside the scope of tax.
        zero = Decimal(0) if self.invoice.specification == XRECHNUNG else None
        rate = zero if group.vat.rate is None else group.vat.rate
        return node(
            "cac:TaxSubtotal",
            self._amount("cbc:TaxableAmount", group.base),
            self._amount("cbc:TaxAmount", group.tax),
            node(
                "cac:TaxCategory",
                node("cbc:ID", group.vat.category),
                node("cbc:Percent", number(rate)),
                node("cbc:TaxExemptionReasonCode", group.reason_code),
                node("cbc:TaxExemptionReason", group.reason),
                _scheme(),
            ),
        )

    def _totals(self) -> Iterator[ET.Element | None]:
        invoice = self.invoice
        kinds = {adjustment.charge for adjustment in invoice.adjustments}
        yield self._amount("cbc:LineExtensionAmount", invoice.line_total)
        yield self._amount("cbc:TaxExclusiveAmount", invoice.total_without_vat)
        yield self._amount("cbc:TaxInclusiveAmount", invoice.total_with_vat)
        yield self._amount("cbc:AllowanceTotalAmount", invoice.allowance_total if False in kinds else None)
        yield self._amount("cbc:ChargeTotalAmount", invoice.charge_total if True in kinds else None)
        yield self._amount("cbc:PrepaidAmount", invoice.prepaid or None)
        yield self._amount("cbc:PayableRoundingAmount", invoice.rounding or None)
        yield self._amount("cbc:PayableAmount", invoice.payable)

    def _line(self, line: ItemLine) -> ET.Element | None:
        quantity = "cbc:CreditedQuantity" if self.credit else "cbc:InvoicedQuantity"
        return node(
            f"cac:{self.kind}Line",
            node("cbc:ID", line.id),
            node(quantity, number(line.quantity), unitCode=line.unit),
            self._amount("cbc:LineExtensionAmount", line.amount),
            _period(line.period),
            self._adjustment(line.allowance) if line.allowance else None,
            node(
                "cac:Item",
                node("cbc:Description", line.description),
                node("cbc:Name", line.name),
                _vat("cac:ClassifiedTaxCategory", line.vat),
            ),
            node(
                "cac:Price",
                node("cbc:PriceAmount", number(line.price), currencyID=self.invoice.currency),
            ),
        )


def _day(tag: str, day: dt.date | None) -> ET.Element | None:
    return node(tag, day.isoformat() if day else "")


def _period(period: Span | None) -> ET.Element | None:
    if period is None:
        return None
    start, end = period
    return node("cac:InvoicePeriod", _day("cbc:StartDate", start), _day("cbc:EndDate", end))


def _scheme(code: str = "VAT") -> ET.Element | None:
    return node("cac:TaxScheme", node("cbc:ID", code))


def _vat(tag: str, vat: Vat) -> ET.Element | None:
    return node(tag, node("cbc:ID", vat.category), node("cbc:Percent", number(vat.rate)), _scheme())


def _party(trader: Trader) -> ET.Element | None:
    registration = trader.registration
    return node(
        "cac:Party",
        node("cbc:EndpointID", trader.email, schemeID="EM"),
        node("cac:PartyIdentification", node("cbc:ID", trader.identifier)),
        node("cac:PartyName", node("cbc:Name", trader.trading_name)),
        _address("cac:PostalAddress", trader.address),
        *(
            node("cac:PartyTaxScheme", node("cbc:CompanyID", value), _scheme(code)) if value else None
            for value, code in ((trader.vat_id, "VAT"), (trader.tax_number, "FC"))
        ),
        node(
            "cac:PartyLegalEntity",
            node("cbc:RegistrationName", trader.name),
            node("cbc:CompanyID", registration.value, schemeID=registration.scheme) if registration else None,
            node("cbc:CompanyLegalForm", trader.legal_information),
        ),
        node(
            "cac:Contact",
            node("cbc:Name", trader.contact),
            node("cbc:Telephone", trader.phone),
            node("cbc:ElectronicMail", trader.email),
        )
        if trader.contact or trader.phone
        else None,
    )


def _address(tag: str, address: PostalAddress) -> ET.Element | None:
    return node(
        tag,
        node("cbc:StreetName", address.line1),
        node("cbc:AdditionalStreetName", address.line2),
        node("cbc:CityName", address.city),
        node("cbc:PostalZone", address.postcode),
        node("cbc:CountrySubentity", address.region),
        node("cac:Country", node("cbc:IdentificationCode", address.country)),
    )
