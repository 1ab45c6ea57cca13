"""Who can open what: the key on disk and on paper, links that end, what is published of a client, forgetting one."""

from __future__ import annotations

import functools
import os
import pty
import re
import shutil
import stat
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from portalgen.content.lock import Lock, read_lock
from portalgen.publish import state
from portalgen.publish.access import open_access
from portalgen.publish.key import create_key
from portalgen.site.links import shown
from portalgen.site.sealing import Keyring, checked, unchecked, unseal
from tests.killer import Killer, killer
from tests.support import DEMO_DAY, MINIMAL_CLIENT, Result, invoke, minimal_site

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
ANA = "content/clients/ana/"
CREDIT = """\
id: back
invoice: 2026-0001
number: CN-2026-0001
issued: 2026-11-03
reason: Cancelled in time
lines:
  - {description: Session, quantity: 1, unit_price: 60.00}
"""
FILES = {
    **MINIMAL_CLIENT,
    ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"] + "notes: Prefers the back door.\n",
    ANA + "credit-notes/back.yaml": CREDIT,
    ANA + "plan.md": "Walk, and *rest*.\n",
    ANA
    + "payments.yaml": "- {id: a, date: 2026-11-04, amount: 5.00, currency: EUR, method: cash, receipt_number: R-1}\n",
}


both = pytest.mark.parametrize("pristine", ["sealed", "unlisted"], indirect=True)
"""A test of what is different when pages are not sealed."""


@pytest.fixture(scope="module")
def pristine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a client, an invoice, a credit note and a payment, built once in each mode."""
    mode = getattr(request, "param", "sealed")
    site = minimal_site(tmp_path_factory.mktemp(mode), FILES)
    if mode == "sealed":
        text = (site / "content/site.yaml").read_text()
        (site / "content/site.yaml").write_text(text[: text.index("privacy:")] + text[text.index("documents:") :])
    assert build(site).code == 0
    return site


@pytest.fixture
def site(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copytree(pristine, tmp_path / "site"))


def build(site: Path, day: str = DEMO_DAY, **env: str) -> Result:
    return invoke("build", "--site", site, "--today", day, "--json", env=env)


def check(site: Path, day: str = DEMO_DAY) -> Result:
    return invoke("check", "--site", site, "--today", day, "--json")


def lock(site: Path) -> Lock:
    """What the lock says; it must be sound."""
    found, problems = read_lock((site / "portalgen.lock").read_text())
    assert not problems
    return found


def links(site: Path, *args: str, day: str = DEMO_DAY) -> list[dict[str, Any]]:
    result = invoke("links", *args, "--site", site, "--today", day, "--json")
    assert result.code == 0, result
    found: list[dict[str, Any]] = result.json
    return found


def page_of(site: Path, url: str) -> Path:
    """The file that a link leads to."""
    path = url.partition("#")[0].removeprefix("https://practice.example/")
    return site / "output" / (f"{path}index.html" if path.endswith("/") else path)


def said_at(site: Path, url: str) -> str:
    """What somebody with a link reads: all pages that it opens."""
    text, key = page_of(site, url).read_text(), url.partition("#")[2]
    if not key:
        return text
    sealed = re.search('id="sealed">([^<]+)</script>', text)
    assert sealed
    opened = unseal(unchecked(key), b64decode(sealed[1]))
    return "".join(file.content.decode() for file in opened.files)


def page_for(site: Path, kind: str) -> Path:
    """The file behind the live link of a kind."""
    (url,) = (row["url"] for row in links(site) if row["kind"] == kind)
    return page_of(site, url)


def key_of(site: Path) -> Path:
    return site / ".portalgen/key"


def tree(site: Path) -> dict[str, bytes]:
    """Every file of the site but the lock of builds."""
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and path.name != "build.lock"
    }


# --- where the key lies -------------------------------------------------------------------------------


def test_a_key_is_read_with_or_without_a_line_end(site: Path, tmp_path: Path) -> None:
    text = key_of(site).read_text()
    key_of(site).unlink()
    elsewhere = tmp_path / "m"
    for form in (text, text.strip(), text.strip().upper() + "\r\n"):
        elsewhere.write_text(form)
        elsewhere.chmod(0o600)
        assert build(site, PORTALGEN_KEY_FILE=str(elsewhere)).code == 0
        assert build(site, PORTALGEN_KEY=form).code == 0
    assert not key_of(site).exists()


@pytest.mark.parametrize("place", ["output/m", "content/static/m", "public/.m"])
def test_a_key_that_would_be_published_is_refused(site: Path, place: str) -> None:
    key = site / place
    key.parent.mkdir(exist_ok=True)
    shutil.move(key_of(site), key)
    before = tree(site)
    output = ("--output", site / "public") if place.startswith("public") else ()
    result = invoke("build", "--site", site, "--json", *output, env={"PORTALGEN_KEY_FILE": str(key)})
    assert result.code == 4, result
    assert "published or shared" in result.json["problems"][0]["message"]
    assert tree(site) == before


@pytest.mark.parametrize("fault", ["link", "folder", "readable", "cut", "bytes"])
def test_a_key_file_that_cannot_be_trusted_is_refused(site: Path, tmp_path: Path, fault: str) -> None:
    key = tmp_path / "m"
    shutil.move(key_of(site), key)
    if fault == "link":
        key.rename(tmp_path / "n")
        key.symlink_to(tmp_path / "n")
    elif fault == "folder":
        key.unlink()
        key.mkdir()
    elif fault == "readable":
        key.chmod(0o640)
    else:
        key.write_bytes(b"\xff" * 56 if fault == "bytes" else key.read_bytes()[:-3])
    for args in (("build",), ("links", "--yes"), ("link", "rotate", "ana"), ("key", "show", "--yes")):
        result = invoke(*args, "--site", site, env={"PORTALGEN_KEY_FILE": str(key)})
        assert result.code == 4, result
        assert str(key) in result.stderr
        assert "hint: " in result.stderr


def git(folder: Path, *args: str) -> None:
    subprocess.run(["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@example.org", *args], check=True)


@pytest.mark.parametrize("index", ["2", "4"])
def test_a_key_that_git_keeps_is_refused(site: Path, index: str) -> None:
    git(site.parent, "init", "--quiet")
    git(site.parent, "config", "index.version", index)
    git(site.parent, "add", "site/portalgen.lock")
    assert build(site).code == 0
    git(site.parent, "add", "--force", "site/.portalgen/key")
    result = build(site)
    assert result.code == 4, result
    assert "Git keeps the key" in result.json["problems"][0]["message"]
    assert "git rm --cached" in result.json["problems"][0]["hint"]
    git(site.parent, "rm", "--quiet", "--cached", "site/.portalgen/key")
    assert build(site).code == 0


def test_git_is_not_asked_about_a_key_that_its_index_does_not_name(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(site, "init", "--quiet")
    git(site, "add", ".")
    assert (
        ".portalgen/key"
        not in subprocess.run(["git", "-C", site, "ls-files"], capture_output=True, encoding="utf-8", check=True).stdout
    )
    monkeypatch.setattr(subprocess, "run", None)
    assert build(site).code == 0


def test_no_key_is_ever_replaced_by_a_new_one(tmp_path: Path) -> None:
    create_key(tmp_path / "key", SECRET)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create_key(tmp_path / "key", OTHER)
    assert unchecked((tmp_path / "key").read_text()) == SECRET
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_lost_lock_is_no_beginning(site: Path) -> None:
    lock = site / "portalgen.lock"
    text, pages = lock.read_bytes(), sorted((site / "output" / "p").iterdir())
    lock.unlink()
    result = invoke("build", "--site", site, "--today", DEMO_DAY)
    assert result.code == 4, result
    assert "portalgen.lock is gone" in result.stderr
    assert "take the file back" in result.stderr
    assert not lock.exists()
    assert sorted((site / "output" / "p").iterdir()) == pages
    lock.write_bytes(text)
    assert invoke("build", "--site", site, "--today", DEMO_DAY, "--json").json["written"] == 0


def test_a_missing_key_is_named_with_the_ways_out(site: Path) -> None:
    key_of(site).unlink()
    result = build(site)
    assert result.code == 4
    (problem,) = result.json["problems"]
    assert lock(site).key_id in problem["message"]
    assert {"portalgen key import", "portalgen key rotate"} <= set(re.findall(r"portalgen key \w+", problem["hint"]))


# --- the paper copy -----------------------------------------------------------------------------------


def test_the_paper_copy_brings_every_link_back(site: Path) -> None:
    before = links(site)
    assert invoke("key", "show", "--site", site).code == 4
    told = invoke("key", "show", "--yes", "--site", site)
    data = invoke("key", "show", "--json", "--site", site).json
    rows = re.findall(r"^  ((?:[a-z2-7]{4} ?){7})$", told.stdout, re.MULTILINE)
    assert " ".join(rows).split() == data["groups"]
    assert len(data["groups"]) == 14
    assert data["key"] == "".join(data["groups"]) == key_of(site).read_text().strip()
    assert data["key_id"] == lock(site).key_id
    assert data["key_id"] in told.stdout
    key_of(site).unlink()
    for typed in (
        "\n".join(rows).upper() + "\n\n",
        "-".join(data["groups"]),
        data["key"][:20] + "\r\n" + data["key"][20:],
    ):
        done = invoke("key", "import", "--site", site, "--json", stdin=typed)
        assert (done.code, done.json["key_id"]) == (0, data["key_id"]), done
        assert stat.S_IMODE(key_of(site).stat().st_mode) == 0o600
        assert links(site) == before
        key_of(site).unlink()
    assert invoke("key", "import", *data["groups"], "--site", site).code == 0
    assert "already" in invoke("key", "import", data["key"], "--site", site).stdout
    assert links(site) == before


@pytest.mark.parametrize("typed", ["", "abcd", "0" * 56, checked(SECRET)[:-1], "b" + checked(SECRET)[1:]])
def test_a_mistyped_paper_copy_is_refused(site: Path, typed: str) -> None:
    key_of(site).unlink()
    before = tree(site)
    result = invoke("key", "import", "--site", site, "--json", stdin=typed)
    assert result.code == 4
    assert "cut or mistyped" in result.json["problems"][0]["message"]
    assert tree(site) == before


def test_only_the_key_that_the_lock_names_replaces_another(site: Path, tmp_path: Path) -> None:
    right = key_of(site).read_text()
    before = tree(site)
    for there in (right, None):
        result = invoke("key", "import", checked(OTHER), "--site", site)
        assert result.code == 4
        assert lock(site).key_id in result.stderr
        assert tree(site) == before if there else not key_of(site).exists()
        key_of(site).unlink(missing_ok=True)
    key_of(site).write_text(checked(OTHER))
    key_of(site).chmod(0o600)
    assert build(site).code == 4
    assert invoke("key", "import", right, "--site", site).code == 0
    assert build(site).code == 0
    fresh = minimal_site(tmp_path / "fresh", FILES)
    assert invoke("key", "show", "--yes", "--site", fresh).code == 4
    assert invoke("key", "import", checked(OTHER), "--site", fresh).code == 0
    assert invoke("key", "import", checked(SECRET), "--site", fresh).code == 4
    assert build(fresh).code == 0
    assert lock(fresh).key_id == Keyring(OTHER).key_id


@pytest.mark.parametrize("command", ["import", "rotate"])
def test_a_key_from_the_environment_is_no_commands_to_change(site: Path, command: str) -> None:
    before = tree(site)
    args = (checked(SECRET),) if command == "import" else ("--yes",)
    result = invoke("key", command, *args, "--site", site, env={"PORTALGEN_KEY": key_of(site).read_text()})
    assert result.code == 4
    assert "PORTALGEN_KEY" in result.stderr
    assert tree(site) == before


# --- a new key ----------------------------------------------------------------------------------------


@both
def test_a_new_key_breaks_every_link_and_the_old_addresses_say_so(site: Path) -> None:
    assert invoke("link", "rotate", "ana", "--invoice", "2026-0001", "--site", site).code == 0
    assert build(site).code == 0
    before, old = links(site), Keyring(unchecked(key_of(site).read_text()))
    assert invoke("key", "rotate", "--site", site).code == 4
    result = invoke("key", "rotate", "--yes", "--site", site, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    new = Keyring(unchecked(key_of(site).read_text()))
    assert result.json == {"key_id": new.key_id, "before": old.key_id, "links": 3, "tombstones": 4}
    assert not (site / ".portalgen/key.next").exists()
    assert check(site).code == 3
    for _ in range(2):
        assert invoke("build", "--no-cache", "--site", site, "--today", DEMO_DAY).code == 0
        assert check(site).code == 0
        for row in before:
            assert "This link was replaced by another one." in said_at(site, row["url"])
            assert "Ana Horvat" not in said_at(site, row["url"])
    after = links(site)
    assert {(row["kind"], row["ref"]) for row in after} == {(row["kind"], row["ref"]) for row in before}
    assert not {row["url"] for row in after} & {row["url"] for row in before}
    rows = lock(site).links
    assert sorted((row.of, row.generation, row.state, row.key_id) for row in rows) == [
        ("credit-note", 1, "replaced", old.key_id),
        ("credit-note", 2, "live", ""),
        ("invoice", 1, "replaced", old.key_id),
        ("invoice", 2, "replaced", old.key_id),
        ("invoice", 3, "live", ""),
        ("portal", 1, "replaced", old.key_id),
        ("portal", 2, "live", ""),
    ]
    kept = [path for path in (site / ".portalgen/tombstones").rglob("*") if path.is_file()]
    assert len(kept) == 4
    assert not any(b"Ana Horvat" in path.read_bytes() for path in kept)


@both
def test_a_lost_key_is_left_behind(site: Path) -> None:
    before = links(site)
    key_of(site).unlink()
    result = invoke("key", "rotate", "--yes", "--site", site)
    assert result.code == 0, result
    assert "they are removed" in result.stdout
    assert build(site).code == 0
    assert not any(page_of(site, row["url"]).exists() for row in before)
    assert all(page_of(site, row["url"]).is_file() for row in links(site))


def test_another_sites_key_is_no_lost_one(site: Path) -> None:
    key_of(site).write_text(checked(OTHER))
    before = tree(site)
    result = invoke("key", "rotate", "--yes", "--site", site)
    assert result.code == 4
    assert lock(site).key_id in result.stderr
    assert tree(site) == before


def test_a_site_with_errors_keeps_its_key(site: Path) -> None:
    (site / "content/site.yaml").write_text("practice: {}\n")
    before = tree(site)
    assert invoke("key", "rotate", "--yes", "--site", site).code == 2
    assert tree(site) == before


def test_on_a_terminal_it_is_asked_first(site: Path) -> None:
    def on_terminal(typed: bytes, *args: str) -> tuple[int, str]:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "portalgen", *args, "--site", str(site)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTALGEN_")}
        with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
            os.close(slave)
            os.write(master, typed)
            said = b""
            while True:
                try:
                    part = os.read(master, 4096)
                except OSError:
                    part = b""
                if not part:
                    break
                said += part
            os.close(master)
        return process.returncode, said.decode()

    before = tree(site)
    code, said = on_terminal(b"n\n", "key", "rotate")
    assert (code, "Make a new key?" in said) == (4, True)
    assert tree(site) == before
    code, said = on_terminal(b"", "key", "show")
    assert code == 0
    assert key_of(site).read_text()[:4] in said


# --- links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ((), "portal"),
        (("--invoice", "2026-0001"), "invoice"),
        (("--invoice", "back"), "credit-note"),
        (("--invoice", "CN-2026-0001"), "credit-note"),
    ],
)
@both
def test_one_link_moves_and_the_others_stay(site: Path, args: tuple[str, ...], kind: str) -> None:
    before = {row["kind"]: row["url"] for row in links(site)}
    told = invoke("link", "rotate", "ana", *args, "--site", site)
    assert told.code == 0, told
    assert "What somebody has seen stays seen" in told.stdout
    assert "Build and upload now" in told.stdout
    (problem,) = check(site).json["problems"]
    row = next(row for row in lock(site).links if row.state == "replaced")
    text = (site / "portalgen.lock").read_text().splitlines()
    assert (problem["code"], row.salt in text[problem["line"] - 1]) == ("still-published", True)
    assert build(site).code == 0
    assert check(site).code == 0
    after = {row["kind"]: row["url"] for row in links(site)}
    assert {name for name in before if before[name] != after[name]} == {kind}
    assert "This link was replaced by another one." in said_at(site, before[kind])
    assert "Ana Horvat" not in said_at(site, before[kind])
    assert "Ana Horvat" in said_at(site, after[kind])


@both
def test_after_revoking_a_new_generation_can_be_given_out(site: Path) -> None:
    assert invoke("link", "revoke", "ana", "--invoice", "CN-2026-0001", "--site", site, "--json").json["links"] == 1
    assert invoke("link", "revoke", "ana", "--site", site, "--json").json["links"] == 2
    assert invoke("link", "revoke", "ana", "--site", site).code == 2
    assert build(site).code == 0
    assert links(site) == []
    assert [row["state"] for row in links(site, "--all")] == ["revoked"] * 3
    assert invoke("link", "rotate", "ana", "--invoice", "2026-0001", "--site", site).code == 0
    assert build(site).code == 0
    assert [(row["kind"], row["state"]) for row in links(site)] == [("invoice", "live")]
    assert sorted((row.generation, row.state) for row in lock(site).links if row.of == "invoice") == [
        (1, "revoked"),
        (2, "live"),
    ]


@pytest.mark.parametrize(
    "args",
    [
        ("ana", "--invoice", "2026-0009"),
        ("ana", "--person", "mother"),
        ("bo",),
        ("ana", "--invoice", "2026-0001", "--person", "mother"),
    ],
)
@pytest.mark.parametrize("action", ["revoke", "rotate"])
def test_what_nobody_has_a_link_to_changes_nothing(site: Path, action: str, args: tuple[str, ...]) -> None:
    before = tree(site)
    assert invoke("link", action, *args, "--site", site).code == 2
    assert tree(site) == before


def test_who_replaces_a_page_is_told_of_the_links_on_it(site: Path) -> None:
    assert "invoices and credit notes, which still open" in invoke("link", "rotate", "ana", "--site", site).stdout
    for args in (("rotate", "ana", "--invoice", "2026-0001"), ("revoke", "ana")):
        assert "which still open" not in invoke("link", *args, "--site", site).stdout


def test_a_persons_link_moves_alone(site: Path) -> None:
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text() + "contacts: [{id: mother, name: Eva Horvat, role: parent, scope: all}]\n")
    assert build(site).code == 0
    before = {row["kind"]: row["url"] for row in links(site)}
    assert [row["ref"] for row in links(site, "ana", "--person", "mother")] == ["mother"]
    assert invoke("link", "rotate", "ana", "--person", "mother", "--site", site, "--json").json["links"] == 1
    assert build(site).code == 0
    after = {row["kind"]: row["url"] for row in links(site)}
    assert {name for name in before if before[name] != after[name]} == {"person"}
    assert "This link was replaced by another one." in said_at(site, before["person"])
    assert invoke("link", "revoke", "ana", "--person", "mother", "--site", site, "--json").json["links"] == 1
    assert {row.state for row in lock(site).links if row.of != "person"} == {"live"}


@both
def test_a_link_past_its_last_day_is_a_broken_promise_until_the_next_build(site: Path) -> None:
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text() + "link: {expires: 2026-11-22}\n")
    assert build(site).code == 0
    assert check(site, "2026-11-22").code == 0
    portal = page_for(site, "portal")
    late = check(site, "2026-11-23")
    assert late.code == 3
    (problem,) = late.json["problems"]
    assert problem["code"] == "still-published"
    assert f"and {shown(portal.relative_to(site).as_posix())} still opens" in problem["message"]
    assert portal.parent.name == "p" or portal.parent.name not in late.stdout
    assert {row["kind"]: row["state"] for row in links(site, day="2026-11-23")}["portal"] == "expired"
    assert build(site, "2026-11-23").code == 0
    assert check(site, "2026-11-23").code == 0
    assert {row["kind"]: (row["state"], row["url"]) for row in links(site, day="2026-11-23")}["portal"] == (
        "expired",
        None,
    )
    client.write_text(client.read_text().replace("2026-11-22", "2026-12-31"))
    assert build(site, "2026-11-23").code == 0
    assert page_for(site, "portal") == portal


def test_another_look_of_the_page_of_an_ended_link_breaks_no_promise(site: Path) -> None:
    assert invoke("link", "rotate", "ana", "--site", site).code == 0
    assert build(site).code == 0
    config = site / "content/site.yaml"
    config.write_text(config.read_text().replace("mira@practice.example", "new@practice.example"))
    assert check(site).code == 0
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    found = check(site)
    assert found.code == 3
    assert len(found.json["problems"]) == 3  # what was replaced and built stays told


def test_private_pages_may_have_an_origin_of_their_own(site: Path) -> None:
    config = site / "content/site.yaml"
    config.write_text(config.read_text() + "private_base_url: https://for-you.example/\n")
    assert {row["url"].partition("/p/")[0] for row in links(site)} == {"https://for-you.example"}


def test_a_link_as_a_qr_code_reads_back(site: Path) -> None:
    urls = {row["kind"]: row["url"] for row in links(site)}
    for args, kind in (((), "portal"), (("--invoice", "2026-0001"), "invoice")):
        result = invoke("links", "ana", *args, "--qr", "--yes", "--site", site, "--today", DEMO_DAY)
        assert result.code == 0, result
        *drawn, url = result.stdout.splitlines()
        assert url == urls[kind]
        halves = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
        picture = Image.new("L", (len(drawn[0]) + 8, 2 * len(drawn) + 8), 255)
        for y, line in enumerate(drawn):
            for x, sign in enumerate(line):
                for half in (0, 1):
                    picture.putpixel((x + 4, 2 * y + half + 4), halves[sign][half])
        (found,) = zxingcpp.read_barcodes(picture.resize((8 * picture.width, 8 * picture.height)))
        assert found.text == url
    assert invoke("links", "--qr", "--yes", "--site", site).code == 2
    assert invoke("links", "ana", "--qr", "--json", "--site", site).code == 2
    assert invoke("links", "ana", "--qr", "--site", site).code == 4
    assert invoke("links", "ana", "--qr", "--yes", "--person", "x", "--site", site).code == 2


# --- what is published --------------------------------------------------------------------------------


@both
def test_everything_about_a_client_is_listed(site: Path) -> None:
    data = invoke("published", "ana", "--site", site, "--today", DEMO_DAY, "--json", "--yes").json
    assert {(row["kind"], row["url"]) for row in data["links"]} == {(row["kind"], row["url"]) for row in links(site)}
    files = {row["kind"]: [file["name"] for file in row["files"]] for row in data["links"]}
    first = "page.html" if "#" in data["links"][0]["url"] else "index.html"
    assert all(names[0] == first for names in files.values())
    assert len(files["portal"]) > 1
    for row in data["links"]:
        page = page_of(site, row["url"])
        on_disk = [page] if first == "page.html" else [path for path in page.parent.rglob("*") if path.is_file()]
        assert row["bytes"] == sum(path.stat().st_size for path in on_disk)
    fields = {(field["path"].removeprefix(ANA), field["field"]): field for field in data["fields"]}
    assert fields["client.yaml", "name.display"]["standing"] == "shown"
    assert fields["client.yaml", "notes"]["standing"] == "absent"
    assert fields["client.yaml", "notes"]["audience"] == "private"
    assert fields["invoices/2026-0001.yaml", "lines.0.unit_price"]["standing"] == "shown"
    assert fields["invoices/2026-0001.yaml", "issued"]["standing"] == "shown"
    assert fields["credit-notes/back.yaml", "reason"]["standing"] == "shown"
    assert fields["plan.md", "body"]["standing"] == "shown"
    assert fields["plan.md", "body"]["value"] == "Walk, and *rest*."


@both
def test_what_opens_a_page_is_not_told_to_other_programs(site: Path) -> None:
    keys = [re.split(r"#|/p/", row["url"])[-1].rstrip("/") for row in links(site)]
    for more in ((), ("--json",)):
        told = invoke("published", "ana", "--site", site, "--today", DEMO_DAY, *more)
        assert told.code == 0
        assert "Prefers the back door" not in told.stdout or more
        assert not [key for key in keys if key in told.stdout]
    told = invoke("published", "ana", "--yes", "--site", site, "--today", DEMO_DAY)
    assert all(key in told.stdout for key in keys)


@both
def test_ended_links_are_listed_as_well(site: Path) -> None:
    assert invoke("link", "rotate", "ana", "--site", site).code == 0
    assert build(site).code == 0
    data = invoke("published", "ana", "--site", site, "--today", DEMO_DAY, "--json").json
    assert sorted(row["state"] for row in data["links"]) == ["live", "live", "live", "replaced"]
    assert invoke("key", "rotate", "--yes", "--site", site).code == 0
    data = invoke("published", "ana", "--site", site, "--today", DEMO_DAY, "--json").json
    assert (len(data["links"]), len(data["replaced"])) == (3, 4)
    nobody = invoke("published", "bo", "--site", site, "--today", DEMO_DAY, "--json").json
    assert nobody == {"client": "bo", "links": [], "replaced": [], "fields": []}


def test_what_was_never_built_has_no_address(tmp_path: Path) -> None:
    minimal_site(tmp_path, MINIMAL_CLIENT)
    data = invoke("published", "ana", "--site", tmp_path, "--today", DEMO_DAY, "--json", "--yes").json
    assert data["links"] == []
    assert not [field for field in data["fields"] if field["standing"] == "shown"]


def test_what_the_files_took_back_is_not_listed_as_live(site: Path) -> None:
    client = site / "content/clients/ana/client.yaml"
    client.write_text(client.read_text(encoding="utf-8") + "publish: false\n", encoding="utf-8")
    assert build(site).code == 0
    data = invoke("published", "ana", "--site", site, "--today", DEMO_DAY, "--json").json
    assert [(row["state"], len(row["files"])) for row in data["links"]] == [("expired", 1)] * 3


# --- forgetting ---------------------------------------------------------------------------------------


@pytest.fixture
def ended(site: Path) -> Path:
    """The site after the client's links were ended, and that was published."""
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    assert build(site).code == 0
    return site


def forget(site: Path, *args: str, day: str = DEMO_DAY) -> Result:
    return invoke("forget", "ana", "--site", site, "--today", day, "--json", *args)


def remembered(site: Path) -> list[str]:
    """The files about the client, by their names."""
    return [name for name in tree(site) if "ana" in name and name.startswith(("content", ".portalgen"))]


@both
def test_nothing_is_left_but_the_numbers(ended: Path) -> None:
    assert forget(ended).code == 4
    result = forget(ended, "--yes")
    assert result.code == 0, result
    assert result.json == {"client": "ana", "links": 3, "documents": 2, "files": 5, "numbers": 3}
    assert not (ended / ANA).exists()
    assert build(ended).code == 0
    assert [path.name for path in (ended / "output/p").rglob("*")] == []
    data = invoke("published", "ana", "--site", ended, "--today", DEMO_DAY, "--json").json
    assert not any(data[part] for part in ("links", "replaced", "fields"))
    assert not [name for name, text in tree(ended).items() if b"Horvat" in text]
    assert not remembered(ended)
    assert "ana" not in (ended / "portalgen.lock").read_text()
    assert {(row.of, row.number) for row in lock(ended).numbers} == {
        ("invoice", "2026-0001"),
        ("credit-note", "CN-2026-0001"),
        ("receipt", "R-1"),
    }
    assert forget(ended, "--yes").code == 2


def test_a_number_of_somebody_forgotten_is_never_given_again(ended: Path) -> None:
    assert forget(ended, "--yes").code == 0
    minimal_site(ended / "again", {ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"]})
    shutil.copytree(ended / "again" / ANA, ended / ANA)
    shutil.rmtree(ended / "again")
    draft = MINIMAL_CLIENT[ANA + "invoices/2026-0001.yaml"]
    bill = ended / ANA / "invoices/spring.yaml"
    bill.parent.mkdir()
    bill.write_text(draft.replace("id: 2026-0001", "id: spring"))
    problems = build(ended).json["problems"]
    assert [(problem["code"], "given out before" in problem["message"]) for problem in problems] == [
        ("duplicate-number", True)
    ]
    bill.write_text(
        draft.replace("id: 2026-0001", "id: spring")
        .replace("number: 2026-0001\n", "")
        .replace("issued: 2026-11-02\n", "")
    )
    issued = invoke("issue", "spring", "--site", ended, "--today", DEMO_DAY, "--json")
    assert issued.json["issued"][0]["number"] == "2026-0002", issued


def test_nobody_is_forgotten_while_a_link_opens(site: Path) -> None:
    before = tree(site)
    result = forget(site, "--yes")
    assert result.code == 2
    assert "portalgen link revoke ana" in result.json["problems"][0]["message"]
    assert tree(site) == before
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    before = tree(site)
    result = forget(site, "--yes")
    assert result.code == 2
    assert "still stands in output/p/" in result.json["problems"][0]["message"]
    assert tree(site) == before


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (ANA + "client.yaml", "legal_hold: true\n", "legal_hold"),
        (ANA + "client.yaml", "unknown: 1\n", "unknown"),
        ("content/site.yaml", "retention_years: 7\n", "2033-12-31"),
    ],
)
def test_what_must_be_kept_is_kept(ended: Path, name: str, text: str, says: str) -> None:
    (ended / name).write_text((ended / name).read_text() + text)
    before = tree(ended)
    result = forget(ended, "--yes")
    assert result.code == 2
    assert says in result.stdout
    assert tree(ended) == before
    if "retention" in text:
        assert forget(ended, "--yes", day="2034-01-01").code == 0


def test_retention_can_be_overruled(ended: Path) -> None:
    config = ended / "content/site.yaml"
    config.write_text(config.read_text() + "retention_years: 7\n")
    assert forget(ended, "--yes", "--early").code == 0


def test_who_has_no_folder_any_more_is_forgotten_too(ended: Path) -> None:
    shutil.rmtree(ended / ANA)
    assert build(ended).code == 0
    result = forget(ended, "--yes")
    assert result.json == {"client": "ana", "links": 3, "documents": 2, "files": 0, "numbers": 2}
    assert build(ended).code == 0


@both
def test_pages_of_an_earlier_key_go_too(site: Path) -> None:
    assert invoke("key", "rotate", "--yes", "--site", site).code == 0
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    assert build(site).code == 0
    assert forget(site, "--yes").code == 0
    assert build(site).code == 0
    assert list((site / "output/p").rglob("*")) == []
    assert not (site / ".portalgen/tombstones").exists()


def test_what_git_remembers_is_said(ended: Path) -> None:
    git(ended, "init", "--quiet")
    told = invoke("forget", "ana", "--yes", "--site", ended, "--today", DEMO_DAY)
    assert told.code == 0
    assert "git filter-repo --invert-paths --path content/clients/ana/" in told.stdout


@pytest.mark.parametrize("name", ["..", "../..", "a/b", ".", "ana/..", ""])
def test_only_a_client_can_be_forgotten(ended: Path, name: str) -> None:
    before = tree(ended)
    assert invoke("forget", name, "--yes", "--site", ended).code == 2
    assert tree(ended) == before


@pytest.mark.parametrize(
    "command",
    [("link", "rotate", "ana"), ("key", "import", checked(SECRET)), ("key", "rotate", "--yes"), ("forget", "ana")],
)
def test_who_writes_waits_for_whoever_else_does(
    site: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(state, "build_lock", functools.partial(state.build_lock, wait=0.1))
    with state.build_lock(site):
        before = tree(site)
        result = invoke(*command, "--site", site)
        assert result.code == 4
        assert f"the process {os.getpid()}" in result.stderr
        assert tree(site) == before


# --- killed at any moment -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kills() -> Iterator[Killer]:
    """A process that runs and kills commands for us."""
    with killer() as running:
        yield running


@pytest.mark.parametrize(
    ("pristine", "command"),
    [
        ("sealed", ("link", "rotate", "ana")),
        ("sealed", ("link", "revoke", "ana")),
        ("sealed", ("key", "rotate", "--yes")),
        ("sealed", ("forget", "ana", "--yes")),
    ],
    indirect=["pristine"],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[:2]),
)
def test_killed_before_any_write_the_old_or_the_new_holds(
    kills: Killer, pristine: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    start = Path(shutil.copytree(pristine, tmp_path / "start"))
    if command[0] == "forget":
        assert invoke("link", "revoke", "ana", "--site", start).code == 0
        assert build(start).code == 0
    old = lock(start)
    site, moments, done = tmp_path / "site", 0, set()
    for write in range(1, 80):
        shutil.copytree(start, site)
        code = kills.run(*command, "--site", site, write=write)
        now = lock(site)
        access, problems = open_access(site)
        assert access, problems
        assert now.key_id == old.key_id or command[0] == "key"
        done.add(now != old)
        if command[0] == "forget":
            assert kills.run("forget", "ana", "--yes", "--site", site) in (0, 2)
            assert not (site / ANA).exists()
            assert {row.number for row in lock(site).numbers} == {"2026-0001", "CN-2026-0001", "R-1"}
            assert not remembered(site)
        elif write % 6 == 0 or now != old:
            assert kills.run("build", "--site", site, "--today", DEMO_DAY) == 0
            assert not [path for path in (site / ".portalgen").iterdir() if path.name.endswith((".next", "-tmp"))]
            assert check(site).code == 0
        shutil.rmtree(site)
        if code == 0:
            break
        moments += 1
    assert done == {False, True}
    assert moments > 4, "too few moments to say anything"


# --- another mode ---------------------------------------------------------------------------------------


def test_an_address_of_another_mode_says_that_there_is_a_new_link(tmp_path: Path) -> None:
    """A host that never deletes goes on serving the pages of the mode before, unless something overwrites them."""
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    settings = site / "content" / "site.yaml"
    clear = settings.read_text()

    def built() -> set[str]:
        assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 0
        return {path.relative_to(site / "output").as_posix() for path in (site / "output" / "p").rglob("*.html")}

    pages = {path for path in built() if path.count("/") == 2}
    assert len(pages) == 2
    settings.write_text(clear.replace("mode: unlisted", "mode: sealed"))
    both = built()
    assert pages <= both
    for path in pages:
        text = (site / "output" / path).read_text()
        assert "There is a new link" in text
        assert "Ana" not in text
    sealed = both - {path for path in both if path.count("/") == 2} - {"p/index.html"}
    assert len(sealed) == 2
    settings.write_text(clear)
    assert sealed <= built()
    access, _ = open_access(site)
    assert access is not None
    for row in lock(site).links:
        assert row.modes == ("sealed", "unlisted")
        link = access.address(row, sealed=True).rstrip("/")
        assert "There is a new link" in said_at(site, f"https://practice.example/{link}")


def test_a_link_that_was_never_given_out_in_another_mode_has_no_address_there(site: Path) -> None:
    """Rows of a site that is sealed from the start look as they always did."""
    text = (site / "portalgen.lock").read_text()
    clear = "mode: unlisted" in (site / "content" / "site.yaml").read_text()
    assert ('"modes"' in text) == clear


# --- what was mistyped, or comes too early ---------------------------------------------------------------------------


def test_a_link_that_is_not_made_yet_is_told(site: Path) -> None:
    folder = site / "content" / "clients" / "neu"
    folder.mkdir()
    (folder / "client.yaml").write_text("id: neu\nname: {display: Neu}\n", encoding="utf-8")
    listed = invoke("links", "--yes", "--site", site, "--today", DEMO_DAY)
    assert listed.code == 0
    assert "1 link is not there yet; run portalgen build" in listed.stderr
    assert "portalgen build makes them" in invoke("link", "rotate", "neu", "--site", site).stderr
    assert build(site).code == 0
    assert "not there yet" not in invoke("links", "--yes", "--site", site, "--today", DEMO_DAY).stderr


@pytest.mark.parametrize("command", [("links",), ("link", "revoke"), ("published",), ("new", "invoice")])
def test_a_mistyped_client_is_guessed(site: Path, command: tuple[str, ...]) -> None:
    result = invoke(*command, "anna", *(["--yes"] if command == ("links",) else []), "--site", site)
    assert "did you mean ana?" in result.stderr
