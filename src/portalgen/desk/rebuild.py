"""The engine behind the preview of a real site."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from portalgen.desk.engine import Engine


def build_for_preview(root: Path, today: dt.date | None) -> Engine:
    """What shows the site in `root` as it would be built. New links are kept in the lock, so that a page keeps
    its address; an issued document is not, since it may still be under the practitioner's hands."""
    return Engine(root, today)
