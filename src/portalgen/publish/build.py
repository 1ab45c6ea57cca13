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
from portalgen.rules.amounts import odd_amounts, odd_client_amounts
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
    access: Access | None = None
    links: tuple[LinkFact, ...] = ()
    pages: int = 0


def assemble(
    root: Path,
    *,
    today: dt.date | None = None,
    base_url: str = "",
    progress: Progress | None = None,
) -> Assembled:
    """Everything that would be published, or every problem. Writes nothing. Raises `KeyProblem`."""
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
    if theme is not None:
        parts = list(_parts(Workshop(shared, theme, base, day), loaded.sound, access, progress))
        found += [finding for part in parts for finding in part.findings]
    vanished = _vanished(root, access.lock, loaded.site) if loaded.site else ()
    problems = sorted({*loaded.problems, *vanished, *loaded.report(found)})
    broken = any(problem.severity == "error" for problem in problems)
    return Assembled(
        files=None if broken else _gather(root, parts),
        problems=tuple(problems),
        loaded=loaded,
        access=access,
        links=tuple(link for part in parts for link in part.links),
        pages=sum(part.pages for part in parts),
    )


def _parts(workshop: Workshop, site: Site, access: Access, progress: Progress | None) -> Iterator[Part]:
    """The public part, then every client's."""
    part, links = workshop.public()
    yield part
    for done, folder in enumerate(site.clients.values(), 1):
        account, findings = workshop.account(folder)
        findings += tuple(odd_client_amounts(site.shared, folder))
        withheld = _withheld(folder, site.shared)
        findings += (withheld,) if withheld else ()
        if withheld or any(finding.severity == "error" for finding in findings):
            yield Part(findings=findings)
        else:
            places = access.places(folder.id, wanted_links(folder, account, workshop.today))
            part = workshop.client(folder, account, places, links)
            yield msgspec.structs.replace(part, findings=(*findings, *part.findings))
        if progress:
            progress(done, len(site.clients))


def _gather(root: Path, parts: Iterable[Part]) -> dict[str, bytes]:
    """All files of all parts, with a page in every folder that has none, so that no server lists what lies there."""
    files: dict[str, bytes] = {}
    for part in parts:
        files.update(part.files)
        for copy in part.copies:
            files[copy.address] = (root / copy.source).read_bytes()
    folders = {path[:at] for path in files for at, letter in enumerate(path) if letter == "/"}
    for folder in folders:
        files.setdefault(f"{folder}/index.html", files[NOT_FOUND])
    return files


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


def _vanished(root: Path, lock: Lock, site: Site) -> Iterator[Problem]:
    """A live link whose client or document is gone: a promise that must not break unnoticed."""
    path = root / LOCK
    lines = path.read_text(encoding="utf-8-sig").splitlines() if lock.links else []
    for row in lock.links:
        folder = site.clients.get(row.client)
        invoice = folder.invoices.get(row.ref) if folder and row.of == "invoice" else None
        if row.state != "live" or (folder and (row.of != "invoice" or (invoice and invoice.issued))):
            continue
        if folder is None:
            message = f"the folder of the client '{row.client}' is gone, but its link was handed out"
            hint = f"put it back, or end its links for good: portalgen link revoke {row.client}"
        else:
            message = f"the issued invoice '{row.ref}' of '{row.client}' is gone, but its link was handed out"
            hint = "put it back as it was; to cancel it write void: with a date and a reason"
        line = next((number for number, text in enumerate(lines, 1) if row.salt in text), 1)
        yield Problem(path=LOCK, line=line, column=1, code="vanished", message=message, hint=hint)
