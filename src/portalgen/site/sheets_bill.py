"""Invoices and credit notes as sheets: what the document said when it was issued, whatever was paid since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

import msgspec

from portalgen.content.records.practice import SiteFile
from portalgen.rules.document import Document
from portalgen.rules.money import ZERO, Money
from portalgen.rules.ways import Way
from portalgen.site.colours import palette
from portalgen.site.qr import qr_svg_file
from portalgen.site.sheet import (
    LETTER,
    Column,
    Headline,
    Logo,
    Pair,
    Paper,
    Paragraph,
    Row,
    Section,
    Shades,
    Sheet,
    Sum,
    Table,
    WayBlock,
    paragraphs,
)
from portalgen.site.sheet_words import MONEY, TERMS, Words
from portalgen.site.swissbill import slip_of
from portalgen.site.views import BillView, DepositView, LineView, PracticeView, TermsView, WayToPay


class Stationery(msgspec.Struct, frozen=True, kw_only=True):
    """What the sheets of a practice have alike."""

    practice: PracticeView
    shades: Shades
    paper: Paper
    logo: Logo | None = None

    @classmethod
    def of(cls, site: SiteFile, practice: PracticeView, logo: Logo | None = None) -> Stationery:
        """The stationery of a site; `practice` is what every page may show of it."""
        chosen = site.theme.colours
        light = palette(chosen.accent or "", chosen.notice or "", chosen.past_due or "")["light"]
        return cls(
            practice=practice,
            shades=Shades(
                ink=light["ink"],
                quiet=light["quiet"],
                accent=light["accent"],
                tint=light["accent_tint"],
                line=light["line"],
            ),
            paper="us-letter" if site.practice.country in LETTER else "a4",
            logo=logo,
        )

    def questions(self, words: Words, about: str) -> Iterator[Paragraph]:
        """Whom to ask about the document."""
        said = words.say(MONEY, "questions", self.practice, words.label(about))
        if said:
            yield Paragraph(text=said)

    def licences(self, words: Words) -> Iterator[Paragraph]:
        """The licences of the practice, which an insurer asks for."""
        for licence in self.practice.licences:
            yield Paragraph(text=f"{words.word('details', 'licence')}: {words.fit(licence)}", small=True)

    def blank(self, words: Words, **fields: object) -> Sheet:
        """A sheet with what all have alike, in the reader's language, and these fields."""
        practice = self.practice
        language, _, rest = words.language.partition("-")
        region = rest if len(rest) == 2 else ""
        names = dict.fromkeys((practice.name, practice.legal_name))
        sheet: dict[str, Any] = {
            "practice": practice.name,
            "language": language,
            "region": region.upper(),
            "direction": words.direction,
            "paper": self.paper,
            "colours": self.shades,
            "logo": self.logo,
            "footer": " · ".join((*words.fits(tuple(names)), str(fields["title"]))),
            **fields,
        }
        return Sheet(**sheet)


def sheet_of_document(
    document: Document, bill: BillView, terms: TermsView | None, words: Words, stationery: Stationery
) -> Sheet:
    """An invoice or a credit note as it was issued. `bill` and `terms` are views of the same document."""
    invoice = document.kind == "invoice"
    swiss = next((way for way in document.ways if way.code_kind == "swiss"), None)
    subtitle = document.purpose if invoice and document.purpose != "standard" else ""
    number = words.fit(document.number)
    return stationery.blank(
        words,
        kind=document.kind,
        title=words.sheet("invoice" if invoice else "credit_note", number),
        subtitle=words.word("invoice_kinds", subtitle) if subtitle else "",
        issued=words.sheet("issued", document.issued),
        date=document.issued,
        headline=_headline(document, words),
        parties=(words.party("for", bill.buyer), words.party("from", bill.seller)),
        facts=tuple(_facts(document, words)),
        sections=tuple(bill_sections(document, bill, words)),
        ways_heading=words.label("how_to_pay"),
        ways=tuple(way_block(way, words) for way in document.ways if way is not swiss),
        closing=tuple(_closing(document, bill, terms, words, stationery)),
        slip=slip_of(swiss, words.language) if swiss else None,
    )


def _headline(document: Document, words: Words) -> Headline:
    amount = document.money(document.payable)
    if document.preceding:
        text = words.sheet("taken_off", words.fit(document.preceding.number), document.preceding.issued)
        reason = words.fits((document.reason,) if document.reason else ())
        return Headline(amount=words.money(amount), lines=(text, *reason))
    if amount.amount <= ZERO:
        return Headline(amount=words.label("nothing_to_pay"))
    first = next(iter(document.open_parts), None)
    asked = document.money(first.amount) if first else amount
    due = first.due if first else document.due
    lines = [words.sheet("due_on", due) if due else words.label("on_receipt")]
    if asked.amount < amount.amount:
        lines.append(words.sheet("still_open", amount))
    return Headline(amount=words.money(asked), lines=tuple(lines))


def _facts(document: Document, words: Words) -> Iterator[Pair]:
    write = words.writes.date
    if document.service_date:
        yield Pair(label=words.label("service_date"), value=write(document.service_date))
    elif document.service_period:
        yield Pair(label=words.label("service_period"), value=words.say(MONEY, "span", document.service_period))
    if len(document.open_parts) > 1:
        yield Pair(label=words.label("due_date"), value=words.say(MONEY, "in_parts", len(document.open_parts)))
    elif document.due:
        yield Pair(label=words.label("due_date"), value=write(document.due))
    for code, value in (("po", document.po_reference), ("buyer", document.buyer_reference)):
        if value:
            yield Pair(label=words.word("references", code), value=words.fit(value))


def bill_sections(document: Document, bill: BillView, words: Words) -> Iterator[Section]:
    """The lines with the totals, and the parts of a plan."""
    running = accumulate(line.net.amount for line in bill.lines)
    mixed = len(bill.taxes) > 1
    yield Section(
        table=Table(
            columns=(
                Column(title=words.label("what"), wide=True),
                Column(title=words.label("quantity"), figure=True),
                Column(title=words.label("price"), figure=True),
                Column(title=words.label("amount"), figure=True),
            ),
            rows=tuple(
                Row(
                    cells=(
                        words.fit(line.description),
                        words.quantity(line.unit, line.quantity),
                        words.money(line.unit_price),
                        words.money(line.net),
                    ),
                    note=" · ".join(_line_notes(line, mixed, words)),
                    running=words.money(document.money(sofar)),
                )
                for line, sofar in zip(bill.lines, running, strict=True)
            ),
            carried=words.carried,
        ),
        sums=tuple(_sums(document, bill, words)),
    )
    if document.planned and document.open_parts:
        yield Section(
            heading=words.label("paid_in_parts"),
            table=Table(
                columns=(
                    Column(title=words.label("due"), wide=True),
                    Column(title=words.label("amount"), figure=True),
                ),
                rows=tuple(
                    Row(cells=(words.writes.day(part.due), words.money(document.money(part.amount))))
                    for part in document.open_parts
                ),
            ),
        )


def _line_notes(line: LineView, mixed: bool, words: Words) -> Iterator[str]:
    if line.date:
        yield words.writes.date(line.date)
    elif line.period:
        yield words.say(MONEY, "span", line.period)
    if line.discount:
        yield words.less(line.discount)
    if mixed:
        yield words.say(MONEY, "tax_rate", line.tax_category, line.tax_rate)


def _sums(document: Document, bill: BillView, words: Words) -> Iterator[Sum]:
    """The totals, row by row as `sums` of `parts/money.html` has them."""

    def row(label: str, amount: Money) -> Sum:
        return Sum(label=label, value=words.money(amount))

    def named(code: str) -> str:
        return words.word("totals", code)

    if bill.discount or bill.charges or bill.shows_tax:
        yield row(named("sum_of_the_lines"), bill.line_total)
    if bill.discount:
        yield Sum(label=words.less(bill.discount), value=words.minus(bill.discount.amount))
    for charge in bill.charges:
        yield row(words.fit(charge.reason) or named("charge"), charge.amount)
    if bill.shows_tax:
        if not bill.includes_tax and (bill.discount or bill.charges):
            yield row(named("total_before_tax"), bill.total_without_tax)
        for group in bill.taxes:
            yield row(words.say(MONEY, "tax_included" if bill.includes_tax else "tax_added", group), group.tax)
        if sum(bool(group.rate) for group in bill.taxes) > 1:
            yield row(named("tax_in_all"), bill.total_tax)
    if bill.rounding.amount:
        yield row(named("rounding"), bill.rounding)
    yield Sum(label=words.label("total"), value=words.money(bill.total), weight="total")
    for deposit in document.deposits:
        view = DepositView(number=words.fit(deposit.number), date=deposit.issued, amount=document.money(deposit.amount))
        yield Sum(label=words.say(MONEY, "deposit_words", view), value=words.minus(view.amount))
    for drawn in document.drawn:
        label = words.sheet("from_advance" if drawn.advance else "paid_ahead", drawn.paid)
        yield Sum(label=label, value=words.minus(document.money(drawn.amount)))
    if document.deposits or document.drawn:
        amount = words.money(document.money(document.payable))
        yield Sum(label=words.label("still_to_pay"), value=amount, weight="strong")


def way_block(way: Way | WayToPay, words: Words) -> WayBlock:
    """A way to pay as text, with its code."""
    drawn = isinstance(way, Way) and bool(way.code)
    told = (
        words.fit(way.fee_note),
        words.sheet("arrives", words.fit(way.settles_in)) if way.settles_in else "",
    )
    rows = [Pair(label=words.word("rows", code), value=words.fit(value)) for code, value in way.rows]
    if rows:
        rows.insert(0, Pair(label=words.word("rows", "amount"), value=words.money(way.amount)))
    return WayBlock(
        label=words.fit(way.label),
        rows=tuple(rows),
        instructions=words.fit(way.instructions),
        href=way.href,
        shown=words.fit(way.href),
        small=tuple(text for text in told if text),
        code=qr_svg_file(way).decode() if drawn and isinstance(way, Way) else "",
        caption=words.label("scan_upi" if way.kind == "upi" else "scan_bank") if drawn else "",
        alt=words.sheet("code_for", way.amount, way.label) if drawn else "",
    )


def _closing(
    document: Document, bill: BillView, terms: TermsView | None, words: Words, stationery: Stationery
) -> Iterable[Paragraph]:
    yield from paragraphs(str(bill.notes), words.direction)
    reasons = (group.reason for group in bill.taxes)
    for text in dict.fromkeys((*bill.mentions, *reasons)):
        if text:
            yield Paragraph(text=words.fit(text), small=True)
    if terms and document.kind == "invoice" and document.payable > ZERO:
        said = () if document.planned else (words.say(TERMS, "due", terms),)
        yield Paragraph(text=" ".join((*said, words.say(TERMS, "late", terms))))
    yield from stationery.questions(words, "about_invoice" if document.kind == "invoice" else "about_credit")
