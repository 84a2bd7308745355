"""What a judge's calls take: the account of those made, the estimate of those to come, and the purse that pays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

DIGITS = 10  # of a cost: sums of such are exact up to 900,000, and do not depend on their order
BYTES_A_TOKEN = 4  # of UTF-8: near four letters of English, one and a third of Japanese


def total_cost(*costs: float) -> float:
    """The sum of costs, the same in whatever order and groups they are added."""
    return round(sum(round(cost, DIGITS) for cost in costs), DIGITS)


class Purse(Protocol):
    """What calls are paid from; ``refused`` says which limit said no last."""

    refused: str | None

    def take(self, calls: int) -> bool:
        """Reserve calls; False where a limit would be crossed."""
        ...

    def settle(self, calls: int, cost: float | None, seconds: float | None = None) -> None:
        """Book what reserved calls have cost."""
        ...


@dataclass(frozen=True, slots=True)
class Spending:
    """What judging has taken so far, summed over everything a judge asks.

    ``from_cache`` counts what was answered without a call; ``untold`` and ``unpriced`` the calls that told no tokens,
    or have no known price: tokens and cost are of the others.
    """

    calls: int = 0
    from_cache: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    untold: int = 0
    unpriced: int = 0

    def __add__(self, other: Spending) -> Spending:
        found = Spending(*(getattr(self, n) + getattr(other, n) for n in Spending.__slots__))
        return replace(found, cost=total_cost(self.cost, other.cost))


@dataclass(frozen=True, slots=True)
class Expected:
    """What judging one answer, or many, is expected to take: ``calls`` as a rule, ``most`` with every detour.

    Tokens are estimated from the length of what would be sent; ``cost`` is None where no price is known.
    """

    calls: int = 0
    most: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0

    def __add__(self, other: Expected) -> Expected:
        costs = (self.cost, other.cost)
        return Expected(
            self.calls + other.calls,
            self.most + other.most,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            None if None in costs else sum(cost or 0.0 for cost in costs),
        )

    def times(self, factor: float) -> Expected:
        """The same for so many answers, rounded."""
        cost = None if self.cost is None else self.cost * factor
        return Expected(
            round(self.calls * factor),
            round(self.most * factor),
            round(self.prompt_tokens * factor),
            round(self.completion_tokens * factor),
            cost,
        )


def tokens_of(text: str) -> int:
    """About how many tokens a text has, in any script."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def priced(prompt_tokens: int, completion_tokens: int, price: Any) -> float | None:
    """The cost of so many tokens at a ``Price``; None without one."""
    if price is None:
        return None
    prompt = prompt_tokens * float(price.prompt_per_million)
    return (prompt + completion_tokens * float(price.completion_per_million)) / 1e6


def spending_of(judge: Any) -> Spending | None:
    """What a judge has spent; None for one that keeps no account."""
    found = getattr(judge, "spending", None)
    if found is None:
        return None
    return Spending(*(getattr(found, name, 0) or 0 for name in Spending.__slots__))


def sum_of(judges: Iterable[Any]) -> Spending:
    """What several judges have spent together."""
    return sum((spending_of(judge) or Spending() for judge in judges), Spending())


def expected_of(judge: Any, case: Any, trace: Any) -> Expected:
    """What judging one answer is expected to take; nothing for a judge that does not tell."""
    if hasattr(judge, "expected"):
        found: Expected = judge.expected(case, trace)
        return found
    if not hasattr(judge, "calls_for"):
        return Expected()
    count = judge.calls_for(case, trace)
    calls = int(getattr(count, "least", count))
    return Expected(calls, int(getattr(count, "most", count)), cost=None if calls else 0.0)


def pay_from(judge: Any, purse: Purse | None) -> None:
    """Let a judge take its calls from ``purse``, if it makes any."""
    pay = getattr(judge, "pay_from", None)
    if pay is not None:
        pay(purse)


def ask_anew(judge: Any, number: int) -> None:
    """Let a judge that remembers its replies take them from no other round than ``number``."""
    anew = getattr(judge, "ask_anew", None)
    if anew is not None:
        anew(number)
