"""One small way to read pages in two browsers: Chromium by Playwright, Debian's Firefox by WebDriver BiDi.

Playwright drives only a Firefox of its own, so what clients have is asked in the language that browsers agreed on
(https://w3c.github.io/webdriver-bidi/). Neither browser can reach anything but this machine.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, Error, Page
from websockets.sync.client import ClientConnection, connect


class Leaving(Exception):
    """The page is giving way to another one at this moment."""


class Reader(Protocol):
    """A tab that keeps every address it asked for (`asked`) and every error and warning of its console (`said`)."""

    asked: list[str]
    said: list[str]

    def go(self, url: str) -> None:
        """Open an address as a new visit, and wait until it is loaded."""

    def reload(self) -> None:
        """Load the page again."""

    def back(self) -> None:
        """Go one page or section back."""

    def run(self, script: str) -> Any:
        """What a JavaScript expression comes to; a promise is waited for."""


def wait(reader: Reader, condition: str, seconds: float = 10) -> None:
    """Wait until an expression is true."""
    begun = time.monotonic()
    while not _holds(reader, condition):
        waited = time.monotonic() - begun
        assert waited < seconds, f"never true: {condition}\n{text(reader)}\n{reader.said}"
        time.sleep(min(0.1, 0.005 + waited / 4))  # to ask takes the time of those who are to answer


def _holds(reader: Reader, condition: str) -> bool:
    try:
        return bool(reader.run(f"Boolean({condition})"))
    except Leaving:
        return False


def text(reader: Reader) -> str:
    """What a reader sees of the page."""
    return str(reader.run("document.body ? document.body.innerText : ''"))


def tap(reader: Reader, selector: str) -> None:
    """Click an element, as soon as it is there."""
    wait(reader, f"document.querySelector({json.dumps(selector)})")
    reader.run(f"document.querySelector({json.dumps(selector)}).click()")


_TABS: dict[tuple[Browser, str], Page] = {}


@contextlib.contextmanager
def tab(browser: Browser, script: str = "", **options: Any) -> Iterator[Page]:
    """An empty tab in a profile with these options. `script` is there from the start in every page.

    To open a profile takes Chromium a second, so tests take over the tab of the one before, as long as that one was well
    when it left: with nothing open, no cookie, no other tab, nobody who answers in a server's place.
    """
    kind = browser, json.dumps([script, options], sort_keys=True)
    page = _TABS.pop(kind, None)
    if page is None:
        context = browser.new_context(**options)
        if script:
            context.add_init_script(script)
        page = context.new_page()
    own = page.context
    try:
        yield page
    except BaseException:
        own.close()
        raise
    for other in own.pages:
        if other != page:
            other.close()
    page.unroute_all()
    own.unroute_all()
    page.goto("about:blank")
    own.clear_cookies()
    page.emulate_media(media="null", color_scheme=options.get("color_scheme", "light"))
    page.set_viewport_size(options.get("viewport", {"width": 1280, "height": 720}))
    _TABS[kind] = page


@contextlib.contextmanager
def hearing(context: BrowserContext, heard: Mapping[str, Callable[[Any], None]]) -> Iterator[None]:
    """Hears what a profile says, for a while: a function for each kind of event."""
    for event, listener in heard.items():
        context.on(event, listener)  # type: ignore[call-overload]
    try:
        yield
    finally:
        for event, listener in heard.items():
            context.remove_listener(event, listener)


class ChromiumReader:
    """A tab of Chromium."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        self.heard: Mapping[str, Callable[[Any], None]] = {
            "request": lambda request: self.asked.append(request.url),
            "console": lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None,
            "weberror": lambda error: self.said.append(str(error.error)),
        }

    def go(self, url: str) -> None:
        if self.page.url.partition("#")[0] == url.partition("#")[0]:
            self.page.goto("about:blank")  # else it would only be another place in the same page
        self.page.goto(url, wait_until="load")

    def reload(self) -> None:
        self.page.reload(wait_until="load")

    def back(self) -> None:
        self.page.go_back(wait_until="load")

    def run(self, script: str) -> Any:
        try:
            return self.page.evaluate(script)
        except Error as error:
            if "context was destroyed" in error.message:
                raise Leaving from error
            raise


@contextlib.contextmanager
def chromium_reader(browser: Browser, script: str = "", **options: Any) -> Iterator[ChromiumReader]:
    """A tab in a profile with these options (`tab`)."""
    with tab(browser, script, **options) as page:
        reader = ChromiumReader(page)
        with hearing(page.context, reader.heard):
            yield reader


_PREFERENCES: dict[str, object] = {
    "network.proxy.type": 1,  # what does not lie on this machine is asked of a proxy that is not there
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.normandy.enabled": False,
    "extensions.update.enabled": False,
    "services.settings.server": "data:,",
}


class FirefoxReader:
    """A tab of Firefox. `downloads` is where it puts files."""

    def __init__(self, socket: ClientConnection, downloads: Path) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self.downloads = downloads
        self._socket, self._numbers = socket, itertools.count(1)
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])
        self._tab = self.ask("browsingContext.create", type="tab")["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command, hear events until it is answered. Raises `AssertionError` when Firefox refuses."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == number:
                if message.get("error") in ("no such frame", "no such node", "unknown error") and "script" in method:
                    raise Leaving(message)
                assert message["type"] == "success", f"{method}: {message}"
                return message["result"]
            if message.get("method") == "network.beforeRequestSent":
                self.asked.append(message["params"]["request"]["url"])
            elif message.get("method") == "log.entryAdded" and message["params"]["level"] in ("error", "warn"):
                self.said.append(str(message["params"]["text"]))

    def go(self, url: str) -> None:
        for address in ("about:blank", url):
            self.ask("browsingContext.navigate", context=self._tab, url=address, wait="complete")

    def reload(self) -> None:
        self.ask("browsingContext.reload", context=self._tab, wait="complete")

    def back(self) -> None:
        self.ask("browsingContext.traverseHistory", context=self._tab, delta=-1)
        time.sleep(0.2)

    def run(self, script: str) -> Any:
        done = self.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({script})))()",
            target={"context": self._tab},
            awaitPromise=True,
        )
        if done["type"] != "success" and "null" in str(done):
            raise Leaving(done)
        assert done["type"] == "success", done
        value = done["result"].get("value")
        return None if value is None else json.loads(value)

    def clear(self) -> None:
        """Forget what was heard."""
        self.asked.clear()
        self.said.clear()


@contextlib.contextmanager
def firefox_reader(program: str) -> Iterator[FirefoxReader]:
    """A Firefox of its own, headless, with an empty profile."""
    with tempfile.TemporaryDirectory(prefix="firefox-") as folder:
        profile, downloads = Path(folder, "profile"), Path(folder, "downloads")
        profile.mkdir()
        downloads.mkdir()
        preferences = {**_PREFERENCES, "browser.download.dir": str(downloads)}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        log = Path(folder, "log")
        with log.open("wb") as output:
            command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
            process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            with connect(f"{_listening(log, process)}/session", max_size=None, proxy=None) as socket:
                yield FirefoxReader(socket, downloads)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Firefox does not start:\n{log.read_text(errors='replace')}")
