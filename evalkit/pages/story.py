"""The story that every version of the report tells: the page, Markdown, and the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.pages.comparing import compared
from evalkit.pages.ended import incomplete, told_lacks
from evalkit.pages.headline import headline
from evalkit.pages.sums import FindingSums, finding_sums
from evalkit.pages.unknowns import Unknown, unknowns
from evalkit.score import Floats
from evalkit.summarise import interval_json

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.comparison.shape import Comparison


@dataclass(frozen=True, slots=True)
class Story:
    """``headline`` as ``evalkit.pages.headline`` has it; ``comparison`` is None for one system, or very many cases."""

    headline: dict[str, Any]
    unknowns: list[Unknown]
    sums: Mapping[str, FindingSums]
    comparison: Comparison | None


def outline(run: Run) -> dict[str, Any]:
    """What the story needs of summary.json, without the metrics and slices that take their time."""
    return {
        "systems": {
            name: {
                "approach": found.ledger.approach.value,
                "cases": dict(found.counts),
                "pass_rate": interval_json(found.pass_rate),
                "usage": {"cost": {"total": _total(found.ledger.usage["cost"])}},
            }
            for name, found in run.systems.items()
        }
    }


def _total(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else None


def story_of(run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> Story:
    """What is to be told of a run, from its derived files and its decision."""
    sums = {name: finding_sums(own["findings"]) for name, own in diagnosis["systems"].items()}
    decision, comparison = run.decision(), compared(run)
    open_questions = unknowns(summary, diagnosis, sums, decision, comparison)
    first = headline(summary, diagnosis, sums, decision, open_questions, comparison)
    first["incomplete"], first["lacks"] = incomplete(run), told_lacks(run)
    first["plain_title"] = first["title"]
    if first["incomplete"]:
        first["title"] = f"{first['incomplete']}. {first['title']}"
    return Story(first, open_questions, sums, comparison)
