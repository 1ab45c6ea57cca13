"""Times builds of portalgen beside Hugo's on the same content, and beside the floor: copying the finished pages.

    python bench/run.py                                       # small; cold, unchanged, edit, floor
    python bench/run.py --size medium large --reps 5 --phases cold,unchanged,edit,floor,memory,same,sealed,pdf,growth,live

Whole processes, interleaved (A B C, A B C …), so that a noisy machine hits all alike: compare the ratios of one run
only. Before a figure counts, sampled pages of everybody are searched for the amounts of the corpus's manifest, and
after each edit the page is searched for it. Prints Markdown; README.md beside this file says what each row means.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from builders import ENVIRONMENT, Aside, Builder, Hugo, Portalgen, Run, binary, run

HERE = Path(__file__).resolve().parent
BUILDS = ("cold", "unchanged", "edit")
PHASES = (*BUILDS, "floor", "memory", "same", "sealed", "pdf", "growth", "live")
GROWTH = ("60", "600", "medium", "large")
NAMES = {"hugo": "Hugo", "hugo-all": "Hugo, as many pages", "pdf": "with PDFs", "sealed-pdf": "sealed, with PDFs"}
SETTLED = 2.1
"""Seconds after which the time of a file is proof that it did not change since."""


Results = dict[str, dict[str, list[Run]]]
"""Phase → who → runs."""


class Bench:
    """One run: sites by size and kind, each made and built once."""

    def __init__(self, work: Path, reps: int, hugo: str | None) -> None:
        self.work, self.reps, self.program = work, reps, hugo
        self.aside = Aside(work / "gone")
        self._made: dict[tuple[str, str], Builder] = {}
        self._timed: dict[str, Results] = {}

    def site(self, size: str, kind: str) -> Builder:
        """`kind`: portalgen, hugo, hugo-all, sealed, pdf or both of these two (sealed-pdf). It was built and verified."""
        if (size, kind) not in self._made:
            out = self.work / f"{size}-{kind}"
            form = kind if kind.startswith("hugo") else "portalgen"
            command = [sys.executable, str(HERE / "corpus.py"), "--size", size, "--form", form, "--out", str(out)]
            subprocess.run(command, check=True)
            if form == "portalgen":
                settings = out / "content/site.yaml"
                text = settings.read_text("utf-8")
                text = text.replace("mode: unlisted", "mode: sealed") if "sealed" in kind else text
                settings.write_text(text.replace("pdf: false", "pdf: true") if "pdf" in kind else text, "utf-8")
            name = NAMES.get(kind, kind)
            made = Portalgen(out, name) if form == "portalgen" else Hugo(out, self.program or "", name)
            made.unchanged()
            made.verify()
            self._made[size, kind] = made
        return self._made[size, kind]

    def sites(self, size: str) -> list[Builder]:
        return [self.site(size, kind) for kind in ("portalgen", *(["hugo"] if self.program else []))]

    def timed(self, builders: list[Builder], phases: Iterable[str], floor: bool = False) -> Results:
        """Interleaved runs of all builders, phase by phase."""
        results: Results = {}
        for phase in phases:
            steps: dict[str, Callable[[], Run]] = {}
            for one in builders:
                again = {"cold": lambda one=one: one.cold(self.aside), "unchanged": one.unchanged, "edit": one.edit}
                steps[one.name] = again[phase]
            if floor and phase != "edit":
                steps |= self.floor(builders[0], phase)
            if phase != "cold":
                time.sleep(SETTLED)
                for one in builders:
                    one.unchanged()
            rows = results[phase] = {name: [] for name in steps}
            for _ in range(self.reps):
                for name, step in steps.items():
                    rows[name].append(step())
            for one in builders:
                one.verify()
                one.restore()
            self.aside.empty()
        return results

    def floor(self, builder: Builder, phase: str) -> dict[str, Callable[[], Run]]:
        """What nobody can undercut: writing the finished pages, starting Python."""
        copy = self.work / "copy"

        def copied() -> Run:
            self.aside(copy)
            os.sync()
            return run(["cp", "-r", str(builder.output), str(copy)], self.work)

        if phase == "cold":
            return {f"floor: `cp -r` of {builder.name}’s output": copied}
        return {"floor: `python -c pass`": lambda: run([sys.executable, "-c", "pass"], self.work)}

    def builds(self, size: str, phases: list[str], floor: bool = False) -> Results:
        """portalgen and Hugo. What was timed before in this run is not timed again."""
        have = self._timed.setdefault(size, {})
        have |= self.timed(self.sites(size), [phase for phase in phases if phase not in have], floor)
        return have


def spread(values: list[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def wall(runs: list[Run]) -> float:
    return statistics.median(one.wall for one in runs)


def table(head: list[str], rows: Iterable[list[str]]) -> None:
    print("\n| " + " | ".join(head) + " |\n|---|" + "--:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def compared(results: Results, base: str) -> Iterable[list[str]]:
    for phase, found in results.items():
        for name, runs in found.items():
            ratio = f"{wall(runs) / wall(found[base]):.2f}" if base in found else ""
            largest = f"{max(one.largest for one in runs):.0f}"
            yield [f"{phase}: {name}", spread([r.wall for r in runs]), spread([r.cpu for r in runs]), largest, ratio]


def facts(hugo: str | None) -> str:
    told = [time.strftime("%Y-%m-%d"), f"{os.cpu_count()} cores"]
    model = re.search(r"^model name\s*: (.+)", Path("/proc/cpuinfo").read_text(), re.M)
    told += [model[1]] if model else []
    told += [
        f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        f"load {os.getloadavg()[0]:.1f}",
    ]
    told += [f"{platform.system()} {platform.release()}", f"Python {platform.python_version()}"]
    for name, command in ("portalgen", [sys.executable, "-m", "portalgen", "--version"]), ("Hugo", [hugo, "version"]):
        if command[0]:
            said = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
            version = re.search(r"\d+\.\d+(\.\d+)?", said)
            told.append(f"{name} {version[0] if version else said.strip()}")
    return ", ".join(told)


def growth(bench: Bench, large: bool, phases: list[str]) -> None:
    rows = []
    for size in GROWTH if large else GROWTH[:-1]:
        pages = int(bench.site(size, "portalgen").manifest["pages"])
        found = bench.builds(size, phases)
        row = [f"{pages:,}"]
        for phase in phases:
            for runs in (found[phase].get(name) for name in ("portalgen", "Hugo")):
                row.append(f"{wall(runs):.2f}, {1000 * wall(runs) / pages:.2f}" if runs else "–")
        rows.append(row)
    print("\nGrowth: median wall seconds, and milliseconds a page")
    table(["pages", *(f"{phase}: {name}" for phase in phases for name in ("portalgen", "Hugo"))], rows)


def live(bench: Bench, size: str, edits: int, many: int, browser: bool) -> None:
    command = [sys.executable, str(HERE / "live.py"), "--site", str(bench.site(size, "portalgen").site)]
    command += ["--edits", str(edits), "--many", str(many)] + ["--browser"] * browser
    if bench.program:
        command += ["--hugo", bench.program, "--hugo-site", str(bench.site(size, "hugo").site)]
    subprocess.run(command, check=True, env=ENVIRONMENT)


def measure(bench: Bench, size: str, given: argparse.Namespace) -> None:
    """All tables of one size but growth."""
    chosen: list[str] = given.phases
    phases = [phase for phase in BUILDS if phase in chosen]
    builders = bench.sites(size)
    found = [f"{builders[0].manifest['pages']:,} pages, {builders[0].manifest['invoices']:,} of them invoices"]
    found += [builder.size() for builder in builders]
    print(f"\n### {size}: {'; '.join(found)}; {builders[0].verify()} sampled pages of each show their amounts")
    head = ["wall s", "processor s", "MB, largest process"]
    if phases:
        table(
            [f"{size}, n={bench.reps}", *head, "× Hugo"],
            compared(bench.builds(size, phases, "floor" in chosen), "Hugo"),
        )
    if "memory" in chosen:
        rows = []
        peaks = {one.name: list[Run]() for one in builders}
        for _ in range(bench.reps):
            for one in builders:
                peaks[one.name].append(one.cold(bench.aside, sampled=True))
        bench.aside.empty()
        base = statistics.median(one.together for one in peaks[builders[-1].name])
        for name, runs in peaks.items():
            together = [one.together for one in runs]
            ratio = f"{statistics.median(together) / base:.2f}"
            rows.append([name, spread(together, ".0f"), f"{max(one.largest for one in runs):.0f}", ratio])
        table(
            [f"{size}, cold: peak MB", "all processes, sum of PSS", "largest process, wait4", f"× {builders[-1].name}"],
            rows,
        )
    if "same" in chosen and bench.program:
        other = bench.site(size, "hugo-all")
        results = bench.timed([builders[0], other], ["cold"])
        print(f"\n{other.size()}")
        table([f"{size}, same, n={bench.reps}", *head, f"× {other.name}"], compared(results, other.name))
    for phase, kinds in ("sealed", ["sealed"]), ("pdf", ["pdf", "sealed-pdf"]):
        if phase in chosen:
            others = [bench.site(size, kind) for kind in kinds]
            results = bench.timed([builders[0], *others], phases or BUILDS)
            print("\n" + "; ".join(other.size() for other in others))
            table(
                [f"{size}, {phase}, n={bench.reps}", *head, "× unlisted, no PDF"], compared(results, builders[0].name)
            )
    if "live" in chosen:
        live(bench, size, given.edits, given.many, given.browser)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=("small", "medium", "large", "60", "600"), default=["small"])
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--phases", default="cold,unchanged,edit,floor", help=f"of {','.join(PHASES)}")
    parser.add_argument("--hugo", default=shutil.which("hugo"), help="its program [the one on PATH]")
    parser.add_argument("--work", type=Path, help="where the sites are made [the system's temporary folder]")
    parser.add_argument("--edits", type=int, default=30, help="live: edits that are timed")
    parser.add_argument("--many", type=int, default=0, help="live: so many more, with the memory after them")
    parser.add_argument("--browser", action="store_true", help="live: edit to pixels in Chromium too")
    given = parser.parse_args()
    given.phases = given.phases.split(",")
    if unknown := set(given.phases) - set(PHASES):
        parser.error(f"there is no phase {', '.join(sorted(unknown))}: choose from {', '.join(PHASES)}")
    hugo = binary(given.hugo) if given.hugo else None
    print(facts(hugo))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.work) as folder:
        bench = Bench(Path(folder), given.reps, hugo)
        if given.phases != ["growth"]:
            for size in given.size:
                measure(bench, size, given)
        if "growth" in given.phases:
            growth(bench, "large" in given.size, [phase for phase in BUILDS if phase in given.phases] or list(BUILDS))


if __name__ == "__main__":
    main()
