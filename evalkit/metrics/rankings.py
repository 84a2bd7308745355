"""Ranked lists as columns: the grade found at each rank, and what a perfect ranking would hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from evalkit.records import Passage

Grades = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Id = TypeVar("Id", bound=Hashable)
ChunkKey = tuple[str | None, str | None]

BLOCK = 16_384  # lists converted at a time: temporaries stay in the processor's cache
_UNLABELLED = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """What ``n`` ranked lists hold, one row a list; columns are ranks, best first.

    ``gains`` (n, width) is the grade of what stands at each rank: 0 for what is irrelevant, not
    labelled, negatively graded, a repetition of something higher up, or beyond the list's end.
    ``judged`` (n, width) says which places hold something labelled. ``retrieved`` (n) is the length
    of each list after the cut, ``labelled`` (n) the number of labels, ``relevant`` (n) how many of
    them are relevant (grade > 0), ``ideal`` (n, most labels) their grades from high to low, padded
    with 0. ``depth`` is the rank at which every list was cut; ``None`` means the lists are whole.
    """

    gains: Grades
    judged: Flags
    retrieved: Counts
    labelled: Counts
    relevant: Counts
    ideal: Grades
    depth: int | None = None

    def __len__(self) -> int:
        return len(self.retrieved)

    def width(self, k: int | None) -> int | None:
        """``k`` itself, once it is certain that the lists reach down to rank ``k`` (``None``: to their end)."""
        if k is not None and k < 1:
            raise ValueError(f"a ranked list cannot be cut at {k}: the first rank is 1")
        if self.depth is not None and (k is None or k > self.depth):
            wanted = "whole lists" if k is None else f"lists down to rank {k}"
            raise ValueError(f"the measure needs {wanted}, but these were cut at {self.depth}")
        return k


def rankings(
    relevant: Sequence[Mapping[str, int]],
    retrieved: Sequence[Sequence[Passage]],
    *,
    depth: int | None = None,
) -> Rankings:
    """Rankings of documents: rank is list order, and a document counts at its first chunk.

    Later chunks of a document hold their place and gain 0. ``depth`` cuts the lists (of passages);
    scores are ignored.
    """
    return rank_ids(relevant, [[p.doc_id for p in row[:depth]] for row in retrieved], depth=depth)


def chunk_rankings(
    relevant: Sequence[Mapping[str, int]],
    retrieved: Sequence[Sequence[Passage]],
    *,
    depth: int | None = None,
) -> Rankings:
    """Rankings of chunks, by labels that name chunks, documents, or both.

    A passage has the grade of its ``chunk_id`` where that is labelled, else of its ``doc_id``; the
    same chunk gains once. Relevant are: each labelled chunk, once; each labelled document as often
    as the *whole* list shows different chunks of it that have no label of their own, once where it
    shows no chunk of it. How many chunks an index made of a document is unknown, so recall here is
    recall among the chunks known.
    """
    units = [_chunks(labels, row) for labels, row in zip(relevant, retrieved, strict=True)]
    return rank_ids([labels for labels, _ in units], [keys for _, keys in units], depth=depth)


def _chunks(
    labels: Mapping[str, int], passages: Sequence[Passage]
) -> tuple[dict[ChunkKey, int], list[ChunkKey]]:
    """The labels of one query spread over the chunks that are shown, and the key of each passage."""
    grades: dict[ChunkKey, int] = {}
    keys: list[ChunkKey] = []
    for passage in passages:
        if passage.chunk_id is not None and passage.chunk_id in labels:
            key: ChunkKey = (None, passage.chunk_id)
            grades[key] = labels[passage.chunk_id]
        else:
            # Chunk ids may be mere positions ("0", "1"), so only together with the document unique.
            key = (passage.doc_id, passage.chunk_id)
            if passage.doc_id in labels:
                grades[key] = labels[passage.doc_id]
        keys.append(key)
    shown = {p.doc_id for p in passages} | {p.chunk_id for p in passages}
    grades.update({(None, name): grade for name, grade in labels.items() if name not in shown})
    return grades, keys


def rank_ids(
    relevant: Sequence[Mapping[Id, int]],
    ids: Sequence[Sequence[Id]],
    *,
    depth: int | None = None,
) -> Rankings:
    """Rankings from lists of ids, best first, and the grades of what is labelled for each list.

    An id that comes again gains 0 there. ``depth`` cuts the lists; ``None`` keeps them whole, at a
    width of the longest. Gains are looked up in the caller's own mappings, so nothing is joined,
    hashed or sorted, and memory stays near that of the result.
    """
    if len(relevant) != len(ids):
        raise ValueError(f"{len(relevant)} sets of labels, but {len(ids)} ranked lists")
    lists = ids if depth is None else [row[:depth] for row in ids]
    retrieved = _lengths(lists)
    labelled = _lengths(relevant)
    # Columns lie together in memory: measures walk down the ranks.
    gains = np.zeros((len(lists), _most(retrieved)), np.int32, order="F")
    judged = np.zeros(gains.shape, np.bool_, order="F")
    ideal = np.zeros((len(lists), _most(labelled)), np.int32, order="F")
    for rows in _blocks(len(lists)):
        found = _grades_found(relevant[rows], lists[rows], retrieved[rows], gains.shape[1])
        judged[rows] = found != _UNLABELLED
        gains[rows] = _once(np.maximum(found, 0), lists[rows])
        ideal[rows] = _descending(relevant[rows], labelled[rows], ideal.shape[1])
    return Rankings(
        gains=gains,
        judged=judged,
        retrieved=retrieved,
        labelled=labelled,
        relevant=np.count_nonzero(ideal, axis=1).astype(np.int64, copy=False),
        ideal=ideal,
        depth=depth,
    )


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, rows, BLOCK))


def _lengths(rows: Sequence[Any]) -> Counts:
    return np.fromiter(map(len, rows), np.int64, len(rows))


def _most(lengths: Counts) -> int:
    return int(lengths.max(initial=0))


def _grades_found(
    relevant: Sequence[Mapping[Id, int]], lists: Sequence[Sequence[Id]], lengths: Counts, width: int
) -> Grades:
    """The grade at each rank of each list, ``_UNLABELLED`` where there is no label or no entry."""
    unlabelled = repeat(_UNLABELLED)
    looked_up = (
        map(labels.get, row, unlabelled) for labels, row in zip(relevant, lists, strict=True)
    )
    flat = np.fromiter(chain.from_iterable(looked_up), np.int32, int(lengths.sum()))
    return _padded(flat, lengths, width, fill=_UNLABELLED)


def _once(gains: Grades, lists: Sequence[Sequence[Id]]) -> Grades:
    """``gains`` with 0 wherever an id has stood higher up in its list already."""
    for row in np.flatnonzero(np.count_nonzero(gains, axis=1) > 1).tolist():
        ids = lists[row]
        if len(set(ids)) < len(ids):
            first = dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))
            gains[row, [rank for rank, name in enumerate(ids) if first[name] != rank]] = 0
    return gains


def _descending(relevant: Sequence[Mapping[Id, int]], labelled: Counts, width: int) -> Grades:
    """The positive grades of each query from high to low, padded with 0."""
    grades = chain.from_iterable(labels.values() for labels in relevant)
    flat = np.fromiter(grades, np.int32, int(labelled.sum()))
    descending: Grades = np.sort(_padded(np.maximum(flat, 0), labelled, width), axis=1)[:, ::-1]
    return descending


def _padded(flat: Grades, lengths: Counts, width: int, *, fill: int = 0) -> Grades:
    """``flat``, the rows of a ragged matrix one after another, as a matrix of ``width`` columns."""
    if len(flat) == len(lengths) * width:
        return flat.reshape(len(lengths), width)
    matrix = np.full((len(lengths), width), fill, np.int32)
    matrix[np.arange(width) < lengths[:, np.newaxis]] = flat
    return matrix
