"""A file from a bank or a payment service: which format it has, and its rows."""

from __future__ import annotations

from pathlib import Path

from portalgen.desk.imports import COLUMNS, bank, camt, paypal, stripe
from portalgen.desk.imports.rows import MOST_BYTES, Options, Statement, Unreadable, clean
from portalgen.desk.imports.texts import decoded, table

_OURS = "this reads CSV of Stripe, PayPal and banks, and camt.053"


def read(path: Path, options: Options) -> Statement:
    """The rows of a file. Raises `Unreadable` for the file, `BadRows` for rows, `OSError`."""
    name = clean(path.name) or "file"
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(f"{name} has more than {MOST_BYTES // 2**20} MB", "export a shorter time")
    data = path.read_bytes()
    if not data.strip():
        raise Unreadable(f"{name} is empty", "export it again")
    if options.format == "camt053" or (options.format is None and camt.looks_like(data)):
        return camt.read(name, data, options)
    if data.startswith((b"PK", b"%PDF", b"\xd0\xcf")):
        raise Unreadable(f"{name} is no text but a spreadsheet, an archive or a PDF", f"export it as CSV; {_OURS}")
    text, encoding = decoded(data, options.encoding)
    statement = _table(name, text, options)
    if encoding == "cp1252" and not options.encoding:
        note = "The file is not UTF-8 and was read as Windows-1252; if names look wrong, say --encoding."
        return Statement(file=name, format=statement.format, rows=statement.rows, notes=(*statement.notes, note))
    return statement


def _table(name: str, text: str, options: Options) -> Statement:
    wanted = options.format or ("bank" if options.columns else None)
    for form, is_header, read_rows in (
        ("stripe", stripe.is_header, stripe.read),
        ("paypal", paypal.is_header, paypal.read),
    ):
        if wanted in (form, None):
            found = table(text, options.delimiter, is_header)
            if found:
                return read_rows(name, found, options)
            if wanted:
                hint = f"leave --format out, or export it again; {_OURS}"
                raise Unreadable(f"{name} lacks columns of a balance of {form.title()}", hint)
    named = options.columns
    found = table(text, options.delimiter, (lambda cells: bank.named_header(named, cells)) if named else bank.is_header)
    if found:
        return bank.read(name, found, options)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if named:
        there = clean(first)[:200]
        hint = "write the names as they stand in the file, and --delimiter if it is none of , ; | and tab"
        raise Unreadable(f"{name} has no line with all the columns that --columns names; it begins: {there}", hint)
    everything = table(text, options.delimiter, lambda cells: len(cells) > 2)
    if everything is None:
        raise Unreadable(f"{name} is nothing that we can read", f"{_OURS}; say what it is with --format")
    raise bank.unknown_columns(everything.header)


def parse_columns(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """What `--columns` says: `date=Buchungstag,text=Zweck+Art`. Raises `Unreadable`."""
    found: dict[str, tuple[str, ...]] = {}
    for part in (part for text in texts for part in text.split(",") if part.strip()):
        field, equals, names = part.partition("=")
        field = field.strip()
        wanted = tuple(name.strip() for name in names.split("+") if name.strip())
        if not equals or field not in COLUMNS or not wanted:
            hint = f"write FIELD=COLUMN with commas between; the fields are {', '.join(COLUMNS)}"
            raise Unreadable(f"--columns: '{clean(part)}' names no column", hint)
        found[field] = wanted
    return found
