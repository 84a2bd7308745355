"""Does an answer deny what a statement says, or the reverse? Compared clause by clause, word by word."""

from __future__ import annotations

from functools import lru_cache

from evalkit.judges.opposites import OPPOSITES
from evalkit.judges.segments import Segment, segments
from evalkit.text.tokens import CACHE

DENIED_SHARE = 0.5  # share of the found words with the other polarity from which on they deny it
ABOUT = 0.4  # share of a point's words in one clause, which then speaks of the same thing


@lru_cache(CACHE)
def polarity_differs(point: str, answer: str) -> bool:
    """Whether the clauses of ``answer`` that take up ``point`` deny what it says, or say what it denies.

    A "not" elsewhere in the answer does not count, nor does a "no" that merely opens it.
    """
    given = segments(answer)
    return any(_differs(part, given) for part in segments(point))


def _differs(part: Segment, given: tuple[Segment, ...]) -> bool:
    nearest = _nearest(part, given)
    if not nearest:
        return False
    if part.negated:
        return all(_affirms(part, clause, given) for clause in nearest)
    stating = {word: _stating(word, part, given) for word in part.words}
    found = {word: clauses for word, clauses in stating.items() if clauses}
    denied = {w for w, clauses in found.items() if all(w in c.denied for c in clauses)}
    if len(denied) >= DENIED_SHARE * len(found) > 0:
        return True
    return any(w in c.heads for w in denied for c in found[w]) or _opposed(part, given, nearest)


def _nearest(part: Segment, given: tuple[Segment, ...]) -> list[Segment]:
    """The clauses that share most words with ``part``; none where nothing is shared."""
    most = max((len(clause.words & part.words) for clause in given), default=0)
    return [c for c in given if len(c.words & part.words) == most] if most else []


def _affirms(part: Segment, clause: Segment, given: tuple[Segment, ...]) -> bool:
    """Whether a clause says what ``part`` denies."""
    if part.heads & clause.words - clause.denied and clause.negations < part.negations:
        return True
    if clause.heads & part.words - part.denied and clause.negations > part.negations:
        return True
    if clause.negated:
        return False
    sentence = [c for c in given if c.sentence == clause.sentence]
    opposites = frozenset().union(*(OPPOSITES.get(word, frozenset()) for word in part.denied))
    return not any(
        c.negated or c.words & opposites
        for c in ([clause] if part.heads & clause.words else sentence)
    )


def _stating(word: str, part: Segment, given: tuple[Segment, ...]) -> list[Segment]:
    """The clauses with ``word`` that have most of the words of ``part``; several where equal."""
    return _nearest(part, tuple(clause for clause in given if word in clause.words))


def _opposed(part: Segment, given: tuple[Segment, ...], nearest: list[Segment]) -> bool:
    """Whether the nearest clause has the opposite of a word that the answer lacks."""
    everywhere = frozenset().union(*(clause.words for clause in given))
    missing = part.words - everywhere
    return any(
        (OPPOSITES.get(word, frozenset()) & clause.words) - clause.denied - part.words
        for clause in nearest
        if len(clause.words & part.words) >= ABOUT * len(part.words)
        for word in missing
    )
