"""The desk's actions about people: noting a contact, giving a link a new address. Each does what its command does."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from portalgen.content.lock import LOCK
from portalgen.content.records.log import Channel, LogKind
from portalgen.content.scalars import parse_date, parse_positive_amount
from portalgen.desk.board_choices import choose_client, clients_of, nobody
from portalgen.desk.board_forms import Change, Done, Field, Form, Given, Next, Option, Typed, changes_of, first, wrong
from portalgen.desk.board_records import OpenLink, Records, Seen
from portalgen.desk.books import Books, Unclear
from portalgen.desk.noting import Contact, moment_of, note
from portalgen.desk.outcomes import noted_lines, retired_lines
from portalgen.desk.retiring import retire
from portalgen.desk.wording import amount_of

CHANNELS: dict[Channel, str] = {
    "email": "E-mail",
    "phone": "Phone",
    "sms": "Text message",
    "video": "Video",
    "in_person": "In person",
    "letter": "Letter",
    "portal": "Their page",
    "other": "Other",
}
KINDS: dict[LogKind, str] = {
    "general": "General",
    "booking": "Booking",
    "follow_up": "Follow-up",
    "check_in": "Check-in",
    "reminder": "Reminder to pay",
    "request": "Formal request to pay",
    "final": "Last request to pay",
    "demand": "Demand letter",
    "legal": "Legal step",
    "promise": "Promise to pay",
    "dispute": "Dispute",
    "concern": "Concern",
    "boundary": "Boundary",
    "ending": "Ending",
    "review": "Review",
}


# --- log ----------------------------------------------------------------------------------------------


def log_form(records: Records, seen: Seen, given: Given) -> Form:
    assert seen.shared is not None
    clients = clients_of(seen)
    if not clients:
        return nobody("log", "Note a contact")
    client = first(given, "client")
    folder = seen.subjects[client].folder if client in seen.subjects else None
    last = max(folder.log, key=lambda entry: entry.at).channel if folder and folder.log else "email"
    now = dt.datetime.now(ZoneInfo(seen.shared.site.practice.timezone)).strftime("%H:%M")

    own = seen.subjects[client].account.invoices.values() if folder else ()
    about = tuple(
        Option(facts.invoice.number, amount_of(facts.money(facts.amount)))
        for facts in own
        if facts.status.document == "issued" and facts.invoice.number
    )
    channels = tuple(Option(*pair) for pair in CHANNELS.items())
    kinds = tuple(Option(*pair) for pair in KINDS.items())
    sides = (Option("out", "I did"), Option("in", "They did"))
    sentence = "In a sentence. Nothing of it is ever published."
    fields = (
        Field("client", "Client", "select", options=clients, required=True),
        Field("text", "What was it?", "area", sentence, required=True),
        Field("channel", "How", "select", options=channels),
        Field("direction", "Who began?", "radios", options=sides),
        Field("kind", "What about", "select", options=kinds),
        Field("at", "When", "moment"),
        Field("invoices", "About an invoice", "list", "Its number, where it is about one.", about),
        Field("follow_up", "What to do next", hint="Your week says so when it is time.", aside=True),
        Field("follow_up_on", "When to do it", "date", aside=True),
        Field("promise", "They promised to pay", "amount", aside=True),
        Field("promise_by", "Until", "date", aside=True),
    )
    usual = {"channel": last, "direction": "out", "kind": "general", "at": f"{seen.day.isoformat()}T{now}"}
    filled = tuple(field.filled(given, usual.get(field.name, "")) for field in fields)
    return Form("log", "Note a contact", (), filled, "Note it")


def log_done(root: Path, today: dt.date | None, given: Given) -> Done:
    typed = Typed(given)
    client = typed.text("client", "Choose a client.")
    text = typed.text("text", "Write in one sentence what it was.")
    books = Books(root, today)
    zone = ZoneInfo(books.shared.site.practice.timezone)
    at = typed.parsed("at", lambda value: moment_of(value, zone), "Write the day and the hour.")
    promise = typed.parsed("promise", parse_positive_amount)
    promise_by, follow_up_on = typed.parsed("promise_by", parse_date), typed.parsed("follow_up_on", parse_date)
    chosen = {name: typed.text(name) for name in ("channel", "direction", "kind")}
    known = {"channel": (*CHANNELS, ""), "direction": ("in", "out", ""), "kind": (*KINDS, "")}
    for name, value in chosen.items():
        if value not in known[name]:
            typed.problems[name] = f"There is no '{value}' here."
    typed.settle()
    contact = Contact(
        text=text,
        at=at,
        channel=chosen["channel"] or "other",
        direction=chosen["direction"] or "out",
        kind=chosen["kind"] or "general",
        invoices=typed.all("invoices"),
        promise=promise,
        promise_by=promise_by,
        follow_up=typed.text("follow_up") or None,
        follow_up_on=follow_up_on,
    )
    try:
        done = note(books, client, contact)
    except Unclear as unclear:
        fields = ("text", "invoices", "promise", "promise_by", "follow_up", "follow_up_on")
        raise wrong(unclear, fields, "client") from None
    title = f"Noted for {books.clients[done.client].client.name.display}"
    after = Next("Note another contact", "/desk/log")
    return Done(title, tuple(noted_lines(books, done)), tuple(changes_of(root, books.written)), (after,))


# --- rotate -------------------------------------------------------------------------------------------


def rotate_form(records: Records, seen: Seen, given: Given) -> Form:
    subject = seen.subjects.get(first(given, "client"))
    if subject is None:
        return choose_client(seen, "rotate", "New address for a link", given)
    folder = subject.folder
    links = records.links(seen, [folder.id])[folder.id]
    options = tuple(Option(f"{link.of}:{link.ref}", link_words(link)) for link in links)
    intro = (
        f"A link of {folder.client.name.display} gets another address.",
        "The old one then says that it was replaced, and opens nothing that you publish later.",
    )
    if not options:
        intro = (f"{folder.client.name.display} has no link yet.", "The next build makes one.")
    fields = (
        Field("client", "Client", "hidden", values=(folder.id,)),
        Field("link", "Which link", "radios", options=options, required=True, values=tuple(given.get("link", ()))),
    )
    return Form("rotate", "New address for a link", intro, fields, "Give it a new address" if options else "")


def link_words(link: OpenLink) -> str:
    """What a link opens."""
    return {
        "portal": "Their page",
        "person": f"The page for {link.label}",
        "invoice": f"Invoice {link.label}",
        "credit-note": f"Credit note {link.label}",
    }[link.of]


def rotate_done(root: Path, today: dt.date | None, given: Given) -> Done:
    typed = Typed(given)
    client, link = typed.text("client", "Choose a client."), typed.text("link", "Choose the link.")
    of, _, ref = link.partition(":")
    if link and of not in ("portal", "person", "invoice", "credit-note"):
        typed.problems["link"] = f"There is no '{link}' here."
    typed.settle()
    document, person = ref if of in ("invoice", "credit-note") else "", ref if of == "person" else ""
    try:
        done = retire(root, client, document, person, renew=True)
    except Unclear as unclear:
        raise wrong(unclear, (), "link") from None
    change = Change(LOCK, False, sentence="The old address is kept as replaced, and the link has its next one.")
    after = Next("Show the new link", f"/desk/links/{quote(client)}#{of}-{quote(ref)}")
    return Done("The link has a new address", tuple(retired_lines(done, typed=False)), (change,), (after,))
