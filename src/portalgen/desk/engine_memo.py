"""A workshop that remembers what an earlier one made: texts, pages and what they refer to, while all they depend on is
the same. So an edit of one public page costs that page, and not all of them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from portalgen.content.model import Shared
from portalgen.content.problems import Finding
from portalgen.content.records.practice import SiteFile
from portalgen.publish.access import Access
from portalgen.publish.checks import LinkChecker
from portalgen.publish.parts import Part, Workshop
from portalgen.publish.referring import Read, read
from portalgen.site.links import Directory
from portalgen.site.markdown import Rendered, Writer
from portalgen.site.pages import Page
from portalgen.site.public import directory
from portalgen.site.render import Renderer
from portalgen.site.theme import Theme

Key = TypeVar("Key")
Value = TypeVar("Value")
_MOST = 1000
"""Results that are kept at least, in the order of their last use."""


class Memo(Generic[Key, Value]):
    """Results by what they were made from, but for those that were not asked for in a long time."""

    def __init__(self) -> None:
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The result for a key, made if need be."""
        if key in self._young:
            return self._young[key]
        value = self._old.pop(key) if key in self._old else make()
        self._young[key] = value
        if len(self._young) > _MOST:
            self.turn()
        return value

    def turn(self) -> None:
        """What is not asked for before the next turn is forgotten then."""
        self._old, self._young = self._young, {}

    def clear(self) -> None:
        """Forgets everything."""
        self._young, self._old = {}, {}


class Memory:
    """What one workshop leaves for the next. `theme` is what was loaded last, for which settings, from which files."""

    def __init__(self) -> None:
        self.stamps: tuple[tuple[str, int, int], ...] | None = None
        self.theme: tuple[SiteFile, Theme | None, tuple[Finding, ...]] | None = None
        self.texts = Memo[tuple[str, str, str, int, int], Rendered]()
        self.reads = Memo[str, Read]()
        self.pages: dict[str, tuple[Page, str]] = {}
        self.directory: Directory | None = None
        self.frame: object = None


def theme_stamps(root: Path, logo: str | None) -> tuple[tuple[str, int, int], ...]:
    """What to see by that a theme's files, or the practice's mark, are others than before."""
    places = [os.path.join(folder, name) for folder, _, names in os.walk(root / "templates") for name in names]
    found = []
    for place in [*places, *([str(root / "content" / logo)] if logo else [])]:
        with suppress(OSError):
            state = os.stat(place)
            found.append((place, state.st_size, state.st_mtime_ns))
    return tuple(sorted(found))


class LiveWorkshop(Workshop):
    """Remembers across its kind: each takes the memory that the one before it filled."""

    def __init__(
        self, shared: Shared, theme: Theme, base_url: str, today: dt.date, access: Access, memory: Memory
    ) -> None:
        self._memory = memory
        super().__init__(shared, theme, base_url, today, access)

    def public(self) -> tuple[Part, LinkChecker | None]:
        """The public part."""
        self._memory.texts.turn()
        self._memory.reads.turn()
        return super().public()

    def writer(self) -> Writer:
        """What renders texts."""
        return _Writer(directory(self.shared), self._memory)

    def renderer(self, countries: Mapping[str, str]) -> Renderer:
        """What renders pages."""
        return _Renderer(self.shared, self.theme, self.base_url, self.today, countries, self._memory)

    def checker(self, files: Iterable[str]) -> LinkChecker:
        """What looks at the links of pages beside these files."""
        return _Checker(files, self.theme.own, self._memory)


class _Writer(Writer):
    def __init__(self, directory: Directory, memory: Memory) -> None:
        super().__init__(directory)
        self._memo = memory.texts
        if memory.directory != directory:  # a link that led nowhere may lead somewhere now
            memory.texts.clear()
            memory.directory = directory

    def render(self, text: str, *, source: str, page: str, line: int = 1, level: int = 2) -> Rendered:
        """The text as HTML."""

        def make() -> Rendered:
            return super(_Writer, self).render(text, source=source, page=page, line=line, level=level)

        return self._memo.get((text, source, page, line, level), make)


class _Renderer(Renderer):
    def __init__(
        self,
        shared: Shared,
        theme: Theme,
        base_url: str,
        today: dt.date,
        countries: Mapping[str, str],
        memory: Memory,
    ) -> None:
        super().__init__(shared, theme, base_url, today, countries)
        frame = (theme, base_url, self.language, self.practice, self._nav, self._footer)
        if memory.frame != frame:
            memory.frame, memory.pages = frame, {}
        self._pages = memory.pages

    def html(self, page: Page, country: str = "") -> str:
        """The page."""
        if page.visibility != "public":
            return super().html(page, country)
        known = self._pages.get(page.address)
        if known is None or known[0] != page:
            known = self._pages[page.address] = page, super().html(page, country)
        return known[1]  # those of pages that are gone are few, and go with the next change of a template


class _Checker(LinkChecker):
    def __init__(self, files: Iterable[str], own: Mapping[str, str], memory: Memory) -> None:
        super().__init__(files, own)
        self._memo = memory.reads

    def read(self, text: str) -> Read:
        """What a page refers to."""
        return self._memo.get(text, lambda: read(text))
