"""A judge's values for labelled answers, quantity by quantity, and what people make of the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.judge import judge_traces
from evalkit.judging.labels import Labelled, Values
from evalkit.metrics.answer import groundedness
from evalkit.records import Evidence, Judge

Judged = Mapping[str, Values]  # by quantity
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


def evidence_values(rows: Sequence[Labelled], evidence: Sequence[Evidence | None]) -> list[Judged]:
    """What a judge's evidence says about every quantity; ``grounded`` is the share of claims supported."""
    return [_values(row, found) for row, found in zip(rows, evidence, strict=True)]


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
    cases = {str(i): replace(row.case, id=str(i)) for i, row in enumerate(rows)}
    traces = [replace(row.trace, case_id=str(i), repeat=repeat) for i, row in enumerate(rows)]
    many = getattr(judge, "concurrency", None) or concurrency
    return await judge_traces(cases, traces, judge, concurrency=many)


def ratings(quantity: str, rows: Sequence[Labelled], judged: Sequence[Judged]) -> list[Rating]:
    """The judged things of one quantity that people rated: one an answer, for ``covered`` one a key point."""
    found = []
    for i, (row, values) in enumerate(zip(rows, judged, strict=True)):
        by = row.human.get(quantity, {})
        parts = max((len(v) for v in by.values()), default=0)
        given = values.get(quantity, ())
        for part in range(parts):
            human = {who: v[part] for who, v in by.items()}
            value = given[part] if part < len(given) else None
            found.append(Rating(i, value, human, len(row.trace.response or "")))
    return found
