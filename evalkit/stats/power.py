"""What a suite can show: the smallest difference it detects, and the cases that a difference takes."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

PRECISION = 1e-3  # of a smallest detectable drop, relative to it
LOOKED_AT = 300  # counts of discordant cases, at most; where more are possible, evenly spread ones
TAIL = 6.0  # standard deviations beyond which a count of discordant cases is not looked at


def power_of(
    n: int, drop: float, discordant_share: float, *, alpha: float = 0.05, sides: int = 1
) -> float:
    """How likely (0..1) the mid-p McNemar test of ``n`` cases finds a true ``drop`` of the pass rate.

    ``discordant_share`` is the share of cases that come out differently between two runs that are equally
    good. A drop breaks that share of the cases for sure, the others go on to flip as before: of all cases
    drop + (1 - drop) * discordant_share are discordant. Summed over both binomial
    distributions. With
    two ``sides`` a significant difference the wrong way round is no find.
    """
    _check(drop, discordant_share, sides)
    if n == 0:
        return 0.0
    import numpy as np
    from scipy.special import bdtr

    flips = (1 - drop) * discordant_share / 2
    discordant = drop + 2 * flips
    if discordant == 0:
        return 0.0
    centre, reach = n * discordant, TAIL * math.sqrt(n * discordant) + TAIL
    first, last = max(0, math.floor(centre - reach)), min(n, math.ceil(centre + reach))
    counts = np.arange(first, last + 1, 1 + (last - first) // LOOKED_AT)
    below = np.where(counts > 0, bdtr(np.maximum(counts - 1, 0), n, discordant), 0.0)
    weights = bdtr(counts, n, discordant) - below
    repairs = _critical(counts, alpha / sides)
    share = flips / discordant
    found = np.where(repairs >= 0, bdtr(np.maximum(repairs, 0), counts, share), 0.0)
    return min(1.0, float(weights @ found / weights.sum()))


def _critical(counts: Any, level: float) -> Any:
    """The most repairs among ``counts`` discordant cases at which the mid-p value is at most ``level``; -1: none."""
    import numpy as np
    from scipy.special import bdtr

    near = counts / 2 + NormalDist().inv_cdf(level) * np.sqrt(counts) / 2  # right to within one
    low = np.maximum(np.floor(near).astype(np.int64) - 3, -1)
    high = np.minimum(low + 7, counts // 2)
    while (low < high).any():
        middle = (low + high + 1) // 2
        at = np.maximum(middle, 0)
        below = np.where(at > 0, bdtr(np.maximum(at - 1, 0), counts, 0.5), 0.0)
        fits = (below + bdtr(at, counts, 0.5)) / 2 <= level
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    return low


def smallest_detectable(
    n: int,
    discordant_share: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 1,
) -> float:
    """The smallest drop of a pass rate (0..1) that ``n`` cases show with this ``power``; see ``power_of``.

    1 where not even a drop to nothing would be shown: too few cases.
    """
    _check(0.0, discordant_share, sides)

    def shown(drop: float) -> bool:
        return power_of(n, drop, discordant_share, alpha=alpha, sides=sides) >= power

    guess = _normal_drop(n, discordant_share, alpha, power, sides)
    low, high = 0.8 * guess, min(1.0, 1.25 * guess)
    if shown(low) or not shown(high):
        low, high = 0.0, 1.0
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _normal_drop(n: int, discordant_share: float, alpha: float, power: float, sides: int) -> float:
    """The usual normal approximation, to start from: drop = quantiles * sqrt(discordant / n)."""
    quantiles, _ = _quantiles(alpha, power, sides)
    drop = 0.0
    for _ in range(20):
        discordant = drop + (1 - drop) * discordant_share
        drop = min(1.0, quantiles * math.sqrt(discordant / max(n, 1)) or 1 / max(n, 1))
    return drop


def cases_needed(
    drop: float,
    discordant_share: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: int = 1,
) -> int:
    """How many cases show a true ``drop`` (above 0) of a pass rate with this ``power``; see ``power_of``."""
    _check(drop, discordant_share, sides)
    if drop == 0:
        raise ValueError("no number of cases shows a drop of 0")

    def enough(n: int) -> bool:
        return power_of(n, drop, discordant_share, alpha=alpha, sides=sides) >= power

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def smallest_detectable_mean(
    n: int, deviation: float, *, alpha: float = 0.05, power: float = 0.8, sides: int = 1
) -> float | None:
    """The smallest difference of a graded score that ``n`` cases show, in the score's own unit.

    ``deviation`` is the standard deviation of the paired differences. ``None`` for fewer than two cases.
    The usual normal figure with Guenther's (1981) correction for the estimated deviation.
    """
    if n < 2:
        return None
    quantiles, at = _quantiles(alpha, power, sides)
    return quantiles * deviation / math.sqrt(max(1.0, n - at * at / 2))


def cases_needed_mean(
    drop: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8, sides: int = 1
) -> int:
    """How many cases show a true ``drop`` (above 0) of a graded score; see ``smallest_detectable_mean``."""
    if drop <= 0:
        raise ValueError("no number of cases shows a drop of 0")
    quantiles, at = _quantiles(alpha, power, sides)
    return max(2, math.ceil((quantiles * deviation / drop) ** 2 + at * at / 2))


def _quantiles(alpha: float, power: float, sides: int) -> tuple[float, float]:
    normal = NormalDist()
    at = normal.inv_cdf(1 - alpha / sides)
    return at + normal.inv_cdf(power), at


def _check(drop: float, discordant_share: float, sides: int) -> None:
    if not 0 <= drop <= 1 or not 0 <= discordant_share <= 1 or sides not in (1, 2):
        raise ValueError(f"drop {drop}, discordant share {discordant_share}, sides {sides}")
