"""Stage 6, scores x causes -> findings: why each failing case failed, from what its traces show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from evalkit.cause import CERTAIN, Cause, Sign
from evalkit.facts import Facts, other_source, points, stale_documents
from evalkit.grade import Graded
from evalkit.outcome import CaseOutcome
from evalkit.records import Case, Certainty, Claim, Fact, Finding, Suite

Suspect = tuple[Cause, Sign]


def diagnose(suite: Suite, graded: Graded, causes: Sequence[Cause]) -> list[Finding]:
    """One finding for every case that failed, erred, or passed with a warning; in the order of the suite."""
    return [*_findings(suite, graded, causes)]


def _findings(suite: Suite, graded: Graded, causes: Sequence[Cause]) -> Iterator[Finding]:
    repeats = graded.repeats()
    for case in suite.cases:
        outcome = graded.cases.get(case.id)
        if outcome in (CaseOutcome.FAILED, CaseOutcome.ERROR):
            yield explain(_worst(suite, case, graded, repeats[case.id]), causes)
        elif outcome is CaseOutcome.PASSED:
            yield from _warning(suite, case, graded, repeats[case.id], causes)


def _worst(suite: Suite, case: Case, graded: Graded, indices: Sequence[int]) -> Facts:
    """The facts of the repeat shown: the first that failed, an answer before an error."""
    failing = [i for i in indices if graded.passed(i) is False]
    answered = [i for i in failing if graded.traces[i].error is None]
    return facts_of(suite, case, graded, (answered or failing)[0], indices)


def facts_of(suite: Suite, case: Case, graded: Graded, index: int, repeats: Sequence[int]) -> Facts:
    """Everything the causes may look at for trace number ``index``."""
    trace, evidence = graded.traces[index], graded.evidence[index]
    right = graded.outcomes.right[index]
    broken = graded.outcomes.broken[index]
    claims = evidence.claims if evidence and evidence.claims else ()
    return Facts(
        case=case,
        trace=trace,
        approach=graded.approach,
        k=suite.k,
        right=False if "behaviour" in broken else right,
        refused=graded.scores.value("refused", index) == 1.0,
        broken=broken,
        points=points(suite, trace, case, evidence, graded.approach),
        unsupported=_texts(c for c in claims if c.supported is False and not c.contradicted),
        contradicted=_texts(c for c in claims if c.contradicted),
        other_source=other_source(case, trace),
        stale=stale_documents(suite, case, trace),
        leaked=tuple(
            d for d in case.forbidden or () if d in {p.doc_id for p in trace.context or ()}
        ),
        repeats_right=sum(graded.passed(i) is True for i in repeats),
        repeats=len(repeats),
        notes=_notes(graded, index, broken),
    )


def _texts(claims: Iterator[Claim]) -> tuple[str, ...]:
    return tuple(claim.text for claim in claims)


def _notes(graded: Graded, index: int, broken: Sequence[str]) -> Mapping[str, str]:
    columns = graded.scores.columns
    return {name: columns[name].notes[index] for name in broken if index in columns[name].notes}


def explain(facts: Facts, causes: Sequence[Cause]) -> Finding:
    """The finding for one failing trace: the earliest cause that fits, its look-alikes, and what else is wrong."""
    suspects = [(cause, sign) for cause in causes if (sign := cause.detect(facts)) is not None]
    if not suspects:
        return _no_cause(facts)
    cause, sign = _primary(suspects, facts)
    alike = [c for c, _ in suspects if c.id in cause.looks_like or cause.id in c.looks_like]
    proven = sign.strength >= CERTAIN
    also = [c.id for c, _ in suspects if c is not cause and c not in alike]
    return Finding(
        case_id=facts.case.id,
        repeat=facts.trace.repeat,
        outcome="fail",
        status=Certainty.PROVEN if proven else Certainty.SUSPECTED,
        cause=cause.id,
        side=cause.side,
        stage=cause.stage,
        also=(*also, *(c.id for c in alike if proven and c is not cause)),
        set=(cause.id,) if proven else (cause.id, *(c.id for c in alike if c is not cause)),
        evidence=_evidence(sign, suspects, cause),
        missing=() if proven else cause.conditions,
    )


def _primary(suspects: Sequence[Suspect], facts: Facts) -> Suspect:
    """The earliest stage that explains the failure, and in it the strongest sign.

    A case whose repeats mostly pass is unstable before it is anything else that the generator did.
    """
    likely = [s for s in suspects if s[1].strength >= 0.5] or list(suspects)
    first = likely[0]
    rivals = [s for s in likely if s[0].id in first[0].looks_like or s[0] is first[0]]
    best = max(rivals, key=lambda s: s[1].strength)
    wavers = next((s for s in suspects if s[0].id == "inconsistency"), None)
    if wavers and best[0].side is wavers[0].side and 2 * facts.repeats_right >= facts.repeats:
        return wavers
    return best


def _evidence(sign: Sign, suspects: Sequence[Suspect], primary: Cause) -> tuple[Fact, ...]:
    others = (fact for cause, other in suspects if cause is not primary for fact in other.evidence)
    return (*sign.evidence, *others)


def _no_cause(facts: Facts) -> Finding:
    """Nothing fits: either something we would need is missing, or our rules are incomplete."""
    lacking = _lacking(facts)
    status = Certainty.UNDETERMINED if lacking else Certainty.UNEXPLAINED
    text = lacking or "no rule of ours explains this failure"
    return Finding(
        case_id=facts.case.id,
        repeat=facts.trace.repeat,
        outcome="fail",
        status=status,
        evidence=(Fact("lacking", lacking or None, text),),
        missing=("oracle_context",) if lacking else (),
    )


def _lacking(facts: Facts) -> str:
    if facts.case.relevant is None and not any(p.evidence for p in facts.points):
        return "no gold document is labelled, so retrieval and generation cannot be told apart"
    if facts.trace.retrieved is None and facts.trace.context is None:
        return "the system shows neither what it retrieved nor its context"
    return ""


def _warning(
    suite: Suite, case: Case, graded: Graded, indices: Sequence[int], causes: Sequence[Cause]
) -> Iterator[Finding]:
    """A right answer without evidence, or with statements nothing supports, does not pass in silence."""
    for index in indices:
        facts = facts_of(suite, case, graded, index, indices)
        if facts.right is not True or facts.refused or not facts.answerable:
            continue
        suspects = [(c, s) for c in causes if c.warns and (s := c.detect(facts)) is not None]
        if suspects and graded.approach.value in ("rag", "hybrid"):
            cause, sign = max(suspects, key=lambda s: s[1].strength)
            finding = explain_warning(facts, cause, sign)
            yield replace(finding, also=tuple(c.id for c, _ in suspects if c is not cause))
            return


def explain_warning(facts: Facts, cause: Cause, sign: Sign) -> Finding:
    """The finding for a right answer that lacks its evidence."""
    return Finding(
        case_id=facts.case.id,
        repeat=facts.trace.repeat,
        outcome="warn",
        status=Certainty.SUSPECTED,
        cause=cause.id,
        side=cause.side,
        stage=cause.stage,
        set=(cause.id,),
        evidence=sign.evidence,
    )
