"""Invoices that return: on which days, for which period, at which price (domain §3 recurring, M7).

Run k is on the first day plus k intervals, counted from that day every time and clamped to the month's end, so that
31 January, 28 February, 31 March follow each other. An invoice made from a run has the run's id, so that no run is made
twice, also when its invoice is void.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Iterable, Iterator

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.documents import Invoice, Line
from portalgen.content.records.documents import Period as Days
from portalgen.content.records.recurring import Pause, Recurring
from portalgen.content.scalars import Period, parse_period
from portalgen.rules.due import DAY
from portalgen.rules.followup import add_period
from portalgen.rules.lines import service_words


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice to be made: its day, and the days it is for, both included."""

    recurring: Recurring
    date: dt.date
    period: tuple[dt.date, dt.date]
    number: int  # which invoice of the series it is, from 1

    @property
    def id(self) -> str:
        """The id of the invoice made from it."""
        return f"{self.recurring.id}-{self.date}"


def runs(recurring: Recurring, until: dt.date) -> tuple[Run, ...]:
    """The runs dated by `until`, without skipped and paused days. `count` counts invoices, not skipped days."""
    found: list[Run] = []
    last = min(until, recurring.until or until)
    days = _days(recurring)
    day = next(days)
    while day <= last and len(found) != recurring.count:
        after = next(days)
        if day not in recurring.skip and not _rests(recurring, day):
            found.append(Run(recurring=recurring, date=day, period=(day, after - DAY), number=len(found) + 1))
        day = after
    return tuple(found)


def due_runs(folder: ClientFolder, today: dt.date, known: Collection[str] = ()) -> tuple[Run, ...]:
    """The runs dated by `today` that have no invoice yet, the oldest first.

    `known`: ids of invoices that were issued and whose file may be gone (the lock's). Nothing runs after the end of the
    work with the client.
    """
    return tuple(run for run in _runs_of(folder, today) if run.id not in folder.invoices and run.id not in known)


def missed_runs(folder: ClientFolder, today: dt.date, known: Collection[str] = ()) -> tuple[Run, ...]:
    """The runs of days before `today` that have no invoice."""
    return tuple(run for run in due_runs(folder, today, known) if run.date < today)


def upcoming(folder: ClientFolder, today: dt.date, months: int = 3) -> tuple[Run, ...]:
    """The runs after `today` within so many months, the next first. Prices as they are planned today."""
    end = add_period(today, Period(months, "m"))
    return tuple(run for run in _runs_of(folder, end) if run.date > today and run.id not in folder.invoices)


def invoice_of(shared: Shared, folder: ClientFolder, run: Run) -> Invoice:
    """The draft that a run becomes, without number and date of issue. Its service period is the run's."""
    return Invoice(
        path=folder.source(f"invoices/{run.id}.yaml"),
        client=folder.id,
        id=run.id,
        terms=run.recurring.terms,
        service_period=Days(from_=run.period[0], to=run.period[1]),
        lines=lines_of(shared, run),
    )


def lines_of(shared: Shared, run: Run) -> tuple[Line, ...]:
    """The lines at the run's prices, with the text for its period."""
    text = _period_text(run)
    lines = []
    for n, line in enumerate(run.recurring.lines, 1):
        changes = [
            change for change in run.recurring.price_changes if (change.line or 1) == n and change.from_ <= run.date
        ]
        if changes:
            price = max(changes, key=lambda change: change.from_).unit_price
            line = msgspec.structs.replace(line, unit_price=price)
        if text:
            words = line.description or service_words(shared.services.get(line.service or ""))
            line = msgspec.structs.replace(line, description=f"{words}, {text}")
        lines.append(line)
    return tuple(lines)


def recurring_findings(clients: Iterable[ClientFolder]) -> Iterator[Finding]:
    """Two series with one id would make invoices with one id; a day to skip that is no run skips nothing."""
    seen: dict[str, str] = {}
    for folder in clients:
        for n, recurring in enumerate(folder.client.recurring):
            at = ("recurring", n)
            other = seen.setdefault(recurring.id, folder.client.path)
            if other != folder.client.path:
                yield Finding(
                    path=folder.client.path,
                    at=(*at, "id"),
                    code="duplicate-id",
                    message=f"'{recurring.id}' also returns in {other}, and their invoices would have the same ids",
                    hint=f"write '{recurring.id}-{folder.id}'" if len(recurring.id) < 30 else "choose another id",
                )
            yield from _skips(folder.client.path, n, recurring)


def _skips(path: str, n: int, recurring: Recurring) -> Iterator[Finding]:
    for m, day in enumerate(recurring.skip):
        near: list[dt.date] = []
        for run in _days(recurring):
            if recurring.until and run > recurring.until:
                break
            near.append(run)
            if run >= day:
                break
        if day not in near:
            best = min(near[-2:], key=lambda run: abs(run - day), default=recurring.from_)
            yield Finding(
                path=path,
                at=("recurring", n, "skip", m),
                code="skips-nothing",
                message=f"there is no invoice on {day} to skip",
                hint=f"the nearest one is on {best}",
            )


def _runs_of(folder: ClientFolder, until: dt.date) -> list[Run]:
    client = folder.client
    if client.ended:
        until = min(until, client.ended.date)
    elif client.status in ("ended", "archived"):
        return []
    found = [run for recurring in client.recurring for run in runs(recurring, until)]
    return sorted(found, key=lambda run: (run.date, run.recurring.id))


def _days(recurring: Recurring) -> Iterator[dt.date]:
    """Every day of the series from `from` on, whatever is skipped, as far as dates go."""
    step = parse_period(recurring.every)
    anchor = recurring.from_
    k = 0
    while True:
        day = add_period(anchor, Period(k * step.count, step.unit))
        if recurring.day:
            last = calendar.monthrange(day.year, day.month)[1]
            day = day.replace(day=last if recurring.day == "last" else min(recurring.day, last))
        if day >= anchor:
            yield day
        k += 1


def _rests(recurring: Recurring, day: dt.date) -> bool:
    paused = recurring.paused
    if isinstance(paused, Pause):
        return paused.from_ <= day <= paused.to
    if isinstance(paused, dt.date):
        return day >= paused
    return paused


def _period_text(run: Run) -> str:
    """`period_text` with its placeholders filled in; dates as they are written in the files."""
    start, end = run.period
    text = run.recurring.period_text or ""
    values = {
        "{from}": str(start),
        "{to}": str(end),
        "{yyyy}": f"{start.year:04}",
        "{mm}": f"{start.month:02}",
        "{n}": str(run.number),
    }
    for token, value in values.items():
        text = text.replace(token, value)
    return text
