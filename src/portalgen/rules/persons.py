"""Further people with a link of their own (domain F8): who has one, until when, and what of the account is theirs.

A scope says what a link opens: `all` what the client sees, `appointments` no money at all, `billing` the money of the
bills that go to this person. Separated parents share a child and no bill: nothing here lets one read of the other's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Client, Contact
from portalgen.content.records.documents import Payment
from portalgen.rules.due import DAY
from portalgen.rules.facts import Account, Allocated, InvoiceFacts, held_for
from portalgen.rules.money import total

MAJORITY = 18
"""The age of majority nearly everywhere."""

MAJORITY_IN = {
    "DZ": 19,  # Code civil, art. 40
    "EG": 21,  # Civil Code, art. 44
    "KR": 19,  # Civil Act, art. 4
    "SG": 21,  # common law; Guardianship of Infants Act 1934
    "TH": 20,  # Civil and Commercial Code, s. 19
}
"""Where it is another, and parents decide until then.

New Zealand is not here: a parent's guardianship ends at 18 (Care of Children Act 2004, s. 28), majority comes at 20.
"""

_UNTIL_MAJORITY = ("parent", "guardian")


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """What of a client's account one person may see.

    `own` are the payments that are theirs; `folder` has those too that others made for these invoices, without which
    the sums would not hold. Of a payment that did something else as well only the part for these invoices is left: it
    is in `cut`, and has no receipt here. What is held for the client is nobody's part. `whole`: everything is theirs.
    `adds_up`: a statement of these invoices tells of all money for them and of no other. `complete`: no invoice deducts
    a deposit that is somebody else's.
    """

    folder: ClientFolder
    account: Account
    own: tuple[Payment, ...]
    cut: frozenset[str] = frozenset()
    whole: bool = False
    adds_up: bool = True
    complete: bool = True


def persons_of(client: Client) -> tuple[Contact, ...]:
    """The contacts with a link of their own: all but the client, whose link is that of the client's page."""
    return tuple(contact for contact in client.contacts if contact.role != "self")


def birthday(born: dt.date, age: int) -> dt.date:
    """The day on which somebody reaches an age. Who was born on 29 February does so on 1 March of other years.

    §§ 187 (2), 188 (2) BGB; Family Law Reform Act 1969, s. 9; so in most countries.
    """
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return dt.date(born.year + age, 3, 1)


def person_until(shared: Shared, client: Client, contact: Contact) -> dt.date | None:
    """The last day on which this person may see anything: `until`, and a parent's last day before the majority."""
    days = [contact.until] if contact.until else []
    if client.birth_date and contact.role in _UNTIL_MAJORITY:
        home = client.address.country if client.address else None
        country = client.country or home or shared.site.practice.country
        days.append(birthday(client.birth_date, MAJORITY_IN.get(country, MAJORITY)) - DAY)
    return min(days, default=None)


def pays(client: Client, contact: Contact) -> bool:
    """Whether bills that name nobody go to this person: the client's payer, or the only one who may see bills."""
    if client.payer:
        return client.payer == contact.id
    return [other.id for other in persons_of(client) if other.scope == "billing"] == [contact.id]


def excerpt(folder: ClientFolder, account: Account, contact: Contact, today: dt.date) -> Excerpt:
    """The part of the account that a person with the scope `billing` sees."""
    client = folder.client
    theirs = {key: facts for key, facts in account.invoices.items() if _theirs(client, facts, contact)}
    others = {payment.id for payment in folder.payments if _of_another(client, payment, contact)}
    named = msgspec.structs.replace(folder, client=msgspec.structs.replace(client, payer=contact.id))
    if pays(client, contact) and len(theirs) == len(account.invoices) and not others:
        return Excerpt(folder=named, account=account, own=folder.payments, whole=True)
    parts = {payment.id: part for payment in folder.payments if (part := _part(payment, theirs.values()))}
    cut = frozenset(payment.id for payment in folder.payments if parts.get(payment.id, payment) != payment)
    invoices = {key: _with(facts, parts) for key, facts in theirs.items()}
    named = msgspec.structs.replace(named, payments=tuple(parts.values()))
    own = tuple(payment for payment in parts.values() if payment.id not in others)
    held = held_for(named, invoices.values(), today)
    return Excerpt(
        folder=named,
        account=Account(invoices=invoices, credit={}),
        own=own,
        cut=cut,
        adds_up=not cut and not held and len(own) == len(parts),
        complete=all(deposit.id in invoices for facts in invoices.values() for deposit in facts.deposits),
    )


def _theirs(client: Client, facts: InvoiceFacts, contact: Contact) -> bool:
    """Whether a bill is this person's: it names them, or was issued to them, or nobody is named and they pay."""
    if facts.invoice.bill_to:
        return facts.invoice.bill_to == contact.id
    buyer = facts.document.buyer if facts.document else None
    if buyer and buyer.also:  # for the client, so to another: who paid then may not be who pays now
        issued_to = [other.id for other in client.contacts if other.name == buyer.name]
        if len(issued_to) == 1:
            return issued_to == [contact.id]
    return pays(client, contact)


def _of_another(client: Client, payment: Payment, contact: Contact) -> bool:
    """Whether a payment names somebody known who is not this person. A name that nobody here has may be a bank's."""
    if not payment.payer or _names(payment, contact):
        return False
    known = {client.name.display, client.name.legal or ""}
    known |= {word for other in client.contacts if other.id != contact.id for word in (other.id, other.name)}
    return payment.payer.casefold() in {name.casefold() for name in known}


def _names(payment: Payment, contact: Contact) -> bool:
    payer = (payment.payer or "").casefold()
    return payer in (contact.id.casefold(), contact.name.casefold())


def _part(payment: Payment, invoices: Iterable[InvoiceFacts]) -> Payment | None:
    """What of a payment went to these invoices, None when nothing did."""
    amounts = [part.amount for facts in invoices for part in facts.allocations if part.payment.id == payment.id]
    if not amounts:
        return None
    if total(amounts) == payment.amount and not payment.for_:
        return payment
    return msgspec.structs.replace(payment, amount=total(amounts), allocations=(), for_=None)


def _with(facts: InvoiceFacts, payments: Mapping[str, Payment]) -> InvoiceFacts:
    """The invoice with its payments as they are shown."""
    allocations = tuple(
        Allocated(payment=payments.get(part.payment.id, part.payment), amount=part.amount) for part in facts.allocations
    )
    return msgspec.structs.replace(facts, allocations=allocations)
