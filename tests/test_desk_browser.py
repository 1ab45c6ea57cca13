"""The desk in a real browser: every action from click to file, by mouse and by keyboard, and never from another origin."""

from __future__ import annotations

import io
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desks import ANA, Desk, demo_site, desk_of, written
from tests.readers import tab
from tests.support import MINIMAL_CLIENT, Built, invoke, minimal_site
from tests.test_desk_sealed import sealed_site, until
from tests.test_judges_browser import EVERY, TURNS, Look, judge, watched_page


@pytest.fixture(scope="module")
def demo_desk(sealed_demo: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_of(demo_site(tmp_path_factory.mktemp("demo-desk"), sealed_demo)) as desk:
        yield desk


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with tab(chromium, reduced_motion="reduce") as page:
        yield page


# --- how it looks --------------------------------------------------------------------------------------


PAGES: dict[str, Sequence[Look]] = {
    "/desk/": EVERY,
    "/desk/links/": TURNS[0],
    "/desk/links/ana-horvat": TURNS[1],
    "/desk/invoice": TURNS[0],
    "/desk/invoice?client=ruadhan-walsh&what=sessions": TURNS[1],
    "/desk/issue?invoice=ana-november-2026": TURNS[0],
    "/desk/pay?invoice=2026-0031&amount=340.00": TURNS[1],
    "/desk/log?client=ana-horvat&follow_up=More": TURNS[0],
    "/desk/rotate?client=ana-horvat": TURNS[1],
    "/desk/nothing": EVERY,
}
"""Each page, and in which looks axe-core sees it: a template in both widths, light and dark, the forms and the two lists
of links by turns. What was done, and a form with problems, are in the test after."""


def test_a_name_that_is_one_long_word_fits(tmp_path: Path, page: Page) -> None:
    site = minimal_site(tmp_path, MINIMAL_CLIENT)
    client = site / "content/clients/ana/client.yaml"
    client.write_text(client.read_text().replace("Ana Horvat", "Kinderhilfsverbundgesellschaftsvorstand"))
    with desk_of(site) as desk:
        page.set_viewport_size({"width": 360, "height": 740})
        for path in ("/desk/", "/desk/links/"):
            page.goto(desk.origin + path)
            expect(page.get_by_text("Kinderhilfsverbundgesellschaftsvorstand").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_fits_and_is_quiet(
    path: str, demo_desk: Desk, chromium: Browser, axe_source: str
) -> None:
    with watched_page(chromium, demo_desk.origin, axe_source) as (page, watch):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(demo_desk.origin + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert not judge(page, axe_source, PAGES[path])
        heard = watch.taken()
        assert [line for line in heard if "404" not in line or path != "/desk/nothing"] == []


def test_a_form_with_problems_and_what_was_done_are_accessible(desk: Desk, chromium: Browser, axe_source: str) -> None:
    with watched_page(chromium, desk.origin, axe_source) as (page, watch):
        page.goto(f"{desk.origin}/desk/pay")
        page.get_by_role("button", name="Record it").click()
        expect(page).to_have_title(re.compile("^Problem: "))
        expect(page.get_by_role("alert")).to_be_focused()
        assert not judge(page, axe_source, EVERY)
        page.set_viewport_size({"width": 1280, "height": 800})
        page.get_by_label("Invoice").fill("2026-0001")
        page.get_by_label("Amount").fill("50.00")
        page.get_by_role("button", name="Record it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Payment recorded for 2026-0001")
        assert not judge(page, axe_source, EVERY)
        assert [line for line in watch.taken() if "422" not in line] == []


def test_charts_can_be_read_without_colour_and_without_the_picture(demo_desk: Desk, page: Page) -> None:
    page.goto(f"{demo_desk.origin}/desk/")
    ages = page.get_by_role("table", name="Open invoices by age, EUR")
    expect(ages.get_by_role("row")).to_have_count(7)
    assert re.fullmatch(r"1 to 30 days late\s+[\d,]+\.\d\d", ages.get_by_role("row").nth(2).inner_text().strip())
    fills = [one.get_attribute("fill") for one in ages.locator("rect").all()]
    assert len(set(fills)) == 5  # each age has a pattern of its own
    assert {f"url(#{one.get_attribute('id')})" for one in page.locator("pattern").all()} <= set(fills)


# --- what it does, from click to file ------------------------------------------------------------------


def test_a_new_invoice(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.origin}/desk/")
    page.locator("#to_bill").get_by_role("link", name="Make the invoice").click()
    expect(page.get_by_role("checkbox", name="1 session (60.00 EUR)")).to_be_checked()
    page.get_by_text("Add services").click()
    page.get_by_role("checkbox", name="Talking").check()
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New invoice for Ana Horvat")
    path = desk.site / ANA / "invoices/ana-2026-11-21.yaml"
    assert path.read_text().count("  - ") == 2
    assert "session: s-1" in path.read_text()
    expect(page.locator("pre.diff")).to_contain_text("+  - session: s-1")
    page.get_by_role("link", name="Issue ana-2026-11-21").click()
    expect(page.get_by_text("ana-2026-11-21 for Ana Horvat, 120.00 EUR.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("session: s-1")
    expect(page.get_by_role("button", name="Issue it")).to_be_visible()


def test_issuing_a_draft_and_the_preview_shows_it(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.origin}/desk/")
    page.locator("#drafts").get_by_role("link", name="Issue it").click()
    expect(page.get_by_text("unit_price: 75.00")).to_be_visible()
    page.get_by_role("button", name="Issue it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Issued 2026-0002")
    assert "number: 2026-0002\nissued: 2026-11-21\n" in (desk.site / ANA / "invoices/draft.yaml").read_text()
    assert '"2026-0002"' in (desk.site / "portalgen.lock").read_text()
    expect(page.get_by_text("It keeps 2026-0002 as issued from now on.")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 480})
    page.get_by_role("link", name="Show the link to send").click()
    item = page.locator("#invoice-draft")
    expect(item).to_be_focused()  # as soon as the preview has made it, without a reload by hand
    expect(item).to_be_in_viewport()
    item.get_by_role("link", name="Look at it").click()
    expect(page.locator("main")).to_contain_text("75.00")
    page.goto(f"{desk.origin}/desk/")
    expect(page.locator("#drafts")).to_have_count(0)


def test_recording_a_payment_and_the_preview_shows_it(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.origin}/desk/links/ana")
    invoice = page.locator("#invoice-2026-0001").get_by_role("link", name="Look at it").get_attribute("href")
    page.goto(f"{desk.origin}/desk/")
    page.locator("#overdue").get_by_role("link", name="Record the payment").click()
    expect(page.get_by_label("Amount")).to_have_value("120.00")
    page.get_by_label("Amount").fill("120,00")
    page.get_by_label("How").select_option("Card")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("What the payer wrote").fill("With thanks")
    page.get_by_role("button", name="Record it").click()
    assert not (desk.site / ANA / "payments.yaml").exists()
    amount = page.get_by_label("Amount")
    expect(amount).to_have_value("120,00")
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("What the payer wrote")).to_have_value("With thanks")
    amount.fill("120.00")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_text("2026-0001 is paid.")).to_be_visible()
    text = (desk.site / ANA / "payments.yaml").read_text()
    assert "amount: 120.00" in text
    assert "method: card" in text
    assert "reference: With thanks" in text
    page.goto(f"{desk.origin}{invoice}")
    expect(page.locator("main")).to_contain_text("Paid in full")
    page.goto(f"{desk.origin}/desk/")
    expect(page.locator("#overdue")).to_have_count(0)
    expect(page.get_by_role("table", name="Money in, EUR")).to_contain_text("120.00")


def test_noting_a_contact(desk: Desk, page: Page) -> None:
    before = (desk.site / ANA / "log.yaml").read_text()
    page.goto(f"{desk.origin}/desk/")
    page.get_by_role("link", name="Note a contact").first.click()
    page.get_by_label("Client").select_option("Ana Horvat")
    page.get_by_label("What was it?").fill("Asked about a longer session\nin spring")
    page.get_by_label("How").select_option("Phone")
    page.get_by_label("They did").check()
    page.get_by_label("When", exact=True).fill("2026-11-20T16:45")
    page.get_by_role("button", name="Note it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Noted for Ana Horvat")
    after = (desk.site / ANA / "log.yaml").read_text()
    assert after.startswith(before)
    assert after.removeprefix(before) == (
        "- id: log-2026-11-20\n"
        "  at: 2026-11-20T16:45:00+00:00\n"
        "  channel: phone\n"
        "  direction: in\n"
        "  summary: |-\n"
        "    Asked about a longer session\n"
        "    in spring\n"
    )


def test_rotating_a_link_and_copying_the_new_one(desk: Desk, chromium: Browser) -> None:
    with tab(chromium, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"{desk.origin}/desk/links/ana")
        portal = page.locator("#portal-ana")
        old = portal.locator(".url").inner_text()
        before = written(desk.site)
        portal.get_by_role("link", name="New address").click()
        expect(page.get_by_label("Their page")).to_be_checked()
        page.get_by_role("button", name="Give it a new address").click()
        expect(page.get_by_text("1 link of ana replaced.")).to_be_visible()
        changed = {path for path, data in written(desk.site).items() if data != before.get(path)}
        assert changed == {"portalgen.lock"}
        page.get_by_role("link", name="Show the new link").click()
        expect(page).to_have_url(re.compile("/desk/links/ana#portal-ana$"))
        new = portal.locator(".url").inner_text()
        assert new != old
        portal.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("status")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == new
        target = portal.get_by_role("link", name="Look at it").get_attribute("href")
        for _ in range(150):
            answer = page.goto(f"{desk.origin}{target}")
            if answer and answer.status == 200:
                break
            page.wait_for_timeout(200)
        expect(page.locator("main")).to_contain_text("Ana")


def test_a_link_opens_as_its_reader_gets_it(demo_desk: Desk, chromium: Browser) -> None:
    """From the click on the desk through the gate to the page, in the site's look, and on to an invoice and the site."""
    with watched_page(chromium, demo_desk.origin) as (page, watch):
        page.goto(f"{demo_desk.origin}/desk/links/")
        page.get_by_role("link", name="As they get it : Ana", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This page is for you alone")
        assert re.fullmatch(rf"{demo_desk.origin}/desk/sealed/p/[a-z2-7]{{32}}\.html#[a-z2-7]{{56}}", page.url)
        assert "Ana" not in page.locator("body").inner_text()
        page.get_by_role("button", name="Open my page").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello Ana")
        expect(page.locator("script[src]")).to_have_count(0)
        expect(page.locator("h1")).to_have_css("font-family", re.compile("Newsreader"))
        page.wait_for_function("[...document.fonts].some(font => font.status === 'loaded')")
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello Ana")
        page.get_by_role("link", name="See and pay").click()
        page.get_by_role("button", name="Open my page").click()
        expect(page.locator("main")).to_contain_text("340.00")
        assert f"{demo_desk.origin}/desk/sealed/p/" in page.url
        with page.expect_download() as got:
            page.get_by_role("link", name="PDF").first.click()
        assert got.value.suggested_filename.endswith(".pdf")
        assert watch.taken() == []
        page.locator("a[href^='../']").first.click()
        expect(page).to_have_url(re.compile(rf"{demo_desk.origin}/(?!desk/)"))
        page.go_back()
        page.goto(page.url.partition("#")[0])
        expect(page.get_by_role("heading", level=1)).to_have_text("A part of your link is missing")


def test_a_sealed_page_that_is_broken_comes_by_itself_when_it_is_mended(
    tmp_path: Path, chromium: Browser, axe_source: str
) -> None:
    site = sealed_site(tmp_path)
    broken = site / ANA / "client.yaml"
    good = broken.read_text()
    with desk_of(site) as desk, watched_page(chromium, desk.origin, axe_source) as (page, _):
        page.goto(f"{desk.origin}/desk/links/ana")
        address = page.locator("#portal-ana").get_by_role("link", name="As they get it").get_attribute("href")
        assert address
        file = address.partition("#")[0].removeprefix("/desk/sealed/")
        for focused in (True, False):
            broken.write_text(good.replace("name:", "nmae:"))
            until(desk, file, "error[unknown-key]")
            page.goto("about:blank")
            page.goto(desk.origin + address)
            expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be sealed now")
            expect(page.locator("pre")).to_contain_text("content/clients/ana/client.yaml:2:1")
            if focused:
                assert not judge(page, axe_source, EVERY)
                for path in ("/desk/links/", "/desk/links/ana"):
                    page.goto(desk.origin + path)
                    expect(page.locator("main")).to_contain_text("have errors")
                    assert not judge(page, axe_source, EVERY)
                page.goto(desk.origin + address)
                page.locator("pre").focus()
            broken.write_text(good)
            if focused:
                page.get_by_role("link", name="Look again").click()  # it does not change under somebody's fingers
            expect(page.get_by_role("heading", level=1)).to_have_text("Hello Ana")  # a reload skips the gate


def test_links_that_have_ended_are_listed_and_accessible(tmp_path: Path, chromium: Browser, axe_source: str) -> None:
    site = sealed_site(tmp_path)
    assert invoke("link", "rotate", "ana", "--site", site).code == 0
    with desk_of(site) as desk, watched_page(chromium, desk.origin, axe_source) as (page, watch):
        page.goto(f"{desk.origin}/desk/links/ana")
        page.get_by_text("1 link that has ended").click()
        assert not judge(page, axe_source, EVERY)
        page.get_by_role("link", name="As they get it : Their page, was replaced").click()
        page.get_by_role("button", name="Open my page").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("There is a new link")
        shutil.rmtree(site / "content/clients/ben")
        for address, words in (("", "Their folders are gone"), ("ben", "It still counts as open")):
            page.goto(f"{desk.origin}/desk/links/{address}")
            expect(page.get_by_text(words)).to_be_visible()
            assert not judge(page, axe_source, EVERY)
        assert watch.taken() == []


FOCUSED = """() => {
  const one = document.activeElement;
  return [(one.labels?.[0] ?? one).textContent.trim(), parseFloat(getComputedStyle(one).outlineWidth)];
}"""


def test_a_payment_by_keyboard_alone(desk: Desk, page: Page) -> None:
    def tab_to(name: str, most: int = 40) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            label, outline = page.evaluate(FOCUSED)
            if label.startswith(name):
                assert outline >= 2, f"{name}: the focus is not to be seen"
                return
        raise AssertionError(f"no way to {name} by keyboard")

    page.goto(f"{desk.origin}/desk/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    expect(page.get_by_role("link", name="To the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    tab_to("Record a payment")
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("Record a payment"))
    tab_to("Amount")
    page.keyboard.type("20.00")
    tab_to("Record it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    tab_to("Name the invoice")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Invoice")).to_be_focused()
    page.keyboard.type("2026-0001")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment recorded for 2026-0001")
    assert "amount: 20.00" in (desk.site / ANA / "payments.yaml").read_text()


def test_it_works_without_a_script(desk: Desk, chromium: Browser) -> None:
    with tab(chromium, java_script_enabled=False) as page:
        page.goto(f"{desk.origin}/desk/pay?invoice=2026-0001&amount=7.00")
        page.get_by_role("button", name="Record it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Payment recorded for 2026-0001")


def test_a_code_holds_the_link(demo_desk: Desk, page: Page) -> None:
    zxing = pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    page.goto(f"{demo_desk.origin}/desk/links/ana-horvat")
    portal = page.locator("#portal-ana-horvat")
    portal.get_by_text("QR code").click()
    shot = image.open(io.BytesIO(portal.get_by_role("img").screenshot())).convert("L")
    assert [code.text for code in zxing.read_barcodes(shot)] == [portal.locator(".url").inner_text()]


def test_an_open_week_follows_the_files(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.origin}/desk/")
    expect(page.locator("#overdue")).to_have_count(1)
    text = "- {date: 2026-11-20, amount: 120.00, currency: EUR, method: cash, id: p, allocations: [{invoice: 2026-0001, amount: 120.00}]}\n"
    (desk.site / ANA / "payments.yaml").write_text(text)
    expect(page.locator("#overdue")).to_have_count(0)


def test_an_open_week_does_not_change_under_somebodys_fingers(desk: Desk, page: Page) -> None:
    page.goto(f"{desk.origin}/desk/")
    page.get_by_role("link", name="Record a payment").focus()
    (desk.site / ANA / "invoices/draft.yaml").unlink()
    anew = page.get_by_role("link", name="Show your week as it is now")
    expect(anew).to_be_visible()
    expect(page.get_by_role("link", name="Record a payment")).to_be_focused()
    expect(page.locator("#drafts")).to_have_count(1)
    anew.click()
    expect(page.locator("#drafts")).to_have_count(0)
    expect(anew).to_be_hidden()


# --- another origin ------------------------------------------------------------------------------------

FORMS = {
    "invoice": "client=ana&what=sessions",
    "issue": "invoice=draft&date=2026-11-21",
    "pay": "invoice=2026-0001&amount=5.00&date=2026-11-21",
    "log": "client=ana&text=stolen&at=2026-11-21T10:00",
    "rotate": "client=ana&link=portal:ana",
}


@pytest.fixture
def elsewhere() -> Iterator[Callable[[], str]]:
    """A page on another origin of this machine, which browsers take for the same site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield lambda: f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_page_on_another_origin_can_call_none_of_it(desk: Desk, page: Page, elsewhere: Callable[[], str]) -> None:
    """Not with a token that looks right, and not even with the right one."""
    before = written(desk.site)
    page.goto(elsewhere())
    for token in ("A" * 43, desk.board.token):
        for name, fields in FORMS.items():
            body, target = f"token={token}&{fields}", f"{desk.origin}/desk/{name}"
            told = page.evaluate(
                """async ([target, body]) => {
                  const type = 'application/x-www-form-urlencoded';
                  const ways = {
                    plain: {mode: 'no-cors', body: new URLSearchParams(body)},
                    silent: {mode: 'no-cors', referrerPolicy: 'no-referrer', body: new URLSearchParams(body)},
                    text: {mode: 'no-cors', body},
                    cors: {mode: 'cors', body: new URLSearchParams(body)},
                    asked: {mode: 'cors', body, headers: {'content-type': type, 'x-token': 'x'}},
                    signed: {mode: 'cors', credentials: 'include', body: new URLSearchParams(body)},
                  };
                  const found = {};
                  for (const [name, init] of Object.entries(ways)) {
                    found[name] = await fetch(target, {method: 'POST', ...init}).then(
                      answer => `${answer.type} ${answer.status}`, error => error.name);
                  }
                  found.beacon = String(navigator.sendBeacon(target, new URLSearchParams(body)));
                  return found;
                }""",
                [target, body],
            )
            assert {told[way] for way in ("cors", "asked", "signed")} == {"TypeError"}
            page.evaluate(
                """([target, body]) => {
                  const form = document.createElement('form');
                  form.method = 'post';
                  form.action = target;
                  for (const [name, value] of new URLSearchParams(body)) {
                    const input = document.createElement('input');
                    [input.name, input.value] = [name, value];
                    form.append(input);
                  }
                  document.body.append(form);
                  form.submit();
                }""",
                [target, body],
            )
            expect(page.locator("body")).to_contain_text("Another page may not lead to your desk")
            page.goto(elsewhere())
            assert written(desk.site) == before


def test_a_page_on_another_origin_reads_nothing_of_it(desk: Desk, page: Page, elsewhere: Callable[[], str]) -> None:
    page.goto(elsewhere())
    for path in ("/desk/", "/desk/pay", "/desk/links/ana", "/desk/desk.js", "/desk/sealed/index.html"):
        target = desk.origin + path
        assert page.evaluate("target => fetch(target).then(() => 'read', error => error.name)", target) == "TypeError"
        loaded = page.evaluate(
            """target => new Promise(done => {
              const script = document.createElement('script');
              script.onload = () => done('loaded');
              script.onerror = () => done('refused');
              script.src = target;
              document.body.append(script);
            })""",
            target,
        )
        assert loaded == "refused"
    with page.expect_response(f"{desk.origin}/desk/") as answer:
        page.evaluate(
            """target => {
              const frame = document.createElement('iframe');
              frame.src = target;
              document.body.append(frame);
            }""",
            f"{desk.origin}/desk/",
        )
    assert answer.value.status == 403
    page.wait_for_timeout(500)
    assert all("Ana" not in frame.content() for frame in page.frames)
    page.evaluate(f"location.href = '{desk.origin}/desk/'")
    expect(page.locator("body")).to_contain_text("Type the address yourself")
