"""The key and the lock on disk: what links depend on (sealing §3). Nothing is written before a build has no problem."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from portalgen.content.lock import LOCK, DocumentKey, DocumentRow, LinkRow, Lock, read_lock
from portalgen.content.model import ClientFolder
from portalgen.content.problems import Problem
from portalgen.publish.state import remember_folder, state_folder, write_whole
from portalgen.rules.facts import Account
from portalgen.rules.issued import row_of
from portalgen.site.private import Place, Wanted
from portalgen.site.sealing import KEY_BYTES, Keyring, KeyTextError, checked, unchecked

KEY = ".portalgen/key"


class KeyProblem(Exception):
    """The key is missing, unreadable or another one; the command leaves with exit code 4."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Access:
    """The site's links: the key, the lock's rows, and the new rows this build adds."""

    def __init__(self, root: Path, lock: Lock, secret: bytes, fresh: bool) -> None:
        self.root, self.lock, self.fresh = root, lock, fresh
        self._secret = secret
        self.keyring = Keyring(secret)
        self._live = lock.live()
        self._known = {(row.client, row.of, row.ref) for row in lock.links}
        self._new: list[LinkRow] = []
        self._found: list[DocumentRow] = []
        self._issued = lock.by_client()

    def places(self, client: str, wanted: Iterable[Wanted]) -> Mapping[Wanted, Place]:
        """The places of a client's links. A new link gets a salt of its own; a retired one stays shut."""
        found = {}
        for of, ref in wanted:
            row = self._live.get((client, of, ref))
            if row is None:
                if (client, of, ref) in self._known:
                    continue
                row = LinkRow(client=client, of=of, ref=ref, salt=new_salt())
                self._live[client, of, ref] = row
                self._new.append(row)
            found[of, ref] = Place(row, f"p/{self.keyring.token(row.salt, row.generation)}/")
        return found

    def issued(self, client: str) -> Mapping[DocumentKey, DocumentRow]:
        """What the lock keeps of a client's issued documents."""
        return self._issued.get(client, {})

    def adopt(self, folder: ClientFolder, account: Account) -> None:
        """Notes the issued documents that the lock does not know yet; `save` writes them."""
        known = self.issued(folder.id)
        for record in folder.billing:
            document = account.documents.get(record.id)
            if document and (document.kind, document.id) not in known:
                self._found.append(row_of(document, record))

    def revoke(self, client: str, invoice: str = "") -> int:
        """Ends the live links of a client, or of one invoice. Returns how many."""
        ended = [row for row in self._rows(client, invoice) if row.state == "live"]
        if not ended:
            return 0
        self._change({row: msgspec.structs.replace(row, state="revoked") for row in ended}, ())
        return len(ended)

    def rotate(self, client: str, invoice: str = "") -> int:
        """Gives the portal, or one invoice, its next generation at a new address, also after it was revoked.

        Returns 0 when there never was such a link.
        """
        rows = self._rows(client, invoice) if invoice else [r for r in self._rows(client) if r.of == "portal"]
        last = max(rows, key=lambda row: row.generation, default=None)
        if last is None:
            return 0
        ended = {last: msgspec.structs.replace(last, state="replaced")} if last.state == "live" else {}
        self._change(
            ended, [msgspec.structs.replace(last, salt=new_salt(), generation=last.generation + 1, state="live")]
        )
        return 1

    def _rows(self, client: str, invoice: str = "") -> list[LinkRow]:
        own = [row for row in self.lock.links if row.client == client]
        return [row for row in own if (row.of, row.ref) == ("invoice", invoice)] if invoice else own

    def _change(self, changed: Mapping[LinkRow, LinkRow], added: Iterable[LinkRow]) -> None:
        links = (*(changed.get(row, row) for row in self.lock.links), *added)
        self.lock = msgspec.structs.replace(self.lock, links=links)
        _keep(self.root / LOCK, self.lock.text())

    def keep(self, rows: Iterable[DocumentRow]) -> None:
        """Writes rows of documents into the lock at once, each in place of the row of the same document."""
        kept = {row.key: row for row in (*self.lock.documents, *rows)}
        self.lock = msgspec.structs.replace(self.lock, documents=tuple(kept.values()))
        _keep(self.root / LOCK, self.lock.text())

    def save(self, *, documents: bool = True) -> None:
        """Writes the key if it is new, then the lock if it has new rows; without `documents`, only those of links."""
        if self.fresh and (self._new or self.lock.links):
            state_folder(self.root)
            _create_key(self.root / KEY, self._secret)
            self.fresh = False
        found = self._found if documents else []
        if self._new or found:
            key_id = self.keyring.key_id if self._new else self.lock.key_id
            lock = Lock(
                key_id=key_id,
                links=(*self.lock.links, *self._new),
                documents=(*self.lock.documents, *found),
            )
            _keep(self.root / LOCK, lock.text())
            self.lock, self._new, self._found = lock, [], []


def new_salt() -> str:
    """16 random bytes, as hex."""
    return secrets.token_bytes(16).hex()


def open_access(root: Path) -> tuple[Access | None, tuple[Problem, ...]]:
    """The links of the site in `root`. Raises `KeyProblem` when the lock has links and their key is not here.

    A lock without links still belongs to the key it names.
    """
    path = root / LOCK
    text = path.read_text(encoding="utf-8-sig", errors="replace") if path.exists() else ""
    lock, problems = read_lock(text)
    if problems:
        return None, problems
    secret = _find_key(root)
    if secret is None:
        if lock.key_id or lock.links:
            raise KeyProblem(
                f"the links of this site were made with the key {lock.key_id}, which is not here",
                f"put the key into {KEY} or PORTALGEN_KEY; without it every link would change",
            )
        return Access(root, lock, secrets.token_bytes(KEY_BYTES), fresh=True), ()
    access = Access(root, lock, secret, fresh=False)
    if (lock.links or lock.key_id) and access.keyring.key_id != lock.key_id:
        made = (
            f"the links of this site were made with {lock.key_id}" if lock.key_id else f"{LOCK} does not name its key"
        )
        raise KeyProblem(
            f"this key is {access.keyring.key_id}, {made}",
            f"put the right key into {KEY} or PORTALGEN_KEY",
        )
    return access, ()


def key_id_of(root: Path) -> str:
    """The id of the key that a build would use now; empty when there is none yet. Raises `KeyProblem`."""
    secret = _find_key(root)
    return Keyring(secret).key_id if secret else ""


def passing_access(root: Path) -> Access:
    """Links that open nothing and are never saved, for looking at a site that has errors anyway."""
    return Access(root, Lock(), secrets.token_bytes(KEY_BYTES), fresh=True)


def _find_key(root: Path) -> bytes | None:
    if text := os.environ.get("PORTALGEN_KEY"):
        return _parse(text, "PORTALGEN_KEY")
    named = os.environ.get("PORTALGEN_KEY_FILE")
    path = Path(named) if named else root / KEY
    try:
        info = path.lstat()
    except FileNotFoundError:
        if named:
            raise KeyProblem(
                f"PORTALGEN_KEY_FILE names {named}, which is not there", "name the file that holds the key"
            ) from None
        return None
    if stat.S_ISLNK(info.st_mode):
        raise KeyProblem(f"the key {path} is a link to another place", "put the key itself there")
    if os.name == "posix" and info.st_mode & 0o077:
        raise KeyProblem(f"others on this computer can read the key {path}", f"run: chmod 600 {path}")
    try:
        return _parse(path.read_text(encoding="ascii"), str(path))
    except UnicodeDecodeError:
        raise _broken(str(path)) from None


def _parse(text: str, where: str) -> bytes:
    try:
        return unchecked(text)
    except KeyTextError:
        raise _broken(where) from None


def _broken(where: str) -> KeyProblem:
    return KeyProblem(
        f"the key in {where} is cut or mistyped", "it has 56 letters and digits; copy it again from your paper copy"
    )


def _create_key(path: Path, secret: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii", newline="\n") as file:
        file.write(checked(secret) + "\n")
        file.flush()
        os.fsync(file.fileno())
    remember_folder(str(path.parent))


def _keep(path: Path, text: str) -> None:
    """Replaces a small and precious file: all of it is on the disk before the old one goes."""
    write_whole(str(path), text.encode(), 0o644, durable=True)
