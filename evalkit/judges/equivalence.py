"""Do an answer and a reference mean the same? Rules over words, names, numbers and polarity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from evalkit.judges.bounds import beyond, bounds_agree, bounds_differ
from evalkit.judges.context import negated
from evalkit.judges.counted import counts_otherwise, other_days, rival_word
from evalkit.judges.multiples import multiples_differ
from evalkit.judges.named import full_names, other_person, unnamed
from evalkit.judges.permission import answers_alike, same_permission, verdict
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.questions import HOW_MANY, WHO
from evalkit.judges.references import Said, incomplete, said
from evalkit.judges.restated import restated
from evalkit.judges.retelling import retold
from evalkit.judges.segments import segments
from evalkit.judges.substitution import substituted
from evalkit.judges.wording import clean, keys_of, near, wanted_of
from evalkit.text.quantities import found_in, quantities
from evalkit.text.refusal import declining_probability, refusal_probability
from evalkit.text.regret import opening
from evalkit.text.sentences import spans
from evalkit.text.similarity import contains, same_text
from evalkit.text.tokens import CACHE, content_stems, names, normalise, tokens

SHORT = 8  # content words up to which a reference is a fact looked for, not a text to be retold
BRIEF = 6  # content words up to which an answer is only the answer, without a sentence around it
# Share of a short reference's own words found in the answer -> probability that it is right.
FACT_STEPS = ((0.99, 0.92), (0.7, 0.88), (0.45, 0.65), (0.2, 0.55), (0.0, 0.3))
TURNED = 0.2  # at most, where a statement comes with another name, number or polarity
PERMITTED = 0.8  # at least, where an answer permits or forbids what a short reference does
PART = 0.49  # at most, where a statement is left out
MANY = 5  # statements from which on one that is turned does not make the whole foreign
HALF_SAID = 0.6  # probability below which not even half of a short reference is in the answer
STATEMENT = 3  # content words from which on a reference of one sentence can be said in other words
SENTENCE = 5  # content words of a short reference that is a sentence, not a mere fact
NOTHING_BRIEF, NOTHING_LONG = 0.08, 0.2  # no word of the reference, in a brief and in a long answer

_SENTENCE_END = re.compile(r"[.!。！؟।]\W*$")
_ASIDE = re.compile(r"\s*[(\[（][^)\]）]*[)\]）]")
_YES = "yes yeah yep true correct right ja oui sí si sì sim có đúng نعم да हाँ evet"
_NO = "no nope false incorrect wrong nein non nee não không sai لا нет नहीं hayır"
_POLARITY = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)
_POLARITY_WIDE = re.compile(
    r"\W*(?:(?P<no>いいえ|不|否|没有|아니)|(?P<yes>はい|ええ|是|对|네[,.\s]|예[,.\s]))"
)
_BARE_WIDE = re.compile(r"\W*(?:いいえ|はい|ええ|不是?|否|没有|是的?|对|아니[요오]|네|예)\W*")


def polarity(text: str) -> bool | None:
    """True for an answer that opens with yes, False for no; ``None`` for neither."""
    wide = _POLARITY_WIDE.match(text)
    if wide is not None:
        return wide["yes"] is not None
    return _POLARITY.get(next(iter(tokens(text)), ""))


def equivalence(answer: str, references: Iterable[str], query: str = "") -> float:
    """Probability, 0..1, that ``answer`` means what any one of ``references`` means.

    A refusal never equals a substantive reference, nor the other way round. ``query`` tells which
    words are given by the question and prove nothing. The order of references does not matter.
    """
    return max((_one(answer, reference, query) for reference in references), default=0.0)


@lru_cache(CACHE)
def _one(answer: str, reference: str, query: str) -> float:
    if same_text(answer, reference):
        return 1.0
    refused, refusing = refusal_probability(answer), refusal_probability(reference)
    if refusing >= 0.5:
        refused = declining_probability(answer)
    if refused >= 0.5 or refusing >= 0.5:
        return 0.9 if refused >= 0.5 and refusing >= 0.5 else 0.03
    if multiples_differ(reference, answer):
        return TURNED
    value = _weighed(answer, reference, query)
    if value >= PERMITTED or len(wanted_of(reference)) < STATEMENT or len(spans(reference)) > 1:
        return value
    return PERMITTED if restated(reference, answer, query) else value


def _weighed(answer: str, reference: str, query: str) -> float:
    """An answer that is no refusal beside a reference that is none."""
    want, got = polarity(reference), polarity(answer)
    if want is not None and len(wanted_of(reference)) <= 1:
        return _yes_no(answer, want, got)
    if want is not None and got is not None and want != got:
        return 0.1
    if len(wanted_of(reference)) <= SHORT:
        return _brief(answer, reference, query)
    return _complete(retold(answer, reference, query), said(reference, answer, query))


def _brief(answer: str, reference: str, query: str) -> float:
    """A short reference; a bare yes or no says what it says, and other words may permit or forbid the same."""
    got = polarity(answer)
    if got is not None and _bare(answer):
        own = polarity(reference)
        want = verdict(reference, query) if own is None else own
        return NOTHING_BRIEF if want is None else _yes_no(answer, want, got)
    value = _sentence(_short(answer, reference, query), answer, reference)
    return max(value, PERMITTED) if answers_alike(answer, reference) else value


def _sentence(value: float, answer: str, reference: str) -> float:
    """A short reference that is a whole sentence is more than a fact looked for: a word of it proves nothing."""
    if len(wanted_of(reference)) < SENTENCE or not _SENTENCE_END.search(reference):
        return value
    if substituted(reference, answer):
        return min(value, TURNED)
    return min(value, PART) if value < HALF_SAID and not _open_alike(reference, answer) else value


def _answers_alike(reference: str, answer: str) -> bool:
    """Whether both give one yes or no, and nothing behind the first clause of the reference is turned round."""
    _, _, rest = reference.partition(";" if ";" in reference else ". ")
    if not _open_alike(reference, answer) or same_permission(reference, answer) is False:
        return False
    return not (rest.strip() and polarity_differs(rest, answer))


def _open_alike(reference: str, answer: str) -> bool:
    """Whether both open with a yes, or both with a no: what was asked is answered alike, whatever "not" follows."""
    opened = opening(answer)
    return opened is not None and opened is opening(reference)


def _complete(value: float, found: tuple[Said, ...]) -> float:
    """What is left of the probability where the answer turns a statement round, or leaves one out.

    A reference of several statements needs them all: an answer with only a part of them is wrong. How
    near it comes is in ``value``, which falls with every statement that is left out.
    """
    if len(found) < MANY and any(statement.turned for statement in found):
        return min(value, TURNED)
    return min(value, PART) if incomplete(found) else value


def _bare(answer: str) -> bool:
    """Whether an answer is a yes or a no and nothing else."""
    return (
        all(word in _POLARITY for word in tokens(answer))
        or _BARE_WIDE.fullmatch(answer) is not None
    )


def _yes_no(answer: str, want: bool, got: bool | None) -> float:  # noqa: FBT001 - two polarities
    if got is not None:
        return 0.97 if got == want else 0.03
    first = answer[slice(*spans(answer)[0])] if spans(answer) else ""
    return 0.6 if negated(first) != want else 0.15


def _short(answer: str, reference: str, query: str) -> float:
    """A fact looked for in an answer of any length."""
    turned = _turned(reference, answer) and not bounds_agree(reference, answer)
    if turned and not _answers_alike(reference, answer):
        return TURNED
    if bounds_differ(reference, answer) or _of_another(reference, answer, query):
        return TURNED
    if contains(clean(answer), reference) or contains(answer, reference):
        return 0.95
    value = max(_facts(answer, reference, query), _facts(answer, _ASIDE.sub("", reference), query))
    return min(value, PART) if _leaves_out(reference, answer, query) else value


def _of_another(reference: str, answer: str, query: str) -> bool:
    """Whether the answer has the numbers or names of the reference, but of another thing, person or day."""
    if other_days(reference, answer):
        return True
    if _quantities_of(reference):
        strict = beyond(reference, answer) or rival_word(reference, answer, query)
        return strict or counts_otherwise(reference, answer, query)
    return any(other_person(name, answer, query) for name in full_names(reference))


_LISTED = re.compile(r"\s*[,，、،]\s*(?:(?:and|und|et|y|và|и|و)\s+)?|\s+(?:and|und|et|y|và|и)\s+")
_LAST = re.compile(r"[,，、،].*\s(?:and|und|et|y|và|и|و)\s?[^,，、،]+$")
SEVERAL, FEW = 3, 3  # items that make a list, and words of an item at most


def _leaves_out(reference: str, answer: str, query: str) -> bool:
    """Whether the answer lacks a person that the reference names beside a number, or one item of a list."""
    if _quantities_of(reference):
        plain = normalise(query)
        asked = HOW_MANY.search(plain) is not None and WHO.search(plain) is None
        return not asked and unnamed(reference, answer, query)
    items = _LISTED.split(reference.strip(" .。"))
    if len(items) < SEVERAL or not _LAST.search(reference):
        return False  # "Springfield, Illinois, USA" is no list
    keys = keys_of(answer) | keys_of(query)
    words = [wanted_of(item) for item in items]
    return all(0 < len(w) <= FEW for w in words) and any(
        not any(w in keys or near(w, keys) for w in item) for item in words
    )


def _turned(reference: str, answer: str) -> bool:
    """Whether a property ("is online", "open on Sundays") is denied; a name or a number stands for itself."""
    values = names(f"x {reference}") | {w for w in wanted_of(reference) if w[:1].isdigit()}
    return not values.issuperset(content_stems(reference)) and polarity_differs(reference, answer)


@lru_cache(CACHE)
def _quantities_of(text: str) -> frozenset[str]:
    return quantities(clean(text))


def _facts(answer: str, reference: str, query: str) -> float:
    """A short reference that does not stand in the answer word for word, by what of it does."""
    wanted_numbers = _quantities_of(reference)
    if wanted_numbers:
        return _number_match(wanted_numbers, _quantities_of(answer))
    keys, asked = keys_of(answer), keys_of(query)
    wanted = [w for w in wanted_of(reference) if w not in asked] or list(wanted_of(reference))
    if not wanted:
        return 0.05
    recall = sum(w in keys or near(w, keys) for w in wanted) / len(wanted)
    if recall == 0:
        return NOTHING_BRIEF if len(wanted_of(answer)) <= BRIEF else NOTHING_LONG
    brief = len(wanted_of(answer)) <= BRIEF
    if brief and not negated(reference) and _denied_in(answer, frozenset(wanted)):
        return 0.2
    return next(value for at_least, value in FACT_STEPS if recall >= at_least)


def _denied_in(answer: str, words: frozenset[str]) -> bool:
    """Whether every clause of the answer with one of the words denies something; a "not" in another clause is none of theirs."""
    having = [clause for clause in segments(answer) if clause.words & words]
    return negated(answer) and all(clause.negated for clause in having)


def _number_match(wanted: frozenset[str], given: frozenset[str]) -> float:
    """A number is right or wrong; of several, half will do no better than a guess."""
    share = len(found_in(wanted, given)) / len(wanted)
    if share == 1:
        return 0.92
    return 0.4 if share >= 0.5 else 0.06
