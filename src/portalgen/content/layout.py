"""Which files `content/` may hold, and which names no file may have on any system (design §4, sealing §7)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from portalgen.content.convert import suggest
from portalgen.content.kinds import KINDS

STATIC, FILE = "static", "file"
"""Kinds of files that are taken as they are: below `static/`, and below a client's `files/`."""

_IGNORED = re.compile(r"\.|~\$|#.*#\Z|.*(~|\.swp|\.swo|\.tmp)\Z|(thumbs\.db|desktop\.ini)\Z", re.IGNORECASE | re.DOTALL)
_LEFT_BEHIND = re.compile(
    r"\.(ds_store|_.*|.*\.sw[op]|git.*|hg|svn|~lock\..*)\Z|~\$|#.*#\Z|.*(~|\.swp|\.swo)\Z|(thumbs\.db|desktop\.ini)\Z",
    re.IGNORECASE | re.DOTALL,
)
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])( *\..*)?\Z", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile("[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONFLICT = re.compile(r"sync-conflict|conflicted copy|\(conflict| \(\d+\)(\.|\Z)| - copy(\.|\Z)", re.IGNORECASE)
_CLIENT_CONFLICT = re.compile(
    r"(client|plan|sessions|payments|log)[-. _]conflict|.[-. _]conflict[-. _]*\d|. copy( ?\d+)?(\.|\Z)", re.IGNORECASE
)


class Misplaced(msgspec.Struct, frozen=True):
    """Why something may not lie where it lies."""

    code: str
    message: str
    hint: str


class Folder:
    """What one folder may hold: entries by name, one pattern of files, or one kind of folders for every name."""

    def __init__(self, free: str = "") -> None:
        self.files: dict[str, str] = {}
        self.folders: dict[str, Folder] = {}
        self.pattern: tuple[str, str] | None = None  # suffix, kind
        self.each: Folder | None = None
        self.free = free
        """The kind of every file in here and below, when any name will do."""

    def add(self, path: str, kind: str) -> None:
        """Let this folder hold the files of that pattern."""
        first, _, rest = path.partition("/")
        if rest:
            self.folders.setdefault(first, Folder()).add(rest, kind)
        elif first.startswith("*"):
            self.pattern = (first[1:], kind)
        else:
            self.files[first] = kind


def _layout() -> Folder:
    site, client = Folder(), Folder()
    for kind in KINDS:
        (client if kind.scope == "client" else site).add(kind.path, kind.name)
    client.folders["files"] = Folder(free=FILE)
    site.folders["static"] = Folder(free=STATIC)
    site.folders["clients"] = Folder()
    site.folders["clients"].each = client
    return site


CONTENT = _layout()


def ignored(name: str, free: bool = False) -> bool:
    """Whether an editor, a synchroniser or a system left this file behind.

    Where files are `free` to have any name (`static/`), one that begins with a dot is meant: `.well-known/`.
    """
    return (_LEFT_BEHIND if free else _IGNORED).match(name) is not None


def bad_name(name: str) -> Misplaced | None:
    """Why a name does not work on every system and in every address, if so."""
    hint = "rename it: letters, digits, hyphens and one dot are safe everywhere"
    if _RESERVED.match(name):
        reason = f"Windows keeps the name '{name}' for itself"
    elif "\\" in name:
        reason = f"the name '{name}' has a backslash"
    elif re.search("%[0-9a-fA-F]{2}", name):
        reason = f"the name '{name}' has a percent sign with a code, which an address would read as another letter"
    elif _CONTROL.search(name) or any("\ud800" <= sign <= "\udfff" for sign in name):
        reason = "this name has an invisible or unreadable character"
    elif name[-1] in ". ":
        reason = f"the name '{name}' ends in a {'dot' if name[-1] == '.' else 'space'}, which Windows drops"
    elif re.search('[<>:"|?*]', name):
        reason = f"the name '{name}' has a character that Windows does not allow"
    else:
        return None
    return Misplaced("bad-name", reason, hint)


def twins(names: Sequence[str]) -> list[tuple[str, str]]:
    """Names that are the same to a system that ignores case or Unicode forms: (later, earlier)."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        if plain in seen:
            found.append((name, seen[plain]))
        else:
            seen[plain] = name
    return found


def conflict_copy(name: str, of_client: bool) -> Misplaced | None:
    """Whether a synchroniser or a file manager made this copy."""
    if not _CONFLICT.search(name) and not (of_client and _CLIENT_CONFLICT.search(name)):
        return None
    message = f"'{name}' looks like a copy that a conflict or a file manager left"
    return Misplaced(
        "conflict-copy", message, "compare it with the original, keep what is right there, delete the copy"
    )


def unknown_file(name: str, folder: Folder, where: str) -> Misplaced:
    """The message for a file that no kind reads, with the nearest name."""
    hint = ""
    if folder.pattern:
        suffix = folder.pattern[0]
        stem = name.rsplit(".", 1)[0]
        hint = (
            f"rename it to {stem}{suffix}, or keep it outside content/"
            if "." in name
            else f"rename it to {name}{suffix}"
        )
    elif folder.each is not None:
        hint = f"a client is a folder: write {where}{name.rsplit('.', 1)[0]}/client.yaml"
    elif guess := suggest(name, folder.files):
        return Misplaced("unknown-file", f"nothing reads '{name}', did you mean '{guess}'?", f"rename it to {guess}")
    elif guess := suggest(name.rsplit(".", 1)[0], folder.folders):
        hint = f"write a file into {where}{guess}/"
    return Misplaced("unknown-file", f"nothing reads '{name}' here", hint or f"this folder holds {_holds(folder)}")


def unknown_folder(name: str, folder: Folder) -> Misplaced:
    """The message for a folder that no kind reads, with the nearest name."""
    if guess := suggest(name.lower(), folder.folders):
        message = f"nothing reads the folder '{name}/', did you mean '{guess}/'?"
        return Misplaced("unknown-file", message, f"rename it to {guess}")
    hint = f"this folder holds {_holds(folder)}; files for download belong into static/"
    return Misplaced("unknown-file", f"nothing reads the folder '{name}/' here", hint)


def _holds(folder: Folder) -> str:
    names = [*folder.files, *(f"{name}/" for name in folder.folders)]
    if folder.pattern:
        names.insert(0, f"*{folder.pattern[0]}")
    return ", ".join(names) or "folders"
