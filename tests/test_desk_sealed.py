"""Sealed pages on the desk: what a link's reader gets, made when it is asked for. In a browser: test_desk_browser."""

from __future__ import annotations

import base64
import html
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from portalgen.content.loader import ClientPart, read_client
from portalgen.content.records.practice import ACKNOWLEDGE
from portalgen.desk import engine_parts, web
from portalgen.publish import parts
from portalgen.publish.hosting import HEADERS, PRIVATE_HEADERS
from portalgen.site.envelope import sealed_page
from portalgen.site.sealing import unchecked, unseal
from portalgen.site.shell import Shell
from tests.desks import ANA, SITE, STRANGERS, Desk, desk_of, small_site, visible, written
from tests.support import DEMO_DAY, Built, invoke
from tests.unlocking import sealed

SITE_FILE = sealed(SITE["content/site.yaml"]) + f"privacy: {{mode: sealed, acknowledge: {ACKNOWLEDGE}}}\n"
CLIENT = "id: {0}\nname: {{display: {1}}}\nterms: net14\n"
BEN = "content/clients/ben/client.yaml"
PAGE = re.compile(r"p/[a-z2-7]{32}\.html", re.ASCII)


def sealed_site(root: Path, files: Mapping[str, str] | None = None) -> Path:
    """Ana and Ben, whose pages are sealed, once their links are made."""
    return build(small_site(root, {"content/site.yaml": SITE_FILE, **(files or {})}))


def build(site: Path) -> Path:
    result = invoke("build", "--site", site, "--today", DEMO_DAY)
    assert result.code == 0, result
    return site


def pages_of(output: Path) -> dict[str, str]:
    """Every sealed page of an output, by its path."""
    found = {path.relative_to(output).as_posix(): path.read_text() for path in output.glob("p/*.html")}
    return {path: page for path, page in found.items() if PAGE.fullmatch(path)}


def offered(desk: Desk, client: str = "") -> list[str]:
    """The addresses that the desk offers to open as their readers do, as they stand in the output."""
    page = html.unescape(desk.ask(f"/desk/links/{client}").text)
    return re.findall(r'href="/desk/sealed/([^"]+)">As they get it<', page)


def words(desk: Desk, address: str) -> str:
    """What a reader of a link that the desk offers finds in it."""
    file, _, fragment = address.partition("#")
    answer = desk.ask(f"/desk/sealed/{file}")
    assert answer.status == 200, answer.text
    found = re.search(r'id="sealed">([^<]+)<', answer.text)
    assert found
    return visible(unseal(unchecked(fragment), base64.b64decode(found[1])).files[0].content.decode())


# --- what it is ----------------------------------------------------------------------------------------


def test_every_sealed_page_has_the_bytes_that_a_build_writes(sealed_demo: Built, tmp_path: Path) -> None:
    """All of the demo: portals, invoices, credit notes, persons, files beside them, and links that have ended."""
    pages = pages_of(sealed_demo.output)
    addresses = {url.partition("#")[0] for url in sealed_demo.private_addresses()}
    assert len(addresses) > 40
    assert addresses <= pages.keys()
    site = tmp_path / "site"
    shutil.copytree(sealed_demo.site, site)
    with desk_of(site) as desk:
        asked = {path: desk.ask(f"/desk/sealed/{path}") for path in pages}
        assert {path: answer.text for path, answer in asked.items()} == pages
        assert {answer.headers["content-type"] for answer in asked.values()} == {"text/html; charset=utf-8"}


def test_what_was_edited_since_is_in_it_as_the_next_build_has_it(tmp_path: Path) -> None:
    site = sealed_site(tmp_path)
    before = pages_of(site / "output")
    (site / ANA / "plan.md").write_text("Our plan for this week.\n")
    (site / ANA / "invoices/second.yaml").write_text(
        "id: second\nnumber: 2026-0002\nissued: 2026-11-20\nlines: [{description: Workshop, unit_price: 75.00}]\n"
    )
    with desk_of(site) as desk:
        addresses = offered(desk, "ana")
        assert len(addresses) == 3
        shown = {file: desk.ask(f"/desk/sealed/{file}").text for file in (url.partition("#")[0] for url in addresses)}
        assert "Our plan for this week" in words(desk, addresses[0])
        assert pages_of(site / "output") == before
    after = pages_of(build(site) / "output")
    assert shown.items() <= after.items()
    assert not shown.items() <= before.items()


def test_looking_writes_nothing_and_the_preview_stays_open(tmp_path: Path) -> None:
    site = sealed_site(tmp_path)
    shutil.rmtree(site / "output")
    with desk_of(site) as desk:
        before = written(site)
        for address in offered(desk):
            file = address.partition("#")[0]
            assert desk.ask(f"/desk/sealed/{file}", method="HEAD").text == ""
            assert desk.ask(f"/desk/sealed/{file}").status == 200
            assert "live.js" in desk.ask(f"/{file.removesuffix('.html')}/index.html").text
        assert written(site) == before
    assert written(site) == before
    assert "portalgen.lock" in before


def test_only_the_page_that_is_asked_for_is_sealed_and_only_its_client_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {f"content/clients/c{n}/client.yaml": CLIENT.format(f"c{n}", f"Client {n}") for n in range(5)}
    made: list[str] = []
    read: list[str] = []

    def sealing(shell: Shell, secret: bytes, files: Mapping[str, bytes], *rest: Any) -> bytes:
        made.append(next(iter(files)))
        return sealed_page(shell, secret, files, *rest)

    def reading(root: Path, name: str, *rest: Any) -> ClientPart:
        read.append(name)
        return read_client(root, name, *rest)

    with desk_of(sealed_site(tmp_path, others)) as desk:
        address = offered(desk, "ana")[0]
        monkeypatch.setattr(parts, "sealed_page", sealing)
        monkeypatch.setattr(engine_parts, "read_client", reading)
        assert desk.ask("/desk/sealed/" + address.partition("#")[0]).status == 200
        assert made == [f"{address}/"]
        assert set(read) == {"ana"}


def test_it_carries_no_script_of_the_preview_and_what_a_host_says_with_it(tmp_path: Path) -> None:
    with desk_of(sealed_site(tmp_path)) as desk:
        answer = desk.ask("/desk/sealed/" + offered(desk)[0].partition("#")[0])
        assert "_portalgen" not in answer.text
        assert answer.text.count("<script") == 3
        assert "Ana Horvat" not in answer.text
        said = {name: answer.headers.get(name.lower()) for name in {**HEADERS, **PRIVATE_HEADERS}}
        assert said.pop("Strict-Transport-Security") is None  # it would bind all of this machine
        assert said.items() <= {**HEADERS, **PRIVATE_HEADERS}.items()


def test_all_that_it_leads_to_is_the_site_and_nothing_else(tmp_path: Path) -> None:
    with desk_of(sealed_site(tmp_path)) as desk:
        page = desk.ask("/desk/sealed/" + offered(desk)[0].partition("#")[0]).text
        style = re.search(r'"style":"\.\./([^"]+)"', page)
        assert style
        for path, target in {
            style[1]: f"/{style[1]}",
            "index.html": "/index.html",
            "services/talking/index.html": "/services/talking/index.html",
            "": "/",
            "/evil.example/": "/evil.example/",
            "%5Cevil.example": "/%5Cevil.example",
            "a%0D%0AX-Evil:%201": "/a%0D%0AX-Evil%3A%201",
        }.items():
            answer = desk.ask(f"/desk/sealed/{path}")
            assert (answer.status, answer.headers["location"]) == (303, target)
            assert "x-evil" not in answer.headers
        assert desk.ask(f"/{style[1]}").status == 200


# --- who gets it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        *STRANGERS,
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
    ids=str,
)
def test_no_other_site_gets_one(tmp_path: Path, headers: Mapping[str, str], status: int) -> None:
    with desk_of(sealed_site(tmp_path)) as desk:
        for path in ("assets/none.css", offered(desk)[0].partition("#")[0]):
            answer = desk.ask(f"/desk/sealed/{path}", headers=headers)
            assert answer.status == (303 if status == 200 and "assets" in path else status)
            assert ('id="sealed"' in answer.text) == (answer.status == 200)
            assert not [head for head in answer.headers if head.startswith("access-control-")]


def test_no_other_device_gets_one_and_nothing_can_be_sent_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_of(sealed_site(tmp_path), names=("desk.example.org",)) as desk:
        page = "/desk/sealed/" + offered(desk)[0].partition("#")[0]
        assert desk.ask(page, headers={"Host": "desk.example.org"}).status == 200
        assert desk.send(page.removeprefix("/desk/"), {}).status == 405
        monkeypatch.setattr(web, "is_here", lambda address: False)
        answer = desk.ask(page)
        assert (answer.status, 'id="sealed"' in answer.text) == (403, False)


# --- where there is none, or another ------------------------------------------------------------------


def test_pages_that_are_not_sealed_are_not_offered_and_the_desk_says_so(tmp_path: Path) -> None:
    site = sealed_site(tmp_path, {BEN: CLIENT.format("ben", "Ben Ode") + "privacy: unlisted\n"})
    with desk_of(site) as desk:
        assert len(offered(desk)) == 1  # of Ana alone
        assert offered(desk, "ben") == []
        assert "not sealed: what “Look at it” shows is what they get" in desk.ask("/desk/links/ben").text
        assert "not sealed" not in desk.ask("/desk/links/ana").text
        token = re.search(r'href="/p/([a-z2-7]{32})/index\.html">Look at it', desk.ask("/desk/links/ben").text)
        assert token
        for name in (token[1], "a" * 32):
            answer = desk.ask(f"/desk/sealed/p/{name}.html")
            assert (answer.status, "There is no sealed page here" in answer.text) == (404, True)
        assert desk.ask(f"/desk/sealed/p/{token[1]}/index.html").headers["location"] == f"/p/{token[1]}/index.html"
    with desk_of(small_site(tmp_path / "open")) as desk:
        for path in ("", "ana"):
            assert offered(desk, path) == []
            assert "As they get it" not in desk.ask(f"/desk/links/{path}").text


def test_links_that_have_ended_show_what_the_next_build_puts_there(tmp_path: Path) -> None:
    """Replaced, revoked, expired, taken back by `publish: false`, and published in another mode since."""
    more = {
        f"content/clients/{name}/client.yaml": CLIENT.format(name, name.title()) for name in ("carl", "dora", "eve")
    }
    site = sealed_site(tmp_path, more)
    first = pages_of(site / "output")
    invoke("link", "rotate", "ana", "--site", site)
    invoke("link", "revoke", "ana", "--invoice", "2026-0001", "--site", site)
    assert invoke("link", "revoke", "eve", "--site", site).code == 0
    for name, line in {
        "ben": "link: {expires: 2026-10-01}\n",
        "carl": "publish: false\n",
        "dora": "privacy: unlisted\n",
    }.items():
        path = site / f"content/clients/{name}/client.yaml"
        path.write_text(path.read_text() + line)
    shutil.rmtree(site / "content/clients/eve")
    with desk_of(site) as desk:
        names = ("ana", "ben", "carl", "dora", "eve")
        told = {name: visible(desk.ask(f"/desk/links/{name}").text) for name in names}
        assert "2 links that have ended" in told["ana"]
        assert "Invoice 2026-0001 It was ended." in told["ana"]
        assert "Their page It was replaced." in told["ana"]
        assert "It has expired; its last day was Thursday 1 October 2026." in told["ben"]
        assert "None of their links is open." in told["ben"]
        assert "Nothing of theirs is published: publish: false" in told["carl"]
        assert "It was ended." in told["carl"]
        assert "It was replaced." in told["dora"]
        assert "Their folder is gone." in told["eve"]
        assert "Their page It was ended." in told["eve"]
        assert "Their folders are gone, but they had links: eve ." in visible(desk.ask("/desk/links/").text)
        addresses = [url for name in names for url in offered(desk, name)]
        assert len(addresses) == 7
        assert "Ana" in words(desk, addresses[0])
        ended = ["link is closed", "a new link", "time for which it was open", "link is closed", "a new link"]
        ended.append("link is closed")
        for url, says in zip(addresses[1:], ended, strict=True):
            assert says in words(desk, url)
        shown = {path: desk.ask(f"/desk/sealed/{path}").text for path in (*first, addresses[0].partition("#")[0])}
    assert shown == pages_of(build(site) / "output")
    assert len(shown.keys() - first.keys()) == 1


def test_a_link_that_nobody_ended_when_its_folder_went_says_what_to_do(tmp_path: Path) -> None:
    site = sealed_site(tmp_path)
    shutil.rmtree(site / "content/clients/ben")
    with desk_of(site) as desk:
        told = visible(desk.ask("/desk/links/ben").text)
        assert "Their page It still counts as open." in told
        assert "portalgen link revoke ben" in told
        assert "It was ended" not in told
        assert offered(desk, "ben") == []
        assert "There is no such client" in desk.ask("/desk/links/carl").text
    assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 2
    assert invoke("link", "revoke", "ben", "--site", site).code == 0
    build(site)


# --- what is broken -----------------------------------------------------------------------------------


def test_a_client_with_an_error_has_no_sealed_page_and_says_why_until_it_is_mended(tmp_path: Path) -> None:
    site = sealed_site(tmp_path)
    path = site / ANA / "client.yaml"
    good = path.read_text()
    with desk_of(site) as desk:
        ana, ben = (url.partition("#")[0] for url in offered(desk))
        page = desk.ask(f"/desk/sealed/{ana}").text
        path.write_text(good.replace("name:", "nmae:"))
        told = until(desk, ana, "content/clients/ana/client.yaml:2:1: error[unknown-key]")
        assert "cannot be sealed now" in told
        assert "<body data-live>" in told  # so it is followed, and turns into the page by itself
        assert 'id="sealed"' not in told
        assert desk.ask(f"/desk/sealed/{ben}").text.count('id="sealed"') == 1
        path.write_text(good)
        assert until(desk, ana, 'id="sealed"') == page


def test_what_all_pages_share_has_an_error(tmp_path: Path) -> None:
    site = sealed_site(tmp_path)
    path, lock = site / "content/site.yaml", site / "portalgen.lock"
    good, rows = path.read_text(), lock.read_text()
    with desk_of(site) as desk:
        ana = offered(desk)[0].partition("#")[0]
        path.write_text(good.replace("practice:", "practise:"))
        assert "cannot be sealed now" in until(desk, ana, "content/site.yaml:1:1: error[unknown-key]")
        path.write_text(good)
        until(desk, ana, 'id="sealed"')
        lock.write_text(rows + "nonsense\n")
        assert "cannot be sealed now" in until(desk, ana, "portalgen.lock:")
        lock.write_text(rows)
        until(desk, ana, 'id="sealed"')


def test_a_template_of_the_sealed_page_that_fails_is_told(tmp_path: Path) -> None:
    """The pages that stand open do not use it, so they go on."""
    site = sealed_site(tmp_path)
    (site / "templates").mkdir()
    (site / "templates/sealed.html").write_text("<!doctype html>\n<title>Mine</title>\n")
    with desk_of(site) as desk:
        ana = offered(desk)[0].partition("#")[0]
        told = desk.ask(f"/desk/sealed/{ana}").text
        assert "templates/sealed.html:1:1: error[template]" in told
        assert "view.sealed" in told
        assert "Ana" in desk.ask(f"/{ana.removesuffix('.html')}/index.html").text


def until(desk: Desk, file: str, part: str) -> str:
    """The page once it has this in it: an edit takes a moment to be seen, and may be seen when half of it is written."""
    text = ""
    for _ in range(300):
        text = desk.ask(f"/desk/sealed/{file}").text
        if part in text:
            return text
        time.sleep(0.1)
    raise AssertionError(f"{part!r} never came: {visible(text)}")
