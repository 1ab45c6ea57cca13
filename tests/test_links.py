"""Links between pages, and what finished pages refer to: however it is written, nothing is overlooked."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.publish.checks import LinkChecker
from portalgen.site.links import folders, relative
from portalgen.site.pages import Page
from portalgen.site.practice import mailto
from portalgen.site.templating import Links
from portalgen.site.views import View
from tests.support import DEMO_DAY, MINIMAL_CLIENT, ROOT, invoke, minimal_site

EVIL = "https://elsewhere.example/x"
BILL = "content/clients/ana/invoices/2026-0001.yaml"
_SEGMENT = st.text("ab #?%:é&'\"", min_size=1, max_size=4).filter(lambda text: text.strip(" ."))


# --- how one page refers to another -----------------------------------------------------------------------------------


@given(st.lists(_SEGMENT, max_size=3), st.lists(_SEGMENT, min_size=1, max_size=3))
def test_every_link_is_quoted_by_one_rule(here: list[str], there: list[str]) -> None:
    start, target = "".join(f"{part}/" for part in here), "/".join(there)
    links = Links(start, {"x": target})
    link = links.static(target)
    assert link == links.asset("x") == relative(start, target)
    assert not re.search(r"[ #?:'\"&]|%(?![0-9A-F]{2})", link)
    folder = [*here]
    parts = unquote(link).split("/")
    while parts and parts[0] == "..":
        folder.pop()
        parts.pop(0)
    assert "/".join([*folder, *parts]) == target


def test_a_link_to_a_page_keeps_its_anchor() -> None:
    links = Links("a/b/", {})
    assert links.url("policies/ending/#fees") == "../../policies/ending/index.html#fees"
    assert links.url("a/", "x") == "../index.html#x"
    assert links.url("") == "../../index.html"
    assert links.beside("agreements/a/") == "agreements/a/index.html"
    assert links.beside("files/a #1.pdf") == "files/a%20%231.pdf"


def test_an_attachment_with_a_number_sign_opens(tmp_path: Path) -> None:
    bill = MINIMAL_CLIENT[BILL] + "attachments: [{file: 'a #1.pdf', label: Report}]\n"
    files: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        BILL: bill,
        "content/clients/ana/files/a #1.pdf": b"%PDF-1.7",
    }
    result = invoke("build", "--site", minimal_site(tmp_path, files), "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    pages = [page for page in (tmp_path / "output/p").rglob("*.html") if "files/a" in page.read_text()]
    assert pages
    for page in pages:
        for link in re.findall(r'href="([^"]*files/a[^"]*)"', page.read_text()):
            assert "#" not in link
            assert (page.parent / unquote(link)).read_bytes() == b"%PDF-1.7"


# --- what a page loads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        f"<script src='{EVIL}'></script>",
        f"<script src={EVIL}></script>",
        f'<script data-a="1>0" src="{EVIL}"></script>',
        f'<SCRIPT\nSRC = "{EVIL}"></SCRIPT>',
        f'<script src=" {EVIL}"></script>',
        '<script src="//elsewhere.example/x"></script>',
        '<script src="\\\\elsewhere.example/x"></script>',
        '<script src="https&colon;//elsewhere.example/x"></script>',
        f"<link rel=stylesheet href={EVIL}>",
        f'<link rel="alternate stylesheet" href="{EVIL}">',
        f'<link href="{EVIL}">',
        f'<img alt="a > b" src="{EVIL}">',
        f'<img srcset="data:,x 1x, {EVIL} 2x">',
        f'<source srcset="{EVIL}">',
        f'<iframe src="{EVIL}"></iframe>',
        f"<iframe srcdoc=\"<img src='{EVIL}'>\"></iframe>",
        f'<object data="{EVIL}"></object>',
        f'<video poster="{EVIL}"></video>',
        f'<audio src="{EVIL}"></audio>',
        f'<embed src="{EVIL}">',
        f'<svg><image xlink:href="{EVIL}"/></svg>',
        f'<base href="{EVIL}">',
        f'<meta http-equiv="refresh" content="0; url={EVIL}">',
        f'<a href="https://fine.example/" ping="{EVIL}">x</a>',
        f'<p style="background: url({EVIL})">x</p>',
        f"<p style='background: url(&quot;{EVIL}&quot;)'>x</p>",
        f"<style>p {{ background: url({EVIL}) }}</style>",
        f'<style>@import "{EVIL}";</style>',
        f"<!--><script src='{EVIL}'></script><!-- -->",
        f"<![CDATA[><script src='{EVIL}'></script>]]>",
    ],
)
@pytest.mark.parametrize("template", ["page.html", "portal.html", "404.html"])
def test_a_template_may_not_load_from_elsewhere(tmp_path: Path, tag: str, template: str) -> None:
    files: dict[str, str | bytes | None] = {
        **MINIMAL_CLIENT,
        "content/pages/about.md": "---\ntitle: About\n---\nWords.\n",
        f"templates/{template}": f"<!doctype html>\n<title>x</title>\n{tag}\n",
    }
    result = invoke("check", "--site", minimal_site(tmp_path, files), "--today", DEMO_DAY, "--json")
    assert result.code == 2, result
    assert {problem["code"] for problem in result.json["problems"]} == {"foreign-file"}


@pytest.mark.parametrize(
    "tag",
    [
        f'<a href="{EVIL}">x</a>',
        f'<link rel="canonical" href="{EVIL}">',
        f"<link rel=me href='{EVIL}'>",
        f"<!-- <script src='{EVIL}'></script> -->",
        f"<script>const text = \"<img src='{EVIL}'>\"</script>",
        f"<p>{EVIL} url({EVIL})</p>",
        '<link rel="icon" href="data:,">',
        f'<meta name="description" content="url={EVIL}">',
    ],
)
def test_what_is_only_named_is_not_loaded(tmp_path: Path, tag: str) -> None:
    files = {"templates/home.html": f"<!doctype html>\n<title>x</title>\n{tag}\n"}
    result = invoke("check", "--site", minimal_site(tmp_path, files), "--today", DEMO_DAY, "--json")
    assert result.code == 0, result


def test_files_of_our_own_must_be_there(tmp_path: Path) -> None:
    page = "<img srcset='static/a.png 1x, static/b.png 2x'><object data=static/c.pdf></object><a href=d/>d</a>"
    files: dict[str, str | bytes | None] = {"templates/home.html": page, "content/static/a.png": b"png"}
    result = invoke("check", "--site", minimal_site(tmp_path, files), "--today", DEMO_DAY, "--json")
    assert sorted(p["message"] for p in result.json["problems"] if p["code"] == "dead-link") == [
        f"there is no page '{name}'" for name in ("d/", "static/b.png", "static/c.pdf")
    ]


def test_pages_of_our_own_templates_need_no_close_look(demo_output: Path) -> None:
    pages = {
        path.relative_to(demo_output).as_posix(): path.read_text("utf-8") for path in demo_output.rglob("p/**/*.html")
    }
    assert len(pages) > 20
    quick = LinkChecker({path.relative_to(demo_output).as_posix() for path in demo_output.rglob("*.*")}, {}).beside(
        pages
    )
    for place, text in pages.items():
        assert quick._plainly_well(place, None, folders(place), text), place
        assert not quick._plainly_well(place, None, folders(place), text + '<a href="nowhere.html">'), place


_STEP = st.sampled_from(
    ["../", "../", "../", "./", "/", "a/", "p/", "t/", "b.html", "index.html", "a", "#b", "#", "%61"]
)
_STANDING = frozenset({"a/index.html", "a/b.html", "index.html", "p/t/index.html", "p/t/a/b.html", "a"})


@given(st.sampled_from(sorted(_STANDING)), st.lists(_STEP, max_size=6).map("".join))
@example("p/t/a/b.html", "../../../a/b.html")
def test_what_stands_at_once_stands_when_it_is_looked_at_closely(here: str, address: str) -> None:
    links = LinkChecker(_STANDING, {})
    page = Page(address=here, template="x.html", view=View(), source="x.md", visibility="client")
    if links._stands(folders(here), address):
        assert not list(links._internal(page, here, None, address))


class _Close(LinkChecker):
    """Reads every page closely."""

    def _plainly_well(self, *_: object) -> bool:
        return False


_SEALED = f"p/{'a' * 32}.html#{'b' * 56}"
_PIECE = st.sampled_from(
    [
        *("<a ", "<a class='x' ", "<link ", "<img ", "<p ", "<", ">", "<p>", "</p>", " ", "words ", "é", '"'),
        *(
            'href="',
            'src="',
            'id="',
            ' id="x"',
            ' id="y"',
            ' id="a&amp;b"',
            ' id="a&#38;b"',
            ' id="a%62"',
            ' rel="canonical" ',
        ),
        *(
            '"',
            "#x",
            "#y",
            "#a%62",
            "#a&amp;b",
            "#",
            "data:,",
            "https://e.example/",
            "mailto:a@b.example",
            "//e.example/",
        ),
        *("../", "../../index.html", "a/b.html", "index.html", "a/b.html#x", "b&amp;c.html", "b%26c.html", "none.html"),
        *('<a href="#x">', '<a id="x" href="../a/b.html">', '<a href="mailto:a@b.example">', '<link href="data:,">'),
        *('<link href="https://e.example/">', '<img src="../static/a.png">', '<img src="https://e.example/">'),
        *(
            f'<a href="#{"b" * 56}/r">',
            f'<a href="{"a" * 32}.html#{"b" * 56}">',
            f'<a href="{"c" * 32}.html#{"b" * 56}">',
        ),
    ]
)


@given(
    st.lists(st.lists(_PIECE, max_size=12).map("".join), min_size=1, max_size=3),
    st.sampled_from([("p/t/", "p/t/a/", "p/u/"), (_SEALED, f"{_SEALED}/r", f"{_SEALED}/r/s/")]),
)
@example(['<link href="https://e.example/"> <a href="https://e.example/">'], ("p/t/",))
@example([' id="a&amp;b" id="a&#38;b"'], ("p/t/",))
@example(['<p id="a%62"><a href="#a%62">'], ("p/t/",))
@example(['id="<a id="x"><a id="x">'], ("p/t/",))
def test_what_is_well_at_a_glance_is_well_when_it_is_read(texts: list[str], addresses: tuple[str, ...]) -> None:
    pages = [
        Page(address=address, template="x.html", view=View(), source="x.md", visibility="client")
        for address in addresses[: len(texts)]
    ]
    files = {"index.html", "a/b.html", "static/a.png", "b&c.html", "p/t/b.html"}
    quick = LinkChecker(files, {}).beside(page.address for page in pages)
    close = _Close({*files, *quick._beside}, {})
    for page, text in zip(pages, texts, strict=False):
        quick.know(page, text)
        close.know(page, text)
    for page in pages:
        assert list(quick.problems(page)) == list(close.problems(page))


def test_our_own_private_pages_name_files_in_two_attributes() -> None:
    """Whoever gives them a third has to let `LinkChecker` look for it."""
    for source in (*(ROOT / "templates").rglob("*.html"), *(ROOT / "src/portalgen/site").rglob("*.py")):
        assert not re.search(r"\b(poster|action|formaction|srcset|background|ping)=[\"']", source.read_text("utf-8")), (
            source
        )


# --- ids --------------------------------------------------------------------------------------------------------------


def test_two_places_of_one_name_on_a_private_page(tmp_path: Path) -> None:
    plan = "---\ntitle: Plan\n---\n## Rest {#rest}\n\n## More {#rest}\n"
    site = minimal_site(tmp_path, {**MINIMAL_CLIENT, "content/clients/ana/plan.md": plan})
    result = invoke("check", "--site", site, "--today", DEMO_DAY, "--json")
    assert result.code == 2, result
    found = [(p["path"], p["code"]) for p in result.json["problems"]]
    assert ("content/clients/ana/client.yaml", "duplicate-anchor") in found


# --- mail -------------------------------------------------------------------------------------------------------------


def test_an_address_with_signs_of_its_own_is_quoted_in_every_page(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    config = site / "content/site.yaml"
    config.write_text(config.read_text().replace("mira@practice.example", "mi!ra'o@practice.example"))
    result = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    links = {
        link
        for page in (tmp_path / "output").rglob("*.html")
        for link in re.findall(r'href="(mailto:[^"]*practice.example)', page.read_text(encoding="utf-8"))
    }
    assert links == {mailto("mi!ra'o@practice.example")} == {"mailto:mi%21ra%27o@practice.example"}


# --- what is kept between builds --------------------------------------------------------------------------------------


def test_nothing_that_runs_is_kept_on_the_disk(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, {"templates/page.html": "x"})
    for options in ((), ("--no-cache",)):
        result = invoke("build", "--site", site, "--today", DEMO_DAY, *options)
        assert result.code == 0, result
    kept = [path.name for path in site.glob(".portalgen/cache/**/*") if path.is_file()]
    assert [name.partition("-")[0] for name in kept] == ["last"]
