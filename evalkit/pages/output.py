"""What the report draws of the form of the output: format errors by JSON pointer, and style against the wanted band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.pages import charts
from evalkit.pages.charts.bands import band_chart
from evalkit.pages.charts.scale import Scale
from evalkit.pages.links import cases_link
from evalkit.pages.shares import share_of
from evalkit.pages.styling import Band, StyleCounts, quantiles, style_counts
from evalkit.pages.wording import plain_interval, words

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.diagnosis import SystemDiagnosis

SYMPTOM = "unstable_format"  # what the playbook calls cases that break their format
POINTERS, FEWEST = 12, 20  # pointers shown; answers from which a distribution is drawn


def output_view(run: Run, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Format errors and style of all systems side by side; empty where nothing of the kind is asked."""
    counts = {
        name: style_counts(run.suite.cases, system.graded.traces)
        if run.large is None
        else run.large.styles(name)
        for name, system in run.systems.items()
    }
    return {
        "format": _format(run, summary),
        "style": list(_style_rules(counts)),
        "bands": list(_bands(counts)),
    }


# --- format ------------------------------------------------------------------------------------


def format_checked(found: SystemDiagnosis) -> tuple[int, int]:
    """How many answers were held against a schema, of how many cases: the denominator of the format errors."""
    column = found.ledger.columns.get("schema_valid")
    if column is None:
        return 0, 0
    rows = found.ledger.as_is[column.scored()[found.ledger.as_is]]
    return len(rows), len(np.unique(found.ledger.trace_case[rows]))


def _format(run: Run, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pointers and rules by system, the most frequent first; None where no answer was held against a schema."""
    checked = {name: format_checked(system) for name, system in run.systems.items()}
    if not any(of for of, _ in checked.values()):
        return None
    errors = {
        name: {(e["pointer"], e["kind"]): e["answers"] for e in s["format_errors"]}
        for name, s in summary["systems"].items()
    }
    sums: dict[tuple[str, str], int] = {}
    for held in errors.values():
        for key, n in held.items():
            sums[key] = sums.get(key, 0) + n
    ordered = sorted(sums, key=lambda key: (-sums[key], key))
    return {
        "rows": [_pointer_row(key, errors, checked) for key in ordered[:POINTERS]],
        "more": max(0, len(ordered) - POINTERS),
        "hrefs": {name: cases_link(system=name, symptom=SYMPTOM) for name in checked},
        "checked": {name: of for name, (of, _) in checked.items()},
    }


def _pointer_row(
    key: tuple[str, str],
    errors: Mapping[str, Mapping[tuple[str, str], int]],
    checked: Mapping[str, tuple[int, int]],
) -> dict[str, Any]:
    pointer, kind = key
    return {
        "pointer": pointer or "/",
        "kind": words(kind),
        "cells": [
            _share_cell(system, held.get(key, 0), *checked[system], name="side contract")
            for system, held in errors.items()
        ],
    }


def _share_cell(
    system: str, n: int, of: int, cases: int | None = None, *, name: str
) -> dict[str, Any]:
    found = share_of(n, of, cases)
    if found is None:
        return {"system": system, "n": 0, "of": 0, "share": "n/a", "bar": charts.NOTHING}
    label = f"{system}: {n} of {of}"
    return {
        "system": system,
        "n": n,
        "of": of,
        "share": plain_interval(found),
        "bar": charts.bar(found.value, found.low, found.high, name=name, label=label),
    }


# --- style -------------------------------------------------------------------------------------


def _style_rules(counts: Mapping[str, StyleCounts]) -> Iterator[dict[str, Any]]:
    """One row a rule: the share of answers that keep it, by system."""
    rules = dict.fromkeys(rule for found in counts.values() for rule in found.checked)
    for rule in rules:
        yield {
            "rule": words(rule),
            "cells": [
                _share_cell(system, found.held[rule], found.checked[rule], name="fill pass")
                for system, found in counts.items()
            ],
        }


def _bands(counts: Mapping[str, StyleCounts]) -> Iterator[dict[str, Any]]:
    """One chart a measure and band: where the answers of each system lie, and what is wanted."""
    keys = dict.fromkeys(key for found in counts.values() for key in found.values)
    for name, band in keys:
        held = {
            system: values
            for system, found in counts.items()
            if (values := found.values.get((name, band))) and values.total() >= FEWEST
        }
        if not held:
            continue
        spread = {system: quantiles(values) for system, values in held.items()}
        ends = [v for v in band if v is not None] + [q for qs in spread.values() for q in qs]
        scale = Scale(min(0.0, *ends), max(ends) * 1.05 or 1.0)
        yield {
            "name": name,
            "wanted": _wanted(band),
            "rows": [
                {
                    "system": system,
                    "n": sum(held[system].values()),
                    "middle": f"{qs[2]:g}",
                    "spread": f"{qs[0]:g} to {qs[4]:g}",
                    "chart": band_chart(
                        qs,
                        band,
                        scale,
                        f"{system}: half of the answers between {qs[1]:g} and {qs[3]:g}",
                    ),
                }
                for system, qs in spread.items()
            ],
            "ticks": _ticks(scale),
        }


def _wanted(band: Band) -> str:
    low, high = band
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _ticks(scale: Scale) -> Sequence[str]:
    return [f"{tick:g}" for tick in (scale.low, scale.high)]
