"""A lock read client by client says what it says as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.lock import Lock, document_hash, read_lock
from portalgen.content.lockfile import LockFile
from tests.support import Built


@pytest.fixture(scope="module")
def data(sealed_demo: Built) -> bytes:
    return (sealed_demo.site / "portalgen.lock").read_bytes()


def test_the_parts_are_the_whole(data: bytes) -> None:
    file, (whole, problems) = LockFile(data), read_lock(data.decode())
    assert problems == ()
    assert file.regular
    assert file.rest.key_id == whole.key_id
    parts = [file.of(client) for client in file.clients]
    assert sorted(row for part in parts if part for row in part.links) == list(whole.links)
    assert {row.key for part in parts if part for row in part.documents} == {row.key for row in whole.documents}
    assert {*file.clients} == {row.client for row in whole.links} | {row.client for row in whole.documents}
    assert sorted(file.salts) == sorted(row.salt.encode() for row in whole.links)
    assert file.whole()[0] == whole


def test_a_client_that_is_not_there_has_no_rows(data: bytes) -> None:
    rows = LockFile(data).of("nobody")
    assert rows is not None
    assert (rows.links, rows.documents) == ((), ())


def test_a_row_that_was_changed_makes_its_client_untrusted_and_no_other(data: bytes) -> None:
    client, other = sorted(LockFile(data).clients)[:2]
    lines = data.split(b"\n")
    at = next(
        n for n, line in enumerate(lines) if b'"kind": "link"' in line and b'"client": "%b"' % client.encode() in line
    )
    lines[at] = lines[at].replace(b'"salt": "', b'"salt": "zz')
    file = LockFile(b"\n".join(lines))
    assert file.of(client) is None
    assert file.of(other) is not None


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_lines_may_end_and_begin_in_many_ways(data: bytes, ends: bytes) -> None:
    file = LockFile(b"\xef\xbb\xbf" + data.replace(b"\n", ends))
    assert file.regular
    assert {*file.clients} == {*LockFile(data).clients}


def test_lines_in_another_order_are_read_as_a_whole(data: bytes) -> None:
    lines = data.splitlines(keepends=True)
    torn = LockFile(b"".join([*lines[1:], lines[0]]))
    assert not torn.regular
    assert torn.whole()[0] == LockFile(data).whole()[0]


def test_lines_are_found_without_a_look_at_all_of_them(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "portalgen.lock").write_bytes(data)
    read, searched = LockFile.at(tmp_path), LockFile.at(tmp_path, searched=True)
    assert read.ordered
    assert searched.rest == read.rest
    for client in [*read.clients, "", "nobody", "a", "zz"]:
        assert searched.lines_of(client) == read.lines_of(client)


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
def test_lines_may_be_left_on_the_disk(data: bytes, tmp_path: Path, begin: bytes) -> None:
    (tmp_path / "portalgen.lock").write_bytes(begin + data)
    read, left = LockFile(begin + data), LockFile.left_at(tmp_path)
    assert left.data == b""
    assert not left.is_empty
    assert (left.rest, left.regular, left.ordered, left.whole()) == (read.rest, True, True, read.whole())
    assert sorted(left.salts) == sorted(read.salts)
    assert list(left.clients) == list(read.clients)
    for client in [*read.clients, "", "nobody"]:
        assert (left.lines_of(client), left.of(client)) == (read.lines_of(client), read.of(client))
    lines = data.splitlines()
    assert left.with_lines(lines[:2], []) == read.with_lines(lines[:2], [])


@pytest.mark.parametrize("change", [lambda data: data[7:], lambda data: b"", lambda data: b"x" + data])
def test_lines_that_are_no_longer_where_they_were_are_not_trusted(
    data: bytes, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "portalgen.lock").write_bytes(data)
    left = LockFile.left_at(tmp_path)
    (tmp_path / "portalgen.lock").write_bytes(change(data))
    assert [client for client in left.clients if left.of(client) is not None] == []


@pytest.mark.parametrize("change", [lambda lines: [*lines[9:], *lines[:9]], lambda lines: lines[::-1]])
def test_lines_in_another_order_are_not_searched(data: bytes, change: Callable[[list[bytes]], list[bytes]]) -> None:
    assert not LockFile(b"".join(change(data.splitlines(keepends=True)))).ordered


def test_new_lines_find_their_place(data: bytes) -> None:
    lines = data.splitlines()
    file = LockFile(b"".join(line + b"\n" for line in lines[2:]))
    assert file.with_lines([], lines[:2]) == data
    assert LockFile(data).with_lines(lines[:2], []) == file.data


def test_there_may_be_none(tmp_path: Path) -> None:
    file = LockFile.at(tmp_path)
    assert (file.data, list(file.clients), file.regular, file.ordered) == (b"", [], True, True)
    assert file.is_empty
    assert LockFile.left_at(tmp_path).is_empty


# --- rows

LINK: dict[str, Any] = {
    "client": "ana",
    "generation": 1,
    "kind": "link",
    "of": "invoice",
    "ref": "a",
    "salt": "0f" * 16,
    "state": "live",
}
SAID = {
    "id": "a",
    "issued": "2026-01-02",
    "kind": "invoice",
    "number": "A-1",
    "notes": "é\n\u2028",
    "totals": {"b": []},
}
ISSUED: dict[str, Any] = {
    "client": "ana",
    "document": SAID,
    "id": "a",
    "issued": "2026-01-02",
    "kind": "invoice",
    "number": "A-1",
    "relocked": [{"date": "2026-02-03", "reason": "r", "sha256": "0"}],
    "sha256": document_hash(SAID),
    "written": {"id": "a", "lines": [{"rate": "1.5"}]},
}
KEY: dict[str, Any] = {"key_id": "00ff", "kind": "key"}
NUMBER: dict[str, Any] = {"issued": "2026-01-01", "kind": "number", "number": "A-0", "of": "invoice"}
NAMES = sorted({*LINK, *ISSUED, *KEY, "modes", "x"})
VALUES: st.SearchStrategy[Any] = st.sampled_from([
    *(None, True, "", "ana", "é", 0, 1, 2**40, 1.5, "link", "invoice", "credit-note", "key", "number", "2026-01-02", "x"),
    *({}, [], [1], ["sealed"], ["unlisted"], SAID, {**SAID, "id": "b"}, "00ff", "0f" * 16, "expired", "A-1"),
])  # fmt: skip


def written(row: dict[str, Any]) -> str:
    """A line as portalgen writes it."""
    return json.dumps(row, sort_keys=True, separators=(", ", ": "), ensure_ascii=False)


def said(lock: Lock) -> Any:
    """What the rows say, as data."""
    documents = [(row.key, row.issued, row.sha256, row.document, row.written, row.relocked) for row in lock.documents]
    return lock.key_id, lock.links, lock.numbers, documents


@given(st.data())
def test_a_line_that_is_read_quickly_says_what_any_other_says(data: st.DataObject) -> None:
    rows: list[dict[str, Any]] = [KEY, dict(data.draw(st.sampled_from([LINK, LINK, ISSUED, ISSUED, NUMBER])))]
    for key, value in data.draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2)).items():
        if value is None:
            rows[1].pop(key, None)
        else:
            rows[1][key] = value
    if isinstance(rows[1].get("document"), dict) and data.draw(st.booleans()):
        rows[1]["sha256"] = document_hash(rows[1]["document"])
    quick, problems = read_lock("\n".join(map(written, rows)))
    other, found = read_lock("\n".join(json.dumps(row, sort_keys=True, separators=(",", ":")) for row in rows))
    assert (said(quick), problems) == (said(other), found)
    if not problems:
        assert quick.text() == "".join(sorted(written(row) + "\n" for row in said_rows(rows)))


def said_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as they are written again: what may be left out is, what has to be there is."""
    for row in rows:
        if row["kind"] == "link":
            row.setdefault("generation", 1)
            row.setdefault("state", "live")
            if row.get("modes") == ["sealed"]:
                del row["modes"]
        elif "document" in row:
            row.setdefault("relocked", [])
    return rows


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace('"rate": "1.5"', '"rate": "\\q"'),
        lambda line: line.replace('"rate": "1.5"', '"rate": "\\ud800"'),
        lambda line: line.replace('"rate": "1.5"', '"rate": 01'),
        lambda line: line.replace('"rate": "1.5"', '"rate" "1.5"'),
        lambda line: line.replace('"A-1"', '"A-2"', 1),
        lambda line: line[:-1],
        lambda line: line + "x",
        lambda line: line.replace("é", "è"),
    ],
)
def test_a_line_that_is_torn_anywhere_is_not_trusted(change: Callable[[str], str]) -> None:
    line = written(ISSUED)
    assert read_lock(line)[1] == ()
    assert change(line) != line
    [problem] = read_lock(change(line))[1]
    assert problem.message == "this line was changed by hand or is cut"


def test_a_number_may_be_too_large_to_read() -> None:
    [row] = read_lock(written(ISSUED).replace('"rate": "1.5"', '"rate": 1e999'))[0].documents
    assert row.written["lines"] == [{"rate": float("inf")}]
