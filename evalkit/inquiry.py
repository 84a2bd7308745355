"""What graded traces leave open about each case, and what its traces under conditions have shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.condition import GENERATES, Condition, Reading, Situation, Verdict, family
from evalkit.conditions.gold import is_gold, lacking, required
from evalkit.conditions.reading import Read, first_rank, read
from evalkit.grade import Graded
from evalkit.observe import COVERED, split
from evalkit.outcome import CaseOutcome
from evalkit.planner import Knowledge, Puzzle, missing
from evalkit.predictions import Seen
from evalkit.records import AS_IS, Approach, Case, Evidence, Question, Suite, Trace
from evalkit.sequential import Shown, combine, combine_frozen

OF_THE_RETRIEVER = ("deep_retrieval", "index_lookup")  # answered without the generator
UNDECIDED = 0.42  # probability from which on an answer that is graded wrong is next to right

Index = Mapping[str, Mapping[str, Sequence[int]]]  # case, condition -> trace numbers, by repeat


def index_of(graded: Graded) -> Index:
    """The trace numbers of a system by case and condition, in the order of the repeats."""
    found: dict[str, dict[str, list[int]]] = {}
    for i, trace in enumerate(graded.traces):
        found.setdefault(trace.case_id, {}).setdefault(trace.condition, []).append(i)
    for conditions in found.values():
        for numbers in conditions.values():
            numbers.sort(key=lambda i: graded.traces[i].repeat)
    return found


def failing(graded: Graded) -> list[str]:
    """The cases that failed or erred, in the order of the traces."""
    wrong = (CaseOutcome.FAILED, CaseOutcome.ERROR)
    return [case for case, outcome in graded.cases.items() if outcome in wrong]


def passing(graded: Graded) -> list[str]:
    """The cases that passed, in the order of the traces."""
    return [case for case, outcome in graded.cases.items() if outcome is CaseOutcome.PASSED]


def shown_repeat(graded: Graded, numbers: Sequence[int]) -> int:
    """The repeat a finding shows: the first that failed, an answer before an error; else the first."""
    wrong = [i for i in numbers if graded.passed(i) is False]
    answered = [i for i in wrong if graded.traces[i].error is None]
    return (answered or wrong or [*numbers])[0]


def situation(
    suite: Suite,
    graded: Graded,
    case: Case,
    numbers: Sequence[int],
    examples: tuple[Case, ...] = (),
) -> Situation:
    """What conditions plan and read from; ``numbers`` are the case's ``as_is`` traces."""
    question = Question(case.query, case.messages, case.inputs, case.principal, k=suite.k)
    trace = graded.traces[shown_repeat(graded, numbers)]
    return Situation(suite, case, trace, question, examples, graded.approach)


def verdict_of(graded: Graded, index: int) -> Verdict:
    """How trace number ``index`` was graded."""
    broken = graded.outcomes.broken[index]
    right = False if "behaviour" in broken else graded.outcomes.right[index]
    refused = graded.scores.value("refused", index) == 1.0
    evidence = graded.evidence[index]
    return Verdict(
        right,
        broken,
        refused,
        unsure=right is False and unsure(evidence),
        supported=supported(evidence),
    )


def supported(evidence: Evidence | None) -> bool:
    """Whether an answer claims something, and the passages in its prompt support all of it."""
    claims = evidence.claims if evidence is not None else None
    return bool(claims) and all(c.supported is True and not c.contradicted for c in claims or ())


def unsure(evidence: Evidence | None) -> bool:
    """Whether a judge that finds an answer wrong is at odds with itself, or next to undecided."""
    if evidence is None:
        return False
    shares = [share for share in evidence.covered or () if share is not None]
    if split(evidence):
        return True
    deciding = min(shares, default=evidence.correct)
    return deciding is not None and UNDECIDED <= deciding < COVERED


# --- what was shown --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Varies:
    """Whether repeats of some question differ: their ``answers`` under a condition, their ranked ``lists``."""

    answers: bool = False
    lists: bool = False

    def __or__(self, other: Varies) -> Varies:
        return Varies(self.answers or other.answers, self.lists or other.lists)


STEADY = Varies()


def varying(graded: Graded, index: Index) -> Varies:
    """Whether the system is seen to vary: in how answers under conditions are graded, or in its ranked lists.

    ``as_is`` and frozen repeats do not count: they are often kept of those cases alone that were seen to waver.
    """
    probed = (
        numbers
        for conditions in index.values()
        for name, numbers in conditions.items()
        if name != AS_IS and family(name) != "frozen_context"
    )
    return Varies(_agree(graded, probed) is False, _lists_move(graded, index))


def shown_in(
    suite: Suite, graded: Graded, elsewhere: Varies = STEADY
) -> dict[str, dict[str, Shown]]:
    """What every case's traces under conditions have shown; cases without any are left out.

    One trace is enough unless repeats show that answers vary: those of the case itself under whatever condition or,
    where it has none, those of other cases. ``elsewhere`` is what cases that are not among these have shown.
    """
    index = index_of(graded)
    cases = {case.id: case for case in suite.cases}
    seen_to = varying(graded, index) | elsewhere
    unstable, moving = seen_to.answers, seen_to.lists
    found = {}
    for case_id, conditions in index.items():
        if len(conditions) > 1 and AS_IS in conditions:
            here = situation(suite, graded, cases[case_id], conditions[AS_IS])
            agree = _agree(graded, conditions.values())
            varies = unstable if agree is None else not agree
            reads = _reads(here, graded, conditions)
            found[case_id] = {
                c: one_shown(c, r, varies=moving if c in OF_THE_RETRIEVER else varies)
                for c, r in reads
            }
    return found


def _reads(
    here: Situation, graded: Graded, conditions: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, list[Read]]]:
    for condition, numbers in conditions.items():
        if condition != AS_IS:
            yield condition, [read(here, graded.traces[i], verdict_of(graded, i)) for i in numbers]


def one_shown(condition: str, reads: Sequence[Read], *, varies: bool) -> Shown:
    """The repeats of one condition as one."""
    if family(condition) == "frozen_context":
        return combine_frozen(condition, reads)
    return combine(condition, reads, varies=varies)


def _agree(graded: Graded, groups: Iterable[Sequence[int]]) -> bool | None:
    """Whether repeats of one question under one condition are graded alike, always; ``None`` without any repeats."""
    repeated = [{graded.passed(i) for i in numbers} for numbers in groups if len(numbers) > 1]
    return all(len(passed) == 1 for passed in repeated) if repeated else None


def _lists_move(graded: Graded, index: Index) -> bool:
    """Whether the retriever itself varies: repeats of some question have different ranked lists."""
    groups = (n for c in index.values() for n in c.values() if len(n) > 1)
    return any(lists_differ(graded.traces[i] for i in numbers) for numbers in groups)


def differ(traces: Iterable[Trace]) -> bool:
    """Whether repeats of one question have different answers, letter for letter."""
    return len({(t.response, t.error is None) for t in traces}) > 1


def lists_differ(traces: Iterable[Trace]) -> bool:
    """Whether repeats of one question have different ranked lists."""
    return len({_ids(t) for t in traces}) > 1


def _ids(trace: Trace) -> tuple[object, ...] | None:
    if trace.retrieved is None:
        return None
    return tuple((p.doc_id, p.chunk_id) for p in trace.retrieved)


def seen(shown: Shown) -> Seen:
    """A reading as the planner tells it apart; what is not established tells nothing."""
    detail = shown.detail
    if not shown.established or shown.reading is Reading.ERROR or detail.get("doubtful"):
        return Seen.UNCLEAR
    if shown.reading is Reading.FAIL and detail.get("same_as_as_is") and not detail.get("refused"):
        return Seen.SAME
    return Seen(shown.reading.value)


def given(here: Situation) -> dict[str, Seen]:
    """What the ``as_is`` trace answers already, so that nobody need ask: where the gold lies, if it came."""
    retrieved, pool = here.as_is.retrieved, here.suite.pool
    if not required(here.case):
        return {}
    if not here.has_retriever:
        return dict.fromkeys(("deep_retrieval", "index_lookup"), Seen.NOT_FOUND)
    needs = lacking(here.case, here.as_is.context)
    came = (*(retrieved or ()), *(here.as_is.context or ()))
    if all(any(is_gold(p, need) for p in came) for need in needs):
        ranks = [first_rank(retrieved or came, need) or 1 for need in needs]
        deep = Seen.FOUND if max(ranks) <= pool else Seen.NOT_FOUND
        return {"deep_retrieval": deep, "index_lookup": Seen.FOUND}
    if retrieved is not None and len(retrieved) >= pool:
        return {"deep_retrieval": Seen.NOT_FOUND}
    return {}


def missing_in(
    here: Situation,
    case: Puzzle,
    observed: Mapping[str, Seen],
    conditions: Sequence[Condition],
    known: Knowledge,
) -> tuple[str, ...]:
    """The conditions that make sense for a case, were not asked, and would tell its cause apart or prove it."""
    asked = {family(c) for c in observed}
    mute = here.approach is Approach.RETRIEVER  # nothing to generate with, by design
    unasked = [c for c in conditions if c.id not in asked and not (mute and c.needs == GENERATES)]
    wanted = set(missing(case, observed, [c.id for c in unasked], known))
    return tuple(c.id for c in unasked if c.id in wanted and c.plan(here))
