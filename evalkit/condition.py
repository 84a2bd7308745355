"""The shape of a condition: how a failing case is asked again, and what its outcome can mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from evalkit.records import Approach, Capability, Case, Passage, Question, Suite, Trace


class How(StrEnum):
    """Which method of the system a question goes to; ``ASK`` of a retriever alone is ``retrieve``."""

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
class Verdict:
    """How one trace was graded. ``right`` is None where nothing said so; ``broken`` names its contracts.

    An answer whose behaviour does not fit (it refuses where an answer is wanted) is not ``right``. ``unsure`` says
    that what the judge states about it is next to nothing, or at odds with itself; ``supported`` that the passages
    in its prompt support every claim it makes.
    """

    right: bool | None
    broken: tuple[str, ...] = ()
    refused: bool = False
    unsure: bool = False
    supported: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a condition may plan from: the case, what was answered, and the question asked then.

    ``examples`` are training cases, never the suite's own test cases.
    """

    suite: Suite
    case: Case
    as_is: Trace
    question: Question
    examples: tuple[Case, ...] = ()
    approach: Approach = Approach.RAG

    @property
    def has_retriever(self) -> bool:
        """Whether there is anything to retrieve with; a prompt-only or fine-tuned system has no documents."""
        return self.approach not in (Approach.PROMPT, Approach.FINETUNED)


@dataclass(frozen=True, slots=True)
class Ask:
    """One planned question: pure data, asked later.

    ``condition`` is the id under which the trace is filed (``paraphrase:0``). ``passages`` is the context
    that ``generate`` is given. For ``LOOKUP`` they are the gold passages: their ``doc_id`` is looked up, or,
    by a system that cannot, their text is retrieved.
    """

    condition: str
    how: How
    question: Question
    passages: tuple[Passage, ...] = ()

    @property
    def calls(self) -> int:
        """How many calls of the system it takes."""
        return max(1, len(self.passages)) if self.how is How.LOOKUP else 1


Plan = Callable[[Situation], tuple[Ask, ...]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of the table of conditions; a family (``paraphrase:<n>``) is one row.

    ``plan`` says what to ask; nothing when the condition makes no sense for the case (no gold passage,
    nothing retrieved). ``needs`` are the capabilities it takes: every alternative is a set that suffices.
    """

    id: str
    meaning: str
    needs: tuple[frozenset[Capability], ...]
    plan: Plan

    def possible(self, capabilities: frozenset[Capability]) -> bool:
        """Whether a system with these capabilities can be asked so."""
        return any(needed <= capabilities for needed in self.needs)


ASKS = (frozenset({Capability.ASK}), frozenset({Capability.RETRIEVE}))
GENERATES = (frozenset({Capability.GENERATE}),)


def family(condition: str) -> str:
    """The row of the table that an id belongs to: ``paraphrase:1`` is ``paraphrase``."""
    return condition.partition(":")[0]
