"""`portalgen verify` against a host that does as it is told, and against one with each fault."""

from __future__ import annotations

import gzip
import http.client
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from portalgen.publish.hosting import HEADERS, PRIVATE_HEADERS
from portalgen.publish.verify import fits
from portalgen.site.links import shown
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Built, Result, invoke, minimal_site

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".xml": "text/xml", ".txt": "text/plain"}


class Reply(NamedTuple):
    """One answer of the host."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Manner = Callable[[str, Reply], Reply]
"""How a host differs from a good one: (path without the first slash, what a good host answers) → what it answers."""


class Host(NamedTuple):
    """A running host: its address, what it is asked, and how it answers from now on."""

    address: str
    asked: list[str]
    folder: Path
    manners: list[Manner]


def good(folder: Path, target: str) -> Reply:
    """What a host with the generated settings answers."""
    path = unquote(target.partition("?")[0]).removeprefix("/")
    private = path.startswith("p/")
    headers = {**HEADERS, **(PRIVATE_HEADERS if private else {})}
    place = folder / (path + "index.html" if path.endswith("/") or not path else path)
    if place.is_dir():
        return Reply(301, {**headers, "Location": f"/{path}/"}, b"")
    status = 200 if place.is_file() else 404
    place = place if status == 200 else folder / "404.html"
    return Reply(status, {**headers, "Content-Type": TYPES.get(place.suffix, "font/woff2")}, place.read_bytes())


@contextmanager
def hosting(folder: Path, protocol: str = "HTTP/1.1") -> Iterator[Host]:
    """A host for a folder on a free port of this machine."""
    asked: list[str] = []
    manners: list[Manner] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def do_GET(self) -> None:
            asked.append(f"{self.requestline}\n{self.headers}")
            reply = good(folder, self.path)
            for manner in manners:
                reply = manner(self.path.removeprefix("/"), reply)
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield Host(f"http://127.0.0.1:{server.server_address[1]}/", asked, folder, manners)
        finally:
            server.shutdown()
            thread.join()


def settings(mode: str, host: str = "") -> str:
    text = MINIMAL["content/site.yaml"].replace("mode: unlisted", f"mode: {mode}")
    return text + (f"hosting: {{host: {host}}}\n" if host else "")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A sealed site, built once more after its front page changed; the first state is in `before/`."""
    root = tmp_path_factory.mktemp("verified")
    minimal_site(root, {**MINIMAL_CLIENT, "content/site.yaml": settings("sealed")})
    assert invoke("build", "--site", root, "--today", DEMO_DAY).code == 0
    shutil.copytree(root / "output", root / "before")
    (root / "content/pages/home.md").write_text(MINIMAL["content/pages/home.md"] + "\nWith a window.\n")
    result = invoke("build", "--site", root, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    return Built(root, root / "output", result.json)


@pytest.fixture(scope="module")
def one_host(built: Built) -> Iterator[Host]:
    with hosting(built.output) as host:
        yield host


@pytest.fixture
def host(one_host: Host) -> Iterator[Host]:
    """The host as it should be; a test adds its manners."""
    yield one_host
    one_host.manners.clear()
    one_host.asked.clear()


def verify(built: Built, host: Host, *args: str | Path) -> Result:
    return invoke("verify", host.address, "--site", built.site, *args)


def faults(built: Built, host: Host, code: int = 3) -> dict[str, str]:
    """What `verify` names, with what it says about it."""
    result = verify(built, host, "--json")
    assert result.code == code, result
    return {fault["at"]: fault["message"] for fault in result.json["faults"]}


def page(built: Built) -> str:
    """The path of a sealed page."""
    return next(path for path in files(built) if path.startswith("p/") and path != "p/index.html")


def files(built: Built) -> list[str]:
    return sorted(path.relative_to(built.output).as_posix() for path in built.output.rglob("*") if path.is_file())


# --- what is as it should be --------------------------------------------------------------------------


def test_a_good_host_passes_in_one_line(built: Built, host: Host) -> None:
    result = verify(built, host)
    assert result.code == 0, result
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    assert f"{len(files(built))} files" in result.stdout
    data = verify(built, host, "--json").json
    assert set(data) == {"url", "files", "refused", "faults", "notes"}
    assert (data["files"], data["faults"], data["notes"]) == (len(files(built)), [], [])


def test_every_file_is_asked_for_and_no_key_of_a_page(built: Built, host: Host) -> None:
    result = verify(built, host, "--json")
    assert result.code == 0
    asked = {line.split()[1].removeprefix("/") for line in host.asked}
    assert asked >= set(files(built))
    keys = [link["url"].partition("#")[2].partition("/")[0] for link in built.links]
    assert len(keys) >= 2
    assert all(len(key) == 56 for key in keys)
    told = "\n".join([*host.asked, result.stdout, result.stderr])
    for key in keys:
        assert key not in told
        assert key[:20] not in told


def test_a_host_may_strip_html_compress_and_keep_its_own_files(built: Built, host: Host) -> None:
    def manner(path: str, reply: Reply) -> Reply:
        if path.endswith("index.html"):
            return Reply(308, {**reply.headers, "Location": f"/{path.removesuffix('index.html')}"}, b"")
        if path.endswith(".html") and path != "404.html" and reply.status == 200:
            return Reply(308, {**reply.headers, "Location": f"/{path.removesuffix('.html')}"}, b"")
        if (built.output / f"{path}.html").is_file():
            reply = good(built.output, f"/{path}.html")
        return reply._replace(headers={**reply.headers, "Content-Encoding": "gzip"}, body=gzip.compress(reply.body))

    host.manners.append(manner)
    assert faults(built, host, 0) == {}


def test_a_host_may_close_every_connection(built: Built) -> None:
    with hosting(built.output, "HTTP/1.0") as host:
        assert faults(built, host, 0) == {}


# --- files --------------------------------------------------------------------------------------------


def test_a_flipped_byte_is_named(built: Built, host: Host) -> None:
    path = page(built)

    def manner(asked: str, reply: Reply) -> Reply:
        if asked != path:
            return reply
        at = len(reply.body) // 2
        flipped = reply.body[:at] + bytes((reply.body[at] ^ 1,)) + reply.body[at + 1 :]
        return reply._replace(body=flipped)

    host.manners.append(manner)
    assert list(faults(built, host)) == [path]
    result = verify(built, host)
    assert result.code == 3
    assert path in result.stderr
    assert "never built" in result.stderr
    assert "1 thing to mend" in result.stdout


def test_an_older_copy_is_told_from_a_changed_one(built: Built, host: Host) -> None:
    old = (built.site / "before" / "index.html").read_bytes()
    host.manners.append(lambda asked, reply: reply._replace(body=old) if asked in ("", "index.html") else reply)
    assert "an older copy" in faults(built, host)["index.html"]
    assert "upload output/ again" in verify(built, host).stderr


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        (lambda reply: reply._replace(status=404), "not at the host"),
        (lambda reply: reply._replace(status=403), "refuses it (status 403)"),
        (lambda reply: reply._replace(body=reply.body[:100]), "100 bytes instead of"),
        (lambda reply: reply._replace(body=reply.body + b"<script src=//x></script>" * 9000), "never built"),
        (
            lambda reply: Reply(302, {"Location": "https://elsewhere.example/x"}, b""),
            "leads to https://elsewhere.example",
        ),
        (lambda reply: Reply(302, {"Location": "contact/index.html"}, b""), "in a circle"),
        (lambda reply: reply._replace(headers={**reply.headers, "Content-Type": "text/plain"}), "it is text/plain"),
    ],
)
def test_a_file_that_readers_do_not_get_is_named(
    manner: Callable[[Reply], Reply], said: str, built: Built, host: Host
) -> None:
    path = "contact/index.html"
    if "circle" in said:
        manner = lambda reply: Reply(302, {"Location": f"/{path}"}, b"")  # noqa: E731
    host.manners.append(lambda asked, reply: manner(reply) if asked == path else reply)
    found = faults(built, host)
    assert list(found) == [path]
    assert said in found[path]


def test_a_page_for_wrong_addresses_in_place_of_a_file_is_no_copy(built: Built, host: Host) -> None:
    missing = (built.output / "404.html").read_bytes()
    host.manners.append(lambda asked, reply: reply._replace(body=missing) if asked == page(built) else reply)
    assert "not at the host" in faults(built, host)[page(built)]


# --- addresses where nothing may be -------------------------------------------------------------------


def test_a_private_page_that_was_taken_away_is_found(tmp_path: Path) -> None:
    minimal_site(tmp_path, MINIMAL_CLIENT)
    assert invoke("build", "--site", tmp_path, "--today", DEMO_DAY).code == 0
    shutil.copytree(tmp_path / "output" / "p", tmp_path / "old")
    (tmp_path / "content/site.yaml").write_text(settings("sealed"))
    lock = tmp_path / "portalgen.lock"  # one from before links told the modes they were published in
    lock.write_text(lock.read_text().replace('"modes": ["unlisted"], ', ""))
    assert invoke("build", "--site", tmp_path, "--today", DEMO_DAY).code == 0
    site = Built(tmp_path, tmp_path / "output", {})
    with hosting(tmp_path / "output") as host:
        assert faults(site, host, 0) == {}
        tokens = sorted(path.name for path in (tmp_path / "old").iterdir() if path.is_dir())
        for token in tokens:
            shutil.copytree(tmp_path / "old" / token, tmp_path / "output" / "p" / token)
        found = faults(site, host)
        assert set(found) == {f"p/{token[:6]}…/index.html" for token in tokens}
        assert all("taken away" in message for message in found.values())
        # without the key nobody can say where such pages were
        (tmp_path / ".portalgen/key").unlink()
        result = verify(site, host)
        assert result.code == 0, result
        assert "note: pages that were taken away could not be looked for" in result.stderr


def test_a_page_whose_link_was_replaced_and_that_still_opens_is_found(tmp_path: Path) -> None:
    minimal_site(tmp_path, {**MINIMAL_CLIENT, "content/site.yaml": settings("sealed")})
    assert invoke("build", "--site", tmp_path, "--today", DEMO_DAY).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "output/p").glob("*.html")}
    assert invoke("link", "rotate", "ana", "--site", tmp_path).code == 0
    assert invoke("build", "--site", tmp_path, "--today", DEMO_DAY).code == 0
    replaced = [name for name, old in before.items() if (tmp_path / "output/p" / name).read_bytes() != old]
    assert len(replaced) == 1
    shutil.copytree(tmp_path / "output", tmp_path / "host")
    (tmp_path / "host/p" / replaced[0]).write_bytes(before[replaced[0]])
    with hosting(tmp_path / "host") as host:
        found = faults(Built(tmp_path, tmp_path / "output", {}), host)
    assert list(found) == [f"p/{replaced[0]}"]
    assert "its link has ended, but it still opens" in found[f"p/{replaced[0]}"]


def test_a_soft_404_is_one_fault(built: Built, host: Host) -> None:
    host.manners.append(lambda asked, reply: reply._replace(status=200) if reply.status == 404 else reply)
    found = faults(built, host)
    assert len(found) == 1
    assert "every address where nothing is answers with status 200" in "".join(found.values())


def test_a_strange_page_for_wrong_addresses_is_a_fault(built: Built, host: Host) -> None:
    host.manners.append(lambda asked, reply: reply._replace(body=b"no!") if reply.status == 404 else reply)
    assert "a page that is not yours" in "".join(faults(built, host).values())


def test_a_link_with_a_mangled_hash_has_to_reach_its_page(built: Built, host: Host) -> None:
    host.manners.append(
        lambda asked, reply: reply._replace(status=400, body=b"Bad Request") if "%23" in asked else reply
    )
    found = faults(built, host)
    assert len(found) == 1
    (at,) = found
    assert at.startswith(page(built) + "%23")
    assert "a link with %23 in place of # answers with status 400" in found[at]


@pytest.mark.parametrize("where", ["p/", "?list-type=2&prefix=p/"])
def test_a_list_of_private_files_is_found(where: str, built: Built, host: Host) -> None:
    listing = f"<a href='{page(built).removeprefix('p/')}'>x</a>".encode()
    host.manners.append(lambda asked, reply: Reply(200, reply.headers, listing) if asked == where else reply)
    assert faults(built, host) == {where: "the host lists your private pages there"}


# --- headers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in HEADERS if name != "Strict-Transport-Security"])
def test_a_missing_header_is_named_with_what_it_must_say(name: str, built: Built, host: Host) -> None:
    host.manners.append(
        lambda asked, reply: reply._replace(headers={key: value for key, value in reply.headers.items() if key != name})
    )
    assert list(faults(built, host)) == [name]
    result = verify(built, host)
    assert HEADERS[name] in result.stderr


def test_a_header_that_is_missing_on_errors_alone_is_named(built: Built, host: Host) -> None:
    host.manners.append(lambda asked, reply: reply._replace(headers={}) if reply.status == 404 else reply)
    found = faults(built, host)
    assert set(found) == {*HEADERS, *PRIVATE_HEADERS} - {"Strict-Transport-Security"}
    assert "a wrong address" in found["X-Frame-Options"]
    assert "below p/" in found["X-Robots-Tag"]


@pytest.mark.parametrize("name", PRIVATE_HEADERS)
def test_a_missing_header_of_private_pages_is_named(name: str, built: Built, host: Host) -> None:
    host.manners.append(
        lambda asked, reply: (
            reply._replace(headers={**reply.headers, name: "public"}) if asked == page(built) else reply
        )
    )
    assert faults(built, host) == {name: f"this header says “public”: {page(built)}"}


@pytest.mark.parametrize(
    ("name", "said", "well"),
    [
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload", True),
        ("Strict-Transport-Security", "max-age=300", False),
        ("Strict-Transport-Security", "", False),
        ("X-Content-Type-Options", "nosniff, nosniff", True),
        ("X-Frame-Options", "SAMEORIGIN", False),
        ("Content-Security-Policy", "frame-ancestors 'none';", True),
        ("Content-Security-Policy", "frame-ancestors 'none'; script-src 'none'", False),
        ("Permissions-Policy", "camera=(),microphone=(), geolocation=(), usb=()", True),
        ("Permissions-Policy", "camera=()", False),
        ("Cache-Control", "private, no-cache, no-transform", True),
        ("Cache-Control", "public, private, no-cache, no-transform", False),
        ("Cache-Control", "public, max-age=600", False),
        ("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet", True),
        ("X-Robots-Tag", "nofollow", False),
    ],
)
def test_what_a_header_may_say(name: str, said: str, well: bool) -> None:
    assert fits(name, {**HEADERS, **PRIVATE_HEADERS}[name], said) is well


@pytest.mark.parametrize(("kind", "code"), [("github-pages", 0), ("netlify", 0), ("s3", 0), ("nginx", 3)])
def test_of_a_host_no_more_is_asked_than_it_can_do(kind: str, code: int, built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.site, tmp_path / "site")
    (tmp_path / "site/content/site.yaml").write_text(settings("sealed", kind))
    site = Built(tmp_path / "site", tmp_path / "site/output", {})
    with hosting(site.output) as host:
        bare = kind == "github-pages"
        host.manners.append(
            lambda asked, reply: (
                reply._replace(headers={"Content-Type": reply.headers.get("Content-Type", "")})
                if bare or reply.status == 404
                else reply
            )
        )
        result = verify(site, host)
        assert result.code == code, result
        assert ("note: this host cannot be told to send" in result.stderr) is bare


# --- https --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply(301, {"Location": "https://practice.example/"}, b""), ""),
        (Reply(308, {"Location": "https://www.practice.example/"}, b""), ""),
        (Reply(403, {}, b""), ""),
        (Reply(200, {}, b"<p>hello"), "it opens without https"),
        (Reply(302, {"Location": "/home/"}, b""), "it opens without https"),
    ],
)
def test_http_has_to_lead_to_https(
    reply: Reply, fault: str, built: Built, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host as one that is reached by its name: what is asked over https and http both comes to this machine."""
    port = int(host.address.rsplit(":", 1)[1].rstrip("/"))
    host.manners.append(lambda asked, answer: reply if _plain() else answer)
    ports: dict[int, int] = {}

    def connect(address: tuple[str, int], *args: object, **more: object) -> socket.socket:
        name, asked = address
        assert name == "practice.example"
        made = socket.socket()
        made.connect(("127.0.0.1", port))
        ports[asked] = ports.get(asked, 0) + 1
        return made

    def _plain() -> bool:
        return 80 in ports

    class Spoken(http.client.HTTPConnection):
        """https without its encryption, which is not what is tried here (`test_judges_hosts.py` has it)."""

        def __init__(self, host: str, port: int, *, timeout: float, context: object) -> None:
            super().__init__(host, port, timeout=timeout)

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(http.client, "HTTPSConnection", Spoken)
    result = invoke("verify", "https://practice.example/", "--site", built.site, "--json")
    found = {item["at"]: item["message"] for item in result.json["faults"]}
    assert found == ({"http://practice.example/": fault} if fault else {})
    assert 80 in ports
    assert 443 in ports


def test_another_origin_is_told_at_once(built: Built, host: Host) -> None:
    host.manners.append(lambda asked, reply: Reply(301, {"Location": f"https://www.practice.example/{asked}"}, b""))
    result = verify(built, host)
    assert result.code == 3, result
    assert "leads to https://www.practice.example" in result.stderr
    assert len(host.asked) == 1


# --- what keeps it from working -----------------------------------------------------------------------


def test_a_host_that_does_not_answer_is_no_fault_of_the_site(built: Built) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = invoke("verify", f"http://127.0.0.1:{port}/", "--site", built.site)
    assert result.code == 4, result
    assert "no web server answers" in result.stderr


def test_a_host_that_speaks_no_http_is_told_in_words(built: Built) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"220 mail.example ESMTP\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        result = invoke("verify", f"http://127.0.0.1:{server.getsockname()[1]}/", "--site", built.site)
        server.shutdown(socket.SHUT_RDWR)
    assert result.code == 4, result
    assert "does not answer as a web server does" in result.stderr


def test_only_what_was_built_can_be_compared(built: Built, host: Host, tmp_path: Path) -> None:
    fresh = minimal_site(tmp_path / "fresh")
    result = invoke("verify", host.address, "--site", fresh)
    assert result.code == 4, result
    assert "nothing was built" in result.stderr
    shutil.copytree(built.site, tmp_path / "touched")
    (tmp_path / "touched/output/robots.txt").write_text("touched")
    result = invoke("verify", host.address, "--site", tmp_path / "touched", "--json")
    assert result.code == 4, result
    assert "robots.txt is not as it was built" in result.json["problems"][0]["message"]
    assert host.asked == []


def test_a_clients_link_is_no_address_of_a_site_and_is_not_repeated(built: Built) -> None:
    link = built.links[0]["url"]
    for given in (link, link.replace("#", "%23"), "https://practice.example/?q#" + "a" * 56):
        result = invoke("verify", given, "--site", built.site)
        assert result.code == 2, result
        assert link.partition("#")[2] not in result.stdout + result.stderr
        assert "a" * 56 not in result.stdout + result.stderr


def test_the_address_comes_from_the_site_when_none_is_given(
    built: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[object] = []

    def refuse(address: object, *args: object, **more: object) -> socket.socket:
        asked.append(address)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", refuse)
    result = invoke("verify", "--site", built.site)
    assert result.code == 4, result
    assert "there is no host 'practice.example'" in result.stderr
    assert set(asked) == {("practice.example", 443)}


def test_where_a_path_opens_a_page_only_its_beginning_is_shown() -> None:
    token = "abcdefghijklmnopqrstuvwxyz234567"
    assert shown(f"p/{token}/index.html") == "p/abcdef…/index.html"
    assert shown(f"output/p/{token}/files/a.pdf") == "output/p/abcdef…/files/a.pdf"
    assert shown(f"p/{token}.html") == f"p/{token}.html"
