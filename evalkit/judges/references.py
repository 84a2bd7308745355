"""A reference as the statements a right answer needs, and how much of each an answer says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from evalkit.judges.substitution import substituted
from evalkit.judges.wording import keys_of, near, wanted_of
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, is_content, tokens

ALONE = 4  # content words from which on a coordinated clause can stand alone
ASIDE = 0.6  # share of the longest statement's own words below which a statement is an aside
OWN = 2  # own words that a statement needs at least
SAID, MISSING = (
    0.45,
    0.25,
)  # share of a statement's words from which on it is said, below which it is not
GIVEN = 0.1  # weight of a word that proves little: another statement, or the question, has it too
# Share of a reference's own words that its missing statements may hold. Two people who answer one question from one passage
# differ too: by no more than this in four pairs of five.
TOLERATED = 0.38
RIGHT = 0.5  # probability from which on a judge takes an answer to be right
PREFIX = 6  # letters that a long word shares with its derivations

_COORDINATED = re.compile(
    r";\s+|；"
    r"|,\s+(?:and|but|while|whereas|with|und|aber|während|et|mais|tandis que|y|pero|mientras|và|nhưng|còn|и|но|а)\s+"
    r"|，(?:而|但|并|同时)|、(?:そして|また|一方)|(?<=[がし])、|،\s*(?:و|لكن)"
)


class Statement(NamedTuple):
    """One statement of a reference: its words with their weights, how many are its own, and whether an answer needs it."""

    text: str
    weights: tuple[tuple[str, float], ...]
    own: int
    substantial: bool


class Said(NamedTuple):
    """A statement as an answer treats it: ``share`` of its words, 0..1; ``turned`` where it says otherwise.

    ``own`` counts the words that no other statement has, nor the question.
    """

    text: str
    share: float
    own: int
    substantial: bool
    turned: bool

    @property
    def stated(self) -> bool | None:
        """Whether the answer says it; ``None`` where some of its words do not tell."""
        if self.turned or self.share < MISSING:
            return False
        return True if self.share >= SAID else None


@lru_cache(CACHE)
def statements(reference: str, query: str = "") -> tuple[Statement, ...]:
    """The sentences of a reference, cut further where a coordinated clause stands alone, in order.

    An answer needs the substantial ones; the others are asides, repetitions and fillers: they have fewer than
    ``OWN`` words of their own (in no other statement, not in the question), or far fewer than the one with most.
    """
    texts = [piece for a, b in spans(reference) for piece in _pieces(reference[a:b])]
    words = [frozenset(wanted_of(text)) for text in texts]
    asked = frozenset(wanted_of(query))
    times = Counter(word for each in words for word in each)
    own = [frozenset(w for w in each - asked if times[w] == 1) for each in words]
    most = max(map(len, own), default=0)
    found = []
    for text, mine, alone in zip(texts, words, own, strict=True):
        weights = ((w, 1.0 if w in alone else GIVEN) for w in mine)
        counts = len(alone) >= max(OWN, ASIDE * most)
        found.append(Statement(text, tuple(sorted(weights)), len(alone), counts))
    return tuple(found)


def _pieces(sentence: str) -> list[str]:
    """A sentence cut where both sides can stand alone."""
    found, start = [], 0
    for joint in _COORDINATED.finditer(sentence):
        before, after = sentence[start : joint.start()], sentence[joint.end() :]
        if _alone(before) and _alone(after):
            found.append(before)
            start = joint.end()
    return [*found, sentence[start:]]


def _alone(text: str) -> bool:
    return sum(map(is_content, tokens(text))) >= ALONE


@lru_cache(CACHE)
def said(reference: str, answer: str, query: str = "") -> tuple[Said, ...]:
    """How an answer treats each statement of a reference, in order."""
    keys = keys_of(answer)
    beginnings = frozenset(k[:PREFIX] for k in keys if len(k) >= PREFIX)
    return tuple(
        Said(
            statement.text,
            _share(statement, keys, beginnings),
            statement.own,
            statement.substantial,
            substituted(statement.text, answer, reference),
        )
        for statement in statements(reference, query)
    )


def _share(statement: Statement, keys: frozenset[str], beginnings: frozenset[str]) -> float:
    total = sum(weight for _, weight in statement.weights)
    if not total:
        return 1.0
    held = (
        weight
        for word, weight in statement.weights
        if word in keys or word[:PREFIX] in beginnings or near(word, keys)
    )
    return sum(held) / total


def incomplete(found: tuple[Said, ...]) -> bool:
    """Whether the statements that an answer lacks, or turns round, hold more of the reference than may be left out."""
    missing = sum(s.own for s in found if s.substantial and s.stated is False)
    return len(found) > 1 and missing > TOLERATED * sum(s.own for s in found)


def points_of(
    references: Sequence[str], answer: str, query: str, correct: float | None
) -> list[tuple[str, bool | None]]:
    """The statements of a reference that an answer needs, each with whether it has it; ``correct`` is a judge's verdict.

    Of several references the one of which most is said. Where the answer says something else in place of a
    statement it is wrong, not incomplete: then only such statements are given. The reference as a whole
    stands for its statements where there is no verdict, the answer is right, or they do not tell what is wrong.
    """
    if correct is None or correct >= RIGHT:
        return [(references[0], None if correct is None else True)]
    every = [said(reference, answer, query) for reference in references]
    found = max(every, key=lambda each: sum(s.share for s in each) / max(1, len(each)))
    turned = [s for s in found if s.turned]
    needed = turned or [s for s in found if s.substantial or s.stated]
    if all(s.stated for s in needed):
        return [(references[0], False)]
    return [(s.text, s.stated) for s in needed]
