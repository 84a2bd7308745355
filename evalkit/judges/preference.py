"""Which of two answers people would prefer: how far each means what the reference means, and how much of it the reference has."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.judges.claims import claims
from evalkit.judges.context import read
from evalkit.judges.equivalence import equivalence
from evalkit.judges.support import assess


def precision(answer: str, reference: str, query: str = "") -> float:
    """Mean support of the answer's claims by the reference, 0..1; 0 where it claims nothing."""
    context = read((reference,), query)
    scores = [assess(answer[start:end], context).score for start, end in claims(answer)]
    return sum(scores) / len(scores) if scores else 0.0


def quality(answer: str, references: Sequence[str], query: str = "") -> float:
    """How good an answer is beside the best fitting reference, 0..1: the mean of equivalence and precision.

    Equivalence alone asks whether all is there, and forgives what is said besides; people do not. No weight is fitted.
    Without a reference 0.
    """
    return max(
        ((equivalence(answer, (r,), query) + precision(answer, r, query)) / 2 for r in references),
        default=0.0,
    )


def preference(a: str, b: str, references: Sequence[str], query: str = "") -> float:
    """How far ``b`` is to be preferred to ``a``, -1..1; turned round for answers that change places."""
    return quality(b, references, query) - quality(a, references, query)
