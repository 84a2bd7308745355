"""The extractive reader: ranks the sentences of passages by how well they answer a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalkit.local.cues import asked, shown
from evalkit.local.synonyms import related
from evalkit.records import Passage
from evalkit.text.sentences import spans
from evalkit.text.tokens import content_stems

TITLE_WEIGHT = 0.5  # a question word found only in the title counts half
SECTION_WEIGHT = 0.5  # found only in the heading above
NEIGHBOUR_WEIGHT = 0.3  # found only in the sentence before
SYNONYM_WEIGHT = 0.7  # found only as a word that means nearly the same
LONGEST_HEADING = 8  # words in a line without a full stop that is taken for a heading
RANK_WEIGHT = 0.05  # trust in the retriever's order
CUE_WEIGHT = 0.12  # the sentence holds the kind of thing that was asked for

_LIST_MARK = re.compile(r"(?:[-*•–]|\(?\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage, with what matching needs."""

    text: str
    stems: frozenset[str]
    shows: frozenset[str]
    is_heading: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer; ``score`` is about 0..1, ``passage`` an index into the context."""

    text: str
    doc_id: str
    passage: int
    position: int
    score: float


@lru_cache(8192)
def read_sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a passage, remembered: the same passages come back for many questions.

    List marks are taken off; a short line of its own without a full stop is a heading.
    """
    return tuple(_sentence(text, start, end) for start, end in spans(text))


def _sentence(text: str, start: int, end: int) -> Sentence:
    piece = text[start:end]
    marked = _LIST_MARK.match(piece)
    bare = piece[marked.end() :] if marked else piece
    alone = text[end : end + 1] == "\n" and (start == 0 or text[start - 1] == "\n")
    open_end = piece[-1].isalnum() or piece[-1] in ')?"”'
    heading = not marked and alone and open_end and len(piece.split()) <= LONGEST_HEADING
    return Sentence(bare, frozenset(content_stems(bare)), shown(bare), heading)


@lru_cache(8192)
def _stems(text: str) -> frozenset[str]:
    return frozenset(content_stems(text))


class Reader:
    """Scores sentences by the share of the question's weight (inverse document frequency) they hold."""

    def __init__(self, texts: Iterable[str]) -> None:
        documents = [_stems(text) for text in texts]
        found = Counter(stem for stems in documents for stem in stems)
        self._size = len(documents)
        self._idf = {stem: self._weight(count) for stem, count in found.items()}
        self._unseen = self._weight(0)

    def _weight(self, count: int) -> float:
        return math.log1p((self._size - count + 0.5) / (count + 0.5))

    def weights(self, query: str) -> dict[str, float]:
        """The share of each of the question's stems in the whole question; the shares add up to 1."""
        raw = {stem: self._idf.get(stem, self._unseen) for stem in sorted(_stems(query))}
        total = sum(raw.values()) or 1.0
        return {stem: value / total for stem, value in raw.items()}

    def share(self, query: str, text: str) -> float:
        """The share of the question's weight that ``text`` holds, 0..1."""
        stems = _stems(text)
        return sum(weight for stem, weight in self.weights(query).items() if stem in stems)

    def candidates(self, query: str, passages: Sequence[Passage]) -> list[Candidate]:
        """Every sentence of every passage, best first; equal scores keep the order of reading."""
        weights = self.weights(query)
        wanted = asked(query)
        found = [
            candidate
            for rank, passage in enumerate(passages)
            for candidate in _score_passage(weights, passage, rank, wanted)
        ]
        return sorted(found, key=lambda candidate: -candidate.score)


def _score_passage(
    weights: dict[str, float], passage: Passage, rank: int, wanted: Sequence[str]
) -> list[Candidate]:
    title = _stems(passage.title or "")
    section = before = frozenset[str]()
    found: list[Candidate] = []
    for position, sentence in enumerate(read_sentences(passage.text)):
        if sentence.is_heading:
            section, before = sentence.stems, frozenset()
            continue
        score = RANK_WEIGHT / (1 + rank)
        score += CUE_WEIGHT * sum(kind in sentence.shows for kind in wanted)
        places = (
            (sentence.stems, 1.0),
            (section, SECTION_WEIGHT),
            (title, TITLE_WEIGHT),
            (before, NEIGHBOUR_WEIGHT),
        )
        score += sum(weight * _presence(stem, places) for stem, weight in weights.items())
        before = sentence.stems
        found.append(Candidate(sentence.text, passage.doc_id, rank, position, score))
    return found


def _presence(stem: str, places: Sequence[tuple[frozenset[str], float]]) -> float:
    """How well a stem of the question is found: by the best place it, or a synonym, stands in, 0..1."""
    best = next((worth for stems, worth in places if stem in stems), 0.0)
    others = related(stem)
    if best >= SYNONYM_WEIGHT or not others:
        return best
    near = next((worth for stems, worth in places if not others.isdisjoint(stems)), 0.0)
    return max(best, SYNONYM_WEIGHT * near)
