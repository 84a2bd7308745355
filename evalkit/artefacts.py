"""Writing derived files: to a temporary name, parsed back, then renamed, so that no half file is ever seen."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from math import isnan, nan
from pathlib import Path
from typing import IO, Any

from evalkit.errors import StorageError
from evalkit.ledger.words import Chosen
from evalkit.records import AS_IS, Score
from evalkit.score import STATUSES, Column, Scores

SCORE_COLUMNS = ("system", "case_id", "condition", "repeat", "metric", "value", "status", "note")
SHORT = 64  # items of a list, such as that of the symptoms
PARSED_BACK = 8 << 20  # bytes up to which a file is parsed back (in five times as much memory)
_LEAVES, _INNER = frozenset({str, int, float, bool, type(None)}), frozenset({dict, list, tuple})
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Ready(Sequence[Any]):
    """Values that were written as JSON before, kept on disk: read back one by one, or copied as they are."""

    def texts(self) -> Iterator[str]:
        """Each value as ``indented`` gives it at the place where it stands."""
        raise NotImplementedError


def indented(value: Any, depth: int) -> str:
    """JSON, two spaces deep, as it stands ``depth`` levels inside another value."""
    return _laid_out(value, "\n" + "  " * depth)


def _laid_out(value: Any, pad: str) -> str:
    """JSON whose lines begin with ``pad``: as the library writes it, whose own indenting takes three times as long."""
    kind = type(value)
    if kind in _LEAVES or (kind in _INNER and not value):
        return _encode(value)
    inner = pad + "  "
    if kind is list or kind is tuple:
        items = [_laid_out(child, inner) for child in value]
        return f"[{inner}{f',{inner}'.join(items)}{pad}]"
    if kind is dict and all(type(key) is str for key in value):
        items = [f"{_encode(key)}: {_laid_out(child, inner)}" for key, child in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{pad}}}"
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    return text.replace("\n", pad)


def write_json(path: Path, value: Any) -> None:
    """Strict JSON (no NaN), two spaces deep."""
    _write(path, lambda stream: _dump(value, stream), lambda: _parse_back(path))


def _parse_back(path: Path) -> None:
    if _temporary(path).stat().st_size <= PARSED_BACK:
        json.loads(path_text(path))


def _dump(value: Any, stream: IO[str]) -> None:
    stream.writelines(_pieces(value, 0))
    stream.write("\n")


def _pieces(value: Any, depth: int) -> Iterator[str]:
    """The text of a value in pieces; what is on disk, or made when asked for, is never held as a whole."""
    pad = "\n" + "  " * (depth + 1)
    if isinstance(value, Mapping) and value:
        before = "{"
        for key, child in value.items():
            yield f"{before}{pad}{json.dumps(key, ensure_ascii=False)}: "
            yield from _pieces(child, depth + 1)
            before = ","
        yield "\n" + "  " * depth + "}"
    elif isinstance(value, list | tuple | Ready | Chosen) and len(value):
        before = "["
        for pieces in _items(value, depth + 1):
            yield f"{before}{pad}"
            yield from pieces
            before = ","
        yield "\n" + "  " * depth + "]"
    else:
        yield indented([] if isinstance(value, Ready | Chosen) else value, depth)


def _items(value: Sequence[Any], depth: int) -> Iterator[Iterable[str]]:
    """The pieces of each item; only of short lists they may hold anything that is made when asked for."""
    if isinstance(value, Ready):
        return ((text,) for text in value.texts())
    if len(value) <= SHORT:
        return (_pieces(item, depth) for item in value)
    return ((indented(item, depth),) for item in value)


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8."""
    _write(path, lambda stream: _put(stream, text))


def _put(stream: IO[str], text: str) -> None:
    stream.write(text)


def write_traces(path: Path, lines: Iterable[str]) -> None:
    """traces.jsonl, which the `recorded` adapter replays, from its lines."""
    _write(path, lambda stream: stream.writelines(lines))


def write_joined(path: Path, files: Sequence[Path]) -> None:
    """Files that were written before, one after the other; a single one gets a second name, where the disk has such."""
    if len(files) != 1 or not _linked(files[0], path):
        _write(path, lambda stream: _join(files, stream))


def _linked(file: Path, path: Path) -> bool:
    temporary = _temporary(path)
    try:
        temporary.unlink(missing_ok=True)
        os.link(file, temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        return False
    finally:  # two names of one file do not replace each other
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True


def _join(files: Sequence[Path], stream: IO[str]) -> None:
    for file in files:
        with file.open("rb") as given:
            shutil.copyfileobj(given, stream.buffer, 1 << 20)  # type: ignore[attr-defined]


def write_scores(path: Path, blocks: Iterable[str | bytes]) -> None:
    """scores.csv, one row a cell, from its blocks of rows (or their bytes); a value that has none is an empty cell."""
    rows: Iterable[str | bytes] = chain((_csv(SCORE_COLUMNS),), blocks)
    encoded = (block if isinstance(block, bytes) else block.encode("utf-8") for block in rows)
    _write(path, lambda stream: stream.buffer.writelines(encoded))  # type: ignore[attr-defined]


def score_blocks(scores: Scores) -> Iterator[str]:
    """The rows of one system in the order of scores.csv, a block for every measure."""
    for rows in (*trace_rows(scores), *case_rows(scores)):
        yield "".join(rows)
    yield suite_block(scores.suite_values.values())


def trace_rows(scores: Scores) -> Iterator[list[str]]:
    """The rows of each measure of single answers, answer by answer."""
    system = plain_cell(scores.system)
    begins = [
        _csv((system, plain_cell(t.case_id), t.condition, t.repeat), end=",") for t in scores.traces
    ]
    return (_rows(begins, column) for column in scores.columns.values())


def case_rows(scores: Scores) -> Iterator[list[str]]:
    """The rows of each measure over the repeats of a case, case by case."""
    system = plain_cell(scores.system)
    begins = [_csv((system, plain_cell(c), AS_IS, ""), end=",") for c in scores.case_ids]
    return (_rows(begins, column) for column in scores.case_columns.values())


def suite_block(scores: Iterable[Score]) -> str:
    """The rows of measures over the whole suite."""
    return "".join(
        _csv((plain_cell(s.system), plain_cell(s.case_id or ""), s.condition, ""), end=",")
        + _end(s.metric, s.value, s.status.value, s.note)
        for s in scores
    )


def _rows(begins: Sequence[str], column: Column) -> list[str]:
    """The rows of one measure: how each begins, and then measure, value, status and note."""
    notes, known = column.notes, _Ends(column.metric.name)
    # One NaN for all: no NaN equals another, so each would be a cell of its own.
    values = [nan if isnan(v) else v for v in column.values.tolist()]
    cells = zip(begins, values, column.status.tolist(), strict=True)
    if not notes:
        return [begin + known[value, code, ""] for begin, value, code in cells]
    return [
        begin + known[value, code, notes.get(i, "")] for i, (begin, value, code) in enumerate(cells)
    ]


class _Ends(dict[tuple[float, int, str], str]):
    """How rows of one measure end, by value, status and note: most are alike."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, cell: tuple[float, int, str]) -> str:
        value, code, note = cell
        end = _end(self._metric, None if isnan(value) else value, STATUSES[code].value, note)
        self[cell] = end
        return end


def _end(metric: str, value: float | None, status: str, note: str) -> str:
    shown = "" if value is None else f"{value:.10g}"
    return _csv((metric, shown, status, plain_cell(note)))


def _csv(cells: Iterable[Any], end: str = "\n") -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator=end).writerow(cells)
    return stream.getvalue()


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
