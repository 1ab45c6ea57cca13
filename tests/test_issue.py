"""`portalgen issue` and `portalgen relock`: numbers, dates and the lock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import DEMO_DAY, MINIMAL_CLIENT, Result, invoke, minimal_site

ANA = "content/clients/ana/"
DRAFT = """\
id: spring
# A draft: it appears nowhere until it has a number and a date.
# number: …
# issued: …
lines:
  - {description: Session, unit_price: 60.00}   # as agreed
"""
BERT = {
    "content/clients/bert/client.yaml": "id: bert\nname: {display: Bert}\nterms: net14\n",
    "content/clients/bert/invoices/walk.yaml": "id: walk\nlines: [{description: Walk, unit_price: 80.00}]\n",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Ana's issued invoice 2026-0001 and her draft `spring`; Bert's draft `walk`."""
    return minimal_site(tmp_path, {**MINIMAL_CLIENT, **BERT, ANA + "invoices/spring.yaml": DRAFT})


def issue(site: Path, *args: str) -> Result:
    """`portalgen issue` on the demo's day."""
    return invoke("issue", *args, "--site", site, "--today", DEMO_DAY)


def rows(site: Path) -> dict[str, dict[str, Any]]:
    """The lock's documents by their numbers."""
    lock = site / "portalgen.lock"
    text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return {row["number"]: row for row in lines if row["kind"] in ("invoice", "credit-note")}


def codes(result: Result) -> list[str]:
    """The codes of the problems of a command that was asked for JSON."""
    return [problem["code"] for problem in result.json["problems"]]


def snapshot(site: Path) -> dict[str, bytes]:
    """Every file of the site but those in .portalgen/ and output/."""
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.relative_to(site).parts[0] not in (".portalgen", "output")
    }


def test_a_draft_gets_the_next_number_the_day_and_a_row_in_the_lock(site: Path) -> None:
    result = issue(site, "spring", "--json")
    assert result.code == 0, result
    assert result.json["issued"] == [
        {
            "id": "spring",
            "client": "ana",
            "number": "2026-0002",
            "issued": DEMO_DAY,
            "amount": "60.00",
            "drawn": "0.00",
            "to_pay": "60.00",
            "currency": "EUR",
            "due": "2026-12-05",
            "path": ANA + "invoices/spring.yaml",
        }
    ]
    assert (site / ANA / "invoices/spring.yaml").read_text(encoding="utf-8") == (
        "id: spring\n"
        "number: 2026-0002\n"
        f"issued: {DEMO_DAY}\n"
        "lines:\n"
        "  - {description: Session, unit_price: 60.00}   # as agreed\n"
    )
    assert rows(site)["2026-0002"]["id"] == "spring"
    built = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    assert built.code == 0, built
    assert built.json["problems"] == []


def test_it_says_what_comes_next(site: Path) -> None:
    result = issue(site, "ana/spring")
    assert "Issued 2026-0002 for Ana Horvat: 60.00 EUR, due 2026-12-05." in result.stdout
    assert "portalgen links ana" in result.stdout


@pytest.mark.parametrize(
    ("payment", "said"),
    [
        ("amount: 45.00, for: retainer", "60.00 EUR, 45.00 drawn from the advance, 15.00 to pay, due 2026-12-05."),
        ("amount: 99.00, for: retainer", "60.00 EUR, 60.00 drawn from the advance, nothing to pay."),
        ("amount: 135.00, auto: true", "60.00 EUR, 15.00 paid ahead, 45.00 to pay, due 2026-12-05."),
    ],
)
def test_it_says_what_was_drawn_from_money_paid_ahead(site: Path, payment: str, said: str) -> None:
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text() + "retainer: {kind: advance, amount: 99.00}\n")
    paid = f"- {{id: p, date: 2026-11-03, currency: EUR, method: cash, {payment}}}\n"
    if "for" in payment:
        paid += (
            "- {id: q, date: 2026-11-03, amount: 120.00, currency: EUR, method: cash,"
            " allocations: [{invoice: 2026-0001, amount: 120.00}]}\n"
        )
    (site / ANA / "payments.yaml").write_text(paid)
    result = issue(site, "spring")
    assert f"Issued 2026-0002 for Ana Horvat: {said}" in result.stdout


def test_several_are_issued_in_the_order_they_are_named(site: Path) -> None:
    result = issue(site, "walk", "spring", "walk", "--json")
    assert [(one["id"], one["number"]) for one in result.json["issued"]] == [
        ("walk", "2026-0002"),
        ("spring", "2026-0003"),
    ]


def test_the_number_is_that_of_the_date_of_issue(site: Path) -> None:
    result = issue(site, "spring", "--date", "2027-01-02", "--json")
    assert [(one["number"], one["issued"]) for one in result.json["issued"]] == [("2027-0001", "2027-01-02")]


def test_a_number_that_the_draft_has_is_kept(site: Path) -> None:
    path = site / ANA / "invoices/spring.yaml"
    path.write_text("id: spring\nnumber: 2026-0100\nlines: [{description: A, unit_price: 1}]\n", encoding="utf-8")
    assert issue(site, "spring", "--json").json["issued"][0]["number"] == "2026-0100"
    assert issue(site, "walk", "--json").json["issued"][0]["number"] == "2026-0101"


def test_numbers_of_documents_that_cannot_be_read_are_taken(site: Path) -> None:
    folder = site / "content/clients/cleo"
    (folder / "invoices").mkdir(parents=True)
    (folder / "client.yaml").write_text("id: cleo\nnam: {display: Cleo}\n", encoding="utf-8")
    (folder / "invoices/x.yaml").write_text("id: x\nnumber: 2026-0007\nissued: 2026-11-03\n", encoding="utf-8")
    assert issue(site, "spring", "--json").json["issued"][0]["number"] == "2026-0008"


def test_a_number_whose_file_is_gone_is_not_given_again(site: Path) -> None:
    assert issue(site, "spring").code == 0
    (site / ANA / "invoices/spring.yaml").unlink()
    assert issue(site, "walk", "--json").json["issued"][0]["number"] == "2026-0003"


def test_what_is_issued_is_not_issued_again(site: Path) -> None:
    assert issue(site, "spring").code == 0
    before = snapshot(site)
    result = issue(site, "spring", "walk", "--json")
    assert result.code == 2
    assert codes(result) == ["already-issued"]
    assert snapshot(site) == before


def test_what_a_killed_run_left_without_a_row_gets_it_and_keeps_its_number(site: Path) -> None:
    before = (site / ANA / "invoices/2026-0001.yaml").read_bytes()
    assert issue(site, "2026-0001", "spring", "--json").json["issued"][0]["issued"] == "2026-11-02"
    assert (site / ANA / "invoices/2026-0001.yaml").read_bytes() == before
    assert {"2026-0001", "2026-0002"} == rows(site).keys()


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        ("id: spring\nlines: [{description: A, unit_price: 1}]\ndue: 2026-11-01\n", "bad-order"),
        ("id: spring\nlines: [{description: A, quantity: 1.5.0, unit_price: 1}]\n", "bad-value"),
        ("id: spring\nlines: [{service: none}]\n", "dead-reference"),
        ("id: spring\nlines: [{description: A, unit_price: 1}]\ndiscount: {amount: 5}\n", "too-much"),
        ("{id: spring, lines: [{description: A, unit_price: 1}]}\n", "bad-value"),
        ("id: spring\nnumber: 2026-0001\nlines: [{description: A, unit_price: 1}]\n", "duplicate-number"),
        ("id: spring\nlines: [{description: A, unit_price: 1}]\nnotes: '[x](/nowhere/)'\n", "dead-link"),
    ],
)
def test_what_could_not_be_built_is_not_issued(site: Path, draft: str, code: str) -> None:
    (site / ANA / "invoices/spring.yaml").write_text(draft, encoding="utf-8")
    before = snapshot(site)
    result = issue(site, "walk", "spring", "--json")
    assert result.code == 2, result
    assert code in codes(result)
    assert snapshot(site) == before


def test_an_invoice_without_a_due_date_is_not_issued(site: Path) -> None:
    (site / "content/clients/bert/client.yaml").write_text("id: bert\nname: {display: Bert}\n", encoding="utf-8")
    result = issue(site, "walk")
    assert result.code == 2
    assert "error[no-due-date]" in result.stderr
    assert "Nothing was written." in result.stderr


def test_everything_that_is_wrong_is_told_at_once(site: Path) -> None:
    (site / "content/clients/bert/client.yaml").write_text("id: bert\nname: {display: Bert}\n", encoding="utf-8")
    draft = "id: spring\nlines: [{description: A, unit_price: 1}]\ndue: 2026-11-01\n"
    (site / ANA / "invoices/spring.yaml").write_text(draft, encoding="utf-8")
    other = "id: other\nlines: [{description: A, unit_price: 1}]\ndue: 2026-11-02\n"
    (site / ANA / "invoices/other.yaml").write_text(other, encoding="utf-8")
    first = issue(site, "spring", "other", "walk", "--json")
    assert [problem["path"].rpartition("/")[2] for problem in first.json["problems"]] == ["other.yaml", "spring.yaml"]
    for name in ("spring", "other"):
        path = site / ANA / f"invoices/{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").partition("due:")[0], encoding="utf-8")
    (site / ANA / "client.yaml").write_text("id: ana\nname: {display: Ana}\n", encoding="utf-8")
    (site / ANA / "invoices/2026-0001.yaml").unlink()
    second = issue(site, "spring", "other", "walk", "--json")
    assert codes(second) == ["no-due-date"] * 3


def test_mistakes_in_another_clients_files_do_not_matter(site: Path) -> None:
    (site / "content/clients/bert/client.yaml").write_text("id: bert\nnam: x\n", encoding="utf-8")
    assert issue(site, "spring").code == 0
    assert "unknown-key" in codes(issue(site, "walk", "--json"))


@pytest.mark.parametrize(
    ("ref", "said"),
    [("sprin", "did you mean spring"), ("nobody/spring", "no client"), ("ana/walk", "no invoice"), ("", "no invoice")],
)
def test_an_unknown_invoice_is_told_with_the_nearest(site: Path, ref: str, said: str) -> None:
    result = issue(site, ref)
    assert result.code == 2
    assert said in result.stderr


def test_an_invoice_with_a_plan_says_what_is_due_first(site: Path) -> None:
    path = site / ANA / "invoices/spring.yaml"
    plan = "schedule: [{due: 2026-12-01, amount: 20.00}, {due: 2027-01-01, rest: true}]\n"
    path.write_text(DRAFT + plan, encoding="utf-8")
    assert "in 2 parts, the first of 20.00 EUR due 2026-12-01." in issue(site, "spring").stdout


def test_line_ends_and_the_byte_order_mark_stay(site: Path) -> None:
    path = site / ANA / "invoices/spring.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DRAFT.replace("\n", "\r\n").encode())
    assert issue(site, "spring").code == 0
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbfid: spring\r\nnumber: 2026-0002\r\nissued: 2026-11-21\r\nlines:\r\n")
    assert text.count(b"\n") == text.count(b"\r\n")


def test_a_write_protected_file_ends_the_command_in_words(site: Path) -> None:
    (site / ANA / "invoices/spring.yaml").chmod(0o444)
    before = snapshot(site)
    result = issue(site, "walk", "spring")
    assert result.code == 4
    assert "no permission to write" in result.stderr
    assert snapshot(site) == before


def test_a_damaged_lock_is_a_problem_and_stays_as_it_is(site: Path) -> None:
    (site / "portalgen.lock").write_text("<<<<<<< ours\n", encoding="utf-8")
    result = issue(site, "spring", "--json")
    assert (result.code, codes(result)) == (2, ["lock"])
    assert (site / "portalgen.lock").read_text(encoding="utf-8") == "<<<<<<< ours\n"


def test_links_in_the_lock_stay_and_need_no_key(site: Path) -> None:
    assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 0
    before = (site / "portalgen.lock").read_text(encoding="utf-8").splitlines()
    (site / ".portalgen/key").unlink()
    assert issue(site, "spring").code == 0
    after = (site / "portalgen.lock").read_text(encoding="utf-8").splitlines()
    assert set(before) < set(after)
    assert after == sorted(after)


def test_a_number_that_is_younger_than_the_next_is_told(site: Path) -> None:
    result = issue(site, "spring", "--date", "2026-11-01")
    assert result.code == 0
    assert "warning[number-order]" in result.stderr
    assert codes(issue(site, "walk", "--date", "2026-10-31", "--json")) == ["number-order"]


def test_an_issued_document_that_was_made_a_draft_again_is_told_how_to_be_put_back(site: Path) -> None:
    assert issue(site, "spring").code == 0
    (site / ANA / "invoices/spring.yaml").write_text(DRAFT, encoding="utf-8")
    result = issue(site, "spring")
    assert result.code == 2
    assert f"write number: 2026-0002 and issued: {DEMO_DAY} back" in result.stderr


def test_a_site_that_cannot_be_read_is_told_like_a_build(site: Path) -> None:
    (site / "content/site.yaml").write_text("practice: {nam: x}\n", encoding="utf-8")
    result = issue(site, "spring", "--json")
    assert result.code == 2
    assert "unknown-key" in codes(result)
    assert invoke("issue", "spring", "--site", site / "content").code == 2


# --- relock -------------------------------------------------------------------------------------------


def relock(site: Path, *args: str) -> Result:
    """`portalgen relock` on the demo's day."""
    return invoke("relock", *args, "--site", site, "--today", DEMO_DAY)


def test_a_changed_document_is_accepted_with_its_reason(site: Path) -> None:
    assert issue(site, "spring").code == 0
    old = rows(site)["2026-0002"]
    path = site / ANA / "invoices/spring.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("60.00", "65.00"), encoding="utf-8")
    assert invoke("check", "--site", site, "--today", DEMO_DAY).code == 2
    result = relock(site, "2026-0002", "--reason", "A slip of the keyboard", "--json")
    assert result.code == 0, result
    assert result.json["documents"] == [
        {
            "id": "spring",
            "client": "ana",
            "number": "2026-0002",
            "changes": [{"field": "lines 1 unit_price", "old": "60", "new": "65"}],
        }
    ]
    new = rows(site)["2026-0002"]
    assert new["relocked"] == [{"date": DEMO_DAY, "reason": "A slip of the keyboard", "sha256": old["sha256"]}]
    assert new["document"]["parts"][0]["amount"] == "65.00"
    assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 0


def test_what_did_not_change_is_not_relocked(site: Path) -> None:
    assert issue(site, "spring").code == 0
    before = snapshot(site)
    result = relock(site, "spring", "--reason", "Just looking")
    assert result.code == 0
    assert "2026-0002 has not changed." in result.stdout
    assert snapshot(site) == before


def test_a_clients_new_address_comes_onto_the_document_only_by_relock(site: Path) -> None:
    assert issue(site, "spring").code == 0
    path = site / ANA / "client.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Ana Horvat", "Ana Horvat-Kelly"), encoding="utf-8")
    assert rows(site)["2026-0002"]["document"]["buyer"]["name"] == "Ana Horvat"
    result = relock(site, "2026-0002", "--reason", "She asked for it")
    assert "buyer name: Ana Horvat → Ana Horvat-Kelly" in result.stdout
    assert rows(site)["2026-0002"]["document"]["buyer"]["name"] == "Ana Horvat-Kelly"


def test_a_draft_has_nothing_to_relock(site: Path) -> None:
    result = relock(site, "spring", "--reason", "x")
    assert result.code == 2
    assert "does not know 'spring'" in result.stderr
    assert relock(site, "spring", "--reason", " ").code == 2


def test_an_attachment_that_no_build_would_take_is_told_before_the_number_is_given(site: Path) -> None:
    (site / ANA / "files").mkdir()
    (site / ANA / "files" / "report.pdf").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    draft = site / ANA / "invoices" / "spring.yaml"
    draft.write_text(DRAFT + "attachments: [{file: report.pdf}]\n", encoding="utf-8")
    before = snapshot(site)
    result = issue(site, "spring", "--json")
    assert (result.code, codes(result)) == (2, ["file-content"])
    assert snapshot(site) == before
