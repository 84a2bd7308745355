"""Whether an answer that was graded wrong comes nearer to its label than the failing one: its verdict is then in doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalkit.judges.polarity import polarity_differs
from evalkit.judges.portion import LABEL
from evalkit.judges.substitution import substituted
from evalkit.metrics.consistency import same_meaning
from evalkit.records import Case
from evalkit.text.quantities import quantities
from evalkit.text.tokens import content_words, stem

NEAR = (
    0.34  # share of a label's words, without those of the question, that an answer near to it has
)
_HIRAGANA = re.compile("[\u3040-\u309f]")


def comes_nearer(case: Case, failing: str | None, answer: str | None) -> bool:
    """Whether an answer is near to what is labelled and says another thing than the failing one, which is not near.

    Only texts are compared: a record's fields are right or wrong to the letter, and nothing is near to them.
    """
    if failing is None or not near_label(case, answer) or near_label(case, failing):
        return False
    return not same_meaning(failing, answer or "")


def near_label(case: Case, answer: str | None) -> bool:
    """Whether an answer is near to all key points, or to a reference: nothing in it speaks against them, enough for them.

    A reference may leave out what the key points ask for: an answer needs their numbers in any case.
    """
    if not answer or case.reference_object is not None or not numbers_agree(case, answer):
        return False
    points = tuple(p.text for p in case.key_points or ())
    wholes = ((reference,) for reference in case.reference or ())
    return any(_near_all(labels, answer, case.query) for labels in (points, *wholes) if labels)


def numbers_agree(case: Case, answer: str | None) -> bool:
    """Whether a text has every number of the label that is not one of the question; a record has fields instead."""
    wanted = [p.text for p in case.key_points or ()] or [*(case.reference or ())][:1]
    if not answer or not wanted or case.reference_object is not None:
        return False
    lacking = bare_numbers(" ; ".join(wanted)) - bare_numbers(case.query)
    return lacking <= bare_numbers(answer)


def _near_all(labels: Sequence[str], answer: str, query: str) -> bool:
    short = all(len(label) <= LABEL for label in labels)
    return short and all(_near(label, answer, query) for label in labels)


def _near(label: str, answer: str, query: str) -> bool:
    """Every number of the label, in whatever unit, or a good part of its own words; no other name, no "not"."""
    if polarity_differs(label, answer) or substituted(label, answer):
        return False
    wanted = bare_numbers(label) - bare_numbers(query)
    if wanted:
        return wanted <= bare_numbers(answer)
    own = _words(label) - _words(query) or _words(label)
    return bool(own) and len(own & _words(answer)) >= NEAR * len(own)


def _words(text: str) -> frozenset[str]:
    """The stems of the content words; of a script without spaces, the pairs of signs that are no mere endings."""
    found = content_words(text)
    return frozenset(stem(word) for word in [w for w in found if not _HIRAGANA.search(w)] or found)


def bare_numbers(text: str) -> frozenset[str]:
    """The numbers of a text without sign and unit: what is a pound of weight to one is a pound of money to another."""
    return frozenset(q.partition(" ")[0].lstrip("-").rstrip("%") for q in quantities(text))
