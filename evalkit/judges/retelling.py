"""Whether an answer of several statements retells a reference of several: claim by claim, both ways."""

from __future__ import annotations

import math

from evalkit.judges.claims import claims
from evalkit.judges.context import Context, read
from evalkit.judges.support import negation_differs, sentence_near, support_score
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import names, stem_set

SLOPE, MIDDLE = 9.0, 0.38  # how agreement 0..1 becomes a probability
SWAP = 2.2  # share of swapped claims -> part of the probability that it takes away ...
SWAP_MOST = 0.7  # ... at most


def agreement(answer: str, reference: str, query: str = "") -> float:
    """Harmonic mean of how far the answer's claims are in the reference and the reverse, 0..1."""
    precision = _carried(answer, read((reference,), query))
    recall = _carried(reference, read((answer,), query))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _carried(text: str, context: Context) -> float:
    """Mean support of the claims of ``text``; 0 when it makes none."""
    scores = [support_score(text[start:end], context) for start, end in claims(text)]
    return sum(scores) / len(scores) if scores else 0.0


def retold(answer: str, reference: str, query: str = "") -> float:
    """Probability, 0..1, that the answer says what a long reference says.

    A name or number of the reference that the answer replaces by another counts more than words
    that differ: the rest of the statement then makes the answer wrong, not merely different.
    """
    value = 1 / (1 + math.exp(-SLOPE * (agreement(answer, reference, query) - MIDDLE)))
    return value * (1 - min(SWAP_MOST, SWAP * _swapped(answer, reference, query)))


def _swapped(answer: str, reference: str, query: str) -> float:
    """Share of the answer's claims that put another name, number or "not" into a sentence of the reference."""
    context, spans = read((reference,), query), claims(answer)
    if not spans:
        return 0.0
    given, counted = stem_set(answer), quantities(answer)
    swapped = 0
    for start, end in spans:
        claim = answer[start:end]
        nearest = sentence_near(claim, context)
        if nearest is None:
            continue
        if negation_differs(claim, nearest):
            swapped += 1
            continue
        foreign = context.lacking(names(claim))
        other = quantities(claim) - context.agreeing(quantities(claim))
        lost = nearest.quantities - found_in(nearest.quantities, counted)
        swapped += bool((foreign and nearest.names - given) or (other and lost))
    return swapped / len(spans)
