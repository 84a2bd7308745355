"""Whether a text declines to answer, asks back or corrects, in any of a dozen languages."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.text.quantities import found_in, quantities
from evalkit.text.refusal_phrases import (
    ABSENCE,
    ASKING,
    CORRECTING,
    COURTESY,
    DECLINING,
    DECLINING_CUES,
    GAPS,
    KNOWING,
    REGRETTING,
    TURNING,
)
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, content_stems, normalise, stem_set, tokens

_DECLINING = re.compile("|".join(DECLINING))
_REGRETTING = re.compile("|".join(REGRETTING))
_KNOWING = re.compile("|".join(KNOWING))
_GAPS = re.compile("|".join(GAPS))
_ABSENCE = re.compile("|".join(ABSENCE))
_ASKING = re.compile("|".join(ASKING))
_CORRECTING = re.compile("|".join(CORRECTING))
_COURTESY = re.compile("|".join(COURTESY))
_TURNING = re.compile("|".join(TURNING))
_IN_SENTENCE = re.compile(
    r"[,;]?\s+(?=(?:but|however|although|though|aber|jedoch|mais|pero|nhưng)\b)|;\s+", re.IGNORECASE
)
_QUESTION_END = re.compile(r"[?？؟]\W*$|か[。\s]*$")

FACT = 4  # content words from which on an apology is followed by a fact
SUBSTANCE = 6  # content words from which on the rest of an answer says something


def _said(text: str) -> list[tuple[str, str]]:
    """``(part of a sentence, kind)``: decline, absence, courtesy, question, say."""
    parts = (part for a, b in spans(text) for part in _IN_SENTENCE.split(text[a:b]))
    return [(part, _kind(part)) for part in parts]


@lru_cache(CACHE)
def _kinds(text: str) -> tuple[tuple[str, int], ...]:
    """One ``(kind, number of content words)`` a sentence part."""
    return tuple((kind, len(content_stems(part))) for part, kind in _said(text))


@lru_cache(CACHE)
def _kind(sentence: str) -> str:
    plain = normalise(sentence)
    if _COURTESY.search(plain):
        return "courtesy"
    if not _has_cue(sentence):
        return "question" if _QUESTION_END.search(plain) else "say"
    if _DECLINING.search(plain) or _regrets(plain):
        return "decline"
    if _ABSENCE.search(plain):
        return "absence"
    return "question" if _QUESTION_END.search(plain) else "say"


def _regrets(plain: str) -> bool:
    """Whether a sentence declines with an apology, rather than telling a negative fact politely."""
    match = _REGRETTING.search(plain)
    if match is None:
        return False
    return bool(_KNOWING.search(plain)) or len(content_stems(plain)) < FACT


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
    if any(kind in {"decline", "absence"} for kind, _ in _kinds(text)):
        return True
    return any(kind == "say" and _GAPS.search(normalise(part)) for part, kind in _said(text))


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


def corrects_premise(text: str, query: str = "") -> bool:
    """Whether the text objects to something: "actually", "no longer", "is not", "nobody", in many languages.

    With a query, the objection must open the text or take up a word of the query, or another amount must stand in the
    place of one of the query's. A necessary sign of a corrected premise, not a sufficient one: what is
    corrected is for the answer's content measures to say.
    """
    asked = stem_set(query)
    for i, (start, end) in enumerate(spans(text)):
        sentence = text[start:end]
        takes_up = i == 0 or not asked or asked & set(content_stems(sentence))
        if takes_up and _CORRECTING.search(normalise(sentence)):
            return True
    return _other_amount(query, text)


def _other_amount(query: str, text: str) -> bool:
    """Whether the text lacks an amount of the query and has another one of the same unit."""
    given = quantities(text)
    lacking = quantities(query) - found_in(quantities(query), given)
    return any(_unit(lost) and _unit(lost) == _unit(other) for lost in lacking for other in given)


def _unit(quantity: str) -> str:
    return "%" if quantity.endswith("%") else quantity.partition(" ")[2]
