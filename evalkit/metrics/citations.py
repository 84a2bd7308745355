"""Metrics of citations: whether the cited documents are in the context and the right ones."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.metrics.behaviour import REFUSED
from evalkit.records import Evidence, KeyPoint, Metric, Passage, Stage


def citation_precision(
    citations: tuple[str, ...], context: tuple[Passage, ...], evidence: Evidence
) -> float | None:
    """Share of the distinct cited ids (document or chunk) that are in the context and no dead weight, 0..1.

    A cited document counts against it when the judge finds that it supports nothing of the answer.
    """
    shown = {p.doc_id for p in context} | {p.chunk_id for p in context if p.chunk_id is not None}
    supports = dict(zip(citations, evidence.cited or (None,) * len(citations), strict=True))
    good = [name for name, support in supports.items() if name in shown and support is not False]
    return len(good) / len(supports) if supports else None


def cites(
    citations: tuple[str, ...],
    response: str,
    context: tuple[Passage, ...],
    evidence: Evidence,
) -> float | None:
    """1 when an answer names a source, 0 when it says something and names none; no refusal owes one."""
    if citations:
        return 1.0
    silent = evidence.refused is None or evidence.refused >= REFUSED or not response.strip()
    return None if silent or not context else 0.0


def citation_gold_precision(
    citations: tuple[str, ...], context: tuple[Passage, ...], relevant: Mapping[str, int]
) -> float | None:
    """Share of the distinct cited documents that are in the context and relevant, 0..1."""
    cited = _documents(citations, context)
    good = {p.doc_id for p in context} & _gold(relevant)
    return len(cited & good) / len(cited) if cited else None


def citation_recall(
    relevant: Mapping[str, int], citations: tuple[str, ...], context: tuple[Passage, ...]
) -> float | None:
    """Share of the relevant documents shown to the generator that are cited, 0..1."""
    wanted = _gold(relevant) & {p.doc_id for p in context}
    return len(wanted & _documents(citations, context)) / len(wanted) if wanted else None


def citation_coverage(key_points: tuple[KeyPoint, ...], citations: tuple[str, ...]) -> float | None:
    """Share of the key points with evidence of which any evidence document is cited, 0..1."""
    wanted = [set(point.evidence) for point in key_points if point.evidence]
    return sum(bool(each & set(citations)) for each in wanted) / len(wanted) if wanted else None


def _gold(relevant: Mapping[str, int]) -> set[str]:
    return {doc_id for doc_id, grade in relevant.items() if grade > 0}


def _documents(citations: tuple[str, ...], context: tuple[Passage, ...]) -> set[str]:
    """The cited document ids, a cited chunk standing for its document."""
    of_chunk = {p.chunk_id: p.doc_id for p in context if p.chunk_id is not None}
    return {of_chunk.get(cited, cited) for cited in citations}


CITATIONS: tuple[Metric, ...] = (
    Metric(
        "citation_precision",
        Stage.CONTRACT,
        citation_precision,
        "Share of the distinct cited ids that name a document or chunk of the context and support something the "
        "answer says: below 1 an id was invented, or points at a document that says nothing of it. Undefined when "
        "nothing is cited. Where the judge cannot tell what a document supports, being in the context is enough.",
    ),
    Metric(
        "cites",
        Stage.CONTRACT,
        cites,
        "Whether an answer from documents names a source at all, 0 or 1, for systems that report citations. An answer may "
        "pass without: to demand sources, set a limit on this metric. Undefined for refusals and for an empty prompt. "
        "Source: evalkit's own rule.",
    ),
    Metric(
        "citation_gold_precision",
        Stage.CONTRACT,
        citation_gold_precision,
        "Share of the distinct cited documents that are both in the context and labelled relevant (grade > 0): the "
        "stricter reading of citation precision, for cases with relevance labels. Undefined when nothing is cited.",
    ),
    Metric(
        "citation_recall",
        Stage.CONTRACT,
        citation_recall,
        "Share of the relevant documents in the context that the answer cites; documents that never reached the prompt "
        "are not held against the generator. Undefined when the context has no relevant document.",
    ),
    Metric(
        "citation_coverage",
        Stage.CONTRACT,
        citation_coverage,
        "Share of the key points of which at least one evidence document is cited. Undefined when no key point names "
        "evidence.",
    ),
)
