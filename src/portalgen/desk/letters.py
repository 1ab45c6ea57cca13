"""Letters to send, made from the books: the formal request to pay what is late (domain M10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from portalgen.content.problems import Finding
from portalgen.desk.books import Books, Found, Unclear
from portalgen.desk.latefees import NoFee, fee_of
from portalgen.desk.wording import amount_of
from portalgen.desk.yamlvalues import Value, entry_text, record_fields
from portalgen.rules.due import DAY
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.followup import promised_by
from portalgen.rules.late import LateFee
from portalgen.rules.request import Request, refusal, request_of, usual_deadline
from portalgen.site.bill import bill_of
from portalgen.site.formats import country_names
from portalgen.site.offer import Offer
from portalgen.site.pdf import DocumentProblem, missing_letters
from portalgen.site.practice import practice_view
from portalgen.site.printing import Printer, file_name
from portalgen.site.sheet import Sheet
from portalgen.site.sheets_letter import letter_text
from portalgen.site.theme import TemplateProblem, Theme
from portalgen.site.ways import ways_now


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter as PDF and as text for an e-mail. `notes` are for the practitioner alone, `log` is an entry of log.yaml.

    `fee` is what the terms allow to charge today, or why nothing.
    """

    client: str
    request: Request
    name: str  # of its file
    subject: str
    text: str
    pdf: bytes
    notes: tuple[str, ...]
    log: str
    fee: LateFee | NoFee

    @property
    def charge(self) -> str:
        """The fee as an entry for `charges` of client.yaml; empty where there is none."""
        charge = self.fee.charge if isinstance(self.fee, LateFee) else None
        return entry_text(record_fields(charge), "  ") if charge else ""


def request_letter(books: Books, ref: str, deadline: dt.date | int | None = None) -> Letter:
    """The request to pay what is late of an invoice, on the books' day, by a day or in so many days.

    Raises `Unclear`, or `NotDone` when there is nothing to ask for.
    """
    found = books.invoice(ref)
    account = books.account(found.folder)
    facts = account.invoices[found.invoice.id]
    _refuse(books, facts)
    request = request_of(books.shared, found.folder, facts, books.day, _deadline(books, facts, deadline))
    theme = books.theme()
    sheet = _sheet(books, theme, found, facts, request)
    try:
        printed = theme.press.pdf(sheet)
    except DocumentProblem as problem:
        books.refuse([problem.finding])
        raise
    number = request.document.number
    if printed.missing:
        books.noted += books.loaded.report([missing_letters(facts.invoice.path, sheet.title, printed.missing)])
    return Letter(
        client=found.folder.id,
        request=request,
        name=file_name(f"{number}-request-{request.day}"),
        subject=f"{sheet.title} · {number}",
        text=letter_text(sheet),
        pdf=printed.pdf,
        notes=tuple(_notes(books, found, account, facts, request)),
        log=_log(books, request),
        fee=fee_of(books, found, facts),
    )


def _refuse(books: Books, facts: InvoiceFacts) -> None:
    why, invoice, status = refusal(facts), facts.invoice, facts.status
    if why is None:
        return
    name = invoice.number or invoice.id
    message, hint = {
        "draft": (f"'{name}' is a draft, so nobody was asked yet", f"first: portalgen issue {invoice.id}"),
        "scheduled": (f"{name} is issued on {invoice.issued}", "wait until it is past due"),
        "void": (f"{name} is void, so nothing is due", "name the invoice that took its place"),
        "nothing_open": (f"nothing of {name} is open", "there is nothing to ask for"),
        "not_late": (
            f"{name} is not past due on {books.day}: it is due on {status.due}{_grace(facts)}",
            f"send its link instead: portalgen links {invoice.client}",
        ),
        "disputed": (
            f"all that is due of {name} is being discussed",
            "agree first, then add until: below disputed: of the invoice",
        ),
    }[why]
    books.refuse([Finding(path=invoice.path, code="nothing-late", message=message, hint=hint)])


def _grace(facts: InvoiceFacts) -> str:
    days = facts.terms.late.grace_days if facts.terms else 0
    return f", with {days} days of grace" if days else ""


def _deadline(books: Books, facts: InvoiceFacts, wanted: dt.date | int | None) -> dt.date:
    if wanted is None:
        return usual_deadline(books.shared, facts, books.day)
    day = wanted if isinstance(wanted, dt.date) else books.day + wanted * DAY
    if day <= books.day:
        raise Unclear(f"the deadline {day} is not after the letter of {books.day}", "write a later day")
    return day


def _sheet(books: Books, theme: Theme, found: Found, facts: InvoiceFacts, request: Request) -> Sheet:
    shared, document = books.shared, request.document
    home = country_names(shared.site.practice.language)
    printer = Printer(shared, theme, practice_view(shared.site, books.day, home))
    offer = Offer(shared, books.day, country_names(document.language))
    terms = offer.terms(document.terms) if document.terms else None
    bill = bill_of(document, Markup(""), shared.site.practice.country)
    try:
        return printer.request(request, bill, terms, ways_now(shared, found.folder, facts))
    except TemplateProblem as problem:
        books.refuse([problem.finding])
        raise


def _notes(books: Books, found: Found, account: Account, facts: InvoiceFacts, request: Request) -> Iterator[str]:
    """What to think of before the letter goes out."""
    client, number = found.folder.client, request.document.number
    promised = promised_by(books.shared, found.folder, facts.invoice.id, books.day, shown=False)
    if client.do_not_contact:
        yield f"client.yaml of {client.id} says do_not_contact."
    if promised:
        yield f"The client promised to pay {number} by {promised}; that day has not passed."
    if request.discussed.amount:
        yield f"Left out, because it is being discussed: {amount_of(request.discussed)}."
    if facts.entries.pending:
        yield f"{amount_of(facts.money(facts.entries.pending))} for {number} is on its way."
    if held := account.credit.get(facts.currency):
        yield f"You hold {amount_of(facts.money(held))} for the client that may pay for it."
    least = facts.terms.min_amount_to_escalate if facts.terms else None
    if least is not None and request.asked.amount < least:
        let_go = f"your terms let go what is below {least} (min_amount_to_escalate)"
        yield f"It asks for {amount_of(request.asked)}: {let_go}."
    if request.document.terms and not request.agreed:
        yield "The letter claims no agreement: none with these terms was accepted by the date of issue."


def _log(books: Books, request: Request) -> str:
    """An entry for log.yaml, at noon: who sends the letter knows when."""
    document = request.document
    noon = dt.datetime.combine(request.day, dt.time(12), ZoneInfo(books.shared.site.practice.timezone))
    entry: dict[str, Value | None] = {
        "at": noon,
        "channel": "email",
        "direction": "out",
        "kind": "request",
        "summary": f"Request to pay {amount_of(request.asked)} of {document.number} by {request.deadline}",
        "invoice": [document.id],
    }
    return entry_text(entry)
