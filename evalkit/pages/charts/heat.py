"""Shades of a heat map: five steps that also tell apart in grey, with the number written into each cell."""

from __future__ import annotations

STEPS = 5


def shade(share: float | None) -> str:
    """The class of a share (0..1): ``h0`` to ``h4``, darker is more; ``hnone`` where there is none."""
    return "hnone" if share is None else f"h{min(STEPS - 1, int(STEPS * share))}"
