"""`portalgen verify`: does the host serve what was built?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portalgen import __version__
from portalgen.desk.command import Environment, Refused, common

if TYPE_CHECKING:
    from portalgen.publish.verify import Verdict

UNKEPT = 3


@click.command()
@click.argument("url", required=False, default="")
@click.option("--output", type=click.Path(path_type=Path), help="What was built and uploaded [output/ in the site].")
@common
def verify(url: str, output: Path | None, site: Path, as_json: bool) -> None:
    """Compare what the host at URL [base_url of site.yaml] serves with what was built, byte for byte.

    It also looks at the headers, at addresses where nothing is, and for private pages that were taken away. Leaves with
    3 when something is not as it should be, and names it.
    """
    from portalgen.desk.terminal import progress_bar
    from portalgen.publish.remote import Unreachable
    from portalgen.publish.verify import verify as run

    with Environment(), progress_bar("Comparing") as progress:
        address, host = _known(site)
        base = _address(url) or address
        if not base:
            raise click.UsageError("there is no base_url in site.yaml; write the address of your site after verify")
        try:
            agent = f"portalgen/{__version__} (verify)"
            found = run(site, output or site / "output", base, host=host, agent=agent, heard=progress)
        except Unreachable as unreachable:
            raise Refused(unreachable.message, unreachable.hint) from None
    if as_json:
        click.echo(json.dumps(_data(base, found), ensure_ascii=False, indent=1))
    else:
        _tell(base, found)
    if found.faults:
        sys.exit(UNKEPT)


def _address(url: str) -> str:
    """The address as given. What stands behind a `#` is a client's key and goes nowhere, not even into a message."""
    from portalgen.content.records.base import Misfit
    from portalgen.content.scalars import parse_base_url

    if "#" in url or "/p/" in url:
        raise click.UsageError("write the address of your site alone, as in site.yaml; this is the link of a client")
    try:
        return parse_base_url(url) if url else ""
    except Misfit as misfit:
        raise click.UsageError(f"URL: {misfit.message}; {misfit.hint}") from None


def _known(site: Path) -> tuple[str, str | None]:
    """The base address and the host that site.yaml names, as far as it can be read."""
    from portalgen.content.loader import load

    sound = load(site).sound
    if sound is None:
        return "", None
    file = sound.shared.site
    return file.base_url or "", file.hosting.host if file.hosting else None


def _data(base: str, found: Verdict) -> dict[str, Any]:
    from msgspec.structs import asdict

    return {
        "url": base,
        "files": found.files,
        "refused": found.refused,
        "faults": [asdict(fault) for fault in found.faults],
        "notes": list(found.notes),
    }


def _tell(base: str, found: Verdict) -> None:
    for fault in found.faults:
        click.echo(f"{fault.at}: {fault.message}\n  {fault.hint}\n", err=True)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    checked = (
        f"Compared {found.files} files, their headers and {found.refused} addresses where nothing may be at {base}: "
        if found.files
        else ""
    )
    count = len(found.faults)
    click.echo(f"{checked}{f'{count} thing' + 's' * (count > 1) + ' to mend' if count else 'all is as it was built'}.")


COMMANDS = (verify,)
