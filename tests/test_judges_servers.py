"""The built demo on nginx, Apache and Python's own server, at the root and below a path: no link is dead.

The servers get no settings beyond a folder to serve, as on a host that the practitioner cannot configure. Each runs on
a free port of this machine, in the foreground, and ends with its test. LinkChecker follows the links.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support import JUDGES, Built, guards, html_pages, program

SUB_PATH = "a/sub/path"

NGINX = """\
daemon off;
pid {work}/nginx.pid;
error_log {work}/error.log;
{user}
events {{}}
http {{
  access_log off;
  include {mime_types};
  client_body_temp_path {work}/body;
  proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi;
  scgi_temp_path {work}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder};
  }}
}}
"""

APACHE = """\
ServerRoot {work}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {work}/apache.pid
ErrorLog {work}/error.log
Mutex file:{work}
{modules}
{user}
TypesConfig {mime_types}
DocumentRoot {folder}
DirectoryIndex index.html
<Directory />
  AllowOverride All
  Options -Indexes
  Require all granted
</Directory>
"""
# headers and rewrite: what a shared host has, for the .htaccess that a build may write
APACHE_MODULES = ("mpm_event", "authz_core", "mime", "dir", "alias", "headers", "rewrite")

Command = Callable[[Path, Path, int], list[str]]
"""How to start a server: (folder to serve, its own working folder, port) → the command."""


def _mime_types() -> Path:
    for path in ("/etc/nginx/mime.types", "/etc/mime.types"):
        if Path(path).is_file():
            return Path(path)
    pytest.skip("no table of MIME types is installed")


def _python(folder: Path, work: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]


def _nginx(folder: Path, work: Path, port: int) -> list[str]:
    binary = program("nginx")
    if binary is None:
        pytest.skip("nginx is not installed")
    user = "user nobody nogroup;" if os.geteuid() == 0 else ""
    config = work / "nginx.conf"
    config.write_text(NGINX.format(work=work, folder=folder, port=port, user=user, mime_types=_mime_types()))
    return [binary, "-p", str(work), "-c", str(config), "-e", str(work / "error.log")]


def _apache(folder: Path, work: Path, port: int) -> list[str]:
    binary = program("apache2", "httpd")
    if binary is None:
        pytest.skip("Apache is not installed")
    home = next((path for path in APACHE_HOMES if path.is_dir()), None)
    if home is None or not Path("/etc/mime.types").is_file():
        pytest.skip("Apache's modules or /etc/mime.types are not where Debian puts them")
    files = {name: home / f"mod_{name}.so" for name in APACHE_MODULES}
    modules = "\n".join(f"LoadModule {name}_module {file}" for name, file in files.items() if file.is_file())
    user = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
    config = work / "apache.conf"
    config.write_text(
        APACHE.format(work=work, folder=folder, port=port, user=user, modules=modules, mime_types="/etc/mime.types")
    )
    return [binary, "-f", str(config), "-DFOREGROUND"]


APACHE_HOMES = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"))
SERVERS: dict[str, Command] = {"python": _python, "nginx": _nginx, "apache": _apache}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, process: subprocess.Popen[str], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False


@contextmanager
def running(command: Command, folder: Path, work: Path) -> Iterator[str]:
    """A server for a folder, on a free port; gives its address without a slash at the end."""
    said = ""
    for attempt in range(3):  # another process may take the free port first
        port = _free_port()
        own = work / str(attempt)
        own.mkdir()
        with (own / "said.txt").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(command(folder, own, port), stdout=log, stderr=log, cwd=own, text=True)
            try:
                if _answers(port, process):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.terminate()
                process.wait(timeout=30)
        said = "\n".join(path.read_text() for path in (own / "said.txt", own / "error.log") if path.exists())
    pytest.fail(f"the server does not start: {said}")


@pytest.fixture(scope="module")
def hosted(demo: Built) -> Iterator[Path]:
    """The demo's output as a host holds it: `root/` serves it at the root, `sub/` below `SUB_PATH`, readable to all."""
    with tempfile.TemporaryDirectory(prefix="portalgen-hosted-") as name:
        top = Path(name).resolve()
        for folder in (top / "root", top / "sub" / SUB_PATH):
            shutil.copytree(demo.output, folder)
        # Apache never serves as root, and pytest's own folders are closed to others
        for path in (top, *top.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield top


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


@pytest.mark.parametrize("place", ["root", "sub"])
@pytest.mark.parametrize("server", SERVERS)
def test_no_link_is_dead(server: str, place: str, hosted: Path, demo: Built, tmp_path: Path) -> None:
    """Every page is reached: the public ones from the front page, each private one from a link that was handed out."""
    path = "" if place == "root" else f"{SUB_PATH}/"
    with running(SERVERS[server], hosted / place, tmp_path) as address:
        base = f"{address}/{path}"
        links = crawl([base, *(base + private for private in demo.private_addresses())], tmp_path)
    assert not (found := dead(links)), "\n".join(found)
    reached = {link.path.removeprefix(path) or "index.html" for link in links if link.url.startswith(base)}
    reached |= {f"{name}index.html" for name in reached if name.endswith("/")}
    # no link leads to the page for wrong addresses and its copies
    pages = set(html_pages(demo.output)) - guards(demo.output) - {demo.output / "404.html"}
    lost = {page.relative_to(demo.output).as_posix() for page in pages} - reached
    assert not lost, f"no link leads to {sorted(lost)}"


def test_without_a_link_nobody_finds_a_private_page(hosted: Path, tmp_path: Path) -> None:
    """A spider that starts from every well-known address, and that no request to stay out can stop, sees none."""
    with running(_python, hosted / "root", tmp_path) as address:
        named = ("404.html", "sitemap.xml", "robots.txt")
        starts = [f"{address}/", *(f"{address}/{name}" for name in named if (hosted / "root" / name).exists())]
        links = crawl(starts, tmp_path)
    assert [link.url for link in links if "/p/" in link.url] == []


def test_the_crawler_sees_dead_links_and_anchors(tmp_path: Path) -> None:
    page = '<!doctype html><title>x</title><a href="gone.html">x</a><a href="b/index.html#no">x</a><a href="b/">x</a>'
    (tmp_path / "site" / "b").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text(page)
    (tmp_path / "site" / "b" / "index.html").write_text('<!doctype html><title>y</title><a href="../index.html">x</a>')
    with running(_python, tmp_path / "site", tmp_path) as address:
        found = dead(crawl([f"{address}/"], tmp_path))
    assert len(found) == 2, found
    assert "gone.html" in found[1], found
    assert "Anchor" in found[0], found
