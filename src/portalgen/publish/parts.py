"""The parts of a site: one for all public pages, one for each client. Each is a pure function of its inputs.

A client's part depends on the shared records, that client's folder, its links, what the lock keeps of it and the day.
It may be made on its own, in any order and in any process: first a draft, and, once its PDFs are printed, its files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from portalgen.content.lock import DocumentRow, LinkRow, Mode
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.practice import ACKNOWLEDGE
from portalgen.publish.access import Access
from portalgen.publish.checks import LinkChecker, double_addresses
from portalgen.publish.copies import Copy
from portalgen.publish.sensitive import values_of
from portalgen.publish.value import Value
from portalgen.rules.account import Issued, account_of
from portalgen.rules.amounts import odd_client_amounts
from portalgen.rules.facts import Account
from portalgen.rules.ledger import held_findings
from portalgen.rules.recurring import skip_findings
from portalgen.rules.ways import way_findings
from portalgen.site.einvoice.make import einvoices_of
from portalgen.site.envelope import large, sealed_page
from portalgen.site.formats import country_names
from portalgen.site.links import file_of, inside
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.pages import File, Opening, Page, Pdf
from portalgen.site.printing import Printer
from portalgen.site.private import ClientPages, Place, Wanted, link_expires, wanted_links
from portalgen.site.public import PublicPages, directory
from portalgen.site.render import NOT_FOUND, Renderer
from portalgen.site.shell import Shell, shell_of
from portalgen.site.theme import TemplateProblem, Theme
from portalgen.site.tombstones import Tombstones


class LinkFact(msgspec.Struct, frozen=True, kw_only=True):
    """A link as `portalgen links` lists it. `expires` is its last day."""

    row: LinkRow
    address: str
    expires: dt.date | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Finished files by their path in the output, what is wrong with them, and what the lock has to learn.

    `rows` are pairs of what the lock has of a link, or None, and what it shall have. `sources` tells what public pages
    are made from, `values` what none of them may say.
    """

    files: Mapping[str, bytes] = {}
    copies: tuple[File, ...] = ()
    findings: tuple[Finding, ...] = ()
    links: tuple[LinkFact, ...] = ()
    rows: tuple[tuple[LinkRow | None, LinkRow], ...] = ()
    documents: tuple[DocumentRow, ...] = ()
    sources: Mapping[str, str] = {}
    values: tuple[Value, ...] = ()
    pages: int = 0


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """What a link opens, with the text of each of its pages. `expires` is the link's last day."""

    opening: Opening
    texts: tuple[str, ...]
    expires: dt.date | None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A client's part before its PDFs are printed; `part` has what is finished already."""

    part: Part
    openings: tuple[Drafted, ...] = ()

    @property
    def pdfs(self) -> Iterator[Pdf]:
        """What has to be printed."""
        return (pdf for drafted in self.openings for pdf in drafted.opening.pdfs)


class Workshop:
    """What all parts share: the records, the theme, the day. Making it costs some tens of milliseconds, once."""

    def __init__(self, shared: Shared, theme: Theme, base_url: str, today: dt.date, access: Access) -> None:
        self.shared, self.theme, self.base_url, self.today = shared, theme, base_url, today
        self.access = access
        countries = country_names(shared.site.practice.language)
        self._offer = Offer(shared, today, countries)
        self._writer = self.writer()
        self._renderer = self.renderer(countries)
        printing = shared.site.documents.pdf
        self._printer = Printer(shared, theme, self._renderer.practice) if printing else None
        self._tombstones = Tombstones(self._renderer, shared)

    def writer(self) -> Writer:
        """What renders texts."""
        return Writer(directory(self.shared))

    def renderer(self, countries: Mapping[str, str]) -> Renderer:
        """What renders pages."""
        return Renderer(self.shared, self.theme, self.base_url, self.today, countries)

    def checker(self, files: Iterable[str]) -> LinkChecker:
        """What looks at the links of pages beside these files."""
        return LinkChecker(files, self.theme.own)

    @cached_property
    def shell(self) -> Shell:
        """The page around everything that is sealed. Raises `TemplateProblem`."""
        return shell_of(self.theme, self.shared, self._renderer.practice)

    def turn_to(self, today: dt.date) -> None:
        """Makes what follows for this day; what all clients share stays as it was made."""
        self.today = today

    def sealed(self, folder: ClientFolder | None) -> bool:
        """Whether a client's pages are sealed; those of a client that is gone as the site's are."""
        own = folder.client.privacy if folder else None
        return (own or self.shared.site.privacy.mode) == "sealed"

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
        links = self.checker((*files, *self.shared.static))
        findings += _checked(links, texts)
        findings += links.foreign(self.shared.site.path, not_found, self.base_url)
        sources = {file_of(page.address): page.source for page in pages}
        part = Part(files=files, copies=copies, findings=tuple(findings), sources=sources, pages=len(pages))
        return part, links

    def client(self, folder: ClientFolder, links: LinkChecker | None) -> Draft:
        """Everything of one client. `links` is what the public part gave: pages may link there."""
        issued = self.access.issued(folder.id)
        account, found = account_of(self.shared, folder, self.today, issued)
        findings = [*found, *odd_client_amounts(self.shared, folder), *way_findings(self.shared, folder)]
        findings += [*skip_findings(folder), *_unaccepted(self.shared, folder)]
        if not _broken(findings):
            findings += held_findings(self.shared, folder, account, self.today)
        if _broken(findings):
            return Draft(part=Part(findings=tuple(findings)))
        sealed = self.sealed(folder)
        places = self.access.places(folder.id, wanted_links(folder, account, self.today, self.shared), sealed=sealed)
        draft = self.pages(folder, account, places, links, issued)
        try:
            closed, changed = self._closed(folder, account, places)
        except TemplateProblem as problem:
            return Draft(part=Part(findings=(*findings, *draft.part.findings, problem.finding)))
        part = msgspec.structs.replace(
            draft.part,
            findings=(*findings, *draft.part.findings),
            files=closed,
            rows=changed,
            documents=self.access.unknown(folder, account),
            values=values_of(folder),
        )
        return msgspec.structs.replace(draft, part=part)

    def pages(
        self,
        folder: ClientFolder,
        account: Account,
        places: Mapping[Wanted, Place],
        links: LinkChecker | None,
        issued: Issued,
    ) -> Draft:
        """One client's private pages at these places. `issued`: what the lock keeps of the client's documents."""
        maker = ClientPages(self.shared, self._offer, self._writer, self.today, self._printer)
        void = {facts.invoice.id for facts in account.invoices.values() if facts.status.document == "void"}
        documents = {key: document for key, document in account.documents.items() if key not in void}
        einvoices, lacking = einvoices_of(self.shared, folder, documents, {key for _, key in issued})
        country = folder.client.country or self.shared.site.practice.country
        openings: list[Drafted] = []
        try:
            for opening in maker.openings(folder, account, places, einvoices):
                texts = tuple(self._renderer.html(page, country) for page in opening.sections)
                expires = link_expires(folder, account, opening.link, self.shared)
                openings.append(Drafted(opening=opening, texts=texts, expires=expires))
        except TemplateProblem as problem:
            return Draft(part=Part(findings=(*maker.findings, problem.finding)))
        findings = [*maker.findings, *lacking]
        if links:
            beside = [address for drafted in openings for address in _addresses(drafted.opening)]
            findings += _checked(links.beside(beside), [pair for drafted in openings for pair in _texts(drafted)])
        facts = tuple(
            LinkFact(
                row=place.row, address=place.address, expires=link_expires(folder, account, place.row, self.shared)
            )
            for place in places.values()
        )
        count = sum(len(drafted.texts) for drafted in openings)
        return Draft(part=Part(findings=tuple(findings), links=facts, pages=count), openings=tuple(openings))

    def finish(self, draft: Draft, pdfs: Mapping[str, bytes], copy: Copy) -> Part:
        """The files of a draft. `pdfs` has those that it ordered, by their addresses. Raises `TemplateProblem`."""
        files = dict(draft.part.files)
        findings = list(draft.part.findings)
        for drafted in draft.openings:
            opening = drafted.opening
            beside = {pdf.address: pdfs[pdf.address] for pdf in opening.pdfs if pdf.address in pdfs}
            beside |= {made.address: made.content for made in opening.made}
            for file in opening.files:
                copied = copy(file)
                beside[file.address] = copied.content
                findings += copied.findings
            pages = {page.address: text.encode() for page, text in _texts(drafted)}
            place = inside(opening.sections[0].address)
            if place is None:
                files |= {file_of(address): text for address, text in pages.items()} | beside
            else:
                secret = self.access.keyring.secret(opening.link.salt, opening.link.generation)
                zone = self.shared.site.practice.timezone
                page = sealed_page(self.shell, secret, {**pages, **beside}, drafted.expires, zone)
                files[place.file] = page
                findings += large(len(page), opening.sections[0].source)
        return msgspec.structs.replace(draft.part, files=files, findings=tuple(findings))

    def gone(self, rows: Sequence[LinkRow], folder: ClientFolder | None = None) -> Mapping[str, bytes]:
        """What stands at the retired links of a client, whose folder may be gone. Raises `TemplateProblem`."""
        return {path: page for row in rows if row.state != "live" for path, page in self._tombstones_of(row, folder)}

    def _closed(
        self, folder: ClientFolder, account: Account, places: Mapping[Wanted, Place]
    ) -> tuple[Mapping[str, bytes], tuple[tuple[LinkRow | None, LinkRow], ...]]:
        """What stands where links of a client led once, and what the lock has to learn of its links."""
        new = {place.row.salt: place.row for place in places.values()}
        changed: list[tuple[LinkRow | None, LinkRow]] = []
        files: dict[str, bytes] = {}
        for row in self.access.rows(folder.id):
            now = new.pop(row.salt, None)
            if now is None:
                last = link_expires(folder, account, row, self.shared)
                now = row
                if row.state == "live" and last and last < self.today:
                    now = msgspec.structs.replace(row, state="expired")
                files.update(self._tombstones_of(now, folder))
            else:
                elsewhere = msgspec.structs.replace(now, state="replaced")
                files.update(self._tombstones_of(elsewhere, folder, {*row.modes} - {self._mode(folder)}))
            if now != row:
                changed.append((row, now))
        changed += [(None, row) for row in new.values()]
        return files, tuple(sorted(changed, key=lambda pair: pair[1]))

    def _mode(self, folder: ClientFolder | None) -> Mode:
        return "sealed" if self.sealed(folder) else "unlisted"

    def _tombstones_of(
        self, row: LinkRow, folder: ClientFolder | None, modes: Collection[Mode] | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """The pages at a link that was ended, in every mode in which it was published; none when its key is gone."""
        if row.key_id and row.key_id != self.access.keyring.key_id:
            return
        if modes is None:  # a row that tells of no mode may be older than the word
            modes = {*row.modes, self._mode(folder)} if row.modes == ("sealed",) else row.modes
        for mode in sorted(modes):
            address = self.access.address(row, sealed=mode == "sealed")
            text = self._tombstones.page(address, row.state, folder)
            place = inside(address)
            if place is None:
                yield file_of(address), text
            else:
                secret = self.access.keyring.secret(row.salt, row.generation)
                yield place.file, sealed_page(self.shell, secret, {address: text})


def _broken(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _addresses(opening: Opening) -> Iterator[str]:
    yield from (page.address for page in opening.sections)
    yield from (file.address for file in opening.files)
    yield from (pdf.address for pdf in opening.pdfs)
    yield from (made.address for made in opening.made)


def _texts(drafted: Drafted) -> Iterator[tuple[Page, str]]:
    return zip(drafted.opening.sections, drafted.texts, strict=True)


def _checked(links: LinkChecker, texts: Collection[tuple[Page, str]]) -> list[Finding]:
    for page, text in texts:
        links.know(page, text)
    return [finding for page, _ in texts for finding in links.problems(page)]


def _unaccepted(shared: Shared, folder: ClientFolder) -> Iterator[Finding]:
    """A client whose pages shall not be sealed, where nobody accepted what follows or the host lists its files."""
    if folder.client.privacy != "unlisted":
        return
    if shared.site.listed:
        yield Finding(
            path=folder.client.path,
            at=("privacy",),
            code="listed-host",
            message="your host publishes the list of its files, so unlisted pages would be found",
            hint="write privacy: sealed, or choose another host in site.yaml",
        )
    elif shared.site.privacy.acknowledge != ACKNOWLEDGE:
        yield Finding(
            path=folder.client.path,
            at=("privacy",),
            code="not-acknowledged",
            message="unlisted pages can be read by your host and by anyone who gets the link",
            hint=f"if you accept that, write into site.yaml privacy: {{acknowledge: {ACKNOWLEDGE}}}",
        )
