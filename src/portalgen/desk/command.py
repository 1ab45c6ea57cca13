"""What the commands share: their common options, exit codes, how problems and refusals are told."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    import datetime as dt

    from portalgen.content.lock import LinkRow
    from portalgen.content.problems import Problem
    from portalgen.content.records.practice import SiteFile
    from portalgen.publish.build import Assembled
    from portalgen.publish.parts import LinkFact

BROKEN, ENVIRONMENT, INTERRUPTED = 2, 4, 130
COUNTS = ("pages", "written", "unchanged", "removed")
Command = TypeVar("Command", bound=Callable[..., Any])


class Refused(Exception):
    """The environment does not let the command do its work: disk, permission, lock, key (exit code 4)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Program(click.Group):
    """The group; turns what may go wrong around the content into exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except click.UsageError as error:
            if not as_json:
                raise
            _print_refusal(ctx, "usage", error.format_message(), "")
            ctx.exit(BROKEN)
        except Refused as refused:
            if as_json:
                _print_refusal(ctx, "environment", refused.message, refused.hint)
            else:
                click.echo(f"error: {refused.message}" + (f"\nhint: {refused.hint}" if refused.hint else ""), err=True)
            ctx.exit(ENVIRONMENT)
        except OSError as error:  # what was done is done; it only cannot be told
            if not isinstance(error, BrokenPipeError):
                message, hint = in_words(error)
                click.echo(f"error: {message}\nhint: {hint}", err=True)
            ctx.exit(ENVIRONMENT)


def _print_refusal(ctx: click.Context, code: str, message: str, hint: str) -> None:
    """One JSON document for what keeps a command from working, with the counts that `build` always has."""
    counts = {**dict.fromkeys(COUNTS, 0), "seconds": 0.0} if ctx.invoked_subcommand == "build" else {}
    place = {"path": "", "line": 0, "column": 0}
    problem = {**place, "code": code, "severity": "error", "message": message, "hint": hint}
    click.echo(json.dumps({**counts, "problems": [problem]}, ensure_ascii=False, indent=1))


if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType  # not generic in click 8.2


class Day(_Type):
    """A date, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day, or a usage error that says what to write."""
        from portalgen.content.records.base import Misfit
        from portalgen.content.scalars import parse_date

        try:
            return parse_date(value) if isinstance(value, str) else value
        except Misfit as misfit:
            self.fail(f"{misfit.message}; {misfit.hint}", param, ctx)


class Parsed(_Type):
    """A text that is read as in the files: the name of a parser of `content.scalars` without its `parse_`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value, or a usage error that says what to write."""
        from portalgen.content import scalars
        from portalgen.content.records.base import Misfit

        try:
            return getattr(scalars, f"parse_{self.name}")(value) if isinstance(value, str) and value else value
        except Misfit as misfit:
            self.fail(f"{misfit.message}; {misfit.hint}", param, ctx)


def common(command: Command) -> Command:
    """The options that every command has."""

    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)
    return click.option(
        "--site",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="The folder that holds content/ [this folder].",
    )(command)


def dated(command: Command) -> Command:
    """The option of commands whose result depends on the day."""
    return click.option(
        "--today", type=Day(), metavar="DATE", help="Work as if it were this day [today, in the practice's zone]."
    )(command)


class Environment:
    """What the key, the lock, the disk and files in the way refuse becomes `Refused`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        from portalgen.desk.scaffold import ScaffoldRefused
        from portalgen.publish.access import KeyProblem
        from portalgen.publish.state import OutputError

        if isinstance(error, KeyProblem | OutputError | ScaffoldRefused):
            raise Refused(error.message, error.hint) from error
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise Refused(*in_words(error)) from error


def broken_off(what: str) -> str:
    """What to say of the error that is being handled, which nobody foresaw: with its traceback."""
    return f"{what} broke off. That is a bug in portalgen:\n\n{traceback.format_exc()}"


def in_words(error: OSError) -> tuple[str, str]:
    """What the system refused, and what to do about it."""
    where = f": {error.filename}" if error.filename else ""
    hint = "check that the folder can be read and written, and that the disk is not full"
    return f"{error.strerror or error}{where}", hint


@contextmanager
def alone(site: Path, as_json: bool) -> Iterator[None]:
    """Be the only one who writes in a site. What is wrong with its files ends the command like a build."""
    from portalgen.desk.books import NotDone, Unclear
    from portalgen.publish.state import build_lock

    if not (site / "content").is_dir():
        raise click.UsageError(
            f"there is no folder content in {site.resolve()}; name the practice's folder with --site"
        )
    with Environment(), build_lock(site):
        try:
            yield
        except NotDone as refused:
            tell(refused.problems, refused.loaded.excerpt, as_json, {}, writes=True)
            sys.exit(BROKEN)
        except Unclear as unclear:
            raise click.UsageError(f"{unclear.message}; {unclear.hint}") from None


def at_terminal(as_json: bool, yes: bool, why: str) -> None:
    """Refuses to print what opens private pages into a file or to another program, unless that is asked for."""
    if not (as_json or yes or sys.stdout.isatty()):
        raise Refused(f"{why}, so it is printed to a terminal only", "add --yes or --json")


def agreed(question: str, yes: bool, as_json: bool) -> None:
    """Asks on a terminal; elsewhere `--yes` must have been given."""
    if yes:
        return
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Refused("this cannot be undone, and nobody can be asked here", "add --yes if you are sure")
    if not click.confirm(question):
        raise Refused("nothing was changed")


def assembled(site: Path, today: dt.date | None, base_url: str) -> tuple[Assembled, Callable[[], float]]:
    import time

    from portalgen.desk.terminal import progress_bar
    from portalgen.publish.build import assemble

    begun = time.perf_counter()
    with progress_bar() as progress:
        result = assemble(site, today=today, base_url=base_url, progress=progress)
    return result, lambda: round(time.perf_counter() - begun, 3)


def ended_links(site: Path, result: Assembled) -> tuple[Problem, ...]:
    """The links that have ended and that an output still opens."""
    from portalgen.publish.ended import unkept

    return unkept(site, result.access, result.files) if result.files is not None and result.access else ()


def report(result: Assembled, as_json: bool, data: dict[str, Any], *, writes: bool = False) -> None:
    """Tell the problems. `writes`: the command would have written the site."""
    tell(result.problems, result.loaded.excerpt, as_json, data, writes=writes)


def tell(
    problems: Sequence[Problem],
    excerpt: Callable[[Problem], str],
    as_json: bool,
    data: dict[str, Any],
    *,
    writes: bool = False,
) -> None:
    """Tell problems, each with the line it is about (`excerpt`): as one document, or in words."""
    from portalgen.content.problems import as_data, render

    if as_json:
        click.echo(json.dumps({**data, "problems": [as_data(p) for p in problems]}, ensure_ascii=False, indent=1))
        return
    colour = sys.stderr.isatty()
    for problem in problems:
        click.echo(render(problem, excerpt(problem), colour) + "\n", err=True)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        nothing = " Nothing was written." if writes else ""
        click.echo(f"{errors} error{'s' if errors > 1 else ''}.{nothing}", err=True)


def given_base_url(text: str | None) -> str:
    if not text:
        return ""
    from portalgen.content.records.base import Misfit
    from portalgen.content.scalars import parse_base_url

    try:
        return parse_base_url(text)
    except Misfit as misfit:
        raise click.UsageError(f"--base-url: {misfit.message}; {misfit.hint}") from None


def links_base(result: Assembled) -> str:
    """The address that private links begin with."""
    return private_base(result.loaded.site.shared.site) if result.loaded.site else ""


def private_base(site: SiteFile) -> str:
    """The address that private links of a site begin with; empty when it does not say."""
    return site.private_base_url or site.base_url or ""


def is_invented(base: str) -> bool:
    """Whether nobody can ever be at this address (RFC 2606): that of an example."""
    return (urlsplit(base).hostname or "").endswith(".example")


def link_data(fact: LinkFact, base: str) -> dict[str, Any]:
    row = fact.row
    expires = fact.expires.isoformat() if fact.expires else None
    return {
        "client": row.client,
        "kind": row.of,
        "ref": row.ref,
        "url": base + (fact.address.removesuffix("/") if "#" in fact.address else fact.address),
        "expires": expires,
        "state": row.state,
    }


def row_data(row: LinkRow) -> dict[str, Any]:
    """A row of the lock that opens nothing: retired, or live in the lock but past its last day."""
    return {
        "client": row.client,
        "kind": row.of,
        "ref": row.ref,
        "url": None,
        "expires": None,
        "state": "expired" if row.state == "live" else row.state,
    }


def say(as_json: bool, data: dict[str, Any], text: str) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=1) if as_json else text)
