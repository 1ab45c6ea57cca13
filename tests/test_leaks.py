"""What only a client may know stands in no public file, however it is written (domain X9, X1, X3; sealing §7)."""

from __future__ import annotations

import base64
import datetime as dt
import html
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.loader import Loaded, load
from portalgen.content.lock import read_lock
from portalgen.content.model import Shared
from portalgen.content.problems import Finding, Problem
from portalgen.publish import disclosed, sensitive
from portalgen.publish.access import passing_access
from portalgen.publish.disclosed import PHONE, Disclosed, words
from portalgen.publish.leaks import Search
from portalgen.publish.parts import Workshop
from portalgen.publish.scripts import script_findings, shares_origin
from portalgen.publish.sensitive import shared_values, values_of
from portalgen.publish.value import File, Raw, Value
from portalgen.site.sealing import Keyring, checked, encodings, unchecked, unseal
from portalgen.site.theme import load as load_theme
from tests.support import DEMO_DAY, MINIMAL, ROOT, Built, minimal_site

SAMPLES = sorted(path.name for path in (ROOT / "tests" / "samples").iterdir() if path.is_dir())

CLIENT: Mapping[str, str] = {
    "content/clients/ana-horvat/client.yaml": """\
id: ana-horvat
name:
  display: Anuschka
  legal: Ana Horvat
email: ana.h@post.example
phone: +353 86 555 0117
birth_date: 1987-03-04
address:
  line1: 12 Tannery Yard
  city: Dublin
  postcode: D02 AB12
company: {name: Süßkind & Söhne GmbH, vat_id: DE811907980}
contacts:
  - {id: luka-horvat, name: Luka Horvat, email: luka@post.example, role: partner, scope: billing}
insurance: {name: Irish Life, member_id: HX-449201-77}
diagnoses: [{code: F41.1}]
risk: {note: "Paid late twice elsewhere, as a colleague told me."}
notes: Her brother must not learn that she comes here.
goals: [{text: "Sleep through the night before the hearing in March.", share: true}]
""",
    "content/clients/ana-horvat/sessions.yaml": """\
- id: s-1
  start: 2026-11-24T15:10:00+00:00
  service: talk
  notes: Spoke about the accident on the canal bridge.
""",
    "content/clients/ana-horvat/payments.yaml": """\
- id: p-1
  date: 2026-11-02
  amount: 60.00
  currency: EUR
  method: cash
  payer: Žofie Nováková
  reference: DE89 3704 0044 0532 0130 00
""",
    "content/clients/ana-horvat/log.yaml": """\
- at: 2026-11-03T09:00:00+00:00
  channel: email
  direction: out
  summary: Wrote to her and the lawyer.
  with: lawyer@firm.example
  body: |
    Please cancel at least two days before the session.
    The file number of the court is with my notes of May.
""",
    "content/clients/ana-horvat/plan.md": "---\ntitle: For now\n---\nWalk **twice** round the reservoir on Sundays.\n",
    "content/clients/sato/client.yaml": "id: sato\nname: {display: 佐藤花子}\n",
    "content/services/talk.md": "---\nname: Talking hour\nprice: 60.00\n---\nAn hour to talk.\n",
    "content/policies/late.md": (
        "---\ntitle: Late\nkind: other\neffective: 2026-01-01\n---\n"
        "Please cancel at least two days before the session.\n"
    ),
    "content/private/lessons.md": "---\ntitle: Lessons\n---\nNever lend books to people who move house.\n",
    "content/private/supervision.yaml": (
        '- date: 2026-05-05\n  hours: 2\n  questions: ["Am I still the right person for her?"]\n'
    ),
}
"""A practice with one client who has something in every kind of field, and one who writes without spaces."""

CLIENT_YAML = "content/clients/ana-horvat/client.yaml"


class Written(NamedTuple):
    """A text that may not be public, the file it stands in and the line there; `alone`: it is one word."""

    text: str
    path: str
    code: str
    line: int
    alone: bool = False


WRITTEN = (
    Written("Anuschka", CLIENT_YAML, "possible-leak", 3, alone=True),
    Written("Ana Horvat", CLIENT_YAML, "leaked-client", 4),
    Written("Horvat, Ana", CLIENT_YAML, "leaked-client", 4),
    Written("ana.h@post.example", CLIENT_YAML, "leaked-client", 5),
    Written("086 555 0117", CLIENT_YAML, "leaked-client", 6),
    Written("+353 (86) 555-0117", CLIENT_YAML, "leaked-client", 6),
    Written("1987-03-04", CLIENT_YAML, "leaked-private", 7),
    Written("4 March 1987", CLIENT_YAML, "leaked-private", 7),
    Written("04/03/1987", CLIENT_YAML, "leaked-private", 7),
    Written("12 Tannery Yard", CLIENT_YAML, "leaked-client", 9),
    Written("Süßkind & Söhne GmbH", CLIENT_YAML, "leaked-client", 12),
    Written("Luka Horvat", CLIENT_YAML, "leaked-client", 14),
    Written("HX-449201-77", CLIENT_YAML, "leaked-private", 15, alone=True),
    Written("Paid late twice elsewhere, as a colleague told me.", CLIENT_YAML, "leaked-private", 17),
    Written("Her brother must not learn that she comes here.", CLIENT_YAML, "leaked-private", 18),
    Written("Sleep through the night before the hearing in March.", CLIENT_YAML, "leaked-client", 19),
    Written("2026-11-24T15:10", "content/clients/ana-horvat/sessions.yaml", "leaked-client", 2),
    Written(
        "Spoke about the accident on the canal bridge.", "content/clients/ana-horvat/sessions.yaml", "leaked-private", 4
    ),
    Written("Žofie Nováková", "content/clients/ana-horvat/payments.yaml", "leaked-client", 6),
    Written("DE89370400440532013000", "content/clients/ana-horvat/payments.yaml", "leaked-client", 7, alone=True),
    Written("lawyer@firm.example", "content/clients/ana-horvat/log.yaml", "leaked-private", 5),
    Written(
        "The file number of the court is with my notes of May.",
        "content/clients/ana-horvat/log.yaml",
        "leaked-private",
        6,
    ),
    Written("Walk twice round the reservoir on Sundays.", "content/clients/ana-horvat/plan.md", "leaked-client", 4),
    Written("佐藤花子", "content/clients/sato/client.yaml", "leaked-client", 2),
    Written("Never lend books to people who move house.", "content/private/lessons.md", "leaked-private", 4),
    Written("Am I still the right person for her?", "content/private/supervision.yaml", "leaked-private", 3),
)

PAGES: Mapping[str, bytes] = {
    "index.html": b"<!doctype html>\n<h1>Quiet Room</h1>\n<p>A room to think in. Mira Lind, 4 Canal Lane, Dublin.</p>",
    "fees/index.html": "<!doctype html>\n<h1>Fees</h1>\n<p>Talking hour: €60.00 since March 1987 – “paid in cash”.</p>".encode(),
    "policies/late/index.html": b"<!doctype html>\n<p>Please cancel at least two days before the session.</p>",
    "sitemap.xml": b"<?xml version='1.0'?><urlset><url><loc>https://practice.example/fees/</loc></url></urlset>",
    "robots.txt": b"User-agent: *\nSitemap: https://practice.example/sitemap.xml\n",
    "assets/theme.0123456789.css": b"body { color: #1d2b2a; content: '\\201C'; }\n.box { width: 100%; }",
}


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The practice of `CLIENT`."""
    loaded = load(minimal_site(tmp_path_factory.mktemp("leaks"), CLIENT))
    assert loaded.site
    assert not loaded.problems
    return loaded


def values(loaded: Loaded) -> tuple[Value, ...]:
    """Everything in the site that is not public."""
    assert loaded.site
    folders = loaded.site.clients.values()
    return (*(value for folder in folders for value in values_of(folder)), *shared_values(loaded.site.shared))


def leaks(
    public: Mapping[str, bytes],
    values: Iterable[Value],
    secrets: Iterable[bytes],
    addresses: Iterable[str],
    shared: Shared,
) -> Iterator[Finding]:
    """All that a search finds."""
    search = Search(public, shared)
    yield from search.listings()
    yield from search.secrets(secrets, addresses)
    yield from search.values(values)


def searched(
    loaded: Loaded, public: Mapping[str, bytes], secrets: Iterable[bytes] = (), addresses: Iterable[str] = ()
) -> tuple[Problem, ...]:
    """The problems that the search finds, with their places."""
    assert loaded.site
    return loaded.report(leaks(public, values(loaded), secrets, addresses, loaded.site.shared))


# --- found in every form ------------------------------------------------------------------------------


def _zip(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docProps/core.xml", f"<dc:creator>{html.escape(text)}</dc:creator>")
    return file.getvalue()


def _pdf(text: str) -> bytes:
    return b"%PDF-1.7\n\0\xff<</Title <" + ("\ufeff" + text).encode("utf-16-be").hex().upper().encode() + b">>>"


def _octal(text: str) -> bytes:
    sixteen = "".join(f"\\{byte:03o}" for byte in ("\ufeff" + text).encode("utf-16-be"))
    return f"%PDF-1.4\n<</Author ({sixteen})>>".encode()


FORMS = {
    "plain": lambda text: f"<p>Ask for {text}, please.</p>".encode(),
    "escaped": lambda text: f"<p>({html.escape(text)})</p>".encode(),
    "numbers": lambda text: "".join(f"&#{ord(sign)};" for sign in text).encode(),
    "attribute": lambda text: f'<img alt="{html.escape(text)}" src="x.png">'.encode(),
    "comment": lambda text: f"<!-- {html.escape(text)} -->".encode(),
    "marked": lambda text: f"<p>{text.replace(' ', ' <b>', 1)}</b></p>".encode() if " " in text else text.encode(),
    "address": lambda text: f'<a href="?q={quote(text)}">x</a>'.encode(),
    "json": lambda text: json.dumps({"about": text}).encode(),
    "utf-16 le": lambda text: ("x " + text).encode("utf-16-le"),
    "utf-16 be": lambda text: ("x " + text).encode("utf-16-be"),
    "base64 0": lambda text: base64.b64encode(f" {text} ".encode()),
    "base64 1": lambda text: base64.b64encode(f"a {text} b".encode()),
    "base64 2": lambda text: b"var a='" + base64.urlsafe_b64encode(f"ab {text} c".encode()) + b"'",
    "zlib": lambda text: b"\0\xff" + zlib.compress(f"so {text} it is".encode()),
    "zip": _zip,
    "pdf": _pdf,
    "octal": _octal,
}


@given(st.sampled_from(WRITTEN), st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(PAGES)), st.data())
def test_what_is_planted_anywhere_in_any_form_is_found(
    practice: Loaded, written: Written, form: str, page: str, data: st.DataObject
) -> None:
    if form.startswith("utf-16") and not written.text.isascii():
        form = "plain"  # without a byte order mark only letters of one byte are sure to be seen
    planted = FORMS[form](written.text)
    if form in ("zlib", "zip", "pdf", "octal", "utf-16 le", "utf-16 be"):
        public = {**PAGES, "static/leaflet.bin": planted}
        page = "static/leaflet.bin"
    else:
        at = data.draw(st.integers(0, PAGES[page].count(b"\n")))
        lines = PAGES[page].split(b"\n")
        public = {**PAGES, page: b"\n".join((*lines[:at], planted, *lines[at:]))}
    found = searched(practice, public)
    assert [(one.path, one.code, one.line) for one in found] == [(written.path, written.code, written.line)]
    assert f"/{page} " in found[0].message
    assert written.text.lower() not in (found[0].message + found[0].hint).lower()


def test_nothing_planted_is_nothing_found(practice: Loaded) -> None:
    assert searched(practice, PAGES) == ()


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.text[:20])
def test_each_is_found_on_a_page(practice: Loaded, written: Written) -> None:
    found = searched(practice, {**PAGES, "index.html": f"<p>{html.escape(written.text)}</p>".encode()})
    assert [(one.path, one.code, one.line) for one in found] == [(written.path, written.code, written.line)]
    assert found[0].severity == ("warning" if written.code == "possible-leak" else "error")


def test_capitals_and_a_file_name_give_a_name_away(practice: Loaded) -> None:
    for planted in (
        b"<h2>ANA HORVAT</h2>",
        b'<img src="../static/ana-horvat.jpg" alt="">',
        b"<td>Ana&nbsp;Horvat</td>",
    ):
        assert "leaked-client" in {one.code for one in searched(practice, {"a.html": planted})}, planted


def test_a_picture_says_who_made_it_at_its_ends(practice: Loaded) -> None:
    picture = b"\xff\xd8\xff\xe1Exif\0\0Ana Horvat\0" + bytes(range(256)) * 2000
    assert [one.code for one in searched(practice, {"static/room.jpg": picture})] == ["leaked-client"]


def test_a_long_file_is_read_at_both_ends(practice: Loaded) -> None:
    for planted in (b"Ana Horvat" + bytes(9_000_000), bytes(9_000_000) + b" Ana Horvat"):
        assert [one.code for one in searched(practice, {"static/talk.pdf": planted})] == ["leaked-client"]


def test_every_page_is_counted_and_a_value_is_told_once(practice: Loaded) -> None:
    page = b"<p>Ana Horvat</p><p>Ana Horvat</p>"
    (found,) = searched(practice, {"a.html": page, "b.html": page, "c.html": b""})
    assert "/a.html and 1 more" in found.message


_SCRAP = st.sampled_from(
    [
        "Words of a plain sentence ",
        ". ",
        "! ",
        "3:30 ",
        "… ",
        "。 ",
        "\n",
        "{{ x }}",
        "{",
        "a@b.example ",
        "DE89370400440532013000",
        *("DE89 3704 0044 0532 0130 00 ", "12 ", "4", "é", " ", ";", "\u00a0", "X" * 20),
    ]
)


@given(st.lists(_SCRAP, max_size=8).map("".join))
def test_a_text_that_is_taken_in_one_piece_is_taken_the_same_with_care(text: str) -> None:
    def taken() -> list[Raw]:
        found: list[Raw] = []
        sensitive._text(False, "said")(text, File("a.yaml"), ((), "notes"), found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensitive, "_MORE", re.compile(""))
        patch.setattr(sensitive, "_SPECIAL", re.compile(""))
        careful = taken()
    assert taken() == careful
    long = [line for line in text.split("\n") if len(line) >= 24 and "{{" not in line]
    ends = [[part for part in re.split(r"(?<=[.!?:;…。])\s+", line) if len(part) >= 24] or [line] for line in long]
    if len(text) >= 24:
        said = [raw[0] for raw in careful if raw[2] == "said"]
        assert said == [part for parts in ends for part in parts]


_FILLING = st.sampled_from(
    [b" ", b"a", b"7", b"aQ", b"+/", b"-_", b"<p>", b'"', b"sha256-", b"QUJD", b"\xff\x00", b"deadbeef"]
)
_SECRETS = tuple(bytes((31 * n + 7 * at) % 251 for at in range(32)) for n in range(3))
_NAMES = tuple(Keyring(secret).token("00" * 16, 1) for secret in _SECRETS)


@given(
    st.lists(
        st.one_of(
            _FILLING,
            st.sampled_from([form for secret in _SECRETS for form in encodings(secret)]),
            st.sampled_from([name.encode() for name in _NAMES] + [name.upper().encode() for name in _NAMES]),
            st.sampled_from(_SECRETS).map(lambda secret: secret.hex()[:40].encode()),
        ),
        max_size=8,
    ).map(b"".join),
    st.sampled_from(["a.html", "b.css", "static/c.bin"]),
)
def test_a_key_found_by_its_beginning_is_found_as_in_every_encoding(practice: Loaded, text: bytes, name: str) -> None:
    assert practice.site
    search = Search({"index.html": b"<p>Words.</p>", name: text}, practice.site.shared)
    plain = search.secrets([form for secret in _SECRETS for form in encodings(secret)], _NAMES)
    assert list(search.keys(_SECRETS, _NAMES)) == list(plain)


_WORDS = st.sampled_from(["Ann", "tel", "may", "0664", "12 34 567", "<b>", "</p><p>", "&amp;", "é", "語", "-", "\n"])


@given(st.lists(_WORDS, max_size=12).map(" ".join), st.lists(st.lists(_WORDS, min_size=1, max_size=4), max_size=6))
def test_words_follow_each_other_in_what_is_shown_or_hidden(text: str, asked: list[list[str]]) -> None:
    rows = [tuple(words(" ".join(row).encode()).split()) for row in asked]
    rows = [row for row in rows if len(row) in (1, 2, 4)] + [(PHONE, b"1234567"), (PHONE, b"12")]
    said = Disclosed({"a.html": text.encode()})
    there: set[tuple[bytes, ...]] = {(PHONE, digits) for digits in said.phones}
    for tokens in (said.shown.split(), said.hidden.split()):
        there |= {tuple(tokens[at : at + length]) for length in (1, 2, 4) for at in range(len(tokens) - length + 1)}
    assert [said.follow(row) for row in rows] == [row in there for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disclosed, "_FEW", 0)  # as when many are asked for
        assert [said.follow(row) for row in rows] == [row in there for row in rows]


def test_a_key_is_found_beside_long_runs_of_letters(practice: Loaded) -> None:
    """A picture inside of a style is as long as all runs may be that are read."""
    assert practice.site
    style = b"url(data:image/png;base64," + base64.b64encode(bytes(range(256)) * 300) + b")"
    for form in encodings(_SECRETS[0]):
        search = Search({"a.css": style + b" " + form}, practice.site.shared)
        assert [one.code for one in search.keys(_SECRETS, _NAMES)] == ["leaked-secret"], form
    assert not list(Search({"a.css": style}, practice.site.shared).keys(_SECRETS, _NAMES))


# --- and nothing else -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "You will find me in Dublin, at D02, and pay in cash.",
        "Ana is a fine name, and so is Horvat.",  # the words of a name, apart
        "anuschka",  # a single word in small letters
        "Hanna Horvatova",
        "<ul><li>Ana</li><li>Horvat</li></ul>",
        "Since 4 March 1988, or 1987.",
        "Call 086 555 0118, or 555 0117.",
        "Mira Lind, mira@practice.example",
        "Sleep through the night, before the hearing.",
        "irish life",
    ],
)
def test_what_only_looks_like_it_is_no_leak(practice: Loaded, text: str) -> None:
    assert searched(practice, {"index.html": text.encode()}) == ()


def test_a_name_of_common_words_is_none_in_small_letters(tmp_path: Path) -> None:
    loaded = load(minimal_site(tmp_path, {"content/clients/w/client.yaml": "id: w\nname: {display: Will May}\n"}))
    assert searched(loaded, {"index.html": b"<p>It may will. We will may be.</p>"}) == ()
    assert [one.code for one in searched(loaded, {"index.html": b"<p>By Will May</p>"})] == ["leaked-client"]


def test_initials_are_no_name(tmp_path: Path) -> None:
    loaded = load(minimal_site(tmp_path, {"content/clients/k/client.yaml": "id: k\nname: {display: K. L.}\n"}))
    assert searched(loaded, {"index.html": b"<p>Vitamins K, L and B.</p><p>K L</p>"}) == ()


def test_what_the_practice_says_of_itself_belongs_to_no_client(tmp_path: Path) -> None:
    """The practitioner tries everything with a client who has her own name, address and number."""
    me = (
        "id: mira-lind\nname: {display: Mira Lind}\nemail: mira@practice.example\n"
        "address: {line1: 4 Canal Lane, city: Dublin}\nnotes: Please ring twice at the blue door.\n"
    )
    files = {
        "content/clients/mira-lind/client.yaml": me,
        "content/pages/visit.md": "---\ntitle: Visit\n---\nPlease ring twice at the blue door.\n",
    }
    loaded = load(minimal_site(tmp_path, files))
    page = b"<p>Mira Lind, 4 Canal Lane, mira@practice.example</p>"
    assert searched(loaded, {"index.html": page}) == ()
    note = searched(loaded, {"visit/index.html": b"<p>Please ring twice at the blue door.</p>"})
    assert [one.code for one in note] == ["leaked-private"]


def test_words_for_clients_that_are_public_too(tmp_path: Path) -> None:
    """A plan that quotes a guide is fine; one that has a sentence of the front page is worth a look."""
    plan = "---\ntitle: Now\n---\nPut both feet flat on the floor first.\n\nA room to think in for all of us.\n"
    files = {
        "content/clients/ana/client.yaml": "id: ana\nname: {display: Anuschka}\n",
        "content/clients/ana/plan.md": plan,
        "content/guides/feet.md": "---\ntitle: Feet\nsummary: Stand\n---\nPut both feet flat on the floor first.\n",
        "content/pages/home.md": "---\ntitle: Home\n---\nA room to think in for all of us.\n",
    }
    page = b"<p>Put both feet flat on the floor first.</p><p>A room to think in for all of us.</p>"
    (found,) = searched(load(minimal_site(tmp_path, files)), {"index.html": page})
    assert (found.code, found.severity, found.line) == ("possible-leak", "warning", 6)


def test_a_client_may_agree_value_by_value(tmp_path: Path) -> None:
    allow = "    # portalgen: allow leaked-client because"
    text = f"id: ana\nname: {{display: Ana Horvat}}{allow} she let me name her\nemail: ana@post.example\n"
    page = {"index.html": b"<p>Ana Horvat, ana@post.example</p>"}
    loaded = load(minimal_site(tmp_path, {"content/clients/ana/client.yaml": text}))
    assert [one.line for one in searched(loaded, page)] == [3]
    log = "- {at: 2026-11-03T09:00:00+00:00, channel: email, direction: out, summary: Mail., with: Ana Horvat}\n"
    known = load(minimal_site(tmp_path, {"content/clients/ana/client.yaml": text, "content/clients/ana/log.yaml": log}))
    assert [one.line for one in searched(known, page)] == [3]
    bare = load(minimal_site(tmp_path, {"content/clients/ana/client.yaml": text.replace(" she let me name her", "")}))
    assert [one.line for one in searched(bare, page)] == [2, 3]


def test_no_message_shows_a_private_line(practice: Loaded) -> None:
    """The log of a build on a public host must not repeat what it warns of."""
    (found,) = searched(practice, {"index.html": b"<p>Ana Horvat</p>"})
    assert practice.excerpt(found) == ""


# --- practices that are as they should be -----------------------------------------------------------


def published(site: Path) -> tuple[Loaded, dict[str, bytes]]:
    """A site and its public pages, without its private ones, which take longer."""
    loaded = load(site)
    assert loaded.site
    shared = loaded.site.shared
    theme, _ = load_theme(site, shared.site)
    assert theme
    day = dt.date.fromisoformat(DEMO_DAY)
    part, _ = Workshop(shared, theme, shared.site.base_url or "", day, passing_access(site)).public()
    return loaded, {**part.files, **{copy.address: (site / copy.source).read_bytes() for copy in part.copies}}


@pytest.mark.parametrize("name", [*SAMPLES, "demo"])
def test_sound_practices_have_no_leak_and_no_script(name: str) -> None:
    site = ROOT if name == "demo" else ROOT / "tests" / "samples" / name
    loaded, public = published(site)
    assert len(public) > 10
    assert searched(loaded, public) == ()
    assert loaded.site
    theme, _ = load_theme(site, loaded.site.shared.site)
    assert theme
    assert list(script_findings(public, theme.scripts.values(), theme.own, {})) == []


def outside(output: Path) -> dict[str, bytes]:
    """The files of a built site that everybody is told of."""
    files = ((path.relative_to(output), path) for path in output.rglob("*") if path.is_file())
    return {name.as_posix(): path.read_bytes() for name, path in files if name.parts[0] != "p"}


def test_the_starter_has_no_leak(starter: Built) -> None:
    assert searched(load(starter.site), outside(starter.output)) == ()


# --- keys and addresses -------------------------------------------------------------------------------

MAIN_KEY = bytes(range(32))
LINKS = [(f"{n:032x}", 1 + n % 3) for n in range(40)]


def secrets() -> tuple[list[bytes], list[str]]:
    """M and every R in all encodings, and every address, of a site with `LINKS`."""
    ring = Keyring(MAIN_KEY)
    own = [MAIN_KEY, *(ring.secret(*link) for link in LINKS)]
    return [form for secret in own for form in encodings(secret)], [
        address for link in LINKS for address in (ring.token(*link), ring.locator(*link))
    ]


@given(st.data())
def test_a_key_is_found_wherever_and_however_it_is_written(practice: Loaded, data: st.DataObject) -> None:
    forms, addresses = secrets()
    key = data.draw(st.sampled_from(forms))
    page = data.draw(st.sampled_from(sorted(PAGES)))
    at = data.draw(st.integers(0, len(PAGES[page])))
    planted = data.draw(st.sampled_from((key, base64.b64encode(b"key=" + key), zlib.compress(key) + b"\xff")))
    if planted is not key and planted[-1:] == b"\xff":
        page, at = "static/x.bin", 0
    public = {**PAGES, page: PAGES.get(page, b"")[:at] + planted + PAGES.get(page, b"")[at:]}
    found = [one for one in searched(practice, public, forms, addresses) if one.code == "leaked-secret"]
    assert len(found) == 1
    assert f"/{page} " in found[0].message
    assert key.decode("latin-1") not in found[0].message + found[0].hint


def test_keys_and_addresses_that_stand_nowhere_are_not_found(practice: Loaded) -> None:
    assert searched(practice, PAGES, *secrets()) == ()


@pytest.mark.parametrize("form", ["token", "locator", "capitals", "foreign"])
@pytest.mark.parametrize("page", sorted(PAGES))
def test_no_public_file_tells_where_a_private_page_lies(practice: Loaded, form: str, page: str) -> None:
    ring = Keyring(MAIN_KEY)
    address = {
        "token": ring.token(*LINKS[7]),
        "locator": ring.locator(*LINKS[7]),
        "capitals": ring.token(*LINKS[7]).upper(),
        "foreign": "p/" + "a" * 31 + "7",  # of a link that nobody remembers
    }[form]
    public = {**PAGES, page: PAGES[page] + b"\n" + address.encode()}
    (found,) = searched(practice, public, *secrets())
    assert found.code == "leaked-address"
    assert f"/{page} " in found.message
    assert address not in found.message + found.hint


def test_robots_and_sitemap_do_not_even_name_the_folder(practice: Loaded) -> None:
    public = {**PAGES, "robots.txt": b"User-agent: *\nDisallow: /p/\n"}
    assert [one.code for one in searched(practice, public)] == ["leaked-address"]


# --- scripts -------------------------------------------------------------------------------------------

RUNNING = [
    ("<script src='https://stats.example/a.js'></script>", "https://stats.example/a.js"),
    ("<script src=../static/own.js></script>", "../static/own.js"),
    ("<SCRIPT>alert(1)</SCRIPT>", "a script"),
    ("<script type=module>import('x')</script>", "a script"),
    ("<img src=x onerror=alert(1)>", "onerror"),
    ("<body onload='x()'>", "onload"),
    ("<a href='java\nscript:alert(1)'>x</a>", "javascript:"),
    ("<a href='&#106;avascript:alert(1)'>x</a>", "javascript:"),
    ("<iframe srcdoc='&lt;script>x()&lt;/script>'></iframe>", "a script"),
    ("<svg><script href='https://e.example/a'/></svg>", "https://e.example/a"),
    ("<!--><script>x()</script>-->", "a script"),
]
STILL = [
    '<script type="application/ld+json">{"@type": "Person"}</script>',
    "<p>Write on = not off, once=1, and javascript: is a word.</p>",
    "<!-- <script>x()</script> -->",
    "<p>&lt;script>x()&lt;/script></p>",
]


@pytest.mark.parametrize("name", ["about/index.html", "static/leaflet.html", "static/plan.svg"])
@pytest.mark.parametrize(("text", "said"), RUNNING)
def test_a_script_beside_private_pages_is_an_error(text: str, said: str, name: str) -> None:
    (found,) = script_findings(
        {name: f"<p>x</p>{text}".encode()}, (), {}, {"about/index.html": "content/pages/about.md"}
    )
    assert (found.code, found.severity) == ("script-on-private-origin", "error")
    assert said in found.message
    assert found.path == ("content/pages/about.md" if name.startswith("about") else f"content/{name}")


@pytest.mark.parametrize("text", STILL)
def test_what_does_not_run_is_no_script(text: str) -> None:
    assert list(script_findings({"a.html": text.encode()}, (), {}, {})) == []


def test_our_own_scripts_may_run_and_no_other_byte_of_them() -> None:
    page = "<script>let a = 1</script>"
    assert list(script_findings({"404.html": page.encode()}, ("let a = 1",), {}, {})) == []
    assert list(script_findings({"404.html": page.encode()}, ("let a = 2",), {}, {}))


@pytest.mark.parametrize(
    "line",
    ["<script src=\"{{ static('static/own.js') }}\"></script>", '<p onclick="x()">x</p>', "<script>x()</script>"],
)
def test_a_template_of_the_site_may_not_run_one_either(tmp_path: Path, line: str) -> None:
    base = (ROOT / "templates" / "base.html").read_text(encoding="utf-8")
    files = {"templates/base.html": base.replace("</body>", f"{line}\n</body>"), "content/static/own.js": "x()"}
    site = minimal_site(tmp_path, files)
    loaded, public = published(site)
    assert loaded.site
    theme, _ = load_theme(site, loaded.site.shared.site)
    assert theme
    found = loaded.report(script_findings(public, theme.scripts.values(), theme.own, {}))
    assert {(one.path, one.code) for one in found} == {("templates/base.html", "script-on-private-origin")}
    assert {theme.own[one.path].split("\n")[one.line - 1] for one in found} == {line}


def test_private_pages_at_another_address_share_nothing(tmp_path: Path) -> None:
    text = MINIMAL["content/site.yaml"]
    other = text + "private_base_url: https://mine.practice.example/\n"
    same = text + "private_base_url: https://practice.example/private/\n"
    answers = []
    for n, content in enumerate((text, other, same)):
        loaded = load(minimal_site(tmp_path / str(n), {"content/site.yaml": content}))
        assert loaded.site
        answers.append(shares_origin(loaded.site.shared.site, "https://practice.example/"))
    assert answers == [True, False, True]


# --- the finished output of the demo, sealed (sealing §7) ---------------------------------------------


_SEALED = re.compile(rb'(<script type="application/octet-stream" id="sealed">)([^<]*)')


@pytest.fixture(scope="module")
def bytes_of_all(sealed_demo: Built) -> dict[str, bytes]:
    """The sealed output as a host has it: each file without what is sealed in it, that without its base64, all names."""
    found: dict[str, bytes] = {}
    for path in sorted(sealed_demo.output.rglob("*")):
        if path.is_file():
            name, data = path.relative_to(sealed_demo.output).as_posix(), path.read_bytes()
            for start, part in enumerate(_SEALED.findall(data)):
                found[f"{name}.{start}.bin"] = base64.b64decode(part[1], validate=True)
            found[name] = _SEALED.sub(rb"\1", data)
    found["names.txt"] = "\n".join(name.removeprefix("p/") for name in found).encode()
    assert sum(name.startswith("p/") and name.endswith(".bin") for name in found) > 20
    return found


def test_a_passive_host_reads_no_value_of_any_client(sealed_demo: Built, bytes_of_all: Mapping[str, bytes]) -> None:
    """Names, ids, e-mails, notes: searched in every byte of the output, in every encoding."""
    loaded = load(sealed_demo.site)
    assert loaded.site
    sealed = {name: data for name, data in bytes_of_all.items() if name.endswith(".bin")}
    said = {name: data for name, data in bytes_of_all.items() if name not in sealed}
    # four letters in any case stand in megabytes that are as good as random every hundredth time
    long = [value for value in values(loaded) if len(value.words) >= 8]
    assert len(long) > 100
    for files, wanted in ((said, values(loaded)), (sealed, long)):
        found = list(leaks(files, wanted, (), (), loaded.site.shared))
        assert [(one.code, one.path) for one in found] == []


def spellings(text: str) -> Iterator[bytes]:
    """A text as bytes in UTF-8, UTF-16 and base64, however it lies in its group of three."""
    plain = text.encode()
    yield from (plain, text.encode("utf-16-le"), text.encode("utf-16-be"))
    for shift in range(3):
        cut = base64.b64encode(b"\0" * shift + plain)[(0, 2, 3)[shift] :].rstrip(b"=")
        yield cut[:-1]


def test_amounts_numbers_and_ids_of_clients_are_in_no_byte_of_the_sealed_output(sealed_demo: Built) -> None:
    """What the build's own search leaves out, because a public page may have it: here it must be nowhere below p/."""
    loaded = load(sealed_demo.site)
    assert loaded.site
    below = b"\n".join(path.read_bytes() for path in sorted(sealed_demo.output.glob("p/**/*")) if path.is_file())
    words: set[str] = set()
    for folder in loaded.site.clients.values():
        words |= {folder.id, *folder.invoices, *folder.credit_notes, folder.client.name.display}
        words |= {record.number for record in folder.billing if record.number}
        words |= {f"{payment.amount}" for payment in folder.payments}
        words |= {folder.client.email or "", folder.client.notes or ""}
    searchable = {word for word in words if len(word) >= 6}
    assert len(searchable) > 60
    for word in sorted(searchable):
        for spelling in spellings(word):
            assert spelling not in below, word


def test_no_key_is_in_any_byte_of_the_sealed_output(sealed_demo: Built, bytes_of_all: Mapping[str, bytes]) -> None:
    """Neither M nor any R, in any encoding; R belongs to a page that is there, so it is the right one."""
    key = unchecked((sealed_demo.site / ".portalgen" / "key").read_text(encoding="utf-8"))
    ring = Keyring(key)
    rows = read_lock((sealed_demo.site / "portalgen.lock").read_text(encoding="utf-8"))[0].links
    assert len(rows) > 20
    for row in rows:
        (sealed,) = (
            data
            for name, data in bytes_of_all.items()
            if name == f"p/{ring.locator(row.salt, row.generation)}.html.0.bin"
        )
        assert unseal(ring.secret(row.salt, row.generation), sealed).files
    everything = b"\n".join(bytes_of_all.values())
    words = set(memoryview(everything[: len(everything) // 8 * 8]).cast("Q"))
    for secret in (key, *(ring.secret(row.salt, row.generation) for row in rows)):
        for form in (*encodings(secret), checked(secret).encode(), checked(secret).upper().encode()):
            windows = (int.from_bytes(form[at : at + 8], sys.byteorder) for at in range(8))
            assert words.isdisjoint(windows)  # eight bytes of it already would be too many


def test_a_crawler_never_comes_to_a_private_page(sealed_demo: Built) -> None:
    """From /, the sitemap, the page for wrong addresses and what robots.txt names, over every link and file."""
    output = sealed_demo.output
    todo = ["index.html", "404.html", "sitemap.xml", "robots.txt"]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or not (output / name).is_file():
            continue
        seen.add(name)
        assert not name.startswith("p/"), name
        text = (output / name).read_bytes().decode("utf-8", "replace")
        here = f"https://crawled.example/{name}"
        found = re.findall(r"""(?:href|src|content|action|poster)\s*=\s*["']([^"']*)""", text)
        found += re.findall(r"<loc>([^<]*)</loc>|^\w+:\s*(\S+)$|url\(([^)]*)\)", text, re.MULTILINE)
        for address in found:
            for target in (address,) if isinstance(address, str) else address:
                path = unquote(urlsplit(urljoin(here, html.unescape(target).strip("\"' "))).path).lstrip("/")
                todo.append(path + "index.html" if not path or path.endswith("/") else path)
    public = {name for name in outside(output) if name.endswith(".html") and name.count("/") == 1}
    pages = {name for name in public if (output / name).read_bytes() != (output / "404.html").read_bytes()}
    assert pages <= seen, "the crawler has not seen every page"
    assert not any(name.startswith("p/") for name in seen)
