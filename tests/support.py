"""What many tests need: a small valid site, the command line, pages, addresses and a file server.

A behaviour test writes the files it is about and nothing else::

    minimal_site(tmp_path, {"content/clients/ana/client.yaml": "..."})
    result = invoke("build", "--site", tmp_path, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
JUDGES = ROOT / "tests" / "judges"
DEMO_DAY = "2026-11-21"

ACKNOWLEDGE = "I accept that my host and anyone who gets the link can read this"

MINIMAL: Mapping[str, str] = {
    "content/site.yaml": f"""\
practice:
  name: Quiet Room
  legal_name: Mira Lind
  owner: Mira Lind
  country: IE
  currency: EUR
  language: en
  timezone: Europe/Dublin
  email: mira@practice.example
  address: {{line1: 4 Canal Lane, city: Dublin, postcode: D08 X1Y2, country: IE}}
  methods:
    - {{id: cash, kind: cash, label: Cash, instructions: "In the session, please."}}
base_url: https://practice.example/
privacy:
  mode: unlisted
  acknowledge: {ACKNOWLEDGE}
documents: {{pdf: false, einvoice: false}}
""",
    "content/pages/home.md": "---\ntitle: Quiet Room\nsummary: Counselling by the canal.\n---\nA room to think in.\n",
}
"""The least that builds without a problem: a practice and its front page, private pages in the clear."""

MINIMAL_CLIENT: Mapping[str, str] = {
    "content/terms/net14.yaml": "id: net14\ntitle: Two weeks\ndue: net 14\nmethods: [cash]\n",
    "content/clients/ana/client.yaml": """\
id: ana
name: {display: Ana Horvat}
email: ana@client.example
terms: net14
""",
    "content/clients/ana/invoices/2026-0001.yaml": """\
id: 2026-0001
number: 2026-0001
issued: 2026-11-02
lines:
  - {description: Session, quantity: 2, unit_price: 60.00}
""",
}
"""A client with one issued invoice over 120.00, to be laid over `MINIMAL`."""


def opened(site: Path) -> Path:
    """Have a sealed site's private pages published in the clear."""
    path = site / "content" / "site.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("  mode: sealed\n") == 1
    path.write_text(
        text.replace("  mode: sealed\n", f"  mode: unlisted\n  acknowledge: {ACKNOWLEDGE}\n"), encoding="utf-8"
    )
    return site


def opened_demo(site: Path) -> Path:
    """A copy of the demo practice whose private pages are published in the clear."""
    shutil.copytree(ROOT / "content", site / "content")
    return opened(site)


def minimal_site(root: Path, files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write `MINIMAL` and then `files` (path from the site's folder → content; None leaves a file out) below `root`."""
    for name, content in {**MINIMAL, **(files or {})}.items():
        if content is None:
            continue
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return root


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.stdout)

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTALGEN_")}
    return {**kept, **(extra or {})}


def run(
    *args: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 120
) -> Result:
    """Run a command as a user does, in a process of its own, without this machine's key."""
    done = subprocess.run(
        [sys.executable, "-m", "portalgen", *map(str, args)],
        cwd=cwd,
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def invoke(*args: str | Path, stdin: str | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Run a command in this process: quick, and a bug shows as its own exception. Say where with `--site`."""
    from portalgen.cli import main

    hidden: dict[str, str | None] = {name: None for name in os.environ if name.startswith("PORTALGEN_")}
    done = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin, env={**hidden, **(env or {})})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Result(done.exit_code, done.stdout, done.stderr)


@dataclass(frozen=True)
class Built:
    """A site that a build has just written."""

    site: Path
    output: Path
    report: Mapping[str, Any]

    @functools.cached_property
    def links(self) -> list[dict[str, Any]]:
        """Every link handed out, as `portalgen links` gives it."""
        result = run("links", "--site", self.site, "--json", "--yes")
        assert result.code == 0, result
        found: list[dict[str, Any]] = result.json
        return found

    def private_addresses(self, *kinds: str) -> list[str]:
        """Addresses of live links relative to the output, fragment and all; of all kinds or of those named."""
        return [
            private_address(link["url"])
            for link in self.links
            if link["state"] == "live" and (not kinds or link["kind"] in kinds)
        ]


def private_address(url: str) -> str:
    """A link's address relative to the site's root: `p/…`, with its fragment; a folder's stands for its index."""
    parts = urlsplit(url)
    path = parts.path[parts.path.index("/p/") + 1 :]
    if path.endswith("/"):
        path += "index.html"
    return f"{path}#{parts.fragment}" if parts.fragment else path


def html_pages(output: Path) -> list[Path]:
    """Every HTML file of a built site, in a fixed order."""
    return sorted(output.rglob("*.html"))


def guards(output: Path) -> set[Path]:
    """Copies of the page for wrong addresses that keep a folder without a page of its own from being listed."""
    missing = output / "404.html"
    text = missing.read_bytes()
    return {page for page in html_pages(output) if page != missing and page.read_bytes() == text}


def program(*names: str) -> str | None:
    """Where the first of these programs is installed; servers often lie outside a user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # the head and the start of the body in one packet, ...
    disable_nagle_algorithm = True  # ... and none that waits 40 ms for the one before to be acknowledged

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection early is no news."""


@contextlib.contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; gives its address without a slash at the end."""
    with _Server(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
