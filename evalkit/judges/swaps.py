"""Whether an answer gives a number or a name of a statement to something else, as where two values change places."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.irregular import key
from evalkit.text.number_words import CURRENCIES, UNITS
from evalkit.text.quantities import found_in, quantities
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, is_content, names, tokens

_PART = re.compile(
    r"[;:]\s+|,\s+|[；、，]|\s+(?=\((?!s\)))|\s+(?:and|but|while|whereas|or|und|aber|während|et|mais|y|pero|và|nhưng|и|но)\s+"
)

ABOUT = 0.6  # share of a point's words beside a rival number from which on that piece is about the point


class _Part:
    """A piece of a sentence: its content stems in order and as a set, its quantities and its names."""

    __slots__ = ("_names", "_numbers", "order", "sentence", "text", "words")

    def __init__(self, text: str, order: tuple[str, ...], sentence: int) -> None:
        self.text, self.order, self.words, self.sentence = text, order, frozenset(order), sentence
        self._numbers: frozenset[str] | None = None
        self._names: frozenset[str] | None = None

    @property
    def numbers(self) -> frozenset[str]:
        """Looked for only beside a statement with numbers."""
        if self._numbers is None:
            self._numbers = quantities(self.text)
        return self._numbers

    @property
    def names(self) -> frozenset[str]:
        """Looked for only beside a statement with names."""
        if self._names is None:
            self._names = names(f"x {self.text}")
        return self._names


@lru_cache(CACHE)
def _parts(text: str) -> tuple[_Part, ...]:
    """The pieces of a text between commas and conjunctions, in order; those without words are left out."""
    pieces = (
        (piece, _words(piece), index)
        for index, (start, end) in enumerate(spans(text))
        for piece in _PART.split(text[start:end])
    )
    return tuple([_Part(*given) for given in pieces if given[1]])


def _words(text: str) -> tuple[str, ...]:
    """The content stems of a text in order, its numbers and their units left out: "seconds" tells nothing apart."""
    return tuple(map(key, filter(_tells, tokens(text))))


@lru_cache(CACHE * 8)
def _tells(word: str) -> bool:
    counts = word[0].isdigit() or word in UNITS or word in CURRENCIES
    return not counts and is_content(word)


def _unit(quantity: str) -> str:
    return "%" if quantity.endswith("%") else quantity.partition(" ")[2]


@lru_cache(CACHE)
def swapped(point: str, answer: str) -> bool:
    """Whether a word that the point puts beside a number stands beside a rival number instead.

    A rival is another number of the same unit in a neighbouring piece of the same sentence, or the next one; the piece with
    the right number must lack the word and have one of its own in its place.
    """
    numbers, named = quantities(point), names(f"x {point}")
    if not numbers and not named:
        return False
    parts = _parts(answer)
    wanted = frozenset(_words(point))
    given = frozenset[str]().union(*[part.numbers for part in parts]) if numbers else numbers
    foreign = given - found_in(given, numbers)
    return any(
        _misplaced(number, wanted, foreign, parts)
        for number in (numbers if foreign else ())  # rivals are other numbers
    ) or any(_renamed(name, wanted, named, parts) for name in named)


def _renamed(
    name: str, wanted: frozenset[str], named: frozenset[str], parts: tuple[_Part, ...]
) -> bool:
    """Whether every piece with ``name`` gives it to a name of its own, and one name of the point stands beside another."""
    having = [i for i, part in enumerate(parts) if name in part.words]
    if not having:
        return False
    rivals = [
        part
        for part in parts
        if name not in part.words and part.names & named and part.names - wanted
    ]
    return bool(having and rivals) and all(
        parts[i].names - wanted
        and any(
            rival.sentence == parts[i].sentence
            and (named & rival.names) - parts[i].words - _inherited(parts, i)
            for rival in rivals
        )
        for i in having
    )


def _misplaced(
    number: str, wanted: frozenset[str], foreign: frozenset[str], parts: tuple[_Part, ...]
) -> bool:
    """Whether every piece with ``number`` has a rival, a piece with one of the ``foreign`` numbers, that the words fit better."""
    unit = _unit(number)
    rivalling = frozenset([q for q in foreign if _unit(q) == unit])
    if not rivalling:
        return False
    having = [
        i for i, part in enumerate(parts) if part.numbers and found_in({number}, part.numbers)
    ]
    rivals = [
        part
        for i, part in enumerate(parts)
        if i not in having and not rivalling.isdisjoint(part.numbers)
    ]
    return bool(having and rivals) and all(
        _belongs_elsewhere(parts, i, wanted, rivals) or _outdone(parts, i, wanted, rivals)
        for i in having
    )


def _outdone(parts: tuple[_Part, ...], i: int, wanted: frozenset[str], rivals: list[_Part]) -> bool:
    """Whether a rival states the rest of the point better than piece ``i`` with what it inherits."""
    known = parts[i].words | _inherited(parts, i, parts[i].sentence)
    most = max(len(wanted & rival.words) for rival in rivals)
    return most >= ABOUT * len(wanted) and most > len(wanted & known)


def _belongs_elsewhere(
    parts: tuple[_Part, ...], i: int, wanted: frozenset[str], rivals: list[_Part]
) -> bool:
    """Whether a rival near piece ``i`` has a word of the point that piece ``i`` neither has nor inherits."""
    here = parts[i]
    foreign = here.words - wanted
    if not foreign:
        return False
    known = here.words | _inherited(parts, i)
    return any(
        abs(rival.sentence - here.sentence) <= 1 and (wanted & rival.words) - known
        for rival in rivals
    )


def _inherited(parts: tuple[_Part, ...], i: int, since: int = 0) -> frozenset[str]:
    """Words that piece ``i`` takes from the ones before it: all but the subject that it replaces by its own."""
    here = parts[i]
    found: set[str] = set()
    for part in (part for part in parts[:i] if part.sentence >= since):
        replaced = part.order[:1] if part.numbers and here.order[0] not in part.words else ()
        found.update(w for w in part.order if w not in replaced)
    return frozenset(found)
