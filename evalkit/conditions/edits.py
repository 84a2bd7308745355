"""One fact of the gold text changed to another plausible value, always the same one for the same case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, islice

from evalkit.condition import Situation
from evalkit.conditions.gold import oracle
from evalkit.fields import leaves
from evalkit.judges.asked import named_instead
from evalkit.records import Case
from evalkit.text.similarity import contains
from evalkit.text.tokens import normalise

_NUMBER = re.compile(r"(?<![A-Za-zÀ-ỹ\d])(?:\d[\d.,]*\d|\d)")  # none inside a code such as B12
_NAME = re.compile(r"(?<![\w'’])[^\W\d_a-z][\w’'-]+(?:\s[^\W\d_a-z][\w’'-]+)*")
_WORD = re.compile(r"\d[\d.,]*\d|\w+|[^\w\s]")
LOOKED_AT = 500  # other cases, and documents, in which another value is looked for
LONGEST_VALUE = 60  # characters of a short answer that is a value by itself


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
    """The edit for a case: a number of its answer that the gold states, else a name or a short answer.

    None where the answer has no value that stands in the gold text. A value that the question
    itself names is not touched, nor is a name where the gold text says another one of what is asked.
    """
    text = "\n".join(p.text for p in oracle(here))
    if not text:
        return None
    query = here.case.query
    answers = [a for a in _answers(here.case) if a and not named_instead(a, query, (text,))]
    for before in chain(_numbers(answers), _short(answers), _names(answers)):
        edit = Edit(before, "")
        if edit.within(text) and not edit.within(here.case.query):
            after = _other(before, text, here)
            if after is not None:
                return Edit(before, after)
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


def _short(answers: list[str]) -> Iterator[str]:
    return (a.strip(" .。") for a in answers if 1 < len(a) <= LONGEST_VALUE)


def _names(answers: list[str]) -> Iterator[str]:
    for answer in answers:
        yield from (m.group() for m in _NAME.finditer(answer) if m.start() > 0)


def _other(before: str, text: str, here: Situation) -> str | None:
    """Another value of the same kind that the text does not hold."""
    if any(c.isdigit() for c in before):
        return next((v for v in _shifted(before) if not Edit(v, "").within(text)), None)
    return next((v for v in _rivals(before, here) if not _says(text, v)), None)


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


def _rivals(before: str, here: Situation) -> Iterator[str]:
    """Values of the same shape: short answers of other cases, then names in other documents."""
    cases = here.suite.cases
    start = next((i for i, c in enumerate(cases) if c.id == here.case.id), 0)
    for other in (*cases[start + 1 :], *cases[:start])[:LOOKED_AT]:
        for value in _short([*_answers(other)]):
            if _alike(value, before):
                yield value
    for document in islice(here.suite.corpus.values(), LOOKED_AT):
        for match in _NAME.finditer(document.text):
            if match.start() > 0 and _alike(match.group(), before):
                yield match.group()


def _alike(value: str, before: str) -> bool:
    """Of the same number of words and not much longer or shorter, and not the same."""
    same_shape = len(value.split()) == len(before.split())
    upper = value[:1].isupper() == before[:1].isupper()
    close = len(value) <= 2 * len(before) + 2 and len(before) <= 2 * len(value) + 2
    digits = any(c.isdigit() for c in value)
    return same_shape and upper and close and not digits and normalise(value) != normalise(before)


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
