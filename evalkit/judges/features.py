"""What the learned combinations look at: an answer beside its context, and one answer beside another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evalkit.judges.claims import claims
from evalkit.judges.context import PREFIX, Context, read
from evalkit.judges.equivalence import equivalence
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.support import assess
from evalkit.judges.wording import keys_of, near, wanted_of
from evalkit.text.quantities import found_in, quantities
from evalkit.text.refusal import declines
from evalkit.text.sentences import spans
from evalkit.text.tokens import content_stems, names

Features = dict[str, float]
UNKNOWN = 0.5  # a share of nothing
HALF = 0.5  # score from which on a claim has some support
FLOOR = 0.1  # score below which less is hardly worse
# Share of a claim's words at which it is even odds, and how sharply that turns.
ENOUGH, STEEP = 0.6, 10.0
# Bare numbers up to a dozen count the items of an answer more often than they tell a fact.
COUNTS = frozenset(map(str, range(13)))


def grounding(answer: str, passages: tuple[str, ...], query: str = "") -> Features | None:
    """How the claims of an answer stand to its context, each 0..1; ``None`` where it makes no claim.

    ``supported``: share of the claims the rules support, those they cannot tell at a half; ``half_supported``: share
    of those with a score from a half on; ``evenly``: mean logarithm of the scores, by which one claim out of nothing
    costs more than two half supported ones; ``words``: share of the claims, weighed by their words, whose words stand in
    the passages; ``nothing_strange``: whether no claim has a number or name that the passages lack; ``nothing_denied``:
    whether no sentence says that the sources are silent, which people seldom call faithful beside claims.
    The order of the passages does not matter but for ties.
    """
    texts = [answer[start:end] for start, end in claims(answer)]
    if not texts:
        return None
    context = read(passages, query)
    found = [assess(text, context) for text in texts]
    votes = [UNKNOWN if one.supported is None else float(one.supported) for one in found]
    return {
        "supported": _mean(votes),
        "half_supported": _mean([one.score >= HALF for one in found]),
        "evenly": _mean([math.log1p(one.score / FLOOR) for one in found]) / math.log1p(1 / FLOOR),
        "words": _words_there(texts, context),
        "nothing_strange": float(not any(_strange(text, context) for text in texts)),
        "nothing_denied": float(not any(declines(answer[a:b]) for a, b in spans(answer))),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _words_there(texts: Sequence[str], context: Context) -> float:
    """Share of the claims whose words the passages have; softly about ``ENOUGH``, weighed by number of words."""
    keys = [frozenset(stem[:PREFIX] for stem in content_stems(text)) for text in texts]
    shares = [len(own & context.keys) / max(1, len(own)) for own in keys]
    weighed = [
        len(own) / (1 + math.exp(-STEEP * (s - ENOUGH)))
        for own, s in zip(keys, shares, strict=True)
    ]
    return sum(weighed) / max(1, sum(map(len, keys)))


def _strange(text: str, context: Context) -> bool:
    """Whether a claim has a number (a mere count aside) or a name that neither passages nor query have."""
    wanted = frozenset(q for q in quantities(text) if q not in COUNTS)
    if len(found_in(wanted, context.quantities)) < len(wanted):
        return True
    return not names(text) <= context.stems | context.asked


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
