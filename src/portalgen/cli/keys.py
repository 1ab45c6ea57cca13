"""The commands about the key behind all links: a copy for paper, bringing it back, a new one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portalgen.desk.command import Environment, agreed, alone, at_terminal, common, dated, say

if TYPE_CHECKING:
    import datetime as dt


@click.group()
def key() -> None:
    """The key behind all links: print a copy for paper, bring it back, or make a new one."""


@key.command()
@click.option("--yes", is_flag=True, help="Print it although this is not a terminal.")
@common
def show(yes: bool, site: Path, as_json: bool) -> None:
    """Print the key in 14 groups of four, to write down. Whoever has it can open every private page."""
    from portalgen.desk.keys import paper_copy

    at_terminal(as_json, yes, "the key opens every private page")
    with Environment():
        copy = paper_copy(site)
    rows = [" ".join(copy.groups[at : at + 7]) for at in (0, 7)]
    say(
        as_json,
        {"key_id": copy.key_id, "key": "".join(copy.groups), "groups": list(copy.groups)},
        f"The key of this site, {copy.key_id}:\n\n  {rows[0]}\n  {rows[1]}\n\n"
        "Write it on paper together with its id, and keep it where you keep your passport. With it, every link of\n"
        "this site can be made again on another computer (portalgen key import); without it, all must be sent anew.\n"
        "Whoever reads it can open every private page: no photo, no e-mail, no cloud.",
    )


@key.command("import")
@click.argument("text", nargs=-1, metavar="[GROUP]...")
@common
def import_(text: tuple[str, ...], site: Path, as_json: bool) -> None:
    """Bring the key back from its paper copy, from standard input or as arguments.

    Spaces, line ends and capital letters do not matter. On standard input it stays out of your shell's history.
    """
    from portalgen.desk.keys import import_key

    typed = " ".join(text) or _typed()
    with alone(site, as_json):
        done = import_key(site, typed)
    told = (
        f"The key {done.key_id} is in {done.place} already."
        if done.known
        else f"Put the key {done.key_id} into {done.place}."
    )
    say(as_json, {"key_id": done.key_id, "path": done.place}, told)


def _typed() -> str:
    """What is typed: to the end, or on a terminal until the groups are complete."""
    if not sys.stdin.isatty():
        return sys.stdin.read()
    click.echo("Type the 14 groups of the paper copy, then Enter:", err=True)
    typed = ""
    while len("".join(typed.split()).replace("-", "")) < 56 and (line := sys.stdin.readline()):
        typed += line
    return typed


@key.command("rotate")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dated
@common
def rotate_(yes: bool, today: dt.date | None, site: Path, as_json: bool) -> None:
    """Make a new key, after the old one was seen by somebody or lost. Every link breaks and has to be sent anew."""
    from portalgen.desk.keys import rotate_key
    from portalgen.desk.outcomes import PROMISE

    agreed("Every link of this site breaks, and each client needs the new one. Make a new key?", yes, as_json)
    with alone(site, as_json):
        done = rotate_key(site, today)
    lines = [f"The new key is {done.key_id}. Write it down: portalgen key show"]
    if done.renewed:
        lines.append(f"{done.renewed} link{'s' if done.renewed > 1 else ''} must be sent anew: portalgen links")
        if done.told:
            lines.append("The old addresses say that they were replaced.")
        else:
            lines.append("The old key is not here, so the old addresses cannot say why they ended: they are removed.")
        lines += PROMISE
    data = {"key_id": done.key_id, "before": done.before, "links": done.renewed, "tombstones": done.told}
    say(as_json, data, "\n".join(lines))


COMMANDS = (key,)
