"""Conditions that choose the prompt: what the generator does with nothing, with the gold, and with noise."""

from __future__ import annotations

from dataclasses import replace

from evalkit.condition import GENERATES, Ask, Condition, How, Situation
from evalkit.conditions.edits import edit_of
from evalkit.conditions.gold import (
    document_of,
    gold_ids,
    is_gold,
    is_noise,
    noise,
    oracle,
    shown,
)
from evalkit.records import Passage


def _generate(condition: str, here: Situation, *passages: Passage) -> tuple[Ask, ...]:
    return (Ask(condition, How.GENERATE, here.question, passages),)


def _closed_book(here: Situation) -> tuple[Ask, ...]:
    """Not where the prompt had no passage anyway: the answer is there already."""
    unseen = here.as_is.context is None and here.has_retriever
    return _generate("closed_book", here) if unseen or here.as_is.context else ()


def _oracle_context(here: Situation) -> tuple[Ask, ...]:
    gold = oracle(here)
    return _generate("oracle_context", here, *gold) if gold else ()


def _oracle_plus_noise(here: Situation) -> tuple[Ask, ...]:
    gold, others = oracle(here), noise(here)
    if not gold or not others:
        return ()
    middle = (len(others) + 1) // 2
    return _generate("oracle_plus_noise", here, *others[:middle], *gold, *others[middle:])


def _distractors_only(here: Situation) -> tuple[Ask, ...]:
    """Not where the gold did not reach the prompt: as it was asked, there were only distractors."""
    labels, others = gold_ids(here.case), noise(here)
    if not labels or not others:
        return ()
    prompt = here.as_is.context
    if prompt is not None and all(is_noise(p, labels) for p in prompt):
        return ()
    return _generate("distractors_only", here, *others)


def _gold_first(here: Situation) -> tuple[Ask, ...]:
    """The gold before the rest, in as many places; not where it stood there already."""
    prompt, labels = shown(here.as_is, here.suite.k), gold_ids(here.case)
    came = [p for p in here.as_is.retrieved or prompt if p.text and is_gold(p, labels)]
    known = {document_of(p.doc_id) for p in came}
    absent = [p for p in oracle(here) if document_of(p.doc_id) not in known]
    first = (*came[: len(prompt)], *absent)
    rest = [p for p in prompt if not is_gold(p, labels)]
    passages = (*first, *rest)[: max(len(prompt), len(first))]
    if not first or not rest or passages == prompt:
        return ()
    return _generate("gold_first", here, *passages)


def _edited_context(here: Situation) -> tuple[Ask, ...]:
    edit = edit_of(here)
    if edit is None:
        return ()
    passages = (replace(p, text=edit.apply(p.text)) for p in oracle(here))
    return _generate("edited_context", here, *passages)


CONDITIONS = (
    Condition(
        "closed_book",
        "The same wrong answer without any passage: memory overrides the context. A right one: the model knows.",
        GENERATES,
        _closed_book,
    ),
    Condition(
        "oracle_context",
        "Only the gold. A right answer puts the fault on the retrieval side, a wrong one on the generation side.",
        GENERATES,
        _oracle_context,
    ),
    Condition(
        "oracle_plus_noise",
        "The gold amid what else was retrieved. Wrong, while the gold alone is answered rightly: distraction.",
        GENERATES,
        _oracle_plus_noise,
    ),
    Condition(
        "distractors_only",
        "What was retrieved without the gold. Answered all the same: no refusal where nothing relevant is found.",
        GENERATES,
        _distractors_only,
    ),
    Condition(
        "gold_first",
        "As retrieved, the gold first. Right, where the gold was in the prompt further down: position.",
        GENERATES,
        _gold_first,
    ),
    Condition(
        "edited_context",
        "The gold with one fact changed. An answer that does not follow comes from memory.",
        GENERATES,
        _edited_context,
    ),
)
