"""Chromium opens every page of the demo, as a client's phone or desk would, and axe-core looks at each.

Each page is loaded once; then the window's size and the colour scheme change under it. What is asked everywhere: no
violation of WCAG 2.2 AA or of axe's best practice, nothing to scroll sideways, a silent console, and no request to
anywhere but the site's own address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.support import Built, guards, html_pages

CHUNKS = 8
WIDTHS = (1280, 360)
NARROWEST = 320
SCHEMES = ("light", "dark")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# What is still on its way to another colour is brought there first.
RUN_AXE = """async (tags) => {
  for (const motion of document.getAnimations()) { try { motion.finish(); } catch { motion.cancel(); } }
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  return found.violations.flatMap(violation => violation.nodes.map(node =>
    `${violation.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`));
}"""

WIDER_THAN_THE_WINDOW = """() => {
  const root = document.documentElement, width = root.clientWidth;
  if (root.scrollWidth <= width) return [];
  const out = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 0.5);
  return [`${root.scrollWidth} px wide in ${width} px`, ...out.slice(0, 5).map(e => e.outerHTML.slice(0, 120))];
}"""


class Watch:
    """Everything a page says or asks for that it should not, until somebody looks."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.origin = origin
        self.heard: list[str] = []
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.heard.append(f"script error: {error.error}"))

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.heard.append(f"leaves the site: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # so ends an icon that nobody waits for when the next page is opened
            self.heard.append(f"failed: {request.url} ({request.failure})")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.heard.append(f"console {message.type}: {message.text}")

    def taken(self) -> list[str]:
        """What was heard since the last look."""
        heard, self.heard = self.heard, []
        return heard


@contextmanager
def watched_page(browser: Browser, origin: str) -> Iterator[tuple[Page, Watch]]:
    """A page in a fresh profile, and what it says."""
    context = browser.new_context(reduced_motion="reduce", service_workers="block")
    try:
        watch = Watch(context, origin)
        yield context.new_page(), watch
    finally:
        context.close()


def judge(page: Page, axe_source: str, turn: int | None = None) -> list[str]:
    """Everything axe-core and a ruler find on an open page: in every size and colour scheme, or by turns.

    By turns, axe sees each size in one scheme, and the next page of the kind in the other; the ruler sees all sizes.
    """
    found: list[str] = []
    page.evaluate(axe_source)
    for n, width in enumerate(WIDTHS):
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width} px: {line}" for line in page.evaluate(WIDER_THAN_THE_WINDOW)]
        for scheme in SCHEMES if turn is None else [SCHEMES[(turn + n) % len(SCHEMES)]]:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            found += [f"{width} px, {scheme}: {line}" for line in page.evaluate(RUN_AXE, AXE_TAGS)]
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    return found + [f"{NARROWEST} px: {line}" for line in page.evaluate(WIDER_THAN_THE_WINDOW)]


def open_page(page: Page, url: str) -> None:
    """Go to an address at the first size and scheme."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    page.emulate_media(media="screen", color_scheme="light")
    page.goto(url, wait_until="load")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_page_is_accessible_quiet_and_fits(
    chunk: int, chromium: Browser, serve: Callable[[Path], str], demo_output: Path, axe_source: str
) -> None:
    origin = serve(demo_output)
    pages = sorted(set(html_pages(demo_output)) - guards(demo_output))[chunk::CHUNKS]
    assert pages
    found: list[str] = []
    with watched_page(chromium, f"{origin}/") as (page, watch):
        for turn, path in enumerate(pages):
            name = path.relative_to(demo_output).as_posix()
            open_page(page, f"{origin}/{name}")
            alike = turn if name.startswith("p/") else None  # there are many of each kind
            found += [f"{name}: {line}" for line in [*judge(page, axe_source, alike), *watch.taken()]]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("paper", "width"), [("A4", 794 - 2 * 48), ("Letter", 816 - 2 * 48)])
def test_an_invoice_prints(
    paper: str, width: int, chromium: Browser, serve: Callable[[Path], str], demo: Built
) -> None:
    """One or two sheets that say what the screen says, no wider than the paper, the heads of tables repeated."""
    origin = serve(demo.output)
    invoices = demo.private_addresses("invoice")
    assert invoices, "the demo has no invoice to print"
    with watched_page(chromium, f"{origin}/") as (page, watch):
        for address in invoices[:3]:
            open_page(page, f"{origin}/{address}")
            page.emulate_media(media="print")
            page.set_viewport_size({"width": width, "height": 1000})
            assert not (wide := page.evaluate(WIDER_THAN_THE_WINDOW)), f"{address}: {wide}"
            assert re.search(r"\d[.,]\d\d\b", page.inner_text("main")), f"{address}: no amount stands on the sheet"
            heads = page.eval_on_selector_all("thead", "all => all.map(e => getComputedStyle(e).display)")
            assert set(heads) <= {"table-header-group"}, f"{address}: a table's head is not repeated on a new sheet"
            pdf = page.pdf(format=paper, prefer_css_page_size=False)
            sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
            assert pdf.startswith(b"%PDF-"), address
            assert 1 <= sheets <= 2, f"{address} takes {sheets} sheets of {paper}"
        assert watch.taken() == []


LINKS = "() => [...document.querySelectorAll('a[href], area[href]')].map(a => a.href)"


def test_the_site_works_from_a_folder(chromium: Browser, demo: Built) -> None:
    """Opened by `file://` from its front page and from each private link, every page is found, styled and silent."""
    root = demo.output.resolve()
    starts = [(root / "index.html").as_uri()]
    starts += [f"{(root / path).as_uri()}{mark}{key}" for path, mark, key in _split(demo.private_addresses())]
    waiting, seen, found = list(starts), set(), []
    with watched_page(chromium, f"{root.as_uri()}/") as (page, watch):
        while waiting:
            url = waiting.pop()
            file = Path(unquote(urlsplit(url).path))
            if file in seen:
                continue
            seen.add(file)
            if not file.is_file():
                found.append(f"no such file: {url}")
                continue
            if file.suffix != ".html":
                continue
            page.goto(url, wait_until="load")
            found += [f"{url}: {line}" for line in watch.taken()]
            if not page.evaluate("() => document.styleSheets.length"):
                found.append(f"{url}: has no style")
            waiting += [link for link in page.evaluate(LINKS) if link.startswith("file:")]
    assert not found, "\n".join(found)
    assert len(seen) > len(starts)


def _split(addresses: list[str]) -> list[tuple[str, str, str]]:
    return [address.partition("#") for address in addresses]


FAULTS: dict[str, tuple[str, str]] = {
    "contrast": ('<p style="color: #bbb">pale</p>', "color-contrast"),
    "a picture without words": ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "image-alt"),
    "too wide": ('<div style="width: 340px">wide</div>', "340"),
    "a stranger's picture": ('<img alt="" src="https://elsewhere.example/x.png">', "leaves the site"),
    "a script error": ("<script>throw new Error('oops')</script>", "oops"),
    "a warning": ("<script>console.warn('hm')</script>", "console warning: hm"),
    "a missing file": ('<img alt="" src="missing.png">', "404"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_judges_see(
    fault: str, chromium: Browser, serve: Callable[[Path], str], axe_source: str, tmp_path: Path
) -> None:
    text, said = FAULTS[fault]
    (tmp_path / "index.html").write_text(
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>x</title>'
        '<link rel="icon" href="data:,"><style>body { margin: 0 }</style>'
        f"<main><h1>Hello</h1>{text}</main></html>",
        encoding="utf-8",
    )
    origin = serve(tmp_path)
    with watched_page(chromium, f"{origin}/") as (page, watch):
        open_page(page, f"{origin}/index.html")
        found: list[Any] = [*judge(page, axe_source), *watch.taken()]
    assert any(said in line for line in found), found
    assert all(said in line or fault in ("too wide", "a stranger's picture") for line in found), found
