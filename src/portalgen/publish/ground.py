"""What every client's part of one build stands on: the shared records, the theme, the links, the public part.

The public part is made here, or taken as it stands in the output when nothing that it depends on changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.loader import SharedPart, read_shared
from portalgen.content.lockfile import LockFile
from portalgen.content.model import Shared
from portalgen.content.places import Places
from portalgen.content.problems import Finding, Problem
from portalgen.content.sources import Tree
from portalgen.publish.access import KeyProblem, PartialAccess, partial_access
from portalgen.publish.build import general_findings
from portalgen.publish.checks import LinkChecker
from portalgen.publish.clients import Maker
from portalgen.publish.copies import copier
from portalgen.publish.ended import kept
from portalgen.publish.finished import PRIVATE
from portalgen.publish.hosting import control_files
from portalgen.publish.inspection import SHELL, main_secret
from portalgen.publish.leaks import Search
from portalgen.publish.parts import Workshop
from portalgen.publish.paths import folders_of
from portalgen.publish.printing import PrintShop
from portalgen.publish.scripts import script_findings, shares_origin
from portalgen.publish.sensitive import shared_values
from portalgen.publish.validity import Span, Today
from portalgen.rules.amounts import odd_amounts
from portalgen.site.render import NOT_FOUND
from portalgen.site.theme import Theme
from portalgen.site.theme import load as load_theme


class Public(msgspec.Struct, frozen=True, kw_only=True):
    """The public part: all files that anybody can get, and what the clients' parts need of it.

    `names` are the files that pages may link to, `anchors` the ids of every page, `origins` the sources of pages, each
    by file. `problems` come with the lines that they are about.
    """

    files: Mapping[str, bytes]
    names: tuple[str, ...]
    anchors: Mapping[str, tuple[str, ...]]
    origins: Mapping[str, str]
    pages: int
    problems: tuple[Problem, ...] = ()
    excerpts: tuple[str, ...] = ()


class Ground:
    """The shared part of one build. `span` tells until which day all that is made here stays the same."""

    def __init__(
        self, root: Path, tree: Tree, part: SharedPart, shared: Shared, access: PartialAccess, theme: Theme
    ) -> None:
        self.root, self.tree, self.part, self.shared, self.access, self.theme = root, tree, part, shared, access, theme
        self.shop = PrintShop(root, theme.press, keeps=True)
        self._searches: dict[bool, Search] = {}

    def on(self, today: dt.date | None, base_url: str) -> Ground:
        """For a day (today, if it is None, in the practice's zone) and the address of the site."""
        self.base_url = base_url or self.shared.site.base_url or ""
        self.day = today or dt.datetime.now(ZoneInfo(self.shared.site.practice.timezone)).date()
        self.span = Span(self.day)
        self.workshop = Workshop(self.shared, self.theme, self.base_url, Today.on(self.day, self.span), self.access)
        return self

    def public(self, found: tuple[Finding, ...]) -> Public | None:
        """The public part, made; None when a page of it could not be. `found`: what is wrong with the theme."""
        part, links = self.workshop.public()
        if links is None:
            return None
        places, copy = Places(self.root), copier(self.root, public=True)
        files = dict(control_files(self.shared.site.hosting.host if self.shared.site.hosting else None, self.base_url))
        files.update(part.files)
        findings = [*found, *self.part.findings, *part.findings]
        findings += [*general_findings(self.shared, self.base_url), *odd_amounts(self.shared)]
        for file in part.copies:
            copied = copy(file)
            files[file.address] = copied.content
            findings += copied.findings
        for path, page in kept(self.root).items():
            files.setdefault(path, page)
        for folder in folders_of(files):
            files.setdefault(f"{folder}/index.html", files[NOT_FOUND])
        made = Public(
            files=files,
            names=tuple(sorted(links.files)),
            anchors=links.anchors(),
            origins=part.sources,
            pages=part.pages,
        )
        problems = [*self.tree.problems, *self.part.problems, *places.problems(findings)]
        if not any(problem.severity == "error" for problem in problems):
            problems += places.problems(self._looked_at(made))
        told = places.kept(problems)
        return msgspec.structs.replace(made, problems=told, excerpts=tuple(map(places.excerpt, told)))

    def _looked_at(self, public: Public) -> Iterator[Finding]:
        if not self.tree.clients and self.access.file.is_empty:
            return
        search = self.search(public, self.workshop.sealed(None))
        yield from search.listings()
        yield from search.secrets(main_secret(self.access), ())
        yield from search.values(shared_values(self.shared))
        if shares_origin(self.shared.site, self.base_url):
            files = self._disclosed(public, self.workshop.sealed(None))
            yield from script_findings(files, self.theme.scripts.values(), self.theme.own, public.origins)

    def search(self, public: Public, sealed: bool) -> Search:
        """What looks for private words in the public files, and in the page around what is `sealed`."""
        if sealed not in self._searches:
            files = self._disclosed(public, sealed)
            self._searches[sealed] = Search(files, self.shared, public.origins)
        return self._searches[sealed]

    def _disclosed(self, public: Public, sealed: bool) -> Mapping[str, bytes]:
        files = {path: data for path, data in public.files.items() if not path.startswith(PRIVATE)}
        return {**files, SHELL: self.workshop.shell.head + self.workshop.shell.tail} if sealed else files

    def maker(self, public: Public) -> Maker:
        """What makes the clients' parts."""
        return Maker(
            self.root,
            self.part,
            self.workshop,
            self.access,
            shop=self.shop,
            links=LinkChecker(public.names, self.theme.own).knowing(public.anchors),
            search=lambda sealed: self.search(public, sealed),
            not_found=public.files[NOT_FOUND],
            day=self.day,
            span=self.span,
        )


def ground_of(root: Path, tree: Tree, *, ordered: bool) -> tuple[Ground, tuple[Finding, ...]] | None:
    """The ground of a site, and what is wrong with its theme; None when there is an error that lets nothing be made.

    `ordered`: the lock is known to be.
    """
    part = read_shared(tree)
    if part.shared is None or part.shared.broken:
        return None
    try:
        access = partial_access(root, LockFile.at(root, searched=True) if ordered else LockFile.left_at(root))
    except KeyProblem:  # which is told when nothing is wrong with the files
        return None
    theme, findings = load_theme(root, part.shared.site)
    if access is None or theme is None:
        return None
    return Ground(root, tree, part, part.shared, access, theme), tuple(findings)
