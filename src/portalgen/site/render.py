"""From page values to bytes: the frame around every page, the navigation, and the files that belong to a site."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable, Mapping

import msgspec
from markupsafe import Markup

from portalgen.content.model import Shared
from portalgen.site.pages import Page
from portalgen.site.practice import practice_view
from portalgen.site.public import listed_referrals
from portalgen.site.theme import Frame, NavItem, Theme
from portalgen.site.views import NotFoundView, PracticeView

NOT_FOUND = "404.html"


class Renderer:
    """Renders the pages of one site for one day."""

    def __init__(
        self, shared: Shared, theme: Theme, base_url: str, today: dt.date, countries: Mapping[str, str]
    ) -> None:
        self.shared, self.theme, self.base_url = shared, theme, base_url
        self.language = shared.site.practice.language
        self.practice = practice_view(shared.site, today, countries)
        self._nav, self._footer = navigation(shared)
        self._local: dict[str, PracticeView] = {}

    def html(self, page: Page, country: str = "") -> str:
        """The page. `country` is the client's, for the crisis lines. Raises `TemplateProblem`."""
        private = page.visibility == "client"
        frame = Frame(
            address=page.address,
            title=page.title,
            description=page.description,
            canonical=self.base_url + page.address
            if self.base_url and not private and page.address != NOT_FOUND
            else "",
            private=private,
            language=page.language or self.language,
        )
        nav = () if private else _marked(self._nav, page.address)
        footer = () if private else _marked(self._footer, page.address)
        practice = self._for(country) if private else self.practice
        return self.theme.render(page.template, frame=frame, practice=practice, nav=nav, footer=footer, view=page.view)

    def not_found(self) -> str:
        """404.html: links are absolute, since it answers at any depth."""
        style, script = Markup(self.theme.plain_style), Markup(self.theme.scripts["repair.js"])
        view = NotFoundView(base=self.base_url or "/", style=style, script=script)
        return self.html(
            Page(address=NOT_FOUND, template="404.html", view=view, source=self.shared.site.path, listed=False)
        )

    def sitemap(self, pages: Iterable[Page]) -> bytes:
        """sitemap.xml of the listed public pages (sitemaps.org 0.9)."""
        rows = sorted(self.base_url + page.address for page in pages if page.listed and page.visibility == "public")
        body = "".join(f"  <url><loc>{html.escape(row, quote=False)}</loc></url>\n" for row in rows)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{body}</urlset>\n'.encode()

    def robots(self) -> bytes:
        """robots.txt (RFC 9309). Private pages are not named: their `noindex` must be read to work."""
        sitemap = f"\nSitemap: {self.base_url}sitemap.xml\n" if self.base_url else ""
        return f"User-agent: *\nAllow: /\n{sitemap}".encode()

    def _for(self, country: str) -> PracticeView:
        """The practice with the crisis lines of a country; all of them when it has none."""
        if country not in self._local:
            lines = tuple(line for line in self.practice.crisis if line.country in ("", country))
            self._local[country] = msgspec.structs.replace(self.practice, crisis=lines or self.practice.crisis)
        return self._local[country]


def navigation(shared: Shared) -> tuple[tuple[NavItem, ...], tuple[NavItem, ...]]:
    """The links at the top and those at the foot of every public page."""
    pages = sorted(
        (p for p in shared.pages.values() if p.id not in ("home", "story") and p.nav),
        key=lambda p: (p.order, p.title, p.id),
    )
    story = shared.pages.get("story")
    public = [policy for policy in shared.policies.values() if policy.public]
    top = [
        NavItem(key="services", title="", address="services/") if shared.services else None,
        NavItem(key="fees", title="", address="fees/") if shared.services else None,
        NavItem(key="policies", title="", address="policies/") if public else None,
        NavItem(key="guides", title="", address="guides/") if shared.guides else None,
        NavItem(key="story", title=story.title, address="story/") if story and story.nav else None,
        *(NavItem(key="page", title=page.title, address=f"{page.id}/") for page in pages if page.order < 100),
        NavItem(key="contact", title="", address="contact/"),
    ]
    privacy = next((policy for policy in public if policy.kind == "privacy"), None)
    foot = [
        NavItem(key="terms", title="", address="terms/") if shared.terms else None,
        NavItem(key="referrals", title="", address="referrals/") if listed_referrals(shared) else None,
        NavItem(key="page", title=privacy.title, address=f"policies/{privacy.id}/") if privacy else None,
        *(NavItem(key="page", title=page.title, address=f"{page.id}/") for page in pages if page.order >= 100),
    ]
    return tuple(item for item in top if item), tuple(item for item in foot if item)


def _marked(items: tuple[NavItem, ...], address: str) -> tuple[NavItem, ...]:
    return tuple(
        msgspec.structs.replace(item, current=True)
        if item.address == address or (item.address and address.startswith(item.address))
        else item
        for item in items
    )
