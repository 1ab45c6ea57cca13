"""Times a cold build beside Hugo's on the same content, and beside the floor: copying the finished pages.

    python bench/run.py --size medium --hugo "$(command -v hugo)" --reps 3

Whole processes, interleaved (A B C, A B C …), so that a noisy machine hits all alike: compare the ratios of one run
only. Before a figure counts, sampled pages are searched for the amounts of the corpus's manifest.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
DAY = "2026-11-21"
# As after an ordinary installation: Python and portalgen keep what they compiled once.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def emit(size: str, form: str, out: Path) -> None:
    command = [sys.executable, str(HERE / "corpus.py"), "--size", size, "--form", form, "--out", str(out)]
    subprocess.run(command, check=True)


def timed(command: list[str], where: Path) -> tuple[float, float]:
    """Wall and processor seconds of a whole process."""
    begun, before = time.perf_counter(), os.times()
    subprocess.run(command, cwd=where, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return time.perf_counter() - begun, cpu


def verify(site: Path, portalgen: list[str]) -> int:
    """The number of sampled pages that show what the manifest says. Exits when one does not."""
    listed = subprocess.run([*portalgen, "links", "--json", "--today", DAY], cwd=site, check=True, capture_output=True)
    files = {
        (row["kind"], row["ref"]): re.sub("^https://[^/]+/", "", row["url"]) + "index.html"
        for row in json.loads(listed.stdout)
    }
    checks = json.loads(site.with_name(site.name + ".manifest.json").read_text())["checks"]
    for check in checks:
        text = html.unescape((site / "output" / files[check["kind"], check["ref"]]).read_text())
        missing = [words for words in check["has"] if words not in text]
        if missing:
            sys.exit(f"{check['kind']} {check['ref']} does not show {missing}")
    return len(checks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--pdf", action="store_true", help="time builds with all PDFs too, unlisted and sealed")
    parser.add_argument("--hugo", default=shutil.which("hugo"))
    given = parser.parse_args()
    portalgen = [sys.executable, "-m", "portalgen"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        ours, theirs, copy = work / "portalgen", work / "hugo", work / "copy"
        emit(given.size, "portalgen", ours)
        steps: dict[str, Callable[[], tuple[float, float]]] = {}

        def cold(place: Path, output: str, command: list[str]) -> tuple[float, float]:
            if (place / output).exists():
                (place / output).rename(work / f"old-{time.monotonic_ns()}")
            return timed(command, place)

        steps["portalgen cold"] = lambda: cold(ours, "output", [*portalgen, "build", "--today", DAY])
        steps["portalgen unchanged"] = lambda: timed([*portalgen, "build", "--today", DAY], ours)
        if given.pdf:
            printed, sealed = work / "printed", work / "sealed"
            for place, mode in (printed, "unlisted"), (sealed, "sealed"):
                shutil.copytree(ours / "content", place / "content")
                settings = place / "content" / "site.yaml"
                text = settings.read_text().replace("pdf: false", "pdf: true")
                settings.write_text(text.replace("mode: unlisted", f"mode: {mode}"))

            def anew(place: Path) -> tuple[float, float]:
                for name in ("output", ".portalgen", "portalgen.lock"):
                    if (place / name).exists():
                        (place / name).rename(work / f"old-{name}-{time.monotonic_ns()}")
                return timed([*portalgen, "build", "--today", DAY], place)

            steps["PDFs, cold"] = lambda: anew(printed)
            steps["PDFs, unchanged"] = lambda: timed([*portalgen, "build", "--today", DAY], printed)
            steps["PDFs, sealed, cold"] = lambda: anew(sealed)
            steps["PDFs, sealed, unchanged"] = lambda: timed([*portalgen, "build", "--today", DAY], sealed)
        if given.hugo:
            emit(given.size, "hugo", theirs)
            steps["hugo cold"] = lambda: cold(theirs, "public", [given.hugo, "--quiet"])
        steps["floor: cp -r"] = lambda: cold(work, copy.name, ["cp", "-r", str(ours / "output"), str(copy)])
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
        for _ in range(given.reps):
            for name, step in steps.items():
                times[name].append(step())
        print(f"{given.size}: {verify(ours, portalgen)} sampled pages show their amounts")
        if given.pdf:
            print(f"  {len(list((printed / 'output').rglob('*.pdf')))} PDFs")
        base = statistics.median(wall for wall, _ in times.get("hugo cold", times["floor: cp -r"]))
        for name, rows in times.items():
            wall, cpu = (statistics.median(row[n] for row in rows) for n in (0, 1))
            print(f"  {name:24} {wall:7.2f} s wall, {cpu:7.2f} s cpu, x{wall / base:.2f}")


if __name__ == "__main__":
    main()
