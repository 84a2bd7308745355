"""A learning curve's shape: loss(n) = floor + scale * n ** -rate, fitted with a bootstrap over the test cases."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RATES = np.concatenate([np.linspace(0.05, 1.0, 20), np.linspace(1.1, 2.5, 15)])
RESAMPLES = 400
TAILS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Fit:
    """The fitted curve; ``floor`` is the loss that no amount of data takes away, by this curve."""

    floor: float
    scale: float
    rate: float

    def loss(self, n: float) -> float:
        """The loss expected with ``n`` examples."""
        return float(self.floor + self.scale * n**-self.rate)


def fit(sizes: Sequence[float], losses: Floats) -> Fit:
    """Least squares with floor and scale not negative, over a grid of rates; sizes need not be distinct."""
    floors, scales, errors = _fits(np.asarray(sizes, dtype=np.float64), losses[None, :])
    best = int(errors[0].argmin())
    return Fit(float(floors[0, best]), float(scales[0, best]), float(RATES[best]))


def _fits(sizes: Floats, losses: Floats) -> tuple[Floats, Floats, Floats]:
    """Floor, scale and squared error by (row of losses, rate): closed form, then the bounds."""
    x = sizes[None, :] ** -RATES[:, None]  # rate, size
    x_mean, y_mean = x.mean(axis=1), losses.mean(axis=1)
    centred = x - x_mean[:, None]
    spread = (centred**2).sum(axis=1)
    scale = np.maximum(0.0, (losses @ centred.T) / np.maximum(spread, 1e-300))
    floor = y_mean[:, None] - scale * x_mean
    through_zero = np.maximum(0.0, (losses @ x.T) / (x**2).sum(axis=1))
    scale = np.where(floor < 0, through_zero, scale)
    floor = np.maximum(floor, 0.0)
    fitted = floor[:, :, None] + scale[:, :, None] * x[None]
    return floor, scale, ((losses[:, None, :] - fitted) ** 2).sum(axis=2)


def gains(
    sizes: Sequence[float],
    losses: Floats,
    clusters: Sequence[Hashable],
    target: float,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float, float]:
    """What going from the largest size to ``target`` would gain, by the fit, with a 95 % interval.

    ``losses`` is (training, test case), 0..1; whole clusters of cases are resampled, each time for all
    trainings alike, and the curve is fitted again.
    """
    names = list(dict.fromkeys(clusters))
    code = np.array([names.index(name) for name in clusters])
    totals = np.zeros((len(losses), len(names)))
    for i, row in enumerate(losses):
        totals[i] = np.bincount(code, weights=row, minlength=len(names))
    counts = np.bincount(code, minlength=len(names)).astype(np.float64)
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    weights = np.vstack([np.ones(len(names)), drawn])  # the first row is the sample itself
    means = (weights @ totals.T) / (weights @ counts)[:, None]
    array = np.asarray(sizes, dtype=np.float64)
    _, scale, errors = _fits(array, means)
    best = errors.argmin(axis=1)
    row = np.arange(len(means))
    rate = RATES[best]
    gain = scale[row, best] * (array.max() ** -rate - target**-rate)
    low, high = np.percentile(gain[1:], TAILS)
    value = float(gain[0])
    return value, min(float(low), value), max(float(high), value)
