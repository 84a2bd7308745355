"""The content of summary.json: every mean with its interval and its denominator, by system, metric and slice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evalkit.diagnosis import SystemDiagnosis, pass_rate_of
from evalkit.grade import Graded, label_pairs
from evalkit.needs import wants_json
from evalkit.records import AS_IS, Case, Interval, Status, Suite
from evalkit.score import CODE, Column
from evalkit.stats.intervals import mean_interval

# A case's status is the worst of its repeats, in this order; repeats that are not due do not count.
_WORST_FIRST = (Status.SYSTEM_ERROR, Status.GRADER_ERROR, Status.UNOBSERVED, Status.SCORED)


def summary_json(
    suite: Suite, systems: Mapping[str, SystemDiagnosis], recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole of summary.json. Means are over cases (repeats averaged first), resampled by ``group``."""
    return {
        "format": 1,
        "suite": {"name": suite.name, "digest": suite.digest, "cases": len(suite.cases)},
        "recipe": dict(recipe),
        "warnings": list(suite.warnings),
        "systems": {name: _system(suite, found) for name, found in systems.items()},
    }


def _system(suite: Suite, found: SystemDiagnosis) -> dict[str, Any]:
    graded = found.graded
    by_id = {case.id: case for case in suite.cases}
    return {
        "approach": graded.approach.value,
        "cases": dict(found.counts),
        "pass_rate": interval_json(found.pass_rate),
        "metrics": _metrics(graded, by_id),
        "slices": _slices(graded, by_id),
        "format_errors": _format_errors(graded, by_id),
        "confusion": _confusion(suite, graded),
        "latency": _latency(graded),
        "usage": _usage(graded),
    }


def interval_json(found: Interval | None) -> dict[str, Any] | None:
    """An interval as JSON; None stays null."""
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


# --- metrics ---------------------------------------------------------------------------------


def _metrics(graded: Graded, cases: Mapping[str, Case]) -> dict[str, Any]:
    repeats = graded.repeats()
    found = {
        name: _metric(column, repeats, cases) for name, column in graded.scores.columns.items()
    }
    single = {case_id: [i] for i, case_id in enumerate(graded.scores.case_ids)}
    for name, column in graded.scores.case_columns.items():
        found[name] = _metric(column, single, cases)
    for name, score in graded.scores.suite_values.items():
        due = score.status is not Status.NOT_APPLICABLE
        found[name] = {"mean": score.value, "low": None, "high": None, "n": int(due)}
        found[name] |= {"scored": int(score.value is not None), "due": int(due), "not_scored": {}}
        found[name] |= {"stage": "contract", "higher_is_better": True, "unit": ""}
    return found


def _metric(
    column: Column, repeats: Mapping[str, Sequence[int]], cases: Mapping[str, Case]
) -> dict[str, Any]:
    """One metric: mean over the cases that have a value, and how many were scored of those due."""
    means, clusters, states = [], [], Counter[Status]()
    for case_id, indices in repeats.items():
        codes = {int(code) for code in column.status[list(indices)]}
        status = next((s for s in _WORST_FIRST if CODE[s] in codes), Status.NOT_APPLICABLE)
        states[status] += 1
        values = column.values[list(indices)]
        values = values[~np.isnan(values)]
        if len(values):
            means.append(float(values.mean()))
            clusters.append(cases[case_id].group or f"case {case_id}")
    grouped = clusters if len(set(clusters)) < len(clusters) else None
    mean = mean_interval(means, grouped) if means else None
    due = sum(states.values()) - states[Status.NOT_APPLICABLE]
    metric = column.metric
    return {
        "mean": float(np.mean(means)) if means else None,
        "low": mean and mean.low,
        "high": mean and mean.high,
        "n": len(means),
        "scored": states[Status.SCORED],
        "due": due,
        "not_scored": {s.value: states[s] for s in _WORST_FIRST[:3] if states[s]},
        "stage": metric.stage.value,
        "higher_is_better": metric.higher_is_better,
        "unit": metric.unit,
    }


def _slices(graded: Graded, cases: Mapping[str, Case]) -> dict[str, Any]:
    """Pass rate by tag; a slice without a graded case has none."""
    tagged: dict[str, list[Case]] = defaultdict(list)
    for case_id in graded.cases:
        for tag in cases[case_id].tags:
            tagged[tag].append(cases[case_id])
    found = {}
    for tag, members in sorted(tagged.items()):
        rate = interval_json(pass_rate_of(members, graded.cases))
        found[tag] = {"cases": len(members), "pass_rate": rate}
    return found


# --- format, labels, cost ----------------------------------------------------------------------


def _format_errors(graded: Graded, cases: Mapping[str, Case]) -> list[dict[str, Any]]:
    """Schema errors by JSON pointer and kind, over all ``as_is`` answers, most frequent first."""
    from evalkit.metrics.format import format_errors
    from evalkit.text.extract import parse_json

    column = graded.scores.columns.get("schema_valid")
    if column is None:
        return []
    found: Counter[tuple[str, str]] = Counter()
    for i in np.flatnonzero(column.values == 0):
        trace = graded.traces[i]
        schema = cases[trace.case_id].schema
        if (
            trace.condition == AS_IS
            and trace.response is not None
            and schema
            and wants_json(cases[trace.case_id])
        ):
            errors = format_errors(parse_json(trace.response), schema)
            found.update({(error.pointer, error.kind) for error in errors})
    return [{"pointer": p, "kind": k, "answers": n} for (p, k), n in found.most_common()]


def _confusion(suite: Suite, graded: Graded) -> dict[str, Any] | None:
    pairs = label_pairs(suite, graded.traces)
    if not pairs:
        return None
    from evalkit.metrics.format import confusion

    labels, matrix = confusion(pairs)
    return {"labels": list(labels), "wanted_by_given": [[int(n) for n in row] for row in matrix]}


def _latency(graded: Graded) -> dict[str, Any]:
    """Median and 95th percentile of the seconds of each stage; null where no trace shows them."""
    found: dict[str, Any] = {}
    for stage in ("retrieval", "generation", "total"):
        seconds = [s for t in graded.traces if (s := getattr(t.seconds, stage)) is not None]
        found[stage] = None
        if seconds:
            p50, p95 = np.percentile(seconds, [50, 95])
            found[stage] = {"p50": float(p50), "p95": float(p95), "n": len(seconds)}
    return found


def _usage(graded: Graded) -> dict[str, Any]:
    """Totals with the number of traces that report them; a total that nobody reports is null, not 0."""
    found = {}
    for name in ("prompt_tokens", "completion_tokens", "cost"):
        known = [u for t in graded.traces if (u := getattr(t.usage, name)) is not None]
        found[name] = {
            "total": sum(known) if known else None,
            "n": len(known),
            "of": len(graded.traces),
        }
    return found
