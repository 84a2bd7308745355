"""The grades of ragas as entries of the shelf of metrics, each with its card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from evalkit.judges.ragas.grades import grade_in
from evalkit.judges.ragas.measures import CONTEXT, REFERENCE, Measure
from evalkit.records import Evidence, Metric, Passage, Stage

Passages = tuple[Passage, ...]
References = tuple[str, ...]


def of_answer(response: str, evidence: Evidence, *, metric: str) -> float | None:  # noqa: ARG001 - a need
    """The grade of a metric that looks at the answer alone."""
    return grade_in(evidence, metric)


def of_context(
    response: str,  # noqa: ARG001 - a need
    context: Passages,  # noqa: ARG001 - a need
    evidence: Evidence,
    *,
    metric: str,
) -> float | None:
    """The grade of a metric that looks at the context."""
    return grade_in(evidence, metric)


def of_reference(
    response: str,  # noqa: ARG001 - a need
    reference: References,  # noqa: ARG001 - a need
    evidence: Evidence,
    *,
    metric: str,
) -> float | None:
    """The grade of a metric that looks at the reference."""
    return grade_in(evidence, metric)


def of_both(
    response: str,  # noqa: ARG001 - a need
    context: Passages,  # noqa: ARG001 - a need
    reference: References,  # noqa: ARG001 - a need
    evidence: Evidence,
    *,
    metric: str,
) -> float | None:
    """The grade of a metric that looks at context and reference."""
    return grade_in(evidence, metric)


# Where each metric looks, whether it grades the outcome as a whole, and what it measures.
CARDS: Mapping[str, tuple[Stage, bool, str]] = {
    "faithfulness": (
        Stage.GENERATION,
        False,
        (
            "Share of the statements that the judge splits the answer into that it finds entailed by the context. "
            "Undefined where it finds no statement."
        ),
    ),
    "context_recall": (
        Stage.CONTEXT,
        False,
        (
            "Share of the reference's sentences that the judge can attribute to the context. Undefined where it finds "
            "no sentence in the reference."
        ),
    ),
    "context_precision": (
        Stage.CONTEXT,
        False,
        (
            "Average precision of the context's order: a passage is relevant where the judge finds it useful for arriving "
            "at the reference."
        ),
    ),
    "context_precision_without_reference": (
        Stage.CONTEXT,
        False,
        (
            "Average precision of the context's order: a passage is relevant where the judge finds it useful for arriving "
            "at the answer that was given."
        ),
    ),
    "context_utilization": (
        Stage.CONTEXT,
        False,
        "ragas's other name for context precision without a reference.",
    ),
    "context_entity_recall": (
        Stage.CONTEXT,
        False,
        "Share of the entities that the judge finds in the reference that it also finds, spelt equally, in the context.",
    ),
    "context_relevance": (
        Stage.CONTEXT,
        False,
        "Mean of two ratings (0, 1, 2, divided by 2) of how much of the question the context can answer.",
    ),
    "response_groundedness": (
        Stage.GENERATION,
        False,
        "Mean of two ratings (0, 1, 2, divided by 2) of how far the context supports the answer.",
    ),
    "factual_correctness": (
        Stage.GENERATION,
        True,
        (
            "F1 of claims, rounded to two digits: the answer's claims that the reference entails are hits, its others false; "
            "the reference's claims that the answer does not entail are missed. 0 where no claim is found on either side."
        ),
    ),
    "answer_accuracy": (
        Stage.GENERATION,
        True,
        "Mean of two ratings (0, 2, 4, divided by 4) of the answer against the reference, the roles exchanged in the second.",
    ),
    "answer_correctness": (
        Stage.GENERATION,
        False,
        (
            "0.75 times the F1 of statements shared with the reference plus 0.25 times the cosine of the embeddings of answer "
            "and reference. ragas counts the F1 as 1 where either side has no statement: read it beside the refusals."
        ),
    ),
    "answer_relevancy": (
        Stage.GENERATION,
        False,
        (
            "Mean cosine between the question's embedding and those of three questions that the judge makes from the answer; 0 "
            "where it calls the answer noncommittal each time."
        ),
    ),
    "semantic_similarity": (
        Stage.GENERATION,
        False,
        "Cosine between the embeddings of answer and reference.",
    ),
    "noise_sensitivity": (
        Stage.GENERATION,
        False,
        (
            "Share of the answer's statements that are wrong by the reference and come from a passage that also supports the "
            "reference. Lower is better. Undefined where the judge finds no statement in the answer."
        ),
    ),
    "noise_sensitivity_irrelevant": (
        Stage.GENERATION,
        False,
        (
            "Share of the answer's statements that are wrong by the reference and come only from passages that support nothing "
            "of it. Lower is better. Undefined where the judge finds no statement in the answer."
        ),
    ),
    "rubrics": (
        Stage.GENERATION,
        False,
        "The judge's mark from 1 to 5 by ragas's general rubric, from the question and the answer alone.",
    ),
    "rubrics_with_reference": (
        Stage.GENERATION,
        False,
        "The judge's mark from 1 to 5 by ragas's general rubric for answers that have a reference.",
    ),
    "case_rubrics": (
        Stage.GENERATION,
        False,
        "The judge's mark from 1 to 5 by the rubric under `rubrics` in the case's metadata. Undefined without one.",
    ),
}
COMMON = (
    " From ragas (Es et al. 2024), asked through evalkit's own calls; several references: the best one counts. "
    "Not applicable where a text it needs is empty; a failed grade is a grader error with its reason."
)


def metrics_of(measures: Iterable[Measure]) -> tuple[Metric, ...]:
    """The entries of these measures, named ``ragas_...``."""
    return tuple(map(_metric, measures))


def _metric(measure: Measure) -> Metric:
    looks = CARDS.get(measure.name)
    stage, outcome, card = looks or (Stage.GENERATION, False, _critic_card(measure))
    readers: Mapping[tuple[bool, bool], Callable[..., float | None]] = {
        (False, False): of_answer,
        (True, False): of_context,
        (False, True): of_reference,
        (True, True): of_both,
    }
    reader = readers[CONTEXT in measure.fields, REFERENCE in measure.fields]
    return Metric(
        measure.metric,
        stage,
        partial(reader, metric=measure.metric),
        card + COMMON,
        higher_is_better=measure.higher_is_better,
        low=measure.low,
        high=measure.high,
        outcome=outcome,
    )


def _critic_card(measure: Measure) -> str:
    assert measure.critic is not None
    question = " ".join(measure.critic.prompt.split())
    return f"A critic of the suite's own: {question}"
