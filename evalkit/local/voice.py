"""The house voice: opening and closing habits and the usual length, learned from approved answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from evalkit.local.sampling import one_of
from evalkit.text.sentences import spans

HABIT = 0.15  # a sentence that opens (or closes) this share of the answers is a habit
FEWEST = 3  # and at least so many of them
KEPT = 4  # different habits remembered


@dataclass(frozen=True, slots=True)
class Voice:
    """Sentences answers usually open and close with, the commonest first, and their usual count.

    ``body`` counts the sentences between opening and closing.
    """

    openings: tuple[str, ...] = ()
    closings: tuple[str, ...] = ()
    body: int = 2

    def phrase(self, body: str, temperature: float, chance: random.Random) -> str:
        """``body`` between an opening and a closing, in so far as there is such a habit."""
        opening = one_of(self.openings, temperature, chance) if self.openings else ""
        closing = one_of(self.closings, temperature, chance) if self.closings else ""
        return " ".join(part for part in (opening, body, closing) if part)


def learn_voice(answers: Sequence[str]) -> Voice:
    """The habits of ``answers``; no habits from fewer than a handful."""
    split = [[text[start:end] for start, end in spans(text)] for text in answers]
    split = [sentences for sentences in split if sentences]
    if not split:
        return Voice()
    openings = _habits([sentences[0] for sentences in split])
    closings = _habits([sentences[-1] for sentences in split if len(sentences) > 1])
    lengths = [
        len(sentences) - (sentences[0] in openings) - (sentences[-1] in closings)
        for sentences in split
    ]
    return Voice(openings, closings, max(1, round(median(lengths))))


def strip_voice(text: str, voice: Voice) -> str:
    """``text`` without the voice's opening and closing sentences."""
    habits = {*voice.openings, *voice.closings}
    kept = [text[start:end] for start, end in spans(text)]
    return " ".join(sentence for sentence in kept if sentence not in habits)


def _habits(sentences: Sequence[str]) -> tuple[str, ...]:
    least = max(FEWEST, HABIT * len(sentences))
    return tuple(s for s, count in Counter(sentences).most_common(KEPT) if count >= least)
