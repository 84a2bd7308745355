"""Whether a full name in an answer is that of another person: names compare as sequences, not by single words."""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

from evalkit.judges.irregular import key
from evalkit.judges.wording import clean, keys_of, near
from evalkit.text.number_words import CURRENCIES, MONTHS, NUMBER_WORDS, UNITS
from evalkit.text.tokens import CACHE, is_content, tokens

_WORD = re.compile(r"[^\W\d_](?:[\w'’]*\w)?")
_GAP = re.compile(r"[ \u00a0\t]+|-|\.[ \u00a0]?")
# Particles inside a name, written small.
_SMALL = "de del della der den di da dos van von zu bin ibn al el la le y"
_TITLE_WORDS = (
    "mr mrs ms miss dr prof professor sir dame lord lady king queen prince princess president senator governor mayor judge "
    "captain general colonel major saint st pope bishop father sister brother uncle aunt coach chef herr frau monsieur madame "
    "señor señora don doña ông bà anh chị cô thầy chú bác jr sr ii iii iv minister chancellor director author actor actress singer justice "
    "ltd limited inc incorporated co corp corporation company plc llc gmbh ag sa"
)
_PARTICLES, _TITLES = frozenset(_SMALL.split()), frozenset(_TITLE_WORDS.split())
# First names and what they are called for short; prefixes ("Tom", "Thomas" aside) need no entry.
_SHORT_FORMS = (
    "william bill will billy|robert bob rob bobby|richard dick rick|james jim jimmy jamie|john jack johnny|edward ted ed eddie ned|"
    "thomas tom tommy|charles chuck charlie|henry harry hank|elizabeth liz beth betty lizzie eliza|kathleen kate kathy cathy|margaret peggy maggie meg|"
    "katherine catherine kate kathy cathy|anthony tony|michael mike mick|joseph joe|stephen steven steve|alexander alex sasha|"
    "theodore ted|lawrence larry|andrew andy drew|franz francis frank|johannes hans|josef sepp|friedrich fritz"
)
_SAME = [frozenset(line.split()) for line in _SHORT_FORMS.split("|")]
_NO_NAMES = NUMBER_WORDS.keys() | MONTHS.keys() | UNITS.keys() | CURRENCIES.keys() | {"one"}
FULL = 2  # words that a full name has at least
SLIPS, LONG = (
    2,
    5,
)  # letters that a slip of the pen changes, and that a word has for which that is a slip
SHORTEST = 3  # letters of a word that has to be there: "Hollywood Park L.A"


def _distance(one: str, other: str) -> int:
    return int(DamerauLevenshtein.distance(one, other, score_cutoff=SLIPS))


@lru_cache(CACHE)
def _runs(text: str) -> tuple[tuple[str, ...], ...]:
    """The runs of capitalised words of a text, titles left out, as keys in order."""
    runs: list[list[str]] = []
    end = -1
    for match in _WORD.finditer(text):
        word = match.group()
        plain = next(iter(tokens(word)), "")
        joined = end >= 0 and _GAP.fullmatch(text, end, match.start()) is not None
        if joined and runs and plain in _PARTICLES and not word[0].isupper():
            end = match.end()
            continue
        initial = len(plain) == 1 and text[match.end() : match.end() + 1] == "."
        if not word[0].isupper() or not (is_content(plain) or initial) or plain in _NO_NAMES:
            end = -1
            continue
        if not joined:
            runs.append([])
        end = match.end()
        if plain not in _TITLES:
            runs[-1].append(key(plain))
    return tuple(tuple(run) for run in runs if run)


def full_names(text: str) -> tuple[tuple[str, ...], ...]:
    """The names of at least two words, as keys in order."""
    return tuple(run for run in _runs(clean(text)) if len(run) >= FULL)


def _same(one: str, other: str) -> bool:
    """Whether two words can be one name: equal, a slip of the pen or two, short for it, or its first letter."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= LONG and short[0] == long[0] and _distance(short, long) <= SLIPS:
        return True
    return long.startswith(short) or any(one in line and other in line for line in _SAME)


def other_person(name: tuple[str, ...], answer: str, query: str = "") -> bool:
    """Whether the answer has a part of ``name`` in a name with another word in place of the rest.

    "Teresa Lindgren" is not Teresa Lindqvist; "Lindqvist", "T. Lindqvist" and "Teresa Maria Lindqvist" may be.
    """
    keys, asked = keys_of(answer), keys_of(query)
    if all(w in keys or near(w, keys) for w in name if len(w) >= SHORTEST):
        return False
    runs = [(_shared(name, run), run) for run in _runs(clean(answer))]
    most = max((shared for shared, _ in runs), default=0)
    return 0 < most < len(name) and all(
        _differs(name, run, asked) for shared, run in runs if shared == most
    )


def _shared(name: tuple[str, ...], run: tuple[str, ...]) -> int:
    return sum(any(_same(w, given) for given in run) for w in name)


def _differs(name: tuple[str, ...], run: tuple[str, ...], asked: frozenset[str]) -> bool:
    """Whether a run has a word in place of one of the name."""
    lost = any(len(w) >= SHORTEST and not any(_same(w, given) for given in run) for w in name)
    return lost and any(g not in asked and not any(_same(w, g) for w in name) for g in run)


def unnamed(reference: str, answer: str, query: str = "") -> bool:
    """Whether a full name that the reference gives and the question does not is missing from the answer, last name and all."""
    keys, asked = keys_of(answer), keys_of(query)
    return any(
        not any(w in keys or near(w, keys) for w in name) and not any(w in asked for w in name)
        for name in full_names(reference)
    )
