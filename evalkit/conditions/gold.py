"""Which passages are gold for a case, which are not, and where their text is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from evalkit.condition import Situation
from evalkit.records import Case, Document, Passage, Trace

_CHUNK = re.compile(r"(?<=.)#\d+$")


def gold_ids(case: Case) -> tuple[str, ...]:
    """Every gold label of a case, best grade first, then what only the key points name."""
    graded = sorted((case.relevant or {}).items(), key=lambda item: -item[1])
    labels = [name for name, grade in graded if grade > 0]
    labels += [name for point in case.key_points or () for name in point.evidence]
    return tuple(dict.fromkeys(labels))


def document_of(label: str) -> str:
    """The document a label speaks of: a chunk label ``doc#n`` counts as its document."""
    return _CHUNK.sub("", label)


def is_gold(passage: Passage, labels: Collection[str]) -> bool:
    """Whether a passage is one of the labelled documents or chunks.

    A passage without a chunk id stands for its whole document, and so for every chunk of it.
    """
    names = {passage.doc_id, passage.chunk_id, f"{passage.doc_id}#{passage.chunk_id}"}
    if names & set(labels):
        return True
    return passage.chunk_id is None and passage.doc_id in {document_of(label) for label in labels}


def is_noise(passage: Passage, labels: Iterable[str]) -> bool:
    """Whether a passage is of no gold document; a neighbour of a gold chunk is neither gold nor noise."""
    documents = {document_of(label) for label in labels}
    return not {passage.doc_id, document_of(passage.doc_id)} & documents


def shown(trace: Trace, k: int) -> tuple[Passage, ...]:
    """The prompt as far as it can be known: the context, else the first k retrieved."""
    return trace.context if trace.context is not None else (trace.retrieved or ())[:k]


def noise(here: Situation) -> tuple[Passage, ...]:
    """The retrieved passages that are of no gold document, in their order, at most k of them."""
    labels = gold_ids(here.case)
    came = here.as_is.retrieved if here.as_is.retrieved is not None else here.as_is.context
    return tuple(p for p in (came or ())[: here.suite.k] if p.text and is_noise(p, labels))


def oracle(here: Situation) -> tuple[Passage, ...]:
    """The gold documents as whole passages, best first; empty where none has a text.

    What every key point needs comes in any case, more of the relevant ones only up to k.
    """
    labels = gold_ids(here.case)
    found = {label: p for label in labels if (p := whole(label, here)) is not None}
    points = [[e for e in labels if e in point.evidence] for point in here.case.key_points or ()]
    needed = [next((e for e in evidence if e in found), None) for evidence in points]
    kept = dict.fromkeys([*filter(None, needed), *found])
    room = max(here.suite.k, len(set(filter(None, needed))))
    chosen = set([*kept][:room])
    return _once(found[label] for label in labels if label in chosen)


def whole(label: str, here: Situation) -> Passage | None:
    """The document a gold label speaks of as one passage; where the corpus lacks it, as it was retrieved."""
    for name in (label, document_of(label)):
        document = here.suite.corpus.get(name)
        if document is not None and document.text:
            return passage_of(document)
    came = (*(here.as_is.retrieved or ()), *(here.as_is.context or ()))
    return max((p for p in came if p.text and is_gold(p, {label})), key=_length, default=None)


def passage_of(document: Document) -> Passage:
    """A whole document as one passage."""
    return Passage(document.doc_id, None, document.text, document.title or None)


def _length(passage: Passage) -> int:
    return len(passage.text)


def _once(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    return tuple({(p.doc_id, p.chunk_id): p for p in passages}.values())


def required(case: Case) -> tuple[tuple[str, ...], ...]:
    """What a right answer needs, each as alternatives any one of which suffices: the key points, else the gold."""
    gold = tuple(name for name, grade in (case.relevant or {}).items() if grade > 0)
    if case.key_points:
        points = (point.evidence or gold for point in case.key_points)
        return tuple(dict.fromkeys(evidence for evidence in points if evidence))
    return (gold,) if gold else ()


def lacking(case: Case, prompt: Sequence[Passage] | None) -> tuple[tuple[str, ...], ...]:
    """Of what is required, what the prompt does not hold; everything where it holds all or is not shown.

    Where one of several gold documents is in the prompt, the others count as required.
    """
    if prompt is None:
        return required(case)
    if not case.key_points:
        gold = tuple(g for g in gold_ids(case) if not any(is_gold(p, {g}) for p in prompt))
        return (gold,) if gold else required(case)
    absent = [need for need in required(case) if not any(is_gold(p, need) for p in prompt)]
    return tuple(absent) or required(case)
