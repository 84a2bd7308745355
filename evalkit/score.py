"""Stage 5, traces + evidence -> scores: every metric on every trace, each cell with its status."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.cells import CODE as CODE  # noqa: PLC0414 (whoever reads columns takes it from here)
from evalkit.cells import STATUSES as STATUSES  # noqa: PLC0414
from evalkit.cells import Cell, Notes, Way, Ways, computed, owed, unseen
from evalkit.needs import View, column_need, needs_of
from evalkit.records import (
    AS_IS,
    Approach,
    Case,
    Evidence,
    Level,
    Metric,
    Score,
    Status,
    Suite,
    Trace,
)

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

TIMED = frozenset({"seconds", "usage"})  # what differs between calls whose answers are equal


@dataclass(frozen=True, slots=True)
class Column:
    """One metric over a list of traces (or cases): values, NaN where there is none, and status codes."""

    metric: Metric
    values: Floats
    status: Bytes
    notes: Mapping[int, str] = field(default_factory=dict)

    def scored(self) -> npt.NDArray[np.bool_]:
        """Which entries count in the mean: scored ones, and errors that were given the worst value."""
        return ~np.isnan(self.values)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one system: columns over its traces, over its cases, and values of the whole suite."""

    system: str
    approach: Approach
    traces: tuple[Trace, ...]
    columns: Mapping[str, Column]
    case_ids: tuple[str, ...] = ()
    case_columns: Mapping[str, Column] = field(default_factory=dict)
    suite_values: Mapping[str, Score] = field(default_factory=dict)
    suite_metrics: tuple[Metric, ...] = ()

    def value(self, metric: str, index: int) -> float | None:
        """The value of a metric for trace number ``index``; None where there is none."""
        column = self.columns.get(metric)
        value = math.nan if column is None else column.values.item(index)
        return None if math.isnan(value) else float(value)

    def status(self, metric: str, index: int) -> Status:
        """Why trace number ``index`` has that value, or none."""
        column = self.columns.get(metric)
        return STATUSES[column.status[index]] if column is not None else Status.NOT_APPLICABLE

    def rows(self) -> Iterator[Score]:
        """Every cell as a record, in the order of scores.csv."""
        for name, column in self.columns.items():
            for i, trace in enumerate(self.traces):
                yield _row(self, column, i, name, trace.case_id, trace.condition, trace.repeat)
        for name, column in self.case_columns.items():
            for i, case_id in enumerate(self.case_ids):
                yield _row(self, column, i, name, case_id, AS_IS, None)
        yield from self.suite_values.values()


def _row(
    scores: Scores,
    column: Column,
    i: int,
    name: str,
    case_id: str,
    condition: str,
    repeat: int | None,
) -> Score:
    value = None if np.isnan(column.values[i]) else float(column.values[i])
    status, note = STATUSES[column.status[i]], column.notes.get(i, "")
    return Score(scores.system, case_id, condition, repeat, name, value, status, note)


def score_traces(
    suite: Suite,
    approach: Approach,
    traces: Sequence[Trace],
    evidence: Sequence[Evidence | None],
    metrics: Sequence[Metric],
) -> dict[str, Column]:
    """The trace-level metrics of one system, one column each, aligned with ``traces``."""
    cases = {case.id: case for case in suite.cases}
    views = [
        View(suite, cases[trace.case_id], trace, found, approach)
        for trace, found in zip(traces, evidence, strict=True)
    ]
    by_row = [m for m in metrics if m.level is Level.TRACE and not m.columns]
    by_column = [m for m in metrics if m.level is Level.TRACE and m.columns]
    return {**_row_columns(views, by_row), **_ranked_columns(views, by_column)}


# --- row metrics -----------------------------------------------------------------------------


class _Table:
    """Metrics by answers: values, statuses and notes."""

    def __init__(self, metrics: int, answers: int) -> None:
        self.values = [no_values(answers)] * metrics
        self._mine = [False] * metrics
        self.status = np.full((metrics, answers), CODE[Status.NOT_APPLICABLE], np.uint8)
        self.notes = [Notes(answers) for _ in range(metrics)]

    def copy(self, i: int, twin: int) -> None:
        """Answer ``i`` scores as ``twin`` does."""
        self.status[:, i] = self.status[:, twin]
        for j, mine in enumerate(self._mine):
            if mine:
                self.values[j][i] = self.values[j][twin]
        for found in self.notes:
            if twin in found:
                found.put(i, found[twin])

    def settle(self, i: int, way: Way) -> None:
        """The statuses of all metrics of answer ``i`` as far as they follow from what it lacks."""
        self.status[:, i] = way.status
        for j, note in way.notes:
            self.notes[j].put(i, note)

    def put(self, i: int, cells: Iterable[tuple[int, Cell]]) -> None:
        """What metrics made of answer ``i``."""
        for j, (value, state, note) in cells:
            if value is not None:
                self._own(j)[i] = value
            elif self._mine[j]:
                self.values[j][i] = np.nan
            self.status[j, i] = CODE[state]
            if note:
                self.notes[j].put(i, note)

    def _own(self, j: int) -> Floats:
        """The values of a metric that has some."""
        if not self._mine[j]:
            self._mine[j], self.values[j] = True, self.values[j].copy()
        return self.values[j]


@lru_cache(8)
def no_values(answers: int) -> Floats:
    """The column of a metric without any value: one for all of them, and read only."""
    found = np.full(answers, np.nan)
    found.flags.writeable = False
    return found


def _row_columns(views: Sequence[View], metrics: Sequence[Metric]) -> dict[str, Column]:
    table, ways = _Table(len(metrics), len(views)), Ways(metrics)
    measured = ways.reading(TIMED)
    first: dict[Any, int] = {}
    for i, view in enumerate(views):
        if i and view.case is not views[i - 1].case:
            first.clear()
        twin = first.setdefault(_content(view), i)
        if twin == i:
            way, cells = ways.cells(view)
            table.settle(i, way)
        else:  # repeats that are equal to the letter score equally
            table.copy(i, twin)
            cells = ways.again(view, measured)
        table.put(i, cells)
    return {
        m.name: Column(m, table.values[j], table.status[j], table.notes[j])
        for j, m in enumerate(metrics)
    }


def _content(view: View) -> tuple[Any, ...]:
    """All that metrics may look at, but for what was measured of the call itself."""
    t = view.trace
    shown = (t.response, t.retrieved, t.context, t.citations, t.action, t.error)
    return (view.case.id, view.evidence, *shown)


# --- ranked lists, in columns ----------------------------------------------------------------


def _ranked_columns(views: Sequence[View], metrics: Sequence[Metric]) -> dict[str, Column]:
    """Retrieval measures, computed over all due traces at once."""
    if not metrics:
        return {}
    status = np.array([CODE[_ranking_status(view)] for view in views], np.uint8)
    due = np.flatnonzero(status == CODE[Status.SCORED])
    relevant = [views[i].case.relevant or {} for i in due.tolist()]
    lists = [views[i].trace.retrieved or () for i in due.tolist()]
    made: dict[str, Any] = {}
    columns = {}
    for metric in metrics:
        need = needs_of(metric)[0]
        if need not in made:
            made[need] = column_need(need)(relevant, lists)
        columns[metric.name] = _ranked(metric, made[need], due, status.copy())
    return columns


def _ranked(metric: Metric, argument: Any, due: npt.NDArray[np.intp], status: Bytes) -> Column:
    """One column measure; like any other it may fail, and then has no value."""
    if not len(due):
        return Column(metric, no_values(len(status)), status)
    values, notes = np.full(len(status), np.nan), {}
    try:
        found = np.asarray(metric.compute(argument), np.float64).reshape(len(due))
    except Exception as error:  # noqa: BLE001 (foreign code: a metric may be anybody's)
        status[due] = CODE[Status.GRADER_ERROR]
        return Column(
            metric, values, status, dict.fromkeys(due.tolist(), f"{type(error).__name__}: {error}")
        )
    status[due[np.isnan(found)]] = CODE[Status.NOT_APPLICABLE]
    inside = np.isfinite(found) & (found >= metric.low - 1e-9) & (found <= metric.high + 1e-9)
    values[due[inside]] = found[inside]
    for place in np.flatnonzero(~inside & ~np.isnan(found)):
        status[due[place]] = CODE[Status.GRADER_ERROR]
        notes[int(due[place])] = f"returned {found[place]}, outside {metric.low}..{metric.high}"
    return Column(metric, values, status, notes)


def _ranking_status(view: View) -> Status:
    if view.case.relevant is None:
        return Status.NOT_APPLICABLE
    absent = ["retrieved"] if view.trace.retrieved is None else []
    if view.trace.error is not None:
        return Status.SYSTEM_ERROR if owed(absent, view.approach) else Status.NOT_APPLICABLE
    if absent:
        return unseen(absent, view)[0]
    return Status.SCORED


# --- metrics over the repeats of a case, and over the suite -----------------------------------


def score_cases(
    cases: Sequence[Case],
    traces: Sequence[Trace],
    passed: Sequence[bool | None],
    metrics: Sequence[Metric],
) -> tuple[tuple[str, ...], dict[str, Column]]:
    """The case-level metrics: how far the ``as_is`` repeats of each case agree."""
    repeats: dict[str, list[int]] = {}
    for i, trace in enumerate(traces):
        if trace.condition == AS_IS:
            repeats.setdefault(trace.case_id, []).append(i)
    ids = tuple(case.id for case in cases if case.id in repeats)
    chosen = [m for m in metrics if m.level is Level.CASE]
    values = np.full((len(chosen), len(ids)), np.nan)
    status = np.full((len(chosen), len(ids)), CODE[Status.NOT_APPLICABLE], np.uint8)
    notes = [Notes(len(ids)) for _ in chosen]
    for i, case_id in enumerate(ids):
        given = _repeats(
            [traces[t] for t in repeats[case_id]], [passed[t] for t in repeats[case_id]]
        )
        for j, metric in enumerate(chosen):
            value, state, note = _case_cell(metric, given)
            status[j, i] = CODE[state]
            values[j, i] = np.nan if value is None else value
            if note:
                notes[j].put(i, note)
    return ids, {m.name: Column(m, values[j], status[j], notes[j]) for j, m in enumerate(chosen)}


def _repeats(traces: Sequence[Trace], passed: Sequence[bool | None]) -> dict[str, tuple[Any, ...]]:
    sound = [t for t in traces if t.error is None]
    return {
        "responses": tuple(t.response for t in sound if t.response is not None),
        "retrievals": tuple(t.retrieved for t in sound if t.retrieved is not None),
        "passes": tuple(p for p in passed if p is not None),
    }


def _case_cell(metric: Metric, given: Mapping[str, tuple[Any, ...]]) -> Cell:
    arguments = [given[name] for name in needs_of(metric)]
    return computed(metric, arguments) if all(arguments) else (None, Status.NOT_APPLICABLE, "")


def score_suite(
    system: str, label_pairs: Sequence[tuple[str, str]], metrics: Sequence[Metric]
) -> dict[str, Score]:
    """The suite-level metrics; a measure without its labels is not applicable."""
    found = {}
    for metric in metrics:
        if metric.level is not Level.SUITE:
            continue
        cell = computed(metric, [label_pairs]) if label_pairs else (None, Status.NOT_APPLICABLE, "")
        found[metric.name] = Score(system, None, AS_IS, None, metric.name, *cell)
    return found
