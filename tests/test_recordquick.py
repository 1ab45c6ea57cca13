"""What is read quickly into records is what is read at leisure; what has a problem is left alone."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.convert import Run, fields_of, to_record, to_records
from portalgen.content.kinds import Kind
from portalgen.content.loader import read_client, read_shared
from portalgen.content.reading import BY_NAME, Reader
from portalgen.content.recordquick import Named, quickly, quickly_all
from portalgen.content.records.base import Misfit
from portalgen.content.references import Names
from portalgen.content.sources import Tree, scan
from portalgen.content.yamltext import parse
from tests.support import ROOT, Built


def _units(tree: Tree) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "", tree.shared
    yield from tree.clients.items()


def test_files_are_read_alike_and_those_of_clients_quickly(demo: Built) -> None:
    tree = scan(demo.site)
    for client, files in _units(tree):
        quick, full = Reader(demo.site, client, quick=True), Reader(demo.site, client)
        assert quick.records(files) == full.records(files)
        assert (quick.findings, quick.problems, quick.raw) == (full.findings, full.problems, full.raw)
        named = defaultdict[str, set[str]](set)
        for _, use in full.uses:
            named[use.kind].add(use.id)
        assert quick.named == named
        assert quick.uses == []


def test_a_client_is_read_alike_if_what_it_names_is_not_there(demo: Built) -> None:
    tree = scan(demo.site)
    names = read_shared(tree).names
    seen = set[bool]()
    for client, files in tree.clients.items():
        uses = Reader(demo.site, client)
        uses.records(files)
        for kind in {use.kind for _, use in uses.uses if names.ids.get(use.kind)}:
            fewer = Names(ids={**names.ids, kind: ()}, owners=names.owners)
            (part, whole) = (read_client(demo.site, client, files, one) for one in (fewer, names))
            missing = {use.at for _, use in uses.uses if use.kind == kind}
            assert {finding.at for finding in part.findings} - {finding.at for finding in whole.findings} <= missing
            assert len(part.findings) > len(whole.findings)
            assert (part.folder, part.mentions) == (None, whole.mentions)
            unsound = Names(ids=names.ids, owners=names.owners, unsound=frozenset([(kind, "*")]))
            part = read_client(demo.site, client, files, unsound)
            assert (part.folder, part.findings) == (None, whole.findings)
            seen.add(kind == "service")
    assert seen == {True, False}


@cache
def _samples() -> list[tuple[Kind, Any]]:
    kinds = [(BY_NAME[source.kind], source.path) for source in scan(ROOT).sources if source.kind in BY_NAME]
    return [(kind, parse((ROOT / path).read_text("utf-8")).data) for kind, path in kinds if kind.form != "markdown"]


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or mapping in the data, with each of its indexes or keys."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, entry in entries:
        yield data, key
        yield from _places(entry)


WORDS = ["", "x", "2026-11-02", "0", "-1", "12.50", "none", "true", "S", "50%", "a b", "été", "\u202eo", "2w", "ana"]
VALUES: st.SearchStrategy[Any] = (
    st.sampled_from([*WORDS, None, [], {}, ["x"], {"x": "y"}, [{}], {"category": "Z", "rate": "0"}]) | st.text()
)


@given(st.data())
def test_what_is_quick_is_right_and_what_is_right_is_quick(data: st.DataObject) -> None:
    kind, sample = data.draw(st.sampled_from(_samples()))
    sample = copy.deepcopy(sample)
    for _ in range(data.draw(st.integers(0, 2))):
        if places := list(_places(sample)):
            holder, key = data.draw(st.sampled_from(places))
            change = data.draw(st.sampled_from(["write", "write", "drop", "rename"]))
            if change == "write":
                holder[key] = data.draw(VALUES)
                continue
            entry = holder.pop(key)
            if change == "rename" and isinstance(holder, dict):
                holder[data.draw(st.sampled_from(["id", "note", "reason", "kind", "of", "date", "x"]))] = entry
    given = {name: "x" for name in ("path", "client") if name in kind.record.__struct_fields__}
    given = {name: value for name, value in given.items() if name not in fields_of(kind.record)}
    run, named = Run("x"), Named(set)
    full: Any = (
        to_records(kind.record, sample, run) if kind.form == "list" else to_record(kind.record, sample, run, given)
    )
    try:
        if kind.form == "list":
            quick: Any = quickly_all(kind.record, sample, named)
        else:
            quick = quickly(kind.record, sample, named, given)
    except Misfit:
        assert run.findings
        return
    assert run.findings == []
    assert quick == full
    assert {(kind, one) for kind, ids in named.items() for one in ids} == {(use.kind, use.id) for use in run.uses}
