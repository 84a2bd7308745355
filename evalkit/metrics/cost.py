"""Metrics of time, tokens and money, each unknown rather than zero where it was not observed."""

from __future__ import annotations

import math

from evalkit.records import Metric, Seconds, Stage, Usage


def seconds_total(seconds: Seconds) -> float | None:
    """Wall time of the whole answer, in seconds."""
    return seconds.total


def seconds_retrieval(seconds: Seconds) -> float | None:
    """Wall time of retrieval, in seconds."""
    return seconds.retrieval


def seconds_generation(seconds: Seconds) -> float | None:
    """Wall time of generation, in seconds."""
    return seconds.generation


def prompt_tokens(usage: Usage) -> float | None:
    """Tokens sent to the model."""
    return None if usage.prompt_tokens is None else float(usage.prompt_tokens)


def completion_tokens(usage: Usage) -> float | None:
    """Tokens the model wrote."""
    return None if usage.completion_tokens is None else float(usage.completion_tokens)


def cost(usage: Usage) -> float | None:
    """Money the answer took, in the currency the system reports."""
    return usage.cost


METRICS: tuple[Metric, ...] = tuple(
    Metric(name, stage, compute, card, higher_is_better=False, high=math.inf, unit=unit)
    for name, stage, compute, unit, card in (
        (
            "seconds_total",
            Stage.SYSTEM,
            seconds_total,
            "s",
            "Wall time from question to answer. Undefined when not observed.",
        ),
        (
            "seconds_retrieval",
            Stage.RETRIEVAL,
            seconds_retrieval,
            "s",
            "Wall time of retrieval alone. Undefined when the system does not show it.",
        ),
        (
            "seconds_generation",
            Stage.GENERATION,
            seconds_generation,
            "s",
            "Wall time of generation alone. Undefined when the system does not show it.",
        ),
        (
            "prompt_tokens",
            Stage.SYSTEM,
            prompt_tokens,
            "tokens",
            "Tokens of the prompt as the endpoint counts them. Undefined when it does not say.",
        ),
        (
            "completion_tokens",
            Stage.SYSTEM,
            completion_tokens,
            "tokens",
            "Tokens of the answer as the endpoint counts them. Undefined when it does not say.",
        ),
        (
            "cost",
            Stage.SYSTEM,
            cost,
            "currency",
            "Money one answer took, in whatever currency the system reports. Undefined when unknown, never 0.",
        ),
    )
)
