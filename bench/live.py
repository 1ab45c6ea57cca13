"""How long an edit takes to show in `portalgen serve`, and whether a thousand of them leave its memory as it was.

    python bench/live.py --size medium                    # the corpus is made and built first
    python bench/live.py --site DIR --edits 50 --many 1000 --browser

DIR is a copy of a corpus of `corpus.py`; its first client's plan is edited. An edit has shown when the client's page
holds the new words: asked for over loopback again and again, and in Chromium when they have been painted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
DAY = "2026-11-21"
CLIENT = "client-00001"
PATIENCE = 60.0
PAINTED = """addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => requestAnimationFrame(() =>
    console.log("painted", Date.now(), document.body.innerText.includes("Edit "), document.body.innerText))))"""


def portalgen(*command: str) -> list[str]:
    return [sys.executable, "-m", "portalgen", *command]


def corpus(size: str, folder: Path) -> Path:
    site = folder / size
    subprocess.run([sys.executable, HERE / "corpus.py", "--size", size, "--out", site], check=True)
    subprocess.run(portalgen("build", "--site", str(site), "--today", DAY), check=True, stdout=subprocess.DEVNULL)
    return site


def portal(site: Path) -> str:
    """Where the client's page stands while it is not sealed."""
    from portalgen.publish.access import partial_access

    access = partial_access(site)
    assert access is not None
    row = next(row for row in access.rows(CLIENT) if row.of == "portal")
    return access.address(row, sealed=False)


class Served:
    """A running preview of a site."""

    def __init__(self, site: Path) -> None:
        begun = time.perf_counter()
        command = portalgen("serve", "--site", str(site), "--port", "0", "--today", DAY, "--json")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        told = ""
        while not told.endswith("}\n"):
            told += self.process.stdout.readline()
        self.url = json.loads(told)["url"]
        self.plan = site / "content/clients" / CLIENT / "plan.md"
        self._text = self.plan.read_text(encoding="utf-8")
        self._count = 0
        self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        self.announced = time.perf_counter() - begun
        self.get("")
        self.ready = time.perf_counter() - begun
        self.address = portal(site)
        self.get(self.address)
        self.opened = time.perf_counter() - begun

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


@contextmanager
def served(site: Path) -> Iterator[Served]:
    preview = Served(site)
    try:
        yield preview
    finally:
        preview.end()


def in_browser(preview: Served, edits: int) -> list[float]:
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
            page.wait_for_timeout(200)
        browser.close()
    return times


def told(name: str, times: list[float]) -> str:
    return f"{name:24} {statistics.median(times):7.1f} ms  ({min(times):.1f}-{max(times):.1f}, n={len(times)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--site", type=Path, help="A corpus that is there and was built; it is edited in place.")
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--many", type=int, default=0, help="So many more edits, with the memory after each hundred.")
    parser.add_argument("--browser", action="store_true", help="Measure edit to pixels in Chromium too.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        site = given.site or corpus(given.size, Path(folder))
        with served(site) as preview:
            print(f"address {preview.announced:.2f} s, first page {preview.ready:.2f} s, client {preview.opened:.2f} s")
            print(f"load {os.getloadavg()[0]:.1f}, memory {preview.resident:.0f} MB", flush=True)
            preview.edit()
            times = []
            before = preview.spent
            for _ in range(given.edits):
                time.sleep(0.1)
                times.append(preview.edit())
            print(told("edit to served page", times), flush=True)
            print(f"processor time an edit   {(preview.spent - before) / given.edits:7.1f} ms", flush=True)
            if given.browser:
                print(told("edit to pixels", in_browser(preview, given.edits)), flush=True)
            for number in range(given.many):
                preview.edit()
                if number % 100 == 99:
                    print(f"after {number + 1:5} edits {preview.resident:7.1f} MB", flush=True)


if __name__ == "__main__":
    main()
