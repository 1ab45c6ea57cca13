"""The Nu HTML checker reads every page of the demo and of the starter, and has nothing to say; nor about the styles."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import DEMO_DAY, MINIMAL_CLIENT, invoke, minimal_site

CSS_AHEAD_OF_THE_CHECKER: tuple[str, ...] = ()
"""Parts of messages about CSS that browsers have long known and the checker does not yet; each with its reason."""

DATA_IS_NO_SCRIPT = "Inline script violates Content Security Policy"
"""The checker holds blocks of data to the policy for scripts. Browsers look at a script's type before they look at the
policy (HTML, "prepare the script element")."""


def complaints(checker: Sequence[str], kind: str, origin: str, root: Path) -> list[str]:
    """What the checker says about all files of one kind (`html`, `css`, `svg`), errors and warnings alike.

    Pages it fetches from the server at `origin`: read from a folder, a page's "self" is nowhere, and the checker thinks
    that the content security policy blocks the page's own style.
    """
    base = origin if kind == "html" else f"file:{root}"
    names = [path.relative_to(root).as_posix() for path in sorted(root.rglob(f"*.{kind}"))]
    files = [f"{origin}/{quote(name)}" if kind == "html" else str(root / name) for name in names]
    if not files:
        assert kind == "svg", f"no {kind} to judge: only drawings may be missing"
        return []
    done = subprocess.run(
        [*checker, "--format", "json", "--stdout", "--exit-zero-always", "--skip-info-messages", f"--{kind}", *files],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    messages: list[dict[str, Any]] = json.loads(done.stdout)["messages"]
    return [
        f"{message.get('url', '?').removeprefix(f'{base}/')}:{message.get('lastLine', '?')}: "
        f"{message.get('subType', message['type'])}: {message['message']}  {message.get('extract', '').strip()!r}"
        for message in messages
        if not (kind == "css" and any(known in message["message"] for known in CSS_AHEAD_OF_THE_CHECKER))
        and not (
            message["message"].startswith(DATA_IS_NO_SCRIPT) and '<script type="application/' in message["extract"]
        )
    ]


@pytest.mark.parametrize("built", ["demo_output", "starter_output"])
def test_html_is_valid(
    nu_checker: list[str], serve: Callable[[Path], str], built: str, request: pytest.FixtureRequest
) -> None:
    output: Path = request.getfixturevalue(built)
    found = complaints(nu_checker, "html", serve(output), output)
    assert not found, "\n".join(found)


def test_an_english_agreement_on_an_arabic_page_is_valid(
    nu_checker: list[str], serve: Callable[[Path], str], tmp_path: Path
) -> None:
    text = "We meet as often as we agree, and either of us may stop at any time and without a reason. " * 40
    client = MINIMAL_CLIENT["content/clients/ana/client.yaml"] + "language: ar\nagreements: [ours]\n"
    agreement = f"---\ntitle: Our agreement\nversion: 1\neffective: 2026-01-01\n---\n{text}\n"
    files = {"content/clients/ana/client.yaml": client, "content/agreements/ours.md": agreement}
    minimal_site(tmp_path, {**MINIMAL_CLIENT, **files})
    result = invoke("build", "--site", tmp_path, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    output = tmp_path / "output"
    found = complaints(nu_checker, "html", serve(output), output)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("kind", ["css", "svg"])
def test_styles_and_drawings_are_valid(
    nu_checker: list[str], serve: Callable[[Path], str], demo_output: Path, kind: str
) -> None:
    found = complaints(nu_checker, kind, serve(demo_output), demo_output)
    assert not found, "\n".join(found)


PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>x</title>"


def test_the_checker_speaks_up(nu_checker: list[str], serve: Callable[[Path], str], tmp_path: Path) -> None:
    (tmp_path / "error.html").write_text(f"{PAGE}<p><div>y</div></p>", encoding="utf-8")
    (tmp_path / "warning.html").write_text(f"{PAGE}<section><p>y</p></section>", encoding="utf-8")
    (tmp_path / "style.css").write_text("p { colour: red }", encoding="utf-8")
    error, warning = complaints(nu_checker, "html", serve(tmp_path), tmp_path)
    assert error.startswith("error.html:1: error: No “p” element in scope")
    assert warning.startswith("warning.html:1: warning: Section lacks heading")
    (style,) = complaints(nu_checker, "css", serve(tmp_path), tmp_path)
    assert style.startswith("style.css:1: error: CSS: “colour”")
