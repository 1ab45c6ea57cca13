"""The key and the lock on disk: what links depend on (sealing §3). Nothing is written before a build has no problem."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from portalgen.content.lock import BACKUP, LOCK, DocumentKey, DocumentRow, LinkRow, LinkState, Lock, Mode
from portalgen.content.lockfile import LockFile
from portalgen.content.model import ClientFolder
from portalgen.content.problems import Problem
from portalgen.publish.key import KEY, KeyProblem, create_key, find_key
from portalgen.publish.manifest import read_manifest
from portalgen.publish.state import state_folder, write_whole
from portalgen.rules.facts import Account
from portalgen.rules.issued import row_of
from portalgen.site.private import Place, Wanted
from portalgen.site.sealing import KEY_BYTES, Keyring

__all__ = [
    "Access",
    "KeyProblem",
    "PartialAccess",
    "keep_lock",
    "new_salt",
    "open_access",
    "partial_access",
    "passing_access",
]


class Access:
    """The site's links: the key, the lock's rows, and the new rows this build adds.

    With `seals` false what would be sealed stands open in a folder of the same name, for a preview.
    """

    def __init__(self, root: Path, lock: Lock, secret: bytes, fresh: bool) -> None:
        self.seals = True
        self.root, self.lock, self.fresh = root, lock, fresh
        self.secret = secret
        self.keyring = Keyring(secret)
        self._by_client: dict[str, list[LinkRow]] = {}
        for row in lock.links:
            self._by_client.setdefault(row.client, []).append(row)
        self._issued = lock.by_client()
        self._links: dict[LinkRow, LinkRow] = {}
        self._documents: list[DocumentRow] = []

    def places(self, client: str, wanted: Iterable[Wanted], *, sealed: bool = False) -> Mapping[Wanted, Place]:
        """The places of a client's links. A new link gets a salt of its own; what was retired stays shut.

        One that had expired is live again when it is wanted again. Nothing is kept before `note` and `save`.
        """
        known: dict[Wanted, LinkRow] = {}
        for row in self.rows(client):
            if (row.of, row.ref) not in known or row.generation > known[row.of, row.ref].generation:
                known[row.of, row.ref] = row
        found = {}
        for of, ref in wanted:
            mode: Mode = "sealed" if sealed else "unlisted"
            row = known.get((of, ref)) or LinkRow(client=client, of=of, ref=ref, salt=new_salt(), modes=(mode,))
            if row.state in ("live", "expired"):
                row = msgspec.structs.replace(row, state="live", modes=tuple(sorted({*row.modes, mode})))
                found[of, ref] = Place(row, self.address(row, sealed=sealed))
        return found

    def address(self, row: LinkRow, *, sealed: bool) -> str:
        """Where the page of a link stands; that of a sealed one has its key behind it."""
        if not sealed:
            return f"p/{self.keyring.token(row.salt, row.generation)}/"
        locator = self.keyring.locator(row.salt, row.generation)
        return f"p/{locator}.html#{self.keyring.fragment(row.salt, row.generation)}/" if self.seals else f"p/{locator}/"

    def rows(self, client: str) -> Sequence[LinkRow]:
        """What the lock has of a client's links."""
        return self._by_client.get(client, ())

    @property
    def clients(self) -> Iterable[str]:
        """The clients that the lock has links of."""
        return self._by_client

    @property
    def expiring(self) -> frozenset[LinkRow]:
        """The rows that the lock has as live and whose last day is past; `save` writes that."""
        return frozenset(old for old, new in self._links.items() if new.state == "expired")

    def issued(self, client: str) -> Mapping[DocumentKey, DocumentRow]:
        """What the lock keeps of a client's issued documents."""
        return self._issued.get(client, {})

    def unknown(self, folder: ClientFolder, account: Account) -> tuple[DocumentRow, ...]:
        """The rows of issued documents that the lock does not have yet."""
        known = self.issued(folder.id)
        found = ((account.documents.get(record.id), record) for record in folder.billing)
        return tuple(
            row_of(document, record)
            for document, record in found
            if document and (document.kind, document.id) not in known
        )

    def note(self, links: Iterable[tuple[LinkRow | None, LinkRow]], documents: Iterable[DocumentRow]) -> None:
        """Takes new rows (`None` and the row), rows in place of others, and rows of documents, for `save` to write."""
        for old, new in links:
            self._links[old or new] = new
        self._documents += documents

    def revoke(self, client: str, document: str = "", person: str = "") -> int:
        """Ends the links of a client, or those of one document (its number or id) or person. Returns how many."""
        ended = [row for row in self.chosen(client, document, person) if row.state in ("live", "expired")]
        if ended:
            self._change({row: msgspec.structs.replace(row, state="revoked") for row in ended}, ())
        return len(ended)

    def rotate(self, client: str, document: str = "", person: str = "") -> int:
        """Gives the portal, one document or one person the next generation, also after it was revoked.

        Returns 0 when there never was such a link.
        """
        rows = self.chosen(client, document, person)
        if not (document or person):
            rows = [row for row in rows if row.of == "portal"]
        last = max(rows, key=lambda row: row.generation, default=None)
        if last is None:
            return 0
        replaced = {last: msgspec.structs.replace(last, state="replaced")} if last.state in ("live", "expired") else {}
        self._change(replaced, [next_generation(last)])
        return 1

    def chosen(self, client: str, document: str = "", person: str = "") -> list[LinkRow]:
        """Rows of a client, or of what is named: an invoice before a credit note, by its id or by its number."""
        own = [row for row in self.lock.links if row.client == client]
        if person:
            return [row for row in own if (row.of, row.ref) == ("person", person)]
        if document:
            numbered = {(row.of, row.id): row.number for row in self.lock.documents if row.client == client}
            for of in ("invoice", "credit-note"):
                rows = [row for row in own if row.of == of]
                if named := [row for row in rows if document in (row.ref, numbered.get((of, row.ref)))]:
                    return named
            return []
        return own

    def _change(self, changed: Mapping[LinkRow, LinkRow], added: Iterable[LinkRow]) -> None:
        links = (*(changed.get(row, row) for row in self.lock.links), *added)
        self.lock = msgspec.structs.replace(self.lock, links=links)
        keep_lock(self.root, self.lock.text().encode())

    def keep(self, rows: Iterable[DocumentRow]) -> None:
        """Writes rows of documents into the lock at once, each in place of the row of the same document."""
        kept = {row.key: row for row in (*self.lock.documents, *rows)}
        self.lock = msgspec.structs.replace(self.lock, documents=tuple(kept.values()))
        keep_lock(self.root, self.lock.text().encode())

    def save(self, *, documents: bool = True) -> None:
        """Writes the key if it is new, then the lock if it has new rows; without `documents`, only those of links."""
        if self._links or self.lock.links:
            self.keep_key()
        found = self._documents if documents else []
        if self._links or found:
            known = {row: self._links.pop(row, row) for row in self.lock.links}
            links = (*known.values(), *self._links.values())
            lock = msgspec.structs.replace(
                self.lock,
                key_id=self.keyring.key_id if links else self.lock.key_id,
                links=links,
                documents=(*self.lock.documents, *found),
            )
            if lock != self.lock:
                keep_lock(self.root, lock.text().encode())
            self.lock, self._links, self._documents = lock, {}, []

    def keep_key(self) -> None:
        """Writes the key if it is new."""
        if self.fresh:
            state_folder(self.root)
            create_key(self.root / KEY, self.secret)
            self.fresh = False


def new_salt() -> str:
    """16 random bytes, as hex."""
    return secrets.token_bytes(16).hex()


def next_generation(row: LinkRow, state: LinkState = "live") -> LinkRow:
    """The link that follows on a row, at another address."""
    return msgspec.structs.replace(row, salt=new_salt(), generation=row.generation + 1, state=state, key_id="")


class PartialAccess(Access):
    """The same of a lock that is read client by client. `lock` has the rows that belong to no client.

    A client whose rows cannot be trusted has none here: whoever asks looks at `of` first. It saves nothing.
    """

    def __init__(self, root: Path, file: LockFile, secret: bytes, fresh: bool) -> None:
        super().__init__(root, file.rest, secret, fresh)
        self.file = file
        self._last: tuple[str, Lock | None] = ("", None)

    def rows(self, client: str) -> Sequence[LinkRow]:
        """What the lock has of a client's links."""
        rows = self.of(client)
        return rows.links if rows else ()

    @property
    def clients(self) -> Iterable[str]:
        """The clients that the lock has rows of."""
        return self.file.clients

    def issued(self, client: str) -> Mapping[DocumentKey, DocumentRow]:
        """What the lock keeps of a client's issued documents."""
        rows = self.of(client)
        return {row.key: row for row in rows.documents} if rows else {}

    def of(self, client: str) -> Lock | None:
        """The rows of one client, or None when one of them cannot be trusted. Those asked for last are remembered."""
        if self._last[0] != client:
            self._last = client, self.file.of(client)
        return self._last[1]


def open_access(root: Path) -> tuple[Access | None, tuple[Problem, ...]]:
    """The links of the site in `root`. Raises `KeyProblem` when the lock has links and their key is not here.

    A lock without links still belongs to the key it names.
    """
    lock, problems = LockFile.at(root).whole()
    if problems:
        return None, problems
    secret, fresh = _secret(root, lock.key_id, bool(lock.links))
    return Access(root, lock, secret, fresh), ()


def partial_access(root: Path, file: LockFile | None = None) -> PartialAccess | None:
    """The same, without reading what the lock has of clients; None when what it has of none cannot be trusted.

    `file` is the lock, where it is not to be read as a whole.
    """
    file = file or LockFile.at(root)
    if not file.regular or (not file.rest.key_id and file.clients):
        return None
    secret, fresh = _secret(root, file.rest.key_id, links=False)
    return PartialAccess(root, file, secret, fresh)


def _secret(root: Path, key_id: str, links: bool) -> tuple[bytes, bool]:
    """The key of a site whose lock names `key_id` and has `links`, and whether it was made just now."""
    path = root / LOCK
    found = find_key(root, key_id)
    if not (key_id or links) and any(
        name.startswith("p/") and name != "p/index.html"
        for owned in read_manifest(root).outputs.values()
        for name in owned.files
    ):
        raise KeyProblem(
            f"{LOCK} is {'empty' if path.exists() else 'gone'}, and with it every link that was handed out",
            f"{BACKUP}; to begin anew, with other links, empty the output and delete .portalgen/manifest.json",
        )
    if found is None:
        if key_id or links:
            raise KeyProblem(
                f"the links of this site were made with the key {key_id}, which is not here",
                "bring it back from your paper copy: portalgen key import; if it is lost, portalgen key rotate"
                " makes a new one, and every link has to be sent again",
            )
        return secrets.token_bytes(KEY_BYTES), True
    own = Keyring(found.secret).key_id
    if (links or key_id) and own != key_id:
        made = f"the links of this site were made with {key_id}" if key_id else f"{LOCK} does not name its key"
        raise KeyProblem(
            f"this key is {own}, {made}",
            f"bring back the right one from your paper copy, with portalgen key import, {KEY} or PORTALGEN_KEY",
        )
    return found.secret, False


def passing_access(root: Path) -> Access:
    """Links that open nothing and are never saved, for looking at a site that has errors anyway."""
    return Access(root, Lock(), secrets.token_bytes(KEY_BYTES), fresh=True)


def keep_lock(root: Path, data: bytes) -> None:
    """Replaces the lock: all of the new one is on the disk before the old one goes."""
    write_whole(str(root / LOCK), data, 0o644, durable=True)
