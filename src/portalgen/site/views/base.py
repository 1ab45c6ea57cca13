"""What every view starts from."""

from __future__ import annotations

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all views."""


class PageLink(View, frozen=True, kw_only=True):
    """A link to a page of this site. `language` is that of its title, where it may not be the reader's."""

    title: str
    address: str
    summary: str = ""
    language: str = ""


class Picture(View, frozen=True, kw_only=True):
    """`file` is a path below the root, e.g. `static/room.svg`."""

    file: str
    alt: str
