"""A build that would change nothing is left out, and never wrongly (design §6)."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from portalgen.publish import clients, fingerprint, together, whole
from portalgen.publish import glance as glancing
from portalgen.publish import output as publishing
from portalgen.publish import partial as building
from portalgen.publish.manifest import Owned, read_manifest
from portalgen.publish.memory import program
from portalgen.publish.together import Built
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

    def watched(root: Path, *given: Any, **rest: Any) -> Built | None:
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


@pytest.mark.parametrize("edited", ["client-00", "client-23"])
def test_what_a_build_needs_is_prepared_once_something_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    monkeypatch.setattr(glancing, "_MANY", 1)
    monkeypatch.setattr(glancing, "_CHUNK", 2)
    monkeypatch.setattr(glancing, "workers", lambda count: 2)
    monkeypatch.setattr(fingerprint, "SETTLED", 0)
    folders = (f"content/clients/client-{number:02}" for number in range(24))
    clients = {f"{folder}/client.yaml": f"id: {folder[-9:]}\nname: {{display: Ana Horvat}}\n" for folder in folders}
    site = minimal_site(tmp_path / "site", clients)
    assert build(site).code == 0
    prepared: list[int] = []
    monkeypatch.setattr(whole, "_prepare", lambda: prepared.append(1))
    assert build(site).json["written"] == 0
    assert prepared == []
    (site / f"content/clients/{edited}/plan.md").write_text("Walk every evening.\n")
    assert build(site).json["written"] == 1
    assert prepared == [1]


def test_code_that_is_just_being_compiled_is_no_other_program(site: Path, builds: list[Path]) -> None:
    """Python and the templates of other processes write their files beside ours, and rename them at any moment."""
    folder = Path(building.__file__).parent / "__pycache__"
    folder.mkdir(exist_ok=True)
    passing = folder / "half-written.cpython-311.pyc.99999"
    passing.symlink_to("gone")
    program.cache_clear()
    try:
        assert build(site).code == 0
    finally:
        passing.unlink()
        program.cache_clear()
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


# --- a small change costs little


def log(site: Path) -> list[Any]:
    place = site / ".portalgen/manifest.log"
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def owned(site: Path) -> Owned:
    return read_manifest(site).outputs["output"]


def plan(site: Path, text: str) -> None:
    (site / "content/clients/ana/plan.md").write_text(text)


def test_one_client_is_noted_and_not_the_whole_list(site: Path) -> None:
    whole, before = (site / ".portalgen/manifest.json").read_bytes(), owned(site)
    size = memory(site).stat().st_size
    plan(site, "Three walks a week.\n")
    assert build(site).json["written"] == 1
    assert (site / ".portalgen/manifest.json").read_bytes() == whole
    [begun, done] = log(site)
    [path] = begun["files"]
    assert (begun["complete"], done["complete"]) == (False, True)
    assert owned(site).files[path] == hashlib.sha256((site / "output" / path).read_bytes()).hexdigest()
    assert owned(site).former == {path: [before.files[path]]}
    assert owned(site).files.keys() == before.files.keys()
    assert memory(site).stat().st_size > size + 1000, "what is known of the others is not written again"
    now = output(site)
    assert build(site, "--no-cache").json["written"] == 0
    assert output(site) == now


def test_pages_that_come_and_go_are_noted(site: Path) -> None:
    before = owned(site)
    first = site / "content/clients/ana/invoices/2026-0001.yaml"
    second = first.with_name("2026-0002.yaml")
    second.write_text(first.read_text().replace("2026-0001", "2026-0002").replace("11-02", "11-09"))
    result = build(site)
    assert result.code == 0, result.json
    came = owned(site).files.keys() - before.files.keys()
    assert came
    assert {*log(site)[0]["files"]} >= came
    assert {path.removeprefix("output/") for path in output(site)} == owned(site).files.keys()
    assert {*owned(site).folders} == {
        p.relative_to(site / "output").as_posix() for p in (site / "output").rglob("*") if p.is_dir()
    }


def test_a_note_that_was_not_finished_counts_for_nothing(site: Path) -> None:
    plan(site, "Three walks a week.\n")
    build(site)
    before = owned(site)
    with (site / ".portalgen/manifest.log").open("a") as file:
        file.write('{"id": "')
    assert owned(site) == before
    plan(site, "Four walks a week.\n")
    assert build(site).code == 0
    assert log(site) == [], "and the list is written anew"


@pytest.mark.parametrize(
    "line", ["{}", "no note", '{"id":"ID","output":"output","complete":true,"files":{"../x":"1"}}']
)
def test_a_note_that_cannot_be_ours_is_refused(site: Path, line: str) -> None:
    list_id = json.loads((site / ".portalgen/manifest.json").read_text())["id"]
    (site / ".portalgen/manifest.log").write_text(line.replace("ID", list_id) + "\n")
    plan(site, "Three walks a week.\n")
    result = build(site)
    assert result.code == 4
    assert "manifest.json" in result.json["problems"][0]["message"]


def test_notes_for_another_list_are_none_for_this(site: Path) -> None:
    before = owned(site)
    note = {"id": "0" * 16, "output": "output", "complete": False, "gone_files": ["index.html"]}
    (site / ".portalgen/manifest.log").write_text(json.dumps(note) + "\n")
    assert owned(site) == before


def test_a_build_that_died_after_its_note_is_brought_to_an_end(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(site, "Three walks a week.\n")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing._Publication, "_bring", dies)
        build(site)
    assert not owned(site).complete
    assert build(site).json["written"] == 1
    assert owned(site).complete
    now = output(site)
    assert build(site, "--no-cache").json["written"] == 0
    assert output(site) == now


def static_file(site: Path, name: str) -> Path:
    path = site / "content/static" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("A price list.\n")
    return path


def not_kept(site: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A build that could not keep its memory."""
    with monkeypatch.context() as patch:
        patch.setattr(together, "remember", lambda *_, **__: None)
        return build(site).code


def not_hosted(site: Path, _: pytest.MonkeyPatch) -> int:
    """A build that published and could not write what belongs beside the output."""
    (site / "content/site.yaml").write_text((site / "content/site.yaml").read_text() + "hosting: {host: nginx}\n")
    (site / "hosting").write_text("in its place\n")
    code = build(site).code
    (site / "hosting").unlink()
    return code


@pytest.mark.parametrize("ended", [not_kept, not_hosted])
def test_what_a_build_published_and_could_not_remember_goes_when_it_is_taken_back(
    site: Path, monkeypatch: pytest.MonkeyPatch, ended: Callable[[Path, pytest.MonkeyPatch], int]
) -> None:
    static_file(site, "a.txt")
    before = (site / "content/site.yaml").read_bytes()
    assert build(site).code == 0
    new = static_file(site, "b.txt")
    assert ended(site, monkeypatch) == (0 if ended is not_kept else 4)
    assert (site / "output/static/b.txt").exists()
    new.unlink()
    (site / "content/site.yaml").write_bytes(before)
    assert build(site).json["removed"] == 1
    assert not (site / "output/static/b.txt").exists()


@pytest.mark.parametrize("learns", [True, False], ids=["that learns", "that learns nothing"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "fresh"])
def test_a_lock_that_is_replaced_meanwhile_is_not_overwritten(
    site: Path, monkeypatch: pytest.MonkeyPatch, known: bool, learns: bool
) -> None:
    plan(site, "Three walks a week.\n")
    if learns:
        invoice = site / "content/clients/ana/invoices/2026-0001.yaml"
        text = invoice.read_text().replace("2026-0001", "2026-0002")
        invoice.with_name("2026-0002.yaml").write_text(text)
    if not known:
        shutil.rmtree(site / ".portalgen/cache")
    lock, made = site / "portalgen.lock", clients.Maker.make
    row = '{"issued": "2026-10-03", "kind": "number", "number": "2025-0009", "of": "invoice"}'
    other = "".join(f"{line}\n" for line in sorted([*lock.read_text().splitlines(), row]))

    def pulled(*given: Any) -> clients.Made:
        lock.with_name("pulled").write_text(other)
        lock.with_name("pulled").replace(lock)
        return made(*given)

    before = output(site)
    with monkeypatch.context() as patch:
        patch.setattr(clients.Maker, "make", pulled)
        result = build(site)
    assert (result.code, result.json["problems"][0]["message"]) == (
        4,
        "portalgen.lock changed while the site was read",
    )
    assert lock.read_text() == other
    assert output(site) == before
    assert build(site).code == 0


@pytest.mark.parametrize("known", [True, False], ids=["known", "fresh"])
@pytest.mark.parametrize("edited", [True, False], ids=["edited", "as they were"])
def test_two_links_that_are_one_in_the_lock_are_refused(tmp_path: Path, known: bool, edited: bool) -> None:
    homes = ("content/clients/ana-h", "content/clients/ben-o")
    owners = {f"{home}/client.yaml": f"id: {home[16:]}\nname: {{display: Somebody}}\n" for home in homes}
    site = minimal_site(tmp_path, owners)
    assert build(site).code == 0
    before, lock = output(site), site / "portalgen.lock"
    one, other = re.findall(r'"salt": "([^"]+)"', lock.read_text())
    lock.write_text(lock.read_text().replace(other, one))
    if edited:
        for home in homes:
            (site / home / "plan.md").write_text("Walk a little.\n")
    if not known:
        shutil.rmtree(site / ".portalgen/cache")
    result = build(site)
    assert (result.code, [problem["code"] for problem in result.json["problems"]]) == (2, ["lock"])
    assert output(site) == before


@pytest.mark.parametrize("edited", [True, False], ids=["edited", "as they were"])
def test_a_row_of_the_lock_that_belongs_to_no_client_counts(site: Path, edited: bool) -> None:
    row = '{"issued": "2026-10-03", "kind": "number", "number": "2026-0001", "of": "invoice"}'
    lock = site / "portalgen.lock"
    lock.write_text("".join(f"{line}\n" for line in sorted([*lock.read_text().splitlines(), row])))
    if edited:
        plan(site, "Walk a little.\n")
    result = build(site)
    assert (result.code, [problem["code"] for problem in result.json["problems"]]) == (2, ["duplicate-number"])


def test_a_document_stays_with_whom_it_was_issued_for(site: Path) -> None:
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    (site / "content/clients/ana").rename(site / "content/clients/anna")
    file = site / "content/clients/anna/client.yaml"
    file.write_text(file.read_text().replace("id: ana", "id: anna"))
    lock = (site / "portalgen.lock").read_bytes()
    result = build(site)
    assert (result.code, [problem["code"] for problem in result.json["problems"]]) == (2, ["vanished"])
    assert "was issued for 'ana'" in result.json["problems"][0]["message"]
    assert (site / "portalgen.lock").read_bytes() == lock


def test_a_folder_of_templates_that_comes_later_is_seen(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "SETTLED", 0)
    (site / "templates").symlink_to("../theme-of-mine")
    build(site)
    build(site)
    before = output(site)
    (site.parent / "theme-of-mine").mkdir()
    (site.parent / "theme-of-mine/theme.css").write_text("body{color:#112233}")
    assert build(site).json["written"] > 0
    assert output(site) != before


def test_a_file_in_the_place_of_a_folder_of_ours_goes(site: Path) -> None:
    (site / ".portalgen/staging").write_text("x")
    plan(site, "Three walks a week.\n")
    assert (build(site).code, build(site).json["written"]) == (0, 0)
    assert not (site / ".portalgen/staging").exists()


def test_a_page_that_was_there_before_us_stays_when_we_no_longer_publish_it(site: Path) -> None:
    """The same by chance, it is not ours, however often we build."""
    static = site / "content/static/word.txt"
    static.parent.mkdir()
    static.write_text("word")
    (site / "output/static").mkdir()
    (site / "output/static/word.txt").write_text("word")
    build(site)
    for text in ("Three walks a week.\n", "Four walks a week.\n"):
        plan(site, text)
        build(site)
    assert "static/word.txt" not in owned(site).files
    static.unlink()
    build(site)
    assert (site / "output/static/word.txt").read_text() == "word"


def test_many_small_changes_are_written_together_at_last(site: Path) -> None:
    sizes = []
    for number in range(12):
        plan(site, f"{number} walks a week.\n")
        assert build(site).code == 0
        sizes.append(memory(site).stat().st_size)
    assert any(after < before for before, after in pairwise(sizes))


def test_a_file_that_was_touched_beside_one_that_changed_keeps_its_part(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "SETTLED", -(10**18))  # as if all had been written long before
    second = site / "content/clients/bea/client.yaml"
    second.parent.mkdir()
    second.write_text(
        (site / "content/clients/ana/client.yaml").read_text().replace("ana", "bea").replace("Ana", "Bea")
    )
    assert build(site).code == 0
    second.touch()
    plan(site, "Three walks a week.\n")
    result = build(site)
    assert (result.code, result.json["problems"]) == (0, [])
    assert result.json["written"] == 1


@pytest.mark.parametrize("size", [0, 1, 5000, (1 << 20) + 7])
def test_files_of_any_size_are_known_by_what_they_hold(tmp_path: Path, size: int) -> None:
    content = (b"0123456789" * (size // 10 + 1))[:size]
    (tmp_path / "file").write_bytes(content)
    held: dict[str, bytes] = {}
    [seen], [kept] = (fingerprint.fingerprint(tmp_path, (), ["file"], contents=given).files for given in (None, held))
    assert seen == kept
    assert (seen.size, seen.sha256) == (size, hashlib.sha256(content).digest())
    assert held == {"file": content}
