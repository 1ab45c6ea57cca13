"""What machines do to a build: it is killed, the disk is full, files are locked or gone, the clock is wrong (sealing §8).

Each fault really happens here. Whatever it is, every file of the output is whole, old or new, and the next build
completes: it leaves what a build into an empty folder leaves, byte for byte.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.scalars import parse_text
from portalgen.publish.state import is_unfinished
from portalgen.site.sealing import checked
from tests.conftest import CI
from tests.killer import DEFAULT, Killer, killer
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Result, file_server, invoke, minimal_site, program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="what POSIX systems do")

ANA = "content/clients/ana/"
SITE = "content/site.yaml"
PRINTED = {SITE: MINIMAL[SITE].partition("privacy:")[0]}
TODAY = ("--today", DEMO_DAY)


def more_clients(count: int) -> dict[str, str]:
    """As many clients; with eight, a build has several processes."""
    return {f"content/clients/c{n}/client.yaml": f"id: c{n}\nname: {{display: C}}\n" for n in range(count)}


@pytest.fixture(scope="module")
def kills() -> Iterator[Killer]:
    """A process that runs and kills commands for us."""
    with killer() as running:
        yield running


def held(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finished(folder: Path) -> dict[str, bytes]:
    """The same without what a killed run had not finished, which nothing refers to and the next run takes away."""
    return {path: data for path, data in held(folder).items() if not is_unfinished(path.rpartition("/")[2])}


def folders(folder: Path) -> set[str]:
    """Every folder below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()}


def build(site: Path, *more: str | Path) -> Result:
    return invoke("build", "--site", site, *TODAY, *more)


def write(site: Path, files: Mapping[str, str | None]) -> None:
    """Put these files into the site; None takes one away, and its folder when that is empty."""
    for name, text in files.items():
        path = site / name
        if text is None:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


# --- killed at any moment, with readers

KILLS = 20 if CI else 10  # of each site, besides one before every write


def _texts(sign: str) -> dict[str, str | None]:
    """What the site says in one of its two states; no file is the same in both."""
    texts: dict[str, str | None] = {f"content/static/room{n}.txt": f"{sign}{n}" * 9000 for n in range(1, 6)}
    texts |= {
        f"content/guides/g{n}.md": f"---\ntitle: G{n} {sign}\nsummary: One.\n---\n{sign * 40}\n" for n in range(1)
    }
    texts |= {f"{ANA}plan.md": f"Plan {sign}.\n" * 30}
    return texts | {"content/pages/home.md": f"---\ntitle: Home {sign}\nsummary: {sign}\n---\nState {sign}.\n"}


OLD = {
    **_texts("a"),
    "content/static/turn": "a file",
    "content/guides/gone.md": "---\ntitle: Gone\nsummary: Gone.\n---\nSoon.\n",
}
NEW = {
    **_texts("b"),
    "content/static/turn/in.txt": "a folder",
    "content/pages/come.md": "---\ntitle: Come\n---\nNow.\n",
}
STATES = (
    {**dict.fromkeys(NEW.keys() - OLD.keys()), **OLD},
    {**dict.fromkeys(OLD.keys() - NEW.keys()), **NEW},
)


class Fresh(NamedTuple):
    """A site that is built in two ways, and what a build into an empty folder gives for each."""

    site: Path
    files: tuple[dict[str, bytes], dict[str, bytes]]
    folders: tuple[set[str], set[str]]
    seconds: float

    def is_legal(self, path: str, data: bytes) -> bool:
        """Whether this is what the file is in one of the two states."""
        return any(state.get(path) == data for state in self.files)

    @property
    def lasting(self) -> list[str]:
        """The files that are there in both states, so always."""
        return sorted(self.files[0].keys() & self.files[1].keys())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, kills: Killer) -> Callable[[int], Fresh]:
    """A small site of Ana and so many other clients, published in its first state; with no others in the clear."""

    @functools.cache
    def make(count: int) -> Fresh:
        root = tmp_path_factory.mktemp("fresh")
        mode = DEFAULT if count else {}
        site = minimal_site(root / "site", {**MINIMAL_CLIENT, **more_clients(count), **mode})
        files, below, seconds = list[dict[str, bytes]](), list[set[str]](), 0.0
        for turn in (1, 0, 1, 0):  # twice, so that every link is in the lock
            write(site, STATES[turn])
            begun = time.perf_counter()
            done = kills.ask("build", "--site", site, *TODAY)
            seconds = time.perf_counter() - begun
            assert done.code == 0, done
            if len(files) < 2:
                done = kills.ask("build", "--site", site, *TODAY, "--no-cache", "--output", root / f"fresh{turn}")
                assert done.code == 0, done
                files.append(held(root / f"fresh{turn}"))
                below.append(folders(root / f"fresh{turn}"))
        assert held(site / "output") == files[1]
        changed = [path for path in files[0].keys() & files[1].keys() if files[0][path] != files[1][path]]
        assert len(changed) > 10
        return Fresh(site, (files[1], files[0]), (below[1], below[0]), seconds)

    return make


@pytest.fixture(params=[1])
def fresh(tmp_path: Path, made: Callable[[int], Fresh], request: pytest.FixtureRequest) -> Fresh:
    """A copy of the small site with so many other clients."""
    once = made(request.param)
    shutil.copytree(once.site, tmp_path / "site")
    return once._replace(site=tmp_path / "site")


@contextlib.contextmanager
def in_memory(fresh: Fresh) -> Iterator[Fresh]:
    """The same on a disk in memory, where there is one with room: a kill loses nothing there either, and disks are slow."""
    disk = Path("/dev/shm")
    roomy = os.access(disk, os.W_OK) and shutil.disk_usage(disk).free > 30_000_000
    with tempfile.TemporaryDirectory(dir=disk if roomy else fresh.site.parent) as folder:
        yield fresh._replace(site=Path(shutil.copytree(fresh.site, Path(folder, "site"))))


class Readers:
    """Reads the output all the while: from the disk, as a synchroniser does, and from a server, as visitors do."""

    def __init__(self, fresh: Fresh) -> None:
        self.fresh, self.wrong, self.read = fresh, list[str](), {"disk": 0, "server": 0}
        self._end = threading.Event()

    def __enter__(self) -> Readers:
        self._threads = [threading.Thread(target=look) for look in (self._synchronise, self._visit)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _see(self, who: str, path: str, data: bytes | None) -> None:
        self.read[who] += 1
        lasting = all(path in state for state in self.fresh.files)
        if not (self.fresh.is_legal(path, data) if data is not None else not lasting):
            self.wrong.append(f"{who} {path}: {'missing' if data is None else data[:40]!r}")

    def _synchronise(self) -> None:
        output = self.fresh.site / "output"
        while not self._end.is_set():
            for path in self.fresh.lasting:
                try:
                    self._see("disk", path, (output / path).read_bytes())
                except OSError:
                    self._see("disk", path, None)
            for top, _, names in os.walk(output):
                for name in names:
                    with contextlib.suppress(OSError):
                        place = Path(top, name)
                        if not is_unfinished(name):
                            self._see("disk", place.relative_to(output).as_posix(), place.read_bytes())
            self._end.wait(0.25)

    def _visit(self) -> None:
        every = sorted({*self.fresh.files[0], *self.fresh.files[1]} - {"static/turn"})  # a folder at times
        with file_server(self.fresh.site / "output") as address:
            visit = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
            while not self._end.is_set():
                for path in every:
                    visit.request("GET", f"/{path}")
                    answer = visit.getresponse()
                    data = answer.read()
                    self._see("server", path, data if answer.status == 200 else None)
                    self._end.wait(0.04)
            visit.close()


def is_whole(fresh: Fresh) -> bool:
    """Holds the output to what is legal after a kill; whether it is on its way from one state to the other."""
    found = finished(fresh.site / "output")
    assert not [path for path, data in found.items() if not fresh.is_legal(path, data)]
    assert found.keys() >= set(fresh.lasting)
    return found not in fresh.files


def is_complete(fresh: Fresh, turn: int) -> bool:
    """Whether the output is what a build into an empty folder leaves."""
    output = fresh.site / "output"
    return held(output) == fresh.files[turn] and folders(output) == fresh.folders[turn]


def test_killed_before_any_write_every_file_is_whole_and_the_next_build_completes(fresh: Fresh, kills: Killer) -> None:
    """A build is killed before its first write, the next one before its second, and so on until none is left."""
    half_way = 0
    with in_memory(fresh) as fresh:
        command = ("build", "--site", fresh.site, *TODAY)
        for moment in range(1, 400):
            turn = moment % 2
            write(fresh.site, STATES[turn])
            result = kills.ask(*command, write=moment)
            assert result.code in (0, -signal.SIGKILL), (moment, result)
            half_way += is_whole(fresh)
            assert result.code == 0 or kills.run(*command) == 0
            assert is_complete(fresh, turn)
            if result.code == 0:
                break
    assert 40 < moment < 399, "too few moments to say anything, or it does not end"
    assert half_way > 10, "some were killed while they wrote"


@pytest.mark.parametrize(("shard", "fresh"), [(0, 7), (1, 0), (2, 1)], indirect=["fresh"])
def test_killed_at_any_moment_every_file_is_whole_and_the_next_build_completes(
    shard: int, fresh: Fresh, kills: Killer
) -> None:
    """Several times in a row, by the clock as well, and with others who read all the while."""
    dice = random.Random(shard)
    killed, turn, half_way = 0, 0, 0
    with in_memory(fresh) as fresh, Readers(fresh) as readers:
        command = ("build", "--site", fresh.site, *TODAY)
        while killed < KILLS:
            for _ in range(dice.randint(1, 4)):
                turn = 1 - turn
                write(fresh.site, STATES[turn])
                if dice.random() < 0.5:
                    code = kills.run(*command, after=dice.uniform(0.1, 1.0) * fresh.seconds)
                else:  # the files themselves, which take their places in a hundredth of a second
                    code = kills.run(*command, placed=dice.randint(1, 20))
                assert code in (0, -signal.SIGKILL)
                killed += code != 0
                half_way += is_whole(fresh)
            assert kills.run(*command) == 0
            assert is_complete(fresh, turn)
    assert not readers.wrong, readers.wrong[:5]
    assert min(readers.read.values()) > KILLS, "the readers read"
    assert half_way > KILLS // 10, "some were killed while they wrote"


# --- signals


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_an_end_from_outside_is_no_traceback_and_leaves_whole_files(
    sent: int, code: int, fresh: Fresh, kills: Killer
) -> None:
    output, command = fresh.site / "output", ("build", "--site", fresh.site, *TODAY)
    for turn, moment in ((1, 1), (0, 9), (1, 24), (0, 40)):
        write(fresh.site, STATES[turn])
        result = kills.ask(*command, write=moment, sent=sent)
        assert result.code == code
        assert "Traceback" not in result.stderr
        assert all(fresh.is_legal(path, data) for path, data in finished(output).items())
        assert kills.run(*command) == 0
        assert held(output) == fresh.files[turn]


def hears_no_interrupt(process: str) -> bool:
    """Whether Ctrl-C is nothing to a process, as for those at work for a build."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        (ignored,) = (int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:"))
        return bool(ignored >> signal.SIGINT - 1 & 1)
    return False


SLOW = """
import time
from portalgen.cli import main
from portalgen.publish import crew

quick = crew._serve
crew._serve = lambda work, *rest: quick(lambda number: time.sleep(1) or work(number), *rest)
main(prog_name="portalgen")
"""
"""A build that takes a second for each client."""


def sleeps(process: int) -> bool:
    """Whether a process waits for others."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "S"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a build is one process")
def test_ctrl_c_reaches_every_process_of_a_build(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, **more_clients(60), **PRINTED})
    command = [sys.executable, "-c", SLOW, "build", "--site", str(site), *TODAY, "--jobs", "2"]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while sum(map(hears_no_interrupt, children.read_text().split())) < 2 or not sleeps(process.pid):
        assert process.poll() is None, "it ended before there were several of it"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert build(site).code == 0


@pytest.mark.parametrize("way", ["a reader that went", "a full disk", "nothing"])
def test_with_no_one_to_tell_the_build_is_complete_all_the_same(way: str, tmp_path: Path) -> None:
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, **DEFAULT})
    if way == "a reader that went":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full" if way == "a full disk" else os.devnull, os.O_RDWR)
    command = [sys.executable, "-m", "portalgen", "build", "--site", str(site), *TODAY]
    close = (lambda: os.close(1)) if way == "nothing" else None
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=close, timeout=60, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr.partition("\n")[0]) == {
        "a reader that went": (4, ""),
        "a full disk": (4, "error: No space left on device"),
        "nothing": (0, ""),
    }[way]
    before = held(site / "output")
    assert before
    assert build(site, "--no-cache").stdout.count(" 0 files written") == 1
    assert held(site / "output") == before


# --- disks and permissions


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[bool]:
    """A disk of this size at `place`; false where nobody may mount one."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, room: int) -> Path:
    """A file that leaves so many bytes of a disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(filler, max(0, filler.stat().st_size - room))
    return filler


def test_on_a_full_disk_every_file_is_whole_and_with_room_the_next_build_completes(
    tmp_path: Path, kills: Killer
) -> None:
    with small_disk(tmp_path / "disk", 2) as mounted:
        site = minimal_site(tmp_path / "disk/site", {**MINIMAL_CLIENT, **DEFAULT})
        output, elsewhere = site / "output", tmp_path / "elsewhere"
        command = ("build", "--site", site, *TODAY)
        refused, before = 0, dict[str, bytes]()
        for turn, room in enumerate((0, 0, 8, 16, 40, 80, 130, 200)):  # the first time nothing was ever built
            write(site, STATES[turn % 2])
            if mounted:
                filler = fill(tmp_path / "disk", room * 1024)
                result = kills.ask(*command)
                filler.unlink()
            else:
                result = kills.ask(*command, largest=2000 + room * 100)
            found = finished(output)
            assert kills.run(*command, "--no-cache", "--output", elsewhere) == 0
            after = held(elsewhere)
            assert result.code in (0, 4), result
            if result.code == 4:
                refused += 1
                assert "hint:" in result.stderr
                assert "disk is full" in result.stderr or "No space" in result.stderr or not mounted
                assert "Traceback" not in result.stderr
            assert all(data in (before.get(path), after.get(path)) for path, data in found.items())
            assert kills.run(*command) == 0
            assert held(output) == after
            assert folders(output) == folders(elsewhere)
            before = after
        assert refused > 2
        assert len(kills.ask("links", "--site", site, "--yes").stdout.splitlines()) in (0, 2)


def test_two_builds_at_once_are_one_after_the_other(fresh: Fresh) -> None:
    for turn in (1, 0):
        write(fresh.site, STATES[turn])
        command = [sys.executable, "-m", "portalgen", "build", "--site", str(fresh.site), *TODAY, "--no-cache"]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)]
        said = sorted(process.communicate(timeout=60)[0] for process in both)
        assert [process.returncode for process in both] == [0, 0]
        assert [" 0 files written" in one for one in said].count(True) == 1, said
        assert held(fresh.site / "output") == fresh.files[turn]


@contextlib.contextmanager
def made_so(path: Path, mode: int) -> Iterator[None]:
    """A file or folder with other permissions for a while."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


@contextlib.contextmanager
def immovable(path: Path) -> Iterator[bool]:
    """A file that nobody can replace, root neither: made immutable, or mounted. False where neither can be done."""

    def can(*command: str) -> bool:
        return os.geteuid() == 0 and subprocess.run([*command, str(path)], capture_output=True).returncode == 0

    if can("chattr", "+i"):
        try:
            yield True
        finally:
            subprocess.run(["chattr", "-i", str(path)], check=True)
    elif can("mount", "--bind", str(path)):
        try:
            yield True
        finally:
            subprocess.run(["umount", "-l", str(path)], check=True)
    else:
        yield False


def test_a_file_that_cannot_be_replaced_stops_the_build_and_is_named(fresh: Fresh, kills: Killer) -> None:
    output, command = fresh.site / "output", ("build", "--site", fresh.site, *TODAY)
    write(fresh.site, STATES[1])
    with immovable(output / "static/room3.txt") as stays:
        if not stays:
            (output / "static").chmod(0o555)
        result = kills.ask(*command, weak=not stays)
        (output / "static").chmod(0o755)
    assert result.code == 4, result
    assert f"output/static{'/room3.txt' if stays else ''}" in result.stderr
    assert "hint:" in result.stderr
    assert all(fresh.is_legal(path, data) for path, data in held(output).items())
    assert kills.run(*command) == 0
    assert held(output) == fresh.files[1]


@pytest.mark.parametrize("folder", ["output", "output/static", ".portalgen", "."])
def test_a_folder_that_cannot_be_written_stops_the_build_and_is_named(folder: str, fresh: Fresh, kills: Killer) -> None:
    output, command = fresh.site / "output", ("build", "--site", fresh.site, *TODAY)
    write(fresh.site, {**STATES[1], f"{ANA}invoices/2026-0009.yaml": None})
    (fresh.site / ANA / "invoices/new.yaml").write_text(
        "id: new\nnumber: 2026-0009\nissued: 2026-11-03\nlines: [{description: Session, quantity: 1, unit_price: 60.00}]\n"
    )
    lock = (fresh.site / "portalgen.lock").read_bytes()
    with made_so(fresh.site / folder, 0o555):
        result = kills.ask(*command, weak=True)
    assert result.code == 4, result
    assert str(fresh.site) in result.stderr
    assert "ermission" in result.stderr
    assert all(fresh.is_legal(path, data) or "/p/" in f"/{path}" for path, data in held(output).items())
    assert folder != "." or (fresh.site / "portalgen.lock").read_bytes() == lock
    assert kills.run(*command) == 0
    assert kills.run(*command, "--no-cache", "--output", fresh.site.parent / "again") == 0
    assert held(output) == held(fresh.site.parent / "again")


def test_what_is_read_only_unreadable_or_locked_by_another_program_is_replaced(fresh: Fresh, kills: Killer) -> None:
    output = fresh.site / "output"
    write(fresh.site, STATES[1])
    (output / "static/room1.txt").chmod(0o444)
    (output / "static/room2.txt").chmod(0)
    with (output / "index.html").open("rb") as held_open:
        fcntl.flock(held_open, fcntl.LOCK_EX)
        result = kills.ask("build", "--site", fresh.site, *TODAY, weak=True)
        assert result.code == 0, result
        assert b"Home a" in held_open.read(), "who has it open reads the old one to its end"
    assert held(output) == fresh.files[1]
    assert {path.stat().st_mode & 0o777 for path in output.rglob("*") if path.is_file()} == {0o644}


# --- sources that go, come or change


# what is looked at for which time, what becomes of what
CHANGES: Mapping[str, tuple[str, int, Literal["remove", "write"], str]] = {
    "the file that is opened": ("ana/plan.md", 1, "remove", f"{ANA}plan.md"),
    "the folder that is listed": ("clients/ana/invoices", 1, "remove", f"{ANA}invoices"),
    "a client whose name was read": ("clients/ana", 1, "remove", "content/clients/ana"),
    "a client after it was read": ("static/room5.txt", 2, "remove", "content/clients/ana"),
    "a picture that is copied": ("static/room5.txt", 2, "remove", "content/static/room5.txt"),
    "an attachment that is copied": ("files/report.txt", 2, "remove", f"{ANA}files/report.txt"),
    "saved after it was read": ("ana/client.yaml", 1, "write", "content/pages/home.md"),
    "saved late": ("static/room5.txt", 2, "write", f"{ANA}plan.md"),
    "new": ("ana/client.yaml", 1, "write", "content/pages/more.md"),
    "new in a folder that was listed": ("ana/client.yaml", 1, "write", f"{ANA}invoices/2026-0099.yaml"),
}


@pytest.mark.parametrize("clients", [0, 7])
@pytest.mark.parametrize("name", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_nothing_is_published_of_sources_that_change_while_they_are_read(
    name: str, clients: int, tmp_path: Path, kills: Killer
) -> None:
    attached = {**more_clients(clients), f"{ANA}files/report.txt": "A report.\n"}
    invoice = f"{ANA}invoices/2026-0001.yaml"
    attached[invoice] = MINIMAL_CLIENT[invoice] + "attachments: [{file: report.txt}]\n"
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, **DEFAULT, **attached, **{k: v for k, v in OLD.items() if v}})
    assert build(site).code == 0
    before, lock = held(site / "output"), (site / "portalgen.lock").read_bytes()
    assert any("p/" in path for path in before)
    write(site, STATES[1])
    seen, times, action, path = CHANGES[name]
    text = "---\ntitle: Saved meanwhile\n---\nNew.\n"
    result = kills.ask("build", "--site", site, *TODAY, meanwhile=(seen, times, action, site / path, text))
    assert result.code in (2, 4), result
    assert "Traceback" not in result.stderr
    assert path.rpartition("/")[2] in result.stderr
    assert held(site / "output") == before
    assert (site / "portalgen.lock").read_bytes() == lock


@pytest.mark.parametrize(
    "path",
    [
        *("content", "content/clients", "content/clients/ana", f"{ANA}invoices", f"{ANA}files", "content/static"),
        *(f"{ANA}client.yaml", f"{ANA}invoices/2026-0001.yaml", "content/static/room1.txt", f"{ANA}files/report.txt"),
    ],
)
def test_what_cannot_be_read_is_never_taken_for_deleted(path: str, published: Path, kills: Killer) -> None:
    before, lock = held(published / "output"), (published / "portalgen.lock").read_bytes()
    with made_so(published / path, 0):
        result = kills.ask("build", "--site", published, *TODAY, "--no-cache", weak=True)
    assert result.code in (2, 4), result
    assert path in result.stderr
    assert "ermission" in result.stderr
    assert "Traceback" not in result.stderr
    assert held(published / "output") == before
    assert (published / "portalgen.lock").read_bytes() == lock


@pytest.mark.parametrize("path", ["portalgen.lock", ".portalgen/key", ".portalgen/manifest.json", ".portalgen"])
def test_what_was_promised_is_never_forgotten_because_it_cannot_be_read(
    path: str, published: Path, kills: Killer
) -> None:
    before, lock = held(published / "output"), (published / "portalgen.lock").read_bytes()
    with made_so(published / path, 0):
        result = kills.ask("build", "--site", published, *TODAY, "--no-cache", weak=True)
    assert result.code == 4, result
    assert path in result.stderr
    assert "Traceback" not in result.stderr
    assert held(published / "output") == before
    assert (published / "portalgen.lock").read_bytes() == lock


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a client and an attachment that is built."""
    invoice = f"{ANA}invoices/2026-0001.yaml"
    files: dict[str, str] = {
        **MINIMAL_CLIENT,
        **DEFAULT,
        **more_clients(7),
        f"{ANA}files/report.txt": "A report.\n",
        invoice: MINIMAL_CLIENT[invoice] + "attachments: [{file: report.txt}]\n",
        "content/static/room1.txt": "A room.\n",
    }
    site = minimal_site(tmp_path_factory.mktemp("published"), files)
    assert build(site).code == 0
    return site


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "an empty client"])
def test_a_disk_that_was_not_mounted_is_no_site_without_clients(left: str, published: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(published, site)
    before = held(site / "output")
    shutil.rmtree(site / "content/clients")
    if left != "nothing":
        (site / "content/clients" / ("ana" if left == "an empty client" else "")).mkdir(parents=True)
    result = build(site)
    assert result.code == 2, result
    assert "ana" in result.stderr
    assert held(site / "output") == before


def test_an_edit_that_is_seen_half_and_taken_back_is_not_remembered(tmp_path: Path, kills: Killer) -> None:
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, **DEFAULT})
    home = site / "content/pages/home.md"
    text = home.read_text()
    (site / "content/static").mkdir()
    (site / "content/static/a.txt").write_text("A")
    assert build(site).code == 0
    write(site, {"content/static/a.txt": "B"})
    other = text.replace("A room", "Another room")
    result = kills.ask("build", "--site", site, *TODAY, meanwhile=("static/a.txt", 1, "write", home, other))
    assert result.code == 4, result
    assert "content/pages/home.md changed while the site was read" in result.stderr
    home.write_text(text)
    assert build(site).code == 0
    assert build(site, "--no-cache", "--output", tmp_path / "fresh").code == 0
    assert held(site / "output") == held(tmp_path / "fresh")


def test_what_a_killed_build_left_goes_also_when_its_edit_is_taken_back(fresh: Fresh, kills: Killer) -> None:
    output, command = fresh.site / "output", ("build", "--site", fresh.site, *TODAY)
    write(fresh.site, STATES[1])
    assert kills.run(*command, placed=1) == -signal.SIGKILL
    assert held(output) == fresh.files[0], "killed before the first file was in place"
    left = held(fresh.site / ".portalgen/staging").keys()
    assert len(left) > 10
    write(fresh.site, STATES[0])
    assert kills.run(*command) == 0
    assert held(output) == fresh.files[0]
    assert not left & held(fresh.site / ".portalgen/staging").keys()


# --- worlds


SHUFFLED = """
import os, random
dice = random.Random(os.urandom(8))
listdir, scandir = os.listdir, os.scandir

def mixed(entries):
    found = list(entries)
    dice.shuffle(found)
    return found

class Scanned:
    def __init__(self, *given): self.entries = iter(mixed(scandir(*given)))
    def __iter__(self): return self
    def __next__(self): return next(self.entries)
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def close(self): pass

os.listdir = lambda *given: mixed(listdir(*given))
os.scandir = Scanned
"""
"""A system that gives the files of a folder in another order each time."""


def test_no_byte_depends_on_the_machine(tmp_path: Path) -> None:
    """Clock, zone, language, hash seed, order of folders, umask, cores, place: nothing of it is in what is published."""
    clock = program("faketime")
    assert clock, "faketime is not installed (Debian: faketime)"
    others: dict[str, str] = {}
    for n in range(9):
        place = f"content/clients/c{n}/"
        others[f"{place}client.yaml"] = f"id: c{n}\nname: {{display: Čen {n}}}\nterms: net14\nemail: c@client.example\n"
        text = MINIMAL_CLIENT[f"{ANA}invoices/2026-0001.yaml"].replace("2026-0001", f"2026-01{n}0")
        others[f"{place}invoices/2026-01{n}0.yaml"] = text
    texts = {path: text for path, text in OLD.items() if text}
    files: dict[str, str] = {**MINIMAL, **MINIMAL_CLIENT, **others, **texts, **PRINTED}
    shuffled = tmp_path / "shuffled"
    minimal_site(shuffled, {**dict.fromkeys(MINIMAL), "sitecustomize.py": SHUFFLED})
    key = checked(bytes(range(32)))
    worlds: tuple[tuple[list[str], dict[str, str], int, set[int], list[str]], ...] = (
        ([], {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"}, 0o022, set(), []),
        (
            [clock, "-f", "+400d"],
            {
                "TZ": "Pacific/Kiritimati",
                "LC_ALL": "tr_TR.UTF-8",
                "LANG": "tr_TR.UTF-8",
                "PYTHONHASHSEED": "4242",
                "PYTHONPATH": str(shuffled),
                "HOME": str(tmp_path),
            },
            0o077,
            {min(os.sched_getaffinity(0))},
            ["--jobs", "1"],
        ),
    )
    made = []
    lock = ""
    for number, (before, world, mask, cores, more) in enumerate(worlds):
        site = tmp_path / ("one" if not number else "an other/ü")
        minimal_site(site, {**files, **{path: files[path] for path in reversed(files)}} if number else files)
        if lock:
            (site / "portalgen.lock").write_text(lock)

        def settle(mask: int = mask, cores: set[int] = cores) -> None:
            os.umask(mask)
            if cores:
                os.sched_setaffinity(0, cores)

        done = subprocess.run(
            [*before, sys.executable, "-m", "portalgen", "build", "--site", str(site), *TODAY, *more],
            env={"PATH": os.environ["PATH"], **world, "PORTALGEN_KEY": key},
            preexec_fn=settle,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lock = (site / "portalgen.lock").read_text()
        modes = {path.relative_to(site / "output"): path.stat().st_mode for path in (site / "output").rglob("*")}
        made.append((lock, held(site / "output"), modes))
    assert len([path for path in made[0][1] if path.startswith("p/")]) > 10
    assert made[0][1] == made[1][1]
    assert made[0][2] == made[1][2]
    assert made[0][0] == made[1][0]


# --- versions


@pytest.mark.parametrize(
    ("path", "text", "code", "says"),
    [
        ("portalgen.lock", '{"kind": "seal", "key_id": "1"}', 2, "does not know"),
        ("portalgen.lock", '{"kind": "link", "client": "ana", "shape": "round"}', 2, "does not know"),
        (".portalgen/manifest.json", '{"version": 99}', 4, "newer portalgen"),
    ],
)
def test_what_a_newer_version_wrote_is_refused(
    path: str, text: str, code: int, says: str, published: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(published, site)
    before = held(site / "output")
    old = (site / path).read_text()
    (site / path).write_text(old + text + "\n" if path == "portalgen.lock" else text)
    (site / "content/pages/home.md").write_text("---\ntitle: New\n---\nNew.\n")
    result = build(site)
    assert result.code == code, result
    assert says in result.stderr
    assert held(site / "output") == before


def test_what_an_older_version_wrote_is_read(published: Path, tmp_path: Path) -> None:
    """A lock and a list of ours from before links of persons, keys of rows and former contents; a memory of no use."""
    site = tmp_path / "site"
    shutil.copytree(published, site)
    before = held(site / "output")
    lock = site / "portalgen.lock"
    rows = [json.loads(line) for line in lock.read_text().splitlines()]
    since = {"link": {"key_id"}, "invoice": {"relocked"}}
    older = [{name: value for name, value in row.items() if name not in since.get(row["kind"], ())} for row in rows]
    lock.write_text("".join(json.dumps(row) + "\n" for row in reversed(older)))
    place = site / ".portalgen/manifest.json"
    owned = json.loads(place.read_text())["outputs"]["output"]
    place.write_text(json.dumps({"outputs": {"output": {"files": owned["files"]}}}))
    [memory] = (site / ".portalgen/cache").glob("last-*")
    memory.write_text('{"output": {"inputs": 1}}')
    result = build(site)
    assert result.code == 0, result
    assert " 0 files written" in result.stdout
    assert held(site / "output") == before


# --- letters that turn the direction of reading

CLOSES = {**dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"), **dict.fromkeys("\u2066\u2067\u2068", "\u2069")}


@given(
    st.text(st.sampled_from("aא \u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), min_size=1).map("x{}".format)
)
def test_what_turns_the_direction_of_reading_ends_with_its_text(text: str) -> None:
    kept = parse_text(text)
    assert parse_text(kept) == kept
    assert [sign for sign in kept if sign in "xaא "] == [sign for sign in text if sign in "xaא "]
    waiting = []
    for sign in kept:
        if sign in CLOSES:
            waiting.append(CLOSES[sign])
        elif sign == "\u2069":
            while waiting.pop() != sign:
                pass
        elif sign == "\u202c":
            assert waiting.pop() == sign
    assert not waiting


def test_a_name_cannot_turn_the_amount_beside_it(tmp_path: Path) -> None:
    invoice = f"{ANA}invoices/2026-0001.yaml"
    turned = MINIMAL_CLIENT[invoice].replace("Session", "'Session \u202e'")
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, invoice: turned})
    assert build(site).code == 0
    (page,) = (path.read_text() for path in (site / "output/p").glob("*/index.html") if "\u202e" in path.read_text())
    assert page.count("\u202e") == page.count("Session \u202e\u202c")
