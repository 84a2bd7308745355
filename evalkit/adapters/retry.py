"""Retries with exponential backoff, full jitter and the waits that endpoints ask for."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from evalkit.records import Failure

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How hard to try. ``timeout`` is in seconds and covers all attempts and the waits between them.

    The n-th wait is drawn uniformly from 0 to ``first_wait`` * 2^(n-1), at most ``longest_wait`` seconds.
    """

    attempts: int = 4
    timeout: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 20.0


class Attempt(Exception):  # noqa: N818 - an attempt that failed
    """One attempt that failed.

    ``asked`` is the wait in seconds that the endpoint asked for, ``status`` its HTTP status, ``None`` when
    there was no reply.
    """

    def __init__(
        self,
        failure: Failure,
        *,
        retry: bool,
        asked: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retry = retry
        self.asked = asked
        self.status = status


@dataclass(frozen=True, slots=True)
class Tried(Generic[T]):
    """What several attempts came to: a value, or the last failure and its HTTP status, if any."""

    value: T | None
    failure: Failure | None
    attempts: int
    status: int | None = None


async def with_retries(
    send: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    deadline: float,
    chance: random.Random,
    *,
    sleep: Sleep = asyncio.sleep,
) -> Tried[T]:
    """Await ``send`` until it returns, an attempt must not be repeated, or ``deadline`` leaves no room.

    An endpoint that asks for a longer wait than the deadline allows is not asked again.
    """
    loop = asyncio.get_running_loop()
    attempt = 0
    while True:
        attempt += 1
        try:
            return Tried(await send(), None, attempt)
        except Attempt as failed:
            wait = next_wait(policy, attempt, failed.asked, chance)
            late = loop.time() + wait >= deadline
            if not failed.retry or attempt >= policy.attempts or late:
                return Tried(None, failed.failure, attempt, failed.status)
        await sleep(wait)


def next_wait(
    policy: RetryPolicy, attempt: int, asked: float | None, chance: random.Random
) -> float:
    """Seconds to wait after the ``attempt``-th try: never less than what was asked for."""
    ceiling = min(policy.longest_wait, policy.first_wait * 2.0 ** (attempt - 1))
    jitter = chance.uniform(0.0, ceiling)
    return jitter if asked is None else asked + jitter * 0.1


def wait_asked(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that a reply's headers (names in lower case) ask to wait, as number, date or milliseconds.

    ``None`` when nothing sensible is said; infinity is a wait without end.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if name in headers:
            milliseconds = _positive(headers[name])
            if milliseconds is not None:
                return milliseconds / 1000
    text = headers.get("retry-after", "").strip()
    if text.endswith("ms"):
        milliseconds = _positive(text[:-2])
        return None if milliseconds is None else milliseconds / 1000
    seconds = _positive(text.removesuffix("s"))
    return _until(text, now or datetime.now(UTC)) if seconds is None else seconds


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if not math.isnan(value) and value >= 0 else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - now).total_seconds()
    return seconds if seconds >= 0 else None
