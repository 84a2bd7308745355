"""The way from the corpus to a right answer: how many cases still have all their evidence at each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.diagnosis import SystemDiagnosis
from evalkit.outcome import CaseOutcome
from evalkit.records import AS_IS, Approach, Case, Expected, Finding, Passage, Suite, Trace

if TYPE_CHECKING:
    from evalkit.grade import Graded


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: ``n`` cases get this far; None where the step cannot be observed, and why."""

    id: str
    label: str
    n: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Funnel:
    """The steps in order; ``of`` is the number of answerable cases with labelled evidence."""

    of: int
    steps: tuple[Step, ...]
    without_evidence: int  # right answers to cases whose evidence was not in the prompt


@dataclass(frozen=True, slots=True)
class _Way:
    """What one case shows of the way; None is not observed."""

    corpus: bool | None
    pool: bool | None
    top_k: bool | None
    prompt: bool | None
    right: bool
    passed: bool


def shown_index(graded: Graded, indices: Sequence[int], finding: Finding | None) -> int:
    """The trace that stands for a case: the repeat of its finding, else the first."""
    for i in indices:
        if finding is not None and graded.traces[i].repeat == finding.repeat:
            return i
    return indices[0]


def funnel(suite: Suite, found: SystemDiagnosis) -> Funnel:
    """The funnel of one system, over the cases that want an answer and name their evidence.

    A case gets past a step when every piece of evidence it needs does (any one document of each key
    point; any gold document without key points), and all earlier observed steps were passed.
    """
    graded = found.graded
    findings = {f.case_id: f for f in found.findings}
    repeats = graded.repeats()
    ways = []
    for case in suite.cases:
        needs = _needs(case)
        if needs and case.id in repeats:
            index = shown_index(graded, repeats[case.id], findings.get(case.id))
            ways.append(_way(suite, graded, case.id, index, needs))
    plain = graded.approach in (Approach.PROMPT, Approach.FINETUNED)
    reached = [True] * len(ways)
    retriever = graded.approach is Approach.RETRIEVER  # gives no prompt and no answer
    names = list(_LABELS)[: 4 if retriever else None]
    if not any(len(t.retrieved or ()) > suite.k for t in graded.traces if t.condition == AS_IS):
        names.remove("pool")  # the lists end at k: nobody can see what stood below
    steps = [_step(suite, name, ways, reached, plain=plain) for name in names]
    lost = sum(w.right and w.prompt is False for w in ways)
    return Funnel(len(ways), tuple(steps), lost)


def _needs(case: Case) -> list[frozenset[str]]:
    """What the answer needs, each need as the documents any one of which will do; empty: not countable."""
    if case.expected in (Expected.REFUSE, Expected.CLARIFY):
        return []
    gold = frozenset(d for d, grade in (case.relevant or {}).items() if grade > 0)
    of_points = [frozenset(p.evidence) or gold for p in case.key_points or ()]
    return [need for need in of_points or [gold] if need]


def _way(
    suite: Suite, graded: Graded, case_id: str, index: int, needs: Sequence[frozenset[str]]
) -> _Way:
    trace = graded.traces[index]
    plain = graded.approach in (Approach.PROMPT, Approach.FINETUNED)
    return _Way(
        corpus=None if plain or not suite.corpus else _held(_documents(suite.corpus), needs),
        pool=_all_in(trace.retrieved, needs),
        top_k=_all_in(None if trace.retrieved is None else trace.retrieved[: suite.k], needs),
        prompt=_all_in(trace.context, needs),
        right=graded.outcomes.right[index] is True and not _misbehaves(graded, index),
        passed=graded.cases[case_id] is CaseOutcome.PASSED,
    )


def _misbehaves(graded: Graded, index: int) -> bool:
    return "behaviour" in graded.outcomes.broken[index]


def _documents(corpus: Mapping[str, object]) -> Callable[[str], bool]:
    return lambda name: name in corpus or name.rpartition("#")[0] in corpus


def _held(holds: Callable[[str], bool], needs: Iterable[frozenset[str]]) -> bool:
    return all(any(holds(name) for name in need) for need in needs)


def _all_in(passages: Sequence[Passage] | None, needs: Sequence[frozenset[str]]) -> bool | None:
    if passages is None:
        return None
    names = {name for p in passages for name in (p.doc_id, p.chunk_id)}
    return all(need & names for need in needs)


_LABELS = {
    "labelled": "Answerable, evidence labelled",
    "corpus": "Evidence in the corpus",
    "pool": "Retrieved at all",
    "top_k": "Retrieved in the first {k}",
    "prompt": "In the prompt",
    "right": "Answered right",
    "passed": "Contract kept",
}


def _step(
    suite: Suite, name: str, ways: Sequence[_Way], reached: list[bool], *, plain: bool
) -> Step:
    """One step, counted over the cases that got this far; ``reached`` is brought up to date."""
    label = _LABELS[name].format(k=suite.k)
    if name == "labelled":
        return Step(name, label, len(ways))
    seen = [getattr(w, name) for w in ways]
    if all(value is None for value in seen):
        why = "has no retrieval" if plain else "not observed"
        return Step(name, label, None, "no corpus given" if name == "corpus" and not plain else why)
    for i, value in enumerate(seen):
        reached[i] = reached[i] and value is not False
    unseen = sum(value is None for value in seen)
    return Step(name, label, sum(reached), f"{unseen} not observed" if unseen else "")


def is_gold(case: Case, passage: Passage) -> bool:
    """Whether a passage comes from a document that the labels of the case name."""
    gold = {d for d, grade in (case.relevant or {}).items() if grade > 0}
    gold.update(d for p in case.key_points or () for d in p.evidence)
    return bool({passage.doc_id, passage.chunk_id} & gold)


def cut_in_prompt(trace: Trace, passage: Passage) -> bool:
    """Whether a passage of the prompt is a mere part of the one that was retrieved."""
    key = (passage.doc_id, passage.chunk_id)
    whole = (p for p in trace.retrieved or () if (p.doc_id, p.chunk_id) == key)
    return any(len(passage.text) < len(p.text) for p in whole)
