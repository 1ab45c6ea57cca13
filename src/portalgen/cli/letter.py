"""`portalgen letter`: a letter to send, as PDF in `reports/` and as text for an e-mail on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portalgen.cli.export import safe_place
from portalgen.cli.money import opened
from portalgen.desk.command import Day, Environment, common, dated, say
from portalgen.desk.wording import amount_of

if TYPE_CHECKING:
    import datetime as dt

    from portalgen.desk.letters import Letter

KINDS = ("request",)


@click.command()
@click.argument("kind")
@click.argument("ref", metavar="INVOICE")
@click.option("--date", type=Day(), metavar="DATE", help="The letter's date; it says what is true on that day [today].")
@click.option("--deadline", metavar="DATE|DAYS", default="", help="When to pay [as your terms say; else in 14 days].")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The PDF [in reports/letters/].")
@dated
@common
def letter(
    kind: str,
    ref: str,
    date: dt.date | None,
    deadline: str,
    output: Path | None,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Write a letter about an INVOICE: its id, its number, or CLIENT/ID. KIND is request: a formal request for payment.

    The PDF goes into reports/letters/, its words for an e-mail to standard output. Nothing is sent.
    """
    from portalgen.desk.letters import request_letter
    from portalgen.desk.reports import reports_folder
    from portalgen.publish.state import write_whole

    if kind not in KINDS:
        raise click.UsageError(f"there is no letter '{kind}'; write {' or '.join(KINDS)}")
    by = _deadline(deadline)
    with Environment():
        place = safe_place(site, output) if output else None
    with opened(site, date or today, as_json) as books:
        made = request_letter(books, ref, by)
        target = place or reports_folder(site, "letters") / made.name
        write_whole(str(target), made.pdf, 0o600)
    shown = str(output) if output else target.relative_to(site).as_posix()
    say(as_json, _data(made, shown), made.text.removesuffix("\n"))
    if not as_json:
        click.echo("\n".join(_told(made, shown)), err=True)


def _deadline(text: str) -> dt.date | int | None:
    from portalgen.content.records.base import Misfit
    from portalgen.content.scalars import parse_date

    if not text:
        return None
    if text.isdecimal() and len(text) <= 3:
        return int(text)
    try:
        return parse_date(text)
    except Misfit:
        raise click.UsageError(
            f"--deadline: '{text}' is neither a day nor a number of days; write 2026-12-05 or 14"
        ) from None


def _data(made: Letter, path: str) -> dict[str, Any]:
    from portalgen.desk.latefees import NoFee
    from portalgen.desk.yamlvalues import as_read, record_fields

    request, fee = made.request, made.fee
    charge = None if isinstance(fee, NoFee) else fee.charge
    return {
        "client": made.client,
        "invoice": request.document.id,
        "number": request.document.number,
        "date": request.day.isoformat(),
        "deadline": request.deadline.isoformat(),
        "days_late": request.days_late,
        "amount": f"{request.asked.amount:f}",
        "currency": request.asked.currency,
        "discussed": f"{request.discussed.amount:f}",
        "path": path,
        "subject": made.subject,
        "text": made.text,
        "notes": list(made.notes),
        "late_fee": None if isinstance(fee, NoFee) else f"{fee.amount.amount:f}",
        "no_late_fee": fee.message if isinstance(fee, NoFee) else None,
        "charge": as_read(record_fields(charge)) if charge else None,
        "log": made.log,
    }


def _told(made: Letter, path: str) -> list[str]:
    """What is for the practitioner alone."""
    from portalgen.desk.latefees import NoFee

    number, fee = made.request.document.number, made.fee
    lines = ["", f"Wrote {path}. Above are its words for an e-mail; the subject: {made.subject}", *made.notes]
    if isinstance(fee, NoFee):
        lines.append(f"No late fee today: {fee.message}.")
    else:
        lines.append(
            f"The terms allow a late fee of {amount_of(fee.amount)} today. To ask for it on an invoice of its own: "
            f"portalgen new invoice {made.client} --late-fee {number}"
        )
        if made.charge:
            lines += ["or, for a later invoice, below charges: of client.yaml:", made.charge.rstrip("\n")]
    lines += [f"Once it is sent, add to content/clients/{made.client}/log.yaml:", made.log.rstrip("\n")]
    return lines


COMMANDS = (letter,)
