"""Whether a host serves what was built, byte for byte, and nothing that was taken away (sealing §6).

The key of a sealed page stands behind the `#` of its link. It is in no request and no word of ours.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from portalgen.content.lock import LOCK, Lock, read_lock
from portalgen.publish.finished import PRIVATE
from portalgen.publish.hosting import HEADERS, POWERS, PRIVATE_HEADERS, Powers, beside_files, control_files, is_control
from portalgen.publish.key import KeyProblem, find_key
from portalgen.publish.manifest import output_key, read_manifest
from portalgen.publish.remote import Answer, Remote
from portalgen.publish.state import OutputRefused
from portalgen.site.links import shown
from portalgen.site.render import NOT_FOUND
from portalgen.site.sealing import FRAGMENT_LENGTH, LOCATOR_LENGTH, Keyring

_TYPES = {".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml", ".pdf": "application/pdf"}
"""What browsers insist on, since `nosniff` forbids them to guess."""
_SEALED = re.compile(rf"p/[a-z2-7]{{{LOCATOR_LENGTH}}}\.html")
_LISTINGS = ("p/", "p", "?list-type=2&prefix=p/", "?restype=container&comp=list&prefix=p/")
"""Addresses at which servers and object stores list files."""
_HSTS = "Strict-Transport-Security"
_YEAR = 31536000
_AGAIN = "upload output/ again"


class Fault(msgspec.Struct, frozen=True):
    """Something the host does not do: at which file, header or address, what is wrong, what to do."""

    at: str
    message: str
    hint: str


class Verdict(msgspec.Struct, frozen=True):
    """What was found. `files` were compared, `refused` addresses have to answer that nothing is there."""

    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    files: int = 0
    refused: int = 0


class Promise(msgspec.Struct, frozen=True):
    """What was built: the length and SHA-256 of every file, and the hashes of what it was before."""

    files: Mapping[str, tuple[int, str]]
    former: Mapping[str, Collection[str]]


def promised(root: Path, output: Path) -> Promise:
    """What the last build wrote into `output`. Raises `OutputRefused` when that is not what lies there."""
    site, place = Path(os.path.realpath(root)), Path(os.path.realpath(output))
    owned = read_manifest(site).outputs.get(output_key(site, place))
    if owned is None or not owned.files:
        raise OutputRefused(f"nothing was built into {output}", "run portalgen build first, and upload what it writes")
    if not owned.complete:
        raise OutputRefused(f"the last build into {output} was cut short", "build again, then upload it")
    files = {}
    for path, digest in owned.files.items():
        content = b""
        with suppress(FileNotFoundError, NotADirectoryError):
            content = (place / path).read_bytes()
        if sha256(content).hexdigest() != digest:
            raise OutputRefused(f"{output / path} is not as it was built", "build again, then upload it")
        files[path] = (len(content), digest)
    return Promise(files, owned.former)


def verify(
    root: Path,
    output: Path,
    base_url: str,
    *,
    host: str | None,
    agent: str,
    heard: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Asks the host at `base_url` for everything; `host` is its kind, `heard` learns how many answers are in.

    Raises `OutputRefused` when there is nothing to compare with, `Unreachable` when nobody answers.
    """
    promise = promised(root, output)
    with Remote(base_url, agent) as remote:
        first = remote.get("")
        if first.away:
            hint = f"if that is your site, write it as base_url, build and upload, then: portalgen verify {first.away}/"
            return Verdict((Fault(base_url, f"this address leads to {first.away}", hint),), ())
        return _Verification(root, promise, remote, host).run(heard or (lambda done, total: None))


class _Verification:
    """One run against one host."""

    def __init__(self, root: Path, promise: Promise, remote: Remote, host: str | None) -> None:
        self._promise, self._remote, self._host = promise, remote, host
        self._powers = POWERS.get(host or "", Powers())
        self._local = _is_local(remote.host)
        self._faults: list[Fault] = []
        self._notes: list[str] = []
        self._lacking: dict[tuple[str, str], list[str]] = {}  # where a header is missing, or says what it must not
        ended, live = self._addresses(root)
        files = promise.files.keys()
        self._ended = ended & files
        self._retired = tuple(sorted((ended | live) - files))

    def run(self, heard: Callable[[int, int], None]) -> Verdict:
        paths = sorted(path for path in self._promise.files if not is_control(path))
        strangers = self._strangers()
        asked = [(quote(path), self._promise.files[path][0]) for path in paths]
        asked += [(path, 0) for path in (*strangers, *map(quote, self._retired), *_LISTINGS)]
        answers = self._counted(self._remote.every(asked), len(asked), heard)
        for path in paths:
            self._file(path, next(answers))
        unknown = [next(answers) for _ in strangers]
        self._wrong_addresses(strangers, unknown)
        for path in self._retired:
            self._gone(path, next(answers), unknown[0])
        self._listings(answers)
        self._unencrypted()
        self._headers()
        return Verdict(
            tuple(self._faults), tuple(self._notes), files=len(paths), refused=len(strangers) + len(self._retired)
        )

    def _counted(self, answers: Iterator[Answer], total: int, heard: Callable[[int, int], None]) -> Iterator[Answer]:
        for done, answer in enumerate(answers, 1):
            heard(done, total)
            yield answer

    def _fault(self, at: str, message: str, hint: str) -> None:
        self._faults.append(Fault(at, message, hint))

    # --- files ----------------------------------------------------------------------------------------

    def _file(self, path: str, answer: Answer) -> None:
        length, digest = self._promise.files[path]
        served, at = sha256(answer.body).hexdigest(), shown(path)
        statuses = (200, 404) if path == NOT_FOUND else (200,)
        if answer.away:
            self._fault(at, f"its address leads to {answer.away}", "have your host serve it itself")
        elif answer.loop:
            self._fault(at, "its address leads in a circle", "mend the redirects at your host")
        elif answer.status in (404, 410) and answer.status not in statuses:
            self._fault(at, "it is not at the host", _AGAIN)
        elif answer.status not in statuses:
            hint = f"{_AGAIN}; if it stays, look into your host's settings, or ask its support"
            self._fault(at, f"the host refuses it (status {answer.status})", hint)
        elif served == digest:
            self._asked_for(path, at, answer)
        elif served in self._promise.former.get(path, ()):
            hint = f"{_AGAIN}; where the host keeps copies in a cache, wait or empty it"
            ended = "its link has ended, but it still opens: " if path in self._ended else ""
            self._fault(at, f"{ended}an older copy is served", hint)
        elif path != NOT_FOUND and served == self._promise.files[NOT_FOUND][1]:
            self._fault(at, "it is not at the host, the page for wrong addresses comes instead", _AGAIN)
        else:
            size = len(answer.body)
            what = f"{size} bytes instead of {length}" if size != length else "as long, with other bytes in it"
            hint = (
                f"{_AGAIN}. If it stays, the host or somebody there changes your files: "
                "switch off what rewrites pages, and send no links until this is settled"
            )
            self._fault(at, f"what is served was never built: {what}", hint)

    def _asked_for(self, path: str, at: str, answer: Answer) -> None:
        """What else readers need of a file that is right: its type, and the headers."""
        wanted = _TYPES.get(os.path.splitext(path)[1])
        if wanted and answer.media_type != wanted:
            said = f"says it is {answer.media_type}" if answer.media_type else "does not say what type it is"
            self._fault(at, f"the host {said}", f"have it served as {wanted}, else browsers do not show it")
        if path != NOT_FOUND:
            self._look(at, answer, private=path.startswith(PRIVATE))

    # --- addresses where nothing may be ---------------------------------------------------------------

    def _strangers(self) -> tuple[str, ...]:
        """Addresses that never were, as they stand in requests: one among the public, one among the private pages,
        and a private link whose `#` became `%23`, with a key that opens nothing."""
        name = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(LOCATOR_LENGTH))
        sealed = next(filter(_SEALED.fullmatch, sorted(self._promise.files)), f"{PRIVATE}{name}.html")
        return (f"verify-{name}/", f"{PRIVATE}{name}.html", f"{sealed}%23{'a' * FRAGMENT_LENGTH}")

    def _wrong_addresses(self, paths: Iterable[str], answers: Iterable[Answer]) -> None:
        whats = ("an address where nothing is", "a private address where nothing is", "a link with %23 in place of #")
        wrong = [
            (path, what, answer)
            for path, what, answer in zip(paths, whats, answers, strict=True)
            if answer.status != 404 or sha256(answer.body).hexdigest() != self._promise.files[NOT_FOUND][1]
        ]
        for path, what, answer in wrong[:1] if len(wrong) == 3 else wrong:
            said = f"status {answer.status}" if answer.status != 404 else "404 and a page that is not yours"
            told = "every address where nothing is" if len(wrong) == 3 else what
            hint = f"set {NOT_FOUND} as your host's page for status 404, at every address"
            self._fault(shown(path), f"{told} answers with {said}", hint)
        for path, answer in zip(paths, answers, strict=True):
            if self._powers.on_errors and answer.status == 404:
                private = path.startswith(PRIVATE)
                self._look(
                    "an answer for a wrong address" + (" below p/" if private else ""),
                    answer,
                    private=private,
                    error=True,
                )

    def _gone(self, path: str, answer: Answer, unknown: Answer) -> None:
        if answer.status == 200 and not answer.away and answer.body != unknown.body:
            hint = "delete it at the host, and have its caches emptied; many ways of uploading never delete"
            self._fault(shown(path), "a private page that was taken away is still served", hint)

    def _addresses(self, root: Path) -> tuple[frozenset[str], frozenset[str]]:
        """Where pages of links that have ended lie, or would in the other mode, and those of live links."""
        nowhere: frozenset[str] = frozenset()
        try:
            text = (root / LOCK).read_text(encoding="utf-8-sig", errors="replace")
        except FileNotFoundError:
            return nowhere, nowhere
        lock, problems = read_lock(text)
        try:
            key = find_key(root, lock.key_id)
        except KeyProblem as problem:
            key = None
            self._notes.append(f"pages that were taken away could not be looked for: {problem.message}")
        if problems or key is None or Keyring(key.secret).key_id != lock.key_id:
            if lock.links and not self._notes:
                self._notes.append("pages that were taken away could not be looked for: their key is not here")
            return nowhere, nowhere
        keyring = Keyring(key.secret)
        live, ended = (frozenset(_addresses(lock, keyring, live=state)) for state in (True, False))
        return ended, live

    def _listings(self, answers: Iterator[Answer]) -> None:
        names = {path.split("/")[1].removesuffix(".html") for path in self._promise.files if path.startswith(PRIVATE)}
        secret = [name.encode() for name in names if len(name) == LOCATOR_LENGTH]
        for path, answer in zip(_LISTINGS, answers, strict=True):
            if not answer.away and any(name in answer.body for name in secret):
                self._fault(path, "the host lists your private pages there", "switch off the listing of files")
                return

    def _unencrypted(self) -> None:
        if self._local or self._remote.scheme != "https" or self._remote.port != 443:
            return
        answer = self._remote.unencrypted()
        address = f"http://{self._remote.host}{self._remote.path}"
        if answer is None:
            self._notes.append(f"nothing answers at {address}, so nobody gets there without https")
        elif answer.status < 400 and urlsplit(answer.headers.get("location", "")).scheme != "https":
            self._fault(address, "it opens without https", "have your host lead http to https ('force https')")

    # --- headers --------------------------------------------------------------------------------------

    def _look(self, at: str, answer: Answer, *, private: bool, error: bool = False) -> None:
        wanted = {**HEADERS, **PRIVATE_HEADERS} if private else HEADERS
        for name, value in wanted.items():
            said = answer.headers.get(name.lower(), "")
            # some hosts let no error answer be kept at all, which is as well
            spared = (self._local and name == _HSTS) or (error and said.lower() == "no-store")
            if not spared and not fits(name, value, said):
                self._lacking.setdefault((name, said), []).append(at)

    def _headers(self) -> None:
        if self._lacking and not self._powers.headers:
            names = ", ".join(dict.fromkeys(name for name, _ in self._lacking))
            self._notes.append(f"this host cannot be told to send {names}; pages carry what they can themselves")
            return
        for (name, said), places in self._lacking.items():
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            what = f"this header says “{said}”" if said else "this header is missing"
            value = HEADERS.get(name) or PRIVATE_HEADERS[name]
            self._fault(name, f"{what}: {places[0]}{more}", self._advice(value))

    def _advice(self, value: str) -> str:
        if files := [*control_files(self._host, "")]:
            return f"the host has to send “{value}”: upload {files[0]} as well, and have it read"
        if files := [*beside_files(self._host, "")]:
            return f"the host has to send “{value}”: put hosting/{files[0]} in place, and load it"
        return f"the host has to send “{value}”: name it in site.yaml (hosting: {{host: …}}), build and upload"


def fits(name: str, wanted: str, said: str) -> bool:
    """Whether a header says what it has to. More than that is well where it does no harm."""
    words = {word.strip().lower() for word in said.split(",")}
    match name:
        case "Strict-Transport-Security":
            age = re.search(r"max-age=\"?(\d+)", said)
            return age is not None and int(age[1]) >= _YEAR
        case "Content-Security-Policy":  # what the host adds could keep a private page from opening
            return {word.rstrip("; ") for word in words} == {wanted}
        case "Permissions-Policy" | "X-Robots-Tag":
            return words >= {word.strip() for word in wanted.split(",")}
        case "Cache-Control":
            return words >= {word.strip() for word in wanted.split(",")} and "public" not in words
        case _:
            return words == {wanted.lower()}


def _addresses(lock: Lock, keyring: Keyring, *, live: bool) -> Iterator[str]:
    """Where the pages of live or of ended links lie, or would in the other mode; not of links under a former key."""
    for row in lock.links:
        if row.key_id in ("", keyring.key_id) and (row.state == "live") is live:
            yield f"{PRIVATE}{keyring.locator(row.salt, row.generation)}.html"
            yield f"{PRIVATE}{keyring.token(row.salt, row.generation)}/index.html"


def _is_local(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
