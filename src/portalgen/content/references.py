"""Whether what is referred to exists: ids of the site, ids within one client, files."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from portalgen.content.convert import Use, suggest
from portalgen.content.problems import Finding

Ids = Collection[str] | None
"""None when they are not known because their file cannot be read: then nothing is missed in it."""

_WORDS = {
    "service": "service",
    "policy": "policy",
    "terms": "set of payment terms",
    "guide": "guide",
    "agreement": "agreement",
    "letter": "letter",
    "referral": "referral",
    "method": "method of payment",
    "client": "client",
    "contact": "contact",
    "session": "session",
    "invoice": "invoice",
    "payment": "payment",
    "log": "log entry",
    "charge": "charge",
    "estimate": "estimate",
}
_WHERE = {
    "method": "write it into practice.methods of content/site.yaml, or name another",
    "referral": "write it into content/referrals.yaml, or name another",
    "contact": "write it into contacts: of this client.yaml, or name another",
    "charge": "write it into charges: of this client.yaml with an id, or name another",
    "session": "write it into this client's sessions.yaml, or name another",
    "payment": "write it into this client's payments.yaml, or name another",
    "log": "give that entry of log.yaml the id, or name another",
}
_FOLDERS = {
    "service": "content/services/{}.md",
    "policy": "content/policies/{}.md",
    "terms": "content/terms/{}.yaml",
    "guide": "content/guides/{}.md",
    "agreement": "content/agreements/{}.md",
    "letter": "content/letters/{}.md",
    "client": "content/clients/{}/client.yaml",
    "invoice": "this client's invoices/{}.yaml",
    "estimate": "this client's estimates/{}.yaml",
}


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Every id that a file of any client may refer to. `owners`: (kind, id) of documents → the client's id.

    `unsound`: (kind, id) of what exists and has an error, in itself or in what it refers to; id `*` stands for all.
    """

    ids: Mapping[str, Ids]
    owners: Mapping[tuple[str, str], str] = {}
    unsound: frozenset[tuple[str, str]] = frozenset()

    def sound(self, use: Use) -> bool:
        """Whether a reference leads to something without an error."""
        return (use.kind, use.id) not in self.unsound and (use.kind, "*") not in self.unsound


def alive(kind: str, ids: set[str], names: Names, own: Mapping[str, Ids]) -> bool:
    """Whether all these references lead to something without an error."""
    known = own.get(kind, ()) if kind in own else names.ids.get(kind, ())
    if known is not None and not ids.issubset(known):
        return False
    return not names.unsound or names.unsound.isdisjoint((kind, one) for one in (*ids, "*"))


def dead(path: str, use: Use, names: Names, own: Mapping[str, Ids], client: str = "") -> Finding | None:
    """The finding for a reference that leads nowhere. `own`: the ids of the client whose file this is."""
    known = own.get(use.kind, ()) if use.kind in own else names.ids.get(use.kind, ())
    if known is None or use.id in known:
        return None
    guess = suggest(use.id, known)
    mean = f", did you mean '{guess}'?" if guess else ""
    if use.kind in ("asset", "file"):
        where = "content" if use.kind == "asset" else f"content/clients/{client}/files"
        message = f"there is no file '{use.id}' in {where}{mean}"
        hint = f"write {guess}; capital and small letters count" if guess else f"save the file as {where}/{use.id}"
        code = "missing-asset"
    else:
        code = "dead-reference"
        message = f"there is no {_WORDS.get(use.kind, use.kind)} '{use.id}'{mean}"
        hint = f"write {guess}" if guess else _create(use)
        owner = names.owners.get((use.kind, use.id))
        if owner and owner != client:
            message = f"the {use.kind} '{use.id}' belongs to the client '{owner}'"
            hint = f"refer to documents of '{client}' only, or move this entry to '{owner}'"
    return Finding(path=path, code=code, message=message, hint=hint, at=use.at, on_key=use.on_key)


def _create(use: Use) -> str:
    if use.kind in _WHERE:
        return _WHERE[use.kind]
    return f"create {_FOLDERS.get(use.kind, '{}').format(use.id)}, or name another"
