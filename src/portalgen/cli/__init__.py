"""The command line: one thin command each. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import gc
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portalgen import __version__
from portalgen.desk.command import (
    BROKEN,
    COUNTS,
    Environment,
    Program,
    Refused,
    assembled,
    common,
    dated,
    ended_links,
    given_base_url,
    say,
    tell,
)

if TYPE_CHECKING:
    import datetime as dt

_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.IGNORECASE)


MODULES = {
    "access": ("links", "link", "forget", "published"),
    "export": ("export",),
    "imports": ("import",),
    "keys": ("key",),
    "letter": ("letter",),
    "log": ("log",),
    "money": ("issue", "pay", "credit", "relock"),
    "review": ("review",),
    "start": ("init", "new", "schema", "completion"),
    "verify": ("verify",),
}
"""Where the commands are that stand in a module of their own, which is imported once one of them is asked for."""
_MODULE_OF = {command: module for module, commands in MODULES.items() for command in commands}


class Main(Program):
    """The group of all commands, those of `MODULES` too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in order."""
        return sorted({*self.commands, *_MODULE_OF})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One by its name."""
        if cmd_name in _MODULE_OF and cmd_name not in self.commands:
            for command in import_module(f"portalgen.cli.{_MODULE_OF[cmd_name]}").COMMANDS:
                self.add_command(command)
        return super().get_command(ctx, cmd_name)


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="portalgen")
def main() -> None:
    """Turn a practice's folder of text into a website with a private page for every client.

    \b
    The first ten minutes:
      portalgen init practice        a folder that builds at once
      portalgen serve --site practice --open
                                     see it, edit the files, watch it change
      portalgen new client ana-horvat --site practice
      portalgen new invoice ana-horvat --site practice
      portalgen issue INVOICE --site practice
                                     its number and date, and it stays as it is
      portalgen build --site practice
                                     the finished site, in practice/output/
      portalgen links --site practice
                                     the links to send to your clients

    Upload output/ to any host. Keep the folder, and .portalgen/key above all: portalgen key show
    prints it for paper.
    """


@main.command()
@click.option("--output", type=click.Path(path_type=Path), help="Where to write [output/ in the site].")
@click.option("--base-url", metavar="URL", help="The address of the finished site, instead of base_url in site.yaml.")
@click.option("--jobs", type=click.IntRange(1, 64), help="How many processes to use at most [as many as pay].")
@click.option("--no-cache", is_flag=True, help="Build everything anew, whatever is remembered.")
@dated
@common
def build(
    output: Path | None,
    base_url: str | None,
    jobs: int | None,
    no_cache: bool,
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Build the site. Nothing is written when there is a problem."""
    import time

    from portalgen.desk.terminal import progress_bar
    from portalgen.publish.state import Unsettled
    from portalgen.publish.whole import build_into

    begun = time.perf_counter()
    target = output or site / "output"
    first = not as_json and not (site / ".portalgen" / "manifest.json").exists()
    with Environment(), progress_bar() as progress:
        try:
            done = build_into(
                site,
                target,
                today=today,
                base_url=given_base_url(base_url),
                remembers=not no_cache,
                jobs=jobs or 0,
                progress=progress,
            )
        except Unsettled as unsettled:
            raise Refused(str(unsettled), "build again when nothing is being saved") from None
    seconds = round(time.perf_counter() - begun, 3)
    if done.ignored and not as_json:
        click.echo(f"note: {done.ignored}, so everything was made anew", err=True)
    if done.written is None:
        tell(done.problems, done.excerpt, as_json, {**dict.fromkeys(COUNTS, 0), "seconds": seconds}, writes=True)
        sys.exit(BROKEN)
    files = done.written
    counts = dict(zip(COUNTS, (done.pages, files.written, files.unchanged, files.removed), strict=True))
    tell(done.problems, done.excerpt, as_json, {**counts, "seconds": seconds})
    if not as_json:
        click.echo(
            f"Built {done.pages} pages into {target} in {seconds:.1f} s: {done.written.written} files written, "
            f"{done.written.unchanged} unchanged, {done.written.removed} removed."
        )
    if first and (site / ".portalgen" / "key").exists():
        click.echo(
            "All links are made from portalgen.lock and the key in .portalgen. Keep a copy of both: portalgen key show "
            f"prints the key for paper.\nNext: upload all of {target}, then send what portalgen links lists"
        )


@main.command()
@dated
@common
def check(today: dt.date | None, site: Path, as_json: bool) -> None:
    """Find every problem without writing anything, and every link that has ended and is still published."""
    from portalgen.cli.verify import UNKEPT

    with Environment():
        result, seconds = assembled(site, today, "")
        open_still = ended_links(site, result)
    told = (*result.problems, *open_still)
    tell(told, result.loaded.excerpt, as_json, {"pages": result.pages, "seconds": seconds()})
    if result.files is None:
        sys.exit(BROKEN)
    if open_still:
        sys.exit(UNKEPT)
    if not as_json:
        click.echo(f"No errors in {result.pages} pages.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port [8000, or the next free one].")
@click.option("--open", "open_browser", is_flag=True, help="Open the browser.")
@click.option("--poll", is_flag=True, help="Look for changes by asking; for network drives.")
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME", help="Answer to this name too, that of your own tunnel."
)
@dated
@common
def serve(
    host: str,
    port: int | None,
    open_browser: bool,
    poll: bool,
    names: tuple[str, ...],
    today: dt.date | None,
    site: Path,
    as_json: bool,
) -> None:
    """Show the site while you write, every edit by itself, and beside it your desk: what to do this week."""
    from portalgen.desk.board import PLACE, Board
    from portalgen.desk.engine import Engine
    from portalgen.desk.preview import PreviewFailed
    from portalgen.desk.preview import serve as run

    def announce(address: str) -> None:
        desk = f"{address.rstrip('/')}{PLACE}"
        told = f"Your site is at {address}\nYour desk is at {desk}"
        last = "Every change to a file shows at once. Ctrl-C ends the preview."
        say(as_json, {"url": address, "desk": desk}, f"{told}\n{last}")
        sys.stdout.flush()

    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise click.UsageError(f"--allow-host: '{name}' is no host; write the name alone, such as desk.example.org")
    gc.enable()
    try:
        run(
            site,
            Engine(site, today),
            host=host,
            port=port,
            open_browser=open_browser,
            poll=poll,
            board=Board(site, today, names),
            announce=announce,
            report=lambda text: click.echo(text, err=True),
        )
    except PreviewFailed as failed:
        raise Refused(failed.message, failed.hint) from None
