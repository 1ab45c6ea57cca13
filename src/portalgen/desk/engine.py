"""The engine of the preview: the site as a build would write it, kept in memory, and made again piece by piece.

An edit names files. A client's files concern that client's part alone; all others concern what is shared, which is made
anew. Clients' parts are made when somebody looks at them. What can only be known of the whole site, a process of its
own finds out when the edits have been quiet for a while.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from portalgen.content.lock import LOCK
from portalgen.content.problems import Problem
from portalgen.desk.command import broken_off, in_words
from portalgen.desk.engine_check import Check
from portalgen.desk.engine_links import Links
from portalgen.desk.engine_memo import Memory, theme_stamps
from portalgen.desk.engine_parts import (
    Copies,
    Entry,
    Errors,
    Files,
    Ground,
    Made,
    Shelf,
    client_of_ground,
    errors_of,
    gone_of_ground,
    ground_of,
    new_rows,
)
from portalgen.desk.engine_problems import LOCK as LINKS
from portalgen.desk.engine_problems import SITE, TROUBLE, Wrong
from portalgen.desk.engine_sources import Change, Contents, documents
from portalgen.desk.stage import Sealed, Update, compared
from portalgen.desk.watch import Edits
from portalgen.publish.ended import kept
from portalgen.publish.finished import PRIVATE
from portalgen.publish.key import KeyProblem
from portalgen.publish.paths import folders_of
from portalgen.publish.state import LockBusy, OutputError

_ROOM = 64_000_000
"""Bytes of clients' parts that are kept."""
_AT_ONCE = 20
"""Clients that are made again at once when they were edited together; of more, those that somebody looks at."""
_SETTLED_FIRST = 50
"""Clients without links of whom the links are made before anything is shown; of more, when there is time."""
_BURST = 500
"""Edits at a time of which some may have gone unnoticed."""
_QUIET = 1.0
"""Seconds without an edit after which the whole site is looked at."""


class Engine:
    """Makes what is shown of the site in `root`. Any thread may ask it; edits come from one alone. Of what is new, the
    lock keeps links, so that pages keep their addresses, and no issued document: that may still be under hands."""

    def __init__(self, root: Path, today: dt.date | None = None, *, room: int = _ROOM, looks: bool = True) -> None:
        self._root = root
        self._today = today
        self._lock = threading.RLock()
        self._contents = Contents(root)
        self.links = Links(root)
        self._static = Copies(root, public=True)
        self._memory = Memory()
        self._ground: Ground | None = None
        self._day = dt.date.min
        self._number = 0  # of the ground
        self._shelf = Shelf(room)
        self._kept: Mapping[str, bytes] = {}
        self._wrong = Wrong()
        self._unsettled: list[str] = []
        self._check = Check(root, today) if looks else None
        self._looked = False
        self._unsure = True  # whether there is something that was not worked off
        self._edited = 0.0
        self._tell: Callable[[Update], None] = lambda update: None
        self._tabs: Callable[[], Collection[str]] = tuple
        self._wake: Callable[[], None] = lambda: None
        self.files = Files(self.get, self.addresses)

    def begin(
        self, tell: Callable[[Update], None], tabs: Callable[[], Collection[str]], wake: Callable[[], None]
    ) -> None:
        """Who hears of updates, which pages are being looked at, and how to have `idle` called soon."""
        self._tell, self._tabs, self._wake = tell, tabs, wake

    @property
    def held(self) -> int:
        """Bytes of clients' parts that are kept."""
        return self._shelf.size

    def close(self) -> None:
        """Keeps new links and ends what is under way."""
        if self._check:
            self._check.stop()
        with self._lock, suppress(OutputError, OSError):
            self.links.save(1.0)

    def update(self, edits: Edits) -> None:
        """Makes again what these edits concern (site-relative paths; None: anything), and tells what that changed."""
        if edits == frozenset((LOCK,)) and not self.links.stale:
            return  # it was us who wrote it
        if self._check:
            self._check.stop()
        with self._lock:
            self._edited, self._looked = time.monotonic(), False
            before = self._wrong.known()
            try:
                self._wrong.set(TROUBLE, {})
                self._round(None if self._unsure else edits)
                self._unsure = False
            except (KeyProblem, OutputError) as refused:
                self._trouble(f"{refused.message}\n{refused.hint}")
            except OSError as error:
                self._trouble("\n".join(in_words(error)))
            except Exception:
                self._unsure = True
                raise
            self._wrong.settle(before, edits or ())
            self._say()

    def idle(self) -> float:
        """Does a little of what there is to do when nothing is edited. Returns after how many seconds to ask again."""
        with self._lock:
            if not self.links.indexed:
                self._note_lacking(self.links.index().items())
                return 0.001
            if self._unsettled and self._ground:
                self._settle(self._unsettled.pop())
                return 0.001
            quiet = time.monotonic() - self._edited
            if quiet < _QUIET:
                return _QUIET - quiet
            if self.links.unsaved:
                try:
                    if not self.links.save(0.1):
                        self.update(frozenset((LOCK,)))
                except LockBusy:
                    return _QUIET
                except (OutputError, OSError):
                    self._looked = True  # a disk that takes nothing is told of by who builds
                    return 60.0
            if self._ground and self._date() != self._day:
                self.update(frozenset())
            elif self._check and not self._looked:
                self._looked = True
                self._check.start(self._found)
            return 60.0

    def look(self, page: str) -> None:
        """Finds out whether a page that somebody has before them is still what it was, and tells if not."""
        with self._lock:
            client = self._client_at(page)
            if client is not None:
                self._entry(client)
            self._note_lacking(self.links.passed())

    def get(self, address: str) -> bytes | None:
        """The file at an address, made if need be."""
        with self._lock:
            ground = self._ground
            if ground is None:
                return None
            if (content := ground.files.get(address)) is not None:
                return content
            folder = address.removesuffix("/index.html") if address.endswith("/index.html") else ""
            if not address.startswith(PRIVATE):
                return ground.not_found if folder in ground.folders and folder else None
            entry, content = None, None
            if (client := self._client_at(address)) is not None:
                entry = self._entry(client)
                content = entry.files.get(address) if entry else None
                self._shelf.see(client, address, content)
            if content is None:
                content = self._kept.get(address)
            if content is None and folder and self._is_folder(folder, entry):
                content = ground.not_found
            return content

    def sealed(self, file: str) -> Sealed:
        """The sealed page that a build would write as this file of the output, made for who asks and not kept."""
        with self._lock:
            client, kept_page = self.links.owner(file), self._kept.get(file)
            self._note_lacking(self.links.passed())
            entry = self._entry(client) if client is not None else None  # and its links are known from here on
            if any(self._wrong.of(owner) for owner in (SITE, LINKS, TROUBLE, client or "")):
                return Sealed(None, self._wrong.texts())
            if client is None or entry is None or self._ground is None or self.links.access is None:
                return Sealed(kept_page)
            with self.links.access.sealing():
                made = self._made(client, self._ground, entry.copies, file)
            if made.errors:
                return Sealed(None, tuple(made.errors.values()))
            return Sealed(made.files.get(file, kept_page))

    def addresses(self) -> Iterator[str]:
        """Every address at which something is, with all clients' parts made on the way."""
        with self._lock:
            ground = self._ground
            if ground is None:
                return
            access = self.links.access
            clients = sorted({*self._contents.clients, *(access.clients if access else ())})
            found = {*ground.files, *self._kept}
            for client in clients:
                entry = self._entry(client)
                found |= entry.files.keys() if entry else set()
        yield from sorted(found | {f"{folder}/index.html" for folder in folders_of(found)})

    # --- one round

    def _round(self, edits: Edits) -> None:
        everything = edits is None or len(edits) > _BURST
        change = self._changed(edits if not everything else None)
        first = self._ground is None
        linked, rekeyed = frozenset[str](), False
        if everything or LOCK in (edits or ()) or self.links.access is None:
            linked, rekeyed, wrong = self.links.open()
            self._wrong.set(LINKS, errors_of(self._root, wrong, ()))
            self._kept = kept(self._root)
        touched = change.clients | linked
        for client in touched:
            self._shelf.outdate(client)
            if client not in self._contents.clients and self.links.access:
                self.links.access.forget(client)
        if self._is_shared(change) or rekeyed or self._day != self._date():
            self._renew()
        elif self._ground and self.links.access:
            self._ground.workshop.access = self.links.access
        self._remake(touched, first=first)

    def _changed(self, edits: Edits) -> Change:
        """What the edits changed among the files."""
        if self._unsure:
            return self._contents.begin()
        return self._contents.scan() if edits is None else self._contents.rescan(edits)

    def _is_shared(self, change: Change) -> bool:
        """Whether what changed concerns more than some clients' parts."""
        looks = self._memory.theme
        stamps = theme_stamps(self._root, looks[0].theme.logo if looks else None)
        if stamps != self._memory.stamps:
            self._memory.theme, self._memory.stamps = None, stamps
        if change.shared or self._ground is None or self._memory.theme is None:
            return True
        methods = self._ground.workshop.shared.site.practice.methods
        return change.listed and bool(self._wrong.of(SITE) or any(method.for_clients for method in methods))

    def _renew(self) -> None:
        """Makes the ground, and the public part with it. An earlier one stays while this one has errors."""
        before, access = self._ground, self.links.access
        read = self._contents.read()
        self._day = self._date(read.shared.site.practice.timezone if read.shared else "")
        copy = self._static.of(self._contents.static)
        problems = self._contents.problems()
        ground, errors = ground_of(self._root, read, problems, access, self._day, copy, self._memory)
        self._wrong.set(SITE, errors)
        if ground is None or (before is not None and before.good and not ground.good):
            if before is not None and access is not None:
                before.workshop.access = access
            return
        self._ground = ground
        self._number += 1
        changed, restyled = compared(before.files if before else {}, ground.files)
        if before is None:
            self._settle_some()
        self._announce(changed, restyled)

    def _remake(self, touched: frozenset[str], *, first: bool) -> None:
        """Makes again what somebody is looking at, what had an error, and what was just edited."""
        if self._ground is None:
            return
        shown = [client for page in self._tabs() if (client := self._client_at(page)) is not None]
        wrong = [*self._wrong.clients()]
        few = sorted(touched) if len(touched) <= _AT_ONCE else ()
        for client in dict.fromkeys((*shown, *wrong[:_AT_ONCE], *few)):
            self._entry(client)
        if not first:
            self._unsettled += touched.difference(few)

    # --- clients

    def _client_at(self, address: str) -> str | None:
        return self.links.owner(address) if address.startswith(PRIVATE) and address.count("/") > 1 else None

    def _entry(self, client: str) -> Entry | None:
        """A client's part as it is now; as it was last while it has errors."""
        entry = self._shelf.get(client)
        if self._ground is None or (entry and entry.number == self._number):
            return entry
        copies = entry.copies if entry else Copies(self._root)
        made = self._made(client, self._ground, copies)
        self._wrong.set(client, made.errors)
        if made.errors and entry and entry.good:
            entry.number, entry.held = self._number, True
            return entry
        if not made.errors and self.links.access and self.links.access.learn(client, made.rows):
            self._wake()
        fresh = Entry(made.files, self._number, not made.errors, copies)
        self.links.own(client, (address for address in made.files if address.startswith(PRIVATE)))
        self._shelf.put(client, fresh)
        changed: set[str] = set()
        restyled: tuple[str, ...] = ()
        if entry and entry.files:
            found, restyled = compared(entry.files, made.files)
            changed = {*found}
        if not made.errors or entry:
            changed |= {*self._shelf.unlike(client, made.files)} - {*restyled}
        self._announce(tuple(sorted(changed)), restyled)
        return fresh

    def _made(self, client: str, ground: Ground, copies: Copies, only: str = "") -> Made:
        sources = self._contents.sources(client)
        try:
            if sources is None:
                return gone_of_ground(self._root, ground, client)
            problems = self._contents.problems(client)
            return client_of_ground(self._root, ground, client, sources, problems, copies.of(sources), only)
        except OSError as error:
            text = "\n".join(in_words(error))
        except Exception:  # a bug; told with its traceback, and the other clients can be seen
            text = broken_off("The build")
        return Made({}, {Problem(path=f"content/clients/{client}", message=text): text})

    def _is_folder(self, folder: str, entry: Entry | None) -> bool:
        if folder == "p":
            access = self.links.access
            return bool(self._kept or (access and any(True for _ in access.clients)))
        return bool(entry and folder in entry.folders) or any(path.startswith(f"{folder}/") for path in self._kept)

    # --- links of clients nobody has looked at

    def _settle_some(self) -> None:
        """Finds the clients that lack links. Where they are few, they get them before anything is shown."""
        known = {*self.links.access.clients} if self.links.access else set()
        self._unsettled = [client for client in self._contents.clients if client not in known]
        if len(self._contents.clients) > _SETTLED_FIRST:
            return
        while not self.links.indexed:
            self._note_lacking(self.links.index().items())
        while self._unsettled:
            self._settle(self._unsettled.pop())
        with suppress(OutputError, OSError):
            self.links.save(0.1)

    def _note_lacking(self, found: Iterable[tuple[str, set[tuple[str, str]]]]) -> None:
        """Of these clients the lock has these links."""
        for client, known in found:
            sources = self._contents.sources(client)
            if sources is not None and not documents(sources) | {("portal", client)} <= known:
                self._unsettled.append(client)

    def _settle(self, client: str) -> None:
        sources, access = self._contents.sources(client), self.links.access
        entry = self._shelf.get(client)
        if sources is None or self._ground is None or access is None or (entry and entry.number == self._number):
            return
        with suppress(OSError):  # told when it is looked at, or by the whole look
            rows = new_rows(self._root, self._ground, client, sources)
            access.learn(client, rows)
            places = (access.address(row, sealed=sealed) for _, row in rows for sealed in (True, False))
            self.links.own(client, places)

    # --- what is told

    def _say(self) -> None:
        self._tell(Update(self.files if self._ground else None, self._wrong.texts()))

    def _announce(self, changed: tuple[str, ...], restyled: tuple[str, ...]) -> None:
        if changed or restyled:
            self._tell(Update(self.files if self._ground else None, self._wrong.texts(), changed, restyled))

    def _found(self, errors: Errors) -> None:
        """The whole look is over."""
        with self._lock:
            if self._looked:
                self._wrong.found(errors)
                self._say()

    def _trouble(self, text: str) -> None:
        self._unsure = True
        self._wrong.trouble(TROUBLE, text)

    def _date(self, zone: str = "") -> dt.date:
        if self._today:
            return self._today
        if not zone and self._ground:
            zone = self._ground.workshop.shared.site.practice.timezone
        return dt.datetime.now(ZoneInfo(zone) if zone else dt.UTC).date()
