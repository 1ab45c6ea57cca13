"""Views of the papers beside invoices: credit notes, receipts, statements of account, summaries of a year."""

from __future__ import annotations

import datetime as dt

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.rules.document import Document
from portalgen.rules.facts import Account, Credit, InvoiceFacts
from portalgen.rules.issued import seller_of
from portalgen.rules.receipts import Receipt, own_name, receipt_number, receipts_of
from portalgen.site.bill import Addresses, bill_fields, invoice_row, party_view
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer, money
from portalgen.site.views import (
    CreditNoteView,
    PartyView,
    PaymentRow,
    PaymentView,
    ReceiptView,
    SettledView,
)


class PaperWriter:
    """Makes the papers of one practice for one day; `findings` are problems in notes."""

    def __init__(self, shared: Shared, offer: Offer, writer: Writer, today: dt.date) -> None:
        self.shared, self.offer, self.writer, self.today = shared, offer, writer, today
        self.findings: list[Finding] = []
        self._methods = {method.id: method.label for method in shared.site.practice.methods}

    def credit_note(
        self, folder: ClientFolder, facts: InvoiceFacts, credit: Credit, document: Document, addresses: Addresses
    ) -> CreditNoteView:
        """A credit note as its client sees it; `document` is what was issued."""
        note = credit.note
        notes = self.writer.render(document.notes, source=note.path, page=addresses.credit_note(note.id))
        self.findings += notes.findings
        bill = bill_fields(document, notes.html, self.shared.site.practice.country)
        refund = next((payment for payment in folder.payments if payment.id == note.refund), None)
        sent = refund and refund.status in ("cleared", "pending") and refund.date <= self.today
        return CreditNoteView(
            **bill,
            invoice=invoice_row(facts, addresses),
            reason=document.reason,
            refund=PaymentView(
                date=refund.date,
                amount=money(refund.amount, refund.currency),
                method=self._methods[refund.method],
                reference=refund.reference or "",
                status=refund.status,
            )
            if refund and sent
            else None,
            credit_left=facts.money(facts.status.surplus),
        )

    def receipts(
        self, folder: ClientFolder, account: Account, addresses: Addresses
    ) -> tuple[tuple[str, ReceiptView], ...]:
        """A receipt per cleared payment and refund that has an address, with it, the oldest first."""
        return tuple(
            (addresses.receipt(receipt.payment.id), self._receipt(folder, receipt, addresses))
            for receipt in receipts_of(folder, account, self.today)
            if addresses.receipt(receipt.payment.id)
        )

    def _receipt(self, folder: ClientFolder, receipt: Receipt, addresses: Addresses) -> ReceiptView:
        payment = receipt.payment
        own = own_name(folder)
        document = next((part.facts.document for part in receipt.parts if part.facts.document), None)
        return ReceiptView(
            number=receipt.number,
            kind="refund" if payment.amount < 0 else "payment",
            date=payment.date,
            amount=money(abs(payment.amount), payment.currency),
            payer=receipt.payer,
            client=own if receipt.payer != own else "",
            method=self._methods[payment.method],
            reference=payment.reference or "",
            invoices=tuple(
                SettledView(
                    number=part.facts.invoice.number or "",
                    address=addresses.invoice(part.facts.invoice.id),
                    issued=part.facts.invoice.issued or dt.date.min,
                    part=part.facts.money(part.amount),
                    left=part.facts.money(part.left),
                )
                for part in receipt.parts
            ),
            held=money(receipt.held, payment.currency),
            retainer=payment.for_ == "retainer",
            seller=self._seller(folder, bool(document and document.taxed)),
            portal=addresses.portal,
        )

    def payments(self, folder: ClientFolder, addresses: Addresses) -> tuple[PaymentRow, ...]:
        """What was paid, is on its way or came back, the latest first; a receipt's address where there is one."""
        rows = []
        for payment in folder.payments:
            if payment.date <= self.today and payment.status != "failed":
                receipt = addresses.receipt(payment.id) if payment.status == "cleared" else ""
                rows.append(
                    PaymentRow(
                        date=payment.date,
                        amount=money(payment.amount, payment.currency),
                        method=self._methods[payment.method],
                        status=payment.status,
                        number=receipt_number(payment) if receipt else "",
                        address=receipt,
                    )
                )
        return tuple(sorted(rows, key=lambda row: (row.date, row.address), reverse=True))

    def _seller(self, folder: ClientFolder, taxed: bool) -> PartyView:
        language = folder.client.language or self.shared.site.practice.language
        return party_view(seller_of(self.shared, taxed), "", language)
