"""The desk: what it shows, what its forms write, and who cannot send them. What a browser makes of it: test_desk_browser."""

from __future__ import annotations

import html
import http.client
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from portalgen.content import loader
from portalgen.desk import board, board_pages, board_records, web
from portalgen.desk.board import ACTIONS
from portalgen.desk.board_charts import ageing, money_in
from portalgen.desk.board_records import Records
from portalgen.desk.board_week import SHOWN, week_of
from tests.desks import ANA, DAY, STRANGERS, Desk, demo_site, desk_of, small_site, visible, written
from tests.support import DEMO_DAY, Built, invoke, minimal_site

FORM = "application/x-www-form-urlencoded"
FILLED: Mapping[str, Mapping[str, str]] = {
    "invoice": {"client": "ana", "what": "sessions"},
    "issue": {"invoice": "draft", "date": DEMO_DAY},
    "pay": {"invoice": "2026-0001", "amount": "50.00", "date": DEMO_DAY},
    "log": {"client": "ana", "text": "Rang about Tuesday", "channel": "phone", "at": "2026-11-21T09:30"},
    "rotate": {"client": "ana", "link": "portal:ana"},
}
"""Each form, filled in so that it is carried out."""

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "invoice": ("new", "invoice", "ana", "--sessions", "unbilled"),
    "issue": ("issue", "draft"),
    "pay": ("pay", "2026-0001", "50.00"),
    "log": ("log", "ana", "Rang about Tuesday", "--channel", "phone", "--at", "2026-11-21T09:30"),
}
"""The command that does the same."""


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that no test writes at."""
    with desk_of(small_site(tmp_path_factory.mktemp("steady"))) as desk:
        yield desk


# --- who is answered ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        *STRANGERS,
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://user@127.0.0.1:{port}"}, 403),
        ({"Origin": "file://127.0.0.1:{port}"}, 403),
        ({"Origin": ""}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ],
    ids=str,
)
def test_who_is_not_a_page_of_the_desk_cannot_write(
    steady: Desk, name: str, headers: Mapping[str, str], status: int
) -> None:
    before = written(steady.site)
    heads = {key: value.format(port=steady.port) for key, value in headers.items()}
    answer = steady.send(name, FILLED[name], heads)
    assert answer.status == status, answer.text
    assert not [head for head in answer.headers if head.startswith("access-control-")]
    assert written(steady.site) == before


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("token", ["", "x", "0" * 43, "\u00e9"])
def test_without_the_token_of_this_run_nothing_is_written_and_nothing_is_lost(
    steady: Desk, name: str, token: str
) -> None:
    before = written(steady.site)
    answer = steady.send(name, {**FILLED[name], "token": token})
    assert answer.status == 403
    assert written(steady.site) == before
    assert "The preview was started anew" in answer.text
    for value in FILLED[name].values():
        assert value in html.unescape(answer.text)


def test_a_form_without_an_origin_is_refused(steady: Desk) -> None:
    before = written(steady.site)
    body = f"token={steady.board.token}&invoice=2026-0001&amount=50.00&date={DEMO_DAY}"
    answer = steady.ask("/desk/pay", method="POST", headers={"Content-Type": FORM}, body=body)
    assert answer.status == 403
    assert written(steady.site) == before


@pytest.mark.parametrize("path", ["/desk/", "/desk/pay", "/desk/links/ana", "/desk/desk.js"])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site"])
def test_no_other_site_leads_to_the_desk(steady: Desk, path: str, site: str) -> None:
    answer = steady.ask(path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
    assert answer.status == 403
    assert steady.board.token not in answer.text
    assert "Ana" not in answer.text


def test_looking_writes_nothing_whatever_the_address_says(steady: Desk) -> None:
    before = written(steady.site)
    for name, fields in FILLED.items():
        query = "&".join(f"{key}={value}" for key, value in {**fields, "token": steady.board.token}.items())
        assert steady.ask(f"/desk/{name}?{query.replace(' ', '+')}").status == 200
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert steady.ask("/desk/pay", method=method, headers={"Origin": steady.origin}).status == 405
    assert steady.ask("/desk/", method="HEAD").text == ""
    assert written(steady.site) == before


@pytest.mark.parametrize("path", ["/", "/desk/", "/desk/links/", "/desk/done/1", "/desk/nothing", "/_portalgen/events"])
def test_nothing_else_takes_a_form(steady: Desk, path: str) -> None:
    headers = {"Content-Type": FORM, "Origin": steady.origin}
    assert steady.ask(path, method="POST", headers=headers, body="a=b").status == 405


def test_a_form_that_is_too_large_or_no_form_is_not_read(steady: Desk) -> None:
    headers = {"Content-Type": FORM, "Origin": steady.origin}
    assert steady.ask("/desk/log", method="POST", headers=headers, body="a" * 70_000).status == 413
    assert steady.ask("/desk/log", method="POST", headers={**headers, "Content-Length": "-1"}).status == 411
    assert steady.ask("/desk/log", method="POST", headers=headers, body="&".join(["a=b"] * 999)).status == 400
    assert steady.ask("/desk/log", method="POST", headers=headers, body="a=%ff").status == 400


def test_a_name_that_was_allowed_is_answered_and_no_other(tmp_path: Path) -> None:
    through = {"Host": "desk.example.org", "Origin": "https://desk.example.org"}
    rewritten = {"Origin": "https://desk.example.org"}  # by a proxy that asks us under our own name
    with desk_of(small_site(tmp_path), names=("Desk.example.org",)) as desk:
        assert desk.ask("/desk/", headers={"Host": "desk.example.org"}).status == 200
        assert desk.send("log", FILLED["log"], through).status == 303
        assert desk.send("log", FILLED["log"], rewritten).status == 303
        assert desk.send("log", FILLED["log"], {"Host": "desk.example.org"}).status == 403
        assert desk.send("log", FILLED["log"], {**through, "Origin": "https://evil.example"}).status == 403
        assert desk.send("log", FILLED["log"], {**through, "Host": "evil.example"}).status == 421
        assert desk.ask("/desk/", headers={"Host": "desk.example.org.evil.example"}).status == 421


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.20", False),
        ("::ffff:192.168.1.20", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_what_this_machine_is(address: str, here: bool) -> None:
    assert web.is_here(address) is here


def test_other_devices_see_the_site_and_not_the_desk(steady: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written(steady.site)
    monkeypatch.setattr(web, "is_here", lambda address: False)
    assert steady.ask("/").status == 200
    assert steady.ask("/desk/").status == 403
    assert steady.send("pay", FILLED["pay"]).status == 403
    assert written(steady.site) == before


def test_a_host_to_allow_is_a_name_alone(tmp_path: Path) -> None:
    for name in ("*", "https://desk.example.org", "desk.example.org/x", ""):
        result = invoke("serve", "--site", small_site(tmp_path), "--allow-host", name, "--port", "0")
        assert result.code == 2
        assert "write the name alone" in result.stderr


def test_every_page_of_the_desk_is_strict(steady: Desk) -> None:
    for path in ("/desk/", "/desk/links/", "/desk/links/ana", "/desk/nothing", *(f"/desk/{name}" for name in ACTIONS)):
        answer = steady.ask(path)
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"script-src 'nonce-([^']+)';", policy)
        assert nonce
        assert re.findall(r"<script\b[^>]*>", answer.text) == [f'<script src="/desk/desk.js" nonce="{nonce[1]}" defer>']
        assert not re.search(r'\s(style|on\w+)="', answer.text)
        assert "'unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# --- where it is ---------------------------------------------------------------------------------------


def test_a_build_knows_nothing_of_the_desk(demo: Built, steady: Desk) -> None:
    assert invoke("build", "--site", steady.site, "--today", DEMO_DAY).code == 0
    for output in (demo.output, steady.site / "output"):
        files = [path for path in output.rglob("*") if path.is_file()]
        assert len(files) > 10
        assert not [path for path in files if "desk" in path.relative_to(output).parts]
        assert not [path for path in files if b"/desk/" in path.read_bytes()]
    shutil.rmtree(steady.site / "output")


def test_without_a_board_there_is_no_desk(tmp_path: Path) -> None:
    from portalgen.desk.engine import Engine
    from portalgen.desk.preview import Preview

    site = small_site(tmp_path)
    with Preview(site, Engine(site, DAY), port=0) as preview:
        bare = Desk(site, Records, preview.url)  # type: ignore[arg-type]
        assert bare.ask("/desk/").status == 404
        headers = {"Content-Type": FORM, "Origin": bare.origin}
        assert bare.ask("/desk/pay", method="POST", headers=headers, body="a=b").status == 405


# --- what it writes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_a_form_writes_what_the_command_writes_and_shows_it(desk: Desk, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(desk.site, copy)
    before = written(desk.site)
    result = invoke(*COMMANDS[name], "--site", copy, "--today", DEMO_DAY)
    assert result.code == 0, result
    page = desk.done(name, FILLED[name])
    after = written(desk.site)
    assert after != before
    assert after == written(copy)
    for line in result.stdout.splitlines():
        assert line in html.unescape(page.text)
    for path in {path for path in after if after[path] != before.get(path)} - {"portalgen.lock"}:
        old = before.get(path, b"").decode().splitlines()
        added = [line for line in after[path].decode().splitlines() if line not in old]
        assert added
        for line in added:
            assert f"<ins>+{html.escape(line)}</ins>" in page.text.replace("&#39;", "&#x27;")
        assert (f"<code>{path}</code> (new)" in page.text) == (path not in before)


def test_a_rotated_link_leads_elsewhere_and_shows_in_the_preview(desk: Desk) -> None:
    old = desk.ask("/desk/links/ana").text
    url, path = re.search(r'class="url">([^<]+)<', old), re.search(r'href="(/p/[^"]+)">Look at it', old)
    assert url
    assert path
    assert "Ana" in desk.ask(path[1]).text
    page = desk.done("rotate", FILLED["rotate"])
    assert "1 link of ana replaced." in page.text
    assert "Replace those too if that person should not read them." in page.text
    assert "After that, send the new link." in page.text  # and no command: a button leads there
    assert "salt" not in page.text
    new = desk.ask("/desk/links/ana").text
    assert url[1] not in new
    listed = json.loads(invoke("links", "ana", "--site", desk.site, "--today", DEMO_DAY, "--json").stdout)
    portal = next(row["url"] for row in listed if row["kind"] == "portal")
    assert portal in new


def test_a_form_that_is_sent_twice_is_carried_out_once(desk: Desk) -> None:
    once = re.search(r'name="once" value="([^"]+)"', desk.ask("/desk/pay").text)
    assert once
    answers = [desk.send("pay", {**FILLED["pay"], "once": once[1]}) for _ in range(2)]
    assert answers[0].status == answers[1].status == 303
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert (desk.site / ANA / "payments.yaml").read_text().count("- id:") == 1
    assert desk.done("pay", FILLED["pay"]).status == 200
    assert (desk.site / ANA / "payments.yaml").read_text().count("- id:") == 2


def test_a_form_that_is_taken_back_and_filled_in_anew_is_carried_out_too(desk: Desk) -> None:
    """A browser that goes back has the form as it was, with what tells one sending from another."""
    once = re.search(r'name="once" value="([^"]+)"', desk.ask("/desk/pay").text)
    assert once
    places = set()
    for amount in ("12.00", "7.00", "7.00"):
        answer = desk.send("pay", {**FILLED["pay"], "amount": amount, "once": once[1]})
        assert answer.status == 303
        places.add(answer.headers["location"])
    assert len(places) == 2
    assert (desk.site / ANA / "payments.yaml").read_text().count("- id:") == 2


@pytest.mark.parametrize("ref", ["a**b", "2026-00*", "*", "../../x", "../ana/2026-0001", "x" * 3000])
def test_an_invoice_that_can_be_none_is_told(desk: Desk, ref: str) -> None:
    answer = desk.send("pay", {**FILLED["pay"], "invoice": ref})
    assert answer.status == 422
    assert "There is no " in problem_of(answer.text, "invoice")


def test_what_is_wrong_with_the_site_comes_first_and_what_was_typed_can_be_sent_again(desk: Desk) -> None:
    file = desk.site / "content/site.yaml"
    text = file.read_text()
    file.write_text(text.replace("practice:", "practise:"))
    answer = desk.send("pay", FILLED["pay"])
    assert answer.status == 422
    assert "reload this page: it sends again what you typed" in visible(answer.text)
    assert re.findall(r"content/[\w./-]+:\d+", answer.text)[0].startswith("content/site.yaml:")
    file.write_text(text)
    assert desk.done("pay", FILLED["pay"]).status == 200


def problem_of(page: str, field: str) -> str:
    """What a form says at a field, which must point to it."""
    found = re.search(rf'id="problem-{field}">([^<]+)<', page)
    assert found, visible(page)
    assert re.search(rf'(?:id="{field}"|<fieldset id="{field}")[^>]*aria-describedby="[^"]*problem-{field}', page)
    assert f'<a href="#{field}">{found[1]}</a>' in page
    return html.unescape(found[1])


@pytest.mark.parametrize(
    ("name", "fields", "field", "says"),
    [
        ("pay", {"amount": "12,50"}, "amount", "12.50"),
        ("pay", {"amount": "12.505"}, "amount", "more decimals"),
        ("pay", {"amount": "0"}, "amount", "a payment of zero"),
        ("pay", {"amount": "-500.00"}, "amount", "cannot go back"),
        ("pay", {"amount": ""}, "amount", "how much arrived"),
        ("pay", {"invoice": "2026-0009"}, "invoice", "no invoice '2026-0009'"),
        ("pay", {"invoice": ""}, "invoice", "Name the invoice"),
        ("pay", {"method": "shells"}, "method", "no method 'shells'"),
        ("pay", {"date": "tomorrow"}, "date", "2026-12-31"),
        ("pay", {"date": ""}, "date", "Write the day"),
        ("issue", {"invoice": "nothing"}, "invoice", "no invoice 'nothing'"),
        ("issue", {"date": "2026-02-30"}, "date", "no day"),
        ("invoice", {"what": ""}, "what", "Tick what to put on"),
        ("invoice", {"client": "ben", "what": "", "first": "service"}, "service", "Tick what to put on"),
        ("invoice", {"what": "charges"}, "what", "waiting any more"),
        ("invoice", {"what": "", "service": "dancing"}, "what", "no service 'dancing'"),
        ("log", {"text": "  "}, "text", "in one sentence"),
        ("log", {"client": "nobody"}, "client", "no client 'nobody'"),
        ("log", {"client": ""}, "client", "Choose a client"),
        ("log", {"at": "yesterday"}, "at", "2026-12-01T10:00"),
        ("log", {"invoices": "2026-0009"}, "invoices", "no invoice '2026-0009'"),
        ("log", {"promise": "20.00"}, "promise_by", "an amount and a day"),
        ("log", {"follow_up": "Ring again"}, "follow_up_on", "on no day"),
        ("log", {"kind": "gossip"}, "kind", "no 'gossip'"),
        ("rotate", {"link": "person:carl"}, "link", "no such link"),
        ("rotate", {"link": ""}, "link", "Choose the link"),
    ],
)
def test_a_problem_stands_at_its_field_and_what_was_typed_stays(
    steady: Desk, name: str, fields: Mapping[str, str], field: str, says: str
) -> None:
    before = written(steady.site)
    sent = {**FILLED[name], **fields}
    answer = steady.send(name, sent)
    assert answer.status == 422
    assert says.casefold() in problem_of(answer.text, field).casefold()
    assert written(steady.site) == before
    said = html.unescape(answer.text)
    for key, value in sent.items():
        if value.strip() and key not in ("what", "service", "link"):
            assert value in said, key


def test_all_problems_of_a_form_are_told_at_once(steady: Desk) -> None:
    page = steady.send("pay", {"invoice": "", "amount": "x", "date": "y", "note": "<keep> this"}).text
    assert [bool(problem_of(page, field)) for field in ("invoice", "amount", "date")] == [True] * 3
    assert 'value="&lt;keep&gt; this"' in page
    assert re.search(r"<details open>\s*<summary>More</summary>", page)


def test_what_is_wrong_in_the_files_is_told_with_its_line(desk: Desk) -> None:
    (desk.site / ANA / "payments.yaml").write_text("- nonsense\n")
    before = written(desk.site)
    answer = desk.send("pay", FILLED["pay"])
    assert answer.status == 422
    assert f"{ANA}payments.yaml:1:" in answer.text
    assert "50.00" in answer.text
    assert written(desk.site) == before
    week = visible(desk.ask("/desk/").text)
    assert "leaves out ana" in week
    assert f"{ANA}payments.yaml:1:" in week


def test_an_empty_field_stays_empty(steady: Desk) -> None:
    page = steady.send("pay", {**FILLED["pay"], "date": ""}).text
    assert re.search(r'id="date" name="date" value=""', page)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("invoice?client=", "Choose a client."),
        ("rotate?client=nobody", "Choose a client."),
        ("issue?invoice=", "Choose a draft."),
        ("issue?invoice=nothing", "Choose a draft."),
    ],
)
def test_who_goes_on_without_a_choice_is_told(steady: Desk, target: str, says: str) -> None:
    name, _, query = target.partition("?")
    assert says not in steady.ask(f"/desk/{name}").text
    assert problem_of(steady.ask(f"/desk/{target}").text, query.partition("=")[0]) == says


@pytest.mark.parametrize("target", ["pay?" + "&".join(["a=b"] * 999), "pay?note=%ff"])
def test_an_address_that_says_nothing_is_refused(steady: Desk, target: str) -> None:
    assert steady.ask(f"/desk/{target}").status == 400


def test_a_bug_is_answered_and_reaches_the_terminal(
    steady: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of the desk")

    monkeypatch.setattr(board, "week_of", broken)
    answer = steady.ask("/desk/")
    assert (answer.status, "That is a bug in portalgen" in answer.text) == (500, True)
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "ZeroDivisionError: of the desk" in told


def test_an_issued_invoice_is_not_issued_again(desk: Desk) -> None:
    desk.done("issue", FILLED["issue"])
    before = written(desk.site)
    answer = desk.send("issue", FILLED["issue"])
    assert answer.status == 422
    assert "was issued on 2026-11-21" in answer.text
    assert written(desk.site) == before


def test_a_site_that_cannot_be_read_has_a_desk_that_says_why(desk: Desk) -> None:
    path = desk.site / "content/site.yaml"
    good = path.read_text()
    path.write_text(good.replace("practice:", "practise:"))
    for target in ("/desk/", "/desk/pay", "/desk/links/"):
        assert "did you mean" in desk.ask(target).text
    assert desk.send("pay", FILLED["pay"]).status == 422
    path.write_text(good)
    assert "Your week" in desk.ask("/desk/").text


# --- what it shows -------------------------------------------------------------------------------------


def test_the_week_says_what_the_review_says(sealed_demo: Built, tmp_path: Path) -> None:
    site = demo_site(tmp_path, sealed_demo)
    review: dict[str, Any] = json.loads(invoke("review", "--site", site, "--today", DEMO_DAY, "--json").stdout)
    week = week_of(Records(site, DAY).look())
    shown = [
        (part.name, line)
        for part in week.parts
        for line in [*part.waiting, *(line for group in part.groups for line in group.lines)]
    ]
    assert {(name, line.client, line.text) for name, line in shown} == {
        (section["name"], item["client"] or "", item["text"])
        for section in review["sections"]
        for item in section["items"]
    }
    todos = " ".join(line.todo for _, line in shown)
    assert "Send a formal request to pay." in todos
    for done_by_a_form in ("note it with", "Make the invoice", "then issue it", "status: done"):
        assert done_by_a_form not in todos
        assert done_by_a_form in str(review)
    assert week.things + week.waiting == review["count"]
    assert week.parts[0].name == "overdue"
    titles = [group.title for group in week.parts[0].groups]
    assert titles == ["The last request is due", "A formal request is due", "A friendly reminder is due"]


def test_every_action_of_a_line_leads_to_a_form_that_knows_it(sealed_demo: Built, tmp_path: Path) -> None:
    with desk_of(demo_site(tmp_path, sealed_demo)) as desk:
        page = desk.ask("/desk/").text
        targets = {html.unescape(target) for target in re.findall(r'class="act[^"]*" href="([^"]+)"', page)}
        assert {target.split("?")[0].split("/")[2] for target in targets} == {"pay", "log", "issue", "invoice", "links"}
        for target in targets:
            answer = desk.ask(target.partition("#")[0])
            assert answer.status == 200
            place = target.partition("#")[2]
            assert not place or f'id="{place}"' in answer.text, target
            if "kind=final" in target:
                assert ">\nSent the last request to pay.</textarea>" in answer.text
            if "invoice?" in target:
                assert re.search(r'name="what" value="\w+" checked', answer.text), target


def test_a_quiet_week_says_so(tmp_path: Path) -> None:
    with desk_of(minimal_site(tmp_path)) as desk:
        page = visible(desk.ask("/desk/").text)
        assert "Nothing to do this week." in page
        assert "Here you will see what came in" in page
        for target in ("links/", "invoice", "log", "rotate"):
            assert "There are no clients yet." in visible(desk.ask(f"/desk/{target}").text)
        assert "There is no draft." in visible(desk.ask("/desk/issue").text)


def test_the_figures_are_those_of_the_books(tmp_path: Path) -> None:
    payments = (
        "- {id: p1, date: 2026-10-05, amount: 50.00, currency: EUR, method: cash}\n"
        "- {id: p2, date: 2026-11-05, amount: 80.00, currency: EUR, method: cash}\n"
        "- {id: p3, date: 2026-11-06, amount: -30.00, currency: EUR, method: cash}\n"
        "- {id: p4, date: 2026-11-07, amount: 5.00, currency: EUR, method: cash, status: pending}\n"
        "- {id: p5, date: 2025-11-30, amount: 9.00, currency: EUR, method: cash}\n"
        "- {id: p6, date: 2026-12-01, amount: 7.00, currency: EUR, method: cash}\n"
    )
    late = "id: 2026-0002\nnumber: 2026-0002\nissued: 2026-08-01\nlines: [{description: A, unit_price: 300.00}]\n"
    site = small_site(tmp_path, {ANA + "payments.yaml": payments, ANA + "invoices/2026-0002.yaml": late})
    seen = Records(site, DAY).look()
    assert not seen.errors
    (chart,) = money_in(seen.subjects.values(), seen.day, "EUR")
    assert {bar.label: str(bar.amount.amount) for bar in chart.bars if bar.amount.amount} == {
        "Oct 2026": "50.00",
        "Nov 2026": "50.00",
    }
    assert (chart.bars[0].label, len(chart.bars), str(chart.total.amount)) == ("Dec 2025", 12, "100.00")
    (ages,) = ageing(seen.subjects.values(), seen.day, "EUR")
    account = seen.subjects["ana"].account
    assert ages.total.amount == sum(facts.status.balance for facts in account.published)
    by_age = {bar.label: bar.amount.amount for bar in ages.bars}
    assert by_age["More than 90 days"] == account.invoices["2026-0002"].status.balance > 0
    assert max(float(bar.share) for bar in ages.bars) == 100.0


def test_a_second_look_reads_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = small_site(tmp_path)
    read: list[str] = []
    plain = loader.read_client

    def counted(root: Path, name: str, *rest: Any) -> Any:
        read.append(name)
        return plain(root, name, *rest)

    monkeypatch.setattr(board_records, "read_client", counted)
    records = Records(site, DAY)
    first = records.look()
    assert sorted(read) == ["ana", "ben"]
    assert records.look() is first
    read.clear()
    (site / ANA / "invoices/more.yaml").write_text("id: more\nlines: [{description: B, unit_price: 10.00}]\n")
    second = records.look()
    assert read == ["ana"]
    assert second.subjects["ben"] is first.subjects["ben"]
    assert "more" in second.subjects["ana"].account.invoices
    shutil.rmtree(site / "content/clients/ben")
    assert set(records.look().subjects) == {"ana"}
    read.clear()
    (site / "content/terms/net14.yaml").write_text("id: net14\ntitle: Now\ndue: on_receipt\nmethods: [cash]\n")
    assert records.look().subjects["ana"].account.invoices["2026-0001"].status.timing == "overdue"
    assert read == ["ana"]


def test_links_are_those_of_the_command(steady: Desk) -> None:
    rows = json.loads(invoke("links", "--site", steady.site, "--today", DEMO_DAY, "--json").stdout)
    page = html.unescape(steady.ask("/desk/links/ana").text)
    urls = [row["url"] for row in rows if row["client"] == "ana"]
    assert len(urls) == 2
    assert re.findall(r'data-copy="([^"]+)"', page) == urls
    everyone = html.unescape(steady.ask("/desk/links/").text)
    assert re.findall(r'data-copy="([^"]+)"', everyone) == [row["url"] for row in rows if row["kind"] == "portal"]
    for path in re.findall(r'href="(/p/[^"]+)"', page):
        assert "Ana" in steady.ask(path).text


def test_a_damaged_lock_is_told_where_links_would_be(desk: Desk) -> None:
    lock = desk.site / "portalgen.lock"
    lock.write_text(lock.read_text() + "nonsense\n")
    for path in ("/desk/links/", "/desk/links/ana", "/desk/rotate?client=ana"):
        answer = desk.ask(path)
        assert answer.status == 200
        assert "portalgen.lock:" in answer.text
        assert "data-copy" not in answer.text
    before = written(desk.site)
    assert desk.send("rotate", FILLED["rotate"]).status == 422
    assert written(desk.site) == before


def test_a_client_whose_files_have_errors_is_named_among_the_links(desk: Desk) -> None:
    path = desk.site / ANA / "client.yaml"
    good = path.read_text()
    path.write_text(good.replace("name:", "nmae:"))
    everyone = desk.ask("/desk/links/").text
    assert 'their files have errors: <a href="/desk/links/ana">ana</a>.' in everyone
    assert "Ben Ode" in everyone
    answer = desk.ask("/desk/links/ana")
    assert answer.status == 200
    assert "The files of ana have errors" in answer.text
    assert "error[unknown-key]" in answer.text
    assert "<body data-live>" in answer.text
    path.write_text(good)
    assert "Links of <bdi>Ana Horvat</bdi>" in desk.ask("/desk/links/ana").text
    assert "have errors" not in desk.ask("/desk/links/").text
    answer = desk.ask("/desk/links/nobody")
    assert (answer.status, "There is no such client" in answer.text) == (404, True)


def test_a_link_that_is_not_made_yet_is_said_to_come(tmp_path: Path) -> None:
    site = small_site(tmp_path)
    alone = board.Board(site, DAY)  # with nobody beside it who makes links

    def told() -> str:
        return visible(alone.answer("GET", "/desk/links/ana", Message(), b"").body.decode())

    coming = "A new link is being made, and comes here in a moment."
    assert coming in told()
    assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 0
    assert coming not in told()
    (site / ANA / "invoices/more.yaml").write_text(
        "id: more\nnumber: 2026-0002\nissued: 2026-11-20\nlines: [{description: B, unit_price: 10.00}]\n"
    )
    page = told()
    assert coming in page
    assert ("Invoice 2026-0001" in page, "Invoice 2026-0002" in page) == (True, False)
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    (site / ANA / "invoices/more.yaml").unlink()
    page = told()
    assert coming not in page
    assert "None of their links is open." in page


def test_a_site_without_an_address_has_links_without_their_beginning(tmp_path: Path) -> None:
    site = small_site(tmp_path)
    path = site / "content/site.yaml"
    path.write_text(path.read_text().replace("base_url: https://practice.example/\n", ""))
    with desk_of(site) as desk:
        page = desk.ask("/desk/links/ana").text
        assert "Add <code>base_url:</code>" in page
        assert "data-copy" not in page
        assert re.search(r'class="url">/p/[a-z2-7]{32}/index.html<', page)


def test_many_clients_are_typed_and_a_long_week_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = "id: {0}\nnumber: {0}\nissued: 2026-01-{1:02}\nlines: [{{description: A, unit_price: 10.00}}]\n"
    many = {f"{ANA}invoices/n-{n}.yaml": invoice.format(f"n-{n}", n) for n in range(10, 26)}
    monkeypatch.setattr(board_pages, "MOST", 1)
    with desk_of(small_site(tmp_path, many)) as desk:
        assert '<datalist id="client-list">' in desk.ask("/desk/log").text
        page = desk.ask("/desk/").text
        more = re.search(r'href="(/desk/\?all=overdue)#overdue">(\d+) more', page)
        assert more
        assert page.count("past due (it was due") == SHOWN
        whole = desk.ask(more[1]).text
        assert whole.count("past due (it was due") == SHOWN + int(more[2]) == 17


def test_the_command_tells_where_the_desk_is_and_answers_to_the_allowed_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "portalgen", "serve", "--site", str(small_site(tmp_path)), "--port", "0"]
    command += ["--today", DEMO_DAY, "--allow-host", "desk.example.org", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
                assert process.poll() is None, text
            told = json.loads(text)
            assert told["desk"] == f"{told['url']}desk/"
            port = int(told["url"].rstrip("/").rpartition(":")[2])
            for host, status in {"desk.example.org": 200, "other.example.org": 421}.items():
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("GET", "/desk/", headers={"Host": host})
                answer = connection.getresponse()
                assert (answer.status, b"Your week" in answer.read()) == (status, status == 200)
                connection.close()
        finally:
            process.terminate()
