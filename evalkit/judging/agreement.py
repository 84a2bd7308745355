"""How far two or more raters agree: kappa, Krippendorff's alpha, ROC area, rank correlation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from evalkit.faults.bench import cohen_kappa
from evalkit.records import Interval
from evalkit.stats.intervals import TAILS, Z95, wilson

Floats = npt.NDArray[np.float64]
Ratings = Sequence[
    Sequence[float | None]
]  # one row a unit, one entry a rater, None where it did not rate
Pairs = Sequence[tuple[Hashable, Hashable]]

LEVELS = ("nominal", "ordinal", "interval")
MANY = 12  # different values from which on alpha's interval is not computed
RESAMPLES = 2000


def raw_agreement(pairs: Pairs) -> Interval | None:
    """Share of the pairs whose two labels are equal, with Wilson's interval; None without pairs."""
    return wilson(sum(a == b for a, b in pairs), len(pairs))


def kappa_interval(pairs: Pairs) -> Interval | None:
    """Cohen's kappa (-1..1) with its 95 % interval; None where kappa is undefined (one class throughout).

    The standard error is that of Fleiss, Cohen and Everitt (1969). It becomes the number of pairs that the raw
    agreement is worth, whose score interval is turned into kappas: a plain normal interval is too short near 1,
    and has no width at all where nobody disagreed.
    """
    value, n = cohen_kappa(pairs), len(pairs)
    if value is None:
        return None
    agreed, chance = sum(a == b for a, b in pairs) / n, _chance(pairs)
    error = _kappa_error(pairs, agreed, chance) * (1 - chance)
    # No error: nobody (or everybody) disagreed, or one side gave one verdict throughout. The pairs still are a sample.
    known = 0 < agreed < 1 and error > 1e-6
    ends = score_bounds(agreed, agreed * (1 - agreed) / error**2 if known else n)
    low, high = ((end - chance) / (1 - chance) for end in ends)
    return Interval(value, max(-1.0, min(low, value)), min(1.0, max(high, value)), n)


def score_bounds(share: float, size: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's bounds of a share seen in ``size`` (perhaps not whole) independent trials."""
    z2 = z * z
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = z / (1 + z2 / size) * math.sqrt(share * (1 - share) / size + z2 / (4 * size * size))
    return max(0.0, centre - half), min(1.0, centre + half)


def _chance(pairs: Pairs) -> float:
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    return sum(first[c] * second[c] for c in first) / len(pairs) ** 2


def _kappa_error(pairs: Pairs, agreed: float, chance: float) -> float:
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    kappa = (agreed - chance) / (1 - chance)
    same = apart = 0.0
    for (a, b), count in Counter(pairs).items():
        share = count / n
        if a == b:
            same += share * (1 - (first[a] + second[a]) / n * (1 - kappa)) ** 2
        else:
            apart += share * ((second[a] + first[b]) / n) ** 2
    apart *= (1 - kappa) ** 2
    variance = (same + apart - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    return math.sqrt(max(variance, 0.0))


def mean_pairwise_kappa(ratings: Sequence[Sequence[Hashable]]) -> float | None:
    """The mean of Cohen's kappa over all pairs of raters, weighted by the units both rated; None without any.

    ``None`` in a row is a missing rating. This is what "people agree with each other" means in figures.
    """
    raters = max((len(row) for row in ratings), default=0)
    total = units = 0.0
    for i, j in combinations(range(raters), 2):
        pairs = [(row[i], row[j]) for row in ratings if _both(row, i, j)]
        kappa = cohen_kappa(pairs)
        if kappa is not None:
            total, units = total + kappa * len(pairs), units + len(pairs)
    return total / units if units else None


def _both(row: Sequence[Hashable], i: int, j: int) -> bool:
    return max(i, j) < len(row) and row[i] is not None and row[j] is not None


# --- Krippendorff's alpha --------------------------------------------------------------------


def krippendorff_alpha(ratings: Ratings, level: str = "nominal") -> float | None:
    """Krippendorff's alpha, at most 1; 0 is chance. None where no unit has two ratings, or all values are equal.

    ``level`` is nominal, ordinal or interval. Any number of raters, any of them missing anywhere. One minus observed
    over expected disagreement, both from the coincidence matrix (Krippendorff 2011, "Computing
    Krippendorff's Alpha-Reliability").
    """
    values, units = _coincidences(ratings)
    return None if len(units) == 0 else _alpha(units.sum(axis=0), _distances(values, units, level))


def alpha_interval(ratings: Ratings, level: str = "nominal", *, seed: int = 0) -> Interval | None:
    """Alpha with a 95 % interval from resampled units (percentile bootstrap).

    ``n`` counts the units with two ratings or more. None where alpha is, and with more than a dozen different
    values, where only the point is cheap: use ``krippendorff_alpha``.
    """
    value = krippendorff_alpha(ratings, level)
    values, units = _coincidences(ratings)
    if value is None or len(values) > MANY:
        return None
    kinds, counts = np.unique(units.reshape(len(units), -1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(units), counts / len(units), size=RESAMPLES)
    tables = (drawn @ kinds).reshape(RESAMPLES, len(values), len(values))
    found = [_alpha(table, _distances(values, table[None], level)) for table in tables]
    known = [alpha for alpha in found if alpha is not None]
    if len(known) < RESAMPLES / 2:
        return None
    low, high = np.percentile(known, TAILS)
    return Interval(value, min(float(low), value), max(float(high), value), len(units))


def _coincidences(ratings: Ratings) -> tuple[Floats, Floats]:
    """The values that occur, and each pairable unit's own coincidence matrix."""
    rows = [[v for v in row if v is not None] for row in ratings]
    rows = [row for row in rows if len(row) > 1]
    values = np.array(sorted({v for row in rows for v in row}), np.float64)
    if len(values) > MANY:  # a matrix a unit would not fit: one for all
        whole = np.zeros((1, len(values), len(values)))
        for row in rows:
            _add(whole[0], np.searchsorted(values, row))
        return values, whole
    units = np.zeros((len(rows), len(values), len(values)))
    for unit, row in zip(units, rows, strict=True):
        _add(unit, np.searchsorted(values, row))
    return values, units


def _add(table: Floats, places: npt.NDArray[np.intp]) -> None:
    """Every ordered pair of one unit's ratings, each unit with as much weight as it has ratings."""
    counts = np.bincount(places, minlength=len(table)).astype(np.float64)
    used = np.flatnonzero(counts)
    part = counts[used]
    table[np.ix_(used, used)] += (np.outer(part, part) - np.diag(part)) / (len(places) - 1)


def _distances(values: Floats, units: Floats, level: str) -> Floats:
    """The squared difference of every two values, by the level of measurement."""
    if level == "nominal":
        return np.asarray(values[:, None] != values[None, :], np.float64)
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2, np.float64)
    if level != "ordinal":
        raise ValueError(f"level {level!r} is none of {', '.join(LEVELS)}")
    totals = units.sum(axis=(0, 1))
    ranks = np.cumsum(totals) - totals / 2  # the middle of each value's ranks
    return np.asarray((ranks[:, None] - ranks[None, :]) ** 2, np.float64)


def _alpha(table: Floats, distances: Floats) -> float | None:
    totals = table.sum(axis=1)
    n = totals.sum()
    expected = totals @ distances @ totals - (totals * np.diag(distances)).sum()
    if expected <= 0 or n <= 1:
        return None
    return float(1 - (n - 1) * (table * distances).sum() / expected)


# --- scores ----------------------------------------------------------------------------------


def ranked(values: Sequence[float] | Floats) -> Floats:
    """Ranks from 1, ties with the mean of their ranks."""
    _, codes, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[codes], np.float64)


def roc_auc(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """The probability that a yes scores above a no, ties for half (area under the ROC curve); None without both."""
    yes = np.asarray(labels, bool)
    n, m = int(yes.sum()), int((~yes).sum())
    if not n or not m:
        return None
    return float((ranked(scores)[yes].sum() - n * (n + 1) / 2) / (n * m))


def rank_correlation(
    one: Sequence[float], other: Sequence[float], within: Sequence[Hashable] | None = None
) -> Interval | None:
    """Spearman's rank correlation (-1..1) with a 95 % interval; ``within`` holds a label constant.

    With ``within`` the ranks are centred inside each label first: a partial correlation given the label. The
    interval is Fisher's z with the variance of Fieller, Hartley and Pearson (1957). None where a side
    does not vary, and with fewer than 10 values.
    """
    n = len(one)
    if n < 10:
        return None
    a, b = _centred(ranked(one), within), _centred(ranked(other), within)
    size = math.sqrt(float(a @ a) * float(b @ b))
    if size < 1e-9:
        return None
    value = max(-1.0, min(1.0, float(a @ b) / size))
    groups = len(set(within)) - 1 if within is not None else 0
    half = Z95 * math.sqrt(1.06 / max(n - 3 - groups, 1))
    centre = math.atanh(max(-0.999999, min(0.999999, value)))
    low, high = math.tanh(centre - half), math.tanh(centre + half)
    return Interval(value, min(low, value), max(high, value), n)


def _centred(ranks: Floats, within: Sequence[Hashable] | None) -> Floats:
    if within is None:
        return np.asarray(ranks - ranks.mean(), np.float64)
    codes: dict[Hashable, int] = {}
    place = np.array([codes.setdefault(label, len(codes)) for label in within], np.intp)
    means = np.bincount(place, weights=ranks) / np.bincount(place)
    return np.asarray(ranks - means[place], np.float64)
