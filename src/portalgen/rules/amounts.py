"""Amounts that stand outside of documents: they too fit their currency (domain §2)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.base import KeyPath
from portalgen.rules.money import fits, rounded

_Place = tuple[str, KeyPath, Decimal | None, str]


def odd_amounts(shared: Shared) -> Iterator[Finding]:
    """Amounts of services, policies, terms and methods with more decimals than their currency has."""
    return _odd(_shared_amounts(shared))


def odd_client_amounts(shared: Shared, folder: ClientFolder) -> Iterator[Finding]:
    """The same for one client's fees, charges, packages and retainer."""
    client = folder.client
    currency = client.currency or shared.site.practice.currency
    places: list[_Place] = [
        (client.path, ("charges", n, "amount"), charge.amount, currency) for n, charge in enumerate(client.charges)
    ]
    if client.retainer:
        places += [
            (client.path, ("retainer", key), getattr(client.retainer, key), currency) for key in ("amount", "floor")
        ]
    places += [
        (client.path, ("packages", n, "price"), bought.price, currency) for n, bought in enumerate(client.packages)
    ]
    sessions = folder.source("sessions.yaml")
    places += [(sessions, (n, "fee"), session.fee, currency) for n, session in enumerate(folder.sessions)]
    for invoice in folder.invoices.values():
        own = invoice.currency or currency
        if invoice.disputed:
            places.append((invoice.path, ("disputed", "amount"), invoice.disputed.amount, own))
    return _odd(places)


def _shared_amounts(shared: Shared) -> Iterator[_Place]:
    home = shared.site.practice.currency
    for service in shared.services.values():
        currency = service.currency or home
        yield service.path, ("deposit",), service.deposit, currency
        for n, package in enumerate(service.packages):
            yield service.path, ("packages", n, "price"), package.price, currency
    for policy in shared.policies.values():
        for key, fee in (("fee", policy.fee), ("no_show_fee", policy.no_show_fee)):
            if fee and fee.kind == "amount":
                yield policy.path, (key,), fee.value, home
    for terms in shared.terms.values():
        yield terms.path, ("deposit", "amount"), terms.deposit.amount if terms.deposit else None, home
        yield terms.path, ("late", "value"), terms.late.value if terms.late.kind == "flat" else None, home
        for key in ("min", "max", "recovery_fee"):
            yield terms.path, ("late", key), getattr(terms.late, key), home
        yield terms.path, ("min_amount_to_escalate",), terms.min_amount_to_escalate, home


def _odd(places: Iterator[_Place] | list[_Place]) -> Iterator[Finding]:
    for path, at, amount, currency in places:
        if amount is not None and not fits(amount, currency):
            message = f"{amount} has more decimals than {currency} knows"
            yield Finding(
                path=path, at=at, code="bad-amount", message=message, hint=f"write {rounded(amount, currency)}"
            )
