"""A build that would change nothing is left out, and never wrongly (design §6)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portalgen.publish import partial as building
from tests.support import DEMO_DAY, MINIMAL_CLIENT, Result, invoke, minimal_site

DAY = "2026-11-21"


def memory(site: Path) -> Path:
    """The file that remembers the last build."""
    [path] = (site / ".portalgen/cache").glob("last-*")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    made = minimal_site(tmp_path / "site", MINIMAL_CLIENT)
    assert build(made).code == 0
    return made


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of which something was really read and rendered, in the order in which that happened."""
    seen: list[Path] = []
    build_parts = building.build_parts

    def watched(root: Path, *given: Any, **rest: Any) -> building.Built | None:
        seen.append(root)
        return build_parts(root, *given, **rest)

    monkeypatch.setattr(building, "build_parts", watched)
    return seen


def build(site: Path, *more: str, today: str = DAY) -> Result:
    return invoke("build", "--site", site, "--today", today, "--json", *more)


def output(site: Path) -> dict[str, bytes]:
    return {p.relative_to(site).as_posix(): p.read_bytes() for p in site.glob("output/**/*") if p.is_file()}


def test_nothing_changed_is_nothing_done(site: Path, builds: list[Path]) -> None:
    before = output(site)
    result = build(site)
    assert builds == []
    assert result.code == 0
    assert (result.json["written"], result.json["removed"]) == (0, 0)
    assert result.json["unchanged"] == len(before)
    assert output(site) == before


def test_code_that_is_just_being_compiled_is_no_other_program(site: Path, builds: list[Path]) -> None:
    """Python and the templates of other processes write their files beside ours, and rename them at any moment."""
    folder = Path(building.__file__).parent / "__pycache__"
    folder.mkdir(exist_ok=True)
    passing = folder / "half-written.cpython-311.pyc.99999"
    passing.symlink_to("gone")
    try:
        assert build(site).code == 0
    finally:
        passing.unlink()
    assert builds == []


def append(path: str, text: str) -> Callable[[Path], object]:
    def change(site: Path) -> None:
        place = site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text((place.read_text() if place.exists() else "") + text)

    return change


@pytest.mark.parametrize(
    "change",
    [
        append("content/pages/home.md", "One line more.\n"),
        append("content/pages/new.md", "---\ntitle: New\n---\nNew.\n"),
        append("templates/theme.css", "body { color: black }\n"),
        append("content/static/word.txt", "word"),
        append("output/index.html", "somebody else was here"),
        lambda site: (site / "output/robots.txt").unlink(),
        lambda site: (site / "content/pages/home.md").rename(site / "content/pages/start.md"),
        lambda site: memory(site).write_text("{"),
        lambda site: memory(site).unlink(),
    ],
)
def test_what_changed_is_built(site: Path, builds: list[Path], change: Callable[[Path], object]) -> None:
    change(site)
    result = build(site)
    assert len(builds) == 1
    now = output(site)
    assert build(site, "--no-cache").json["written"] == 0, "and nothing is left to do"
    assert result.code == 0
    assert output(site) == now


def test_another_day_or_address_is_another_build(site: Path, builds: list[Path]) -> None:
    build(site, today="2026-12-24")
    build(site, "--base-url", "https://other.example/", today="2026-12-24")
    assert len(builds) == 2


def test_another_output_is_another_build(site: Path, builds: list[Path]) -> None:
    build(site, "--output", str(site.parent / "elsewhere"))
    build(site)
    build(site, "--output", str(site.parent / "elsewhere"))
    assert len(builds) == 1


def test_an_edit_with_the_old_size_and_time_is_seen(site: Path, builds: list[Path]) -> None:
    import os

    home = site / "content/pages/home.md"
    state = home.stat()
    home.write_text(home.read_text().replace("canal", "river"))
    os.utime(home, ns=(state.st_atime_ns, state.st_mtime_ns))
    build(site)
    assert len(builds) == 1


def test_warnings_are_told_each_time(site: Path, builds: list[Path]) -> None:
    append("content/pages/home.md", "\n")(site)
    edited = (site / "content/site.yaml").read_text().replace("base_url: https://practice.example/\n", "")
    (site / "content/site.yaml").write_text(edited)
    first, second = build(site), build(site)
    assert len(builds) == 1
    assert [p["code"] for p in second.json["problems"]] == ["no-base-url"]
    assert second.json["problems"] == first.json["problems"]
    words = invoke("build", "--site", site, "--today", DAY)
    assert "warning[no-base-url]" in words.stderr


def test_an_output_that_was_lost_and_built_again_is_remembered(tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", MINIMAL_CLIENT)
    build = ("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert invoke(*build).json["written"] > 0
    shutil.rmtree(site / "output")
    assert invoke(*build).json["written"] > 0
    manifest = json.loads((site / ".portalgen" / "manifest.json").read_text())
    assert [owned["complete"] for owned in manifest["outputs"].values()] == [True]
