"""Failing answers that may be right: what shows it, and what a finding may still say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.condition import Reading
from evalkit.confidence import MARKS
from evalkit.counterevidence import LEFT_OUT, speaks_against
from evalkit.facts import Facts, Reach
from evalkit.grade import Graded
from evalkit.observe import facts_of
from evalkit.outcome import correct_rules
from evalkit.probes import NOTHING, Probes
from evalkit.records import Case, Certainty, Fact, Finding, Side, Suite

SPLIT, NEAR, OTHER_WORDS = MARKS
_TOLD = {
    SPLIT: "the judge disagrees with itself: the answer equals the reference, and has none of the key points",
    NEAR: "the answer counts as wrong, and has the numbers and words of the label: it may be right",
    OTHER_WORDS: "the answer lacks words of the label, and nothing in it speaks against the label: it may be right in other words",
}
WORDS_ALONE = "embedded"  # the judge that compares words
OF_WORDS = frozenset(
    ("key_points", "equivalence")
)  # what it decides; a metric that a suite names is a demand
NOT_ITS_WORDS = "graded by more than words"
SHOWN = (Side.SYSTEM, Side.CONTRACT)  # what shows whatever is said
ANYWAY = frozenset(("access_violation",))  # ... and so does this
BRINGING = frozenset(("oracle_context", "gold_first", "merged_chunks", "more_room"))  # the evidence
FLIPPED = frozenset(
    ("noise_distraction", "position_sensitivity")
)  # other words under another condition


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why an answer that counts as wrong may be right; ``open`` where nothing at all speaks against it."""

    mark: str
    open: bool

    @property
    def fact(self) -> Fact:
        """What a finding says of it."""
        return Fact(self.mark, value=True, text=_TOLD[self.mark])


def doubt_about(
    suite: Suite, graded: Graded, first: Facts, probes: Probes, indices: Sequence[int]
) -> Doubt | None:
    """The doubt about a failing case: that about its repeat shown, unless some repeat is wrong beyond doubt."""
    failing = [i for i in indices if graded.passed(i) is False and graded.traces[i].error is None]
    found: Doubt | None = None
    for i in failing:
        shown = graded.traces[i].repeat == first.trace.repeat
        facts = first if shown else facts_of(suite, first.case, graded, i, indices)
        doubt = doubt_of(facts, probes, words=_by_words(suite, graded, first.case, i))
        if doubt is None:
            return None
        found = doubt if shown else found
    return found


def doubts_under(
    suite: Suite,
    graded: Graded,
    facts: Facts,
    probes: Probes,
    under: Mapping[str, Sequence[int]],
) -> Probes:
    """The probes, with doubt about wrong answers that changed once their evidence came, and that nothing speaks against.

    ``under`` has the trace numbers of the case by condition.
    """
    if facts.lost is None or facts.lost is Reach.PROMPT:
        return probes
    found = dict(probes.found)
    for name in BRINGING & found.keys():
        one, index = found[name], under[name][0]
        if one.reading is not Reading.FAIL or one.refused or one.same is not False:
            continue
        if _by_words(suite, graded, facts.case, index):
            there = facts_of(suite, facts.case, graded, index, [index])
            open_ = speaks_against(there, NOTHING) is None
            found[name] = replace(one, doubtful=one.doubtful or open_)
    return Probes(found)


def _by_words(suite: Suite, graded: Graded, case: Case, index: int) -> bool:
    """Whether words alone found an answer wrong: by key points or reference, and not a model, a person or a rule."""
    evidence = graded.evidence[index]
    judged = evidence is not None and evidence.judge.partition("/")[0] == WORDS_ALONE
    rules = correct_rules(suite, case, graded.approach)
    return judged and any(name in OF_WORDS for name, _ in rules)


def doubt_of(facts: Facts, probes: Probes, *, words: bool) -> Doubt | None:
    """The doubt about a failing answer; None where it is wrong for all that can be told."""
    against = speaks_against(facts, probes) if words else NOT_ITS_WORDS
    if facts.split:
        return Doubt(SPLIT, against is None)
    if facts.near and against not in (LEFT_OUT, NOT_ITS_WORDS):
        return Doubt(NEAR, against is None)
    return Doubt(OTHER_WORDS, open=True) if against is None else None


def in_doubt(found: Finding, doubt: Doubt | None, beside: Callable[[], Finding]) -> Finding:
    """The finding as far as it holds of an answer that may be right: no cause in retrieval or generation is proven.

    Where all that speaks for a generator's cause is that words are lacking, it cannot be told whether anything is
    wrong: what shows whatever is said (``beside``) is named then, or nothing.
    """
    if doubt is None or found.side in SHOWN or found.cause in ANYWAY:
        return found
    if doubt.open and _by_absence(found):
        other = beside()
        return other if other.cause is not None else _cannot_tell(found, doubt)
    proven = found.status is Certainty.PROVEN
    status = Certainty.SUSPECTED if proven else found.status
    return replace(found, status=status, evidence=(doubt.fact, *found.evidence))


def _by_absence(found: Finding) -> bool:
    """Whether a cause rests on an answer that stays without the words of its label."""
    if found.side is not Side.GENERATION:
        return found.cause is None
    flipped = found.cause in FLIPPED and found.status is Certainty.PROVEN
    return not flipped and found.cause != "inconsistency"


def _cannot_tell(found: Finding, doubt: Doubt) -> Finding:
    candidates = dict.fromkeys((*found.set, *found.also))
    return replace(
        found,
        status=Certainty.UNDETERMINED,
        cause=None,
        side=None,
        stage=None,
        also=tuple(candidates),
        set=(),
        evidence=(doubt.fact, *(fact for fact in found.evidence if fact.fact != "so")),
        missing=(),
    )
