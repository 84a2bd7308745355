"""The cells of answers, scored one by one as they come, and put together as columns in the end."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.cells import CODE, Cell, Notes, Ways
from evalkit.needs import View
from evalkit.records import Metric, Status

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Filled = tuple[Floats, Bytes, Mapping[int, str]]  # values, statuses, notes
Numbers = npt.NDArray[np.intp]

TIMED = frozenset({"seconds", "usage"})  # what differs between calls whose answers are equal


class Table:
    """Metrics by answers: of each answer the cells of the metrics that are due, the others follow from its kind."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._ways = Ways(metrics)
        self._measured = self._ways.reading(TIMED)
        self._kinds, self._starts = (
            array("i"),
            array("q"),
        )  # of each answer: its way, its first cell
        self._cells = Cells()
        self._case: object = None
        self._twins: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, view: View) -> int:
        """Score an answer; its number. Repeats in a row that are equal to the letter score equally."""
        if view.case is not self._case:
            self._case = view.case
            self._twins.clear()
        number, start = len(self._kinds), len(self._cells)
        way, given = self._ways.of(view)
        twin = self._twins.setdefault(_content(view), number)
        if twin == number or self._kinds[twin] != way.number:
            self._cells.extend(self._ways.cells(way, way.due, given, view))
        else:
            self._cells.repeat(self._starts[twin], len(way.due))
            again = [(k, j) for k, j in enumerate(way.due) if j in self._measured]
            found = self._ways.cells(way, [j for _, j in again], given, view)
            for (k, _), one in zip(again, found, strict=True):
                self._cells.put(start + k, one)
        self._kinds.append(way.number)
        self._starts.append(start)
        return number

    def columns(self, numbers: Iterable[int], chosen: Sequence[int]) -> Iterator[Filled]:
        """The columns of the ``chosen`` metrics over the answers with these numbers, in their order."""
        answers = np.fromiter(numbers, np.intp)
        kinds, starts = (np.array(given)[answers] for given in (self._kinds, self._starts))
        of_way = [np.flatnonzero(kinds == way.number) for way in self._ways.known]
        others = [{j: self._cells.mark(c) for j, c in w.others.items()} for w in self._ways.known]
        values, marks = self._cells.arrays()
        for j in chosen:
            found, marked = np.full(len(answers), np.nan), np.empty(len(answers), np.intc)
            for way, rows in zip(self._ways.known, of_way, strict=True):
                if j in others[way.number]:
                    marked[rows] = others[way.number][j]
                else:
                    places = starts[rows] + way.due.index(j)
                    found[rows], marked[rows] = values[places], marks[places]
            if np.isnan(found).all():
                found = no_values(len(answers))
            yield found, *self._cells.told(marked)


class Cells:
    """A long list of cells, kept small: a value, and a mark that stands for the status and the note."""

    def __init__(self) -> None:
        self._values, self._marks = array("d"), array("i")
        self._known: dict[tuple[Status, str], int] = {(Status.SCORED, ""): 0}

    def __len__(self) -> int:
        return len(self._values)

    def extend(self, cells: Iterable[Cell]) -> None:
        """Take cells in."""
        for cell in cells:
            value, status, note = cell
            self._values.append(math.nan if value is None else value)
            self._marks.append(0 if status is Status.SCORED and not note else self.mark(cell))

    def repeat(self, start: int, count: int) -> None:
        """Take in the ``count`` cells from ``start`` on once more."""
        self._values.extend(self._values[start : start + count])
        self._marks.extend(self._marks[start : start + count])

    def put(self, place: int, cell: Cell) -> None:
        """Another cell in the place of one."""
        self._values[place] = math.nan if cell[0] is None else cell[0]
        self._marks[place] = self.mark(cell)

    def mark(self, cell: Cell) -> int:
        """What stands for the status and the note of a cell."""
        return self._known.setdefault(cell[1:], len(self._known))

    def arrays(self) -> tuple[Floats, npt.NDArray[np.intc]]:
        """All values, NaN for none, and all marks."""
        return np.array(self._values), np.array(self._marks)

    def told(self, marks: npt.NDArray[np.intc]) -> tuple[Bytes, Mapping[int, str]]:
        """The statuses and the notes that marks stand for."""
        words = [note for _, note in self._known]
        status = np.array([CODE[status] for status, _ in self._known], np.uint8)[marks]
        noted = np.array([i if word else 0 for i, word in enumerate(words)], np.intc)[marks]
        return status, Notes(noted, words) if noted.any() else {}


@lru_cache(8)
def no_values(answers: int) -> Floats:
    """The column of a metric without any value: one for all of them, and read only."""
    found = np.full(answers, np.nan)
    found.flags.writeable = False
    return found


def _content(view: View) -> tuple[Any, ...]:
    """All that metrics may look at, but for what was measured of the call itself."""
    t = view.trace
    shown = (t.response, t.retrieved, t.context, t.citations, t.action, t.error)
    return (view.case.id, view.evidence, *shown)
