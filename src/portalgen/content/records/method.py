"""A way to pay, as site.yaml writes it (domain §3, §6), and what can be seen to be wrong with it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from portalgen.content.records import payees
from portalgen.content.records.base import CLIENT, PRIVATE, Audience, Flaw, Record, Ref
from portalgen.content.scalars import Country, Currency, Flag, Id, PositiveAmount, Text, UrlPattern, Whole

MethodKind = Literal[
    "bank_sepa", "bank_us", "bank_uk", "bank_generic", "swiss_qr", "paypal_me", "venmo", "cash_app", "stripe_link",
    "upi", "pix", "spayd", "wise", "zelle", "interac", "cash", "cheque", "card_in_person", "url",
]  # fmt: skip
NEEDS: Mapping[str, tuple[str, ...]] = {
    "bank_sepa": ("iban",),
    "swiss_qr": ("iban",),
    "paypal_me": ("handle",),
    "venmo": ("handle",),
    "cash_app": ("handle",),
    "upi": ("vpa",),
    "pix": ("key", "city"),
    "spayd": ("iban",),
    "url": ("url",),
}
_IBAN = ("iban", "bic", "bank_name")
_LINK = ("url", "params")
OWN: Mapping[str, tuple[str, ...]] = {
    "bank_sepa": _IBAN,
    "swiss_qr": _IBAN,
    "spayd": _IBAN,
    "bank_us": ("routing", "account", "bic", "bank_name"),
    "bank_uk": ("sort_code", "account", *_IBAN),
    "bank_generic": ("sort_code", "routing", "account", *_IBAN),
    "paypal_me": ("handle",),
    "venmo": ("handle",),
    "cash_app": ("handle",),
    "zelle": ("handle",),
    "interac": ("handle",),
    "upi": ("vpa",),
    "pix": ("key", "city"),
    "stripe_link": _LINK,
    "wise": _LINK,
    "url": _LINK,
    "cash": (),
    "cheque": (),
    "card_in_person": (),
}
"""The fields that only some kinds read."""

PAYPAL = (
    "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN", "NZD", "TWD", "NOK",
    "PHP", "PLN", "GBP", "RUB", "SGD", "SEK", "CHF", "THB", "USD",
)  # fmt: skip
"""What PayPal knows. Any other code silently becomes another currency with the same number."""

CURRENCIES: Mapping[str, tuple[str, ...]] = {
    "venmo": ("USD",),
    "cash_app": ("USD",),
    "zelle": ("USD",),
    "bank_us": ("USD",),
    "bank_sepa": ("EUR",),
    "bank_uk": ("GBP",),
    "swiss_qr": ("CHF", "EUR"),
    "upi": ("INR",),
    "pix": ("BRL",),
    "interac": ("CAD",),
    "spayd": ("CZK", "EUR"),
}
"""The only currencies that a kind can take; a kind that is not named takes any (PayPal: see `PAYPAL`)."""

STRIPE_LINKS = "buy.stripe.com"


class Method(Record, frozen=True, kw_only=True):
    """A way to pay (domain §6). Its own fields depend on its kind."""

    audience: ClassVar[Audience] = "public"
    id: Id
    kind: MethodKind
    label: Text
    iban: Annotated[Text, CLIENT] | None = None
    bic: Text | None = None
    sort_code: Annotated[Text, CLIENT] | None = None
    routing: Annotated[Text, CLIENT] | None = None
    account: Annotated[Text, CLIENT] | None = None
    bank_name: Text | None = None
    handle: Text | None = None
    vpa: Text | None = None
    key: Text | None = None
    city: Text | None = None
    url: UrlPattern | None = None
    params: dict[str, Text] = msgspec.field(default_factory=dict)
    account_name: Text | None = None
    instructions: Text | None = None
    reference: Literal["number", "rf", "ogm"] = "number"
    currencies: tuple[Currency, ...] = ()
    countries: tuple[Country, ...] = ()
    min: PositiveAmount | None = None
    max: PositiveAmount | None = None
    fee_note: Text | None = None
    settles_in: Text | None = None
    order: Annotated[int, Whole(0, 9999)] = 10
    for_clients: Annotated[tuple[Annotated[Id, Ref("client")], ...], PRIVATE] = ()
    qr: Flag = True

    @property
    def takes(self) -> tuple[str, ...]:
        """The currencies it can take; empty means any."""
        return self.currencies or CURRENCIES.get(self.kind) or (PAYPAL if self.kind == "paypal_me" else ())

    def flaws(self) -> Iterator[Flaw]:
        for key in NEEDS.get(self.kind, ()):
            if getattr(self, key) is None:
                yield Flaw((), "missing-key", f"a method of the kind {self.kind} needs '{key}'", f"add {key}:")
        own = OWN[self.kind]
        for key in sorted({key for keys in OWN.values() for key in keys} - set(own)):
            if getattr(self, key):
                hint = f"take it out, or use another kind; {self.kind} reads {' and '.join(own) or 'only instructions'}"
                message = f"a method of the kind {self.kind} does not use '{key}'"
                yield Flaw((key,), "unused-key", message, hint, "warning")
        yield from self._account_flaws()
        yield from self._name_flaws()
        yield from self._link_flaws()
        yield from self._limit_flaws()

    def _account_flaws(self) -> Iterator[Flaw]:
        if self.iban and not payees.is_iban(self.iban):
            yield Flaw(
                ("iban",),
                "bad-value",
                f"'{self.iban}' is not an IBAN",
                "check it against your bank card; two of its digits are check digits",
            )
        elif self.iban:
            yield from self._iban_flaws(payees.plain(self.iban))
        if self.bic and not payees.is_bic(self.bic):
            yield Flaw(
                ("bic",), "bad-value", f"'{self.bic}' is not a BIC", "write its 8 or 11 signs, for example AIBKIE2D"
            )
        if self.sort_code and not payees.is_sort_code(self.sort_code):
            yield Flaw(
                ("sort_code",),
                "bad-value",
                f"'{self.sort_code}' is not a sort code",
                "write its six digits, for example 60-16-13",
            )
        if self.routing and self.kind == "bank_us" and not payees.is_routing_number(self.routing):
            yield Flaw(
                ("routing",),
                "bad-value",
                f"'{self.routing}' is not a routing number",
                "write the nine digits at the bottom left of your cheque; the last is a check digit",
            )
        digits = {"bank_uk": (8, 8), "bank_us": (4, 17)}.get(self.kind)
        if self.account and digits and not re.fullmatch(rf"\d{{{digits[0]},{digits[1]}}}", payees.plain(self.account)):
            hint = "write all eight digits, with zeros in front" if self.kind == "bank_uk" else "write 4 to 17 digits"
            yield Flaw(("account",), "bad-value", f"'{self.account}' is not an account number there", hint)
        partner = {"bank_uk": "sort_code", "bank_us": "routing"}.get(self.kind)
        if partner and bool(self.account) != bool(getattr(self, partner)):
            missing = partner if self.account else "account"
            yield Flaw(
                (), "missing-key", f"'account' and '{partner}' are of use only together", f"add {missing}: as well"
            )

    def _iban_flaws(self, iban: str) -> Iterator[Flaw]:
        at = ("iban",)
        if self.kind == "swiss_qr" and not payees.is_swiss(iban):
            yield Flaw(
                at,
                "bad-value",
                "a QR-bill takes an account in Switzerland or Liechtenstein only",
                "write an IBAN that begins with CH or LI, or use kind: bank_sepa",
            )
        if payees.is_qr_iban(iban) and self.kind != "swiss_qr":
            yield Flaw(
                at,
                "bad-value",
                "this is a QR-IBAN, which takes nothing but QR-bills",
                "write the IBAN of the account, or use kind: swiss_qr",
            )
        if self.kind == "bank_sepa" and not self.bic and iban[:2] not in payees.EEA:
            yield Flaw(
                at,
                "no-qr-code",
                f"an account in {iban[:2]} needs 'bic' for the QR code, which is left out",
                "add bic:, or write qr: false",
                "warning",
            )

    def _name_flaws(self) -> Iterator[Flaw]:
        if self.handle and (wrong := self._wrong_handle(self.handle)):
            yield Flaw(("handle",), "bad-value", *wrong)
        if self.vpa and not payees.is_vpa(self.vpa):
            yield Flaw(("vpa",), "bad-value", f"'{self.vpa}' is not a UPI address", "write it like name@bank")
        if self.key and not payees.pix_key(self.key):
            yield Flaw(
                ("key",),
                "bad-value",
                f"'{self.key}' is not a PIX key",
                "write your CPF or CNPJ, your e-mail address, your phone like +5511912345678, or the random key",
            )
        if self.city and not re.search(r"[A-Za-z]", payees.ascii_text(self.city)):
            yield Flaw(("city",), "bad-value", f"'{self.city}' cannot be written for PIX", "write it in Latin letters")

    def _wrong_handle(self, handle: str) -> tuple[str, str] | None:
        """What is wrong with the name at the service, and what to write instead."""
        match self.kind:
            case "paypal_me" if not payees.is_paypal_name(handle):
                return f"'{handle}' is not a PayPal.Me name", "write the name only: letters and digits, at most 20"
            case "venmo" if handle.startswith("@"):
                return "a Venmo name is written without @", f"write {handle.lstrip('@')}"
            case "venmo" if not payees.is_venmo_name(handle):
                return f"'{handle}' is not a Venmo name", "write the name only: letters, digits, - and _, at most 30"
            case "cash_app" if not payees.is_cashtag(handle):
                hint = "write the name only: letters and digits, at most 20, with or without $"
                return f"'{handle}' is not a $cashtag", hint
            case "zelle" | "interac" if not payees.is_email_or_phone(handle):
                hint = "write the one that your bank knows for this"
                return f"'{handle}' is neither an e-mail address nor a phone number", hint
        return None

    def _link_flaws(self) -> Iterator[Flaw]:
        host = urlsplit(self.url).hostname or "" if self.url else ""
        if self.kind == "stripe_link" and host and host != STRIPE_LINKS:
            message, hint = f"'{host}' is not where payment links are", f"write one like https://{STRIPE_LINKS}/…"
            if f".{host}".endswith(".stripe.com"):
                yield Flaw(("url",), "bad-value", message, f"{hint}; a link to one invoice belongs into its pay_links")
            else:
                yield Flaw(("url",), "other-service", message, f"{hint}, unless this is your own domain", "warning")
        known = "{amount}, {currency}, {reference} or {email}"
        for key, text in self.params.items():
            for found in re.findall(r"\{[^{}]*\}", text):
                if found not in ("{amount}", "{currency}", "{reference}", "{email}"):
                    yield Flaw(("params", key), "bad-value", f"nothing fills in '{found}'", f"write {known}")

    def _limit_flaws(self) -> Iterator[Flaw]:
        if self.min is not None and self.max is not None and self.max < self.min:
            yield Flaw(
                ("max",), "bad-order", "this method's 'max' is below its 'min'", "write a larger amount in 'max'"
            )
        possible = CURRENCIES.get(self.kind) or (PAYPAL if self.kind == "paypal_me" else ())
        for n, currency in enumerate(self.currencies):
            if possible and currency not in possible:
                hint = f"write {' or '.join(possible)}" if len(possible) < 3 else "take it out, or use another kind"
                yield Flaw(
                    ("currencies", n), "bad-value", f"a method of the kind {self.kind} cannot take {currency}", hint
                )
        if self.reference == "ogm" and self.kind not in ("bank_sepa", "bank_generic"):
            yield Flaw(
                ("reference",),
                "bad-value",
                f"a method of the kind {self.kind} takes no Belgian reference",
                "write number or rf",
            )
        elif self.reference == "rf" and self.iban and payees.is_qr_iban(self.iban):
            yield Flaw(
                ("reference",),
                "bad-value",
                "a QR-IBAN takes the QR reference only, which is made from the number",
                "take this out, or write the IBAN of the account",
            )
