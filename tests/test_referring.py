"""What a page refers to is the same whether it is read quickly or by the parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.publish.referring import Read, _quickly, parsed, read

HEAD = "<!doctype html>"
PLAIN = (
    '<a href="a.html">', "</a>", '<a class="x" href="b&amp;c">', '<link rel="stylesheet" href="s.css">', '<img src="i.png" alt="a < b > c">',
    '<link rel="canonical" href="/">', '<p id="one">', "</p>", '<p id="two" title="id=&#34;no&#34;">', "<br>", "<br />", '<path d="M0 0"/>',
    '<svg viewBox="0 0 1 1">', "</svg>", '<use xlink:href="#one"/>', "<input disabled>", '<div\n  id="three"\n  hidden\n>', "</div>", "words", "\n",
    '<form action="go">', '<img srcset="a.png 1x, b.png 2x">', '<p style="background: url(c.png)">', '<meta http-equiv="refresh" content="0; url=d">',
    '<object data="o">', '<iframe srcdoc="&lt;img src=https://x.example/y&gt;"></iframe>', "<style>p { background: url(e.png) }</style>", "<title>T</title>",
    '<script src="s.js"></script>', '<a ping="u v">', 'said "id="', "5 > 4", "&lt;b&gt;", '<h2 id="four" class="x">',
)  # fmt: skip
ODD = (
    "<", "<A HREF=x>", "<a href='y'>", "<a href=z>", '<a href="q" id="q" href="r">', "<!-- <a href='n'> -->", "<!-->", "-->", "<![CDATA[", "<?x?>", '"', ">",
    "<a href=\"", '<a  href="two spaces">', '<a href="x"id="y">', "<script>'<b>'</script>", "<script>", "<style>", "</style>", "<style/>", "<title><a href='t'></title>",
    '<img src="a&copy=1">', '<img src="a&notit;b">', '<p id="&#x80;">', '<p id="&#128;">', "<textarea><p id='u'></textarea>", "<plaintext>", "</p >", "</P>", '<a\thref="tab">',
    "<x-y id='v'>", "<noscript><img src='w'></noscript>", "\x00", "\r\n", "é", '<p id="é&#233;">', "<xmp><a href='m'></xmp>", '<p ID="five">', '<title id="six"/>',
)  # fmt: skip


def quick(text: str) -> Read:
    """What was read without the parser."""
    found = _quickly(text)
    assert found is not None
    return found


@given(st.lists(st.sampled_from(PLAIN)))
def test_what_is_plainly_written_needs_no_parser(parts: list[str]) -> None:
    text = HEAD + "".join(parts)
    assert quick(text) == parsed(text)


@given(st.lists(st.sampled_from((*PLAIN, *ODD))))
def test_anything_else_is_read_as_the_parser_does(parts: list[str]) -> None:
    text = HEAD + "".join(parts)
    assert read(text) == parsed(text)


@pytest.mark.parametrize("odd", ODD)
def test_each_odd_thing_alone(odd: str) -> None:
    text = f'{HEAD}<p id="a">{odd}<a href="b">word</a></p>'
    assert read(text) == parsed(text)


def test_a_page_without_its_first_line_is_left_to_the_parser() -> None:
    assert _quickly('<a href="x">') is None
    assert read('<a href="x">') == Read(("x",), (), ())


def test_pages_of_our_templates_need_no_parser(demo_output: Path) -> None:
    pages = [path.read_text(encoding="utf-8") for path in sorted(demo_output.rglob("*.html"))]
    assert len(pages) > 100
    assert [read(page) for page in pages] == [parsed(page) for page in pages]
    assert sum(_quickly(page) is None for page in pages) <= len(pages) // 20
