"""Patterns that are tried only on texts that have what every match of them must have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

try:  # how ``re`` itself reads a pattern; without it every text is tried, which is only slower
    from re import _parser as _reader  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover
    _reader = None

MOST = 400  # literals up to which looking for them is cheaper than trying the pattern
CHARACTERS = 16  # members of a set of characters that stand for themselves
# Characters that match, cased down, what ``str.lower`` does not make of them.
_ODD_CASES = re.compile("[ıİſẛﬅﬆ\u1c80-\u1c8a]")
Needed = tuple[str, ...]  # a match has one of these in it; empty where nothing is known


class Gated:
    """A compiled pattern whose methods first look whether a text can match at all; results are those of ``re``.

    What a match must have is read from the pattern itself, so that a wording added to it opens the gate, too.
    Compiled when it is first tried.
    """

    def __init__(self, pattern: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self.source, self.flags = pattern, flags
        self._any_case = bool(flags & re.IGNORECASE)  # asked for often, and slow to ask a flag for

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern without its gate."""
        return re.compile(self.source, self.flags)

    @cached_property
    def needed(self) -> Needed:
        """Literals one of which stands in every text that has a match; empty where there are none to look for."""
        return needed(self.source, self.flags)

    @cached_property
    def _plain(self) -> Needed:
        return tuple(literal for literal in self.needed if literal.isascii())

    def possible(self, text: str) -> bool:
        """Whether a match may be found: False is certain, True is not."""
        if self._any_case:
            if not text.isascii() and _ODD_CASES.search(text):
                return True
            text = text.lower()
        wanted = self._plain if text.isascii() else self.needed
        for literal in wanted:  # a loop written out takes a third of the time of any()
            if literal in text:
                return True
        return not self.needed

    def search(self, text: str) -> re.Match[str] | None:
        """As ``re.Pattern.search``."""
        return self.pattern.search(text) if self.possible(text) else None

    def match(self, text: str) -> re.Match[str] | None:
        """As ``re.Pattern.match``."""
        return self.pattern.match(text) if self.possible(text) else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """As ``re.Pattern.fullmatch``."""
        return self.pattern.fullmatch(text) if self.possible(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """As ``re.Pattern.finditer``."""
        return self.pattern.finditer(text) if self.possible(text) else iter(())

    def sub(self, form: str | Callable[[re.Match[str]], str], text: str) -> str:
        """As ``re.Pattern.sub``."""
        return self.pattern.sub(form, text) if self.possible(text) else text


def needed(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> Needed:
    """Literals one of which every match of a pattern has in it, cased down where case does not matter.

    Of what must stand in a row the most telling is taken; of alternatives, something of each. Empty where an
    alternative has no such thing, or so many have one that looking for them would not pay.
    """
    if _reader is None:
        return ()
    found = _of_row(_reader.parse(pattern, flags))
    if flags & re.IGNORECASE:
        found = frozenset(literal.lower() for literal in found)
    shortest = [a for a in found if not any(b != a and b in a for b in found)]
    return tuple(sorted(shortest)) if len(shortest) <= MOST else ()


def _of_row(row: Sequence[tuple[Any, Any]]) -> frozenset[str]:
    """What is needed for a sequence: the best of its parts."""
    best: frozenset[str] = frozenset()
    run = ""
    for operator, value in row:
        kind = str(operator)
        if kind == "LITERAL":
            run += chr(value)
            continue
        if kind in (
            "AT",
            "ASSERT",
            "ASSERT_NOT",
        ):  # takes no character: what stands in a row goes on
            if kind == "ASSERT":
                best = max(best, _of_row(value[1]), key=_telling)
            continue
        best = max(best, _alone(run), _of_part(kind, value), key=_telling)
        run = ""
    return max(best, _alone(run), key=_telling)


def _alone(run: str) -> frozenset[str]:
    return frozenset({run}) if run else frozenset()


def _of_part(kind: str, value: Any) -> frozenset[str]:
    """What is needed for one element that is no literal."""
    if kind == "SUBPATTERN":
        return _of_row(value[-1])
    if kind == "ATOMIC_GROUP":
        return _of_row(value)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, _, inside = value
        return _of_row(inside) if least else frozenset()
    if kind == "BRANCH":
        parts = [_of_row(alternative) for alternative in value[1]]
        return frozenset().union(*parts) if all(parts) else frozenset()
    if kind == "IN" and len(value) <= CHARACTERS and all(str(k) == "LITERAL" for k, _ in value):
        return frozenset(chr(character) for _, character in value)
    return frozenset()


def _telling(literals: frozenset[str]) -> tuple[int, int]:
    """How much it tells that one of some literals is in a text: the least telling one counts, then their number."""
    return min(map(_rarity, literals), default=0), -len(literals)


def _rarity(literal: str) -> int:
    """Up to 4: characters of other scripts tell as much as three letters; blanks and stops next to nothing."""
    return min(4, sum(3 if c > "\u00ff" else 1 for c in literal if not c.isspace()))
