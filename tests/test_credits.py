"""Credit notes take back what an invoice came to, to the cent: line by line in any order, in parts, and the rest."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from portalgen.content.convert import Run, to_record
from portalgen.content.lock import DocumentKey, DocumentRow
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.documents import CreditNote, Invoice, Line, Reduction, Surcharge
from portalgen.content.records.offer import Tax
from portalgen.content.yamltext import parse
from portalgen.desk.crediting import Back, credited_lines
from portalgen.desk.yamlvalues import Value, fields_text
from portalgen.rules.account import account_of
from portalgen.rules.document import Document
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.issued import row_of
from portalgen.rules.money import ZERO, quantum, total
from portalgen.rules.shares import credit_slices, gross
from portalgen.rules.totals import after_discount

from .accounts import CURRENCIES, FIRST, LAST, TAXES, folder_with, including_tax, practice
from .test_judges_einvoice import verdicts

S7, S19 = (Tax(category="S", rate=Decimal(rate)) for rate in (7, 19))


class Desk:
    """An invoice and the credit notes written for it, one after the other."""

    def __init__(self, shared: Shared, folder: ClientFolder) -> None:
        self.shared, self.folder = shared, folder

    @property
    def facts(self) -> InvoiceFacts:
        """The invoice as it is now; there is no error in the account."""
        account, findings = account_of(self.shared, self.folder, LAST)
        assert [finding for finding in findings if finding.severity == "error"] == []
        (facts,) = account.invoices.values()
        return facts

    @property
    def document(self) -> Document:
        document = self.facts.document
        assert document
        return document

    def credit(self, back: Back) -> Document:
        """One more credit note, written as the command writes it and read again."""
        count = len(self.folder.credit_notes) + 1
        id_, client = f"cn-{count:03}", self.folder.id
        lines = None
        if not back.full:
            lines = credited_lines(self.document, back, self.shared.site.practice.price_includes_tax)
        fields: dict[str, Value | None] = {
            "id": id_,
            "number": id_.upper(),
            "invoice": "i1",
            "issued": FIRST + dt.timedelta(days=count),
            "reason": "Shorter",
            "full": True if back.full else None,
            "lines": lines,
        }
        path = f"content/clients/{client}/credit-notes/{id_}.yaml"
        run = Run(path)
        note = to_record(CreditNote, parse(fields_text(fields)).data, run, {"path": path, "client": client})
        assert note, run.findings
        self.folder = msgspec.structs.replace(self.folder, credit_notes={**self.folder.credit_notes, id_: note})
        made = account_of(self.shared, self.folder, LAST)[0].documents[id_]
        assert self.facts.status.balance >= 0
        return made


def desk(site: Any, lines: Sequence[Line], *, inclusive: bool = False, **fields: Any) -> Desk:
    """An invoice with these lines."""
    invoice = Invoice(
        path="content/clients/ana/invoices/i1.yaml",
        client="ana",
        id="i1",
        number="I1",
        issued=FIRST,
        due=FIRST,
        lines=tuple(lines),
        **fields,
    )
    return Desk(including_tax(site.shared) if inclusive else site.shared, folder_with(site, [invoice], [], []))


def line(price: str, tax: Tax = S19, quantity: str = "1") -> Line:
    return Line(description="A", quantity=Decimal(quantity), unit_price=Decimal(price), tax=tax)


def off(percent: str) -> Reduction:
    return Reduction(percent=Decimal(percent), reason="Kindness")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return practice(tmp_path_factory.mktemp("practice"))


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ([line("97.45", quantity="0.25")], {"discount": off("7.5")}),
        ([line("6.37", S7), line("12.52", S7), line("25.30")], {}),
        ([line("10.10", S7), line("26935.78", S7)], {"discount": off("7.5")}),
        ([line("0.02")] * 10, {}),
        ([line("0.03")] * 10, {}),
    ],
    ids=["discount and quarter hours", "taxes round up", "discount by line", "no tax by line", "tax by line too high"],
)
@pytest.mark.parametrize("inclusive", [False, True])
def test_line_by_line_nothing_stays_open(site: Any, lines: list[Line], fields: dict[str, Any], inclusive: bool) -> None:
    for order in (range(1, len(lines) + 1), range(len(lines), 0, -1)):
        one = desk(site, lines, inclusive=inclusive, **fields)
        for place in order:
            one.credit(Back(lines=[(place, None)]))
        assert one.facts.status.balance == 0


def random_desk(site: Any, seed: int) -> tuple[Desk, random.Random]:
    """An invoice of any sort: rates, discounts on lines and on the whole, charges, rounding, currencies."""
    chance = random.Random(seed)
    currency = chance.choice(CURRENCIES)
    step = quantum(currency)
    lines = [
        Line(
            description=chance.choice(("Session", "Report", "Travel")),
            quantity=Decimal(chance.choice(("1", "1", "2", "0.25", "3.333333"))),
            unit_price=step * chance.choice((chance.randint(1, 9), chance.randint(1, 40_000), chance.randint(1, 9**8))),
            tax=chance.choice(TAXES),
            discount=chance.choice((None, None, Reduction(percent=Decimal("12.5"), reason="Own"))),
        )
        for _ in range(chance.randint(1, 6))
    ]
    fields: dict[str, Any] = {"currency": currency}
    if chance.random() < 0.5:
        fields["discount"] = chance.choice((off("7.5"), off("33.3333"), Reduction(amount=step, reason="Coin")))
    if chance.random() < 0.25:
        fields["charges"] = (Surcharge(amount=step * chance.randint(1, 999), reason="Post", tax=chance.choice(TAXES)),)
    if chance.random() < 0.25:
        fields["rounding"] = step * chance.choice((-1, 1, 2))
    return desk(site, lines, inclusive=chance.random() < 0.5, **fields), chance


def take_back(one: Desk, chance: random.Random) -> list[Document]:
    """Every line in any order, now and then with a part of the last one first; then what is no line."""
    totals = one.document.totals
    made = []
    places = [n for n, amount in enumerate(after_discount(totals), 1) if amount]
    chance.shuffle(places)
    rest = bool(totals.charges)
    for n, place in enumerate(places):
        amount = after_discount(totals)[place - 1]
        part = (amount * chance.randint(1, 99) / 100).quantize(quantum(totals.currency))
        if n == len(places) - 1 and chance.random() < 0.4 and ZERO < part < amount:
            made.append(one.credit(Back(lines=[(place, part)])))
            rest = True
        else:
            made.append(one.credit(Back(lines=[(place, None)])))
    if rest or not places:
        made.append(one.credit(Back(full=True)))
    return made


@pytest.mark.parametrize("batch", range(5))
def test_every_invoice_can_be_taken_back_line_by_line_and_then_nothing_is_open(site: Any, batch: int) -> None:
    for seed in range(batch * 60, batch * 60 + 60):
        one, chance = random_desk(site, seed)
        whole = one.document.totals
        made = take_back(one, chance)
        assert one.facts.status.balance == 0, seed
        assert total(note.totals.total for note in made) == whole.total
        for credit in one.facts.credits:
            assert gross(credit_slices(one.folder, one.facts, credit)) == credit.totals.total
        for group in whole.groups:
            back = [other for note in made for other in note.totals.groups if other.key == group.key]
            assert total(other.base + other.tax for other in back) == group.base + group.tax
            assert total(other.tax for other in back) == group.tax, seed


def test_official_rules_hold_on_credit_notes_that_take_the_last_cent(site: Any) -> None:
    judged = 0
    for seed in range(120):
        one, chance = random_desk(site, seed)
        if one.document.currency != "EUR" or judged > 60:
            continue
        for note in take_back(one, chance):
            assert verdicts(note, quick=judged % 3 != 0) == [], (seed, note)
            judged += 1
    assert judged > 40


def test_what_an_older_credit_note_left_of_the_tax_alone_is_the_rest(site: Any) -> None:
    """Before the last one took the rest, a cent of tax could stay: the next one takes it as an amount."""
    one = desk(site, [line("10.10", S7), line("26935.78", S7)])
    notes = [one.credit(Back(lines=[(place, None)])) for place in (1, 2)]
    group = notes[1].totals.groups[0]
    short = msgspec.structs.replace(group, tax=group.tax - Decimal("0.01"))
    old = msgspec.structs.replace(
        notes[1],
        totals=msgspec.structs.replace(
            notes[1].totals, groups=(short,), total_with_tax=notes[1].totals.total_with_tax - Decimal("0.01")
        ),
    )
    rows: dict[DocumentKey, DocumentRow] = {
        ("credit-note", note.id): row_of(note, one.folder.credit_notes[note.id]) for note in (notes[0], old)
    }
    assert account_of(one.shared, one.folder, LAST, rows)[0].invoices["i1"].status.balance == Decimal("0.01")
    last = msgspec.structs.replace(
        one.folder.credit_notes["cn-001"], id="cn-003", number="CN-003", lines=(), full=True, issued=LAST
    )
    folder = msgspec.structs.replace(one.folder, credit_notes={**one.folder.credit_notes, "cn-003": last})
    account, findings = account_of(one.shared, folder, LAST, rows)
    assert account.invoices["i1"].status.balance == 0
    assert findings == ()
