"""Checks on the finished set of pages: dead links and anchors, two pages at one address, files from other sites."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from portalgen.content.problems import Finding
from portalgen.site.links import file_of
from portalgen.site.pages import Page

RESERVED = ("p", "assets", "static")
_TAG = re.compile(r"<(a|area|img|link|source|script|audio|video|iframe|embed|track|form)\b([^<>]*)>", re.IGNORECASE)
_ADDRESS = re.compile(r'\b(href|src|poster|action)="([^"]*)"')
_ID = re.compile(r'<[a-z][^<>]*?\sid="([^"]*)"')
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def double_addresses(pages: Iterable[Page]) -> Iterator[Finding]:
    """Two pages at one address, and pages that take a folder of ours."""
    taken: dict[str, str] = {}
    for page in pages:
        first = page.address.split("/")[0]
        if page.visibility == "public" and first in RESERVED:
            yield Finding(
                path=page.source,
                code="reserved-address",
                message=f"the address /{first}/ is used by the site itself",
                hint="give this file another name",
            )
        if page.address in taken:
            other = taken[page.address]
            path = (
                page.source
                if page.source.startswith("content/pages/")
                else other
                if other.startswith("content/pages/")
                else page.source
            )
            yield Finding(
                path=path,
                code="duplicate-address",
                message=f"two pages stand at /{page.address}",
                hint="give this file another name",
            )
        taken[page.address] = page.source


class LinkChecker:
    """Resolves the links of finished pages against everything that is published. `overrides`: the site's templates."""

    def __init__(self, files: Iterable[str], overrides: Mapping[str, str]) -> None:
        self.files = frozenset(files)
        self.overrides = overrides
        self._ids: dict[str, frozenset[str]] = {}
        self._pages: dict[str, str] = {}

    def beside(self, files: Iterable[str]) -> LinkChecker:
        """A checker that knows these files too, and shares what it knows of the pages."""
        other = LinkChecker(self.files.union(files), self.overrides)
        other._ids, other._pages = dict(self._ids), self._pages
        return other

    def know(self, file: str, text: str) -> None:
        """Remembers a page, for links with anchors."""
        self._pages[file] = text

    def problems(self, page: Page, text: str) -> Iterator[Finding]:
        """What is wrong with the links of one finished page."""
        here = file_of(page.address)
        seen = set()
        for tag, attributes in _TAG.findall(text):
            for name, raw in _ADDRESS.findall(attributes):
                key = (tag if name == "src" else "", raw)
                if key in seen:
                    continue
                seen.add(key)
                address = html.unescape(raw)
                if _SCHEME.match(address):
                    loads = name in ("src", "poster") or (tag == "link" and 'rel="canonical"' not in attributes)
                    if loads and not address.startswith("data:"):
                        yield self._finding(
                            page,
                            address,
                            "foreign-file",
                            f"'{address}' is loaded from another site",
                            "put the file into content/static and use it from there",
                        )
                    continue
                yield from self._internal(page, text, here, address)

    def _internal(self, page: Page, text: str, here: str, address: str) -> Iterator[Finding]:
        path, _, anchor = address.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), unquote(path))) if path else here
        if path.endswith("/") or (path and target == "."):
            target = posixpath.normpath(posixpath.join(target, "index.html"))
        if target not in self.files:
            yield self._finding(
                page, address, "dead-link", f"there is no page '{address}'", "link to a page or file of this site"
            )
        elif (
            anchor
            and target.endswith(".html")
            and unquote(anchor) not in self._anchors(target, text if target == here else None)
        ):
            yield self._finding(
                page,
                "#" + anchor,
                "dead-anchor",
                f"'{address}' leads to a heading that is not there",
                f"the page has: {self._near(target, anchor)}",
            )

    def _anchors(self, file: str, text: str | None) -> frozenset[str]:
        if file not in self._ids:
            found = text if text is not None else self._pages.get(file, "")
            self._ids[file] = frozenset(html.unescape(i) for i in _ID.findall(found))
        return self._ids[file]

    def _near(self, file: str, anchor: str) -> str:
        import difflib

        ids = sorted(self._ids.get(file, ()))
        near = difflib.get_close_matches(unquote(anchor), ids, 3, 0.3) or ids[:3]
        return ", ".join(f"#{name}" for name in near) or "no headings"

    def _finding(self, page: Page, text: str, code: str, message: str, hint: str) -> Finding:
        path = next((name for name, source in sorted(self.overrides.items()) if text in source), page.source)
        return Finding(path=path, code=code, message=message, hint=hint, text=text)


def double_ids(page: Page, text: str) -> Iterator[Finding]:
    """Two elements with one id, which anchors and screen readers cannot tell apart."""
    seen: set[str] = set()
    for name in _ID.findall(text):
        if name in seen:
            yield Finding(
                path=page.source,
                code="duplicate-anchor",
                message=f"two places of this page are called '{name}'",
                hint="give one of the headings other words, or an anchor of its own: ## Words {#other}",
                text=name,
            )
        seen.add(name)
