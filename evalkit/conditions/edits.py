"""One fact of the gold text changed to another plausible value, always the same one for the same case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from evalkit.condition import Situation
from evalkit.conditions.gold import oracle
from evalkit.conditions.rivals import (
    in_series,
    names_alone,
    other_names,
    other_titled,
    titled_names,
)
from evalkit.fields import leaves
from evalkit.judges.asked import named_instead
from evalkit.records import Case
from evalkit.text.languages import detect_language
from evalkit.text.similarity import contains

_NUMBER = re.compile(r"(?<![A-Za-zÀ-ỹ\d])(?:\d[\d.,]*\d|\d)")  # none inside a code such as B12
_WORD = re.compile(r"\d[\d.,]*\d|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Edit:
    """A value of the gold text (``before``) and what stands in its place (``after``)."""

    before: str
    after: str

    def apply(self, text: str) -> str:
        """The text with every mention of the value changed."""
        return _mention(self.before).sub(lambda _: self.after, text)

    def within(self, text: str) -> bool:
        """Whether a text has the value."""
        return _mention(self.before).search(text) is not None

    def followed_by(self, response: str) -> bool:
        """Whether an answer gives the changed value and not the old one."""
        return _says(response, self.after) and not _says(response, self.before)


def edit_of(here: Situation) -> Edit | None:
    """The edit for a case: a number of its answer that the gold states, else a day, a number in words or a name.

    None where the answer has no value that stands in the gold text and has a fluent counterpart of its kind and
    language: what a nonsensical edit shows means nothing. A value that the question itself names is not touched,
    nor is a name where the gold text says another one of what is asked.
    """
    text = "\n".join(p.text for p in oracle(here))
    if not text:
        return None
    query = here.case.query
    answers = [a for a in _answers(here.case) if a and not named_instead(a, query, (text,))]
    for before, after in _others(answers, text, here):
        edit = Edit(before, after)
        if edit.within(text) and not edit.within(query) and not Edit(after, "").within(text):
            return edit
    return None


def edit_between(original: str, edited: str) -> Edit | None:
    """The first value in which an edited text differs from the original, as whole words; None where none."""
    old, new = _WORD.findall(original), _WORD.findall(edited)
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace":
            return Edit(" ".join(old[a:b]), " ".join(new[c:d]))
    return None


def _answers(case: Case) -> Iterator[str]:
    yield from (case.reference or ())[:1]
    yield from (point.text for point in case.key_points or ())
    if case.reference_object is not None:
        yield from (text for _, text in leaves(case.reference_object))


def _numbers(answers: list[str]) -> Iterator[str]:
    """The numbers of the answers, the longest of each first: they are the most telling."""
    for answer in answers:
        yield from sorted(_NUMBER.findall(answer), key=len, reverse=True)


def _others(answers: list[str], text: str, here: Situation) -> Iterator[tuple[str, str]]:
    """Every value of the answers with one of the same kind that can stand in its place; what the text has is none."""
    for before in _numbers(answers):
        yield from ((before, after) for after in _shifted(before))
    language = detect_language(text)
    for answer in answers:
        for before, series in in_series(answer, language):
            yield from ((before, after) for after in series)
    for before in names_alone(answers):
        yield from ((before, after) for after in other_names(before, here))
    for before in titled_names(answers):
        yield from ((before, after) for after in other_titled(before, text, here))


def _shifted(number: str) -> Iterator[str]:
    """The number with one digit moved on, the one before last first: 1987 is 1997, 84 is 94, 7 is 8."""
    places = [i for i, c in enumerate(number) if c.isdigit()]
    order = [*places[-2:], *places[:-2]] if len(places) != 1 else places
    for step in range(1, 9):
        for i in order:
            digit = (unicodedata.digit(number[i]) + step) % 10
            if digit or i != places[0]:
                zero = chr(ord(number[i]) - unicodedata.digit(number[i]))
                yield number[:i] + chr(ord(zero) + digit) + number[i + 1 :]


def _mention(value: str) -> re.Pattern[str]:
    """The value as a whole: 12 is not in 120 nor in 1.12; words may touch where a script has no spaces."""
    left = r"(?<!\d)(?<!\d[.,])" if value[:1].isdigit() else _edge(value[:1], "<!")
    right = r"(?![.,]?\d)" if value[-1:].isdigit() else _edge(value[-1:], "!")
    return re.compile(left + re.escape(value) + right)


def _edge(character: str, look: str) -> str:
    return rf"(?{look}\w)" if character.isalpha() and ord(character) < 0x2E80 else ""


def _says(text: str, value: str) -> bool:
    """Whether a text has a value, spelt as it is or in other case and punctuation."""
    return _mention(value).search(text) is not None or contains(text, value)
