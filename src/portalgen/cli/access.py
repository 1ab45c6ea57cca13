"""The commands about who can open what: links, what is published of a client, and forgetting one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portalgen.desk.command import (
    BROKEN,
    Environment,
    Refused,
    agreed,
    alone,
    assembled,
    at_terminal,
    common,
    dated,
    given_base_url,
    is_invented,
    link_data,
    links_base,
    report,
    row_data,
    say,
)
from portalgen.desk.wording import many

if TYPE_CHECKING:
    import datetime as dt

    from portalgen.desk.forgetting import Memory
    from portalgen.desk.published import Published, PublishedLink
    from portalgen.publish.access import Access
    from portalgen.publish.build import Assembled


def finished(site: Path, today: dt.date | None, base_url: str, as_json: bool) -> tuple[Assembled, Access]:
    """The site as a build would make it now, in memory; its errors end the command."""
    with Environment():
        result, _ = assembled(site, today, base_url)
    if result.files is None or result.access is None:
        report(result, as_json, {})
        sys.exit(BROKEN)
    return result, result.access


def chosen(access: Access, client: str, invoice: str, person: str) -> set[str]:
    """The salts of the rows that a command names. Raises `click.UsageError` when it names two things."""
    if invoice and person:
        raise click.UsageError("name an invoice or a person, not both")
    if (invoice or person) and not client:
        raise click.UsageError("name the client too")
    rows = access.chosen(client, invoice, person) if client else access.lock.links
    return {row.salt for row in rows}


# --- links ----------------------------------------------------------------------------------------


@click.command()
@click.argument("client", required=False, default="")
@click.option(
    "--invoice", metavar="N", default="", help="Only the link of this invoice or credit note: its number or id."
)
@click.option("--person", metavar="P", default="", help="Only the link of this contact.")
@click.option("--all", "every", is_flag=True, help="Replaced and revoked links too.")
@click.option("--qr", "as_code", is_flag=True, help="Show one link as a QR code: the client's page, or the one named.")
@click.option("--yes", is_flag=True, help="Print them although this is not a terminal.")
@click.option("--base-url", metavar="URL", help="The address of the finished site, instead of the one in site.yaml.")
@dated
@common
def links(
    client: str,
    invoice: str,
    person: str,
    every: bool,
    as_code: bool,
    yes: bool,
    base_url: str | None,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """List the links to send: each client's page, each issued invoice, each person with a link of their own.

    Whoever has a link can open it, so links are printed to a terminal only, or with --json or --yes.
    """
    if as_code and (not client or every or as_json):
        raise click.UsageError("--qr shows one link: write links CLIENT --qr, with --invoice or --person for another")
    at_terminal(as_json, yes, "a link opens a private page")
    result, access = finished(site, today, given_base_url(base_url), as_json)
    base = given_base_url(base_url) or links_base(result)
    named = chosen(access, client, invoice, person)
    built = set(access.lock.links)
    rows = [link_data(fact, base) for fact in result.links if fact.row in built and fact.row.salt in named]
    listed = {fact.row for fact in result.links}
    closed = [row for row in access.lock.links if row not in listed and row.salt in named]
    ended = {row for row in closed if row.state == "expired"} | access.expiring
    rows += [row_data(row) for row in closed if every or row in ended]
    if client and not rows and result.loaded.site and client not in result.loaded.site.clients:
        from portalgen.desk.retiring import meant

        once = any(row.client == client for row in access.lock.links)
        hint = "see its old links with --all" if once else meant(site, client)
        raise click.UsageError(f"there is no client '{client}'; {hint}")
    if result.links and not built:
        raise Refused("no links were made yet", "run portalgen build first")
    to_come = [fact.row for fact in result.links if fact.row not in built and client in ("", fact.row.client)]
    later = "run portalgen build, which makes the links of what is new, then this again"
    if (invoice or person) and not rows:
        hint = later if to_come else f"see portalgen links {client} --all"
        raise click.UsageError(f"'{client}' has no such link; {hint}")
    if as_code:
        _show_code(client, rows, bool(invoice or person), bool(base))
    elif as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        wide = max((len(row["ref"]) for row in rows), default=0)
        for row in rows:
            until = f"  until {row['expires']}" if row["expires"] else ""
            click.echo(f"{row['client']:24} {row['kind']:11} {row['ref']:{wide}} {row['url'] or row['state']}{until}")
        if to_come:
            one = len(to_come) == 1
            click.echo(f"note: {len(to_come)} link{' is' if one else 's are'} not there yet; {later}", err=True)
    if not as_json and is_invented(base):
        click.echo(f"note: {base} is an invented address; write yours as base_url in content/site.yaml", err=True)


def _show_code(client: str, rows: list[dict[str, Any]], named: bool, based: bool) -> None:
    """One link as a QR code, black on white on any terminal, and below it the link itself."""
    import io

    import segno

    live = [row for row in rows if row["url"] and (named or row["kind"] == "portal")]
    if len(live) != 1:
        raise click.UsageError(f"'{client}' has no link of this kind that opens; see portalgen links {client} --all")
    if not based:
        raise Refused("a QR code needs the whole address", "add base_url to site.yaml, or name it with --base-url")
    drawn = io.StringIO()
    segno.make_qr(live[0]["url"], error="m").terminal(drawn, border=2, compact=True)
    colours = ("\x1b[97;40m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    for line in drawn.getvalue().splitlines():
        click.echo(f"{colours[0]}{line}{colours[1]}", color=True)
    click.echo(live[0]["url"])


@click.group()
def link() -> None:
    """End a link, or replace it by a new one."""


@link.command()
@click.argument("client")
@click.option("--invoice", metavar="N", default="", help="The link of this invoice or credit note: its number or id.")
@click.option("--person", metavar="P", default="", help="The link of this contact.")
@common
def rotate(client: str, invoice: str, person: str, site: Path, as_json: bool) -> None:
    """Give a CLIENT's page, an invoice or a person a new address. The old one says so from the next build on."""
    _retire(site, client, invoice, person, True, as_json)


@link.command()
@click.argument("client")
@click.option("--invoice", metavar="N", default="", help="Only the link of this invoice or credit note.")
@click.option("--person", metavar="P", default="", help="Only the link of this contact.")
@common
def revoke(client: str, invoice: str, person: str, site: Path, as_json: bool) -> None:
    """End every link of a CLIENT, or one. After the next build the folder of a client without links may be deleted."""
    _retire(site, client, invoice, person, False, as_json)


def _retire(site: Path, client: str, invoice: str, person: str, renew: bool, as_json: bool) -> None:
    from portalgen.desk.outcomes import retired_lines
    from portalgen.desk.retiring import retire

    with alone(site, as_json):
        done = retire(site, client, invoice, person, renew=renew)
    say(as_json, {"client": client, "links": done.count}, "\n".join(retired_lines(done)))


# --- one client -----------------------------------------------------------------------------------


@click.command()
@click.argument("client")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--early", is_flag=True, help="Although retention_years have not passed.")
@dated
@common
def forget(client: str, yes: bool, early: bool, today: dt.date | None, site: Path, as_json: bool) -> None:
    """Erase a CLIENT whose links have all ended: the folder, the links, the issued documents. Numbers stay taken."""
    from portalgen.desk.forgetting import forget as run
    from portalgen.desk.forgetting import recollect

    with alone(site, as_json):
        memory = recollect(site, client, today)
        if memory.until and not early:
            raise click.UsageError(
                f"records of '{client}' are to be kept until {memory.until}, as retention_years in site.yaml says; "
                "wait until then, or add --early if you know better"
            )
        agreed(_question(memory), yes, as_json)
        done = run(site, memory)
    counts = {"links": done.links, "documents": done.documents, "files": done.files, "numbers": done.numbers}
    gone = f"{many(done.files, 'file')}, {many(done.links, 'link')} and {many(done.documents, 'issued document')}"
    lines = [f"Forgot {client}: {gone}."]
    if done.numbers:
        one = done.numbers == 1
        lines.append(f"{done.numbers} number{' stays' if one else 's stay'} taken, and nothing else is kept of it.")
    lines.append("Build and upload now: that removes the last pages from the output.")
    lines.append("Look yourself through reports/, your backups, your mail and content/private.")
    if memory.versioned:
        lines.append(
            f"Git still has everything in its history. To erase it there:\n"
            f"  git filter-repo --invert-paths --path content/clients/{client}/\n"
            "then push with --force, and have every other copy made anew. portalgen.lock had their name as well:\n"
            "  git filter-repo --invert-paths --path portalgen.lock   (and commit the present one again)"
        )
    say(as_json, {"client": client, **counts}, "\n".join(lines))


def _question(memory: Memory) -> str:
    folder = f"the folder content/clients/{memory.client} and " if memory.folder else ""
    return f"Erase {folder}all that is remembered of {memory.client}? This cannot be undone."


@click.command()
@click.argument("client")
@click.option("--yes", is_flag=True, help="With the keys of the links, although this is not a terminal.")
@dated
@common
def published(client: str, yes: bool, today: dt.date | None, site: Path, as_json: bool) -> None:
    """List what the world can reach about a CLIENT: every address, every file and every value that was written.

    Addresses come with the keys that open them on a terminal only, or with --yes.
    """
    from portalgen.desk.published import published as run
    from portalgen.desk.retiring import meant
    from portalgen.publish.ended import kept

    result, access = finished(site, today, "", as_json)
    if result.loaded.site is None or result.files is None:
        sys.exit(BROKEN)
    if client not in result.loaded.site.clients and not access.rows(client):
        if as_json:
            click.echo(json.dumps({"client": client, "links": [], "replaced": [], "fields": []}, indent=1))
        else:
            click.echo(f"Nothing is published about '{client}', and nothing is remembered.")
            if (hint := meant(site, client)).startswith("did"):
                click.echo(f"note: {hint}", err=True)
        return
    known = {row.salt for row in access.lock.links}  # what was never built has no address yet
    facts = [fact for fact in result.links if fact.row.salt in known]
    found = run(client, result.loaded.site, access, facts, result.files, kept(site, client))
    opens, base = yes or (sys.stdout.isatty() and not as_json), links_base(result)
    if as_json:
        click.echo(json.dumps(_published_data(client, found, base, opens), ensure_ascii=False, indent=1))
    else:
        click.echo("\n".join(_published_text(client, found, base, opens)))


def _address(link: PublishedLink, base: str, opens: bool) -> str | None:
    """Where a link leads; None when that alone would open it and may not be told here."""
    if link.row.state != "live" or opens:
        return base + (link.address if link.row.state == "live" else link.path)
    return base + link.path if "#" in link.address else None


def _published_data(client: str, found: Published, base: str, opens: bool) -> dict[str, Any]:
    from msgspec.structs import asdict

    return {
        "client": client,
        "links": [
            {
                "kind": link.row.of,
                "ref": link.row.ref,
                "url": _address(link, base, opens),
                "expires": link.expires.isoformat() if link.expires else None,
                "state": link.row.state,
                "bytes": link.size,
                "files": [asdict(file) for file in link.files],
            }
            for link in found.links
        ],
        "replaced": [{"url": base + path, "bytes": size} for path, size in found.kept],
        "fields": [asdict(field) for field in found.fields],
    }


def _published_text(client: str, found: Published, base: str, opens: bool) -> list[str]:
    lines = [f"What the world can reach about {client}"]
    for link in found.links:
        until = f", until {link.expires}" if link.expires else ""
        lines += ["", f"{link.row.of} {link.row.ref}: {link.row.state}{until}, {link.size} bytes"]
        lines.append(f"  {_address(link, base, opens) or '(the address opens it, so it is shown with --yes only)'}")
        lines += [f"    {file.name:40} {file.size:>9}  {file.type}" for file in link.files]
    for path, size in found.kept:
        lines += ["", f"a page that says that its link was replaced, {size} bytes", f"  {base}{path}"]
    if not (found.links or found.kept):
        lines += ["", "No address at all."]

    shown = [field for field in found.fields if field.standing == "shown"]
    rest = [field for field in found.fields if field.standing != "shown"]
    parts = (
        ("These values stand in the pages as they were written:", shown),
        (
            "These are told in the pages' own words where they matter:",
            [field for field in rest if field.standing == "reworded"],
        ),
        (
            "These may be shown to the client, and no page has them now:",
            [field for field in rest if field.standing == "absent" and field.audience != "private"],
        ),
        ("Never published:", [field for field in rest if field.audience == "private"]),
    )
    for title, fields in parts:
        lines += ["", title] if fields else []
        for field in fields:
            text = field.value if len(field.value) <= 100 else f"{field.value[:99]}…"
            value = f": {text}" if field.audience != "private" or field.standing == "shown" else ""
            also = "  (private; other fields say the same)" if value and field.audience == "private" else ""
            lines.append(f"  {field.path}  {field.field}{value}{also}")
    return lines


COMMANDS = (links, link, forget, published)
