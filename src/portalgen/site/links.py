"""Addresses inside the site: what a link in a text means, and how one page refers to another.

An address is a page's folder below the root (`policies/ending/`, `""` for the home page) or a file (`static/a.pdf`).
Links between pages are relative and end in a file name, so that they work at a root, under a path and from `file://`.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

SCHEMES = ("https:", "mailto:", "tel:")


def file_of(address: str) -> str:
    """The file that holds an address: `services/` → `services/index.html`."""
    return address + "index.html" if address == "" or address.endswith("/") else address


def relative(start: str, target: str) -> str:
    """The link from the page at `start` to `target` (both addresses), quoted for an attribute."""
    file = file_of(target)
    here = posixpath.dirname(file_of(start))
    return quote(posixpath.relpath(file, here or "."), safe="/.-_~")


class Resolved(NamedTuple):
    """What a written link leads to: a finished `href`, or what is wrong with it."""

    href: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""


class Directory(NamedTuple):
    """All addresses that texts may link to. `sources` maps a file (`content/policies/ending.md`) to its address."""

    sources: Mapping[str, str]
    addresses: frozenset[str]

    def resolve(self, href: str, source: str, page: str) -> Resolved:
        """What `href`, written in the file `source`, is on the page at address `page`."""
        lower = href.lower()
        if href.startswith("#") or lower.startswith(SCHEMES):
            return Resolved(href)
        if lower.startswith("http:"):
            return Resolved(
                code="bad-link", message=f"'{href}' is not a secure address", hint=f"write https:{href[5:]}"
            )
        path, _, anchor = href.partition("#")
        if ":" in path.split("/")[0] or path.startswith("//") or "\\" in path:
            return Resolved(
                code="bad-link",
                message=f"a link may not start like '{href}'",
                hint="link to https, mailto, tel or a page of this site",
            )
        target = self._target(unquote(path), source)
        if target is None:
            return Resolved(code="dead-link", message=f"there is no page '{path}'", hint=self._guess(unquote(path)))
        return Resolved(relative(page, target) + (f"#{anchor}" if anchor else ""))

    def _target(self, path: str, source: str) -> str | None:
        if path.startswith("/"):
            plain = posixpath.normpath(path).lstrip("/.")
            for candidate in (plain, plain + "/" if plain else "", plain.removesuffix("index.html")):
                if candidate in self.addresses:
                    return candidate
            return self.sources.get("content/" + plain)
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if file in self.sources:
            return self.sources[file]
        static = file.removeprefix("content/")
        return static if static in self.addresses and static.startswith("static/") else None

    def _guess(self, path: str) -> str:
        name = posixpath.basename(path.rstrip("/"))
        names = {posixpath.basename(file): file for file in self.sources}
        names |= {posixpath.basename(address.rstrip("/")): "/" + address for address in self.addresses}
        near = difflib.get_close_matches(name, names, 1, 0.6)
        if near:
            found = names[near[0]]
            return f"did you mean {found.replace('content/', '/') if found.startswith('content/') else found}?"
        return "write the path of a file, such as ../policies/ending.md, or an address, such as /policies/ending/"
