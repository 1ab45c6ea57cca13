"""Stripe: the balance as CSV, itemised from "Balance change from activity" or from the list of transactions."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from portalgen.desk.imports.rows import Kind, Options, Row, Statement, with_ids
from portalgen.desk.imports.texts import Cells, Line, Table, columns_of, named
from portalgen.rules.money import ZERO, Money

NAMES = {
    "id": ("balance transaction id", "id"),
    "kind": ("reporting category", "type"),
    "amount": ("gross", "amount"),
    "fee": ("fee",),
    "net": ("net",),
    "currency": ("currency",),
    "utc": ("created utc",),
    "date": ("created",),
    "text": ("description", "statement descriptor"),
    "payer": ("customer name", "card name"),
    "email": ("customer email",),
    "reference": ("client reference id", "payment metadata client reference id", "client reference id metadata"),
    "sent": ("customer facing amount",),
    "sent currency": ("customer facing currency",),
}
_METADATA = ("payment metadata", "refund metadata", "customer metadata")
_KINDS: dict[str, Kind] = {
    "charge": "payment", "payment": "payment", "dispute reversal": "payment",
    "refund": "refund", "payment refund": "refund", "dispute": "refund", "adjustment": "refund",
    "partial capture reversal": "refund", "charge failure": "refund", "payment failure refund": "refund",
    "refund failure": "payment", "payment reversal": "refund",
    "payout": "payout", "payout reversal": "payout", "payout failure": "payout", "payout cancel": "payout",
    "fee": "fee", "stripe fee": "fee", "network cost": "fee", "tax fee": "fee", "application fee": "fee",
}  # fmt: skip
"""Reporting categories, and the types of the older export."""


def is_header(cells: list[str]) -> bool:
    """Whether a line is the header of such a file."""
    names = {named(cell) for cell in cells}
    one_of = ({"balance transaction id", "id"}, {"reporting category", "type"}, {"gross", "amount"})
    return {"fee", "net", "currency"} <= names and all(names & group for group in one_of) and "status" not in names


def read(file: str, table: Table, options: Options) -> Statement:
    """The rows of the file; days in the practice's zone. Raises `BadRows` and `Unreadable`."""
    columns = columns_of(table.header, NAMES)
    columns["amount"], columns["kind"] = columns["amount"][:1], columns["kind"][:1]
    columns["text"] += [at for at, cell in enumerate(table.header) if _is_metadata(named(cell))]
    cells = Cells(file, table, columns)
    when = "utc" if cells.has("utc") else "date"
    cells.settle([], cells.all(when), options.decimal or ".", options.date_format)
    zone = ZoneInfo(options.timezone)

    def row(line: Line) -> Row | None:
        day, amount = cells.date(line, when), cells.amount(line, "amount")
        fee = cells.amount(line, "fee", needed=False) or ZERO
        sent = cells.amount(line, "sent", needed=False)
        currency, id_ = cells.text(line, "currency").upper(), cells.text(line, "id")
        if not id_:
            cells.wrong(line, "this row has no id", "export it again with balance_transaction_id")
        if day is None or amount is None:
            return None
        given = cells.text(line, "sent currency").upper()
        kind = _KINDS.get(named(cells.text(line, "kind")), "other")
        return Row(
            line=line.number,
            id=id_,
            date=_local(cells.text(line, when), zone) or day if when == "utc" else day,
            amount=amount,
            currency=currency,
            payer=cells.text(line, "payer"),
            email=cells.text(line, "email").casefold(),
            text=cells.text(line, "text"),
            reference=cells.text(line, "reference"),
            fee=max(fee, ZERO),
            kind=kind,
            sent=Money(sent.copy_sign(amount), given) if sent and given not in ("", currency) else None,
            ignored=_ignored(kind, cells.text(line, "kind"), amount),
        )

    return Statement(file=file, format="stripe", rows=with_ids(cells.rows(row)))


def _is_metadata(name: str) -> bool:
    return (name.startswith(_METADATA) or name.endswith(" metadata")) and "client reference id" not in name


def _ignored(kind: Kind, written: str, amount: Decimal) -> str:
    if kind == "payout":
        return "a payout to your bank"
    if kind == "fee":
        return "a fee of Stripe's own"
    return f"no payment: {written or 'no type'}" if kind == "other" or not amount else ""


def _local(text: str, zone: ZoneInfo) -> dt.date | None:
    """The practice's day at a time in UTC."""
    try:
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if len(text) <= 10:
        return moment.date()
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(zone).date()
