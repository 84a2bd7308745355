"""A circuit breaker: an endpoint that only fails is left alone, tried now and then, and in the end given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from evalkit.adapters.retry import Attempt, Tried, booked
from evalkit.errors import EndpointUnusable
from evalkit.resending import in_time

FIRST_REST, LONGEST_REST = 1.0, 15.0  # seconds between two trials of an endpoint that is down
GONE = frozenset({404, 405, 410})  # the address or the model is not there
_SILENT = frozenset({"connection", "timeout", "rate_limit"})

Call = Callable[[], Awaitable[Tried[Any]]]


class Breaker:
    """Counts the calls in a row that failed for good and were the endpoint's fault, not the question's.

    After ``failures`` of them the endpoint rests: of all the calls that want to be made one at a time is tried,
    after 1, 2, 4, ... 15 seconds; the others wait. An answer closes the circuit. Where none came within
    ``patience`` seconds, every call raises ``EndpointUnusable``, so that the run ends and what was not asked
    stays unasked. An endpoint that never answered, or says that the address is not there, is given up at once.
    ``name`` is what messages call the endpoint, ``again`` how they say that the run can go on.
    """

    def __init__(
        self, name: str = "the endpoint", *, failures: int = 20, patience: float = 30.0
    ) -> None:
        self.name = name
        self.again = "run again with the same --out and --retry-errors when it is well"
        self.failures = failures
        self.patience = patience
        self.in_a_row = 0
        self.down = False  # given up, because it only failed
        self._why: str | None = None
        self._resting_since: float | None = None
        self._answered = False
        self._trials: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        self._rest = FIRST_REST

    def stop(self, why: str) -> EndpointUnusable:
        """Let no further call through; the error to raise."""
        self._why = why
        return EndpointUnusable(why)

    async def guard(self, call: Call, expected: frozenset[int] = frozenset()) -> Tried[Any]:
        """Await ``call()`` once the endpoint may be asked; raises ``EndpointUnusable`` when it is given up.

        A status in ``expected`` is an answer: the caller only wanted to know whether the endpoint says it.
        """
        before: Attempt | None = None  # of this call, made and in vain
        while True:
            if self._why is not None:
                raise _unusable(self._why, before)
            if self._resting_since is None:
                tried = await _made(call, before)
                if not self._opens(tried, expected):
                    return tried
                before = tried.last
                continue
            async with self._trial():
                if self._why is None and self._resting_since is not None:
                    await in_time(asyncio.sleep(self._rest), lost=bool(before and before.lost))
                    tried = await _made(call, before)
                    if not self._opens(tried, expected):
                        return tried
                    before = tried.last
                    self._rest = min(LONGEST_REST, 2 * self._rest)

    def _trial(self) -> asyncio.Lock:
        """Held by the one call that is on trial; a lock serves one loop only."""
        loop = asyncio.get_running_loop()
        if self._trials is None or self._trials[0] is not loop:
            self._trials = loop, asyncio.Lock()
        return self._trials[1]

    def _opens(self, tried: Tried[Any], expected: frozenset[int]) -> bool:
        """Book a call; whether the endpoint is to rest now, and the call to be made again later."""
        if tried.status in expected or not _endpoint_failed(tried):
            self._answered = True
            self.in_a_row, self._resting_since, self._rest = 0, None, FIRST_REST
            return False
        self.in_a_row += 1
        if self.in_a_row < self.failures:
            return False
        now = asyncio.get_running_loop().time()
        if self._resting_since is None:
            self._resting_since = now
        patience = self.patience if self._answered and tried.status not in GONE else 0.0
        if now + self._rest > self._resting_since + patience:
            assert tried.failure is not None
            self.down = True
            self._why = (
                f"{self.name} failed {self.in_a_row} times in a row, last with: {tried.failure.message}; "
                f"what was answered is kept: {self.again}"
            )
            raise _unusable(self._why, tried.last)
        return True


async def _made(call: Call, before: Attempt | None) -> Tried[Any]:
    if before is not None:
        await booked(before)
    return await call()


def _unusable(why: str, before: Attempt | None) -> EndpointUnusable:
    error = EndpointUnusable(why)
    error.lost = before is not None and before.lost
    return error


def _endpoint_failed(tried: Tried[Any]) -> bool:
    failure = tried.failure
    return failure is not None and (failure.kind in _SILENT or tried.status in GONE)
