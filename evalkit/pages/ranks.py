"""Where the gold stands in ranked lists: recall at every k and the rank of the first gold, added up case by case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evalkit.ledger.columns import group_numbers
from evalkit.pages.shares import score_ends
from evalkit.records import AS_IS, Case, Interval, Trace

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SHOWN = 20  # ranks drawn one by one


@dataclass(frozen=True, slots=True)
class RankCounts:
    """Sums over cases that add up part by part (a part holds whole cases, and whole groups of cases).

    ``hits[k - 1]`` is the summed recall at k, ``sizes`` and the squares and products what its interval takes;
    ``first[r]`` counts cases by the rank of their first gold document, ``missing`` those whose lists hold none.
    A case counts once: its repeats share its weight.
    """

    width: int
    cases: float = 0.0
    units: int = 0
    squares_of_sizes: float = 0.0
    hits: Floats = field(default_factory=lambda: np.zeros(0))
    squares: Floats = field(default_factory=lambda: np.zeros(0))
    products: Floats = field(default_factory=lambda: np.zeros(0))
    first: Floats = field(default_factory=lambda: np.zeros(0))
    missing: float = 0.0

    def __add__(self, other: RankCounts) -> RankCounts:
        return RankCounts(
            self.width,
            self.cases + other.cases,
            self.units + other.units,
            self.squares_of_sizes + other.squares_of_sizes,
            self.hits + other.hits,
            self.squares + other.squares,
            self.products + other.products,
            self.first + other.first,
            self.missing + other.missing,
        )

    def recall(self, k: int) -> Interval | None:
        """Mean recall at ``k`` with a score interval at the effective number of cases; None without a case."""
        if not self.cases:
            return None
        share = float(self.hits[k - 1] / self.cases)
        low, high = score_ends(share, self._effective(k, share))
        return Interval(share, min(low, share), max(high, share), round(self.cases))

    def _effective(self, k: int, share: float) -> float:
        """How many independent yes-or-no cases would vary as these do (ratio estimator over groups)."""
        if self.units < 2 or share <= 0 or share >= 1:
            return float(max(1, self.units))
        spread = self.squares[k - 1] - 2 * share * self.products[k - 1]
        spread += share**2 * self.squares_of_sizes
        variance = float(spread) * self.units / (self.units - 1) / self.cases**2
        return max(1.0, share * (1 - share) / variance) if variance > 0 else self.cases


@dataclass(frozen=True, slots=True)
class RankColumns:
    """What is added up, of the cases with gold documents whose lists are shown: a row a case.

    ``groups`` is a number that cases of one group share, negative without a group; ``recall`` has a column a ``k``.
    ``first`` and ``missing`` as in ``RankCounts``; ``longest`` is the length of the longest list of any case.
    """

    groups: Ints
    recall: Floats
    first: Floats
    missing: float
    longest: int


def rank_counts(cases: Iterable[Case], traces: Iterable[Trace], width: int) -> RankCounts:
    """The sums over the answers as they are, for cases with gold documents whose lists are shown, down to ``width``."""
    found = rank_columns(cases, traces, width)
    return counts_of(found.groups, iter(found.recall.T), found.first, found.missing)


def rank_columns(cases: Iterable[Case], traces: Iterable[Trace], width: int) -> RankColumns:
    """The rows behind ``rank_counts``; those of parts of a run stand one below the other."""
    wanted = {case.id: case for case in cases if _gold(case)}
    found: dict[str, list[tuple[Floats, int | None]]] = defaultdict(list)
    longest = 0
    for trace in traces:
        if trace.condition == AS_IS and trace.retrieved is not None:
            longest = max(longest, len(trace.retrieved))
            case = wanted.get(trace.case_id)
            if case is not None:
                found[case.id].append(_places(case, trace, width))
    recall = [np.mean([recall for recall, _ in lists], axis=0) for lists in found.values()]
    first, missing = _first(found.values(), width)
    groups = group_numbers([wanted[case_id].group for case_id in found])
    return RankColumns(groups, np.array(recall).reshape(-1, width), first, missing, longest)


def counts_of(groups: Ints, recall: Iterable[Floats], first: Floats, missing: float) -> RankCounts:
    """The sums of such rows; ``recall`` gives the column of each k in turn."""
    sizes, units = np.zeros(0), groups
    if len(groups):
        _, units, counts = np.unique(groups, return_inverse=True, return_counts=True)
        sizes = counts.astype(np.float64)
    sums = np.zeros((len(first), 3))
    for row, column in zip(sums, recall, strict=True):
        hits = np.bincount(units, column, len(sizes))
        row[:] = hits.sum(), (hits**2).sum(), (hits * sizes).sum()
    return RankCounts(
        len(first),
        cases=float(len(groups)),
        units=len(sizes),
        squares_of_sizes=float((sizes**2).sum()),
        hits=sums[:, 0],
        squares=sums[:, 1],
        products=sums[:, 2],
        first=first,
        missing=missing,
    )


def _gold(case: Case) -> frozenset[str]:
    return frozenset(d for d, grade in (case.relevant or {}).items() if grade > 0)


def _places(case: Case, trace: Trace, width: int) -> tuple[Floats, int | None]:
    """Recall at 1..width of one list, and the rank of the first gold document in it; a document counts once."""
    gold, seen = _gold(case), set[str]()
    recall, first = np.zeros(width), None
    for rank, passage in enumerate((trace.retrieved or ())[:width], 1):
        if passage.doc_id in gold - seen:
            seen.add(passage.doc_id)
            recall[rank - 1 :] += 1 / len(gold)
            first = first or rank
    return recall, first


def _first(found: Iterable[list[tuple[Floats, int | None]]], width: int) -> tuple[Floats, float]:
    """The cases by the rank of their first gold document, and those whose lists hold none."""
    first, missing = np.zeros(width), 0.0
    for lists in found:
        for _, rank in lists:
            if rank is None:
                missing += 1 / len(lists)
            else:
                first[rank - 1] += 1 / len(lists)
    return first, missing
