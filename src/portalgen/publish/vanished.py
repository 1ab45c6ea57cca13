"""What was promised outside and has no source any more: an issued document, a client whose link is live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from portalgen.content.lock import LOCK, DocumentRow, Lock
from portalgen.content.lockfile import LockFile
from portalgen.content.model import ClientFolder, Site
from portalgen.content.problems import Problem


def vanished(file: LockFile, lock: Lock, site: Site) -> Iterator[Problem]:
    """All that is gone of what the `lock` in `file` has."""
    known = {row.client for row in lock.links} | {row.client for row in lock.documents}
    for client in sorted(known - {*site.clients}):
        yield from gone_client(file, client, Lock(links=tuple(row for row in lock.links if row.client == client)))
    yield from moved_documents(file, (row for row in lock.documents if row.client not in site.clients), site.clients)
    for client, rows in lock.by_client().items():
        if folder := site.clients.get(client):
            yield from gone_documents(file, Lock(documents=tuple(rows.values())), folder)


def gone_client(file: LockFile, client: str, rows: Lock) -> Iterator[Problem]:
    """What is wrong when a client whose folder is gone has these rows."""
    live = [row.salt for row in rows.links if row.state == "live"]
    if live:
        message = f"the folder of the client '{client}' is gone, but its link was handed out"
        hint = f"put it back, or end its links for good: portalgen link revoke {client}"
        yield _problem(file, live[0], message, hint)
    elif not rows.links:
        message = f"the folder of the client '{client}' is gone, but documents of it were issued"
        yield _problem(file, f'"client": "{client}"', message, "put it back as it was")


def moved_documents(
    file: LockFile, rows: Iterable[DocumentRow], clients: Mapping[str, ClientFolder]
) -> Iterator[Problem]:
    """Documents that were issued for a client whose folder is gone, and lie in the folder of another one."""
    for row in rows:
        for name, folder in clients.items():
            if row.id in (folder.invoices if row.of == "invoice" else folder.credit_notes):
                message = f"the {row.of.replace('-', ' ')} '{row.id}' of '{name}' was issued for '{row.client}'"
                hint = f"name the folder '{row.client}' again; who it was issued for cannot change"
                yield _problem(file, row.sha256, message, hint)


def gone_documents(file: LockFile, rows: Lock, folder: ClientFolder) -> Iterator[Problem]:
    """The issued documents of a client that have no file any more."""
    for row in rows.documents:
        if row.id not in (folder.invoices if row.of == "invoice" else folder.credit_notes):
            name, hint = "invoice", "put it back as it was; to cancel it write void: with a date and a reason"
            if row.of == "credit-note":
                name, hint = "credit note", "put it back as it was; what it should not take back, invoice anew"
            message = f"the file of the {name} {row.number} of '{row.client}' is gone, but it was issued"
            yield _problem(file, row.sha256, message, hint)


def _problem(file: LockFile, sign: str, message: str, hint: str) -> Problem:
    """A problem at the first line of the lock in which `sign` stands."""
    at = file.content.find(sign.encode())
    line = file.content.count(b"\n", 0, at) + 1 if at >= 0 else 1
    return Problem(path=LOCK, line=line, column=1, code="vanished", message=message, hint=hint)
