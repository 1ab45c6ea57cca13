"""Payment codes read back, each line and field by its standard, by other code than ours wrote them with."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from stdnum import iban, iso11649
from stdnum.ch import esr


class Asked(NamedTuple):
    """What a banking app shows after it has read a code."""

    payee: str
    account: str
    amount: Decimal
    currency: str
    reference: str
    message: str = ""


def read_code(text: str) -> Asked:
    """Read a code of any of the standards. Raises `AssertionError` where it breaks its standard."""
    if text.startswith("BCD"):
        return read_epc(text)
    if text.startswith("SPC"):
        return read_swiss(text).asked
    if text.startswith("upi:"):
        return read_upi(text)
    return read_spayd(text) if text.startswith("SPD") else read_pix(text)


def read_epc(text: str) -> Asked:
    """EPC069-12 version 2.1 §3.3: twelve lines, of which empty ones at the end may be left out."""
    assert len(text.encode("utf-8")) <= 331
    lines = text.split("\n")
    assert 10 <= len(lines) <= 12
    tag, version, charset, kind, bic, name, account, amount, purpose, reference, message, _ = [*lines, "", ""][:12]
    assert (tag, version, charset, kind, purpose) == ("BCD", "002", "1", "SCT", "")
    assert re.fullmatch(r"([A-Z0-9]{8}|[A-Z0-9]{11})?", bic)
    assert 1 <= len(name) <= 70
    assert iban.is_valid(account)
    assert account.isalnum()
    assert re.fullmatch(r"EUR\d{1,9}\.\d\d", amount)
    assert bool(reference) != bool(message), "structured or unstructured, never both"
    assert len(message) <= 140
    assert not reference or iso11649.is_valid(reference)
    return Asked(name, account, Decimal(amount[3:]), "EUR", reference or message)


class Swiss(NamedTuple):
    """A Swiss QR Code: what it asks for, the kind of its reference, and its two addresses of seven lines."""

    asked: Asked
    kind: str
    creditor: list[str]
    debtor: list[str]


def read_swiss(text: str) -> Swiss:
    """Swiss Implementation Guidelines QR-bill 2.3 §4.2.2: 31 lines."""
    assert len(text) <= 997
    assert re.fullmatch(r"[\n\x20-\x7e\xa0-\u017f\u0218-\u021b\u20ac]*", text)
    lines = text.split("\n")
    assert len(lines) == 31
    assert lines[:3] == ["SPC", "0200", "1"]
    account, creditor, ultimate, amount, currency = lines[3], lines[4:11], lines[11:18], lines[18], lines[19]
    debtor, kind, reference, message, end = lines[20:27], *lines[27:31]
    assert iban.is_valid(account)
    assert re.fullmatch(r"(CH|LI)\d{2}\d{5}[A-Z0-9]{12}", account)
    assert ultimate == [""] * 7, "for future use"
    assert re.fullmatch(r"\d{1,9}\.\d\d", amount)
    assert currency in ("CHF", "EUR")
    for place in (creditor, debtor) if any(debtor) else (creditor,):
        assert place[0] == "S"
        assert all(place[n] for n in (1, 4, 5, 6))
        assert [len(part) <= most for part, most in zip(place[1:], (70, 70, 16, 16, 35, 2), strict=True)] == [True] * 6
    assert kind in ("QRR", "SCOR", "NON")
    assert (kind == "QRR") == ("30000" <= account[4:9] <= "31999")
    if kind == "QRR":
        assert re.fullmatch(r"\d{27}", reference)
        assert esr.is_valid(reference)
    else:
        assert (kind == "SCOR") == iso11649.is_valid(reference)
        assert (kind == "NON") == (not reference)
    assert len(message) <= 140
    assert end == "EPD"
    return Swiss(Asked(creditor[1], account, Decimal(amount), currency, reference, message), kind, creditor, debtor)


def fields_of(text: str) -> dict[str, str]:
    """EMV tag, length, value."""
    found = {}
    while text:
        tag, size, text = text[:2], int(text[2:4]), text[4:]
        assert tag not in found
        assert len(text) >= size
        found[tag], text = text[:size], text[size:]
    return found


def crc(data: bytes) -> int:
    """CRC-16/CCITT-FALSE by long division of polynomials, for data of at least two bytes."""
    value = int.from_bytes(bytes((data[0] ^ 0xFF, data[1] ^ 0xFF)) + data[2:], "big") << 16
    while (excess := value.bit_length() - 17) >= 0:
        value ^= 0x11021 << excess
    return value


def read_pix(text: str) -> Asked:
    """Manual do BR Code: EMV fields in order, the checksum at the end."""
    assert text.isascii()
    found = fields_of(text)
    assert list(found) == ["00", "26", "52", "53", "54", "58", "59", "60", "62", "63"]
    assert [found[tag] for tag in ("00", "52", "53", "58")] == ["01", "0000", "986", "BR"]
    account = fields_of(found["26"])
    assert list(account) == ["00", "01"]
    assert account["00"] == "BR.GOV.BCB.PIX"
    assert re.fullmatch(r"\d{1,10}\.\d\d", found["54"])
    assert 1 <= len(found["59"]) <= 25
    assert 1 <= len(found["60"]) <= 15
    more = fields_of(found["62"])
    assert re.fullmatch(r"[A-Za-z0-9]{1,25}|\*\*\*", more["05"])
    assert found["63"] == f"{crc(text[:-4].encode()):04X}"
    return Asked(found["59"], account["01"], Decimal(found["54"]), "BRL", more["05"])


def read_upi(text: str) -> Asked:
    """NPCI's linking specification 1.6."""
    parts = urlsplit(text)
    assert (parts.scheme, parts.netloc, parts.path) == ("upi", "pay", "")
    pairs = parse_qsl(parts.query, strict_parsing=True)
    found = dict(pairs)
    assert len(found) == len(pairs)
    assert set(found) == {"pa", "pn", "am", "cu", "tn", "tr"}
    assert " " not in text
    assert len(found["tn"]) <= 50
    assert re.fullmatch(r"\d+\.\d\d", found["am"])
    return Asked(found["pn"], found["pa"], Decimal(found["am"]), found["cu"], found["tr"], found["tn"])


def read_spayd(text: str) -> Asked:
    """Short Payment Descriptor 1.0."""
    head, version, *fields = text.split("*")
    assert (head, version) == ("SPD", "1.0")
    found = dict(field.split(":", 1) for field in fields)
    assert len(found) == len(fields)
    account, _, bic = found["ACC"].partition("+")
    assert iban.is_valid(account)
    assert re.fullmatch(r"([A-Z0-9]{8}|[A-Z0-9]{11})?", bic)
    assert re.fullmatch(r"\d{1,7}\.\d\d", found["AM"])
    assert len(found.get("RN", "")) <= 35
    assert re.fullmatch(r"\d{1,10}", found["X-VS"])
    assert len(found["MSG"]) <= 60
    return Asked(found["RN"], account, Decimal(found["AM"]), found["CC"], found["X-VS"], found["MSG"])
