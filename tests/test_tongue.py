"""Texts on a page in another language: each says its own, and stands apart from the words around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from portalgen.site.tongue import Tongue, direction_of
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, html_pages, invoke, minimal_site

CLIENT = MINIMAL_CLIENT["content/clients/ana/client.yaml"]
AGREEMENT = "---\ntitle: Our agreement\nversion: 1\neffective: 2026-01-01\n---\nWe meet as often as we agree.\n"
SESSION = "- {id: s1, start: 2026-12-03T15:00:00+00:00, service: talk, status: confirmed, format: in_person}\n"


def on_page(root: Path, language: str, files: Mapping[str, str], template: str = "portal") -> str:
    """Ana's page, or her agreement, in a language; the practice writes English."""
    client = f"{CLIENT}language: {language}\nagreements: [ours]\n"
    own = {"content/clients/ana/client.yaml": client, "content/agreements/ours.md": AGREEMENT, **files}
    minimal_site(root, {**MINIMAL_CLIENT, **own})
    result = invoke("build", "--site", root, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    inside = "agreements" if template == "agreement" else 'id="agreed"'
    found = [page for page in html_pages(root / "output") if "/p/" in page.as_posix()]
    (page,) = [
        page
        for page in found
        if (inside in page.as_posix() if template == "agreement" else inside in page.read_text(encoding="utf-8"))
        and page.parent.name != "agreements"
    ]
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "direction"),
    [("Only words", "ltr"), ("كلمات", "rtl"), ("12:30 – €", ""), ("", ""), ("12", ""), ("سلمى and the others", "ltr")],
)
def test_letters_say_how_a_text_runs(text: str, direction: str) -> None:
    assert direction_of(text) == direction


@pytest.mark.parametrize(
    ("page", "home", "text", "language", "marks"),
    [
        ("en", "en", "Only words", "", ""),
        ("en-IE", "en", "Only words", "en", ""),
        ("de", "en", "Only words", "", ""),  # nobody can tell
        ("de", "en", "Only words", "en", ' lang="en"'),
        ("ar", "en", "Only words", "en", ' lang="en" dir="ltr"'),
        ("ar", "en", "Only words", "", ' lang="en" dir="ltr"'),
        ("ar", "en", "كلمات", "en", ""),  # an agreement of an English practice in Arabic
        ("ar", "he", "Only words", "", ' dir="ltr"'),
        ("en", "en", "كلمات", "", ' dir="rtl"'),
        ("en", "en", "كلمات", "ar", ' lang="ar" dir="rtl"'),
        ("ar", "en", "12:30", "", ""),
    ],
)
def test_what_is_not_in_the_language_of_the_page_says_so(
    page: str, home: str, text: str, language: str, marks: str
) -> None:
    assert str(Tongue(page, home)(text, language)) == marks


def test_an_agreement_is_marked_with_its_own_language(tmp_path: Path) -> None:
    arabic = on_page(tmp_path / "ar", "ar", {}, "agreement")
    assert '<h1 lang="en" dir="ltr">Our agreement</h1>' in arabic
    assert '<div class="prose" lang="en" dir="ltr">' in arabic
    german = AGREEMENT.replace("version", "language: de\nversion")
    assert '<div class="prose">' in on_page(tmp_path / "de", "de", {"content/agreements/ours.md": german}, "agreement")


def test_in_arabic_the_next_appointment_reads_in_order(tmp_path: Path) -> None:
    service = "---\nname: Individual session\nprice: 60.00\nduration_minutes: 60\n---\n"
    page = on_page(tmp_path, "ar", {"content/services/talk.md": service, "content/clients/ana/sessions.yaml": SESSION})
    assert '<bdi lang="en" dir="ltr">Individual session</bdi>، ' in page
    assert "دقيقة، حضوريًا" in page
    assert "ديسمبر 2026، <span" in page


def test_a_time_to_answer_is_named_and_not_built_into_a_sentence(tmp_path: Path) -> None:
    email = "email: mira@practice.example\n"
    site = MINIMAL["content/site.yaml"].replace(email, f"{email}  response_time: within two working days\n")
    said = {
        "de": 'Antwort: <bdi lang="en">within two working days</bdi></li>',
        "ar": '\u2068<bdi lang="en" dir="ltr">within two working days</bdi>\u2069</li>',
    }
    for language, text in said.items():
        assert text in on_page(tmp_path / language, language, {"content/site.yaml": site})


@pytest.mark.parametrize(
    ("name", "hello"),
    [
        ("Ana Horvat", "Ana"),
        ("Aoife Darcy and Cian Tuohy", "Aoife Darcy and Cian Tuohy"),
        ("Jana & Tim Roth", "Jana &amp; Tim Roth"),
        ("Jana und Tim Roth", "Jana und Tim Roth"),
        ("Roth/Maier", "Roth/Maier"),
        ("Dr. Anna Smith", "Dr. Anna Smith"),
        ("Andrea Sand", "Andrea"),
    ],
)
def test_the_page_greets_all_whom_it_is_for(tmp_path: Path, name: str, hello: str) -> None:
    client = CLIENT.replace("Ana Horvat", name) + "agreements: [ours]\n"
    page = on_page(tmp_path, "en", {"content/clients/ana/client.yaml": client})
    assert f"<h1>Hello {hello}</h1>" in page


def test_the_page_of_a_company_greets_it_by_the_whole_name(tmp_path: Path) -> None:
    client = CLIENT.replace("Ana Horvat", "Cuan Family Support") + "company: {name: Cuan CLG}\nagreements: [ours]\n"
    assert "<h1>Hello Cuan Family Support</h1>" in on_page(tmp_path, "en", {"content/clients/ana/client.yaml": client})
