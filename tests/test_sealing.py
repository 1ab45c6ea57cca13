"""Keys and addresses against the known answers of sealing §2, and the key and lock on disk (§3)."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.lock import LinkRow, Lock, read_lock
from portalgen.site.sealing import Keyring, KeyTextError, checked, unchecked
from tests.support import MINIMAL_CLIENT, Result, invoke, minimal_site

SECRET = bytes(range(32))
SALT = bytes(range(0x40, 0x50)).hex()
DAY = "2026-11-21"


def test_known_answers() -> None:
    keyring = Keyring(SECRET)
    assert keyring.key_id == "44e797204df0b1fa"
    assert keyring.token(SALT, 1) == "zk2yx5ng3bz4zfc4ziprviamnapucxax"


@given(st.binary(min_size=32, max_size=32), st.integers(0, 55), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_mistyped_key_is_noticed(secret: bytes, at: int, letter: str) -> None:
    text = checked(secret)
    assert len(text) == 56
    assert unchecked("\n".join((text[:30], text[30:])) + "\n") == secret
    wrong = text[:at] + letter + text[at + 1 :]
    if wrong != text:
        with pytest.raises(KeyTextError):
            unchecked(wrong)
    with pytest.raises(KeyTextError):
        unchecked(text[:-1])


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=20))
def test_different_links_have_different_addresses(links: list[tuple[int, bool]]) -> None:
    keyring = Keyring(SECRET)
    salts = [number.to_bytes(16, "big").hex() for number in range(len(links))]
    tokens = {keyring.token(salt, generation) for salt, (generation, _) in zip(salts, links, strict=True)}
    assert len(tokens) == len(links)
    assert all(len(token) == 32 for token in tokens)


def row(client: str = "ana", ref: str = "ana", salt: str = SALT, **more: object) -> dict[str, object]:
    return {
        "kind": "link",
        "client": client,
        "of": "portal",
        "ref": ref,
        "salt": salt,
        "generation": 1,
        "state": "live",
    } | more


KEY_ROW = {"kind": "key", "key_id": "44e797204df0b1fa"}


def test_the_lock_reads_what_it_writes() -> None:
    links = (
        LinkRow(client="ana", of="portal", ref="ana", salt=SALT),
        LinkRow(client="bo", of="invoice", ref="7", salt=SALT[::-1]),
    )
    lock, problems = read_lock(Lock(key_id="00ff", links=links).text())
    assert not problems
    assert (lock.key_id, set(lock.links)) == ("00ff", set(links))
    assert Lock(links=links).text() == Lock(links=links[::-1]).text()


@pytest.mark.parametrize(
    "lines",
    [
        ["<<<<<<< HEAD"],
        ["{not json"],
        [row(salt="zz")],
        [row(generation=0)],
        [row(state="alive")],
        [row(extra="1"), row(ref="b")],
        [row(), row(client="bo")],
        [row(), row(salt=SALT[::-1], generation=2)],
        [row(salt=SALT[::-1], generation=2, state="revoked"), row()],
        [{"kind": "document", "number": "1"}],
        [KEY_ROW, row(sealed=True)],
        [KEY_ROW, KEY_ROW],
        [KEY_ROW, {"kind": "key", "key_id": "00ff"}],
        [{"kind": "key", "key_id": ""}],
        [{"kind": "key", "key_id": 7}],
    ],
)
def test_a_lock_that_cannot_be_trusted_has_a_problem_with_a_line(lines: list[object]) -> None:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    problems = read_lock(text)[1]
    assert problems
    assert all(problem.path == "portalgen.lock" and problem.line <= len(lines) and problem.hint for problem in problems)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    assert build(site).code == 0
    return site


def build(site: Path, **env: str) -> Result:
    return invoke("build", "--site", site, "--today", DAY, "--json", env=env)


def test_the_first_build_makes_a_key_that_only_its_owner_reads(built: Path) -> None:
    key = built / ".portalgen" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(unchecked(key.read_text())) == 32
    assert key.read_text().strip() not in (built / "portalgen.lock").read_text()


def test_links_stay_the_same_and_the_lock_keeps_its_bytes(built: Path) -> None:
    before = (built / "portalgen.lock").read_bytes(), sorted(path.name for path in (built / "output" / "p").iterdir())
    assert build(built).code == 0
    assert before == (
        (built / "portalgen.lock").read_bytes(),
        sorted(path.name for path in (built / "output" / "p").iterdir()),
    )


def test_a_missing_key_is_never_replaced(built: Path) -> None:
    (built / ".portalgen" / "key").unlink()
    result = build(built)
    assert result.code == 4
    assert read_lock((built / "portalgen.lock").read_text())[0].key_id in result.stdout
    assert not (built / ".portalgen" / "key").exists()


def test_a_foreign_key_is_refused(built: Path) -> None:
    result = build(built, PORTALGEN_KEY=checked(SECRET))
    assert result.code == 4
    assert "44e797204df0b1fa" in result.stdout


def test_a_lock_that_does_not_name_its_key_is_refused(built: Path) -> None:
    lock = built / "portalgen.lock"
    links = "".join(line + "\n" for line in lock.read_text().splitlines() if '"key_id"' not in line)
    lock.write_text(links)
    before = sorted(built.rglob("*"))
    result = build(built, PORTALGEN_KEY=checked(SECRET))
    assert result.code == 2
    first = next(number for number, line in enumerate(links.splitlines(), 1) if '"kind": "link"' in line)
    assert [(p["path"], p["line"], p["code"]) for p in result.json["problems"]] == [("portalgen.lock", first, "lock")]
    assert "does not name the key" in result.json["problems"][0]["message"]
    assert invoke("link", "rotate", "ana", "--site", built, env={"PORTALGEN_KEY": checked(SECRET)}).code == 4
    assert (lock.read_text(), sorted(built.rglob("*"))) == (links, before)


def test_what_is_precious_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[int] = set()

    def fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr("os.fsync", fsync)
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    assert build(site).code == 0
    precious = {(site / name).stat().st_ino for name in (".portalgen/key", "portalgen.lock", ".portalgen", ".")}
    assert precious <= synced if os.name == "posix" else synced
    assert not list(site.glob(".*.new"))


def test_the_key_can_come_from_the_environment(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    (site / "portalgen.lock").write_text(f"{json.dumps(KEY_ROW)}\n{json.dumps(row())}\n")
    assert build(site, PORTALGEN_KEY=checked(SECRET)).code == 0
    assert (site / "output/p/zk2yx5ng3bz4zfc4ziprviamnapucxax/index.html").is_file()
    assert not (site / ".portalgen" / "key").exists()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_key_that_others_can_read_is_refused(built: Path) -> None:
    (built / ".portalgen" / "key").chmod(0o644)
    assert build(built).code == 4


def test_a_key_behind_a_symbolic_link_is_refused(built: Path, tmp_path: Path) -> None:
    key = built / ".portalgen" / "key"
    other = tmp_path / "elsewhere"
    key.rename(other)
    key.symlink_to(other)
    assert build(built).code == 4


@pytest.mark.parametrize("gone", ["content/clients/ana", "content/clients/ana/invoices/2026-0001.yaml"])
def test_a_promise_cannot_vanish_unnoticed(built: Path, gone: str) -> None:
    (built / gone).rename(built / "aside")
    before = sorted(path.as_posix() for path in (built / "output").rglob("*"))
    result = build(built)
    assert result.code == 2
    assert {(p["path"], p["code"]) for p in result.json["problems"]} == {("portalgen.lock", "vanished")}
    assert before == sorted(path.as_posix() for path in (built / "output").rglob("*"))


def test_publish_false_takes_the_pages_away(built: Path) -> None:
    client = built / "content/clients/ana/client.yaml"
    client.write_text(client.read_text() + "publish: false\n")
    result = build(built)
    assert (result.code, result.json["problems"]) == (0, [])
    assert not list((built / "output" / "p").glob("*/index.html"))


def test_a_sealed_site_publishes_nothing_private_in_the_clear(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    text = (site / "content/site.yaml").read_text()
    (site / "content/site.yaml").write_text(text[: text.index("privacy:")] + text[text.index("documents:") :])
    result = build(site)
    assert result.code == 0
    assert [problem["code"] for problem in result.json["problems"]] == ["not-sealed-yet"]
    assert not (site / "output" / "p").exists()
    assert not any("Ana" in path.read_text(errors="ignore") for path in (site / "output").rglob("*.html"))


def address(site: Path, of: str = "portal") -> str:
    rows = invoke("links", "ana", "--site", site, "--today", DAY, "--json").json
    return next((row["url"].split("/p/")[1].rstrip("/") for row in rows if row["kind"] == of), "")


def test_a_rotated_link_moves_and_the_old_address_goes(built: Path) -> None:
    old, invoice = address(built), address(built, "invoice")
    assert invoke("link", "rotate", "ana", "--site", built).code == 0
    assert build(built).code == 0
    new = address(built)
    assert new not in (old, "")
    assert address(built, "invoice") == invoice
    assert not (built / "output/p" / old).exists()
    assert (built / "output/p" / new / "index.html").is_file()
    states = [row["state"] for row in invoke("links", "--all", "--site", built, "--today", DAY, "--json").json]
    assert sorted(states) == ["live", "live", "replaced"]


def test_after_revoking_a_client_their_folder_may_go(built: Path) -> None:
    assert invoke("link", "revoke", "ana", "--site", built).code == 0
    assert build(built).code == 0
    assert not list((built / "output").glob("p/*/index.html"))
    (built / "content/clients/ana").rename(built / "aside")
    assert build(built).json["problems"] == []
    (built / "aside").rename(built / "content/clients/ana")
    assert address(built) == ""
    assert invoke("link", "rotate", "ana", "--site", built).code == 0
    assert build(built).code == 0
    assert address(built)


def test_one_invoices_link_can_end_alone(built: Path) -> None:
    portal = address(built)
    assert invoke("link", "revoke", "ana", "--invoice", "2026-0001", "--site", built).code == 0
    assert build(built).code == 0
    assert (address(built), address(built, "invoice")) == (portal, "")
    assert invoke("link", "revoke", "ana", "--invoice", "2026-0001", "--site", built).code == 2
    assert invoke("link", "rotate", "nobody", "--site", built).code == 2


@pytest.mark.parametrize("action", ["revoke", "rotate"])
def test_nothing_is_written_when_no_link_matches(tmp_path: Path, action: str) -> None:
    result = invoke("link", action, "ana", "--site", tmp_path)
    assert result.code == 2
    assert "content" in result.stderr
    assert list(tmp_path.iterdir()) == []
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    assert invoke("link", action, "ana", "--site", site).code == 2
    assert not (site / "portalgen.lock").exists()
    assert build(site).code == 0
    before = (site / "portalgen.lock").stat().st_mtime_ns
    assert invoke("link", action, "nobody", "--site", site).code == 2
    assert (site / "portalgen.lock").stat().st_mtime_ns == before


def test_the_old_links_of_a_client_who_is_gone_can_be_listed(built: Path) -> None:
    assert invoke("link", "revoke", "ana", "--site", built).code == 0
    (built / "content/clients/ana").rename(built / "aside")
    rows = invoke("links", "ana", "--all", "--site", built, "--today", DAY, "--json")
    assert rows.code == 0, rows
    assert sorted((row["client"], row["kind"], row["state"]) for row in rows.json) == [
        ("ana", "invoice", "revoked"),
        ("ana", "portal", "revoked"),
    ]
    told = invoke("links", "ana", "--site", built, "--today", DAY, "--json")
    assert told.code == 2
    assert "--all" in told.json["problems"][0]["message"]
    assert invoke("links", "bo", "--all", "--site", built, "--today", DAY, "--json").code == 2
