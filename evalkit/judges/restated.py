"""Whether an answer says a statement in other words, read as an answer to its question; strict: in doubt it does not."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.bounds import bounded, bounds_differ
from evalkit.judges.counted import counts_otherwise, other_days, rival_word
from evalkit.judges.permission import permits, same_permission
from evalkit.judges.plain_words import content, known_words, same_word
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.questions import HAPPENS, HOW_MANY, LEADS, OPEN_QUESTION, PAYING
from evalkit.judges.segments import segments
from evalkit.judges.senses import LIGHT, contrary, plainly
from evalkit.judges.substitution import substituted
from evalkit.judges.swaps import swapped
from evalkit.judges.words import words_of
from evalkit.text.gated import Gated
from evalkit.text.number_words import CURRENCIES
from evalkit.text.quantities import found_in, quantities
from evalkit.text.regret import bare, opening
from evalkit.text.tokens import CACHE, stem_set

SAID = 0.6  # share of a statement's own words, those the question lacks, from which on it is said
WITH_VALUE = 0.5  # the same beside a value of its own that the answer gives
SUPPLIED = (
    0.5  # share of a statement's words in the question from which on a mere yes or no says it
)
LONGEST = 20_000  # characters of an answer that is looked through for other words
BRIEF = 7  # content words at most of a claim that is looked for in other words
STRANGE = 3  # words at most of such a claim that neither sentence nor question has

_CONDITION = r"(?<!\w)(?:if(?! you(?:'d like| (?:look|check|want|wish|see|wonder|ask|prefer|would like|have (?:any )?(?:more )?questions)))|unless|provided(?: that)?|as long as|wenn|falls|sofern|si|sauf si|à condition|siempre que|salvo que|nếu|miễn là|إذا|بشرط|если)\s([^,.;،]+)|只要([^，。]+)|如果([^，。]+)"
_CONDITIONS = Gated(_CONDITION)
# What stands before these words is a condition; to look for its beginning everywhere takes long.
_WIDE_MARKS = ("場合", "れば")
_WIDE_CONDITIONS = re.compile(rf"{_CONDITION}|([^、。]{{1,60}})(?:{'|'.join(_WIDE_MARKS)})")
_EITHER = re.compile(
    r"(?<=\w)(?:,? (?:and|or|und|oder|et|ou|y|o|và|hay|hoặc|и|или|أو) | و(?=\w{3})|[とや和或])"
)
_LIST = re.compile(r"(?<=\w)(?:,? (?:and|und|et|y|và|и) | و(?=\w{3})|と|和|及び|以及)")


@lru_cache(CACHE)
def restated(point: str, answer: str, query: str) -> bool:
    """Whether ``answer``, given to ``query``, says ``point`` in its own words.

    What the question says already is taken as said; the rest must be in the answer: values all, other words mostly.
    Another value, bound, polarity, rate, day or name, a condition more or less, and it is not.
    """
    if not query or len(answer) > LONGEST or not content(query):
        return False
    short = bare(answer)
    if short is not None:
        return _bare_says(point, query, yes=short)
    p, a, q = plainly(point), plainly(answer), plainly(query)
    # What is soon told comes first: mostly the words or the values are not there.
    if not (_values_said(p, a, q) and (_words_said(p, a, q) or _agrees(point, answer, query))):
        return False
    return not (_conditions_differ(p, a, q) or conflicting(point, answer, query))


def _agrees(point: str, answer: str, query: str) -> bool:
    """Whether an answer opens with the yes or no that says the point, or permits or forbids what that does."""
    opened = opening(answer)
    if opened is not None:
        return _bare_says(point, query, yes=opened)
    alike = same_permission(point, answer) is True
    return alike and _bare_says(point, query, yes=stance(point, query) is True)


def _bare_says(point: str, query: str, *, yes: bool) -> bool:
    """Whether a mere yes or no to the question says the point, which then is hardly more than the question."""
    asked = frozenset(content(plainly(query)))
    words = content(plainly(point))
    supplied = sum(same_word(w, asked) for w in words)
    new = quantities(point) - found_in(quantities(point), quantities(query))
    ruled = permits(point) is not None or "gratis" in plainly(point)
    if not words or supplied < (SUPPLIED if ruled else 1) * len(words) or new:
        return False
    return stance(point, query) is yes


def stance(point: str, query: str) -> bool | None:
    """The answer, yes or no, that a point is to a yes/no question; None where that cannot be told."""
    opened = opening(point)
    if opened is not None:
        return opened
    p, q = plainly(point), plainly(query)
    if "gratis" in p or "chargeable" in p:
        free = "gratis" in p
        return free if "gratis" in q else not free if PAYING.search(q) else None
    said, asked = permits(point), permits(query)
    if said is not None and asked is not None:
        return said is asked
    return is_negated(p) is is_negated(q)


def is_negated(text: str) -> bool:
    """Whether any clause of a text denies something."""
    return any(segment.negated for segment in segments(text))


@lru_cache(CACHE)
def conflicting(point: str, answer: str, query: str) -> bool:
    """Whether anything in an answer speaks against the point: a value, bound, rate, day, name, polarity of another kind."""
    p, a, q = plainly(point), plainly(answer), plainly(query)
    alike = same_permission(point, answer)
    if alike is False or opened_otherwise(point, answer, query):
        return True
    turned = alike is None and polarity_differs(p, a)
    if turned or bounds_differ(p, a) or swapped(p, a) or _bounded_more(p, a):
        return True
    if other_days(p, a) or counts_otherwise(p, a, q) or rival_word(p, a, q):
        return True
    if bool(_rivals(p, a, q)) or _paid_otherwise(p, a) or contrary(p, a):
        return True
    return _renamed(point, answer, query) or substituted(point, answer)


def opened_otherwise(point: str, answer: str, query: str) -> bool:
    """Whether an answer opens with a yes where the point says no, or the reverse; a question for a name or value has neither."""
    got = opening(answer) if query else None
    return (
        got is not None
        and stance(point, query) is (not got)
        and not OPEN_QUESTION.search(plainly(query))
    )


def _bounded_more(point: str, answer: str) -> bool:
    """Whether the answer makes a value of the point a lower bound, which in the point it is not."""
    held = {q.partition(" ")[0].rstrip("%") for q in quantities(point)}
    if not held:
        return False
    own = {number for number, _ in bounded(point)}
    return any(side > 0 and n in held and n not in own for n, side in bounded(answer))


def _kind(quantity: str) -> str:
    return "%" if "%" in quantity else quantity.partition(" ")[2]


def _rivals(point: str, answer: str, query: str) -> frozenset[str]:
    """Values of the answer of a kind that the point has, too, and that neither point nor question has."""
    wanted = quantities(point)
    kinds = {_kind(q) for q in wanted}
    if not wanted:
        return frozenset()
    given = quantities(_IDENTIFIER.sub(" ", answer))
    own = given - found_in(given, wanted | quantities(query))
    return frozenset(q for q in own if _kind(q) in kinds)


_IDENTIFIER = Gated(
    r"(?<!\w)[^\W\d_][\w]*(?:-\w+)*-\d+(?![\w.,:]*\d)"
)  # "sha-256", which counts nothing


def _paid_otherwise(point: str, answer: str) -> bool:
    """Whether one is free of charge, and the other costs something."""
    free = "gratis" in point, "gratis" in answer
    if free[0] is free[1]:
        return False
    other = answer if free[0] else point
    return any(_kind(q) in _MONEY for q in quantities(other)) or "chargeable" in other


_MONEY = frozenset(CURRENCIES.values()) | {"cent", "penny", "lb", "%"}


def _renamed(point: str, answer: str, query: str) -> bool:
    """Whether the answer lacks a name of the point that the question does not give."""
    named = [w.key for w in words_of(point) if w.name and not w.number and w.key not in LIGHT]
    if not named:
        return False
    known = frozenset([w.key for text in (answer, query) for w in words_of(text)])
    return any(not same_word(word, known) for word in named)


def _conditions_differ(p: str, a: str, q: str) -> bool:
    """Whether the answer leaves out a condition of the point, or makes one, or a restriction, of its own."""
    if _strange_condition(p, (q, a)) or _strange_condition(a, (q, p)):
        return True
    own = stem_set(p) & NARROWING
    # Only an answer that narrows anywhere can do so where it speaks of the point.
    there = stem_set(a) & NARROWING and stem_set(_speaking_of(p, a)) & NARROWING
    if own and not there and not OPEN_QUESTION.search(q):
        return True
    return bool(there and not own and not stem_set(q) & NARROWING)


def _strange_condition(text: str, others: tuple[str, str]) -> bool:
    """Whether a text makes a condition of which the others have no word."""
    conditions = [words for c in _conditions(text) if (words := content(c))]
    known = (
        frozenset([w for other in others for w in content(other)]) if conditions else frozenset()
    )
    return any(not any(same_word(w, known) for w in words) for words in conditions)


def _speaking_of(p: str, a: str) -> str:
    """An answer without the coordinated clauses that are statements of their own: they share no word with the point."""
    known = frozenset(content(p))
    pieces = ((piece, content(piece)) for piece in _COORDINATED.split(a))
    return " ".join(
        piece
        for piece, words in pieces
        if len(words) < OWN or any(same_word(w, known) for w in words)
    )


_COORDINATED = re.compile(r"\n|[.;:]\s|,\s(?:and|und|et|y|và|и|و)\s|[。；]")
OWN = 4  # content words from which on a clause says something of its own

NARROWING = frozenset(stem_set("only solely merely exclusively nur ausschließlich seulement uniquement solo solamente chỉ だけ のみ 只 仅 فقط только"))  # fmt: skip


def _conditions(text: str) -> list[str]:
    wide = any(mark in text for mark in _WIDE_MARKS)
    found = (_WIDE_CONDITIONS if wide else _CONDITIONS).finditer(text)
    return [next(filter(None, m.groups())) for m in found]


def _values_said(p: str, a: str, q: str) -> bool:
    wanted = quantities(p)
    new = wanted - found_in(wanted, quantities(q))
    return found_in(new, quantities(a)) == new


def _words_said(p: str, a: str, q: str) -> bool:
    """Whether the answer has enough of the words of the point that the question lacks."""
    asked, given = known_words(q), known_words(a)
    own = [w for w in content(_told(p, q)) if not same_word(w, asked)]
    left = [w for w in own if not same_word(w, given)]
    valued = bool(_own_values(p, q))
    if _another_of_the_asked(p, a, q) or (not valued and _item_missing(p, own, given)):
        return False
    if not own:
        return valued or opening(a) is not None or "gratis" in p
    if valued and _weight(left) <= 2 and not HAPPENS.search(q):
        there = asked | known_words(p)
        near_value = content(_beside(a, _own_values(p, q)))
        foreign = _weight([w for w in near_value if not same_word(w, there)])
        if _weight(left) < 1 or (foreign <= 1 and (_weight(left) <= 1 or HOW_MANY.search(q))):
            return True
    return _weight(left) <= (1 - (WITH_VALUE if valued else SAID)) * _weight(own)


# A plain text has no capitals by which to tell the end of a sentence from "p.m.".
_PLAIN_END = re.compile(r"(?<=[^\s.][^\s.][.!?;])\s+|\n+|(?<=[。！？；])")


def _beside(a: str, values: frozenset[str]) -> str:
    """The sentences of an answer that have any of some values."""
    if not values:
        return ""
    return " ".join(s for s in _PLAIN_END.split(a) if found_in(values, quantities(s)))


def _weight(words: list[str]) -> float:
    """How many words those are; two characters of Chinese are one."""
    return sum(0.5 if len(word) == 1 and word > "\u3000" else 1.0 for word in words)


def _told(p: str, q: str) -> str:
    """What of a point is news to a question: behind "leads to" where it is asked what happens."""
    lead = LEADS.search(p) if HAPPENS.search(q) else None
    return p if lead is None else p[lead.end() :]


def touches(point: str, answer: str, query: str) -> bool:
    """Whether the answer has a word of the point that the question lacks: it speaks of the point, right or wrong."""
    p, a, q = plainly(point), plainly(answer), plainly(query)
    asked, given = frozenset(content(q)), frozenset(content(a))
    return any(same_word(w, given) for w in content(p) if not same_word(w, asked))


def _another_of_the_asked(p: str, a: str, q: str) -> bool:
    """Whether of two things that the question names the answer speaks of the one, and the point of the other."""
    words = content(q) if _EITHER.search(q) else ()
    if not words:
        return False
    a = _beside(a, _own_values(p, q)) or a  # what is said of the other stands elsewhere
    own, given = frozenset(content(p)), frozenset(content(a))
    left = [w for w in words if same_word(w, own) and not same_word(w, given)]
    right = [w for w in words if same_word(w, given) and not same_word(w, own)]
    return bool(left and right)


def _item_missing(p: str, own: list[str], given: frozenset[str]) -> bool:
    """Whether of two things that the point joins by "and" the answer has only one: of the words of one side, none."""
    parts = [frozenset(content(part)) for part in _LIST.split(p)]
    if len(parts) != 2:
        return False
    sides = [[w for w in part - other if w in own] for part, other in (parts, parts[::-1])]
    return all(sides) and not all(any(same_word(w, given) for w in side) for side in sides)


def may_be_said(claim: str, query: str) -> bool:
    """Whether a claim is brief enough to be looked for in other words."""
    return bool(query) and 0 < len(content(plainly(claim))) <= BRIEF


def says(sentence: str, claim: str, query: str) -> bool:
    """Whether a claim, made in answer to ``query``, is what a sentence of a source says, in other words.

    Either the claim says all that one clause of the sentence does, or the sentence says all that the claim does.
    """
    if not may_be_said(claim, query):
        return False
    plain = plainly(claim)
    words = content(plain)
    there, asked = known_words(plainly(sentence)), known_words(plainly(query))
    strange = _weight([w for w in words if not (same_word(w, there) or same_word(w, asked))])
    valued = "gratis" in plain or bool(_own_values(claim, query))
    if strange > (STRANGE if valued else 0.5):
        return False
    if restated(claim, sentence, query):
        return True
    return valued and any(restated(clause, claim, query) for clause in _CLAUSE.split(sentence))


def _own_values(text: str, query: str) -> frozenset[str]:
    """The values of a text that the question does not give."""
    values = quantities(text)
    return values - found_in(values, quantities(query))


_CLAUSE = re.compile(r"[;；。]\s*|,\s+|[，、،]\s*|\.\s+")
