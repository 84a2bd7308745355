"""What the learned combinations look at: an answer beside its context, and one answer beside another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from evalkit.judges.claims import claims
from evalkit.judges.equivalence import equivalence
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.support import Context, assess, carried, read
from evalkit.judges.wording import keys_of, near, wanted_of
from evalkit.text.quantities import found_in, quantities
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, content_stems, names, tokens

Features = dict[str, float]
UNKNOWN = 0.5  # a share of nothing


def grounding(answer: str, passages: tuple[str, ...], query: str = "") -> Features | None:
    """How the claims of an answer stand to its context, each 0..1; ``None`` where it makes no claim.

    ``supported``: share of the claims the rules support, those they cannot tell at a half; ``least_supported``: the
    worst claim; ``together``: share of the words found in two neighbouring sentences; ``phrases``: share of the pairs
    of neighbouring words that stand so in a passage. The last two weigh a claim by its content words.
    """
    texts = [answer[start:end] for start, end in claims(answer)]
    if not texts:
        return None
    context = read(passages, query)
    known = frozenset().union(*(_phrases(passage) for passage in passages))
    verdicts = [assess(text, context).supported for text in texts]
    votes = [UNKNOWN if verdict is None else float(verdict) for verdict in verdicts]
    sizes = [len(content_stems(text)) for text in texts]
    return {
        "supported": sum(votes) / len(votes),
        "least_supported": min(votes),
        "together": _weighted([carried(text, context) for text in texts], sizes),
        "phrases": _weighted([_repeated(text, known, context) for text in texts], sizes),
    }


@lru_cache(CACHE)
def _phrases(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(tokens(text)))


def _repeated(text: str, known: frozenset[tuple[str, str]], context: Context) -> float:
    phrases = _phrases(text)
    if not phrases:
        return float(set(content_stems(text)) <= context.stems)
    return len(phrases & known) / len(phrases)


def _weighted(values: Sequence[float], sizes: Sequence[int]) -> float:
    return sum(v * n for v, n in zip(values, sizes, strict=True)) / max(1, sum(sizes))


def pair(a: str, b: str, query: str = "") -> Features:
    """How two answers to ``query`` stand to each other; the same whichever comes first.

    Words, names and numbers of the question count nowhere. ``short`` is the answer with fewer words of its own,
    ``lead`` its first sentence, ``key`` a name or a number in that.
    """
    asked = keys_of(query)
    short, long = sorted((a, b), key=lambda text: (len(_own(text, asked)), text))
    forward, back = equivalence(long, [short], query), equivalence(short, [long], query)
    denied = polarity_differs(short, long) or polarity_differs(long, short)
    return {
        "equivalent_most": max(forward, back),
        "equivalent_least": min(forward, back),
        "long_says_short": forward,
        "denied": float(denied),
        "length_short": math.log1p(len(_own(short, asked))),
        "length_long": math.log1p(len(_own(long, asked))),
        **_words(short, long, asked),
        **_names(short, long, asked),
        **_numbers(short, long, query),
    }


def _own(text: str, asked: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in wanted_of(text) if word not in asked)


def _lead(text: str) -> str:
    first = next(iter(spans(text)), None)
    return text[slice(*first)] if first else ""


def _held(words: Sequence[str], keys: frozenset[str]) -> float:
    """Share of the words that are among the keys, slips of the pen allowed for."""
    return sum(w in keys or near(w, keys) for w in words) / len(words) if words else UNKNOWN


def _words(short: str, long: str, asked: frozenset[str]) -> Features:
    in_short, in_long = keys_of(short), keys_of(long)
    leads = _lead(short), _lead(long)
    first, other = _own(leads[0], asked), _own(leads[1], asked)
    sentences = [keys_of(long[start:end]) for start, end in spans(long)]
    letters = [len(w) * (w in in_long or near(w, in_long)) for w in first]
    return {
        "short_in_long": _held(_own(short, asked), in_long),
        "long_in_short": _held(_own(long, asked), in_short),
        "short_lead_in_long": _held(first, in_long),
        "long_lead_in_short": _held(other, in_short),
        "lead_in_lead": _held(first, keys_of(leads[1])),
        "lead_in_a_sentence": max((_held(first, keys) for keys in sentences), default=UNKNOWN),
        "letters_of_lead": sum(letters) / sum(map(len, first)) if any(first) else UNKNOWN,
    }


def _names(short: str, long: str, asked: frozenset[str]) -> Features:
    a, b = (names(f"x {text}") - asked for text in (short, long))
    lead = _lead(short)
    key = tuple((names(f"x {lead}") | {w for w in wanted_of(lead) if w[:1].isdigit()}) - asked)
    return {
        "names_shared": len(a & b) / min(len(a), len(b)) if a and b else UNKNOWN,
        "names_exclude": float(bool(a and b) and not a & b),
        "names_only_short": len(a - b) / max(1, len(a)),
        "names_only_long": len(b - a) / max(1, len(b)),
        "key_in_long": _held(key, keys_of(long)),
        "key_in_lead": _held(key, keys_of(_lead(long))),
    }


def _numbers(short: str, long: str, query: str) -> Features:
    given = quantities(query)
    a, b = (quantities(t) - found_in(quantities(t), given) for t in (short, long))
    shared = len(found_in(a, b))
    return {
        "numbers_shared": min(1.0, shared / min(len(a), len(b))) if a and b else UNKNOWN,
        "numbers_exclude": float(bool(a and b) and not shared),
    }
