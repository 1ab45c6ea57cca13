"""One file to its records: text, YAML, types, ids; what is wrong is gathered on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from portalgen.content.convert import Run, Use, fields_of, to_record, to_records
from portalgen.content.frontmatter import split
from portalgen.content.kinds import KINDS, Kind
from portalgen.content.places import ALLOW, unreasoned
from portalgen.content.problems import Finding, Problem
from portalgen.content.recordquick import Named, quickly, quickly_all
from portalgen.content.records.base import Misfit, Record
from portalgen.content.scalars import is_id, parse_id
from portalgen.content.sources import Source, line_and_column, read_text
from portalgen.content.yamltext import Parsed, Slip, parse

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


class Reader:
    """Reads the files of one unit (what all clients share, or one client) and keeps what it finds.

    With `quick` what a file without a problem refers to is in `named` instead of `uses`, without its place.
    """

    def __init__(
        self,
        root: Path,
        client: str = "",
        contents: Mapping[str, bytes] = MappingProxyType({}),
        *,
        quick: bool = False,
    ) -> None:
        self.root = root
        self.quick = quick
        self.contents = contents
        self.client = client
        self.problems: list[Problem] = []
        self.findings: list[Finding] = []
        self.uses: list[tuple[str, Use]] = []
        self.named: Named = defaultdict(set)
        self.raw: dict[str, Any] = {}
        """What the files of one-file kinds held before it was typed; None when it cannot be read."""

    def find(self, path: str, code: str, message: str, hint: str, *at: str | int) -> None:
        """Note an error at a field of a file."""
        self.findings.append(Finding(path=path, code=code, message=message, hint=hint, at=at))

    def records(self, sources: Iterable[Source]) -> dict[str, dict[str, Any]]:
        """Every record, by kind and then by id; lists and fixed files stand under the id `''`."""
        found: dict[str, dict[str, Any]] = {name: {} for name in BY_NAME}
        places: dict[tuple[str, str], str] = {}
        for source in sorted(sources, key=attrgetter("kind", "id", "path")):
            kind = BY_NAME.get(source.kind)
            if kind is None:
                continue
            other = places.setdefault((kind.name, source.id), source.path)
            if other != source.path:
                message = f"two files have the id '{source.id}': this one and {other}"
                self.find(source.path, "duplicate-id", message, "give one of them another name")
                continue
            value = self.read(source, kind)
            if value is not None:
                found[kind.name][source.id] = value
        return found

    def read(self, source: Source, kind: Kind) -> Any:
        """What one file holds: a record, or for a list its records; None when there is an error in it."""
        text = read_text(self.root, source.path, self.contents.get(source.path))
        if isinstance(text, Problem):
            self.problems.append(text)
            return None
        if kind.form == "markdown":
            return self._document(source, kind, text)
        parsed = parse(text)
        self._note(source.path, parsed, text, text, 0)
        if not kind.many:
            self.raw[kind.name] = None if parsed.broken else parsed.data
        if parsed.broken:
            return None
        if kind.form == "list":
            self._unique_entries(source.path, parsed.data)
        else:
            self._same_id(source, kind, {} if parsed.data is None else parsed.data)
        result = self._typed(source, kind, parsed.data)
        return None if parsed.slips else result

    def _typed(self, source: Source, kind: Kind, data: Any, **parts: Any) -> Any:
        """What a file's data is: a record, or for a list its records. `parts`: derived fields of this file."""
        many, given = kind.form == "list", {}
        if not many:
            data = {} if data is None else data
            given = {**self._given(kind, source), **parts}
        if self.quick:
            try:
                if many:
                    return quickly_all(kind.record, data, self.named)
                return quickly(kind.record, data, self.named, given)
            except Misfit:
                pass  # what is wrong is found at leisure
        run = Run(source.path)
        found = to_records(kind.record, data, run) if many else to_record(kind.record, data, run, given)
        self.findings += run.findings
        self.uses += [(run.file, use) for use in run.uses]
        return found

    def _document(self, source: Source, kind: Kind, text: str) -> Record | None:
        parts = split(text)
        if parts.slip:
            self._slips(source.path, (parts.slip,), text, 0)
            return None
        needed = [key for key, (field, _) in fields_of(kind.record).items() if field.required]
        if parts.front is None and needed:
            hint = "begin it with a line ---, then " + ", ".join(f"{key}: …" for key in needed) + ", then another ---"
            self.find(source.path, "front-matter", "this file has no front matter", hint)
            return None
        parsed = parse(parts.front or "")
        self._note(source.path, parsed, parts.front or "", text, parts.front_index)
        if parsed.broken:
            return None
        if source.id:
            self._valid_id(source.path, source.id, "file")
        result: Record | None = self._typed(source, kind, parsed.data, body=parts.body, body_line=parts.body_line)
        return None if parsed.slips else result

    def _given(self, kind: Kind, source: Source) -> dict[str, Any]:
        """The derived fields that a record of this file has."""
        values = {"path": source.path, "client": self.client}
        if kind.form != "yaml":
            values["id"] = source.id or source.kind
        return {name: values[name] for name in _derived(kind.record) if name in values}

    def _note(self, path: str, parsed: Parsed, yaml: str, whole: str, offset: int) -> None:
        if parsed.slips:
            self._slips(path, parsed.slips, whole, offset)
        if ALLOW in yaml:
            self.problems += unreasoned(path, yaml, whole, offset)

    def _slips(self, path: str, slips: Sequence[Slip], whole: str, offset: int) -> None:
        for slip in slips:
            line, column = line_and_column(whole, offset + slip.start)
            problem = Problem(path=path, line=line, column=column, code=slip.code, message=slip.message, hint=slip.hint)
            self.problems.append(problem)

    def _valid_id(self, path: str, name: str, what: str) -> bool:
        try:
            parse_id(name)
        except Misfit as misfit:
            message = f"the {what}'s name is its id, and '{name}' is not an id"
            hint = misfit.hint.replace("write", "rename it to") or "use small letters, digits and hyphens"
            self.find(path, "bad-id", message, hint)
            return False
        return True

    def _same_id(self, source: Source, kind: Kind, data: Any) -> None:
        """The id in the file is the file's name, the client's the folder's."""
        name, what = (self.client, "folder") if kind.name == "client" else (source.id, "file")
        if not name or not isinstance(data, dict):
            return
        if self._valid_id(source.path, name, what):
            written = data.get("id")
            if isinstance(written, str) and written != name and is_id(written):
                message = f"the id is '{written}', but the {what} is called '{name}'"
                self.find(source.path, "id-mismatch", message, f"write id: {name}, or rename the {what}", "id")

    def _unique_entries(self, path: str, data: Any) -> None:
        if not isinstance(data, list):
            return
        first: dict[str, int] = {}
        for n, entry in enumerate(data):
            name = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(name, str) and first.setdefault(name, n) != n:
                message = f"two entries have the id '{name}' (the first is entry {first[name] + 1})"
                self.find(path, "duplicate-id", message, "give one of them another id", n, "id")

    def ids(self, kind: str, *path: str) -> list[str] | None:
        """The ids written in a list of a one-file kind, or in a list below its keys; None when it cannot be read."""
        data: Any = self.raw.get(kind, [])
        if data is None and kind in self.raw and any(problem.severity == "error" for problem in self.problems):
            return None
        for key in path:
            data = data.get(key) if isinstance(data, dict) else None
        entries = data if isinstance(data, list) else []
        return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


@cache
def _derived(record: type[Record]) -> tuple[str, ...]:
    return tuple(name for name in ("path", "client", "id") if name in record.__struct_fields__)
