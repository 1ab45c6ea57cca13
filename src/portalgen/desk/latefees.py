"""Late fees for the practitioner: what the terms allow today, or in a sentence why nothing (domain M11, §4.10)."""

from __future__ import annotations

import msgspec

from portalgen.content.problems import Finding
from portalgen.content.records.documents import Invoice, Line
from portalgen.desk.books import Books, Found
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.followup import promised_by
from portalgen.rules.late import LateFee, fee_tax, late_fee, obstacle
from portalgen.site.fee_words import fee_words
from portalgen.site.sheet_words import Words
from portalgen.site.theme import TemplateProblem, Theme


class NoFee(msgspec.Struct, frozen=True):
    """Why nothing may be charged, and what would change that."""

    message: str
    hint: str


def fee_of(books: Books, found: Found, facts: InvoiceFacts) -> LateFee | NoFee:
    """The fee that the invoice's terms allow on the day, or why not."""
    shared, folder, day = books.shared, found.folder, books.day
    fee = late_fee(shared, folder, facts, day)
    if fee:
        return fee
    number = facts.invoice.number or facts.invoice.id
    terms = facts.terms.id if facts.terms else ""
    why = obstacle(shared, folder, facts, day)
    if why is None:
        message = f"all that the terms allow for {number} by {day} is charged already"
        return NoFee(message, "see the lines with late_fee: of invoices, and charges: of client.yaml, waived ones too")
    if why == "promised":
        by = promised_by(shared, folder, facts.invoice.id, day, shown=False)
        return NoFee(f"the client promised to pay {number} by {by}", "wait for that day")
    return {
        "no_rule": NoFee(f"the terms of {number} have no late fee", "what nobody agreed on cannot be charged"),
        "other_currency": NoFee(
            f"the terms have amounts in {shared.site.practice.currency}, and {number} is in {facts.currency}",
            "agree on an amount with the client first",
        ),
        "not_late": NoFee(
            f"{number} is not past due on {day}", "a fee begins after the due date and the days of grace"
        ),
        "a_fee": NoFee(f"{number} asks for a late fee itself", "there is no fee on a fee"),
        "not_accepted": NoFee(
            f"the client had accepted no agreement with the terms '{terms}' when {number} was issued",
            f"a fee needs an agreement with terms: {terms}, and the client's accepted: entry in client.yaml",
        ),
        "disputed": NoFee(
            f"{number} is being discussed", "agree first, then add until: below disputed: of the invoice"
        ),
        "too_early": NoFee(f"{number} is not late enough yet", "see after_days: below late: of its payment terms"),
    }[why]


def fee_invoice(books: Books, found: Found, id_: str) -> Invoice:
    """A draft with one line that asks for the fee of today and names the invoice that was late.

    It goes to whom that invoice went, on the same terms. Raises `NotDone` with why no fee may be charged.
    """
    folder, late = found.folder, found.invoice
    facts = books.facts(found)
    fee = fee_of(books, found, facts)
    if isinstance(fee, NoFee):
        books.refuse([Finding(path=late.path, code="no-late-fee", message=fee.message, hint=fee.hint)])
        raise AssertionError("a refusal is an error")
    own = folder.client.currency or books.shared.site.practice.currency
    language = late.language or folder.client.language or books.shared.site.practice.language
    line = Line(
        description=_description(books, books.theme(), fee, late.number or late.id, language),
        late_fee=late.id,
        unit_price=fee.amount.amount,
        tax=fee_tax(books.shared),
    )
    return Invoice(
        path=folder.source(f"invoices/{id_}.yaml"),
        client=folder.id,
        id=id_,
        currency=fee.amount.currency if fee.amount.currency != own else None,
        terms=late.terms,
        bill_to=late.bill_to,
        language=late.language,
        lines=(line,),
    )


def _description(books: Books, theme: Theme, fee: LateFee, number: str, language: str) -> str:
    try:
        with theme.guarded():
            return fee_words(fee, number, Words(theme.environment(language), language))
    except TemplateProblem as problem:
        books.refuse([problem.finding])
        raise
