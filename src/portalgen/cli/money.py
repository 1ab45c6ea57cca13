"""The commands that write about money: they take the build lock, check everything, then write all of it or nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portalgen.desk.command import BROKEN, Command, Day, Parsed, alone, common, dated, say, tell
from portalgen.desk.wording import amount_of

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from portalgen.content.records.documents import PaymentSource
    from portalgen.content.scalars import Fee
    from portalgen.desk.books import Books

    Wishes = str | bool | tuple[str, ...] | Fee | None


@contextmanager
def opened(site: Path, today: dt.date | None, as_json: bool) -> Iterator[Books]:
    """The books of a site, alone with them. What is wrong with the files ends the command like a build."""
    from portalgen.desk.books import Books

    with alone(site, as_json):
        books = Books(site, today)
        yield books
        if not as_json:
            tell(books.noted, books.loaded.excerpt, False, {})


@click.command()
@click.argument("invoices", nargs=-1, required=True, metavar="INVOICE...")
@click.option("--date", type=Day(), metavar="DATE", help="The date of issue [today].")
@dated
@common
def issue(invoices: tuple[str, ...], date: dt.date | None, today: dt.date | None, site: Path, as_json: bool) -> None:
    """Issue drafts: each INVOICE gets the next number and the date of issue, and is from then on as it was issued.

    INVOICE is the id of a draft (the name of its file), or CLIENT/ID. Several are all issued, or none.
    """
    from portalgen.desk.issuing import issue as run
    from portalgen.desk.outcomes import issued_lines

    with opened(site, today, as_json) as books:
        done, problems = run(books, invoices, date), books.noted_data
    rows = []
    for one in done:
        document = one.document
        asked, payable = document.money(document.amount), document.money(document.payable)
        drawn = document.money(document.amount - document.payable)
        rows.append(
            {
                "id": document.id,
                "client": one.client,
                "number": document.number,
                "issued": document.issued.isoformat(),
                "amount": f"{asked.amount:f}",
                "drawn": f"{drawn.amount:f}",
                "to_pay": f"{payable.amount:f}",
                "currency": asked.currency,
                "due": document.due.isoformat() if document.due else None,
                "path": one.path,
            }
        )
    say(as_json, {"issued": rows, "problems": problems}, "\n".join(issued_lines(books, done)))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("invoice")
@click.argument("amount", type=Parsed("amount"))
@click.option("--date", type=Day(), metavar="DATE", help="When the money came, or went [today].")
@click.option("--method", metavar="ID", default="", help="How [as this client paid last; else the first that fits].")
@click.option("--reference", metavar="TEXT", help="What the payer wrote.")
@click.option("--payer", metavar="TEXT", help="Who paid, if not who got the invoice: a contact's id, or a name.")
@click.option("--currency", type=Parsed("currency"), default="", metavar="CODE", help="To be sure: the invoice's.")
@click.option("--rate", type=Parsed("quantity"), metavar="RATE", help="The rate it was changed at.")
@click.option("--fee", type=Parsed("positive_amount"), metavar="AMOUNT", help="What it cost you.")
@click.option(
    "--status",
    type=click.Choice(("cleared", "pending", "failed", "bounced")),
    default="cleared",
    show_default=True,
    help="Only cleared money counts.",
)
@click.option("--note", metavar="TEXT", help="For yourself.")
@click.option("--source", metavar="FILE:ROW", default="", help="The imported row that this is; import says it.")
@dated
@common
def pay(
    invoice: str,
    amount: Decimal,
    date: dt.date | None,
    method: str,
    reference: str | None,
    payer: str | None,
    currency: str,
    rate: Decimal | None,
    fee: Decimal | None,
    status: str,
    note: str | None,
    source: str,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Book AMOUNT for an INVOICE: its id, its number, or CLIENT/ID. An amount below zero is a refund.

    What is more than the invoice still asks for stays as the client's credit.
    """
    from portalgen.desk.outcomes import booked_lines
    from portalgen.desk.paying import Asked
    from portalgen.desk.paying import pay as run

    asked = Asked(
        amount=amount,
        date=date,
        method=method,
        reference=reference,
        payer=payer,
        currency=currency,
        rate=rate,
        fee=fee,
        status=status,
        note=note,
        source=_source(source),
    )
    with opened(site, today, as_json) as books:
        done = run(books, invoice, asked)
    payment, facts = done.payment, done.facts
    still = facts.money(facts.status.balance)
    data = {
        "id": payment.id,
        "client": done.client,
        "invoice": facts.invoice.id,
        "date": payment.date.isoformat(),
        "amount": f"{payment.amount:f}",
        "currency": payment.currency,
        "method": payment.method,
        "receipt_number": payment.receipt_number,
        "allocated": f"{done.allocated.amount:f}",
        "unallocated": f"{done.held.amount:f}",
        "open": f"{still.amount:f}",
        "path": done.path,
    }
    say(as_json, data, "\n".join(booked_lines(books, done)))


def _source(text: str) -> PaymentSource | None:
    from portalgen.content.records.documents import PaymentSource

    file, colon, row = text.partition(":")
    if text and not (file.strip() and colon and row.strip()):
        raise click.UsageError(f"--source: '{text}' names no row; write the one that import payments printed")
    return PaymentSource(file=file, row=row) if text else None


@click.command()
@click.argument("invoice")
@click.option("--full", is_flag=True, help="All of it, or all that earlier credit notes left.")
@click.option("--line", "lines", multiple=True, metavar="N[=AMOUNT]", help="Line N, or so much of it; several times.")
@click.option("--amount", type=Parsed("positive_amount"), metavar="AMOUNT", help="An amount, with --description.")
@click.option("--description", metavar="TEXT", default="", help="What the amount is for; your client reads it.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; your client reads it.")
@click.option("--date", type=Day(), metavar="DATE", help="The date of issue [today].")
@dated
@common
def credit(
    invoice: str,
    full: bool,
    lines: tuple[str, ...],
    amount: Decimal | None,
    description: str,
    reason: str,
    date: dt.date | None,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Take back an issued INVOICE, or a part of it, with a credit note. It is issued at once.

    Amounts are as the invoice's prices are: before tax, or with it where your prices include it.
    """
    from portalgen.desk.crediting import Back
    from portalgen.desk.crediting import credit as run

    if full + bool(lines) + (amount is not None) != 1:
        raise click.UsageError("say what to take back; write one of --full, --line N and --amount A --description TEXT")
    if (amount is None) == bool(description):
        raise click.UsageError("--amount and --description belong together; write both, or neither")
    if not reason.strip():
        raise click.UsageError("--reason is empty; write in a few words why, for your client")
    back = Back(full=full, lines=[_line(text) for text in lines], amount=amount, description=description)
    with opened(site, today, as_json) as books:
        done = run(books, invoice, back, reason, date)
        name, problems = books.clients[done.client].client.name.display, books.noted_data
    document, facts = done.document, done.facts
    whole, still, surplus = (facts.money(one) for one in (document.amount, facts.status.balance, facts.status.surplus))
    number = facts.invoice.number or facts.invoice.id
    data = {
        "id": document.id,
        "client": done.client,
        "invoice": facts.invoice.id,
        "number": document.number,
        "issued": document.issued.isoformat(),
        "amount": f"{whole.amount:f}",
        "currency": whole.currency,
        "open": f"{still.amount:f}",
        "path": done.path,
        "problems": problems,
    }
    told = [f"Credit note {document.number} for {name}: {amount_of(whole)} of {number}, {amount_of(still)} still open."]
    if surplus.amount:
        told.append(f"{amount_of(surplus)} was paid already: it is the credit of {name} now.")
        told.append(f"Once you paid it back: portalgen pay {facts.invoice.id} -{surplus.amount:f}")
    told.append("Next: portalgen build; the client's page and the invoice show it.")
    say(as_json, data, "\n".join(told))


def _line(text: str) -> tuple[int, Decimal | None]:
    from portalgen.content.records.base import Misfit
    from portalgen.content.scalars import parse_positive_amount

    place, equals, amount = text.partition("=")
    if not place.strip().isdecimal():
        raise click.UsageError(f"--line: '{text}' names no line; write its place, such as --line 2 or --line 2=40.00")
    try:
        return int(place), parse_positive_amount(amount.strip()) if equals else None
    except Misfit as misfit:
        raise click.UsageError(f"--line: {misfit.message}; {misfit.hint}") from None


@click.command()
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT...")
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept in portalgen.lock.")
@dated
@common
def relock(documents: tuple[str, ...], reason: str, today: dt.date | None, site: Path, as_json: bool) -> None:
    """Accept issued invoices or credit notes as their files are now. For mistakes that nobody was sent yet.

    A DOCUMENT is an id or a number. The hash of what it said before is kept, with the day and the reason.
    """
    from portalgen.desk.issuing import relock as run
    from portalgen.rules.issued import field_name

    if not reason.strip():
        raise click.UsageError("--reason is empty; write in a few words why the document changed")
    with opened(site, today, as_json) as books:
        done = run(books, documents, reason.strip())
    rows, told = [], []
    for one in done:
        changes = [{"field": field_name(at), "old": was, "new": now} for at, was, now in one.changes]
        rows.append({"id": one.id, "client": one.client, "number": one.number, "changes": changes})
        told.append(f"{one.number} is kept as it is now:" if changes else f"{one.number} has not changed.")
        told += [f"  {change['field']}: {_said(change['old'])} → {_said(change['new'])}" for change in changes]
    if any(one.changes for one in done):
        told.append("Who got it before has another version: send it again. Next: portalgen build")
    say(as_json, {"documents": rows}, "\n".join(told))


def _said(value: object) -> str:
    if value is None:
        return "nothing"
    text = str(value) if not isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def drafting(command: Command) -> Command:
    """The options of `new invoice` that fill in its lines."""
    for option in reversed(
        (
            click.option("--service", "services", multiple=True, metavar="ID", help="Invoice: a line of this service."),
            click.option("--sessions", metavar="unbilled|IDS", help="Invoice: the sessions that wait, or these."),
            click.option("--charges", metavar="waiting|IDS", help="Invoice: the charges that wait, or these."),
            click.option(
                "--recurring", type=click.Choice(("due",)), metavar="due", help="Invoice: one for each run that is due."
            ),
            click.option(
                "--deposit", type=Parsed("fee"), metavar="AMOUNT|N%", help="Invoice: ask for this part in advance."
            ),
            click.option("--late-fee", metavar="INVOICE", help="Invoice: the fee that its terms allow today."),
            click.option("--terms", metavar="ID", help="Invoice: on these payment terms [the client's]."),
            click.option("--all", "every", is_flag=True, help="Invoice: for every client, without naming one."),
        )
    ):
        command = option(command)
    return command


def draft(client: str, site: Path, today: dt.date | None, as_json: bool, **options: Wishes) -> list[Path]:
    """Make the drafts that `new invoice` was asked for; gives their files."""
    from portalgen.desk.drafting import Wanted
    from portalgen.desk.drafting import draft as run
    from portalgen.desk.outcomes import drafted_lines

    every = bool(options.pop("every"))
    options["recurring"] = bool(options["recurring"])
    given: dict[str, Any] = {key: value for key, value in options.items() if value}  # click has checked their types
    wanted = Wanted(**given)
    if every == bool(client):
        raise click.UsageError("name one client, or write --all")
    if every and wanted.late_fee:
        raise click.UsageError("a late fee is one client's; name the client instead of --all")
    if wanted == Wanted(terms=wanted.terms):
        raise click.UsageError(
            "say what to invoice; --service ID, --sessions unbilled, --charges waiting, --recurring due "
            "or --late-fee INVOICE"
        )
    with opened(site, today, as_json) as books:
        folders = [*books.clients.values()] if every else [books.client(client)]
        done = run(books, folders, wanted)
        name = "anybody" if every else folders[0].client.name.display
        broken = books.broken if every else []
    told = drafted_lines(done, wanted, name)
    if broken:
        told.append(f"Left out, because their files have errors (see portalgen check): {', '.join(broken)}")
    paths = [one.path for one in done]
    say(
        as_json,
        {
            "left_out": broken,
            "path": paths[0] if paths else None,
            "drafts": [one.path for one in done if one.document is None],
            "issued": [one.path for one in done if one.document],
        },
        "\n".join(told),
    )
    if broken:
        sys.exit(BROKEN)
    return [site / path for path in paths]


COMMANDS = (issue, pay, credit, relock)
