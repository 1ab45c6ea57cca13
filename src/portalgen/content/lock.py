"""portalgen.lock: what was promised outside. Sorted JSON lines, no secrets (sealing §3, domain §4.2)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from portalgen.content.problems import Problem
from portalgen.content.scalars import is_id

LOCK = "portalgen.lock"
LinkKind = Literal["portal", "invoice", "credit-note", "person"]
LinkState = Literal["live", "expired", "revoked", "replaced"]
DocumentKind = Literal["invoice", "credit-note"]
DocumentKey = tuple[DocumentKind, str]
Mode = Literal["sealed", "unlisted"]
NumberKind = Literal["invoice", "credit-note", "receipt", "estimate"]

BACKUP = "take the file back from your last commit or backup"
_NEWER = "use the version of portalgen that wrote it"
_LAST_GENERATION = 2**32 - 1


class LinkRow(
    msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True, tag_field="kind", tag="link"
):
    """A link handed out. Its salt (16 bytes, hex) and generation make its address; `ref` is an id.

    `key_id` stands only where the key is not the site's: on the ended rows that `key rotate` leaves behind. `modes`
    are those in which it was published, and stand only where they are not `sealed` alone: what was given out in one of
    them has to say so when it is published in another.
    """

    client: str
    of: LinkKind
    ref: str
    generation: int = 1
    salt: str
    state: LinkState = "live"
    key_id: str = ""
    modes: tuple[Mode, ...] = ("sealed",)

    @property
    def owner(self) -> tuple[str, str, str]:
        """What it opens: client, kind and reference, which all its generations share."""
        return self.client, self.of, self.ref

    def text(self) -> str:
        """The row as it is written."""
        data = msgspec.structs.asdict(self)
        if not self.key_id:
            del data["key_id"]
        if self.modes == ("sealed",):
            del data["modes"]
        return _line({"kind": "link", **data})


class Relocked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issued document was changed on purpose: when, why, and the hash of what it said before."""

    date: dt.date
    reason: str
    sha256: str


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issued document. `document` is what it says, every value settled; `written` is what its file said then.

    Both are kept as JSON without spaces, which few need as data. That of `document` is canonical, with sorted keys,
    and `sha256` is its hash.
    """

    client: str
    of: DocumentKind = msgspec.field(name="kind")
    id: str
    number: str
    issued: dt.date
    sha256: str
    document_json: msgspec.Raw = msgspec.field(name="document")
    written_json: msgspec.Raw = msgspec.field(name="written")
    relocked: tuple[Relocked, ...] = ()

    @property
    def key(self) -> DocumentKey:
        """What tells it from other documents of the site."""
        return self.of, self.id

    @property
    def document(self) -> Mapping[str, Any]:
        """What the document says, as plain data."""
        return _PLAIN.decode(self.document_json)

    @property
    def written(self) -> Mapping[str, Any]:
        """What its file said, as plain data."""
        return _PLAIN.decode(self.written_json)

    def text(self) -> str:
        """The row as it is written."""
        return msgspec.json.format(canonical(self), indent=0).decode()


_PLAIN = msgspec.json.Decoder(dict[str, Any], float_hook=float)  # however large a number is


class NumberRow(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True):
    """A number that was given to something of a client who was forgotten. It is never given again."""

    of: NumberKind
    number: str
    issued: dt.date

    def text(self) -> str:
        """The row as it is written."""
        return _line({"kind": "number", **msgspec.to_builtins(self)})


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The lock's rows. `key_id` is empty until a key was used."""

    key_id: str = ""
    links: tuple[LinkRow, ...] = ()
    documents: tuple[DocumentRow, ...] = ()
    numbers: tuple[NumberRow, ...] = ()

    def live(self) -> dict[tuple[str, str, str], LinkRow]:
        """The live rows by (client, kind, reference)."""
        return {row.owner: row for row in self.links if row.state == "live"}

    def by_client(self) -> dict[str, dict[DocumentKey, DocumentRow]]:
        """What is kept of issued documents, for each client that has any."""
        found: dict[str, dict[DocumentKey, DocumentRow]] = {}
        for row in self.documents:
            found.setdefault(row.client, {})[row.key] = row
        return found

    def text(self) -> str:
        """The file's text: sorted lines, so that two branches merge line by line."""
        lines = [row.text() for row in self.links]
        lines += [row.text() for row in self.documents]
        lines += [row.text() for row in self.numbers]
        if self.key_id:
            lines.append(_line({"kind": "key", "key_id": self.key_id}))
        return "".join(line + "\n" for line in sorted(lines))


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, separators=(", ", ": "), ensure_ascii=False)


def canonical(data: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8."""
    return msgspec.json.encode(data, order="sorted")


def document_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of a document's canonical JSON, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


class _Trouble(Exception):
    """A line that cannot be trusted: what is wrong and what to do."""


def read_lock(text: str) -> tuple[Lock, tuple[Problem, ...]]:
    """The lock from its text, with a problem for every line that cannot be trusted."""
    return read_rows(text.encode("utf-8", "replace"))


def read_rows(data: bytes, key_id: str = "") -> tuple[Lock, tuple[Problem, ...]]:
    """The same from a file's bytes, or from some of its lines; then `key_id` is what another of them names."""
    problems: list[Problem] = []
    links: dict[int, LinkRow] = {}
    documents: dict[int, DocumentRow] = {}
    numbers: dict[int, NumberRow] = {}
    salts: dict[str, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.isascii():
            line = line.decode("utf-8", "replace").strip().encode()
        if not line.strip():
            continue
        try:
            row = _row(line)
            if isinstance(row, LinkRow):
                links[number] = row
                if (first := salts.setdefault(row.salt, number)) != number:
                    raise _Trouble(f"this link has the salt of line {first}: two links would be one", BACKUP)
            elif isinstance(row, DocumentRow):
                documents[number] = row
            elif isinstance(row, NumberRow):
                numbers[number] = row
            else:
                if key_id:
                    message = "a second key stands here; the links of a site are made with one key"
                    raise _Trouble(message, "take one of the two lines away" if row == key_id else BACKUP)
                key_id = row
        except _Trouble as trouble:
            problems.append(_problem(number, *trouble.args))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            if line.startswith((b"<<<<<<<", b"=======", b">>>>>>>")):
                message = "this line is a mark of an unfinished merge"
                problems.append(_problem(number, message, "keep the lines of both sides and delete the marks"))
            else:
                problems.append(_problem(number, "this line was changed by hand or is cut", BACKUP))
    if links and not key_id and not problems:
        problems.append(
            _problem(
                min(links),
                "this file has links and does not name the key they were made with",
                f"{BACKUP}: with another key every address would change",
            )
        )
    if not any(problem.line in links for problem in problems):
        problems += _key_contradictions(links, key_id)
    problems += _contradictions(links, documents)
    return (
        Lock(
            key_id=key_id,
            links=tuple(sorted(links.values())),
            documents=tuple(sorted(documents.values(), key=lambda row: (row.client, row.of, row.id))),
            numbers=tuple(sorted({*numbers.values()})),
        ),
        tuple(problems),
    )


_LINK = msgspec.json.Decoder(LinkRow)
_DOCUMENT = msgspec.json.Decoder(DocumentRow)


class _Said(msgspec.Struct):
    """What a document says that its row says too."""

    kind: DocumentKind
    id: str
    number: str
    issued: dt.date


_SAID = msgspec.json.Decoder(_Said)


def _row(line: bytes) -> LinkRow | DocumentRow | NumberRow | str:
    """What a line says; for that of the key, its id. Raises `_Trouble` or another error if it cannot be trusted.

    Lines as portalgen writes them are not made plain data on the way to rows.
    """
    try:
        if b'"document": ' in line:
            return _sound_document(_DOCUMENT.decode(msgspec.json.format(line, indent=-1)))
        if b'"kind": "link"' in line:
            return _sound_link(_LINK.decode(line))
    except ValueError:
        pass  # what is wrong shows when all of it is plain data
    row = msgspec.json.decode(line)
    kind = row.pop("kind")
    if kind == "key":
        named = row["key_id"]
        if not isinstance(named, str) or not named:
            raise TypeError
        return named
    if kind == "link":
        _known(row, LinkRow)
        return _sound_link(msgspec.convert(row, LinkRow))
    if kind in ("invoice", "credit-note"):
        _known(row, DocumentRow)
        return _sound_document(_DOCUMENT.decode(canonical({**row, "kind": kind})))
    if kind == "number":
        _known(row, NumberRow)
        return msgspec.convert(row, NumberRow)
    raise _Trouble(f"this line is of a kind '{kind}' that this version does not know", _NEWER)


def _known(row: Mapping[str, Any], kind: type[msgspec.Struct]) -> None:
    if unknown := sorted({*row} - {*kind.__struct_encode_fields__}):
        raise _Trouble(f"this version does not know '{unknown[0]}' of this line", f"{_NEWER}, or {BACKUP}")


def _sound_link(link: LinkRow) -> LinkRow:
    salt = bytes.fromhex(link.salt)
    if len(salt) != 16 or salt.hex() != link.salt or not 1 <= link.generation <= _LAST_GENERATION:
        raise ValueError
    if not (is_id(link.client) and is_id(link.ref)):
        raise ValueError
    return link


def _sound_document(row: DocumentRow) -> DocumentRow:
    if hashlib.sha256(row.document_json).hexdigest() != row.sha256:
        raise ValueError
    said = _SAID.decode(row.document_json)
    if (said.kind, said.id, said.number, said.issued) != (row.of, row.id, row.number, row.issued):
        raise ValueError
    if not bytes(row.written_json).startswith(b"{"):
        raise ValueError
    return row


def _key_contradictions(links: Mapping[int, LinkRow], key_id: str) -> Iterable[Problem]:
    """A link that opens something was made with the site's key; only ended ones may name another."""
    for number, row in links.items():
        if row.key_id and (row.key_id == key_id or (row.state != "replaced" and row.state != "revoked")):
            yield _problem(number, "this link names a key that cannot be its own", BACKUP)


def _contradictions(links: Mapping[int, LinkRow], documents: Mapping[int, DocumentRow]) -> Iterable[Problem]:
    by_owner: dict[tuple[str, str, str], dict[int, LinkRow]] = {}
    for number, row in links.items():
        by_owner.setdefault(row.owner, {})[number] = row
    for rows in by_owner.values():
        last = max(row.generation for row in rows.values())
        seen: dict[int, int] = {}
        for number, row in rows.items():
            name = f"the link of {row.client} ({row.of} {row.ref})"
            if row.generation in seen:
                hint = f"keep the line whose link was sent: this one or line {seen[row.generation]}"
                yield _problem(number, f"{name} stands here twice as generation {row.generation}", hint)
            elif row.state in ("live", "expired") and row.generation < last:
                message = f"{name} is {row.state} as generation {row.generation}, and there is a generation {last}"
                yield _problem(number, message, BACKUP)
            seen[row.generation] = number
    first: dict[DocumentKey, int] = {}
    for number, document in documents.items():
        if first.setdefault(document.key, number) != number:
            message = f"the {document.of.replace('-', ' ')} '{document.id}' stands here twice"
            hint = f"keep the line whose document was sent: this one or line {first[document.key]}"
            yield _problem(number, message, hint)


def _problem(line: int, message: str, hint: str) -> Problem:
    return Problem(path=LOCK, line=line, column=1, code="lock", message=message, hint=hint)
