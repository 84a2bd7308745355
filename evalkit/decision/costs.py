"""What approaches cost: per question from measured tokens and unit prices, and when tuning has earned back its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.diagnosis import SystemDiagnosis
from evalkit.records import AS_IS

# The names of ``unit_costs`` in a profile; prices of tokens are per million, all in one currency.
PRICES = {
    "prompt_tokens": "price of a million prompt tokens",
    "completion_tokens": "price of a million completion tokens",
    "finetuned_prompt_tokens": "the same for a tuned model; as above where left out",
    "finetuned_completion_tokens": "the same for a tuned model; as above where left out",
    "retrieval": "price of one retrieval (search, embedding of the question)",
    "training": "price of one training run",
    "index": "price of building the index once",
    "hosting_per_day": "price of hosting a tuned model for a day",
}
TUNED = ("finetuned", "hybrid")
RETRIEVES = ("rag", "hybrid")


def tokens_of(found: SystemDiagnosis) -> tuple[float, float] | None:
    """Median prompt and completion tokens of an answer; None where the system does not report them."""
    asked = found.ledger.condition.are(AS_IS)
    usage = (found.ledger.usage[name][asked] for name in ("prompt_tokens", "completion_tokens"))
    sent, written = (counts[~np.isnan(counts)] for counts in usage)
    return (
        (float(np.median(sent)), float(np.median(written))) if len(sent) and len(written) else None
    )


def per_question(
    approach: str, tokens: tuple[float, float] | None, prices: Mapping[str, float]
) -> float | None:
    """The price of one question; None where tokens or prices are unknown."""
    if tokens is None or not {"prompt_tokens", "completion_tokens"} <= prices.keys():
        return None
    prefix = "finetuned_" if approach in TUNED else ""
    sent = prices.get(f"{prefix}prompt_tokens", prices["prompt_tokens"])
    written = prices.get(f"{prefix}completion_tokens", prices["completion_tokens"])
    search = prices.get("retrieval", 0.0) if approach in RETRIEVES else 0.0
    return (tokens[0] * sent + tokens[1] * written) / 1e6 + search


def upfront(approach: str, prices: Mapping[str, float]) -> float | None:
    """What has to be paid once; None where the price is not given."""
    due = (["training"] if approach in TUNED else []) + (["index"] if approach in RETRIEVES else [])
    known = prices and all(name in prices for name in due)
    return sum(prices[name] for name in due) if known else None


def cost_facts(
    systems: Mapping[str, SystemDiagnosis], best: Mapping[str, str], profile: Mapping[str, Any]
) -> dict[str, Any]:
    """Break-even of tuning against retrieval, and what training leaves of the upfront budget."""
    prices: Mapping[str, float] = profile.get("unit_costs") or {}
    budget, training = profile.get("upfront_budget"), prices.get("training")
    return {
        "budget_left_after_training": None
        if budget is None or training is None
        else budget - training,
        "break_even_days": _break_even(
            _costs(systems, best, prices), prices, profile.get("queries_per_day")
        ),
    }


def _costs(
    systems: Mapping[str, SystemDiagnosis], best: Mapping[str, str], prices: Mapping[str, float]
) -> dict[str, float | None]:
    return {a: per_question(a, tokens_of(systems[name]), prices) for a, name in best.items()}


def _break_even(
    costs: Mapping[str, float | None], prices: Mapping[str, float], volume: float | None
) -> float | None:
    """Days of traffic after which training (less the index it spares) is earned back; infinity: never."""
    retrieval, tuned, training = costs.get("rag"), costs.get("finetuned"), prices.get("training")
    if retrieval is None or tuned is None or training is None or not volume:
        return None
    saved = volume * (retrieval - tuned) - prices.get("hosting_per_day", 0.0)
    return max(0.0, training - prices.get("index", 0.0)) / saved if saved > 0 else float("inf")


def cost_table(
    systems: Mapping[str, SystemDiagnosis], best: Mapping[str, str], profile: Mapping[str, Any]
) -> dict[str, dict[str, float | None]]:
    """By approach: the price of a question, of a day at the profile's volume, and what is paid once."""
    prices: Mapping[str, float] = profile.get("unit_costs") or {}
    volume = profile.get("queries_per_day")
    found = {}
    for approach, each in _costs(systems, best, prices).items():
        day = None if each is None or volume is None else each * volume
        if day is not None and approach in TUNED:
            day += prices.get("hosting_per_day", 0.0)
        once = upfront(approach, prices)
        found[approach] = {"per_question": each, "per_day": day, "upfront": once}
    return found
