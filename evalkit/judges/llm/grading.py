"""Puts the verdicts on one trace together into evidence, with what has no field of its own as remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalkit.judges.cited import cited, gold_of
from evalkit.judges.llm.parse import ClaimVerdict, Verdict
from evalkit.judges.llm.plan import Plan
from evalkit.records import Case, Claim, Criterion, Evidence, Trace

MOST_REASONS = 60


@dataclass(frozen=True, slots=True)
class Grading:
    """Evidence, and by name what it has no field for: ``context``, ``criterion ID``, ``style RULE``."""

    evidence: Evidence
    remarks: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> Evidence:
        """The evidence with the remarks among its reasons, as ``name: word``."""
        told = tuple(f"{name}: {word}" for name, word in self.remarks.items())
        reasons = (*told, *self.evidence.reasons)
        if len(reasons) > MOST_REASONS:
            left_out = len(reasons) - MOST_REASONS
            reasons = (*reasons[:MOST_REASONS], f"{left_out} further reasons")
        return replace(self.evidence, reasons=reasons)


def nothing_said(name: str, case: Case, trace: Trace) -> Grading:
    """The grading of an answer that says nothing: it fails everything, and no judge is asked."""
    evidence = Evidence(
        name,
        claims=(),
        covered=None if case.key_points is None else (0.0,) * len(case.key_points),
        correct=0.0 if case.reference else None,
        refused=0.0,
        cited=cited(trace.citations, trace.context, ()),
        reasons=(
            "the answer says nothing: blank, or punctuation or an opening only; no judge was asked",
        ),
    )
    remarks = {f"criterion {c.id}": "not addressed" for c in case.criteria or ()}
    return Grading(evidence, remarks)


def graded(name: str, case: Case, trace: Trace, made: Plan, verdicts: Sequence[Verdict]) -> Grading:
    """The grading that one verdict for each request of the plan comes to."""
    whole = verdicts[0]
    decided = [claim for verdict in verdicts for claim in verdict.claims]
    found = made.claims and tuple(
        _claim(claim, decided[i] if i < len(decided) else None, trace, made)
        for i, claim in enumerate(made.claims)
    )
    points = len(case.key_points or ())
    evidence = Evidence(
        name,
        claims=found if made.claims is not None else None,
        covered=None
        if case.key_points is None
        else (*(whole.covered or ()), *(None,) * (points - len(whole.covered or ()))),
        correct=whole.correct,
        refused=whole.refused,
        cited=_cited(case, trace, found or (), made.plain),
        reasons=(
            *made.notes,
            *(f"judge: {verdict.reason}" for verdict in verdicts if verdict.reason),
        ),
    )
    return Grading(evidence, _remarks(case, trace, made, whole))


def _claim(claim: Claim, verdict: ClaimVerdict | None, trace: Trace, made: Plan) -> Claim:
    """A claim as decided; absent from a context that was shown in part only is undecided."""
    if trace.context == ():
        known = None if verdict is None else verdict.in_reference
        return replace(claim, supported=False, in_reference=known)
    if verdict is None:
        return claim
    supported: bool | None = verdict.stance == "supported"
    if trace.context is None or (verdict.stance == "absent" and not made.whole):
        supported = None
    return Claim(
        text=claim.text,
        start=claim.start,
        end=claim.end,
        supported=supported,
        contradicted=verdict.stance == "contradicted",
        passage=verdict.passage,
        in_reference=verdict.in_reference,
    )


def _cited(
    case: Case, trace: Trace, claims: Sequence[Claim], plain: Sequence[str]
) -> tuple[bool | None, ...] | None:
    """By the words of the claims without their marks, as the embedded judge does; a passage the model named for a claim settles it."""
    said = tuple(replace(claim, text=text) for claim, text in zip(claims, plain, strict=True))
    found = cited(trace.citations, trace.context, said, gold_of(case))
    if found is None or trace.context is None:
        return found
    used = {
        name
        for claim in claims
        if claim.supported and claim.passage is not None
        for name in (trace.context[claim.passage].doc_id, trace.context[claim.passage].chunk_id)
    }
    named = trace.citations or ()
    return tuple(True if name in used else old for name, old in zip(named, found, strict=True))


def _remarks(case: Case, trace: Trace, made: Plan, verdict: Verdict) -> dict[str, str]:
    remarks: dict[str, str] = {}
    if verdict.context is not None:
        remarks["context"] = verdict.context + ("" if made.whole else " (as far as shown)")
    elif trace.context == ():
        remarks["context"] = "insufficient"
    for criterion, (addressed, finding) in zip(
        case.criteria or (), verdict.criteria or (), strict=False
    ):
        remarks[f"criterion {criterion.id}"] = _finding(criterion, addressed, finding)
    for rule, kept in zip(made.style, verdict.style or (), strict=True):
        remarks[f"style, {rule}"] = "kept" if kept else "broken"
    return remarks


def _finding(criterion: Criterion, addressed: bool, finding: str) -> str:  # noqa: FBT001
    if not addressed:
        return "not addressed"
    if criterion.verdict is None:
        return f"addressed, finding {finding}"
    right = "right" if finding == criterion.verdict else f"wrong, it is {criterion.verdict}"
    return f"addressed, finding {finding} ({right})"
