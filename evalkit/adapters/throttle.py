"""How many calls an endpoint gets at a time, and how fast: learnt from its own refusals."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from enum import Enum

TOLERATED = 0.1  # share of refusals that is chance, or the price of looking for the limit
MEMORY = 40.0  # replies that the share of refusals looks back on
SHRINK = 0.7  # of the places that are left when the endpoint refuses
FORGET = 0.98  # of the best pace that is left after each interval
CALM = 3.0  # seconds in which the pace climbs back to where it was refused
CALM_CALLS = 20.0  # calls that it lasts at least, for slow endpoints
INTERVAL = 0.5  # seconds over which the pace is measured
HASTE = 4.0  # the pace never climbs beyond this many times the best one before it is measured anew


class Sign(Enum):
    """What the end of a call says of the endpoint's load."""

    GOOD = "answered"
    BUSY = "refused for its load, or not answered in time"
    NONE = "says nothing about the load"


class Throttle:
    """The places of one endpoint, handed out first come first served; a call that is tried again goes first.

    ``cap`` bounds the calls at a time, ``None`` leaves that to the callers. Nothing is held back until the
    endpoint refuses more than a tenth of the calls (429, 503, timeouts). Then the places shrink to 70 %, and
    sends are spaced at the pace that it was seen to answer (the largest of the last intervals, as in BBR,
    Cardwell et al. 2016). From 95 % of that, the pace climbs along a cubic curve: flat around the old limit,
    then ever faster (CUBIC, RFC 9438), so that a limit is found again and an endpoint that has recovered is
    used in full. Times are those of the running loop.
    """

    def __init__(self, cap: int | None = None) -> None:
        self.cap = cap or None
        self.in_flight = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._new: deque[asyncio.Future[None]] = deque()
        self._again: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._limit = float(self.cap or math.inf)
        self._busy_share = 0.0
        self._backed_off: float | None = None  # when; None: never refused, or recovered in full
        self._not_before = 0.0
        self._next_send = 0.0
        self._best = 0.0  # answered calls per second
        self._latency = 0.0
        self._counted, self._since = 0, 0.0
        self._tolerated = TOLERATED

    @property
    def limit(self) -> float:
        """Calls that may be under way now; infinity where neither the caller nor the endpoint set a limit."""
        return self._limit

    async def enter(self, *, again: bool = False) -> float:
        """Wait for a place; seconds waited. Each must be given back by ``leave``."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        now = loop.time()
        if not self._new and not self._again and self._opens_at(now) <= now:
            self._take(now)
            return 0.0
        turn: asyncio.Future[None] = loop.create_future()
        (self._again if again else self._new).append(turn)
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came in the same moment
                self.in_flight -= 1
            self._serve()
            raise
        return loop.time() - now

    def leave(self, sent: float, sign: Sign, asked: float | None = None) -> None:
        """Give back the place of a call that was sent at ``sent``; ``asked`` is the wait it was told, in seconds."""
        now = asyncio.get_running_loop().time()
        self.in_flight -= 1
        if sign is Sign.BUSY or self._backed_off is not None or self._busy_share:
            self._learn(now, sent, sign, asked)
        self._serve()

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another loop has other times and none of the old waiters."""
        self._new.clear()
        self._again.clear()
        self._loop, self._timer, self.in_flight = loop, None, 0
        self._backed_off, self._not_before, self._next_send = None, 0.0, 0.0
        self._busy_share, self._limit = 0.0, float(self.cap or math.inf)

    def _take(self, now: float) -> None:
        self.in_flight += 1
        pace = self._pace(now)
        if pace < math.inf:
            self._next_send = max(now, self._next_send) + 1 / pace

    def _opens_at(self, now: float) -> float:
        """When the next call may be sent as far as time goes; infinity when all places are taken."""
        if self.in_flight >= max(1, int(min(self._limit, 1e9))):
            return math.inf
        return max(now, self._not_before, self._next_send) if self._backed_off is not None else now

    def _serve(self) -> None:
        """Wake those whose turn it is, and set the clock for the next one."""
        loop = self._loop
        if loop is None or not (self._new or self._again):
            return
        now = loop.time()
        while self._new or self._again:
            opens = self._opens_at(now)
            if opens > now:
                if opens < math.inf:
                    self._wake_at(opens, loop)
                return
            turn = self._again.popleft() if self._again else self._new.popleft()
            if not turn.done():
                self._take(now)
                turn.set_result(None)

    def _wake_at(self, moment: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(moment, self._serve)

    def _learn(self, now: float, sent: float, sign: Sign, asked: float | None) -> None:
        if sign is Sign.NONE:
            return
        busy = sign is Sign.BUSY
        if not self._since:
            self._since = now
        self._busy_share += (busy - self._busy_share) / MEMORY
        if not busy:
            self._answered(now, sent)
        fresh = self._backed_off is None or sent >= self._backed_off
        if busy and fresh and self._busy_share > (self._tolerated if self._best else 0.0):
            self._back_off(now, asked)

    def _answered(self, now: float, sent: float) -> None:
        taken = now - sent
        self._latency += (taken - self._latency) / (8 if self._latency else 1)
        self._counted += 1
        seconds = now - self._since
        if seconds >= max(INTERVAL, 4 * self._latency) and self._counted >= 5:
            chance = min(self._busy_share, self._tolerated)
            self._best = max(self._best * FORGET, self._counted / seconds / (1 - chance))
            self._counted, self._since = 0, now
        if self._limit < math.inf:
            self._limit = min(float(self.cap or math.inf), self._limit + 1 / self._limit)

    def _back_off(self, now: float, asked: float | None) -> None:
        if math.isinf(self._limit):
            self._limit = float(self.in_flight + 1)
        least = max(1.0, self._best * self._latency / 2)
        self._limit = max(self._limit * SHRINK, min(least, self._limit))
        if self._backed_off is None:
            self._not_before = now + (asked or 0.0)
        elif self._best:
            slow = self._pace(now) <= self._best * 1.02
            self._tolerated = min(0.3, self._tolerated * 1.5) if slow else max(TOLERATED, self._tolerated / 1.5)
        self._backed_off = now
        self._busy_share = 0.0 if self._best else self._busy_share
        self._next_send = max(now, self._not_before)

    def _pace(self, now: float) -> float:
        """Sends per second at most; infinity where it has not been refused or is not measured yet."""
        if self._backed_off is None or not self._best:
            return math.inf
        calm = max(CALM, CALM_CALLS / self._best)
        grown = 0.95 + 0.05 * ((now - self._backed_off) / calm) ** 3
        return self._best * min(grown, HASTE)
