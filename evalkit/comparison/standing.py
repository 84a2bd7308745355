"""Quality beside cost: each system's pass rate and medians, the Pareto front, and who needs the fewest tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evalkit.comparison.shape import Economy, Peer, Standing
from evalkit.comparison.sheet import Sheet
from evalkit.diagnosis import pass_rate_of
from evalkit.records import Case, Interval
from evalkit.stats.paired import Floats, difference, paired_p

SECONDS = "seconds_total"
RESOURCES = ("prompt_tokens", "completion_tokens", "cost", SECONDS)
ALPHA = 0.05
# Times of the same system differ by this much with the load of the machine; nobody waits longer for it.
ALIKE_SECONDS, ALIKE_RATIO = 0.01, 1.1


def standings(sheets: Mapping[str, Sheet], cases: Sequence[Case]) -> tuple[Standing, ...]:
    """Every system over ``cases``, which all of them have answered, and which others it is clearly no match for."""
    found = {name: _measures(sheet, cases) for name, sheet in sheets.items()}
    made = []
    for name, sheet in sheets.items():
        better = (other for other in found if other != name)
        by = tuple(other for other in better if _dominates(found[other], found[name]))
        passed, prompt, completion, cost, seconds = found[name]
        approach = sheet.graded.approach.value
        made.append(
            Standing(name, approach, len(cases), passed, prompt, completion, cost, seconds, by)
        )
    return tuple(made)


def _measures(sheet: Sheet, cases: Sequence[Case]) -> list[Interval | None]:
    """The pass rate, as a run tells it, then the medians in the order of ``RESOURCES``."""
    return [
        pass_rate_of(cases, sheet.graded.cases),
        *(
            median_interval(values[known])
            for values, known in (column(sheet, r, cases) for r in RESOURCES)
        ),
    ]


def column(sheet: Sheet, name: str, cases: Sequence[Case]) -> tuple[Floats, Sequence[int]]:
    """A metric over ``cases``, NaN where there is none, and the places that have a value."""
    row = sheet.rows.get(name)
    if row is None or not cases:
        return np.empty(0), ()
    values = row.values[[sheet.place[case.id] for case in cases]]
    known: list[int] = np.flatnonzero(~np.isnan(values)).tolist()
    return values, known


def median_interval(values: Floats) -> Interval | None:
    """The median with an interval of two order statistics, whatever the distribution (Conover 1999, 3.2).

    At least 95 %; below six values that takes more than there are, and the interval is the whole range.
    """
    n = len(values)
    if n == 0:
        return None
    from scipy.special import bdtr

    ordered = np.sort(values)
    below = np.flatnonzero(bdtr(np.arange(n), n, 0.5) > 0.025)
    first = max(0, int(below[0]) - 1)
    return Interval(
        float(np.median(ordered)), float(ordered[first]), float(ordered[n - 1 - first]), n
    )


def _dominates(one: Sequence[Interval | None], other: Sequence[Interval | None]) -> bool:
    """Whether ``one`` passes no less often, is worse in nothing beyond noise, and better in something beyond it.

    Intervals that overlap are a tie. A pass rate that is lower, if only within its noise, dominates nothing: not told
    apart is not shown to be equal. What one of them does not tell does not count; the pass rate must be told.
    """
    if one[0] is None or other[0] is None or one[0].value < other[0].value:
        return False
    gains = [_beyond(other[0], one[0])]
    for name, x, y in zip(RESOURCES, one[1:], other[1:], strict=True):
        if x is not None and y is not None:
            alike = name == SECONDS and _same_time(x.value, y.value)
            gains.append(0 if alike else _beyond(x, y))
    return min(gains) >= 0 and max(gains) > 0


def _beyond(less: Interval, more: Interval) -> int:
    """1 where ``less`` is below ``more`` with room between their intervals, -1 where it is above, 0 for a tie."""
    return int(less.high < more.low) - int(less.low > more.high)


def _same_time(x: float, y: float) -> bool:
    return abs(x - y) <= ALIKE_SECONDS or max(x, y) <= ALIKE_RATIO * min(x, y)


def economy(sheets: Mapping[str, Sheet], cases: Sequence[Case]) -> Economy | None:
    """Who needs the fewest prompt tokens among the systems whose pass rate is not told apart from the best."""
    passed = {name: column(sheet, "passed", cases)[0] for name, sheet in sheets.items()}
    means = {n: float(np.nanmean(v)) for n, v in passed.items() if len(v) and not np.isnan(v).all()}
    if not means:
        return None
    leader = max(means, key=lambda name: means[name])
    tokens = {name: column(sheets[name], "prompt_tokens", cases)[0] for name in means}
    peers = [_peer(name, leader, passed, tokens, cases) for name in means]
    equal = [p for p in peers if p.p is None or p.p > ALPHA]
    told = [p for p in equal if p.prompt_tokens is not None]
    fewest = min(told, key=lambda p: p.prompt_tokens or 0.0).system if told else None
    saving = None
    if fewest is not None and fewest != leader:
        saving = _paired(tokens[leader], tokens[fewest], cases)[0]
    return Economy(leader, tuple(equal), fewest, saving)


def _peer(
    name: str,
    leader: str,
    passed: Mapping[str, Floats],
    tokens: Mapping[str, Floats],
    cases: Sequence[Case],
) -> Peer:
    used = tokens[name][~np.isnan(tokens[name])] if len(tokens[name]) else tokens[name]
    median = float(np.median(used)) if len(used) else None
    behind, p = (None, None) if name == leader else _paired(passed[leader], passed[name], cases)
    return Peer(name, behind, p, median)


def _paired(x: Floats, y: Floats, cases: Sequence[Case]) -> tuple[Interval | None, float | None]:
    if len(x) != len(y):
        return None, None
    both = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    groups = [cases[i].group or f"case {cases[i].id}" for i in both.tolist()]
    clusters = groups if len(set(groups)) < len(groups) else None
    return difference(x[both], y[both], clusters), paired_p(x[both], y[both], clusters)
