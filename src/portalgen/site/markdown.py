"""Markdown to safe HTML: simple texts at once, any other by the parser, which is imported for the first."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from markupsafe import Markup

from portalgen.content.problems import Finding
from portalgen.site.links import Directory
from portalgen.site.prose import prose

if TYPE_CHECKING:
    from portalgen.site.parser import Parser

_KEPT = 2_000
"""Texts that are remembered; with more, all are forgotten at once."""


class Rendered(msgspec.Struct, frozen=True):
    """Safe HTML and what is wrong with the text."""

    html: Markup
    findings: tuple[Finding, ...]


class Writer:
    """Renders texts. One instance serves one thread; its parser costs some milliseconds, so keep it."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._known: dict[tuple[str, int], Rendered] = {}  # texts that are the same on every page
        self._hrefs: dict[tuple[str, int], str] = {}

    @cached_property
    def _parser(self) -> Parser:
        from portalgen.site.parser import Parser

        return Parser(self.directory)

    def render(self, text: str, *, source: str, page: str, line: int = 1, level: int = 2) -> Rendered:
        """The text of the file `source` (its body begins on `line`) as HTML for the page at address `page`.

        `level` is that of its highest headings.
        """
        if not text.strip():
            return Rendered(Markup(""), ())
        if plain := prose(text, lambda written: self._href(written, source, page), level):
            return Rendered(plain, ())
        return self._known.get((text, level)) or self._convert(text, source, page, line, level)

    def _href(self, written: str, source: str, page: str) -> str:
        """What a written link leads to; from the root of the site, it is the same on all private pages so deep."""
        if not (page.startswith("p/") and written.startswith("/")):
            return self.directory.resolve(written, source, page).href
        key = written, page.partition("#")[0].count("/")
        href = self._hrefs.get(key)
        if href is None:
            if len(self._hrefs) >= _KEPT:
                self._hrefs.clear()
            href = self._hrefs[key] = self.directory.resolve(written, source, page).href
        return href

    def _convert(self, text: str, source: str, page: str, line: int, level: int) -> Rendered:
        """The text by way of Markdown and the cleaner; kept when it would be the same on every page."""
        html, findings = self._parser.convert(text, source, page, line, level)
        rendered = Rendered(Markup(html), tuple(findings))
        if self._parser.everywhere and not findings:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text, level] = rendered
        return rendered
