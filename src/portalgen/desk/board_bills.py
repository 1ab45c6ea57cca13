"""The desk's actions about invoices: a new one, issuing it, recording a payment. Each does what its command does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.scalars import parse_amount, parse_date
from portalgen.desk.board_choices import choose_client
from portalgen.desk.board_forms import (
    Done,
    Field,
    Form,
    Given,
    Next,
    Option,
    Typed,
    Wrong,
    changes_of,
    first,
    form_of,
    sentence,
    wrong,
)
from portalgen.desk.board_records import Records, Seen
from portalgen.desk.books import Books, Unclear
from portalgen.desk.drafting import Wanted, draft
from portalgen.desk.issuing import issue
from portalgen.desk.outcomes import booked_lines, drafted_lines, issued_lines
from portalgen.desk.paying import Asked, pay
from portalgen.desk.wording import amount_of, many
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.money import Money, rounded, total
from portalgen.rules.recurring import due_runs
from portalgen.rules.review_item import Subject
from portalgen.rules.waiting import LineProposal, unbilled_sessions, waiting_charges


def _facts(seen: Seen) -> Iterator[tuple[ClientFolder, InvoiceFacts]]:
    for subject in seen.subjects.values():
        for facts in subject.account.invoices.values():
            yield subject.folder, facts


def _whose(folder: ClientFolder, amount: Money) -> str:
    return f"{folder.client.name.display}, {amount_of(amount)}"


# --- a new invoice ------------------------------------------------------------------------------------


def invoice_form(records: Records, seen: Seen, given: Given) -> Form:
    subject = seen.subjects.get(first(given, "client"))
    if subject is None:
        return choose_client(seen, "invoice", "New invoice", given)
    folder, name = subject.folder, subject.folder.client.name.display
    assert seen.shared is not None
    waiting = tuple(_waiting(seen, subject))
    intro = [f"For {name}. A draft is made: it appears nowhere before you issue it."]
    if not waiting:
        intro.append("Nothing is waiting to be invoiced.")
    services = tuple(Option(service.id, service.name) for service in seen.shared.services.values())
    fields = [Field("client", "Client", "hidden", values=(folder.id,))]
    fields.append(Field("first", "", "hidden", values=("what" if waiting else "service",)))
    if waiting:
        fields.append(Field("what", "What is waiting", "checks", options=waiting, values=tuple(given.get("what", ()))))
    if services:
        own = tuple(given.get("service", ()))
        hint = "One line each, at the client's price."
        fields.append(
            Field("service", "Services", "checks", hint, services, values=own, aside=bool(waiting and not own))
        )
    return Form("invoice", "New invoice", tuple(intro), tuple(fields), "Make the draft" if waiting or services else "")


def _waiting(seen: Seen, subject: Subject) -> Iterator[Option]:
    assert seen.shared is not None
    folder, shared, day = subject.folder, seen.shared, seen.day
    if found := unbilled_sessions(shared, folder, day):
        yield Option("sessions", f"{many(len(found), 'session')} ({_worth(found)})")
    if found := waiting_charges(shared, folder, day):
        yield Option("charges", f"{many(len(found), 'charge')} ({_worth(found)})")
    if runs := due_runs(folder, day, subject.known):
        yield Option(
            "recurring",
            f"{many(len(runs), 'recurring invoice')} that {'was' if len(runs) == 1 else 'were'} not made yet",
        )


def _worth(proposals: tuple[LineProposal, ...]) -> str:
    amounts = [one.amount for one in proposals if one.amount]
    found = []
    for currency in sorted({money.currency for money in amounts}):
        whole = total(money.amount for money in amounts if money.currency == currency)
        found.append(amount_of(Money(rounded(whole, currency), currency)))
    return ", ".join(found) or "without a fixed price"


def invoice_done(root: Path, today: dt.date | None, given: Given) -> Done:
    typed = Typed(given)
    client = typed.text("client", "Choose a client.")
    what, services = typed.all("what"), typed.all("service")
    if client and not (what or services):
        typed.problems[typed.text("first") or "what"] = "Tick what to put on the invoice."
    typed.settle()
    wanted = Wanted(
        services=services,
        sessions="unbilled" if "sessions" in what else "",
        charges="waiting" if "charges" in what else "",
        recurring="recurring" in what,
    )
    books = Books(root, today)
    try:
        folder = books.client(client)
        done = draft(books, [folder], wanted)
    except Unclear as unclear:
        raise wrong(unclear, (), typed.text("first") or "what") from None
    if not done:
        raise Wrong({"what": "Nothing of this is waiting any more."})
    lines = drafted_lines(done, wanted, folder.client.name.display)
    drafts = [Next(f"Issue {one.id}", form_of("issue", invoice=one.id)) for one in done if one.document is None]
    locked = _keeps(one.document.number for one in done if one.document)
    title = f"New invoice for {folder.client.name.display}"
    return Done(title, (*lines, *_noted(books)), tuple(changes_of(root, books.written, locked)), tuple(drafts))


def _keeps(numbers: Iterator[str]) -> str:
    return f"It keeps {' and '.join(numbers)} as issued from now on."


# --- issue --------------------------------------------------------------------------------------------


def issue_form(records: Records, seen: Seen, given: Given) -> Form:
    title = "Issue an invoice"
    drafts = {facts.invoice.id: (folder, facts) for folder, facts in _facts(seen) if facts.status.document == "draft"}
    if not drafts:
        return Form("issue", title, ("There is no draft. Make a new invoice first.",), (), "")
    options = tuple(
        Option(id_, f"{_whose(folder, facts.money(facts.amount))} ({id_})") for id_, (folder, facts) in drafts.items()
    )
    field = Field("invoice", "Draft", "select", options=options, required=True).filled(given)
    if field.value not in drafts:
        kept = Field("date", "", "hidden").filled(given)
        return Form("issue", title, (), (field, kept), "Go on", choosing="Choose a draft.")
    folder, facts = drafts[field.value]
    path = facts.invoice.path
    shown = path, (records.root / path).read_text(encoding="utf-8-sig", errors="replace")
    intro = (
        f"{field.value} for {_whose(folder, facts.money(facts.amount))}.",
        "It gets the next number and its date, and stays as it is from then on. Mistakes then need a credit note.",
    )
    date = Field("date", "Date of issue", "date").filled(given, seen.day.isoformat())
    return Form("issue", title, intro, (msgspec.structs.replace(field, kind="hidden"), date), "Issue it", shown)


def issue_done(root: Path, today: dt.date | None, given: Given) -> Done:
    typed = Typed(given)
    ref = typed.text("invoice", "Choose a draft.")
    day = typed.parsed("date", parse_date, "Write the date of issue.")
    typed.settle()
    books = Books(root, today)
    try:
        done = issue(books, [ref], day)
    except Unclear as unclear:
        raise wrong(unclear, (), "invoice") from None
    one = done[0]
    locked = _keeps(one.document.number for one in done)
    after = Next("Show the link to send", f"/desk/links/{quote(one.client)}#invoice-{quote(one.document.id)}")
    title = f"Issued {one.document.number}"
    lines = (*issued_lines(books, done), *_noted(books))
    return Done(title, lines, tuple(changes_of(root, books.written, locked)), (after,))


def _noted(books: Books) -> list[str]:
    """What there is to be said of what was written."""
    return [sentence(problem.message, problem.hint) for problem in books.noted]


# --- pay ----------------------------------------------------------------------------------------------


def pay_form(records: Records, seen: Seen, given: Given) -> Form:
    assert seen.shared is not None
    open_ = {
        facts.invoice.number or facts.invoice.id: f"{_whose(folder, facts.money(facts.status.balance))} open"
        for folder, facts in _facts(seen)
        if facts.status.document == "issued" and facts.status.balance > 0
    }
    options = tuple(Option(*pair) for pair in sorted(open_.items()))
    methods = (Option("", "As this client paid last"), *(
        Option(method.id, method.label or method.id) for method in seen.shared.site.practice.methods
    ))  # fmt: skip

    hint = "What arrived, such as 85.00. Below zero, what you paid back."
    fields = (
        Field("invoice", "Invoice", "list", "Its number. What is open is proposed; you can name any.", options, True),
        Field("amount", "Amount", "amount", hint, required=True),
        Field("date", "When it came", "date"),
        Field("method", "How", "select", options=methods),
        Field("reference", "What the payer wrote", aside=True),
        Field("payer", "Who paid, if not the client", aside=True),
        Field("note", "For yourself", aside=True),
    )
    usual = {"date": seen.day.isoformat()}
    filled = tuple(field.filled(given, usual.get(field.name, "")) for field in fields)
    wanted = first(given, "invoice")
    intro = (f"{wanted}: {open_[wanted]}.",) if wanted in open_ else ()
    return Form("pay", "Record a payment", intro, filled, "Record it")


def pay_done(root: Path, today: dt.date | None, given: Given) -> Done:
    typed = Typed(given)
    ref = typed.text("invoice", "Name the invoice that was paid.")
    amount = typed.parsed("amount", parse_amount, "Write how much arrived.")
    day = typed.parsed("date", parse_date, "Write the day it came.")
    typed.settle()
    assert amount is not None
    asked = Asked(
        amount=amount,
        date=day,
        method=typed.text("method"),
        reference=typed.text("reference") or None,
        payer=typed.text("payer") or None,
        note=typed.text("note") or None,
    )
    books = Books(root, today)
    try:
        done = pay(books, ref, asked)
    except Unclear as unclear:
        raise wrong(unclear, ("amount", "method", "payer"), "invoice") from None
    number = done.facts.invoice.number or done.facts.invoice.id
    after = Next("Record another payment", "/desk/pay")
    title = f"Payment recorded for {number}"
    return Done(title, tuple(booked_lines(books, done)), tuple(changes_of(root, books.written)), (after,))
