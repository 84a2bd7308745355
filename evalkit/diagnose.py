"""Stage 6, scores x causes -> findings: why each failing case failed, from what its traces show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evalkit.cause import CERTAIN, LIKELY, Cause, Sign
from evalkit.confidence import with_confidence
from evalkit.facts import Facts
from evalkit.gather import probes_in
from evalkit.grade import Graded
from evalkit.observe import facts_of
from evalkit.outcome import CaseOutcome
from evalkit.probes import NOTHING, Probes, probe_facts, readings
from evalkit.records import Case, Certainty, Fact, Finding, Side, Suite


def diagnose(suite: Suite, graded: Graded, causes: Sequence[Cause]) -> list[Finding]:
    """One finding for every case that failed, erred, or passed with a warning; in the order of the suite."""
    return [*_findings(suite, graded, causes)]


def _findings(suite: Suite, graded: Graded, causes: Sequence[Cause]) -> Iterator[Finding]:
    repeats, probes = graded.repeats(), probes_in(suite, graded)
    for case in suite.cases:
        outcome = graded.cases.get(case.id)
        if outcome in (CaseOutcome.FAILED, CaseOutcome.ERROR):
            facts = _worst(suite, case, graded, repeats[case.id])
            yield with_confidence(explain(facts, causes, probes.get(case.id, NOTHING)))
        elif outcome is CaseOutcome.PASSED:
            yield from _warning(suite, case, graded, repeats[case.id], causes)


def _worst(suite: Suite, case: Case, graded: Graded, indices: Sequence[int]) -> Facts:
    """The facts of the repeat shown: the first that failed, an answer before an error."""
    failing = [i for i in indices if graded.passed(i) is False]
    answered = [i for i in failing if graded.traces[i].error is None]
    return facts_of(suite, case, graded, (answered or failing)[0], indices)


def explain(facts: Facts, causes: Sequence[Cause], probes: Probes = NOTHING) -> Finding:
    """The finding for one failing trace: the earliest cause that fits, its look-alikes, and what else is wrong."""
    suspects = [*_suspects(facts, causes, probes)]
    fitting = [s for s in suspects if not s.ruled_out]
    if not fitting or _only_form(fitting, facts):
        return _no_cause(facts, probes, fitting)
    primary = _primary(fitting, facts)
    alike = [] if primary.proven else [s for s in fitting if s.alike(primary)]
    return Finding(
        case_id=facts.case.id,
        repeat=facts.trace.repeat,
        outcome="fail",
        status=Certainty.PROVEN if primary.proven else Certainty.SUSPECTED,
        cause=primary.cause.id,
        side=primary.cause.side,
        stage=primary.cause.stage,
        also=tuple(s.cause.id for s in suspects if s.adds_to(primary) and s not in alike),
        set=(primary.cause.id, *(s.cause.id for s in alike)),
        evidence=_evidence(primary, fitting, probes),
        probes=readings(probes),
        missing=() if primary.proven else _not_asked(primary.cause, probes),
    )


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A cause with what speaks for it, and what the probes say of it."""

    cause: Cause
    sign: Sign | None
    verdict: bool | None

    @property
    def proven(self) -> bool:
        return self.verdict is True or (self.strength >= CERTAIN and self.verdict is None)

    @property
    def strength(self) -> float:
        return self.sign.strength if self.sign else 0.0

    @property
    def ruled_out(self) -> bool:
        return self.verdict is False or (self.sign is None and self.verdict is None)

    def alike(self, other: _Suspect) -> bool:
        """Whether the two can be told apart only by probes."""
        mine, theirs = self.cause, other.cause
        return self is not other and (mine.id in theirs.looks_like or theirs.id in mine.looks_like)

    def adds_to(self, primary: _Suspect) -> bool:
        """Whether it is wrong as well: seen in the facts, and no mere look-alike of the primary cause.

        What the probes ruled out as primary stays visible when it is earlier than a proven primary cause:
        both sides are then at fault.
        """
        if self is primary or self.sign is None:
            return False
        if self.ruled_out:
            both = self.cause.side is Side.RETRIEVAL and primary.cause.side is not Side.RETRIEVAL
            return both and self.strength >= LIKELY
        return self.proven or (self.strength >= LIKELY and not self.alike(primary))


def _suspects(facts: Facts, causes: Sequence[Cause], probes: Probes) -> Iterator[_Suspect]:
    for cause in causes:
        sign, verdict = cause.detect(facts), cause.prove(facts, probes)
        if sign is not None or verdict is True:
            yield _Suspect(cause, sign, verdict)


def _primary(suspects: Sequence[_Suspect], facts: Facts) -> _Suspect:
    """The earliest stage that explains the failure; among look-alikes the proven, then the strongest one.

    A generator that is right at other times is unstable before it is anything else.
    """
    likely = [s for s in suspects if s.proven or s.strength >= LIKELY] or list(suspects)
    rivals = [s for s in likely if s is likely[0] or s.alike(likely[0])]
    best = max(rivals, key=lambda s: (s.proven, s.strength))
    wavers = next((s for s in suspects if s.cause.id == "inconsistency"), None)
    if wavers and best.cause.side is wavers.cause.side and facts.right is False:
        return wavers
    return best


def _evidence(primary: _Suspect, fitting: Sequence[_Suspect], probes: Probes) -> tuple[Fact, ...]:
    """The chain a person can check: the primary cause's facts, what the probes showed, then the rest."""
    own = primary.sign.evidence if primary.sign else ()
    others = [s for s in fitting if s is not primary]
    if primary.proven:
        others = [s for s in others if s.adds_to(primary)]
    rest = (fact for s in others if s.sign for fact in s.sign.evidence)
    asked = [f for f in rest if f.value is not None or f.fact not in probes.found]
    return (*own, *probe_facts(probes), *asked)


def _not_asked(cause: Cause, probes: Probes) -> tuple[str, ...]:
    return tuple(name for name in cause.conditions if name not in probes.found)


def _only_form(fitting: Sequence[_Suspect], facts: Facts) -> bool:
    """What is said is wrong, and all that we see is how it is said: mending that alone would not help."""
    contract = all(s.cause.side is Side.CONTRACT for s in fitting)
    return contract and facts.right is False and bool(facts.missing)


def _no_cause(facts: Facts, probes: Probes, seen: Sequence[_Suspect]) -> Finding:
    """Nothing explains it: either something we would need is missing, or our rules are incomplete."""
    lacking = _lacking(facts)
    status = Certainty.UNDETERMINED if lacking else Certainty.UNEXPLAINED
    text = lacking or "no rule of ours explains this failure"
    return Finding(
        case_id=facts.case.id,
        repeat=facts.trace.repeat,
        outcome="fail",
        status=status,
        also=tuple(s.cause.id for s in seen),
        evidence=(Fact("lacking", lacking or None, text), *probe_facts(probes)),
        probes=readings(probes),
        missing=("oracle_context",) if lacking and "oracle_context" not in probes.found else (),
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
