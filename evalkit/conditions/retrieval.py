"""Conditions of the retriever alone: how deep the gold lies, and whether the index holds it at all."""

from __future__ import annotations

from dataclasses import replace

from evalkit.condition import Ask, Condition, How, Situation
from evalkit.conditions.gold import document_of, gold_ids, whole
from evalkit.records import Capability, Passage

DEEP = 100  # places that a deep retrieval goes down at least
LONGEST_QUERY = 2000  # characters of a gold text that are retrieved with


def _deep_retrieval(here: Situation) -> tuple[Ask, ...]:
    if not gold_ids(here.case) or not here.has_retriever:
        return ()
    question = replace(here.question, k=max(DEEP, here.suite.pool))
    return (Ask("deep_retrieval", How.RETRIEVE, question),)


def _index_lookup(here: Situation) -> tuple[Ask, ...]:
    """Each gold document once, with its text for systems that can only be searched."""
    if not here.has_retriever:
        return ()
    documents = dict.fromkeys(_indexed(label, here) for label in gold_ids(here.case))
    passages = tuple(_named(name, here) for name in documents)
    return (Ask("index_lookup", How.LOOKUP, here.question, passages),) if passages else ()


def _indexed(label: str, here: Situation) -> str:
    """The id under which an index would know a label."""
    return label if label in here.suite.corpus else document_of(label)


def _named(name: str, here: Situation) -> Passage:
    found = whole(name, here)
    text = found.text[:LONGEST_QUERY] if found is not None else ""
    return Passage(name, None, text)


CONDITIONS = (
    Condition(
        "deep_retrieval",
        "A hundred places deep. Gold within the pool: ranking; deeper or absent: a retrieval miss.",
        (frozenset({Capability.RETRIEVE}),),
        _deep_retrieval,
    ),
    Condition(
        "index_lookup",
        "Whether the index holds the gold. Not there: a corpus gap.",
        (frozenset({Capability.LOOKUP}), frozenset({Capability.RETRIEVE})),
        _index_lookup,
    ),
)
