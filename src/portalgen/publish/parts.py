"""The parts of a site: one for all public pages, one for each client. Each is a pure function of its inputs.

A client's part depends on the shared records, that client's folder, the places of its links and the day; it may be
made on its own, in any order and in any process.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import msgspec

from portalgen.content.lock import LinkRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.publish.checks import LinkChecker, double_addresses, double_ids
from portalgen.rules.account import account_of
from portalgen.rules.facts import Account
from portalgen.site.links import file_of
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.pages import File, Page
from portalgen.site.private import ClientPages, Place, Wanted, portal_expires
from portalgen.site.public import PublicPages, directory
from portalgen.site.render import NOT_FOUND, Renderer, country_names
from portalgen.site.theme import TemplateProblem, Theme


class LinkFact(msgspec.Struct, frozen=True, kw_only=True):
    """A link as `portalgen links` lists it. `number` is a document's number, `expires` the last day."""

    row: LinkRow
    address: str
    number: str = ""
    expires: dt.date | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Finished files by their path in the output, files to copy, and what is wrong with them."""

    files: Mapping[str, bytes] = {}
    copies: tuple[File, ...] = ()
    findings: tuple[Finding, ...] = ()
    links: tuple[LinkFact, ...] = ()
    pages: int = 0


class Workshop:
    """What all parts share: the records, the theme, the day. Making it costs some tens of milliseconds, once."""

    def __init__(self, root: Path, shared: Shared, theme: Theme, base_url: str, today: dt.date) -> None:
        self.root, self.shared, self.theme, self.base_url, self.today = root, shared, theme, base_url, today
        countries = country_names(shared.site.practice.language)
        self._offer = Offer(shared, today, countries)
        self._writer = Writer(directory(shared))
        self._renderer = Renderer(shared, theme, base_url, today, countries)
        self._overrides = own_templates(root)
        self._links: LinkChecker | None = None  # known once the public pages are

    def public(self) -> Part:
        """The public pages and the files of the site. Must be made before any client's part: those may link here."""
        maker = PublicPages(self.shared, self._offer, self._writer, self.today)
        pages = list(maker.pages())
        findings = [*maker.findings, *double_addresses(pages)]
        try:
            texts = [(page, self._renderer.html(page)) for page in pages]
            not_found = self._renderer.not_found()
        except TemplateProblem as problem:
            return Part(findings=(*findings, problem.finding))
        files = {file_of(page.address): text.encode() for page, text in texts}
        files |= {NOT_FOUND: not_found.encode(), "robots.txt": self._renderer.robots()}
        files |= self.theme.assets
        if self.base_url:
            files["sitemap.xml"] = self._renderer.sitemap(pages)
        copies = tuple(File(address=path, source=f"content/{path}") for path in self.shared.static)
        links = self._links = LinkChecker((*files, *self.shared.static), self._overrides)
        for page, text in texts:
            links.know(file_of(page.address), text)
        for page, text in texts:
            findings += links.problems(page, text)
            findings += double_ids(page, text)
        return Part(files=files, copies=copies, findings=tuple(findings), pages=len(pages))

    def client(self, folder: ClientFolder, account: Account, places: Mapping[Wanted, Place]) -> Part:
        """One client's private pages."""
        maker = ClientPages(self.shared, self._offer, self._writer, self.today)
        country = folder.client.country or self.shared.site.practice.country
        texts: list[tuple[Page, str]] = []
        copies: list[File] = []
        try:
            for opening in maker.openings(folder, account, places):
                texts += [(page, self._renderer.html(page, country)) for page in opening.sections]
                copies += opening.files
        except TemplateProblem as problem:
            return Part(findings=(*maker.findings, problem.finding))
        files = {file_of(page.address): text.encode() for page, text in texts}
        findings = list(maker.findings)
        if self._links:
            links = self._links.beside((*files, *(file.address for file in copies)))
            for page, text in texts:
                findings += links.problems(page, text)
        return Part(
            files=files,
            copies=tuple(copies),
            findings=tuple(findings),
            links=tuple(_facts(folder, account, places)),
            pages=len(texts),
        )

    def account(self, folder: ClientFolder) -> tuple[Account, tuple[Finding, ...]]:
        """The client's account on the day of this build."""
        return account_of(self.shared, folder, self.today)


def _facts(folder: ClientFolder, account: Account, places: Mapping[Wanted, Place]) -> list[LinkFact]:
    facts = []
    for place in places.values():
        item = account.invoices.get(place.row.ref) if place.row.of == "invoice" else None
        expires = (item.invoice.link.expires if item.invoice.link else None) if item else portal_expires(folder)
        facts.append(
            LinkFact(
                row=place.row,
                address=place.address,
                number=(item.invoice.number or "") if item else "",
                expires=expires,
            )
        )
    return facts


def own_templates(root: Path) -> dict[str, str]:
    """The text of the site's own templates, by path below the site."""
    folder = root / "templates"
    if not folder.is_dir():
        return {}
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(folder.rglob("*.html"))
        if path.is_file()
    }
