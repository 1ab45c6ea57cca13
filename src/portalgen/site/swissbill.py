"""The payment part of a Swiss QR-bill, read from the text of its code (SIX, QR-bill guidelines 2.3 and style guide)."""

from __future__ import annotations

import re

from portalgen.rules.references import grouped
from portalgen.rules.ways import Way
from portalgen.site.qr import QUIET, SIZES, qr_matrix, qr_svg_file
from portalgen.site.sheet import Slip, SlipRow, SlipWords

_WORDS = {
    "de": (
        "Vor der Einzahlung abzutrennen", "Empfangsschein", "Zahlteil", "Währung", "Betrag", "Annahmestelle",
        "Konto / Zahlbar an", "Referenz", "Zusätzliche Informationen", "Zahlbar durch", "Zahlbar durch (Name/Adresse)",
    ),
    "fr": (
        "A détacher avant le versement", "Récépissé", "Section paiement", "Monnaie", "Montant", "Point de dépôt",
        "Compte / Payable à", "Référence", "Informations supplémentaires", "Payable par", "Payable par (nom/adresse)",
    ),
    "it": (
        "Da staccare prima del versamento", "Ricevuta", "Sezione pagamento", "Valuta", "Importo",
        "Punto di accettazione", "Conto / Pagabile a", "Riferimento", "Informazioni supplementari", "Pagabile da",
        "Pagabile da (nome/indirizzo)",
    ),
    "en": (
        "Separate before paying in", "Receipt", "Payment part", "Currency", "Amount", "Acceptance point",
        "Account / Payable to", "Reference", "Additional information", "Payable by", "Payable by (name/address)",
    ),
}  # fmt: skip
"""The words in the four languages that a slip may have (style guide, annex D): no others are allowed."""


def slip_of(way: Way, language: str) -> Slip:
    """The slip for a way whose code is a Swiss QR code; in English where the language is none of the four."""
    spoken = language.partition("-")[0]
    spoken = spoken if spoken in _WORDS else "en"
    separate, receipt, part, currency, amount, acceptance, account, reference, more, payer, blank = _WORDS[spoken]
    lines, modules = way.code.split("\n"), len(qr_matrix(way.code, way.code_kind))
    iban = " ".join(re.findall(".{1,4}", lines[3]))
    creditor = (iban, *_place(lines[4:11]))
    debtor = _place(lines[20:27])
    rows = [SlipRow(label=account, lines=creditor)]
    if lines[28]:
        rows.append(SlipRow(label=reference, lines=(grouped(lines[28]),)))
    due = SlipRow(label=payer, lines=debtor) if debtor else SlipRow(label=blank)
    told = tuple(text for text in (lines[29], *lines[31:32]) if text)
    return Slip(
        language=spoken,
        words=SlipWords(
            separate=separate, receipt=receipt, payment=part, currency=currency, amount=amount, acceptance=acceptance
        ),
        receipt=(*rows, due),
        payment=(*rows, *((SlipRow(label=more, lines=told),) if told else ()), due),
        currency=lines[19],
        amount=_amount(lines[18]),
        code=qr_svg_file(way).decode(),
        side=round(SIZES["swiss"] * (modules + 2 * QUIET) / modules, 3),
        alt=f"{part}: {lines[19]} {_amount(lines[18])}, {lines[5]}",
        blank_debtor=not debtor,
    )


def _place(parts: list[str]) -> tuple[str, ...]:
    """Name, street with number, and postcode with town; the country stands before a foreign postcode."""
    _, name, street, house, postcode, town, country = parts
    if not name:
        return ()
    abroad = f"{country}-" if country not in ("CH", "LI") else ""
    return tuple(text for text in (name, f"{street} {house}".strip(), f"{abroad}{postcode} {town}".strip()) if text)


def _amount(amount: str) -> str:
    """`1 949.75`: thousands apart by a space, a point before the Rappen (style guide 3.5)."""
    whole, _, cents = amount.partition(".")
    return f"{int(whole):,}".replace(",", " ") + f".{cents}"
