"""What speaks against an answer that counts as wrong, beyond the words of its label that were not found in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalkit.facts import Facts, Point, Reach
from evalkit.judges.counted import names_weekday, other_days
from evalkit.judges.coverage import denies
from evalkit.judges.plain_words import content, known_words, same_word
from evalkit.judges.portion import ANSWER, LABEL
from evalkit.judges.senses import plainly
from evalkit.judges.substitution import substituted
from evalkit.probes import Probes
from evalkit.records import Case
from evalkit.text.number_words import CENTS, CURRENCIES, MONTHS, NUMBER_WORDS, UNITS
from evalkit.text.quantities import found_in, quantities
from evalkit.text.regret import opening
from evalkit.text.sentences import spans
from evalkit.text.tokens import normalise, tokens

LEFT_OUT = "left out"
# How the words begin by which an amount is told without its number.
_AMOUNTS = """
half quarter third tenth doz coupl fortn noon midn once twice thrice singl doubl tripl dail hour week month year annual
halb hälft viertel drittel dutzend einmal zweimal doppel mittag mitternacht täglich wöchent monat jähr stünd
demi moitié quart tiers douz quinz minuit midi fois mitad medi cuart tercio docena quinc veces
nửa rưỡi نصف ربع ثلث مرت полов четверт
"""
_PARTS = tuple(_AMOUNTS.split())
_COUNTING = frozenset(
    w for w in (*NUMBER_WORDS, *UNITS, *MONTHS, *CURRENCIES, *CENTS) if len(w) > 2
)
_SIGNS = re.compile("[一二三四五六七八九十百千半两零〇双每毎%]")
SPENT = 2  # words of an answer at most that are left over where it says nothing beside the stated points
QUOTED = 2  # words from which on a sentence that a passage has as well is a quotation
TELLING = 8  # words from which on an answer that shares none with question, label and gold is about something else
_DATE = re.compile(r"\d{4}-\d\d.*|--\d\d(?:-\d\d)?")
_CLOCK = re.compile(r"\d{1,2}:\d\d.*")
_DAYS = {"s": 1 / 86_400, "day": 1.0, "month": 30.44, "year": 365.25}
_WORD = re.compile(r"[\w'’-]+")
_PARTICLES = "the of and for & a al bin da de del di do du e el en la le und van von y"
_IN_NAMES = frozenset(_PARTICLES.split())
NAME = 4  # words at most that a name has beside those of the question
ROUGHLY = 0.03  # of the longer of two times, which are told alike up to then


def speaks_against(facts: Facts, probes: Probes) -> str | None:
    """The first thing that shows a failing answer in prose to be wrong; None where words were merely not found.

    It refuses; gives another value, day or name, or the contrary; repeats its documents wrongly; says what another
    document says, or the model's own memory; quotes other sentences; has no room for what it lacks, or is about something else. Records,
    and answers whose evidence never arrived, are wrong by more than words.
    """
    case = facts.case
    if facts.right is not False or facts.refused or case.reference_object is not None:
        return "refused" if facts.refused else "checked"
    if not facts.answerable or not facts.missing or (not case.reference and not case.key_points):
        return "checked"
    if len(facts.trace.response or "") > ANSWER or "criteria" in facts.broken:
        return "checked"
    if facts.lost is not None and facts.lost is not Reach.PROMPT:
        return "evidence lost"
    return next((name for name, holds in _all(facts, probes) if holds), None)


def _all(facts: Facts, probes: Probes) -> Iterator[tuple[str, bool]]:
    answer, query = facts.trace.response or "", facts.case.query
    labels = _labels(facts)
    missing = [p for p in facts.missing if 0 < len(p.text) <= LABEL]
    yield "other source", facts.other_source is not None
    yield "other value", any(_other_value(p, answer, query, labels) for p in missing)
    yield "no value", any(_without_value(p, answer, query) for p in missing)
    yield "other name", any(_without_name(p.text, answer, query) for p in missing)
    yield "other day", any(other_days(label, answer) for label in labels)
    yield "opening", _opens_otherwise(facts, answer)
    yield "denied", any(_denied(p.text, answer, facts.case) for p in missing)
    yield "substituted", any(substituted(label, answer) for label in labels)
    yield "contradicted", _misread(facts, labels)
    yield "asks back", _asks(answer)
    yield "memory", _from_memory(facts, probes)
    yield LEFT_OUT, _no_room(facts, answer)
    yield "quotes", _quotes_others(facts, answer)
    yield "elsewhere", _about_something_else(facts, answer)


def _labels(facts: Facts) -> list[str]:
    case = facts.case
    found = [*(p.text for p in case.key_points or ()), *(case.reference or ())]
    return [text for text in found if len(text) <= LABEL]


def _other_value(point: Point, answer: str, query: str, labels: list[str]) -> bool:
    """Whether a value of the point is lacking, and the answer has one of its kind that neither question nor label has."""
    wanted, given = quantities(point.text), quantities(answer)
    own = wanted - found_in(wanted, quantities(query))
    lacking = own - found_in(own, given)
    if not lacking:
        return False
    known = quantities(query).union(*(quantities(label) for label in labels))
    strange = {q for q in given - found_in(given, known) if not any(_as_long(q, w) for w in own)}
    kinds, others = {_kind(q) for q in lacking}, {_kind(q) for q in strange}
    return bool(kinds & others) or ("" in kinds and "time" in others)  # "three working days"


def _without_value(point: Point, answer: str, query: str) -> bool:
    """Whether the point is a value, and the answer has none: no number, fraction, unit, nor any word of how often or how many."""
    wanted = quantities(point.text)
    new = wanted - found_in(wanted, quantities(query))
    if not new or quantities(answer) or any(map(str.isdigit, answer)) or _SIGNS.search(answer):
        return False
    return not any(word in _COUNTING or word.startswith(_PARTS) for word in tokens(answer))


def _without_name(label: str, answer: str, query: str) -> bool:
    """Whether a label is a name and no more, and the answer has no word of it: only days and months have other words."""
    asked, said = known_words(plainly(query)), known_words(plainly(answer))
    words = [word for word in _WORD.findall(label) if word not in _IN_NAMES]
    parts = [(word, content(plainly(word))) for word in words]
    new = [(word, keys) for word, keys in parts if not all(same_word(k, asked) for k in keys)]
    if not 0 < len(new) <= NAME or not all(word[0].isupper() for word in words):
        return False
    if any(names_weekday(word) or word.casefold() in MONTHS for word in words):
        return False
    return not any(same_word(key, said) for _, keys in new for key in keys)


def _as_long(one: str, other: str) -> bool:
    """Whether two times are one to within what months and years differ by: "half a year", "180 days"."""
    a, b = _days(one), _days(other)
    return a is not None and b is not None and abs(a - b) <= ROUGHLY * max(a, b)


def _days(quantity: str) -> float | None:
    head, _, unit = quantity.partition(" ")
    try:
        return float(head) * _DAYS[unit]
    except (KeyError, ValueError):
        return None


def _kind(quantity: str) -> str:
    if _DATE.fullmatch(quantity):
        return "date"
    if _CLOCK.fullmatch(quantity):
        return "clock"
    unit = "%" if "%" in quantity else quantity.partition(" ")[2]
    return "time" if unit in _DAYS else unit


def _denied(point: str, answer: str, case: Case) -> bool:
    """Whether the answer denies a point; what a reference seems to deny as well is none: no label denies its own point."""
    if not denies(point, answer, case.query):
        return False
    return not any(denies(point, text, case.query) for text in case.reference or ())


def _opens_otherwise(facts: Facts, answer: str) -> bool:
    """Whether the answer opens with a yes where every reference that opens so has a no, or the reverse."""
    wanted = {opening(text) for text in facts.case.reference or ()} - {None}
    got = opening(answer)
    return got is not None and wanted == {not got}


def _misread(facts: Facts, labels: list[str]) -> bool:
    """Whether a contradicted claim repeats a sentence of the passages with another name or polarity, or has a value of its own."""
    if not facts.contradicted:
        return False
    text = "\n".join(p.text for p in facts.trace.context or ())[:ANSWER]
    held = quantities("\n".join((facts.case.query, *labels))) | quantities(text)
    return any(_strange(c, held) or substituted(c, text) for c in facts.contradicted)


def _strange(claim: str, held: frozenset[str]) -> bool:
    given = quantities(claim)
    return bool(given - found_in(given, held))


def _asks(answer: str) -> bool:
    """Whether the answer opens with a question of its own: it gives no answer yet."""
    first = next(iter(spans(answer)), None)
    return first is not None and answer[slice(*first)].rstrip().endswith(("?", "？", "؟"))


def _from_memory(facts: Facts, probes: Probes) -> bool:
    """Whether the model says the same without any passage, and the passages do not say it, or no edit of theirs changes it."""
    if probes.same_answer("closed_book") is not True or probes.refused("closed_book"):
        return False
    unmoved = probes.right("edited_context") is False
    return unmoved or bool(facts.unsupported or facts.contradicted)


def _quotes_others(facts: Facts, answer: str) -> bool:
    """Whether an answer is put together from sentences of its passages, whose gold says what it lacks: those are others."""
    if not all(p.supported_by_gold for p in facts.missing):
        return False
    shown = " ".join(normalise(p.text) for p in facts.trace.context or ())
    said = [normalise(answer[a:b]).rstrip(" .!。") for a, b in spans(answer)]
    return bool(said) and all(len(content(s)) >= QUOTED and s in shown for s in said)


def _no_room(facts: Facts, answer: str) -> bool:
    """Whether all that the answer says belongs to the points that it has: nothing is left that could say another."""
    told = [p.text for p in facts.points if p.stated is True]
    if not told:
        return False
    known = known_words(plainly(facts.case.query)).union(*(known_words(plainly(t)) for t in told))
    left = [w for w in content(plainly(answer)) if not same_word(w, known)]
    return len(left) <= SPENT


def _about_something_else(facts: Facts, answer: str) -> bool:
    """Whether an answer of some length has no word of the question, the label or the gold passages."""
    words = content(plainly(answer))
    if len(words) < TELLING:
        return False
    gold = {d for d, grade in (facts.case.relevant or {}).items() if grade > 0}
    texts = [p.text[:ANSWER] for p in facts.trace.context or () if p.doc_id in gold]
    whole = "\n".join((facts.case.query, *_labels(facts), *texts))
    known = known_words(plainly(whole))
    return not any(same_word(w, known) for w in words)
