"""All parts of a build together: what is wrong with no single one, the lock, the output, and what is remembered.

Where few parts changed nothing is asked of the others but what they come to, so an edit costs what it changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from portalgen.content.lock import LOCK, Lock
from portalgen.content.lockfile import LockFile
from portalgen.content.places import Places
from portalgen.content.problems import Finding, Problem
from portalgen.content.sources import Source, scan, scan_named
from portalgen.publish.access import keep_lock
from portalgen.publish.beside import write_beside
from portalgen.publish.clients import Facts, Made
from portalgen.publish.fingerprint import Fingerprint, is_as_seen
from portalgen.publish.finished import Finished, Staging
from portalgen.publish.glance import lock_fingerprint
from portalgen.publish.ground import Ground, Public
from portalgen.publish.hosting import beside_files
from portalgen.publish.inspection import keys_of
from portalgen.publish.look import Sight, locked
from portalgen.publish.manifest import Owned, has_room, stamp_of
from portalgen.publish.memory import Last, Output, Unit, program, remember
from portalgen.publish.output import Publication, Within, publication
from portalgen.publish.paths import folders_of
from portalgen.publish.state import Unsettled, Written
from portalgen.publish.vanished import gone_client
from portalgen.rules.numbering import number_findings, numbers_in
from portalgen.rules.recurring import same_series
from portalgen.site.render import NOT_FOUND

_FEW = 100
"""Parts made anew that are looked at without all the others."""
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


class Together:
    """All parts of one build: the `public` one, those that stand, as they were seen, and those that were made now.

    `sources` is what the public part was made from, `base_url` the address that was given.
    """

    def __init__(
        self,
        output: Path,
        seen: Sight,
        ground: Ground,
        public: Public,
        remade: Mapping[str, Remade],
        staging: Staging,
        sources: Fingerprint,
        base_url: str,
    ) -> None:
        self._root, self._output, self._seen, self._ground = ground.root, output, seen, ground
        self._public, self._remade, self._staging, self._sources = public, remade, staging, sources
        self._last = seen.known.last if seen.shared else None
        self._base_url = base_url

    def published(self) -> Built | None:
        """Publishes all of it, unless there is an error. None when only the whole site can tell what is wrong."""
        ground, seen, public = self._ground, self._seen, self._public
        alone = self._alone()
        if alone is None:
            return None
        made = [one.made for one in self._remade.values()]
        told = {**dict(zip(public.problems, public.excerpts, strict=True)), **alone, **dict(seen.sum.told)}
        for one in made:
            told |= zip(one.problems, one.excerpts, strict=True)
        pages = public.pages + seen.sum.pages + sum(one.pages for one in made)
        if any(problem.severity == "error" for problem in told):
            return Built(told=told, pages=pages)
        gone = {path: self._staging.put(path, page) for path, page in self._gone_pages().items()}
        if gone or seen.sum.outputs or any(one.files for one in made):
            gone["p/index.html"] = self._staging.put("p/index.html", public.files[NOT_FOUND])
        until = ground.span.until  # what it is asked in what follows belongs to single clients
        self._check_settled()
        file = self._learnt()
        ours = self._ours()
        within = self._within(gone)
        if within:
            done = publication(self._made(), root=self._root, output=self._output, within=within)
            rest = seen.sum.outputs + len(ours) + len(gone)
            written = msgspec.structs.replace(done.written, unchanged=done.written.unchanged + rest)
        else:
            files = {**ours, **gone, **self._standing(), **self._made()}
            done = publication(files, root=self._root, output=self._output)
            written = done.written
        beside = beside_files(ground.shared.site.hosting.host if ground.shared.site.hosting else None, ground.base_url)
        write_beside(self._root, beside)
        if ground.shared.site.documents.pdf and not within:
            known = (self._facts.get(name) or seen.clients[name].known for name in ground.tree.clients)
            ground.shop.tidy(frozenset(name for one in known for name in one.prints))
        self._remember(file, done, ours, gone, alone, until, tuple(beside))
        return Built(told=told, pages=pages, written=written)

    def _alone(self) -> Told | None:
        """What is wrong with no single part: numbers and ids across clients, and clients that are gone.

        None when the lock contradicts itself, or two clients have a document with one id.
        """
        ground, last, facts = self._ground, self._last, self._facts
        before, orphans = self._seen.known.clients, self._orphans
        if last and self._seen.lock and not orphans and before.keys() == ground.tree.clients.keys():
            touched = tuple(f"content/clients/{name}/" for name in facts)
            if all(before[name].known.alike(one) for name, one in facts.items()) and not any(
                problem.path.startswith(touched) for problem in last.problems
            ):
                return dict(zip(last.problems, last.excerpts, strict=True))
        every = [facts.get(name) or self._seen.clients[name].known for name in ground.tree.clients]
        taken = [one for known in every for one in known.numbers]
        keys = [key for known in every for key in known.documents]
        problems: list[Problem] = []
        findings: list[Finding] = []
        for client in orphans:
            rows = self._rows(client)
            search = ground.search(self._public, ground.workshop.sealed(None))
            findings += search.keys(*keys_of(ground.access, (), rows.links))
            problems += gone_client(ground.access.file, client, rows)
            taken += numbers_in(rows.documents)
            keys += [row.key for row in rows.documents]
        ids = [one for known in every for one in known.ids]
        if any(len({*some}) < len(some) for some in (keys, ids)):
            return None
        taken += numbers_in((), ground.access.lock.numbers)
        findings += same_series(known.series for known in every if known.series)
        findings += number_findings(ground.shared.site, taken)
        places = Places(self._root)
        kept = places.kept([*problems, *places.problems(findings)])
        return {problem: places.excerpt(problem) for problem in kept}

    @cached_property
    def _orphans(self) -> list[str]:
        """The clients that the lock has rows of and whose folder is gone."""
        known = self._seen.known
        if known.last and self._seen.lock and known.clients.keys() == self._ground.tree.clients.keys():
            return list(known.last.orphans)
        return sorted({*self._ground.access.clients} - {*self._ground.tree.clients})

    def _rows(self, client: str) -> Lock:
        return self._ground.access.file.of(client) or Lock()

    def _gone_pages(self) -> Mapping[str, bytes]:
        """What stands at the links of clients whose folder is gone."""
        rows = [row for client in self._orphans for row in self._rows(client).links]
        return self._ground.workshop.gone(rows)

    def _learnt(self) -> LockFile:
        """The lock as it has to be now; written, with the key, if it is another one."""
        access = self._ground.access
        lines = [line for one in self._remade.values() for line in one.made.lines]
        if not access.lock.key_id and (any(b'"kind": "link"' in new for _, new in lines)):
            lines.append((b"", Lock(key_id=access.keyring.key_id).text().rstrip("\n").encode()))
        if access.lock.key_id or lines:
            access.keep_key()
        if not lines:
            return access.file
        data = access.file.with_lines([old for old, _ in lines], [new for _, new in lines])
        if data != access.file.content:
            keep_lock(self._root, data)
        for one in self._remade.values():
            one.made.lines.clear()  # as large as the lock, when a large site is built first
        return LockFile(data)

    def _check_settled(self) -> None:
        """Raises `Unsettled` when the folder or the lock is not as it was when the build began to read it."""
        tree = self._ground.tree
        if not self._ground.access.file.is_as_read(self._root):
            raise Unsettled([LOCK])
        read = [(tree.clients[name], one.sources) for name, one in self._remade.items()]
        read.append((tree.shared, self._sources))
        if all(_is_of(files, sources) and is_as_seen(self._root, sources) for files, sources in read):
            return
        named = [name for name, sources in tree.clients.items() if sources]
        now = scan(self._root) if self._seen.whole else scan_named(self._root, named, tree.clients)
        then = {*tree.shared, *(source for name in tree.clients for source in tree.clients[name])}
        found = {*now.shared, *(source for name in now.clients for source in now.clients[name])}
        if then != found or tree.clients.keys() != now.clients.keys():
            paths = sorted({source.path for source in then ^ found})
            raise Unsettled(paths or sorted(f"content/clients/{name}" for name in {*tree.clients} ^ {*now.clients}))

    # --- what is to be published ----------------------------------------------------------------------

    @cached_property
    def _facts(self) -> Mapping[str, Facts]:
        return {name: one.made.facts for name, one in self._remade.items()}

    def _ours(self) -> Mapping[str, Finished]:
        """The public files."""
        if self._last:
            return dict(_as_they_stand(self._last.shared.outputs))
        return {path: self._staging.put(path, data) for path, data in self._public.files.items()}

    def _standing(self) -> Mapping[str, Finished]:
        """The files of the parts that stand."""
        return dict(_as_they_stand(one for unit in self._seen.clients.values() for one in unit.outputs))

    def _made(self) -> Mapping[str, Finished]:
        """The files of the parts that were made now."""
        return {path: file for one in self._remade.values() for path, file in one.made.files.items()}

    def _within(self, gone: Mapping[str, Finished]) -> Within | None:
        """The part of the output that belongs to the clients whose parts were made now, where nothing else changes."""
        last, known = self._last, self._seen.known
        if last is None or last.listed is None or not known.listed or len(self._remade) > _FEW:
            return None
        if known.clients.keys() != self._ground.tree.clients.keys() or self._orphans or not has_room(self._root):
            return None
        if gone.keys() != {path for path, *_ in last.gone} or not all(file.stands for file in gone.values()):
            return None
        files = {path: sha for name in self._remade for path, _, _, sha in known.clients[name].outputs}
        folders = folders_of(files) - {"p"}
        return Within(Owned(files=files, folders=sorted(folders)), last.listed)

    # --- what is to be known --------------------------------------------------------------------------

    def _remember(
        self,
        file: LockFile,
        done: Publication,
        ours: Mapping[str, Finished],
        gone: Mapping[str, Finished],
        alone: Told,
        until: dt.date,
        beside: tuple[str, ...],
    ) -> None:
        ground, public, seen = self._ground, self._public, self._seen

        def standing(files: Mapping[str, Finished]) -> tuple[Output, ...]:
            stamps = done.stamps
            return tuple((path, *stamps.get(path, (one.size, one.mtime_ns)), one.sha256) for path, one in files.items())

        now = {
            name: Unit(
                sources=one.sources,
                locked=locked(file, name),
                outputs=standing(one.made.files),
                until=one.made.until,
                pages=one.made.pages,
                problems=one.made.problems,
                excerpts=one.made.excerpts,
                facts=msgspec.msgpack.encode(one.made.facts),
            )
            for name, one in self._remade.items()
        }
        shared, same = self._last.shared if self._last else None, file is ground.access.file
        last = Last(
            program=program(),
            base_url=self._base_url,
            key_id=ground.access.keyring.key_id if not ground.access.fresh else "",
            timezone=ground.shared.site.practice.timezone,
            made=ground.day,
            lock_seen=seen.lock if same and seen.lock else lock_fingerprint(self._root),
            shared=Unit(
                sources=self._sources,
                locked=b"",
                outputs=standing(ours),
                until=shared.until if shared else until,
                pages=public.pages,
                problems=public.problems,
                excerpts=public.excerpts,
            ),
            anchors=dict(public.anchors),
            names=public.names,
            origins=dict(public.origins),
            problems=tuple(alone),
            excerpts=tuple(alone.values()),
            beside=beside,
            gone=standing(gone),
            orphans=tuple(self._orphans),
            ordered=file.ordered,
            shut=tuple(row.salt for name in self._orphans for row in self._rows(name).links if row.state != "live"),
            manifest=stamp_of(self._root),
            listed=done.manifest,
        )
        remember(self._root, self._output, last, seen.clients.of(ground.tree.clients, now), after=seen.known)


def _is_of(files: Iterable[Source], read: Fingerprint) -> bool:
    """Whether files were read as they were found."""
    seen = {file.path: (file.size, file.mtime) for file in read.files}
    return all(seen.get(file.path) == (file.size, file.mtime_ns) for file in files)


def _as_they_stand(outputs: Iterable[Output]) -> Iterator[tuple[str, Finished]]:
    for path, size, mtime, sha in outputs:
        yield path, Finished(sha, size, mtime_ns=mtime)
