"""The metrics that the judge of a run brings: from its notes, without its library and endpoint, and their means in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.judging.of_run import options_noted
from evalkit.records import Case, Evidence, Metric, Suite, Trace
from evalkit.store.notes import notes_in
from evalkit.tools import Tools, tools_for

if TYPE_CHECKING:
    from evalkit.api import Run


@dataclass(slots=True)
class AbsentJudge:
    """Stands for the judge of a run where only its metrics are wanted: it judges nothing."""

    metrics: tuple[Metric, ...]
    name: str = "absent"
    fingerprint: str = "absent"

    def judge(self, case: Case, trace: Trace) -> Evidence:
        """No verdict."""
        return Evidence(self.name, error="no judge was asked")


def tools_of_run(suite: Suite, folder: Path) -> Tools:
    """The shelves for a suite, with the metrics that the judge of the run in ``folder`` brings; nothing is judged."""
    notes = notes_in(folder)
    return tools_for(suite, judge=AbsentJudge(metrics_brought(options_noted(notes))))


def metrics_brought(options: Any) -> tuple[Metric, ...]:
    """The metrics beside evalkit's own that a judge of these options has; those of the user's code are not known."""
    return tuple({metric.name: metric for metric in _brought(options)}.values())


def brought_rows(run: Run) -> list[list[str]]:
    """A row for each metric that the judge of a run brought: its name, and of each system the mean and what it rests on."""
    from evalkit import plugins
    from evalkit.metrics.retrieval import retrieval_metrics
    from evalkit.outcome import CORRECT, PASSED

    ranked = retrieval_metrics(run.suite.k, run.suite.pool)
    own = (CORRECT, PASSED, *ranked, *plugins.members("metrics"))
    known = {metric.name for metric in own}
    names = dict.fromkeys(name for one in run.systems.values() for name in one.ledger.columns)
    brought = [name for name in names if name not in known]
    if not brought:
        return []
    found = run.summary()["systems"]
    return [[n, *(_mean(found[one]["metrics"].get(n)) for one in run.systems)] for n in brought]


def _mean(cell: Mapping[str, Any] | None) -> str:
    """A mean with its interval, and of how many cases where not all that are due have a value."""
    if cell is None or cell["mean"] is None:
        return "n/a"
    bounds = "" if cell["low"] is None else f" [{cell['low']:.2f}, {cell['high']:.2f}]"
    rests = "" if cell["scored"] == cell["due"] else f" ({cell['scored']}/{cell['due']})"
    return f"{cell['mean']:.2f}{bounds}{rests}"


def _brought(options: Any) -> Iterator[Metric]:
    if not isinstance(options, Mapping):
        return
    shared = {name: value for name, value in options.items() if name != "panel"}
    kind = shared.get("kind")
    for member in options.get("panel") or ():
        if isinstance(member, Mapping):
            yield from _brought(
                {**shared, **member} if member.get("kind", kind) == kind else member
            )
    if kind == "ragas" and not options.get("panel"):
        yield from _of_ragas(shared)


def _of_ragas(options: Mapping[str, Any]) -> tuple[Metric, ...]:
    from evalkit.judges.ragas.measures import chosen
    from evalkit.judges.ragas.metrics import metrics_of
    from evalkit.judges.ragas.settings import settings_from

    own = {n: v for n, v in options.items() if n not in ("kind", "inner", "embedder")}
    settings = settings_from(own)
    embeds = settings.embedding_model is not None
    return metrics_of(chosen(settings.metrics, settings.critics, embeddings=embeds))
