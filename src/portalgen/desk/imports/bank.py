"""A bank's CSV: no two are alike, so columns are guessed by their names or named with `--columns`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from portalgen.desk.imports.rows import NO_TEXT, Options, Row, Statement, Unreadable, with_ids
from portalgen.desk.imports.texts import Cells, Line, Table, columns_of, is_currency, named
from portalgen.rules.money import ZERO

NAMES: Mapping[str, Sequence[str]] = {
    "date": (
        "booking date", "buchungstag", "buchungsdatum", "buchung", "date de comptabilisation", "date comptable",
        "date operation", "date de l operation", "date d operation", "fecha operacion", "fecha contable", "f operacion",
        "fecha de operacion", "data contabile", "data operazione", "boekdatum", "boekingsdatum", "data do movimento",
        "data movimento", "data mov", "data lancamento", "data do lancamento", "تاريخ العملية", "تاريخ القيد",
        "transaction date", "posting date", "posted date", "completed date", "date completed utc", "date", "datum",
        "fecha", "data", "التاريخ", "started date",
    ),
    "amount": (
        "amount", "betrag", "umsatz", "montant", "montant operation", "importe", "importo", "bedrag", "bedrag eur",
        "montante", "valor", "valor eur", "المبلغ", "paid in out", "transaction amount", "value",
    ),
    "credit": (
        "credit", "haben", "gutschrift", "credit eur", "avere", "accrediti", "entrate", "abono", "ingreso", "bij",
        "credito", "credit amount", "paid in", "money in", "deposits", "entrada", "دائن",
    ),
    "debit": (
        "debit", "soll", "lastschrift", "belastung", "dare", "addebiti", "uscite", "cargo", "gasto", "af", "debito",
        "debit amount", "paid out", "money out", "withdrawals", "saida", "مدين",
    ),
    "sign": (
        "soll haben", "s h", "af bij", "debit credit", "credit debit", "d c", "dr cr", "sens", "debito credito",
        "kennung soll haben", "credit debit indicator", "transaction type sign",
    ),
    "currency": ("currency", "wahrung", "waehrung", "devise", "divisa", "moneda", "valuta", "munt", "moeda", "العملة"),
    "payer": (
        "payer", "payer name", "auftraggeber", "zahlungspflichtiger", "zahlungspflichtige r",
        "name zahlungsbeteiligter",
        "beguenstigter zahlungspflichtiger", "begunstigter zahlungspflichtiger", "auftraggeber empfanger",
        "auftraggeber beguenstigter", "auftraggeber begunstigter", "name", "naam", "naam omschrijving",
        "naam tegenpartij", "naam tegenrekening", "tegenpartij", "counterparty", "counterparty name", "counter party",
        "partner", "partner name", "debiteur", "emetteur", "nom", "donneur d ordre", "ordenante", "ordinante",
        "controparte", "ordenador", "remetente", "nome", "nombre", "الاسم", "from", "payee",
    ),
    "text": (
        "text", "texte", "texto", "testo",
        "verwendungszweck", "zweck", "buchungstext", "libelle", "libelle operation", "libelle simplifie",
        "communication",
        "communications", "communicatie", "mededelingen", "mededeling", "omschrijving", "omschrijving 1",
        "omschrijving 2",
        "omschrijving 3", "concepto", "descripcion", "observaciones", "descrizione", "causale", "descricao",
        "historico",
        "description", "memo", "details", "payment details", "transaction details", "remittance information",
        "narrative",
        "particulars", "subject", "mitteilung", "mitteilungen", "zahlungsgrund", "avisierungstext", "البيان", "الوصف",
    ),
    "reference": (
        "reference", "payment reference", "referenz", "zahlungsreferenz", "glaubigerreferenz", "referencia",
        "riferimento",
        "betalingskenmerk", "communication structuree", "gestructureerde mededeling", "vs", "variabilni symbol",
        "المرجع", "end to end id", "kundenreferenz end to end", "kundenreferenz",
    ),
    "id": ("transaction id", "transaktions id", "transaction reference", "fitid", "bank reference", "reference banque",
           "numero operacion", "numero de operacion", "id transazione", "transactiereferentie", "transactie id",
           "id da transacao", "transferwise id", "رقم العملية", "id"),
    "fee": ("fee", "fees", "gebuhr", "gebuhren", "frais", "comision", "commissione", "kosten", "taxa"),
    "status": ("status", "state", "info", "statut", "estado", "stato"),
}  # fmt: skip
"""The names of the columns, as `texts.named` writes them, in English and the seven other languages of the pages."""

_OUT = ("s", "d", "dr", "dbit", "debit", "soll", "af", "out", "dare", "debe", "cargo", "debito", "lastschrift")
_PENDING = re.compile(
    "vorgemerkt|pending|en attente|en cours|pendiente|in sospeso|in behandeling|gereserveerd|pendente"
)
_REVERTED = re.compile("revert|declin|fail|cancel|abgelehnt|storniert")


def is_header(cells: list[str]) -> bool:
    """Whether a line is the header of such a file, by the names of its columns."""
    return _whole(columns_of([_without_currency(cell)[0] for cell in cells], NAMES))


def named_header(columns: Mapping[str, Sequence[str]], cells: list[str]) -> bool:
    """Whether a line has all the columns that `--columns` names."""
    names = {named(cell) for cell in cells}
    return all(named(name) in names for wanted in columns.values() for name in wanted)


def read(file: str, table: Table, options: Options) -> Statement:
    """The rows of the file. Raises `BadRows` and `Unreadable`."""
    heads, currencies = zip(*map(_without_currency, table.header), strict=True)
    columns = columns_of(heads, NAMES)
    for field in columns.keys() - {"text", "reference"}:
        columns[field] = columns[field][:1]
    if columns["credit"] and columns["debit"]:
        columns["amount"] = []
    places = {named(cell): at for at, cell in reversed([*enumerate(table.header)])}
    for field, wanted in options.columns.items():
        columns[field] = [places[named(name)] for name in wanted]
        if field in ("amount", "credit"):
            columns["credit" if field == "amount" else "amount"] = []
    if not _whole(columns):
        raise unknown_columns(table.header)
    taken = [at for field, places_ in columns.items() if field not in ("text", "reference") for at in places_]
    columns["text"] = [at for at in columns["text"] if at not in taken or "text" in options.columns]
    if not columns["text"]:  # a reference may stand in any column that nothing else is known of
        columns["text"] = [at for at in range(len(table.header)) if at not in (*taken, *columns["reference"])]
    money = [at for field in ("amount", "credit") for at in columns[field]]
    told = next((currencies[at] for at in money if currencies[at]), "")
    currency = told or options.currency
    cells = Cells(file, table, columns)
    amounts = [text for field in ("amount", "credit", "debit", "fee") for text in cells.all(field)]
    cells.settle(amounts, cells.all("date"), options.decimal, options.date_format)

    def row(line: Line) -> Row | None:
        day, amount = cells.date(line, "date"), _amount(cells, line)
        fee = cells.amount(line, "fee", needed=False) or ZERO
        code = cells.text(line, "currency").upper() or currency
        if not is_currency(code):
            cells.wrong(
                line, f"'{code}' is not a currency", "name the column of the currency with --columns currency=…"
            )
        if day is None or amount is None:
            return None
        reference = cells.text(line, "reference")
        status = named(cells.text(line, "status"))
        waits = "the bank has only announced it: import it again when it is booked" if _PENDING.search(status) else ""
        return Row(
            line=line.number,
            id=cells.text(line, "id"),
            date=day,
            amount=amount,
            currency=code,
            payer=cells.text(line, "payer"),
            text=cells.text(line, "text"),
            reference="" if reference.upper() in NO_TEXT else reference,
            fee=abs(fee),
            kind="payment" if amount > 0 else "other",
            ignored=waits or ("it did not happen" if _REVERTED.search(status) else "" if amount else "no money moved"),
        )

    rows = with_ids(cells.rows(row))
    notes = (
        () if columns["currency"] or told else (f"The file names no currency; its amounts are taken to be {currency}.",)
    )
    return Statement(file=file, format="bank", rows=rows, notes=notes)


def unknown_columns(header: Sequence[str]) -> Unreadable:
    """What to ask when it is not clear which column is which."""
    there = ", ".join(f"'{cell}'" for cell in header if cell) or "no header"
    return Unreadable(
        f"it is not clear where date and amount stand; the first line has {there}",
        "name the columns: --columns date=…,amount=…,payer=…,text=… (or credit=… and debit=… instead of amount)",
    )


def _whole(columns: Mapping[str, Sequence[int]]) -> bool:
    return bool(columns["date"] and (columns["amount"] or columns["credit"]))


def _amount(cells: Cells, line: Line) -> Decimal | None:
    """The amount, below zero where it went out."""
    if cells.has("amount"):
        amount = cells.amount(line, "amount")
        if amount is not None and named(cells.text(line, "sign")) in _OUT:
            return -abs(amount)
        return amount
    credit = cells.amount(line, "credit", needed=False)
    debit = cells.amount(line, "debit", needed=False)
    if credit is None and debit is None and not cells.text(line, "credit") and not cells.text(line, "debit"):
        cells.wrong(line, "this row has no amount", "look at the line, or name the columns with --columns")
        return None
    return (credit or ZERO) - abs(debit or ZERO)


def _without_currency(header: str) -> tuple[str, str]:
    """The name of a column without the currency in it, and that currency: `Betrag (€)`."""
    signs = {"€": "EUR", "£": "GBP", "$": "USD"}
    for word in re.findall(r"\b[A-Z]{3}\b|[€£$]", header):
        code = signs.get(word, word)
        if is_currency(code):
            return " ".join(header.replace(word, " ").split()), code
    return header, ""
