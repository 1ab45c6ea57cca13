"""The request to pay what is late, and the fee for being late: what the practitioner sends, and what is left unsaid."""

from __future__ import annotations

import re
import stat
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from tests.papers import plain, said
from tests.paycodes import read_code, read_swiss
from tests.support import MINIMAL, MINIMAL_CLIENT, ROOT, Result, invoke, minimal_site
from tests.test_issue import ANA, rows, snapshot
from tests.test_judges_pdf import scanned

DAY = "2026-12-21"
LETTER = "reports/letters/2026-0001-request-2026-12-21.pdf"
IBAN = "IE29 AIBK 9311 5212 3456 78"
SITE = MINIMAL["content/site.yaml"].replace(
    "    - {id: cash",
    "    - {id: sepa, kind: bank_sepa, label: Transfer, iban: IE29AIBK93115212345678, account_name: Mira Lind}\n"
    "    - {id: cash",
)
ACCEPTED = "accepted: [{agreement: work, version: 1, date: 2026-10-01, method: paper}]\n"
INTEREST = "late: {kind: annual_interest, value: 8, grace_days: 5}\n"
LINES = (
    "lines:\n"
    "  - {description: Individual session, quantity: 2, unit_price: 85.00, date: 2026-10-28}\n"
    "  - {description: Report, unit_price: 120.00}\n"
)
PAID = "- {{id: p1, date: 2026-12-01, amount: {0}, currency: EUR, method: sepa{1}}}\n"
TO_IT = ", allocations: [{invoice: 2026-0001, amount: 85.00}]"


def site_of(
    root: Path,
    *,
    client: str = ACCEPTED,
    invoice: str = "",
    terms: str = INTEREST,
    lines: str = LINES,
    site: str = SITE,
    head: str = "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\n",
    **files: str,
) -> Path:
    """Ana owes 290.00 for two sessions and a report, due on 16 November, and accepted the terms in October."""
    agreement = "---\ntitle: Working agreement\nversion: 1\neffective: 2026-01-01\nterms: net14\n---\nWe agree.\n"
    return minimal_site(
        root,
        {
            **MINIMAL_CLIENT,
            "content/site.yaml": site,
            "content/terms/net14.yaml": f"id: net14\ntitle: Two weeks\ndue: net 14\n{terms}",
            "content/agreements/work.md": agreement,
            ANA + "client.yaml": MINIMAL_CLIENT[ANA + "client.yaml"] + client,
            ANA + "invoices/2026-0001.yaml": head + invoice + lines,
            **{f"{ANA}{name}.yaml": text for name, text in files.items()},
        },
    )


def letter(site: Path, *args: str, today: str = DAY) -> Result:
    """`portalgen letter request` for the invoice."""
    return invoke("letter", "request", "2026-0001", *args, "--site", site, "--today", today)


def words(pdf: bytes) -> str:
    """What a PDF says, on one line."""
    return " ".join(said(pdf).split())


# --- what it says -------------------------------------------------------------------------------------


def test_it_asks_for_what_is_late_with_services_terms_deadline_and_ways(tmp_path: Path) -> None:
    site = site_of(tmp_path, payments=PAID.format("85.00", TO_IT))
    result = letter(site)
    assert result.code == 0, result
    pdf = (site / LETTER).read_bytes()
    for told in (result.stdout.replace("**", ""), said(pdf)):
        text = " ".join(told.split())
        for expected in (
            "Hello Ana Horvat,",
            "Invoice 2026-0001 of 2 November 2026 was due on 16 November 2026, 35 days ago. €205.00 is still open.",
            "Please pay €205.00 by Monday 4 January 2027.",
            "Individual session",
            "28 October 2026",
            "Report",
            "“Working agreement”, version 1, was accepted on 1 October 2026. Its payment terms say:",
            "Please pay within 14 days of the invoice date.",
            "8% interest a year on what is open.”",
            IBAN,
            "Questions about this invoice? Write to mira@practice.example.",
            "Kind regards Mira Lind",
        ):
            assert expected in text, expected
        assert re.search(r"Total:? €290.00.* Paid:? -€85.00.* To pay now:? €205.00", text), text
    assert "Request for payment" in words(pdf)


def test_its_pdf_is_sound_and_its_code_asks_for_what_is_late(tmp_path: Path) -> None:
    site = site_of(tmp_path, payments=PAID.format("85.00", TO_IT))
    assert letter(site).code == 0
    path = site / LETTER
    done = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    fonts = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(row.split()[-5:-2] == ["yes", "yes", "yes"] for row in fonts), fonts
    (code,) = scanned(path.read_bytes())
    asked = read_code(code.bytes.decode("utf-8"))
    assert (asked.amount, asked.currency) == (Decimal("205.00"), "EUR")
    assert asked.account.replace(" ", "") == IBAN.replace(" ", "")


def test_in_switzerland_it_has_a_payment_part(tmp_path: Path) -> None:
    method = (
        "    - {id: qr, kind: swiss_qr, label: QR, iban: CH4431999123000889012, account_name: Praxis}\n    - {id: cash"
    )
    swiss = SITE.replace("country: IE", "country: CH").replace("currency: EUR", "currency: CHF")
    site = site_of(tmp_path, site=swiss.replace("    - {id: cash", method), client="language: de-CH\n" + ACCEPTED)
    result = letter(site)
    assert result.code == 0, result
    (code,) = scanned((site / LETTER).read_bytes())
    slip = read_swiss(code.bytes.decode("utf-8"))
    assert (slip.asked.amount, slip.asked.currency) == (Decimal("290.00"), "CHF")
    assert "Zahlteil" in words((site / LETTER).read_bytes())
    assert "CHF 290.00" in plain(result.stdout)
    assert "CH44 3199 9123 0008 8901 2" in result.stdout


def test_it_speaks_the_clients_language(tmp_path: Path) -> None:
    site = site_of(tmp_path, client="language: de\n" + ACCEPTED)
    text = " ".join(letter(site).stdout.split())
    assert "Rechnung 2026-0001 vom 2. November 2026 war am 16. November 2026 fällig, vor 35 Tagen." in text
    assert "„Working agreement“, Version 1, wurde am 1. Oktober 2026 angenommen." in text
    assert "Zahlungsaufforderung" in words((site / LETTER).read_bytes())


def test_it_goes_to_whom_the_invoice_went(tmp_path: Path) -> None:
    payer = "contacts: [{id: mum, name: Iva Horvat, role: payer, scope: billing}]\npayer: mum\n"
    assert letter(site_of(tmp_path, client=payer + ACCEPTED)).stdout.startswith("Hello Iva Horvat,\n")


# --- what was agreed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "client",
    ["", ACCEPTED.replace("10-01", "11-03"), ACCEPTED.replace("method: paper", "method: paper, revoked: 2026-10-05")],
    ids=["never", "after it was issued", "revoked"],
)
def test_it_claims_no_agreement_that_did_not_hold(tmp_path: Path, client: str) -> None:
    result = letter(site_of(tmp_path, client=client), "--json")
    assert "accepted" not in result.json["text"]
    assert "The payment terms of this invoice, “Two weeks”, version 1, say:" in result.json["text"]
    assert any("claims no agreement" in note for note in result.json["notes"])
    assert result.json["late_fee"] is None
    assert "accepted no agreement" in result.json["no_late_fee"]


def test_it_quotes_the_terms_as_they_were_when_it_was_issued(tmp_path: Path) -> None:
    draft = "id: 2026-0001\n# number: …\n# issued: …\n"
    site = site_of(tmp_path, head=draft)
    assert invoke("issue", "2026-0001", "--date", "2026-11-02", "--site", site, "--today", "2026-11-02").code == 0
    terms = site / "content/terms/net14.yaml"
    terms.write_text("id: net14\ndue: net 30\nlate: {kind: percent, value: 50}\n", encoding="utf-8")
    text = letter(site, "--json").json["text"]
    assert "within 14 days of the invoice date. When a payment is late I may charge 8% interest" in text


def test_a_due_date_of_the_invoice_itself_is_not_said_to_be_the_terms(tmp_path: Path) -> None:
    text = letter(site_of(tmp_path, invoice="due: 2026-11-10\n", terms=""), "--json").json["text"]
    assert "was due on 10 November 2026" in text
    assert "14 days" not in text
    assert "What we agreed" not in text


# --- how much, by when --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "terms", "deadline"),
    [
        ((), INTEREST, "2027-01-04"),
        ((), INTEREST + "escalation: [{after_days: 7, stage: request, deadline_days: 7}]\n", "2026-12-28"),
        (("--deadline", "10"), INTEREST, "2026-12-31"),
        (("--deadline", "2027-01-15"), INTEREST, "2027-01-15"),
        (("--date", "2026-12-01"), INTEREST, "2026-12-15"),
    ],
)
def test_the_deadline_is_a_day(tmp_path: Path, options: tuple[str, ...], terms: str, deadline: str) -> None:
    result = letter(site_of(tmp_path, terms=terms), *options, "--json")
    assert result.json["deadline"] == deadline
    day, month = int(deadline[8:]), {"12": "December 2026", "01": "January 2027"}[deadline[5:7]]
    assert f" {day} {month}." in result.json["text"]


@pytest.mark.parametrize(
    ("deadline", "told"), [("2026-12-21", "not after"), ("0", "not after"), ("soon", "neither a day")]
)
def test_a_deadline_that_cannot_be_kept_is_refused(tmp_path: Path, deadline: str, told: str) -> None:
    result = letter(site_of(tmp_path), "--deadline", deadline)
    assert result.code == 2
    assert told in result.stderr
    assert not (tmp_path / "reports").exists()


def test_what_is_disputed_is_left_out_and_said(tmp_path: Path) -> None:
    site = site_of(tmp_path, invoice="disputed: {from: 2026-11-20, amount: 120.00}\n")
    result = letter(site, "--json")
    assert (result.json["amount"], result.json["discussed"]) == ("170.00", "120.00")
    text = result.json["text"]
    assert "€290.00 is still open. €120.00 of it is being discussed. You need not pay that" in text
    assert "Please pay €170.00 by" in text
    assert "Left out, because it is being discussed: 120.00 EUR." in result.json["notes"]
    (code,) = scanned((site / LETTER).read_bytes())
    assert read_code(code.bytes.decode("utf-8")).amount == Decimal("170.00")


def test_of_a_plan_it_asks_for_the_parts_that_are_due(tmp_path: Path) -> None:
    plan = "schedule:\n  - {due: 2026-11-20, amount: 90.00}\n  - {due: 2026-12-20, amount: 100.00}\n  - {due: 2027-01-20, rest: true}\n"
    result = letter(site_of(tmp_path, invoice=plan), "--json")
    assert (result.json["amount"], result.json["days_late"]) == ("190.00", 31)
    text = result.json["text"]
    assert "A part of invoice 2026-0001 of 2 November 2026 was due on 20 November 2026, 31 days ago." in text
    assert "- not yet due: -€100.00\n- To pay now: €190.00" in text
    assert "within 14 days" not in text


REFUSED = [
    ({"head": "id: 2026-0001\n"}, DAY, "is a draft"),
    ({"invoice": "void: {date: 2026-11-05, reason: Twice}\n"}, DAY, "is void"),
    ({"invoice": "write_off: {date: 2026-12-05, amount: 290.00, reason: Poor}\n"}, DAY, "nothing of 2026-0001 is open"),
    (
        {"payments": PAID.format("290.00", ", allocations: [{invoice: 2026-0001, amount: 290.00}]")},
        DAY,
        "nothing of 2026-0001 is open",
    ),
    ({"invoice": "disputed: {from: 2026-11-20}\n"}, DAY, "is being discussed"),
    ({}, "2026-11-16", "is not past due on 2026-11-16"),
    ({}, "2026-11-21", "with 5 days of grace"),
    ({}, "2026-11-01", "is issued on 2026-11-02"),
]


@pytest.mark.parametrize(("fields", "today", "told"), REFUSED)
def test_nothing_is_asked_for_that_is_not_late(tmp_path: Path, fields: dict[str, str], today: str, told: str) -> None:
    site = site_of(tmp_path, **fields)
    before = snapshot(site)
    result = letter(site, "--json", today=today)
    assert result.code == 2, result
    (problem,) = result.json["problems"]
    assert problem["code"] == "nothing-late"
    assert told in problem["message"]
    assert snapshot(site) == before


def test_the_practitioner_hears_what_speaks_against_sending_it(tmp_path: Path) -> None:
    site = site_of(
        tmp_path,
        client="do_not_contact: true\n" + ACCEPTED,
        terms=INTEREST + "min_amount_to_escalate: 500.00\n",
        payments=PAID.format("30.00", "") + PAID.format("20.00", ", status: pending" + TO_IT.replace("85", "20")).replace("p1", "p2"),
        log="- {at: 2026-12-10T10:00+00:00, channel: phone, direction: in, summary: Will pay, invoice: [2026-0001],"
        " promise: {amount: 290.00, by: 2026-12-24}}\n",
    )  # fmt: skip
    result = letter(site)
    for told in (
        "do_not_contact",
        "promised to pay 2026-0001 by 2026-12-24",
        "20.00 EUR for 2026-0001 is on its way",
        "You hold 30.00 EUR",
        "below 500.00",
        "No late fee today: the client promised to pay 2026-0001 by 2026-12-24.",
    ):
        assert told in result.stderr, told
        assert told not in result.stdout


# --- where it goes ------------------------------------------------------------------------------------


def test_it_lies_where_only_the_practitioner_reads_and_nothing_else_changes(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    before = snapshot(site)
    assert letter(site).code == 0
    assert letter(site).code == 0
    assert snapshot(site).keys() - before.keys() == {LETTER, "reports/.gitignore"}
    assert {name: text for name, text in snapshot(site).items() if name in before} == before
    assert (site / "reports/.gitignore").read_text(encoding="utf-8") == "*\n"
    modes = {path: stat.S_IMODE((site / path).stat().st_mode) for path in ("reports", "reports/letters", LETTER)}
    assert modes == {"reports": 0o700, "reports/letters": 0o700, LETTER: 0o600}
    assert invoke("build", "--site", site, "--today", DAY).code == 0
    assert not any("request" in path.name for path in (site / "output").rglob("*"))


def test_the_same_day_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        site = site_of(tmp_path / name)
        assert letter(site).code == 0
        made.append((site / LETTER).read_bytes())
    assert made[0] == made[1]


def test_it_can_be_written_elsewhere_but_not_where_it_would_be_read(tmp_path: Path) -> None:
    site = site_of(tmp_path / "site")
    assert letter(site, "--output", str(tmp_path / "to-ana.pdf")).code == 0
    assert (tmp_path / "to-ana.pdf").read_bytes().startswith(b"%PDF")
    for folder in ("output", "content"):
        (site / folder).mkdir(exist_ok=True)
        refused = letter(site, "--output", str(site / folder / "x.pdf"))
        assert refused.code == 4
        assert not (site / folder / "x.pdf").exists()


def test_it_says_what_to_log_and_the_entry_fits(tmp_path: Path) -> None:
    site = site_of(tmp_path, log="- {at: 2026-11-01T10:00+00:00, channel: email, direction: in, summary: Hello}\n")
    entry = letter(site, "--json").json["log"]
    log = site / ANA / "log.yaml"
    log.write_text(log.read_text(encoding="utf-8") + entry, encoding="utf-8")
    assert invoke("check", "--site", site, "--today", DAY).code == 0
    assert "summary: Request to pay 290.00 EUR of 2026-0001 by 2027-01-04" in entry


def test_its_json_is_as_documented(tmp_path: Path) -> None:
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    part = text.partition("## portalgen letter\n")[2].partition("\nJSON: ")[2].partition("\n\n")[0]
    documented = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", part))
    result = letter(site_of(tmp_path), "--json")
    assert list(result.json) == documented
    assert result.json["path"] == LETTER
    assert result.json["charge"]["amount"] == result.json["late_fee"] == "1.91"


def test_other_letters_are_not_there_yet(tmp_path: Path) -> None:
    result = invoke("letter", "demand", "2026-0001", "--site", site_of(tmp_path))
    assert result.code == 2
    assert "there is no letter 'demand'; write request" in result.stderr


def test_a_template_of_the_site_that_fails_is_a_problem_of_that_file(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    own = site / "templates" / "parts"
    own.mkdir(parents=True)
    text = (ROOT / "templates/parts/letter.html").read_text(encoding="utf-8")
    (own / "letter.html").write_text(text.replace("{% macro talk() -%}", "{% macro talk() -%}{{ 1 / 0 }}"), "utf-8")
    result = letter(site, "--json")
    assert result.code == 2, result
    assert [problem["path"] for problem in result.json["problems"]] == ["templates/parts/letter.html"]
    assert not (site / "reports").exists()


# --- the late fee -------------------------------------------------------------------------------------


def fee(site: Path, *args: str, today: str = DAY) -> Result:
    """`portalgen new invoice ana --late-fee`."""
    return invoke("new", "invoice", "ana", "--late-fee", "2026-0001", *args, "--site", site, "--today", today)


def test_the_fee_of_today_becomes_a_draft_that_explains_itself(tmp_path: Path) -> None:
    site = site_of(tmp_path, payments=PAID.format("85.00", TO_IT))
    result = fee(site, "--json")
    assert result.code == 0, result
    path = ANA + "invoices/late-2026-0001-2026-12-21.yaml"
    assert result.json["drafts"] == [path]
    text = (site / path).read_text(encoding="utf-8")
    assert text == (
        "id: late-2026-0001-2026-12-21\n"
        "# A draft: it appears nowhere until it has a number and a date.\n"
        "# number: …\n"
        "# issued: …\n"
        "lines:\n"
        "  - description: 'Late payment of invoice 2026-0001:"
        " 8% a year on €290.00 for 9 days (22 November 2026 to 30 November 2026);"
        " 8% a year on €205.00 for 21 days (1 December 2026 to 21 December 2026)'\n"
        "    late_fee: 2026-0001\n"
        "    unit_price: 1.52\n"
    )
    issued = invoke("issue", "late-2026-0001-2026-12-21", "--site", site, "--today", DAY, "--json")
    assert issued.json["issued"][0]["amount"] == "1.52"
    assert invoke("build", "--site", site, "--today", DAY).code == 0


def test_the_letter_and_the_draft_name_the_same_fee_and_it_is_proposed_once(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    assert letter(site, "--json").json["late_fee"] == "1.91"
    assert "--late-fee 2026-0001" in letter(site).stderr
    assert fee(site).code == 0
    again = fee(site, "--json")
    assert [problem["code"] for problem in again.json["problems"]] == ["no-late-fee"]
    assert "charged already" in letter(site).stderr
    later = letter(site, "--json", today="2027-01-20").json
    assert later["late_fee"] == "1.90"  # 60 days are 3.81, less 1.91
    draft = (site / fee(site, "--json", today="2027-01-20").json["path"]).read_text(encoding="utf-8")
    assert "; less €1.91 charged before" in draft


def test_what_was_let_go_on_the_line_is_not_asked_for_again_but_what_is_void_is(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    draft = site / fee(site, "--json").json["path"]
    text = draft.read_text(encoding="utf-8")
    draft.write_text(text + "    discount: {percent: 100, reason: Let go}\n", encoding="utf-8")
    assert letter(site, "--json").json["late_fee"] is None
    draft.write_text(text, encoding="utf-8")
    name = draft.stem
    assert invoke("issue", name, "--site", site, "--today", DAY).code == 0
    assert letter(site, "--json").json["late_fee"] is None
    issued = draft.read_text(encoding="utf-8")
    draft.write_text(issued + f"void: {{date: {DAY}, reason: A slip}}\n", encoding="utf-8")
    assert letter(site, "--json").json["late_fee"] == "1.91"


def test_the_charge_of_the_letter_can_be_pasted_and_counts_too(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    told = letter(site).stderr
    charge = told[told.index("  - id: late-") : told.index("Once it is sent")]
    client = site / ANA / "client.yaml"
    client.write_text(client.read_text(encoding="utf-8") + "charges:\n" + charge, encoding="utf-8")
    assert invoke("check", "--site", site, "--today", DAY).code == 0
    assert letter(site, "--json").json["late_fee"] is None


def test_there_is_no_fee_on_a_fee(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    assert fee(site).code == 0
    assert invoke("issue", "late-2026-0001-2026-12-21", "--site", site, "--today", DAY).code == 0
    number = next(number for number, row in rows(site).items() if row["id"].startswith("late-"))
    result = invoke("new", "invoice", "ana", "--late-fee", number, "--site", site, "--today", "2027-06-01")
    assert result.code == 2
    assert "no fee on a fee" in result.stderr
    asked = invoke("letter", "request", number, "--site", site, "--today", "2027-06-01", "--json")
    assert asked.json["late_fee"] is None


WITHOUT = [
    ({"client": ""}, DAY, "accepted no agreement with the terms 'net14'"),
    ({"terms": ""}, DAY, "have no late fee"),
    ({}, "2026-11-21", "is not past due"),
    ({"invoice": "disputed: {from: 2026-11-20, amount: 1.00}\n"}, DAY, "is being discussed"),
    ({"terms": INTEREST.replace("grace_days: 5", "after_days: 90")}, DAY, "not late enough"),
    ({"terms": "late: {kind: flat, value: 5}\n", "client": ACCEPTED + "currency: CHF\n"}, DAY, "is in CHF"),
]


@pytest.mark.parametrize(("fields", "today", "told"), WITHOUT)
def test_it_says_why_there_is_no_fee(tmp_path: Path, fields: dict[str, str], today: str, told: str) -> None:
    site = site_of(tmp_path, **fields)
    before = snapshot(site)
    result = fee(site, "--json", today=today)
    assert result.code == 2, result
    assert told in result.json["problems"][0]["message"]
    assert snapshot(site) == before


@pytest.mark.parametrize(
    ("rule", "told", "amount"),
    [
        ("{kind: flat, value: 5}", "€5.00 on 17 November 2026", "5.00"),
        ("{kind: percent, value: 10}", "10% of €290.00 on 17 November 2026", "29.00"),
        ("{kind: flat, value: 5, repeat: 1w}", "€25.00 from 17 November 2026 to 15 December 2026", "25.00"),
        ("{kind: percent, value: 1, min: 10}", "1% of €290.00 on 17 November 2026; at least €10.00", "10.00"),
        ("{kind: percent, value: 10, max: 12}", "10% of €290.00 on 17 November 2026; at most €12.00", "12.00"),
        (
            "{kind: flat, value: 5, recovery_fee: 40}",
            "€5.00 on 17 November 2026; €40.00 for the cost of recovery",
            "45.00",
        ),
    ],
)
def test_the_line_says_how_the_fee_is_worked_out(tmp_path: Path, rule: str, told: str, amount: str) -> None:
    site = site_of(tmp_path, terms=f"late: {rule}\n")
    text = (site / fee(site, "--json").json["path"]).read_text(encoding="utf-8")
    assert f"Late payment of invoice 2026-0001: {told}'\n" in text
    assert f"    unit_price: {amount}\n" in text


def test_the_line_speaks_the_clients_language_and_holds_no_hidden_marks(tmp_path: Path) -> None:
    german = site_of(tmp_path / "de", client="language: de\n" + ACCEPTED)
    text = (german / fee(german, "--json").json["path"]).read_text(encoding="utf-8")
    assert "'Verspätete Zahlung der Rechnung 2026-0001: 8 % im Jahr auf 290,00 € für 30 Tage" in text.replace(
        "\xa0", " "
    )
    arabic = site_of(tmp_path / "ar", client="language: ar\n" + ACCEPTED)
    text = (arabic / fee(arabic, "--json").json["path"]).read_text(encoding="utf-8")
    assert "تأخر دفع الفاتورة 2026-0001" in text
    assert text == plain(text)
    assert "\\U" not in text


def test_a_fee_is_outside_the_scope_of_tax(tmp_path: Path) -> None:
    taxed = SITE.replace("base_url:", "  tax: {status: registered, vat_id: IE6388047V}\nbase_url:", 1)
    lines = LINES.replace("}\n", ", tax: {category: S, rate: 23}}\n")
    site = site_of(tmp_path, site=taxed, lines=lines)
    text = (site / fee(site, "--json").json["path"]).read_text(encoding="utf-8")
    assert "    tax: {category: O}\n" in text
    assert invoke("issue", "late-2026-0001-2026-12-21", "--site", site, "--today", DAY).code == 0


def test_it_stands_alone_and_is_one_clients(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    minimal_site(
        site,
        {"content/clients/ben/client.yaml": "id: ben\nname: {display: Ben}\nterms: net14\n", "content/site.yaml": SITE},
    )
    assert "on an invoice of its own" in fee(site, "--sessions", "unbilled").stderr
    everybody = invoke("new", "invoice", "--all", "--late-fee", "2026-0001", "--site", site, "--today", DAY)
    assert "one client's" in everybody.stderr
    other = invoke("new", "invoice", "ben", "--late-fee", "2026-0001", "--site", site, "--today", DAY)
    assert other.code == 2
    assert "is an invoice of 'ana'" in other.stderr
    assert fee(site, "--terms", "net14", "--json").code == 0


def test_a_line_that_returns_is_no_late_fee(tmp_path: Path) -> None:
    recurring = (
        "recurring:\n  - {id: room, from: 2026-10-31, every: 1m,"
        " lines: [{description: Fee, unit_price: 2.00, late_fee: 2026-0001}]}\n"
    )
    result = invoke("check", "--site", site_of(tmp_path, client=ACCEPTED + recurring), "--today", DAY, "--json")
    assert [problem["code"] for problem in result.json["problems"]] == ["billed-again"]
