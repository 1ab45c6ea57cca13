"""PayPal: the download of activities, and the statement of balance, as CSV in the languages that it comes in."""

from __future__ import annotations

import re
from decimal import Decimal

from portalgen.desk.imports.rows import Kind, Options, Row, Statement, with_ids
from portalgen.desk.imports.texts import Cells, Line, Table, columns_of, named
from portalgen.rules.money import ZERO

NAMES = {
    "date": ("date", "datum", "fecha", "data", "التاريخ"),
    "payer": ("name", "nom", "nombre", "nome", "naam", "الاسم"),
    "kind": (
        "type", "typ", "tipo", "النوع",
        "description", "beschreibung", "descripcion", "descrizione", "omschrijving", "descricao", "الوصف",
    ),
    "status": ("status", "etat", "statut", "estado", "stato", "الحالة"),
    "currency": ("currency", "wahrung", "devise", "divisa", "moneda", "valuta", "moeda", "العملة"),
    "amount": (
        "gross", "brutto", "avant commission", "brut", "bruto", "lordo", "importe bruto",
        "valor bruto", "الإجمالي",
    ),
    "fee": (
        "fee", "gebuhr", "entgelt", "commission", "comision", "tarifa", "tariffa", "kosten", "tarifas",
        "taxa", "الرسوم",
    ),
    "net": ("net", "netto", "neto", "liquido", "importe neto", "الصافي"),
    "email": (
        "from email address", "absender e mail adresse", "de l adresse email", "adresse email de l expediteur",
        "correo electronico del remitente", "direccion de correo electronico del remitente", "indirizzo email mittente",
        "van e mailadres", "do endereco de e mail", "e mail do remetente",
    ),
    "id": (
        "transaction id", "transaktionscode", "numero de transaction", "id de transaccion", "id de la transaccion",
        "identificador de transaccion", "codice transazione", "transactiereferentie", "transactie id",
        "id da transacao",
        "codigo da transacao", "رقم المعاملة",
    ),
    "reference": (
        "invoice number", "invoice id", "rechnungsnummer", "numero de facture", "numero de factura", "id de factura",
        "numero di fattura", "numero fattura", "numero ricevuta", "factuurreferentie", "factuurnummer",
        "numero da fatura", "رقم الفاتورة",
    ),
    "origin": (
        "reference txn id", "zugehoriger transaktionscode", "numero de la transaction de reference",
        "id de transaccion de referencia", "codice transazione di riferimento", "referentie transactie id",
        "id da transacao de referencia",
    ),
    "text": (
        "subject", "betreff", "objet", "asunto", "oggetto", "onderwerp", "assunto",
        "note", "hinweis", "nota", "notitie", "remarque", "observacao", "messaggio",
        "item title", "artikelbezeichnung", "titre de l objet", "nombre del articulo", "nome oggetto", "custom number",
        "benutzerdefinierte nummer",
    ),
    "impact": (
        "balance impact", "auswirkung auf guthaben", "impact sur le solde", "efecto sobre el saldo",
        "impatto sul saldo",
        "invloed op saldo", "impacto no saldo",
    ),
}  # fmt: skip
"""The names of the columns, as `texts.named` writes them."""

_DONE = (
    "completed", "abgeschlossen", "effectue", "termine", "completado", "completada", "completato", "completata",
    "voltooid", "concluido", "concluida", "cleared", "مكتمل",
    "refunded", "partially refunded", "ruckzahlung", "zuruckgezahlt", "teilweise zuruckgezahlt", "rembourse",
    "partiellement rembourse", "reembolsado", "rimborsato", "terugbetaald",
)  # fmt: skip
"""The money came. What was refunded has a row of its own."""
_PENDING = ("pending", "ausstehend", "offen", "en attente", "pendiente", "in sospeso", "in behandeling", "pendente",
            "معلق", "unclaimed", "processing", "on hold", "held", "placed")  # fmt: skip
_CONVERSION = re.compile("conversi|wahrungsumrechnung|valutaomrekening|conversion de devise|cambio valuta")
_PAYOUT = re.compile(
    "withdrawal|abbuchung|transfer to bank|bank transfer|ubertragung auf bank|virement|retiro|retirada|prelievo|opname"
    "|saque|bank deposit|bankgutschrift|card deposit|money transfer from bank"
)
_REFUND = re.compile(
    "refund|ruckzahlung|remboursement|reembolso|rimborso|terugbetaling|reversal|ruckbuchung|annulation|chargeback"
    "|cancell?ed fee|devolucion|storno|terugboeking|estorno"
)
_HOLD = re.compile(
    r"\bhold\b|einbehalt|authori[sz]ation|autorisi|autori[sz]a|suspension|retencion|blocco|reserve|release|invoice sent"
    "|rechnung gesendet|money request|zahlungsanforderung|order|bestellung"
)
_FEE = re.compile(r"\bfees?\b|gebuhr|entgelt")
_MEMO = ("memo", "notiz", "hinweis", "note")


def is_header(cells: list[str]) -> bool:
    """Whether a line is the header of such a file."""
    columns = columns_of(cells, NAMES)
    return all(columns[name] for name in ("date", "currency", "amount", "fee", "net", "id"))


def read(file: str, table: Table, options: Options) -> Statement:
    """The rows of the file. Raises `BadRows` and `Unreadable`."""
    columns = columns_of(table.header, NAMES)
    for name in columns.keys() - {"text"}:
        columns[name] = columns[name][:1]
    cells = Cells(file, table, columns)
    amounts = [*cells.all("amount"), *cells.all("fee"), *cells.all("net")]
    cells.settle(amounts, cells.all("date"), options.decimal, options.date_format)

    def row(line: Line) -> Row | None:
        day, amount = cells.date(line, "date"), cells.amount(line, "amount")
        fee = cells.amount(line, "fee", needed=False) or ZERO
        if not cells.text(line, "id"):
            cells.wrong(line, "this row has no transaction id", "export it again with every column")
        if day is None or amount is None:
            return None
        written = cells.text(line, "kind")
        kind = _kind(written, amount)
        status = cells.text(line, "status")
        ignored = _ignored(kind, written, amount) or _unsettled(status)
        if named(cells.text(line, "impact")) in _MEMO:
            ignored = "a memo that moves no money"
        known = not status or named(status) in _DONE
        return Row(
            line=line.number,
            id=cells.text(line, "id"),
            date=day,
            amount=amount,
            currency=cells.text(line, "currency").upper(),
            payer=cells.text(line, "payer"),
            email=cells.text(line, "email").casefold(),
            text=cells.text(line, "text"),
            reference=cells.text(line, "reference"),
            origin=cells.text(line, "origin"),
            fee=max(-fee, ZERO),
            kind=kind,
            ignored=ignored,
            doubt="" if known else f"PayPal says '{status}'",
        )

    return Statement(file=file, format="paypal", rows=with_ids(cells.rows(row)))


def _kind(written: str, amount: Decimal) -> Kind:
    name = named(written)
    if _CONVERSION.search(name) or _HOLD.search(name):
        return "other"
    if _PAYOUT.search(name):
        return "payout"
    if amount < 0 and _REFUND.search(name):
        return "refund"
    if amount < 0:
        return "fee" if _FEE.search(name) else "other"
    return "payment"


def _ignored(kind: Kind, written: str, amount: Decimal) -> str:
    said = f": {written}" if written else ""
    if kind == "payout":
        return f"moved between PayPal and your bank{said}"
    if kind == "fee":
        return f"a fee of PayPal's own{said}"
    if not amount:
        return f"no money moved{said}"
    if kind == "other":
        return f"{'money that you paid' if amount < 0 else 'no payment'}{said}"
    return ""


def _unsettled(status: str) -> str:
    name = named(status)
    if name in _PENDING:
        return f"PayPal says '{status}': import it again when it is completed"
    refused = ("denied", "failed", "reversed", "cancel", "expired", "returned", "removed", "abgelehnt", "storniert",
               "zuruckgebucht", "fehlgeschlagen", "refuse", "annul", "rechazad", "negad", "rifiutat", "stornat",
               "geweigerd", "geannuleerd", "teruggeboekt", "recusad", "expire")  # fmt: skip
    return f"PayPal says '{status}'" if name.startswith(refused) else ""
