"""Right answers, drafted from the labels and from no more than the passages at hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from evalkit.faults.labels import Corpus, gold_of, points_of, supported_by
from evalkit.faults.wording import Stock, filled, in_language, one_of
from evalkit.fields import leaves
from evalkit.records import Case, Expected, KeyPoint, Passage
from evalkit.text.languages import detect_language
from evalkit.text.sentences import spans
from evalkit.text.tokens import content_words

LABEL_KINDS = ("label", "csv", "sections", "json")
# What a refusal may name: words of the topic, and titles of what was found instead.
MOST_WORDS, LEAST_LETTERS, MOST_TITLES = 4, 8, 2
_CODE = re.compile(r"[_@/+=\d]")  # names of fields, addresses, numbers
_PART = re.compile(r"[^\s,.;:!?()\[\]{}\"“”„«»‘]+|\S")


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer and the documents it rests on; ``refused`` when it declines."""

    text: str
    documents: tuple[str, ...] = ()
    refused: bool = False


def draft(
    case: Case, passages: Sequence[Passage], corpus: Corpus, random: Random, phrases: Stock
) -> Draft:
    """What a faultless generator answers: just what the passages support, in phrases chosen by ``random``."""
    if case.expected is Expected.CLARIFY:
        asked = phrases.questions_back
        return Draft(_fitting(case, random.sample(asked, len(asked))))
    if case.expected is Expected.REFUSE:
        return refusal(case, random, phrases, passages)
    if case.reference_object is not None:
        return _object(case, passages, corpus, random, phrases)
    points = points_of(case)
    held = [(point, supported_by(point, passages, corpus)) for point in points]
    stated = [point for point, documents in held if documents is not None]
    documents = tuple(dict.fromkeys(d for _, found in held for d in found or ()))
    complete = len(stated) == len(points)
    if not stated or (case.criteria and not complete):
        return refusal(case, random, phrases, passages)
    ways = _whole(case, stated, random, phrases) if complete else [_listed(stated, random, phrases)]
    return Draft(_fitting(case, ways), documents)


def refusal(case: Case, random: Random, phrases: Stock, passages: Sequence[Passage] = ()) -> Draft:
    """A refusal in the language of the case; some name the topic, or what the passages are about instead."""
    titles = list(dict.fromkeys(p.title for p in passages if p.title))[:MOST_TITLES]
    covered = ", ".join(f'"{title}"' for title in titles)
    every = in_language(phrases.refusals, language_of(case))
    ways = filled(every, topic=topic_of(case.query), covered=covered)
    return Draft(_fitting(case, random.sample(ways, len(ways))), refused=True)


def topic_of(query: str) -> str:
    """What a question is about in a few words of its own: the longest run of content words of its first sentence.

    Empty where none is long enough to name a topic.
    """
    content, runs, run = set(content_words(query)), [""], [""]
    start, end = next(iter(spans(query)), (0, 0))
    for part in _PART.findall(query[start:end]):
        meant = set(content_words(part)) if not _CODE.search(part) else set()
        run = [*run, part] if meant and meant <= content else [""]
        runs.append(" ".join(run[-MOST_WORDS:]).strip())
    longest = max(runs, key=len)
    return longest if len(longest) >= LEAST_LETTERS else ""


def language_of(case: Case) -> str:
    """The language in which the case wants to be answered, English where that is not known."""
    told = case.style.language if case.style else None
    reference = case.reference[0] if case.reference else ""
    found = told or detect_language(reference) or detect_language(case.query) or "en"
    return found.replace("_", "-").split("-")[0].casefold()


def ideal(case: Case) -> str:
    """The right answer word for word as the labels have it."""
    if case.reference_object is not None:
        return json.dumps(dict(case.reference_object), ensure_ascii=False)
    return case.reference[0] if case.reference else sentences(p.text for p in points_of(case))


def sentences(texts: Iterator[str] | Sequence[str], joint: str = " ") -> str:
    """Statements as sentences of one paragraph."""
    return joint.join(_sentence(text) for text in texts)


def _sentence(text: str) -> str:
    plain = text.strip()
    end = "" if plain[-1:] in ".!?。！？؟:" else "."
    return f"{plain[:1].upper()}{plain[1:]}{end}"


def _whole(case: Case, points: Sequence[KeyPoint], random: Random, phrases: Stock) -> list[str]:
    """The complete answer in several forms, the preferred one first."""
    leads = _leads(case, random, phrases) if case.reference else []
    told = [f"{lead}{ideal(case)}" for lead in leads]
    plain = [ideal(case)]
    shaped = case.format is not None and case.format.kind in LABEL_KINDS
    if shaped or case.criteria or case.expected is Expected.CORRECT_PREMISE:
        return plain
    listed = [_listed(points, random, phrases)] if case.key_points else []
    first = random.choice((told, listed)) or told or listed
    return [*first, *told, *plain, *listed]


def _leads(case: Case, random: Random, phrases: Stock) -> list[str]:
    ways = in_language(phrases.lead_ins, language_of(case))
    return random.sample(ways, len(ways))


def _listed(points: Sequence[KeyPoint], random: Random, phrases: Stock) -> str:
    if len(points) > 1 and random.random() < 0.4:
        mark = random.choice(phrases.list_marks)
        numbered = enumerate(points, start=1)
        return "\n".join(f"{mark.format(n=n)}{_sentence(point.text)}" for n, point in numbered)
    return sentences([point.text for point in points], one_of(phrases.joints, random))


def _fitting(case: Case, ways: Sequence[str]) -> str:
    """The first wording that keeps the case's style rules; the first of all when none does."""
    if case.style is None:
        return ways[0]
    from evalkit.metrics.style import style

    scores = {way: style(case.style, way) or 0.0 for way in dict.fromkeys(ways)}
    best = max(scores.values())
    return next(way for way in ways if scores[way] == best)


def _object(
    case: Case, passages: Sequence[Passage], corpus: Corpus, random: Random, phrases: Stock
) -> Draft:
    """The ideal object when every value that only documents tell is in the passages; else a refusal."""
    gold = [d for d in gold_of(case) if d in corpus]
    seen = "\n".join(p.text + "\n" + (p.title or "") for p in passages if p.doc_id in gold)
    told = told_by_documents(case, corpus)
    if (gold and not seen) or any(value.casefold() not in seen.casefold() for value in told):
        return refusal(case, random, phrases, passages)
    indent = random.choice((None, None, 2))
    text = json.dumps(dict(case.reference_object or {}), ensure_ascii=False, indent=indent)
    shown = {p.doc_id for p in passages}
    return Draft(text, tuple(d for d in gold if d in shown))


def told_by_documents(case: Case, corpus: Corpus) -> tuple[str, ...]:
    """The values of the ideal object that the gold documents tell and the question does not."""
    asked = case.query.casefold()
    texts = [corpus[d] for d in gold_of(case) if d in corpus]
    whole = "\n".join(f"{d.title}\n{d.text}" for d in texts).casefold()
    values: dict[str, Any] = dict(leaves(case.reference_object or {}))
    return tuple(
        dict.fromkeys(
            value
            for value in values.values()
            if value and value.casefold() not in asked and value.casefold() in whole
        )
    )
