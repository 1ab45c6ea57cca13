"""Questions to the disk about one path, and the folders above it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator


def parents(path: str) -> Iterator[str]:
    """The folders above a path, from the top down."""
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)


def folders_of(files: Iterable[str]) -> frozenset[str]:
    """Every folder above some files."""
    found: set[str] = set()
    for path in files:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)


def fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def mode_of(place: str) -> int | None:
    """The type bits of what stands there; None when nothing does."""
    try:
        return os.lstat(place).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_file(place: str) -> bytes:
    with open(place, "rb", buffering=0) as file:
        return file.read()


def same_file(one: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False


class Folders:
    """Makes folders that the host can read, whatever the umask is here.

    What is below a new folder comes as that one came, so its mode is not asked for again.
    """

    def __init__(self) -> None:
        self._masked: dict[str, bool] = {}

    def make(self, place: str) -> None:
        """One folder in one that is there. Raises `FileExistsError`."""
        os.mkdir(place, 0o755)
        masked = self._masked.get(os.path.dirname(place))
        if masked is None:
            masked = os.lstat(place).st_mode & 0o777 != 0o755
        if masked:
            os.chmod(place, 0o755)
        self._masked[place] = masked
