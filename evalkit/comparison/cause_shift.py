"""Where failures went from one system (or run) to another: by case, by cause, with paired tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evalkit.comparison.shape import CauseChange, CauseShift
from evalkit.diagnosis import SystemDiagnosis
from evalkit.outcome import CaseOutcome
from evalkit.stats.multiplicity import holm
from evalkit.stats.paired import difference, paired_p

PASSED = CaseOutcome.PASSED.value
UNGRADED = CaseOutcome.UNGRADED.value
UNCAUSED = "undetermined"  # failed, and nobody can say why


def states(found: SystemDiagnosis) -> dict[str, str]:
    """How every case ended: ``passed``, ``ungraded``, or the cause of its failure (else its finding's status)."""
    causes = {f.case_id: f.cause or f.status.value for f in found.findings if f.outcome == "fail"}
    return {
        case_id: outcome.value
        if outcome in (CaseOutcome.PASSED, CaseOutcome.UNGRADED)
        else causes.get(case_id, UNCAUSED)
        for case_id, outcome in found.graded.cases.items()
    }


def probed(found: SystemDiagnosis) -> bool | None:
    """Whether any failing case was asked under probes; None where none fails, and so none would have been."""
    failing = [f for f in found.findings if f.outcome == "fail"]
    return any(f.probes for f in failing) if failing else None


def unlike(a: SystemDiagnosis, b: SystemDiagnosis) -> bool:
    """Whether one of two was diagnosed with probes and the other without: causes then differ by how they were found."""
    return {probed(a), probed(b)} >= {True, False}


def cause_shift(
    before: SystemDiagnosis,
    after: SystemDiagnosis,
    case_ids: Sequence[str],
    clusters: Sequence[Hashable] | None = None,
) -> CauseShift:
    """The causes of ``case_ids``, which both have answered, before and after; ungraded cases are left out.

    A case counts as having passed when all its repeats do. No cause is tested where the two are ``unlike``.
    """
    first, second = states(before), states(after)
    places = [i for i, c in enumerate(case_ids) if UNGRADED not in (first[c], second[c])]
    ids = [case_ids[i] for i in places]
    groups = None if clusters is None else [clusters[i] for i in places]
    counts = Counter((first[c], second[c]) for c in ids)
    names = dict.fromkeys(name for pair in counts for name in pair if name != PASSED)
    changes = [_change(name, ids, first, second, groups) for name in sorted(names)]
    if unlike(before, after):
        shown = [replace(change, difference=None, p=None, p_adjusted=None) for change in changes]
    else:
        adjusted = holm([change.p for change in changes if change.p is not None])
        shown = [replace(change, p_adjusted=p) for change, p in zip(changes, adjusted, strict=True)]
    return CauseShift(
        cases=len(ids),
        repairs=sum(n for (a, b), n in counts.items() if a != PASSED and b == PASSED),
        harms=sum(n for (a, b), n in counts.items() if a == PASSED and b != PASSED),
        causes=tuple(sorted(shown, key=lambda c: (-abs(c.after - c.before), c.cause))),
        matrix=_matrix(counts),
    )


def _change(
    name: str,
    ids: Sequence[str],
    first: Mapping[str, str],
    second: Mapping[str, str],
    clusters: Sequence[Hashable] | None,
) -> CauseChange:
    had = np.array([first[c] == name for c in ids], dtype=np.float64)
    has = np.array([second[c] == name for c in ids], dtype=np.float64)
    lost = [c for c in ids if first[c] == name != second[c]]
    p = paired_p(had, has, clusters)
    return CauseChange(
        cause=name,
        before=int(had.sum()),
        after=int(has.sum()),
        repaired=tuple(c for c in lost if second[c] == PASSED),
        harmed=tuple(c for c in ids if first[c] == PASSED and second[c] == name),
        moved=tuple(c for c in lost if second[c] != PASSED),
        difference=difference(had, has, clusters),
        p=p,
        p_adjusted=p,
    )


def _matrix(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Before -> after -> cases, ``passed`` first, then by name."""
    found: dict[str, dict[str, int]] = {}
    for before, after in sorted(counts, key=lambda pair: [(s != PASSED, s) for s in pair]):
        found.setdefault(before, {})[after] = counts[before, after]
    return found
