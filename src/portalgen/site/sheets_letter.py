"""The letter that requests a payment as a sheet, and the same words as a text for an e-mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import structs

from portalgen.rules.request import Request
from portalgen.rules.ways import Way
from portalgen.site.sheet import Headline, Paragraph, Row, Section, Sheet, Sum
from portalgen.site.sheet_words import LETTER, TERMS, UNSEEN, Words
from portalgen.site.sheets_bill import Stationery, bill_sections, way_block
from portalgen.site.swissbill import slip_of
from portalgen.site.views import BillView, TermsView


def sheet_of_request(
    request: Request,
    bill: BillView,
    terms: TermsView | None,
    ways: Sequence[Way],
    words: Words,
    stationery: Stationery,
) -> Sheet:
    """The letter. `bill` and `terms` are views of the request's document, `ways` are for what it asks for."""
    document = request.document
    swiss = next((way for way in ways if way.code_kind == "swiss"), None)
    agreed = tuple(_agreed(request, terms, words)) if terms else ()
    return stationery.blank(
        words,
        kind="request",
        title=words.label("request", LETTER),
        issued=words.writes.day(request.day),
        date=request.day,
        headline=Headline(amount=words.money(request.asked), lines=(words.say(LETTER, "pay_by", request.deadline),)),
        parties=(words.party("for", bill.buyer), words.party("from", bill.seller)),
        sections=(
            Section(paragraphs=tuple(_opening(request, words))),
            _services(request, bill, words),
            *((Section(heading=words.label("agreed", LETTER), paragraphs=agreed),) if agreed else ()),
        ),
        ways_heading=words.label("how_to_pay"),
        ways=tuple(way_block(way, words) for way in ways if way is not swiss),
        closing=(
            *stationery.questions(words, "about_invoice"),
            Paragraph(text=words.label("regards", LETTER)),
            Paragraph(text=words.fit(document.seller.contact or document.seller.name)),
        ),
        slip=slip_of(swiss, words.language) if swiss else None,
    )


def _opening(request: Request, words: Words) -> Iterator[Paragraph]:
    document = request.document
    yield Paragraph(text=words.say(LETTER, "hello", words.fit(document.buyer.name)))
    macro = "part_was_due" if document.planned else "was_due"
    said = [
        words.say(LETTER, macro, words.fit(document.number), document.issued, request.due, request.days_late),
        words.say(LETTER, "is_open", request.late),
    ]
    if request.discussed.amount:
        said.append(words.sheet("discussed", request.discussed))
    yield Paragraph(text=" ".join(said))
    yield Paragraph(
        text=" ".join((words.say(LETTER, "asks", request.asked, request.deadline), words.say(LETTER, "crossed")))
    )
    yield Paragraph(text=words.say(LETTER, "talk"))


def _services(request: Request, bill: BillView, words: Words) -> Section:
    """What was invoiced, and what of it is still asked for; what was drawn at issue is among what was paid."""
    section = next(bill_sections(structs.replace(request.document, drawn=()), bill, words))
    taken = (
        (words.word("totals", "paid"), request.paid),
        (words.label("taken_back", LETTER), request.credited),
        (words.word("totals", "no_longer_asked_for"), request.written_off),
        (words.label("not_yet_due"), request.not_due),
        (words.label("discussed", LETTER), request.discussed),
    )
    rest = [Sum(label=label, value=words.minus(amount)) for label, amount in taken if amount.amount > 0]
    if rest:
        rest.append(Sum(label=words.label("to_pay_now", LETTER), value=words.money(request.asked), weight="strong"))
    return structs.replace(section, heading=words.label("what_for", LETTER), sums=(*section.sums, *rest))


def _agreed(request: Request, terms: TermsView, words: Words) -> Iterator[Paragraph]:
    """The sentences of the terms, as the invoice has them, and how they were accepted."""
    document = request.document
    said = []
    if not document.planned and not request.own_due:
        said.append(words.say(TERMS, "due", terms))
    if terms.late_kind != "none":
        said.append(words.say(TERMS, "late", terms))
    if not said or document.terms is None:
        return
    if request.agreed:
        agreement, acceptance = request.agreed
        title, version = words.fit(agreement.title), str(acceptance.version)
        yield Paragraph(text=words.say(LETTER, "accepted_terms", title, version, acceptance.date))
    else:
        yield Paragraph(text=words.say(LETTER, "own_terms", words.fit(terms.title), words.fit(document.terms.version)))
    yield Paragraph(text=words.say(LETTER, "quoted", " ".join(said)))


def letter_text(sheet: Sheet) -> str:
    """What the sheet says as plain text that reads as Markdown too: its sections, ways to pay and closing."""
    blocks: list[str] = []
    for section in sheet.sections:
        blocks += [f"**{section.heading}**"] if section.heading else []
        blocks += _listed(section)
        blocks += [part.text for part in section.paragraphs]
    blocks += [f"**{sheet.ways_heading}**"] if sheet.ways or sheet.slip else []
    for way in sheet.ways:
        rows = [f"- {row.label}: {row.value}" for row in way.rows]
        blocks.append("\n".join((f"{way.label}:", "", *rows) if rows else (f"{way.label}:",)))
        blocks += [text for text in (way.instructions, way.href, *way.small) if text]
    if sheet.slip:
        slip = sheet.slip
        rows = [f"- {row.label}: {', '.join(row.lines)}" for row in slip.payment if row.lines]
        blocks.append("\n".join((*rows, f"- {slip.words.amount}: {slip.currency} {slip.amount}")))
    blocks += [part.text for part in sheet.closing]
    return "\n\n".join(blocks).translate(UNSEEN) + "\n"


def _listed(section: Section) -> Iterator[str]:
    if section.table:
        yield "\n".join(f"- {_row(row)}" for row in section.table.rows)
    if section.sums:
        yield "\n".join(f"- {row.label}: {row.value}" for row in section.sums)


def _row(row: Row) -> str:
    """`Session, 2 November 2026, 2 sessions × €60.00: €120.00`: the first column is what, the last the amount."""
    what, *middle, amount = row.cells
    parts = [what, row.note, " × ".join(middle)]
    return f"{', '.join(part for part in parts if part)}: {amount}"
