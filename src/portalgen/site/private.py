"""A client's private pages: what each of their links opens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from portalgen.content.lock import LinkKind, LinkRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.rules.document import Document
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.site.ahead import AheadWriter
from portalgen.site.bill import Addresses
from portalgen.site.invoice import InvoiceWriter
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.pages import File, Made, Opening, Page, Pdf
from portalgen.site.papers import PaperWriter
from portalgen.site.portal import PortalWriter, agreement_row
from portalgen.site.printing import Printer, file_name
from portalgen.site.statements import StatementWriter
from portalgen.site.views import BillView, InvoiceView, MoneyView, PolicyView, TermsView, View

Wanted = tuple[LinkKind, str]


class Place(NamedTuple):
    """Where a link leads: its row in the lock and the address of its page (`p/<token>/`)."""

    row: LinkRow
    address: str


def wanted_links(folder: ClientFolder, account: Account, today: dt.date) -> Iterator[Wanted]:
    """The links that are live on a day: the portal's, each shown invoice's and credit note's.

    None when nothing is published, and none that has expired.
    """
    client = folder.client
    if not client.publish:
        return
    if _open(portal_expires(folder), today):
        yield "portal", folder.id
    for facts in account.published:
        if _open(_bill_expires(facts), today):
            yield "invoice", facts.invoice.id
            for credit in facts.credits:
                if credit.document:
                    yield "credit-note", credit.note.id


def portal_expires(folder: ClientFolder) -> dt.date | None:
    """The last day of the portal's link: as written, or `link_days` after the work ended."""
    client = folder.client
    if client.link and client.link.expires:
        return client.link.expires
    return client.ended.date + dt.timedelta(days=client.ended.link_days) if client.ended else None


def link_expires(folder: ClientFolder, account: Account, row: LinkRow) -> dt.date | None:
    """The last day of a link, None when it has no end."""
    if row.of not in ("invoice", "credit-note"):
        return portal_expires(folder)
    note = folder.credit_notes.get(row.ref)
    facts = account.invoices.get(note.invoice if row.of == "credit-note" and note else row.ref)
    return _bill_expires(facts) if facts else None


def _bill_expires(facts: InvoiceFacts) -> dt.date | None:
    """The last day of the links of an invoice and its credit notes."""
    return facts.invoice.link.expires if facts.invoice.link else None


def _open(last: dt.date | None, today: dt.date) -> bool:
    return last is None or last >= today


class ClientPages:
    """Makes the openings of clients of one practice for one day; without a printer there are no PDFs."""

    def __init__(
        self, shared: Shared, offer: Offer, writer: Writer, today: dt.date, printer: Printer | None = None
    ) -> None:
        self.shared, self.offer, self.today, self.printer = shared, offer, today, printer
        self.invoices = InvoiceWriter(shared, offer, writer, today)
        self.papers = PaperWriter(shared, offer, writer, today)
        self.statements = StatementWriter(shared, offer, today)
        self.ahead = AheadWriter(shared, today)
        self.portals = PortalWriter(shared, offer, writer, today)

    @property
    def findings(self) -> list[Finding]:
        """The problems in the texts of the pages made so far."""
        return [*self.invoices.findings, *self.papers.findings, *self.portals.findings]

    def openings(
        self,
        folder: ClientFolder,
        account: Account,
        places: Mapping[Wanted, Place],
        einvoices: Mapping[str, bytes] | None = None,
    ) -> Iterator[Opening]:
        """One opening per place; each page links to those that have one. `einvoices`: XML by the document's id."""
        portal = places.get(("portal", folder.id))

        def stands(of: LinkKind, ref: str) -> str:
            place = places.get((of, ref))
            return place.address if place else ""

        addresses = Addresses(portal.address if portal else "", stands)
        if portal:
            printed = [self._printed(page) for page in self._portal(folder, account, addresses)]
            pdfs = tuple(pdf for _, pdf in printed if pdf)
            yield Opening(link=portal.row, sections=tuple(page for page, _ in printed), pdfs=pdfs)
        xml = einvoices or {}
        for facts in account.published:
            place = places.get(("invoice", facts.invoice.id))
            if place and facts.document:
                view = self.invoices.view(folder, facts, addresses)
                files = tuple(
                    File(address=f"{place.address}files/{a.file}", source=folder.source(f"files/{a.file}"))
                    for a in facts.invoice.attachments
                )
                path = facts.invoice.path
                yield self._bill(place, "invoice.html", view, facts.document, view.terms, path, files, xml)
            for credit in facts.credits:
                place = places.get(("credit-note", credit.note.id))
                if place and credit.document:
                    paper = self.papers.credit_note(folder, facts, credit, credit.document, addresses)
                    path = credit.note.path
                    yield self._bill(place, "credit-note.html", paper, credit.document, None, path, (), xml)

    def _bill(
        self,
        place: Place,
        template: str,
        view: BillView,
        document: Document,
        terms: TermsView | None,
        path: str,
        files: tuple[File, ...],
        einvoices: Mapping[str, bytes],
    ) -> Opening:
        """What the link of an invoice or a credit note opens: its page, PDF and electronic invoice, its attachments.

        A void invoice has its page alone: paper that asks for money would outlive the mark on the page.
        """
        void = isinstance(view, InvoiceView) and view.label.code == "void"
        xml = b"" if void else einvoices.get(document.id, b"")
        inside = self.shared.site.documents.einvoice == "facturx"
        made: tuple[Made, ...] = ()
        pdfs: tuple[Pdf, ...] = ()
        if xml and not inside:
            view = msgspec.structs.replace(view, xml=file_name(document.number, "xml"))
            made = (Made(address=place.address + view.xml, content=xml),)
        if self.printer and not void:
            pdf = self.printer.bill(place.address, view, document, terms, path, xml if inside else b"")
            view = msgspec.structs.replace(view, pdf=pdf.address.removeprefix(place.address))
            pdfs = (pdf,)
        page = _page(place.address, template, view, path, document.language)
        return Opening(link=place.row, sections=(page,), files=files, pdfs=pdfs, made=made)

    def _printed(self, page: Page) -> tuple[Page, Pdf | None]:
        """A page behind the portal's link, and the PDF beside it where it has one."""
        pdf = self.printer.paper(page) if self.printer else None
        if pdf is None:
            return page, None
        view = msgspec.structs.replace(page.view, pdf=pdf.address.removeprefix(page.address))
        return msgspec.structs.replace(page, view=view), pdf

    def _portal(self, folder: ClientFolder, account: Account, addresses: Addresses) -> Iterator[Page]:
        """The client's page and everything behind its link."""
        language = folder.client.language or ""
        agreements = [
            self.shared.agreements[key] for key in folder.client.agreements if not self.shared.agreements[key].draft
        ]
        home = self.shared.site.practice.language
        rows = {agreement.id: agreement_row(agreement, folder, home) for agreement in agreements}
        receipts = self.papers.receipts(folder, account, addresses)
        statements = self.statements.statements(folder, account, addresses)
        years = self.statements.years(folder, account, addresses)
        money = MoneyView(
            payments=self.papers.payments(folder, addresses),
            statements=tuple(link for link, _ in statements),
            years=tuple(link for link, _ in years),
            retainer=self.ahead.retainer(folder, account, addresses),
            packages=self.ahead.packages(folder),
            upcoming=self.ahead.upcoming(folder),
            waiting=self.ahead.waiting(folder),
        )
        view = self.portals.portal(folder, account, addresses, tuple(rows.values()), money)
        yield _page(addresses.portal, "portal.html", view, folder.client.path, language)
        payments = folder.source("payments.yaml")
        for address, receipt in receipts:
            yield _page(address, "receipt.html", receipt, payments, language)
        for link, statement in statements:
            yield _page(link.address, "statement.html", statement, folder.client.path, language)
        for summary, year in years:
            yield _page(summary.address, "year.html", year, payments, language)
        for agreement in agreements:
            place = f"{addresses.portal}agreements/{agreement.id}/"
            text = self.portals.agreement(agreement, folder, rows[agreement.id], addresses.portal, place)
            yield _page(place, "agreement.html", text, agreement.path, language)
        for policy in self.shared.policies.values():
            if policy.show_in_portal and not policy.public:
                place = f"{addresses.portal}policies/{policy.id}/"
                rule = PolicyView(
                    title=policy.title,
                    language=policy.language or home,
                    summary=policy.summary or "",
                    kind=policy.kind,
                    effective=policy.effective,
                    version=policy.version,
                    body=self.portals.render(policy.body, policy.path, place, policy.body_line),
                    cancellation=self.offer.cancellation(policy.id),
                    others=(),
                )
                yield _page(place, "policy.html", rule, policy.path, language)


def _page(address: str, template: str, view: View, source: str, language: str) -> Page:
    return Page(address=address, template=template, view=view, source=source, visibility="client", language=language)
