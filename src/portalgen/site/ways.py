"""Ways to pay one invoice: which fit it, and what each shows (domain §6)."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import quote, urlencode

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.documents import Invoice
from portalgen.content.records.practice import Method
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.money import Money, minor_digits
from portalgen.site.offer import currencies_of, sorted_methods
from portalgen.site.views import WayToPay

PAYPAL = frozenset((
    "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN", "NZD", "TWD", "NOK",
    "PHP", "PLN", "GBP", "RUB", "SGD", "SEK", "CHF", "THB", "USD",
))  # fmt: skip
PAYPAL_WHOLE = frozenset(("HUF", "JPY", "TWD"))


def reference_of(method: Method, invoice: Invoice) -> str:
    """The payment reference: the number made safe (`[A-Za-z0-9-]`, at most 35), or its RF form (ISO 11649).

    A number without a letter or digit that banks know gives way to the invoice's id.
    """
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", invoice.number or "").strip("-")[:35] or invoice.id[:35]
    if method.reference == "number":
        return plain
    from stdnum.iso11649 import validate

    body = re.sub(r"[^A-Z0-9]", "", plain.upper())[:21]
    digits = "".join(str(int(letter, 36)) for letter in body + "RF00")
    return str(validate(f"RF{98 - int(digits) % 97:02d}{body}"))


def ways_to_pay(shared: Shared, folder: ClientFolder, facts: InvoiceFacts) -> tuple[WayToPay, ...]:
    """The ways for the amount due now, the first to be offered first; none when nothing is due."""
    status, invoice = facts.status, facts.invoice
    due = facts.money(status.due_now)
    if status.document != "issued" or due.amount <= 0:
        return ()
    allowed = folder.client.methods or (facts.terms.methods if facts.terms else ())
    methods = [
        method
        for method in sorted_methods(shared)
        if (not allowed or method.id in allowed or method.id in invoice.pay_links)
        and (not method.for_clients or folder.id in method.for_clients)
        and (not currencies_of(method) or due.currency in currencies_of(method))
        and (method.kind != "paypal_me" or due.currency in PAYPAL)
        and (not method.countries or (folder.client.country or shared.site.practice.country) in method.countries)
        and (method.min is None or due.amount >= method.min)
        and (method.max is None or due.amount <= method.max)
    ]
    return tuple(_way(shared, method, invoice, due) for method in methods)


def _way(shared: Shared, method: Method, invoice: Invoice, due: Money) -> WayToPay:
    reference = reference_of(method, invoice)
    rows: list[tuple[str, str]] = []
    if method.kind.startswith("bank") or method.kind in ("swiss_qr", "spayd", "zelle", "interac", "cheque"):
        rows.append(("payee", method.account_name or shared.site.practice.legal_name))
    if method.iban:
        rows.append(("iban", " ".join(re.findall(".{1,4}", method.iban.replace(" ", "")))))
    if method.bic:
        rows.append(("bic", method.bic))
    if method.kind == "pix" and method.key:
        rows.append(("key", method.key))
    if method.vpa:
        rows.append(("vpa", method.vpa))
    if method.kind not in ("cash", "card_in_person"):
        rows.append(("reference", reference))
    return WayToPay(
        kind=method.kind,
        label=method.label,
        href=invoice.pay_links.get(method.id) or _href(method, due, reference),
        amount=due,
        rows=tuple(rows),
        instructions=method.instructions or "",
        fee_note=method.fee_note or "",
        settles_in=method.settles_in or "",
    )


def _href(method: Method, due: Money, reference: str) -> str:
    amount = f"{due.amount:.{minor_digits(due.currency)}f}"
    if method.kind == "paypal_me":
        whole = due.currency in PAYPAL_WHOLE
        if whole and due.amount != due.amount.to_integral_value():
            return ""
        return f"https://paypal.me/{method.handle}/{amount if not whole else int(Decimal(amount))}{due.currency}"
    if method.kind == "venmo":
        query = urlencode(
            {
                "txn": "pay",
                "audience": "private",
                "recipients": method.handle or "",
                "amount": amount,
                "note": reference,
            },
            quote_via=quote,
        )
        return f"https://venmo.com/?{query}"
    if method.kind == "cash_app":
        return f"https://cash.app/${(method.handle or '').lstrip('$')}/{amount}"
    if method.kind in ("url", "stripe_link", "wise") and method.url:
        values = {"amount": amount, "currency": due.currency, "reference": reference}
        address = method.url
        for key, value in values.items():
            address = address.replace("{" + key + "}", quote(value, safe=""))
        fields = {key: _fill(text, values) for key, text in method.params.items()}
        if method.kind == "stripe_link":
            fields.setdefault("client_reference_id", re.sub(r"[^A-Za-z0-9_-]", "-", reference))
        return address + (("&" if "?" in address else "?") + urlencode(fields, quote_via=quote) if fields else "")
    return ""


def _fill(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text
