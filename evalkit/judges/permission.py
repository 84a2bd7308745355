"""Whether a clause permits something or forbids it: "prohibited", "not permitted" and "may not" say the same."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from evalkit.judges.irregular import key
from evalkit.judges.opposites import RESTRICTIONS
from evalkit.judges.segments import DENIED_WIDE, NO_DENIAL, denies
from evalkit.text.gated import Gated
from evalkit.text.quantities import found_in, quantities
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, is_content, normalise, stem_set, tokens

# Beginnings of words; a star stands for more letters.
_FORBID = """
prohibit* forbid forbids forbidden forbade ban bans banned disallow* mustn't
verboten* verbiete* verbot untersag* unzulässig* interdit interdits interdite interdites défendu* prohibid* prohíbe prohíben proibid*
vietat* proibit* verboden zabronion* zakazan* förbjud* forbudt yasak* dilarang запрещ* запрет* нельзя заборон* cấm ممنوع* محظور* يحظر يمنع
"""
_PERMIT = """
permitted permits permissible allow allows allowed allowing erlaub* gestatte* zulässig* autorisé* autorise* permis permise permises permitid* permite*
autorizad* permess* consentit* ammess* toegestaan toegelaten dozwolon* tillåt* tilladt diizinkan diperbolehkan boleh разреш* дозволен* مسموح* يسمح
"""
# Words that also speak of what is possible: they count beside a clause with one of the above only.
_MAY = """
may can can't cannot couldn't darf darfst dürfen dürft kann können peut peuvent pouvez puede pueden può possono mag mogen möchte można можно được
"""
_WIDE_FORBID = r"禁止|禁じ|不可|不得|不准|不许|不許|严禁|嚴禁|금지"
_WIDE_PERMIT = r"許可|認められ|允许|允許|准许|准許|허용|허가"
_WIDE_MAY = r"でき(?:ま|る|な)|いただけ(?:ま|る|な)|可能|可以"
_PHRASES = Gated(r"\b(?:must|shall) not\b")
_CLAUSE = re.compile(
    r"[.;,:!?…()]+(?=\s|$)|[。；、，！？：،؛؟]|\s[–—-]\s|\b(?:but|while|whereas|although|though|if|unless|because|aber|sondern|während|wenn|falls|weil|mais|tandis|parce|si|pero|mientras|porque|nhưng|nếu|vì|но|если|لكن|إذا)\b"
)
_NO = r"(?:no|keine?|aucune?|nessuna?|ningun[ao]?)\s"
_BARE_NO = re.compile(rf"\W*{_NO}\s*\S+(?:\s+\S+){{0,2}}\W*")
_ANY_NO = Gated(rf"(?<!\w){_NO}")
# Prepositions that deny what follows them, not the verb.
_CANNOT = stem_set("cannot unfortunately")
_NARROWS = "without ohne sans sin senza sem zonder без بدون"
_NARROW = frozenset(_NARROWS.split())


def _words_of(listed: str) -> Gated:
    words = (re.escape(word).replace(r"\*", r"\w*") for word in listed.split())
    return Gated(rf"(?<![\w'])(?:{'|'.join(words)})(?![\w'])")


_STRONG = ((_words_of(_FORBID), False), (_words_of(_PERMIT), True))
_WEAK = _words_of(_MAY)
_WIDE = Gated(_WIDE_FORBID), Gated(_WIDE_PERMIT), Gated(_WIDE_MAY)
_CANNOT_WORDS = re.compile(r"(?<![\w'])(?:can't|cannot|couldn't)(?![\w'])")
_RULING = (_STRONG[0][0], _STRONG[1][0], _WEAK, *_WIDE, _ANY_NO)  # a rule has one of these in it


class _Rule(NamedTuple):
    """A clause with its other content words: it permits, forbids, or ``says`` neither; ``plain`` where no mere "can" says so."""

    words: frozenset[str]
    permits: bool = False
    plain: bool = False
    says: bool = True


@lru_cache(CACHE)
def _speaks(text: str) -> bool:
    """Whether any clause of a text permits or forbids; most have no word that could."""
    plain = normalise(text)
    possible = _PHRASES.possible(plain) or any(hint.search(plain) for hint in _RULING)
    return possible and any(rule.says for rule in _rules(text))


@lru_cache(CACHE)
def _rules(text: str) -> tuple[_Rule, ...]:
    sentences = (_PHRASES.sub("mustn't", normalise(text[a:b])) for a, b in spans(text))
    return tuple(_rule(clause) for sentence in sentences for clause in _CLAUSE.split(sentence))


def _rule(clause: str) -> _Rule:
    for (words, permits), wide in zip(_STRONG, _WIDE, strict=False):
        rest = wide.sub(" ", words.sub(" ", clause))
        if rest != clause:
            return _Rule(_content(rest), permits=permits is not _denied(rest), plain=True)
    rest = _WIDE[2].sub(lambda m: m.group()[-1], _WEAK.sub(" ", clause))
    if rest != clause:
        negative = _CANNOT_WORDS.search(clause) is not None
        return _Rule(_content(rest), permits=not (negative or _denied(rest)), plain=False)
    if _BARE_NO.fullmatch(clause):
        return _Rule(_content(clause))
    return _Rule(_content(clause), says=False)


def _content(text: str) -> frozenset[str]:
    return frozenset([key(w) for w in tokens(text) if is_content(w) and not denies(w)])


def _denied(clause: str) -> bool:
    plain = NO_DENIAL.sub("", clause)
    words = tokens(plain)
    return any(denies(w) and w not in _NARROW for w in words) or bool(DENIED_WIDE.search(plain))


@lru_cache(CACHE)
def same_permission(one: str, other: str) -> bool | None:
    """Whether two texts permit, or forbid, the same thing alike; ``None`` where they are not both such statements.

    Compared are the clauses of ``other`` with most words in common with one of ``one``. A mere "can" or "may not"
    counts beside a clause that speaks of permission outright.
    """
    if not (_speaks(one) and _speaks(other)):  # clauses that say neither are compared with nothing
        return None
    rules = (rule for rule in _rules(one) if rule.says)
    verdicts = {verdict for rule in rules for verdict in _compared(rule, _rules(other))}
    return verdicts.pop() if len(verdicts) == 1 else None


def _compared(rule: _Rule, others: tuple[_Rule, ...]) -> set[bool]:
    most = max((len(o.words & rule.words) for o in others), default=0)
    nearest = [o for o in others if most and len(o.words & rule.words) == most]
    known = [o.permits is rule.permits for o in nearest if o.plain or (rule.plain and o.says)]
    return {any(known)} if known else set()


def permits(text: str) -> bool | None:
    """True for a text that only permits, False for one that only forbids; ``None`` for neither, or both."""
    found = {rule.permits for rule in _rules(text) if rule.says} if _speaks(text) else set()
    return found.pop() if len(found) == 1 else None


def verdict(text: str, query: str = "") -> bool | None:
    """What a text without a yes or no of its own says to a yes/no question about permission.

    True where it permits what is asked about; turned round for a question such as "Is it prohibited?".
    """
    said = permits(text)
    return said if said is None or permits(query) is not False else not said


def answers_alike(answer: str, reference: str) -> bool:
    """Whether an answer permits or forbids what the reference does, with its numbers and without a limit of its own."""
    if not same_permission(reference, answer):
        return False
    numbers = quantities(reference)
    limits = stem_set(answer) & RESTRICTIONS - stem_set(reference)
    return found_in(numbers, quantities(answer)) == numbers and not limits - _CANNOT
