"""Row metrics on the way from the ranked list to the prompt: what was found, kept, repeated, outdated or forbidden."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial

from evalkit.records import Document, KeyPoint, Metric, Passage, Stage
from evalkit.text.longest import DOCUMENT, TooLong, check_length
from evalkit.text.sentences import sentences
from evalkit.text.tokens import content_stems

NEAR_DUPLICATE = 0.9  # token_set_ratio from which two passages say the same
PASSAGES = 2048  # texts of passages and documents that are remembered
COMPARED = 50_000  # characters of a passage that is compared with others
SURVIVES = 0.75  # share of its content words by which a piece of evidence is recognised


def first_gold_rank(relevant: Mapping[str, int], retrieved: Sequence[Passage]) -> float | None:
    """Rank (1 and up) of the first passage of a relevant document; ``None`` where none was retrieved."""
    gold = _gold(relevant)
    ranks = (rank for rank, passage in enumerate(retrieved, start=1) if passage.doc_id in gold)
    return next(map(float, ranks), None)


def gold_in_context(
    relevant: Mapping[str, int], retrieved: Sequence[Passage], context: Sequence[Passage], *, k: int
) -> float | None:
    """Share (0..1) of the relevant documents among the first ``k`` places that reached the prompt.

    ``None`` where those places hold no relevant document: what was not found could not be lost.
    """
    found = _gold(relevant) & _documents(retrieved[:k])
    return len(found & _documents(context)) / len(found) if found else None


def context_loss(
    retrieved: Sequence[Passage], context: Sequence[Passage], *, k: int
) -> float | None:
    """Share (0..1) of the first ``k`` passages that did not reach the prompt; ``None`` where none was retrieved.

    A passage reached it when its chunk did; where either side gives no chunk id, when its document did.
    """
    top = retrieved[:k]
    if not top:
        return None
    chunks = {(passage.doc_id, passage.chunk_id) for passage in context}
    documents = _documents(context)
    lost = sum(
        passage.doc_id not in documents
        if passage.chunk_id is None
        else not chunks & {(passage.doc_id, passage.chunk_id), (passage.doc_id, None)}
        for passage in top
    )
    return lost / len(top)


def context_recall(relevant: Mapping[str, int], context: Sequence[Passage]) -> float | None:
    """Share (0..1) of the relevant documents that reached the prompt; ``None`` where nothing is relevant."""
    gold = _gold(relevant)
    return len(gold & _documents(context)) / len(gold) if gold else None


def evidence_in_context(key_points: Sequence[KeyPoint], context: Sequence[Passage]) -> float | None:
    """Share (0..1) of the key points for which some evidence document reached the prompt.

    Key points without evidence documents do not count; ``None`` where no key point has any.
    """
    present = _documents(context)
    due = [point.evidence for point in key_points if point.evidence]
    return _mean([not present.isdisjoint(evidence) for evidence in due])


def evidence_retrieved(
    key_points: Sequence[KeyPoint], retrieved: Sequence[Passage], *, k: int
) -> float | None:
    """Share (0..1) of the key points for which some evidence document is among the first ``k`` passages.

    Key points without evidence documents do not count; ``None`` where no key point has any.
    """
    return evidence_in_context(key_points, retrieved[:k])


def redundancy(
    retrieved: Sequence[Passage], *, k: int, near: float = NEAR_DUPLICATE
) -> float | None:
    """Share (0..1) of the first ``k`` passages that repeat a passage above them.

    Two texts repeat each other when rapidfuzz's ``token_set_ratio`` (word order, case and punctuation
    ignored; a text contained in the other counts) reaches ``near``. Compares all pairs. ``None`` with
    fewer than two texts.
    """
    for passage in retrieved[:k]:
        check_length("a retrieved passage", passage.text, COMPARED)
    texts = [_processed(passage.text) for passage in retrieved[:k] if passage.text]
    if len(texts) < 2:
        return None
    cutoff = 100 * near
    repeats = (
        any(_repeats(text, above, cutoff) for above in texts[:place])
        for place, text in enumerate(texts)
    )
    return sum(repeats) / len(texts)


@lru_cache(PASSAGES)  # the same documents come back for many questions
def _processed(text: str) -> str:
    from rapidfuzz import utils

    return str(utils.default_process(text))


@lru_cache(8 * PASSAGES)
def _repeats(text: str, above: str, cutoff: float) -> bool:
    from rapidfuzz import fuzz

    return bool(fuzz.token_set_ratio(text, above, score_cutoff=cutoff) >= cutoff)


def permission_ok(forbidden: Sequence[str], context: Sequence[Passage]) -> float | None:
    """1 where no forbidden document reached the prompt, else 0; ``None`` where nothing is forbidden."""
    return float(_documents(context).isdisjoint(forbidden)) if forbidden else None


def staleness_ok(context: Sequence[Passage], corpus: Mapping[str, Document]) -> float | None:
    """Share (0..1) of the documents in the prompt that nothing has superseded; 1 is right.

    Documents that the corpus does not know do not count; ``None`` where it knows none of them.
    """
    known = sorted(_documents(context) & corpus.keys())
    return _mean([not corpus[doc_id].superseded_by for doc_id in known])


def evidence_coverage(
    key_points: Sequence[KeyPoint],
    corpus: Mapping[str, Document],
    retrieved: Sequence[Passage],
    *,
    survives: float = SURVIVES,
) -> float | None:
    """Share (0..1) of the key points whose evidence some retrieved passage still says, whatever its id.

    The evidence of a key point is its own words, and from each evidence document the sentence that
    shares most of them. It is said by a passage that holds at least ``survives`` of the content words
    (stemmed) of either. Independent of ids, so it compares indexes that are cut differently. ``None``
    where no retrieved passage has a text (nothing retrieved at all is 0), or there is no key point.
    """
    texts = [text for passage in retrieved if (text := _text(passage, corpus))]
    if not key_points or (retrieved and not texts):
        return None
    if sum(map(len, texts)) > DOCUMENT:
        raise TooLong("what was retrieved", sum(map(len, texts)), DOCUMENT)
    for point in key_points:
        check_length("a key point", point.text)
    passages = [_stems(text) for text in texts]
    return _mean([_said(_wordings(point, corpus), passages, survives) for point in key_points])


def _text(passage: Passage, corpus: Mapping[str, Document]) -> str:
    """The passage's text; that of its document where it is given by document id alone."""
    if passage.text or passage.chunk_id is not None or passage.doc_id not in corpus:
        return passage.text
    return corpus[passage.doc_id].text


def _wordings(point: KeyPoint, corpus: Mapping[str, Document]) -> list[frozenset[str]]:
    """The content words of the key point, and of the sentence nearest to it in each evidence document."""
    wordings = [_stems(point.text)]
    for doc_id in point.evidence:
        text = corpus[doc_id].text if doc_id in corpus else ""
        check_length(f"document {doc_id}", text, DOCUMENT)
        wordings.append(_nearest(point.text, text))
    return [words for words in wordings if words]


@lru_cache(PASSAGES)
def _nearest(point: str, text: str) -> frozenset[str]:
    """The content words of the sentence of a document that shares most of them with a key point."""
    wanted = _stems(point)
    nearest = max(_said_by(text), key=lambda words: _overlap(wanted, words), default=frozenset())
    return nearest if wanted & nearest else frozenset()


@lru_cache(PASSAGES)
def _stems(text: str) -> frozenset[str]:
    return frozenset(content_stems(text))


@lru_cache(PASSAGES)
def _said_by(text: str) -> tuple[frozenset[str], ...]:
    """The content words of each sentence of a document."""
    return tuple(frozenset(content_stems(text[start:end])) for start, end in sentences(text))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient of two sets of words (0..1)."""
    return 2 * len(one & other) / max(1, len(one) + len(other))


def _said(
    wordings: Iterable[frozenset[str]], passages: Sequence[frozenset[str]], survives: float
) -> bool:
    return any(
        len(words & passage) >= survives * len(words) for words in wordings for passage in passages
    )


def _gold(relevant: Mapping[str, int]) -> set[str]:
    return {doc_id for doc_id, grade in relevant.items() if grade > 0}


def _documents(passages: Sequence[Passage]) -> set[str]:
    return {passage.doc_id for passage in passages}


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def context_metrics(k: int) -> tuple[Metric, ...]:
    """The metrics of this file for a suite whose lists are cut at ``k``; part of ``retrieval_metrics``."""
    return (
        Metric(
            "first_gold_rank",
            Stage.RANKING,
            first_gold_rank,
            "Rank of the first retrieved passage of a relevant document, counted from 1 in list order. Undefined where no relevant document was retrieved, so read it beside R and Success.",
            higher_is_better=False,
            low=1.0,
            high=math.inf,
            unit="rank",
        ),
        Metric(
            "gold_in_context",
            Stage.CONTEXT,
            partial(gold_in_context, k=k),
            f"Share of the relevant documents among the first {k} retrieved passages that really reached the prompt: below 1, a budget, a filter or a reranker threw evidence away. Undefined where those passages hold no relevant document.",
        ),
        Metric(
            "evidence_retrieved",
            Stage.RETRIEVAL,
            partial(evidence_retrieved, k=k),
            f"Share of the key points for which some evidence document is among the first {k} retrieved passages: what a complete answer needs has been found. Undefined where no key point names evidence.",
        ),
        Metric(
            "context_loss",
            Stage.CONTEXT,
            partial(context_loss, k=k),
            f"Share of the first {k} retrieved passages, relevant or not, that did not reach the prompt; compared by chunk where both sides name chunks, else by document. Needs no labels. Undefined where nothing was retrieved.",
            higher_is_better=False,
        ),
        Metric(
            "context_recall",
            Stage.CONTEXT,
            context_recall,
            "Share of the relevant documents of which a passage reached the prompt, by document id. Undefined where nothing is labelled relevant.",
        ),
        Metric(
            "evidence_in_context",
            Stage.CONTEXT,
            evidence_in_context,
            "Share of the key points for which at least one of their evidence documents reached the prompt: what a complete answer could have been built from. Key points without evidence documents are left out; undefined where none has any.",
        ),
        Metric(
            "redundancy",
            Stage.RETRIEVAL,
            partial(redundancy, k=k),
            f"Share of the first {k} retrieved passages whose text nearly repeats one above (rapidfuzz token_set_ratio of at least {NEAR_DUPLICATE:.0%}): room in the prompt spent on nothing new. Undefined with fewer than two texts.",
            higher_is_better=False,
        ),
        Metric(
            "permission_ok",
            Stage.RETRIEVAL,
            permission_ok,
            "1 where no document that the asking person may not see reached the prompt, else 0. Undefined where the case forbids none.",
        ),
        Metric(
            "staleness_ok",
            Stage.CORPUS,
            staleness_ok,
            "Share of the documents in the prompt that no other document supersedes (superseded_by in the corpus); 1 where all are current. Documents missing from the corpus are left out; undefined where none is known.",
        ),
        Metric(
            "evidence_coverage",
            Stage.CHUNKING,
            evidence_coverage,
            f"Share of the key points whose evidence a retrieved passage still says, judged by content and not by id: one passage holds at least {SURVIVES:.0%} of the content words of the key point, or of the sentence of an evidence document nearest to it. Comparable between indexes cut differently; paraphrases count only through the evidence sentence. Undefined where the retrieved passages have no text.",
        ),
    )
