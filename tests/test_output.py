"""Publishing writes what differs, takes away what was ours, and leaves every file whole whatever happens."""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portalgen.publish import manifest as lists
from portalgen.publish import output as module
from portalgen.publish import state
from portalgen.publish.finished import Staging, clear_staging
from portalgen.publish.output import publish
from portalgen.publish.place import checked_output
from portalgen.publish.state import LockBusy, OutputFailed, OutputRefused, Written, build_lock

FILES: Mapping[str, bytes] = {
    "index.html": b"home",
    "guides/sleep/index.html": b"sleep",
    "assets/site.abc.css": b"body {}",
    "p/one/index.html": b"sealed one",
    "p/two/index.html": b"sealed two",
}
PLUS = {**FILES, "p/three/index.html": b"sealed three"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An empty site's folder."""
    root = tmp_path / "site"
    (root / "content").mkdir(parents=True)
    return root


def put(site: Path, files: Mapping[str, bytes]) -> Written:
    return publish(files, root=site, output=site / "output")


def held(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_second_time_nothing_is_written(site: Path) -> None:
    assert put(site, FILES) == Written(5, 0, 0)
    before = {path: path.stat() for path in [*site.rglob("*")]}
    assert put(site, FILES) == Written(0, 5, 0)
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*")} == {
        path: info.st_mtime_ns for path, info in before.items()
    }


def test_what_differs_is_written_and_what_is_gone_is_removed_with_its_folders(site: Path) -> None:
    put(site, FILES)
    new = {**FILES, "index.html": b"hOme", "p/three/index.html": b"sealed three"}
    del new["guides/sleep/index.html"], new["p/two/index.html"]
    assert put(site, new) == Written(2, 2, 2)
    assert held(site / "output") == new
    assert not (site / "output/guides").exists()
    assert not (site / "output/p/two").exists()


def test_a_file_becomes_a_folder_and_back(site: Path) -> None:
    one, other = {"a": b"file", "b/c/d": b"deep"}, {"a/index.html": b"folder", "b": b"flat"}
    for files in (one, other, one, {}):
        put(site, files)
        assert held(site / "output") == files


def test_files_are_readable_for_the_host_whatever_the_umask(site: Path) -> None:
    before = os.umask(0o077)
    try:
        put(site, FILES)
    finally:
        os.umask(before)
    for path in (site / "output").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)
    assert stat.S_IMODE((site / ".portalgen").stat().st_mode) == 0o700
    assert (site / ".portalgen/.gitignore").read_text() == "*\n"


def test_private_files_come_first_and_removals_last(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(site, {**FILES, "old.html": b"old", "p/old/index.html": b"old"})
    done: list[str] = []
    replace, unlink = os.replace, os.unlink

    def seen(call: Callable[..., None]) -> Callable[..., None]:
        def wrapper(*args: str) -> None:
            call(*args)
            done.append(os.path.relpath(args[-1], site / "output"))

        return wrapper

    monkeypatch.setattr(os, "replace", seen(replace))
    monkeypatch.setattr(os, "unlink", seen(unlink))
    put(site, {path: data + b"!" for path, data in FILES.items()})
    order = [path for path in done if not path.endswith("manifest.json")]
    assert order[:2] == ["p/one/index.html", "p/two/index.html"]
    assert order[2] == "assets/site.abc.css", "a page is there only after its style"
    assert order[-2:] == ["old.html", "p/old/index.html"]


def test_the_list_of_ours_holds_old_and_new_before_anything_changes(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, {"old.html": b"old"})

    def listed() -> set[str]:
        return set(lists.read_manifest(site).outputs["output"].files)

    whole = state.write_whole

    def write(place: str, data: bytes, mode: int, *, newer: bool) -> None:
        assert listed() == {"old.html", "new.html"}
        whole(place, data, mode, newer=newer)

    monkeypatch.setattr(module, "write_whole", write)
    put(site, {"new.html": b"new"})
    assert listed() == {"new.html"}


# --- what is not ours


@pytest.mark.parametrize("extra", ["", "p/stray/index.html"])
def test_staged_links_come_as_a_folder_and_only_what_is_published_comes(site: Path, extra: str) -> None:
    staging = Staging(site, site / "output", {}, {})
    staged = {path: staging.put(path, data) for path, data in FILES.items()}
    if extra:
        staging.put(extra, b"nobody asked for this")
    folder = (site / ".portalgen/staging/p").stat().st_ino
    assert publish(staged, root=site, output=site / "output") == Written(5, 0, 0)
    assert held(site / "output") == dict(FILES)
    assert ((site / "output/p").stat().st_ino == folder) is not bool(extra)
    clear_staging(site)
    staging = Staging(site, site / "output", {}, {})
    again = {path: staging.put(path, data) for path, data in PLUS.items()}
    assert publish(again, root=site, output=site / "output") == Written(1, 5, 0)
    assert held(site / "output") == dict(PLUS)


def test_foreign_files_stay(site: Path) -> None:
    put(site, FILES)
    foreign = {"CNAME": b"practice.example", "guides/sleep/mine.txt": b"mine", ".well-known/x": b"y"}
    for path, data in foreign.items():
        (site / "output" / path).parent.mkdir(parents=True, exist_ok=True)
        (site / "output" / path).write_bytes(data)
    (site / "output/empty").mkdir()
    put(site, {"index.html": b"home"})
    assert held(site / "output") == {"index.html": b"home", **foreign}
    assert (site / "output/empty").is_dir()
    (site / "output/guides/sleep/mine.txt").unlink()
    put(site, {"index.html": b"home"})
    assert not (site / "output/guides").exists(), "a folder we made is still ours when it empties later"


def test_a_folder_of_the_user_is_not_removed(site: Path) -> None:
    (site / "output/.well-known").mkdir(parents=True)
    put(site, {".well-known/security.txt": b"x"})
    put(site, {"index.html": b"x"})
    assert (site / "output/.well-known").is_dir()


@pytest.mark.parametrize("name", ["CNAME", ".nojekyll", ".htaccess"])
def test_a_foreign_file_in_the_way_is_named_and_kept(site: Path, name: str) -> None:
    (site / "output").mkdir()
    (site / "output" / name).write_bytes(b"theirs")
    with pytest.raises(OutputRefused, match=name):
        put(site, {**FILES, name: b"ours"})
    assert held(site / "output") == {name: b"theirs"}
    put(site, {**FILES, name: b"theirs"})
    put(site, FILES)
    assert held(site / "output") == {**FILES, name: b"theirs"}, "what only looks like ours stays too"


def test_foreign_folders_and_files_of_folders_in_the_way(site: Path) -> None:
    put(site, {"index.html": b"home"})
    (site / "output/a").write_bytes(b"theirs")
    with pytest.raises(OutputRefused, match=r": a$"):
        put(site, {"index.html": b"new", "a/index.html": b"x", "a/b/index.html": b"x"})
    (site / "output/d").mkdir()
    with pytest.raises(OutputRefused, match=": d"):
        put(site, {"d": b"x"})
    assert held(site / "output") == {"index.html": b"home", "a": b"theirs"}


def test_what_the_user_changed_by_hand_is_still_ours(site: Path) -> None:
    put(site, FILES)
    (site / "output/p/one/index.html").write_bytes(b"by hand")
    (site / "output/index.html").write_bytes(b"by hand")
    put(site, {"index.html": b"home"})
    assert held(site / "output") == {"index.html": b"home"}


def test_a_read_only_file_is_replaced(site: Path) -> None:
    put(site, FILES)
    (site / "output/index.html").chmod(0o444)
    put(site, {**FILES, "index.html": b"new"})
    assert (site / "output/index.html").read_bytes() == b"new"


def test_a_link_inside_the_output_is_never_followed(site: Path, tmp_path: Path) -> None:
    put(site, FILES)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/index.html").write_bytes(b"precious")
    for name in ("p/one", "guides/sleep"):
        (site / "output" / name / "index.html").unlink()
        (site / "output" / name).rmdir()
        (site / "output" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputRefused, match="p/one"):
        put(site, {**FILES, "p/one/index.html": b"new"})
    put(site, {"index.html": b"home"})
    assert held(tmp_path / "elsewhere") == {"index.html": b"precious"}
    assert (site / "output/p/one").is_symlink()

    (site / "output/link.html").symlink_to(tmp_path / "elsewhere/index.html")
    with pytest.raises(OutputRefused, match=r"link\.html"):
        put(site, {"index.html": b"home", "link.html": b"precious"})
    assert (tmp_path / "elsewhere/index.html").read_bytes() == b"precious"


def test_another_spelling_of_one_file_does_not_remove_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that takes upper and lower case for one: there both names lead to the same file."""
    put(site, {"Photo.jpg": b"picture"})
    (site / "output/photo.jpg").hardlink_to(site / "output/Photo.jpg")
    renamed: list[str] = []
    monkeypatch.setattr(os, "rename", lambda old, new: renamed.append(os.path.basename(new)))
    put(site, {"photo.jpg": b"picture"})
    assert renamed == ["photo.jpg"]
    assert (site / "output/photo.jpg").read_bytes() == b"picture"


@pytest.mark.parametrize("path", ["../x", "/x", "a/../x", "a//b", "", "a\\b", "a\0b", "a/", "."])
def test_a_path_that_leads_out_is_a_bug(site: Path, path: str) -> None:
    with pytest.raises(ValueError, match="publish"):
        put(site, {path: b""})
    with pytest.raises(ValueError, match="folder"):
        put(site, {"a": b"", "a/b": b""})


# --- where it may lie


def _refused(site: Path, output: Path) -> str:
    with pytest.raises(OutputRefused) as caught:
        publish(FILES, root=site, output=output)
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    "where",
    [
        *(".", "..", "/", "content", "content/sub", "templates", "templates/x", ".portalgen", ".portalgen/out"),
        *("reports", "reports/out", "hosting", "file", "repository", "worktree", ".git/x", "linked", "full", "loop"),
    ],
)
def test_places_that_are_refused(site: Path, where: str) -> None:
    (site / "file").write_text("x")
    (site / "repository/.git").mkdir(parents=True)
    (site / "worktree").mkdir()
    (site / "worktree/.git").write_text("gitdir: elsewhere")
    (site / "linked").symlink_to(site / "content")
    (site / "full").mkdir()
    (site / "full/thesis.odt").write_text("x")
    (site / "loop").symlink_to(site / "loop")
    before = held(site)
    assert str(where).strip("./") in _refused(site, site / where)
    assert held(site) == before


def test_the_home_and_what_is_above_it_are_refused(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "people/mira"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert "home" in _refused(site, home)
    assert "home" in _refused(site, home.parent)
    publish(FILES, root=site, output=home / "www")


def test_the_places_behind_links_count(site: Path, tmp_path: Path) -> None:
    (tmp_path / "cloud/notes/content").mkdir(parents=True)
    (site / "content").rmdir()
    (site / "content").symlink_to(tmp_path / "cloud/notes/content")
    (tmp_path / "out").mkdir()
    (site / "reports").symlink_to(tmp_path / "out/reports")
    assert "content/" in _refused(site, tmp_path / "cloud/notes")
    assert "content/" in _refused(site, tmp_path / "cloud/notes/content/www")
    assert "reports/" in _refused(site, tmp_path / "out")


def test_an_output_elsewhere_and_behind_a_link_is_one_place(site: Path, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www/.DS_Store").write_bytes(b"x")
    (site / "output").symlink_to(tmp_path / "www")
    assert put(site, FILES).written == 5
    assert publish(FILES, root=site, output=tmp_path / "www") == Written(0, 5, 0)
    assert checked_output(site, site / "output") == (tmp_path / "www").resolve()
    put(site, {})
    assert held(tmp_path / "www") == {".DS_Store": b"x"}


def test_a_site_can_be_moved(site: Path, tmp_path: Path) -> None:
    put(site, FILES)
    site.rename(tmp_path / "moved")
    assert put(tmp_path / "moved", FILES) == Written(0, 5, 0)


@pytest.mark.parametrize("text", ["{", '{"version": 2}', '{"outputs": {"output": {"files": {"../../x": ""}}}}'])
def test_a_damaged_list_removes_nothing(site: Path, text: str) -> None:
    put(site, FILES)
    (site / ".portalgen/manifest.json").write_text(text)
    assert "manifest.json" in _refused(site, site / "output")
    assert held(site / "output") == FILES


# --- what goes wrong


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "full"), (errno.EACCES, "permission"), (errno.EROFS, "permission")]
)
def test_a_full_disk_or_a_missing_permission_leaves_whole_files(
    site: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    put(site, FILES)
    new = {**{path: data * 1000 for path, data in FILES.items()}, "more/index.html": b"more"}
    replace, calls = os.replace, 0

    def fail_later(source: str, target: str) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(number, os.strerror(number), source, None, target)
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail_later)
        with pytest.raises(OutputFailed, match=said) as caught:
            put(site, new)
    assert caught.value.hint
    assert str(site / "output") in caught.value.message
    assert all(data in (FILES.get(path), new[path]) for path, data in held(site / "output").items())
    put(site, new)
    assert held(site / "output") == new


@pytest.mark.parametrize("ahead", [0, 1_500, 3_600_000])
def test_a_file_that_changed_has_another_time_whatever_the_clock_says(site: Path, ahead: int) -> None:
    """Servers answer "not modified" by size and whole seconds; sealed pages are often of the same size."""
    put(site, {"p/a.html": b"0", "b.html": b"same"})
    place = site / "output/p/a.html"
    then = place.stat().st_mtime_ns + ahead * 1_000_000  # by a clock that was milliseconds ahead
    os.utime(place, ns=(then, then))
    times = [then // 1_000_000_000]
    kept = (site / "output/b.html").stat().st_mtime_ns
    for n in range(1, 4):
        put(site, {"p/a.html": b"%d" % n, "b.html": b"same"})
        times.append(place.stat().st_mtime_ns // 1_000_000_000)
    assert all(later - sooner >= 2 for sooner, later in itertools.pairwise(times))
    assert (site / "output/b.html").stat().st_mtime_ns == kept
    assert put(site, {"p/a.html": b"3", "b.html": b"same"}) == Written(0, 2, 0)


SEGMENT = st.sampled_from(["a", "b", "index.html", "p"])
PATHS = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)
SETS = st.dictionaries(PATHS, st.sampled_from([b"", b"one", b"two"]), max_size=6).map(
    lambda files: {path: data for path, data in files.items() if not any(f"{other}/" in f"{path}" for other in files)}
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(SETS, PATHS), min_size=1, max_size=5))
def test_the_output_is_always_the_last_set_and_what_is_foreign(
    runs: list[tuple[dict[str, bytes], str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = tmp_path_factory.mktemp("site")
    output = site / "output"
    last: dict[str, bytes] = {}
    foreign: dict[str, bytes] = {}
    put(site, {"first": b""})
    for files, stranger in runs:
        place = output / stranger
        if not os.path.lexists(place) and all(
            not os.path.lexists(parent) or parent.is_dir() for parent in place.parents
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"foreign")
            foreign[stranger] = b"foreign"
        before = held(output)
        try:
            put(site, files)
            last = files
        except OutputRefused:
            assert held(output) == before
        else:
            assert held(output) == {**foreign, **last}
            assert set(lists.read_manifest(site).outputs["output"].files) == files.keys() - foreign.keys()


# --- one at a time


def test_the_lock_names_who_holds_it_and_goes_with_it(site: Path) -> None:
    hold = (
        "import pathlib, sys, time; from portalgen.publish.state import build_lock\n"
        "with build_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(site)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LockBusy, match=str(other.pid)) as caught, build_lock(site, wait=0.1):
            pass
        assert caught.value.pid == other.pid
        other.kill()
    with build_lock(site, wait=5):
        assert (site / ".portalgen/build.pid").read_text() == f"{os.getpid()}\n"
    assert not (site / ".portalgen/build.pid").exists()
    assert stat.S_IMODE((site / ".portalgen").stat().st_mode) == 0o700


def test_the_lock_is_waited_for(site: Path) -> None:
    taken, order = threading.Event(), list[str]()

    def first() -> None:
        with build_lock(site):
            taken.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    taken.wait()
    with build_lock(site, wait=10):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    with build_lock(site), pytest.raises(LockBusy), build_lock(site, wait=0):
        pass


def test_the_list_is_readable_and_the_same_for_the_same_files(site: Path) -> None:
    put(site, FILES)
    first = (site / ".portalgen/manifest.json").read_text()
    put(site, {"other": b""})
    put(site, dict(reversed(list(FILES.items()))))
    second = (site / ".portalgen/manifest.json").read_text()
    ids = [json.loads(text)["id"] for text in (first, second)]
    assert second.replace(ids[1], ids[0]) == first
    assert ids[0] != ids[1], "what was noted for the one list is not taken for a change of the other"
    assert msgspec.json.decode(first)["outputs"]["output"]["complete"] is True
