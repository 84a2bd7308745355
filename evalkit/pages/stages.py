"""The funnel from corpus to answer as rows: how many cases get past each stage, and whose loss the others are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.diagnosis import UNDETERMINED
from evalkit.pages import charts
from evalkit.pages.links import cases_link
from evalkit.pages.wording import interval_bounds, percent
from evalkit.records import Approach, Side
from evalkit.stats.intervals import wilson

if TYPE_CHECKING:
    from evalkit.ledger.columns import Ledger

STAGES = {
    "in_corpus": "Evidence in the corpus",
    "chunk_intact": "Its chunk holds it",
    "retrieved": "Retrieved",
    "ranked": "Ranked within k",
    "in_prompt": "In the prompt",
    "used": "Used by the answer",
    "grounded": "Nothing added",
    "correct": "Answered right",
    "well_formed": "Well-formed",
    "on_style": "On style",
}
PLACES, OF_EVIDENCE = tuple(STAGES), tuple(STAGES)[:5]
# What a stage counts, told beside its name; each in the one answer that stands for the case.
MEANT = {
    "in_corpus": "Everything the answer needs is in the corpus",
    "chunk_intact": "No piece was cut through what the answer needs",
    "retrieved": "The evidence is in the retrieved list",
    "ranked": "The evidence is among the first k",
    "in_prompt": "The evidence reached the prompt",
    "used": "The answer says what the prompt holds: not lost to a refusal, noise, position or own knowledge",
    "grounded": "Nothing is blamed on statements without support",
    "correct": "The answer is right, and right in every repeat",
    "well_formed": "Schema, format and citations hold",
    "on_style": "Every rule of style holds",
}
OF_FORM = ("well_formed", "on_style")
OF_ANSWER = ("used", "grounded", "correct")


def funnel_view(
    system: str, steps: Iterable[Mapping[str, Any]], approach: str, ledger: Ledger
) -> dict[str, Any]:
    """The stages in order, as ``funnel`` stands in diagnosis.json: cases that get past, of all that set out."""
    steps = list(steps)
    of = max((step["due"] for step in steps), default=0)
    plain = approach in (Approach.PROMPT.value, Approach.FINETUNED.value)
    rows, seen, alive = [], False, of
    for step in steps:
        unseen = alive - step["due"]
        alive -= len(step["case_ids"])
        seen = seen or (step["stage"] == "in_prompt" and step["due"] > 0)
        rows.append(_row(system, step, alive, of, unseen, seen=seen, plain=plain))
    shown = [row for row in rows if row["n"] is not None]
    told = charged(ledger)
    return {
        "of": of,
        "rows": rows,
        "shown": shown,
        "absent": _absent(rows),
        "plain": plain,
        "charged": told["here"],
        "outside": told["there"],
    }


def charged(ledger: Ledger) -> dict[str, str]:
    """How the funnel and the lost pass rate fit together for the evidence, in a sentence for each of them.

    The funnel counts a case where the first thing it needs was lost, even if it passes; the pass rate charges a
    failing case to the side of its primary cause. Empty where no evidence was lost, and nobody is charged for any.
    """
    failing = ledger.findings.failing()
    before = np.isin(ledger.lost, [PLACES.index(stage) for stage in OF_EVIDENCE])
    lost, fails = int(np.count_nonzero(before)), int(np.count_nonzero(before[failing.row]))
    blamed = failing.row[failing.side.are(Side.RETRIEVAL.value)]
    both = int(np.count_nonzero(before[blamed]))
    if not lost and not len(blamed):
        return {"here": "", "there": ""}
    here = f"Of {lost:,} cases that lack evidence, {both:,} fail for that: they are retrieval's in the lost pass rate."
    here += f" {fails - both:,} more lack evidence and fail for another cause first; {lost - fails:,} pass all the same."
    if not lost:
        return {"here": "", "there": f"Retrieval's {len(blamed):,} are in no stage of the funnel."}
    elsewhere = len(blamed) - both
    there = (
        f"Retrieval's {len(blamed):,}: {both:,} of the {lost:,} that lack evidence in the funnel"
    )
    there += f", and {elsewhere:,} that are not in its count." if elsewhere else "."
    return {"here": here, "there": there}


def _row(
    system: str,
    step: Mapping[str, Any],
    kept: int,
    of: int,
    unseen: int,
    *,
    seen: bool,
    plain: bool,
) -> dict[str, Any]:
    stage, lost = step["stage"], len(step["case_ids"])
    label = STAGES[stage]
    row: dict[str, Any] = {"stage": stage, "label": label, "of": of, "lost": lost, "n": None}
    row |= {
        "meant": MEANT[stage],
        "share": "",
        "bar": charts.NOTHING,
        "loss": "",
        "href": "",
        "note": "not observed",
    }
    if not step["due"]:
        return row
    side = side_of(stage, seen=seen or plain)
    told = f"{label}: {kept} of {of} get past, {lost} are lost here"
    here = wilson(lost, step["due"])
    return row | {
        "n": kept,
        "side": side,
        "share": percent(kept / of),
        "bar": charts.kept_and_lost(kept / of, lost / of, f"side {side}", told),
        "due": step["due"],
        "loss": percent(lost / step["due"]),
        "loss_bounds": interval_bounds(here),
        "href": cases_link(system=system, lost=stage),
        "note": f"{unseen:,} not observed" if unseen > 0 else "",
    }


def _absent(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [row["label"].lower() for row in rows if row["n"] is None]


def side_of(stage: str, *, seen: bool) -> str:
    """Whose loss a stage is; a wrong answer is the generator's only where the prompt was ``seen``."""
    if stage in OF_FORM:
        return Side.CONTRACT.value
    if stage in OF_ANSWER:
        return Side.GENERATION.value if seen else UNDETERMINED
    return Side.RETRIEVAL.value
