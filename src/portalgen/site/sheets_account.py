"""Receipts, statements of account and summaries of a year as sheets: what their pages say, set on paper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from msgspec import structs

from portalgen.rules.money import Money
from portalgen.site.sheet import Column, Headline, Pair, Paragraph, PartyBlock, Row, Section, Sheet, Sum, Table
from portalgen.site.sheet_words import LABEL, MONEY, Words
from portalgen.site.sheets_bill import Stationery, way_block
from portalgen.site.views import AgeingView, ReceiptView, StatementView, YearRowView, YearView


def sheet_of_receipt(view: ReceiptView, words: Words, stationery: Stationery) -> Sheet:
    """The receipt for a payment or a refund."""
    refund = view.kind == "refund"
    number = words.fit(view.number)
    who = (words.fit(view.payer), *((words.sheet("for_person", words.fit(view.client)),) if view.client else ()))
    rows = [
        Row(
            cells=(words.sheet("invoice", words.fit(part.number)), words.money(part.part), words.money(part.left)),
            note=words.writes.date(part.issued),
        )
        for part in view.invoices
    ]
    if view.held.amount:
        held = "held_back" if refund else "for_retainer" if view.retainer else "on_account"
        rows.append(Row(cells=(words.label(held), words.money(view.held), "")))
    facts = [Pair(label=words.label("how"), value=words.fit(view.method))]
    if view.reference:
        facts.append(Pair(label=words.label("reference"), value=words.fit(view.reference)))
    return stationery.blank(
        words,
        kind="refund" if refund else "receipt",
        title=words.sheet("refund" if refund else "receipt", number),
        issued=words.writes.day(view.date),
        date=view.date,
        headline=Headline(
            amount=words.money(view.amount),
            lines=(words.sheet("sent_back_on" if refund else "received_on", view.date),),
        ),
        parties=(
            PartyBlock(heading=words.label("paid_back_to" if refund else "received_from"), lines=who),
            words.party("paid_back_by" if refund else "received_by", view.seller),
        ),
        facts=tuple(facts),
        sections=(
            Section(
                table=Table(
                    columns=(
                        Column(title=words.label("for"), wide=True),
                        Column(title=words.label("amount"), figure=True),
                        Column(title=words.label("left_to_pay"), figure=True),
                    ),
                    rows=tuple(rows),
                    foot=(words.label("total"), words.money(view.amount), ""),
                )
            ),
        ),
        closing=(*stationery.licences(words), *stationery.questions(words, "about_payment")),
    )


def sheet_of_statement(view: StatementView, words: Words, stationery: Stationery) -> Sheet:
    """A statement of account in one currency: what is open, what moved, and how old what is open is."""
    title = words.sheet("statement_in", view.currency) if view.others else words.label("statement")
    return stationery.blank(
        words,
        kind="statement",
        title=title,
        issued=words.sheet("as_of", view.end),
        date=view.end,
        headline=Headline(
            amount=words.money(view.open) if view.open.amount else words.label("nothing_to_pay"),
            lines=tuple(_statement_lines(view, words)),
        ),
        parties=(words.party("for", view.buyer), words.party("from", view.seller)),
        sections=tuple(_statement_sections(view, words)),
        ways_heading=words.label("how_to_pay"),
        ways=tuple(way_block(way, words) for way in view.ways),
        closing=tuple(stationery.questions(words, "about_statement")),
    )


def _statement_lines(view: StatementView, words: Words) -> Iterator[str]:
    if view.open.amount:
        late = words.label("to_pay_late") if view.overdue == view.open else words.sheet("part_past_due", view.overdue)
        yield late if view.overdue.amount else words.label("to_pay")
    if view.discussed.amount:
        yield words.sheet("discussed", view.discussed)
    if view.pending.amount:
        yield words.sheet("coming", view.pending)
    if view.unapplied.amount:
        yield words.sheet("held", view.unapplied)
    if view.retained.amount:
        yield words.sheet("retained", view.retained)
    if view.security.amount:
        yield words.sheet("security", view.security)
    if told := words.say(MONEY, "asked", view):
        yield told


def _statement_sections(view: StatementView, words: Words) -> Iterator[Section]:
    write = words.writes.date
    if view.outstanding:
        yield Section(
            heading=words.label("what_is_open"),
            table=Table(
                columns=(
                    Column(title=words.label("what"), wide=True),
                    Column(title=words.label("due")),
                    Column(title=words.label("invoiced"), figure=True),
                    Column(title=words.label("still_to_pay"), figure=True),
                ),
                rows=tuple(
                    Row(
                        cells=(
                            words.sheet("invoice", words.fit(bill.number)),
                            write(bill.due) if bill.due else "",
                            words.money(bill.total),
                            words.money(bill.balance),
                        ),
                        note=" · ".join((write(bill.issued), words.say(LABEL, "words", bill.label)))
                        + (f" {coming}" if (coming := words.say(MONEY, "coming", bill)) else ""),
                        running=words.money(Money(sofar, view.currency)),
                    )
                    for bill, sofar in zip(
                        view.outstanding, accumulate(bill.balance.amount for bill in view.outstanding), strict=True
                    )
                ),
                foot=(words.label("total"), "", "", words.money(view.open)),
                carried=words.carried,
            ),
            facts=tuple(_ageing(view.ageing, words)),
        )
    before = Row(cells=(write(view.start), words.label("opening_balance"), "", "", words.money(view.opening)))
    held = words.sheet("yours", view.closing) if view.closing.amount < 0 else ""
    yield Section(
        heading=words.sheet("happened", view.start, view.end),
        table=Table(
            columns=(
                Column(title=words.label("day")),
                Column(title=words.label("what"), wide=True),
                Column(title=words.label("charged"), figure=True),
                Column(title=words.label("credited"), figure=True),
                Column(title=words.label("balance"), figure=True),
            ),
            rows=(
                before,
                *(
                    Row(
                        cells=(
                            write(row.date),
                            words.say(MONEY, "entry_words", structs.replace(row, number=words.fit(row.number))),
                            words.money(row.charge) if row.charge else "",
                            words.money(row.credit) if row.credit else "",
                            words.money(row.balance),
                        ),
                        note=words.sheet("for_invoice", words.fit(row.invoice)) if row.invoice else "",
                        running=words.money(row.balance),
                    )
                    for row in view.rows
                ),
            ),
            foot=(
                write(view.end),
                words.label("closing_balance"),
                words.money(view.charges),
                words.money(view.credits),
                words.money(view.closing),
            ),
            carried=words.carried,
        ),
        paragraphs=(Paragraph(text=held),) if held else (),
    )


def _ageing(ageing: AgeingView, words: Words) -> Iterator[Pair]:
    yield Pair(label=words.label("not_yet_due"), value=words.money(ageing.not_due))
    for first, last, amount in ((1, 30, ageing.days_1_30), (31, 60, ageing.days_31_60), (61, 90, ageing.days_61_90)):
        yield Pair(label=words.sheet("late", first, last), value=words.money(amount))
    yield Pair(label=words.sheet("later", 90), value=words.money(ageing.over_90))


def sheet_of_year(view: YearView, words: Words, stationery: Stationery) -> Sheet:
    """What was paid in a year, for a tax return or an insurer."""
    title = words.sheet("year_in", view.year, view.currency) if view.others else words.sheet("year", view.year)
    taxed = bool(view.tax.amount)
    back = any(row.amount.amount < 0 for row in view.rows)
    lines = [words.sheet("year_rest" if back else "year_total", view.year)]
    if taxed:
        lines.append(words.sheet("year_tax", view.tax, words.tax))
    running = accumulate(row.amount.amount for row in view.rows)
    tax_column = (Column(title=words.tax, figure=True),) if taxed else ()
    return stationery.blank(
        words,
        kind="year",
        title=title,
        issued=words.sheet("as_of", view.end),
        date=view.end,
        headline=Headline(amount=words.money(view.total), lines=tuple(lines)),
        parties=(words.party("for", view.buyer), words.party("from", view.seller)),
        sections=(
            Section(
                table=Table(
                    columns=(
                        Column(title=words.label("paid_on")),
                        Column(title=words.label("for"), wide=True),
                        Column(title=words.label("how")),
                        *tax_column,
                        Column(title=words.label("amount"), figure=True),
                    ),
                    rows=tuple(
                        Row(
                            cells=(
                                words.writes.date(row.date),
                                "\n".join(_year_lines(row, words)),
                                words.fit(row.method),
                                *((words.money(row.tax),) if taxed else ()),
                                words.money(row.amount),
                            ),
                            note="\n".join(_year_notes(row, words)),
                            running=words.money(Money(sofar, view.currency)),
                        )
                        for row, sofar in zip(view.rows, running, strict=True)
                    ),
                    foot=(
                        "", words.label("total"), "",
                        *((words.money(view.tax),) if taxed else ()), words.money(view.total),
                    ),
                    carried=words.carried,
                )
            ),
            *_year_sums(view, words),
        ),
        closing=(*stationery.licences(words), *stationery.questions(words, "about_summary")),
    )  # fmt: skip


def _year_sums(view: YearView, words: Words) -> Iterator[Section]:
    by_service = [
        Sum(label=words.fit(service.name) or words.word("totals", "other"), value=words.money(service.amount))
        for service in view.services
    ]
    if view.unapplied.amount:
        by_service.append(Sum(label=words.word("totals", "on_account"), value=words.money(view.unapplied)))
    if len(by_service) > 1:
        yield Section(heading=words.label("by_service"), sums=tuple(by_service))
    if view.taxes:
        rows = (Sum(label=words.say(MONEY, "tax_added", group), value=words.money(group.tax)) for group in view.taxes)
        yield Section(heading=words.label("tax_in_it"), sums=tuple(rows))


def _year_lines(row: YearRowView, words: Words) -> Iterator[str]:
    if row.amount.amount < 0:
        yield words.label("paid_back")
    for service in row.services:
        days = [words.writes.date(day) for day in service.days]
        days += [words.say(MONEY, "span", span) for span in service.spans]
        description = words.fit(service.description)
        yield f"{description}: {', '.join(days)}" if days else description
    if not row.services and not row.invoices:
        yield words.word("totals", "on_account")


def _year_notes(row: YearRowView, words: Words) -> Iterator[str]:
    if row.invoices:
        yield words.sheet("invoices", words.fits(row.invoices))
    if row.receipt:
        yield words.sheet("receipt", words.fit(row.receipt))
    if row.payer:
        yield words.sheet("paid_by", words.fit(row.payer))
