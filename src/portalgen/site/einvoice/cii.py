"""EN 16931 as UN/CEFACT Cross Industry Invoice: the syntax of Factur-X and ZUGFeRD, in the order of its schema."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from xml.etree import ElementTree as ET

from portalgen.rules.parties import PostalAddress
from portalgen.site.einvoice import xmltext
from portalgen.site.einvoice.model import Adjustment, EInvoice, ItemLine, Payment, Span, Trader, Vat
from portalgen.site.einvoice.xmltext import compact, document, kept, node, number

_STANDARD = "urn:un:unece:uncefact:data:standard:"
NAMESPACES = {
    "xmlns__rsm": _STANDARD + "CrossIndustryInvoice:100",
    "xmlns__qdt": _STANDARD + "QualifiedDataType:100",
    "xmlns__ram": _STANDARD + "ReusableAggregateBusinessInformationEntity:100",
    "xmlns__udt": _STANDARD + "UnqualifiedDataType:100",
}


def write_cii(invoice: EInvoice) -> bytes:
    """The invoice as the XML that Factur-X puts into the PDF."""
    return document(
        kept(
            "rsm:CrossIndustryInvoice",
            node(
                "rsm:ExchangedDocumentContext",
                node("ram:BusinessProcessSpecifiedDocumentContextParameter", node("ram:ID", invoice.process)),
                node("ram:GuidelineSpecifiedDocumentContextParameter", node("ram:ID", invoice.specification)),
            ),
            node(
                "rsm:ExchangedDocument",
                node("ram:ID", invoice.number),
                node("ram:TypeCode", invoice.type_code),
                _day("ram:IssueDateTime", invoice.issued),
                *(node("ram:IncludedNote", node("ram:Content", note)) for note in invoice.notes),
            ),
            node(
                "rsm:SupplyChainTradeTransaction",
                *(_line(line, invoice.currency) for line in invoice.lines),
                _agreement(invoice),
                kept(
                    "ram:ApplicableHeaderTradeDelivery",
                    node("ram:ShipToTradeParty", _address(invoice.deliver_to)) if invoice.deliver_to else None,
                    node("ram:ActualDeliverySupplyChainEvent", _day("ram:OccurrenceDateTime", invoice.delivered)),
                ),
                _settlement(invoice),
            ),
            **NAMESPACES,
        )
    )


def _day(tag: str, day: dt.date | None) -> ET.Element | None:
    return node(tag, node("udt:DateTimeString", compact(day) if day else "", format="102"))


def _period(period: Span | None) -> ET.Element | None:
    if period is None:
        return None
    start, end = period
    return node("ram:BillingSpecifiedPeriod", _day("ram:StartDateTime", start), _day("ram:EndDateTime", end))


def _line(line: ItemLine, currency: str) -> ET.Element | None:
    return node(
        "ram:IncludedSupplyChainTradeLineItem",
        node("ram:AssociatedDocumentLineDocument", node("ram:LineID", line.id)),
        node("ram:SpecifiedTradeProduct", node("ram:Name", line.name), node("ram:Description", line.description)),
        node(
            "ram:SpecifiedLineTradeAgreement",
            node("ram:NetPriceProductTradePrice", node("ram:ChargeAmount", number(line.price))),
        ),
        node(
            "ram:SpecifiedLineTradeDelivery",
            node("ram:BilledQuantity", number(line.quantity), unitCode=line.unit),
        ),
        node(
            "ram:SpecifiedLineTradeSettlement",
            _vat("ram:ApplicableTradeTax", line.vat),
            _period(line.period),
            _adjustment(line.allowance, currency) if line.allowance else None,
            node(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                node("ram:LineTotalAmount", xmltext.amount(line.amount, currency)),
            ),
        ),
    )


def _vat(tag: str, vat: Vat) -> ET.Element | None:
    return node(
        tag,
        node("ram:TypeCode", "VAT"),
        node("ram:CategoryCode", vat.category),
        node("ram:RateApplicablePercent", number(vat.rate)),
    )


def _adjustment(adjustment: Adjustment, currency: str) -> ET.Element | None:
    amount = partial(xmltext.amount, currency=currency)
    return node(
        "ram:SpecifiedTradeAllowanceCharge",
        node("ram:ChargeIndicator", node("udt:Indicator", "true" if adjustment.charge else "false")),
        node("ram:CalculationPercent", number(adjustment.percent)),
        node("ram:BasisAmount", "" if adjustment.base is None else amount(adjustment.base)),
        node("ram:ActualAmount", amount(adjustment.amount)),
        node("ram:ReasonCode", adjustment.reason_code),
        node("ram:Reason", adjustment.reason),
        _vat("ram:CategoryTradeTax", adjustment.vat) if adjustment.vat else None,
    )


def _agreement(invoice: EInvoice) -> ET.Element | None:
    return node(
        "ram:ApplicableHeaderTradeAgreement",
        node("ram:BuyerReference", invoice.buyer_reference),
        _trader("ram:SellerTradeParty", invoice.seller),
        _trader("ram:BuyerTradeParty", invoice.buyer),
        node("ram:BuyerOrderReferencedDocument", node("ram:IssuerAssignedID", invoice.order_reference)),
    )


def _trader(tag: str, trader: Trader) -> ET.Element | None:
    registration = trader.registration
    return node(
        tag,
        node("ram:ID", trader.identifier),
        node("ram:Name", trader.name),
        node("ram:Description", trader.legal_information),
        node(
            "ram:SpecifiedLegalOrganization",
            node("ram:ID", registration.value, schemeID=registration.scheme) if registration else None,
            node("ram:TradingBusinessName", trader.trading_name),
        ),
        node(
            "ram:DefinedTradeContact",
            node("ram:PersonName", trader.contact),
            node("ram:TelephoneUniversalCommunication", node("ram:CompleteNumber", trader.phone)),
            node("ram:EmailURIUniversalCommunication", node("ram:URIID", trader.email)),
        )
        if trader.contact or trader.phone
        else None,
        _address(trader.address),
        node("ram:URIUniversalCommunication", node("ram:URIID", trader.email, schemeID="EM")),
        node("ram:SpecifiedTaxRegistration", node("ram:ID", trader.tax_number, schemeID="FC")),
        node("ram:SpecifiedTaxRegistration", node("ram:ID", trader.vat_id, schemeID="VA")),
    )


def _address(address: PostalAddress) -> ET.Element | None:
    return node(
        "ram:PostalTradeAddress",
        node("ram:PostcodeCode", address.postcode),
        node("ram:LineOne", address.line1),
        node("ram:LineTwo", address.line2),
        node("ram:CityName", address.city),
        node("ram:CountryID", address.country),
        node("ram:CountrySubDivisionName", address.region),
    )


def _settlement(invoice: EInvoice) -> ET.Element | None:
    amount = partial(xmltext.amount, currency=invoice.currency)
    payment = invoice.payment
    return node(
        "ram:ApplicableHeaderTradeSettlement",
        node("ram:PaymentReference", payment.reference) if payment else None,
        node("ram:InvoiceCurrencyCode", invoice.currency),
        _means(payment) if payment else None,
        *(
            node(
                "ram:ApplicableTradeTax",
                node("ram:CalculatedAmount", amount(group.tax)),
                node("ram:TypeCode", "VAT"),
                node("ram:ExemptionReason", group.reason),
                node("ram:BasisAmount", amount(group.base)),
                node("ram:CategoryCode", group.vat.category),
                node("ram:ExemptionReasonCode", group.reason_code),
                node("ram:RateApplicablePercent", number(group.vat.rate)),
            )
            for group in invoice.breakdown
        ),
        _period(invoice.period),
        *(_adjustment(adjustment, invoice.currency) for adjustment in invoice.adjustments),
        node(
            "ram:SpecifiedTradePaymentTerms",
            node("ram:Description", invoice.payment_terms),
            _day("ram:DueDateDateTime", invoice.due),
        ),
        node("ram:SpecifiedTradeSettlementHeaderMonetarySummation", *_summation(invoice)),
        *(
            node(
                "ram:InvoiceReferencedDocument",
                node("ram:IssuerAssignedID", preceded.number),
                node(
                    "ram:FormattedIssueDateTime",
                    node("qdt:DateTimeString", compact(preceded.issued), format="102"),
                ),
            )
            for preceded in invoice.preceding
        ),
    )


def _means(payment: Payment) -> ET.Element | None:
    return node(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        node("ram:TypeCode", payment.means),
        node("ram:Information", payment.label),
        node(
            "ram:PayeePartyCreditorFinancialAccount",
            node("ram:IBANID", payment.account) if payment.iban else None,
            node("ram:AccountName", payment.account_name),
            None if payment.iban else node("ram:ProprietaryID", payment.account),
        )
        if payment.account
        else None,
        node("ram:PayeeSpecifiedCreditorFinancialInstitution", node("ram:BICID", payment.bic)),
    )


def _summation(invoice: EInvoice) -> Iterator[ET.Element | None]:
    amount = partial(xmltext.amount, currency=invoice.currency)
    kinds = {adjustment.charge for adjustment in invoice.adjustments}
    yield node("ram:LineTotalAmount", amount(invoice.line_total))
    yield node("ram:ChargeTotalAmount", amount(invoice.charge_total) if True in kinds else "")
    yield node("ram:AllowanceTotalAmount", amount(invoice.allowance_total) if False in kinds else "")
    yield node("ram:TaxBasisTotalAmount", amount(invoice.total_without_vat))
    yield node("ram:TaxTotalAmount", amount(invoice.total_vat), currencyID=invoice.currency)
    yield node("ram:RoundingAmount", amount(invoice.rounding) if invoice.rounding else "")
    yield node("ram:GrandTotalAmount", amount(invoice.total_with_vat))
    yield node("ram:TotalPrepaidAmount", amount(invoice.prepaid) if invoice.prepaid else "")
    yield node("ram:DuePayableAmount", amount(invoice.payable))
