"""Training: examples -> what a fine-tuned system knows; remembered for the life of the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evalkit.local.neighbours import Neighbours
from evalkit.local.training import Example, read_examples
from evalkit.local.voice import Voice, learn_voice
from evalkit.text.refusal import refusal_probability

KEPT_REFUSALS = 6


@dataclass(frozen=True, slots=True)
class Learned:
    """What training left behind; parts for which there were no examples are ``None`` or empty."""

    neighbours: Neighbours | None
    voice: Voice
    refusals: tuple[str, ...]


@lru_cache(maxsize=8)
def _learn(path: Path, _changed: int, _size: int) -> Learned:
    return train(read_examples(path))


def learn(path: Path | None) -> Learned:
    """What the train file teaches; trained once a process unless the file changes."""
    if path is None:
        return train(())
    state = path.stat()
    return _learn(path.resolve(), state.st_mtime_ns, state.st_size)


def train(examples: Sequence[Example]) -> Learned:
    """Learn voice, refusals and answers from the text examples, forms from the objects."""
    texts = [example for example in examples if example.text]
    answers = [example.text or "" for example in texts]
    refusals = [text for text in answers if refusal_probability(text) > 0.5]
    told = [text for text in answers if text not in set(refusals)]
    return Learned(
        neighbours=Neighbours(texts) if texts else None,
        voice=learn_voice(told),
        refusals=tuple(dict.fromkeys(refusals))[:KEPT_REFUSALS],
    )
