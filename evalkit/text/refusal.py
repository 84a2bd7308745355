"""Whether a text declines to answer, asks back or corrects, in any of a dozen languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from evalkit.text.gated import Gated
from evalkit.text.quantities import found_in, quantities
from evalkit.text.refusal_model import decline_probability, denies, reports
from evalkit.text.refusal_phrases import (
    ASKING,
    CORRECTING,
    COURTESY,
    GAPS,
    IDIOMS,
    REDIRECTING,
    SILENT,
    TURNING,
)
from evalkit.text.refusal_roles import roles
from evalkit.text.regret import bare, settles
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, content_stems, normalise, stem_set

_GAPS = Gated("|".join(GAPS))
_ASKING = Gated("|".join(ASKING))
_CORRECTING = Gated("|".join(CORRECTING))
_COURTESY = Gated("|".join(COURTESY))
_IDIOMS = Gated("|".join(IDIOMS))
_REDIRECTING = Gated("|".join(REDIRECTING))
_SILENT = Gated("|".join(SILENT))
_TURNING = Gated(rf"\W*(?:{'|'.join(TURNING)})")
_IN_SENTENCE = re.compile(
    r"(?:[,;]|(?<![\s,;]))\s++(?=(?:but|however|although|though|aber|jedoch|mais|pero|nhưng)\b)|;\s++",
    re.IGNORECASE,
)
# "A witness without data" lacks something, and nobody says so of a source; "not possible" without a word of knowing or telling is a fact.
_ATTRIBUTE = re.compile(r"[^spydAkvlnNqxbzO]*cj[^spydAkvtTlnNqxbzO]*")
_FACT = re.compile(r"[hc]*(?:n[hc]*m|x)[Ircwhmc]*")
# "The rules I can see cover pay": what there is. Behind such a report "... is not dealt with" says what is lacking.
_SEEN = re.compile(r"[sp][^,nx]{0,2}[kgH][^,nx]{0,2}T")
_UNTREATED = Gated(
    r"^[^\d]*\b(?:is|are|was|were)(?:n't| not) (?:\w+ly )?(?:dealt with|gone into|touched (?:up)?on|covered|discussed|addressed|included|treated|described|listed)\W*$"
)
_SYMBOL = re.compile(r"[^\s\w!-/:-@\[-`{-~…。、，．]")
_DIGIT = re.compile(r"\d")
_QUESTION_END = re.compile(r"[?？؟]\W*$|か[。\s]*$")

# A "but" in any of the languages; what follows is an answer only if it speaks of the matter: not of sources, of what is known, of you and me.
_BUT = re.compile(
    r"(?:[,;:—–-]|(?<=\w))\s+(?:but|however|though|although|aber|jedoch|allerdings|mais|cependant|pero|sin embargo|mas|porém|ma|però|tuttavia|maar|echter|ale|jednak|но|однако|ama|fakat|ancak|nhưng)\b,?"
    r"|^\W*(?:but|however|aber|allerdings|jedoch|mais|cependant|pero|mas|ma|maar|ale|но|однако|ama|ancak|nhưng)\b,?"
    r"|[،,]?\s*\b(?:ولكن|لكن)\b|[，,]\s*(?:但是?|不过|然而|可是)|(?<=[^\W\d_])(?:が|けれども?|けど)[、,]|지만[\s,]",
    re.IGNORECASE,
)
_NO_FACT = re.compile("[spyAdiukvtgeHDwfaznNqxlO]|BT")
_SAYING = re.compile("[cBh]")
_CONTACT = re.compile(
    r"@|www\.|https?:|\d{3}[- ]?\d{3,}|\b(?:call|phone|hotline|helpline|e-?mail|support|staff|help ?desk|team|colleagues?|counter|reception|telefon\w*|anruf\w*|"
    r"kundendienst|téléphone|numéro|teléfono|telefone|điện thoại|телефон\w*)\b|電話|电话|전화|هاتف"
)

IN_PART = 0.4  # probability of a text that declines a part and tells the rest
DECLINES = 0.5  # probability from which on a sentence is taken to decline
SUBSTANCE = 6  # content words from which on what follows a refusal says something
OPENING = 3  # the same for what stands before it
SHORT = 200  # characters up to which a text is looked at as a whole before its sentences
TURNED = 3  # times as much as others says a sentence that opens with "however"


def _parts(text: str) -> Iterator[str]:
    """The sentences of a text, cut where they turn: "..., but ..."."""
    for a, b in spans(text):
        yield from _IN_SENTENCE.split(text[a:b])


def denying_parts(text: str) -> list[str]:
    """The parts of a text that could decline: those that deny something, courtesies only where there is nothing else."""
    plain = {part: normalise(part) for part in _parts(text)}
    denying = [part for part in plain if denies(roles(plain[part]))]
    return [part for part in denying if not _COURTESY.search(plain[part])] or denying


@lru_cache(CACHE)
def sentence_kind(sentence: str) -> tuple[str, int]:
    """What a part of a sentence does, and how many words of content it has that play no part in that."""
    plain = normalise(sentence)
    letters = roles(plain)
    # What follows "however" is the answer.
    size = letters.count("c") * (TURNED if _TURNING.match(plain) else 1)
    if settles(sentence):
        return "say", max(size, OPENING)
    lacking = _lacks(plain, letters)
    if lacking and _IDIOMS.search(plain):
        plain = _IDIOMS.sub(" ", plain)
        lacking = _lacks(plain, roles(plain))
    if lacking or _SILENT.search(plain):
        return "decline", size
    if _COURTESY.search(plain):
        return "courtesy", size
    if _QUESTION_END.search(plain):
        return "question", size
    told = (reports(letters) or _SEEN.search(letters)) and not _DIGIT.search(plain)
    return ("report" if told else "say"), size


def _lacks(plain: str, letters: str) -> bool:
    return decline_probability(plain) >= DECLINES and not _ATTRIBUTE.fullmatch(letters)


def declines(sentence: str) -> bool:
    """Whether one sentence, taken by itself, declines or says that the sources are silent."""
    return sentence_kind(sentence)[0] == "decline"


def is_courtesy(sentence: str) -> bool:
    """Whether a sentence is a greeting, an offer of help or the like: no claim and no answer."""
    return sentence_kind(sentence)[0] == "courtesy"


def _quick(text: str) -> float | None:
    """The probability where it is quickly seen: a bare no is an answer, regretted or not; most short texts deny nothing."""
    if bare(text) is not None:
        return 0.02
    if len(text) > SHORT:
        return None
    plain = normalise(text)
    letters = roles(plain)
    if denies(letters) or "a" in letters or _SILENT.search(plain):
        return None
    return 0.02 if letters or spans(text) else _silent(text)


@lru_cache(CACHE)
def refusal_probability(text: str) -> float:
    """How likely ``text`` declines to answer, 0..1; an empty text counts as a refusal (0.9).

    What matters is whether anything else is said: an answer with a caveat at its end stays an answer,
    a refusal followed by an offer of help stays a refusal. "I know nothing of groups, but a ticket costs 5 euros" is an answer.
    """
    told = declining_probability(text)
    return IN_PART if told >= DECLINES and _tells_besides(text) else told


def _tells_besides(text: str) -> bool:
    """Whether a text declines something and, behind a "but", states a value that is neither an offer nor about the sources."""
    for start, end in spans(text):
        head, *rest = _BUT.split(text[start:end], maxsplit=1)
        if (
            rest
            and _DIGIT.search(rest[0])
            and (not head.strip() or declines(head))
            and _states(rest[0])
        ):
            return True
    return False


def _states(part: str) -> bool:
    plain = normalise(part)
    letters = roles(plain)
    said = sentence_kind(part)[0] == "say" and len(_SAYING.findall(letters)) >= OPENING
    return said and not _NO_FACT.search(letters) and not _CONTACT.search(plain)


@lru_cache(CACHE)
def declining_probability(text: str) -> float:
    """How likely ``text`` declines something, 0..1, short of a long answer to the rest."""
    quick = _quick(text)
    if quick is not None:
        return quick
    said: list[tuple[str, str, int]] = []
    before = after = 0
    declined = False
    for part in _parts(text):
        kind, size = _kind_after(said, part)
        said.append((part, kind, size))
        declined = declined or kind == "decline"
        if kind == "say" and not declined:
            before += size
            if before >= SUBSTANCE:  # what follows is a caveat at most
                return 0.02
        elif kind == "say" and not _redirects(part):
            after += size
    if not said:
        return _silent(text)
    if not declined:
        return _redirected(text, said)
    if before >= OPENING or (after >= OPENING - 1 and _fact_alone(said)):
        return 0.3
    return 0.97 if after < SUBSTANCE else max(0.1, 0.75 - 0.03 * (after - SUBSTANCE))


def _kind_after(said: list[tuple[str, str, int]], part: str) -> tuple[str, int]:
    """The kind of a part in its place: behind what the sources are about, what is not dealt with is declined."""
    kind, size = sentence_kind(part)
    reported = bool(said) and said[-1][1] == "report"
    if kind == "say" and reported and _UNTREATED.search(normalise(part)):
        return "decline", size
    return kind, size


def _fact_alone(said: list[tuple[str, str, int]]) -> bool:
    """Whether all that declines is that something is not possible, without a word of knowing, saying or a source."""
    return all(kind != "decline" or _FACT.fullmatch(roles(normalise(p))) for p, kind, _ in said)


def _silent(text: str) -> float:
    """A text without a word: a refusal only if it says nothing at all, not even with a symbol."""
    return 0.02 if _SYMBOL.search(text) else 0.9


def _redirects(part: str) -> bool:
    return _REDIRECTING.search(normalise(part)) is not None


def _redirected(text: str, said: list[tuple[str, str, int]]) -> float:
    """A text that declines nowhere: to apologise and to send the asker elsewhere, with no content, is to decline."""
    if any(kind == "say" and size >= OPENING for _, kind, size in said) or not _redirects(text):
        return 0.02
    return 0.75 if "a" in roles(normalise(text)) else 0.3


def mentions_gap(text: str) -> bool:
    """Whether any sentence says that something is missing, unknown or not in the sources."""
    said = [(part, sentence_kind(part)[0]) for part in _parts(text)]
    if any(kind == "decline" for _, kind in said):
        return True
    return any(kind in {"say", "report"} and _GAPS.search(normalise(p)) for p, kind in said)


def asks_clarification(text: str) -> bool:
    """Whether the text asks the user back for something it needs, rather than offering more help."""
    for start, end in spans(text):
        sentence = text[start:end]
        if _COURTESY.search(normalise(sentence)):
            continue
        if _ASKING.search(normalise(sentence)):
            return True
    statements = [kind for part in _parts(text) if (kind := sentence_kind(part)[0]) != "courtesy"]
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
