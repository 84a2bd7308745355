"""Counts words and sentences as a house style means them, and says how hard a text is to read."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, normalise

# Written without spaces; Korean is not: it is spaced, though its particles are not.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(f"[{_SPACELESS}]+")
_WORD = re.compile(
    rf"[^\W_{_SPACELESS}](?:[\w'’.,\-](?=\w)|[^\W{_SPACELESS}]|[\u0300-\u036f\u064b-\u065f\u0900-\u0903\u093a-\u094f])*"
)
_LONG_RUN = re.compile(r"[.!?…؟۔।॥።]{4,}|[^\S\n]{4,}")  # says no more than three, and costs more
CHARACTERS_A_WORD = 2  # of Japanese, Chinese, Thai ...: their dictionary words average about two


@lru_cache(CACHE)
def spaced_words(text: str) -> tuple[str, ...]:
    """The words of a text that stand between spaces, each with its hyphens and apostrophes."""
    return tuple(_WORD.findall(normalise(_RUN.sub(" ", text))))


def word_count(text: str) -> int:
    """How many words; in scripts without spaces two characters count as one."""
    characters = sum(len(run) for run in _RUN.findall(text))
    return len(spaced_words(text)) + -(-characters // CHARACTERS_A_WORD)


def sentence_count(text: str) -> int:
    """How many sentences; a list item, a heading or a table row is one."""
    return len(spans(_LONG_RUN.sub(lambda run: run.group()[:3], text)))


def words_a_sentence(text: str) -> float | None:
    """Mean number of words a sentence; ``None`` for a text without any."""
    sentences = sentence_count(text)
    return word_count(text) / sentences if sentences else None


_VOWELS = re.compile("[aeiouyáéíóúàèäëïöü]+")
_SPLIT_VOWELS = re.compile(
    "i[aou](?!us\\b)|e[ou](?=s?$)|ua(?=[lt])|uou|yi|[eoy]ing|creat|(?:sc|cl|qu|d)ie[nt]"
)


def syllables(word: str) -> int:
    """Syllables of an English word by rule: vowel groups, less silent endings; at least 1."""
    word = normalise(word).strip("'")
    if len(word) <= 3:
        return 1
    count = len(_VOWELS.findall(word)) + len(_SPLIT_VOWELS.findall(word))
    count -= len(
        re.findall("[tsc]i(?:on|ou|al|an)|gi(?:on|ou)", word)
    )  # one sound: nation, special
    if re.search("[^aeiouyl]e$|[aeiouy]le$|[^aeiouydt]ed$|[^aeiouysxzcgh]es$", word):
        count -= 1
    return max(1, count)


def reading_grade(text: str, language: str | None) -> float | None:
    """School grade needed to read a text; ``None`` without words or in scripts without spaces.

    English: Flesch-Kincaid (Kincaid et al. 1975), 0.39 words/sentence + 11.8 syllables/word - 15.59.
    Other languages: the automated readability index (Smith and Senter 1967), 4.71 characters/word +
    0.5 words/sentence - 21.43, which needs no syllables; it is calibrated on English, so compare
    within one language only.
    """
    words, sentences = spaced_words(text), sentence_count(text)
    if not words or not sentences or sum(map(len, _RUN.findall(text))) > sum(map(len, words)):
        return None
    per_sentence = len(words) / sentences
    if language == "en":
        per_word = sum(map(syllables, words)) / len(words)
        return 0.39 * per_sentence + 11.8 * per_word - 15.59
    letters = sum(char.isalnum() for word in words for char in word)
    return 4.71 * letters / len(words) + 0.5 * per_sentence - 21.43
