"""Erasing a client whose links have all ended: folder, lock, caches. Numbers stay taken (sealing §4, domain R13, X8).

Hold the build lock around all of it. The folder is moved aside at once, then the lock is written, then what was moved
aside is erased: whenever a run is killed, the same command completes it.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.loader import Loaded, load
from portalgen.content.lock import LOCK, Lock, NumberKind, NumberRow, read_lock
from portalgen.content.model import ClientFolder, Site
from portalgen.desk.books import NotDone, Unclear
from portalgen.publish.access import Access, open_access
from portalgen.publish.ended import NoTheme, drop, ended_pages, still_open
from portalgen.publish.state import STATE_FOLDER, is_plain, state_folder, write_whole
from portalgen.rules.numbering import numbers_of
from portalgen.site.links import shown
from portalgen.site.theme import TemplateProblem


class Memory(msgspec.Struct, frozen=True):
    """What there is of a client. `folder` is None when there is none;

    `until` is the last day on which its records must still be kept; None when nothing must.
    """

    client: str
    folder: Path | None
    links: int
    documents: int
    numbers: tuple[NumberRow, ...]
    until: dt.date | None
    versioned: bool


class Forgotten(msgspec.Struct, frozen=True):
    """What was erased: rows of links and documents, kept pages, files of the folder. `numbers` stay taken."""

    links: int
    documents: int
    pages: int
    files: int
    numbers: int


def recollect(root: Path, client: str, today: dt.date | None) -> Memory:
    """What would be erased. Raises `Unclear` when it may not be, `NotDone` when the files do not say."""
    if not client or not is_plain(client) or "/" in client:
        raise Unclear(f"'{client}' is no client", "write the name of a folder in content/clients")
    left = resume(root, client)
    loaded = load(root)
    access, damaged = open_access(root)
    if access is None:
        raise NotDone(damaged, loaded)
    lock = access.lock
    place = root / "content" / "clients" / client
    folder = place if os.path.lexists(place) else None
    links = [row for row in lock.links if row.client == client]
    documents = [row for row in lock.documents if row.client == client]
    if not (folder or links or documents or left):
        raise Unclear(f"there is no client '{client}'", "see the links of all with portalgen links --all")
    if any(row.state == "live" for row in links):
        raise Unclear(
            f"links of '{client}' are live",
            f"end them first: portalgen link revoke {client}, then build and upload",
        )
    record = _record(loaded, client, folder)
    if record and record.client.legal_hold:
        raise Unclear(f"'{client}' is under legal_hold", "take legal_hold away when nothing has to be kept any more")
    _told(root, loaded, access, client, today)
    return Memory(
        client=client,
        folder=folder,
        links=len(links),
        documents=len(documents),
        numbers=tuple(sorted({*_numbers(lock, client, record)})),
        until=_retained(loaded, lock, client, record, today),
        versioned=any(os.path.lexists(above / ".git") for above in (root.resolve(), *root.resolve().parents)),
    )


def forget(root: Path, memory: Memory) -> Forgotten:
    """Erases the client. What was there before is gone when this returns; the next build takes the last pages away."""
    aside = _aside(root, memory.client)
    where = memory.folder
    if where and not where.is_symlink():
        aside.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            os.rename(where, aside)
            where = aside
        except OSError as error:
            if error.errno != errno.EXDEV:  # on another disk it is erased where it is
                raise
    lock, _ = read_lock((root / LOCK).read_text(encoding="utf-8-sig")) if (root / LOCK).exists() else (Lock(), ())
    after = msgspec.structs.replace(
        lock,
        links=tuple(row for row in lock.links if row.client != memory.client),
        documents=tuple(row for row in lock.documents if row.client != memory.client),
        numbers=tuple(sorted({*lock.numbers, *memory.numbers})),
    )
    if after != lock:
        write_whole(str(root / LOCK), after.text().encode(), 0o644, durable=True)
    files = sum(len(names) for _, _, names in os.walk(where)) if where else 0
    if where and where.is_symlink():
        where.unlink()
    elif where == aside:
        os.rename(aside, _erased(aside))
    elif where:
        shutil.rmtree(where)
    _erase(_erased(aside))
    with suppress(OSError):
        aside.parent.rmdir()
    _erase(root / STATE_FOLDER / "cache")
    pages = drop(root, memory.client)
    return Forgotten(memory.links, memory.documents, pages, files, len(memory.numbers))


def resume(root: Path, client: str) -> bool:
    """Takes up what a killed run left: a folder that was only moved aside comes back. Returns whether there was one."""
    aside = _aside(root, client)
    place = root / "content" / "clients" / client
    left = os.path.lexists(_erased(aside)) or os.path.lexists(aside)
    _erase(_erased(aside))
    if os.path.lexists(place):
        _erase(aside)
    elif os.path.lexists(aside):
        os.rename(aside, place)
    return left


def _aside(root: Path, client: str) -> Path:
    return state_folder(root) / "forgetting" / client


def _erased(aside: Path) -> Path:
    return aside.with_name(f"{aside.name}.erased")


def _erase(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _record(loaded: Loaded, client: str, folder: Path | None) -> ClientFolder | None:
    """The client's records. A folder that cannot be read may hold what must be kept: raises `NotDone`."""
    record = loaded.sound.clients.get(client) if loaded.sound else None
    inside = f"content/clients/{client}/"
    errors = [
        problem
        for problem in loaded.problems
        if problem.severity == "error" and (problem.path.startswith(inside) or loaded.sound is None)
    ]
    if errors and folder:
        raise NotDone(errors, loaded)
    return record


def _told(root: Path, loaded: Loaded, access: Access, client: str, today: dt.date | None) -> None:
    """Raises `Unclear` while an old page still stands in an output, where many hosts would keep it for good."""
    rows = access.rows(client)
    if not rows:
        return
    if loaded.sound is None:
        raise NotDone([problem for problem in loaded.problems if problem.severity == "error"], loaded)
    site = Site(shared=loaded.sound.shared, clients=loaded.sound.clients)
    try:
        pages = ended_pages(root, site, access, today)[client]
    except NoTheme as problem:
        raise NotDone(loaded.report(problem.findings), loaded) from None
    except TemplateProblem as problem:
        raise NotDone(loaded.report([problem.finding]), loaded) from None
    standing = [path for _, path in still_open(root, access, rows, pages)]
    if standing:
        raise Unclear(
            f"an old page of '{client}' still stands in {shown(standing[0])}",
            "run portalgen build and upload first, so that the old addresses say that they have ended; "
            "into a folder of your own with --output, or delete that folder if nobody reads it any more",
        )


def _numbers(lock: Lock, client: str, record: ClientFolder | None) -> Iterator[NumberRow]:
    """The numbers that were given out to a client, without anything else about them."""
    for row in lock.documents:
        if row.client == client:
            yield NumberRow(of=row.of, number=row.number, issued=row.issued)
    if record is None:
        return
    kinds: dict[str, NumberKind] = {"invoice": "invoice", "credit_note": "credit-note", "receipt": "receipt"}
    for taken in numbers_of(record):
        if taken.kind in kinds and taken.issued and not taken.implied:
            yield NumberRow(of=kinds[taken.kind], number=taken.number, issued=taken.issued)
    for estimate in record.estimates.values():
        if estimate.number and estimate.given:
            yield NumberRow(of="estimate", number=estimate.number, issued=estimate.given.date)


def _retained(
    loaded: Loaded, lock: Lock, client: str, record: ClientFolder | None, today: dt.date | None
) -> dt.date | None:
    """The last day on which records of the client must be kept: so many years after the end of their last year."""
    site = loaded.sound.shared.site if loaded.sound else None
    years = site.retention_years if site else None
    if not site or not years:
        return None
    days = [row.issued for row in lock.documents if row.client == client]
    if record:
        days += [payment.date for payment in record.payments]
        days += [session.start.date() for session in record.sessions]
        days += [record.client.ended.date] if record.client.ended else []
    if not days:
        return None
    last = dt.date(max(days).year + years, 12, 31)
    day = today or dt.datetime.now(ZoneInfo(site.practice.timezone)).date()
    return last if last >= day else None
