"""The shape of a condition: how a failing case is asked again, and what its outcome can mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from evalkit.records import Capability, Case, Passage, Question, Suite, Trace


class How(StrEnum):
    """Which method of the system a question goes to."""

    ASK = "ask"
    RETRIEVE = "retrieve"
    GENERATE = "generate"
    LOOKUP = "lookup"


class Reading(StrEnum):
    """What one condition showed."""

    PASS = "pass"  # noqa: S105 (not a password: the answer is right)
    FAIL = "fail"
    ERROR = "error"
    FOUND = "found"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Ask:
    """One planned question: pure data, asked later.

    ``passages`` is the context that ``generate`` is given; ``doc_ids`` what ``lookup`` is asked for.
    ``condition`` is the id under which the trace is filed (``paraphrase:0``).
    """

    condition: str
    how: How
    question: Question
    passages: tuple[Passage, ...] = ()
    doc_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of design's table of conditions.

    ``plan`` says what to ask for a case, given its ``as_is`` trace; nothing when the condition makes no
    sense for the case (no gold passage, nothing retrieved). ``needs`` are the capabilities it takes; every
    alternative in ``needs`` is a set that suffices. ``calls`` is what one asking costs, in calls of the model.
    """

    id: str
    meaning: str
    needs: tuple[frozenset[Capability], ...]
    plan: Callable[[Suite, Case, Trace, Question], tuple[Ask, ...]]
    calls: int = 1

    def possible(self, capabilities: frozenset[Capability]) -> bool:
        """Whether a system with these capabilities can be asked so."""
        return any(needed <= capabilities for needed in self.needs)
