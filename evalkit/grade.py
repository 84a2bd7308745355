"""Everything that is known of one system's answers after scoring: columns, verdicts and how cases ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from evalkit.outcome import CORRECT, PASSED, CaseOutcome, Outcomes, case_outcomes, decide
from evalkit.records import AS_IS, Approach, Evidence, Level, Metric, Score, Suite, Trace
from evalkit.score import Scores, Scoring, score_cases, score_suite


@dataclass(frozen=True, slots=True)
class Graded:
    """One system's traces with their evidence, scores and outcomes, all aligned by index."""

    system: str
    approach: Approach
    traces: tuple[Trace, ...]
    evidence: tuple[Evidence | None, ...]
    scores: Scores
    outcomes: Outcomes
    cases: Mapping[str, CaseOutcome]

    def repeats(self) -> dict[str, list[int]]:
        """The indices of each case's ``as_is`` traces, in the order of the repeats."""
        found: dict[str, list[int]] = {}
        for i, trace in enumerate(self.traces):
            if trace.condition == AS_IS:
                found.setdefault(trace.case_id, []).append(i)
        return found

    def passed(self, index: int) -> bool | None:
        """Whether a trace passes; None where that could not be graded."""
        value = self.outcomes.passed.values.item(index)
        return None if isnan(value) else bool(value)


def grade(
    suite: Suite,
    system: str,
    approach: Approach,
    traces: Sequence[Trace],
    evidence: Sequence[Evidence | None],
    metrics: Sequence[Metric],
    scoring: Scoring | None = None,
) -> Graded:
    """Score every trace of one system and decide what passes. Pure: the same input gives the same output.

    What ``scoring`` has scored already, of these answers and by these metrics, is not scored again.
    """
    scoring = scoring or Scoring(suite, approach, metrics)
    columns = scoring.columns(traces, evidence, metrics)
    outcomes = decide(suite, approach, traces, columns)
    columns = {"correct": outcomes.correct, "passed": outcomes.passed, **columns}
    verdicts = [None if isnan(v) else bool(v) for v in outcomes.passed.values.tolist()]
    ids, case_columns = score_cases(suite.cases, traces, verdicts, metrics)
    whole = tuple(m for m in metrics if m.level is Level.SUITE)
    suite_values = score_suite(system, label_pairs(suite, traces), whole)
    columns_of = (columns, ids, case_columns, suite_values, whole)
    scores = Scores(system, approach, tuple(traces), *columns_of)
    cases = case_outcomes(traces, outcomes.passed)
    return Graded(system, approach, tuple(traces), tuple(evidence), scores, outcomes, cases)


def kinds_of(metrics: Sequence[Metric]) -> tuple[tuple[Metric, ...], ...]:
    """The metrics of single answers, of the repeats of a case, and of the whole suite, in the order of ``Scores``."""
    single = [m for m in metrics if m.level is Level.TRACE]
    by_row, ranked = ([m for m in single if m.columns is kind] for kind in (False, True))
    of_cases, of_suite = (
        tuple(m for m in metrics if m.level is level) for level in (Level.CASE, Level.SUITE)
    )
    return (CORRECT, PASSED, *by_row, *ranked), of_cases, of_suite


def score_labels(
    system: str, pairs: Sequence[tuple[str, str]], metrics: Sequence[Metric]
) -> Iterator[tuple[str, Score]]:
    """The measures over all labels of a suite, by name."""
    yield from score_suite(system, pairs, metrics).items()


def label_pairs(suite: Suite, traces: Sequence[Trace]) -> list[tuple[str, str]]:
    """(wanted, given) for every ``as_is`` answer to a case that asks for a label; "" is no or no clear label."""
    return [pair for pair in labels_given(suite, traces) if pair is not None]


def labels_given(suite: Suite, traces: Sequence[Trace]) -> Iterator[tuple[str, str] | None]:
    """The same trace by trace: None where no label is asked for, or the condition is another."""
    from evalkit.text.tables import extract_label, label_key

    labelled = {
        case.id: (case.format.labels, label_key(case.reference[0]))
        for case in suite.cases
        if case.format and case.format.kind == "label" and case.reference
    }
    for trace in traces:
        if trace.case_id not in labelled or trace.condition != AS_IS:
            yield None
            continue
        labels, wanted = labelled[trace.case_id]
        given = extract_label(trace.response or "", labels)
        yield wanted, label_key(given or "")
