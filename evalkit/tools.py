"""Everything from the shelves that turns the traces of a suite into a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit import plugins
from evalkit.cause import Cause
from evalkit.condition import Condition
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.records import Judge, Level, Metric, Suite
from evalkit.symptoms import Rule, load_playbook


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything from the shelves that turns traces into a diagnosis."""

    judge: Judge
    metrics: tuple[Metric, ...]
    causes: tuple[Cause, ...]
    conditions: tuple[Condition, ...]
    playbook: tuple[Rule, ...]


def tools_for(suite: Suite, *, judge: str = "embedded", playbook: Path | None = None) -> Tools:
    """The shelves for a suite: its retrieval measures cut at its own k and pool."""
    from evalkit.metrics.retrieval import retrieval_metrics

    metrics = (*retrieval_metrics(suite.k, suite.pool), *plugins.members("metrics"))
    names = [metric.name for metric in metrics]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise InvalidInput(f"two metrics are called {min(doubled)!r}")
    _check_correct(suite, metrics)
    causes = tuple(plugins.members("causes"))
    _check_limits(suite, [*names, "correct", "passed", *(cause.id for cause in causes)])
    grader = plugins.resolve("judges", judge)
    made = grader() if isinstance(grader, type) else grader
    return Tools(
        judge=made,
        metrics=metrics,
        causes=causes,
        conditions=tuple(plugins.members("conditions")),
        playbook=load_playbook(playbook),
    )


def _check_correct(suite: Suite, metrics: Sequence[Metric]) -> None:
    """What counts as right must be a measure of a single answer."""
    known = [metric.name for metric in metrics if metric.level is Level.TRACE]
    if suite.correct is not None and suite.correct.metric not in known:
        raise InvalidInput(
            f"no metric of a single answer is called {suite.correct.metric!r}",
            file=suite.folder / "suite.yaml",
            field="correct.metric",
            hint=did_you_mean(suite.correct.metric, known),
        )


def _check_limits(suite: Suite, known: Sequence[str]) -> None:
    for i, limit in enumerate(suite.limits):
        if limit.metric not in known:
            raise InvalidInput(
                f"no metric and no cause is called {limit.metric!r}",
                file=suite.folder / "suite.yaml",
                field=f"limits[{i}].metric",
                hint=did_you_mean(limit.metric, known),
            )
