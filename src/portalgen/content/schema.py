"""JSON Schema of each kind of source file, from its record, for editors that complete and check YAML.

Draft 7, which the YAML language server reads. A schema knows shapes and words; what depends on several fields or files
is found by `check` only.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from portalgen.content.convert import fields_of
from portalgen.content.kinds import KINDS
from portalgen.content.records.base import Record, Ref, Scalar

DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """The schema of every kind, by its name; for Markdown kinds, of the front matter."""
    return {kind.name: schema(kind.name) for kind in KINDS}


def schema(kind_name: str) -> Schema:
    """The schema of one kind. Raises `KeyError` for a name that no kind has."""
    kind = {kind.name: kind for kind in KINDS}[kind_name]
    definitions: dict[str, Schema] = {}
    body = _object(kind.record, definitions)
    if kind.form == "list":
        body = {"type": "array", "items": body}
    result = {"$schema": DRAFT, "title": f"portalgen {kind.name}", **body}
    return {**result, "definitions": dict(sorted(definitions.items()))} if definitions else result


def _object(record: type[Record], definitions: dict[str, Schema]) -> Schema:
    fields = fields_of(record)
    required = [key for key, (field, _) in fields.items() if field.required]
    properties = {}
    for key, (field, hint) in fields.items():
        properties[key] = _type(hint, definitions)
        if isinstance(field.default, str | int | bool) and "$ref" not in properties[key]:
            properties[key] = {**properties[key], "default": field.default}
    result: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if record.__doc__:
        result["description"] = _text(record.__doc__)
    return {**result, "required": required} if required else result


def _type(hint: Any, definitions: dict[str, Schema]) -> Schema:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        scalar = next((mark for mark in args[1:] if isinstance(mark, Scalar)), None)
        if scalar is None:
            return _type(args[0], definitions)
        ref = next((mark.kind for mark in args[1:] if isinstance(mark, Ref)), None)
        said = f"The id of a {ref}." if ref else _text(scalar.parse.__doc__ or "")
        return {**({"description": said} if said else {}), **scalar.schema}
    if origin is Union or origin is types.UnionType:
        options = [_type(arg, definitions) for arg in args if arg is not types.NoneType]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is Literal:
        return {"enum": _choices(args)}
    if origin is tuple:
        return {"type": "array", "items": _type(args[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(args[1], definitions)}
    if isinstance(hint, type) and issubclass(hint, Record):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # holds the place should a record contain itself
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/definitions/{hint.__name__}"}
    return {"type": ["string", "number", "boolean"]}


def _choices(words: tuple[Any, ...]) -> list[Any]:
    """The words; `false` without quotes is a boolean to an editor, though text to us."""
    plain: Mapping[str, bool] = {"true": True, "false": False}
    return [*words, *(plain[word] for word in words if word in plain)]


def _text(docstring: str) -> str:
    return " ".join(docstring.split()).replace("`", "")
