"""What a finished page refers to, as a browser reads it: links that a reader follows, what it loads, its ids.

Python's parser takes a millisecond or two for a page. Most pages are written as templates write them, each tag in small
letters and each attribute after a space and in double quotes: those are read by one expression, and all others by the
parser. Both say the same.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import msgspec

from portalgen.site.stylesheet import is_foreign, loaded_by

_CANDIDATE = re.compile(r"[\s,]*(\S*[^\s,])(?:\s[^,]*)?")
_LOADING = frozenset({"src", "poster", "data", "background", "ping"})
_SETS = frozenset({"srcset", "imagesrcset"})
_FOLLOWED = frozenset({"a", "area"})
_TELLING = frozenset({"canonical", "alternate", "author", "bookmark", "help", "license", "me", "next", "prev"})
"""Kinds of `<link>` that say something about a page; all others load something."""
_COMMENTS = (("<!-->", "-->"), ("<!--->", "-->"), ("--!>", "-->"), ("<![", "<!"))
"""What ends a comment for a browser but not for Python's parser, which would overlook what follows."""
_HEAD = "<!doctype html>"
_TAG = re.compile(r'<(?:/([a-z][a-z0-9]*)|([a-z][a-z0-9]*)((?:[ \n]+[a-zA-Z][a-zA-Z0-9:-]*(?:="[^"]*")?)*)[ \n]*(/?))>')
_ATTRIBUTE = re.compile(r'[ \n]([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"]*)")?')
_CLASS = re.compile(r' class="[^"]*"')
_CHARACTER = re.compile(r"&(?!(?:amp|lt|gt|quot|#[0-9]{1,6}|#x[0-9a-f]{1,5});)")
"""What in an attribute may stand for a character or for itself, by the age of Python."""
_WHOLE = frozenset({"iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp"})
"""Elements whose text is no markup to a browser, and to Python's parser by its age."""


class Read(msgspec.Struct, frozen=True):
    """What a page refers to: links that a reader follows, what the page loads by itself, and its ids in order."""

    links: tuple[str, ...]
    loads: tuple[str, ...]
    ids: tuple[str, ...]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, None] = {}
        self.loads: dict[str, None] = {}
        self.ids: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        every = {name: text or "" for name, text in attrs}
        rel = every.get("rel", "").lower()
        if "id" in every:
            self.ids.append(every["id"])
        for name, value in attrs:
            text = value or ""
            plain = name.removeprefix("xlink:")
            if plain == "href":
                told = tag in _FOLLOWED or (tag == "link" and rel and _TELLING.issuperset(rel.split()))
                (self.links if told else self.loads)[text] = None
            elif name in ("action", "formaction"):
                self.links[text] = None
            elif name == "ping":
                self.loads.update(dict.fromkeys(text.split()))
            elif name in _LOADING:
                if name != "data" or tag == "object":
                    self.loads[text] = None
            elif name in _SETS:
                self.loads.update(dict.fromkeys(_CANDIDATE.findall(text)))
            elif name == "style":
                self.load_style(text)
            elif name == "srcdoc":
                inner = _Reader()
                inner.feed(text)
                inner.close()
                self.loads.update(dict.fromkeys(target for target in inner.loads if is_foreign(target)))
            elif name == "content" and every.get("http-equiv", "").lower() == "refresh" and "=" in text:
                self.loads[text.partition("=")[2].strip(" '\"")] = None

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            self.load_style(data)

    def load_style(self, css: str) -> None:
        """Takes what a style loads."""
        self.loads.update((target, None) for target in loaded_by(css) if not target.startswith("#"))

    def found(self) -> Read:
        """What was read."""
        return Read(tuple(self.links), tuple(self.loads), tuple(self.ids))


def plain_comments(text: str) -> str:
    """The page with comments that end for Python's parser where they end for a browser."""
    for odd, plain in _COMMENTS:
        text = text.replace(odd, plain)
    return text


def read(text: str) -> Read:
    """What a page refers to, as a browser reads it."""
    return _quickly(text) or parsed(text)


def parsed(text: str) -> Read:
    """The same, by the parser."""
    reader = _Reader()
    reader.feed(plain_comments(text))
    reader.close()
    return reader.found()


def _quickly(text: str) -> Read | None:
    """The same of a page that is plainly written; None when only the parser can tell."""
    if not text.startswith(_HEAD):
        return None
    first, *rest = _TAG.split(text[len(_HEAD) :])
    ends, names, attributes, closed, texts = (rest[part::5] for part in range(5))
    if "<" in first or any("<" in one for one in texts):
        return None
    reader = _Reader()
    for at, name in enumerate(names):
        if name is None:
            continue
        if name in _WHOLE and (closed[at] or ends[at + 1 : at + 2] != [name]):
            return None
        every = attributes[at]
        if every and not _CLASS.fullmatch(every):
            if "&" in every and _CHARACTER.search(every):
                return None
            reader.handle_starttag(
                name, [(key.lower(), html.unescape(value)) for key, value in _ATTRIBUTE.findall(every)]
            )
        if name == "style":
            reader.load_style(texts[at])
    return reader.found()
