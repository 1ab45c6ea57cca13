"""The books as one JSON document. Amounts and rates are texts, so that no reader rounds them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from portalgen.desk.exports.ledgers import Ledgers
from portalgen.desk.exports.tables import TABLES, table_rows
from portalgen.rules.ledger import closing
from portalgen.rules.money import rounded


def document_text(ledgers: Ledgers) -> str:
    """The document as text, ending with a newline."""
    return json.dumps(document_of(ledgers), ensure_ascii=False, indent=1) + "\n"


def document_of(ledgers: Ledgers) -> dict[str, Any]:
    """Every table by its name, the issued documents as they were issued, and what each client owes."""
    practice = ledgers.shared.site.practice
    tables = {name.replace("-", "_"): table_rows(ledgers, name) for name in TABLES}
    return {
        "practice": practice.name,
        "currency": practice.currency,
        "year": ledgers.year,
        "clients": [
            {
                "client": ledger.folder.id,
                "name": ledger.name,
                "balances": {
                    currency: _text(rounded(amount, currency))
                    for currency, amount in closing(
                        entry for entry in ledger.entries if entry.date <= ledgers.last
                    ).items()
                },
            }
            for ledger in ledgers.clients
        ],
        "documents": [
            _plain(document)
            for ledger in ledgers.clients
            for document in sorted(ledger.account.documents.values(), key=lambda document: (document.kind, document.id))
            if ledgers.shows(document.issued)
        ],
        **{name: [_plain(row) for row in rows] for name, rows in tables.items()},
    }


def _plain(value: Any) -> Any:
    return _texts(msgspec.to_builtins(value, builtin_types=(Decimal,)))


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(inner) for inner in value]
    return _text(value) if isinstance(value, Decimal) else value


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
