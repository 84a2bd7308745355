"""What a gate judges: the suite's limits, and the measures compared with a baseline, as lines of columns."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.gate import DETECT, Line, Measured, comparable_cases
from evalkit.gating.snapshot import Snapshot, measured, with_cause
from evalkit.records import Case, Level, Limit, Metric, Suite
from evalkit.tools import Tools

_SLICED = re.compile(r"(?P<metric>.+?)(?:\[(?P<tags>[^\[\]]+)\])?")


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
    """The shelves and cases that lines are made from; ``cases`` are those the verdict speaks of."""

    suite: Suite
    tools: Tools
    candidate: Snapshot
    baseline: Snapshot | None
    cases: tuple[Case, ...]
    wishes: Wishes

    def lines(self) -> list[Line]:
        """Every line, the limits first; ``NothingToDo`` where there is none, or one without a single case."""
        found = [self._limit(limit) for limit in self.suite.limits]
        if self.baseline is not None:
            found += [self._comparison(*one) for one in self._compared()]
        if not found:
            raise NothingToDo(
                "there is nothing to judge: the suite states no limits, and no --baseline is given"
            )
        for line in found:
            if comparable_cases(line) == 0:
                raise NothingToDo(f"no case has a value of {title(line)} to be judged by")
        return found

    def compared(self) -> list[str]:
        """The metrics (not causes) whose values a baseline must hold."""
        known = known_metrics(self.tools)
        return [name for name, _, _ in self._compared() if name in known]

    def outcome(self, found: Snapshot) -> Measured:
        """Whether each case passed: what the tolerance of errors is about."""
        return measured(found, self._metric("passed"), self._ids(()))

    def _ids(self, tags: Collection[str]) -> list[str]:
        return [case.id for case in self.cases if set(tags) <= set(case.tags)]

    def _clusters(self, tags: Collection[str]) -> list[tuple[str, str]]:
        """The group of each case; a case without one stands for itself."""
        chosen = [case for case in self.cases if set(tags) <= set(case.tags)]
        return [("group", case.group) if case.group else ("case", case.id) for case in chosen]

    def _metric(self, name: str) -> Metric:
        return known_metrics(self.tools)[name]

    def _is_cause(self, name: str) -> bool:
        return name in {cause.id for cause in self.tools.causes}

    def _limit(self, limit: Limit) -> Line:
        at_least = limit.at_least is not None
        value = limit.at_least if limit.at_least is not None else limit.at_most
        if self._is_cause(limit.metric):
            return Line(
                limit.metric,
                with_cause(self.candidate, limit.metric, self._ids(limit.tags)),
                clusters=self._clusters(limit.tags),
                higher_is_better=at_least,
                limit=value,
                margin=limit.margin,
                tags=limit.tags,
            )
        metric = self._metric(limit.metric)
        whole = metric.level is Level.SUITE
        column = self._whole(metric) if whole else self._column(self.candidate, metric, limit.tags)
        return Line(
            limit.metric,
            column,
            clusters=None if whole else self._clusters(limit.tags),
            higher_is_better=at_least,
            low=metric.low,
            high=metric.high,
            limit=value,
            margin=limit.margin,
            tags=limit.tags,
            whole=whole,
        )

    def _column(self, found: Snapshot, metric: Metric, tags: Collection[str]) -> Measured:
        return measured(found, metric, self._ids(tags))

    def _whole(self, metric: Metric) -> Measured:
        value = np.array([self.candidate.whole.get(metric.name, math.nan)])
        return Measured(value, value, np.isnan(value).astype(np.float64))

    def _compared(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """Metric, tags and margin of every comparison: `passed`, what has a limit over all cases, what is wished."""
        margins = dict(self.wishes.margins)
        for limit in self.suite.limits:
            if self._is_cause(limit.metric) and not limit.tags:
                margins.setdefault(limit.metric, limit.margin)
        named: list[tuple[str, tuple[str, ...]]] = [("passed", ())]
        named += [(ln.metric, ()) for ln in map(self._limit, self.suite.limits) if _general(ln)]
        named += [_wished(text) for text in self.wishes.metrics]
        for name, tags in dict.fromkeys(named):
            yield name, tags, margins.get(name, 0.0)

    def _comparison(self, name: str, tags: tuple[str, ...], margin: float) -> Line:
        assert self.baseline is not None
        if self._is_cause(name):
            sides = [with_cause(s, name, self._ids(tags)) for s in (self.candidate, self.baseline)]
            low, high, better = 0.0, 1.0, False
        else:
            metric = self._metric(name)
            sides = [self._column(s, metric, tags) for s in (self.candidate, self.baseline)]
            low, high, better = metric.low, metric.high, metric.higher_is_better
        return Line(
            name,
            sides[0],
            sides[1],
            clusters=self._clusters(tags),
            higher_is_better=better,
            low=low,
            high=high,
            margin=margin,
            detect=self.wishes.detect * _scale(sides[1], low, high),
            tags=tags,
        )


def _general(line: Line) -> bool:
    """Whether a limit is about all cases and not exact: a must-pass list is no sample to compare."""
    return not line.tags and not line.exact


def _scale(before: Measured, low: float, high: float) -> float:
    """What shares of a metric are taken of: its range, or the baseline's mean where that has no end."""
    if math.isfinite(low) and math.isfinite(high):
        return high - low
    known = before.worst[~np.isnan(before.worst)]
    return abs(float(known.mean())) if len(known) else 1.0


def _wished(text: str) -> tuple[str, tuple[str, ...]]:
    found = _SLICED.fullmatch(text)
    assert found is not None  # the first group takes anything
    tags = found["tags"]
    return found["metric"], tuple(part.strip() for part in tags.split(",")) if tags else ()


def known_metrics(tools: Tools) -> dict[str, Metric]:
    """Every metric by name, with the two outcomes."""
    from evalkit.outcome import CORRECT, PASSED

    return {metric.name: metric for metric in (CORRECT, PASSED, *tools.metrics)}


def wanted_metrics(suite: Suite, tools: Tools, wishes: Wishes) -> list[str]:
    """The metrics whose values a gate needs: those of limits and those wished; causes are no metrics.

    Raises ``InvalidInput`` for a name that nothing bears, or one that cannot be compared.
    """
    known, causes = known_metrics(tools), {cause.id for cause in tools.causes}
    wished = [_wished(text)[0] for text in wishes.metrics]
    for name in (*wished, *wishes.margins):
        if name not in known and name not in causes:
            hint = did_you_mean(name, [*known, *causes])
            raise InvalidInput(f"no metric and no cause is called {name!r}", hint=hint)
        if name in known and known[name].level is Level.SUITE:
            raise InvalidInput(f"{name} has one value for the whole suite: give it a limit instead")
    names = [limit.metric for limit in suite.limits] + wished
    return [name for name in dict.fromkeys(names) if name in known]


def title(line: Line) -> str:
    """A line's name: the metric, and the tags of its slice."""
    return f"{line.metric}[{', '.join(line.tags)}]" if line.tags else line.metric
