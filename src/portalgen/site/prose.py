"""Markdown that is simple: paragraphs, headings, lists, quotes, code and tables of plain words, emphasis and links.

Most texts hold nothing else, and come out of here as the parser would make them (`tests/test_markdown.py` compares),
in a fraction of the time. Where a text may hold anything more, it is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from markupsafe import Markup

# Theme templates use these ids; a heading of the same words gets another one.
RESERVED = frozenset(
    {
        "main",
        "top",
        "nav",
        "crisis",
        "now",
        "invoices",
        "plan",
        "guides",
        "agreed",
        "contact",
        "pay",
        "details",
        "payments",
        "terms",
    }
)

_SIGN = r"[\w ,.;:?!'\"()/%+=@$€§°…–—’‘“”„«»¿¡·-]"
_WORDS = rf"[^\W\d_](?:{_SIGN}*[^\W_])?"
_HREF = r"(?:https://[a-z][a-z0-9]*(?:[.-][a-z][a-z0-9]*)+(?=[/)])[a-zA-Z0-9/.#?=+~-]*|[a-zA-Z0-9/.#?=+~-]+)"
_MARKED = rf"\*\*{_WORDS}\*\*(?!\*)|\*{_WORDS}\*(?!\*)|(?<!!)\[{_WORDS}\]\({_HREF}\)"
_TEXT = re.compile(rf"(?:{_SIGN}++|{_MARKED})+")
_PLAIN = re.compile(rf"[^\W\d_]{_SIGN}*(?<! )")
_NUMBER = re.compile(r"[0-9]+\. ")
_RULE = re.compile(r"\|(?: ?:?-{2,}:? ?\|)+")
_MARKS = (re.compile(r"\*\*([^*]+)\*\*"), "strong"), (re.compile(r"\*([^*]+)\*"), "em")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_GAP = re.compile(r"\n\n+")
_LEVELS = ("#", "##", "###", "####", "#####", "######")
_ALIGNED = {("-", ":"): ' class="end"', (":", ":"): ' class="center"'}


def prose(text: str, href: Callable[[str], str], level: int = 2) -> Markup | None:
    """The HTML of a simple text, its highest headings at `level`; None where it may hold more.

    `href` finishes what a link leads to; empty where something is wrong with it.
    """
    if "_" in text:
        return None
    blocks = _GAP.split(text.strip("\n"))
    kinds = [_kind(block) for block in blocks]
    if kinds == ["paragraph"]:  # most
        html = f"<p>{blocks[0]}</p>"
    elif all(kinds) and _go_together(blocks, kinds):
        html = "\n".join(_made(blocks, kinds, level))
    else:
        return None
    if "[" in html:
        before, *found = _LINK.split(html)
        links = [*map(href, found[1::3])]
        if not all(links):
            return None
        made = [
            f'<a href="{link}">{words}</a>{after}'
            for link, words, after in zip(links, found[::3], found[2::3], strict=True)
        ]
        html = before + "".join(made)
    for pattern, tag in _MARKS:
        if "*" in html:
            parts = pattern.split(html)
            parts[1::2] = [f"<{tag}>{words}</{tag}>" for words in parts[1::2]]
            html = "".join(parts)
    return Markup(html)


def _go_together(blocks: list[str], kinds: list[str]) -> bool:
    """Whether no heading has the id of another, and no list or quote would go on with the next one."""
    ids = [_id(block.split(" ", 1)[1]) for block, kind in zip(blocks, kinds, strict=True) if kind == "heading"]
    joined = any(one == other and one in ("list", "quote") for one, other in pairwise(kinds))
    return len({*ids}) == len(ids) and not joined


def _kind(block: str) -> str:
    """What a block is; empty for what is not simple."""
    lines = block.split("\n")
    match block[:1]:
        case "#":
            marks, _, words = block.partition(" ")
            return "heading" if marks in _LEVELS and _begins(words, "0123456789") else ""
        case "|":
            even = len({line.count("|") for line in lines}) == 1
            rows = len(lines) > 2 and _RULE.fullmatch(lines[1]) and even and all(map(_is_row, (lines[0], *lines[2:])))
            return "table" if rows else ""
        case "-":
            return "list" if all(line[:2] == "- " and _begins(line[2:]) for line in lines) else ""
        case "1":
            numbers = [_NUMBER.match(line) for line in lines]
            items = all(found and _begins(line[found.end() :]) for found, line in zip(numbers, lines, strict=True))
            return "list" if items and block.startswith("1. ") else ""
        case ">":
            return "quote" if all(line[:2] == "> " and _begins(line[2:]) for line in lines) else ""
        case "`":
            fenced = len(lines) > 2 and lines[0] == lines[-1] == "```"
            return "code" if fenced and all(_PLAIN.fullmatch(line) for line in lines[1:-1]) else ""
    return "paragraph" if all(map(_begins, lines)) else ""


def _begins(line: str, others: str = "") -> bool:
    """Whether this is plain text that begins with a letter, a mark, or one of the `others`."""
    well = line[:1].isalpha() or (line[:1] and line[0] in f"*[{others}")
    return bool(well and line[-1] != " " and _TEXT.fullmatch(line))


def _is_row(line: str) -> bool:
    return line[0] == line[-1] == "|" and all(not cell or _TEXT.fullmatch(cell) for cell in line[1:-1].split("|"))


def _made(blocks: list[str], kinds: list[str], level: int) -> Iterator[str]:
    shift = level - (1 if any(block.startswith("# ") for block in blocks) else 2)
    for block, kind in zip(blocks, kinds, strict=True):
        lines = block.split("\n")
        if kind == "heading":
            marks, words = block.split(" ", 1)
            tag = f"h{min(len(marks) + shift, 6)}"
            yield f'<{tag} id="{_id(words)}">{words}</{tag}>'
        elif kind == "list":
            tag = "ul" if block[0] == "-" else "ol"
            items = "\n".join(f"<li>{line.split(' ', 1)[1]}</li>" for line in lines)
            yield f"<{tag}>\n{items}\n</{tag}>"
        elif kind == "quote":
            words = "\n".join(line[2:] for line in lines)
            yield f"<blockquote>\n<p>{words}</p>\n</blockquote>"
        elif kind == "code":
            words = "\n".join(lines[1:-1])
            yield f"<p><code>{words}</code></p>"
        elif kind == "table":
            classes = [_ALIGNED.get((cell[0], cell[-1]), "") for cell in _cells(lines[1])]
            rows = ["\n".join(_row(line, "td", classes)) for line in lines[2:]]
            head, body = "\n".join(_row(lines[0], "th", classes)), "\n".join(rows)
            table = f"<table>\n<thead>\n{head}\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
            yield f'<div class="table" tabindex="0">{table}</div>'
        else:
            yield f"<p>{block}</p>"


def _cells(row: str) -> list[str]:
    return [cell.strip(" ") for cell in row[1:-1].split("|")]


def _row(row: str, tag: str, classes: list[str]) -> Iterator[str]:
    yield "<tr>"
    for cell, kind in zip(_cells(row), classes, strict=True):
        yield f"<{tag}{kind}>{cell}</{tag}>"
    yield "</tr>"


def _id(words: str) -> str:
    """The id of a heading, which has no mark in it."""
    return slug(_LINK.sub(r"\1", words).replace("*", ""))


def slug(words: str) -> str:
    """The id of a heading of these words, none of those that the theme uses."""
    plain = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", words).strip().lower()) or "section"
    return f"{plain}-text" if plain in RESERVED else plain
