"""A client's private pages: what each of their links opens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from portalgen.content.lock import LinkKind, LinkRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.client import Contact
from portalgen.rules.document import Document
from portalgen.rules.due import DAY
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.persons import Excerpt, excerpt, pays, person_until, persons_of
from portalgen.site.ahead import AheadWriter
from portalgen.site.bill import Addresses
from portalgen.site.discreet import attached_names
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

DAYS_AFTER_THE_END = 90
"""How long the links of a client stay when the work has ended, unless the client's file or the site says otherwise."""


class Place(msgspec.Struct, frozen=True):
    """Where a link leads: its row in the lock and the address of its page."""

    row: LinkRow
    address: str


class _Papers(msgspec.Struct, frozen=True):
    """The pages of an account's papers, and the lists that lead to them."""

    pages: tuple[Page, ...]
    money: MoneyView


def wanted_links(folder: ClientFolder, account: Account, today: dt.date, shared: Shared) -> Iterator[Wanted]:
    """The links that are live on a day: the portal's, each further person's, each shown invoice's and credit note's.

    None when nothing is published, and none that has expired.
    """
    client = folder.client
    if not client.publish:
        return
    if _open(portal_expires(folder, shared), today):
        yield "portal", folder.id
    for contact in persons_of(client):
        if _open(_person_expires(folder, contact, shared), today):
            yield "person", contact.id
    for facts in account.published:
        if _open(_bill_expires(facts, shared), today):
            yield "invoice", facts.invoice.id
            for credit in facts.credits:
                if credit.document:
                    yield "credit-note", credit.note.id


def portal_expires(folder: ClientFolder, shared: Shared) -> dt.date | None:
    """The last day of the portal's link: as written, or so many days after the work ended as client or site say."""
    client = folder.client
    if client.link and client.link.expires:
        return client.link.expires
    if client.ended is None:
        return None
    days = client.ended.link_days
    if days is None:
        days = shared.site.privacy.expires_after_days or DAYS_AFTER_THE_END
    return client.ended.date + days * DAY


def link_expires(folder: ClientFolder, account: Account, row: LinkRow, shared: Shared) -> dt.date | None:
    """The last day of a link, None when it has no end."""
    if row.of == "person":
        contact = next((contact for contact in folder.client.contacts if contact.id == row.ref), None)
        return _person_expires(folder, contact, shared) if contact else portal_expires(folder, shared)
    if row.of == "portal":
        return portal_expires(folder, shared)
    note = folder.credit_notes.get(row.ref)
    facts = account.invoices.get(note.invoice if row.of == "credit-note" and note else row.ref)
    return _bill_expires(facts, shared) if facts else None


def _person_expires(folder: ClientFolder, contact: Contact, shared: Shared) -> dt.date | None:
    """The last day of a further person's link: their own, and never after the portal's."""
    days = (portal_expires(folder, shared), person_until(shared, folder.client, contact))
    return min((day for day in days if day), default=None)


def _bill_expires(facts: InvoiceFacts, shared: Shared) -> dt.date | None:
    """The last day of the links of an invoice and its credit notes.

    As written, or so many days as the site says after the last thing that happened to it, once it is settled: while
    something of it is open, so also what is disputed, or on its way, it has no end.
    """
    invoice, days = facts.invoice, shared.site.privacy.expires_after_days
    if invoice.link and invoice.link.expires:
        return invoice.link.expires
    if days is None or facts.status.balance:
        return None
    if facts.entries.pending and facts.status.document == "issued":
        return None
    void = invoice.void.date if invoice.void and facts.status.document == "void" else None
    happened = [day for day in (invoice.issued, facts.entries.changed, void) if day]
    return max(happened) + days * DAY if happened else None


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

        known = {wanted: place.address for wanted, place in places.items()}

        def stands(of: LinkKind, ref: str) -> str:
            return known.get((of, ref), "")

        addresses = Addresses(portal.address if portal else "", stands)
        if portal:
            yield self._opening(portal, self._portal(folder, account, addresses))
        for contact in persons_of(folder.client):
            if place := places.get(("person", contact.id)):
                own = msgspec.structs.replace(addresses, portal=place.address)
                yield self._opening(place, self._person(folder, account, own, contact))
        xml = einvoices or {}
        for facts in account.published:
            place = places.get(("invoice", facts.invoice.id))
            if place and facts.document:
                view = self.invoices.view(folder, facts, addresses)
                files = tuple(
                    File(address=f"{place.address}files/{name}", source=folder.source(f"files/{file}"))
                    for file, name in attached_names(self.shared, folder, facts.invoice).items()
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

    def _opening(self, place: Place, pages: Iterable[Page]) -> Opening:
        """What the link of a client or a further person opens: these pages, and the PDFs beside them."""
        printed = [self._printed(page) for page in pages]
        pdfs = tuple(pdf for _, pdf in printed if pdf)
        return Opening(link=place.row, sections=tuple(page for page, _ in printed), pdfs=pdfs)

    def _printed(self, page: Page) -> tuple[Page, Pdf | None]:
        """A page behind such a link, and the PDF beside it where it has one."""
        pdf = self.printer.paper(page) if self.printer else None
        if pdf is None:
            return page, None
        view = msgspec.structs.replace(page.view, pdf=pdf.address.removeprefix(page.address))
        return msgspec.structs.replace(page, view=view), pdf

    def _portal(
        self, folder: ClientFolder, account: Account, addresses: Addresses, reader: Contact | None = None
    ) -> Iterator[Page]:
        """The client's page and everything behind its link; also for another `reader` who sees all of it."""
        language = folder.client.language or ""
        agreements = [
            self.shared.agreements[key] for key in folder.client.agreements if not self.shared.agreements[key].draft
        ]
        home = self.shared.site.practice.language
        rows = {agreement.id: agreement_row(agreement, folder, home) for agreement in agreements}
        papers = self._papers(folder, account, addresses)
        money = msgspec.structs.replace(
            papers.money,
            retainer=self.ahead.retainer(folder, account, addresses),
            packages=self.ahead.packages(folder),
            upcoming=self.ahead.upcoming(folder),
            waiting=self.ahead.waiting(folder),
        )
        view = self.portals.portal(folder, account, addresses, tuple(rows.values()), money, reader)
        yield _page(addresses.portal, "portal.html", view, folder.client.path, language)
        yield from papers.pages
        for agreement in agreements:
            place = f"{addresses.portal}agreements/{agreement.id}/"
            text = self.portals.agreement(agreement, folder, rows[agreement.id], addresses.portal, place)
            yield _page(place, "agreement.html", text, agreement.path, language)
        yield from self._policies(folder, addresses, reader)

    def _person(self, folder: ClientFolder, account: Account, addresses: Addresses, reader: Contact) -> Iterator[Page]:
        """What the link of a further person opens: what their scope allows."""
        if reader.scope == "all":
            yield from self._portal(folder, account, addresses, reader)
        elif reader.scope == "billing":
            yield from self._billing(folder, account, addresses, reader)
        else:
            view = self.portals.appointments(folder, reader, addresses)
            yield _page(addresses.portal, "appointments.html", view, folder.client.path, folder.client.language or "")
            yield from self._policies(folder, addresses, reader)

    def _billing(self, folder: ClientFolder, account: Account, addresses: Addresses, reader: Contact) -> Iterator[Page]:
        """The page of a person who gets bills, with the papers of what is theirs.

        Where the account is shared there is no statement unless it tells of their money alone, and nothing of what is
        held for the client. What waits to be invoiced is not here: it tells of meetings.
        """
        part = excerpt(folder, account, reader, self.today)
        shut = {payment.id for payment in part.folder.payments} - {payment.id for payment in part.own}
        addresses = msgspec.structs.replace(addresses, withheld=part.cut | shut)
        papers = self._papers(part.folder, part.account, addresses, part)
        money = msgspec.structs.replace(
            papers.money,
            retainer=self.ahead.retainer(folder, account, addresses) if part.whole else None,
            packages=self.ahead.packages(folder) if part.whole else (),
            upcoming=self.ahead.upcoming(folder) if pays(folder.client, reader) else (),
        )
        view = self.portals.billing(folder, reader, part, addresses, money)
        yield _page(addresses.portal, "billing.html", view, folder.client.path, folder.client.language or "")
        yield from papers.pages

    def _papers(
        self, folder: ClientFolder, account: Account, addresses: Addresses, part: Excerpt | None = None
    ) -> _Papers:
        """The receipts, statements and years of an account, or of the part of it that is one person's."""
        own = msgspec.structs.replace(folder, payments=part.own) if part else folder
        receipts = self.papers.receipts(folder, account, addresses)
        stated = self.statements.statements(folder, account, addresses) if not part or part.adds_up else ()
        years = self.statements.years(own, account, addresses) if not part or part.complete else ()
        payments, language = folder.source("payments.yaml"), folder.client.language or ""
        pages = (
            *(_page(address, "receipt.html", receipt, payments, language) for address, receipt in receipts),
            *(_page(link.address, "statement.html", view, folder.client.path, language) for link, view in stated),
            *(_page(link.address, "year.html", view, payments, language) for link, view in years),
        )
        return _Papers(
            pages=pages,
            money=MoneyView(
                payments=self.papers.payments(own, addresses),
                statements=tuple(link for link, _ in stated),
                years=tuple(link for link, _ in years),
            ),
        )

    def _policies(self, folder: ClientFolder, addresses: Addresses, reader: Contact | None) -> Iterator[Page]:
        """The policies that have no public page and stand behind this link."""
        home = self.shared.site.practice.language
        for policy in self.portals.private_policies(folder, reader):
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
            yield _page(place, "policy.html", rule, policy.path, folder.client.language or "")


def _page(address: str, template: str, view: View, source: str, language: str) -> Page:
    return Page(address=address, template=template, view=view, source=source, visibility="client", language=language)
