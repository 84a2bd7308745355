"""Two systems on the same cases: tests, intervals and effect sizes of the paired difference b - a."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from evalkit.records import Interval

Floats = npt.NDArray[np.float64]
Alternative = Literal["two-sided", "less", "greater"]

ENUMERATED = 14  # units whose 2 ** 14 sign patterns are all looked at
MANY = 100  # effective units above which the sign-flip distribution is taken in closed form
FAR = 3.5  # standard deviations
BLOCK_DRAWS = 1_048_576  # random draws held at a time
ROUNDING = 1e-13  # differences of means of equal values stay below it


# --- tests -----------------------------------------------------------------------------------


def mcnemar(
    repairs: int, harms: int, *, mid: bool = True, alternative: Alternative = "two-sided"
) -> float:
    """P value of McNemar's test, whether ``repairs`` (a wrong, b right) and ``harms`` (a right, b wrong) balance.

    ``mid`` counts half of the probability of what was observed (the mid-p value, Lancaster 1961; level
    and power compared by Fagerland, Lydersen & Laake 2013), else the test is the exact binomial one.
    ``less``: b is worse than a; ``greater``: b is better. 1 where no case is discordant.
    """
    if repairs < 0 or harms < 0:
        raise ValueError(f"{repairs} repairs and {harms} harms")
    if repairs + harms == 0:
        return 1.0
    if alternative == "less":
        return _tail(repairs, repairs + harms, mid=mid)
    if alternative == "greater":
        return _tail(harms, repairs + harms, mid=mid)
    return min(1.0, 2 * _tail(min(repairs, harms), repairs + harms, mid=mid))


@lru_cache(maxsize=4096)
def _tail(k: int, n: int, *, mid: bool) -> float:
    """P(X <= k) of the binomial distribution with n trials and share 1/2; with ``mid`` half of P(X = k) less."""
    if 2 * k > n:  # the short tail is summed: its terms fall, and so do rounding errors
        other = _tail(n - k, n, mid=True)
        return 1 - other if mid else 1 - other + _point(k, n) / 2
    j = np.arange(k, 0, -1, dtype=np.float64)
    below = math.fsum(np.cumprod(j / (n - j + 1)))  # P(X < k) in units of P(X = k)
    return _point(k, n) * (below + (0.5 if mid else 1.0))


def _point(k: int, n: int) -> float:
    """P(X = k): whole numbers, so that nothing is lost."""
    return math.comb(n, k) / (1 << n)


def sign_flip(
    differences: Sequence[float] | Floats,
    clusters: Sequence[Hashable] | None = None,
    *,
    alternative: Alternative = "two-sided",
    seed: int = 0,
    resamples: int = 10_000,
) -> float:
    """Permutation p value of "the mean difference is 0": the sign of each case (or cluster) is exchanged.

    Every pattern of signs is looked at where there are at most 14 non-zero units; of more, ``resamples``
    random ones are, and the observed one is counted among them (Phipson & Smyth 2010); beyond about a
    hundred of equal weight their distribution is taken in closed form (Edgeworth's series, which then agrees
    to 1e-4). ``less``: b is worse than a. The order of the cases does not matter. 1 where all are 0.
    """
    sums, _ = units_of(_finite(differences), clusters)
    size = np.sort(np.abs(sums))
    size = size[size > ROUNDING]
    if len(size) == 0:
        return 1.0
    total = math.fsum(np.sort(sums))
    if alternative == "two-sided":
        return _flipped(abs(total), size, seed, resamples, both=True)
    return _flipped(-total if alternative == "less" else total, size, seed, resamples, both=False)


def _flipped(total: float, size: Floats, seed: int, resamples: int, *, both: bool) -> float:
    """How likely random signs bring the sum of ``size`` to ``total`` or above (or, ``both``, its opposite)."""
    if len(size) <= ENUMERATED:
        sums = _all_signs(size)
    elif (size**2).sum() ** 2 / (size**4).sum() >= MANY:
        tail = _edgeworth(total, size)
        return min(1.0, 2 * tail if both else tail)
    else:
        sums = _random_signs(size, seed, resamples)
    line = total - 1e-9 * float(size.sum())  # equal sums differ by rounding
    reached = int(np.count_nonzero((np.abs(sums) if both else sums) >= line))
    if len(size) <= ENUMERATED:
        return reached / len(sums)
    return (reached + 1) / (len(sums) + 1)


def _all_signs(size: Floats) -> Floats:
    sums = np.zeros(1)
    for value in size:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _random_signs(size: Floats, seed: int, resamples: int) -> Floats:
    """Sums under random signs; of equal sizes only how many are positive is drawn."""
    values, counts = np.unique(np.round(size / size[-1], 12), return_counts=True)
    random, single = np.random.default_rng(seed), len(values) == len(size)
    positive = np.empty(resamples)
    rows = max(1, BLOCK_DRAWS // len(values))
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), len(values))
        drawn = _bits(random, shape) if single else random.binomial(counts, 0.5, shape)
        positive[start : start + rows] = drawn.astype(np.float64) @ values
    sums: Floats = (2 * positive - float(counts @ values)) * size[-1]
    return sums


def _bits(random: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    rows, columns = shape
    packed = np.frombuffer(random.bytes(rows * -(-columns // 8)), np.uint8)
    return np.unpackbits(packed.reshape(rows, -1), axis=1, count=columns)


def _edgeworth(total: float, size: Floats) -> float:
    """P(sum >= total) under random signs, to the fourth cumulant; odd ones are 0."""
    variance = float((size**2).sum())
    z, excess = total / math.sqrt(variance), -2 * float((size**4).sum()) / variance**2
    tail = math.erfc(z / math.sqrt(2)) / 2
    if z > FAR:  # the series fails so far out; true tails are thinner than the normal one
        return tail
    return min(1.0, tail + NormalDist().pdf(z) * excess / 24 * (z**3 - 3 * z))


def paired_p(
    a: Sequence[float] | Floats,
    b: Sequence[float] | Floats,
    clusters: Sequence[Hashable] | None = None,
    *,
    alternative: Alternative = "two-sided",
    seed: int = 0,
    resamples: int = 10_000,
) -> float:
    """The p value that fits the data: mid-p McNemar for 0/1 values without clusters, sign flips for others."""
    first, second = _finite(a), _finite(b)
    if clusters is None and is_binary(first) and is_binary(second):
        repairs, harms = int((second > first).sum()), int((second < first).sum())
        return mcnemar(repairs, harms, alternative=alternative)
    change = second - first
    return sign_flip(change, clusters, alternative=alternative, seed=seed, resamples=resamples)


# --- intervals -------------------------------------------------------------------------------


def difference(
    a: Sequence[float] | Floats,
    b: Sequence[float] | Floats,
    clusters: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
) -> Interval | None:
    """The mean of b - a over the cases with its interval; ``n`` is the number of cases.

    0/1 values without clusters: Tango's score interval (1998), which also has width where nothing
    differs. Otherwise Student's t over whole units (clusters, else cases), with one degree of freedom less
    than units: as wide as a percentile bootstrap, but it also covers where units are few or few of them differ
    (benchmarks/paired_statistics.py). Within -1..1 for values in 0..1. ``None`` for no case, and for a
    single unit of other than 0/1 values.
    """
    first, second = _finite(a), _finite(b)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values against {len(second)}")
    n = len(first)
    if n == 0:
        return None
    change = second - first
    sums, sizes = units_of(change, clusters)
    if len(sums) == n and is_binary(first) and is_binary(second):
        return tango(int((change > 0).sum()), int((change < 0).sum()), n, level=level)
    if len(sums) == 1:
        return None
    value = math.fsum(np.sort(change)) / n
    if float(np.ptp(sums / sizes)) < 1e-12:
        known = _is_share(first) and _is_share(second)
        low, high = _unanimous(value, len(sums), level) if known else (value, value)
    else:
        low, high = _student(value, sums, sizes, level)
    if _is_share(first) and _is_share(second):
        low, high = max(low, -1.0), min(high, 1.0)
    return Interval(value, min(low, value), max(high, value), n)


def tango(repairs: int, harms: int, n: int, *, level: float = 0.95) -> Interval | None:
    """Tango's score interval of a difference of paired shares, (repairs - harms) / n; within -1..1.

    The bounds are where the score statistic, with the nuisance share at its most likely value, equals
    the normal quantile. ``None`` for no case. Source: Tango (1998), Statistics in Medicine 17, 891-908.
    """
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    value = (repairs - harms) / n
    low = _score_bound(repairs, harms, n, z, (-1.0, value))
    high = -_score_bound(harms, repairs, n, z, (-1.0, -value))
    return Interval(value, min(low, value), max(high, value), n)


def _score_bound(more: int, fewer: int, n: int, z: float, within: tuple[float, float]) -> float:
    """The smallest difference that the score test does not refuse, by bisection."""
    low, high = within
    for _ in range(60):
        middle = (low + high) / 2
        if _score(more, fewer, n, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(more: int, fewer: int, n: int, delta: float) -> float:
    half = -more - fewer + (2 * n - more + fewer) * delta
    root = math.sqrt(max(0.0, half * half + 8 * n * fewer * delta * (1 - delta)))
    share = max(0.0, (root - half) / (4 * n))  # of the cases that only a solves
    spread = n * (2 * share + delta * (1 - delta))
    return (more - fewer - n * delta) / math.sqrt(spread) if spread > 0 else math.inf


def _student(value: float, sums: Floats, sizes: Floats, level: float) -> tuple[float, float]:
    """Student's t over the units' deviations from the ratio of sums (the cluster-robust standard error)."""
    half = _t_quantile(level, len(sums) - 1) * standard_error(value, sums, sizes)
    return value - half, value + half


def standard_error(value: float, sums: Floats, sizes: Floats) -> float:
    """Standard error of ``value``, the ratio of sums over units that vary in size (linearised; Cochran 1977)."""
    units = len(sums)
    # Sorted: rounding must not depend on the order of the units.
    spread = float(np.sort((sums - value * sizes) ** 2).sum())
    return math.sqrt(spread * units / (units - 1)) / float(sizes.sum())


def _t_quantile(level: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _unanimous(value: float, units: int, level: float) -> tuple[float, float]:
    """All units differ alike: no spread to go by, but unseen ones may differ (as Wilson's bound of none in n).

    For values in 0..1; others have no known worst, and no width can be told.
    """
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    unseen = z2 / (units + z2)
    return value - unseen * (1 + value), value + unseen * (1 - value)


# --- effect size -------------------------------------------------------------------------------


def effect_size(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> float | None:
    """How large the difference b - a is, free of units: about 0.2 small, 0.5 medium, 0.8 large.

    0/1 values: Cohen's h, the difference of the shares' arcsine transforms (-pi..pi). Others: Cohen's d
    of the paired differences, their mean by their standard deviation; 0 where all are 0. ``None`` for
    no case, and where d is undefined (one case, or the same difference in all). Source: Cohen (1988).
    """
    first, second = _finite(a), _finite(b)
    if len(first) == 0:
        return None
    if is_binary(first) and is_binary(second):
        return 2 * (math.asin(math.sqrt(second.mean())) - math.asin(math.sqrt(first.mean())))
    change = second - first
    spread = float(change.std(ddof=1)) if len(change) > 1 else 0.0
    if spread < 1e-12 * max(1.0, float(np.abs(change).max())):
        return 0.0 if not change.any() else None
    return float(change.mean()) / spread


# --- units -------------------------------------------------------------------------------------


def is_binary(column: Floats) -> bool:
    """Whether every value is 0 or 1."""
    return bool(((column == 0) | (column == 1)).all())


def _is_share(column: Floats) -> bool:
    return bool(((column >= 0) & (column <= 1)).all())


def _finite(values: Sequence[float] | Floats) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not np.isfinite(column).all():
        raise ValueError("values must be one finite number a case; leave undefined cases out")
    return column


def units_of(column: Floats, clusters: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """Sum and size of each unit of evidence: a cluster, or a case where there are no clusters."""
    if clusters is None:
        return column, np.ones(len(column))
    if len(clusters) != len(column):
        raise ValueError(f"{len(column)} values, but {len(clusters)} cluster names")
    numbers: dict[Hashable, int] = {}
    code = np.fromiter(
        (numbers.setdefault(name, len(numbers)) for name in clusters), np.int64, len(column)
    )
    order = np.lexsort(
        (column, code)
    )  # the rounding of a sum must not depend on the order of cases
    sums = np.bincount(code[order], weights=column[order]).astype(np.float64)
    return sums, np.bincount(code).astype(np.float64)
