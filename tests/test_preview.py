"""The preview shows the site as it would be now, tells open pages what changed, and answers to this machine only."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from portalgen.desk.engine import Engine
from portalgen.desk.preview import Preview, PreviewFailed
from portalgen.desk.stage import Sealed, Stage, Update, compared, style_sheets
from portalgen.desk.watch import Edits, Worker
from portalgen.desk.web import content_type, with_live_script
from portalgen.publish.state import OutputFailed
from tests import readers
from tests.support import minimal_site

PATIENCE = 30.0
"""Seconds for what takes a moment, on a machine that has other things to do."""

STRICT = (
    "default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)


def page(text: str, style: str = "site.css", up: str = "") -> bytes:
    """A page as strict about scripts as the real ones are."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{STRICT}"><title>{text}</title>'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{up}{style}"></head>'
        f"<body><main><h1>{text}</h1></main></body></html>"
    ).encode()


class Built(NamedTuple):
    """What a build gave."""

    files: Mapping[str, bytes] | None
    problems: tuple[str, ...] = ()


class Whole:
    """Makes the whole site anew at every edit."""

    def __init__(self, build: Callable[[], Built]) -> None:
        self.build = build
        self.files: Mapping[str, bytes] | None = None
        self.edits: list[Edits] = []

    def begin(
        self, tell: Callable[[Update], None], tabs: Callable[[], Collection[str]], wake: Callable[[], None]
    ) -> None:
        self.tell = tell

    def update(self, edits: Edits) -> None:
        self.edits.append(edits)
        built = self.build()
        before = self.files or {}
        self.files = self.files if built.files is None else built.files
        self.tell(Update(self.files, built.problems, *compared(before, self.files or {})))

    def idle(self) -> float:
        return 60.0

    def look(self, page: str) -> None:
        """Everything is told at once."""

    def sealed(self, file: str) -> Sealed:
        return Sealed(None)

    def close(self) -> None:
        """Nothing is under way."""


class Site:
    """A site built as simply as can be: a page for every `content/*.md`, a style sheet named by its content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.builds = 0
        (root / "content").mkdir(parents=True)
        self.write("index", "Home")
        self.write("guide", "Guide")

    def write(self, name: str, text: str) -> None:
        """Save as careful editors do: beside it first, then over it."""
        target = self.root / "content" / (name if "." in name else f"{name}.md")
        beside = target.with_name(f".{target.name}.tmp")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, target)

    def build(self) -> Built:
        self.builds += 1
        files: dict[str, bytes] = {"p/one/index.html": page("Private", "site.css", "../../")}
        style = "site.css"
        if (sheet := self.root / "content" / "site.css").exists():
            data = sheet.read_bytes()
            style = f"assets/site.{hash(data):x}.css"
            files[style] = data
        if (picture := self.root / "content" / "room.svg").exists():
            files["room.svg"] = picture.read_bytes()
        if (base := self.root / "templates" / "base.html").exists():
            files["base.html"] = base.read_bytes()
        problems = []
        for path in sorted((self.root / "content").glob("*.md")):
            text = path.read_text(encoding="utf-8")
            if "CRASH" in text:
                raise RuntimeError("an error of ours")
            if "BROKEN" in text:
                problems.append(f"content/{path.name}:1:1: error[broken]: <b>{path.stem}</b> is broken")
            name = "index.html" if path.stem == "index" else f"{path.stem}/index.html"
            files[name] = page(text, style, "" if path.stem == "index" else "../")
        return Built(None if problems else files, tuple(problems))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@pytest.fixture
def shown(site: Site) -> Iterator[Preview]:
    with Preview(site.root, Whole(site.build), port=0) as preview:
        yield preview


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Preview]:
    """A preview of fixed files."""
    files: Mapping[str, bytes] = {
        "index.html": page("Home"),
        "a/index.html": page("A"),
        "für/index.html": "ü".encode(),
        "404.html": page("Nothing here"),
        "site.css": b"body {}",
        "x.ics": b"BEGIN:VCALENDAR",
        "plain.html": b"no end of a body",
        "deep/file.pdf": b"%PDF-",
    }
    with Preview(tmp_path, Whole(lambda: Built(files)), port=0) as preview:
        yield preview


def port_of(preview: Preview) -> int:
    return int(preview.url.rstrip("/").rpartition(":")[2])


Answer = tuple[int, dict[str, str], bytes]


def ask(preview: Preview, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(preview), timeout=PATIENCE)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


class Ear:
    """Listens to the events of a preview."""

    def __init__(self, preview: Preview, query: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port_of(preview), timeout=PATIENCE)
        self._connection.request("GET", f"/_portalgen/events{query}", headers=dict(headers or {}))
        self._response = self._connection.getresponse()
        assert self._response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        assert self._response.readline() + self._response.readline() == b"retry: 500\n\n"

    def next(self) -> tuple[str, list[str]]:
        """The kind and data of the next event."""
        kind, data = "message", None
        while line := self._response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
        assert data is not None, "the stream ended"
        return kind, data

    def close(self) -> None:
        self._response.close()
        self._connection.close()


@contextmanager
def listening(preview: Preview, query: str = "", headers: Mapping[str, str] | None = None) -> Iterator[Ear]:
    ask(preview, "/")  # so that the first build is over
    ear = Ear(preview, query, headers)
    try:
        yield ear
    finally:
        ear.close()


def build_id(body: bytes) -> str:
    found = re.search(rb'data-build="([^"]+)"', body)
    assert found is not None
    return found[1].decode()


# --- pages and files


@pytest.mark.parametrize(
    ("path", "status", "kind", "part"),
    [
        ("/", 200, "text/html; charset=utf-8", b"Home"),
        ("/index.html", 200, "text/html; charset=utf-8", b"Home"),
        ("/a/", 200, "text/html; charset=utf-8", b"<h1>A"),
        ("/a/?x=1", 200, "text/html; charset=utf-8", b"<h1>A"),
        ("/f%C3%BCr/", 200, "text/html; charset=utf-8", "ü".encode()),
        ("/site.css", 200, "text/css; charset=utf-8", b"body {}"),
        ("/x.ics", 200, "text/calendar; charset=utf-8", b"VCALENDAR"),
        ("/deep/file.pdf", 200, "application/pdf", b"%PDF-"),
        ("/nothing", 404, "text/html; charset=utf-8", b"Nothing here"),
        ("/deep/", 404, "text/html; charset=utf-8", b"Nothing here"),
        ("/../../../../etc/passwd", 404, "text/html; charset=utf-8", b"Nothing here"),
        ("/%2e%2e/%2e%2e/etc/passwd", 404, "text/html; charset=utf-8", b"Nothing here"),
        ("/%ff%00", 404, "text/html; charset=utf-8", b"Nothing here"),
        ("/_portalgen/live.js", 200, "text/javascript; charset=utf-8", b"EventSource"),
        ("/_portalgen/", 404, "text/html; charset=utf-8", b"Nothing here"),
    ],
)
def test_addresses_and_their_answers(sample: Preview, path: str, status: int, kind: str, part: bytes) -> None:
    answered, headers, body = ask(sample, path)
    assert (answered, headers["content-type"]) == (status, kind)
    assert part in body
    assert headers["cache-control"] == "no-store"
    assert not [name for name in headers if name.startswith("access-control-")]
    answered, asked, nothing = ask(sample, path, method="HEAD")
    assert (answered, nothing) == (status, b"")
    assert asked["content-length"] == headers["content-length"]


def test_a_folder_is_named_with_its_slash(sample: Preview) -> None:
    for path, target in (("/a", "/a/"), ("/a?x=1", "/a/?x=1"), ("/f%C3%BCr", "/f%C3%BCr/")):
        status, headers, _ = ask(sample, path)
        assert (status, headers["location"]) == (302, target)


def test_pages_carry_the_script_and_files_do_not(sample: Preview) -> None:
    body = ask(sample, "/a/")[2]
    assert re.search(
        rb'<script src="/_portalgen/live.js" data-build="[^"]+" data-pages="a/index.html"></script></body>', body
    )
    assert ask(sample, "/plain.html")[2].startswith(b"no end of a body<script")
    assert b"script" not in ask(sample, "/site.css")[2]


def test_the_policy_of_a_page_admits_the_script_and_nothing_else() -> None:
    live = with_live_script(page("x"), "1", ["x.html"], "http://localhost:1/_portalgen/").decode()
    assert (
        "default-src 'none'; script-src http://localhost:1/_portalgen/; style-src 'self'; img-src 'self' data:;" in live
    )
    assert "connect-src http://localhost:1/_portalgen/" in live
    escaped = b'<meta content="script-src &#39;none&#39;" http-equiv=content-security-policy>'
    assert b'content="script-src ours"' in with_live_script(escaped, "1", [], "ours")
    assert b'content="img-src x"' in with_live_script(
        escaped.replace(b"script-src &#39;none&#39;", b"img-src x"), "", [], ""
    )


def test_types_do_not_depend_on_the_machine() -> None:
    names = ["a.js", "a.woff2", "a.webp", "a.svg", "a.json", "a.xml", "a.txt", "a.gz", "CNAME", "b/.htaccess"]
    assert [content_type(name).partition(";")[0] for name in names] == [
        *("text/javascript", "font/woff2", "image/webp", "image/svg+xml", "application/json", "application/xml"),
        *("text/plain", "application/octet-stream", "application/octet-stream", "application/octet-stream"),
    ]


# --- who may look


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("[::1]:{port}", 200),
        ("localhost", 421),
        ("localhost:1", 421),
        ("evil.example:{port}", 421),
        ("localhost.evil.example:{port}", 421),
        ("192.168.1.5:{port}", 421),
        ("", 421),
    ],
)
def test_a_foreign_host_is_not_answered(sample: Preview, host: str, status: int) -> None:
    for path in ("/", "/_portalgen/live.js", "/x.ics"):
        answered, _, body = ask(sample, path, headers={"Host": host.format(port=port_of(sample))})
        assert answered == status
        assert status == 200 or b"Home" not in body
    answered, _, _ = ask(sample, "/_portalgen/events", headers={"Host": "evil.example"})
    assert answered == 421


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this machine has one such address only")
def test_no_other_address_of_this_machine_is_listened_at(sample: Preview) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port_of(sample)), PATIENCE).close()


def test_the_host_that_was_asked_for_is_answered(tmp_path: Path) -> None:
    with Preview(tmp_path, Whole(lambda: Built({"index.html": b"x"})), host="127.0.0.2", port=0) as preview:
        assert preview.url.startswith("http://127.0.0.2:")
        connection = http.client.HTTPConnection("127.0.0.2", port_of(preview), timeout=PATIENCE)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("192.168.1.5:{port}", 200),
        ("[fe80::1]:{port}", 200),
        ("localhost:{port}", 200),
        ("192.168.1.5:1", 421),
        ("192.168.1.5", 421),
        ("[192.168.1.5]:{port}", 421),
        ("fe80::1:{port}", 421),
        ("[fe80::1%x;script-src *]:{port}", 421),
        ("practice.example:{port}", 421),
        ("192.168.1.5.evil.example:{port}", 421),
        (":{port}", 421),
        ("", 421),
    ],
)
def test_who_listens_everywhere_answers_to_numbers_and_to_no_name(tmp_path: Path, host: str, status: int) -> None:
    with Preview(tmp_path, Whole(lambda: Built({"index.html": b"x"})), host="0.0.0.0", port=0) as preview:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(preview), timeout=PATIENCE)
        connection.request("GET", "/", headers={"Host": host.format(port=port_of(preview))})
        assert connection.getresponse().status == status
        connection.close()


def test_what_the_disk_refuses_is_shown_as_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(minimal_site(tmp_path), None)
    told: list[Update] = []
    engine.begin(told.append, tuple, lambda: None)
    for error in (
        OutputFailed("no permission to write: it", "mend it"),
        PermissionError(13, "Permission denied", "it"),
    ):

        def refuse(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("portalgen.desk.engine.ground_of", refuse)
            engine.update(None)
        shown = told[-1]
        assert shown.files is None
        assert len(shown.problems) == 1
        assert "permission" in shown.problems[0].lower()
        assert "it" in shown.problems[0].splitlines()[0]
        assert len(shown.problems[0].splitlines()) == 2
    engine.update(frozenset())
    assert told[-1].problems == ()
    assert told[-1].files is not None
    assert "index.html" in told[-1].files


def test_two_hosts_or_none_are_refused(sample: Preview) -> None:
    port = port_of(sample)
    for heads in ("", f"Host: localhost:{port}\r\nHost: evil.example\r\n"):
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as raw:
            raw.sendall(f"GET / HTTP/1.1\r\n{heads}\r\n".encode())
            assert raw.recv(64).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-origin", 200), ("same-site", 200), ("none", 200)]
)
def test_requests_of_other_sites_are_refused(sample: Preview, site: str, status: int) -> None:
    for path in ("/", "/_portalgen/live.js", "/site.css"):
        assert ask(sample, path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_one_can_only_look(sample: Preview, method: str) -> None:
    status, headers, _ = ask(sample, "/", method=method)
    assert (status, headers["allow"], headers["connection"]) == (405, "GET, HEAD", "close")


# --- edits


def test_an_edit_names_the_pages_it_changed(site: Site, shown: Preview) -> None:
    with listening(shown) as ear:
        site.write("guide", "Better guide")
        assert ear.next() == ("message", ["guide/index.html"])
        assert b"Better guide" in ask(shown, "/guide/")[2]
        site.write("new", "New")
        assert ear.next() == ("message", ["new/index.html"])
        (site.root / "content/guide.md").unlink()
        assert ear.next() == ("message", ["guide/index.html"])
        assert ask(shown, "/guide/")[0] == 404


def test_a_saved_file_in_place_and_a_new_templates_folder_are_seen(site: Site, shown: Preview) -> None:
    with listening(shown) as ear:
        (site.root / "content/index.md").write_text("In place", encoding="utf-8")
        assert ear.next() == ("message", ["index.html"])
        wait_until(lambda: b"In place" in ask(shown, "/")[2])
        (site.root / "templates").mkdir()
        time.sleep(0.3)  # so that the file comes after the folder is watched; else that is looked through
        (site.root / "templates/base.html").write_text("x", encoding="utf-8")
        wait_until(lambda: ask(shown, "/base.html")[0] == 200)


def test_a_content_folder_that_is_replaced_is_still_watched(site: Site, shown: Preview) -> None:
    with listening(shown) as ear:
        (site.root / "content").rename(site.root / "elsewhere")
        assert ear.next()[1] == ["guide/index.html", "index.html"]
        (site.root / "elsewhere").rename(site.root / "content")
        assert ear.next()[1] == ["guide/index.html", "index.html"]
        site.write("guide", "Still watched")
        assert ear.next() == ("message", ["guide/index.html"])


def test_what_is_no_edit_builds_nothing(site: Site) -> None:
    engine = Whole(site.build)
    with Preview(site.root, engine, port=0) as preview:
        ask(preview, "/")
        (site.root / "content/index.md").read_text(encoding="utf-8")
        (site.root / "content/.index.md.swp").write_text("x", encoding="utf-8")
        (site.root / "content/index.md~").write_text("x", encoding="utf-8")
        (site.root / "output").mkdir()
        (site.root / "output/index.html").write_text("x", encoding="utf-8")
        time.sleep(0.3)
        # what is written last is told last
        site.write("guide", "x")
        (site.root / "portalgen.lock").write_text("x", encoding="utf-8")
        wait_until(lambda: {"content/guide.md", "portalgen.lock"} <= told(engine))
    assert told(engine) == {"content/guide.md", "portalgen.lock"}, "a build that reads its sources is no edit"
    assert engine.edits.count(None) <= 2, "at the start, and once more if it took long to watch every folder"


def told(engine: Whole) -> set[str]:
    """Every path that was told of."""
    return {path for edits in [*engine.edits] for path in edits or ()}


def test_edits_are_told_by_their_paths(site: Site) -> None:
    engine = Whole(site.build)
    with Preview(site.root, engine, port=0) as preview:
        ask(preview, "/")
        site.write("guide", "x")
        wait_until(lambda: told(engine) == {"content/guide.md"})
        (site.root / "content/clients/ana").mkdir(parents=True)
        (site.root / "content/clients/ana/plan.md").write_text("x", encoding="utf-8")
        wait_until(lambda: "content/clients/ana/plan.md" in told(engine))
        (site.root / "content/clients/ana").rename(site.root / "content/clients/bo")
        wait_until(lambda: {"content/clients/ana", "content/clients/bo"} <= told(engine))
        (site.root / "content/static/.well-known").mkdir(parents=True)
        (site.root / "content/static/.well-known/x").write_text("x", encoding="utf-8")
        wait_until(lambda: "content/static/.well-known/x" in told(engine))
        (site.root / ".lock.tmp").write_text("x", encoding="utf-8")
        (site.root / ".lock.tmp").replace(site.root / "portalgen.lock")
        wait_until(lambda: "portalgen.lock" in told(engine))
        (site.root / "output").mkdir()
        (site.root / "templates").mkdir()
        wait_until(lambda: None in engine.edits[1:])
        (site.root / "templates/x.html").write_text("x", encoding="utf-8")
        wait_until(lambda: "templates/x.html" in told(engine))
    assert not any(path.startswith("output") for path in told(engine))


def test_polling_sees_edits_too(site: Site) -> None:
    with Preview(site.root, Whole(site.build), port=0, poll=True) as preview, listening(preview) as ear:
        site.write("guide", "A longer guide")
        assert ear.next() == ("message", ["guide/index.html"])


def test_a_new_style_sheet_restyles_pages_that_change_in_nothing_else(site: Site, shown: Preview) -> None:
    site.write("site.css", "h1 { color: red }")
    wait_until(lambda: b"assets/" in ask(shown, "/")[2])
    with listening(shown) as ear:
        site.write("site.css", "h1 { color: green }")
        assert ear.next() == ("style", ["guide/index.html", "index.html"])
        kind, changed = ear.next()
        assert kind == "message"
        assert all(re.fullmatch(r"assets/site\.-?[0-9a-f]+\.css", address) for address in changed)
        sheets = json.loads(ask(shown, "/_portalgen/styles?page=guide/index.html")[2])
        assert sheets == style_sheets(ask(shown, "/guide/")[2])
        assert [f"../{address}" for address in changed].count(sheets[0]) == 1
        assert ask(shown, "/_portalgen/styles?page=none.html")[0] == 404


def test_problems_are_told_and_the_last_good_page_stays_until_they_are_solved(site: Site, shown: Preview) -> None:
    with listening(shown) as ear:
        site.write("guide", "BROKEN")
        assert ear.next() == ("problems", ["content/guide.md:1:1: error[broken]: <b>guide</b> is broken"])
        assert b"<h1>Guide</h1>" in ask(shown, "/guide/")[2]
        with listening(shown) as late:
            assert late.next()[0] == "problems", "a page opened now hears of them as well"
        site.write("guide", "Mended")
        assert ear.next() == ("problems", [])
        assert ear.next() == ("message", ["guide/index.html"])


def test_a_first_build_that_fails_is_shown_and_heals(site: Site) -> None:
    site.write("index", "BROKEN")
    with Preview(site.root, Whole(site.build), port=0) as preview:
        for path in ("/", "/guide/", "/anything.pdf"):
            status, headers, body = ask(preview, path)
            assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert b"error[broken]: &lt;b&gt;index&lt;/b&gt; is broken" in body
            assert b'data-pages="*"' in body
        with listening(preview) as ear:
            assert ear.next()[0] == "problems"
            site.write("index", "Mended")
            assert ear.next() == ("problems", [])
            assert ear.next() == ("message", ["guide/index.html", "index.html", "p/one/index.html"])
        assert b"Mended" in ask(preview, "/")[2]


def test_a_bug_in_the_build_is_shown_and_the_preview_goes_on(site: Site) -> None:
    heard: list[str] = []
    with Preview(site.root, Whole(site.build), port=0, report=heard.append) as preview, listening(preview) as ear:
        site.write("guide", "CRASH")
        kind, texts = ear.next()
        assert kind == "problems"
        assert "RuntimeError: an error of ours" in texts[0]
        site.write("guide", "Mended")
        assert ear.next() == ("problems", [])
        wait_until(lambda: len(heard) == 3)
    assert "an error of ours" in heard[0]
    assert heard[1:] == ["All problems are solved.", "Updated guide/index.html"]


def test_a_listener_that_is_gone_does_not_stop_the_preview(site: Site) -> None:
    def report(text: str) -> None:
        raise BrokenPipeError

    with Preview(site.root, Whole(site.build), port=0, report=report) as preview, listening(preview) as ear:
        for text in ("one", "two"):
            site.write("guide", text)
            assert ear.next() == ("message", ["guide/index.html"])


# --- pages that come late


def test_a_page_learns_what_changed_while_it_was_not_connected(site: Site, shown: Preview) -> None:
    old = build_id(ask(shown, "/")[2])
    with listening(shown) as ear:
        site.write("guide", "Changed")
        ear.next()
    for query, headers in ((f"?build={old}", {}), ("?build=other-3", {"Last-Event-ID": old})):
        with listening(shown, query, headers) as ear:
            assert ear.next() == ("message", ["guide/index.html"])
    with listening(shown, f"?build={build_id(ask(shown, '/')[2])}") as ear:
        site.write("index", "Changed too")
        assert ear.next() == ("message", ["index.html"]), "nothing is told twice"


@pytest.mark.parametrize("build", ["other-1", "nonsense", "-", "{run}-99", "{run}-x", "{run}-²"])
def test_a_page_of_another_run_reloads(shown: Preview, build: str) -> None:
    run = build_id(ask(shown, "/")[2]).partition("-")[0]
    with listening(shown, headers={"Last-Event-ID": build.format(run=run).encode().decode("latin-1")}) as ear:
        assert ear.next() == ("reload", [])


def test_a_page_from_too_long_ago_reloads() -> None:
    stage = Stage()
    stage.take(Update({"a": b"0"}))
    old = stage.current().build
    for _ in range(300):
        stage.take(Update({"a": b"x"}, changed=("a",)))
    assert "event: reload" in next(stage.events(old))
    assert "event" not in next(stage.events(old.replace("-1", "-250")))


def test_the_state_keeps_what_is_good_and_counts_only_changes() -> None:
    stage = Stage()
    files = {"a.html": b"a", "b.html": b"b"}
    assert stage.take(Update(files)) is not None
    first = stage.current()
    assert stage.take(Update(dict(files))) is None
    assert stage.current().build == first.build
    step = stage.take(Update(None, ("it is broken",)))
    assert step is not None
    assert step.problems == ("it is broken",)
    assert stage.current().files == files
    step = stage.take(Update({**files, "a.html": b"A"}, changed=("a.html",)))
    assert step is not None
    assert (step.changed, step.problems) == (("a.html",), ())


def test_pages_that_listen_are_known_and_looked_at_when_they_begin() -> None:
    stage, looked = Stage(), list[str]()
    stage.look = looked.append
    stage.take(Update({}, ("a problem",)))
    one, two = stage.events("", "a.html"), stage.events("", "a.html")
    next(one), next(two)
    assert (stage.tabs, looked) == (("a.html",), ["a.html", "a.html"])
    one.close()
    assert [*stage.tabs] == ["a.html"]
    two.close()
    assert [*stage.tabs] == []


def test_every_edit_is_told_to_who_shows_the_files_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portalgen.desk.stage._HEARTBEAT", 0.01)
    stage, silence, told = Stage(), ": still here\n\n", "data: []\n\n"
    edits = stage.edits()
    assert next(edits) == silence
    stage.edited()
    assert [next(edits), next(edits)] == [told, silence]
    stage.take(Update({}, ("a problem",)))
    assert [next(edits), next(edits)] == [told, silence]
    stage.take(Update({}, ("a problem",)))
    assert next(edits) == silence
    stage.close()
    assert [*edits] == []


def test_what_changed_is_told_apart_from_what_only_looks_different() -> None:
    old = {"a": page("A", "1.css"), "b": page("B", "1.css"), "c": b"", "d": b"", "e": b"same"}
    old = {f"{name}.html": content for name, content in old.items()}
    new = {**old, "a.html": page("A", "2.css"), "b.html": page("C", "2.css"), "c.html": b"x", "f.html": b""}
    del new["d.html"]
    assert compared(old, new) == (("b.html", "c.html", "d.html", "f.html"), ("a.html",))


# --- one build at a time


def test_edits_during_a_build_lead_to_one_more_and_never_two_at_once() -> None:
    running, most, count = 0, 0, 0
    heard: list[Edits] = []
    go, begun = threading.Event(), threading.Event()

    def job(edits: Edits) -> None:
        nonlocal running, most, count
        heard.append(edits)
        running, count = running + 1, count + 1
        most = max(most, running)
        begun.set()
        go.wait(PATIENCE)
        running -= 1

    worker = Worker(job)
    worker.start()
    begun.wait(PATIENCE)
    for number in range(5):
        worker.ask(frozenset((f"content/{number % 3}", "content/x")))
    go.set()
    wait_until(lambda: count == 2)
    time.sleep(0.2)
    worker.stop()
    assert (count, most) == (2, 1)
    assert heard == [None, frozenset(("content/0", "content/1", "content/2", "content/x"))]


def test_an_edit_of_anything_is_not_forgotten_among_others() -> None:
    heard: list[Edits] = []
    worker = Worker(heard.append)
    worker.ask(frozenset(("content/x",)))
    worker.start()
    wait_until(lambda: len(heard) == 1)
    for edits in (frozenset(("content/x",)), None, frozenset(("content/y",))):
        worker.ask(edits)
    wait_until(lambda: len(heard) > 1 and None in heard[1:])
    worker.stop()


def test_what_waits_is_done_when_nothing_is_edited_and_at_a_call() -> None:
    idle: list[float] = []
    waits = iter((0.0, 0.0, 60.0, 60.0))

    def rest() -> float:
        idle.append(time.monotonic())
        return next(waits)

    worker = Worker(lambda edits: None, rest)
    worker.start()
    wait_until(lambda: len(idle) == 3)
    time.sleep(0.1)
    assert len(idle) == 3
    worker.wake()
    wait_until(lambda: len(idle) == 4)
    worker.stop()


def wait_until(true: Callable[[], bool]) -> None:
    latest = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < latest, "it did not happen"
        time.sleep(0.01)


# --- starting and ending


def test_a_busy_port_is_passed_by_unless_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Preview(tmp_path, Whole(lambda: Built({})), port=0) as first:
        port = port_of(first)
        with pytest.raises(PreviewFailed, match=str(port)) as caught:
            Preview(tmp_path, Whole(lambda: Built({})), port=port)
        assert "--port" in caught.value.hint
        monkeypatch.setattr("portalgen.desk.preview.PORT", port)
        with Preview(tmp_path, Whole(lambda: Built({}))) as second:
            assert port < port_of(second) <= port + 20
    with pytest.raises(PreviewFailed, match="no address"):
        Preview(tmp_path, Whole(lambda: Built({})), host="192.0.2.1", port=0)
    with pytest.raises(PreviewFailed, match="watched"), Preview(tmp_path / "no", Whole(lambda: Built({})), port=0):
        pass


SERVE = """
import pathlib, sys
from portalgen.desk.preview import serve
from portalgen.desk.engine import Engine
try:
    serve(pathlib.Path(sys.argv[1]), Engine(pathlib.Path(sys.argv[1]), None), port=0,
          announce=lambda url: print(url, flush=True))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly_even_with_pages_open(tmp_path: Path, number: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as open_page:
            open_page.sendall(f"GET /_portalgen/events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert b" 200 " in open_page.recv(1000)
            process.send_signal(number)
            assert process.wait(PATIENCE) == code
        assert process.stderr.read() == ""


# --- in a browser


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    with readers.tab(chromium, viewport={"width": 900, "height": 500}) as page:
        page.set_default_timeout(PATIENCE * 1000)
        yield page


def stay(tab: Page) -> None:
    """Leave a mark that a reload would wipe out."""
    tab.evaluate("() => { window.stayed = true }")


def stayed(tab: Page) -> bool:
    return bool(tab.evaluate("() => window.stayed === true"))


def test_in_a_browser_an_edit_shows_and_the_place_is_kept(site: Site, shown: Preview, tab: Page) -> None:
    site.write("site.css", "h1 { color: green }")
    site.write("guide", "Long<p>" + "<br>" * 300)
    said: list[str] = []
    wait_until(lambda: b"Long" in ask(shown, "/guide/")[2])
    with readers.hearing(tab.context, {"console": lambda message: said.append(message.text)}):
        tab.goto(f"{shown.url}guide/")
        tab.evaluate("() => scrollTo(0, 1234)")
        site.write("guide", "Longer<p>" + "<br>" * 300)
        expect(tab.locator("h1")).to_contain_text("Longer")
        tab.wait_for_function("() => scrollY === 1234")
        stay(tab)
        site.write("index", "Another page")
        wait_until(lambda: b"Another page" in ask(shown, "/")[2])
        tab.wait_for_timeout(200)
        assert stayed(tab), "only the page that changed reloads"
    assert said == []


COLOUR = "() => getComputedStyle(document.querySelector('h1')).color"


def test_in_a_browser_a_style_sheet_changes_without_a_reload(site: Site, shown: Preview, tab: Page) -> None:
    site.write("site.css", "h1 { color: rgb(1, 2, 3) }")
    wait_until(lambda: b"assets/" in ask(shown, "/")[2])
    tab.goto(shown.url)
    assert tab.evaluate(COLOUR) == "rgb(1, 2, 3)"
    stay(tab)
    for number in (4, 5, 4):
        site.write("site.css", f"h1 {{ color: rgb({number}, 0, 0) }}")
        tab.wait_for_function(f"() => ({COLOUR})() === 'rgb({number}, 0, 0)'")
    tab.wait_for_function("() => document.querySelectorAll('link[rel=stylesheet]').length === 1")
    assert stayed(tab)
    site.write("index", "And an edit after it")
    expect(tab.locator("h1")).to_have_text("And an edit after it")
    assert not stayed(tab)


def test_in_a_browser_a_style_sheet_and_a_picture_without_hashes(tmp_path: Path, tab: Page) -> None:
    (tmp_path / "content").mkdir()
    sheet, picture = tmp_path / "content/site.css", tmp_path / "content/room.svg"
    sheet.write_text("h1 { color: rgb(1, 1, 1) }")
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>')
    body = page("Home").replace(b"</main>", b'<img alt="" src="room.svg"></main>')

    def build() -> Built:
        files = {"index.html": body, "site.css": sheet.read_bytes(), "room.svg": picture.read_bytes()}
        return Built(files)

    with Preview(tmp_path, Whole(build), port=0) as preview:
        tab.goto(preview.url)
        stay(tab)
        sheet.write_text("h1 { color: rgb(2, 2, 2) }")
        tab.wait_for_function(f"() => ({COLOUR})() === 'rgb(2, 2, 2)'")
        assert stayed(tab)
        picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="77" height="10"/>')
        tab.wait_for_function("() => document.images[0].naturalWidth === 77")


def test_in_a_browser_problems_lie_over_the_page_and_go(site: Site, shown: Preview, tab: Page, axe_source: str) -> None:
    tab.goto(f"{shown.url}guide/")
    stay(tab)
    site.write("index", "BROKEN")
    alert = tab.get_by_role("alert")
    expect(alert).to_contain_text("content/index.md:1:1: error[broken]: <b>index</b> is broken")
    expect(tab.locator("h1")).to_have_text("Guide")
    assert "mono" in tab.locator("#portalgen-overlay pre").evaluate("pre => getComputedStyle(pre).fontFamily")
    tab.evaluate(axe_source)
    found = tab.evaluate("async () => (await axe.run('#portalgen-overlay')).violations.map(v => v.id + ': ' + v.help)")
    assert found == []
    tab.get_by_role("button", name="Hide").click()
    expect(alert).to_have_count(0)
    site.write("guide", "BROKEN")
    expect(alert).to_contain_text("2 problems")
    tab.keyboard.press("Escape")
    expect(alert).to_have_count(0)
    site.write("index", "BROKEN BROKEN")
    site.write("guide", "Guide")
    expect(alert).to_contain_text("One problem")
    site.write("index", "Home")
    expect(alert).to_have_count(0)
    assert stayed(tab)


def test_in_a_browser_a_first_failure_and_a_missing_page_heal(site: Site, tab: Page) -> None:
    site.write("index", "BROKEN")
    with Preview(site.root, Whole(site.build), port=0) as preview:
        tab.goto(preview.url)
        expect(tab.get_by_role("alert")).to_contain_text("<b>index</b> is broken")
        site.write("guide", "BROKEN")
        expect(tab.get_by_role("alert")).to_contain_text("<b>guide</b> is broken")
        site.write("guide", "Guide")
        site.write("index", "Home at last")
        expect(tab.locator("h1")).to_have_text("Home at last")
        tab.goto(f"{preview.url}later/")
        expect(tab.locator("h1")).to_have_text("There is no such page")
        site.write("later", "Here it is")
        expect(tab.locator("h1")).to_have_text("Here it is")


def test_in_a_browser_a_page_survives_the_end_of_the_server(site: Site, tab: Page) -> None:
    with Preview(site.root, Whole(site.build), port=0) as first:
        port = port_of(first)
        tab.goto(first.url)
    site.write("index", "Changed meanwhile")
    with Preview(site.root, Whole(site.build), port=port):
        expect(tab.locator("h1")).to_have_text("Changed meanwhile")


def test_in_a_browser_another_site_gets_nothing(
    sample: Preview, tab: Page, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    read = "url => fetch(url).then(() => 'read', () => 'refused')"
    folder = tmp_path / "neighbour"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>x</title>", encoding="utf-8")
    tab.goto(serve(folder))
    assert tab.evaluate(read, sample.url) == "refused", "another port of this machine is another origin"
    tab.goto(f"data:text/html,<!doctype html><title>x</title><a href='{sample.url}'>tempting</a>")
    with tab.expect_response(sample.url) as answer:
        tab.get_by_role("link").click()
    assert answer.value.status == 403, "nor does a link elsewhere lead in"
    assert "Home" not in tab.content()
