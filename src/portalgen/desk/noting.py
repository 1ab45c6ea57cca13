"""Noting a contact with a client: an entry at the end of log.yaml, the evidence of what was said (domain R1)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.convert import suggest
from portalgen.content.model import ClientFolder
from portalgen.content.records.base import Misfit
from portalgen.content.records.log import LogEntry
from portalgen.content.scalars import parse_date_time
from portalgen.desk.books import Books, Unclear
from portalgen.desk.paying import free_id
from portalgen.desk.writing import append_entry
from portalgen.desk.yamlvalues import Value
from portalgen.rules.lines import local_date

_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})")


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be noted. `at` is None for now."""

    text: str
    at: dt.datetime | None = None
    channel: str = "other"
    direction: str = "out"
    kind: str = "general"
    by: str | None = None
    with_: str | None = None
    body: str | None = None
    invoices: Sequence[str] = ()
    session: str | None = None
    promise: Decimal | None = None
    promise_by: dt.date | None = None
    follow_up: str | None = None
    follow_up_on: dt.date | None = None
    share: bool = False
    amends: str | None = None
    status: str | None = None
    tags: Sequence[str] = ()


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that was just written down."""

    client: str
    path: str
    entry: LogEntry


def note(books: Books, client: str, contact: Contact) -> Noted:
    """Adds a contact at the end of the client's log. Raises `NotDone` or `Unclear`, and then writes nothing."""
    folder = books.client(client)
    _check(folder, contact)
    path = folder.source("log.yaml")
    original = books.original(path)
    entry = _entry(books, folder, contact, contact.at or _this_minute(books))
    try:
        text = append_entry(original.text, entry)
    except Misfit as misfit:
        raise books.misfit(path, misfit) from None
    after = msgspec.structs.replace(folder, log=books.entries(LogEntry, path, text))
    books.account(after)
    books.write([original.becomes(text)])
    return Noted(client=folder.id, path=path, entry=after.log[-1])


def moment_of(text: str, zone: ZoneInfo) -> dt.datetime:
    """A date and time as written: with its offset, or without one, as the clock on the wall shows it.

    Raises `Misfit`, also for an hour that the change to summer time leaves out.
    """
    found = _LOCAL.fullmatch(text.strip())
    if found is None:
        return parse_date_time(text)
    parse_date_time(f"{found[1]}T{found[2]}+00:00")  # says what is wrong with the day or the hour
    moment = dt.datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=zone)
    if moment.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise Misfit(f"there is no moment '{text}'", "the clocks went forward then; write another hour")
    return moment


def _this_minute(books: Books) -> dt.datetime:
    """This minute, on the day of the books."""
    zone = ZoneInfo(books.shared.site.practice.timezone)
    return dt.datetime.combine(books.day, dt.datetime.now(zone).time().replace(second=0, microsecond=0), zone)


def _check(folder: ClientFolder, contact: Contact) -> None:
    if not contact.text.strip():
        raise Unclear("there is nothing to note", "write in one sentence what it was", "text")
    if (contact.promise is None) != (contact.promise_by is None):
        missing = "promise_by" if contact.promise_by is None else "promise"
        hint = "write how much they promised, and until when"
        raise Unclear("a promise has an amount and a day", hint, missing)
    if contact.follow_up_on and not (contact.follow_up or "").strip():
        raise Unclear("there is nothing to follow up", "write what you will do then", "follow_up")
    if contact.follow_up and not contact.follow_up_on:
        raise Unclear("this is to be followed up on no day", "write the day", "follow_up_on")
    known = {
        "session": [session.id for session in folder.sessions],
        "amends": [entry.id for entry in folder.log if entry.id],
    }
    for field, ids in known.items():
        name = getattr(contact, field)
        if name and name not in ids:
            what = "session" if field == "session" else "entry of the log"
            guess = suggest(name, ids)
            hint = f"did you mean {guess}?" if guess else f"see content/clients/{folder.id}"
            raise Unclear(f"'{folder.id}' has no {what} '{name}'", hint, field)


def _entry(books: Books, folder: ClientFolder, contact: Contact, at: dt.datetime) -> dict[str, Value | None]:
    day = local_date(at, books.shared.site.practice.timezone)
    promise: Value | None = None
    if contact.promise is not None and contact.promise_by is not None:
        promise = {"amount": contact.promise, "by": contact.promise_by}
    follow_up: Value | None = None
    if contact.follow_up and contact.follow_up_on:
        follow_up = {"on": contact.follow_up_on, "what": contact.follow_up}
    return {
        "id": free_id(f"log-{day}", (entry.id for entry in folder.log if entry.id)),
        "at": at,
        "channel": contact.channel,
        "direction": contact.direction,
        "kind": contact.kind if contact.kind != "general" else None,
        "summary": contact.text.strip(),
        "by": contact.by or None,
        "with": contact.with_ or None,
        "body": contact.body or None,
        "invoice": [*_invoices(books, folder, contact.invoices)] or None,
        "session": contact.session or None,
        "promise": promise,
        "follow_up": follow_up,
        "share": True if contact.share else None,
        "amends": contact.amends or None,
        "status": contact.status or None,
        "tags": [*contact.tags] or None,
    }


def _invoices(books: Books, folder: ClientFolder, refs: Sequence[str]) -> Iterator[str]:
    for ref in dict.fromkeys(refs):
        try:
            found = books.invoice(ref)
        except Unclear as unclear:
            raise Unclear(unclear.message, unclear.hint, "invoices") from None
        if found.folder.id != folder.id:
            hint = f"name an invoice of '{folder.id}'"
            raise Unclear(f"'{ref}' is an invoice of '{found.folder.id}'", hint, "invoices")
        yield found.invoice.id
