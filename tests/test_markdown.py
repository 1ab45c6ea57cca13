"""Texts without any mark of Markdown, and texts seen before, come out as if they had been read in full."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portalgen.site.links import Directory
from portalgen.site.markdown import Rendered, Writer
from portalgen.site.prose import prose

DIRECTORY = Directory({"content/policies/ending.md": "policies/ending/"}, frozenset({"policies/ending/"}))
MARKS = "\n\n\n  *_`[](){}<>&#!|:-=+\\\t\"'.,;~^/1234567890\u00a0\u2028\r"
WORDS = st.sampled_from(
    ["Plan", "rest", "été", "ﬁn", "日本語", "1.", "a", "http://x.example", "x@y.example", "12", "K"]
)
TEXTS = st.lists(
    st.one_of(WORDS, st.sampled_from(list(MARKS)), st.just(" "), st.characters(exclude_categories=["Cs"]))
).map("".join)
PLAIN = st.lists(st.one_of(WORDS, st.sampled_from(list("\n \n.,;:?!'\"()/%+=@$€§°…–—’‘“”„«»¿¡·-")))).map("".join)

HREFS = st.sampled_from(
    ["/policies/ending/", "../policies/ending.md", "/policies/ending/#a", "#a", "https://x.example", "https://x.example/a?b=1",
     "https://1.2", "https://xn--a.example/", "https://x..example", "https:a", "//x", "/no/", "mailto:x@y.example", "a b", ""]
)  # fmt: skip
MARKED = st.lists(
    st.one_of(
        PLAIN,
        WORDS,
        st.builds("**{}**".format, st.one_of(WORDS, PLAIN)),
        st.builds("*{}*".format, st.one_of(WORDS, PLAIN)),
        st.builds("[{}]({})".format, st.one_of(WORDS, PLAIN), HREFS),
        st.sampled_from(list(MARKS)),
    ),
    max_size=8,
).map("".join)

_WORD = st.sampled_from(
    ["Due", "Ab c", "été. X", "**Bo ld** x", "*e*", "[li nk](#a) y", "A (b), c: d", "Kx 12 %", "1. a", "-", ""]
)
_TEXT = st.lists(_WORD, min_size=1, max_size=3).map(" ".join)
_RULE = st.sampled_from([" --- ", "---:", " :---: ", ":-- ", "-"])
_TABLE = st.integers(1, 3).flatmap(
    lambda columns: st.builds(
        lambda head, rule, rows: "\n".join(f"|{'|'.join(row)}|" for row in (head, rule, *rows)),
        st.lists(_TEXT, min_size=columns, max_size=columns),
        st.lists(_RULE, min_size=columns, max_size=columns),
        st.lists(st.lists(_TEXT, min_size=columns, max_size=columns), max_size=2),
    )
)
_BLOCK = st.one_of(
    _TEXT,
    st.lists(_TEXT, min_size=1, max_size=3).map("\n".join),
    st.builds(
        "{} {}{}".format,
        st.sampled_from(["#", "##", "###", "######", "#######"]),
        st.sampled_from(["", "", "1. ", "2", "3rd ", "4) ", "0"]),
        _TEXT,
    ),
    st.lists(_TEXT.map("- {}".format), min_size=1, max_size=3).map("\n".join),
    st.lists(_TEXT, max_size=3).map(lambda lines: "\n".join(["```", *lines, "```"])),
    st.lists(_TEXT.map("> {}".format), min_size=1, max_size=3).map("\n".join),
    st.lists(st.builds("{}. {}".format, st.integers(0, 3), _TEXT), min_size=1, max_size=3).map("\n".join),
    _TABLE,
)
PAGES = st.lists(_BLOCK, min_size=1, max_size=4).map("\n\n".join)
BROKEN = st.builds(
    lambda text, at, sign: text[: at % (len(text) + 1)] + sign + text[at % (len(text) + 1) :],
    PAGES,
    st.integers(0, 200),
    st.sampled_from(
        [*MARKS, "**", "* ", "[x]", "](", "- ", "1. ", "# ", "| ", "\n---", "\n===", "  \n", "\u2003", "²"]
    ),
)

SLOW = Writer(DIRECTORY)


def _in_full(text: str, level: int = 2) -> Rendered:
    return SLOW._convert(text, "content/pages/a.md", "a/", 1, level)


@given(st.one_of(PLAIN, TEXTS, MARKED, PAGES, BROKEN), st.integers(2, 4))
@settings(max_examples=400)
@example("One.\nTwo -\n\n\nThree (so: 1, 2).\n", 2)
@example("Term\n: what it is", 2)
@example("Words\n===", 2)
@example("a  \nb", 2)
@example("**a***b* *a***b** **a****b**", 2)
@example("**a.**b x**a**y*b*z", 2)
@example("![a](/policies/ending/) !x[a](/policies/ending/)[b](#b)", 2)
@example("[a](https://x.example:99999/) [b](https://x.example//?#)", 2)
@example("[**a**](/policies/ending/) **[a](/policies/ending/)** *a **b** c*", 2)
@example("# A\n\n### B *c*\n\n## A", 3)
@example("## Contact\n\n## *Terms*\n\n## [Plan](#a), “so”\n\n## (1)", 3)
@example("## 1. One\n\n## 2\n\n# 3rd *x*\n\n## 1. One", 2)
@example("- a\n- b\n\n1. a\n\n- c", 2)
@example("- a\n\n- b", 2)
@example("> a\n> b\n\n> c\n\n- d", 2)
@example("1. a\n1. b\n\n2. c", 2)
@example("| a | b |\n| --- | ---: |\n| 1 |\n", 2)
def test_prose_is_what_markdown_makes_of_it(text: str, level: int) -> None:
    quick = prose(text, lambda written: DIRECTORY.resolve(written, "content/pages/a.md", "a/").href, level)
    assert quick is None or Rendered(quick, ()) == _in_full(text, level)


@pytest.mark.parametrize(
    "text",
    [
        "Paid.",
        "## 1. What it costs\n\nSixty.\n\n## 2. When",
        "**Due 2026-06-02**, see [our terms](/policies/ending/).\n\nA *short*\nline [x](https://x.example/a)",
    ],
)
def test_simple_texts_need_no_parser(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = _in_full(text)
    monkeypatch.setattr(Writer, "_convert", None)
    assert Writer(DIRECTORY).render(text, source="content/pages/a.md", page="a/") == wanted


@given(TEXTS, st.integers(2, 4))
@example("# Head\n\n- a\n- **b** [x](../policies/ending.md)\n", 3)
def test_a_text_is_the_same_when_it_comes_again(text: str, level: int) -> None:
    writer = Writer(DIRECTORY)
    first = writer.render(text, source="content/pages/a.md", page="a/", level=level)
    assert writer.render(text, source="content/pages/a.md", page="a/", level=level) == first
    assert writer.render(text, source="content/pages/a.md", page="a/b/", level=level) == Writer(DIRECTORY).render(
        text, source="content/pages/a.md", page="a/b/", level=level
    )


def test_a_link_is_made_for_each_page() -> None:
    writer = Writer(DIRECTORY)
    texts = [
        writer.render("[x](/policies/ending/)", source="content/pages/a.md", page=page).html for page in ("", "a/b/")
    ]
    assert texts == [
        '<p><a href="policies/ending/index.html">x</a></p>',
        '<p><a href="../../policies/ending/index.html">x</a></p>',
    ]


def test_a_link_on_private_pages_is_that_of_their_depth() -> None:
    token, key = "a" * 32, "b" * 56
    pages = [
        f"p/{token}/",
        f"p/{'c' * 32}/",
        f"p/{token}/receipts/r-1/",
        f"p/{token}.html#{key}",
        f"p/{token}.html#{key}/receipts/r-1/",
    ]
    writer = Writer(DIRECTORY)
    for page in pages * 2:
        for href in ("/policies/ending/", "/policies/ending/#fees", "../policies/ending.md", "/nowhere/"):
            text = f"[x]({href})"
            rendered = writer.render(text, source="content/pages/a.md", page=page)
            assert rendered == Writer(DIRECTORY).render(text, source="content/pages/a.md", page=page)
