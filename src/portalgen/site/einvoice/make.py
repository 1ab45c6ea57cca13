"""The door of the room: from an issued document to its XML, or to what has to be written first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.rules.document import Document
from portalgen.site.einvoice.model import EInvoiceKind
from portalgen.site.einvoice.problems import Origin, einvoice_problems, origin_of


class Made(msgspec.Struct, frozen=True):
    """An electronic invoice, empty where there can be none, and what is wrong."""

    xml: bytes
    findings: tuple[Finding, ...]


def make(document: Document, kind: EInvoiceKind, origin: Origin) -> Made:
    """The document as CII for its PDF (`facturx`) or as a UBL file (`xrechnung`): never an invalid one."""
    findings = einvoice_problems(document, kind, origin)
    if any(finding.severity == "error" or finding.code != "einvoice-leitweg" for finding in findings):
        return Made(b"", findings)
    from portalgen.site.einvoice.cii import write_cii
    from portalgen.site.einvoice.semantic import einvoice_of
    from portalgen.site.einvoice.ubl import write_ubl

    invoice = einvoice_of(document, kind)
    return Made(write_cii(invoice) if kind == "facturx" else write_ubl(invoice), findings)


def einvoices_of(
    shared: Shared, folder: ClientFolder, documents: Mapping[str, Document], locked: Collection[str] = ()
) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
    """One client's documents as `documents.einvoice` asks for them, by their ids, and what keeps any from being made.

    `locked` are the ids of those that stand as they were issued, whatever the files say now.
    """
    kind = shared.site.documents.einvoice
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    if kind != "false":
        for record in folder.billing:
            if document := documents.get(record.id):
                made = make(document, kind, origin_of(shared, folder, record, locked=record.id in locked))
                findings += made.findings
                if made.xml:
                    files[record.id] = made.xml
    return files, tuple(dict.fromkeys(findings))
