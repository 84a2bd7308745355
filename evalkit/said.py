"""Texts as the checks of labels and prompts see them: whether a text says a statement, or holds a value."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache

from evalkit.text.longest import DOCUMENT
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import stem_set

TEXTS = 1024  # gold documents and passages that are remembered as texts
SAYS = 0.6  # share of a statement's content words by which a text is taken to say it ...
UNSAID = 0.35  # ... and below which it is taken not to


def says(text: frozenset[str], numbers: frozenset[str], statement: str) -> bool:
    """Whether a text (as stems and quantities) holds a statement: most of its words and all its numbers."""
    wanted = stem_set(statement)
    if not wanted:
        return False
    needed = quantities(statement)
    return len(wanted & text) >= SAYS * len(wanted) and len(found_in(needed, numbers)) == len(
        needed
    )


class Text:
    """A text as the checks see it: its stems and its quantities, read once."""

    def __init__(self, *parts: str) -> None:
        whole = "\n".join(parts)
        self.plain = whole[:DOCUMENT]  # the doctor and the judge say where there is more
        self._parts = parts if len(whole) <= DOCUMENT else (self.plain,)

    @cached_property
    def folded(self) -> str:
        """The text in one case."""
        return self.plain.casefold()

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words; no word goes from one part to the next, and the parts come back elsewhere."""
        return frozenset().union(*map(stem_set, self._parts))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """All quantities."""
        return frozenset(quantities(self.plain))

    def says(self, statement: str) -> bool:
        """Most of the statement's content words, and all its numbers, are here."""
        wanted = stem_set(statement)
        if not wanted or len(wanted & self.stems) < SAYS * len(wanted):
            return False
        needed = quantities(statement)
        return not needed or says(self.stems, self.numbers, statement)

    def holds(self, value: str) -> bool:
        """The value of a field is here, to the letter or as the same number, amount or date."""
        if value.casefold() in self.folded:
            return True
        wanted = frozenset(quantities(value))
        return bool(wanted) and found_in(wanted, self.numbers) == wanted


@lru_cache(TEXTS)
def text_of(parts: tuple[str, ...]) -> Text:
    """Documents and passages come back for many answers, and are read once."""
    return Text(*parts)


def said_in(*parts: str) -> Callable[[str], bool]:
    """Whether a statement is said by these texts."""
    return Text(*parts).says
