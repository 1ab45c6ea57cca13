"""The parts of a site: one for all public pages, one for each client. Each is a pure function of its inputs.

A client's part depends on the shared records, that client's folder, the places of its links and the day; it may be
made on its own, in any order and in any process.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import msgspec

from portalgen.content.lock import LinkRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.publish.checks import LinkChecker, double_addresses
from portalgen.rules.account import Issued, account_of
from portalgen.rules.facts import Account
from portalgen.site.einvoice.make import einvoices_of
from portalgen.site.formats import country_names
from portalgen.site.links import file_of
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.pages import File, Page, Pdf
from portalgen.site.printing import Printer
from portalgen.site.private import ClientPages, Place, Wanted, link_expires
from portalgen.site.public import PublicPages, directory
from portalgen.site.render import NOT_FOUND, Renderer
from portalgen.site.theme import TemplateProblem, Theme


class LinkFact(msgspec.Struct, frozen=True, kw_only=True):
    """A link as `portalgen links` lists it. `expires` is its last day."""

    row: LinkRow
    address: str
    expires: dt.date | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Finished files by their path in the output, files to copy, PDFs to print, and what is wrong with them."""

    files: Mapping[str, bytes] = {}
    copies: tuple[File, ...] = ()
    pdfs: tuple[Pdf, ...] = ()
    findings: tuple[Finding, ...] = ()
    links: tuple[LinkFact, ...] = ()
    pages: int = 0


class Workshop:
    """What all parts share: the records, the theme, the day. Making it costs some tens of milliseconds, once."""

    def __init__(self, shared: Shared, theme: Theme, base_url: str, today: dt.date) -> None:
        self.shared, self.theme, self.base_url, self.today = shared, theme, base_url, today
        countries = country_names(shared.site.practice.language)
        self._offer = Offer(shared, today, countries)
        self._writer = Writer(directory(shared))
        self._renderer = Renderer(shared, theme, base_url, today, countries)
        printing = shared.site.documents.pdf
        self._printer = Printer(shared, theme, self._renderer.practice) if printing else None

    def public(self) -> tuple[Part, LinkChecker | None]:
        """The public pages and the files of the site, and what the links of other parts may lead to in it.

        There is nothing to check them against when some public pages could not be made.
        """
        maker = PublicPages(self.shared, self._offer, self._writer, self.today)
        pages = list(maker.pages())
        findings = [*maker.findings, *double_addresses(pages)]
        try:
            texts = [(page, self._renderer.html(page)) for page in pages]
            not_found = self._renderer.not_found()
        except TemplateProblem as problem:
            return Part(findings=(*findings, problem.finding)), None
        if self.shared.broken:
            return Part(findings=tuple(findings)), None
        files = {file_of(page.address): text.encode() for page, text in texts}
        files |= {NOT_FOUND: not_found.encode(), "robots.txt": self._renderer.robots()}
        files |= self.theme.assets
        if self.base_url:
            files["sitemap.xml"] = self._renderer.sitemap(pages)
        copies = tuple(File(address=path, source=f"content/{path}") for path in self.shared.static)
        links = LinkChecker((*files, *self.shared.static), self.theme.own)
        findings += _checked(links, texts)
        findings += links.foreign(self.shared.site.path, not_found, self.base_url)
        return Part(files=files, copies=copies, findings=tuple(findings), pages=len(pages)), links

    def client(
        self,
        folder: ClientFolder,
        account: Account,
        places: Mapping[Wanted, Place],
        links: LinkChecker | None,
        locked: Collection[str] = (),
    ) -> Part:
        """One client's private pages. `links` is what the public part gave: pages may link there.

        `locked` are the ids of the documents that the lock knows already.
        """
        maker = ClientPages(self.shared, self._offer, self._writer, self.today, self._printer)
        void = {facts.invoice.id for facts in account.invoices.values() if facts.status.document == "void"}
        documents = {key: document for key, document in account.documents.items() if key not in void}
        einvoices, lacking = einvoices_of(self.shared, folder, documents, locked)
        country = folder.client.country or self.shared.site.practice.country
        texts: list[tuple[Page, str]] = []
        copies: list[File] = []
        pdfs: list[Pdf] = []
        made: dict[str, bytes] = {}
        try:
            for opening in maker.openings(folder, account, places, einvoices):
                texts += [(page, self._renderer.html(page, country)) for page in opening.sections]
                copies += opening.files
                pdfs += opening.pdfs
                made |= {file.address: file.content for file in opening.made}
        except TemplateProblem as problem:
            return Part(findings=(*maker.findings, problem.finding))
        files = {file_of(page.address): text.encode() for page, text in texts} | made
        findings = [*maker.findings, *lacking]
        if links:
            beside = (*files, *(file.address for file in copies), *(pdf.address for pdf in pdfs))
            findings += _checked(links.beside(beside), texts)
        return Part(
            files=files,
            copies=tuple(copies),
            pdfs=tuple(pdfs),
            findings=tuple(findings),
            links=tuple(_facts(folder, account, places)),
            pages=len(texts),
        )

    def account(self, folder: ClientFolder, issued: Issued) -> tuple[Account, tuple[Finding, ...]]:
        """The client's account on the day of this build. `issued`: what the lock keeps of this client's documents."""
        return account_of(self.shared, folder, self.today, issued)


def _checked(links: LinkChecker, texts: Sequence[tuple[Page, str]]) -> list[Finding]:
    for page, text in texts:
        links.know(page, text)
    return [finding for page, _ in texts for finding in links.problems(page)]


def _facts(folder: ClientFolder, account: Account, places: Mapping[Wanted, Place]) -> list[LinkFact]:
    return [
        LinkFact(row=place.row, address=place.address, expires=link_expires(folder, account, place.row))
        for place in places.values()
    ]
