"""Asking a host for what it serves: lasting connections, redirects on the same origin, every reason in words."""

from __future__ import annotations

import http.client
import os
import queue
import socket
import ssl
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import quote, urljoin, urlsplit

import msgspec

CONNECTIONS = 6
TIMEOUT = 20.0
"""Seconds without a word after which a host counts as gone."""
ROOM = 65536
"""Bytes that are read of an answer beyond the length that was expected."""

_REDIRECTS = (301, 302, 303, 307, 308)
_HOPS = 5


class Unreachable(Exception):
    """The host does not answer: why, in words, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Answer(msgspec.Struct, frozen=True):
    """What a host said at last. `headers` in lower case, those that came twice joined with a comma.

    `away` is the other origin it leads to, if it does; `loop` when it leads in a circle.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    away: str = ""
    loop: bool = False

    @property
    def media_type(self) -> str:
        """The type of the content without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Remote:
    """One origin, asked by several threads at once. `agent` is the name we say."""

    def __init__(self, base_url: str, agent: str) -> None:
        parts = urlsplit(base_url)
        self.scheme, self.host = parts.scheme, parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.path = quote(parts.path.rstrip("/") + "/", safe="/%")
        self._agent = agent
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._idle: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
        self._stopped = threading.Event()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def get(self, path: str, expected: int = 0) -> Answer:
        """The answer for a path below the site's address, as it stands in a request. Raises `Unreachable`."""
        target, seen = self.path + path, set[str]()
        while True:
            answer = self._ask(target, expected)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            parts = urlsplit(urljoin(self.origin + target, location))
            origin = f"{parts.scheme}://{parts.netloc}"
            if origin != self.origin:
                return msgspec.structs.replace(answer, away=origin)
            seen.add(target)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if target in seen or len(seen) == _HOPS:
                return msgspec.structs.replace(answer, loop=True)

    def every(self, wanted: Iterable[tuple[str, int]]) -> Iterator[Answer]:
        """The answers for many paths, each with its expected length, in their order."""
        pool = ThreadPoolExecutor(CONNECTIONS)
        try:
            yield from pool.map(lambda want: self.get(*want), wanted)
        finally:
            self._stopped.set()
            pool.shutdown(cancel_futures=True)
            self._stopped.clear()

    def unencrypted(self) -> Answer | None:
        """What the same address answers over http, port 80; None when nothing listens there."""
        connection = http.client.HTTPConnection(self.host, 80, timeout=TIMEOUT)
        try:
            return self._exchange(connection, self.path, 0)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _ask(self, target: str, expected: int) -> Answer:
        """One request. A connection that the host let go meanwhile is opened again, once."""
        for attempt in range(2):
            if self._stopped.is_set():
                raise Unreachable("stopped", "")
            try:
                connection = self._idle.get_nowait() if attempt == 0 else self._open()
            except queue.Empty:
                connection = self._open()
            try:
                answer = self._exchange(connection, target, expected)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if attempt == 1:
                    raise self._reason(error) from error
                continue
            except BaseException:
                connection.close()
                raise
            self._idle.put(connection)
            return answer
        raise AssertionError("two attempts end in an answer or a reason")

    def _open(self) -> http.client.HTTPConnection:
        if self._context:
            return http.client.HTTPSConnection(self.host, self.port, timeout=TIMEOUT, context=self._context)
        return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)

    def _exchange(self, connection: http.client.HTTPConnection, target: str, expected: int) -> Answer:
        # no Cache-Control here: what a cache on the way still holds is what readers get
        headers = {"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        body = response.read(expected + ROOM)
        if response.read(1):
            connection.close()  # far more than there should be: the rest is not worth waiting for
        found: dict[str, str] = {}
        for name, value in response.getheaders():
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return Answer(response.status, found, _plain(body, found.get("content-encoding", "")))

    def _reason(self, error: Exception) -> Unreachable:
        where = f"{self.host}:{self.port}" if self.port not in (80, 443) else self.host
        hint = "check the address and your connection, then run this again"
        match error:
            case socket.gaierror():
                return Unreachable(f"there is no host '{self.host}', or this computer is offline", hint)
            case ssl.SSLCertVerificationError():
                return Unreachable(
                    f"the certificate of {where} is not valid: {error.verify_message}",
                    "have your host renew it; until then nobody should open your pages",
                )
            case ssl.SSLError():
                return Unreachable(f"{where} does not speak https as it should: {error.reason}", hint)
            case TimeoutError():
                return Unreachable(f"{where} does not answer within {TIMEOUT:.0f} seconds", hint)
            case ConnectionRefusedError():
                return Unreachable(f"no web server answers at {where}", hint)
            case OSError():
                reason = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
                return Unreachable(f"the connection to {where} broke: {reason}", hint)
            case _:
                return Unreachable(f"{where} does not answer as a web server does", hint)


def _plain(body: bytes, encoding: str) -> bytes:
    """The content without the compression that a host adds unasked; as it came when that cannot be undone."""
    match encoding.strip().lower():
        case "gzip" | "x-gzip":
            window = 31
        case "deflate":
            window = 15
        case _:
            return body
    with suppress(zlib.error):
        return zlib.decompressobj(window).decompress(body)
    return body
