"""The funnel from corpus to answer as rows: how many cases get past each stage, and whose loss the others are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalkit.diagnosis import UNDETERMINED
from evalkit.pages import charts
from evalkit.pages.links import cases_link
from evalkit.pages.wording import interval_bounds, percent
from evalkit.records import Approach, Side
from evalkit.stats.intervals import wilson

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
# Under which stage the findings of a loss are filed.
FILED = {
    "in_corpus": "corpus",
    "chunk_intact": "chunking",
    "retrieved": "retrieval",
    "ranked": "ranking",
    "in_prompt": "context",
    "used": "generation",
    "grounded": "generation",
    "correct": "generation",
    "well_formed": "contract",
    "on_style": "contract",
}
OF_FORM = ("well_formed", "on_style")
OF_ANSWER = ("used", "grounded", "correct")


def funnel_view(system: str, steps: Iterable[Mapping[str, Any]], approach: str) -> dict[str, Any]:
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
    return {"of": of, "rows": rows, "shown": shown, "absent": _absent(rows), "plain": plain}


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
    row |= {"share": "", "bar": charts.NOTHING, "loss": "", "href": "", "note": "not observed"}
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
        "href": cases_link(system=system, stage=FILED[stage], status="failing"),
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
