"""One regular expression for many words: shared beginnings are tried once, the longest word wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


def any_of(words: Iterable[str], ending: Callable[[str], str] = lambda _: "") -> str:
    """A pattern, without groups, that matches what ``|`` between the words, longest first, would match.

    ``ending`` gives the pattern that must follow a word, such as a lookahead.
    """
    longest_first = sorted(set(words), key=lambda word: (-len(word), word))
    return f"(?:{_tree([(word, ending(word)) for word in longest_first])})"


def _tree(rests: list[tuple[str, str]]) -> str:
    """Alternatives by first character; words of different beginnings exclude each other, so order holds."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for rest, end in rests:
        groups.setdefault(rest[:1], []).append((rest[1:], end))
    parts: list[str] = []
    for first, tails in groups.items():
        if not first:
            parts.extend(end for _, end in tails)
        elif len(tails) == 1:
            parts.append(re.escape(first + tails[0][0]) + tails[0][1])
        else:
            parts.append(f"{re.escape(first)}(?:{_tree(tails)})")
    return "|".join(parts)
