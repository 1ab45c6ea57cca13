"""What the last look at a finished site costs: the search of public files for keys, addresses and private words.

    python bench/checks.py --size medium --reps 5

Prints the processor time of that search beside that of the whole build without PDFs, in one process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portalgen.content.problems import Finding
from portalgen.publish import build

HERE = Path(__file__).resolve().parent
DAY = dt.date(2026, 11, 21)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--reps", type=int, default=5)
    given = parser.parse_args()
    inspected = build.inspected
    spent: list[float] = []

    def timed(*args: Any) -> Iterator[Finding]:
        begun = time.process_time()
        found = list(inspected(*args))
        spent.append(time.process_time() - begun)
        return iter(found)

    build.inspected = timed
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        corpus = [sys.executable, HERE / "corpus.py", "--size", given.size, "--form", "portalgen", "--out", site]
        subprocess.run(corpus, check=True)
        whole = []
        for _ in range(given.reps):
            begun = time.process_time()
            result = build.assemble(site, today=DAY, jobs=1)
            whole.append(time.process_time() - begun)
            assert result.files is not None, result.problems
    search, all_of_it = statistics.median(spent), statistics.median(whole)
    print(f"{given.size}: {search * 1000:.0f} ms of {all_of_it * 1000:.0f} ms, {search / all_of_it:.1%}")


if __name__ == "__main__":
    main()
