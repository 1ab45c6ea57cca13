"""The view of one issued invoice: its own client, its own money, nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.followup import promised_by
from portalgen.rules.money import ZERO
from portalgen.site.bill import Addresses, bill_fields, credit_views, references
from portalgen.site.discreet import attached_names
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.views import DepositView, InstalmentView, InvoiceView, PageLink, PaymentView
from portalgen.site.ways import ways_to_pay


class InvoiceWriter:
    """Makes invoice views of one practice for one day; `findings` are problems in notes."""

    def __init__(self, shared: Shared, offer: Offer, writer: Writer, today: dt.date) -> None:
        self.shared, self.offer, self.writer, self.today = shared, offer, writer, today
        self.findings: list[Finding] = []
        self._methods = {method.id: method.label for method in shared.site.practice.methods}

    def view(self, folder: ClientFolder, facts: InvoiceFacts, addresses: Addresses) -> InvoiceView:
        """The invoice as its client sees it; it links to its credit notes. Raises `ValueError` for a draft."""
        invoice, status, document, money = facts.invoice, facts.status, facts.document, facts.money
        if document is None:
            raise ValueError(f"{invoice.id} is a draft")
        notes = self.writer.render(document.notes, source=invoice.path, page=addresses.invoice(invoice.id))
        self.findings += notes.findings
        void = status.document == "void"
        bill = bill_fields(document, notes.html, self.shared.site.practice.country)
        names = attached_names(self.shared, folder, invoice)
        return InvoiceView(
            **bill,
            kind=document.purpose,
            due=facts.due if len(facts.parts) < 2 else None,
            label=status.label,
            due_now=money(status.due_now),
            due_now_by=status.due_now_by,
            balance=money(status.balance),
            paid=money(facts.entries.paid),
            pending=money(ZERO if void else facts.entries.pending),
            service_period=document.service_period,
            service_date=document.service_date,
            references=references(document),
            deposits=tuple(
                [
                    DepositView(number=deposit.number, date=deposit.issued, amount=money(deposit.amount))
                    for deposit in document.deposits
                ]
            ),
            payments=tuple(
                [
                    PaymentView(
                        date=part.payment.date,
                        amount=money(part.amount),
                        method=self._methods[part.payment.method],
                        reference=part.payment.reference or "",
                        status=part.payment.status,
                    )
                    for part in sorted(facts.allocations, key=lambda part: (part.payment.date, part.payment.id))
                    if part.payment.status != "failed"
                ]
            ),
            credits=credit_views(facts, addresses),
            written_off=money(facts.entries.written_off),
            schedule=() if void else self._schedule(facts),
            credit_left=money(status.surplus),
            ways=ways_to_pay(self.shared, folder, facts),
            terms=self.offer.terms(document.terms) if document.terms else None,
            attachments=tuple(
                [PageLink(title=a.label or a.file, address=f"files/{names[a.file]}") for a in invoice.attachments]
            ),
            promised_by=promised_by(self.shared, folder, invoice.id, self.today),
        )

    def _schedule(self, facts: InvoiceFacts) -> tuple[InstalmentView, ...]:
        if not facts.invoice.schedule:
            return ()
        grace = dt.timedelta(days=facts.terms.late.grace_days if facts.terms else 0)
        views = []
        state: Literal["lowered", "paid", "part", "open", "due_today", "past_due"]
        for part in facts.parts:
            if part.open <= 0:
                state = "paid" if part.paid else "lowered"
            elif part.due == self.today:
                state = "due_today"
            elif part.due + grace < self.today:
                state = "past_due"
            else:
                state = "part" if part.paid > ZERO else "open"
            views.append(
                InstalmentView(
                    due=part.due,
                    amount=facts.money(part.amount - part.lowered),
                    lowered=facts.money(part.lowered),
                    paid=facts.money(part.paid),
                    state=state,
                )
            )
        return tuple(views)
