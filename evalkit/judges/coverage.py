"""Whether an answer states a key point: its words, numbers and polarity, wherever they stand in the answer."""

from __future__ import annotations

import math
from functools import lru_cache

from evalkit.judges.bounds import bounds_differ
from evalkit.judges.counted import counts_otherwise, other_days
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.restated import conflicting, restated, touches
from evalkit.judges.swaps import swapped
from evalkit.judges.wording import keys_of, near, wanted_of
from evalkit.text.number_words import MONTHS, NUMBER_WORDS, UNITS
from evalkit.text.quantities import found_in, quantities
from evalkit.text.refusal import refusal_probability
from evalkit.text.similarity import contains
from evalkit.text.tokens import CACHE, names, stem_set

MIDDLE, SLOPE = (
    0.55,
    10.0,
)  # share of a point's words at which it is even odds, and how sharply that turns
EVEN = 0.5  # probability from which on a point counts as stated
# What is left of the probability where the answer has another number, polarity or name, and where it has no name at all.
RESTATED = 0.85  # where the answer says a point in its own words
OPEN = (
    0.3  # at least, where nothing speaks against a point whose words are lacking: it cannot be told
)
UNTOUCHED = (
    0.45  # where all that the answer has of a point is in the question, too: it cannot be told
)
VALUE = 0.9  # where the answer has all numbers of a point whose other words the question gives
FEW = 2  # numbers at most that an answer has beside the value asked for,
ASIDES = 1  # and other words: an answer of more words must say what its numbers are of
WRONG_NUMBER, WRONG_POLARITY, WRONG_NAME, NO_NAME = 0.15, 0.2, 0.5, 0.7

_MONTHS = stem_set(" ".join(MONTHS))
_OF_VALUES = stem_set(
    " ".join([*NUMBER_WORDS, *filter(str.isalpha, UNITS)])
)  # "three weeks" is a number


@lru_cache(CACHE)
def coverage(point: str, answer: str, query: str = "") -> float:
    """Probability, 0..1, that ``answer`` states ``point``; judged on the answer alone.

    Words that the question already has prove little: they count a quarter. A number or date of the
    point that the answer lacks, or a negation only one of the two has, speaks against it.
    """
    value, settled = _found(point, answer, query)
    if value < RESTATED and restated(point, answer, query):
        return RESTATED
    if settled:
        return value
    if value < VALUE and gives_value(point, answer, query):
        value = VALUE
    if _turned(point, answer) or (value >= EVEN and _otherwise(point, answer, query)):
        return value * WRONG_POLARITY
    if EVEN <= value < VALUE and not quantities(point) and not touches(point, answer, query):
        return UNTOUCHED
    return value if value >= OPEN or _speaks_against(point, answer, query) else OPEN


def states(point: str, answer: str, query: str = "") -> bool:
    """Whether it is even odds or better that ``answer`` states ``point``; faster than ``coverage`` where it is not."""
    found = _found(point, answer, query)[0] >= EVEN or gives_value(point, answer, query)
    return (found or restated(point, answer, query)) and coverage(point, answer, query) >= EVEN


def denies(point: str, answer: str, query: str = "") -> bool:
    """Whether the words of ``point`` are in ``answer``, which says the opposite, or gives them to something else.

    What is merely left out, or has another number or name, is not denied.
    """
    value, settled = _found(point, answer, query)
    return not settled and value >= EVEN and _turned(point, answer)


def _otherwise(point: str, answer: str, query: str) -> bool:
    """Whether the answer's numbers are per another unit, or of other days."""
    return counts_otherwise(point, answer, query) or other_days(point, answer)


def _speaks_against(point: str, answer: str, query: str) -> bool:
    """Whether an answer that lacks a point gives a reason to think that it says something else, or nothing about it."""
    lacking = quantities(point) - found_in(quantities(point), quantities(answer))
    return bool(lacking) or not touches(point, answer, query) or conflicting(point, answer, query)


def _turned(point: str, answer: str) -> bool:
    turned = polarity_differs(point, answer) or bounds_differ(point, answer)
    return turned or swapped(point, answer)


@lru_cache(CACHE)
def _found(point: str, answer: str, query: str) -> tuple[float, bool]:
    """How likely ``answer`` has what ``point`` consists of, and whether that settles it: a refusal denies nothing."""
    if contains(answer, point):
        return 0.97, False
    if refusal_probability(answer) >= 0.9:
        return (0.97 if refusal_probability(point) >= 0.5 else 0.03), True
    share = _share(point, answer, query)
    value = 1 / (1 + math.exp(-SLOPE * (share - MIDDLE)))
    wanted = quantities(point)
    if wanted:
        found = len(found_in(wanted, quantities(answer))) / len(wanted)
        value *= 1.0 if found == 1 else WRONG_NUMBER + 0.3 * found
    if names(point) - stem_set(answer) - stem_set(query):
        value *= WRONG_NAME if names(answer) - stem_set(point) - stem_set(query) else NO_NAME
    return value, False


@lru_cache(CACHE)
def gives_value(point: str, answer: str, query: str) -> bool:
    """Whether a point is a value (a price, a date, a count) of what is asked, and the answer gives an equal one.

    Beside its numbers the point then has no word that neither the question nor the answer has, save one: units and
    verbs change ("costs", "pay"). A name that the answer lacks, or more numbers of other kinds, are none of that.
    """
    wanted, given = quantities(point), quantities(answer)
    if not wanted or not stem_set(query) or found_in(wanted, given) != wanted:
        return False
    if len(given - found_in(given, wanted)) > FEW or refusal_probability(answer) >= EVEN:
        return False
    if names(point) - stem_set(answer) - stem_set(query) - _MONTHS:
        return False
    known = keys_of(query) | keys_of(answer)
    asides = [w for w in wanted_of(answer) if w not in keys_of(query) | keys_of(point) | _OF_VALUES]
    if len([w for w in asides if not any(map(str.isdigit, w))]) > ASIDES:
        return False
    words = [w for w in wanted_of(point) if w not in _MONTHS and not any(map(str.isdigit, w))]
    strange = [w for w in words if w not in known and not near(w, known)]
    return len(strange) <= max(1, len(words) // 2)


def _share(point: str, answer: str, query: str) -> float:
    """Share of the point's content words that the answer has, question words at a quarter."""
    keys, asked = keys_of(answer), keys_of(query)
    weights = {w: 0.25 if w in asked else 1.0 for w in wanted_of(point)}
    total = sum(weights.values())
    if not total:
        return 0.0
    return sum(weight for w, weight in weights.items() if w in keys or near(w, keys)) / total
