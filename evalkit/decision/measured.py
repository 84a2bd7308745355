"""What a run says that rules can weigh: losses by side, what persists with the evidence at hand, speed and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evalkit.decision.costs import cost_facts
from evalkit.decision.kinds import counted_failing, how_many
from evalkit.decision.mending import FEW_SHOT, TUNABLE, attempts
from evalkit.diagnosis import SystemDiagnosis
from evalkit.records import Approach, Certainty, Finding
from evalkit.stats.intervals import Floats, wilson

ORDER = ("prompt", "rag", "finetuned", "hybrid")  # from the simplest to the most work
TRIED = ("schema_enforced", "style_prompted", "criteria_prompted", FEW_SHOT)


def base_of(systems: Mapping[str, SystemDiagnosis], wanted: str | None = None) -> str:
    """The system that changes are measured against: the one asked for, else the simplest that was measured."""
    if wanted is not None:
        return wanted
    answering = [n for n, f in systems.items() if f.graded.approach is not Approach.RETRIEVER]
    names = answering or list(systems)

    def simple(name: str) -> int:
        approach = systems[name].graded.approach.value
        return ORDER.index(approach) if approach in ORDER else len(ORDER)

    return min(names, key=simple)


def by_approach(systems: Mapping[str, SystemDiagnosis]) -> dict[str, str]:
    """The best measured system of each approach, by name."""
    found: dict[str, str] = {}
    for name, one in systems.items():
        approach, rate = one.graded.approach.value, one.pass_rate
        before = systems[found[approach]].pass_rate if approach in found else None
        if rate is not None and (before is None or rate.value > before.value):
            found[approach] = name
    return found


def facts_of_run(
    systems: Mapping[str, SystemDiagnosis],
    base: str,
    profile: Mapping[str, Any],
    *,
    examples_ready: bool | None = None,
) -> dict[str, Any]:
    """Every fact that rules may ask for; None where nobody knows it."""
    own, best = systems[base], by_approach(systems)
    failing = counted_failing(own)
    expertise = profile.get("expertise")
    facts: dict[str, Any] = {
        **{name: profile.get(name) for name in PROFILE},
        "retrieval_expertise": None if expertise is None else "retrieval" in expertise,
        "training_expertise": None if expertise is None else "training" in expertise,
        "examples_ready": examples_ready,
        "prompt_on_record": "prompt" in best,
        "rag_on_record": "rag" in best,
        "prompt_pass_rate": _rate(systems, best.get("prompt")),
        **{f"{side}_loss": _loss(own, side) for side in SIDES},
        "undetermined_share": _undetermined(failing),
        "tunable_loss": _share_of(failing, TUNABLE, own.due),
        "oracle_failure_low": _oracle_failure(systems.values()),
        "closed_book_rate": _closed_book(systems.values()),
        "prompt_attempt_failed": _prompt_attempt(systems.values()),
    }
    facts.update(_latency(systems, best, profile.get("latency_ms")))
    facts.update(cost_facts(systems, best, profile))
    return facts


SIDES = ("retrieval", "generation", "contract", "suite", "system")
PROFILE = (
    *("knowledge_changes", "citations", "explainability", "access_control"),
    *("sensitive_training_data", "narrow_task", "format_style_critical", "corpus_documents"),
    *("domains", "labelled_examples", "task_changes", "latency_ms", "queries_per_day"),
    "upfront_budget",
)


def _rate(systems: Mapping[str, SystemDiagnosis], name: str | None) -> float | None:
    rate = systems[name].pass_rate if name else None
    return None if rate is None else rate.value


def _loss(found: SystemDiagnosis, side: str) -> float:
    part = found.decomposition.get(side)
    return part.value if part else 0.0


Counted = Sequence[tuple[Finding, int]]  # findings, and how many there are of each kind


def _undetermined(failing: Counted) -> float | None:
    if not failing:
        return 0.0
    told = (Certainty.PROVEN, Certainty.SUSPECTED)
    return how_many(pair for pair in failing if pair[0].status not in told) / how_many(failing)


def _share_of(failing: Counted, causes: frozenset[str], due: int) -> float | None:
    return how_many(pair for pair in failing if pair[0].cause in causes) / due if due else None


def _oracle_failure(systems: Iterable[SystemDiagnosis]) -> float | None:
    """Lower 95 % bound of the share of all graded cases that failed and still fail with gold in the prompt; best system."""
    found = []
    for one in systems:
        failing = counted_failing(one)
        asked = [pair for pair in failing if "oracle_context" in pair[0].probes]
        if asked and one.due:
            fails = how_many(pair for pair in asked if pair[0].probes["oracle_context"] == "fail")
            bound = wilson(fails, one.due)
            found.append(bound.low if bound else 0.0)
    return min(found, default=None)


def _closed_book(systems: Iterable[SystemDiagnosis]) -> float | None:
    """Share of the failing and control cases asked without passages that were right; the largest over systems."""
    rates = []
    for one in systems:
        asked = one.ledger.condition.are("closed_book")
        right = [r for r in one.ledger.right.at(asked) if r is not None] if asked.any() else []
        if right:
            rates.append(sum(right) / len(right))
    return max(rates, default=None)


def _prompt_attempt(systems: Iterable[SystemDiagnosis]) -> bool | None:
    """Whether some case stayed wrong although the prompt asked for it outright; None where nothing was tried."""
    tried = [
        reading
        for one in systems
        for f, _ in counted_failing(one)
        if f.cause in TUNABLE
        for reading in attempts(f)
    ]
    return "fail" in tried if tried else None


def _latency(
    systems: Mapping[str, SystemDiagnosis], best: Mapping[str, str], budget: float | None
) -> dict[str, float | None]:
    """What is left of the latency budget (ms) after the 95th percentile of each approach."""
    found: dict[str, float | None] = {}
    for approach in ORDER:
        seconds = _seconds(systems[best[approach]]) if approach in best else np.empty(0)
        known = budget is not None and len(seconds)
        left = None if not known else (budget or 0) - 1000 * float(np.percentile(seconds, 95))
        found[f"latency_left_{approach}"] = left
    return found


def _seconds(found: SystemDiagnosis) -> Floats:
    """Of the answers to the cases as they are: probes ask other prompts."""
    total = found.ledger.seconds["total"][found.ledger.as_is]
    return total[~np.isnan(total)]
