"""How answers measure up to the house style: rules kept, and lengths and tone against the wanted band, added up by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from evalkit.metrics.style import is_prose, style_report
from evalkit.records import AS_IS, Case, StyleRules, Trace
from evalkit.text.manner import politeness, prose
from evalkit.text.readability import reading_grade, sentence_count, word_count, words_a_sentence

Band = tuple[float | None, float | None]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measurable side of style: its name, the answer's value (None where it has none), and the band a rule set wants."""

    name: str
    value: Callable[[str, str | None], float | None]
    band: Callable[[StyleRules], Band]


MEASURES: tuple[Measure, ...] = (
    Measure("words", lambda t, _: word_count(t), lambda s: (s.min_words, s.max_words)),
    Measure("sentences", lambda t, _: sentence_count(t), lambda s: (None, s.max_sentences)),
    Measure(
        "words a sentence",
        lambda t, _: words_a_sentence(t),
        lambda s: s.sentence_words or (None, None),
    ),
    Measure("reading grade", reading_grade, lambda s: s.reading_grade or (None, None)),
    Measure("politeness", politeness, lambda s: s.politeness or (None, None)),
)


@dataclass(frozen=True, slots=True)
class StyleCounts:
    """``held`` and ``checked`` answers by rule; by measure and band the values, rounded to tenths, as counts."""

    held: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    values: Mapping[tuple[str, Band], Counter[float]] = field(default_factory=dict)

    def __add__(self, other: StyleCounts) -> StyleCounts:
        values = {key: Counter(counts) for key, counts in self.values.items()}
        for key, counts in other.values.items():
            values.setdefault(key, Counter()).update(counts)
        return StyleCounts(self.held + other.held, self.checked + other.checked, values)


def style_counts(cases: Iterable[Case], traces: Iterable[Trace]) -> StyleCounts:
    """The counts over the first answer to each case that has style rules and whose answer is prose."""
    rules = {case.id: case.style for case in cases if case.style is not None}
    found = StyleCounts(values={})
    values: dict[tuple[str, Band], Counter[float]] = {}
    for trace in traces:
        style = rules.get(trace.case_id)
        if style is None or trace.condition != AS_IS or trace.repeat or not trace.response:
            continue
        if is_prose(trace.response):
            _count(found, values, style, trace.response)
    return StyleCounts(found.held, found.checked, values)


def _count(
    found: StyleCounts,
    values: dict[tuple[str, Band], Counter[float]],
    style: StyleRules,
    response: str,
) -> None:
    for rule, held in style_report(style, response).items():
        found.checked[rule] += 1
        found.held[rule] += held
    text = prose(response)
    for measure in MEASURES:
        band = measure.band(style)
        if band != (None, None):
            value = measure.value(text, style.language)
            if value is not None:
                values.setdefault((measure.name, band), Counter())[round(float(value), 1)] += 1


def quantiles(counts: Mapping[float, int]) -> tuple[float, ...]:
    """The values below which 5, 25, 50, 75 and 95 % of the answers lie (inverted distribution function)."""
    ordered, total = sorted(counts), sum(counts.values())
    made, below = [], 0
    wanted = iter(QUANTILES)
    share = next(wanted, None)
    for value in ordered:
        below += counts[value]
        while share is not None and below >= share * total:
            made.append(value)
            share = next(wanted, None)
    return tuple(made)
