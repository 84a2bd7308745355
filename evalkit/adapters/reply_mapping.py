"""Maps a service's JSON reply to an ``Outcome`` by the paths that systems.yaml gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit import shapes
from evalkit.adapters.answers import read_outcome, told_usage, usage_in
from evalkit.adapters.json_path import MISSING, Step, find, parse_path
from evalkit.adapters.options import Options
from evalkit.records import Document, Failure, Outcome, Usage

FIELDS = ("response", "retrieved", "context", "citations", "action", "error", "usage", "meta")
PASSAGE_FIELDS = ("path", "doc_id", "chunk_id", "text", "title", "score")
USAGE_FIELDS = ("prompt_tokens", "completion_tokens", "cost")
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Passages:
    """Where the list is, and where each passage's fields are inside an item; empty: as they are."""

    path: Path
    fields: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class ReplyMapping:
    """Which part of a reply is which field of the outcome; ``None`` everywhere: it has the fields itself."""

    plain: Mapping[str, Path]
    passages: Mapping[str, Passages]
    objects: Mapping[str, Mapping[str, Path]]


def read_mapping(options: Options, name: str, only: str) -> ReplyMapping | None:
    """The mapping in option ``name``; a bare path stands for the field ``only``. ``None`` when not given."""
    if isinstance(options.values.get(name), str):
        return ReplyMapping({only: _path(options, name)}, {}, {})
    part = options.part(name, FIELDS)
    if part is None:
        return None
    plain: dict[str, Path] = {
        f: _path(part, f) for f in ("response", "citations", "action", "error") if f in part.values
    }
    ranked: dict[str, Passages] = {
        f: _passages(part, f) for f in ("retrieved", "context") if f in part.values
    }
    objects = {}
    for field, known in (("usage", USAGE_FIELDS), ("meta", tuple(part.mapping("meta") or ()))):
        inner = part.part(field, known)
        if inner is not None:
            objects[field] = {f: _path(inner, f) for f in inner.values}
    return ReplyMapping(plain, ranked, objects)


def map_reply(value: Any, mapping: ReplyMapping | None, corpus: Mapping[str, Document]) -> Outcome:
    """The outcome that a reply stands for; raises ``ShapeError`` where it does not fit.

    A mapped response that is not there is an error; any other missing part is unobserved (``None``).
    """
    if mapping is None:
        return read_outcome(value, corpus)
    found: dict[str, Any] = {name: _found(value, path) for name, path in mapping.plain.items()}
    if found.get("response", "") is None and found.get("error") is None and not found.get("action"):
        raise shapes.ShapeError("the reply has nothing at its path", "response")
    for name, passages in mapping.passages.items():
        found[name] = _items(value, passages)
    for name, paths in mapping.objects.items():
        found[name] = {part: _found(value, path) for part, path in paths.items()}
    found["error"] = _failure(found.get("error"))
    found["citations"] = _ids(found.get("citations"))
    return read_outcome(found, corpus)


def usage_of(value: Any, mapping: ReplyMapping | None) -> Usage:
    """What a reply that does not fit says of its usage all the same."""
    if mapping is None:
        return usage_in(value)
    paths = mapping.objects.get("usage", {})
    return told_usage({part: _found(value, path) for part, path in paths.items()})[0]


def _items(value: Any, passages: Passages) -> list[Any] | None:
    listed = _found(value, passages.path)
    if listed is None:
        return None
    return [_item(item, passages.fields) for item in shapes.items(listed, "retrieved")]


def _item(item: Any, fields: Mapping[str, Path]) -> Any:
    if fields:
        item = {name: _found(item, path) for name, path in fields.items()}
    elif not isinstance(item, Mapping):
        item = {"doc_id": item}
    return {**item, "doc_id": _id(item.get("doc_id"))}


def _id(value: Any) -> Any:
    """Services often number their documents; labels name them by text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _ids(value: Any) -> Any:
    return [_id(item) for item in value] if isinstance(value, list) else value


def _failure(value: Any) -> Failure | None:
    if not value:
        return None
    said = value.get("message", value) if isinstance(value, Mapping) else value
    return Failure(
        "exception", said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    )


def _found(value: Any, path: Path) -> Any:
    found = find(value, path)
    return None if found is MISSING else found


def _path(options: Options, name: str) -> Path:
    try:
        return parse_path(options.required(name))
    except ValueError as error:
        raise options.refuse(name, str(error)) from None


def _passages(options: Options, name: str) -> Passages:
    if isinstance(options.values[name], str):
        return Passages(_path(options, name), {})
    part = options.part(name, PASSAGE_FIELDS)
    assert part is not None
    fields = {f: _path(part, f) for f in PASSAGE_FIELDS[1:] if f in part.values}
    if fields and "doc_id" not in fields:
        raise part.refuse("doc_id", "is required")
    return Passages(_path(part, "path"), fields)
