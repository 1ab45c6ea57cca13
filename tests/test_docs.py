"""The documentation says what holds: its examples build, its tables name every field, its commands and links exist."""

from __future__ import annotations

import ast
import datetime as dt
import re
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import click
import jinja2
import pytest
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.filters import FILTERS

from portalgen.cli import main
from portalgen.content.convert import fields_of
from portalgen.content.kinds import KINDS
from portalgen.content.loader import load
from portalgen.content.records.base import For, Record
from portalgen.content.scalars import Period
from portalgen.rules.account import account_of
from portalgen.rules.totals import PricedLine, TaxKey, compute
from portalgen.site import views
from portalgen.site.theme import Theme
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, ROOT, invoke, minimal_site
from tests.unlocking import sealed

DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
_EXAMPLE = re.compile(r"^```\w+ path=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CELL = re.compile(r"(?<!\\)\|")


def text_of(name: str) -> str:
    """The text of a page of the docs."""
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of the table that a text begins with, without its head."""
    lines = []
    for line in text.lstrip("\n").splitlines():
        if not line.startswith("|"):
            break
        lines.append([cell.strip() for cell in _CELL.split(line.strip().strip("|"))])
    return lines[2:]


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table_in(text: str) -> str:
    """A text from its first table on."""
    return text[text.index("\n|") + 1 :]


def code_words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# --- examples -----------------------------------------------------------------------------------------


def examples() -> dict[str, str]:
    """Every complete file in the docs, by its path in a site."""
    found: dict[str, str] = {}
    for page in PAGES:
        for path, text in _EXAMPLE.findall(page.read_text(encoding="utf-8")):
            assert path not in found, f"{page.name}: {path} is shown twice"
            found[path] = text
    return found


@pytest.fixture(scope="module")
def documented_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All examples, as one site."""
    root = tmp_path_factory.mktemp("documented")
    for path, text in examples().items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def test_the_examples_build_without_a_problem(documented_site: Path) -> None:
    result = invoke("build", "--site", documented_site, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    assert result.json["problems"] == []


def test_every_kind_has_an_example_and_a_page() -> None:
    paths = [path.removeprefix("content/").replace("clients/ana-horvat/", "") for path in examples()]
    index = text_of("kinds/README.md")
    for kind in KINDS:
        pattern = re.escape(kind.path).replace(r"\*", "[^/]+")
        assert any(re.fullmatch(pattern, path) for path in paths), f"no example of {kind.path}"
        assert f"({kind.name}.md)" in index
        assert f"`{kind.path}`" in index
        assert kind.path in text_of(f"kinds/{kind.name}.md").partition("\n")[0]


# --- fields -------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A field as a table of the docs has it."""

    name: str
    needed: str
    audience: str


def tables(page: Path) -> Iterator[tuple[str, list[Row]]]:
    """The tables of fields on a page, each with the name of its record."""
    text = page.read_text(encoding="utf-8")
    for mark in re.finditer(r"<!-- fields: (\w+) -->\n", text):
        found = rows(text[mark.end() :])
        yield mark[1], [Row(row[0].strip("`"), row[1], re.split(r"\W", row[3])[0]) for row in found]


def nested(hint: Any) -> list[type[Record]]:
    """The records that a type hint holds."""
    if isinstance(hint, type) and issubclass(hint, Record):
        return [hint]
    return [found for inner in get_args(hint) if inner is not types.NoneType for found in nested(inner)]


def reachable(record: type[Record], found: dict[str, type[Record]]) -> dict[str, type[Record]]:
    """The record and all records in its fields, by name."""
    if record.__name__ not in found:
        found[record.__name__] = record
        for _, hint in fields_of(record).values():
            for inner in nested(hint):
                reachable(inner, found)
    return found


def marked(hint: Any) -> str:
    """The audience that a field itself names, or nothing."""
    if get_origin(hint) is Annotated:
        return next((mark.audience for mark in get_args(hint)[1:] if isinstance(mark, For)), "")
    if get_origin(hint) in (Union, types.UnionType):
        return next(filter(None, map(marked, get_args(hint))), "")
    return ""


def fields(record: type[Record]) -> list[Row]:
    """The fields as the record defines them."""
    found = []
    for name, (field, hint) in fields_of(record).items():
        audience = marked(hint) or ("below" if nested(hint) else record.audience)
        found.append(Row(name, "required" if field.required else written(field.default), audience))
    return found


def written(default: Any) -> str:
    """A default as it would be written, in backticks; `optional` where leaving the key out means none of it."""
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case Period():
            return f"`{default.count}{default.unit}`"
        case str() | int() | Decimal():
            return f"`{default}`"
        case (str(), *_):
            return f"`[{', '.join(default)}]`"
        case _:
            return "optional"


@pytest.mark.parametrize("kind", sorted({kind.name for kind in KINDS}))
def test_the_page_of_a_kind_has_a_table_for_each_of_its_records(kind: str) -> None:
    record = next(entry.record for entry in KINDS if entry.name == kind)
    page = DOCS / "kinds" / f"{kind}.md"
    here = dict(tables(page))
    shared = dict(tables(DOCS / "kinds" / "shared.md"))
    wanted = reachable(record, {})
    assert set(here) == set(wanted) - set(shared)
    for name, found in here.items():
        assert found == fields(wanted[name]), name


def test_the_shared_tables_are_those_of_the_records() -> None:
    every: dict[str, type[Record]] = {}
    for kind in KINDS:
        reachable(kind.record, every)
    for name, found in tables(DOCS / "kinds" / "shared.md"):
        assert found == fields(every[name]), name


def test_a_word_for_every_option() -> None:
    """Where a field takes one of several words, its row names them all."""
    for page in sorted((DOCS / "kinds").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for mark in re.finditer(r"<!-- fields: (\w+) -->\n", text):
            record = _records()[mark[1]]
            for row in rows(text[mark.end() :]):
                _, hint = fields_of(record)[row[0].strip("`")]
                missing = set(_choices(hint)) - set(code_words(row[2]))
                assert not missing, f"{page.name}: {row[0]} lacks {sorted(missing)}"


def _records() -> Mapping[str, type[Record]]:
    every: dict[str, type[Record]] = {}
    for kind in KINDS:
        reachable(kind.record, every)
    return every


def _choices(hint: Any) -> Iterator[str]:
    if get_origin(hint) is Literal:
        yield from map(str, get_args(hint))
    elif not nested(hint):
        for inner in get_args(hint):
            if inner is not types.NoneType:
                yield from _choices(inner)


# --- links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    text = re.sub(r"^ {4}.*$|`[^`]*`", "", text, flags=re.MULTILINE)
    for link in _LINK.findall(text):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes from the headings of a page."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    return {heading.strip().replace(" ", "-") for heading in plain}


# --- commands -----------------------------------------------------------------------------------------


def options(command: click.Command) -> set[str]:
    """The long options of a command."""
    return {
        name
        for option in command.params
        if isinstance(option, click.Option)
        for name in option.opts
        if name[:2] == "--"
    }


def every_command() -> dict[str, click.Command]:
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def test_every_command_and_option_is_documented_and_no_other() -> None:
    text = text_of("commands.md")
    headings = set(re.findall(r"^## portalgen (\w+)$", text, re.MULTILINE))
    assert headings == set(every_command())
    common = {word.split()[0] for row in rows(text.partition("takes these two:\n")[2]) for word in code_words(row[0])}
    for name, command in every_command().items():
        part = section(text, f"portalgen {name}")
        table = part.partition("| with | does |")[2]
        own = (
            {word.split()[0] for row in rows("| with | does |" + table) for word in code_words(row[0])}
            if table
            else set()
        )
        known = options(command)
        if isinstance(command, click.Group):
            assert set(re.findall(rf"`portalgen {name} (\w+) ", part)) == set(command.commands)
            known = set().union(*(options(child) for child in command.commands.values()))
        assert known - own == (set() if name == "completion" else common), name
        assert own <= known, name


def mentioned() -> set[tuple[str, str]]:
    """Every `portalgen …` that a page shows, with its page."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"^ {4}portalgen (.+)$", text, re.MULTILINE) + re.findall(r"`portalgen ([^`]+)`", text):
            found.add((page.name, line))
    return found


def test_commands_that_are_mentioned_exist() -> None:
    assert len(mentioned()) > 20
    commands = every_command()
    for page, line in mentioned():
        words = line.split("#")[0].split()
        if words[0].startswith("-") or words[0] == "COMMAND":
            continue
        command = commands.get(words[0])
        if isinstance(command, click.Group):
            command = command.commands.get(words[1])
        assert command, f"{page}: portalgen {line}"
        for word in words[1:]:
            assert not word.startswith("--") or word in options(command) | {"--help"}, f"{page}: portalgen {line}"


def test_the_json_documents_have_the_documented_fields(tmp_path: Path) -> None:
    site = tmp_path / "practice"
    text = text_of("commands.md")

    def fields_named(name: str) -> set[str]:
        said = section(text, f"portalgen {name}").partition("\nJSON: ")[2].partition("\n\n")[0]
        return set(code_words(re.sub(r"\([^)]*\)", "", said)))

    def keys(*args: str | Path) -> set[str]:
        result = invoke(*args, "--json")
        assert result.code == 0, result
        data = result.json
        return set(data[0] if isinstance(data, list) else data)

    assert keys("init", site) == fields_named("init")
    assert keys("build", "--site", site) == fields_named("build")
    assert keys("check", "--site", site) == fields_named("check")
    assert keys("new", "client", "ana-horvat", "--site", site) == fields_named("new")
    assert keys("links", "--site", site) == fields_named("links")
    broken = invoke("build", "--site", tmp_path, "--json")
    assert broken.code == 2, broken
    table = rows(table_in(section(text, "Problems as data")))
    assert set(broken.json["problems"][0]) == {word for row in table for word in code_words(row[0])}


# --- templates ----------------------------------------------------------------------------------------


class Rendered(NamedTuple):
    """What a build rendered: the view of each template, the names every template sees, filters and globals."""

    views: dict[str, str]
    names: set[str]
    filters: set[str]
    globals: set[str]


@pytest.fixture(scope="module")
def rendered(documented_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """What the examples' pages are made from."""
    found = Rendered({}, set(), set(), set())
    make_page, make_context = Theme.render, jinja2.Template.new_context

    def render(self: Theme, template: str, *, view: views.View, **frame: Any) -> str:
        found.views[template] = type(view).__name__
        return make_page(self, template, view=view, **frame)

    def new_context(self: jinja2.Template, names: Any = None, *args: Any, **options: Any) -> Any:
        environment = self.environment
        if names and "view" in names:
            found.names.update(set(names) - set(environment.globals))
            own = set(environment.filters) - set(FILTERS)
            found.filters.update(name for name in own if not name.startswith("trans_"))  # what {% trans %} becomes
            found.globals.update(set(environment.globals) - set(DEFAULT_NAMESPACE))
        return make_context(self, names, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Theme, "render", render)
        patch.setattr(jinja2.Template, "new_context", new_context)
        result = invoke("check", "--site", documented_site, "--today", DEMO_DAY, "--json")
        site = tmp_path_factory.mktemp("sealed")
        minimal_site(site, {**MINIMAL_CLIENT, "content/site.yaml": sealed(MINIMAL["content/site.yaml"])})
        assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 0
        assert invoke("link", "revoke", "ana", "--site", site).code == 0
        assert invoke("build", "--site", site, "--today", DEMO_DAY).code == 0
    assert result.code == 0, result
    return found


def templates() -> set[str]:
    """Every template of the theme."""
    folder = ROOT / "templates"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}


def test_every_template_is_documented_with_its_view(rendered: Rendered) -> None:
    text = text_of("templates.md")
    pages = {code_words(row[0])[0]: code_words(row[1])[0] for row in rows(table_in(section(text, "The pages")))}
    others = {code_words(row[0])[0] for row in rows(table_in(section(text, "The parts")))}
    assert pages == rendered.views
    assert pages.keys() | others == templates()
    assert not pages.keys() & others


def test_every_view_is_documented_with_its_fields(rendered: Rendered) -> None:
    documented = {
        code_words(row[0])[0]: tuple(code_words(row[1]))
        for row in rows(table_in(section(text_of("templates.md"), "What views hold")))
    }
    wanted = {
        name: view.__struct_fields__
        for name, view in vars(views).items()
        if isinstance(view, type) and issubclass(view, views.View) and view is not views.View
    }
    assert documented == wanted
    assert set(rendered.views.values()) <= wanted.keys()


def test_every_function_and_filter_is_documented(rendered: Rendered) -> None:
    text = text_of("templates.md")
    names = {
        word.partition("(")[0]
        for row in rows(table_in(section(text, "What every template has")))
        for word in code_words(row[0])
    }
    filters = {code_words(row[0])[0].partition("(")[0] for row in rows(table_in(section(text, "Filters")))}
    words = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
    assert names == (rendered.names | rendered.globals) - words
    assert filters == rendered.filters


# --- problems -----------------------------------------------------------------------------------------

MAKERS = {
    "Finding", "Problem", "Flaw", "Slip", "Misplaced", "Misfit", "Resolved", "report", "find", "_find", "_finding", "_problem",
}  # fmt: skip
"""What makes a problem. Its code is the keyword `code`, or the first text in it that looks like one."""


def codes() -> dict[str, str]:
    """Every code of a problem in the source, with its severity."""
    found = {"bad-value": "error", "environment": "error"}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if file.parent.name == "content" and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                named = {name.id for name in node.targets if isinstance(name, ast.Name)}
                found.update({str(node.value.value): "error"} if "code" in named else {})
            elif isinstance(node, ast.Call) and (code := _code(node)):
                values = [*node.args, *(word.value for word in node.keywords if word.arg == "severity")]
                mild = any(isinstance(value, ast.Constant) and value.value == "warning" for value in values)
                mild |= any(word.arg == "warning" for word in node.keywords)
                found[code] = "warning" if mild else "error"
    return found


def _code(call: ast.Call) -> str:
    """The code of a problem that a call makes, or nothing."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    values = [word.value for word in call.keywords if word.arg == "code"] or call.args
    texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return next((text for text in texts if name in MAKERS and re.fullmatch(r"[a-z]+(-[a-z]+)*", text)), "")


def test_every_problem_is_documented_and_no_other() -> None:
    table = [line.split("|") for line in text_of("problems.md").splitlines() if line.startswith("| `")]
    assert len(table) == len({row[1] for row in table})
    assert {row[1].strip(" `"): row[2].strip() for row in table} == codes()


# --- money --------------------------------------------------------------------------------------------


def test_the_worked_example_is_right(documented_site: Path) -> None:
    site = load(documented_site).site
    assert site
    account, findings = account_of(site.shared, site.clients["ben-okafor"], dt.date.fromisoformat(DEMO_DAY))
    assert not findings
    facts = account.invoices["2026-0002"]
    totals, status = facts.totals, facts.status
    groups = {group.key.category: group for group in totals.groups}
    computed = {
        "first line": totals.amounts[0],
        "second line": totals.amounts[1],
        "third line": totals.amounts[2],
        "sum of lines": totals.line_total,
        "discount": totals.discount,
        "exempt base": groups["E"].base,
        "taxed base": groups["S"].base,
        "tax": totals.total_tax,
        "total": totals.total,
        "first part": facts.parts[0].amount,
        "second part": facts.parts[1].amount,
        "last part": facts.parts[2].amount,
        "paid": facts.entries.paid,
        "credited": facts.entries.credited,
        "balance": status.balance,
        "due next": status.due_now,
        "credit": account.credit["EUR"],
    }
    table = rows(text_of("money.md").partition("<!-- computed: 2026-0002 -->\n")[2])
    assert {row[0]: Decimal(row[2]) for row in table} == computed


def test_the_example_of_prices_with_tax_is_right() -> None:
    numbers = re.search(r"Four lines of (.+?) at 7 % come to (\S+): (\S+) and (\S+) tax", text_of("money.md"))
    assert numbers
    lines = [
        PricedLine(
            description="", quantity=Decimal(1), unit_price=Decimal(price), unit="item", tax=TaxKey("S", Decimal(7))
        )
        for price in re.findall(r"\d+\.\d\d", numbers[1])
    ]
    totals = compute(lines, "EUR", includes_tax=True)
    said = tuple(Decimal(number) for number in numbers.groups()[1:])
    assert said == (totals.total, totals.total_without_tax, totals.total_tax)


def test_the_example_of_an_invoice_is_right(documented_site: Path) -> None:
    site = load(documented_site).site
    assert site
    account, _ = account_of(site.shared, site.clients["ana-horvat"], dt.date.fromisoformat(DEMO_DAY))
    total = account.invoices["2026-0001"].totals
    said = re.search(r"session (\S+); the report is (\S+) and (\S+) tax\. Together (\S+),", text_of("kinds/invoice.md"))
    assert said
    assert tuple(map(Decimal, said.groups())) == (*total.amounts, total.total_tax, total.total)
