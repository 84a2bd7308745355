"""The shape of a cause: what it is, how it is proven, what mends it, and how it shows in the facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from evalkit.facts import Facts
from evalkit.probes import Probes
from evalkit.records import Fact, Side, Stage


class Proof(StrEnum):
    """What lifts a suspicion to a proof."""

    FLIP = "flip"  # the answer is right once the named condition changes this one thing
    PERSISTENCE = "persistence"  # the answer stays wrong with the gold passages in the prompt
    CHECK = "check"  # a deterministic check of the trace itself
    REPEATS = "repeats"  # repeats of the same question differ


@dataclass(frozen=True, slots=True)
class Sign:
    """How strongly the facts of one trace speak for a cause (0..1; 1 is the cause's own check), and why."""

    strength: float
    evidence: tuple[Fact, ...]


CERTAIN, LIKELY, POSSIBLE = 1.0, 0.6, 0.3


def undecided(_facts: Facts, _probes: Probes) -> bool | None:
    """Of causes whose own check or repeats are their proof: other conditions say nothing more."""
    return None


@dataclass(frozen=True, slots=True)
class Cause:
    """One root cause of design's table.

    ``detect`` reads the failing trace; ``prove`` what other conditions showed: True is the cause's proof,
    False rules it out as the primary cause, None leaves it open. ``conditions`` are the probes that prove it
    (or settle it against its look-alikes in ``looks_like``); ``warns`` says that its sign on a right answer is
    worth a warning.
    """

    id: str
    side: Side
    stage: Stage
    meaning: str
    first_fix: str
    fine_tuning: str
    proof: Proof
    detect: Callable[[Facts], Sign | None]
    prove: Callable[[Facts, Probes], bool | None] = undecided
    conditions: tuple[str, ...] = ()
    looks_like: tuple[str, ...] = ()
    warns: bool = False


def sign(strength: float, name: str, value: object, text: str) -> Sign:
    """A sign with one fact behind it."""
    return Sign(strength, (Fact(name, value, text),))
