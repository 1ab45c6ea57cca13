"""How accounts and names at payment services are written: their shapes and check digits (domain §6)."""

import re
import unicodedata

_CASHTAG = re.compile(r"\$?[A-Za-z0-9]{1,20}")
_PAYPAL = re.compile(r"[A-Za-z0-9]{1,20}")
_VENMO = re.compile(r"[A-Za-z0-9_-]{1,30}")
_VPA = re.compile(r"[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}")
_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
     "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L", "ı": "i", "’": "'", "‘": "'", "“": '"', "”": '"',
     "–": "-", "—": "-"}
)  # fmt: skip

EEA = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
))  # fmt: skip
"""Where an IBAN alone is enough for a SEPA transfer (EPC069-12: the BIC may be left out)."""


def plain(text: str) -> str:
    """The number without the spaces and hyphens that it is printed with."""
    return re.sub(r"[\s.-]", "", text).upper()


def ascii_text(text: str) -> str:
    """The text in ASCII as near as it goes, with single spaces: `São João` is `Sao Joao`. The rest is left out."""
    folded = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_LETTERS))
    return " ".join("".join(sign for sign in folded if sign.isascii() and sign.isprintable()).split())


def is_iban(text: str) -> bool:
    """Whether it is an IBAN of its country's length with right check digits (ISO 13616)."""
    from stdnum import iban

    return bool(iban.is_valid(text, check_country=False))  # a national list may not know a bank that is there


def is_swiss(text: str) -> bool:
    """Whether an IBAN is of Switzerland or Liechtenstein."""
    return plain(text)[:2] in ("CH", "LI")


def is_qr_iban(text: str) -> bool:
    """Whether a Swiss IBAN is a QR-IBAN: its institution is 30000 to 31999 (Swiss QR-bill guidelines)."""
    number = plain(text)
    return is_swiss(number) and number[4:9].isdigit() and 30000 <= int(number[4:9]) <= 31999


def is_bic(text: str) -> bool:
    """Whether it has the shape of a BIC (ISO 9362): 8 or 11 signs."""
    from stdnum import bic

    return bool(bic.is_valid(text))


def is_sort_code(text: str) -> bool:
    """Whether it is a British sort code: six digits."""
    return re.fullmatch(r"\d{6}", plain(text), re.ASCII) is not None


def is_routing_number(text: str) -> bool:
    """Whether it is an ABA routing number: nine digits, the last a check digit."""
    from stdnum.us import rtn

    return bool(rtn.is_valid(text))


def is_paypal_name(text: str) -> bool:
    """Whether it is a PayPal.Me name: letters and digits, at most 20."""
    return _PAYPAL.fullmatch(text) is not None


def is_venmo_name(text: str) -> bool:
    """Whether it is a Venmo user name, without `@`."""
    return _VENMO.fullmatch(text) is not None


def is_cashtag(text: str) -> bool:
    """Whether it is a $cashtag, with or without `$`."""
    return _CASHTAG.fullmatch(text) is not None


def is_email_or_phone(text: str) -> bool:
    """Whether it is an e-mail address, or a phone number of at least seven digits."""
    phone = re.fullmatch(r"\+?[\d\s()./-]+", text, re.ASCII) and len(re.sub(r"\D", "", text)) >= 7
    return bool(phone) or _EMAIL.fullmatch(text) is not None


def is_vpa(text: str) -> bool:
    """Whether it has the shape of a UPI address: `name@bank`."""
    return _VPA.fullmatch(text) is not None


def pix_key(text: str) -> str:
    """The PIX key as the central bank's directory keeps it, empty when it is none of the five kinds.

    CPF and CNPJ are bare digits (a new CNPJ may have letters), a phone is `+55…`, an e-mail address and a random key
    are in lower case.
    """
    from stdnum.br import cnpj, cpf

    lower = text.strip().lower()
    if _UUID.fullmatch(lower):
        return lower
    if "@" in lower:
        return lower if _EMAIL.fullmatch(lower) and len(lower) <= 77 else ""
    if lower.startswith("+"):
        phone = "+" + re.sub(r"[\s().-]", "", lower[1:])
        return phone if re.fullmatch(r"\+[1-9]\d{7,14}", phone, re.ASCII) else ""
    if cpf.is_valid(text):
        return str(cpf.compact(text))
    return str(cnpj.compact(text)).upper() if cnpj.is_valid(text) else ""
