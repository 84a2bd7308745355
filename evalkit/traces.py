"""Traces as JSON Lines: reading recorded outputs strictly, and writing the same file back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from evalkit import shapes
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.records import AS_IS, Approach, Document, Passage, Suite, Trace
from evalkit.strict import Row, read_jsonl

_ORDER = (
    "system",
    "case_id",
    "condition",
    "repeat",
    "response",
    "retrieved",
    "context",
    "citations",
    "action",
    "error",
    "seconds",
    "usage",
    "meta",
)
_in_order = attrgetter(*_ORDER)
_KEPT = ("retrieved", "context", "citations", "response")  # though they are empty
_PLAIN = frozenset({str, int, float, bool, type(None)})  # in JSON as they are
_NO_USAGE = Trace().usage  # of nearly every answer that does not say what it took
_FIELDS: dict[type[Any], tuple[str, ...]] = {}
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_NO_DOCUMENTS: Mapping[str, Document] = {}


def trace_from_json(
    obj: Any,
    *,
    where: str | Path | None = None,
    line: int | None = None,
    corpus: Mapping[str, Document] = _NO_DOCUMENTS,
) -> Trace:
    """One trace from its JSON object; ``null`` is the same as left out.

    A passage given by ``doc_id`` alone takes its text from ``corpus``; in ``context`` the text must be
    known one way or the other, because an answer is judged against it. Raises ``InvalidInput`` at ``where:line``.
    """
    try:
        trace = shapes.trace(obj, corpus)
        _check_context(trace, obj, corpus)
    except shapes.ShapeError as error:
        raise InvalidInput(
            error.message, file=where, line=line, field=error.field or None, hint=error.hint
        ) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply", file=where, line=line) from None
    return trace


def trace_to_json(trace: Trace) -> dict[str, Any]:
    """The JSON object of a trace; what is ``None`` is left out, what is empty stays."""
    found = {}
    for name, value in zip(_ORDER, _in_order(trace), strict=True):
        if value is None or value is _NO_USAGE:
            continue
        if type(value) in _PLAIN:
            found[name] = value
            continue
        if not value and name not in _KEPT:
            continue
        plain = _to_json(value)
        if plain != {} or name in _KEPT:
            found[name] = plain
    return found


def gradable(
    suite: Suite, traces: Mapping[str, Iterable[Any]], approaches: Mapping[str, str]
) -> tuple[dict[str, Approach], dict[str, tuple[Trace, ...]]]:
    """The approach of every system, rag where none is given, and its answers, given as traces or as mappings.

    They are filed under the name by which they are given, whatever ``system`` they name. ``InvalidInput`` for what cannot be graded: no answer, a value of another type than its field has, a case the suite
    does not have, an answer given twice.
    """
    if not isinstance(traces, Mapping) or not traces:
        given = type(traces).__name__ if traces else "none"
        hint = 'give the answers of each system by its name: {"mine": [Trace(...), ...]}'
        raise InvalidInput(f"expected answers by system, got {given}", hint=hint)
    for name in approaches:
        if name not in traces:
            hint = did_you_mean(str(name), map(str, traces)) or ""
            raise InvalidInput(f"approaches: no system is called {name!r}", hint=hint)
    known = {case.id for case in suite.cases}
    found = {name: _answers(name, given, suite.corpus) for name, given in traces.items()}
    for name, answers in found.items():
        _check_answers(name, answers, known)
    return {name: _approach(name, approaches.get(name, "rag")) for name in found}, found


def _check_answers(name: str, answers: Iterable[Trace], known: Collection[str]) -> None:
    """``InvalidInput`` unless there is an answer as the system is, and each is to a known case and given once."""
    if not any(trace.condition == AS_IS for trace in answers):
        raise InvalidInput(f"{name}: has no {AS_IS} answer")
    seen: set[tuple[str, str, int]] = set()
    for trace in answers:
        key = (trace.case_id, trace.condition, trace.repeat)
        if trace.case_id not in known:
            hint = f"the suite has {len(known)} cases; is it the one that was asked?"
            raise InvalidInput(f"{name}: no case is called {trace.case_id!r}", hint=hint)
        if key in seen:
            told = f"case {key[0]!r}, condition {key[1]}, repeat {key[2]}"
            raise InvalidInput(f"{name}: two answers for {told}")
        seen.add(key)


def _answers(name: Any, given: Any, corpus: Mapping[str, Document]) -> tuple[Trace, ...]:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"a system is called by a text that is not empty, not {name!r}")
    if isinstance(given, str | Mapping | Trace) or not isinstance(given, Iterable):
        kind = type(given).__name__
        raise InvalidInput(f"{name}: expected a list of traces, got {kind}")
    found = (
        trace_from_json(_as_stored(one), where=f"{name}[{i}]", corpus=corpus)
        for i, one in enumerate(given)
    )
    return tuple(dataclasses.replace(trace, system=name) for trace in found)


def _as_stored(given: Any) -> Any:
    """A trace with half a surrogate pair in one of its texts as a store gives it back; anything else as it is."""
    if not isinstance(given, Trace):
        return given
    try:
        text = trace_text(given)
    except (TypeError, ValueError, AttributeError, RecursionError):
        return given  # a field has another type: which one, reading it says
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-8", "replace"))
    return given


def _approach(system: str, name: Any) -> Approach:
    try:
        return Approach(name)
    except ValueError:
        hint = did_you_mean(str(name), [one.value for one in Approach])
        raise InvalidInput(f"{system}: no approach is called {name!r}", hint=hint) from None


def read_traces(path: Path, corpus: Mapping[str, Document] = _NO_DOCUMENTS) -> Iterator[Trace]:
    """The traces of a file, in its order; raises ``InvalidInput`` naming file, line and field."""
    for row in read_jsonl(path):
        yield trace_at(row, path, corpus)


def trace_at(row: Row, path: Path, corpus: Mapping[str, Document]) -> Trace:
    """The trace on one line of ``path``."""
    return trace_from_json(row.value, corpus=corpus, where=path, line=row.line)


def write_traces(traces: Iterable[Trace], stream: IO[str]) -> int:
    """Write one trace a line, ended by a line feed; returns how many were written."""
    written = 0
    for trace in traces:
        stream.write(trace_line(trace))
        written += 1
    return written


def trace_line(trace: Trace) -> str:
    """One trace as the line that stands for it in ``traces.jsonl``."""
    return trace_text(trace) + "\n"


def trace_text(trace: Trace) -> str:
    """The same without the line's end; raises ``ValueError`` for what is no JSON."""
    return _encode(trace_to_json(trace))


def _fields(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a kind of record, none for other kinds; remembered, for every answer asks."""
    if kind not in _FIELDS:
        record = dataclasses.is_dataclass(kind)
        _FIELDS[kind] = tuple(f.name for f in dataclasses.fields(kind)) if record else ()
    return _FIELDS[kind]


def _to_json(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {n: item if type(item) in _PLAIN else _to_json(item) for n, item in value.items()}
    found = {}
    for name in _FIELDS[kind] if kind in _FIELDS else _fields(kind):
        item = getattr(value, name)
        if item is not None:
            found[name] = item if type(item) in _PLAIN else _to_json(item)
    if found or _FIELDS[kind]:
        return found
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _to_json(item) for name, item in value.items()}
    return value


def _check_context(trace: Trace, obj: Any, corpus: Mapping[str, Document]) -> None:
    given: Any = obj.context if isinstance(obj, Trace) else obj.get("context")
    for i, passage in enumerate(trace.context or ()):
        if not passage.text and not _says_text(given[i]):
            raise shapes.ShapeError(_no_text(passage, corpus), f"context[{i}].text")


def _says_text(given: Any) -> bool:
    return isinstance(given, Passage) or given.get("text") is not None


def _no_text(passage: Passage, corpus: Mapping[str, Document]) -> str:
    if passage.doc_id in corpus and passage.chunk_id is None:
        return f"is missing, and document {passage.doc_id!r} has none"
    if passage.doc_id in corpus:
        return f"is missing: the corpus has document {passage.doc_id!r}, but not its chunks"
    return f"is missing, and the corpus has no document {passage.doc_id!r}"
