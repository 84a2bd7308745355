"""Deadlines of calls under way: one timer for all of them, because nearly every call is over long before its own."""

from __future__ import annotations

import asyncio
from math import inf
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary


class Deadline:
    """A context whose task is cancelled after so many ``seconds``, like ``asyncio.timeout``; ``None`` is no limit.

    ``expired`` says afterwards whether it was given up; then the cancellation does not come out of the context.
    """

    __slots__ = ("_cancelled", "_others", "_seconds", "_task", "expired", "when")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self.expired = False
        self.when = 0.0  # by the loop's clock

    def __enter__(self) -> Self:
        if self._seconds is None:
            return self
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] | None = asyncio.current_task(loop)
        assert task is not None
        self._task, self._cancelled = task, task.cancelling()
        self.when = loop.time() + self._seconds
        others = _UNDER_WAY.get(loop)
        if others is None:
            others = _UNDER_WAY[loop] = _UnderWay()
        self._others = others
        others.all.add(self)
        if self.when < others.first:
            others.wait_until(self.when, loop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Take back our own cancellation; one that came from elsewhere goes on."""
        if self.expired:
            ours = self._task.uncancel() <= self._cancelled
            return ours and kind is asyncio.CancelledError
        if self._seconds is not None:
            others = self._others
            others.all.discard(self)
            if not others.all:
                others.rest()
        return False

    def give_up(self) -> None:
        """Cancel the task; its context tells this from others' cancellations."""
        self.expired = True
        self._task.cancel()


class _UnderWay:
    """The deadlines of one event loop, and its timer for the first of them."""

    def __init__(self) -> None:
        self.all: set[Deadline] = set()
        self.first = inf  # when the timer is due
        self._timer: asyncio.TimerHandle | None = None

    def rest(self) -> None:
        """No timer; while others are under way it stays, though it may find nothing to do."""
        self.first = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wait_until(self, when: float, loop: asyncio.AbstractEventLoop) -> None:
        """A timer for the first deadline."""
        if self._timer is not None:
            self._timer.cancel()
        self.first, self._timer = when, loop.call_at(when, self._give_up, loop)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self.first, self._timer = inf, None
        now = loop.time()
        for late in [one for one in self.all if one.when <= now]:
            self.all.discard(late)
            late.give_up()
        if self.all:
            self.wait_until(min(one.when for one in self.all), loop)


_UNDER_WAY: WeakKeyDictionary[asyncio.AbstractEventLoop, _UnderWay] = WeakKeyDictionary()
