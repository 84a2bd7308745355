"""The metrics of ragas that the judge offers: what each needs, how many calls it takes, and in which range it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.judges.ragas.critics import Critic
from evalkit.records import AS_IS, Case, Trace

PREFIX = "ragas_"
DEFAULT = ("faithfulness", "context_recall", "context_precision", "factual_correctness")
QUERY, ANSWER, CONTEXT, REFERENCE, RUBRICS = (
    "user_input",
    "response",
    "retrieved_contexts",
    "reference",
    "rubrics",
)
CONTEXTS = 5  # passages that a count takes for granted where no answer is there yet


@dataclass(frozen=True, slots=True)
class CallCount:
    """Calls that one grade takes: chat calls from ``least`` to ``most``, and requests for embeddings at most."""

    least: int
    most: int
    embeddings: int = 0

    def __mul__(self, times: int) -> CallCount:
        return CallCount(self.least * times, self.most * times, self.embeddings * times)


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of ragas: the class, the fields it is given, and how its value is to be read.

    ``count`` is its calls for so many passages. ``blank`` says what NaN means: that the metric is undefined for the
    answer (ragas found nothing to count), or, where it is empty, that the judge failed. ``embedded`` names the fields
    that are embedded before the metric starts, because it asks for them in blocking code.
    """

    name: str
    library: str
    fields: tuple[str, ...]
    count: Callable[[int], CallCount]
    settings: Mapping[str, Any] = field(default_factory=dict)
    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool = True
    blank: str = ""
    needs_embeddings: bool = False
    embedded: tuple[str, ...] = ()
    critic: Critic | None = None

    @property
    def metric(self) -> str:
        """Its name on the shelf of metrics."""
        return PREFIX + self.name


def _calls(least: int, most: int | None = None, embeddings: int = 0) -> Callable[[int], CallCount]:
    found = CallCount(least, least if most is None else most, embeddings)
    return lambda _: found


def _one_each(contexts: int) -> CallCount:
    return CallCount(contexts, contexts)


def _noise(contexts: int) -> CallCount:
    return CallCount(2 * contexts + 3, 2 * contexts + 3)


_NO_CLAIM = "the judge found no statement in the answer"
_NO_STATEMENT = "the judge found no statement in the reference"
_FULL = (QUERY, ANSWER, REFERENCE, CONTEXT)
_NOISE: Mapping[str, Any] = {"higher_is_better": False, "blank": _NO_CLAIM}
_RUBRIC: Mapping[str, Any] = {"low": 1.0, "high": 5.0}

MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "faithfulness", "Faithfulness", (QUERY, ANSWER, CONTEXT), _calls(1, 2), blank=_NO_CLAIM
        ),
        Measure(
            "context_recall",
            "ContextRecall",
            (QUERY, CONTEXT, REFERENCE),
            _calls(1),
            blank=_NO_STATEMENT,
        ),
        Measure("context_precision", "ContextPrecision", (QUERY, REFERENCE, CONTEXT), _one_each),
        Measure(
            "context_precision_without_reference",
            "ContextPrecisionWithoutReference",
            (QUERY, ANSWER, CONTEXT),
            _one_each,
        ),
        Measure("context_utilization", "ContextUtilization", (QUERY, ANSWER, CONTEXT), _one_each),
        Measure("context_entity_recall", "ContextEntityRecall", (REFERENCE, CONTEXT), _calls(2)),
        Measure("context_relevance", "ContextRelevance", (QUERY, CONTEXT), _calls(0, 10)),
        Measure("response_groundedness", "ResponseGroundedness", (ANSWER, CONTEXT), _calls(2, 10)),
        Measure("factual_correctness", "FactualCorrectness", (ANSWER, REFERENCE), _calls(2, 4)),
        Measure("answer_accuracy", "AnswerAccuracy", (QUERY, ANSWER, REFERENCE), _calls(2, 10)),
        Measure(
            "answer_correctness",
            "AnswerCorrectness",
            (QUERY, ANSWER, REFERENCE),
            _calls(2, 3, 2),
            low=-0.25,
            needs_embeddings=True,
        ),
        Measure(
            "answer_relevancy",
            "AnswerRelevancy",
            (QUERY, ANSWER),
            _calls(3, 3, 2),
            low=-1.0,
            needs_embeddings=True,
        ),
        Measure(
            "semantic_similarity",
            "SemanticSimilarity",
            (REFERENCE, ANSWER),
            _calls(0, 0, 1),
            low=-1.0,
            needs_embeddings=True,
            embedded=(REFERENCE, ANSWER),
        ),
        Measure("noise_sensitivity", "NoiseSensitivity", _FULL, _noise, **_NOISE),
        Measure(
            "noise_sensitivity_irrelevant",
            "NoiseSensitivity",
            _FULL,
            _noise,
            settings={"mode": "irrelevant"},
            **_NOISE,
        ),
        Measure("rubrics", "RubricsScoreWithoutReference", (QUERY, ANSWER), _calls(1), **_RUBRIC),
        Measure(
            "rubrics_with_reference",
            "RubricsScoreWithReference",
            (QUERY, ANSWER, REFERENCE),
            _calls(1),
            **_RUBRIC,
        ),
        Measure(
            "case_rubrics",
            "InstanceSpecificRubrics",
            (QUERY, ANSWER, RUBRICS),
            _calls(1),
            **_RUBRIC,
        ),
    )
}


def of_critic(critic: Critic) -> Measure:
    """The measure that a critic of the user's own stands for."""
    low, high = critic.bounds()
    fields = tuple(critic.names())
    return Measure(critic.name, "", fields, _calls(1), low=low, high=high, critic=critic)


def chosen(
    names: Iterable[str], critics: Iterable[Critic] = (), *, embeddings: bool = False
) -> tuple[Measure, ...]:
    """The measures of these names, or the default ones, then the critics; raises ``InvalidInput``."""
    found = []
    for name in dict.fromkeys(n.removeprefix(PREFIX) for n in tuple(names) or DEFAULT):
        measure = MEASURES.get(name)
        if measure is None:
            hint = did_you_mean(name, MEASURES)
            raise InvalidInput(f"ragas has no metric {name!r} here", field="metrics", hint=hint)
        if measure.needs_embeddings and not embeddings:
            raise InvalidInput(
                f"{measure.metric} compares embeddings, and no model for them is given",
                field="metrics",
                hint="give embedding_model",
            )
        found.append(measure)
    made = [of_critic(critic) for critic in critics]
    known = [measure.name for measure in found]
    for one in made:
        if one.name in known:
            raise InvalidInput(f"two measures are called {one.name!r}", field="critics")
        known.append(one.name)
    return (*found, *made)


def samples_of(measure: Measure, case: Case, trace: Trace) -> list[dict[str, Any]] | str:
    """The fields that the metric is given, once for each reference; or why it does not apply.

    Of several references any one suffices, so that the best grade counts.
    """
    given: dict[str, Any] = {
        QUERY: case.query,
        ANSWER: trace.response,
        CONTEXT: [_shown(p.title, p.text) for p in trace.context or () if p.text.strip()],
        RUBRICS: _rubrics(case),
    }
    references = [text for text in case.reference or () if text.strip()]
    empty = [
        name
        for name in measure.fields
        if not (references if name == REFERENCE else _content(given[name]))
    ]
    if empty:
        return _ABSENT[empty[0]]
    fields = {name: given[name] for name in measure.fields if name != REFERENCE}
    if REFERENCE not in measure.fields:
        return [fields]
    return [{**fields, REFERENCE: text} for text in dict.fromkeys(references)]


_ABSENT = {
    QUERY: "the question is empty",
    ANSWER: "the answer is empty",
    CONTEXT: "the context is empty",
    REFERENCE: "the case has no reference",
    RUBRICS: "the case has no rubrics in its metadata",
}


def calls_for(
    measure: Measure | str, case: Case, trace: Trace | None = None, *, contexts: int = CONTEXTS
) -> CallCount:
    """The calls that a grade takes, 0 where the metric does not apply; known before any is made.

    Without a trace the answer is taken for granted, with so many ``contexts``. Not counted: attempts after a failure,
    replies asked for again, and what the record saves.
    """
    one = MEASURES[measure.removeprefix(PREFIX)] if isinstance(measure, str) else measure
    if trace is None:
        trace = Trace(response="-", condition=AS_IS)
        references = len([text for text in case.reference or () if text.strip()])
        due = RUBRICS not in one.fields or bool(_rubrics(case))
        times = (references if REFERENCE in one.fields else 1) if due else 0
        return one.count(contexts if CONTEXT in one.fields else 0) * times
    samples = samples_of(one, case, trace)
    if isinstance(samples, str):
        return CallCount(0, 0)
    return one.count(len(samples[0].get(CONTEXT, ()))) * len(samples)


def _content(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _shown(title: str | None, text: str) -> str:
    """A passage with its title, which belongs to what the generator saw."""
    return f"{title}\n\n{text}" if title else text


def _rubrics(case: Case) -> dict[str, str]:
    found = case.metadata.get("rubrics")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}
