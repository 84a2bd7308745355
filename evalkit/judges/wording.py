"""Words of an answer and of a reference in the form in which they are compared, slips of the pen allowed for."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

from evalkit.judges.irregular import key
from evalkit.text.tokens import CACHE, is_content, stem, tokens

_GLUED = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z][a-z])")
_DIGIT = re.compile(r"\d")
_FOOTNOTE = re.compile(r"(?<=[^\W\d_]{3})\d{1,2}(?:,\d{1,2})*(?=[\s.,;]|$)|\[\d{1,3}\]|\^\d+")


@lru_cache(CACHE)
def clean(text: str) -> str:
    """``text`` without footnote marks, with words that extraction glued together taken apart."""
    return _GLUED.sub(" ", _FOOTNOTE.sub("", text) if _DIGIT.search(text) else text)


@lru_cache(CACHE)
def keys_of(text: str) -> frozenset[str]:
    """Everything a word of ``text`` can be recognised by: stems, without accents, glued words apart too."""
    words = {*tokens(text), *tokens(clean(text))}
    stems = {key(word) for word in words} | {stem(word) for word in words}
    plain = tokens(clean(text))
    return frozenset(stems | {a + b for a, b in itertools.pairwise(plain)})


@lru_cache(CACHE)
def wanted_of(reference: str) -> tuple[str, ...]:
    """The content stems a reference consists of, without accents, each once."""
    return tuple(dict.fromkeys(key(w) for w in tokens(clean(reference)) if is_content(w)))


@lru_cache(CACHE)
def _by_initial(keys: frozenset[str]) -> dict[str, tuple[str, ...]]:
    table: dict[str, list[str]] = {}
    for known in keys:
        table.setdefault(known[:1], []).append(known)
    return {initial: tuple(found) for initial, found in table.items()}


def near(word: str, keys: frozenset[str]) -> bool:
    """Whether a key is ``word`` up to one slip of the pen in five letters."""
    if len(word) < 4 or not word.isalpha():
        return False
    allowed = 1 if len(word) < 9 else 2
    return any(
        abs(len(known) - len(word)) <= allowed
        and DamerauLevenshtein.distance(word, known, score_cutoff=allowed) <= allowed
        for known in _by_initial(keys).get(word[:1], ())
    )
