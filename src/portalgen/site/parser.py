"""Markdown in full: Python-Markdown, then `nh3`, with every link resolved on the way.

Raw HTML in a text is cleaned like the rest; scripts, styles, forms and event handlers have no effect.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import markdown
import nh3
from markdown.extensions.attr_list import AttrListExtension
from markdown.extensions.def_list import DefListExtension
from markdown.extensions.footnotes import FootnoteExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import TocExtension
from markdown.treeprocessors import Treeprocessor

from portalgen.content.problems import Finding
from portalgen.site.links import SCHEMES, Directory
from portalgen.site.prose import slug

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


class Parser:
    """Converts texts; `everywhere` tells whether the last one would be the same on every page."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.everywhere = True
        self._tidy = _Tidy()
        self._markdown = markdown.Markdown(
            extensions=[  # named, they would be looked for in all that is installed
                TableExtension(),
                TocExtension(slugify=lambda text, _: slug(text), marker=""),
                SaneListExtension(),
                DefListExtension(),
                FootnoteExtension(),
                AttrListExtension(),
            ],
            output_format="html",
        )
        self._markdown.treeprocessors.register(self._tidy, "portalgen-tidy", 3)

    def convert(self, text: str, source: str, page: str, line: int, level: int) -> tuple[str, list[Finding]]:
        """The text of the file `source` as HTML for a page, and what is wrong with it."""
        findings: list[Finding] = []

        def find(code: str, message: str, hint: str, where: str) -> None:
            finding = Finding(path=source, code=code, message=message, hint=hint, text=where, line=line)
            if finding not in findings:
                findings.append(finding)

        self.everywhere = True

        def attribute(tag: str, name: str, value: str) -> str | None:
            if name in ("href", "src"):
                self.everywhere = False
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
        return clean, findings
