"""Whether a build would change nothing, by what the system says of every file: asked first, so it imports little."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from portalgen.publish.beside import stand_beside
from portalgen.publish.fingerprint import Fingerprint, fingerprint, stands
from portalgen.publish.key import KeyProblem, key_id_of
from portalgen.publish.memory import Last, program, stand

LOCK = "portalgen.lock"


def untouched(root: Path, output: Path, last: Last, today: dt.date | None, base_url: str) -> bool:
    """Whether all that the last build into `output` came from and gave stands as it was left."""
    return (
        same_ground(root, last, base_url)
        and last.made <= day_of(last, today) <= min(unit.until for unit in last.units)
        and bool(last.lock_seen.files) == (root / LOCK).exists()
        and stands(root, last.lock_seen)
        and all(stands(root, unit.sources) for unit in last.units)
        and all(stand(output, unit.outputs) for unit in last.units)
        and stand(output, last.gone)
        and stand_beside(root, last.beside)
    )


def same_ground(root: Path, last: Last, base_url: str) -> bool:
    """Whether the program, the key and the address of the site are those of the last build."""
    try:
        key_id = key_id_of(root)
    except KeyProblem:
        return False
    return (last.program, last.base_url, last.key_id) == (program(), base_url, key_id)


def day_of(last: Last, today: dt.date | None) -> dt.date:
    """The day that a build is for: `today`, or the day it is now where the practice is."""
    return today or dt.datetime.now(ZoneInfo(last.timezone)).date()


def lock_fingerprint(root: Path) -> Fingerprint:
    """The lock; without files where there is none."""
    try:
        return fingerprint(root, (), (LOCK,))
    except OSError:
        return Fingerprint(0, (), ())
