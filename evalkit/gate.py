"""Stage 9, the gate itself: columns in, verdict out; pure, so that simulations call what users call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from evalkit.gating.trials import SAME, Clusters, Level, Trial, drop_trial, limit_trial
from evalkit.stats.multiplicity import holm

Floats = npt.NDArray[np.float64]

ASYMMETRY = 0.05  # share of the cases that one side may lack and the other have
DETECT = 0.1  # the drop that must be visible before "nothing found" means anything


class Answer(StrEnum):
    """What the gate says of one line, and of all; the order is that of precedence."""

    REGRESSION = "regression"
    INCOMPLETE = "incomplete"
    INCONCLUSIVE = "inconclusive"
    PASS = "pass"  # noqa: S105 (a verdict)
    NOT_APPLICABLE = "n/a"  # of a line only: a system of this kind has nothing to measure there


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one system, an entry a case: its value if what is missing were bad, and if it were good.

    ``worst`` and ``best`` are equal where nothing is missing, and NaN where the measure is not due. ``missing``
    is the share (0..1) of the case's measurements that failed: errors, unreadable grades, nothing observed.
    """

    worst: Floats
    best: Floats
    missing: Floats

    def due(self) -> npt.NDArray[np.bool_]:
        """The cases that ask for the measure."""
        found: npt.NDArray[np.bool_] = ~np.isnan(self.worst) | (self.missing > 0)
        return found

    def lacking(self) -> float:
        """The share of what is due that is missing, 0..1; 0 where nothing is due."""
        due = self.due()
        return float(self.missing[due].mean()) if due.any() else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One claim that is judged: a metric (or a cause's share) keeps a limit, or has not dropped since the baseline.

    ``limit`` with ``at_least`` is the claim of a limit; without one the claim is about ``baseline``. ``low`` and
    ``high`` are the metric's range. ``detect`` is in the metric's own unit. A ``whole`` line has one value for the whole suite.
    ``tolerance`` is the share (0..1) of its measurements that may be missing, None for what the suite tolerates;
    ``step`` its place in a declared hierarchy, None where there is none.
    """

    metric: str
    candidate: Measured
    baseline: Measured | None = None
    clusters: Clusters = None
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
    limit: float | None = None
    margin: float = 0.0
    detect: float = DETECT
    tags: tuple[str, ...] = ()
    whole: bool = False
    tolerance: float | None = None
    step: int | None = None

    @property
    def exact(self) -> bool:
        """No inference: one value for the suite, or a limit at the end of the range, which every case must reach."""
        end = self.high if self.higher_is_better else self.low
        return self.whole or self.limit == end


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was found of one line; ``worst`` and ``best`` count what is missing against the candidate and for it.

    ``p`` is adjusted for the other lines (Holm, or the hierarchy); None for an exact limit. ``lopsided`` is the share of cases that have
    a value on one side only. ``behind``: it looks worse, but stands in the hierarchy behind a line that does not,
    which makes it neither a regression nor a pass. ``hangs``: what is missing (``tolerated``: 0..1) could change the answer.
    """

    line: Line
    answer: Answer
    worst: Trial
    best: Trial
    p: float | None
    missing: float
    missing_before: float | None = None
    lopsided: float = 0.0
    behind: bool = False
    hangs: bool = False
    tolerated: float = 1.0


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of a measure is there, against what is asked for: both shares (0..1) of the ``due`` measurements.

    It speaks of these very cases, so nothing is inferred. ``share`` is None, and ``why`` says so, where nothing is due.
    """

    metric: str
    tags: tuple[str, ...]
    at_least: float
    share: float | None
    due: int
    answer: Answer
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A line without a single case to judge it by: what that means for the verdict, and why it is so.

    Incomplete where its measurements are missing, not applicable where the system's approach has none (which holds
    nothing up), else inconclusive.
    """

    line: Line
    answer: Answer
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer with everything it rests on."""

    answer: Answer
    rulings: tuple[Ruling, ...]
    level: Level
    tolerance: float
    missing: float = 0.0
    missing_before: float | None = None
    unmeasured: tuple[Unmeasured, ...] = ()
    covered: tuple[Covered, ...] = ()


@dataclass(frozen=True, slots=True)
class _Column:
    """One line in one scenario, oriented so that more is better."""

    after: Floats
    before: Floats | None
    clusters: Clusters
    line: Line = field(repr=False)


def judge(
    lines: Sequence[Line],
    *,
    level: Level | None = None,
    tolerance: float = 0.02,
    outcome: Measured | None = None,
    outcome_before: Measured | None = None,
    unmeasured: Sequence[Unmeasured] = (),
    covered: Sequence[Covered] = (),
) -> Verdict:
    """The verdict over all lines; every one of ``lines`` must have at least one case that is due.

    Regression where a line is missed even if everything missing were good; incomplete where more than
    ``tolerance`` of the ``outcome`` (or of a line over all cases) is missing, or the answer hangs on what is;
    inconclusive where the evidence is too thin; else pass. The order of the lines does not matter: where they have
    steps, those are tested one after the other, each at full alpha.
    """
    given, tested = level or Level(), [line for line in lines if not line.exact]
    given = replace(given, family=1 if any(ln.step is not None for ln in tested) else len(tested))
    worst = _answers([_column(line, best=False) for line in lines], given)
    whole = [not _lacks(line) for line in lines]
    best = worst if all(whole) else _answers([_column(ln, best=True) for ln in lines], given)
    rulings = [
        _ruling(line, w, b, (tolerance, given))
        for line, w, b in zip(lines, worst, best, strict=True)
    ]
    missing = outcome.lacking() if outcome is not None else 0.0
    before = None if outcome_before is None else outcome_before.lacking()
    found: tuple[Ruling | Unmeasured | Covered, ...] = (*rulings, *unmeasured, *covered)
    answers = [one.answer for one in found]
    apart = 0.0 if before is None else abs(missing - before)
    if max(missing, before or 0.0) > tolerance or apart > ASYMMETRY:
        answers.append(Answer.INCOMPLETE)
    answer = next(a for a in Answer if a in answers)
    told = (tuple(unmeasured), tuple(covered))
    return Verdict(answer, tuple(rulings), given, tolerance, missing, before, *told)


_Found = tuple[Answer, Trial, float | None]


def _answers(columns: Sequence[_Column], level: Level) -> list[_Found]:
    """One scenario: every line's trial, and its answer after the correction for the number of lines."""
    trials = [_trial(column, level) for column in columns]
    adjusted = _adjusted(columns, trials)
    found: list[_Found] = []
    for i, (column, trial) in enumerate(zip(columns, trials, strict=True)):
        p = adjusted.get(i)
        if column.line.exact:
            answer = Answer.PASS if trial.held else Answer.REGRESSION
        elif p is not None and p <= level.alpha:
            answer = Answer.REGRESSION
        elif p is not None and column.line.step is not None and trial.p_missed <= level.alpha:
            # behind the stop: what looks worse is no regression, and no pass
            answer = Answer.INCONCLUSIVE
        else:
            answer = Answer.PASS if trial.held else Answer.INCONCLUSIVE
        found.append((answer, trial, p))
    return found


def _adjusted(columns: Sequence[_Column], trials: Sequence[Trial]) -> dict[int, float]:
    """P values of the lines that are tested, by place: Holm's, or in a hierarchy the largest so far.

    The latter is the fixed-sequence test (Maurer, Hothorn & Lehmacher 1995): a line counts at full alpha as long as
    every line before it was significant, so the family's rate of false alarms is alpha too.
    """
    judged = [i for i, column in enumerate(columns) if not column.line.exact]
    if all(columns[i].line.step is None for i in judged):
        return dict(zip(judged, holm([trials[i].p_missed for i in judged]), strict=True))
    judged.sort(key=lambda i: (columns[i].line.step is None, columns[i].line.step))
    largest = np.maximum.accumulate([trials[i].p_missed for i in judged]).tolist()
    return dict(zip(judged, largest, strict=True))


def _trial(column: _Column, level: Level) -> Trial:
    line = column.line
    bounds = _oriented_bounds(line)
    if line.limit is not None:
        limit = float(_oriented(np.array([line.limit]), line)[0])
        if line.exact:
            return _exact(column.after, limit)
        return limit_trial(
            column.after, column.clusters, limit, margin=line.margin, bounds=bounds, level=level
        )
    assert column.before is not None
    return drop_trial(
        column.before,
        column.after,
        column.clusters,
        margin=line.margin,
        detect=line.detect,
        span=bounds[1] - bounds[0],
        level=level,
    )


def _exact(values: Floats, limit: float) -> Trial:
    """Every case must reach the limit: a statement about these cases, and no inference."""
    held = bool((values >= limit - SAME).all())
    return Trial(len(values), len(values), float(values.mean()), float(held), held)


def _ruling(line: Line, worst: _Found, best: _Found, rules: tuple[float, Level]) -> Ruling:
    tolerance, level = rules
    missing = line.candidate.lacking()
    before = None if line.baseline is None else line.baseline.lacking()
    lopsided = _lopsided(line)
    hangs, tolerated = worst[0] is not best[0], _tolerated(line, tolerance)
    answer = Answer.INCOMPLETE if hangs else worst[0]
    if max(missing, before or 0.0) > tolerated + SAME:
        answer = Answer.INCOMPLETE
    if lopsided > ASYMMETRY or (before is not None and abs(missing - before) > ASYMMETRY):
        answer = Answer.INCOMPLETE
    if best[0] is Answer.REGRESSION:  # it stands whatever the missing ones would have been
        answer = Answer.REGRESSION
    suspect = line.step is not None and worst[1].p_missed <= level.alpha
    behind = suspect and answer is Answer.INCONCLUSIVE
    found = (line, answer, worst[1], best[1], worst[2], missing, before, lopsided)
    return Ruling(*found, behind, hangs, tolerated)


def _tolerated(line: Line, tolerance: float) -> float:
    """The share of a line's measurements that may be missing; a slice has no bound of its own unless it is given."""
    if line.tolerance is not None:
        return line.tolerance
    return 1.0 if line.tags else tolerance


def _lopsided(line: Line) -> float:
    """The share of the cases due on either side that are due on one side only."""
    if line.baseline is None:
        return 0.0
    after, before = line.candidate.due(), line.baseline.due()
    either = int((after | before).sum())
    return float((after ^ before).sum()) / either if either else 0.0


# --- scenarios -------------------------------------------------------------------------------


def _lacks(line: Line) -> bool:
    sides = [line.candidate] + ([line.baseline] if line.baseline is not None else [])
    return any(bool((side.missing > 0).any()) for side in sides)


def _column(line: Line, *, best: bool) -> _Column:
    """The line's values if what is missing were good for the candidate (``best``), or bad for it."""
    after = _bound(line.candidate, line, best=best)
    keep = ~np.isnan(after)
    before = None
    if line.limit is None:
        assert line.baseline is not None
        before = _bound(line.baseline, line, best=not best)
        keep = keep & ~np.isnan(before)
        before = before[keep]
    clusters = line.clusters
    if clusters is not None:
        clusters = [clusters[i] for i in np.flatnonzero(keep).tolist()]
    return _Column(after[keep], before, clusters, line)


def _bound(side: Measured, line: Line, *, best: bool) -> Floats:
    ends = _oriented(side.worst, line), _oriented(side.best, line)
    found: Floats = np.maximum(*ends) if best else np.minimum(*ends)
    return found


def comparable_cases(line: Line) -> int:
    """How many cases the line is judged on; 0 means that there is nothing to judge."""
    return len(_column(line, best=False).after)


def _oriented(values: Floats, line: Line) -> Floats:
    """More is better: a share is turned into the share of the others, anything else gets another sign."""
    if line.higher_is_better:
        return values
    return (line.low + line.high if bounded(line) else 0.0) - values


def _oriented_bounds(line: Line) -> tuple[float, float]:
    if line.higher_is_better or bounded(line):
        return line.low, line.high
    return -line.high, -line.low


def bounded(line: Line) -> bool:
    """Whether the metric's range has two ends."""
    return math.isfinite(line.low) and math.isfinite(line.high)
