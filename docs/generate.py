"""Write docs/metrics.md and docs/causes.md from the shelves, so that they cannot drift from the code."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path

from evalkit import plugins
from evalkit.cause import Cause
from evalkit.metrics.retrieval import retrieval_metrics
from evalkit.needs import needs_of
from evalkit.outcome import CORRECT, PASSED
from evalkit.records import Metric
from evalkit.symptoms import load_playbook

FOLDER = Path(__file__).parent


def metric_cards() -> str:
    """Every metric with its definition, as Markdown."""
    metrics: list[Metric] = [
        CORRECT,
        PASSED,
        *retrieval_metrics(5, 20),
        *plugins.members("metrics"),
    ]
    parts = [_METRICS_HEAD]
    order = {stage: i for i, stage in enumerate(dict.fromkeys(m.stage for m in metrics))}
    for stage, found in groupby(
        sorted(metrics, key=lambda m: order[m.stage]), key=lambda m: m.stage
    ):
        parts.append(f"\n## {stage.value.capitalize()}\n")
        parts += [_metric(metric) for metric in found]
    return "\n".join(parts) + "\n"


def _metric(metric: Metric) -> str:
    high = "unbounded" if math.isinf(metric.high) else f"{metric.high:g}"
    facts = [
        f"{metric.low:g} to {high}{' ' + metric.unit if metric.unit else ''}",
        "higher is better" if metric.higher_is_better else "lower is better",
        f"one value a {metric.level.value}",
    ]
    needs = ", ".join(f"`{name}`" for name in needs_of(metric))
    if needs:
        facts.append(f"needs {needs}")
    if metric.outcome:
        facts.append("worst value when the system errs")
    return f"### `{metric.name}`\n\n{metric.card}\n\n*{'; '.join(facts)}*\n"


def cause_cards() -> str:
    """Every cause with its proof and its remedy, and the playbook of symptoms, as Markdown."""
    causes: list[Cause] = plugins.members("causes")
    parts = [_CAUSES_HEAD]
    for cause in causes:
        probes = ", ".join(f"`{name}`" for name in cause.conditions) or "none needed"
        alike = ", ".join(f"`{name}`" for name in cause.looks_like if name != cause.id) or "nothing"
        parts.append(
            f"### `{cause.id}`\n\n{cause.meaning}\n\n"
            f"| side | stage | proof | probes that settle it | looks like |\n|---|---|---|---|---|\n"
            f"| {cause.side} | {cause.stage} | {cause.proof} | {probes} | {alike} |\n\n"
            f"First fix: {cause.first_fix}. Fine-tuning: {cause.fine_tuning}.\n"
        )
    parts.append(
        "## Symptoms\n\n| id | symptom | root cause | approach | fine-tuning |\n|---|---|---|---|---|"
    )
    parts += [
        f"| `{r.id}` | {r.symptom} | {r.root_cause} | {r.approach} | {r.fine_tuning} |"
        for r in load_playbook()
    ]
    return "\n".join(parts) + "\n"


_METRICS_HEAD = """# Metrics

Written by `docs/generate.py` from the metrics themselves. The retrieval measures are shown for k = 5 and a pool of 20;
a suite's own `k` and `pool` replace them. What the statuses mean, and which value counts in which mean, stands in
[denominators.md](denominators.md)."""

_CAUSES_HEAD = """# Causes and symptoms

Written by `docs/generate.py` from the causes and the playbook. The order is that of the stages: the earliest cause that
explains a failure is the primary one. *Proof* is what lifts a suspicion to a proof: a **check** of the trace itself,
differing **repeats**, a **flip** (the answer is right once the named condition changes one thing), or **persistence**
(the answer stays wrong with the gold passages in the prompt). A cause whose proof is missing is *suspected*, and it is
returned together with the causes that look like it.

## Causes
"""


def main() -> None:
    """Write both files."""
    (FOLDER / "metrics.md").write_text(metric_cards(), encoding="utf-8")
    (FOLDER / "causes.md").write_text(cause_cards(), encoding="utf-8")


if __name__ == "__main__":
    main()
