"""Payments read from the files of banks and payment services, matched with open invoices, and booked when certain."""

from __future__ import annotations

from typing import Literal, get_args

FormatName = Literal["stripe", "paypal", "bank", "camt053"]
FORMATS: tuple[str, ...] = get_args(FormatName)
"""The formats of `import payments`, here so that the command line need not import what reads them."""
COLUMNS = ("date", "amount", "credit", "debit", "sign", "currency", "payer", "text", "reference", "id", "fee", "status")
"""What `--columns` can name in a bank's file."""
