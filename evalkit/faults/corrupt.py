"""Wrong versions of right answers: other numbers, other names, a turned "not", other values of a record."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from evalkit.faults.drafts import ideal, told_by_documents
from evalkit.faults.labels import evidence_in, points_of
from evalkit.faults.wording import Stock, one_of
from evalkit.records import Case, Document, Passage, Suite
from evalkit.text.sentences import spans
from evalkit.text.tokens import stem_set

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<=[^.!?:\n] )[A-Z][a-zà-ÿ]{2,}(?: [A-Z][a-zà-ÿ]{2,})*")
_VERB = re.compile(r"\b(is|are|was|were|can|must|may|will|has|does|do|ist|sind|kann|est|sont|es)\b")
_NOT = re.compile(r"\b(?:not|never|no|nicht|kein)\s+|(?<=\w)n't\b", re.IGNORECASE)
_CHAR = {"0": "[0-9]", "a": "[a-z]", "A": "[A-Z]"}


def misread_text(
    text: str, case: Case, names: Sequence[str], random: Random, phrases: Stock
) -> str:
    """The text with a number, a name or a "not" of what the case asks for turned into another.

    All places at which a wanted number or name occurs are changed, so that the right one is gone.
    """
    points = [point.text for point in points_of(case)] or [text]
    keen = random.sample(points, random.randint(1, len(points)))
    changed = text
    for point in keen:
        one = _misread_point(changed, point, names, random, phrases)
        # A second "not" would take the first one back.
        changed = one if changed == text or one.count("not") == changed.count("not") else changed
    return changed if changed != text else _turned(text, text, random, phrases)


def _misread_point(
    text: str, point: str, names: Sequence[str], random: Random, phrases: Stock
) -> str:
    numbers = [n for n in dict.fromkeys(_NUMBER.findall(point)) if _word(n).search(text)]
    if numbers:
        number = random.choice(numbers)
        return _word(number).sub(other_number(number, random), text)
    known = [n for n in dict.fromkeys(_NAME.findall(point)) if _word(n).search(text)]
    others = [n for n in names if n not in text]
    if known and others and random.random() < 0.6:
        return _word(random.choice(known)).sub(random.choice(others), text)
    return _turned(text, point, random, phrases)


def _word(part: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,]){re.escape(part)}(?!\w|[.,]\d)")


def other_number(number: str, random: Random) -> str:
    """Another number of the same make-up: as many digits, as many decimals, another value."""
    while True:
        other = "".join(str(random.randint(1, 9)) if c.isdigit() else c for c in number)
        if other != number:
            return other


def _turned(text: str, point: str, random: Random, phrases: Stock) -> str:
    """The sentence nearest to the point with its "not" taken out, or one put in."""
    places = spans(text)
    if not places:
        return text
    wanted = stem_set(point)
    start, end = max(places, key=lambda span: len(stem_set(text[slice(*span)]) & wanted))
    sentence = text[start:end]
    without = _NOT.sub("", sentence, count=1)
    if without == sentence:
        without = _VERB.sub(lambda m: f"{m[0]} not", sentence, count=1)
    if without == sentence:
        said = f"{sentence[:1].lower()}{sentence[1:]}"
        without = one_of(phrases.denials, random).format(statement=said)
    return text[:start] + without + text[end:]


def names_of(corpus: Mapping[str, Document]) -> tuple[str, ...]:
    """Names that the corpus knows, for putting one in the place of another."""
    texts = [document.text for document in list(corpus.values())[:200]]
    return tuple(sorted({name for text in texts for name in _NAME.findall(text)}))


# --- records ---------------------------------------------------------------------------------


def misread_object(given: Mapping[str, Any], suite: Suite, random: Random) -> dict[str, Any]:
    """The object with one to three of its values taken from other cases' records, or miscounted."""
    changed = dict(given)
    keys = [key for key in given if _others(key, given, suite)] or list(given)
    for key in random.sample(keys, min(len(keys), random.randint(1, 3))):
        others = _others(key, given, suite)
        changed[key] = random.choice(others) if others else _other_value(given[key], random)
    return changed


def _others(key: str, given: Mapping[str, Any], suite: Suite) -> list[Any]:
    """Different values of the same field in other cases' ideal objects."""
    records = [c.reference_object for c in suite.cases if c.reference_object is not None]
    values = [record[key] for record in records if key in record]
    return [v for v in values if v != given.get(key) and type(v) is type(given.get(key))]


def _other_value(value: Any, random: Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + random.randint(1, 9)
    return f"{value} {random.randint(2, 9)}" if isinstance(value, str) else value


def misread(response: str, case: Case, suite: Suite, random: Random, phrases: Stock) -> str:
    """A wrong version of a right response, of the same form."""
    found = as_object(response)
    if found is None:
        return misread_text(response, case, names_of(suite.corpus), random, phrases)
    return json.dumps(misread_object(found, suite, random), ensure_ascii=False)


def as_object(response: str) -> dict[str, Any] | None:
    """The JSON object that a response is, if it is one."""
    try:
        value = json.loads(response)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


# --- led astray ------------------------------------------------------------------------------


def from_distractor(case: Case, passages: Sequence[Passage], suite: Suite) -> str | None:
    """What an answer drawn from one of the passages says: its sentence nearest to the question.

    A record takes the values that only documents tell from the passage. None where no passage has any.
    """
    ranked = sorted(passages, key=lambda p: -len(stem_set(p.text) & stem_set(case.query)))
    for passage in ranked:
        if case.reference_object is not None:
            said: str | None = _record_from(passage, case, suite)
        else:
            said = _sentence_from(passage, case)
        if said:
            return said
    return None


def _sentence_from(passage: Passage, case: Case) -> str | None:
    """A full sentence on the question's topic that says nothing of what the case asks for."""
    told = {s for point in points_of(case) for s in evidence_in(point.text, passage.text)}
    asked = stem_set(case.query)
    texts = [passage.text[a:b] for a, b in spans(passage.text) if (a, b) not in told]
    full = [text for text in texts if len(stem_set(text)) >= 4] or texts
    return max(full, key=lambda text: len(stem_set(text) & asked), default=None)


def _record_from(passage: Passage, case: Case, suite: Suite) -> str | None:
    """The ideal record with document-told values replaced by those of the same shape in the passage."""
    text, changed = ideal(case), False
    whole = f"{passage.title or ''}\n{passage.text}"
    for value in told_by_documents(case, suite.corpus):
        titled = any(value == d.title for d in suite.corpus.values())
        found = [passage.title] if titled and passage.title else _shaped(value, whole)
        other = next((f for f in found if f and f != value), None)
        if other is not None:
            text, changed = text.replace(json.dumps(value), json.dumps(other)), True
    return text if changed and text != ideal(case) else None


def _shaped(value: str, text: str) -> list[str]:
    """Strings of the text with digits and letters where the value has them."""
    if not any(c.isdigit() for c in value):
        return []
    kinds = (
        "0" if c.isdigit() else "A" if c.isupper() else "a" if c.islower() else c for c in value
    )
    pattern = "".join(_CHAR.get(kind, re.escape(kind)) for kind in kinds)
    return re.findall(rf"(?<!\w){pattern}(?!\w)", text)
