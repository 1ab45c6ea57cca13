"""Ways to pay an amount: which methods fit it, and the exact link, code and texts of each (domain §6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records import payees
from portalgen.content.records.client import Client
from portalgen.content.records.method import STRIPE_LINKS, Method
from portalgen.content.records.practice import Practice
from portalgen.rules import payloads, references
from portalgen.rules.money import Money, minor_digits
from portalgen.rules.parties import Party, PostalAddress

CodeKind = Literal["", "epc", "swiss", "upi", "pix", "spayd"]
PAYPAL_WHOLE = frozenset(("HUF", "JPY", "TWD"))
LINKED = frozenset(("stripe_link", "wise", "url"))
"""Kinds that are nothing without an address to pay at."""
_ADDRESSED = frozenset((*LINKED, "paypal_me", "venmo", "cash_app"))
"""Kinds that have an address to pay at without one written for the document."""
SERVICES: Mapping[str, tuple[str, ...]] = {
    "stripe_link": ("stripe.com",),
    "wise": ("wise.com",),
    "paypal_me": ("paypal.com", "paypal.me"),
}
"""Where the links of a kind lead."""
_GROUPED = re.compile(r"RF\d\d[0-9A-Z]+|\d{27}")
IN_PERSON = frozenset(("cash", "card_in_person"))
STRIPE_LOCALES = frozenset((
    "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id",
    "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr",
    "vi", "zh", "zh-HK", "zh-TW",
))  # fmt: skip


class Way(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way to pay one amount. `rows` are (code, value) pairs to copy: payee, iban, bic, reference …

    `code` is the exact text of the QR code, `code_kind` says by which standard; both are empty where there is none.
    """

    method: str  # the method's id
    kind: str  # the method's kind
    label: str
    amount: Money
    href: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    instructions: str = ""
    fee_note: str = ""
    settles_in: str = ""
    code: str = ""
    code_kind: CodeKind = ""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: an amount due now, the document's number and id, and what limits the ways.

    `terms_methods` are the ids of the methods that its terms allow (empty allows all), `pay_links` the links written
    for this document by method, `debtor` who gets the bill.
    """

    amount: Money
    number: str
    id: str
    language: str
    terms_methods: tuple[str, ...] = ()
    pay_links: Mapping[str, str] = {}
    debtor: Party | None = None


def fitting_ways(shared: Shared, client: Client, demand: Demand) -> tuple[Way, ...]:
    """The ways to pay the amount, the first to be offered first; none for nothing."""
    if demand.amount.amount <= 0:
        return ()
    practice = shared.site.practice
    fitting = [method for method in sorted_methods(practice) if _fits(practice, method, client, demand)]
    ways = [_way(practice, method, demand) for method in fitting]
    return tuple([way for way in ways if way.kind not in LINKED or way.href or way.instructions])


def sorted_methods(practice: Practice) -> list[Method]:
    """The practice's methods by `order`, then as written."""
    return sorted(practice.methods, key=lambda method: method.order)


def way_findings(shared: Shared, folder: ClientFolder) -> Iterator[Finding]:
    """A client's currency that no method takes, and links of invoices to another service than their method's."""
    practice, client = shared.site.practice, folder.client
    theirs = [m for m in practice.methods if not m.for_clients or client.id in m.for_clients]
    if client.currency and theirs and not any(client.currency in (m.takes or (client.currency,)) for m in theirs):
        yield Finding(
            path=client.path,
            at=("currency",),
            code="no-method",
            message=f"no way to pay takes {client.currency}, so this client's invoices show none",
            hint=f"add a method to practice.methods of {shared.site.path} that does",
            severity="warning",
        )
    kinds = {method.id: method.kind for method in practice.methods}
    for invoice in folder.invoices.values():
        for method, link in invoice.pay_links.items():
            hosts, host = SERVICES.get(kinds[method], ()), urlsplit(link).hostname or ""
            if hosts and not f".{host}".endswith(tuple(f".{known}" for known in hosts)):
                yield Finding(
                    path=invoice.path,
                    at=("pay_links", method),
                    code="other-service",
                    message=f"this link leads to {host}, and the method '{method}' is one of {hosts[0]}",
                    hint="check the link, or name the method that it belongs to",
                    severity="warning",
                )


def _fits(practice: Practice, method: Method, client: Client, demand: Demand) -> bool:
    due = demand.amount
    allowed = client.methods or demand.terms_methods
    whole = method.kind == "paypal_me" and due.currency in PAYPAL_WHOLE
    return (
        (not allowed or method.id in allowed or method.id in demand.pay_links)
        and (not method.for_clients or client.id in method.for_clients)
        and (not method.takes or due.currency in method.takes)
        and not (whole and due.amount != due.amount.to_integral_value())
        and (not method.countries or (client.country or practice.country) in method.countries)
        and (method.min is None or due.amount >= method.min)
        and (method.max is None or due.amount <= method.max)
    )


def _way(practice: Practice, method: Method, demand: Demand) -> Way:
    payee = method.account_name or practice.legal_name
    reference = _reference(method, demand)
    code_kind, code = _code(practice, method, demand, payee, reference) if method.qr else ("", "")
    href = _upi(method, demand, payee, reference) if method.kind == "upi" else _href(method, demand, reference)
    told = (("payee", payee), *_account_rows(method), ("reference", _shown(reference)))
    return Way(
        method=method.id,
        kind=method.kind,
        label=method.label,
        amount=demand.amount,
        href=href,
        rows=() if method.kind in IN_PERSON else told,
        instructions=method.instructions or "",
        fee_note=method.fee_note or "",
        settles_in=method.settles_in or "",
        code=code,
        code_kind=code_kind if code else "",
    )


def _reference(method: Method, demand: Demand) -> str:
    """What the payer gives as reference, in the one form that the method can carry."""
    number = demand.number, demand.id
    if method.iban and payees.is_qr_iban(method.iban):
        return references.qr_reference(*number)
    if method.kind == "pix":
        return references.bare_reference(*number, 25)
    if method.kind == "spayd":
        return references.variable_symbol(*number)
    if method.reference == "rf":
        return references.rf_reference(*number)
    if method.reference == "ogm":
        return references.ogm_reference(*number)
    return references.number_reference(*number)


def _shown(reference: str) -> str:
    """A reference as it is printed."""
    printed = _GROUPED.fullmatch(reference)
    return references.grouped(reference) if printed else reference


def _account_rows(method: Method) -> Iterator[tuple[str, str]]:
    if method.kind in ("zelle", "interac"):
        if method.handle:
            yield "email" if "@" in method.handle else "phone", method.handle
        return
    if method.sort_code:
        yield "sort_code", "-".join(re.findall("..", payees.plain(method.sort_code)))
    if method.routing:
        yield "routing", payees.plain(method.routing)
    if method.account:
        yield "account", method.account
    if method.iban:
        yield "iban", " ".join(re.findall(".{1,4}", payees.plain(method.iban)))
    if method.bic:
        yield "bic", payees.plain(method.bic)
    if method.bank_name:
        yield "bank", method.bank_name
    if method.handle:
        yield "handle", f"${method.handle.lstrip('$')}" if method.kind == "cash_app" else method.handle
    if method.vpa:
        yield "vpa", method.vpa
    if method.key:
        yield "key", method.key


def _code(practice: Practice, method: Method, demand: Demand, payee: str, reference: str) -> tuple[CodeKind, str]:
    """The QR code's standard and text; an empty text where the standard cannot say this."""
    due, iban, bic, number = demand.amount, method.iban or "", method.bic or "", (demand.number, demand.id)
    match method.kind:
        case "bank_sepa":
            structured = reference.startswith("RF") and method.reference == "rf"
            return "epc", payloads.epc(
                name=payee,
                iban=iban,
                bic=bic,
                amount=due,
                reference=reference if structured else "",
                text="" if structured else reference,
            )
        case "swiss_qr":
            creditor = Party(name=payee, address=_place(practice))
            coded = payees.is_qr_iban(iban) or method.reference == "rf"
            return "swiss", payloads.swiss(
                creditor=creditor,
                iban=iban,
                amount=due,
                reference=reference if coded else "",
                message=references.number_reference(*number),
                debtor=demand.debtor,
            )
        case "pix":
            key, city = method.key or "", method.city or ""
            return "pix", payloads.pix(key=key, name=payee, city=city, amount=due, reference=reference)
        case "upi":
            return "upi", _upi(method, demand, payee, reference)
        case "spayd":
            text = references.number_reference(*number)
            return "spayd", payloads.spayd(iban=iban, bic=bic, name=payee, amount=due, symbol=reference, message=text)
    return "", ""


def _upi(method: Method, demand: Demand, payee: str, reference: str) -> str:
    return payloads.upi(vpa=method.vpa or "", name=payee, amount=demand.amount, note=reference, reference=reference)


def _place(practice: Practice) -> PostalAddress:
    place = practice.address
    return PostalAddress(line1=place.line1, postcode=place.postcode, city=place.city, country=place.country)


def _href(method: Method, demand: Demand, reference: str) -> str:
    link = demand.pay_links.get(method.id, "")
    if not link and method.kind not in _ADDRESSED:
        return ""
    due = demand.amount
    amount = f"{due.amount:.{minor_digits(due.currency)}f}"
    if link and not (method.kind == "stripe_link" and urlsplit(link).hostname == STRIPE_LINKS):
        return link
    match method.kind:
        case "paypal_me":
            paypal = f"{due.amount:.0f}" if due.currency in PAYPAL_WHOLE else amount
            return f"https://paypal.me/{method.handle}/{paypal}{due.currency}"
        case "venmo":
            fields = {"txn": "pay", "audience": "private", "recipients": method.handle or ""}
            return _with("https://venmo.com/", {**fields, "amount": amount, "note": reference})
        case "cash_app":
            return f"https://cash.app/${(method.handle or '').lstrip('$')}/{amount}"
        case "stripe_link" | "wise" | "url" if link or method.url:
            email = demand.debtor.email if demand.debtor else ""
            values = {"amount": amount, "currency": due.currency, "reference": reference, "email": email}
            address = link or _filled(method.url or "", {key: quote(text, safe="") for key, text in values.items()})
            asked = {key: text for key, text in method.params.items() if email or "{email}" not in text}
            fields = {key: _filled(text, values) for key, text in asked.items()}
            return _with(address, {**_stripe(demand, reference), **fields} if method.kind == "stripe_link" else fields)
    return ""


def _stripe(demand: Demand, reference: str) -> dict[str, str]:
    """What a payment link of Stripe is told. It silently drops an id with any other sign, or over 200."""
    languages = (demand.language, demand.language.split("-")[0])
    locale = next((language for language in languages if language in STRIPE_LOCALES), "")
    fields = {"client_reference_id": re.sub(r"[^A-Za-z0-9_-]", "-", reference)[:200]}
    return {**fields, "locale": locale} if locale else fields


def _with(address: str, fields: Mapping[str, str]) -> str:
    """The address with further fields in its query."""
    if not fields:
        return address
    path, mark, fragment = address.partition("#")
    return f"{path}{'&' if '?' in path else '?'}{urlencode(fields, quote_via=quote)}{mark}{fragment}"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)
