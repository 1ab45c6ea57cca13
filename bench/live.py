"""How long an edit takes to show in `portalgen serve`, and whether a thousand of them leave its memory as it was.

    python bench/live.py --size medium                    # the corpus is made and built first
    python bench/live.py --site DIR --edits 50 --many 1000 --browser
    python bench/live.py --size medium --hugo "$(command -v hugo)"    # beside `hugo server` on the same content

DIR is a copy of a corpus of `corpus.py`; its first client's plan is edited. An edit has shown when the client's page
holds the new words: asked for over loopback again and again, and in Chromium when they have been painted. Edits of
one server and the other take turns.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from builders import binary

HERE = Path(__file__).resolve().parent
DAY = "2026-11-21"
CLIENT = "client-00001"
PATIENCE = 60.0
PAINTED = """addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => requestAnimationFrame(() =>
    console.log("painted", Date.now(), document.body.innerText.includes("Edit "), document.body.innerText))))"""


def portalgen(*command: str) -> list[str]:
    return [str(Path(sys.executable).with_name("portalgen")), *command]


def corpus(size: str, folder: Path, form: str = "portalgen") -> Path:
    site = folder / f"{size}-{form}"
    command = [sys.executable, HERE / "corpus.py", "--size", size, "--form", form, "--out", site]
    subprocess.run(command, check=True)
    if form == "portalgen":
        subprocess.run(portalgen("build", "--site", str(site), "--today", DAY), check=True, stdout=subprocess.DEVNULL)
    return site


def portal(site: Path) -> str:
    """Where the client's page stands while it is not sealed."""
    from portalgen.publish.access import partial_access

    access = partial_access(site)
    assert access is not None
    row = next(row for row in access.rows(CLIENT) if row.of == "portal")
    return access.address(row, sealed=False)


class Preview:
    """A running server that shows a site while it is edited."""

    name: str
    process: subprocess.Popen[str]
    url: str
    address: str

    def __init__(self, plan: Path) -> None:
        """`plan`: the file that is edited."""
        self._begun = time.perf_counter()
        self.plan = plan
        self._text = plan.read_text(encoding="utf-8")
        self._count = 0

    def connect(self) -> None:
        """Asks for the first page, for which a server may make its visitor wait."""
        self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        self.announced = time.perf_counter() - self._begun
        self.get("")
        self.ready = time.perf_counter() - self._begun

    def open(self) -> None:
        """Asks for the page that shows the file."""
        self.get(self.address)
        self.opened = time.perf_counter() - self._begun

    def get(self, address: str) -> bytes:
        self._connection.request("GET", f"/{address}")
        return self._connection.getresponse().read()

    def save(self) -> str:
        """Writes the plan with new words, which are given back."""
        self._count += 1
        words = f"Edit {self._count} of {time.time_ns()}"
        self.plan.write_text(f"{self._text}\n{words}\n", encoding="utf-8")
        return words

    def edit(self) -> float:
        """Milliseconds from a saved plan to the page that shows it."""
        begun = time.perf_counter()
        words = self.save().encode()
        while words not in self.get(self.address):
            assert time.perf_counter() - begun < PATIENCE, "the edit is not shown"
            time.sleep(0.001)
        return 1000 * (time.perf_counter() - begun)

    @property
    def spent(self) -> float:
        """Milliseconds of processor time so far."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return 1000 * (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident(self) -> float:
        """The memory of the process in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def end(self) -> None:
        self.plan.write_text(self._text, encoding="utf-8")
        self._connection.close()
        self.process.terminate()
        self.process.wait(PATIENCE)


class Served(Preview):
    """`portalgen serve`."""

    name = "portalgen serve"

    def __init__(self, site: Path) -> None:
        super().__init__(site / "content/clients" / CLIENT / "plan.md")
        command = portalgen("serve", "--site", str(site), "--port", "0", "--today", DAY, "--json")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        told = ""
        while not told.endswith("}\n"):
            told += self.process.stdout.readline()
        self.url = json.loads(told)["url"]
        self.connect()
        self.address = portal(site)
        self.open()


class HugoServer(Preview):
    """`hugo server`, with its pages in memory as ours are."""

    name = "hugo server"

    def __init__(self, site: Path, program: str) -> None:
        super().__init__(site / "content/c" / CLIENT / "_index.md")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [program, "server", "--renderToMemory", "--bind", "127.0.0.1", "--port", str(port)]
        command += ["--cacheDir", str(site.with_name(site.name + "-cache"))]
        self.process = subprocess.Popen(
            command, cwd=site, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        )
        self.url, self.address = f"http://127.0.0.1:{port}/", f"c/{CLIENT}/"
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert self.process.poll() is None, "hugo server has ended"
            time.sleep(0.005)
        self.connect()
        self.open()


@contextmanager
def served(preview: Preview) -> Iterator[Preview]:
    try:
        yield preview
    finally:
        preview.end()


def in_browser(preview: Preview, edits: int) -> list[float]:
    """Milliseconds from a saved plan to the frame that shows it."""
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(PAINTED)
        said: list[tuple[float, str]] = []

        def hear(text: str) -> None:
            if text.startswith("painted "):
                said.append((float(text.split()[1]), text))

        page.on("console", lambda message: hear(message.text))
        page.goto(preview.url + preview.address)
        page.wait_for_timeout(500)
        for _ in range(edits):
            begun = 1000 * time.time()
            words = preview.save()
            latest = begun + 1000 * PATIENCE
            while not (shown := [at for at, text in said if words in text]):
                assert 1000 * time.time() < latest, "the edit is not painted"
                page.wait_for_timeout(5)
            times.append(shown[0] - begun)
            said.clear()
            page.wait_for_timeout(1000)  # Hugo's page misses what happens right after it has loaded
        browser.close()
    return times


def told(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ({min(times):.0f}–{max(times):.0f})"


def measure(previews: list[Preview], edits: int, many: int, browser: bool) -> dict[str, list[str]]:
    """What is measured, and what it is for each server."""
    rows = {
        "first page, s from the start": [f"{preview.ready:.2f}" for preview in previews],
        "client’s page, s from the start": [f"{preview.opened:.2f}" for preview in previews],
        "memory then, MB": [f"{preview.resident:.0f}" for preview in previews],
    }
    for preview in previews:
        preview.edit()
    times: dict[str, list[float]] = {preview.name: [] for preview in previews}
    before = [preview.spent for preview in previews]
    for _ in range(edits):
        for preview in previews:
            time.sleep(0.1)
            times[preview.name].append(preview.edit())
    rows[f"edit to served page, ms (n={edits})"] = [told(found) for found in times.values()]
    spent = [(preview.spent - old) / edits for preview, old in zip(previews, before, strict=True)]
    rows["processor ms an edit"] = [f"{one:.0f}" for one in spent]
    if browser:
        rows[f"edit to pixels, ms (n={edits})"] = [told(in_browser(preview, edits)) for preview in previews]
    marks = sorted({min(100, many), many // 2, many} - {0})
    for number in range(1, many + 1):
        for preview in previews:
            preview.edit()
        if number in marks:
            rows[f"memory after {number} more edits, MB"] = [f"{preview.resident:.0f}" for preview in previews]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--site", type=Path, help="a corpus that is there and was built; it is edited in place")
    parser.add_argument("--hugo", help="Hugo's program: measure its server too")
    parser.add_argument("--hugo-site", type=Path, help="the same corpus in Hugo's form")
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--many", type=int, default=0, help="so many more edits, with the memory after them")
    parser.add_argument("--browser", action="store_true", help="measure edit to pixels in Chromium too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-") as folder, ExitStack() as stack:
        site = given.site or corpus(given.size, Path(folder))
        previews = [stack.enter_context(served(Served(site)))]
        if given.hugo:
            theirs = given.hugo_site or corpus(given.size, Path(folder), "hugo")
            previews.append(stack.enter_context(served(HugoServer(theirs, binary(given.hugo)))))
        rows = measure(previews, given.edits, given.many, given.browser)
        print(
            f"\n| {given.site.name.removesuffix('-portalgen') if given.site else given.size}, live | "
            + " | ".join(p.name for p in previews)
            + " |"
        )
        print("|---|" + "--:|" * len(previews))
        for name, values in rows.items():
            print(f"| {name} | " + " | ".join(values) + " |")


if __name__ == "__main__":
    main()
