"""Conditions that give the evidence more room: whole documents for chunks, a larger budget for the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, takewhile

from evalkit.condition import GENERATES, Ask, Condition, How, Situation
from evalkit.conditions.gold import document_of, gold_ids, is_noise, passage_of, shown
from evalkit.records import Capability, Passage

LEAST_BUDGET = 8000  # what a raised budget is at least


def _merged_chunks(here: Situation) -> tuple[Ask, ...]:
    """The prompt with every chunk of a gold document grown to the whole; not where none of them can grow."""
    prompt = shown(here.as_is, here.suite.k)
    merged = tuple(_grown(prompt, here))
    if [p.text for p in merged] == [p.text for p in prompt]:
        return ()
    return (Ask("merged_chunks", How.GENERATE, here.question, merged),)


def _grown(prompt: tuple[Passage, ...], here: Situation) -> Iterator[Passage]:
    labels, seen = gold_ids(here.case), set[str]()
    for passage in prompt:
        if is_noise(passage, labels):
            yield passage
            continue
        document = document_of(passage.doc_id)
        if document not in seen:
            seen.add(document)
            full = _document(document, passage, here)
            yield full if len(full.text) > len(passage.text) else passage


def _document(name: str, passage: Passage, here: Situation) -> Passage:
    """The whole document of a chunk; put together where the corpus holds ``doc#0``, ``doc#1`` and so on."""
    corpus = here.suite.corpus
    if name in corpus:
        return passage_of(corpus[name])
    chunks = [*takewhile(corpus.__contains__, (f"{name}#{n}" for n in count()))]
    text = "\n".join(corpus[chunk].text for chunk in chunks)
    return Passage(name, None, text, passage.title) if chunks else passage


def _more_room(here: Situation) -> tuple[Ask, ...]:
    """Not where everything retrieved within k is seen to have reached the prompt whole."""
    if not here.has_retriever:
        return ()
    came = (here.as_is.retrieved or ())[: here.suite.k]
    prompt = {p.text for p in here.as_is.context or ()}
    if here.as_is.context is not None and came and all(p.text in prompt for p in came):
        return ()
    characters = sum(len(p.text) for p in here.as_is.retrieved or ())
    question = replace(here.question, budget=max(LEAST_BUDGET, characters))
    return (Ask("more_room", How.ASK, question),)


CONDITIONS = (
    Condition(
        "merged_chunks",
        "The whole gold document for its chunks. Right: the boundary of a chunk cut the evidence off.",
        GENERATES,
        _merged_chunks,
    ),
    Condition(
        "more_room",
        "A larger context budget. Right: the evidence was truncated.",
        (frozenset({Capability.ASK, Capability.BUDGET}),),
        _more_room,
    ),
)
