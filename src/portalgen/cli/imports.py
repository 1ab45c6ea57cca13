"""`portalgen import`: what others wrote about the practice's money, into its books."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portalgen.cli.money import opened
from portalgen.desk.command import BROKEN, common, dated, say, tell
from portalgen.desk.imports import FORMATS, FormatName
from portalgen.desk.wording import many

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from portalgen.content.model import ClientFolder
    from portalgen.desk.books import Books
    from portalgen.desk.imports.booking import Aside, BookedRow, Outcome, Proposed
    from portalgen.desk.imports.rows import Options, Row, Statement


@click.group("import")
def import_() -> None:
    """Read the payments in a file from your bank, Stripe or PayPal."""


@import_.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what would be booked, and write nothing.")
@click.option("--method", metavar="ID", default="", help="How the money came [the only one of your methods that fits].")
@click.option("--format", "form", type=click.Choice(FORMATS), help="What the file is [as it looks].")
@click.option(
    "--columns", multiple=True, metavar="FIELD=NAME,…", help="Bank: which column is what, if it cannot be guessed."
)
@click.option("--date-format", metavar="FORMAT", default="", help="How dates are written, such as %d.%m.%Y [guessed].")
@click.option("--decimal", type=click.Choice((",", ".")), default=None, help="What begins the cents [guessed].")
@click.option("--delimiter", metavar="SIGN", default="", help="What is between columns [guessed].")
@click.option("--encoding", metavar="NAME", default="", help="The encoding [UTF-8, else Windows-1252].")
@dated
@common
def payments(
    file: Path,
    dry_run: bool,
    method: str,
    form: FormatName | None,
    columns: tuple[str, ...],
    date_format: str,
    decimal: str | None,
    delimiter: str,
    encoding: str,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Book the payments in FILE: a balance of Stripe or PayPal as CSV, a bank's CSV, or camt.053.

    Only what names an open invoice by its reference is booked. The rest is proposed, as commands to run. A row that is
    in the books already is never booked again.
    """
    from portalgen.desk.imports.booking import import_payments
    from portalgen.desk.imports.reading import parse_columns, read
    from portalgen.desk.imports.rows import BadRows, Options, Unreadable

    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(delimiter) > 1 or delimiter in ('"', "\n", "\r"):
        raise click.UsageError(f"--delimiter: '{delimiter}' cannot stand between columns; write one sign, or tab")
    try:
        options = Options(
            format=form,
            columns=parse_columns(columns),
            date_format=date_format,
            decimal=decimal or "",
            delimiter=delimiter,
            encoding=encoding,
        )
        with opened(site, today, as_json) as books:
            statement = read(file, _of_practice(options, books))
            outcome = import_payments(books, statement, method, dry_run=dry_run)
            clients = books.clients
    except Unreadable as unreadable:
        raise click.UsageError(f"{unreadable.message}; {unreadable.hint}") from None
    except BadRows as bad:
        tell(bad.problems, lambda _: "", as_json, {}, writes=True)
        sys.exit(BROKEN)
    say(as_json, _data(statement, outcome, site, dry_run), "\n".join(_told(statement, outcome, clients, site, dry_run)))


def _of_practice(options: Options, books: Books) -> Options:
    """The options with what the practice's own settings say."""
    import msgspec

    practice = books.shared.site.practice
    return msgspec.structs.replace(options, timezone=practice.timezone, currency=practice.currency)


def _data(statement: Statement, outcome: Outcome, site: Path, dry_run: bool) -> dict[str, Any]:
    return {
        "file": statement.file,
        "format": statement.format,
        "dry_run": dry_run,
        "booked": [_booked(one) for one in outcome.booked],
        "proposed": [_proposed(statement, one, site) for one in outcome.proposed],
        "already": [{**_row(one.row), "reason": one.reason} for one in outcome.already],
        "ignored": [{**_row(one.row), "reason": one.reason} for one in outcome.ignored],
        "left_out": list(outcome.left_out),
        "notes": list(statement.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "row": row.id,
        "line": row.line,
        "date": row.date.isoformat(),
        "amount": f"{row.amount:f}",
        "currency": row.currency,
        "payer": row.payer,
        "text": row.text,
        "reference": row.reference,
    }


def _booked(one: BookedRow) -> dict[str, Any]:
    payment = one.payment
    return {
        **_row(one.row),
        "id": payment.id,
        "client": one.client,
        "method": payment.method,
        "fee": f"{payment.fee:f}" if payment.fee else None,
        "receipt_number": payment.receipt_number,
        "invoices": [{"invoice": part.invoice, "amount": f"{part.amount:f}"} for part in payment.allocations],
        "unallocated": f"{one.held:f}",
        "path": one.path,
    }


def _proposed(statement: Statement, one: Proposed, site: Path) -> dict[str, Any]:
    return {
        **_row(one.row),
        "reasons": list(one.reasons),
        "candidates": [
            {
                "client": candidate.client,
                "invoices": [share.invoice for share in candidate.shares],
                "reasons": list(candidate.reasons),
                "commands": _commands(statement, one, n, site),
            }
            for n, candidate in enumerate(one.candidates)
        ],
    }


def _commands(statement: Statement, one: Proposed, n: int, site: Path) -> list[str]:
    """The commands that book a row as one of its candidates."""
    row, candidate = one.row, one.candidates[n]
    found = []
    for at, share in enumerate(candidate.shares):
        options = {
            "date": row.date.isoformat(),
            "method": one.methods[n],
            "currency": share.money.currency,
            "reference": (row.reference or row.text)[:140].strip(),
            "payer": candidate.payer or "",
            "rate": f"{share.rate:f}" if share.rate else "",
            "fee": f"{row.fee:f}" if row.fee and at == 0 and share.rate is None else "",
            "source": f"{statement.file.replace(':', '_')}:{row.id}",
            "site": "" if site == Path() else os.fspath(site),
        }
        words = ["portalgen", "pay", f"{candidate.client}/{share.invoice}", f"{share.money.amount:f}"]
        found.append(shlex.join([*words, *(f"--{key}={text}" for key, text in options.items() if text)]))
    return found


def _told(
    statement: Statement, outcome: Outcome, clients: Mapping[str, ClientFolder], site: Path, dry_run: bool
) -> Iterator[str]:
    yield from statement.notes
    if outcome.booked:
        yield f"{'Would book' if dry_run else 'Booked'} {many(len(outcome.booked), 'payment')}:"
    for one in outcome.booked:
        parts = _numbers(clients[one.client], [part.invoice for part in one.payment.allocations])
        receipt = f", receipt {one.payment.receipt_number}" if one.payment.receipt_number else ""
        held = f"; {one.held:f} {one.row.currency} of it for no invoice" if one.held else ""
        yield f"  {_said(one.row)}: {parts or 'credit'} of {_name(clients[one.client])}{receipt}{held}"
    if outcome.proposed:
        yield f"Not certain, so not booked: {many(len(outcome.proposed), 'row')}. Run the line that is right:"
    for proposed in outcome.proposed:
        yield f"  {_said(proposed.row)}: {'; '.join(proposed.reasons)}"
        for n, candidate in enumerate(proposed.candidates):
            folder = clients[candidate.client]
            parts = _numbers(folder, [share.invoice for share in candidate.shares])
            yield f"    {parts} of {_name(folder)}: {', '.join(candidate.reasons)}"
            yield from (f"      {command}" for command in _commands(statement, proposed, n, site))
        if not proposed.candidates:
            yield "    No open invoice fits."
    if outcome.already:
        yield f"In the books already: {many(len(outcome.already), 'row')}."
    yield from _set_aside(outcome.ignored)
    if outcome.left_out:
        yield f"Left out, because their files have errors (see portalgen check): {', '.join(outcome.left_out)}"
    if not (outcome.booked or outcome.proposed or outcome.already or outcome.ignored):
        yield f"{statement.file} has no rows."
    if outcome.booked and not dry_run:
        yield "Next: portalgen build, and the clients' pages show it."


def _numbers(folder: ClientFolder, ids: Sequence[str]) -> str:
    return " and ".join(folder.invoices[id_].number or id_ for id_ in ids)


def _name(folder: ClientFolder) -> str:
    return folder.client.name.display


def _set_aside(ignored: tuple[Aside, ...]) -> Iterator[str]:
    """What was left aside, by its reasons."""
    reasons: dict[str, int] = {}
    for one in ignored:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    if reasons:
        yield f"Left aside: {many(len(ignored), 'row')}."
        yield from (f"  {count} × {reason}" for reason, count in sorted(reasons.items()))


def _said(row: Row) -> str:
    text = row.reference or row.text
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    who = f" from {row.payer or row.email}" if (row.payer or row.email) and row.amount > 0 else ""
    return f"line {row.line}, {row.date} {row.amount:f} {row.currency}{who}" + (f" “{shown}”" if shown else "")


COMMANDS = (import_,)
