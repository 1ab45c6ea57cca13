"""The benchmark runs, and no figure counts whose pages do not say what they must."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

BENCH = ROOT / "bench"
HURRIED = """
import runpy, sys, time

time.sleep = lambda seconds: None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""The script named first, without the pauses between phases that keep figures from disturbing each other."""


def test_a_run_without_hugo_prints_a_table(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HURRIED, str(BENCH / "run.py"), "--reps", "1", "--phases", "cold,unchanged,edit"]
    done = subprocess.run([*command, "--hugo", "", "--work", str(tmp_path)], capture_output=True, text=True, cwd=BENCH)
    assert (done.returncode, done.stderr) == (0, "")
    assert "15 sampled pages of each show their amounts" in done.stdout
    rows = re.findall(r"^\| (\w+): portalgen \| (\d+\.\d\d) \(", done.stdout, re.M)
    assert [phase for phase, _ in rows] == ["cold", "unchanged", "edit"]
    assert not list(tmp_path.iterdir())


def test_work_left_out_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    builders = importlib.import_module("builders")
    site = tmp_path / "site"
    check = {"client": "ana", "kind": "invoice", "ref": "1", "has": ["1", "120.00"]}
    manifest = {"edit": "ana.md", "client": "ana", "checks": [check]}
    (tmp_path / "site.manifest.json").write_text(json.dumps(manifest))
    page = site / "public/c/ana/1/index.html"
    page.parent.mkdir(parents=True)
    (site / "ana.md").write_text("Said.")
    page.write_text("<h1>1</h1><p>120.00</p>")
    built = builders.Hugo(site, "hugo")
    assert built.verify() == 1
    page.write_text("<h1>1</h1>")
    with pytest.raises(SystemExit, match=re.escape("does not show ['120.00']")):
        built.verify()
