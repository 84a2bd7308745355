"""Numbers that a judge gives beside its evidence: one grade for each metric, with the reason where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from evalkit.records import Evidence


@dataclass(frozen=True, slots=True)
class Grade:
    """What a judge's metric came to for one answer.

    ``value`` is finite, or ``None``: then ``error`` says why the grade failed, and where that is ``None`` too the
    metric is undefined for this answer and ``reason`` says why. Beside a value, ``reason`` is what the judge said.
    """

    metric: str
    value: float | None = None
    reason: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class GradedEvidence(Evidence):
    """Evidence with the grades of further metrics, each metric at most once."""

    grades: tuple[Grade, ...] = ()


class GradeFailedError(Exception):
    """A judge was asked for a grade and gave none."""


def evidence_of(evidence: Evidence, grades: Iterable[Grade]) -> GradedEvidence:
    """The same evidence, with these grades."""
    kept = {field.name: getattr(evidence, field.name) for field in fields(Evidence)}
    return GradedEvidence(**kept, grades=tuple(grades))


def grade_in(evidence: Evidence, metric: str) -> float | None:
    """The value of a metric in the evidence; ``None`` where it is undefined or was not asked for.

    Raises ``GradeFailedError`` where the grade failed.
    """
    for grade in getattr(evidence, "grades", ()):
        if grade.metric == metric:
            if grade.error is not None:
                raise GradeFailedError(grade.error)
            value: float | None = grade.value
            return value
    return None
