"""Stage 8, diagnosis -> recommended approach: what the measurements speak for, and what they speak against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.diagnosis import UNDETERMINED, SystemDiagnosis
from evalkit.records import Approach, Interval, Suite

GOOD_ENOUGH = 0.95  # pass rate from which nothing needs to change
LARGE = 0.15  # a part of the loss that is worth an approach of its own
FEW_EXAMPLES = 500  # labelled examples below which fine-tuning is unlikely to hold


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do first for one system, why, and what speaks against it."""

    approach: str
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    headroom: Mapping[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """The shape of ``recommendation`` in diagnosis.json."""
        gains = {
            n: {"gain": i.value, "low": i.low, "high": i.high} for n, i in self.headroom.items()
        }
        return {
            "approach": self.approach,
            "reasons": list(self.reasons),
            "against": list(self.against),
            "headroom": gains,
        }


def recommend(suite: Suite, systems: Mapping[str, SystemDiagnosis]) -> Recommendation:
    """The first recommendation for the suite: the best system measured, and what it still lacks."""
    answering = {n: f for n, f in systems.items() if f.graded.approach is not Approach.RETRIEVER}
    candidates = answering or systems
    rated = {n: rate for n, found in candidates.items() if (rate := found.pass_rate) is not None}
    if not rated:
        return Recommendation(
            "no_change", ("no case could be graded, so nothing speaks for a change",), (), {}
        )
    best = max(rated, key=lambda name: (rated[name].value, name))
    own = recommend_for(suite, systems[best])
    if len(rated) == 1:
        return own
    approach = _approach(systems[best])
    if own.approach in ("mend_suite", "stronger_model"):
        approach = own.approach
    step = f"for {best} itself the next step is {own.approach}"
    return Recommendation(
        approach, (_lead(best, rated), step, *own.reasons), own.against, own.headroom
    )


def _lead(best: str, rated: Mapping[str, Interval]) -> str:
    """The systems side by side; whether a difference is more than chance takes a paired comparison."""
    others = sorted((n for n in rated if n != best), key=lambda n: -rated[n].value)
    equal = [name for name in others if rated[name].value == rated[best].value]
    verb = "pass equally many cases" if equal else "passes most"
    names = " and ".join([best, *equal])
    listed = ", ".join(f"{n} {rated[n].value:.0%}" for n in others if n not in equal)
    rest = f" against {listed}" if listed else ""
    return f"measured side by side, {names} {verb}: {_percent(rated[best])}{rest}"


def _approach(found: SystemDiagnosis) -> str:
    approach = found.graded.approach
    return "rag" if approach is Approach.RETRIEVER else approach.value


def recommend_for(suite: Suite, found: SystemDiagnosis) -> Recommendation:
    """What the measurements of one system speak for. Without probes these are directions, not proofs."""
    rate = found.pass_rate
    if rate is None:
        return Recommendation("no_change", ("no case could be graded",), (), {})
    loss = {side: part.value for side, part in found.decomposition.items() if part.value > 0}
    if rate.value >= GOOD_ENOUGH:
        return Recommendation(
            "no_change", (f"{_percent(rate)} of the cases pass",), (), found.headroom
        )
    approach, reason = _largest(found, loss)
    return Recommendation(
        approach, (reason, *_details(found)), _against(suite, found, approach), found.headroom
    )


# The approach that addresses the largest part of the loss, and what to say of it.
_STEPS = {
    "system": ("no_change", "mend the calls first (keys, time-outs, limits), then measure"),
    "suite": ("mend_suite", "mend the labels first"),
    "retrieval": ("rag", "{why}; if retrieval is low, fine-tuning will not fix it"),
    "contract": ("prompt", "structured output and style rules in the prompt come first"),
    "generation": ("prompt", "prompt work comes first, then whatever persists"),
    UNDETERMINED: (
        "no_change",
        "label gold documents, or show what was retrieved and what reached the prompt",
    ),
}


def _largest(found: SystemDiagnosis, loss: Mapping[str, float]) -> tuple[str, str]:
    """The approach that addresses the largest part of the loss, with its reason."""
    side = max(loss, key=lambda s: loss[s], default=UNDETERMINED)
    lost = _points(loss.get(side, 0.0))
    sentence = f"{lost} of the pass rate are lost to {side}, the largest part"
    if side == UNDETERMINED:
        sentence = f"{lost} of the pass rate are lost, and to which side cannot be told"
    contract = loss.get("contract", 0.0)
    if side == "retrieval" and min(contract, loss[side]) >= LARGE:
        return (
            "hybrid",
            f"{sentence}, and {_points(contract)} to the output contract: both are large",
        )
    plain = found.graded.approach in (Approach.PROMPT, Approach.FINETUNED)
    why = "the system has no documents" if plain else "the evidence does not reach the prompt"
    approach, advice = _STEPS[side]
    return approach, f"{sentence}: {advice.format(why=why)}"


def _details(found: SystemDiagnosis) -> list[str]:
    """The leading causes, in words."""
    leading = list(found.causes.items())[:3]
    failing = found.counts["failed"] + found.counts["errors"]
    return [
        f"{cause}: {n} of {failing} failing cases ({_percent(share)})"
        for cause, (n, share) in leading
        if share
    ]


def _against(suite: Suite, found: SystemDiagnosis, approach: str) -> tuple[str, ...]:
    against = []
    examples = suite.profile.get("labelled_examples")
    if examples is not None and examples < FEW_EXAMPLES:
        against.append(
            f"fine-tuning: {examples} labelled examples are fewer than about {FEW_EXAMPLES}"
        )
    changes = suite.profile.get("knowledge_changes")
    if changes in ("weekly", "daily", "realtime"):
        against.append(f"fine-tuning for knowledge: it changes {changes}")
    suspected = sum(f.status.value == "suspected" for f in found.findings if f.outcome == "fail")
    if suspected:
        against.append(
            f"{suspected} findings are suspected, not proven: probes would settle them before money is spent"
        )
    if approach == "rag" and not found.graded.scores.columns.get("first_gold_rank"):
        against.append("recall was not measured")
    return tuple(against)


def _percent(found: Interval | None) -> str:
    return "n/a" if found is None else f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"


def _points(share: float) -> str:
    return f"{100 * share:.0f} points"
