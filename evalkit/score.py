"""Stage 5, traces + evidence -> scores: every metric on every trace, each cell with its status."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.cells import CODE as CODE  # noqa: PLC0414 (whoever reads columns takes it from here)
from evalkit.cells import NOT_DUE, computed, owed, stand_in, unseen
from evalkit.cells import STATUSES as STATUSES  # noqa: PLC0414
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
from evalkit.table import Bytes as Bytes  # noqa: PLC0414
from evalkit.table import Cells, Table, no_values
from evalkit.table import Floats as Floats  # noqa: PLC0414


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


class Scoring:
    """The trace-level metrics of one system's answers, each answer scored once: as it comes, or with the others."""

    def __init__(self, suite: Suite, approach: Approach, metrics: Sequence[Metric]) -> None:
        self.suite, self.approach = suite, approach
        self._cases = {case.id: case for case in suite.cases}
        single = [m for m in metrics if m.level is Level.TRACE]
        self._by_row = {m.name: j for j, m in enumerate(m for m in single if not m.columns)}
        self._table = Table([m for m in single if not m.columns])
        self._known: dict[int, tuple[int, Trace, Evidence | None]] = {}  # by the trace's identity

    def add(self, trace: Trace, evidence: Evidence | None) -> int:
        """Score an answer, if that has not been done; its number."""
        number, _, scored_with = self._known.get(id(trace), (-1, trace, None))
        if number < 0 or scored_with is not evidence:
            view = View(self.suite, self._cases[trace.case_id], trace, evidence, self.approach)
            number = self._table.add(view)
            self._known[id(trace)] = number, trace, evidence
        return number

    def answers(self) -> Iterator[Trace]:
        """The answers that have been scored."""
        return (trace for _, trace, _ in self._known.values())

    def columns(
        self,
        traces: Sequence[Trace],
        evidence: Sequence[Evidence | None],
        metrics: Sequence[Metric],
    ) -> dict[str, Column]:
        """The metrics, one column each, aligned with ``traces``."""
        numbers = [self.add(*given) for given in zip(traces, evidence, strict=True)]
        single = [m for m in metrics if m.level is Level.TRACE]
        by_row = [m for m in single if not m.columns]
        filled = self._table.columns(numbers, [self._by_row[m.name] for m in by_row])
        columns = {m.name: Column(m, *found) for m, found in zip(by_row, filled, strict=True)}
        ranked = [m for m in single if m.columns]
        return {**columns, **_ranked_columns(self._cases, self.approach, traces, ranked)}


# --- ranked lists, in columns ----------------------------------------------------------------


def _ranked_columns(
    cases: Mapping[str, Case],
    approach: Approach,
    traces: Sequence[Trace],
    metrics: Sequence[Metric],
) -> dict[str, Column]:
    """Retrieval measures, computed over all due traces at once."""
    if not metrics:
        return {}
    found = (_ranking_status(cases[trace.case_id], trace, approach) for trace in traces)
    status = np.array([CODE[one] for one in found], np.uint8)
    due = np.flatnonzero(status == CODE[Status.SCORED])
    relevant = [cases[traces[i].case_id].relevant or {} for i in due.tolist()]
    lists = [traces[i].retrieved or () for i in due.tolist()]
    made: dict[str, Any] = {}
    columns = {}
    for metric in metrics:
        need = needs_of(metric)[0]
        if need not in made:
            made[need] = column_need(need)(relevant, lists)
        own = _where_defined(metric, cases, traces, status)
        columns[metric.name] = _ranked(metric, made[need], due, own)
    return columns


def _where_defined(
    metric: Metric, cases: Mapping[str, Case], traces: Sequence[Trace], status: Bytes
) -> Bytes:
    """The statuses; where nothing is shown, a measure that no list could have for this case is not due."""
    missing = np.flatnonzero(np.isin(status, [CODE[Status.SYSTEM_ERROR], CODE[Status.UNOBSERVED]]))
    found = status.copy()
    if len(missing):
        relevant = [cases[traces[i].case_id].relevant or {} for i in missing.tolist()]
        lists = column_need(needs_of(metric)[0])(relevant, [stand_in(r) for r in relevant])
        blank = np.full(len(missing), CODE[Status.SCORED], np.uint8)
        tried = _ranked(metric, lists, np.arange(len(missing)), blank).status
        found[missing[tried == CODE[Status.NOT_APPLICABLE]]] = CODE[Status.NOT_APPLICABLE]
    return found


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


def _ranking_status(case: Case, trace: Trace, approach: Approach) -> Status:
    if case.relevant is None:
        return Status.NOT_APPLICABLE
    absent = ["retrieved"] if trace.retrieved is None else []
    if trace.error is not None:
        return Status.SYSTEM_ERROR if owed(absent, approach) else Status.NOT_APPLICABLE
    if absent:
        return unseen(absent, approach)[0]
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
    chosen = [(m, needs_of(m)) for m in metrics if m.level is Level.CASE]
    cells = Cells()
    for case_id in ids:
        given = _repeats([(traces[i], passed[i]) for i in repeats[case_id]])
        for metric, needs in chosen:
            arguments = [given[name] for name in needs]
            cells.extend([computed(metric, arguments) if all(arguments) else NOT_DUE])
    values, marks = (found.reshape(len(ids), len(chosen)).T for found in cells.arrays())
    return ids, {
        m.name: Column(m, np.ascontiguousarray(values[j]), *cells.told(marks[j]))
        for j, (m, _) in enumerate(chosen)
    }


def _repeats(answers: Sequence[tuple[Trace, bool | None]]) -> dict[str, tuple[Any, ...]]:
    sound = [trace for trace, _ in answers if trace.error is None]
    return {
        "responses": tuple([t.response for t in sound if t.response is not None]),
        "retrievals": tuple([t.retrieved for t in sound if t.retrieved is not None]),
        "passes": tuple([passed for _, passed in answers if passed is not None]),
    }


def score_suite(
    system: str, label_pairs: Sequence[tuple[str, str]], metrics: Sequence[Metric]
) -> dict[str, Score]:
    """The suite-level metrics; a measure without its labels is not applicable."""
    found = {}
    for metric in metrics:
        if metric.level is not Level.SUITE:
            continue
        cell = computed(metric, [label_pairs]) if label_pairs else NOT_DUE
        found[metric.name] = Score(system, None, AS_IS, None, metric.name, *cell)
    return found
