"""Whether a judge is still worth asking, and what went wrong with it: read alike from every kind of judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def stopped_of(judge: Any) -> str | None:
    """Why no further verdict comes from a judge; None while there may be one."""
    found: str | None = getattr(judge, "stopped", None)
    return found


def given_up_of(judge: Any) -> str | None:
    """Why answers were left without a verdict although there was room for calls; None where none was."""
    found: str | None = getattr(judge, "given_up", None)
    return found


def troubles_of(judge: Any) -> tuple[str, ...]:
    """What a reader should know of a judge that gave less than it should: a sentence for each who failed."""
    told = getattr(judge, "troubles", None)
    if told is not None:
        return tuple(told)
    why = given_up_of(judge)
    return () if why is None else (why,)


@dataclass(slots=True)
class Member:
    """How one of several judges has done: answers it was asked about, those it failed on, and the last reason.

    ``down`` is why its endpoint was given up; None while it answers.
    """

    judge: Any
    asked: int = 0
    failed: int = 0
    last: str = ""
    down: str | None = None

    def note(self, error: str | None) -> None:
        """One more answer; ``error`` is why it has no verdict of this member."""
        self.asked += 1
        if error is not None:
            self.failed, self.last = self.failed + 1, error

    @property
    def stopped(self) -> str | None:
        """Why no further verdict comes from it."""
        return self.down or stopped_of(self.judge)

    def told(self) -> tuple[str, ...]:
        """What went wrong with it; nothing where nothing did."""
        own = self.stopped
        if self.failed and own is not None:
            return (f"{own} ({_of_answers(self)})",)
        if self.failed:
            return (f"judge {self.judge.name} {_of_answers(self)}, the last with: {self.last}",)
        return troubles_of(self.judge)


def _of_answers(member: Member) -> str:
    return f"failed on {member.failed:,} of {member.asked:,} answers"
