"""Further people with a link of their own: what each scope shows, whose bills are whose, and when a link ends."""

from __future__ import annotations

import datetime as dt
import html
import random
import re
from pathlib import Path

import msgspec
import pikepdf
import pytest

from portalgen.content.loader import load
from portalgen.content.lock import LinkRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Contact
from portalgen.content.records.documents import Payment
from portalgen.rules.account import account_of
from portalgen.rules.ledger import reconcile
from portalgen.rules.money import total
from portalgen.rules.persons import birthday, excerpt, person_until
from portalgen.site.discreet import tells_name
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.private import ClientPages, Place
from portalgen.site.public import directory
from portalgen.site.views import BillingView, PolicyView
from tests.accounts import LAST, clients, practice
from tests.support import MINIMAL, invoke, minimal_site
from tests.test_papers import DAY, TODAY, addresses, build, page, words

SITE = MINIMAL["content/site.yaml"].replace(
    "  methods:\n",
    "  booking: {provider: url, url: https://book.example/mira}\n"
    '  crisis: [{name: Night line, phone: "+353 20 915 0199", country: IE}]\n'
    "  methods:\n",
)
MIA = """\
id: mia
name: {display: Mia, legal: Mia Berg}
birth_date: 2012-06-15
address: {line1: 3 Quay, city: Galway, country: IE}
terms: net14
agreements: [working]
rhythm: {every: 2w, reason: Because the nights are long}
guides: [{guide: breathing, since: 2026-11-01, note: Only the first step}]
goals: [{text: Sleep in her own bed, share: true}]
preferences: [{text: The blue cushion, share: true}]
"""
CONTACTS = """\
contacts:
  - {id: anna, name: Anna Berg, role: parent, scope: all}
  - {id: ben, name: Ben Stark, role: parent, scope: billing}
  - {id: ida, name: Ida Holm, role: assistant, scope: appointments, until: 2027-03-31}
payer: ben
"""
POLICY = "title: Cancelling\nkind: cancellation\neffective: 2026-01-01\nnotice_hours: 24\nfee: 50%\n"
FILES: dict[str, str | bytes | None] = {
    "content/site.yaml": SITE,
    "content/terms/net14.yaml": "id: net14\ntitle: Two weeks\ndue: net 14\nmethods: [cash]\n",
    "content/services/talk.md": "---\nname: Talking\nprice: 60.00\nduration_minutes: 50\n---\n",
    "content/guides/breathing.md": "---\ntitle: Breathing out\nsummary: Slowly.\n---\nBreathe.\n",
    "content/agreements/working.md": "---\ntitle: How we work\nversion: 1\neffective: 2026-01-01\n---\nWe meet in my room.\n",
    "content/policies/cancelling.md": f"---\n{POLICY}public: false\n---\nUntil a day before.\n",
    "content/policies/privacy.md": "---\ntitle: Privacy\nkind: privacy\neffective: 2026-01-01\npublic: false\n---\nQuiet.\n",
    "content/clients/mia/client.yaml": MIA + CONTACTS,
    "content/clients/mia/plan.md": "---\ntitle: Calmer nights\n---\nThe letter to the moon.\n",
    "content/clients/mia/sessions.yaml": (
        "- {id: s-1, start: '2026-11-10T16:00+00:00', service: talk, status: held, minutes: 50,"
        " follow_up: {in: 2w, why: To read the letter}}\n"
        "- {id: s-2, start: '2026-11-26T16:00+00:00', service: talk, place: The small room, video_url: 'https://video.example/r'}\n"
    ),
    "content/clients/mia/invoices/2026-0001.yaml": (
        "id: 2026-0001\nnumber: 2026-0001\nissued: 2026-11-02\nlines: [{description: Talking, unit_price: 60.00}]\n"
    ),
    "content/clients/mia/payments.yaml": (
        "- {id: pay-1, date: 2026-11-06, amount: 20.00, currency: EUR, method: cash,\n"
        "   allocations: [{invoice: 2026-0001, amount: 20.00}]}\n"
    ),
}
WORK = (
    "Calmer nights",
    "letter to the moon",
    "own bed",
    "blue cushion",
    "Breathing out",
    "Because the nights",
    "letter",
)
PRIVATE = ("2012", "2027-03-31", "31 March 2027", "guardian", "assistant", "scope")

ONE = """\
id: 2026-0001
number: 2026-0001
issued: 2026-11-02
bill_to: anna
lines: [{description: Talking, unit_price: 61.00}]
"""
PARENTS = """\
contacts:
  - {id: anna, name: Anna Berg, email: anna@client.example, role: parent, scope: billing}
  - {id: ben, name: Ben Stark, email: ben@client.example, role: parent, scope: billing}
"""
PAID = """\
- {id: pay-1, date: 2026-11-06, amount: 61.00, currency: EUR, method: cash, reference: From the savings,
   allocations: [{invoice: 2026-0001, amount: 61.00}]}
- {id: pay-2, date: 2026-11-07, amount: 33.00, currency: EUR, method: cash, reference: Overtime,
   allocations: [{invoice: 2026-0002, amount: 33.00}]}
"""
TWO = ONE.replace("0001", "0002").replace("anna", "ben").replace("61.00", "83.00")
THREE = ONE.replace("0001", "0003").replace("bill_to: anna\n", "").replace("61.00", "97.00")


def family(root: Path, client: str = MIA + PARENTS, **more: str | None) -> Path:
    """Mia of separated parents: an invoice for her mother, one for her father, and one that names nobody."""
    own = {
        "invoices__2026-0001": ONE,
        "invoices__2026-0002": TWO,
        "invoices__2026-0003": THREE,
        "payments": PAID,
        **more,
    }
    named = {f"content/clients/mia/{name.replace('__', '/')}.yaml": text for name, text in own.items()}
    return minimal_site(root / "site", {**FILES, "content/clients/mia/client.yaml": client, **named})


def everything(site: Path, person: str) -> str:
    """All that a person's own link opens, as one text; the attributes of tags too."""
    folder = site / "output" / addresses(site)["person", person]
    return "\n".join(html.unescape(path.read_text()) for path in sorted(folder.rglob("*.html")))


def sections(site: Path, person: str) -> set[str]:
    """The pages behind a person's link, as places below it."""
    folder = site / "output" / addresses(site)["person", person]
    pages = {path.parent.relative_to(folder).as_posix() for path in folder.rglob("index.html")}
    return {name for name in pages if name not in (".", "receipts", "statements", "years", "agreements", "policies")}


def reads(site: Path, person: str) -> str:
    """What a person reads on their page."""
    return words(page(site, addresses(site)["person", person]))


def views_of(site: Path, person: str) -> str:
    """All that the templates of a person's pages could show, but for the text of policies."""
    loaded = load(site)
    assert loaded.site
    shared, folder = loaded.site.shared, loaded.site.clients["mia"]
    account, _ = account_of(shared, folder, TODAY)
    pages = ClientPages(shared, Offer(shared, TODAY, {}), Writer(directory(shared)), TODAY)
    row = LinkRow(client="mia", of="person", ref=person, salt="00" * 16)
    [opening] = pages.openings(folder, account, {("person", person): Place(row, "p/x/")})
    return repr([page.view for page in opening.sections if not isinstance(page.view, PolicyView)])


@pytest.fixture(scope="module")
def mia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = minimal_site(tmp_path_factory.mktemp("mia") / "site", FILES)
    build(site)
    return site


# --- what each scope shows -----------------------------------------------------------------------------------------


def test_who_may_see_all_sees_what_the_client_sees(mia: Path) -> None:
    own, theirs = page(mia, addresses(mia)["portal", "mia"]), page(mia, addresses(mia)["person", "anna"])
    told = words(theirs)
    assert told.startswith("Hello Anna for Mia")
    assert words(own).startswith("Hello Mia")
    assert told.removeprefix("Hello Anna for Mia") == words(own).removeprefix("Hello Mia")
    assert "Invoices go to Ben Stark." in told
    assert {"agreements/working", "policies/cancelling", "policies/privacy", "receipts/pay-1"} <= sections(mia, "anna")


def test_their_papers_lead_back_to_their_own_page(mia: Path) -> None:
    places = addresses(mia)
    assert places["portal", "mia"].strip("/").split("/")[-1] not in everything(mia, "anna")
    for person in ("anna", "ben"):
        receipt = page(mia, places["person", person] + "receipts/pay-1")
        assert 'href="../../index.html">Back to your page' in receipt


def test_who_gets_the_bills_sees_money_and_nothing_of_the_work(mia: Path) -> None:
    told, all_ = reads(mia, "ben"), everything(mia, "ben")
    assert told.startswith(
        "Hello Ben for Mia Now €40.00 due on Monday 16 November 2026".replace("due on", "Past due: it was due on")
    )
    for said in ("Invoice 2026-0001 €60.00", "Receipt pay-1 €20.00", "Statement of account", "Paid in 2026 €20.00"):
        assert said in told
    assert "How to pay Each invoice says how to pay it. Read the payment terms" in told
    assert "mira@practice.example" in told
    assert sections(mia, "ben") == {"receipts/pay-1", "statements/eur", "years/2026"}
    assert addresses(mia)["invoice", "2026-0001"].split("/")[-2] in all_
    for hidden in (
        *WORK,
        "The small room",
        "video.example",
        "26 November",
        "book.example",
        "How we work",
        "Cancelling",
    ):
        assert hidden not in all_, hidden


def test_who_arranges_the_meetings_sees_them_and_no_money(mia: Path) -> None:
    told, all_ = reads(mia, "ida"), everything(mia, "ida")
    assert "Hello Ida for Mia The next appointment Thursday 26 November 2026, 16:00 Talking , 50 minutes" in told
    assert "The small room You can cancel free of charge until Wednesday 25 November 2026, 16:00." in told
    assert "We meet every 2 weeks. Cancelling" in told
    assert "If you need help right now" in told
    assert "mira@practice.example" in told
    assert sections(mia, "ida") == {"policies/cancelling"}
    assert "Until a day before." in all_
    for hidden in (*WORK, "video.example", "€", "2026-0001", "pay-1", "How we work", "nvoice", "Ben", "Anna", "terms/"):
        assert hidden not in all_, hidden


def test_no_template_could_show_more(mia: Path) -> None:
    for person, hidden in (
        ("ben", (*WORK, "video.example", "small room", "How we work", "Anna")),
        ("ida", (*WORK, "video.example", "How we work", "Money(", "2026-0001", "pay-1", "Anna", "Ben")),
    ):
        told = views_of(mia, person)
        assert not [text for text in hidden if text in told]


def test_without_an_appointment_they_are_told_how_to_book(tmp_path: Path) -> None:
    held = str(FILES["content/clients/mia/sessions.yaml"]).splitlines(keepends=True)[0]
    site = minimal_site(tmp_path / "site", {**FILES, "content/clients/mia/sessions.yaml": held})
    build(site)
    told = reads(site, "ida")
    assert "We planned to meet again around Tuesday 24 November 2026. Choose a time" in told
    assert 'href="https://book.example/mira"' in everything(site, "ida")
    assert "To read the letter" not in told + views_of(site, "ida")


def test_no_page_tells_what_is_nobodys_business(mia: Path) -> None:
    places = addresses(mia)
    folders = [place for (of, _), place in places.items() if of in ("portal", "person", "invoice")]
    for folder in folders:
        for path in (mia / "output" / folder).rglob("*.html"):
            text = words(path.read_text())
            assert not [
                told for told in (*PRIVATE, "Ida") if told in text.replace("Ida for Mia", "").replace("Hello Ida", "")
            ]
    for person, others in (("anna", "Ida"), ("ben", "Anna Ida"), ("ida", "Anna Ben")):
        for name in others.split():
            assert name not in everything(mia, person)


def test_a_client_who_is_written_among_the_contacts_has_one_link(tmp_path: Path) -> None:
    contacts = "contacts: [{id: mia, name: Mia Berg, role: self, scope: billing}]\n"
    site = minimal_site(tmp_path / "site", {**FILES, "content/clients/mia/client.yaml": MIA + contacts})
    [problem] = [one for one in build(site).json["problems"] if one["code"] == "self-scope"]
    assert (problem["severity"], problem["line"]) == ("warning", MIA.count("\n") + 1)
    assert not [key for key in addresses(site) if key[0] == "person"]


def test_a_client_whose_pages_are_not_published_has_no_persons(tmp_path: Path) -> None:
    client = MIA + CONTACTS + "publish: false\n"
    site = minimal_site(tmp_path / "site", {**FILES, "content/clients/mia/client.yaml": client})
    build(site)
    assert addresses(site) == {}


def test_who_pays_and_sees_all_is_asked_to_pay(tmp_path: Path) -> None:
    client = MIA + CONTACTS.replace("payer: ben", "payer: anna")
    site = minimal_site(tmp_path / "site", {**FILES, "content/clients/mia/client.yaml": client})
    build(site)
    assert "Past due: it was due on Monday 16 November 2026" in reads(site, "anna")
    assert "Invoices go to" not in reads(site, "anna")
    assert "Your invoices will be here" in reads(site, "ben")


# --- whose bills are whose -----------------------------------------------------------------------------------------


def test_two_parents_read_nothing_of_each_other(tmp_path: Path) -> None:
    site = family(tmp_path)
    build(site)
    anna, ben = everything(site, "anna"), everything(site, "ben")
    places = addresses(site)
    assert "Invoice 2026-0001 €61.00 Paid" in reads(site, "anna")
    assert "There is nothing to pay." in reads(site, "anna")
    assert "Now €50.00 Past due" in reads(site, "ben")
    for text, others in ((anna, ("2026-0002", "83.00", "33.00", "50.00", "pay-2", "Overtime", "Ben", "ben@")),
                         (ben, ("2026-0001", "61.00", "pay-1", "savings", "Anna", "anna@"))):  # fmt: skip
        for told in (*others, "2026-0003", "97.00"):
            assert told not in text, told
    assert places["invoice", "2026-0002"].split("/")[1] not in anna
    assert places["invoice", "2026-0002"].split("/")[1] in ben
    assert sections(site, "anna") == {"receipts/pay-1", "statements/eur", "years/2026"}
    statement = words(page(site, places["person", "ben"] + "statements/eur"))
    assert "For Ben Stark for Mia Berg" in statement
    assert "Closing balance €83.00 €33.00 €50.00" in statement


def test_a_bill_that_names_nobody_goes_to_the_payer(tmp_path: Path) -> None:
    site = family(tmp_path, MIA + PARENTS + "payer: anna\n")
    build(site)
    assert "Invoice 2026-0003 €97.00" in reads(site, "anna")
    assert "2026-0003" not in everything(site, "ben")


def test_it_goes_to_the_only_one_who_may_see_bills(tmp_path: Path) -> None:
    site = family(
        tmp_path, MIA + PARENTS.replace("parent, scope: billing}\n  - {id: ben", "parent, scope: all}\n  - {id: ben")
    )
    build(site)
    assert {"2026-0002", "2026-0003"} <= {word for word in reads(site, "ben").split() if word.startswith("2026-")}
    assert "2026-0001" not in everything(site, "ben")


def test_the_next_invoice_is_told_to_the_one_who_will_get_it(tmp_path: Path) -> None:
    monthly = (
        "recurring:\n  - {id: mia-hour, every: 1m, from: 2026-12-01,"
        " lines: [{description: Standing hour, unit_price: 55.00}]}\n"
    )
    site = family(tmp_path, MIA + PARENTS + monthly)
    build(site)
    assert "Standing hour" not in everything(site, "anna") + everything(site, "ben")
    (site / "content/clients/mia/client.yaml").write_text(MIA + PARENTS + monthly + "payer: anna\n")
    build(site)
    assert "Next invoices Standing hour €55.00 on Tuesday 1 December 2026" in reads(site, "anna")
    assert "Standing hour" not in everything(site, "ben")


def test_an_issued_bill_stays_with_the_one_who_got_it(tmp_path: Path) -> None:
    site = family(tmp_path, MIA + PARENTS + "payer: anna\n")
    build(site)
    client = site / "content/clients/mia/client.yaml"
    client.write_text(MIA + PARENTS + "payer: ben\n")
    (site / "content/clients/mia/invoices/2026-0004.yaml").write_text(THREE.replace("0003", "0004"))
    build(site)
    assert "2026-0003" in reads(site, "anna")
    assert "2026-0004" not in everything(site, "anna")
    assert "2026-0003" not in everything(site, "ben")
    assert "2026-0004" in reads(site, "ben")


def test_of_a_payment_for_both_each_sees_their_part(tmp_path: Path) -> None:
    paid = (
        "- {id: pay-9, date: 2026-11-06, amount: 90.00, currency: EUR, method: cash, receipt_number: R-77,\n"
        "   allocations: [{invoice: 2026-0001, amount: 61.00}, {invoice: 2026-0002, amount: 29.00}]}\n"
    )
    site = family(tmp_path, payments=paid)
    build(site)
    assert sections(site, "anna") == {"years/2026"}, "no receipt and no statement: both would tell of more"
    assert "Payments and receipts Cash €61.00 6 November 2026" in reads(site, "anna")
    assert "Paid in 2026 €61.00" in reads(site, "anna")
    assert "90.00" not in everything(site, "anna")
    assert "29.00" not in everything(site, "anna")
    assert "Cash €29.00 6 November 2026" in reads(site, "ben")


def test_what_the_other_parent_paid_is_not_told(tmp_path: Path) -> None:
    paid = PAID.replace("reference: Overtime", "reference: Overtime, payer: anna").replace("33.00", "13.00")
    more = PAID.split("- ")[2].replace("pay-2", "pay-3").replace("33.00", "20.00")
    site = family(tmp_path, payments=paid + "- " + more)
    build(site)
    ben = everything(site, "ben")
    assert "Now €50.00 Past due" in reads(site, "ben"), "what is open is open, whoever paid the rest"
    for told in ("pay-2", "13.00", "Anna"):
        assert told not in ben
    assert sections(site, "ben") == {"receipts/pay-3", "years/2026"}
    assert "Paid in 2026 €20.00" in reads(site, "ben")


def test_what_is_held_for_the_client_shows_only_to_who_sees_all_the_money(tmp_path: Path) -> None:
    retainer = "retainer: {kind: advance, amount: 300.00}\n"
    paid = "- {id: pay-1, date: 2026-11-01, amount: 300.00, currency: EUR, method: cash, for: retainer}\n"
    shared = family(tmp_path / "shared", MIA + PARENTS + retainer, payments=paid)
    build(shared)
    assert "300.00" not in everything(shared, "anna")
    assert "Cash €61.00" in reads(shared, "anna"), "what was drawn for their invoice is theirs"
    assert "receipts/pay-1" not in sections(shared, "anna")
    drawn = family(tmp_path / "drawn", MIA + PARENTS + retainer, payments=paid.replace("300.00", "61.00"))
    build(drawn)
    assert sections(drawn, "anna") == {"years/2026"}, "a receipt would tell of the retainer"
    one = PARENTS.splitlines(keepends=True)
    alone = family(tmp_path / "alone", MIA + one[0] + one[1] + retainer, payments=paid, **{"invoices__2026-0002": None})
    build(alone)
    assert "Paid in advance €142.00 of €300.00 as agreed" in reads(alone, "anna")


@pytest.fixture(scope="module")
def chance_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shared, list[ClientFolder]]:
    """Clients with all that may become of invoices, each billed to one of two people or to nobody by name."""
    site = practice(tmp_path_factory.mktemp("chance"))
    chance = random.Random(11)
    people = [Contact(id=key, name=f"{key.title()} Stark", role="parent", scope="billing") for key in ("mum", "dad")]
    folders = []
    for folder in clients(site, site.shared, 4400, count=40):
        payer = chance.choice((None, None, "mum"))
        client = msgspec.structs.replace(folder.client, contacts=tuple(people), payer=payer)
        invoices = {
            key: msgspec.structs.replace(invoice, bill_to=chance.choice(("mum", "mum", "dad", None)))
            for key, invoice in folder.invoices.items()
        }
        payments = tuple(
            msgspec.structs.replace(payment, payer=chance.choice((None, None, "mum", "Dad Stark")))
            for payment in folder.payments
        )
        folders.append(msgspec.structs.replace(folder, client=client, invoices=invoices, payments=payments))
    return site.shared, folders


def test_whatever_happened_no_page_of_one_tells_of_the_other(
    chance_site: tuple[Shared, list[ClientFolder]],
) -> None:
    shared, folders = chance_site
    pages = ClientPages(shared, Offer(shared, LAST, {}), Writer(directory(shared)), LAST)
    seen = statements = 0
    for folder in folders:
        account, _ = account_of(shared, folder, LAST)
        for contact in folder.client.contacts:
            row = LinkRow(client=folder.id, of="person", ref=contact.id, salt="00" * 16)
            [opening] = pages.openings(folder, account, {("person", contact.id): Place(row, "p/x/")})
            told = repr(opening.sections)
            other = "Dad Stark" if contact.id == "mum" else "Mum Stark"
            assert other not in told
            for facts in account.published:
                goes_to = facts.invoice.bill_to or folder.client.payer
                if goes_to == contact.id:
                    assert f"'{facts.invoice.number}'" in told
                    seen += 1
                else:
                    assert f"'{facts.invoice.number}'" not in told
                    for paid in facts.allocations:
                        if _only_for(paid.payment, facts.invoice.id):
                            assert f"/{paid.payment.id}/" not in told
            view = opening.sections[0].view
            assert isinstance(view, BillingView)
            statements += len(view.money.statements)
            part = excerpt(folder, account, contact, LAST)
            if part.adds_up:
                assert reconcile(part.folder, part.account, LAST) == ()
            for year in view.money.years if part.complete and not part.whole else ():
                own = [
                    p for p in part.own if (p.date.year, p.currency, p.status) == (year.year, year.currency, "cleared")
                ]
                assert year.total.amount == total(p.amount for p in own)
    assert seen > 50
    assert statements > 5


def _only_for(payment: Payment, invoice: str) -> bool:
    return not payment.auto and [part.invoice for part in payment.allocations] == [invoice]


# --- until when ----------------------------------------------------------------------------------------------------


def expiry(site: Path, today: str = DAY) -> dict[tuple[str, str], str | None]:
    """(kind, reference) → the last day of each live link."""
    rows = invoke("links", "--site", site, "--today", today, "--json").json
    return {(row["kind"], row["ref"]): row["expires"] for row in rows if row["state"] == "live"}


def test_a_link_ends_with_its_until(mia: Path, tmp_path: Path) -> None:
    assert expiry(mia)["person", "ida"] == "2027-03-31"
    site = minimal_site(tmp_path / "site", FILES)
    build(site, "2027-03-31")
    place = addresses(site, "2027-03-31")["person", "ida"]
    assert "The next appointment" in page(site, place)
    build(site, "2027-04-01")
    assert ("person", "ida") not in addresses(site, "2027-04-01")
    left = [path.read_text() for path in (site / "output" / place).rglob("*.html")]
    assert not [text for text in left if "Ida" in text or "Mia" in text or "appointment" in text]
    assert ("person", "anna") in addresses(site, "2027-04-01")


def test_a_parent_sees_nothing_from_the_day_on_that_the_client_is_of_age(tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", FILES)
    build(site, "2030-06-14")
    ends = expiry(site, "2030-06-14")
    assert ends["person", "anna"] == ends["person", "ben"] == "2030-06-14"
    assert ends["portal", "mia"] is None
    assert ends["invoice", "2026-0001"] is None
    build(site, "2030-06-15")
    assert [ref for of, ref in addresses(site, "2030-06-15") if of == "person"] == []


@pytest.mark.parametrize(
    ("born", "country", "role", "until", "last"),
    [
        ("2012-06-15", "IE", "parent", None, "2030-06-14"),
        ("2012-06-15", "IE", "guardian", None, "2030-06-14"),
        ("2012-06-15", "IE", "payer", None, None),
        ("2012-06-15", "IE", "partner", "2027-01-01", "2027-01-01"),
        ("2012-06-15", "IE", "parent", "2027-01-01", "2027-01-01"),
        ("2012-06-15", "IE", "parent", "2031-01-01", "2030-06-14"),
        ("2008-02-29", "IE", "parent", None, "2026-02-28"),
        ("2008-03-01", "IE", "parent", None, "2026-02-28"),
        ("2008-02-28", "IE", "parent", None, "2026-02-27"),
        ("2008-02-29", "KR", "parent", None, "2027-02-28"),
        ("2008-02-29", "TH", "parent", None, "2028-02-28"),
        ("2008-02-29", "EG", "parent", None, "2029-02-28"),
        ("2012-06-15", "NZ", "parent", None, "2030-06-14"),
        ("", "IE", "parent", None, None),
    ],
)
def test_the_last_day_of_a_person(
    mia: Path, born: str, country: str, role: str, until: str | None, last: str | None
) -> None:
    loaded = load(mia)
    assert loaded.site
    client = msgspec.structs.replace(
        loaded.site.clients["mia"].client,
        birth_date=dt.date.fromisoformat(born) if born else None,
        country=country,
    )
    contact = msgspec.convert({"id": "x", "name": "X", "role": role, "scope": "all"}, Contact)
    contact = msgspec.structs.replace(contact, until=dt.date.fromisoformat(until) if until else None)
    found = person_until(loaded.site.shared, client, contact)
    assert (found.isoformat() if found else None) == last


def test_of_age_is_who_was_born_so_many_years_ago() -> None:
    assert birthday(dt.date(2008, 2, 29), 18) == dt.date(2026, 3, 1)
    assert birthday(dt.date(2008, 2, 29), 20) == dt.date(2028, 2, 29)
    assert birthday(dt.date(2008, 12, 31), 18) == dt.date(2026, 12, 31)


def test_no_person_sees_longer_than_the_client(tmp_path: Path) -> None:
    client = MIA + CONTACTS + "link: {expires: 2026-12-31}\n"
    site = minimal_site(tmp_path / "site", {**FILES, "content/clients/mia/client.yaml": client})
    build(site)
    ends = expiry(site)
    assert {ends[key] for key in ends if key[0] in ("portal", "person")} == {"2026-12-31"}
    assert ends["invoice", "2026-0001"] is None


ENDED = "status: ended\nended: {date: 2026-11-10, referrals: none, reason_public: We are done}\n"


@pytest.mark.parametrize(
    ("site_days", "client_days", "last"),
    [(None, None, "2027-02-08"), (30, None, "2026-12-10"), (30, 20, "2026-11-30"), (30, 0, None)],
)
def test_how_long_links_stay_when_the_work_has_ended(
    tmp_path: Path, site_days: int | None, client_days: int | None, last: str | None
) -> None:
    ended = ENDED if client_days is None else ENDED.replace("referrals", f"link_days: {client_days}, referrals")
    days = f"  expires_after_days: {site_days}\n" if site_days else ""
    files = {
        "content/site.yaml": SITE.replace("privacy:\n", f"privacy:\n{days}"),
        "content/clients/mia/client.yaml": MIA + CONTACTS + ended,
    }
    site = minimal_site(tmp_path / "site", {**FILES, **files})
    build(site)
    ends = expiry(site)
    assert [ends.get(("portal", "mia")), ends.get(("person", "ben"))] == [last, last]
    if last:
        assert "Our work ended on Tuesday 10 November 2026" in reads(site, "ben")
        assert "Our work ended on Tuesday 10 November 2026" in reads(site, "ida")
        assert "We are done" not in reads(site, "ben") + reads(site, "ida")
        assert "The next appointment" not in reads(site, "ida")


def test_invoices_end_after_so_many_days_but_never_while_something_is_open(tmp_path: Path) -> None:
    disputed = "disputed: {from: 2026-11-03, note: Which hour}\n"
    void = "void: {date: 2026-11-05, reason: Twice}\n"
    bill = str(FILES["content/clients/mia/invoices/2026-0001.yaml"])
    own = "link: {expires: 2026-12-24}\n"
    more = {"1": "", "2": "", "3": "", "4": disputed, "5": void, "6": own, "7": ""}
    paid = "".join(
        f"- {{id: pay-{n}-{status}, date: {day}, amount: {amount}, currency: EUR, method: cash, status: {status},\n"
        f"   allocations: [{{invoice: 2026-000{n}, amount: {amount}}}]}}\n"
        for n, day, amount, status in (
            (1, "2026-11-06", "60.00", "cleared"),
            (2, "2026-11-08", "60.00", "pending"),
            (3, "2026-11-09", "59.99", "cleared"),
            (4, "2026-11-09", "20.00", "cleared"),
            (6, "2026-11-09", "60.00", "cleared"),
            (7, "2026-11-09", "60.00", "cleared"),
            (7, "2026-11-10", "-5.00", "pending"),
        )
    )
    note = (
        "id: cn-1\nnumber: CN-1\ninvoice: 2026-0001\nissued: 2026-11-12\nreason: Rain\n"
        "lines: [{description: Half, unit_price: 30.00}]\n"
    )
    files: dict[str, str | bytes | None] = {
        f"content/clients/mia/invoices/2026-000{n}.yaml": bill.replace("0001", f"000{n}") + text
        for n, text in more.items()
    }
    files |= {
        "content/site.yaml": SITE.replace("privacy:\n", "privacy:\n  expires_after_days: 30\n"),
        "content/clients/mia/payments.yaml": paid,
        "content/clients/mia/credit-notes/cn-1.yaml": note,
    }
    site = minimal_site(tmp_path / "site", {**FILES, **files})
    build(site)
    ends = expiry(site)
    assert [ends["invoice", f"2026-000{n}"] for n in range(1, 8)] == [
        "2026-12-12",  # thirty days after its credit note
        None,  # the money is on its way
        None,  # a cent is open
        None,  # disputed
        "2026-12-05",  # void
        "2026-12-24",  # as it says itself
        None,  # a part of it is on its way back
    ]
    assert ends["credit-note", "cn-1"] == "2026-12-12"
    assert ends["portal", "mia"] is None
    build(site, "2026-12-13")
    later = expiry(site, "2026-12-13")
    assert ("invoice", "2026-0001") not in later
    assert ("credit-note", "cn-1") not in later
    assert ("invoice", "2026-0003") in later


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("discreet", [True, False])
def test_titles_and_files_tell_no_name_unless_the_practice_wants_it(tmp_path: Path, discreet: bool) -> None:
    bill = str(FILES["content/clients/mia/invoices/2026-0001.yaml"])
    bill += "attachments: [{file: Report Mia.pdf}, {file: Stark.txt, label: Note}, {file: plain.txt}]\n"
    files: dict[str, str | bytes | None] = {
        "content/site.yaml": SITE.replace("{pdf: false,", "{pdf: true,").replace(
            "privacy:\n", f"privacy:\n  discreet: {str(discreet).lower()}\n"
        ),
        "content/clients/mia/invoices/2026-0001.yaml": bill,
        "content/clients/mia/files/Report Mia.pdf": b"%PDF-1.7\n",
        "content/clients/mia/files/Stark.txt": b"so\n",
        "content/clients/mia/files/plain.txt": b"so\n",
    }
    site = minimal_site(tmp_path / "site", {**FILES, **files})
    build(site)
    names = re.compile("mia|berg|anna|ben|stark|ida|holm", re.IGNORECASE)
    output = site / "output"
    pages = [path.read_text() for path in output.glob("p/**/*.html")]
    titles = {html.unescape(match[1]) for text in pages if (match := re.search("<title>(.*?)</title>", text))}
    files_found = [
        re.sub("^p/[a-z2-7]{32}", "p", path.relative_to(output).as_posix()) for path in output.glob("p/**/*")
    ]
    assert {"Your page · Quiet Room"} <= titles if discreet else {"Mia · Your page · Quiet Room"} <= titles
    if discreet:
        assert not [title for title in titles if names.search(title)]
        assert not [name for name in files_found if names.search(name)]
        assert {"p/files/2026-0001-1.pdf", "p/files/2026-0001-2.txt", "p/files/plain.txt"} <= set(files_found)
        invoice = page(site, addresses(site)["invoice", "2026-0001"])
        assert 'href="files/2026-0001-2.txt" download>Note</a>' in invoice
    else:
        assert "Ben · Your page · Quiet Room" in titles
        assert "p/files/Report Mia.pdf" in files_found
    printed = [path for path in output.glob("p/**/*.pdf") if "files" not in path.parts]
    assert len(printed) > 4
    for path in printed:
        with pikepdf.open(path) as pdf:
            told = str(dict(pdf.docinfo)) + bytes(pdf.Root.Metadata.read_bytes()).decode()
            assert not names.search(told), told


@pytest.mark.parametrize(
    ("file", "tells"),
    [
        ("Report-Mia.pdf", True),
        ("mia_2026.pdf", True),
        ("MIA.PDF", True),
        ("berglund.pdf", True),
        ("starke.txt", True),
        ("premia.pdf", False),
        ("report.pdf", False),
        ("2026-11-02.pdf", False),
    ],
)
def test_which_file_names_tell_who_somebody_is(mia: Path, file: str, tells: bool) -> None:
    loaded = load(mia)
    assert loaded.site
    assert tells_name(loaded.site.clients["mia"].client, file) is tells
