"""One system in a minute: what is wrong with it, why we believe that, and what to do; from the derived files alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.cause import Cause
from evalkit.loss import UNKNOWN_AFTER
from evalkit.pages.links import case_link, cause_link
from evalkit.pages.remedies import first_fix
from evalkit.pages.sums import FindingSums
from evalkit.pages.wording import (
    count,
    listed,
    percent,
    percent_bounds,
    points,
    shortened,
    signed_points,
    with_bounds,
    words,
)
from evalkit.records import Interval, Side

EXCERPT = 200  # characters of a fact
PLAIN_SIDES = {
    "retrieval": "retrieval",
    "generation": "generation",
    "contract": "the output contract",
    "suite": "the suite itself",
    "system": "the system around it",
    "undetermined": "not yet known",
}
# What an approach means for a system that follows another one: (own, advised).
STEPS = {
    ("prompt", "prompt"): "Work on the prompt and the output format",
    ("prompt", "rag"): "Add retrieval",
    ("prompt", "finetuned"): "Tune the model",
    ("prompt", "hybrid"): "Add retrieval, and tune the model or its prompt",
    ("rag", "rag"): "Work on retrieval",
    ("rag", "prompt"): "Work on the prompt; retrieval can stay",
    ("rag", "finetuned"): "Tune the model",
    ("rag", "hybrid"): "Keep retrieval, and tune the model or its prompt",
    ("finetuned", "rag"): "Add retrieval",
    ("finetuned", "hybrid"): "Add retrieval to the tuned model",
    ("finetuned", "finetuned"): "Tune further",
    ("hybrid", "hybrid"): "Keep the approach",
    ("hybrid", "rag"): "Work on retrieval",
    ("hybrid", "prompt"): "Work on the prompt",
}
KEPT = frozenset(
    (("rag", "hybrid"), ("prompt", "finetuned"), ("rag", "prompt"))
)  # what is there stays
APPROACHES = {
    "prompt": "Work on the prompt and the output format",
    "rag": "Work on retrieval",
    "finetuned": "Fine-tune",
    "hybrid": "Combine retrieval with a tuned model",
    "stronger_model": "Try a stronger model",
    "mend_suite": "Mend the suite first",
    "no_change": "Change nothing yet",
}


def failing_of(own: Mapping[str, Any]) -> int:
    """Failing cases: wrong, or ended in an error."""
    return int(own["cases"]["failed"] + own["cases"]["errors"])


# --- what is wrong -----------------------------------------------------------------------------


def lost_parts(own: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The sides that lose anything, the largest first."""
    parts = [(s, p) for s, p in own["decomposition"].items() if p["loss"] > 0]
    return sorted(parts, key=lambda part: -part[1]["loss"])


def wrong(system: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """How many fail, and what each side loses, in two sentences."""
    rate, failing = system["pass_rate"], failing_of(own)
    if not rate:
        return "No case could be graded."
    if not failing:
        return f"Nothing: all {count(rate['n'], 'case')} pass."
    bounds = percent_bounds({"low": 1 - rate["high"], "high": 1 - rate["low"]})
    share = with_bounds(percent(1 - rate["value"]), bounds)
    said = f"{failing:,} of {count(rate['n'], 'case')} fail: {share}."
    lost = [
        f"{PLAIN_SIDES[side]} {with_bounds(points(part['loss']), percent_bounds(part))}"
        for side, part in lost_parts(own)[:3]
    ]
    return f"{said} Lost to {listed(lost)}." if lost else said


def leading(name: str, own: Mapping[str, Any], known: Mapping[str, Cause]) -> dict[str, Any] | None:
    """The cause of most failures with its share, its meaning and its cases; None where none is named."""
    if not own["causes"]:
        return None
    cause, found = next(iter(own["causes"].items()))
    return {
        "cause": cause,
        "cases": found["cases"],
        "of": failing_of(own),
        "share": percent(found["share"]),
        "bounds": percent_bounds(found),
        "meaning": known[cause].meaning if cause in known else "",
        "href": cause_link(name, cause),
    }


# --- why we believe it -------------------------------------------------------------------------


def oracle_sentence(sums: FindingSums) -> str:
    """What the gold passages alone change: it parts retrieval from generation. Empty where nobody was asked."""
    mended, still = sums.oracle["pass"], sums.oracle["fail"]
    if not mended + still:
        return ""
    return (
        f"Asked again with exactly the right passages in the prompt, {still:,} of {mended + still:,} failing "
        f"cases still fail; {mended:,} pass."
    )


def example(name: str, sums: FindingSums, cause: str | None) -> dict[str, str] | None:
    """A surest case of a cause with the facts that speak for it; None where there is none."""
    if cause is None or cause not in sums.examples:
        return None
    _, case_id, facts = sums.examples[cause]
    said = "; ".join(shortened(fact, EXCERPT) for fact in facts)
    return {"case": case_id, "said": said, "href": case_link(case_id, name)}


# --- what to do --------------------------------------------------------------------------------


def step_of(advice: Mapping[str, Any], approach: str) -> str:
    """The recommended approach as an instruction to the owner of a system that follows ``approach``."""
    advised = advice["reasons"][0].partition(": ")[2] if advice["reasons"] else ""
    if advice["approach"] == "no_change" and advised[:1].isalpha():  # a bare number is no step
        return advised[:1].upper() + advised[1:].rstrip(".")
    found = STEPS.get((approach, advice["approach"])) or APPROACHES.get(advice["approach"])
    return found or words(advice["approach"]).capitalize()


def fixes(
    own: Mapping[str, Any],
    known: Mapping[str, Cause],
    sums: FindingSums | None = None,
    most: int = 2,
) -> list[dict[str, str]]:
    """The causes whose mending alone surely brings most, with the first fix that was not tried in vain and the gain."""
    gains = [(c, g) for c, g in own["headroom"].items() if g["gain"] > 0]
    gains.sort(key=surest)
    return [_fix(cause, known, sums, _gain(cause, gain)) for cause, gain in gains[:most]]


def _gain(cause: str, gain: Mapping[str, Any]) -> str:
    if cause == UNKNOWN_AFTER:
        return f"at most +{points(gain['gain'])}"
    return f"+{with_bounds(points(gain['gain']), percent_bounds(gain))}"


def surest(gain: tuple[str, Mapping[str, Any]]) -> tuple[float, float]:
    """The largest lower bound first; of equal ones the larger gain."""
    return -gain[1]["low"], -gain[1]["gain"]


def _fix(
    cause: str, known: Mapping[str, Cause], sums: FindingSums | None, gain: str
) -> dict[str, str]:
    return {"cause": cause, "fix": first_fix(cause, known, sums), "gain": gain}


def next_step(
    own: Mapping[str, Any],
    approach: str,
    known: Mapping[str, Cause],
    sums: FindingSums | None,
    *,
    there: str | None = None,
) -> str:
    """The one next step of a system: the same wherever it is told.

    Where the advice is to stay with its approach, or to take the one of the system that it is told to change to
    (``there``) anyhow, this is the single action that surely brings most, with its number.
    """
    advice = own["recommendation"]
    mend = fixes(own, known, sums, most=1)
    step = step_of(advice, approach)
    if not mend:
        return step
    mending = f"Mend {words(mend[0]['cause'])}: {mend[0]['fix']}, {mend[0]['gain']}"
    if advice["approach"] in (approach, there):
        return mending
    cause = known.get(mend[0]["cause"])
    if (
        (approach, advice["approach"]) not in KEPT
        or cause is None
        or cause.side is not Side.CONTRACT
    ):
        return step
    return f"{mending}; then {step[:1].lower()}{step[1:]}"


def entangled(
    own: Mapping[str, Any], known: Mapping[str, Cause], sums: FindingSums | None = None
) -> dict[str, str] | None:
    """The leading cause where mending it alone turns no case; None where it does, or none is named."""
    cause = next(iter(own["causes"]), None)
    gain = own["headroom"].get(cause) if cause else None
    if cause is None or gain is None or gain["gain"] > 0:
        return None
    return _fix(cause, known, sums, "no case turns, for these cases show further faults")


def gain_sentence(headroom: Mapping[str, Any]) -> str:
    """What mending one cause alone would bring, in a sentence."""
    gains = sorted(headroom.items(), key=lambda g: (g[1]["gain"] <= 0, *surest(g)))
    if not gains:
        return "No cause was found whose mending would raise the pass rate."
    cause, gain = gains[0]
    if gain["gain"] <= 0:
        return (
            "Mending one cause alone would turn no case: every failing case shows several faults."
        )
    if cause == UNKNOWN_AFTER:
        return f"Mending {words(cause)} alone would raise the pass rate by at most {points(gain['gain'])}: nobody knows what these cases would answer."
    return f"Mending {words(cause)} alone would raise the pass rate by {points(gain['gain'])} {percent_bounds(gain)}."


def promise(gain: Interval | None, *, measured: bool, base: str) -> str:
    """What the recommended approach would bring, and how that is known."""
    if gain is None or gain.value <= 0:
        return ""
    doubt = "; it may bring nothing" if gain.low <= 0 else ""
    how = f"measured against {base}" if measured else "an estimate, the headroom of the diagnosis"
    return f"{signed_points(gain)} of the pass rate ({how}, {count(gain.n, 'case')}){doubt}"
