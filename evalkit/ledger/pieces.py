"""The pieces of derived files that the parts of a large run left on disk, put together in the order of the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Self, overload

import numpy as np

from evalkit.artefacts import Ready
from evalkit.ledger.words import AT_ONCE, Ints, kept_arrays, narrow

OPEN = 400  # files at a time
HELD = 1 << 24  # bytes of rows that are put in order at a time, about


@dataclass(frozen=True, slots=True)
class Segments:
    """Texts in several files: which file, where in it, and how long, in the order in which they are wanted."""

    files: Sequence[Path]
    file: Ints
    start: Ints
    length: Ints

    def read(self, rows: Sequence[int] | range | None = None) -> Iterator[str]:
        """The texts, or some of them by number."""
        wanted = range(len(self.file)) if rows is None else rows
        with _Files(self.files) as files:
            for first in range(0, len(wanted), AT_ONCE):
                some = np.asarray(wanted[first : first + AT_ONCE])
                columns = (column[some].tolist() for column in (self.file, self.start, self.length))
                for number, start, length in zip(*columns, strict=True):
                    yield files.read(number, start, length).decode("utf-8")


class _Files:
    """Very many files of which some are open: neighbours in a suite stand in many parts, so one after the other is read."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._open: dict[int, FileIO] = {}

    def read(self, number: int, start: int, length: int) -> bytes:
        stream = self._open.get(number)
        if stream is None:
            if len(self._open) >= OPEN:
                self._open.pop(next(iter(self._open))).close()
            stream = self._open[number] = FileIO(self._files[number])
        stream.seek(start)
        return stream.read(length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._open.values():
            stream.close()


def segments(files: Sequence[Path], lengths: Sequence[Ints], places: Sequence[Ints]) -> Segments:
    """The texts of files, of which each holds one after the other, in the order of their ``places``."""
    file = np.repeat(np.arange(len(files)), [len(part) for part in lengths])
    start = np.concatenate([np.cumsum(part) - part for part in lengths])
    order = np.argsort(np.concatenate(places), kind="stable")
    length = np.concatenate(lengths)
    return Segments(files, narrow(file[order]), narrow(start[order]), narrow(length[order]))


class StoredFindings(Ready):
    """The findings of one system in their published shape, each read when it is asked for."""

    def __init__(self, kept: Segments) -> None:
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept.file)

    def texts(self) -> Iterator[str]:
        """Each finding as it stands in diagnosis.json."""
        return self._kept.read()

    def __iter__(self) -> Iterator[Any]:
        return map(json.loads, self._kept.read())

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        rows = range(len(self))[place]
        if isinstance(rows, range):
            return [json.loads(text) for text in self._kept.read(rows)]
        return json.loads(next(self._kept.read([rows])))


def blocks_of(stems: Sequence[Path], places: Sequence[Ints]) -> Iterator[bytes]:
    """The rows of scores.csv of one system, but for those over the whole suite; ``places`` are those of each part's cases."""
    files = [stem.with_suffix(".scores") for stem in stems]
    of_traces = np.array([_kept(stem, "traces") for stem in stems])
    starts = np.cumsum(of_traces, axis=1) - of_traces
    for measure in range(of_traces.shape[1]):
        for file, start, length in zip(
            files, starts[:, measure], of_traces[:, measure], strict=True
        ):
            yield _read(file, int(start), int(length))
    below = of_traces.sum(axis=1)
    for measure in range(len(_kept(stems[0], "cases"))):
        yield from _case_rows(stems, places, below, measure)


def _case_rows(
    stems: Sequence[Path], places: Sequence[Ints], below: Ints, measure: int
) -> Iterator[bytes]:
    """The rows of one measure over repeats, in the order of the suite; at most some ``HELD`` bytes of them are held."""
    lengths, begins = [], []
    for stem, start in zip(stems, below.tolist(), strict=True):
        rows = _kept(stem, "cases")
        begins.append(start + int(rows[:measure].sum()))
        lengths.append(rows[measure].copy())  # or the others would be held as well
    files = [stem.with_suffix(".scores") for stem in stems]
    order = narrow(np.argsort(np.concatenate([np.sort(p) for p in places]), kind="stable"))
    whole = np.concatenate(lengths)
    for some in np.array_split(order, int(whole.sum()) // HELD + 1):
        rows = np.sort(some)
        parts = np.split(rows, np.searchsorted(rows, np.cumsum([len(p) for p in lengths])[:-1]))
        firsts = np.cumsum([0, *(len(p) for p in lengths)])
        block = b"".join(
            _chosen(file, begin, part, own - first)
            for file, begin, part, own, first in zip(
                files, begins, lengths, parts, firsts.tolist(), strict=False
            )
            if len(own)
        )
        yield from _reordered(block, whole[rows], np.searchsorted(rows, some))


def _chosen(file: Path, begin: int, lengths: Ints, rows: Ints) -> bytes:
    """Some of the texts that stand one after the other in a file from ``begin`` on."""
    block = _read(file, begin, int(lengths.sum()))
    return block if len(rows) == len(lengths) else b"".join(_reordered(block, lengths, rows))


def _reordered(block: bytes, lengths: Ints, order: Ints) -> Iterator[bytes]:
    """Texts that stand one after the other, or some of them, in another order."""
    letters = np.frombuffer(block, np.uint8)
    starts = narrow(np.cumsum(lengths) - lengths)
    for first in range(0, len(order), AT_ONCE):
        some = order[first : first + AT_ONCE]
        length = lengths[some]
        ends = np.cumsum(length)
        yield letters[
            np.arange(ends[-1]) + np.repeat(starts[some] - (ends - length), length)
        ].tobytes()


def _read(file: Path, start: int, length: int) -> bytes:
    with FileIO(file) as stream:
        stream.seek(start)
        return stream.read(length)


def _kept(stem: Path, name: str) -> Any:
    return kept_arrays(stem.with_suffix(".lengths"))[name]


def findings_of(stems: Sequence[Path], places: Sequence[Ints]) -> StoredFindings:
    """The findings of one system in the order of the suite; ``places`` are those of each part's findings."""
    files = [stem.with_suffix(".findings") for stem in stems]
    lengths = [_kept(stem, "findings") for stem in stems]
    return StoredFindings(segments(files, lengths, places))
