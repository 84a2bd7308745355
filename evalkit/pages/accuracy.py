"""How often the diagnosis itself is right, from the figures that are shipped: faults that we injected and then diagnosed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from evalkit.confidence import CELLS, DOUBTFUL, calibration
from evalkit.pages.charts.heat import shade
from evalkit.pages.charts.intervals import against
from evalkit.pages.links import cases_link
from evalkit.pages.sums import FindingSums
from evalkit.pages.wording import interval_bounds, percent, plain_interval, words
from evalkit.records import Interval
from evalkit.stats.intervals import wilson

HEALTHY = "none"


@cache
def _matrix(*, probed: bool) -> Mapping[str, Mapping[str, int]] | None:
    held = calibration().get("confusion")
    if held is None:
        return None
    rows: Mapping[str, Mapping[str, int]] = held["probed" if probed else "unprobed"]
    return rows


def exact_share(*, probed: bool) -> Interval | None:
    """The share of injected faults whose exact cause was named; None where nothing is on file."""
    rows = _matrix(probed=probed)
    if rows is None:
        return None
    faulty = {cause: row for cause, row in rows.items() if cause != HEALTHY}
    right = sum(row.get(cause, 0) for cause, row in faulty.items())
    return wilson(right, sum(sum(row.values()) for row in faulty.values()))


def accuracy_sentence(*, probed: bool) -> str:
    """How often the diagnosis names the exact cause; empty where nothing is on file."""
    found = exact_share(probed=probed)
    if found is None:
        return ""
    how = "with" if probed else "without"
    return f"On {found.n:,} injected faults, diagnosed {how} probes, the exact cause was named in {plain_interval(found)}."


def accuracy_view(causes: Iterable[str], *, probed: bool) -> dict[str, Any] | None:
    """Confusion of the causes found in this run (true cause by name given), and whether confidence holds."""
    rows = _matrix(probed=probed)
    if rows is None:
        return None
    shown = [cause for cause in dict.fromkeys(causes) if cause in rows]
    return {
        "sentence": accuracy_sentence(probed=probed),
        "probed": probed,
        "rows": [_cause_row(cause, rows[cause], shown) for cause in shown],
        "columns": [words(cause) for cause in shown],
        "rungs": list(_rungs()),
        "held_out": [
            {"where": where, "error": f"{100 * e['error']:.1f}", "n": f"{e['findings']:,}"}
            for where, e in calibration()["calibration_error_held_out"].items()
        ],
    }


def _cause_row(cause: str, row: Mapping[str, int], shown: list[str]) -> dict[str, Any]:
    total = sum(row.values())
    found = wilson(row.get(cause, 0), total)
    cells = [_cell(row.get(name, 0), total, own=name == cause) for name in shown]
    others = total - sum(row.get(name, 0) for name in shown)
    return {
        "cause": words(cause),
        "n": f"{total:,}",
        "named": percent(None if found is None else found.value),
        "bounds": interval_bounds(found),
        "cells": [*cells, _cell(others, total, own=False)],
    }


def _cell(n: int, of: int, *, own: bool) -> dict[str, str]:
    return {
        "n": f"{n:,}" if n else "",
        "shade": shade(n / of) if n else "",
        "own": "own" if own else "",
    }


def _rungs() -> Iterator[dict[str, Any]]:
    """Over all causes: on each rung, what confidence was stated and how often it was right."""
    names = {
        "proven": "proven",
        "suspected": "suspected, one candidate",
        "one_of_two": "one of two candidates",
        "one_of_three_or_more": "one of three or more",
        DOUBTFUL: "the answer may be right",
    }
    bins = [row for name, row in calibration()["bins"].items() if name in _known_causes()]
    for rung in CELLS:
        held = [row[rung] for row in bins if rung in row and row[rung]["findings"]]
        n = sum(h["findings"] for h in held)
        if not n:
            continue
        stated = sum(h["confidence"] * h["findings"] for h in held) / n
        right = wilson(sum(h["right"] for h in held), n)
        assert right is not None  # n is positive
        yield {
            "rung": names[rung],
            "stated": percent(stated),
            "right": plain_interval(right),
            "chart": against(stated, right, f"{names[rung]}: stated {percent(stated)}"),
            "n": f"{n:,}",
        }


@cache
def _known_causes() -> frozenset[str]:
    held = calibration().get("confusion")
    return frozenset(held["sides"]) if held else frozenset()


def found_causes(diagnosis: Mapping[str, Any]) -> list[str]:
    """The causes of the run, the most frequent first."""
    sums: dict[str, int] = {}
    for own in diagnosis["systems"].values():
        for cause, found in own["causes"].items():
            sums[cause] = sums.get(cause, 0) + found["cases"]
    return sorted(sums, key=lambda cause: -sums[cause])


def stated_sure(sums: Mapping[str, FindingSums]) -> list[dict[str, str]]:
    """By system: the mean confidence of its findings, which is how many of them should be exactly right."""
    return [
        {
            "system": name,
            "n": f"{found.stated:,}",
            "mean": percent(found.confidence / found.stated),
            "doubtful": f"{found.doubtful:,}",
            "href": cases_link(system=name, status="suspected"),
        }
        for name, found in sums.items()
        if found.stated
    ]
