"""The ledger of one system: the columns over its cases, traces and findings that all aggregates are made of."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.ledger.words import Ints, Words, chosen, narrow, slim
from evalkit.outcome import CaseOutcome
from evalkit.records import AS_IS, Approach, Metric, Status
from evalkit.score import CODE, STATUSES, Bytes, Column, Floats

OUTCOMES = tuple(CaseOutcome)
# A case's status is the worst of its repeats, in this order; repeats that are not due do not count.
WORST_FIRST = (Status.SYSTEM_ERROR, Status.GRADER_ERROR, Status.UNOBSERVED, Status.SCORED)
_RANKED = (*WORST_FIRST, Status.NOT_APPLICABLE)
_RANK = np.array([_RANKED.index(status) for status in STATUSES], np.uint8)
FAIL = "fail"
STAGES, COUNTS = (
    ("retrieval", "generation", "total"),
    ("prompt_tokens", "completion_tokens", "cost"),
)


@dataclass(frozen=True, slots=True)
class FindingColumns:
    """The findings of a system, one row each, in the order of the suite; fields as those of ``Finding``.

    ``row`` is the case's row in the ledger, ``gain`` what mending the named cause alone would bring the case (0..1),
    ``confidence`` NaN where there is none; ``probes`` holds pairs.
    """

    row: Ints
    confidence: Floats
    gain: Floats
    repeat: Words
    outcome: Words
    status: Words
    cause: Words
    side: Words
    stage: Words
    also: Words
    set: Words
    probes: Words
    missing: Words

    def __len__(self) -> int:
        return len(self.row)

    def at(self, rows: npt.NDArray[Any]) -> FindingColumns:
        """Some of the findings, by number or by mask."""
        columns: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        chosen: dict[str, Any] = {
            name: column.at(rows) if isinstance(column, Words) else column[rows]
            for name, column in columns.items()
        }
        return FindingColumns(**chosen)

    def failing(self) -> FindingColumns:
        """Those of failing cases, without mere warnings."""
        return self.at(self.outcome.are(FAIL))

    def causes(self) -> Counter[str]:
        """How often each cause is named."""
        return Counter(cause for cause in self.cause if cause)


def often_first(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Names with how often each is there, the commonest first, those alike by name."""
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclass(frozen=True)
class Ledger:
    """One system as columns. Cases are in the order of their traces, ``place`` is where each stands in the suite.

    ``group`` is a number that cases of one group share, negative where a case has none. ``trace_case`` is the row of
    each trace's case, -1 where that was never asked ``as_is``; ``pairs`` the (wanted, given) label of a trace, or None; ``right`` whether it is right, None where not graded.
    ``symptoms`` has a row a rule of the playbook: 0 not due, 1 due, 2 shown. ``way`` is a bit a stage of the
    funnel at which a case was due, ``lost`` the stage that lost it (255: none). ``frozen`` is the consistency of a
    case with its context frozen, ``verdicts`` how its equal answers were graded apart; NaN where not measured. ``models``
    are those that answers name as theirs (``model`` of a trace's ``meta``), with how many do.
    """

    system: str
    approach: Approach
    ids: Sequence[str]
    place: Ints
    outcome: Bytes
    group: Ints
    tags: Words
    symptoms: Mapping[int, Bytes] | npt.NDArray[np.uint8]
    way: npt.NDArray[np.uint16]
    lost: Bytes
    frozen: Floats
    verdicts: Floats
    trace_case: Ints
    condition: Words
    repeat: Words
    pairs: Words
    right: Words
    seconds: Mapping[str, Floats]
    usage: Mapping[str, Floats]
    findings: FindingColumns
    columns: Mapping[str, Column]
    case_columns: Mapping[str, Column]
    suite_metrics: tuple[Metric, ...]
    format_errors: tuple[tuple[tuple[str, str], int], ...]
    judges: tuple[str, ...]
    models: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        return len(self.place)

    @property
    def traces(self) -> int:
        """How many traces there are, under whatever condition."""
        return len(self.trace_case)

    @cached_property
    def in_suite_order(self) -> Ints:
        """The rows of the cases, in the order of the suite."""
        order: Ints = narrow(np.argsort(self.place, kind="stable"))
        return order

    @cached_property
    def as_is(self) -> Ints:
        """The numbers of the ``as_is`` traces, case by case, the repeats of each in their order."""
        numbers = np.flatnonzero(self.condition.are(AS_IS) & (self.trace_case >= 0))
        order: Ints = slim(numbers[np.argsort(self.trace_case[numbers], kind="stable")])
        return order

    @cached_property
    def repeats(self) -> Ints:
        """How many ``as_is`` traces each case has."""
        found: Ints = slim(np.bincount(self.trace_case[self.as_is], minlength=len(self)))
        return found

    def counts(self) -> dict[str, int]:
        """How many cases there are, and how many ended in which way."""
        found = np.bincount(self.outcome, minlength=len(OUTCOMES)).tolist()
        return {"due": len(self), **{o.value: found[i] for i, o in enumerate(OUTCOMES)}}

    def ended(self, outcome: CaseOutcome) -> npt.NDArray[np.bool_]:
        """Which cases ended so."""
        found: npt.NDArray[np.bool_] = self.outcome == OUTCOMES.index(outcome)
        return found

    def metrics(self) -> Iterator[Metric]:
        """The measures of answers and of cases; columns that are on disk are not read for that."""
        for columns in (self.columns, self.case_columns):
            kept = getattr(columns, "metrics", None)
            yield from (c.metric for c in columns.values()) if kept is None else kept()

    def label_pairs(self) -> list[tuple[str, str]]:
        """The (wanted, given) labels of all traces that have them."""
        return [pair for pair in self.pairs if pair is not None]

    def names(self, rows: npt.NDArray[np.int64]) -> Sequence[str]:
        """The ids of some cases; of a large ledger they are made when asked for."""
        return chosen(self.ids, rows)

    def by_case(self, column: Column) -> tuple[Floats, Bytes]:
        """A column of traces as one of cases: the mean of the repeats that have a value, and the worst status."""
        values, counts = column.values[self.as_is], self.repeats
        ranks = _RANK[column.status[self.as_is]]
        if len(values) == len(self):  # each was asked once
            return values, ranks
        starts = np.cumsum(counts) - counts
        rows = np.repeat(np.arange(len(self)), counts)
        return _means(values, rows, len(self)), np.minimum.reduceat(ranks, starts)


def _means(values: Floats, rows: Ints, size: int) -> Floats:
    """The mean of each row's values that are no NaN, added up as numpy does it for a row alone."""
    known = ~np.isnan(values)
    values, rows = values[known], rows[known]
    counts = np.bincount(rows, minlength=size)
    found = np.full(size, np.nan)
    starts = np.cumsum(counts) - counts
    for count in np.unique(counts[counts > 0]).tolist():
        mine = np.flatnonzero(counts == count)
        found[mine] = values[starts[mine][:, None] + np.arange(count)].mean(axis=1)
    return found


def ranks_of(status: Bytes) -> Bytes:
    """Status codes as ranks: the worst first."""
    found: Bytes = _RANK[status]
    return found


def state_of(rank: int) -> Status:
    """The status that a rank of ``by_case`` stands for."""
    return _RANKED[rank]


def group_numbers(groups: Iterable[str | None]) -> Ints:
    """A number for every case that those of its group share, whatever else there is; below 0 without a group."""
    named = ((i, g) for i, g in enumerate(groups))
    return np.fromiter((-1 - i if not g else _number(g) for i, g in named), np.int64)


def _number(name: str) -> int:
    found = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found) >> 1


def clusters(groups: Ints) -> Ints | None:
    """The groups by which cases are resampled; None where no two cases share one."""
    return groups if len(np.unique(groups)) < len(groups) else None


def scored(column: Column) -> npt.NDArray[np.bool_]:
    """Which entries were scored: a value, and no error."""
    found: npt.NDArray[np.bool_] = column.status == CODE[Status.SCORED]
    return found
