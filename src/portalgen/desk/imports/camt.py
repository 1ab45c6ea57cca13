"""camt.053, the bank statement of ISO 20022, in its versions 02, 04 and 08, with or without its namespace.

Documents with a DTD are refused before anything in it is read, so that no entity is ever expanded or fetched.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from xml.parsers import expat

from portalgen.content.problems import Problem
from portalgen.desk.imports.rows import NO_TEXT, BadRows, Options, Row, Statement, Unreadable, bad_row, clean, with_ids
from portalgen.desk.imports.texts import decoded, is_currency
from portalgen.rules.money import ZERO, Money, total

_DEEPEST = 60
_EXPORT = "export the statement from your bank again, as camt.053"


class Node:
    """An element: its name without namespace, its text, attributes, children and line."""

    def __init__(self, name: str, line: int, attributes: dict[str, str]) -> None:
        self.name, self.line, self.attributes = name, line, attributes
        self.parts: list[str] = []
        self.children: list[Node] = []

    def all(self, path: str) -> list[Node]:
        """The elements below it at `A/B/C`."""
        nodes = [self]
        for name in path.split("/"):
            nodes = [child for node in nodes for child in node.children if child.name == name]
        return nodes

    def one(self, path: str) -> Node | None:
        """The first of them."""
        return next(iter(self.all(path)), None)

    def text(self, *paths: str) -> str:
        """The text at the first of these paths that has any."""
        texts = (clean("".join(node.parts)) for path in paths for node in self.all(path))
        return next((text for text in texts if text), "")


def looks_like(data: bytes) -> bool:
    """Whether a file is XML."""
    head = data[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return head.startswith(b"<")


def read(file: str, data: bytes, options: Options) -> Statement:
    """The booked entries of a statement. Raises `BadRows` and `Unreadable`."""
    if options.encoding:
        data = re.sub(r"^\s*<\?xml[^>]*\?>", "", decoded(data, options.encoding)[0]).encode()
    root = parse(data)
    statements = root.all("BkToCstmrStmt/Stmt") if root.name == "Document" else root.all("Stmt")
    if not statements:
        kind = next((child.name for child in root.children), root.name) if root.name == "Document" else root.name
        other = {"BkToCstmrAcctRpt": " (camt.052)", "BkToCstmrDbtCdtNtfctn": " (camt.054)"}.get(kind, "")
        raise Unreadable(f"this XML is not a camt.053 statement but {kind}{other}", _EXPORT)
    problems: list[Problem] = []
    rows = [row for entry in _entries(statements) for row in _rows(file, entry, problems)]
    if problems:
        raise BadRows(problems)
    accounts = tuple(dict.fromkeys(iban for one in statements if (iban := one.text("Acct/Id/IBAN"))))
    return Statement(file=file, format="camt053", rows=with_ids(rows), accounts=accounts)


def parse(data: bytes) -> Node:
    """The tree of a document. Raises `Unreadable` when it is broken, nested too deeply, or has a DTD."""
    top = Node("", 0, {})
    open_ = [top]
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_) > _DEEPEST:
            raise Unreadable("this XML is nested too deeply for a bank statement", _EXPORT)
        node = Node(name.rpartition(":")[2], parser.CurrentLineNumber, attributes)
        open_[-1].children.append(node)
        open_.append(node)

    def refuse(*_: object) -> None:
        raise Unreadable("this XML has a document type, which no bank statement has, and it was not read", _EXPORT)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_.pop()
    parser.CharacterDataHandler = lambda text: open_[-1].parts.append(text)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise Unreadable(f"this XML is broken in line {error.lineno}: {what}", _EXPORT) from None
    except (LookupError, ValueError):
        raise Unreadable("this XML names an encoding that we do not know", "say which with --encoding") from None
    return top.children[0]


def _entries(statements: list[Node]) -> Iterator[Node]:
    for statement in statements:
        yield from statement.all("Ntry")


def _rows(file: str, entry: Node, problems: list[Problem]) -> Iterator[Row]:
    """The rows of an entry: one, or one for each payment in a batch."""
    day, money, sign = _day(entry), _money(entry), _sign(entry)
    if day is None or money is None or not sign:
        what = "date" if day is None else "amount" if money is None else "direction (CdtDbtInd)"
        problems.append(bad_row(file, entry.line, f"this entry has no {what} that we can read", _EXPORT))
        return
    status = entry.text("Sts/Cd", "Sts")
    waits = "" if status in ("", "BOOK") else "the bank has only announced it: import it again when it is booked"
    reference = entry.text("AcctSvcrRef")  # NtryRef often counts from 1 in each statement
    details = entry.all("NtryDtls/TxDtls")
    several = len(details) > 1
    parts = [_money(one) or _money(one.one("AmtDtls/TxAmt")) for one in details] if several else []
    amounts = [part.amount for part in parts if part and part.currency == money.currency]
    signs = [_sign(one) or sign for one in details]
    doubt = ""
    if several and len(amounts) < len(details):
        doubt, details, several = "it is several payments, and the bank does not say how much each is", [], False
    elif several and abs(total(map(_times, signs, amounts))) != money.amount:
        doubt = f"the payments of this entry do not come to its {money.amount:f} {money.currency}"
    reverses = entry.text("RvslInd").lower() in ("true", "1")
    for n, one in enumerate(details or [entry]):
        direction = signs[n] if several else sign
        amount, fee = (amounts[n], ZERO) if several else _gross(entry, one, money)
        own = one.text("Refs/AcctSvcrRef")
        id_ = own if several and own != reference else reference or own
        if several and not id_.replace(reference, ""):
            id_ = f"{reference}~" if reference else ""
        out = direction < 0
        yield Row(
            line=one.line,
            id=id_,
            date=day,
            amount=_times(direction, amount),
            currency=money.currency,
            payer=_party(one, "Cdtr" if out and not reverses else "Dbtr"),
            text=_said(entry, one),
            reference=one.text("RmtInf/Strd/CdtrRefInf/Ref"),
            fee=fee,
            kind="refund" if out and reverses else "other" if out else "payment",
            sent=_sent(one, money, direction) if not several else None,
            doubt=doubt,
            ignored=waits or ("" if amount else "no money moved"),
        )


def _times(sign: int, amount: Decimal) -> Decimal:
    return amount if sign > 0 else -amount


def _sign(node: Node) -> int:
    """1 for money that came in, -1 for money that went out (reversals too say where the money went), 0 for neither."""
    return {"CRDT": 1, "DBIT": -1}.get(node.text("CdtDbtInd"), 0)


def _money(node: Node | None) -> Money | None:
    amount = node.one("Amt") if node else None
    if amount is None:
        return None
    text, currency = clean("".join(amount.parts)), amount.attributes.get("Ccy", "")
    if not re.fullmatch(r"\d{1,12}(\.\d{1,5})?", text, re.ASCII) or not is_currency(currency):
        return None
    return Money(Decimal(text), currency)


def _day(entry: Node) -> dt.date | None:
    try:
        return dt.date.fromisoformat(entry.text("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")[:10])
    except ValueError:
        return None


def _gross(entry: Node, details: Node, booked: Money) -> tuple[Decimal, Decimal]:
    """What the payer gave and what the bank kept of it, where the statement shows both and they add up."""
    charges = [one for node in (entry, details) for one in (*node.all("Chrgs/Rcrd"), *node.all("Chrgs"))]
    fees = [money.amount for one in charges if (money := _money(one)) and money.currency == booked.currency]
    given = _given(details)
    if given and given.currency == booked.currency and given.amount - booked.amount in (*fees, total(fees)):
        return given.amount, given.amount - booked.amount
    return booked.amount, ZERO


def _given(details: Node) -> Money | None:
    return _money(details.one("AmtDtls/InstdAmt")) or _money(details.one("AmtDtls/TxAmt"))


def _sent(details: Node, booked: Money, sign: int) -> Money | None:
    """What the payer gave, where that was another currency."""
    given = _given(details)
    return Money(_times(sign, given.amount), given.currency) if given and given.currency != booked.currency else None


def _party(details: Node, role: str) -> str:
    parties = details.one("RltdPties")
    return parties.text(f"Ultmt{role}/Pty/Nm", f"Ultmt{role}/Nm", f"{role}/Pty/Nm", f"{role}/Nm") if parties else ""


def _said(entry: Node, details: Node) -> str:
    """Everything in words, each once; what a payer's bank writes when it has nothing to write is left out."""
    nodes = [
        *details.all("RmtInf/Ustrd"),
        *details.all("RmtInf/Strd/AddtlRmtInf"),
        *details.all("RmtInf/Strd/RfrdDocInf/Nb"),
        *details.all("Refs/EndToEndId"),
        *details.all("AddtlTxInf"),
        *([] if details is not entry and details.one("RmtInf") else entry.all("AddtlNtryInf")),
    ]
    texts = [clean("".join(node.parts)) for node in nodes]
    return " ".join(dict.fromkeys(text for text in texts if text and text.upper() not in NO_TEXT))
