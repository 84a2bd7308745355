"""What fine-tuning left in the weights: the training answer whose question is nearest."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from evalkit.local.sampling import pick
from evalkit.local.training import Example
from evalkit.records import Passage
from evalkit.retrievers.analyzers import stem_terms
from evalkit.retrievers.rankers import Tfidf

CONSIDERED = 4


class Neighbours:
    """Training questions by tf-idf; knows only what it was trained on, and never says so."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._ranker = Tfidf([example.query for example in examples], stem_terms)

    def nearest(
        self, query: str, temperature: float, chance: random.Random
    ) -> tuple[Example, float]:
        """An example near ``query``, drawn by similarity, and that similarity (0..1)."""
        scores = self._ranker.scores(query)
        order = np.argsort(-scores, kind="stable")[:CONSIDERED].tolist()
        at = order[pick([float(scores[i]) for i in order], temperature, chance)]
        return self._examples[at], float(scores[at])

    def recall(self, query: str) -> list[Passage]:
        """The training answers nearest to ``query`` as if they were passages: all a tuned model has."""
        scores = self._ranker.scores(query)
        order = np.argsort(-scores, kind="stable")[:CONSIDERED].tolist()
        return [Passage(f"trained-{at}", text=self._examples[at].text or "") for at in order]
