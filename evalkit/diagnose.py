"""Stage 6, scores x causes -> findings: why each failing case failed, from what its traces show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from evalkit.cause import CERTAIN, LIKELY, Cause, Proof, Sign
from evalkit.confidence import with_confidence
from evalkit.doctor.doubt import Doubts, doubted
from evalkit.doubtful import ANYWAY, doubt_about, doubts_under, in_doubt
from evalkit.facts import Facts
from evalkit.gather import probes_in
from evalkit.grade import Graded
from evalkit.inquiry import STEADY, Varies, index_of
from evalkit.observe import facts_of
from evalkit.outcome import CaseOutcome
from evalkit.probes import NOTHING, Probes, probe_facts, readings
from evalkit.records import Case, Certainty, Fact, Finding, Side, Suite

BESIDE = (Side.SYSTEM, Side.CONTRACT)  # what shows whatever is said
OF_GOLD = frozenset(
    (
        "oracle_context",
        "oracle_plus_noise",
        "gold_first",
        "edited_context",
        "closed_book",
        "merged_chunks",
    )
)  # conditions that put the gold documents into the prompt, or take documents away from it
SO = "so"  # the fact that ends the chain of a proven cause


def diagnose(
    suite: Suite,
    graded: Graded,
    causes: Sequence[Cause],
    doubts: Doubts | None = None,
    elsewhere: Varies = STEADY,
) -> list[Finding]:
    """One finding for every case that failed, erred, or passed with a warning; in the order of the suite.

    ``doubts`` are the complaints of the label doctor by case: such labels are blamed before the system is. ``elsewhere``
    is how far the system was seen to vary in cases that are not among these.
    """
    return [*_findings(suite, graded, causes, doubts or {}, probes_in(suite, graded, elsewhere))]


def _findings(
    suite: Suite,
    graded: Graded,
    causes: Sequence[Cause],
    doubts: Doubts,
    probes: Mapping[str, Probes],
) -> Iterator[Finding]:
    repeats, under = graded.repeats(), index_of(graded)
    for case in suite.cases:
        outcome = graded.cases.get(case.id)
        if outcome in (CaseOutcome.FAILED, CaseOutcome.ERROR):
            facts = _worst(suite, case, graded, repeats[case.id])
            asked = doubts_under(suite, graded, facts, probes.get(case.id, NOTHING), under[case.id])
            found = explain(facts, causes, asked)
            attained = facts.repeats_right > 0 or asked.any_right
            complaints = doubts.get(case.id, ())
            doubt = doubt_about(suite, graded, facts, asked, repeats[case.id])
            sure = in_doubt(found, doubt, partial(_beside, facts, causes, asked))
            yield with_confidence(doubted(sure, complaints, attained=attained))
        elif outcome is CaseOutcome.PASSED:
            asked = probes.get(case.id, NOTHING)
            yield from _warning(suite, case, graded, repeats[case.id], causes, asked)


def _worst(suite: Suite, case: Case, graded: Graded, indices: Sequence[int]) -> Facts:
    """The facts of the repeat shown: the first that failed, an answer before an error."""
    failing = [i for i in indices if graded.passed(i) is False]
    answered = [i for i in failing if graded.traces[i].error is None]
    return facts_of(suite, case, graded, (answered or failing)[0], indices)


def _beside(facts: Facts, causes: Sequence[Cause], probes: Probes) -> Finding:
    """What is wrong with an answer whatever it says."""
    shown = [c for c in causes if c.side in BESIDE or c.id in ANYWAY]
    return _explained(replace(facts, right=None), shown, probes)


def explain(facts: Facts, causes: Sequence[Cause], probes: Probes = NOTHING) -> Finding:
    """The finding for one failing trace: the earliest cause that fits, its look-alikes, and what else is wrong.

    Where an answer under a condition may be right for all that can be told, so are the causes of both readings
    possible: that which it mends leads, since the answer did change, and none is proven.
    """
    graded = _explained(facts, causes, probes)
    if not probes.doubtful:
        return graded
    mended = _explained(facts, causes, probes.benefit())
    if mended.cause in (None, graded.cause):
        return graded if mended.cause else _suspected(graded)
    names = dict.fromkeys((*mended.set, *graded.set))
    own = (f for f in mended.evidence if f.fact != SO and f.fact not in probes.found)
    return replace(
        mended,
        status=Certainty.SUSPECTED,
        set=tuple(names),
        also=tuple(name for name in mended.also if name not in names),
        evidence=(*own, *probe_facts(probes)),
        probes=readings(probes),
    )


def _suspected(found: Finding) -> Finding:
    """A proven finding as a suspected one."""
    proven = found.status is Certainty.PROVEN
    return replace(found, status=Certainty.SUSPECTED) if proven else found


def _explained(facts: Facts, causes: Sequence[Cause], probes: Probes) -> Finding:
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
        missing=() if primary.proven else _not_asked(primary.cause, facts, probes),
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
    """The earliest stage that explains the failure; among look-alikes the first proven, else the strongest one.

    A generator that is right at other times is unstable before it is anything else.
    """
    strong = [s for s in suspects if s.proven or s.strength >= LIKELY] or list(suspects)
    likely = _without_mere_doubt(strong)
    rivals = [s for s in likely if s is likely[0] or s.alike(likely[0])]
    proven = [s for s in rivals if s.proven]
    best = proven[0] if proven else max(rivals, key=lambda s: s.strength)
    wavers = next((s for s in suspects if s.cause.id == "inconsistency"), None)
    if (
        best is wavers and facts.right is True
    ):  # what is said is right: what breaks at times is the form
        return next((s for s in likely if s.cause.side is Side.CONTRACT), best)
    if wavers and best.cause.side is wavers.cause.side and facts.right is False:
        return wavers
    return best


def _without_mere_doubt(likely: Sequence[_Suspect]) -> Sequence[_Suspect]:
    """The suspects without a suite that is merely suspected, where a stage of the system is proven to fail."""
    if any(s.proven and s.cause.side in (Side.RETRIEVAL, Side.GENERATION) for s in likely):
        return [s for s in likely if s.proven or s.cause.side is not Side.SUITE]
    return likely


def _evidence(primary: _Suspect, fitting: Sequence[_Suspect], probes: Probes) -> tuple[Fact, ...]:
    """The chain a person can check: the primary cause's facts, what the probes showed, then the rest.

    A proven cause ends its chain with what follows; what else is wrong stands behind it.
    """
    own = _told(primary.sign.evidence, probes) if primary.sign else ()
    others = [s for s in fitting if s is not primary]
    if primary.proven:
        others = [s for s in others if s.adds_to(primary)]
    rest = _told([fact for s in others if s.sign for fact in s.sign.evidence], probes)
    if not primary.proven:
        return (*own, *probe_facts(probes), *rest)
    besides = (replace(f, text=f"besides: {f.text}") for f in rest)
    return (*own, *probe_facts(probes, _telling(primary.cause)), _so(primary.cause), *besides)


def _told(facts: Sequence[Fact], probes: Probes) -> tuple[Fact, ...]:
    """The facts without the mere questions that a condition has answered since."""
    return tuple(f for f in facts if f.value is not None or f.fact not in probes.found)


def _telling(cause: Cause) -> frozenset[str]:
    """The conditions that a cause's proof reads, and those that say what mends it."""
    reads_gold = cause.proof in (Proof.FLIP, Proof.PERSISTENCE)
    return frozenset((*cause.conditions, *(("oracle_context",) if reads_gold else ())))


def _so(cause: Cause) -> Fact:
    meaning = cause.meaning[:1].lower() + cause.meaning[1:].rstrip(".")
    return Fact(SO, cause.id, f"so: {meaning}")


def _not_asked(cause: Cause, facts: Facts, probes: Probes) -> tuple[str, ...]:
    """The cause's conditions that were not asked, and can be: those with the gold documents need some, and so does their lack."""
    named = tuple(name for name in cause.conditions if name not in probes.found)
    gold = any((facts.case.relevant or {}).values())
    labelled = gold or any(point.evidence for point in facts.case.key_points or ())
    return tuple(name for name in named if labelled or name not in OF_GOLD)


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
    suite: Suite,
    case: Case,
    graded: Graded,
    indices: Sequence[int],
    causes: Sequence[Cause],
    probes: Probes,
) -> Iterator[Finding]:
    """A right answer without evidence, or with statements nothing supports, does not pass in silence."""
    if graded.approach.value not in ("rag", "hybrid"):
        return
    for index in indices:
        facts = facts_of(suite, case, graded, index, indices)
        if facts.right is not True or facts.refused or not facts.answerable:
            continue
        seen = [(c, s) for c in causes if c.warns and (s := c.detect(facts)) is not None]
        supposed = _supposed(facts) if seen else facts
        suspects = [(c, s) for c, s in seen if c.prove(supposed, probes) is not False]
        if suspects:
            cause, sign = max(suspects, key=lambda s: s[1].strength)
            finding = explain_warning(facts, cause, sign, probes)
            yield replace(finding, also=tuple(c.id for c, _ in suspects if c is not cause))
            return


def _supposed(facts: Facts) -> Facts:
    """The facts as if what was said without evidence had not been said: what look-ups rule out then, they rule out."""
    return replace(facts, right=False, points=tuple(replace(p, stated=False) for p in facts.points))


def explain_warning(facts: Facts, cause: Cause, sign: Sign, probes: Probes = NOTHING) -> Finding:
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
        evidence=(*sign.evidence, *probe_facts(probes, _telling(cause))),
        probes=readings(probes),
    )
