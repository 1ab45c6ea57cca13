"""A PDF that carries its invoice as data (Factur-X 1.0, ZUGFeRD 2): the XML as an associated file, told in the XMP."""

from __future__ import annotations

import datetime as dt
import io

FILE_NAME = "factur-x.xml"
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = (
    ("DocumentFileName", FILE_NAME, "The name of the embedded XML document"),
    ("DocumentType", "INVOICE", "The type of the hybrid document"),
    ("Version", "1.0", "The version of the standard of the embedded XML document"),
    ("ConformanceLevel", "EN 16931", "The conformance level of the embedded XML document"),
)
_SCHEMAS = "</rdf:Bag></pdfaExtension:schemas>"
_END = "</rdf:RDF>"


def attach(pdf: bytes, xml: bytes, day: dt.date) -> bytes:
    """The PDF/A-3 with the CII invoice inside, dated `day`: the same bytes for the same input.

    The PDF must be PDF/A-3 with XMP metadata that lists its extension schemas, as typst writes it. Raises `ValueError`
    for another.
    """
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        metadata = document.Root.get("/Metadata")
        if not isinstance(metadata, pikepdf.Stream):
            raise ValueError("the PDF has no metadata")
        metadata.write(_described(metadata.read_bytes().decode()).encode())
        moment = f"D:{day:%Y%m%d}000000Z"
        spec = pikepdf.AttachedFileSpec(
            document,
            xml,
            filename=FILE_NAME,
            description="EN 16931",
            mime_type="text/xml",
            creation_date=moment,
            mod_date=moment,
        )
        spec.relationship = pikepdf.Name.Alternative
        document.attachments[FILE_NAME] = spec
        document.Root.AF = pikepdf.Array([spec.obj])
        made = io.BytesIO()
        document.save(made, deterministic_id=True)
        return made.getvalue()


def _described(xmp: str) -> str:
    """The metadata with Factur-X's four properties and the schema that PDF/A wants for them."""
    if _SCHEMAS not in xmp or _END not in xmp:
        raise ValueError("the PDF's metadata lists no extension schemas")
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value, _ in _PROPERTIES)
    schema = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
        for name, _, description in _PROPERTIES
    )
    entry = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{schema}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    described = f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">{values}</rdf:Description>'
    return xmp.replace(_SCHEMAS, entry + _SCHEMAS).replace(_END, described + _END)
