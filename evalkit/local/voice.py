"""The house voice: opening and closing habits and the usual length, learned from approved answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from evalkit.local.sampling import one_of
from evalkit.text.sentences import spans
from evalkit.text.tokens import is_content

HABIT = 0.15  # a sentence that opens (or closes) this share of the answers is a habit
FEWEST = 3  # and at least so many of them
KEPT = 4  # different habits remembered
LEAST_PREFIX = 6  # words


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


def habitual_refusals(refusals: Sequence[str]) -> tuple[str, ...]:
    """The words refusals begin with again and again, each with the closing that usually follows."""
    split = [[text[start:end] for start, end in spans(text)] for text in refusals]
    split = [sentences for sentences in split if sentences]
    starts = Counter(prefix for sentences in split for prefix in _prefixes(sentences[0].split()))
    found: list[str] = []
    for prefix, count in sorted(starts.items(), key=lambda pair: (-len(pair[0]), pair[0])):
        if count < max(FEWEST, HABIT * len(split)) or any(f.startswith(prefix) for f in found):
            continue
        ends = Counter(s[-1] for s in split if s[0].startswith(prefix) and len(s) > 1)
        closing = ends.most_common(1)[0][0] if ends else ""
        found.append(f"{_without_tail(prefix)}. {closing}".strip())
    return tuple(found[:KEPT])


def _without_tail(prefix: str) -> str:
    """A beginning without the function words it breaks off at ("... does not say whether")."""
    words = prefix.rstrip(",;:").split()
    while len(words) > LEAST_PREFIX and not is_content(words[-1].casefold()):
        words.pop()
    return " ".join(words)


def _prefixes(words: Sequence[str]) -> list[str]:
    """The beginnings of a sentence that are long enough to be a habit and not the whole of it."""
    return [" ".join(words[:end]) for end in range(LEAST_PREFIX, min(len(words), 12))]


def _habits(sentences: Sequence[str]) -> tuple[str, ...]:
    least = max(FEWEST, HABIT * len(sentences))
    return tuple(s for s, count in Counter(sentences).most_common(KEPT) if count >= least)
