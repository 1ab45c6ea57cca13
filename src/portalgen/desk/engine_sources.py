"""What `content/` holds, kept current: after an edit only the folders that it names are looked through again."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from portalgen.content.layout import bad_name, ignored
from portalgen.content.loader import SharedPart, read_shared
from portalgen.content.problems import Problem
from portalgen.content.sources import Source, Tree, scan, scan_client, scan_shared

CONTENT, CLIENTS = "content", "content/clients"


class Change(msgspec.Struct, frozen=True):
    """What differs: something that all clients share, and the clients of whom something came, went or changed.

    `listed`: there are other clients than before.
    """

    shared: bool = False
    clients: frozenset[str] = frozenset()
    listed: bool = False


class Contents:
    """The files of one site and what is wrong with their names. Call `begin` first.

    Of a client nobody asked for, only the name is known before the first `scan`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._shared: tuple[Source, ...] = ()
        self._problems: dict[str, tuple[Problem, ...]] = {"": ()}
        self._clients: dict[str, tuple[Source, ...] | None] = {}

    @property
    def clients(self) -> Collection[str]:
        """The clients there are."""
        return self._clients.keys()

    def sources(self, client: str) -> tuple[Source, ...] | None:
        """The files of a client; None where there is none."""
        if self._clients.get(client, ()) is None:
            found = scan_client(self._root, client)
            if found is None:
                del self._clients[client]
            else:
                self._clients[client], self._problems[client] = found
        return self._clients.get(client)

    def problems(self, client: str = "") -> tuple[Problem, ...]:
        """What is wrong with the names of files of a client, or with those outside of the clients' folders."""
        return self._problems.get(client, ())

    @property
    def static(self) -> Iterable[Source]:
        """The files that are handed on as they are."""
        return (source for source in self._shared if source.kind == "static")

    def read(self) -> SharedPart:
        """Reads what all clients share."""
        clients = {name: sources or () for name, sources in self._clients.items()}
        return read_shared(Tree(self._root, self._shared, clients, ()))

    def begin(self) -> Change:
        """Looks through what is outside of the clients' folders."""
        self._shared, problems = scan_shared(self._root)
        self._problems = {"": problems}
        self._clients = {}
        with suppress(OSError), os.scandir(self._root / CLIENTS) as entries:
            names = (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            self._clients = dict.fromkeys(name for name in names if not (ignored(name) or bad_name(name)))
        return Change(shared=True, clients=frozenset(self._clients), listed=True)

    def scan(self) -> Change:
        """Looks through everything."""
        tree = scan(self._root)
        before, known = self._clients, self._problems
        by_client: dict[str, list[Problem]] = {"": []}
        for problem in tree.problems:
            name = client_of(problem.path)
            by_client.setdefault(name if name in tree.clients else "", []).append(problem)
        problems = {name: tuple(found) for name, found in by_client.items()}
        changed = {name for name in (*before, *tree.clients) if (name in before) != (name in tree.clients)}
        changed |= {
            name
            for name, old in before.items()
            if old is not None and (old != tree.clients.get(name) or known.get(name, ()) != problems.get(name, ()))
        }
        shared = self._shared != tree.shared or known[""] != problems[""]
        self._shared, self._clients, self._problems = tree.shared, dict(tree.clients), problems
        return Change(shared, frozenset(changed), before.keys() != tree.clients.keys())

    def rescan(self, paths: Collection[str]) -> Change:
        """Looks through what these paths are in; through everything when they do not tell."""
        names = {client_of(path) for path in paths if _in_content(path)} - {""}
        others = [path for path in paths if _in_content(path) and not client_of(path)]
        if any(path in (CONTENT, CLIENTS) for path in others):
            return self.scan()
        listed = False
        for name in names:
            found = scan_client(self._root, name)
            place = f"{CLIENTS}/{name}"
            there = found is not None or os.path.lexists(self._root / place)
            itself = found is not None and any(problem.path == place for problem in found[1])
            if itself or self._was_odd(name) or (there and found is None):
                return self.scan()  # something is wrong with its name, and what that is shows beside the others
            if found is None:
                listed |= name in self._clients
                self._clients.pop(name, None)
                self._problems.pop(name, None)
            else:
                listed |= name not in self._clients
                self._clients[name], self._problems[name] = found
        shared = False
        if others:
            sources, problems = scan_shared(self._root)
            beside = tuple(problem for problem in self._problems[""] if problem.path.startswith(f"{CLIENTS}/"))
            shared = True
            self._shared, self._problems[""] = sources, (*problems, *beside)
        return Change(shared, frozenset(names), listed)

    def _was_odd(self, name: str) -> bool:
        return any(client_of(problem.path) == name for problem in self._problems[""])


def _in_content(path: str) -> bool:
    return path == CONTENT or path.startswith(f"{CONTENT}/")


def client_of(path: str) -> str:
    """The client in whose folder a path lies, or whose folder it is; empty for any other."""
    names = path.split("/", 3)
    return names[2] if len(names) > 2 and f"{names[0]}/{names[1]}" == CLIENTS else ""


def documents(sources: Sequence[Source]) -> set[tuple[str, str]]:
    """The invoices and credit notes that a client has files of: their kind and id."""
    return {(source.kind, source.id) for source in sources if source.kind in ("invoice", "credit-note")}
