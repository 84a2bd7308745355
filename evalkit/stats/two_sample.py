"""Do two samples come from the same source? Exact and rank tests, effects with 95 % intervals, samples needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from evalkit.records import Interval
from evalkit.stats.intervals import Z95, wilson

Floats = npt.NDArray[np.float64]

SCREEN, DRAWS = 999, 19_999  # permutations that rule a mix out, and that settle one
CLEARLY_NOT = 0.1  # a p-value after which more permutations would be wasted
EQUAL = 1e-7  # relative difference below which two probabilities count as the same
KS_TERMS = 100


def fisher_mid_p(a: int, n: int, b: int, m: int, *, greater: bool = False) -> float:
    """The p-value of Fisher's exact test, mid-p: is the share ``b`` of ``m`` other than ``a`` of ``n``.

    With ``greater`` the question is whether the second share is larger. Half of the observed table's probability
    counts (Lancaster 1961), which takes away most of the exact test's conservatism. 1 where nothing varies.
    """
    total = a + b
    if total in (0, n + m):
        return 1.0
    low, high = max(0, total - n), min(total, m)
    counts = np.arange(low, high + 1)
    log = _log_choose(m, counts) + _log_choose(n, total - counts)
    shares = np.exp(log - log.max())
    shares /= shares.sum()
    seen = shares[b - low]
    if greater:
        return float(min(1.0, shares[b - low + 1 :].sum() + seen / 2))
    same = np.abs(shares - seen) <= EQUAL * seen
    return float(min(1.0, shares[(shares < seen) & ~same].sum() + shares[same].sum() / 2))


def _log_choose(n: int, k: npt.NDArray[np.int64]) -> Floats:
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    found: Floats = logs[n] - logs[k] - logs[n - k]
    return found


def share_difference(a: int, n: int, b: int, m: int) -> tuple[float, float, float]:
    """(value, low, high) of the second share less the first: Newcombe's hybrid score interval (1998)."""
    one, two = wilson(a, n), wilson(b, m)
    if one is None or two is None:
        raise ValueError("a share of nothing")
    return _mover(one, two)


def _mover(one: Interval, two: Interval) -> tuple[float, float, float]:
    """The interval of a difference from the intervals of its two parts (Zou and Donner 2008)."""
    value = two.value - one.value
    low = value - math.hypot(two.value - two.low, one.high - one.value)
    high = value + math.hypot(two.high - two.value, one.value - one.low)
    return value, low, high


def rank_test(x: Floats, y: Floats, *, less: bool = False) -> float:
    """The p-value of ``y`` being drawn as ``x``: twice the smaller of Mann-Whitney's and Kolmogorov-Smirnov's.

    The first sees a shift of most values, the second a part of them that went elsewhere; the factor pays for asking
    both. With ``less`` only smaller values of ``y`` count. Both are asymptotic and corrected for ties, or
    conservative with them. 1 where nothing varies.
    """
    pooled = np.concatenate([x, y])
    if pooled.min() == pooled.max():
        return 1.0
    return min(1.0, 2 * min(_mann_whitney(x, y, less=less), _kolmogorov_smirnov(x, y, less=less)))


def _mann_whitney(x: Floats, y: Floats, *, less: bool) -> float:
    n, m = len(x), len(y)
    _, inverse, counts = np.unique(np.concatenate([x, y]), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = np.asarray(ends - (counts - 1) / 2, dtype=np.float64)[inverse]
    u = float(ranks[n:].sum()) - m * (m + 1) / 2
    total = n + m
    ties = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    away = u - n * m / 2
    if less:
        return float(NormalDist().cdf((away + 0.5) / math.sqrt(variance)))
    return math.erfc(max(0.0, abs(float(away)) - 0.5) / math.sqrt(2 * variance))


def _kolmogorov_smirnov(x: Floats, y: Floats, *, less: bool) -> float:
    """Asymptotic, with Stephens' correction (1970) for samples of a finite size."""
    points = np.unique(np.concatenate([x, y]))
    of_x = np.searchsorted(np.sort(x), points, side="right") / len(x)
    of_y = np.searchsorted(np.sort(y), points, side="right") / len(y)
    gap = float((of_y - of_x).max()) if less else float(np.abs(of_y - of_x).max())
    root = math.sqrt(len(x) * len(y) / (len(x) + len(y)))
    scaled = (root + 0.12 + 0.11 / root) * gap
    if less:
        return min(1.0, math.exp(-2 * scaled * scaled))
    if scaled < 0.2:  # the series converges slowly where the answer is 1
        return 1.0
    terms = ((1 if j % 2 else -1) * math.exp(-2 * (j * scaled) ** 2) for j in range(1, KS_TERMS))
    return min(1.0, max(0.0, 2 * sum(terms)))


def cliffs_delta(x: Floats, y: Floats) -> tuple[float, float, float]:
    """(value, low, high) of P(y > x) - P(y < x), -1..1; the interval from placements (DeLong et al. 1988)."""
    in_x, in_y = np.sort(x), np.sort(y)
    of_y = (_below(in_x, y) + _up_to(in_x, y)) / len(x) - 1
    of_x = 1 - (_below(in_y, x) + _up_to(in_y, x)) / len(y)
    value = float(of_y.mean())
    half = Z95 * math.sqrt(_variance(of_y) / len(y) + _variance(of_x) / len(x))
    return value, max(-1.0, value - half), min(1.0, value + half)


def _below(ordered: Floats, values: Floats) -> npt.NDArray[np.int64]:
    return np.searchsorted(ordered, values, side="left")


def _up_to(ordered: Floats, values: Floats) -> npt.NDArray[np.int64]:
    return np.searchsorted(ordered, values, side="right")


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def mean_difference(x: Floats, y: Floats) -> tuple[float, float, float]:
    """(value, low, high) of the mean of ``y`` less that of ``x``, by the normal approximation."""
    value = float(y.mean() - x.mean())
    half = Z95 * math.sqrt(_variance(x) / len(x) + _variance(y) / len(y))
    return value, value - half, value + half


def quantile_ratio(x: Floats, y: Floats, q: float) -> tuple[float, float, float] | None:
    """(value, low, high) of the ``q`` quantile of ``y`` over that of ``x``; ``None`` where it would divide by 0.

    From the order statistics that bound each quantile at 95 %, joined on the logarithm as the parts of a difference.
    """
    one, two = _log_quantile(x, q), _log_quantile(y, q)
    if one is None or two is None:
        return None
    value, low, high = (math.exp(v) for v in _mover(one, two))
    return value, low, high


def _log_quantile(values: Floats, q: float) -> Interval | None:
    ordered, n = np.sort(values), len(values)
    half = Z95 * math.sqrt(n * q * (1 - q))
    low = ordered[max(0, math.floor(n * q - half) - 1)]
    high = ordered[min(n - 1, math.ceil(n * q + half))]
    if low <= 0:
        return None
    middle = float(np.quantile(ordered, q))
    return Interval(math.log(middle), math.log(low), math.log(high), n)


def mix_test(first: Sequence[int], second: Sequence[int], *, seed: int = 0) -> float:
    """The p-value of two rows of counts by category having one source: chi-square under permutation.

    The margins are kept (Monte Carlo, add-one), so small categories need no pooling.
    """
    one, two = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    total, n = one + two, int(one.sum())
    kept = total > 0
    one, total = one[kept], total[kept]
    if len(total) < 2 or n in (0, total.sum()):
        return 1.0
    random = np.random.default_rng(seed)
    expected = total * (n / total.sum())
    seen = float((((one - expected) ** 2) / total).sum())
    found = 1.0
    for draws in (SCREEN, DRAWS):
        drawn = random.multivariate_hypergeometric(total, n, size=draws, method="marginals")
        statistic = (((drawn - expected) ** 2) / total).sum(axis=1)
        found = (1 + int((statistic >= seen * (1 - EQUAL)).sum())) / (draws + 1)
        if found > CLEARLY_NOT:
            break
    return found


def needed(
    shift: float, variances: tuple[float, float], n: int, *, alpha: float, power: float
) -> int | None:
    """How many of the second sample show a mean that moved by ``shift``, beside ``n`` of the first.

    Two-sided at ``alpha``, by the normal approximation; ``variances`` are those of one observation of either
    sample. ``None`` where no number is enough, because the first sample is too small.
    """
    z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    left = (shift / z) ** 2 - variances[0] / n
    return math.ceil(variances[1] / left) if left > 0 else None


def needed_of_each(
    shift: float, variances: tuple[float, float], *, alpha: float, power: float
) -> int:
    """The same where both samples have that many."""
    z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    return math.ceil(sum(variances) * (z / shift) ** 2)
