"""How many calls an endpoint gets at a time, and how fast: learnt from its own refusals."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from enum import Enum

TOLERATED = 0.15  # share of refusals that is chance, or the price of looking for the limit
MOST_TOLERATED = 0.4  # the same, once slowing down has not helped
MEMORY = 40.0  # replies that the share of refusals looks back on
SHRINK = 0.8  # of the places that are left when the endpoint refuses
CALM = 3.0  # seconds in which the pace climbs back to where it was refused
CALM_CALLS = 20.0  # calls that it lasts at least, for slow endpoints
LONGEST_CALM = 30.0  # seconds that it lasts at most, after a long outage
LEAST_PACE = 0.2  # calls per second that are sent whatever happens
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
    endpoint refuses more than 15 % of the calls (429, 503, timeouts). Then the places shrink to 80 %, and
    sends are spaced at the largest pace that it was seen to answer (as in BBR, Cardwell et al. 2016). From
    95 % of that, the pace climbs along a cubic curve: flat around the old limit, then ever faster (CUBIC,
    RFC 9438), so that a limit is found again and an endpoint that has recovered is used in full. Refusals
    that stay though it slowed down are chance: up to 40 % of them are put up with.
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
        self._heard = 0  # replies that the share has seen
        self._backed_off: float | None = None  # when for the last time; None: never
        self._slower_since = 0.0  # what was sent before says nothing of the pace it has now
        self._not_before = 0.0
        self._next_send = 0.0
        self._best = 0.0  # answered calls per second
        self._refused: float | None = None  # when for the first time
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
        if self._busy_share or sign is Sign.BUSY or self._backed_off is not None:
            self._learn(now, sent, sign, asked)
        self._serve()

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another loop has other times and none of the old waiters."""
        self._new.clear()
        self._again.clear()
        self._loop, self._timer, self.in_flight = loop, None, 0
        self._backed_off, self._not_before, self._next_send = None, 0.0, 0.0
        self._refused, self._best, self._counted = None, 0.0, 0
        self._busy_share, self._heard, self._slower_since = 0.0, 0, 0.0
        self._limit = float(self.cap or math.inf)

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
        self._busy_share += (busy - self._busy_share) / MEMORY
        self._heard += 1
        if self._refused is None:
            self._refused = self._since = now
        saved_up = sent < self._refused  # a burst sent before the first refusal tells no pace
        if not busy and not saved_up:
            self._answered(now, now - sent)
        if busy and sent >= self._slower_since and self._busy_share > self._tolerated:
            self._back_off(now, asked)

    def _answered(self, now: float, taken: float) -> None:
        self._latency += (taken - self._latency) / (8 if self._latency else 1)
        self._limit = min(float(self.cap or math.inf), self._limit + 1 / self._limit)
        self._counted += 1
        seconds = now - self._since
        if seconds < max(INTERVAL, 4 * self._latency) or self._counted < 5:
            return
        chance = min(self._busy_share, TOLERATED / 2)
        if (
            not self._best
        ):  # sends are spaced from now on: of the refusals so far, what may be chance counts on
            self._busy_share, self._slower_since = chance, now
        self._best = max(self._best, self._counted / seconds / (1 - chance))
        self._counted, self._since = 0, now

    def _back_off(self, now: float, asked: float | None) -> None:
        """Fewer places and a slower pace; the first time also the wait that was asked for."""
        if self._backed_off is None:
            self._limit = min(self._limit, float(self.in_flight + 1))
            self._not_before = self._since = now + (asked or 0.0)
            self._counted = 0
        elif self._best:
            slow = self._pace(now) <= self._best * 1.02
            change = 1.5 if slow else 1 / 1.5
            slower = self._best * min(0.9, 1 - self._seen_share())
            self._best = max(slower, LEAST_PACE) if slow else self._best
            self._tolerated = min(MOST_TOLERATED, max(TOLERATED, self._tolerated * change))
            self._busy_share, self._heard = 0.0, 0
        least = max(1.0, self._best * self._latency / 2)
        self._limit = max(self._limit * SHRINK, min(least, self._limit))
        self._backed_off = self._slower_since = now
        self._next_send = max(now, self._not_before)

    def _seen_share(self) -> float:
        """The share of refusals, freed from the 0 that its average began with (as in Adam, Kingma and Ba 2015)."""
        return self._busy_share / (1 - (1 - 1 / MEMORY) ** self._heard)

    def _pace(self, now: float) -> float:
        """Sends per second at most; infinity where it has not been refused or is not measured yet."""
        if self._backed_off is None or not self._best:
            return math.inf
        calm = min(LONGEST_CALM, max(CALM, CALM_CALLS / self._best))
        grown = 0.95 + 0.05 * ((now - self._backed_off) / calm) ** 3
        return self._best * min(grown, HASTE)
