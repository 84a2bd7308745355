"""Recorded traces in a file too long to be held: where each stands, and each read when it is asked for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from evalkit.adapters.trace_lines import Key, TraceLines, number_of_key
from evalkit.case_file import long_file, number_of
from evalkit.errors import InvalidInput
from evalkit.ledger.filing import Plain, plain_trace
from evalkit.ledger.words import narrow
from evalkit.records import AS_IS, Suite, Trace
from evalkit.strict.line_file import Line, open_lines, row_of
from evalkit.traces import trace_at

SHOWN = 10  # ids that an error message names
UNKNOWN = "traces name a case that the suite does not have"
DOUBLED = "traces have a (case_id, condition, repeat) that was given before"
UNANSWERED = "cases have no as_is trace of repeat 0, the first"
Numbers = npt.NDArray[np.uint64]


def refuse_ids(shown: Sequence[str], count: int, what: str, path: Path) -> None:
    """Refuse a file for ``count`` of its traces, of which the first are ``shown``; none is fine."""
    if count:
        more = ", ..." if count > len(shown) else ""
        raise InvalidInput(f"{count} {what}: {', '.join(shown)}{more}", file=path)


def told_lacking(lacking: Sequence[str], there: Iterable[Key]) -> list[str]:
    """Cases without a first answer, the first of them with what was recorded of them instead."""
    first = set(lacking[:SHOWN])
    found: dict[str, list[str]] = {}
    for case_id, condition, repeat in there:
        if case_id in first:
            found.setdefault(case_id, []).append(f"{condition} of repeat {repeat}")
    return [
        f"{i} (has {', '.join(sorted(found[i])[:SHOWN])})" if i in found else i for i in lacking
    ]


class TraceFile(Mapping[Key, Trace]):
    """The traces of one system by (case id, condition, repeat); nothing but their places is held.

    Every line is checked when this is made; ``others`` names the systems whose lines were passed over,
    ``content`` is a digest of all lines that does not depend on their order.
    """

    def __init__(self, path: Path, system: str, recorded_as: str, suite: Suite) -> None:
        self.path, self._system, self._suite = path, system, suite
        lines = TraceLines(path, recorded_as)
        found: dict[str, Any] = lines.read(lambda line: _key(self._read(line)))
        self.others, self.content = lines.others, lines.content.digest().hex()
        self._starts, self._sums = found["starts"], found["sums"]
        self._lengths, self._lines = narrow(found["lengths"]), narrow(found["lines"])
        self._keys, self._cases = found["keys"], found["cases"]
        self._order = narrow(np.argsort(self._keys, kind="stable"))

    def _read(self, line: Line) -> Trace:
        found = trace_at(row_of(line, self.path), self.path, self._suite.corpus)
        return dataclasses.replace(found, system=self._system)

    def check(self) -> None:
        """``InvalidInput`` unless every trace is of a case, none is given twice, and every case has one."""
        ids = _ids(self._suite)
        cases = np.fromiter(map(number_of, ids), np.uint64)
        self._refuse(np.flatnonzero(~np.isin(self._cases, cases)), UNKNOWN, whole=False)
        ordered = self._keys[self._order]
        again = self._order[1:][ordered[1:] == ordered[:-1]]
        self._refuse(np.sort(again), DOUBLED, whole=True)
        answered = np.fromiter((number_of_key((i, AS_IS, 0)) for i in ids), np.uint64)
        lacking = np.flatnonzero(~np.isin(answered, self._keys))
        first = {int(row) for row in lacking[:SHOWN]}
        if not first:
            return
        shown = [case_id for row, case_id in enumerate(ids) if row in first]
        named = np.fromiter(map(number_of, shown), np.uint64)
        rows = np.flatnonzero(np.isin(self._cases, named)).tolist()
        shown = told_lacking(shown, map(_key, self._traces(rows)))
        refuse_ids(shown, len(lacking), UNANSWERED, self.path)

    def _refuse(self, rows: npt.NDArray[np.intp], what: str, *, whole: bool) -> None:
        shown = []
        for row in rows[:SHOWN].tolist():
            key = _key(self._at([row])[0])
            name = " ".join(map(str, key)) if whole else key[0]
            shown.append(f"{name} (line {self._lines[row]})")
        refuse_ids(shown, len(rows), what, self.path)

    def _at(self, rows: Sequence[int]) -> list[Trace]:
        return list(self._traces(rows))

    def _traces(self, rows: Sequence[int] | range) -> Iterator[Trace]:
        return (self._read(line) for _, line in self._lines_on(rows))

    def by_case(self, cases: Numbers) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows in the order of ``cases`` (each as ``number_of`` gives it), and how many stand before each; checked before."""
        sorter = np.argsort(cases)
        place = narrow(sorter[np.searchsorted(cases, self._cases, sorter=sorter)])
        order = np.argsort(place, kind="stable")
        return narrow(order), narrow(np.searchsorted(place[order], np.arange(len(cases) + 1)))

    def count(self, ids: Collection[str]) -> int:
        """How many of the traces are of these cases."""
        numbers = np.fromiter(map(number_of, ids), np.uint64)
        return int(np.isin(self._cases, numbers).sum())

    def filed(self, rows: Sequence[int] | None = None) -> Iterator[Plain | Trace]:
        """The traces on these rows, all of them if None: as plain fields where they are as they were checked, and need no record."""
        for row, line in self._lines_on(range(len(self)) if rows is None else rows):
            same = crc32(line[2]) == self._sums[row]
            plain = plain_trace(json.loads(line[2].decode("utf-8"))) if same else None
            yield self._read(line) if plain is None else plain

    def _lines_on(self, rows: Sequence[int] | range) -> Iterator[tuple[int, Line]]:
        with open_lines(self.path) as buffered:
            stream = FileIO(buffered.fileno(), closefd=False)  # rows may stand in any order
            for row in rows:
                start = int(self._starts[row])
                stream.seek(start)
                yield row, (start, int(self._lines[row]), stream.read(int(self._lengths[row])))

    def __getitem__(self, key: Key) -> Trace:
        number = np.uint64(number_of_key(key))
        place = int(np.searchsorted(self._keys, number, sorter=self._order))
        row = int(self._order[place]) if place < len(self._order) else -1
        if row < 0 or self._keys[row] != number:
            raise KeyError(key)
        return self._at([row])[0]

    def __iter__(self) -> Iterator[Key]:
        return map(_key, self._traces(range(len(self))))

    def __len__(self) -> int:
        return len(self._starts)

    def values(self) -> Collection[Trace]:  # type: ignore[override]
        """The traces in the order of the file."""
        return _Traces(self)

    def stream(self) -> Iterator[Trace]:
        """The traces in the order of the file, once."""
        return self._traces(range(len(self)))


class _Traces(Collection[Trace]):
    def __init__(self, file: TraceFile) -> None:
        self._file = file

    def __iter__(self) -> Iterator[Trace]:
        return self._file.stream()

    def __len__(self) -> int:
        return len(self._file)

    def __contains__(self, trace: object) -> bool:
        return any(trace == one for one in self)


def _ids(suite: Suite) -> Sequence[str]:
    file = long_file(suite.cases)
    return [case.id for case in suite.cases] if file is None else file.places.ids


def _key(trace: Trace) -> Key:
    return trace.case_id, trace.condition, trace.repeat
