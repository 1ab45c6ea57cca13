"""The books for other programs: tables, one JSON document, and journals of two plain-text accounting programs."""

from __future__ import annotations

from typing import Literal, get_args

TableName = Literal[
    "movements", "invoices", "credit-notes", "lines", "payments", "income-cash", "income-invoiced", "numbers"
]
TABLE_NAMES: tuple[str, ...] = get_args(TableName)
"""The tables of `export csv`, here so that the command line need not import what makes them."""
