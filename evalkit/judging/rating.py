"""A judge's values for labelled answers, quantity by quantity, and what people make of the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.judge import judge_traces
from evalkit.judges.spending import ask_anew
from evalkit.judging.labels import Labelled, Values
from evalkit.metrics.answer import groundedness
from evalkit.records import Evidence, Judge

Judged = Mapping[str, Values]  # by quantity, or by a judge's own metric
Read = Callable[[Sequence[Labelled], Sequence[Evidence | None]], list[Judged]]

CUT = 0.5  # from here on a value is a yes


@dataclass(frozen=True, slots=True)
class Rating:
    """One judged thing: the judge's value and every annotator's, 0..1, None where one cannot tell or was not asked.

    ``row`` counts the labelled answers from 0, ``length`` is the answer's in characters.
    """

    row: int
    judged: float | None
    human: Mapping[str, float | None]
    length: int

    @property
    def people(self) -> float | None:
        """The mean of the people who could tell; None where nobody could."""
        known = [v for v in self.human.values() if v is not None]
        return sum(known) / len(known) if known else None

    @property
    def label(self) -> bool | None:
        """What most people say; None for a tie, and for a value in the very middle."""
        mean = self.people
        return None if mean is None or abs(mean - 0.5) < 1e-9 else mean > 0.5


# The metrics of judges that say what people's verdicts say: the quantity, and the least and largest value.
OF_JUDGES: Mapping[str, tuple[str, float, float]] = {
    "ragas_faithfulness": ("grounded", 0.0, 1.0),
    "ragas_response_groundedness": ("grounded", 0.0, 1.0),
    "ragas_factual_correctness": ("correct", 0.0, 1.0),
    "ragas_answer_accuracy": ("correct", 0.0, 1.0),
    "ragas_answer_correctness": ("correct", 0.0, 1.0),
    "ragas_rubrics_with_reference": ("correct", 1.0, 5.0),
}


def label_of(quantity: str) -> str:
    """What people's verdicts on it are called: the quantity itself, for a metric of a judge what that measures."""
    return OF_JUDGES[quantity][0] if quantity in OF_JUDGES else quantity


def evidence_values(rows: Sequence[Labelled], evidence: Sequence[Evidence | None]) -> list[Judged]:
    """What a judge's evidence says about every quantity; ``grounded`` is the share of claims supported."""
    return [
        {**_values(row, found), **grade_values(found)}
        for row, found in zip(rows, evidence, strict=True)
    ]


def grade_values(found: Evidence | None) -> Judged:
    """The grades of the judge's own metrics that people's verdicts can be held against, each from 0 to 1."""
    values: dict[str, Values] = {}
    for grade in getattr(found, "grades", ()):
        if grade.metric in OF_JUDGES:
            _, low, high = OF_JUDGES[grade.metric]
            known = None if grade.value is None else (grade.value - low) / (high - low)
            values[grade.metric] = (None if known is None else min(1.0, max(0.0, known)),)
    return values


def _values(row: Labelled, found: Evidence | None) -> Judged:
    points = len(row.case.key_points or ())
    if found is None or found.error is not None:
        return {"covered": (None,) * points}
    covered = found.covered
    if covered is None or len(covered) != points:
        covered = (None,) * points
    context = row.trace.context
    return {
        "correct": (found.correct,),
        "grounded": (None if context is None else groundedness(found, context),),
        "refused": (found.refused,),
        "covered": covered,
    }


async def ask(
    judge: Judge, rows: Sequence[Labelled], *, repeat: int = 0, concurrency: int = 8
) -> list[Evidence | None]:
    """The judge's evidence for every row. ``repeat`` tells a judge that remembers its replies to give a new one."""
    ask_anew(judge, repeat)
    cases = {str(i): replace(row.case, id=str(i)) for i, row in enumerate(rows)}
    traces = [replace(row.trace, case_id=str(i), repeat=repeat) for i, row in enumerate(rows)]
    many = getattr(judge, "concurrency", None) or concurrency
    return await judge_traces(cases, traces, judge, concurrency=many)


def ratings(quantity: str, rows: Sequence[Labelled], judged: Sequence[Judged]) -> list[Rating]:
    """The judged things of one quantity that people rated: one an answer, for ``covered`` one a key point.

    A metric of a judge is held against people's verdicts on what it measures.
    """
    found = []
    for i, (row, values) in enumerate(zip(rows, judged, strict=True)):
        by = row.human.get(label_of(quantity), {})
        parts = max((len(v) for v in by.values()), default=0)
        given = values.get(quantity, ())
        for part in range(parts):
            human = {who: v[part] for who, v in by.items()}
            value = given[part] if part < len(given) else None
            found.append(Rating(i, value, human, len(row.trace.response or "")))
    return found
