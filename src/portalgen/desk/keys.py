"""The site's key in the hands of its owner: a paper copy, bringing it back, and a new one (sealing §3).

Hold the build lock to import or rotate.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from pathlib import Path

import msgspec

from portalgen.content.loader import load
from portalgen.content.lock import LOCK, LinkRow, Lock
from portalgen.content.lockfile import LockFile
from portalgen.desk.books import NotDone
from portalgen.publish.access import Access, next_generation
from portalgen.publish.ended import NoTheme, ended_pages, keep
from portalgen.publish.key import (
    NEXT,
    VARIABLE,
    KeyProblem,
    create_key,
    find_key,
    key_path,
    parse_key,
    replace_key,
    settle_key,
)
from portalgen.publish.state import state_folder, write_whole
from portalgen.site.sealing import KEY_BYTES, Keyring, checked
from portalgen.site.theme import TemplateProblem

GROUP = 4
"""Characters in a group of the paper copy, which has 14 groups."""


class PaperCopy(msgspec.Struct, frozen=True):
    """A key to write down: its id, its 14 groups of four characters, and where it was found."""

    key_id: str
    groups: tuple[str, ...]
    place: str


class Imported(msgspec.Struct, frozen=True):
    """The id of the key, where it lies now, and whether it lay there before."""

    key_id: str
    place: str
    known: bool


class Rotated(msgspec.Struct, frozen=True):
    """The ids of the new key and of the one before (empty if there was none), and what became of the links.

    `told`: how many old addresses say from the next build on that they have ended; 0 when the old key was not at hand.
    """

    key_id: str
    before: str
    renewed: int
    told: int


def paper_copy(root: Path) -> PaperCopy:
    """The key for paper. Raises `KeyProblem` when there is none, or not the one of the lock."""
    lock, _ = LockFile.at(root).whole()
    found = find_key(root, lock.key_id)
    if found is None:
        raise _missing(lock)
    _own(lock, found.secret)
    text = checked(found.secret)
    groups = tuple(text[at : at + GROUP] for at in range(0, len(text), GROUP))
    return PaperCopy(Keyring(found.secret).key_id, groups, found.place)


def import_key(root: Path, text: str) -> Imported:
    """Puts a key from its paper copy in place. Raises `KeyProblem` when it is mistyped or belongs elsewhere."""
    secret = parse_key(text.replace("-", ""), "what was typed")
    _not_from_variable()
    lock, problems = LockFile.at(root).whole()
    if problems:
        raise NotDone(problems, load(root))
    key_id = Keyring(secret).key_id
    _own(lock, secret)
    settle_key(root)
    path = key_path(root)
    if os.path.lexists(path):
        try:
            present = find_key(root)
        except KeyProblem:
            if not lock.key_id:
                raise
            present = None
        if present and present.secret == secret:
            return Imported(key_id, str(path), known=True)
        if not lock.key_id:
            raise KeyProblem(
                f"another key lies in {path}, and nothing says which of the two is right",
                "move that one away if you know that this one is right, then run this again",
            )
        replace_key(path, secret)
    else:
        state_folder(root)
        create_key(path, secret)
    find_key(root)  # a place where a key must not lie is told now, not at the next build
    return Imported(key_id, str(path), known=False)


def rotate_key(root: Path, today: dt.date | None) -> Rotated:
    """Makes a new key, under which every link has another address. Old addresses end, and say so where they can.

    Raises `KeyProblem`, and `NotDone` when the site has errors that keep those pages from being made. Killed at any
    moment, either the old key holds or the new one does.
    """
    _not_from_variable()
    lock, problems = LockFile.at(root).whole()
    if problems:
        raise NotDone(problems, load(root))
    settle_key(root)
    found = find_key(root, lock.key_id)
    told = 0
    if found:
        _own(lock, found.secret, f"; if it is lost, move {found.place} away and run this again")
        told = _keep_ended(root, lock, found.secret, today)
    before = lock.key_id or (Keyring(found.secret).key_id if found else "")
    secret = secrets.token_bytes(KEY_BYTES)
    after = rekeyed(lock, Keyring(secret).key_id, before)
    state_folder(root)
    replace_key(root / NEXT, secret)
    if lock.links or lock.key_id:
        write_whole(str(root / LOCK), after.text().encode(), 0o644, durable=True)
        settle_key(root)
    else:
        replace_key(key_path(root), secret)
        (root / NEXT).unlink()
    return Rotated(after.key_id, before, sum(row.state == "live" for row in after.links), told)


def rekeyed(lock: Lock, key_id: str, before: str) -> Lock:
    """The lock under another key: every link that is not over gets its next generation, the rows before are over."""
    links: list[LinkRow] = []
    for row in lock.links:
        over = row.state not in ("live", "expired")
        state = row.state if over else "replaced"
        links.append(msgspec.structs.replace(row, state=state, key_id=row.key_id or before))
        if not over:
            links.append(next_generation(row, row.state))
    return msgspec.structs.replace(lock, key_id=key_id, links=tuple(links))


def _keep_ended(root: Path, lock: Lock, secret: bytes, today: dt.date | None) -> int:
    """Makes the last pages of all links under the key that goes, and keeps them for the builds to come."""
    if not lock.links:
        return 0
    loaded = load(root)
    if loaded.sound is None:
        raise NotDone([problem for problem in loaded.problems if problem.severity == "error"], loaded)
    over = tuple(
        msgspec.structs.replace(row, state="replaced") if row.state in ("live", "expired") else row
        for row in lock.links
    )
    access = Access(root, msgspec.structs.replace(lock, links=over), secret, fresh=False)
    try:
        pages = ended_pages(root, loaded.sound, access, today)
    except NoTheme as problem:
        raise NotDone(loaded.report(problem.findings), loaded) from None
    except TemplateProblem as problem:
        raise NotDone(loaded.report([problem.finding]), loaded) from None
    for client, own in pages.items():
        keep(root, client, own)
    return sum(len(own) for own in pages.values())


def _own(lock: Lock, secret: bytes, else_: str = "") -> None:
    """Raises `KeyProblem` when this is not the key that the lock names."""
    key_id = Keyring(secret).key_id
    if lock.key_id and key_id != lock.key_id:
        raise KeyProblem(
            f"this is the key {key_id}, and the links of this site were made with {lock.key_id}",
            f"look for the paper copy with the id {lock.key_id}{else_}",
        )


def _missing(lock: Lock) -> KeyProblem:
    if lock.key_id:
        message = f"the key {lock.key_id} is not here"
        return KeyProblem(message, "bring it back from your paper copy: portalgen key import")
    return KeyProblem("this site has no key yet", "the first portalgen build makes one")


def _not_from_variable() -> None:
    if os.environ.get(VARIABLE):
        raise KeyProblem(
            f"the key comes from {VARIABLE}, which no command can change",
            f"run this without {VARIABLE}, and then put into it what portalgen key show prints",
        )
