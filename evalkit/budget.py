"""How many calls, how much money and how much time may still be spent: counted before a call is made."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from evalkit.adapters.answers import ODD
from evalkit.errors import InvalidInput
from evalkit.records import System, Trace


class Budget:
    """Calls, cost and seconds of one run. ``None`` is no limit.

    A call whose cost is unknown counts as the dearest known one. While no cost is known at all and a cost
    limit is set, one call is let through to learn it, and no more if it shows none. ``max_calls`` is never
    exceeded; ``max_cost`` only by as much as calls under way turn out dearer than any before. ``max_time`` is in
    seconds from now: no call is begun that, taking as long as calls have taken on average, would end after it.
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_cost: float | None = None,
        max_time: float | None = None,
    ) -> None:
        self.max_calls = max_calls
        self.max_cost = max_cost
        self.max_time = max_time
        self.calls = 0
        self.refused: str | None = (
            None  # which limit said no last: calls, cost, time, or why it was stopped
        )
        self._began = time.monotonic()
        self._stopped: str | None = None
        self._seconds: list[float] = [
            0.0,
            0.0,
        ]  # how long calls took together, and how many they were
        self._worst: float | None = None
        self._spent = 0.0
        self._unknown = 0
        self._under_way = 0
        self._others: list[Budget] = []
        self._aside: tuple[int, float] = (0, 0.0)  # calls and cost kept for the purse beside

    def beside(self) -> Budget:
        """A purse under the same limits for calls of another price, such as a judge's: what one spends the other lacks."""
        other = Budget(self.max_calls, self.max_cost, self.max_time)
        other._began = self._began
        other._others.append(self)
        self._others.append(other)
        return other

    def put_aside(self, calls: int, cost: float) -> None:
        """Keep so much for the purse beside; negative numbers let it go again."""
        self._aside = (self._aside[0] + calls, self._aside[1] + cost)

    @property
    def left(self) -> int | None:
        """How many calls may still be made; None where they are not limited."""
        if self.max_calls is None:
            return None
        return self.max_calls - sum(b.calls + b._aside[0] for b in (self, *self._others))  # noqa: SLF001

    @property
    def blind(self) -> bool:
        """Whether cost is limited and no call has shown yet what one costs."""
        return self.max_cost is not None and self._worst is None

    @property
    def cost(self) -> float | None:
        """What the calls made took, unknown ones at the worst known; None where no cost is known."""
        if self._unknown and self._worst is None:
            return None
        return self._spent + self._unknown * (self._worst or 0.0)

    def assume(self, cost: float) -> None:
        """What a call is thought to cost before one was made."""
        self._note(cost, 1)

    def learn(self, traces: Iterable[Trace]) -> None:
        """Take note of what calls have cost before, so that unknown costs can be counted."""
        for trace in traces:
            self._note(trace.usage.cost, 1)

    @property
    def seconds_left(self) -> float | None:
        """How long calls may still be begun; None where time is not limited."""
        if self.max_time is None:
            return None
        return self.max_time - (time.monotonic() - self._began)

    def out_of_time(self) -> None:
        """The limit of time kept a call from being made."""
        self.refused = self._stopped or "time"

    @property
    def goes_on(self) -> bool:
        """Whether a call may be begun, as far as time and those who stop a run are concerned."""
        if self._stopped or not self._in_time():
            self.refused = self._stopped or "time"
            return False
        return True

    def take(self, calls: int, aside: tuple[int, float] = (0, 0.0), *, pilot: bool = False) -> bool:
        """Reserve calls, and put calls and cost ``aside``; False, and nothing is done, where a limit would be crossed.

        A ``pilot`` learns the price: as long as none is known, its cost is not asked for.
        """
        if not self.goes_on:
            return False
        if self.left is not None and calls + aside[0] > self.left:
            self.refused = "calls"
            return False
        if not (pilot and self.blind) and not self._affords(calls, aside[1]):
            self.refused = "cost"
            return False
        self.put_aside(*aside)
        self.calls += calls
        self._under_way += calls
        return True

    def again(self, *, lost: bool) -> bool:
        """Reserve one more call for a question whose last one is over; False, and nothing is done, at a limit.

        ``lost``: what the last one cost is not known; else it was refused, and cost nothing. The first question, which
        goes out to learn the price, may be put again until it has told it.
        """
        self._under_way -= 1
        self._unknown += lost
        if self.take(1, pilot=self._under_way == 0):
            return True
        self._under_way += 1
        self._unknown -= lost
        return False

    def stop(self, why: str = "interrupt") -> None:
        """Let no further call be made; the first reason holds."""
        for budget in (self, *self._others):
            budget._stopped = budget._stopped or why  # noqa: SLF001

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be done, paid for or not."""
        return self._stopped is not None

    def settle(self, calls: int, cost: float | None, seconds: float | None = None) -> None:
        """Book what reserved calls have cost, and how long they took together if that is known."""
        self._under_way -= calls
        if seconds is not None:
            self._seconds = [self._seconds[0] + seconds, self._seconds[1] + 1]
        self._note(cost, calls)
        if cost is None:
            self._unknown += calls
        else:
            self._spent += cost

    def _note(self, cost: float | None, calls: int) -> None:
        if cost is not None:
            self._worst = max(self._worst or 0.0, cost / calls)

    def _in_time(self) -> bool:
        if self.max_time is None:
            return True
        took, calls = self._seconds
        mean = took / calls if calls else 0.0
        return time.monotonic() - self._began + mean < self.max_time

    def _affords(self, calls: int, aside: float) -> bool:
        if self.max_cost is None:
            return True
        taken = sum(b._committed() for b in (self, *self._others)) + aside  # noqa: SLF001
        if self._worst is None:
            return self._unknown + self._under_way == 0 and taken < self.max_cost
        return taken + calls * self._worst <= self.max_cost + 1e-12

    def _committed(self) -> float:
        """What was spent, what calls under way may cost, and what is kept for the purse beside."""
        return (
            self._spent + (self._under_way + self._unknown) * (self._worst or 0.0) + self._aside[1]
        )


def check_costs(systems: Iterable[System], budget: Budget) -> None:
    """``InvalidInput`` where cost is limited and a system can never tell what its calls cost; before the first call.

    A system says so by ``unpriced``: how to give a price. Where all are ``free``, no call costs anything.
    """
    asked = list(systems)
    if budget.max_cost is None:
        return
    for one in asked:
        told = getattr(one, "unpriced", None)
        if told is not None:
            message = f"a limit of cost holds, and what its calls cost is not known: {told}"
            hint = "or limit the number of calls (--max-calls) instead of their cost"
            raise InvalidInput(message, field=one.name, hint=hint)
    if asked and all(getattr(one, "free", False) for one in asked):
        budget.assume(0.0)


def told_limit(budget: Budget, answered: int, questions: int, last: Trace | None) -> str:
    """Which limit ended the first answers, and how to go on; ``last`` is the last answer that came."""
    there = f"{answered} of {questions} questions are answered"
    if budget.refused != "cost" or not budget.blind or last is None:
        limit = f"stopped at the limit of {budget.refused}: {there}"
        return f"{limit}; raise it and run again with the same --out"
    if last.error is not None:
        why = f"the first call failed ({last.error.kind}) and told no cost"
        return f"stopped, {there}: a limit of cost holds, and {why}; run again with the same --out"
    why = f"the answer of {last.system} does not say what it cost (usage.cost)"
    hint = "let it say so, or limit calls (--max-calls) instead, and run again with the same --out"
    return f"stopped, {there}: a limit of cost holds, and {why}; {hint}"


def money(amount: float) -> str:
    """An amount with two decimal places, a small one with two digits: what costs something is never told as 0.00."""
    if amount >= 1e9:
        return f"{amount:.3g}"
    if amount <= 0 or amount >= 0.1:
        return f"{amount:.2f}"
    return f"{amount:.{1 - math.floor(math.log10(amount))}f}"


class Pilot:
    """Tells what the first answers will take, once a few of them have shown what one takes."""

    SIZE = 5  # answers
    WORTH = 10.0  # seconds; less is over before it is read

    def __init__(self, questions: int, concurrency: int, say: Callable[[str], None]) -> None:
        self.questions, self.concurrency, self._say = questions, concurrency, say
        self._seen: list[Trace] = []
        self._odd = False  # whether it was said that usage cannot be read

    def note(self, trace: Trace) -> None:
        """One more answer."""
        if not self._odd and ODD in trace.meta:
            self._odd = True
            self._say(
                f"{trace.system}: what answers say they took is partly unknown: {trace.meta[ODD]}"
            )
        if len(self._seen) >= self.SIZE:
            return
        self._seen.append(trace)
        if len(self._seen) == self.SIZE and (told := self.forecast()) is not None:
            self._say(told)

    def forecast(self) -> str | None:
        """What is left to do, in words; None where it costs nothing known and is soon over."""
        left = self.questions - len(self._seen)
        seconds = _mean(t.seconds.total for t in self._seen) or 0.0
        cost = _mean(t.usage.cost for t in self._seen)
        tokens = _mean(_tokens(t) for t in self._seen)
        wait = seconds * left / max(1, min(self.concurrency, left))
        if left <= 0 or (wait < self.WORTH and not cost):
            return None
        again = _mean(map(_attempts, self._seen)) or 1.0
        parts = [
            f"about {left * again:.0f} calls",
            "tokens unknown" if tokens is None else f"{tokens * left:,.0f} tokens",
            "cost unknown" if cost is None else f"cost {money(cost * left)}",
            f"{wait / 60:.0f} minutes" if wait >= 90 else f"{wait:.0f} seconds",
        ]
        return (
            f"{len(self._seen)} answers are there; the other first answers take {', '.join(parts)}"
        )


def _attempts(trace: Trace) -> int:
    told = trace.meta.get("attempts")
    return told if type(told) is int and told > 0 else 1


def _tokens(trace: Trace) -> int | None:
    found = (trace.usage.prompt_tokens, trace.usage.completion_tokens)
    return None if found == (None, None) else sum(n or 0 for n in found)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
