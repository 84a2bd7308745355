"""Whether passages support a statement: words first, then numbers, names, negation, opposites."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from evalkit.judges.opposites import OPPOSITES, RESTRICTIONS
from evalkit.text.quantities import found_in, quantities
from evalkit.text.sentences import spans
from evalkit.text.stopwords import NEGATIONS
from evalkit.text.tokens import CACHE, content_stems, names, stem_set, tokens

SUPPORTED, UNSUPPORTED = 0.6, 0.55  # share of a claim's weight in the passages: there, not there
NEARBY = (
    0.45  # share of it in one sentence, which then speaks of the same thing and can contradict it
)
RARE = 1.6  # weight of a name against about 1 of any other content word


@dataclass(frozen=True, slots=True)
class Support:
    """How far passages carry a claim: ``score`` 0..1; ``supported`` is None where it cannot be told."""

    score: float
    supported: bool | None
    contradicted: bool = False
    passage: int | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage, ready to be compared."""

    stems: frozenset[str]
    quantities: frozenset[str]
    negated: bool
    passage: int


@dataclass(frozen=True, slots=True)
class Context:
    """All that passages say, read once and remembered."""

    sentences: tuple[Sentence, ...]
    stems: frozenset[str]
    quantities: frozenset[str]
    asked: frozenset[str]


@lru_cache(CACHE)
def negated(text: str) -> bool:
    """Whether a text has a negating word, contractions such as "isn't" included."""
    return any(word in NEGATIONS or word.endswith("n't") for word in tokens(text))


@lru_cache(CACHE)
def _sentences(passage: str, index: int) -> tuple[Sentence, ...]:
    parts = (passage[start:end] for start, end in spans(passage))
    return tuple(
        Sentence(stem_set(part), frozenset(quantities(part)), negated(part), index)
        for part in parts
    )


@lru_cache(512)
def read(passages: tuple[str, ...], query: str = "") -> Context:
    """The sentences, words and quantities of some passages; what the query names needs no support."""
    sentences = tuple(s for index, text in enumerate(passages) for s in _sentences(text, index))
    return Context(
        sentences,
        frozenset().union(*(s.stems for s in sentences)),
        frozenset(quantities(query)).union(*(s.quantities for s in sentences)),
        stem_set(query),
    )


def _weights(claim: str) -> dict[str, float]:
    """Content stem -> weight: names and long words tell more than short common ones."""
    known = names(claim)
    return {
        word: RARE if word in known or word[0].isdigit() else 0.6 + 0.08 * min(len(word), 10)
        for word in content_stems(claim)
    }


def _share(weights: dict[str, float], given: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(w for word, w in weights.items() if word in given) / total if total else 0.0


def assess(claim: str, context: Context) -> Support:
    """Whether ``context`` supports ``claim``: its words are there and nothing speaks against it.

    A number, a name, a negation, a restriction ("only") or an opposite that the passages do not have
    makes a claim unsupported whatever its other words are; next to a sentence about the same thing
    it makes it contradicted.
    """
    weights = _weights(claim)
    if not weights or not context.sentences:
        return Support(0.0, None if not weights else False)
    score = _share(weights, context.stems)
    shares = [_share(weights, s.stems) for s in context.sentences]
    best = max(range(len(shares)), key=shares.__getitem__)
    nearest = context.sentences[best]
    near = shares[best] >= NEARBY
    if _conflicts(claim, context, nearest, near=near):
        return Support(min(score, 0.3), supported=False, contradicted=near, passage=nearest.passage)
    supported = True if score >= SUPPORTED else (False if score < UNSUPPORTED else None)
    return Support(score, supported, passage=nearest.passage if score >= UNSUPPORTED else None)


def _conflicts(claim: str, context: Context, nearest: Sentence, *, near: bool) -> bool:
    """Whether anything in the claim speaks against it being drawn from the context."""
    wanted = frozenset(q for q in quantities(claim) if not _mere_count(q))
    if wanted and len(found_in(wanted, context.quantities)) < len(wanted):
        return True
    stems = stem_set(claim)
    if any(n not in context.stems and n not in context.asked for n in names(claim)):
        return True
    if stems & RESTRICTIONS - context.stems:
        return True
    if (
        near
        and negated(claim) != nearest.negated
        and (negated(claim) or _same_words(stems, nearest))
    ):
        return True
    return any(
        word not in context.stems and OPPOSITES[word] & context.stems
        for word in stems
        if word in OPPOSITES
    )


def _mere_count(quantity: str) -> bool:
    """A bare number up to a dozen: how many items the answer lists, more often than a fact of the source."""
    return quantity.isdigit() and int(quantity) <= 12


def _same_words(stems: frozenset[str], nearest: Sentence) -> bool:
    """Whether the claim has nearly all words of a negated sentence, so that only the "not" is gone."""
    return bool(nearest.stems) and len(stems & nearest.stems) >= 0.8 * len(nearest.stems)
