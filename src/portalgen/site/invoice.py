"""The view of one issued invoice: its own client, its own money, nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.documents import Reduction
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.followup import promised_by
from portalgen.rules.money import ZERO, Money, rounded
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer, money
from portalgen.site.practice import address_lines
from portalgen.site.views import (
    CreditView,
    DepositView,
    InstalmentView,
    InvoiceView,
    LineView,
    PageLink,
    PartyView,
    PaymentView,
    ReductionView,
    TaxView,
)
from portalgen.site.ways import ways_to_pay


class InvoiceWriter:
    """Makes invoice views of one practice for one day; `findings` are problems in notes."""

    def __init__(self, shared: Shared, offer: Offer, writer: Writer, today: dt.date) -> None:
        self.shared, self.offer, self.writer, self.today = shared, offer, writer, today
        self.findings: list[Finding] = []
        self._methods = {method.id: method.label for method in shared.site.practice.methods}

    def view(self, folder: ClientFolder, facts: InvoiceFacts, address: str) -> InvoiceView:
        """The invoice as its client sees it on the page at `address`."""
        invoice, totals, status = facts.invoice, facts.totals, facts.status
        notes = self.writer.render(invoice.notes or "", source=invoice.path, page=address)
        self.findings += notes.findings
        practice = self.shared.site.practice
        void = status.document == "void"
        taxed = any(group.key.category != "O" for group in totals.groups)
        period = invoice.service_period
        return InvoiceView(
            number=invoice.number or "",
            kind=invoice.kind,
            issued=invoice.issued or self.today,
            due=facts.due,
            label=status.label,
            due_now=facts.money(status.due_now),
            due_now_by=status.due_now_by,
            balance=facts.money(status.balance),
            total=facts.money(totals.total),
            paid=facts.money(facts.entries.paid),
            pending=facts.money(ZERO if void else facts.entries.pending),
            seller=self._seller(taxed),
            buyer=self._buyer(folder, facts, taxed),
            service_period=(period.from_, period.to) if period else None,
            service_date=invoice.service_date,
            references=tuple(
                (code, text)
                for code, text in (("po", invoice.po_reference), ("buyer", invoice.buyer_reference))
                if text
            ),
            includes_tax=totals.includes_tax,
            shows_tax=taxed,
            lines=self._lines(facts),
            line_total=facts.money(totals.line_total),
            discount=_reduction(invoice.discount, facts.money(totals.discount)) if invoice.discount else None,
            charges=tuple(
                ReductionView(amount=facts.money(c.amount), percent=None, reason=c.reason) for c in totals.charges
            ),
            total_without_tax=facts.money(totals.total_without_tax),
            taxes=tuple(
                TaxView(
                    category=g.key.category,
                    rate=g.key.rate,
                    base=facts.money(g.base),
                    tax=facts.money(g.tax),
                    reason=g.reason,
                )
                for g in totals.groups
            ),
            total_tax=facts.money(totals.total_tax),
            rounding=facts.money(totals.rounding),
            deposits=tuple(
                DepositView(number=deposit.number or "", date=deposit.issued or self.today, amount=facts.money(amount))
                for deposit, amount in facts.deposits
            ),
            payments=tuple(
                PaymentView(
                    date=part.payment.date,
                    amount=facts.money(part.amount),
                    method=self._methods[part.payment.method],
                    reference=part.payment.reference or "",
                    status=part.payment.status,
                )
                for part in sorted(facts.allocations, key=lambda part: (part.payment.date, part.payment.id))
                if part.payment.status != "failed"
            ),
            credits=tuple(
                CreditView(
                    number=c.note.number, date=c.note.issued, amount=facts.money(c.totals.total), reason=c.note.reason
                )
                for c in sorted(facts.credits, key=lambda c: (c.note.issued, c.note.number))
            ),
            written_off=facts.money(facts.entries.written_off),
            schedule=() if void else self._schedule(facts),
            credit_left=facts.money(status.surplus),
            ways=ways_to_pay(self.shared, folder, facts),
            notes=notes.html,
            mentions=self._mentions(facts, practice.tax.legal_mention),
            terms=self.offer.terms(facts.terms) if facts.terms else None,
            attachments=tuple(
                PageLink(title=a.label or a.file, address=f"files/{a.file}") for a in invoice.attachments
            ),
            promised_by=promised_by(self.shared, folder, invoice.id, self.today),
        )

    def _lines(self, facts: InvoiceFacts) -> tuple[LineView, ...]:
        currency = facts.currency
        return tuple(
            LineView(
                description=line.description,
                date=line.date,
                period=line.period,
                quantity=line.quantity,
                unit=line.unit,
                unit_price=money(line.unit_price, currency),
                discount=ReductionView(
                    amount=Money(rounded(line.discount, currency), currency),
                    percent=line.discount_percent,
                    reason=line.discount_reason,
                )
                if line.discount
                else None,
                net=Money(amount, currency),
                tax_category=line.tax.category,
                tax_rate=line.tax.rate,
            )
            for line, amount in zip(facts.totals.lines, facts.totals.amounts, strict=True)
        )

    def _schedule(self, facts: InvoiceFacts) -> tuple[InstalmentView, ...]:
        if not facts.invoice.schedule:
            return ()
        grace = dt.timedelta(days=facts.terms.late.grace_days if facts.terms else 0)
        views = []
        state: Literal["paid", "part", "open", "due_today", "past_due"]
        for part in facts.parts:
            if part.open <= 0:
                state = "paid"
            elif part.due == self.today:
                state = "due_today"
            elif part.due + grace < self.today:
                state = "past_due"
            else:
                state = "part" if part.settled > ZERO else "open"
            views.append(
                InstalmentView(
                    due=part.due, amount=facts.money(part.amount), paid=facts.money(part.settled), state=state
                )
            )
        return tuple(views)

    def _mentions(self, facts: InvoiceFacts, legal: str | None) -> tuple[str, ...]:
        late = facts.terms.late.legal_mention if facts.terms else None
        return tuple(dict.fromkeys(text for text in (legal, late) if text))

    def _seller(self, taxed: bool) -> PartyView:
        """The practice. What is outside the scope of tax names no VAT ids (BR-O-02)."""
        practice = self.shared.site.practice
        details = [("vat_id", practice.tax.vat_id)] if practice.tax.vat_id and taxed else []
        return PartyView(
            name=practice.legal_name,
            care_of=practice.name if practice.name not in practice.legal_name else "",
            address=address_lines(practice.address, "", self.offer.countries),
            email=practice.email,
            phone=practice.phone or "",
            details=(*details, *((number.kind, number.value) for number in practice.company_ids)),
        )

    def _buyer(self, folder: ClientFolder, facts: InvoiceFacts, taxed: bool) -> PartyView:
        client = folder.client
        home = self.shared.site.practice.country
        own_name = client.name.legal or client.name.display
        contact = next((c for c in client.contacts if c.id == (facts.invoice.bill_to or client.payer)), None)
        if contact:
            place = contact.address or client.address
            return PartyView(
                name=contact.name,
                care_of=own_name,
                address=address_lines(place, home, self.offer.countries),
                email=contact.email or "",
                phone="",
                details=(),
            )
        company = client.company
        reference = company.reference if company and not facts.invoice.buyer_reference else None
        details = (
            tuple(
                (code, text)
                for code, text in (("vat_id", company.vat_id if taxed else None), ("reference", reference))
                if text
            )
            if company
            else ()
        )
        return PartyView(
            name=company.name if company else own_name,
            care_of=own_name if company and company.name != own_name else "",
            address=address_lines(client.address, home, self.offer.countries),
            email=client.email or "",
            phone="",
            details=details,
        )


def _reduction(reduction: Reduction, amount: Money) -> ReductionView:
    return ReductionView(amount=amount, percent=reduction.percent, reason=reduction.reason or "")
