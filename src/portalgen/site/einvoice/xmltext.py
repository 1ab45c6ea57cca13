"""Writing XML: elements by the prefixed names of the standard, and nothing that is empty."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

from portalgen.rules.money import rounded

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 has no way to write them

Content = ET.Element | str | None


def node(tag: str, *content: Content, **attributes: str) -> ET.Element | None:
    """An element with texts and children in this order; None when nothing stands in it.

    EN 16931 forbids empty elements (PEPPOL-EN16931-R008), so one that would be empty is left out with its parents.
    """
    made = kept(tag, *content, **attributes)
    return made if made.text or len(made) else None


def kept(tag: str, *content: Content, **attributes: str) -> ET.Element:
    """An element that stands even when it is empty, because the schema asks for it."""
    made = ET.Element(tag, {key.replace("__", ":"): value for key, value in attributes.items() if value})
    for part in content:
        if isinstance(part, str):
            made.text = (made.text or "") + _ILLEGAL.sub("", part).strip()
        elif part is not None:
            made.append(part)
    return made


def document(root: ET.Element) -> bytes:
    """The XML file: UTF-8, indented, the same bytes for the same content."""
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def amount(value: Decimal, currency: str) -> str:
    """An amount with all the decimals of its currency."""
    return f"{rounded(value, currency):f}"


def number(value: Decimal | None) -> str:
    """A rate, price or quantity in its shortest form; empty for None."""
    return "" if value is None else f"{value.normalize():f}"


def compact(day: dt.date) -> str:
    """A date as CII has it (format 102)."""
    return f"{day:%Y%m%d}"
