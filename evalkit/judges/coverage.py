"""Whether an answer states a key point: its words, numbers and polarity, wherever they stand in the answer."""

from __future__ import annotations

import math
from functools import lru_cache

from evalkit.judges.bounds import bounds_differ
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.swaps import swapped
from evalkit.judges.wording import keys_of, near, wanted_of
from evalkit.text.quantities import found_in, quantities
from evalkit.text.refusal import refusal_probability
from evalkit.text.similarity import contains
from evalkit.text.tokens import CACHE, names, stem_set

MIDDLE, SLOPE = (
    0.55,
    10.0,
)  # share of a point's words at which it is even odds, and how sharply that turns
# What is left of the probability where the answer has another number, polarity or name, and where it has no name at all.
WRONG_NUMBER, WRONG_POLARITY, WRONG_NAME, NO_NAME = 0.15, 0.2, 0.5, 0.7


@lru_cache(CACHE)
def coverage(point: str, answer: str, query: str = "") -> float:
    """Probability, 0..1, that ``answer`` states ``point``; judged on the answer alone.

    Words that the question already has prove little: they count a quarter. A number or date of the
    point that the answer lacks, or a negation only one of the two has, speaks against it.
    """
    turned = polarity_differs(point, answer) or bounds_differ(point, answer)
    against = WRONG_POLARITY if turned or swapped(point, answer) else 1.0
    if contains(answer, point):
        return 0.97 * against
    if refusal_probability(answer) >= 0.9:
        return 0.97 if refusal_probability(point) >= 0.5 else 0.03
    share = _share(point, answer, query)
    value = 1 / (1 + math.exp(-SLOPE * (share - MIDDLE)))
    wanted = quantities(point)
    if wanted:
        found = len(found_in(wanted, quantities(answer))) / len(wanted)
        value *= 1.0 if found == 1 else WRONG_NUMBER + 0.3 * found
    if names(point) - stem_set(answer) - stem_set(query):
        value *= WRONG_NAME if names(answer) - stem_set(point) - stem_set(query) else NO_NAME
    return value * against


def _share(point: str, answer: str, query: str) -> float:
    """Share of the point's content words that the answer has, question words at a quarter."""
    keys, asked = keys_of(answer), keys_of(query)
    weights = {w: 0.25 if w in asked else 1.0 for w in wanted_of(point)}
    total = sum(weights.values())
    if not total:
        return 0.0
    return sum(weight for w, weight in weights.items() if w in keys or near(w, keys)) / total
