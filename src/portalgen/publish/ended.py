"""Pages of links that have ended: which of them the output still lacks, and those that no build can make again.

Pages made under a key that `key rotate` took away are kept as files in `.portalgen/tombstones/CLIENT/`, by their path
in the output. They hold no secret. Hold the build lock to keep or drop some.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from portalgen.content.lock import LOCK, LinkRow
from portalgen.content.model import Site
from portalgen.content.problems import Finding, Problem
from portalgen.publish.access import Access
from portalgen.publish.manifest import read_manifest
from portalgen.publish.memory import shut
from portalgen.publish.parts import Workshop
from portalgen.publish.state import TOMBSTONES, is_plain, remember_folder, state_folder, write_whole
from portalgen.site.links import shown
from portalgen.site.theme import load as load_theme


class NoTheme(Exception):
    """The templates have problems, so no page can be made."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


def ended_pages(root: Path, site: Site, access: Access, today: dt.date | None) -> dict[str, Mapping[str, bytes]]:
    """What stands at every ended link of each client, by path. Raises `NoTheme` and `TemplateProblem`."""
    shared = site.shared
    theme, findings = load_theme(root, shared.site)
    if theme is None:
        raise NoTheme(tuple(findings))
    day = today or dt.datetime.now(ZoneInfo(shared.site.practice.timezone)).date()
    workshop = Workshop(shared, theme, shared.site.base_url or "", day, access)
    return {client: workshop.gone(access.rows(client), site.clients.get(client)) for client in access.clients}


def still_open(
    root: Path, access: Access, rows: Iterable[LinkRow], files: Mapping[str, bytes]
) -> Iterator[tuple[LinkRow, str]]:
    """Ended links at which an output of the site still holds something else than `files` has there, with its path.

    What had ended when the output was built last is over there, whatever the page that says so looks like by now.
    """
    held: dict[str, list[tuple[str, str]]] = {}
    for name, owned in read_manifest(root).outputs.items():
        for path in owned.files:
            if path.startswith("p/"):
                held.setdefault(path.split("/")[1], []).append((name, path))
    outputs = _outputs(root)
    told = shut(root)
    for row in rows if held else ():
        if row.key_id:
            continue
        for sealed in (False, True):
            own = access.address(row, sealed=sealed).split("/")[1].partition("#")[0]
            for name, path in sorted(held.get(own, ())):
                if row.salt not in told.get(name, ()) and _differs(outputs[name] / path, files.get(path)):
                    yield row, f"{name}/{path}"


def unkept(root: Path, access: Access, files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Links that have ended and that an output of the site still opens, as it was built last (sealing §4).

    `files` is what a build would publish now.
    """
    rows = [row for row in access.lock.links if row.state != "live" or row in access.expiring]
    found = dict(reversed([*still_open(root, access, rows, files)]))
    lines = (root / LOCK).read_text(encoding="utf-8-sig").split("\n") if found else []
    reasons = {"replaced": "was replaced", "revoked": "was ended"}

    def problem(what: str, path: str, sign: str = "") -> Problem:
        line = next((number for number, text in enumerate(lines, 1) if sign and sign in text), 1)
        hint = "run portalgen build and upload now"
        message = f"{what}, and {shown(path)} still opens"
        return Problem(path=LOCK, line=line, column=1, code="still-published", message=message, hint=hint)

    pages = [path for _, path in _kept(root)]
    rekeyed = [
        problem("a link ended with the key that made it", f"{name}/{path}")
        for name, output in sorted(_outputs(root).items())
        for path in pages
        if _differs(output / path, files.get(path))
    ]
    return (
        *rekeyed,
        *(
            problem(
                f"the link of {row.client} ({row.of} {row.ref}) {reasons.get(row.state, 'has expired')}", path, row.salt
            )
            for row, path in sorted(found.items())
        ),
    )


def _outputs(root: Path) -> dict[str, Path]:
    """Where the site was ever published to, by the name in the manifest."""
    site = Path(os.path.realpath(root))
    return {name: site / name for name in read_manifest(site).outputs}


def _differs(place: Path, wanted: bytes | None) -> bool:
    try:
        return place.read_bytes() != wanted
    except OSError:
        return False


def keep(root: Path, client: str, pages: Mapping[str, bytes]) -> None:
    """Keeps pages of a client's ended links. All of them are on the disk when this returns."""
    state_folder(root)
    for path, page in sorted(pages.items()):
        place = _folder(root, client) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(str(place), page, 0o600, durable=True)
    if pages:
        remember_folder(str(root / TOMBSTONES))


def kept(root: Path, client: str = "") -> dict[str, bytes]:
    """The pages that were kept, of one client or of all, by their path in the output."""
    found = {}
    for place, path in _kept(root):
        if client and _folder(root, client) not in place.parents:
            continue
        with suppress(OSError):
            found[path] = place.read_bytes()
    return found


def drop(root: Path, client: str) -> int:
    """Forgets the pages of a client. Returns how many there were."""
    folder = _folder(root, client)
    count = len(kept(root, client))
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    with suppress(OSError):
        folder.parent.rmdir()
    return count


def _folder(root: Path, client: str) -> Path:
    if not is_plain(client) or "/" in client:
        raise ValueError(f"not the name of a client: {client!r}")
    return root / TOMBSTONES / client


def _kept(root: Path) -> Iterator[tuple[Path, str]]:
    base = root / TOMBSTONES
    with suppress(FileNotFoundError):
        for client in sorted(entry for entry in base.iterdir() if entry.is_dir() and not entry.is_symlink()):
            for top, _, names in os.walk(client):
                for name in sorted(names):
                    place = Path(top, name)
                    path = place.relative_to(client).as_posix()
                    if path.startswith("p/") and path.endswith(".html") and not place.is_symlink():
                        yield place, path
