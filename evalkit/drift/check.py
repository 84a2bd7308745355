"""Has production drifted from a baseline? Signals that need no label, compared with one stated false alarm rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.drift.compare import Compared, Said, compared, known, p_value
from evalkit.drift.observe import Table, tables
from evalkit.drift.signals import SIGNALS, Signal, Value
from evalkit.errors import NothingToDo
from evalkit.records import AS_IS, Judge, Suite, Trace
from evalkit.stats.multiplicity import holm

ALPHA = 0.05
NOVEL = 0.05  # share of the baseline's queries that are called unlike any known one
USUAL = 0.5  # share of the traces from which on a signal they show decides whether there is enough
EXITS = {Said.NONE: (0, "pass"), Said.DRIFT: (10, "regression"), Said.TOO_FEW: (11, "inconclusive")}


@dataclass(frozen=True, slots=True)
class Plan:
    """The false alarm rate of all looks together, and which look of how many this is.

    Every look gets the same share of ``alpha`` (linear spending). The shares add up whatever the looks have in
    common, so they may be of separate days or of traffic that accumulates.
    """

    alpha: float = ALPHA
    look: int = 1
    looks: int = 1

    def __post_init__(self) -> None:
        """Refuse a rate that is none (``nan`` too), and a look that was not planned."""
        if not (0 < self.alpha <= 0.5 and 1 <= self.look <= self.looks):
            raise ValueError(f"no plan of looks: {self}")

    @property
    def level(self) -> float:
        """The false alarm rate of this look."""
        return self.alpha / self.looks


@dataclass(frozen=True, slots=True)
class Drift:
    """Every signal compared, in the order in which data flows."""

    plan: Plan
    baseline: Table
    production: Table
    compared: tuple[Compared, ...]

    @property
    def drifted(self) -> tuple[Compared, ...]:
        """The signals that drifted, the earliest first: it often explains those after it."""
        return tuple(one for one in self.compared if one.said is Said.DRIFT)

    @property
    def said(self) -> Said:
        """Drift; else inconclusive where a signal that most traces show has too few; else none."""
        if self.drifted:
            return Said.DRIFT
        return Said.TOO_FEW if self._short else Said.NONE

    @property
    def _short(self) -> list[Compared]:
        """The signals that most traces show, yet too few to tell."""
        usual = USUAL * len(self.production.ids)
        return [c for c in self.compared if c.said is Said.TOO_FEW and c.n[1] >= usual]

    @property
    def needed(self) -> int | None:
        """Units of production that would settle every usual signal; ``None`` where the baseline is too small.

        A signal that only some traces show takes more of them.
        """
        size = len(self.production.ids)
        numbers = [math.ceil(c.needed * size / c.n[1]) for c in self._short if c.needed is not None]
        return max(numbers) if numbers and len(numbers) == len(self._short) else None


def drift(
    baseline: Sequence[Trace],
    traces: Sequence[Trace],
    *,
    suite: Suite | None = None,
    judge: Judge | None = None,
    plan: Plan | None = None,
) -> Drift:
    """Compare the ``as_is`` traces of production with those of a baseline; ``NothingToDo`` where one is empty.

    ``suite`` gives the queries of a baseline that is a run, and the schemas. The embedded judge reads claims if
    none is given. Deterministic.
    """
    if judge is None:
        from evalkit.judges.embedded import EmbeddedJudge

        judge = EmbeddedJudge()
    asked = ([t for t in sample if t.condition == AS_IS] for sample in (baseline, traces))
    first, second = tables(*asked, suite=suite, judge=judge)
    for table, name in ((first, "baseline"), (second, "production")):
        if not table.ids:
            raise NothingToDo(f"the {name} holds no as_is trace")
    return compare(first, second, plan or Plan())


def compare(baseline: Table, production: Table, plan: Plan) -> Drift:
    """Test every signal that both samples show; a pure function of the two tables."""
    pairs = [(s, *_columns(s, baseline, production)) for s in SIGNALS]
    p_values = [p_value(s, known(one), known(two)) for s, one, two in pairs]
    # Where no value differs nothing could ever be found: counting it would only cost the others power.
    asked = [
        i for i, (_, one, two) in enumerate(pairs) if p_values[i] is not None and _varies(one, two)
    ]
    adjusted = dict(zip(asked, holm([p_values[i] or 0.0 for i in asked]), strict=True))
    level = plan.level / max(1, len(asked))
    found = [
        compared(signal, (one, two), p, adjusted.get(i, 1.0), (plan.level, level), production.ids)
        for i, ((signal, one, two), p) in enumerate(zip(pairs, p_values, strict=True))
    ]
    return Drift(plan, baseline, production, tuple(found))


def _columns(
    signal: Signal, baseline: Table, production: Table
) -> tuple[Sequence[Value], Sequence[Value]]:
    one, two = baseline.columns[signal.name], production.columns[signal.name]
    return _novel(one, two) if signal.name == "novel_queries" else (one, two)


def _varies(one: Sequence[Value], two: Sequence[Value]) -> bool:
    return len({*known(one), *known(two)}) > 1


def _novel(one: Sequence[Value], two: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Less like the nearest known query than 95 % of the baseline's own queries are."""
    shown = known(one)
    if not shown:
        return [None] * len(one), [None] * len(two)
    line = float(np.quantile(np.asarray(shown, dtype=np.float64), NOVEL))

    def under(values: Sequence[Value]) -> list[Value]:
        return [None if v is None else float(float(v) <= line) for v in values]

    return under(one), under(two)
