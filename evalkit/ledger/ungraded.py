"""Cases that a judge (or a measure) failed on: how many of them stay without a grade, and the commonest reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from evalkit.ledger.columns import OUTCOMES, Ledger, ranks_of
from evalkit.outcome import CaseOutcome
from evalkit.records import Status
from evalkit.score import CODE, Column

GRADER_ERROR = CODE[Status.GRADER_ERROR]
_TOO_LONG = re.compile(r"(\w+) has [\d,]+ characters; ")  # as judges and measures say it


@dataclass(frozen=True, slots=True)
class Unjudged:
    """How many of the ``due`` cases have no grade for an error of the judge's; ``reason`` is None where none is kept."""

    cases: int
    due: int
    reason: str | None

    def __str__(self) -> str:
        why = f" (most often: {self.reason})" if self.reason else ""
        lost = "the judge gave no usable grade for"
        if too_long(self.reason):
            lost = "the texts are too long to be judged in"
        return f"{lost} {self.cases:,} of {self.due:,} cases{why}"


def too_long(reason: str | None) -> str | None:
    """The field that was too long to be read, where that is the reason; None where it is another."""
    found = _TOO_LONG.search(reason or "")
    return found[1] if found else None


def unjudged(ledger: Ledger) -> Unjudged:
    """The cases without a grade for an error of the judge's; those without any label are none of them."""
    column = ledger.columns.get("passed")
    if column is None:
        return Unjudged(0, len(ledger), None)
    _, status = ledger.by_case(column)
    worst = ranks_of(np.array([GRADER_ERROR], np.uint8))[0]
    mine = (ledger.outcome == OUTCOMES.index(CaseOutcome.UNGRADED)) & (status == worst)
    return Unjudged(int(mine.sum()), len(ledger), _reason(ledger, column))


def failed_on(ledger: Ledger, *metrics: str) -> Unjudged | None:
    """The cases of which one of these measures has no value for an error of the judge's; None without any."""
    for name in metrics:
        column = ledger.columns.get(name)
        if column is not None:
            cases = np.unique(ledger.trace_case[ledger.as_is][_failed(ledger, column)])
            if len(cases):
                return Unjudged(len(cases), len(ledger), _reason(ledger, column))
    return None


def _failed(ledger: Ledger, column: Column) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = column.status[ledger.as_is] == GRADER_ERROR
    return found


def _reason(ledger: Ledger, column: Column) -> str | None:
    """The note that most failed cells of the column carry; of equal ones the first by name."""
    places = ledger.as_is[_failed(ledger, column)].tolist()
    notes = Counter(column.notes[i] for i in places if column.notes.get(i))
    return min(notes, key=lambda note: (-notes[note], note)) if notes else None
