"""How sure a finding is: the probability that its primary cause is exactly right, as measured on injected faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from evalkit.records import Certainty, Finding, Side

FILE = "calibration.json"
FORMAT = 1
# From surest to least sure; a cause is never surer on a later rung than on an earlier one.
RUNGS = ("proven", "suspected", "one_of_two", "one_of_three_or_more")
# Findings on answers that may be right stand apart: how often those name the cause says nothing of the others, nor they of those.
DOUBTFUL = "doubtful"
CELLS = (*RUNGS, DOUBTFUL)
ANY = "any"
# Facts of a finding that say so: the judge disagrees with itself; the answer is near its label; only words are lacking.
MARKS = ("judge_disagrees", "near_label", "other_words")

Table = Mapping[str, Mapping[str, float]]  # confidence by cause (or side, or ANY) and rung


@dataclass(frozen=True, slots=True)
class Features:
    """What the confidence depends on: the cause, whether it is proven, and how many it may be confused with.

    ``candidates`` counts the causes that the traces cannot tell apart, the named one included; ``doubtful`` says that
    the answer may be right. The number of
    probes, the strength of the sign and whether the system varies are left out: the table stays small enough to
    be fitted on the findings there are, and to be read.
    """

    cause: str
    side: Side | None
    proven: bool
    candidates: int = 1
    doubtful: bool = False

    @property
    def rung(self) -> str:
        """The rung on which the finding stands, or the cell of its own for an answer that may be right."""
        if self.proven:
            return RUNGS[0]
        return DOUBTFUL if self.doubtful else RUNGS[min(max(self.candidates, 1), 3)]


def doubtful(finding: Finding) -> bool:
    """Whether a failing answer may be right for all that can be told: people should look at it first."""
    return finding.outcome == "fail" and any(fact.fact in MARKS for fact in finding.evidence)


def features_of(finding: Finding) -> Features | None:
    """The features of a finding; None where no cause is named, and for warnings, which were not measured."""
    if finding.cause is None or finding.outcome != "fail":
        return None
    proven = finding.status is Certainty.PROVEN
    return Features(finding.cause, finding.side, proven, len(finding.set), doubtful(finding))


def confidence_of(features: Features, table: Table | None = None) -> float:
    """Probability 0..1 that the primary cause is exactly right; ``table`` is ours if None.

    A cause that was not measured, such as a plug-in's, has the confidence that its side gives a cause without findings,
    or else that of any cause.
    """
    known = _table() if table is None else table
    names = (features.cause, features.side.value if features.side else ANY, ANY)
    row = next(known[name] for name in names if name in known)
    return row.get(features.rung, row[RUNGS[-1]])


def with_confidence(finding: Finding) -> Finding:
    """The finding with its confidence; as it was where none can be stated."""
    features = features_of(finding)
    return finding if features is None else replace(finding, confidence=confidence_of(features))


def calibration() -> dict[str, Any]:
    """The content of calibration.json: what was measured on, how well it held elsewhere, and the bins."""
    found: dict[str, Any] = json.loads(files("evalkit").joinpath(FILE).read_text(encoding="utf-8"))
    return found


@cache
def _table() -> Table:
    bins: Mapping[str, Mapping[str, Mapping[str, float]]] = calibration()["bins"]
    return {
        name: {rung: held["confidence"] for rung, held in rungs.items()}
        for name, rungs in bins.items()
    }
