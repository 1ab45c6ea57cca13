"""A build by parts: those that changed are made, in as many processes as pay; the others stay as they stand.

A process that makes parts also stages their files, so only what they are known by comes back. Nothing goes into the
output before everything is known to be without an error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

from portalgen.content.loader import without_collector
from portalgen.publish.clients import Made
from portalgen.publish.crew import mapped, workers
from portalgen.publish.fingerprint import Fingerprint
from portalgen.publish.finished import Staging, clear_staging
from portalgen.publish.ground import Ground, Public, ground_of
from portalgen.publish.look import Sight, client_fingerprint, shared_fingerprint
from portalgen.publish.manifest import output_key, read_manifest
from portalgen.publish.memory import Last, Output
from portalgen.publish.together import Built, Remade, Together
from portalgen.site.theme import TemplateProblem

Progress = Callable[[int, int], None]


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
    stands = seen.known.last if seen.shared else None
    # before anything is read: an edit in between is an edit after it, whatever the clock says
    sources = stands.shared.sources if stands else shared_fingerprint(root, seen.tree)
    laid = ground_of(root, seen.tree, ordered=bool(seen.lock and seen.known.last and seen.known.last.ordered))
    if laid is None or sources is None:
        return None
    ground = laid[0].on(today, base_url)
    salts = ground.access.file.salts if seen.lock is None else []
    if len({*salts}) < len(salts):  # two links would be one
        return None
    clear_staging(root)
    try:
        public = _recalled(output, stands) if stands else ground.public(laid[1])
        if public is None:
            return None
        staging = _staging(root, output, seen)
        remade = _remade(ground, public, seen, staging, jobs, progress)
        if remade is None:
            return None
        return Together(output, seen, ground, public, remade, staging, sources, base_url).published()
    except TemplateProblem:
        return None
    finally:
        clear_staging(root)


def _recalled(output: Path, last: Last) -> Public:
    """The public part as it stands in the output."""
    return Public(
        files={path: (output / path).read_bytes() for path, *_ in last.shared.outputs},
        names=last.names,
        anchors=last.anchors,
        origins=last.origins,
        pages=last.shared.pages,
        problems=last.shared.problems,
        excerpts=last.shared.excerpts,
    )


def _staging(root: Path, output: Path, seen: Sight) -> Staging:
    """Where files are staged, with what stands in the output where they go."""
    last, before = seen.known.last, list[Output]()
    if last is None:
        site = root.resolve()
        owned = read_manifest(site).outputs.get(output_key(site, output.resolve()))
        return Staging(root, output, owned.files if owned and output.is_dir() else {}, {})
    before += (*last.gone, *(() if seen.shared else last.shared.outputs))
    for name in seen.known.clients.keys() - seen.clients.keys():
        before += seen.known.clients[name].outputs
    known = {path: sha for path, _, _, sha in before}
    return Staging(root, output, known, {path: (size, mtime) for path, size, mtime, _ in before})


def _remade(
    ground: Ground, public: Public, seen: Sight, staging: Staging, jobs: int, progress: Progress | None
) -> Mapping[str, Remade] | None:
    """The clients' parts that do not stand, made; None when files or the lock cannot be read."""
    tree, root = ground.tree, ground.root
    names = [name for name in tree.clients if name not in seen.clients]
    maker = ground.maker(public)

    def make(number: int) -> Remade:
        name = names[number]
        contents: dict[str, bytes] = {}
        sources = client_fingerprint(root, name, tree, contents)
        if sources is None:
            return Remade(Made(name, torn=True), Fingerprint(0, (), ()))
        return Remade(maker.make(name, tree.clients[name], contents, staging.put), sources)

    found: dict[str, Remade] = {}
    with without_collector():
        crew = workers(len(names), jobs)
        done = mapped(make, len(names), crew) if crew > 1 else ((n, make(n)) for n in range(len(names)))
        for number, one in done:
            if one.made.torn:
                return None
            found[names[number]] = one
            if progress:
                progress(len(found), len(names))
    return {name: found[name] for name in names}
