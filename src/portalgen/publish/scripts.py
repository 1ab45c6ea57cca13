"""Scripts on public pages: one on the same address could read the private pages of the next visitor (sealing §5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import urlsplit

import msgspec

from portalgen.content.problems import Finding
from portalgen.content.records.practice import SiteFile
from portalgen.publish.referring import plain_comments

_DOCUMENTS = (".html", ".htm", ".shtml", ".xhtml", ".xht", ".svg", ".xml", ".xsl", ".xslt")
"""What a browser opens as a page of its own."""
_PERHAPS = tuple(
    re.compile(expression)
    for expression in (
        rb"<(?:[\w.-]+:)?script",
        rb"script\s*:",
        rb"xml-stylesheet",
        rb"srcdoc",
        rb"on(?<![a-z]on)[a-z]{3,24}\s*=",
        rb"=\s*[\"']?[^\s\"'<>=]{0,12}&(?:#|[a-z]+;)",
    )
)
"""What a page has, in small letters, that runs something, and much else: most pages need not be read more closely. One
by one, since each begins with something that is found at once."""
_RUNS = re.compile(r"^$|module|importmap|speculationrules|java|ecma|jscript|livescript", re.IGNORECASE)
"""Types of a script element that a browser runs; all others are data."""
_BLANK = re.compile(r"[\x00-\x20]")


class Script(msgspec.Struct, frozen=True):
    """What runs on a page: `name` as a message says it, and the text by which it is found in a source."""

    name: str
    text: str


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Script] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        every = {name: value or "" for name, value in attrs}
        if tag.rpartition(":")[2] == "script" and _RUNS.search(every.get("type", "").strip()):
            source = every.get("src") or every.get("href") or every.get("xlink:href")
            self.found.append(Script(f"the script '{source}'" if source else "a script", source or "<script"))
        for name, value in every.items():
            if name.startswith("on") and name.isalpha():
                self.found.append(Script(f"'{name}'", f"{name}="))
            elif "javascript:" in _BLANK.sub("", value).lower():
                self.found.append(Script("'javascript:'", value))
            elif name == "srcdoc":
                self.found += scripts_in(value)

    def handle_pi(self, data: str) -> None:
        if data.startswith("xml-stylesheet") and "xsl" in data:
            self.found.append(Script("a style sheet in XSLT", "xml-stylesheet"))


def scripts_in(text: str) -> list[Script]:
    """Everything in a document that a browser would run."""
    reader = _Scripts()
    reader.feed(plain_comments(text))
    reader.close()
    return reader.found


def shares_origin(site: SiteFile, base_url: str) -> bool:
    """Whether private pages stand at the same scheme, host and port as public ones."""
    if not site.private_base_url:
        return True
    return urlsplit(site.private_base_url)[:2] == urlsplit(base_url)[:2]


def script_findings(
    public: Mapping[str, bytes], ours: Collection[str], own: Mapping[str, str], sources: Mapping[str, str]
) -> Iterator[Finding]:
    """Each public file that runs a script which is not one of `ours` (their texts).

    `own` are the site's own templates, `sources` has the source of a page by its path in the output.
    """
    for name, data in public.items():
        if not name.lower().endswith(_DOCUMENTS):
            continue
        for script in ours:
            data = data.replace(b"<script>%b</script>" % script.encode(), b"")
        small = data.lower()
        if not any(sign.search(small) for sign in _PERHAPS):
            continue
        found = scripts_in(data.decode("utf-8", "replace"))
        if found:
            first = found[0]
            source = sources.get(name) or (f"content/{name}" if name.startswith("static/") else "content/site.yaml")
            places = ((path, sign) for sign in (first.text, "<script") for path, text in own.items() if sign in text)
            path, sign = (source, first.text) if name.startswith("static/") else next(places, (source, first.text))
            yield Finding(
                path=path,
                text=sign,
                code="script-on-private-origin",
                message=f"{first.name} runs on /{name}, and could read what clients open at this address",
                hint="take it out, or put the private pages at another address: private_base_url",
            )
