"""Views of what a client's account comes to: statements and summaries of a year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Client
from portalgen.content.records.payees import is_qr_iban
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.issued import buyer_of, seller_of
from portalgen.rules.ledger import Entry
from portalgen.rules.money import ZERO, Money, total
from portalgen.rules.receipts import contact_name, own_name
from portalgen.rules.references import number_reference
from portalgen.rules.retainer import retained
from portalgen.rules.statement import Ageing, Statement, ageing_of, asked_of, statements_of
from portalgen.rules.ways import Demand, fitting_ways
from portalgen.rules.year import PaidRow, YearSummary, years_of
from portalgen.site.bill import Addresses, invoice_row, party_view
from portalgen.site.offer import Offer, money
from portalgen.site.views import (
    AgeingView,
    PartyView,
    StatementLink,
    StatementRowView,
    StatementView,
    TaxView,
    WayToPay,
    YearLink,
    YearRowView,
    YearServiceView,
    YearSumView,
    YearView,
)


class StatementWriter:
    """Makes the statements and summaries of clients of one practice for one day."""

    def __init__(self, shared: Shared, offer: Offer, today: dt.date) -> None:
        self.shared, self.offer, self.today = shared, offer, today
        self._client: Client | None = None
        self._known: dict[bool, tuple[PartyView, PartyView]] = {}

    def statements(
        self, folder: ClientFolder, account: Account, addresses: Addresses
    ) -> tuple[tuple[StatementLink, StatementView], ...]:
        """A statement per currency with its place in a list, in the order of the currencies' codes."""
        found = statements_of(folder, account, self.today)
        links = [
            StatementLink(
                currency=item.currency,
                address=addresses.statement(item.currency),
                end=_end(item, account),
                closing=money(item.closing, item.currency),
            )
            for item in found
        ]
        return tuple(
            [
                (link, self._statement(folder, account, item, link, links, addresses))
                for link, item in zip(links, found, strict=True)
            ]
        )

    def _statement(
        self,
        folder: ClientFolder,
        account: Account,
        item: Statement,
        link: StatementLink,
        links: Sequence[StatementLink],
        addresses: Addresses,
    ) -> StatementView:
        currency = item.currency

        def own(amount: Decimal) -> Money:
            return money(amount, currency)

        calm = ageing_of(item.outstanding, self.today, asked=True)
        bound = retained(folder, account, self.today).get(item.currency, ZERO) - item.security
        asking, asked = asked_of(item, bound)
        numbers = {facts.invoice.id: facts.invoice.number or "" for facts in account.invoices.values()}
        taxed = any(facts.document.taxed for facts in account.published if facts.document)
        seller, buyer = self._parties(folder, taxed)
        return StatementView(
            currency=item.currency,
            start=item.from_,
            end=link.end,
            opening=own(item.opening),
            rows=tuple([_movement(row.entry, row.balance, numbers, addresses) for row in item.rows]),
            charges=own(total([row.entry.amount for row in item.rows if row.entry.amount > 0])),
            credits=own(-total([row.entry.amount for row in item.rows if row.entry.amount < 0])),
            closing=own(item.closing),
            ageing=_ageing(item.ageing, item.currency),
            open=own(item.ageing.total),
            discussed=own(item.ageing.total - calm.total),
            overdue=own(calm.total - calm.not_due),
            asked=own(asked),
            pending=own(item.pending),
            unapplied=own(item.unapplied),
            retained=own(bound),
            security=own(item.security),
            outstanding=tuple([invoice_row(facts, addresses) for facts in item.outstanding]),
            ways=self._transfers(folder, asking, own(asked)),
            seller=seller,
            buyer=buyer,
            others=tuple([other for other in links if other is not link]),
            portal=addresses.portal,
        )

    def _transfers(self, folder: ClientFolder, asking: tuple[InvoiceFacts, ...], amount: Money) -> tuple[WayToPay, ...]:
        """The accounts to which one transfer can pay what these invoices ask for, named by their numbers.

        Links and codes belong to one invoice and its amount, so they are on its own page. A QR-IBAN takes no reference
        but that of one QR-bill, so it is left out where there are several invoices.
        """
        if not amount.amount:
            return ()
        first = asking[0]
        demand = Demand(
            amount=amount,
            number=first.invoice.number or "",
            id=first.invoice.id,
            language=self._language(folder),
            terms_methods=first.terms.methods if first.terms else (),
        )
        several = len(asking) > 1
        numbers = ", ".join(number_reference(facts.invoice.number or "", facts.invoice.id) for facts in asking)
        return tuple(
            WayToPay(
                kind=way.kind,
                label=way.label,
                href="",
                amount=amount,
                rows=tuple((code, numbers if several and code == "reference" else text) for code, text in way.rows),
                instructions=way.instructions,
                fee_note=way.fee_note,
                settles_in=way.settles_in,
            )
            for way in fitting_ways(self.shared, folder.client, demand)
            if (account := dict(way.rows)).keys() & {"iban", "account"}
            and not (several and is_qr_iban(account.get("iban", "")))
        )

    def years(
        self, folder: ClientFolder, account: Account, addresses: Addresses
    ) -> tuple[tuple[YearLink, YearView], ...]:
        """A summary per year and currency with its place in a list, the latest year first."""
        found = years_of(self.shared, folder, account, self.today)
        several = {item.year for item in found if sum(other.year == item.year for other in found) > 1}
        links = [
            YearLink(
                year=item.year,
                currency=item.currency,
                address=addresses.year(item.year, item.currency if item.year in several else ""),
                total=money(item.total, item.currency),
            )
            for item in found
        ]
        return tuple(
            (
                link,
                self._year(
                    folder,
                    account,
                    item,
                    tuple(other for other in links if other.year == link.year and other != link),
                    addresses,
                ),
            )
            for link, item in zip(links, found, strict=True)
        )

    def _year(
        self,
        folder: ClientFolder,
        account: Account,
        item: YearSummary,
        others: tuple[YearLink, ...],
        addresses: Addresses,
    ) -> YearView:
        currency = item.currency

        def own(amount: Decimal) -> Money:
            return money(amount, currency)

        taxed = any(row.key.category != "O" for row in item.taxes)
        seller, buyer = self._parties(folder, taxed)
        return YearView(
            year=item.year,
            currency=item.currency,
            end=item.rows[-1].date,
            rows=tuple([self._paid(folder, account, row, currency, addresses) for row in item.rows]),
            services=tuple([YearSumView(name=row.name, amount=own(row.amount)) for row in item.services]),
            taxes=tuple(
                [
                    TaxView(
                        category=row.key.category, rate=row.key.rate, base=own(row.net), tax=own(row.tax), reason=""
                    )
                    for row in item.taxes
                ]
            )
            if taxed
            else (),
            unapplied=own(item.unapplied),
            total=own(item.total),
            tax=own(item.tax),
            seller=seller,
            buyer=buyer,
            others=others,
            portal=addresses.portal,
        )

    def _paid(
        self, folder: ClientFolder, account: Account, row: PaidRow, currency: str, addresses: Addresses
    ) -> YearRowView:
        services: dict[str, tuple[list[dt.date], list[tuple[dt.date, dt.date]]]] = {}
        for paid in row.invoices:
            invoice = account.invoices[paid.id].invoice
            for item in paid.items:
                days, spans = services.setdefault(item.description, ([], []))
                if item.period:
                    spans.append(item.period)
                elif item.date or invoice.service_date:
                    days.append(item.date or invoice.service_date or paid.issued)
                elif invoice.service_period:
                    spans.append((invoice.service_period.from_, invoice.service_period.to))
        payer = contact_name(folder, row.payer) if row.payer else ""
        return YearRowView(
            date=row.date,
            amount=money(row.amount, currency),
            tax=money(row.tax, currency),
            method=row.label,
            payer=payer if payer != own_name(folder) else "",
            receipt=row.receipt_number or row.payment,
            address=addresses.receipt(row.payment),
            invoices=tuple([paid.number for paid in row.invoices]),
            services=tuple(
                [
                    YearServiceView(description=text, days=tuple(sorted({*days})), spans=tuple(sorted({*spans})))
                    for text, (days, spans) in services.items()
                ]
            ),
        )

    def _parties(self, folder: ClientFolder, taxed: bool) -> tuple[PartyView, PartyView]:
        """Seller and buyer, which are those of all papers of a client."""
        if self._client is not folder.client:
            self._client, self._known = folder.client, {}
        if taxed not in self._known:
            home, language = self.shared.site.practice.country, self._language(folder)
            seller = party_view(seller_of(self.shared, taxed), "", language)
            self._known[taxed] = seller, party_view(buyer_of(self.shared, folder, None, taxed), home, language)
        return self._known[taxed]

    def _language(self, folder: ClientFolder) -> str:
        return folder.client.language or self.shared.site.practice.language


def _movement(entry: Entry, balance: Decimal, numbers: dict[str, str], addresses: Addresses) -> StatementRowView:
    kind, amount, currency = entry.kind, entry.amount, entry.currency
    number, address, invoice = entry.number, "", numbers.get(entry.invoice, "")
    if kind == "invoice":
        address, invoice = addresses.invoice(entry.ref), ""
    elif kind in ("payment", "refund", "drawn"):
        number, address = number or entry.ref, addresses.receipt(entry.ref)
    elif kind == "credit-note":
        address = addresses.credit_note(entry.ref)
    adds = amount > 0 or (kind == "invoice" and amount == 0)
    return StatementRowView(
        date=entry.date,
        kind=kind,
        number=number,
        address=address,
        invoice=invoice,
        charge=money(amount, currency) if adds else None,
        credit=None if adds else money(-amount, currency),
        balance=money(balance, currency),
    )


def _end(item: Statement, account: Account) -> dt.date:
    """The day from which the statement holds, with its words on what is open and without what is void."""
    gone = [
        facts.invoice.void.date
        for facts in account.published
        if facts.invoice.void and facts.status.document == "void" and facts.currency == item.currency
    ]
    return max([item.to, *gone, *(facts.status.label.as_of for facts in item.outstanding)])


def _ageing(ageing: Ageing, currency: str) -> AgeingView:
    return AgeingView(
        not_due=money(ageing.not_due, currency),
        days_1_30=money(ageing.days_1_30, currency),
        days_31_60=money(ageing.days_31_60, currency),
        days_61_90=money(ageing.days_61_90, currency),
        over_90=money(ageing.over_90, currency),
    )
