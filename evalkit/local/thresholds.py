"""When to decline: learned from training questions that were answered and that were not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalkit.local.reader import Reader
from evalkit.local.training import Example
from evalkit.records import Passage
from evalkit.text.refusal import mentions_gap, refusal_probability

UNKNOWN_WEIGHT = 0.6  # what words nobody in the documents uses take from the confidence
MISSED = 3  # an unfounded answer weighs as much as so many needless refusals
FEWEST = 8  # refusals and answers needed to learn from


def learn_threshold(
    examples: Sequence[Example], retrieve: Callable[[str], Sequence[Passage]], reader: Reader
) -> float | None:
    """The confidence below which declining would have been best on the training examples.

    ``None`` with too few answers or refusals to learn from.
    """
    answered: list[float] = []
    declined: list[float] = []
    for example in examples:
        if not example.text:
            continue
        candidates = reader.candidates(example.query, retrieve(example.query))
        score = confidence(reader, example.query, candidates[0].score if candidates else 0.0)
        gap = refusal_probability(example.text) > 0.5 and mentions_gap(example.text)
        (declined if gap else answered).append(score)
    if min(len(answered), len(declined)) < FEWEST:
        return None
    return max(sorted({*answered, *declined}), key=lambda cut: rightly(answered, declined, cut))


def rightly(answered: Sequence[float], declined: Sequence[float], cut: float) -> int:
    """How many of the examples a cut decides as they were decided, refusals counted ``MISSED`` times."""
    kept = sum(score >= cut for score in answered)
    return kept + MISSED * sum(score < cut for score in declined)


def confidence(reader: Reader, query: str, score: float) -> float:
    """The score of the best sentence, less the share of the question that is foreign to the documents."""
    return score - UNKNOWN_WEIGHT * reader.unknown(query)
