"""Whatever moment a command is killed at, files are old or new, no number is given twice, and the next run completes."""

from __future__ import annotations

import errno
import functools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from portalgen.content.loader import load
from portalgen.content.lock import read_lock
from portalgen.publish import state
from tests.killer import Killer, killer
from tests.support import DEMO_DAY, MINIMAL_CLIENT, invoke, minimal_site
from tests.test_issue import ANA, BERT, DRAFT, rows, snapshot

OLD = "# money\n- {id: a, date: 2026-11-03, amount: 1.00, currency: EUR, method: cash, receipt_number: R-2026-0001}\n"


@pytest.fixture(scope="module")
def kills() -> Iterator[Killer]:
    """A process that runs and kills commands for us."""
    with killer() as running:
        yield running


@pytest.fixture
def pristine(tmp_path: Path) -> Path:
    """A site with two drafts of two clients and a payment, never built."""
    files = {**MINIMAL_CLIENT, **BERT, ANA + "invoices/spring.yaml": DRAFT, ANA + "payments.yaml": OLD}
    return minimal_site(tmp_path / "pristine", files)


def copy_of(pristine: Path) -> Path:
    """A fresh copy beside it."""
    site = pristine.parent / "site"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(pristine, site)
    return site


def files(site: Path) -> dict[str, bytes]:
    """Every file of the site but unfinished ones, which nobody reads."""
    return {path: data for path, data in snapshot(site).items() if not path.endswith(".portalgen-tmp")}


def numbers(site: Path) -> list[str]:
    """Every number in the files, of receipts too; None where there is none."""
    found = []
    for path in site.glob("content/clients/*/**/*.yaml"):
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for entry in data if isinstance(data, list) else [data]:
            found += [f"{key} {entry[key]}" for key in ("number", "receipt_number") if key in entry]
    return sorted(found)


def is_sound(site: Path) -> None:
    """Every file can be read, every number is there once."""
    assert not [problem for problem in load(site).problems if problem.severity == "error"]
    lock = site / "portalgen.lock"
    if lock.exists():
        _, problems = read_lock(lock.read_text(encoding="utf-8"))
        assert not problems
    assert len(numbers(site)) == len(set(numbers(site)))


COMMANDS = {  # of these, only `issue` says the same when it is said twice
    "issue": ("issue", "spring", "walk"),
    "pay": ("pay", "2026-0001", "130"),
    "credit": ("credit", "2026-0001", "--full", "--reason", "x"),
}


@pytest.mark.parametrize("name", ["issue", "pay", "credit"])
def test_killed_before_any_write_files_are_old_or_new_and_the_next_run_completes(
    kills: Killer, pristine: Path, name: str
) -> None:
    command = (*COMMANDS[name], "--today", DEMO_DAY, "--site")
    old = files(pristine)
    site = copy_of(pristine)
    assert kills.run(*command, site) == 0
    new = files(site)
    moments = 0
    for write in range(1, 40):
        site = copy_of(pristine)
        if kills.run(*command, site, write=write) == 0:
            break
        moments += 1
        is_sound(site)
        now = files(site)
        assert old.keys() <= now.keys() <= new.keys()
        assert not [path for path, data in now.items() if data not in (old.get(path), new.get(path))]
        if now == old or (name == "issue" and now != new):
            assert kills.run(*command, site) == 0
            assert files(site) == new
            assert not list(site.rglob("content/**/.*"))
    assert moments > 8, "too few moments to say anything"


def test_killed_at_any_time_no_number_is_given_twice(kills: Killer, pristine: Path) -> None:
    site, today = copy_of(pristine), ("--today", DEMO_DAY, "--site")
    begun = time.perf_counter()
    assert kills.run(*COMMANDS["pay"], *today, copy_of(pristine)) == 0
    takes = time.perf_counter() - begun
    dice = random.Random(7)
    site = copy_of(pristine)
    for n in range(15):
        draft = site / ANA / f"invoices/d{n}.yaml"
        draft.write_text(DRAFT.replace("spring", f"d{n}"), encoding="utf-8")
        command = [("issue", f"d{n}"), ("pay", "2026-0001", "1"), ("credit", "2026-0001", "--line", "1=1")][n % 3]
        extra = ("--reason", "x") if command[0] == "credit" else ()
        kills.run(*command, *extra, *today, site, after=dice.uniform(0.3, 1.1) * takes)
        is_sound(site)
    built = invoke("build", "--site", site, "--today", DEMO_DAY)
    assert built.code == 0, built
    assert len(rows(site)) == len([one for one in numbers(site) if one.startswith("number ")])


def test_several_at_once_give_a_number_each(pristine: Path) -> None:
    names = ["spring", "walk", "d1", "d2"]
    for name in names[2:]:
        (pristine / ANA / f"invoices/{name}.yaml").write_text(DRAFT.replace("spring", name), encoding="utf-8")
    args = [sys.executable, "-m", "portalgen", "issue", "--site", str(pristine), "--today", DEMO_DAY]
    running = [
        subprocess.Popen([*args, name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
        for name in names
    ]
    for process in running:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert {row["id"] for row in rows(pristine).values()} == set(names)
    assert sorted(rows(pristine)) == [f"2026-000{n}" for n in range(2, 6)]
    is_sound(pristine)


def test_who_waits_too_long_is_told_for_whom(pristine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "build_lock", functools.partial(state.build_lock, wait=0.1))
    with state.build_lock(pristine):
        result = invoke("issue", "spring", "--site", pristine, "--today", DEMO_DAY)
    assert result.code == 4
    assert f"the process {os.getpid()}" in result.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_interrupted_or_on_a_full_disk_every_file_is_as_it_was(
    pristine: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, at: int
) -> None:
    before, calls, true = snapshot(pristine), 0, os.replace

    def replace(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise error
        true(*args)

    assert invoke("check", "--site", pristine, "--today", DEMO_DAY).code == 0
    with state.build_lock(pristine):
        pass  # its folder is made
    monkeypatch.setattr(os, "replace", replace)
    result = invoke("issue", "spring", "walk", "--site", pristine, "--today", DEMO_DAY)
    assert result.code == (130 if isinstance(error, KeyboardInterrupt) else 4), result
    assert "disk is full" in result.stderr or result.code == 130
    assert snapshot(pristine) == before
