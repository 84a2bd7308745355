"""Does an answer deny what a statement says, or the reverse? Compared clause by clause, word by word."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.irregular import key
from evalkit.judges.opposites import OPPOSITES
from evalkit.judges.permission import same_permission
from evalkit.judges.segments import DENIED_WIDE, NO_DENIAL, Segment, denies, segments
from evalkit.text.gated import Gated
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, normalise, tokens

DENIED_SHARE = 0.5  # share of the found words with the other polarity from which on they deny it
ABOUT = 0.4  # share of a point's words in one clause, which then speaks of the same thing
# "It is not true that ...": denies all of what follows, to the end of the sentence.
_DENIED_WHOLE = Gated(
    r"\b(?:(?:is|was)(?: simply| just)?(?:n't| not|n’t) (?:true|the case|correct|right|so|accurate)|(?:does|do)(?:n't| not|n’t) hold(?: true)?|"
    r"(?:(?:should|must|may|can) ?not|(?:should|must|do)n't|do not|don’t|never) (?:\w+ )?(?:assume|think|believe|expect|conclude)|"
    r"(?:is|would be) (?:wrong|false|incorrect|untrue|a myth|a mistake|a misconception)(?: to (?:say|think|assume|believe))?|no truth in (?:\w+ ){1,3}) ?that\b"
    r"|\b(?:(?:stimmt|gilt|trifft) nicht(?: zu)?|ist nicht (?:wahr|richtig|so|der fall|zutreffend)|(?:ist|wäre) (?:falsch|unwahr|ein irrtum)(?:,? (?:anzunehmen|zu \w+))?|nicht davon aus),? dass\b"
    r"|\b(?:n['’]est pas (?:vrai|exact|correct|le cas)|est (?:faux|inexact)(?: de \w+)?|ne (?:croyez|pensez|supposez) pas) qu(?:e\b|['’])"
    r"|\b(?:no (?:es (?:cierto|verdad|correcto|exacto|el caso)|se cumple|crea|piense|suponga)|es falso) que\b"
    r"|\b(?:non è (?:vero|corretto)|è falso|não é (?:verdade|certo|correto)|é falso) (?:che|que)\b"
    r"|\b(?:niet (?:waar|zo|juist)|onjuist) dat\b|\b(?:nieprawdą jest|nie jest prawdą),? że\b|(?:неверно|неправда|не так),? что\b"
    r"|không đúng (?:là|rằng)|ليس صحيح\w* أن|并非|不是说",
    re.IGNORECASE,
)

_RATHER = Gated(
    r",?\s(?:(?P<en>(?:rather than|instead of|as opposed to)\s)|(?P<de>(?:anstatt|statt|anstelle von)\s)|"
    r"(?P<fr>plutôt qu(?:e\s|['’])|au lieu (?:de\s|d['’]))|(?P<es>(?:en lugar de|en vez de|más bien que)\s)|(?P<vi>thay vì\s))",
    re.IGNORECASE,
)
_OPPOSED = frozenset(OPPOSITES)
_NOT = {"en": ", not", "de": ", nicht", "fr": ", pas", "es": ", no", "vi": ", không"}


@lru_cache(CACHE)
def polarity_differs(point: str, answer: str) -> bool:
    """Whether the clauses of ``answer`` that take up ``point`` deny what it says, or say what it denies.

    A "not" elsewhere in the answer does not count, nor does a "no" that merely opens it. What stands behind
    "it is not true that" counts as denied to the end of its sentence. "Prohibited" and "not permitted" say the same.
    """
    point, answer = _contrasted(point), _contrasted(answer)
    stated, denied = _stated_and_denied(answer)
    if denied is None and (alike := same_permission(point, answer)) is not None:
        return not alike
    if denied is None:
        if _affirms_all(point) and _affirms_all(answer) and not _any_opposite(point, answer):
            return False
        return any(_differs(part, segments(answer)) for part in segments(point))
    return any(_differs_from(part, segments(stated), segments(denied)) for part in segments(point))


@lru_cache(CACHE)
def _affirms_all(text: str) -> bool:
    """Whether no clause of a text can deny anything: there is no word for it."""
    plain = normalise(text)
    return not (
        any(map(denies, tokens(text))) or DENIED_WIDE.search(plain) or NO_DENIAL.search(plain)
    )


def _any_opposite(point: str, answer: str) -> bool:
    """Whether any word of ``point`` has its opposite in ``answer``, which alone can differ where nothing is denied."""
    opposed = _keys(point) & _OPPOSED
    given = _keys(answer) if opposed else opposed
    return any(not OPPOSITES[word].isdisjoint(given) for word in opposed)


@lru_cache(CACHE)
def _keys(text: str) -> frozenset[str]:
    return frozenset(map(key, tokens(text)))


def _contrasted(text: str) -> str:
    """A text with "rather than required" as ", not required"."""
    return _RATHER.sub(lambda m: f"{_NOT[m.lastgroup or 'en']} ", text)


@lru_cache(CACHE)
def _stated_and_denied(answer: str) -> tuple[str, str | None]:
    """An answer without the statements it denies as wholes, and these; None where it denies none."""
    if not _DENIED_WHOLE.search(answer):
        return answer, None
    stated: list[str] = []
    denied: list[str] = []
    for start, end in spans(answer):
        sentence = answer[start:end]
        frame = _DENIED_WHOLE.search(sentence)
        stated.append(sentence[: frame.start()] if frame else sentence)
        if frame:
            denied.append(sentence[frame.end() :])
    return " ".join(stated), " ".join(denied)


def _differs_from(part: Segment, stated: tuple[Segment, ...], denied: tuple[Segment, ...]) -> bool:
    """Whether ``part`` is denied: what is nearest to it counts, the statements made or those denied."""
    shared = [
        max((len(c.words & part.words) for c in found), default=0) for found in (stated, denied)
    ]
    if shared[1] > shared[0]:
        return not _differs(part, denied)
    return _differs(part, stated)


def _differs(part: Segment, given: tuple[Segment, ...]) -> bool:
    nearest = _nearest(part, given)
    if not nearest:
        return False
    if part.negated:
        return all(_affirms(part, clause, given) for clause in nearest)
    if not any(clause.denied for clause in given):
        return _opposed(part, given, nearest)
    stating = {word: _stating(word, part, given) for word in part.words}
    found = {word: clauses for word, clauses in stating.items() if clauses}
    denied = {w for w, clauses in found.items() if all(w in c.denied for c in clauses)}
    if len(denied) >= DENIED_SHARE * len(found) > 0:
        return True
    return any(w in c.heads for w in denied for c in found[w]) or _opposed(part, given, nearest)


def _nearest(part: Segment, given: tuple[Segment, ...]) -> list[Segment]:
    """The clauses that share most words with ``part``; none where nothing is shared."""
    shared = [len(clause.words & part.words) for clause in given]
    most = max(shared, default=0)
    return [c for c, n in zip(given, shared, strict=True) if n == most] if most else []


def _affirms(part: Segment, clause: Segment, given: tuple[Segment, ...]) -> bool:
    """Whether a clause says what ``part`` denies."""
    if part.heads & clause.words - clause.denied and clause.negations < part.negations:
        return True
    if clause.heads & part.words - part.denied and clause.negations > part.negations:
        return True
    if clause.negated:
        return False
    sentence = [c for c in given if c.sentence == clause.sentence]
    opposites = frozenset().union(*(OPPOSITES.get(word, frozenset()) for word in part.denied))
    return not any(
        c.negated or c.words & opposites
        for c in ([clause] if part.heads & clause.words else sentence)
    )


def _stating(word: str, part: Segment, given: tuple[Segment, ...]) -> list[Segment]:
    """The clauses with ``word`` that have most of the words of ``part``; several where equal."""
    return _nearest(part, tuple(clause for clause in given if word in clause.words))


def _opposed(part: Segment, given: tuple[Segment, ...], nearest: list[Segment]) -> bool:
    """Whether the nearest clause has the opposite of a word that the answer lacks."""
    missing = (part.words & _OPPOSED).difference(*[clause.words for clause in given])
    return bool(missing) and any(
        (OPPOSITES[word] & clause.words) - clause.denied - part.words
        for clause in nearest
        if len(clause.words & part.words) >= ABOUT * len(part.words)
        for word in missing
    )
