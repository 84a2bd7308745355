"""Text -> index terms: Unicode words (CJK by pairs of characters), stems, or character n-grams."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from evalkit.text.tokens import stem, words

Analyzer = Callable[[str], list[str]]


def word_terms(text: str) -> list[str]:
    """Words as the language layer cuts them."""
    return words(text)


def stem_terms(text: str) -> list[str]:
    """Words without their commonest endings, so that "refunds" and "refunded" meet."""
    return [stem(word) for word in words(text)]


def char_terms(text: str, *, low: int, high: int) -> list[str]:
    """Character n-grams inside word borders, ``low`` to ``high`` long (scikit-learn's char_wb)."""
    terms: list[str] = []
    for word in words(text):
        padded = f" {word} "
        for size in range(low, high + 1):
            terms.extend(padded[at : at + size] for at in range(max(1, len(padded) - size + 1)))
    return terms


def make_analyzer(name: str, ngrams: tuple[int, int]) -> Analyzer:
    """The analyzer called ``name``: ``words``, ``stems`` or ``char_wb``."""
    if name == "char_wb":
        return partial(char_terms, low=ngrams[0], high=ngrams[1])
    return stem_terms if name == "stems" else word_terms
