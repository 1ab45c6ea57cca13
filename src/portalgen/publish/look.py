"""A look at the site before it is built: which parts of the last build still stand, and whether all of it does."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from portalgen.content.lockfile import LockFile
from portalgen.content.sources import Tree, scan, scan_named
from portalgen.publish.beside import stand_beside
from portalgen.publish.fingerprint import Fingerprint, Folder, below, fingerprint, folder_of
from portalgen.publish.glance import Glance, Sum, day_of, glance, lock_fingerprint
from portalgen.publish.memory import Recalled, Unit, Units, remember, stand
from portalgen.publish.state import TOMBSTONES

CLIENTS = "content/clients"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What of the last build can be used. `known` is that build.

    `tree` is the site's folder; it names the files of the clients that changed, and of all when `whole`. `shared` is
    whether the public part stands. `clients` are the parts that stand, with fresh fingerprints, `sum` what they come
    to. `lock` is the lock as it was seen, if it is still the one that the last build left.
    """

    known: Recalled = Recalled()
    tree: Tree
    whole: bool = True
    shared: bool = False
    clients: Units = Units({})
    sum: Sum = Sum()
    lock: Fingerprint | None = None
    settled: bool = False


def look(root: Path, output: Path, known: Recalled, seen: Glance | None, today: dt.date | None, base_url: str) -> Sight:
    """What is known of the last build into `output` and still true. A look that found all of it keeps fresh proof.

    `seen` is a glance at just that build, if there was one already.
    """
    last, seen = known.last, seen or glance(root, output, known, today, base_url)
    if last is None or not seen.ground:
        return Sight(tree=scan(root), known=known)
    doubtful = seen.moved | seen.stale
    # where the shared part stands, the folder in which the clients' are does: they are the same
    tree, whole = _named(root, doubtful, known.clients) if seen.shared else (scan(root), True)
    if tree.problems:
        return Sight(tree=tree, known=known)
    shared = last.shared if seen.shared else _again(last.shared, shared_fingerprint(root, tree))
    if shared is None:
        return Sight(tree=tree, known=known)
    day = day_of(last, today)
    fresh = dict[str, Unit]()
    for name in seen.moved & tree.clients.keys():
        unit = _again(known.clients[name], client_fingerprint(root, name, tree))
        if unit and day <= unit.until and stand(output, unit.outputs):
            fresh[name] = unit
    found = known.clients.of((name for name in known.clients if name not in doubtful or name in fresh), fresh)
    total = seen.sum.and_of(*fresh.values())
    lock = last.lock_seen if seen.lock else lock_fingerprint(root)
    unlocked = lock.content != last.lock_seen.content
    same = tree.clients.keys() == known.clients.keys() and not unlocked
    if not same:
        found = _still_true(root, found, tree)
        total = Sum().and_of(*found.values())
    public = seen.public or stand(output, (*shared.outputs, *last.gone))
    if same and public and len(found) == len(tree.clients) and (seen.public or stand_beside(root, last.beside)):
        last = msgspec.structs.replace(last, shared=shared, lock_seen=lock)
        remember(root, output, last, found, after=known)
        return Sight(known=known, tree=tree, whole=whole, shared=True, clients=found, sum=total, settled=True)
    if not whole and not doubtful >= tree.clients.keys() - found.keys():
        tree, whole = _named(root, tree.clients.keys() - found.keys(), known.clients)
    known = msgspec.structs.replace(known, last=msgspec.structs.replace(last, shared=shared))
    return Sight(
        known=known, tree=tree, whole=whole, shared=public, clients=found, sum=total, lock=None if unlocked else lock
    )


def _still_true(root: Path, clients: Units, tree: Tree) -> Units:
    """The parts that a lock and clients changed since leave as they are."""
    file = LockFile.at(root)
    names = (
        name
        for name, unit in clients.items()
        if locked(file, name) == unit.locked and {*unit.known.mentions} <= tree.clients.keys()
    )
    return clients.of(names, {})


def _named(root: Path, clients: Iterable[str], among: Iterable[str]) -> tuple[Tree, bool]:
    """The folder with the shared files and those of these clients; with all where one of them is odd."""
    tree = scan_named(root, clients, among)
    return (scan(root), True) if tree.problems else (tree, False)


def _again(unit: Unit, now: Fingerprint | None) -> Unit | None:
    """The part with fresh proof that its files are the same; None when they are not."""
    if now is None or now.content != unit.sources.content:
        return None
    return msgspec.structs.replace(unit, sources=now)


def shared_fingerprint(root: Path, tree: Tree) -> Fingerprint | None:
    """Everything but the clients' folders: content, templates, kept tombstones. None when something cannot be read."""
    more, files = below(root, "templates", TOMBSTONES)
    try:
        absent = [name for name in ("templates", TOMBSTONES) if not os.path.isdir(root / name)]
        if any(os.path.lexists(root / name) for name in absent):  # a link whose folder may come
            return None
        folders = [*_folders(tree, ""), *(folder_of(root, path) for path in more)]
        return fingerprint(root, folders, [*(source.path for source in tree.shared), *files], absent, at=tree.at)
    except OSError:
        return None


def client_fingerprint(
    root: Path, name: str, tree: Tree, contents: dict[str, bytes] | None = None
) -> Fingerprint | None:
    """One client's folder; `contents` takes what its files hold. None when something cannot be read."""
    files = [source.path for source in tree.clients[name]]
    try:
        return fingerprint(root, _folders(tree, name), files, contents=contents, at=tree.at)
    except OSError:
        return None


def _folders(tree: Tree, client: str) -> Iterator[Folder]:
    return (Folder(*stamp) for stamp in tree.folders.get(client, ()))


def locked(file: LockFile, client: str) -> bytes:
    """The hash of a client's lines of the lock."""
    from hashlib import sha256

    return sha256(file.lines_of(client)).digest()
