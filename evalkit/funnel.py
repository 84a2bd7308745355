"""How far the cases get, stage by stage, from the evidence in the corpus to an answer on style."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.facts import Reach
from evalkit.grade import Graded
from evalkit.ledger.columns import Ledger
from evalkit.ledger.words import listed
from evalkit.records import Approach, Case, Expected, Finding, Interval, Status, Suite, Trace
from evalkit.score import CODE
from evalkit.stats.intervals import wilson

STAGES = (
    "in_corpus",
    "chunk_intact",
    "retrieved",
    "ranked",
    "in_prompt",
    "used",
    "grounded",
    "correct",
    "well_formed",
    "on_style",
)
# Where a cause loses a case. What the probes proved outweighs what the list shows: one that ends at k hides
# whether the evidence stood lower, and the index may lack what the corpus has.
LOST_BY: Mapping[str, str] = {
    "corpus_gap": "in_corpus",
    "stale_document": "in_corpus",
    "chunk_boundary": "chunk_intact",
    "retrieval_miss": "retrieved",
    "access_violation": "retrieved",
    "ranking_low": "ranked",
    "context_truncated": "in_prompt",
    "noise_distraction": "used",
    "position_sensitivity": "used",
    "parametric_override": "used",
    "over_refusal": "used",
    "incomplete_answer": "used",
    "ungrounded_content": "grounded",
}
NOWHERE = 255  # the stage that lost a case, where none did
_OF_EVIDENCE = STAGES[:5]
_LOST_AT = {
    Reach.NOWHERE: "in_corpus",
    Reach.INDEXED: "retrieved",
    Reach.POOLED: "ranked",
    Reach.TOP_K: "in_prompt",
}
_FORM = ("schema_valid", "format_valid", "citation_precision")


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: ``due`` cases came this far and can be observed, those in ``case_ids`` were lost here.

    ``kept`` is the share of the due that get past, with Wilson's interval; None where nothing was observed.
    """

    stage: str
    due: int
    case_ids: Sequence[str]
    kept: Interval | None


def funnel(ledger: Ledger) -> tuple[Step, ...]:
    """The funnel of one system over the cases that want an answer, are labelled and did not err.

    A case is lost at the earliest stage where anything it needs was lost, be the answer right or wrong, and
    is due at no later one. A stage that the system does not show for a case is passed over.
    """
    order = ledger.in_suite_order
    way, lost = ledger.way[order], ledger.lost[order]
    steps = []
    for number, stage in enumerate(STAGES):
        due, gone = int(np.count_nonzero(way & (1 << number))), order[lost == number]
        steps.append(Step(stage, due, ledger.names(gone), wilson(due - len(gone), due)))
    return tuple(steps)


def ways(
    suite: Suite, graded: Graded, findings: Mapping[str, Finding]
) -> Iterator[tuple[int, int]]:
    """Of each graded case a bit for every stage at which it was due, and the stage that lost it (255: none)."""
    repeats = graded.repeats()
    cases = {case.id: case for case in suite.cases}
    for case_id in graded.cases:
        case, finding = cases[case_id], findings.get(case_id)
        index = _shown(graded, repeats[case_id], finding)
        due, lost = 0, NOWHERE
        if _counts(case) and graded.traces[index].error is None:
            for stage, kept in _way(suite, case, graded, index, finding):
                due |= 1 << STAGES.index(stage)
                if not kept:
                    lost = STAGES.index(stage)
                    break
        yield due, lost


def _counts(case: Case) -> bool:
    """Whether the case wants an answer, and says what a right one needs."""
    wants = case.expected not in (Expected.REFUSE, Expected.CLARIFY)
    labels = (case.relevant, case.key_points, case.reference, case.reference_object)
    return wants and any(label is not None for label in labels)


def _shown(graded: Graded, indices: Sequence[int], finding: Finding | None) -> int:
    """The trace that stands for a case: the repeat of its finding, else the first."""
    if finding is None:
        return indices[0]
    return next((i for i in indices if graded.traces[i].repeat == finding.repeat), indices[0])


def _way(
    suite: Suite, case: Case, graded: Graded, index: int, finding: Finding | None
) -> Iterator[tuple[str, bool]]:
    """Each stage that can be observed for the case, in order, with whether the case gets past."""
    trace, approach = graded.traces[index], graded.approach
    blamed = {finding.cause, *finding.also} if finding else set()
    lost_by = {LOST_BY[cause] for cause in blamed if cause and cause in LOST_BY}
    seen = _evidence(suite, case, trace, approach)
    if seen is not None:
        first = _first_lost(seen, finding)
        for stage in _OF_EVIDENCE:
            if stage == first or _observed(stage, suite, trace, seen):
                yield stage, stage != first
    if approach is Approach.RETRIEVER:
        return
    if trace.context:
        yield "used", "used" not in lost_by
        yield "grounded", "grounded" not in lost_by
    yield from _answer(graded, index, finding)


def _answer(graded: Graded, index: int, finding: Finding | None) -> Iterator[tuple[str, bool]]:
    broken = graded.outcomes.broken[index]
    right = False if {"behaviour", "criteria"} & set(broken) else graded.outcomes.right[index]
    unstable = finding is not None and finding.cause == "inconsistency" and right is True
    if right is not None or unstable:
        yield "correct", right is True and not unstable
    for stage, metrics in (("well_formed", _FORM), ("on_style", ("style",))):
        if any(_scored(graded, name, index) for name in metrics):
            yield stage, not set(metrics) & set(broken)


def _scored(graded: Graded, metric: str, index: int) -> bool:
    column = graded.scores.columns.get(metric)
    return column is not None and bool(column.status[index] == CODE[Status.SCORED])


# --- the way of the evidence -----------------------------------------------------------------


def _evidence(
    suite: Suite, case: Case, trace: Trace, approach: Approach
) -> tuple[Reach | None, ...] | None:
    """How far each thing that the answer needs came, by document; None where no retrieval is to be seen.

    Pieces of documents are left to the findings: ``chunk_boundary`` and ``context_truncated`` read the texts.
    """
    plain = approach in (Approach.PROMPT, Approach.FINETUNED)
    if trace.context is None and (plain or trace.retrieved is None):
        return None
    gold = frozenset(d for d, grade in (case.relevant or {}).items() if grade > 0)
    needs = [frozenset(point.evidence) or gold for point in case.key_points or ()] or [gold]
    return tuple(_reach(suite, trace, need) for need in needs if need) or None


def _reach(suite: Suite, trace: Trace, need: frozenset[str]) -> Reach | None:
    """How far any one of these documents came; None where that is not shown."""
    if trace.context is not None and any({p.doc_id, p.chunk_id} & need for p in trace.context):
        return Reach.PROMPT
    if trace.retrieved is None:
        return None
    ranks = (i for i, p in enumerate(trace.retrieved, 1) if {p.doc_id, p.chunk_id} & need)
    rank = next(ranks, None)
    if rank is not None and rank <= max(suite.k, suite.pool):
        if rank > suite.k:
            return Reach.POOLED
        return Reach.PROMPT if trace.context is None else Reach.TOP_K
    known = (name in suite.corpus or name.rpartition("#")[0] in suite.corpus for name in need)
    return Reach.INDEXED if not suite.corpus or any(known) else Reach.NOWHERE


def _first_lost(reached: Sequence[Reach | None], finding: Finding | None) -> str | None:
    """The earliest stage at which something needed was lost; None where all of it came through.

    What is absent from a prompt whose list is not shown was lost there, for all that can be seen.
    """
    stages = {"in_prompt" if r is None else _LOST_AT.get(r) for r in reached} - {None}
    if finding is not None and (stages or finding.outcome == "fail"):
        named = {LOST_BY.get(finding.cause or ""), *(LOST_BY.get(c) for c in finding.also)}
        blamed = named & set(_OF_EVIDENCE)
        primary = LOST_BY.get(finding.cause or "")
        stages = ({primary} if primary in blamed else blamed) or stages
    return min((s for s in stages if s), key=STAGES.index, default=None)


def _observed(stage: str, suite: Suite, trace: Trace, reached: Sequence[Reach | None]) -> bool:
    """Whether it can be seen that everything needed got past a stage."""
    if stage == "in_corpus":
        return bool(suite.corpus)
    if stage == "chunk_intact":
        return all(r is Reach.PROMPT for r in reached) and trace.context is not None
    if stage == "in_prompt":
        return trace.context is not None
    return trace.retrieved is not None


def step_json(step: Step) -> dict[str, object]:
    """One stage as it stands in diagnosis.json; null where the system does not show it."""
    kept = step.kept
    lost = len(step.case_ids)
    return {
        "stage": step.stage,
        "status": "observed" if kept else "not_observed",
        "due": step.due,
        "kept": step.due - lost if kept else None,
        "lost": lost if kept else None,
        "low": kept and kept.low,
        "high": kept and kept.high,
        "case_ids": listed(step.case_ids),
    }
