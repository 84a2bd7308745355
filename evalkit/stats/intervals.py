"""Means and shares with 95 % intervals: Wilson and Clopper-Pearson for shares, bootstrap over cases or clusters."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from evalkit.records import Interval

Floats = npt.NDArray[np.float64]
Clusters = Sequence[Hashable] | npt.NDArray[np.int64]  # the group of each case

Z95 = 1.959963984540054  # the 0.975 quantile of the normal distribution
TAILS = (2.5, 97.5)  # percentiles that bound 95 %
BLOCK_DRAWS = 262_144  # random draws held at a time: a few megabytes, whatever n and resamples
MANY = (
    20_000  # cases (groups) above which the bootstrap and the normal interval do not differ visibly
)
FEW = 25  # drawing a binomial takes about as long as resampling this many cases


def wilson(successes: int, n: int) -> Interval | None:
    """Wilson's score interval of ``successes`` in ``n`` independent trials; ``None`` for no trials.

    Stays inside 0..1 and has width at 0 and at ``n`` successes. Source: Wilson (1927).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} trials")
    if n == 0:
        return None
    share, z2 = successes / n, Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(value=share, low=low, high=high, n=n)


def share_interval(
    values: Sequence[float] | Floats, clusters: Clusters | None = None
) -> Interval | None:
    """The mean of ``values`` in 0..1 (one a case) with an interval that holds for rare events and few clusters.

    Clopper and Pearson's, which covers 95 % at least. With ``clusters`` it takes the effective number of
    cases (Korn and Graubard 1998): the one at which independent cases would vary as the groups do, by the
    ratio estimator's variance (what resampling groups tends to), shrunk by Student's t for few groups; the
    number of groups where all cases agree. ``None`` for no case. ``n`` is the number of cases.
    """
    column = np.asarray(values, dtype=np.float64)
    if len(column) == 0:
        return None
    if not ((column >= 0) & (column <= 1)).all():
        raise ValueError("values must be shares from 0 to 1, one a case")
    value = math.fsum(column) / len(column)
    low, high = _exact(value, _effective_size(value, *_units(column, clusters)))
    return Interval(value=value, low=min(low, value), high=max(high, value), n=len(column))


def design_effect(values: Floats, clusters: Clusters | None) -> float:
    """How many times fewer cases the groups are worth than independent cases; at least 1."""
    if clusters is None or len(values) == 0:
        return 1.0
    value = math.fsum(values) / len(values)
    return len(values) / _effective_size(value, *_units(values, clusters))


def _effective_size(value: float, sums: Floats, sizes: Floats) -> float:
    """The number of independent cases that tell as much as these clusters; between 1 and all of them."""
    from scipy.special import stdtrit

    n, groups = float(sizes.sum()), len(sums)
    if groups == n:
        return n
    if groups == 1 or value in (0.0, 1.0):
        return float(groups)
    spread = float(((sums - value * sizes) ** 2).sum()) * groups / (groups - 1) / n**2
    if spread == 0:
        return n
    few = float(stdtrit(n - 1, 0.975) / stdtrit(groups - 1, 0.975)) ** 2
    return min(n, max(1.0, value * (1 - value) / spread * few))


def _exact(share: float, n: float) -> tuple[float, float]:
    """95 % bounds of a share seen in ``n`` (perhaps not whole) independent cases."""
    from scipy.special import betaincinv

    hits, misses = share * n, (1 - share) * n
    low = float(betaincinv(hits, misses + 1, 0.025)) if hits > 0 else 0.0
    return low, float(betaincinv(hits + 1, misses, 0.975)) if misses > 0 else 1.0


def mean_interval(
    values: Sequence[float] | Floats,
    clusters: Clusters | None = None,
    *,
    seed: int = 0,
    resamples: int = 10_000,
) -> Interval | None:
    """The mean of ``values`` (one a case) with its 95 % interval; ``n`` is the number of cases.

    ``clusters`` names each case's group; whole groups are then resampled, since cases of one source
    are no independent evidence. Yes/no values (0 and 1) without groups get Wilson's interval, all
    others the percentile bootstrap (Efron 1979; the ratio of sums where groups differ in size), or of very
    many cases (groups) the normal interval, which it has come up to by then. The
    result depends on ``seed``, but not on the order of the cases. ``None`` where there is no case, or
    where a single one (or a single group) says nothing about the spread. Few groups (below about
    20) make bootstrap intervals somewhat too narrow. Values must be finite.
    """
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not np.isfinite(column).all():
        raise ValueError("values must be one finite number a case; leave undefined cases out")
    if len(column) == 0:
        return None
    sums, sizes = _units(column, clusters)
    binary = bool(np.isin(column, (0.0, 1.0)).all())
    if binary and len(sums) == len(column):
        return wilson(int(column.sum()), len(column))
    if len(sums) == 1:
        return None
    value = math.fsum(column) / len(column)
    if binary and value in (0.0, 1.0):
        return _unanimous(value, groups=len(sums), n=len(column))
    if len(sums) > MANY:
        low, high = _normal(value, sums, sizes)
    else:
        low, high = np.percentile(_resampled_means(sums, sizes, seed, resamples), TAILS)
    # A perfectly even column must not miss its own mean by a rounding error.
    return Interval(
        value=value, low=min(float(low), value), high=max(float(high), value), n=len(column)
    )


def _unanimous(value: float, *, groups: int, n: int) -> Interval | None:
    """Wilson's interval over the groups where every case agrees: the bootstrap would claim certainty."""
    over_groups = wilson(groups if value else 0, groups)
    return over_groups and Interval(value=value, low=over_groups.low, high=over_groups.high, n=n)


def _units(column: Floats, clusters: Clusters | None) -> tuple[Floats, Floats]:
    """Sum and size of each unit that is resampled: a cluster, or a case where there are no clusters."""
    if clusters is None:
        return column, np.ones(len(column))
    if len(clusters) != len(column):
        raise ValueError(f"{len(column)} values, but {len(clusters)} cluster names")
    code = _numbered(clusters)
    # By value within a cluster: the rounding of its sum must not depend on the order of cases.
    order = np.lexsort((column, code))
    sums: Floats = np.bincount(code[order], weights=column[order]).astype(np.float64)
    return sums, np.bincount(code).astype(np.float64)


def _numbered(names: Clusters) -> npt.NDArray[np.int64]:
    """A number for each name, in the order in which they first occur."""
    if isinstance(names, np.ndarray):
        _, first, code = np.unique(names, return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        return rank[code]
    numbers: dict[Hashable, int] = {}
    return np.fromiter(
        (numbers.setdefault(name, len(numbers)) for name in names), np.int64, len(names)
    )


def _normal(value: float, sums: Floats, sizes: Floats) -> tuple[float, float]:
    """The interval that the bootstrap tends to: normal, with the variance of a ratio of sums (Cochran 1977)."""
    spread = math.fsum((sums - value * sizes) ** 2) * len(sums) / (len(sums) - 1)
    half = Z95 * math.sqrt(spread) / math.fsum(sizes)
    return value - half, value + half


def _resampled_means(sums: Floats, sizes: Floats, seed: int, resamples: int) -> Floats:
    """The mean of each of ``resamples`` draws, with replacement, of as many units as there are.

    Equal units are interchangeable. Where few differ, how often each is drawn is one multinomial
    draw, the same distribution at a fraction of the cost; else units are drawn by index.
    """
    units, counts = np.unique(np.stack([sums, sizes], axis=1), axis=0, return_counts=True)
    random = np.random.default_rng(seed)
    if len(units) * FEW < len(sums):
        return _by_counts(units, counts, random, resamples)
    return _by_index(np.repeat(units, counts, axis=0), random, resamples)


def _by_counts(
    units: Floats, counts: npt.NDArray[np.int64], random: np.random.Generator, resamples: int
) -> Floats:
    n = int(counts.sum())
    means = np.empty(resamples)
    rows = max(1, BLOCK_DRAWS // len(units))
    for start in range(0, resamples, rows):
        drawn = random.multinomial(n, counts / n, size=min(rows, resamples - start))
        sums, sizes = (drawn @ units).T
        means[start : start + rows] = sums / sizes
    return means


def _by_index(units: Floats, random: np.random.Generator, resamples: int) -> Floats:
    n = len(units)
    sums, sizes = np.ascontiguousarray(units.T)
    even = bool((sizes == sizes[0]).all())
    means = np.empty(resamples)
    rows = max(1, BLOCK_DRAWS // n)
    for start in range(0, resamples, rows):
        drawn = random.integers(0, n, size=(min(rows, resamples - start), n), dtype=np.int32)
        total = sums[drawn].sum(axis=1)
        means[start : start + rows] = total / (n * sizes[0] if even else sizes[drawn].sum(axis=1))
    return means
