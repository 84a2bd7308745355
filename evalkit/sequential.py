"""When repeats have established what a condition shows: a sequential test with a stated error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

from evalkit.condition import Reading
from evalkit.conditions.reading import Read

ALPHA = 0.05  # the most that either error may be
RARE, USUAL = (
    0.2,
    0.8,
)  # the pass probabilities told apart: "fails as a rule" and "passes as a rule"
MOST_REPEATS = 5

_POSITIVE = (Reading.PASS, Reading.FOUND)
_NEGATIVE = (Reading.FAIL, Reading.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a condition showed for a case over its repeats.

    ``established`` is False where a system that varies was not asked often enough, or does not settle;
    ``reading`` is then what most repeats say. ``positive`` of ``repeats`` read pass or found. ``detail`` is that
    of the first repeat that reads so.
    """

    condition: str
    reading: Reading
    established: bool
    positive: int
    repeats: int
    detail: Mapping[str, Any] = field(default_factory=dict)


def verdict_of(positive: int, negative: int) -> bool | None:
    """Wald's sequential probability ratio test: True passes as a rule, False fails, None is open.

    Tests a pass probability of 0.2 against 0.8 with both errors at most 0.05: three repeats ahead decide.
    """
    score = positive * log(USUAL / RARE) + negative * log((1 - USUAL) / (1 - RARE))
    bound = log((1 - ALPHA) / ALPHA)
    if score >= bound:
        return True
    return False if score <= -bound else None


def enough(readings: Sequence[Reading], *, varies: bool) -> bool:
    """Whether another repeat would tell nothing: one of a system that does not vary is enough."""
    if not readings or (not varies and len(readings) >= 1):
        return bool(readings)
    positive, negative = _counts(readings)
    return verdict_of(positive, negative) is not None or len(readings) >= MOST_REPEATS


def combine(condition: str, reads: Sequence[Read], *, varies: bool) -> Shown:
    """The repeats of one condition as one; ``reads`` holds at least one."""
    reads = _with_benefit(reads)
    readings = [r.reading for r in reads]
    positive, negative = _counts(readings)
    wanted = _POSITIVE if positive > negative else _NEGATIVE
    first = next((r for r in reads if r.reading in wanted), reads[0])
    decided = verdict_of(positive, negative) is not None
    clear = first.reading is not Reading.ERROR
    return Shown(
        condition,
        first.reading,
        clear and (decided or not varies),
        positive,
        len(reads),
        first.detail,
    )


def _with_benefit(reads: Sequence[Read]) -> Sequence[Read]:
    """The repeats with answers of doubtful verdict taken for right, where others are right and none is surely wrong."""
    right = any(r.reading is Reading.PASS for r in reads)
    if not right or any(r.reading is Reading.FAIL and not r.detail.get("doubtful") for r in reads):
        return reads
    return [Read(Reading.PASS) if r.reading is Reading.FAIL else r for r in reads]


def combine_frozen(condition: str, reads: Sequence[Read]) -> Shown:
    """Repeats with one prompt: passed where all of them are right; their number tells how much they vary."""
    positive, negative = _counts([r.reading for r in reads])
    if not positive + negative:
        return Shown(condition, Reading.ERROR, established=False, positive=0, repeats=len(reads))
    reading = Reading.FAIL if negative else Reading.PASS
    detail = {"right": positive, "wrong": negative, "varies": bool(positive and negative)}
    return Shown(condition, reading, len(reads) > 1, positive, len(reads), detail)


def _counts(readings: Sequence[Reading]) -> tuple[int, int]:
    return sum(r in _POSITIVE for r in readings), sum(r in _NEGATIVE for r in readings)
