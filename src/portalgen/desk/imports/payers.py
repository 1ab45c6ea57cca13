"""Whose name a payer has: the client, the company, a contact, or who paid for the client before."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from portalgen.content.model import ClientFolder
from portalgen.content.records.payees import ascii_text

_NO_NAMES = frozenset((
    "mr", "mrs", "ms", "dr", "prof", "herr", "frau", "hr", "fr", "m", "mme", "sr", "sra", "dhr", "mevr", "dott",
    "and", "und", "et", "y", "e", "en", "the", "ltd", "gmbh", "llc", "ag", "inc", "sa", "sarl",
))  # fmt: skip
_DIGRAPHS = re.compile("([aou])e")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """How well a payer is known, from 0 to 35; `payer` is what the payment says: a contact's id, a name, or nothing."""

    score: int = 0
    reason: str = ""
    payer: str | None = None


class _Person(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    words: frozenset[str]
    email: str
    payer: str | None


def words_of(name: str) -> frozenset[str]:
    """The words of a name without accents, case, order and titles: `Müller, Dr. Ana` is `ana` and `muller`."""
    plain = ascii_text(name)
    if not re.search(r"[A-Za-z]", plain):
        plain = name
    words = (_DIGRAPHS.sub(r"\1", word) for word in re.findall(r"\w+", plain.casefold()))
    return frozenset(word for word in words if word not in _NO_NAMES and not word.isdigit())


class Payers:
    """Everybody who may pay for a client."""

    def __init__(self, folder: ClientFolder) -> None:
        self._people = [*_people(folder)]

    def known(self, name: str, email: str, text: str) -> Known:
        """The one that a row's payer is most likely; the text counts where the row has no payer."""
        own = words_of(name)
        said = frozenset() if own else words_of(text)
        return max((_known(person, name, own, said, email) for person in self._people), key=lambda known: known.score)


def _people(folder: ClientFolder) -> Iterator[_Person]:
    client = folder.client
    names = {client.name.display: None, client.name.legal or "": None}
    if client.company:
        names[client.company.name] = None
    for name in names:
        if name:
            yield _Person(name=name, words=words_of(name), email=(client.email or "").casefold(), payer=None)
    for contact in client.contacts:
        email = (contact.email or "").casefold()
        yield _Person(name=contact.name, words=words_of(contact.name), email=email, payer=contact.id)
    contacts = {contact.id for contact in client.contacts}
    for payer in dict.fromkeys(payment.payer for payment in folder.payments if payment.payer not in contacts):
        if payer:
            yield _Person(name=payer, words=words_of(payer), email="", payer=payer)


def _known(person: _Person, name: str, words: frozenset[str], said: frozenset[str], email: str) -> Known:
    if email and email == person.email:
        return Known(score=35, reason=f"it came from {email}", payer=person.payer)
    if not person.words:
        return Known()
    if words == person.words or (len(words & person.words) > 1 and (person.words <= words or words <= person.words)):
        return Known(score=30, reason=f"the payer is {person.name}", payer=person.payer)
    if person.words <= words:  # a name of one word is many people's
        return Known(score=20, reason=f"the payer may be {person.name}", payer=person.payer)
    if len(person.words) > 1 and person.words <= said:
        return Known(score=25, reason=f"the text names {person.name}", payer=person.payer)
    shared = sorted(word for word in person.words & words if len(word) > 2)
    if shared:
        return Known(score=15, reason=f"the payer {name} has a name like {person.name}", payer=name)
    return Known()
