"""What a command or a form of the desk has done, in sentences: what, for whom, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from portalgen.desk.books import Books
from portalgen.desk.drafting import Drafted, Wanted
from portalgen.desk.issuing import IssuedInvoice
from portalgen.desk.noting import Noted
from portalgen.desk.paying import Booked
from portalgen.desk.retiring import Retired
from portalgen.desk.wording import amount_of, many

PROMISE = (
    "What somebody has seen stays seen, and hosts may serve old copies for a while.",
    "Build and upload now: until then the old address still opens.",
)
KNOWN = "Whoever opened the old page may have kept the links on it to invoices and credit notes, which still open."


def issued_lines(books: Books, done: Sequence[IssuedInvoice]) -> list[str]:
    """Each invoice that was issued, then what to do with its link."""
    lines = []
    for one in done:
        document, name = one.document, books.clients[one.client].client.name.display
        asked = amount_of(document.money(document.amount))
        lines.append(f"Issued {document.number} for {name}: {asked}{_when(one)}.")
    clients = " or ".join(dict.fromkeys(one.client for one in done))
    return [*lines, f"Next: portalgen build, then the link to send with portalgen links {clients}"]


def _when(one: IssuedInvoice) -> str:
    """When it is due, or what of it was paid before."""
    document = one.document
    first = next(iter(document.open_parts), None)
    if len(document.open_parts) > 1 and first:
        part = amount_of(document.money(first.amount))
        when = f", in {len(document.open_parts)} parts, the first of {part} due {first.due}"
    else:
        when = f", due {document.due}" if document.payable > 0 else ""
    if not document.drawn:
        return when
    source = "drawn from the advance" if all(d.advance for d in document.drawn) else "paid ahead"
    payable = document.money(document.payable)
    rest = f"{payable.amount:f} to pay" if document.payable > 0 else "nothing to pay"
    drawn = document.money(document.amount - document.payable)
    return f", {drawn.amount:f} {source}, {rest}{when}"


def booked_lines(books: Books, done: Booked) -> list[str]:
    """A payment that was booked, and what is open after it."""
    payment, facts = done.payment, done.facts
    name = books.clients[done.client].client.name.display
    number = facts.invoice.number or facts.invoice.id
    still, whole = facts.money(facts.status.balance), facts.money(abs(payment.amount))
    what = "Booked a refund of" if payment.amount < 0 else "Booked"
    lines = [f"{what} {amount_of(whole)} by {payment.method} on {payment.date} for {number}, {name}."]
    if facts.invoice.issued and payment.date < facts.invoice.issued:
        lines.append(f"That is before the invoice of {facts.invoice.issued}: check the date.")
    if payment.date > books.day:
        lines.append(f"It counts from {payment.date} on: {amount_of(still)} open until then.")
    elif payment.status != "cleared":
        lines.append(f"It is {payment.status}, so it does not count yet: {amount_of(still)} open.")
    elif payment.amount > 0:
        if done.held.amount:
            lines.append(f"{amount_of(done.held)} more than was open: it stays as the credit of {name}.")
        lines.append(f"{amount_of(still)} still open." if still.amount else f"{number} is paid.")
    elif still.amount:
        lines.append(
            f"{amount_of(still)} open again; if nobody owes that, first: portalgen credit {facts.invoice.id} …"
        )
    if payment.receipt_number:
        lines.append(f"Receipt {payment.receipt_number} appears with the next portalgen build.")
    return [*lines, f"A slip? Take the entry {payment.id} off the end of {done.path}"]


def drafted_lines(done: Sequence[Drafted], wanted: Wanted, whom: str) -> list[str]:
    """The invoices that were drafted or issued at once. `whom`: for whom there was nothing, if there was nothing."""
    lines = [] if done else [f"Nothing is waiting to be invoiced for {whom}. No file was made."]
    for one in done:
        how = f"Issued {one.document.number}" if one.document else "Drafted"
        lines.append(f"{how}: {one.path}, {many(one.lines, 'line')}, {amount_of(one.amount)}")
    if wanted.late_fee:
        lines.append("It enters the balance when it is issued. Tell the client before.")
    drafts = [one.id for one in done if one.document is None]
    if drafts:
        lines.append(f"Next: look it over, then portalgen issue {' '.join(drafts)}")
    elif done:
        lines.append("Next: portalgen build, then the links to send with portalgen links")
    return lines


def noted_lines(books: Books, done: Noted) -> list[str]:
    """A contact that was noted."""
    entry, name = done.entry, books.clients[done.client].client.name.display
    way = {"in": "from", "out": "to"}[entry.direction]
    channel = {"in_person": "in person", "sms": "SMS"}.get(entry.channel, entry.channel)
    lines = [f"Noted for {name}: {channel}, {way} them, on {entry.at:%Y-%m-%d} at {entry.at:%H:%M}."]
    if entry.promise and entry.invoice:
        lines.append(f"No reminder is due before the promise of {entry.promise.by} is past.")
    if entry.follow_up:
        lines.append(f"portalgen review names it from the week of {entry.follow_up.on} on.")
    return [*lines, f"A slip? Take the entry {entry.id} off the end of {done.path}"]


def retired_lines(done: Retired, *, typed: bool = True) -> list[str]:
    """Links that were ended or replaced, and what that cannot undo. `typed`: with the commands for what comes next."""

    def then(text: str, command: str) -> str:
        return f"{text}: {command}" if typed else f"{text}."

    how = "replaced" if done.renewed else "ended"
    lines = [f"{many(done.count, 'link')} of {done.client} {how}.", *PROMISE]
    if done.others:
        rotate = f"portalgen link rotate {done.client} --invoice N"
        lines += [KNOWN, then("Replace those too if that person should not read them", rotate)]
    if done.renewed:
        lines.append(then("After that, send the new link", f"portalgen links {done.client}"))
    return lines
