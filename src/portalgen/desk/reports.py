"""`reports/`: what only the practitioner reads. Never published, never committed, open to no other user (design §4)."""

from __future__ import annotations

from pathlib import Path

from portalgen.publish.state import write_whole

REPORTS = "reports"


def reports_folder(root: Path, name: str) -> Path:
    """The folder `reports/NAME/` of a site, made when it is missing. Raises `OSError`."""
    folder = root / REPORTS
    for place in (folder, folder / name):
        place.mkdir(mode=0o700, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_whole(str(ignore), b"*\n", 0o600)
    return folder / name
