"""Issued documents: what the lock keeps of them, and whether their files still say the same (domain §4.2).

What a file said at issue and what the document says are kept apart. A change of the file is an error; a change of what
the file only refers to (an address, a price, payment terms) is none, and the document stays as it was issued.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from portalgen.content.lock import DocumentRow, Relocked, canonical
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.base import KeyPath
from portalgen.content.records.client import ClientAddress
from portalgen.content.records.documents import CreditNote, Invoice
from portalgen.content.records.offer import Terms
from portalgen.content.records.practice import Address, Practice
from portalgen.rules.document import LAYOUT, Deducted, Document, Drawn, PlannedPart, Preceding, open_parts
from portalgen.rules.money import Money, rounded
from portalgen.rules.parties import Party, PostalAddress
from portalgen.rules.totals import Totals
from portalgen.rules.ways import Demand, fitting_ways

FREE = frozenset(("path", "client", "private_notes", "pay_links", "disputed", "void", "write_off", "link", "codes"))
"""Fields that may change after issue: they do not stand on the document, or say what became of it."""


def written(record: Invoice | CreditNote) -> dict[str, Any]:
    """What the file says, as plain data: defaults left out, numbers in their shortest form."""
    found: dict[str, Any] = _plain(record)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        values, fields = _fields(type(value))
        return {
            key: own if type(own) is str else _plain(own)
            for (key, default), own in zip(fields, values(value), strict=True)
            if own is not default and own != default
        }
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[tuple[str, Any], ...]]:
    """A record's fields that may not change after issue: what takes their values; the key in the file and default."""
    kept = [field for field in msgspec.structs.fields(kind) if field.name not in FREE]
    fields = tuple(
        (
            field.encode_name,
            field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default,
        )
        for field in kept
    )
    if len(kept) > 1:
        return attrgetter(*(field.name for field in kept)), fields
    return lambda record: tuple(getattr(record, field.name) for field in kept), fields


def changed(was: Any, now: Any, at: KeyPath = ()) -> Iterator[tuple[KeyPath, Any, Any]]:
    """The fields in which two readings differ, with both values; None where there was or is nothing."""
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in sorted({*was, *now}):
            yield from changed(was.get(key), now.get(key), (*at, key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for n, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from changed(old, new, (*at, n))
    else:
        yield at, was, now


def field_name(at: KeyPath) -> str:
    """A field as people read it: `lines 2 unit_price`, counted from 1."""
    return " ".join(str(step + 1) if isinstance(step, int) else step for step in at)


def change_finding(record: Invoice | CreditNote, row: DocumentRow) -> Finding | None:
    """That an issued document's file changed: every field, and the three ways out."""
    if stands(record, row) or not (differences := list(changed(row.written, written(record)))):
        return None
    told = "; ".join(f"{field_name(at)} {_was(was, now)}" for at, was, now in differences)
    name, instead = "invoice", "leave it and write a credit note (portalgen credit)"
    if row.of == "credit-note":
        name, instead = "credit note", "leave it and write an invoice or another credit note for the difference"
    at = next((at for at, _, now in differences if now is not None), ())
    return Finding(
        path=record.path,
        at=at,
        code="issued-changed",
        message=f"the {name} {row.number} was issued on {row.issued} and its file has changed: {told}",
        hint=f"take the change back; or {instead}; "
        f"or, if nobody got it yet, accept the change: portalgen relock {row.id} --reason …",
    )


class _Invoice(Invoice, frozen=True, kw_only=True):
    """What the file of an invoice said: nothing of where it lies."""

    path: str = ""
    client: str = ""


class _CreditNote(CreditNote, frozen=True, kw_only=True):
    """The same of a credit note."""

    path: str = ""
    client: str = ""


_WRITTEN: Mapping[type[Invoice | CreditNote], msgspec.json.Decoder[Invoice | CreditNote]] = {
    Invoice: msgspec.json.Decoder(_Invoice),
    CreditNote: msgspec.json.Decoder(_CreditNote),
}


def stands(record: Invoice | CreditNote, row: DocumentRow) -> bool:
    """Whether the file surely says what it said; if not, its fields have to be looked at one by one.

    It is sure when the row is the record again, of which nothing was left out in reading it.
    """
    kept, _ = _fields(type(record))
    try:
        was = _WRITTEN[type(record)].decode(row.written_json)
    except msgspec.DecodeError:
        return False
    return kept(was) == kept(record) and canonical(was) == bytes(row.written_json)


def _was(was: Any, now: Any) -> str:
    if was is None:
        return f"is new ({_short(now)})"
    return f"was {_short(was)}, is gone" if now is None else f"was {_short(was)}, is {_short(now)}"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries" if len(value) != 1 else "1 entry"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(entry)}" for key, entry in value.items())
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"


_DOCUMENT = msgspec.json.Decoder(Document)


def restored(row: DocumentRow) -> Document:
    """The document that a row of the lock keeps. Raises `msgspec.ValidationError` when its shape is unknown."""
    return _DOCUMENT.decode(row.document_json)


def row_of(document: Document, record: Invoice | CreditNote) -> DocumentRow:
    """A new row for a document that is issued now, or found issued."""
    said = canonical(document)
    return DocumentRow(
        client=record.client,
        of=document.kind,
        id=document.id,
        number=document.number,
        issued=document.issued,
        sha256=hashlib.sha256(said).hexdigest(),
        document_json=msgspec.Raw(said),
        written_json=msgspec.Raw(canonical(written(record))),
    )


def relocked(old: DocumentRow, new: DocumentRow, day: dt.date, reason: str) -> DocumentRow:
    """The new row with the record of why it took the place of the old one."""
    trace = Relocked(date=day, reason=reason, sha256=old.sha256)
    return msgspec.structs.replace(new, relocked=(*old.relocked, trace))


def invoice_document(
    shared: Shared,
    folder: ClientFolder,
    invoice: Invoice,
    totals: Totals,
    *,
    deposits: tuple[Deducted, ...],
    drawn: tuple[Drawn, ...],
    due: dt.date | None,
    parts: tuple[PlannedPart, ...],
    terms: Terms | None,
) -> Document | None:
    """The invoice with everything settled from today's files; None while it is a draft."""
    if invoice.issued is None or invoice.number is None:
        return None
    taxed = any(group.key.category != "O" for group in totals.groups)
    buyer = buyer_of(shared, folder, invoice.bill_to, taxed)
    language = invoice.language or folder.client.language or shared.site.practice.language
    left = open_parts(parts, drawn)
    reached = [part for part in left if part.due <= invoice.issued] or list(left[:1])
    first = rounded(sum((part.amount for part in reached), Decimal(0)), totals.currency)
    legal = (shared.site.practice.tax.legal_mention, terms.late.legal_mention if terms else None)
    return Document(
        kind="invoice",
        layout=LAYOUT,
        purpose=invoice.kind,
        id=invoice.id,
        number=invoice.number,
        issued=invoice.issued,
        language=language,
        seller=seller_of(shared, taxed),
        buyer=buyer,
        service_date=invoice.service_date,
        service_period=(invoice.service_period.from_, invoice.service_period.to) if invoice.service_period else None,
        po_reference=invoice.po_reference or "",
        buyer_reference=invoice.buyer_reference or "",
        totals=totals,
        discount_percent=invoice.discount.percent if invoice.discount else None,
        discount_reason=(invoice.discount.reason or "") if invoice.discount else "",
        deposits=deposits,
        drawn=drawn,
        due=due,
        parts=parts,
        planned=bool(invoice.schedule),
        terms=terms,
        mentions=tuple(dict.fromkeys(text for text in legal if text)),
        notes=invoice.notes or "",
        ways=fitting_ways(
            shared,
            folder.client,
            Demand(
                amount=Money(first, totals.currency),
                number=invoice.number,
                id=invoice.id,
                language=language,
                terms_methods=terms.methods if terms else (),
                pay_links=invoice.pay_links,
                debtor=buyer,
            ),
        )
        if first > 0
        else (),
    )


def credit_document(
    shared: Shared, note: CreditNote, invoice: Invoice, of: Document | None, totals: Totals
) -> Document | None:
    """The credit note with everything settled. Its parties and language are those of its invoice."""
    if of is None:
        return None
    legal = shared.site.practice.tax.legal_mention
    discount = invoice.discount if note.full else None
    return Document(
        kind="credit-note",
        layout=LAYOUT,
        id=note.id,
        number=note.number,
        issued=note.issued,
        language=of.language,
        seller=of.seller,
        buyer=of.buyer,
        service_date=of.service_date,
        service_period=of.service_period,
        po_reference=of.po_reference,
        buyer_reference=of.buyer_reference,
        totals=totals,
        discount_percent=discount.percent if discount else None,
        discount_reason=(discount.reason or "") if discount else "",
        mentions=(legal,) if legal else (),
        notes=note.notes or "",
        preceding=Preceding(id=invoice.id, number=of.number, issued=of.issued),
        reason=note.reason,
    )


def seller_of(shared: Shared, taxed: bool) -> Party:
    """The practice. What is outside the scope of tax names no VAT ids (BR-O-02)."""
    practice = shared.site.practice
    known = _SELLERS.get(taxed)
    if known is None or known[0] is not practice:
        known = _SELLERS[taxed] = practice, _seller(practice, taxed)
    return known[1]


_SELLERS: dict[bool, tuple[Practice, Party]] = {}
"""The seller of the last practice that was asked for, with and without VAT ids: it stands on every document."""


def _seller(practice: Practice, taxed: bool) -> Party:
    return Party(
        name=practice.legal_name,
        also=practice.name if practice.name not in practice.legal_name else "",
        contact=practice.owner,
        address=_place(practice.address, practice.country),
        email=practice.email,
        phone=practice.phone or "",
        vat_id=(practice.tax.vat_id or "") if taxed else "",
        numbers=tuple((number.kind, number.value) for number in practice.company_ids),
    )


def buyer_of(shared: Shared, folder: ClientFolder, bill_to: str | None, taxed: bool) -> Party:
    """Who gets the bill: the contact it names, the client's payer, the client's company, or the client."""
    client = folder.client
    country = client.country or shared.site.practice.country
    own = client.name.legal or client.name.display
    contact = next((c for c in client.contacts if c.id == (bill_to or client.payer)), None)
    if contact:
        return Party(
            name=contact.name,
            also=own,
            address=_place(contact.address or client.address, country),
            email=contact.email or "",
        )
    company = client.company
    return Party(
        name=company.name if company else own,
        also=own if company and company.name != own else "",
        address=_place(client.address, country),
        email=client.email or "",
        vat_id=(company.vat_id or "") if company and taxed else "",
        reference=(company.reference or "") if company else "",
    )


def _place(address: Address | ClientAddress | None, country: str) -> PostalAddress:
    if address is None:
        return PostalAddress(country=country)
    return PostalAddress(
        line1=address.line1 or "",
        line2=address.line2 or "",
        postcode=address.postcode or "",
        city=address.city or "",
        region=address.region or "",
        country=address.country or country,
    )
