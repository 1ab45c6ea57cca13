"""`portalgen review`: what there is to do this week, on a terminal, as data or as a page of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portalgen.cli.export import safe_place, write_report
from portalgen.desk.command import BROKEN, Environment, common, dated, tell

if TYPE_CHECKING:
    import datetime as dt


@click.command()
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it as a page.")
@dated
@common
def review(html: Path | None, today: dt.date | None, site: Path, as_json: bool) -> None:
    """Say what there is to do this week: what is due and late, to be billed, signed, answered, and whom to see again.

    Each item says what to do and by which command. Nothing is written but the page that --html names.
    """
    from portalgen.content.problems import as_data
    from portalgen.desk.review import BadTheme, read_review, review_data, review_page, review_text

    with Environment():
        place = safe_place(site, html) if html else None
        reviewed = read_review(site, today)
    if reviewed.review is None:
        tell(reviewed.problems, reviewed.loaded.excerpt, as_json, {}, writes=html is not None)
        sys.exit(BROKEN)
    if place is not None:
        try:
            page = review_page(site, reviewed)
        except BadTheme as bad:
            tell(bad.problems, reviewed.loaded.excerpt, as_json, {}, writes=True)
            sys.exit(BROKEN)
        write_report(place, page)
    if as_json:
        told = {"html": str(html) if html else None, "problems": [as_data(problem) for problem in reviewed.problems]}
        click.echo(json.dumps({**review_data(reviewed.review), **told}, ensure_ascii=False, indent=1))
    elif html:
        click.echo(f"Wrote {html}. It names your clients: keep it to yourself.")
    else:
        click.echo(review_text(reviewed.review))


COMMANDS = (review,)
