"""What the diagnoser is known to confuse, and shares of causes corrected for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from evalkit.confidence import calibration
from evalkit.records import Interval

Floats = npt.NDArray[np.float64]

LEAST_CASES = 20  # faulty cases of a cause from which its row of the matrix is taken for known
ROUNDS = 10  # of the point estimate; stopping early keeps it from chasing chance
# Cases, shared as they were named, that every round weighs in: few cases correct little.
PULL = 10.0
START = 0.5  # cases added to what was named, spread evenly, where the point estimate starts
# Of the sampler: chains start far apart, so that few steps will do.
CHAINS, STEPS, KEPT = 100, 12, 6
TINY = 1e-12  # a rate that underflows is no impossibility
PRIOR_SHARE, PRIOR_ROW = 0.25, 0.05  # cases a cause, and a cell of the matrix, is worth beforehand
TAILS = (1.0, 99.0)  # percentiles of the sampler that covered 95 % in worlds with known truth


@dataclass(frozen=True, slots=True)
class Confusion:
    """``counts[i, j]``: failing cases with the injected cause ``causes[i]`` in which ``causes[j]`` was named."""

    causes: tuple[str, ...]
    sides: Mapping[str, str]
    counts: Floats

    def rates(self) -> Floats:
        """The probability of each name given the true cause; every row sums to 1."""
        return rates_of(self.counts)

    def of_side(self, side: str) -> tuple[str, ...]:
        """The causes of one side."""
        return tuple(cause for cause in self.causes if self.sides.get(cause) == side)


@cache
def known_confusion(*, probed: bool) -> Confusion | None:
    """The matrix measured on injected faults, with or without probes; None where none is on file.

    It is of failing cases whose cause was named: "none", "undetermined" and "unexplained" stand in the file,
    but how often they come depends on labels and traces, not on the causes.
    """
    held = calibration().get("confusion")
    if held is None:
        return None
    rows: Mapping[str, Mapping[str, int]] = held["probed" if probed else "unprobed"]
    faulty = {cause: row for cause, row in rows.items() if cause != "none"}
    seen = {c: sum(n for name, n in row.items() if name in faulty) for c, row in faulty.items()}
    causes = tuple(sorted(cause for cause, n in seen.items() if n >= LEAST_CASES))
    counts = np.array([[rows[c].get(name, 0) for name in causes] for c in causes], np.float64)
    return Confusion(causes, held["sides"], counts)


@dataclass(frozen=True, slots=True)
class Corrected:
    """Shares of the true causes among ``named`` findings: a point (0..1, sums to 1), and draws for intervals."""

    confusion: Confusion
    named: Floats
    point: Floats
    draws: Floats  # one row a draw
    spread: float  # the square root of the design effect of grouped cases

    def share(self, causes: Iterable[str], of: int) -> Interval:
        """The share of ``of`` cases that these causes have; the named findings are a part of the cases.

        How large a part is left to chance too (Jeffreys). A lower end of less than one case is 0.
        """
        places = [self.confusion.causes.index(cause) for cause in causes]
        n = float(self.named.sum())
        value = float(self.point[places].sum()) * n / of
        parts = np.random.default_rng(0).beta(n + 0.5, of - n + 0.5, len(self.draws))
        drawn = self.draws[:, places].sum(axis=1) * parts
        ends = np.percentile(drawn - drawn.mean(), TAILS) * self.spread
        # The sampler's prior draws large shares down and small ones up, the point is not drawn so: hold both.
        low = max(0.0, float(ends[0]) + min(value, float(drawn.mean())))
        high = min(1.0, float(ends[1]) + max(value, float(drawn.mean())))
        return Interval(value, min(low, value) if low * of >= 1 else 0.0, max(high, value), of)


def corrected(
    named: Mapping[str, int], confusion: Confusion, design_effect: float = 1.0
) -> Corrected | None:
    """What the true causes are likely to be, from how often each cause was ``named``; None without a known one.

    Causes that the matrix does not know are left out. The point estimate is the generalised Rogan-Gladen
    estimator on the simplex by expectation maximisation from the named shares, stopped after ten rounds
    (D'Agostini 1995) and drawn towards what was named by the weight of ten cases. The draws are from the
    posterior of shares and matrix together (Gibbs sampling), so they carry the chance in this run, the chance
    in the matrix, and what no number of cases could tell apart.
    """
    counts = np.array([named.get(cause, 0) for cause in confusion.causes], np.float64)
    if not counts.any():
        return None
    point = _unfolded(counts, confusion.rates())
    draws = _drawn(counts, confusion.counts)
    return Corrected(confusion, counts, point, draws, float(np.sqrt(design_effect)))


def rates_of(counts: Floats) -> Floats:
    """Every row as probabilities; what was never seen is taken for rare, not for impossible."""
    smoothed = counts + PRIOR_ROW
    found: Floats = smoothed / smoothed.sum(axis=1, keepdims=True)
    return found


def _unfolded(named: Floats, rates: Floats) -> Floats:
    shares: Floats = (named + START / len(named)) / (named.sum() + START)
    pull = PULL * named / named.sum()
    for _ in range(ROUNDS):
        shares = shares * (rates @ (named / (shares @ rates))) + pull
        shares = shares / shares.sum()
    return shares


def _drawn(named: Floats, matrix: Floats) -> Floats:
    """Draws of the shares: the true cause of every finding, the shares and the matrix are drawn in turn."""
    random = np.random.default_rng(0)
    size, columns = len(named), np.flatnonzero(named)
    seen = np.broadcast_to(named[columns].astype(np.int64), (CHAINS, len(columns)))
    cells = matrix + PRIOR_ROW
    # Names that nobody was given matter together only: one more column holds them.
    others = (cells.sum(axis=1) - cells[:, columns].sum(axis=1)).clip(min=1e-9)
    rates = np.broadcast_to(rates_of(matrix)[:, columns], (CHAINS, size, len(columns)))
    shares = random.dirichlet(np.ones(size), CHAINS)
    kept = []
    for step in range(STEPS):
        joint = np.swapaxes(shares[:, :, None] * rates, 1, 2)
        true = random.multinomial(seen, joint / joint.sum(axis=2, keepdims=True))
        drawn = random.standard_gamma(true.sum(axis=1) + PRIOR_SHARE)
        shares = drawn / drawn.sum(axis=1, keepdims=True)
        drawn = random.standard_gamma(cells[:, columns] + np.swapaxes(true, 1, 2))
        whole = drawn.sum(axis=2) + random.standard_gamma(others, (CHAINS, size))
        rates = np.maximum(drawn / whole[:, :, None], TINY)
        if step >= STEPS - KEPT:
            kept.append(shares)
    return np.concatenate(kept)
