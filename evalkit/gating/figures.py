"""What of a line was measured, and between which bounds the rest leaves it; in the metric's own unit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.gate import Line, Measured, Ruling, bounded
from evalkit.gating.trials import SAME

Floats = npt.NDArray[np.float64]
Json = dict[str, Any]


def limit_figures(ruling: Ruling) -> Json:
    """The value as measured, on how many cases, and what it would be if everything missing were bad or good.

    ``low`` and ``high`` are one-sided bounds of the truth: of the worse scenario below, of the better one above.
    """
    line, worst, best = ruling.line, ruling.worst, ruling.best
    value, measured = _mean(observed(line.candidate, line))
    low, high = _turned(line, worst.low, best.high)
    return {
        "at_least" if line.higher_is_better else "at_most": line.limit,
        "value": value,
        "measured": measured,
        "value_if_missing_were_bad": _value(line, worst.value),
        "value_if_missing_were_good": _value(line, best.value),
        "low": low,
        "high": high,
    }


def change_figures(ruling: Ruling, alpha: float) -> Json:
    """Both values as measured, each on its own cases; the change over those measured on both sides, and its bounds."""
    line = ruling.line
    assert line.baseline is not None
    comparable = ~np.isnan(line.candidate.worst) & ~np.isnan(line.baseline.worst)
    after, before = (_within(side, line, comparable) for side in (line.candidate, line.baseline))
    value, measured = _mean(after)
    past, measured_before = _mean(before)
    change, _ = _mean(after - before)
    sign = 1 if line.higher_is_better else -1
    return {
        "baseline": past,
        "value": value,
        "change": change,
        "measured": measured,
        "measured_in_baseline": measured_before,
        "change_if_missing_were_bad": sign * ruling.worst.value,
        "change_if_missing_were_good": sign * ruling.best.value,
        **_change_bounds(line, alpha),
        "detect": line.detect,
        "detectable": _finite(ruling.worst.detectable),
        "missing_in_baseline": ruling.missing_before,
        "one_sided": ruling.lopsided,
    }


def unmeasured_figures(line: Line) -> Json:
    """The same fields for a line that could not be judged at all: no figure."""
    if line.limit is not None:
        name = "at_least" if line.higher_is_better else "at_most"
        known: Json = {name: line.limit, "measured": 0}
        empty = ["value", "value_if_missing_were_bad", "value_if_missing_were_good", "low", "high"]
    else:
        known = {"detect": line.detect, "measured": 0, "measured_in_baseline": 0}
        known |= {"missing_in_baseline": None, "one_sided": 0.0}
        empty = ["baseline", "value", "change", "low", "high", "detectable"]
        empty += ["change_if_missing_were_bad", "change_if_missing_were_good"]
    return known | dict.fromkeys(empty)


def _within(side: Measured, line: Line, cases: npt.NDArray[np.bool_]) -> Floats:
    found: Floats = np.where(cases, observed(side, line), np.nan)
    return found


def _mean(values: Floats) -> tuple[float | None, int]:
    known = values[~np.isnan(values)]
    return (math.fsum(known) / len(known) if len(known) else None), len(known)


def _value(line: Line, oriented: float) -> float:
    if line.higher_is_better:
        return oriented
    return (line.low + line.high if math.isfinite(line.high) else 0.0) - oriented


def _turned(line: Line, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Bounds in the metric's own direction."""
    if low is None or high is None:
        return None, None
    ends = sorted((_value(line, low), _value(line, high)))
    return _finite(ends[0]), _finite(ends[1])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _change_bounds(line: Line, alpha: float) -> Json:
    """One-sided bounds of the change, either end at ``alpha``, whatever the missing measurements would have been."""
    from evalkit.stats.paired import difference

    assert line.baseline is not None
    ends = []
    for after, before in (
        (line.candidate.worst, line.baseline.best),
        (line.candidate.best, line.baseline.worst),
    ):
        keep = ~np.isnan(after) & ~np.isnan(before)
        clusters = line.clusters and [line.clusters[i] for i in np.flatnonzero(keep).tolist()]
        found = difference(before[keep], after[keep], clusters, level=1 - 2 * alpha)
        if found is None:
            return {"low": None, "high": None}
        ends += [found.low, found.high]
    return {"low": min(ends), "high": max(ends)}


def observed(side: Measured, line: Line) -> Floats:
    """What was measured of each case (the mean of its repeats), in the metric's own unit; NaN where nothing was."""
    if not bounded(line):
        return side.worst
    share = np.maximum(1 - side.missing, SAME)
    middle = (side.worst + side.best - side.missing * (line.low + line.high)) / (2 * share)
    known = np.where(side.missing < 1 - SAME, np.clip(middle, line.low, line.high), np.nan)
    return np.where(side.missing > 0, known, side.worst)
