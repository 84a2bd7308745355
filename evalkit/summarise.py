"""The content of summary.json: every mean with its interval and its denominator, by system, metric and slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from evalkit.diagnosis import SystemDiagnosis, pass_rate
from evalkit.grade import score_labels
from evalkit.ledger.columns import (
    COUNTS,
    STAGES,
    WORST_FIRST,
    Ledger,
    clusters,
    ranks_of,
    state_of,
)
from evalkit.records import Approach, Interval, Metric, Status, Suite
from evalkit.score import CODE, Bytes, Floats
from evalkit.stats.intervals import mean_interval


def summary_json(
    suite: Suite, systems: Mapping[str, SystemDiagnosis], recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole of summary.json. Means are over cases (repeats averaged first), resampled by ``group``."""
    return {
        "format": 1,
        "suite": {"name": suite.name, "digest": suite.digest, "cases": len(suite.cases)},
        "recipe": dict(recipe),
        "warnings": [*suite.warnings, *warnings_of(suite, systems)],
        "systems": {name: _system(found) for name, found in systems.items()},
    }


def warnings_of(suite: Suite, systems: Mapping[str, SystemDiagnosis]) -> list[str]:
    """What a reader of the figures must know of the systems."""
    return [*unreported_citations(suite, systems), *changed_models(systems)]


def changed_models(systems: Mapping[str, SystemDiagnosis]) -> list[str]:
    """A warning for each system whose answers name more than one model as theirs (``model`` of a trace's ``meta``)."""
    return [
        f"{name}: answers name more than one model: {_counted(found.ledger.models)}; its figures are of all of them"
        for name, found in systems.items()
        if len(found.ledger.models) > 1
    ]


def _counted(models: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{model} ({count:,})" for model, count in models)


def unreported_citations(suite: Suite, systems: Mapping[str, SystemDiagnosis]) -> list[str]:
    """A warning for each system with documents that reports no citation though the suite asks for them."""
    if not suite.profile.get("citations"):
        return []
    return [
        f"{name} reports no citations, and the suite asks for them (profile): none was checked. Return the cited ids as "
        "`citations`; marks in the text such as [1] are not taken for them."
        for name, found in systems.items()
        if found.ledger.approach in (Approach.RAG, Approach.HYBRID) and not _cites(found.ledger)
    ]


def _cites(ledger: Ledger) -> bool:
    columns = (ledger.columns.get(name) for name in ("citation_precision", "cites"))
    return any(c is not None and bool(np.any(c.status == CODE[Status.SCORED])) for c in columns)


def _system(found: SystemDiagnosis) -> dict[str, Any]:
    ledger = found.ledger
    return {
        "approach": ledger.approach.value,
        "cases": dict(found.counts),
        "pass_rate": interval_json(found.pass_rate),
        "metrics": _metrics(ledger),
        "slices": _slices(ledger),
        "format_errors": [
            {"pointer": p, "kind": k, "answers": n} for (p, k), n in ledger.format_errors
        ],
        "confusion": _confusion(ledger),
        "latency": _latency(ledger),
        "usage": _usage(ledger),
    }


def interval_json(found: Interval | None) -> dict[str, Any] | None:
    """An interval as JSON; None stays null."""
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


# --- metrics ---------------------------------------------------------------------------------


def _metrics(ledger: Ledger) -> dict[str, Any]:
    found = {}
    for column in ledger.columns.values():
        found[column.metric.name] = _metric(column.metric, *ledger.by_case(column), ledger)
    order = ledger.in_suite_order
    for column in ledger.case_columns.values():
        of_cases = (column.values[order], ranks_of(column.status)[order])
        found[column.metric.name] = _metric(column.metric, *of_cases, ledger, order)
    for name, score in score_labels(ledger.system, ledger.label_pairs(), ledger.suite_metrics):
        due = score.status is not Status.NOT_APPLICABLE
        found[name] = {"mean": score.value, "low": None, "high": None, "n": int(due)}
        found[name] |= {"scored": int(score.value is not None), "due": int(due), "not_scored": {}}
        found[name] |= {"stage": "contract", "higher_is_better": True, "unit": ""}
    return found


def _metric(
    metric: Metric, values: Floats, ranks: Bytes, ledger: Ledger, order: Any = slice(None)
) -> dict[str, Any]:
    """One metric: mean over the cases that have a value, and how many were scored of those due."""
    known = ~np.isnan(values)
    means = values[known]
    states = {state_of(rank): n for rank, n in enumerate(np.bincount(ranks, minlength=5).tolist())}
    mean = mean_interval(means, clusters(ledger.group[order][known])) if len(means) else None
    return {
        "mean": float(np.mean(means)) if len(means) else None,
        "low": mean and mean.low,
        "high": mean and mean.high,
        "n": len(means),
        "scored": states[Status.SCORED],
        "due": len(values) - states[Status.NOT_APPLICABLE],
        "not_scored": {s.value: states[s] for s in WORST_FIRST[:3] if states[s]},
        "stage": metric.stage.value,
        "higher_is_better": metric.higher_is_better,
        "unit": metric.unit,
    }


def _slices(ledger: Ledger) -> dict[str, Any]:
    """Pass rate by tag; a slice without a graded case has none."""
    known = ledger.tags.words
    found = {}
    for tag in sorted({tag for tags in known for tag in tags}):
        times = np.array([tags.count(tag) for tags in known])[ledger.tags.codes]
        rows = np.repeat(np.arange(len(ledger)), times)
        rate = interval_json(pass_rate(ledger, rows))
        found[tag] = {"cases": len(rows), "pass_rate": rate}
    return found


# --- labels, cost ------------------------------------------------------------------------------


def _confusion(ledger: Ledger) -> dict[str, Any] | None:
    pairs = ledger.label_pairs()
    if not pairs:
        return None
    from evalkit.metrics.format import confusion

    labels, matrix = confusion(pairs)
    return {"labels": list(labels), "wanted_by_given": [[int(n) for n in row] for row in matrix]}


def _latency(ledger: Ledger) -> dict[str, Any]:
    """Median and 95th percentile of the seconds of each stage of an ``as_is`` answer; null where none shows them."""
    found: dict[str, Any] = {}
    for stage in STAGES:
        seconds = _known(ledger.seconds[stage][ledger.as_is])
        found[stage] = None
        if len(seconds):
            p50, p95 = np.percentile(seconds, [50, 95])
            found[stage] = {"p50": float(p50), "p95": float(p95), "n": len(seconds)}
    return found


def _usage(ledger: Ledger) -> dict[str, Any]:
    """What the whole run took, probes too, with the number of traces that report it; what nobody reports is null, not 0."""
    found = {}
    for name in COUNTS:
        known = _known(ledger.usage[name])
        total = sum(known.tolist()) if len(known) else None
        found[name] = {
            "total": total if total is None or name == "cost" else int(total),
            "n": len(known),
            "of": ledger.traces,
        }
    return found


def _known(column: Floats) -> Floats:
    return column[~np.isnan(column)]
