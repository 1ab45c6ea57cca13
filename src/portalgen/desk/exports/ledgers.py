"""Every client's ledger on a day, read from the folder: what all exports are made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.loader import Loaded, load
from portalgen.content.lock import DocumentKey, DocumentRow, Lock
from portalgen.content.lockfile import LockFile
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding, Problem
from portalgen.publish.vanished import vanished
from portalgen.rules.account import account_of
from portalgen.rules.amounts import odd_amounts, odd_client_amounts
from portalgen.rules.facts import Account
from portalgen.rules.ledger import Entry, entries_of, reconcile


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """One client's account, and its movements from the oldest to the newest."""

    folder: ClientFolder
    account: Account
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """The client as the practice calls them."""
        return self.folder.client.name.display


class Ledgers(msgspec.Struct, frozen=True, kw_only=True):
    """All clients' ledgers on a day, by their ids; with `year`, that year and what it opens with. `lock`: as read."""

    shared: Shared
    today: dt.date
    clients: tuple[Ledger, ...]
    year: int | None = None
    lock: Lock = Lock()

    @property
    def last(self) -> dt.date:
        """The last day that is exported: today, or the end of the year."""
        return min(self.today, dt.date(self.year, 12, 31)) if self.year else self.today

    def shows(self, day: dt.date | None) -> bool:
        """Whether what happened on a day is exported."""
        return day is not None and day <= self.last and self.year in (None, day.year)

    def before(self, day: dt.date) -> bool:
        """Whether a day belongs to what is summed up in the opening balances."""
        return self.year is not None and day.year < self.year

    def movements(self) -> Iterator[tuple[Ledger, Entry]]:
        """All clients' movements in the order of their days, then of the clients; those summed up as well."""
        pairs = [(ledger, entry) for ledger in self.clients for entry in ledger.entries if entry.date <= self.last]
        return iter(sorted(pairs, key=lambda pair: pair[1].date))


class Read(msgspec.Struct, frozen=True):
    """What reading gave. `ledgers` is None when there is an error among the problems."""

    ledgers: Ledgers | None
    problems: tuple[Problem, ...]
    loaded: Loaded


def read_ledgers(root: Path, today: dt.date | None, year: int | None = None) -> Read:
    """The ledgers of the site in `root` on a day, or what is wrong with its money."""
    loaded = load(root)
    if loaded.site is None:
        return Read(None, loaded.problems, loaded)
    site, shared = loaded.site, loaded.site.shared
    day = today or dt.datetime.now(ZoneInfo(shared.site.practice.timezone)).date()
    lock, damaged = LockFile.at(root).whole()
    issued = lock.by_client()
    findings = list(odd_amounts(shared))
    clients = []
    for folder in site.clients.values():
        ledger, found = ledger_of(shared, folder, day, issued.get(folder.id, {}))
        clients.append(ledger)
        findings += found
    gone = vanished(LockFile.at(root), lock, site) if not damaged else ()
    problems = tuple(sorted({*loaded.problems, *damaged, *gone, *loaded.report(findings)}))
    if any(problem.severity == "error" for problem in problems):
        return Read(None, problems, loaded)
    return Read(Ledgers(shared=shared, today=day, clients=tuple(clients), year=year, lock=lock), problems, loaded)


def ledger_of(
    shared: Shared, folder: ClientFolder, day: dt.date, issued: Mapping[DocumentKey, DocumentRow]
) -> tuple[Ledger, list[Finding]]:
    """One client's ledger and what is wrong with it. `issued`: the lock's rows of this client."""
    account, findings = account_of(shared, folder, day, issued)
    found = [*findings, *odd_client_amounts(shared, folder)]
    if not any(finding.severity == "error" for finding in found):
        found += reconcile(folder, account, day)
    return Ledger(folder=folder, account=account, entries=entries_of(folder, account, day)), found
