"""The extractive reader: ranks the sentences of passages by how well they answer a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalkit.records import Passage
from evalkit.text.sentences import spans
from evalkit.text.tokens import content_stems

TITLE_WEIGHT = 0.5  # a question word found only in the title counts half
SECTION_WEIGHT = 0.5  # found only in the heading above
NEIGHBOUR_WEIGHT = 0.3  # found only in the sentence before
LONGEST_HEADING = 8  # words in a line without a full stop that is taken for a heading
RANK_WEIGHT = 0.05  # trust in the retriever's order
CUE_WEIGHT = 0.08  # the sentence holds the kind of thing that was asked for

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|old|far|soon|fast|big|large)\b|\bwhen\b|\bwhat (?:year|time|date|price)\b"
    r"|\bwie ?viele?n?\b|\bwie (?:lange|oft|hoch)\b|\bwann\b|\bcombien\b|\bquand\b|\bcu[aá]nt[oa]s?\b"
    r"|\bbao (?:nhiêu|lâu)\b|\bmấy\b|\bkhi nào\b|何|いくつ|いくら|いつ|どのくらい|كم|متى|几|多少",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_LIST_MARK = re.compile(r"(?:[-*•–]|\(?\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage, with what matching needs."""

    text: str
    stems: frozenset[str]
    has_number: bool
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
    return Sentence(bare, frozenset(content_stems(bare)), bool(_DIGIT.search(bare)), heading)


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
        wants_number = bool(_ASKS_NUMBER.search(query))
        found = [
            candidate
            for rank, passage in enumerate(passages)
            for candidate in _score_passage(weights, passage, rank, wants_number=wants_number)
        ]
        return sorted(found, key=lambda candidate: -candidate.score)


def _score_passage(
    weights: dict[str, float], passage: Passage, rank: int, *, wants_number: bool
) -> list[Candidate]:
    title = _stems(passage.title or "")
    section = before = frozenset[str]()
    found: list[Candidate] = []
    for position, sentence in enumerate(read_sentences(passage.text)):
        if sentence.is_heading:
            section, before = sentence.stems, frozenset()
            continue
        score = RANK_WEIGHT / (1 + rank) + CUE_WEIGHT * (wants_number and sentence.has_number)
        for stem, weight in weights.items():
            if stem in sentence.stems:
                score += weight
            elif stem in title:
                score += weight * TITLE_WEIGHT
            elif stem in section:
                score += weight * SECTION_WEIGHT
            elif stem in before:
                score += weight * NEIGHBOUR_WEIGHT
        before = sentence.stems
        found.append(Candidate(sentence.text, passage.doc_id, rank, position, score))
    return found
