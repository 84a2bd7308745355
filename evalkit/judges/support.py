"""Whether passages support a statement: words first, then numbers, names, negation, opposites."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice
from math import fsum
from typing import NamedTuple

from evalkit.judges.conclusions import concludes, excluded_by_only, says_nothing
from evalkit.judges.opposites import OPPOSITES, RESTRICTIONS
from evalkit.judges.permission import same_permission
from evalkit.judges.restated import may_be_said, says
from evalkit.text.quantities import found_in, quantities
from evalkit.text.sentences import spans
from evalkit.text.stopwords import NEGATIONS
from evalkit.text.tokens import CACHE, content_stems, names, stem_set, tokens

SUPPORTED, UNSUPPORTED = 0.65, 0.5  # a claim's score from which on it is supported, below which not
TOGETHER = 0.3  # part of the score that asks for the words within two neighbouring sentences
NEARBY = 0.45  # share of a claim in one sentence, which then speaks of the same thing
RARE, ASKED = 1.6, 0.5  # weight of a name or number; and what is left of a word that the query has
WORDS = 12  # words at most of a claim that is looked for in other words
TRIED = 4  # sentences at most that are read as saying a claim in other words
NOISE = 1e-9
_BY_LENGTH = tuple(0.6 + 0.08 * length for length in range(11))  # weight of another word
PREFIX = 6  # letters that a long word shares with its derivations
_OPPOSED = frozenset(OPPOSITES)


class Support(NamedTuple):
    """How far passages carry a claim: ``score`` 0..1; ``supported`` is None where it cannot be told."""

    score: float
    supported: bool | None
    contradicted: bool = False
    passage: int | None = None


_NOTHING: frozenset[str] = frozenset()


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


class Context:
    """What passages say, one after the other; what the query says needs less support."""

    def __init__(self, passages: Sequence[Said], query: str = "") -> None:
        self.passages, self.query = passages, query
        self.asked = stem_set(query) if query else _NOTHING
        # The number that the first sentence of each passage has.
        self.firsts = tuple(accumulate([len(p.sentences) for p in passages], initial=0))
        self.sentences = tuple(chain.from_iterable([said.sentences for said in passages]))

    @cached_property
    def quantities(self) -> frozenset[str]:
        """The quantities of all passages, and of the question."""
        asked = quantities(self.query) if self.query else _NOTHING
        return asked.union(*[said.quantities for said in self.passages])

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all passages."""
        return _NOTHING.union(*[said.stems for said in self.passages])

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all sentences."""
        return _NOTHING.union(*[said.places for said in self.passages])

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
    return Context([_said(passage) for passage in passages], query)


class _Claim:
    """A claim as it is compared: its stems, names, quantities, and the weights of its content words."""

    __slots__ = ("names", "quantities", "restrictions", "stems", "told", "weights")

    def __init__(self, claim: str) -> None:
        self.stems = stem_set(claim)
        self.names = names(claim)
        self.quantities = quantities(claim)
        self.told = frozenset([q for q in self.quantities if not _mere_count(q)])
        self.restrictions = self.stems & RESTRICTIONS
        # Names and long words tell more.
        self.weights = [
            (word, word[:PREFIX], RARE if word in self.names or word[0].isdigit() else _BY_LENGTH[min(len(word), 10)])
            for word in content_stems(claim)
        ]  # fmt: skip

    def beside(self, asked: frozenset[str]) -> dict[str, float]:
        """Key of a content word -> weight; words of the query tell less."""
        return {key: w * ASKED if word in asked else w for word, key, w in self.weights}


_claim = lru_cache(CACHE)(_Claim)


class _Match(NamedTuple):
    """Shares of a claim's weight: anywhere, in the nearest sentence, in the nearest two neighbours; and which is nearest."""

    anywhere: float
    nearest: float
    together: float
    number: int


def _match(weights: dict[str, float], context: Context) -> _Match:
    total = sum(weights.values())
    of, keys = weights.__getitem__, frozenset(weights)

    def share(held: Iterable[str]) -> float:
        return fsum(map(of, held)) / total  # the same in whatever order they are

    given = context.sentences
    roughly, there = context.weighed(weights)
    most = max(roughly.values(), default=0.0) - NOISE
    # Only what the last digits decide is weighed to the last digit.
    best, nearest = 0, 0.0
    for i in sorted([i for i, weight in roughly.items() if weight >= most]):
        alone = share(given[i].keys & keys)
        if alone > nearest:
            best, nearest = i, alone
    together = nearest
    for i, weight in roughly.items():
        other = roughly.get(i + 1)
        if other is None or weight + other + NOISE <= together * total:
            continue
        if context.passage_of(i) == context.passage_of(i + 1):
            together = max(together, share((given[i].keys | given[i + 1].keys) & keys))
    return _Match(share(there), nearest, together, best)


def support_score(claim: str, context: Context) -> float:
    """How far passages carry a claim, 0..1; ``assess`` without the question what follows from that."""
    return _assessed(claim, context).score


def sentence_near(claim: str, context: Context) -> Sentence | None:
    """The sentence that speaks of the same thing as the claim, ``None`` where there is none."""
    weights = _claim(claim).beside(context.asked)
    if not weights or not context.sentences:
        return None
    match = _match(weights, context)
    return context.sentences[match.number] if match.nearest >= NEARBY else None


def assess(claim: str, context: Context) -> Support:
    """Whether ``context`` supports ``claim``: its words are there and nothing speaks against it.

    A number, a name, a negation, a restriction ("only") or an opposite that the passages do not have
    makes a claim unsupported whatever its other words are; beside a sentence about the same thing
    it makes it contradicted. Over an empty context nothing is supported. What says nothing by itself, or is
    drawn as a conclusion from what is there, cannot be told.
    """
    found = _assessed(claim, context)
    if found.supported is not False or not context.sentences:
        return found
    if _unknown(_claim(claim), context):
        return found
    open_to = says_nothing(claim) and not found.contradicted
    if open_to or (concludes(claim) and _may_follow(claim, found, context)):
        return Support(found.score, supported=None)
    return found


def _may_follow(claim: str, found: Support, context: Context) -> bool:
    """Whether a conclusion contradicts nothing; "so members cannot" does not where only others may."""
    given = context.sentences
    return not found.contradicted or any(excluded_by_only(claim, s.text) for s in given)


def _assessed(text: str, context: Context) -> Support:
    """The verdict on a claim by itself."""
    claim = _claim(text)
    weights = claim.beside(context.asked)
    if not weights:
        return Support(0.0, supported=None)
    if not context.sentences:
        return Support(0.0, supported=False)
    match = _match(weights, context)
    nearest, near = context.sentences[match.number], match.nearest >= NEARBY
    score = (1 - TOGETHER) * match.anywhere + TOGETHER * match.together
    foreign = _foreign(claim, context)
    turned = None if foreign or score < SUPPORTED else _turned(text, context, nearest, near=near)
    if turned is False:
        return Support(score, supported=True, passage=context.passage_of(match.number))
    if not foreign and len(weights) <= WORDS:
        number = _said_otherwise(text, context, match.number)
        if number is not None:
            passage = context.passage_of(number)
            return Support(max(score, SUPPORTED), supported=True, passage=passage)
    if foreign or turned or _turned(text, context, nearest, near=near):
        passage = context.passage_of(match.number)
        return Support(min(score, 0.3), supported=False, contradicted=near, passage=passage)
    return Support(score, supported=False if score < UNSUPPORTED else None)


def _said_otherwise(claim: str, context: Context, nearest: int) -> int | None:
    """The number of the sentence that says the claim in other words: the nearest, or one of those with its values."""
    if not may_be_said(claim, context.query):
        return None
    given, wanted = context.sentences, _claim(claim).quantities
    if says(given[nearest].text, claim, context.query):
        return nearest
    having = (i for i, s in enumerate(given) if wanted and found_in(wanted, s.quantities) == wanted)
    tried = (i for i in islice(having, TRIED) if i != nearest)
    return next((i for i in tried if says(given[i].text, claim, context.query)), None)


def _foreign(claim: _Claim, context: Context) -> bool:
    """Whether a claim has a number, a name or a restriction that the context has nowhere."""
    return _unknown(claim, context) or bool(context.lacking(claim.restrictions))


def _unknown(claim: _Claim, context: Context) -> bool:
    """Whether a claim has a number or a name that the context has nowhere."""
    wanted = claim.told
    if wanted and len(found_in(wanted, context.quantities)) < len(wanted):
        return True
    return bool(context.lacking(claim.names))


def _turned(claim: str, context: Context, nearest: Sentence, *, near: bool) -> bool:
    """Whether the sentence about the same thing says the opposite of the claim."""
    if not near:
        return False
    if (alike := same_permission(claim, nearest.text)) is not None:
        return not alike
    return negation_differs(claim, nearest) or _opposed(stem_set(claim), context, nearest)


def _mere_count(quantity: str) -> bool:
    """A bare number up to a dozen: how many items the answer lists, more often than a fact."""
    return quantity.isdecimal() and int(quantity) <= 12


def negation_differs(claim: str, nearest: Sentence) -> bool:
    """Whether the claim negates a plain sentence, or drops the "not" of a sentence it repeats."""
    if negated(claim):
        return not nearest.negated
    if not nearest.negated:
        return False
    rest = nearest.stems - NEGATIONS
    return len(stem_set(claim) & rest) >= 0.8 * len(rest)


def _opposed(stems: frozenset[str], context: Context, nearest: Sentence) -> bool:
    """Whether the nearest sentence has the opposite of a word that no passage has."""
    return any(
        not OPPOSITES[word].isdisjoint(nearest.stems)
        and not any(word in said.stems for said in context.passages)
        for word in stems & _OPPOSED
    )
