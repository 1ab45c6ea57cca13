"""Checks on the finished set of pages: dead links and anchors, two pages at one address, files from other sites.

Pages are read as a browser reads them. That takes a millisecond or two, so of private pages of the built-in templates,
which write tags in small letters, every attribute after a space and in double quotes, and escape what they are given,
it is seen first whether anything can be wrong: mostly all that looks like an address or an id is well, and those
templates write addresses in `href` and `src` alone.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from portalgen.content.problems import Finding
from portalgen.publish.referring import Read, read
from portalgen.site.links import Inside, file_of, folders, inside
from portalgen.site.pages import Page
from portalgen.site.stylesheet import is_foreign

RESERVED = ("p", "assets", "static")
_EVERY_ID = re.compile(r'id="([^"]*)"')
_EVERY_HREF = re.compile(r'href="([^"]*)"')
_EVERY_SRC = re.compile(r'src="([^"]*)"')
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
    """Resolves the links of finished pages against everything that is published. `own`: the site's own templates."""

    def __init__(self, files: Iterable[str], own: Mapping[str, str]) -> None:
        self.files = frozenset(files)
        self._own = own
        self._beside: frozenset[str] = frozenset()
        self._read: ChainMap[str, Read] = ChainMap()
        self._unread: dict[str, str] = {}

    def beside(self, addresses: Iterable[str]) -> LinkChecker:
        """A checker that knows what stands at these addresses too, and shares what it knows of the pages."""
        other = LinkChecker(self.files, self._own)
        other._beside = frozenset(map(_place, addresses))
        other._read = self._read.new_child()
        return other

    def anchors(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of every page that is known, by its file."""
        return {file: found.ids for file, found in self._read.items()}

    def knowing(self, anchors: Mapping[str, tuple[str, ...]]) -> LinkChecker:
        """This checker, with pages that others made before it."""
        self._read.update((file, Read((), (), ids)) for file, ids in anchors.items())
        return self

    def know(self, page: Page, text: str) -> None:
        """Takes a finished page. All pages come first, `problems` then: a link may lead to an anchor of any of them."""
        if self._own or page.visibility == "public":
            self._read[_place(page.address)] = self.read(text)
        else:
            self._unread[_place(page.address)] = text

    def read(self, text: str) -> Read:
        """What a page refers to."""
        return read(text)

    def problems(self, page: Page) -> Iterator[Finding]:
        """What is wrong with the links and ids of a page that is known."""
        here = _place(page.address)
        sealed = inside(here)
        above = folders(sealed.file if sealed else here)
        if here in self._unread and self._plainly_well(here, sealed, above, self._unread[here]):
            return
        found = self._known(here) or Read((), (), ())
        loads, links = found.loads, found.links
        if not sealed:
            loads, links = (tuple(one for one in every if not self._stands(above, one)) for every in (loads, links))
        for address in loads:
            if is_foreign(address):
                yield self._foreign(page.source, address)
            elif not _SCHEME.match(address):
                yield from self._internal(page, here, sealed, address)
        for address in links:
            if not _SCHEME.match(address) and address not in found.loads:
                yield from self._internal(page, here, sealed, address)
        yield from _double_ids(page, found.ids)

    def _known(self, file: str) -> Read | None:
        """What a page refers to, if it is one that is known."""
        if file in self._unread:
            self._read[file] = self.read(self._unread.pop(file))
        return self._read.get(file)

    def _plainly_well(self, here: str, sealed: Inside | None, above: Sequence[str], text: str) -> bool:
        """Whether nothing can be wrong with a page: all that looks like an address or an id in it is well, be it one
        or not. Else it has to be read."""
        ids = _EVERY_ID.findall(text)
        names, letters = {*ids}, "".join(ids)
        if len(names) < len(ids) or "&" in letters or "<" in letters or here not in self._beside:
            return False
        if 'src="' in text and not all(self._stands(above, address) for address in _EVERY_SRC.findall(text)):
            return False
        for written in {*_EVERY_HREF.findall(text)}:
            address = html.unescape(written) if "&" in written else written
            if self._stands(above, address) or address.startswith("data:"):
                continue
            path, _, anchor = address.partition("#")
            if path:
                well = _SCHEME.match(address) and _followed(text, f'href="{written}"')
            else:
                well = anchor in names and "%" not in anchor
            if not (well or (sealed and self._opens(sealed, path, anchor))):
                return False
        return True

    def _there(self, file: str) -> bool:
        return file in self._beside or file in self.files

    def _stands(self, above: Sequence[str], address: str) -> bool:
        """Whether a link is of the common kind, a path without an anchor, and leads to a file; `above`: see `folders`.

        What would have to be normalised first is no file's name, so it is left to `_internal`.
        """
        up = address.count("../")
        return (
            up < len(above)
            and self._there(above[up] + address[3 * up :])
            and address.startswith("../" * up)
            and "#" not in address
            and "%" not in address
        )

    def foreign(self, source: str, text: str, base: str) -> Iterator[Finding]:
        """What a page loads from other sites. `base` is the address of this one, or empty."""
        for address in read(text).loads:
            if is_foreign(address) and not (base and address.startswith(base)):
                yield self._foreign(source, address)

    def _foreign(self, source: str, address: str) -> Finding:
        message = f"'{address}' is loaded from another site"
        hint = "put the file into content/static and use it from there"
        return self._finding(source, address, "foreign-file", message, hint)

    def _internal(self, page: Page, here: str, sealed: Inside | None, address: str) -> Iterator[Finding]:
        path, _, anchor = address.partition("#")
        if sealed and self._opens(sealed, path, anchor):
            return
        folder = posixpath.dirname(sealed.file if sealed else here)
        target = posixpath.normpath(posixpath.join(folder, unquote(path))) if path else here
        if path.endswith("/") or (path and target == "."):
            target = posixpath.normpath(posixpath.join(target, "index.html"))
        if not self._there(target):
            message = f"there is no page '{address}'"
            yield self._finding(page.source, address, "dead-link", message, "link to a page or file of this site")
        elif anchor and (target == here or target.endswith(".html")) and unquote(anchor) not in self._ids(target):
            message = f"'{address}' leads to a heading that is not there"
            hint = f"the page has: {self._near(target, anchor)}"
            yield self._finding(page.source, "#" + anchor, "dead-anchor", message, hint)

    def _opens(self, here: Inside, path: str, anchor: str) -> bool:
        """Whether a link on a sealed page leads to something under its own key, or to another such page."""
        if not path:
            place = f"{here.file}#{anchor}"
            page, _, name = place.rpartition("/")
            return anchor.startswith(here.fragment) and (self._there(place) or name in self._ids(page))
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here.file), unquote(path)))
        beside = f"{here.file}#{here.fragment}/{unquote(path)}"
        return self._there(f"{target}#{anchor}") or self._there(beside)

    def _ids(self, file: str) -> tuple[str, ...]:
        known = self._known(file)
        return known.ids if known else ()

    def _near(self, file: str, anchor: str) -> str:
        import difflib

        ids = sorted(set(self._ids(file)))
        near = difflib.get_close_matches(unquote(anchor), ids, 3, 0.3) or ids[:3]
        return ", ".join(f"#{name}" for name in near) or "no headings"

    def _finding(self, source: str, text: str, code: str, message: str, hint: str) -> Finding:
        path = next((name for name, own in self._own.items() if text in own), source)
        return Finding(path=path, code=code, message=message, hint=hint, text=text)


def _place(address: str) -> str:
    """What stands at an address: a file, or what is sealed in one."""
    return address.rstrip("/") if inside(address) else file_of(address)


def _followed(text: str, sign: str) -> bool:
    """Whether this stands in tags `<a>` alone, whose addresses are not loaded."""
    at = text.find(sign)
    while at >= 0:
        if not text.startswith("<a ", text.rfind("<", 0, at)):
            return False
        at = text.find(sign, at + 1)
    return True


def _double_ids(page: Page, ids: Iterable[str]) -> Iterator[Finding]:
    """Two elements with one id, which anchors and screen readers cannot tell apart."""
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            yield Finding(
                path=page.source,
                code="duplicate-anchor",
                message=f"two places of this page are called '{name}'",
                hint="give one of the headings other words, or an anchor of its own: ## Words {#other}",
                text=name,
            )
        seen.add(name)
