"""A look at the site before it is built: which parts of the last build still stand, and whether all of it does."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from portalgen.content.lockfile import LockFile
from portalgen.content.sources import Source, Tree, scan, scan_named
from portalgen.publish.beside import stand_beside
from portalgen.publish.fingerprint import Fingerprint, below, fingerprint, stands
from portalgen.publish.memory import Last, Recalled, Unit, remember, stand
from portalgen.publish.state import STATE_FOLDER
from portalgen.publish.untouched import day_of, lock_fingerprint, same_ground

CLIENTS = "content/clients"
TOMBSTONES = f"{STATE_FOLDER}/tombstones"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What of the last build can be used. `last` is that build, or None.

    `tree` is the site's folder; it names the files of the clients that changed, and of all when `whole`. `shared` is
    whether the public part stands. `clients` are the parts that stand, with fresh fingerprints.
    """

    last: Last | None = None
    ignored: str = ""
    tree: Tree
    whole: bool = True
    shared: bool = False
    clients: Mapping[str, Unit] = {}
    settled: bool = False


def look(root: Path, output: Path, known: Recalled, today: dt.date | None, base_url: str) -> Sight:
    """What is known of the last build into `output` and still true. A look that found all of it keeps fresh proof."""
    last = known.last
    if last is None:
        return Sight(tree=scan(root), ignored=known.ignored)
    if not same_ground(root, last, base_url) or not last.made <= day_of(last, today) <= last.shared.until:
        return Sight(tree=scan(root), last=last)
    day = day_of(last, today)
    quick = stands(root, last.shared.sources)
    standing = {name: unit for name, unit in last.clients.items() if stands(root, unit.sources)}
    moved = [name for name in last.clients if name not in standing]
    tree, whole = _named(root, moved) if quick else (scan(root), True)
    if tree.problems:
        return Sight(tree=scan(root), last=last)
    shared = last.shared if quick else _again(last.shared, shared_fingerprint(root, tree))
    if shared is None:
        return Sight(tree=tree if whole else scan(root), last=last)
    still = {name: tree.clients[name] for name in moved if name in tree.clients}
    fresh = {name: _again(last.clients[name], client_fingerprint(root, name, files)) for name, files in still.items()}
    found = {**standing, **{name: unit for name, unit in fresh.items() if unit}}
    if tree.clients.keys() != last.clients.keys():
        found = {name: unit for name, unit in found.items() if {*unit.known.mentions} <= tree.clients.keys()}
    lock_seen = lock_fingerprint(root)
    if lock_seen.content != last.lock_seen.content:
        file = LockFile.at(root)
        found = {name: unit for name, unit in found.items() if locked(file, name) == unit.locked}
    found = {name: unit for name, unit in found.items() if day <= unit.until and stand(output, unit.outputs)}
    public = stand(output, (*shared.outputs, *last.gone))
    last = msgspec.structs.replace(last, shared=shared)
    if (
        public
        and lock_seen.content == last.lock_seen.content
        and found.keys() == tree.clients.keys() == last.clients.keys()
        and stand_beside(root, last.beside)
    ):
        ordered = {name: found[name] for name in last.clients}
        remember(root, output, msgspec.structs.replace(last, clients=ordered, lock_seen=lock_seen))
        return Sight(last=last, tree=tree, whole=whole, shared=True, clients=found, settled=True)
    if not whole:
        tree, whole = _named(root, [name for name in tree.clients if name not in found])
    return Sight(last=last, tree=tree, whole=whole, shared=public, clients=found)


def _named(root: Path, clients: Iterable[str]) -> tuple[Tree, bool]:
    """The folder with the shared files and those of these clients; with all where one of them is odd."""
    tree = scan_named(root, clients)
    return (scan(root), True) if tree.problems else (tree, False)


def _again(unit: Unit, now: Fingerprint | None) -> Unit | None:
    """The part with fresh proof that its files are the same; None when they are not."""
    if now is None or now.content != unit.sources.content:
        return None
    return msgspec.structs.replace(unit, sources=now)


def shared_fingerprint(root: Path, tree: Tree) -> Fingerprint | None:
    """Everything but the clients' folders: content, templates, kept tombstones. None when something cannot be read."""
    folders, _ = below(root, "content")
    folders = [folder for folder in folders if not folder.startswith(f"{CLIENTS}/")]
    more, files = below(root, "templates", TOMBSTONES)
    try:
        absent = [name for name in ("templates", TOMBSTONES) if not os.path.lexists(root / name)]
        return fingerprint(root, [*folders, *more], [*(source.path for source in tree.shared), *files], absent)
    except OSError:
        return None


def client_fingerprint(
    root: Path, name: str, sources: tuple[Source, ...], contents: dict[str, bytes] | None = None
) -> Fingerprint | None:
    """One client's folder; `contents` takes what its files hold. None when something cannot be read."""
    folders, _ = below(root, f"{CLIENTS}/{name}")
    try:
        return fingerprint(root, folders, [source.path for source in sources], contents=contents)
    except OSError:
        return None


def locked(file: LockFile, client: str) -> bytes:
    """The hash of a client's lines of the lock."""
    from hashlib import sha256

    return sha256(file.lines_of(client)).digest()
