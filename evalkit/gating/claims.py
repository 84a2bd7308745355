"""What a gate judges: the suite's limits, and the measures compared with a baseline, as lines of columns."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.gate import DETECT, Answer, Covered, Line, Measured, Unmeasured, comparable_cases
from evalkit.gating.covering import covered
from evalkit.gating.policy import Name, Policy, check_policy, in_steps
from evalkit.gating.policy import named as _wished
from evalkit.gating.scope import applies, check_margins, check_tags
from evalkit.gating.shown import short
from evalkit.gating.snapshot import RESTS_ON, Snapshot, measured, with_cause
from evalkit.records import Case, Level, Limit, Metric, Suite
from evalkit.tools import Tools


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked beside the suite's limits: more ``metrics`` to compare ("NAME" or "NAME[TAG]"), margins, detect.

    ``margins`` are the drops tolerated against the baseline, by metric; ``detect`` the drop that must be visible,
    as a share of the metric's range (of the baseline's mean for a metric without one).
    """

    metrics: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    detect: float = DETECT


@dataclass(frozen=True, slots=True)
class Claims:
    """The shelves and cases that lines are made from.

    Limits speak of every case of the suite, asked or not; comparisons of the ``shared`` cases.
    """

    suite: Suite
    tools: Tools
    candidate: Snapshot
    baseline: Snapshot | None
    shared: tuple[Case, ...]
    wishes: Wishes
    policy: Policy = field(default_factory=Policy)

    def lines(self) -> tuple[list[Line], list[Unmeasured]]:
        """Every line, the limits first, and those without a single case to judge them by."""
        found = [self._limit(limit) for limit in self.suite.limits]
        if self.baseline is not None:
            found += [self._comparison(*one) for one in self._compared()]
        found = in_steps(found, self.policy, self.suite.folder / "suite.yaml")
        lines = [line for line in found if comparable_cases(line)]
        others = [self._unmeasured(line) for line in found if not comparable_cases(line)]
        return lines, others

    def coverage(self) -> list[Covered]:
        """How much of each measure is there, where the suite says how much must be."""
        return [self._covered(name, least) for name, least in self.policy.coverage.items()]

    def _covered(self, name: Name, at_least: float) -> Covered:
        metric, tags = name
        ids = _ids(_tagged(self.suite.cases, tags))
        if self._is_cause(metric):
            return covered(name, at_least, with_cause(self.candidate, metric, ids), None)
        absent = None
        if not self._applies(metric, self.candidate):
            absent = self._not_applicable(self.candidate)
        return covered(name, at_least, measured(self.candidate, self._metric(metric), ids), absent)

    @staticmethod
    def _not_applicable(run: Snapshot) -> str:
        return f"not applicable: {short(run.system)} is a system of approach {run.approach}"

    def _unmeasured(self, line: Line) -> Unmeasured:
        sides = [line.candidate, *([line.baseline] if line.baseline else [])]
        if any(side.lacking() > 0 for side in sides):
            return Unmeasured(line, Answer.INCOMPLETE, "all its measurements are missing")
        for run in (self.candidate, self.baseline if line.limit is None else None):
            if run is not None and not self._applies(line.metric, run):
                return Unmeasured(line, Answer.NOT_APPLICABLE, self._not_applicable(run))
        if line.limit is None and not self.shared:
            return Unmeasured(line, Answer.INCONCLUSIVE, "the runs share no case")
        return Unmeasured(line, Answer.INCONCLUSIVE, "no case asks for it, or none has a value")

    def _applies(self, name: str, run: Snapshot) -> bool:
        return self._is_cause(name) or applies(self._metric(name), run.approach)

    def compared(self) -> list[str]:
        """The metrics (not causes) whose values a baseline must hold."""
        known = known_metrics(self.tools)
        names = [name for name, _, _ in self._compared() if name in known]
        runs = [run for run in (self.candidate, self.baseline) if run is not None]
        return [name for name in names if all(self._applies(name, run) for run in runs)]

    def outcome(self) -> Measured:
        """Whether each case of the suite passed: what the tolerance of errors is about."""
        return measured(self.candidate, self._metric("passed"), _ids(self.suite.cases))

    def outcome_before(self) -> Measured | None:
        """The same of the baseline, over the shared cases; None without one."""
        if self.baseline is None:
            return None
        return measured(self.baseline, self._metric("passed"), _ids(self.shared))

    def _metric(self, name: str) -> Metric:
        return known_metrics(self.tools)[name]

    def _is_cause(self, name: str) -> bool:
        return name in {cause.id for cause in self.tools.causes}

    def _limit(self, limit: Limit) -> Line:
        at_least = limit.at_least is not None
        value = limit.at_least if limit.at_least is not None else limit.at_most
        cases = _tagged(self.suite.cases, limit.tags)
        if self._is_cause(limit.metric):
            return Line(
                limit.metric,
                with_cause(self.candidate, limit.metric, _ids(cases)),
                clusters=_clusters(cases),
                higher_is_better=at_least,
                limit=value,
                margin=limit.margin,
                tags=limit.tags,
                tolerance=self.policy.tolerance((limit.metric, limit.tags)),
            )
        metric = self._metric(limit.metric)
        whole = metric.level is Level.SUITE
        column = self._whole(metric) if whole else measured(self.candidate, metric, _ids(cases))
        return Line(
            limit.metric,
            column,
            clusters=None if whole else _clusters(cases),
            higher_is_better=at_least,
            low=metric.low,
            high=metric.high,
            limit=value,
            margin=limit.margin,
            tags=limit.tags,
            whole=whole,
            tolerance=self.policy.tolerance((limit.metric, limit.tags)),
        )

    def _whole(self, metric: Metric) -> Measured:
        """One entry for the suite; a value that is absent is missing only where answers are."""
        value = np.array([self.candidate.whole.get(metric.name, math.nan)])
        lost = np.isnan(value) & (self.outcome().lacking() > 0)
        return Measured(value, value, lost.astype(np.float64))

    def _compared(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """Metric, tags and margin of every comparison: `passed`, what has a limit over all cases, what is wished."""
        margins = dict(self.wishes.margins)
        for limit in self.suite.limits:
            if self._is_cause(limit.metric) and not limit.tags:
                margins.setdefault(limit.metric, limit.margin)
        asked: list[Name] = [("passed", ())]
        asked += [(ln.metric, ()) for ln in map(self._limit, self.suite.limits) if _general(ln)]
        asked += [_wished(text) for text in (*self.policy.hierarchy, *self.wishes.metrics)]
        for name, tags in dict.fromkeys(asked):
            yield name, tags, margins.get(name, 0.0)

    def _comparison(self, name: str, tags: tuple[str, ...], margin: float) -> Line:
        assert self.baseline is not None
        cases = _tagged(self.shared, tags)
        if self._is_cause(name):
            sides = [with_cause(s, name, _ids(cases)) for s in (self.candidate, self.baseline)]
            low, high, better = 0.0, 1.0, False
        else:
            metric = self._metric(name)
            sides = [measured(s, metric, _ids(cases)) for s in (self.candidate, self.baseline)]
            low, high, better = metric.low, metric.high, metric.higher_is_better
        return Line(
            name,
            sides[0],
            sides[1],
            clusters=_clusters(cases),
            higher_is_better=better,
            low=low,
            high=high,
            margin=margin,
            detect=self.wishes.detect * _scale(sides[1], low, high),
            tags=tags,
            tolerance=self.policy.tolerance((name, tags)),
        )


def check_something(
    lines: Sequence[Line], unmeasured: Sequence[Unmeasured], shares: Sequence[Covered] = ()
) -> None:
    """``NothingToDo`` where nothing is measured, and nothing that should have been: such a gate guards nothing."""
    if any(one.share is not None for one in shares):
        return
    if not lines and not unmeasured and not shares:
        raise NothingToDo(
            "there is nothing to judge: the suite states no limits, and no --baseline is given"
        )
    if not lines and all(one.answer is not Answer.INCOMPLETE for one in unmeasured):
        told = "; ".join(
            [f"{title(one.line)}: {one.why}" for one in unmeasured]
            + [f"coverage of {one.metric}: {one.why}" for one in shares]
        )
        raise NothingToDo(f"nothing can be judged: {told}")


def _tagged(cases: Sequence[Case], tags: Collection[str]) -> list[Case]:
    return [case for case in cases if set(tags) <= set(case.tags)]


def _ids(cases: Sequence[Case]) -> list[str]:
    return [case.id for case in cases]


def _clusters(cases: Sequence[Case]) -> list[tuple[str, str]]:
    """The group of each case; a case without one stands for itself."""
    return [("group", case.group) if case.group else ("case", case.id) for case in cases]


def _general(line: Line) -> bool:
    """Whether a limit is about all cases and not exact: a must-pass list is no sample to compare."""
    return not line.tags and not line.exact


def _scale(before: Measured, low: float, high: float) -> float:
    """What shares of a metric are taken of: its range, or the baseline's mean where that has no end."""
    if math.isfinite(low) and math.isfinite(high):
        return high - low
    known = before.worst[~np.isnan(before.worst)]
    return abs(float(known.mean())) if len(known) else 1.0


def known_metrics(tools: Tools) -> dict[str, Metric]:
    """Every metric by name, with the two outcomes."""
    from evalkit.outcome import CORRECT, PASSED

    return {metric.name: metric for metric in (CORRECT, PASSED, *tools.metrics)}


def wanted_metrics(
    suite: Suite, tools: Tools, wishes: Wishes, policy: Policy | None = None
) -> list[str]:
    """The metrics whose values a gate needs: those of limits, of a hierarchy and those wished, and what causes are seen by.

    Raises ``InvalidInput`` for a name that nothing bears, or one that cannot be compared.
    """
    known, causes = known_metrics(tools), {cause.id for cause in tools.causes}
    given = policy or Policy()
    check_policy(suite, given, known, sorted(causes))
    wished = [_wished(text)[0] for text in wishes.metrics]
    for name in (*wished, *wishes.margins):
        if name not in known and name not in causes:
            hint = did_you_mean(name, [*known, *causes])
            raise InvalidInput(f"no metric and no cause is called {name!r}", hint=hint)
        if name in known and known[name].level is Level.SUITE:
            raise InvalidInput(f"{name} has one value for the whole suite: give it a limit instead")
    check_margins(wishes.margins, known)
    for text in wishes.metrics:
        check_tags(suite, _wished(text)[1], field="--metric")
    names = [limit.metric for limit in suite.limits]
    names += [_wished(text)[0] for text in given.hierarchy] + wished
    names += [RESTS_ON[name] for name in (*names, *given.covered_metrics()) if name in RESTS_ON]
    return [name for name in dict.fromkeys(names) if name in known]


def title(line: Line) -> str:
    """A line's name: the metric, and the tags of its slice."""
    return f"{line.metric}[{', '.join(map(short, line.tags))}]" if line.tags else line.metric
