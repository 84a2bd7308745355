"""The lost pass rate: its parts by side, what mending each cause alone would bring, and shares corrected for known confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalkit.confusion import Corrected, corrected, known_confusion
from evalkit.grade import Graded
from evalkit.ledger.columns import FindingColumns, Ledger
from evalkit.ledger.words import Ints
from evalkit.outcome import CaseOutcome
from evalkit.records import Certainty, Finding, Interval, Side
from evalkit.score import Floats
from evalkit.stats.intervals import design_effect, share_interval

UNDETERMINED = "undetermined"
UNKNOWN_AFTER = "infra_error"  # the cause whose cases gave no answer to be judged
FEWEST = 10  # failing cases from which shares are corrected

# The condition that undoes a cause, and so measures what mending it would bring ...
FLIPS: Mapping[str, tuple[str, ...]] = {
    "corpus_gap": ("oracle_context",),
    "stale_document": ("oracle_context",),
    "chunk_boundary": ("merged_chunks", "oracle_context"),
    "retrieval_miss": ("oracle_context",),
    "ranking_low": ("oracle_context",),
    "context_truncated": ("more_room", "oracle_context"),
    "noise_distraction": ("oracle_context",),
    "position_sensitivity": ("gold_first",),
    "query_underspecified": ("clarified_query",),
}
# ... of the output contract: the remedies that were tried. What all of them leave wrong is no gain to count on.
REMEDIES: Mapping[str, tuple[str, ...]] = {
    "format_violation": ("schema_enforced", "few_shot"),
    "style_violation": ("style_prompted", "few_shot"),
    "missing_criteria": ("criteria_prompted", "few_shot"),
}
_BEFORE_PROMPT = frozenset(c for c, asked in FLIPS.items() if asked[-1] == "oracle_context")
# What else a condition undoes: it cannot tell these from the cause it is asked for.
_UNDONE: Mapping[str, frozenset[str]] = {
    "oracle_context": _BEFORE_PROMPT | {"position_sensitivity"},
    "merged_chunks": frozenset({"chunk_boundary", "context_truncated"}),
    "more_room": frozenset({"context_truncated"}),
    "few_shot": frozenset(REMEDIES),
    "gold_first": frozenset(
        {"position_sensitivity", "ranking_low", "retrieval_miss", "corpus_gap"}
    ),
}
_PROVING = {name for asked in (*FLIPS.values(), *REMEDIES.values()) for name in asked}


@dataclass(frozen=True, slots=True)
class Loss:
    """The parts and gains as shares of the graded cases; the corrected shares as shares of the failing ones."""

    decomposition: Mapping[str, Interval]
    headroom: Mapping[str, Interval]
    corrected_causes: Mapping[str, Interval]
    corrected_sides: Mapping[str, Interval]


class _Cases:
    """The graded cases of one system in order, and the groups that they are resampled by."""

    def __init__(self, ledger: Ledger) -> None:
        counted = ~ledger.ended(CaseOutcome.UNGRADED)
        self.size = int(counted.sum())
        self.places: Ints = np.cumsum(counted) - 1  # by row of the ledger
        groups = ledger.group[counted]
        self.groups: Ints | None = groups if (groups >= 0).any() else None

    def interval(self, rows: Ints, weights: Floats | float) -> Interval | None:
        """The mean weight of all graded cases; those beside ``rows`` have 0."""
        values = np.zeros(self.size)
        values[self.places[rows]] = weights
        return share_interval(values, self.groups)

    def design_effect(self, failing: FindingColumns) -> float:
        """How much the groups widen the shares of causes: the mean over causes, by their variance."""
        if self.groups is None or not len(failing):
            return 1.0
        groups = self.groups[self.places[failing.row]]
        effects, weights = [1.0], [1e-9]
        for name, n in Counter(failing.cause).items():
            mine = failing.cause.are(name).astype(np.float64)
            effects.append(design_effect(mine, groups))
            weights.append(n * (1 - n / len(failing)))
        return float(np.average(effects, weights=weights))


def measure_loss(ledger: Ledger) -> Loss:
    """What is lost where, and what could be won.

    The points are plain counts of cases (a case is one unit, however many repeats it has), so the parts sum to
    the whole loss. The intervals hold both what chance did to these cases (or groups of cases) and what the
    diagnoser is known to confuse: the wider of the two ends, where the confusion is known.
    """
    failing, units = ledger.findings.failing(), _Cases(ledger)
    true = _true_causes(failing, units)
    won = _true_causes(failing.at(failing.gain > 0), units, enough=len(failing))
    return Loss(
        _decomposition(failing, units, true),
        _headroom(failing, units, won),
        *_corrected(failing, true),
    )


def _true_causes(
    failing: FindingColumns, units: _Cases, enough: int | None = None
) -> Corrected | None:
    if (len(failing) if enough is None else enough) < FEWEST:
        return None
    known = known_confusion(probed=any(failing.probes))
    if known is None:
        return None
    return corrected(failing.causes(), known, units.design_effect(failing))


def _decomposition(
    failing: FindingColumns, units: _Cases, true: Corrected | None
) -> dict[str, Interval]:
    """Each side's part of the loss, largest first; every side has one, undetermined only where there is any."""
    lost = {side.value: failing.row[failing.side.are(side.value)] for side in Side}
    unknown = failing.row[failing.side.are(None)]
    if len(unknown):
        lost[UNDETERMINED] = unknown
    found = {}
    for side, rows in sorted(lost.items(), key=lambda part: (-len(part[1]), part[0])):
        part = units.interval(rows, 1.0)
        if part is not None:
            found[side] = _widened(part, _side_share(true, side, failing, part.n))
    return found


def _headroom(failing: FindingColumns, units: _Cases, won: Corrected | None) -> dict[str, Interval]:
    """What mending each named cause alone would bring, in the order of how often they are named."""
    found = {}
    for cause, _ in failing.causes().most_common():
        mine = failing.at(failing.cause.are(cause))
        part = units.interval(mine.row, mine.gain)
        if part is not None:
            if cause == UNKNOWN_AFTER:  # at most: nobody knows what these cases would answer
                part = Interval(part.value, 0.0, part.high, part.n)
            known = won is not None and cause in won.confusion.causes
            found[cause] = _widened(part, won.share([cause], part.n) if won and known else None)
    return found


def _side_share(
    true: Corrected | None, side: str, failing: FindingColumns, of: int
) -> Interval | None:
    """The corrected share of a side; causes that the matrix does not know, such as a plug-in's, count as named."""
    causes = true.confusion.of_side(side) if true else ()
    if true is None or not causes:
        return None
    mine = failing.at(failing.side.are(side))
    others = sum(cause not in true.confusion.causes for cause in mine.cause) / of
    part = true.share(causes, of)
    value, low, high = (min(1.0, end + others) for end in (part.value, part.low, part.high))
    return Interval(value, low, high, of)


def _widened(part: Interval, other: Interval | None) -> Interval:
    """The part as it was counted, with an interval that holds both."""
    if other is None:
        return part
    return Interval(part.value, min(part.low, other.low), max(part.high, other.high), part.n)


def _corrected(
    failing: FindingColumns, true: Corrected | None
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    if true is None:
        return {}, {}
    of = len(failing)
    causes = {c: true.share([c], of) for c in true.confusion.causes}
    sides = {side.value: _side_share(true, side.value, failing, of) for side in Side}
    return causes, {side: share for side, share in sides.items() if share is not None}


# --- headroom of one case --------------------------------------------------------------------


def passes_under(graded: Graded) -> dict[str, dict[str, bool | None]]:
    """By case and condition: whether every answer under it passes the whole contract; None: not graded."""
    found: dict[str, dict[str, bool | None]] = {}
    for i, trace in enumerate(graded.traces):
        if trace.condition in _PROVING:
            held = found.setdefault(trace.case_id, {})
            before, now = held.get(trace.condition, True), graded.passed(i)
            held[trace.condition] = None if before is None or now is None else before and now
    return found


def gain_of(finding: Finding, passes: Mapping[str, bool | None]) -> float:
    """What mending the named cause alone would bring for one failing case, 0..1.

    1 where a condition that undoes this cause, and none of those in ``also``, makes the whole answer pass.
    Where nothing else is wrong: 0 if such a condition, or a remedy, was tried and the answer does not pass all the
    same; else 1 for a proven cause, and its confidence for a suspected one. 0 where something else is wrong.
    """
    if finding.cause is None:
        return 0.0
    flips = FLIPS.get(finding.cause, ())
    asked = [c for c in (*flips, *REMEDIES.get(finding.cause, ())) if passes.get(c) is not None]
    telling = [c for c in asked if not _UNDONE.get(c, frozenset()) & set(finding.also)]
    if any(passes[c] for c in telling):
        return 1.0
    if finding.also or asked:
        return 0.0
    sure = finding.status is Certainty.PROVEN or finding.confidence is None
    return 1.0 if sure else float(finding.confidence or 0.0)
