"""The commands as a user meets them: exit codes, JSON, new files, help."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from portalgen.cli import MODULES
from portalgen.content.loader import SharedPart, read_shared
from portalgen.content.sources import Tree
from tests.support import MINIMAL_CLIENT, ROOT, invoke, minimal_site, run

DAY = "2026-11-21"


def test_a_starter_builds_at_once_without_a_problem(tmp_path: Path) -> None:
    assert invoke("init", tmp_path / "p").code == 0
    result = invoke("build", "--site", tmp_path / "p", "--json")
    assert (result.code, result.json["problems"]) == (0, [])
    assert result.json["pages"] > 12
    ignored = (tmp_path / "p/.gitignore").read_text()
    assert ".portalgen/" in ignored
    assert "output/" in ignored


def test_init_demo_is_the_demo_practice(tmp_path: Path) -> None:
    assert invoke("init", tmp_path / "p", "--demo").code == 0
    copied = {
        path.relative_to(tmp_path / "p").as_posix() for path in (tmp_path / "p/content").rglob("*") if path.is_file()
    }
    assert copied == {path.relative_to(ROOT).as_posix() for path in (ROOT / "content").rglob("*") if path.is_file()}


def test_init_leaves_a_folder_with_files_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    result = invoke("init", tmp_path)
    assert result.code == 4
    assert "hint:" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("kind", ["client", "service", "policy", "guide", "agreement"])
def test_a_new_file_builds_at_once_and_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    made = invoke("new", kind, "evening-walk", "--site", site, "--today", DAY, "--json")
    assert made.code == 0, made
    path = site / made.json["path"]
    assert path.is_file()
    built = invoke("build", "--site", site, "--today", DAY, "--json")
    assert (built.code, built.json["problems"]) == (0, [])
    path.write_text(path.read_text() + "# mine\n")
    before = path.read_bytes()
    assert invoke("new", kind, "evening-walk", "--site", site).code == 2
    assert path.read_bytes() == before


def test_a_new_file_says_what_comes_next(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    for kind, name, then in (
        ("client", "bo", "portalgen new invoice bo"),
        ("invoice", "ana", f"portalgen issue ana-{DAY}"),
        ("guide", "bo", "portalgen build"),
    ):
        said = invoke("new", kind, name, "--site", site, "--today", DAY).stdout
        assert said.endswith(f"\nNext: fill it in, then {then}\n"), said


def test_a_new_invoice_is_a_draft_with_an_id_of_its_own(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    first, second = (
        invoke("new", "invoice", "ana", "--site", site, "--today", DAY, "--json").json["path"] for _ in range(2)
    )
    assert first != second
    built = invoke("build", "--site", site, "--today", DAY, "--json")
    assert (built.code, built.json["problems"]) == (0, [])
    assert [row["ref"] for row in invoke("links", "--site", site, "--today", DAY, "--json").json] == [
        "ana",
        "2026-0001",
    ]


@pytest.mark.parametrize(
    ("kind", "name"), [("invoice", "nobody"), ("client", "Ana Horvat"), ("guide", "../x"), ("client", "con")]
)
def test_a_new_file_in_a_wrong_place_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    site = minimal_site(tmp_path)
    before = sorted(site.rglob("*"))
    result = invoke("new", kind, name, "--site", site)
    assert result.code == 2
    assert sorted(site.rglob("*")) == before


def test_check_writes_nothing(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    before = sorted(site.rglob("*"))
    assert invoke("check", "--site", site, "--today", DAY).code == 0
    (site / "content/pages/home.md").write_text("---\ntitle: A\ntitel: B\n---\n")
    result = invoke("check", "--site", site, "--today", DAY)
    assert result.code == 2
    assert "content/pages/home.md:3:1: error[unknown-key]" in result.stderr
    assert "titel: B" in result.stderr
    assert "did you mean 'title'?" in result.stderr
    assert sorted(site.rglob("*")) == before


def test_links_are_printed_to_a_terminal_or_when_asked(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    assert invoke("links", "--site", site, "--json").code == 4  # never built
    invoke("build", "--site", site, "--today", DAY)
    assert invoke("links", "--site", site).code == 4
    rows = invoke("links", "ana", "--site", site, "--today", DAY, "--json").json
    assert [(row["client"], row["kind"], row["ref"], row["state"], row["expires"]) for row in rows] == [
        ("ana", "portal", "ana", "live", None),
        ("ana", "invoice", "2026-0001", "live", None),
    ]
    assert all(row["url"].startswith("https://practice.example/p/") for row in rows)
    text = invoke("links", "--site", site, "--today", DAY, "--yes").stdout
    assert rows[1]["url"] in text
    assert invoke("links", "bo", "--site", site, "--json").code == 2


def test_links_stand_in_columns(tmp_path: Path) -> None:
    note = "id: cn-1\nnumber: CN-1\ninvoice: 2026-0001\nissued: 2026-11-12\nreason: x\nlines: [{description: x, unit_price: 9.00}]\n"
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, "content/clients/ana/credit-notes/cn-1.yaml": note})
    invoke("build", "--site", site, "--today", DAY)
    rows = invoke("links", "--site", site, "--today", DAY, "--yes").stdout.splitlines()
    assert len(rows) == 3
    assert len({row.index("https://") for row in rows}) == 1


def test_schema_knows_every_kind_and_sets_up_the_editor(tmp_path: Path) -> None:
    site = minimal_site(tmp_path)
    every = invoke("schema", "--site", site).json
    assert {"site", "client", "invoice", "service"} <= set(every)
    assert set(invoke("schema", "invoice", "--site", site).json["required"]) == {"id", "lines"}
    assert "yaml-language-server" in invoke("schema", "--write", "--site", site).stdout
    settings = json.loads((site / ".vscode/settings.json").read_text())["yaml.schemas"]
    for schema, glob in settings.items():
        assert (site / ".vscode" / schema.removeprefix("./.vscode/")).is_file()
        assert glob.startswith("content/")
    assert invoke("check", "--site", site).code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_PORTALGEN_COMPLETE" in invoke("completion", shell).stdout


def test_completion_completes() -> None:
    env = {**os.environ, "_PORTALGEN_COMPLETE": "bash_complete", "COMP_WORDS": "portalgen ch", "COMP_CWORD": "1"}
    program = "import sys; sys.argv = ['portalgen']; from portalgen.cli import main; main(prog_name='portalgen')"
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert "check" in done.stdout


def test_help_teaches_every_command_and_loads_nothing_heavy() -> None:
    text = run("--help").stdout
    assert "The first ten minutes" in text
    for command in ("init", "build", "check", "serve", "new", "links", "link", "schema", "completion"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE)
        assert invoke(command, "--help").code == 0
    heavy = "import sys; sys.argv = ['x', '--help']\ntry:\n from portalgen.cli import main; main()\nexcept SystemExit: pass\n"
    heavy += "print([n for n in ('jinja2', 'yaml', 'markdown', 'msgspec', 'rich', 'watchdog', 'cryptography', 'babel') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    from portalgen import __version__

    assert invoke("--version").stdout.strip().endswith(__version__)


def test_a_wrong_day_says_what_to_write(tmp_path: Path) -> None:
    result = invoke("build", "--site", minimal_site(tmp_path), "--today", "21.11.2026")
    assert result.code == 2
    assert "2026-11-21" in result.stderr


def test_a_folder_without_a_practice_says_so(tmp_path: Path) -> None:
    result = invoke("build", "--site", tmp_path, "--json")
    assert result.code == 2
    assert result.json["problems"][0]["path"].startswith("content")
    assert "portalgen init" in result.json["problems"][0]["hint"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("in_the_way", "command"),
    [
        ("file", ("init", "file/practice")),
        ("content/guides", ("new", "guide", "walk")),
        ("content/clients/ana/invoices", ("new", "invoice", "ana")),
        (".vscode", ("schema", "--write")),
        (".vscode/settings.json", ("schema", "--write")),
    ],
)
def test_a_file_in_the_way_is_the_environment(tmp_path: Path, in_the_way: str, command: tuple[str, ...]) -> None:
    site = minimal_site(
        tmp_path, {"content/clients/ana/client.yaml": MINIMAL_CLIENT["content/clients/ana/client.yaml"]}
    )
    (site / in_the_way).parent.mkdir(exist_ok=True)
    (site / in_the_way).write_text("mine")
    result = invoke(*command, "--site", site)
    assert result.code == 4, result
    assert "hint:" in result.stderr
    told = invoke(*command, "--site", site, "--json").json["problems"]
    assert [(one["code"], one["severity"]) for one in told] == [("environment", "error")]


@pytest.mark.parametrize("command", [("init", "new"), ("new", "guide", "walk")])
def test_a_disk_that_refuses_is_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    site = minimal_site(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    monkeypatch.setattr(Path, "mkdir", refuse)
    result = invoke(*command, "--site", site)
    assert result.code == 4
    assert "Permission denied: there" in result.stderr


def test_init_takes_the_day_that_it_is_given(tmp_path: Path) -> None:
    assert invoke("init", tmp_path / "p", "--today", "2031-03-04").code == 0
    texts = [path.read_text() for path in (tmp_path / "p").rglob("*.yaml")]
    assert any("2031" in text for text in texts)
    assert invoke("init", tmp_path / "q", "--today", "9999-12-31").code == 2


def test_a_new_invoice_beside_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    path = site / "content/clients/ana/client.yaml"
    path.write_bytes(path.read_bytes() + "notes: Café\n".encode("cp1252"))
    (site / "content/services").mkdir()
    (site / "content/services/talk.md").write_bytes("---\nname: Café\nprice: 60.00\n---\n".encode("cp1252"))
    made = invoke("new", "invoice", "ana", "--site", site, "--today", DAY, "--json")
    assert made.code == 0, made
    assert "service: talk" in (site / made.json["path"]).read_text()


def test_only_a_build_says_that_nothing_was_written(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, {"content/sitee.yaml": "x"})
    for command, said in (("build", True), ("check", False)):
        result = invoke(command, "--site", site)
        assert result.code == 2
        assert "1 error." in result.stderr
        assert ("Nothing was written." in result.stderr) is said


def test_json_is_what_the_command_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    invoke("build", "--site", site, "--today", DAY)
    assert invoke("link", "rotate", "ana", "--site", site, "--json").json == {"client": "ana", "links": 1}
    assert invoke("link", "revoke", "ana", "--site", site, "--json").json == {"client": "ana", "links": 2}
    (site / ".portalgen/key").unlink()
    for command in (("link", "revoke", "ana"), ("build",)):
        told = invoke(*command, "--site", site, "--json")
        assert (told.code, told.json["problems"][0]["code"]) == (4, "environment")
        monkeypatch.setattr(sys, "argv", ["somebody", "--json"])
        told = invoke(*command, "--site", site)
        assert (told.code, told.stdout) == (4, "")
        assert told.stderr.startswith("error: ")
    wrong = invoke("link", "revoke", "--json", "--site", site)
    assert (wrong.code, wrong.stderr) == (2, "")
    assert "Missing argument" in wrong.json["problems"][0]["message"]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_full_or_read_only_disk_is_the_environment(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # noqa: E731
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "portalgen", "build", "--site", str(site), "--today", DAY]
    done = subprocess.run(command, preexec_fn=limit, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert invoke("build", "--site", site, "--today", DAY).code == 0


def test_nothing_is_published_from_files_that_change_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)

    def read_then_save(tree: Tree) -> SharedPart:
        part = read_shared(tree)
        (tree.root / "content/pages/home.md").write_text("---\ntitle: Saved meanwhile\n---\nNew.\n")
        return part

    monkeypatch.setattr("portalgen.publish.ground.read_shared", read_then_save)
    result = invoke("build", "--site", site, "--today", DAY)
    assert result.code == 4
    assert "content/pages/home.md" in result.stderr
    assert not (site / "output").exists()
    assert not (site / "portalgen.lock").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["build", "--today", "2026-13-01"],
        ["build", "--nope"],
        ["links", "nobody"],
        ["schema", "nope"],
        ["new", "client", "Bad Id"],
        ["link", "rotate", "zzz"],
    ],
)
def test_json_is_one_document_also_when_the_command_makes_no_sense(tmp_path: Path, args: list[str]) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    result = invoke(*args, "--site", site, "--json")
    assert result.code == 2
    (problem,) = result.json["problems"]
    assert problem["message"]
    assert set(result.json) == (
        {"pages", "written", "unchanged", "removed", "seconds", "problems"} if args[0] == "build" else {"problems"}
    )


def test_schema_makes_no_folder_where_there_is_no_practice(tmp_path: Path) -> None:
    assert invoke("schema", "--write", "--site", tmp_path / "typo").code == 4
    assert not (tmp_path / "typo").exists()


def test_commands_are_where_the_group_looks_for_them() -> None:
    for module, names in MODULES.items():
        assert tuple(one.name for one in import_module(f"portalgen.cli.{module}").COMMANDS) == names, module


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["build"], 2), (["nonsense"], 2)])
def test_the_program_ends_as_its_commands_do(tmp_path: Path, words: list[str], code: int) -> None:
    start = "from portalgen.__main__ import run; run()"
    alone = subprocess.run([sys.executable, "-c", start, *words], cwd=tmp_path, capture_output=True, check=False)
    module = run(*words, cwd=tmp_path)
    assert (alone.returncode, alone.stdout.decode(), alone.stderr.decode()) == (code, module.stdout, module.stderr)


def test_the_program_tells_all_to_a_slow_reader(tmp_path: Path) -> None:
    start = "from portalgen.__main__ import run; run()"
    with subprocess.Popen([sys.executable, "-c", start, "schema"], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout
        time.sleep(0.5)
        assert json.loads(process.stdout.read())
    assert process.returncode == 0
