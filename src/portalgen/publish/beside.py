"""The folder `hosting/`: what the practitioner puts in place at the host. A file that somebody changed stays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from portalgen.publish.state import failure, write_whole

FOLDER = "hosting"


def write_beside(root: Path, files: Mapping[str, bytes]) -> None:
    """Writes those files (by their path below `hosting/`) that are missing, or stand there as portalgen made them.

    Raises `OutputFailed`.
    """
    from portalgen.publish.hosting import is_untouched

    folder = root / FOLDER
    try:
        for path, content in files.items():
            place = folder / path
            there = place.read_bytes() if os.path.lexists(place) else None
            if there == content or (there is not None and not is_untouched(there)):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(str(place), content, 0o644)
    except OSError as error:
        raise failure(error, folder) from error


def stand_beside(root: Path, paths: Iterable[str]) -> bool:
    """Whether all these files are in `hosting/`, in whatever state."""
    return all(os.path.lexists(root / FOLDER / path) for path in paths)
