"""Texts without any mark of Markdown, and texts seen before, come out as if they had been read in full."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.site.links import Directory
from portalgen.site.markdown import Rendered, Writer, prose

DIRECTORY = Directory({"content/policies/ending.md": "policies/ending/"}, frozenset({"policies/ending/"}))
MARKS = "\n\n\n  *_`[](){}<>&#!|:-=+\\\t\"'.,;~^/1234567890\u00a0\u2028\r"
WORDS = st.sampled_from(
    ["Plan", "rest", "été", "ﬁn", "日本語", "1.", "a", "http://x.example", "x@y.example", "12", "K"]
)
TEXTS = st.lists(
    st.one_of(WORDS, st.sampled_from(list(MARKS)), st.just(" "), st.characters(exclude_categories=["Cs"]))
).map("".join)
PLAIN = st.lists(st.one_of(WORDS, st.sampled_from(list("\n \n.,;:?!'\"()/%+=@$€§°…–—’‘“”„«»¿¡·-")))).map("".join)

SLOW = Writer(DIRECTORY)


def _in_full(text: str, level: int) -> Rendered:
    return SLOW._convert(text, "content/pages/a.md", "a/", 1, level)


@given(st.one_of(PLAIN, TEXTS))
@example("One.\nTwo -\n\n\nThree (so: 1, 2).\n")
@example("Term\n: what it is")
@example("Words\n===")
@example("a  \nb")
def test_prose_is_what_markdown_makes_of_it(text: str) -> None:
    quick = prose(text)
    if quick is not None:
        assert quick == _in_full(text, 2).html
    elif text.isalpha() and text.isascii():
        raise AssertionError("a word is prose")


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
