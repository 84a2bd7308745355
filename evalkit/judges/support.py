"""Whether passages support a statement: words first, then numbers, names, negation, opposites."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from math import fsum

from evalkit.judges.conclusions import concludes, excluded_by_only, says_nothing
from evalkit.judges.context import PREFIX, Context, Match, Sentence, Support, negated
from evalkit.judges.opposites import OPPOSITES, RESTRICTIONS
from evalkit.judges.permission import same_permission
from evalkit.judges.restated import may_be_said, says
from evalkit.text.quantities import found_in, quantities
from evalkit.text.stopwords import NEGATIONS
from evalkit.text.tokens import CACHE, content_stems, names, stem_set

SUPPORTED, UNSUPPORTED = 0.65, 0.5  # a claim's score from which on it is supported, below which not
TOGETHER = 0.3  # part of the score that asks for the words within two neighbouring sentences
NEARBY = 0.45  # share of a claim in one sentence, which then speaks of the same thing
RARE, ASKED = 1.6, 0.5  # weight of a name or number; and what is left of a word that the query has
WORDS = 12  # words at most of a claim that is looked for in other words
TRIED = 4  # sentences at most that are read as saying a claim in other words
NOISE = 1e-9
_BY_LENGTH = tuple(0.6 + 0.08 * length for length in range(11))  # weight of another word
_OPPOSED = frozenset(OPPOSITES)


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


def _match(claim: str, context: Context) -> Match | None:
    """Where a claim stands in the context; None where it has no words, or the context has none."""
    if claim not in context.matches:
        weights = _claim(claim).beside(context.asked)
        found = _nearest(weights, context) if weights and context.sentences else None
        context.matches[claim] = found
    return context.matches[claim]


def _nearest(weights: dict[str, float], context: Context) -> Match:
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
        if i + 1 not in context.firsts:  # of one passage
            together = max(together, share((given[i].keys | given[i + 1].keys) & keys))
    return Match(share(there), nearest, together, best)


def support_score(claim: str, context: Context) -> float:
    """How far passages carry a claim, 0..1; ``assess`` without the question what follows from that."""
    return _assessed(claim, context).score


def sentence_near(claim: str, context: Context) -> Sentence | None:
    """The sentence that speaks of the same thing as the claim, ``None`` where there is none."""
    match = _match(claim, context)
    return context.sentences[match.number] if match and match.nearest >= NEARBY else None


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


def _assessed(claim: str, context: Context) -> Support:
    """The verdict on a claim by itself."""
    found = context.verdicts.get(claim)
    if found is None:
        found = context.verdicts[claim] = _verdict(claim, context)
    return found


def _verdict(text: str, context: Context) -> Support:
    claim = _claim(text)
    if not claim.weights:
        return Support(0.0, supported=None)
    match = _match(text, context)
    if match is None:
        return Support(0.0, supported=False)
    nearest, near = context.sentences[match.number], match.nearest >= NEARBY
    score = (1 - TOGETHER) * match.anywhere + TOGETHER * match.together
    foreign = _foreign(claim, context)
    turned = None if foreign or score < SUPPORTED else _turned(text, context, nearest, near=near)
    if turned is False:
        return Support(score, supported=True, passage=context.passage_of(match.number))
    if not foreign and len({key for _, key, _ in claim.weights}) <= WORDS:
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
    if wanted and len(context.agreeing(wanted)) < len(wanted):
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
