"""What the report shows of all systems side by side: symptoms, slices, metrics, time, tokens and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit import plugins
from evalkit.pages import charts
from evalkit.pages.charts.heat import shade
from evalkit.pages.counted import counted, unlike
from evalkit.pages.links import cases_link
from evalkit.pages.wording import (
    count,
    number,
    number_bounds,
    percent,
    percent_bounds,
    seconds,
    words,
)
from evalkit.records import Level, Metric, Stage
from evalkit.symptoms import left_out

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.ledger.columns import Ledger

OUTCOMES = ("passed", "correct")  # the verdicts themselves stand above the stages
LABELS = {"passed": "mean over repeats"}  # what a name alone does not tell
STAGES = ("outcome", *(stage.value for stage in Stage))
SPENT = (
    ("prompt_tokens", "Prompt tokens"),
    ("completion_tokens", "Answer tokens"),
    ("cost", "Cost"),
)
RESOURCES = ("s", "tokens", "currency")  # units shown with time and cost instead


def symptom_rows(run: Run, diagnosis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every symptom of the playbook with its rate in each system, or why it was not measured."""
    first = next(iter(run.systems.values()))
    return [
        {
            "id": symptom.rule.id,
            "symptom": symptom.rule.symptom,
            "counted": counted(symptom.rule),
            "unlike": unlike(symptom.rule),
            "root_cause": symptom.rule.root_cause,
            "approach": symptom.rule.approach,
            "fine_tuning": symptom.rule.fine_tuning,
            "cells": [
                _symptom_cell(name, symptom.rule.id, system["symptoms"][i])
                for name, system in diagnosis["systems"].items()
            ],
        }
        for i, symptom in enumerate(first.symptoms)
    ]


def _symptom_cell(system: str, symptom_id: str, found: Mapping[str, Any]) -> dict[str, Any]:
    if found["rate"] is None:
        return {"system": system, "rate": None, "why": found["not_measured"]}
    label = f"{system}: {percent(found['rate'])} {percent_bounds(found)}"
    return {
        "system": system,
        "rate": percent(found["rate"]),
        "bounds": percent_bounds(found),
        "href": cases_link(system=system, symptom=symptom_id),
        "cases": len(found["case_ids"]),
        "n": found["n"],
        "left_out": left_out(found.get("undecided", 0)),
        "bar": charts.bar(
            found["rate"], found["low"], found["high"], name="fill fail", label=label
        ),
    }


def slice_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Pass rate by tag and system, the tags with most cases first."""
    systems = summary["systems"]
    sizes: dict[str, int] = {}
    for system in systems.values():
        for tag, found in system["slices"].items():
            sizes[tag] = max(sizes.get(tag, 0), found["cases"])
    tags = sorted(sizes, key=lambda tag: (-sizes[tag], tag))
    return [
        {
            "tag": tag,
            "href": cases_link(tag=tag),
            "cells": [_slice_cell(n, tag, s["slices"].get(tag)) for n, s in systems.items()],
        }
        for tag in tags
    ]


def _slice_cell(system: str, tag: str, found: Mapping[str, Any] | None) -> dict[str, Any]:
    rate = found and found["pass_rate"]
    if not rate:
        return {"system": system, "rate": "n/a", "bounds": "", "heat": "hnone", "n": 0, "passed": 0}
    return {
        "system": system,
        "rate": percent(rate["value"]),
        "bounds": percent_bounds(rate),
        "href": cases_link(system=system, tag=tag, status="failing"),
        "heat": shade(rate["value"]),
        "n": rate["n"],
        "passed": round(rate["value"] * rate["n"]),
    }


# --- metrics ---------------------------------------------------------------------------------


def metric_groups(run: Run, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Every metric by stage, and the names of those that apply to no system here."""
    systems = summary["systems"]
    names = list(dict.fromkeys(name for s in systems.values() for name in s["metrics"]))
    known = _metrics(run)
    groups: dict[str, list[dict[str, Any]]] = {stage: [] for stage in STAGES}
    unused: list[str] = []
    for name in names:
        found = {n: s["metrics"][name] for n, s in systems.items() if name in s["metrics"]}
        shown = next(iter(found.values()))
        if shown["unit"] in RESOURCES:
            continue
        if not any(cell["due"] for cell in found.values()):
            unused.append(name)
            continue
        stage = "outcome" if name in OUTCOMES else shown["stage"]
        groups[stage].append(_metric_row(name, found, list(systems), known.get(name)))
    kept = [{"stage": stage, "rows": rows} for stage, rows in groups.items() if rows]
    return {"groups": kept, "unused": unused}


def _metrics(run: Run) -> dict[str, Metric]:
    """The metrics of the run by name; those over the suite as a whole come from the shelf."""
    found = {m.name: m for m in plugins.members("metrics") if m.level is Level.SUITE}
    for system in run.systems.values():
        found |= {metric.name: metric for metric in system.ledger.metrics()}
    return found


def _metric_row(
    name: str, found: Mapping[str, Any], systems: Sequence[str], metric: Metric | None
) -> dict[str, Any]:
    first = next(iter(found.values()))
    bounds = (metric.low, metric.high) if metric else (0.0, 1.0)
    return {
        "name": name,
        "label": LABELS.get(name, ""),
        "higher": first["higher_is_better"],
        "unit": first["unit"],
        "card": metric.card if metric else "A metric from a plug-in.",
        "range": f"{bounds[0]:g} to {bounds[1]:g}"
        if bounds[1] < float("inf")
        else f"from {bounds[0]:g}",
        "cells": [_metric_cell(n, found.get(n), bounds) for n in systems],
    }


def _metric_cell(
    system: str, cell: Mapping[str, Any] | None, bounds: tuple[float, float]
) -> dict[str, Any]:
    if cell is None or not cell["due"]:
        return {"system": system, "mean": None, "why": "n/a", "lacking": ""}
    lacking = ", ".join(f"{n:,} {words(status)}" for status, n in cell["not_scored"].items())
    if cell["mean"] is None:
        why = f"none of {cell['due']:,} scored"
        return {"system": system, "mean": None, "why": why, "lacking": lacking}
    mean, ends = number(cell["mean"], cell["unit"]), number_bounds(cell, cell["unit"])
    finite = bounds[1] < float("inf")
    label = f"{mean} {ends}"
    chart = charts.interval(cell["mean"], cell["low"], cell["high"], bounds, label)
    return {
        "system": system,
        "mean": mean,
        "bounds": ends,
        "scored": cell["scored"],
        "due": cell["due"],
        "lacking": lacking,
        "chart": chart if finite else charts.NOTHING,
    }


# --- time, tokens, cost ------------------------------------------------------------------------


def resource_rows(run: Run, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Time, tokens and cost of an answer to a case as it is, then of the whole run; what nobody reports is unknown."""
    systems = summary["systems"]
    rows = [
        {
            "label": f"{stage.capitalize()} time",
            "cells": [_time(s["latency"][stage]) for s in systems.values()],
        }
        for stage in ("total", "retrieval", "generation")
    ]
    for name, label in SPENT:
        ledgers = (run.systems[system].ledger for system in systems)
        rows.append({"label": label, "cells": [_each(name, ledger) for ledger in ledgers]})
    for name, label in SPENT:
        totals = [_total(name, s["usage"][name]) for s in systems.values()]
        rows.append({"label": f"{label}, whole run", "cells": totals})
    return rows


def _time(found: Mapping[str, Any] | None) -> tuple[str, str]:
    if found is None:
        return "not observed", ""
    return (
        f"{seconds(found['p50'])} median",
        f"95th percentile {seconds(found['p95'])}, {count(found['n'], 'answer')}",
    )


def _each(name: str, ledger: Ledger) -> tuple[str, str]:
    """What an answer to a case as it is took: the median, like the pictures of quality against price."""
    of = len(ledger.as_is)
    counts = ledger.usage[name][ledger.as_is]
    known = counts[~np.isnan(counts)]
    if not len(known):
        return "unknown", f"0 of {count(of, 'answer')} report it"
    median = float(np.median(known))
    shown = f"{median:.4g}" if name == "cost" else f"{median:,.0f}"
    return f"{shown} median", f"{len(known):,} of {count(of, 'answer')}"


def _total(name: str, found: Mapping[str, Any]) -> tuple[str, str]:
    if found["total"] is None:
        return "unknown", f"0 of {count(found['of'], 'call')} report it"
    total = f"{found['total']:,.2f}" if name == "cost" else f"{found['total']:,}"
    return f"{total} in all", f"{found['n']:,} of {count(found['of'], 'call')}, probes too"
