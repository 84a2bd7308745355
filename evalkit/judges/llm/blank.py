"""Answers that say nothing: they fail before a judge could be talked into liking them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONG_OPENER = 120  # characters; no opening is half as long
# Letters and signs that show nothing: an answer of them alone is blank.
_FILLERS = re.compile("[\u115f\u1160\u3164\uffa0\u2800]+")
# Words that only announce an answer. Some models call them a right answer to anything (Zhao et al. 2025,
# "One token to fool LLM-as-a-judge").
_OPENERS = frozenset(
    (
        *("answer", "final answer", "the answer is", "solution", "thought process", "explanation"),
        *(
            "let's solve this problem step by step",
            "let's think step by step",
            "here is the answer",
        ),
        *("antwort", "lösung", "réponse", "respuesta", "solución", "trả lời", "lời giải", "đáp án"),
        *("解", "解答", "答え", "回答", "かいせつ", "答案", "الجواب", "الإجابة"),
    )
)


def says_nothing(answer: str, allowed: Sequence[str]) -> bool:
    """Whether an answer is blank, signs only, or only announces an answer, and is none of the ``allowed`` itself."""
    bare = answer.strip().casefold()
    if bare and any(bare == right.strip().casefold() for right in allowed):
        return False
    plain = unicodedata.normalize("NFKC", _FILLERS.sub("", answer))
    if sum(map(str.isalnum, plain[:LONG_OPENER])) > LONG_OPENER // 2:
        return False  # most answers: too long to be an opening only
    words = "".join(c if c.isalnum() or c == "'" else " " for c in plain.replace("’", "'"))
    spoken = " ".join(words.split()).strip("' ").casefold()
    marked = _combining(spoken, plain)
    return not spoken or marked in _OPENERS


def _combining(spoken: str, plain: str) -> str:
    """The words with the marks that ``isalnum`` left out: Arabic and Indic scripts write vowels as marks."""
    if not any(unicodedata.combining(c) for c in plain):
        return spoken
    kept = "".join(c if c.isalnum() or unicodedata.combining(c) else " " for c in plain)
    return " ".join(kept.split()).casefold()
