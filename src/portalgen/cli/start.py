"""Commands of the first ten minutes: a new practice, new files, schemas and completion for editors and shells."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portalgen.cli import money
from portalgen.desk.command import Environment, Refused, common, dated, say

if TYPE_CHECKING:
    import datetime as dt

KINDS = ("client", "invoice", "service", "policy", "guide", "agreement")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--demo", is_flag=True, help="The whole demo practice instead of a small start.")
@dated
@common
def init(folder: Path, demo: bool, today: dt.date | None, site: Path, as_json: bool) -> None:
    """Make a new practice in FOLDER that builds at once without a problem."""
    from portalgen.desk.scaffold import start

    with Environment():
        files = start(site / folder, demo=demo, today=today)
    say(
        as_json,
        {"path": str(folder), "files": len(files)},
        f"Made {folder} with {len(files)} files.\n\n"
        f"  portalgen serve --site {folder} --open    see it while you write\n"
        f"  {folder}/content/site.yaml                start here: who you are\n",
    )


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", metavar="ID", required=False, default="")
@click.option("--open", "edit", is_flag=True, help="Open the new file in your editor.")
@money.drafting
@dated
@common
def new(
    kind: str, name: str, edit: bool, today: dt.date | None, site: Path, as_json: bool, **wanted: money.Wishes
) -> None:
    """Make a new file: `new client ID`, `new invoice CLIENT`, `new service ID` and so on.

    The file has the fields that are required and names the others. An invoice is made for a client, as a draft; with
    --service, --sessions or --charges it has the lines already. Nothing to invoice makes no file.
    """
    from portalgen.desk.scaffold import ScaffoldRefused, make

    if any(wanted.values()):
        if kind != "invoice":
            raise click.UsageError(f"a {kind} takes none of the options of an invoice; leave them out")
        paths = money.draft(name, site, today, as_json, **wanted)
    else:
        if not name:
            raise click.UsageError("Missing argument 'ID'.")
        with Environment():
            try:
                made = make(site, kind, name, today)
            except ScaffoldRefused as refused:
                raise click.UsageError(f"{refused.message}; {refused.hint}") from None
        then = {"client": f"portalgen new invoice {name}", "invoice": f"portalgen issue {made.stem}"}
        told = f"Made {made}\nNext: fill it in, then {then.get(kind, 'portalgen build')}"
        say(as_json, {"path": made.relative_to(site).as_posix()}, told)
        paths = [made]
    for path in paths if edit else ():
        click.edit(filename=str(path))


@click.command()
@click.argument("kind", required=False)
@click.option("--write", is_flag=True, help="Write the schemas and the settings for VS Code into the site.")
@common
def schema(kind: str | None, write: bool, site: Path, as_json: bool) -> None:
    """Print the JSON Schema of a KIND of file, or of all; --write makes editors complete and check the YAML."""
    from portalgen.content.schema import schemas
    from portalgen.desk.scaffold import modeline, write_schemas

    every = schemas()
    if kind and kind not in every:
        raise click.UsageError(f"there is no kind '{kind}'; there are {', '.join(sorted(every))}")
    if write:
        if not (site / "content").is_dir():
            raise Refused(f"there is no folder content in {site}", "name the practice's folder with --site")
        with Environment():
            paths = write_schemas(site)
        say(
            as_json,
            {"files": paths},
            "VS Code with the YAML extension now completes and checks the files of this site.\n"
            "Other editors: put a line like this one, for an invoice, at the top of a file"
            f" (`portalgen schema KIND` shows it for each kind):\n{modeline('invoice')}",
        )
        return
    click.echo(json.dumps(every[kind] if kind else every, ensure_ascii=False, indent=1))
    if sys.stdout.isatty() and not as_json:
        click.echo(f"\nIn a file, once `portalgen schema --write` has run:\n{modeline(kind or 'invoice')}", err=True)


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the line-completion script of a SHELL.

    \b
    bash:  portalgen completion bash >> ~/.bashrc
    zsh:   portalgen completion zsh >> ~/.zshrc
    fish:  portalgen completion fish > ~/.config/fish/completions/portalgen.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found:
        program = click.get_current_context().find_root().command
        click.echo(found(program, {}, "portalgen", "_PORTALGEN_COMPLETE").source())


COMMANDS = (init, new, schema, completion)
