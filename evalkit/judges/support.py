"""Whether passages support a statement: words first, then numbers, names, negation, opposites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from math import fsum

from evalkit.judges.conclusions import concludes, excluded_by_only, says_nothing
from evalkit.judges.opposites import OPPOSITES, RESTRICTIONS
from evalkit.judges.permission import same_permission
from evalkit.judges.restated import says
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


@dataclass(frozen=True, slots=True)
class Support:
    """How far passages carry a claim: ``score`` 0..1; ``supported`` is None where it cannot be told."""

    score: float
    supported: bool | None
    contradicted: bool = False
    passage: int | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage, ready to be compared; ``keys`` are the beginnings of its stems, which derivations share."""

    text: str
    stems: frozenset[str]
    keys: frozenset[str]
    quantities: frozenset[str]
    negated: bool
    passage: int

    @property
    def names(self) -> frozenset[str]:
        """The names in it, looked for only where they matter."""
        return names(self.text)

    def within(self, passage: int) -> Sentence:
        """The same sentence in another place of the context."""
        return Sentence(self.text, self.stems, self.keys, self.quantities, self.negated, passage)


_NOTHING: frozenset[str] = frozenset()
# Of a passage the number of its first sentence, and the sentences with a key, numbered from there.
Places = tuple[int, Mapping[str, Sequence[int]]]


@dataclass(frozen=True)
class Context:
    """All that passages say, read once and remembered."""

    sentences: tuple[Sentence, ...]
    said: tuple[frozenset[str], ...]  # the stems of each passage
    quantities: frozenset[str]
    asked: frozenset[str]
    places: tuple[Places, ...]
    query: str = ""

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all passages."""
        return _NOTHING.union(*self.said)

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all sentences."""
        return _NOTHING.union(*[places for _, places in self.places])

    def lacking(self, stems: frozenset[str]) -> frozenset[str]:
        """Those of some stems that no passage has, nor the question."""
        for said in self.said:
            if not stems:
                break
            stems -= said
        return stems - self.asked

    def weighed(self, weights: Mapping[str, float]) -> dict[int, float]:
        """What the keys weigh together that a sentence has, by its number, up to the last digits; in no order."""
        found: dict[int, float] = {}
        for first, places in self.places:
            for key, weight in weights.items():
                for number in places.get(key, ()):
                    found[first + number] = found.get(first + number, 0.0) + weight
        return found


@lru_cache(CACHE)
def negated(text: str) -> bool:
    """Whether a text has a negating word, contractions such as "isn't" included."""
    words = tokens(text)
    return not NEGATIONS.isdisjoint(words) or (any(word.endswith("n't") for word in words))


@lru_cache(CACHE)
def _parsed(passage: str) -> tuple[Sentence, ...]:
    """The sentences of a passage, read once whatever its place in a context."""
    return tuple(_sentence(passage[start:end]) for start, end in spans(passage))


@lru_cache(CACHE)
def _sentences(passage: str, index: int) -> tuple[Sentence, ...]:
    parsed = _parsed(passage)
    return parsed if index == 0 else tuple(sentence.within(index) for sentence in parsed)


def _sentence(text: str) -> Sentence:
    stems = stem_set(text)
    numbers = frozenset(quantities(text))
    return Sentence(text, stems, frozenset([s[:PREFIX] for s in stems]), numbers, negated(text), 0)


@lru_cache(512)
def read(passages: tuple[str, ...], query: str = "") -> Context:
    """The sentences, words and quantities of some passages; what the query says needs less support."""
    told = _told(passages)
    if not query:
        return told
    numbers = told.quantities | quantities(query)
    return Context(told.sentences, told.said, numbers, stem_set(query), told.places, query)


@lru_cache(512)
def _told(passages: tuple[str, ...]) -> Context:
    """The same without a question."""
    if len(passages) == 1:
        return _one(passages[0])
    parts = [_one(text) for text in passages]
    ends = accumulate((len(part.sentences) for part in parts), initial=0)
    return Context(
        sentences=tuple(s for index, text in enumerate(passages) for s in _sentences(text, index)),
        said=tuple(part.said[0] for part in parts),
        quantities=_NOTHING.union(*[part.quantities for part in parts]),
        asked=frozenset(),
        places=tuple((first, part.places[0][1]) for first, part in zip(ends, parts, strict=False)),
    )


@lru_cache(CACHE)
def _one(passage: str) -> Context:
    """What one passage says: passages come back for many questions."""
    sentences = _parsed(passage)
    return Context(
        sentences=sentences,
        said=(_NOTHING.union(*[s.stems for s in sentences]),),
        quantities=_NOTHING.union(*[s.quantities for s in sentences]),
        asked=frozenset(),
        places=((0, _places(sentences)),),
    )


def _places(sentences: Sequence[Sentence]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, sentence in enumerate(sentences):
        for key in sentence.keys:
            found.setdefault(key, []).append(number)
    return found


def _weights(claim: str, asked: frozenset[str]) -> dict[str, float]:
    """Key of a content word -> weight: names and long words tell more, words of the query less."""
    known = names(claim)
    weights = {}
    for word in content_stems(claim):
        weight = RARE if word in known or word[0].isdigit() else _BY_LENGTH[min(len(word), 10)]
        weights[word[:PREFIX]] = weight * ASKED if word in asked else weight
    return weights


@dataclass(frozen=True, slots=True)
class _Match:
    """Shares of a claim's weight: anywhere, in the nearest sentence, in the nearest two neighbours."""

    anywhere: float
    nearest: float
    together: float
    sentence: Sentence


def _match(weights: dict[str, float], context: Context) -> _Match:
    total = sum(weights.values())

    def share(keys: Iterable[str]) -> float:
        return fsum(map(weights.__getitem__, keys)) / total  # the same in whatever order keys are

    given = context.sentences
    roughly = context.weighed(weights)
    most = max(roughly.values(), default=0.0)
    # Only what the last digits decide is weighed to the last digit.
    tied = sorted(i for i, weight in roughly.items() if weight + NOISE >= most)
    alone = {i: share(given[i].keys & weights.keys()) for i in tied}
    best = max(tied, key=alone.__getitem__, default=0)
    nearest = together = alone.get(best, 0.0)
    for i, weight in roughly.items():
        other = roughly.get(i + 1)
        if other is None or weight + other + NOISE <= together * total:
            continue
        if given[i].passage == given[i + 1].passage:
            both = given[i].keys | given[i + 1].keys
            together = max(together, share(both & weights.keys()))
    anywhere = share(key for key in weights if any(key in held for _, held in context.places))
    return _Match(anywhere, nearest, together, given[best])


def support_score(claim: str, context: Context) -> float:
    """How far passages carry a claim, 0..1; ``assess`` without the question what follows from that."""
    return _assessed(claim, context).score


def sentence_near(claim: str, context: Context) -> Sentence | None:
    """The sentence that speaks of the same thing as the claim, ``None`` where there is none."""
    weights = _weights(claim, context.asked)
    if not weights or not context.sentences:
        return None
    match = _match(weights, context)
    return match.sentence if match.nearest >= NEARBY else None


def carried(claim: str, context: Context) -> float:
    """Share of a claim's weight, 0..1, that two neighbouring sentences of a passage hold; numbers, names and "not" aside."""
    weights = _weights(claim, context.asked)
    return _match(weights, context).together if weights and context.sentences else 0.0


def assess(claim: str, context: Context) -> Support:
    """Whether ``context`` supports ``claim``: its words are there and nothing speaks against it.

    A number, a name, a negation, a restriction ("only") or an opposite that the passages do not have
    makes a claim unsupported whatever its other words are; beside a sentence about the same thing
    it makes it contradicted. Over an empty context nothing is supported. What says nothing by itself, or is
    drawn as a conclusion from what is there, cannot be told.
    """
    found = _assessed(claim, context)
    if found.supported is not False or not context.sentences or _unknown(claim, context):
        return found
    open_to = says_nothing(claim) and not found.contradicted
    if open_to or (concludes(claim) and _may_follow(claim, found, context)):
        return Support(found.score, supported=None)
    return found


def _may_follow(claim: str, found: Support, context: Context) -> bool:
    """Whether a conclusion contradicts nothing; "so members cannot" does not where only others may."""
    given = context.sentences
    return not found.contradicted or any(excluded_by_only(claim, s.text) for s in given)


def _assessed(claim: str, context: Context) -> Support:
    """The verdict on a claim by itself."""
    weights = _weights(claim, context.asked)
    if not weights:
        return Support(0.0, supported=None)
    if not context.sentences:
        return Support(0.0, supported=False)
    match = _match(weights, context)
    nearest, near = match.sentence, match.nearest >= NEARBY
    score = (1 - TOGETHER) * match.anywhere + TOGETHER * match.together
    foreign = _foreign(claim, context)
    if not foreign and score >= SUPPORTED and not _turned(claim, context, nearest, near=near):
        return Support(score, supported=True, passage=nearest.passage)
    brief = not foreign and len(weights) <= WORDS
    if brief and (found := _said_otherwise(claim, context, nearest)) is not None:
        return Support(max(score, SUPPORTED), supported=True, passage=found.passage)
    if foreign or _turned(claim, context, nearest, near=near):
        return Support(min(score, 0.3), supported=False, contradicted=near, passage=nearest.passage)
    return Support(score, supported=False if score < UNSUPPORTED else None)


def _said_otherwise(claim: str, context: Context, nearest: Sentence) -> Sentence | None:
    """The sentence that says the claim in other words, among the nearest and those with its values."""
    wanted = quantities(claim)
    having = (s for s in context.sentences if wanted and found_in(wanted, s.quantities) == wanted)
    tried = (nearest, *islice(having, TRIED))
    return next((s for s in tried if says(s.text, claim, context.query)), None)


def _foreign(claim: str, context: Context) -> bool:
    """Whether a claim has a number, a name or a restriction that the context has nowhere."""
    if _unknown(claim, context):
        return True
    return bool(context.lacking(stem_set(claim) & RESTRICTIONS))


def _unknown(claim: str, context: Context) -> bool:
    """Whether a claim has a number or a name that the context has nowhere."""
    wanted = frozenset([q for q in quantities(claim) if not _mere_count(q)])
    if wanted and len(found_in(wanted, context.quantities)) < len(wanted):
        return True
    return bool(context.lacking(names(claim)))


def _turned(claim: str, context: Context, nearest: Sentence, *, near: bool) -> bool:
    """Whether the sentence about the same thing says the opposite of the claim."""
    stems = stem_set(claim)
    if near and (alike := same_permission(claim, nearest.text)) is not None:
        return not alike
    return near and (negation_differs(claim, nearest) or _opposed(stems, context, nearest))


def _mere_count(quantity: str) -> bool:
    """A bare number up to a dozen: how many items the answer lists, more often than a fact."""
    return quantity.isdecimal() and int(quantity) <= 12


def negation_differs(claim: str, nearest: Sentence) -> bool:
    """Whether the claim negates a plain sentence, or drops the "not" of a sentence it repeats."""
    if negated(claim):
        return not nearest.negated
    rest = nearest.stems - NEGATIONS
    return nearest.negated and len(stem_set(claim) & rest) >= 0.8 * len(rest)


def _opposed(stems: frozenset[str], context: Context, nearest: Sentence) -> bool:
    """Whether the nearest sentence has the opposite of a word that no passage has."""
    turned = (
        word for word in OPPOSITES.keys() & stems if not OPPOSITES[word].isdisjoint(nearest.stems)
    )
    return any(not any(word in said for said in context.said) for word in turned)
