"""A page is a value: where it stands, which template shows it, what it may see, and who may see it."""

from __future__ import annotations

from typing import Literal

from portalgen.content.lock import LinkRow
from portalgen.site.sheet import Sheet
from portalgen.site.views import View


class Page(View, frozen=True, kw_only=True):
    """One page. `source` is the file its text comes from; `title` is empty where the template has words for it."""

    address: str
    template: str
    view: View
    source: str
    title: str = ""
    description: str = ""
    language: str = ""
    visibility: Literal["public", "client"] = "public"
    listed: bool = True  # in the sitemap


class File(View, frozen=True, kw_only=True):
    """A file copied as it is: `address` in the output, `source` below the site."""

    address: str
    source: str


class Pdf(View, frozen=True, kw_only=True):
    """A PDF to print: `address` in the output. `einvoice` is the CII invoice it carries, or empty."""

    address: str
    sheet: Sheet
    source: str
    einvoice: bytes = b""


class Made(View, frozen=True, kw_only=True):
    """A file that was made here: `address` in the output."""

    address: str
    content: bytes


class Opening(View, frozen=True, kw_only=True):
    """What one link opens: the page first, then further pages and files behind the same link.

    Unlisted, each section is a file of its own under the link's address; sealed, they are one file.
    """

    link: LinkRow
    sections: tuple[Page, ...]
    files: tuple[File, ...] = ()
    pdfs: tuple[Pdf, ...] = ()
    made: tuple[Made, ...] = ()
