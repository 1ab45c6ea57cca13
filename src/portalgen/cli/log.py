"""`portalgen log`: a contact with a client, noted at the end of log.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from portalgen.cli.money import opened
from portalgen.desk.command import Day, Parsed, common, dated, say

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

CHANNELS = ("email", "phone", "sms", "video", "in_person", "letter", "portal", "other")
KINDS = (
    "general", "booking", "follow_up", "check_in", "reminder", "request", "final", "demand", "legal", "promise",
    "dispute", "concern", "boundary", "ending", "review",
)  # fmt: skip
"""As the records have them, which are not imported before the command runs."""


@click.command()
@click.argument("client")
@click.argument("text")
@click.option("--channel", type=click.Choice(CHANNELS), default="other", show_default=True, help="How.")
@click.option("--direction", type=click.Choice(("in", "out")), default="out", show_default=True, help="Whose it was.")
@click.option("--kind", type=click.Choice(KINDS), default="general", show_default=True, help="What about.")
@click.option("--at", metavar="MOMENT", help="When: 2026-11-21T10:30, as your clock says, or with an offset [now].")
@click.option("--invoice", "invoices", multiple=True, metavar="N", help="An invoice it was about; several times.")
@click.option("--session", metavar="ID", help="The session it was about.")
@click.option("--by", metavar="TEXT", help="Who wrote or called.")
@click.option("--with", "with_", metavar="TEXT", help="With whom.")
@click.option("--body", metavar="TEXT", help="All of it.")
@click.option("--follow-up", metavar="TEXT", help="What to do next, with --follow-up-on.")
@click.option("--follow-up-on", type=Day(), metavar="DATE", help="When.")
@click.option("--promise", type=Parsed("positive_amount"), metavar="AMOUNT", help="They promised to pay it.")
@click.option("--promise-by", type=Day(), metavar="DATE", help="Until then.")
@click.option("--share", is_flag=True, help="The promise may stand on their invoices.")
@click.option("--amends", metavar="ID", help="The entry that this one puts right.")
@click.option("--status", metavar="TEXT", help="How it stands, such as open or done.")
@click.option("--tag", "tags", multiple=True, metavar="TEXT", help="A word to find it by; several times.")
@dated
@common
def log(
    client: str,
    text: str,
    channel: str,
    direction: str,
    kind: str,
    at: str | None,
    invoices: tuple[str, ...],
    session: str | None,
    by: str | None,
    with_: str | None,
    body: str | None,
    follow_up: str | None,
    follow_up_on: dt.date | None,
    promise: Decimal | None,
    promise_by: dt.date | None,
    share: bool,
    amends: str | None,
    status: str | None,
    tags: tuple[str, ...],
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Note a contact with a CLIENT: TEXT says in one sentence what it was. Nothing of it is ever published.

    It is the evidence of what was said and sent: an entry at the end of log.yaml, which changes nothing above it.
    """
    from zoneinfo import ZoneInfo

    from portalgen.content.records.base import Misfit
    from portalgen.desk.noting import Contact, moment_of, note
    from portalgen.desk.outcomes import noted_lines

    with opened(site, today, as_json) as books:
        try:
            moment = moment_of(at, ZoneInfo(books.shared.site.practice.timezone)) if at else None
        except Misfit as misfit:
            raise click.UsageError(f"--at: {misfit.message}; {misfit.hint}") from None
        contact = Contact(
            text=text,
            at=moment,
            channel=channel,
            direction=direction,
            kind=kind,
            by=by,
            with_=with_,
            body=body,
            invoices=invoices,
            session=session,
            promise=promise,
            promise_by=promise_by,
            follow_up=follow_up,
            follow_up_on=follow_up_on,
            share=share,
            amends=amends,
            status=status,
            tags=tags,
        )
        done = note(books, client, contact)
    entry = done.entry
    data = {
        "id": entry.id,
        "client": done.client,
        "at": entry.at.isoformat(),
        "channel": entry.channel,
        "direction": entry.direction,
        "kind": entry.kind,
        "invoices": list(entry.invoice),
        "path": done.path,
    }
    say(as_json, data, "\n".join(noted_lines(books, done)))


COMMANDS = (log,)
