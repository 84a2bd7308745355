"""Whether the generator had what its wrong answer lacks, and where in the prompt it stood."""

from __future__ import annotations

from evalkit.facts import Facts, Reach


def wrong_with_evidence(facts: Facts) -> bool:
    """A substantive wrong answer although nothing that it lacks was lost on the way."""
    return had_evidence(facts) and not facts.refused


def had_evidence(facts: Facts) -> bool:
    """Something is missing from the answer, and none of its evidence was lost (or none was needed)."""
    if facts.right is not False or not facts.answerable or not facts.missing:
        return False
    if "criteria" in facts.broken:  # what a review misses is a matter of its criteria
        return False
    return facts.lost is Reach.PROMPT or (facts.lost is None and facts.needs_no_document)


def stated(facts: Facts) -> int:
    """How many of the points the answer has."""
    return sum(p.stated is True for p in facts.points)


def gold_places(facts: Facts) -> list[int]:
    """The places in the prompt, from 1, of the passages that the missing points rest on.

    Points that rest on nothing in particular, such as fields that no document words, count on all that is relevant.
    """
    relevant = {d for d, grade in (facts.case.relevant or {}).items() if grade > 0}
    gold = {d for p in facts.missing for d in p.evidence} or relevant
    return [
        i for i, p in enumerate(facts.trace.context or (), start=1) if {p.doc_id, p.chunk_id} & gold
    ]


def rivalled(facts: Facts) -> bool:
    """Whether the gold did not arrive, and the answer rests on a document that fits the question as well."""
    return facts.rival is not None and facts.lost in (Reach.INDEXED, Reach.POOLED, Reach.TOP_K)
