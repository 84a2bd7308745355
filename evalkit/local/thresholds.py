"""When to decline: learned from training questions that were answered and that were not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalkit.local.reader import Reader
from evalkit.local.training import Example
from evalkit.records import Passage
from evalkit.text.refusal import mentions_gap, refusal_probability

FEWEST = 8  # refusals and answers needed to learn from


def learn_threshold(
    examples: Sequence[Example], retrieve: Callable[[str], Sequence[Passage]], reader: Reader
) -> float | None:
    """The score of the best sentence that tells answers from refusals best; ``None`` if too few of either.

    Best means the highest share of answers kept plus share of refusals made (Youden's index).
    """
    answered: list[float] = []
    declined: list[float] = []
    for example in examples:
        if not example.text:
            continue
        candidates = reader.candidates(example.query, retrieve(example.query))
        score = candidates[0].score if candidates else 0.0
        gap = refusal_probability(example.text) > 0.5 and mentions_gap(example.text)
        (declined if gap else answered).append(score)
    if min(len(answered), len(declined)) < FEWEST:
        return None
    return max(sorted({*answered, *declined}), key=lambda cut: youden(answered, declined, cut))


def youden(answered: Sequence[float], declined: Sequence[float], cut: float) -> float:
    """Share of ``answered`` at or above the cut, less the share of ``declined`` there."""
    kept = sum(score >= cut for score in answered) / len(answered)
    missed = sum(score >= cut for score in declined) / len(declined)
    return kept - missed
