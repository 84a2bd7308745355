"""Shares whose answers are not independent: score intervals at an effective number of cases."""

from __future__ import annotations

from evalkit.records import Interval
from evalkit.stats.intervals import Z95


def score_ends(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share seen in ``n``, perhaps not whole, independent cases."""
    z2 = Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * (share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def share_of(n: int, of: int, units: float | None = None) -> Interval | None:
    """``n`` in ``of`` answers that come from ``units`` cases (as many as answers if None); None of none."""
    if of == 0:
        return None
    low, high = score_ends(n / of, units or of)
    return Interval(n / of, 0.0 if n == 0 else low, 1.0 if n == of else high, of)
