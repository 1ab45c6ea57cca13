"""`portalgen new invoice` with lines: services, what waits to be invoiced, what returns, deposits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import MINIMAL_CLIENT, Result, invoke, minimal_site
from tests.test_issue import ANA, rows, snapshot

DAY = "2026-11-30"
SESSION = "- {{id: {id}, start: {day}T10:00+00:00, service: walk, status: {status}}}\n"
FILES = {
    **MINIMAL_CLIENT,
    "content/services/walk.md": "---\nname: Walk\nprice: 80.00\n---\nBy the canal.\n",
    "content/services/far.md": "---\nname: Far\nprice: 70.00\ncurrency: GBP\n---\nBy video.\n",
    "content/services/talk.md": "---\nname: Talk\nprice: on_request\n---\nIndoors.\n",
    ANA + "sessions.yaml": "".join(
        SESSION.format(id=f"ana-{day}", day=f"2026-11-{day:02}", status=status)
        for day, status in ((3, "held"), (10, "held"), (17, "cancelled_by_me"), (30, "held"))
    )
    + SESSION.format(id="ana-later", day="2026-12-08", status="planned"),
}
RECURRING = (
    "recurring:\n"
    "  - {id: room, from: 2026-10-31, every: 1m, lines: [{description: Room, unit_price: 200.00}], approve: APPROVE}\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Ana with three held sessions that wait, one to come, and a charge."""
    client = (
        FILES[ANA + "client.yaml"] + "charges:\n  - {id: book, date: 2026-11-05, description: Book, amount: 12.00}\n"
    )
    return minimal_site(tmp_path, {**FILES, ANA + "client.yaml": client})


def new(site: Path, *args: str) -> Result:
    """`portalgen new invoice` at the end of November."""
    return invoke("new", "invoice", *args, "--site", site, "--today", DAY)


def text(site: Path, result: Result) -> str:
    """The file that was made."""
    path: str = result.json["path"]
    return (site / path).read_text(encoding="utf-8")


def checks(site: Path) -> bool:
    """Whether the site could be built."""
    return invoke("check", "--site", site, "--today", DAY).code == 0


def test_what_waits_becomes_a_draft_that_one_can_issue(site: Path) -> None:
    result = new(site, "ana", "--sessions", "unbilled", "--charges", "waiting", "--json")
    assert result.code == 0, result
    assert text(site, result) == (
        "id: ana-2026-11-30\n"
        "# A draft: it appears nowhere until it has a number and a date.\n"
        "# number: …\n"
        "# issued: …\n"
        "service_period: {from: 2026-11-03, to: 2026-11-30}\n"
        "lines:\n"
        "  - session: ana-3   # 2026-11-03, 80.00 EUR\n"
        "  - session: ana-10   # 2026-11-10, 80.00 EUR\n"
        "  - session: ana-30   # 2026-11-30, 80.00 EUR\n"
        "  - charge: book   # 2026-11-05, 12.00 EUR\n"
    )
    assert checks(site)
    issued = invoke("issue", "ana-2026-11-30", "--site", site, "--today", DAY, "--json")
    assert issued.json["issued"][0]["amount"] == "252.00"


def test_hours_of_a_session_stand_in_the_draft(site: Path) -> None:
    service = site / "content/services/walk.md"
    service.write_text(service.read_text().replace("price:", "unit: hour\nduration_minutes: 90\nprice:", 1))
    result = new(site, "ana", "--sessions", "ana-10,ana-later", "--json")
    assert text(site, result).endswith(
        "  - {session: ana-10, quantity: 1.5}   # 2026-11-10, 120.00 EUR\n"
        "  - {session: ana-later, quantity: 1.5}   # 2026-12-08, 120.00 EUR\n"
    )
    assert checks(site)


def test_it_says_what_it_made_and_what_comes_next(site: Path) -> None:
    said = new(site, "ana", "--sessions", "unbilled").stdout
    assert "Drafted: content/clients/ana/invoices/ana-2026-11-30.yaml, 3 lines, 240.00 EUR" in said
    assert "portalgen issue ana-2026-11-30" in said


def test_nothing_that_waits_makes_no_file(site: Path) -> None:
    assert new(site, "ana", "--sessions", "unbilled", "--charges", "waiting").code == 0
    before = snapshot(site)
    again = new(site, "ana", "--sessions", "unbilled", "--charges", "waiting", "--recurring", "due")
    assert again.code == 0
    assert "Nothing is waiting to be invoiced for Ana Horvat. No file was made." in again.stdout
    assert snapshot(site) == before
    assert new(site, "ana", "--sessions", "unbilled", "--json").json == {
        "path": None,
        "drafts": [],
        "issued": [],
        "left_out": [],
    }


def test_sessions_can_be_named_also_those_to_come(site: Path) -> None:
    made = text(site, new(site, "ana", "--sessions", "ana-10, ana-later", "--json"))
    assert "  - session: ana-10   # 2026-11-10, 80.00 EUR\n  - session: ana-later   # 2026-12-08" in made
    assert "ana-3" not in made
    assert "already on an invoice" in new(site, "ana", "--sessions", "ana-10").stderr


def test_services_are_lines_and_one_without_a_price_waits_for_it(site: Path) -> None:
    result = new(site, "ana", "--service", "walk", "--service", "talk", "--terms", "net14", "--json")
    assert "terms: net14\n" in text(site, result)
    assert text(site, result).endswith(
        "lines:\n"
        "  - service: walk   # 80.00 EUR\n"
        "  - {service: talk, unit_price: 0.00}   # no fixed price: write yours\n"
    )
    assert checks(site)


def test_a_deposit_is_a_share_or_an_amount(site: Path) -> None:
    share = text(site, new(site, "ana", "--service", "walk", "--deposit", "30%", "--json"))
    assert "kind: deposit\n" in share
    assert "  - description: 'Deposit: Walk'\n    service: walk\n    unit_price: 24.00\n" in share
    amount = text(site, new(site, "ana", "--deposit", "50", "--json"))
    assert "  - {description: Deposit, unit_price: 50}\n" in amount
    assert checks(site)
    assert "nothing to take a share of" in new(site, "ana", "--deposit", "30%").stderr
    assert "for one service" in new(site, "ana", "--deposit", "9", "--service", "walk", "--service", "talk").stderr


def test_each_run_that_is_due_becomes_one_draft_and_never_a_second(site: Path) -> None:
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text(encoding="utf-8") + RECURRING.replace("APPROVE", "draft"), encoding="utf-8")
    result = new(site, "ana", "--recurring", "due", "--json")
    assert result.json["drafts"] == [ANA + f"invoices/room-2026-{day}.yaml" for day in ("10-31", "11-30")]
    assert text(site, result) == (
        "id: room-2026-10-31\n"
        "# A draft: it appears nowhere until it has a number and a date.\n"
        "# number: …\n"
        "# issued: …\n"
        "service_period: {from: 2026-10-31, to: 2026-11-29}\n"
        "lines:\n"
        "  - {description: Room, unit_price: 200.00}\n"
    )
    assert new(site, "ana", "--recurring", "due", "--json").json["drafts"] == []


def test_a_run_that_is_approved_is_issued_at_once_and_stays_so_when_its_file_goes(site: Path) -> None:
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text(encoding="utf-8") + RECURRING.replace("APPROVE", "auto"), encoding="utf-8")
    result = new(site, "--all", "--recurring", "due", "--json")
    assert result.json["drafts"] == []
    assert len(result.json["issued"]) == 2
    assert {number: row["id"] for number, row in rows(site).items()} == {
        "2026-0002": "room-2026-10-31",
        "2026-0003": "room-2026-11-30",
    }
    assert checks(site)
    (site / ANA / "invoices/room-2026-10-31.yaml").unlink()
    assert new(site, "ana", "--recurring", "due", "--json").json["issued"] == []


def test_all_clients_are_drafted_and_those_with_errors_are_named(site: Path) -> None:
    (site / "content/clients/bert").mkdir()
    (site / "content/clients/bert/client.yaml").write_text("id: bert\nname: {display: Bert}\n", encoding="utf-8")
    session = SESSION.format(id="b", day="2026-11-02", status="held")
    (site / "content/clients/bert/sessions.yaml").write_text(session, encoding="utf-8")
    (site / "content/clients/cleo").mkdir()
    (site / "content/clients/cleo/client.yaml").write_text("id: cleo\n", encoding="utf-8")
    result = new(site, "--all", "--sessions", "unbilled", "--json")
    assert [path.split("/")[2] for path in result.json["drafts"]] == ["ana", "bert"]
    assert result.json["left_out"] == ["cleo"]
    assert result.code == 2  # what was done is done, but not everything was


def test_help_does_not_show_the_value_of_recurring_as_optional() -> None:
    text = invoke("new", "--help").stdout
    assert "--recurring due" in text
    assert "[due]" not in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("ana", "--service", "wlk"), "did you mean walk"),
        (("ana", "--sessions", "none"), "has no session 'none'"),
        (("ana", "--charges", "none"), "no charge 'none'"),
        (("ana", "--terms", "net14"), "say what to invoice"),
        (("ana", "--service", "walk", "--terms", "net15"), "did you mean net14"),
        (("an", "--service", "walk"), "did you mean ana"),
        (("ana", "--service", "walk", "--service", "far"), "these are in EUR and GBP"),
        (("--service", "walk"), "name one client"),
        (("ana", "--all", "--service", "walk"), "name one client"),
        (("ana", "--service", "walk", "--deposit", "x"), "not a fee"),
        (("ana", "--deposit", "0"), "a deposit of nothing"),
        (("ana", "--service", "walk", "--deposit", "0%"), "a deposit of nothing"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_written(site: Path, args: tuple[str, ...], said: str) -> None:
    before = snapshot(site)
    result = new(site, *args)
    assert result.code == 2, result
    assert said in result.stderr
    assert snapshot(site) == before


def test_a_service_in_another_currency_makes_an_invoice_in_it(site: Path) -> None:
    assert "currency: GBP\n" in text(site, new(site, "ana", "--service", "far", "--json"))
    assert checks(site)


def test_a_charge_that_no_line_could_name_is_told(site: Path) -> None:
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text(encoding="utf-8").replace("id: book, ", ""), encoding="utf-8")
    assert "has no id" in new(site, "ana", "--charges", "waiting").stderr


def test_the_options_are_those_of_an_invoice(site: Path) -> None:
    result = invoke("new", "guide", "walk", "--sessions", "unbilled", "--site", site)
    assert result.code == 2
    assert "none of the options of an invoice" in result.stderr


def test_without_options_the_draft_is_for_what_the_client_comes_for(site: Path) -> None:
    (site / "content/services/a-first.md").write_text("---\nname: A\nprice: 1.00\n---\nx\n", encoding="utf-8")
    assert "  - service: walk\n" in text(site, new(site, "ana", "--json"))
