"""Recorded answers as the store keeps them, made of lines that were checked before: no record is built on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import combinations
from json.encoder import encode_basestring
from typing import Any

from evalkit.records import AS_IS
from evalkit.store.rows import checksum

REMEMBERED = 4096  # passages as JSON
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
Plain = dict[str, Any]  # a trace as JSON has it, its fields in the order of traces.jsonl

_PASSAGE = {"doc_id": str, "chunk_id": str, "text": str, "title": str, "score": float}
_GIVEN = (names for n in range(2, 6) for names in combinations(_PASSAGE, n))
# The fields that a passage may have, in their order, and of what kind they are.
_SHAPES = {
    names: tuple(_PASSAGE[name] for name in names)
    for names in _GIVEN
    if {"doc_id", "text"} <= {*names}
}
_SECONDS = {"retrieval": float, "generation": float, "total": float}
_USAGE = {"prompt_tokens": int, "completion_tokens": int, "cost": float}


def plain_trace(given: Plain) -> Plain | None:
    """The fields of a recorded answer in order, without its system, where all is as nearly all answers have it.

    None where a record has to be built to know what it means, or what is wrong with it: an error, an answer
    that is no text or empty, a passage without a text, a number that is no float, an unknown field.
    """
    found: Plain = {"case_id": None, "condition": AS_IS, "repeat": 0}
    for name, read in _READERS.items():
        value = given.get(name)
        if value is None:
            continue
        plain = read(value)
        if plain is None:
            return None
        if plain != {}:
            found[name] = plain
    complete = found["case_id"] is not None and "response" in found
    return found if complete and given.keys() <= _KNOWN else None


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _name(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _answer(value: Any) -> str | None:
    return value if type(value) is str and value.strip() else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _passages(value: Any) -> list[Plain] | None:
    if type(value) is not list:
        return None
    for passage in value:
        if type(passage) is not dict or not passage.get("doc_id"):
            return None
        if tuple(map(type, passage.values())) != _SHAPES.get(tuple(passage)):
            return None
    return value


def _texts(value: Any) -> list[str] | None:
    return value if type(value) is list and all(type(item) is str for item in value) else None


def _numbers(kinds: Mapping[str, type]) -> Callable[[Any], Plain | None]:
    """Reads amounts by name, none of them negative; those that are null are left out."""

    def read(value: Any) -> Plain | None:
        if type(value) is not dict or not value.keys() <= kinds.keys():
            return None
        given: Plain = {n: found for n in kinds if (found := value.get(n)) is not None}
        right = all(type(given[n]) is kinds[n] and given[n] >= 0 for n in given)
        return given if right else None

    return read


def _object(value: Any) -> Plain | None:
    return value if type(value) is dict else None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "case_id": _name,
    "condition": _name,
    "repeat": _count,
    "response": _answer,
    "retrieved": _passages,
    "context": _passages,
    "citations": _texts,
    "action": _text,
    "seconds": _numbers(_SECONDS),
    "usage": _numbers(_USAGE),
    "meta": _object,
}
_KNOWN = frozenset({*_READERS, "system"})


class Filing:
    """Makes rows of the store for one system; passages, which come back, are made JSON once."""

    def __init__(self, system: str) -> None:
        self._system = system
        self._seen: dict[tuple[str | None, ...], str] = {}

    def row(self, trace: Plain) -> tuple[Any, ...]:
        """The row of an answer as ``plain_trace`` gives it; the one that ``trace_row`` makes of its record."""
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        fields = [f'"system": {encode_basestring(self._system)}']
        fields += [f'"{name}": {self._shown(name, value)}' for name, value in trace.items()]
        key = self._system, trace["case_id"], trace["condition"], trace["repeat"]
        row = (*key, None, f"{{{', '.join(fields)}}}")
        return (*row, checksum(*row))

    def _shown(self, name: str, value: Any) -> str:
        if type(value) is str:
            return encode_basestring(value)
        if name in ("retrieved", "context"):
            return f"[{', '.join(map(self._passage, value))}]"
        return repr(value) if type(value) is int else _encode(value)

    def _passage(self, passage: Plain) -> str:
        """All of a passage but its score, which differs from question to question, is remembered."""
        get = passage.get
        key = passage["doc_id"], get("chunk_id"), passage["text"], get("title")
        known = self._seen.get(key)
        if known is None:
            named = {name: value for name, value in passage.items() if name != "score"}
            known = self._seen[key] = _encode(named)[:-1]
        return f'{known}, "score": {passage["score"]!r}}}' if "score" in passage else f"{known}}}"
