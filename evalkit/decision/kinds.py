"""Findings that differ in nothing but their case, weighed once: a large run has very many of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.diagnosis import SystemDiagnosis
from evalkit.records import Finding

FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Kinds:
    """One finding of each kind, of which kind every finding is (in their order), and the ids of their cases."""

    of: Sequence[Finding]
    codes: npt.NDArray[np.signedinteger[Any]]
    case_ids: Sequence[str]


def kinds_of(findings: Sequence[Finding]) -> Kinds:
    """The kinds of findings; of findings that are held each is one of its own."""
    kept = getattr(findings, "kinds", None)
    if kept is not None:
        found: Kinds = Kinds(*kept())
        return found
    return Kinds(findings, np.arange(len(findings)), tuple(f.case_id for f in findings))


def counted_failing(found: SystemDiagnosis) -> list[tuple[Finding, int]]:
    """The findings of failing cases, one of each kind, and how many there are of it."""
    kinds = kinds_of(found.findings)
    counts = np.bincount(kinds.codes, minlength=len(kinds.of)).tolist()
    pairs = zip(kinds.of, counts, strict=True)
    return [(finding, n) for finding, n in pairs if finding.outcome == FAIL]


def how_many(counted: Iterable[tuple[Finding, int]]) -> int:
    """How many findings these stand for."""
    return sum(n for _, n in counted)
