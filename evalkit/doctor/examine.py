"""What is doubtful about a suite, before its systems are blamed: the label doctor and the corpus doctor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from evalkit.doctor.complaint import Complaint
from evalkit.doctor.corpus import corpus_complaints
from evalkit.doctor.labels import label_complaints
from evalkit.doctor.support import Shelf
from evalkit.grade import Graded
from evalkit.records import Suite

__all__ = [
    "Complaint",
    "corpus_complaints",
    "examine",
    "label_complaints",
    "told",
]


def examine(suite: Suite, graded: Mapping[str, Graded]) -> dict[str, list[Complaint]]:
    """All complaints, those about ``labels`` and those about the ``corpus``; pure, the same every time."""
    shelf = Shelf(suite)
    return {
        "labels": label_complaints(suite, graded, shelf),
        "corpus": corpus_complaints(suite, graded, shelf),
    }


def told(complaints: Sequence[Complaint], most: int) -> Iterator[str]:
    """The first complaints as lines, every kind in turn, and how many are left."""
    shown = in_turn(complaints)[:most]
    yield from (f"{complaint.kind}: {complaint.line}" for complaint in shown)
    rest = Counter(c.kind for c in complaints) - Counter(c.kind for c in shown)
    if rest:
        kinds = ", ".join(f"{n} {kind}" for kind, n in rest.items())
        yield f"and {rest.total()} more ({kinds})"


def in_turn(complaints: Sequence[Complaint]) -> list[Complaint]:
    """The complaints with the first of every kind first, then the second of every kind, and so on."""
    seen: Counter[str] = Counter()
    rows = []
    for complaint in complaints:
        rows.append((seen[complaint.kind], complaint))
        seen[complaint.kind] += 1
    return [complaint for _, complaint in sorted(rows, key=lambda row: row[0])]
