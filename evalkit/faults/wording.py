"""The phrases that the known-good system and the faults speak with, as one stock, and how a phrase is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from string import Formatter

Phrases = tuple[str, ...]
ByLanguage = Mapping[str, Phrases]  # language tag -> phrases; English is always there


@dataclass(frozen=True, slots=True)
class Stock:
    """One author's ways of saying everything; a rule that was fitted to one stock is tested on another.

    Placeholders: in ``refusals`` ``{topic}`` (words of the question) and ``{covered}`` (titles of the passages
    at hand), in ``list_marks`` ``{n}`` (the number of the point), in ``vague_questions`` ``{word}``, in
    ``denials`` ``{statement}``, in ``asides`` ``{phrase}``, in the first part of ``invented_sources`` ``{n}``.
    """

    name: str
    refusals: ByLanguage
    lead_ins: ByLanguage  # an empty one is an answer that starts at once
    questions_back: Phrases
    joints: Phrases  # what stands between two points of one paragraph
    list_marks: Phrases
    inventions: Phrases  # each asserts something checkable that no corpus of ours says
    denials: Phrases  # each holds one "not"
    invented_sources: tuple[tuple[str, int, int], ...]  # a pattern, and the range of its number
    extra_keys: Phrases
    # What a drifting style sounds like, by the rule of ``StyleRules`` that it breaks.
    slang_openings: Phrases
    first_person: Phrases
    filler: Phrases
    emoji: Phrases
    exclaimed: Phrases
    asides: Phrases
    around_json: tuple[tuple[str, str], ...]
    vague_questions: Phrases


def one_of(phrases: Sequence[str], random: Random) -> str:
    """A phrase by chance; where there is only one, nothing is drawn."""
    return phrases[0] if len(phrases) == 1 else random.choice(phrases)


def in_language(phrases: ByLanguage, language: str) -> Phrases:
    """The phrases of a language, the English ones where it has none."""
    return phrases.get(language) or phrases["en"]


def placeholders(phrase: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(name for _, name, _, _ in Formatter().parse(phrase) if name is not None)


def filled(phrases: Iterable[str], **values: str | None) -> list[str]:
    """The phrases with their placeholders filled in, less those for which a value is wanting."""
    known = {name: value for name, value in values.items() if value}
    return [p.format_map(known) for p in phrases if placeholders(p) <= known.keys()]
