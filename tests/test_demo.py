"""The demo practice shows everything that money does at least once; the starter is kind to the first real invoice."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from portalgen.content.loader import load
from portalgen.content.model import Site
from portalgen.rules.account import account_of
from portalgen.rules.facts import Account
from portalgen.rules.late import late_fee
from portalgen.rules.packages import packages_of
from portalgen.rules.recurring import due_runs, upcoming
from portalgen.rules.retainer import retainer_of
from portalgen.rules.waiting import unbilled_sessions, waiting_charges
from tests.support import DEMO_DAY, ROOT, Built, invoke

DAY = dt.date.fromisoformat(DEMO_DAY)


@cache
def site() -> Site:
    found = load(ROOT).site
    assert found
    return found


@cache
def accounts() -> Mapping[str, Account]:
    return {name: account_of(site().shared, folder, DAY)[0] for name, folder in site().clients.items()}


def test_demo_and_starter_build_without_a_problem_or_a_warning(demo: Built, starter: Built) -> None:
    assert (demo.report["problems"], starter.report["problems"]) == ([], [])


def test_the_demo_has_an_invoice_in_every_state_and_of_every_kind() -> None:
    found = [facts for account in accounts().values() for facts in account.invoices.values() if facts.invoice.issued]
    assert {facts.status.label.code for facts in found} == {
        "void", "discussed", "nothing_due", "written_off", "credited", "paid", "due_today", "past_due", "partly_paid",
        "due",
    }  # fmt: skip
    assert {facts.invoice.kind for facts in found} == {"standard", "deposit", "final", "cancellation_fee"}
    assert any(facts.invoice.schedule for facts in found)
    assert {facts.currency for facts in found} == {"EUR", "GBP"}
    assert {folder.client.language for folder in site().clients.values()} == {None, "de", "ar"}


def test_the_demo_has_payments_of_every_kind_and_credit_notes_whole_and_in_part() -> None:
    folders = site().clients.values()
    payments = [payment for folder in folders for payment in folder.payments]
    assert {payment.status for payment in payments} == {"cleared", "pending", "failed", "bounced"}
    assert any(payment.amount < 0 for payment in payments)
    assert any(len(payment.allocations) > 1 for payment in payments)
    assert any(payment.payer for payment in payments)
    assert any(payment.rate for payment in payments)
    assert {bool(payment.receipt_number) for payment in payments if payment.status == "cleared"} == {True}
    assert {note.full for folder in folders for note in folder.credit_notes.values()} == {True, False}


def test_the_demo_has_money_before_the_work_and_work_before_the_money() -> None:
    shared, folders = site().shared, site().clients.values()
    held = {
        state.retainer.kind: state
        for folder in folders
        if (state := retainer_of(shared, folder, accounts()[folder.id], DAY))
    }
    assert set(held) == {"advance", "availability", "security"}
    assert held["advance"].below_floor
    assert [use.left for folder in folders for use in packages_of(shared, folder, DAY)] == [2]
    assert any(unbilled_sessions(shared, folder, DAY) for folder in folders)
    assert any(waiting_charges(shared, folder, DAY) for folder in folders)
    assert not any(due_runs(folder, DAY) for folder in folders)
    assert any(upcoming(folder, DAY) for folder in folders)
    fees = [late_fee(shared, f, facts, DAY) for f in folders for facts in accounts()[f.id].invoices.values()]
    assert len([fee for fee in fees if fee]) == 1


def test_the_first_invoice_after_the_starters_sample_is_number_one(tmp_path: Path) -> None:
    place = ("--site", tmp_path, "--today", DEMO_DAY)
    assert invoke("init", tmp_path, "--today", DEMO_DAY).code == 0
    assert invoke("build", *place).code == 0
    assert invoke("link", "revoke", "sam-example", "--site", tmp_path).code == 0
    shutil.rmtree(tmp_path / "content/clients/sam-example")
    assert invoke("new", "client", "ana-horvat", *place).code == 0
    draft = invoke("new", "invoice", "ana-horvat", *place, "--json").json["path"]
    issued = invoke("issue", Path(draft).stem, *place, "--json").json["issued"]
    assert issued[0]["number"] == "2026-0001"
    built = invoke("build", *place, "--json")
    assert (built.code, built.json["problems"]) == (0, [])
