"""Claims that say nothing by themselves, or draw a conclusion: what passages neither state nor speak against."""

from __future__ import annotations

import re

from evalkit.judges.plain_words import content, known_words, same_word
from evalkit.judges.restated import NARROWING, is_negated
from evalkit.judges.senses import plainly
from evalkit.text.quantities import quantities
from evalkit.text.tokens import stem_set

_CONCLUDES = re.compile(
    r"\W*(?:so|therefore|thus|hence|consequently|which means|meaning|i\.e\.|that is|also|daher|deshalb|folglich|somit|das heißt|d\.\s?h\.|donc|par conséquent|por (?:lo )?tanto|por eso|así que|"
    r"vì vậy|vì thế|do đó|nên|لذلك|إذن|وبالتالي|したがって|つまり|ですから|因此|所以|поэтому)(?!\w)",
    re.IGNORECASE,
)


def concludes(claim: str) -> bool:
    """Whether a claim is introduced as following from something: "so members cannot"."""
    return _CONCLUDES.match(claim) is not None


def says_nothing(claim: str) -> bool:
    """Whether a claim has neither a value nor a word of its own beside light verbs: "She can still take it", say."""
    return not content(plainly(claim)) and not quantities(claim)


def excluded_by_only(claim: str, sentence: str) -> bool:
    """Whether a claim denies to somebody what a sentence grants to others only: it follows, and is no contradiction.

    Both speak of the same thing, and the claim names somebody the sentence does not.
    """
    if not NARROWING & stem_set(sentence) or not is_negated(plainly(claim)):
        return False
    known = known_words(plainly(sentence))
    there = [same_word(w, known) for w in content(plainly(claim))]
    return any(there) and not all(there)
