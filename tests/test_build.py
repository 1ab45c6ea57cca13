"""The build as a whole: what exists, for whom, and that the same input gives the same bytes."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import DEMO_DAY, MINIMAL_CLIENT, ROOT, Built, Result, invoke, minimal_site, run

DAY = "2026-11-21"
BO = {
    "content/clients/bo/client.yaml": "id: bo\nname: {display: Bo Lindqvist}\nemail: bo@other.example\nterms: net14\nnotes: Secret of Bo\n",
    "content/clients/bo/invoices/2026-0002.yaml": (
        "id: 2026-0002\nnumber: 2026-0002\nissued: 2026-11-03\nprivate_notes: Between us\n"
        "lines: [{description: Walk, unit_price: 77.00}]\n"
    ),
}


def build(site: Path, today: str = DAY, *more: str) -> Result:
    return invoke("build", "--site", site, "--today", today, "--json", *more)


def tree(output: Path) -> dict[str, bytes]:
    return {
        path.relative_to(output).as_posix(): path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()
    }


def links(site: Path, today: str = DAY) -> dict[tuple[str, str], str]:
    """(kind, reference) → file of the page."""
    rows = invoke("links", "--site", site, "--today", today, "--json").json
    urls = {(row["kind"], row["ref"]): row["url"] for row in rows if row["url"]}
    return {link: re.sub(r"^https://[^/]+/", "", url) + "index.html" for link, url in urls.items()}


def codes(result: Result) -> set[str]:
    return {problem["code"] for problem in result.json["problems"]}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return minimal_site(tmp_path / "site", {**MINIMAL_CLIENT, **BO})


def test_a_page_knows_its_own_client_and_nobody_else(site: Path) -> None:
    assert build(site).code == 0
    pages = {key: (site / "output" / file).read_text() for key, file in links(site).items()}
    ana, bo = pages["invoice", "2026-0001"], pages["invoice", "2026-0002"]
    assert "Ana Horvat" in ana
    assert "120.00" in ana
    for text in (ana, pages["portal", "ana"]):
        assert not re.search("Lindqvist|77\\.00|2026-0002|other\\.example", text)
    assert "Ana" not in bo
    assert not any("Secret of Bo" in text or "Between us" in text for text in pages.values())


def test_an_invoice_opens_that_invoice_and_nothing_else(site: Path) -> None:
    build(site)
    files = links(site)
    portal = files["portal", "ana"].split("/")[1]
    invoice = (site / "output" / files["invoice", "2026-0001"]).read_text()
    assert portal not in invoice
    assert files["invoice", "2026-0001"].split("/")[1] in (site / "output" / files["portal", "ana"]).read_text()


def test_private_pages_are_in_no_list_and_ask_not_to_be(site: Path) -> None:
    build(site)
    output = site / "output"
    for path, content in tree(output).items():
        if not path.startswith("p/"):
            assert b"/p/" not in content, path
            assert b"Ana" not in content, path
    for file in links(site).values():
        text = (output / file).read_text()
        assert re.search(r'<meta name="robots" content="noindex', text)
        assert '<meta name="referrer" content="no-referrer">' in text
        title = re.search("<title>(.*?)</title>", text)
        assert title
        assert "Ana" not in title[1]
        assert "Horvat" not in title[1]
    assert "p/" not in (output / "robots.txt").read_text().replace("https://", "")


def test_drafts_and_scheduled_invoices_never_appear(site: Path) -> None:
    invoices = site / "content/clients/ana/invoices"
    (invoices / "later.yaml").write_text(
        "id: later\nnumber: 2026-0003\nissued: 2026-12-01\nlines: [{description: Future, unit_price: 5.00}]\n"
    )
    (invoices / "draft.yaml").write_text("id: draft\nlines: [{description: Draft words, unit_price: 6.00}]\n")
    assert build(site).json["problems"] == []
    before = tree(site / "output")
    assert not any(b"Future" in content or b"Draft words" in content for content in before.values())
    (invoices / "draft.yaml").unlink()
    report = build(site).json
    assert (report["written"], report["removed"]) == (0, 0)
    assert tree(site / "output") == before
    assert build(site, "2026-12-01").code == 0
    assert any(b"Future" in content for content in tree(site / "output").values())


def test_a_second_build_writes_nothing_and_a_quiet_day_changes_nothing(site: Path) -> None:
    first = build(site).json
    assert first["written"] == len(tree(site / "output"))
    again = build(site).json
    assert (again["written"], again["removed"], again["unchanged"]) == (0, 0, first["written"])
    quiet = build(site, "2026-11-22").json
    assert (quiet["written"], quiet["removed"]) == (0, 0)


def test_a_removed_page_leaves_the_output(site: Path) -> None:
    (site / "content/guides").mkdir()
    (site / "content/guides/rest.md").write_text("---\ntitle: Rest\nsummary: Lie down.\n---\nNow.\n")
    build(site)
    assert (site / "output/guides/rest/index.html").is_file()
    (site / "content/guides/rest.md").unlink()
    (site / "output/CNAME").write_text("practice.example")
    assert build(site).json["removed"] >= 1
    assert not (site / "output/guides").exists()
    assert (site / "output/CNAME").is_file()


def test_an_error_leaves_the_output_as_it_was(site: Path) -> None:
    build(site)
    before = tree(site / "output")
    (site / "content/pages/home.md").write_text("---\ntitle: New words\n---\n[dead](nowhere.md)\n")
    result = build(site)
    assert (result.code, codes(result)) == (2, {"dead-link"})
    assert tree(site / "output") == before


def test_same_bytes_in_another_folder_zone_locale_and_hash_seed(sealed_demo: Built, tmp_path: Path) -> None:
    place = tmp_path / "c c" / "ü"
    shutil.copytree(ROOT / "content", place / "content")
    shutil.copyfile(sealed_demo.site / "portalgen.lock", place / "portalgen.lock")
    world = {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "de_DE.UTF-8",
        "LANG": "de_DE.UTF-8",
        "PYTHONHASHSEED": "4242",
        "PYTHONUTF8": "0",
        "PORTALGEN_KEY": (sealed_demo.site / ".portalgen" / "key").read_text().strip(),
    }
    result = run("build", "--site", place, "--today", DEMO_DAY, "--json", env=world)
    assert result.code == 0, result
    assert tree(place / "output") == tree(sealed_demo.output)


def test_every_folder_of_the_output_has_a_page(site: Path) -> None:
    build(site)
    folders = [path for path in (site / "output").rglob("*") if path.is_dir()]
    assert folders
    assert all((folder / "index.html").is_file() for folder in folders)


def test_links_are_relative_and_end_in_a_file(site: Path) -> None:
    build(site)
    for path, content in tree(site / "output").items():
        if path.endswith(".html") and content != (site / "output/404.html").read_bytes():
            for address in re.findall(r'(?:href|src)="([^"#][^"]*)"', content.decode()):
                if not re.match("https:|mailto:|tel:|sms:|data:", address):
                    assert not address.startswith("/"), (path, address)
                    assert re.search(r"\.[a-z0-9]+(#.*)?$", address), (path, address)


def test_canonical_addresses_use_base_url_and_it_can_be_given(site: Path) -> None:
    build(site, DAY, "--base-url", "https://elsewhere.example/a/b")
    assert (
        '<link rel="canonical" href="https://elsewhere.example/a/b/contact/">'
        in (site / "output/contact/index.html").read_text()
    )
    assert "https://elsewhere.example/a/b/fees/" in (site / "output/sitemap.xml").read_text()
    assert 'href="https://elsewhere.example/a/b/' in (site / "output/404.html").read_text()


def test_assets_carry_their_content_in_their_name(site: Path) -> None:
    build(site)
    sheets = list((site / "output/assets").glob("theme.*.css"))
    assert len(sheets) == 1
    (site / "templates").mkdir()
    (site / "templates/theme.css").write_text("body { color: #111111 }\n")
    build(site)
    other = list((site / "output/assets").glob("theme.*.css"))
    assert len(other) == 1
    assert other[0].name != sheets[0].name


def test_a_template_can_be_overridden_by_name(site: Path) -> None:
    (site / "templates").mkdir()
    (site / "templates/contact.html").write_text(
        '{% extends "theme/contact.html" %}{% block title %}Come in{% endblock %}\n'
    )
    result = build(site)
    assert (result.code, result.json["problems"]) == (0, [])
    assert "<title>Come in" in (site / "output/contact/index.html").read_text()


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("A [dead](../policies/none.md) link\n", "dead-link", 4, 10),
        ("An [anchor](../pages/home.md#nowhere) too\n", "dead-anchor", 4, 29),
        ("A [script](javascript:alert(1))\n", "bad-link", 4, 12),
        ("\nPlain [http](http://example.org)\n", "bad-link", 5, 14),
        ("![](../static/none.png)\n", "dead-link", 4, 5),
        ("![a](https://elsewhere.example/x.png)\n", "bad-link", 4, 6),
    ],
)
def test_links_of_texts_are_checked_with_their_place(site: Path, text: str, code: str, line: int, column: int) -> None:
    (site / "content/pages/more.md").write_text("---\ntitle: More\n---\n" + text)
    result = build(site)
    found = [
        (p["path"], p["code"], p["line"], p["column"]) for p in result.json["problems"] if p["code"] != "missing-alt"
    ]
    assert (result.code, found) == (2, [("content/pages/more.md", code, line, column)])
    assert all(problem["hint"] for problem in result.json["problems"])


def test_a_picture_needs_words(site: Path) -> None:
    (site / "content/static").mkdir()
    (site / "content/static/a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (site / "content/pages/more.md").write_text("---\ntitle: More\n---\n![](../static/a.svg)\n")
    assert codes(build(site)) == {"missing-alt"}


def test_problems_of_all_rooms_are_told_in_one_run(site: Path) -> None:
    (site / "content/clients/bo/client.yaml").write_text("id: bo\nname: {display: Bo}\nshoe: 44\n")
    invoice = site / "content/clients/ana/invoices/2026-0001.yaml"
    invoice.write_text(invoice.read_text() + "write_off: {date: 2026-11-20, amount: 500.00, reason: x}\n")
    (site / "content/pages/more.md").write_text("---\ntitle: More\n---\n[x](none.md) [y](../guides/rest.md#bed)\n")
    for name, text in (
        ("guides/rest", "---\ntitle: Rest\nservices: [walk]\n---\nNow.\n"),  # no summary
        ("services/walk", "---\nname: Walk\nprice: 12,50\n---\n[z](../guides/rest.md)\n"),
    ):
        (site / "content" / name).parent.mkdir(exist_ok=True)
        (site / f"content/{name}.md").write_text(text)
    problems = build(site).json["problems"]
    assert {(p["path"].rpartition("/")[2], p["code"]) for p in problems} == {
        ("client.yaml", "unknown-key"),
        ("2026-0001.yaml", "too-much"),
        ("more.md", "dead-link"),
        ("rest.md", "missing-key"),
        ("walk.md", "bad-value"),
    }
    assert len(problems) == 5


def test_two_pages_at_one_address_and_addresses_of_ours(site: Path) -> None:
    (site / "content/pages/contact.md").write_text("---\ntitle: Contact\n---\nMine.\n")
    (site / "content/pages/p.md").write_text("---\ntitle: P\n---\nMine.\n")
    problems = build(site).json["problems"]
    assert {(p["path"], p["code"]) for p in problems} == {
        ("content/pages/contact.md", "duplicate-address"),
        ("content/pages/p.md", "reserved-address"),
    }


HOSTILE = """\
<script>alert(1)</script> <img src=x onerror=alert(1)> <a href="javascript:alert(1)" onclick="alert(1)">x</a>
<iframe src="https://evil.example"></iframe> <form action="https://evil.example"><input></form> <base href="https://evil.example/">
<svg onload=alert(1)></svg> <style>body{display:none}</style> <meta http-equiv="refresh" content="0;url=https://evil.example">
<p style="position:fixed" onmouseover="alert(1)">text</p> {{ practice.email }} {% raw %}

[x](https://ok.example){: onclick="alert(1)" }
"""


def test_hostile_text_has_no_effect(site: Path) -> None:
    (site / "content/pages/more.md").write_text(
        "---\ntitle: More <script>alert(2)</script>\n---\n" + HOSTILE.replace("<img src=x onerror=alert(1)>", "")
    )
    (site / "content/clients/ana/plan.md").write_text(HOSTILE.replace("<img src=x onerror=alert(1)>", ""))
    assert build(site).code == 0
    for file in ("more/index.html", links(site)["portal", "ana"]):
        text = (site / "output" / file).read_text().lower()
        body = text[text.index("<body") :]
        assert not re.search(r"<(script|iframe|form|base|svg onload|style|meta|input|object)", body)
        assert not re.search(r"<[^>]+\son\w+=", body)
        assert "javascript:" not in body
        assert "{{ practice.email }}" in body


def test_referrals_without_consent_and_private_policies_are_not_public(site: Path) -> None:
    (site / "content/referrals.yaml").write_text(
        "- {id: a, name: Dr Listed, consent_to_list: true}\n- {id: b, name: Dr Unlisted}\n"
    )
    (site / "content/policies").mkdir()
    (site / "content/policies/inner.md").write_text(
        "---\ntitle: Inner rules\nkind: other\neffective: 2026-01-01\npublic: false\n---\nOnly for clients.\n"
    )
    assert build(site).code == 0
    public = b"".join(content for path, content in tree(site / "output").items() if not path.startswith("p/"))
    assert b"Dr Listed" in public
    assert b"Dr Unlisted" not in public
    assert b"Inner rules" not in public
    assert "Inner rules" in (site / "output" / links(site)["portal", "ana"]).read_text()


def test_links_end_on_the_day_that_was_written(site: Path) -> None:
    file = site / "content/clients/ana/invoices/2026-0001.yaml"
    file.write_text(file.read_text() + "link: {expires: 2026-11-21}\n")
    build(site)
    assert ("invoice", "2026-0001") in links(site)
    assert build(site, "2026-11-22").code == 0
    assert ("invoice", "2026-0001") not in links(site, "2026-11-22")
    assert "2026-0001" in (site / "output" / links(site, "2026-11-22")["portal", "ana"]).read_text()


def test_the_agreement_is_filled_in_and_a_missing_value_is_an_error(site: Path) -> None:
    (site / "content/agreements").mkdir()
    agreement = site / "content/agreements/together.md"
    head = "---\ntitle: Our work\nversion: 1\neffective: 2026-01-01\n---\n"
    agreement.write_text(head + "Between {{ practice.legal_name }} and {{ client.legal_name }}.\n")
    client = site / "content/clients/ana/client.yaml"
    client.write_text(client.read_text() + "agreements: [together]\n")
    assert build(site).code == 0
    portal = (site / "output" / links(site)["portal", "ana"]).parent
    assert "Between Mira Lind and Ana Horvat." in (portal / "agreements/together/index.html").read_text()
    agreement.write_text(head + "Call {{ client.shoe_size }}.\n")
    problems = build(site).json["problems"]
    assert [(p["path"], p["code"], p["line"], p["column"]) for p in problems] == [
        ("content/agreements/together.md", "missing-variable", 6, 9)
    ]


def test_attachments_open_with_their_invoice(site: Path) -> None:
    (site / "content/clients/ana/files").mkdir()
    (site / "content/clients/ana/files/receipt.txt").write_text("Parking 4.00")
    file = site / "content/clients/ana/invoices/2026-0001.yaml"
    file.write_text(file.read_text() + "attachments: [{file: receipt.txt, label: Parking}]\n")
    assert build(site).code == 0
    folder = (site / "output" / links(site)["invoice", "2026-0001"]).parent
    assert (folder / "files/receipt.txt").read_text() == "Parking 4.00"
    assert 'href="files/receipt.txt"' in (folder / "index.html").read_text()


def test_a_corpus_of_another_hand_shows_the_amounts_of_its_manifest(tmp_path: Path) -> None:
    out = tmp_path / "portal"
    command = [sys.executable, str(ROOT / "bench" / "corpus.py"), "--size", "small", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    result = build(out)
    assert (result.code, result.json["problems"]) == (0, [])
    files = links(out)
    checks = json.loads((tmp_path / "portal.manifest.json").read_text())["checks"]
    assert len(checks) >= 8
    for check in checks:
        text = html.unescape((out / "output" / files[check["kind"], check["ref"]]).read_text())
        assert not [words for words in check["has"] if words not in text], check


def test_a_link_to_what_is_hidden_says_so(site: Path) -> None:
    (site / "content/services").mkdir()
    (site / "content/services/quiet.md").write_text("---\nname: Quiet\nprice: free\nhidden: true\n---\nText.\n")
    for link in ("../services/quiet.md", "/services/quiet/"):
        (site / "content/pages/more.md").write_text(f"---\ntitle: More\n---\n[x]({link})\n")
        (problem,) = build(site).json["problems"]
        assert problem["code"] == "dead-link"
        assert "hidden" in problem["message"]


def test_testimonials_of_a_regulated_practice_are_a_warning(site: Path) -> None:
    file = site / "content/site.yaml"
    crisis = "  regulated: true\n  crisis: [{name: Help, phone: '112'}]\n"
    file.write_text(file.read_text().replace("  methods:", crisis + "  methods:"))
    (site / "content/pages/testimonials.md").write_text("---\ntitle: What clients say\n---\nGood.\n")
    result = build(site)
    assert (result.code, codes(result)) == (0, {"testimonials"})


def test_static_files_are_copied_as_they_are_but_what_systems_leave_behind_is_not(site: Path) -> None:
    for name in (".well-known/security.txt", "paper.tmp", ".DS_Store", "._paper", "~$paper.docx", ".git/config"):
        file = site / "content/static" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    assert build(site).code == 0
    copied = {path for path in tree(site / "output") if path.startswith("static/") and not path.endswith("index.html")}
    assert copied == {"static/.well-known/security.txt", "static/paper.tmp"}


def test_headings_stand_below_the_heading_they_belong_to(site: Path) -> None:
    (site / "content/clients/ana/plan.md").write_text("## This week\n\nRest.\n\n### Evenings\n\nRead.\n")
    (site / "content/pages/more.md").write_text("---\ntitle: More\n---\n# First\n\n## Second\n")
    assert build(site).code == 0
    portal = (site / "output" / links(site)["portal", "ana"]).read_text()
    assert '<h3 id="this-week">This week</h3>' in portal
    assert '<h4 id="evenings">Evenings</h4>' in portal
    more = (site / "output/more/index.html").read_text()
    assert '<h2 id="first">First</h2>' in more
    assert '<h3 id="second">Second</h3>' in more


BROKEN = (
    *("pages/home.md", "services/individual.md", "policies/cancellation.md", "guides/when-panic-comes.md"),
    *("terms/standard.yaml", "agreements/service-agreement.md", "referrals.yaml", "clients/ana-horvat/client.yaml"),
)


def test_broken_files_bring_no_other_problem_with_them(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    for path in BROKEN:
        file = tmp_path / "content" / path
        text = file.read_text()
        file.write_text(text.replace("---\n", "---\nzzz: 1\n", 1) if path.endswith(".md") else "zzz: 1\n" + text)
        if path == "referrals.yaml":
            file.write_text(text + "- zzz\n")
    problems = build(tmp_path).json["problems"]
    assert sorted(problem["path"] for problem in problems) == sorted(f"content/{path}" for path in BROKEN)
