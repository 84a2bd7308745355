"""Rates freed from the judge's known errors: Rogan and Gladen's estimator, and prediction-powered inference."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalkit.judging.agreement import score_bounds
from evalkit.records import Interval
from evalkit.stats.intervals import Z95

Floats = npt.NDArray[np.float64]

ENOUGH_LABELS = 100  # human labels of the same run from which prediction-powered inference is used
LEAST_YOUDEN = (
    0.1  # sensitivity + specificity - 1 below which a judge says too little to be corrected
)


@dataclass(frozen=True, slots=True)
class TwoWay:
    """A judge's yes and no against people's: right yes, missed yes, false yes, right no."""

    true_yes: int = 0
    missed: int = 0
    false_yes: int = 0
    true_no: int = 0

    @property
    def sensitivity(self) -> float | None:
        """Share of people's yes that the judge calls yes; None where people never say yes."""
        n = self.true_yes + self.missed
        return self.true_yes / n if n else None

    @property
    def specificity(self) -> float | None:
        """Share of people's no that the judge calls no; None where people never say no."""
        n = self.true_no + self.false_yes
        return self.true_no / n if n else None


def two_way(human: Sequence[bool], judged: Sequence[bool]) -> TwoWay:
    """The table of verdicts on the same answers."""
    pairs = list(zip(human, judged, strict=True))
    return TwoWay(
        true_yes=pairs.count((True, True)),
        missed=pairs.count((True, False)),
        false_yes=pairs.count((False, True)),
        true_no=pairs.count((False, False)),
    )


def corrected_rate(judged_yes: int, judged: int, table: TwoWay) -> Interval | None:
    """The true rate of yes among ``judged`` answers, of which the judge calls ``judged_yes`` yes.

    Rogan and Gladen's estimator (1978), (rate + specificity - 1) / (sensitivity + specificity - 1), cut to 0..1; the
    interval is Lang and Reiczigel's (2014), which carries the chance in the rate and in both error rates of
    ``table``. It assumes that the labelled answers are judged with the same error rates as all others, and are not
    so many of them that the two samples depend on each other. ``n`` is ``judged``. None where nothing was
    judged, people gave one verdict only, or the judge is hardly better than chance.
    """
    sensitivity, specificity = table.sensitivity, table.specificity
    if judged == 0 or sensitivity is None or specificity is None:
        return None
    if not 0 <= judged_yes <= judged:
        raise ValueError(f"{judged_yes} of {judged} answers")
    youden = sensitivity + specificity - 1
    if youden < LEAST_YOUDEN:
        return None
    value = min(1.0, max(0.0, (judged_yes / judged + specificity - 1) / youden))
    low, high = _lang_reiczigel(judged_yes, judged, table)
    return Interval(value, min(low, value), max(high, value), judged)


def _lang_reiczigel(judged_yes: int, judged: int, table: TwoWay) -> tuple[float, float]:
    z2 = Z95 * Z95
    yes, no = table.true_yes + table.missed + 2, table.true_no + table.false_yes + 2
    sensitivity, specificity = (table.true_yes + 1) / yes, (table.true_no + 1) / no
    rate = (judged_yes + z2 / 2) / (judged + z2)
    youden = sensitivity + specificity - 1
    if youden <= 0:
        return 0.0, 1.0
    true = (rate + specificity - 1) / youden
    of_yes, of_no = sensitivity * (1 - sensitivity) / yes, specificity * (1 - specificity) / no
    shift = 2 * z2 * (true * of_yes - (1 - true) * of_no)
    spread = rate * (1 - rate) / (judged + z2) + true**2 * of_yes + (1 - true) ** 2 * of_no
    half = Z95 * math.sqrt(spread) / youden
    return max(0.0, min(1.0, true + shift - half)), max(0.0, min(1.0, true + shift + half))


def ppi_mean(
    judged_all: Sequence[float] | Floats,
    judged_labelled: Sequence[float] | Floats,
    human_labelled: Sequence[float] | Floats,
    *,
    tuned: bool = True,
    clusters: Sequence[Hashable] | None = None,
) -> Interval | None:
    """The mean (0..1) people would give all answers, from the judge's values of all and people's of a random part.

    Prediction-powered inference (Angelopoulos et al. 2023): people's mean on the part, plus what the judge sees
    in the rest beyond the part. ``tuned`` weighs the judge by its covariance with people (PPI++ 2023), so that a
    judge without worth costs nothing; else the judge counts fully. ``judged_all`` holds the labelled answers, too: with
    nothing left over the result is people's plain mean. ``clusters`` names the group of each labelled answer.
    The part must be a random sample of all. The interval is the score interval of as many trials as the estimate
    is worth by its variance (untuned, Student's t): a plain one is too short near 0 and 1. ``n`` is the number of labels. None with
    fewer than two.
    """
    every, judged = np.asarray(judged_all, np.float64), np.asarray(judged_labelled, np.float64)
    human = np.asarray(human_labelled, np.float64)
    n, rest = len(human), len(every) - len(human)
    if len(judged) != n or rest < 0:
        raise ValueError(f"{n} labels, {len(judged)} of them judged, of {len(every)} answers")
    if n < 2:
        return None
    weight = _weight(every, judged, human, rest, tuned=tuned)
    left = (every.sum() - judged.sum()) / rest if rest else 0.0
    residual = human - weight * judged
    value = float(residual.mean() + weight * left)
    variance = _mean_variance(residual, clusters)
    if rest:
        variance += weight**2 * _mean_variance(every, None) * len(every) / rest
    value = min(1.0, max(0.0, value))
    units = _units(n, clusters)
    size = value * (1 - value) / variance if 0 < value < 1 and variance > 0 else units
    z = _student(units)
    low, high = score_bounds(value, size, z)
    if not tuned:  # may vary more than any share of so few answers
        low, high = max(0.0, value - z * variance**0.5), min(1.0, value + z * variance**0.5)
    return Interval(value, min(low, value), max(high, value), n)


def _weight(every: Floats, judged: Floats, human: Floats, rest: int, *, tuned: bool) -> float:
    """How much of the judge's difference between the rest and the part is added, 0..1."""
    if not tuned:
        return rest / len(every)  # the judge's mean of all, plus what people add to it
    spread = float(every.var())
    if not rest:
        return 0.0
    if spread < 1e-12:
        return 0.0
    covariance = float(((judged - judged.mean()) * (human - human.mean())).sum() / (len(human) - 1))
    return min(1.0, max(0.0, covariance / ((1 + len(human) / rest) * spread)))


def _mean_variance(values: Floats, clusters: Sequence[Hashable] | None) -> float:
    """The variance of the mean; whole groups are the unit where there are any."""
    n = len(values)
    if clusters is None:
        return float(values.var(ddof=1)) / n
    codes: dict[Hashable, int] = {}
    place = np.array([codes.setdefault(name, len(codes)) for name in clusters], np.intp)
    sums = np.bincount(place, weights=values - values.mean())
    groups = len(sums)
    return float((sums**2).sum()) / n**2 * groups / (groups - 1) if groups > 1 else math.inf


def _units(n: int, clusters: Sequence[Hashable] | None) -> int:
    return n if clusters is None else len(set(clusters))


def _student(units: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(units - 1, 1), 0.975))
