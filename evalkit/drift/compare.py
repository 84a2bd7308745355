"""One signal in two samples: its test, its effect, whether there is enough to tell, and traces that show it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from evalkit.drift.signals import Kind, Signal, Value
from evalkit.stats.two_sample import (
    Floats,
    cliffs_delta,
    fisher_mid_p,
    mean_difference,
    mix_test,
    needed,
    needed_of_each,
    quantile_ratio,
    rank_test,
    share_difference,
)

POWER = 0.8
DETECT_RATE = 0.15  # a shift of a share that must not be missed
DETECT_RANK = 0.15  # the same for ordered values: P(production > baseline) moved from 1/2
EXAMPLES = 5


STATISTICS = {
    Kind.RATE: "share",
    Kind.MIX: "share",
    Kind.SHARE: "mean",
    Kind.SCORE: "median",
    Kind.AMOUNT: "median",
}
TAIL = "90th percentile"


class Said(StrEnum):
    """What is said of one signal, and (but for the middle two) of all together."""

    DRIFT = "drift"
    SMALL = "small"  # it changed, by less than matters
    NONE = "none"
    TOO_FEW = "inconclusive"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class Effect:
    """How far production is from the baseline, with a 95 % interval; ``None`` where it is no finite number."""

    measure: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Tail:
    """The 90th percentiles of an amount in both samples, and their ratio."""

    baseline: float
    production: float
    effect: Effect


@dataclass(frozen=True, slots=True)
class Compared:
    """One signal in both samples; ``statistic`` says what ``baseline`` and ``production`` are, by its kind alone.

    An amount also has its ``tail``, so that slow answers are seen where most stay as fast as before.

    ``p`` is the test's, ``adjusted`` Holm's over all signals; ``needed`` the units of production that would settle
    it (``None``: there are enough, or the baseline is too small).
    """

    signal: Signal
    said: Said
    n: tuple[int, int]
    baseline: float | None = None
    production: float | None = None
    effect: Effect | None = None
    p: float | None = None
    adjusted: float | None = None
    needed: int | None = None
    reason: str = ""
    category: str | None = None
    examples: tuple[str, ...] = ()
    tail: Tail | None = None

    @property
    def statistic(self) -> str:
        """What both values are: share, mean or median; the same in every comparison."""
        return STATISTICS[self.signal.kind]

    @property
    def rose(self) -> bool:
        """Whether production has more of it; of an amount, where it moved most."""
        if self.tail is not None and _moved(self.tail.effect) > _moved(self.effect):
            return self.tail.production >= self.tail.baseline
        return (self.production or 0.0) >= (self.baseline or 0.0)

    @property
    def hint(self) -> tuple[tuple[str, ...], str]:
        """The causes that the change usually points to, and where to look next."""
        return self.signal.up if self.rose or self.signal.kind is Kind.MIX else self.signal.down


def known(column: Sequence[Value]) -> list[float | str]:
    """The values of the traces that show the signal."""
    return [value for value in column if value is not None]


def p_value(signal: Signal, one: Sequence[float | str], two: Sequence[float | str]) -> float | None:
    """The signal's p-value; ``None`` where a sample does not show it. 1 where nothing varies in either."""
    if not one or not two:
        return None
    if signal.kind is Kind.MIX:
        return mix_test(*_counted(one, two)[1:])
    x, y = _floats(one), _floats(two)
    if signal.kind is Kind.RATE:
        return fisher_mid_p(int(x.sum()), len(x), int(y.sum()), len(y), greater=signal.greater)
    return rank_test(x, y, less=signal.less)


def _floats(values: Sequence[float | str]) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _counted(
    one: Sequence[float | str], two: Sequence[float | str]
) -> tuple[list[str], list[int], list[int]]:
    """The categories of both, and how often each has them."""
    first, second = Counter(map(str, one)), Counter(map(str, two))
    names = sorted({*first, *second})
    return names, [first[n] for n in names], [second[n] for n in names]


def compared(
    signal: Signal,
    columns: tuple[Sequence[Value], Sequence[Value]],
    p: float | None,
    adjusted: float,
    levels: tuple[float, float],
    ids: Sequence[str],
) -> Compared:
    """What is said of a signal, from its p-value and that adjusted for all signals.

    ``levels`` are the false alarm rate of all signals, and what is left of it for the hardest tested.
    """
    one, two = known(columns[0]), known(columns[1])
    n = (len(one), len(two))
    if p is None:
        return Compared(signal, Said.NOT_MEASURED, n, reason=_unseen(*n))
    level, hardest = levels
    found = replace(_effect(signal, one, two), p=p, adjusted=adjusted)
    if adjusted <= level:
        said = Said.DRIFT if _matters(signal, found) else Said.SMALL
        examples = _examples(found, columns[1], ids) if said is Said.DRIFT else ()
        return replace(found, said=said, examples=examples)
    return _enough(found, _before(found, one), hardest)


def _unseen(n: int, m: int) -> str:
    if not n and not m:
        return "neither shows it"
    return "the baseline does not show it" if not n else "production does not show it"


# --- effects ---------------------------------------------------------------------------------


def _effect(signal: Signal, one: Sequence[float | str], two: Sequence[float | str]) -> Compared:
    """The signal in both samples and how far apart it is; ``said`` is set by the caller."""
    n = (len(one), len(two))
    if signal.kind is Kind.MIX:
        return _mix_effect(signal, one, two)
    x, y = _floats(one), _floats(two)
    if signal.kind is Kind.RATE:
        share = share_difference(int(x.sum()), len(x), int(y.sum()), len(y))
        ends = float(x.mean()), float(y.mean())
        return Compared(signal, Said.NONE, n, *ends, Effect("difference of shares", *share))
    if signal.kind is Kind.SHARE:
        ends = float(x.mean()), float(y.mean())
        mean = Effect("difference of means", *mean_difference(x, y))
        return Compared(signal, Said.NONE, n, *ends, mean)
    if signal.kind is Kind.SCORE:
        ends = float(np.median(x)), float(np.median(y))
        return Compared(signal, Said.NONE, n, *ends, Effect("Cliff's delta", *cliffs_delta(x, y)))
    return _amount_effect(signal, x, y)


def _mix_effect(signal: Signal, one: Sequence[float | str], two: Sequence[float | str]) -> Compared:
    """The category whose share moved most."""
    names, first, second = _counted(one, two)
    n, m = len(one), len(two)
    most = max(range(len(names)), key=lambda i: abs(second[i] / m - first[i] / n))
    share = share_difference(first[most], n, second[most], m)
    ends = first[most] / n, second[most] / m
    effect = Effect("largest difference of a share", *share)
    return Compared(signal, Said.NONE, (n, m), *ends, effect, category=names[most])


def _amount_effect(signal: Signal, x: Floats, y: Floats) -> Compared:
    """The medians and the 90th percentiles, each with its ratio."""
    ends = {q: (float(np.quantile(x, q)), float(np.quantile(y, q))) for q in (0.5, 0.9)}
    middle = _ratio("ratio of medians", x, y, 0.5)
    tail = Tail(*ends[0.9], _ratio("ratio of 90th percentiles", x, y, 0.9))
    return Compared(signal, Said.NONE, (len(x), len(y)), *ends[0.5], middle, tail=tail)


def _ratio(name: str, x: Floats, y: Floats, q: float) -> Effect:
    return Effect(name, *(quantile_ratio(x, y, q) or (None, None, None)))


def _moved(effect: Effect | None) -> float:
    """How far a ratio is from 1, whichever way; 0 where there is none."""
    return abs(math.log(effect.value)) if effect is not None and effect.value else 0.0


def _matters(signal: Signal, found: Compared) -> bool:
    """Whether a change is at least as large as the signal's minimum; one without a finite size is."""
    effects = [found.effect, *([found.tail.effect] if found.tail else [])]
    sizes = [e.value for e in effects if e is not None and e.value is not None]
    if not sizes:
        return True
    if signal.kind is Kind.AMOUNT:
        return any(max(size, 1 / size) >= signal.least for size in sizes)
    return abs(sizes[0]) >= signal.least


# --- is there enough? ------------------------------------------------------------------------


def _before(found: Compared, one: Sequence[float | str]) -> float:
    """The share of the baseline whose shift is asked for; of a mix the category that is hardest to tell."""
    if found.signal.kind is not Kind.MIX:
        return found.baseline or 0.0
    shares = [n / len(one) for n in Counter(map(str, one)).values()]
    return min(shares, key=lambda share: abs(share - 0.5))


def _enough(found: Compared, before: float, level: float) -> Compared:
    """None, or inconclusive where a large shift could have been missed; ``level`` is Holm's strictest."""
    shift, variances = _variances(found.signal, before)
    n, m = found.n
    wanted = needed(shift, variances, n, alpha=level, power=POWER)
    if wanted is not None and wanted <= m:
        return found
    if wanted is None:
        each = needed_of_each(shift, variances, alpha=level, power=POWER)
        reason = f"the baseline has {n}, about {each} in each are needed"
        return replace(found, said=Said.TOO_FEW, reason=reason)
    reason = f"production has {m}, about {wanted} are needed"
    return replace(found, said=Said.TOO_FEW, needed=wanted, reason=reason)


def _variances(signal: Signal, before: float) -> tuple[float, tuple[float, float]]:
    """(the shift that must not be missed, the variance of one observation before and after it)."""
    if signal.kind in (Kind.RATE, Kind.MIX):
        after = before + DETECT_RATE if before < 0.5 else before - DETECT_RATE
        return DETECT_RATE, (before * (1 - before), after * (1 - after))
    return DETECT_RANK, (1 / 12, 1 / 12)  # of a rank scaled to 0..1 (Noether 1987)


# --- examples --------------------------------------------------------------------------------


def _examples(found: Compared, column: Sequence[Value], ids: Sequence[str]) -> tuple[str, ...]:
    """Traces of production that show the change best."""
    shown = [(value, i) for i, value in enumerate(column) if value is not None]
    if found.signal.kind is Kind.MIX:
        shown = [(value, i) for value, i in shown if (value == found.category) == found.rose]
        return tuple(ids[i] for _, i in shown[:EXAMPLES])
    sign = -1 if found.rose else 1
    ordered = sorted(shown, key=lambda pair: (sign * float(pair[0]), pair[1]))
    if found.signal.kind is Kind.RATE:
        ordered = [pair for pair in ordered if bool(pair[0]) == found.rose]
    return tuple(ids[i] for _, i in ordered[:EXAMPLES])
