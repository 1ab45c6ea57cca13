"""`portalgen export`: the books for other programs, on standard output or in a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portalgen.desk.command import BROKEN, Environment, Refused, common, dated, say, tell
from portalgen.desk.exports import TABLE_NAMES, TableName

if TYPE_CHECKING:
    import datetime as dt

    from portalgen.desk.exports.ledgers import Ledgers

FORMATS = ("csv", "json", "beancount", "hledger")


@click.command("export")
@click.argument("form", metavar="FORMAT", type=click.Choice(FORMATS))
@click.option("--year", type=click.IntRange(1900, 9998), metavar="YEAR", help="One year, with what it opens with.")
@click.option("--table", type=click.Choice(TABLE_NAMES), help="Which table, for csv [movements].")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file to write instead of printing.")
@dated
@common
def export(
    form: str,
    year: int | None,
    table: TableName | None,
    output: Path | None,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Print the books as FORMAT: csv, json, beancount or hledger.

    Issued documents and cleared money only; what is void counts in no sum. With --json and no file it is json.
    """
    from portalgen.desk.exports.ledgers import read_ledgers

    if table and form != "csv":
        raise click.UsageError(f"--table is for csv; {form} holds everything")
    with Environment():
        place = safe_place(site, output) if output else None
        read = read_ledgers(site, today, year)
    ledgers, problems, loaded = read.ledgers, read.problems, read.loaded
    if ledgers is None:
        tell(problems, loaded.excerpt, as_json, {}, writes=output is not None)
        sys.exit(BROKEN)
    data = _text(ledgers, "json" if as_json and place is None else form, table or "movements").encode()
    if place is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    write_report(place, data)
    say(as_json, {"path": str(output), "format": form}, f"Wrote {output}. It names your clients: keep it to yourself.")


def _text(ledgers: Ledgers, form: str, table: TableName) -> str:
    if form == "csv":
        from portalgen.desk.exports.tables import table_text

        return table_text(ledgers, table)
    if form == "json":
        from portalgen.desk.exports.document import document_text

        return document_text(ledgers)
    from portalgen.desk.exports.journal import journal_of
    from portalgen.desk.exports.plaintext import beancount, hledger

    return beancount(journal_of(ledgers)) if form == "beancount" else hledger(journal_of(ledgers))


def write_report(place: Path, data: bytes) -> None:
    """Writes what names clients, for the eyes of its owner alone."""
    from portalgen.publish.state import failure, write_whole

    with Environment():
        try:
            write_whole(str(place), data, 0o600)
        except OSError as error:
            raise failure(error, place) from error


def safe_place(site: Path, output: Path) -> Path:
    """Where the file really goes: never into what is published, nor among the sources."""
    from portalgen.publish.manifest import output_key, read_manifest

    place, root = Path(os.path.realpath(output)), Path(os.path.realpath(site))
    published = read_manifest(site).outputs
    for folder in place.parents:
        if folder == root / "content":
            raise Refused(f"{output} would be read as part of the site", "name a file outside of content/")
        if folder == root / "output" or output_key(root, folder) in published:
            raise Refused(f"{output} would be published with the site", f"name a file outside of {folder.name}/")
    return place


COMMANDS = (export,)
