"""Conditions that change the wording of the question, and the one that changes nothing but the draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.condition import ASKS, GENERATES, Ask, Condition, How, Situation
from evalkit.records import Question

LEAST_REPEATS = 3  # how often a frozen prompt is answered at least


def reworded(question: Question, query: str) -> Question:
    """The question in other words; in a conversation the last turn of the user is what changes."""
    messages = question.messages
    if messages is not None:
        last = max((i for i, m in enumerate(messages) if m.role == "user"), default=None)
        messages = tuple(
            replace(m, content=query) if i == last else m for i, m in enumerate(messages)
        )
    return replace(question, query=query, messages=messages)


def _each(name: str, here: Situation, queries: Sequence[str]) -> tuple[Ask, ...]:
    return tuple(
        Ask(f"{name}:{n}", How.ASK, reworded(here.question, query))
        for n, query in enumerate(queries)
    )


def _paraphrase(here: Situation) -> tuple[Ask, ...]:
    return _each("paraphrase", here, here.case.paraphrases)


def _leading(here: Situation) -> tuple[Ask, ...]:
    return _each("leading", here, here.case.leading)


def _clarified_query(here: Situation) -> tuple[Ask, ...]:
    if here.case.clarified is None:
        return ()
    return (Ask("clarified_query", How.ASK, reworded(here.question, here.case.clarified)),)


def _frozen_context(here: Situation) -> tuple[Ask, ...]:
    """One question a repeat, all with the prompt of the first answer."""
    prompt = here.as_is.context if here.as_is.context is not None else here.as_is.retrieved
    if not prompt:
        return ()
    repeats = range(max(LEAST_REPEATS, here.suite.repeats))
    return tuple(
        Ask("frozen_context", How.GENERATE, replace(here.question, repeat=r), prompt)
        for r in repeats
    )


CONDITIONS = (
    Condition(
        "paraphrase",
        "The same question in other words: whether the answer, or what is retrieved, changes.",
        ASKS,
        _paraphrase,
    ),
    Condition(
        "leading",
        "The question pushed towards a wrong answer: whether the system gives way.",
        ASKS,
        _leading,
    ),
    Condition(
        "clarified_query",
        "The question with what it left open filled in. Right: it was underspecified.",
        ASKS,
        _clarified_query,
    ),
    Condition(
        "frozen_context",
        "Repeats with one and the same prompt: how much the generator alone varies.",
        GENERATES,
        _frozen_context,
    ),
)
