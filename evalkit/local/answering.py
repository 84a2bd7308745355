"""From ranked sentences to an answer: choose one by its score, add what belongs to it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.local.reader import Candidate, read_sentences
from evalkit.local.sampling import pick
from evalkit.records import Passage

CONSIDERED = 6  # candidates the first sentence is drawn from
SAME_DOCUMENT = (
    0.62  # a further sentence of the same document needs this share of the first's score
)
OTHER_DOCUMENT = 0.92
NEAR_DUPLICATE = 0.7  # Jaccard index of the stems


@dataclass(frozen=True, slots=True)
class Answer:
    """Sentences chosen from passages; ``score`` is the first one's, ``cited`` the documents used."""

    sentences: tuple[str, ...]
    cited: tuple[str, ...]
    score: float


def choose_sentences(
    candidates: Sequence[Candidate],
    limit: int,
    temperature: float,
    chance: random.Random,
    wanted: Sequence[Candidate] = (),
) -> Answer:
    """One to ``limit`` sentences in reading order, the first drawn by score and temperature.

    ``wanted`` are sentences that answer a part of the question; they come before other additions.
    """
    considered = candidates[:CONSIDERED]
    first = considered[pick([c.score for c in considered], temperature, chance)]
    chosen = [first]
    for candidate in wanted:
        if len(chosen) < limit and not any(_alike(candidate.text, c.text) for c in chosen):
            chosen.append(candidate)
    for candidate in candidates:
        if len(chosen) >= limit:
            break
        if _belongs(candidate, chosen):
            chosen.append(candidate)
    chosen.sort(key=lambda c: (c.doc_id != first.doc_id, c.passage, c.position))
    cited = tuple(dict.fromkeys(c.doc_id for c in chosen))
    return Answer(tuple(c.text for c in chosen), cited, first.score)


def _belongs(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    first = chosen[0]
    share = SAME_DOCUMENT if candidate.doc_id == first.doc_id else OTHER_DOCUMENT
    if candidate.score < share * first.score:
        return False
    return not any(_alike(candidate.text, other.text) for other in chosen)


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    left = frozenset().union(*(sentence.stems for sentence in read_sentences(one)))
    right = frozenset().union(*(sentence.stems for sentence in read_sentences(other)))
    return len(left & right) >= NEAR_DUPLICATE * max(1, len(left | right))


def fit_budget(passages: Sequence[Passage], budget: int | None) -> tuple[Passage, ...]:
    """The passages that fit ``budget`` characters, the last one cut; ``None`` is no bound."""
    if budget is None:
        return tuple(passages)
    kept: list[Passage] = []
    left = budget
    for passage in passages:
        if left <= 0:
            break
        text = passage.text[:left]
        kept.append(
            passage
            if len(text) == len(passage.text)
            else Passage(passage.doc_id, passage.chunk_id, text, passage.title, passage.score)
        )
        left -= len(text)
    return tuple(kept)
