"""The limits of a suite as tests: judged by the gate itself, so that a test and `evalkit gate` never disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit.diagnosis import SystemDiagnosis
from evalkit.gate import Answer, Line, judge
from evalkit.gating.claims import Claims, Wishes, wanted_metrics
from evalkit.gating.policy import read_policy
from evalkit.gating.snapshot import MISSING, Cell, Snapshot
from evalkit.gating.verdict import line_json
from evalkit.gating.words import unmeasured_sentence
from evalkit.pytesting.cells import Cell as Ended
from evalkit.records import Limit, Status, Suite
from evalkit.score import STATUSES, Column
from evalkit.tools import Tools


def limit_cells(found: SystemDiagnosis, suite: Suite, tools: Tools) -> list[Ended]:
    """How every limit of the suite ended, in the suite's order; needs every case. ``tools`` have the judge's own metrics.

    Passed where the gate says pass, and failed where it says anything else: a limit that too little evidence speaks
    for is not kept. One that a system of this approach cannot have is ungraded.
    """
    policy = read_policy(suite.folder)
    wishes = Wishes()
    candidate = snapshot_in_memory(found, wanted_metrics(suite, tools, wishes, policy))
    claims = Claims(suite, tools, candidate, None, suite.cases, wishes, policy)
    lines, unmeasured = claims.lines()
    told = {_key(one.line): _ended(one.answer, unmeasured_sentence(one)) for one in unmeasured}
    verdict = judge(
        lines, tolerance=suite.max_error_rate, outcome=claims.outcome(), unmeasured=unmeasured
    )
    for ruling in verdict.rulings:
        text = line_json(ruling, verdict.level.alpha)["text"]
        told[_key(ruling.line)] = _ended(ruling.answer, text)
    return [told[_named(limit)] for limit in suite.limits]


def _ended(answer: Answer, text: str) -> Ended:
    if answer is Answer.PASS:
        return Ended("passed")
    if answer is Answer.NOT_APPLICABLE:
        return Ended("ungraded", text)
    return Ended("failed", f"{answer.value}: {text}")


_Key = tuple[str, float | None, bool, float, tuple[str, ...]]


def _key(line: Line) -> _Key:
    return line.metric, line.limit, line.higher_is_better, line.margin, line.tags


def _named(limit: Limit) -> _Key:
    at_least = limit.at_least is not None
    return (
        *(limit.metric, limit.at_least if at_least else limit.at_most, at_least),
        *(limit.margin, limit.tags),
    )


# --- a run that is still in memory ---------------------------------------------------------------


def snapshot_in_memory(found: SystemDiagnosis, metrics: Sequence[str]) -> Snapshot:
    """What a gate reads from a run folder, from the diagnosis itself; suite, judge and version are not compared."""
    graded = found.graded
    failing = {f.case_id: f for f in found.findings if f.outcome == "fail"}
    values = {name: score.value for name, score in graded.scores.suite_values.items()}
    return Snapshot(
        source=graded.system,
        system=graded.system,
        approach=graded.approach.value,
        fingerprint="",
        suite={"name": "", "digest": ""},
        judge="",
        evalkit="",
        counts=found.counts,
        cells={name: dict(_rows(found, name)) for name in {"passed", *metrics}},
        causes={case: finding.cause for case, finding in failing.items()},
        whole={name: value for name, value in values.items() if value is not None},
    )


def _rows(found: SystemDiagnosis, metric: str) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    scores, repeats = found.graded.scores, found.graded.repeats()
    if metric in scores.columns:
        column = scores.columns[metric]
        for case, indices in repeats.items():
            yield case, tuple(_cell(column, i) for i in indices)
    elif metric in scores.case_columns:
        column = scores.case_columns[metric]
        for i, case in enumerate(scores.case_ids):
            yield case, (_cell(column, i),)


def _cell(column: Column, index: int) -> Cell:
    status: Status = STATUSES[column.status[index]]
    known: Mapping[Status, str] = MISSING
    if status in known:
        return known[status]
    return None if status is Status.NOT_APPLICABLE else float(column.values[index])
