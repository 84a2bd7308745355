"""Reads the columns of a ledger off one graded and diagnosed part of a run: a small run is one part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from evalkit.funnel import ways
from evalkit.grade import Graded, labels_given
from evalkit.ledger.columns import (
    COUNTS,
    OUTCOMES,
    STAGES,
    FindingColumns,
    Ledger,
    group_numbers,
    often_first,
)
from evalkit.ledger.words import Words
from evalkit.loss import gain_of, passes_under
from evalkit.needs import wants_json
from evalkit.records import AS_IS, Case, Finding, Suite, Trace
from evalkit.score import Column, Floats
from evalkit.symptoms import Rule, noted
from evalkit.variability import frozen_consistency, graded_apart


def read_ledger(
    suite: Suite,
    graded: Graded,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    places: Mapping[str, int] | None = None,
) -> Ledger:
    """The columns of one part; ``places`` says where its cases stand in the whole suite, if the part is not all of it."""
    ids = tuple(graded.cases)
    rows = {case_id: i for i, case_id in enumerate(ids)}
    known = {case.id: case for case in suite.cases}
    cases = [known[case_id] for case_id in ids]
    where = places if places is not None else {c.id: i for i, c in enumerate(suite.cases)}
    found = {finding.case_id: finding for finding in findings}
    due = list(ways(suite, graded, found))
    symptoms = np.array([*noted(suite, graded, found, rules)], np.uint8).reshape(len(ids), -1)
    return Ledger(
        system=graded.system,
        approach=graded.approach,
        ids=ids,
        place=np.array([where[case_id] for case_id in ids], np.int64),
        outcome=np.array([OUTCOMES.index(o) for o in graded.cases.values()], np.uint8),
        group=group_numbers([case.group for case in cases]),
        tags=Words.of(case.tags for case in cases),
        symptoms=np.ascontiguousarray(symptoms.T),
        way=np.array([way for way, _ in due], np.uint16),
        lost=np.array([lost for _, lost in due], np.uint8),
        frozen=_of_cases(frozen_consistency(graded), rows),
        verdicts=_of_cases(dict(graded_apart(graded)), rows),
        findings=_findings(findings, rows, graded),
        case_columns=_case_columns(graded, rows),
        format_errors=tuple(_format_errors(graded, known).most_common()),
        judges=tuple(sorted({e.judge for e in graded.evidence if e is not None})),
        models=often_first(_models(graded.traces)),
        **_traces(suite, graded, rows),
    )


def _traces(suite: Suite, graded: Graded, rows: Mapping[str, int]) -> dict[str, Any]:
    traces = graded.traces
    return {
        "trace_case": np.array([rows.get(t.case_id, -1) for t in traces], np.int64),
        "condition": Words.of(t.condition for t in traces),
        "repeat": Words.of(t.repeat for t in traces),
        "pairs": Words.of(labels_given(suite, traces)),
        "right": Words.of(graded.outcomes.right),
        "seconds": {n: _numbers([getattr(t.seconds, n) for t in traces]) for n in STAGES},
        "usage": {n: _numbers([getattr(t.usage, n) for t in traces]) for n in COUNTS},
        "columns": graded.scores.columns,
        "suite_metrics": graded.scores.suite_metrics,
    }


def _models(traces: Sequence[Trace]) -> Counter[str]:
    """The models that answers name as theirs."""
    named = (trace.meta.get("model") for trace in traces)
    return Counter(model for model in named if isinstance(model, str))


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if v is None else v for v in values], np.float64)


def _of_cases(values: Mapping[str, float], rows: Mapping[str, int]) -> Floats:
    found = np.full(len(rows), np.nan)
    for case_id, value in values.items():
        if case_id in rows:
            found[rows[case_id]] = value
    return found


def _case_columns(graded: Graded, rows: Mapping[str, int]) -> dict[str, Column]:
    """The measures over repeats, in the order of the ledger's rows."""
    scores = graded.scores
    if not scores.case_columns:  # nothing was measured over repeats
        return {}
    order = np.empty(len(rows), np.int64)
    order[[rows[case_id] for case_id in scores.case_ids]] = np.arange(len(rows))
    return {
        name: Column(column.metric, column.values[order], column.status[order])
        for name, column in scores.case_columns.items()
    }


def _findings(
    findings: Sequence[Finding], rows: Mapping[str, int], graded: Graded
) -> FindingColumns:
    passes = passes_under(graded)
    gains = [gain_of(f, passes.get(f.case_id, {})) if f.outcome == "fail" else 0 for f in findings]
    return FindingColumns(
        row=np.array([rows[f.case_id] for f in findings], np.int64),
        confidence=_numbers([f.confidence for f in findings]),
        gain=np.array(gains, np.float64),
        probes=Words.of(tuple(f.probes.items()) for f in findings),
        **{
            n: Words.of(map(attrgetter(n), findings))
            for n in ("repeat", "cause", "also", "missing")
        },
        **{n: Words.of(map(attrgetter(n), findings)) for n in ("outcome", "set")},
        **{
            n: Words.of(None if (v := getattr(f, n)) is None else v.value for f in findings)
            for n in ("status", "side", "stage")
        },
    )


def _format_errors(graded: Graded, cases: Mapping[str, Case]) -> Counter[tuple[str, str]]:
    """Schema errors by JSON pointer and kind, over all ``as_is`` answers."""
    from evalkit.metrics.format import format_errors
    from evalkit.text.extract import parse_json

    column = graded.scores.columns.get("schema_valid")
    found: Counter[tuple[str, str]] = Counter()
    for i in np.flatnonzero(column.values == 0) if column is not None else ():
        trace = graded.traces[i]
        case = cases[trace.case_id]
        asked = trace.condition == AS_IS and trace.response is not None
        if asked and case.schema and wants_json(case):
            errors = format_errors(parse_json(trace.response or ""), case.schema)
            found.update([*dict.fromkeys((e.pointer, e.kind) for e in errors)])
    return found
