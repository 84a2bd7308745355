"""Metrics of house style: measurable rules, and nearness to the voice of approved answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from evalkit.records import Metric, Stage, StyleRules
from evalkit.text.extract import parse_json
from evalkit.text.languages import detect_language
from evalkit.text.longest import readable
from evalkit.text.manner import (
    emoji_count,
    has_exclamation,
    has_first_person,
    has_register,
    plain,
    politeness,
    prose,
    says,
)
from evalkit.text.readability import reading_grade, sentence_count, word_count, words_a_sentence
from evalkit.text.tables import heading_key, headings, in_order
from evalkit.text.voice import voice_similarity

REMEMBERED = 2048  # answers and phrases that are read once


def style_report(style: StyleRules, response: str) -> dict[str, bool]:
    """Each given rule and whether the answer holds to it.

    A rule that cannot be measured on this answer (a reading grade in a script without spaces, the
    language of a bare number) is left out. ``exemplars`` are no rule: ``brand_voice`` is about them.
    """
    return dict(_report(style, response))


@lru_cache(REMEMBERED)  # the score, the reason of a failure and the report ask of one answer
def _report(style: StyleRules, response: str) -> tuple[tuple[str, bool], ...]:
    checks = ((name, _CHECKS[name](style, response)) for name in _given_rules(style))
    return tuple((name, held) for name, held in checks if held is not None)


@lru_cache(256)
def _given_rules(style: StyleRules) -> tuple[str, ...]:
    return tuple(name for name in _CHECKS if _given(getattr(style, name)))


def _given(rule: object) -> bool:
    return rule is not None and rule is not False and rule not in ((), "")


Check = Callable[[StyleRules, str], bool | None]


def _within(value: float | None, bounds: tuple[float, float] | None) -> bool | None:
    return None if value is None or bounds is None else bounds[0] <= value <= bounds[1]


def _language(style: StyleRules, response: str) -> bool | None:
    found = detect_language(prose(response))
    return None if found is None else found == _code(style)


def _code(style: StyleRules) -> str | None:
    """The language's ISO 639-1 code: "pt" of "pt-BR"."""
    return style.language.replace("_", "-").split("-")[0].casefold() if style.language else None


def _grade(style: StyleRules, response: str) -> bool | None:
    text = prose(response)
    return _within(reading_grade(text, _code(style) or detect_language(text)), style.reading_grade)


def _sections(style: StyleRules, response: str) -> bool:
    return in_order([heading_key(heading) for heading in style.sections], headings(response))


def _saying(text: str, phrases: Sequence[str]) -> Iterator[bool]:
    """Whether a text says each phrase; looked at closely only where it has its letters at all."""
    whole = _folded(text)
    return (_folded(phrase) in whole and says(text, phrase) for phrase in phrases)


@lru_cache(REMEMBERED)
def _folded(text: str) -> str:
    return plain(text).casefold()


_CHECKS: dict[str, Check] = {
    "max_sentences": lambda s, text: sentence_count(prose(text)) <= (s.max_sentences or 0),
    "min_words": lambda s, text: word_count(prose(text)) >= (s.min_words or 0),
    "max_words": lambda s, text: word_count(prose(text)) <= (s.max_words or 0),
    "sentence_words": lambda s, text: _within(words_a_sentence(prose(text)), s.sentence_words),
    "reading_grade": _grade,
    "register": lambda s, text: has_register(text, s.register or "", _code(s)),
    "forbid_first_person": lambda s, text: not has_first_person(text, _code(s)),
    "forbid_emoji": lambda _, text: not emoji_count(text),
    "forbid_exclamation": lambda _, text: not has_exclamation(text),
    "banned_phrases": lambda s, text: not any(_saying(text, s.banned_phrases)),
    "required_phrases": lambda s, text: all(_saying(text, s.required_phrases)),
    "opening": lambda s, text: plain(text).startswith(plain(s.opening or "")),
    "closing": lambda s, text: plain(text).endswith(plain(s.closing or "")),
    "politeness": lambda s, text: _within(politeness(text, _code(s)), s.politeness),
    "language": _language,
    "sections": _sections,
}


@lru_cache(REMEMBERED)
def is_prose(response: str) -> bool:
    """Whether there is prose to judge: a whole-JSON answer or an empty one has none."""
    parsed = parse_json(response)
    structured = parsed.parses and isinstance(parsed.value, dict | list)
    return not structured and bool(response.strip())


@readable
def style(style: StyleRules, response: str) -> float | None:
    """Share of the given rules that hold, 0..1; ``None`` without a measurable rule or without prose."""
    if not is_prose(response):
        return None
    report = style_report(style, response)
    return sum(report.values()) / len(report) if report else None


@readable
def brand_voice(style: StyleRules, response: str) -> float | None:
    """Nearness to the exemplars' voice, 0..1; ``None`` with fewer than five, or without prose."""
    return voice_similarity(prose(response), style.exemplars) if is_prose(response) else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "style",
        Stage.CONTRACT,
        style,
        "Share of the given style rules that hold, 0..1. Lengths count words and sentences in any script (two "
        "characters are a word where there are no spaces); `reading_grade` is Flesch-Kincaid with rule-based "
        "syllables in English and the automated readability index elsewhere; `register`, `politeness` and first "
        "person rest on lists of cues in fourteen languages; phrases match whole words in any case; `opening` and "
        "`closing` match exactly but for white space. Code is no prose. Undefined when no rule is given, when none can "
        "be measured on this answer, and for an answer that is empty or wholly JSON.",
        outcome=True,
    ),
    Metric(
        "brand_voice",
        Stage.CONTRACT,
        brand_voice,
        "Nearness to the voice of the approved answers, 0..1, learned from them alone: profiles of character n-grams, of "
        "their frequent words, and of punctuation, lengths and register, compared with the exemplars' mean. 1 is as "
        "near as an exemplar is to the rest (leave-one-out median plus one spread); the score halves every two "
        "spreads beyond. It says how an answer sounds, not whether it is right. Undefined with fewer than five "
        "exemplars and for an answer that has no word or is wholly JSON. After Burrows' Delta (2002) and character "
        "n-gram stylometry (Stamatatos 2009).",
    ),
)
