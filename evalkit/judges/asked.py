"""The sentence of a text that answers a question, and whether a label names something else than it does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from evalkit.judges.context import Sentence, read
from evalkit.judges.irregular import key
from evalkit.text.tokens import CACHE, is_content, names, stem_set, tokens

ABOUT = (
    0.75  # share of a question's content words in one sentence, which then speaks of what is asked
)
TELLING = 2  # content words from which on a question tells what it is about


def asked_sentence(query: str, texts: Sequence[str]) -> Sentence | None:
    """The one sentence with most content words of a question; ``None`` where several have as many, or too few."""
    wanted = _content(query)
    if len(wanted) < TELLING:
        return None
    shared = [(len(_content(s.text) & wanted), s) for s in read(tuple(texts)).sentences]
    most = max((n for n, _ in shared), default=0)
    best = [s for n, s in shared if n == most]
    return best[0] if len(best) == 1 and most >= ABOUT * len(wanted) else None


@lru_cache(CACHE)
def _content(text: str) -> frozenset[str]:
    return frozenset(key(word) for word in tokens(text) if is_content(word))


def named_instead(label: str, query: str, texts: Sequence[str]) -> frozenset[str] | None:
    """The names that stand in the sentence a question asks for, where the label's own stand elsewhere in the texts.

    ``None`` where the label names nothing, or one of its names is in that sentence.
    """
    asked = stem_set(query)
    wanted = names(f"x {label}") - asked
    near = asked_sentence(query, texts) if wanted else None
    if near is None or wanted & near.stems or not wanted <= read(tuple(texts)).stems:
        return None
    return (near.names - asked) or None
