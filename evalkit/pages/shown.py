"""What a page looks up of one case: the trace that stands for it, its gold passages, and what was cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.records import Case, Finding, Passage

if TYPE_CHECKING:
    from evalkit.grade import Graded


def shown_index(graded: Graded, indices: Sequence[int], finding: Finding | None) -> int:
    """The trace that stands for a case: the repeat of its finding, else the first."""
    for i in indices:
        if finding is not None and graded.traces[i].repeat == finding.repeat:
            return i
    return indices[0]


def is_gold(case: Case, passage: Passage) -> bool:
    """Whether a passage comes from a document that the labels of the case name."""
    gold = gold_of(case)
    return passage.doc_id in gold or passage.chunk_id in gold


def gold_of(case: Case) -> frozenset[str | None]:
    """The documents and chunks that the labels of a case name."""
    relevant = (d for d, grade in (case.relevant or {}).items() if grade > 0)
    return frozenset(relevant).union(*(p.evidence for p in case.key_points or ()))
