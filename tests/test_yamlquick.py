"""What the quick reader reads, the parser reads alike; what it does not know, it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.content.slips import Parsed
from portalgen.content.yamlquick import UNREAD, quick
from portalgen.content.yamlstrict import parse_strictly
from portalgen.content.yamltext import parse
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
    *(
        '{a: "b, c: d}", e: f}',
        "{a: 'it''s'}",
        '{a: "b"c: d}',
        '["a, b", c, \'\', "d: e"]',
        "[{a: \"{b: c}\"}, {d: '[e, {f: g}'}]",
        '{a: "b", a: "c"}',
        "{a: {b: c, d: e}, f: [g, h]}",
        "[{a: {b: c, b: d}}, e]",
        "[{a: {b: c}}, d]",
        "{a: [b, {c: d}]}",
        "{a: it's, b: x & y|z, c: 50 %}",
        "{a: b?, c: d}",
        "[a? b, c - d, -e]",
        "{a: - b}",
        "{a: 月謝（小）, b: été’s @ x}",
        "[[a]]",
        "[a] # b]",
        "{a: b}#c",
        "a  # b",
        '"a" # "b"',
        '{a: "b\\n"}',
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
BLOCKS = st.builds(
    lambda before, sign, lines, after: "\n".join([f"{before}: {sign}", *lines, after]),
    st.sampled_from(["a", "- a", "  - a", "b:\n  a", "b:\n  - c: d\n    a", "-", "a: b\nc"]),
    st.sampled_from(["|", "|", "|", "|-", "|+", "|2", "| # x", ">", ">-"]),
    st.lists(
        st.builds(
            lambda indent, text: " " * indent + text,
            st.integers(0, 7),
            st.sampled_from(["", "text", "a: b", "- c", "# no comment", "x  ", '"', "été", "\t", "---", "a\tb", "..."]),
        ),
        max_size=5,
    ),
    st.sampled_from(["", "\n", "d: e\n", "  d: e\n", "- d\n", "    d: e\n", "# end\n", " \n\nd: e", "\n\n \n"]),
)
TEXTS = st.one_of(
    BLOCKS,
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
@example("a:\n  b: |\n    c\n \n    # d\n")
@example("a: |\n\n   b\n    c\n\n  d: e\n")
@example("- a: |\n  b\n")
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


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: |\n  b: c\n   # d\n\n\ne: f\n", {"a": "b: c\n # d\n", "e": "f"}),
        ("- a: |-\n    - b\n\n    c\n  # d\n  e: f\n", [{"a": "- b\n\nc", "e": "f"}]),
        ("a: {b: \"c, d: e\", f: 'g #'}\n", {"a": {"b": "c, d: e", "f": "g #"}}),
        ('- ["a, b", c, ""]\n', [["a, b", "c", ""]]),
        ('a: [{b: "{c: d}"}, {e: f}]\n', {"a": [{"b": "{c: d}"}, {"e": "f"}]}),
        ("- {a: x @ y, b: {c: S, d: 20}, e: [f, g]}\n", [{"a": "x @ y", "b": {"c": "S", "d": "20"}, "e": ["f", "g"]}]),
        ("a: b  # c\nd:  # e\n  - 'f' # g\n", {"a": "b", "d": ["f"]}),
    ],
)
def test_long_texts_brackets_and_comments_are_read_quickly(text: str, data: object) -> None:
    assert quick(text) == data
    assert parse_strictly(text) == Parsed(data, ())


@pytest.mark.parametrize("folder", ["content", "tests/samples"])
def test_most_files_are_read_quickly(folder: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.yaml")]
    read = [(text, data) for text in texts if (data := quick(text)) is not UNREAD]
    assert len(read) > len(texts) * 0.9
    assert all(Parsed(data, ()) == parse_strictly(text) for text, data in read)
