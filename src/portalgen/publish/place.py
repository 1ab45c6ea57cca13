"""Where an output may lie: in a folder that is ours, and never around or in what the site is made from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from portalgen.publish.manifest import output_key, read_manifest
from portalgen.publish.state import STATE_FOLDER, OutputRefused, failure

_SOURCES = ("content", "templates", STATE_FOLDER, "reports", "hosting")
_HINT_PLACE = "name a folder that holds nothing else, such as output/ in the site's folder"
_HINT_FULL = "name an empty folder, or empty this one if nothing in it is needed"
_HINT_LOST = (
    f"if a build made them, bring .portalgen/ and portalgen.lock back first, or all links change; else {_HINT_FULL}"
)


def checked_output(root: Path, output: Path, *, known: bool = False) -> Path:
    """Where `output` really lies, or `OutputRefused` when nothing may be written there. A relative one starts here.

    `known`: it is in the list of what we wrote, which need not be read to see that.
    """
    site, place = Path(os.path.realpath(root)), Path(os.path.realpath(output))
    for what, folder in _not_around(site):
        if place == folder or place in folder.parents:
            raise OutputRefused(f"the output cannot be {output}: it is, or contains, {what}", _HINT_PLACE)
    for name in _SOURCES:
        folder = Path(os.path.realpath(site / name))
        if folder == place or folder in place.parents:
            raise OutputRefused(f"the output cannot be {output}: it lies in {name}/ of the site", _HINT_PLACE)
    if ".git" in place.parts or os.path.lexists(place / ".git"):
        raise OutputRefused(
            f"the output cannot be {output}: it belongs to a Git repository of its own",
            "publish into an empty folder and copy from there",
        )
    try:
        if os.path.lexists(place) and not place.is_dir():
            raise OutputRefused(f"the output cannot be {output}: that is not a folder", _HINT_PLACE)
        ours = known or output_key(site, place) in read_manifest(site).outputs
        if not ours and (stranger := _stranger(place)) is not None:
            raise OutputRefused(
                f"the output {output} holds files that are not ours, {stranger} for one",
                _HINT_LOST if (place / "p").is_dir() else _HINT_FULL,
            )
    except OSError as error:
        raise failure(error, place) from error
    return place


def _not_around(site: Path) -> Iterator[tuple[str, Path]]:
    """What the output must neither be nor contain."""
    with suppress(RuntimeError):
        yield "your home", Path(os.path.realpath(Path.home()))
    yield "the site's own folder", site
    for name in _SOURCES:
        yield f"{name}/ of the site", Path(os.path.realpath(site / name))


def _stranger(place: Path) -> str | None:
    """The first thing in a folder that no host puts there for its own control."""
    with suppress(FileNotFoundError), os.scandir(place) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            controls = entry.name == "CNAME" or entry.name.startswith(".")
            if not (controls and entry.is_file(follow_symlinks=False)) and entry.name != ".well-known":
                return entry.name
    return None
