"""What people's reviews say of a run: the judge's agreement with them, and rates corrected by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from evalkit.grade import Graded, grade
from evalkit.judging.check import QuantityCheck, compare
from evalkit.judging.correction import ENOUGH_LABELS, corrected_rate, ppi_mean, two_way
from evalkit.judging.human import REVIEWED, Reviewed, key_of, labelled, latest, majority
from evalkit.judging.labels import Labelled
from evalkit.judging.rating import CUT, Judged, Rating, Read, grade_values, ratings
from evalkit.records import AS_IS, Approach, Evidence, Interval, Metric, Suite
from evalkit.stats.intervals import mean_interval

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.judging.human import Verdict


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of answers with a yes: the judge's, people's on the random part, and the judge's corrected by people.

    Over the cases that were answered, repeats averaged first. ``method`` says how ``corrected`` came about, or why
    there is none; ``labels`` of people it rests on.
    """

    quantity: str
    raw: Interval | None
    people: Interval | None
    corrected: Interval | None
    method: str
    labels: int = 0


@dataclass(frozen=True, slots=True)
class SystemReview:
    """One system's reviews: agreement on everything reviewed, rates by the random part alone."""

    agreement: Mapping[str, QuantityCheck]
    rates: tuple[Rate, ...]


def review_of(run: Run, verdicts: Sequence[Verdict]) -> dict[str, SystemReview]:
    """Agreement and rates of every system that somebody reviewed. Pure."""
    reviewed = latest(verdicts)
    cases = {case.id: case for case in run.suite.cases}
    found = {}
    for name, system in run.systems.items():
        graded = system.graded
        rows = labelled(reviewed, cases, graded.traces)
        if rows:
            found[name] = SystemReview(_agreement(graded, rows), rates_of(graded, reviewed))
    return found


def graded_values(graded: Graded, index: int) -> Judged:
    """What the grade of one answer says of each quantity; ``correct`` is a yes exactly where the suite's rule is met."""
    right = graded.outcomes.right[index]
    value = graded.scores.value("correct", index)
    if right is None or value is None:
        value = None
    elif (value >= CUT) != right:  # the suite's line is another one
        value = float(right)
    found = graded.evidence[index]
    refused = None if found is None or found.error is not None else found.refused
    grounded = graded.scores.value("groundedness", index)
    return {"correct": (value,), "grounded": (grounded,), "refused": (refused,)}


def graded_reader(
    suite: Suite, approaches: Mapping[str, Approach], metrics: Sequence[Metric]
) -> Read:
    """Turns evidence into values by the suite's own rules, for answers of its systems."""

    def read(rows: Sequence[Labelled], evidence: Sequence[Evidence | None]) -> list[Judged]:
        found: list[Judged] = [{} for _ in rows]
        for name, approach in approaches.items():
            mine = [i for i, row in enumerate(rows) if row.trace.system == name]
            cases = tuple(replace(rows[i].case, id=str(i)) for i in mine)
            traces = [replace(rows[i].trace, case_id=str(i), repeat=0) for i in mine]
            small = replace(suite, cases=cases)
            graded = grade(small, name, approach, traces, [evidence[i] for i in mine], metrics)
            for place, i in enumerate(mine):
                found[i] = {**graded_values(graded, place), **grade_values(evidence[i])}
        return found

    return read


def _agreement(graded: Graded, rows: Sequence[Labelled]) -> dict[str, QuantityCheck]:
    places = {key_of(trace): i for i, trace in enumerate(graded.traces)}
    judged = [graded_values(graded, places[key_of(row.trace)]) for row in rows]
    things: dict[str, list[Rating]] = {name: ratings(name, rows, judged) for name in REVIEWED}
    return {name: compare(name, found) for name, found in things.items() if found}


# --- rates -----------------------------------------------------------------------------------


def rates_of(graded: Graded, reviewed: Mapping[str, Reviewed]) -> tuple[Rate, ...]:
    """The rates of one system by the judge that graded it, beside those corrected by people's verdicts."""
    found = (_rate(graded, reviewed, name) for name in REVIEWED)
    return tuple(rate for rate in found if rate is not None)


def _rate(graded: Graded, reviewed: Mapping[str, Reviewed], quantity: str) -> Rate | None:
    """None where nobody reviewed the quantity on the random part."""
    judged = _by_case(graded, lambda i: _yes(graded, i, quantity))
    drawn = {
        graded.traces[i].case_id: (i, label)
        for indices in graded.repeats().values()
        for i in indices
        if (label := _label(reviewed.get(key_of(graded.traces[i])), quantity)) is not None
    }
    if not drawn:
        return None
    known = {
        case: float(np.mean([v for v in values if v is not None]))
        for case, values in judged.items()
        if any(v is not None for v in values)
    }
    labels = [label for _, label in drawn.values()]
    raw, people = mean_interval(list(known.values())), mean_interval(labels)
    if len(drawn) >= ENOUGH_LABELS:
        # A case without a verdict of the judge stands in the middle: any stand-in is allowed, and costs only precision.
        everyone = [known.get(case, 0.5) for case in judged]
        corrected = ppi_mean(everyone, [known.get(case, 0.5) for case in drawn], labels)
        told = f"PPI++, {len(drawn)} labels"
        return Rate(quantity, raw, people, corrected, told, len(drawn))
    pairs = [
        (bool(label), bool(verdict))
        for i, label in drawn.values()
        if (verdict := _yes(graded, i, quantity)) is not None
    ]
    table = two_way([a for a, _ in pairs], [b for _, b in pairs])
    corrected = corrected_rate(round(sum(known.values())), len(known), table)
    told = f"Rogan-Gladen, {len(pairs)} labels"
    if corrected is None:
        told = f"{len(pairs)} labels cannot tell how often the judge errs either way"
    return Rate(quantity, raw, people, corrected, told, len(pairs))


def _label(found: Reviewed | None, quantity: str) -> float | None:
    """People's clear verdict on an answer of the random part."""
    if found is None or not found.sampled:
        return None
    return majority(found.human().get(quantity, {}))


def _yes(graded: Graded, index: int, quantity: str) -> float | None:
    (value,) = graded_values(graded, index)[quantity]
    return None if value is None else float(value >= CUT)


def _by_case(graded: Graded, value: Callable[[int], float | None]) -> dict[str, list[float | None]]:
    """The values of every case that was answered, one an answer as it is."""
    found: dict[str, list[float | None]] = {}
    for i, trace in enumerate(graded.traces):
        if reviewable(graded, i):
            found.setdefault(trace.case_id, []).append(value(i))
    return found


def reviewable(graded: Graded, index: int) -> bool:
    """Whether there is an answer that a person could judge: as it is, and not an error."""
    trace = graded.traces[index]
    answered = bool((trace.response or "").strip()) and trace.error is None
    return trace.condition == AS_IS and answered
