"""Reads outcomes, passages and their parts strictly from plain values or records."""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from evalkit.errors import did_you_mean
from evalkit.records import (
    FAILURE_KINDS,
    Document,
    Failure,
    Outcome,
    Passage,
    Seconds,
    Trace,
    Usage,
)

Corpus = Mapping[str, Document]
Reader = Callable[[Any, str], Any]
R = TypeVar("R")
LONG, MOST = 1000, 1e15  # bits of a whole number; the largest amount


class ShapeError(ValueError):
    """A value has the wrong shape; ``field`` is its dotted path, ``hint`` what would be right."""

    def __init__(self, message: str, field: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.field}: {self.message}" if self.field else self.message
        return f"{text}; {self.hint}" if self.hint else text


def text(value: Any, field: str) -> str:
    """A string that can be written as UTF-8; a subclass of ``str`` becomes a plain one."""
    if not isinstance(value, str):
        raise _wrong(value, field, "a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ShapeError(f"holds a lone surrogate at character {error.start}", field) from None
    return str.__str__(value)


def name(value: Any, field: str) -> str:
    """A string that is not empty."""
    if not text(value, field):
        raise ShapeError("is empty", field)
    return text(value, field)


def number(value: Any, field: str) -> float:
    """A finite real number; numpy's scalars are welcome, booleans are not."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _wrong(value, field, "a number")
    huge = isinstance(value, numbers.Integral) and int(value).bit_length() > LONG
    if huge or not math.isfinite(value):
        raise ShapeError(f"{'it' if huge else float(value)} is not a finite number", field)
    return float(value)


def amount(value: Any, field: str) -> float:
    """A number that is not negative, nor too large to be added up."""
    if not 0 <= (read := number(value, field)) <= MOST:
        raise ShapeError(f"{value} is {'negative' if read < 0 else 'too large'}", field)
    return read


def count(value: Any, field: str) -> int:
    """An integer that is not negative."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise _wrong(value, field, "an integer")
    return int(amount(value, field))


def items(value: Any, field: str) -> Sequence[Any]:
    """A list or tuple."""
    if not isinstance(value, (list, tuple)):
        raise _wrong(value, field, "a list")
    return value


def texts(value: Any, field: str) -> tuple[str, ...]:
    """A list of strings."""
    return tuple(text(item, f"{field}[{i}]") for i, item in enumerate(items(value, field)))


def json_value(value: Any, field: str) -> Any:
    """A copy of ``value`` that JSON can hold: no NaN, no foreign objects, string keys only."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, field)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return number(value, field)
    if isinstance(value, (list, tuple)):
        return [json_value(item, f"{field}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {text(k, field): json_value(item, join(field, str(k))) for k, item in value.items()}
    raise _wrong(value, field, "something JSON can hold")


def json_object(value: Any, field: str) -> dict[str, Any]:
    """A mapping that JSON can hold, copied."""
    if not isinstance(value, Mapping):
        raise _wrong(value, field, "an object")
    return dict(json_value(value, field))


def response(value: Any, field: str) -> str:
    """The answer: a string as it is, an object or a list as its JSON text."""
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(json_value(value, field), ensure_ascii=False)
    if not isinstance(value, str):
        raise _wrong(value, field, "a string, or an object that is written as JSON")
    return text(value, field)


def failure_kind(value: Any, field: str) -> str:
    """One of ``FAILURE_KINDS``."""
    if value not in FAILURE_KINDS:
        hint = did_you_mean(value, FAILURE_KINDS) if isinstance(value, str) else None
        raise ShapeError(f"unknown kind {value!r}", field, hint)
    return str(value)


def record(
    kind: type[R],
    readers: Mapping[str, Reader],
    value: Any,
    field: str,
    required: Sequence[str] = (),
) -> R:
    """Build ``kind`` from one of its instances or a mapping, each field read by its reader."""
    given = fields_of(kind, readers, value, field)
    for missing in required:
        if given.get(missing) is None:
            raise ShapeError("is missing", join(field, missing))
    return kind(**{n: readers[n](v, join(field, n)) for n, v in given.items() if v is not None})


def fields_of(
    kind: type[Any], readers: Mapping[str, Reader], value: Any, field: str
) -> Mapping[str, Any]:
    """What ``value`` gives, by field name; refuses what is no instance, no mapping or not known."""
    if isinstance(value, kind):
        return {n: getattr(value, n) for n in readers if hasattr(value, n)}
    if not isinstance(value, Mapping):
        raise _wrong(value, field, f"an object with {kind.__name__}'s fields")
    for given in value:
        if given not in readers:
            raise ShapeError("unknown field", join(field, given), did_you_mean(str(given), readers))
    return value


_PASSAGE: dict[str, Reader] = {
    "doc_id": name,
    "chunk_id": text,
    "text": text,
    "title": text,
    "score": number,
}
_KINDS: dict[str, type[Any]] = {
    "doc_id": str,
    "chunk_id": str,
    "text": str,
    "title": str,
    "score": float,
}
_FAILURE: dict[str, Reader] = {"kind": failure_kind, "message": text}
_SECONDS: dict[str, Reader] = {"retrieval": amount, "generation": amount, "total": amount}
_USAGE: dict[str, Reader] = {"prompt_tokens": count, "completion_tokens": count, "cost": amount}


def passage(value: Any, field: str, corpus: Corpus) -> Passage:
    """One passage; one given by ``doc_id`` alone takes its text and title from the corpus."""
    read = record(Passage, _PASSAGE, value, field, required=["doc_id"])
    document = corpus.get(read.doc_id)
    said = value.get("text") is not None if isinstance(value, Mapping) else bool(read.text)
    if document is None or said or read.chunk_id is not None:
        return read
    return dataclasses.replace(read, text=document.text, title=read.title or document.title or None)


def passages(value: Any, field: str, corpus: Corpus) -> tuple[Passage, ...]:
    """Ranked passages, in the order given."""
    listed = enumerate(items(value, field))
    return tuple(_plain(item) or passage(item, f"{field}[{i}]", corpus) for i, item in listed)


def _plain(value: Any) -> Passage | None:
    """The passage of an object that is all as it should be, as nearly all are; None: ``passage`` has to look closer."""
    if type(value) is not dict or not value.get("doc_id") or "text" not in value:
        return None
    fields: dict[str, Any] = value
    item: Any
    for given, item in fields.items():
        if type(item) is not _KINDS.get(given):
            return None
        if not (_utf8(item) if isinstance(item, str) else math.isfinite(item)):
            return None
    return Passage(**fields)


def _utf8(value: str) -> bool:
    try:
        return value.isascii() or bool(value.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def outcome_readers(corpus: Corpus) -> dict[str, Reader]:
    """A reader for each field of an ``Outcome``."""

    def ranked(value: Any, field: str) -> tuple[Passage, ...]:
        return passages(value, field, corpus)

    return {
        "response": response,
        "retrieved": ranked,
        "context": ranked,
        "citations": texts,
        "action": text,
        "error": lambda v, f: record(Failure, _FAILURE, v, f, required=["kind", "message"]),
        "seconds": lambda v, f: record(Seconds, _SECONDS, v, f),
        "usage": lambda v, f: record(Usage, _USAGE, v, f),
        "meta": json_object,
    }


FILING: dict[str, Reader] = {"system": text, "case_id": name, "condition": name, "repeat": count}


def outcome(value: Any, corpus: Corpus) -> Outcome:
    """An ``Outcome`` from an Outcome, a Trace or a mapping; where a trace is filed is left out."""
    readers = outcome_readers(corpus)
    given = fields_of(Outcome, {**readers, **FILING}, value, "")
    return record(Outcome, readers, {n: given[n] for n in given if n in readers}, "")


def trace(value: Any, corpus: Corpus) -> Trace:
    """A ``Trace`` from a mapping; ``case_id`` is required."""
    sound = _sound_trace(value)
    if sound is not None:
        return sound
    return record(Trace, {**outcome_readers(corpus), **FILING}, value, "", required=["case_id"])


def _sound_trace(value: Any) -> Trace | None:
    """The trace of an object that is all as it should be, as a store's are; None: ``record`` has to look closer."""
    if type(value) is not dict or "case_id" not in value:
        return None
    found = {}
    for given, item in value.items():
        read = _SOUND.get(given)
        sound = None if read is None else read(item)
        if sound is None:
            return None
        found[given] = sound
    return Trace(**found)


def _sound_text(value: Any) -> str | None:
    return value if type(value) is str and _utf8(value) else None


def _sound_name(value: Any) -> str | None:
    return value if type(value) is str and value and _utf8(value) else None


def _sound_count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _sound_texts(value: Any) -> tuple[str, ...] | None:
    if type(value) is not list or not all(type(item) is str and _utf8(item) for item in value):
        return None
    return tuple(value)


def _sound_passages(value: Any) -> tuple[Passage, ...] | None:
    if type(value) is not list:
        return None
    found = [_plain(item) for item in value]
    return None if None in found else tuple(found)  # type: ignore[arg-type]


def _sound_numbers(kind: type[R], kinds: Mapping[str, type[Any]]) -> Callable[[Any], R | None]:
    def read(value: Any) -> R | None:
        if type(value) is not dict:
            return None
        for given, item in value.items():
            if type(item) is not kinds.get(given) or not 0 <= item <= MOST:
                return None
        return kind(**value)

    return read


def _sound_meta(value: Any) -> dict[str, Any] | None:
    if type(value) is not dict:
        return None
    for given, item in value.items():
        if type(item) is not str or not (_utf8(item) and _utf8(given)):
            return None
    return _texts_by_name(tuple(value.items()))


@lru_cache(256)
def _texts_by_name(items: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What most answers say of themselves is the same, the model's name: it is held once."""
    return dict(items)


_SOUND: Mapping[str, Callable[[Any], Any]] = {
    "system": _sound_text,
    "case_id": _sound_name,
    "condition": _sound_name,
    "repeat": _sound_count,
    "response": _sound_text,
    "retrieved": _sound_passages,
    "context": _sound_passages,
    "citations": _sound_texts,
    "action": _sound_text,
    "seconds": _sound_numbers(Seconds, {"retrieval": float, "generation": float, "total": float}),
    "usage": _sound_numbers(Usage, {"prompt_tokens": int, "completion_tokens": int, "cost": float}),
    "meta": _sound_meta,
}


def join(field: str, part: object) -> str:
    """The path of a part of ``field``."""
    return f"{field}.{part}" if field else str(part)


def _wrong(value: Any, field: str, wanted: str) -> ShapeError:
    return ShapeError(f"expected {wanted}, got {type(value).__name__}", field)
