"""From the lines as written to priced lines: where price, words and tax come from (domain §3 line, §4.5, §4.6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.base import KeyPath
from portalgen.content.records.client import Session
from portalgen.content.records.documents import Line, Reduction, Surcharge
from portalgen.content.records.offer import PriceRange, Service, Tax
from portalgen.content.records.prepaid import Charge
from portalgen.content.scalars import Price
from portalgen.rules.money import CONTEXT, ZERO, fits, rounded
from portalgen.rules.totals import HUNDRED, PricedCharge, PricedLine, TaxKey

MIXED = (
    "what is outside the scope of tax (O) may not stand beside other categories",
    "write category Z or E, or put it on an invoice of its own",
)


class Source(msgspec.Struct, frozen=True):
    """The document that the lines stand in: where its file is, its currency and the day its prices are read for."""

    path: str
    currency: str
    day: dt.date | None


class Priced(msgspec.Struct, frozen=True):
    """The lines of one document, settled, and whether their prices include tax."""

    lines: tuple[PricedLine, ...]
    includes_tax: bool


def price_on(service: Service, day: dt.date | None) -> Price | PriceRange:
    """The service's price on a day: of `prices`, the latest that began by then, else `price`."""
    begun = [entry for entry in service.prices if day and entry.from_ <= day]
    return max(begun, key=lambda entry: entry.from_).price if begun else service.price


def local_date(moment: dt.datetime, timezone: str) -> dt.date:
    """The calendar day of a moment in a zone."""
    return moment.astimezone(ZoneInfo(timezone)).date()


class LineReader:
    """Settles the lines of one client's documents and keeps what is wrong with them."""

    def __init__(self, shared: Shared, folder: ClientFolder) -> None:
        self.shared, self.folder = shared, folder
        self.findings: list[Finding] = []
        self._sessions = {session.id: session for session in folder.sessions}
        self._charges = {charge.id: charge for charge in folder.client.charges if charge.id}

    def read(self, lines: Sequence[Line], source: Source) -> Priced:
        """The lines settled; problems are added to `findings`."""
        practice = self.shared.site.practice
        priced = []
        including: list[tuple[int, bool]] = []
        for n, line in enumerate(lines):
            settled, includes = self._line(line, source, ("lines", n))
            priced.append(settled)
            including.append((n, includes))
        modes = {includes for _, includes in including}
        if len(modes) > 1:
            odd = next(n for n, includes in including if includes != practice.price_includes_tax)
            self._find(
                source.path,
                ("lines", odd),
                "mixed-prices",
                "prices with and without tax stand on one invoice",
                "write unit_price: on this line, or put it on an invoice of its own",
            )
        self._mixed_categories(priced, source)
        return Priced(tuple(priced), modes == {True})

    def charges(
        self, charges: Sequence[Surcharge], lines: Sequence[PricedLine], source: Source
    ) -> tuple[PricedCharge, ...]:
        """The charges on the whole document. Without a tax of its own a charge takes the lines' only one."""
        keys = list(dict.fromkeys(line.tax for line in lines))
        settled = []
        for n, charge in enumerate(charges):
            at: KeyPath = ("charges", n)
            self.check_amount(charge.amount, source, (*at, "amount"))
            if charge.tax:
                key, why = self._key(charge.tax, source.path, (*at, "tax"))
            elif len(keys) == 1:
                key, why = keys[0], lines[0].tax_reason
            else:
                key, why = TaxKey("O", ZERO), ""
                self._find(
                    source.path,
                    at,
                    "missing-tax",
                    "the lines have several tax rates, so this charge needs its own",
                    "add tax: {category: S, rate: …} to the charge",
                )
            settled.append(PricedCharge(amount=charge.amount, reason=charge.reason, tax=key, tax_reason=why))
        if any((charge.tax.category == "O") != (keys[0].category == "O") for charge in settled if keys):
            self._find(source.path, ("charges",), "mixed-tax", *MIXED)
        return tuple(settled)

    def check_amount(self, amount: Decimal | None, source: Source, at: KeyPath) -> None:
        """An amount may not have more decimals than its currency."""
        if amount is not None and not fits(amount, source.currency):
            self._find(
                source.path,
                at,
                "bad-amount",
                f"{amount} has more decimals than {source.currency} knows",
                f"write {rounded(amount, source.currency)}",
            )

    def starts(self, lines: Sequence[Line]) -> list[dt.datetime]:
        """When the sessions begin that the lines name."""
        return [self._sessions[line.session].start for line in lines if line.session]

    def _line(self, line: Line, source: Source, at: KeyPath) -> tuple[PricedLine, bool]:
        practice = self.shared.site.practice
        session = self._sessions.get(line.session or "")
        charge = self._charges.get(line.charge or "")
        service = self.shared.services.get(line.service or (session.service if session else ""))
        day = line.date or (
            local_date(session.start, practice.timezone) if session else charge.date if charge else None
        )
        if line.unit_price is not None:
            price, includes = line.unit_price, practice.price_includes_tax
        else:
            price, includes = self._price(service, session, charge, source, day, at)
        discount, percent = self._discount(line.discount, line.quantity, price, source, at)
        tax = line.tax or (charge.tax if charge else None) or (service.tax if service else None)
        key, why = self._key(tax, source.path, (*at, "tax") if line.tax else at)
        words = line.description or (charge.description if charge else "") or service_words(service)
        return PricedLine(
            description=words,
            quantity=line.quantity,
            unit_price=price,
            unit=line.unit or (service.unit if service else "session" if session else "item"),
            tax=key,
            tax_reason=why,
            discount=discount,
            discount_percent=percent,
            discount_reason=(line.discount.reason or "") if line.discount else "",
            date=day,
            period=(line.period.from_, line.period.to) if line.period else None,
        ), includes

    def _price(
        self,
        service: Service | None,
        session: Session | None,
        charge: Charge | None,
        source: Source,
        day: dt.date | None,
        at: KeyPath,
    ) -> tuple[Decimal, bool]:
        practice = self.shared.site.practice
        if charge:
            self.check_amount(charge.amount, source, (*at, "charge"))
            if charge.waived:
                self._find(
                    source.path,
                    (*at, "charge"),
                    "waived",
                    f"the charge '{charge.id}' was waived",
                    "take this line away, or 'waived' off the charge",
                )
            self._same_currency(f"the charge '{charge.id}'", self._own_currency, source, at)
            return charge.amount, practice.price_includes_tax
        includes = practice.price_includes_tax
        if service and service.price_includes_tax is not None:
            includes = service.price_includes_tax
        if session and session.fee is not None:
            self._same_currency(f"the fee of '{session.id}'", self._own_currency, source, at)
            return session.fee, practice.price_includes_tax
        if service and service.id in self.folder.client.rates:
            price: Price | PriceRange = self.folder.client.rates[service.id]
            self._same_currency(f"the rate for '{service.id}'", self._own_currency, source, at)
        elif service:
            price = price_on(service, day or source.day)
            if isinstance(price, Price) and price.kind == "amount":
                own = service.currency or practice.currency
                self._same_currency(f"the price of '{service.id}'", own, source, at)
        else:
            return ZERO, includes
        if isinstance(price, Price) and price.kind in ("amount", "free"):
            return price.amount, includes
        self._find(
            source.path,
            at,
            "no-price",
            f"'{service.id}' has no fixed price",
            "write unit_price: on this line, or a rate for it in client.yaml",
        )
        return ZERO, includes

    @property
    def _own_currency(self) -> str:
        """What the client's rates, fees and charges are in."""
        return self.folder.client.currency or self.shared.site.practice.currency

    def _same_currency(self, what: str, currency: str, source: Source, at: KeyPath) -> None:
        if currency != source.currency:
            message = f"{what} is in {currency}, this document is in {source.currency}"
            self._find(source.path, at, "other-currency", message, "write unit_price: on this line")

    def _discount(
        self, discount: Reduction | None, quantity: Decimal, price: Decimal, source: Source, at: KeyPath
    ) -> tuple[Decimal, Decimal | None]:
        if discount is None:
            return ZERO, None
        full = CONTEXT.multiply(quantity, price)
        if discount.percent is not None:
            return CONTEXT.divide(CONTEXT.multiply(full, discount.percent), HUNDRED), discount.percent
        amount = discount.amount or ZERO
        self.check_amount(amount, source, (*at, "discount", "amount"))
        if amount > full:
            self._find(
                source.path,
                (*at, "discount", "amount"),
                "too-much",
                f"this discount of {amount} is more than the line's {full.normalize():f}",
                "write at most the line's amount",
            )
            amount = full
        return amount, None

    def _key(self, tax: Tax | None, path: str, at: KeyPath) -> tuple[TaxKey, str]:
        """The tax group, and why nothing is charged."""
        practice = self.shared.site.practice
        exempt = practice.tax.exempt_reason or ""
        if tax is None:
            if practice.tax.status == "none":
                return TaxKey("O", ZERO), ""
            if practice.tax.status == "exempt":
                return TaxKey("E", ZERO), exempt
            self._find(
                path,
                at,
                "missing-tax",
                "a practice that charges tax must say the tax of this line",
                "add tax: {category: S, rate: …} to the line or to its service",
            )
            return TaxKey("O", ZERO), ""
        reason = tax.reason or (exempt if tax.category == "E" else "")
        if tax.category in ("E", "AE") and not reason:
            self._find(
                path,
                at,
                "missing-tax-reason",
                f"the tax category {tax.category} needs a reason",
                "add reason: with the rule that exempts this line",
            )
        if tax.category == "AE":
            company = self.folder.client.company
            if not practice.tax.vat_id or not (company and company.vat_id):
                self._find(
                    path,
                    at,
                    "missing-vat-id",
                    "reverse charge needs the VAT ids of both sides",
                    "add practice.tax.vat_id, and company: {vat_id: …} in client.yaml",
                )
        return TaxKey(tax.category, tax.rate or ZERO), reason

    def _mixed_categories(self, lines: Sequence[PricedLine], source: Source) -> None:
        categories = [line.tax.category for line in lines]
        if "O" in categories and any(category != "O" for category in categories):
            n = next(n for n, category in enumerate(categories) if category == "O")
            if not any(
                (finding.path, finding.at, finding.code) == (source.path, ("lines", n), "missing-tax")
                for finding in self.findings
            ):
                self._find(
                    source.path,
                    ("lines", n),
                    "mixed-tax",
                    *MIXED,
                )

    def _find(self, path: str, at: KeyPath, code: str, message: str, hint: str) -> None:
        self.findings.append(Finding(path=path, at=at, code=code, message=message, hint=hint))


def service_words(service: Service | None) -> str:
    """What documents call a service: neutral words where it has some."""
    return (service.public_description or service.name) if service else ""


def billed_twice(folder: ClientFolder) -> Iterator[Finding]:
    """Sessions and charges that stand on two invoices, or twice on one: perhaps meant, mostly not."""
    seen: dict[tuple[str, str], str] = {}
    for invoice in folder.invoices.values():
        for n, line in enumerate(invoice.lines if not invoice.void else ()):
            if not (line.session or line.charge):
                continue
            for kind, key in (("session", line.session), ("charge", line.charge)):
                if key and (kind, key) in seen:
                    yield Finding(
                        path=invoice.path,
                        at=("lines", n, kind),
                        code="billed-twice",
                        severity="warning",
                        message=f"the {kind} '{key}' is already on the invoice '{seen[kind, key]}'",
                        hint="take it off one of them",
                    )
                elif key:
                    seen[kind, key] = invoice.id
