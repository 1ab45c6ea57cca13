"""The preview as its user meets it: the real command, a real browser, real edits."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.readers import tab
from tests.support import MINIMAL_CLIENT, minimal_site, run

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

DAY = "2026-11-21"
GUIDE = "---\ntitle: Rest\nsummary: Lie down for a while.\n---\nThe first words of this guide.\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in which each test has a file of its own."""
    files = {f"content/guides/{name}.md": GUIDE for name in ("rest", "walk")}
    files["content/clients/ana/plan.md"] = "Our plan for this week.\n"
    return minimal_site(tmp_path_factory.mktemp("served"), {**MINIMAL_CLIENT, **files})


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address that `portalgen serve` says."""
    command = [sys.executable, "-m", "portalgen", "serve", "--site", str(site), "--port", "0", "--today", DAY, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    text = ""
    while not text.endswith("}\n"):
        text += process.stdout.readline()
        assert process.poll() is None, text
    yield json.loads(text)["url"].rstrip("/") + "/"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    process.stdout.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with tab(chromium) as page:
        yield page


def save(path: Path, text: str) -> None:
    """As editors do: a new file moved over the old one."""
    path.parent.mkdir(exist_ok=True)
    aside = path.with_name(f".{path.name}.swp")
    aside.write_text(text)
    os.replace(aside, path)


def test_every_kind_of_edit_shows_without_a_reload_by_hand(site: Path, address: str, page: Page) -> None:
    page.goto(address + "guides/rest/")
    expect(page.locator("main")).to_contain_text("first words")
    save(site / "content/guides/rest.md", GUIDE.replace("first words", "second words"))
    expect(page.locator("main")).to_contain_text("second words")

    save(site / "templates/guide.html", '{% extends "theme/guide.html" %}{% block title %}Overridden{% endblock %}')
    expect(page).to_have_title(re.compile("Overridden"))

    save(site / "templates/theme.css", "h1 { color: rgb(1, 2, 3) }\n")
    expect(page.locator("h1")).to_have_css("color", "rgb(1, 2, 3)")
    page.evaluate("window.stillHere = true")
    save(site / "templates/theme.css", "h1 { color: rgb(3, 2, 1) }\n")
    expect(page.locator("h1")).to_have_css("color", "rgb(3, 2, 1)")
    assert page.evaluate("window.stillHere") is True  # a style is swapped in place


def test_a_clients_plan_shows_at_the_address_that_build_gives(site: Path, address: str, page: Page) -> None:
    page.goto(address)
    expect(page.locator("h1")).to_contain_text("Quiet Room")
    rows = json.loads(run("links", "ana", "--site", site, "--today", DAY, "--json").stdout)
    portal = next(row["url"] for row in rows if row["kind"] == "portal")
    page.goto(address + portal.removeprefix("https://practice.example/"))
    expect(page.locator("main")).to_contain_text("Our plan for this week")
    save(site / "content/clients/ana/plan.md", "Our plan for next week.\n")
    expect(page.locator("main")).to_contain_text("Our plan for next week")
    assert run("build", "--site", site, "--today", DAY).code == 0
    assert (site / "output" / portal.removeprefix("https://practice.example/") / "index.html").is_file()


def test_a_broken_file_shows_its_problem_over_the_last_good_page_and_heals(
    site: Path, address: str, page: Page
) -> None:
    page.goto(address + "guides/walk/")
    save(site / "content/guides/walk.md", GUIDE.replace("summary:", "sumary:"))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("content/guides/walk.md:3:1: error[unknown-key]")
    expect(alert).to_contain_text("did you mean 'summary'?")
    expect(page.locator("main")).to_contain_text("first words")
    save(site / "content/guides/walk.md", GUIDE.replace("first words", "mended words"))
    expect(page.locator("main")).to_contain_text("mended words")
    expect(alert).to_have_count(0)
