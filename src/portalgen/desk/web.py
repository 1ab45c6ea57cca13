"""What the preview answers: pages as the build gave them, with a script that keeps them up to date."""

from __future__ import annotations

import html
import ipaddress
import json
import mimetypes
import os
import re
import socket
import socketserver
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote

from portalgen.desk.stage import Shown, Stage, style_sheets

if TYPE_CHECKING:
    from portalgen.desk.board import Board

_OURS = "/_portalgen/"
"""Below this address lies what belongs to the preview; no site has a page there."""

_SEALED = re.compile(r"/p/([a-z2-7]{32})\.html")

_SCRIPT = Path(__file__).with_name("live.js")


_LARGEST = 64 * 1024
"""Bytes of a form."""

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class Server(ThreadingHTTPServer):
    """Answers every request in a thread of its own, from what stands on the stage."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = os.name != "nt"  # on Windows it would let two servers share one port

    def __init__(self, host: str, port: int, stage: Stage, board: Board | None = None) -> None:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self.address_family = family
        super().__init__((str(place[0]), int(place[1])), _Handler)
        names = {"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host.lower()}
        self.stage, self.board = stage, board
        self._everywhere = ipaddress.ip_address(str(place[0]).partition("%")[0]).is_unspecified
        self.hosts = {f"{name}:{self.server_port}" for name in names} | (names if self.server_port == 80 else set())
        if board:
            self.hosts |= board.names
            board.problems, board.sealed = lambda: stage.current().problems, stage.sealed

    def answers_to(self, host: str) -> bool:
        """Whether a request for this host is meant for us.

        A page of another site can have its own name lead to this machine, but not a number: who listens everywhere
        answers to every number.
        """
        if host.lower() in self.hosts:
            return True
        name, _, port = host.rpartition(":")
        if self.server_port == 80 and not (port.isascii() and port.isdigit() and name and not name.endswith(":")):
            name, port = host, "80"
        if not self._everywhere or port != str(self.server_port) or "%" in name:
            return False
        bracketed = name.startswith("[") and name.endswith("]")
        try:
            return ipaddress.ip_address(name[1:-1] if bracketed else name).version == (6 if bracketed else 4)
        except ValueError:
            return False

    def server_bind(self) -> None:
        """Bind without asking for the machine's full name, which takes seconds where that is not known."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection early is no news; anything else is a bug, and printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            traceback.print_exc()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a browser."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "portalgen"
    sys_version = ""
    timeout = 60
    wbufsize = -1  # the head and the start of the body in one packet, ...
    disable_nagle_algorithm = True  # ... and none that waits 40 ms for the one before to be acknowledged

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of single requests."""

    def do_GET(self) -> None:
        """Answer with a file of the site, or with what belongs to the preview."""
        if not self._is_welcome() or self._is_desks(b""):
            return
        target, _, query = self.path.partition("#")[0].partition("?")
        try:
            path = unquote(target, errors="strict")
        except UnicodeDecodeError:
            path = target
        if path == f"{_OURS}events":
            given = parse_qs(query)
            since = self.headers.get("Last-Event-ID") or (given.get("build") or [""])[0]
            self._stream(self.server.stage.events(since, (given.get("page") or [""])[0]))
        elif path == f"{_OURS}edits":
            self._stream(self.server.stage.edits())
        elif path == f"{_OURS}live.js":
            self._send(200, _SCRIPT.read_bytes(), "text/javascript; charset=utf-8")
        elif path == f"{_OURS}styles":
            page = (self.server.stage.current().files or {}).get((parse_qs(query).get("page") or [""])[0])
            sheets = json.dumps(style_sheets(page)) if page is not None else "null"
            self._send(200 if page is not None else 404, sheets.encode(), "application/json")
        elif not path.startswith("/"):
            self._say(400, "This is no address.")
        elif sealed := _SEALED.fullmatch(path):
            self._say(302, "This page opens without its key here.", {"Location": f"{sealed[1]}/index.html"})
        else:
            self._send_page(path[1:], self.server.stage.current())

    def do_HEAD(self) -> None:
        """The same without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Give a form to the desk; nothing else is written to."""
        if not self._is_welcome():
            return
        length = self.headers.get_all("Content-Length") or []
        whole = len(length) == 1 and length[0].isascii() and length[0].isdigit()
        if self.server.board is None or "Transfer-Encoding" in self.headers:
            self._refuse_method()
        elif not whole or int(length[0]) > _LARGEST:
            self._say(413 if whole else 411, "This is no form of your desk.")
        elif not self._is_desks(self.rfile.read(int(length[0]))):
            self._say(405, "Here one can only look.", {"Allow": "GET, HEAD"})

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every other method is refused, whatever its name."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def _refuse_method(self) -> None:
        self.close_connection = True
        if self._is_welcome():
            self._say(405, "Here one can only look.", {"Allow": "GET, HEAD"})

    def _is_welcome(self) -> bool:
        """Private pages are open here: answer neither to a foreign name for this machine nor to another site's page."""
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body is not read, and must not be taken for the next request
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not self.server.answers_to(hosts[0].strip()):
            self.close_connection = True
            self._say(
                421,
                f"This preview answers to http://localhost:{self.server.server_port}/ only. See serve --allow-host.",
            )
            return False
        if any(site.strip().lower() == "cross-site" for site in self.headers.get_all("Sec-Fetch-Site") or []):
            self._say(403, "Another site may not look in here. Type the address yourself.")
            return False
        return True

    def _is_desks(self, body: bytes) -> bool:
        """Whether the request was the desk's, and was answered."""
        board = self.server.board
        if board is None or not board.has(self.path):
            return False
        if is_here(str(self.client_address[0])):
            answer = board.answer(self.command, self.path, self.headers, body)
            kind, rest = answer.headers["Content-Type"], {**answer.headers}
            del rest["Content-Type"]
            self._send(answer.status, answer.body, kind, rest)
        else:
            self._say(
                403, "Your desk answers to this machine only. From elsewhere, open it through a tunnel that ends here."
            )
        return True

    def _send_page(self, path: str, shown: Shown) -> None:
        if shown.files is None:
            self._send_html(200, _stand_in(shown.problems), shown, ["*"])
            return
        folder = f"{path}/index.html" if path and not path.endswith("/") else f"{path}index.html"
        address = folder if not path or path.endswith("/") else path
        if (data := shown.files.get(address)) is not None:
            if address.endswith(".html"):
                self._send_html(200, data, shown, [address])
            else:
                self._send(200, data, content_type(address))
        elif address != folder and folder in shown.files:
            _, mark, query = self.path.partition("?")
            self._say(302, "This page has moved.", {"Location": f"/{quote(path)}/{mark}{query}"})
        else:
            missing = shown.files.get("404.html", b"<!doctype html><title>404</title><h1>There is no such page</h1>")
            self._send_html(404, missing, shown, ["404.html", address, folder])

    def _send_html(self, status: int, page: bytes, shown: Shown, made_of: Sequence[str]) -> None:
        live = with_live_script(page, shown.build, made_of, f"http://{self.headers['Host'].strip()}{_OURS}")
        self._send(status, live, "text/html; charset=utf-8")

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, f"{text}\n".encode(), "text/plain; charset=utf-8", headers)

    def _send(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self._head(status, kind, {"Content-Length": str(len(data)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, value in {"Content-Type": kind, **_HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, events: Iterator[str]) -> None:
        self.close_connection = True
        self._head(200, "text/event-stream; charset=utf-8", {})
        if self.command == "HEAD":
            return
        self.wfile.write(b"retry: 500\n\n")
        self.wfile.flush()
        for event in events:
            self.wfile.write(event.encode())
            self.wfile.flush()


def is_here(address: str) -> bool:
    """Whether a connection comes from this machine."""
    try:
        place = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = place.ipv4_mapped if isinstance(place, ipaddress.IPv6Address) else None
    return (mapped or place).is_loopback


_TYPES = mimetypes.MimeTypes()  # without the files of the system: the same everywhere
for _ending, _type in {
    ".avif": "image/avif",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".md": "text/markdown",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}.items():
    _TYPES.add_type(_type, _ending)


def content_type(address: str) -> str:
    """The media type of a file by its name; texts are UTF-8."""
    kind, packed = _TYPES.guess_type(address.rpartition("/")[2])
    if kind is None or packed is not None:
        return "application/octet-stream"
    text = kind.startswith("text/") or kind.endswith(("json", "xml"))
    return f"{kind}; charset=utf-8" if text else kind


_META = re.compile(rb"<meta\b[^>]*content-security-policy[^>]*>", re.IGNORECASE)
_CONTENT = re.compile(rb'(?<=\scontent=")[^"]*')


def with_live_script(page: bytes, build: str, made_of: Sequence[str], ours: str) -> bytes:
    """The page with the script that keeps it up to date, allowed by the page's own policy.

    `made_of` are the addresses a change of which concerns this page, `ours` the origin and folder of the script.
    """
    page = _META.sub(lambda meta: _CONTENT.sub(lambda text: _admit(text[0], ours), meta[0]), page)
    pages = " ".join(quote(address, safe="/*") for address in made_of)
    script = f'<script src="{_OURS}live.js" data-build="{build}" data-pages="{pages}"></script>'.encode()
    at = page.lower().rfind(b"</body>")
    return page + script if at < 0 else page[:at] + script + page[at:]


def _admit(policy: bytes, ours: str) -> bytes:
    """A content security policy that lets our script be loaded and stay in touch, and nothing else it did not."""
    text = html.unescape(policy.decode())
    rules = {words[0].lower(): words[1:] for part in text.split(";") if (words := part.split())}
    for kind in ("script-src", "connect-src"):
        sources = rules.get(kind, rules.get("default-src"))
        if sources is not None:
            rules[kind] = [*(source for source in sources if source.lower() != "'none'"), ours]
    text = "; ".join(" ".join((kind, *sources)) for kind, sources in rules.items())
    return text.replace("&", "&amp;").replace('"', "&quot;").encode()


def _stand_in(problems: Sequence[str]) -> bytes:
    """What is shown while there is no site to show."""
    texts = "".join(f"<pre>{html.escape(problem, quote=False)}</pre>" for problem in problems)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not built yet</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }}
pre {{ font: 0.95rem/1.5 ui-monospace, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }}
</style>
<body>
<main id="portalgen-problems" role="alert">
<h1>The site cannot be built yet</h1>
<p>Mend what is said below and save: this page turns into your site by itself.</p>
{texts}
</main>
</body>
</html>
""".encode()
