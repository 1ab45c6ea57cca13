"""Markdown to safe HTML: Python-Markdown, then `nh3`, with every link resolved on the way.

Raw HTML in a text is cleaned like the rest; scripts, styles, forms and event handlers have no effect.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

import markdown
import nh3
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import TocExtension, slugify_unicode
from markdown.treeprocessors import Treeprocessor
from markupsafe import Markup

from portalgen.content.problems import Finding
from portalgen.site.links import SCHEMES, Directory

# Theme templates use these ids; a heading of the same words gets another one.
RESERVED = frozenset(
    {
        "main",
        "top",
        "nav",
        "crisis",
        "now",
        "invoices",
        "plan",
        "guides",
        "agreed",
        "contact",
        "pay",
        "details",
        "payments",
        "terms",
    }
)
TAGS = frozenset((
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "details",
    "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
    "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul", "var",
))  # fmt: skip
ATTRIBUTES = {
    "*": {"id", "lang", "dir", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "th": {"colspan", "rowspan", "scope", "class"},
    "td": {"colspan", "rowspan", "class"},
    "ol": {"start", "reversed"},
    "time": {"datetime"},
    "abbr": {"title"},
}

_PROSE = re.compile(r"\n*(?:[^\W\d_][\w ,.;:?!'\"()/%+=@$€§°…–—’‘“”„«»¿¡·-]*(?<! )(?:\n+|\Z))+")
"""Paragraphs in which only `_` can mean something to Markdown: lines begin with a letter and end in no space."""
_GAP = re.compile(r"\n\n+")
_KEPT = 2_000
"""Texts that are remembered; with more, all are forgotten at once."""


class Rendered(NamedTuple):
    """Safe HTML and what is wrong with the text."""

    html: Markup
    findings: tuple[Finding, ...]


class _Tidy(Treeprocessor):
    """Headings start at `level`, table cells carry a class for their alignment, odd links and pictures are noted."""

    level = 2
    links: list[str]
    bare_pictures: list[str]

    def run(self, root: ET.Element) -> None:
        self.links, self.bare_pictures = [], []
        shift = self.level - (1 if root.find(".//h1") is not None else 2)
        for element in root.iter():
            if shift and re.fullmatch("h[1-6]", element.tag):
                element.tag = f"h{min(int(element.tag[1]) + shift, 6)}"
            elif element.tag in ("td", "th"):
                style = element.attrib.pop("style", "")
                if "right" in style or "center" in style:
                    element.set("class", "end" if "right" in style else "center")
            elif element.tag == "a":
                self.links.append(element.get("href", ""))
            elif element.tag == "img" and not element.get("alt", "").strip():
                self.bare_pictures.append(element.get("src", ""))


def _slug(text: str, separator: str) -> str:
    slug = slugify_unicode(text, separator) or "section"
    return f"{slug}-text" if slug in RESERVED else slug


def prose(text: str) -> Markup | None:
    """The HTML of a text in which nothing is marked up, as `Writer` would make it; None for any other."""
    if "_" in text or not _PROSE.fullmatch(text):
        return None
    inner = _GAP.sub("</p>\n<p>", text.strip("\n"))
    return Markup(f"<p>{inner}</p>")


class Writer:
    """Renders texts. One instance serves one thread; making one costs some milliseconds, so keep it."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._known: dict[tuple[str, int], Rendered] = {}  # texts that are the same on every page
        self._tidy = _Tidy()
        self._markdown = markdown.Markdown(
            extensions=[
                TableExtension(),
                TocExtension(slugify=_slug, marker=""),
                "sane_lists",
                "def_list",
                "footnotes",
                "attr_list",
            ],
            output_format="html",
        )
        self._markdown.treeprocessors.register(self._tidy, "portalgen-tidy", 3)

    def render(self, text: str, *, source: str, page: str, line: int = 1, level: int = 2) -> Rendered:
        """The text of the file `source` (its body begins on `line`) as HTML for the page at address `page`.

        `level` is that of its highest headings.
        """
        if not text.strip():
            return Rendered(Markup(""), ())
        if plain := prose(text):
            return Rendered(plain, ())
        return self._known.get((text, level)) or self._convert(text, source, page, line, level)

    def _convert(self, text: str, source: str, page: str, line: int, level: int) -> Rendered:
        """The text by way of Markdown and the cleaner; kept when it would be the same on every page."""
        findings: list[Finding] = []

        def find(code: str, message: str, hint: str, where: str) -> None:
            finding = Finding(path=source, code=code, message=message, hint=hint, text=where, line=line)
            if finding not in findings:
                findings.append(finding)

        everywhere = True

        def attribute(tag: str, name: str, value: str) -> str | None:
            nonlocal everywhere
            if name in ("href", "src"):
                everywhere = False
                if not value:
                    return None
                found = self.directory.resolve(value, source, page)
                if found.code:
                    find(found.code, found.message, found.hint, value)
                    return None
                if tag == "img" and value.lower().startswith(SCHEMES):
                    find(
                        "bad-link",
                        f"the picture '{value}' lies on another site",
                        "put the file into content/static and write ../static/NAME",
                        value,
                    )
                    return None
                return found.href
            return value

        self._tidy.level = level
        html = self._markdown.reset().convert(text)
        for href in self._tidy.links:
            if not href:
                find("dead-link", "this link leads nowhere", "write an address between the parentheses", "]()")
            elif (found := self.directory.resolve(href, source, page)).code == "bad-link":
                find(found.code, found.message, found.hint, href)
        for picture in self._tidy.bare_pictures:
            find(
                "missing-alt",
                f"the picture '{picture}' has no text for those who cannot see it",
                "write ![what it shows](…)",
                picture,
            )
        clean = nh3.clean(
            html,
            tags=set(TAGS),
            attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
            attribute_filter=attribute,
            url_schemes={"https", "mailto", "tel"},
            link_rel=None,
        )
        if "<table" in clean:
            clean = clean.replace("<table", '<div class="table" tabindex="0"><table').replace(
                "</table>", "</table></div>"
            )
        rendered = Rendered(Markup(clean), tuple(findings))
        if everywhere and not findings:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text, level] = rendered
        return rendered
