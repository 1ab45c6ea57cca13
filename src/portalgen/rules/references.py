"""Payment references made from a document's number, in the forms that banks know (domain §4.1, §6).

A long number keeps its end, which is where the count stands. A number without a letter or digit that banks know gives
way to the document's id.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")


def number_reference(number: str, id_: str) -> str:
    """The number made safe: `[A-Za-z0-9-]`, at most 35."""
    return _safe(number) or _safe(id_)


def bare_reference(number: str, id_: str, length: int) -> str:
    """Its letters and digits alone, at most so many."""
    return number_reference(number, id_).replace("-", "")[-length:]


def rf_reference(number: str, id_: str) -> str:
    """The creditor reference of ISO 11649: `RF`, two check digits, at most 21 letters and digits."""
    from stdnum.iso7064 import mod_97_10

    body = bare_reference(number, id_, 21).upper()
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def qr_reference(number: str, id_: str) -> str:
    """The Swiss QR reference: 26 digits and a check digit (modulo 10, recursive)."""
    from stdnum.ch import esr

    body = _digits(number, id_)[-26:].zfill(26)
    return body + esr.calc_check_digit(body)


def ogm_reference(number: str, id_: str) -> str:
    """The Belgian structured message: `+++ddd/dddd/ddddd+++`, the last two digits modulo 97 of the ten before."""
    from stdnum.be import ogm_vcs

    body = _digits(number, id_)[-10:].zfill(10)
    return f"+++{ogm_vcs.format(body + ogm_vcs.calc_check_digits(body))}+++"


def variable_symbol(number: str, id_: str) -> str:
    """The Czech variable symbol: at most ten digits."""
    return _digits(number, id_)[-10:]


def grouped(reference: str) -> str:
    """An RF or QR reference in the groups in which it is printed."""
    from stdnum import iso11649
    from stdnum.ch import esr

    return str(iso11649.format(reference) if reference.startswith("RF") else esr.format(reference))


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-")[-35:].lstrip("-")


def _digits(number: str, id_: str) -> str:
    """The digits of the number; where they say nothing its letters as numbers, A for 10."""
    bare = bare_reference(number, id_, 35)
    digits = re.sub(r"\D", "", bare)
    return digits if digits.strip("0") else "".join(str(int(sign, 36)) for sign in bare).strip("0") or "1"
