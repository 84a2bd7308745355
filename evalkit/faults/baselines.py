"""Simple rules that a diagnosis has to beat: blame retrieval, a recall threshold, metric rules, question types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.faults.bench import Verdict
from evalkit.grade import Graded
from evalkit.outcome import CaseOutcome
from evalkit.records import Suite
from evalkit.text.tokens import words

ENOUGH = 0.5  # below this a metric of RAGChecker's groups counts as the weak one


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule may look at in one failing case; None is "not measured"."""

    case_id: str
    question_type: str
    recall: float | None  # share of the gold documents within k
    claim_recall: float | None  # share of the answer's evidence that the context holds
    faithfulness: float | None  # share of the answer's claims that the context supports
    utilisation: float | None  # share of what a right answer says that the answer says
    refused: bool
    broken: tuple[str, ...]  # contracts of the answer that do not hold
    error: bool


Rule = Callable[[Seen], str]


def seen_of(suite: Suite, graded: Graded) -> dict[str, Seen]:
    """One entry for each case that failed or erred, by case id: its first failing repeat."""
    queries = {case.id: case.query for case in suite.cases}
    found = {}
    for case_id, indices in graded.repeats().items():
        if graded.cases[case_id] in (CaseOutcome.FAILED, CaseOutcome.ERROR):
            index = next(i for i in indices if graded.passed(i) is False)
            found[case_id] = _seen(suite, graded, case_id, queries[case_id], index)
    return found


def _seen(suite: Suite, graded: Graded, case_id: str, query: str, index: int) -> Seen:
    value = graded.scores.value
    return Seen(
        case_id=case_id,
        question_type=next(iter(words(query)), ""),
        recall=value(f"R@{suite.k}", index),
        claim_recall=value("context_recall", index),
        faithfulness=value("groundedness", index),
        utilisation=value("correct", index),
        refused=value("refused", index) == 1.0,
        broken=graded.outcomes.broken[index],
        error=graded.traces[index].error is not None,
    )


def always_retrieval(_seen: Seen) -> str:
    """Whatever failed, retrieval missed."""
    return "retrieval_miss"


def recall_threshold(seen: Seen) -> str:
    """Retrieval when not all gold documents are within k, else the generator."""
    low = seen.recall is not None and seen.recall < 1
    return "retrieval_miss" if low else "misinterpretation"


def metric_groups(seen: Seen) -> str:
    """Thresholds on metrics in the manner of RAGChecker's groups (Ru et al. 2024): retriever, then generator.

    Its groups have neither errors nor contracts; those are read off the trace first, to be generous.
    """
    contracts = {"schema_valid": "format_violation", "format_valid": "format_violation"}
    contracts |= {"style": "style_violation", "citation_precision": "citation_error"}
    form = next((contracts[b] for b in seen.broken if b in contracts), None)
    if seen.error:
        return "infra_error"
    if _weak(seen.recall) or _weak(seen.claim_recall):
        return "retrieval_miss"
    if form is not None and not _weak(seen.utilisation):
        return form
    if seen.refused:
        return "over_refusal"
    if _weak(seen.faithfulness):
        return "parametric_override"
    return "incomplete_answer" if _weak(seen.utilisation) else "noise_distraction"


def _weak(value: float | None) -> bool:
    return value is not None and value < ENOUGH


RULES: Mapping[str, Rule] = {
    "always retrieval": always_retrieval,
    "recall threshold": recall_threshold,
    "metric groups": metric_groups,
}


def by_rule(
    rule: Rule,
    truths: Mapping[str, str | None],
    seen: Mapping[str, Seen],
    acceptable: Mapping[str, frozenset[str]],
) -> list[Verdict]:
    """The verdicts of a rule that names one cause for every failing case."""
    return [
        _verdict(case_id, truth, rule(seen[case_id]) if case_id in seen else None, acceptable)
        for case_id, truth in truths.items()
    ]


def by_question_type(
    truths: Mapping[str, str | None],
    seen: Mapping[str, Seen],
    acceptable: Mapping[str, frozenset[str]],
    folds: int = 5,
) -> list[Verdict]:
    """The commonest cause of each first word of a question, learned on the other folds."""
    ids = list(truths)
    made = []
    for place, case_id in enumerate(ids):
        train = [c for i, c in enumerate(ids) if i % folds != place % folds]
        cause = _commonest(train, truths, seen, seen[case_id]) if case_id in seen else None
        made.append(_verdict(case_id, truths[case_id], cause, acceptable))
    return made


def _commonest(
    train: Sequence[str],
    truths: Mapping[str, str | None],
    seen: Mapping[str, Seen],
    this: Seen,
) -> str:
    tables: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case_id in train:
        cause = truths[case_id]
        if cause is not None and case_id in seen:
            tables[seen[case_id].question_type][cause] += 1
            tables[""][cause] += 1
    table = tables.get(this.question_type) or tables[""]
    return min(table, key=lambda c: (-table[c], c), default="retrieval_miss")


def _verdict(
    case_id: str, truth: str | None, cause: str | None, acceptable: Mapping[str, frozenset[str]]
) -> Verdict:
    alike = acceptable.get(case_id, frozenset())
    if cause is None:
        return Verdict(case_id, truth, alike)
    return Verdict(case_id, truth, alike, "fail", cause, frozenset({cause}))
