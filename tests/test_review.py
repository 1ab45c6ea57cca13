"""The weekly review: what each part names, the ladder of what is late, and that nothing of it is published (M15, R3)."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Built, invoke, minimal_site
from tests.test_judges_browser import AXE_TAGS, RUN_AXE

ANA = "content/clients/ana/"
INVOICE = ANA + "invoices/2026-0001.yaml"
CLIENT = str(MINIMAL_CLIENT[ANA + "client.yaml"])
KNOWN = "risk: {reference_checked: true}\n"
"""What keeps the review from asking about a new client."""

SERVICE = "---\nname: Session\nprice: 60.00\n---\n"
TERMS = "content/terms/net14.yaml"
LADDER = """\
id: net14
due: net 14
escalation:
  - {after_days: 7, stage: reminder}
  - {after_days: 21, stage: request, deadline_days: 14}
  - {after_days: 45, stage: final}
"""
PAID = "- {id: p1, date: 2026-11-03, amount: 120.00, currency: EUR, method: cash, allocations: [{invoice: 2026-0001, amount: 120.00}]}\n"
QUIET: dict[str, str | bytes | None] = {
    **MINIMAL_CLIENT,
    ANA + "client.yaml": CLIENT + KNOWN,
    ANA + "payments.yaml": PAID,
}
"""Ana, of whom nothing is asked."""

Items = list[dict[str, Any]]


def site_of(root: Path, files: dict[str, str] | None = None, *, client: str = "", practice: str = "") -> Path:
    """Ana's quiet site with these files over it, more keys in her file and more keys of the practice."""
    whole: dict[str, str | bytes | None] = {**QUIET, **(files or {})}
    whole[ANA + "client.yaml"] = f"{CLIENT}{'' if 'risk:' in client else KNOWN}{client}"
    whole["content/site.yaml"] = MINIMAL["content/site.yaml"].replace("  methods:", f"{practice}  methods:")
    return minimal_site(root, whole)


def review(root: Path, today: str = DEMO_DAY, code: int = 0) -> Any:
    """The review as data."""
    result = invoke("review", "--site", root, "--today", today, "--json")
    assert result.code == code, result
    return result.json


def items(root: Path, section: str, today: str = DEMO_DAY) -> Items:
    """What one section holds; nothing when it is not there."""
    found: dict[str, Items] = {one["name"]: one["items"] for one in review(root, today)["sections"]}
    return found.get(section, [])


def codes(root: Path, section: str, today: str = DEMO_DAY) -> list[str]:
    """The codes of what one section holds."""
    return [one["code"] for one in items(root, section, today)]


# --- nothing ------------------------------------------------------------------------------------------


def test_an_empty_week_has_nothing_to_do(tmp_path: Path) -> None:
    root = site_of(tmp_path)
    assert invoke("review", "--site", root, "--today", DEMO_DAY).stdout == "Nothing to do.\n"
    data = review(root)
    assert (data["count"], data["sections"], data["day"], data["last"]) == (0, [], "2026-11-21", "2026-11-27")


def test_a_practice_without_clients_has_nothing_to_do(tmp_path: Path) -> None:
    assert invoke("review", "--site", minimal_site(tmp_path), "--today", DEMO_DAY).stdout == "Nothing to do.\n"


# --- due ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "found"),
    [
        ("2026-11-09", []),  # due on the eighth day
        ("2026-11-10", ["due"]),
        ("2026-11-16", ["due"]),
        ("2026-11-17", []),
    ],
)
def test_what_falls_due_within_seven_days(tmp_path: Path, today: str, found: list[str]) -> None:
    assert codes(site_of(tmp_path, {ANA + "payments.yaml": "[]\n"}), "due", today) == found


def test_each_part_of_a_plan_and_only_what_is_not_disputed(tmp_path: Path) -> None:
    plan = "schedule: [{due: 2026-11-22, amount: 50.00}, {due: 2026-11-26, amount: 50.00}, {due: 2026-12-30, rest: true}]\n"
    text = str(MINIMAL_CLIENT[INVOICE]) + plan
    root = site_of(tmp_path / "plan", {INVOICE: text, ANA + "payments.yaml": "[]\n"})
    assert [(one["day"], one["amount"]) for one in items(root, "due")] == [
        ("2026-11-22", "50.00"),
        ("2026-11-26", "50.00"),
    ]
    text += "disputed: {from: 2026-11-10, amount: 90.00}\n"
    root = site_of(tmp_path / "disputed", {INVOICE: text, ANA + "payments.yaml": "[]\n"})
    assert [(one["day"], one["amount"]) for one in items(root, "due")] == [("2026-11-22", "30.00")]


def test_days_of_grace_are_no_reason_to_write(tmp_path: Path) -> None:
    terms = LADDER + "late: {kind: none, grace_days: 10}\n"
    root = site_of(tmp_path, {TERMS: terms, ANA + "payments.yaml": "[]\n"})
    (one,) = items(root, "due")
    assert (one["code"], one["day"], one["other_day"], one["command"]) == ("grace", "2026-11-16", "2026-11-26", None)
    assert items(root, "overdue") == []


# --- the ladder ---------------------------------------------------------------------------------------

REMINDED = (
    "- {at: 2026-11-24T10:00+00:00, channel: email, direction: out, kind: reminder, summary: R, invoice: [2026-0001]}\n"
)
ASKED = (
    "- {at: 2026-12-08T10:00+00:00, channel: email, direction: out, kind: request, summary: Q, invoice: [2026-0001]}\n"
)


def late(root: Path, today: str, log: str = "", **more: Any) -> dict[str, Any]:
    """Ana's invoice over 120.00, due on 16 November, on a later day."""
    files = {TERMS: LADDER, ANA + "payments.yaml": "[]\n", **({ANA + "log.yaml": log} if log else {})}
    files |= more.pop("files", {})
    found = items(site_of(root, files, **more), "overdue", today)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("today", "log", "due", "done", "following", "on", "now"),
    [
        ("2026-11-17", "", None, None, "reminder", "2026-11-23", False),
        ("2026-11-23", "", "reminder", None, "reminder", "2026-11-23", True),
        ("2027-02-01", "", "final", None, "reminder", "2026-11-23", True),  # no step is left out
        ("2026-11-25", REMINDED, "reminder", "reminder", "request", "2026-12-07", False),
        ("2026-12-07", REMINDED, "request", "reminder", "request", "2026-12-07", True),
        ("2027-02-01", REMINDED, "final", "reminder", "request", "2026-12-07", True),
        ("2026-12-20", REMINDED + ASKED, "request", "request", "final", "2026-12-31", False),
        ("2027-01-01", REMINDED + ASKED, "final", "request", "final", "2026-12-31", True),
        # the time that a letter gave is waited for: 14 days from 25 December
        (
            "2027-01-03",
            ASKED.replace("2026-12-08", "2026-12-25"),
            "final",
            "request",
            "final",
            "2027-01-09",
            False,
        ),
        ("2027-01-03", ASKED.replace("request", "final"), "final", "final", None, None, False),
        # a stage that these terms do not have: every milder one is done
        ("2027-01-03", ASKED.replace("request", "demand"), "final", "demand", None, None, False),
        # not ours: another invoice's, the client's own, before it was due, of a day to come, put right later
        (
            "2026-12-01",
            REMINDED.replace(", invoice: [2026-0001]", ""),
            "reminder",
            None,
            "reminder",
            "2026-11-23",
            True,
        ),
        ("2026-12-01", REMINDED.replace("out", "in"), "reminder", None, "reminder", "2026-11-23", True),
        ("2026-12-01", REMINDED.replace("11-24", "11-16"), "reminder", None, "reminder", "2026-11-23", True),
        ("2026-11-23", REMINDED, "reminder", None, "reminder", "2026-11-23", True),
        (
            "2026-12-01",
            REMINDED.replace("summary: R", "summary: R, id: r")
            + "- {at: 2026-11-25T10:00+00:00, channel: email, direction: out, summary: It was never sent, amends: r}\n",
            "reminder",
            None,
            "reminder",
            "2026-11-23",
            True,
        ),
    ],
)
def test_the_ladder_takes_one_step_after_the_other(
    tmp_path: Path, today: str, log: str, due: str | None, done: str | None, following: str | None, on: str, now: bool
) -> None:
    found = late(tmp_path, today, log)["escalation"]
    assert (found["due"], found["done"], found["next"], found["next_on"]) == (due, done, following, on)
    assert found["now"] is now
    assert found["paused"] == []


def test_days_of_grace_count_for_no_step(tmp_path: Path) -> None:
    found = late(tmp_path, "2026-11-30", files={TERMS: LADDER + "late: {kind: none, grace_days: 10}\n"})
    assert found["days"] == 4
    assert found["escalation"]["next_on"] == "2026-12-03"


PROMISE = "- {at: 2026-11-20T10:00+00:00, channel: phone, direction: in, kind: promise, summary: P, invoice: [2026-0001], promise: {amount: 120.00, by: 2026-12-01}}\n"
DISPUTE = (
    "- {at: 2026-11-20T10:00+00:00, channel: email, direction: in, kind: dispute, summary: D, invoice: [2026-0001]}\n"
)


@pytest.mark.parametrize(
    ("log", "client", "invoice", "terms", "paused"),
    [
        (PROMISE, "", "", "", ["promise"]),
        ("", "", "disputed: {from: 2026-11-18}\n", "", ["dispute"]),
        ("", "", "disputed: {from: 2026-11-18, amount: 50.00}\n", "", []),  # the rest is still due
        ("", "", "disputed: {from: 2026-11-18, until: 2026-11-20}\n", "", []),
        (DISPUTE, "", "", "", ["dispute"]),
        (DISPUTE.replace("kind: dispute", "kind: concern, status: open"), "", "", "", ["dispute"]),
        (DISPUTE.replace("kind: dispute", "kind: dispute, status: settled"), "", "", "", []),
        (DISPUTE, "", "disputed: {from: 2026-11-18, amount: 50.00}\n", "", []),
        ("", "", "schedule: [{due: 2026-11-16, percent: 50}, {due: 2027-01-16, rest: true}]\n", "", ["plan"]),
        ("", "do_not_contact: true\n", "", "", ["do_not_contact"]),
        ("", "legal_hold: true\n", "", "", ["legal_hold"]),
        ("", "", "", "min_amount_to_escalate: 120.01\n", ["minimum_amount"]),
        ("", "", "", "min_amount_to_escalate: 120.00\n", []),
        (PROMISE, "legal_hold: true\n", "", "", ["promise", "legal_hold"]),
    ],
)
def test_what_pauses_the_ladder(
    tmp_path: Path, log: str, client: str, invoice: str, terms: str, paused: list[str]
) -> None:
    files = {INVOICE: str(MINIMAL_CLIENT[INVOICE]) + invoice, TERMS: LADDER + terms}
    found = late(tmp_path, "2026-12-01", log, client=client, files=files)
    assert found["escalation"]["paused"] == paused
    assert found["escalation"]["now"] is (not paused)
    assert (found["command"] is None) is bool(paused)
    assert found["do"].startswith("Send nothing now" if paused else "Send a friendly reminder")


def test_a_broken_promise_is_named(tmp_path: Path) -> None:
    found = late(tmp_path, "2026-12-02", PROMISE)
    assert (found["escalation"]["paused"], found["escalation"]["broken"]) == ([], "2026-12-01")
    assert "They had promised to pay by Tuesday 1 December." in found["text"]


def test_money_on_its_way_is_looked_for_before_anybody_is_reminded(tmp_path: Path) -> None:
    for amount, first in (("119.99", "Send"), ("120.00", "First look")):
        paid = PAID.replace("120.00", amount).replace("cash,", "cash, status: pending,")
        found = late(tmp_path / first[0], "2026-12-01", files={ANA + "payments.yaml": paid})
        assert found["pending"] == {"amount": amount, "currency": "EUR"}
        assert found["do"].startswith(first)


def test_the_gravest_step_comes_first_and_what_waits_last(tmp_path: Path) -> None:
    def invoice(n: int, issued: str) -> str:
        lines = "lines: [{description: Session, unit_price: 60.00}]\n"
        return f"id: 2026-000{n}\nnumber: 2026-000{n}\nissued: {issued}\n{lines}"

    files = {
        TERMS: LADDER,
        ANA + "payments.yaml": "[]\n",
        INVOICE: invoice(1, "2026-09-01"),  # never reminded
        ANA + "invoices/2026-0002.yaml": invoice(2, "2026-10-01"),  # reminded: a request is next
        ANA + "invoices/2026-0003.yaml": invoice(3, "2026-11-01"),  # waits for its seventh day
        ANA + "invoices/2026-0004.yaml": invoice(4, "2026-08-01") + "disputed: {from: 2026-09-01}\n",
        ANA + "log.yaml": REMINDED.replace("0001", "0002").replace("2026-11-24", "2026-10-20"),
    }
    found = items(site_of(tmp_path, files), "overdue", DEMO_DAY)
    assert [one["refs"] for one in found] == [["2026-0002"], ["2026-0001"], ["2026-0003"], ["2026-0004"]]
    assert found[0]["command"] == "portalgen letter request 2026-0002"
    assert found[1]["command"] == "portalgen links ana --invoice 2026-0001"


def test_the_commands_it_names_do_what_they_say(tmp_path: Path) -> None:
    found = late(tmp_path, "2027-02-01", REMINDED)
    assert invoke("build", "--site", tmp_path, "--today", "2027-02-01").code == 0
    _, *command = found["command"].split()
    assert invoke(*command, "--site", tmp_path, "--today", "2027-02-01").code == 0
    assert "note it with portalgen log ana, --kind request and --invoice 2026-0001." in found["do"]
    noted = ("log", "ana", "Sent it", "--kind", "request", "--invoice", "2026-0001")
    assert invoke(*noted, "--site", tmp_path, "--today", "2027-02-01").code == 0
    assert items(tmp_path, "overdue", "2027-02-01")[0]["escalation"]["done"] == "request"


# --- what is to be billed -----------------------------------------------------------------------------

HELD = "- {id: a, start: 2026-11-10T10:00+00:00, service: session, status: held}\n- {id: b, start: 2026-11-30T10:00+00:00, service: session}\n"


def test_sessions_and_charges_that_wait(tmp_path: Path) -> None:
    files = {"content/services/session.md": SERVICE, ANA + "sessions.yaml": HELD}
    charge = "charges: [{id: report, date: 2026-11-02, description: Report, amount: 40.00}]\n"
    root = site_of(tmp_path, files, client=charge)
    found = items(root, "to_bill")
    assert [(one["code"], one["refs"], one["amount"], one["day"], one["count"]) for one in found] == [
        ("charges", ["report"], "40.00", "2026-11-02", 1),
        ("sessions", ["a"], "60.00", "2026-11-10", 1),
    ]
    for one in found:
        assert invoke(*one["command"].split()[1:], "--site", root, "--today", DEMO_DAY).code == 0
    assert items(root, "to_bill") == []
    assert {one["code"] for one in items(root, "drafts")} == {"draft"}


def test_a_price_that_is_not_fixed_is_counted_and_not_summed(tmp_path: Path) -> None:
    service = SERVICE.replace("60.00", "on_request")
    found = items(site_of(tmp_path, {"content/services/session.md": service, ANA + "sessions.yaml": HELD}), "to_bill")
    assert [(one["amount"], one["count"]) for one in found] == [(None, 1)]


def test_sessions_of_which_nobody_wrote_what_became_of_them(tmp_path: Path) -> None:
    rows = [("2026-11-21", "planned"), ("2026-11-20", "confirmed"), ("2026-11-19", "planned"), ("2026-11-18", "held")]
    found = items(site_of(tmp_path, sessions(*rows)), "to_bill")
    assert [(one["code"], one["refs"], one["day"], one["count"]) for one in found] == [
        ("unmarked", ["s2", "s1"], "2026-11-19", 2)
    ]


def test_runs_that_are_due_and_that_were_missed(tmp_path: Path) -> None:
    run = "recurring: [{id: room, from: 2026-10-21, every: 1m, lines: [{description: Room, unit_price: 9.00}]}]\n"
    root = site_of(tmp_path, client=run)
    found = items(root, "recurring")
    assert [(one["code"], one["refs"]) for one in found] == [
        ("run_missed", ["room-2026-10-21"]),
        ("run_due", ["room-2026-11-21"]),
    ]
    assert invoke(*found[0]["command"].split()[1:], "--site", root, "--today", DEMO_DAY).code == 0
    assert items(root, "recurring") == []


def test_drafts_and_what_appears_this_week(tmp_path: Path) -> None:
    text = str(MINIMAL_CLIENT[INVOICE]).replace("0001", "0002")
    draft = "id: spring\nlines: [{description: Session, unit_price: 60.00}]\n"
    root = site_of(
        tmp_path,
        {
            ANA + "invoices/2026-0002.yaml": text.replace("2026-11-02", "2026-11-27"),
            ANA + "invoices/2026-0003.yaml": text.replace("0002", "0003").replace("2026-11-02", "2026-11-28"),
            ANA + "invoices/spring.yaml": draft,
        },
    )
    found = items(root, "drafts")
    assert [(one["code"], one["refs"], one["amount"], one["day"]) for one in found] == [
        ("draft", ["spring"], "60.00", None),
        ("scheduled", ["2026-0002"], "120.00", "2026-11-27"),
    ]


# --- money that is there ------------------------------------------------------------------------------

ADVANCE = "- {id: p2, date: 2026-11-04, amount: %s, currency: EUR, method: cash%s}\n"


def test_money_that_pays_for_nothing_is_named_and_a_retainer_is_not(tmp_path: Path) -> None:
    root = site_of(tmp_path / "free", {ANA + "payments.yaml": PAID + ADVANCE % ("30.00", "")})
    assert [(one["amount"], one["currency"]) for one in items(root, "unallocated")] == [("30.00", "EUR")]
    retainer = "retainer: {kind: advance, amount: 300.00, floor: 50.00}\n"
    files = {ANA + "payments.yaml": PAID + ADVANCE % ("300.00", ", for: retainer")}
    root = site_of(tmp_path / "kept", files, client=retainer)
    assert items(root, "unallocated") == items(root, "ahead") == []


def test_retainers_to_pay_to_fill_up_and_to_give_back(tmp_path: Path) -> None:
    retainer = "retainer: {kind: advance, amount: 300.00, floor: 50.00%s}\n"
    first = site_of(tmp_path / "first", client=retainer % "")
    assert [(one["code"], one["amount"]) for one in items(first, "ahead")] == [("retainer_first", "300.00")]
    later = site_of(tmp_path / "later", client=retainer % ", due: 2026-11-28")
    assert items(later, "ahead") == []
    drawn = str(MINIMAL_CLIENT[INVOICE]).replace("60.00", "130.00")
    paid = ADVANCE.replace("2026-11-04", "2026-11-01") % ("300.00", ", for: retainer")
    files = {ANA + "payments.yaml": paid, INVOICE: drawn}
    low = site_of(tmp_path / "low", files, client=retainer % "")
    assert [(one["code"], one["amount"], one["held"]) for one in items(low, "ahead")] == [
        ("retainer_low", "260.00", {"amount": "40.00", "currency": "EUR"})
    ]
    ended = "status: ended\nended: {date: 2026-11-10, referrals: none, reason_private: Moved}\n"
    over = site_of(tmp_path / "over", files, client=retainer % "" + ended)
    assert [(one["code"], one["amount"]) for one in items(over, "ahead")] == [("retainer_refund", "40.00")]


@pytest.mark.parametrize(
    ("package", "found"),
    [
        ("sessions: 2", ["package_ends"]),
        ("sessions: 3", []),
        ("sessions: 3, expires: 2026-12-21", ["package_ends"]),
        ("sessions: 3, expires: 2026-12-22", []),
        ("sessions: 3, expires: 2026-11-15", ["package_expired"]),
        ("sessions: 3, expires: 2026-11-14", []),
        ("sessions: 1", []),
    ],
)
def test_packages_about_to_end(tmp_path: Path, package: str, found: list[str]) -> None:
    files = {"content/services/session.md": SERVICE, ANA + "sessions.yaml": HELD}
    bought = f"packages: [{{service: session, bought: 2026-11-01, price: 100.00, {package}}}]\n"
    assert codes(site_of(tmp_path, files, client=bought), "ahead") == found


# --- people -------------------------------------------------------------------------------------------

AGREEMENT = "---\ntitle: Our agreement\nversion: 2\neffective: 2026-01-01\n%s---\nWe agree.\n"
ACCEPTED = "agreements: [ours]\naccepted: [{agreement: ours, version: %s, date: %s, by: Ana, method: paper%s}]\n"


@pytest.mark.parametrize(
    ("agreement", "client", "found"),
    [
        ("", "agreements: [ours]\n", [("agreement_open", 1)]),
        ("", ACCEPTED % (2, "2026-01-12", ""), []),
        ("", ACCEPTED % (1, "2025-01-12", ""), [("agreement_outdated", 1)]),
        ("material: false\n", ACCEPTED % (1, "2025-01-12", ""), []),
        ("", ACCEPTED % (2, "2026-01-12", ", revoked: 2026-11-11"), [("agreement_revoked", 0)]),
        ("expires_after: 1m\n", ACCEPTED % (2, "2026-10-20", ""), [("agreement_expired", 0)]),
        ("expires_after: 1m\n", ACCEPTED % (2, "2026-10-21", ""), []),
        ("signers: 2\n", ACCEPTED % (2, "2026-01-12", ""), [("agreement_signers", 1)]),
        ("draft: true\n", "agreements: [ours]\n", []),
        ("", "status: ended\nended: {date: 2026-11-12, referrals: none, reason_private: R}\nagreements: [ours]\n", []),
    ],
)
def test_agreements_that_are_not_accepted_as_they_are(
    tmp_path: Path, agreement: str, client: str, found: list[tuple[str, int]]
) -> None:
    files = {
        "content/agreements/ours.md": AGREEMENT % agreement,
        "content/services/session.md": SERVICE,
        ANA + "sessions.yaml": HELD,
    }
    root = site_of(tmp_path, files, client=client)
    assert [(one["code"], one["count"]) for one in items(root, "agreements")] == found


FOLLOW = "- {at: 2026-11-17T10:00+00:00, channel: phone, direction: in, summary: Call, id: f%s, follow_up: {on: %s, what: Call back}}\n"
MORE = "- {at: 2026-11-20T10:00+00:00, channel: phone, direction: out, summary: Called, %s}\n"


@pytest.mark.parametrize(
    ("log", "days"),
    [
        (FOLLOW % ("", "2026-11-18"), ["2026-11-18"]),
        (FOLLOW % ("", "2026-11-27"), ["2026-11-27"]),
        (FOLLOW % ("", "2026-11-28"), []),
        (FOLLOW % (", status: done", "2026-11-18"), []),
        (FOLLOW % (", status: open", "2026-11-18"), ["2026-11-18"]),
        (FOLLOW % ("", "2026-11-18") + MORE % "kind: follow_up", []),
        (FOLLOW % ("", "2026-11-21") + MORE % "kind: follow_up", ["2026-11-21"]),
        (FOLLOW % ("", "2026-11-18") + MORE % "kind: general", ["2026-11-18"]),
        (FOLLOW % ("", "2026-11-18") + MORE % "amends: f", []),
    ],
)
def test_what_the_log_says_to_do(tmp_path: Path, log: str, days: list[str]) -> None:
    root = site_of(tmp_path, {ANA + "log.yaml": log})
    assert [one["day"] for one in items(root, "follow_ups")] == days


def sessions(*rows: tuple[str, str]) -> dict[str, str]:
    """A service and sessions of it: (day, status)."""
    lines = [
        f"- {{id: s{n}, start: {day}T10:00+00:00, service: s, status: {status}, fee: 0.00}}\n"
        for n, (day, status) in enumerate(rows)
    ]
    return {"content/services/s.md": SERVICE.replace("60.00", "free"), ANA + "sessions.yaml": "".join(lines)}


HERE = ("2026-11-02", "held")


@pytest.mark.parametrize(
    ("rows", "client", "found"),
    [
        ([HERE], "", ["not_rebooked"]),
        ([HERE, ("2026-11-21", "planned")], "", []),
        ([HERE, ("2026-12-01", "cancelled_by_me")], "", ["not_rebooked"]),
        ([("2026-11-02", "no_show")], "", []),
        ([HERE], "status: paused\n", []),
        ([HERE], "status: ended\nended: {date: 2026-11-12, referrals: none, reason_private: R}\n", []),
        ([HERE], "do_not_contact: true\n", []),
        ([HERE], "do_not_contact: true\nrhythm: {every: 12d}\n", []),
        ([HERE], "status: paused\nrhythm: {every: 12d}\n", []),
        # 19 days: one and a half times two weeks is 21, twelve days is 18
        ([HERE], "rhythm: {every: 2w}\n", ["not_rebooked"]),
        ([HERE], "rhythm: {every: 12d}\n", ["beyond_rhythm"]),
        ([HERE], "rhythm: {every: 12d, until: 2026-11-20}\n", ["not_rebooked"]),
        ([HERE], "rhythm: {every: 12d, from: 2026-11-04}\n", ["not_rebooked"]),
        ([HERE, ("2026-12-20", "planned")], "rhythm: {every: 12d}\n", ["beyond_rhythm"]),
        ([HERE, ("2026-12-20", "planned")], "rhythm: {every: 2w}\n", []),
    ],
)
def test_who_has_nothing_planned(tmp_path: Path, rows: list[tuple[str, str]], client: str, found: list[str]) -> None:
    assert codes(site_of(tmp_path, sessions(*rows), client=client), "rebooking") == found


def test_leave_stretches_a_rhythm(tmp_path: Path) -> None:
    away = "  leave: [{from: 2026-11-10, to: 2026-11-12, cover: Niamh}]\n"
    root = site_of(tmp_path, sessions(HERE), client="rhythm: {every: 12d}\n", practice=away)
    assert codes(root, "rebooking") == ["not_rebooked"]


def test_the_longest_ago_comes_first_with_the_last_contact(tmp_path: Path) -> None:
    ben = "content/clients/ben/"
    files = {
        **sessions(HERE),
        ANA + "log.yaml": MORE % "kind: general",
        ben + "client.yaml": "id: ben\nname: {display: Ben}\n" + KNOWN,
        ben + "sessions.yaml": "- {id: b1, start: 2026-10-01T10:00+00:00, service: s, status: held, fee: 0.00}\n",
    }
    found = items(site_of(tmp_path, files), "rebooking")
    assert [(one["client"], one["days"], one["detail"]) for one in found] == [
        ("ben", 51, None),
        ("ana", 19, "2026-11-20"),
    ]


@pytest.mark.parametrize(
    ("client", "log", "day"),
    [
        ("since: 2026-10-27\n", "", "2026-11-27"),
        ("since: 2026-10-28\n", "", None),
        (
            "since: 2020-01-01\n",
            "- {at: 2026-10-20T10:00+00:00, channel: email, direction: in, kind: check_in, summary: C}\n",
            "2026-11-20",
        ),
        ("", "", "2026-11-21"),
        ("since: 2026-10-01\nstatus: paused\n", "", None),
        ("since: 2026-10-01\ndo_not_contact: true\n", "", None),
    ],
)
def test_check_ins_that_are_due(tmp_path: Path, client: str, log: str, day: str | None) -> None:
    files = {ANA + "log.yaml": log} if log else {}
    root = site_of(tmp_path, files, client=client + "check_ins: {every: 1m, questions: [How do you sleep?]}\n")
    assert [one["day"] for one in items(root, "check_ins")] == ([day] if day else [])


@pytest.mark.parametrize(
    ("client", "found"),
    [
        ("risk: {referred_by: Dr Casey}\n", ["no_reference"]),
        ("risk: {reference_checked: 2026-11-01}\n", []),
        ("risk: {reference_checked: true, deposit_required: true}\n", ["no_deposit"]),
        ("risk: {deposit_required: false}\n", []),
        ("risk: {referred_by: Dr Casey}\nsince: 2026-09-22\n", ["no_reference"]),
        ("risk: {referred_by: Dr Casey}\nsince: 2026-09-21\n", []),
        ("risk: {deposit_required: true}\nstatus: lead\n", ["no_deposit"]),
        ("risk: {deposit_required: true}\nstatus: paused\n", []),
    ],
)
def test_new_clients_without_a_reference_and_a_deposit(tmp_path: Path, client: str, found: list[str]) -> None:
    assert codes(site_of(tmp_path, client=client), "new_clients") == found


def test_a_deposit_that_was_paid_is_enough(tmp_path: Path) -> None:
    deposit = str(MINIMAL_CLIENT[INVOICE]) + "kind: deposit\n"
    root = site_of(tmp_path, {INVOICE: deposit}, client="risk: {deposit_required: true}\n")
    assert items(root, "new_clients") == []


def test_estimates_that_end(tmp_path: Path) -> None:
    text = (
        "id: %s\nrequested: 2025-12-01\nfirst_service: 2025-12-10\nitems: [{service: s, count: 4, unit_price: 60.00}]\n"
    )
    path = ANA + "estimates/%s.yaml"
    files = {**sessions(), path % "e1": text % "e1", path % "e2": (text % "e2").replace("2025-12-01", "2026-01-30")}
    assert [(one["refs"], one["day"]) for one in items(site_of(tmp_path / "one", files), "estimates")] == [
        (["e1"], "2026-11-30")
    ]
    files[path % "e2"] += "supersedes: e1\n"
    assert items(site_of(tmp_path / "two", files), "estimates") == []


# --- links and the practice ---------------------------------------------------------------------------


def test_links_that_end_soon_that_ended_and_that_are_still_published(tmp_path: Path) -> None:
    root = site_of(tmp_path, client="link: {expires: 2026-11-25}\n")
    assert items(root, "links") == []  # no link was handed out
    assert invoke("build", "--site", root, "--today", "2026-11-05").code == 0
    assert codes(root, "links", "2026-11-10") == []
    assert codes(root, "links", "2026-11-11") == ["link_ends"]
    assert codes(root, "links", "2026-11-25") == ["link_ends"]
    assert codes(root, "links", "2026-11-26") == ["link_still_open"]
    assert invoke("build", "--site", root, "--today", "2026-11-26").code == 0
    assert codes(root, "links", "2026-11-26") == ["link_ended"]
    assert codes(root, "links", "2026-12-02") == []


def test_a_link_that_ended_while_money_is_open_stays_in_the_list(tmp_path: Path) -> None:
    text = str(MINIMAL_CLIENT[INVOICE]) + "link: {expires: 2026-11-25}\n"
    root = site_of(tmp_path, {INVOICE: text, ANA + "payments.yaml": "[]\n"})
    for day in ("2026-11-05", "2026-11-26"):
        assert invoke("build", "--site", root, "--today", day).code == 0
    (one,) = items(root, "links", "2026-12-30")
    assert (one["code"], one["amount"], one["detail"]) == ("link_ended", "120.00", "invoice")


@pytest.mark.parametrize(
    ("effective", "every", "found"),
    [
        ("2025-11-27", "", ["policy"]),
        ("2025-11-28", "", []),
        ("2026-05-27", "review_every: 6m\n", ["policy"]),
    ],
)
def test_policies_to_look_at_again(tmp_path: Path, effective: str, every: str, found: list[str]) -> None:
    text = f"---\ntitle: Privacy\nkind: other\neffective: {effective}\n{every}---\nText.\n"
    assert codes(site_of(tmp_path, {"content/policies/privacy.md": text}), "practice") == found


def test_colleagues_licences_and_leave(tmp_path: Path) -> None:
    colleagues = """\
- {id: niamh, name: Niamh, checked: 2025-11-27}
- {id: orla, name: Orla, checked: 2025-11-28}
- {id: pat, name: Pat}
"""
    practice = """\
  licences: [{number: L-1, expires: 2026-12-21}, {number: L-2, expires: 2026-12-22}]
  leave:
    - {from: 2026-11-01, to: 2026-11-20, cover: Niamh}
    - {from: 2026-12-21, to: 2027-01-03}
    - {from: 2026-12-22, to: 2027-01-03, cover: Niamh}
"""
    files = {"content/referrals.yaml": colleagues, **sessions(("2026-12-22", "planned"), ("2026-12-23", "rescheduled"))}
    found = items(site_of(tmp_path, files, practice=practice), "practice")
    assert [(one["code"], one["refs"], one["day"], one["count"]) for one in found] == [
        ("referral", ["pat"], None, None),
        ("referral", ["niamh"], "2026-11-27", None),
        ("leave", [], "2026-12-21", 1),
        ("licence", ["L-1"], "2026-12-21", None),
    ]
    assert "Nobody covers." in found[2]["text"]


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_same_files_and_day_give_the_same_bytes(form: list[str], demo: Built) -> None:
    told = {invoke("review", "--site", demo.site, "--today", DEMO_DAY, *form).stdout for _ in range(2)}
    assert len(told) == 1


def test_the_demo_has_most_of_it_in_the_order_of_the_review(demo: Built) -> None:
    data = review(demo.site)
    names = [section["name"] for section in data["sections"]]
    assert names[:6] == ["due", "overdue", "to_bill", "drafts", "unallocated", "ahead"]
    keys = {tuple(one) for section in data["sections"] for one in section["items"]}
    assert len(keys) == 1  # every item has every key
    assert data["count"] == sum(len(section["items"]) for section in data["sections"])
    assert (data["problems"], data["html"]) == ([], None)
    text = invoke("review", "--site", demo.site, "--today", DEMO_DAY).stdout
    assert all(section["title"] in text for section in data["sections"])
    assert max(map(len, text.splitlines())) <= 100


@pytest.fixture(scope="module")
def page(demo: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's review as a page."""
    file = tmp_path_factory.mktemp("review") / "week.html"
    result = invoke("review", "--site", demo.site, "--today", DEMO_DAY, "--html", file)
    assert result.code == 0, result
    assert "keep it to yourself" in result.stdout
    return file


def test_the_page_stands_alone_for_the_owner_alone(page: Path, demo: Built) -> None:
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text(encoding="utf-8")
    assert "portalgen letter request" in text
    assert "<bdi>سلمى</bdi>" in text  # a name from right to left turns nothing else around
    for outside in ("<script", "<img", "<link", "src=", "href=", "url(", "@import"):
        assert outside not in text
    again = page.with_name("again.html")
    data = invoke("review", "--site", demo.site, "--today", DEMO_DAY, "--html", again, "--json").json
    assert data["html"] == str(again)
    assert again.read_bytes() == page.read_bytes()


def test_the_page_passes_axe_in_light_and_dark_and_on_a_phone(page: Path, chromium: Browser, axe_source: str) -> None:
    for scheme, width in (("light", 1280), ("dark", 360)):
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})  # type: ignore[arg-type]
        tab = context.new_page()
        tab.goto(page.as_uri())
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
        tab.evaluate(axe_source)
        assert tab.evaluate(RUN_AXE, AXE_TAGS) == []
        context.close()


def test_words_of_a_file_are_no_html(tmp_path: Path) -> None:
    log = FOLLOW.replace("Call back", '"<b>Call</b> & back"') % ("", "2026-11-18")
    file = tmp_path / "week.html"
    root = site_of(tmp_path / "site", {ANA + "log.yaml": log})
    assert invoke("review", "--site", root, "--today", DEMO_DAY, "--html", file).code == 0
    text = file.read_text(encoding="utf-8")
    assert "&lt;b&gt;Call&lt;/b&gt; &amp; back" in text
    assert "<b>" not in text


def test_an_empty_week_is_a_page_too(tmp_path: Path) -> None:
    file = tmp_path / "week.html"
    root = site_of(tmp_path / "site")
    assert invoke("review", "--site", root, "--today", DEMO_DAY, "--html", file).code == 0
    assert "<p>Nothing to do.</p>" in file.read_text(encoding="utf-8")


def test_no_page_goes_where_it_would_be_published(tmp_path: Path) -> None:
    root = site_of(tmp_path / "site")
    public = tmp_path / "public"
    assert invoke("build", "--site", root, "--today", DEMO_DAY, "--output", public).code == 0
    for place in (public / "week.html", root / "output" / "week.html", root / "content" / "static" / "week.html"):
        result = invoke("review", "--site", root, "--today", DEMO_DAY, "--html", place)
        assert result.code == 4, result
        assert "name a file" in result.stderr
        assert not place.exists()


def test_nothing_of_it_is_published(tmp_path: Path) -> None:
    log = REMINDED.replace("2026-11-24", "2026-11-17").replace("summary: R", "summary: Sesame") + FOLLOW.replace(
        "Call back", "Marzipan"
    ) % ("", "2026-11-18")
    risk = "risk: {referred_by: Nutmeg, deposit_required: true, note: Nutmeg}\n"
    files = {
        TERMS: LADDER,
        ANA + "log.yaml": log,
        ANA + "payments.yaml": "[]\n",
        "content/policies/privacy.md": "---\ntitle: Privacy\nkind: other\neffective: 2020-01-01\n---\nText.\n",
    }
    root = site_of(tmp_path / "site", files, client=risk)
    file = root / "week.html"
    before = sorted(os.walk(root))
    told = invoke("review", "--site", root, "--today", DEMO_DAY)
    assert "Marzipan" in told.stdout
    assert "Nutmeg" in told.stdout
    assert sorted(os.walk(root)) == before  # it writes nothing, no key and no lock either
    assert invoke("review", "--site", root, "--today", DEMO_DAY, "--html", file).code == 0
    assert invoke("build", "--site", root, "--today", DEMO_DAY).code == 0
    published = [path for path in (root / "output").rglob("*") if path.is_file()]
    assert published
    for path in published:
        assert path.name != "week.html"
        data = path.read_bytes()
        for word in (
            b"Marzipan",
            b"Sesame",
            b"Nutmeg",
            b"Past due (",
            b"reference nor a deposit",
            b"friendly reminder",
        ):
            assert word not in data, path


def test_files_with_errors_are_told_as_a_build_tells_them(tmp_path: Path) -> None:
    root = site_of(tmp_path / "site", {ANA + "payments.yaml": PAID.replace("120.00", "1.001")})
    file = tmp_path / "week.html"
    result = invoke("review", "--site", root, "--today", DEMO_DAY, "--html", file)
    assert result.code == 2
    assert "bad-amount" in result.stderr
    assert not file.exists()
    problems = review(root, code=2)["problems"]
    assert "bad-amount" in {one["code"] for one in problems}


def test_a_style_with_an_error_is_told_and_no_page_is_written(tmp_path: Path) -> None:
    root = site_of(tmp_path / "site", {"templates/plain.css": "@import 'https://elsewhere.example/a.css';\n"})
    file = tmp_path / "week.html"
    assert invoke("review", "--site", root, "--today", DEMO_DAY, "--html", file).code == 2
    assert not file.exists()
    assert invoke("review", "--site", root, "--today", DEMO_DAY).stdout == "Nothing to do.\n"
