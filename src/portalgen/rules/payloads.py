"""The exact texts of payment codes: EPC, Swiss QR-bill, PIX, UPI and SPAYD (domain §6).

Each function gives an empty text where the standard has no code for what is asked, and never a code that is wrong.
Amounts have all decimals of their currency. Names that are too long are cut.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from urllib.parse import quote

from portalgen.content.records import payees
from portalgen.rules.money import Money
from portalgen.rules.parties import Party

EPC_BYTES = 331
SWISS_BYTES = 997
_MOST = Decimal("999999999.99")
_SWISS_LETTERS = re.compile(r"[\u0020-\u007e\u00a0-\u017f\u0218-\u021b\u20ac]")
_HOUSE = re.compile(r"(.*\D)[ ,]+(\d+ ?[A-Za-z]?(?:[-/]\d+ ?[A-Za-z]?)?)")


def epc(*, name: str, iban: str, bic: str, amount: Money, reference: str, text: str) -> str:
    """The SEPA credit transfer code (EPC069-12, version 002, UTF-8). Either `reference` (ISO 11649) or `text` is empty.

    The empty lines for purpose and reference stay, so that the text stands in line 11.
    """
    number = payees.plain(iban)
    if amount.currency != "EUR" or not Decimal("0.01") <= amount.amount <= _MOST:
        return ""
    if not bic and number[:2] not in payees.EEA:
        return ""
    lines = ["BCD", "002", "1", "SCT", payees.plain(bic), "", number, f"EUR{amount.amount:.2f}", "", reference]
    if text:
        lines.append(_line(text, 140))
    room = EPC_BYTES - len("\n".join(lines).encode())
    lines[5] = _within(_line(name, 70), room)
    return "\n".join(lines) if lines[5] else ""


def swiss(*, creditor: Party, iban: str, amount: Money, reference: str, message: str, debtor: Party | None) -> str:
    """The Swiss QR Code (QR-bill guidelines 2.3, version 0200) with structured addresses.

    `reference` is a QR reference with a QR-IBAN, else an ISO 11649 reference or empty. A debtor whose address is not
    complete is left out, as the guidelines allow.
    """
    if amount.currency not in ("CHF", "EUR") or not Decimal("0.01") <= amount.amount <= _MOST:
        return ""
    payee = _structured(creditor)
    if not all((payee[1], payee[4], payee[5], payee[6])):
        return ""
    kind = "QRR" if payees.is_qr_iban(iban) else "SCOR" if reference else "NON"
    payer = _structured(debtor) if debtor else [""] * 7
    if not all((payer[1], payer[4], payer[5], payer[6])):
        payer = [""] * 7

    def text(payer: list[str]) -> str:
        lines = ["SPC", "0200", "1", payees.plain(iban), *payee, *[""] * 7, f"{amount.amount:.2f}", amount.currency]
        return "\n".join([*lines, *payer, kind, reference, _latin(message, 140), "EPD"])

    whole = text(payer)
    return whole if len(whole.encode()) <= SWISS_BYTES else text([""] * 7)


def pix(*, key: str, name: str, city: str, amount: Money, reference: str) -> str:
    """The static PIX code (BR Code, EMV merchant-presented): `reference` is its txid, at most 25 letters and digits."""
    payee, town = (payees.ascii_text(text)[:length].strip() for text, length in ((name, 25), (city, 15)))
    account = payees.pix_key(key)
    digits = f"{amount.amount:.2f}"
    if amount.currency != "BRL" or amount.amount <= 0 or not (account and payee and town) or len(digits) > 13:
        return ""
    text = "".join((
        _tlv("00", "01"),
        _tlv("26", _tlv("00", "BR.GOV.BCB.PIX") + _tlv("01", account)),
        _tlv("52", "0000"),
        _tlv("53", "986"),
        _tlv("54", digits),
        _tlv("58", "BR"),
        _tlv("59", payee),
        _tlv("60", town),
        _tlv("62", _tlv("05", reference[-25:] or "***")),
        "6304",
    ))  # fmt: skip
    return f"{text}{crc16(text.encode('ascii')):04X}"


def upi(*, vpa: str, name: str, amount: Money, note: str, reference: str) -> str:
    """The UPI link, which is also its code (NPCI linking specification 1.6)."""
    if amount.currency != "INR" or amount.amount <= 0:
        return ""
    fields = {
        "pa": vpa,
        "pn": payees.ascii_text(name) or " ".join(name.split()),
        "am": f"{amount.amount:.2f}",
        "cu": "INR",
        "tn": note[-50:],
        "tr": reference[-35:],
    }
    return "upi://pay?" + "&".join(f"{key}={quote(text, safe='@')}" for key, text in fields.items())


def spayd(*, iban: str, bic: str, name: str, amount: Money, symbol: str, message: str) -> str:
    """The Short Payment Descriptor 1.0 of the Czech banks: `symbol` is the variable symbol, at most ten digits."""
    digits = f"{amount.amount:.2f}"
    if amount.currency not in ("CZK", "EUR") or amount.amount <= 0 or len(digits) > 10:
        return ""
    account = payees.plain(iban) + (f"+{payees.plain(bic)}" if bic else "")
    payee = payees.ascii_text(name).upper().replace("*", " ")[:35].strip()
    fields = {"ACC": account, "AM": digits, "CC": amount.currency, "RN": payee, "X-VS": symbol, "MSG": message[:60]}
    return "*".join(["SPD*1.0", *(f"{key}:{text}" for key, text in fields.items() if text)])


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, begun with 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
        value &= 0xFFFF
    return value


def _tlv(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}"


def _line(text: str, length: int) -> str:
    """The text on one line, without control characters, at most so long."""
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
    return " ".join(kept.split())[:length].rstrip()


def _within(text: str, size: int) -> str:
    """As much of the text as fits into so many bytes of UTF-8."""
    return text.encode()[: max(size, 0)].decode(errors="ignore").rstrip()


def _latin(text: str, length: int) -> str:
    """The text in the letters that a QR-bill may have; others give way to their nearest, or to nothing."""
    line = _line(unicodedata.normalize("NFC", text), 1000)
    kept = "".join(sign if _SWISS_LETTERS.fullmatch(sign) else payees.ascii_text(sign) for sign in line)
    return " ".join(kept.split())[:length].rstrip()


def _structured(party: Party) -> list[str]:
    """Name and address as seven lines: `S`, name, street, house number, postcode, town, country."""
    place = party.address
    parted = _HOUSE.fullmatch(place.line1.strip())
    street, house = (parted[1].rstrip(" ,"), parted[2]) if parted else (place.line1, "")
    limits = ((party.name, 70), (street, 70), (house, 16), (place.postcode, 16), (place.city, 35), (place.country, 2))
    return ["S", *(_latin(text, length) for text, length in limits)]
