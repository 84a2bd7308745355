"""From values to places: linear and logarithmic scales with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """``low`` stands at 0 and ``high`` at 1; what lies beyond is drawn at the end."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, 0..1."""
        low, high, here = (self._unit(v) for v in (self.low, self.high, value))
        return min(1.0, max(0.0, (here - low) / (high - low))) if high > low else 0.5

    def _unit(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.log else value

    def ticks(self, most: int = 5) -> tuple[float, ...]:
        """Round values between the ends, at most about ``most`` of them."""
        return _decades(self) if self.log else _rounds(self, most)


def _rounds(scale: Scale, most: int) -> tuple[float, ...]:
    span = scale.high - scale.low
    if span <= 0:
        return (scale.low,)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(s * power for s in STEPS if span / (s * power) <= most)
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return tuple(round(i * step, 12) for i in range(first, last + 1))


def _decades(scale: Scale) -> tuple[float, ...]:
    """Powers of ten, with twos and fives between them where few would be left."""
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for steps in ((1,), (1, 3), (1, 2, 5)):
        made = (s * 10.0**p for p in range(first, last + 1) for s in steps)
        kept = tuple(v for v in made if scale.low * 0.999 <= v <= scale.high * 1.001)
        if len(kept) >= 3:
            return kept
    return kept


def around(values: Iterable[float], *, log: bool = False) -> Scale:
    """A scale with a little room around all values; from zero where it is linear."""
    known = [v for v in values if not log or v > 0]
    if not known:
        return Scale(0.1, 1, log) if log else Scale(0, 1)
    least, most = min(known), max(known)
    if log:
        return Scale(least / 1.6, most * 1.6, log)
    return Scale(min(0.0, least), (most * 1.08) or 1.0)
