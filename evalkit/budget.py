"""How many calls, and how much money, may still be spent: counted before a call is made."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.records import Trace


class Budget:
    """Calls and cost of one run of probes. ``None`` is no limit.

    A call whose cost is unknown counts as the dearest known one. While no cost is known at all and a cost
    limit is set, one call is let through to learn it, and no more if it shows none. ``max_calls`` is never
    exceeded; ``max_cost`` only by as much as calls under way turn out dearer than any before.
    """

    def __init__(self, max_calls: int | None = None, max_cost: float | None = None) -> None:
        self.max_calls = max_calls
        self.max_cost = max_cost
        self.calls = 0
        self.refused: str | None = None  # which limit said no last: calls, cost
        self._worst: float | None = None
        self._spent = 0.0
        self._unknown = 0
        self._under_way = 0

    @property
    def left(self) -> int | None:
        """How many calls may still be made; None where they are not limited."""
        return None if self.max_calls is None else self.max_calls - self.calls

    @property
    def cost(self) -> float | None:
        """What the calls made took, unknown ones at the worst known; None where no cost is known."""
        if self._unknown and self._worst is None:
            return None
        return self._spent + self._unknown * (self._worst or 0.0)

    def learn(self, traces: Iterable[Trace]) -> None:
        """Take note of what calls have cost before, so that unknown costs can be counted."""
        for trace in traces:
            self._note(trace.usage.cost, 1)

    def take(self, calls: int) -> bool:
        """Reserve calls; False, and nothing is reserved, where a limit would be crossed."""
        if self.left is not None and calls > self.left:
            self.refused = "calls"
            return False
        if not self._affords(calls):
            self.refused = "cost"
            return False
        self.calls += calls
        self._under_way += calls
        return True

    def settle(self, calls: int, cost: float | None) -> None:
        """Book what reserved calls have cost."""
        self._under_way -= calls
        self._note(cost, calls)
        if cost is None:
            self._unknown += calls
        else:
            self._spent += cost

    def _note(self, cost: float | None, calls: int) -> None:
        if cost is not None:
            self._worst = max(self._worst or 0.0, cost / calls)

    def _affords(self, calls: int) -> bool:
        if self.max_cost is None:
            return True
        if self._worst is None:
            return self._unknown + self._under_way == 0 and self.max_cost > 0
        reserved = (self._under_way + self._unknown + calls) * self._worst
        return self._spent + reserved <= self.max_cost + 1e-12
