"""The unlocking page in Chromium and in Debian's Firefox: what a client, a scanner and a stranger see (sealing §5, §7)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from portalgen.site.sealing import HTML, Enclosed, checked, seal, unseal
from portalgen.site.theme import TemplateProblem, builtin_folder
from tests import hostile
from tests.readers import ChromiumReader, FirefoxReader, Reader, chromium_reader, firefox_reader, tab, tap, text, wait
from tests.support import DEMO_DAY, MINIMAL, ROOT, Built, file_server, guards, invoke, program
from tests.test_judges_browser import TURNS, judge
from tests.unlocking import PDF, SAID, SECRET, Link, SealedSite, html, page, sealed, sealed_site

SCRIPTS = {
    "unlock.js": "e09d35a9fa39388c35f36c32ec10022fcda631baa9106ebe933a5692fdcbafc9",
    "repair.js": "b331bb7f1b532258efef40ff890e6eb5b5d181b7d1321cc9b5a2e3c013fd63c2",
}
"""Who changes a script reads it again as an attacker would, and then writes its hash here."""

OPENED = f"document.body.innerText.includes({json.dumps(SAID)})"
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
INVOICE = b'<?xml version="1.0"?><invoice/>'


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_those_that_were_reviewed(name: str) -> None:
    content = (builtin_folder() / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == SCRIPTS[name]
    assert not re.search(rb"</script|<!--|\r|[^\n]\Z", content), "as it stands in a page"
    assert not re.search(rb"innerHTML|document\.write|\beval\b|Storage|cookie|indexedDB|serviceWorker|fetch\(", content)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SealedSite:
    root = tmp_path_factory.mktemp("sealed")
    return sealed_site(root / "site", root / "host" / "sub" / "path")


@pytest.fixture(scope="module")
def origin(site: SealedSite, serve: Callable[[Path], str]) -> str:
    """Where the site is served: below a path."""
    return f"{serve(site.folder.parents[1])}/sub/path"


@pytest.fixture(scope="module")
def missing_at(site: SealedSite) -> Iterator[str]:
    """The same folder at the root of a server that answers with 404.html."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            body = (site.folder / "404.html").read_bytes()
            self.send_response(code)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site.folder))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def clear_pages(demo: Built) -> list[Path]:
    """One built page of every kind behind a client's links, in the clear."""
    kinds: dict[str, Path] = {}
    for path in sorted(set(demo.output.glob("p/*/**/index.html")) - guards(demo.output)):
        found = re.findall(r"<title>\s*(\S+)", path.read_text(encoding="utf-8"))
        section = path.relative_to(demo.output / "p").parts[1:-1]
        kinds.setdefault("/".join(section[:1]) or found[0], path)
    assert {"Invoice", "Your", "receipts", "statements"} <= kinds.keys()
    return [*kinds.values()]


@pytest.fixture(scope="session")
def firefox() -> Iterator[FirefoxReader]:
    executable = program("firefox-esr", "firefox")
    if executable is None:
        pytest.skip("Firefox is not installed")
    with firefox_reader(executable) as reader:
        yield reader


@pytest.fixture(params=["chromium", "firefox"])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Each browser by turns."""
    if request.param == "chromium":
        with chromium_reader(request.getfixturevalue("chromium"), service_workers="block") as chromium:
            yield chromium
    else:
        firefox: FirefoxReader = request.getfixturevalue("firefox")
        firefox.clear()
        yield firefox


def portal() -> tuple[Enclosed, ...]:
    """A client's page with a section, anchors, and files of every kind."""
    links = "".join(
        f'<li><a href="{name}" download>{name}</a></li>'
        for name in (
            "2026-0001.pdf",
            "receipts/r-1/R-1.xml",
            "Caf%C3%A9%20%231.txt",
            "page.svg",
            "trap.html",
            "odd.docx",
        )
    )
    body = (
        f'<h1>Hello Ana</h1><p>{SAID}</p><p><a id="to" href="#far">far</a> <a id="terms" href="../terms/index.html">T</a>'
        f'</p><ul>{links}</ul><img id="own" src="mark.gif" alt="mark">'
        f'<div class="tall">{"<p>line</p>" * 200}</div><h2 id="far">Far below</h2>'
    )
    receipt = (
        '<h1>Receipt</h1><p>Received with thanks</p><a id="sum" href="#total">total</a>'
        f'{"<p>line</p>" * 200}<h2 id="total">Total</h2>'
    )
    return (
        html(body),
        html(receipt, name="receipts/r-1.html", title="Receipt R-1", language="de"),
        Enclosed("2026-0001.pdf", "application/pdf", PDF),
        Enclosed("receipts/r-1/R-1.xml", "application/xml", INVOICE),
        Enclosed("Café #1.txt", "text/plain; charset=utf-8", b"tea"),
        Enclosed("page.svg", "image/svg+xml", b"<svg/>"),
        Enclosed("trap.html", "text/plain", b"<script>alert(1)</script>"),
        Enclosed("odd.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK"),
        Enclosed("mark.gif", "image/gif", GIF),
    )


@pytest.fixture(scope="module")
def link(site: SealedSite) -> Link:
    return site.put(*portal())


def opened(reader: Reader, url: str) -> None:
    """Open a link and its gate."""
    reader.go(url)
    tap(reader, "#act:not([hidden]) #open")
    wait(reader, OPENED)


# --- before it opens -----------------------------------------------------------------------------------------------


def test_a_scanner_with_the_whole_link_sees_the_gate(reader: Reader, site: SealedSite, origin: str, link: Link) -> None:
    reader.go(f"{origin}/{link}")
    wait(reader, "!document.querySelector('#act').hidden")
    reader.run("new Promise(done => setTimeout(done, 300))")
    assert SAID not in reader.run("document.documentElement.outerHTML")
    assert "This page is for you alone" in text(reader)
    assert reader.run("document.title") == "Quiet Room"
    tap(reader, "#open")
    wait(reader, OPENED)
    assert reader.run("document.title") == "Your page"
    assert reader.run("document.querySelectorAll('main, header, footer').length") == 3
    assert reader.run("document.activeElement.localName") == "main"
    assert not reader.run("document.querySelectorAll('body script, #sealed, .gate').length")
    assert {url.partition("#")[0] for url in reader.asked if url.startswith("http") and "favicon" not in url} <= {
        f"{origin}/{path}" for path in (link.file, *site.theme.assets)
    }
    assert not reader.said
    assert not reader.run("localStorage.length + sessionStorage.length + document.cookie.length")


def cut(link: Link) -> str:
    return link.fragment[:-9]


def mistyped(link: Link) -> str:
    return link.fragment[:20] + ("a" if link.fragment[20] != "a" else "b") + link.fragment[21:]


BEFORE: dict[str, tuple[Callable[[Link], str], str]] = {
    "no fragment": (lambda link: "", "A part of your link is missing"),
    "an empty fragment": (lambda link: "#", "A part of your link is missing"),
    "cut": (lambda link: f"#{cut(link)}", "Your link was cut off"),
    "too long": (lambda link: f"#{link.fragment}a", "Your link was cut off"),
    "mistyped": (lambda link: f"#{mistyped(link)}", "Your link was cut off"),
    "a word": (lambda link: "#main", "Your link was cut off"),
}


@pytest.mark.parametrize("case", BEFORE)
def test_a_link_that_cannot_open_says_so_before_the_gate(reader: Reader, origin: str, link: Link, case: str) -> None:
    ending, said = BEFORE[case]
    reader.go(f"{origin}/{link.file}{ending(link)}")
    wait(reader, f"document.body.innerText.includes({json.dumps(said)})")
    assert reader.run("document.querySelector('#act').hidden")
    assert "mira@practice.example" in text(reader)


def test_the_whole_link_can_be_pasted(reader: Reader, origin: str, link: Link) -> None:
    broken = f"Dear Ana,\nhere it is: https://quiet.example/x/{link.file}#{link.fragment[:30]}\n{link.fragment[30:]}"
    other = f"{link.file[:-9]}aaaa.html"
    for start, pasted in ((link.file, broken), (f"{link}a", f" {link.fragment}\n"), (link.file, f"<{link}>")):
        reader.go(f"{origin}/{start}")
        for wrong in ("", "p/nothing", f"{other}#{mistyped(link)}"):
            wait(reader, "!document.querySelector('#paste').hidden")
            reader.run(f"void (document.querySelector('#link').value = {json.dumps(wrong)})")
            tap(reader, "#go")
            wait(reader, "document.body.innerText.includes('Your link was cut off')")
        reader.run(f"void (document.querySelector('#link').value = {json.dumps(pasted)})")
        tap(reader, "#go")
        wait(reader, f"document.querySelector('.gate') === null && {OPENED}")


def test_what_hangs_on_the_end_of_a_link_does_no_harm(reader: Reader, origin: str, link: Link) -> None:
    for ending in (".", "/nowhere", "/%E2%82%AC%", ">"):
        opened(reader, f"{origin}/{link}{ending}")
    opened(reader, f"{origin}/{link.file}#{link.fragment.upper()}")


def test_another_clients_key_opens_nothing(reader: Reader, site: SealedSite, origin: str, link: Link) -> None:
    other = site.put(html("<h1>Somebody else</h1>"))
    reader.go(f"{origin}/{other.file}#{link.fragment}")
    tap(reader, "#open")
    wait(reader, "document.body.innerText.includes('This link is no longer valid')")
    assert reader.run("document.querySelector('#act').hidden")
    assert "Somebody else" not in reader.run("document.documentElement.outerHTML")


def faulty(site: SealedSite) -> dict[str, tuple[Link, str]]:
    link = site.link()
    whole = seal(link.secret, [html(SAID)])
    past, future = dt.datetime(2001, 1, 1, tzinfo=dt.UTC), dt.datetime(2199, 1, 1, tzinfo=dt.UTC)

    def damaged(content: bytes) -> Link:
        other = site.link()
        site.write(other, content)
        return Link(other.file, link.fragment, link.secret)

    flipped = bytearray(whole)
    flipped[5000] ^= 1
    newer = "needs a newer version"
    return {
        "ended": (site.put(html(SAID), expires=past), "This link has ended"),
        "not yet ended": (site.put(html(SAID), expires=future), SAID),
        "a flipped bit": (damaged(bytes(flipped)), "no longer valid"),
        "a torn file": (damaged(whole[:-200]), "no longer valid"),
        "nothing": (damaged(b""), "did not arrive whole"),
        "another magic": (damaged(b"PGX" + whole[3:]), "did not arrive whole"),
        "a later version": (damaged(whole[:4] + b"\2" + whole[5:]), newer),
        "another suite": (damaged(whole[:5] + b"\2" + whole[6:]), newer),
        "a flag": (damaged(whole[:6] + b"\1" + whole[7:]), newer),
        "a reserved byte": (damaged(whole[:20] + b"\1" + whole[21:]), newer),
    }


def test_what_does_not_open_says_why(reader: Reader, site: SealedSite, origin: str) -> None:
    for case, (link, said) in faulty(site).items():
        reader.go(f"{origin}/{link}")
        tap(reader, "#act:not([hidden]) #open")
        wait(reader, f"document.body.innerText.includes({json.dumps(said)})")
        assert (SAID in text(reader)) == (said == SAID), case


def test_in_a_frame_it_refuses(reader: Reader, site: SealedSite, origin: str, link: Link) -> None:
    (site.folder / "frame.html").write_text(f'<!doctype html><iframe src="{link}" width="600" height="600"></iframe>')
    reader.go(f"{origin}/frame.html")
    inner = "document.querySelector('iframe').contentDocument"
    wait(reader, f"{inner}.body.innerText.includes('does not open inside another one')")
    assert reader.run(f"{inner}.querySelector('#act').hidden")


# --- when it is open -----------------------------------------------------------------------------------------------


def test_reload_and_back_need_no_gate(reader: Reader, origin: str, link: Link) -> None:
    opened(reader, f"{origin}/{link}")
    reader.reload()
    wait(reader, OPENED)
    reader.run(f"void (location.href = '{origin}/index.html')")
    wait(reader, "document.title === 'Home'")
    reader.back()
    wait(reader, OPENED)


def test_sections_and_anchors(reader: Reader, origin: str, link: Link) -> None:
    opened(reader, f"{origin}/{link}")
    assert reader.run("document.querySelector('#to').getAttribute('href')") == f"#{link.fragment}/far"
    assert reader.run("document.querySelector('#terms').href") == f"{origin}/terms/index.html"
    tap(reader, "#to")
    wait(reader, "Math.abs(document.querySelector('#far').getBoundingClientRect().top) < innerHeight && scrollY > 500")
    assert reader.run("location.hash") == f"#{link.fragment}/far"
    low = reader.run("scrollY")
    reader.run(f"void (location.hash = '{link.fragment}/receipts/r-1')")
    wait(reader, "document.body.innerText.includes('Received with thanks')")
    assert reader.run("[document.title, document.documentElement.lang, scrollY]") == ["Receipt R-1", "de", 0]
    assert reader.run("document.activeElement.localName") == "main"
    assert SAID not in text(reader)
    tap(reader, "#sum")
    wait(reader, "scrollY > 500")
    assert reader.run("location.hash") == f"#{link.fragment}/receipts/r-1/total"
    reader.back()
    reader.back()
    wait(reader, OPENED)
    wait(reader, f"Math.abs(scrollY - {low}) < 50")
    opened_directly = f"{origin}/{link}/receipts/r-1/total"
    reader.go(opened_directly)
    tap(reader, "#act:not([hidden]) #open")
    wait(reader, "document.body.innerText.includes('Received with thanks') && scrollY > 500")


def test_another_key_in_the_address_is_another_page(reader: Reader, origin: str, link: Link, site: SealedSite) -> None:
    opened(reader, f"{origin}/{link}")
    reader.run(f"void (location.hash = '{checked(bytes(32))}')")
    wait(reader, "document.body && document.body.innerText.includes('This link is no longer valid')")
    assert SAID not in reader.run("document.documentElement.outerHTML")


def test_the_gate_can_be_left_out(reader: Reader, tmp_path: Path) -> None:
    files = {"content/site.yaml": sealed(MINIMAL["content/site.yaml"]) + "privacy: {gate: false}\n"}
    site = sealed_site(tmp_path / "site", tmp_path / "output", files)
    with file_server(site.folder) as origin:
        reader.go(f"{origin}/{site.put(html(SAID))}")
        wait(reader, OPENED)


FILES = {"2026-0001.pdf": PDF, "R-1.xml": INVOICE, "Café #1.txt": b"tea", "odd.docx": b"PK"}


def test_attachments_in_chromium(chromium: Browser, origin: str, link: Link) -> None:
    with chromium_reader(chromium, service_workers="block") as reader:
        opened(reader, f"{origin}/{link}")
        for name, content in FILES.items():
            with reader.page.expect_download() as waiting:
                reader.page.click(f'a[download="{name}"]')
            assert waiting.value.suggested_filename in (name, name.replace("#", "_"))
            assert Path(waiting.value.path()).read_bytes() == content
        check_other_files(reader)
        assert not reader.said


def test_attachments_in_firefox(firefox: FirefoxReader, origin: str, link: Link) -> None:
    firefox.clear()
    opened(firefox, f"{origin}/{link}")
    for name, content in FILES.items():
        tap(firefox, f'a[download="{name}"]')
        file = firefox.downloads / name
        for _ in range(200):
            if file.is_file() and file.stat().st_size == len(content):
                break
            firefox.run("new Promise(done => setTimeout(done, 25))")
        assert file.read_bytes() == content, name
    check_other_files(firefox)


def check_other_files(reader: Reader) -> None:
    wait(reader, "document.querySelector('#own').naturalWidth === 1")
    assert reader.run("document.querySelector('#own').src").startswith("blob:")
    dead = "[...document.querySelectorAll('a:not([href])')].map(a => a.textContent)"
    assert reader.run(dead) == ["page.svg", "trap.html"], "what a browser would run has no link"


def test_from_a_folder_and_saved_alone(reader: Reader, site: SealedSite, link: Link, tmp_path: Path) -> None:
    opened(reader, f"{site.folder.as_uri()}/{link}")
    styles = "[...document.styleSheets].filter(s => !s.disabled && s.href).length"
    wait(reader, styles)
    alone = tmp_path / "My page (1).html"
    shutil.copyfile(site.folder / link.file, alone)
    opened(reader, f"{alone.as_uri()}#{link.fragment}")
    assert reader.run(styles) == 0 or reader.run("!document.querySelector('style').disabled")
    assert not reader.run("document.querySelector('style').disabled"), "it keeps the look it carries inside"
    assert reader.run("getComputedStyle(document.body).maxWidth") != "none"
    assert "Skip to the content" not in text(reader)
    reader.reload()
    wait(reader, OPENED)


def test_the_sites_look_takes_the_place_of_the_one_inside(reader: Reader, origin: str, link: Link) -> None:
    opened(reader, f"{origin}/{link}")
    wait(reader, "document.querySelector('style').disabled")
    assert reader.run("getComputedStyle(document.body).maxWidth") == "none"
    assert reader.run("getComputedStyle(document.body).display") == "flex"


# --- who would have it do more -------------------------------------------------------------------------------------


def hostile_pages() -> tuple[Enclosed, ...]:
    """A page with every hostile text in a section of its own."""
    sections = tuple(
        Enclosed(f"h/{n}.html", HTML, page(f"<p id=here>Text {n}.</p>{payload}").encode())
        for n, payload in enumerate(hostile.HTML.values())
    )
    return (html(SAID), *sections)


LEFT = """document => [...document.querySelectorAll('body, body *')].flatMap(e => [
  ...[...e.attributes].filter(a => /^on|^(style|srcdoc|action|formaction|ping|srcset|poster|background|data)$|:href/i
    .test(a.name) || /javascript|vbscript|evil/i.test(a.value) && !/^https:/.test(a.value) && a.name !== 'id').map(a => e.localName + ' ' + a.name),
  ...(/^(script|style|meta|base|link|iframe|frame|object|embed|form|template|math|foreignobject|use|animate|set)$/i
    .test(e.localName) ? [e.localName] : [])])"""


TOUCHED = f"""(document => {{
  const seen = [({LEFT})(document), window.marked, location.hash];
  ({hostile.EVENTS})(document);
  return [...seen, window.marked];
}})(document)"""
"""What is left on a page that may not be, and the touch of everything on it, in one go: to ask takes longer than to answer."""


@pytest.mark.parametrize("trusted", ["with trusted types", "without"])
def test_hostile_text_in_an_unlocked_page(reader: Reader, site: SealedSite, origin: str, trusted: str) -> None:
    assert len(hostile.HTML) >= 40
    link = site.put(*hostile_pages())
    if trusted == "without":
        path = site.folder / link.file
        whole = path.read_text()
        bare = whole.replace("; require-trusted-types-for &#39;script&#39;", "")
        bare = bare.replace("; require-trusted-types-for 'script'; trusted-types portalgen", "")
        assert bare != whole
        path.write_text(bare.replace("window.trustedTypes", "window.noTrustedTypes"))
        hashed = hashlib.sha256(re.findall(r"<script>(.*?)</script>", path.read_text(), re.S)[0].encode()).digest()
        path.write_text(
            re.sub(
                r"script-src &#39;sha256-[^&]+&#39;",
                f"script-src 'sha256-{base64.b64encode(hashed).decode()}'",
                path.read_text(),
            )
        )
    opened(reader, f"{origin}/{link}")
    assert reader.run("'hit' in window") is False
    if trusted == "with trusted types" and reader.run("'trustedTypes' in window"):
        refused = (
            "(() => { try { document.createElement('p').innerHTML = '<b>'; } catch (error) { return error.name; } })()"
        )
        assert reader.run(refused) == "TypeError", "the browser takes no text for a page"
    reader.run("void (window.hits = 0, window.hit = () => { window.hits++ }, window.marked = true)")
    asked = len(reader.asked)
    for n, name in enumerate(hostile.HTML):
        section = f"{link.fragment}/h/{n}"
        reader.run(f"void (location.hash = {json.dumps(section)})")
        wait(reader, f"document.body.textContent.includes('Text {n}.')")
        # a page that was left since the events before has no mark
        assert reader.run(TOUCHED) == [[], True, f"#{section}", True], name
    reader.run("new Promise(done => setTimeout(done, 200))")
    assert reader.run("window.hits") == 0
    assert reader.run("window.marked && location.hash").endswith(f"/h/{n}")
    # Firefox draws the bullets of lists with a font in a style sheet of its own
    own = (origin, "data:image/gif", "data:font/woff2", "blob:")
    assert [url for url in reader.asked[asked:] if not url.startswith(own)] == []
    assert reader.run("document.querySelectorAll('head base, head script, head meta[http-equiv]').length") <= 1


TREE = """body => [...body.querySelectorAll('*')].map(e => e.localName + ' ' + [...e.attributes]
  .filter(a => !['href', 'src', 'rel', 'download', 'tabindex'].includes(a.name))
  .map(a => a.name + '=' + a.value).sort().join(' ')).join('\\n')"""


def test_nothing_that_templates_write_is_lost(
    chromium: Browser, clear_pages: list[Path], site: SealedSite, origin: str
) -> None:
    """A page of each kind is the same in the clear and unlocked, element by element."""
    sections = [Enclosed(f"s/{n}.html", HTML, path.read_bytes()) for n, path in enumerate(clear_pages)]
    link = site.put(html(SAID), *sections)
    with chromium_reader(chromium, service_workers="block") as reader:
        opened(reader, f"{origin}/{link}")
        blank = reader.page.context.new_page()
        for n, path in enumerate(clear_pages):
            text = path.read_text(encoding="utf-8")
            page = f"new DOMParser().parseFromString({json.dumps(text)}, 'text/html')"
            title, tree = blank.evaluate(f"(page => [page.title, ({TREE})(page.body)])({page})")
            reader.run(f"void (location.hash = '{link.fragment}/s/{n}')")
            wait(reader, f"document.title === {json.dumps(title)} && location.hash.endsWith('/s/{n}')")
            assert reader.run(f"({TREE})(document.body)") == tree, path
        assert not [line for line in reader.said if "404" not in line], "pictures of the demo are not here"


# --- who looks over a shoulder, and who judges ---------------------------------------------------------------------


def printed(reader: ChromiumReader, folder: Path) -> str:
    """The words of the page on paper, with the browser's own head and foot."""
    client = reader.page.context.new_cdp_session(reader.page)
    made = client.send("Page.printToPDF", {"displayHeaderFooter": True, "preferCSSPageSize": True})
    (folder / "printed.pdf").write_bytes(base64.b64decode(made["data"]))
    done = subprocess.run(["pdftotext", "-layout", folder / "printed.pdf", "-"], capture_output=True, check=True)
    return done.stdout.decode()


def test_the_printed_page_has_no_key(
    chromium: Browser, site: SealedSite, origin: str, link: Link, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.html"
    shutil.copyfile(site.folder / link.file, alone)
    with chromium_reader(chromium, service_workers="block") as reader:
        for url in (f"{origin}/{link}", f"{alone.as_uri()}#{link.fragment}"):
            opened(reader, url)
            said = printed(reader, tmp_path)
            assert SAID in said
            assert "Hello Ana" in said
            assert "How to reach me" not in said, "what is for the screen alone"
            assert link.fragment[:12] not in re.sub(r"\s", "", said)
            assert link.file[2:20] not in said
        reader.go(f"{origin}/index.html#{link.fragment}")
        assert link.fragment[:12] in re.sub(r"\s", "", printed(reader, tmp_path)), "a page that does nothing about it"


def test_the_gate_and_unlocked_pages_are_accessible(
    chromium: Browser, sealed_demo: Built, serve: Callable[[Path], str], axe_source: str, tmp_path: Path
) -> None:
    origin = serve(sealed_demo.output)
    invoice, portal = (sealed_demo.private_addresses(kind)[0] for kind in ("invoice", "portal"))
    file, _, key = invoice.partition("#")
    shutil.copyfile(sealed_demo.output / file, tmp_path / "alone.html")
    found: list[str] = []
    with chromium_reader(chromium, reduced_motion="reduce", bypass_csp=True) as reader:
        for n, url in enumerate((f"{origin}/{portal}", f"{origin}/{file}", f"{origin}/{file}#{key[:40]}")):
            reader.go(url)
            wait(reader, "!document.querySelector('#act').hidden || !document.querySelector('#paste').hidden")
            found += [f"gate: {line}" for line in judge(reader.page, axe_source, TURNS[n % 2])]
        for n, url in enumerate(
            (f"{origin}/{invoice}", f"{origin}/{portal}", f"{(tmp_path / 'alone.html').as_uri()}#{key}")
        ):
            reader.page.set_viewport_size({"width": 1280, "height": 800})
            reader.go(url)
            tap(reader, "#act:not([hidden]) #open")
            wait(reader, "!document.querySelector('.gate')")
            found += [f"{url[:40]}: {line}" for line in judge(reader.page, axe_source, TURNS[n % 2])]
    assert not found, "\n".join(found)


# --- the shell -----------------------------------------------------------------------------------------------------


def test_the_shell_says_the_same_for_everybody(site: SealedSite, link: Link) -> None:
    other = site.put(html("<h1>Bo</h1>" * 2000, language="ar"))
    first, second = (re.split(r'id="sealed">[^<]*<', (site.folder / one.file).read_text()) for one in (link, other))
    assert first == second
    head = first[0][: first[0].index("</head>")]
    order = ["charset", "Content-Security-Policy", "no-referrer", "noindex,nofollow", "viewport", "<title>", "<style>"]
    assert [head.index(name) for name in order] == sorted(head.index(name) for name in order)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', head)
    script, style = (
        base64.b64encode(hashlib.sha256(re.findall(f"<{tag}>(.*?)</{tag}>", "".join(first), re.S)[0].encode()).digest())
        for tag in ("script", "style")
    )
    assert unescape(policy) == (
        f"default-src 'none'; script-src 'sha256-{script.decode()}'; style-src 'self' 'sha256-{style.decode()}'; "
        "font-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types portalgen"
    )


def test_the_gate_speaks_the_readers_language(chromium: Browser, tmp_path: Path) -> None:
    site_yaml = sealed(MINIMAL["content/site.yaml"]).replace(
        "language: en", "language: en\n  languages: [en, de, ga, ar]"
    )
    site = sealed_site(tmp_path / "site", tmp_path / "output", {"content/site.yaml": site_yaml})
    setup = json.loads(re.findall(r'id="setup">(.*?)</script>', site.shell.tail.decode(), re.S)[0])
    assert [words["lang"] for words in setup["words"]] == ["en", "de", "ar"]
    link = site.put(html(SAID))
    with file_server(site.folder) as origin:
        for locale, language, direction in (("de-AT", "de", "ltr"), ("ar", "ar", "rtl"), ("sv", "en", "ltr")):
            with chromium_reader(chromium, locale=locale) as reader:
                reader.go(f"{origin}/{link}")
                wait(reader, "!document.querySelector('#act').hidden")
                root = "document.documentElement"
                assert reader.run(f"[{root}.lang, {root}.dir]") == [language, direction]
                words = next(words for words in setup["words"] if words["lang"] == language)
                assert words["gate"]["title"] in text(reader)
                tap(reader, "#open")
                wait(reader, OPENED)
                assert reader.run(f"[{root}.lang, {root}.dir]") == ["en", "ltr"], "the page has a language of its own"


def test_a_site_changes_the_gate_but_not_the_script(tmp_path: Path) -> None:
    own = {
        "templates/sealed.html": "{% extends 'theme/sealed.html' %}",
        "templates/sealed.css": ".gate { color: teal }",
        "templates/unlock.js": "alert(1)",
    }
    site = sealed_site(tmp_path / "site", tmp_path / "output", own)
    whole = site.shell.around(b"x").decode()
    assert "color: teal" in whole
    assert "alert(1)" not in whole
    told = invoke("check", "--site", tmp_path / "site", "--today", DEMO_DAY, "--json").json["problems"]
    assert [(problem["path"], problem["code"]) for problem in told] == [("templates/unlock.js", "unused-template")]
    gate = (builtin_folder() / "parts/gate.html").read_text()
    for name, text_, said in (
        ("sealed.html", "<p>nothing</p>", "view.sealed"),
        ("parts/gate.html", gate.replace('"gone"', '"done"'), "says"),
        ("sealed.html", "{{ view.nothing }}", "nothing"),
    ):
        with pytest.raises(TemplateProblem) as error:
            sealed_site(tmp_path / "other", tmp_path / "none", {f"templates/{name}": text_})
        assert error.value.finding.path == f"templates/{name}"
        assert said in error.value.finding.message
        shutil.rmtree(tmp_path / "other")


def test_ways_to_pay_and_to_write_lead_on(chromium: Browser, tmp_path: Path) -> None:
    site_yaml = sealed(MINIMAL["content/site.yaml"]).replace(
        "  methods:\n",
        "  channels: [{kind: sms, value: '+353 1 234'}]\n  methods:\n    - {id: upi, kind: upi, label: UPI, vpa: mira@bank}\n",
    )
    wanted = [
        "upi://pay?pa=mira@bank&am=1",
        "sms:+3531234",
        "tel:+3531234",
        "mailto:a@b.example",
        "https://pay.example/",
    ]
    body = SAID + "".join(
        f'<a href="{address}">x</a>' for address in [*wanted, "bitcoin:1", "http://x.example/", "intent:x"]
    )
    hrefs = "[...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))"
    for text_, schemes in ((site_yaml, 2), (sealed(MINIMAL["content/site.yaml"]), 0)):
        folder = tmp_path / str(schemes)
        site = sealed_site(folder / "site", folder / "output", {"content/site.yaml": text_})
        with file_server(site.folder) as origin, chromium_reader(chromium, service_workers="block") as reader:
            opened(reader, f"{origin}/{site.put(html(body))}")
            assert reader.run(hrefs) == [*(wanted if schemes else [None, None, *wanted[2:]]), None, None, None]


# --- a second hand -------------------------------------------------------------------------------------------------


def second_hand(*args: str, given: bytes = b"") -> bytes:
    """What a program says that was written from the contract alone, with other libraries."""
    node = program("node")
    assert node, "Node is not installed"
    done = subprocess.run(
        [node, str(ROOT / "tests" / "unseal.mjs"), *args], input=given, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def as_json(files: tuple[Enclosed, ...]) -> list[dict[str, str]]:
    return [{"n": file.name, "t": file.type, "b64": base64.b64encode(file.content).decode()} for file in files]


def test_a_second_hand_derives_opens_and_seals_the_same(site: SealedSite, link: Link) -> None:
    keyring, salt = site.keyring, (7).to_bytes(16, "big").hex()
    assert json.loads(second_hand("derive", SECRET.hex(), salt, "3")) == {
        "key_id": keyring.key_id,
        "token": keyring.token(salt, 3),
        "locator": keyring.locator(salt, 3),
        "R": keyring.secret(salt, 3).hex(),
        "fragment": keyring.fragment(salt, 3),
    }
    moment = dt.datetime(2199, 12, 1, 23, tzinfo=dt.UTC)
    for files, expires in ((portal(), None), ((html("Grüße, Ana \U0001f375" * 9000),), moment)):
        made = site.put(*files, expires=expires)
        opened = json.loads(second_hand("open", made.fragment, given=(site.folder / made.file).read_bytes()))
        assert opened["files"] == as_json(files)
        assert opened["exp"] == ("2199-12-01T23:00:00Z" if expires else None)


def test_what_a_second_hand_sealed_opens_here(reader: Reader, site: SealedSite, origin: str) -> None:
    link = site.link()
    wanted = json.dumps({"exp": "2199-12-01T23:00:00Z", "files": as_json(portal())}).encode()
    made = second_hand("seal", link.secret.hex(), given=wanted)
    assert made == seal(link.secret, portal(), dt.datetime(2199, 12, 1, 23, tzinfo=dt.UTC)), "to the byte"
    assert unseal(link.secret, made).files == portal()
    opened(reader, f"{origin}/{site.write(link, made)}")


# --- odd places ----------------------------------------------------------------------------------------------------


def test_on_an_open_connection_it_leads_to_the_secure_one(chromium: Browser, site: SealedSite, link: Link) -> None:
    with chromium_reader(chromium, service_workers="block") as reader:
        seen: list[str] = []

        def answer(route: Route) -> None:
            seen.append(route.request.url)
            path = site.folder / route.request.url.partition(".example/")[2].partition("#")[0]
            route.fulfill(path=path) if path.is_file() else route.abort()

        reader.page.context.route("**/*", answer)
        reader.go(f"http://quiet.example/{link}")
        wait(reader, "document.body.innerText.includes('opens on a secure connection only')")
        tap(reader, "#open")
        wait(
            reader,
            "location.protocol === 'https:' && document.querySelector('#act') && !document.querySelector('#act').hidden",
        )
        assert reader.run("location.href") == f"https://quiet.example/{link}"
        assert seen[0].startswith("http://"), "the fragment never went out"


def test_an_old_browser_and_one_without_scripts_are_told(chromium: Browser, origin: str, link: Link) -> None:
    with chromium_reader(chromium, "Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})") as reader:
        reader.go(f"{origin}/{link}")
        wait(reader, "document.body.innerText.includes('This browser cannot open the page')")
    with tab(chromium, java_script_enabled=False) as bare:
        bare.goto(f"{origin}/{link}")
        said = bare.inner_text("body")
        assert "does not run JavaScript" in said
        assert "mira@practice.example" in said
        assert not bare.is_visible("#open")


@pytest.mark.parametrize("written", ["%23", "%2523"])
def test_404_mends_a_link_that_a_mail_filter_broke(
    reader: Reader, site: SealedSite, link: Link, missing_at: str, written: str
) -> None:
    reader.go(f"{missing_at}/{link.file}{written}{link.fragment}/receipts/r-1")
    wait(reader, "document.body.innerText.includes('Your link was changed on its way')")
    assert "ask me for a new link" in text(reader)
    assert "This page is not here" not in text(reader)
    assert reader.run("document.querySelector('#mended').href") == f"{missing_at}/{link}/receipts/r-1"
    tap(reader, "#mended")
    tap(reader, "#act:not([hidden]) #open")
    wait(reader, "document.body.innerText.includes('Received with thanks')")
    for other in ("nothing", f"{link.file}x", f"p/%23{link.fragment}", f"{link.file}%23{cut(link)}"):
        reader.go(f"{missing_at}/{other}")
        wait(reader, "document.body.innerText.includes('This page is not here')")
        assert "changed on its way" not in text(reader)
    reader.go(f"{missing_at}//evil.example/{link.file}{written}{link.fragment}")
    assert reader.run("new URL(document.querySelector('#mended').href).host").startswith("127.0.0.1")


def test_404_says_the_same_without_a_script(chromium: Browser, site: SealedSite, link: Link, missing_at: str) -> None:
    with tab(chromium, java_script_enabled=False) as bare:
        bare.goto(f"{missing_at}/{link.file}%23{link.fragment}")
        assert "This page is not here" in bare.inner_text("body")
        assert "changed on its way" not in bare.inner_text("body")
