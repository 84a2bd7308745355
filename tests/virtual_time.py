"""An event loop whose clock jumps to the next timer, so that an hour of waiting takes a moment."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing is waited for; ``time()`` is the sum of what would have been."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        select = self._selector.select

        def jump(timeout: float | None = None) -> list[Any]:
            self._now += timeout or 0.0
            return select(0)

        self._selector.select = jump

    def time(self) -> float:
        return self._now


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """What ``asyncio.run`` would return, without the waiting."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
