"""Writing derived files: to a temporary name, parsed back, then renamed, so that no half file is ever seen."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from evalkit.errors import StorageError
from evalkit.records import Score, Trace
from evalkit.traces import trace_to_json

SCORE_COLUMNS = ("system", "case_id", "condition", "repeat", "metric", "value", "status", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_json(path: Path, value: Any) -> None:
    """Strict JSON (no NaN), two spaces deep."""
    _write(path, lambda stream: _dump(value, stream), lambda: json.loads(path_text(path)))


def _dump(value: Any, stream: IO[str]) -> None:
    json.dump(value, stream, ensure_ascii=False, allow_nan=False, indent=2)
    stream.write("\n")


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8."""
    _write(path, lambda stream: _put(stream, text))


def _put(stream: IO[str], text: str) -> None:
    stream.write(text)


def write_traces(path: Path, traces: Iterable[Trace]) -> None:
    """traces.jsonl, which the `recorded` adapter replays."""
    _write(path, lambda stream: _lines(stream, (trace_to_json(trace) for trace in traces)))


def _lines(stream: IO[str], objects: Iterable[Any]) -> None:
    for value in objects:
        json.dump(value, stream, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def write_scores(path: Path, scores: Iterable[Score]) -> None:
    """scores.csv, one row a cell; a value that has none is an empty cell."""
    _write(path, lambda stream: _table(stream, scores))


def _table(stream: IO[str], scores: Iterable[Score]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(SCORE_COLUMNS)
    writer.writerows(_cells(scores))


def _cells(scores: Iterable[Score]) -> Iterator[tuple[Any, ...]]:
    for s in scores:
        value = "" if s.value is None else f"{s.value:.10g}"
        repeat = "" if s.repeat is None else s.repeat
        case_id, note = plain_cell(s.case_id or ""), plain_cell(s.note)
        yield (
            plain_cell(s.system),
            case_id,
            s.condition,
            repeat,
            s.metric,
            value,
            s.status.value,
            note,
        )


def plain_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading sign gets an apostrophe before it."""
    return "'" + text if text.startswith(_FORMULA) else text


def path_text(path: Path) -> str:
    """The text of the temporary file that stands for ``path`` while it is being written."""
    return _temporary(path).read_text(encoding="utf-8")


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _write(
    path: Path, write: Callable[[IO[str]], None], check: Callable[[], Any] | None = None
) -> None:
    temporary = _temporary(path)
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        if check is not None:
            check()
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
