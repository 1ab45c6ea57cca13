"""Invoices that return: on which days, for which period, at which price (domain §3 recurring, M7).

Run k is on the first day plus k intervals, counted from that day every time and clamped to the month's end, so that
31 January, 28 February, 31 March follow each other. An invoice made from a run has the run's id, so that no run is made
twice, also when its invoice is void.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator

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
    return tuple(_turns(recurring, lambda day: day <= until))


def due_runs(folder: ClientFolder, today: dt.date, known: Collection[str] = ()) -> tuple[Run, ...]:
    """The runs dated by `today` that have no invoice yet, the oldest first.

    `known`: ids of invoices that were issued and whose file may be gone (the lock's). Nothing runs after the end of the
    work with the client.
    """
    return tuple(run for run in _runs_of(folder, today) if run.id not in folder.invoices and run.id not in known)


def upcoming(folder: ClientFolder, today: dt.date, months: int = 3) -> tuple[Run, ...]:
    """Of each series the next run after `today`, if it is within so many months. Prices as they are planned today."""
    client = folder.client
    if not client.ended and client.status in ("ended", "archived"):
        return ()

    def near(day: dt.date) -> bool:
        return (client.ended is None or day <= client.ended.date) and today >= _first_within(day, months)

    found = []
    for recurring in client.recurring:
        turns = _turns(recurring, near)
        if run := next((run for run in turns if run.date > today and run.id not in folder.invoices), None):
            found.append(run)
    return tuple(sorted(found, key=lambda run: (run.date, run.recurring.id)))


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


class Series(msgspec.Struct, frozen=True, array_like=True):
    """The ids of what returns for one client, in the order of their file."""

    client: str
    path: str
    ids: tuple[str, ...]


def series_of_client(folder: ClientFolder) -> Series:
    """What returns for a client."""
    return Series(folder.id, folder.client.path, tuple(recurring.id for recurring in folder.client.recurring))


def same_series(every: Iterable[Series]) -> Iterator[Finding]:
    """Two series with one id would make invoices with one id."""
    seen: dict[str, str] = {}
    for series in every:
        for n, name in enumerate(series.ids):
            other = seen.setdefault(name, series.path)
            if other != series.path:
                yield Finding(
                    path=series.path,
                    at=("recurring", n, "id"),
                    code="duplicate-id",
                    message=f"'{name}' also returns in {other}, and their invoices would have the same ids",
                    hint=f"write '{name}-{series.client}'" if len(name) < 30 else "choose another id",
                )


def skip_findings(folder: ClientFolder) -> Iterator[Finding]:
    """A day to skip that is no run skips nothing."""
    for n, recurring in enumerate(folder.client.recurring):
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


def _turns(recurring: Recurring, reached: Callable[[dt.date], bool]) -> Iterator[Run]:
    """The runs of a series from its first day on, as long as their days are `reached`."""
    number = 0
    days = _days(recurring)
    day = next(days)
    while reached(day) and (recurring.until is None or day <= recurring.until) and number != recurring.count:
        after = next(days)
        if day not in recurring.skip and not _rests(recurring, day):
            number += 1
            yield Run(recurring=recurring, date=day, period=(day, after - DAY), number=number)
        day = after


def _first_within(day: dt.date, months: int) -> dt.date:
    """The first day from which so many months on, by `add_period`, a day is reached."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, day.day) if day.day <= last else dt.date(year, month + 1, last) + DAY


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
