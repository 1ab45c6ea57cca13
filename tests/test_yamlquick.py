"""What the quick reader reads, the parser reads alike; what it does not know, it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.content.yamlquick import UNREAD, quick
from portalgen.content.yamltext import Parsed, parse, parse_strictly
from tests.support import ROOT

KEYS = ["id", "number", "unit_price", "lines", "a", "b-c", "due", "<<", "1", "é", '"q"', "? x"]
VALUES = [
    *("", "plan", "2026-0001", "-12.50", "Long words, with (signs) & more!", "10:30", "https://x.example/?a=b"),
    *('"quoted # and: so"', "''", '""', "'it is'", '"a\\tb"', "'it''s'", "a: b", "a #c", "x # y", "|", ">-", "*a"),
    *(
        "&a b",
        "!t x",
        "[]",
        "{}",
        "[a, b-c]",
        "[ a ]",
        "{a: b}",
        "{a: 1, a: 2}",
        "[{a: b}, {c: d e}]",
        "[{a: b, c: d}]",
    ),
    *("{a: b:c}", "{a: [b]}", "[a, ]", "[,]", "{a}", "{a b}", "[a: b]", "-", "- a", "- - a", "...", "---", "%x", "@x"),
    *(
        "`x",
        "null",
        "~",
        "été — “so”",
        "日本",
        "\t",
        "a ",
        " a",
        "a\tb",
        "\u00a0",
        "\u2028",
        "\ufeff",
        "🙂",
        "x'y\"z",
        "?",
    ),
    *(":", ": ", "a:", "a::b", "[a", "a]", "=", "<<", "true", "0x1F", "1_000", ".5", "+1", "(a)", "/a/b", "a\\b"),
]
PIECES = st.sampled_from(
    [
        "  ",
        "    ",
        "- ",
        "-",
        " ",
        "\n",
        "\n\n",
        "# note",
        "\r\n",
        ": ",
        ":",
        *(f"{key}: " for key in KEYS),
        *KEYS,
        *VALUES,
    ]
)
LINES = st.builds(
    lambda indent, dash, key, value: f"{indent}{dash}{key}{value}",
    st.sampled_from(["", "", "", "  ", "  ", "    ", " "]),
    st.sampled_from(["", "", "", "- ", "-", "-  "]),
    st.one_of(st.just(""), st.sampled_from(KEYS[:7]).map(lambda key: f"{key}: "), st.just("lines:")),
    st.one_of(st.sampled_from(VALUES), st.text(max_size=4)),
)
TEXTS = st.one_of(
    st.lists(LINES, max_size=8).map("\n".join),
    st.lists(PIECES, max_size=14).map("".join),
    st.builds(
        lambda text, at, sign: text[: at % (len(text) + 1)] + sign + text[at % (len(text) + 1) :],
        st.sampled_from(
            ["- id: a\n  lines:\n  - {a: b, c: d}\n  due: 2026-01-01\n", "a:\n  b:\n    - c\n    - d: e\nf: g\n"]
        ),
        st.integers(0, 200),
        st.one_of(PIECES, st.characters()),
    ),
)


@given(TEXTS)
@example("a: b\n  c: d")
@example("a: b\n  - c")
@example("a:\n- b\n- c\nd: e")
@example("a:\nb: c\na: d")
@example("  a: b\n  c: d\n e: f")
@example("- a: b\n  c:\n  - d\n- e: f\n")
@example("- a:\n    b: c\n   d: e")
def test_what_is_read_quickly_is_what_the_parser_reads(text: str) -> None:
    data = quick(text)
    if data is not UNREAD:
        assert Parsed(data, ()) == parse_strictly(text)


WORDS = st.sampled_from(["plan", "2026-0001", "12.50", "Two words, so", "-3", "10:30", "Ana (self)", "été"])
SCALARS = st.one_of(WORDS, st.none(), st.sampled_from(["", "# no", "a: b", "[x"]))
NAMES = st.sampled_from(["id", "number", "lines", "unit_price", "b-c"])
DATA = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, min_size=1, max_size=3), st.dictionaries(NAMES, inner, min_size=1))
)


def _written(value: object, indent: str) -> str:
    """The data as people write it, on the line that its key or dash began."""
    if value is None:
        return "\n"
    if isinstance(value, str):
        plain = value and not value.startswith(("#", "[")) and ": " not in value
        return f" {value}\n" if plain else f' "{value}"\n'
    if isinstance(value, list):
        return "\n" + "".join(f"{indent}- {_entry(entry, indent)}" for entry in value)
    assert isinstance(value, dict)
    return "\n" + "".join(f"{indent}{key}:{_written(entry, indent + '  ')}" for key, entry in value.items())


def _entry(value: object, indent: str) -> str:
    if isinstance(value, dict):
        return _written(value, indent + "  ")[1:].removeprefix(indent + "  ")
    return _written("x" if value is None or isinstance(value, list) else value, indent)[1:]


def _kept(value: object) -> object:
    if isinstance(value, list):
        return [_kept(entry) if isinstance(entry, (dict, str)) else "x" for entry in value]
    return {key: _kept(entry) for key, entry in value.items()} if isinstance(value, dict) else value


@given(st.one_of(st.lists(DATA, min_size=1), st.dictionaries(NAMES, DATA, min_size=1)))
def test_what_people_write_is_read_quickly(data: object) -> None:
    text = _written(data, "")[1:]
    assert quick(text) == _kept(data)
    assert parse_strictly(text) == Parsed(_kept(data), ()) == parse(text)


@pytest.mark.parametrize("folder", ["content", "tests/samples"])
def test_most_files_are_read_quickly(folder: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.yaml")]
    read = [(text, data) for text in texts if (data := quick(text)) is not UNREAD]
    assert len(read) > len(texts) * 0.5
    assert all(Parsed(data, ()) == parse_strictly(text) for text, data in read)
