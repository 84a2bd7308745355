"""Passages parsed into sentences, words and quantities, ready for claims to be held against them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate, chain
from typing import NamedTuple

from evalkit.text.quantities import found_in, quantities
from evalkit.text.sentences import spans
from evalkit.text.stopwords import NEGATIONS
from evalkit.text.tokens import CACHE, names, stem_set, tokens

PREFIX = 6  # letters that a long word shares with its derivations


_NOTHING: frozenset[str] = frozenset()


class Support(NamedTuple):
    """How far passages carry a claim: ``score`` 0..1; ``supported`` is None where it cannot be told."""

    score: float
    supported: bool | None
    contradicted: bool = False
    passage: int | None = None


class Match(NamedTuple):
    """Shares of a claim's weight: anywhere, in the nearest sentence, in the nearest two neighbours; and which is nearest."""

    anywhere: float
    nearest: float
    together: float
    number: int


class Sentence:
    """One sentence of a passage, ready to be compared; what few claims ask for is looked for when one does."""

    __slots__ = ("_quantities", "keys", "negated", "stems", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.stems = stem_set(text)
        self.keys = frozenset([stem[:PREFIX] for stem in self.stems])  # derivations share them
        self.negated = negated(text)
        self._quantities: frozenset[str] | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names in it."""
        return names(self.text)

    @property
    def quantities(self) -> frozenset[str]:
        """The numbers, amounts and dates in it."""
        if self._quantities is None:
            self._quantities = quantities(self.text)
        return self._quantities


class Said:
    """What one passage says, parsed once: passages come back for many questions."""

    __slots__ = ("_quantities", "places", "sentences", "stems")

    def __init__(self, passage: str) -> None:
        self.sentences = tuple([Sentence(passage[start:end]) for start, end in spans(passage)])
        self.stems = _NOTHING.union(*[s.stems for s in self.sentences])
        self.places: dict[str, list[int]] = {}  # the numbers of the sentences with a key
        for number, sentence in enumerate(self.sentences):
            for key in sentence.keys:
                self.places.setdefault(key, []).append(number)
        self._quantities: frozenset[str] | None = None

    @property
    def quantities(self) -> frozenset[str]:
        """The quantities of all its sentences."""
        if self._quantities is None:
            self._quantities = _NOTHING.union(*[s.quantities for s in self.sentences])
        return self._quantities


_said = lru_cache(CACHE)(Said)


class _Together:
    """Some passages, one after the other, whatever is asked of them."""

    __slots__ = ("_quantities", "firsts", "passages", "sentences")

    def __init__(self, passages: tuple[str, ...]) -> None:
        self.passages = [_said(passage) for passage in passages]
        # The number that the first sentence of each passage has.
        self.firsts = tuple(accumulate([len(p.sentences) for p in self.passages], initial=0))
        self.sentences = tuple(chain.from_iterable([said.sentences for said in self.passages]))
        self._quantities: frozenset[str] | None = None

    @property
    def quantities(self) -> frozenset[str]:
        """The quantities of all passages."""
        if self._quantities is None:
            self._quantities = _NOTHING.union(*[said.quantities for said in self.passages])
        return self._quantities


_together = lru_cache(512)(_Together)


class Context:
    """What passages say, one after the other; what the query says needs less support."""

    __slots__ = (
        "_given",
        "asked",
        "firsts",
        "matches",
        "passages",
        "query",
        "sentences",
        "verdicts",
    )

    def __init__(self, given: _Together, query: str) -> None:
        self._given, self.query = given, query
        self.passages, self.firsts, self.sentences = given.passages, given.firsts, given.sentences
        self.asked = stem_set(query) if query else _NOTHING
        self.matches: dict[str, Match | None] = {}  # of claims, which are looked for more than once
        self.verdicts: dict[str, Support] = {}

    @property
    def quantities(self) -> frozenset[str]:
        """The quantities of all passages, and of the question."""
        return self._given.quantities | (quantities(self.query) if self.query else _NOTHING)

    @property
    def stems(self) -> frozenset[str]:
        """The stems of all passages."""
        return _NOTHING.union(*[said.stems for said in self.passages])

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all sentences."""
        return _NOTHING.union(*[said.places for said in self.passages])

    def agreeing(self, wanted: frozenset[str]) -> frozenset[str]:
        """Those of some quantities that a passage, or the question, has."""
        found = found_in(wanted, self._given.quantities)
        if len(found) == len(wanted) or not self.query:
            return found
        return found | found_in(wanted - found, quantities(self.query))

    def passage_of(self, number: int) -> int:
        """The number of the passage in which a sentence stands."""
        return bisect_right(self.firsts, number) - 1

    def lacking(self, stems: frozenset[str]) -> frozenset[str]:
        """Those of some stems that no passage has, nor the question."""
        for said in self.passages:
            if not stems:
                return stems
            stems -= said.stems
        return stems - self.asked

    def weighed(self, weights: Mapping[str, float]) -> tuple[dict[int, float], set[str]]:
        """What the keys weigh together that a sentence has, by its number, up to the last digits, in no order; and the keys that any has."""
        found: dict[int, float] = {}
        there: set[str] = set()
        for first, said in zip(self.firsts, self.passages, strict=False):
            places = said.places
            held = weights.keys() & places.keys()
            there |= held
            for key in held:
                weight = weights[key]
                for number in places[key]:
                    place = first + number
                    found[place] = found.get(place, 0.0) + weight
        return found, there


@lru_cache(CACHE)
def negated(text: str) -> bool:
    """Whether a text has a negating word, contractions such as "isn't" included."""
    words = tokens(text)
    if not NEGATIONS.isdisjoint(words):
        return True
    return "n't" in " ".join(words) and any(word.endswith("n't") for word in words)


@lru_cache(512)
def read(passages: tuple[str, ...], query: str = "") -> Context:
    """The sentences, words and quantities of some passages; what the query says needs less support."""
    return Context(_together(passages), query)
