"""Hostile text through a real build: Markdown and imported words, on public pages and behind links of both modes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import hostile
from tests.readers import chromium_reader, tap, wait
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Built, guards, invoke, minimal_site
from tests.test_unlock import LEFT, TOUCHED
from tests.unlocking import sealed

TEXTS = {**hostile.HTML, **hostile.MARKDOWN}
COUNTING = "window.hits = 0; window.hit = () => { try { top.hits++ } finally { window.hits++ } }"


def sources(mode: str) -> dict[str, str]:
    """A site that says every hostile text: on a page, in a policy for clients, in a line of an invoice, in a payment."""
    files = dict(MINIMAL_CLIENT)
    if mode == "sealed":
        files["content/site.yaml"] = sealed(MINIMAL["content/site.yaml"])
    for n, text in enumerate(TEXTS.values()):
        files[f"content/pages/h{n}.md"] = f"---\ntitle: Page {n}\n---\nText {n}.\n\n{text}\n"
        files[f"content/policies/h{n}.md"] = (
            f"---\ntitle: Rule {n}\nkind: other\neffective: 2026-01-01\npublic: false\n---\nText {n}.\n\n{text}\n"
        )
    plain = [text for text in TEXTS.values() if text.isprintable()]
    lines = "".join(
        f"  - {{description: {json.dumps(f'Session {n}. {text}')}, unit_price: 1.00}}\n" for n, text in enumerate(plain)
    )
    head = MINIMAL_CLIENT["content/clients/ana/invoices/2026-0001.yaml"].partition("lines:")[0]
    files["content/clients/ana/invoices/2026-0001.yaml"] = f"{head}lines:\n{lines}"
    files["content/clients/ana/payments.yaml"] = "".join(
        f"- {{id: p{n}, date: 2026-11-03, amount: 1.00, currency: EUR, method: cash, payer: {json.dumps(f'Payer {n} {text}')}, allocations: "
        f"[{{invoice: 2026-0001, amount: 1.00}}]}}\n"
        for n, text in enumerate(plain[:9])
    )
    return files


def build_what_may_be(root: Path, mode: str) -> tuple[Built, set[str]]:
    """The site built; texts that the build refuses, each with a reason, are taken out first."""
    minimal_site(root, sources(mode))
    refused: set[str] = set()
    while True:
        result = invoke("build", "--site", root, "--today", DEMO_DAY, "--json")
        errors = [problem for problem in result.json["problems"] if problem["severity"] == "error"]
        if not errors:
            assert result.code == 0, result
            return Built(root, root / "output", result.json), refused
        assert all(problem["message"] and problem["hint"] for problem in errors)
        assert all(re.fullmatch(r"content/(pages|policies)/h\d+\.md", problem["path"]) for problem in errors), errors
        for path in {problem["path"] for problem in errors}:
            (root / path).unlink()
            refused.add(path)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """The site in both modes."""
    made = {}
    for mode in ("unlisted", "sealed"):
        made[mode], refused = build_what_may_be(tmp_path_factory.mktemp(mode) / "site", mode)
        assert len(TEXTS) - len(refused) / 2 >= 40, "the build refuses so many that nothing is shown"
    return made


def strangers(asked: list[str], origin: str) -> list[str]:
    """Addresses outside the site that were asked for."""
    return [url for url in asked if not url.startswith((origin, "data:", "blob:", "about:"))]


def test_hostile_text_on_public_and_unlisted_pages(
    sites: dict[str, Built], chromium: Browser, serve: Callable[[Path], str]
) -> None:
    output = sites["unlisted"].output
    origin = serve(output)
    public = {path.relative_to(output).as_posix(): path.read_bytes() for path in output.glob("h*/index.html")}
    assert len(public) >= 40
    other = sites["sealed"].output
    assert {path.relative_to(other).as_posix(): path.read_bytes() for path in other.glob("h*/index.html")} == public
    private = sorted(set(output.glob("p/*/**/index.html")) - guards(output))
    assert len(private) >= 40
    pages = [*public, *(path.relative_to(output).as_posix() for path in private)]
    frames = "".join(f'<iframe src="{page}"></iframe>' for page in pages)
    (output / "frames.html").write_text(f"<!doctype html>{frames}", encoding="utf-8")
    with chromium_reader(chromium, COUNTING, service_workers="block") as reader:
        reader.go(f"{origin}/frames.html")
        inside = "[...document.querySelectorAll('iframe')].map(frame => frame.contentDocument)"
        assert len(reader.page.frames) == len(pages) + 1, "no page holds another"
        assert reader.run(f"{inside}.every(page => page.querySelector('main'))")
        assert reader.run(f"{inside}.flatMap(page => ({LEFT})(page).map(left => page.URL + ': ' + left))") == []
        reader.run(f"void {inside}.forEach({hostile.EVENTS})")
        reader.run("new Promise(done => setTimeout(done, 200))")
        assert reader.run("hits") == 0
        assert strangers(reader.asked, origin) == []


@pytest.mark.parametrize("kind", ["invoice", "portal"])
def test_hostile_text_in_what_was_sealed(
    sites: dict[str, Built], chromium: Browser, serve: Callable[[Path], str], kind: str
) -> None:
    origin = serve(sites["sealed"].output)
    (address,) = sites["sealed"].private_addresses(kind)
    with chromium_reader(chromium, COUNTING, service_workers="block") as reader:
        reader.go(f"{origin}/{address}")
        tap(reader, "#act:not([hidden]) #open")
        wait(reader, "!document.querySelector('.gate')")
        every = "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
        sections = dict.fromkeys(href for href in reader.run(every) if "/policies/h" in href)
        assert (len(sections) >= 40) == (kind == "portal")
        assert reader.run(f"({LEFT})(document)") == []
        reader.run(f"void ({hostile.EVENTS})(document)")
        for section in sections:
            reader.run(f"void (location.hash = {json.dumps(section)})")
            wait(reader, f"document.body.textContent.includes('Text {section.rpartition('/h')[2]}.')")
            assert reader.run(TOUCHED)[0] == [], section
        reader.run("new Promise(done => setTimeout(done, 200))")
        assert reader.run("hits") == 0
        assert strangers(reader.asked, origin) == []
