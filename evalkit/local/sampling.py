"""Seeded choices: the same seed, query and repeat always choose the same; another repeat may not."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

SCALE = 0.08  # how far apart two scores (0..1) must be for temperature 1 to tell them well apart


def seeded(*parts: object) -> random.Random:
    """A generator that depends on ``parts`` alone: stable over processes and platforms."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))


def pick(scores: Sequence[float], temperature: float, chance: random.Random) -> int:
    """The position of one score, drawn from a softmax; temperature 0 takes the first highest."""
    best = max(scores)
    if temperature <= 0:
        return scores.index(best)
    weights = [math.exp((score - best) / (SCALE * temperature)) for score in scores]
    return chance.choices(range(len(scores)), weights)[0]


def one_of(items: Sequence[Item], temperature: float, chance: random.Random) -> Item:
    """The first of ``items`` as a rule; at a temperature, with that probability, any of them."""
    return chance.choice(items) if chance.random() < temperature else items[0]
