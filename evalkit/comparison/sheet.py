"""One system's scores by case: repeats averaged, ``passed`` the verdict on the case, ready to be paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evalkit.grade import Graded
from evalkit.outcome import PASSED, CaseOutcome
from evalkit.records import Case, Metric, Status, Suite
from evalkit.score import CODE, Column

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
# A case's status is the worst of its repeats, in this order; repeats that are not due do not count.
WORST_FIRST = (Status.SYSTEM_ERROR, Status.GRADER_ERROR, Status.UNOBSERVED, Status.SCORED)


@dataclass(frozen=True, slots=True)
class Row:
    """One metric by case: the mean of the repeats that have a value (NaN: none has), and whether it was due.

    ``passed`` alone is no mean: 1 where every repeat passes, NaN where the case could not be graded, else 0.
    """

    metric: Metric
    values: Floats
    due: npt.NDArray[np.bool_]
    scored: npt.NDArray[np.bool_]
    reason: str  # why cases that are due have no value, the most frequent note first


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cases one system has answered as they are, in the order of the suite, and its metrics over them."""

    graded: Graded
    cases: tuple[Case, ...]
    place: Mapping[str, int]
    rows: Mapping[str, Row]


def sheet_of(suite: Suite, graded: Graded, names: Sequence[str] | None = None) -> Sheet:
    """Average the ``as_is`` repeats of every case; ``names`` limits the metrics."""
    repeats = graded.repeats()
    cases = tuple(case for case in suite.cases if case.id in repeats)
    place = {case.id: i for i, case in enumerate(cases)}
    numbers = np.array([i for case in cases for i in repeats[case.id]], np.intp)
    owner = np.repeat(np.arange(len(cases)), [len(repeats[case.id]) for case in cases])
    scores = graded.scores
    rows = {
        name: _row(column, numbers, owner, len(cases))
        for name, column in scores.columns.items()
        if names is None or name in names
    }
    held = [(i, place[case_id]) for i, case_id in enumerate(scores.case_ids) if case_id in place]
    single, owners = (
        np.array(part, np.intp) for part in (zip(*held, strict=True) if held else ((), ()))
    )
    for name, column in scores.case_columns.items():
        if names is None or name in names:
            rows[name] = _row(column, single, owners, len(cases))
    if PASSED.name in rows:
        verdicts = np.array([verdict_of(graded.cases[case.id]) for case in cases], np.float64)
        rows[PASSED.name] = replace(rows[PASSED.name], values=verdicts)
    return Sheet(graded, cases, place, rows)


def verdict_of(outcome: CaseOutcome) -> float:
    """How a case ended as a number, an error counted as a failure: the pass rate is its mean. NaN: not graded."""
    if outcome is CaseOutcome.UNGRADED:
        return float("nan")
    return float(outcome is CaseOutcome.PASSED)


def _row(column: Column, numbers: Places, owner: Places, cases: int) -> Row:
    values, codes = column.values[numbers], column.status[numbers]
    known = ~np.isnan(values)
    count = np.bincount(owner[known], minlength=cases)
    total = np.bincount(owner[known], weights=values[known], minlength=cases)
    means = np.full(cases, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    has = {s: np.bincount(owner[codes == CODE[s]], minlength=cases) > 0 for s in WORST_FIRST}
    due = np.logical_or.reduce([has[s] for s in WORST_FIRST])
    bad = np.logical_or.reduce([has[s] for s in WORST_FIRST[:3]])
    return Row(column.metric, means, due, due & ~bad, _reason(column, numbers, has))


def _reason(column: Column, numbers: Places, has: Mapping[Status, npt.NDArray[np.bool_]]) -> str:
    notes = (
        (column.notes[int(i)] for i in numbers if int(i) in column.notes) if column.notes else ()
    )
    first = next((note for note in notes if note), "")
    worst = next((s for s in WORST_FIRST[:3] if has[s].any()), None)
    return first or (worst.value.replace("_", " ") if worst else "")
