"""What the ragas judge has used so far."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.judges.spending import Spending, total_cost
from evalkit.records import Usage


@dataclass(slots=True)
class Spent:
    """What the judge has used so far.

    ``asked`` questions, ``kept`` answered from the record without a call, ``calls`` that reached the endpoint (more than
    one for a question where a reply could not be used), ``failed`` questions. ``cost`` covers the calls whose price
    is known; ``unpriced`` counts the others.
    """

    asked: int = 0
    kept: int = 0
    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    untold: int = 0

    def total(self) -> Spending:
        """The same in the words that all judges share."""
        tokens = (self.prompt_tokens, self.completion_tokens)
        return Spending(self.calls, self.kept, *tokens, self.cost, self.untold, self.unpriced)

    def add(self, usage: Usage) -> None:
        """Book one call."""
        self.calls += 1
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0
        self.cost = total_cost(self.cost, usage.cost or 0.0)
        self.unpriced += usage.cost is None
        self.untold += usage.prompt_tokens is None
