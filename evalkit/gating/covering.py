"""How much of each measure is there, where suite.yaml says how much must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.gate import Answer, Covered, Measured
from evalkit.gating.shown import short
from evalkit.gating.trials import SAME


def covered(
    name: tuple[str, tuple[str, ...]], at_least: float, column: Measured, absent: str | None
) -> Covered:
    """Whether enough of a measure is there; ``absent`` says why a system of this approach has none of it, if it has none.

    A case counts by the share of its repeats that was measured. One that does not ask for the measure does not count; one
    that was not asked counts as not measured.
    """
    due = int(column.due().sum())
    if not due:
        if absent is not None:
            return Covered(*name, at_least, None, 0, Answer.NOT_APPLICABLE, absent)
        why = "no case asks for it, or none has a value"
        return Covered(*name, at_least, None, 0, Answer.INCONCLUSIVE, why)
    share = 1 - column.lacking()
    enough = share >= at_least - SAME
    return Covered(*name, at_least, share, due, Answer.PASS if enough else Answer.INCOMPLETE)


def covered_json(one: Covered) -> dict[str, Any]:
    """An entry of ``coverage`` in verdict.json."""
    return {
        "metric": one.metric,
        "tags": list(one.tags),
        "answer": one.answer.value,
        "at_least": one.at_least,
        "share": one.share,
        "due": one.due,
        "text": covered_sentence(one),
    }


def covered_sentence(one: Covered) -> str:
    """How much was measured of how much, and what to do where it is too little."""
    title = f"{one.metric}[{', '.join(map(short, one.tags))}]" if one.tags else one.metric
    words = f"coverage of {title}"
    if one.share is None:
        return f"{words}, at least {_percent(one.at_least)}: not measured ({one.why})"
    words += f" {_percent(one.share)} of the {one.due} cases that ask for it"
    words += f", at least {_percent(one.at_least)}"
    if one.answer is Answer.PASS:
        return words
    return f"{words}: too little was measured to judge by; see why in scores.csv (status, note)"


def _percent(share: float) -> str:
    """One digit, more where that would say 100 % of what is not all."""
    digits = next((n for n in (1, 2, 3, 4) if not (share < 1 and round(100 * share, n) >= 100)), 5)
    return f"{100 * share:.{digits}f} %"


def kinds(verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every judged line of a verdict: limits, coverage, comparisons; a verdict of an earlier evalkit has no coverage."""
    return [line for kind in ("limits", "coverage", "tests") for line in verdict.get(kind, ())]
