"""Writing into files changes what is meant and no other byte, and a file is old or new, never half."""

from __future__ import annotations

import datetime as dt
import errno
import os
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.content.records.base import Misfit
from portalgen.content.sources import decode
from portalgen.content.yamltext import parse
from portalgen.desk.writing import Edit, append_entry, read_original, set_fields, write_files
from portalgen.desk.yamlvalues import Value, entry_text, fields_text
from portalgen.publish.state import OutputFailed

ENTRY: dict[str, Value | None] = {
    "id": "pay-1",
    "date": dt.date(2026, 11, 21),
    "amount": Decimal("120.00"),
    "payer": None,
    "note": "For two: sessions # and a cake",
    "allocations": [{"invoice": "2026-0001", "amount": Decimal("120.00")}],
}
READ = {
    "id": "pay-1",
    "date": "2026-11-21",
    "amount": "120.00",
    "note": "For two: sessions # and a cake",
    "allocations": [{"invoice": "2026-0001", "amount": "120.00"}],
}


def data_of(text: str) -> Any:
    """What our reader finds in a file of these characters."""
    source = decode("file.yaml", text.encode())
    assert isinstance(source, str), source
    read = parse(source)
    assert not read.slips, read.slips
    return read.data


def ended(text: str) -> str:
    """The text with its last line ended: without that, the last line of a block has no end either."""
    return text if text.endswith(("\n", "\r")) else f"{text}\n"


def test_an_entry_reads_as_one_writes_it_by_hand() -> None:
    assert entry_text(ENTRY) == (
        "- id: pay-1\n"
        "  date: 2026-11-21\n"
        "  amount: 120.00\n"
        "  note: 'For two: sessions # and a cake'\n"
        "  allocations:\n"
        "    - {invoice: 2026-0001, amount: 120.00}\n"
    )


def test_fields_stand_in_blocks_where_one_line_would_be_long() -> None:
    text = fields_text(
        {
            "id": "cn-1",
            "full": True,
            "reason": "Two\nlines",
            "lines": [
                {"service": "individual", "session": "a-1", "tax": {"category": "E", "reason": "Exempt, by law"}},
                {"description": "It's so: long", "unit_price": Decimal("1.5")},
            ],
            "tags": ["a", "b, c"],
        }
    )
    assert text == (
        "id: cn-1\n"
        "full: true\n"
        "reason: |-\n"
        "  Two\n"
        "  lines\n"
        "lines:\n"
        "  - service: individual\n"
        "    session: a-1\n"
        "    tax: {category: E, reason: 'Exempt, by law'}\n"
        '  - {description: "It\'s so: long", unit_price: 1.5}\n'
        "tags: [a, 'b, c']\n"
    )


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("", ""),
        ("# Payments\n", "# Payments\n"),
        ("# Payments", "# Payments\n"),
        ("---\n", "---\n"),
        ("[]\n", ""),
        ("# None yet\n[]\n# the end\n", "# None yet\n# the end\n"),
        ("[ # none\n]", " # none\n"),
        ("\ufeff[]", "\ufeff"),
        ("- id: a\n", "- id: a\n"),
        ("- id: a", "- id: a\n"),
        ("- id: a  # the first\n\n# more to come\n", "- id: a  # the first\n\n# more to come\n"),
        ("- {id: a, amount: 1}\n", "- {id: a, amount: 1}\n"),
        ("\ufeff- id: a\r\n", "\ufeff- id: a\r\n"),
        ("- id: a\r\n  note: x", "- id: a\r\n  note: x\r\n"),
        ("- note: |\n    text\n", "- note: |\n    text\n"),
        ("- note: |+\n    text\n\n\n", "- note: |+\n    text\n\n\n"),
        ("- plain\n", "- plain\n"),
    ],
)
def test_an_entry_goes_below_everything(before: str, kept: str) -> None:
    after = append_entry(before, ENTRY)
    assert after.startswith(kept)
    assert after.removeprefix(kept).replace("\r\n", "\n") == entry_text(ENTRY)
    assert data_of(after) == [*(data_of(before) or []), READ]


def test_an_entry_has_the_indentation_and_the_gaps_of_its_list() -> None:
    before = "  - id: a\n    amount: 1\n\n  - id: b\n    amount: 2\n"
    assert append_entry(before, {"id": "c", "amount": 3}) == f"{before}\n  - id: c\n    amount: 3\n"


def test_an_entry_goes_before_the_mark_that_ends_a_document() -> None:
    assert append_entry("- id: a\n...\n# after\n", {"id": "b"}) == "- id: a\n- id: b\n...\n# after\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[{id: a}]\n", "in brackets"),
        ("id: a\n", "not a list"),
        ("null\n", "not a list"),
        ("- id: 'a\n", "quotation mark"),
        ("- id: a\n  id: b\n", "comes twice"),
        ("- a\n---\n- b\n", "second document"),
    ],
)
def test_what_has_no_end_to_append_to_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(Misfit) as refused:
        append_entry(text, ENTRY)
    assert said in refused.value.message
    assert refused.value.hint


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=30).filter(
    lambda text: not any((ord(sign) < 32 and sign not in "\t\n\r") or 127 <= ord(sign) <= 159 for sign in text)
)


@given(TEXTS)
@example("null")
@example("- x")
@example("a: b")
@example("'")
@example(" x")
@example("x\n")
@example("x\n\n")
@example("\n x\ny")
@example("#")
@example("\u2028")
@example("{")
@example("12,50")
def test_every_text_is_read_back_as_it_was(text: str) -> None:
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    after = append_entry("", {"id": text, "deep": [{"a": text, "b": [text]}], "map": {"k": text}})
    assert data_of(after) == [{"id": wanted, "deep": [{"a": wanted, "b": [wanted]}], "map": {"k": wanted}}]


@pytest.mark.parametrize("text", ["\x07", "a\x00", "\x85\x80", "\udc80"])
def test_a_text_that_no_file_may_hold_is_refused(text: str) -> None:
    with pytest.raises(Misfit):
        entry_text({"note": text})


VALUES = st.sampled_from(
    [
        "a",
        "12.50",
        "2026-11-21",
        "'it''s'",
        '"two\\nlines"',
        "|\nINtext\nIN# no comment",
        "|+\nINkept\n\n",
        ">-\nINx\nINy",
    ]
)
GAPS = st.sampled_from(["", "\n", "# a comment\n", "IN# an indented comment\n", "   \n"])


@st.composite
def lists(draw: st.DrawFn) -> str:
    """A list as people and programs leave it behind."""
    indent = draw(st.sampled_from(["", "  "]))
    parts = [draw(st.sampled_from(["", "\ufeff"])), draw(st.sampled_from(["", "# head\n", "---\n", "\n\n"]))]
    for number in range(draw(st.integers(1, 4))):
        dash = "-   " if draw(st.booleans()) else "- "
        value, second = draw(VALUES), draw(VALUES)
        inner = f"{indent}{' ' * len(dash)}"
        for begin, key, content in ((f"{indent}{dash}", f"k{number}", value), (inner, "note", second)):
            parts.append(f"{begin}{key}: {content}".replace("IN", f"{inner}  "))
            parts.append("\n")
        parts.append(draw(GAPS).replace("IN", "      "))
    if draw(st.booleans()):
        parts.append(draw(st.sampled_from(["...\n", "...", "... # end\n"])))
    text = "".join(parts)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))


@given(lists(), st.integers(1, 3))
def test_appending_never_changes_a_character_that_stands_there(text: str, times: int) -> None:
    before = data_of(ended(text))
    after = text
    for number in range(times):
        after = append_entry(after, {**ENTRY, "id": f"new-{number}"})
    assert data_of(after) == [*before, *({**READ, "id": f"new-{number}"} for number in range(times))]
    at = next((n for n, (one, two) in enumerate(zip(text, after, strict=False)) if one != two), len(text))
    assert text[at:] == "" or text[at:].startswith("...")
    assert after.endswith(text[at:])


DRAFT = """\
id: 2026-0031
# A draft: it appears nowhere until it has a number and a date.
# number: …
# issued: …
lines:
  - service: individual   # the price is on its page
notes: |
  # number: not this one
"""


def test_fields_replace_the_comments_that_wait_for_them() -> None:
    after = set_fields(DRAFT, {"number": "2026-0031", "issued": dt.date(2026, 11, 21)})
    assert after == DRAFT.replace("# number: …", "number: 2026-0031").replace("# issued: …", "issued: 2026-11-21")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("id: a  # its name\nlines: []\n", "id: a  # its name\nnumber: 7\nissued: 2026-11-21\nlines: []\n"),
        ("lines: []\nid: a", "lines: []\nid: a\nnumber: 7\nissued: 2026-11-21"),
        ("\ufeffid: a\r\nlines: []\r\n", "\ufeffid: a\r\nnumber: 7\r\nissued: 2026-11-21\r\nlines: []\r\n"),
        ("  id: a\n  lines: []\n", "  id: a\n  number: 7\n  issued: 2026-11-21\n  lines: []\n"),
        ("lines: []\n", "number: 7\nissued: 2026-11-21\nlines: []\n"),
        ("id: a\nnumber:   # later\nlines: []\n", "id: a\nnumber: 7   # later\nissued: 2026-11-21\nlines: []\n"),
        ("id: a\nnumber: '6' # old\nlines: []\n", "id: a\nnumber: 7 # old\nissued: 2026-11-21\nlines: []\n"),
        ("id: a\nnumber: 7\nissued: 2026-11-21\n", "id: a\nnumber: 7\nissued: 2026-11-21\n"),
        (
            "id: a\nnotes: |\n  # number: x\nlines: []\n",
            "id: a\nnumber: 7\nissued: 2026-11-21\nnotes: |\n  # number: x\nlines: []\n",
        ),
        (
            "id: a\nlines:\n  - x: 1\n    # number: x\n",
            "id: a\nnumber: 7\nissued: 2026-11-21\nlines:\n  - x: 1\n    # number: x\n",
        ),
        ("id: a\n# number: … \n...\n", "id: a\nnumber: 7\nissued: 2026-11-21\n...\n"),
    ],
)
def test_fields_are_set_and_nothing_else_changes(before: str, after: str) -> None:
    assert set_fields(before, {"number": "7", "issued": dt.date(2026, 11, 21)}) == after


@pytest.mark.parametrize("text", ["{id: a, lines: []}\n", "- a\n", "", "id: a\nid: b\n", "id: a\nnumber: [x]\n"])
def test_fields_that_cannot_be_set_are_refused_in_words(text: str) -> None:
    with pytest.raises(Misfit) as refused:
        set_fields(text, {"number": "7"})
    assert refused.value.hint


def test_files_are_written_all_and_whole(tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    old.write_bytes(b"id: a\r\n")
    old.chmod(0o640)
    new = tmp_path / "deep" / "new.yaml"
    original = read_original(old)
    write_files([original.becomes(set_fields(original.text, {"number": "7"})), Edit(new, None, b"id: b\n")])
    assert old.read_bytes() == b"id: a\r\nnumber: 7\r\n"
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.read_bytes() == b"id: b\n"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "new.yaml", "old.yaml"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_bytes(b"")
    link.symlink_to(real)
    write_files([Edit(link, b"", b"- id: a\n")])
    assert link.is_symlink()
    assert real.read_bytes() == b"- id: a\n"


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"theirs")
    with pytest.raises(OutputFailed, match="another program"):
        write_files([Edit(one, b"1", b"ours"), Edit(two, b"2", b"ours")])
    with pytest.raises(OutputFailed, match="already there"):
        write_files([Edit(one, b"1", b"ours"), Edit(two, None, b"ours")])
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"theirs")


def test_a_write_protected_file_is_left_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        path.write_bytes(b"old")
    two.chmod(0o444)
    with pytest.raises(OutputFailed, match="no permission"):
        write_files([Edit(one, b"old", b"new"), Edit(two, b"old", b"new")])
    assert (one.read_bytes(), two.read_bytes()) == (b"old", b"old")


@pytest.mark.parametrize("failing", range(6))
@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_disk_that_fails_leaves_every_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, failing: int
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"old")
    calls = 0
    true = getattr(os, call)

    def fail(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == failing + 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(args[0]))
        return true(*args, **kwargs)

    monkeypatch.setattr(os, call, fail)
    failed = ""
    try:
        write_files([Edit(one, b"old", b"new"), Edit(two, None, b"new")])
    except OutputFailed as error:
        failed = error.message
    if failed:
        assert "full" in failed
        assert (one.read_bytes(), two.exists()) == (b"old", False)
    else:
        assert (one.read_bytes(), two.read_bytes()) == (b"new", b"new")
        assert calls <= failing or call == "fsync"  # that of a folder may fail: the names are there all the same
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_a_killed_run_left_behind_is_swept(tmp_path: Path) -> None:
    left = tmp_path / f".{'0' * 16}.portalgen-tmp"
    left.write_bytes(b"half")
    write_files([Edit(tmp_path / "file", None, b"whole")])
    assert not left.exists()


@st.composite
def mappings(draw: st.DrawFn) -> str:
    """A draft as people leave it behind."""
    lines = ["id: a" + draw(st.sampled_from(["", "  # its name", "   "]))]
    for number in range(draw(st.integers(0, 4))):
        value = draw(VALUES).replace("IN", "    ")
        lines += [
            f"k{number}: {value}",
            draw(st.sampled_from(["", "# a comment", "  # number: not here", "#number: …"])),
        ]
    draw(st.randoms(use_true_random=False)).shuffle(lines)
    text = draw(st.sampled_from(["", "\ufeff", "# head\n", "---\n"])) + "\n".join(lines)
    return (text + draw(st.sampled_from(["", "\n", "\n...\n"]))).replace(
        "\n", draw(st.sampled_from(["\n", "\r\n", "\r"]))
    )


@given(mappings())
def test_setting_fields_takes_nothing_away_but_the_comments_that_wait_for_them(text: str) -> None:
    fields: dict[str, Value] = {"number": "2026-0001", "issued": dt.date(2026, 11, 21)}
    after = set_fields(text, fields)
    assert data_of(ended(after)) == {**data_of(ended(text)), "number": "2026-0001", "issued": "2026-11-21"}
    rest = iter(after.removeprefix("\ufeff").splitlines())
    kept = [line for line in text.removeprefix("\ufeff").splitlines() if line != "#number: …"]
    assert all(line in rest for line in kept), "every line is still there, in its order"
    assert set_fields(after, fields) == after
