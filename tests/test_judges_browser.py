"""Chromium opens every page of the demo, as a client's phone or desk would, and axe-core looks at each.

Each page is loaded once; then the window's size and the colour scheme change under it. What is asked everywhere: no
violation of WCAG 2.2 AA or of axe's best practice, nothing to scroll sideways, a silent console, and no request to
anywhere but the site's own address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.support import Built, guards, html_pages

CHUNKS = 8
WIDTHS = (1280, 360)
NARROWEST = 320
Look = tuple[int, Literal["light", "dark"]]
"""At which width and in which colour scheme axe-core looks at a page."""
TURNS: tuple[tuple[Look, ...], ...] = (((1280, "light"), (360, "dark")), ((1280, "dark"), (360, "light")))
EVERY = sum(TURNS, ())
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
def watched_page(browser: Browser, origin: str, script: str = "") -> Iterator[tuple[Page, Watch]]:
    """A page in a fresh profile, and what it says. `script` is there from the start: quicker than in every page anew."""
    context = browser.new_context(reduced_motion="reduce", service_workers="block")
    try:
        context.add_init_script(script)
        watch = Watch(context, origin)
        yield context.new_page(), watch
    finally:
        context.close()


def judge(page: Page, axe_source: str, looks: Sequence[Look] = EVERY) -> list[str]:
    """Everything that a ruler finds on an open page in every size, and axe-core in these looks."""
    found: list[str] = []
    if page.evaluate("() => typeof axe === 'undefined'"):
        page.evaluate(axe_source)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width} px: {line}" for line in page.evaluate(WIDER_THAN_THE_WINDOW)]
        for scheme in [scheme for at, scheme in looks if at == width]:
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} px, {scheme}: {line}" for line in page.evaluate(RUN_AXE, AXE_TAGS)]
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    return found + [f"{NARROWEST} px: {line}" for line in page.evaluate(WIDER_THAN_THE_WINDOW)]


def kinds_of(output: Path) -> list[list[Path]]:
    """The pages of a built site, in the clear, those of one template and language together."""
    kinds: dict[tuple[str, ...], list[Path]] = {}
    for path in sorted(set(html_pages(output)) - guards(output)):
        top, *rest = path.relative_to(output).parts
        parts = rest[1:] if top == "p" else [top, *rest]
        ((language, title),) = re.findall(
            r'<html\b[^>]*? lang="([^"]+)"[\s\S]*?<title>\s*(\S+)', path.read_text("utf-8")
        )
        # what is no folder's says what it is in the first word of its title
        depth = str(len(parts)) if len(parts) > 1 else title
        kinds.setdefault((parts[0], depth, language), []).append(path)
    return [*kinds.values()]


def looks_at(output: Path) -> list[tuple[Path, Sequence[Look]]]:
    """Every page with the looks that axe-core takes at it.

    Each kind is seen in both widths and both schemes of each: one page alone in all four, two or more by turns. So is
    every page with a link of its own; of sections and public pages, the third of a kind and all after it get one look.
    """
    return [
        (path, EVERY if len(pages) == 1 else TURNS[n % 2] if n < 2 or path.parents[1].name == "p" else [EVERY[n % 4]])
        for pages in kinds_of(output)
        for n, path in enumerate(pages)
    ]


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
    pages = looks_at(demo_output)[chunk::CHUNKS]
    assert pages
    found: list[str] = []
    with watched_page(chromium, f"{origin}/", axe_source) as (page, watch):
        for path, looks in pages:
            name = path.relative_to(demo_output).as_posix()
            open_page(page, f"{origin}/{name}")
            found += [f"{name}: {line}" for line in [*judge(page, axe_source, looks), *watch.taken()]]
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


REFERENCES = """() => [...document.querySelectorAll('[href], [src]')]
  .filter(e => !e.closest('svg')).map(e => e.href || e.src)"""


def references(file: Path) -> set[str]:
    """What a page leads to and what it asks for, below `file:`."""
    page = BeautifulSoup(file.read_bytes(), "lxml")
    found = (element.get("href") or element.get("src") for element in page.select("[href], [src]"))
    return {url for reference in found if (url := urljoin(file.as_uri(), str(reference))).startswith("file:")}


def test_the_site_works_from_a_folder(chromium: Browser, demo: Built) -> None:
    """From the front page and each private link, everything that a page leads to or asks for is there, by `file://`.

    Chromium opens a page of every kind, which is styled and silent and in which it sees the same references.
    """
    root = demo.output.resolve()
    starts = [(root / "index.html").as_uri()]
    starts += [f"{(root / path).as_uri()}{mark}{key}" for path, mark, key in _split(demo.private_addresses())]
    waiting, seen, found = list(starts), dict[Path, str](), list[str]()
    while waiting:
        url = waiting.pop()
        file = Path(unquote(urlsplit(url).path))
        if file in seen:
            continue
        seen[file] = url
        if not file.is_file():
            found.append(f"no such file: {url}")
        elif file.suffix == ".html":
            waiting += references(file)
    assert not found, "\n".join(found)
    assert len(seen) > len(starts)
    reached = [[path for path in pages if path in seen] for pages in kinds_of(root)]
    with watched_page(chromium, f"{root.as_uri()}/") as (page, watch):
        for path in [pages[0] for pages in reached if pages]:
            page.goto(seen[path], wait_until="load")
            found += [f"{path}: {line}" for line in watch.taken()]
            if not page.evaluate("() => document.styleSheets.length"):
                found.append(f"{path}: has no style")
            assert {url for url in page.evaluate(REFERENCES) if url.startswith("file:")} == references(path), path
    assert not found, "\n".join(found)


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
