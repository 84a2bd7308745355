"""Everything from the shelves that turns the traces of a suite into a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit import plugins
from evalkit.cause import Cause
from evalkit.condition import Condition
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.records import Judge, Level, Metric, Suite
from evalkit.symptoms import Rule, load_playbook

DESCRIBES = "semantic_similarity"  # neither a right answer nor a limit is ever told by it


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything from the shelves that turns traces into a diagnosis."""

    judge: Judge
    metrics: tuple[Metric, ...]
    causes: tuple[Cause, ...]
    conditions: tuple[Condition, ...]
    playbook: tuple[Rule, ...]


def tools_for(
    suite: Suite, *, judge: Judge | str = "embedded", playbook: Path | None = None
) -> Tools:
    """The shelves for a suite: its retrieval measures cut at its own k and pool, and the judge's own metrics."""
    from evalkit.metrics.retrieval import retrieval_metrics

    made = judge_of(judge, suite.folder) if isinstance(judge, str) else judge
    own = getattr(made, "metrics", ())
    metrics = (*retrieval_metrics(suite.k, suite.pool), *plugins.members("metrics"), *own)
    names = [metric.name for metric in metrics]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise InvalidInput(f"two metrics are called {min(doubled)!r}")
    _check_correct(suite, metrics)
    causes = tuple(plugins.members("causes"))
    shares = dict.fromkeys(["correct", "passed", *(cause.id for cause in causes)], (0.0, 1.0))
    ranges = {m.name: (m.low, m.high) for m in metrics if m.name != DESCRIBES}
    _check_limits(suite, shares | ranges)
    return Tools(
        judge=made,
        metrics=metrics,
        causes=causes,
        conditions=tuple(plugins.members("conditions")),
        playbook=load_playbook(playbook),
    )


def judge_of(choice: str | Mapping[str, Any], folder: Path, **how: Any) -> Judge:
    """The judge that a text names or options describe: one of the shelf, or as ``judges.choose`` reads it; ``how`` as it takes it."""
    from evalkit.judges.choose import judge_from

    def named(name: str) -> Any:
        found = plugins.resolve("judges", name)
        return found() if callable(found) else found

    return judge_from(choice, folder, named=named, **how)


def _check_correct(suite: Suite, metrics: Sequence[Metric]) -> None:
    """What counts as right must be a measure of a single answer."""
    known = [m.name for m in metrics if m.level is Level.TRACE and m.name != DESCRIBES]
    if suite.correct is not None and suite.correct.metric not in known:
        raise InvalidInput(
            f"no metric of a single answer is called {suite.correct.metric!r}",
            file=suite.folder / "suite.yaml",
            field="correct.metric",
            hint=did_you_mean(suite.correct.metric, known),
        )


def _check_limits(suite: Suite, known: Mapping[str, tuple[float, float]]) -> None:
    """Every limit names a measure or a cause, and figures within its range."""
    file = suite.folder / "suite.yaml"
    for i, limit in enumerate(suite.limits):
        if limit.metric not in known:
            raise InvalidInput(
                f"no metric and no cause is called {limit.metric!r}",
                file=file,
                field=f"limits[{i}].metric",
                hint=did_you_mean(limit.metric, known),
            )
        low, high = known[limit.metric]
        for name, least, most in (
            ("at_least", low, high),
            ("at_most", low, high),
            ("margin", 0.0, high - low),
        ):
            value = getattr(limit, name)
            if value is not None and not least <= value <= most:
                raise InvalidInput(
                    f"is {value:g}, outside {least:g}..{most:g}",
                    file=file,
                    field=f"limits[{i}].{name}",
                    hint="0.05 is five points" if high == 1 else None,
                )
