"""The extractive reader: ranks the sentences of passages by how well they answer a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

_GRAMMAR = re.compile("[\u3041-\u309f].|.[\u3041-\u309f]")
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
    return Sentence(bare, _stems(bare), shown(bare), heading)


@lru_cache(8192)
def _stems(text: str) -> frozenset[str]:
    """The stems that carry content; a pair of characters half of which is hiragana is mostly grammar."""
    stems = frozenset(content_stems(text))
    return frozenset(stem for stem in stems if not _GRAMMAR.fullmatch(stem)) or stems


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the reader sees it.

    ``near`` leads from a word to the question's stems that mean nearly the same; ``asked`` are the
    kinds of thing it asks for.
    """

    weights: Mapping[str, float]
    near: Mapping[str, Sequence[str]]
    asked: Sequence[str]

    def met(self, stems: frozenset[str], worth: float) -> dict[str, float]:
        """The question's stems that are among ``stems``, or a synonym of which is, with their worth."""
        found = {
            stem: worth * SYNONYM_WEIGHT
            for other in self.near.keys() & stems
            for stem in self.near[other]
        }
        found.update(dict.fromkeys(self.weights.keys() & stems, worth))
        return found

    def worth(self, places: Sequence[Mapping[str, float]]) -> float:
        """The weight of all stems met, each at its best place; 0..1."""
        best: dict[str, float] = {}
        for place in places:
            for stem, worth in place.items():
                if worth > best.get(stem, 0.0):
                    best[stem] = worth
        return sum(self.weights[stem] * best[stem] for stem in sorted(best))


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

    def question(self, query: str) -> Question:
        """The question's stems with their share in it; the shares add up to 1."""
        raw = {stem: self._idf.get(stem, self._unseen) for stem in sorted(_stems(query))}
        total = sum(raw.values()) or 1.0
        near: dict[str, list[str]] = {}
        for stem in raw:
            for other in related(stem):
                near.setdefault(other, []).append(stem)
        return Question({stem: value / total for stem, value in raw.items()}, near, asked(query))

    def share(self, query: str, text: str) -> float:
        """The share of the question's weight that ``text`` holds, 0..1."""
        stems = _stems(text)
        return sum(w for stem, w in self.question(query).weights.items() if stem in stems)

    def unknown(self, query: str) -> float:
        """The share of the question's weight that no document speaks of, in these or like words, 0..1."""
        return sum(
            weight
            for stem, weight in self.question(query).weights.items()
            if stem not in self._idf and self._idf.keys().isdisjoint(related(stem))
        )

    def candidates(self, query: str, passages: Sequence[Passage]) -> list[Candidate]:
        """Every sentence of every passage, best first; equal scores keep the order of reading."""
        question = self.question(query)
        found = [
            candidate
            for rank, passage in enumerate(passages)
            for candidate in _score_passage(question, passage, rank)
        ]
        return sorted(found, key=lambda candidate: -candidate.score)


def _score_passage(question: Question, passage: Passage, rank: int) -> list[Candidate]:
    title = question.met(_stems(passage.title or ""), TITLE_WEIGHT)
    section: dict[str, float] = {}
    before: dict[str, float] = {}
    found: list[Candidate] = []
    for position, sentence in enumerate(read_sentences(passage.text)):
        if sentence.is_heading:
            section, before = question.met(sentence.stems, SECTION_WEIGHT), {}
            continue
        own = question.met(sentence.stems, 1.0)
        score = RANK_WEIGHT / (1 + rank) + question.worth((own, section, title, before))
        score += CUE_WEIGHT * sum(kind in sentence.shows for kind in question.asked)
        before = {stem: worth * NEIGHBOUR_WEIGHT for stem, worth in own.items()}
        found.append(Candidate(sentence.text, passage.doc_id, rank, position, score))
    return found
