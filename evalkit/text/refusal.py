"""Whether a text declines to answer, asks back or corrects, in any of a dozen languages."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.text.refusal_phrases import (
    ABSENCE,
    ASKING,
    CORRECTING,
    COURTESY,
    DECLINING,
    DECLINING_CUES,
    TURNING,
)
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, content_stems, normalise, tokens

_DECLINING = re.compile("|".join(DECLINING))
_ABSENCE = re.compile("|".join(ABSENCE))
_ASKING = re.compile("|".join(ASKING))
_CORRECTING = re.compile("|".join(CORRECTING))
_COURTESY = re.compile("|".join(COURTESY))
_TURNING = re.compile("|".join(TURNING))
_IN_SENTENCE = re.compile(
    r"[,;]?\s+(?=(?:but|however|although|though|aber|jedoch|mais|pero|nhưng)\b)|;\s+", re.IGNORECASE
)
_QUESTION_END = re.compile(r"[?？؟]\W*$|か[。\s]*$")

SUBSTANCE = 6  # content words from which on the rest of an answer says something


@lru_cache(CACHE)
def _kinds(text: str) -> tuple[tuple[str, int], ...]:
    """One ``(kind, number of content words)`` a sentence part: decline, absence, courtesy, question, say."""
    kinds: list[tuple[str, int]] = []
    for start, end in spans(text):
        parts = _IN_SENTENCE.split(text[start:end])
        kinds.extend((_kind(part), len(content_stems(part))) for part in parts)
    return tuple(kinds)


@lru_cache(CACHE)
def _kind(sentence: str) -> str:
    plain = normalise(sentence)
    if _COURTESY.search(plain):
        return "courtesy"
    if not _has_cue(sentence):
        return "question" if _QUESTION_END.search(plain) else "say"
    if _DECLINING.search(plain):
        return "decline"
    if _ABSENCE.search(plain):
        return "absence"
    return "question" if _QUESTION_END.search(plain) else "say"


def _has_cue(sentence: str) -> bool:
    """Whether a sentence can decline at all: cheap, and right for plain ASCII only."""
    return not sentence.isascii() or any(
        w in DECLINING_CUES or w.endswith("n't") for w in tokens(sentence)
    )


def declines(sentence: str) -> bool:
    """Whether one sentence, taken by itself, declines or says that the sources are silent."""
    return _kind(sentence) in {"decline", "absence"}


def is_courtesy(sentence: str) -> bool:
    """Whether a sentence is a greeting, an offer of help or the like: no claim and no answer."""
    return _kind(sentence) == "courtesy"


@lru_cache(CACHE)
def refusal_probability(text: str) -> float:
    """How likely ``text`` declines to answer, 0..1; an empty text counts as a refusal (0.9).

    What matters is whether anything else is said: an answer with a caveat at its end stays an answer,
    a refusal followed by an offer of help stays a refusal.
    """
    kinds = _kinds(text)
    if not kinds:
        return 0.9
    declined = [i for i, (kind, _) in enumerate(kinds) if kind in {"decline", "absence"}]
    if not declined:
        return 0.02
    said = [size for kind, size in kinds if kind == "say"]
    substance = sum(said)
    refusing = sum(kinds[i][1] for i in declined)
    if substance < SUBSTANCE:
        return 0.97
    if declined[0] != _first_statement(kinds):
        return 0.3 if substance < refusing else 0.1
    return _opening_refusal(text, kinds[declined[0]][0], substance, refusing)


def _first_statement(kinds: tuple[tuple[str, int], ...]) -> int:
    return next((i for i, (kind, _) in enumerate(kinds) if kind != "courtesy"), 0)


def _opening_refusal(text: str, kind: str, substance: int, refusing: int) -> float:
    """A text that opens by declining and then goes on: the more it says, the less it refuses."""
    turned = bool(_TURNING.search(normalise(text)))
    share = refusing / (refusing + substance)
    strength = 0.75 if kind == "decline" else 0.65
    return max(0.1, min(0.95, strength + 0.5 * (share - 0.4) - (0.15 if turned else 0.0)))


def mentions_gap(text: str) -> bool:
    """Whether any sentence says that something is missing, unknown or not in the sources."""
    return any(kind in {"decline", "absence"} for kind, _ in _kinds(text))


def asks_clarification(text: str) -> bool:
    """Whether the text asks the user back for something it needs, rather than offering more help."""
    for start, end in spans(text):
        sentence = text[start:end]
        if _COURTESY.search(normalise(sentence)):
            continue
        if _ASKING.search(normalise(sentence)):
            return True
    statements = [kind for kind, _ in _kinds(text) if kind != "courtesy"]
    return bool(statements) and statements[-1] == "question" and statements.count("say") <= 1


def corrects_premise(text: str) -> bool:
    """Whether the text objects to something: "actually", "no longer", "is not", in many languages.

    A necessary sign of a corrected premise, not a sufficient one: what is corrected is for the
    answer's content measures to say.
    """
    return bool(_CORRECTING.search(normalise(text)))
