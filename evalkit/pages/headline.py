"""The answer first: what fails and how much, whose fault it is, how sure that is, and what to do first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from evalkit.pages.wording import count, percent, percent_bounds, points, sentence, words

APPROACHES = {
    "prompt": "Work on the prompt and the output format",
    "rag": "Work on retrieval",
    "finetuned": "Fine-tune",
    "hybrid": "Combine retrieval with a fine-tuned model",
    "stronger_model": "Try a stronger model",
    "mend_suite": "Mend the suite first",
    "no_change": "Change nothing yet",
}
PLAIN_SIDES = {
    "retrieval": "retrieval",
    "generation": "generation",
    "contract": "the output contract",
    "suite": "the suite itself",
    "system": "the system around it",
    "undetermined": "not yet known",
}
STATUSES = ("proven", "suspected", "undetermined", "unexplained")


def headline(summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> dict[str, Any]:
    """The opening of the report, about the best system measured (the same one the recommendation is about)."""
    systems, advice = summary["systems"], diagnosis["recommendation"]
    best = best_system(systems)
    shared = {
        "system": best,
        "reasons": [sentence(reason) for reason in advice["reasons"]],
        "against": [sentence(reason) for reason in advice["against"]],
    }
    if best is None:
        return {
            **shared,
            "title": "No case could be graded.",
            "answers": [],
            "first": "Give the cases labels.",
            "gain": "",
        }
    own = diagnosis["systems"][best]
    return {
        **shared,
        "title": _title(best, systems),
        "answers": [
            ("What fails", *_what(systems[best])),
            ("Whose fault", *_whose(own)),
            ("How sure", *_sure(own)),
        ],
        "first": _first(advice, own, len(systems)),
        "gain": gain_sentence(advice["headroom"]),
    }


def best_system(systems: Mapping[str, Any]) -> str | None:
    """The system with the highest pass rate, by the rule of the recommendation; None where none was graded."""
    rated = {n: s["pass_rate"]["value"] for n, s in systems.items() if s["pass_rate"]}
    return max(rated, key=lambda n: (rated[n], n)) if rated else None


def _title(best: str, systems: Mapping[str, Any]) -> str:
    rate = systems[best]["pass_rate"]
    share = f"{percent(rate['value'])} of {count(rate['n'], 'case')}"
    if len(systems) == 1:
        return f"{best} passes {share}."
    return f"{best} passes {share}, the most of {len(systems)} systems."


def _what(system: Mapping[str, Any]) -> tuple[str, list[str]]:
    cases = system["cases"]
    graded = cases["due"] - cases["ungraded"]
    failing = cases["failed"] + cases["errors"]
    more = [f"{cases['passed']:,} of {graded:,} pass."]
    if cases["errors"]:
        more.append(f"{cases['errors']:,} of the failing cases ended in an error.")
    if cases["ungraded"]:
        more.append(f"{count(cases['ungraded'], 'case')} could not be graded and are left out.")
    loss = {key: 1 - system["pass_rate"][end] for key, end in (("low", "high"), ("high", "low"))}
    share = f"{percent(failing / graded)} {percent_bounds(loss)}"
    return f"{failing:,} of {graded:,} cases fail: {share}", more


def _whose(own: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The side of the failing cases, the largest part first."""
    failing = own["cases"]["failed"] + own["cases"]["errors"]
    known = sum(side["cases"] for side in own["sides"].values())
    sides = {n: s for n, s in own["sides"].items() if s["cases"]}
    ranked = sorted(sides.items(), key=lambda s: -s[1]["cases"])
    if not ranked:
        return ("Nobody's: no case fails" if not failing else "Not known"), []
    unknown = failing - known
    name, first = ranked[0]
    if unknown > first["cases"]:
        others = ", ".join(f"{PLAIN_SIDES[n]} {s['cases']:,}" for n, s in ranked)
        return f"Not determined for {unknown:,} of {failing:,} failures", [f"The rest: {others}."]
    parts = [f"{PLAIN_SIDES[n]} {s['cases']:,}" for n, s in ranked[1:]]
    if unknown:
        parts.append(f"not determined {unknown:,}")
    lead = "Mostly " if first["cases"] > failing / 2 and parts else ""
    said = PLAIN_SIDES[name] if lead else PLAIN_SIDES[name].capitalize()
    share = f"{percent(first['share'])} {percent_bounds(first)}"
    rest = [f"The rest: {', '.join(parts)}."] if parts else []
    return f"{lead}{said}: {first['cases']:,} of {failing:,} failures, {share}", rest


def certainty(own: Mapping[str, Any]) -> Counter[str]:
    """How many failing cases have a proven, suspected, undetermined or unexplained cause."""
    return Counter(str(f["status"]) for f in own["findings"] if f["outcome"] == "fail")


def _sure(own: Mapping[str, Any]) -> tuple[str, list[str]]:
    found = certainty(own)
    failing = own["cases"]["failed"] + own["cases"]["errors"]
    warned = sum(f["outcome"] == "warn" for f in own["findings"])
    parts = [f"{found[s]:,} {s}" for s in STATUSES if found[s] or s in ("proven", "suspected")]
    more = []
    if found["suspected"]:
        more.append("Suspected: look-alike causes were not told apart by a probe.")
    if warned:
        more.append(f"{count(warned, 'further case')} pass with a warning.")
    return ", ".join(parts) if failing else "Nothing to explain", more


def _first(advice: Mapping[str, Any], own: Mapping[str, Any], systems: int) -> str:
    """The recommendation; with several systems, which approach to take and what that system needs next."""
    step = step_of(own["recommendation"] if systems > 1 else advice)
    if systems == 1:
        return f"{step}."
    return f"Take {words(advice['approach'])} as the approach; then {step[:1].lower()}{step[1:]}."


def step_of(advice: Mapping[str, Any]) -> str:
    """A recommended approach as an instruction; where no approach is due, what its reason advises instead."""
    advised = advice["reasons"][0].partition(": ")[2] if advice["reasons"] else ""
    if advice["approach"] == "no_change" and advised:
        return sentence(advised).rstrip(".")
    return APPROACHES.get(advice["approach"], words(advice["approach"]).capitalize())


def gain_sentence(headroom: Mapping[str, Any]) -> str:
    """What mending one cause alone would bring, in a sentence."""
    gains = sorted(headroom.items(), key=lambda g: -g[1]["gain"])
    if not gains:
        return "No cause was found whose mending would raise the pass rate."
    cause, gain = gains[0]
    if gain["gain"] <= 0:
        return (
            "Mending one cause alone would turn no case: every failing case shows several faults."
        )
    return f"Mending {words(cause)} alone would raise the pass rate by {points(gain['gain'])} {percent_bounds(gain)}."
