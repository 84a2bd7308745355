"""Words of an answer and of a reference in the form in which they are compared, slips of the pen allowed for."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import add

from rapidfuzz.distance import DamerauLevenshtein

from evalkit.judges.irregular import key
from evalkit.text.tokens import CACHE, is_content, stem, tokens

TELLING, LONG = 4, 9  # letters of a word from which on one slip is looked for, and two
_GLUED = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z][a-z])")
_CAPITAL, _DIGITS = re.compile("[A-Z]"), re.compile(r"\d+")
_FOOTNOTE = re.compile(r"(?<=[^\W\d_]{3})\d{1,2}(?:,\d{1,2})*(?=[\s.,;]|$)|\[\d{1,3}\]|\^\d+")


@lru_cache(CACHE)
def clean(text: str) -> str:
    """``text`` without footnote marks, with words that extraction glued together taken apart."""
    # Looked at are only digits and capitals, of which there are few, and what stands before them.
    before = [text[m.start() - 1] for m in _DIGITS.finditer(text) if m.start()]
    noted = any(c in "[^" or c.isalnum() for c in before)
    bare = _FOOTNOTE.sub("", text) if noted else text
    before = [bare[m.start() - 1] for m in _CAPITAL.finditer(bare) if m.start()]
    return _GLUED.sub(" ", bare) if any(c.islower() or c == "÷" for c in before) else bare


@lru_cache(CACHE)
def keys_of(text: str) -> frozenset[str]:
    """Everything a word of ``text`` can be recognised by: stems, without accents, glued words apart too."""
    bare = clean(text)
    plain = tokens(bare)
    words = frozenset(plain) if bare == text else frozenset(plain).union(tokens(text))
    return frozenset(map(key, words)).union(map(stem, words), map(add, plain, plain[1:]))


@lru_cache(CACHE)
def wanted_of(reference: str) -> tuple[str, ...]:
    """The content stems a reference consists of, without accents, each once."""
    return tuple(dict.fromkeys(map(key, filter(is_content, tokens(clean(reference))))))


@lru_cache(CACHE)
def _by_initial(keys: frozenset[str]) -> dict[str, tuple[str, ...]]:
    table: dict[str, list[str]] = {}
    for known in keys:
        table.setdefault(known[:1], []).append(known)
    return {initial: tuple(found) for initial, found in table.items()}


def beginning_with(initial: str, keys: frozenset[str]) -> tuple[str, ...]:
    """The keys that begin with a letter."""
    return _by_initial(keys).get(initial, ())


def near(word: str, keys: frozenset[str]) -> bool:
    """Whether a key is ``word`` up to one slip of the pen in five letters."""
    return len(word) >= TELLING and near_any(word, beginning_with(word[:1], keys))


def near_any(word: str, alike: tuple[str, ...]) -> bool:
    """The same for keys that begin as ``word`` does."""
    size = len(word)
    if size < TELLING or not word.isalpha():
        return False
    allowed = 1 if size < LONG else 2
    for known in alike:  # a loop written out takes half the time of any()
        if (
            -allowed <= len(known) - size <= allowed
            and DamerauLevenshtein.distance(word, known, score_cutoff=allowed) <= allowed
        ):
            return True
    return False
