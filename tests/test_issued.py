"""Issued documents never change by accident: the lock, the snapshot, what is an error and what is not (domain §4.2)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.lock import DocumentRow, document_hash, read_lock
from portalgen.content.records.documents import CreditNote, Invoice
from portalgen.rules.account import document_key
from portalgen.rules.issued import FREE, change_finding, changed, restored, row_of, stands, written
from tests.documents import random_documents
from tests.support import MINIMAL_CLIENT, Built, Result, invoke, minimal_site

DAY = "2026-11-21"
INVOICE = "content/clients/ana/invoices/2026-0001.yaml"
CLIENT = "content/clients/ana/client.yaml"
SERVICE = "content/services/talk.md"


def build(site: Path, today: str = DAY) -> Result:
    return invoke("build", "--site", site, "--today", today, "--json")


def problems(result: Result, code: str = "") -> list[dict[str, Any]]:
    return [p for p in result.json["problems"] if p["severity"] == "error" and code in ("", p["code"])]


def edit(site: Path, path: str, old: str, new: str) -> None:
    text = (site / path).read_text()
    assert old in text
    (site / path).write_text(text.replace(old, new))


def rows(site: Path) -> dict[str, dict[str, Any]]:
    lines = (site / "portalgen.lock").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {row["id"]: row for row in found if row["kind"] in ("invoice", "credit-note")}


def page(site: Path) -> str:
    """The text of the one invoice's page."""
    pages = [path.read_text() for path in site.glob("output/p/*/index.html")]
    (text,) = [text for text in pages if "2026-0001" in text and "<table" in text]
    return text


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Ana with an issued invoice for a service, at the service's price, to her address of then; built once."""
    made = minimal_site(
        tmp_path,
        {
            **MINIMAL_CLIENT,
            SERVICE: "---\nname: Talk\nprice: 80.00\n---\nWe talk.\n",
            CLIENT: MINIMAL_CLIENT[CLIENT] + "address: {line1: 1 Old Street, city: Dublin}\n",
            INVOICE: "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\nlines:\n  - service: talk\n    quantity: 2\n",
        },
    )
    result = build(made)
    assert result.code == 0, result
    return made


def test_a_build_takes_an_issued_invoice_into_the_lock(site: Path) -> None:
    row = rows(site)["2026-0001"]
    assert (row["kind"], row["number"], row["issued"], row["client"]) == ("invoice", "2026-0001", "2026-11-02", "ana")
    assert len(row["sha256"]) == 64
    document = row["document"]
    assert document["totals"]["total_with_tax"] == "160.00"
    assert document["buyer"]["address"]["line1"] == "1 Old Street"
    assert document["seller"]["name"] == "Mira Lind"
    assert document["language"] == "en"
    lock = (site / "portalgen.lock").read_text()
    assert build(site).code == 0
    assert (site / "portalgen.lock").read_text() == lock, "a second build adds nothing"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("quantity: 2", "quantity: 3", "lines 1 quantity was 2, is 3"),
        ("issued: 2026-11-02", "issued: 2026-11-03", "issued was 2026-11-02, is 2026-11-03"),
        ("number: 2026-0001", "number: 2026-0009", "number was 2026-0001, is 2026-0009"),
        ("lines:", "notes: Thank you\nlines:", "notes is new (Thank you)"),
        ("  - service: talk\n    quantity: 2\n", "  - service: talk\n  - service: talk\n", "lines"),
        ("number: 2026-0001\nissued: 2026-11-02\n", "", "issued was 2026-11-02, is gone"),
        ("lines:", "discount: {percent: 5}\nlines:", "discount is new (percent 5)"),
    ],
)
def test_an_issued_invoice_that_changed_is_an_error_naming_the_fields(
    site: Path, old: str, new: str, field: str
) -> None:
    before = page(site)
    edit(site, INVOICE, old, new)
    result = build(site)
    assert result.code == 2
    (problem,) = problems(result)
    assert (problem["code"], problem["path"]) == ("issued-changed", INVOICE)
    assert field in problem["message"]
    for way_out in ("take the change back", "credit note", "portalgen relock 2026-0001 --reason"):
        assert way_out in problem["hint"]
    assert page(site) == before


def test_a_credit_note_that_changed_or_is_gone_has_its_own_ways_out(site: Path) -> None:
    assert build(site).code == 0
    note = site / "content/clients/ana/credit-notes/cn.yaml"
    note.parent.mkdir()
    text = "id: cn\nnumber: CN-1\ninvoice: 2026-0001\nissued: 2026-11-20\nreason: Ill\nfull: true\n"
    note.write_text(text, encoding="utf-8")
    assert build(site).code == 0
    note.write_text(text.replace("Ill", "Away"), encoding="utf-8")
    (problem,) = problems(build(site))
    assert "leave it and write an invoice or another credit note" in problem["hint"]
    assert "portalgen relock cn --reason" in problem["hint"]
    note.unlink()
    (problem,) = problems(build(site))
    assert "void" not in problem["hint"]


def test_the_change_is_shown_where_it_stands(site: Path) -> None:
    edit(site, INVOICE, "quantity: 2", "quantity: 3")
    (problem,) = problems(build(site))
    assert (problem["line"], problem["column"]) == (6, 15)


@pytest.mark.parametrize(
    "more",
    [
        "private_notes: called on Monday\n",
        "disputed: {from: 2026-11-05}\n",
        "write_off: {date: 2026-11-20, amount: 10.00, reason: too small}\n",
        "void: {date: 2026-11-20, reason: wrong client}\n",
        "link: {expires: 2027-11-20}\n",
        "pay_links: {cash: https://pay.example/1}\n",
    ],
)
def test_what_becomes_of_an_invoice_may_be_written_after_issue(site: Path, more: str) -> None:
    path = site / INVOICE
    path.write_text(path.read_text() + more)
    assert build(site).code == 0


def test_writing_the_same_thing_otherwise_is_no_change(site: Path) -> None:
    (site / INVOICE).write_text(
        "# once more\nnumber: '2026-0001'\nid: 2026-0001\nkind: standard\nissued: 2026-11-02\n"
        "lines: [{quantity: 2.0, service: talk}]\n"
    )
    assert build(site).code == 0


def test_addresses_prices_and_terms_of_later_do_not_change_an_issued_invoice(site: Path) -> None:
    before = page(site)
    edit(site, CLIENT, "1 Old Street", "99 New Road")
    edit(site, SERVICE, "price: 80.00", "price: 95.00")
    edit(site, SERVICE, "name: Talk", "name: Long talk")
    edit(site, "content/terms/net14.yaml", "net 14", "net 30")
    result = build(site)
    assert result.code == 0, result
    assert page(site) == before
    assert "1 Old Street" in before
    assert "99 New Road" not in before


def test_an_issued_document_whose_file_is_gone_is_an_error(site: Path) -> None:
    (site / INVOICE).unlink()
    (problem,) = problems(build(site))
    assert (problem["code"], problem["path"]) == ("vanished", "portalgen.lock")
    assert "2026-0001" in problem["message"]
    line = (site / "portalgen.lock").read_text().splitlines()[problem["line"] - 1]
    assert json.loads(line)["id"] == "2026-0001"


def test_an_issued_document_may_not_move_to_another_client(site: Path) -> None:
    other = site / "content/clients/ben/invoices"
    other.mkdir(parents=True)
    (other.parent / "client.yaml").write_text("id: ben\nname: {display: Ben}\nterms: net14\n")
    (site / INVOICE).rename(other / "2026-0001.yaml")
    assert {p["code"] for p in problems(build(site))} == {"vanished"}


def test_a_client_whose_links_were_ended_may_go_with_the_documents(site: Path) -> None:
    assert invoke("link", "revoke", "ana", "--site", site).code == 0
    shutil.rmtree(site / "content/clients/ana")
    assert build(site).code == 0
    assert rows(site).keys() == {"2026-0001"}, "its number stays taken"


def test_a_credit_note_is_locked_with_the_parties_of_its_invoice(site: Path) -> None:
    edit(site, CLIENT, "1 Old Street", "99 New Road")
    note = site / "content/clients/ana/credit-notes/cn-1.yaml"
    note.parent.mkdir()
    note.write_text(
        "id: cn-1\nnumber: CN-2026-0001\ninvoice: 2026-0001\nissued: 2026-11-10\nreason: half a session\n"
        "lines: [{description: Talk, unit_price: 40.00}]\n"
    )
    assert build(site).code == 0
    document = rows(site)["cn-1"]["document"]
    assert document["buyer"]["address"]["line1"] == "1 Old Street"
    assert document["preceding"] == {"id": "2026-0001", "number": "2026-0001", "issued": "2026-11-02"}
    note.write_text(note.read_text().replace("40.00", "50.00"))
    (problem,) = problems(build(site))
    assert problem["code"] == "issued-changed"
    assert "lines 1 unit_price was 40, is 50" in problem["message"]


def test_a_scheduled_invoice_is_locked_though_nobody_sees_it_yet(site: Path) -> None:
    later = site / "content/clients/ana/invoices/2026-0002.yaml"
    later.write_text("id: 2026-0002\nnumber: 2026-0002\nissued: 2026-12-01\nlines: [{service: talk}]\n")
    assert build(site).code == 0
    assert rows(site).keys() == {"2026-0001", "2026-0002"}


def test_drafts_are_not_locked(site: Path) -> None:
    (site / "content/clients/ana/invoices/next.yaml").write_text("id: next\nlines: [{service: talk}]\n")
    assert build(site).code == 0
    assert rows(site).keys() == {"2026-0001"}


def test_looking_is_not_issuing(tmp_path: Path) -> None:
    made = minimal_site(tmp_path, MINIMAL_CLIENT)
    assert invoke("check", "--site", made, "--today", DAY).code == 0
    assert not (made / "portalgen.lock").exists()


def test_a_row_changed_by_hand_is_refused(site: Path) -> None:
    edit(site, "portalgen.lock", "160.00", "150.00")
    (problem,) = problems(build(site))
    assert (problem["code"], problem["path"]) == ("lock", "portalgen.lock")


def test_the_same_document_on_two_lines_is_refused(site: Path) -> None:
    lock = site / "portalgen.lock"
    line = next(line for line in lock.read_text().splitlines() if '"kind": "invoice"' in line)
    lock.write_text(lock.read_text() + line + "\n")
    (problem,) = problems(build(site))
    assert problem["code"] == "lock"
    assert "twice" in problem["message"]


def test_the_lock_reads_back_what_it_wrote(site: Path) -> None:
    text = (site / "portalgen.lock").read_text()
    lock, found = read_lock(text)
    assert not found
    assert lock.text() == text


def test_the_lock_says_under_which_templates_a_document_was_issued(site: Path) -> None:
    assert rows(site)["2026-0001"]["document"]["layout"] == 1


# --- the row of a document --------------------------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.integers(0, 10_000), _TEXT, _TEXT)
@example(1, '"\\\b\f\n\r\t\x00\x1f\x7f/', "\u2028é🙂")
def test_a_row_is_of_the_document_as_plain_data(seed: int, notes: str, reason: str) -> None:
    [made] = random_documents(seed, 1)
    document = msgspec.structs.replace(made, notes=notes, reason=reason)
    record = CreditNote(path="x", client="ana", id="x", number="x", issued=document.issued, invoice="y", reason="z")
    row = row_of(document, record)
    assert row.document == json.loads(json.dumps(msgspec.to_builtins(document)))
    assert row.sha256 == document_hash(row.document)
    assert restored(row) == document


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | _TEXT,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(_TEXT, some, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(_TEXT, _ANY, max_size=5))
def test_the_hash_is_that_of_canonical_json(document: dict[str, object]) -> None:
    plain = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert document_hash(document) == hashlib.sha256(plain.encode()).hexdigest()


# --- whether a file says the same -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issued(demo: Built) -> list[tuple[Invoice | CreditNote, DocumentRow]]:
    """Every document of the demo that was issued, and its row."""
    site = load(demo.site).site
    assert site is not None
    rows = {row.key: row for row in read_lock((demo.site / "portalgen.lock").read_text("utf-8"))[0].documents}
    records = [record for folder in site.clients.values() for record in folder.billing]
    found = [(record, row) for record in records if (row := rows.get(document_key(record)))]
    assert {type(record) for record, _ in found} == {Invoice, CreditNote}
    return found


def test_it_is_soon_seen_that_a_file_says_the_same(issued: list[tuple[Invoice | CreditNote, DocumentRow]]) -> None:
    assert all(stands(record, row) for record, row in issued)
    assert not any(change_finding(record, row) for record, row in issued)


@given(st.data())
def test_what_is_soon_seen_is_so(issued: list[tuple[Invoice | CreditNote, DocumentRow]], data: st.DataObject) -> None:
    record, row = data.draw(st.sampled_from(issued))
    other, other_row = data.draw(st.sampled_from([one for one in issued if type(one[0]) is type(record)]))
    names = data.draw(st.lists(st.sampled_from(record.__struct_fields__), max_size=3))
    now = msgspec.structs.replace(record, **{name: getattr(other, name) for name in names})
    was = {**row.written}
    for name in data.draw(st.lists(st.sampled_from([*row.written, *other_row.written, "unheard_of"]), max_size=1)):
        if name in other_row.written and name != "id":
            was[name] = other_row.written[name]
        else:
            was.pop(name, None) if name in was else was.update({name: "x"})
    row = msgspec.structs.replace(row, written_json=msgspec.Raw(msgspec.json.encode(was, order="sorted")))
    same = list(changed(was, written(now))) == []
    assert (change_finding(now, row) is None) == same
    assert same or not stands(now, row)
    if {*names} <= FREE and was == written(record):
        assert stands(now, row)


def test_a_key_that_nobody_knows_any_more_is_a_change(issued: list[tuple[Invoice | CreditNote, DocumentRow]]) -> None:
    record, row = next(one for one in issued if "lines" in one[1].written)
    was = json.loads(bytes(row.written_json))
    was["lines"][0]["unheard_of"] = "x"
    row = msgspec.structs.replace(row, written_json=msgspec.Raw(json.dumps(was).encode()))
    finding = change_finding(record, row)
    assert finding is not None
    assert "lines 1 unheard_of was x, is gone" in finding.message
