"""Ending a link, or giving it a new address (sealing §4). Only the lock changes; pages follow with the next build."""

from __future__ import annotations

from pathlib import Path

import msgspec

from portalgen.content.convert import suggest
from portalgen.content.loader import load
from portalgen.desk.books import NotDone, Unclear
from portalgen.publish.access import open_access


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """Links of a client that were ended, or replaced by the next (`renewed`).

    `others`: the old page may have led to invoices and credit notes whose links stay as they were.
    """

    client: str
    count: int
    renewed: bool
    others: bool


def retire(root: Path, client: str, document: str = "", person: str = "", *, renew: bool) -> Retired:
    """Replaces the portal's link, or that of one document (its number or id) or person, or ends links for good.

    Hold the build lock. Raises `Unclear` when there is no such link, `NotDone` when the lock is damaged, `KeyProblem`.
    """
    if document and person:
        raise Unclear("two links are named", "name an invoice or a person, not both", "person")
    access, problems = open_access(root)
    if access is None:
        raise NotDone(problems, load(root))
    count = (access.rotate if renew else access.revoke)(client, document, person)
    if not count:
        if access.rows(client):
            which = "such link" if renew else "such link that is open"
            raise Unclear(f"'{client}' has no {which}", f"see portalgen links {client} --all", "link")
        there = (root / "content" / "clients" / client).is_dir()
        hint = "portalgen build makes them" if there else meant(root, client)
        raise Unclear(f"'{client}' has no links {'yet' if there else 'at all'}", hint, "client")
    bills = any(row.state == "live" and row.of in ("invoice", "credit-note") for row in access.rows(client))
    return Retired(client=client, count=count, renewed=renew, others=renew and bills and not document)


def meant(root: Path, client: str) -> str:
    """What to write instead of the id of a client that is not there."""
    guess = suggest(client, [folder.name for folder in root.glob("content/clients/*") if folder.is_dir()])
    return f"did you mean {guess}?" if guess else "write the name of a folder in content/clients"
