"""Work mapped over processes: the same bytes for any number of them, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from portalgen.publish.crew import FEWEST, mapped, workers
from portalgen.publish.state import OutputFailed
from tests.support import DEMO_DAY, MINIMAL_CLIENT, minimal_site, run


def test_every_piece_is_done_once_whatever_the_order() -> None:
    found = dict(mapped(lambda number: number * number, 40, 3))
    assert found == {number: number * number for number in range(40)}


def test_workers_go_on_while_nobody_takes_what_is_done(tmp_path: Path) -> None:
    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        return number

    done = mapped(work, 40, 2, ahead=40)
    first = next(done)
    until = time.monotonic() + 20
    while len([*tmp_path.iterdir()]) < 40 and time.monotonic() < until:
        time.sleep(0.01)
    assert len([*tmp_path.iterdir()]) == 40
    assert sorted([first, *done]) == [(number, number) for number in range(40)]


def test_what_fails_in_a_worker_fails_here() -> None:
    def work(number: int) -> int:
        if number == 7:
            raise ValueError("piece seven")
        return number

    with pytest.raises(RuntimeError, match="piece seven"):
        list(mapped(work, 20, 2))


def test_a_worker_that_is_ended_from_outside_does_not_hang_the_build() -> None:
    def work(number: int) -> int:
        if number == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(OutputFailed, match="ended from outside"):
        list(mapped(work, 20, 2))


def test_few_pieces_are_done_here() -> None:
    assert workers(FEWEST * 2 - 1, 8) == 1


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = """
        import os, pathlib, sys, time
        from portalgen.publish.crew import mapped

        def work(number):
            pathlib.Path(sys.argv[1], str(os.getpid())).touch()
            time.sleep(0.02)
            return bytes(100_000)

        for done in mapped(work, 10_000, 2):
            pass
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), tmp_path])
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while left := [path.name for path in tmp_path.iterdir() if Path("/proc", path.name).exists()]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.02)


def test_the_number_of_processes_changes_no_byte(tmp_path: Path) -> None:
    files = {"content/terms/net14.yaml": MINIMAL_CLIENT["content/terms/net14.yaml"]}
    for number in range(3 * FEWEST):
        for name, text in MINIMAL_CLIENT.items():
            if "/clients/" in name:
                renamed = text.replace("id: ana", f"id: ana-{number}").replace("2026-0001", f"2026-{number + 1:04}")
                files[name.replace("/ana/", f"/ana-{number}/").replace("0001", f"{number + 1:04}")] = renamed
    site = minimal_site(tmp_path / "site", files)
    settings = site / "content" / "site.yaml"
    sealed = settings.read_text().replace("mode: unlisted", "mode: sealed").replace("pdf: false", "pdf: true")
    settings.write_text(sealed)
    trees = []
    for jobs in "123":
        output = tmp_path / f"output-{jobs}"
        result = run(
            *("build", "--site", site, "--today", DEMO_DAY, "--output", output, "--jobs", jobs, "--no-cache", "--json")
        )
        assert (result.code, result.json["problems"]) == (0, [])
        trees.append({p.relative_to(output): p.read_bytes() for p in output.rglob("*") if p.is_file()})
        shutil.rmtree(site / ".portalgen" / "cache")
    assert len(list((tmp_path / "output-1" / "p").iterdir())) == 2 * 3 * FEWEST + 1
    assert trees[0] == trees[1] == trees[2]
