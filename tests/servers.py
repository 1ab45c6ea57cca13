"""Real web servers on free ports of this machine, in the foreground, each ending with its test.

`PLAIN` servers get no settings beyond a folder to serve, as on a host that the practitioner cannot configure. `HOSTS` are
set up with what portalgen generates for them and with no more around it than the server needs to start.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from portalgen.publish.hosting import beside_files, site_of
from tests.support import JUDGES, program

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
{server}
}}
"""

NGINX_PLAIN = """\
  server {{
    listen 127.0.0.1:{port};
    root {folder};
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
# setenvif, headers and rewrite: what a shared host has, for the .htaccess that a build writes
APACHE_MODULES = ("mpm_event", "authz_core", "mime", "dir", "alias", "setenvif", "headers", "rewrite", "autoindex")
APACHE_HOMES = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"))

CADDY = """\
{{
	admin off
}}
{server}
"""

LIGHTTPD = """\
server.port = {port}
server.bind = "127.0.0.1"
server.document-root = "{work}"
server.upload-dirs = ( "{work}" )
{user}
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
{server}
"""

Command = Callable[[Path, Path, int], list[str]]
"""How to start a server: (folder to serve, its own working folder, port) → the command."""


class Setup(NamedTuple):
    """Below which path (`a/b/`) the site lies, and what a test does to the generated file."""

    path: str = ""
    change: Callable[[str], str] = str


def mime_types() -> Path:
    """The table of MIME types of this machine."""
    for path in ("/etc/nginx/mime.types", "/etc/mime.types"):
        if Path(path).is_file():
            return Path(path)
    pytest.skip("no table of MIME types is installed")


def _binary(*names: str) -> str:
    binary = program(*names)
    if binary is None:
        pytest.skip(f"{names[0]} is not installed")
    return binary


def generated(host: str, folder: Path, port: int, setup: Setup) -> str:
    """The settings that portalgen generates for a server of one's own, with the folder that a test serves."""
    base = f"http://127.0.0.1:{port}/{setup.path}"
    (content,) = beside_files(host, base).values()
    return setup.change(content.decode().replace(site_of(base).folder, str(folder)))


def python(folder: Path, work: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]


def _nginx(work: Path, server: str) -> list[str]:
    user = "user nobody nogroup;" if os.geteuid() == 0 else ""
    config = work / "nginx.conf"
    config.write_text(NGINX.format(work=work, user=user, mime_types=mime_types(), server=server))
    return [_binary("nginx"), "-p", str(work), "-c", str(config), "-e", str(work / "error.log")]


def nginx_plain(folder: Path, work: Path, port: int) -> list[str]:
    return _nginx(work, NGINX_PLAIN.format(folder=folder, port=port))


def nginx(folder: Path, work: Path, port: int, setup: Setup) -> list[str]:
    return _nginx(work, generated("nginx", folder, port, setup))


def nginx_https(base_url: str, certificate: Path, key: Path, http_port: int) -> Command:
    """nginx with what is generated for an https address, on other ports and with this certificate."""

    def start(folder: Path, work: Path, port: int) -> list[str]:
        (content,) = beside_files("nginx", base_url).values()
        site = site_of(base_url)
        text = content.decode().replace(site.folder, str(folder))
        text = text.replace("  listen [::]:80;\n", "").replace("  listen [::]:443 ssl;\n", "")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{http_port};")
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        live = f"/etc/letsencrypt/live/{site.host}"
        text = text.replace(f"{live}/fullchain.pem", str(certificate)).replace(f"{live}/privkey.pem", str(key))
        return _nginx(work, text)

    return start


def apache(folder: Path, work: Path, port: int) -> list[str]:
    binary = _binary("apache2", "httpd")
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


def caddy(folder: Path, work: Path, port: int, setup: Setup) -> list[str]:
    config = work / "Caddyfile"
    config.write_text(CADDY.format(server=generated("caddy", folder, port, setup)))
    return [_binary("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]


def lighttpd(folder: Path, work: Path, port: int, setup: Setup) -> list[str]:
    user = 'server.username = "nobody"\nserver.groupname = "nogroup"' if os.geteuid() == 0 else ""
    server = generated("lighttpd", folder, port, setup)
    config = work / "lighttpd.conf"
    config.write_text(LIGHTTPD.format(work=work, port=port, user=user, server=server))
    return [_binary("lighttpd"), "-D", "-f", str(config)]


def wrangler(folder: Path, work: Path, port: int) -> list[str]:
    script = JUDGES / "node_modules" / "wrangler" / "bin" / "wrangler.js"
    if not script.is_file():
        pytest.skip("wrangler is not installed (npm install in tests/judges)")
    manner = ["--ip", "127.0.0.1", "--port", str(port), "--inspector-port", "0", "--compatibility-date", "2025-08-01"]
    return [_binary("node"), str(script), "pages", "dev", str(folder), *manner]


class Host(NamedTuple):
    """A server as `hosting.host` names it: the control file it reads in the output, or how it starts with its settings."""

    name: str
    control: str
    start: Callable[[Setup], Command]


def _beside(start: Callable[[Path, Path, int, Setup], list[str]]) -> Callable[[Setup], Command]:
    return lambda setup: lambda folder, work, port: start(folder, work, port, setup)


PLAIN: Mapping[str, Command] = {"python": python, "nginx": nginx_plain, "apache": apache}
HOSTS: Mapping[str, Host] = {
    "nginx": Host("nginx", "", _beside(nginx)),
    "apache": Host("apache", ".htaccess", lambda setup: apache),
    "caddy": Host("caddy", "", _beside(caddy)),
    "lighttpd": Host("lighttpd", "", _beside(lighttpd)),
    "wrangler": Host("cloudflare-pages", "_headers", lambda setup: wrangler),
}


def free_port() -> int:
    """A port that nothing listens on just now."""
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
        port = free_port()
        own = work / str(attempt)
        own.mkdir(parents=True)
        environment = {
            **os.environ,
            # no server looks for updates, tells anybody anything, or reads settings of this machine's user
            "HOME": str(own),
            "XDG_CONFIG_HOME": str(own),
            "XDG_DATA_HOME": str(own),
            "WRANGLER_SEND_METRICS": "false",
            "CI": "true",
        }
        with (own / "said.txt").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command(folder, own, port), stdout=log, stderr=log, cwd=own, text=True, env=environment
            )
            try:
                if _answers(port, process):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.terminate()
                process.wait(timeout=30)
        said = "\n".join(path.read_text() for path in (own / "said.txt", own / "error.log") if path.exists())
    pytest.fail(f"the server does not start: {said}")


def readable(top: Path) -> Path:
    """Open a folder to everybody: Apache never serves as root, and pytest's own folders are closed to others."""
    for path in (top, *top.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return top
