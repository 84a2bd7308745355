"""Instructions in words: the house style, the criteria of a review, and examples, as a prompt would say them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from evalkit.records import Case, Criterion, StyleRules

EXEMPLARS = 2  # approved answers that are shown


def style_instructions(rules: StyleRules) -> str:
    """What the rules ask for, one line each; empty where no rule is given."""
    lines = [*_length(rules), *_voice(rules), *_phrases(rules)]
    if not lines:
        return ""
    return "\n".join(["Follow this house style:", *(f"- {line}" for line in lines)])


def _length(rules: StyleRules) -> Iterator[str]:
    if rules.max_sentences is not None:
        yield f"Write at most {rules.max_sentences} sentence(s)."
    if rules.min_words is not None:
        yield f"Write at least {rules.min_words} words."
    if rules.max_words is not None:
        yield f"Write at most {rules.max_words} words."
    if rules.sentence_words is not None:
        low, high = rules.sentence_words
        yield f"Keep the average sentence between {low:g} and {high:g} words."
    if rules.reading_grade is not None:
        low, high = rules.reading_grade
        yield f"Write for a reading grade between {low:g} and {high:g}."


def _voice(rules: StyleRules) -> Iterator[str]:
    if rules.language is not None:
        yield f"Write in the language {rules.language}."
    if rules.register is not None:
        yield f"Use a {rules.register} register."
    if rules.forbid_first_person:
        yield "Do not use the first person."
    if rules.forbid_emoji:
        yield "Do not use emoji."
    if rules.forbid_exclamation:
        yield "Do not use exclamation marks."
    if rules.politeness is not None:
        low, high = rules.politeness
        yield f"On a scale of politeness from 0 (curt) to 1 (very polite), stay between {low:g} and {high:g}."
    for text in rules.exemplars[:EXEMPLARS]:
        yield f"Write in the voice of this approved answer: {text}"


def _phrases(rules: StyleRules) -> Iterator[str]:
    if rules.opening is not None:
        yield f"Begin with: {rules.opening}"
    if rules.closing is not None:
        yield f"End with: {rules.closing}"
    if rules.required_phrases:
        yield f"Use these phrases: {_quoted(rules.required_phrases)}."
    if rules.banned_phrases:
        yield f"Never use these phrases: {_quoted(rules.banned_phrases)}."
    if rules.sections:
        yield f"Use these sections, under these headings, in this order: {_quoted(rules.sections)}."


def _quoted(phrases: Sequence[str]) -> str:
    return ", ".join(f"“{phrase}”" for phrase in phrases)


def criteria_instructions(criteria: Sequence[Criterion]) -> str:
    """The criteria to address, by id and text: neither their verdicts nor the phrases they are found by."""
    head = "Address every one of these criteria by name and say for each whether it is met, unmet or n/a:"
    return "\n".join([head, *(f"- {c.id}: {c.text}" for c in criteria)])


def few_shot_instructions(examples: Sequence[Case]) -> str:
    """Worked examples: question and ideal answer."""
    shots = (f"Question: {case.query}\nAnswer: {ideal_answer(case)}" for case in examples)
    return "\n\n".join(["Answer in the manner of these examples.", *shots])


def ideal_answer(case: Case) -> str | None:
    """The ideal answer of an example as text; None where it has none."""
    if case.reference_object is not None:
        return json.dumps(_plain(case.reference_object), ensure_ascii=False)
    return case.reference[0] if case.reference else None


def _plain(value: object) -> object:
    """Frozen mappings and tuples as JSON knows them."""
    if hasattr(value, "items"):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
