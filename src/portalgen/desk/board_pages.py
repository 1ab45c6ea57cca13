"""The desk's pages and files as bytes, and the rules that a browser gets with each of them."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from portalgen.content.model import Shared
from portalgen.desk.board_contacts import link_words
from portalgen.desk.board_forms import form_of
from portalgen.desk.wording import day_words
from portalgen.rules.money import Money
from portalgen.site.colours import as_css, chosen_colours, palette
from portalgen.site.qr import qr_svg
from portalgen.site.theme import builtin_folder

_PAGES = Path(__file__).with_name("pages")
_FONTS = ("newsreader-latin.woff2", "newsreader-latin-ext.woff2")
MOST = 300
"""A list of more choices than this is typed into, with proposals."""


class Answer(msgspec.Struct, frozen=True):
    """What a browser gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pages:
    """Makes pages of values. `token` goes into every form."""

    def __init__(self, token: str) -> None:
        self._token = token

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(_PAGES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        filters = {"figure": _figure, "day": _day, "opens": link_words, "form": form_of, "qr": _code}
        environment.filters.update(filters)
        return environment

    def page(self, name: str, shared: Shared | None, place: str, status: int = 200, **values: Any) -> Answer:
        """A page of a template. `place`: the address of the part of the desk that it belongs to."""
        nonce = secrets.token_urlsafe(16)
        practice = shared.site.practice.name if shared else ""
        text = self._environment.get_template(name).render(
            practice=practice, place=place, nonce=nonce, token=self._token, most=MOST, **values
        )
        return Answer(status, {"Content-Type": "text/html; charset=utf-8", **_rules(nonce)}, text.encode())

    def file(self, name: str, shared: Shared | None) -> Answer | None:
        """A style, a script or a font; None when there is no such file."""
        if name in _FONTS:
            return _file((builtin_folder() / "fonts" / name).read_bytes(), "font/woff2")
        if name == "desk.js":
            return _file((_PAGES / name).read_bytes(), "text/javascript; charset=utf-8")
        if name == "desk.css":
            own = chosen_colours(shared.site.theme.colours, shared.site.path)[0] if shared else ""
            colours = own or as_css(palette())
            return _file((_PAGES / name).read_bytes() + colours.encode(), "text/css; charset=utf-8")
        return None


def _file(data: bytes, kind: str) -> Answer:
    return Answer(200, {"Content-Type": kind}, data)


def _rules(nonce: str) -> dict[str, str]:
    """What a page of the desk may do. Forms tell where they come from, and to nobody else."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }


def _figure(money: Money, bare: bool = False) -> str:
    """An amount with its thousands apart; its currency does not leave it at the end of a line."""
    return f"{money.amount:,f}" if bare else f"{money.amount:,f}\u00a0{money.currency}"


def _day(day: dt.date) -> str:
    return f"{day_words(day, day)} {day.year}"


def _code(text: str) -> Markup:
    return qr_svg(text, "")
