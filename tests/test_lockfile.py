"""A lock read client by client says what it says as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portalgen.content.lock import read_lock
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
