"""The grades that some members of a panel give beside their evidence, as those of the panel: medians and dissent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from evalkit.errors import InvalidInput
from evalkit.judges.ragas.grades import Grade, evidence_of
from evalkit.records import Evidence, Judge, Metric


def metrics_of_members(members: Sequence[Judge]) -> tuple[Metric, ...]:
    """The metrics that members bring, each once. ``InvalidInput`` where two mean different things by one name."""
    found: dict[str, Metric] = {}
    for member in members:
        for metric in getattr(member, "metrics", ()):
            first = found.setdefault(metric.name, metric)
            if _meaning(first) != _meaning(metric):
                raise InvalidInput(
                    f"two members mean different things by {metric.name}: there is no median of the two",
                    field="judge.panel",
                    hint="give one of the two critics another name, or both the same prompt and range",
                )
    return tuple(found.values())


def _meaning(metric: Metric) -> tuple[object, ...]:
    return metric.low, metric.high, metric.higher_is_better, metric.card


def with_grades(
    evidence: Evidence, members: Sequence[Judge], given: Sequence[Evidence]
) -> Evidence:
    """The panel's ``evidence`` with the grades of those members that give any; ``given`` is what each member said.

    A grade is the median of those who have one, an error where not more than half of those who should have one do.
    """
    votes: dict[str, list[Grade]] = {}
    for member, one in zip(members, given, strict=True):
        for metric in getattr(member, "metrics", ()):
            grade = _grade(metric.name, one)
            if grade is not None:
                votes.setdefault(metric.name, []).append(grade)
    if evidence.error is not None or not votes:
        return evidence
    joined = [_joined(metric, grades) for metric, grades in votes.items()]
    told = [text for _, dissent in joined for text in dissent]
    reasons = (*told, *evidence.reasons)
    return evidence_of(replace(evidence, reasons=reasons), [grade for grade, _ in joined])


def _grade(metric: str, evidence: Evidence) -> Grade | None:
    """A member's grade; a failed one where the member failed as a whole, None where it was not asked for one."""
    if evidence.error is not None:
        return Grade(metric, error=evidence.error)
    return next((g for g in getattr(evidence, "grades", ()) if g.metric == metric), None)


def _joined(metric: str, votes: Sequence[Grade]) -> tuple[Grade, list[str]]:
    """One grade of all, and what there is to tell of those who say otherwise."""
    if len(votes) == 1:
        return votes[0], []
    good = [vote for vote in votes if vote.error is None]
    failed = next((vote.error for vote in votes if vote.error is not None), None)
    lost = f"{len(votes) - len(good)} of {len(votes)} judges failed: {failed}"
    if 2 * len(good) <= len(votes):
        return Grade(metric, error=lost), []
    told = [f"{metric}: {lost}"] if failed is not None else []
    values = [vote.value for vote in good if vote.value is not None]
    if not values:
        return good[0], told
    if len(values) < len(good):
        told.append(f"dissent on {metric}: {len(good) - len(values)} of {len(good)} find no value")
    if len(set(values)) > 1:
        listed = ", ".join(f"{value:.3g}" for value in values)
        told.append(f"dissent on {metric}: {listed}; the median counts")
    reason = next((vote.reason for vote in good if vote.value is not None), "")
    return Grade(metric, float(median(values)), reason), told
