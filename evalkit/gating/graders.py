"""May the judge that graded a run decide about a release? What `evalkit judge-check` found says."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from evalkit.gating.shown import short
from evalkit.gating.snapshot import Snapshot
from evalkit.records import Approach, Suite

FILE = "judge-check.json"
OWN = "embedded"  # evalkit's own judge, whose agreement with people is in docs/accuracy.md


def grader_notes(
    suite: Suite, folder: Path, candidate: Snapshot, metrics: Collection[str]
) -> list[str]:
    """Why ``metrics`` of this run should not gate, a sentence each; empty where they may.

    Read is judge-check.json of the run's folder, else of the suite's. Without one evalkit's own judge may gate and any
    other may not.
    """
    from evalkit.judging.gate_notes import judge_notes, quantities_behind, read_check

    approach = Approach(candidate.approach)
    behind = {q for metric in metrics for q in quantities_behind(metric, suite, approach)}
    if not behind:
        return []
    own = candidate.judge.partition("/")[0] == OWN
    place = next((p for p in (folder / FILE, suite.folder / FILE) if p.exists()), None)
    if place is None:
        told = (
            f"the judge {short(candidate.judge)} was never held against people: there is no {FILE}"
        )
        return [] if own else [told]
    checked = read_check(place)
    if own and checked["judge"]["fingerprint"] != candidate.judge:
        return []
    return judge_notes(suite, metrics, checked, candidate.judge, approach=approach)
