"""Writing into the practitioner's files: entries appended, fields set, and every other byte left as it was (design §4).

Texts here are files as they lie on the disk, with their byte order mark and line ends; what is added has the line ends
of its surroundings. The result is read again before anything is written: it must hold what stood there and what was
added, and nothing else.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from portalgen.content.records.base import Misfit
from portalgen.content.yamlstrict import marks
from portalgen.content.yamltext import parse
from portalgen.desk.yamlvalues import Value, as_read, entry_text, scalar, text_of
from portalgen.publish.state import OutputFailed, failure, is_unfinished, remember_folder, stage, write_whole

_BOM = "\ufeff"
_NEWLINE = re.compile(r"\r\n|\r|\n")
_LAST_NEWLINE = re.compile(r"(\r\n|\r|\n)[^\r\n]*\Z")
_END = re.compile(r"(?:\A|(?<=[\r\n]))\.\.\.(?=\s|\Z)")
_EMPTY_LIST = re.compile(r"\[((?:\s|#[^\r\n]*)*)\]")
_LAST_LINE_BLANK = re.compile(r"(?:\A|[\r\n])[ \t]*(?:\r\n|\r|\n)\Z")


class Edit(msgspec.Struct, frozen=True):
    """A file and what it becomes. `before` is None where there was no file."""

    path: Path
    before: bytes | None
    after: bytes


class Original(msgspec.Struct, frozen=True):
    """A file as it was read; `data` is None where there is none."""

    path: Path
    data: bytes | None

    @property
    def text(self) -> str:
        """Its text with every character that it has; raises `Misfit` when it is not UTF-8."""
        try:
            return (self.data or b"").decode("utf-8")
        except UnicodeDecodeError:
            raise Misfit("this file is not UTF-8", "save it again as UTF-8", "bad-encoding") from None

    def becomes(self, text: str) -> Edit:
        """The edit that gives it this text."""
        return Edit(self.path, self.data, text.encode())


def read_original(path: Path) -> Original:
    """A file as it is now."""
    try:
        return Original(path, path.read_bytes())
    except FileNotFoundError:
        return Original(path, None)


# --- texts ---------------------------------------------------------------------------------------------


def append_entry(text: str, entry: Mapping[str, Value | None]) -> str:
    """The text of a list file with one more entry at its end; every character above stays.

    An empty text, comments alone and `[]` are empty lists. Raises `Misfit` when the text is broken, is no list, or is
    one in brackets, which has no end to append to.
    """
    source = _source(text)
    before = _read(source)
    entries = [] if before is None else before
    if not isinstance(entries, list):
        raise Misfit("this file is not a list", "begin each entry on a line of its own with '- '", "not-a-list")
    start = marks(source, [()]).get(()) if entries or before == [] else None
    indent, spaced = "", False
    if start is not None and source[start.value] == "[":
        if entries:
            hint = "write each entry on lines of its own, the first beginning with '- '"
            raise Misfit("nothing can be added to a list that is written in brackets", hint, "not-a-block")
        text = _without_brackets(text, _place(text, start.value))
    elif start is not None:
        indent = " " * (start.value - source.rfind("\n", 0, start.value) - 1)
        spaced = re.search(rf"\n[ \t]*\n{indent}- ", source) is not None
    end = _END.search(text)
    head, tail = (text[: end.start()], text[end.start() :]) if end else (text, "")
    newline = _newline(text)
    if head.removeprefix(_BOM) and not head.endswith(("\n", "\r")):
        head += newline
    added = entry_text(entry, indent).replace("\n", newline)
    wanted = [*entries, as_read(entry)]
    for gap in (newline, "") if spaced and not _LAST_LINE_BLANK.search(head) else ("",):
        result = f"{head}{gap}{added}{tail}"
        if _reads_as(result, wanted):
            return result
    raise Misfit("nothing can be added at the end of this file", "check how its last entry is written", "not-a-block")


def set_fields(text: str, fields: Mapping[str, Value]) -> str:
    """The text of a mapping file with these fields, each a scalar at its top level, and everything else as it was.

    A field that is there gets its value where it stands. Else its line replaces a comment `# key: …` that waits for
    it, or goes below the field before it, the first one below `id:`. Raises `Misfit` where that cannot be done.
    """
    anchor = "id"
    for key, value in fields.items():
        before = _read(_source(text))
        if not isinstance(before, dict) or not before:
            raise Misfit("this file has no fields", "begin it with id:", "not-a-mapping")
        wanted = {**before, key: text_of(value)}
        if before.get(key) != wanted[key]:
            line = f"{key}: {scalar(text_of(value))}"
            found = (one for one in _settings(text, key, line, anchor) if _reads_as(one, wanted))
            if (result := next(found, None)) is None:
                raise Misfit(f"'{key}' cannot be written into this file", f"write this line yourself: {line}")
            text = result
        anchor = key
    return text


def _settings(text: str, key: str, line: str, anchor: str) -> Iterator[str]:
    """Ways to set one field, the best first; the first one that reads right is taken."""
    import yaml

    source = _source(text)
    root = yaml.compose(source, Loader=yaml.BaseLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return
    nodes = {name.value: (name, value) for name, value in root.value}
    value = line.removeprefix(f"{key}: ")
    if key in nodes:
        old = nodes[key][1]
        if not isinstance(old, yaml.ScalarNode):
            return
        start, end = _place(text, old.start_mark.index), _place(text, old.end_mark.index)
        yield f"{text[:start]}{' ' if start == end else ''}{value}{text[end:]}"
        return
    indent = " " * root.start_mark.column
    if waiting := re.search(rf"(?:\A|(?<=[\r\n\ufeff])){indent}#[ \t]*{re.escape(key)}:[^\r\n]*", text):
        yield f"{text[: waiting.start()]}{indent}{line}{text[waiting.end() :]}"
    newline = _newline(text)
    if anchor in nodes:
        at = _place(text, nodes[anchor][1].end_mark.index)
        rest = re.compile(r"[^\r\n]*(\r\n|\r|\n)?").match(text, at)
        assert rest is not None
        broken = "" if rest[1] else newline
        yield f"{text[: rest.end()]}{broken}{indent}{line}{newline if rest[1] else ''}{text[rest.end() :]}"
    at = _place(text, root.start_mark.index)
    yield f"{text[:at]}{line}{newline}{indent}{text[at:]}"


def _source(text: str) -> str:
    """The text as the reader sees it, its last line ended."""
    plain = _NEWLINE.sub("\n", text.removeprefix(_BOM))
    return plain if plain.endswith("\n") or not plain else f"{plain}\n"


def _read(source: str) -> Any:
    read = parse(source)
    if read.slips:
        slip = read.slips[0]
        raise Misfit(slip.message, slip.hint, slip.code)
    return read.data


def _reads_as(text: str, wanted: object) -> bool:
    read = parse(_source(text))
    return not read.slips and read.data == wanted


def _place(text: str, index: int) -> int:
    """Where in the file that character of the source stands."""
    place = index + text.startswith(_BOM)
    for pair in re.finditer("\r\n", text):
        if pair.start() >= place:
            break
        place += 1
    return place


def _newline(text: str) -> str:
    """The line end of the last line."""
    last = _LAST_NEWLINE.search(text)
    return last[1] if last else "\n"


def _without_brackets(text: str, at: int) -> str:
    found = _EMPTY_LIST.match(text, at)
    assert found is not None
    head, tail = text[:at], text[found.end() :]
    if not found[1] and (not head.removeprefix(_BOM) or head.endswith(("\n", "\r"))) and (end := _NEWLINE.match(tail)):
        tail = tail[end.end() :]
    return f"{head}{found[1]}{tail}"


# --- files ---------------------------------------------------------------------------------------------


def write_files(edits: Iterable[Edit]) -> None:
    """Writes all of these files or none, each whole, in this order; hold the build lock.

    A file keeps its permissions, and a symbolic link to it stays. Raises `OutputFailed` when one was changed by
    somebody else since it was read, is write-protected, or when the disk refuses. A kill leaves each file old or new.
    """
    wanted = [(Path(os.path.realpath(edit.path)), edit) for edit in edits]
    for place, edit in wanted:
        _check(place, edit)
    staged: list[tuple[str, Path, Edit]] = []
    done: list[tuple[Path, Edit]] = []
    try:
        for folder in {place.parent for place, _ in wanted}:
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
        for place, edit in wanted:
            mode = stat.S_IMODE(place.stat().st_mode) if edit.before is not None else None
            staged.append((stage(str(place), edit.after, mode, durable=True), place, edit))
        for temporary, place, edit in staged:
            _check(place, edit)
            os.replace(temporary, place)
            done.append((place, edit))
        for folder in {place.parent for place, _ in wanted}:
            remember_folder(str(folder))
    except BaseException as error:
        for temporary, _, _ in staged[len(done) :]:
            with suppress(OSError):
                os.unlink(temporary)
        _put_back(done)
        if isinstance(error, OSError):
            raise failure(error, wanted[len(done)][0] if len(done) < len(wanted) else wanted[-1][0]) from error
        raise


def _check(place: Path, edit: Edit) -> None:
    try:
        info, now = place.stat(), place.read_bytes()
    except FileNotFoundError:
        info, now = None, None
    except OSError as error:
        raise failure(error, place) from error
    if now != edit.before:
        if edit.before is None:
            raise OutputFailed(f"{edit.path} is already there", "move it away, then run this again")
        what = "was changed by another program while it was read"
        raise OutputFailed(f"{edit.path} {what}", "save it, then run this again")
    if info is not None and not info.st_mode & 0o200:
        raise OutputFailed(
            f"no permission to write: {edit.path}", "it is write-protected; make it writable, then run this again"
        )


def _sweep(folder: Path) -> None:
    """Remove the unfinished files of a run that was killed."""
    for name in os.listdir(folder):
        if is_unfinished(name):
            with suppress(OSError):
                os.unlink(folder / name)


def _put_back(done: Iterable[tuple[Path, Edit]]) -> None:
    for place, edit in done:
        with suppress(OSError):
            if edit.before is None:
                place.unlink()
            else:
                write_whole(str(place), edit.before, stat.S_IMODE(place.stat().st_mode), durable=True)
