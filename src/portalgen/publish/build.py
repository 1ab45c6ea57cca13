"""The build: read everything, derive everything, check everything; only then may anything be written (design §6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.loader import Loaded, load
from portalgen.content.lock import LOCK, Lock
from portalgen.content.model import ClientFolder, Shared, Site
from portalgen.content.problems import Finding, Problem
from portalgen.content.records.practice import ACKNOWLEDGE
from portalgen.publish.access import Access, open_access, passing_access
from portalgen.publish.parts import LinkFact, Part, Workshop
from portalgen.publish.printing import PrintShop
from portalgen.rules.amounts import odd_amounts, odd_client_amounts
from portalgen.rules.ledger import reconcile
from portalgen.rules.numbering import Taken, number_findings, numbers_in, numbers_of
from portalgen.rules.recurring import recurring_findings
from portalgen.rules.retainer import retainer_findings
from portalgen.rules.ways import way_findings
from portalgen.site.private import wanted_links
from portalgen.site.render import NOT_FOUND
from portalgen.site.theme import load as load_theme

Progress = Callable[[int, int], None]


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """A finished site in memory: `files` by their path in the output, or None when there is an error.

    `access` holds new links that are not saved yet; save it before publishing.
    """

    files: Mapping[str, bytes] | None
    problems: tuple[Problem, ...]
    loaded: Loaded
    day: dt.date | None = None  # the day it is built for
    access: Access | None = None
    links: tuple[LinkFact, ...] = ()
    pages: int = 0


def assemble(
    root: Path,
    *,
    today: dt.date | None = None,
    base_url: str = "",
    keeps: bool = False,
    progress: Progress | None = None,
) -> Assembled:
    """Everything that would be published, or every problem. Raises `KeyProblem`.

    Writes nothing but, if it `keeps`, what was printed, so that it need not be printed again.
    """
    loaded = load(root)
    if loaded.sound is None:
        return Assembled(files=None, problems=loaded.problems, loaded=loaded)
    access, damaged = open_access(root) if loaded.site else (passing_access(root), ())
    if access is None:
        return Assembled(files=None, problems=tuple(sorted((*loaded.problems, *damaged))), loaded=loaded)
    shared = loaded.sound.shared
    site = shared.site
    day = today or dt.datetime.now(ZoneInfo(site.practice.timezone)).date()
    base = base_url or site.base_url or ""
    theme, findings = load_theme(root, site)
    found = [*findings, *_general(shared, base), *odd_amounts(shared)]
    parts: list[Part] = []
    pdfs: Mapping[str, bytes] = {}
    if theme is not None:
        with PrintShop(root, theme.press, keeps=keeps) as shop:
            for part in _parts(Workshop(shared, theme, base, day), loaded.sound, access, progress):
                shop.order(part.pdfs)
                parts.append(part)
                found += part.findings
            pdfs, unprinted = shop.collect()
            found += unprinted
            if loaded.site:
                shop.tidy()
    found += recurring_findings(loaded.sound.clients.values())
    found += number_findings(site, _numbers(loaded.sound, access.lock), whole=loaded.site is not None)
    gone = vanished(root, access.lock, loaded.site) if loaded.site else ()
    problems = sorted({*loaded.problems, *gone, *loaded.report(found)})
    broken = any(problem.severity == "error" for problem in problems)
    return Assembled(
        files=None if broken else _gather(root, parts, pdfs),
        problems=tuple(problems),
        loaded=loaded,
        day=day,
        access=access,
        links=tuple(link for part in parts for link in part.links),
        pages=sum(part.pages for part in parts),
    )


def _parts(workshop: Workshop, site: Site, access: Access, progress: Progress | None) -> Iterator[Part]:
    """The public part, then every client's."""
    part, links = workshop.public()
    yield part
    for done, folder in enumerate(site.clients.values(), 1):
        account, findings = workshop.account(folder, access.issued(folder.id))
        findings += (*odd_client_amounts(site.shared, folder), *way_findings(site.shared, folder))
        withheld = _withheld(folder, site.shared)
        findings += (withheld,) if withheld else ()
        if not any(finding.severity == "error" for finding in findings):
            findings += tuple(retainer_findings(site.shared, folder, account, workshop.today))
        if not any(finding.severity == "error" for finding in findings):
            findings += reconcile(folder, account, workshop.today)
        broken = any(finding.severity == "error" for finding in findings)
        if not broken:
            access.adopt(folder, account)
        if broken or withheld:
            yield Part(findings=findings)
        else:
            places = access.places(folder.id, wanted_links(folder, account, workshop.today))
            locked = {key for _, key in access.issued(folder.id)}
            part = workshop.client(folder, account, places, links, locked)
            yield msgspec.structs.replace(part, findings=(*findings, *part.findings))
        if progress:
            progress(done, len(site.clients))


def _gather(root: Path, parts: Iterable[Part], pdfs: Mapping[str, bytes]) -> dict[str, bytes]:
    """All files of all parts, with a page in every folder that has none, so that no server lists what lies there."""
    files = dict(pdfs)
    for part in parts:
        files.update(part.files)
        for copy in part.copies:
            files[copy.address] = (root / copy.source).read_bytes()
    folders = {path[:at] for path in files for at, letter in enumerate(path) if letter == "/"}
    for folder in folders:
        files.setdefault(f"{folder}/index.html", files[NOT_FOUND])
    return files


def _numbers(site: Site, lock: Lock) -> Iterator[Taken]:
    """Every number that was given out, also those whose file is gone."""
    files = {record.id for folder in site.clients.values() for record in folder.billing}
    for folder in site.clients.values():
        yield from numbers_of(folder)
    yield from numbers_in(row for row in lock.documents if row.id not in files)


def _general(shared: Shared, base_url: str) -> Iterator[Finding]:
    if not base_url:
        yield Finding(
            path=shared.site.path,
            code="no-base-url",
            severity="warning",
            message="there is no base_url, so there is no sitemap and links cannot be listed in full",
            hint="add base_url: https://your-address.example/",
        )
    for page in shared.pages.values():
        if shared.site.practice.regulated and "testimonial" in f"{page.id} {page.title}".lower():
            yield Finding(
                path=page.path,
                at=("title",),
                code="testimonials",
                severity="warning",
                message="many codes of ethics forbid regulated practices to ask clients for testimonials (APA 5.05)",
                hint="take the page away, or silence this with the reason why it is allowed",
            )


def _withheld(folder: ClientFolder, shared: Shared) -> Finding | None:
    """Why this client's pages may not be published: they must be sealed, or nobody accepted that they are not."""
    own = folder.client.privacy
    mode = own or shared.site.privacy.mode
    path, at = (folder.client.path, ("privacy",)) if own else (shared.site.path, ())
    line = f"privacy: {{mode: unlisted, acknowledge: {ACKNOWLEDGE}}}"
    if mode == "sealed" and folder.client.publish:
        message = "this version cannot seal private pages yet, so they are not published"
        return Finding(
            path=path,
            at=at,
            code="not-sealed-yet",
            severity="warning",
            message=message,
            hint=f"to publish them unlisted, write {line}",
        )
    if mode == "unlisted" and shared.site.privacy.acknowledge != ACKNOWLEDGE:
        message = "unlisted pages can be read by your host and by anyone who gets the link"
        return Finding(
            path=path,
            at=at,
            code="not-acknowledged",
            message=message,
            hint=f"if you accept that, write into site.yaml {line}",
        )
    return None


def vanished(root: Path, lock: Lock, site: Site) -> Iterator[Problem]:
    """What was promised outside and has no source any more: an issued document, a client whose link is live."""
    if not lock.links and not lock.documents:
        return
    lines = (root / LOCK).read_text(encoding="utf-8-sig").split("\n")

    def problem(sign: str, message: str, hint: str) -> Problem:
        line = next((number for number, text in enumerate(lines, 1) if sign in text), 1)
        return Problem(path=LOCK, line=line, column=1, code="vanished", message=message, hint=hint)

    live = {row.client: row.salt for row in reversed(lock.links) if row.state == "live"}
    for client in sorted(
        ({row.client for row in lock.links} | {row.client for row in lock.documents}) - {*site.clients}
    ):
        if client in live:
            yield problem(
                live[client],
                f"the folder of the client '{client}' is gone, but its link was handed out",
                f"put it back, or end its links for good: portalgen link revoke {client}",
            )
        elif not any(row.client == client for row in lock.links):
            yield problem(
                f'"client": "{client}"',
                f"the folder of the client '{client}' is gone, but documents of it were issued",
                "put it back as it was",
            )
    for row in lock.documents:
        folder = site.clients.get(row.client)
        if folder and row.id not in (folder.invoices if row.of == "invoice" else folder.credit_notes):
            name, hint = "invoice", "put it back as it was; to cancel it write void: with a date and a reason"
            if row.of == "credit-note":
                name, hint = "credit note", "put it back as it was; what it should not take back, invoice anew"
            message = f"the file of the {name} {row.number} of '{row.client}' is gone, but it was issued"
            yield problem(row.sha256, message, hint)
