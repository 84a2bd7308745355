"""Deadlines of calls under way: one timer for all of them, because nearly every call is over long before its own."""

from __future__ import annotations

import asyncio
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
        if self._seconds is not None:
            task: asyncio.Task[Any] | None = asyncio.current_task()
            assert task is not None
            self._task, self._cancelled = task, task.cancelling()
            loop = asyncio.get_running_loop()
            self.when = loop.time() + self._seconds
            self._others = _of_loop(loop)
            self._others.add(self, loop)
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
            self._others.discard(self)
        return False

    def give_up(self) -> None:
        """Cancel the task; its context tells this from others' cancellations."""
        self.expired = True
        self._task.cancel()


class _UnderWay:
    """The deadlines of one event loop, and its timer for the first of them."""

    def __init__(self) -> None:
        self._all: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: Deadline, loop: asyncio.AbstractEventLoop) -> None:
        self._all.add(one)
        if self._timer is None or one.when < self._timer.when():
            self._wait_until(one.when, loop)

    def discard(self, one: Deadline) -> None:
        """While others are under way the timer stays, though it may find nothing to do."""
        self._all.discard(one)
        if not self._all and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_until(self, when: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._give_up, loop)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for late in [one for one in self._all if one.when <= now]:
            self._all.discard(late)
            late.give_up()
        if self._all:
            self._wait_until(min(one.when for one in self._all), loop)


_UNDER_WAY: WeakKeyDictionary[asyncio.AbstractEventLoop, _UnderWay] = WeakKeyDictionary()


def _of_loop(loop: asyncio.AbstractEventLoop) -> _UnderWay:
    found = _UNDER_WAY.get(loop)
    if found is None:
        found = _UNDER_WAY[loop] = _UnderWay()
    return found
