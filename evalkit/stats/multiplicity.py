"""Adjusted p values where several hypotheses are looked at together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p values, in the given order.

    Calling those at or below alpha significant keeps the chance of *any* false alarm at alpha, however
    the tests depend on each other. Source: Holm (1979).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    return _back(np.maximum.accumulate(steps), order)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p values, in the given order.

    Calling those at or below alpha findings keeps the expected share of false ones among them at
    alpha, for independent or positively dependent tests. Source: Benjamini & Hochberg (1995).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    ranked = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _back(np.minimum.accumulate(ranked[::-1])[::-1], order)


def _back(adjusted: npt.NDArray[np.float64], order: npt.NDArray[np.intp]) -> list[float]:
    found = np.empty(len(order))
    found[order] = np.minimum(adjusted, 1.0)
    return [float(value) for value in found]
