"""One grade: a metric of ragas on one answer, and why there is none where there is none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from evalkit.judges.ragas.calls import CallFailedError, JudgeCalls
from evalkit.judges.ragas.grades import Grade
from evalkit.judges.ragas.library import Library
from evalkit.judges.ragas.measures import Measure, samples_of
from evalkit.judges.ragas.model import GradingEmbeddings, GradingModel
from evalkit.records import Case, Trace

DIGITS = 9  # ragas adds 1e-10 to denominators, which would keep a full score from being 1
SLACK = 1e-9  # by which a value may be out of its range
# What arithmetic on an odd reply raises; anything else is a fault, and fails all grades of the answer.
RAISED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


async def grade_of(
    measure: Measure, case: Case, trace: Trace, library: Library, calls: JudgeCalls
) -> Grade:
    """The grade, the best over the references. Raises ``EndpointUnusable`` and ``StorageError``: the run must end."""
    samples = samples_of(measure, case, trace)
    if isinstance(samples, str):
        return Grade(measure.metric, reason=samples)
    subject = f"{measure.metric} {trace.system}/{case.id}/{trace.condition}/{trace.repeat}"
    found = []
    for fields in samples:
        grade = await _graded(measure, fields, library, calls, subject)
        if grade.error is not None:
            return grade
        found.append(grade)
    valued = [grade for grade in found if grade.value is not None]
    if not valued:
        return found[0]
    pick = max if measure.higher_is_better else min
    return pick(valued, key=lambda grade: grade.value or 0.0)


async def _graded(
    measure: Measure, fields: dict[str, Any], library: Library, calls: JudgeCalls, subject: str
) -> Grade:
    model, embeddings = GradingModel(calls, subject), GradingEmbeddings(calls, subject)
    failed = Grade(measure.metric)
    try:
        result = await library.score(measure, fields, model, embeddings)
    except CallFailedError as error:
        failed = replace(failed, error=str(error))
    except RAISED as error:
        failed = replace(failed, error=f"ragas: {type(error).__name__}: {error}")
    stopped, failure = model.stopped or embeddings.stopped, model.failure or embeddings.failure
    if stopped is not None:
        raise stopped
    if failure is not None:
        return replace(failed, error=f"{failure.kind}: {failure.message}")
    return failed if failed.error is not None else _read(measure, result)


def _read(measure: Measure, result: Any) -> Grade:
    """The grade that a result of ragas stands for."""
    said = result.reason or ""
    if measure.critic is not None and measure.critic.labels is not None:
        label = str(result.value)
        told = f"{label}: {said}" if said else label
        return Grade(measure.metric, measure.critic.labels[label], told)
    number = float(result.value)
    if math.isnan(number) and measure.blank:
        return Grade(measure.metric, reason=measure.blank)
    if not measure.low - SLACK <= number <= measure.high + SLACK:
        bounds = f"{measure.low:g} to {measure.high:g}"
        return Grade(measure.metric, error=f"ragas gave {number}, outside {bounds}")
    return Grade(measure.metric, round(number, DIGITS), said)
