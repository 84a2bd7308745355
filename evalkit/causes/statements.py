"""What an answer says about the points it lacks: nothing at all, something else, or what the gold passages say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit.facts import Facts, Point
from evalkit.fields import plainly_other, wrong_fields
from evalkit.judges.asked import named_instead
from evalkit.judges.claims import claims
from evalkit.judges.context import Context, Sentence, read
from evalkit.judges.coverage import coverage
from evalkit.judges.support import assess, sentence_near
from evalkit.records import Passage
from evalkit.text.arithmetic import follows_in
from evalkit.text.elided import lacking_numbers
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import names, stem_set, tokens

ABOUT = 0.6  # share of a point's own words in one statement, which then speaks of the point
STATES = 0.5  # probability from which on a statement is taken to say a point


def said_otherwise(facts: Facts) -> tuple[Point, ...]:
    """The points that the answer lacks and speaks of all the same: it says something else about them.

    Words that the stated points have too count for nothing: they show that those points are stated.
    """
    told = frozenset[str]().union(*(stem_set(p.text) for p in facts.points if p.stated is True))
    said = [_words(statement) for statement in _statements(facts.trace.response)]
    return tuple(p for p in facts.missing if _spoken_of(_words(p.text) - told, said))


def _spoken_of(own: frozenset[str], said: Sequence[frozenset[str]]) -> bool:
    return bool(own) and any(len(own & words) >= ABOUT * len(own) for words in said)


def _words(text: str) -> frozenset[str]:
    """The content stems without the numbers, which are what two statements on one thing may differ in."""
    return frozenset(word for word in stem_set(text) if not any(c.isdigit() for c in word))


def _statements(response: str | None) -> list[str]:
    text = response or ""
    return [text[start:end] for start, end in claims(text)]


# --- the label against its own gold documents ------------------------------------------------


def label_at_odds(facts: Facts) -> str | None:
    """What is labelled, where the gold passages in the prompt speak against it and for the answer; else None.

    A statement: the answer says otherwise about a labelled point, the passages support what it says, and not
    the label. A record: its wrong fields hold values of the sources, and the labels do not.
    """
    gold = _gold(facts)
    if not gold or facts.refused:
        return None
    if facts.case.reference_object is not None:
        return _field_at_odds(facts, gold)
    context = read(tuple(f"{p.title}\n\n{p.text}" if p.title else p.text for p in gold))
    said = _statements(facts.trace.response)
    found = (p.text for p in said_otherwise(facts) if _speaks_for_answer(p, said, context))
    return next(found, None) or _named_otherwise(facts, [p.text for p in gold])


def _named_otherwise(facts: Facts, gold: Sequence[str]) -> str | None:
    """What is labelled, where the sentence that the question asks for has all names of the answer and not the label's."""
    query, asked = facts.case.query, stem_set(facts.case.query)
    given = names(f"x {facts.trace.response or ''}") - asked
    for point in facts.missing:
        there = named_instead(point.text, query, gold) if given else None
        if there and given <= there and not names(f"x {point.text}") & given:
            return point.text
    return None


def _gold(facts: Facts) -> list[Passage]:
    named = {d for d, grade in (facts.case.relevant or {}).items() if grade > 0}
    named.update(d for p in facts.case.key_points or () for d in p.evidence)
    return [p for p in facts.trace.context or () if {p.doc_id, p.chunk_id} & named]


def _speaks_for_answer(point: Point, said: Sequence[str], context: Context) -> bool:
    """Whether the passages refuse the labelled point and support what the answer says about it instead."""
    own = _words(point.text)
    about = max(said, key=lambda s: len(own & _words(s)), default="")
    if assess(about, context).supported is not True or coverage(point.text, about) >= STATES:
        return False
    if any(follows_in(point.text, f"{a.text} {b.text}") for a, b in _pairs(context)):
        return False  # nobody words what the reader is to work out
    refused = assess(point.text, context).supported is False
    return refused or _other_number(point.text, about, context)


def _pairs(context: Context) -> Iterator[tuple[Sentence, Sentence]]:
    """The neighbouring sentences of the passages."""
    given = context.sentences
    return ((a, b) for a, b in zip(given, (*given[1:], given[-1]), strict=False))


def _other_number(labelled: str, about: str, context: Context) -> bool:
    """Whether the sentence that both speak of has the numbers of the answer and not those of the label."""
    near = sentence_near(about, context)
    if near is None or near is not sentence_near(labelled, context):
        return False
    given = quantities(about)
    held = found_in(given, near.quantities) == given
    return held and bool(lacking_numbers(labelled, near.quantities))


def _field_at_odds(facts: Facts, gold: Sequence[Passage]) -> str | None:
    """The first wrong field whose given value the sources hold, where no wrong field speaks for its label."""
    case = facts.case
    sources = "\n".join((case.query, *(f"{p.title or ''}\n{p.text}" for p in gold)))
    wrong = wrong_fields(case.reference_object or {}, facts.trace.response, case.schema)
    told = [*_told(wrong, sources, case.reference_object or {})]
    against = [field for field, holds in told if holds]
    return against[0] if against and len(against) == len(told) else None


def _told(
    wrong: Sequence[tuple[str, str, str | None]], sources: str, reference: Mapping[str, object]
) -> Iterator[tuple[str, bool]]:
    """Each wrong field of which the sources hold one value only, and whether that is the given one.

    A value that is a misreading of the labelled one speaks for the label, held or not.
    """
    for path, value, given in wrong:
        held, other = _holds(sources, value), _holds(sources, given or "")
        misread = not plainly_other(value, given, reference)
        if misread or held is not other:
            yield f"{path} = {value}", other and not misread


def _holds(text: str, value: str) -> bool:
    """Whether a value stands in a text as a whole: its words in this order, or its number or date."""
    wanted, whole = tokens(value), tokens(text)
    if not wanted:
        return False
    if any(whole[i : i + len(wanted)] == wanted for i in range(len(whole) - len(wanted) + 1)):
        return True
    amounts = frozenset(quantities(value))
    plain = not any(c.isalpha() for c in value)
    return plain and bool(amounts) and found_in(amounts, quantities(text)) == amounts
