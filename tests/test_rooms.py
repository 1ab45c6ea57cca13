"""The house has rooms, each knows only those before it, and no import goes in a circle (docs: the rooms table)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import ROOT

SOURCE = ROOT / "src"
ROOMS = ("content", "rules", "site", "publish", "desk", "cli")
"""In this order: a room may import from itself and from those before it."""

ENTRANCES = ("portalgen", "portalgen.__main__")
"""Modules outside every room: the package, which holds its version, and `python -m portalgen`."""

LONGEST = 400
LONG: Mapping[str, str] = {}
"""Modules that may pass `LONGEST` lines, each with the reason why it is still one thing."""


def _modules(source: Path) -> dict[str, Path]:
    """Every module below `source` by its full name."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(name: str, path: Path, modules: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The modules of ours that a module imports, with the line; anywhere in it, for types only included."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # `from a import b` takes the module a.b where there is one, and else a name out of a
            targets = [full if (full := f"{base}.{alias.name}") in modules else base for alias in node.names]
        else:
            continue
        for target in targets:
            if target in modules:
                yield target, node.lineno


def _room(module: str) -> str | None:
    parts = module.split(".")
    return None if module in ENTRANCES else parts[1]


def upward_imports(source: Path) -> list[str]:
    """Each import of a room from one that stands after it."""
    modules = _modules(source)
    wrong = []
    for name, path in modules.items():
        room = _room(name)
        if room is not None and room not in ROOMS:
            wrong.append(f"{name} stands in no room: add it to one of {', '.join(ROOMS)}")
            continue
        for target, line in _imports(name, path, modules):
            target_room = _room(target)
            if target_room is None or target_room not in ROOMS or name == "portalgen.__main__":
                continue
            if room is None:
                wrong.append(f"{name}:{line} imports {target}: the package itself knows no room")
            elif ROOMS.index(target_room) > ROOMS.index(room):
                wrong.append(f"{name}:{line} imports {target}: {room} knows nothing of {target_room}")
    return wrong


def cycles(source: Path) -> list[list[str]]:
    """Import circles, each once, as the path that closes it."""
    modules = _modules(source)
    graph = {name: sorted({target for target, _ in _imports(name, path, modules)}) for name, path in modules.items()}
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
        elif name not in done:
            for target in graph[name]:
                visit(target, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def test_a_room_imports_only_from_rooms_before_it() -> None:
    assert not (wrong := upward_imports(SOURCE)), "\n".join(wrong)


def test_no_import_goes_in_a_circle() -> None:
    assert not (found := cycles(SOURCE)), "\n".join(" → ".join(path) for path in found)


def test_no_module_outgrows_its_room() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in _modules(SOURCE).values()
    }
    too_long = {path: length for path, length in lengths.items() if length > LONGEST and path not in LONG}
    assert not too_long, f"past {LONGEST} lines without a reason in LONG: {too_long}"
    stale = [path for path in LONG if lengths.get(path, 0) <= LONGEST]
    assert not stale, f"no longer past {LONGEST} lines, take them out of LONG: {stale}"


@pytest.mark.parametrize(
    "statement",
    [
        "import portalgen.site.pages",
        "from portalgen.site import pages",
        "from portalgen.site.pages import Page",
        "from ..site import pages",
        "from ..site.pages import Page",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from portalgen.site.pages import Page",
        "def late() -> None:\n    from portalgen.site import pages",
    ],
)
def test_every_way_to_import_upward_is_seen(tmp_path: Path, statement: str) -> None:
    _house(tmp_path, {"rules/billing.py": statement, "site/pages.py": "class Page: ..."})
    assert len(upward_imports(tmp_path)) == 1


def test_a_circle_is_seen_and_a_package_that_gathers_its_modules_is_none(tmp_path: Path) -> None:
    _house(
        tmp_path,
        {"rules/__init__.py": "from .money import add", "rules/money.py": "from . import tax", "rules/tax.py": ""},
    )
    assert cycles(tmp_path) == []
    _house(tmp_path, {"rules/tax.py": "from portalgen.rules.money import add"})
    assert cycles(tmp_path) == [["portalgen.rules.money", "portalgen.rules.tax", "portalgen.rules.money"]]


def _house(source: Path, files: Mapping[str, str]) -> None:
    for room in ("", "rules", "site"):
        folder = source / "portalgen" / room
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    for name, text in files.items():
        (source / "portalgen" / name).write_text(text, encoding="utf-8")
