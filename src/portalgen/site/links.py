"""Addresses inside the site: what a link in a text means, and how one page refers to another.

An address is a page's folder below the root (`policies/ending/`, `""` for the home page) or a file (`static/a.pdf`).
What is sealed into one file has that file, its key and a path behind it: `p/LOCATOR.html#FRAGMENT/receipts/r-1/`.
Links between pages are relative and end in a file name, so that they work at a root, under a path and from `file://`.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

import msgspec

_SEALED = re.compile(r"(p/[a-z2-7]{32}\.html)#([a-z2-7]{56})(?:/(.*))?", re.DOTALL)

_PLAIN = re.compile(r"[A-Za-z0-9/._~-]*")
"""A path in which nothing is to be quoted."""

_TOKEN = re.compile(r"(\A|/)p/([a-z2-7]{6})[a-z2-7]{26}/")

SCHEMES = ("https:", "mailto:", "tel:")


def file_of(address: str) -> str:
    """The file that holds an address: `services/` → `services/index.html`."""
    if "#" in address and (sealed := inside(address)):
        return sealed.file
    return address + "index.html" if address == "" or address[-1] == "/" else address


def relative(start: str, target: str) -> str:
    """The link from the page at `start` to `target` (both addresses), quoted for an attribute."""
    return between(folders(file_of(start)), file_of(target))


def folders(file: str) -> tuple[str, ...]:
    """The folders that a file (a path below the root) is in, the innermost first: `a/b/`, `a/`, and the root."""
    found, end = [""], file.find("/") + 1
    while end:
        found.append(file[:end])
        end = file.find("/", end) + 1
    return tuple(reversed(found))


def between(here: Sequence[str], file: str) -> str:
    """The link to `file` (its path below the root) from a page in the folders `here`, quoted for an attribute."""
    up = 0
    while not file.startswith(here[up]):
        up += 1
    path = file[len(here[up]) :]
    return "../" * up + (path if _PLAIN.fullmatch(path) else quote(path, safe="/.-_~"))


class Inside(msgspec.Struct, frozen=True):
    """An address in a sealed file: the file, its fragment, and the path behind it (`""` for its first page)."""

    file: str
    fragment: str
    path: str


def inside(address: str) -> Inside | None:
    """The parts of an address in a sealed file; None for any other."""
    found = _SEALED.fullmatch(address) if "#" in address else None
    return Inside(found[1], found[2], found[3] or "") if found else None


def shown(path: str) -> str:
    """A path as it may be told: where the path alone opens a private page, only its beginning."""
    return _TOKEN.sub(r"\1p/\2…/", path)


class Resolved(msgspec.Struct, frozen=True):
    """What a written link leads to: a finished `href`, or what is wrong with it."""

    href: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""


class Directory(msgspec.Struct, frozen=True):
    """All addresses that texts may link to. `sources` maps a file (`content/policies/ending.md`) to its address.

    `hidden` has the files and addresses of what exists but has no public page.
    """

    sources: Mapping[str, str]
    addresses: frozenset[str]
    hidden: frozenset[str] = frozenset()

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
        if target is None and self._place(unquote(path), source) in self.hidden:
            hint = "link to another page, or make that one public"
            return Resolved(code="dead-link", message=f"'{path}' is hidden or not public", hint=hint)
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
        file = self._place(path, source)
        if file in self.sources:
            return self.sources[file]
        static = file.removeprefix("content/")
        return static if static in self.addresses and static.startswith("static/") else None

    @staticmethod
    def _place(path: str, source: str) -> str:
        """The file, or the address, that a path names."""
        if path.startswith("/"):
            return posixpath.normpath(path).lstrip("/") + "/"
        return posixpath.normpath(posixpath.join(posixpath.dirname(source), path))

    def _guess(self, path: str) -> str:
        name = posixpath.basename(path.rstrip("/"))
        names = {posixpath.basename(file): file for file in self.sources}
        names |= {posixpath.basename(address.rstrip("/")): "/" + address for address in self.addresses}
        near = difflib.get_close_matches(name, names, 1, 0.6)
        if near:
            found = names[near[0]]
            return f"did you mean {found.replace('content/', '/') if found.startswith('content/') else found}?"
        return "write the path of a file, such as ../policies/ending.md, or an address, such as /policies/ending/"
