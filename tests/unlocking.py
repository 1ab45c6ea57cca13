"""A small sealed site for tests of the unlocking page: the real shell around pages that a test writes itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portalgen.content.loader import load
from portalgen.site import theme as themes
from portalgen.site.formats import country_names
from portalgen.site.practice import practice_view
from portalgen.site.render import Renderer
from portalgen.site.sealing import HTML, PAGE, Enclosed, Keyring, seal
from portalgen.site.shell import Shell, shell_of
from portalgen.site.theme import Theme
from tests.support import MINIMAL, minimal_site

SECRET = bytes(range(32))
TODAY = dt.date(2026, 11, 21)
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
SAID = "The kettle is always on"
"""What stands in the test's page and nowhere else."""


@dataclass(frozen=True)
class Link:
    """One sealed page: its file below the root, its fragment, and its secret R."""

    file: str
    fragment: str
    secret: bytes

    def __str__(self) -> str:
        return f"{self.file}#{self.fragment}"


@dataclass
class SealedSite:
    """A folder with the theme's files, 404.html and the sealed pages that tests put there."""

    folder: Path
    shell: Shell
    theme: Theme
    keyring: Keyring = field(default_factory=lambda: Keyring(SECRET))
    count: int = 0

    def link(self) -> Link:
        """A link that nothing stands behind yet."""
        self.count += 1
        salt = self.count.to_bytes(16, "big").hex()
        return Link(
            f"p/{self.keyring.locator(salt, 1)}.html", self.keyring.fragment(salt, 1), self.keyring.secret(salt, 1)
        )

    def put(self, *files: Enclosed, link: Link | None = None, expires: dt.datetime | None = None) -> Link:
        """Seal these files, the page first."""
        link = link or self.link()
        return self.write(link, seal(link.secret, files, expires))

    def write(self, link: Link, sealed: bytes) -> Link:
        """Publish sealed bytes."""
        path = self.folder / link.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.shell.around(sealed))
        return link


def sealed_site(root: Path, folder: Path, files: Mapping[str, str] | None = None) -> SealedSite:
    """The shell of a site whose source is written to `root`, in an output `folder`."""
    minimal_site(root, {"content/site.yaml": sealed(MINIMAL["content/site.yaml"]), **(files or {})})
    loaded = load(root)
    assert loaded.site is not None, loaded.problems
    shared = loaded.site.shared
    theme, findings = themes.load(root, shared.site)
    assert theme is not None, findings
    practice = practice_view(shared.site, TODAY, country_names("en"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in theme.assets.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    renderer = Renderer(shared, theme, "", TODAY, country_names("en"))
    (folder / "404.html").write_text(renderer.not_found(), encoding="utf-8")
    (folder / "index.html").write_text("<!doctype html><title>Home</title><h1>Public</h1>", encoding="utf-8")
    return SealedSite(folder, shell_of(theme, shared, practice), theme)


def sealed(site_yaml: str) -> str:
    """A site.yaml whose private pages are sealed, which is what it says when it says nothing."""
    start, end = site_yaml.index("privacy:"), site_yaml.index("documents:")
    return site_yaml[:start] + site_yaml[end:]


def page(body: str, title: str = "Your page", language: str = "en", head: str = "") -> str:
    """A whole document, as templates write it."""
    return (
        f'<!doctype html><html lang="{language}" dir="ltr"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        '<body><a class="skip hidden" href="#main">Skip to the content</a><header class="wrap top"><p class="brand">'
        f'Quiet Room</p></header><main class="wrap" id="main" tabindex="-1">{body}</main>'
        '<footer class="bottom screen"><div class="wrap"><h2>How to reach me</h2></div></footer></body></html>'
    )


def html(body: str, name: str = PAGE, **more: str) -> Enclosed:
    """A page or a section."""
    return Enclosed(name, HTML, page(body, **more).encode())
