"""The Nu HTML checker reads every page of the demo and of the starter, and has nothing to say; nor about the styles."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from portalgen.site.sealing import HTML, unchecked, unseal
from portalgen.site.sealing import PAGE as ENCLOSED_PAGE
from tests.support import DEMO_DAY, MINIMAL_CLIENT, Built, invoke, minimal_site
from tests.unlocking import SAID, html, sealed_site

CSS_AHEAD_OF_THE_CHECKER: tuple[str, ...] = ()
"""Parts of messages about CSS that browsers have long known and the checker does not yet; each with its reason."""

DATA_IS_NO_SCRIPT = "Inline script violates Content Security Policy"
"""The checker holds blocks of data to the policy for scripts. Browsers look at a script's type before they look at the
policy (HTML, "prepare the script element")."""


def complaints(checker: Sequence[str], serve: Callable[[Path], str], *roots: Path) -> list[list[str]]:
    """What the checker says about all pages, styles and drawings of each folder, errors and warnings alike.

    All folders go to one process: the checker takes longer to start than to read a hundred pages. Pages it fetches from
    a server: read from a folder, a page's "self" is nowhere, and the checker thinks that the content security policy
    blocks the page's own style.
    """
    files: dict[str, tuple[int, str]] = {}
    for kind in (".html", ".css", ".svg"):  # in this order: after a drawing it holds pages to the rules for XML
        for n, root in enumerate(roots):
            for path in sorted(root.rglob(f"*{kind}")):
                name = path.relative_to(root).as_posix()
                files[f"{serve(root)}/{quote(name)}" if kind == ".html" else str(path)] = n, name
    assert {n for n, name in files.values() if name.endswith(".html")} == set(range(len(roots))), "no page to judge"
    manner = ["--exit-zero-always", "--skip-info-messages", "--also-check-css", "--also-check-svg"]
    done = subprocess.run(
        [*checker, "--format", "json", "--stdout", *manner, *files],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = [[] for _ in roots]
    messages: list[dict[str, Any]] = json.loads(done.stdout)["messages"]
    for message in messages:
        n, name = files[message["url"].removeprefix("file:")]
        text, extract = message["message"], message.get("extract", "").strip()
        if name.endswith(".css") and any(known in text for known in CSS_AHEAD_OF_THE_CHECKER):
            continue
        if text.startswith(DATA_IS_NO_SCRIPT) and '<script type="application/' in extract:
            continue
        sort = message.get("subType", message["type"])
        found[n].append(f"{name}:{message.get('lastLine', '?')}: {sort}: {text}  {extract!r}")
    return found


def an_english_agreement_on_an_arabic_page(site: Path) -> Path:
    """The output of a site with it."""
    text = "We meet as often as we agree, and either of us may stop at any time and without a reason. " * 40
    client = MINIMAL_CLIENT["content/clients/ana/client.yaml"] + "language: ar\nagreements: [ours]\n"
    agreement = f"---\ntitle: Our agreement\nversion: 1\neffective: 2026-01-01\n---\n{text}\n"
    files = {"content/clients/ana/client.yaml": client, "content/agreements/ours.md": agreement}
    minimal_site(site, {**MINIMAL_CLIENT, **files})
    result = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    return site / "output"


def shell_and_inside(sealed_demo: Built, folder: Path) -> tuple[Path, Path]:
    """The shell around a page, and two pages of each kind in the demo, as they are inside."""
    inside = folder / "inside"
    inside.mkdir(parents=True)
    count: dict[str, int] = {}
    for kind in ("portal", "invoice", "credit-note"):
        for address in sealed_demo.private_addresses(kind):
            file, _, fragment = address.partition("#")
            (text,) = re.findall(rb'id="sealed">([^<]*)<', (sealed_demo.output / file).read_bytes())
            for enclosed in unseal(unchecked(fragment), base64.b64decode(text)).files:
                name = kind if enclosed.name == ENCLOSED_PAGE else enclosed.name.partition("/")[0]
                if enclosed.type == HTML and count.setdefault(name, 0) < 2:
                    count[name] += 1
                    (inside / f"{name}-{count[name]}.html").write_bytes(enclosed.content)
    assert {"portal", "invoice", "credit-note", "receipts", "statements", "years", "agreements"} <= count.keys()
    site = sealed_site(folder / "site", folder / "output")
    site.put(html(SAID))
    (site.folder / "index.html").unlink()  # no page of the shell's
    return site.folder, inside


PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>x</title>"
FAULTS = {
    "error.html": f"{PAGE}<p><div>y</div></p>",
    "warning.html": f"{PAGE}<section><p>y</p></section>",
    "style.css": "p { colour: red }",
    "drawing.svg": '<svg xmlns="http://www.w3.org/2000/svg"><circle z="1"/></svg>',
}


def test_every_page_style_and_drawing_is_valid_and_the_checker_speaks_up(
    nu_checker: list[str],
    serve: Callable[[Path], str],
    demo_output: Path,
    starter_output: Path,
    sealed_demo: Built,
    tmp_path: Path,
) -> None:
    """Of sites in the clear; of the shell of a sealed page and of what is inside; and of one where all is wrong."""
    faults = tmp_path / "faults"
    faults.mkdir()
    for name, text in FAULTS.items():
        (faults / name).write_text(text, encoding="utf-8")
    judged = (demo_output, starter_output, an_english_agreement_on_an_arabic_page(tmp_path / "site"))
    assert all(any(root.rglob("*.css")) for root in judged)
    *found, seen = complaints(nu_checker, serve, *judged, *shell_and_inside(sealed_demo, tmp_path / "sealed"), faults)
    assert found == [[], [], [], [], []]
    drawing, error, style, warning = (re.sub(r":\d+:", ":", line) for line in sorted(seen))
    assert drawing.startswith("drawing.svg: error: Attribute “z” not allowed")
    assert error.startswith("error.html: error: No “p” element in scope")
    assert style.startswith("style.css: error: CSS: “colour”")
    assert warning.startswith("warning.html: warning: Section lacks heading")
