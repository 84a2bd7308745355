"""What a right answer is, and which traces and cases pass: the contract of the suite, applied to scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isnan, nan
from typing import NamedTuple

import numpy as np

from evalkit.records import AS_IS, Approach, Case, Expected, Metric, Stage, Status, Suite, Trace
from evalkit.score import CODE, STATUSES, Column

CORRECT = Metric(
    "correct",
    Stage.GENERATION,
    compute=lambda: None,
    outcome=True,
    card="Whether the answer is right, 0..1, by the labels the case has: the objects' fields, the key points, "
    "or equivalence with the reference; for a case that wants no answer, whether the wanted behaviour was "
    "shown; for a retriever alone, whether the evidence is within the first k. Undefined without any such "
    "label. Source: evalkit's own rule, `correct` in suite.yaml overrides it.",
)
PASSED = Metric(
    "passed",
    Stage.SYSTEM,
    compute=lambda: None,
    outcome=True,
    card="1 when the trace did not err, `correct` reaches its line, the expected behaviour was shown and every "
    "contract that is due holds (schema, format, style, citations, criteria, no forbidden document). "
    "Undefined when the outcome could not be graded. Its mean is taken over repeats first; the pass rate, and every "
    "comparison of `passed` between systems, counts a case only when all its repeats pass.",
)

# Contracts of an answer: the metric that must be 1 wherever it is due.
CONTRACTS = (
    "behaviour",
    "schema_valid",
    "format_valid",
    "style",
    "citation_precision",
    "criteria",
    "permission_ok",
)


def deciding(suite: Suite) -> frozenset[str]:
    """The names of the metrics that can decide whether an answer passes; the others only describe it."""
    own = {suite.correct.metric} if suite.correct is not None else set()
    usual = {"field_score", "key_points", "equivalence", "label_accuracy", "refused"}
    retriever = {"evidence_retrieved", f"Success@{suite.k}"}
    return frozenset({*CONTRACTS, *usual, *retriever, *own})


class CaseOutcome(StrEnum):
    """How a case ended over all its ``as_is`` repeats."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "errors"
    UNGRADED = "ungraded"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Per trace: the correctness and pass columns, and the contracts each trace broke."""

    correct: Column
    passed: Column
    right: tuple[bool | None, ...]  # does `correct` reach its line?
    broken: tuple[tuple[str, ...], ...]


def decide(
    suite: Suite, approach: Approach, traces: Sequence[Trace], columns: Mapping[str, Column]
) -> Outcomes:
    """Apply the pass rule to every trace."""
    cases = {case.id: case for case in suite.cases}
    shown = {name: _Cells.of(columns[name]) for name in deciding(suite) if name in columns}
    due = {name: shown[name] for name in _due_contracts(columns)}
    right: list[bool | None] = []
    broken: list[tuple[str, ...]] = []
    made: dict[Metric, tuple[_Cells, dict[int, str]]] = {
        metric: (_Cells([], []), {}) for metric in (CORRECT, PASSED)
    }
    for i, trace in enumerate(traces):
        case = cases[trace.case_id]
        rules = correct_rules(suite, case, approach)
        value, status, reached = _correct(rules, shown, i)
        contracts = _contracts(due, i, case.expected, labelled=bool(rules))
        right.append(reached)
        broken.append(contracts.broken)
        both = (value, status), _passed(trace, status, reached, contracts)
        for (cells, notes), cell in zip(made.values(), both, strict=True):
            cells.put(*cell)
            if cell[1] is Status.GRADER_ERROR:
                notes[i] = _why(columns, (*(name for name, _ in rules), *CONTRACTS), i)
    correct, passed = (cells.column(m, notes) for m, (cells, notes) in made.items())
    return Outcomes(correct, passed, tuple(right), tuple(broken))


class _Cells(NamedTuple):
    """A column as lists, which are quicker to read cell by cell; NaN is no value."""

    values: list[float]
    status: list[Status]

    @classmethod
    def of(cls, column: Column) -> _Cells:
        return cls(column.values.tolist(), [STATUSES[code] for code in column.status.tolist()])

    def put(self, value: float | None, status: Status) -> None:
        self.values.append(nan if value is None else value)
        self.status.append(status)

    def column(self, metric: Metric, notes: Mapping[int, str]) -> Column:
        status = np.array([CODE[status] for status in self.status], np.uint8)
        return Column(metric, np.array(self.values, np.float64), status, notes)


def correct_rules(suite: Suite, case: Case, approach: Approach) -> tuple[tuple[str, float], ...]:
    """Which metrics make up ``correct`` for a case, and the line each must reach; empty: nothing to grade."""
    if approach is Approach.RETRIEVER:
        return _evidence_rules(suite, case)
    if suite.correct is not None:
        return ((suite.correct.metric, suite.correct.at_least),)
    if case.expected in (Expected.REFUSE, Expected.CLARIFY):
        return (("behaviour", 1.0),)
    if case.format is not None and case.format.kind == "label" and case.reference:
        return (("label_accuracy", 1.0),)
    rules = []
    if case.reference_object is not None:
        rules.append(("field_score", 1.0))
    if case.key_points:
        rules.append(("key_points", 1.0))
    if not rules and case.reference:
        rules.append(("equivalence", 0.5))
    if not rules and case.criteria:
        rules.append(("criteria", 1.0))
    return tuple(rules)


def _evidence_rules(suite: Suite, case: Case) -> tuple[tuple[str, float], ...]:
    """A retriever is right when what the answer needs is within the first k."""
    if case.key_points and any(point.evidence for point in case.key_points):
        return (("evidence_retrieved", 1.0),)
    return ((f"Success@{suite.k}", 1.0),) if case.relevant else ()


def _correct(
    rules: Sequence[tuple[str, float]], shown: Mapping[str, _Cells], i: int
) -> tuple[float | None, Status, bool | None]:
    """The worst of the rules' values: everything asked for must be right."""
    cells = [(shown[name], line) for name, line in rules if name in shown]
    due = [
        (of.values[i], of.status[i], line)
        for of, line in cells
        if of.status[i] is not Status.NOT_APPLICABLE
    ]
    if not due:
        return None, Status.NOT_APPLICABLE, None
    for value, status, _ in due:
        if isnan(value):
            # A rule may rest on a measure of a stage, which has no value then; the outcome is bad all the same.
            return (0.0, status, False) if status is Status.SYSTEM_ERROR else (None, status, None)
    reached = all(value >= line - 1e-9 for value, _, line in due)
    odd = (status for _, status, _ in due if status is not Status.SCORED)
    return min(value for value, _, _ in due), next(odd, Status.SCORED), reached


@dataclass(frozen=True, slots=True)
class _Contracts:
    broken: tuple[str, ...]
    ungraded: bool  # some contract that is due could not be graded
    graded: bool  # some contract beyond the plain "do answer" was graded


def _due_contracts(columns: Mapping[str, Column]) -> list[str]:
    """The contracts that some answer was held to; of the others none can be broken or ungraded."""
    held = [CODE[Status.SCORED], CODE[Status.GRADER_ERROR]]
    there = (name for name in CONTRACTS if name in columns)
    return [name for name in there if np.isin(columns[name].status, held).any()]


def _contracts(
    due: Mapping[str, _Cells], i: int, expected: Expected, *, labelled: bool
) -> _Contracts:
    """How the contracts stand; a case without any label does not ask for an answer rather than a refusal."""
    broken, ungraded, graded = [], False, False
    plain = expected not in (Expected.REFUSE, Expected.CLARIFY)
    for name, cells in due.items():
        if name == "behaviour" and plain and not labelled:
            continue
        status = cells.status[i]
        if status is Status.SCORED:
            graded = graded or not plain or name != "behaviour"
            if cells.values[i] < 1 - 1e-9:
                broken.append(name)
        ungraded = ungraded or status is Status.GRADER_ERROR
    return _Contracts(tuple(broken), ungraded, graded)


def _passed(
    trace: Trace,
    status: Status,
    right: bool | None,  # noqa: FBT001 (three-valued, not a switch)
    contracts: _Contracts,
) -> tuple[float | None, Status]:
    if trace.error is not None:
        return 0.0, Status.SYSTEM_ERROR
    if right is False or contracts.broken:
        return 0.0, Status.SCORED
    if status is Status.GRADER_ERROR or contracts.ungraded:
        return None, Status.GRADER_ERROR
    if status is Status.UNOBSERVED:
        return None, Status.UNOBSERVED
    if right is None and not contracts.graded:
        return None, Status.NOT_APPLICABLE
    return 1.0, Status.SCORED


def _why(columns: Mapping[str, Column], names: Sequence[str], i: int) -> str:
    """The note of the first of these measures that could not be graded."""
    for name in names:
        column = columns.get(name)
        if column is not None and STATUSES[column.status[i]] is Status.GRADER_ERROR:
            return column.notes.get(i, "")
    return ""


def case_outcomes(traces: Sequence[Trace], passed: Column) -> dict[str, CaseOutcome]:
    """Each case once: it passes when every ``as_is`` repeat passes; a wrong answer outweighs an error."""
    repeats: dict[str, list[CaseOutcome]] = {}
    cells = _Cells.of(passed)
    for trace, value, status in zip(traces, cells.values, cells.status, strict=True):
        if trace.condition == AS_IS:
            repeats.setdefault(trace.case_id, []).append(_trace_outcome(value, status))
    worst_first = (CaseOutcome.FAILED, CaseOutcome.ERROR, CaseOutcome.UNGRADED, CaseOutcome.PASSED)
    return {case: next(o for o in worst_first if o in found) for case, found in repeats.items()}


def _trace_outcome(passed: float, status: Status) -> CaseOutcome:
    if status is Status.SYSTEM_ERROR:
        return CaseOutcome.ERROR
    if isnan(passed):
        return CaseOutcome.UNGRADED
    return CaseOutcome.PASSED if passed == 1 else CaseOutcome.FAILED
