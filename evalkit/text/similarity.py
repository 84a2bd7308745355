"""How alike two texts are by their words: token F1, containment, weighted overlap."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache

from evalkit.text.tokens import CACHE, SPACELESS, content_stems, normalise, stem_set

_ARTICLES = frozenset({"a", "an", "the"})
_PUNCTUATION = re.compile(rf"[{re.escape(string.punctuation)}–—“”„«»…、。・！？「」『』（）،؛؟।]")
# A number with its sign and what compares it, inner signs included; a grade or a language: "A-", "C++".
_FIGURE = re.compile(
    r"(?:[<>≤≥]=? ?)?(?:(?<![\w.,)])[-+±])?\d+(?:[.,:/'’-]\d+)*|(?<!\w)\w{1,2}(?:[+#]{1,2}|-)(?![\w-])"
)
_SIGN = re.compile(r"[\d+#-]")  # what every figure has
_NO_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_LETTERED = re.compile(r"\w[+#-]")
_BEGINNING = re.compile(r"[<>≤≥+±\d-]")
_DASHES = str.maketrans("−–", "--")
# What merely groups the digits of a number, or joins two: "1,000", "555-1234".
_UNGROUPED = re.compile(r"(?<=\d)(?:[,.'’](?=\d{3}(?:\D|$))|-(?=\d))")
_SPACELESS_CHAR = re.compile(rf"([{SPACELESS}])")


@lru_cache(CACHE)
def answer_tokens(text: str) -> tuple[str, ...]:
    """Tokens as SQuAD's evaluation makes them: case and punctuation gone, English articles dropped.

    Scripts without spaces give single characters, the usual extension to them (XQuAD, MLQA).
    """
    plain = normalise(text)
    if plain.isascii():  # the same in a fraction of the time
        bare = plain.translate(_NO_PUNCTUATION)
    else:
        bare = _SPACELESS_CHAR.sub(r" \1 ", _PUNCTUATION.sub("", plain))
    return tuple([token for token in bare.split() if token not in _ARTICLES])


@lru_cache(CACHE)
def _joined(text: str) -> str:
    """The same with a blank before, between and behind them."""
    return f" {' '.join(answer_tokens(text))} "


def same_text(a: str, b: str) -> bool:
    """Whether both texts have the same SQuAD tokens in the same order, and equal figures.

    SQuAD's evaluation drops every sign, and with them what tells 2.5 from 25, -5 from 5 and C++ from C.
    """
    return answer_tokens(a) == answer_tokens(b) and figures(a) == figures(b)


@lru_cache(CACHE)
def figures(text: str) -> tuple[str, ...]:
    """The numbers of a text with the signs that change them, and letters with a plus, a minus or a hash, in order.

    A thousands separator and a dash between digits change none: "1,000" and "1000" have equal figures.
    """
    plain = normalise(text).translate(_DASHES)
    if not _SIGN.search(plain):
        return ()
    found = (match.group().replace(" ", "") for match in _figures_in(plain))
    return tuple(_UNGROUPED.sub("", figure) for figure in found)


def _figures_in(plain: str) -> Iterator[re.Match[str]]:
    """The matches of ``_FIGURE`` in order; where none can begin with a letter, looked for only at digits and signs, which is faster."""
    if _LETTERED.search(plain):
        yield from _FIGURE.finditer(plain)
        return
    upto = 0
    for start in _BEGINNING.finditer(plain):
        match = _FIGURE.match(plain, start.start()) if start.start() >= upto else None
        if match is not None:
            upto = match.end()
            yield match


def token_f1(a: str, b: str) -> float:
    """Harmonic mean of precision and recall over the multiset of tokens, 0..1 (Rajpurkar et al. 2016).

    Two texts without any token are equal (1); one without is unlike the other (0).
    """
    left, right = answer_tokens(a), answer_tokens(b)
    if not left or not right:
        return float(left == right)
    shared = sum((Counter(left) & Counter(right)).values())
    return 2 * shared / (len(left) + len(right))


def contains(text: str, part: str) -> bool:
    """Whether the tokens of ``part`` occur in ``text`` one after the other; an empty part never does."""
    wanted = _joined(part)
    if wanted.isspace() or wanted not in _joined(text):
        return False
    held = figures(part)
    return not held or not Counter(held) - Counter(figures(text))


def containment(part: str, whole: str | Collection[str]) -> float | None:
    """Share of the distinct content stems of ``part`` that occur in ``whole`` (a text, or its stems), 0..1.

    ``None`` where ``part`` has no word at all.
    """
    stems = frozenset(content_stems(part))
    if not stems:
        return None
    given = stem_set(whole) if isinstance(whole, str) else whole
    return sum(stem in given for stem in stems) / len(stems)
