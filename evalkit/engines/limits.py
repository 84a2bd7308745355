"""What a run may spend, divided over its shares."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a whole run. ``None`` is no limit; ``until`` is a moment of the monotonic clock."""

    calls: int | None = None
    cost: float | None = None
    until: float | None = None

    def part(self, weight: int, weights: Sequence[int], before: int) -> Limits:
        """The part of a share of this ``weight``, ``before`` the sum of the weights of those before it.

        The calls of all parts add up to the whole. Time is not divided: shares run beside each other.
        """
        total = sum(weights)
        cost = None if self.cost is None else self.cost * weight / total
        if self.calls is None:
            return Limits(None, cost, self.until)
        upto, after = (self.calls * n // total for n in (before, before + weight))
        return Limits(after - upto, cost, self.until)

    def less(self, calls: int, cost: float) -> Limits:
        """What is left after so many calls, and so much money."""
        return Limits(
            None if self.calls is None else max(0, self.calls - calls),
            None if self.cost is None else max(0.0, self.cost - cost),
            self.until,
        )

    def settings(self) -> Mapping[str, Any]:
        """The limits as ``evalkit.arun`` takes them, from now."""
        seconds = None if self.until is None else max(0.0, self.until - time.monotonic())
        return {"max_calls": self.calls, "max_cost": self.cost, "max_time": seconds}


def parts(whole: Limits, weights: Sequence[int]) -> list[Limits]:
    """The parts of all shares; where nothing weighs anything, equal ones."""
    used = list(weights) if any(weights) else [1] * len(weights)
    return [whole.part(weight, used, sum(used[:i])) for i, weight in enumerate(used)]
