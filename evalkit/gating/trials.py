"""The statistics of one line of the gate: is it missed, is it held, and what could these cases have shown.

Everything here is oriented: more is better. ``alpha`` is one-sided throughout.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from evalkit.stats import power
from evalkit.stats.paired import mcnemar, sign_flip, standard_error

Floats = npt.NDArray[np.float64]
Clusters = Sequence[Hashable] | None

FEWEST = (
    12  # units of evidence (cases, or groups of cases) below which nothing is concluded either way
)
SAME = 1e-9  # values closer than this are equal: they come from sums of a few floats
UNCERTAIN = 10**7  # more cases than this are not asked for: the value lies on the line


@dataclass(frozen=True, slots=True)
class Trial:
    """What the evidence says of one claim. P values are one-sided; ``needed`` is a number of cases.

    ``p_missed``: how likely evidence as bad as this is though the line is kept. ``held``: it is shown to be kept
    (within its margin). ``detectable``: the smallest drop these cases would have shown; None where a drop was
    not looked for. ``needed`` is None where no number of cases can be named. ``settles`` is the number that would show
    a drop as large as the one seen; None where none was seen.
    """

    n: int
    units: int
    value: float
    p_missed: float
    held: bool
    detectable: float | None = None
    needed: int | None = None
    low: float | None = None
    high: float | None = None
    settles: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """The error rates a gate keeps: ``alpha`` of false alarms, ``power`` to see what it says it would see.

    ``family`` is how many lines are judged together; what a line could show is worked out at alpha / family.
    """

    alpha: float = 0.05
    power: float = 0.8
    family: int = 1
    resamples: int = 10_000

    @property
    def shared(self) -> float:
        """The share of alpha that is certainly left for one line (Bonferroni; Holm gives it at least that)."""
        return self.alpha / max(1, self.family)


# --- a line drawn by hand --------------------------------------------------------------------


def limit_trial(
    values: Floats,
    clusters: Clusters,
    line: float,
    *,
    margin: float,
    bounds: tuple[float, float],
    level: Level,
) -> Trial:
    """Does the mean of ``values`` keep ``line``? ``bounds`` are the range of a value (infinite if it has none).

    Held: the mean reaches the line, and the lower bound reaches the line less ``margin``. 0/1 values without
    clusters: exact binomial tails and Clopper & Pearson's bounds; others: Student's t over the units.
    """
    sums, sizes = units(values, clusters)
    n, count, mean = len(values), len(sums), _mean(values)
    if _binary(values) and count == n:
        p_missed = _binomial_tail(round(values.sum()), n, line)
        low, high = _exact_bounds(round(values.sum()), n, level.alpha)
    else:
        p_missed = p_below(sums, sizes, line, bounds[1])
        low, high = _t_bounds(sums, sizes, bounds, level.alpha)
    p_missed = p_missed if count >= FEWEST else 1.0
    held = count >= FEWEST and mean >= line - SAME and low >= line - margin - SAME
    gap = line - mean if mean < line - SAME else mean - (line - margin)
    deviation = _deviation(sums, sizes, bounds) * math.sqrt(n)
    needed = _limit_needed(gap, deviation, n / count, level)
    return Trial(n, count, mean, p_missed, held, needed=needed, low=low, high=high)


def _limit_needed(gap: float, deviation: float, size: float, level: Level) -> int | None:
    """Cases whose interval is narrower than ``gap``, the way from the mean to the line that decides."""
    if gap <= SAME or not math.isfinite(deviation):
        return None
    cases = power.cases_needed_mean(gap, deviation, alpha=level.alpha, power=level.power)
    cases = max(cases, math.ceil(FEWEST * size))
    return cases if cases <= UNCERTAIN else None


def _binomial_tail(successes: int, n: int, line: float) -> float:
    """P(X <= successes) when the true share is ``line``."""
    from scipy.special import bdtr

    if line <= 0:
        return 1.0
    return float(bdtr(successes, n, line)) if line < 1 else float(successes == n)


def _exact_bounds(successes: int, n: int, alpha: float) -> tuple[float, float]:
    """Clopper and Pearson's one-sided bounds of a share."""
    from scipy.special import betaincinv

    x = successes
    low = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, alpha))
    high = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - alpha))
    return low, high


# --- a drop since the baseline ---------------------------------------------------------------


def drop_trial(
    before: Floats,
    after: Floats,
    clusters: Clusters,
    *,
    margin: float,
    detect: float,
    span: float,
    level: Level,
) -> Trial:
    """Is the mean of ``after`` lower than that of ``before`` by more than ``margin``? One entry a case in both.

    Without a margin: a test of "no drop" (mid-p McNemar for 0/1 values without clusters, else sign flips by
    case or cluster), held where a drop of ``detect`` would have been shown. With one: Student's t of the drop
    against the margin, held where the drop is shown to be smaller. ``span`` is the width of the values' range.
    """
    change = after - before
    change[np.abs(change) < SAME] = (
        0.0  # else a digit more or less in a file is a drop in every case
    )
    sums, sizes = units(change, clusters)
    count, binary = len(sums), _binary(before) and _binary(after)
    enough = count >= FEWEST
    settles = _mean_needed(-_mean(change) - margin, sums, sizes, span, level)
    if margin > 0:
        p_missed = p_below(sums, sizes, -margin, span) if enough else 1.0
        held = enough and p_below(-sums, sizes, margin, span) <= level.alpha
        needed = _mean_needed(margin, sums, sizes, span, level)
        return Trial(
            len(change), count, _mean(change), p_missed, held, needed=needed, settles=settles
        )
    if binary and count == len(change):
        repairs, harms = int((change > SAME).sum()), int((change < -SAME).sum())
        p_missed = mcnemar(repairs, harms, alternative="less")
    else:
        p_missed = sign_flip(change, clusters, alternative="less", resamples=level.resamples)
    if not enough:
        p_missed = 1.0
    detectable, needed = _sensitivity(change, sums, sizes, (binary, span, detect), level)
    held = enough and detectable <= detect + SAME
    return Trial(
        *(len(change), count, _mean(change), p_missed, held, detectable, needed),
        settles=settles,
    )


def _sensitivity(
    change: Floats, sums: Floats, sizes: Floats, kind: tuple[bool, float, float], level: Level
) -> tuple[float, int | None]:
    """The smallest drop that would have been shown, and the cases that ``detect`` takes."""
    binary, span, detect = kind
    n, count = len(change), len(sums)
    if not binary:
        deviation = _deviation(sums, sizes, (-span, span)) * math.sqrt(n)
        found = power.smallest_detectable_mean(n, deviation, alpha=level.shared, power=level.power)
        return (math.inf if found is None else found), _mean_needed(
            detect, sums, sizes, span, level
        )
    flips = int((np.abs(change) > SAME).sum())
    effect = _design_effect(change, sums) if count < n else 1.0
    effective = max(1, int(n / effect))
    detectable = _detectable(effective, flips / n, level.shared, level.power)
    cases = math.ceil(_needed(detect, flips / n, level.shared, level.power) * effect)
    return detectable, max(cases, math.ceil(FEWEST * n / count))


def _mean_needed(drop: float, sums: Floats, sizes: Floats, span: float, level: Level) -> int | None:
    n, count = float(sizes.sum()), len(sums)
    deviation = _deviation(sums, sizes, (-span, span)) * math.sqrt(n)
    if drop <= 0 or not math.isfinite(deviation):
        return None
    cases = power.cases_needed_mean(drop, deviation, alpha=level.shared, power=level.power)
    cases = max(cases, math.ceil(FEWEST * n / count))
    return cases if cases <= UNCERTAIN else None


@lru_cache(maxsize=65_536)
def _detectable(n: int, flips: float, alpha: float, wanted: float) -> float:
    return power.smallest_detectable(n, flips, alpha=alpha, power=wanted)


@lru_cache(maxsize=65_536)
def _needed(drop: float, flips: float, alpha: float, wanted: float) -> int:
    return power.cases_needed(drop, flips, alpha=alpha, power=wanted)


def _design_effect(change: Floats, sums: Floats) -> float:
    """How many times fewer cases would say as much if they were independent (Kish 1965); at least 1."""
    alone = float((change**2).sum()) / len(change) ** 2
    if alone == 0 or len(sums) < 2:
        return len(change) / len(sums)
    return max(1.0, float((sums**2).sum()) / len(change) ** 2 / alone)


# --- means over units ------------------------------------------------------------------------


def p_below(sums: Floats, sizes: Floats, line: float, best: float) -> float:
    """How likely a mean this low is though the truth is ``line``: Student's t over the units.

    One imagined unit with the value that speaks most against the claim (``best``) is added: a sample without
    spread proves nothing by itself, and skewed scores stay within the stated rate.
    """
    from scipy.special import stdtr

    top = best if math.isfinite(best) else float((sums / sizes).max(initial=line))
    size = float(sizes.mean())
    more, sizes = np.append(sums, top * size), np.append(sizes, size)
    mean = float(more.sum() / sizes.sum())
    error = standard_error(mean, more, sizes) if len(more) > 1 else 0.0
    if error == 0:
        return 1.0 if mean >= line - SAME else 0.0
    return float(stdtr(len(more) - 1, (mean - line) / error))


def _t_bounds(
    sums: Floats, sizes: Floats, bounds: tuple[float, float], alpha: float
) -> tuple[float, float]:
    """The one-sided bounds that ``p_below`` (and its mirror image) would give; they include the mean."""
    high = _t_bound(sums, sizes, bounds[1], alpha)
    low = -_t_bound(-sums, sizes, -bounds[0], alpha)
    mean = float(sums.sum() / sizes.sum())
    return max(bounds[0], min(low, mean)), min(bounds[1], max(high, mean))


def _t_bound(sums: Floats, sizes: Floats, best: float, alpha: float) -> float:
    from scipy.special import stdtrit

    top = best if math.isfinite(best) else float((sums / sizes).max())
    size = float(sizes.mean())
    more, sizes = np.append(sums, top * size), np.append(sizes, size)
    mean = float(more.sum() / sizes.sum())
    error = standard_error(mean, more, sizes)
    return mean + float(stdtrit(len(more) - 1, 1 - alpha)) * error


def _deviation(sums: Floats, sizes: Floats, bounds: tuple[float, float]) -> float:
    """Standard error of the mean, with one imagined unit at the far end of the range where that is known."""
    mean = float(sums.sum() / sizes.sum())
    far = max(bounds, key=lambda bound: abs(bound - mean))
    if math.isfinite(far):
        size = float(sizes.mean())
        sums, sizes = np.append(sums, far * size), np.append(sizes, size)
        mean = float(sums.sum() / sizes.sum())
    return standard_error(mean, sums, sizes) if len(sums) > 1 else math.inf


def units(values: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    """Sum and size of each unit of evidence: a cluster, or a case where there are no clusters."""
    if clusters is None:
        return values.astype(np.float64), np.ones(len(values))
    numbers: dict[Hashable, int] = {}
    code = np.fromiter((numbers.setdefault(c, len(numbers)) for c in clusters), np.int64)
    order = np.lexsort((values, code))  # a sum's rounding must not depend on the order of cases
    sums = np.bincount(code[order], weights=values[order]).astype(np.float64)
    return sums, np.bincount(code).astype(np.float64)


def _binary(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _mean(values: Floats) -> float:
    return math.fsum(np.sort(values)) / len(values)
