"""The build: read everything, derive everything, check everything; only then may anything be written (design §6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.loader import Loaded, load
from portalgen.content.lock import Lock
from portalgen.content.lockfile import LockFile
from portalgen.content.model import ClientFolder, Shared, Site
from portalgen.content.problems import Finding, Problem
from portalgen.content.sources import Tree
from portalgen.publish.access import Access, open_access, passing_access
from portalgen.publish.checks import LinkChecker
from portalgen.publish.copies import Copy, copier
from portalgen.publish.crew import cores, mapped, workers
from portalgen.publish.ended import kept
from portalgen.publish.hosting import beside_files, control_files
from portalgen.publish.inspection import inspected
from portalgen.publish.parts import Draft, LinkFact, Part, Workshop
from portalgen.publish.paths import folders_of
from portalgen.publish.printing import Presses, Prints, PrintShop
from portalgen.publish.vanished import vanished
from portalgen.rules.amounts import odd_amounts
from portalgen.rules.numbering import Taken, number_findings, numbers_in, numbers_of
from portalgen.rules.recurring import same_series, series_of_client
from portalgen.site.render import NOT_FOUND
from portalgen.site.theme import TemplateProblem
from portalgen.site.theme import load as load_theme

Progress = Callable[[int, int], None]


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """A finished site in memory: `files` by their path in the output, or None when there is an error.

    `access` holds new links that are not saved yet; save it before publishing.
    """

    files: Mapping[str, bytes] | None
    problems: tuple[Problem, ...]
    loaded: Loaded
    beside: Mapping[str, bytes] = {}  # by path in hosting/
    day: dt.date | None = None  # the day it is built for
    access: Access | None = None
    links: tuple[LinkFact, ...] = ()
    pages: int = 0


def assemble(
    root: Path,
    *,
    tree: Tree | None = None,
    today: dt.date | None = None,
    base_url: str = "",
    keeps: bool = False,
    seals: bool = True,
    jobs: int = 0,
    progress: Progress | None = None,
) -> Assembled:
    """Everything that would be published, or every problem. Raises `KeyProblem`.

    Writes nothing but, if it `keeps`, what was printed, so that it need not be printed again. With `seals` false
    no page is sealed, as a preview wants it. `tree` is the folder if it was looked at already. `jobs`: the most
    processes to use, 0 for as many as pay.
    """
    loaded = load(root, tree)
    if loaded.sound is None:
        return Assembled(files=None, problems=loaded.problems, loaded=loaded)
    access, damaged = open_access(root) if loaded.site else (passing_access(root), ())
    if access is None:
        return Assembled(files=None, problems=tuple(sorted((*loaded.problems, *damaged))), loaded=loaded)
    shared = loaded.sound.shared
    site = shared.site
    day = today or dt.datetime.now(ZoneInfo(site.practice.timezone)).date()
    base = base_url or site.base_url or ""
    host = site.hosting.host if site.hosting else None
    theme, findings = load_theme(root, site)
    found = [*findings, *general_findings(shared, base), *odd_amounts(shared)]
    parts: list[Part] = []
    workshop: Workshop | None = None
    if theme is not None:
        access.seals = seals
        workshop = Workshop(shared, theme, base, day, access)
        shop = PrintShop(root, theme.press, keeps=keeps)
        public, links = workshop.public()
        folders = list(loaded.sound.clients.values())
        made, used = _clients(root, workshop, shop, folders, links, jobs, progress)
        parts = [_copied(public, copier(root, public=True)), *made]
        if loaded.site:
            shop.tidy(used)
            parts.append(_gone(workshop, loaded.site))
        for part in parts:
            found += part.findings
            access.note(part.rows, part.documents)
    found += same_series(series_of_client(folder) for folder in loaded.sound.clients.values())
    found += number_findings(site, _numbers(loaded.sound, access.lock), whole=loaded.site is not None)
    gone = vanished(LockFile.at(root), access.lock, loaded.site) if loaded.site else ()
    problems = sorted({*loaded.problems, *gone, *loaded.report(found)})
    files: Mapping[str, bytes] | None = None
    if loaded.site and workshop and not _broken(problems):
        files = _gather(root, parts, control_files(host, base))
        seen = loaded.report(inspected(files, parts, workshop, loaded.site, base))
        problems = sorted({*problems, *seen})
    return Assembled(
        files=None if _broken(problems) else files,
        problems=tuple(problems),
        loaded=loaded,
        beside=beside_files(host, base),
        day=day,
        access=access,
        links=tuple(link for part in parts for link in part.links),
        pages=sum(part.pages for part in parts),
    )


def _broken(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _clients(
    root: Path,
    workshop: Workshop,
    shop: PrintShop,
    folders: Sequence[ClientFolder],
    links: LinkChecker | None,
    jobs: int,
    progress: Progress | None,
) -> tuple[list[Part], frozenset[str]]:
    """Every client's part, and the names of the PDFs in them: by processes, or with threads that print."""
    copy = copier(root)

    def make(number: int) -> tuple[Part, frozenset[str]]:
        draft = workshop.client(folders[number], links)
        prints = shop.print(draft.pdfs)
        return _finished(workshop, draft, prints, copy), prints.used

    def told(done: int) -> None:
        if progress:
            progress(done, len(folders))

    crew = workers(len(folders), jobs)
    if crew > 1:
        made: dict[int, Part] = {}
        used: set[str] = set()
        for number, (part, names) in mapped(make, len(folders), crew):
            made[number] = part
            used |= names
            told(len(made))
        return [made[number] for number in range(len(folders))], frozenset(used)
    drafts = []
    with Presses(shop, jobs or cores()) as presses:
        for done, folder in enumerate(folders, 1):
            draft = workshop.client(folder, links)
            presses.order(draft.pdfs)
            drafts.append(draft)
            told(done)
        prints = presses.collect()
    parts = [_finished(workshop, draft, prints, copy) for draft in drafts]
    return [*parts, Part(findings=prints.findings)], prints.used


def _copied(part: Part, copy: Copy) -> Part:
    """The part with its copies among its files."""
    copies = {file.address: copy(file) for file in part.copies}
    files = {**part.files, **{address: copied.content for address, copied in copies.items()}}
    wrong = [finding for copied in copies.values() for finding in copied.findings]
    return msgspec.structs.replace(part, files=files, copies=(), findings=(*part.findings, *wrong))


def _finished(workshop: Workshop, draft: Draft, prints: Prints, copy: Copy) -> Part:
    try:
        part = workshop.finish(draft, prints.files, copy)
    except TemplateProblem as problem:
        part = msgspec.structs.replace(draft.part, findings=(*draft.part.findings, problem.finding))
    return msgspec.structs.replace(part, findings=(*part.findings, *prints.findings))


def _gone(workshop: Workshop, site: Site) -> Part:
    """What stands at the links of clients whose folder is gone."""
    access = workshop.access
    rows = [row for client in access.clients if client not in site.clients for row in access.rows(client)]
    try:
        return Part(files=workshop.gone(rows))
    except TemplateProblem as problem:
        return Part(findings=(problem.finding,))


def _gather(root: Path, parts: Iterable[Part], control: Mapping[str, bytes]) -> dict[str, bytes]:
    """All files of all parts and of the host, with a page in every folder that has none, so that no server lists it."""
    files = dict(control)
    for part in parts:
        files.update(part.files)
    for path, page in kept(root).items():
        files.setdefault(path, page)
    for folder in folders_of(files):
        files.setdefault(f"{folder}/index.html", files[NOT_FOUND])
    return files


def _numbers(site: Site, lock: Lock) -> Iterator[Taken]:
    """Every number that was given out, also those whose file is gone."""
    files = {record.id for folder in site.clients.values() for record in folder.billing}
    for folder in site.clients.values():
        yield from numbers_of(folder)
    yield from numbers_in((row for row in lock.documents if row.id not in files), lock.numbers)


def general_findings(shared: Shared, base_url: str) -> Iterator[Finding]:
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
