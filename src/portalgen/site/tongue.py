"""The language of a text on a page in another one, so that it is read aloud and set as what it is (WCAG 2.2, 3.1.2)."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

from markupsafe import Markup, escape

from portalgen.site.formats import formats

_SHORT = 200
"""Characters of a text that is worth remembering: names and labels recur, whole paragraphs do not."""
_NOTHING = Markup()


def direction_of(text: str) -> str:
    """`ltr` or `rtl` as most letters of the text have it; empty for a text without letters."""
    if text.isascii():
        return "ltr" if any(map(str.isalpha, text)) else ""
    kinds = [unicodedata.bidirectional(sign) for sign in text]
    left, right = kinds.count("L"), kinds.count("R") + kinds.count("AL")
    return "" if not left + right else "ltr" if left >= right else "rtl"


class Tongue:
    """Marks texts that are not in their page's language. `home` is the practice's language (BCP 47, both)."""

    __slots__ = ("_home", "_known", "_ltr", "_page")

    def __init__(self, page: str, home: str) -> None:
        self._page, self._home = page, home
        self._ltr = _direction(page) == "ltr"
        self._known = lru_cache(maxsize=4096, typed=True)(self._marks)

    def __call__(self, text: str, language: str = "") -> Markup:
        """The attributes for the element that holds the text: ` lang="en" dir="ltr"`, or nothing.

        `language` is what the text is thought to be written in, the page's when it is empty. Letters know better: where
        they run the other way, it is the page's or the practice's language, whichever runs as they do.
        """
        if self._ltr and not language and text.isascii():
            return _NOTHING
        return self._known(text, language) if len(text) < _SHORT else self._marks(text, language)

    def _marks(self, text: str, language: str) -> Markup:
        runs = direction_of(text.striptags() if isinstance(text, Markup) else text)
        thought = (language or self._page, self._page, self._home)
        spoken = next((one for one in thought if not runs or _direction(one) == runs), "")
        marks = ""
        if spoken and _plain(spoken) != _plain(self._page):
            marks = f' lang="{escape(spoken)}"'
        if runs and runs != _direction(self._page):
            marks += f' dir="{runs}"'
        return Markup(marks) if marks else _NOTHING


def _plain(language: str) -> str:
    return language.partition("-")[0].lower()


@cache
def _direction(language: str) -> str:
    return formats(language).direction
