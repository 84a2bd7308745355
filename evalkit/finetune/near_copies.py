"""Texts that say the same in nearly the same words, found without comparing each with each."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalkit.text.tokens import CACHE, is_content, stem, tokens

NEAR = 0.9  # words in common, in order, as a share of the words of both
CROWD = 60  # texts that share a rare word and are compared with one text, at most
Numbered = tuple[str, int]  # a word and which of its occurrences


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts by index, ``first`` < ``second`` within one list, and how alike they are (0..1)."""

    first: int
    second: int
    similarity: float

    @property
    def exact(self) -> bool:
        """Whether their words are the same in the same order."""
        return self.similarity == 1.0


def near_copies(texts: Sequence[str], others: Sequence[str] | None = None) -> list[Pair]:
    """Pairs within ``texts`` (or between ``texts`` and ``others``) that are alike and name the same numbers.

    Alike is a similarity of the words of at least ``NEAR``. Texts that differ in a number, or in a name or
    code with a digit, ask for different things and are no copies, however alike. The search is exact
    (prefix filtering, Chaudhuri et al. 2006) unless more than ``CROWD`` texts share a rare word.
    """
    split = len(texts)
    words = [tokens(text) for text in (*texts, *(others or ()))]
    found = []
    for i, j in _candidates(words, split if others is not None else None):
        similarity = _similarity(words[i], words[j])
        if similarity is not None and _numbers(words[i]) == _numbers(words[j]):
            found.append(Pair(i, j if others is None else j - split, similarity))
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def same_request(a: str, b: str) -> bool:
    """Whether two questions ask for the same: equal numbers, and equal content words in any order."""
    return _content(a) == _content(b)


@lru_cache(CACHE)
def _content(text: str) -> frozenset[str]:
    words = tokens(text)
    return frozenset(stem(word) for word in words if is_content(word)) or frozenset(words)


def _numbers(words: Sequence[str]) -> Counter[str]:
    return Counter(word for word in words if any(c.isdigit() for c in word))


def _similarity(left: Sequence[str], right: Sequence[str]) -> float | None:
    from rapidfuzz.distance import Indel

    if 2 * min(len(left), len(right)) < NEAR * (len(left) + len(right)):
        return None
    found = Indel.normalized_similarity(left, right, score_cutoff=NEAR)
    return float(found) if found >= NEAR else None


def _candidates(words: Sequence[tuple[str, ...]], split: int | None) -> Iterator[tuple[int, int]]:
    """Pairs that share one of the rarest words of each, as any pair above ``NEAR`` must; each once.

    Equal texts meet through their first one only in the index, so that copies do not multiply the work.
    """
    buckets: dict[Numbered, list[int]] = defaultdict(list)
    seen: set[tuple[int, int]] = set()
    prefixes = _prefixes(words)
    for j, prefix in enumerate(prefixes):
        for key in prefix:
            for i in buckets[key][-CROWD:]:
                if (i, j) not in seen and (split is None or i < split <= j):
                    seen.add((i, j))
                    yield i, j
        for key in prefix:
            if split is None or j < split:
                buckets[key].append(j)


def _prefixes(words: Sequence[tuple[str, ...]]) -> list[list[Numbered]]:
    """The rarest words of every text: as many as two texts above ``NEAR`` cannot both lack."""
    frequency = Counter(word for text in words for word in set(text))
    found = []
    for text in words:
        numbered = _numbered(text)
        numbered.sort(key=lambda key: (frequency[key[0]], key))
        # Dice >= NEAR and |b| >= |a| * NEAR / (2 - NEAR) leave at least this overlap.
        overlap = math.ceil(len(text) * NEAR / (2 - NEAR) - 1e-9)
        found.append(numbered[: len(text) - overlap + 1])
    return found


def _numbered(text: Sequence[str]) -> list[Numbered]:
    seen: Counter[str] = Counter()
    found = []
    for word in text:
        seen[word] += 1
        found.append((word, seen[word]))
    return found
