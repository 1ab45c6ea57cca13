"""Views of what the practice offers: prices, services, terms, policies, guides, colleagues."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from markupsafe import Markup

from portalgen.content.model import Shared
from portalgen.content.records.method import CURRENCIES, Method
from portalgen.content.records.offer import DatedPrice, PriceRange, Service, Terms
from portalgen.content.records.referral import Referral, ReferralAddress
from portalgen.content.scalars import Fee, Price
from portalgen.rules.lines import price_on
from portalgen.rules.money import Money, quantum, rounded
from portalgen.rules.ways import sorted_methods
from portalgen.site.practice import address_lines, tel
from portalgen.site.views import (
    CancellationView,
    DatedPriceView,
    FeeView,
    MethodView,
    PackageView,
    PageLink,
    PriceView,
    ReferralView,
    ServiceCard,
    TermsView,
)

NO_TEXT = Markup("")


class Offer:
    """Builds these views from the shared records, for one day."""

    def __init__(self, shared: Shared, today: dt.date, countries: Mapping[str, str]) -> None:
        self.shared, self.today, self.countries = shared, today, countries
        self._terms: dict[Terms, TermsView] = {}

    @property
    def services(self) -> list[Service]:
        """Services that may be shown, in their order."""
        shown = [service for service in self.shared.services.values() if not service.hidden]
        return sorted(shown, key=lambda service: (service.order, service.name, service.id))

    def card(self, service: Service) -> ServiceCard:
        """A service in a list."""
        formats = service.format if isinstance(service.format, tuple) else (service.format,) if service.format else ()
        return ServiceCard(
            name=service.name,
            address=f"services/{service.id}/",
            summary=service.summary or "",
            price=self.price(service, price_on(service, self.today)),
            minutes=service.duration_minutes,
            formats=formats,
            closed_to_new=service.closed_to_new,
        )

    def price(self, service: Service, price: Price | PriceRange) -> PriceView:
        """A price in the service's currency, with the tax that is added or inside."""
        practice = self.shared.site.practice
        currency = service.currency or practice.currency
        includes = practice.price_includes_tax if service.price_includes_tax is None else service.price_includes_tax
        rate = service.tax.rate if service.tax and service.tax.category in ("S", "AE", "L", "M") else None
        if isinstance(price, PriceRange):
            return PriceView(
                kind="range",
                unit=service.unit,
                low=money(price.from_, currency),
                high=money(price.to, currency),
                tax_rate=rate,
                includes_tax=includes,
            )
        if price.kind != "amount":
            return PriceView(kind=price.kind, unit=service.unit)
        return PriceView(
            kind="amount", unit=service.unit, low=money(price.amount, currency), tax_rate=rate, includes_tax=includes
        )

    def packages(self, service: Service) -> tuple[PackageView, ...]:
        """The service's packages."""
        currency = service.currency or self.shared.site.practice.currency
        return tuple(
            PackageView(sessions=p.sessions, price=money(p.price, currency), valid_months=p.valid_months)
            for p in service.packages
        )

    def coming_prices(self, service: Service) -> tuple[DatedPriceView, ...]:
        """Price changes that are still to come."""
        coming: list[DatedPrice] = sorted(
            (entry for entry in service.prices if entry.from_ > self.today), key=lambda entry: entry.from_
        )
        return tuple(DatedPriceView(start=entry.from_, price=self.price(service, entry.price)) for entry in coming)

    def fee(self, fee: Fee) -> FeeView:
        """A fee as a percentage or in the practice's currency."""
        if fee.kind == "amount":
            return FeeView(kind="amount", amount=money(fee.value, self.shared.site.practice.currency))
        return FeeView(kind=fee.kind, percent=fee.value if fee.kind == "percent" else None)

    def cancellation(self, policy_id: str | None) -> CancellationView | None:
        """The cancellation rule of a policy, if that policy has one."""
        policy = self.shared.policies.get(policy_id or "")
        if policy is None or policy.notice_hours is None or policy.fee is None:
            return None
        return CancellationView(
            policy=PageLink(title=policy.title, address=f"policies/{policy.id}/") if policy.public else None,
            notice_hours=policy.notice_hours,
            business_days=policy.count_business_days_only,
            fee=self.fee(policy.fee),
            no_show_fee=self.fee(policy.no_show_fee or policy.fee),
            late_minutes=policy.late_minutes,
            waivers_per_year=policy.waivers_per_year,
            exceptions=policy.exceptions,
        )

    def default_cancellation(self) -> str | None:
        """The id of the practice's cancellation policy."""
        return next((policy.id for policy in self.shared.policies.values() if policy.kind == "cancellation"), None)

    def terms(self, terms: Terms, text: Markup = NO_TEXT) -> TermsView:
        """Payment terms; `text` is their text as HTML. Many documents have the same ones."""
        if text:
            return self._terms_view(terms, text)
        if terms not in self._terms:
            self._terms[terms] = self._terms_view(terms, text)
        return self._terms[terms]

    def _terms_view(self, terms: Terms, text: Markup) -> TermsView:
        practice = self.shared.site.practice
        labels = {method.id: method.label for method in practice.methods if not method.for_clients}
        late, deposit = terms.late, terms.deposit
        fee = None
        if deposit and deposit.amount is not None:
            fee = FeeView(kind="amount", amount=money(deposit.amount, practice.currency))
        elif deposit:
            fee = FeeView(kind="percent", percent=deposit.percent)
        return TermsView(
            title=terms.title or terms.id,
            address=f"terms/{terms.id}/",
            due_kind=terms.due.kind,
            due_count=terms.due.count,
            due_weekday=terms.due.weekday,
            methods=tuple(labels[method] for method in terms.methods if method in labels),
            deposit=fee,
            early_percent=terms.early_discount.percent if terms.early_discount else None,
            early_days=terms.early_discount.days if terms.early_discount else 0,
            late_kind=late.kind,
            late_percent=late.value if late.kind in ("percent", "annual_interest") else None,
            late_amount=money(late.value or Decimal(0), practice.currency) if late.kind == "flat" else None,
            grace_days=late.grace_days,
            recovery_fee=money(late.recovery_fee, practice.currency) if late.recovery_fee else None,
            legal_mention=late.legal_mention or "",
            dispute_days=terms.disputes.notify_within_days if terms.disputes else None,
            dispute_contact=(terms.disputes.contact or "") if terms.disputes else "",
            text=text,
        )

    def methods(self) -> tuple[MethodView, ...]:
        """The ways to pay that are for everybody, in their order."""
        return tuple(
            method_view(method) for method in sorted_methods(self.shared.site.practice) if not method.for_clients
        )

    def referral(self, referral: Referral) -> ReferralView:
        """A colleague."""
        place = referral.address
        lines = (
            address_lines(place, self.shared.site.practice.country, self.countries)
            if isinstance(place, ReferralAddress)
            else (place,)
            if place
            else ()
        )
        return ReferralView(
            name=referral.name,
            profession=referral.profession or "",
            topics=referral.topics,
            phone=referral.phone or "",
            tel=tel(referral.phone),
            email=referral.email or "",
            address=lines,
            url=referral.url or "",
            languages=referral.languages,
        )


def method_view(method: Method) -> MethodView:
    """A method without an amount."""
    return MethodView(
        kind=method.kind,
        label=method.label,
        fee_note=method.fee_note or "",
        settles_in=method.settles_in or "",
        currencies=method.currencies or CURRENCIES.get(method.kind, ()),
    )


def money(amount: Decimal, currency: str) -> Money:
    """An amount with all decimals of its currency; a unit price with more keeps them."""
    if amount.same_quantum(quantum(currency)):
        return Money(amount, currency)
    even = rounded(amount, currency)
    return Money(even if even == amount else amount.normalize(), currency)
