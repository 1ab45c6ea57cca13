"""How long a reader waits after the tap: a page of 100 KB with its PDF, opened in Chromium over and over.

    python bench/unlock.py [--count 20] [--size 100]

Prints the median and the slowest time in milliseconds from the click to the first frame that shows the page. The aim
is under 300 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from portalgen.site.sealing import Enclosed
from tests.support import file_server, program
from tests.unlocking import SAID, html, sealed_site

TAP = """() => new Promise(done => {
  const start = performance.now();
  new MutationObserver((_, watch) => {
    if (document.querySelector('.gate')) return;
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
  }).observe(document.body, {childList: true});
  document.querySelector('#open').click();
})"""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=20)
    arguments.add_argument("--size", type=int, default=100, help="KB of HTML")
    given = arguments.parse_args()
    row = "<tr><th scope=row>Individual session, 60 minutes</th><td class=figure>1</td><td class=figure>85.00</td></tr>"
    table = f"<table class=money>{row * (given.size * 1024 // len(row))}</table>"
    times = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = sealed_site(Path(folder, "site"), Path(folder, "output"))
        link = site.put(html(SAID + table), Enclosed("a.pdf", "application/pdf", bytes(60_000)))
        browser = playwright.chromium.launch(
            executable_path=program("chromium", "chromium-browser", "google-chrome"), args=["--no-sandbox"]
        )
        with file_server(site.folder) as origin:
            for _ in range(given.count):
                page = browser.new_page()
                page.goto(f"{origin}/{link}")
                page.wait_for_selector("#open:visible")
                times.append(page.evaluate(TAP))
                page.close()
        browser.close()
    print(f"{given.size} KB: median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms of {given.count}")


if __name__ == "__main__":
    main()
