"""What a poor scanner does to a page, never so much that a person could not read it."""

from __future__ import annotations

import re
from random import Random

DIGIT_LOOKALIKES = {"0": "O", "1": "lI", "5": "S", "8": "B"}
WORD_LOOKALIKES = (
    ("rn", "m"),
    ("m", "rn"),
    ("l", "1"),
    ("I", "l"),
    ("O", "0"),
    ("S", "5"),
    ("i", "l"),
    ("B", "8"),
)
SPECKS = ("~", "`", "^", "|", "°", "¨")
# Three digits or more that do not follow a letter: there a letter can only be a misread digit.
DIGITS = re.compile(r"(?<![^\W\d_])\d{3,}|(?<=[\d.,'/ ])\d{2}(?!\w)")
WORDS = re.compile(r"[^\W\d_]{5,}")


def scan(text: str, rng: Random) -> str:
    """The same page as a scanner would give it."""
    lines: list[str] = []
    for line in text.split("\n"):
        noisy = WORDS.sub(lambda found: _misread_word(found[0], rng), line)
        noisy = DIGITS.sub(lambda found: _misread_number(found[0], rng), noisy)
        noisy = _lose_spaces(noisy, rng)
        for part in _break(noisy, rng):
            lines += _speckle(part, rng)
    return "\n".join(lines)


def _misread_word(word: str, rng: Random) -> str:
    options = [pair for pair in WORD_LOOKALIKES if pair[0] in word[1:]]
    if rng.random() > 0.09 or not options or not word.isascii():
        return word
    seen, read = rng.choice(options)
    return word[0] + word[1:].replace(seen, read, 1)


def _misread_number(digits: str, rng: Random) -> str:
    places = [i for i, digit in enumerate(digits) if digit in DIGIT_LOOKALIKES]
    if rng.random() > 0.2 or not places or len(digits) < 2:
        return digits
    place = rng.choice(places)
    return digits[:place] + rng.choice(DIGIT_LOOKALIKES[digits[place]]) + digits[place + 1 :]


def _lose_spaces(line: str, rng: Random) -> str:
    def fewer(_: re.Match[str]) -> str:
        return "" if rng.random() < 0.06 else " "

    line = re.sub(r"(?<=[a-zà-ÿ.:,]) (?=[A-Za-zÀ-ÿ])", fewer, line)
    if rng.random() < 0.35:
        line = re.sub(r"(?<=\S) {3,}", "  ", line)  # the columns close up
    return line


def _break(line: str, rng: Random) -> list[str]:
    places = [found.end() for found in re.finditer(r"(?<=[^\s\d]) (?=[^\s\d])", line)]
    if len(line) < 46 or not places or rng.random() > 0.22:
        return [line]
    place = rng.choice(places)
    return [line[:place].rstrip(), "  " + line[place:]]


def _speckle(line: str, rng: Random) -> list[str]:
    chance = rng.random()
    if chance < 0.05:
        return [f"{rng.choice(SPECKS)} {line}"]
    if chance < 0.1:
        return [f"{line} {rng.choice(SPECKS)}"]
    if chance < 0.13:
        return [line, rng.choice((". .  '", "-~ -", "   :  .", "' `"))]
    return [line]
