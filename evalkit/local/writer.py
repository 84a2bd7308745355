"""Answers in prose: from passages, from memory, or from training, else a refusal."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalkit.local.answering import Answer, choose_sentences
from evalkit.local.conversation import question_parts, with_history
from evalkit.local.neighbours import Neighbours
from evalkit.local.reader import Candidate, Reader
from evalkit.local.request import Request, Written
from evalkit.local.sampling import one_of
from evalkit.local.thresholds import confidence
from evalkit.local.voice import Voice
from evalkit.local.wording import declines
from evalkit.records import Passage
from evalkit.retrievers import Retriever

PART_SCORE = 0.45  # a sentence answers a part of a question from this score on


@dataclass(frozen=True, slots=True)
class Habits:
    """How a system answers.

    ``refuse_below`` is the confidence (about -0.6..1) under which it declines, ``guess`` the probability that
    it answers all the same, ``history`` whether it reads the earlier turns of a conversation,
    ``decompose`` whether it takes a question apart that asks several things.
    """

    temperature: float
    max_sentences: int
    refuse_below: float
    guess: float = 0.0
    history: bool = True
    cites: bool = True
    decompose: bool = False


@dataclass(frozen=True, slots=True)
class Writer:
    """A reader of passages with what it knows besides: memories, training answers, a voice."""

    reader: Reader
    habits: Habits
    memory: Retriever | None = None
    neighbours: Neighbours | None = None
    voice: Voice = field(default_factory=Voice)
    refusals: tuple[str, ...] = ()

    def write(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written:
        """The answer to a request, from ``passages`` where they suffice."""
        query = self.question(request)
        answer = self._read(query, passages, chance)
        if answer is not None and self._sure(query, answer):
            return self._phrase(answer, chance, cites=self.habits.cites)
        if self.neighbours is not None:
            example, _ = self.neighbours.nearest(query, self.habits.temperature, chance)
            return Written(example.text or "", () if passages and self.habits.cites else None)
        if not passages and self.memory is not None:
            return self._recall(query, self.memory, chance)
        if answer is not None and chance.random() < self.habits.guess:
            return self._phrase(answer, chance, cites=self.habits.cites)
        return self._declined(query, chance)

    def question(self, request: Request) -> str:
        """The question as this system understands it."""
        if self.habits.history:
            return with_history(request.query, request.messages)
        return request.query

    def _sure(self, query: str, answer: Answer) -> bool:
        return confidence(self.reader, query, answer.score) >= self.habits.refuse_below

    def _read(
        self, query: str, passages: Sequence[Passage], chance: random.Random
    ) -> Answer | None:
        candidates = self.reader.candidates(query, passages)
        if not candidates:
            return None
        habits = self.habits
        wanted = self._by_part(query, passages) if habits.decompose else ()
        return choose_sentences(
            candidates, habits.max_sentences, habits.temperature, chance, wanted
        )

    def _by_part(self, query: str, passages: Sequence[Passage]) -> list[Candidate]:
        """The best sentence for each part of the question, where it is a good one."""
        best = [self.reader.candidates(part, passages)[0] for part in question_parts(query)]
        return [candidate for candidate in best if candidate.score >= PART_SCORE]

    def _recall(self, query: str, memory: Retriever, chance: random.Random) -> Written:
        answer = self._read(query, memory.retrieve(query), chance)
        sure = answer is not None and self._sure(query, answer)
        if answer is not None and (sure or chance.random() < self.habits.guess):
            return self._phrase(answer, chance, cites=False)
        return self._declined(query, chance)

    def _phrase(self, answer: Answer, chance: random.Random, *, cites: bool) -> Written:
        text = self.voice.phrase(" ".join(answer.sentences), self.habits.temperature, chance)
        return Written(text, answer.cited if cites else None)

    def _declined(self, query: str, chance: random.Random) -> Written:
        text = one_of(self.refusals or declines(query), self.habits.temperature, chance)
        return Written(text, () if self.habits.cites else None, refused=True)
