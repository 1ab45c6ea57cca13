"""A build by parts: those that changed are made, in as many processes as pay; the others stay as they stand.

A process that makes parts also stages their files, so only what they are known by comes back. Nothing goes into the
output before everything is known to be without an error.
"""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import msgspec

from portalgen.content.lock import Lock
from portalgen.content.lockfile import LockFile
from portalgen.content.places import Places
from portalgen.content.problems import Finding, Problem
from portalgen.content.sources import scan, scan_named
from portalgen.publish.access import keep_lock
from portalgen.publish.beside import write_beside
from portalgen.publish.clients import Facts, Made
from portalgen.publish.crew import mapped, workers
from portalgen.publish.fingerprint import Fingerprint
from portalgen.publish.finished import Finished, Staging, clear_staging
from portalgen.publish.ground import Ground, Public, ground_of
from portalgen.publish.hosting import beside_files
from portalgen.publish.inspection import keys_of
from portalgen.publish.look import Sight, client_fingerprint, locked, shared_fingerprint
from portalgen.publish.memory import Last, Unit, outputs, program, remember
from portalgen.publish.output import publication
from portalgen.publish.state import Unsettled, Written, output_key, read_manifest
from portalgen.publish.untouched import lock_fingerprint
from portalgen.publish.vanished import gone_client
from portalgen.rules.numbering import number_findings, numbers_in
from portalgen.rules.recurring import same_series
from portalgen.site.render import NOT_FOUND
from portalgen.site.theme import TemplateProblem

Progress = Callable[[int, int], None]
Told = Mapping[Problem, str]
"""Problems with the lines that they are about."""


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build by parts did. `written` is None when there are errors, and then nothing was."""

    told: Told
    pages: int
    written: Written | None = None


class Remade(msgspec.Struct, frozen=True):
    """A client's part made anew, with the fingerprint of what it was made from."""

    made: Made
    sources: Fingerprint


def build_parts(
    root: Path,
    output: Path,
    seen: Sight,
    today: dt.date | None,
    base_url: str,
    *,
    jobs: int = 0,
    progress: Progress | None = None,
) -> Built | None:
    """Builds what `seen` says has changed. None when something is wrong that only the whole site together can tell.

    Raises `KeyProblem`, `OutputError`, and `Unsettled` when a source changed meanwhile.
    """
    if any(problem.severity == "error" for problem in seen.tree.problems):
        return None
    stands = seen.last if seen.shared else None
    # before anything is read: an edit in between is an edit after it, whatever the clock says
    sources = stands.shared.sources if stands else shared_fingerprint(root, seen.tree)
    laid = ground_of(root, seen.tree)
    if laid is None or sources is None:
        return None
    ground = laid[0].on(today, base_url)
    build = _Parts(root, output, seen, ground, sources)
    clear_staging(root)
    try:
        public = build.recalled(stands) if stands else ground.public(laid[1])
        if public is None:
            return None
        remade = build.remade(public, jobs, progress)
        if remade is None:
            return None
        return build.finished(public, remade, base_url, jobs)
    except TemplateProblem:
        return None
    finally:
        clear_staging(root)


class _Parts:
    def __init__(self, root: Path, output: Path, seen: Sight, ground: Ground, sources: Fingerprint) -> None:
        self._root, self._output, self._seen, self._ground = root, output, seen, ground
        self._sources = sources
        self._last = seen.last
        site = Path(root).resolve()
        owned = read_manifest(site).outputs.get(output_key(site, Path(output).resolve()))
        stamps: dict[str, tuple[int, int]] = {}
        if self._last:
            every = chain(self._last.gone, *(unit.outputs for unit in self._last.units))
            stamps = {path: (size, mtime) for path, size, mtime, _ in every}
        self._staging = Staging(root, output, owned.files if owned else {}, stamps)

    # --- the public part ------------------------------------------------------------------------------

    def recalled(self, last: Last) -> Public:
        """The public part as it stands in the output."""
        files = {path: (self._output / path).read_bytes() for path, *_ in last.shared.outputs}
        return Public(
            files=files,
            names=last.names,
            anchors=last.anchors,
            origins=last.origins,
            pages=last.shared.pages,
            problems=last.shared.problems,
            excerpts=last.shared.excerpts,
        )

    # --- the clients' parts ---------------------------------------------------------------------------

    def remade(self, public: Public, jobs: int, progress: Progress | None) -> dict[str, Remade] | None:
        """The parts that do not stand, made; None when files or the lock cannot be read."""
        tree, root = self._ground.tree, self._root
        names = [name for name in tree.clients if name not in self._seen.clients]
        maker = self._ground.maker(public)

        def make(number: int) -> Remade:
            name = names[number]
            contents: dict[str, bytes] = {}
            sources = client_fingerprint(root, name, tree.clients[name], contents)
            if sources is None:
                return Remade(Made(name, torn=True), Fingerprint(0, (), ()))
            return Remade(maker.make(name, tree.clients[name], contents, self._staging.put), sources)

        found: dict[str, Remade] = {}
        with _without_collector():
            crew = workers(len(names), jobs)
            done = mapped(make, len(names), crew) if crew > 1 else ((n, make(n)) for n in range(len(names)))
            for number, one in done:
                if one.made.torn:
                    return None
                found[names[number]] = one
                if progress:
                    progress(len(found), len(names))
        return {name: found[name] for name in names}

    # --- all of them together -------------------------------------------------------------------------

    def finished(self, public: Public, remade: Mapping[str, Remade], base_url: str, jobs: int) -> Built | None:
        """Looks at all parts together and publishes them, unless there is an error."""
        ground, root, last = self._ground, self._root, self._last
        units = self._seen.clients
        facts = {name: one.made.facts for name, one in remade.items()}
        alone = self._alone(public, units, facts)
        if alone is None:
            return None
        told = {**dict(zip(public.problems, public.excerpts, strict=True)), **alone}
        parts: list[Unit | Made] = [*units.values(), *(one.made for one in remade.values())]
        for part in parts:
            told |= zip(part.problems, part.excerpts, strict=True)
        pages = public.pages + sum(part.pages for part in parts)
        if any(problem.severity == "error" for problem in told):
            return Built(told=told, pages=pages)
        gone = {path: self._staging.put(path, page) for path, page in self._gone_pages().items()}
        if gone or any(unit.outputs for unit in units.values()) or any(one.made.files for one in remade.values()):
            gone["p/index.html"] = self._staging.put("p/index.html", public.files[NOT_FOUND])
        shared = last.shared if last and self._seen.shared else None
        ours = (
            {path: Finished(sha, size, mtime_ns=mtime) for path, size, mtime, sha in shared.outputs}
            if shared
            else {path: self._staging.put(path, data) for path, data in public.files.items()}
        )
        until = ground.span.until  # what it is asked in what follows belongs to single clients
        self._check_settled(remade)
        file = self._learnt(remade)
        files = {**ours, **gone}
        for unit in units.values():
            files |= {path: Finished(sha, size, mtime_ns=mtime) for path, size, mtime, sha in unit.outputs}
        for one in remade.values():
            files |= one.made.files
        written, stamps = publication(files, root=root, output=self._output, jobs=jobs)
        hashes = {path: one.sha256 for path, one in files.items()}
        beside = beside_files(ground.shared.site.hosting.host if ground.shared.site.hosting else None, ground.base_url)
        write_beside(root, beside)
        if ground.shared.site.documents.pdf:
            every = (facts.get(name) or units[name].known for name in ground.tree.clients)
            ground.shop.tidy(frozenset(name for known in every for name in known.prints))
        now = {**units}
        for name, one in remade.items():
            made = one.made
            now[name] = Unit(
                sources=one.sources,
                locked=locked(file, name),
                outputs=outputs(made.files, hashes, stamps),
                until=made.until,
                pages=made.pages,
                problems=made.problems,
                excerpts=made.excerpts,
                facts=msgspec.msgpack.encode(made.facts),
            )
        remember(
            root,
            self._output,
            Last(
                program=program(),
                base_url=base_url,
                key_id=ground.access.keyring.key_id if not ground.access.fresh else "",
                timezone=ground.shared.site.practice.timezone,
                made=ground.day,
                lock=file.sha256,
                lock_seen=lock_fingerprint(root),
                shared=Unit(
                    sources=self._sources,
                    locked=b"",
                    outputs=outputs(ours, hashes, stamps),
                    until=shared.until if shared else until,
                    pages=public.pages,
                    problems=public.problems,
                    excerpts=public.excerpts,
                ),
                anchors=dict(public.anchors),
                names=public.names,
                origins=dict(public.origins),
                clients={name: now[name] for name in ground.tree.clients},
                problems=tuple(alone),
                excerpts=tuple(alone.values()),
                beside=tuple(beside),
                gone=outputs(gone, hashes, stamps),
                shut=tuple(
                    row.salt for client in self._orphans() for row in self._rows(client).links if row.state != "live"
                ),
            ),
        )
        return Built(told=told, pages=pages, written=written)

    def _alone(self, public: Public, units: Mapping[str, Unit], facts: Mapping[str, Facts]) -> Told | None:
        """What is wrong with no single part: numbers and ids across clients, and clients that are gone.

        None when the lock contradicts itself, or two clients have a document with one id.
        """
        ground, last = self._ground, self._last
        orphans = self._orphans()
        if last and self._seen.shared and not orphans and last.clients.keys() == ground.tree.clients.keys():
            touched = tuple(f"content/clients/{name}/" for name in facts)
            if all(last.clients[name].known.alike(one) for name, one in facts.items()) and not any(
                problem.path.startswith(touched) for problem in last.problems
            ):
                return dict(zip(last.problems, last.excerpts, strict=True))
        every = [facts.get(name) or units[name].known for name in ground.tree.clients]
        taken = [one for known in every for one in known.numbers]
        keys = [key for known in every for key in known.documents]
        problems: list[Problem] = []
        findings: list[Finding] = []
        for client in orphans:
            rows = self._rows(client)
            search = ground.search(public, ground.workshop.sealed(None))
            findings += search.secrets(*keys_of(ground.access, (), rows.links))
            problems += gone_client(ground.access.file, client, rows)
            taken += numbers_in(rows.documents)
            keys += [row.key for row in rows.documents]
        salts = ground.access.file.salts
        ids = [one for known in every for one in known.ids]
        if any(len({*some}) < len(some) for some in (keys, salts, ids)):
            return None
        taken += numbers_in((), ground.access.lock.numbers)
        findings += same_series(known.series for known in every if known.series)
        findings += number_findings(ground.shared.site, taken)
        places = Places(self._root)
        kept = places.kept([*problems, *places.problems(findings)])
        return {problem: places.excerpt(problem) for problem in kept}

    def _orphans(self) -> list[str]:
        """The clients that the lock has rows of and whose folder is gone."""
        return sorted({*self._ground.access.clients} - {*self._ground.tree.clients})

    def _rows(self, client: str) -> Lock:
        return self._ground.access.file.of(client) or Lock()

    def _gone_pages(self) -> Mapping[str, bytes]:
        """What stands at the links of clients whose folder is gone."""
        rows = [row for client in self._orphans() for row in self._rows(client).links]
        return self._ground.workshop.gone(rows)

    def _learnt(self, remade: Mapping[str, Remade]) -> LockFile:
        """The lock as it has to be now; written, with the key, if it is another one."""
        access = self._ground.access
        lines = [line for one in remade.values() for line in one.made.lines]
        if not access.lock.key_id and (any(b'"kind": "link"' in new for _, new in lines)):
            lines.append((b"", Lock(key_id=access.keyring.key_id).text().rstrip("\n").encode()))
        if access.lock.key_id or lines:
            access.keep_key()
        if not lines:
            return access.file
        data = access.file.with_lines([old for old, _ in lines], [new for _, new in lines])
        if data != access.file.data:
            keep_lock(self._root, data)
        return LockFile(data)

    def _check_settled(self, remade: Iterable[str]) -> None:
        """Raises `Unsettled` when the folder is not as it was when the build began to read it."""
        tree = self._ground.tree
        now = scan(self._root) if self._seen.whole else scan_named(self._root, remade)
        then = {*tree.shared, *(source for name in tree.clients for source in tree.clients[name])}
        found = {*now.shared, *(source for name in now.clients for source in now.clients[name])}
        if then != found or tree.clients.keys() != now.clients.keys():
            paths = sorted({source.path for source in then ^ found})
            raise Unsettled(paths or sorted(f"content/clients/{name}" for name in {*tree.clients} ^ {*now.clients}))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Records and pages hold no cycles; copies of this process share what is frozen."""
    running = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if running:
            gc.enable()
