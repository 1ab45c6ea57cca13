"""portalgen.lock: what was promised outside. Sorted JSON lines, no secrets (sealing §3)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from portalgen.content.problems import Problem

LOCK = "portalgen.lock"
LinkKind = Literal["portal", "invoice", "credit-note", "person"]
LinkState = Literal["live", "expired", "revoked", "replaced"]


class LinkRow(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True):
    """A link handed out. Its salt (16 bytes, hex) and generation make its address; `ref` is an id."""

    client: str
    of: LinkKind
    ref: str
    generation: int = 1
    salt: str
    state: LinkState = "live"

    def data(self) -> dict[str, object]:
        """The row as it is written."""
        return {"kind": "link", **msgspec.structs.asdict(self)}


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The lock's rows. `key_id` is empty until a key was used."""

    key_id: str = ""
    links: tuple[LinkRow, ...] = ()

    def live(self) -> dict[tuple[str, str, str], LinkRow]:
        """The live rows by (client, kind, reference)."""
        return {(row.client, row.of, row.ref): row for row in self.links if row.state == "live"}

    def text(self) -> str:
        """The file's text: sorted lines, so that two branches merge line by line."""
        rows: list[Mapping[str, object]] = [row.data() for row in self.links]
        if self.key_id:
            rows.append({"kind": "key", "key_id": self.key_id})
        lines = sorted(json.dumps(row, sort_keys=True, separators=(", ", ": ")) for row in rows)
        return "".join(line + "\n" for line in lines)


def read_lock(text: str) -> tuple[Lock, tuple[Problem, ...]]:
    """The lock from its text, with a problem for every line that cannot be trusted."""
    problems: list[Problem] = []
    key_id = ""
    links: list[LinkRow] = []
    first = 0
    salts: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            kind = row["kind"]
            if kind == "key":
                if key_id:
                    same = row["key_id"] == key_id
                    message = "a second key stands here; the links of a site are made with one key"
                    hint = "take the file back from your last commit or backup"
                    problems.append(_problem(number, message, "take one of the two lines away" if same else hint))
                    continue
                key_id = row["key_id"]
                if not isinstance(key_id, str) or not key_id:
                    raise TypeError
                continue
            if kind != "link":
                problems.append(
                    _problem(
                        number,
                        f"this line is of a kind '{kind}' that this version does not know",
                        "use the version of portalgen that wrote it",
                    )
                )
                continue
            first = first or number
            if unknown := sorted({*row} - {"kind", *LinkRow.__struct_fields__}):
                problems.append(
                    _problem(
                        number,
                        f"this version does not know '{unknown[0]}' of this line",
                        "use the version of portalgen that wrote it, or take the file back from your last commit",
                    )
                )
                continue
            link = msgspec.convert({k: v for k, v in row.items() if k != "kind"}, LinkRow)
            if len(bytes.fromhex(link.salt)) != 16 or link.generation < 1 or link.salt in salts:
                raise ValueError
            salts.add(link.salt)
            links.append(link)
        except (ValueError, KeyError, TypeError):
            marker = line.startswith(("<<<<<<<", "=======", ">>>>>>>"))
            message = (
                "this line is a mark of an unfinished merge" if marker else "this line was changed by hand or is cut"
            )
            problems.append(
                _problem(
                    number,
                    message,
                    "keep the lines of both sides and delete the marks"
                    if marker
                    else "take the file back from your last commit or backup",
                )
            )
    if first and not key_id and not problems:
        problems.append(
            _problem(
                first,
                "this file has links and does not name the key they were made with",
                "take the file back from your last commit or backup: with another key every address would change",
            )
        )
    problems += _contradictions(links, text)
    return Lock(key_id=key_id, links=tuple(sorted(links))), tuple(problems)


def _contradictions(links: Iterable[LinkRow], text: str) -> list[Problem]:
    by_owner: dict[tuple[str, str, str], list[LinkRow]] = {}
    for row in links:
        by_owner.setdefault((row.client, row.of, row.ref), []).append(row)
    problems = []
    for rows in by_owner.values():
        live = [row for row in rows if row.state == "live"]
        if (
            len(live) > 1
            or (live and live[0].generation < max(row.generation for row in rows))
            or len({r.generation for r in rows}) < len(rows)
        ):
            line = next((n for n, t in enumerate(text.splitlines(), 1) if rows[-1].salt in t), 1)
            problems.append(
                _problem(
                    line,
                    f"the link of {rows[-1].client} ({rows[-1].of} {rows[-1].ref}) stands here twice",
                    "take the file back from your last commit or backup",
                )
            )
    return problems


def _problem(line: int, message: str, hint: str) -> Problem:
    return Problem(path=LOCK, line=line, column=1, code="lock", message=message, hint=hint)
