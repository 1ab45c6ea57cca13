"""The built demo on nginx, Apache and Python's own server, at the root and below a path: no link is dead.

The servers get no settings beyond a folder to serve, as on a host that the practitioner cannot configure. Each runs on
a free port of this machine, in the foreground, and ends with its test. LinkChecker follows the links.
"""

from __future__ import annotations

import csv
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from tests.servers import PLAIN, python, readable, running
from tests.support import JUDGES, Built, guards, html_pages

SUB_PATH = "a/sub/path"


@pytest.fixture(scope="module")
def hosted(demo: Built) -> Iterator[Path]:
    """The demo's output as a host holds it: `root/` serves it at the root, `sub/` below `SUB_PATH`, readable to all."""
    with tempfile.TemporaryDirectory(prefix="portalgen-hosted-") as name:
        top = Path(name).resolve()
        for folder in (top / "root", top / "sub" / SUB_PATH):
            shutil.copytree(demo.output, folder)
        yield readable(top)


@dataclass(frozen=True)
class Link:
    """One link that the crawler followed."""

    url: str
    parent: str
    result: str
    warning: str
    valid: bool

    @property
    def path(self) -> str:
        """The path of the address, without the first slash."""
        return unquote(urlsplit(self.url).path).removeprefix("/")


def crawl(starts: Sequence[str], work: Path) -> list[Link]:
    """Follow every link from these addresses that stays on their server; anchors are looked up too."""
    config = work / "crawl.ini"
    # the whole server is looked at, so that a link out of the folder below which the site lies is seen
    server = re.escape("{0.scheme}://{0.netloc}/".format(urlsplit(starts[0])))
    config.write_text(f"[checking]\nthreads=4\n[filtering]\ninternlinks=^{server}\n[AnchorCheck]\n")
    manner = ["-f", str(config), "--no-robots", "--no-status", "--verbose", "--output=csv", "--stdin"]
    done = subprocess.run(
        [sys.executable, str(JUDGES / "crawl.py"), *manner],
        input="\n".join(starts),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "HOME": str(work), "XDG_CONFIG_HOME": str(work), "PYTHONIOENCODING": "utf-8"},
        timeout=300,
        check=False,
    )
    rows = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    links = [
        Link(row["url"], row["parentname"], row["result"], row["warningstring"], row["valid"] == "True")
        for row in csv.DictReader(rows, delimiter=";")
    ]
    assert links, f"the crawler found nothing: {done.stdout}{done.stderr}"
    return links


def dead(links: Sequence[Link]) -> list[str]:
    """The links that lead nowhere, or to an anchor that is not there, or by a detour."""
    return sorted(
        {
            f"{link.parent} → {link.url}: {link.result} {link.warning}"
            for link in links
            if not link.valid or link.warning
        }
    )


CRAWLED = (("apache", "sub"),)
"""Below a path: there a link that leads out of the site, or to the top of the server, is dead too."""


@pytest.mark.parametrize(("server", "place"), CRAWLED)
def test_no_link_is_dead(server: str, place: str, hosted: Path, demo: Built, tmp_path: Path) -> None:
    """Every page is reached: the public ones from the front page, each private one from a link that was handed out."""
    path = "" if place == "root" else f"{SUB_PATH}/"
    with running(PLAIN[server], hosted / place, tmp_path) as address:
        base = f"{address}/{path}"
        links = crawl([base, *(base + private for private in demo.private_addresses())], tmp_path)
    assert not (found := dead(links)), "\n".join(found)
    reached = {link.path.removeprefix(path) or "index.html" for link in links if link.url.startswith(base)}
    reached |= {f"{name}index.html" for name in reached if name.endswith("/")}
    # no link leads to the page for wrong addresses and its copies
    pages = set(html_pages(demo.output)) - guards(demo.output) - {demo.output / "404.html"}
    lost = {page.relative_to(demo.output).as_posix() for page in pages} - reached
    assert not lost, f"no link leads to {sorted(lost)}"


@pytest.mark.parametrize(
    ("server", "place"), [(name, place) for name in PLAIN for place in ("root", "sub") if (name, place) not in CRAWLED]
)
def test_the_other_servers_answer_the_same(server: str, place: str, hosted: Path, tmp_path: Path) -> None:
    """A link's target is the same file everywhere, so there it is enough that every file is answered, with no detour."""
    top = hosted / place / (SUB_PATH if place == "sub" else "")
    files = [path for path in sorted(top.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    assert len(files) > 200
    with running(PLAIN[server], hosted / place, tmp_path) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        for path in [*files, *(path.parent for path in files if path.name == "index.html")]:
            slash = "/" if path.is_dir() and path != hosted / place else ""
            connection.request("GET", f"/{quote(path.relative_to(hosted / place).as_posix().removeprefix('.'))}{slash}")
            answer = connection.getresponse()
            content = (path / "index.html" if path.is_dir() else path).read_bytes()
            assert (answer.status, answer.read()) == (200, content), path
            if path.suffix in ("", ".html"):
                assert answer.headers.get_content_type() == "text/html", path
        connection.close()


def test_without_a_link_nobody_finds_a_private_page(hosted: Path, tmp_path: Path) -> None:
    """A spider that starts from every well-known address, and that no request to stay out can stop, sees none."""
    with running(python, hosted / "root", tmp_path) as address:
        named = ("404.html", "sitemap.xml", "robots.txt")
        starts = [f"{address}/", *(f"{address}/{name}" for name in named if (hosted / "root" / name).exists())]
        links = crawl(starts, tmp_path)
    assert [link.url for link in links if "/p/" in link.url] == []


def test_the_crawler_sees_dead_links_and_anchors(tmp_path: Path) -> None:
    page = '<!doctype html><title>x</title><a href="gone.html">x</a><a href="b/index.html#no">x</a><a href="b/">x</a>'
    (tmp_path / "site" / "b").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text(page)
    (tmp_path / "site" / "b" / "index.html").write_text('<!doctype html><title>y</title><a href="../index.html">x</a>')
    with running(python, tmp_path / "site", tmp_path) as address:
        found = dead(crawl([f"{address}/"], tmp_path))
    assert len(found) == 2, found
    assert "gone.html" in found[1], found
    assert "Anchor" in found[0], found
