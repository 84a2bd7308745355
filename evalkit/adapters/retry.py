"""Retries with exponential backoff, full jitter, a budget, and the waits that endpoints ask for."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from evalkit.records import Failure
from evalkit.resending import in_time, resend

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")  # as in 6m0s or 120ms
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_EPOCH = 1e9  # a larger number of seconds is a moment since 1970, not a wait of 30 years
_QUOTAS = (  # how endpoints name a quota: what is left of it, and when it is full again
    *((f"x-ratelimit-remaining-{of}", f"x-ratelimit-reset-{of}") for of in ("requests", "tokens")),
    *(
        (f"anthropic-ratelimit-{of}-remaining", f"anthropic-ratelimit-{of}-reset")
        for of in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How hard to try. ``timeout`` is in seconds and covers all attempts and the waits between them.

    The n-th wait is drawn uniformly from 0 to ``first_wait`` * 2^(n-1), at most ``longest_wait`` seconds.
    """

    attempts: int = 5
    timeout: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 20.0


class Deadline:
    """By when a question must be answered, however many calls that takes: a ``moment`` of the running loop.

    Waiting for a place at an endpoint moves it, for that is our own doing.
    """

    __slots__ = ("moment",)

    def __init__(self, seconds: float) -> None:
        self.moment = asyncio.get_running_loop().time() + seconds


SHARE, SPARE = 0.3, 50  # a small run in which every call fails once is no storm


class RetryBudget:
    """How many extra attempts a run may make: ``share`` of its calls, and ``spare`` more.

    Without it a sick endpoint would get several times the load of a healthy one. Refusals for load (429) are
    not counted here: the throttle spaces them.
    """

    def __init__(self, share: float = SHARE, spare: int = SPARE) -> None:
        self.share = share
        self.spare = spare
        self.calls = 0
        self.extra = 0

    def take(self) -> bool:
        """Reserve one more attempt; False where the budget is used up."""
        if self.extra + 1 > self.share * self.calls + self.spare:
            return False
        self.extra += 1
        return True

    @property
    def used_up(self) -> str:
        """Why no more is taken, in words."""
        return f"{self.spare} + {self.share:.0%} of its calls are what a run may try again, and that is used up"


class Attempt(Exception):  # noqa: N818 - an attempt that failed
    """One attempt that failed.

    ``asked`` is the wait in seconds that the endpoint asked for, ``status`` its HTTP status, ``None`` when
    there was no reply. ``lost``: the request may have been worked on all the same, and may cost. ``after`` is the
    attempt before, where this one never went out.
    """

    def __init__(
        self,
        failure: Failure,
        *,
        retry: bool,
        asked: float | None = None,
        status: int | None = None,
        lost: bool = False,
        after: Attempt | None = None,
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retry = retry
        self.asked = asked
        self.status = status
        self.lost = lost
        self.after = after


@dataclass(frozen=True, slots=True)
class Tried(Generic[T]):
    """What several attempts came to: a value, or the last failure and its HTTP status, if any.

    ``seconds`` is how long the last attempt took, without the waits before it. ``lost`` counts the attempts
    that were sent and never answered: what they cost is not known. ``last`` is the attempt that failed for good.
    """

    value: T | None
    failure: Failure | None
    attempts: int
    status: int | None = None
    seconds: float = 0.0
    lost: int = 0
    last: Attempt | None = None

    def meta(self) -> dict[str, object]:
        """What a trace keeps of it: ``attempts`` beyond one, ``lost`` attempts, ``sent`` if the last may cost too."""
        kept: dict[str, object] = {}
        if self.attempts > 1:
            kept["attempts"] = self.attempts
        if self.lost:
            kept["lost"] = self.lost
            if self.last is not None and self.last.lost:
                kept["sent"] = True
        return kept


def _not_again(failure: Failure, why: str) -> Failure:
    return Failure(failure.kind, f"{failure.message}; not tried again: {why}")


async def booked(before: Attempt) -> None:
    """Return once a call may be made again after an attempt, and that one is booked; one that never went out is none.

    Raises ``NotAgain`` where a limit forbids it.
    """
    if before.lost or before.status is not None:
        await resend(before.failure.kind, lost=before.lost)


def _always(_: Attempt) -> None:
    """Any attempt may be made."""


async def with_retries(
    send: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    deadline: float,
    chance: random.Random,
    *,
    sleep: Sleep = asyncio.sleep,
    affordable: Callable[[Attempt], str | None] = _always,
) -> Tried[T]:
    """Await ``send`` until it returns, an attempt must not be repeated, or ``deadline`` leaves no room.

    An endpoint that asks for a longer wait than the deadline allows is not asked again, nor where
    ``affordable`` says why there must be no further attempt.
    """
    loop = asyncio.get_running_loop()
    attempt = lost = 0
    while True:
        attempt += 1
        started = loop.time()
        try:
            value = await send()
        except Attempt as failed:
            now = loop.time()
            sent_before = failed.lost
            lost += failed.lost
            wait = next_wait(policy, attempt, failed.asked, chance)
            last = not failed.retry or attempt >= policy.attempts or now + wait >= deadline
            why = None if last else affordable(failed)
            if last or why is not None:
                failure = failed.failure if why is None else _not_again(failed.failure, why)
                sent, took = failed.after or failed, now - started
                return Tried(None, failure, attempt, failed.status, took, lost, sent)
        else:
            return Tried(value, None, attempt, None, loop.time() - started, lost)
        await in_time(sleep(wait), lost=sent_before)


def next_wait(
    policy: RetryPolicy, attempt: int, asked: float | None, chance: random.Random
) -> float:
    """Seconds to wait after the ``attempt``-th try: never less than what was asked for."""
    ceiling = min(policy.longest_wait, policy.first_wait * 2.0 ** (attempt - 1))
    jitter = chance.uniform(0.0, ceiling)
    return jitter if asked is None else asked + jitter * 0.1


def wait_asked(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that a reply's headers (names in lower case) ask to wait; ``None`` when nothing sensible is said.

    ``Retry-After`` counts first: seconds, ``250ms``, ``1m30s``, a date, a moment since 1970; and its forms in
    milliseconds. Without it, the quotas that are used up say when they are full again. Infinity is a wait
    without end.
    """
    now = now or datetime.now(UTC)
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _positive(headers.get(name, ""))
        if milliseconds is not None:
            return milliseconds / 1000
    told = read_wait(headers.get("retry-after", ""), now)
    return told if told is not None else _quota_wait(headers, now)


def _quota_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    waits = []
    for remaining, reset in _QUOTAS:
        left = _positive(headers.get(remaining, ""))
        wait = read_wait(headers.get(reset, ""), now)
        if left is not None and left < 1 and wait is not None:
            waits.append(wait)
    return max(waits, default=None)


def read_wait(text: str, now: datetime) -> float | None:
    """Seconds from ``now`` that a text in any of the usual spellings stands for; ``None`` for the past or nonsense."""
    text = text.strip()
    seconds = _positive(text)
    if seconds is not None:
        if not _EPOCH < seconds < 10 * _EPOCH:
            return seconds
        late = seconds - now.timestamp()
        return late if late >= 0 else None
    parts = _PARTS.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return _until(text, now)


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if not math.isnan(value) and value >= 0 else None


def _until(text: str, now: datetime) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
        return seconds if seconds >= 0 else None
    return None
