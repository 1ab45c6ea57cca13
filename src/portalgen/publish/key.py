"""The key on disk: where it is found, when it is refused, how it is put in place (sealing §3)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from portalgen.content.lock import LOCK, read_lock
from portalgen.publish.manifest import read_manifest
from portalgen.publish.state import STATE_FOLDER, OutputError, is_unfinished, remember_folder, stage
from portalgen.site.sealing import Keyring, KeyTextError, checked, unchecked

KEY = ".portalgen/key"
NEXT = ".portalgen/key.next"
"""Where `key rotate` keeps the new key until the lock names it."""

VARIABLE, FILE_VARIABLE = "PORTALGEN_KEY", "PORTALGEN_KEY_FILE"


class KeyProblem(Exception):
    """The key is missing, unreadable or another one; the command leaves with exit code 4."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class FoundKey(msgspec.Struct, frozen=True):
    """The site's secret M (32 bytes) and where it came from: a path, or the name of a variable."""

    secret: bytes
    place: str


def find_key(root: Path, key_id: str = "") -> FoundKey | None:
    """The key that a build would use; None when there is none yet. Raises `KeyProblem` when it must not be used.

    `key_id` is the one that the lock names: it tells which key counts while a `key rotate` is half done.
    """
    if text := os.environ.get(VARIABLE):
        return FoundKey(parse_key(text, VARIABLE), VARIABLE)
    path = key_path(root)
    found = _read(root, path)
    if found is None and path != root / KEY:
        raise KeyProblem(f"{FILE_VARIABLE} names {path}, which is not there", "name the file that holds the key")
    if key_id and (found is None or Keyring(found).key_id != key_id):
        coming = _read(root, root / NEXT)
        if coming and Keyring(coming).key_id == key_id:
            return FoundKey(coming, str(root / NEXT))
    return FoundKey(found, str(path)) if found else None


def key_path(root: Path) -> Path:
    """The file that holds the key, or will."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named) if named else root / KEY


def key_id_of(root: Path) -> str:
    """The id of the key that a build would use now; empty when there is none yet. Raises `KeyProblem`."""
    found = find_key(root)
    return Keyring(found.secret).key_id if found else ""


def parse_key(text: str, where: str) -> bytes:
    """M from its 56 characters, however they are spaced. Raises `KeyProblem`."""
    try:
        return unchecked(text)
    except KeyTextError:
        raise _broken(where) from None


def create_key(path: Path, secret: bytes) -> None:
    """Puts the first key in place. Raises `FileExistsError` when there is one: none is ever replaced by accident."""
    temporary = _staged(path, secret)
    try:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without such links
            if os.path.lexists(path):
                raise FileExistsError(f"there is a key already: {path}") from None
            os.rename(temporary, path)
    finally:
        with suppress(OSError):
            os.unlink(temporary)
    remember_folder(str(path.parent))


def replace_key(path: Path, secret: bytes) -> None:
    """Puts another key in place, whole."""
    os.replace(_staged(path, secret), path)
    remember_folder(str(path.parent))


def settle_key(root: Path) -> None:
    """Ends what a killed `key rotate` left: its new key goes to its place if the lock names it, else it goes.

    So does every half of a file that a killed run left in `.portalgen/`: it may hold a key. Hold the build lock.
    """
    with suppress(FileNotFoundError), os.scandir(root / STATE_FOLDER) as entries:
        for entry in entries:
            if is_unfinished(entry.name):
                os.unlink(entry.path)
    coming = root / NEXT
    secret = _read(root, coming)
    if secret is None:
        return
    text = (root / LOCK).read_text(encoding="utf-8-sig", errors="replace") if (root / LOCK).exists() else ""
    if Keyring(secret).key_id == read_lock(text)[0].key_id:
        replace_key(key_path(root), secret)
    coming.unlink()


def refuse_within(path: Path, folders: Iterable[Path]) -> None:
    """Refuses a key that would lie where it would be published or read as content. Raises `KeyProblem`."""
    real = Path(os.path.realpath(path))
    for folder in folders:
        if Path(os.path.realpath(folder)) in real.parents:
            raise KeyProblem(
                f"the key {path} lies in {folder}, where it would be published or shared",
                f"keep it elsewhere, in {KEY} for one, and after that make a new one: portalgen key rotate",
            )


def _staged(path: Path, secret: bytes) -> str:
    """A finished key under a name of its own beside `path`; nobody else can read it at any moment."""
    temporary = stage(str(path), b"", 0o600)
    try:
        with open(temporary, "w", encoding="ascii", newline="\n") as file:
            file.write(checked(secret) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    return temporary


def _read(root: Path, path: Path) -> bytes | None:
    """The key in a file, None when there is no such file."""
    try:
        info = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(info.st_mode):
        raise KeyProblem(f"the key {path} is a link to another place", "put the key itself there")
    if not stat.S_ISREG(info.st_mode):
        raise KeyProblem(f"the key {path} is not a file", "put a file with the key there")
    if os.name == "posix" and info.st_mode & 0o077:
        raise KeyProblem(f"others on this computer can read the key {path}", f"run: chmod 600 {path}")
    refuse_within(path, _published(root, path))
    if _tracked(path):
        raise KeyProblem(
            f"Git keeps the key {path}, so whoever gets the repository can open every page",
            f"run: git rm --cached {path}   then make a new key, for history keeps the old one: portalgen key rotate",
        )
    try:
        return parse_key(path.read_text(encoding="ascii"), str(path))
    except UnicodeDecodeError:
        raise _broken(str(path)) from None


def _published(root: Path, path: Path) -> Iterator[Path]:
    """The folders of a site that others read. The usual place of the key is in none, unless a folder is a link."""
    yield from (root / "content", root / "output")
    if path != root / KEY:
        with suppress(OutputError):  # a list that is damaged is told by the build
            yield from (root / name for name in read_manifest(root).outputs)


def _tracked(path: Path) -> bool:
    """Whether Git keeps a file. Git is asked only when its index may name the file: that is no work for most builds."""
    folder = Path(os.path.realpath(path.parent))
    tree = next((place for place in (folder, *folder.parents) if os.path.lexists(place / ".git")), None)
    if tree is None:
        return False
    try:
        store = tree / ".git"
        if store.is_file():  # a further work tree
            store = tree / store.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        index = (store / "index").read_bytes()
        names = os.listdir(store)
    except (OSError, UnicodeDecodeError):
        return False
    named = os.fsencode((folder / path.name).relative_to(tree).as_posix()) + b"\0" in index
    plain = index[4:8] in (b"\0\0\0\2", b"\0\0\0\3") and not any(name.startswith("sharedindex.") for name in names)
    if plain and not named:
        return False
    import shutil
    import subprocess

    git = shutil.which("git")
    if git is None:
        return named
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    asked = subprocess.run(
        [git, "-C", str(folder), "ls-files", "--error-unmatch", "--", path.name],
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return asked.returncode == 0 or (named and asked.returncode != 1)


def _broken(where: str) -> KeyProblem:
    return KeyProblem(
        f"the key in {where} is cut or mistyped",
        "it is 14 groups of four letters and digits, and nothing else; copy it again from paper: portalgen key import",
    )
