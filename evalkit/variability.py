"""Where answers vary between repeats: in what is retrieved, in what is generated, or in how they are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from evalkit.condition import family
from evalkit.grade import Graded
from evalkit.ledger.columns import Ledger
from evalkit.metrics.consistency import consistency
from evalkit.records import AS_IS

FROZEN = "frozen_context"


def variability(ledger: Ledger) -> dict[str, float | None]:
    """How much answers vary between repeats (0..1), by where it arises: None where it was not measured.

    A case varies by one minus its consistency: the share of pairs of its repeats that differ in meaning. Where
    cases were asked again with their context frozen, ``generation`` is the mean variation under it, and
    ``retrieval`` what the same cases vary beyond that as they are (at least 0). Elsewhere ``generation`` is the
    mean variation of the cases whose ranked lists did not move, and ``retrieval`` one minus the stability of
    the lists. ``judge`` is the share of pairs of repeats with one and the same text of which one was held
    right and one wrong. All are means over cases.
    """
    found = _frozen(ledger) or _unfrozen(ledger)
    apart = ledger.verdicts[~np.isnan(ledger.verdicts)]
    return {**found, "judge": float(apart.mean()) if len(apart) else None}


def _frozen(ledger: Ledger) -> dict[str, float | None]:
    """The parts by the cases that have both repeats with a frozen context and repeats as they are."""
    column = ledger.case_columns.get("consistency")
    if column is None:
        return {}
    both = ~np.isnan(ledger.frozen) & column.scored()
    if not both.any():
        return {}
    as_is, alone = (1 - float(part[both].mean()) for part in (column.values, ledger.frozen))
    return {"retrieval": max(0.0, as_is - alone), "generation": alone}


def _unfrozen(ledger: Ledger) -> dict[str, float | None]:
    columns, order = ledger.case_columns, ledger.in_suite_order
    stability, agreement = columns.get("retrieval_stability"), columns.get("consistency")
    seen = stability is not None and bool(stability.scored().any())
    found: dict[str, float | None] = {"retrieval": None, "generation": None}
    if stability is not None and seen:
        found["retrieval"] = float(1 - stability.values[order][stability.scored()[order]].mean())
    if agreement is not None:
        fixed = agreement.scored()
        if stability is not None and seen:
            fixed = fixed & (stability.values == 1)
        if fixed.any():
            found["generation"] = float(1 - agreement.values[order][fixed[order]].mean())
    return found


def frozen_consistency(graded: Graded) -> dict[str, float]:
    """How far the answers of a case agree while its context is frozen, for each case that was asked so."""
    frozen: dict[str, list[str]] = {}
    for trace in graded.traces:
        if family(trace.condition) == FROZEN and trace.error is None and trace.response is not None:
            frozen.setdefault(trace.case_id, []).append(trace.response)
    found = ((c, consistency(tuple(responses))) for c, responses in frozen.items())
    return {case_id: value for case_id, value in found if value is not None}


def graded_apart(graded: Graded) -> Iterator[tuple[str, float]]:
    """For each case with equal answers the share of their pairs of which one was held right and one wrong."""
    for case_id, indices in graded.repeats().items():
        if len(indices) > 1 and (differ := list(_graded_apart(graded, indices))):
            yield case_id, float(np.mean(differ))


def _graded_apart(graded: Graded, indices: Sequence[int]) -> Iterator[bool]:
    """For each pair of repeats with the same text that were both graded: whether the verdicts differ."""
    by_text: dict[str, list[bool]] = {}
    for i in indices:
        text, right = graded.traces[i].response, graded.outcomes.right[i]
        if text is not None and right is not None and graded.traces[i].condition == AS_IS:
            by_text.setdefault(text, []).append(right)
    for verdicts in by_text.values():
        yield from (a != b for a, b in combinations(verdicts, 2))
