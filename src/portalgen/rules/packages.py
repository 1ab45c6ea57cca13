"""Sessions bought at once: how many are used and left, until when, and what unused ones are worth (domain M8)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.offer import Package
from portalgen.content.records.prepaid import PackagePurchase
from portalgen.content.scalars import Period
from portalgen.rules.chargeable import billed_sessions, outcome_of, session_day
from portalgen.rules.followup import add_period
from portalgen.rules.money import CONTEXT, ZERO, Money, rounded

PackageState = Literal["coming", "active", "used_up", "expired"]


class PackageUse(msgspec.Struct, frozen=True, kw_only=True):
    """One purchase on a day. `index` is its place in client.yaml; `expires` is the last day it may be used on.

    `used` are the ids of sessions, the oldest first. `price` is None where neither client nor service says one.
    """

    index: int
    purchase: PackagePurchase
    expires: dt.date | None
    used: tuple[str, ...]
    state: PackageState
    price: Money | None

    @property
    def left(self) -> int:
        """How many sessions were not used, expired or not."""
        return self.purchase.sessions - len(self.used)

    @property
    def unused(self) -> Money | None:
        """What the unused sessions are worth: the price less a rounded share for each one used. A proposal, no debt."""
        if self.price is None:
            return None
        each = rounded(CONTEXT.divide(self.price.amount, Decimal(self.purchase.sessions)), self.price.currency)
        rest = max(self.price.amount - each * len(self.used), ZERO) if self.left else ZERO
        return Money(rounded(rest, self.price.currency), self.price.currency)

    def days_left(self, today: dt.date) -> int | None:
        """How many days sessions can still be used on, today too; None where they do not expire."""
        return None if self.expires is None else max((self.expires - today).days + 1, 0)


def packages_of(shared: Shared, folder: ClientFolder, today: dt.date) -> tuple[PackageUse, ...]:
    """The purchases as they are written. One that was bought with an invoice that is void is left out.

    A session uses the oldest purchase of its service that is valid on its day and has one left: sessions held, and
    missed ones that are charged for, unless they stand on an invoice of their own. More sessions than were bought are
    no mistake: they wait to be invoiced.
    """
    client = folder.client
    if not client.packages:
        return ()
    bought = [
        (n, purchase, expiry(shared, purchase))
        for n, purchase in enumerate(client.packages)
        if not (purchase.invoice and folder.invoices[purchase.invoice].void)
    ]
    used: dict[int, list[str]] = {n: [] for n, _, _ in bought}
    billed = billed_sessions(shared, folder)
    oldest_first = sorted(bought, key=lambda item: (item[1].bought, item[0]))
    for session in sorted(folder.sessions, key=lambda session: (session.start, session.id)):
        if session.id in billed or not outcome_of(shared, session, today):
            continue
        day = session_day(shared, session)
        for n, purchase, expires in oldest_first:
            valid = purchase.bought <= day and (expires is None or day <= expires)
            if purchase.service == session.service and valid and len(used[n]) < purchase.sessions:
                used[n].append(session.id)
                break
    return tuple(
        PackageUse(
            index=n,
            purchase=purchase,
            expires=expires,
            used=tuple(used[n]),
            state=_state(purchase, expires, len(used[n]), today),
            price=_price(shared, folder, purchase),
        )
        for n, purchase, expires in bought
    )


def covered_by_packages(shared: Shared, folder: ClientFolder, today: dt.date) -> frozenset[str]:
    """The sessions that a package pays for."""
    return frozenset(session for use in packages_of(shared, folder, today) for session in use.used)


def expiry(shared: Shared, purchase: PackagePurchase) -> dt.date | None:
    """The last day: as written, else so many months after the purchase as the service says for that many sessions."""
    offer = _offer(shared, purchase)
    if purchase.expires or offer is None or offer.valid_months is None:
        return purchase.expires
    return add_period(purchase.bought, Period(offer.valid_months, "m"))


def _offer(shared: Shared, purchase: PackagePurchase) -> Package | None:
    """The service's package that was bought: of that many sessions, at that price if there are several."""
    same = [p for p in shared.services[purchase.service].packages if p.sessions == purchase.sessions]
    return next((p for p in same if p.price == purchase.price), same[0] if same else None)


def _price(shared: Shared, folder: ClientFolder, purchase: PackagePurchase) -> Money | None:
    home = shared.site.practice.currency
    if purchase.price is not None:
        return Money(purchase.price, folder.client.currency or home)
    offer = _offer(shared, purchase)
    return Money(offer.price, shared.services[purchase.service].currency or home) if offer else None


def _state(purchase: PackagePurchase, expires: dt.date | None, used: int, today: dt.date) -> PackageState:
    if today < purchase.bought:
        return "coming"
    if used == purchase.sessions:
        return "used_up"
    return "expired" if expires and today > expires else "active"
