"""Chromium opens every page of the demo, as a client's phone or desk would, and axe-core looks at all they are made of.

Every page is opened: nothing to scroll sideways at any width, a silent console, and no request to anywhere but the
site's own address. Pages of one template and language repeat each other, so axe-core, which asks for WCAG 2.2 AA and for
its best practice, looks at as few of them as hold everything that stands in any, in both widths and both colour schemes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.readers import hearing, tab
from tests.support import Built, guards, html_pages

CHUNKS = 4
HALVES = 2
WIDTHS = (1280, 360)
NARROWEST = 320
HEIGHT = 800
Look = tuple[int, Literal["light", "dark"]]
"""At which width and in which colour scheme axe-core looks at a page."""
SAID = ("class", "role", "type", "aria-current", "aria-expanded", "aria-hidden", "aria-live", "scope", "lang", "dir")
TURNS: tuple[tuple[Look, ...], ...] = (((1280, "light"), (360, "dark")), ((1280, "dark"), (360, "light")))
EVERY = sum(TURNS, ())
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# What is still on its way to another colour is brought there first. None of these rules reads style sheets as such, so
# they are not fetched and parsed again for each run.
RUN_AXE = """async (tags) => {
  for (const motion of document.getAnimations()) { try { motion.finish(); } catch { motion.cancel(); } }
  const found = await axe.run(document, {
    runOnly: {type: 'tag', values: tags}, resultTypes: ['violations'], preload: {assets: ['media']},
  });
  return found.violations.flatMap(violation => violation.nodes.map(node =>
    `${violation.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`));
}"""

WIDER = """document => {
  const root = document.documentElement, width = root.clientWidth;
  if (root.scrollWidth <= width) return [];
  const out = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 0.5);
  return [`${root.scrollWidth} px wide in ${width} px`, ...out.slice(0, 5).map(e => e.outerHTML.slice(0, 120))];
}"""

IN_A_FRAME = f"""async ([url, widths, height]) => {{
  const frame = document.createElement('iframe');
  frame.style.cssText = `border: 0; width: ${{widths[0]}}px; height: ${{height}}px`;
  frame.src = url;
  const loaded = new Promise(done => frame.onload = done);
  document.body.replaceChildren(frame);
  await loaded;
  return widths.flatMap(width => {{
    frame.style.width = `${{width}}px`;
    const found = ({WIDER})(frame.contentDocument);
    if (frame.contentWindow.innerWidth !== width) found.push(`the window is ${{frame.contentWindow.innerWidth}} px wide`);
    return found.map(line => `${{width}} px: ${{line}}`);
  }});
}}"""


IN_PLACE = """async ([url, text]) => {
  document.open();
  history.replaceState(null, '', url);
  const loaded = new Promise(done => addEventListener('load', done, {once: true}));
  document.write(text);
  document.close();
  await loaded;
}"""
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
EMPTY = "<!doctype html><link rel=icon href='data:,'>"


class Watch:
    """Everything a page says or asks for that it should not, until somebody looks."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.heard: list[str] = []
        self.hears: Mapping[str, Callable[[Any], None]] = {
            "request": self._request,
            "requestfailed": self._failed,
            "console": self._console,
            "weberror": lambda error: self.heard.append(f"script error: {error.error}"),
        }

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
    """A page, and what it says. `script` is there from the start: quicker than in every page anew."""
    with tab(browser, script, reduced_motion="reduce", service_workers="block") as page:
        watch = Watch(origin)
        with hearing(page.context, watch.hears):
            yield page, watch


def violations(page: Page, axe_source: str, looks: Sequence[Look] = EVERY) -> list[str]:
    """Everything that axe-core finds on an open page in these looks."""
    found: list[str] = []
    page.wait_for_load_state()  # words stand there before the styles do
    if page.evaluate("() => typeof axe === 'undefined'"):
        page.evaluate(axe_source)
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        found += [f"{width} px, {scheme}: {line}" for line in page.evaluate(RUN_AXE, AXE_TAGS)]
    return found


def judge(page: Page, axe_source: str, looks: Sequence[Look] = EVERY) -> list[str]:
    """Everything that a ruler finds on an open page in every size, and axe-core in these looks."""
    found = violations(page, axe_source, looks)
    for width in (*WIDTHS, NARROWEST):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width} px: {line}" for line in page.evaluate(f"() => ({WIDER})(document)")]
    return found


def go_to_empty(page: Page, origin: str) -> None:
    """Opens a page of a site on which nothing stands."""
    page.route(f"{origin}frames", lambda route: route.fulfill(body=EMPTY, content_type="text/html"))
    page.goto(f"{origin}frames")
    page.unroute_all()


@contextmanager
def axe_in_place(
    browser: Browser, origin: str, axe_source: str
) -> Iterator[Callable[[str, str, Sequence[Look]], list[str]]]:
    """What has axe-core look at the text of a page at an address of a site, and tells all that is wrong.

    Each page is written into the window of the one before: there axe-core runs in half the time, having run before. A
    page's policy would bind all that come after it, so it is left out: it decides what may be loaded, which is judged
    where every page is opened.
    """
    with watched_page(browser, origin, axe_source) as (page, watch):
        go_to_empty(page, origin)

        def look(url: str, text: str, looks: Sequence[Look]) -> list[str]:
            page.evaluate(IN_PLACE, [url, POLICY.sub("", text)])
            return [*violations(page, axe_source, looks), *watch.taken()]

        yield look


@contextmanager
def frames(browser: Browser, origin: str) -> Iterator[Callable[[str], list[str]]]:
    """What opens an address of a site in a frame, which is a window as wide as it is made, and tells all that is wrong.

    A frame is laid out anew in a tenth of the time that a window takes.
    """
    with watched_page(browser, origin) as (page, watch):
        go_to_empty(page, origin)
        page.set_viewport_size({"width": 64, "height": 64})  # what nobody sees is not painted
        yield lambda url: [*page.evaluate(IN_A_FRAME, [url, [*WIDTHS, NARROWEST], HEIGHT]), *watch.taken()]


def kinds_of(output: Path) -> dict[tuple[str, ...], list[Path]]:
    """The pages of a built site, in the clear, by what tells their template, and by their language."""
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
    return kinds


Shape = tuple[str | bool, ...]


def shape(element: Tag) -> Shape:
    """What an element is to axe-core's rules but for its words: its name, classes, and attributes, with their values
    where these are words of HTML or ARIA, else whether they have one; whether any words are in it."""
    said = sorted(
        f"{name}={value}" if name in SAID else f"{name}{'=' if value else ''}" for name, value in element.attrs.items()
    )
    return (element.name, *said, any(element.stripped_strings))


def shapes(path: Path) -> frozenset[tuple[Shape, Shape]]:
    """Every element of a page within the one around it; every heading after the one before it; every id used twice."""
    page = BeautifulSoup(path.read_bytes(), "lxml")
    elements = page.find_all(True)
    heads = [(element.name,) for element in page.find_all(["h1", "h2", "h3", "h4", "h5", "h6"])]
    ids = [str(element["id"]) for element in elements if element.has_attr("id")]
    own = {id(element): shape(element) for element in elements}
    within = {(own[id(element)], own.get(id(element.parent), ())) for element in elements}
    return frozenset({*within, *pairwise([(), *heads]), *((("twice",), (one,)) for one in ids if ids.count(one) > 1)})


def chosen(pages: list[Path]) -> list[Path]:
    """Some of the pages, that hold every shape of all."""
    held = {path: shapes(path) for path in pages}
    missing = set[tuple[Shape, Shape]]().union(*held.values())
    found = []
    while missing:
        found.append(max(pages, key=lambda path: len(held[path] & missing)))
        missing -= held[found[-1]]
    return found


def looks_at(output: Path) -> list[tuple[Path, Sequence[Look]]]:
    """The pages that axe-core looks at, and in which looks.

    Each template is seen at 1280 and at 360 px, light and dark: one page alone in all four looks, two or more by turns in
    two. Whatever stands in any page of a template and language is seen in both widths and in both schemes.
    """
    templates: dict[tuple[str, ...], list[Path]] = {}
    for (*template, _), pages in kinds_of(output).items():
        templates.setdefault(tuple(template), []).extend(chosen(pages))
    return [
        (path, TURNS[n % 2] if len(pages) > 1 else EVERY)
        for pages in templates.values()
        for n, path in enumerate(pages)
    ]


@pytest.fixture(scope="module")
def looked_at(demo_output: Path) -> list[tuple[Path, Sequence[Look]]]:
    """The demo's pages, and in which looks axe-core sees each."""
    return looks_at(demo_output)


def open_page(page: Page, url: str) -> None:
    """Go to an address at the first size and scheme."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    page.emulate_media(media="screen", color_scheme="light")
    page.goto(url, wait_until="load")


@pytest.mark.parametrize("half", range(HALVES))
def test_every_page_is_quiet_and_fits(
    half: int, chromium: Browser, serve: Callable[[Path], str], demo_output: Path
) -> None:
    origin = f"{serve(demo_output)}/"
    pages = sorted(set(html_pages(demo_output)) - guards(demo_output))[half::HALVES]
    assert len(pages) > 50
    names = [path.relative_to(demo_output).as_posix() for path in pages]
    with frames(chromium, origin) as opened:
        found = [f"{name}: {line}" for name in names for line in opened(f"{origin}{name}")]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_all_that_stands_in_any_page_is_accessible(
    chunk: int,
    chromium: Browser,
    serve: Callable[[Path], str],
    demo_output: Path,
    looked_at: list[tuple[Path, Sequence[Look]]],
    axe_source: str,
) -> None:
    origin = serve(demo_output)
    pages = looked_at[chunk::CHUNKS]
    assert pages
    found: list[str] = []
    with axe_in_place(chromium, f"{origin}/", axe_source) as look:
        for path, looks in pages:
            name = path.relative_to(demo_output).as_posix()
            found += [f"{name}: {line}" for line in look(f"{origin}/{name}", path.read_text("utf-8"), looks)]
    assert not found, "\n".join(found)


def test_axe_looks_at_all_that_stands_in_any_page(tmp_path: Path) -> None:
    """A page whose parts all stand in another is left out; one thing that stands in no other brings it back."""
    pages = [tmp_path / f"p/{n}/index.html" for n in range(3)]
    body = ["<h1>A</h1><ul><li>b<li><a href=x>c</a></ul>", "<h1>A</h1><ul><li>d</ul>", "<h1>A</h1><ul><li>e</ul>"]
    for more, seen in (
        ("", [EVERY]),
        ("<p>f</p>", TURNS),
        ("<h3>f</h3>", TURNS),
        ("<ul><li class=x>f</ul>", TURNS),
        ("<ul><li></ul>", TURNS),
        ("<ul role=list><li>f</ul>", TURNS),
        ("<ul id=x><li>f</ul><ul id=x><li>f</ul>", TURNS),
    ):
        for path, text in zip(pages, [body[0], body[1], body[2] + more], strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'<!doctype html><html lang="en"><title>A page</title>{text}</html>', encoding="utf-8")
        (tmp_path / "404.html").write_text('<!doctype html><html lang="en"><title>Not here</title>', encoding="utf-8")
        looks = [(path, each) for path, each in looks_at(tmp_path) if path in pages]
        assert [each for _, each in looks] == list(seen), more
        assert {pages[0], *([pages[2]] if more else [])} == {path for path, _ in looks}, more


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
            assert not (wide := page.evaluate(f"() => ({WIDER})(document)")), f"{address}: {wide}"
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
    reached = [[path for path in pages if path in seen] for pages in kinds_of(root).values()]
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


AXES_BUSINESS = ("contrast", "a picture without words")
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
    looks = EVERY if fault in AXES_BUSINESS else EVERY[:1]  # all others are seen, or heard, without axe-core
    with watched_page(chromium, f"{origin}/") as (page, watch):
        open_page(page, f"{origin}/index.html")
        found: list[Any] = [*judge(page, axe_source, looks), *watch.taken()]
    with frames(chromium, f"{origin}/") as opened:
        framed = opened(f"{origin}/index.html")
    with axe_in_place(chromium, f"{origin}/", axe_source) as look:
        sound = '<!doctype html><html lang="en"><title>x</title><link rel="icon" href="data:,"><main><h1>x</h1></main>'
        assert look(f"{origin}/sound.html", sound, looks) == [], "what is wrong stands in the next page"
        placed = look(f"{origin}/index.html", (tmp_path / "index.html").read_text(), looks)
    assert any(said in line for line in placed) or fault == "too wide", placed
    assert any(said in line for line in found), found
    assert any(said in line for line in framed) or fault in AXES_BUSINESS, framed
    assert all(said in line or fault in ("too wide", "a stranger's picture") for line in [*found, *framed]), found
