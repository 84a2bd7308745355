"""Learns the voice of approved answers without labels, and says how near another answer is to it."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.text.manner import emoji_count, plain, register
from evalkit.text.readability import sentence_count, word_count
from evalkit.text.tokens import tokens

BUCKETS = 2048  # of hashed character n-grams
FREQUENT = 60  # words shared by most exemplars: in effect the function words of their language
FEWEST = 5  # exemplars below which a voice cannot be told from a coincidence
LONGEST = 8_000  # characters looked at
HALVING = 2.0  # spreads beyond the exemplars' own after which the score has halved
LEAST_SPREAD = 0.08  # templates hardly vary, but a reworded answer in their tone is still on voice

Vector = NDArray[np.float64]
Profile = tuple[Vector, Vector, Vector]


@lru_cache(4096)  # repeats and probes say the same again
def voice_similarity(text: str, exemplars: tuple[str, ...]) -> float | None:
    """0..1: how much ``text`` sounds like the exemplars; ``None`` with fewer than five, or no words.

    Three profiles (character 2- to 4-grams, frequent words, punctuation and lengths) are compared
    with the exemplars' mean. A text no further off than one exemplar typically is from the rest
    (median plus one spread, leave-one-out) scores 1; from there the score halves every two spreads.
    """
    if len(exemplars) < FEWEST or not tokens(text):
        return None
    return _voice(exemplars).similarity(text)


@lru_cache(64)
def _voice(exemplars: tuple[str, ...]) -> _Voice:
    return _Voice(exemplars)


class _Voice:
    """The profiles of some exemplars and how far these lie from each other."""

    def __init__(self, exemplars: tuple[str, ...]) -> None:
        seen = Counter(word for text in exemplars for word in set(tokens(text)))
        common = [word for word, n in seen.most_common() if n > len(exemplars) / 3][:FREQUENT]
        self.frequent = {word: i for i, word in enumerate(sorted(common))}
        self.rows = [self.profile(text) for text in exemplars]
        away = np.array(
            [
                _Mean(self.rows[:i] + self.rows[i + 1 :]).distance(row)
                for i, row in enumerate(self.rows)
            ]
        )
        self.typical = float(np.median(away))
        deviation = 1.4826 * float(np.median(np.abs(away - self.typical)))
        self.spread = max(deviation, LEAST_SPREAD)
        self.whole = _Mean(self.rows)

    def similarity(self, text: str) -> float:
        beyond = (self.whole.distance(self.profile(text)) - self.typical) / self.spread - 1
        return float(min(1.0, 2.0 ** (-beyond / HALVING)))

    def profile(self, text: str) -> Profile:
        text = plain(text[:LONGEST])
        return _unit(_ngrams(text)), _unit(self.words(text)), _measures(text)

    def words(self, text: str) -> Vector:
        counts: Vector = np.zeros(max(1, len(self.frequent)))
        for word in tokens(text):
            if word in self.frequent:
                counts[self.frequent[word]] += 1
        return np.sqrt(counts)


class _Mean:
    """The mean of some profiles, and how far others are from it."""

    def __init__(self, rows: list[Profile]) -> None:
        grams, words, measures = (np.stack([row[i] for row in rows]) for i in range(3))
        self.grams, self.words = _unit(grams.mean(axis=0)), _unit(words.mean(axis=0))
        self.measures, self.deviation = measures.mean(axis=0), measures.std(axis=0) + _FLOORS

    def distance(self, row: Profile) -> float:
        """Mean of the three profiles' distances, each 0..1."""
        off = np.abs(row[2] - self.measures) / self.deviation
        return (
            float(
                (_cosine_distance(row[0], self.grams) + _cosine_distance(row[1], self.words)) / 2
                + np.clip(off / 3, 0, 1).mean()
            )
            / 2
        )


def _cosine_distance(row: Vector, mean: Vector) -> float:
    return float(np.clip(1 - row @ mean, 0, 1))


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _ngrams(text: str) -> Vector:
    counts: Vector = np.zeros(BUCKETS)
    padded = f" {text.casefold()} "
    if padded.isascii():
        return np.sqrt(_ascii_ngrams(padded.encode("ascii")))
    for size in (2, 3, 4):
        for at in range(len(padded) - size + 1):
            gram = padded[at : at + size].encode("utf-8", "surrogatepass")
            counts[zlib.crc32(gram) % BUCKETS] += 1  # crc32, since hash() varies from run to run
    return np.sqrt(counts)


def _ascii_ngrams(padded: bytes) -> Vector:
    """The same counts for a text of single bytes: the checksums of all its n-grams at once."""
    codes = np.frombuffer(padded, np.uint8)
    found = np.zeros(BUCKETS)
    sums = np.full(len(codes), 0xFFFFFFFF, np.uint32)
    for size in (1, 2, 3, 4):
        if len(codes) < size:
            break
        sums = sums[: len(codes) - size + 1]
        sums = _CRC[(sums ^ codes[size - 1 :]) & 0xFF] ^ (sums >> 8)
        if size > 1:
            found += np.bincount((sums ^ 0xFFFFFFFF) % BUCKETS, minlength=BUCKETS)
    return found


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0xEDB88320 if byte & 1 else 0)
    return byte


_CRC = np.array([_crc_of_byte(byte) for byte in range(256)], np.uint32)  # the table of CRC-32

# Least deviations that matter, one for each measure below.
_FLOORS: Vector = np.array([1.5, 0.3, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.02, 0.3])


def _measures(text: str) -> Vector:
    words, sentences = max(1, word_count(text)), max(1, sentence_count(text))
    letters = sum(map(str.isalnum, text))
    formal, informal = register(text)

    def rate(marks: str) -> float:
        return len(re.findall(marks, text)) / words

    return np.array(
        [
            words / sentences,
            letters / words,
            rate("[,，、،]"),
            rate("[.。]"),
            rate("[!！]"),
            rate("[?？؟]"),
            rate("[;:；：]"),
            rate('[()（）"“”«»–—]'),
            emoji_count(text) / words,
            sum(map(str.isupper, text)) / max(1, letters),
            (formal - informal) / sentences,
        ]
    )
