"""Keys and addresses against the known answers of sealing §2, and the key and lock on disk (§3)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.lock import LinkRow, Lock, read_lock
from portalgen.site.sealing import (
    HTML,
    PAGE,
    Enclosed,
    Hmac,
    Keyring,
    KeyTextError,
    SealError,
    checked,
    padded,
    seal,
    unchecked,
    unseal,
)
from tests.support import MINIMAL_CLIENT, Result, invoke, minimal_site

SECRET = bytes(range(32))
SALT = bytes(range(0x40, 0x50)).hex()
DAY = "2026-11-21"


def test_known_answers() -> None:
    keyring = Keyring(SECRET)
    assert keyring.key_id == "44e797204df0b1fa"
    assert keyring.token(SALT, 1) == "zk2yx5ng3bz4zfc4ziprviamnapucxax"
    assert keyring.locator(SALT, 1) == "d7lvuf4adcckzhagxikkbkshxtimvnvc"
    assert keyring.secret(SALT, 1).hex() == "0bb711435241f525b168a9ac0ae0d500719fc7f6dc7d292227bf0de201fac7f7"
    assert keyring.fragment(SALT, 1) == "bo3rcq2sih2slmlivgwavygvabyz7r7w3r6ssirhx4g6eap2y73u2ycg"
    assert unchecked(keyring.fragment(SALT, 1)) == keyring.secret(SALT, 1)


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=3))
def test_a_key_that_is_mixed_in_once_gives_what_hmac_gives(key: bytes, messages: list[bytes]) -> None:
    keyed = Hmac(key)
    assert [keyed.digest(message) for message in messages] == [hmac.digest(key, m, "sha256") for m in messages]


def test_known_answers_of_a_sealed_page() -> None:
    secret = Keyring(SECRET).secret(SALT, 1)
    sealed = seal(secret, [Enclosed(PAGE, HTML, b"<h1>Hallo</h1>")])
    tag = sealed[24:56]
    assert tag.hex() == "86e41447cdb99db5ee0b5e52896b42cf269b8246ad64b4f76685db598dce2b3c"
    made = HKDF(SHA256(), 44, salt=tag, info=b"portalgen/seal/v1/msg").derive(secret)
    assert made[:32].hex() == "3f49807a4be78e67b71b1a6810e59e40c7bc61324a13294b0bf18647dd85a0d7"
    assert made[32:].hex() == "db35a33b96c4cdfd941d1c19"
    plain = AESGCM(made[:32]).decrypt(made[32:], sealed[56:], sealed[:56])
    assert plain[4 : 4 + plain[3]].startswith(b'{"exp":null,"files":[{"l":14,"n":"page.html","o":0,"t":"text/html')
    assert (len(sealed), sealed[-16:].hex()) == (16456, "09aab1bf3f32816e190b2227bc28ea38")
    assert hashlib.sha256(sealed).hexdigest() == "ee9e8cf9ccfa6348f42c8309db8c3ce143e7537328f6e5ad95cf5c4fa0dfe4db"


@pytest.mark.parametrize(
    ("length", "wanted"),
    [(1, 16384), (16384, 16384), (16385, 17408), (20000, 20480), (70001, 71680), (300000, 303104)],
)
def test_known_answers_of_the_padding(length: int, wanted: int) -> None:
    assert padded(length) == wanted


KEYS = st.binary(min_size=32, max_size=32)
FILES = st.lists(
    st.builds(
        Enclosed,
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        st.sampled_from(["application/pdf", "text/plain", "image/png"]),
        st.binary(max_size=20000),
    ),
    max_size=4,
)
MOMENTS = st.none() | st.integers(0, 4_000_000_000).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))


@given(KEYS, st.binary(max_size=40000), FILES, MOMENTS)
def test_what_is_sealed_opens_again_and_is_the_same_each_time(
    secret: bytes, content: bytes, others: list[Enclosed], expires: dt.datetime | None
) -> None:
    files = (Enclosed(PAGE, HTML, content), *others)
    sealed = seal(secret, files, expires)
    opened = unseal(secret, sealed)
    assert opened.files == files
    assert opened.expires == (expires.strftime("%Y-%m-%dT%H:%M:%SZ") if expires else None)
    assert seal(secret, files, expires) == sealed
    assert seal(secret, (Enclosed(PAGE, HTML, content + b"."), *others), expires)[24:56] != sealed[24:56]
    length = len(sealed) - 24 - 32 - 16
    least = sum(len(file.content) for file in files)
    assert least < length <= max(16384, (least + 5000) * 1.12)
    assert padded(length) == length


@given(KEYS, KEYS, st.integers(0, 16455), st.integers(0, 7))
def test_another_key_or_a_changed_bit_opens_nothing(secret: bytes, other: bytes, at: int, bit: int) -> None:
    sealed = bytearray(seal(secret, [Enclosed(PAGE, HTML, b"<h1>Hallo</h1>")]))
    if other != secret:
        with pytest.raises(SealError):
            unseal(other, bytes(sealed))
    sealed[at] ^= 1 << bit
    with pytest.raises(SealError):
        unseal(secret, bytes(sealed))


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


OTHER = SALT[::-1]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (1, ["<<<<<<< HEAD"]),
        (2, [KEY_ROW, "======="]),
        (3, [KEY_ROW, row(), ">>>>>>> theirs"]),
        (1, ["{not json"]),
        (1, ["[]"]),
        (1, [row(salt="zz")]),
        (1, [row(salt=SALT[2:])]),
        (1, [row(generation=0)]),
        (1, [row(generation=2**32)]),
        (1, [row(client="../bo")]),
        (1, [row(ref="")]),
        (1, [row(salt="ab" * 15 + "AB")]),
        (1, [row(salt=" ".join(SALT))]),
        (1, [row(state="alive")]),
        (1, [row(of="door")]),
        (2, [KEY_ROW, row() | {"salt": None}]),
        (3, [KEY_ROW, row(), row(client="bo")]),
        (3, [KEY_ROW, row(), row(generation=2, state="revoked")]),
        (2, [KEY_ROW, row(), row(salt=OTHER, generation=2)]),
        (3, [KEY_ROW, row(salt=OTHER, generation=2, state="revoked"), row()]),
        (3, [KEY_ROW, row(salt=OTHER, generation=2, state="replaced"), row(state="expired")]),
        (3, [KEY_ROW, row(salt=OTHER, state="replaced"), row()]),
        (1, [{"kind": "document", "number": "1"}]),
        (2, [KEY_ROW, row(sealed=True)]),
        (2, [KEY_ROW, KEY_ROW]),
        (2, [KEY_ROW, {"kind": "key", "key_id": "00ff"}]),
        (1, [{"kind": "key", "key_id": ""}]),
        (1, [{"kind": "key", "key_id": 7}]),
        (1, [row()]),
        (2, [KEY_ROW, row(key_id="00ff")]),
        (2, [KEY_ROW, row(key_id="00ff", state="expired")]),
        (2, [KEY_ROW, row(key_id=KEY_ROW["key_id"], state="revoked")]),
        (1, [{"kind": "number", "of": "invoice", "number": "1"}]),
        (1, [{"kind": "number", "of": "song", "number": "1", "issued": "2026-11-21"}]),
    ],
)
def test_a_lock_that_cannot_be_trusted_has_a_problem_with_a_line(line: int, lines: list[object]) -> None:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    problems = read_lock(text)[1]
    assert problems[0].line == line
    assert all(problem.path == "portalgen.lock" and problem.hint for problem in problems)


def test_every_ended_generation_keeps_its_row() -> None:
    rows = [
        row(state="replaced", key_id="00ff"),
        row(salt=OTHER, generation=2, state="revoked"),
        row(salt=SALT[2:] + SALT[:2], generation=3, state="expired"),
    ]
    numbers = [{"kind": "number", "of": "receipt", "number": "R-1", "issued": "2026-11-21"}] * 2
    text = "".join(f"{json.dumps(line)}\n" for line in (KEY_ROW, *rows, *numbers))
    lock, problems = read_lock(text)
    assert not problems
    assert [(link.generation, link.state, link.key_id) for link in lock.links] == [
        (1, "replaced", "00ff"),
        (2, "revoked", ""),
        (3, "expired", ""),
    ]
    assert read_lock(lock.text()) == (lock, ())
    assert len(lock.numbers) == 1  # two branches may have forgotten the same client


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


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("emptied", [True, False])
def test_a_lost_lock_is_never_begun_anew(built: Path, emptied: bool, key: bool) -> None:
    lock = built / "portalgen.lock"
    lock.write_text("") if emptied else lock.unlink()
    if not key:
        (built / ".portalgen" / "key").unlink()
    before = sorted(built.rglob("*"))
    result = build(built)
    assert result.code == 4
    assert "every link" in result.stdout
    assert sorted(built.rglob("*")) == before


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
    told = invoke("link", "rotate", "ana", "--site", built, "--json", env={"PORTALGEN_KEY": checked(SECRET)})
    assert (told.code, told.json["problems"]) == (2, result.json["problems"])
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
    pages = set((built / "output/p").glob("*/index.html"))
    assert pages
    client = built / "content/clients/ana/client.yaml"
    client.write_text(client.read_text() + "publish: false\n")
    result = build(built)
    assert (result.code, result.json["problems"]) == (0, [])
    assert set((built / "output/p").glob("*/index.html")) == pages
    assert not any("Ana Horvat" in page.read_text() for page in pages)


@pytest.mark.parametrize("state", ["open", "not published", "gone"])
@pytest.mark.parametrize("what", ["key", "paper", "link"])
def test_no_key_gets_into_a_public_page_whatever_its_link_opens(built: Path, state: str, what: str) -> None:
    key = (built / ".portalgen/key").read_text().strip()
    lock, _ = read_lock((built / "portalgen.lock").read_text())
    secrets = {
        "key": key,
        "paper": "-".join(key[at : at + 4] for at in range(0, 56, 4)).upper(),
        "link": Keyring(unchecked(key)).fragment(lock.links[0].salt, 1),
    }
    client = built / "content/clients/ana/client.yaml"
    if state == "not published":
        client.write_text(client.read_text() + "publish: false\n")
    elif state == "gone":
        assert invoke("link", "revoke", "ana", "--site", built).code == 0
        shutil.rmtree(client.parent)
    assert build(built).code == 0
    (built / "content/pages/about.md").write_text(f"---\ntitle: About\n---\nWrite down {secrets[what]} for me.\n")
    result = build(built)
    assert result.code == 2
    assert [problem["code"] for problem in result.json["problems"]] == ["leaked-secret"]


def test_a_sealed_site_publishes_nothing_private_in_the_clear(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    text = (site / "content/site.yaml").read_text()
    (site / "content/site.yaml").write_text(text[: text.index("privacy:")] + text[text.index("documents:") :])
    result = build(site)
    assert (result.code, result.json["problems"]) == (0, [])
    assert len(list((site / "output/p").glob("*.html"))) == 3
    assert not any("Ana Horvat" in path.read_text(errors="ignore") for path in (site / "output").rglob("*.html"))


def address(site: Path, of: str = "portal") -> str:
    rows = invoke("links", "ana", "--site", site, "--today", DAY, "--json").json
    return next((row["url"].split("/p/")[1].rstrip("/") for row in rows if row["kind"] == of), "")


def test_a_rotated_link_moves_and_the_old_address_says_so(built: Path) -> None:
    old, invoice = address(built), address(built, "invoice")
    assert invoke("link", "rotate", "ana", "--site", built).code == 0
    assert build(built).code == 0
    new = address(built)
    assert new not in (old, "")
    assert address(built, "invoice") == invoice
    assert "Ana Horvat" not in (built / "output/p" / old / "index.html").read_text()
    assert [path.name for path in (built / "output/p" / old).iterdir()] == ["index.html"]
    assert (built / "output/p" / new / "index.html").is_file()
    states = [row["state"] for row in invoke("links", "--all", "--site", built, "--today", DAY, "--json").json]
    assert sorted(states) == ["live", "live", "replaced"]


def test_after_revoking_a_client_their_folder_may_go(built: Path) -> None:
    assert invoke("link", "revoke", "ana", "--site", built).code == 0
    assert build(built).code == 0
    (built / "content/clients/ana").rename(built / "aside")
    assert build(built).json["problems"] == []
    pages = list((built / "output").glob("p/*/index.html"))
    assert len(pages) == 2
    assert not any("Ana Horvat" in page.read_text() for page in pages)
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
