"""Plain data into records: each field by its type, every problem collected, nothing guessed.

A converter is compiled once for each record from its type hints. It takes what the YAML holds and a `Run`, which
gathers problems as findings and the ids that are referred to as uses.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from inspect import get_annotations
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from portalgen.content.problems import Finding
from portalgen.content.records.base import DERIVED, KeyPath, Misfit, Record, Ref, Scalar
from portalgen.content.scalars import parse_asset, parse_file_name

R = TypeVar("R", bound=Record)
FAILED: Any = object()
"""What a converter gives when the value has problems."""
MOST_FINDINGS = 50


class Use(msgspec.Struct, frozen=True):
    """An id that refers to something else, and where it stands."""

    kind: str
    id: str
    at: KeyPath
    on_key: bool = False


class _EnoughError(Exception):
    """A file with very many problems is not read to its end."""


def _short(text: str) -> str:
    """A message may quote the file, but not pages of it."""
    return text if len(text) <= 300 else f"{text[:200]} … {text[-60:]}"


class Run:
    """One file on its way to records: where we are in it, what was found so far."""

    __slots__ = ("errors", "file", "findings", "path", "uses")

    def __init__(self, file: str) -> None:
        self.file = file
        self.path: list[str | int] = []
        self.findings: list[Finding] = []
        self.uses: list[Use] = []
        self.errors = 0

    def report(
        self,
        code: str,
        message: str,
        hint: str,
        at: KeyPath = (),
        *,
        on_key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> Any:
        """Note a problem at `at` below the current place; gives `FAILED`."""
        place = (*self.path, *at)
        message, hint = _short(message), _short(hint)
        self.findings.append(
            Finding(path=self.file, code=code, message=message, hint=hint, severity=severity, at=place, on_key=on_key)
        )
        self.errors += severity == "error"
        if len(self.findings) >= MOST_FINDINGS:
            raise _EnoughError
        return FAILED


Take = Callable[[Any, Run], Any]
Parse = Callable[[str], Any]
_FILES: Mapping[Parse, str] = {parse_asset: "asset", parse_file_name: "file"}
"""Scalars that name a file, and the kind of what they refer to."""


class Step(msgspec.Struct, frozen=True):
    """How one type is read. Scalars have `parse` (and `ref`, a kind of id), so that a record reads them inline.

    `parts` are the steps of entries, of keys and entries, or of the alternatives.
    """

    take: Take
    shape: Literal["scalar", "list", "mapping", "any"]
    parse: Parse | None = None
    ref: str | None = None
    parts: tuple[Step, ...] = ()
    record: type[Record] | None = None


def suggest(word: str, known: Iterable[str]) -> str:
    """The nearest known word, or an empty text."""
    if len(word) > 64:
        return ""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def _shape_of(value: Any) -> str:
    if isinstance(value, str):
        return "scalar"
    return "list" if isinstance(value, list) else "mapping" if isinstance(value, dict) else "nothing"


_NULLS = ("null", "Null", "NULL", "~")  # what YAML elsewhere reads as nothing


def _wrong_shape(value: Any, run: Run, wanted: str, example: str = "") -> Any:
    given = _shape_of(value)
    if given == "nothing":
        return run.report("empty-entry", "there is no value here", "write a value, or take the line away")
    what = {"scalar": "one value", "list": "a list", "mapping": "keys with values", "any": "another form"}
    message = f"{what[wanted]} {'are' if wanted == 'mapping' else 'is'} wanted here"
    if given != "scalar":
        message += ", this is a list" if given == "list" else ", this has keys of its own"
    if wanted == "list":
        hint = f"write [{value}]" if given == "scalar" else "put '- ' before the first key of each entry"
        if value in _NULLS:
            hint = "write [] if there is none"
    elif wanted == "scalar":
        hint = "write one value without brackets and '- '"
        if given == "mapping":
            hint = "write one value; put text that holds ': ' in quotes"
    else:
        hint = f"write {example}" if example else "write key: value"
    return run.report("wrong-type", message, hint)


def _scalar(parse: Parse, ref: str | None = None) -> Step:
    def take(value: Any, run: Run) -> Any:
        if type(value) is not str:
            return _wrong_shape(value, run, "scalar")
        try:
            result = parse(value)
        except Misfit as misfit:
            return run.report(misfit.code, misfit.message, misfit.hint)
        if ref is not None:
            run.uses.append(Use(ref, result, tuple(run.path)))
        return result

    return Step(take, "scalar", parse, ref)


def _choice(options: tuple[Any, ...]) -> Step:
    known = {str(option): option for option in options}

    def parse(text: str) -> Any:
        if text in known:
            return known[text]
        guess = suggest(text.lower().replace(" ", "_").replace("-", "_"), known)
        mean = f"; did you mean '{guess}'?" if guess else ""
        raise Misfit(f"'{text}' is none of the words known here{mean}", "write " + _either(known), "bad-choice")

    return _scalar(parse)


def _either(words: Iterable[str]) -> str:
    *first, last = list(words)
    return f"{', '.join(first)} or {last}" if first else last


def _list(inner: Step) -> Step:
    step = inner.take

    def take(value: Any, run: Run) -> Any:
        if type(value) is not list:
            return _wrong_shape(value, run, "list")
        before = run.errors
        path = run.path
        result = []
        for n, entry in enumerate(value):
            path.append(n)
            result.append(step(entry, run))
            path.pop()
        return tuple(result) if run.errors == before else FAILED

    return Step(take, "list", parts=(inner,))


def _table(key: Step, inner: Step) -> Step:
    parse, ref, step = key.parse, key.ref, inner.take
    assert parse is not None

    def take(value: Any, run: Run) -> Any:
        if type(value) is not dict:
            return _wrong_shape(value, run, "mapping")
        before = run.errors
        result = {}
        for name, entry in value.items():
            try:
                known = parse(name)
            except Misfit as misfit:
                run.report(misfit.code, misfit.message, misfit.hint, (name,), on_key=True)
                continue
            if ref is not None:
                run.uses.append(Use(ref, known, (*run.path, name), on_key=True))
            run.path.append(name)
            result[known] = step(entry, run)
            run.path.pop()
        return result if run.errors == before else FAILED

    return Step(take, "mapping", parts=(key, inner))


def _union(options: list[Step]) -> Step:
    """The alternatives of the value's shape, in the order they are written."""
    parsers = [step.parse for step in options if step.parse is not None]
    others: dict[str, Step] = {step.shape: step for step in reversed(options) if step.parse is None}

    def parse(text: str) -> Any:
        misfits = []
        for each in parsers:
            try:
                return each(text)
            except Misfit as misfit:
                misfits.append(misfit)
        if len(misfits) == 1:
            raise misfits[0]
        hints = list(dict.fromkeys(misfit.hint for misfit in misfits if misfit.hint))
        raise Misfit(f"'{text}' is not what may stand here", ", or ".join(hints), misfits[0].code)

    if not others:
        return _scalar(parse)
    scalar = _scalar(parse) if parsers else None

    def take(value: Any, run: Run) -> Any:
        if scalar is not None and type(value) is str:
            return scalar.take(value, run)
        step = others.get(_shape_of(value))
        if step is not None:
            return step.take(value, run)
        if scalar is None:
            return next(iter(others.values())).take(value, run)
        return _wrong_shape(value, run, "scalar")

    return Step(take, "any", parse if parsers else None, parts=tuple(options))


def step_of(hint: Any) -> Step:
    """How a value of a type is read."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        scalar = next((mark for mark in args[1:] if isinstance(mark, Scalar)), None)
        if scalar is None:
            return step_of(args[0])
        ref = next((mark.kind for mark in args[1:] if isinstance(mark, Ref)), None)
        return _scalar(scalar.parse, _FILES.get(scalar.parse, ref))
    if origin is Union or origin is types.UnionType:
        options = [step_of(arg) for arg in args if arg is not types.NoneType]
        return options[0] if len(options) == 1 else _union(options)
    if origin is Literal:
        return _choice(args)
    if origin is tuple:
        return _list(step_of(args[0]))
    if origin is dict:
        return _table(step_of(args[0]), step_of(args[1]))
    if isinstance(hint, type) and issubclass(hint, Record):
        return Step(_reader(hint), "mapping", record=hint)
    if hint is str:
        return _scalar(str)
    raise TypeError(f"a record may not have a field of the type {hint!r}")


class Declared(msgspec.Struct, frozen=True):
    """A field of a record as it is declared; `default` is msgspec's mark where there is none."""

    name: str
    required: bool
    default: Any


@cache
def fields_of(record: type[Record]) -> dict[str, tuple[Declared, Any]]:
    """The keys that may be written, each with its field and its type hint; derived fields are left out."""
    hints: dict[str, Any] = {}
    for owner in reversed(record.__mro__):  # as `get_type_hints` does; no record writes them as texts
        hints |= get_annotations(owner)
    names, defaults = record.__struct_fields__, record.__struct_defaults__
    every = (*[msgspec.NODEFAULT] * (len(names) - len(defaults)), *defaults)
    return {
        key: (Declared(name, default is msgspec.NODEFAULT, default), hints[name])
        for name, key, default in zip(names, record.__struct_encode_fields__, every, strict=True)
        if DERIVED not in get_args(hints[name])
    }


def _example(keys: Iterable[str]) -> str:
    return "{" + ", ".join(f"{key}: …" for key in keys) + "}"


@cache
def _reader(record: type[Record]) -> Take:
    """The converter of one record."""
    fields = fields_of(record)
    table = {}
    for key, (field, hint) in fields.items():
        step = step_of(hint)
        table[key] = field.name, step.parse, step.ref, step.take
    required = [(key, field.name) for key, (field, _) in fields.items() if field.required]
    example = _example([key for key, _ in required] or list(table)[:2])
    derived = {*record.__struct_encode_fields__} - {*table}
    flawless = record.flaws is Record.flaws

    def take(raw: Any, run: Run, given: Mapping[str, Any] | None = None) -> Any:
        if type(raw) is not dict:
            return _wrong_shape(raw, run, "mapping", example)
        before = run.errors
        values: dict[str, Any] = {} if given is None else dict(given)
        path = run.path
        guessed: set[str] | None = None
        for key, value in raw.items():
            if value is None and key in table:
                continue
            field = table.get(key)
            if field is None:
                if guessed is None:
                    guessed = set()
                guessed.add(_unknown(key, value, table, derived, run))
                continue
            name, parse, ref, step = field
            if parse is not None and type(value) is str:
                try:
                    values[name] = result = parse(value)
                except Misfit as misfit:
                    run.report(misfit.code, misfit.message, misfit.hint, (key,))
                    values[name] = FAILED
                    continue
                if ref is not None:
                    run.uses.append(Use(ref, result, (*path, key)))
            else:
                path.append(key)
                values[name] = step(value, run)
                path.pop()
        for key, name in required:
            if name not in values and (guessed is None or key not in guessed):
                at, on_key = ((key,), True) if key in raw else ((), False)
                run.report("missing-key", f"the key '{key}' is missing", f"add {key}:", at, on_key=on_key)
        if run.errors != before:
            return FAILED
        result = record(**values)
        if not flawless:
            for flaw in result.flaws():
                run.report(flaw.code, flaw.message, flaw.hint, flaw.at, severity=flaw.severity)
            if run.errors != before:
                return FAILED
        return result

    return take


def _unknown(key: str, value: Any, table: Iterable[str], derived: set[str], run: Run) -> str:
    """Report a key that the record does not have; gives the key that was probably meant."""
    if value is None and " " in key:
        message, hint = f"'{key}' is no key here", "put text that holds a comma in quotes when it stands in braces"
        run.report("unknown-key", message, hint, (key,), on_key=True)
        return ""
    if key in derived:
        where = "the file's name" if key == "id" else "clear from where the file lies"
        run.report("unknown-key", f"'{key}' is not written: it is {where}", "take this line away", (key,), on_key=True)
        return ""
    known = list(table)
    guess = suggest(key.lower().replace("-", "_").replace(" ", "_"), known)
    if guess:
        message, hint = f"'{key}' is no key here, did you mean '{guess}'?", f"write {guess}:"
    else:
        more = ", …" if len(known) > 12 else ""
        message, hint = f"'{key}' is no key here", f"the keys here are {', '.join(known[:12])}{more}"
    run.report("unknown-key", message, hint, (key,), on_key=True)
    return guess


def to_record(record: type[R], raw: Any, run: Run, given: Mapping[str, Any] | None = None) -> R | None:
    """The record that a mapping holds, or None when the run has found an error in it. `given`: derived fields."""
    reader: Any = _reader(record)
    try:
        result = reader(raw, run, given)
    except _EnoughError:
        return None
    return None if result is FAILED else result


def to_records(record: type[R], raw: Any, run: Run) -> tuple[R, ...] | None:
    """The records of a list, or None when the run has found an error in one of them; no data is an empty list."""
    if raw is None:
        return ()
    try:
        result = _list(Step(_reader(record), "mapping")).take(raw, run)
    except _EnoughError:
        return None
    return None if result is FAILED else result
